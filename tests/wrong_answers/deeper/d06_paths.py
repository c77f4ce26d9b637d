"""Typical wrong answers of the deep dive `06_paths`: (answer, part of the diagnosis it must get)."""

import numpy as np


def pull(X, y, w):
    return X.T @ (y - X @ w) / len(y)


def with_sizes(X, y, w, λ):
    g = abs(pull(X, y, w))
    return max(abs(g[j] - λ) if w[j] else max(g[j] - λ, 0) for j in range(len(w)))


def of_moving(X, y, w, λ):
    g = pull(X, y, w)
    return max([abs(g[j] - λ * np.sign(w[j])) for j in range(len(w)) if w[j]], default=0)


WRONG = {
    "check_1": [
        (lambda X, y, w, λ: np.maximum(abs(pull(X, y, w)) - λ, 0).max(), "exactly λ"),
        (lambda X, y, w, λ: abs(pull(X, y, w) - λ * np.sign(w)).max(), "need not be pulled"),
        (with_sizes, "size alone"),
        (of_moving, "not zero only"),
        (lambda X, y, w, λ: abs(pull(X, y, w)).max(), "pull alone"),
        (lambda X, y, w, λ: np.mean((y - X @ w) ** 2) / 2 + λ * abs(w).sum(), "your answer gives"),
    ],
    "check_2": [
        (lambda b, rho: abs(b), "without correlation"),
        (lambda b, rho: abs(b) * (1 - rho), "if b were negative"),
        (lambda b, rho: abs(b) * (1 + rho), "if b were positive"),
        (lambda b, rho: abs(b) - rho * b, "swapped"),
        (lambda b, rho: abs(b) * (1 - rho**2), "shrunken by λ"),
    ],
}
