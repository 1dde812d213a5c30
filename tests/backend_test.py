import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras import backend
from aim_keras.backend import add_all, gather_rows
from aim_keras.fields import Field
from aim_keras.layers import FunctionWiseEmbedding, Linear
from aim_keras.models import FM
from aim_keras.optimizers import LazyAdam

KINDS = [7, Field(6, 3, combiner="mean"), Field(1, weighted=True), Field(4, 2, True, "sqrtn"), 5]
RNG = np.random.default_rng(0)
IDS = np.column_stack(
    [
        RNG.integers(lowest, size, 8)
        for lowest, size in zip(
            [0, *[-1] * 3, 0, -1, -1, 0], [7, *[6] * 3, 1, 4, 4, 5], strict=True
        )
    ]
).astype("int32")
WEIGHTS = RNG.uniform(0.5, 2, (8, 3)).astype("float32")
KEPT = [[[0, 2], [1], [], [0, 3], [1, 2]], [[3], [0, 1, 2], [1], [], [0]]]
LAYERS = {
    "full": lambda: FunctionWiseEmbedding(KINDS, 4, 2),
    "compact": lambda: FunctionWiseEmbedding(KINDS, 4, 2, KEPT),
    "linear": lambda: Linear(KINDS, initializer="normal"),
}


def table(rows=6):
    return keras.Variable(RNG.normal(size=(rows, 3)).astype("float32"), autocast=False)


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS.keys())
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_both_ways_are_equal(make, policy, jit_compile, monkeypatch):
    keras.config.set_dtype_policy(policy)
    layer = make()
    layer([IDS, WEIGHTS])
    variables = [variable.value for variable in layer.trainable_variables]

    def run():
        with tf.GradientTape() as tape:
            outputs = layer([IDS, WEIGHTS])
            loss = tf.reduce_sum(tf.sin(tf.cast(outputs, "float32") * 9))
        gradients = tape.gradient(loss, variables)
        assert sum(isinstance(g, tf.IndexedSlices) for g in gradients) > 0
        return [outputs, *(tf.convert_to_tensor(g) for g in gradients)]

    fast = tf.function(run, jit_compile=jit_compile)()
    monkeypatch.setattr(backend, "USES_TENSORFLOW", False)
    plain = tf.function(run, jit_compile=jit_compile)()
    assert fast[0].dtype == layer.compute_dtype
    for a, b in zip(fast, plain, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_both_sums_are_equal(number, monkeypatch):
    tensors = list(tf.constant(RNG.normal(size=(number, 3, 4)), "float32"))
    fast = add_all(tensors)
    monkeypatch.setattr(backend, "USES_TENSORFLOW", False)
    np.testing.assert_allclose(fast, add_all(tensors), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(fast, np.sum(tensors, axis=0), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("gathers", [True, False])
def test_the_switch(gathers, monkeypatch):
    monkeypatch.setattr(backend, "USES_TENSORFLOW", gathers)
    rows = table()
    graph = tf.function(lambda ids: gather_rows(rows, ids)).get_concrete_function([1, 2]).graph
    kinds = {operation.type for operation in graph.get_operations()}
    assert ("ResourceGather" in kinds) == gathers
    assert ("ReadVariableOp" in kinds) == (not gathers)


def test_shapes_and_symbolic_calls():
    rows = table()
    for shape in [(), (4,), (2, 0), (4, 2, 5)]:
        ids = RNG.integers(0, 6, shape)
        np.testing.assert_array_equal(gather_rows(rows, ids), rows.numpy()[ids])
    symbolic = gather_rows(rows, keras.KerasTensor((None, 2), "int32"))
    assert symbolic.shape == (None, 2, 3)


def test_stateless_scope_reads_its_own_table():
    layer = FunctionWiseEmbedding([6, 5], 2)
    layer.build((None, 2))
    ids = np.array([[1, 2], [5, 0]])
    other = RNG.normal(size=(11, 2)).astype("float32")
    outputs, _ = layer.stateless_call([other], [], ids)
    np.testing.assert_array_equal(outputs[:, 0], other[np.add(ids, [0, 6])])
    assert (layer(ids).numpy() != outputs.numpy()).all()


@pytest.mark.parametrize("jit_compile", [False, True])
def test_training_is_equal_with_every_row_once_in_every_batch(jit_compile, monkeypatch):
    ids = np.stack([np.arange(6), RNG.permutation(6)], axis=1)
    labels = np.array([[0], [1]] * 3)

    def trained():
        keras.utils.set_random_seed(0)
        model = FM({"a": 6, "b": 6}, embedding_dim=2)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(LazyAdam(0.1), loss, jit_compile=jit_compile)
        model.fit(ids, labels, epochs=5, verbose=0)
        return model.get_weights()

    fast = trained()
    monkeypatch.setattr(backend, "USES_TENSORFLOW", False)
    for a, b in zip(fast, trained(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
