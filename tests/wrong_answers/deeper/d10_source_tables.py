"""Typical wrong answers of the deep dive `10_source_tables`: (answer, part of the diagnosis it must get)."""

import numpy as np

WRONG = {
    "check_1": [
        (lambda a, n: 1.96 * np.sqrt(a * (1 - a) / n), "for one network"),
        (lambda a, n: 2 * 1.96 * np.sqrt(a * (1 - a) / n), "adds the two standard errors"),
        (lambda a, n: (2 * a * (1 - a) / n) ** 0.5, "one standard error"),
        (lambda a, n: 2 * (2 * a * (1 - a) / n) ** 0.5, "rule of thumb"),
        (lambda a, n: 1.96 * 2 * a * (1 - a) / n, "a variance"),
        (lambda a, n: 1.96 * (2 * a / n) ** 0.5, "variance of one picture"),
        (lambda a, n: 1.96 * (2 * a * (1 - a)) ** 0.5, "divide by n"),
    ],
}
