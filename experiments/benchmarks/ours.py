"""Our models, as they are measured: what is chosen for speed is chosen here and nowhere else."""

import contextlib
import itertools

import keras
import numpy as np

from aim_keras import Architecture, models, optimizers
from experiments.benchmarks.reference import numbered

FUNCTIONS = ("inner", "outer", "vector_kernel", "scalar_kernel")
JIT_COMPILE = False  # XLA finds the distinct rows of a batch more slowly


def weights_optimizer():
    """The optimizer of all weights but the gates: the row-wise Adam, where there is one."""
    return getattr(optimizers, "LazyAdam", keras.optimizers.Adam)(1e-3)


def gates_optimizer():
    return optimizers.GRDA(0.1, c=0.005, mu=0.6)


def compiled(model, searching=False):
    """The model, compiled for training or for a search."""
    optimizer = weights_optimizer()
    if searching:
        optimizer = optimizers.with_gates(weights=optimizer, gates=gates_optimizer())
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=JIT_COMPILE)
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


def aim_search(shape):
    """AIM's search of interactions: all pairs, four functions, an embedding for each."""
    return fm(shape, search="interactions", functions=FUNCTIONS)


def aim_retrained(shape, share):
    """AIM's re-trained model: the MLP reads the products of the kept pairs."""
    architecture = random_architecture(shape, share)
    return deepfm(shape, architecture=architecture, mlp_inputs=("products",))


def aim_fm_only(shape, share):
    """The re-trained model without the MLP."""
    return fm(shape, architecture=random_architecture(shape, share))


def random_architecture(shape, share, seed=0):
    """A share of the pairs, each with one function, both drawn at random."""
    rng = np.random.default_rng(seed)
    fields = list(shape.vocabulary_sizes)
    pairs = list(itertools.combinations(fields, 2))
    kept = rng.choice(len(pairs), max(1, round(share * len(pairs))), replace=False)
    interactions = {name: [] for name in FUNCTIONS}
    for pair in sorted(kept):
        interactions[FUNCTIONS[rng.integers(len(FUNCTIONS))]].append(pairs[pair])
    return Architecture(fields, FUNCTIONS, shape.embedding_dim, interactions)


def set_weights(model, weights):
    """Gives an FM or a DeepFM the weights of `reference.random_weights`."""
    embedding = model.get_layer("embedding_2")
    embedding.set_embeddings([numbered(weights, "table")])
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
