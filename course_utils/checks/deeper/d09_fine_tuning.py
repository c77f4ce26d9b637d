"""Checks of the exercises of the deep dive `09_fine_tuning`."""

import math

import numpy as np
import torch
from torch import nn

from course_utils.checks import diagnose


def check_1(LoRA=None):
    """Diagnose the class LoRA(linear, r, alpha): what it does at the start, what is trained, and what A and B then do."""
    rng = np.random.default_rng()
    drawn = (int(rng.integers(9, 12)), int(rng.integers(12, 15)), int(rng.integers(3, 6)), int(rng.integers(7, 9)))
    cases = [(7, 5, 2, 16), drawn]

    def has_factor(wrong):
        return lambda o, n_in, n_out, r, alpha: abs(o["factor"] - wrong(alpha, r)) > 1e-3

    properties = {
        "at the start the output is 0: the frozen layer's own output is missing": lambda o, *_: o["size"] > 0,
        "it changes the output before any training: B, the last of the two, must start at zero": lambda o, *_: o["error"] < 1e-5,
        "the weight of `linear` is still trained: freeze it, `linear.requires_grad_(False)`": lambda o, *_: not o["weight"],
        "the bias of `linear` is still trained: freeze it, too": lambda o, *_: not o["bias"],
        "nothing is trained: freeze the linear layer, and leave A and B trainable": lambda o, *_: o["trained"] > 0,
        "A and B have biases, which are trained, too: `bias=False`": lambda o, n_in, n_out, r, alpha:
            o["trained"] not in (r * (n_in + n_out) + k for k in (n_out + r, n_out, r)),
        "A must be made for (r, n_in) and B for (n_out, r): their numbers do not fit": lambda o, *_: not math.isnan(o["factor"]),
        "both A and B start at zero: then neither ever gets a gradient": lambda o, *_: o["moving"] > 0,
        "A and B do nothing to the output": lambda o, *_: abs(o["factor"]) > 1e-4,
        "A and B act, but not as B A x: first A, which maps to r numbers, then B": lambda o, *_: o["rest"] < 1e-3,
        "the output is right, but the gradient is held back on its way to the layers below: no `no_grad` and no `detach`":
            lambda o, *_: o["held"] < 1e-3,
        "the factor alpha / r is missing": has_factor(lambda alpha, r: 1),
        "the factor is alpha / r, not alpha": has_factor(lambda alpha, r: alpha),
        "the factor is alpha / r, not r / alpha": has_factor(lambda alpha, r: r / alpha),
        "the factor is alpha / r, not alpha times r": has_factor(lambda alpha, r: alpha * r),
        "the factor in front of B A x is not alpha / r":
            lambda o, n_in, n_out, r, alpha: abs(o["factor"] - alpha / r) < 1e-3,
    }  # fmt: skip
    return diagnose(
        None if _is_untouched(LoRA) else LoRA,
        cases,
        None,
        {},
        properties=properties,
        call=_observe,
        passed="it begins as the network that it found, and can only add a matrix of rank r to each layer.",
    )


def check_2(merged=None):
    """Diagnose merged(weight, down, up, alpha): the one matrix that does what the frozen layer, A and B do together."""

    def right(weight, down, up, alpha):
        return weight + alpha / down.shape[0] * up @ down

    rng = np.random.default_rng()
    sizes = [(6, 6, 2, 8), (*[int(rng.integers(6, 9))] * 2, int(rng.integers(3, 5)), int(rng.integers(9, 14)))]
    cases = [(*(torch.randn(shape, dtype=torch.float64) for shape in ((n_out, n_in), (r, n_in), (n_out, r))), alpha)
             for n_in, n_out, r, alpha in sizes]  # fmt: skip
    mistakes = {
        "that is the change alone: add it to `weight`": lambda w, down, up, alpha: right(w, down, up, alpha) - w,
        "the factor alpha / r is missing": lambda w, down, up, alpha: w + up @ down,
        "the factor is alpha / r, not alpha": lambda w, down, up, alpha: w + alpha * up @ down,
        "`down` is (r, n_in): r is its first axis, not its second":
            lambda w, down, up, alpha: w + alpha / down.shape[1] * up @ down,
        "your product is transposed: y = W x, so the change is B A": 
            lambda w, down, up, alpha: right(w.T, down, up, alpha).T,
        "the change is added, not taken away": lambda w, down, up, alpha: 2 * w - right(w, down, up, alpha),
    }  # fmt: skip
    return diagnose(
        merged,
        cases,
        right,
        mistakes,
        passed="after training the two small matrices disappear into the large one: no time is lost when the network is used.",
    )


def _is_untouched(LoRA):
    """Whether this is the class of the stub: its `forward` uses nothing."""
    forward = getattr(LoRA, "forward", None)
    return LoRA is None or LoRA is ... or (hasattr(forward, "__code__") and not forward.__code__.co_names)


def _observe(LoRA, n_in, n_out, r, alpha):
    """What the layer does: relative `error` and `size` of its output at the start; whether `weight` and `bias` of the linear
    layer are trained; numbers `trained`, and `moving` (with a gradient); the `factor` of B A x; the `rest` of what it adds."""
    linear, x = nn.Linear(n_in, n_out), torch.randn(20, n_in)
    before = linear(x).detach()
    layer = LoRA(linear, r, alpha)
    start = layer(x)
    trained = [p for p in layer.parameters() if p.requires_grad]
    n_moving = 0
    if start.requires_grad:
        start.square().sum().backward()
        n_moving = sum(int((p.grad != 0).sum()) for p in trained if p.grad is not None)
    down, up = torch.randn(r, n_in), torch.randn(n_out, r)
    filled = [_fill(p, down) or _fill(p, up) for p in trained]
    added, expected = (layer(x) - before).detach(), x @ down.T @ up.T
    factor = (added * expected).sum() / expected.square().sum() if sum(filled) == 2 else torch.tensor(math.nan)
    rest = (added - factor * expected).norm() / added.norm().clamp(min=1e-9)
    below = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(layer(below).sum(), below, allow_unused=True, materialize_grads=True)
    expected_gradient = (linear.weight.detach() + factor * up @ down).sum(0)
    held = (gradient - expected_gradient).norm() / gradient.norm().clamp(min=1e-9)
    error = (start.detach() - before).norm() / before.norm()
    return {
        "error": error.item(), "size": start.norm().item(), "weight": linear.weight.requires_grad,
        "bias": linear.bias.requires_grad, "trained": sum(p.numel() for p in trained), "moving": n_moving,
        "factor": factor.item(), "rest": rest.item(), "held": held.item(),
    }  # fmt: skip


@torch.no_grad()
def _fill(parameter, values):
    """Put values into a parameter of their shape, or of the transposed one; says whether it fits."""
    fitting = next((v for v in (values, values.T) if v.shape == parameter.shape), None)
    if fitting is not None:
        parameter.copy_(fitting)
    return fitting is not None
