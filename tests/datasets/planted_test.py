import itertools

import numpy as np
import pytest

from aim_keras.datasets import pipeline, planted


def _prepare(tmp_path, **options):
    builder = planted.builder(tmp_path, **options)
    builder.download_and_prepare()
    return builder


def _all(builder, split):
    parts = [(x.numpy(), y.numpy()[:, 0]) for x, y in pipeline.batches(builder, split, 8192)]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def _excess(ids, residual, fields):
    """z-score of the between-cell variance of the residual in the crossed table of some fields."""
    cell = np.zeros(len(ids), np.int64)
    for field in fields:
        cell = cell * (ids[:, field].max() + 1) + ids[:, field]
    _, cell = np.unique(cell, return_inverse=True)
    count, total = np.bincount(cell), np.bincount(cell, residual)
    variance = residual.var()
    statistic = (total**2 / count).sum() / variance  # about chi-square, one degree a cell
    return (statistic - len(count)) / np.sqrt(2 * len(count))


def _without_main_effects(ids, labels):
    residual = labels - labels.mean()
    for _ in range(5):
        for column in ids.T:
            means = np.bincount(column, residual) / np.maximum(np.bincount(column), 1)
            residual = residual - means[column]
    return residual


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    return _prepare(tmp_path_factory.mktemp("planted"))


def test_truth_is_complete_and_survives_a_reload(default):
    truth = default.info.metadata["planted"]
    again = planted.builder(default.data_dir.split("/planted/")[0])
    assert again.info.metadata["planted"] == truth
    pairs = {tuple(fields) for _, fields in truth["functions"]}
    assert {tuple(pair) for pair in truth["interactions"]["2"]} == pairs
    assert len(pairs) == 6
    assert {function for function, _ in truth["functions"]} == set(planted.FUNCTIONS)
    used = set(itertools.chain(*pairs))
    assert {f for f, d in truth["dimensions"].items() if d == 0} == set(default.field_names) - used
    assert len(set(truth["dimensions"].values())) > 2


def test_ids_are_in_range_and_never_out_of_vocabulary(default):
    ids, labels = _all(default, "train")
    assert ids.shape == (100_000, 10)
    np.testing.assert_array_equal(ids.min(0), 1)
    np.testing.assert_array_equal(ids.max(0) + 1, list(default.vocabulary_sizes.values()))
    assert labels.mean() == pytest.approx(default.info.metadata["label_mean"]["train"])
    assert default.encoding.fields["f0"].encode(["1", "12", "13"]).tolist() == [1, 12, 0]


def test_pairs_carry_signal_exactly_where_planted(default):
    ids, labels = _all(default, "train")
    residual = _without_main_effects(ids, labels)
    names = default.field_names
    truth = default.info.metadata["planted"]["interactions"]["2"]
    scores = {
        pair: _excess(ids, residual, pair) for pair in itertools.combinations(range(len(names)), 2)
    }
    found = {pair for pair, score in scores.items() if score > 6}
    assert found == {(names.index(f), names.index(g)) for f, g in truth}
    assert max(score for pair, score in scores.items() if pair not in found) < 4.5


