import numpy as np
import pytest
import sklearn.metrics

from aim_keras import metrics


def test_auc_by_hand():
    # Pairs (positive, negative): 3 > 2, 3 > 1, 2 = 2 (a half), 2 > 1.
    assert metrics.auc([1, 1, 0, 0], [3.0, 2.0, 2.0, 1.0]) == 3.5 / 4


@pytest.mark.parametrize("distinct", [3, 50, 10**6])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_auc_equals_scikit_learn(distinct, dtype):
    rng = np.random.default_rng(distinct)
    labels = rng.integers(0, 2, 2000)
    scores = (rng.integers(0, distinct, 2000) * 1e-7 + 1e-6 * labels).astype(dtype)
    expected = sklearn.metrics.roc_auc_score(labels, scores)
    assert metrics.auc(labels, scores) == pytest.approx(expected, abs=1e-12)
    assert metrics.auc(labels[:, None], scores[:, None]) == pytest.approx(expected, abs=1e-12)
    assert metrics.auc(labels, -scores) == pytest.approx(1 - expected, abs=1e-12)


def test_auc_equals_its_definition_over_pairs():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 60), rng.integers(0, 9, 60)
    positive, negative = scores[labels == 1][:, None], scores[labels == 0][None]
    expected = np.mean((positive > negative) + 0.5 * (positive == negative))
    assert metrics.auc(labels, scores) == pytest.approx(expected, abs=1e-14)


def test_log_loss_equals_scikit_learn():
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 2, 500), rng.normal(size=500) * 5
    expected = sklearn.metrics.log_loss(labels, 1 / (1 + np.exp(-logits)))
    assert metrics.log_loss(labels, logits) == pytest.approx(expected, rel=1e-12)
    assert metrics.log_loss(labels[:, None], logits) == pytest.approx(expected, rel=1e-12)


def test_log_loss_of_large_logits():
    assert metrics.log_loss([1, 0], [1000.0, 1000.0]) == 500.0
    assert metrics.log_loss([1], [50.0]) == pytest.approx(np.exp(-50), rel=1e-12)
    assert metrics.log_loss([1, 0], np.array([300.0, -300.0], "float32")) < 1e-100


def test_weights_equal_scikit_learn():
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 2, 500), rng.normal(size=500).round(1)
    weights = rng.exponential(size=500) * (rng.random(500) < 0.8)
    given = {"sample_weight": weights}
    expected = sklearn.metrics.roc_auc_score(labels, logits, **given)
    assert metrics.auc(labels, logits, weights) == pytest.approx(expected, abs=1e-12)
    expected = sklearn.metrics.log_loss(labels, 1 / (1 + np.exp(-logits)), **given)
    assert metrics.log_loss(labels, logits, weights[:, None]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", [metrics.auc, metrics.log_loss])
def test_a_whole_weight_is_as_many_rows(metric):
    rng = np.random.default_rng(0)
    labels, logits, weights = rng.integers(0, (2, 9, 4), (60, 3)).T
    rows = np.repeat(np.arange(60), weights)
    expected = metric(labels[rows], logits[rows])
    assert metric(labels, logits, weights) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", [metrics.auc, metrics.log_loss])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"shape \(n,\) or \(n, 1\), as the labels. .* shape \(1,\), 2 labels"),
        ([1.0, -0.5], "Weights must be finite, not below 0.* weights from -0.5 to 1.0"),
        ([1.0, np.nan], "Weights must be finite"),
        ([0.0, 0.0], "not all 0"),
    ],
)
def test_weights_that_are_none(metric, weights, message):
    with pytest.raises(ValueError, match=message):
        metric([0, 1], [0.1, 0.2], weights)


def test_a_perfect_auc_is_no_more_than_one_by_rounding():
    rng = np.random.default_rng(0)
    labels = np.arange(50) % 2
    weighted = [metrics.auc(labels, labels, rng.random(50)) for _ in range(99)]
    assert max(weighted) == 1
    assert min(weighted) == pytest.approx(1, abs=1e-14)


def test_one_class_of_weights_above_zero():
    with pytest.raises(ValueError, match="Received: 2 labels that are all 1"):
        metrics.auc([1, 0, 1], [0.1, 0.2, 0.3], [1.0, 0.0, 2.0])


@pytest.mark.parametrize("metric", [metrics.auc, metrics.log_loss])
@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([], [], "n >= 1"),
        ([0, 1], [0.5], "n >= 1"),
        ([[0, 1]], [[0.5, 0.5]], r"shape \(1, 2\)"),
        (1, 0.5, r"shape \(\)"),
        ([0, 1, np.nan], [0.1, 0.2, 0.3], "Labels must not be NaN. Received: 1 NaN of 3"),
        ([0, 1], [np.nan, np.nan], "Scores must not be NaN. Received: 2 NaN of 2"),
        ([0, 2], [0.1, 0.2], "0 or 1. Received: 2"),
        ([0, 0.5], [0.1, 0.2], "0 or 1. Received: 0.5"),
    ],
)
def test_errors(metric, labels, scores, message):
    with pytest.raises(ValueError, match=message):
        metric(labels, scores)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class(label):
    with pytest.raises(ValueError, match=f"both classes. Received: 3 labels that are all {label}"):
        metrics.auc([label] * 3, [0.1, 0.2, 0.3])
    assert metrics.log_loss([label] * 3, [0.0] * 3) == pytest.approx(np.log(2))
