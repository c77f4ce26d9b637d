"""Typical wrong answers of the deep dive `05_band_width`: (answer, part of the diagnosis it must get)."""

import numpy as np

WRONG = {
    "check_1": [
        (lambda h, w, p: p / (1 - p) * ((h * w) ** 2).sum(1), "that is the variance"),
        (lambda h, w, p: (p * (1 - p) * ((h * w) ** 2).sum(1)) ** 0.5, "0 or 1"),
        (lambda h, w, p: (p / (1 - p) * (h @ w) ** 2) ** 0.5, "whole sum"),
        (lambda h, w, p: (p / (1 - p)) ** 0.5 * (abs(h) @ abs(w)), "variances add up"),
        (lambda h, w, p: (p / (1 - p) * ((h * w) ** 2).mean(1)) ** 0.5, "average over the units"),
        (lambda h, w, p: ((h * w) ** 2).sum(1).sqrt(), "missing"),
        (lambda h, w, p: (p / (1 - p)) * ((h * w) ** 2).sum(1).sqrt(), "under the root"),
        (lambda h, w, p: (p / (1 - p) * ((h * w) ** 2).sum()).sqrt(), "all places"),
    ],
    "check_2": [
        (lambda y, mean, width, sigma: 0.5 * np.mean(np.log(2 * np.pi * width**2) + (y - mean) ** 2 / width**2), "the noise of"),
        (lambda y, mean, width, sigma: 0.5 * np.mean(np.log(2 * np.pi * sigma**2) + (y - mean) ** 2 / sigma**2), "the band"),
        (
            lambda y, mean, width, sigma: (
                0.5 * np.mean(np.log(2 * np.pi * (sigma + width) ** 2) + (y - mean) ** 2 / (sigma + width) ** 2)
            ),
            "variances add up",
        ),
        (
            lambda y, mean, width, sigma: 0.5 * np.mean((y - mean) ** 2 / (sigma**2 + width**2)),
            "first term is missing",
        ),
        (
            lambda y, mean, width, sigma: 0.5 * np.mean(np.log(sigma**2 + width**2) + (y - mean) ** 2 / (sigma**2 + width**2)),
            "2π",
        ),
    ],
}
