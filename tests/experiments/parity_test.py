"""The comparison to peers, on a peer of NumPy alone that follows the real ones' protocol."""

import json
import pathlib
import sys

import numpy as np
import pytest

from aim_keras import models
from experiments import measured_tables
from experiments.benchmarks import peer_process
from experiments.parities import comparison, counterpart
from experiments.parities.counterpart import DIM, SIZES, Counterpart
from tests import forked

ROOT = pathlib.Path(__file__).parents[2]
ROWS = [(peer, *row) for peer, rows in comparison.COUNTERPARTS.items() for row in rows.items()]

FAKE = """
import json, pathlib, sys
import numpy as np

folder = pathlib.Path(sys.argv[-1])
request = json.loads((folder / "request.json").read_text())
ids = np.load(folder / "ids.npy")
rng = np.random.default_rng(0)
for i, asked in enumerate(request["models"]):
    options = asked["options"]
    if asked["theirs"] == "Dies":
        raise SystemExit("no such thing")
    if asked["theirs"] == "Unknown":
        np.savez(folder / f"{i}.npz", version="1", error="KeyError: Unknown")
        continue
    weights = {"out.bias": rng.normal(size=1)}
    logits = np.zeros((len(ids), 1)) + weights["out.bias"] + options.get("off", 0)
    for field, size in enumerate(request["sizes"]):
        table = weights[f"tables.f{field}.weight"] = rng.normal(size=(size, 1))
        logits += table[ids[:, field]]
    weights |= {f"more.{k}": np.zeros(2) for k in range(options.get("more", 0))}
    weights = {f"weights/{name}": value for name, value in weights.items()}
    logits = logits[:, 0] if options.get("flat") else logits
    np.savez(folder / f"{i}.npz", version="1", logits=logits, **weights)
"""


def lr(theirs="LR", weights=None, **options):
    """The fake peer's logistic regression."""

    def of_lr(theirs):
        tables = theirs.of_fields("tables.{}.weight")
        return {"linear/weights/tables": [tables], "linear/bias": theirs["out.bias"]}

    absent = options.pop("absent", ())
    return Counterpart(lambda: models.LR(SIZES), theirs, weights or of_lr, options, absent)


@pytest.fixture
def compared(tmp_path):
    script = tmp_path / "run_fake.py"
    script.write_text(FAKE, encoding="utf-8")

    def rows(**counterparts):
        return comparison.compared("fake", [sys.executable, str(script)], counterparts)

    return rows


def test_the_same_weights_give_the_same_logits(compared):
    (row,) = compared(LR=lr())
    assert row["met"]
    assert 0 <= row["difference"] <= 1e-6
    assert row["spread"] > 0.5
    assert (row["model"], row["peer"], row["theirs"], row["version"]) == ("LR", "fake", "LR", "1")


def test_what_differs_is_not_met(compared):
    near, far = compared(near=lr(off=0.5e-5), far=lr(off=2e-5))
    assert near["met"]
    assert not far["met"]
    assert far["difference"] == pytest.approx(2e-5, rel=0.1)


def test_what_is_not_finite_or_of_another_shape_is_an_error(compared):
    infinite, flat = compared(infinite=lr(off=1e400), flat=lr(flat=True))
    assert infinite["error"] == "Logits must be finite"
    assert flat["error"] == "Logits must be (256, 1). Received: (256,)"


def test_one_models_error_leaves_the_others(compared):
    unknown, same = compared(Unknown=lr("Unknown"), LR=lr())
    assert unknown["error"] == "KeyError: Unknown"
    assert not unknown["met"]
    assert same["met"]


def test_a_process_that_ends_is_an_error_of_all_its_models(compared):
    rows = compared(LR=lr(), Dies=lr("Dies"))
    assert [row["error"] for row in rows] == ["fake ended with 1: no such thing"] * 2
    assert not any(row["met"] for row in rows)


def test_every_weight_of_both_sides_is_mapped(compared):
    def one_more(theirs):
        return {**lr().weights(theirs), "mlp/kernel": np.zeros(1)}

    def one_less(theirs):
        return {"linear/bias": theirs["out.bias"]}

    def misread(theirs):
        return {"linear/bias": theirs["bias"]}

    unread, more, less, wrong, absent = compared(
        unread=lr(more=1),
        more=lr(weights=one_more),
        less=lr(weights=one_less),
        wrong=lr(weights=misread),
        absent=lr(more=2, absent=("more.*",)),
    )
    assert unread["error"] == "A mapping must read all weights. Left: ['more.0']"
    assert "Received: ['linear/bias', 'linear/weights/tables', 'mlp/kernel']" in more["error"]
    assert "Received: ['linear/bias']" in less["error"]
    assert wrong["error"].endswith("Received: bias")
    assert absent["met"]


def test_a_dense_layer_is_transposed():
    values = counterpart.dense("mlp/logit", np.zeros((1, 3)), np.zeros(1))
    assert {path: value.shape for path, value in values.items()} == {
        "mlp/logit/kernel": (3, 1),
        "mlp/logit/bias": (1,),
    }
    assert list(counterpart.dense("mlp/logit", np.zeros((1, 3)))) == ["mlp/logit/kernel"]


