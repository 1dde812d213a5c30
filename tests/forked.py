"""Programs as `python -m` runs them, but in forks of a process that imported TensorFlow once.

Where the start of Python is what is tested, `output_of_python` starts one.
"""

import contextlib
import multiprocessing
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
from multiprocessing import forkserver
from unittest import mock

ROOT = pathlib.Path(__file__).parents[1]
# What tests alone need is hidden from the programs: Keras would import it, for seconds.
ABSENT = str(ROOT / "tests" / "absent")
FORKS = multiprocessing.get_context("forkserver")


def start(folder, module, *arguments, **environment):
    """A process of the module's program; what it writes is in the folder, `stdout` and `stderr`."""
    FORKS.set_forkserver_preload(["experiments.pipeline"])
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join([ABSENT, str(ROOT)])):
        forkserver.ensure_running()
    process = FORKS.Process(target=_program, args=(folder, module, arguments, environment))
    process.start()
    return process


def run(module, *arguments):
    """The ended program, as `subprocess.run` has it."""
    with tempfile.TemporaryDirectory() as folder:
        process = start(folder, module, *arguments)
        with contextlib.closing(process):
            process.join()
            return subprocess.CompletedProcess(
                (module, *arguments), process.exitcode, *written(folder)
            )


def output_of_python(*arguments, cwd=ROOT, **environment):
    """What a new process of Python, which must end well, writes to the standard output."""
    result = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def written(folder):
    return [(pathlib.Path(folder) / name).read_text() for name in ("stdout", "stderr")]


def _program(folder, module, arguments, environment):
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(os.path.join(folder, name), os.O_CREAT | os.O_WRONLY)
        os.dup2(file, descriptor)
    os.chdir(ROOT)
    os.environ.update(environment)
    sys.path.insert(0, ABSENT)
    sys.argv = [module, *map(str, arguments)]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
