"""The weights of a searched model as the start of its architecture's model."""

import keras
import numpy as np

from aim_keras.layers import (
    DimensionGate,
    FunctionWiseEmbedding,
    GatedInteraction,
    ParamFreeBatchNorm,
)
from aim_keras.layers.interaction_functions import interaction_function


def warm_start(model: keras.Model, source: keras.Model) -> None:
    """Gives a model of a found architecture the weights that it shares with the searched model.

    - Embeddings: the kept positions, for each function and field. Those behind a `DimensionGate`
      are what the gate made of them at inference, `beta * (e - mean) / sqrt(var + epsilon)`, so
      that a model without gates starts with the outputs of the searched one (but for dense and
      weighted fields, empty lists, and lists pooled by `sum` or `sqrtn`: there the mean is
      subtracted once, not for each id as often as it counts).
    - The linear term, where both models have one.
    - Interactions: the kernels and, where both models have them, the alphas and the moving
      averages of the batch norm. After a search of dimensions, which has neither, those of
      `model` stay as they are.
    - Any other layer: the weights of equal shapes in the layer of the same name, if there is one.
      The first kernel of an MLP over embeddings fits only where no dimension was pruned, and a
      batch norm only as a whole.

    Args:
        model: The model to start, `FM`, `DeepFM`, `IPNN` or one with their attribute
            `architecture` and the names of their layers.
        source: The trained model whose gates were searched, of the same kind.

    Raises:
        ValueError: if the models have other fields, or in another order; if an embedding or
            interaction layer of `model` has none to start from, or a layer has no weight that fits
            the one of the same name; if fields share a table, of which the source has gates or
            rows for each; what came before is copied.
    """
    fields = [[*getattr(one, "fields", ())] for one in (model, source)]
    if all(fields) and fields[0] != fields[1]:
        raise ValueError(
            f"The model must have the fields of the searched one, in their order, {fields[1]}. "
            f"Received: {fields[0]}"
        )
    for layer in model.layers:
        if not layer.weights:
            continue
        searched = next((other for other in source.layers if other.name == layer.name), None)
        if isinstance(layer, FunctionWiseEmbedding | GatedInteraction):
            _check(type(searched) is type(layer), layer, "there is no such layer")
        if isinstance(layer, FunctionWiseEmbedding):
            _copy_embeddings(model, layer, source, searched)
        elif isinstance(layer, GatedInteraction):
            _copy_interactions(layer, searched)
        elif searched is not None:
            _copy_equal_shapes(layer, searched)


def _copy_embeddings(model, layer, source, searched):
    for name in ("vocabulary_sizes", "embedding_dim"):
        ours, theirs = getattr(layer, name), getattr(searched, name)
        _check(ours == theirs, layer, f"{name}={theirs} for {ours}")
    of_source = _functions(source, searched)
    slices = []
    for functions in _functions(model, layer):
        shared = [i for i, others in enumerate(of_source) if set(functions) & set(others)]
        _check(shared, layer, f"an embedding for {of_source}, none for {functions}")
        slices.append(shared[0])
    values = _embeddings(source, searched)
    layer.set_embeddings([values[i] for i in slices])
    of_linear = next((x for x in source.layers if getattr(x, "linear", False)), None)
    if layer.linear and of_linear is not None:
        layer.set_linear(of_linear.get_linear())
        layer.bias.assign(of_linear.bias)


def _functions(model, layer):
    """The functions that each slice of an embedding layer is for."""
    prefix, *orders = layer.name.split("_")
    if prefix != "embedding":
        return [(i,) for i in range(layer.num_functions)]
    used = {k for order in orders for k in model.get_layer(f"interaction_{order}").functions}
    functions = [k for k in model.architecture.functions if k in used]
    if layer.num_functions == len(functions):
        return [(k,) for k in functions]
    return [tuple(functions)]


def _embeddings(model, layer):
    """What the model's interactions read: `values[function][field]`, an array `(ids, dim)`."""
    values = layer.get_embeddings()
    gates = {other.name: other for other in model.layers if isinstance(other, DimensionGate)}
    gate = gates.get(layer.name.replace("embedding", "dimension_gate"))
    if gate is None:
        return values
    shape = (layer.num_functions, len(layer.vocabulary_sizes), layer.embedding_dim)
    scale, shift = (np.broadcast_to(part, shape) for part in gate.affine())
    return [
        [scale[k, i] * e + shift[k, i] for i, e in enumerate(of_field)]
        for k, of_field in enumerate(values)
    ]


def _copy_interactions(layer, searched):
    units = searched.units
    missing = [unit for unit in layer.units if unit not in units]
    _check(not missing, layer, f"no {missing[:1]}")
    if layer.gated and searched.gated:
        columns = [units.index(unit) for unit in layer.units]
        pairs = [(layer.alpha, searched.alpha)]
        pairs += zip(layer.batch_norm.weights, searched.batch_norm.weights, strict=True)
        for ours, theirs in pairs:
            value = theirs.numpy()
            ours.assign(value[columns] if value.ndim else value)
    kernels = dict(zip(searched.functions, searched.kernels, strict=True))
    for name, kernel in zip(layer.functions, layer.kernels, strict=True):
        if kernel is not None:
            kept, candidates = ([q for k, q in x.units if k == name] for x in (layer, searched))
            axis = _interaction_axis(interaction_function(name), layer)
            value = kernels[name].numpy()
            if axis is not None:
                value = value.take([candidates.index(q) for q in kept], axis)
            kernel.assign(value)


def _interaction_axis(function, layer):
    """The axis of a kernel that has an entry for each interaction, `None` without one."""
    one, two = (function.kernel_shape(n, layer.order, layer.embedding_dim) for n in (1, 2))
    return next((axis for axis, (a, b) in enumerate(zip(one, two, strict=True)) if a != b), None)


def _copy_equal_shapes(layer, searched):
    weights = {w.path: w for w in searched.weights}
    pairs = [(w, weights[w.path]) for w in layer.weights if w.path in weights]
    fitting = [(ours, theirs) for ours, theirs in pairs if ours.shape == theirs.shape]
    if isinstance(layer, ParamFreeBatchNorm):
        fitting = fitting if len(fitting) == len(layer.weights) else []
    else:
        shapes = [tuple(w.shape) for w in searched.weights]
        _check(fitting, layer, f"weights of the shapes {shapes}")
    for ours, theirs in fitting:
        ours.assign(theirs)


def _check(fits, layer, received):
    if not fits:
        raise ValueError(
            f"The layer {layer.name!r} must have weights to start from in the searched model. "
            f"Received: {received}"
        )
