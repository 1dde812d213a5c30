"""Cells of the tables, as they are shown."""

import numpy as np


def mean(values, digits=4, scale=1):
    """`mean ± standard deviation`, the mean alone of one value, nothing of none."""
    if not values:
        return ""
    scaled = [value / scale for value in values]
    center = f"{np.mean(scaled):,.{digits}f}"
    return center if len(scaled) == 1 else f"{center} ± {np.std(scaled, ddof=1):,.{digits}f}"


def thousands(counts):
    """`mean` of counts in thousands, with three digits after the point below one thousand."""
    return mean(counts, 0 if min(counts, default=0) >= 1e3 else 3, 1e3)


def metrics(published):
    """`AUC / log loss` of a published figure, nothing of none."""
    return f"{published['auc']:.4f} / {published['log_loss']:.4f}" if published else ""


def percent(value):
    """Up to two digits after the point, as the paper has them."""
    return f"{value:z.2f}".rstrip("0").rstrip(".") + "%"
