"""What every model without a search must hold; a new model is a line in `BASELINES`."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.export import export_saved_model
from tests.models.models_table import (
    BASELINES,
    IDS,
    KINDS,
    LABELS,
    SIZES,
    check_fields_of_every_kind,
    check_mixed_precision,
    check_out_of_range_ids,
    check_save_and_load,
    check_shape_and_gradients,
    loss_after_training,
    new_baseline,
    randomized,
)

SEPARABLE = (IDS[:, :1] < 4).astype("float32")  # by a linear model
each_model = pytest.mark.parametrize("model", BASELINES)
WITH_DROPOUT = [
    (model, parameter)
    for model, (cls, _) in BASELINES.items()
    for parameter in inspect.signature(cls).parameters
    if "dropout" in parameter
]


@each_model
def test_shape_and_gradients(model):
    check_shape_and_gradients(new_baseline(model))


@each_model
def test_save_and_load(model, tmp_path):
    regularizer = "regularizer" if model == "lr" else "embedding_regularizer"
    model = new_baseline(model, **{regularizer: keras.regularizers.L2(0.01)})
    loaded = check_save_and_load(model, IDS, tmp_path)
    assert sum(loaded.losses) == sum(model.losses) > 0
    tables = [v for v in model.trainable_variables if v.name.startswith("table_")]
    of_tables = 0.01 * sum(np.sum(np.square(table)) for table in tables)
    assert sum(model.losses) >= of_tables * (1 - 1e-5), "every table is regularized"


@each_model
def test_overfits(model):
    labels = SEPARABLE if model == "lr" else LABELS
    keras.utils.set_random_seed(0)
    model = new_baseline(model)
    assert loss_after_training(model, keras.optimizers.Adam(0.05), labels) < 0.02


@each_model
def test_mixed_precision(model):
    check_mixed_precision(lambda: new_baseline(model))


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
    check_out_of_range_ids(new_baseline(model))


@each_model
def test_fields_of_every_kind(model, tmp_path):
    check_fields_of_every_kind(new_baseline(model, KINDS), tmp_path)


@each_model
def test_argument_errors(model):
    cls, arguments = BASELINES[model]
    with pytest.raises(ValueError, match=r"number of ids or its Field. Received: .*\[8, 8\]"):
        cls([8, 8], **arguments)
    with pytest.raises(TypeError, match="embeding_dim"):
        cls(SIZES, **arguments, embeding_dim=4)
    parameters = inspect.signature(cls).parameters
    if "embedding_dim" in parameters:
        with pytest.raises(ValueError, match=r"must be an integer >= 1. Received: embedding_dim=0"):
            cls(SIZES, **arguments | {"embedding_dim": 0})
    if "mlp_norm" in parameters:
        with pytest.raises(ValueError, match=r"norm must be one of .*Received: norm='group'"):
            cls(SIZES, **arguments | {"mlp_norm": "group"})
