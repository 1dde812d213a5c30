"""What models refuse."""

import pytest

from aim_keras.models import FM, IPNN, DeepFM
from tests.models.models_table import SIZES
from tests.models.models_test import FUNCTIONS, MODELS, SPARSE, each_model


@pytest.mark.parametrize(
    ("sizes", "arguments", "message"),
    [
        ([8, 8], {}, r"number of ids or its Field. Received: .*\[8, 8\]"),
        ({}, {}, "must map each field's name, a string, to its number of ids"),
        ({0: 8, 1: 8}, {}, "each field's name, a string, .* Received: .*{0: 8, 1: 8}"),
        ({"a": 8, "b": 0}, {}, r"vocabulary_sizes\['b'\]: size must be .* >= 1. Received: size=0"),
        ({"a": 8}, {}, "order must be from 2 to the number of fields, 1. Received: order=2"),
        (SIZES, {"search": "alpha"}, "search must be one of .*Received: search='alpha'"),
        (SIZES, {"functions": ["cosine"]}, "Received: 'cosine'"),
        (SIZES, {"functions": []}, "functions must be one or more strings"),
        (SIZES, {"embedding_dim": 0}, "embedding_dim must be an integer >= 1"),
        (SIZES, {"epsilon": 0, "search": "interactions"}, "epsilon must be above 0"),
        (
            {"b": 8, "a": 8, "c": 3, "d": 4},
            {"architecture": SPARSE},
            "must have the fields of vocabulary_sizes, in their order. Received: .*'a', 'b'",
        ),
        (
            SIZES,
            {"search": "dimensions", "shared_embedding": True, "per_function_gates": True}
            | {"functions": FUNCTIONS},
            "per_function gates need function-wise embeddings",
        ),
    ],
)
@each_model
def test_argument_errors(model, sizes, arguments, message):
    cls, _ = MODELS[model]
    with pytest.raises(ValueError, match=message):
        cls(sizes, **arguments)


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (DeepFM, {"mlp_inputs": ()}, r"one or more of .*Received: mlp_inputs=\(\)"),
        (DeepFM, {"mlp_inputs": "products"}, "a sequence .*Received: mlp_inputs='products'"),
        (DeepFM, {"mlp_inputs": {"products"}}, "Received: mlp_inputs={'products'}"),
        (DeepFM, {"mlp_inputs": ("linear",)}, "Received: mlp_inputs=.'linear'"),
        (DeepFM, {"hidden_units": (0,)}, "hidden_units must be integers >= 1"),
        (DeepFM, {"dropout": 1.0}, "dropout must be in"),
        (IPNN, {"mlp_norm": "group"}, "norm must be one of"),
    ],
)
def test_argument_errors_of_the_mlp(cls, arguments, message):
    with pytest.raises(ValueError, match=message):
        cls(SIZES, **arguments)


def test_unknown_argument():
    with pytest.raises(TypeError, match="embeding_dim"):
        FM(SIZES, embeding_dim=4)
