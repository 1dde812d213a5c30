import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.callbacks import GateSteps
from aim_keras.models import FM
from aim_keras.optimizers import LazyAdam, with_gates

BINARY = keras.losses.BinaryCrossentropy(from_logits=True)
SIZES = {"a": 4, "b": 5, "c": 3}


def rows(seed, n):
    rng = np.random.default_rng(seed)
    ids = np.stack([rng.integers(0, size, n) for size in SIZES.values()], axis=1).astype("int32")
    return ids, rng.integers(0, 2, (n, 1)).astype("float32")


TRAIN, OTHER = rows(0, 64), rows(1, 32)


def new_model(joint=False, **compiled):
    keras.utils.set_random_seed(0)
    model = FM(SIZES, search="interactions", embedding_dim=3, embedding_initializer="normal")
    optimizers = keras.optimizers.SGD(0.3), keras.optimizers.SGD(0.5, momentum=0.9)
    model.compile(with_gates(*optimizers, joint=joint), BINARY, **compiled)
    return model


def alpha(model):
    return model.get_layer("interaction_2").alpha


def fit(model, data=OTHER, every=4, epochs=1):
    callbacks = [GateSteps([data] * 99, every)] if every else []
    model.fit(*TRAIN, batch_size=16, epochs=epochs, shuffle=False, verbose=0, callbacks=callbacks)
    return model


def test_steps_of_the_weights_leave_the_gates_alone():
    model = fit(new_model(), every=None)
    np.testing.assert_array_equal(alpha(model), alpha(new_model()))
    assert model.optimizer.iterations == model.optimizer.weights_optimizer.iterations == 4
    assert model.optimizer.gates_optimizer.iterations == 0
    for now, then in zip(model.weights, new_model().weights, strict=True):
        assert now is alpha(model).value or "alpha" in now.path or np.any(now != then), now.path


def test_a_step_of_the_gates_by_hand():
    """After the four steps of the epoch, on the other rows, of the gates alone."""
    expected = fit(new_model(), every=None)
    gate = alpha(expected)
    with tf.GradientTape() as tape:
        loss = BINARY(OTHER[1], expected(OTHER[0], training=True))
    by_hand = gate - 0.5 * tape.gradient(loss, gate.value)
    model = fit(new_model())
    np.testing.assert_allclose(alpha(model), by_hand, rtol=1e-5)
    assert np.abs(alpha(model) - gate).max() > 1e-3
    for ours, theirs in zip(model.trainable_variables, expected.trainable_variables, strict=True):
        if "gate_alpha" not in ours.path:
            np.testing.assert_array_equal(ours, theirs)


def test_sample_weights_scale_the_loss_of_the_gates():
    weights = np.full(len(OTHER[0]), 0.25, "float32")
    once, weighted = fit(new_model()), fit(new_model(), data=(*OTHER, weights))
    start = alpha(fit(new_model(), every=None))
    np.testing.assert_allclose(alpha(weighted) - start, 0.25 * (alpha(once) - start), rtol=1e-4)


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize(("every", "steps"), [(1, 8), (2, 4), (3, 2), (5, 0)])
def test_counts_steps_by_epoch(every, steps, at_once):
    model = fit(new_model(steps_per_execution=at_once), every=every, epochs=2)
    assert model.optimizer.gates_optimizer.iterations == steps
    assert model.optimizer.weights_optimizer.iterations == 8


def test_gates_are_trained_where_all_weights_are_frozen():
    model = new_model()
    model.get_layer("embedding_2").trainable = False
    model.compile(model.optimizer, BINARY)
    start = alpha(model).numpy()
    fit(model)
    assert model.optimizer.gates_optimizer.iterations == 1
    assert np.all(alpha(model) != start)


def test_errors():
    with pytest.raises(ValueError, match=r"every must be an integer >= 1. Received: every=0"):
        GateSteps([OTHER], every=0)
    with pytest.raises(
        ValueError, match=r"with_gates\(..., joint=False\)`, not .* Received: optimizer="
    ):
        fit(new_model(joint=True))
    plain = FM(SIZES)
    plain.compile("adam", BINARY)
    with pytest.raises(
        ValueError, match=r"`GateSteps` needs a model that was compiled with `with_gates`\."
    ):
        fit(plain)


def test_data_that_ends_before_the_training():
    with pytest.raises(ValueError, match="`data` must have a batch for each step of the gates"):
        new_model().fit(*TRAIN, 16, verbose=0, callbacks=[GateSteps([OTHER] * 3, every=1)])


def test_scaled_losses():
    keras.config.set_dtype_policy("mixed_float16")
    with pytest.raises(
        ValueError, match=r"not under `mixed_float16`\. Received: optimizer=.*LossSc"
    ):
        fit(new_model())


def test_a_loss_scale_factor_changes_nothing():
    scaled, plain = new_model(), new_model()
    for model, factor in (scaled, 16.0), (plain, None):
        optimizers = LazyAdam(0.1), keras.optimizers.SGD(0.5)
        model.compile(with_gates(*optimizers, joint=False, loss_scale_factor=factor), BINARY)
    np.testing.assert_allclose(alpha(fit(scaled)), alpha(fit(plain)), rtol=1e-5)


def test_the_optimizer_is_saved(tmp_path):
    model = fit(new_model())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.joint is False
    for a, b in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(alpha(fit(loaded)), alpha(fit(model)))
