"""What a run may be asked for: its stages, its order, and what it starts from."""

import math
import pathlib

import keras

from aim_keras.architecture import Architecture
from aim_keras.arguments import checked_integer
from aim_keras.datasets.encoding import Encoding, encoding_path
from experiments import run_files, stage

STAGES = ("search_interactions", "search_dimensions", "retrain")
SEARCHES = (*STAGES[:-1], "search_groups", "search_operations")
SCOPES = (*SEARCHES, "retrain")


def check_stages(stages, model, architecture, draw, warm_start, start_from):
    """Raises `ValueError` unless arguments of `pipeline.run` go together, whatever the data."""
    if not stages or stages[-1] != "retrain" or not {*stages[:-1]} <= {*SEARCHES}:
        raise ValueError(
            f"stages must be of {list(SEARCHES)}, and retrain last. Received: {stages}"
        )
    if warm_start and not {*stages} & {*STAGES[:-1]}:
        raise ValueError(
            "warm_start needs a search before the re-training, of interactions or dimensions. "
            f"Received: {stages}"
        )
    if not stage.searchable(model) and (len(stages) > 1 or architecture is not None):
        raise ValueError(
            "A model without the arguments architecture and search takes no architecture and the "
            f"stage retrain alone. Received: architecture={architecture!r}, stages={stages}"
        )
    if start_from is not None and (architecture is not None or len(stages) > 1):
        raise ValueError(
            "start_from gives the architecture and goes with the stage retrain alone. "
            f"Received: architecture={architecture!r}, stages={stages}"
        )
    if draw is not None and architecture is None:
        raise ValueError("draw needs an architecture. Received: architecture=None")


def check_order(order, stages, builder, start):
    """Raises `ValueError` unless interactions of that order can be searched.

    Args:
        order, stages: of `pipeline.run`.
        builder: The data set, prepared or not.
        start: What is started from, or `None`.
    """
    checked_integer("order", order, 2)
    if "search_interactions" not in stages:
        return
    if order > (highest := len(builder.field_names)):
        raise ValueError(
            f"order must be from 2 to the number of fields, {highest}. Received: order={order}"
        )
    if order < (lowest := highest_order(start)):
        raise ValueError(
            f"order must be at least that of the architecture whose interactions are searched, "
            f"{lowest}. Received: order={order}"
        )


def trained_by(run_dir):
    """What a finished run goes on with: the file of its architecture, `None` if its model has none,
    and, as a callable that `pipeline.run` takes as `model`, its model.

    Raises:
        FileNotFoundError: if the run is not finished.
    """
    run_dir = pathlib.Path(run_dir)
    if not (run_files.is_done(run_dir) and (run_dir / run_files.MODEL).exists()):
        raise FileNotFoundError(
            f"start_from must be the folder of a finished run. Received: start_from={run_dir}"
        )

    def load(fields):
        return keras.saving.load_model(run_dir / run_files.MODEL, compile=False)

    found = run_dir / run_files.ARCHITECTURE
    if not found.exists():
        return None, load
    return found, lambda fields, architecture, search=None: load(fields)


def check_data(start_from, builder):
    """Raises `ValueError` unless the data are encoded as those of the run that is started from, and
    their negatives sampled so."""
    if start_from is None:
        return
    path = encoding_path(start_from)
    if Encoding.load(path) != builder.encoding:
        raise ValueError(
            f"The data must be encoded as those of start_from: own data by {path}, as "
            f"own_data.builder.encoding. Received: {builder.info.full_name}, encoded otherwise"
        )
    now = builder.logit_shift
    before = run_files.metrics(path.with_name(run_files.METRICS)).get("logit_shift", now)
    if now != before:  # not known of runs from before it was written
        raise ValueError(
            "The negatives of train must be sampled as those of start_from, whose logits are of "
            f"such rows: own_data.builder.negative_rate={math.exp(before):g}. "
            f"Received: {math.exp(now):g}"
        )


def check_warm_start(warm_start, stages, builder):
    """Raises `ValueError` where the last search makes several rows of one that fields share."""
    shared = [name for name, field in builder.fields.items() if field.table is not None]
    if warm_start and shared and stages[-2] == "search_dimensions":
        raise ValueError(
            "warm_start must not follow search_dimensions where fields share a table, as the gates "
            f"of each make other numbers of its rows. Received: {', '.join(shared)}"
        )


def highest_order(architecture):
    """The order at which a search starts: the highest of what it starts from, or pairs."""
    return 2 if architecture is None else max(architecture.orders, default=2)


def on_fields(start, fields):
    """What is started from, on the fields of the data: an `Architecture` may have fewer of them.

    Raises:
        ValueError: if it is of other fields.
    """
    if start is None or start.fields == fields:
        return start
    if isinstance(start, Architecture):
        moved = start.of_fields(fields)
        new = [field for field in fields if field not in start.fields]
        print(f"Fields in no interaction of the architecture: {', '.join(new) or 'none'}")
        return moved
    raise ValueError(
        f"What is started from must have the fields of the data, {', '.join(fields)}. "
        f"Received: {', '.join(start.fields)}, found on {start.dataset}"
    )
