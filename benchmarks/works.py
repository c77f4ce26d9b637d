"""The works of the benchmark: what is trained, on what, how often, and how many useful FLOPs that takes."""

import os
from dataclasses import dataclass

import torch

from course_utils.data import load
from course_utils.models import cnn, mlp
from course_utils.transformer import char_transformer


@dataclass
class Work:
    """`build` makes a model from the settings of a run that are not the optimizer's or the seed."""

    name: str
    build: object
    train: tuple
    val: tuple
    runs: list
    batch_size: int
    epochs: int
    flops_per_step: float  # of one run: matrix products and convolutions, forward and backward

    @property
    def steps(self):
        return len(self.train[0]) // self.batch_size * self.epochs

    @property
    def flops(self):
        return len(self.runs) * self.steps * self.flops_per_step


def make_work(name, n_runs=None, n_train=None):
    """Work A to E of benchmarks/README.md; n_runs and n_train vary its size (growth curves, work A)."""
    work = {"A": digits_mlp, "B": wide_mlp, "C": letters_cnn, "D": text_transformer, "E": textbook_mlp}[name]()
    if n_runs:
        work.runs = [work.runs[k % len(work.runs)] for k in range(n_runs)]
    if n_train:
        x, y = work.train
        index = torch.arange(n_train) % len(x)
        work.train = (x[index], y[index])
    return work


def mlp_flops(batch_size, *widths):
    products = [a * b for a, b in zip(widths, widths[1:], strict=False)]
    return batch_size * 2 * (2 * sum(products) + sum(products[1:]))  # no gradient with respect to the data


def grid(key, values, n_seeds, **settings):
    return [settings | {"lr": 1e-3, "weight_decay": 0.01, key: v, "seed": s} for v in values for s in range(n_seeds)]


def digits_mlp():
    train, val, *_ = load("digits", n_train=1000)
    runs = grid("p_drop", (0.0, 0.1, 0.25, 0.5, 0.7), 8)
    return Work("A", mlp, train, val, runs, 64, 30, mlp_flops(64, 64, 256, 256, 10))


def wide_mlp():
    runs = grid("weight_decay", (0.0, 0.01, 0.1, 1.0, 3.0), 4)
    train, val = images_of_classes(10_000), images_of_classes(2000, first_seed=1)
    return Work("B", lambda: mlp(784, (256,), 10), train, val, runs, 128, 5, mlp_flops(128, 784, 256, 10))


def letters_cnn():
    train, val, *_ = load("letters", n_train=2000, n_val=500)
    products = 32 * 32 * 27 * 16, 16 * 16 * 144 * 32, 8 * 8 * 288 * 64, 64 * 32, 32 * 10
    flops = 64 * 2 * (2 * sum(products) + sum(products[1:]))
    return Work("C", cnn, train, val, grid("p_drop", (0.0, 0.1, 0.25, 0.5, 0.7), 2), 64, 3, flops)


def text_transformer(width=64, context=64):
    splits = load("python_docs", n_train=1600, n_val=100)
    n_characters = len(splits.classes)
    products = 2 * (12 * width**2 + width * context) + width * n_characters  # per position; causal attention: half of it
    runs = grid("p_drop", (0.0, 0.1, 0.25), 2)
    flops = 16 * context * 6 * products
    return Work("D", lambda p_drop: char_transformer(n_characters, p_drop=p_drop), *splits[:2], runs, 16, 2, flops)


def textbook_mlp():
    """On MNIST's 60,000 training and 10,000 test images if `COURSE_DATA` is set, and on made-up ones of their shape if not."""
    if "COURSE_DATA" in os.environ:
        most, rest, val, _ = load("mnist", n_train=55_000, n_val=5000, n_test=10_000)
        train = tuple(torch.cat(parts) for parts in zip(most, rest, strict=True))
    else:
        train, val = images_of_classes(60_000), images_of_classes(5000, first_seed=1)
    runs = grid("p_drop", (0.5,), 1)
    flops = mlp_flops(256, 784, 256, 256, 10)
    return Work("E", lambda p_drop: mlp(784, (256, 256), 10, p_drop), train, val, runs, 256, 10, flops)


def images_of_classes(n, first_seed=0):
    """(n, 1, 28, 28) grey images of ten blurred shapes under heavy noise, and their classes: shaped like MNIST."""
    shapes = torch.randn(10, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    g = torch.Generator().manual_seed(10 + first_seed)
    y = torch.randint(10, (n,), generator=g)
    x = torch.nn.functional.interpolate(shapes, scale_factor=4, mode="bilinear")[y]
    return 0.4 * x + torch.randn(n, 1, 28, 28, generator=g), y
