"""Cells of the tables, as they are shown."""

from experiments.tabulating.statistics import mean_and_deviation


def mean(values, digits=4, scale=1):
    """`mean ± standard deviation`, the mean alone of one value, nothing of none."""
    if not values:
        return ""
    center, deviation = mean_and_deviation([value / scale for value in values])
    if deviation is None:
        return f"{center:,.{digits}f}"
    return f"{center:,.{digits}f} ± {deviation:,.{digits}f}"


def thousands(counts):
    """`mean` of counts in thousands, with three digits after the point below one thousand."""
    return mean(counts, 0 if min(counts, default=0) >= 1e3 else 3, 1e3)


def metrics(published):
    """`AUC / log loss` of a published figure, nothing of none."""
    return f"{published['auc']:.4f} / {published['log_loss']:.4f}" if published else ""


def percent(value):
    """Up to two digits after the point, as the paper has them."""
    return f"{value:z.2f}".rstrip("0").rstrip(".") + "%"
