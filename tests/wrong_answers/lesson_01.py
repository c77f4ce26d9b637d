"""Typical wrong answers of lesson 01: (answer, part of the diagnosis it must get)."""

import torch
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


def _only_one_example(model, optimizer, x, y):
    optimizer.zero_grad()
    functional.cross_entropy(model(x[:1]), y[:1]).backward()
    optimizer.step()


def _ends(half):
    return lambda k, n, m: (k / n - half(k / n, n, m), k / n + half(k / n, n, m))


def _doubled_first(x, y, n_val, rng):
    again = torch.as_tensor(rng.integers(len(x), size=len(x)))
    x, y = torch.cat([x, x[again]]), torch.cat([y, y[again]])
    order = torch.as_tensor(rng.permutation(len(x)))
    return x[order[n_val:]], y[order[n_val:]], x[order[:n_val]], y[order[:n_val]]


def _drawn_from_all(x, y, n_val, rng):
    order = torch.as_tensor(rng.permutation(len(x)))
    again = torch.as_tensor(rng.integers(len(x), size=len(x) - n_val))
    train = torch.cat([order[n_val:], again])
    return x[train], y[train], x[order[:n_val]], y[order[:n_val]]


def _not_doubled(x, y, n_val, rng):
    order = torch.as_tensor(rng.permutation(len(x)))
    return x[order[n_val:]], y[order[n_val:]], x[order[:n_val]], y[order[:n_val]]


def _doubled_in_order(x, y, n_val, rng):
    order = torch.as_tensor(rng.permutation(len(x)))
    train = torch.cat([order[n_val:]] * 2)
    return x[train], y[train], x[order[:n_val]], y[order[:n_val]]


def _first_rows(x, y, n_val, rng):
    again = torch.as_tensor(rng.integers(n_val, len(x), size=len(x) - n_val))
    train = torch.cat([torch.arange(n_val, len(x)), again])
    return x[train], y[train], x[:n_val], y[:n_val]


def _only_drawn(x, y, n_val, rng):
    order = torch.as_tensor(rng.permutation(len(x)))
    rest = order[n_val:]
    train = rest[torch.as_tensor(rng.integers(len(rest), size=2 * len(rest)))]
    return x[train], y[train], x[order[:n_val]], y[order[:n_val]]


def _labels_apart(x, y, n_val, rng):
    order = torch.as_tensor(rng.permutation(len(x)))
    rest = order[n_val:]
    again = rest[torch.as_tensor(rng.integers(len(rest), size=len(rest)))]
    return x[torch.cat([rest, again])], y[torch.cat([again, rest])], x[order[:n_val]], y[order[:n_val]]


WRONG = {
    "check_1_1": [
        (_uncleared, "add up"),
        (_cleared_too_late, "stay where they are"),
        (_no_move, "stay where they are"),
        (_no_backward, "stay where they are"),
        (_by_hand_uphill, "uphill"),
        (_twice_softmax, "softmax comes twice"),
        (_only_one_example, "of them wrong"),
        (lambda model, optimizer, x: x, "raises TypeError"),
        (3, "a function is asked"),
    ],
    "check_1_2": [
        (_ends(lambda e, n, m: 1.96 * (e * (1 - e) / n) ** 0.5), "your luck only"),
        (_ends(lambda e, n, m: 1.96 * (e * (1 - e) / m) ** 0.5), "their luck only"),
        (_ends(lambda e, n, m: 1.96 * ((e * (1 - e) / n) ** 0.5 + (e * (1 - e) / m) ** 0.5)), "variances add up"),
        (_ends(lambda e, n, m: 1.96 * (e * (1 - e) / (n + m)) ** 0.5), "pool"),
        (_ends(lambda e, n, m: (e * (1 - e) * (1 / n + 1 / m)) ** 0.5), "one standard error"),
        (_ends(lambda e, n, m: 2 * (e * (1 - e) * (1 / n + 1 / m)) ** 0.5), "1.96 instead of 2"),
        (_ends(lambda e, n, m: 0.98 * (1 / n + 1 / m) ** 0.5), "of them wrong"),
        (lambda k, n, m: 1.96 * (k / n * (1 - k / n) * (1 / n + 1 / m)) ** 0.5, "where 2 numbers"),
    ],
    "check_1_3": [
        (_doubled_first, "split first, then draw again"),
        (_drawn_from_all, "split first, then draw again"),
        (_not_doubled, "twice as many rows"),
        (_doubled_in_order, "each once"),
        (_first_rows, "always the same"),
        (_only_drawn, "lost some"),
        (_labels_apart, "come apart"),
        (lambda x, y, n_val, rng: (x[n_val:], x[:n_val]), "return four things"),
    ],
}
