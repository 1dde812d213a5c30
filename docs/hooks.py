"""What the site has beside the pages of this folder: the API, and repository files that they link.

A page links to a file outside of `docs/` by its path, which works in the repository. On the site
that is the file's API page where it holds something public, else a page with its text.
"""

import ast
import pathlib
import posixpath
import re

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "experiments/results/RESULTS.md": "results.md",
}
PACKAGES = ("layers", "optimizers", "models", "search", "callbacks", "metrics")
MODULES = {
    "models": ("models/interaction_terms",),
    "architecture_and_data": ("architecture", "fields", "datasets/pipeline", "datasets/lists"),
    "analysis_and_export": ("analysis", "field_importance", "export"),
}
LINK = re.compile(r"(?<=\]\()[^)#:\s]+")
IMAGE = (".png", ".svg")
LANGUAGES = {".gin": "python", ".yml": "yaml"}


def public_names():
    """`{section: {file of the repository: its public names}}`."""
    sections = {}
    for package in PACKAGES:
        imports = _parsed(f"aim_keras/{package}/__init__.py", ast.ImportFrom)
        sections[package] = {
            f"{node.module.replace('.', '/')}.py": [alias.name for alias in node.names]
            for node in imports
        }
    for section, modules in MODULES.items():
        paths = [f"aim_keras/{module}.py" for module in modules]
        sections.setdefault(section, {}).update({path: [*_defined(path)] for path in paths})
    for file in sorted((ROOT / "aim_keras/datasets").glob("*.py")):
        path = str(file.relative_to(ROOT))
        if "builder" in (names := _defined(path)):
            sections["architecture_and_data"][path] = [*names]
    return sections


def _parsed(path, *kinds):
    body = ast.parse((ROOT / path).read_text("utf-8")).body
    return [
        node for node in body if isinstance(node, kinds) and getattr(node, "name", "")[:1] != "_"
    ]


def _defined(path):
    return {node.name: node for node in _parsed(path, ast.ClassDef, ast.FunctionDef)}


def _api_page(path):
    return "api/" + path.removeprefix("aim_keras/").replace(".py", ".md")


def _api_text(path, names, title):
    module = path.removesuffix(".py").replace("/", ".")
    members = [f"::: {module}.{name}\n" for name in names]
    if len(names) == 1:
        return f"---\ntitle: {names[0]}\n---\n\n{members[0]}    options: {{heading_level: 1}}\n"
    return "\n".join([f"# {title}\n", *members])


def _section_text(section, files):
    lines = [f"# {_title(section)}", ""]
    for path, names in files.items():
        page = posixpath.relpath(_api_page(path), f"api/{section}")
        for name in names:
            summary = ast.get_docstring(_defined(path)[name]).partition("\n")[0]
            lines.append(f"- [`{name}`]({page}): {summary}")
    return "\n".join(lines) + "\n"


def _source_text(path):
    text = (ROOT / path).read_text("utf-8")
    if path.endswith(".md"):
        return text
    suffix = pathlib.Path(path).suffix
    return f"# {path}\n\n~~~~{LANGUAGES.get(suffix, suffix[1:])}\n{text}~~~~\n"


def on_config(config):
    """Puts the API into the navigation."""
    sections = [
        {_title(section): [_index(section), *map(_api_page, files)]}
        for section, files in public_names().items()
    ]
    (api,) = [entry for entry in config.nav if "API" in entry]
    api["API"] = sections
    return config


def _title(section):
    return section.replace("_", " ").capitalize()


def _index(section):
    return f"api/{section}/index.md"


def on_files(files, config):
    """Adds the pages of the API and of the linked files."""
    site = {f"docs/{file.src_uri}": file.src_uri for file in files}
    texts = {}
    for section, members in public_names().items():
        texts[_index(section)] = _section_text(section, members)
        for path, names in members.items():
            title = ", ".join(names) if section in PACKAGES else path[len("aim_keras/") : -3]
            texts[_api_page(path)] = _api_text(path, names, title)
            site[path] = _api_page(path)
    for path, page in PAGES.items():
        texts[page] = _source_text(path)
        site[path] = page
    pages = [path for path in site if path.endswith(".md")]
    for page in pages:
        for target in _targets(page):
            if target in site:
                continue
            site[target] = f"source/{target}"
            if target.endswith(IMAGE):
                image = str(ROOT / target)
                files.append(File.generated(config, site[target], abs_src_path=image))
            else:
                site[target] += ".md"
                texts[site[target]] = _source_text(target)
    for page, text in texts.items():
        files.append(File.generated(config, page, content=text))
    config.extra["site_of"] = site
    return files


def _targets(page):
    """The files of the repository to which a page of it links."""
    links = LINK.findall((ROOT / page).read_text("utf-8"))
    paths = [posixpath.normpath(posixpath.join(posixpath.dirname(page), link)) for link in links]
    return [path for path in paths if (ROOT / path).is_file()]


def on_page_markdown(markdown, page, config, files):
    """Turns links to files of the repository into links to pages of the site."""
    site = config.extra["site_of"]
    here = page.file.src_uri
    (origin,) = [path for path, target in site.items() if target == here] or [None]
    if origin is None or not origin.endswith(".md"):
        return markdown

    def on_site(link):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), link[0]))
        return posixpath.relpath(site[path], posixpath.dirname(here)) if path in site else link[0]

    return LINK.sub(on_site, markdown)
