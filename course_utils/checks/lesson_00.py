"""Checks of the exercises of lesson 00."""

import math

import numpy as np

from course_utils.checks import diagnose


def check_0_1(answer=None):
    """Diagnose answer(n_correct, n): the standard error of an accuracy."""

    def right(n_correct, n):
        return math.sqrt(spread(n_correct / n) / n)

    def spread(accuracy):
        return accuracy * (1 - accuracy)

    rng = np.random.default_rng()
    sizes, accuracies = rng.integers(200, 5000, 4).tolist(), rng.uniform(0.6, 0.95, 4)
    mistakes = {
        "that is the standard deviation of one example; the mean of n has a standard error √n times smaller":
            lambda k, n: math.sqrt(spread(k / n)),
        "that is the variance; the standard error is its square root": lambda k, n: spread(k / n) / n,
        "the variance of one example is a (1 − a); the square root is missing": lambda k, n: spread(k / n),
        "1/√n ignores the accuracy: an accuracy near 0 or 1 varies less than one near one half": lambda k, n: 1 / math.sqrt(n),
        "1/(2√n) is right for an accuracy of one half only, where it varies most": lambda k, n: 0.5 / math.sqrt(n),
        "that is the half-width of a 95 % interval, about twice the standard error": lambda k, n: 1.96 * right(k, n),
        "that is twice the standard error, the half-width of a 95 % interval": lambda k, n: 2 * right(k, n),
        "√a is not the spread of one example: multiply the accuracy by 1 − a first": lambda k, n: math.sqrt(k / n / n),
        "that counts correct examples: divide their standard deviation by n to get that of the share":
            lambda k, n: math.sqrt(n * spread(k / n)),
        "you divide by n, and it should be by √n: put the division under the root": lambda k, n: math.sqrt(spread(k / n)) / n,
        "that is in percent: leave it a fraction, like the accuracy": lambda k, n: 100 * right(k, n),
        "that is the accuracy itself; asked is how far it may be off by luck": lambda k, n: k / n,
        "that is the error rate; asked is how far the accuracy may be off by luck": lambda k, n: 1 - k / n,
    }  # fmt: skip
    return diagnose(
        answer,
        [(360, 400), *((round(n * accuracy), n) for n, accuracy in zip(sizes, accuracies, strict=True))],
        right,
        mistakes,
        passed="the standard error is √(a (1 − a) / n): 1.5 points at 90 % of 400, so a gain of one point may be luck.",
        tolerance=3e-3,  # n − 1 in place of n is as good
    )
