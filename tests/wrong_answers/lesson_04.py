"""Typical wrong answers of lesson 04: (answer, part of the diagnosis it must get)."""

import numpy as np
from torch.nn import functional

from course_utils.statistics import mean_and_interval


def _exactly_k(x, p, rng, training):
    order = rng.random(x.shape).argsort(1)
    return np.where(order < round(p * x.shape[1]), 0, x / (1 - p))


def _dropout(x, p, rng):
    return x * (rng.random(x.shape) >= p) / (1 - p)


def _report(choose_by="val", report="test", half=lambda runs: mean_and_interval(runs)[1], pick="mean"):
    def answer(scores):
        chosen = scores.groupby("p_drop")[choose_by].agg(pick).idxmax()
        runs = scores[scores["p_drop"] == chosen][report]
        return chosen, runs.mean(), half(runs)

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
        (_report(choose_by="test"), "chose by the test accuracy"),
        (_report(pick="max"), "lucky run"),
        (_report(report="val"), "report the validation accuracy"),
        (_report(half=lambda runs: runs.std()), "standard deviation"),
        (_report(half=lambda runs: runs.std() / 8**0.5), "Student's t"),
    ],
}
