"""Power laws of measured costs."""

import dataclasses

import numpy as np

UPPER = 3  # points that are fitted


@dataclasses.dataclass(frozen=True)
class PowerLaw:
    """`cost(x) = scale * x ** exponent`, fitted from `first` to `last`."""

    scale: float
    exponent: float
    first: int
    last: int

    def __call__(self, x):
        return self.scale * x**self.exponent


def power_law(entries, cost):
    """The least squares of log cost on log x over the upper measured points.

    Only those, as a constant cost, such as that of starting a step, hides the growth below.

    Args:
        entries: Points of a series, `{"x", cost}`, upwards.
        cost: Name of the cost.

    Returns:
        `PowerLaw`, or `None` where fewer than two points are measured.
    """
    measured = [entry for entry in entries if is_measured(entry)][-UPPER:]
    if len(measured) < 2:
        return None
    x, y = (np.array([entry[name] for entry in measured], "float64") for name in ("x", cost))
    exponent, intercept = np.polyfit(np.log(x), np.log(y), 1)
    first, last = (measured[i]["x"] for i in (0, -1))
    return PowerLaw(float(np.exp(intercept)), float(exponent), first, last)


def is_measured(entry):
    return not {"extrapolated", "error"} & set(entry)
