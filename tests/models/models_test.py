"""What every model must hold; a new model is a line in `MODELS`."""

import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.architecture import Architecture
from aim_keras.callbacks import RankMetrics, rank_metrics
from aim_keras.models import FM, IPNN, DeepFM
from aim_keras.optimizers import GRDA, with_gates
from tests.models.models_table import (
    COLUMNS,
    IDS,
    KINDS,
    LABELS,
    SIZES,
    WEIGHTS,
    check_fields_of_every_kind,
    check_mixed_precision,
    check_out_of_range_ids,
    check_save_and_load,
    check_shape_and_gradients,
    loss_after_training,
)

MODELS = {
    "fm": (FM, {}),
    "deepfm": (DeepFM, {"hidden_units": (16,)}),
    "aim": (DeepFM, {"hidden_units": (16,), "mlp_inputs": ("products", "scalars")}),
    "aim_normalized": (
        DeepFM,
        {"hidden_units": (16,), "mlp_inputs": ("embeddings", "normalized_products")},
    ),
    "ipnn": (IPNN, {"hidden_units": (16,), "mlp_norm": "layer"}),
}

FUNCTIONS = ("inner", "outer", "vector_kernel")
DIM = 8
SPARSE = Architecture(
    tuple(SIZES),
    FUNCTIONS,
    DIM,
    {"inner": [("a", "b"), ("c", "d"), ("a", "b", "c")], "outer": [("b", "d")]},
    {
        2: {
            "inner": {"a": range(8), "b": range(7), "c": (1, 2), "d": (2,)},
            "outer": {"a": (0, 1), "b": (3, 4, 5), "c": (), "d": (0, 7)},
        },
        3: {"inner": {"a": range(4), "b": range(6), "c": (1, 2, 3), "d": ()}},
    },
)
# Orders 2, 3 and 4, with functions and dimensions of their own.
HIGH = Architecture(
    tuple(SIZES),
    FUNCTIONS,
    DIM,
    {
        "inner": [("a", "b"), ("c", "d"), ("a", "b", "c"), ("a", "b", "c", "d")],
        "outer": [("b", "d"), ("a", "c", "d"), ("b", "c", "d")],
        "vector_kernel": [("b", "c", "d"), ("a", "b", "c", "d")],
    },
    {
        2: {
            "inner": {"a": range(8), "b": range(7), "c": (1, 2), "d": (2,)},
            "outer": {"a": (0, 1), "b": (3, 4, 5), "c": (), "d": (0, 7)},
        },
        4: {"vector_kernel": {"a": (0, 4), "b": range(5), "c": range(6), "d": (0, 4)}},
    },
)
ARCHITECTURES = {
    "full": None,
    "sparse": SPARSE,
    "high": HIGH,
    "empty": Architecture(tuple(SIZES), FUNCTIONS, DIM, {}),
}
SEARCHES = ("interactions", "dimensions", None)
SHARING = {
    "function_wise": {},
    "shared": {"shared_embedding": True},
    "orders": {"share_orders": True},
    "all": {"shared_embedding": True, "share_orders": True},
}
VARIANTS = [
    *itertools.product(["full", "sparse", "empty"], SEARCHES, ["function_wise"]),
    ("full", "interactions", "shared"),
    ("sparse", "dimensions", "shared"),
    ("empty", None, "shared"),
    ("high", "interactions", "function_wise"),
    ("high", "interactions", "orders"),
    ("high", "dimensions", "orders"),
    ("high", None, "all"),
    ("full", "interactions", "orders"),
    ("empty", "dimensions", "all"),
]

each_model = pytest.mark.parametrize("model", MODELS)
each_variant = pytest.mark.parametrize(
    "variant", VARIANTS, ids=["-".join(map(str, v)) for v in VARIANTS]
)


def build(model, variant=("full", None, "function_wise"), sizes=None, **options):
    cls, arguments = MODELS[model]
    architecture, search, sharing = variant
    return cls(
        SIZES if sizes is None else sizes,
        ARCHITECTURES[architecture],
        search,
        **arguments,
        embedding_dim=DIM,
        functions=FUNCTIONS,
        **SHARING[sharing],
        **options,
    )


def embeddings(model):
    return [layer for layer in model.layers if layer.name.startswith("embedding_")]


@each_model
@each_variant
def test_shape_and_gradients(model, variant):
    model = build(model, variant)
    gates_alone = variant[:2] == ("empty", "dimensions") and model.name == "fm"
    check_shape_and_gradients(model, {"dimension_gate_2/gate_beta"} if gates_alone else ())


