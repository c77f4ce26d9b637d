"""What `fit` and `train_runs` refuse before they train, and the bar they show while they do."""

import math
import os
from numbers import Integral, Real

from tqdm.auto import tqdm


def progress_bar(epochs, progress, total=None):
    """tqdm's bar over `epochs` (an iterable, or None and a total), shown if training takes longer than two seconds; never
    without `progress`, nor where the environment variable TQDM_DISABLE is set."""
    is_off = not progress or bool(os.environ.get("TQDM_DISABLE"))
    return tqdm(epochs, total=total, desc="epochs", delay=2, disable=is_off)


def check_training(train, val, *, epochs, batch_size, seed, l1_strength, label_smoothing, patience, evaluate_every):
    """Raise ValueError, saying what to change, for settings `fit` cannot train with."""
    for name, (x, y) in (("train", train), ("val", val)):
        if len(x) < 1 or len(x) != len(y):
            raise ValueError(f"{name} has {len(x)} examples and {len(y)} targets: give as many of both, at least one")
    counts = {"epochs": epochs, "batch_size": batch_size, "evaluate_every": evaluate_every}
    for name, value in (counts | ({} if patience is None else {"patience": patience})).items():
        if not is_count(value):
            raise ValueError(f"{name} must be a positive integer, not {value!r}")
    if not isinstance(seed, Integral):
        raise ValueError(f"seed must be an integer, not {seed!r}")
    if not (isinstance(l1_strength, Real) and 0 <= l1_strength < math.inf):
        raise ValueError(f"l1_strength must be a finite number, 0 or more, not {l1_strength!r}")
    if not (isinstance(label_smoothing, Real) and 0 <= label_smoothing < 1):
        raise ValueError(f"label_smoothing must be in [0, 1), not {label_smoothing!r}")
    if label_smoothing and train[1].is_floating_point():
        raise ValueError("label_smoothing is for labels, and these targets are numbers: leave it out")


def is_count(value):
    """Whether value is a positive integer (True, which Python counts as 1, is not)."""
    return isinstance(value, Integral) and not isinstance(value, bool) and value > 0
