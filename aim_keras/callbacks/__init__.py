"""Callbacks: exact validation metrics, averaged weights, going on after an interruption, numbers
that go wrong, a search's gates."""

from aim_keras.callbacks.averaged_weights import AveragedWeights
from aim_keras.callbacks.gate_history import GateHistory
from aim_keras.callbacks.gate_steps import GateSteps
from aim_keras.callbacks.rank_metrics import RankMetrics, rank_metrics
from aim_keras.callbacks.require_finite import RequireFinite
from aim_keras.callbacks.resume import Resume
from aim_keras.callbacks.search_state import SearchState

__all__ = [
    "AveragedWeights",
    "GateHistory",
    "GateSteps",
    "RankMetrics",
    "RequireFinite",
    "Resume",
    "SearchState",
    "rank_metrics",
]
