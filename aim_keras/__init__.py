"""AIM for CTR models: search of feature interactions, functions and embedding dimensions."""

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
