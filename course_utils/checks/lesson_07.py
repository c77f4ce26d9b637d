"""Checks of the exercises of lesson 07."""

import re

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_utils.checks import diagnose


def check_7_1(batch_norm=None):
    """Diagnose batch_norm(x, eps): every channel to mean 0 and variance 1, over all axes but the channels."""

    def by_axes(axes_of, variance=None, root=True):
        def wrong(x, eps):
            axes = axes_of(x)
            mean = x.mean(axes, keepdim=True)
            spread = variance(x, axes, eps) if variance else x.var(axes, keepdim=True, unbiased=False) + eps
            return (x - mean) / (spread.sqrt() if root else spread)

        return wrong

    def others(x):
        return tuple(axis for axis in range(x.ndim) if axis != 1)

    rng = np.random.default_rng()
    shapes = ((6, 5), (4, 3, 5, 2), (int(rng.integers(3, 9)), int(rng.integers(3, 9))))
    cases = [
        (torch.as_tensor(rng.normal(2, 3, shape) * rng.uniform(0.5, 2)), eps)
        for shape, eps in zip(shapes, (1e-5, 0.7, 0.2), strict=True)
    ]
    right = by_axes(others)
    mistakes = {
        "you normalize each row over its own numbers: that is the axis of section 4; here each column has its own mean":
            by_axes(lambda x: tuple(range(1, x.ndim))),
        "that is right for (n, channels), but a feature map has more axes: average over all of them except the channels":
            by_axes(lambda x: 0),
        "one mean for all numbers together: each channel must have its own": by_axes(lambda x: tuple(range(x.ndim))),
        "your variance divides by n - 1; the batch is normalized with the variance that divides by n":
            by_axes(others, lambda x, axes, eps: x.var(axes, keepdim=True) + eps),
        "eps stands outside the root: it belongs to the variance": by_axes(
            others, lambda x, axes, eps: (x.var(axes, keepdim=True, unbiased=False).sqrt() + eps) ** 2),
        "eps is missing, or has a fixed value": by_axes(
            others, lambda x, axes, eps: x.var(axes, keepdim=True, unbiased=False) + 1e-5),
        "you divide by the variance: take the root": by_axes(others, root=False),
        "the mean is still there: subtract it first":
            lambda x, eps: x / (x.var(others(x), keepdim=True, unbiased=False) + eps).sqrt(),
        "the mean is gone, but nothing is divided by the root of the variance":
            lambda x, eps: x - x.mean(others(x), keepdim=True),
    }  # fmt: skip
    return diagnose(
        batch_norm,
        cases,
        right,
        mistakes,
        passed="each channel is measured against its batch: that is why an answer can depend on the company.",
    )


