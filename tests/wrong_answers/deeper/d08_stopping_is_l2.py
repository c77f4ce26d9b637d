"""Typical wrong answers of the deep dive `08_stopping_is_l2`: (answer, part of the diagnosis it must get)."""

import torch

WRONG = {
    "check_1": [
        (lambda curvature, lr, steps: (1 - lr * curvature) ** steps, "what is left"),
        (lambda curvature, lr, steps: lr * curvature * steps, "a power, not a multiple"),
        (lambda curvature, lr, steps: curvature / (curvature + 1 / (lr * steps)), "what L2 keeps"),
        (lambda curvature, lr, steps: 1 - torch.exp(-curvature * lr * steps), "infinitely small"),
        (lambda curvature, lr, steps: 1 - (1 - curvature) ** steps, "learning rate is missing"),
    ],
    "check_2": [
        (lambda start, fit, s, lr, t: fit * (1 - (1 - lr * s) ** t), "start at zero"),
        (lambda start, fit, s, lr, t: start + fit * (1 - (1 - lr * s) ** t), "must fade"),
        (lambda start, fit, s, lr, t: start + (fit - start) * (1 - lr * s) ** t, "exchanged"),
        (lambda start, fit, s, lr, t: (start - fit) * (1 - lr * s) ** t, "add the fit"),
    ],
}
