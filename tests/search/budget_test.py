"""Thresholds within a budget against a scan of all of them; the front against the plain search."""

import itertools

import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.callbacks import rank_metrics
from aim_keras.models import FM, DeepFM
from aim_keras.search import found_architecture, front, threshold_within
from aim_keras.search.gates import gate_layers, searched_gates

SIZES = {"a": 6, "b": 5, "c": 3, "d": 4}
FIELDS = tuple(SIZES)
FUNCTIONS = ("inner", "outer")
DIM = 3
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, 200) for size in SIZES.values()], axis=1).astype("int32")
LABELS = RNG.integers(0, 2, (200, 1)).astype("float32")

TRIPLES = Architecture(
    FIELDS,
    FUNCTIONS,
    DIM,
    {
        "inner": [("a", "b"), ("b", "c"), ("c", "d"), ("a", "b", "c"), ("b", "c", "d")],
        "outer": [("a", "d"), ("a", "b", "c"), ("a", "c", "d")],
    },
    alpha={"inner": [0.5, 0.4, 0.3, 0.2, 0.1], "outer": [0.6, 0.7, 0.8]},
)
# Inner's embedding is the larger one, and the one that is left where nothing is kept.
UNEVEN = Architecture(
    FIELDS,
    FUNCTIONS,
    DIM,
    {"inner": [("a", "b")], "outer": [("c", "d")]},
    {
        2: {
            "inner": {"a": (0, 1, 2), "b": (0, 1, 2), "c": (0, 1, 2), "d": (0, 1, 2)},
            "outer": {"a": (), "b": (), "c": (0,), "d": (0,)},
        }
    },
)
SEARCHED = {
    "pairs": (None, "interactions"),
    "triples": (TRIPLES, "interactions"),
    "dimensions": (TRIPLES, "dimensions"),
}
each_search = pytest.mark.parametrize(
    ("searched", "search"), SEARCHED.values(), ids=SEARCHED.keys()
)


def model_of(searched, search, seed=1):
    """A searched model: random weights, random gates of either sign, some of them closed."""
    model = FM(SIZES, searched, search, functions=FUNCTIONS, embedding_dim=DIM)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    for w in model.weights:
        if w.name == "moving_variance":
            w.assign(rng.uniform(0.5, 2, w.shape))
    for gate in searched_gates(gate_layers(model)):
        gate.assign(rng.normal(size=gate.shape) * (rng.random(gate.shape) < 0.9))
    return model


def magnitudes(model):
    gates = searched_gates(gate_layers(model))
    return sorted({abs(value) for gate in gates for value in gate.numpy().ravel().tolist()})


def scanned(model, searched, order, max_interactions=None, max_parameters=None, **sharing):
    """The first threshold that fits, or `None`."""
    for threshold in [0.0, *magnitudes(model)]:
        found = found_architecture(model, searched, threshold, quiet=True)
        if max_interactions is not None:
            interactions = {q for qs in found.interactions.values() for q in qs if len(q) == order}
            if len(interactions) > max_interactions:
                continue
        parameters = found.embedding_parameters(SIZES, **sharing)
        if max_parameters is not None and parameters > max_parameters:
            continue
        return threshold
    return None


@pytest.mark.parametrize(
    ("searched", "search"),
    [*SEARCHED.values(), (UNEVEN, "interactions")],
    ids=[*SEARCHED.keys(), "uneven"],
)
def test_threshold_within_is_the_smallest(searched, search):
    model = model_of(searched, search)
    order = 3 if searched is TRIPLES else 2
    thresholds = set()
    for max_interactions in (None, 0, 1, 3, 6):
        for max_parameters in (None, *range(0, 300, 15)):
            budget = {"max_interactions": max_interactions, "max_parameters": max_parameters}
            expected = scanned(model, searched, order, **budget)
            if expected is None:
                with pytest.raises(ValueError, match=r"No threshold .*Received: max_interactions="):
                    threshold_within(model, searched, **budget, vocabulary_sizes=SIZES)
            else:
                threshold = threshold_within(model, searched, **budget, vocabulary_sizes=SIZES)
                assert threshold == expected
                thresholds.add(threshold)
    assert len(thresholds) > 1


