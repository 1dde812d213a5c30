"""Where and how training ends when numbers go wrong."""

import keras
import numpy as np
import pytest

from aim_keras.callbacks import RequireFinite, Resume

ROWS, BATCH = 60, 10  # 6 steps an epoch
FEATURES = np.random.default_rng(0).normal(size=(ROWS, 3)).astype("float32")
LABELS = np.arange(ROWS)[:, None] % 2


class Spoiled(keras.callbacks.Callback):
    """Puts a value into the kernel before a step."""

    def __init__(self, step, value, at_end=False):
        super().__init__()
        self.step, self.value, self.at_end = step, value, at_end

    def _spoil(self):
        kernel = self.model.layers[-1].kernel
        kernel.assign(np.array([[self.value], [1], [self.value]]))

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.optimizer.iterations == self.step and not self.at_end:
            self._spoil()

    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations == self.step and self.at_end:
            self._spoil()


def fit(features, *callbacks, epochs=2, optimizer="adam", **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="logit")])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer, loss, **options)
    model.fit(features, LABELS, BATCH, epochs, shuffle=False, verbose=0, callbacks=[*callbacks])
    return model


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_row_that_is_not_finite_ends_the_step(value):
    features = FEATURES.copy()
    features[35, 1] = value  # of the fourth step
    with pytest.raises(
        FloatingPointError, match=rf"a loss of {value} at step 4, not finite: .*kernel"
    ):
        fit(features, RequireFinite())


@pytest.mark.parametrize("jit_compile", [False, True])
def test_variables_and_the_last_good_state_are_named(tmp_path, jit_compile):
    resume = Resume(tmp_path / "backup")
    message = (
        r"at step 9, not finite: .*logit/kernel \(3 of 3 values\).*logit_kernel_momentum .*"
        rf"of epoch 1, in {resume.backup_dir}"
    )
    with pytest.raises(FloatingPointError, match=message):
        fit(FEATURES, Spoiled(8, np.nan), RequireFinite(resume), resume, jit_compile=jit_compile)
    assert resume.finished_epochs == 1


def test_what_the_last_step_spoils_is_not_saved(tmp_path):
    resume = Resume(tmp_path / "backup")
    message = r"a finite loss at step 12, not finite: \S*logit/kernel \(2 of 3 values\)\. The last"
    with pytest.raises(FloatingPointError, match=message):
        fit(FEATURES, Spoiled(12, np.inf, at_end=True), RequireFinite(resume), resume)
    assert resume.finished_epochs == 1
    kernel = fit(FEATURES, RequireFinite(resume), resume).layers[-1].kernel
    np.testing.assert_array_equal(
        kernel, fit(FEATURES, Resume(tmp_path / "other")).layers[-1].kernel
    )


def test_a_loss_that_alone_is_not_finite_is_said_to_be():
    def loss(labels, logits):
        return keras.ops.mean(keras.ops.stop_gradient(logits) / 0.0, axis=-1) + 0 * logits[:, 0]

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="logit")])
    model.compile("sgd", loss)
    with pytest.raises(FloatingPointError, match=r"at step 1, not finite: no variable"):
        model.fit(FEATURES, LABELS, BATCH, verbose=0, callbacks=[RequireFinite()])


def test_the_statistics_of_a_norm_must_be_finite_too():
    norm = keras.layers.BatchNormalization(name="norm")
    model = keras.Sequential([keras.Input((3,)), norm, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    norm.moving_mean.assign([0, np.nan, np.nan])
    callback = RequireFinite()
    callback.set_model(model)
    with pytest.raises(FloatingPointError, match=r"norm/moving_mean \(2 of 3 values\)"):
        callback.on_epoch_end(0)


def test_finite_training_is_left_alone():
    kernel = fit(FEATURES, RequireFinite()).layers[-1].kernel
    assert np.isfinite(kernel).all()


def test_logs_without_a_loss():
    callback = RequireFinite()
    callback.on_train_batch_end(0, {"log_loss": 0.1})
    callback.on_train_batch_end(0)
