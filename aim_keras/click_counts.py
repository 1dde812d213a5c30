"""Rows and clicks of each crossed value of an interaction, counted over a split."""

import math

import numpy as np

from aim_keras.arguments import checked_integer

MAX_CROSSED_VALUES = 2**63


def click_counts(batches, vocabulary_sizes, interactions):
    """`{interaction: (values, rows, clicks)}` of a split, each value a mixed-radix number.

    Args:
        batches: Iterable of `(features, labels)`, of shapes `(batch, fields)`, integers, and
            `(batch,)` or `(batch, 1)`, 0 or 1.
        vocabulary_sizes: `{field: number of ids}`, in the order of the features.
        interactions: Tuples of field names.

    Raises:
        ValueError: on a batch of another shape, or an id or a label out of range.
    """
    column = {field: i for i, field in enumerate(vocabulary_sizes)}
    sizes = list(vocabulary_sizes.values())
    columns = {q: [column[field] for field in q] for q in interactions}
    counts = {q: _Counts(math.prod(sizes[c] for c in columns[q])) for q in interactions}
    for features, labels in batches:
        ids, clicked = _checked(features, labels, vocabulary_sizes)
        for q in interactions:
            value = np.zeros(len(clicked), "int64")
            for c in columns[q]:
                value = value * sizes[c] + ids[c]
            counts[q].add(value, clicked)
    return {q: counts[q].merge() for q in interactions}


def check_interaction(interaction, vocabulary_sizes):
    """Raises `ValueError` on an unknown field, a size that is none, or 2**63 crossed values."""
    unknown = [field for field in interaction if field not in vocabulary_sizes]
    if not interaction or unknown:
        raise ValueError(
            f"An interaction must be of fields among {list(vocabulary_sizes)}. "
            f"Received: {interaction}"
        )
    crossed = math.prod(
        checked_integer(f"vocabulary_sizes[{field!r}]", vocabulary_sizes[field])
        for field in interaction
    )
    if crossed >= MAX_CROSSED_VALUES:
        raise ValueError(
            "The vocabulary sizes of an interaction's fields must have a product below 2**63. "
            f"Received: {crossed} for {interaction}"
        )


class _Counts:
    """Rows and clicks of each crossed value of an interaction, added batch by batch."""

    def __init__(self, size):
        self._size = size
        self._parts = [(np.zeros(0, "int64"), np.zeros(0, "int64"), np.zeros(0, "int64"))]

    def add(self, values, clicked):
        self._parts.append(_counted(values, clicked, self._size))
        merged, *new = (len(part[0]) for part in self._parts)
        if sum(new) >= merged:  # so that merging costs no more than adding did
            self.merge()

    def merge(self):
        """Distinct values in increasing order, rows and clicks of each."""
        values = np.concatenate([part[0] for part in self._parts])
        distinct, _ = np.unique(values, return_counts=True)  # sorts; without counts it may hash
        sums = np.zeros((2, len(distinct)), "int64")
        for values, *counts in self._parts:
            sums[:, np.searchsorted(distinct, values)] += counts
        self._parts = [(distinct, *sums)]
        return self._parts[0]


def _counted(values, clicked, size):
    """Distinct values of a batch, rows and clicks of each, without any indirect sort."""
    if size <= len(values):
        rows, clicks = np.bincount(values), np.bincount(values[clicked])
        distinct = np.flatnonzero(rows)
        return distinct, rows[distinct], np.pad(clicks, (0, len(rows) - len(clicks)))[distinct]
    distinct, rows = np.unique(values, return_counts=True)
    with_click, number = np.unique(values[clicked], return_counts=True)
    clicks = np.zeros_like(rows)
    clicks[np.searchsorted(distinct, with_click)] = number
    return distinct, rows, clicks


def _checked(features, labels, vocabulary_sizes):
    """Ids, `(fields, batch)`, and which rows have a click, `(batch,)`."""
    features, labels = np.asarray(features), np.asarray(labels)
    rows = len(features)
    if features.shape != (rows, len(vocabulary_sizes)) or labels.shape not in ((rows,), (rows, 1)):
        raise ValueError(
            f"A batch must be of (batch, {len(vocabulary_sizes)}) features and (batch, 1) labels. "
            f"Received: shapes {features.shape} and {labels.shape}"
        )
    if not np.issubdtype(features.dtype, np.integer):
        raise ValueError(f"Features must be integers. Received: {features.dtype}")
    ids, labels = np.ascontiguousarray(features.T, "int64"), labels.ravel()
    for (field, size), values in zip(vocabulary_sizes.items(), ids, strict=True):
        if wrong := values[(values < 0) | (values >= size)].tolist():
            raise ValueError(f"Field {field}: ids must be in [0, {size}). Received: {wrong[0]}")
    if wrong := labels[(labels != 0) & (labels != 1)].tolist():
        raise ValueError(f"Labels must be 0 or 1. Received: {wrong[0]}")
    return ids, labels == 1
