"""Typical wrong answers of the deep dive `04_penalty`: (answer, part of the diagnosis it must get)."""

import numpy as np

WRONG = {
    "check_1": [
        (lambda X, w, p: p / (1 - p) * (w**2).sum(), "one strength for all"),
        (lambda X, w, p: p / (1 - p) * ((X * w) ** 2).sum(1).mean(), "sum over them"),
        (lambda X, w, p: p * (1 - p) * ((X * w) ** 2).sum(), "coin alone"),
        (lambda X, w, p: p / (1 - p) * np.square(X @ w).sum(), "whole prediction"),
        (lambda X, w, p: ((X * w) ** 2).sum(), "is missing"),
        (lambda X, w, p: ((X * w) ** 2).sum() / (1 - p), "average square"),
        (lambda X, w, p: p / (1 - p) ** 2 * ((X * w) ** 2).sum(), "once too often"),
        (lambda X, w, p: (p / (1 - p)) ** 0.5 * abs(X * w).sum(), "the variances add up"),
        (lambda X, w, p: (p / (1 - p) * ((X * w) ** 2).sum(1)).__pow__(0.5).sum(), "one a patient"),
    ],
    "check_2": [
        (lambda alpha, n: alpha / n, "solve for p"),
        (lambda alpha, n: n / (n + alpha), "probability of keeping"),
        (lambda alpha, n: alpha / (alpha + 1), "left n out"),
        (lambda alpha, n: alpha * n / (alpha * n + 1), "not times n"),
        (lambda alpha, n: alpha / (alpha + np.sqrt(n)), "not √n"),
    ],
}
