"""The data set of a plan, and what tells it from any other."""

import hashlib
import json
import pathlib

import gin

from aim_keras.datasets.encoding import ENCODING_FILE
from experiments import data_sets, pipeline
from experiments.tabulating.runs import configure


def prepared(plan, **folders):
    """The builder of the plan's data set, prepared.

    Args:
        plan: `Plan`.
        **folders: `raw_dir` and `data_dir` of the main job.

    Raises:
        ValueError: if the systems are not all of the same data set, or it has no rows of test.
    """
    builders = {system.name: _builder(system, folders) for system in plan.systems}
    names = {name: builder.info.full_name for name, builder in builders.items()}
    if len(set(names.values())) > 1:
        raise ValueError(f"All systems must be of one data set. Received: {names}")
    builder = next(iter(builders.values()))
    if "test" not in builder.splits:
        raise ValueError(
            "The tables are of results on test, so the data must have rows of it (CSV_TEST_PATHS). "
            f"Received: {builder.info.full_name}, of {', '.join(builder.splits)} alone"
        )
    builder.download_and_prepare()
    return builder


def _builder(system, folders):
    configure(system)
    return data_sets.open_data(gin.get_bindings(pipeline.run)["dataset"], **folders)


def identity(builder):
    """`{"name": ..., "id": ...}` of a prepared data set: its id hashes its encoding and rows."""
    content = pathlib.Path(builder.data_dir, ENCODING_FILE).read_bytes()
    content += json.dumps([builder.facts("rows"), builder.facts("label_mean")]).encode()
    return {"name": builder.info.full_name, "id": hashlib.sha256(content).hexdigest()[:8]}
