"""Checks of the exercises of the deep dive `10_source_tables`."""

import numpy as np

from course_utils.checks import diagnose


def check_1(rescaled=None):
    """Diagnose rescaled(w1, b1, w2, c): the weights of the same function with c times the first layer's weights."""
    rng = np.random.default_rng()

    def case(n_in, n_hidden, n_out, c):
        return rng.normal(size=(n_hidden, n_in)), rng.normal(size=n_hidden), rng.normal(size=(n_out, n_hidden)), c

    cases = [case(3, 4, 2, 0.5), case(2, 5, 3, 10.0), case(4, int(rng.integers(2, 7)), 2, float(rng.uniform(0.1, 0.9)))]
    mistakes = {
        "the bias stays behind: z = x @ w1.T + b1 must be multiplied as a whole": lambda w1, b1, w2, c: (c * w1, b1, w2 / c),
        "the second layer must take the factor back, so divide there": lambda w1, b1, w2, c: (c * w1, c * b1, c * w2),
        "the hidden units are c times as large now, and so is the answer: change w2, too":
            lambda w1, b1, w2, c: (c * w1, c * b1, w2),
        "that is the other way round: c times w1 was asked for": lambda w1, b1, w2, c: (w1 / c, b1 / c, c * w2),
        "relu does not square: one factor c comes out": lambda w1, b1, w2, c: (c * w1, c * b1, w2 / c**2),
        "divided by c, the bias weighs more than before: it belongs to z like x @ w1.T":
            lambda w1, b1, w2, c: (c * w1, b1 / c, w2 / c),
        "nothing has changed": lambda w1, b1, w2, c: (w1, b1, w2),
    }  # fmt: skip
    return diagnose(
        rescaled,
        cases,
        lambda w1, b1, w2, c: (c * w1, c * b1, w2 / c),
        mistakes,
        passed="the same function: so how small a weight is says nothing by itself.",
    )
