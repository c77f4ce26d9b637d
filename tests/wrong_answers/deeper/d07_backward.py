"""Typical wrong answers of the deep dive `07_backward`: (answer, part of the diagnosis it must get)."""

import torch


def parts(x, axis, eps, unbiased=False):
    s = (x.var(axis, keepdim=True, unbiased=unbiased) + eps).sqrt()
    return s, (x - x.mean(axis, keepdim=True)) / s


def shortcut(g, x, scale, eps):
    s, x_hat = parts(x, 0, eps)
    return scale / s * g, (g * x_hat).sum(0), g.sum(0)


def sums(g, x, scale, eps):
    s, x_hat = parts(x, 0, eps)
    return scale / s * (g - g.sum(0) - x_hat * (g * x_hat).sum(0)), (g * x_hat).sum(0), g.sum(0)


def right(g, x, scale, eps, unbiased=False):
    s, x_hat = parts(x, 0, eps, unbiased)
    return scale / s * (g - g.mean(0) - x_hat * (g * x_hat).mean(0)), (g * x_hat).sum(0), g.sum(0)


def without_mean(g, x, scale, eps):
    s, x_hat = parts(x, 0, eps)
    return scale / s * (g - x_hat * (g * x_hat).mean(0)), (g * x_hat).sum(0), g.sum(0)


def over_channels(g, x, scale, eps):
    s, x_hat = parts(x, 1, eps)
    through = g - g.mean(1, keepdim=True) - x_hat * (g * x_hat).mean(1, keepdim=True)
    return scale / s * through, (g * x_hat).sum(0), g.sum(0)


def row(g, x, eps):
    s, x_hat = parts(x, 1, eps)
    return (g - g.mean(1, keepdim=True) - x_hat * (g * x_hat).mean(1, keepdim=True)) / s


def residual(g, x, scale, eps):
    s, x_hat = parts(x, 0, eps)
    line = g.mean(0) + x_hat * (g * x_hat).mean(0) / x_hat.square().mean(0)
    return scale / s * (g - line), (g * x_hat).sum(0), g.sum(0)


def half_scaled(g, x, scale, eps):
    s, x_hat = parts(x, 1, eps)
    return (g * scale - (g * scale).mean(1, keepdim=True) - x_hat * (g * x_hat).mean(1, keepdim=True)) / s


WRONG = {
    "check_1": [
        (shortcut, "as constants"),
        (sums, "n-th part"),
        (without_mean, "through the mean is missing"),
        (over_channels, "over the channels"),
        (residual, "the mean of x̂²"),
        (lambda g, x, scale, eps: right(g, x, scale, 0.0), "eps is missing"),
        (lambda g, x, scale, eps: right(g, x, scale, eps, unbiased=True), "divides by n"),
        (lambda g, x, scale, eps: (right(g, x, scale, eps)[0] / scale, *right(g, x, scale, eps)[1:]), "scale is missing"),
        (lambda g, x, scale, eps: right(g, x, scale, eps)[::-1], "your answer gives"),
        (lambda g, x, scale, eps: tuple(right(g, x, scale, eps)[k] for k in (0, 2, 1)), "the order is"),
        (lambda g, x, scale, eps: right(g, x, scale, eps)[0], "scale and shift get something"),
        (lambda g, x, scale, eps: (right(g, x, scale, eps)[0], (g * x).sum(0), g.sum(0)), "not x"),
    ],
    "check_2": [
        (lambda g, x, scale, eps: scale * row(g, x, eps), "scale stands in front"),
        (lambda g, x, scale, eps: row(g, x, eps), "scale is missing"),
        (half_scaled, "not under that with x̂"),
        (lambda g, x, scale, eps: right(g, x, scale, eps)[0], "that is BatchNorm's"),
        (lambda g, x, scale, eps: g * scale / parts(x, 1, eps)[0], "as constants"),
        (lambda g, x, scale, eps: row(g * scale, x, 0.0), "eps is missing"),
        (lambda g, x, scale, eps: torch.zeros_like(x), "your answer gives"),
    ],
}
