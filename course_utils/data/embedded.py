"""Data sets that need no file: scikit-learn's bundled ones, closed-form toys and drawn letters.

Each function takes the sizes of the splits and a seed, and gives three pairs (x, y) and the names of the classes.
"""

import numpy as np
import torch

from course_utils.data.letters import LETTERS
from course_utils.data.letters_cache import letters_of
from course_utils.data.splits import split_rows, standardized

POOL = 20_000  # points of a generated toy, from which the splits are taken


def digits(sizes, seed):
    """8x8 grey images of handwritten digits."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return _split("digits", x.reshape(-1, 1, 8, 8), y, sizes, seed), "0123456789"


def diabetes(sizes, seed):
    """Ten measurements of a patient and the progression of the disease, which is scaled by the training rows too."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    inputs, targets = zip(*_split("diabetes", x, y[:, None], sizes, seed), strict=True)
    return list(zip(inputs, standardized(targets), strict=True)), ()


def sine(sizes, seed):
    """One period of a sine under normal noise of standard deviation 0.3."""
    rng = np.random.default_rng((seed, 1))
    x = rng.uniform(-1, 1, (POOL, 1))
    return _split("sine", x, np.sin(np.pi * x) + rng.normal(0, 0.3, x.shape), sizes, seed), ()


def moons(sizes, seed):
    """Two interleaved half circles in the plane under noise."""
    from sklearn.datasets import make_moons

    return _split("moons", *make_moons(POOL, noise=0.3, random_state=seed), sizes, seed), "01"


def letters(sizes, seed):
    """32x32 colour images of the letters A to J, each split in its own font faces."""
    return [letters_of(split, n, seed) for split, n in zip(("train", "val", "test"), sizes, strict=True)], LETTERS


def _split(name, x, y, sizes, seed):
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    return [(x[rows], y[rows]) for rows in split_rows(len(x), sizes, seed, name)]
