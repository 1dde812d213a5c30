"""The schema of a user's own files: read, or inferred, shown and written."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow_datasets as tfds

from aim_keras.datasets import inference, own_files
from aim_keras.datasets.config import Config
from aim_keras.datasets.schema import Schema


def found(
    given: str | os.PathLike | None,
    data_dir: str | os.PathLike | None,
    data: str,
    files: Mapping[str, pathlib.Path],
    asked: Mapping[str, Any],
    on_error: str,
) -> Schema:
    """The schema at a path, or what is inferred and written there.

    Args:
        given: the path; None for a file in `data_dir/schemas`, named after the raw files.
        data_dir: folder of prepared data sets; None is TFDS's default.
        data: name of the data.
        files: the raw files, as `own_files.find` gives them.
        asked: `label`, `positive`, `names` and `separator` of `inference.infer`.
        on_error: "raise" or "skip": what a malformed line does.

    Raises:
        ValueError: of what a schema must not have, a schema of another label than is asked for, and
            where none can be inferred.
    """
    if given is None:
        path = _place(data_dir, {"data": data, **asked}, files)
        _say_earlier(path)
    elif not (path := pathlib.Path(given).expanduser()).exists():
        print(f"There is no schema {path.absolute()}: it is inferred, and written there")
    if path.exists():
        return _read(path, asked)
    train = [path for name, path in files.items() if own_files.may_be_train(name)]
    partitions = own_files.partitions_of(files)
    schema = inference.infer(train, **asked, on_error=on_error, partitions=partitions)
    schema.save(path)
    print(f"{schema.table()}\nThe schema of {train[0]}, as inferred, is in {path}: edit it there")
    return schema


def _read(path, asked):
    schema = Schema.load(path)
    if asked["label"] not in (None, schema.label):
        raise ValueError(
            f"label must be that of the schema {path}, {schema.label!r}. "
            f"Received: label={asked['label']!r}"
        )
    if asked["positive"] is not None and {*asked["positive"]} != schema.positive:
        raise ValueError(
            f"positive must be that of the schema {path}, {sorted(schema.positive)}. "
            f"Received: positive={asked['positive']!r}"
        )
    return schema


def _place(data_dir, asked, files):
    root = pathlib.Path(data_dir or tfds.core.constants.DATA_DIR).expanduser()
    name = Config.of(asked, files).name.removeprefix("data_")
    return root / "schemas" / f"{name}.json"


def _say_earlier(path):
    """Says which schemas of files of that name there are, where another one will be inferred."""
    earlier = sorted(path.parent.glob(f"{path.stem.rpartition('-')[0]}-*.json"))
    if earlier and path not in earlier:
        print(
            "A schema is inferred, as the files or the options are not those of "
            f"{', '.join(map(str, earlier))}: to keep one, give it as the schema"
        )
