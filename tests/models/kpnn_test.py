"""KPNN: IPNN with a kernel in place of each inner product, as gin/models/kpnn.gin has it."""

import itertools

import numpy as np

from aim_keras.models import IPNN

SIZES = {"a": 5, "b": 4, "c": 3}
DIM = 2
IDS = np.random.default_rng(0).integers(0, list(SIZES.values()), (6, 3)).astype("int32")


def formula(w, ids):
    table = w[f"embedding_2/table_{DIM}"]
    (kernels,) = (w[path] for path in w if path.startswith("interaction_2/"))
    kernels = kernels.reshape(3, DIM, DIM)
    e = [table[offset + i] for offset, i in zip((0, 5, 9), ids, strict=True)]
    products = []
    for kernel, (e_i, e_j) in zip(kernels, itertools.combinations(e, 2), strict=True):
        products.append(sum(e_i[r] * kernel[r, s] * e_j[s] for r in range(DIM) for s in range(DIM)))
    x = [*e[0], *e[1], *e[2], *products]
    hidden = np.maximum(x @ w["mlp/dense_0/kernel"] + w["mlp/dense_0/bias"], 0)
    return hidden @ w["mlp/logit/kernel"] + w["mlp/logit/bias"]


def test_equals_its_formula():
    model = IPNN(SIZES, embedding_dim=DIM, functions=("matrix_kernel",), hidden_units=(7,))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    w = {w.path: w.numpy().astype("float64") for w in model.weights}
    np.testing.assert_allclose(model(IDS), [formula(w, ids) for ids in IDS], rtol=1e-4, atol=1e-4)
