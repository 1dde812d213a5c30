"""AutoFeature's search as a stage: candidates are trained, one after the other, and compared."""

import itertools
import json
import shutil

from aim_keras import atomic
from aim_keras.documents import read_json_lines
from aim_keras.pair_operations import OPERATIONS, PairOperations
from aim_keras.search import evolve
from experiments import run_files, stage


def search(
    stage_dir,
    job,
    build_model,
    fit,
    kind,
    candidates,
    budget: int = 60,
    population: int = 20,
    mutation: float = 0.05,
    min_samples: int = 2,
    max_depth: int = 4,
):
    """Searches the operation of each pair of fields, or reads what was found if it is done.

    A candidate is trained as `fit` is configured in the scope of the stage, from the same seed as
    any other and with no weight of another's, and its score is its AUC on valid. `candidates.jsonl`
    has a line for each one that was evaluated: an interrupted search goes on after the last, whose
    own training goes on after its last finished epoch.

    Args:
        stage_dir, job, build_model, fit: as of `stage.search`.
        kind: `"operations"`.
        candidates: `None`: every operation of every pair is one.
        budget, population, mutation, min_samples, max_depth: of `aim_keras.search.evolve`.

    Returns:
        The best candidate's `PairOperations`, its record for `metrics.json` with the seconds and
        epochs of all of them, and the folder of the stage.

    Raises:
        ValueError: on another kind of search, operations to start from, an argument that `evolve`
            does not take, or a `candidates.jsonl` of another search.
    """
    if kind != "operations" or candidates is not None:
        raise ValueError(
            "AutoFeature searches operations, and these among all. "
            f"Received: kind={kind!r}, candidates={candidates}"
        )
    if run_files.is_done(stage_dir):
        return *stage.read(stage_dir, PairOperations.load), stage_dir
    fields = tuple(job.builder.fields)
    path = stage_dir / "candidates.jsonl"
    records = _read(path) if path.exists() else []
    numbers = itertools.count()

    def evaluate(choices):
        operations = PairOperations.from_choices(fields, choices)
        number = next(numbers)
        if number == len(records):
            folder = stage_dir / f"candidate_{number}"
            model = stage.build(job, build_model, operations, None)
            record = stage.train(folder, job, model, fit, searching=False)
            records.append({**record, "operations": operations.to_dict()["operations"]})
            atomic.write_text(path, "".join(json.dumps(record) + "\n" for record in records))
            shutil.rmtree(folder)
        if PairOperations(fields, records[number]["operations"]) != operations:
            raise ValueError(f"{path} is of another search. Received: line {number + 1}")
        return records[number]["auc"]

    num_pairs = len(fields) * (len(fields) - 1) // 2
    best, _ = evolve(
        evaluate,
        num_pairs,
        1 + len(OPERATIONS),
        budget,
        population,
        mutation,
        min_samples,
        max_depth,
        job.seed,
    )
    found = PairOperations.from_choices(fields, best)
    record = max(records, key=lambda record: record["auc"])
    record = {key: value for key, value in record.items() if key != "operations"}
    record |= {key: sum(r[key] for r in records) for key in ("seconds", "epochs")}
    return *stage.finish(stage_dir, job, found, record), stage_dir


def _read(path):
    """The candidates that were evaluated."""
    records = read_json_lines(path, "operations")
    for number, record in enumerate(records, start=1):
        run_files.check_trained(record, f"{path}, line {number}")
    return records
