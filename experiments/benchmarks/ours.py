"""Our models, as they are measured: what is chosen for speed is chosen here and nowhere else."""

import contextlib
import itertools

import keras
import numpy as np

from aim_keras import Architecture, models, optimizers
from experiments.benchmarks.reference import numbered

FUNCTIONS = ("inner", "outer", "vector_kernel", "scalar_kernel")
JIT_COMPILE = False  # XLA finds the distinct rows of a batch more slowly
STEPS_PER_EXECUTION = 10  # of every Keras side
KEPT_DIMENSIONS = 1 / 3  # after a search of dimensions (AIM, Table 5)


def weights_optimizer():
    """The optimizer of all weights but the gates."""
    return optimizers.LazyAdam(1e-3)


def gates_optimizer():
    return optimizers.GRDA(0.1, c=0.005, mu=0.6)


def compiled(model, searching=False, steps_per_execution=STEPS_PER_EXECUTION):
    """The model, compiled for training or for a search."""
    optimizer = weights_optimizer()
    if searching:
        optimizer = optimizers.with_gates(weights=optimizer, gates=gates_optimizer())
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=JIT_COMPILE, steps_per_execution=steps_per_execution)
    # Moments that are made while a step is traced may be copied as a whole by the first one.
    optimizer.build(model.trainable_variables)
    return model


def fm(shape, **options):
    return models.FM(shape.vocabulary_sizes, embedding_dim=shape.embedding_dim, **options)


def deepfm(shape, **options):
    return models.DeepFM(
        shape.vocabulary_sizes,
        embedding_dim=shape.embedding_dim,
        hidden_units=shape.hidden_units,
        **options,
    )


def ipnn(shape):
    return models.IPNN(
        shape.vocabulary_sizes,
        embedding_dim=shape.embedding_dim,
        hidden_units=shape.hidden_units,
    )


def aim_search(shape, order=2):
    """AIM's search of all interactions of an order: four functions, an embedding for each."""
    full = Architecture.full(shape.vocabulary_sizes, FUNCTIONS, shape.embedding_dim, order)
    return fm(shape, architecture=full, search="interactions")


def aim_dimensions(shape, share):
    """AIM's search of embedding dimensions, over a share of the pairs."""
    architecture = random_architecture(shape, share)
    return fm(shape, architecture=architecture, search="dimensions", per_function_gates=True)


def aim_retrained(shape, share, kept_dimensions=KEPT_DIMENSIONS):
    """AIM's re-trained model: the MLP reads the products of the kept pairs."""
    architecture = random_architecture(shape, share, kept_dimensions)
    return deepfm(shape, architecture=architecture, mlp_inputs=("products",))


def aim_fm_only(shape, share, kept_dimensions=KEPT_DIMENSIONS):
    """The re-trained model without the MLP."""
    return fm(shape, architecture=random_architecture(shape, share, kept_dimensions))


def random_architecture(shape, share, kept_dimensions=1):
    """A share of the pairs, each with one function, both drawn at random.

    For each function a field keeps its first dimensions, on average the share `kept_dimensions`,
    so that two fields have as many in common as they can.
    """
    rng = np.random.default_rng(0)
    fields = list(shape.vocabulary_sizes)
    pairs = list(itertools.combinations(fields, 2))
    kept = rng.choice(len(pairs), max(1, round(share * len(pairs))), replace=False)
    interactions = {name: [] for name in FUNCTIONS}
    for pair in sorted(kept):
        interactions[FUNCTIONS[rng.integers(len(FUNCTIONS))]].append(pairs[pair])
    dim, dimensions = shape.embedding_dim, None
    if kept_dimensions < 1:
        numbers = np.maximum(1, rng.binomial(dim, kept_dimensions, (len(FUNCTIONS), len(fields))))
        dimensions = {
            2: {
                function: {f: range(n) for f, n in zip(fields, of_function.tolist(), strict=True)}
                for function, of_function in zip(FUNCTIONS, numbers, strict=True)
            }
        }
    return Architecture(fields, FUNCTIONS, dim, interactions, dimensions)


def set_weights(model, weights):
    """Gives an FM, a DeepFM or an IPNN the weights of `reference.random_weights`."""
    embedding = model.get_layer("embedding_2")
    embedding.set_embeddings([numbered(weights, "table")])
    if embedding.linear:
        embedding.set_linear(numbered(weights, "linear"))
        embedding.bias.assign(weights["bias"])
    if dense := numbered(weights, "dense"):
        tower = [x for x in model.get_layer("mlp").tower if isinstance(x, keras.layers.Dense)]
        for layer, *values in zip(tower, dense, numbered(weights, "dense_bias"), strict=True):
            layer.set_weights(values)


@contextlib.contextmanager
def policy(name):
    """Models built within have this dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
