"""What the gates of a searched model have found."""

import dataclasses
import logging
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from aim_keras.architecture import Architecture
from aim_keras.layers import DimensionGate, GatedInteraction, SoftDimension
from aim_keras.layers.interaction_functions import interaction_function
from aim_keras.optimizers.gate_optimizer import unwrapped
from aim_keras.search.gates import gate_layers, searched_gates

NOTHING_KEPT = (
    "Every interaction was pruned: the model goes on without any. A smaller threshold (GRDA's c or "
    "target_threshold) keeps more."
)

SHOWN = 3  # dropped units in a warning

logger = logging.getLogger(__name__)


def read_gates(
    model: keras.Model,
    threshold: float = 0.0,
    layers: Sequence[keras.layers.Layer] | None = None,
) -> Architecture:
    """The architecture that a model's gates have found.

    Every searched `GatedInteraction` keeps the units with `|alpha| > threshold`, any other keeps
    all; every `DimensionGate` keeps the dimensions with `|beta| > threshold` (paper Eq. 16 and
    17). GRDA subtracts its own threshold from every gate, so a positive `threshold` is what a
    larger one of GRDA's would have kept at that step.

    It warns if every interaction was pruned, and, of a trained model, if the search cannot have
    worked: `threshold` is zero and no gate is, or a batch norm has never seen a batch in training.

    Args:
        model: A built Keras model, ours or a user's, with `GatedInteraction` layers.
        threshold: Float >= 0.
        layers: Sequence of the model's `GatedInteraction` and `DimensionGate` layers to read, such
            as those of one of several heads; all where `None`.

    Raises:
        ValueError: if the model has no `GatedInteraction` or is not built, `layers` has another
            layer, the layers disagree on the fields or the embedding dimension, a function has two
            `GatedInteraction` or two `DimensionGate` of one order, or a `DimensionGate` is of no
            order that has interactions, or a gate is not a finite number.
    """
    read = gate_layers(model, layers)
    _warn(unwrapped(model), read, threshold)
    architecture = _read(read, threshold)
    if not architecture.orders:
        logger.warning(NOTHING_KEPT)
    return architecture


def _read(layers, threshold):
    interaction_layers = [layer for layer in layers if isinstance(layer, GatedInteraction)]
    shapes: set[tuple] = {(layer.fields, layer.embedding_dim) for layer in interaction_layers}
    if len(shapes) > 1:
        raise ValueError(
            "All GatedInteraction layers must have the same fields and embedding dimension. "
            f"Received: {sorted(shapes, key=str)}"
        )
    fields, embedding_dim = shapes.pop()
    interactions: dict[str, Any] = {}
    alpha: dict[str, Any] = {}
    dimensions: dict[int, Any] = {}
    _check_heads(interaction_layers)
    for layer in layers:
        if isinstance(layer, DimensionGate):
            kept = {
                function: {str(field): positions for field, positions in of_field.items()}
                for function, of_field in layer.kept_dimensions(threshold).items()
            }
            _add_dimensions(dimensions, layer, kept)
            continue
        for function, gates in layer.gates().items():
            least = threshold if layer.searched and layer.gated else -math.inf
            kept = {q: value for q, value in gates.items() if abs(value) > least}
            interactions.setdefault(function, []).extend(tuple(map(str, q)) for q in kept)
            alpha.setdefault(function, []).extend(kept.values())
    _check_orders(layers)
    return Architecture(
        tuple(map(str, fields)),
        tuple(interactions),
        embedding_dim,
        interactions,
        dimensions or None,
        alpha if all(layer.gated for layer in interaction_layers) else None,
    )


def _check_heads(layers):
    first: dict[tuple, Any] = {}
    for layer in layers:
        for function in layer.functions:
            other = first.setdefault((layer.order, function), layer)
            if other is not layer:
                raise ValueError(
                    "A function must have one GatedInteraction of an order: of a model of several "
                    f"heads read the `layers` of one. Received: {other.path} and {layer.path}, "
                    f"both of {function}, order {layer.order}"
                )


def _add_dimensions(dimensions, layer, kept):
    for order in layer.orders:
        of_order = dimensions.setdefault(order, {})
        if twice := sorted(set(kept) & set(of_order)):
            raise ValueError(
                "A function must have one DimensionGate of an order. "
                f"Received: {layer.path} of order {order}, functions {twice}, which have another"
            )
        of_order |= kept


