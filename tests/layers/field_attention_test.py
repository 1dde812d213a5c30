import math

import numpy as np
import pytest
import tensorflow as tf

from aim_keras.layers import FieldAttention

BATCH, FIELDS, DIM = 3, 4, 6
X = np.random.default_rng(0).normal(size=(BATCH, FIELDS, DIM)).astype("float32")


def built(*arguments, **options):
    layer = FieldAttention(*arguments, **options)
    layer.build(X.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def attended(layer, x, head):
    """Each field's sum of the values of one head."""
    w = {weight.name: weight.numpy().astype("float64") for weight in layer.weights}
    columns = slice(head * layer.head_dim, (head + 1) * layer.head_dim)
    queries, keys, values = (
        [e @ w[name][:, columns] for e in x] for name in ("query", "key", "value")
    )
    outputs = []
    for query in queries:
        scores = [sum(q * k for q, k in zip(query, key, strict=True)) for key in keys]
        if layer.scale:
            scores = [score / math.sqrt(layer.head_dim) for score in scores]
        total = sum(math.exp(score) for score in scores)
        outputs.append(
            sum(math.exp(s) / total * value for s, value in zip(scores, values, strict=True))
        )
    return outputs


def definition(layer):
    w = {weight.name: weight.numpy().astype("float64") for weight in layer.weights}
    outputs = np.zeros((BATCH, FIELDS, layer.attention_dim))
    for b, x in enumerate(X.astype("float64")):
        heads = [attended(layer, x, head) for head in range(layer.num_heads)]
        for i, e in enumerate(x):
            y = np.concatenate([head[i] for head in heads])
            if layer.residual:
                y = y + (e @ w["residual"] if "residual" in w else e)
            if layer.layer_norm:
                y = (y - y.mean()) / math.sqrt(y.var() + 1e-5) * w["gamma"] + w["beta"]
            outputs[b, i] = [max(value, 0) for value in y]
    return outputs


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(("attention_dim", "num_heads"), [(8, 2), (6, 3), (5, 1)])
def test_equals_the_definition(attention_dim, num_heads, residual, layer_norm, scale):
    layer = built(attention_dim, num_heads, residual, scale, layer_norm)
    expected = definition(layer)
    assert 0 < np.count_nonzero(expected) < expected.size
    np.testing.assert_allclose(layer(X), expected, rtol=1e-4, atol=1e-4)


def test_the_order_of_the_fields_is_that_of_the_outputs():
    layer = built(8, 2)
    order = [2, 0, 3, 1]
    np.testing.assert_allclose(layer(X[:, order]), layer(X).numpy()[:, order], rtol=1e-5, atol=1e-5)


def test_any_number_of_fields():
    layer = built(8, 2)
    attended = tf.function(layer, input_signature=[tf.TensorSpec((None, None, X.shape[2]))])
    for fields in (2, X.shape[1]):
        np.testing.assert_allclose(attended(X[:, :fields]), layer(X[:, :fields]), rtol=1e-5)


def test_dropout_is_of_the_attention():
    """Of equal fields each has the weight 1 / n, and a head's output is that of those left."""
    layer = FieldAttention(16, 2, residual=False, dropout=0.5)
    equal = np.repeat(X[:, :1], FIELDS, axis=1)
    outputs = (np.reshape(layer(equal, training=training), (-1, 8)) for training in (False, True))
    for plain, trained in zip(*outputs, strict=True):
        left = FIELDS * 0.5 * trained[plain > 0] / plain[plain > 0]
        np.testing.assert_allclose(left, left[0].round(), atol=1e-4)


def test_dropout_only_in_training():
    layer, plain = built(8, 2, dropout=0.5), built(8, 2)
    np.testing.assert_array_equal(layer(X), plain(X))
    np.testing.assert_array_equal(layer(X, training=False), plain(X))
    assert not np.array_equal(layer(X, training=True), plain(X))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([8, 3], "multiple of num_heads. Received: attention_dim=8, num_heads=3"),
        ([0, 1], "attention_dim must be an integer >= 1. Received: attention_dim=0"),
        ([8, 0], "num_heads must be an integer >= 1. Received: num_heads=0"),
        ([8, 2, True, False, False, 1.0], r"dropout must be in \[0, 1\). Received: dropout=1.0"),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        FieldAttention(*arguments)


def test_shape_errors():
    with pytest.raises(ValueError, match=r"\(batch, fields, dim\). Received: shape \(3, 24\)"):
        FieldAttention(8)(X.reshape(BATCH, -1))
