"""What benchmarks and comparisons print at their end."""

import pytest

from experiments import measured_tables


@pytest.mark.parametrize("text", ["no [/job:worker/task:0]", "aim_keras[serving]", "a:key:b"])
def test_texts_are_printed_as_they_are(capsys, text):
    row = {"model": "FM", "peer": "fake", "theirs": "FM", "differs": "", "error": text}
    results = {"tolerance": 1e-5, "rows": [row | {"met": False}], "skipped": {"fake": text}}
    measured_tables.show_parity(results)
    assert capsys.readouterr().out.count(text) == 2
