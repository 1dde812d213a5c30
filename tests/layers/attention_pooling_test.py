import keras
import numpy as np
import pytest

from aim_keras.layers import AttentionPooling

Z = np.random.default_rng(0).normal(size=(6, 4, 3)).astype("float32")


def built(*arguments):
    layer = AttentionPooling(*arguments)
    layer.build(Z.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def definition(layer, z, temperature):
    """The pooled vectors of one example, and their attention."""
    kernel, bias, h = (w.numpy().astype("float64") for w in layer.weights)
    scores = []
    for vector in z.astype("float64"):
        score = 0
        for k in range(layer.units):
            unit = bias[k] + sum(vector[d] * kernel[d, k] for d in range(3))
            score += h[k, 0] * max(unit, 0)
        scores.append(np.exp(score / temperature))
    attention = [score / sum(scores) for score in scores]
    return [sum(a * vector[d] for a, vector in zip(attention, z, strict=True)) for d in range(3)]


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_equals_the_definition(temperature):
    layer = built(5, temperature)
    expected = [definition(layer, z, temperature) for z in Z]
    np.testing.assert_allclose(layer(Z), expected, rtol=1e-4, atol=1e-5)


def test_a_low_temperature_takes_one_vector():
    pooled = built(5, 1e-6)(Z).numpy()
    for z, vector in zip(Z, pooled, strict=True):
        assert np.any(np.all(np.isclose(z, vector), axis=1))


def test_dropout_of_attention_in_training_alone():
    layer, ones = built(5, 1.0, 0.5), np.ones((500, 4, 3), "float32")
    np.testing.assert_allclose(layer(ones), np.ones((500, 3)), rtol=1e-6)
    sums = layer(ones, training=True).numpy()[:, 0]  # of four equal weights, each 0 or 1/2
    assert set(np.round(sums, 4).tolist()) == {0.0, 0.5, 1.0, 1.5, 2.0}
    assert sums.mean() == pytest.approx(1, abs=0.1)


def test_regularizer_of_the_hidden_layers_matrix_alone():
    layer = built(5, 1.0, 0.0, keras.regularizers.L2(0.1))
    assert float(sum(layer.losses)) == pytest.approx(
        0.1 * np.sum(np.square(layer.hidden.kernel)), rel=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([0], "units must be an integer >= 1. Received: units=0"),
        ([8, 0.0], "temperature must be above 0. Received: temperature=0.0"),
        ([8, float("nan")], "temperature must be above 0. Received: temperature=nan"),
        ([8, 1.0, 1.0], r"dropout must be in \[0, 1\). Received: dropout=1.0"),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        AttentionPooling(*arguments)


def test_any_number_of_vectors():
    layer, vectors = AttentionPooling(), keras.Input((None, Z.shape[2]))
    model = keras.Model(vectors, layer(vectors))
    for number in (2, Z.shape[1]):
        np.testing.assert_allclose(
            model.predict(Z[:, :number], verbose=0), layer(Z[:, :number]), rtol=1e-5
        )


@pytest.mark.parametrize("x", [Z[:, :0], Z[:, 0]])
def test_shape_errors(x):
    with pytest.raises(ValueError, match=r"at least one vector, .* Received: shape \(6, "):
        AttentionPooling()(x)
