import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.optimizers import GRDA
from aim_keras.optimizers.grda import power_increment

BINARY = keras.losses.BinaryCrossentropy(from_logits=True)


def closed_form(start, gradients, rates, c, mu):
    """Thresholds and variables of every update, in float64."""
    n = np.arange(1, len(rates) + 1, dtype="float64")
    rates = np.asarray(rates, dtype="float64")
    thresholds = np.cumsum(c * rates ** (0.5 + mu) * (n**mu - (n - 1) ** mu))
    duals = start - np.cumsum(rates[:, None] * gradients, axis=0)
    kept = np.maximum(np.abs(duals) - thresholds[:, None], 0)
    return thresholds, np.sign(duals) * kept


def apply_all(optimizer, variable, gradients):
    trace = []
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient, variable.dtype)], [variable])
        trace.append(variable.numpy())
    return np.array(trace)


def gate_model(optimizer, jit_compile=False):
    """One dense kernel as gates of 6 features, of which the first two matter."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(0.6)),
        ]
    )
    model.compile(optimizer, loss=BINARY, jit_compile=jit_compile)
    return model


def gate_data(rows=512):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 6)).astype("float32")
    return x, (x[:, :1] - x[:, 1:2] > 0).astype("float32")


def train(model):
    x, y = gate_data(20 * 16)
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    return model.layers[0].kernel.numpy()


def test_one_step_by_hand():
    w = keras.Variable([0.5, -0.5, 0.01])
    optimizer = GRDA(learning_rate=0.25, c=0.2, mu=0.5)
    optimizer.apply([tf.constant([1.0, 1.0, 0.0])], [w])
    # v = w - 0.25 g = [0.25, -0.75, 0.01]; threshold = 0.2 * 0.25 ** 1 * (1 - 0) = 0.05
    np.testing.assert_allclose(w.numpy(), [0.2, -0.7, 0.0], rtol=1e-6)
    assert optimizer.threshold == pytest.approx(0.05)
    optimizer.apply([tf.constant([0.0, 0.0, 0.0])], [w])
    # v stays; threshold = 0.2 * 0.25 * sqrt(2)
    np.testing.assert_allclose(w.numpy(), [0.17928932, -0.67928932, 0.0], rtol=1e-6)


@pytest.mark.parametrize("mu", [0.51, 0.9, 1.0])
def test_closed_form_with_a_changing_learning_rate(mu):
    rng = np.random.default_rng(1)
    start, gradients = rng.normal(size=8) * 0.3, rng.normal(size=(200, 8))
    rates = 0.1 * rng.uniform(0.2, 1.0, 200)
    thresholds, expected = closed_form(start, gradients, rates, c=0.3, mu=mu)
    w = keras.Variable(start)
    optimizer = GRDA(learning_rate=0.1, c=0.3, mu=mu)
    for gradient, rate, threshold, variable in zip(
        gradients, rates, thresholds, expected, strict=True
    ):
        optimizer.learning_rate = rate
        optimizer.apply([tf.constant(gradient, "float32")], [w])
        assert optimizer.threshold == pytest.approx(threshold, rel=2e-6)
        np.testing.assert_allclose(w.numpy(), variable, atol=2e-6)
    assert 0 < np.count_nonzero(expected) < expected.size


def test_a_lower_learning_rate_never_lowers_the_threshold():
    w = keras.Variable([1.0])
    optimizer = GRDA(learning_rate=1.0, c=0.1)
    apply_all(optimizer, w, np.zeros((10, 1)))
    before = optimizer.threshold
    optimizer.learning_rate = 0.01
    apply_all(optimizer, w, np.zeros((1, 1)))
    assert before < optimizer.threshold < before * 1.01


def test_a_zero_gate_comes_back():
    w = keras.Variable([0.1])
    optimizer = GRDA(learning_rate=1.0, c=0.2, mu=0.5)
    trace = apply_all(optimizer, w, [[0.0]] + [[-0.1]] * 9)
    # v = 0.1, 0.2, ..., 1.0 and threshold = 0.2 sqrt(n): zero up to n = 4.
    expected = np.maximum(0.1 * np.arange(1, 11) - 0.2 * np.sqrt(np.arange(1, 11)), 0)
    np.testing.assert_allclose(trace[:, 0], expected, atol=1e-6)
    assert (trace[:3, 0] == 0).all()
    assert (trace[5:, 0] > 0).all()


def test_without_threshold_it_is_sgd():
    gradients = np.random.default_rng(0).normal(size=(50, 4))
    w, expected = keras.Variable(np.ones(4)), keras.Variable(np.ones(4))
    np.testing.assert_array_equal(
        apply_all(GRDA(0.1, c=0.0), w, gradients),
        apply_all(keras.optimizers.SGD(0.1), expected, gradients),
    )


@pytest.mark.parametrize("mu", [0.51, 0.7, 0.9])
def test_power_increment_is_precise_for_many_updates(mu):
    n = np.unique(np.logspace(0, 6, 2000).astype("int64"))
    exact = np.where(n == 1, 1.0, n**mu - (n - 1) ** mu)
    np.testing.assert_allclose(power_increment(n, mu), exact, rtol=1e-6)
    with_jit = tf.function(power_increment, jit_compile=True)(tf.constant(n), mu)
    np.testing.assert_allclose(with_jit, exact, rtol=2e-6)


@pytest.mark.parametrize(
    "learning_rate",
    [
        0.05,
        keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=30, decay_rate=0.75),
        keras.optimizers.schedules.CosineDecay(0.01, 80, warmup_target=0.1, warmup_steps=20),
        keras.optimizers.schedules.PiecewiseConstantDecay([20, 60], [0.1, 0.05, 0.0]),
    ],
)
@pytest.mark.parametrize("accumulate", [None, 3])
def test_target_threshold_is_reached(learning_rate, accumulate):
    optimizer = GRDA(
        learning_rate,
        c=99.0,
        mu=0.6,
        target_threshold=0.7,
        total_steps=100,
        gradient_accumulation_steps=accumulate,
    )
    w = keras.Variable([1.0, 0.6])
    step = tf.function(lambda g: optimizer.apply([g], [w]))
    optimizer.build([w])
    for _ in range(100 * (accumulate or 1) - 1):
        step(tf.zeros(2))
    assert optimizer.threshold < 0.7
    step(tf.zeros(2))
    assert optimizer.threshold == pytest.approx(0.7, rel=1e-5)
    np.testing.assert_allclose(w.numpy(), [0.3, 0.0], atol=1e-5)


def test_target_threshold_survives_a_changed_learning_rate():
    optimizer = GRDA(0.1, mu=0.6, target_threshold=0.7, total_steps=100)
    optimizer.learning_rate = 0.0
    assert GRDA.from_config(optimizer.get_config()).c == optimizer.c


def test_schedule_and_gradient_accumulation():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([5], [0.1, 0.05])
    rng = np.random.default_rng(2)
    gradients = rng.normal(size=(12, 3))
    w = keras.Variable([0.3, -0.2, 0.1])
    optimizer = GRDA(schedule, c=0.2, mu=0.7, gradient_accumulation_steps=3)
    trace = apply_all(optimizer, w, gradients)
    # Updates happen at batches 2, 5, 8, 11, with the mean gradient of three batches.
    means = gradients.reshape(4, 3, 3).mean(axis=1)
    thresholds, expected = closed_form(
        np.array([0.3, -0.2, 0.1]), means, [0.1, 0.1, 0.05, 0.05], c=0.2, mu=0.7
    )
    np.testing.assert_allclose(trace[2::3], expected, atol=1e-6)
    assert (trace[:2] == np.array([0.3, -0.2, 0.1], "float32")).all()
    assert optimizer.threshold == pytest.approx(thresholds[-1])


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_clipping(clip):
    gradients = np.array([[3.0, 4.0], [0.03, -0.04]])
    clipped = np.array([[0.6, 0.8] if clip != "clipvalue" else [1.0, 1.0], [0.03, -0.04]])
    w = keras.Variable([1.0, -1.0])
    trace = apply_all(GRDA(0.1, c=0.1, **{clip: 1.0}), w, gradients)
    _, expected = closed_form(np.array([1.0, -1.0]), clipped, [0.1, 0.1], c=0.1, mu=0.7)
    np.testing.assert_allclose(trace, expected, atol=1e-6)


@pytest.mark.parametrize("build_first", [False, True])
def test_jit_compile_gives_the_same(build_first):
    results = []
    for jit_compile in (False, True):
        model = gate_model(GRDA(0.5, c=0.1, mu=0.6), jit_compile=jit_compile)
        if build_first:
            model.optimizer.build(model.trainable_variables)
        results.append(train(model))
        assert model.optimizer.threshold == pytest.approx(0.1 * 0.5**1.1 * 20**0.6)
    np.testing.assert_allclose(*results, atol=1e-6)
    assert 0 < np.count_nonzero(results[0]) < 6


def test_jit_compile_in_a_custom_loop_that_builds_while_tracing():
    w = keras.Variable([0.5, -0.5])
    optimizer = GRDA(0.25, c=0.2, mu=0.5)
    step = tf.function(lambda g: optimizer.apply([g], [w]), jit_compile=False)
    step(tf.constant([1.0, 1.0]))
    np.testing.assert_allclose(w.numpy(), [0.2, -0.7], rtol=1e-6)


def test_weights_set_after_build_are_the_start():
    w = keras.Variable([0.0])
    optimizer = GRDA(1.0, c=0.0)
    optimizer.build([w])
    w.assign([5.0])
    apply_all(optimizer, w, [[1.0]])
    assert w.numpy() == [4.0]


def test_a_variable_whose_first_gradient_comes_late_keeps_its_start():
    v, w = keras.Variable([1.0]), keras.Variable([2.0])
    optimizer = GRDA(1.0, c=0.1, mu=0.5)
    optimizer.build([v, w])
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([tf.zeros(1), None], [v, w])
    optimizer.apply([tf.zeros(1), tf.zeros(1)], [v, w])
    np.testing.assert_allclose(v.numpy(), 1 - 0.1 * np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(w.numpy(), 2 - 0.1, rtol=1e-6)
    assert optimizer.threshold == pytest.approx(0.1 * np.sqrt(2))  # the largest


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_float32_gates(policy):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(policy)
    try:
        model = gate_model(GRDA(0.5, c=0.1, mu=0.6))
        mixed = train(model)
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    full = train(gate_model(GRDA(0.5, c=0.1, mu=0.6)))
    assert mixed.dtype == "float32"
    np.testing.assert_allclose(mixed, full, atol=0.02)
    np.testing.assert_array_equal(mixed == 0, full == 0)


def test_saved_in_the_middle_it_resumes_bit_identically(tmp_path):
    x, y = gate_data()
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
    arguments = {"mu": 0.6, "target_threshold": 0.4, "total_steps": 32}
    straight = gate_model(GRDA(schedule, **arguments))
    straight.fit(x, y, batch_size=16, shuffle=False, verbose=0)

    first = gate_model(GRDA(schedule, **arguments))
    first.fit(x[:256], y[:256], batch_size=16, shuffle=False, verbose=0)
    first.save(tmp_path / "model.keras")
    resumed = keras.models.load_model(tmp_path / "model.keras")
    assert resumed.optimizer.threshold == first.optimizer.threshold
    resumed.fit(x[256:], y[256:], batch_size=16, shuffle=False, verbose=0)
    for a, b in zip(resumed.get_weights(), straight.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(resumed.optimizer.variables, straight.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_threshold_before_the_first_update():
    assert GRDA().threshold == 0.0


def test_sparse_gradient():
    table = keras.Variable(np.ones((4, 2)), name="table")
    gradient = tf.IndexedSlices(tf.ones((1, 2)), tf.constant([1]), tf.constant([4, 2]))
    with pytest.raises(ValueError, match=r"GRDA needs dense gradients.*table"):
        GRDA().apply([gradient], [table])


def test_total_steps_without_a_target_leave_c_alone():
    assert GRDA(c=0.3, total_steps=5).c == 0.3
