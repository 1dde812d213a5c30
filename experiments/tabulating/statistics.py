"""The numbers that the tables make of the seeds."""

from typing import NamedTuple

import numpy as np
from scipy import stats


class TTest(NamedTuple):
    """The statistic and the two-tailed p-value of a t-test."""

    t: float
    p: float


def mean_and_deviation(values):
    """The mean and the sample's standard deviation, `None` of a single value."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


def relative_improvement(auc, base):
    """Percent by which an AUC is above another, 100 (auc / base - 1), as the paper's Table 2."""
    return 100 * (auc / base - 1)


def t_test(values, others):
    """The two-tailed unpaired t-test of Student, of two values or more on each side."""
    result = stats.ttest_ind(values, others)
    return TTest(float(result.statistic), float(result.pvalue))
