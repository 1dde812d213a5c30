"""A peer in an environment and a process of its own, told when to train."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

FOLDER = pathlib.Path(__file__).parent
PEERS = ("deepctr", "deepctr_torch", "torch_rechub", "fuxictr")


class PeerError(ChildProcessError):
    """A peer's process ended, with the last lines it wrote."""

    @classmethod
    def of(cls, name, status, log):
        return cls(f"{name} ended with {status}: " + " | ".join(log.strip().splitlines()[-3:]))


def python_of(peers_dir, name):
    return pathlib.Path(peers_dir).expanduser() / name / "bin" / "python"


def _path(folder):
    return pathlib.Path(folder).expanduser().resolve()


def requirements(name):
    return FOLDER / "requirements" / f"{name}.txt"


def install(peers_dir, name):
    """Makes a peer's environment, unless it is there.

    Raises:
        OSError: if an installation fails; nothing of it is left.
    """
    python = python_of(peers_dir, name)
    if python.exists():
        return
    folder = python.parents[1]
    folder.parent.mkdir(parents=True, exist_ok=True)
    print(f"Installing {name} into {folder}", flush=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "-r", requirements(name)]
        subprocess.run(pip, check=True)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, subprocess.CalledProcessError):
            raise OSError(f"{name} could not be installed: {error}") from error
        raise


def commands(peers_dir, fuxictr=None, names=PEERS, scripts=FOLDER / "peers", task="run"):
    """The peers that can run, and why the others cannot.

    Args:
        peers_dir: Folder of the peers' environments.
        fuxictr: Folder of a checkout of FuxiCTR's repository, or `None`.
        names: The peers that are wanted.
        scripts: Folder of what they run, `<task>_<name>.py`.
        task: see `scripts`.

    Returns:
        `{name: command}` and `{name: reason}`.
    """
    there, left_out = {}, {}
    for name in names:
        python = python_of(peers_dir, name)
        if not python.exists():
            left_out[name] = f"not in {peers_dir}: install it by --peers"
        elif name == "fuxictr" and fuxictr is None:
            left_out[name] = "its wheel has no models: give --fuxictr=CHECKOUT of its repository"
        elif name == "fuxictr" and not (checkout := _path(fuxictr) / "model_zoo").is_dir():
            left_out[name] = f"no folder {checkout}: give --fuxictr=CHECKOUT of its repository"
        else:
            there[name] = [str(python), str(scripts / f"{task}_{name}.py")]
            if name == "fuxictr":
                there[name].append(str(_path(fuxictr)))
    return there, left_out


def run(name, command):
    """Runs a peer's process to its end.

    Args:
        name: String, as an error begins.
        command: One of `commands`, with what else its script takes.

    Raises:
        PeerError: if it fails.
    """
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    if ended.returncode:
        raise PeerError.of(name, ended.returncode, ended.stderr)


def _environment():
    """The variables of a peer's process: ours, without what is for our Python."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}


class Peer:
    """A running peer: a context manager.

    Args:
        name: String.
        command: Its Python, its script and the script's arguments.
        shape: `Shape`.
        kind: `"fm"` or `"deepfm"`.
        steps: Timed steps of a repetition.
        weights: What `reference.random_weights` gives, to be compared; `None` for its own.

    Attributes:
        facts: What it says of itself: `version`, `parameters`, `has_linear`, and with weights the
            `probabilities` of the first batch.

    Raises:
        PeerError: whenever its process ends instead of answering.
    """

    def __init__(self, name, command, shape, kind, steps, weights=None):
        self.name = name
        self._arguments = command, shape, kind, steps, weights or {}

    def __enter__(self):
        command, shape, kind, steps, weights = self._arguments
        self._folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(self._folder.name) / "data.npz"
        ids, labels = shape.batches()
        config = {
            "kind": kind,
            "sizes": shape.sizes,
            "embedding_dim": shape.embedding_dim,
            "hidden_units": () if kind == "fm" else shape.hidden_units,
            "steps": steps,
        }
        np.savez(path, ids=ids, labels=labels, config=json.dumps(config), **weights)
        self._log = open(path.with_name("log"), "w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [*command, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=_environment(),
        )
        try:
            self.facts = self._answer()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def repetition(self):
        """Milliseconds a step of the next repetition."""
        try:
            self._process.stdin.write("train\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # `_answer` says why.
        return self._answer()["milliseconds"]

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            raise PeerError.of(self.name, self._process.returncode, self._log.read())
        return json.loads(line)

    def __exit__(self, *exception):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._log.close()
        self._folder.cleanup()
