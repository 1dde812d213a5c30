"""The binary, on a small exported model."""

import pytest

from aim_keras.export import export_saved_model
from aim_keras.models import FM
from experiments import serve_bench
from tests import forked
from tests.export_raw_values_test import ENCODING, features


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "1"
    return export_saved_model(FM(ENCODING.model_fields), ENCODING, path, features())


def test_prints_a_line_for_each_signature_and_size(exported):
    run = forked.run("experiments.serve_bench", f"--model={exported}", "--requests=2")
    assert run.returncode == 0, run.stderr
    cells = [line.strip("│┃ ").split("│") for line in run.stdout.splitlines() if "│" in line]
    assert [[cell.strip() for cell in row[:2]] for row in cells] == [
        [signature, candidates]
        for signature in ("serving_default", "ids", "tf_example")
        for candidates in ("1", "100", "500", "1,000")
    ]


def test_figures_are_of_the_requests_that_were_timed(exported):
    (entry,) = serve_bench.bench(exported, ["ids"], [7], 5)
    assert (entry["signature"], entry["candidates"], entry["requests"]) == ("ids", 7, 5)
    assert 0 < entry["p50_ms"] <= entry["p99_ms"]
    assert entry["rows_per_s"] == pytest.approx(7000 / entry["p50_ms"])


def test_errors(exported, tmp_path):
    with pytest.raises(ValueError, match=r"must be of ids, .*Received: \['regress'\]"):
        serve_bench.bench(exported, ["regress"], [1], 1)
    with pytest.raises(FileNotFoundError, match=r"must have warm-up requests\. Received: no "):
        serve_bench.bench(tmp_path, ["ids"], [1], 1)
