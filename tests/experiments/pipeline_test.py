"""What the main job gives its stages."""

import types

import pytest

from aim_keras.architecture import Architecture
from experiments import pipeline

FOUND = {
    "search_interactions_2": {"inner": [("a", "b")]},
    "search_interactions_3": {"inner": [("a", "b"), ("a", "b", "c")]},
    "search_dimensions": {"outer": [("a", "c")]},
}


@pytest.mark.parametrize("warm_start", [False, True])
def test_each_stage_gets_what_the_one_before_has_found(tmp_path, warm_start):
    job, given = types.SimpleNamespace(seed=7), []

    def architecture(interactions):
        return Architecture(["a", "b", "c"], ("inner", "outer"), 2, interactions)

    def search(stage_dir, job, build_model, fit, kind, candidates):
        given.append((stage_dir.name, kind, candidates))
        return architecture(FOUND[stage_dir.name]), {}, stage_dir / "seed_0"

    def grow(found, seed):
        return found, seed

    def retrain(stage_dir, job, build_model, fit, found, start_dir):
        given.append((stage_dir.name, found, start_dir))
        return "model", found, {}

    stages = ("search_interactions", "search_dimensions", "retrain")
    how = search, grow, retrain
    model, found, records = pipeline._run_stages(
        tmp_path, job, None, None, how, stages, 3, None, warm_start
    )
    pairs, triples, last = map(architecture, FOUND.values())
    assert (model, found, len(records)) == ("model", last, 4)
    searched = tmp_path / "stages" / "search_dimensions" / "seed_0"
    assert given == [
        ("search_interactions_2", "interactions", None),
        ("search_interactions_3", "interactions", (pairs, 7)),
        ("search_dimensions", "dimensions", triples),
        ("retrain", last, searched if warm_start else None),
    ]
