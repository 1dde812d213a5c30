"""Weighted sums of products, part by part, with a gradient in as few passes as there can be."""

import numpy as np
from keras import ops

from aim_keras.backend import add_all, dense


def weighted_products(shared, others, weights, part, other):
    """`sum_j weights_{q,j} shared_{part_q,j} others_{other_q,j}`.

    Each part's products stay in the processor's cache, forward and backward.

    Args:
        shared: tensor `(parts, dim, batch)`.
        others: tensor `(others, dim, batch)`.
        weights: tensor `(U, dim)`.
        part: integer array `(U,)`, rising: no part of `shared` is missing.
        other: integer array `(U,)`.

    Returns:
        `(U, batch)`.
    """
    ends = np.searchsorted(part, np.arange(part[-1] + 1), side="right").tolist()
    spans = list(zip([0, *ends], ends, strict=False))

    @ops.custom_gradient
    def sums(shared, others, weights):
        factors = ops.unstack(shared, axis=0)
        products = [
            rows(others, other[start:end]) * factor
            for factor, (start, end) in zip(factors, spans, strict=True)
        ]
        values = [
            ops.matmul(weights[start:end, None], product)[:, 0]
            for product, (start, end) in zip(products, spans, strict=True)
        ]

        def grad(*arguments, upstream=None):
            (upstream,) = arguments if upstream is None else (upstream,)
            upstream = dense(upstream)
            of_shared, of_weights = [], []
            of_other = [[] for _ in range(others.shape[0])]
            for factor, product, (start, end) in zip(factors, products, spans, strict=True):
                received = upstream[start:end]
                of_weights.append(ops.matmul(product, received[:, :, None])[:, :, 0])
                weighted = weights[start:end, :, None] * received[:, None]
                of_shared.append(ops.sum(weighted * rows(others, other[start:end]), axis=0))
                for i, term in zip(
                    other[start:end], ops.unstack(weighted * factor, axis=0), strict=True
                ):
                    of_other[i].append(term)
            nothing = ops.zeros_like(factors[0])
            return (
                ops.stack(of_shared),
                ops.stack([add_all(terms) if terms else nothing for terms in of_other]),
                ops.concatenate(of_weights),
            )

        return ops.concatenate(values), grad

    return sums(shared, others, weights)


def rows(tensor, positions):
    """Rows of a tensor, by a slice where they lie side by side."""
    start, stop = int(positions[0]), int(positions[-1]) + 1
    if np.array_equal(positions, np.arange(start, stop)):
        return tensor[start:stop]
    return ops.take(tensor, positions, axis=0)
