import importlib.util
import re

import pytest

from tests import forked
from tests.conftest import EXAMPLES


def test_gate_an_existing_model(load, capsys):
    example = load("gate_an_existing_model")
    architecture = example.main()
    assert architecture.fields == tuple(example.VOCABULARY_SIZES)
    assert example.PLANTED in architecture.interactions["inner"]
    assert len(architecture.units(2)) <= 3
    printed = capsys.readouterr().out
    ordinary, gated = (float(auc) for auc in re.findall(r": AUC ([\d.]+)", printed))
    assert gated > ordinary - 0.005
    assert gated > 0.8
    assert "kept: [('inner', ('user', 'item'))" in printed


def test_own_data(load, tmp_path, capsys):
    comedy_on_tv, crime_on_pc, nothing_known = load("own_data").main(tmp_path)
    assert comedy_on_tv > 0.8
    assert crime_on_pc < 0.3
    assert 0 < nothing_known < 1
    printed = capsys.readouterr().out
    assert re.search(r"genres +multi_categorical", printed)
    assert float(re.search(r"'auc': ([\d.]+)", printed)[1]) > 0.75


@pytest.mark.parametrize("name", ["functional_model", "subclassed_model"])
def test_models(name, load):
    architecture, auc = load(name).main()
    assert ("user", "item") in {pair for _, pair in architecture.units(2)}
    assert len(architecture.units(2)) <= 3
    assert auc > 0.8


def test_own_interaction_function(load):
    architecture, auc = load("own_interaction_function").main()
    assert architecture.functions == ("inner", "distance")
    assert ("user", "item") in architecture.interactions["distance"]
    assert len(architecture.units(2)) <= 4
    assert auc > 0.8


def test_beside_keras_rs(load):
    pytest.importorskip("keras_rs", reason="keras-rs is absent: no layers beside its own")
    architecture, aucs = load("beside_keras_rs").main()
    assert architecture.units(2) == [("inner", ("user", "item"))]
    assert aucs["gated"] > aucs["keras-rs"] - 0.005


def test_transfer_an_architecture(load):
    architecture, aucs = load("transfer_an_architecture").main()
    assert ("user", "item") in architecture.interactions["inner"]
    assert len(architecture.units(2)) <= 3
    assert min(aucs.values()) > 0.8


def test_multi_valued_fields(load):
    architecture, auc = load("multi_valued_fields").main()
    assert ("user", "genres") in architecture.interactions["inner"]
    assert len(architecture.units(2)) <= 3
    assert auc > 0.7


def test_tune_the_threshold(load):
    pytest.importorskip("keras_tuner", reason="keras-tuner is absent: no tuning by it")
    found = load("tune_the_threshold").main()
    (_, most), (middle, kept), (_, least) = (found[t] for t in sorted(found))
    assert most > kept > least == 0
    assert middle > 0.75
    assert max(found.values())[0] > found[max(found)][0] + 0.02


@pytest.mark.skipif(
    importlib.util.find_spec("jax") is None,
    reason="JAX is absent: no table is sharded over its devices",
)
def test_shard_a_table():
    two_devices = {
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    }
    output = forked.output_of_python(EXAMPLES / "shard_a_table.py", **two_devices)
    for name in ("table_8", "table_8_momentum", "table_8_velocity"):
        assert re.search(rf"{name}: \(8000, 8\), on each device \(4000, 8\)", output)
    assert float(re.search(r"difference of a weight: (.+)", output)[1]) < 1e-6


def test_the_readme_lists_every_example():
    listed = set(re.findall(r"\[(\w+\.py)\]", (EXAMPLES / "README.md").read_text("utf-8")))
    assert listed == {path.name for path in EXAMPLES.glob("*.py")}
