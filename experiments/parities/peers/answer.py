"""What the peers' scripts share: the models they are asked for, and what they answer.

It runs in a peer's own environment, so it needs nothing but NumPy and PyTorch. A script is called
with a folder that has `request.json` and `ids.npy` (`comparison.answers`), and writes into it a
numbered `.npz` file for each model that `request.json` asks for: the peer's `version`, and the
model's `weights/<name>` and `logits`, or what went wrong as `error`.
"""

import fnmatch
import json
import pathlib
import sys

import numpy as np
import torch

SCALE = 0.5  # of the random weights: logits of a few units


def answer(build, version):
    """Builds the models that are asked for and writes their weights and logits.

    Args:
        build: Callable `(name, sizes, embedding_dim, options)`, with `sizes` the number of ids of
            each field, that gives a `torch.nn.Module` and a callable `ids -> logits` of it.
        version: String, of the peer.
    """
    folder = pathlib.Path(sys.argv[-1])
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    ids = torch.from_numpy(np.load(folder / "ids.npy"))
    for i, asked in enumerate(request["models"]):
        try:
            model, logits = build(
                asked["theirs"], request["sizes"], request["embedding_dim"], asked["options"]
            )
            answered = _randomized_answer(model, asked["absent"], logits, ids)
        except Exception as error:
            answered = {"error": f"{type(error).__name__}: {error}"}
        np.savez(folder / f"{i}.npz", version=version, **answered)


@torch.no_grad()
def _randomized_answer(model, absent, logits, ids):
    generator = torch.Generator().manual_seed(0)
    state = {k: v for k, v in model.state_dict().items() if v.is_floating_point()}
    for name, value in state.items():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in absent):
            value.zero_()
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2, generator=generator)
        else:
            value.normal_(0, SCALE, generator=generator)
    model.eval()
    weights = {f"weights/{name}": value.numpy() for name, value in state.items()}
    return {**weights, "logits": logits(ids).numpy()}
