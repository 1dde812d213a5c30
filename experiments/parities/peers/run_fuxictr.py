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
    fields = {f"f{i}": size for i, size in enumerate(sizes)}
    model = new_model(name, fields, embedding_dim, task="regression", **options)
    model.output_activation = torch.nn.Identity()  # FFM does not pass its task on.

    def logits(ids):
        return model({f"f{i}": ids[:, i] for i in range(len(sizes))})["y_pred"]

    return model, logits


def new_model(name, sizes, embedding_dim, **options):
    """A model of the checkout, over categorical fields `{name: number of ids}`."""
    feature_map = FeatureMap("parity", "")
    feature_map.features = {
        field: {"source": "", "type": "categorical", "vocab_size": size}
        for field, size in sizes.items()
    }
    feature_map.labels = ["label"]
    feature_map.num_fields = feature_map.get_num_fields()
    feature_map.default_emb_dim = embedding_dim
    if name != "LR":
        options = {"embedding_dim": embedding_dim, **options}
    return _model_class(name)(feature_map, **{**NEEDED, **options})


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
