"""Exact metrics of a binary classifier, in NumPy."""

from typing import Any

import numpy as np


def auc(labels: Any, scores: Any, weights: Any = None) -> float:
    """Area under the ROC curve: exact, not binned.

        AUC = (#{s_i > s_j} + #{s_i = s_j} / 2) / (P * N)

    over the P * N pairs of a positive row i and a negative row j. Takes O(n log n) time. With
    weights a pair counts as w_i * w_j pairs, and P and N are sums of weights.

    Args:
        labels: Array of 0 and 1, of shape `(n,)` or `(n, 1)`.
        scores: Array of the same number of rows: logits, probabilities or any other scores, as
            only their order counts.
        weights: Array of the same number of rows, finite and not below 0; `None` for ones.

    Returns:
        Float between 0 and 1.

    Raises:
        ValueError: If the shapes do not fit, there are no rows, a value is NaN, a label is neither
            0 nor 1, a weight is out of range, or all labels of weights above 0 are the same.
    """
    positive, scores, weights = _columns(labels, scores, weights)
    present = positive[weights > 0]
    if present.all() or not present.any():
        raise ValueError(
            "AUC needs labels of both classes. "
            f"Received: {present.size} labels that are all {int(present[0])}"
        )
    _, value = np.unique(scores, return_inverse=True)
    positives = np.bincount(value, weights=positive * weights)
    negatives = np.bincount(value, weights=~positive * weights)
    below = np.cumsum(negatives) - negatives
    pairs = positives.sum() * negatives.sum()
    return min(1.0, float(np.sum(positives * (below + negatives / 2)) / pairs))


def log_loss(labels: Any, logits: Any, weights: Any = None) -> float:
    """Mean binary cross-entropy, from logits and in float64, so that no logit saturates.

        log_loss = mean(log(1 + exp(-(2 y - 1) x)))

    With weights it is the weighted mean.

    Args:
        labels: Array of 0 and 1 (y), of shape `(n,)` or `(n, 1)`.
        logits: Array of the same number of rows (x), before the sigmoid.
        weights: Array of the same number of rows, finite and not below 0; `None` for ones.

    Returns:
        Float >= 0.

    Raises:
        ValueError: If the shapes do not fit, there are no rows, a value is NaN, a label is neither
            0 nor 1, or a weight is out of range.
    """
    positive, logits, weights = _columns(labels, logits, weights)
    losses = np.logaddexp(0.0, np.where(positive, -logits, logits))
    return float(np.average(losses, weights=weights))


def _columns(labels, scores, weights):
    """Checks all; labels as booleans, scores and weights as float64, of shape (n,)."""
    labels, scores = np.asarray(labels, "float64"), np.asarray(scores, "float64")
    shapes = {labels.shape, scores.shape}
    if labels.size == 0 or not shapes <= {(labels.size,), (labels.size, 1)}:
        raise ValueError(
            "Labels and scores must both be of shape (n,) or (n, 1), n >= 1. "
            f"Received: labels of shape {labels.shape}, scores of shape {scores.shape}"
        )
    labels, scores = labels.ravel(), scores.ravel()
    for name, array in (("Labels", labels), ("Scores", scores)):
        if np.isnan(array).any():
            raise ValueError(
                f"{name} must not be NaN. Received: {np.isnan(array).sum()} NaN of {array.size}"
            )
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"Labels must be 0 or 1. Received: {labels[~np.isin(labels, (0, 1))][0]}")
    if weights is None:
        return labels == 1, scores, np.ones_like(scores)
    weights = np.asarray(weights, "float64")
    if weights.shape not in {(labels.size,), (labels.size, 1)}:
        raise ValueError(
            "Weights must be of shape (n,) or (n, 1), as the labels. "
            f"Received: weights of shape {weights.shape}, {labels.size} labels"
        )
    if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.any()):
        raise ValueError(
            "Weights must be finite, not below 0, and not all 0. "
            f"Received: weights from {weights.min()} to {weights.max()}"
        )
    return labels == 1, scores, weights.ravel()


def are_probabilities(outputs: np.ndarray) -> bool:
    """Whether a model's outputs look like probabilities: they differ, and are from 0 to 1."""
    return bool(((outputs >= 0) & (outputs <= 1)).all()) and np.unique(outputs).size > 1
