"""Gates on feature interactions (FIS) and on their interaction functions (IFS)."""

import itertools
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from aim_keras.architecture import Architecture
from aim_keras.layers.gates import ALPHA, GATE_ALPHA, check_candidates, gate_initializer
from aim_keras.layers.interaction_functions import interaction_function
from aim_keras.layers.param_free_batch_norm import ParamFreeBatchNorm


@keras.saving.register_keras_serializable("aim_keras")
class GatedInteraction(keras.layers.Layer):
    """Feature interactions of one order, each with each interaction function behind a gate.

        y_{q,k} = alpha_{q,k} * BN(f_k(e_{k,q_1}, ..., e_{k,q_p}))        (Eq. 13, 14 and 20)

    A unit `(k, q)` is an interaction function `k` with an interaction `q` of `p = order` fields;
    each has a column in the output, all units of the first function first. In a search `alpha`
    is trained by an optimizer that makes it sparse (`GRDA`), and the units with a non-zero gate
    are kept; with any other optimizer `alpha` is an ordinary weight. The sum of the columns is
    the interaction term of a factorization machine.

    Args:
        functions: Sequence of names out of `inner`, `outer`, `vector_kernel`, `scalar_kernel` and
            `matrix_kernel`, one for each slice of the input's second axis.
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
            them afterwards, and without gates or at inference no column is computed at all.
        epsilon, momentum: of the `ParamFreeBatchNorm`.

    Input shape: `(batch, functions, fields, dim)`; `(batch, 1, fields, dim)` or
        `(batch, fields, dim)` for one embedding shared by all functions.
    Output shape: `(batch, units)`, or `(batch, 1)` if `summed`, and with `return_products` a second
        output `(batch, widths)`.

    Raises:
        ValueError: on an unknown function or field, a wrong order, a repeated interaction, or an
            input whose axes do not have the lengths of `functions` and `fields`.

    Example:

    >>> gated = GatedInteraction(functions=["inner", "outer"], fields=["user", "item", "hour"])
    >>> gated(np.random.normal(size=(32, 2, 3, 8))).shape
    (32, 6)
    >>> gated.units[0]
    ('inner', ('user', 'item'))

    Reference: AIM, sections 3.2, 3.3 and 3.6.
    """

    def __init__(
        self,
        functions=("inner",),
        interactions=None,
        order=2,
        fields=None,
        gated=True,
        searched=True,
        return_products=False,
        summed=False,
        epsilon=1e-5,
        momentum=0.9,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.functions = tuple(functions)
        self.order = order
        self.fields = None if fields is None else tuple(fields)
        check_candidates(self.functions, self.order, self.fields)
        self._functions = [interaction_function(name) for name in self.functions]
        self.interactions = self._by_function(interactions)
        self.gated = gated
        self.searched = searched
        self.return_products = return_products
        self.summed = summed
        self.epsilon = epsilon
        self.momentum = momentum
        self.batch_norm = (
            ParamFreeBatchNorm(epsilon, momentum, dtype=self.dtype_policy, name="batch_norm")
            if gated
            else None
        )
        if self.fields is not None:
            self._check_interactions()

    @classmethod
    def from_architecture(cls, architecture, order=2, **options):
        """The layer of an architecture's interactions of one order, to be trained in any model.

        Args:
            architecture: `Architecture`, or the path of its file.
            order: Integer out of `architecture.orders`.
            **options: The layer's other arguments. Unless given, `searched=False`.

        Raises:
            ValueError: if the architecture is malformed or has no interaction of that order.
        """
        architecture = Architecture.of(architecture)
        interactions = architecture.of_order(order)
        if not interactions:
            raise ValueError(
                f"order must be one of the architecture's, {architecture.orders}. "
                f"Received: order={order}"
            )
        options = {"searched": False, **options}
        return cls(tuple(interactions), interactions, order, architecture.fields, **options)

    def _by_function(self, interactions):
        if interactions is None:
            return None
        if not isinstance(interactions, Mapping):
            interactions = dict.fromkeys(self.functions, interactions)
        unknown = set(interactions) - set(self.functions)
        if unknown:
            raise ValueError(
                f"interactions must be of the functions {self.functions}. "
                f"Received: interactions of {sorted(unknown)}"
            )
        return {
            name: tuple(tuple(interaction) for interaction in interactions.get(name, ()))
            for name in self.functions
        }

    def _check_interactions(self):
        fields, order = self.fields, self.order
        for name, interactions in (self.interactions or {}).items():
            seen = set()
            for interaction in interactions:
                unknown = [field for field in interaction if field not in fields]
                if unknown:
                    raise ValueError(
                        f"An interaction's fields must be of {fields}. "
                        f"Received: {interaction} of {name}, with unknown {unknown}"
                    )
                if len(set(interaction)) != order or len(interaction) != order:
                    raise ValueError(
                        f"An interaction of order {order} has {order} distinct fields. "
                        f"Received: {interaction} of {name}"
                    )
                if frozenset(interaction) in seen:
                    raise ValueError(
                        f"Interactions must not repeat. Received: {interaction} of {name} twice"
                    )
                seen.add(frozenset(interaction))

    @property
    def units(self):
        """`(function, interaction)` of each output column."""
        return [(name, q) for name in self.functions for q in self._candidates()[name]]

    def _candidates(self):
        if self.interactions is not None:
            return self.interactions
        return dict.fromkeys(self.functions, tuple(itertools.combinations(self.fields, self.order)))

    def build(self, input_shape):
        if len(input_shape) not in (3, 4):
            raise ValueError(
                "GatedInteraction takes embeddings of shape (batch, functions, fields, dim) or "
                f"(batch, fields, dim). Received: shape {tuple(input_shape)}"
            )
        num_fields, self.embedding_dim = input_shape[-2:]
        if len(input_shape) == 4 and input_shape[1] not in (1, len(self.functions)):
            raise ValueError(
                f"The embeddings must have one slice for all functions or {len(self.functions)}, "
                f"one each of {self.functions}. Received: {input_shape[1]}"
            )
        if self.fields is None:
            self.fields = tuple(range(num_fields))
            check_candidates(self.functions, self.order, self.fields)
            self._check_interactions()
        if len(self.fields) != num_fields:
            raise ValueError(
                f"fields must name the {num_fields} fields of the input. "
                f"Received: fields={self.fields}"
            )
        position = {field: i for i, field in enumerate(self.fields)}
        self._positions, self.kernels = [], []
        for function in self._functions:
            positions = np.array(
                [[position[field] for field in q] for q in self._candidates()[function.name]],
                dtype="int32",
            ).reshape(-1, self.order)
            self._positions.append(positions)
            self.kernels.append(self._add_kernel(function, len(positions)))
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

    def call(self, inputs, training=False):
        slices = _slices(inputs)
        operands = [
            (function, (slices[0 if len(slices) == 1 else k], positions, kernel))
            for k, (function, positions, kernel) in enumerate(
                zip(self._functions, self._positions, self.kernels, strict=True)
            )
            if len(positions)
        ]
        nothing = ops.zeros((ops.shape(inputs)[0], 0), self.compute_dtype)
        if self.summed and not self.return_products and not (self.gated and training):
            return ops.sum(nothing, axis=1, keepdims=True) + self._weighted_sum(operands)
        values, products = [nothing], [nothing]
        for function, of_function in operands:
            if function.values and not self.return_products:
                values.append(function.values(*of_function))
            else:
                product = function.products(*of_function)
                values.append(ops.sum(product, axis=-1))
                products.append(ops.reshape(product, (-1, product.shape[1] * product.shape[2])))
        outputs = self._outputs(ops.concatenate(values, axis=1), training)
        if self.return_products:
            return outputs, ops.concatenate(products, axis=1)
        return outputs

    def _outputs(self, values, training):
        if not self.gated:
            return ops.sum(values, axis=1, keepdims=True) if self.summed else values
        centred, scale = self.batch_norm.centre(values, training)
        scale = scale * self.alpha
        outputs = ops.matmul(centred, scale[:, None]) if self.summed else centred * scale
        return ops.cast(outputs, self.compute_dtype)

    def _weighted_sum(self, operands):
        """The sum of the columns, with batch norm and gates as weights of the values."""
        total, start = 0, 0
        if self.gated:
            norm = self.batch_norm
            scale = self.alpha * ops.rsqrt(norm.moving_variance + norm.epsilon)
            total = -ops.cast(ops.sum(scale * norm.moving_mean), self.compute_dtype)
            scale = ops.cast(scale, self.compute_dtype)
        for function, of_function in operands:
            stop = start + len(of_function[1])
            weights = scale[start:stop] if self.gated else None
            if function.weighted_sum:
                total += function.weighted_sum(*of_function, weights)
            else:
                values = ops.sum(function.products(*of_function), axis=-1)
                weights = ops.ones((stop - start,), values.dtype) if weights is None else weights
                total += ops.matmul(values, weights[:, None])
            start = stop
        return total

    def gates(self):
        """`{function: {interaction: alpha}}`; every alpha is 1 where there are none."""
        units = self.units
        alpha = ops.convert_to_numpy(self.alpha) if self.gated else np.ones(len(units))
        gates = {name: {} for name in self.functions}
        for (name, interaction), value in zip(units, alpha.tolist(), strict=True):
            gates[name][interaction] = value
        return gates

    def compute_output_shape(self, input_shape):
        batch = input_shape[0]
        outputs = (batch, 1 if self.summed else len(self.units))
        if not self.return_products:
            return outputs
        width = sum(interaction_function(k).product_width(input_shape[-1]) for k, _ in self.units)
        return outputs, (batch, width)

    def get_config(self):
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
            "epsilon": self.epsilon,
            "momentum": self.momentum,
        }


def _slices(inputs):
    """The embeddings of each function, or of all: `(batch, fields, dim)` each."""
    if len(inputs.shape) == 3:
        return [inputs]
    if inputs.shape[1] == 1:
        return [ops.squeeze(inputs, axis=1)]
    return ops.unstack(inputs, axis=1)  # A slice's gradient would be as large as the input.
