"""The weights of FuxiCTR's models as those of ours, one function a model."""

import numpy as np

from experiments.parities.counterpart import (
    ATTENTION_LAYERS,
    CIN,
    CONTEXTS,
    CROSS_LAYERS,
    DIM,
    GATE_UNITS,
    GRAPH_STEPS,
    HIDDEN,
    NO_BIAS,
    SIZES,
    STREAMS,
    dense,
)


def _tables(theirs, layer="embedding_layer"):
    """The weights of a `FeatureEmbedding`."""
    return theirs.of_fields(f"{layer}.embedding_layer.embedding_layers.{{}}.weight")


def _linear(theirs, layer="lr_layer"):
    """The weights of a `LogisticRegression`, without its bias."""
    return _tables(theirs, f"{layer}.embedding_layer")


def _mlp(theirs, block, batch_norm=False):
    """The weights of an `MLP_Block`: `Linear`, perhaps a batch norm, and `ReLU` in turn."""
    length = 3 if batch_norm else 2
    logit = f"{block}.mlp.{len(HIDDEN) * length}"
    values = _hidden(theirs, block, length)
    values |= dense("mlp/logit", theirs[f"{logit}.weight"], theirs[f"{logit}.bias"])
    if batch_norm:
        for i in range(len(HIDDEN)):
            values |= _batch_norm(theirs, f"{block}.mlp.{i * length + 1}", f"mlp/norm_{i}")
    return values


def _hidden(theirs, block, length=2, units=HIDDEN, ours="mlp"):
    """The hidden layers of an `MLP_Block`, each of `length` modules."""
    values = {}
    for i in range(len(units)):
        layer = f"{block}.mlp.{i * length}"
        values |= dense(f"{ours}/dense_{i}", theirs[f"{layer}.weight"], theirs[f"{layer}.bias"])
    return values


def _batch_norm(theirs, layer, ours):
    return {
        f"{ours}/gamma": theirs[f"{layer}.weight"],
        f"{ours}/beta": theirs[f"{layer}.bias"],
        f"{ours}/moving_mean": theirs[f"{layer}.running_mean"],
        f"{ours}/moving_variance": theirs[f"{layer}.running_var"],
    }


def _embedding(theirs, bias, linear="lr_layer", ours="embedding", tables=("embedding_layer",)):
    """Embeddings and a linear term, whose bias is not always the peer's."""
    return {
        f"{ours}/tables": [_tables(theirs, layer) for layer in tables],
        f"{ours}/linear": _linear(theirs, linear),
        f"{ours}/bias": bias,
    }


def lr(theirs):
    return {"linear/weights/tables": [_linear(theirs)], "linear/bias": theirs["lr_layer.bias"]}


def fm(theirs):
    return _embedding(theirs, theirs["fm.lr_layer.bias"], "fm.lr_layer", "embedding_2")


def deepfm(theirs):
    return {**fm(theirs), **_mlp(theirs, "mlp")}


def ipnn(theirs):
    return {"embedding_2/tables": [_tables(theirs)], **_mlp(theirs, "dnn")}


def fwfm_of_feature_weights(theirs):
    return {
        "embedding/tables": [_tables(theirs)],
        "embedding/linear": _tables(theirs, "linear_weight_layer"),
        "embedding/bias": theirs["interaction_weight.bias"],
        "products/pair_weights": theirs["interaction_weight.weight"][0],
    }


def fwfm_of_feature_vectors(theirs):
    return {
        "embedding/tables": [_tables(theirs), _tables(theirs, "linear_weight_layer")],
        "products/pair_weights": theirs["interaction_weight.weight"][0],
        "products/bias": theirs["interaction_weight.bias"],
    }


def fwfm_of_field_vectors(theirs):
    return {
        "embedding/tables": [_tables(theirs)],
        **dense("field_vectors", theirs["linear_weight_layer.weight"]),
        "products/pair_weights": theirs["interaction_weight.weight"][0],
        "products/bias": theirs["interaction_weight.bias"],
    }


def afm(theirs):
    return {
        **_embedding(theirs, theirs["lr_layer.bias"]),
        **dense("attention/hidden", theirs["attention.0.weight"], theirs["attention.0.bias"]),
        **dense("attention/score", theirs["attention.2.weight"]),
        **dense("projection", theirs["weight_p.weight"]),
    }


def xdeepfm(theirs):
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


def _crossed(theirs):
    values = {"embedding/tables": [_tables(theirs)]}
    for i in range(CROSS_LAYERS):
        layer = f"crossnet.cross_layers.{i}"
        values[f"cross/kernel_{i}"] = theirs[f"{layer}.weight"].T
        values[f"cross/bias_{i}"] = theirs[f"{layer}.bias"]
    return values


def dcnv2(theirs):
    cross_logit, logit = np.split(theirs["fc.weight"], [len(SIZES) * DIM], axis=1)
    return {
        **_crossed(theirs),
        **dense("cross_logit", cross_logit),
        **_hidden(theirs, "parallel_dnn"),
        **dense("mlp/logit", logit, theirs["fc.bias"]),
    }


def stacked_dcnv2(theirs):
    return {
        **_crossed(theirs),
        **_hidden(theirs, "stacked_dnn"),
        **dense("mlp/logit", theirs["fc.weight"], theirs["fc.bias"]),
    }


