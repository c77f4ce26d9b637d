"""Checks of the exercises of the deep dive `08_stopping_is_l2`."""

import torch

from course_utils.checks import diagnose


def check_1(kept=None):
    """Diagnose kept(curvature, lr, steps): the part of the fit that gradient descent from zero has reached."""
    cases = [
        (torch.tensor([2.0, 0.5, 0.01]), 0.3, 4),
        (torch.tensor([0.1, 3.4]), 0.5, 3),
        (torch.rand(5) + 0.2, 0.2 + 0.3 * torch.rand(()).item(), int(torch.randint(5, 9, ()))),
    ]
    mistakes = {
        "that is what is left of the distance; what is kept is the rest": lambda s, lr, t: (1 - lr * s) ** t,
        "t steps shrink the distance t times over: a power, not a multiple": lambda s, lr, t: t * lr * s,
        "that is one step; there are `steps` of them": lambda s, lr, t: lr * s,
        "that is what L2 keeps, with λ = 1/(ηt); the exercise asks for stopping": lambda s, lr, t: s / (s + 1 / (lr * t)),
        "that is the limit of infinitely small steps; these have a size": lambda s, lr, t: 1 - torch.exp(-lr * s * t),
        "the learning rate is missing": lambda s, lr, t: 1 - (1 - s) ** t,
        "the curvature is missing: each axis has its own pace": lambda s, lr, t: (1 - (1 - lr) ** t) * torch.ones_like(s),
        "one step too many": lambda s, lr, t: 1 - (1 - lr * s) ** (t + 1),
        "one step too few": lambda s, lr, t: 1 - (1 - lr * s) ** (t - 1),
        "the distance shrinks: by 1 - ηs at each step, not 1 + ηs": lambda s, lr, t: 1 - (1 + lr * s) ** t,
    }
    return diagnose(
        kept,
        cases,
        lambda curvature, lr, steps: 1 - (1 - lr * curvature) ** steps,
        mistakes,
        passed="steep axes are fitted at once, flat ones hardly at all: that is how stopping regularizes.",
    )


def check_2(stopped_from=None):
    """Diagnose stopped_from(start, fit, curvature, lr, steps): gradient descent from any start, after `steps` steps."""
    cases = [
        (torch.tensor([1.0, -2.0]), torch.tensor([3.0, 1.0]), torch.tensor([4.0, 0.05]), 0.4, 3),
        *((torch.randn(4), torch.randn(4), torch.rand(4) + 0.2, 0.1 + 0.4 * torch.rand(()).item(), t) for t in (2, 5)),
    ]

    def left(s, lr, t):
        return (1 - lr * s) ** t

    mistakes = {
        "you start at zero: the start must count": lambda a, b, s, lr, t: (1 - left(s, lr, t)) * b,
        "you add the start to what is reached from zero: as it approaches the fit, the start must fade":
            lambda a, b, s, lr, t: a + (1 - left(s, lr, t)) * b,
        "start and fit are exchanged: after no step it must be `start`": lambda a, b, s, lr, t: a + left(s, lr, t) * (b - a),
        "that is the distance to the fit; add the fit": lambda a, b, s, lr, t: left(s, lr, t) * (a - b),
        "the sign is turned: it begins beyond the fit": lambda a, b, s, lr, t: b - left(s, lr, t) * (a - b),
        "that shrinks the start and forgets the fit": lambda a, b, s, lr, t: left(s, lr, t) * a,
        "that is L2 towards the start, with λ = 1/(ηt); the exercise asks for stopping":
            lambda a, b, s, lr, t: (s * b + a / (lr * t)) / (s + 1 / (lr * t)),
        "that is one step; there are `steps` of them": lambda a, b, s, lr, t: b + (1 - lr * s) * (a - b),
    }  # fmt: skip
    return diagnose(
        stopped_from,
        cases,
        lambda start, fit, curvature, lr, steps: fit + (1 - lr * curvature) ** steps * (start - fit),
        mistakes,
        passed="stopping shrinks towards the start, whatever it is.",
    )
