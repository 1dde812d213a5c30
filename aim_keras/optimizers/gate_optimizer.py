"""One optimizer for the gates of a model, another one for all its other weights."""

import re
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="aim_keras")
class GateOptimizer(keras.optimizers.MultiOptimizer):
    """The optimizer that `with_gates` returns; see there."""

    def __init__(
        self,
        weights: keras.optimizers.Optimizer,
        gates: keras.optimizers.Optimizer,
        pattern: str,
        joint: bool = True,
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        _check_inner("weights", weights, loss_scale_factor)
        _check_inner("gates", gates, loss_scale_factor)
        if weights is gates:
            raise ValueError(
                "`weights` and `gates` must be two optimizers. "
                f"Received: the same instance {weights.name!r} for both"
            )
        try:
            re.compile(pattern)
        except (TypeError, re.error) as error:
            raise ValueError(
                f"`pattern` must be a regular expression. Received: pattern={pattern!r} ({error})"
            ) from error
        # An OptimizerMap and not a function of the variable, which Keras saves but cannot load.
        super().__init__(
            keras.optimizers.OptimizerMap(weights, {pattern: gates}),
            loss_scale_factor=loss_scale_factor,
            name=name,
        )
        self.pattern = pattern
        self.joint = joint
        self._weights_optimizer = weights
        self._gates_optimizer = gates

    @property
    def weights_optimizer(self) -> keras.optimizers.Optimizer:
        """The optimizer of all variables that are not gates."""
        return self._weights_optimizer

    @property
    def gates_optimizer(self) -> keras.optimizers.Optimizer:
        """The optimizer of the gates."""
        return self._gates_optimizer

    def is_gate(self, variable: keras.Variable) -> bool:
        """Whether `gates_optimizer` is the variable's."""
        return re.fullmatch(self.pattern, variable.path) is not None

    def build(self, var_list: Any) -> None:
        """Builds both optimizers, each for its variables."""
        if self.built:
            return
        if not any(map(self.is_gate, var_list)):
            raise ValueError(
                f"No variable's path matches the pattern of gates {self.pattern!r}. "
                f"Received: variables {[variable.path for variable in var_list]}"
            )
        super().build(var_list)

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Updates both groups, or without `joint` the weights alone."""
        if self.joint:
            super().apply(grads, trainable_variables)
            return
        if trainable_variables is None:
            trainable_variables = self._trainable_variables
        self.build(trainable_variables)
        weights = [
            (gradient, variable)
            for gradient, variable in zip(grads, trainable_variables, strict=True)
            if not self.is_gate(variable)
        ]
        if weights:  # none where all are frozen
            self.weights_optimizer.apply_gradients(weights)
        self._iterations.assign_add(1)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Leaves variables out of the weight decay of `weights_optimizer`."""
        self.weights_optimizer.exclude_from_weight_decay(var_list, var_names)

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the weights; the one of the gates is
        `gates_optimizer.learning_rate`."""
        return self.weights_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> Any:
        self.weights_optimizer.learning_rate = value

    # `variables` includes those of the inner optimizers, which Keras saves by themselves as well:
    # only our own ones are left to save.
    def save_own_variables(self, store: Any) -> None:
        for i, variable in enumerate(self._variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        for i, variable in enumerate(self._variables):
            variable.assign(store[str(i)])

    def get_config(self) -> dict[str, Any]:
        return {
            "weights": keras.saving.serialize_keras_object(self.weights_optimizer),
            "gates": keras.saving.serialize_keras_object(self.gates_optimizer),
            "pattern": self.pattern,
            "joint": self.joint,
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Any:
        inner = {
            key: keras.saving.deserialize_keras_object(config[key], custom_objects=custom_objects)
            for key in ("weights", "gates")
        }
        return cls(**{**config, **inner})


def unwrapped(model: keras.Model) -> Any:
    """The optimizer of a model: Keras puts a `LossScaleOptimizer` around it for `mixed_float16`."""
    optimizer = getattr(model, "optimizer", None)
    return getattr(optimizer, "inner_optimizer", optimizer)


def with_gates(
    weights: keras.optimizers.Optimizer,
    gates: keras.optimizers.Optimizer,
    pattern: str = r"(.*/)?gate_(alpha|beta)",
    joint: bool = True,
    loss_scale_factor: float | None = None,
) -> keras.optimizers.Optimizer:
    """Returns an optimizer that trains the gates of a model by `gates`, all else by `weights`.

    Every step computes all gradients at one point and then updates both groups, so that searching
    for an architecture is plain `compile` and `fit`. Clipping by a global norm, accumulation of
    gradients and schedules are those of the optimizer they were given to, over its own variables.

    `optimizer.learning_rate` reads and sets the learning rate of the weights;
    `optimizer.weights_optimizer` and `optimizer.gates_optimizer` are the two optimizers. Keras's
    callbacks `ReduceLROnPlateau` and `LearningRateScheduler` change the learning rates of both, and
    so GRDA's last threshold, too; under `mixed_float16` that of the weights alone.

    Args:
        weights: A new `keras.optimizers.Optimizer` for all variables but the gates.
        gates: A new `keras.optimizers.Optimizer` for the gates: `GRDA`, but for the gates of
            `SoftDimension` and `GroupInteraction`, which start near zero, another one like `Adam`.
        pattern: String, a regular expression that matches the whole path of a gate and of no other
            variable. Defaults to `r"(.*/)?gate_(alpha|beta)"`, the gates of this package's layers.
        joint: Boolean. `False` leaves the gates to the callback `GateSteps`, whose steps on other
            rows alternate with those of the weights.
        loss_scale_factor: Float or None, of `keras.optimizers.Optimizer`: one loss has one factor,
            so both optimizers leave it `None`.

    Returns:
        A `keras.optimizers.MultiOptimizer`.

    Raises:
        ValueError: If an optimizer is not a Keras optimizer, is already built, wraps others, has a
            loss scale factor of its own, or is given twice; if `pattern` is no regular expression;
            and, when the optimizer meets the model's variables, if none of them matches `pattern`.

    Example:

    ```python
    model.compile(
        with_gates(weights=keras.optimizers.Adam(1e-3), gates=GRDA(0.1, c=0.05, mu=0.6)),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    ```
    """
    return GateOptimizer(weights, gates, pattern, joint, loss_scale_factor)


def _check_inner(name, optimizer, loss_scale_factor):
    wrappers = (keras.optimizers.MultiOptimizer, keras.optimizers.LossScaleOptimizer)
    if not isinstance(optimizer, keras.optimizers.Optimizer) or isinstance(optimizer, wrappers):
        raise ValueError(
            f"`{name}` must be a keras.optimizers.Optimizer that wraps no others. "
            f"Received: {name}={optimizer}"
        )
    if optimizer.built:
        raise ValueError(
            f"`{name}` must be a new optimizer. "
            f"Received: {name}={optimizer.name!r}, which is already built for other variables"
        )
    if optimizer.loss_scale_factor not in (None, loss_scale_factor):
        raise ValueError(
            f"`{name}` must leave `loss_scale_factor` to `with_gates`. "
            f"Received: {name}.loss_scale_factor={optimizer.loss_scale_factor}"
        )
