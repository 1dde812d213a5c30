"""FuxiCTR's models as ours: whose weights are whose."""

import numpy as np

from aim_keras import models
from experiments.parities.counterpart import DIM, HIDDEN, SIZES, Counterpart, dense

MLP = {"hidden_units": list(HIDDEN)}
NO_BIAS = np.zeros(1, "float32")


def _tables(theirs, layer="embedding_layer"):
    """The weights of a `FeatureEmbedding`."""
    return theirs.of_fields(f"{layer}.embedding_layer.embedding_layers.{{}}.weight")


def _linear(theirs, layer="lr_layer"):
    """The weights of a `LogisticRegression`, without its bias."""
    return _tables(theirs, f"{layer}.embedding_layer")


def _mlp(theirs, block):
    """The weights of an `MLP_Block`: `Linear` and `ReLU` in turn, and a `Linear`."""
    values = {}
    for i, ours in enumerate([*(f"dense_{k}" for k in range(len(HIDDEN))), "logit"]):
        layer = f"{block}.mlp.{2 * i}"
        values |= dense(f"mlp/{ours}", theirs[f"{layer}.weight"], theirs[f"{layer}.bias"])
    return values


def _lr(theirs):
    return {"linear/weights/tables": [_linear(theirs)], "linear/bias": theirs["lr_layer.bias"]}


def _fm(theirs):
    return {
        "embedding_2/tables": [_tables(theirs)],
        "embedding_2/linear": _linear(theirs, "fm.lr_layer"),
        "embedding_2/bias": theirs["fm.lr_layer.bias"],
    }


def _deepfm(theirs):
    return {**_fm(theirs), **_mlp(theirs, "mlp")}


def _ipnn(theirs):
    return {"embedding_2/tables": [_tables(theirs)], **_mlp(theirs, "dnn")}


def _fm_of_kernels(name):
    def weights(theirs):
        kernels = theirs["interaction_weight"]  # one a pair, in the order of our interactions
        return {
            "embedding_2/tables": [_tables(theirs)],
            "embedding_2/linear": _linear(theirs),
            "embedding_2/bias": theirs["lr_layer.bias"],
            f"interaction_2/{name}_kernel": kernels[None] if name == "matrix_kernel" else kernels,
        }

    return weights


COUNTERPARTS = {
    "LR": Counterpart(lambda: models.LR(SIZES), "LR", _lr),
    "FM": Counterpart(lambda: models.FM(SIZES, embedding_dim=DIM), "FM", _fm),
    "FM (vector_kernel)": Counterpart(
        lambda: models.FM(SIZES, embedding_dim=DIM, functions=("vector_kernel",)),
        "FmFM",
        _fm_of_kernels("vector_kernel"),
        {"field_interaction_type": "vectorized"},
    ),
    "FM (matrix_kernel)": Counterpart(
        lambda: models.FM(SIZES, embedding_dim=DIM, functions=("matrix_kernel",)),
        "FmFM",
        _fm_of_kernels("matrix_kernel"),
        {"field_interaction_type": "matrixed"},
    ),
    "DeepFM": Counterpart(
        lambda: models.DeepFM(SIZES, embedding_dim=DIM, hidden_units=HIDDEN),
        "DeepFM",
        _deepfm,
        MLP,
    ),
    "IPNN": Counterpart(
        lambda: models.IPNN(SIZES, embedding_dim=DIM, hidden_units=HIDDEN),
        "PNN",
        _ipnn,
        MLP,
        differs="Has the products of two different fields, as ours and the authors' code; the "
        "paper's also have each field's with itself.",
    ),
}
