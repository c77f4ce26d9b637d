"""Checks of the exercises of lesson 03."""

import math

import numpy as np
import torch
from torch import nn

from course_utils.checks import diagnose

NORMS = (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, nn.BatchNorm1d, nn.BatchNorm2d)


class Direction:
    """Adam's direction as a function of the gradient, in the middle of a run; a second call is a second step."""

    def __init__(self, n):
        self.t, self.m, self.v = 3, torch.randn(n).double(), 0.1 + torch.rand(n).double()

    def __call__(self, grad):
        self.t, self.m, self.v = self.t + 1, 0.9 * self.m + 0.1 * grad, 0.99 * self.v + 0.01 * grad**2
        return self.m / (1 - 0.9**self.t) / (self.v / (1 - 0.99**self.t)) ** 0.5


def adam_l2(w, g, d, lr, wd):
    """A step of Adam on the loss plus (wd/2) w²."""
    return w - lr * d(g + wd * w)


def adamw(w, g, d, lr, wd):
    """A step of AdamW."""
    return (1 - lr * wd) * w - lr * d(g)


def variant(coupled=adam_l2, decoupled=adamw):
    """The `step` of exercise 3.1 made of these two."""
    ways = {False: coupled, True: decoupled}
    return lambda w, grad, direction, lr, wd, is_decoupled: ways[bool(is_decoupled)](w, grad, direction, lr, wd)


def check_3_1(step=None):
    """Diagnose step(w, grad, direction, lr, weight_decay, decoupled): Adam with an L2 penalty, and AdamW."""
    rng = np.random.default_rng()
    cases = [
        (*torch.randn(2, n).double(), Direction(n), *map(float, rng.uniform((0.05, 0.2), (0.2, 0.9))), decoupled)
        for n in (4, 7)
        for decoupled in (False, True)
    ]

    def right(w, grad, direction, lr, weight_decay, decoupled):
        return variant()(w, grad, direction, lr, weight_decay, decoupled)

    mistakes = {
        "the two are swapped: decoupled decay never meets the direction": variant(adamw, adam_l2),
        "AdamW is right; without `decoupled` nothing decays: λw, the penalty's gradient, belongs beside `grad`":
            variant(coupled=lambda w, g, d, lr, wd: w - lr * d(g)),
        "AdamW is right; the other one decays past the direction too: Adam must see the penalty's gradient":
            variant(coupled=lambda w, g, d, lr, wd: (1 - lr * wd) * w - lr * d(g)),
        "AdamW is right; the gradient of (λ/2)w² is λw, not 2λw":
            variant(coupled=lambda w, g, d, lr, wd: w - lr * d(g + 2 * wd * w)),
        "AdamW is right; the gradient of (λ/2)w² is λw, without the learning rate":
            variant(coupled=lambda w, g, d, lr, wd: w - lr * d(g + lr * wd * w)),
        "Adam with L2 is right; AdamW's λw went into the gradient as well, where Adam divides it":
            variant(decoupled=lambda w, g, d, lr, wd: w - lr * d(g + wd * w)),
        "Adam with L2 is right; your AdamW decays without the learning rate, PyTorch's by 1 - lr · weight_decay":
            variant(decoupled=lambda w, g, d, lr, wd: (1 - wd) * w - lr * d(g)),
        "Adam with L2 is right; your AdamW decays after the step and shrinks the step too: decay the old weights":
            variant(decoupled=lambda w, g, d, lr, wd: (1 - lr * wd) * (w - lr * d(g))),
        "Adam with L2 is right; your AdamW does not decay": variant(decoupled=lambda w, g, d, lr, wd: w - lr * d(g)),
        "Adam with L2 is right; your AdamW makes weights grow: mind the sign":
            variant(decoupled=lambda w, g, d, lr, wd: (1 + lr * wd) * w - lr * d(g)),
        "the steps go along the gradient itself: use direction(...)":
            variant(lambda w, g, d, lr, wd: w - lr * (g + wd * w), lambda w, g, d, lr, wd: (1 - lr * wd) * w - lr * g),
        "the steps go uphill: subtract":
            variant(lambda w, g, d, lr, wd: w + lr * d(g + wd * w), lambda w, g, d, lr, wd: (1 - lr * wd) * w + lr * d(g)),
    }  # fmt: skip
    return diagnose(
        step,
        cases,
        right,
        mistakes,
        passed="the same decay, before the division or past it. This one place is all that tells the two optimizers apart.",
    )


