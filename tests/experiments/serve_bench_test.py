"""The binary, on a small exported model."""

import pytest
import tensorflow as tf

from aim_keras import warm_up
from aim_keras.export import export_saved_model
from aim_keras.models import FM
from experiments import serve_bench
from tests import forked
from tests.experiments.main_job import in_this_process
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


@pytest.mark.parametrize("given", [[], ["abc"], ["1", ""], ["0"], ["-1"], ["1.5"]])
def test_candidates_are_numbers_of_rows(given):
    message = rf"^Error: --candidates must be .* Received: --candidates={','.join(given)}\n"
    with pytest.raises(SystemExit, match=message):
        in_this_process(serve_bench, candidates=given)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"x" * len(data)])
def test_a_damaged_file_of_warm_up_requests_is_named(exported, tmp_path, damage):
    file = tmp_path / warm_up.FILE
    file.parent.mkdir()
    file.write_bytes(damage((exported / warm_up.FILE).read_bytes()))
    with pytest.raises(ValueError, match=f"{file} must hold warm-up requests"):
        warm_up.read(tmp_path)


def test_what_is_no_request_is_no_warm_up(tmp_path):
    file = tmp_path / warm_up.FILE
    file.parent.mkdir()
    with tf.io.TFRecordWriter(str(file)) as writer:
        writer.write(b"\xff")
    with pytest.raises(ValueError, match=f"{file} must hold warm-up requests"):
        warm_up.read(tmp_path)


def test_errors(exported, tmp_path):
    with pytest.raises(ValueError, match=r"must be of ids, .*Received: \['regress'\]"):
        serve_bench.bench(exported, ["regress"], [1], 1)
    with pytest.raises(FileNotFoundError, match=r"must have warm-up requests\. Received: no "):
        serve_bench.bench(tmp_path, ["ids"], [1], 1)
