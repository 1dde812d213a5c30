"""AutoDim: from a softmax over candidate dimensions to a model with rows of the found lengths."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras import read_gates
from aim_keras.architecture import Architecture
from aim_keras.models import FM, IPNN, DeepFM
from aim_keras.optimizers import with_gates
from aim_keras.search import found_architecture, front, threshold_within, warm_start

SIZES = {"a": 12, "b": 12, "c": 12}
RNG = np.random.default_rng(0)
IDS = RNG.integers(0, 12, (4000, 3)).astype("int32")
# The pair of a and b has rank 6; c has no effect.
TRUTH = 4 * (RNG.normal(size=(12, 6)) @ RNG.normal(size=(6, 12)))[IDS[:, 0], IDS[:, 1]] / 6**0.5
LABELS = (TRUTH + RNG.logistic(size=4000) > 0).astype("float32")[:, None]
SEARCH = {"search": "dimensions", "embedding_dim": 8, "candidate_dimensions": (1, 2, 4, 8)}
FOUND = {"a": 8, "b": 4, "c": 1}
MODELS = {"fm": (FM, {}), "deepfm": (DeepFM, {"hidden_units": (6,)}), "ipnn": (IPNN, {})}

each_model = pytest.mark.parametrize(("cls", "options"), MODELS.values(), ids=MODELS)


def searched(cls=FM, **options):
    """A model whose search is over: what it found is `FOUND`."""
    model = cls(SIZES, **SEARCH, **options)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    layer = model.get_layer("dimension_gate_2")
    layer.batch_norm.batches_seen.assign(0)
    model(IDS, training=True)
    sizes = np.array(SEARCH["candidate_dimensions"])
    layer.alpha.assign((sizes == np.array([*FOUND.values()])[:, None])[None])
    return model


def test_the_search_gives_more_dimensions_to_the_fields_that_need_them():
    model = FM(SIZES, **SEARCH)
    model.compile(
        with_gates(weights=keras.optimizers.Adam(0.02), gates=keras.optimizers.Adam(0.05)),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    model.fit(IDS, LABELS, batch_size=200, epochs=8, verbose=0)
    kept = read_gates(model).kept_dimensions(2, "inner")
    assert min(len(kept["a"]), len(kept["b"])) >= 4 > len(kept["c"])


@each_model
def test_gradients_reach_alpha(cls, options):
    model = searched(cls, **options)
    alpha = model.get_layer("dimension_gate_2").alpha
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(IDS[:50], training=True) * RNG.normal(size=(50, 1)))
    assert np.all(np.abs(tape.gradient(loss, alpha.value)) > 0)


@each_model
def test_what_is_found_has_shorter_rows(cls, options, tmp_path):
    found = found_architecture(searched(cls, **options))
    assert {field: len(kept) for field, kept in found.kept_dimensions(2, "inner").items()} == FOUND
    assert found.units(2) == Architecture.full(SIZES, ["inner"], 8).units(2)
    found.save(tmp_path / "architecture.json")
    model = cls(SIZES, tmp_path / "architecture.json", gated=False, **options)
    tables = {w.path: w.shape for w in model.weights if "table" in w.path}
    linear = cls is not IPNN
    assert tables == {f"embedding_2/table_{d + linear}": (12, d + linear) for d in FOUND.values()}
    assert found.embedding_parameters(SIZES) == 12 * sum(FOUND.values())


def test_the_found_model_is_the_searched_one():
    model = searched()
    model.get_layer("dimension_gate_2").steps.assign(1e6)  # At the least temperature.
    retrained = FM(SIZES, found_architecture(model), gated=False)
    warm_start(retrained, model)
    np.testing.assert_allclose(retrained(IDS), model(IDS), rtol=1e-4, atol=1e-4)


def test_loads_with_its_temperature(tmp_path):
    model = searched(temperature_decay=0.1)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    layer = loaded.get_layer("dimension_gate_2")
    assert layer.candidates == (1, 2, 4, 8)
    assert layer.steps.numpy() == model.get_layer("dimension_gate_2").steps.numpy() > 0
    np.testing.assert_array_equal(loaded(IDS), model(IDS))


def test_thresholds_change_nothing():
    model = searched()
    assert read_gates(model, threshold=9.0) == read_gates(model)
    assert threshold_within(model, max_parameters=156, vocabulary_sizes=SIZES) == 0
    with pytest.raises(ValueError, match="No threshold on the gates meets the budget"):
        threshold_within(model, max_parameters=155, vocabulary_sizes=SIZES)
    (point,) = front(model, lambda _: {})
    assert point == {"threshold": 0.0, "architecture": found_architecture(model)}


def test_alpha_must_be_finite():
    model = searched()
    model.get_layer("dimension_gate_2").alpha.assign(np.full((1, 3, 4), np.nan))
    with pytest.raises(ValueError, match=r"Gates must be finite. Received: .*gate_alpha"):
        read_gates(model)
