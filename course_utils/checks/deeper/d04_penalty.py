"""Checks of the exercises of the deep dive `04_penalty`."""

import numpy as np

from course_utils.checks import diagnose


def check_1(penalty=None):
    """Diagnose penalty(X, w, p): the summed variance of the noisy predictions."""
    rng = np.random.default_rng()
    cases = [
        (rng.normal(size=(n, d)) * rng.uniform(0.5, 4, d), rng.normal(size=d), p)
        for n, d, p in ((6, 3, 0.25), (5, 4, float(rng.uniform(0.3, 0.45))), (7, 2, float(rng.uniform(0.6, 0.8))))
    ]
    mistakes = {
        "that is one strength for all columns: each x is in its own term, so multiply before you square":
            lambda X, w, p: p / (1 - p) * np.sum(w**2),
        "you divide by the number of patients; the loss here is a sum over them":
            lambda X, w, p: p / (1 - p) * np.sum((X * w) ** 2) / len(X),
        "p (1 - p) is the variance of the coin alone; the survivors are divided by 1 - p as well":
            lambda X, w, p: p * (1 - p) * np.sum((X * w) ** 2),
        "1/(1-p) gives the average square of a noisy term; its variance is that less the square of the average":
            lambda X, w, p: 1 / (1 - p) * np.sum((X * w) ** 2),
        "you divide by 1 - p once too often: a coin's variance is p (1 - p), and the division turns it into p (1-p)/(1-p)²":
            lambda X, w, p: p / (1 - p) ** 2 * np.sum((X * w) ** 2),
        "you add standard deviations; of independent terms the variances add up":
            lambda X, w, p: np.sqrt(p / (1 - p)) * np.sum(np.abs(X * w)),
        "these are standard deviations, one a patient, added up: leave the root away":
            lambda X, w, p: np.sqrt(p / (1 - p) * np.sum((X * w) ** 2, 1)).sum(),
        "the factor is upside down: without dropout (p = 0) the penalty is 0": lambda X, w, p: (1 - p) / p * np.sum((X * w) ** 2),
        "the factor p/(1-p) is missing": lambda X, w, p: np.sum((X * w) ** 2),
        "the factor is p/(1-p), not p": lambda X, w, p: p * np.sum((X * w) ** 2),
        "you square the whole prediction: the coins are independent, so square each term x_j w_j and add then":
            lambda X, w, p: p / (1 - p) * np.sum((X @ w) ** 2),
        "you forgot to square the weights": lambda X, w, p: p / (1 - p) * np.sum(X**2 * w),
        "the factor is squared: p/(1-p) is already the variance": lambda X, w, p: (p / (1 - p)) ** 2 * np.sum((X * w) ** 2),
    }  # fmt: skip
    return diagnose(
        penalty,
        cases,
        lambda X, w, p: p / (1 - p) * np.sum((X * w) ** 2),
        mistakes,
        passed="the variance of each term, summed over measurements and patients: a penalty on w that knows the data.",
    )


def check_2(rate=None):
    """Diagnose rate(alpha, n): the dropout rate that equals Ridge(alpha) on n examples with standardized columns."""
    rng = np.random.default_rng()
    cases = [(10.0, 20), *((float(rng.uniform(1, 50)), int(rng.integers(60, 300))) for _ in range(2))]
    mistakes = {
        "that is the odds p/(1-p) = alpha/n: solve for p": lambda alpha, n: alpha / n,
        "that is the probability of keeping; p is the probability of dropping": lambda alpha, n: n / (alpha + n),
        "you left n out: the penalty is summed over the examples, so every s_j is n": lambda alpha, n: alpha / (1 + alpha),
        "alpha is n times the odds p/(1-p), so the odds are alpha divided by n, not times n":
            lambda alpha, n: alpha * n / (1 + alpha * n),
        "s_j is a sum of squares and equals n, not √n": lambda alpha, n: alpha / (alpha + n**0.5),
        "you went the other way: that is alpha for a rate": lambda alpha, n: n * alpha / (1 - alpha),
    }  # fmt: skip
    return diagnose(
        rate,
        cases,
        lambda alpha, n: alpha / (alpha + n),
        mistakes,
        passed="alpha = n p/(1-p), solved for p. A fixed alpha is a smaller and smaller rate as n grows.",
    )
