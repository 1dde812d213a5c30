import math

import keras
import numpy as np
import pytest

from aim_keras.architecture import Architecture
from aim_keras.layers import GatedInteraction
from aim_keras.layers.interaction_functions import interaction_function
from tests.layers.built_interaction import (
    BATCH,
    DIM,
    EPSILON,
    FIELDS,
    FUNCTIONS,
    NAMES,
    built,
)


def products(function, vectors, kernel, u):
    """The products of the interaction `u` of one row, straight from the formulas."""
    dim = range(len(vectors[0]))
    if function == "outer":
        factors = [sum(kernel[r][j] * vector[j] for j in dim) for r, vector in enumerate(vectors)]
        return [math.prod(factors)]
    if function == "matrix_kernel":
        left = vectors[0]
        for matrices, vector in zip(kernel, vectors[1:], strict=True):
            left = [sum(left[i] * matrices[u][i][j] for i in dim) * vector[j] for j in dim]
        return left
    weight = {
        "inner": lambda j: 1.0,
        "vector_kernel": lambda j: kernel[u][j],
        "scalar_kernel": lambda j: kernel[u][0],
    }[function]
    return [weight(j) * math.prod(vector[j] for vector in vectors) for j in dim]


def definition(layer, embeddings):
    """Values `(batch, units)` and products `(batch, widths)` of the units, one after the other."""
    values, widths = [], []
    for row in embeddings.astype("float64"):
        row_products = []
        for k, (function, kernel) in enumerate(zip(layer.functions, layer.kernels, strict=True)):
            of_function = [q for name, q in layer.units if name == function]
            kernel = None if kernel is None else kernel.numpy().astype("float64")
            for u, interaction in enumerate(of_function):
                e = row[k if len(row) > 1 else 0]
                vectors = [e[NAMES.index(field)] for field in interaction]
                row_products.append(products(function, vectors, kernel, u))
        values.append([sum(p) for p in row_products])
        widths.append([x for p in row_products for x in p])
    return np.array(values).reshape(len(embeddings), -1), np.array(widths)


@pytest.mark.parametrize("kind", ["full", "one_list", "sparse"])
@pytest.mark.parametrize("slices", [1, len(FUNCTIONS)])
@pytest.mark.parametrize("order", [2, 3, 4])
def test_values_and_products(order, slices, kind):
    layer, embeddings = built(order, kind, slices=slices, gated=False, return_products=True)
    for output, expected in zip(layer(embeddings), definition(layer, embeddings), strict=True):
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-5)
    without_products, _ = built(order, kind, slices=slices, gated=False)
    np.testing.assert_allclose(
        without_products(embeddings), layer(embeddings)[0], rtol=1e-5, atol=1e-5
    )
    if slices == 1:
        for a, b in zip(layer(embeddings[:, 0]), layer(embeddings), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["full", "one_list", "sparse"])
@pytest.mark.parametrize("return_products", [False, True])
@pytest.mark.parametrize("order", [2, 3, 4])
def test_the_optimized_graph_gives_the_same(order, return_products, kind):
    layer, embeddings = built(order, kind, gated=False, return_products=return_products)
    model = keras.Sequential([keras.Input(embeddings.shape[1:]), layer])
    expected = definition(layer, embeddings)
    outputs = model.predict(embeddings, verbose=0)
    for output, values in zip(
        outputs if return_products else [outputs], expected, strict=return_products
    ):
        np.testing.assert_allclose(output, values, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["full", "sparse"])
@pytest.mark.parametrize("order", [2, 3, 4])
def test_batch_norm_and_gate(order, kind):
    layer, embeddings = built(order, kind)
    values, _ = definition(layer, embeddings)
    alpha, norm = layer.alpha.numpy(), layer.batch_norm
    mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
    expected = (values - mean) / np.sqrt(variance + EPSILON) * alpha
    np.testing.assert_allclose(layer(embeddings), expected, rtol=1e-4, atol=1e-5)

    mean, variance = values.mean(axis=0), values.var(axis=0)
    expected = (values - mean) / np.sqrt(variance + EPSILON) * alpha
    outputs = layer(embeddings, training=True)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


