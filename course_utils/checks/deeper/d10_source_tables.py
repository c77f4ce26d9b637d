"""Checks of the exercises of the deep dive `10_source_tables`."""

import math

import numpy as np

from course_utils.checks import diagnose


def check_1(luck=None):
    """Diagnose luck(a, n): 1.96 standard errors of the difference of two accuracies, each a share of n pictures."""
    rng = np.random.default_rng()
    cases = [(0.8, 10_000), (0.5, 400), (float(rng.uniform(0.6, 0.95)), int(rng.integers(500, 5000)))]
    mistakes = {
        "that is for one network; of a difference the variances of both count": lambda a, n: 1.96 * math.sqrt(a * (1 - a) / n),
        "that adds the two standard errors: it is the variances that add up": lambda a, n: 3.92 * math.sqrt(a * (1 - a) / n),
        "that is one standard error: it holds in 68 of 100 pairs": lambda a, n: math.sqrt(2 * a * (1 - a) / n),
        "twice is the rule of thumb: take 1.96": lambda a, n: 2 * math.sqrt(2 * a * (1 - a) / n),
        "that is a variance, take its root": lambda a, n: 1.96 * 2 * a * (1 - a) / n,
        "variances of independent numbers add up, also in a difference": lambda a, n: 0.0,
        "a(1 - a) is the variance of one picture, right or wrong; a alone is not": lambda a, n: 1.96 * math.sqrt(2 * a / n),
        "more pictures must mean less luck: divide by n": lambda a, n: 1.96 * math.sqrt(2 * a * (1 - a)),
    }  # fmt: skip
    return diagnose(
        luck,
        cases,
        lambda a, n: 1.96 * math.sqrt(2 * a * (1 - a) / n),
        mistakes,
        passed="a difference smaller than this needs no explanation but luck.",
    )
