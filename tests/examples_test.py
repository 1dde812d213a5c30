import importlib.util
import pathlib
import re

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_gate_an_existing_model(capsys):
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


def test_own_data(tmp_path, capsys):
    comedy_on_tv, crime_on_pc, nothing_known = load("own_data").main(tmp_path)
    assert comedy_on_tv > 0.8
    assert crime_on_pc < 0.3
    assert 0 < nothing_known < 1
    printed = capsys.readouterr().out
    assert re.search(r"genres +multi_categorical", printed)
    assert float(re.search(r"'auc': ([\d.]+)", printed)[1]) > 0.75
