"""Checks of the exercises of lesson 10."""

from collections.abc import Mapping

import numpy as np

from course_utils.checks import diagnose

NAMES = ("augment", "p_drop", "label_smoothing", "weight_decay")
LOW, HIGH = np.array([0.2, 0.1, 0.05, 0.1]), np.array([1.2, 0.6, 0.4, 10])
N_DRAWS = 1500


def check_10_1(propose=None):
    """Diagnose propose(rng): each of four regularizers on with probability 1/2, one of the strengths log-uniform."""
    properties = {
        "it must be a dict with the four names of `default`, and numbers as values":
            lambda draws, seed: isinstance(draws, np.ndarray) and np.isfinite(draws).all(),
        "every proposal is the same: draw anew from rng in every call": lambda draws, seed: (draws[0] != draws[0, 0]).any(),
        "with the same rng it must propose the same, so that a search can be repeated: draw from rng alone":
            lambda draws, seed: (draws[0] == draws[1]).all(),
        "no regularizer is ever off: toss a coin for each, and give 0 where it is off": lambda draws, seed: (draws[0] == 0).any(),
        "the coins depend on each other: each of the four needs a coin of its own":
            lambda draws, seed: (np.abs(np.corrcoef(draws[0].T > 0) - np.eye(4)) < 0.2).all(),
        "each regularizer must be on with probability 1/2":
            lambda draws, seed: np.allclose((draws[0] > 0).mean(0), 0.5, atol=0.08),
        "a strength is outside its range": lambda draws, seed: ((draws[0] == 0) | _in_range(draws[0])).all(),
        "your weight decay is uniform: hardly a draw is below 1. Log-uniform means that its logarithm is uniform":
            lambda draws, seed: (_strengths(draws[0], 3) < 1).mean() > 0.2,
        "your weight decay is not log-uniform: half of its draws must be below 1, a quarter below 10 ** -0.5":
            lambda draws, seed: _distance(np.log10(_strengths(draws[0], 3)), -1, 1) < 0.09,
        "only weight_decay is log-uniform; the other strengths are uniform between their ends":
            lambda draws, seed: all(_distance(_strengths(draws[0], k), LOW[k], HIGH[k]) < 0.09 for k in range(3)),
    }  # fmt: skip
    return diagnose(
        propose,
        [tuple(np.random.default_rng().integers(10**6, size=1).tolist()) for _ in range(2)],
        None,
        {},
        passed="half of your decays are below 1, and every setting tries new values of all that is on.",
        properties=properties,
        call=_draws,
    )


def check_10_2(choose=None):
    """Diagnose choose(right, n_used): the simplest setting within one standard error of the best, paired by picture."""
    mistakes = {
        "that is the setting with the highest mean; the rule takes the simplest of all that tie with it": _rule(simple=False),
        "that is the simplest of all: first find out which of them tie with the best": _rule(width=np.inf),
        "you compare errors as if every setting had read pictures of its own: take the std of the differences d": _rule(_apart),
        "your error is that of the best's mean; the pictures are the same for all, so take the error of the difference":
            _rule(lambda right, best: np.full(len(right), right[best].std(ddof=1) / right.shape[1] ** 0.5)),
        "your standard error is the standard deviation of d: divide it by the root of the number of pictures":
            _rule(lambda right, best: _paired(right, best) * right.shape[1] ** 0.5),
        "one standard error is asked, not two": _rule(width=2),
        "of equally simple ties you take the first (or the worst): take the one with the higher mean": _rule(by_mean=False),
        "of the ties you take the one with the most regularizers": _rule(sign=-1),
        "that is the number of regularizers of the chosen setting; its index is asked":
            lambda right, n_used: n_used[_rule()(right, n_used)],
        "that is an index among the ties; `np.flatnonzero` of the ties gives their indices among all settings": _place_among_ties,
    }  # fmt: skip
    return diagnose(
        choose,
        _searches(list(mistakes.values())),
        _rule(),
        mistakes,
        passed="what cannot be told from the best is as good, and the simplest of it is yours.",
    )


def check_10_3(z=None):
    """Diagnose z(a, b, d, n): the paired difference of two accuracies in standard errors."""
    rng = np.random.default_rng()
    cases = [(0.801, 0.793, 0.1, 10_000), (0.6, 0.5, 0.3, 200)]
    cases += [(*(rng.uniform(0.5, 0.8) + np.array([0, rng.uniform(0.02, 0.1)])).tolist(), rng.uniform(0.2, 0.4), 500)]
    mistakes = {
        "that is for two networks that read different images: there, not d but a (1 - a) + b (1 - b) is in the root":
            lambda a, b, d, n: (a - b) / np.sqrt((a * (1 - a) + b * (1 - b)) / n),
        "the variance is the mean of the square minus the square of the mean, (a - b)²: the second is missing":
            lambda a, b, d, n: (a - b) / np.sqrt(d / n),
        "your variance adds the square of the mean: subtract it": lambda a, b, d, n: (a - b) / np.sqrt((d + (a - b) ** 2) / n),
        "your variance is d (1 - d), that of disagreeing or not; the difference is +1, -1 or 0":
            lambda a, b, d, n: (a - b) / np.sqrt(d * (1 - d) / n),
        "you divide by the variance of the mean: take its root": lambda a, b, d, n: (a - b) / ((d - (a - b) ** 2) / n),
        "you divide by the standard deviation of one image's difference; the mean of n has 1/√n of it":
            lambda a, b, d, n: (a - b) / np.sqrt(d - (a - b) ** 2),
        "the sign is turned round: positive means that a is larger": lambda a, b, d, n: -_right_z(a, b, d, n),
        "keep the sign: negative means that a is smaller": lambda a, b, d, n: abs(_right_z(a, b, d, n)),
        "that is the standard error; asked is how many of them lie between a and b":
            lambda a, b, d, n: np.sqrt((d - (a - b) ** 2) / n),
    }  # fmt: skip
    return diagnose(
        z,
        cases,
        _right_z,
        mistakes,
        passed="only images on which they disagree count; and a table that does not print d leaves the question open.",
    )


