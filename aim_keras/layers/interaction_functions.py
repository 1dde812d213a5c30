"""The interaction functions that there are: AIM's, and those that users registered.

Sources: AIM, Eq. 2 (order 2) and section 4.2.3 (order p and the rank-1 outer product).
"""

import math

import keras
import numpy as np
from keras import ops

from aim_keras.layers.interaction_function import InteractionFunction, operands
from aim_keras.layers.shared_parts import shared_parts
from aim_keras.layers.weighted_products import rows, weighted_products


def _multiply(tensors):
    product = tensors[0]
    for tensor in tensors[1:]:
        product = product * tensor
    return product


def _inner(embeddings, interactions, kernel):
    del kernel
    return _multiply(operands(embeddings, interactions))


def _inner_values(embeddings, interactions, kernel):
    """The Gram matrix of what interactions share and of all fields holds every value."""
    del kernel
    num_fields = embeddings.shape[1]
    parts, part, rest = shared_parts(interactions)
    if parts.shape[1] == 1:
        shared, part = embeddings, parts[part, 0]
    else:
        shared = _multiply(operands(embeddings, parts))
    gram = ops.matmul(shared, ops.transpose(embeddings, (0, 2, 1)))  # (batch, parts, fields)
    values = ops.reshape(gram, (-1, shared.shape[1] * num_fields))
    return ops.take(values, part * num_fields + rest, axis=1)


