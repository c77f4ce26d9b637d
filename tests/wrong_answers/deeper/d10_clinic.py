"""Typical wrong answers of the deep dive `10_clinic`: (answer, part of the diagnosis it must get)."""

import numpy as np
import torch


def _rules(**changed):
    """A right `diagnose`, with some rules replaced (None: without it)."""
    rules = {
        "again": lambda s: s["again"] > 0.1,
        "company": lambda s: s["company"] > 0.1,
        "pictures": lambda s: s["pictures"] > 0.5,
        "spread": lambda s: s["spread"] < 0.8,
        "neighbours": lambda s: s["neighbours"] < 0.25,
        "sums": lambda s: s["sums"] < 1e-3,
        "zeros": lambda s: s["zeros"] > 0.05,
        "moved": lambda s: s["moved"] < 0.2,
        "size": lambda s: s["size"] < 0.95,
    } | changed
    names = ("dropout on", "batchnorm on", "augmented", "scale", "shuffled", "softmax", "output", "lr", "adam")

    def diagnose(signs):
        found = (name for name, rule in zip(names, rules.values(), strict=True) if rule and rule(signs))
        return next(found, "healthy")

    return diagnose


def _distances(train, val):
    return torch.cdist(val.flatten(1), train.flatten(1))


WRONG = {
    "check_1": [
        (lambda signs: "sick", "no name of the table"),
        (lambda signs: "healthy", "two answers"),
        (_rules(again=None), "two answers"),
        (_rules(company=None), "in other company"),
        (_rules(pictures=None), "fetched twice"),
        (_rules(spread=None), "compare spreads"),
        (_rules(neighbours=None), "by chance only"),
        (_rules(sums=lambda s: s["sums"] == 1), "add up to"),
        (_rules(zeros=None), "behind the last layer"),
        (_rules(moved=None), "hardly took a step"),
        (_rules(size=None), "crushing penalty"),
        (_rules(size=lambda s: s["size"] < 3), "called ill"),
        (_rules(moved=lambda s: s["sums"] < 1.5), "hardly took a step"),
        (_rules(moved=lambda s: abs(s["size"] - 1) < 0.04), "called ill"),
        (_rules(pictures=lambda s: 0.8 < s["spread"] < 0.95), "fetched twice"),
        (lambda signs: 3, "no name of the table"),
    ],
    "check_2": [
        (lambda train, val, near: (_distances(train, val).amin(0) < near).float().mean(), "*validation*"),
        (lambda train, val, near: np.mean((_distances(train, val) < near).numpy()), "all pairs"),
        (lambda train, val, near: (val[:, None] == train[None]).flatten(2).all(2).any(1).float().mean(), "not equal"),
        (lambda train, val, near: (_distances(train, val) ** 2).amin(1).lt(near).float().mean(), "take the root"),
        (lambda train, val, near: (_distances(train, val).amin(1) < near).sum().item(), "divide by all"),
        (lambda train, val, near: (_distances(train, val) < near).sum() / len(val), "counts twice"),
        (lambda train, val, near: _distances(train, val).amin(1).mean(), "the mean distance"),
    ],
}
