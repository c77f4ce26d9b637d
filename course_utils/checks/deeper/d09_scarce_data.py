"""Checks of the exercises of the deep dive `09_scarce_data`."""

import math

import numpy as np
import torch

from course_utils.checks import diagnose


def check_1(verbatim=None):
    """Diagnose verbatim(said, true): for each row, how many characters are right before the first mistake."""

    def right(said, true):
        return (said == true).long().cumprod(1).sum(1)

    cases = [_lines(6, 9), _lines(*np.random.default_rng().integers(5, 12, 2))]
    mistakes = {
        "you count every right character, also those after the first mistake": lambda said, true: (said == true).sum(1),
        "that says whether a whole row is right; asked is how far it is": lambda said, true: (said == true).all(1),
        "a row without any mistake gets 0: where nothing is wrong, `argmax` (or `argmin`) answers 0, and it should be its length":
            lambda said, true: (said != true).int().argmax(1),
        "that counts the first mistake, too": lambda said, true: (right(said, true) + 1).clamp(max=said.shape[1]),
        "one too many in each row": lambda said, true: right(said, true) + 1,
        "that is a share of the row; count characters": lambda said, true: right(said, true) / said.shape[1],
        "that is the mean over rows; asked is a count for each row": lambda said, true: right(said, true).double().mean(),
        "that is the sum over rows; asked is a count for each row": lambda said, true: right(said, true).sum(),
        "you go down the columns: a row is a line of text, from left to right":
            lambda said, true: (said == true).long().cumprod(0).sum(0),
        "you count from the end of the row; begin at its start": lambda said, true: right(said.flip(1), true.flip(1)),
        "that is the number of mistakes": lambda said, true: (said != true).sum(1),
        "that is what is left from the first mistake on": lambda said, true: said.shape[1] - right(said, true),
    }  # fmt: skip
    return diagnose(
        verbatim,
        cases,
        right,
        mistakes,
        passed="one lucky guess after a mistake counts for nothing, and a whole row for its full length.",
    )


def check_2(memory=None):
    """Diagnose memory(lr, weight_decay, steps_per_pass): passes until decay has left 1/e of what a step wrote."""
    rng = np.random.default_rng()
    cases = [(0.01, 0.2, 4), (float(rng.uniform(1e-4, 0.005)), float(rng.uniform(0.05, 3)), int(rng.integers(2, 5000)))]

    def right(lr, weight_decay, steps_per_pass):
        return 1 / (lr * weight_decay * steps_per_pass)

    mistakes = {
        "that is in steps: a pass is `steps_per_pass` of them": lambda lr, decay, steps: 1 / (lr * decay),
        "in passes it must be fewer than in steps: divide by `steps_per_pass`": lambda lr, decay, steps: steps / (lr * decay),
        "AdamW multiplies λ by the learning rate: a step takes lr * weight_decay of a weight": lambda lr, decay, steps: (
            1 / (decay * steps)
        ),
        "the λ is missing": lambda lr, decay, steps: 1 / (lr * steps),
        "that is what is lost in a pass; asked is after how many passes": lambda lr, decay, steps: lr * decay * steps,
        "that is until one half is left; asked is 1/e": lambda lr, decay, steps: math.log(2) / (lr * decay * steps),
    }
    return diagnose(
        memory,
        cases,
        right,
        mistakes,
        passed="1/(ηλ) steps, told in passes. One λ is long memory in one run and short in another.",
        tolerance=0.02,  # (1 - ηλ)^n = 1/e, solved exactly, is right too; not log(2), nor a step
    )


def _lines(n, length):
    """Rows of codes said and true: the first right throughout, the second wrong at once, the others wrong at one place."""
    n, length = max(4, int(n)), max(5, int(length))
    true = torch.randint(0, 20, (n, length))
    said, at = true.clone(), torch.randint(1, length - 1, (n,))
    at[1] = 0
    for row in range(1, n):
        said[row, at[row]] += 1
    said[-1, -1] += 1  # and this one at two
    return said, true
