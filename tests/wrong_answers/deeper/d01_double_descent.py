"""Typical wrong answers of the deep dive `01_double_descent`: (answer, part of the diagnosis it must get)."""

import numpy as np


def _from_zero(phi, t, start):
    return phi.T @ np.linalg.solve(phi @ phi.T, t)


def _added_to_the_start(phi, t, start):
    return start + np.linalg.lstsq(phi, t)[0]


def _wrong_sign(phi, t, start):
    return start + phi.T @ np.linalg.solve(phi @ phi.T, phi @ start - t)


def _only_a(phi, t, start):
    return np.linalg.inv(phi @ phi.T) @ (t - phi @ start)


def _only_the_way(phi, t, start):
    return np.linalg.pinv(phi) @ (t - phi @ start)


def _one_step(phi, t, start):
    return start - phi.T @ (phi @ start - t)


def _without_labels(phi, t, start):
    return start - np.linalg.pinv(phi) @ phi @ start


def _features_instead_of_digits(phi, t, start):
    return start + np.linalg.solve(phi @ phi.T, phi.T @ (t - phi @ start))


WRONG = {
    "check_1": [
        (_from_zero, "from zero"),
        (_added_to_the_start, "already gives the scores"),
        (_wrong_sign, "a sign"),
        (_only_a, "that is `a`"),
        (_only_the_way, "added on the way"),
        (_one_step, "one step"),
        (_without_labels, "where are the labels"),
        (_features_instead_of_digits, "raises ValueError"),
    ],
}
