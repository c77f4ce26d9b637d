"""Typical wrong answers of lesson 04: (answer, part of the diagnosis it must get)."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional


def reader(drop_input, drop_hidden, width=64):
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.out = nn.Linear(256, width), nn.Linear(width, 10)
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            x = torch.relu(self.hidden(drop_input(self, x.flatten(1))))
            return self.out(drop_hidden(self, x))

    return Reader


WRONG = {
    "check_4_1": [
        (lambda grad_out, keep, p: grad_out * keep, "scale is missing"),
        (lambda grad_out, keep, p: grad_out / (1 - p), "mask is missing"),
        (lambda grad_out, keep, p: grad_out * (np.random.random(keep.shape) >= p) / (1 - p), "toss no new coins"),
        (lambda grad_out, keep, p: grad_out * keep / p, "divide by p"),
        (lambda grad_out, keep, p: grad_out * keep * 2, "of them wrong"),
        (lambda grad_out, keep, p: 0 * grad_out, "not where forward dropped"),
    ],
    "check_4_2": [
        (reader(lambda m, x: functional.dropout(x, 0.2), lambda m, x: m.drop(x)), "still loses values"),
        (reader(lambda m, x: functional.dropout(x, 0.2, training=False), lambda m, x: m.drop(x)), "input is not dropped"),
        (reader(lambda m, x: x, lambda m, x: m.drop(x)), "leaving the line out"),
        (reader(lambda m, x: functional.dropout(x, 0.5, m.training), lambda m, x: m.drop(x)), "rates have changed"),
        (reader(lambda m, x: functional.dropout(x, 0.2, m.training), lambda m, x: x), "hidden units are not dropped"),
        (
            reader(lambda m, x: functional.dropout(x, 0.2, m.training) * (1 if m.training else 0.8), lambda m, x: m.drop(x)),
            "still scaled",
        ),
        (reader(lambda m, x: x * (torch.rand_like(x) > 0.2) if m.training else x, lambda m, x: m.drop(x)), "not divided"),
        (
            reader(lambda m, x: x * functional.dropout(torch.ones_like(x[:1]), 0.2, m.training), lambda m, x: m.drop(x)),
            "coins of its own",
        ),
        (
            reader(lambda m, x: functional.dropout(x, 0.2, m.training), lambda m, x: m.drop(x), width=128),
            "number of hidden units",
        ),
    ],
    "check_4_3": [
        (lambda p, k: (p / (1 - p) / k**2, p / (1 - p)), "variances"),
        (lambda p, k: ((p / (1 - p)) ** 0.5 / k**2, (p / (1 - p)) ** 0.5), "root of that number"),
        (lambda p, k: ((p / (1 - p)) ** 0.5 / k,) * 2, "whole map at once"),
        (lambda p, k: ((p * (1 - p)) ** 0.5 / k, (p * (1 - p)) ** 0.5), "coin alone"),
    ],
}
