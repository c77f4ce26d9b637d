"""Typical wrong answers of the deep dive `01_choosing`: (answer, part of the diagnosis it must get)."""

import numpy as np


def _by_its_own_half(right, order):
    chosen = right[:, order[: len(order) // 2]]
    return chosen.mean(1).max()


def _best_of_the_rest(right, order):
    return max(right[:, order[len(order) // 2 :]].mean(1))


def _all_choose(right, order):
    return right[right.sum(1).argmax()][order[len(order) // 2 :]].mean()


def _all_report(right, order):
    return right[right[:, order[: len(order) // 2]].sum(1).argmax()].mean()


def _unshuffled(right, order):
    half = right.shape[1] // 2
    return right[right[:, :half].sum(1).argmax(), half:].mean()


WRONG = {
    "check_1": [
        (_by_its_own_half, "their luck was chosen"),
        (_best_of_the_rest, "a new choice"),
        (_all_choose, "none is left"),
        (_all_report, "still among those"),
        (_unshuffled, "as they came"),
        (lambda right, order: right.mean(1).max(), "to be avoided"),
        (lambda right, order: right[:, order[: len(order) // 2]].sum(1).argmax(), "which network was chosen"),
        (lambda right, order: right[order[: len(right) // 2]], "raises IndexError"),
    ],
    "check_2": [
        (lambda m, k: 1 / 2, "A has more chances"),
        (lambda m, k: m / k, "the odds"),
        (lambda m, k: k / (k + m), "B wins"),
        (lambda m, k: np.subtract(m, k) / (m + k), "exceeds"),
        (lambda m, k: 1 - 1 / m, "count among all"),
        (lambda m, k: 2.0**-k, "by a toss"),
    ],
}
