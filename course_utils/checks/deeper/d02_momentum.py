"""Checks of the exercises of the deep dive `02_momentum`."""

import numpy as np

from course_utils.checks import diagnose


def check_1(translate=None):
    """Diagnose translate(weight_decay, momentum): the decoupled λ that comes to rest where a coupled one does."""
    rng = np.random.default_rng()
    cases = [(0.02, 0.9), *((float(rng.uniform(0.001, 0.1)), float(rng.uniform(0.55, 0.97))) for _ in range(2))]
    mistakes = {
        "that is the other direction: the penalty that a decoupled λ stands for; outside the sum decay is weaker, so λ must grow":
            lambda λ, μ: λ * (1 - μ),
        "the same λ is what fails in the figure: only the loss's gradient is in the sum now": lambda λ, μ: λ,
        "a steady push adds up to 1 + μ + μ² + …, which is not 1/μ": lambda λ, μ: λ / μ,
        "a steady push adds up to 1 + μ + μ² + …, and you have its first two terms": lambda λ, μ: λ * (1 + μ),
        "a steady push adds up to 1 + μ + μ² + … without end, and you have its first three terms":
            lambda λ, μ: λ * (1 + μ + μ**2),
        "the first push counts too: 1 + μ + μ² + …, from 1, not from μ": lambda λ, μ: λ * μ / (1 - μ),
        "that is Adam's root; nothing is squared here": lambda λ, μ: λ / (1 - μ**2) ** 0.5,
        "nothing is squared here: the sum is 1 + μ + μ² + …": lambda λ, μ: λ / (1 - μ) ** 2,
        "the sum is 1 + μ + μ² + …, not with every second term left out": lambda λ, μ: λ / (1 - μ**2),
        "that is the factor alone; multiply it by λ": lambda λ, μ: 1 / (1 - μ),
        "the sign: v = ∇L/(1 - μ)": lambda λ, μ: λ / (μ - 1),
    }  # fmt: skip
    return diagnose(
        translate,
        cases,
        lambda weight_decay, momentum: weight_decay / (1 - momentum),
        mistakes,
        passed="at a standstill the sum holds ∇L/(1 - μ), so a decay outside must be as much stronger.",
    )


def check_2(move=None):
    """Diagnose move(lrs, momentum, weight_decay, new_lrs): the decoupled λ on another schedule that forgets as much."""
    # with so small a λ, whoever solves Π(1 - ηλ/(1-μ)) = Π(1 - ηλ') gives the same number within the tolerance
    rng = np.random.default_rng()
    cases = [([0.1, 0.1, 0.05, 0.01], 0.9, 2e-5, [0.02, 0.04, 0.03])]
    for n, m in ((5, 8), (9, 4)):
        lrs, new_lrs = rng.uniform(0.01, 0.1, n).tolist(), rng.uniform(0.02, 0.2, m).tolist()
        cases.append((lrs, float(rng.uniform(0.6, 0.95)), float(rng.uniform(1e-5, 5e-5)), new_lrs))
    mistakes = {
        "1/(1 - μ) is missing: the coupled recipe decays an unused weight that much faster":
            lambda lrs, μ, λ, new: λ * sum(lrs) / sum(new),
        "that keeps the destination (exercise 1); what is left of an unused weight depends on the sums of the learning rates":
            lambda lrs, μ, λ, new: λ / (1 - μ),
        "the ratio of the sums is upside down: a schedule with a smaller sum needs a larger λ":
            lambda lrs, μ, λ, new: λ / (1 - μ) * sum(new) / sum(lrs),
        "the factor goes the other way: coupled decay is 1/(1 - μ) times as fast, so the decoupled λ is larger":
            lambda lrs, μ, λ, new: λ * (1 - μ) * sum(lrs) / sum(new),
        "you count the steps; a step decays by ηλ, so add up the learning rates":
            lambda lrs, μ, λ, new: λ / (1 - μ) * len(lrs) / len(new),
        "means forget how long a schedule is: add up the learning rates":
            lambda lrs, μ, λ, new: λ / (1 - μ) * np.mean(lrs) / np.mean(new),
        "not the largest learning rate counts, but their sum": lambda lrs, μ, λ, new: λ / (1 - μ) * max(lrs) / max(new),
        "not the first learning rate counts, but the sum": lambda lrs, μ, λ, new: λ / (1 - μ) * lrs[0] / new[0],
        "that is Σηλ of the recipe; divide by the sum of the new learning rates": lambda lrs, μ, λ, new: λ / (1 - μ) * sum(lrs),
        "that is the share left by the recipe; asked is the λ that leaves it":
            lambda lrs, μ, λ, new: np.exp(-λ / (1 - μ) * sum(lrs)),
    }  # fmt: skip
    return diagnose(
        move,
        cases,
        lambda lrs, momentum, weight_decay, new_lrs: weight_decay / (1 - momentum) * sum(lrs) / sum(new_lrs),
        mistakes,
        passed="Σηλ/(1 - μ) of the recipe equals Σηλ of yours, so an unused weight is left with as much.",
        tolerance=1e-3,
    )
