import os

import h5py
import keras
import numpy as np
import pytest

from aim_keras.optimizers import GRDA, with_gates

BINARY = keras.losses.BinaryCrossentropy(from_logits=True)


@keras.saving.register_keras_serializable(package="gate_optimizer_test")
class Gate(keras.layers.Layer):
    def build(self, input_shape):
        self.alpha = self.add_weight(
            name="gate_alpha", shape=input_shape[1:], initializer=keras.initializers.Constant(0.6)
        )

    def call(self, x):
        return x * self.alpha


def gated_model(optimizer, jit_compile=False):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((6,)), Gate(name="gated"), keras.layers.Dense(1)])
    model.compile(optimizer, loss=BINARY, jit_compile=jit_compile)
    return model


def adam_and_grda(learning_rate=0.5):
    return with_gates(weights=keras.optimizers.Adam(0.01), gates=GRDA(learning_rate, c=0.1, mu=0.6))


def data(rows=512):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 6)).astype("float32")
    return x, (x[:, :1] - x[:, 1:2] > 0).astype("float32")


def fit(model, start=0, stop=512, **arguments):
    x, y = data()
    return model.fit(
        x[start:stop], y[start:stop], batch_size=16, shuffle=False, verbose=0, **arguments
    )


def assert_same_state(a, b):
    for v, w in zip(a.variables, b.variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy(), err_msg=v.path)
    for v, w in zip(a.optimizer.variables, b.optimizer.variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy(), err_msg=v.path)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_gates_and_weights_go_to_their_optimizers(jit_compile):
    model = gated_model(adam_and_grda(), jit_compile=jit_compile)
    weights = [v.numpy() for v in model.layers[1].variables]
    fit(model)
    optimizer = model.optimizer
    assert [v.name for v in optimizer.gates_optimizer._trainable_variables] == ["gate_alpha"]
    assert len(optimizer.weights_optimizer._trainable_variables) == 2
    assert int(optimizer.gates_optimizer.iterations) == 32
    assert int(optimizer.weights_optimizer.iterations) == 32
    assert optimizer.gates_optimizer.threshold == pytest.approx(0.1 * 0.5**1.1 * 32**0.6)
    assert 0 < np.count_nonzero(model.layers[0].alpha) < 6
    for before, variable in zip(weights, model.layers[1].variables, strict=True):
        assert (before != variable.numpy()).any()


def test_both_step_from_the_same_point():
    x, y = data(16)
    model = gated_model(with_gates(keras.optimizers.SGD(0.1), GRDA(0.1, c=0.0)))
    sgd = gated_model(keras.optimizers.SGD(0.1))
    model.train_on_batch(x, y)
    sgd.train_on_batch(x, y)
    for a, b in zip(model.get_weights(), sgd.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_own_pattern():
    optimizer = with_gates(keras.optimizers.Adam(), GRDA(), pattern=".*/kernel")
    fit(gated_model(optimizer), stop=16)
    assert [v.name for v in optimizer.gates_optimizer._trainable_variables] == ["kernel"]


def test_model_of_gates_only(tmp_path):
    model = keras.Sequential([keras.Input((6,)), Gate()])
    model.compile(adam_and_grda(), loss="mse")
    x, _ = data(32)
    model.fit(x, x, verbose=0)
    model.save(tmp_path / "model.keras")
    assert_same_state(keras.models.load_model(tmp_path / "model.keras"), model)


def test_pattern_without_a_match():
    optimizer = with_gates(keras.optimizers.Adam(), GRDA(), pattern=".*gate_beta")
    with pytest.raises(ValueError, match=r"'\.\*gate_beta'(?s:.*)gated/gate_alpha.*dense.*/kernel"):
        fit(gated_model(optimizer), stop=16)


def test_saved_in_the_middle_it_resumes_bit_identically(tmp_path):
    straight = gated_model(adam_and_grda())
    fit(straight)
    first = gated_model(adam_and_grda())
    fit(first, stop=256)
    first.save(tmp_path / "model.keras")
    resumed = keras.models.load_model(tmp_path / "model.keras")
    assert_same_state(resumed, first)
    fit(resumed, start=256)
    assert_same_state(resumed, straight)


def test_backup_and_restore(tmp_path):
    class StopError(Exception):
        pass

    def stop(epoch, logs):
        if epoch == 1:
            raise StopError

    straight = gated_model(adam_and_grda())
    fit(straight, epochs=4)
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(StopError):
        fit(
            gated_model(adam_and_grda()),
            epochs=4,
            callbacks=[backup, keras.callbacks.LambdaCallback(on_epoch_end=stop)],
        )
    resumed = gated_model(adam_and_grda())
    history = fit(
        resumed, epochs=4, callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "backup")]
    )
    assert history.epoch == [2, 3]
    assert_same_state(resumed, straight)


