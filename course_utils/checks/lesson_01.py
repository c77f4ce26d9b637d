"""Checks of the exercises of lesson 01."""

import numpy as np
import torch
from scipy import stats
from torch.nn import functional

from course_utils.checks import diagnose

ROUNDS = 400  # of a random answer, so that its averages can be judged


def check_1_1(step=None):
    """Diagnose step(model, optimizer, x, y): one training step. What counts is where three steps take the weights."""
    cases = _batches()
    with torch.random.fork_rng(devices=[]):
        _weights_after(_made(), *cases[0])  # a process's first optimizer imports for seconds: not in the answer's time limit
    one_hot = lambda scores, y: functional.mse_loss(scores, functional.one_hot(y, scores.shape[1]).float())  # noqa: E731
    mistakes = {
        "the first step is right, the later ones are not: gradients of earlier steps are still there and add up":
            _made(clear=False),
        "the weights stay where they are: there is no gradient (`backward()`), or it is cleared before `step()` uses it, or "
        "nobody calls `step()`": _made(move=False),
        "you move before the gradient is there: first `backward()`, then `step()`": _made(early=True, clear=False),
        "the loss is a sum over the batch, and so the step is as many times too large: take the mean":
            _made(loss=lambda scores, y: functional.cross_entropy(scores, y, reduction="sum")),
        "you go uphill: the optimizer already subtracts the gradient": _made(loss=lambda s, y: -functional.cross_entropy(s, y)),
        "that is a squared error against the labels; for classes the loss is `functional.cross_entropy(scores, y)`":
            _made(loss=one_hot),
        "softmax comes twice: `cross_entropy` takes the scores as they are":
            _made(loss=lambda scores, y: functional.cross_entropy(scores.softmax(-1), y)),
        "that smooths the labels, which is a regularizer (lesson 08): the plain `cross_entropy(scores, y)` is asked":
            _made(loss=lambda scores, y: functional.cross_entropy(scores, y, label_smoothing=0.1)),
    }  # fmt: skip
    return diagnose(
        step,
        cases,
        _made(),
        mistakes,
        call=_weights_after,
        passed="loss, clear, backward, move: these lines are inside every training loop of this course.",
    )


def _weights_after(step, w, b, x, y):
    """The weights of a linear classifier that starts at (w, b), after each of three steps."""
    model = torch.nn.Linear(*reversed(w.shape))
    with torch.no_grad():
        model.weight.copy_(w)
        model.bias.copy_(b)
    optimizer, weights = torch.optim.SGD(model.parameters(), lr=0.1 * len(w)), []  # so that no rate of one's own passes
    for k in range(3):
        step(model, optimizer, x + k, y)
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    return torch.stack(weights)


def _made(*, clear=True, loss=functional.cross_entropy, move=True, early=False):
    """A step, right by default."""

    def step(model, optimizer, x, y):
        if clear:
            optimizer.zero_grad()
        value = loss(model(x), y)
        if early:
            optimizer.step()
        value.backward()
        if move and not early:
            optimizer.step()
        return value.item()

    return step


def _batches():
    """Two classifiers (w, b) with a batch (x, y) each, drawn anew."""
    rng = torch.Generator().manual_seed(int(np.random.default_rng().integers(2**31)))
    cases = []
    for n, n_inputs, n_classes in ((7, 4, 3), (12, 5, 4)):
        w, b = torch.randn(n_classes, n_inputs, generator=rng), torch.randn(n_classes, generator=rng)
        x, y = torch.randn(n, n_inputs, generator=rng), torch.randint(n_classes, (n,), generator=rng)
        cases.append((w, b, x, y))
    return cases


