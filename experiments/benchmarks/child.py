"""Measurements in a Python of their own, whose memory holds nothing else."""

import json
import subprocess
import sys


def answer(module, *arguments, what):
    """What a program says on the last line that it prints, in JSON.

    Args:
        module: Name of the module that is run.
        *arguments: Of the program: strings, numbers or paths.
        what: What it does, as an error begins.

    Raises:
        OSError: if it ends without an answer, as where the system's memory runs out.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise OSError(f"{what} ended with {ended.returncode}: {ended.stderr[-500:]}")
    return json.loads(ended.stdout.splitlines()[-1])
