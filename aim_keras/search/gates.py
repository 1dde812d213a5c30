"""The gate layers of a model."""

import numpy as np

from aim_keras.layers import DimensionGate, GatedInteraction, SoftDimension


def gate_layers(model, among=None):
    """The `GatedInteraction` and `DimensionGate` layers of a built model, in its order.

    Args:
        model: The model.
        among: Sequence of those layers of it that are wanted; all where `None`.

    Raises:
        ValueError: if `among` has another layer, there is no `GatedInteraction`, one is not built,
            or a gate is not finite.
    """
    layers = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, GatedInteraction | DimensionGate)
    ]
    if among is not None:
        if others := [layer for layer in among if layer not in layers]:
            raise ValueError(
                "layers must be GatedInteraction and DimensionGate layers of the model, "
                f"{[layer.path for layer in layers]}. Received: layers with {others}"
            )
        layers = [layer for layer in layers if layer in among]
    if not any(isinstance(layer, GatedInteraction) for layer in layers):
        raise ValueError(f"The model must have a GatedInteraction layer. Received: {model.name}")
    if not all(layer.built for layer in layers):
        raise ValueError(f"The model must be built. Received: {model.name}")
    soft = [layer.alpha for layer in layers if isinstance(layer, SoftDimension)]
    for gate in [*searched_gates(layers), *soft]:
        if not np.isfinite(gate.numpy()).all():
            raise ValueError(f"Gates must be finite. Received: {gate.path}={gate.numpy()}")
    return layers


def searched_gates(layers):
    """The variables of those layers whose entries a search closes, each by itself."""
    gates = []
    for layer in layers:
        if isinstance(layer, SoftDimension):
            continue
        if isinstance(layer, DimensionGate):
            gates.append(layer.beta)
        elif layer.gated and layer.searched:
            gates.append(layer.alpha)
    return gates
