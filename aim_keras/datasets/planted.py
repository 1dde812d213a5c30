r"""Generated clicks with known interactions, functions and informative dimensions: no download.

Each field `f` has latent vectors `e_f` per value and interaction function, of which only the first
`d_f` dimensions are not 0, and whose mean over the field's values is 0. With

    inner            u = sum_j prod_r e_rj
    vector_kernel    u = sum_j kappa_j prod_r e_rj
    scalar_kernel    u = kappa sum_j prod_r e_rj
    outer            u = prod_r (w_r . e_r), w_r drawn for each unit

of the fields `r` of a unit, each scaled to the standard deviation `strength`,

    logit = bias + sum_f main_f + sum_units u,    label ~ Bernoulli(sigmoid(logit)).

Fields are drawn independently, so zero means make every unit's expectation given all but one of its
fields 0: a unit of order p carries signal of order p and of no lower one.
"""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from aim_keras import metrics
from aim_keras.arguments import checked_integer
from aim_keras.datasets.blocks import SPLITS, BlockBuilder
from aim_keras.datasets.config import Config
from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical

FUNCTIONS = ("inner", "outer", "vector_kernel", "scalar_kernel")
CHUNK_ROWS = 1 << 16
VOCABULARY = (12, 16, 20, 24, 28, 32, 36, 40, 20, 30)
INFORMATIVE = (2, 3, 4)  # dimensions of the fields, in turn
UNITS = {
    2: (
        ("inner", ("f0", "f1")),
        ("inner", ("f2", "f5")),
        ("outer", ("f1", "f3")),
        ("outer", ("f4", "f6")),
        ("vector_kernel", ("f0", "f7")),
        ("scalar_kernel", ("f3", "f6")),
    ),
    3: (("inner", ("f0", "f1", "f2")), ("outer", ("f3", "f4", "f5"))),
    4: (("inner", ("f0", "f1", "f2", "f3")),),
}


class Planted(BlockBuilder, skip_registration=True):
    """Generated clicks; `info.metadata["planted"]` holds what was planted."""

    @property
    def field_names(self):
        return tuple(self.builder_config.options["vocabulary_sizes"])

    def _generate(self):
        options = self.builder_config.options
        world = _World(options)
        sizes = options["vocabulary_sizes"].values()
        self._encoding = Encoding(
            {
                name: Categorical(tuple(map(str, range(1, size + 1))))
                for name, size in zip(self.field_names, sizes, strict=True)
            }
        )
        logits, labels = [], []
        total = sum(options[f"num_{split}"] for split in SPLITS)
        with tqdm(total=total, desc=f"generating {self.name}", unit="row") as bar:
            for stream, split in enumerate(SPLITS, start=1):
                rng = np.random.default_rng([options["seed"], stream])
                for start in range(0, options[f"num_{split}"], CHUNK_ROWS):
                    rows = min(CHUNK_ROWS, options[f"num_{split}"] - start)
                    values = np.stack([rng.integers(size, size=rows) for size in sizes], 1)
                    logit = world.logits(values)
                    label = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.float32)
                    if split == "test":
                        logits.append(logit)
                        labels.append(label)
                    yield split, (values + 1).astype(np.int32), label
                    bar.update(rows)
        self._planted = {
            **world.truth,
            "bayes_auc": metrics.auc(np.concatenate(labels), np.concatenate(logits)),
        }

    def _facts(self):
        return {"planted": self._planted}


class _World:
    """The parameters that a seed draws, and the logits they give."""

    def __init__(self, options: Mapping[str, Any]):
        rng = np.random.default_rng([options["seed"], 0])
        sizes = options["vocabulary_sizes"]
        names = list(sizes)
        self._bias = options["bias"]
        self._main = [options["main_strength"] * _standard(rng, n, 1)[:, 0] for n in sizes.values()]
        informative = {name: INFORMATIVE[i % len(INFORMATIVE)] for i, name in enumerate(names)}
        latent = {
            (function, name): np.pad(
                _standard(rng, sizes[name], informative[name]),
                [(0, 0), (0, max(INFORMATIVE) - informative[name])],
            )
            for function in FUNCTIONS
            for name in names
        }
        self._units = []
        for function, fields in options["units"]:
            columns = [names.index(field) for field in fields]
            factors = [latent[function, field] for field in fields]  # (values, dim) each
            if function == "outer":
                factors = [e @ rng.normal(size=(e.shape[1], 1)) for e in factors]
            kappa = rng.normal(size=factors[0].shape[1]) if function == "vector_kernel" else 1.0
            moments = [e.T @ e / len(e) for e in factors]  # (dim, dim) each
            scale = np.sum(math.prod(moments) * np.outer(kappa, kappa)) ** -0.5
            factors[0] = factors[0] * (kappa * scale * options["strength"])
            self._units.append((columns, factors))
        units = options["units"]
        used = {field for _, fields in units for field in fields}
        combinations = sorted({tuple(map(names.index, fields)) for _, fields in units})
        interactions: dict[str, list] = {}
        for columns in sorted(combinations, key=len):
            interactions.setdefault(str(len(columns)), []).append([names[c] for c in columns])
        self.truth = {
            "interactions": interactions,
            "functions": [[function, list(fields)] for function, fields in units],
            "dimensions": {name: informative[name] * (name in used) for name in names},
        }

    def logits(self, values: np.ndarray) -> np.ndarray:
        """Values, `(rows, F)` from 0, to logits, `(rows,)`."""
        logit = np.full(len(values), float(self._bias))
        for column, effect in enumerate(self._main):
            logit += effect[values[:, column]]
        for columns, factors in self._units:
            logit += math.prod(e[values[:, c]] for c, e in zip(columns, factors, strict=True)).sum(
                1
            )
        return logit


