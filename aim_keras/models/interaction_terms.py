"""The part that all factorization models share: features to embeddings to interactions."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypedDict

import keras
import numpy as np
from keras import ops

from aim_keras.architecture import Architecture
from aim_keras.layers import (
    DimensionGate,
    FunctionWiseEmbedding,
    GatedInteraction,
    ParamFreeBatchNorm,
    SoftDimension,
)
from aim_keras.layers.interaction_functions import interaction_function
from aim_keras.models.inputs import check_fields

SEARCHES = ("interactions", "dimensions", None)


class InteractionTerms(NamedTuple):
    """What `interaction_terms` gives: Keras tensors, and the architecture they follow."""

    total: keras.KerasTensor  # (batch, 1), the sum of all interactions' values
    values: keras.KerasTensor | None  # (batch, units)
    products: keras.KerasTensor | None  # (batch, widths), what each value sums, without zeros
    normalized_products: keras.KerasTensor | None  # (batch, widths)
    linear: keras.KerasTensor | None  # (batch, 1), <w, x> + b
    embeddings: keras.KerasTensor | None  # (batch, kept dimensions of all functions and fields)
    architecture: Architecture


class InteractionOptions(TypedDict, total=False):
    """What a model hands on to `interaction_terms`, by the types of its arguments."""

    embedding_dim: int
    functions: Sequence[str]
    gated: bool | None
    shared_embedding: bool
    share_orders: bool
    per_function_gates: bool
    candidate_dimensions: Sequence[int] | None
    temperature_decay: float
    embedding_initializer: keras.initializers.Initializer | str | None
    epsilon: float
    momentum: float


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
    share_orders=False,
    per_function_gates=False,
    candidate_dimensions=None,
    temperature_decay=5e-5,
    linear=True,
    read_embeddings=True,
    read_products=False,
    read_normalized_products=False,
    read_values=True,
    embedding_initializer=None,
    embedding_regularizer=None,
    epsilon=1e-5,
    momentum=0.9,
) -> InteractionTerms:
    """The interactions of an architecture, order by order.

    Args:
        features: What `field_inputs` gives.
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        architecture: `Architecture`, or the path of its file, whose interactions and dimensions
            are built; `None` for every interaction of two fields with each of `functions`.
        search: `"interactions"` for gates on the interactions of the highest order (alpha; those
            of lower orders keep theirs as ordinary weights), `"dimensions"` for gates on the
            embedding dimensions (beta), `None` for no search.
        embedding_dim: The embedding dimension where `architecture` is `None`.
        functions: The interaction functions where `architecture` is `None`.
        gated: Without a search, whether the interactions keep their batch norm and alpha, as
            ordinary weights (the published code's re-training), or are plain. `None`: they keep
            them where an architecture is given.
        shared_embedding: Whether all functions of an order share one embedding.
        share_orders: Whether all orders share their embeddings.
        per_function_gates: Whether `search="dimensions"` has gates for each function and field
            (the published code) or for each field (the paper).
        candidate_dimensions: What `search="dimensions"` chooses from: `None` for any dimensions of
            a field, by a `DimensionGate` (EDS), or increasing integers up to the embedding
            dimension for its first ones, as many as one of these, by a `SoftDimension` (AutoDim).
        temperature_decay: of the `SoftDimension`.
        linear: Whether there is a linear term. Its weights lie beside the embeddings of the first
            orders.
        read_embeddings: Whether anything but the interactions reads the embeddings. Otherwise
            embeddings that no interaction reads are not stored.
        read_products: Whether the products are wanted; values without them are faster.
        read_normalized_products: Whether they are wanted through a `ParamFreeBatchNorm`.
        read_values: Whether the values are wanted one by one; their sum alone is faster.
        embedding_initializer: of the embedding tables.
        embedding_regularizer: of the embedding tables and of the linear weights.
        epsilon: of the batch norms of order 2, in front of the gates and of the products, and of
            that in front of the dimensions' gates. Those of order p have epsilon^(p/2): a product
            of p embeddings of variance v has a variance near v^p.
        momentum: of the batch norms.

    Raises:
        ValueError: on an unknown `search`, or an architecture with other fields.
    """
    if search not in SEARCHES:
        raise ValueError(f"search must be one of {SEARCHES}. Received: search={search!r}")
    fields = tuple(vocabulary_sizes)
    # Sums of many products lose too much in bfloat16: a mixed policy is for the MLP's matrices.
    dtype = keras.config.dtype_policy().variable_dtype
    if gated is None:
        gated = architecture is not None
    if architecture is None:
        architecture = Architecture.full(fields, functions, embedding_dim)
    architecture = Architecture.of(architecture)
    check_fields("architecture", architecture.fields, vocabulary_sizes)
    gated = search == "interactions" or (search is None and gated)
    dimension_gate: Callable = DimensionGate
    if candidate_dimensions is not None:
        dimension_gate = functools.partial(SoftDimension, candidate_dimensions, temperature_decay)
    highest = max(architecture.orders, default=2)
    return_products = read_products or read_normalized_products
    stored = architecture.embeddings(shared_embedding, share_orders, read_embeddings)
    outputs, products, normalized, embeddings, linear_term = [], [], [], [], None
    for orders, tables in stored.items():
        of_tables = [function for shared in tables for function in shared]
        dimensions = [list(of_field.values()) for of_field in tables.values()]
        name = "_".join(map(str, orders))
        full = _is_full(dimensions, architecture.embedding_dim)
        compact = not full and search != "dimensions"
        embedding = FunctionWiseEmbedding(
            vocabulary_sizes,
            architecture.embedding_dim,
            num_functions=len(tables),
            dimensions=None if full else dimensions,
            linear=linear and linear_term is None,
            initializer=embedding_initializer,
            regularizer=embedding_regularizer,
            compact=compact,
            dtype=dtype,
            name=f"embedding_{name}",
        )
        e = embedding(features)  # (batch, functions, fields, dim), or (batch, kept dimensions)
        if isinstance(e, tuple):
            e, linear_term = e
        if search == "dimensions":
            e = dimension_gate(
                functions=of_tables,
                orders=orders,
                fields=fields,
                per_function=per_function_gates,
                epsilon=epsilon,
                momentum=momentum,
                dtype=dtype,
                name=f"dimension_gate_{name}",
            )(e)
        if read_embeddings:
            embeddings.append(_flat(e, embedding, dimensions, compact))
        for order in orders:
            interactions = architecture.of_order(order)
            kept = list(interactions) or of_tables
            norm = {"epsilon": epsilon ** (order / 2), "momentum": momentum}
            interaction = GatedInteraction(
                kept,
                interactions,
                order,
                fields,
                gated=gated,
                searched=search == "interactions" and order == highest,
                return_products=return_products,
                summed=not read_values,
                columns=_columns(embedding, architecture, order, kept, tables) if compact else None,
                **norm,
                dtype=dtype,
                name=f"interaction_{order}",
            )
            output = interaction(e if compact else _of_order(e, architecture, order, kept, tables))
            if return_products:
                output, product = output
                if not compact:
                    product = _take(product, _live_products(architecture, order, interaction.units))
                products.append(product)
                if read_normalized_products:
                    batch_norm = ParamFreeBatchNorm(
                        **norm, dtype=dtype, name=f"normalized_products_{order}"
                    )
                    normalized.append(batch_norm(product))
            outputs.append(output)
    outputs = ops.concatenate(outputs, axis=1) if outputs[1:] else outputs[0]
    return InteractionTerms(
        ops.sum(outputs, axis=1, keepdims=True),
        outputs if read_values else None,
        ops.concatenate(products, axis=1) if read_products else None,
        ops.concatenate(normalized, axis=1) if read_normalized_products else None,
        linear_term,
        ops.concatenate(embeddings, axis=1) if read_embeddings else None,
        architecture,
    )


def _is_full(dimensions, embedding_dim):
    everything = tuple(range(embedding_dim))
    return all(kept == everything for of_field in dimensions for kept in of_field)


def _flat(e, embedding, dimensions, compact):
    """The stored dimensions of all embeddings side by side, `(batch, stored dimensions)`."""
    if not compact:
        return _take(keras.layers.Flatten()(e), _stored(dimensions, e.shape[-1]))
    columns = np.sort(embedding.columns[embedding.columns >= 0])
    return ops.transpose(ops.take(ops.transpose(e), columns, axis=0))


def _columns(embedding, architecture, order, functions, tables):
    """The columns of each function's kept dimensions in a compact embedding, -1 for pruned ones."""
    of_table = [next(i for i, shared in enumerate(tables) if k in shared) for k in functions]
    kept = _mask(architecture, [architecture.kept_dimensions(order, k) for k in functions])
    return np.where(kept > 0, embedding.columns[of_table], -1).tolist()


def _of_order(e, architecture, order, functions, tables):
    """The embeddings of an order's functions, without what only those it shares them with keep."""
    slices = [i for i, shared in enumerate(tables) if set(shared) & set(functions)]
    if len(slices) < len(tables):
        e = ops.take(e, np.array(slices, dtype="int32"), axis=1)
    kept = _mask(architecture, [architecture.kept_dimensions(order, k) for k in functions])
    stored = _mask(
        architecture, [t for shared, t in tables.items() for k in functions if k in shared]
    )
    if np.any(kept < stored):
        e = e * ops.cast(kept, e.dtype)
    return e


def _mask(architecture, of_functions):
    """Kept positions as ones, the others as zeros: `(functions, fields, dim)`."""
    mask = np.zeros((len(of_functions), len(architecture.fields), architecture.embedding_dim))
    for k, of_field in enumerate(of_functions):
        for i, field in enumerate(architecture.fields):
            mask[k, i, list(of_field[field])] = 1
    return mask


def _stored(dimensions, embedding_dim):
    """The columns of flattened embeddings that are stored, not those that are always zero."""
    stored = [kept for of_field in dimensions for kept in of_field]
    return [i * embedding_dim + j for i, kept in enumerate(stored) for j in kept]


def _live_products(architecture, order, units):
    """The columns of the products that are not always zero."""
    columns, start = [], 0
    for name, interaction in units:
        function = interaction_function(name)
        kept = architecture.kept_dimensions(order, name)
        live = function.live([kept[field] for field in interaction], architecture.embedding_dim)
        columns += [start + j for j in live]
        start += function.product_width(architecture.embedding_dim)
    return columns


def _take(tensor, columns):
    if len(columns) == tensor.shape[1]:
        return tensor
    return ops.take(tensor, np.array(columns, dtype="int32"), axis=1)
