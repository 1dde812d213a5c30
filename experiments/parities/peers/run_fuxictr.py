"""FuxiCTR's models on torch, whose `regression` is the logits of its `binary_classification`.

Its wheel has no models: the first argument is a checkout of its repository.
"""

import importlib.metadata
import importlib.util
import pathlib
import sys

import torch
from answer import answer
from fuxictr.features import FeatureMap

NEEDED = {
    "optimizer": "adam",
    "loss": "binary_crossentropy",
    "metrics": ["AUC"],
    "verbose": 0,
    "model_root": "",
}


def build(name, sizes, embedding_dim, options):
    feature_map = FeatureMap("parity", "")
    feature_map.features = {
        f"f{i}": {"source": "", "type": "categorical", "vocab_size": size}
        for i, size in enumerate(sizes)
    }
    feature_map.num_fields = feature_map.get_num_fields()
    feature_map.default_emb_dim = embedding_dim
    if name != "LR":
        options = {"embedding_dim": embedding_dim, **options}
    model = _model_class(name)(feature_map, task="regression", **NEEDED, **options)
    model.output_activation = torch.nn.Identity()  # FFM does not pass its task on.

    def logits(ids):
        return model({f"f{i}": ids[:, i] for i in range(len(sizes))})["y_pred"]

    return model, logits


def _model_class(name):
    zoo = pathlib.Path(sys.argv[1]) / "model_zoo" / name
    torch_only, both = zoo / "src", zoo / f"{name}_torch" / "src"
    path = (both if both.is_dir() else torch_only) / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


if __name__ == "__main__":
    answer(build, importlib.metadata.version("fuxictr"))
