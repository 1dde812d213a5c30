import keras
import numpy as np
import pytest
import sklearn.metrics
import tensorflow as tf

from aim_keras import metrics
from aim_keras.metrics import BinnedAUC
from aim_keras.models import LR


def rows(number, mean, deviation, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(mean, deviation, number).astype("float32")
    return (logits + rng.logistic(size=number) > 0).astype("float32"), logits


def updated(metric, labels, scores, weights=None):
    for start in range(0, len(labels), 999):
        part = slice(start, start + 999)
        metric.update_state(
            labels[part], scores[part], weights if weights is None else weights[part]
        )
    return metric


@pytest.mark.parametrize(
    ("mean", "deviation", "bound"),
    [(-3.5, 1, 3e-4), (-1, 0.3, 1e-3), (-5, 0.05, 6e-3), (0, 3, 1e-4)],
)
def test_it_is_the_exact_auc_within_its_bound(mean, deviation, bound):
    labels, logits = rows(30_000, mean, deviation)
    exact = metrics.auc(labels, logits)
    metric = updated(BinnedAUC(from_logits=True), labels, logits)
    assert float(metric.error_bound()) < bound
    assert abs(float(metric.result()) - exact) < bound / 10
    of_probabilities = updated(BinnedAUC(), labels[:, None], keras.ops.sigmoid(logits)[:, None])
    assert abs(float(of_probabilities.result()) - exact) < bound / 10


@pytest.mark.parametrize("num_bins", [2, 7, 100])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_bound_holds_and_is_reached(num_bins, swapped):
    """Of two rows in a bin, in order or not, the exact AUC is 1 or 0 and the binned one a half."""
    labels = np.array([1.0, 0.0] if swapped else [0.0, 1.0])
    metric = BinnedAUC(from_logits=True, num_bins=num_bins)
    metric.update_state(labels, [0.001, 0.002])
    assert float(metric.result()) == float(metric.error_bound()) == 0.5
    labels, logits = rows(500, 0, 2)
    metric = updated(BinnedAUC(from_logits=True, num_bins=num_bins), labels, logits)
    error = abs(float(metric.result()) - metrics.auc(labels, logits))
    assert error <= float(metric.error_bound())


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_weights(shape):
    labels, logits = rows(5000, -2, 1)
    weights = np.random.default_rng(1).exponential(size=5000)
    exact = sklearn.metrics.roc_auc_score(labels, logits, sample_weight=weights)
    metric = updated(BinnedAUC(from_logits=True), labels, logits, weights.reshape(shape))
    assert float(metric.result()) == pytest.approx(exact, abs=1e-4)
    metric = updated(BinnedAUC(from_logits=True), labels, logits, (weights > 1).astype("float32"))
    exact = metrics.auc(labels[weights > 1], logits[weights > 1])
    assert float(metric.result()) == pytest.approx(exact, abs=1e-4)


def test_soft_labels_count_as_rows_of_both_classes():
    labels, logits = rows(5000, -2, 1)
    twice = np.concatenate([np.ones(5000), np.zeros(5000)])
    metric = updated(BinnedAUC(from_logits=True), 0.8 * labels + 0.1, logits)
    exact = sklearn.metrics.roc_auc_score(
        twice,
        np.tile(logits, 2),
        sample_weight=np.concatenate([0.8 * labels + 0.1, 0.9 - 0.8 * labels]),
    )
    assert float(metric.result()) == pytest.approx(exact, abs=1e-4)


def test_what_lies_beyond_the_limit_and_certain_probabilities():
    metric = BinnedAUC(from_logits=True, limit=2.0)
    metric.update_state([0, 0, 1, 1], [-np.inf, -3.0, 2.0, 1e30])
    assert float(metric.result()) == 1
    metric = BinnedAUC()
    metric.update_state([0, 0, 1, 1], [0.0, 1e-9, 1.0, 1.0])
    assert float(metric.result()) == 1


def test_what_has_no_auc_is_nan():
    metric = BinnedAUC(from_logits=True)
    assert np.isnan(metric.result())
    metric.update_state([1, 1], [0.0, 1.0])
    assert np.isnan(metric.result())
    metric.update_state([0, 0], [-1.0, -1.0])
    assert float(metric.result()) == 1
    metric.update_state([0], [np.nan])
    assert np.isnan(metric.result())
    metric.reset_state()
    metric.update_state([0, 1], [0.0, 1.0])
    assert float(metric.result()) == 1


@pytest.mark.parametrize("score", [-0.1, 1.1, np.nan])
def test_what_is_no_probability_makes_it_nan(score):
    metric = BinnedAUC()
    metric.update_state([0, 1], [0.0, 1.0])
    assert float(metric.result()) == 1
    metric.update_state([1], [score])
    assert np.isnan(metric.result())


@pytest.mark.parametrize("jit_compile", [False, True])
def test_in_compile_and_saved(jit_compile, tmp_path):
    ids = np.random.default_rng(0).integers(0, 50, (4000, 1))
    labels = (ids + np.random.default_rng(1).normal(0, 20, ids.shape) > 25).astype("float32")
    model = LR({"a": 50})
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    auc = BinnedAUC(from_logits=True)
    adam = keras.optimizers.Adam(0.1)
    model.compile(adam, loss, weighted_metrics=[auc], jit_compile=jit_compile)
    kept = ids[:, 0] < 30
    valid = (ids, labels, kept.astype("float32"))
    history = model.fit(ids, labels, validation_data=valid, verbose=0).history
    logits = model.predict(ids, verbose=0)
    exact = metrics.auc(labels[kept], logits[kept])
    assert history["val_auc"][-1] == pytest.approx(exact, abs=1e-4)
    assert abs(history["val_auc"][-1] - history["auc"][-1]) > 0.01
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    evaluated = loaded.evaluate(ids, labels, sample_weight=valid[2], verbose=0, return_dict=True)
    assert evaluated["auc"] == pytest.approx(history["val_auc"][-1], abs=1e-6)


def test_it_is_made_again_as_it_was():
    given = {"from_logits": True, "num_bins": 7, "limit": 2.0, "name": "rank"}
    again = BinnedAUC.from_config(BinnedAUC(**given).get_config())
    assert {name: getattr(again, name) for name in given} == given


def test_half_precision_scores_are_counted_in_float32():
    labels, logits = rows(1000, 0, 2)
    metric = BinnedAUC(from_logits=True)
    metric.update_state(labels, tf.cast(logits, "bfloat16"))
    exact = metrics.auc(labels, tf.cast(tf.cast(logits, "bfloat16"), "float32").numpy())
    assert float(metric.result()) == pytest.approx(exact, abs=1e-4)
    assert {v.dtype for v in metric.variables} == {"float32"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_bins": 1}, "num_bins must be an integer >= 2. Received: num_bins=1"),
        ({"num_bins": 2.5}, "Received: num_bins=2.5"),
        ({"limit": 0}, "limit must be a finite number above 0. Received: limit=0"),
        ({"limit": np.inf}, "Received: limit=inf"),
        ({"limit": "3"}, "Received: limit='3'"),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        BinnedAUC(**arguments)


@pytest.mark.parametrize("from_logits", [False, True])
def test_logits_for_probabilities_are_warned_of_once(from_logits, caplog):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "linear")])
    metric = BinnedAUC(from_logits=from_logits)
    model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True), metrics=[metric])
    labels, logits = rows(500, 0, 2)
    history = model.fit(logits[:, None], labels, epochs=2, verbose=0).history
    assert np.isnan(history["auc"]).all() == (not from_logits)
    warned = ["`BinnedAUC(from_logits=True)`" in message for message in caplog.messages]
    assert warned == [True] * (not from_logits)
