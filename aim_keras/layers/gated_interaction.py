"""Gates on feature interactions (FIS) and on their interaction functions (IFS)."""

import itertools
import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from aim_keras.architecture import Architecture
from aim_keras.arguments import checked_integer
from aim_keras.documents import checked_names
from aim_keras.layers.gates import (
    ALPHA,
    GATE_ALPHA,
    check_candidates,
    check_columns,
    check_embeddings,
    check_interactions,
    check_names,
    gate_initializer,
    interactions_by_function,
)
from aim_keras.layers.interaction_functions import interaction_function
from aim_keras.layers.kept_products import live_units
from aim_keras.layers.param_free_batch_norm import ParamFreeBatchNorm
from aim_keras.layers.terms import terms_of


@keras.saving.register_keras_serializable("aim_keras")
class GatedInteraction(keras.layers.Layer):
    """Feature interactions of one order, each with each interaction function behind a gate.

        y_{q,k} = alpha_{q,k} * BN(f_k(e_{k,q_1}, ..., e_{k,q_p}))        (Eq. 13, 14 and 20)

    A unit `(k, q)` is an interaction function `k` with an interaction `q` of `p = order` fields;
    each has a column in the output, all units of the first function first. In a search `alpha`
    is trained by an optimizer that makes it sparse (`GRDA`), and the units with a non-zero gate
    are kept; with any other optimizer `alpha` is an ordinary weight. The sum of the columns is
    the interaction term of a factorization machine.

    The `call` of a subclassed model must have an argument `training`, so that Keras passes it on to
    the batch norm; without it the gates mean nothing.

    Args:
        functions: Sequence of names out of `inner`, `outer`, `vector_kernel`, `scalar_kernel`,
            `matrix_kernel` and those of `register_interaction_function`, one for each slice of the
            input's second axis.
        interactions: The candidates: `None` for every set of `order` fields, a sequence of
            interactions for all functions, or a mapping from function to such a sequence. An
            interaction is a sequence of `order` distinct names out of `fields`.
        order: Integer >= 2: the number of fields of an interaction.
        fields: Sequence of distinct field names; positions 0, 1, ... where `None`.
        gated: Boolean. `False` leaves out batch norm and gate: `y_{q,k} = f_k(...)`.
        searched: Boolean, whether `with_gates` takes `alpha` for a gate, or for an ordinary weight
            like any other.
        return_products: Boolean, whether the products that each value sums are returned too, as
            the input of a product-based network's MLP.
        summed: Boolean, whether the columns are summed, `sum_{(k, q)} y_{q,k}`: faster than to sum
            them afterwards, and without gates or at inference no column is computed at all (but
            with gates under a policy of 16 bits, in which such sums would be too rough).
        columns: Nested sequence `[function][field][dimension]` of integers, or `None`. If given,
            the input is a compact embedding, `(batch, kept dimensions)`: `columns` says where each
            dimension is in it, -1 for a pruned one, and products that are always zero are left out.
        epsilon: of the `ParamFreeBatchNorm`.
        momentum: of the `ParamFreeBatchNorm`.

    Input shape: `(batch, functions, fields, dim)`; `(batch, 1, fields, dim)` or
    `(batch, fields, dim)` for one embedding shared by all functions; `(batch, kept dimensions)`
    with `columns`.
    Output shape: `(batch, units)`, or `(batch, 1)` if `summed`, and with `return_products` a second
    output `(batch, widths)`.

    Raises:
        ValueError: on an unknown function or field, a wrong order, a repeated interaction, or an
            input whose axes do not have the lengths of `functions` and `fields`.

    Example:

    ```pycon
    >>> gated = GatedInteraction(functions=["inner", "outer"], fields=["user", "item", "hour"])
    >>> gated(np.random.normal(size=(32, 2, 3, 8))).shape
    (32, 6)
    >>> gated.units[0]
    ('inner', ('user', 'item'))
    ```

    Reference: AIM, sections 3.2, 3.3 and 3.6.
    """

    def __init__(
        self,
        functions: Sequence[str] = ("inner",),
        interactions: Mapping | Sequence | None = None,
        order: int = 2,
        fields: Sequence | None = None,
        gated: bool = True,
        searched: bool = True,
        return_products: bool = False,
        summed: bool = False,
        columns: Any = None,
        epsilon: float = 1e-5,
        momentum: float = 0.9,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.functions = checked_names(functions, "functions")
        self.order = checked_integer("order", order, least=2)
        self.fields = None if fields is None else tuple(fields)
        check_candidates(self.functions, self.order, self.fields)
        self._functions = [interaction_function(name) for name in self.functions]
        self.interactions = interactions_by_function(self.functions, interactions)
        self.gated = gated
        self.searched = searched
        self.return_products = return_products
        self.summed = summed
        self.columns = None if columns is None else np.array(columns, dtype="int32")
        self.epsilon = epsilon
        self.momentum = momentum
        options = {"dtype": self.dtype_policy, "trainable": self.trainable, "name": "batch_norm"}
        self.batch_norm: Any = ParamFreeBatchNorm(epsilon, momentum, **options) if gated else None
        if self.fields is not None:
            check_interactions(self.interactions, self.order, self.fields)

    @classmethod
    def from_architecture(
        cls,
        architecture: Architecture | Mapping | str | os.PathLike,
        order: int = 2,
        **options: Any,
    ) -> "GatedInteraction":
        """The layer of an architecture's interactions of one order, to be trained in any model.

        Args:
            architecture: `Architecture`, or the path of its file.
            order: Integer out of `architecture.orders`.
            **options: The layer's other arguments. Unless given, `searched=False` and `fields` are
                the architecture's; give those of the embeddings where they have another order, or
                more.

        Raises:
            ValueError: if the architecture is malformed or has no interaction of that order.
        """
        architecture = Architecture.of(architecture)
        interactions = architecture.of_order(order)
        if not interactions:
            raise ValueError(
                "order must be one that the architecture has interactions of, "
                f"{architecture.orders}. Received: order={order}"
            )
        options = {"searched": False, "fields": architecture.fields, **options}
        return cls(tuple(interactions), interactions, order, **options)

    @property
    def units(self) -> list:
        """`(function, interaction)` of each output column, once the fields are known."""
        if self.fields is None:
            raise ValueError("The units are known once the layer is built, or fields are given.")
        return self._units(self.fields)

    def _units(self, fields):
        candidates = self._candidates(fields)
        return [(name, q) for name in self.functions for q in candidates[name]]

    def _candidates(self, fields):
        if self.interactions is not None:
            return self.interactions
        return dict.fromkeys(self.functions, tuple(itertools.combinations(fields, self.order)))

    def build(self, input_shape: tuple) -> None:
        if self.columns is not None:
            check_columns(self.columns, input_shape)
            input_shape = (None, *self.columns.shape)
        check_embeddings("GatedInteraction", input_shape, self.functions)
        num_fields, self.embedding_dim = input_shape[-2:]
        if self.fields is None:
            self.fields = tuple(range(num_fields))
            check_candidates(self.functions, self.order, self.fields)
            check_interactions(self.interactions, self.order, self.fields)
        check_names(self.fields, num_fields)
        if self.columns is None:
            self.input_spec = keras.layers.InputSpec(axes={-2: num_fields, -1: self.embedding_dim})
        self._positions = self._positions_among(self.fields)
        self.kernels = [
            self._add_kernel(function, len(positions))
            for function, positions in zip(self._functions, self._positions, strict=True)
        ]
        if self.gated:
            num_units = len(self.units)
            self.alpha = self.add_weight(
                (num_units,),
                gate_initializer(),
                name=GATE_ALPHA if self.searched else ALPHA,
                dtype="float32",
                autocast=False,
            )
            self.batch_norm.build((None, num_units))

    def _add_kernel(self, function, num_interactions):
        if function.kernel_shape is None or not num_interactions:
            return None
        return self.add_weight(
            function.kernel_shape(num_interactions, self.order, self.embedding_dim),
            function.kernel_initializer(self.embedding_dim),
            name=f"{function.name}_kernel",
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        terms = terms_of(self._functions, self._positions, self.kernels, inputs, self.columns)
        nothing = ops.zeros((ops.shape(inputs)[0], 0), self.compute_dtype)
        products = [term.products() for term in terms] if self.return_products else []
        rough = self.compute_dtype not in ("float32", "float64")
        if self.summed and not (self.gated and (training or rough)):
            outputs = ops.sum(nothing, axis=1, keepdims=True) + self._weighted_sum(terms)
        else:
            values = [term.values() for term in terms]
            outputs = self._outputs(ops.concatenate([nothing, *values], axis=1), training)
        if self.return_products:
            return outputs, ops.concatenate([nothing, *products], axis=1)
        return outputs

    def _outputs(self, values, training):
        if not self.gated:
            return values
        centred, scale = self.batch_norm.centre(values, training)
        scale = ops.multiply(scale, self.alpha)  # of the wider dtype
        outputs = ops.matmul(centred, scale[:, None]) if self.summed else centred * scale
        return ops.cast(outputs, self.compute_dtype)

    def _weighted_sum(self, terms):
        """The sum of the columns, with batch norm and gates as weights of the values."""
        if not self.gated:
            return sum(term.weighted_sum() for term in terms)
        norm = self.batch_norm
        scale = ops.multiply(ops.rsqrt(norm.moving_variance + norm.epsilon), self.alpha)
        total, start = -ops.sum(scale * norm.moving_mean), 0
        total, scale = (ops.cast(x, self.compute_dtype) for x in (total, scale))
        for term in terms:
            stop = start + len(term.interactions)
            total = total + term.weighted_sum(scale[start:stop])
            start = stop
        return total

    def gates(self) -> dict:
        """`{function: {interaction: alpha}}`; every alpha is 1 where there are none."""
        units = self.units
        alpha = ops.convert_to_numpy(self.alpha) if self.gated else np.ones(len(units))
        gates: dict[str, dict] = {name: {} for name in self.functions}
        for (name, interaction), value in zip(units, alpha.tolist(), strict=True):
            gates[name][interaction] = value
        return gates

    def compute_output_shape(self, input_shape: tuple) -> Any:
        shape = input_shape if self.columns is None else self.columns.shape
        fields = range(shape[-2]) if self.fields is None else self.fields
        units = self._units(fields)
        outputs = (input_shape[0], 1 if self.summed else len(units))
        if not self.return_products:
            return outputs
        if self.columns is None:
            dim = input_shape[-1]
            width = sum(interaction_function(k).product_width(dim) for k, _ in units)
        else:
            width = sum(len(live) for live in self._live_units(fields))
        return outputs, (input_shape[0], width)

    def _live_units(self, fields):
        columns = np.broadcast_to(self.columns, (len(self.functions), *self.columns.shape[1:]))
        every = zip(self._functions, columns, self._positions_among(fields), strict=True)
        return [live_units(*of_function)[0] for of_function in every]

    def _positions_among(self, fields):
        """For each function the positions of each interaction's fields, `(interactions, order)`."""
        position = {field: i for i, field in enumerate(fields)}
        candidates = self._candidates(fields)
        places = [[[position[field] for field in q] for q in candidates[k]] for k in self.functions]
        return [np.array(of_function, "int32").reshape(-1, self.order) for of_function in places]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "functions": self.functions,
            "interactions": self.interactions,
            "order": self.order,
            "fields": self.fields,
            "gated": self.gated,
            "searched": self.searched,
            "return_products": self.return_products,
            "summed": self.summed,
            "columns": None if self.columns is None else self.columns.tolist(),
            "epsilon": self.epsilon,
            "momentum": self.momentum,
        }
