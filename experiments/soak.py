"""Kills runs at random moments until they end as one never killed: `python -m experiments.soak`."""

import json
import multiprocessing
import os
import pathlib
import sys
import time

import numpy as np
from absl import flags

from aim_keras.documents import write_json
from experiments import binary, run_files, train

KILLS = flags.DEFINE_integer("kills", 20, "Number of kills.", 1)
FOLDER = flags.DEFINE_string("folder", "runs/soak", "Folder of the runs; must not exist.")
SOAK_JSON = flags.DEFINE_string("soak_json", "soak.json", "File of the result.")
AUC_TOLERANCE = 1e-6
FOUND = ("interactions", "dimensions", "groups", "operations")  # of any kind of search
PASSED_ON = ("gin_file", "raw_dir", "beam_pipeline_options", "seed", "deterministic")


def soak(arguments, folder, kills, seed=0, longest=1.0):
    """Starts runs of the main job, kills them, and goes on with each until it ends.

    A process lives for a random part of the time that a run takes which is not killed, so that
    kills fall on the preparation of data, on stages, on what is between them, and on export alike.

    Args:
        arguments: Of `experiments.train`, without its folders.
        folder: Path of a folder that does not exist: each run has its results and its data there.
        kills: Integer, how many kills.
        seed: Integer, of the moments.
        longest: Number, the longest such part: the shorter, the more kills of one run.

    Returns:
        `{"kills", "runs", "same", "seconds", "auc", "largest_difference"}`: `same` counts the runs
        that ended with the architectures, and to 1e-6 with the AUC on test (on valid where there
        are no rows of test), of the one that was not killed; `seconds` are the lifetimes of the
        killed processes.

    Raises:
        FileExistsError: if the folder is there.
        ChildProcessError: if a process ends with an error.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["experiments.pipeline"])  # TensorFlow is imported once

    def start(name):
        process = context.Process(target=_train, args=(arguments, folder / name))
        process.start()
        return process

    begun = time.monotonic()
    _ended(start("reference"), folder / "reference")
    whole = time.monotonic() - begun
    expected = _result(folder / "reference")
    moments = np.random.default_rng(seed)
    lifetimes, results = [], []
    while len(lifetimes) < kills:
        run = f"run_{len(results)}"
        process = start(run)
        while len(lifetimes) < kills:
            lifetime = moments.uniform(0, longest * whole)
            process.join(lifetime)
            if not process.is_alive():
                break
            process.kill()
            process.join()
            lifetimes.append(round(lifetime, 3))
            process = start(run)
        _ended(process, folder / run)
        results.append(_result(folder / run))
    differences = [abs(auc - expected[1]) for _, auc in results]
    same = [
        found == expected[0] and difference <= AUC_TOLERANCE
        for (found, _), difference in zip(results, differences, strict=True)
    ]
    return {
        "kills": len(lifetimes),
        "runs": len(results),
        "same": sum(same),
        "seconds": lifetimes,
        "auc": expected[1],
        "largest_difference": max(differences),
    }


def _train(arguments, folder):
    folder.mkdir(exist_ok=True)
    log = os.open(folder / "log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(log, stream)
    folders = [f"--run_dir={folder / 'run'}", f"--data_dir={folder / 'data'}"]
    sys.argv = ["train", *arguments, *folders]
    binary.run(train.main)


def _ended(process, folder):
    process.join()
    if process.exitcode:
        said = binary.last_error((folder / "log").read_text(errors="replace"))
        raise ChildProcessError(f"{folder} ended with {process.exitcode}: {said}")


def _result(folder):
    """What each stage found, and the AUC on test, or on valid where there are no rows of test."""
    found = {}
    for path in (folder / "run").rglob(run_files.ARCHITECTURE):
        content = json.loads(path.read_text())
        found[str(path.relative_to(folder))] = {
            key: content[key] for key in FOUND if key in content
        }
    metrics = json.loads((folder / "run" / run_files.METRICS).read_text())
    return found, (metrics["test"] or metrics["valid"])["auc"]


def _arguments():
    """The flags of `experiments.train` that each run is given."""
    folders = {"run_dir": train.RUN_DIR.value, "data_dir": train.DATA_DIR.value}
    if given := [f"--{name}={path}" for name, path in folders.items() if path is not None]:
        raise ValueError(
            "--run_dir and --data_dir must not be given: each run has its own in --folder. "
            f"Received: {' '.join(given)}"
        )
    passed_on = [flags.FLAGS[name] for name in PASSED_ON]
    bindings = [f"--gin_bindings={binding}" for binding in train.GIN_BINDINGS.value]
    return [*(flag.serialize() for flag in passed_on if flag.value is not None), *bindings]


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    result = soak(_arguments(), FOLDER.value, KILLS.value, train.SEED.value or 0)
    write_json(SOAK_JSON.value, result)
    print(
        f"{result['kills']} kills of {result['runs']} runs: {result['same']} ended as the one that "
        f"was not killed, with an AUC of {result['auc']:.6f} to {result['largest_difference']:.1e}"
    )
    if result["same"] < result["runs"]:
        sys.exit("Error: a run that was killed must end as one that was not")


if __name__ == "__main__":
    binary.run(main)
