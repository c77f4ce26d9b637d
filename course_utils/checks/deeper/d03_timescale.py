"""Checks of the exercise of the deep dive `03_timescale`."""

import numpy as np

from course_utils.checks import diagnose


def check_1(translate=None):
    """Diagnose translate(weight_decay, lr, batch_size, new_lr, new_batch_size): the λ that keeps τ in epochs."""
    rng = np.random.default_rng()
    cases = [
        (0.5, 0.01, 50, 0.04, 200 + int(rng.integers(1, 50))),
        *((float(rng.uniform(0.1, 2)), float(rng.uniform(1e-3, 5e-3)), 32, float(rng.uniform(0.01, 0.02)), 80) for _ in range(2)),
    ]
    mistakes = {
        "you kept λ: then τ changes with the learning rate and the batch size": lambda w, a, b, c, d: w,
        "that keeps τ in steps: a step of a larger batch is a larger part of an epoch": lambda w, a, b, c, d: w * a / c,
        "that undoes the batch size only: τ = 1/(ηλ) also knows the learning rate": lambda w, a, b, c, d: w * d / b,
        "the batch size is upside down: with larger batches an epoch has fewer steps, so τ must be fewer steps too":
            lambda w, a, b, c, d: w * a / c * b / d,
        "the learning rate is upside down: τ = 1/(ηλ) stays if λ falls as η rises": lambda w, a, b, c, d: w * c / a * d / b,
        "both are upside down: that translates the new recipe back into the old one": lambda w, a, b, c, d: w * c / a * b / d,
        "no roots here: steps per epoch are inversely proportional to the batch size":
            lambda w, a, b, c, d: w * a / c * (d / b) ** 0.5,
        "that is the product ηλ; divide it by the new learning rate": lambda w, a, b, c, d: w * a * d / b,
        "that is τ in steps; the exercise asks for λ": lambda w, a, b, c, d: 1 / (w * a),
    }  # fmt: skip
    return diagnose(
        translate,
        cases,
        lambda weight_decay, lr, batch_size, new_lr, new_batch_size: weight_decay * lr / new_lr * new_batch_size / batch_size,
        mistakes,
        passed="ηλ divided by the batch size stays, and with it the number of epochs that AdamW remembers.",
    )
