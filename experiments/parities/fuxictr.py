"""FuxiCTR's models as ours: whose weights are whose."""

import numpy as np

from aim_keras import models
from experiments.parities.counterpart import DIM, HIDDEN, SIZES, Counterpart, dense

MLP = {"hidden_units": list(HIDDEN)}
CIN = (5, 3)
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


def _embedding(theirs, bias, linear="lr_layer", ours="embedding"):
    """Embeddings with a linear term, whose bias is not always the peer's."""
    return {
        f"{ours}/tables": [_tables(theirs)],
        f"{ours}/linear": _linear(theirs, linear),
        f"{ours}/bias": bias,
    }


def _lr(theirs):
    return {"linear/weights/tables": [_linear(theirs)], "linear/bias": theirs["lr_layer.bias"]}


def _fm(theirs):
    return _embedding(theirs, theirs["fm.lr_layer.bias"], "fm.lr_layer", "embedding_2")


def _deepfm(theirs):
    return {**_fm(theirs), **_mlp(theirs, "mlp")}


def _ipnn(theirs):
    return {"embedding_2/tables": [_tables(theirs)], **_mlp(theirs, "dnn")}


def _fwfm_of_feature_weights(theirs):
    return {
        "embedding/tables": [_tables(theirs)],
        "embedding/linear": _tables(theirs, "linear_weight_layer"),
        "embedding/bias": theirs["interaction_weight.bias"],
        "products/pair_weights": theirs["interaction_weight.weight"][0],
    }


def _fwfm_of_vectors(linear):
    def weights(theirs):
        return {
            **linear(theirs),
            "products/pair_weights": theirs["interaction_weight.weight"][0],
            "products/bias": theirs["interaction_weight.bias"],
        }

    return weights


def _feature_vectors(theirs):
    return {"embedding/tables": [_tables(theirs), _tables(theirs, "linear_weight_layer")]}


def _field_vectors(theirs):
    return {
        "embedding/tables": [_tables(theirs)],
        **dense("field_vectors", theirs["linear_weight_layer.weight"]),
    }


def _afm(theirs):
    return {
        **_embedding(theirs, theirs["lr_layer.bias"]),
        **dense("attention/hidden", theirs["attention.0.weight"], theirs["attention.0.bias"]),
        **dense("attention/score", theirs["attention.2.weight"]),
        **dense("projection", theirs["weight_p.weight"]),
    }


def _xdeepfm(theirs):
    values = {
        **_embedding(theirs, theirs["cin.fc.bias"]),
        **dense("cin_logit", theirs["cin.fc.weight"]),
        **_mlp(theirs, "dnn"),
    }
    for k, units in enumerate(CIN, start=1):
        kernel = theirs[f"cin.cin_layer.layer_{k}.weight"]  # (units, fields * before, 1)
        by_field = kernel.reshape(units, len(SIZES), -1)
        values[f"cin/kernel_{k}"] = by_field.T.reshape(-1, units)  # (before * fields, units)
    return values


def _fm_of_kernels(name):
    def weights(theirs):
        kernels = theirs["interaction_weight"]  # one a pair, in the order of our interactions
        return {
            **_embedding(theirs, theirs["lr_layer.bias"], ours="embedding_2"),
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
    "FwFM (feature_weights)": Counterpart(
        lambda: models.FwFM(SIZES, DIM, linear="feature_weights"),
        "FwFM",
        _fwfm_of_feature_weights,
        {"linear_type": "LW"},
    ),
    "FwFM (feature_vectors)": Counterpart(
        lambda: models.FwFM(SIZES, DIM, linear="feature_vectors"),
        "FwFM",
        _fwfm_of_vectors(_feature_vectors),
        {"linear_type": "FeLV"},
    ),
    "FwFM (field_vectors)": Counterpart(
        lambda: models.FwFM(SIZES, DIM, linear="field_vectors"),
        "FwFM",
        _fwfm_of_vectors(_field_vectors),
        {"linear_type": "FiLV"},
    ),
    "AFM": Counterpart(
        lambda: models.AFM(SIZES, DIM, attention_units=3), "AFM", _afm, {"attention_dim": 3}
    ),
    "XDeepFM": Counterpart(
        lambda: models.XDeepFM(SIZES, DIM, CIN, HIDDEN),
        "xDeepFM",
        _xdeepfm,
        {"dnn_hidden_units": list(HIDDEN), "cin_hidden_units": list(CIN)},
        absent=("cin.cin_layer.*.bias",),
        differs="Its CIN has a bias for each feature map, which Eq. 6 of the paper has not: zero.",
    ),
}
