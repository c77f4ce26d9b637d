"""Checks of the exercises of lesson 05."""

import copy
import itertools

import numpy as np
import torch
from torch import nn

from course_utils.checks import diagnose


class _Dropout(nn.Dropout):
    """As the networks of the course have it: a kind of `nn.Dropout`, not `nn.Dropout` itself."""


def _network():
    """A reader of 2x2 images with BatchNorm, and dropout at two depths; its 4 + 3 hidden units have 128 masks."""
    p = float(np.random.default_rng().choice([0.4, 0.5, 0.6]))
    norm = nn.BatchNorm1d(4)
    norm.running_mean += torch.randn(4)
    norm.running_var += torch.rand(4)
    deep = nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.Tanh(), _Dropout(p)))
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 4), norm, nn.Tanh(), _Dropout(p), deep, nn.Linear(3, 5)).eval()


@torch.no_grad()
def _possible(network, x):
    """The probabilities under every mask: (128, n, 5)."""
    first, second = (torch.tensor(list(itertools.product([0.0, 1.0], repeat=n))) / (1 - network[4].p) for n in (4, 3))
    hidden = network[5][0][:2](network[:4](x) * first[:, None])
    return torch.softmax(network[6](hidden * second[:, None, None]), -1).flatten(0, 1)


def _asked(function, network, x, n):
    """What the function gave and did: {answers, again, strange, awake, asleep, moved, left_on}."""
    possible, before = _possible(copy.deepcopy(network).eval(), x), [buffer.clone() for buffer in network.buffers()]
    modes = set()  # of the modules that were run, in this network or in a copy of it
    for module in network.modules():
        module.register_forward_pre_hook(lambda module, _: modes.add((isinstance(module, nn.Dropout), module.training)))
    answers, again = _tensor(function(network, x, n)), _tensor(function(network, x, n))
    strange = 0.0
    if answers.shape == (n, len(x), 5):
        strange = (answers[:, None] - possible).abs().amax(-1).amin(1).max()
    moved = max((after - b).abs().max() for after, b in zip(network.buffers(), before, strict=True))
    left_on = sum(module.training for module in network.modules())
    return {"answers": answers, "again": again, "strange": strange, "moved": moved, "left_on": left_on,
            "awake": (False, True) in modes, "asleep": (True, False) in modes}  # fmt: skip


def _tensor(out):
    out = torch.stack([torch.as_tensor(part) for part in out]) if isinstance(out, list | tuple) else torch.as_tensor(out)
    return out.detach().float()


def check_5_1(ask=None):
    """Diagnose ask(network, x, n): n stochastic answers to each x, with nothing but Dropout in train mode."""
    properties = {
        "more than dropout was awake, and has changed the network: call network.eval() first (it may come in train mode), then "
        "train() of the Dropout modules alone": lambda o, network, x, n: o["moved"] == 0,
        "you return the average: keep the answers apart, their differences are what we are after":
            lambda o, network, x, n: o["answers"].shape != (len(x), 5),
        "the result must have the shape (n, letters, classes): torch.stack the answers":
            lambda o, network, x, n: o["answers"].shape == (n, len(x), 5),
        "all answers are the same: dropout is off. (network.modules() finds nested modules too, network.children() does not)":
            lambda o, network, x, n: np.ptp(o["answers"], 0).max() > 1e-6,
        "a Dropout module was asleep: wake them all, at any depth (network.modules(), not children()) and of any kind "
        "(isinstance, not type)": lambda o, network, x, n: not o["asleep"],
        "something else than Dropout was in train mode: call network.eval() first, then train() of the Dropout modules alone":
            lambda o, network, x, n: not o["awake"],
        "asked again, it gives the very same answers: set no seed inside":
            lambda o, network, x, n: not np.array_equal(o["answers"], o["again"]),
        "these are logarithms of probabilities: leave out the log": lambda o, network, x, n: o["answers"].max() > 0,
        "these are no probabilities of the classes: softmax over the last axis":
            lambda o, network, x, n: np.allclose(o["answers"].sum(-1), 1, atol=1e-4) and o["answers"].min() >= 0,
        "no mask gives these probabilities: they should be the softmax of what the network gives, once":
            lambda o, network, x, n: o["strange"] < 1e-4,
        "you leave dropout on: the next one to use the network gets random answers. End with network.eval()":
            lambda o, network, x, n: o["left_on"] == 0,
    }  # fmt: skip
    return diagnose(
        ask,
        [(_network(), torch.randn(6, 1, 2, 2), 30), (_network().train(), torch.randn(7, 1, 2, 2), 30)],
        None,
        {},
        properties=properties,
        call=_asked,
        passed="many sub-networks answer, BatchNorm keeps what it learned, and the network is left as it was.",
    )


