"""Typical wrong answers of the deep dive `06_compression`: (answer, part of the diagnosis it must get)."""

import numpy as np


def filled(bits, values, shape):
    w = np.zeros(shape).ravel()
    w[: len(values)] = values
    return w.reshape(shape)


def with_padding(bits, values, shape):
    return np.unpackbits(bits).reshape(shape)


def flat(bits, values, shape):
    w = np.zeros(shape[0] * shape[1])
    w[np.unpackbits(bits)[: len(w)] == 1] = values
    return w


WRONG = {
    "check_1": [
        (filled, "at the front"),
        (with_padding, "your answer"),
        (flat, "flat"),
        (lambda bits, values, shape: np.unpackbits(bits)[: shape[0] * shape[1]].reshape(shape), "without the numbers"),
    ],
    "check_2": [
        (lambda v, i: v / (v + i), "may stay"),
        (lambda v, i: 1 - v / i, "its value and its index"),
        (lambda v, i: 2 * i / (v + 2 * i), "COO"),
        (lambda v, i: 0.5, "cost the same"),
    ],
}
