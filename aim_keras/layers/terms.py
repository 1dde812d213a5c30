"""What the interactions of one function give: their values, products, or a weighted sum of values.

A function's interactions have the same outputs from full embeddings, `(batch, fields, dim)`, as
from the kept dimensions alone; only the products that are always zero are left out there.
"""

import dataclasses
import functools

import keras
import numpy as np
from keras import ops

from aim_keras.layers.interaction_function import InteractionFunction
from aim_keras.layers.kept_products import kept_products, live_units


@dataclasses.dataclass(frozen=True, eq=False)
class FullTerms:
    """From the embeddings of all fields.

    Args:
        function: `InteractionFunction`.
        interactions: integer array `(U, order)` of field positions.
        kernel: the function's weights or `None`.
        embeddings: tensor `(batch, fields, dim)`.
    """

    function: InteractionFunction
    interactions: np.ndarray
    kernel: keras.Variable | None
    embeddings: keras.KerasTensor

    @property
    def _operands(self):
        return self.embeddings, self.interactions, self.kernel

    @functools.cached_property
    def _products(self):
        return self.function.checked_products(*self._operands)  # (batch, U, width)

    def products(self):
        """`(batch, products)`."""
        _, units, width = self._products.shape
        return ops.reshape(self._products, (-1, units * width))

    def values(self):
        """`(batch, U)`; from the products, where they were asked for before."""
        if self.function.values and "_products" not in self.__dict__:
            return self.function.values(*self._operands)
        return ops.sum(self._products, axis=-1)

    def weighted_sum(self, weights=None):
        """`sum_q weights_q f_q`, `(batch, 1)`, for weights `(U,)`, or ones."""
        if self.function.weighted_sum and "_products" not in self.__dict__:
            return self.function.weighted_sum(*self._operands, weights)
        if weights is None:
            return ops.sum(self.values(), axis=1, keepdims=True)
        return ops.matmul(self.values(), weights[:, None])


@dataclasses.dataclass(frozen=True, eq=False)
class KeptTerms:
    """From the kept dimensions.

    Args:
        function, interactions, kernel: as of `FullTerms`.
        rows: tensor `(kept dimensions, batch)`.
        columns: integer array `(fields, dim)`: the row of each dimension, or `PRUNED`.
    """

    function: InteractionFunction
    interactions: np.ndarray
    kernel: keras.Variable | None
    rows: keras.KerasTensor
    columns: np.ndarray

    @functools.cached_property
    def _products(self):
        return kept_products(
            self.function, self.rows, self.columns, self.interactions, self.kernel
        )  # (products, batch)

    @property
    def _units(self):
        return live_units(self.function, self.columns, self.interactions)[0]

    def products(self):
        """`(batch, products that are not always zero)`."""
        return ops.transpose(self._products)

    def values(self):
        """`(batch, U)`."""
        number = len(self.interactions)
        sums = ops.segment_sum(self._products, self._units, num_segments=number)
        return ops.transpose(ops.reshape(sums, (number, -1)))

    def weighted_sum(self, weights=None):
        """`sum_q weights_q f_q`, `(batch, 1)`, for weights `(U,)`, or ones."""
        if weights is None:
            return ops.sum(self._products, axis=0)[:, None]
        weights = ops.take(weights, self._units, axis=0)
        return ops.transpose(ops.matmul(weights[None], self._products))


def terms_of(functions, interactions, kernels, inputs, columns=None):
    """The `FullTerms`, or with `columns` the `KeptTerms`, of each function that has any.

    Args:
        functions, interactions, kernels: as of `FullTerms`, one of each for each function.
        inputs: `(batch, fields, dim)`, `(batch, functions or 1, fields, dim)`, or, with `columns`,
            `(batch, kept dimensions)`.
        columns: `None`, or an integer array `(functions or 1, fields, dim)`.
    """
    if columns is None:
        terms, sources = FullTerms, _slices(inputs)
    else:
        rows = ops.transpose(inputs)
        terms, sources = KeptTerms, [(rows, of_function) for of_function in columns]
    sources = sources * (len(functions) if len(sources) == 1 else 1)
    # JAX slices only arrays.
    kernels = [None if w is None else ops.convert_to_tensor(w) for w in kernels]
    return [
        terms(function, of_function, kernel, *source)
        for function, of_function, kernel, source in zip(
            functions, interactions, kernels, sources, strict=True
        )
        if len(of_function)
    ]


def _slices(inputs):
    """The embeddings of each function, or of all: `(batch, fields, dim)` each."""
    if len(inputs.shape) == 3:
        return [(inputs,)]
    if inputs.shape[1] == 1:
        return [(ops.squeeze(inputs, axis=1),)]
    # A slice's gradient would be as large as the input.
    return [(of_function,) for of_function in ops.unstack(inputs, axis=1)]
