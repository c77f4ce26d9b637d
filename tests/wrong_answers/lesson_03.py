"""Typical wrong answers of lesson 03: (answer, part of the diagnosis it must get)."""

import math

import numpy as np
from torch import nn


def steps(adam_l2, adamw):
    """A `step` made of two functions of (w, grad, direction, lr, weight_decay)."""
    return lambda w, grad, direction, lr, wd, decoupled: (adamw if decoupled else adam_l2)(w, grad, direction, lr, wd)


def adam_l2(w, g, d, lr, wd):
    return w - lr * d(g + wd * w)


def adamw(w, g, d, lr, wd):
    return w - lr * wd * w - lr * d(g)


WRONG = {
    "check_3_1": [
        (steps(adamw, adam_l2), "swapped"),
        (steps(adam_l2, adam_l2), "where Adam divides it"),
        (steps(adamw, adamw), "Adam must see the penalty's gradient"),
        (steps(lambda w, g, d, lr, wd: w - lr * d(g), adamw), "nothing decays"),
        (steps(lambda w, g, d, lr, wd: w - lr * d(g + lr * wd * w), adamw), "without the learning rate"),
        (steps(lambda w, g, d, lr, wd: w - lr * d(g + 2 * wd * w), adamw), "2λw"),
        (steps(adam_l2, lambda w, g, d, lr, wd: (1 - wd) * w - lr * d(g)), "without the learning rate"),
        (steps(adam_l2, lambda w, g, d, lr, wd: (1 - lr * wd) * (w - lr * d(g))), "after the step"),
        (steps(adam_l2, lambda w, g, d, lr, wd: w - lr * d(g)), "does not decay"),
        (steps(adam_l2, lambda w, g, d, lr, wd: math.exp(-lr * wd) * w - lr * d(g)), "close, but"),
        (steps(adam_l2, lambda w, g, d, lr, wd: w + lr * wd * w - lr * d(g)), "grow"),
        (steps(adam_l2, lambda w, g, d, lr, wd: w - lr * wd * w - lr * 0 * d(g) - lr * d(g)), "wrong"),  # two steps of Adam
        (steps(lambda w, g, d, lr, wd: w - lr * d(g).tanh(), adamw), "wrong"),
        (lambda w, g, d, lr, wd, decoupled: [adam_l2(w, g, d, lr, wd), adamw(w, g, d, lr, wd)][decoupled], "compute both"),
        (lambda w, g, d, lr, wd, decoupled: (adamw(w, g, d, lr, wd), adam_l2(w, g, d, lr, wd))[1 - decoupled], "AdamW first"),
    ],
    "check_3_2": [
        (lambda lrs: math.log(2) / (sum(lrs) / len(lrs)), "one step of average size"),
        (lambda lrs: math.log(2) / lrs[0] / len(lrs), "first learning rate"),
        (lambda lrs: math.log(2) / (max(lrs) * len(lrs)), "peak for every step"),
        (lambda lrs: math.log(2) / (lrs[0] * len(lrs) / 2), "your answer gives"),  # as if all fell linearly to zero
        (lambda lrs: math.log(2) / (lrs[len(lrs) // 2] * len(lrs)), "your answer gives"),
        (lambda lrs: 1 - 0.5 ** (1 / len(lrs)), "learning rates are missing"),
        (lambda lrs: 1 / (2 * np.sum(lrs)), "tiny decay only"),
        (lambda lrs: 1 / sum(lrs), "1/e"),
        (lambda lrs: np.log(0.5) / np.sum(lrs), "sign"),
        (lambda lrs: math.log10(2) / sum(lrs), "math.log"),
        (lambda lrs: 0.693, "the exponent"),
        (lambda lrs: sum(lrs) * math.log(2), "longer runs"),
        (lambda lrs: math.exp(-0.01 * sum(lrs)), "your answer gives"),
    ],
    "check_3_3": [
        (lambda name, p, module: p.dim() >= 2, "number of axes alone"),
        (lambda name, p, module: p.dim() % 2 == 0, "even number"),
        (lambda name, p, module: p.dim() in (2, 4) and name.endswith("weight"), "too small"),  # spares Conv1d
        (lambda name, p, module: p.squeeze().ndim >= 2, "too large"),
        (lambda name, p, module: "bias" not in name and "norm" not in name, "by names alone"),
        (lambda name, p, module: not name.endswith("bias") and not isinstance(module, nn.LayerNorm), "too large"),
        (lambda name, p, module: name.split(".")[-1] == "weight", "every norm calls"),
        (lambda name, p, module: name.endswith("weight") and p.dim() > 1, "norm over pictures"),
        (lambda name, p, module: name.endswith("weight") and p.dim() > 1 and "norm" not in name, "need not be called norm"),
        (
            lambda name, p, module: name.endswith("weight") and p.dim() > 1 and "fter" not in name and "fore" not in name,
            "not yet",
        ),
        (lambda name, p, module: name.endswith("weight") and not isinstance(module, nn.LayerNorm), "slope"),
        (lambda name, p, module: p.dim() > 1 and not isinstance(module, nn.LayerNorm | nn.RMSNorm), "no layer owns them"),
        (lambda name, p, module: isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding) and p.ndim > 1, "too small"),
        (lambda name, p, module: True, "too large"),
    ],
}
