"""FuxiCTR's FM and DeepFM on torch, by their own `train_step`.

Its wheel has no models: the first argument is a checkout of its repository.
"""

import importlib.metadata
import json
import pathlib
import sys
import tempfile

import torch
from fuxictr.features import FeatureMap
from serve import Repetition, names, serve


class FuxiCTR:
    has_linear = True

    def __init__(self, config, ids, labels):
        self.version = importlib.metadata.version("fuxictr")
        self._names = names(config)
        folder = tempfile.mkdtemp()
        options = {"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["AUC"]}
        self._model = _model_class(config["kind"])(
            _feature_map(config, folder),
            gpu=-1,
            learning_rate=1e-3,
            embedding_dim=config["embedding_dim"],
            hidden_units=config["hidden_units"],
            task="binary_classification",
            verbose=0,
            model_root=folder,
            **options,
        )
        self._model._max_gradient_norm = 10.0  # the default of its `fit`
        self.parameters = sum(p.numel() for p in self._model.parameters())
        batches = [
            {**self._inputs(x), "label": torch.from_numpy(y[:, 0])}
            for x, y in zip(ids, labels, strict=True)
        ]
        self._model.train()
        self.repetition = Repetition(self._model.train_step, batches, config["steps"])

    def _inputs(self, ids):
        return {name: torch.from_numpy(ids[:, i]) for i, name in enumerate(self._names)}

    def set_weights(self, weights):
        dense = sum(name.startswith("dense_bias") for name in weights)
        linears = [m for m in self._model.modules() if isinstance(m, torch.nn.Linear)]
        values = dict(self._model.named_parameters())
        with torch.no_grad():
            for i, name in enumerate(self._names):
                for value in _tables(values, name):
                    kind = "table" if value.shape[1] > 1 else "linear"
                    value.copy_(torch.from_numpy(weights[f"{kind}_{i}"]))
            for k, layer in enumerate(linears[-dense:] if dense else []):
                layer.weight.copy_(torch.from_numpy(weights[f"dense_{k}"].T.copy()))
                layer.bias.copy_(torch.from_numpy(weights[f"dense_bias_{k}"]))
            for path, value in values.items():
                if path.endswith("bias") and ".lr" in path:
                    value.copy_(torch.from_numpy(weights["bias"]))

    def probabilities(self, ids):
        self._model.eval()
        with torch.no_grad():
            return self._model(self._inputs(ids))["y_pred"].numpy()


def _model_class(kind):
    """FM or DeepFM of the checkout."""
    name, folder = ("FM", "FM") if kind == "fm" else ("DeepFM", "DeepFM/DeepFM_torch")
    sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / "model_zoo" / folder))
    return getattr(__import__(f"src.{name}", fromlist=[name]), name)


def _feature_map(config, folder):
    features = [
        {name: {"source": "", "type": "categorical", "vocab_size": size, "padding_idx": None}}
        for name, size in zip(names(config), config["sizes"], strict=True)
    ]
    content = {
        "dataset_id": "benchmark",
        "num_fields": len(features),
        "total_features": sum(config["sizes"]),
        "input_length": len(features),
        "labels": ["label"],
        "features": features,
    }
    path = pathlib.Path(folder) / "feature_map.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    feature_map = FeatureMap("benchmark", folder)
    feature_map.load(str(path), {"embedding_dim": config["embedding_dim"]})
    return feature_map


def _tables(values, name):
    return [value for path, value in values.items() if f".{name}.weight" in path]


if __name__ == "__main__":
    serve(FuxiCTR)
