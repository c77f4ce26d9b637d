"""Checks of the exercises of the deep dive `08_mixing_and_averaging`."""

import torch

from course_utils.checks import diagnose


def check_1(mix=None):
    """Diagnose mix(x, targets, share, partner): pictures and probabilities, mixed in the same proportion."""

    def mixed(values, share, partner):
        return share * values + (1 - share) * values[partner]

    def right(x, targets, share, partner):
        return mixed(x, share, partner), mixed(targets, share, partner)

    def in_place(x, targets, share, partner):
        for values in (x, targets):
            values.mul_(share)
            values.add_((1 - share) * values[partner])
        return x, targets

    def undo(partner):
        return torch.argsort(partner)

    mistakes = {
        "the targets are not mixed: the picture is two letters, the label still says one":
            lambda x, t, s, p: (mixed(x, s, p), t),
        "the pictures are not mixed, only the targets: that is label smoothing towards a random letter":
            lambda x, t, s, p: (x, mixed(t, s, p)),
        "the share is the row's own part, and you give it to the partner": lambda x, t, s, p: right(x, t, 1 - s, p),
        "pictures and targets are mixed in opposite proportions": lambda x, t, s, p: (mixed(x, s, p), mixed(t, 1 - s, p)),
        "the targets have the partners in another order than the pictures: index both with `partner`":
            lambda x, t, s, p: (mixed(x, s, p), mixed(t, s, undo(p))),
        "you use the permutation backwards: row i gets its rest from row `partner[i]`":
            lambda x, t, s, p: right(x, t, s, undo(p)),
        "each row is mixed with itself: nothing changes": lambda x, t, s, p: (x, t),
        "the rest is missing: the partner comes in with 1 - share": lambda x, t, s, p: (s * x + x[p], s * t + t[p]),
        "each target is that of the greater part alone: the label has two letters in it too":
            lambda x, t, s, p: (mixed(x, s, p), t if s >= 0.5 else t[p]),
        "you average half and half, whatever the share": lambda x, t, s, p: right(x, t, 0.5, p),
        "you changed `x` in place before its rows served as partners: they were already faded": in_place,
    }  # fmt: skip
    return diagnose(
        mix,
        [_batch(6, 0.7), _batch(5, 0.3), _batch(7, float(torch.rand(()) * 0.3 + 0.1))],
        right,
        mistakes,
        passed="two letters in the picture, two in the label, in the same proportion.",
    )


def check_2(updated=None):
    """Diagnose updated(average, new, n): the mean of n + 1 tensors from the mean of n."""
    cases = [(torch.randn(3, 2), torch.randn(3, 2), n) for n in (1, 4, int(torch.randint(5, 30, ())))]
    mistakes = {
        "you divide by n; with the new one there are n + 1 now": lambda average, new, n: average + (new - average) / n,
        "half and half gives the newest network as much as all before together": lambda average, new, n: (average + new) / 2,
        "the sum of n tensors is n times their mean: multiply before you add": lambda average, new, n: (average + new) / (n + 1),
        "the proportions are exchanged: the new one counts 1 in n + 1": lambda average, new, n: (average + n * new) / (n + 1),
        "that is the sum; divide it by the number of tensors": lambda average, new, n: n * average + new,
        "you counted one too many": lambda average, new, n: ((n + 1) * average + new) / (n + 2),
        "the sign is turned: the average moves towards the new one": lambda average, new, n: average - (new - average) / (n + 1),
        "that is a moving average with a fixed decay: it forgets, and n has no say":
            lambda average, new, n: 0.9 * average + 0.1 * new,
    }  # fmt: skip
    return diagnose(
        updated,
        cases,
        lambda average, new, n: average + (new - average) / (n + 1),
        mistakes,
        passed="one copy in memory is enough, however many networks it is the mean of.",
    )


def _batch(n, share):
    """Pictures, targets, share and a permutation that is not its own inverse."""
    x, targets = torch.randn(n, 1, 4, 4), torch.eye(10)[torch.randperm(10)[:n]]
    order = torch.randperm(n)
    partner = torch.empty(n, dtype=torch.long)
    partner[order] = order.roll(1)  # one cycle through all rows
    return x, targets, share, partner
