"""A search's size: what it keeps within a budget, and what each size costs in quality."""

import bisect
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from aim_keras.architecture import Architecture
from aim_keras.arguments import checked_integer
from aim_keras.fields import Field
from aim_keras.layers import GatedInteraction
from aim_keras.search.found import found_architecture
from aim_keras.search.gates import gate_layers, searched_gates


def threshold_within(
    model: keras.Model,
    searched: Architecture | None = None,
    max_interactions: int | None = None,
    max_parameters: int | None = None,
    vocabulary_sizes: Mapping[str, int | Field] | None = None,
    **sharing: Any,
) -> float:
    """The smallest threshold at which what a searched model's gates keep is within a budget.

    Give it to `found_architecture`: the strongest gates are kept, as by a larger threshold of
    GRDA's, without another search.

    Args:
        model: The model whose gates were searched.
        searched: The architecture it was built from, `None` for a model of all candidates.
        max_interactions: Integer >= 0, the number of interactions of the searched order, whatever
            their functions; `None` for any number.
        max_parameters: Integer >= 0, the number of parameters in the embedding tables
            (`Architecture.embedding_parameters`); `None` for any number.
        vocabulary_sizes: `{field: number of ids}`, needed with `max_parameters`.
        **sharing: Arguments of `Architecture.embeddings`: what the re-trained model will share.

    Raises:
        ValueError: if no threshold meets the budget, or `vocabulary_sizes` is missing.
    """
    if max_parameters is not None and vocabulary_sizes is None:
        raise ValueError("vocabulary_sizes must be given with max_parameters. Received: None")

    layers = gate_layers(model)
    order = max(layer.order for layer in layers if isinstance(layer, GatedInteraction))

    def found(threshold):
        return found_architecture(model, searched, threshold, quiet=True)

    def fits(threshold):
        architecture = found(threshold)
        interactions = {q for _, q in architecture.units(order)}
        return (max_interactions is None or len(interactions) <= max_interactions) and (
            max_parameters is None
            or architecture.embedding_parameters(vocabulary_sizes, **sharing) <= max_parameters
        )

    thresholds = [0.0, *_magnitudes(model)]
    # Where nothing is kept, the embedding that is left may be larger than those before.
    emptied = bisect.bisect_left(
        thresholds, True, key=lambda threshold: not found(threshold).orders
    )
    for part in (thresholds[:emptied], thresholds[emptied:]):
        smallest = bisect.bisect_left(part, True, key=fits)
        if smallest < len(part):
            return part[smallest]
    raise ValueError(
        "No threshold on the gates meets the budget. Received: "
        f"max_interactions={max_interactions}, max_parameters={max_parameters}"
    )


def front(
    model: keras.Model, evaluate: Callable, searched: Architecture | None = None, points: int = 10
) -> list[dict]:
    """Quality against size of one searched model, without another search or re-training.

    At each threshold the gates up to it are closed and the model is evaluated with the weights of
    the search; then its gates are as they were.

    Args:
        model: The model whose gates were searched.
        evaluate: Callable `(model) -> metrics`, a mapping from name to number, such as
            `lambda model: rank_metrics(model, valid)`.
        searched: The architecture it was built from, `None` for a model of all candidates.
        points: Integer >= 1, the number of thresholds, fewer where there are not as many open
            gates: equal shares of them are closed from one to the next.

    Returns:
        For each threshold, from 0: `{"threshold", "architecture"}` and the metrics.
    """
    checked_integer("points", points)
    gates = searched_gates(gate_layers(model))
    values = [gate.numpy() for gate in gates]
    magnitudes = _magnitudes(model)
    ends = np.linspace(0, len(magnitudes), points, endpoint=False).astype(int)
    thresholds = [0.0 if end == 0 else magnitudes[end - 1] for end in np.unique(ends)]
    results = []
    try:
        for threshold in thresholds:
            for gate, value in zip(gates, values, strict=True):
                gate.assign(np.where(np.abs(value) > threshold, value, 0))
            found = found_architecture(model, searched, quiet=True)
            results.append({"threshold": threshold, "architecture": found, **evaluate(model)})
    finally:
        for gate, value in zip(gates, values, strict=True):
            gate.assign(value)
    return results


def _magnitudes(model):
    """`|gate|` of all open gates of a search, the smallest first."""
    gates = [np.abs(gate.numpy()).ravel() for gate in searched_gates(gate_layers(model))]
    magnitudes = np.concatenate([np.zeros(0, "float32"), *gates])
    return np.unique(magnitudes[magnitudes > 0]).tolist()