def check_7_2(three_norms=None):
    """Diagnose three_norms(x, n_groups, eps): LayerNorm, GroupNorm and RMSNorm of x (n, channels)."""
    rng = np.random.default_rng()
    cases = [
        (torch.as_tensor(rng.normal(1, 2, (n, 12))), n_groups, eps)
        for n, n_groups, eps in zip((12, *rng.integers(2, 9, 2).tolist()), (3, 2, 4), (1e-5, 0.7, 0.2), strict=True)
    ]
    mistakes = {
        "your LayerNorm still averages over the batch: its axis is that of the channels":
            _norms(layer=lambda x, eps: _layer_norm(x.T, eps).T),
        "your LayerNorm divides by n - 1 in the variance; here too it is n":
            _norms(layer=lambda x, eps: (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True) + eps).sqrt()),
        "your GroupNorm puts channels into the groups in turn; a group is neighbours: the first c / n_groups channels, and so on":
            _norms(group=_strided),
        "your groups have n_groups channels each; there must be n_groups groups":
            _norms(group=lambda x, n_groups, eps: _group_norm(x, x.shape[1] // n_groups, eps)),
        "your GroupNorm has one group for all channels: that is LayerNorm":
            _norms(group=lambda x, n_groups, eps: _layer_norm(x, eps)),
        "your GroupNorm divides by n - 1 in the variance; here too it is n": _norms(group=_divided_by_less),
        "your RMSNorm subtracts the mean, and so it is LayerNorm: it divides by the root of the mean square, and no more":
            _norms(rms=_layer_norm),
        "your RMSNorm divides by the standard deviation, in which the mean has been subtracted; take the mean of the squares":
            _norms(rms=lambda x, eps: x / (x.var(1, keepdim=True, unbiased=False) + eps).sqrt()),
        "your RMSNorm divides by the mean square: take the root":
            _norms(rms=lambda x, eps: x / (x.square().mean(1, keepdim=True) + eps)),
        "your RMSNorm divides by the norm of the row: the mean of the squares, not their sum":
            _norms(rms=lambda x, eps: x / (x.square().sum(1, keepdim=True) + eps).sqrt()),
    }  # fmt: skip
    return diagnose(
        three_norms,
        cases,
        _norms(),
        mistakes,
        passed="a row is measured against itself, as a whole or in groups: no company, and so the same in train and eval.",
    )


def check_7_3(detective=None):
    """Diagnose detective(box, n_channels): the name of the norm that is sealed in the box."""
    truth = dict(box for n_channels in (32, 64) for box in _boxes(n_channels))
    cases = [(box, n_channels) for box, (_, n_channels) in truth.items()]

    def mixed_up(*names, said=None):
        def is_told_apart(output, box, n_channels):
            return truth[box][0] not in names or output == truth[box][0] or output not in (said or [output])

        return is_told_apart

    properties = {
        "a BatchNorm was not recognized. It alone lets the rows of a batch feel each other: change one row, look at another":
            mixed_up("BatchNorm"),
        "a layer without a norm was taken for one. It alone moves nothing but the number that you nudge":
            mixed_up("none"),
        "a GroupNorm was not recognized. Nudge one channel: some channels of the row move, and others do not":
            mixed_up("GroupNorm"),
        "LayerNorm and RMSNorm are not told apart. Add the same number to a whole row: only one of them notices":
            mixed_up("LayerNorm", "RMSNorm", said=("LayerNorm", "RMSNorm")),
        "a LayerNorm or an RMSNorm got the name of neither. Nudge one channel, hard: nearly all of the row moves, and no other":
            mixed_up("LayerNorm", "RMSNorm"),
    }  # fmt: skip
    return diagnose(
        detective,
        cases,
        None,
        {},
        properties=properties,
        call=lambda answer, box, n_channels: _full_name(answer(box, n_channels)),
        passed="every norm betrays itself by what it does not notice.",
    )


def sealed(layer, device="cpu", *, is_plain=False):
    """A function that hides the layer; a plain one scales and shifts, but does not normalize."""

    @torch.no_grad()
    def box(x):
        x = torch.as_tensor(x, dtype=torch.float32, device=device)
        if x.ndim != 2 or not 4 <= len(x) <= 64:
            raise ValueError(f"a box takes (n, n_channels) numbers with n from 4 to 64, not {tuple(x.shape)}")
        return (x * layer.weight + layer.bias if is_plain else layer(x)).cpu()

    return box


def lets_gradients_through(norm):
    """Whether norm(x, eps) can train a network: on tensors that ask for gradients, and under `torch.vmap`."""
    x = torch.randn(3, 4, 5, requires_grad=True)
    try:
        torch.vmap(lambda part: norm(part, 1e-5))(x).square().sum().backward()
    except Exception:  # whatever NumPy, or `.item()`, makes of such a tensor
        return False
    return x.grad is not None


def _layer_norm(x, eps):
    return functional.layer_norm(x, x.shape[1:], eps=eps)


def _group_norm(x, n_groups, eps):
    return functional.group_norm(x, n_groups, eps=eps)


def _divided_by_less(x, n_groups, eps):
    """A GroupNorm with the variance that divides by n - 1."""
    parts = x.reshape(len(x), n_groups, -1)
    return ((parts - parts.mean(2, keepdim=True)) / (parts.var(2, keepdim=True) + eps).sqrt()).reshape(x.shape)


def _strided(x, n_groups, eps):
    """A GroupNorm that puts channels into groups in turn."""
    parts = x.reshape(len(x), -1, n_groups)
    spread = parts.var(1, keepdim=True, unbiased=False) + eps
    return ((parts - parts.mean(1, keepdim=True)) / spread.sqrt()).reshape(x.shape)


def _norms(layer=_layer_norm, group=_group_norm, rms=lambda x, eps: x / (x.square().mean(1, keepdim=True) + eps).sqrt()):
    """The right `three_norms`, with one of the three replaced where that is wanted."""
    return lambda x, n_groups, eps: torch.stack([layer(x, eps), group(x, n_groups, eps), rms(x, eps)])


def _boxes(n_channels):
    """Pairs (box, (name, n_channels)): a function that hides a layer with random scale and shift, and what it is."""
    groups = [("GroupNorm", nn.GroupNorm(n_groups, n_channels)) for n_groups in (2, 8)]
    rows = [(name, nn.LayerNorm(n_channels)) for name in ("LayerNorm", "none")]
    others = [("BatchNorm", nn.BatchNorm1d(n_channels)), ("RMSNorm", nn.RMSNorm(n_channels, eps=1e-5))]
    for name, layer in (*groups, *rows, *others):
        nn.init.uniform_(layer.weight, 0.5, 2.0)
        if name != "RMSNorm":
            nn.init.normal_(layer.bias)
        yield sealed(layer, is_plain=name == "none"), (name, n_channels)


def _full_name(answer):
    """The answer with its name written out, should it be a short or a longer form ("batch", "BatchNorm1d")."""
    said = re.sub("[^a-z]", "", answer.lower()) if isinstance(answer, str) else ""
    names = ("BatchNorm", "LayerNorm", "GroupNorm", "RMSNorm", "none")
    return next((name for name in names if said and (name.lower().startswith(said) or said.startswith(name.lower()))), answer)