def check_5_2(doubts=None):
    """Diagnose doubts(answers): the entropy of the average answer, and the disagreement of the answers, for each letter."""

    def entropy(p):
        return torch.special.entr(p).sum(-1)

    def right(answers):
        total = entropy(answers.mean(0))
        return torch.stack([total, total - entropy(answers).mean(0)])

    rng = np.random.default_rng()
    mistakes = {
        "the first is the average of the entropies; asked is the entropy of the average":
            lambda answers: torch.stack([entropy(answers).mean(0), right(answers)[1]]),
        "the second is the average entropy of the single answers; disagreement is what the first exceeds that by":
            lambda answers: torch.stack([right(answers)[0], entropy(answers).mean(0)]),
        "the disagreement has the wrong sign: averaging can only add entropy":
            lambda answers: right(answers) * torch.tensor([[1], [-1]]),
        "these are bits: use the natural logarithm, as everywhere in this course": lambda answers: right(answers) / np.log(2),
        "you average over the classes; entropy is a sum over them": lambda answers: right(answers) / answers.shape[-1],
        "entropy has a minus: -p log p": lambda answers: -right(answers),
        "the two are in the wrong order: entropy first, then disagreement": lambda answers: right(answers).flip(0),
        "you average over the letters; asked are two numbers for each letter": lambda answers: right(answers).mean(-1),
        "the second is the variance of the answers, summed over classes: another measure of disagreement, but not this one":
            lambda answers: torch.stack([right(answers)[0], answers.var(0, correction=0).sum(-1)]),
    }  # fmt: skip
    properties = {
        "some probabilities are 0, and 0 · log 0 is not a number: torch.special.entr(p) is -p log p, and 0 for p = 0":
            lambda out, answers: np.isfinite(out).all(),
    }  # fmt: skip
    cases = [(torch.tensor(rng.dirichlet(np.ones(4), (n, 6))),) for n in (5, 9)]
    return diagnose(
        doubts,
        [*cases, (torch.eye(4, dtype=torch.float64)[torch.tensor(rng.integers(4, size=(7, 5)))],)],
        right,
        mistakes,
        properties=properties,
        passed="answers that are vague and answers that contradict each other now have numbers of their own.",
    )


def check_5_3(surest=None):
    """Diagnose surest(uncertainty, is_right, coverage): the accuracy of the share `coverage` with the least uncertainty."""

    def right(uncertainty, is_right, coverage):
        return is_right[uncertainty.argsort()[: round(coverage * len(is_right))]].float().mean()

    def below(uncertainty, is_right, threshold):
        return is_right[uncertainty <= threshold].float().mean()

    rng = np.random.default_rng()
    cases = []
    for n, coverage in ((40, 0.25), (50, 0.4), (60, 0.7)):  # skewed and beyond 1, as entropies are: no threshold is a share
        share = torch.tensor((rng.permutation(n) + 1) / n)
        cases.append((2.3 * share**3, torch.tensor(rng.random(n)) > share / 2 + 0.2, coverage))
    threshold = "coverage is a share of the letters, not a threshold for their uncertainty"
    mistakes = {
        "you answer the letters that are the least sure: sort from small uncertainty to large":
            lambda u, is_right, c: right(-u, is_right, c),
        "you divide by all letters; a letter that is not answered is neither right nor wrong":
            lambda u, is_right, c: right(u, is_right, c) * round(c * len(u)) / len(u),
        "that is the share of wrong answers": lambda u, is_right, c: 1 - right(u, is_right, c),
        threshold: below,
        threshold + ", nor a share of the largest": lambda u, is_right, c: below(u, is_right, c * u.max()),
        "you answer one letter too many": lambda u, is_right, c: right(u, is_right, c + 1 / len(u)),
        "you answer the share that should be left out": lambda u, is_right, c: right(u, is_right, 1 - c),
        "you take the first letters; take those with the least uncertainty":
            lambda u, is_right, c: is_right[: round(c * len(u))].float().mean(),
        "that is the accuracy on all letters: answer only the surest": lambda u, is_right, c: is_right.float().mean(),
    }  # fmt: skip
    return diagnose(
        surest,
        cases,
        right,
        mistakes,
        passed="the share that is answered is a choice; what it costs is now a curve.",
    )
