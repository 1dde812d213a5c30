import dataclasses
import itertools
import re

import numpy as np
import pytest
import scipy.stats

from aim_keras import Architecture, Field, analysis
from aim_keras.datasets import pipeline, planted
from aim_keras.pair_operations import PairOperations

FIELDS = ("a", "b", "c")
PAIRS = (("a", "b"), ("a", "c"), ("b", "c"))
FOUND = Architecture(
    FIELDS,
    ("inner", "outer"),
    4,
    {"inner": [("a", "b"), ("b", "c"), FIELDS], "outer": [("a", "b")]},
    {2: {k: {"a": (0,), "b": (0, 1), "c": (2, 3)} for k in ("inner", "outer")}},
    {"inner": [0.1, -0.4, 0.2], "outer": [-0.3]},
)
STATISTICS = {("a", "b"): 0.6, ("a", "c"): 0.7, ("b", "c"): 0.5}


def batches(features, labels, batch_size):
    for start in range(0, len(labels), batch_size):
        yield features[start : start + batch_size], labels[start : start + batch_size]


def slow_statistics_auc(train, evaluation, columns):
    """The definition: dicts of crossed values, and all pairs of a click and no click."""
    rows, clicks = {}, {}
    for x, y in zip(*train, strict=True):
        value = tuple(x[c] for c in columns)
        rows[value] = rows.get(value, 0) + 1
        clicks[value] = clicks.get(value, 0) + y[0]
    overall = sum(clicks.values()) / sum(rows.values())
    positives, negatives = [], []
    for x, y in zip(*evaluation, strict=True):
        value = tuple(x[c] for c in columns)
        ctr = clicks[value] / rows[value] if value in rows else overall
        (positives if y[0] else negatives).append(ctr)
    wins = sum((p > n) + (p == n) / 2 for p in positives for n in negatives)
    return wins / len(positives) / len(negatives)


@pytest.mark.parametrize("sizes", [(3, 4, 2), (40, 50, 30), (2**31, 2**20, 2**11)])
@pytest.mark.parametrize("batch_size", [1, 7, 400])
def test_statistics_auc_equals_its_definition(sizes, batch_size):
    rng = np.random.default_rng(0)
    large = [size - 1 - rng.integers(0, min(size, 9), 500) for size in sizes]
    features = np.stack(large, 1)
    labels = (rng.random((500, 1)) < 0.2 + 0.5 * (features[:, :1] % 2)).astype("float32")
    train, evaluation = (features[:400], labels[:400]), (features[400:], labels[400:])
    interactions = [("a",), *PAIRS, FIELDS]
    statistics = analysis.statistics_auc(
        batches(*train, batch_size),
        batches(*evaluation, batch_size),
        dict(zip(FIELDS, sizes, strict=True)),
        interactions,
    )
    assert list(statistics) == interactions
    for q, value in statistics.items():
        columns = [FIELDS.index(field) for field in q]
        expected = slow_statistics_auc(train, evaluation, columns)
        assert value == pytest.approx(expected, abs=1e-14), q


def test_an_unseen_value_is_predicted_by_the_overall_ctr():
    # CTR 1 of value 0, 1/4 of value 1, 1/2 of value 2; overall 3/7 of the unseen value 3, which is
    # below that of value 2, though the mean of the three is above.
    train = [(np.array([[0], [1], [1], [1], [1], [2], [2]]), np.array([1, 1, 0, 0, 0, 1, 0]))]
    evaluation = [(np.array([[0], [3], [3], [1], [2]]), np.array([0, 1, 0, 0, 0]))]
    statistics = analysis.statistics_auc(train, evaluation, {"a": 4}, [("a",)])
    assert statistics == {("a",): 1.5 / 4}


def test_planted_interactions_outrank_all_others(tmp_path):
    builder = planted.builder(tmp_path, num_train=60_000, num_valid=10_000, main_strength=0.0)
    builder.download_and_prepare()
    fields = list(builder.vocabulary_sizes)
    train, valid = (pipeline.batches(builder, split, 8192) for split in ("train", "valid"))
    statistics = analysis.statistics_auc(
        train,
        valid,
        builder.vocabulary_sizes,
        [*((field,) for field in fields), *itertools.combinations(fields, 2)],
    )
    true = {tuple(q) for q in builder.info.metadata["planted"]["interactions"]["2"]}
    assert set(analysis.top_by_statistics(statistics, len(true))) == true
    others = [value for q, value in statistics.items() if q not in true]
    assert min(statistics[q] for q in true) > max(others) + 0.02


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"interactions": [("a", "d")]}, r"fields among \['a', 'b', 'c'\]. Received: \('a', 'd'\)"),
        ({"interactions": [()]}, r"Received: \(\)"),
        ({"sizes": (2**31, 2**30, 4)}, rf"below 2\*\*63. Received: {2**63}"),
        ({"features": [[0, 0]]}, r"\(batch, 3\) features.*Received: shapes \(1, 2\)"),
        ({"labels": [[0, 1]]}, r"labels. Received: shapes \(1, 3\) and \(1, 2\)"),
        ({"features": [[0.0, 0.0, 0.0]]}, "integers. Received: float64"),
        ({"features": [[0, 5, 0]]}, r"Field b: ids must be in \[0, 5\). Received: 5"),
        ({"features": [[0, 0, -1]]}, r"Field c: ids must be in \[0, 5\). Received: -1"),
        ({"labels": [0.5]}, "0 or 1. Received: 0.5"),
        ({"labels": [np.nan]}, "0 or 1. Received: nan"),
        ({"features": np.zeros((0, 3), int), "labels": []}, "train must have at least one row"),
        ({}, "labels of both classes"),
    ],
)
def test_wrong_input_is_named(change, message):
    given = {
        "features": [[0, 0, 0]],
        "labels": [1],
        "sizes": (5, 5, 5),
        "interactions": [FIELDS],
    } | change
    batch = (np.array(given["features"]), np.array(given["labels"]))
    sizes = dict(zip(FIELDS, given["sizes"], strict=True))
    with pytest.raises(ValueError, match=message):
        analysis.statistics_auc([batch], [batch], sizes, given["interactions"])


