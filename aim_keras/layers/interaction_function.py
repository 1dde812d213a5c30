"""What an interaction function is: how the embeddings of p fields become one number."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from keras import ops


@dataclasses.dataclass(frozen=True)
class InteractionFunction:
    """An interaction function of any order: a name, how it is built, how it is computed.

        f_q(e_{q_1}, ..., e_{q_p}) = sum_j products_{q, j}

    It maps the embeddings of all fields, `(batch, fields, dim)`, to the products of `U`
    interactions of one order, `(batch, U, width)`; the value of an interaction is the sum of its
    products, and the products before that sum are what a product-based network feeds to its MLP.
    `register_interaction_function` makes a user's own one a candidate.

    Args:
        name: String, a Python identifier. Its name in layers, models and an `Architecture`.
        products: Callable `(embeddings, interactions, kernel) -> products` of `keras.ops`, with
            `embeddings` of shape `(batch, fields, dim)`, `interactions` an integer array
            `(U, order)` of field positions (`operands` gives the embeddings at these), `kernel`
            the function's weights or `None`, and `products` of shape `(batch, U, width)`.
        kernel_shape: Callable `(num_interactions, order, dim) -> shape` of the weights, or `None`
            for a function without weights. The axis that has an entry for each interaction, if
            there is one, is the first whose length changes with `num_interactions`.
        kernel_initializer: Callable `(dim) -> initializer` of the weights. Ones by default.
        product_width: Callable `(dim) -> width` of the products. `dim` by default.
        values: Callable of the same arguments that gives the values, `(batch, U)`, faster than by
            their products; `None` sums those.
        weighted_sum: Callable of the same arguments and `weights`, `(U,)` or `None` for ones, that
            gives `sum_q weights_q f_q`, `(batch, 1)`, faster than by the values; `None` sums those.
        live_products: Callable `(kept) -> columns` of the products that are not always zero, with
            `kept` the kept positions of each field's embedding (pruned ones are zero). `None`: any
            product may differ from zero.

    Raises:
        ValueError: on another name, or something that is not callable.
    """

    name: str
    products: Callable
    kernel_shape: Callable | None = None
    kernel_initializer: Callable = lambda dim: "ones"
    product_width: Callable = lambda dim: dim
    values: Callable | None = None
    weighted_sum: Callable | None = None
    live_products: Callable | None = None

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ValueError(f"name must be a Python identifier. Received: name={self.name!r}")
        optional = {"kernel_shape", "values", "weighted_sum", "live_products"}
        for field in dataclasses.fields(self)[1:]:
            value = getattr(self, field.name)
            if not callable(value) and not (value is None and field.name in optional):
                raise ValueError(
                    f"{field.name} of an interaction function must be callable. "
                    f"Received: {field.name}={value!r}"
                )

    def checked_products(self, embeddings: Any, interactions: Any, kernel: Any) -> Any:
        """The products.

        Raises:
            ValueError: if they have not the shape `(batch, U, width)`.
        """
        products = self.products(embeddings, interactions, kernel)
        expected = (len(interactions), self.product_width(embeddings.shape[-1]))
        if tuple(products.shape[1:]) != expected:
            raise ValueError(
                f"The products of {self.name!r} must be of shape (batch, interactions, width), "
                f"here (batch, {expected[0]}, {expected[1]}). "
                f"Received: shape {tuple(products.shape)}"
            )
        return products

    def live(self, kept: Sequence, dim: int) -> list[int]:
        """The columns of the products that are not always zero, a list.

        Args:
            kept: The kept positions of each field's embedding.
            dim: The embedding dimension.
        """
        if self.live_products is None:
            return list(range(self.product_width(dim)))
        return self.live_products(kept)


def operands(embeddings: Any, interactions: Any) -> list:
    """The embeddings at each position of the interactions: `order` tensors `(batch, U, dim)`.

    Args:
        embeddings: Tensor `(batch, fields, dim)`.
        interactions: Integer array `(U, order)` of field positions.
    """
    return [ops.take(embeddings, position, axis=1) for position in interactions.T]
