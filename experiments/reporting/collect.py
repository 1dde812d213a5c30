"""What the folder of a run holds, for a report."""

import collections
import dataclasses
import json
import math
import pathlib
import re
import zipfile

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util

from aim_keras import analysis
from aim_keras.architecture import Architecture
from aim_keras.feature_groups import FeatureGroups
from aim_keras.fields import as_fields
from aim_keras.pair_operations import PairOperations

CURVES = {  # quantity: (folder of the TensorBoard events, tag)
    "loss": ("train", "epoch_loss"),
    "auc": ("validation", "epoch_auc"),
    "log_loss": ("validation", "epoch_log_loss"),
}
NEEDED = ("metrics.json", "requested.gin", "config.gin", "model.keras")
FOUND = {kind.FORMAT: kind for kind in (Architecture, FeatureGroups, PairOperations)}


@dataclasses.dataclass(frozen=True)
class Gates:
    """The history of one gate variable: `values` is `[step][gate]`."""

    path: str
    steps: list
    thresholds: list
    values: list
    units: list | None


@dataclasses.dataclass(frozen=True)
class Training:
    """A stage, or one of a stage's searches with several seeds: `curves` is `{quantity: {epoch:
    value}}`."""

    name: str
    curves: dict
    gates: list

    @property
    def searched(self):
        return self.name.startswith("search_")


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run.

    `found` is what its architecture.json holds, or `None` of a model that has none; `searched` the
    architecture that the search of an order's interactions found.
    """

    name: str
    path: pathlib.Path
    metrics: dict
    found: Architecture | FeatureGroups | PairOperations | None
    searched: dict
    analysis: dict | None
    trainings: list
    model: str
    fields: dict
    sharing: dict
    dataset: str
    seed: str
    configuration: str
    bytes: int

    def kept(self, order):
        """`{interaction: {function: |alpha|}}`, alpha `None` where no search gave it one."""
        source = self.searched.get(order, self.found)
        has_alpha = isinstance(source, Architecture) and source.alpha is not None
        alpha = source.importance(order) if has_alpha else {}
        kept = collections.defaultdict(dict)
        for function, interaction in self.found.units(order):
            kept[interaction][function] = alpha.get((function, interaction))
        return dict(kept)

    @property
    def functions(self):
        """Candidate functions, or operations; none of a model without them."""
        if isinstance(self.found, Architecture):
            return self.found.functions
        return tuple(getattr(self.found, "operations", ()))

    @property
    def orders(self):
        """The orders of kept interactions between two fields or more."""
        return self.found.orders if self.functions else ()

    def possible(self, order):
        """The number of all interactions of an order."""
        return math.comb(len(self.fields), order)

    def dimensions(self):
        """The rows of `dimension_by_vocabulary`; none of what is no `Architecture`."""
        if not isinstance(self.found, Architecture):
            return []
        sizes = {name: field.size for name, field in self.fields.items()}
        return analysis.dimension_by_vocabulary(
            self.found, sizes, read_embeddings=False, **self.sharing
        )


def read(run_dir, name=None):
    """The run in a folder, under a name, that of the folder by default.

    Raises:
        ValueError: if it is no finished run, naming what is missing, or holds a malformed file.
    """
    path = pathlib.Path(run_dir)
    if missing := [file for file in NEEDED if not (path / file).exists()]:
        raise ValueError(
            "The folder must hold a finished run of experiments.train. "
            f"Received: {path}, without {', '.join(missing)}"
        )
    metrics = _json(path / "metrics.json")
    stages = [path / "stages" / record["stage"] for record in metrics["stages"]]
    model = _model(path / "model.keras")
    requested = (path / "requested.gin").read_text(encoding="utf-8")
    served = [file for file in (path / "saved_model").rglob("*") if file.is_file()]
    return Run(
        name=name or path.resolve().name,
        path=path,
        metrics=metrics,
        found=_found(path / "architecture.json"),
        searched=dict(filter(None, map(_searched, stages))),
        analysis=_json(path / "analysis.json"),
        trainings=[training for stage in stages for training in _trainings(stage)],
        model=model["class_name"],
        fields=as_fields(model["config"]["vocabulary_sizes"]),
        sharing={k: bool(model["config"].get(k)) for k in ("shared_embedding", "share_orders")},
        dataset=_comment(requested, "Data"),
        seed=_comment(requested, "Seed"),
        configuration=(path / "config.gin").read_text(encoding="utf-8"),
        bytes=sum(file.stat().st_size for file in served),
    )


def read_named(run):
    """The run of `FOLDER` or `NAME=FOLDER`, as a binary takes it."""
    name, _, folder = run.rpartition("=")
    return read(folder, name or None)


def _json(path):
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must be JSON: {error}") from error


def _found(path):
    content = _json(path)
    if content is None:
        return None
    return FOUND.get(content.get("format"), Architecture).load(path)


def _searched(stage):
    match = re.fullmatch(r"search_interactions_(\d+)", stage.name)
    return match and (int(match[1]), Architecture.load(stage / "architecture.json"))


def _model(path):
    with zipfile.ZipFile(path) as file:
        return json.loads(file.read("config.json"))


def _comment(configuration, name):
    (value,) = re.findall(rf"^# {name}: (.*)$", configuration, re.MULTILINE)
    return value


def _trainings(stage):
    folders = sorted(stage.glob("seed_*"), key=lambda path: int(path.name.split("_")[1]))
    for folder in folders or [stage]:
        events = folder / "tensorboard"
        curves = {name: _scalars(events / of, tag) for name, (of, tag) in CURVES.items()}
        yield Training(
            name=str(folder.relative_to(stage.parent)),
            curves={name: curve for name, curve in curves.items() if curve},
            gates=_gates(folder / "gates.jsonl"),
        )


def _scalars(folder, tag):
    """`{step: value}`; of a step that was repeated after an interruption the last value."""
    values = {}
    for path in sorted(folder.glob("events*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.tag == tag:
                    values[event.step] = float(tensor_util.make_ndarray(value.tensor))
    return dict(sorted(values.items()))


def _gates(path):
    if not path.exists():
        return []
    header, *rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [
        Gates(
            path=gate,
            steps=[row["step"] for row in rows],
            thresholds=[row["threshold"] for row in rows],
            values=[row["values"][gate] for row in rows],
            units=about["units"],
        )
        for gate, about in header["gates"].items()
        if math.prod(about["shape"])
    ]
