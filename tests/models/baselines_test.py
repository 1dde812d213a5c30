"""What every model without a search must hold; a new model is a line in `BASELINES`."""

import inspect
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.export import export_saved_model
from tests.models.models_table import (
    BASELINES,
    COLUMNS,
    IDS,
    KINDS,
    LABELS,
    SIZES,
    WEIGHTS,
    loss_after_training,
    new_baseline,
    randomized,
)

SEPARABLE = (IDS[:, :1] < 4).astype("float32")  # by a linear model

RNG = np.random.default_rng(2)
each_model = pytest.mark.parametrize("model", BASELINES)
WITH_DROPOUT = [
    (model, parameter)
    for model, (cls, _, _) in BASELINES.items()
    for parameter in inspect.signature(cls).parameters
    if "dropout" in parameter
]


@each_model
def test_shape_and_gradients(model):
    model = randomized(new_baseline(model))
    assert model.output_shape == (None, 1)
    with tf.GradientTape() as tape:
        logits = model(IDS, training=True)
        loss = tf.reduce_sum(logits * RNG.normal(size=logits.shape))
    assert logits.shape == (64, 1)
    weights = {w.path: w.value for w in model.trainable_variables}
    for path, gradient in tape.gradient(loss, weights).items():
        assert gradient is not None, path
        gradient = tf.convert_to_tensor(gradient)
        assert np.isfinite(gradient).all(), path
        assert np.any(gradient), path


@each_model
def test_save_and_load(model, tmp_path):
    _, _, regularizer = BASELINES[model]
    model = randomized(new_baseline(model, **{regularizer: keras.regularizers.L2(0.01)}))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(IDS), model(IDS))
    assert type(loaded) is type(model)
    assert json.dumps(loaded.get_config()) == json.dumps(model.get_config())
    assert sum(loaded.losses) == sum(model.losses) > 0


@each_model
def test_overfits(model):
    labels = SEPARABLE if model == "lr" else LABELS
    keras.utils.set_random_seed(0)
    model = new_baseline(model)
    assert loss_after_training(model, keras.optimizers.Adam(0.05), labels) < 0.02


@each_model
def test_mixed_precision(model):
    exact = randomized(new_baseline(model))(IDS)
    keras.config.set_dtype_policy("mixed_bfloat16")
    mixed = randomized(new_baseline(model))
    logits = mixed(IDS)
    assert logits.dtype == "float32"
    assert {w.dtype for w in mixed.weights} == {"float32"}
    np.testing.assert_allclose(logits, exact, atol=0.05 * np.abs(exact).max())


@pytest.mark.parametrize(("model", "dropout"), WITH_DROPOUT)
def test_dropouts_are_in_training_alone(model, dropout):
    model = randomized(new_baseline(model, **{dropout: 0.5}))
    ids = np.zeros((50, 4), "int32")
    assert len(np.unique(model(ids))) == 1
    assert len(np.unique(model(ids, training=True))) > 1


@each_model
def test_export(model, tmp_path):
    model = randomized(new_baseline(model))
    export_saved_model(model, SIZES, tmp_path / "1", IDS)
    served = tf.saved_model.load(tmp_path / "1").signatures["serving_default"]
    columns = {field: tf.constant(IDS[:, i]) for i, field in enumerate(SIZES)}
    np.testing.assert_allclose(served(**columns)["ctr"], tf.sigmoid(model(IDS)), atol=1e-6)


@each_model
def test_out_of_range_ids_are_the_fields_row_zero(model):
    model = randomized(new_baseline(model))
    np.testing.assert_array_equal(
        model(IDS * [[1, -1, 1, 0]] + [[2**32, -1, 0, 4]]), model(IDS * [[0, 0, 1, 0]])
    )


@each_model
def test_fields_of_every_kind(model, tmp_path):
    model = randomized(new_baseline(model, KINDS))
    assert [tensor.shape for tensor in model.inputs] == [(None, 7), (None, 3)]
    logits = model([COLUMNS, WEIGHTS])
    assert np.isfinite(logits).all()
    poisoned = np.where(COLUMNS[:, 4:] == -1, np.nan, WEIGHTS)
    np.testing.assert_array_equal(model((COLUMNS, poisoned)), logits)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded([COLUMNS, WEIGHTS]), logits)


@each_model
def test_argument_errors(model):
    cls, arguments, _ = BASELINES[model]
    with pytest.raises(ValueError, match=r"number of ids or its Field. Received: .*\[8, 8\]"):
        cls([8, 8], **arguments)
    with pytest.raises(TypeError, match="embeding_dim"):
        cls(SIZES, **arguments, embeding_dim=4)
    if "embedding_dim" in inspect.signature(cls).parameters:
        with pytest.raises(ValueError, match=r"must be an integer >= 1. Received: embedding_dim=0"):
            cls(SIZES, **arguments | {"embedding_dim": 0})
