"""Checks of the exercises of the deep dive `03_low_precision`."""

import numpy as np
import torch

from course_utils.checks import Verdict, diagnose

N_COPIES = 4000  # of each number that is rounded


def check_1(thresholds=None):
    """Diagnose thresholds(n_bits): the ηλ from which decay moves some weights, and every weight."""
    mistakes = {
        "you have them the other way around: some weights move before all do": lambda n: (2.0 ** -(n + 1), 2.0 ** -(n + 2)),
        "those are whole distances: more than half of one is enough, the nearest number decides":
            lambda n: (2.0 ** -(n + 1), 2.0**-n),
        "both are the same: but a weight just below 2 walks twice as far as one just above 1":
            lambda n: (2.0 ** -(n + 1), 2.0 ** -(n + 1)),
        "count the weights where you count the distances: between 1 and 2": lambda n: (2.0 ** -(n + 3), 2.0 ** -(n + 2)),
    }  # fmt: skip
    cases = [(7,), (10,), (int(np.random.default_rng().integers(2, 7)),)]
    return diagnose(
        thresholds,
        cases,
        lambda n_bits: (2.0 ** -(n_bits + 2), 2.0 ** -(n_bits + 1)),
        mistakes,
        passed="in bfloat16 (7 bits) decay needs an ηλ above 0.002 to move any weight.",
    )


def check_2(round_randomly=None) -> Verdict:
    """Diagnose round_randomly(w, distance): a multiple of the distance next to w, right on average."""

    def in_distances(output, w, distance):
        return np.asarray(output) / np.asarray(distance), np.asarray(w) / np.asarray(distance)

    def has_shape(output, w, distance):
        return np.shape(output) == np.shape(w)

    def is_multiple(output, w, distance):
        got, _ = in_distances(output, w, distance)
        return np.allclose(got, np.round(got), atol=1e-6)

    def goes_down_below_zero(output, w, distance):
        got, wanted = in_distances(output, w, distance)
        off, is_below = np.abs(got.mean(0) - wanted.mean(0)), wanted.mean(0) < 0
        return off[is_below].max() < 0.1 or off[~is_below].max() > 0.1

    def varies(output, w, distance):
        return (np.std(np.asarray(output), 0) > 0).all()

    def is_a_coin_for_each(output, w, distance):
        got, wanted = in_distances(output, w, distance)
        up = (got - np.floor(wanted)).reshape(len(got), -1)
        return abs(np.corrcoef(up[:, 0], up[:, 1])[0, 1]) < 0.2

    def is_neighbour(output, w, distance):
        got, wanted = in_distances(output, w, distance)
        return (np.abs(got - wanted) < 1 + 1e-6).all()

    def is_fair(output, w, distance):
        got, wanted = in_distances(output, w, distance)
        return (np.abs(got.mean(0) - wanted.mean(0)) < 5 * 0.5 / N_COPIES**0.5).all()

    properties = {
        "the answer has another shape than w: a number for each number": has_shape,
        "not every number is a multiple of its distance": is_multiple,
        "numbers below zero are wrong: cutting off leads towards zero, but the lower neighbour is meant": goes_down_below_zero,
        "all copies of a number go to the same neighbour: nothing is random, or one coin decides for all numbers": varies,
        "one coin decides for several numbers: throw one for each": is_a_coin_for_each,
        "a number goes further than to its two neighbours: the rounded one is less than a distance away": is_neighbour,
        "it is not right on average: the nearer neighbour must come more often, with a probability equal to the rest": is_fair,
    }
    return diagnose(
        round_randomly,
        [_case((5,)), _case((2, 3))],
        None,
        {},
        properties=properties,
        passed="each number goes to a neighbour, and on average it stays where it was.",
    )


def _case(shape):
    """N_COPIES of each of some numbers, of either sign, and the distances that they may be multiples of."""
    rng = np.random.default_rng()
    distance = torch.as_tensor(2.0 ** rng.integers(-6, 3, shape))
    distance.view(-1)[0] = 4.0  # no divisor of one: so `+ 1` is not `+ distance`
    whole = rng.integers(1, 5, shape) * np.where(np.arange(np.prod(shape)).reshape(shape) % 2, 1, -1)
    w = distance * torch.as_tensor(whole + rng.uniform(0.15, 0.4, shape))
    return w.expand(N_COPIES, *shape).clone(), distance.expand(N_COPIES, *shape).clone()
