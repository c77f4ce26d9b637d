"""Typical wrong answers of the deep dive `07_scale_invariance`: (answer, part of the diagnosis it must get)."""

import torch


def left(lrs, weight_decay):
    after = torch.cumprod(1 - lrs * weight_decay, 0)
    return after / (1 - lrs * weight_decay), after


WRONG = {
    "check_1": [
        (lambda lrs, weight_decay: lrs / left(lrs, weight_decay)[1], "P after the step only"),
        (lambda lrs, weight_decay: lrs / left(lrs, weight_decay)[0], "P before the step only"),
        (lambda lrs, weight_decay: lrs / left(lrs, weight_decay)[1] ** 2, "taken before it"),
        (lambda lrs, weight_decay: lrs * left(lrs, weight_decay)[0] * left(lrs, weight_decay)[1], "your rates shrink"),
        (lambda lrs, weight_decay: lrs / (1 - lrs * weight_decay), "only the last factor"),
        (lambda lrs, weight_decay: lrs * torch.exp(2 * weight_decay * lrs.cumsum(0) - weight_decay * lrs), "small ηλ only"),
        (lambda lrs, weight_decay: lrs, "your answer gives"),
    ],
}
