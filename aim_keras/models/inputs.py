"""What models take, and the embeddings of it."""

import dataclasses
from collections.abc import Mapping

import keras
from keras import ops

from aim_keras.fields import as_fields, places, widths
from aim_keras.layers import FunctionWiseEmbedding


def field_inputs(vocabulary_sizes):
    """What a model takes: `features`, and where fields are weighted a list of that and `weights`.

    `features` is `(batch, columns)`, integers, `weights` `(batch, weighted columns)`, floats: see
    `Field`. Without multi-valued fields the columns are the fields.

    Raises:
        ValueError: if `vocabulary_sizes` is not a mapping from each field's name, a string, to its
            size or `Field`.
    """
    is_mapping = isinstance(vocabulary_sizes, Mapping) and len(vocabulary_sizes) > 0
    if not is_mapping or not all(isinstance(name, str) for name in vocabulary_sizes):
        raise ValueError(
            "vocabulary_sizes must map each field's name, a string, to its number of ids or its "
            f"Field. Received: vocabulary_sizes={vocabulary_sizes!r}"
        )
    columns, weights = widths(as_fields(vocabulary_sizes).values())
    features = keras.Input((columns,), dtype="int32", name="features")
    if not weights:
        return features
    return [features, keras.Input((weights,), dtype="float32", name="weights")]


def some_fields(features, vocabulary_sizes, names):
    """Some of the fields, each with a table of its own, and what `field_inputs` gives of them."""
    fields = as_fields(vocabulary_sizes)
    slices = dict(zip(fields, places(fields.values()), strict=True))
    ids, *weights = features if isinstance(features, list) else [features]
    chosen = [ops.concatenate([ids[:, slices[name][0]] for name in names], axis=1)]
    if weighted := [slices[name][1] for name in names if fields[name].weighted]:
        chosen += [ops.concatenate([weights[0][:, columns] for columns in weighted], axis=1)]
    own = {name: dataclasses.replace(fields[name], table=None) for name in names}
    return own, chosen if weighted else chosen[0]


def check_fields(what, found, vocabulary_sizes):
    """Raises `ValueError` unless the fields of an architecture, or of groups, are the model's."""
    fields = tuple(vocabulary_sizes)
    if found != fields:
        raise ValueError(
            f"The {what} must have the fields of vocabulary_sizes, in their order. "
            f"Received: {found} for the fields {fields}"
        )


def within_32_bits(inputs):
    """What `field_inputs` takes, with ids beyond 32 bits moved to the ends of their range.

    Keras would cast them to the input's int32 modulo 2^32, and so into their field's range.
    """
    return keras.tree.map_structure(_clipped, inputs)


def _clipped(x):
    if keras.backend.standardize_dtype(x.dtype) not in ("int64", "uint64"):
        return x
    return ops.cast(ops.clip(ops.cast(x, "int64"), -(2**31), 2**31 - 1), "int32")


def embedded_fields(
    features,
    vocabulary_sizes,
    embedding_dim,
    linear=True,
    initializer=None,
    regularizer=None,
    name="embedding",
):
    """The embeddings of fields and, where it is wanted, their linear term.

    Args:
        features: What `field_inputs` gives.
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        embedding_dim: The embedding dimension.
        linear: Whether there is a linear term, `(batch, 1)`. Its weights lie beside the embeddings.
        initializer: of the embedding tables.
        regularizer: of the embedding tables and of the linear weights.
        name: Name of the layer.

    Returns:
        The embeddings, `(batch, fields, embedding_dim)`, and with `linear` the linear term too,
        both in full precision: a mixed dtype policy is for matrices.
    """
    embedding = FunctionWiseEmbedding(
        vocabulary_sizes,
        embedding_dim,
        linear=linear,
        initializer=initializer,
        regularizer=regularizer,
        dtype=keras.config.dtype_policy().variable_dtype,
        name=name,
    )
    if not linear:
        return embedding(features)[:, 0]
    e, linear_term = embedding(features)  # (batch, 1, fields, dim), (batch, 1)
    return e[:, 0], linear_term
