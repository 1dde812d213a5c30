"""Sweeps of the axes: measured as far as memory goes, and extrapolated beyond."""

import dataclasses
import functools

from aim_keras.documents import write_json
from experiments import binary, provenance
from experiments.benchmarks import growth_process
from experiments.benchmarks.growth_axes import AXES, MODELS
from experiments.benchmarks.growth_fit import fitted_law

COSTS = ("milliseconds", "bytes")
SHARE = 0.6  # of the machine's memory, for a point


def sweep(path, names=(), repetitions=3, steps=5, max_gb=None, small=False):
    """Sweeps the axes and writes the results after each series.

    Args:
        path: Path of the JSON.
        names: Names of the axes; all by default.
        repetitions: Integer >= 1: repetitions of a point.
        steps: Integer >= 1: timed steps of a repetition.
        max_gb: Memory of a point in GB; `SHARE` of the machine's by default.
        small: Whether the sizes are tiny.

    Returns:
        The content of the JSON.

    Raises:
        ValueError: on an unknown axis, or memory that is not above 0.
    """
    names = binary.chosen(names, AXES)
    results = provenance.facts_of("experiments.growth")
    max_gb = SHARE * results["machine"]["memory_gb"] if max_gb is None else max_gb
    if not max_gb > 0:
        raise ValueError(f"max_gb must be above 0. Received: max_gb={max_gb}")
    results |= {"max_gb": max_gb, "axes": {}}
    for name in names:
        axis = AXES[name]
        of_axis = results["axes"][name] = {"label": axis.label, "series": {}}
        for model in axis.models:
            print(f"Measuring {name}: {model}", flush=True)
            measure = functools.partial(
                growth_process.measured, model=model, steps=steps, repetitions=repetitions
            )
            of_axis["series"][model] = series(
                axis.points(small), measure, MODELS[model].table_bytes, 2**30 * max_gb
            )
            write_json(path, results)
    return results


def errors(results):
    """What the points said that failed."""
    of_axes = [axis["series"].values() for axis in results["axes"].values()]
    points = [point for of_axis in of_axes for series in of_axis for point in series["points"]]
    return [point["error"] for point in points if "error" in point]


def series(points, measure, table_bytes, max_bytes):
    """Measures the points of a series, upwards, as far as memory goes, and extrapolates the rest.

    A point needs at least the bytes of its tables, and what the law of the points before it says.
    After one that failed, for lack of memory or anything else, none is tried.

    Args:
        points: Points, upwards, with `value`, `x` and `shape`.
        measure: Callable `(point) -> {cost: number}`; may raise `OSError`.
        table_bytes: Callable `(shape) -> bytes`.
        max_bytes: What a point may need.

    Returns:
        `{"points": entries, "fits": {cost: law or None}}`. An entry is `{"value", "x", costs}`,
        with `error` in place of the costs if it failed, and with the reason as `extrapolated` if
        its costs are those of the fit, or `None` without one.
    """
    entries, reason = [], None
    for point in points:
        entry = {"value": point.value, "x": point.x}
        law = fitted_law(entries, "bytes")
        needed = max(table_bytes(point.shape), law(point.x) if law else 0)
        if reason is None and needed > max_bytes:
            reason = f"{needed / 2**30:.3g} GB of memory needed"
        if reason is None:
            try:
                entry |= measure(point)
            except OSError as error:
                entry["error"] = str(error)
                reason = "the point before it failed"
        else:
            entry["extrapolated"] = reason
        entries.append(entry)
    laws = {cost: fitted_law(entries, cost) for cost in COSTS}
    for entry in entries:
        if "extrapolated" in entry:
            entry |= {cost: law and law(entry["x"]) for cost, law in laws.items()}
    fits = {cost: law and dataclasses.asdict(law) for cost, law in laws.items()}
    return {"points": entries, "fits": fits}
