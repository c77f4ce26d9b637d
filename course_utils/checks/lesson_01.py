"""Checks of the exercises of lesson 01."""

import numpy as np
import torch
from torch.nn import functional

from course_utils.checks import diagnose


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
    }  # fmt: skip
    return diagnose(
        step,
        cases,
        _made(),
        mistakes,
        call=_weights_after,
        passed="loss, clear, backward, move: every network of this course is trained by these lines.",
    )


def _weights_after(step, w, b, x, y):
    """The weights of a linear classifier that starts at (w, b), after each of three steps."""
    model = torch.nn.Linear(*reversed(w.shape))
    with torch.no_grad():
        model.weight.copy_(w)
        model.bias.copy_(b)
    optimizer, weights = torch.optim.SGD(model.parameters(), lr=0.3), []
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


def check_1_3(prepare=None):
    """Diagnose prepare(x, y, n_val, rng): a split in which no example is on both sides. Each label is its example's number."""

    def rows_match(parts, x):
        x_train, y_train, x_val, y_val = parts
        pairs = ((x_train, y_train), (x_val, y_val))
        return all(np.allclose(values, x.numpy()[np.asarray(ids, dtype=int)]) for values, ids in pairs)

    def ids(parts):
        return set(parts[1].astype(int)), set(parts[3].astype(int))

    properties = {
        "return four things: x and y for training, then x and y for validation":
            lambda parts, x, y, n_val, rng: len(parts) == 4 and all(len(a) == len(b) for a, b in (parts[:2], parts[2:])),
        "pictures and labels have come apart, or were changed: pick rows of x and of y by the same numbers":
            lambda parts, x, y, n_val, rng: rows_match(parts, x),
        "validation must get n_val examples": lambda parts, x, y, n_val, rng: len(parts[3]) == n_val,
        "there are still examples in validation of which training has a copy: split first, then draw again":
            lambda parts, x, y, n_val, rng: not ids(parts)[0] & ids(parts)[1],
        "validation has an example twice: draw again for training only":
            lambda parts, x, y, n_val, rng: len(ids(parts)[1]) == n_val,
        "training has lost some of the examples that are not in validation":
            lambda parts, x, y, n_val, rng: len(ids(parts)[0]) == len(x) - n_val,
        "training must get all the others and as many again: twice as many rows as there are others":
            lambda parts, x, y, n_val, rng: len(parts[1]) == 2 * (len(x) - n_val),
        "the rows drawn again are the others themselves, each once: draw them at random, as the colleague did":
            lambda parts, x, y, n_val, rng: np.bincount(parts[1].astype(int)).max() > 2,
        "the split is always the same: let `rng` choose which examples validate":
            lambda parts, x, y, n_val, rng: ids(parts)[1] not in (set(range(n_val)), set(range(len(x) - n_val, len(x)))),
    }  # fmt: skip
    cases = [(torch.randn(n, 1, 2, 2), torch.arange(n), n // 4, np.random.default_rng()) for n in (60, 90)]
    return diagnose(
        prepare,
        cases,
        None,
        {},
        properties=properties,
        passed="split first: what validates must not have been seen in any copy.",
    )
