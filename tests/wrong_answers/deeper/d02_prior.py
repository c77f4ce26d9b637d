"""Typical wrong answers of the deep dive `02_prior`: (answer, part of the diagnosis it must get)."""

import numpy as np

WRONG = {
    "check_1": [
        (lambda h, weight_decay: len(h), "the echo"),
        (lambda h, weight_decay: h / (h + weight_decay), "add them up"),
        (lambda h, weight_decay: np.sum(weight_decay / (h + weight_decay)), "upside down"),
        (lambda h, weight_decay: np.mean(h / (h + weight_decay)), "the mean share"),
        (lambda h, weight_decay: np.sum(h) / (np.sum(h) + weight_decay), "a share of its own"),
        (lambda h, weight_decay: int(np.sum(h > weight_decay)), "half heard"),
    ],
    "check_2": [
        (lambda c, n_old, n_new: 2 * c, "the same λ"),
        (lambda c, n_old, n_new: c * n_old / n_new, "a factor 2"),
        (lambda c, n_old, n_new: 2 * c * n_new / n_old, "upside down"),
        (lambda c, n_old, n_new: 2 * c / n_new, "beside a *sum*"),
        (lambda c, n_old, n_new: 2 * c * np.sqrt(n_old / n_new), "not its root"),
    ],
}
