"""The search of AIM: interactions with their functions, then embedding dimensions."""

import dataclasses
import logging
from collections.abc import Callable

from aim_keras.architecture import Architecture
from aim_keras.layers import DimensionGate, GatedInteraction
from aim_keras.layers.interaction_functions import interaction_function

logger = logging.getLogger(__name__)

SEARCH_STAGES = ("interactions", "dimensions")


def read_gates(model) -> Architecture:
    """The architecture that a model's gates have found.

    Every `GatedInteraction` with gates keeps the units whose alpha is not zero, one without keeps
    all; every `DimensionGate` keeps the dimensions whose beta is not zero (paper Eq. 16 and 17).

    Args:
        model: A built Keras model, ours or a user's, with `GatedInteraction` layers.

    Raises:
        ValueError: if the model has no `GatedInteraction` or is not built, or its layers disagree
            on the fields or the embedding dimension.
    """
    layers = list(model._flatten_layers())
    interaction_layers = [layer for layer in layers if isinstance(layer, GatedInteraction)]
    dimension_gates = [layer for layer in layers if isinstance(layer, DimensionGate)]
    if not interaction_layers:
        raise ValueError(f"The model must have a GatedInteraction layer. Received: {model.name}")
    if not all(layer.built for layer in (*interaction_layers, *dimension_gates)):
        raise ValueError(f"The model must be built. Received: {model.name}")
    shapes = {(layer.fields, layer.embedding_dim) for layer in interaction_layers}
    if len(shapes) > 1:
        raise ValueError(
            "All GatedInteraction layers must have the same fields and embedding dimension. "
            f"Received: {sorted(shapes, key=str)}"
        )
    fields, embedding_dim = shapes.pop()
    interactions = {}
    for layer in interaction_layers:
        for function, kept in layer.kept_interactions().items():
            interactions[function] = (*interactions.get(function, ()), *_named(kept))
    dimensions = {}
    for layer in dimension_gates:
        by_function = dimensions.setdefault(layer.order, {})
        for function, of_field in layer.kept_dimensions().items():
            by_function[function] = {str(field): kept for field, kept in of_field.items()}
    return Architecture(
        tuple(str(field) for field in fields),
        tuple(interactions),
        embedding_dim,
        interactions,
        dimensions or None,
    )


def _named(interactions):
    return [tuple(str(field) for field in q) for q in interactions]


def drop_dead(architecture) -> tuple[Architecture, list]:
    """Drops the units whose value is zero whatever the features are.

    A unit is dead if one of its fields kept no dimension, or, where its function multiplies
    dimension by dimension, if its fields have no kept dimension in common.

    Returns:
        The architecture without them, and the dropped `(function, interaction)` pairs.
    """

    def is_dead(function, interaction):
        kept = architecture.kept_dimensions(len(interaction), function)
        positions = [set(kept[field]) for field in interaction]
        common = set.intersection(*positions)
        return not all(positions) or (interaction_function(function).elementwise and not common)

    units = [(k, q) for order in architecture.orders for k, q in architecture.units(order)]
    dead = [unit for unit in units if is_dead(*unit)]
    alive = {k: [q for kk, q in units if kk == k and (k, q) not in dead] for k, _ in units}
    return dataclasses.replace(architecture, interactions=alive), dead


def found_architecture(model, searched: Architecture | None = None) -> Architecture:
    """What a search stage hands to the next: `read_gates` without dead units, with a word on both.

    Args:
        model: The model whose gates were searched.
        searched: The architecture it was built from, whose candidate functions, data set and
            (where there are no gates on them) dimensions the result keeps; `None` for a model of
            all candidates.
    """
    architecture = read_gates(model)
    if searched is not None:
        architecture = dataclasses.replace(
            architecture,
            functions=searched.functions,
            dimensions=architecture.dimensions or searched.dimensions,
            dataset=searched.dataset,
        )
    architecture, dead = drop_dead(architecture)
    if dead:
        logger.warning("Dropped %d dead interactions: %s", len(dead), dead)
    if not architecture.orders:
        logger.warning(
            "Every interaction was pruned: the model goes on without any. A smaller threshold "
            "(GRDA's c or target_threshold) keeps more."
        )
    return architecture


def search_architecture(build_model: Callable, fit: Callable) -> tuple[Architecture, object]:
    """AIM's three stages over any model: interactions and functions, dimensions, re-training.

    Each stage builds a model with fresh weights and trains it; the gates that are not zero at the
    end of a stage are what the next one starts from.

    Args:
        build_model: Callable `(architecture, search) -> model`. `architecture` is `None` in the
            first stage, for all candidates; `search` is `"interactions"`, `"dimensions"`, and
            `None` in the last.
        fit: Callable `(model, search)` that compiles and trains the model: in a search with
            `with_gates(weights=..., gates=GRDA(...))`, in the last stage with any optimizer.

    Returns:
        The architecture, and the re-trained model.

    Example:

    >>> def fit(model, search):
    ...     optimizer = keras.optimizers.Adam()
    ...     if search:
    ...         optimizer = with_gates(weights=optimizer, gates=GRDA(0.1, c=0.05, mu=0.6))
    ...     model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    ...     model.fit(train)
    >>> build_model = functools.partial(FM, vocabulary_sizes, functions=["inner", "outer"])
    >>> architecture, model = search_architecture(build_model, fit)

    Reference: AIM, section 3.5, Fig. 6.
    """
    architecture = None
    for stage in SEARCH_STAGES:
        if architecture is not None and not architecture.orders:
            break
        model = build_model(architecture=architecture, search=stage)
        fit(model, stage)
        architecture = found_architecture(model, architecture)
    model = build_model(architecture=architecture, search=None)
    fit(model, None)
    return architecture, model
