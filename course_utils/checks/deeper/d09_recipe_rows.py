"""Checks of the exercises of the deep dive `09_recipe_rows`."""

import numpy as np
import torch

from course_utils.checks import diagnose


def _trapezoid(step, n_steps, n_warm_up, n_decay, peak):
    return peak * max(0, min((step + 1) / n_warm_up, 1, (n_steps - step) / n_decay))


def check_1(wsd=None):
    """Diagnose wsd(step, n_steps, n_warm_up, n_decay, peak): warm-up, stable, decay."""
    rng = np.random.default_rng()
    n, up, down, peak = int(rng.integers(50, 90)), int(rng.integers(3, 8)), int(rng.integers(9, 16)), float(rng.uniform(0.1, 2))
    steps = [0, up // 2, up - 1, up, n // 2, n - down, n - down + 1, n - 4, n - 1, n, n + 5]
    cases = [(step, n, up, down, peak) for step in steps] + [(step, 40, 2, 20, 0.01) for step in (0, 30)]

    def cosine_end(step, n, up, down, peak):
        share = (step - (n - down)) / down
        return _trapezoid(step, n, up, down, peak) if share <= 0 or share >= 1 else peak * (1 + np.cos(np.pi * share)) / 2

    mistakes = {
        "the warm-up counts from 0: at step 0 the rate would be 0, and nothing learned":
            lambda s, n, up, down, peak: peak * max(0, min(s / up, 1, (n - s) / down)),
        "there is no warm-up": lambda s, n, up, down, peak: peak * max(0, min(1, (n - s) / down)),
        "it never goes down": lambda s, n, up, down, peak: peak * min((s + 1) / up, 1),
        "it goes down one step early: at the last step, n_steps - 1, it is to be peak / n_decay, not 0":
            lambda s, n, up, down, peak: peak * max(0, min((s + 1) / up, 1, (n - 1 - s) / down)),
        "from step n_steps on the rate is 0: yours goes below (weights would climb)":
            lambda s, n, up, down, peak: peak * min((s + 1) / up, 1, (n - s) / down),
        "the descent begins right after the warm-up; it has n_decay steps only":
            lambda s, n, up, down, peak: peak * max(0, min((s + 1) / up, 1, (n - s) / (n - up))),
        "the peak is missing": lambda s, n, up, down, peak: _trapezoid(s, n, up, down, 1),
        "it is to fall in equal parts, not along a cosine": cosine_end,
    }  # fmt: skip
    return diagnose(wsd, cases, _trapezoid, mistakes, passed="The stable part knows nothing of the end: one run, any length.")


def check_2(z_loss=None):
    """Diagnose z_loss(logits, strength): strength times the mean squared log of the softmax's denominator."""
    rng = np.random.default_rng()

    def logits(*shape):
        return torch.tensor(rng.normal(1.0, 2.0, shape))

    cases = [(logits(3, 4, 5), 0.1), (logits(7, 3), float(rng.uniform(0.01, 1))), (logits(int(rng.integers(2, 9)), 6) - 8, 0.5)]
    mistakes = {
        "the log is missing: it is log Z that is squared": lambda x, s: s * x.exp().sum(-1).square().mean(),
        "the square is missing: log Z below 0 would be rewarded": lambda x, s: s * x.logsumexp(-1).mean(),
        "the mean first, then the square: a log Z above and one below 0 would cancel":
            lambda x, s: s * x.logsumexp(-1).mean().square(),
        "Z is a sum over the characters, the last axis; yours is over the first": lambda x, s: s * x.logsumexp(0).square().mean(),
        "Z is a sum over the characters only; yours is over everything": lambda x, s: s * x.flatten().logsumexp(0).square(),
        "a mean over positions, not a sum: else the strength depends on the batch":
            lambda x, s: s * x.logsumexp(-1).square().sum(),
        "that is the mean square of the logits: Z is the sum of their exponentials": lambda x, s: s * x.square().mean(),
        "the strength is missing": lambda x, s: x.logsumexp(-1).square().mean(),
        "Z is a sum, not a mean, of exponentials": lambda x, s: s * x.exp().mean(-1).log().square().mean(),
        "`log_softmax` has Z divided out already: what you square are log-probabilities":
            lambda x, s: s * x.log_softmax(-1).square().mean(),
    }  # fmt: skip
    return diagnose(
        z_loss,
        cases,
        lambda logits, strength: strength * logits.logsumexp(-1).square().mean(),
        mistakes,
        passed="It is 0 where the exponentials already add up to 1, so that logits are log-probabilities.",
    )
