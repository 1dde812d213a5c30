"""The sections of how a run, or several, got there: gates, learning curves, results."""

import dataclasses

from experiments import summary
from experiments.reporting import figures
from experiments.reporting.drawing import WIDE, panel
from experiments.reporting.page import element, figure, gallery, section, table

OF_GRDA = (
    "Every gate starts at 0.6. GRDA's threshold grows with the steps and is taken off: a gate that "
    "the loss does not hold up falls to zero and is pruned."
)
OF_ANOTHER = (
    "These gates are trained without a threshold: where they are of candidate dimensions, the "
    "largest one of a field is found; where of groups, the members whose gates are above zero."
)
TITLES = {"loss": "Training loss", "auc": "Validation AUC", "log_loss": "Validation log loss"}


def gates(run):
    """What became of the gates in each search, and GRDA's threshold."""
    searches = [stage for stage in run.trainings if stage.searched]
    if not searches:
        return []
    histories = [history for stage in searches for history in stage.gates]
    panels = [
        part
        for stage in searches
        for number, history in enumerate(stage.gates)
        for part in _gate_figures(run, stage, number, history)
    ]
    missing = element("p", "This run has no history of its gates (gates.jsonl of its searches).")
    return [
        section(
            "gates",
            "Gates over the search",
            OF_ANOTHER if histories and not any(map(_has_threshold, histories)) else OF_GRDA,
            gallery(*panels, width=WIDE) if panels else missing,
        )
    ]


def _has_threshold(history):
    return history.thresholds[-1] is not None


def _gate_figures(run, stage, number, history):
    name = f"gates-{stage.name}-{number}".replace("/", "-")
    drawn = []

    def draw(axes):
        drawn.append(figures.gate_paths(axes, history, run.functions))

    paths = panel(draw, width=WIDE, height=260)
    count = len(history.values[0])
    about = f"{history.path}: {count:,} gates"
    if drawn[0] < count:
        about += f", of which {drawn[0]} are drawn"
    yield figure(stage.name, f"{about}.", paths, f"{name}-paths")
    if not _has_threshold(history):
        return
    still = int(sum(value != 0 for value in history.values[-1]))
    yield figure(
        f"{stage.name}: open gates",
        f"{still:,} of {count:,} are not zero at the end.",
        panel(figures.open_gates, history, width=WIDE, height=260),
        f"{name}-open",
    )


def learning_curves(trainings, which):
    """Loss, AUC and log loss by epoch.

    Args:
        trainings: `{name: curves}`, curves as in `collect.Training`.
        which: A sentence that says which trainings these are.
    """
    panels = []
    for quantity, title in TITLES.items():
        curves = {name: of[quantity] for name, of in trainings.items() if of.get(quantity)}
        if curves:
            height = 210 + 15 * len(curves)
            plot = panel(figures.learning_curves, curves, quantity, height=height)
            panels.append(figure(title, "", plot, f"curves-{quantity}"))
    return section(
        "curves",
        "Learning curves",
        f"{which} The best epoch of each has a ring. A search ends with its last weights, a "
        "re-training with those of its best epoch.",
        gallery(*panels) if panels else element("p", "No stage has TensorBoard events."),
    )


@dataclasses.dataclass(frozen=True)
class Entry:
    """A line of a comparison: a run, or a stage, which has no result on test, as few runs have."""

    name: str
    interactions: dict
    parameters: int
    valid: dict
    test: dict | None

    @classmethod
    def of_run(cls, run, name=None):
        """The result of a run."""
        interactions = run.metrics["stages"][-1]["interactions"]
        values = (run.metrics[key] for key in ("parameters", "valid", "test"))
        return cls(name or run.name, interactions, *values)

    @classmethod
    def of_stage(cls, record):
        """What a stage reached on valid."""
        return cls(record["stage"], record["interactions"], record["parameters"], record, None)


def comparison(entries):
    """A figure and a table of entries; differences are to the first with a result on test."""
    first = next((entry for entry in entries if entry.test), None)
    rows = [
        (
            entry.name,
            *summary.metrics(entry.valid),
            *summary.metrics(entry.test),
            _gain(entry, first),
            summary.by_order(entry.interactions),
            f"{entry.parameters:,}",
        )
        for entry in entries
    ]
    columns = ("model", "AUC", "log loss", "AUC", "log loss", "gain", "kept", "parameters")
    units = ("", "valid", "valid, nats", "test", "test, nats", "1000 × AUC", "interactions", "")
    points = [(e.name, e.valid["auc"], e.test and e.test["auc"]) for e in entries]
    plot = panel(figures.results, points, width=WIDE, height=90 + 42 * len(points))
    return element(
        "div",
        table("Results", columns, rows, units=units),
        gallery(
            figure("AUC", "On valid, and on test where it was read.", plot, "results"), width=WIDE
        ),
    )


def _gain(entry, first):
    if entry is first or entry.test is None:
        return ""
    return f"{1000 * (entry.test['auc'] - first.test['auc']):+.2f}"
