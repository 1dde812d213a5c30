"""Layers of interactions with random weights, and embeddings for them."""

import itertools

import numpy as np

from aim_keras.layers import GatedInteraction
from aim_keras.layers.interaction_functions import BUILT_IN

BATCH, FIELDS, DIM = 5, 5, 3
FUNCTIONS = tuple(function.name for function in BUILT_IN)
NAMES = ("a", "b", "c", "d", "e")
EPSILON = 1e-3


def candidates(order, kind):
    everything = list(itertools.combinations(NAMES, order))
    return {
        "full": None,
        "one_list": [everything[1], everything[-1][::-1]],
        "sparse": {
            "inner": everything[:2],
            "outer": everything[-3:],
            "matrix_kernel": [everything[0]],
        },
    }[kind]


def built(order, kind="full", functions=FUNCTIONS, slices=None, **options):
    slices = len(functions) if slices is None else slices
    rng = np.random.default_rng(order)
    embeddings = rng.normal(size=(BATCH, slices, FIELDS, DIM)).astype("float32")
    layer = GatedInteraction(
        functions, candidates(order, kind), order, NAMES, epsilon=EPSILON, momentum=0.8, **options
    )
    layer.build(embeddings.shape)
    layer.set_weights([rng.uniform(0.2, 1.5, w.shape) for w in layer.weights])
    return layer, embeddings
