"""Interaction functions: how the embeddings of the p fields of an interaction become one number.

A function maps the embeddings of all fields, `(batch, fields, dim)`, to the products of `U`
interactions of one order, `(batch, U, width)`; the value of an interaction is the sum of its
products. The products before that sum are what a product-based network feeds to its MLP.

Sources: AIM, Eq. 2 (order 2) and section 4.2.3 (order p and the rank-1 outer product).
"""

import dataclasses
import math
from collections.abc import Callable

import keras
from keras import ops


@dataclasses.dataclass(frozen=True)
class InteractionFunction:
    """An interaction function of any order.

    Args:
        name: String. Its name in an `Architecture`.
        products: Callable `(embeddings, interactions, kernel) -> products`, with `embeddings` of
            shape `(batch, fields, dim)`, `interactions` an integer array `(U, order)` of field
            positions, `kernel` the function's weights or `None`, and `products` of shape
            `(batch, U, width)`.
        kernel_shape: Callable `(num_interactions, order, dim) -> shape` of the weights, or `None`
            for a function without weights.
        kernel_initializer: Callable `(dim) -> initializer` of the weights.
        product_width: Callable `(dim) -> width` of the products.
        live_products: Callable `(kept) -> columns` of the products that are not always zero, with
            `kept` the kept positions of each field's embedding.
    """

    name: str
    products: Callable
    kernel_shape: Callable | None = None
    kernel_initializer: Callable = lambda dim: "ones"
    product_width: Callable = lambda dim: dim
    live_products: Callable = lambda kept: sorted(set.intersection(*map(set, kept)))


def _operands(embeddings, interactions):
    """The embeddings at each position of the interactions: `order` tensors `(batch, U, dim)`."""
    return [ops.take(embeddings, position, axis=1) for position in interactions.T]


def _multiply(tensors):
    product = tensors[0]
    for tensor in tensors[1:]:
        product = product * tensor
    return product


def _inner(embeddings, interactions, kernel):
    del kernel
    return _multiply(_operands(embeddings, interactions))


def _kernel_product(embeddings, interactions, kernel):
    return kernel * _multiply(_operands(embeddings, interactions))


def _matrix_kernel(embeddings, interactions, kernel):
    first, *others = _operands(embeddings, interactions)
    product = first
    for matrices, operand in zip(ops.unstack(kernel, axis=0), others, strict=True):
        product = ops.einsum("bud,ude->bue", product, matrices) * operand
    return product


def _outer(embeddings, interactions, kernel):
    projections = ops.matmul(embeddings, ops.transpose(kernel))  # (batch, fields, order)
    factors = [
        ops.take(projections[:, :, r], position, axis=1)
        for r, position in enumerate(interactions.T)
    ]
    return ops.expand_dims(_multiply(factors), -1)


class IdentityMatrices(keras.initializers.Initializer):
    """Identity matrices over the last two axes."""

    def __call__(self, shape, dtype=None):
        return ops.broadcast_to(ops.eye(shape[-1], dtype=dtype), shape)


INNER = InteractionFunction("inner", _inner)
"""`sum_j prod_r e_{q_r, j}`."""

VECTOR_KERNEL = InteractionFunction(
    "vector_kernel",
    _kernel_product,
    kernel_shape=lambda num_interactions, order, dim: (num_interactions, dim),
)
"""`sum_j kappa_{q, j} prod_r e_{q_r, j}`, a vector `kappa_q` an interaction."""

SCALAR_KERNEL = InteractionFunction(
    "scalar_kernel",
    _kernel_product,
    kernel_shape=lambda num_interactions, order, dim: (num_interactions, 1),
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
    live_products=lambda kept: [0] if all(kept) else [],
)
"""`prod_r (w_r^T e_{q_r})`: the outer product reduced by a rank-1 linear map, with the `w_r`
shared by all interactions of an order; `w_1` meets the first field of an interaction."""

FUNCTIONS = {
    function.name: function
    for function in (INNER, OUTER, VECTOR_KERNEL, SCALAR_KERNEL, MATRIX_KERNEL)
}


def interaction_function(name: str) -> InteractionFunction:
    """The interaction function of that name.

    Raises:
        ValueError: if there is none.
    """
    if name not in FUNCTIONS:
        raise ValueError(
            f"An interaction function is one of {', '.join(FUNCTIONS)}. Received: {name!r}"
        )
    return FUNCTIONS[name]
