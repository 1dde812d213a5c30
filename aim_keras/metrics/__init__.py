"""Metrics of a binary classifier: exact ones of arrays, and one for `compile`."""

from aim_keras.metrics.binned_auc import BinnedAUC
from aim_keras.metrics.exact import auc, log_loss

__all__ = ["BinnedAUC", "auc", "log_loss"]
