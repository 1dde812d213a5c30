"""KPNN: IPNN with a kernel in place of each inner product, as gin/models/kpnn.gin has it."""

import itertools

from aim_keras.models import IPNN
from tests.models.by_formula import SIZES, assert_equals_formula, mlp

DIM = 2


def formula(w, rows):
    e = w[f"embedding_2/table_{DIM}"][rows]
    (kernels,) = (w[path] for path in w if path.startswith("interaction_2/"))
    kernels = kernels.reshape(3, DIM, DIM)
    products = []
    for kernel, (e_i, e_j) in zip(kernels, itertools.combinations(e, 2), strict=True):
        products.append(sum(e_i[r] * kernel[r, s] * e_j[s] for r in range(DIM) for s in range(DIM)))
    return mlp(w, [*e[0], *e[1], *e[2], *products])


def test_equals_its_formula():
    model = IPNN(SIZES, embedding_dim=DIM, functions=("matrix_kernel",), hidden_units=(7,))
    assert_equals_formula(model, formula)
