"""Typical wrong answers of lesson 04: (answer, part of the diagnosis it must get)."""

import numpy as np
from torch.nn import functional


def _exactly_k(x, p, rng, training):
    order = rng.random(x.shape).argsort(1)
    return np.where(order < round(p * x.shape[1]), 0, x / (1 - p))


def _dropout(x, p, rng):
    return x * (rng.random(x.shape) >= p) / (1 - p)


def _ridge(strength):
    def answer(X, y, p):
        return np.linalg.solve(X.T @ X + strength(X.T @ X, p), X.T @ y)

    return answer


WRONG = {
    "check_4_1": [
        (lambda x, p, rng, training: x * (rng.random(x.shape) >= p), "not rescaled"),
        (lambda x, p, rng, training: x * (rng.random(x.shape) < p) / p, "you treat it as keeping"),
        (lambda x, p, rng, training: x * (rng.random(x.shape[1]) >= p) / (1 - p), "share one mask"),
        (_exactly_k, "same number of units"),
        (lambda x, p, rng, training: _dropout(x, p, rng), "in evaluation"),
        (lambda x, p, rng, training: _dropout(x, p, rng) if training else x, "NaN"),
        (lambda x, p, rng, training: x * (rng.random(x.shape) >= p) * (1 - p) if training else x, "divided by 1-p"),
    ],
    "check_4_2": [
        (lambda n, p: p / (1 - p) / n, "variance"),
        (lambda n, p: (p / (1 - p)) ** 0.5, "one unit"),
        (lambda n, p: (p * (1 - p) / n) ** 0.5, "mask alone"),
        (lambda n, p: (n * p * (1 - p)) ** 0.5, "number of dropped units"),
    ],
    "check_4_3": [
        (lambda module, x: functional.dropout(x, 0.5), "still drops"),
        (lambda module, x: functional.dropout(x, 0.5, training=False), "nothing is dropped"),
        (lambda module, x: functional.dropout(x, 0.5) if module.training else x / 2, "no scale at test time"),
        (lambda module, x: functional.dropout(x, 0.2, module.training), "half of the values"),
    ],
    "check_4_4": [
        (lambda q: q.mean(0), "arithmetic"),
        (lambda q: np.exp(np.log(q).mean(0)), "normalize it"),
        (lambda q: q.prod(0) / q.prod(0).sum(), "M-th root"),
        (lambda q: np.exp(np.log(q).mean(1)), "over the first axis"),
    ],
    "check_4_5": [
        (_ridge(lambda gram, p: 0 * gram), "least squares"),
        (_ridge(lambda gram, p: p / (1 - p) * np.eye(len(gram))), "plain ridge"),
        (_ridge(lambda gram, p: p * np.diag(np.diag(gram))), "you have p"),
        (_ridge(lambda gram, p: (1 - p) / p * np.diag(np.diag(gram))), "keeping"),
        (_ridge(lambda gram, p: p / (1 - p) * np.diag(np.diag(gram)) / 50), "not means"),
    ],
}
