"""Averaged weights with their own statistics, and training as if nobody had looked at them."""

import keras
import numpy as np
import pytest

from aim_keras.callbacks import AveragedWeights
from aim_keras.layers import ParamFreeBatchNorm

BATCH, STEPS, MOMENTUM = 10, 6, 0.7
FEATURES = np.random.default_rng(0).normal(3, 2, (BATCH * STEPS, 4)).astype("float32")
LABELS = (FEATURES[:, :1] > 3).astype("float32")
BATCHES = [FEATURES[:20], (FEATURES[20:40], LABELS[20:40])]


class Seen(keras.callbacks.Callback):
    """The kernel after each step, and it and a statistic at the end of each epoch."""

    def on_train_begin(self, logs=None):
        self.kernels, self.ends = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.kernels.append(self.model.get_layer("hidden").kernel.numpy())

    def on_epoch_end(self, epoch, logs=None):
        hidden, norm = self.model.get_layer("hidden"), self.model.get_layer("norm")
        self.ends.append((hidden.kernel.numpy(), norm.moving_mean.numpy()))


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
    for rows in (FEATURES[:20], FEATURES[20:40]):
        hidden = rows @ kernel
        mean, variance = hidden.mean(0), hidden.var(0)
        norm = model.get_layer("norm")
        normed = (hidden - mean) / np.sqrt(variance + norm.epsilon)
        normed = normed * norm.gamma.numpy() + norm.beta.numpy()
        found.append((mean, variance, normed.mean(0), normed.var(0)))
    return [np.mean(values, axis=0) for values in zip(*found, strict=True)]


def stopped(averages, epoch):
    """Puts the weights back at the end of each epoch, and stops after one."""

    def on_epoch_end(number, logs):
        averages.on_epoch_begin(number)
        averages.model.stop_training = number == epoch

    return keras.callbacks.LambdaCallback(on_epoch_end=on_epoch_end)


@pytest.mark.parametrize("stops", [False, True])
def test_the_averages_have_the_statistics_of_their_own_activations(stops):
    seen, averages = Seen(), AveragedWeights(BATCHES)
    early = [stopped(averages, epoch=1)] if stops else []
    model, _ = trained(averages, seen, *early, epochs=5 if stops else 2)
    kernel = averaged(seen.kernels)
    norm, free = model.get_layer("norm"), model.get_layer("free")
    np.testing.assert_allclose(model.get_layer("hidden").kernel, kernel, rtol=1e-5, atol=1e-6)
    of_both = (norm.moving_mean, norm.moving_variance, free.moving_mean, free.moving_variance)
    for variable, expected in zip(of_both, statistics(kernel, model), strict=True):
        np.testing.assert_allclose(variable, expected, rtol=1e-4, atol=1e-5)
    assert (norm.momentum, free.momentum) == (0.9, 0.9)


def test_training_goes_on_as_if_they_had_not_been_there():
    seen, alone = Seen(), Seen()
    _, loss = trained(AveragedWeights(BATCHES), seen, epochs=3)
    _, expected = trained(alone, epochs=3)
    # Keras swaps weights and averages by sums, which round.
    np.testing.assert_allclose(loss, expected, rtol=1e-6)
    np.testing.assert_allclose(seen.kernels, alone.kernels, rtol=1e-5, atol=1e-6)


def test_callbacks_before_it_see_the_weights_and_those_behind_it_the_averages():
    before, behind = Seen(), Seen()
    trained(before, AveragedWeights(BATCHES), behind, epochs=3)
    for epoch in range(3):
        (kernel, mean), (averaged_kernel, its_mean) = before.ends[epoch], behind.ends[epoch]
        kernels = before.kernels[: STEPS * (epoch + 1)]
        np.testing.assert_array_equal(kernel, kernels[-1])
        np.testing.assert_allclose(averaged_kernel, averaged(kernels), rtol=1e-5, atol=1e-6)
        assert (np.abs(its_mean - mean) > 1e-3).all()


def test_statistics_can_be_taken_on_an_equal_model():
    model, _ = trained(AveragedWeights(BATCHES))
    elsewhere, _ = trained(AveragedWeights(BATCHES, network()))
    for value, expected in zip(elsewhere.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)


def test_an_optimizer_without_averages_is_refused():
    with pytest.raises(ValueError, match="use_ema"):
        trained(AveragedWeights(BATCHES), use_ema=False)