def test_products_are_neither_normalized_nor_gated():
    layer, embeddings = built(2, return_products=True)
    _, expected = definition(layer, embeddings)
    for training in (False, True):
        np.testing.assert_allclose(layer(embeddings, training=training)[1], expected, rtol=1e-5)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_one_function_equals_its_slice(order):
    everything, embeddings = built(order, gated=False)
    values = everything(embeddings).numpy().reshape(BATCH, len(FUNCTIONS), -1)
    for k, (function, kernel) in enumerate(zip(FUNCTIONS, everything.kernels, strict=True)):
        layer, _ = built(order, functions=(function,), gated=False)
        layer.set_weights([] if kernel is None else [kernel])
        alone = layer(embeddings[:, k])
        np.testing.assert_allclose(alone, values[:, k], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_new_kernels_give_the_inner_product(order):
    shared = np.random.default_rng(0).normal(size=(BATCH, FIELDS, DIM)).astype("float32")
    functions = ["inner", "matrix_kernel", "vector_kernel", "scalar_kernel"]
    layer = GatedInteraction(functions, order=order, gated=False)
    inner, *by_kernels = np.split(layer(shared), 4, axis=1)
    for values in by_kernels:
        np.testing.assert_allclose(values, inner, rtol=1e-5, atol=1e-6)


def test_new_outer_kernels_have_glorots_limits():
    """`w_r` maps `dim` numbers to one: here all are within `(6 / (5 + 1))**0.5`."""
    initializer = interaction_function("outer").kernel_initializer(5)
    w = np.asarray(initializer((1000,)))
    assert -1 <= w.min() < -0.98
    assert 0.98 < w.max() <= 1


def test_gates_start_open_and_close_columns():
    layer, embeddings = built(2)
    fresh = GatedInteraction(layer.functions, None, 2, NAMES)
    fresh.build(embeddings.shape)
    gates = fresh.alpha.numpy()
    assert gates.shape == (5 * 10,)
    assert gates.min() >= 0.599
    assert gates.max() <= 0.601
    assert len(set(gates)) > 40

    gates[[0, 7, 23]] = [0.0, -0.4, 0.0]
    fresh.alpha.assign(gates)
    outputs = fresh(embeddings, training=True).numpy()
    np.testing.assert_array_equal(np.flatnonzero((outputs == 0).all(axis=0)), [0, 23])
    kept = [unit for i, unit in enumerate(fresh.units) if i not in (0, 23)]
    open_gates = [(k, q) for k, of_k in fresh.gates().items() for q in of_k if of_k[q] != 0]
    assert open_gates == kept


def test_units_are_in_the_order_of_the_functions():
    layer = GatedInteraction(
        ["outer", "inner"], {"inner": [("a", "b")], "outer": [("c", "a"), ("b", "c")]}, 2, "abc"
    )
    assert layer.units == [
        ("outer", ("c", "a")),
        ("outer", ("b", "c")),
        ("inner", ("a", "b")),
    ]


def test_outer_meets_the_fields_in_their_given_order():
    e = np.array([[[1.0, 0.0], [0.0, 1.0]]], "float32")
    layer = GatedInteraction(["outer"], [(1, 0)], gated=False)
    layer.build(e.shape)
    layer.set_weights([np.array([[2.0, 3.0], [5.0, 7.0]])])
    assert float(layer(e)[0, 0]) == 3.0 * 5.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"functions": []}, r"one or more strings. Received: functions=\(\)"),
        ({"functions": ["inner", "inner"]}, "functions: nothing may repeat"),
        ({"functions": "inner"}, "functions must be a list. Received: 'inner'"),
        ({"interactions": ["ab"]}, "must be a sequence of fields. Received: 'ab'"),
        ({"functions": ["cosine"]}, "one of inner, outer, .*Received: 'cosine'"),
        ({"order": 1}, "order must be an integer >= 2. Received: order=1"),
        ({"order": 2.0}, "order must be an integer >= 2. Received: order=2.0"),
        ({"order": 4}, "at most the number of fields, 3. Received: order=4"),
        ({"fields": "aab"}, "fields must be distinct. Received: fields=.'a', 'a', 'b'"),
        ({"interactions": [("a", "x")]}, r"Received: \('a', 'x'\) of inner, with unknown \['x'\]"),
        (
            {"interactions": [("a", "b", "c")]},
            "order 2 has 2 distinct fields. Received: .'a', 'b', 'c'",
        ),
        ({"interactions": [("a", "a")]}, "order 2 has 2 distinct fields. Received: .'a', 'a'"),
        (
            {"interactions": [("a", "b"), ("b", "a")]},
            r"must not repeat. Received: \('b', 'a'\) of inner twice",
        ),
        ({"interactions": {"outer": [("a", "b")]}}, r"Received: interactions of \['outer'\]"),
        ({"epsilon": 0}, "epsilon must be above 0. Received: epsilon=0"),
        ({"momentum": 1.0}, r"momentum must be in \[0, 1\). Received: momentum=1.0"),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        GatedInteraction(**{"fields": "abc", **arguments})


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        ({"order": 3}, (4, 2, 5), "at most the number of fields, 2. Received: order=3"),
        ({"interactions": [(0, 2)]}, (4, 2, 5), r"with unknown \[2\]"),
        ({"fields": "abc"}, (4, 2, 5), "must name the 2 fields of the input"),
        ({}, (4, 5), r"of shape \(batch, functions, fields, dim\) or .*Received: shape \(4, 5\)"),
        ({"functions": ["inner", "outer"]}, (4, 3, 2, 5), "for all functions or 2.*Received: 3"),
    ],
)
def test_shape_errors(arguments, shape, message):
    with pytest.raises(ValueError, match=message):
        GatedInteraction(**arguments)(np.zeros(shape, "float32"))


