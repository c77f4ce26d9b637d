"""Typical wrong answers of lesson 10: (answer, part of the diagnosis it must get)."""

import random

import numpy as np

DRAW = {
    "augment": lambda rng: rng.uniform(0.2, 1.2),
    "p_drop": lambda rng: rng.uniform(0.1, 0.6),
    "label_smoothing": lambda rng: rng.uniform(0.05, 0.4),
    "weight_decay": lambda rng: 10 ** rng.uniform(-1, 1),
}


def proposer(p_on=0.5, one_coin=False, **draw):
    def propose(rng):
        coins = np.full(4, rng.random() < p_on) if one_coin else rng.random(4) < p_on
        return {name: f(rng) * float(coin) for (name, f), coin in zip((DRAW | draw).items(), coins, strict=True)}

    return propose


def fixed(rng):
    return {"augment": 0.5, "p_drop": 0.2, "label_smoothing": 0.1, "weight_decay": 1.0}


def from_elsewhere(rng):
    return {name: f(random) if random.random() < 0.5 else 0.0 for name, f in DRAW.items()}


def paired_error(right):
    return (right[right.mean(1).argmax()] - right).std(1, ddof=1) / right.shape[1] ** 0.5


def simplest(ties, mean, n_used):
    return min(np.flatnonzero(ties), key=lambda s: (n_used[s], -mean[s]))


def unpaired(right, n_used):
    mean, variance = right.mean(1), right.var(1, ddof=1)
    error = np.sqrt((variance + variance[mean.argmax()]) / right.shape[1])
    return simplest(mean.max() - mean <= error, mean, n_used)


def by_error_of_best(right, n_used):
    mean = right.mean(1)
    return simplest(mean.max() - mean <= right[mean.argmax()].std(ddof=1) / right.shape[1] ** 0.5, mean, n_used)


def without_root(right, n_used):
    mean = right.mean(1)
    return simplest(mean.max() - mean <= paired_error(right) * right.shape[1] ** 0.5, mean, n_used)


def two_errors(right, n_used):
    mean = right.mean(1)
    return simplest(mean.max() - mean <= 2 * paired_error(right), mean, n_used)


WRONG = {
    "check_10_1": [
        (proposer(weight_decay=lambda rng: rng.uniform(0.1, 10)), "is uniform"),
        (proposer(p_on=1.0), "ever off"),
        (proposer(one_coin=True), "a coin of its own"),
        (proposer(p_on=0.25), "probability 1/2"),
        (proposer(weight_decay=lambda rng: np.exp(rng.uniform(-1, 1))), "not log-uniform"),
        (proposer(weight_decay=lambda rng: 10 ** rng.uniform(0, 1)), "is uniform"),
        (proposer(p_drop=lambda rng: 0.1 * 6 ** rng.uniform(0, 1)), "only weight_decay"),
        (proposer(augment=lambda rng: rng.uniform(0, 1)), "outside its range"),
        (fixed, "every proposal is the same"),
        (from_elsewhere, "draw from rng alone"),
        (lambda rng: rng.uniform(size=4), "it must be a dict"),
    ],
    "check_10_2": [
        (lambda right, n_used: right.mean(1).argmax(), "highest mean"),
        (lambda right, n_used: min(range(len(right)), key=lambda s: (n_used[s], -right[s].mean())), "simplest of all"),
        (unpaired, "pictures of its own"),
        (by_error_of_best, "that of the best's mean"),
        (without_root, "root of the number of pictures"),
        (two_errors, "not two"),
        (lambda right, n_used: 0, "your answer gives"),
    ],
    "check_10_3": [
        (lambda a, b, d, n: (a - b) / ((a * (1 - a) + b * (1 - b)) / n) ** 0.5, "different images"),
        (lambda a, b, d, n: (a - b) / (d / n) ** 0.5, "square of the mean"),
        (lambda a, b, d, n: (a - b) / (d * (1 - d) / n) ** 0.5, "+1, -1 or 0"),
        (lambda a, b, d, n: (a - b) / (d - (a - b) ** 2) ** 0.5, "the mean of n"),
        (lambda a, b, d, n: (b - a) / ((d - (a - b) ** 2) / n) ** 0.5, "turned round"),
        (lambda a, b, d, n: ((d - (a - b) ** 2) / n) ** 0.5, "that is the standard error"),
    ],
}
