"""The stages of a search, over any model."""

from collections.abc import Callable
from typing import Any

from aim_keras.architecture import Architecture
from aim_keras.arguments import checked_integer
from aim_keras.search.candidates import grow
from aim_keras.search.found import found_architecture


def search_architecture(
    build_model: Callable, fit: Callable, order: int = 2, grow: Callable = grow
) -> tuple[Architecture, object]:
    """AIM's stages over any model: interactions and functions, dimensions, re-training.

    Each stage builds a model with fresh weights and trains it; the gates that are not zero at the
    end of a stage are what the next one starts from. Interactions are searched order by order, the
    kept ones of the lower orders beside the candidates.

    Args:
        build_model: Callable `(architecture, search) -> model`. `architecture` is `None` in the
            first stage, for all pairs of fields; `search` is `"interactions"`, `"dimensions"`, and
            `None` in the last.
        order: Integer >= 2, the highest order of interactions. The search ends before it where
            nothing was kept, or all fields are in one interaction.
        grow: Callable `(architecture) -> architecture` that adds the candidates of the next order.
        fit: Callable `(model, search)` that compiles and trains the model: in a search with
            `with_gates(weights=..., gates=GRDA(...))`, in the last stage with any optimizer.

    Returns:
        The architecture, and the re-trained model.

    Raises:
        ValueError: on an `order` below 2.

    Example:

    ```pycon
    >>> def fit(model, search):
    ...     optimizer = keras.optimizers.Adam()
    ...     if search:
    ...         optimizer = with_gates(weights=optimizer, gates=GRDA(0.1, c=0.05, mu=0.6))
    ...     model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    ...     model.fit(train)
    >>> build_model = functools.partial(FM, vocabulary_sizes, functions=["inner", "outer"])
    >>> architecture, model = search_architecture(build_model, fit)
    ```

    Reference: AIM, section 3.5, Fig. 6.
    """
    order = checked_integer("order", order, least=2)
    architecture: Any = None
    for highest in range(2, order + 1):
        if architecture is not None:
            if highest - 1 not in architecture.orders or highest > len(architecture.fields):
                break
            architecture = grow(architecture)
        architecture = _searched(build_model, fit, architecture, "interactions")
    if architecture.orders:
        architecture = _searched(build_model, fit, architecture, "dimensions")
    model = build_model(architecture=architecture, search=None)
    fit(model, None)
    return architecture, model


def _searched(build_model, fit, architecture, search):
    model = build_model(architecture=architecture, search=search)
    fit(model, search)
    return found_architecture(model, architecture)