def _inner_weighted_sum(embeddings, interactions, kernel, weights):
    """The bilinear form of what interactions share and of all fields: no value is computed."""
    del kernel
    num_fields = embeddings.shape[1]
    if weights is None and interactions.shape == (num_fields * (num_fields - 1) // 2, 2):
        of_sum = ops.sum(ops.square(ops.sum(embeddings, axis=1)), axis=1, keepdims=True)
        of_each = ops.sum(ops.square(embeddings), axis=(1, 2))
        return 0.5 * (of_sum - of_each[:, None])  # (Rendle, 2010, Lemma 3.1)
    shared, rest, places = _factors(embeddings, interactions)
    form = _spread(_ones_unless(weights, embeddings, interactions), places)  # (parts, rests)
    return ops.expand_dims(ops.sum(shared * ops.matmul(form, rest), axis=(1, 2)), 1)


def _factors(embeddings, interactions):
    """Interactions as parts, `(batch, R, dim)`, times rests, `(batch, S, dim)`.

    Also gives which interaction each part and rest make, an integer array `(R, S)`; `U` for none.
    """
    parts, part, rest = shared_parts(interactions)
    rests, rest = np.unique(rest, return_inverse=True)
    places = np.full((len(parts), len(rests)), len(interactions), dtype="int32")
    places[part, rest] = np.arange(len(interactions))
    shared, rest = (
        _multiply([_fields(embeddings, position) for position in of_factor.T])
        for of_factor in (parts, rests[:, None])
    )
    return shared, rest, places


def _fields(embeddings, positions):
    if np.array_equal(positions, np.arange(embeddings.shape[1])):
        return embeddings
    return ops.take(embeddings, positions, axis=1)


def _spread(weights, places):
    """Rows of the weights at their places, zeros elsewhere."""
    return ops.take(ops.concatenate([weights, ops.zeros_like(weights[:1])]), places, axis=0)


def _ones_unless(weights, embeddings, interactions):
    return ops.ones((len(interactions),), embeddings.dtype) if weights is None else weights


def _kernel_product(embeddings, interactions, kernel):
    return kernel * _inner(embeddings, interactions, None)


def _scalar_kernel_values(embeddings, interactions, kernel):
    return kernel[:, 0] * _inner_values(embeddings, interactions, None)


def _scalar_kernel_weighted_sum(embeddings, interactions, kernel, weights):
    weights = kernel[:, 0] if weights is None else kernel[:, 0] * weights
    return _inner_weighted_sum(embeddings, interactions, None, weights)


def _vector_kernel_weighted_sum(embeddings, interactions, kernel, weights):
    """A bilinear form for each dimension."""
    shared, rest, places = _factors(embeddings, interactions)
    weights = kernel if weights is None else kernel * weights[:, None]
    forms = ops.transpose(_spread(weights, places), (2, 1, 0))  # (dim, rests, parts)
    shared, rest = (ops.transpose(factor, (2, 0, 1)) for factor in (shared, rest))
    return ops.expand_dims(ops.sum(ops.matmul(rest, forms) * shared, axis=(0, 2)), 1)


def _vector_kernel_values(embeddings, interactions, kernel):
    parts, part, rest = shared_parts(interactions)
    order = np.argsort(part, kind="stable")
    by_field = ops.transpose(embeddings, (1, 2, 0))  # (fields, dim, batch)
    shared = _multiply([rows(by_field, position) for position in parts.T])
    values = weighted_products(shared, by_field, rows(kernel, order), part[order], rest[order])
    return ops.transpose(rows(values, np.argsort(order)))


def _matrix_kernel(embeddings, interactions, kernel):
    first, *others = operands(embeddings, interactions)
    product = first
    for matrices, operand in zip(ops.unstack(kernel, axis=0), others, strict=True):
        product = ops.einsum("bud,ude->bue", product, matrices) * operand
    return product


def _outer(embeddings, interactions, kernel):
    return ops.expand_dims(_outer_values(embeddings, interactions, kernel), -1)


def _outer_values(embeddings, interactions, kernel):
    """Fields are picked by matrices of ones and zeros: `ops.take` has a slow gradient."""
    projections = ops.matmul(embeddings, ops.transpose(kernel))  # (batch, fields, order)
    return _multiply(
        [
            ops.matmul(projections[:, :, r], _picked(position, embeddings))
            for r, position in enumerate(interactions.T)
        ]
    )


def _outer_weighted_sum(embeddings, interactions, kernel, weights):
    weights = _ones_unless(weights, embeddings, interactions)
    if interactions.shape[1] > 2:
        return ops.matmul(_outer_values(embeddings, interactions, kernel), weights[:, None])
    num_fields = embeddings.shape[1]
    places = np.full((num_fields, num_fields), len(interactions), dtype="int32")
    places[tuple(interactions.T)] = np.arange(len(interactions))
    first, second = ops.unstack(ops.matmul(embeddings, ops.transpose(kernel)), axis=2)
    return ops.sum(ops.matmul(first, _spread(weights, places)) * second, axis=1, keepdims=True)


def _picked(positions, embeddings):
    one_hot = np.eye(embeddings.shape[1])[:, positions]  # (fields, U)
    return ops.convert_to_tensor(one_hot, embeddings.dtype)


class IdentityMatrices(keras.initializers.Initializer):
    """Identity matrices over the last two axes."""

    def __call__(self, shape, dtype=None):
        return ops.ones(shape, dtype) * ops.eye(shape[-1], dtype=dtype)


def _in_common(kept):
    """Of functions that multiply dimension by dimension."""
    return sorted(set.intersection(*map(set, kept)))


INNER = InteractionFunction(
    "inner",
    _inner,
    values=_inner_values,
    weighted_sum=_inner_weighted_sum,
    live_products=_in_common,
)
"""`sum_j prod_r e_{q_r, j}`."""

VECTOR_KERNEL = InteractionFunction(
    "vector_kernel",
    _kernel_product,
    kernel_shape=lambda num_interactions, order, dim: (num_interactions, dim),
    values=_vector_kernel_values,
    weighted_sum=_vector_kernel_weighted_sum,
    live_products=_in_common,
)
"""`sum_j kappa_{q, j} prod_r e_{q_r, j}`, a vector `kappa_q` an interaction."""

SCALAR_KERNEL = InteractionFunction(
    "scalar_kernel",
    _kernel_product,
    kernel_shape=lambda num_interactions, order, dim: (num_interactions, 1),
    values=_scalar_kernel_values,
    weighted_sum=_scalar_kernel_weighted_sum,
    live_products=_in_common,
)
"""`kappa_q sum_j prod_r e_{q_r, j}`, a scalar `kappa_q` an interaction."""

MATRIX_KERNEL = InteractionFunction(
    "matrix_kernel",
    _matrix_kernel,
    kernel_shape=lambda num_interactions, order, dim: (order - 1, num_interactions, dim, dim),
    kernel_initializer=lambda dim: IdentityMatrices(),
    live_products=lambda kept: list(kept[-1]) if all(kept) else [],
)
"""`sum_j (... ((e_{q_1}^T K_{q, 1}) * e_{q_2}^T) K_{q, 2} ...)_j e_{q_p, j}`: order 2 is
`e_{q_1}^T K_q e_{q_2}`; identity matrices give the inner product at every order."""

OUTER = InteractionFunction(
    "outer",
    _outer,
    kernel_shape=lambda num_interactions, order, dim: (order, dim),
    kernel_initializer=lambda dim: keras.initializers.RandomUniform(
        -math.sqrt(6 / (dim + 1)), math.sqrt(6 / (dim + 1))
    ),
    product_width=lambda dim: 1,
    values=_outer_values,
    weighted_sum=_outer_weighted_sum,
    live_products=lambda kept: [0] if all(kept) else [],
)
"""`prod_r (w_r^T e_{q_r})`: the outer product reduced by a rank-1 linear map, with the `w_r`
shared by all interactions of an order; `w_1` meets the first field of an interaction."""

BUILT_IN = (INNER, OUTER, VECTOR_KERNEL, SCALAR_KERNEL, MATRIX_KERNEL)
FUNCTIONS = {function.name: function for function in BUILT_IN}


def register_interaction_function(function: InteractionFunction) -> InteractionFunction:
    """Makes a function a candidate wherever one is named: layers, models, searches, gin files.

    A saved model or architecture holds the name alone, so register the function before you load
    one. A function registered again, as by a notebook's cell run twice, replaces the one before in
    layers made from then on.

    Args:
        function: `InteractionFunction`.

    Returns:
        `function`.

    Raises:
        TypeError: on anything else.
        ValueError: if its name is that of a built-in function.

    Example:

    ```pycon
    >>> def distance(embeddings, interactions, kernel):
    ...     first, second = operands(embeddings, interactions)
    ...     return -ops.square(first - second)
    >>> register_interaction_function(InteractionFunction("distance", distance))
    >>> GatedInteraction(["inner", "distance"], fields=["user", "item", "hour"])
    ```
    """
    if not isinstance(function, InteractionFunction):
        raise TypeError(f"function must be an InteractionFunction. Received: function={function!r}")
    if function.name in {built_in.name for built_in in BUILT_IN}:
        raise ValueError(
            "An interaction function must not have the name of a built-in one. "
            f"Received: {function.name!r}"
        )
    FUNCTIONS[function.name] = function
    return function


def interaction_function(name: str) -> InteractionFunction:
    """The interaction function of that name.

    Raises:
        ValueError: if there is none.
    """
    if name not in FUNCTIONS:
        raise ValueError(
            f"An interaction function is one of {', '.join(FUNCTIONS)}, or another after "
            f"register_interaction_function. Received: {name!r}"
        )
    return FUNCTIONS[name]
