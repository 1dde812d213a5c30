"""Our models beside the peers', with the peers' weights and on the same inputs."""

import json
import pathlib
import tempfile

import keras
import numpy as np

from experiments import binary, markdown, provenance
from experiments.benchmarks import peer_process
from experiments.parities import counterpart, deepctr_torch, fuxictr

COUNTERPARTS = {"fuxictr": fuxictr.COUNTERPARTS, "deepctr_torch": deepctr_torch.COUNTERPARTS}
SCRIPTS = pathlib.Path(__file__).parent / "peers"
TOLERANCE = 1e-5  # of logits in float32
ROWS = 256


def models():
    """The names of our models that some peer has."""
    return list(dict.fromkeys(_model(row) for of_peer in COUNTERPARTS.values() for row in of_peer))


def compare(commands, left_out, only=()):
    """Compares our models to the counterparts in each peer that can run.

    Args:
        commands, left_out: What `peer_process.commands` gives of the peers.
        only: Names out of `models()`; all by default.

    Returns:
        The content of the JSON.

    Raises:
        ValueError: on an unknown name.
    """
    names = binary.chosen(only, models())
    rows = []
    for peer, command in commands.items():
        counterparts = {
            row: counterpart
            for row, counterpart in COUNTERPARTS[peer].items()
            if _model(row) in names
        }
        if counterparts:
            rows += compared(peer, command, counterparts)
    return {
        **provenance.facts_of("experiments.parity"),
        "tolerance": TOLERANCE,
        "rows": rows,
        "skipped": left_out,
    }


def compared(peer, command, counterparts):
    """A row of the JSON for each of `{name: Counterpart}`.

    Args:
        peer: String.
        command: The peer's Python, its script and the script's arguments.
        counterparts: `{name: Counterpart}`.
    """
    print(f"Comparing to {peer}", flush=True)
    rng = np.random.default_rng(0)
    sizes = list(counterpart.SIZES.values())
    ids = rng.integers(0, sizes, (ROWS, len(sizes)))
    try:
        answered = answers(peer, command, counterparts.values(), ids)
    except peer_process.PeerError as error:
        answered = [{"error": str(error)}] * len(counterparts)
    return [
        {"model": name, "peer": peer, "theirs": theirs.theirs, "differs": theirs.differs}
        | _result(theirs, answer, ids)
        for (name, theirs), answer in zip(counterparts.items(), answered, strict=True)
    ]


def failure(results):
    """Why the comparison failed, or nothing."""
    if not results["rows"]:
        return "no model was compared"
    failed = [f"{row['model']} ({row['peer']})" for row in results["rows"] if not row["met"]]
    return f"not the same logits: {', '.join(failed)}" if failed else ""


def table(results):
    """The rows of the JSON as the Markdown table of docs/parity.md."""
    header = ["ours", "theirs", "difference", "spread", "what differs"]
    rows = []
    for row in results["rows"]:
        failed = "error" in row
        difference = row["error"] if failed else f"{row['difference']:.1e}"
        figures = difference, "" if failed else f"{row['spread']:.2f}"
        rows.append([row["model"], f"{row['peer']} {row['theirs']}", *figures, row["differs"]])
    return markdown.table(header, rows, text=(0, 1, 4)) + "\n"


def answers(peer, command, counterparts, ids):
    """What a peer's process answers of each counterpart: `peers/answer.py` has the protocol.

    Raises:
        PeerError: if its process fails.
    """
    request = {
        "sizes": list(counterpart.SIZES.values()),
        "embedding_dim": counterpart.DIM,
        "models": [
            {"theirs": one.theirs, "options": one.options, "absent": one.absent}
            for one in counterparts
        ],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        np.save(folder / "ids.npy", ids)
        peer_process.run(peer, [*command, name])
        return [dict(np.load(folder / f"{i}.npz")) for i in range(len(request["models"]))]


def _result(theirs, answer, ids):
    """The figures of a row, or its error."""
    if "error" in answer:
        return {"error": str(answer["error"]), "met": False}
    try:
        difference, spread = _difference(theirs, answer, ids)
    except ValueError as error:
        return {"error": str(error), "met": False}
    return {
        "version": str(answer["version"]),
        "spread": spread,
        "difference": difference,
        "met": difference <= TOLERANCE,
    }


def _difference(theirs, answer, ids):
    """The largest difference of logits, and the standard deviation of the peer's."""
    model = theirs.ours()
    prefix = "weights/"
    weights = counterpart.PeerWeights(
        {k.removeprefix(prefix): v for k, v in answer.items() if k.startswith(prefix)},
        theirs.absent,
    )
    counterpart.copy(theirs.weights(weights), model)
    if weights.unread:
        raise ValueError(f"A mapping must read all weights. Left: {sorted(weights.unread)}")
    logits = np.asarray(keras.ops.convert_to_numpy(model(ids, training=False)), "float64")
    if logits.shape != answer["logits"].shape:
        raise ValueError(f"Logits must be {logits.shape}. Received: {answer['logits'].shape}")
    if not np.isfinite([logits, answer["logits"]]).all():
        raise ValueError("Logits must be finite")
    difference = np.max(np.abs(logits - answer["logits"]))
    return float(difference), float(np.std(answer["logits"]))


def _model(row):
    return row.partition(" (")[0]
