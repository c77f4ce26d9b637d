"""Checks of the exercises of the deep dive `06_paths`."""

import numpy as np

from course_utils.checks import diagnose


def _referee(X, y, w, λ):
    g = X.T @ (y - X @ w) / len(X)
    return np.where(w == 0, np.maximum(np.abs(g) - λ, 0), np.abs(g - λ * np.sign(w))).max()


def _case(rng, n, p, λ, n_zeros):
    """A table, scores and weights, `n_zeros` of them zero, all of them out of balance."""
    X, w = rng.normal(size=(n, p)), rng.normal(size=p)
    w[:n_zeros] = 0
    return X, 3 * rng.normal(size=n), w, λ


def check_1(imbalance=None):
    """Diagnose imbalance(X, y, w, λ): how far the worst-balanced weight of a Lasso is out of balance."""
    rng = np.random.default_rng()
    cases = [
        _case(rng, n, p, λ, k)
        for n, p, λ, k in ((9, 4, 8.0, 0), (10, 5, 0.1, 0), (12, 5, 0.2, 5), (15, 6, float(rng.uniform(0.5, 2)), 3))
    ]
    settled = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    cases += [(settled, 4 * settled @ np.array([0.6, 0.1]), np.array([1.4, 0.0]), 0.5)]  # the minimum itself: 0
    cases += [(settled, 4 * settled @ np.array([0.6, 3.0]), np.array([1.4, 0.0]), 0.5)]  # a weight at zero is the worst

    def parts(X, y, w, λ):
        g = X.T @ (y - X @ w) / len(X)
        return g, np.abs(g - λ * np.sign(w)), np.maximum(np.abs(g) - λ, 0), w == 0

    def of(combine):
        return lambda X, y, w, λ: combine(*parts(X, y, w, λ), λ)

    mistakes = {
        "every weight is allowed a pull up to λ; one that is not zero must be pulled with exactly λ, in its own direction":
            of(lambda g, moving, at_zero, zero, λ: at_zero.max()),
        "a weight at zero need not be pulled with 0: the kink swallows up to λ":
            of(lambda g, moving, at_zero, zero, λ: moving.max()),
        "the size alone is not enough: the data must pull a weight away from zero, so compare g with λ sign(w)":
            of(lambda g, moving, at_zero, zero, λ: np.where(zero, at_zero, np.abs(np.abs(g) - λ)).max()),
        "the sign is turned round: g is the negative slope, and in balance it equals + λ sign(w)":
            lambda X, y, w, λ: np.where(w == 0, np.maximum(np.abs(parts(X, y, w, λ)[0]) - λ, 0),
                                        np.abs(parts(X, y, w, λ)[0] + λ * np.sign(w))).max(),
        "you forgot to divide the pull by n": lambda X, y, w, λ: _referee(X, y, w, λ / len(X)) * len(X),
        "that is the sum over the weights; asked is the worst one":
            of(lambda g, moving, at_zero, zero, λ: np.where(zero, at_zero, moving).sum()),
        "these are all weights; asked is the worst one, a number":
            of(lambda g, moving, at_zero, zero, λ: np.where(zero, at_zero, moving)),
        "you look at the weights that are not zero only": of(lambda g, moving, at_zero, zero, λ: np.where(zero, 0, moving).max()),
        "you look at the weights at zero only": of(lambda g, moving, at_zero, zero, λ: np.where(zero, at_zero, 0).max()),
        "that is the data's pull alone; L1 pulls as well": of(lambda g, moving, at_zero, zero, λ: np.abs(g).max()),
        "a weight at zero that the data pull with less than λ is in balance: no negative numbers, no distance from λ":
            of(lambda g, moving, at_zero, zero, λ: np.where(zero, np.abs(np.abs(g) - λ), moving).max()),
    }  # fmt: skip
    return diagnose(
        imbalance,
        cases,
        lambda X, y, w, λ: _referee(X, y, w, λ),
        mistakes,
        passed="0 at the minimum and only there; and it never asks which algorithm went there.",
    )


def check_2(leaves_at=None):
    """Diagnose leaves_at(b, rho): the λ from which a weight b is zero beside a large positive one, correlated by rho."""
    rng = np.random.default_rng()
    cases = [(-1.0, 0.9), (1.0, 0.8), *((float(s * rng.uniform(0.3, 3)), float(rng.uniform(0.2, 0.7))) for s in (-1, 1))]
    mistakes = {
        "that is where it leaves without correlation": lambda b, rho: abs(b),
        "that would be right if b were negative whatever its sign: for b > 0 the shrunken first weight pulls the second up":
            lambda b, rho: abs(b) * (1 - rho),
        "that would be right if b were positive whatever its sign: with b < 0 the two work against each other":
            lambda b, rho: abs(b) * (1 + rho),
        "the two signs are swapped: twins of one sign hold each other up": lambda b, rho: abs(b) - rho * b,
        "you forgot that the first weight is shrunken by λ, and pulls at the second with ρλ":
            lambda b, rho: abs(b) * (1 - rho**2),
        "for negative b the strength would be negative: ask when the pull is -λ": lambda b, rho: b * (1 + rho),
    }  # fmt: skip
    return diagnose(
        leaves_at,
        cases,
        lambda b, rho: abs(b) + rho * b,
        mistakes,
        passed="|b| + ρb: a twin of the other sign makes it leave early, one of the same sign late.",
    )
