"""Typical wrong answers of the deep dive `05_calibration`: (answer, part of the diagnosis it must get)."""

import numpy as np
from torch.nn.functional import cross_entropy, one_hot

GRID = np.exp(np.linspace(-3, 3, 301)).tolist()

WRONG = {
    "check_1": [
        (lambda logits, y: min(GRID, key=lambda T: cross_entropy(logits * T, y)), "multiply by T"),
        (lambda logits, y: min(GRID, key=lambda T: cross_entropy(logits.softmax(-1) / T, y)), "divide probabilities"),
        (lambda logits, y: min(cross_entropy(logits / T, y) for T in GRID), "asked is the temperature"),
        (lambda logits, y: 1, "changes nothing"),
    ],
    "check_2": [
        (lambda p, y: ((p - one_hot(y, p.shape[1])) ** 2).mean(), "average over the classes"),
        (lambda p, y: ((p - one_hot(y, p.shape[1])) ** 2).sum(), "sum over the letters"),
        (lambda p, y: abs(p - one_hot(y, p.shape[1])).sum(1).mean(), "squared"),
        (lambda p, y: sum((1 - p[i, k]) ** 2 for i, k in enumerate(y)) / len(y), "own probability"),
    ],
}