@each_model
@pytest.mark.parametrize("sharing", SHARING)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_embedding_parameters_are_the_architectures(model, architecture, sharing):
    model_of = {search: build(model, (architecture, search, sharing)) for search in SEARCHES}
    read_embeddings = model in ("deepfm", "aim_normalized", "ipnn") or (
        model == "aim" and architecture == "empty"
    )
    parameters = model_of[None].architecture.embedding_parameters(
        SIZES, **SHARING[sharing], read_embeddings=read_embeddings
    )
    assert (parameters > 0) is (architecture != "empty" or model != "fm")
    for built in model_of.values():
        linear = (sum(SIZES.values()) + 1) * (model != "ipnn")
        assert sum(e.count_params() for e in embeddings(built)) == parameters + linear


@each_model
@each_variant
def test_save_and_load(model, variant, tmp_path):
    model = build(model, variant, embedding_regularizer=keras.regularizers.L2(0.01))
    loaded = check_save_and_load(model, IDS, tmp_path)
    assert loaded.architecture == model.architecture
    assert sum(loaded.losses) == sum(model.losses) > 0


@each_model
@pytest.mark.parametrize(
    "variant",
    [
        ("full", "interactions", "function_wise"),
        ("full", None, "shared"),
        ("sparse", "dimensions", "function_wise"),
    ],
    ids=lambda variant: "-".join(map(str, variant)),
)
def test_overfits(model, variant):
    model = build(model, variant)
    optimizer = keras.optimizers.Adam(0.05)
    if variant[1]:
        optimizer = with_gates(weights=optimizer, gates=GRDA(0.05, c=1e-4))
    assert loss_after_training(model, optimizer, LABELS) < 0.02


@each_model
@pytest.mark.parametrize("architecture", ["full", "sparse", "empty"])
@pytest.mark.parametrize("search", SEARCHES)
def test_mixed_precision(model, architecture, search):
    variant = (architecture, search, "function_wise")
    mixed = check_mixed_precision(lambda: build(model, variant))
    assert {e.compute_dtype for e in embeddings(mixed)} == {"float32"}
    mlp = [layer for layer in mixed.layers if layer.name == "mlp"]
    assert {layer.compute_dtype for layer in mlp} <= {"bfloat16"}


def test_jit_compile_makes_no_difference():
    def trained(jit_compile):
        keras.utils.set_random_seed(0)
        model = build("fm", ("sparse", "interactions", "function_wise"))
        optimizer = with_gates(keras.optimizers.SGD(0.1), GRDA(0.1))
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(optimizer, loss, jit_compile=jit_compile)
        for _ in range(3):
            model.train_on_batch(IDS, LABELS)
        return model.get_weights()

    for a, b in zip(trained(jit_compile=True), trained(jit_compile=False), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@each_model
def test_out_of_range_ids_are_the_fields_row_zero(model):
    check_out_of_range_ids(build(model))


@each_model
def test_architecture_from_its_json_or_its_file(model, tmp_path):
    cls, arguments = MODELS[model]
    path = tmp_path / "architecture.json"
    SPARSE.save(path)
    a, b, c = (cls(SIZES, given, **arguments) for given in (SPARSE, SPARSE.to_dict(), path))
    assert json.dumps(a.get_config()) == json.dumps(b.get_config()) == json.dumps(c.get_config())
    b.set_weights(a.get_weights())
    np.testing.assert_array_equal(a(IDS), b(IDS))
    assert a.architecture == b.architecture == c.architecture == SPARSE


@each_model
@pytest.mark.parametrize("architecture", ["full", "sparse"])
@pytest.mark.parametrize("search", SEARCHES)
def test_fields_of_every_kind(model, architecture, search, tmp_path):
    model = build(model, (architecture, search, "function_wise"), KINDS)
    check_fields_of_every_kind(model, tmp_path)


def test_two_inputs_fit_and_are_measured():
    model = build("deepfm", ("sparse", "interactions", "function_wise"), KINDS)
    optimizer = with_gates(weights=keras.optimizers.Adam(0.05), gates=GRDA(0.05, c=1e-4))
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    arrays = ((COLUMNS, WEIGHTS), LABELS)
    batches = tf.data.Dataset.from_tensor_slices(arrays).batch(32)
    history = model.fit(batches, epochs=3, verbose=0, callbacks=[RankMetrics(batches)]).history
    assert history["val_auc"][-1] == rank_metrics(model, arrays)["auc"]
    assert rank_metrics(model, batches) == pytest.approx(rank_metrics(model, arrays), rel=1e-5)
