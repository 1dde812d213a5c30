"""Files of a run that do not fit each other: which one is named, before anything is drawn."""

import json

import pytest

from experiments.fuzzing.runs import ANALYSIS, GATES, write_finished
from experiments.reporting import run_page


@pytest.fixture
def run_dir(tmp_path):
    write_finished(tmp_path)
    (tmp_path / "analysis.json").write_text(json.dumps(ANALYSIS))
    return tmp_path


def test_files_that_agree_are_drawn(run_dir):
    (run_dir / "stages" / "retrain" / "seed_1.bak").mkdir()
    assert run_page.write(run_dir).exists()


SEARCHED = "stages/search_interactions_2"


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("architecture.json", '"item"', '"shop"', "those of model.keras, user, item, é. Received"),
        (f"{SEARCHED}/architecture.json", '"item"', '"shop"', "must be those of model.keras"),
        ("analysis.json", '"field": "item"', '"field": "shop"', "dimensions: the fields must be"),
        ("analysis.json", '["user", "item"]', '["user", "x"]', "interactions/0: fields must be of"),
        (f"{SEARCHED}/gates.jsonl", '["inner", [', '["kernel", [', "g: functions must be of"),
    ],
)
def test_what_another_file_does_not_know_is_named(run_dir, file, old, new, message):
    path = run_dir / file
    content = json.dumps(json.loads(path.read_text())) if file.endswith("n") else path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))
    with pytest.raises(ValueError, match=message) as caught:
        run_page.write(run_dir)
    assert str(path) in str(caught.value)
    assert not (run_dir / run_page.FILE).exists()


@pytest.mark.parametrize("searched", [True, False])
def test_a_lost_architecture_is_named(run_dir, searched):
    if not searched:
        (run_dir / SEARCHED / "architecture.json").unlink()
    (run_dir / "architecture.json").unlink()
    with pytest.raises((ValueError, OSError), match=r"architecture\.json"):
        run_page.write(run_dir)


def test_a_history_without_a_step_is_named(run_dir):
    path = run_dir / SEARCHED / "gates.jsonl"
    path.write_text(json.dumps(GATES[0]) + "\n")
    with pytest.raises(ValueError, match=rf"{path} must have a line for each step"):
        run_page.write(run_dir)
