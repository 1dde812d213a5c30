import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.export import export_saved_model
from aim_keras.fields import Field
from aim_keras.models import DIN
from tests.models.by_formula import by_path, mlp, with_random_weights
from tests.models.models_table import (
    COLUMNS,
    IDS,
    KINDS,
    WEIGHTS,
    check_fields_of_every_kind,
    check_mixed_precision,
    check_save_and_load,
    check_shape_and_gradients,
    loss_after_training,
    randomized,
)

FIELDS = {"a": 8, "b": Field(8, length=3, table="a")}


def new_model(fields=FIELDS, **options):
    arguments = {"embedding_dim": 4, "attention_units": (5,), "hidden_units": (16,)}
    return DIN(fields, {"b": "a"}, **arguments | options)


def attended(w, target, places):
    weights = {k.removeprefix("attention_0/"): v for k, v in w.items() if "attention_0" in k}
    pooled = np.zeros_like(target)
    for place in places:
        related = np.concatenate([target, place, target - place, target * place])
        pooled += mlp(weights, related) * place
    return pooled


@pytest.mark.parametrize("table", ["a", None])
def test_equals_its_formula(table):
    fields = {"c": 3, "b": Field(8, length=3, table=table), "a": 8}
    model = with_random_weights(new_model(fields))
    w = by_path(model)
    rows = np.split(w["embedding/table_4"], np.cumsum([3, 8]))
    rng = np.random.default_rng(2)
    b = rng.integers(-1, 8, (10, 3))
    ids = np.column_stack([rng.integers(0, 3, 10), b, rng.integers(0, 8, 10)])
    ids[0, 1:4] = -1
    expected = []
    for c, *b, a in ids:
        target = rows[-1][a] if table is None else rows[1][a]
        places = [rows[1][i] for i in b if i != -1]
        inputs = np.concatenate([rows[0][c], attended(w, target, places), target])
        expected.append(mlp(w, inputs))
    np.testing.assert_allclose(model(ids), expected, rtol=1e-4, atol=1e-4)


def test_an_order_of_the_places_does_not_count():
    model = randomized(new_model())
    np.testing.assert_allclose(model(IDS), model(IDS[:, [0, 3, 1, 2]]), rtol=1e-5)


def test_shape_and_gradients():
    check_shape_and_gradients(new_model())


def test_learns_whether_the_target_is_in_the_list():
    keras.utils.set_random_seed(0)
    labels = (IDS[:, :1] == IDS[:, 1:]).any(axis=1, keepdims=True).astype("float32")
    assert 0.2 < labels.mean() < 0.8
    assert loss_after_training(new_model(), keras.optimizers.Adam(0.05), labels) < 0.02


def test_mixed_precision():
    check_mixed_precision(new_model)


def test_fields_of_every_kind(tmp_path):
    check_fields_of_every_kind(new_model(KINDS), tmp_path)


def test_save_and_load(tmp_path):
    model = new_model(embedding_regularizer="l2", attention_dropout=0.5)
    loaded = check_save_and_load(model, IDS, tmp_path)
    assert sum(loaded.losses) == sum(model.losses) > 0


def test_export(tmp_path):
    model = randomized(new_model(KINDS))
    export_saved_model(model, KINDS, tmp_path / "1", (COLUMNS, WEIGHTS))
    assert tf.saved_model.load(tmp_path / "1").signatures["serving_default"]


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({}, "must map fields of lists to those of their targets. Received: {}"),
        ({"b": ["a"]}, r"must map fields .* Received: {'b': \['a'\]}"),
        (["b"], r"must map fields .* Received: \['b'\]"),
        (
            {"a": "b"},
            "a field of a list without weights to a field of one id. Received: 'a' for 'b'",
        ),
        ({"c": "a"}, "Received: 'c' for 'a', .*weighted=True"),
        ({"b": "d"}, "Received: 'b' for 'd'"),
        ({"b": "e"}, "Received: 'b' for 'e', .* for None"),
    ],
)
def test_argument_errors(targets, message):
    with pytest.raises(ValueError, match=message):
        DIN(KINDS, targets)


@pytest.mark.parametrize("dropout", ["dropout", "attention_dropout"])
def test_dropouts_are_in_training_alone(dropout):
    model = randomized(new_model(**{dropout: 0.5}))
    ids = np.zeros((50, 4), "int32")
    assert len(np.unique(model(ids))) == 1
    assert len(np.unique(model(ids, training=True))) > 1


def test_the_norm_is_that_of_the_mlp():
    with pytest.raises(ValueError, match=r"norm must be one of .*Received: norm='group'"):
        new_model(mlp_norm="group")
