"""What the pages link to is there, and what the documentation needs of the sources."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)")


def linked(page):
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return LINK.findall(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page):
    missing = [link for link in linked(page) if not (page.parent / link).is_file()]
    assert not missing


def test_pages_are_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = [page.name for page in ROOT.glob("docs/*.md")]
    assert not [page for page in pages if f": {page}\n" not in navigation]


def test_what_the_paper_page_names_is_defined_where_it_links():
    text = (ROOT / "docs/paper.md").read_text("utf-8")
    named = re.findall(r"\[((?:`\w+`(?:, )?)+)\]\(\.\./([^)]+\.py)\)", text)
    assert len(named) > 20
    for names, path in named:
        source = (ROOT / path).read_text("utf-8")
        for name in re.findall(r"\w+", names):
            is_module = name == pathlib.Path(path).stem
            assert is_module or re.search(rf"^(class|def) {name}\b", source, re.MULTILINE), name


def test_the_citation_is_of_this_version():
    setup = (ROOT / "setup.cfg").read_text("utf-8")
    (version,) = re.findall(r"^version = (.+)$", setup, re.MULTILINE)
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_examples_in_docstrings_are_fenced():
    """Without a fence a page has them as quotations of quotations."""
    sources = {path: path.read_text("utf-8") for path in ROOT.glob("aim_keras/**/*.py")}
    assert not [path for path, text in sources.items() if re.search(r"\n\n +>>> ", text)]
