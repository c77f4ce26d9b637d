"""Checks of the exercises of the deep dive `05_calibration`."""

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch.nn import functional

from course_utils.checks import diagnose


def _lowest(loss):
    """The T in [0.05, 20] with the lowest loss."""
    return float(np.exp(minimize_scalar(lambda u: float(loss(np.exp(u))), bounds=(-3, 3), method="bounded").x))


def check_1(temperature=None):
    """Diagnose temperature(logits, y): the T that minimizes the NLL of softmax(logits / T)."""

    def right(logits, y):
        return _lowest(lambda T: functional.cross_entropy(logits / T, y))

    cases = []
    for best, spread in ((3.0, 1.0), (float(np.random.default_rng().uniform(1.6, 2.4)), 2.0), (0.5, 3.0)):  # the last: too modest
        logits = spread * torch.randn(200, 5, dtype=torch.float64)
        y = torch.multinomial(torch.softmax(logits, -1), 1)[:, 0]
        cases.append((logits * best, y))
    mistakes = {
        "you multiply by T: that is one over the temperature": lambda logits, y: 1 / right(logits, y),
        "you divide probabilities; divide the logits": lambda logits, y: _lowest(
            lambda T: functional.cross_entropy(torch.softmax(logits, -1) / T, y)
        ),
        "that is the NLL at the best temperature; asked is the temperature": lambda logits, y: functional.cross_entropy(
            logits / right(logits, y), y
        ),
        "that is the logarithm of the temperature": lambda logits, y: np.log(right(logits, y)),
        "T = 1 changes nothing: find the T with the lowest NLL": lambda logits, y: 1.0,
    }
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # hundreds of tiny operations: a second thread only waits
    try:
        return diagnose(
            temperature,
            cases,
            right,
            mistakes,
            tolerance=0.04,
            passed="one number, fitted on held-out letters, and not one answer changes.",
        )
    finally:
        torch.set_num_threads(n_threads)


def check_2(brier=None):
    """Diagnose brier(probabilities, y): squared distance to the one-hot label, summed over classes, averaged over letters."""

    def gaps(probabilities, y):
        return probabilities - functional.one_hot(y, probabilities.shape[-1])

    def right(probabilities, y):
        return (gaps(probabilities, y) ** 2).sum(-1).mean()

    cases = []
    for n in (5, 8, 11):
        p = torch.softmax(2 * torch.randn(n, 4, dtype=torch.float64), -1)
        cases.append((p, torch.randint(4, (n,))))
    mistakes = {
        "you average over the classes; sum over them": lambda p, y: (gaps(p, y) ** 2).mean(),
        "you sum over the letters; average over them": lambda p, y: (gaps(p, y) ** 2).sum(),
        "only the label's own probability enters; the others count, too":
            lambda p, y: ((1 - p.gather(1, y[:, None])) ** 2).mean(),
        "the differences must be squared": lambda p, y: gaps(p, y).abs().sum(-1).mean(),
        "leave out the root": lambda p, y: (gaps(p, y) ** 2).sum(-1).sqrt().mean(),
        "asked is one number, the average over the letters": lambda p, y: (gaps(p, y) ** 2).sum(-1),
        "that is the log-likelihood: take squares": lambda p, y: -p.gather(1, y[:, None]).log().mean(),
    }  # fmt: skip
    return diagnose(
        brier,
        cases,
        right,
        mistakes,
        passed="a score that is lowest, in expectation, for the true probabilities.",
    )
