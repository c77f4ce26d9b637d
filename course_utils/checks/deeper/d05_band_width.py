"""Checks of the exercises of the deep dive `05_band_width`."""

import numpy as np
import torch

from course_utils.checks import diagnose


def check_1(band=None):
    """Diagnose band(h, w, p): the standard deviation over masks of sum_j m_j h_j w_j, at each place."""

    def right(h, w, p):
        return (p / (1 - p) * ((h * w) ** 2).sum(-1)) ** 0.5

    cases = []
    for n, units, p in ((5, 3, 0.25), (4, 6, float(np.random.default_rng().uniform(0.3, 0.45))), (3, 4, 0.7)):
        signs = -torch.ones(units) if units == 4 else (-1) ** torch.arange(units)  # so that neither sum nor moduli may do
        w = (torch.rand(units, dtype=torch.float64) + 0.2) * signs
        cases.append((torch.rand(n, units, dtype=torch.float64) + 0.2, w, p))
    mistakes = {
        "that is the variance; asked is the standard deviation": lambda h, w, p: right(h, w, p) ** 2,
        "p (1 - p) is the variance of a coin that is 0 or 1; here survivors are divided by 1 - p":
            lambda h, w, p: (p * (1 - p) * ((h * w) ** 2).sum(-1)) ** 0.5,
        "you square the whole sum: the coins are independent, so square each h_j w_j and add then":
            lambda h, w, p: ((p / (1 - p)) ** 0.5 * (h * w).sum(-1)).abs(),
        "you square the whole sum and lose the sign: the coins are independent, so square each h_j w_j and add then":
            lambda h, w, p: (p / (1 - p)) ** 0.5 * (h * w).sum(-1),
        "you add standard deviations; of independent terms the variances add up":
            lambda h, w, p: (p / (1 - p)) ** 0.5 * (h * w).abs().sum(-1),
        "you average over the units; the answer is a sum of them": lambda h, w, p: right(h, w, p) / h.shape[-1] ** 0.5,
        "the factor is upside down: without dropout (p = 0) the band is 0":
            lambda h, w, p: ((1 - p) / p * ((h * w) ** 2).sum(-1)) ** 0.5,
        "the factor p/(1-p) is missing": lambda h, w, p: ((h * w) ** 2).sum(-1) ** 0.5,
        "p/(1-p) is a variance: it goes under the root": lambda h, w, p: p / (1 - p) * ((h * w) ** 2).sum(-1) ** 0.5,
        "the factor is p/(1-p), not p": lambda h, w, p: (p * ((h * w) ** 2).sum(-1)) ** 0.5,
        "1/(1-p) gives the average square of a term; its variance is that less the square of the average":
            lambda h, w, p: (1 / (1 - p) * ((h * w) ** 2).sum(-1)) ** 0.5,
        "you forgot to square the weights": lambda h, w, p: (p / (1 - p) * (h**2 * w.abs()).sum(-1)) ** 0.5,
        "you sum over the places; asked is a number for each of them":
            lambda h, w, p: (p / (1 - p) * ((h * w) ** 2).sum(0)) ** 0.5,
        "that is one number for all places; sum over the units alone":
            lambda h, w, p: (p / (1 - p) * ((h * w) ** 2).sum()) ** 0.5,
    }  # fmt: skip
    return diagnose(
        band,
        cases,
        right,
        mistakes,
        passed="the variances of the units' contributions, added up: the band without asking once.",
    )


def check_2(score=None):
    """Diagnose score(y, mean, width, sigma): the mean Gaussian negative log-likelihood, variance sigma² + width²."""

    def right(y, mean, width, sigma, total=None):
        variance = sigma**2 + width**2 if total is None else total
        return (0.5 * np.log(2 * np.pi * variance) + 0.5 * (y - mean) ** 2 / variance).mean()

    def reference(y, mean, width, sigma):
        return right(y, mean, width, sigma)

    rng = np.random.default_rng()
    cases = [
        (rng.normal(size=n) * 2, rng.normal(size=n), rng.uniform(0.2, 1.5, n), float(rng.uniform(0.5, 2))) for n in (6, 9, 12)
    ]
    mistakes = {
        "you leave out the width of the band: its square adds to the variance":
            lambda y, m, w, s: right(y, m, w, s, s**2 + 0 * w),
        "you leave out the noise of the labels: sigma² adds to the variance": lambda y, m, w, s: right(y, m, w, s, w**2),
        "you add standard deviations; variances add up": lambda y, m, w, s: right(y, m, w, s, (s + w) ** 2),
        "you take width and sigma for variances: square them": lambda y, m, w, s: right(y, m, w, s, s + w),
        "a standard deviation stands where the density has the variance":
            lambda y, m, w, s: right(y, m, w, s, (s**2 + w**2) ** 0.5),
        "asked is minus the log of the density: small where it is good": lambda y, m, w, s: -right(y, m, w, s),
        "you sum over the examples; take the mean": lambda y, m, w, s: right(y, m, w, s) * len(y),
        "asked is one number, the mean over the examples":
            lambda y, m, w, s: 0.5 * np.log(2 * np.pi * (s**2 + w**2)) + 0.5 * (y - m) ** 2 / (s**2 + w**2),
        "the 2π is missing: harmless when you compare, but it is part of the density":
            lambda y, m, w, s: right(y, m, w, s) - 0.5 * np.log(2 * np.pi),
        "the squared error needs its half, too":
            lambda y, m, w, s: right(y, m, w, s) + 0.5 * ((y - m) ** 2 / (s**2 + w**2)).mean(),
        "half of the *logarithm* of the variance: the first term needs its half":
            lambda y, m, w, s: right(y, m, w, s) + 0.5 * np.log(2 * np.pi * (s**2 + w**2)).mean(),
        "the first term is missing: without it the widest band wins":
            lambda y, m, w, s: (0.5 * (y - m) ** 2 / (s**2 + w**2)).mean(),
        "the error must be squared": lambda y, m, w, s: (
            0.5 * np.log(2 * np.pi * (s**2 + w**2)) + 0.5 * abs(y - m) / (s**2 + w**2)
        ).mean(),
    }  # fmt: skip
    return diagnose(
        score,
        cases,
        reference,
        mistakes,
        passed="too wide costs by the first term, too narrow by the second; the best width is the honest one.",
    )