@each_search
def test_threshold_within_counts_what_the_model_shares(searched, search):
    sharing = {"shared_embedding": True, "share_orders": True}
    model = model_of(searched, search)
    most = 108 if (searched, search) == SEARCHED["triples"] else 54  # all pairs are kept there
    expected = scanned(model, searched, None, max_parameters=most, **sharing)
    arguments = {"max_parameters": most, "vocabulary_sizes": SIZES}
    shared = threshold_within(model, searched, **arguments, **sharing)
    assert shared == expected < threshold_within(model, searched, **arguments)


def test_threshold_within_does_not_touch_the_gates():
    model = model_of(*SEARCHED["triples"])
    before = model.get_weights()
    threshold_within(model, TRIPLES, max_interactions=1)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_threshold_within_needs_the_vocabulary_sizes():
    model = model_of(*SEARCHED["pairs"])
    with pytest.raises(ValueError, match=r"vocabulary_sizes must be given with max_parameters"):
        threshold_within(model, max_parameters=100)


@each_search
def test_front(searched, search):
    model = model_of(searched, search)
    gates = searched_gates(gate_layers(model))
    before = model.get_weights()
    plain = rank_metrics(model, (IDS, LABELS))
    alive = sum(np.count_nonzero(gate.numpy()) for gate in gates)
    open_gates = []

    def evaluate(model):
        open_gates.append(sum(np.count_nonzero(gate.numpy()) for gate in gates))
        return rank_metrics(model, (IDS, LABELS))

    points = front(model, evaluate, searched, points=4)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    shares = 4 if alive >= 4 else alive
    assert open_gates == [alive - int(alive * i / shares) for i in range(shares)]
    assert points[0] == {
        "threshold": 0.0,
        "architecture": found_architecture(model, searched),
        **plain,
    }
    for point in points:
        expected = found_architecture(model, searched, point["threshold"], quiet=True)
        assert point["architecture"] == expected
        assert set(point) == {"threshold", "architecture", "auc", "log_loss"}
    assert len({point["auc"] for point in points}) > 1
    for one, following in itertools.pairwise(points):
        assert one["threshold"] < following["threshold"]
        assert size(one["architecture"]) >= size(following["architecture"])
    assert size(points[0]["architecture"]) > size(points[-1]["architecture"])


def size(architecture):
    """Units, and dimensions of the embeddings that were kept."""
    dimensions = (architecture.dimensions or {}).values()
    return sum(len(architecture.units(order)) for order in architecture.orders) + sum(
        len(kept)
        for tables in dimensions
        for of_field in tables.values()
        for kept in of_field.values()
    )


def test_front_has_no_more_points_than_open_gates():
    model = DeepFM(SIZES, None, "interactions", hidden_units=(4,))
    gate = searched_gates(gate_layers(model))[0]
    gate.assign([0.0, 0.3, 0.0, -0.2, 0.0, 0.0])
    points = front(model, lambda model: {}, points=10)
    assert [point["threshold"] for point in points] == pytest.approx([0, 0.2])
    gate.assign([0.0] * 6)
    assert [point["threshold"] for point in front(model, lambda model: {})] == [0]


def test_front_restores_the_gates_after_an_error():
    model = model_of(*SEARCHED["dimensions"])
    before = model.get_weights()
    calls = []

    def fails_at_the_second(model):
        calls.append(model)
        if len(calls) == 2:
            raise RuntimeError("no data")
        return {}

    with pytest.raises(RuntimeError, match=r"no data"):
        front(model, fails_at_the_second, TRIPLES)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_front_of_no_points():
    with pytest.raises(ValueError, match=r"points must be an integer >= 1. Received: points=0"):
        front(model_of(*SEARCHED["pairs"]), lambda model: {}, points=0)