def check_3_2(share_left=None):
    """Diagnose share_left(lrs, weight_decay): what a run of AdamW leaves of a weight without gradient."""
    rng = np.random.default_rng()

    def falling(n, peak):
        return [peak * (1 - t / n) for t in range(n)]

    cases = [(falling(int(rng.integers(200, 400)), rng.uniform(0.002, 0.005)), rng.uniform(0.8, 2)) for _ in range(3)]
    mistakes = {
        "that is what has decayed; asked is what is left": lambda lrs, wd: 1 - math.prod(1 - lr * wd for lr in lrs),
        "that is one step; the run has as many as the list": lambda lrs, wd: 1 - lrs[0] * wd,
        "you used the first learning rate for every step; a schedule multiplies the decay too":
            lambda lrs, wd: (1 - lrs[0] * wd) ** len(lrs),
        "the decay of a step is its learning rate times weight_decay; the learning rates are missing":
            lambda lrs, wd: (1 - wd) ** len(lrs),
        "that is the sum of the factors; the steps multiply": lambda lrs, wd: sum(1 - lr * wd for lr in lrs),
        "that is the exponent Σηλ; what is left is about exp(-Σηλ)": lambda lrs, wd: sum(lrs) * wd,
        "1 - Σηλ is right for a tiny decay only: the steps multiply": lambda lrs, wd: 1 - sum(lrs) * wd,
        "those are the factors of the steps: multiply them to one number": lambda lrs, wd: [1 - lr * wd for lr in lrs],
    }  # fmt: skip
    return diagnose(
        share_left,
        cases,
        lambda lrs, weight_decay: math.prod(1 - lr * weight_decay for lr in lrs),
        mistakes,
        tolerance=0.01,  # exp(-Σηλ) is as good
        passed="the factors of all steps multiply, to about exp(-Σηλ): the schedule counts, not only its peak.",
    )


def check_3_3(decays=None):
    """Diagnose decays(name, parameter, module): whether a parameter belongs to the group with weight decay."""
    cases = [case for width in np.random.default_rng().choice([4, 6, 8, 10], 2, replace=False)
             for case in parameters_with_owner(planted_model(int(width)))]  # fmt: skip

    def right(name, parameter, module):
        return name.endswith("weight") and parameter.dim() >= 2 and not isinstance(module, NORMS)

    linear = (nn.Linear, nn.Conv2d, nn.Embedding)
    mistakes = {
        "the two are swapped: True means that it decays": lambda name, p, module: not right(name, p, module),
        "by the number of axes alone, a LayerNorm over pictures, a layer scale, tokens and attention's bias_k decay":
            lambda name, p, module: p.dim() > 1,
        "without axes of length 1, `value.weight` is no matrix, while a LayerNorm over pictures and a position table still are":
            lambda name, p, module: p.squeeze().dim() > 1,
        "by names alone `debias.weight`, a matrix, is spared, and scales that are not called norm decay":
            lambda name, p, module: "bias" not in name and "norm" not in name,
        "`debias.weight` is a matrix with an unlucky name, and a norm's scale is no bias and decays":
            lambda name, p, module: "bias" not in name,
        "every norm calls its scale `weight`: ask for the type of its module": lambda name, p, module: name.endswith("weight"),
        "a `weight` with several axes may still be the scale of a LayerNorm over pictures: ask for the type of its module":
            lambda name, p, module: name.endswith("weight") and p.dim() > 1,
        "attention keeps its matrix `in_proj_weight` itself, in no nn.Linear": lambda name, p, module:
            isinstance(module, linear) and p.dim() > 1 and "bias" not in name.split(".")[-1],
        "nn.RMSNorm is no nn.LayerNorm, and an activation's slope is a `weight` too":
            lambda name, p, module: name.endswith("weight") and not isinstance(module, nn.LayerNorm),
    }  # fmt: skip
    return diagnose(
        decays,
        cases,
        right,
        mistakes,
        passed="axes, name and type together sort all of these. Some model will beat this rule too: print both lists.",
    )


def planted_model(width: int = 8) -> nn.Module:
    """A small model with what real ones contain; its parameters have from one to four axes."""
    model = nn.Module()
    model.patches, model.tokens = nn.Conv2d(3, width, 2), nn.Embedding(10, width)
    model.class_token, model.positions = nn.Parameter(torch.zeros(1, 1, width)), nn.Parameter(torch.zeros(1, 17, width))
    model.attention = nn.MultiheadAttention(width, 2, add_bias_kv=True)
    model.picture_norm, model.rms, model.act = nn.LayerNorm((width, 4, 4)), nn.RMSNorm(width), nn.PReLU()
    model.layer_scale = nn.Parameter(torch.ones(width, 1, 1))
    model.debias, model.value = nn.Linear(width, width, bias=False), nn.Linear(width, 1)
    return model


def parameters_with_owner(model: nn.Module) -> list[tuple[str, nn.Parameter, nn.Module]]:
    """(name, parameter, module that owns it) of all parameters of a model."""
    return [(name, p, module) for place, module in model.named_modules() for name, p in module.named_parameters(place, False)]
