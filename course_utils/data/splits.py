"""Which rows are training, validation and test, and how inputs are scaled.

The test rows are drawn first, validation next, training rows last and from the other end: so `n_train` moves neither
validation nor test, `n_val` does not move the test rows, and more training rows contain the fewer.
"""

from collections import namedtuple

import numpy as np
import torch

Splits = namedtuple("Splits", "train val test classes")
Splits.__doc__ = "Three pairs (x, y) of tensors and the names of the classes (characters for text, () for regression)."


def split_rows(available, sizes, seed, name):
    """Disjoint row numbers of training, validation and test in a data set of `available` rows. sizes: how many of each."""
    n_train, n_val, n_test = sizes
    if sum(sizes) > available:
        asked = f"fewer than the {sum(sizes)} asked for: lower n_train, n_val or n_test"
        raise ValueError(f"{name} has {available} examples, {asked}")
    order = np.random.default_rng(seed).permutation(available)
    train, val, test = order[::-1][:n_train], order[n_test : n_test + n_val], order[:n_test]
    return [torch.from_numpy(rows.copy()) for rows in (train, val, test)]


def split_two_parts(available, available_test, sizes, seed, name):
    """Row numbers for data that come in two parts: training and validation in the first, test in the second."""
    train, val, _ = split_rows(available, (*sizes[:2], 0), seed, f"the training part of {name}")
    return [train, val, split_rows(available_test, (0, 0, sizes[2]), seed, f"the test part of {name}")[2]]


def standardized(parts):
    """Scale tensors (n, channels, ...) by the first one's mean and standard deviation, channel by channel.

    A channel that is constant in the first one is only centred. Integer codes of characters stay as they are.
    """
    first = parts[0]
    if first.dtype == torch.int64:
        return parts
    axes = (0, *range(2, first.dim()))
    std, mean = torch.std_mean(first.double(), axes, correction=0, keepdim=True)
    std[first.amin(axes, keepdim=True) == first.amax(axes, keepdim=True)] = 1
    mean, std = mean.float(), std.float()
    return [part.to(torch.float32, copy=True).sub_(mean).div_(std) for part in parts]
