"""What the folder of a run holds, for a report."""

import collections
import dataclasses
import math
import pathlib
import re
import zipfile
import zlib

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util

from aim_keras import analysis
from aim_keras.architecture import Architecture
from aim_keras.callbacks.gate_file import read_gate_history
from aim_keras.documents import file_within, parsed, read_json
from aim_keras.feature_groups import FeatureGroups
from aim_keras.fields import as_fields
from aim_keras.pair_operations import PairOperations
from experiments import folders, run_files
from experiments.reporting import agreement

CURVES = {  # quantity: (folder of the TensorBoard events, tag)
    "loss": ("train", "epoch_loss"),
    "auc": ("validation", "epoch_auc"),
    "log_loss": ("validation", "epoch_log_loss"),
}
DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError)
CONFIG_BYTES = 1 << 26  # of a model, unpacked; millions of kept interactions have less
NEEDED = (run_files.METRICS, run_files.REQUESTED, run_files.USED, run_files.MODEL)
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
        """`{interaction: {function: |alpha|}}`, alpha `None` where no search gave it one.

        What was found has the alpha of the last search, which trained the lower orders again.
        """
        sources = (self.found, self.searched.get(order))
        with_alpha = (of for of in sources if getattr(of, "alpha", None) is not None)
        alpha = next((of.importance(order) for of in with_alpha), {})
        kept = collections.defaultdict(dict)
        for function, interaction in self.found.units(order):
            kept[interaction][function] = alpha.get((function, interaction))
        return dict(kept)

    @property
    def functions(self):
        """Candidate functions, or operations; none of a model without them."""
        return getattr(self.found, "functions", ())

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
    finished, requested = path / run_files.METRICS, path / run_files.REQUESTED
    metrics = run_files.metrics(finished)
    stages = [
        file_within(path / run_files.STAGES, record["stage"], f"The stages of {finished}")
        for record in metrics["stages"]
    ]
    model = _model(path / run_files.MODEL)
    analysed = path / run_files.ANALYSIS
    run = Run(
        name=name or path.resolve().name,
        path=path,
        metrics=metrics,
        found=_found(path / run_files.ARCHITECTURE),
        searched=dict(filter(None, map(_searched, stages))),
        analysis=run_files.analysis(analysed) if analysed.exists() else None,
        trainings=[training for stage in stages for training in _trainings(stage)],
        model=model["class_name"],
        fields=as_fields(model["config"]["vocabulary_sizes"]),
        sharing=run_files.sharing(model["config"]),
        dataset=_comment(requested, "Data"),
        seed=_comment(requested, "Seed"),
        configuration=_text(path / run_files.USED),
        bytes=folders.size(path / "saved_model"),
    )
    agreement.check(run)
    return run


def read_named(run):
    """The run of `FOLDER` or `NAME=FOLDER`, as a binary takes it; a folder may have `=`, too."""
    if "=" not in run or pathlib.Path(run).is_dir():
        return read(run)
    name, _, folder = run.partition("=")
    return read(folder, name or None)


def _text(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be UTF-8: {error}") from error


def _found(path):
    if not path.exists():
        return None
    kind = read_json(path).get("format")
    return FOUND.get(kind if isinstance(kind, str) else None, Architecture).load(path)


def _searched(stage):
    order = run_files.order_of(stage.name)
    return order and (order, Architecture.load(stage / run_files.ARCHITECTURE))


def _model(path):
    """The configuration in a `.keras` file, of which nothing is unpacked."""
    try:
        with zipfile.ZipFile(path) as file:
            content = parsed(_at_most(CONFIG_BYTES, file.open("config.json")))
        as_fields(content["config"]["vocabulary_sizes"])
        run_files.check(content, {"class_name": str}, "config.json")
    except (KeyError, TypeError, AttributeError, ValueError, *DAMAGED) as error:
        raise ValueError(
            f"{path} must be a Keras model of this package. Received: {error}"
        ) from error
    return content


def _at_most(size, file):
    data = file.read(size + 1)
    if len(data) > size:
        raise ValueError(f"{file.name} must have at most {size:,} bytes")
    return data


def _comment(path, name):
    found = re.findall(rf"^# {name}: (.*)$", _text(path), re.MULTILINE)
    if len(found) != 1:
        raise ValueError(f"{path} must have one line '# {name}: ...'. Received: {len(found)}")
    return found[0]


def _trainings(stage):
    seeds = [path for path in stage.glob("seed_*") if re.fullmatch(r"seed_\d+", path.name)]
    seeds.sort(key=lambda path: int(path.name.removeprefix("seed_")))
    for folder in seeds or [stage]:
        events = folder / "tensorboard"
        curves = {name: _scalars(events / of, tag) for name, (of, tag) in CURVES.items()}
        yield Training(
            name=str(folder.relative_to(stage.parent)),
            curves={name: curve for name, curve in curves.items() if curve},
            gates=_gates(folder / run_files.GATES),
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
    header, rows = read_gate_history(path)
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
