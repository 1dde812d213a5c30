"""Callbacks: exact validation metrics, going on after an interruption, a search's state."""

from aim_keras.callbacks.rank_metrics import RankMetrics, rank_metrics
from aim_keras.callbacks.resume import Resume
from aim_keras.callbacks.search_state import SearchState

__all__ = ["RankMetrics", "Resume", "SearchState", "rank_metrics"]
