"""FuxiCTR's models that are ours, with what they have otherwise."""

from aim_keras import models
from experiments.parities import fuxictr_weights as weights
from experiments.parities.counterpart import (
    ATTENTION_LAYERS,
    CIN,
    CONTEXTS,
    CROSS_LAYERS,
    DIM,
    GATE_UNITS,
    GRAPH_STEPS,
    HIDDEN,
    IPNN_DIFFERS,
    NFM_DIFFERS,
    SIZES,
    STREAMS,
    Counterpart,
)

MLP = {"hidden_units": list(HIDDEN)}
ATTENTION = {"attention_layers": ATTENTION_LAYERS, "attention_dim": 6, "num_heads": 2}
FINAL_MLP = {
    "mlp1_hidden_units": list(STREAMS[0]),
    "mlp2_hidden_units": list(STREAMS[1]),
    "num_heads": 2,
}
FIGNN_DIFFERS = (
    "As ours and unlike the paper: no self-attention in front of the graph, importances that read "
    "all fields, matrices of its own for each step."
)

COUNTERPARTS = {
    "LR": Counterpart(lambda: models.LR(SIZES), "LR", weights.lr),
    "FM": Counterpart(lambda: models.FM(SIZES, embedding_dim=DIM), "FM", weights.fm),
    "FM (vector_kernel)": Counterpart(
        lambda: models.FM(SIZES, embedding_dim=DIM, functions=("vector_kernel",)),
        "FmFM",
        weights.fm_of_kernels("vector_kernel"),
        {"field_interaction_type": "vectorized"},
    ),
    "FM (matrix_kernel)": Counterpart(
        lambda: models.FM(SIZES, embedding_dim=DIM, functions=("matrix_kernel",)),
        "FmFM",
        weights.fm_of_kernels("matrix_kernel"),
        {"field_interaction_type": "matrixed"},
    ),
    "DeepFM": Counterpart(
        lambda: models.DeepFM(SIZES, embedding_dim=DIM, hidden_units=HIDDEN),
        "DeepFM",
        weights.deepfm,
        MLP,
    ),
    "IPNN": Counterpart(
        lambda: models.IPNN(SIZES, embedding_dim=DIM, hidden_units=HIDDEN),
        "PNN",
        weights.ipnn,
        MLP,
        differs=IPNN_DIFFERS,
    ),
    "FwFM (feature_weights)": Counterpart(
        lambda: models.FwFM(SIZES, DIM, linear="feature_weights"),
        "FwFM",
        weights.fwfm_of_feature_weights,
        {"linear_type": "LW"},
    ),
    "FwFM (feature_vectors)": Counterpart(
        lambda: models.FwFM(SIZES, DIM, linear="feature_vectors"),
        "FwFM",
        weights.fwfm_of_feature_vectors,
        {"linear_type": "FeLV"},
    ),
    "FwFM (field_vectors)": Counterpart(
        lambda: models.FwFM(SIZES, DIM, linear="field_vectors"),
        "FwFM",
        weights.fwfm_of_field_vectors,
        {"linear_type": "FiLV"},
    ),
    "AFM": Counterpart(
        lambda: models.AFM(SIZES, DIM, attention_units=3), "AFM", weights.afm, {"attention_dim": 3}
    ),
    "XDeepFM": Counterpart(
        lambda: models.XDeepFM(SIZES, DIM, CIN, HIDDEN),
        "xDeepFM",
        weights.xdeepfm,
        {"dnn_hidden_units": list(HIDDEN), "cin_hidden_units": list(CIN)},
        absent=("cin.cin_layer.*.bias",),
        differs="Its CIN has a bias for each feature map, which Eq. 6 of the paper has not: zero.",
    ),
    "DCNv2": Counterpart(
        lambda: models.DCNv2(SIZES, DIM, CROSS_LAYERS, hidden_units=HIDDEN),
        "DCNv2",
        weights.dcnv2,
        {"num_cross_layers": CROSS_LAYERS, "parallel_dnn_hidden_units": list(HIDDEN)},
    ),
    "DCNv2 (stacked)": Counterpart(
        lambda: models.DCNv2(SIZES, DIM, CROSS_LAYERS, stacked=True, hidden_units=HIDDEN),
        "DCNv2",
        weights.stacked_dcnv2,
        {
            "model_structure": "stacked",
            "num_cross_layers": CROSS_LAYERS,
            "stacked_dnn_hidden_units": list(HIDDEN),
        },
    ),
    "FinalMLP": Counterpart(
        lambda: models.FinalMLP(SIZES, DIM, STREAMS, num_heads=2),
        "FinalMLP",
        weights.finalmlp,
        {**FINAL_MLP, "use_fs": False},
    ),
    "FinalMLP (contexts)": Counterpart(
        lambda: models.FinalMLP(SIZES, DIM, STREAMS, 2, CONTEXTS, GATE_UNITS),
        "FinalMLP",
        weights.gated_finalmlp,
        {
            **FINAL_MLP,
            "fs_hidden_units": list(GATE_UNITS),
            "fs1_context": list(CONTEXTS[0]),
            "fs2_context": list(CONTEXTS[1]),
        },
    ),
    "FFM": Counterpart(
        lambda: models.FFM(SIZES, DIM),
        "FFM",
        weights.ffm,
        differs="Has a linear term, as ours; in the paper it is left out of the formula.",
    ),
    "HOFM": Counterpart(
        lambda: models.HOFM(SIZES, DIM, order=3), "HOFM", weights.hofm, {"order": 3}
    ),
    "HOFM (shared_embedding)": Counterpart(
        lambda: models.HOFM(SIZES, DIM, order=4, shared_embedding=True),
        "HOFM",
        weights.shared_hofm,
        {"order": 4, "reuse_embedding": True},
    ),
    "NFM": Counterpart(
        lambda: models.NFM(SIZES, DIM, HIDDEN),
        "NFM",
        weights.wide_deep,
        MLP,
        differs=NFM_DIFFERS,
    ),
    "DNN": Counterpart(lambda: models.DNN(SIZES, DIM, HIDDEN), "DNN", weights.dnn, MLP),
    "DNN (mlp_norm=batch)": Counterpart(
        lambda: models.DNN(SIZES, DIM, HIDDEN, mlp_norm="batch"),
        "DNN",
        weights.dnn_with_batch_norm,
        {**MLP, "batch_norm": True},
    ),
    "WideDeep": Counterpart(
        lambda: models.WideDeep(SIZES, DIM, HIDDEN), "WideDeep", weights.wide_deep, MLP
    ),
    "AutoInt": Counterpart(
        lambda: models.AutoInt(SIZES, DIM, **ATTENTION),
        "AutoInt",
        weights.autoint,
        {**ATTENTION, "dnn_hidden_units": []},
    ),
    "AutoInt (hidden_units)": Counterpart(
        lambda: models.AutoInt(
            SIZES, DIM, **ATTENTION, scale=True, layer_norm=True, linear=True, hidden_units=HIDDEN
        ),
        "AutoInt",
        weights.autoint_plus,
        {
            **ATTENTION,
            "dnn_hidden_units": list(HIDDEN),
            "use_scale": True,
            "layer_norm": True,
            "use_wide": True,
        },
        differs="Scale, layer norm and linear term are options that the paper's formulas have not; "
        "ours has them too.",
    ),
    "FiGNN": Counterpart(
        lambda: models.FiGNN(SIZES, DIM, GRAPH_STEPS),
        "FiGNN",
        weights.fignn,
        {"gnn_layers": GRAPH_STEPS},
        differs=FIGNN_DIFFERS,
    ),
    "FiGNN (gru=False)": Counterpart(
        lambda: models.FiGNN(SIZES, DIM, GRAPH_STEPS, gru=False),
        "FiGNN",
        weights.fignn_without_gru,
        {"gnn_layers": GRAPH_STEPS, "use_gru": False},
        differs=FIGNN_DIFFERS,
    ),
}
