"""Checks of the exercises of the deep dive `02_prior`."""

import numpy as np

from course_utils.checks import diagnose


def check_1(next_decay=None):
    """Diagnose next_decay(w, h, weight_decay, noise, n): the λ of the belief that explains the weights found."""
    rng = np.random.default_rng()
    cases = [(np.array([0.5, -0.3, 0.1]), np.array([4.0, 1.0, 0.25]), 0.5, 0.4, 100)]
    for d in (7, 12):
        numbers = float(rng.uniform(0.1, 2)), float(rng.uniform(0.2, 0.8)), int(rng.integers(50, 900))
        cases.append((rng.normal(size=d), rng.uniform(0.01, 5, d), *numbers))

    def of(n_heard):
        return lambda w, h, λ, σ, n: 2 * σ**2 * n_heard(h, λ) / (n * (w**2).sum())

    def heard(h, λ):
        return (h / (h + λ)).sum()

    mistakes = {
        "that counts all directions, heard or not: the echo": of(lambda h, λ: len(h)),
        "that counts nothing: ‖w‖² is the sum over many directions, τ² belongs to one": of(lambda h, λ: 1),
        "that divides by the mean share; ‖w‖² is a sum, so add the shares": of(lambda h, λ: (h / (h + λ)).mean()),
        "upside down: λ/(h + λ) is the share of the prior": of(lambda h, λ: (λ / (h + λ)).sum()),
        "λ is added to the sum of curvatures; each direction has a share of its own": of(lambda h, λ: h.sum() / (h.sum() + λ)),
        "a share is no yes or no: a direction with h = λ is half heard": of(lambda h, λ: (h > λ).sum()),
        "you square the share; the noise in what was found gives one factor back": of(lambda h, λ: ((h / (h + λ)) ** 2).sum()),
        "that is the number of directions heard; the λ of the belief is asked": lambda w, h, λ, σ, n: heard(h, λ),
        "that is τ²; the λ of this belief is asked": lambda w, h, λ, σ, n: (w**2).sum() / heard(h, λ),
        "that is τ; the λ of this belief is asked": lambda w, h, λ, σ, n: ((w**2).sum() / heard(h, λ)) ** 0.5,
        "a factor 2: the loss is the mean of squares without a ½, and decay is (λ/2)‖w‖²":
            lambda w, h, λ, σ, n: σ**2 * heard(h, λ) / (n * (w**2).sum()),
        "`noise` is σ, and λ takes its square": lambda w, h, λ, σ, n: 2 * σ * heard(h, λ) / (n * (w**2).sum()),
        "the λ of a belief beside a *mean* loss is divided by n": lambda w, h, λ, σ, n: 2 * σ**2 * heard(h, λ) / (w**2).sum(),
        "that is 1/(nτ²), the λ beside cross-entropy; beside squares the noise counts too":
            lambda w, h, λ, σ, n: heard(h, λ) / (n * (w**2).sum()),
        "that multiplies ‖w‖² by the directions heard; τ² is ‖w‖² divided by them":
            lambda w, h, λ, σ, n: 2 * σ**2 / (n * (w**2).sum() * heard(h, λ)),
        "you take a τ² from each direction, and badly heard ones drown the rest; divide the sums":
            lambda w, h, λ, σ, n: 2 * σ**2 / (n * (w**2 * (h + λ) / h).mean()),
    }  # fmt: skip
    return diagnose(
        next_decay,
        cases,
        lambda w, h, weight_decay, noise, n: 2 * noise**2 * heard(h, weight_decay) / (n * (w**2).sum()),
        mistakes,
        passed="a direction counts by the share that the data decide, so the echo is out.",
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
