"""Typical wrong answers of lesson 01: (answer, part of the diagnosis it must get)."""

import numpy as np
import torch
from scipy import stats
from torch.nn import functional


def _uncleared(model, optimizer, x, y):
    functional.cross_entropy(model(x), y).backward()
    optimizer.step()


def _cleared_too_late(model, optimizer, x, y):
    functional.cross_entropy(model(x), y).backward()
    optimizer.zero_grad()
    optimizer.step()


def _no_move(model, optimizer, x, y):
    optimizer.zero_grad()
    functional.cross_entropy(model(x), y).backward()


def _no_backward(model, optimizer, x, y):
    optimizer.zero_grad()
    functional.cross_entropy(model(x), y)
    optimizer.step()


def _by_hand_uphill(model, optimizer, x, y):
    optimizer.zero_grad()
    (-functional.cross_entropy(model(x), y)).backward()
    optimizer.step()


def _twice_softmax(model, optimizer, x, y):
    optimizer.zero_grad()
    functional.cross_entropy(torch.softmax(model(x), -1), y).backward()
    optimizer.step()


def _smoothed(model, optimizer, x, y):
    optimizer.zero_grad()
    functional.cross_entropy(model(x), y, label_smoothing=0.1).backward()
    optimizer.step()


def _only_one_example(model, optimizer, x, y):
    optimizer.zero_grad()
    functional.cross_entropy(model(x[:1]), y[:1]).backward()
    optimizer.step()


def _ends(half):
    return lambda k, n, m: (k / n - half(k / n, n, m), k / n + half(k / n, n, m))


def _exact(n_wrong, n, m):
    low, high = stats.betabinom(m, n_wrong + 1, n - n_wrong + 1).interval(0.95)
    return low / m, high / m


def _round(pick, customer):
    """An answer to 1.3 with another pick or another customer."""

    def best_of(promise, n_networks, e, n, m, rng):
        count = pick(rng.binomial(n, e, size=n_networks))
        return *promise(count, n, m), customer(n_networks, count, e, n, m, rng)

    return best_of


def _new_digits(n_networks, count, e, n, m, rng):
    return rng.binomial(m, e) / m


def _share_promised(promise, n_networks, e, n, m, rng):
    share = rng.binomial(n, e, size=n_networks).min() / n
    return *promise(share, n, m), rng.binomial(m, e) / m


def _own_luck_only(promise, n_networks, e, n, m, rng):
    count = rng.binomial(n, e, size=n_networks).min()
    half = 1.96 * (count / n * (1 - count / n) / n) ** 0.5
    return count / n - half, count / n + half, rng.binomial(m, e) / m


def _whether_kept(promise, n_networks, e, n, m, rng):
    low, high, measured = _round(np.min, _new_digits)(promise, n_networks, e, n, m, rng)
    return low <= measured <= high


def _own_optimizer(model, optimizer, x, y):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    optimizer.zero_grad()
    functional.cross_entropy(model(x), y).backward()
    optimizer.step()


WRONG = {
    "check_1_1": [
        (_uncleared, "add up"),
        (_cleared_too_late, "stay where they are"),
        (_no_move, "stay where they are"),
        (_no_backward, "stay where they are"),
        (_by_hand_uphill, "uphill"),
        (_twice_softmax, "softmax comes twice"),
        (_only_one_example, "of them wrong"),
        (_smoothed, "smooths the labels"),
        (_own_optimizer, "of them wrong"),
        (lambda model, optimizer, x: x, "raises TypeError"),
        (3, "a function is asked"),
    ],
    "check_1_2": [
        (_ends(lambda e, n, m: 1.96 * (e * (1 - e) / n) ** 0.5), "your luck only"),
        (_ends(lambda e, n, m: 1.96 * (e * (1 - e) / m) ** 0.5), "their luck only"),
        (_ends(lambda e, n, m: 1.96 * ((e * (1 - e) / n) ** 0.5 + (e * (1 - e) / m) ** 0.5)), "variances add up"),
        (_ends(lambda e, n, m: 1.96 * (e * (1 - e) / (n + m)) ** 0.5), "pool"),
        (_ends(lambda e, n, m: (e * (1 - e) * (1 / n + 1 / m)) ** 0.5), "one standard error"),
        (_ends(lambda e, n, m: 1.96 * (2 * e * (1 - e) / n) ** 0.5), "they measure on m"),
        (_exact, "exact predictive interval"),
        (_ends(lambda e, n, m: 2 * (e * (1 - e) * (1 / n + 1 / m)) ** 0.5), "1.96 instead of 2"),
        (_ends(lambda e, n, m: 0.98 * (1 / n + 1 / m) ** 0.5), "of them wrong"),
        (lambda k, n, m: 1.96 * (k / n * (1 - k / n) * (1 / n + 1 / m)) ** 0.5, "where 2 numbers"),
    ],
    "check_1_3": [
        (_round(lambda counts: counts[0], _new_digits), "any of the networks"),
        (_round(np.max, _new_digits), "the most mistakes"),
        (_round(np.min, lambda k, count, e, n, m, rng: count / n), "your own result"),
        (_round(np.min, lambda k, count, e, n, m, rng: rng.binomial(m, e)), "divide their mistakes by m"),
        (_round(np.min, lambda k, count, e, n, m, rng: rng.binomial(m, e, size=k).min() / m), "lucky, too"),
        (_round(np.min, lambda k, count, e, n, m, rng: rng.binomial(m, count / n) / m), "lucky, too"),
        (_round(np.min, lambda k, count, e, n, m, rng: e), "every round is the same"),
        (_round(np.min, lambda k, count, e, n, m, rng: rng.binomial(n, e) / n), "they count on m digits"),
        (_share_promised, "not their share"),
        (_own_luck_only, "not those of the promise"),
        (_whether_kept, "three numbers"),
    ],
}
