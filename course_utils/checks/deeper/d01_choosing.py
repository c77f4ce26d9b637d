"""Checks of the exercises of the deep dive `01_choosing`."""

import numpy as np

from course_utils.checks import diagnose


def check_1(report=None):
    """Diagnose report(right, order): the accuracy of the network that one half chose, on the other half."""

    def made(choose, measure):
        def wrong(right, order):
            half = len(order) // 2
            parts = {"first": order[:half], "rest": order[half:], "all": order, "unshuffled": np.arange(half)}
            parts["last"] = np.arange(half, len(order))
            best = right[:, parts[choose]].mean(1).argmax()
            return right[best, parts[measure]].mean()

        return wrong

    mistakes = {
        "you report by the digits that chose: their luck was chosen with the network": made("first", "first"),
        "the best of the other half is a new choice, with new luck: report the network that the first half chose":
            lambda right, order: right[:, order[len(order) // 2 :]].mean(1).max(),
        "all digits chose, so none is left that may report": made("all", "rest"),
        "all digits chose and all report: that is the number to be avoided": made("all", "all"),
        "the digits that chose are still among those that report: leave them out": made("first", "all"),
        "the other way round: the first half of the shuffled digits chooses, the rest reports": made("rest", "first"),
        "you halve the digits as they came: take `order[: n // 2]` and `order[n // 2 :]`": made("unshuffled", "last"),
        "that is the mean of all networks, not the accuracy of the chosen one":
            lambda right, order: right[:, order[len(order) // 2 :]].mean(),
        "that is which network was chosen; asked is the number you may report for it":
            lambda right, order: right[:, order[: len(order) // 2]].mean(1).argmax(),
        "that is how many it read right; report the share":
            lambda right, order: made("first", "rest")(right, order) * (len(order) - len(order) // 2),
        "that is in percent: leave it a fraction": lambda right, order: 100 * made("first", "rest")(right, order),
        "that is the share of wrong answers; asked is the share of right ones":
            lambda right, order: 1 - made("first", "rest")(right, order),
    }  # fmt: skip
    return diagnose(
        report,
        [_readings(7, 60), _readings(9, 81), _readings(6, 50)],
        made("first", "rest"),
        mistakes,
        passed="one half chooses, the other reports: what chose may not testify.",
    )


def _readings(n_networks, n):
    """Networks' right answers and a shuffling: all parts of the digits choose without a tie, and none chooses as another."""
    rng, half = np.random.default_rng(), n // 2
    while True:
        right, order = rng.random((n_networks, n)) < rng.uniform(0.65, 0.75, (n_networks, 1)), rng.permutation(n)
        scores = np.array([right[:, part].mean(1) for part in (order[:half], order[half:], order, np.arange(half))])
        best = scores.argmax(1)
        is_clear = (np.sort(scores)[:, -1] > np.sort(scores)[:, -2]).all()
        as_they_came = right[best[3], half:].mean()
        if is_clear and len(set(best)) == len(set(scores[1, best])) == 4 and as_they_came != scores[1, best[0]]:
            return right, order


def check_2(chance=None):
    """Diagnose chance(m, k): the probability that the best of m is ahead of the best of k, all of one recipe."""
    rng = np.random.default_rng()
    cases = [(3, 1), *((int(m), int(k)) for m, k in zip(rng.integers(6, 40, 2), rng.integers(2, 6, 2), strict=True))]
    mistakes = {
        "with one network each it would be ½, but A has more chances: who owns the first of all m + k?": lambda m, k: 0.5,
        "those are the odds of A against B; the probability is A's share of all networks": lambda m, k: m / k,
        "that is the probability that B wins": lambda m, k: k / (m + k),
        "that is how much A's chance exceeds B's": lambda m, k: (m - k) / (m + k),
        "B's networks may be the first as well: they count among all": lambda m, k: (m - 1) / m,
        "that is as if A had to win against each of B's networks by a toss": lambda m, k: 0.5**k,
        "the m networks are not compared with B's by independent tosses: they all meet the same k": lambda m, k: 1 - 0.5**m,
        "that is in percent: leave it a fraction": lambda m, k: 100 * m / (m + k),
    }  # fmt: skip
    return diagnose(
        chance,
        cases,
        lambda m, k: m / (m + k),
        mistakes,
        passed="each of the m + k is the first with the same chance: whoever tries more wins more often.",
    )
