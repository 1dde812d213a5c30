import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.optimizers import LazyAdam

ROWS, WIDTH = 23, 3
SCHEDULE = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=3, decay_rate=0.8)


def new_table(rows=ROWS, dtype="float32"):
    return keras.Variable(
        np.random.default_rng(7).normal(size=(rows, WIDTH)), dtype=dtype, name="table"
    )


def sparse(ids, values, rows=ROWS):
    ids, values = tf.convert_to_tensor(ids), tf.convert_to_tensor(values)
    return tf.IndexedSlices(values, ids, tf.constant([rows, WIDTH]))


def dense(ids, values, rows=ROWS):
    gradient = np.zeros((rows, WIDTH), "float32")
    np.add.at(gradient, np.asarray(ids), np.asarray(values))
    return gradient


def batches(steps=20, rows=ROWS, size=9, seed=0):
    """`(ids, gradients of the lookups)`, with duplicates."""
    rng = np.random.default_rng(seed)
    return [
        (rng.integers(0, rows, size), rng.normal(size=(size, WIDTH)).astype("float32"))
        for _ in range(steps)
    ]


def step_of(optimizer, variables, jit_compile=None):
    """`optimizer.apply`, in a `tf.function` unless `jit_compile` is `None`."""
    optimizer.build(variables)

    def step(*gradients):
        optimizer.apply(gradients, variables)

    return step if jit_compile is None else tf.function(step, jit_compile=jit_compile)


def apply_all(optimizer, variable, gradients, jit_compile=None):
    """The variable after each step."""
    step, trace = step_of(optimizer, [variable], jit_compile), []
    for gradient in gradients:
        step(gradient)
        trace.append(variable.numpy())
    return np.array(trace)


