"""The main job on data whose fields share a table."""

from aim_keras.datasets.schema import Schema
from tests.experiments.main_job import refused_here
from tests.experiments.own_data_test import write_clicks


def test_a_warm_start_behind_gates_is_refused_before_a_search(tmp_path):
    write_clicks(tmp_path / "clicks.csv")
    columns = {
        "click": {"kind": "label", "positive": ["1"], "negative": ["0"]},
        "user_id": {"kind": "categorical"},
        "tags": {"kind": "multi_categorical", "table": "user_id"},
        "age": {"kind": "ignored"},
        "bid": {"kind": "ignored"},
    }
    Schema(columns).save(tmp_path / "schema.json")
    given = (
        'CSV_PATHS=["clicks.csv"]',
        f"CSV_SCHEMA='{tmp_path / 'schema.json'}'",
        "pipeline.run.warm_start=True",
    )
    folders = tmp_path / "run", tmp_path / "data"
    error = refused_here("csv.gin", *folders, *given, raw_dir=str(tmp_path))
    assert "warm_start must not follow search_dimensions" in error
    assert "Received: user_id, tags" in error
    assert not (tmp_path / "run" / "stages").exists()
