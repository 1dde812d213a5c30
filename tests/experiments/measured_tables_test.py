"""What benchmarks and comparisons print at their end."""

import pytest

from experiments import measured_tables


@pytest.mark.parametrize("text", ["no [/job:worker/task:0]", "aim_keras[serving]", "a:key:b"])
def test_texts_are_printed_as_they_are(capsys, text):
    row = {"model": "FM", "peer": "fake", "theirs": "FM", "differs": "", "error": text}
    results = {"tolerance": 1e-5, "rows": [row | {"met": False}], "skipped": {"fake": text}}
    measured_tables.show_parity(results)
    assert capsys.readouterr().out.count(text) == 2


def test_a_measured_time_is_so_many_times_its_limit(capsys):
    entry = {"ratio": 0.25, "goal": ">= 0.1", "met": True, "shape": "tiny", "other_ms": {}}
    entry |= {"ours_ms": 8.0, "limit_ms": 2.0}
    measured_tables.show_benchmark({"measurements": {"fm": entry}})
    (row,) = (line for line in capsys.readouterr().out.splitlines() if "fm" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["fm", "0.25", ">= 0.1", "yes", "tiny", "8", "2", "4", ""]