def _standard(rng: np.random.Generator, values: int, dimension: int) -> np.ndarray:
    """Normal `(values, dimension)` with columns of mean 0 and standard deviation 1."""
    vectors = rng.normal(size=(values, dimension))
    vectors -= vectors.mean(0)
    return vectors / vectors.std(0)


def builder(
    data_dir: str | os.PathLike | None = None,
    seed: int = 0,
    num_train: int = 100_000,
    num_valid: int = 20_000,
    num_test: int = 30_000,
    vocabulary: Sequence[int] = VOCABULARY,
    orders: Sequence[int] = (2,),
    units: Sequence[tuple[str, Sequence[str]]] | None = None,
    strength: float = 1.0,
    main_strength: float = 0.3,
    bias: float = -1.0,
) -> Planted:
    """TFDS builder of the planted data set, to be prepared with `download_and_prepare()`.

    Ids are 1 to the size of a field's vocabulary, uniformly drawn; id 0, out of vocabulary, never
    occurs. `info.metadata["planted"]` is `{"interactions": {"2": [[f, g], ...], ...}, "functions":
    [[function, [f, g]], ...], "dimensions": {field: count}, "bayes_auc": AUC of the true logits on
    the test rows}`; a field in no unit has 0 informative dimensions.

    Args:
        data_dir: folder of prepared data sets. Defaults to TFDS's.
        seed: int >= 0, draws the parameters and, separately for each split, the rows.
        num_train: int >= 1, rows. Defaults to 100,000.
        num_valid: int >= 1, rows. Defaults to 20,000.
        num_test: int >= 1, rows. Defaults to 30,000.
        vocabulary: number of values of each field, each >= 5; the fields are named f0, f1, ...
            Defaults to 10 fields of 12 to 40 values.
        orders: orders of the default units: 2, 3 or 4. Defaults to (2,), 6 units.
        units: sequence of (function, field names) of any order >= 2 in place of the default ones;
            functions are inner, outer, vector_kernel and scalar_kernel.
        strength: float > 0, standard deviation of each unit's logit. Defaults to 1.
        main_strength: float >= 0, standard deviation of each field's main effect. Defaults to 0.3.
        bias: float. Defaults to -1.

    Raises:
        ValueError: for an option out of range, an unknown function or field, and a unit that is
            given twice or holds a field twice.
    """
    sizes = {f"f{i}": int(size) for i, size in enumerate(vocabulary)}
    if unknown := [order for order in orders if order not in UNITS]:
        raise ValueError(f"orders must be among {', '.join(map(str, UNITS))}. Received: {unknown}")
    if units is None:
        units = [unit for order in orders for unit in UNITS[order]]
    units = [(function, sorted(fields, key=_position(sizes))) for function, fields in units]
    options = {
        "seed": seed,
        "num_train": num_train,
        "num_valid": num_valid,
        "num_test": num_test,
        "vocabulary_sizes": sizes,
        "units": units,
        "strength": strength,
        "main_strength": main_strength,
        "bias": bias,
    }
    _check(options)
    return Planted(config=Config.of(options, {}), data_dir=data_dir)


def _position(sizes: Mapping[str, int]):
    names = list(sizes)
    return lambda field: names.index(field) if field in sizes else len(names)


def _check(options: Mapping[str, Any]) -> None:
    least = {"seed": 0, "num_train": 1, "num_valid": 1, "num_test": 1}
    for name, minimum in least.items():
        checked_integer(name, options[name], minimum)
    if not 0 < options["strength"] < math.inf:
        raise ValueError(f"strength must be > 0 and finite. Received: {options['strength']!r}")
    if not 0 <= options["main_strength"] < math.inf or not math.isfinite(options["bias"]):
        raise ValueError(
            "main_strength must be >= 0 and, like bias, finite. Received: "
            f"main_strength={options['main_strength']!r}, bias={options['bias']!r}"
        )
    sizes = options["vocabulary_sizes"]
    if not sizes or min(sizes.values()) <= max(INFORMATIVE):
        raise ValueError(
            f"Every field must have more than {max(INFORMATIVE)} values. Received: "
            f"vocabulary={tuple(sizes.values())}"
        )
    seen = set()
    for function, fields in options["units"]:
        unit = (function, tuple(fields))
        if function not in FUNCTIONS or set(fields) - sizes.keys():
            raise ValueError(
                f"A unit must be one of {', '.join(FUNCTIONS)} and fields among "
                f"{', '.join(sizes)}. Received: {unit}"
            )
        if len(fields) < 2 or len(set(fields)) < len(fields) or unit in seen:
            raise ValueError(f"A unit must be of 2 or more fields, and unique. Received: {unit}")
        seen.add(unit)
