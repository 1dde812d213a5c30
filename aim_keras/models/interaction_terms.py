"""The part that all factorization models share: features to embeddings to interactions."""

from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from aim_keras.architecture import Architecture
from aim_keras.layers import DimensionGate, FunctionWiseEmbedding, GatedInteraction

SEARCHES = ("interactions", "dimensions", None)


class InteractionTerms(NamedTuple):
    """What `interaction_terms` gives: Keras tensors, and the architecture they follow."""

    values: keras.KerasTensor  # (batch, units)
    products: keras.KerasTensor  # (batch, widths), what each value sums
    embeddings: keras.KerasTensor  # (batch, kept dimensions of all functions and fields)
    architecture: Architecture


def field_ids(vocabulary_sizes):
    """The input of a model: an id for each field, `(batch, fields)`.

    Raises:
        ValueError: if `vocabulary_sizes` is not a mapping from field name to a size of at least 1.
    """
    if not isinstance(vocabulary_sizes, Mapping) or not vocabulary_sizes:
        raise ValueError(
            "vocabulary_sizes must map each field's name to its number of ids. "
            f"Received: vocabulary_sizes={vocabulary_sizes!r}"
        )
    for field, size in vocabulary_sizes.items():
        if size < 1:
            raise ValueError(f"A vocabulary size must be at least 1. Received: {field}={size}")
    return keras.Input((len(vocabulary_sizes),), dtype="int32", name="features")


def interaction_terms(
    features,
    vocabulary_sizes,
    architecture=None,
    search=None,
    *,
    embedding_dim=10,
    functions=("inner",),
    gated=None,
    shared_embedding=False,
    per_function_gates=False,
    read_embeddings=True,
    embedding_initializer=None,
    embedding_regularizer=None,
    epsilon=1e-5,
    momentum=0.9,
) -> InteractionTerms:
    """The interactions of an architecture, order by order, each order with its own embeddings.

    Args:
        features: Keras tensor `(batch, fields)` of ids.
        vocabulary_sizes: `{field: number of ids}`, in the order of the features.
        architecture: `Architecture` whose interactions and dimensions are built, or `None` for
            every interaction of two fields with each of `functions`.
        search: `"interactions"` for gates on the interactions (alpha), `"dimensions"` for gates
            on the embedding dimensions (beta), `None` for no search.
        embedding_dim: The embedding dimension where `architecture` is `None`.
        functions: The interaction functions where `architecture` is `None`.
        gated: Without a search, whether the interactions keep their batch norm and alpha, as
            ordinary weights (the published code's re-training), or are plain. `None`: they keep
            them where an architecture is given.
        shared_embedding: Whether all functions of an order share one embedding.
        per_function_gates: Whether `search="dimensions"` has gates for each function and field
            (the published code) or for each field (the paper).
        read_embeddings: Whether anything but the interactions reads the embeddings. Otherwise
            embeddings that no interaction reads are not stored.
        embedding_initializer, embedding_regularizer: of the embedding tables.
        epsilon, momentum: of the batch norm in front of the gates.

    Raises:
        ValueError: on an unknown `search`, or an architecture with other fields.
    """
    if search not in SEARCHES:
        raise ValueError(f"search must be one of {SEARCHES}. Received: search={search!r}")
    fields = tuple(vocabulary_sizes)
    if gated is None:
        gated = architecture is not None
    if architecture is None:
        architecture = Architecture.full(fields, functions, embedding_dim)
    architecture = as_architecture(architecture)
    if architecture.fields != fields:
        raise ValueError(
            "The architecture must have the fields of vocabulary_sizes, in their order. "
            f"Received: {architecture.fields} for the fields {fields}"
        )
    gated = search == "interactions" or (search is None and gated)
    norm = {"epsilon": epsilon, "momentum": momentum}
    values, products, embeddings = [], [], []
    for order in architecture.orders or (2,):
        interactions = architecture.of_order(order)
        kept = list(interactions) or list(architecture.functions[:1])
        dimensions = _stored_dimensions(
            architecture, order, kept, shared_embedding, read_embeddings
        )
        e = FunctionWiseEmbedding(
            vocabulary_sizes.values(),
            architecture.embedding_dim,
            num_functions=1 if shared_embedding else len(kept),
            dimensions=dimensions,
            initializer=embedding_initializer,
            regularizer=embedding_regularizer,
            name=f"embedding_{order}",
        )(features)  # (batch, functions, fields, dim)
        if search == "dimensions":
            e = DimensionGate(
                kept,
                order,
                fields,
                per_function=per_function_gates,
                **norm,
                name=f"dimension_gate_{order}",
            )(e)
        interaction = GatedInteraction(
            kept,
            interactions,
            order,
            fields,
            gated=gated,
            return_products=True,
            **norm,
            name=f"interaction_{order}",
        )
        value, product = interaction(e)
        values.append(value)
        products.append(product)
        embeddings.append(_without_pruned(keras.layers.Flatten()(e), dimensions, e.shape[-1]))
    return InteractionTerms(
        ops.concatenate(values, axis=1),
        ops.concatenate(products, axis=1),
        ops.concatenate(embeddings, axis=1),
        architecture,
    )


def as_architecture(architecture):
    """An `Architecture` from itself or from its serialised form."""
    if isinstance(architecture, Mapping):
        return Architecture.from_dict(architecture)
    return architecture


def _without_pruned(flat, dimensions, embedding_dim):
    """The columns of flattened embeddings that are stored, not those that are always zero."""
    if dimensions is None:
        return flat
    stored = [kept for of_field in dimensions for kept in of_field]
    columns = [i * embedding_dim + j for i, kept in enumerate(stored) for j in kept]
    return ops.take(flat, np.array(columns, dtype="int32"), axis=1)


def _stored_dimensions(architecture, order, functions, shared, everything):
    """Kept positions `[embedding][field]` of the tables, `None` where they are all of them."""
    interactions = architecture.of_order(order)
    stored = []
    for function in functions:
        read = {field for q in interactions.get(function, ()) for field in q}
        kept = architecture.kept_dimensions(order, function)
        stored.append([kept[f] if everything or f in read else () for f in architecture.fields])
    if shared:
        stored = [[tuple(sorted(set().union(*of_field))) for of_field in zip(*stored, strict=True)]]
    full = tuple(range(architecture.embedding_dim))
    return None if all(row == [full] * len(row) for row in stored) else stored
