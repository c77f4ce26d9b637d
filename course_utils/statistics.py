"""Intervals: how far a mean would move if what it is *over* were drawn again.

Each is a 95 % interval; each docstring says what it is over. What is not drawn again is not covered: runs on one data set say
nothing about other data. tests/test_statistics.py holds the coverage of each in simulations.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def mean_and_interval(values: ArrayLike, overlap: float = 0.0) -> tuple[float, float, int]:
    """Mean and 95 % interval over independent runs, by Student's t; over differences a - b it is the paired interval.

    Args:
        values: (n,) numbers, one a run. NaN makes mean and interval NaN.
        overlap: n_test / n_train where the runs are random resplits of one data set. Such runs share examples, so that their
            spread tells too little; the correction is Nadeau & Bengio's (Machine Learning 52, 2003). 0: nothing is shared.

    Returns:
        The mean, the half-width of its interval (inf if n < 2), and n.
    """
    values = np.asarray(values, dtype=float)
    n = len(values)
    half = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) * math.sqrt(1 / n + overlap) if n > 1 else math.inf
    return values.mean(), half, n


def crossed_interval(values: ArrayLike) -> tuple[float, float, int]:
    """Mean and 95 % interval over runs *and* test examples, both drawn again: for claims about new data.

    Every run answers every example, so neither runs nor examples alone are independent. The variances between runs and between
    examples are estimated apart and added (crossed random effects; degrees of freedom by Satterthwaite, Biometrics 2, 1946).
    A two-way bootstrap is asymptotically the same, but with the five or eight runs of a lesson it is too narrow. Where neither
    runs nor examples differ, only their pairing, this interval is wider than it need be.

    Args:
        values: (n_runs, n_examples) numbers, such as the paired differences of two models' 0/1 scores; at least 2 of each.

    Returns:
        The mean, the half-width of its interval, and n_runs.
    """
    values = np.asarray(values, dtype=float)
    n_runs, n_examples = values.shape
    by_run, by_example, mean = values.mean(1), values.mean(0), values.mean()
    rest = values - by_run[:, None] - by_example + mean
    freedom = np.array([n_runs - 1, n_examples - 1, (n_runs - 1) * (n_examples - 1)])
    runs, examples = n_examples * by_run.var(ddof=1), n_runs * by_example.var(ddof=1)
    total = runs + examples - np.square(rest).sum() / freedom[2]
    spread = np.square([runs, examples, runs + examples - total])
    degrees = max(total**2 / ((spread / freedom).sum() or 1.0), n_runs - 1)
    variance = max(total, runs, examples) / values.size
    return mean, stats.t.ppf(0.975, degrees) * math.sqrt(variance), n_runs


def accuracy_interval(n_correct: int, n: int) -> tuple[float, float]:
    """95 % interval over test examples of one fixed model's accuracy (Wilson, JASA 22, 1927); says nothing about other runs.

    Args:
        n_correct: examples answered correctly.
        n: examples.

    Returns:
        Its lower and its upper end, as fractions.
    """
    interval = stats.binomtest(int(n_correct), int(n)).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)
