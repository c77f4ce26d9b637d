"""Checks of the exercises of lesson 03."""

import math

import numpy as np
import torch
from torch import nn

from course_utils.checks import diagnose

NORMS = (nn.LayerNorm, nn.RMSNorm)


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


def both_ways(w, grad, direction, lr, wd, decoupled):
    """A step that computes both optimizers and returns one: Adam's averages take two steps."""
    return [adam_l2(w, grad, direction, lr, wd), adamw(w, grad, direction, lr, wd)][bool(decoupled)]


def both_ways_reversed(w, grad, direction, lr, wd, decoupled):
    """The same, AdamW first."""
    return [adamw(w, grad, direction, lr, wd), adam_l2(w, grad, direction, lr, wd)][not decoupled]


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
        "Adam with L2 is right; your AdamW's factor is exp(-lr · weight_decay): close, but PyTorch's is 1 - lr · weight_decay":
            variant(decoupled=lambda w, g, d, lr, wd: math.exp(-lr * wd) * w - lr * d(g)),
        "Adam with L2 is right; your AdamW does not decay": variant(decoupled=lambda w, g, d, lr, wd: w - lr * d(g)),
        "Adam with L2 is right; your AdamW makes weights grow: mind the sign":
            variant(decoupled=lambda w, g, d, lr, wd: (1 + lr * wd) * w - lr * d(g)),
        "you compute both and choose afterwards: `direction` remembers each call, so call it in one branch only": both_ways,
        "you compute both, AdamW first: `direction` remembers each call, so call it in one branch only": both_ways_reversed,
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


def check_3_2(halving_decay=None):
    """Diagnose halving_decay(lrs): the λ at which a run of AdamW leaves half of a weight without gradient."""
    rng = np.random.default_rng()
    n, peaks = int(rng.integers(300, 500)), rng.uniform(0.001, 0.01, 3).tolist()
    falling = [peaks[0] * (1 - t / n) for t in range(n)]
    warmed_up = [peaks[1] * min((t + 1) / 50, 1, (n - t) / 100) for t in range(n)]
    constant = [peaks[2]] * (n + 100)
    mistakes = {
        "that is for one step of average size; the run has as many as the list": lambda lrs: math.log(2) / np.mean(lrs),
        "you used the first learning rate for every step; a schedule multiplies the decay too":
            lambda lrs: math.log(2) / (lrs[0] * len(lrs)),
        "you used the peak for every step; a schedule multiplies the decay too": lambda lrs: math.log(2) / (max(lrs) * len(lrs)),
        "the decay of a step is its learning rate times λ; the learning rates are missing": lambda lrs: math.log(2) / len(lrs),
        "1 - Σηλ is right for a tiny decay only: the steps multiply": lambda lrs: 0.5 / sum(lrs),
        "there Σηλ is 1, which leaves 1/e; asked is one half": lambda lrs: 1 / sum(lrs),
        "that λ makes weights grow: mind the sign of the logarithm": lambda lrs: math.log(0.5) / sum(lrs),
        "e and the natural logarithm belong together: `math.log`": lambda lrs: math.log10(2) / sum(lrs),
        "e and the natural logarithm belong together: log2 is that of base 2": lambda lrs: math.log2(math.e) / sum(lrs),
        "that is the exponent, λ times the sum of the learning rates; divide by the sum": lambda lrs: math.log(2),
        "divide by the sum of the learning rates: longer runs need a smaller λ": lambda lrs: math.log(2) * sum(lrs),
        "that is the half-life in steps; asked is the λ": lambda lrs: len(lrs) / 2,
    }  # fmt: skip
    return diagnose(
        halving_decay,
        [(falling,), (warmed_up,), (constant,)],
        lambda lrs: math.log(2) / sum(lrs),
        mistakes,
        tolerance=0.01,  # the root of the product is as good
        passed="the factors of all steps multiply to about exp(-Σηλ), so Σηλ must be log 2: the schedule counts, not its peak.",
    )


def check_3_3(decays=None):
    """Diagnose decays(name, parameter, module): whether a parameter belongs to the group with weight decay."""
    widths = np.random.default_rng().choice([4, 6, 8, 10], 2, replace=False)
    models = [planted_model(int(widths[0])), planted_model(int(widths[1]), OTHER_NAMES)]
    cases = [case for model in models for case in parameters_with_owner(model)]

    def right(name, parameter, module):
        return name.endswith("weight") and parameter.dim() >= 2 and not isinstance(module, NORMS)

    mistakes = {
        "the two are swapped: True means that it decays": lambda name, p, module: not right(name, p, module),
        "by the number of axes alone, norms over pictures, a class token and a position table decay":
            lambda name, p, module: p.dim() > 1,
        "by names alone a matrix called `debias` is spared, and scales that are not called norm decay":
            lambda name, p, module: "bias" not in name and "norm" not in name,
        "`debias.weight` is a matrix with an unlucky name, and a norm's scale is no bias and decays":
            lambda name, p, module: "bias" not in name,
        "every norm calls its scale `weight`: ask for the type of its module": lambda name, p, module: name.endswith("weight"),
        "a `weight` with several axes may still be the scale of a norm over pictures: ask for the type of its module":
            lambda name, p, module: name.endswith("weight") and p.dim() > 1,
        "a norm need not be called norm: ask for the type of its module":
            lambda name, p, module: name.endswith("weight") and p.dim() > 1 and "norm" not in name,
        "nn.RMSNorm is no nn.LayerNorm, and PReLU's slope is a `weight` too":
            lambda name, p, module: name.endswith("weight") and not isinstance(module, nn.LayerNorm),
        "nn.RMSNorm is no nn.LayerNorm":
            lambda name, p, module: name.endswith("weight") and p.dim() > 1 and not isinstance(module, nn.LayerNorm),
        "PReLU's slope is a `weight` of one axis": lambda name, p, module:
            name.endswith("weight") and not isinstance(module, NORMS),
        "a class token and a position table have axes enough, and no layer owns them": lambda name, p, module:
            p.dim() > 1 and not isinstance(module, NORMS),
        "an even number of axes is not the point: a Conv1d has three": lambda name, p, module: p.dim() % 2 == 0,
    }  # fmt: skip
    return diagnose(
        decays,
        cases,
        right,
        mistakes,
        passed="axes, name and type together sort all of these. Some model will beat this rule too: print both lists.",
    )


PARTS = ("class_token", "positions", "patches", "words", "mix", "debias", "before", "after", "bend")
OTHER_NAMES = ("cls", "where", "eyes", "table", "norm_conv", "rebias", "calm", "last", "slope")


def planted_model(width: int = 8, names: tuple[str, ...] = PARTS) -> nn.Module:
    """A small model with what real ones contain; its parameters have from one to four axes."""
    parts = (
        nn.Parameter(torch.zeros(1, 1, width)),
        nn.Parameter(torch.zeros(17, width)),
        nn.Conv2d(3, width, 2),
        nn.Embedding(10, width),
        nn.Conv1d(width, width, 3, bias=False),
        nn.Linear(width, width, bias=False),
        nn.LayerNorm((width, 4, 4)),
        nn.RMSNorm((width, 4, 4)),
        nn.PReLU(width),
    )
    model = nn.Module()
    for name, part in zip(names, parts, strict=True):
        setattr(model, name, part)
    return model


def parameters_with_owner(model: nn.Module) -> list[tuple[str, nn.Parameter, nn.Module]]:
    """(name, parameter, module that owns it) of all parameters of a model."""
    return [(name, p, module) for place, module in model.named_modules() for name, p in module.named_parameters(place, False)]
