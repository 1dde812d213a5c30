"""Several runs beside each other."""

import itertools
import pathlib

from aim_keras import atomic
from experiments import summary
from experiments.reporting import collect, training
from experiments.reporting.kept import alpha_shown, heat_maps, ranking
from experiments.reporting.page import document, element, section, table


def write(folders, output):
    """Writes a page that compares runs, whole or not at all.

    Args:
        folders: Two or more, each `FOLDER` or `NAME=FOLDER`.
        output: Path of the page.

    Returns:
        Its path.

    Raises:
        ValueError: if there are fewer, two have one name, or a folder holds no finished run.
    """
    runs = [collect.read_named(folder) for folder in folders]
    if len(runs) < 2:
        raise ValueError(f"A comparison needs two or more runs. Received: {folders}")
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        raise ValueError(f"The runs must have distinct names: NAME=FOLDER. Received: {names}")
    path = pathlib.Path(output)
    atomic.write_text(path, html(runs))
    return path


def html(runs):
    """The page of several `collect.Run`."""
    data = list(dict.fromkeys(run.dataset for run in runs))
    entries = [training.Entry.of_run(run) for run in runs]
    last = {run.name: run.trainings[-1].curves for run in runs}
    first = next((run for run in runs if run.metrics["test"]), runs[0])
    parts = [
        _warning(data),
        section(
            "figures",
            "Results",
            f"The gain is over {first.name}, in thousandths of test AUC; runs of several seeds "
            "tell how much of it is chance.",
            training.comparison(entries),
        ),
        _runs(runs),
        training.learning_curves(last, "The last stage of each run."),
        *_interactions(runs),
    ]
    title = f"{len(runs)} runs compared"
    return document(title, ", ".join(data), [], [p for p in parts if p is not None])


def _warning(data):
    if len(data) == 1:
        return None
    about = "The runs are of different data sets: their figures cannot be compared."
    return element("p", about, class_="warning")


def _runs(runs):
    rows = [
        (
            run.name,
            run.model,
            run.dataset,
            run.seed,
            " → ".join(record["stage"] for record in run.metrics["stages"]),
            f"{sum(record['seconds'] for record in run.metrics['stages']):,.0f}",
            summary.bytes_shown(run.bytes),
        )
        for run in runs
    ]
    columns = ("run", "model", "data", "seed", "stages", "time", "SavedModel")
    units = ("", "", "", "", "", "seconds", "on disk")
    title = "What was run"
    content = table(title, columns, rows, units=units)
    return section("runs", title, "Training time of all stages.", content)


def _interactions(runs):
    with_any = [run for run in runs if run.orders]
    if len(with_any) < 2:
        return []
    kept = {run.name: _strengths(run) for run in with_any}
    return [
        section(
            "agreement",
            "Do they keep the same?",
            "Of the interactions that either of two runs keeps, the share that both keep (Jaccard "
            "index); the number on the diagonal is how many a run keeps.",
            table(
                "Agreement of two runs",
                ["", *kept],
                [(name, *_agreement(kept, name)) for name in kept],
            ),
        ),
        section(
            "interactions",
            "Kept interactions side by side",
            "The strongest alpha of any function, where a search gave one; the scale is a run's "
            "own. What was pruned is blank.",
            *_pairs(with_any, kept),
            *_table(kept),
        ),
    ]


def _strengths(run):
    """`{interaction: the strongest |alpha|, None without}` of all orders, fields sorted by name."""
    strengths = {}
    for order in run.orders:
        for interaction, of in run.kept(order).items():
            known = [alpha for alpha in of.values() if alpha is not None]
            strengths[tuple(sorted(interaction))] = max(known, default=None)
    return strengths


def _agreement(kept, name):
    for other in kept:
        if other == name:
            yield element("strong", f"{len(kept[name]):,}")
            continue
        either = kept[name].keys() | kept[other].keys()
        yield f"{len(kept[name].keys() & kept[other].keys()) / len(either):.2f}"


def _pairs(runs, kept):
    fields = list(runs[0].fields)
    if any(list(run.fields) != fields for run in runs):
        return
    yield heat_maps(
        fields,
        {name: {q: alpha for q, alpha in of.items() if len(q) == 2} for name, of in kept.items()},
    )


def _table(kept):
    every = set(itertools.chain.from_iterable(kept.values()))
    times = {q: sum(q in of for of in kept.values()) for q in every}
    mean = {q: sum(of.get(q) or 0.0 for of in kept.values()) for q in every}
    ranked = sorted(every, key=lambda q: (-times[q], -mean[q], q))
    rows = [
        (
            " × ".join(q),
            f"{times[q]} of {len(kept)}",
            *(alpha_shown(of[q]) if q in of else "" for of in kept.values()),
        )
        for q in ranked
    ]
    columns = ("interaction", "kept by", *kept)
    units = ("", "runs", *("|alpha|" for _ in kept))
    return ranking("Kept interactions", columns, rows, units)
