"""Trains FuxiCTR's models as the leaderboard does, on the arrays of our data.

It runs in the peer's own environment and needs nothing but NumPy, PyTorch and the peer. Arguments:
a checkout of its repository, for its models, and a folder with `request.json` (`model`, `options`,
`sizes` by field, `embedding_dim`, `learning_rate`, `batch_size`, `seed`) and of each split
`<split>.npz` (`ids`, `labels`). It writes `result.json`.
"""

import importlib.metadata
import json
import pathlib
import sys
import time

import numpy as np
import torch
from run_fuxictr import new_model

EPOCHS = 100


class Batches:
    """The rows of a split, shuffled anew in each pass where there is a generator."""

    def __init__(self, folder, split, fields, batch_size, generator=None):
        arrays = np.load(folder / f"{split}.npz")
        self._ids = torch.from_numpy(arrays["ids"]).long()
        self._labels = torch.from_numpy(arrays["labels"]).float()
        self._fields, self._batch_size, self._generator = fields, batch_size, generator

    def __len__(self):
        return -(-len(self._ids) // self._batch_size)

    def __iter__(self):
        rows = torch.arange(len(self._ids))
        if self._generator is not None:
            rows = torch.randperm(len(rows), generator=self._generator)
        for chosen in rows.split(self._batch_size):
            columns = self._ids[chosen].unbind(dim=1)
            yield {**dict(zip(self._fields, columns, strict=True)), "label": self._labels[chosen]}


def main(folder):
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    torch.manual_seed(request["seed"])
    model = new_model(
        request["model"],
        request["sizes"],
        request["embedding_dim"],
        learning_rate=request["learning_rate"],
        metrics=["AUC", "logloss"],
        model_root=str(folder),
        **request["options"],
    )
    pathlib.Path(model.checkpoint).parent.mkdir(exist_ok=True)
    generator = torch.Generator().manual_seed(request["seed"])
    train, valid, test = (
        Batches(folder, split, request["sizes"], request["batch_size"], of_split)
        for split, of_split in (("train", generator), ("valid", None), ("test", None))
    )
    started = time.monotonic()
    model.fit(train, epochs=EPOCHS, validation_data=valid)
    seconds = time.monotonic() - started
    result = {
        "versions": {"fuxictr": importlib.metadata.version("fuxictr"), "torch": torch.__version__},
        "seconds": seconds,
        "epochs": model._epoch_index + 1,
        "parameters": sum(p.numel() for p in model.parameters()),
        "valid": _metrics(model, valid),
        "test": _metrics(model, test),
    }
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def _metrics(model, batches):
    metrics = model.evaluate(batches)
    return {"auc": float(metrics["AUC"]), "log_loss": float(metrics["logloss"])}


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[-1]))
