"""What Keras's users do with any model works with ours."""

import csv
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import aim_keras
from aim_keras import read_gates
from aim_keras.metrics import BinnedAUC
from aim_keras.models import AFM, FM, IPNN, AutoEmb, AutoGroup, DeepFM
from aim_keras.optimizers import GRDA, LazyAdam, with_gates
from tests import forked
from tests.layers.layers_table import LAYERS, functional
from tests.models.models_table import BASELINES, IDS, LABELS, SIZES, new_baseline, randomized

GATED = {
    "fm_of_interactions": (FM, {"search": "interactions", "functions": ("inner", "outer")}),
    "fm_of_dimensions": (FM, {"search": "dimensions"}),
    "deepfm_of_dimensions": (DeepFM, {"search": "dimensions", "hidden_units": (8,)}),
    "ipnn_of_interactions": (IPNN, {"search": "interactions", "hidden_units": (8,)}),
}
MODELS = (*GATED, *BASELINES)


def new_model(name, **options):
    if name in BASELINES:
        return new_baseline(name, **options)
    cls, arguments = GATED[name]
    return cls(SIZES, **arguments, **options)


def compiled(model, optimizer=None, **options):
    if optimizer is None:
        grda = GRDA(0.1, mu=0.6, target_threshold=0.5, total_steps=16)
        optimizer = with_gates(LazyAdam(0.05), grda)
    loss = options.pop("loss", keras.losses.BinaryCrossentropy(from_logits=True))
    model.compile(optimizer, loss, **{"metrics": [BinnedAUC(from_logits=True)]} | options)
    return model


@pytest.mark.parametrize("name", MODELS)
def test_clone_model(name):
    """Keras's clone is a plain functional model of the same layers."""
    model = randomized(new_model(name))
    clone = keras.models.clone_model(model)
    assert [w.path for w in clone.weights] == [w.path for w in model.weights]
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone(IDS), model(IDS))


@pytest.mark.parametrize("name", MODELS)
def test_summary(name):
    model, lines = new_model(name), []
    model.summary(print_fn=lines.append, line_length=200)
    table = "\n".join(lines)
    assert all(layer.name in table for layer in model.layers)
    assert f"Total params: {model.count_params():,}" in table


@pytest.mark.parametrize("name", ["fm_of_interactions", "deepfm_of_dimensions", "autoint"])
def test_plot_model(name, tmp_path):
    pytest.importorskip("pydot", reason="pydot is absent: no graph of a model is made")
    model = new_model(name)
    dot = keras.utils.model_to_dot(model, show_shapes=True, show_layer_names=True).to_string()
    assert all(layer.name in dot for layer in model.layers)
    try:
        import pydot

        pydot.Dot.create(pydot.Dot())
    except OSError:
        pytest.skip("Graphviz is absent: the graph is made and checked, but not drawn")
    keras.utils.plot_model(model, tmp_path / "model.png")
    assert (tmp_path / "model.png").read_bytes()[:4] == b"\x89PNG"


