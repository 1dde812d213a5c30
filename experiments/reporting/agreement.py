"""Whether the files of a run agree: one of them may be of another run, or have been edited."""

from aim_keras.documents import check_known
from experiments import run_files


def check(run):
    """Refuses a `collect.Run` whose files name different fields, or lack what another one has.

    Raises:
        ValueError: naming the file, and what of the others it does not fit.
    """
    found = run.path / run_files.ARCHITECTURE
    stages = run.metrics["stages"]
    if run.found is None and (run.searched or any(stage["interactions"] for stage in stages)):
        raise ValueError(f"{found} must be there: the stages of the run kept interactions.")
    for order, searched in run.searched.items():
        path = run_files.searched_architecture(run.path, order)
        _check_fields(searched.fields, run.fields, path)
    if run.found is not None:
        _check_fields(run.found.fields, run.fields, found)
    if run.analysis is not None:
        _check_analysis(run)
    for training in run.trainings:
        for history in training.gates:
            functions = {function for function, _ in history.units or ()}
            path = run_files.stage_dir(run.path, training.name) / run_files.GATES
            check_known(functions, run.functions, "functions", f"{path}, {history.path}")


def _check_analysis(run):
    path = run.path / run_files.ANALYSIS
    for number, row in enumerate(run.analysis["interactions"]):
        place = f"{path}, interactions/{number}"
        check_known(row["interaction"], tuple(run.fields), "fields", place)
    by_vocabulary = [row["field"] for row in run.analysis["dimensions"]]
    _check_fields(sorted(by_vocabulary), sorted(run.fields), f"{path}, dimensions")


def _check_fields(fields, expected, place):
    if list(fields) != list(expected):
        raise ValueError(
            f"{place}: the fields must be those of model.keras, {', '.join(expected)}. "
            f"Received: {', '.join(fields)}"
        )
