"""Intervals over runs."""

import math

import numpy as np
from scipy import stats


def mean_and_interval(values):
    """Mean of n numbers, half-width of its 95 % interval by Student's t (inf if n < 2), and n. values: (n,) floats."""
    values = np.asarray(values, dtype=float)
    n = len(values)
    half = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / math.sqrt(n) if n > 1 else math.inf
    return values.mean(), half, n
