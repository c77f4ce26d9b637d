"""Checks of the exercise of the deep dive `07_scale_invariance`."""

import numpy as np
import torch

from course_utils.checks import diagnose


def check_1(growing=None):
    """Diagnose growing(lrs, weight_decay): the rates of a run without decay that gives the same function."""
    rng = np.random.default_rng()
    cases = [
        (torch.as_tensor(rng.uniform(0.1, 0.3, n)), float(rng.uniform(0.5, 1.5)))
        for n in (6, int(rng.integers(4, 9)), int(rng.integers(4, 9)))
    ]
    cases.append((torch.full((5,), 0.2, dtype=torch.double), 1.0))

    def left(lrs, weight_decay):
        """What decay alone leaves of a weight, before and after each step."""
        after = torch.cumprod(1 - lrs * weight_decay, 0)
        return after / (1 - lrs * weight_decay), after

    def by(rule):
        return lambda lrs, weight_decay: rule(lrs, *left(lrs, weight_decay))

    mistakes = {
        "P enters twice: the gradient at the longer weights is shorter as well (you have the P after the step only)":
            by(lambda lrs, before, after: lrs / after),
        "P enters twice: the gradient at the longer weights is shorter as well (you have the P before the step only)":
            by(lambda lrs, before, after: lrs / before),
        "both times you took the P after the step; the gradient is taken before it":
            by(lambda lrs, before, after: lrs / after**2),
        "both times you took the P before the step; the new weights are those after it":
            by(lambda lrs, before, after: lrs / before**2),
        "your rates shrink: without decay the weights are longer, and need larger steps to turn as far":
            by(lambda lrs, before, after: lrs * before * after),
        "only the last factor is there: P is the product of all (1 - ηλ) so far": lambda lrs, weight_decay: lrs
            / (1 - lrs * weight_decay),
        "decay takes ηλ of a weight at each step, not λ": lambda lrs, weight_decay: lrs
            / left(torch.ones_like(lrs), weight_decay)[1] ** 2 * (1 - weight_decay),
        "those are P before and after, not the rates": by(lambda lrs, before, after: before * after),
        "those are the factors by which the rates grow; multiply by the rates":
            by(lambda lrs, before, after: 1 / (before * after)),
        "e to the power of the summed ηλ is close for small ηλ only; P is a product of (1 - ηλ)": lambda lrs, weight_decay: lrs
            * torch.exp(2 * weight_decay * torch.cumsum(lrs, 0) - weight_decay * lrs),
    }  # fmt: skip
    return diagnose(
        growing,
        cases,
        by(lambda lrs, before, after: lrs / (before * after)),
        mistakes,
        passed="a growing learning rate turns the weights as far as decay would; that they get long, no norm notices.",
    )
