"""Typical wrong answers of lesson 00: (answer, part of the diagnosis it must get)."""

import math

WRONG = {
    "check_0_1": [
        (lambda k, n: (k / n * (1 - k / n)) ** 0.5, "standard deviation of one example"),
        (lambda k, n: k / n * (1 - k / n) / n, "variance"),
        (lambda k, n: n**-0.5, "ignores the accuracy"),
        (lambda k, n: 0.5 / n**0.5, "for an accuracy of one half only"),
        (lambda k, n: 1.96 * (k / n * (1 - k / n) / n) ** 0.5, "half-width"),
        (lambda k, n: (k * (1 - k / n)) ** 0.5, "counts correct examples"),
        (lambda k, n: 100 * (k / n * (1 - k / n) / n) ** 0.5, "in percent"),
        (lambda k, n: 0.3 / n**0.5, "which is too"),
        (lambda k, n: 0.015, "which is too"),
        (lambda k, n: (0.9 * 0.1 / n) ** 0.5, "which is too"),
        (lambda k, n: (k / 400 * (1 - k / 400) / n) ** 0.5, "with n_correct = "),
        (lambda k, n: (k / n * (k / n - 1) / n) ** 0.5, "an object of type complex"),
        (lambda k, n: math.sqrt(k / n * (k / n - 1) / n), "ValueError"),
        (lambda accuracy: (accuracy * (1 - accuracy) / 400) ** 0.5, "takes 1 argument, the exercise gives it 2: n_correct = 360"),
        (0.015, "a function is asked"),
    ]
}
