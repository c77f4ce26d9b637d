"""Checks of the exercises of lesson 08."""

import math
from copy import deepcopy

import numpy as np
import torch
from torch import nn

from course_utils.checks import diagnose


def check_8_1(should_stop=None):
    """Diagnose should_stop(score, network, memory, patience): keep the best weights, stop after `patience` worse scores."""

    def watchman(is_better=lambda score, best: score < best, copy=deepcopy, resets=True, late=0, keeps_worse=False):
        def wrong(score, network, memory, patience):
            if is_better(score, memory["best"]):
                memory |= {"best": score, "waited": 0 if resets else memory["waited"]}
                memory["weights"] = copy(network.state_dict())
            else:
                memory["waited"] += 1
                if keeps_worse:
                    memory["weights"] = copy(network.state_dict())
            return memory["waited"] >= patience + late

        return wrong

    def stops_on_nan(score, network, memory, patience):
        return watchman()(score, network, memory, patience) or math.isnan(score)

    curves = [
        ([3, 2, 2.5, 2.6, 1, 1.1, 0.9, 4, 0.95, 0.94, 0.1, 7], 3),
        ([2, 1, 1, 1, 1, 1], 3),
        ([2, 1, math.nan, 3, 0.5, math.nan, math.nan, math.nan], 3),
        ([9, 8, 8.5, 8.4, 8.3, 8.2, 7], 4),
        *((_falling(30).tolist(), patience) for patience in (2, 5)),
    ]
    mistakes = {
        "the restored network is that of the last epoch: the tensors of `state_dict()` are the network's own and change with "
        "it, even in a copy of the dict. `deepcopy` it": watchman(copy=lambda weights: weights),
        "a tie counts as better in yours: an equal score is not better than the best": watchman(lambda a, b: a <= b),
        "NaN passes for the best score: every comparison with NaN is False, so ask `score < best`, not the opposite":
            watchman(lambda score, best: not score >= best),
        "you stop at once at NaN: it counts as an evaluation that was not better, no more and no less": stops_on_nan,
        "a better score must set the waiting back to 0: the evaluations have to be in a row": watchman(resets=False),
        "you stop one evaluation too late: when `patience` evaluations in a row were not better": watchman(late=1),
        "you stop one evaluation too early: `patience` of them must have been no better": watchman(late=-1),
        "you compare with the evaluation before; compare with the best so far": _against_the_last,
        "higher counts as better in yours: the score is one that should be low":
            watchman(lambda score, best: score > best or best == math.inf),
        "you keep weights at every evaluation, so those of the last one are restored: keep them only where it is the best":
            watchman(keeps_worse=True),
        "it never stops": lambda score, network, memory, patience: watchman()(score, network, memory, math.inf),
    }  # fmt: skip
    return diagnose(
        should_stop,
        curves,
        watchman(),
        mistakes,
        call=_watch,
        passed="it stops in time, brings back the best moment, and lets no NaN pass for one.",
    )


def _against_the_last(score, network, memory, patience):
    """A watchman that compares with the evaluation before."""
    last, memory["last"] = memory.get("last", math.inf), score
    memory["waited"] = 0 if score < last else memory["waited"] + 1
    if score < memory["best"]:
        memory |= {"best": score, "weights": deepcopy(network.state_dict())}
    return memory["waited"] >= patience


def check_8_2(smallest_patience=None):
    """Diagnose smallest_patience(scores): the longest wait between two records before the best."""

    def records(scores):
        return [k for k in range(len(scores)) if k == 0 or scores[k] < min(scores[:k])]

    def right(scores):
        return max([1, *np.diff(records(scores)).tolist()])

    def in_a_row(scores):
        longest = run = 0
        for before, score in zip(scores, scores[1:], strict=False):
            run = run + 1 if score >= before else 0
            longest = max(longest, run)
        return max(longest, 1)

    cases = [
        ([5, 4, 6, 7, 3, 3.5, 3.4, 3.3, 3.2, 3.1],),
        ([9, 8, 7, 6],),
        ([5, 6, 5.5, 5.2, 4, 4.5, 3, 3.5, 3.6, 2],),
        *((_falling(40).tolist(),) for _ in range(3)),
    ]
    mistakes = {
        "one too few: it stops *at* the patience-th evaluation that is no better, so the wait must be shorter than the patience":
            lambda scores: right(scores) - 1,
        "one too many": lambda scores: right(scores) + 1,
        "you count the wait after the best score too: once the best is found, it may stop":
            lambda scores: max([1, *np.diff([*records(scores), len(scores)]).tolist()]),
        "you look for scores that rise from one evaluation to the next; compare with the best so far": in_a_row,
        "you add up all waits; the counter goes back to 0 at each record":
            lambda scores: max(1, int(np.argmin(scores)) + 1 - len(records(scores)) + 1),
        "that is the evaluation where the lowest score is: how long is the wait for it?": lambda scores: int(np.argmin(scores)),
    }  # fmt: skip
    return diagnose(
        smallest_patience,
        cases,
        right,
        mistakes,
        passed="with less it would end in an earlier dip. (You know that only afterwards.)",
    )


def check_8_3(may_mirror=None):
    """Diagnose may_mirror(letter): whether it stays that letter mirrored left-right, and top-bottom."""

    def rule(across, down):
        return lambda letter: (letter in across, letter in down)

    across, down = "AHI", "BCDEHI"
    mistakes = {
        "the two are exchanged: first left and right": rule(down, across),
        "a B mirrored left-right has its bowls on the left: no typeface prints that": rule("ABHI", down),
        "an A upside down is no A": rule(across, "ABCDEHI"),
        "some letters have a horizontal axis of symmetry, though no vertical one: exchange top and bottom of a C":
            rule(across, "HI"),
        "no letter is left alone in yours: mirror a J": rule("ABCDEFGHIJ", "ABCDEFGHIJ"),
        "no letter may be mirrored in yours: try an H": rule("", ""),
    }  # fmt: skip
    return diagnose(
        may_mirror,
        [(letter,) for letter in "ABCDEFGHIJ"],
        rule(across, down),
        mistakes,
        properties={
            "draw that letter, exchange left and right (first answer), then top and bottom (second), and look again":
                lambda output, letter: np.array_equal(np.asarray(output, float), np.asarray(rule(across, down)(letter), float)),
        },
        passed="a copy is worth something only where it keeps its label.",
    )  # fmt: skip


def _watch(function, scores, patience):
    """The evaluation at which a watchman stops, and the one that it restores (-1 for none)."""
    network = nn.Linear(1, 1, bias=False)
    memory, stopped = {"best": math.inf, "waited": 0, "weights": None}, len(scores)
    for epoch, score in enumerate(scores):
        with torch.no_grad():
            network.weight.fill_(epoch)
        if bool(function(score, network, memory, patience)):
            stopped = epoch
            break
    with torch.no_grad():
        network.weight.fill_(99)  # the network moves on
    if memory["weights"] is None:
        return stopped, -1
    network.load_state_dict(memory["weights"])
    return stopped, network.weight.item()


def _falling(n):
    """A falling, jittering curve of scores."""
    rng = np.random.default_rng()
    return np.linspace(3, 1, n) + rng.normal(0, 0.4, n)
