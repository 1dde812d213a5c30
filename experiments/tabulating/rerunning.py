"""The leaderboard's own models, trained by their library on a plan's data."""

import json
import pathlib
import tempfile

import numpy as np

from aim_keras.datasets import pipeline as batches
from aim_keras.datasets.blocks import SPLITS
from aim_keras.fields import Field
from experiments import provenance
from experiments.benchmarks import peer_process
from experiments.tabulating import records

SCRIPTS = pathlib.Path(__file__).parents[1] / "parities" / "peers"


def rerun_missing(reruns, builder, data, records_path, command):
    """Trains and records all re-runs that have no record, one after the other.

    Args:
        reruns: `plan.Rerun`s with their seeds: pairs.
        builder: The prepared data set.
        data: Its `data.identity`.
        records_path: File of the records.
        command: The library's Python, its script and the script's first arguments.

    Raises:
        ValueError: if a field is not categorical, or shares a table, as the library's layout
            differs there.
        PeerError: if its process fails.
    """
    fields = builder.fields.items()
    if others := [name for name, field in fields if field != Field(field.size)]:
        raise ValueError(
            f"Re-runs take categorical fields alone, which share no table. Received: {others}"
        )
    existing = records.read(records_path)
    for rerun, seed in reruns:
        key = {**records.rerun_key(rerun, data), "seed": seed}
        if records.matching(existing, key):
            continue
        print(f"{rerun.name}, seed {seed}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            result = _trained(rerun, seed, builder, pathlib.Path(folder), command)
        again = ["python", "-m", "experiments.rerun", f"--only={rerun.name}", f"--seeds={seed}"]
        facts = provenance.facts()
        versions = {**facts["versions"], **result.pop("versions")}
        record = {**key, "command": again, **facts, "versions": versions, **result}
        records.append(records_path, record)


def _trained(rerun, seed, builder, folder, command):
    """What the library's process says of a training."""
    for split in SPLITS:
        of_split = batches.batches(builder, split, rerun.batch_size).as_numpy_iterator()
        ids, labels = (np.concatenate(parts) for parts in zip(*of_split, strict=True))
        np.savez(folder / f"{split}.npz", ids=ids, labels=labels[:, 0])
    sizes = {name: field.size for name, field in builder.fields.items()}
    request = {**rerun.settings, "sizes": sizes, "seed": seed}
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    peer_process.run(rerun.name, [*command, str(folder)])
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))
