"""AIM for CTR models: search of feature interactions, functions and embedding dimensions."""

from typing import Any

from aim_keras import analysis, field_importance, layers, metrics, models, optimizers
from aim_keras.architecture import Architecture
from aim_keras.fields import Field
from aim_keras.search import drop_dead, read_gates, search_architecture

__all__ = [
    "Architecture",
    "Field",
    "analysis",
    "drop_dead",
    "field_importance",
    "layers",
    "metrics",
    "models",
    "optimizers",
    "read_gates",
    "search_architecture",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`callbacks` and `export`, which need TensorFlow, once they are asked for."""
    if name == "callbacks":
        import aim_keras.callbacks as module
    elif name == "export":
        import aim_keras.export as module
    else:
        raise AttributeError(f"module 'aim_keras' has no attribute {name!r}")
    return module
