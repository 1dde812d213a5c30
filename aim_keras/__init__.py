"""AIM for CTR models: search of feature interactions, functions and embedding dimensions."""

import importlib
from typing import Any

from aim_keras import layers, metrics, models, optimizers
from aim_keras.architecture import Architecture
from aim_keras.fields import Field
from aim_keras.search import drop_dead, read_gates, search_architecture

__all__ = [
    "Architecture",
    "Field",
    "drop_dead",
    "layers",
    "metrics",
    "models",
    "optimizers",
    "read_gates",
    "search_architecture",
]
__version__ = "0.1.0"
_LATER = ("analysis", "callbacks", "datasets", "export", "field_importance")  # some need TensorFlow


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return importlib.import_module(f"aim_keras.{name}")
    raise AttributeError(f"module 'aim_keras' has no attribute {name!r}")
