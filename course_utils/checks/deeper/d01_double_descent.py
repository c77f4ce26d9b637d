"""Checks of the exercises of the deep dive `01_double_descent`."""

import numpy as np

from course_utils.checks import diagnose


def check_1(ends_at=None):
    """Diagnose ends_at(phi, t, start): the perfect fit in which gradient descent from `start` ends."""
    rng = np.random.default_rng()
    shapes = [(3, 5, 10), (4, 9, 10), (6, 14, 10)]
    cases = [tuple(rng.standard_normal(shape) for shape in ((n, d), (n, k), (d, k))) for n, d, k in shapes]

    def smallest(phi, t):
        return np.linalg.pinv(phi) @ t

    mistakes = {
        "that is where it ends from zero; a start leaves its part at right angles to the rows":
            lambda phi, t, start: smallest(phi, t),
        "the start already gives the scores phi @ start; only what is missing to t has to be added":
            lambda phi, t, start: start + smallest(phi, t),
        "a sign: t − phi @ start is missing, not the other way round":
            lambda phi, t, start: start + smallest(phi, phi @ start - t),
        "that is `a`, how much of each row is added; asked are the weights":
            lambda phi, t, start: np.linalg.solve(phi @ phi.T, t - phi @ start),
        "that is what is added on the way; the start belongs to where it ends":
            lambda phi, t, start: smallest(phi, t - phi @ start),
        "that is one step of size 1; asked is where it ends": lambda phi, t, start: start + phi.T @ (t - phi @ start),
        "that is the start without its part along the rows; where are the labels?":
            lambda phi, t, start: start - smallest(phi, phi @ start),
        "that is the start's part along the rows, which the labels wash out":
            lambda phi, t, start: smallest(phi, phi @ start),
        "that does not move: it is the start": lambda phi, t, start: start,
        "those are the scores of the training digits; asked are the weights": lambda phi, t, start: t,
        "transposed: asked is (D, 10)":
            lambda phi, t, start: (start + smallest(phi, t - phi @ start)).T,
    }  # fmt: skip
    return diagnose(
        ends_at,
        cases,
        lambda phi, t, start: start + smallest(phi, t - phi @ start),
        mistakes,
        passed="along the rows the labels decide, at right angles to them the start.",
    )
