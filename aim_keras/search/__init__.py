"""The search of AIM: interactions with their functions, then embedding dimensions."""

from aim_keras.search.budget import front, threshold_within
from aim_keras.search.candidates import grow
from aim_keras.search.consensus import consensus, frequencies
from aim_keras.search.control import random_architecture
from aim_keras.search.evolution import evolve
from aim_keras.search.found import drop_dead, found_architecture, read_gates
from aim_keras.search.stages import search_architecture
from aim_keras.search.warm_start import warm_start

__all__ = [
    "consensus",
    "drop_dead",
    "evolve",
    "found_architecture",
    "frequencies",
    "front",
    "grow",
    "random_architecture",
    "read_gates",
    "search_architecture",
    "threshold_within",
    "warm_start",
]
