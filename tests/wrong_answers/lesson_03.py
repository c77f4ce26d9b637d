"""Typical wrong answers of lesson 03: (answer, part of the diagnosis it must get)."""

import math

from torch import nn


def no_names(model):
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    rest = {n for n in named if "bias" in n or "LayerNorm.weight" in n}
    return set(named) - rest, rest


def no_layer_norm(model):
    named = {n for n, p in model.named_parameters() if p.requires_grad}
    norms = {f"{n}.{k}" for n, m in model.named_modules() if isinstance(m, nn.LayerNorm) for k in ("weight", "bias")}
    rest = {n for n in named if n in norms or n.endswith("bias")}
    return named - rest, rest


def by_lucky_names(model):
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    rest = {n for n, p in named.items() if "bias" in n or "norm" in n or p.dim() < 2}
    return set(named) - rest, rest


def with_frozen(model):
    named = dict(model.named_parameters())
    return {n for n, p in named.items() if p.dim() >= 2}, {n for n, p in named.items() if p.dim() < 2}


def linear_only(model):
    decay = {f"{n}.weight" for n, m in model.named_modules() if isinstance(m, nn.Linear) and m.weight.requires_grad}
    return decay, {n for n, p in model.named_parameters() if p.requires_grad and p.dim() < 2}


def matrices_only(model):
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    return {n for n, p in named.items() if p.dim() == 2}, {n for n, p in named.items() if p.dim() != 2}


def swapped(model):
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    return {n for n, p in named.items() if p.dim() < 2}, {n for n, p in named.items() if p.dim() >= 2}


def optimizer_groups(model):
    return [{"params": list(model.parameters()), "weight_decay": 0.1}, {"params": [], "weight_decay": 0.0}]


WRONG = {
    "check_3_1": [
        (lambda w, g, d, lr, wd: w - lr * d(g + wd * w), "Adam + L2"),
        (lambda w, g, d, lr, wd: (1 - wd) * w - lr * d(g), "not multiplied by the learning rate"),
        (lambda w, g, d, lr, wd: (1 - lr * wd) * (w - lr * d(g)), "after the step"),
        (lambda w, g, d, lr, wd: w - lr * d(g), "did not decay"),
        (lambda w, g, d, lr, wd: (1 + lr * wd) * w - lr * d(g), "grow"),
        (lambda w, g, d, lr, wd: (1 - 2 * lr * wd) * w - lr * d(g), "twice too strong"),
        (lambda w, g, d, lr, wd: (1 - lr * wd) * w - lr * g, "the gradient itself"),
        (lambda w, g, d, lr, wd: (1 - lr * wd) * w + lr * d(g), "uphill"),
        (lambda w, g, d, lr, wd: (1 - lr * wd) * w - d(g), "direction is not multiplied"),
        (lambda w, g, d, lr, wd: (1 - lr * wd) * w, "only decays"),
        (lambda w, g, d, lr, wd: w - lr * d(g + lr * wd * w), "lr·λ·w went into the gradient"),
        (lambda w, g, d, lr, wd: None, "returned None"),
    ],
    "check_3_2": [
        (lambda h, w, s: (max(-1 / s, min(1 / s, w)), h * w / (h + s)), "swapped"),
        (lambda h, w, s: (h * w / (h + s), h * w / (h + s)), "does not end at the ridge"),
        (lambda h, w, s: (h * w / (h + s), w), "forgot the box"),
        (lambda h, w, s: (h * w / (h + s), min(w, 1 / s)), "two sides"),
        (lambda h, w, s: (h * w / (h + s), max(-s, min(s, w))), "not at λ"),
        (lambda h, w, s: (w / (1 + s), w), "curvature is missing"),
        (lambda h, w, s: (h * w / (h + 2 * s), w), "h + λ"),
        (lambda h, w, s: (w, w), "own minimum"),
        (lambda h, w, s: (s * w / (h + s), w), "rests where"),
        (lambda h, w, s: (h * w / (h + s), math.copysign(1 / s, w)), "inside the box is reached"),
        (lambda h, w, s: (h * w / (h + s), w if abs(w) < 1 / s else 1 / s), "two sides"),
        (lambda h, w, s: h * w / (h + s), "two numbers"),
    ],
    "check_3_3": [
        (lambda lrs, wd: 1 - math.prod(1 - lr * wd for lr in lrs), "what has decayed"),
        (lambda lrs, wd: 1 - lrs[0] * wd, "one step"),
        (lambda lrs, wd: (1 - max(lrs) * wd) ** len(lrs), "schedule multiplies"),
        (lambda lrs, wd: (1 - wd) ** len(lrs), "learning rate of each step"),
        (lambda lrs, wd: sum(lrs) * wd, "exponent"),
        (lambda lrs, wd: 1 - sum(lrs) * wd, "tiny decay only"),
        (lambda lrs, wd: math.exp(-wd * len(lrs)), "learning rate of each step"),
        (lambda lrs, wd: sum(1 - lr * wd for lr in lrs), "the steps multiply"),
        (lambda lrs, wd: [1 - lr * wd for lr in lrs], "factors of the steps"),
    ],
    "check_3_4": [
        (lambda lr, n, batch, epochs: 1 / (epochs * (n // batch)), "learning rate is missing"),
        (lambda lr, n, batch, epochs: 1 / (lr * epochs), "counts epochs as steps"),
        (lambda lr, n, batch, epochs: 1 / (lr * epochs * n), "counts examples as steps"),
        (lambda lr, n, batch, epochs: lr * epochs * (n // batch), "reciprocal"),
        (lambda lr, n, batch, epochs: batch / (lr * epochs * n), "incomplete batch"),
        (lambda lr, n, batch, epochs: 1 / (lr * (n // batch)), "memory of one epoch"),
        (lambda lr, n, batch, epochs: epochs / (lr * (n // batch)), "below the line"),
        (lambda lr, n, batch, epochs: epochs * (n // batch), "τ in steps"),
    ],
    "check_3_5": [
        (lambda n: 2.0**-n, "distance of two numbers"),
        (lambda n: 2.0 ** -(n + 1), "just below 2"),
        (lambda n: 2.0 ** -(n + 3), "not a quarter"),
        (lambda n: 2.0 ** -(n + 1) / (2 - 2.0**-n), "w = 1 moves a little earlier"),
        (lambda n: 2**-n // 4, "no decay"),
        (lambda n: 2.0**-9, "depends on the format"),
        (lambda n: 0.01 / n, "moves"),
    ],
    "check_3_6": [
        (no_names, "vectors that decay"),
        (no_layer_norm, "vectors that decay: bn.weight, rms.weight, temperature"),
        (by_lucky_names, "weight matrices or kernels that do not decay: bias_net.weight, norm_out.weight"),
        (with_frozen, "not trainable"),
        (linear_only, "in no group"),
        (matrices_only, "kernels that do not decay: conv.weight"),
        (swapped, "swapped"),
        (optimizer_groups, "optimizer's parameter groups"),
        (lambda model: list(model.parameters()), "two collections"),
        (lambda model: (list(model.parameters()), []), "names (strings)"),
    ],
}
