"""Checks of the exercises of the deep dive `07_backward`."""

import numpy as np
import torch

from course_utils.checks import diagnose


def check_1(backward=None):
    """Diagnose backward(g, x, scale, eps): BatchNorm's gradients with respect to its input, scale and shift."""
    mistakes = {
        "you treat mean and variance as constants: a nudge of one x moves both, and through them the whole batch":
            _batch_norm(mean=False, var=False),
        "what comes through the mean is there; what comes through the variance is missing": _batch_norm(var=False),
        "what comes through the variance is there; what comes through the mean is missing": _batch_norm(mean=False),
        "the two corrections are sums over the batch: each letter gets its n-th part": _batch_norm(share=False),
        "eps is missing: it belongs under the root here, too": _batch_norm(eps=False),
        "the variance divides by n, here as in the forward pass": _batch_norm(unbiased=True),
        "you average over the channels: BatchNorm's mean and variance are over the rows": _batch_norm(axis=1),
        "that is the exact best line, divided by the mean of x̂², which ε keeps below 1. Leave out that division: a norm "
        "with ε does feel a stretch a little": _batch_norm(exact=True),
        "scale is missing in what goes to x: y = scale · x̂ + shift": _batch_norm(scaled=False),
        "you divide by the variance: the forward pass divided by its root": _batch_norm(root=False),
        "scale gets the sum of g · x̂: the normalized x, not x": _batch_norm(for_scale=lambda g, x, x_hat, s: (g * x).sum(0)),
        "scale's gradient has no scale in it: y = scale · x̂ + shift":
            _batch_norm(for_scale=lambda g, x, x_hat, s: (s * g * x_hat).sum(0)),
        "neither scale's nor shift's gradient has scale in it: y = scale · x̂ + shift":
            _batch_norm(for_scale=lambda g, x, x_hat, s: (s * g * x_hat).sum(0), for_shift=lambda g, s: (s * g).sum(0)),
        "scale and shift get sums over the batch, not means": _batch_norm(parts=lambda x, s, b, n: (x, s / n, b / n)),
        "the order is x, scale, shift": _batch_norm(parts=lambda x, s, b, n: (x, b, s)),
        "the second correction is along x̂: divide by the root of the variance there, too": _batch_norm(along_x_hat=False),
        "that is what goes to x; scale and shift get something as well": lambda *inputs: _batch_norm()(*inputs)[0],
    }  # fmt: skip
    return diagnose(
        backward,
        _cases(),
        _batch_norm(),
        mistakes,
        passed="what goes to the shift and to the scale is what may not go on to x.",
    )


def check_2(backward=None):
    """Diagnose backward(g, x, scale, eps): LayerNorm's gradient with respect to its input."""
    mistakes = {
        "scale stands in front, as in BatchNorm; here it differs within a row: multiply before you average":
            _layer_norm(scale_in_front=True),
        "that is BatchNorm's: here the averages are over the channels of a row, and scale goes under them":
            _layer_norm(axis=0),
        "scale is under the first average, but not under that with x̂": _half_scaled(True, False),
        "scale is under the average with x̂, but not under the first": _half_scaled(False, True),
        "scale is missing: y = scale · x̂ + shift": _layer_norm(scaled=False),
        "you treat mean and variance as constants: they move with every x of the row": _layer_norm(mean=False, var=False),
        "what comes through the mean is there; what comes through the variance is missing": _layer_norm(var=False),
        "what comes through the variance is there; what comes through the mean is missing": _layer_norm(mean=False),
        "average over the channels, do not just sum": _layer_norm(share=False),
        "the variance divides by the number of channels, here as in the forward pass": _layer_norm(unbiased=True),
        "eps is missing: it belongs under the root here, too": _layer_norm(eps=False),
        "only what goes to x is asked here": lambda *inputs: (_layer_norm()(*inputs), *_batch_norm()(*inputs)[1:]),
    }  # fmt: skip
    return diagnose(
        backward,
        _cases(),
        _layer_norm(),
        mistakes,
        passed="the same two directions, taken out of each row; no row hears of another.",
    )


def _cases():
    rng = np.random.default_rng()
    shapes = [(7, 4), (5, 8), *((int(rng.integers(4, 9)), int(rng.integers(4, 9))) for _ in range(2))]
    draws = [(rng.normal(0.5, 1, s), rng.normal(1, 2, s), rng.uniform(0.5, 2, s[1])) for s in shapes]
    return [(*map(torch.as_tensor, draw), eps) for draw, eps in zip(draws, (0.5, 1e-5, 0.2, 1.0), strict=True)]


def _normalized(x, axis, eps, *, unbiased=False, root=True):
    """The centred x, the normalized x, and what it was divided by."""
    centred = x - x.mean(axis, keepdim=True)
    spread = x.var(axis, keepdim=True, unbiased=unbiased) + eps
    return centred, centred / spread.sqrt(), spread.sqrt() if root else spread


def _cleared(g, centred, x_hat, axis, *, mean=True, var=True, share=True, along_x_hat=True, exact=False):
    """g without its mean and without what it has of x̂, or with the mistake asked for."""
    average = torch.mean if share else torch.sum
    cleared = g - average(g, axis, keepdim=True) if mean else g
    along = x_hat if along_x_hat else centred
    length = x_hat.square().mean(axis, keepdim=True) if exact else 1
    return cleared - along * average(g * x_hat, axis, keepdim=True) / length if var else cleared


def _batch_norm(*, axis=0, eps=True, unbiased=False, root=True, scaled=True,
                for_scale=lambda g, x, x_hat, s: (g * x_hat).sum(0), for_shift=lambda g, s: g.sum(0),
                parts=lambda x, s, b, n: (x, s, b), **faults):  # fmt: skip
    """The right backward pass of BatchNorm, or one with the mistakes asked for."""
    has_eps = eps

    def backward(g, x, scale, eps):
        centred, x_hat, spread = _normalized(x, axis, eps * has_eps, unbiased=unbiased, root=root)
        for_x = _cleared(g, centred, x_hat, axis, **faults) / spread * (scale if scaled else 1)
        return parts(for_x, for_scale(g, x, x_hat, scale), for_shift(g, scale), len(x))

    return backward


def _layer_norm(*, axis=1, eps=True, unbiased=False, scaled=True, scale_in_front=False, **faults):
    """The right backward pass of LayerNorm to its input, or one with the mistakes asked for."""
    has_eps = eps

    def backward(g, x, scale, eps):
        centred, x_hat, spread = _normalized(x, axis, eps * has_eps, unbiased=unbiased)
        scale = scale if scaled else torch.ones_like(scale)
        if scale_in_front:
            return scale * _cleared(g, centred, x_hat, axis, **faults) / spread
        return _cleared(g * scale, centred, x_hat, axis, **faults) / spread

    return backward


def _half_scaled(scale_in_mean, scale_in_slope):
    """A backward pass of LayerNorm that has scale under one of the two averages only."""

    def backward(g, x, scale, eps):
        _, x_hat, spread = _normalized(x, 1, eps)
        in_mean, in_slope = g * scale if scale_in_mean else g, g * scale if scale_in_slope else g
        through = in_mean.mean(1, keepdim=True) + x_hat * (in_slope * x_hat).mean(1, keepdim=True)
        return (g * scale - through) / spread

    return backward