def lazy_adam(w, steps, rates, l2=0.0, weight_decay=0.0, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """The table after each step, row by row and in float64."""
    w = w.astype("float64")
    m, v, last, trace = np.zeros_like(w), np.zeros_like(w), np.zeros(len(w), int), []
    for t, ((ids, values), rate) in enumerate(zip(steps, rates, strict=True), start=1):
        for row in sorted(set(ids.tolist())):
            k = t - last[row]
            last[row] = t
            g = values[ids == row].astype("float64").sum(axis=0) + 2 * l2 * k * w[row]
            for _ in range(k):
                w[row] -= rate * weight_decay * w[row]
            m[row] = beta_1 * m[row] + (1 - beta_1) * g
            v[row] = beta_2 * v[row] + (1 - beta_2) * g**2
            alpha = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
            w[row] -= alpha * m[row] / (np.sqrt(v[row]) + epsilon)
        trace.append(w.copy())
    return np.array(trace)


def test_one_step_by_hand():
    w = keras.Variable([[1.0], [2.0], [4.0]])
    gradient = tf.IndexedSlices(tf.constant([[0.5], [0.25], [0.5]]), tf.constant([2, 0, 2]), [3, 1])
    optimizer = LazyAdam(0.1)
    optimizer.apply([gradient], [w])
    # The first step of Adam is the learning rate times the sign of the gradient.
    np.testing.assert_allclose(w.numpy(), [[0.9], [2.0], [3.9]], rtol=1e-5)
    momentum, velocity = optimizer.variables[-2:]
    np.testing.assert_allclose(momentum.numpy(), [[0.025], [0], [0.1]], rtol=1e-6)
    np.testing.assert_allclose(velocity.numpy(), [[0.0000625], [0], [0.001]], rtol=1e-4)


@pytest.mark.parametrize("jit_compile", [None, False, True])
@pytest.mark.parametrize(
    "arguments", [{}, {"l2": 0.05}, {"weight_decay": 0.3}, {"l2": 0.05, "weight_decay": 0.3}]
)
def test_against_numpy(arguments, jit_compile):
    rates = np.random.default_rng(5).uniform(0.005, 0.05, 100)
    steps, w = batches(100), new_table()
    expected = lazy_adam(w.numpy(), steps, rates, **arguments)
    optimizer = LazyAdam(0.1, **arguments)
    step = step_of(optimizer, [w], jit_compile)
    for batch, rate, table in zip(steps, rates, expected, strict=True):
        optimizer.learning_rate = rate
        step(sparse(*batch))
        np.testing.assert_allclose(w.numpy(), table, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("jit_compile", [None, False, True])
@pytest.mark.parametrize("arguments", [{}, {"l2": 0.1}, {"weight_decay": 0.1}, {"clipnorm": 0.1}])
def test_other_rows_stay_bit_identical(arguments, jit_compile):
    optimizer, w = LazyAdam(0.1, **arguments), new_table()
    steps = batches(10)
    apply_all(optimizer, w, [sparse(*batch) for batch in steps[:9]], jit_compile)
    of_rows = [v for v in (w, *optimizer.variables) if v.shape[:1] == (ROWS,)]
    assert len(of_rows) == 3 + bool({"l2", "weight_decay"} & set(arguments))
    before = [v.numpy() for v in of_rows]
    apply_all(optimizer, w, [sparse(*steps[9])], jit_compile)
    seen = np.isin(np.arange(ROWS), steps[9][0])
    assert 0 < seen.sum() < ROWS
    for old, v in zip(before, of_rows, strict=True):
        np.testing.assert_array_equal(v.numpy()[~seen], old[~seen], err_msg=v.path)
        assert (v.numpy()[seen] != old[seen]).all(), v.path


@pytest.mark.parametrize("jit_compile", [None, False, True])
@pytest.mark.parametrize(
    "arguments",
    [
        {"learning_rate": 0.1},
        {"learning_rate": SCHEDULE, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
        {"learning_rate": 0.1, "clipnorm": 0.5},
        {"learning_rate": 0.1, "global_clipnorm": 0.5},
        {"learning_rate": 0.1, "clipvalue": 0.2},
        {"learning_rate": 0.1, "loss_scale_factor": 8.0, "clipvalue": 0.2},
        {"learning_rate": SCHEDULE, "weight_decay": 0.2},
    ],
)
def test_with_every_row_in_every_batch_it_is_adam(arguments, jit_compile):
    rng = np.random.default_rng(3)
    steps = [
        (rng.permutation([*range(ROWS), *range(5)]), rng.normal(size=(ROWS + 5, WIDTH)))
        for _ in range(12)
    ]
    steps = [(ids, values.astype("float32")) for ids, values in steps]
    adam = keras.optimizers.Adam(**arguments)
    expected = apply_all(adam, new_table(), [tf.constant(dense(*batch)) for batch in steps])
    gradients = [sparse(*batch) for batch in steps]
    trace = apply_all(LazyAdam(**arguments), new_table(), gradients, jit_compile)
    np.testing.assert_allclose(trace, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"weight_decay": 0.1, "clipnorm": 1.0},
        {"use_ema": True, "ema_overwrite_frequency": 3},
        {"gradient_accumulation_steps": 2},
        {"loss_scale_factor": 4.0},
    ],
)
def test_dense_gradients_give_adam(arguments):
    gradients = [tf.constant(dense(*batch)) for batch in batches()]
    expected = apply_all(keras.optimizers.Adam(SCHEDULE, **arguments), new_table(), gradients)
    lazy = apply_all(LazyAdam(SCHEDULE, l2=0.5, **arguments), new_table(), gradients)
    np.testing.assert_array_equal(lazy, expected)


def test_excluded_variables_do_not_decay():
    gradient = dense(*batches(1)[0])
    for g in (tf.constant(gradient), sparse(range(ROWS), tf.constant(gradient))):
        optimizer, w = LazyAdam(0.1, weight_decay=0.5), new_table()
        optimizer.exclude_from_weight_decay(var_names=["table"])
        plain = apply_all(LazyAdam(0.1), new_table(), [g])
        np.testing.assert_array_equal(apply_all(optimizer, w, [g]), plain)


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm", "clipvalue"])
@pytest.mark.parametrize("jit_compile", [None, False, True])
def test_clipping_is_of_the_summed_gradient(clip, jit_compile):
    """One row three times and another one: norms of the parts and of the sums differ."""
    ids, values = [4, 4, 4, 9], np.array([[3, 0, 0], [-2, 0, 0], [-1, 0.1, 0], [0, 0.3, 0.5]])
    table, bias = new_table(), keras.Variable([1.0, 2.0])
    optimizer = LazyAdam(0.1, **{clip: 0.4})
    step = step_of(optimizer, [table, bias], jit_compile)
    step(sparse(ids, tf.constant(values, "float32")), tf.constant([0.1, -0.5]))
    summed, of_bias = dense(ids, values), np.array([0.1, -0.5])
    if clip == "clipvalue":
        clipped = np.clip(summed, -0.4, 0.4), np.clip(of_bias, -0.4, 0.4)
    elif clip == "clipnorm":
        clipped = [g * min(1, 0.4 / np.linalg.norm(g)) for g in (summed, of_bias)]
    else:
        norm = np.sqrt(np.sum(summed**2) + np.sum(of_bias**2))
        clipped = summed * 0.4 / norm, of_bias * 0.4 / norm
    # After one step the first moment is the gradient.
    for momentum, g in zip(optimizer._momentums, clipped, strict=True):
        np.testing.assert_allclose(momentum.numpy(), 0.1 * g, rtol=1e-5, atol=1e-8)


def test_l2_adds_up_to_the_whole_penalty_for_small_steps():
    """By the first moments with `beta_1` near 1: their sum is that of the gradients."""
    ids = [np.array([t % ROWS]) for t in range(10 * ROWS)]
    zeros = np.zeros((1, WIDTH), "float32")
    optimizer, w = LazyAdam(1e-9, beta_1=0.999999, l2=0.01), new_table()
    start = w.numpy()
    apply_all(optimizer, w, [sparse(i, tf.constant(zeros)) for i in ids], jit_compile=False)
    of_row_0 = 1e-6 * 2 * 0.01 * start[0] * (9 * ROWS + 1)  # last looked up in step 9 * ROWS + 1
    np.testing.assert_allclose(optimizer._momentums[0].numpy()[0], of_row_0, rtol=1e-3)


def test_weight_decay_catches_up_exactly():
    """Half of the rows rest for 40 steps and decay, with a gradient of 0, as AdamW's do."""
    zero = np.zeros((ROWS, WIDTH), "float32")
    adam, lazy = new_table(), new_table()
    arguments = {"learning_rate": 0.01, "weight_decay": 0.1}
    apply_all(keras.optimizers.AdamW(**arguments), adam, [tf.constant(zero)] * 41)
    half = sparse(range(10), tf.zeros((10, WIDTH)))
    apply_all(LazyAdam(**arguments), lazy, [half] * 40 + [sparse(range(ROWS), tf.constant(zero))])
    np.testing.assert_allclose(lazy.numpy(), adam.numpy(), rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [None, False, True])
def test_dense_and_sparse_gradients_by_turns(jit_compile):
    """A dense gradient passes over all rows; what is due for a row stays due."""
    steps, optimizer, w = batches(9), LazyAdam(0.05, l2=0.1, weight_decay=0.1), new_table()
    everything = np.arange(ROWS)
    gradients = [
        tf.constant(dense(*batch)) if i % 3 == 1 else sparse(*batch)
        for i, batch in enumerate(steps)
    ]
    trace = apply_all(optimizer, w, gradients, jit_compile)
    w = new_table().numpy().astype("float64")
    m, v, due = np.zeros_like(w), np.zeros_like(w), np.zeros(ROWS)
    for t, (ids, values) in enumerate(steps, start=1):
        is_dense = t % 3 == 2
        rows = everything if is_dense else np.unique(ids)
        due += not is_dense
        k = (np.ones(ROWS) if is_dense else due)[rows, None]
        g = dense(ids, values)[rows] + (0 if is_dense else 2 * 0.1 * k * w[rows])
        due[rows] *= is_dense
        w[rows] *= (1 - 0.05 * 0.1) ** k
        m[rows] += 0.1 * (g - m[rows])
        v[rows] += 0.001 * (g**2 - v[rows])
        alpha = 0.05 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        w[rows] -= alpha * m[rows] / (np.sqrt(v[rows]) + 1e-7)
        np.testing.assert_allclose(trace[t - 1], w, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("jit_compile", [None, False, True])
@pytest.mark.parametrize("arguments", [{}, {"l2": 0.1, "weight_decay": 0.1}, {"clipnorm": 0.1}])
def test_a_batch_without_rows(arguments, jit_compile):
    w = new_table()
    start = w.numpy()
    nothing = sparse(tf.zeros([0], "int64"), tf.zeros((0, WIDTH)))
    optimizer = LazyAdam(0.1, **arguments)
    np.testing.assert_array_equal(apply_all(optimizer, w, [nothing], jit_compile)[0], start)
    assert int(optimizer.iterations) == 1


@pytest.mark.parametrize("jit_compile", [None, False, True])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_tables_of_other_dtypes(dtype, jit_compile):
    """With constants that bfloat16 has: 0.999 would be 1 in it, in Keras's Adam as well."""
    arguments = {"beta_1": 0.875, "beta_2": 0.9375, "epsilon": 1e-3, "l2": 0.01}
    steps, arguments = batches(20), {**arguments, "weight_decay": 0.1}
    w = new_table(dtype=dtype)
    expected = lazy_adam(new_table().numpy(), steps, [0.05] * 20, **arguments)[-1]
    gradients = [sparse(ids, tf.cast(values, dtype)) for ids, values in steps]
    apply_all(LazyAdam(0.05, **arguments), w, gradients, jit_compile)
    assert w.dtype == dtype
    precision = {"bfloat16": 0.2, "float16": 0.05, "float64": 1e-5}[dtype]
    np.testing.assert_allclose(w.numpy().astype("float64"), expected, atol=precision)


def apply_and_get(optimizer):
    optimizer.apply([sparse(*batches(1)[0])], [new_table()])
    return optimizer


def test_slots_are_made_only_where_they_are_needed():
    names = {
        slot: [v.path for v in apply_and_get(LazyAdam(0.1, **arguments)).variables]
        for slot, arguments in {"": {}, "l2": {"l2": 1e-3}, "wd": {"weight_decay": 0.1}}.items()
    }
    assert not any("last_step" in name for name in names[""])
    for slot in ("l2", "wd"):
        assert sum("last_step" in name for name in names[slot]) == 1
