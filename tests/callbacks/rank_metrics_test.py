import keras
import numpy as np
import pytest
import sklearn.metrics
import tensorflow as tf

from aim_keras import metrics
from aim_keras.callbacks import RankMetrics, rank_metrics


def data(seed, rows=256):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 8)).astype("float32")
    return x, (x[:, :1] + rng.normal(size=(rows, 1)) > 0).astype("float32")


def compiled():
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True))
    return model


def dataset():
    return tf.data.Dataset.from_tensor_slices(data(1)).shuffle(256).batch(100)


@pytest.mark.parametrize(
    "validation_data", [data(1), dataset(), [data(1)]], ids=["arrays", "shuffled dataset", "list"]
)
def test_rank_metrics(validation_data):
    model = compiled()
    logs = model.fit(*data(0), verbose=0, callbacks=[RankMetrics(validation_data)]).history
    x, y = data(1)
    logits = model.predict(x, verbose=0)
    assert logs["val_auc"] == [pytest.approx(sklearn.metrics.roc_auc_score(y, logits), abs=1e-6)]
    expected = sklearn.metrics.log_loss(y, 1 / (1 + np.exp(-logits.astype("float64"))))
    assert logs["val_log_loss"] == [pytest.approx(expected, rel=1e-5)]


def test_probabilities():
    model = compiled()
    likely = keras.Sequential([model, keras.layers.Activation("sigmoid")])
    found = rank_metrics(likely, data(1), logit_shift=-1.5, from_logits=False)
    assert found == pytest.approx(rank_metrics(model, data(1), logit_shift=-1.5), rel=1e-5)
    likely.compile(loss="binary_crossentropy")
    callbacks = [RankMetrics(data(1), from_logits=False)]
    logs = likely.fit(*data(0), verbose=0, validation_data=data(1), callbacks=callbacks).history
    assert logs["val_log_loss"] == [pytest.approx(logs["val_loss"][0], rel=1e-5)]
    with pytest.raises(ValueError, match="outputs must be probabilities, from 0 to 1, where"):
        rank_metrics(model, data(1), from_logits=False)
    certain = keras.Sequential([keras.Input((8,)), keras.layers.Lambda(lambda x: x[:, :1] * 0)])
    x, y = data(1)
    found = rank_metrics(certain, (x, y), from_logits=False)["log_loss"]
    assert found == pytest.approx(-np.log(1e-7) * y.mean(), rel=1e-5)


def test_rank_metrics_of_weighted_rows_and_shifted_logits():
    model, (x, y) = compiled(), data(1)
    weights = np.random.default_rng(2).exponential(size=len(x)).astype("float32")
    batches = tf.data.Dataset.from_tensor_slices((x, y, weights)).shuffle(256).batch(100)
    logits = model.predict(x, verbose=0).astype("float64") - 1.5
    given = {"sample_weight": weights}
    expected = {
        "auc": sklearn.metrics.roc_auc_score(y, logits, **given),
        "log_loss": sklearn.metrics.log_loss(y, 1 / (1 + np.exp(-logits)), **given),
    }
    for validation_data in ((x, y, weights), batches):
        found = rank_metrics(model, validation_data, logit_shift=-1.5)
        assert found == pytest.approx(expected, rel=1e-5)
    callbacks = [RankMetrics(batches, logit_shift=-1.5)]
    logs = model.fit(*data(0), verbose=0, callbacks=callbacks).history
    found = rank_metrics(model, batches, logit_shift=-1.5)
    assert logs["val_log_loss"] == [pytest.approx(found["log_loss"], rel=1e-6)]


def test_two_rank_metrics():
    callbacks = [RankMetrics(data(1)), RankMetrics(data(2), prefix="other_")]
    history = compiled().fit(*data(0), verbose=0, callbacks=callbacks).history
    assert history["val_auc"] != history["other_auc"]


def test_rank_metrics_without_batches():
    empty = dataset().take(0)
    with pytest.raises(ValueError, match="at least one batch"):
        compiled().fit(*data(0), verbose=0, callbacks=[RankMetrics(empty)])


@pytest.mark.parametrize("validation_data", [None, (1, 2, 3, 4), iter([]), 5])
def test_rank_metrics_of_unfit_data(validation_data):
    with pytest.raises(ValueError, match="`validation_data` must be"):
        RankMetrics(validation_data)


def test_outputs_that_look_like_probabilities(caplog):
    model = compiled()
    rank_metrics(model, data(1))
    assert not caplog.messages
    probabilities = keras.Sequential([model, keras.layers.Activation("sigmoid")])
    rank_metrics(probabilities, data(1), from_logits=False)
    assert not caplog.messages
    rank_metrics(probabilities, data(1))
    assert "`from_logits=False`" in caplog.messages[0]


def test_arguments_that_are_mistaken():
    with pytest.raises(ValueError, match=r"`prefix` must be a string. Received: prefix=array"):
        RankMetrics(*data(1))
    with pytest.raises(ValueError, match=r"must be a tuple.*Received: .*list"):
        RankMetrics([*data(1)])


def test_a_model_of_several_outputs():
    x = keras.Input((8,))
    model = keras.Model(x, [keras.layers.Dense(1, name=name)(x) for name in ("click", "buy")])
    with pytest.raises(ValueError, match=r"must have one output.*the outputs \['click', 'buy'\]"):
        rank_metrics(model, data(1))
    found = rank_metrics(keras.Model(model.inputs, model.outputs[1]), data(1))
    assert found["auc"] == metrics.auc(data(1)[1], model.predict(data(1)[0], verbose=0)[1])
