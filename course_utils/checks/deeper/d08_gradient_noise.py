"""Checks of the exercises of the deep dive `08_gradient_noise`."""

import numpy as np
import torch

from course_utils.checks import diagnose


def check_1(noise=None):
    """Diagnose noise(gradients, batch_size): mean squared error of a batch's gradient, drawn without putting back."""
    rng = np.random.default_rng()

    def rows(n, d):
        return torch.tensor(rng.normal(1.5, rng.uniform(1, 2, d), (n, d)))

    def mean_square(g, correction=0):
        return (g - g.mean(0)).square().sum() / (len(g) - correction)

    def right(gradients, batch_size):
        n = len(gradients)
        return mean_square(gradients) / batch_size * (n - batch_size) / (n - 1)

    cases = [(rows(9, 3), 4), (rows(6, 2), 1), (rows(int(rng.integers(10, 30)), 5), int(rng.integers(2, 9))), (rows(8, 4), 8)]
    mistakes = {
        "that is the noise with putting back: yours is not 0 at batch_size = n, where every batch has the same gradient":
            lambda g, b: mean_square(g) / b,
        "that is the noise with putting back (and squares divided by n - 1): at batch_size = n it is not 0, as it must be":
            lambda g, b: mean_square(g, 1) / b,
        "close: the correction (n - B)/(n - 1) goes with a mean over n rows; you divided the squares by n - 1 as well":
            lambda g, b: mean_square(g, 1) / b * (len(g) - b) / (len(g) - 1),
        "close: the factor 1 - B/n goes with squares divided by n - 1 (as torch's var does), yours are divided by n":
            lambda g, b: mean_square(g) / b * (1 - b / len(g)),
        "that has no 1/B: a mean over B rows is B times less noisy than one row":
            lambda g, b: mean_square(g) * (len(g) - b) / (len(g) - 1),
        "1/B², where 1/B is right: the variance of a mean of B is that of one, divided by B":
            lambda g, b: mean_square(g) / b**2 * (len(g) - b) / (len(g) - 1),
        "1/√B is for the standard deviation; the noise here is squared":
            lambda g, b: mean_square(g) / b**0.5 * (len(g) - b) / (len(g) - 1),
        "the root is too much: the mean *squared* length is asked": lambda g, b: right(g, b) ** 0.5,
        "subtract the mean row first: noise is the distance from the whole gradient, not the length of the rows":
            lambda g, b: g.square().sum() / len(g) / b * (len(g) - b) / (len(g) - 1),
        "sum over the weights, not mean: a squared length is a sum of squares": lambda g, b: right(g, b) / g.shape[1],
        "one number, please: sum the variances over the weights":
            lambda g, b: g.var(0, correction=0) / b * (len(g) - b) / (len(g) - 1),
    }  # fmt: skip
    return diagnose(
        noise,
        cases,
        right,
        mistakes,
        passed="1/B, and nothing left at B = n, where there is only one batch to draw.",
    )


def check_2(same_time=None):
    """Diagnose same_time(lr, batch_size, passes, new_lr, new_batch_size): the passes that keep η × steps."""
    rng = np.random.default_rng()
    cases = [
        (0.1, 4, 20, 0.1, 32 + 4 * int(rng.integers(1, 8))),
        (0.05, 8, 11, 0.3, 64),
        *((float(rng.uniform(0.01, 0.1)), 8, int(rng.integers(5, 50)), float(rng.uniform(0.2, 0.9)), 64) for _ in range(2)),
    ]
    mistakes = {
        "the same passes take the same time only if η grows with the batch": lambda a, b, p, c, d: p,
        "the learning rate is missing: a step of larger η takes more time": lambda a, b, p, c, d: p * d / b,
        "the batch size is missing: a pass in larger batches has fewer steps": lambda a, b, p, c, d: p * a / c,
        "the batch size is upside down: a pass in larger batches has fewer steps, so more passes are needed":
            lambda a, b, p, c, d: p * a / c * b / d,
        "the learning rate is upside down: at a larger η fewer steps take the same time": lambda a, b, p, c, d: p * c / a * d / b,
        "both are upside down: that translates the new recipe back": lambda a, b, p, c, d: p * c / a * b / d,
        "no need to round: a fraction of a pass is fine here": lambda a, b, p, c, d: round(p * a / c * d / b),
        "a fraction of a pass is fine here; `int` and `//` cut it off": lambda a, b, p, c, d: int(p * a / c * d / b),
        "no root: steps are inversely proportional to the batch size": lambda a, b, p, c, d: p * a / c * (d / b) ** 0.5,
    }  # fmt: skip
    return diagnose(
        same_time,
        cases,
        lambda lr, batch_size, passes, new_lr, new_batch_size: passes * lr / new_lr * new_batch_size / batch_size,
        mistakes,
        passed="η × steps stays. In proportion to B, η keeps the passes; at the same η, larger batches need more of them.",
    )
