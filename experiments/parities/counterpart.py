"""A peer's model that is one of ours, and how its weights become ours."""

import dataclasses
import fnmatch
from collections.abc import Callable

import numpy as np

from aim_keras.layers import FunctionWiseEmbedding

SIZES = {"f0": 7, "f1": 3, "f2": 11, "f3": 2, "f4": 5, "f5": 6}
DIM = 4
HIDDEN = (16, 8)  # of an MLP
CIN = (5, 3)
CROSS_LAYERS = 2
STREAMS = ((8, 6), (4,))  # hidden layers of FinalMLP's two MLPs
CONTEXTS = (("f0",), ("f1", "f3"))  # context fields of each
GATE_UNITS = (5,)
ATTENTION_LAYERS = 2
GRAPH_STEPS = 2
NO_BIAS = np.zeros(1, "float32")

IPNN_DIFFERS = (
    "Has the products of two different fields, as ours and the authors' code; the paper's also "
    "have each field's with itself."
)
NFM_DIFFERS = "Has no batch norm of the pooled products, which ours has by `normalize_pooled`."


@dataclasses.dataclass(frozen=True)
class Counterpart:
    """A peer's model over `SIZES` that computes what one of ours does.

    Args:
        ours: Callable that gives our model.
        theirs: The name of the peer's class.
        options: The arguments of its constructor that are not the peer's defaults.
        weights: Callable `PeerWeights -> {path: value}`, a value for each weight of our model. An
            embedding has `<layer>/tables`, `[function][field] -> (ids, dim)`, and where it has a
            linear term `<layer>/linear`, `[field] -> (ids, 1)`.
        absent: Patterns of the peer's weights that our model has not: they are zero.
        differs: What the peer's model has otherwise than ours or its paper, in one sentence.
    """

    ours: Callable
    theirs: str
    weights: Callable
    options: dict = dataclasses.field(default_factory=dict)
    absent: tuple[str, ...] = ()
    differs: str = ""


class PeerWeights:
    """A peer's weights by name, and which of them were not read yet.

    Args:
        arrays: `{name: array}`.
        absent: Patterns of the names that need not be read: they are zero.
    """

    def __init__(self, arrays, absent=()):
        self._arrays = dict(arrays)
        self.unread = {
            name for name in arrays if not any(fnmatch.fnmatchcase(name, p) for p in absent)
        }

    def __getitem__(self, name):
        if name not in self._arrays:
            raise ValueError(
                f"A mapping must read the peer's weights, {sorted(self._arrays)}. Received: {name}"
            )
        self.unread.discard(name)
        return self._arrays[name]

    def of_fields(self, pattern):
        """The array of each field, whose name takes the place of `{}`."""
        return [self[pattern.format(field)] for field in SIZES]


def dense(layer, kernel, bias=None):
    """Our `Dense` layer's weights from those of a `torch.nn.Linear`, which are transposed."""
    return {f"{layer}/kernel": kernel.T} | ({} if bias is None else {f"{layer}/bias": bias})


def copy(values, model):
    """Gives our model the values of a mapping.

    Args:
        values: `{path: value}`, as `Counterpart.weights` gives them.
        model: Our model.

    Raises:
        ValueError: unless there is a value of its shape for each weight, and no other one.
    """
    wanted = {weight.path: weight.assign for weight in model.weights}
    for layer in model._flatten_layers():
        if isinstance(layer, FunctionWiseEmbedding):
            for table in layer.tables:
                del wanted[table.path]
            wanted[f"{layer.path}/tables"] = layer.set_embeddings
            if layer.linear:
                wanted[f"{layer.path}/linear"] = layer.set_linear
    if set(wanted) != set(values):
        raise ValueError(
            f"A mapping must give a value to each of our weights, {sorted(wanted)}. "
            f"Received: {sorted(values)}"
        )
    for path, assign in wanted.items():
        assign(values[path])
