"""Checks of the exercises of the deep dive `02_prior`."""

import numpy as np

from course_utils.checks import diagnose


def check_1(heard=None):
    """Diagnose heard(h, weight_decay): how many directions the data have determined."""
    rng = np.random.default_rng()
    cases = [(np.array([4.0, 1.0, 0.25, 0.0]), 0.5)]
    cases += [(np.append(rng.uniform(0.01, 5, n), 0.0), float(rng.uniform(0.1, 2))) for n in (7, 12)]
    mistakes = {
        "that counts all directions, heard or not: the echo": lambda h, λ: len(h),
        "those are the shares; add them up to a number of directions": lambda h, λ: h / (h + λ),
        "that is the mean share; the number of directions is the sum": lambda h, λ: (h / (h + λ)).mean(),
        "upside down: that counts the directions in which only the prior speaks": lambda h, λ: (λ / (h + λ)).sum(),
        "λ is added to the sum of all curvatures; each direction has a share of its own": lambda h, λ: h.sum() / (h.sum() + λ),
        "each share has a λ of its own; you add λ once for all, to the mean curvature":
            lambda h, λ: len(h) * h.mean() / (h.mean() + λ),
        "a share is no yes or no: a direction with h = λ is half heard": lambda h, λ: (h > λ).sum(),
        "without λ every direction that has any curvature counts fully": lambda h, λ: (h > 0).sum(),
        "that is the length of the kept part; the shares themselves are asked": lambda h, λ: ((h / (h + λ)) ** 2).sum(),
        "h/λ grows without bound; a share is at most 1": lambda h, λ: (h / λ).sum(),
    }  # fmt: skip
    return diagnose(
        heard,
        cases,
        lambda h, weight_decay: (h / (h + weight_decay)).sum(),
        mistakes,
        passed="each direction counts by the share that the data decide, from 0 (the prior alone) to 1.",
    )


def check_2(carry_over=None):
    """Diagnose carry_over(c, n_old, n_new): the weight_decay for n_new digits that holds the belief of c beside a mean loss."""
    rng = np.random.default_rng()
    cases = [(0.02, 100, 1000)]
    cases += [(float(rng.uniform(0.005, 0.2)), int(rng.integers(50, 200)), int(rng.integers(300, 900))) for _ in range(2)]
    mistakes = {
        "that is the same λ; beside more data it is a tighter belief, for 1/τ² goes like Nλ": lambda c, n_old, n_new: 2 * c,
        "a factor 2: `weight_decay` is the λ of (λ/2)‖w‖², and c‖w‖² has no ½": lambda c, n_old, n_new: c * n_old / n_new,
        "the 2 stands on the wrong side: λ/2 = c": lambda c, n_old, n_new: c / 2 * n_old / n_new,
        "upside down: with more data the same belief is a weaker penalty on the mean":
            lambda c, n_old, n_new: 2 * c * n_new / n_old,
        "upside down, and a factor 2 is missing: with more data the same belief is a weaker penalty on the mean":
            lambda c, n_old, n_new: c * n_new / n_old,
        "that is right for c beside a *sum*; here it stands beside the mean of n_old digits":
            lambda c, n_old, n_new: 2 * c / n_new,
        "that is the strength beside the colleague's *sum*; divide it by your own number of digits":
            lambda c, n_old, n_new: 2 * c * n_old,
        "that would hold τ ∝ 1/λ; it is 1/τ² that goes like Nλ, so N itself counts, not its root":
            lambda c, n_old, n_new: 2 * c * (n_old / n_new) ** 0.5,
        "you square the ratio: 1/τ² goes like Nλ, and λ is what is asked": lambda c, n_old, n_new: 2 * c * (n_old / n_new) ** 2,
    }  # fmt: skip
    return diagnose(
        carry_over,
        cases,
        lambda c, n_old, n_new: 2 * c * n_old / n_new,
        mistakes,
        passed="the belief is Nλ, up to the noise: it stays if λ falls as the digits grow.",
    )