def check_1_2(promise=None):
    """Diagnose promise(n_wrong, n, m): the two ends of the interval that m other examples' error lies in 95 times of 100."""

    def ends(half):
        return lambda n_wrong, n, m: (
            n_wrong / n - half(n_wrong / n * (1 - n_wrong / n), n, m),
            n_wrong / n + half(n_wrong / n * (1 - n_wrong / n), n, m),
        )

    rng = np.random.default_rng()
    sizes, others = rng.integers(100, 900, 3).tolist(), rng.integers(1000, 4000, 3).tolist()
    cases = [(int(n * rng.uniform(0.1, 0.4)), n, m) for n, m in zip(sizes, others, strict=True)]
    cases[1] = (cases[1][0], cases[1][1], 60)
    mistakes = {
        "that is the interval of e, with your luck only: their m digits bring a variance e (1 − e)/m of their own":
            ends(lambda v, n, m: 1.96 * (v / n) ** 0.5),
        "that has their luck only: your e is measured too, with a variance e (1 − e)/n":
            ends(lambda v, n, m: 1.96 * (v / m) ** 0.5),
        "you add standard errors; variances add up, and the root comes after":
            ends(lambda v, n, m: 1.96 * ((v / n) ** 0.5 + (v / m) ** 0.5)),
        "that is one standard error to each side; 95 times of 100 takes 1.96 of them":
            ends(lambda v, n, m: (v / n + v / m) ** 0.5),
        "almost: asked is 1.96 instead of 2": ends(lambda v, n, m: 2 * (v / n + v / m) ** 0.5),
        "you take n for both; they measure on m digits": ends(lambda v, n, m: 1.96 * (2 * v / n) ** 0.5),
        "an exact predictive interval, and a good one; asked is the normal approximation, with 1.96":
            lambda k, n, m: tuple(float(end) / m for end in stats.betabinom(m, k + 1, n - k + 1).ppf((0.025, 0.975))),
        "you pool the n and the m digits into one set; they are compared, and that is less certain":
            ends(lambda v, n, m: 1.96 * (v / (n + m)) ** 0.5),
        "you subtract the variances; also in a difference the variances of independent numbers add up":
            ends(lambda v, n, m: 1.96 * abs(v / n - v / m) ** 0.5),
        "the root is missing: these are variances": ends(lambda v, n, m: 1.96 * (v / n + v / m)),
        "the variance of one digit is e (1 − e), not e": lambda k, n, m: (
            k / n - 1.96 * (k / n * (1 / n + 1 / m)) ** 0.5, k / n + 1.96 * (k / n * (1 / n + 1 / m)) ** 0.5),
        "you return the rate and the half-width; asked are the lower and the upper end": lambda k, n, m: (
            k / n, 1.96 * (k / n * (1 - k / n) * (1 / n + 1 / m)) ** 0.5),
        "upper end first: return the lower one first":
            lambda k, n, m: ends(lambda v, n, m: 1.96 * (v / n + v / m) ** 0.5)(k, n, m)[::-1],
        "that is in percent: leave it a fraction":
            lambda k, n, m: tuple(100 * end for end in ends(lambda v, n, m: 1.96 * (v / n + v / m) ** 0.5)(k, n, m)),
    }  # fmt: skip
    return diagnose(
        promise,
        cases,
        lambda n_wrong, n, m: ends(lambda v, n, m: 1.96 * (v / n + v / m) ** 0.5)(n_wrong, n, m),
        mistakes,
        passed="two measurements, two lucks: the variance of their difference is the sum of theirs.",
    )


def _middle(rounds):
    return rounds[:, :2].mean(1)


def check_1_3(best_of=None):
    """Diagnose best_of(promise, n_networks, e, n, m, rng): the promise for the network with the fewest mistakes, and what its
    customer measures. Called 400 times a case: its averages are judged, the fewest mistakes to expect are simulated."""

    def promise(n_wrong, n, m):
        half = 1.96 * (n_wrong / n * (1 - n_wrong / n) * (1 / n + 1 / m)) ** 0.5
        return n_wrong / n - half, n_wrong / n + half

    rng = np.random.default_rng()
    cases = [(promise, k, rng.uniform(0.2, 0.35), n, m, rng) for k, n, m in ((1, 300, 900), (30, 300, 900), (40, 500, 200))]

    def fewest(k, e, n):
        return np.random.default_rng(1).binomial(n, e, (4000, k)).min(1).mean() / n

    def noise(e, n):  # five standard errors of an average over the rounds
        return 5 * (e * (1 - e) / n / ROUNDS) ** 0.5

    def is_promise(rounds, promise, k, e, n, m, rng):
        counts = (_middle(rounds) * n).round()
        return np.allclose(rounds[:, :2], np.transpose(promise(counts, n, m)), atol=1e-3)

    properties = {
        "return three numbers: low, high, and the customer's error rate":
            lambda rounds, promise, k, e, n, m, rng: rounds.shape == (ROUNDS, 3),
        "the customer's number is a rate: divide their mistakes by m":
            lambda rounds, promise, k, e, n, m, rng: (rounds[:, 2] <= 1).all(),
        "the customer gets your own result; they count on digits of their own, a new draw":
            lambda rounds, promise, k, e, n, m, rng: not np.allclose(rounds[:, 2], _middle(rounds)),
        "`promise` takes the number of mistakes, not their share":
            lambda rounds, promise, k, e, n, m, rng: _middle(rounds).mean() > 0.2 * e,
        "you sell the network with the most mistakes: take the fewest":
            lambda rounds, promise, k, e, n, m, rng: _middle(rounds).mean() < e + noise(e, n),
        "you sell any of the networks: of all their counts take the smallest":
            lambda rounds, promise, k, e, n, m, rng: k == 1 or _middle(rounds).mean() < (e + fewest(k, e, n)) / 2,
        "the network that you sell makes too few mistakes: count them among n digits, once for each network":
            lambda rounds, promise, k, e, n, m, rng: abs(_middle(rounds).mean() - fewest(k, e, n)) < noise(e, n),
        "every round is the same: draw from `rng`, and make no new one":
            lambda rounds, promise, k, e, n, m, rng: len(set(rounds[:, 2])) > 5,
        "the customer's rate is no count among m digits: they count on m digits, you on n":
            lambda rounds, promise, k, e, n, m, rng: np.allclose(rounds[:, 2] * m, (rounds[:, 2] * m).round(), atol=1e-3),
        "the customer is lucky, too; they get one network, which is wrong with probability e on each of m new digits":
            lambda rounds, promise, k, e, n, m, rng: abs(rounds[:, 2].mean() - e) < noise(e, m),
        "low and high are not those of the promise for n counted and m new digits": is_promise,
    }  # fmt: skip
    return diagnose(
        best_of,
        cases,
        None,
        {},
        properties=properties,
        call=lambda function, *inputs: [function(*inputs) for _ in range(ROUNDS)],
        passed="the pick takes the luck along in its count; the customer does not get it.",
    )