def finalmlp(theirs):
    fusion = "fusion_module"
    x, y = (theirs[f"{fusion}.w_{stream}.weight"] for stream in "xy")
    (_, p), (_, q) = x.shape, y.shape
    return {
        "embedding/tables": [_tables(theirs)],
        **_hidden(theirs, "mlp1", units=STREAMS[0], ours="mlp_1"),
        **_hidden(theirs, "mlp2", units=STREAMS[1], ours="mlp_2"),
        "fusion/linear_0": x.T,
        "fusion/linear_1": y.T,
        "fusion/bias": theirs[f"{fusion}.w_x.bias"] + theirs[f"{fusion}.w_y.bias"],
        "fusion/kernel": theirs[f"{fusion}.w_xy"].reshape(2, p // 2, q // 2),
    }


def gated_finalmlp(theirs):
    values = finalmlp(theirs)
    for s, context in enumerate(CONTEXTS, start=1):
        tables = f"fs_module.fs{s}_ctx_emb.embedding_layer.embedding_layers"
        gate = f"fs_module.fs{s}_gate"
        last = f"{gate}.mlp.{2 * len(GATE_UNITS)}"
        values |= {
            f"context_{s}/tables": [[theirs[f"{tables}.{name}.weight"] for name in context]],
            **_hidden(theirs, gate, units=GATE_UNITS, ours=f"gate_mlp_{s}"),
            **dense(f"gate_{s}", theirs[f"{last}.weight"], theirs[f"{last}.bias"]),
        }
    return values


def ffm(theirs):
    tables = [f"embedding_layers.{k}" for k in range(len(SIZES) - 1)]  # for the k-th other field
    return _embedding(theirs, theirs["lr_layer.bias"], tables=tables)


def hofm(theirs):
    tables = ("embedding_layers.0", "embedding_layers.1")  # of order 2 and 3
    return _embedding(theirs, theirs["lr_layer.bias"], tables=tables)


def shared_hofm(theirs):
    return _embedding(theirs, theirs["lr_layer.bias"])


def dnn(theirs):
    return {"embedding/tables": [_tables(theirs)], **_mlp(theirs, "mlp")}


def dnn_with_batch_norm(theirs):
    return {"embedding/tables": [_tables(theirs)], **_mlp(theirs, "mlp", batch_norm=True)}


def wide_deep(theirs):
    return {**_embedding(theirs, NO_BIAS), **_mlp(theirs, "dnn")}


def autoint(theirs):
    values = {
        "embedding/tables": [_tables(theirs)],
        **dense("attention_logit", theirs["fc.weight"], theirs["fc.bias"]),
    }
    for i in range(ATTENTION_LAYERS):
        layer = f"self_attention.{i}"
        names = {"query": "W_q", "key": "W_k", "value": "W_v"}
        if i == 0:  # the others are as wide as what they read
            names["residual"] = "W_res"
        for ours, name in names.items():
            values[f"attention_{i}/{ours}"] = theirs[f"{layer}.{name}.weight"].T
    return values


def autoint_plus(theirs):
    values = {**autoint(theirs), **_embedding(theirs, NO_BIAS), **_mlp(theirs, "dnn")}
    for i in range(ATTENTION_LAYERS):
        norm = f"self_attention.{i}.layer_norm"
        values[f"attention_{i}/norm/gamma"] = theirs[f"{norm}.weight"]
        values[f"attention_{i}/norm/beta"] = theirs[f"{norm}.bias"]
    return values


def fm_of_kernels(name):
    def weights(theirs):
        kernels = theirs["interaction_weight"]  # one a pair, in the order of our interactions
        return {
            **_embedding(theirs, theirs["lr_layer.bias"], ours="embedding_2"),
            f"interaction_2/{name}_kernel": kernels[None] if name == "matrix_kernel" else kernels,
        }

    return weights


def fignn_without_gru(theirs):
    edges = theirs["fignn.W_attn.weight"]  # of a field that receives, then of one that sends
    values = {
        "embedding/tables": [_tables(theirs)],
        "graph/edges": edges.reshape(2, -1).T,
        **dense("score", theirs["fc.mlp1.weight"]),
        **dense("importance", theirs["fc.mlp2.0.weight"]),
    }
    for t in range(GRAPH_STEPS):
        layer = f"fignn.gnn.{t}"
        values[f"graph/out_{t}"] = theirs[f"{layer}.W_out"].transpose(0, 2, 1)
        values[f"graph/in_{t}"] = theirs[f"{layer}.W_in"].transpose(0, 2, 1)
        values[f"graph/bias_{t}"] = theirs[f"{layer}.bias_p"]
    return values


def fignn(theirs):
    biases = [_gru_gates(theirs[f"fignn.gru.bias_{part}"]) for part in ("ih", "hh")]
    return {
        **fignn_without_gru(theirs),
        "graph/gru/kernel": _gru_gates(theirs["fignn.gru.weight_ih"]).T,
        "graph/gru/recurrent_kernel": _gru_gates(theirs["fignn.gru.weight_hh"]).T,
        "graph/gru/bias": np.stack(biases),
    }


def _gru_gates(weights):
    """PyTorch's gates are reset, update, new, and Keras's update, reset, new."""
    reset, update, new = np.split(weights, 3)
    return np.concatenate([update, reset, new])
