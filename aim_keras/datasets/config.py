"""A choice of options and raw files, whose hash names the prepared folder."""

import hashlib
import json
import pathlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tensorflow_datasets as tfds

from aim_keras.datasets import file_marks


@dataclass(eq=False)
class Config(tfds.core.BuilderConfig):
    """One choice of options and raw files; its name is the name of the prepared folder.

    Args:
        options: dict of option values, JSON-able.
        files: dict from raw file name to its path.
    """

    options: dict[str, Any] = field(default_factory=dict)
    files: dict[str, pathlib.Path] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Mapping[str, Any], files: Mapping[str, pathlib.Path]) -> "Config":
        """Names the first option and a hash of all options and of the raw files.

        A file counts by name (with its folder, where names have one), size, first and last megabyte
        (the end of a gzip file holds a checksum of its whole content).
        """
        options = json.loads(json.dumps(options))
        key, value = next(iter(options.items()))
        readable = re.sub(r"[^\w.+-]+", "_", f"{key}_{value}")
        content = json.dumps([options, file_marks.marks(files)], sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()[:8]
        return cls(name=f"{readable}-{digest}", options=options, files=dict(files))

    def __str__(self):
        return self.name
