"""DeepCTR-Torch's DeepFM, by the step of its own `fit`; without hidden units it is an FM."""

import importlib.metadata

import torch
from deepctr_torch.inputs import SparseFeat
from deepctr_torch.models import DeepFM
from serve import Repetition, names, serve


class DeepCTRTorch:
    has_linear = True

    def __init__(self, config, ids, labels):
        self.version = importlib.metadata.version("deepctr-torch")
        self._names = names(config)
        columns = [
            SparseFeat(name, size, embedding_dim=config["embedding_dim"])
            for name, size in zip(self._names, config["sizes"], strict=True)
        ]
        no_penalty = {"l2_reg_linear": 0, "l2_reg_embedding": 0, "l2_reg_dnn": 0}
        self._model = DeepFM(
            columns, columns, dnn_hidden_units=config["hidden_units"], **no_penalty
        )
        self._model.compile("adam", "binary_crossentropy")
        self.parameters = sum(p.numel() for p in self._model.parameters())
        batches = [
            (torch.from_numpy(x).float(), torch.from_numpy(y))
            for x, y in zip(ids, labels, strict=True)
        ]
        self.repetition = Repetition(self._step, batches, config["steps"])

    def _step(self, batch):
        features, labels = batch
        self._model.train()
        predicted = self._model(features).squeeze(-1)
        self._model.optim.zero_grad()
        loss = self._model.loss_func(predicted, labels.squeeze(-1), reduction="sum")
        (loss + self._model.get_regularization_loss() + self._model.aux_loss).backward()
        self._model.optim.step()

    def set_weights(self, weights):
        model, count = self._model, len(self._names)
        pairs = [(model.out.bias, weights["bias"])]
        for i, name in enumerate(self._names):
            pairs += [
                (model.embedding_dict[name].weight, weights[f"table_{i}"]),
                (model.linear_model.embedding_dict[name].weight, weights[f"linear_{i}"]),
            ]
        if model.use_dnn:
            count = len(model.dnn.linears)
            for k, layer in enumerate(model.dnn.linears):
                pairs += [
                    (layer.weight, weights[f"dense_{k}"].T),
                    (layer.bias, weights[f"dense_bias_{k}"]),
                ]
            pairs.append((model.dnn_linear.weight, weights[f"dense_{count}"].T))
        with torch.no_grad():
            for parameter, value in pairs:
                parameter.copy_(torch.from_numpy(value.copy()))

    def probabilities(self, ids):
        self._model.eval()
        with torch.no_grad():
            return self._model(torch.from_numpy(ids).float()).numpy()


if __name__ == "__main__":
    serve(DeepCTRTorch)
