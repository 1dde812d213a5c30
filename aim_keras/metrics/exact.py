"""Exact metrics of a binary classifier, in NumPy."""

import numpy as np


def auc(labels, scores):
    """Area under the ROC curve: exact, not binned.

        AUC = (#{s_i > s_j} + #{s_i = s_j} / 2) / (P * N)

    over the P * N pairs of a positive row i and a negative row j. Takes O(n log n) time.

    Args:
        labels: Array of 0 and 1, of shape `(n,)` or `(n, 1)`.
        scores: Array of the same number of rows: logits, probabilities or any other scores, as
            only their order counts.

    Returns:
        Float between 0 and 1.

    Raises:
        ValueError: If the shapes do not fit, there are no rows, a value is NaN, a label is neither
            0 nor 1, or all labels are the same.
    """
    positive, scores = _columns(labels, scores)
    if positive.all() or not positive.any():
        raise ValueError(
            "AUC needs labels of both classes. "
            f"Received: {positive.size} labels that are all {int(positive[0])}"
        )
    _, value, rows = np.unique(scores, return_inverse=True, return_counts=True)
    positives = np.bincount(value, weights=positive)
    negatives = rows - positives
    below = np.cumsum(negatives) - negatives
    pairs = positives.sum() * negatives.sum()
    return float(np.sum(positives * (below + negatives / 2)) / pairs)


def log_loss(labels, logits):
    """Mean binary cross-entropy, from logits and in float64, so that no logit saturates.

        log_loss = mean(log(1 + exp(-(2 y - 1) x)))

    Args:
        labels: Array of 0 and 1 (y), of shape `(n,)` or `(n, 1)`.
        logits: Array of the same number of rows (x), before the sigmoid.

    Returns:
        Float >= 0.

    Raises:
        ValueError: If the shapes do not fit, there are no rows, a value is NaN, or a label is
            neither 0 nor 1.
    """
    positive, logits = _columns(labels, logits)
    return float(np.logaddexp(0.0, np.where(positive, -logits, logits)).mean())


def _columns(labels, scores):
    """Checks both; returns the labels as booleans, the scores as float64, of shape (n,)."""
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
    return labels == 1, scores
