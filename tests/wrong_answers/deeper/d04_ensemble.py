"""Typical wrong answers of the deep dive 04_ensemble: (answer, part of the diagnosis it must get)."""

import numpy as np


def _product(q):
    mean = np.prod(q, 0) ** (1 / len(q))
    return mean / mean.sum(-1, keepdims=True)


WRONG = {
    "check_1": [
        (lambda q: q.mean(0), "arithmetic mean"),
        (lambda q: np.exp(np.log(q).mean(0)), "sum to 1"),
        (lambda q: np.log(q).mean(0), "go back with exp"),
        (_product, "underflows"),
        (lambda q: q.mean(-1), "another shape"),
    ],
    "check_2": [
        (lambda q: np.log(np.exp(np.log(q).mean(0)).sum()), "the sign"),
        (lambda q: np.exp(np.log(q).mean(0)).sum(), "that is Z, the sum"),
        (lambda q: -np.log(q.mean(0).sum()), "-log 1"),
        (lambda q: -np.log(_product(q).sum()), "before it is normalized"),
        (lambda q: -(q.mean(0) * np.log(q.mean(0))).sum() + (q * np.log(q)).sum(-1).mean(), "mutual information"),
        (lambda q: -np.log(q).mean(), "subtract"),
    ],
}