def test_a_third_order_unit_carries_hardly_any_signal_of_order_two(tmp_path):
    unit = ("inner", ("f0", "f1", "f2"))
    builder = _prepare(
        tmp_path, vocabulary=(6, 7, 8, 9), units=[unit], strength=2.0, main_strength=0.5, seed=1
    )
    assert builder.info.metadata["planted"]["interactions"] == {"3": [["f0", "f1", "f2"]]}
    ids, labels = _all(builder, "train")
    residual = _without_main_effects(ids, labels)
    unit_signal = _excess(ids, residual, (0, 1, 2))
    assert unit_signal > 500
    # the logits hold none of it (next test); the sigmoid lets a little through to lower orders
    for fields in [*itertools.combinations(range(4), 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]:
        assert _excess(ids, residual, fields) < unit_signal / 10


@pytest.mark.parametrize("function", planted.FUNCTIONS)
@pytest.mark.parametrize("order", [2, 3])
def test_units_are_centred_on_the_bias_and_have_the_given_strength(function, order):
    fields = ("f0", "f1", "f2")[:order]
    world = planted._World(
        {
            "seed": 4,
            "vocabulary_sizes": {"f0": 5, "f1": 6, "f2": 7},
            "units": [(function, fields)],
            "strength": 1.7,
            "main_strength": 0.0,
            "bias": -0.6,
        }
    )
    grid = np.array(list(itertools.product(range(5), range(6), range(7))))
    table = world.logits(grid).reshape(5, 6, 7)
    for axis in range(order):
        np.testing.assert_allclose(table.mean(axis), -0.6, atol=1e-12)
    assert table.std() == pytest.approx(1.7)
    rank = np.linalg.matrix_rank(table.mean(2) + 0.6) if order == 2 else None
    assert rank in (None, 1 if function == "outer" else 2)


def test_seed_decides_everything_and_splits_are_independent(tmp_path):
    size = {"num_train": 3000, "num_valid": 500, "num_test": 500}
    first = _prepare(tmp_path / "a", seed=1, **size)
    same = _prepare(tmp_path / "b", seed=1, **size)
    other = _prepare(tmp_path / "c", seed=2, **size)
    longer = _prepare(tmp_path / "d", seed=1, **(size | {"num_train": 4000}))
    for split in ("train", "valid", "test"):
        for one, two in zip(_all(first, split), _all(same, split), strict=True):
            np.testing.assert_array_equal(one, two)
    assert not np.array_equal(_all(first, "train")[0], _all(other, "train")[0])
    np.testing.assert_array_equal(_all(first, "test")[1], _all(longer, "test")[1])
    assert not np.array_equal(_all(first, "test")[0], _all(first, "valid")[0])


def test_parameters_and_splits_have_draws_of_their_own(tmp_path, monkeypatch):
    seeds, generator = [], np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda of: seeds.append(of) or generator(of))
    _prepare(tmp_path, seed=7, num_train=9, num_valid=9, num_test=99)
    assert seeds == [[7, 0], [7, 1], [7, 2], [7, 3]]


def test_bayes_auc_is_that_of_the_true_logits(default):
    ids, labels = _all(default, "test")
    options = default.info.metadata["options"]
    logits = planted._World(options).logits(ids - 1)
    positive, negative = np.sort(logits[labels == 1]), np.sort(logits[labels == 0])
    wins = np.searchsorted(negative, positive, "left") + np.searchsorted(
        negative, positive, "right"
    )
    naive = wins.sum() / 2 / len(positive) / len(negative)
    assert default.info.metadata["planted"]["bayes_auc"] == pytest.approx(naive)
    assert naive > 0.85
    assert labels.mean() == pytest.approx((1 / (1 + np.exp(-logits))).mean(), abs=0.01)


def test_orders_add_their_units(tmp_path):
    builder = _prepare(tmp_path, orders=(2, 3, 4), num_train=100, num_valid=100, num_test=100)
    truth = builder.info.metadata["planted"]
    assert {order: len(units) for order, units in truth["interactions"].items()} == {
        "2": 6,
        "3": 2,
        "4": 1,
    }


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"num_train": 0}, "num_train must be an integer >= 1"),
        ({"strength": 0.0}, "strength must be > 0"),
        ({"bias": float("nan")}, "bias, finite"),
        ({"vocabulary": (10, 3)}, "more than 4 values"),
        ({"units": [("product", ("f0", "f1"))]}, "A unit must be one of inner"),
        ({"units": [("inner", ("f0", "f77"))]}, "fields among"),
        ({"units": [("inner", ("f0", "f0"))]}, "2 or more fields, and unique"),
        ({"units": [("inner", ("f0",))]}, "2 or more fields"),
        ({"units": [("inner", ("f0", "f1")), ("inner", ("f1", "f0"))]}, "unique"),
        ({"orders": (1,)}, "orders must be among 2, 3, 4"),
    ],
)
def test_options_are_checked(tmp_path, option, message):
    with pytest.raises(ValueError, match=message):
        planted.builder(tmp_path, **option)
