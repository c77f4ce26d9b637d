"""Typical wrong answers of the deep dive `04_penalty`: (answer, part of the diagnosis it must get)."""

import numpy as np

WRONG = {
    "check_1": [
        (lambda X, w, p: p / (1 - p) * (w**2).sum(), "one strength for all"),
        (lambda X, w, p: p / (1 - p) * ((X * w) ** 2).sum(1).mean(), "sum over them"),
        (lambda X, w, p: p * (1 - p) * ((X * w) ** 2).sum(), "coin alone"),
        (lambda X, w, p: p / (1 - p) * np.square(X @ w).sum(), "whole prediction"),
        (lambda X, w, p: ((X * w) ** 2).sum(), "is missing"),
    ],
    "check_2": [
        (lambda alpha, n: alpha / n, "solve for p"),
        (lambda alpha, n: n / (n + alpha), "probability of keeping"),
        (lambda alpha, n: alpha / (alpha + 1), "left n out"),
        (lambda alpha, n: alpha / (alpha + np.sqrt(n)), "not √n"),
    ],
}
