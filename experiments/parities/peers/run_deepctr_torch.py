"""DeepCTR-Torch's models, whose `regression` is the logits of its `binary`."""

import importlib.metadata

import deepctr_torch.models
from answer import answer
from deepctr_torch.inputs import SparseFeat


def build(name, sizes, embedding_dim, options):
    columns = [
        SparseFeat(f"f{i}", size, embedding_dim=embedding_dim) for i, size in enumerate(sizes)
    ]
    of_parts = [columns] if name == "PNN" else [columns, columns]  # the linear one, the other
    model = getattr(deepctr_torch.models, name)(*of_parts, task="regression", **options)
    return model, lambda ids: model(ids.float())


if __name__ == "__main__":
    answer(build, importlib.metadata.version("deepctr-torch"))
