"""DeepCTR-Torch's models as ours: whose weights are whose."""

import numpy as np

from aim_keras import models
from experiments.parities.counterpart import DIM, HIDDEN, SIZES, Counterpart, dense

MLP = {"dnn_hidden_units": HIDDEN}
NO_BIAS = np.zeros(1, "float32")


def _tables(theirs):
    return theirs.of_fields("embedding_dict.{}.weight")


def _linear(theirs):
    return theirs.of_fields("linear_model.embedding_dict.{}.weight")


def _mlp(theirs, bias):
    """The weights of a `DNN` and the linear layer after it, which has no bias of its own."""
    values = dense("mlp/logit", theirs["dnn_linear.weight"], bias)
    for i in range(len(HIDDEN)):
        layer = f"dnn.linears.{i}"
        values |= dense(f"mlp/dense_{i}", theirs[f"{layer}.weight"], theirs[f"{layer}.bias"])
    return values


def _deepfm(theirs):
    return {
        "embedding_2/tables": [_tables(theirs)],
        "embedding_2/linear": _linear(theirs),
        "embedding_2/bias": theirs["out.bias"],
        **_mlp(theirs, NO_BIAS),
    }


def _ipnn(theirs):
    return {"embedding_2/tables": [_tables(theirs)], **_mlp(theirs, theirs["out.bias"])}


def _fm(theirs):
    return {
        "embedding_2/tables": [_tables(theirs)],
        "embedding_2/linear": _linear(theirs),
        "embedding_2/bias": theirs["out.bias"],
    }


def _ipnn_of_kernels(name):
    def weights(theirs):
        kernels = theirs["outterproduct.kernel"]  # one a pair, in the order of our interactions
        if name == "matrix_kernel":
            kernels = kernels.transpose(1, 2, 0)[None]  # of (second's dim, pairs, first's dim)
        return {**_ipnn(theirs), f"interaction_2/{name}_kernel": kernels}

    return weights


def _kernels(name, kernel_type):
    return Counterpart(
        lambda: models.IPNN(SIZES, embedding_dim=DIM, hidden_units=HIDDEN, functions=(name,)),
        "PNN",
        _ipnn_of_kernels(name),
        {**MLP, "use_inner": False, "use_outter": True, "kernel_type": kernel_type},
        differs="Its outer product is one with a kernel for each pair (KPNN), not OPNN's.",
    )


COUNTERPARTS = {
    "FM": Counterpart(
        lambda: models.FM(SIZES, embedding_dim=DIM), "DeepFM", _fm, {"dnn_hidden_units": ()}
    ),
    "DeepFM": Counterpart(
        lambda: models.DeepFM(SIZES, embedding_dim=DIM, hidden_units=HIDDEN),
        "DeepFM",
        _deepfm,
        MLP,
        differs="Its MLP ends without a bias: the output's is the only one.",
    ),
    "IPNN": Counterpart(
        lambda: models.IPNN(SIZES, embedding_dim=DIM, hidden_units=HIDDEN), "PNN", _ipnn, MLP
    ),
    "IPNN (vector_kernel)": _kernels("vector_kernel", "vec"),
    "IPNN (scalar_kernel)": _kernels("scalar_kernel", "num"),
    "IPNN (matrix_kernel)": _kernels("matrix_kernel", "mat"),
}
