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
