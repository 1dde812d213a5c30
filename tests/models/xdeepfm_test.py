import numpy as np
import pytest

from aim_keras.models import XDeepFM

SIZES = {"a": 5, "b": 4, "c": 3}
DIM = 2
IDS = np.random.default_rng(0).integers(0, list(SIZES.values()), (6, 3)).astype("int32")


def built(**options):
    model = XDeepFM(SIZES, DIM, cin_units=(3, 2), **options)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model, {w.path: w.numpy().astype("float64") for w in model.weights}


def rows(w, ids):
    """The embeddings and the linear weight of each field."""
    table, offsets = w[f"embedding/table_{DIM + 1}"], (0, 5, 9)
    of_field = [table[offset + i] for offset, i in zip(offsets, ids, strict=True)]
    return [row[:DIM] for row in of_field], [row[DIM] for row in of_field]


def linear_and_cin(w, ids):
    e, first_order = rows(w, ids)
    x, pooled = e, []
    for kernel in (w["cin/kernel_1"], w["cin/kernel_2"]):
        following = [np.zeros(DIM) for _ in range(kernel.shape[1])]
        for h in range(len(following)):
            for i, x_i in enumerate(x):
                for j, e_j in enumerate(e):
                    following[h] += kernel[i * len(e) + j, h] * x_i * e_j
        x = following
        pooled += [sum(x_h) for x_h in x]
    v = w["cin_logit/kernel"][:, 0]
    cin = sum(v_h * p_h for v_h, p_h in zip(v, pooled, strict=True))
    return sum(first_order) + w["embedding/bias"][0] + cin


def mlp(w, ids):
    (a, bias), (v, b) = (
        (w[f"mlp/{of}/kernel"], w[f"mlp/{of}/bias"]) for of in ("dense_0", "logit")
    )
    flat = [value for e_i in rows(w, ids)[0] for value in e_i]
    hidden = [
        max(sum(x * a[i, h] for i, x in enumerate(flat)) + bias[h], 0) for h in range(len(bias))
    ]
    return sum(x * v[h, 0] for h, x in enumerate(hidden)) + b[0]


def test_equals_its_formula():
    model, w = built(hidden_units=(7,))
    expected = [[linear_and_cin(w, ids) + mlp(w, ids)] for ids in IDS]
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-4, atol=1e-4)


def test_without_hidden_units_there_is_no_mlp():
    model, w = built(hidden_units=())
    assert not any("mlp" in path for path in w)
    np.testing.assert_allclose(
        model(IDS), [[linear_and_cin(w, ids)] for ids in IDS], rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cin_units": ()}, r"at least one. Received: units=\(\)"),
        ({"embedding_dim": 0}, "embedding_dim must be an integer >= 1. Received: embedding_dim=0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\). Received: dropout=1.0"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        XDeepFM(SIZES, **options)
