import numpy as np
import pytest

from aim_keras.models import XDeepFM
from tests.models.by_formula import SIZES, assert_equals_formula, mlp

DIM = 2


def linear_and_cin(w, rows):
    of_rows = w[f"embedding/table_{DIM + 1}"][rows]
    e, first_order = of_rows[:, :DIM], of_rows[:, DIM]
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


def formula(w, rows):
    e = w[f"embedding/table_{DIM + 1}"][rows, :DIM]
    return linear_and_cin(w, rows) + mlp(w, np.concatenate(e))


def test_equals_its_formula():
    assert_equals_formula(XDeepFM(SIZES, DIM, (3, 2), hidden_units=(7,)), formula)


def test_without_hidden_units_there_is_no_mlp():
    model = XDeepFM(SIZES, DIM, (3, 2), hidden_units=())
    assert not any("mlp" in w.path for w in model.weights)
    assert_equals_formula(model, linear_and_cin)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cin_units": ()}, r"at least one. Received: units=\(\)"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\). Received: dropout=1.0"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        XDeepFM(SIZES, **options)
