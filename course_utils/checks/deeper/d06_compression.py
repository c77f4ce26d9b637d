"""Checks of the exercises of the deep dive `06_compression`."""

import numpy as np

from course_utils.checks import diagnose


def _unpack(bits, values, shape):
    w = np.zeros(shape, np.asarray(values).dtype)
    w[np.unpackbits(bits)[: w.size].astype(bool).reshape(shape)] = values
    return w


def _case(rng, shape, share):
    """What `pack` makes of an array of this shape in which `share` of the numbers are zero; the last one never is."""
    w = rng.normal(size=shape) * (rng.random(shape) >= share)
    w.flat[-1], w.flat[0] = 1.5, 0.0
    stays = w != 0
    return np.packbits(stays), w[stays], shape


def check_1(unpack=None):
    """Diagnose unpack(bits, values, shape): the array from a bit for each place and the numbers that are not zero."""
    rng = np.random.default_rng()
    cases = [_case(rng, shape, z) for shape, z in (((3, 5), 0.5), ((8, 7), 0.7), ((5, int(rng.integers(9, 15))), 0.6))]

    def scattered(places):
        def answer(bits, values, shape):
            w = np.zeros(int(np.prod(shape)))
            w[places(np.unpackbits(bits)[: w.size].astype(bool), len(values))] = values
            return w.reshape(shape)

        return answer

    mistakes = {
        "you take the bits of every byte from the wrong end: np.packbits writes the first place into the highest bit, and so "
        "does np.unpackbits if you leave bitorder alone":
            lambda bits, values, shape: _unpack_with(np.unpackbits(bits, bitorder="little"), values, shape),
        "those are the ones and zeros, without the numbers":
            lambda bits, values, shape: np.unpackbits(bits)[: int(np.prod(shape))].reshape(shape),
        "the numbers are in a row at the front: put them where the bits are 1": scattered(lambda stays, n: slice(0, n)),
        "rows and columns are confused: the places are listed row after row":
            lambda bits, values, shape: _unpack(bits, values, shape[::-1]).T,
        "the numbers are in backward order": lambda bits, values, shape: _unpack(bits, values[::-1], shape),
        "the array is right but flat: give it its shape": lambda bits, values, shape: _unpack(bits, values, shape).ravel(),
    }  # fmt: skip
    return diagnose(
        unpack,
        cases,
        lambda bits, values, shape: _unpack(bits, values, shape),
        mistakes,
        passed="every number is back in its place; an address costs an eighth of a byte, and zeros pay it too.",
    )


def _unpack_with(stays, values, shape):
    """Numbers at the first places that are marked, as many as there are places."""
    w = np.zeros(int(np.prod(shape)))
    places = np.flatnonzero(stays[: w.size])[: len(values)]
    w[places] = values[: len(places)]
    return w.reshape(shape)


def check_2(break_even=None):
    """Diagnose break_even(value_bytes, index_bytes): the share of zeros from which CSR takes fewer bytes than dense."""
    rng = np.random.default_rng()
    cases = [(4, 8), (2, 8), (float(rng.integers(3, 9)), float(rng.integers(10, 17)))]
    mistakes = {
        "that is the share of numbers that may stay; asked is the share of zeros": lambda v, i: v / (v + i),
        "that is above 1: the dense layer stores the zeros too, so compare (1 - z)(value + index) with value": lambda v, i: i / v,
        "a number that stays costs its value and its index": lambda v, i: 1 - v / i,
        "that is the ratio of index to number; how large may the share of numbers be at most?": lambda v, i: v / i,
        "that would be so if a number and an index cost the same": lambda v, i: 0.5,
        "that holds for COO, with two indices a number": lambda v, i: 2 * i / (v + 2 * i),
    }  # fmt: skip
    return diagnose(
        break_even,
        cases,
        lambda value_bytes, index_bytes: index_bytes / (value_bytes + index_bytes),
        mistakes,
        passed="the dearer the address beside the number, the more zeros are needed.",
    )
