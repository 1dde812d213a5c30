import math

import numpy as np
import pytest

from aim_keras.models import AutoInt
from tests.models.by_formula import SIZES, assert_equals_formula, dense, mlp

DIM = 2


def built(**options):
    return AutoInt(SIZES, DIM, attention_layers=2, attention_dim=4, num_heads=2, **options)


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


def attended(w, x):
    for layer in ("attention_0", "attention_1"):
        x = attention(w, layer, x)
    return dense(w, "attention_logit", np.concatenate(x))


def test_equals_its_formula():
    model = built(scale=True)
    paths = {w.path for w in model.weights}
    assert "attention_0/residual" in paths
    assert "attention_1/residual" not in paths
    assert not any(path.startswith(("mlp", "embedding/bias")) for path in paths)
    assert_equals_formula(model, lambda w, rows: attended(w, w["embedding/table_2"][rows]))


def test_with_a_linear_term_and_an_mlp_equals_its_formula():
    def formula(w, rows):
        of_rows = w["embedding/table_3"][rows]
        e, linear = of_rows[:, :DIM], sum(of_rows[:, DIM]) + w["embedding/bias"]
        return attended(w, e) + mlp(w, np.concatenate(e)) + linear

    assert_equals_formula(built(scale=True, linear=True, hidden_units=(7,)), formula)


def test_dropout_is_that_of_attention_and_mlp():
    model = built(hidden_units=(7,), dropout=0.25)
    assert [model.get_layer(name).dropout for name in ("attention_0", "mlp")] == [0.25, 0.25]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention_layers": 0}, "must be an integer >= 1. Received: attention_layers=0"),
        ({"attention_dim": 5}, "multiple of num_heads. Received: attention_dim=5, num_heads=2"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        AutoInt(SIZES, **options)
