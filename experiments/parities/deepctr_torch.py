"""DeepCTR-Torch's models as ours: whose weights are whose."""

from aim_keras import models
from experiments.parities.counterpart import (
    ATTENTION_LAYERS,
    CIN,
    CROSS_LAYERS,
    DIM,
    HIDDEN,
    IPNN_DIFFERS,
    NFM_DIFFERS,
    NO_BIAS,
    SIZES,
    Counterpart,
    dense,
)

MLP = {"dnn_hidden_units": HIDDEN}


def _tables(theirs):
    return theirs.of_fields("embedding_dict.{}.weight")


def _linear(theirs):
    return theirs.of_fields("linear_model.embedding_dict.{}.weight")


def _mlp(theirs, bias, logit=None):
    """The weights of a `DNN` and the linear layer after it, which has no bias of its own."""
    values = dense("mlp/logit", theirs["dnn_linear.weight"] if logit is None else logit, bias)
    for i in range(len(HIDDEN)):
        layer = f"dnn.linears.{i}"
        values |= dense(f"mlp/dense_{i}", theirs[f"{layer}.weight"], theirs[f"{layer}.bias"])
    return values


def _embedding(theirs, ours="embedding"):
    """Embeddings with a linear term, whose bias is that of the output."""
    return {
        f"{ours}/tables": [_tables(theirs)],
        f"{ours}/linear": _linear(theirs),
        f"{ours}/bias": theirs["out.bias"],
    }


def _fm(theirs):
    return _embedding(theirs, "embedding_2")


def _deepfm(theirs):
    return {**_fm(theirs), **_mlp(theirs, NO_BIAS)}


def _ipnn(theirs):
    return {"embedding_2/tables": [_tables(theirs)], **_mlp(theirs, theirs["out.bias"])}


def _ipnn_of_kernels(name):
    def weights(theirs):
        kernels = theirs["outterproduct.kernel"]  # one a pair, in the order of our interactions
        if name == "matrix_kernel":
            kernels = kernels.transpose(1, 2, 0)[None]  # of (second's dim, pairs, first's dim)
        return {**_ipnn(theirs), f"interaction_2/{name}_kernel": kernels}

    return weights


def _afm(theirs):
    return {
        **_embedding(theirs),
        "attention/hidden/kernel": theirs["fm.attention_W"],
        "attention/hidden/bias": theirs["fm.attention_b"],
        "attention/score/kernel": theirs["fm.projection_h"],
        "projection/kernel": theirs["fm.projection_p"],
    }


def _xdeepfm(theirs):
    values = {
        **_embedding(theirs),
        **dense("cin_logit", theirs["cin_linear.weight"]),
        **_mlp(theirs, NO_BIAS),
    }
    for k in range(len(CIN)):
        kernel = theirs[f"cin.conv1ds.{k}.weight"]  # (units, before * fields, 1)
        values[f"cin/kernel_{k + 1}"] = kernel[:, :, 0].T
    return values


def _dcnv2(theirs):
    logit = theirs["dnn_linear.weight"]  # of what the cross network gives, then of the `DNN`'s
    features = len(SIZES) * DIM
    values = {
        "embedding/tables": [_tables(theirs)],
        **dense("cross_logit", logit[:, :features]),
        **_mlp(theirs, theirs["out.bias"], logit[:, features:]),
    }
    for k in range(CROSS_LAYERS):
        values[f"cross/kernel_{k}"] = theirs["crossnet.kernels"][k].T
        values[f"cross/bias_{k}"] = theirs["crossnet.bias"][k, :, 0]
    return values


def _wide_deep(theirs):
    return {**_embedding(theirs), **_mlp(theirs, NO_BIAS)}


def _autoint(theirs):
    logit = theirs["dnn_linear.weight"]  # of what attention gives, then of the `DNN`'s
    attended = len(SIZES) * DIM
    values = {
        **_embedding(theirs),
        **dense("attention_logit", logit[:, :attended], NO_BIAS),
        **_mlp(theirs, NO_BIAS, logit[:, attended:]),
    }
    for i in range(ATTENTION_LAYERS):
        for ours, name in (("query", "W_Query"), ("key", "W_key"), ("value", "W_Value")):
            values[f"attention_{i}/{ours}"] = theirs[f"int_layers.{i}.{name}"]
    return values


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
        lambda: models.IPNN(SIZES, embedding_dim=DIM, hidden_units=HIDDEN),
        "PNN",
        _ipnn,
        MLP,
        differs=IPNN_DIFFERS,
    ),
    "IPNN (vector_kernel)": _kernels("vector_kernel", "vec"),
    "IPNN (scalar_kernel)": _kernels("scalar_kernel", "num"),
    "IPNN (matrix_kernel)": _kernels("matrix_kernel", "mat"),
    "AFM": Counterpart(
        lambda: models.AFM(SIZES, DIM, attention_units=3), "AFM", _afm, {"attention_factor": 3}
    ),
    "XDeepFM": Counterpart(
        lambda: models.XDeepFM(SIZES, DIM, CIN, HIDDEN),
        "xDeepFM",
        _xdeepfm,
        {**MLP, "cin_layer_size": CIN, "cin_split_half": False, "cin_activation": "linear"},
        absent=("cin.conv1ds.*.bias",),
        differs="By default its CIN has a ReLU and gives half of its maps to the next layer: "
        "switched off; its biases, which Eq. 6 of the paper has not, are zero.",
    ),
    "DCNv2": Counterpart(
        lambda: models.DCNv2(SIZES, DIM, CROSS_LAYERS, hidden_units=HIDDEN),
        "DCN",
        _dcnv2,
        {**MLP, "cross_num": CROSS_LAYERS, "cross_parameterization": "matrix"},
        absent=("linear_model.*",),
        differs="Has a linear term, which the paper has not: its weights are zero.",
    ),
    "NFM": Counterpart(
        lambda: models.NFM(SIZES, DIM, HIDDEN),
        "NFM",
        _wide_deep,
        MLP,
        differs=NFM_DIFFERS,
    ),
    "WideDeep": Counterpart(lambda: models.WideDeep(SIZES, DIM, HIDDEN), "WDL", _wide_deep, MLP),
    "AutoInt (hidden_units)": Counterpart(
        lambda: models.AutoInt(
            SIZES,
            DIM,
            ATTENTION_LAYERS,
            attention_dim=DIM,
            residual=False,
            linear=True,
            hidden_units=HIDDEN,
        ),
        "AutoInt",
        _autoint,
        {**MLP, "att_layer_num": ATTENTION_LAYERS, "att_head_num": 2, "att_res": False},
        differs="Its residual has a matrix even between equal widths, where the paper and ours "
        "have none: compared without residuals.",
    ),
}
