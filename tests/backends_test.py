"""Layers, models and optimizers on Keras's other backends, compared with TensorFlow."""

import functools
import importlib.util
import json

import keras
import numpy as np
import pytest

from aim_keras import Architecture, read_gates
from aim_keras.feature_groups import FeatureGroups
from tests import forked
from tests.layers.layers_table import LAYERS
from tests.models.models_table import BASELINES
from tests.on_any_backend import (
    MODELS,
    averaged,
    baseline_logits,
    binned_auc,
    groups,
    layer_results,
    new_model,
    observed,
    trained,
)

pytestmark = pytest.mark.minutes


@pytest.fixture(scope="module", params=["jax", "torch"])
def folder(request, tmp_path_factory):
    """What `on_any_backend` writes on that backend."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is absent: no models that it trained")
    folder = tmp_path_factory.mktemp(request.param)
    forked.output_of_python("-m", "tests.on_any_backend", folder, KERAS_BACKEND=request.param)
    return folder


expected_layers = functools.cache(layer_results)
expected_logits = functools.cache(baseline_logits)


@functools.cache
def expected_model(name):
    return trained(trained(new_model(name)))


def assert_equal(arrays, expected):
    """Up to float32's rounding of sums in another order, of some 100 numbers of a size near 1."""
    for a, b in zip(arrays, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name, folder):
    expected = expected_layers()[name]
    results = np.load(folder / "layers.npz")
    assert_equal([results[f"{name}/{i}"] for i in range(len(expected))], expected)


@pytest.mark.parametrize("name", BASELINES)
def test_models_without_gates(name, folder):
    assert_equal([np.load(folder / "baselines.npz")[name]], [expected_logits()[name]])


def test_binned_auc(folder):
    assert_equal(np.load(folder / "auc.npz").values(), binned_auc())


@pytest.mark.parametrize("name", MODELS)
def test_training(name, folder):
    results = np.load(folder / f"{name}.npz")
    expected = expected_model(name)
    assert_equal([results[key] for key in results.files], expected.get_weights())
    found, by_tensorflow = Architecture.load(folder / f"{name}.json"), read_gates(expected)
    assert found.interactions == by_tensorflow.interactions
    assert found.dimensions == by_tensorflow.dimensions


def test_the_history_of_gates(folder, tmp_path):
    observed("fm", tmp_path)
    (header, *rows), (same_header, *expected) = (
        map(json.loads, (path / "fm.jsonl").read_text().splitlines()) for path in (folder, tmp_path)
    )
    assert header == same_header
    assert [row["step"] for row in rows] == [row["step"] for row in expected] == [*range(9)]
    for row, by_tensorflow in zip(rows, expected, strict=True):
        for name, values in by_tensorflow["values"].items():
            np.testing.assert_allclose(row["values"][name], values, atol=1e-5)


def test_averaged_weights(folder):
    assert_equal(np.load(folder / "averaged.npz").values(), averaged().get_weights())


def test_groups_are_read(folder):
    assert FeatureGroups.load(folder / "groups.json") == groups()


def test_gate_steps_say_that_they_are_of_tensorflow(folder):
    message = f"takes its steps in TensorFlow. Received: backend='{folder.name[:-1]}'"
    assert message in (folder / "gate_steps.txt").read_text()


def test_something_is_pruned():
    """Or no gate of the tests above would be zero."""
    assert 0 < len(read_gates(expected_model("fm")).units(2)) < 12
    beta = expected_model("deepfm").get_layer("dimension_gate_2").beta.numpy()
    assert 0 < np.count_nonzero(beta) < beta.size


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_loads_on_tensorflow(name, folder):
    model = keras.saving.load_model(folder / f"{name}.keras", compile=False)
    assert_equal(model.get_weights(), trained(new_model(name)).get_weights())


@pytest.mark.parametrize("name", MODELS)
def test_its_training_goes_on(name, folder):
    if folder.name.startswith("torch") and name == "fm":
        pytest.skip("TensorFlow cannot load it: PyTorch's Keras saves Adam as a class of its own")
    model = keras.saving.load_model(folder / f"{name}.keras")
    model.run_eagerly = True
    assert_equal(trained(model).get_weights(), expected_model(name).get_weights())
