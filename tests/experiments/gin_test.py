"""Every configuration: it parses alone, leaves no value open, sets nothing in a scope that no stage
has, and takes ORDER if it searches."""

import inspect

import gin
import pytest

from aim_keras import models
from experiments.configuration import GIN_DIR, gin_path, parse
from tests import forked

FRAGMENTS = ("datasets", "models", "optimizers", "stages", "ablations", "controls")
TABLES = "tables"  # configurations of another binary: tables_test.py
LEAVES = sorted(
    path.relative_to(GIN_DIR).as_posix()
    for path in GIN_DIR.rglob("*.gin")
    if path.parent.name not in (*FRAGMENTS, TABLES) and path.name != "base.gin"
)
PARSE = """
import gin
from experiments import gin_values, pipeline, request
from experiments.configuration import gin_path, parse
for leaf in {leaves}:
    gin.clear_config()
    parse(gin_path(leaf), [])
    text = gin.config_str()
    assert "REQUIRED" not in text, (leaf, text)
    searches = "search_interactions" in gin.query_parameter("pipeline.run.stages")
    assert searches == ("pipeline.run.order = %ORDER" in text), (leaf, text)
    gin_values.check_scopes(request.SCOPES)
"""


def test_there_are_leaves():
    assert {"quickstart.gin", "criteo.gin", "runs/frappe_fm.gin"} <= set(LEAVES)


def test_every_leaf_parses_and_is_complete():
    forked.output_of_python("-c", PARSE.format(leaves=LEAVES))


def test_from_another_folder_a_leaf_parses_without_a_word(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    gin.clear_config()
    parse(gin_path("quickstart.gin"), [])
    assert caplog.text == ""


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_says_how_it_is_run(leaf):
    text = (GIN_DIR / leaf).read_text()
    assert f"--gin_file={leaf}" in text


def test_lazy_adam_takes_the_regularizer_of_every_models_tables():
    gin.clear_config()
    parse(gin_path("runs/frappe_lr.gin"), ["include 'gin/optimizers/lazy_adam.gin'"])
    for name in models.__all__:
        arguments = inspect.signature(inspect.unwrap(getattr(models, name).__init__)).parameters
        (argument,) = {"embedding_regularizer", "regularizer"} & set(arguments)
        assert gin.query_parameter(f"models.{name}.{argument}") is None
    gin.clear_config()