def test_files_load_in_a_process_that_imports_the_package(tmp_path):
    """Every layer, and the optimizers and the metric in a compiled model."""
    for name in ("embedding_linear", "group", "attention"):
        cls, arguments, options, x = LAYERS[name]
        functional(cls(*arguments, **options), x).save(tmp_path / f"{name}.keras")
    for name in ("fm_of_interactions", "deepfm_of_dimensions"):
        model = compiled(new_model(name))
        model.fit(IDS, LABELS, verbose=0)
        model.save(tmp_path / f"{name}.keras")
    program = (
        "import sys, pathlib, keras, aim_keras\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).glob('*.keras')):\n"
        "    print(path.stem, keras.saving.load_model(path).count_params())\n"
    )
    assert len(forked.output_of_python("-c", program, tmp_path).splitlines()) == 5


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("name", ["ipnn_of_interactions", "deepfm_of_dimensions"])
def test_gates_stay_in_float32(name, policy):
    keras.config.set_dtype_policy(policy)
    model = compiled(new_model(name))
    history = model.fit(IDS, LABELS, batch_size=16, epochs=4, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert 0.5 < history["auc"][-1] <= 1
    gates = [w for w in model.weights if w.name.startswith("gate_")]
    assert gates
    of_optimizer = [v for v in model.optimizer.variables if "gate_" in v.path]
    assert {gate.dtype for gate in gates} == {"float32"}
    assert not {slot.dtype for slot in of_optimizer} & {"float16", "bfloat16"}
    assert all(np.ptp(w.numpy()) > 0.01 for w in gates)
    assert read_gates(model).fields == tuple(SIZES)


def test_callbacks_of_keras(tmp_path):
    model = compiled(new_model("fm_of_interactions"))
    callbacks = [
        keras.callbacks.EarlyStopping("val_auc", mode="max", patience=1, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint(
            tmp_path / "best.keras", "val_auc", mode="max", save_best_only=True
        ),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.TensorBoard(tmp_path / "events", histogram_freq=1),
    ]
    valid = (IDS, 1 - LABELS)  # what is learned of the labels makes it worse
    fitted = model.fit(
        IDS, LABELS, batch_size=16, epochs=50, validation_data=valid, callbacks=callbacks, verbose=0
    )
    history, epochs = fitted.history, len(fitted.epoch)
    assert epochs < 50
    best = max(history["val_auc"])
    for of_best in (model, keras.saving.load_model(tmp_path / "best.keras")):
        scores = of_best.evaluate(*valid, verbose=0, return_dict=True)
        assert scores["auc"] == pytest.approx(best, abs=1e-6)
        assert read_gates(of_best) == read_gates(model)
    with open(tmp_path / "log.csv") as file:
        logged = list(csv.DictReader(file))
    assert [float(row["val_auc"]) for row in logged] == pytest.approx(history["val_auc"])
    events = EventAccumulator(str(tmp_path / "events" / "validation")).Reload()
    values = [tf.make_ndarray(e.tensor_proto) for e in events.Tensors("epoch_auc")]
    assert values == pytest.approx(history["val_auc"])
    events = EventAccumulator(str(tmp_path / "events" / "train")).Reload()
    assert any("gate_alpha" in tag for tag in events.Tags()["tensors"])


def test_backup_and_restore(tmp_path):
    def fit(epochs):
        keras.utils.set_random_seed(0)
        model = compiled(new_model("deepfm_of_dimensions"))
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
        model.fit(
            IDS, LABELS, batch_size=16, epochs=epochs, shuffle=False, callbacks=[backup], verbose=0
        )
        return model

    keras.utils.set_random_seed(0)
    straight = compiled(new_model("deepfm_of_dimensions"))
    straight.fit(IDS, LABELS, batch_size=16, epochs=4, shuffle=False, verbose=0)
    fit(2)
    for a, b in zip(fit(4).get_weights(), straight.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["fm_of_interactions", "fm_of_dimensions", "wide_deep", "fwfm"])
def test_sample_weights_scale_each_rows_loss(name):
    weights = np.random.default_rng(0).integers(0, 3, 64).astype("float32")

    def trained(ids, labels, weights, learning_rate):
        keras.utils.set_random_seed(0)
        loss = keras.losses.BinaryCrossentropy(from_logits=True, reduction="sum")
        model = new_model(name)
        model.compile(keras.optimizers.SGD(learning_rate), loss)
        model.fit(ids, labels, batch_size=256, sample_weight=weights, shuffle=False, verbose=0)
        return model.get_weights()

    def assert_equal(trained, expected):
        for a, b in zip(trained, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)

    plain = trained(IDS, LABELS, None, 0.02)
    assert_equal(trained(IDS, LABELS, np.full(64, 2.0), 0.01), plain)
    if name in BASELINES:  # without batch norm, whose statistics have no weights
        rows = np.repeat(np.arange(64), weights.astype(int))
        expected = trained(IDS[rows], LABELS[rows], None, 0.01)
        assert_equal(trained(IDS, LABELS, weights, 0.01), expected)


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ["deepfm_of_dimensions", "autoint"])
def test_a_model_is_made_again_under_its_policy(name, policy, tmp_path):
    keras.config.set_dtype_policy(policy)
    model = randomized(new_model(name))
    keras.config.set_dtype_policy("float32")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert keras.config.dtype_policy().name == "float32"
    assert [w.dtype for w in loaded.weights] == [w.dtype for w in model.weights]
    assert [m.dtype_policy for m in loaded.layers] == [m.dtype_policy for m in model.layers]
    np.testing.assert_array_equal(loaded(IDS), model(IDS))


def freeze_a_layer(model):
    model.get_layer("embedding_2").trainable = False


def freeze_a_part(model):
    model.get_layer("mlp").tower[0].trainable = False


def freeze_all(model):
    model.trainable = False


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
@pytest.mark.parametrize("freeze", [freeze_a_layer, freeze_a_part, freeze_all])
def test_a_loaded_model_is_frozen_as_it_was(freeze, tmp_path):
    model = new_model("deepfm_of_dimensions")
    assert not {"frozen", "trainable"} & model.get_config().keys()
    freeze(model)
    compiled(model, keras.optimizers.Adam(0.1)).fit(IDS, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [w.path for w in loaded.trainable_variables] == [
        w.path for w in model.trainable_variables
    ]
    assert loaded.trainable is model.trainable
    for a, b in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    for one in (model, loaded):
        keras.utils.set_random_seed(0)
        one.fit(IDS, LABELS, shuffle=False, verbose=0)
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (FM, {"search": "dimensions", "candidate_dimensions": np.array([2, 10])}),
        (AutoEmb, {"counts": None, "candidate_dimensions": range(2, 9, 3)}),
        (AutoGroup, {"num_groups": np.array([1, 1]), "embedding_dims": [np.int32(2)] * 2}),
        (AFM, {"attention_units": np.int64(3)}),
    ],
)
def test_arguments_of_numpy_are_saved(cls, arguments, tmp_path):
    model = randomized(cls({name: np.int64(size) for name, size in SIZES.items()}, **arguments))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(IDS), model(IDS))
    assert json.dumps(loaded.get_config()) == json.dumps(model.get_config())


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_a_quantized_model_is_exported_and_not_saved(tmp_path):
    model = randomized(DeepFM(SIZES, hidden_units=(8,)))
    exact = model(IDS)
    model.quantize("int8")
    assert 0 < np.abs(model(IDS) - exact).max() < 0.1 * np.abs(exact).max()
    model.export(tmp_path / "exported", verbose=False)
    served = tf.saved_model.load(tmp_path / "exported")
    np.testing.assert_allclose(served.serve(tf.constant(IDS)), model(IDS), rtol=1e-5)
    for saved in (model, model.get_layer("mlp")):
        with pytest.raises(ValueError, match=r"exported, but not saved.*mlp/dense_0"):
            saved.get_config()


def test_modules_are_there_without_an_import_of_their_own():
    program = "import aim_keras; print(aim_keras.callbacks.GateHistory, aim_keras.export.signature)"
    forked.output_of_python("-c", program)
    with pytest.raises(AttributeError, match="no attribute 'callback'"):
        aim_keras.callback  # noqa: B018
