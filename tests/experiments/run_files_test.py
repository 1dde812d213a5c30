"""The JSON files of a run: what an edited one is told."""

import json

import pytest

from experiments import run_files
from experiments.fuzzing.runs import ANALYSIS, METRICS, RECOVERED

NOT_TOLD_APART = {k: v for k, v in RECOVERED.items() if k != "told_apart"}


def with_value(place, value, content=ANALYSIS):
    content = json.loads(json.dumps(content))
    *parents, last = place
    inner = content
    for key in parents:
        inner = inner[key]
    inner[last] = value
    return content


def test_an_analysis_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "analysis.json"
    for content in (ANALYSIS, with_value(["top"], {"n": 3})):
        path.write_text(json.dumps(content))
        assert run_files.analysis(path) == content


FIRST = "interactions", 0


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (["order"], "2", "order must be int. Received: '2'"),
        (["order"], 3, "interactions/0: an interaction must have 3 fields"),
        (["split"], "train", "split: it must be of ['valid', 'test']. Received: 'train'"),
        (["functions"], ["inner", 2], "functions must be one or more strings"),
        (
            [*FIRST, "alpha", "x"],
            1,
            "interactions/0, alpha: functions must be of ['inner', 'outer']",
        ),
        (["function_frequency", "2"], {"inner": 1}, "function_frequency/2: outer must be a number"),
        (["function_frequency", "2", "inner"], 1.5, "inner must be from 0 to 1. Received: 1.5"),
        (["function_frequency", "2", "x"], 1, "function_frequency/2: functions must be of ["),
        (["alpha_rank_correlation"], -1.1, "alpha_rank_correlation must be from -1 to 1"),
        (["alpha_rank_correlation"], "0", "alpha_rank_correlation must be a number"),
        (["interactions"], [], "interactions: there must be one"),
        (["interactions"], {}, "interactions must be list. Received: {}"),
        ([*FIRST], None, "interactions/0 must be an object"),
        ([*FIRST, "interaction"], ["a", "a"], "interaction: nothing may repeat"),
        ([*FIRST, "statistics_auc"], float("nan"), "must be from 0 to 1. Received: nan"),
        ([*FIRST, "alpha", "outer"], None, "interactions/0, alpha: outer must be a number"),
        ([*FIRST, "alpha", "outer"], float("inf"), "alpha: outer must be from 0 to"),
        (["dimensions", 0, "vocabulary_size"], 1.5, "dimensions/0: vocabulary_size must be int"),
        (["dimensions", 0, "dimension"], -1, "dimensions/0: dimension must be from 0 to"),
        (
            ["dimensions", 1, "importance", "auc"],
            float("nan"),
            "dimensions/1, importance: auc must",
        ),
        (["dimension_rank_correlation"], True, "dimension_rank_correlation must be a number"),
    ],
)
def test_a_wrong_value_of_an_analysis_is_named_with_its_place(tmp_path, place, value, message):
    path = tmp_path / "analysis.json"
    path.write_text(json.dumps(with_value(place, value)))
    with pytest.raises(ValueError, match=r"analysis\.json") as caught:
        run_files.analysis(path)
    assert message in str(caught.value)


def test_all_fields_of_an_analysis_have_an_importance_or_none_has(tmp_path):
    path = tmp_path / "analysis.json"
    content = json.loads(json.dumps(ANALYSIS))
    del content["dimensions"][0]["importance"]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"json, dimensions/0: importance must be dict"):
        run_files.analysis(path)
    for row in content["dimensions"][1:]:
        del row["importance"]
    path.write_text(json.dumps(content))
    assert run_files.analysis(path) == content


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (["test", "auc"], float("nan"), "test: auc must be from 0 to 1. Received: nan"),
        (["test", "auc"], 10**400, "test: auc must be from 0 to 1. Received: 1000"),
        (["valid", "auc"], -0.1, "valid: auc must be from 0 to 1. Received: -0.1"),
        (["valid", "log_loss"], float("inf"), "valid: log_loss must be from 0 to"),
        (["test", "log_loss"], -1, "test: log_loss must be from 0 to"),
        (["parameters"], -1, "parameters must be from 0 to"),
        (["stages", 0, "auc"], 1.1, "stages/0: auc must be from 0 to 1"),
        (["stages", 1, "seconds"], float("nan"), "stages/1: seconds must be from 0 to"),
        (["stages", 0, "units", "2"], -1, "stages/0, units: 2 must be from 0 to"),
        (["logit_shift"], "x", "logit_shift must be a number. Received: 'x'"),
        (["constant_log_loss"], -0.1, "constant_log_loss must be from"),
        (["doubts"], "x", "doubts must be a list. Received: 'x'"),
        (["doubts"], ["x", 1], "doubts: each must be a string. Received: 1"),
        (["planted", "2", "recall"], 1.5, "planted/2: recall must be from 0 to 1"),
        (["planted", "2", "told_apart"], float("nan"), "planted/2: told_apart must be from 0"),
        (["planted", "2"], {**RECOVERED, "told_apart": "x"}, "told_apart must be a number"),
        (["planted", "2"], {**NOT_TOLD_APART}, "planted/2: told_apart must be a number"),
    ],
)
def test_a_wrong_value_of_the_results_is_named_with_its_place(tmp_path, place, value, message):
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(with_value(place, value, METRICS)))
    with pytest.raises(ValueError, match=r"metrics\.json") as caught:
        run_files.metrics(path)
    assert message in str(caught.value)


def test_a_shift_of_logits_may_be_below_zero(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(content := {**METRICS, "logit_shift": -1.5}))
    assert run_files.metrics(path) == content


@pytest.mark.parametrize("name", ANALYSIS)
def test_an_analysis_has_all_that_a_report_reads(tmp_path, name):
    content = {key: value for key, value in ANALYSIS.items() if key != name}
    (tmp_path / "analysis.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"{name} must be .* Received: None"):
        run_files.analysis(tmp_path / "analysis.json")


def test_a_stage_is_one_folder(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(METRICS))
    assert run_files.metrics(path) == METRICS
    stage = {**METRICS["stages"][0], "stage": "search/x"}
    path.write_text(json.dumps({**METRICS, "stages": [stage]}))
    with pytest.raises(ValueError, match=r"json, stages/0: stage must be one folder.*'search/x'"):
        run_files.metrics(path)


def test_a_search_is_found_by_its_order(tmp_path):
    path = run_files.searched_architecture(tmp_path, 3)
    assert path == tmp_path / "stages" / "search_interactions_3" / "architecture.json"
    assert run_files.order_of(path.parent.name) == 3
    for name in ("search_dimensions", "search_interactions_3/seed_1", "search_interactions_x"):
        assert run_files.order_of(name) is None
