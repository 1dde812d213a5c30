"""Laws of growth of measured costs: a constant and a power."""

import dataclasses

import numpy as np

EXPONENTS = np.arange(0.05, 4.005, 0.01)


@dataclasses.dataclass(frozen=True)
class Law:
    """`cost(x) = constant + scale * x ** exponent`, fitted from `first` to `last`.

    `error` is the root mean square of the relative errors.
    """

    constant: float
    scale: float
    exponent: float
    error: float
    first: int
    last: int

    def __call__(self, x):
        return self.constant + self.scale * x**self.exponent


def fitted_law(entries, cost):
    """The law of least squares of relative errors over the measured points.

    Without the constant, such as what it takes to start a step, an exponent would say how large
    the constant is, and not how the rest grows.

    Args:
        entries: Points of a series, `{"x", cost}`, upwards.
        cost: Name of the cost.

    Returns:
        `Law`, or `None` where fewer than three points are measured.
    """
    measured = [entry for entry in entries if is_measured(entry)]
    if len(measured) < 3:
        return None
    x, y = (np.array([entry[name] for entry in measured], "float64") for name in ("x", cost))
    error, constant, scale, exponent = min(_fit(x, y, exponent) for exponent in EXPONENTS)
    return Law(constant, scale, float(exponent), error, measured[0]["x"], measured[-1]["x"])


def _fit(x, y, exponent):
    """`(error, constant, scale, exponent)` of an exponent's best constant and scale, both >= 0."""
    constant, power = 1 / y, x**exponent / y
    scales = np.array([np.linalg.norm(constant), np.linalg.norm(power)])
    columns = np.stack([constant, power], axis=1) / scales
    both = np.linalg.lstsq(columns, np.ones_like(y), rcond=None)[0]
    if both.min() < 0:  # then the best one has one of them alone
        alone = columns.sum(axis=0)
        residuals = np.square(columns * alone - 1).sum(axis=0)
        both = np.where(residuals == residuals.min(), alone, 0)
    error = np.sqrt(np.mean(np.square(columns @ both - 1)))
    return float(error), *(both / scales).tolist(), exponent


def is_measured(entry):
    return not {"extrapolated", "error"} & set(entry)
