from collections import Counter

import numpy as np
import pytest

from aim_keras.datasets import encoding
from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.number_encodings import MISSING, Dense, Numerical, rounded, rounded_up
from tests.datasets.encoding_test import drawn


def _naive_boundaries(column, bucket_count):
    """The definition, by hand: grow a bucket over sorted rows, close it at a value's end."""
    ordered = sorted(float(v) if v else -np.inf for v in column)
    boundaries, held = [], 0
    for i, value in enumerate(ordered):
        held += 1
        if held > bucket_count and (i + 1 == len(ordered) or ordered[i + 1] != value):
            boundaries.append(value)
            held = 0
    return boundaries[:-1] if boundaries and boundaries[-1] == ordered[-1] else boundaries


@pytest.mark.parametrize("missing", [0, 3, 200])
@pytest.mark.parametrize("bucket_count", [1, 7, 40, 10_000])
def test_numerical_equals_naive_definition(missing, bucket_count):
    column = drawn(1, 1500, 400) + [""] * missing
    field = Numerical.learn(Counter(column), bucket_count)

    boundaries = _naive_boundaries(column, bucket_count)
    unseen = ["-999999", "123456789", "17", "-0"]
    naive = [1 + sum(b < (float(v) if v else -np.inf) for b in boundaries) for v in column + unseen]

    assert field.vocabulary_size == len(boundaries) + 2
    np.testing.assert_array_equal(field.encode(column + unseen), naive)
    counts = np.bincount(field.encode(column))
    assert len(counts) == field.vocabulary_size, "every bucket has train rows"
    assert all(counts[1:-1] > bucket_count)


def test_numerical_missing_unseen_in_train_is_out_of_vocabulary():
    field = Numerical.learn({"1": 50, "2": 50}, 40)
    np.testing.assert_array_equal(field.encode(["", "1", "2", "99"]), [0, 1, 2, 2])
    field = Numerical.learn({"1": 50, "2": 50, "": 1}, 40)
    np.testing.assert_array_equal(field.encode(["", "1", "2"]), [1, 1, 2])


def test_numerical_equals_keras_discretization_of_shifted_boundaries():
    import keras

    field = Numerical.learn(Counter(drawn(2, 800, 100)), 20)
    layer = keras.layers.Discretization(bin_boundaries=[b + 1.0 for b in field.boundaries])
    values = np.arange(-5, 110)
    expected = np.asarray(layer(values)) + 1
    np.testing.assert_array_equal(field.encode([str(v) for v in values]), expected)


def test_numerical_rejects_text():
    with pytest.raises(ValueError, match=r"integer or empty\. Received: 'abc'"):
        Numerical((1,)).encode(["1", "abc"])


def test_buckets_of_decimals_are_those_of_their_order():
    rng = np.random.default_rng(0)
    texts = [f"{x:.3f}" for x in rng.lognormal(size=2000)] + [""] * 30
    field = Numerical.learn(Counter(texts), max_buckets=20, decimals=True)
    ids = field.encode(texts)
    assert (field.has_missing, ids.max()) == (True, field.vocabulary_size - 1)
    assert 15 <= len(field.boundaries) < 20
    assert np.bincount(ids)[1:-1].min() > 2030 / 20
    numbers = np.array([float(text or "-inf") for text in texts])
    order = np.argsort(numbers, kind="stable")
    assert np.all(np.diff(ids[order]) >= 0)
    boundary = field.boundaries[3]
    below, at, above = np.nextafter(np.float32(boundary), [-np.inf, boundary, np.inf], dtype="f4")
    assert field.encode([str(below), str(at), str(above)]).tolist() == [4, 4, 5]


@pytest.mark.parametrize("kind", ["numerical", "decimal"])
@pytest.mark.parametrize(("bucket_count", "buckets"), [(1, 10), (300, 4)])
def test_a_bucket_of_numbers_holds_what_both_limits_ask_for(kind, bucket_count, buckets):
    counts = {"x": {str(i): 1 for i in range(1000)}}
    found = encoding.learn({"x": kind}, counts, bucket_count=bucket_count, max_buckets=10)
    assert len(found.fields["x"].boundaries) + 1 == buckets


@pytest.mark.parametrize(
    "field", [Numerical((MISSING, 3), True), Numerical((-np.inf, 0.5), True, decimals=True)]
)
def test_a_missing_number_is_below_all_in_a_file_too(tmp_path, field):
    original = Encoding({"x": field})
    original.save(tmp_path / "encoding.json")
    assert Encoding.load(tmp_path / "encoding.json") == original


@pytest.mark.parametrize("low", [0.0, -1e6, 1e6, 3.4028e38])
def test_buckets_hold_what_was_counted_however_large_the_numbers_are(low):
    """Of 1e6 to 1e6 + 75 six digits are left, whole tens."""
    rng = np.random.default_rng(0)
    texts = [f"{x:.2f}" for x in low + rng.uniform(0, 75, 2000)]
    field = Numerical.learn(Counter(map(rounded_up, texts)), 40, decimals=True)
    ids = field.encode(texts)
    assert np.bincount(ids)[1:-1].min(initial=41) > 40
    counted = field.encode([*map(rounded_up, texts)])
    np.testing.assert_array_equal(ids, counted)
    if low == 1e6:
        assert 8 <= field.vocabulary_size <= 10


@pytest.mark.parametrize(("low", "spread"), [(1990, 0.1), (1.7e9, 40_000), (0, 1)])
def test_dense_numbers_far_from_zero(low, spread):
    texts = [str(x) for x in np.random.default_rng(0).uniform(low, low + spread, 2000)]
    weights = Dense.learn(Counter(map(rounded, texts))).weights(texts)
    assert weights.mean() == pytest.approx(0, abs=1e-3)
    assert weights.std() == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("text", ["abc", "nan", "1e39"])
def test_a_decimal_is_finite_in_float32(text):
    with pytest.raises(ValueError, match="must be finite, or empty. Received: '" + text):
        Numerical((), decimals=True).encode([text])


def test_dense_equals_numpy_standardisation():
    column = ["1.5", "-2", "1e3", "", "1.5", "0", ""]
    field = Dense.learn(Counter(column))
    numbers = np.array([float(v) for v in column if v])
    assert (field.mean, field.deviation) == pytest.approx((numbers.mean(), numbers.std()))
    expected = [(float(v) - numbers.mean()) / numbers.std() if v else 0 for v in column]
    weights = field.weights(column)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    np.testing.assert_array_equal(field.encode(column), np.zeros(7))


@pytest.mark.parametrize("text", ["old", "nan", "inf", "1e999"])
def test_dense_rejects_what_is_no_finite_number(text):
    for use in (lambda: Dense().weights(["1", text]), lambda: Dense.learn({"1": 2, text: 1})):
        with pytest.raises(ValueError, match=f"must be finite, or empty. Received: '{text}'"):
            use()


@pytest.mark.parametrize("column", [["", ""], ["0.1"] * 7, ["3", "3.0", ""]])
def test_dense_without_any_spread_gives_zeros(column):
    field = Dense.learn(Counter(column))
    assert field.deviation == 1.0
    np.testing.assert_allclose(field.weights(column), np.zeros(len(column)), atol=1e-7)
