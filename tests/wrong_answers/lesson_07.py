"""Typical wrong answers of lesson 07: (answer, part of the diagnosis it must get)."""

import torch
from torch.nn import functional


def others(x):
    return [axis for axis in range(x.ndim) if axis != 1]


def norms(layer=None, group=None, rms=None):
    def layer_norm(x, eps):
        return functional.layer_norm(x, x.shape[1:], eps=eps)

    def rms_norm(x, eps):
        return functional.rms_norm(x, x.shape[1:], eps=eps)

    def three_norms(x, n_groups, eps):
        grouped = group(x, n_groups, eps) if group else functional.group_norm(x, n_groups, eps=eps)
        return (layer or layer_norm)(x, eps), grouped, (rms or rms_norm)(x, eps)

    return three_norms


def divided_by_less(x, n_groups, eps):
    parts = x.unflatten(1, (n_groups, -1))
    return ((parts - parts.mean(2, keepdim=True)) / (parts.var(2, keepdim=True) + eps).sqrt()).flatten(1)


def poked(sees_company=True, sees_groups=True, sees_offset=True, sees_nothing=True):
    """A detective that can do all but what is False."""

    def detective(box, n_channels):
        x = torch.randn(6, n_channels)
        nudged = x.clone()
        nudged[0, 0] += 5
        moved = (box(nudged) - box(x)).abs() > 1e-4
        if sees_company and moved[1:].any():
            return "BatchNorm"
        if sees_nothing and moved[0].sum() == 1:
            return "none"
        if sees_groups and moved[0].float().mean() < 0.75:
            return "GroupNorm"
        return "RMSNorm" if sees_offset and not torch.allclose(box(x), box(x + 3), atol=1e-3) else "LayerNorm"

    return detective


WRONG = {
    "check_7_1": [
        (lambda x, eps: functional.layer_norm(x, x.shape[1:], eps=eps), "its own numbers"),
        (lambda x, eps: (x - x.mean(0)) / (x.var(0, unbiased=False) + eps).sqrt(), "a feature map has more axes"),
        (lambda x, eps: (x - x.mean()) / (x.var(unbiased=False) + eps).sqrt(), "all numbers together"),
        (
            lambda x, eps: (x - x.mean(others(x), keepdim=True)) / (x.var(others(x), keepdim=True) + eps).sqrt(),
            "divides by n - 1",
        ),
        (
            lambda x, eps: (x - x.mean(others(x), keepdim=True)) / (x.var(others(x), keepdim=True, unbiased=False).sqrt() + eps),
            "outside the root",
        ),
        (lambda x, eps: functional.batch_norm(x, None, None, training=True, eps=1e-5), "fixed value"),
        (lambda x, eps: x - x.mean(others(x), keepdim=True), "nothing is divided"),
        (lambda x, eps: 2 * functional.batch_norm(x, None, None, training=True, eps=eps), "of them wrong"),
    ],
    "check_7_2": [
        (norms(layer=lambda x, eps: functional.batch_norm(x, None, None, training=True, eps=eps)), "still averages over the"),
        (norms(layer=lambda x, eps: (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True) + eps).sqrt()), "divides by n - 1"),
        (norms(group=lambda x, n_groups, eps: functional.group_norm(x, x.shape[1] // n_groups, eps=eps)), "n_groups groups"),
        (norms(group=lambda x, n_groups, eps: functional.layer_norm(x, x.shape[1:], eps=eps)), "one group for all"),
        (norms(group=divided_by_less), "GroupNorm divides by n - 1"),
        (norms(rms=lambda x, eps: functional.layer_norm(x, x.shape[1:], eps=eps)), "subtracts the mean"),
        (norms(rms=lambda x, eps: x / (x.square().mean(1, keepdim=True).sqrt() + eps)), "of them wrong"),
        (norms(rms=lambda x, eps: x / x.norm(dim=1, keepdim=True)), "[2, 0, 0]"),
        (lambda x, n_groups, eps: functional.layer_norm(x, x.shape[1:], eps=eps), "where"),
    ],
    "check_7_3": [
        (poked(sees_company=False), "BatchNorm was not recognized"),
        (poked(sees_groups=False), "GroupNorm was not recognized"),
        (poked(sees_offset=False), "not told apart"),
        (poked(sees_nothing=False), "without a norm"),
        (lambda box, n_channels: "LayerNorm", "BatchNorm was not recognized"),
        (lambda box, n_channels: poked()(box, n_channels).replace("LayerNorm", "GroupNorm"), "name of neither"),
        (lambda box, n_channels: box(torch.randn(1, n_channels)).argmax(), "with n from 4 to 64"),
        (lambda box, n_channels: poked()(box, n_channels).replace("BatchNorm", "banana"), "BatchNorm was not recognized"),
    ],
}
