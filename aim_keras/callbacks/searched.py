"""What the callbacks of a search have to know of the model."""

import collections

from aim_keras.optimizers.gate_optimizer import GateOptimizer, unwrapped


def searched(model, callback):
    """The `with_gates` optimizer of a model and its gates, for a callback of that name.

    Raises:
        ValueError: if the model was not compiled with `with_gates`.
    """
    optimizer = unwrapped(model)
    if not isinstance(optimizer, GateOptimizer):
        raise ValueError(
            f"`{callback}` needs a model that was compiled with `with_gates`. "
            f"Received: optimizer={optimizer}"
        )
    return optimizer, [v for v in model.trainable_variables if optimizer.is_gate(v)]


def steps_done(callback, optimizer):
    """The steps of a callback's optimizer, after which its variables and the model's can be read.

    In an epoch Keras's JAX trainer holds them, until the callback asks for its model.
    """
    _ = callback.model
    return int(optimizer.iterations.numpy())


def named(gates):
    """Gates by their paths, with a number where those of nested models have the same one."""
    seen, found = collections.Counter(), {}
    for gate in gates:
        found[f"{gate.path}_{seen[gate.path]}" if seen[gate.path] else gate.path] = gate
        seen[gate.path] += 1
    return found
