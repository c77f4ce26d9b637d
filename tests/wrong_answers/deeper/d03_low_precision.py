"""Typical wrong answers of the deep dive `03_low_precision`: (answer, part of the diagnosis it must get)."""

import torch

WRONG = {
    "check_1": [
        (lambda n: (2.0 ** -(n + 1), 2.0 ** -(n + 2)), "the other way around"),
        (lambda n: (2.0 ** -(n + 1), 2.0**-n), "whole distances"),
        (lambda n: (2.0 ** -(n + 1), 2.0 ** -(n + 1)), "twice as far"),
        (lambda n: 2.0 ** -(n + 2), "not yet"),
    ],
    "check_2": [
        (lambda w, distance: torch.round(w / distance) * distance, "nothing is random, or one coin"),
        (
            lambda w, distance: torch.floor(w / distance + torch.rand(1, dtype=w.dtype)) * distance,
            "nothing is random, or one coin",
        ),
        (
            lambda w, distance: torch.floor(w / distance + torch.rand(len(w), *[1] * (w.dim() - 1), dtype=w.dtype)) * distance,
            "one coin decides",
        ),
        (lambda w, distance: torch.floor(w / distance + (torch.rand_like(w) < 0.5)) * distance, "not right on average"),
        (lambda w, distance: torch.floor(w / distance) + (torch.rand_like(w) < w / distance % 1), "multiple of its distance"),
        (lambda w, distance: torch.round(w / distance + torch.randn_like(w)) * distance, "further than"),
        (lambda w, distance: torch.trunc(w / distance + torch.rand_like(w)) * distance, "numbers below zero"),
        (lambda w, distance: w + distance * (torch.rand_like(w) - 0.5), "multiple of its distance"),
    ],
}
