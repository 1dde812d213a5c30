"""What the pages link to is there, and what the documentation needs of the sources."""

import ast
import doctest
import inspect
import pathlib
import re

import keras
import numpy as np
import pytest

from aim_keras import layers, models

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)")
LAYERS_AND_MODELS = {
    name: item
    for package in (layers, models)
    for name in package.__all__
    if inspect.isclass(item := getattr(package, name)) and issubclass(item, keras.Layer)
}


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


class TuplesForShapes(doctest.OutputChecker):
    """A shape is written as a tuple, as it is on other backends and of a symbolic tensor."""

    def check_output(self, want, got, optionflags):
        shape = re.compile(r"TensorShape\((\[[^]]*\])\)")
        got = shape.sub(lambda found: str(tuple(ast.literal_eval(found[1]))), got)
        return super().check_output(want, got, optionflags)


@pytest.mark.parametrize("name", LAYERS_AND_MODELS)
def test_example_of_layer_or_model(name):
    """It runs with NumPy, `ids`, all public layers, and what the file of its class imports."""
    item = LAYERS_AND_MODELS[name]
    names = {**vars(layers), **vars(inspect.getmodule(item)), "np": np}
    names["ids"] = np.array([[999, 0, 3]])
    (source,) = re.findall(r"\nExample:\n\n```pycon\n(.+?)```", inspect.getdoc(item), re.DOTALL)
    example = doctest.DocTestParser().get_doctest(source, names, name, None, 0)
    report = []
    failed, run = doctest.DocTestRunner(TuplesForShapes()).run(example, out=report.append)
    assert run
    assert not failed, "".join(report)
