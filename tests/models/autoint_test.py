import math

import numpy as np
import pytest

from aim_keras.models import AutoInt

SIZES = {"a": 5, "b": 4, "c": 3}
DIM = 2
IDS = np.random.default_rng(0).integers(0, list(SIZES.values()), (6, 3)).astype("int32")


def built(**options):
    model = AutoInt(SIZES, DIM, attention_layers=2, attention_dim=4, num_heads=2, **options)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model, {w.path: w.numpy().astype("float64") for w in model.weights}


def rows(w, ids):
    (table,) = (w[path] for path in w if path.startswith("embedding/table_"))
    return [table[offset + i] for offset, i in zip((0, 5, 9), ids, strict=True)]


def attention(w, layer, x):
    """A layer of two heads of width two: the scaled scores, the residual and the ReLU."""
    query, key, value = (
        [e @ w[f"{layer}/{name}"] for e in x] for name in ("query", "key", "value")
    )
    outputs = []
    for i, e in enumerate(x):
        y = e @ w[f"{layer}/residual"] if f"{layer}/residual" in w else e.copy()
        for head in (slice(0, 2), slice(2, 4)):
            scores = [math.exp(query[i][head] @ k[head] / math.sqrt(2)) for k in key]
            for score, v in zip(scores, value, strict=True):
                y[head] += score / sum(scores) * v[head]
        outputs.append(np.maximum(y, 0))
    return outputs


def attended(w, ids):
    x = [row[:DIM] for row in rows(w, ids)]
    for layer in ("attention_0", "attention_1"):
        x = attention(w, layer, x)
    return dense(w, "attention_logit", np.concatenate(x))


def dense(w, name, x):
    return x @ w[f"{name}/kernel"] + w[f"{name}/bias"]


def test_equals_its_formula():
    model, w = built(scale=True)
    assert "attention_0/residual" in w
    assert "attention_1/residual" not in w
    assert not any(path.startswith(("mlp", "embedding/bias")) for path in w)
    expected = [attended(w, ids) for ids in IDS]
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-4, atol=1e-4)


def test_with_a_linear_term_and_an_mlp_equals_its_formula():
    model, w = built(scale=True, linear=True, hidden_units=(7,))
    expected = []
    for ids in IDS:
        e = np.concatenate([row[:DIM] for row in rows(w, ids)])
        mlp = dense(w, "mlp/logit", np.maximum(dense(w, "mlp/dense_0", e), 0))
        linear = sum(row[DIM] for row in rows(w, ids)) + w["embedding/bias"]
        expected.append(attended(w, ids) + mlp + linear)
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-4, atol=1e-4)


def test_dropout_is_that_of_attention_and_mlp():
    model, _ = built(hidden_units=(7,), dropout=0.25)
    assert [model.get_layer(name).dropout for name in ("attention_0", "mlp")] == [0.25, 0.25]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention_layers": 0}, "must be an integer >= 1. Received: attention_layers=0"),
        ({"attention_dim": 5}, "multiple of num_heads. Received: attention_dim=5, num_heads=2"),
        ({"embedding_dim": 0}, "embedding_dim must be an integer >= 1. Received: embedding_dim=0"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        AutoInt(SIZES, **options)