def test_each_slot_is_saved_once(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((100,)), Gate(), keras.layers.Dense(1000), keras.layers.Dense(1)]
    )
    model.compile(adam_and_grda(), loss="mse")
    model.fit(np.ones((4, 100)), np.ones((4, 1)), verbose=0)
    model.save_weights(tmp_path / "model.weights.h5")
    sizes = []
    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visititems(
            lambda name, item: sizes.append(item.size) if isinstance(item, h5py.Dataset) else None
        )
    numbers = [v.numpy().size for v in [*model.variables, *model.optimizer.variables]]
    assert sum(sizes) == sum(numbers)
    assert os.path.getsize(tmp_path / "model.weights.h5") < 4.2 * sum(numbers)


def test_weights_are_left_out_of_weight_decay():
    weights = keras.optimizers.AdamW(1e-9, weight_decay=1e8)
    model = gated_model(with_gates(weights, GRDA(0.1)))
    model.optimizer.exclude_from_weight_decay(var_names=["kernel"])
    kernel, bias = model.layers[1].kernel, model.layers[1].bias
    bias.assign([1.0])
    before = kernel.numpy()
    fit(model, stop=16)
    np.testing.assert_allclose(kernel, before, atol=1e-7)
    np.testing.assert_allclose(bias, 0.9, rtol=1e-5)


def test_learning_rate_is_the_one_of_the_weights():
    optimizer = adam_and_grda()
    assert float(optimizer.learning_rate) == pytest.approx(0.01)
    optimizer.learning_rate = 0.002
    assert float(optimizer.weights_optimizer.learning_rate) == pytest.approx(0.002)
    assert float(optimizer.gates_optimizer.learning_rate) == 0.5


def test_callbacks_of_keras_that_set_the_learning_rate():
    model = gated_model(adam_and_grda())
    callback = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10)
    history = fit(model, epochs=3, callbacks=[callback]).history
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01 / 4)
    assert float(model.optimizer.gates_optimizer.learning_rate) == pytest.approx(0.5 / 4)
    names = [model.optimizer.weights_optimizer.name, model.optimizer.gates_optimizer.name]
    assert all(f"learning_rate_{name}" in history for name in names)
    fit(model, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 10)])
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01 / 40)


def test_mixed_float16_wraps_it(tmp_path):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        model = gated_model(adam_and_grda())
        fit(model)
        model.save(tmp_path / "model.keras")
        resumed = keras.models.load_model(tmp_path / "model.keras")
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert 0 < np.count_nonzero(model.layers[0].alpha) < 6
    assert_same_state(resumed, model)


def test_a_loss_scale_factor_is_that_of_both(tmp_path):
    scaled, plain = (
        gated_model(with_gates(keras.optimizers.Adam(), GRDA(0.1), loss_scale_factor=factor))
        for factor in (8.0, None)
    )
    fit(scaled), fit(plain)
    for value, expected in zip(scaled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5)
    scaled.save(tmp_path / "model.keras")
    optimizer = keras.saving.load_model(tmp_path / "model.keras").optimizer
    inner = optimizer.weights_optimizer, optimizer.gates_optimizer
    assert [one.loss_scale_factor for one in (optimizer, *inner)] == [8.0] * 3


def built_optimizer():
    optimizer = keras.optimizers.Adam()
    optimizer.build([keras.Variable([0.0])])
    return optimizer


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": "adam"}, "`weights` must be a keras.optimizers.Optimizer"),
        ({"gates": None}, "`gates` must be .* Received: gates=None"),
        ({"gates": adam_and_grda()}, "wraps no others"),
        ({"weights": keras.optimizers.LossScaleOptimizer(GRDA())}, "wraps no others"),
        ({"weights": built_optimizer()}, "new optimizer. .*already built"),
        (
            {"weights": keras.optimizers.Adam(loss_scale_factor=8.0)},
            "`weights` must leave `loss_scale_factor` to `with_gates`. Received: .*=8.0",
        ),
        ({"pattern": "("}, r"regular expression. Received: pattern='\('"),
        ({"pattern": None}, "regular expression. Received: pattern=None"),
    ],
)
def test_argument_errors(arguments, message):
    defaults = {"weights": keras.optimizers.Adam(), "gates": GRDA()}
    with pytest.raises(ValueError, match=message):
        with_gates(**{**defaults, **arguments})


def test_the_same_instance_twice():
    optimizer = GRDA()
    with pytest.raises(ValueError, match="same instance"):
        with_gates(optimizer, optimizer)


def test_the_default_pattern_is_of_whole_names():
    class Own(keras.layers.Layer):
        def build(self, input_shape):
            for name in ("gate_alpha", "aggregate_alpha", "surrogate_beta", "gate_beta_scale"):
                self.add_weight((2,), name=name)

    layer = Own()
    layer.build((None, 2))
    optimizer = with_gates(keras.optimizers.Adam(), GRDA())
    assert [optimizer.is_gate(w) for w in layer.weights] == [True, False, False, False]
