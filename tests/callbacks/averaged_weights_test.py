"""Averaged weights with their own statistics, and training as if nobody had looked at them."""

import keras
import numpy as np
import pytest

from aim_keras.callbacks import AveragedWeights, Resume
from aim_keras.layers import ParamFreeBatchNorm

BATCH, STEPS, MOMENTUM = 10, 6, 0.7
FEATURES = np.random.default_rng(0).normal(3, 2, (BATCH * STEPS, 4)).astype("float32")
LABELS = (FEATURES[:, :1] > 3).astype("float32")
BATCHES = [FEATURES[:20], (FEATURES[20:40], LABELS[20:40]), FEATURES[40:]]


class Seen(keras.callbacks.Callback):
    """The kernel after each step, and it and a statistic at the end of each epoch."""

    def on_train_begin(self, logs=None):
        self.kernels, self.ends = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.kernels.append(self.model.get_layer("hidden").kernel.numpy())

    def on_epoch_end(self, epoch, logs=None):
        hidden, norm = self.model.get_layer("hidden"), self.model.get_layer("norm")
        self.ends.append((hidden.kernel.numpy(), norm.moving_mean.numpy()))


class Told(keras.callbacks.Callback):
    """The epochs and steps that begin."""

    def on_train_begin(self, logs=None):
        self.begun = []

    def on_epoch_begin(self, epoch, logs=None):
        self.begun.append(("epoch", epoch))

    def on_train_batch_begin(self, batch, logs=None):
        self.begun.append(("step", batch))


def network():
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, use_bias=False, name="hidden"),
            keras.layers.BatchNormalization(momentum=0.9, name="norm"),
            ParamFreeBatchNorm(name="free"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1),
        ]
    )


def trained(*callbacks, epochs=2, use_ema=True):
    keras.utils.set_random_seed(0)
    model = network()
    optimizer = keras.optimizers.Adam(0.05, use_ema=use_ema, ema_momentum=MOMENTUM)
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    fitted = {"shuffle": False, "verbose": 0, "callbacks": [*callbacks]}
    history = model.fit(FEATURES, LABELS, BATCH, epochs, **fitted)
    return model, history.history["loss"]


def averaged(kernels):
    """Keras's average begins with the weights of the first step."""
    average = kernels[0]
    for kernel in kernels[1:]:
        average = MOMENTUM * average + (1 - MOMENTUM) * kernel
    return average


def statistics(kernel, model):
    """Means over the batches of the mean and variance of both norms, from their definitions."""
    found = []
    for rows in np.split(FEATURES, 3):
        hidden = rows @ kernel
        mean, variance = hidden.mean(0), hidden.var(0)
        norm = model.get_layer("norm")
        normed = (hidden - mean) / np.sqrt(variance + norm.epsilon)
        normed = normed * norm.gamma.numpy() + norm.beta.numpy()
        found.append((mean, variance, normed.mean(0), normed.var(0)))
    return [np.mean(values, axis=0) for values in zip(*found, strict=True)]


@pytest.mark.parametrize("stops", [False, True])
def test_the_averages_have_the_statistics_of_their_own_activations(stops):
    seen = Seen()
    early = [keras.callbacks.EarlyStopping("loss", min_delta=100, patience=1)] if stops else []
    model, _ = trained(AveragedWeights(BATCHES, early), seen, epochs=5 if stops else 2)
    assert len(seen.ends) == 2
    kernel = averaged(seen.kernels)
    norm, free = model.get_layer("norm"), model.get_layer("free")
    np.testing.assert_allclose(model.get_layer("hidden").kernel, kernel, rtol=1e-5, atol=1e-6)
    of_both = (norm.moving_mean, norm.moving_variance, free.moving_mean, free.moving_variance)
    for variable, expected in zip(of_both, statistics(kernel, model), strict=True):
        np.testing.assert_allclose(variable, expected, rtol=1e-4, atol=1e-5)
    assert (norm.momentum, free.momentum) == (0.9, 0.9)


def test_training_goes_on_as_if_they_had_not_been_there():
    seen, alone = Seen(), Seen()
    _, loss = trained(AveragedWeights(BATCHES, [Seen()]), seen, epochs=3)
    _, expected = trained(alone, epochs=3)
    assert loss == expected
    np.testing.assert_array_equal(seen.kernels, alone.kernels)


def test_its_callbacks_see_the_averages_and_all_others_the_weights():
    before, within, behind = Seen(), Seen(), Seen()
    trained(before, AveragedWeights(BATCHES, [within]), behind, epochs=3)
    for epoch in range(3):
        kernels = before.kernels[: STEPS * (epoch + 1)]
        for callback in (before, behind):
            kernel, mean = callback.ends[epoch]
            np.testing.assert_array_equal(kernel, kernels[-1])
        averaged_kernel, its_mean = within.ends[epoch]
        np.testing.assert_allclose(averaged_kernel, averaged(kernels), rtol=1e-5, atol=1e-6)
        assert (np.abs(its_mean - mean) > 1e-3).all()
    np.testing.assert_array_equal(within.kernels, before.kernels)


def test_its_callbacks_are_told_what_all_others_are():
    within, beside = Told(), Told()
    trained(AveragedWeights(BATCHES, [within]), beside)
    assert within.begun == beside.begun
    assert len(within.begun) == 2 * (1 + STEPS)
    assert within.params == beside.params
    assert within.params["epochs"] == 2


def test_an_interrupted_training_goes_on_with_the_weights(tmp_path):
    """Of three epochs, one is trained by another process."""
    whole = Seen()
    model, _ = trained(AveragedWeights(BATCHES), whole, Resume(tmp_path / "whole"), epochs=3)
    trained(AveragedWeights(BATCHES, [Seen()]), Resume(tmp_path / "parts"), epochs=1)
    after = Seen()
    again, _ = trained(AveragedWeights(BATCHES), after, Resume(tmp_path / "parts"), epochs=3)
    np.testing.assert_array_equal(after.kernels, whole.kernels[STEPS:])
    for value, expected in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)


def test_the_best_averages_are_kept_by_early_stopping():
    """It restores them, and their statistics, after `fit` has put the last ones into the model."""
    within = Seen()
    stop = keras.callbacks.EarlyStopping(
        "loss", min_delta=100, patience=1, restore_best_weights=True
    )
    model, _ = trained(AveragedWeights(BATCHES, [within, stop]), epochs=5)
    kernel, mean = within.ends[0]
    np.testing.assert_array_equal(model.get_layer("hidden").kernel, kernel)
    np.testing.assert_array_equal(model.get_layer("norm").moving_mean, mean)


def test_statistics_can_be_taken_on_an_equal_model():
    model, _ = trained(AveragedWeights(BATCHES))
    elsewhere, _ = trained(AveragedWeights(BATCHES, model=network()))
    for value, expected in zip(elsewhere.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)


def test_an_optimizer_without_averages_is_refused():
    with pytest.raises(ValueError, match="use_ema"):
        trained(AveragedWeights(BATCHES), use_ema=False)


@pytest.mark.parametrize("batches", [iter(BATCHES), 16, (1, 2)])
def test_batches_that_cannot_be_read_again_are_refused(batches):
    with pytest.raises(ValueError, match=r"iterated over again.*no tuple.*Received: batches"):
        AveragedWeights(batches)


def test_statistics_of_no_batch_are_refused():
    with pytest.raises(ValueError, match=r"must have a batch\. Received: batches=\[\]"):
        trained(AveragedWeights([]))
