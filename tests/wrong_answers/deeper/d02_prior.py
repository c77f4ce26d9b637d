"""Typical wrong answers of the deep dive `02_prior`: (answer, part of the diagnosis it must get)."""

import numpy as np


def heard(h, weight_decay):
    return np.sum(h / (h + weight_decay))


WRONG = {
    "check_1": [
        (lambda w, h, weight_decay, noise, n: 2 * noise**2 * len(h) / (n * np.sum(w**2)), "the echo"),
        (lambda w, h, weight_decay, noise, n: 2 * noise**2 / (n * np.sum(w**2)), "counts nothing"),
        (lambda w, h, weight_decay, noise, n: noise**2 * heard(h, weight_decay) / (n * np.sum(w**2)), "a factor 2"),
        (lambda w, h, weight_decay, noise, n: 2 * noise * heard(h, weight_decay) / (n * np.sum(w**2)), "its square"),
        (lambda w, h, weight_decay, noise, n: 2 * noise**2 * heard(h, weight_decay) / np.sum(w**2), "divided by n"),
        (lambda w, h, weight_decay, noise, n: np.sum(w**2) / heard(h, weight_decay), "that is τ²"),
        (lambda w, h, weight_decay, noise, n: 2 * noise**2 * np.sum(h > weight_decay) / (n * np.sum(w**2)), "half heard"),
    ],
    "check_2": [
        (lambda c, n_old, n_new: 2 * c, "the same λ"),
        (lambda c, n_old, n_new: c * n_old / n_new, "a factor 2"),
        (lambda c, n_old, n_new: 2 * c * n_new / n_old, "upside down"),
        (lambda c, n_old, n_new: 2 * c / n_new, "beside a *sum*"),
        (lambda c, n_old, n_new: 2 * c * np.sqrt(n_old / n_new), "not its root"),
    ],
}
