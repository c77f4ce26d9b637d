"""Typical wrong answers of lesson 00: (answer, part of the diagnosis it must get)."""

WRONG = {
    "check_0_1": [
        (lambda k, n: (k / n * (1 - k / n)) ** 0.5, "standard deviation of one example"),
        (lambda k, n: k / n * (1 - k / n) / n, "variance"),
        (lambda k, n: n**-0.5, "ignores the accuracy"),
        (lambda k, n: 1.96 * (k / n * (1 - k / n) / n) ** 0.5, "half-width"),
        (0.015, "could not be used"),
    ]
}
