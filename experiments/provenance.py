"""Where a result comes from: the machine, the versions, the commit and the command."""

import datetime
import os
import pathlib
import platform
import subprocess
import sys

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

RESULTS = "experiments/results"
PACKAGES = {"tensorflow": tf, "keras": keras, "numpy": np, "tensorflow-datasets": tfds}


def facts_of(binary):
    """The `facts` of what the running binary gives, and its command."""
    return {**facts(), "command": ["python", "-m", binary, *sys.argv[1:]]}


def facts(**versions):
    """The machine, the versions (and those that are given), the date and the commit, as of now."""
    return {
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        },
        "versions": {
            "python": platform.python_version(),
            # Of what runs, by whatever name it was installed, such as tensorflow-cpu.
            **{name: package.__version__ for name, package in PACKAGES.items()},
            **versions,
        },
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
    }


def _processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _commit():
    """The commit, with a `+` where tracked files but results differ; `None` outside a clone."""
    root = pathlib.Path(__file__).parents[1]
    try:
        commit, changed = (
            subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=True)
            for command in (
                ["rev-parse", "HEAD"],
                ["status", "--porcelain", "-uno", "--", ".", f":(exclude){RESULTS}"],
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + "+" * bool(changed.stdout.strip())
