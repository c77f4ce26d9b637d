"""Checks of the exercises of lesson 06."""

import numpy as np

from course_utils.checks import diagnose


def check_6_1(soft_threshold=None):
    """Diagnose soft_threshold(b, t): the minimizer of (w - b)² / 2 + t |w| for each number of the array b."""
    rng = np.random.default_rng()
    cases = [(np.array([2.0, 0.3, 0.0, -0.3, -2.0]), 0.5)]
    cases += [(rng.normal(size=shape), float(t)) for shape, t in zip(((7,), (4, 9)), rng.uniform(0.3, 0.9, 2), strict=True)]
    mistakes = {
        "that is a subgradient step: a number closer to zero than t is carried across to the other side, but the minimum is at 0":
            lambda b, t: b - t * np.sign(b),
        "those that stay keep their full size (the hard threshold): for b > t the derivative w - b + t is zero at b - t":
            lambda b, t: b * (np.abs(b) > t),
        "negative numbers all become 0: for b < -t the minimum is at b + t": lambda b, t: np.maximum(b - t, 0),
        "the sizes are right, the signs are lost": lambda b, t: np.maximum(np.abs(b) - t, 0),
        "t is taken from negative numbers too, which moves them away from zero":
            lambda b, t: np.where(np.abs(b) > t, b - t, 0),
        "that is the minimizer with L2, t w² / 2: every number shrinks by one factor, and none is 0": lambda b, t: b / (1 + t),
        "that holds what L1 takes off: the answer is what remains": lambda b, t: np.clip(b, -t, t),
        "the numbers move away from zero: the penalty pulls towards it":
            lambda b, t: np.where(np.abs(b) > t, b + t * np.sign(b), 0),
        "twice the pull: the derivative of (w - b)² / 2 is w - b, not half of it":
            lambda b, t: np.sign(b) * np.maximum(np.abs(b) - 2 * t, 0),
    }  # fmt: skip
    properties = {
        "where |b| is at most t, the two slopes at 0 hold the weight there: the answer is exactly 0":
            lambda w, b, t: w.shape != b.shape or not w[np.abs(b) <= t].any(),
    }  # fmt: skip
    return diagnose(
        soft_threshold,
        cases,
        lambda b, t: np.sign(b) * np.maximum(np.abs(b) - t, 0),
        mistakes,
        properties=properties,
        passed="it moves every number t towards zero and stops there; stopping is what a gradient step cannot do.",
    )


def check_6_2(leaving_order=None):
    """Diagnose leaving_order(h, b): indices of weights by the λ at which L1 makes them zero, h_j |b_j|, the smallest first."""
    rng = np.random.default_rng()
    cases = [(np.array([0.1, 1.0, 0.6, 4.0, 0.3]), np.array([1.5, -0.5, 0.9, -0.2, 0.1]))]
    cases += [(rng.uniform(0.1, 4, n), rng.normal(size=n)) for n in (6, 9)]
    mistakes = {
        "that is by size alone: a large weight goes early where the bowl is flat": lambda h, b: np.argsort(np.abs(b)),
        "that is by curvature alone: how far the weight is from zero counts as well": lambda h, b: np.argsort(h),
        "the order is backwards: the first to leave comes first": lambda h, b: np.argsort(-h * np.abs(b)),
        "you divide by h: the threshold is λ/h, so a weight is zero from λ = h |b| on": lambda h, b: np.argsort(np.abs(b) / h),
        "negative weights are not small ones: take the size of b": lambda h, b: np.argsort(h * b),
        "h b² / 2 is what removing a weight costs (Optimal Brain Damage); asked is when soft(b, λ/h) becomes zero":
            lambda h, b: np.argsort(h * b**2),
        "these are the λ at which they leave, unsorted: return indices": lambda h, b: h * np.abs(b),
        "these are the ranks of the weights, weight by weight; asked are indices in the order of leaving":
            lambda h, b: np.argsort(np.argsort(h * np.abs(b))),
    }  # fmt: skip
    return diagnose(
        leaving_order,
        cases,
        lambda h, b: np.argsort(h * np.abs(b)),
        mistakes,
        passed="h |b| is the pull of the data at w = 0: the weight leaves when λ is as strong.",
    )


def check_6_3(rescale=None):
    """Diagnose rescale(w_in, b_in, w_out, c): the same ReLU network with its first weights multiplied by c."""
    rng = np.random.default_rng()
    cases = [
        (rng.normal(size=(n, 4)), rng.normal(size=n), rng.normal(size=(3, n)), c)
        for n, c in ((5, 0.01), (6, 8.0), (7, float(rng.uniform(2, 4))))
    ]
    mistakes = {
        "the bias stays as it was: relu(c w x + b) is not c relu(w x + b)": lambda w, b, v, c: (c * w, b, v / c),
        "nobody undoes the factor: the hidden values are c times as large, and so is the output":
            lambda w, b, v, c: (c * w, c * b, v),
        "w_out is multiplied by c, so that the output has c twice": lambda w, b, v, c: (c * w, c * b, c * v),
        "the bias is divided by c; it must grow with the weights beside it": lambda w, b, v, c: (c * w, b / c, v / c),
        "that is the other way around: w_in is multiplied by c": lambda w, b, v, c: (w / c, b / c, v * c),
        "nothing is rescaled": lambda w, b, v, c: (w, b, v),
    }  # fmt: skip
    return diagnose(
        rescale,
        cases,
        lambda w_in, b_in, w_out, c: (c * w_in, c * b_in, w_out / c),
        mistakes,
        passed="the same function in another scale; nearly any count of small weights, the last layer's aside, can be had so.",
    )
