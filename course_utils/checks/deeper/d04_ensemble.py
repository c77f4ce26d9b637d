"""Checks of the exercises of the deep dive 04_ensemble."""

import numpy as np

from course_utils.checks import diagnose


def check_1(geometric_mean=None):
    """Diagnose geometric_mean(q): the normalized geometric mean of probabilities (members, ..., classes)."""
    mistakes = {
        "that is the arithmetic mean: average the logarithms instead": lambda q: q.mean(0),
        "the geometric mean is right, but it must sum to 1 over the classes: divide by its sum": lambda q: _roots(q),
        "you multiply, but take no root: the mean of the logarithms is asked, not their sum":
            lambda q: _normalized(np.exp(np.log(q).sum(0))),
        "these are the averaged logarithms: go back with exp, and normalize": lambda q: np.log(q).mean(0),
        "these are logarithms of the right answer: go back with exp": lambda q: np.log(_normalized(_roots(q))),
        "you average over the classes; the members are the first axis": lambda q: np.exp(np.log(q).mean(-1)),
        "you divide by the sum over everything; each letter's probabilities must sum to 1, over the last axis":
            lambda q: _roots(q) / _roots(q).sum(),
    }  # fmt: skip
    properties = {
        "the result has another shape than (..., classes): average over the first axis, the members, and over no other":
            lambda mean, q: mean.shape == q.shape[1:],
        "with hundreds of members the product underflows to 0: average the logarithms, the product is never needed":
            lambda mean, q: np.all(np.isfinite(mean)) and np.all(mean.sum(-1) > 0.5),
    }  # fmt: skip
    return diagnose(
        geometric_mean,
        [(_predictions(*shape),) for shape in ((3, 4), (5, 6, 10), (900, 2, 10))],
        lambda q: _normalized(_roots(q)),
        mistakes,
        properties=properties,
        passed="averaged logarithms, normalized again: the mean for which the network with dropout off stands.",
    )


def check_2(gain=None):
    """Diagnose gain(q): the average member's loss minus the geometric mean's, which is -log Z whatever the label."""
    mistakes = {
        "that is Z, the sum of the roots; the gain is in nats: -log Z": lambda q: _roots(q).sum(),
        "the sign: this is log Z, which is never positive, and the gain is never negative":
            lambda q: np.log(_roots(q).sum()),
        "that is the Z of the product without its M-th root": lambda q: -np.log(np.exp(np.log(q).sum(0)).sum()),
        "that is -log 1, whatever q is: the arithmetic mean and the normalized geometric mean both sum to 1; you need Z, the sum "
        "of the geometric mean before it is normalized": lambda q: -np.log(q.mean(0).sum()),
        "that is the mutual information, the disagreement as the arithmetic mean sees it; here the mean is geometric":
            lambda q: (q * np.log(q)).sum(-1).mean() - (q.mean(0) * np.log(q.mean(0))).sum(),
        "that is the average over all labels of the geometric mean's loss; the gain is a difference, and the label cancels":
            lambda q: -np.log(_normalized(_roots(q))).mean(),
        "that is the average loss over all labels and members; subtract the loss of the geometric mean":
            lambda q: -np.log(q).mean(),
        "bits are asked nowhere: take the natural logarithm": lambda q: -np.log2(_roots(q).sum()),
    }  # fmt: skip
    return diagnose(
        gain,
        [(_predictions(*shape),) for shape in ((4, 3), (7, 10), (20, 5))],
        lambda q: -np.log(_roots(q).sum()),
        mistakes,
        passed="the label cancels: a crowd gains what its members disagree, and you know it before anyone knows the answer.",
    )


def _predictions(*shape):
    """Random probabilities, some near 0."""
    return _normalized(np.exp(np.random.default_rng().normal(0, 2, shape)))


def _roots(q):
    """The geometric means over the first axis, not normalized."""
    return np.exp(np.log(q).mean(0))


def _normalized(q):
    return q / q.sum(-1, keepdims=True)
