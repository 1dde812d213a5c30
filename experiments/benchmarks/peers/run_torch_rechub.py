"""torch-rechub's DeepFM, by its trainer; without hidden units it is an FM.

Its linear term has a weight a dimension, none a feature, and its MLP has batch norms.
"""

import importlib.metadata
import itertools
import time

import torch
from serve import names, serve
from torch_rechub.basic.features import SparseFeature
from torch_rechub.models.ranking import DeepFM
from torch_rechub.trainers import CTRTrainer


class TorchRecHub:
    has_linear = False

    def __init__(self, config, ids, labels):
        self.version = importlib.metadata.version("torch-rechub")
        self._names = names(config)
        features = [
            SparseFeature(name, vocab_size=size, embed_dim=config["embedding_dim"])
            for name, size in zip(self._names, config["sizes"], strict=True)
        ]
        mlp = {"dims": list(config["hidden_units"]), "dropout": 0, "activation": "relu"}
        self._model = DeepFM(features, features, mlp)
        self._trainer = CTRTrainer(
            self._model, optimizer_params={"lr": 1e-3, "weight_decay": 0}, device="cpu"
        )
        self.parameters = sum(p.numel() for p in self._model.parameters())
        self._steps = config["steps"]
        batches = [
            (self._inputs(x), torch.from_numpy(y[:, 0])) for x, y in zip(ids, labels, strict=True)
        ]
        self._batches = itertools.cycle(batches)

    def _inputs(self, ids):
        return {name: torch.from_numpy(ids[:, i]) for i, name in enumerate(self._names)}

    def repetition(self):
        self._model.train()
        self._trainer.train_one_epoch([next(self._batches)])
        batches = list(itertools.islice(self._batches, self._steps))
        started = time.perf_counter()
        self._trainer.train_one_epoch(batches)
        return 1000 * (time.perf_counter() - started) / self._steps

    def set_weights(self, weights):
        model = self._model
        layers = [layer for layer in model.mlp.mlp if isinstance(layer, torch.nn.Linear)]
        with torch.no_grad():
            for i, name in enumerate(self._names):
                table = torch.from_numpy(weights[f"table_{i}"])
                model.embedding.embed_dict[name].weight.copy_(table)
            model.linear.fc.weight.zero_()
            model.linear.fc.bias.copy_(torch.from_numpy(weights["bias"]))
            for k, layer in enumerate(layers):
                if f"dense_{k}" in weights:
                    layer.weight.copy_(torch.from_numpy(weights[f"dense_{k}"].T.copy()))
                    layer.bias.copy_(torch.from_numpy(weights[f"dense_bias_{k}"]))
                else:  # The embeddings go through a linear layer where there are no hidden ones.
                    layer.weight.zero_()
                    layer.bias.zero_()

    def probabilities(self, ids):
        self._model.eval()
        with torch.no_grad():
            return self._model(self._inputs(ids)).numpy()


if __name__ == "__main__":
    serve(TorchRecHub)
