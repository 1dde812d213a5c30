"""Imports run downwards only: who may import what, read from the sources."""

import ast
import configparser
import pathlib

import pytest
import setuptools

ROOT = pathlib.Path(__file__).parents[1]
FLOORS = {
    "aim_keras.backend": -2,
    "aim_keras.atomic": -3,
    "aim_keras.arguments": -3,
    "aim_keras.documents": -2,
    "aim_keras.fields": -1,
    "aim_keras.kept_dimensions": -1,
    "aim_keras.served_names": 0,
    "aim_keras.architecture": 0,
    "aim_keras.feature_groups": 0,
    "aim_keras.metrics": 0,
    "aim_keras.metrics.exact": -1,
    "aim_keras.click_counts": 0,
    "aim_keras.pair_operations": 0,
    "aim_keras.layers.interaction_function": -1,
    "aim_keras.layers.interaction_functions": 0,
    "aim_keras.layers.shared_parts": -1,
    "aim_keras.layers.weighted_products": -1,
    "aim_keras.layers": 1,
    "aim_keras.optimizers": 1,
    "aim_keras.datasets": 1,
    "aim_keras.callbacks": 2,
    "aim_keras.analysis": 1,
    "aim_keras.models": 2,
    "aim_keras.search": 3,
    "aim_keras.field_importance": 2,
    "aim_keras.warm_up": 2,
    "aim_keras.export_arguments": 2,
    "aim_keras.export": 3,
    "aim_keras": 3,
    "experiments.binary": 3,
    "experiments.folders": 3,
    "experiments.provenance": 3,
    "experiments.markdown": 3,
    "experiments.run_files": 3,
    "experiments.gin_values": 3,
    "experiments.summary": 3,
    "experiments": 4,
    "experiments.train": 5,
    "experiments.analyze": 5,
    "experiments.benchmark": 5,
    "experiments.report": 5,
    "experiments.compare": 5,
    "experiments.growth": 5,
    "experiments.rerun": 5,
    "experiments.fuzzing": 6,
    "experiments.fuzz": 7,
    "experiments.soak": 6,
    "experiments.serve_bench": 5,
    "experiments.score": 5,
    "experiments.parities": 5,
    "experiments.parity": 6,
    "experiments.tables": 5,
    "experiments.plots": 5,
    "experiments.tabulating": 5,
}
PEERS = ("experiments.benchmarks.peers", "experiments.parities.peers")
WHO_MAY = {
    "tensorflow": (
        "aim_keras.backend",
        "aim_keras.callbacks.gate_steps",
        "aim_keras.callbacks.search_state",
        "aim_keras.datasets",
        "aim_keras.export",
        "aim_keras.optimizers.lazy_adam",
        "aim_keras.warm_up",
        "experiments",
    ),
    "tensorflow_serving": ("aim_keras.warm_up",),
    "apache_beam": ("aim_keras.datasets.beam_graph", "experiments.data_sets"),
    "tensorflow_datasets": ("aim_keras.datasets", "experiments"),
    "pyarrow": ("aim_keras.datasets", "experiments.fuzzing"),
    "gin": ("experiments",),
    "pydantic": ("experiments",),
    "absl": (
        "experiments.train",
        "experiments.analyze",
        "experiments.benchmark",
        "experiments.binary",
        "experiments.compare",
        "experiments.fuzz",
        "experiments.growth",
        "experiments.parity",
        "experiments.peer_flags",
        "experiments.report",
        "experiments.rerun",
        "experiments.score",
        "experiments.serve_bench",
        "experiments.soak",
        "experiments.tables",
    ),
    "matplotlib": (
        "experiments.plots",
        "experiments.reporting.drawing",
        "experiments.reporting.figures",
        "experiments.benchmarks.plot",
        "experiments.benchmarks.growth_plot",
    ),
    "scipy": ("experiments.tabulating.performance",),
    "torch": PEERS,
    "deepctr": PEERS,
    "deepctr_torch": PEERS,
    "torch_rechub": PEERS,
    "fuxictr": PEERS,
    "keras": ("aim_keras", "experiments"),
}
NUMPY_ONLY = (
    "aim_keras.atomic",
    "aim_keras.fields",
    "aim_keras.documents",
    "aim_keras.architecture",
    "aim_keras.feature_groups",
    "aim_keras.metrics.exact",
    "aim_keras.pair_operations",
    "aim_keras.click_counts",
    "aim_keras.analysis",
)


def within(module, *packages):
    return any(module == p or module.startswith(f"{p}.") for p in packages)


def floor(module):
    return FLOORS[max((name for name in FLOORS if within(module, name)), key=len)]


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


PATHS = sorted(
    path for folder in ("aim_keras", "experiments") for path in (ROOT / folder).rglob("*.py")
)
MODULES = {module_name(path): path for path in PATHS}


def imports(module):
    """Full names of all that a module imports, in functions too."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                is_module = node.module not in MODULES or name in MODULES
                yield name if is_module else node.module


def test_there_is_something_to_check():
    assert {"aim_keras.search", "aim_keras.layers", "experiments.train"} <= set(MODULES)
    assert "aim_keras.layers.gates" in set(imports("aim_keras.layers.dimension_gate"))


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards(module):
    is_package = MODULES[module].name == "__init__.py"
    package = module if is_package else module.rpartition(".")[0]
    for imported in imports(module):
        if within(imported, "aim_keras", "experiments"):
            in_package = within(imported, package) and (is_package or package != "aim_keras")
            assert floor(imported) < floor(module) + in_package, imported


@pytest.mark.parametrize("module", MODULES)
def test_third_parties(module):
    for imported in imports(module):
        for party, allowed in WHO_MAY.items():
            if within(imported, party):
                assert within(module, *allowed), imported
                assert module not in NUMPY_ONLY, imported


def test_nothing_imports_the_experiments():
    assert not [
        m for m in MODULES if within(m, "aim_keras") for i in imports(m) if within(i, "experiments")
    ]


@pytest.mark.parametrize("module", ["aim_keras.backend", "aim_keras.optimizers.lazy_adam"])
def test_layers_and_optimizers_import_tensorflow_behind_the_switch(module):
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    (guarded,) = [node for node in tree.body if isinstance(node, ast.If)]
    assert ast.unparse(guarded) == "if USES_TENSORFLOW:\n    import tensorflow as tf"
    unguarded = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    assert "tensorflow" not in ast.unparse(unguarded)


def test_one_module_asks_for_the_backend():
    library = [module for module in MODULES if within(module, "aim_keras")]
    asking = [m for m in library if "backend.backend()" in MODULES[m].read_text("utf-8")]
    assert asking == ["aim_keras.backend"]


def test_gin_folder_holds_text_only():
    """A Python file in it would make it the module `gin` in place of gin-config."""
    assert list((ROOT / "gin").rglob("*.gin"))
    assert {path.suffix for path in (ROOT / "gin").rglob("*") if path.is_file()} == {".gin"}


def test_wheel_holds_the_library_only():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    include = setup["options.packages.find"]["include"].split()
    packages = setuptools.find_packages(ROOT, include=include)
    assert packages
    assert all(within(package, "aim_keras") for package in packages)
    assert {m.rpartition(".")[0] for m in MODULES if within(m, "aim_keras") and "." in m} <= set(
        packages
    )
    assert (ROOT / "aim_keras" / setup["options.package_data"]["aim_keras"]).exists()