def _right_z(a, b, d, n):
    return (a - b) / np.sqrt((d - (a - b) ** 2) / n)


def _draws(propose, seed):
    """Two equal series of proposals, (2, N_DRAWS, 4); the first proposal that is no dict of the four names, in words."""
    both = []
    for _ in range(2):
        rng = np.random.default_rng(seed)
        proposals = [propose(rng) for _ in range(N_DRAWS)]
        for proposal in proposals:
            if proposal is None:
                return None
            if not isinstance(proposal, Mapping) or set(proposal) != set(NAMES):
                return f"no dict of the four names: {proposal!r:.80}"
        both.append([[float(proposal[name]) for name in NAMES] for proposal in proposals])
    return np.array(both)


def _in_range(draws):
    return (draws >= LOW * 0.999) & (draws <= HIGH * 1.001)


def _strengths(draws, column):
    """The strengths of one regularizer where it is on, sorted."""
    return np.sort(draws[draws[:, column] > 0, column])


def _distance(values, low, high):
    """The largest distance of the values' distribution from the uniform one (Kolmogorov and Smirnov's)."""
    return np.abs((np.arange(len(values)) + 0.5) / len(values) - (values - low) / (high - low)).max()


def _paired(right, best):
    return (right[best] - right).std(1, ddof=1) / right.shape[1] ** 0.5


def _apart(right, best):
    return np.sqrt((right.var(1, ddof=1) + right[best].var(ddof=1)) / right.shape[1])


def _rule(error=_paired, width=1.0, simple=True, by_mean=True, sign=1):
    """The rule, or one of its variants: another error, so many errors, without preferring the simple."""

    def choose(right, n_used):
        mean = right.mean(1)
        best = mean.argmax()
        scale = error(right, best)
        ties = [s for s in range(len(mean)) if np.isinf(width) or mean[best] - mean[s] <= width * scale[s]]
        if not simple:
            return int(best)
        return int(min(ties, key=lambda s: (sign * n_used[s], -mean[s] if by_mean else mean[s])))

    return choose


def _place_among_ties(right, n_used):
    mean = right.mean(1)
    ties = np.flatnonzero(mean.max() - mean <= _paired(right, mean.argmax()))
    return int(list(ties).index(_rule()(right, n_used)))


def _searches(variants):
    """Searches that tell the rule and all its variants from each other, and in which the rule does not always choose the same."""
    rng, searches, alike = np.random.default_rng(), [], [[_rule(), *variants]]
    while alike or len({_rule()(*search) for search in searches}) < 2:
        search = _search(rng, has_hopeless=rng.random() < 0.3)
        groups = [_by_result(rules, search) for rules in alike]
        if len(searches) < 3 or any(len(parts) > 1 for parts in groups):
            searches.append(search)
            alike = [part for parts in groups for part in parts if len(part) > 1]
    return searches


def _by_result(rules, search):
    """The rules in lists, a list for each setting that some of them choose."""
    results = [int(rule(*search)) for rule in rules]
    return [[rule for rule, result in zip(rules, results, strict=True) if result == value] for value in set(results)]


def _search(rng, has_hopeless):
    """A search of eight settings, on pictures that are easy or hard for all of them, in which no tie is a close call; one of them
    may be simple and hopeless."""
    while True:
        n = int(rng.integers(150, 400))
        ease = rng.normal(0.8, 1.2, n)
        skill = rng.normal(0, rng.uniform(0.05, 0.3), 8)
        n_used = rng.integers(1, 4, 8)
        if has_hopeless:
            skill[3], n_used[3] = -4, 0
        right = (ease + skill[:, None] + rng.normal(0, 0.35, (8, n)) > 0).astype(float)
        right = (right + (ease + skill[:, None] + rng.normal(0, 0.35, (8, n)) > 0)) / 2
        mean = right.mean(1)
        best = mean.argmax()
        error = _paired(right, best)
        behind = np.delete(mean[best] - mean, best)
        is_clear = (np.abs(behind / np.delete(error, best) - 1) > 0.03).all() and len(set(mean)) == 8
        if is_clear and _rule()(right, n_used) != best:
            return right, n_used
