"""Typical wrong answers of lesson 06: (answer, part of the diagnosis it must get)."""

import numpy as np


def hard_threshold_in_a_loop(b, t):
    return np.array([0.0 if abs(v) < t else v for v in b.flat]).reshape(b.shape)


WRONG = {
    "check_6_1": [
        (lambda b, t: b - t * np.sign(b), "subgradient step"),
        (hard_threshold_in_a_loop, "hard threshold"),
        (lambda b, t: np.maximum(b - t, 0), "negative numbers"),
        (lambda b, t: np.maximum(abs(b) - t, 0), "signs are lost"),
        (lambda b, t: b / (1 + t), "minimizer with L2"),
        (lambda b, t: np.where(b > t, b - t, np.where(b < -t, b + t, b)), "exactly 0"),
        (lambda b, t: b - t if b > t else b + t if b < -t else 0.0, "with b"),
    ],
    "check_6_2": [
        (lambda h, b: np.argsort(abs(b)), "by size alone"),
        (lambda h, b: np.argsort(h), "by curvature alone"),
        (lambda h, b: np.argsort(h * abs(b))[::-1], "backwards"),
        (lambda h, b: np.argsort(abs(b) / h), "divide by h"),
        (lambda h, b: np.argsort(h * b**2 / 2), "removing a weight costs"),
        (lambda h, b: sorted(h * abs(b)), "your answer gives"),
    ],
    "check_6_3": [
        (lambda w, b, v, c: (c * w, b, v / c), "bias stays"),
        (lambda w, b, v, c: (c * w, c * b, v), "nobody undoes"),
        (lambda w, b, v, c: (c * w, c * b, v * c), "c twice"),
        (lambda w, b, v, c: (w / c, b / c, v * c), "other way around"),
        (lambda w, b, v, c: (c * w, c * b, v / c**2), "your answer gives"),
    ],
}