def test_function_frequency_is_a_share_of_each_order():
    assert analysis.function_frequency(FOUND) == {
        2: {"inner": 2 / 3, "outer": 1 / 3},
        3: {"inner": 1.0, "outer": 0.0},
    }


def test_operations_are_functions_of_pairs():
    pairs = {"addition": [("a", "b")], "product": [("a", "c"), ("b", "c"), ("a", "d")]}
    found = PairOperations(("a", "b", "c", "d"), pairs)
    assert analysis.function_frequency(found) == {2: {"addition": 0.25, "product": 0.75}}


def test_gates_and_number_of_functions_beside_statistics():
    rows = analysis.alpha_by_statistics(FOUND, STATISTICS)
    assert [(row["interaction"], row["statistics_auc"], row["alpha"]) for row in rows] == [
        (("a", "c"), 0.7, {}),
        (("a", "b"), 0.6, {"inner": 0.1, "outer": 0.3}),
        (("b", "c"), 0.5, {"inner": 0.4}),
    ]
    assert analysis.functions_by_statistics(FOUND, STATISTICS) == {0: [0.7], 1: [0.5], 2: [0.6]}


def test_interactions_whose_fields_come_in_another_order():
    found = Architecture(FIELDS, ("inner",), 2, {"inner": [("a", "b")]}, alpha={"inner": [0.5]})
    statistics = {("b", "a"): 0.8, ("b", "c"): 0.6}
    rows = analysis.alpha_by_statistics(found, statistics)
    assert [row["alpha"] for row in rows] == [{"inner": 0.5}, {}]
    assert analysis.functions_by_statistics(found, statistics) == {0: [0.6], 1: [0.8]}


@pytest.mark.parametrize("sizes", [{"a": 30, "c": 20}, {"a": 30, "b": Field(10), "c": 20}])
def test_sizes_that_are_no_integers_are_refused(sizes):
    message = re.escape("vocabulary_sizes['b'] must be an integer >= 1. Received: ")
    with pytest.raises(ValueError, match=message):
        analysis.dimension_by_vocabulary(FOUND, sizes)
    if "b" in sizes:
        with pytest.raises(ValueError, match=message):
            analysis.statistics_auc([], [], sizes, [("a", "b")])


def test_dimensions_sum_over_orders_and_functions():
    sizes = {"a": 30, "b": 10, "c": 20}
    rows = analysis.dimension_by_vocabulary(FOUND, sizes)
    assert [row["field"] for row in rows] == ["b", "c", "a"]
    assert rows[0] == {
        "field": "b",
        "vocabulary_size": 10,
        "dimension": 2 + 2 + 4,
        "dimensions": {"2": {"inner": 2, "outer": 2}, "3": {"inner": 4}},
    }
    parameters = sum(row["vocabulary_size"] * row["dimension"] for row in rows)
    assert parameters == FOUND.embedding_parameters(sizes)
    read = analysis.dimension_by_vocabulary(FOUND, sizes, read_embeddings=False)
    assert read[1]["dimensions"]["2"] == {"inner": 2, "outer": 0}
    shared = analysis.dimension_by_vocabulary(
        FOUND, sizes, shared_embedding=True, share_orders=True
    )
    assert shared[0]["dimensions"] == {"2+3": {"inner+outer": 4}}


@pytest.mark.parametrize("distinct", [4, 1000])
def test_rank_correlation_equals_scipy(distinct):
    x, y = np.random.default_rng(0).integers(0, distinct, (2, 60))
    expected = scipy.stats.spearmanr(x, x + y).statistic
    assert analysis.rank_correlation(x, x + y) == pytest.approx(expected, abs=1e-12)
    assert analysis.rank_correlation(list(x), list(-x)) == pytest.approx(-1)
    assert analysis.rank_correlation(x, np.ones(60)) is None
    with pytest.raises(ValueError, match="Received: 60 and 59"):
        analysis.rank_correlation(x, y[1:])


def test_top_interactions():
    assert analysis.top_by_alpha(FOUND, 2) == [("b", "c"), ("a", "b")]
    assert analysis.top_by_alpha(FOUND, 1, order=3) == [FIELDS]
    assert analysis.top_by_statistics(STATISTICS, 2) == [("a", "c"), ("a", "b")]
    for n in (0, 3):
        with pytest.raises(ValueError, match=f"number of interactions, 2. Received: n={n}"):
            analysis.top_by_alpha(FOUND, n)


def test_top_interactions_are_retrained_with_equal_functions_beside_the_other_orders():
    found = dataclasses.replace(FOUND, found_by={"stage": "search_interactions_2", "auc": 0.8})
    top = analysis.with_interactions(found, analysis.top_by_statistics(STATISTICS, 2))
    assert top.of_order(2) == dict.fromkeys(("inner", "outer"), (("a", "b"), ("a", "c")))
    assert top.of_order(3) == FOUND.of_order(3)
    assert top.dimensions is None
    assert top.alpha is None
    assert top.found_by == {}
    with pytest.raises(ValueError, match=r"one order. Received: orders \[2, 3\]"):
        analysis.with_interactions(FOUND, [("a", "b"), FIELDS])