def _check_orders(layers):
    orders = {layer.order for layer in layers if isinstance(layer, GatedInteraction)}
    for layer in layers:
        if isinstance(layer, DimensionGate) and not orders & set(layer.orders):
            raise ValueError(
                f"A DimensionGate must be of the orders of interactions, {sorted(orders)}. "
                f"Received: {layer.path} of orders={layer.orders}"
            )


def _warn(optimizer, layers, threshold):
    if optimizer is None or not _count(optimizer.iterations):
        return
    gates = searched_gates(layers)
    if gates and not threshold and all(np.all(gate.numpy()) for gate in gates):
        now = getattr(getattr(optimizer, "gates_optimizer", None), "threshold", None)
        logger.warning(
            "No gate is zero, so all are kept: they are pruned by the `GRDA` of "
            "`with_gates(weights, GRDA(...))`, and by its `target_threshold` only after all of its "
            "`total_steps`. Received: optimizer=%s, threshold=%s",
            type(optimizer).__name__,
            now,
        )
    for layer in layers:
        if isinstance(layer, SoftDimension) and not np.any(layer.alpha.numpy()):
            logger.warning(
                "All gates of %s are zero, where they started: `GRDA` keeps them there. Train them "
                "by another optimizer, `with_gates(weights, Adam(...))`.",
                layer.path,
            )
        norm = getattr(layer, "batch_norm", None)
        if norm is not None and layer.trainable and not _count(norm.batches_seen):
            logger.warning(
                "The batch norm of %s was never called with `training=True`, so its gates mean "
                "nothing: the `call` of a model of one's own needs an argument `training`.",
                layer.path,
            )


def _count(variable):
    """Its integer, where the variable has a copy on each of several devices too."""
    return int(keras.ops.convert_to_numpy(variable))


def drop_dead(architecture: Architecture) -> tuple[Architecture, list]:
    """Drops the units whose value is zero whatever the features are.

    A unit of AIM's functions is dead if one of its fields kept no dimension, or, where its
    function multiplies dimension by dimension, if its fields have no kept dimension in common; one
    of a registered function is dead if its `live_products` says so.

    Returns:
        The architecture without them, and the dropped `(function, interaction)` pairs.
    """

    def is_dead(function, interaction):
        kept = architecture.kept_dimensions(len(interaction), function)
        kept = [kept[field] for field in interaction]
        return not interaction_function(function).live(kept, architecture.embedding_dim)

    units = architecture.units()
    dead = [unit for unit in units if is_dead(*unit)]
    return architecture.keep(set(units) - set(dead)), dead


def found_architecture(
    model: keras.Model,
    searched: Architecture | None = None,
    threshold: float = 0.0,
    quiet: bool = False,
    layers: Sequence[keras.layers.Layer] | None = None,
) -> Architecture:
    """What a search stage hands to the next: `read_gates` without dead units, which are logged.

    Args:
        model: The model whose gates were searched.
        searched: The architecture it was built from, whose candidate functions, data set and
            (where there are no gates on them) alphas and dimensions the result keeps; `None` for a
            model of all candidates.
        threshold: of `read_gates`.
        quiet: Boolean, whether nothing is logged.
        layers: of `read_gates`.
    """
    read = gate_layers(model, layers)
    if not quiet:
        _warn(unwrapped(model), read, threshold)
    architecture = _read(read, threshold)
    if searched is not None:
        alpha = architecture.alpha or searched.keep(architecture.units()).alpha
        architecture = dataclasses.replace(
            architecture,
            functions=searched.functions,
            dimensions=_common_dimensions(architecture, searched),
            alpha=alpha,
            dataset=searched.dataset,
        )
    architecture, dead = drop_dead(architecture)
    if dead and not quiet:
        more = f" and {len(dead) - SHOWN} more" if len(dead) > SHOWN else ""
        logger.warning("Dropped dead interactions: %s%s", dead[:SHOWN], more)
    if not architecture.orders and not quiet:
        logger.warning(NOTHING_KEPT)
    return architecture


def _common_dimensions(architecture, searched):
    """The dimensions that both keep: one that was pruned before has no value to gate."""
    if not (architecture.dimensions and searched.dimensions):
        return architecture.dimensions or searched.dimensions
    return {
        order: {
            function: {
                field: tuple(
                    sorted(set(kept) & set(searched.kept_dimensions(order, function)[field]))
                )
                for field, kept in of_field.items()
            }
            for function, of_field in by_function.items()
        }
        for order, by_function in architecture.dimensions.items()
    }
