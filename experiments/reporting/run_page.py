"""The report of one run."""

import pathlib

from aim_keras import atomic
from experiments import summary
from experiments.reporting import collect, found, training
from experiments.reporting.page import document, element, folded, section, table, tile

FILE = "report.html"


def write(run_dir, beside=()):
    """Writes the report of a finished run into its folder, whole or not at all.

    Args:
        run_dir: Folder of the run.
        beside: Runs to compare it with, each `FOLDER` or `NAME=FOLDER`.

    Returns:
        Its path.

    Raises:
        ValueError: if a folder holds no finished run.
    """
    path = pathlib.Path(run_dir) / FILE
    run = collect.read(run_dir)
    atomic.write_text(path, html(run, [collect.read_named(other) for other in beside]))
    return path


def html(run, beside=()):
    """The page of a `collect.Run`, compared with others."""
    parts = [
        _stages(run),
        *found.interactions(run),
        *found.functions(run),
        *found.statistics(run),
        *found.dimensions(run),
        *training.gates(run),
        training.learning_curves(
            {stage.name: stage.curves for stage in run.trainings}, "Each stage after each epoch."
        ),
        _comparison(run, beside),
        section(
            "configuration",
            "Configuration",
            "Every value that the stages used, defaults included: config.gin.",
            folded("Show it", element("pre", run.configuration)),
        ),
    ]
    subtitle = f"{run.model} on {run.dataset}, seed {run.seed}"
    return document(run.name, subtitle, _headline(run), parts)


def _headline(run):
    test, valid = run.metrics["test"], run.metrics["valid"]
    first, *others = run.metrics["stages"]
    searching = f"{first['parameters']:,} in the first stage" if others else "trained"
    where, of = ("test", test) if test else ("valid", valid)
    beside = {k: f"{valid[k]:.4f} on valid" if test else "no rows of test" for k in valid}
    tiles = [
        tile(f"AUC on {where}", f"{of['auc']:.4f}", beside["auc"]),
        tile(f"Log loss on {where}", f"{of['log_loss']:.4f}", beside["log_loss"]),
        tile("Parameters", f"{run.metrics['parameters']:,}", searching),
        tile("SavedModel", summary.bytes_shown(run.bytes), "on disk"),
    ]
    for order in run.orders:
        kept, possible = len(run.kept(order)), run.possible(order)
        title = "Pairs kept" if order == 2 else f"Order {order} kept"
        tiles.append(tile(title, f"{kept:,}", f"of {possible:,}: {kept / possible:.1%}"))
    for order, scores in run.metrics.get("planted", {}).items():
        tiles.append(
            tile(
                f"Planted, order {order}",
                f"{scores['recall']:.0%}",
                f"found; precision {scores['precision']:.0%}",
            )
        )
    return tiles


def _stages(run):
    rows = [
        (
            record["stage"],
            *summary.metrics(record),
            summary.by_order(record["interactions"]),
            summary.by_order(record["units"]),
            f"{record['parameters']:,}",
            f"{record['epochs']}",
            f"{record['seconds']:,.1f}",
        )
        for record in run.metrics["stages"]
    ]
    if test := run.metrics["test"]:
        rows.append(("test", *summary.metrics(test), "", "", "", "", ""))
    result = "the result on test" if test else "no result on test, of which there are no rows"
    columns = ("stage", "AUC", "log loss", "interactions", "units", "parameters", "epochs", "time")
    return section(
        "stages",
        "Stages",
        f"Each stage on valid, and {result}. A unit is an interaction with one function; "
        "a + b counts those of each order.",
        table(
            "Stages",
            columns,
            rows,
            emphasis=[len(rows) - 1],
            units=("", "", "nats", "kept", "kept", "trained", "trained", "seconds"),
        ),
        *(element("p", f"Warning: {doubt}.") for doubt in summary.doubts(run.metrics)),
    )


def _comparison(run, beside):
    *searches, last = run.metrics["stages"]
    entries = [training.Entry.of_run(other) for other in beside]
    entries += [training.Entry.of_stage(record) for record in searches]
    entries.append(training.Entry.of_run(run, last["stage"]))
    note = "" if beside else " Give other runs by experiments.report --beside=NAME=FOLDER."
    return section(
        "comparison",
        "Where the gain comes from",
        "Three controls tell what a search has gained from what its re-training has: the base with "
        "all interactions, the same with batch norm and alpha (gin/controls/gated.gin), and random "
        f"interactions, as many as were kept (gin/controls/random.gin).{note}",
        training.comparison(entries),
    )
