import numpy as np
import pytest

from aim_keras.layers import DimensionGate

FUNCTIONS = ("inner", "outer")
BATCH, FIELDS, DIM = 6, 3, 4
EPSILON = 1e-3
E = np.random.default_rng(0).normal(1, 2, size=(BATCH, 2, FIELDS, DIM)).astype("float32")


def built(per_function, shape=E.shape, **options):
    layer = DimensionGate(FUNCTIONS, (2,), "abc", per_function, epsilon=EPSILON, **options)
    layer.build(shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.uniform(0.3, 2, w.shape) for w in layer.weights])
    return layer


def definition(layer, mean, variance):
    beta = layer.beta.numpy().astype("float64")
    outputs = np.empty(E.shape)
    for b, k, i, j in np.ndindex(E.shape):
        e = (float(E[b, k, i, j]) - mean[k, i, j]) / np.sqrt(variance[k, i, j] + EPSILON)
        outputs[b, k, i, j] = beta[k if layer.per_function else 0, i, j] * e
    return outputs


@pytest.mark.parametrize("per_function", [False, True])
def test_equals_the_definition(per_function):
    layer = built(per_function)
    assert layer.beta.shape == (2 if per_function else 1, FIELDS, DIM)
    moving = [w.numpy() for w in (layer.batch_norm.moving_mean, layer.batch_norm.moving_variance)]
    np.testing.assert_allclose(layer(E), definition(layer, *moving), rtol=1e-5, atol=1e-6)
    expected = definition(layer, E.mean(axis=0), E.var(axis=0))
    np.testing.assert_allclose(layer(E, training=True), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_without_normalization(training):
    layer = built(per_function=True, normalize=False)
    expected = definition(layer, np.zeros(E.shape[1:]), np.full(E.shape[1:], 1 - EPSILON))
    np.testing.assert_allclose(layer(E, training=training), expected, rtol=1e-6)


def test_gates_start_open():
    layer = DimensionGate()
    layer.build((None, 1, 30, 10))
    gates = layer.beta.numpy()
    assert gates.min() >= 0.599
    assert gates.max() <= 0.601
    assert len(set(gates.ravel())) > 250


def test_kept_dimensions_of_fields():
    layer = built(per_function=False)
    layer.beta.assign([[[1, 0, -1e-30, 0], [0, 0, 0, 0], [2, 2, 2, 2]]])
    of_field = {"a": (0, 2), "b": (), "c": (0, 1, 2, 3)}
    assert layer.kept_dimensions() == {"inner": of_field, "outer": of_field}


def test_kept_dimensions_of_functions():
    layer = built(per_function=True)
    gates = np.ones((2, FIELDS, DIM))
    gates[0, 1] = gates[1, :, 3] = 0
    layer.beta.assign(gates)
    assert layer.kept_dimensions() == {
        "inner": {"a": (0, 1, 2, 3), "b": (), "c": (0, 1, 2, 3)},
        "outer": dict.fromkeys("abc", (0, 1, 2)),
    }


def test_one_embedding_for_all_functions():
    layer = built(per_function=False, shape=(BATCH, 1, FIELDS, DIM))
    assert list(layer.kept_dimensions()) == list(FUNCTIONS)
    outputs = layer(E[:, :1])
    assert outputs.shape == (BATCH, 1, FIELDS, DIM)
    without_axis = built(per_function=False, shape=(BATCH, FIELDS, DIM))
    assert without_axis.kept_dimensions() == layer.kept_dimensions()
    np.testing.assert_array_equal(without_axis(E[:, 0]), outputs[:, 0])
    for a, b in zip(without_axis.affine(), layer.affine(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        ({}, (2, 4), r"\(batch, fields, dim\). Received: shape \(2, 4\)"),
        ({}, (2, 3, 3, 4), "one slice for all functions or 2.*Received: 3"),
        ({"per_function": True}, (2, 1, 3, 4), "need function-wise embeddings. Received: one"),
        ({"per_function": True}, (2, 3, 4), "need function-wise embeddings. Received: one"),
        ({"fields": "ab"}, (2, 2, 3, 4), "must name the 3 fields of the input. Received: fields="),
    ],
)
def test_shape_errors(arguments, shape, message):
    with pytest.raises(ValueError, match=message):
        DimensionGate(FUNCTIONS, **arguments)(np.zeros(shape, "float32"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"functions": []}, r"one or more strings. Received: functions=\(\)"),
        ({"functions": ["inner", "inner"]}, "functions: nothing may repeat"),
        ({"functions": "inner"}, "functions must be a list. Received: 'inner'"),
        ({"functions": ["cosine"]}, "one of inner, outer, .*Received: 'cosine'"),
        ({"orders": (1,)}, "orders must be integers >= 2. Received: orders=[(]1,[)]"),
        ({"orders": ("2",)}, "orders must be integers >= 2. Received"),
        ({"fields": "aab"}, "fields must be distinct. Received: fields="),
        ({"epsilon": 0}, "epsilon must be above 0. Received: epsilon=0"),
        ({"momentum": 1.5}, r"momentum must be in \[0, 1\). Received: momentum=1.5"),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        DimensionGate(**arguments)