def test_embeddings_are_copied_with_their_linear_terms():
    model = models.FM(SIZES, embedding_dim=DIM)
    tables = [np.full((size, DIM), i, "float32") for i, size in enumerate(SIZES.values())]
    linear = [np.full((size, 1), -i, "float32") for i, size in enumerate(SIZES.values())]
    values = {"tables": [tables], "linear": linear, "bias": np.ones(1)}
    counterpart.copy({f"embedding_2/{name}": value for name, value in values.items()}, model)
    layer = model.get_layer("embedding_2")
    for got, given in zip(layer.get_embeddings()[0], tables, strict=True):
        np.testing.assert_array_equal(got, given)
    for got, given in zip(layer.get_linear(), linear, strict=True):
        np.testing.assert_array_equal(got, given)
    assert layer.bias.numpy() == [1]


@pytest.mark.parametrize(("peer", "name", "row"), ROWS, ids=[f"{r[0]}-{r[1]}" for r in ROWS])
def test_a_row_has_our_model_and_is_in_the_documentation(peer, name, row):
    assert type(row.ours()).__name__ == name.partition(" (")[0]
    documented = (ROOT / "docs" / "parity.md").read_text(encoding="utf-8").splitlines()
    start = f"| {name} | {peer} {row.theirs} | "
    (line,) = [line for line in documented if line.startswith(start)]
    assert line.endswith(f" | {row.differs} |")


def test_peers_that_cannot_run_are_skipped_by_name(tmp_path):
    def left_out(checkout):
        names, scripts = comparison.COUNTERPARTS, comparison.SCRIPTS
        there, left_out = peer_process.commands(tmp_path, checkout, names, scripts)
        assert there == {}
        return left_out

    assert left_out(None) == dict.fromkeys(
        comparison.COUNTERPARTS, f"not in {tmp_path}: install it by --peers"
    )
    python = peer_process.python_of(tmp_path, "fuxictr")
    python.parent.mkdir(parents=True)
    python.touch()
    assert "give --fuxictr=CHECKOUT" in left_out(None)["fuxictr"]
    assert (
        f"no folder {tmp_path / 'clone' / 'model_zoo'}" in left_out(tmp_path / "clone")["fuxictr"]
    )
    for name in comparison.COUNTERPARTS:
        assert peer_process.requirements(name).is_file()
        assert (comparison.SCRIPTS / f"run_{name}.py").is_file()


def test_a_command_is_a_python_a_script_and_what_it_needs(tmp_path):
    python = peer_process.python_of(tmp_path, "fuxictr")
    checkout = tmp_path / "clone"
    for path in (python.parent, checkout / "model_zoo"):
        path.mkdir(parents=True)
    python.touch()
    there, _ = peer_process.commands(tmp_path, checkout, ["fuxictr"], tmp_path, "train")
    assert there == {"fuxictr": [str(python), str(tmp_path / "train_fuxictr.py"), str(checkout)]}


def test_the_tables(capsys):
    rows = [
        {
            "model": "FM",
            "peer": "fake",
            "theirs": "FM",
            "differs": "No bias.",
            "difference": 2e-7,
            "spread": 1.5,
            "met": True,
        },
        {"model": "LR", "peer": "fake", "theirs": "LR", "differs": ""}
        | {"error": "fake ended with 1: LR | KeyError\nLR", "met": False},
    ]
    assert comparison.table({"rows": rows}).splitlines()[2:] == [
        "| FM | fake FM | 2.0e-07 | 1.50 | No bias. |",
        r"| LR | fake LR | fake ended with 1: LR \| KeyError LR |  |  |",
    ]
    measured_tables.show_parity(
        {"tolerance": 1e-5, "rows": rows, "skipped": {"other": "not there"}}
    )
    printed = capsys.readouterr().out
    for shown in ("2.0e-07", "No bias.", "KeyError", "Without other: not there"):
        assert shown in printed


def test_what_is_a_failure():
    same, other = ({"model": "FM", "peer": "fake", "met": met} for met in (True, False))
    assert comparison.failure({"rows": []}) == "no model was compared"
    assert comparison.failure({"rows": [same]}) == ""
    assert comparison.failure({"rows": [same, other]}) == "not the same logits: FM (fake)"


def test_unknown_models_are_refused():
    with pytest.raises(ValueError, match=r"only must be of LR, FM, .*Received: \['FFFM'\]"):
        comparison.compare({}, {}, ["FM", "FFFM"])


def test_the_binary_without_peers(tmp_path):
    path = tmp_path / "results" / "parity.json"
    flags = (f"--json={path}", f"--peers_dir={tmp_path}", "--only=FM")
    result = forked.run("experiments.parity", *flags)
    assert result.returncode == 1
    assert result.stderr.endswith("Error: no model was compared\n")
    assert "Without fuxictr: not in" in result.stdout
    content = json.loads(path.read_text())
    assert content["rows"] == []
    assert set(content["skipped"]) == set(comparison.COUNTERPARTS)
    assert content["command"] == ["python", "-m", "experiments.parity", *flags]
    assert path.with_suffix(".md").read_text() == comparison.table(content)