# === from_architecture ===

FOUND = Architecture(
    ("a", "b", "c"),
    ("inner", "outer"),
    8,
    {"outer": [("b", "c"), ("a", "b", "c")], "inner": [("a", "c")]},
)


def test_an_architectures_interactions_go_into_a_users_model(tmp_path):
    FOUND.save(tmp_path / "architecture.json")
    inputs = [keras.Input((1,), name=field) for field in FOUND.fields]
    e = keras.layers.Concatenate(axis=1)([keras.layers.Embedding(9, 5)(x) for x in inputs])
    layers = [
        GatedInteraction.from_architecture(tmp_path / "architecture.json", order)
        for order in FOUND.orders
    ]
    units = keras.layers.Concatenate()([layer(e) for layer in layers])
    model = keras.Model(inputs, keras.layers.Dense(1)(units))
    assert [unit for layer in layers for unit in layer.units] == FOUND.units(2) + FOUND.units(3)
    assert model.get_layer(layers[0].name).get_config()["order"] == 2
    assert [w.name for w in layers[0].trainable_weights] == ["outer_kernel", "alpha"]
    ids = np.random.default_rng(0).integers(0, 9, (64, 3))
    labels = (ids[:, :1] == ids[:, 1:2]).astype("float32")
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(list(ids.T[:, :, None]), labels, verbose=0)
    plain = GatedInteraction.from_architecture(FOUND, gated=False)
    assert not plain.gated
    assert plain.units == FOUND.units(2)


@pytest.mark.parametrize("shape", [(4, 4, 5), (4, 2, 5), (4, 3, 6), (4, 1, 3, 1)])
def test_a_built_layer_takes_its_own_shapes_alone(shape):
    layer = GatedInteraction(fields="abc")
    assert layer(np.ones((4, 3, 5), "float32")).shape == (4, 3)
    with pytest.raises(ValueError, match="incompatible with the layer: expected axis"):
        layer(np.ones(shape, "float32"))


@pytest.mark.parametrize(
    ("architecture", "order", "message"),
    [
        (FOUND, 4, r"interactions of, \(2, 3\). Received: order=4"),
        ({"format": "x"}, 2, "format must be"),
        (7, 2, "An architecture must be a mapping"),
    ],
)
def test_from_architecture_errors(architecture, order, message):
    with pytest.raises(ValueError, match=message):
        GatedInteraction.from_architecture(architecture, order)


def test_units_are_known_once_the_fields_are():
    layer = GatedInteraction(order=3)
    with pytest.raises(ValueError, match="units are known once the layer is built"):
        layer.units  # noqa: B018
    assert layer.compute_output_shape((None, 1, 4, 2)) == (None, 4)
    layer.build((None, 1, 4, 2))
    assert len(layer.units) == 4


@pytest.mark.parametrize("shape", [(1, None, 8), (1, 3, None)])
def test_an_unknown_number_of_fields_or_dimensions(shape):
    with pytest.raises(ValueError, match="of known fields and dim"):
        GatedInteraction()(keras.Input(shape))


def test_a_list_of_embeddings():
    with pytest.raises(ValueError, match="takes one tensor of embeddings"):
        GatedInteraction()([keras.Input((8,)), keras.Input((8,))])
