"""`LazyAdam` in the training of models: what a step passes over, XLA, gates, saving, precision."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from aim_keras import backend
from aim_keras.layers import FunctionWiseEmbedding
from aim_keras.models import DeepFM
from aim_keras.optimizers import GRDA, LazyAdam, with_gates
from aim_keras.optimizers.lazy_adam import _distinct

WHOLE_TABLE = (1013, 1019)  # Primes, so that no other dimension of a step is one of them.
BINARY = keras.losses.BinaryCrossentropy(from_logits=True)
SCHEDULE = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=3, decay_rate=0.8)


def assert_same_state(a, b):
    for of_a, of_b in ((a.variables, b.variables), (a.optimizer.variables, b.optimizer.variables)):
        for v, w in zip(of_a, of_b, strict=True):
            np.testing.assert_array_equal(v.numpy(), w.numpy(), err_msg=v.path)


def two_tables(optimizer, jit_compile=False, rows=(23, 29), lookup=None):
    """A table of width 4 and one of width 1, both with duplicates in a batch."""
    keras.utils.set_random_seed(0)
    ids = keras.Input((2,), dtype="int32")
    lookup = lookup or (lambda n, width: FunctionWiseEmbedding([n, 5], width, initializer="normal"))
    x = keras.layers.Concatenate()(
        [keras.layers.Flatten()(lookup(n, w)(ids)) for n, w in zip(rows, (4, 1), strict=True)]
    )
    model = keras.Model(ids, keras.layers.Dense(1, dtype="float32")(x))
    model.compile(optimizer, BINARY, jit_compile=jit_compile)
    return model


def clicks(rows=256):
    rng = np.random.default_rng(0)
    ids = np.stack([rng.integers(0, 23, rows), rng.integers(0, 5, rows)], axis=1)
    return ids, (ids[:, :1] % 3 == 0).astype("float32")


def fit(model, start=0, stop=256):
    x, y = clicks()
    model.fit(x[start:stop], y[start:stop], batch_size=16, shuffle=False, verbose=0)
    return model


def train_step(model, jit_compile=False):
    """A whole training step and what it takes."""
    x, y = clicks(16)
    model.optimizer.build(model.trainable_variables)
    step = tf.function(lambda x, y: model.train_step((x, y)), jit_compile=jit_compile)
    return step, (tf.constant(x), tf.constant(y))


def graph_of(model):
    step, batch = train_step(model)
    return step.get_concrete_function(*batch).graph


def whole_table_operations(graph, sizes=WHOLE_TABLE):
    """Operations that take or give a tensor with a dimension of a table's rows, or that read or
    write a variable of that many rows in any other way than row by row."""
    tables = [v.handle for v in graph.variables if set(sizes) & set(v.shape)]
    handles = {inner.name for outer, inner in graph.captures if any(outer is h for h in tables)}
    assert handles
    found = []
    for operation in graph.get_operations():
        tensors = (*operation.inputs, *operation.outputs)
        if any(
            set(sizes) & set(tensor.shape.as_list() if tensor.shape.rank else [])
            for tensor in tensors
        ):
            found.append(operation.type)
        elif any(tensor.name in handles for tensor in operation.inputs):
            by_row = ("ResourceGather", "ResourceScatterUpdate", "VariableShape")
            found += [] if operation.type in by_row else [operation.type]
    return found


def count(graph, kind):
    return sum(operation.type == kind for operation in graph.get_operations())


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_distinct_rows_with_and_without_xla(dtype):
    ids, values = tf.constant([5, 2, 5, 22, 2, 2], dtype), tf.reshape(tf.range(12.0), (6, 2))

    def function(ids, values):
        gradient = _distinct(tf.IndexedSlices(values, ids))
        return gradient.indices, gradient.values

    plain = tf.function(function).get_concrete_function(ids, values)
    rows, sums = (tensor.numpy() for tensor in plain(ids, values))
    assert rows.tolist() == [5, 2, 22]
    np.testing.assert_array_equal(sums, [[4, 6], [20, 23], [6, 7]])
    assert count(plain.graph, "Unique") == 1
    with_xla = tf.function(function, jit_compile=True)
    assert count(with_xla.get_concrete_function(ids, values).graph, "Unique") == 0
    rows, sums = (tensor.numpy() for tensor in with_xla(ids, values))
    assert rows.tolist() == [2, 5, 22] + [np.iinfo(dtype).max] * 3
    np.testing.assert_array_equal(sums, [[20, 23], [4, 6], [6, 7], [0, 0], [0, 0], [0, 0]])


@pytest.mark.parametrize("width", [1, 2, 31, 32, 63, 124, 125])
def test_sums_of_rows_of_any_width(width):
    rng = np.random.default_rng(width)
    ids, values = rng.integers(0, 9, 50), rng.normal(size=(50, width)).astype("float32")
    distinct = _distinct(tf.IndexedSlices(values, tf.constant(ids, "int32")))
    for row, total in zip(distinct.indices.numpy(), distinct.values.numpy(), strict=True):
        np.testing.assert_allclose(total, values[ids == row].sum(axis=0), rtol=1e-4, atol=1e-5)
    assert sorted(distinct.indices.numpy()) == sorted(set(ids))


@pytest.mark.parametrize(
    "arguments",
    [{}, {"l2": 1e-4, "weight_decay": 0.1}, {"global_clipnorm": 1.0}, {"loss_scale_factor": 2.0}],
)
def test_a_step_passes_over_no_table(arguments):
    model = two_tables(LazyAdam(0.1, **arguments), rows=[n - 5 for n in WHOLE_TABLE])
    graph = graph_of(model)
    assert whole_table_operations(graph) == []
    # A gradient made dense would be one sum more.
    clips = "global_clipnorm" in arguments
    sums = count(graph, "UnsortedSegmentSum") + count(graph, "SparseTensorDenseMatMul")
    assert sums == 2 * (1 + clips)
    assert count(graph, "ResourceScatterUpdate") == 2 * (3 + ("l2" in arguments))
    assert count(graph, "ResourceGather") == 2 + 2 * (3 + ("l2" in arguments))


@pytest.mark.parametrize("arguments", [{}, {"l2": 1e-4}, {"weight_decay": 0.1, "clipnorm": 1.0}])
def test_xla_copies_no_table(arguments):
    model = two_tables(LazyAdam(0.1, **arguments), rows=[n - 5 for n in WHOLE_TABLE])
    step, batch = train_step(model, jit_compile=True)
    program = step.experimental_get_compiler_ir(*batch)(stage="optimized_hlo")
    rows = "|".join(map(str, WHOLE_TABLE))
    kinds = re.findall(rf"= \w+\[(?:{rows})\b\S* ([a-z-]+)\(", program)
    assert kinds.count("scatter") == 2 * (3 + bool(arguments))
    assert "copy" not in kinds


def test_the_check_of_a_step_finds_adam_and_take(monkeypatch):
    rows = [n - 5 for n in WHOLE_TABLE]
    adam = set(whole_table_operations(graph_of(two_tables(keras.optimizers.Adam(), rows=rows))))
    assert "AssignSubVariableOp" in adam
    monkeypatch.setattr(backend, "USES_TENSORFLOW", False)
    plain = set(whole_table_operations(graph_of(two_tables(LazyAdam(), rows=rows))))
    assert plain - adam == {"GatherV2"}
    assert adam <= plain


@pytest.mark.parametrize("arguments", [{}, {"l2": 1e-3, "weight_decay": 0.1, "clipnorm": 0.1}])
def test_jit_compile_gives_the_same(arguments):
    models = [fit(two_tables(LazyAdam(SCHEDULE, **arguments), jit)) for jit in (False, True)]
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_keras_embedding(jit_compile):
    def embedding(rows, width):
        layer = keras.layers.Embedding(rows + 5, width, embeddings_initializer="normal")
        return keras.Sequential([keras.layers.Lambda(lambda ids: ops.add(ids, [0, rows])), layer])

    ours = two_tables(LazyAdam(0.1), jit_compile)
    theirs = two_tables(LazyAdam(0.1), jit_compile, lookup=embedding)
    theirs.set_weights(ours.get_weights())
    fit(ours), fit(theirs)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_with_gates(jit_compile, tmp_path):
    def gated(jit_compile=jit_compile):
        keras.utils.set_random_seed(0)
        model = DeepFM({"a": 23, "b": 5}, None, "interactions", (4,), embedding_dim=2)
        weights = LazyAdam(0.01, l2=1e-4, clipnorm=1.0)
        optimizer = with_gates(weights=weights, gates=GRDA(0.1, c=0.01, mu=0.6))
        model.compile(optimizer, BINARY, jit_compile=jit_compile)
        return model

    straight, first = fit(gated()), fit(gated(), stop=128)
    first.save(tmp_path / "model.keras")
    resumed = keras.models.load_model(tmp_path / "model.keras")
    assert_same_state(resumed, first)
    assert_same_state(fit(resumed, start=128), straight)
    if jit_compile:
        for a, b in zip(straight.get_weights(), fit(gated(False)).get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_saved_in_the_middle_it_resumes_bit_identically(jit_compile, tmp_path):
    arguments = {"l2": 1e-3, "weight_decay": 0.01, "clipnorm": 1.0, "beta_1": 0.8, "epsilon": 1e-6}
    straight = fit(two_tables(LazyAdam(SCHEDULE, **arguments), jit_compile))
    first = fit(two_tables(LazyAdam(SCHEDULE, **arguments), jit_compile), stop=128)
    first.save(tmp_path / "model.keras")
    resumed = keras.models.load_model(tmp_path / "model.keras")
    assert type(resumed.optimizer) is LazyAdam
    assert resumed.optimizer.get_config() == first.optimizer.get_config()
    assert_same_state(resumed, first)
    assert_same_state(fit(resumed, start=128), straight)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_float32_tables(policy, jit_compile):
    full = fit(two_tables(LazyAdam(0.05, l2=1e-4), jit_compile))
    keras.config.set_dtype_policy(policy)
    mixed = fit(two_tables(LazyAdam(0.05, l2=1e-4), jit_compile))
    wrapped = isinstance(mixed.optimizer, keras.optimizers.LossScaleOptimizer)
    assert wrapped == (policy == "mixed_float16")
    for a, b in zip(mixed.get_weights(), full.get_weights(), strict=True):
        assert a.dtype == "float32"
        np.testing.assert_allclose(a, b, atol=0.05)
