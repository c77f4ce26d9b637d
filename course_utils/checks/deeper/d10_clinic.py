"""Checks of the exercises of the deep dive `10_clinic`."""

import numpy as np
import torch

from course_utils.checks import diagnose as compare

HEALTHY = {
    "again": (0, 0),
    "company": (0, 0),
    "pictures": (0, 0),
    "spread": (0.9, 1.1),
    "neighbours": (0.4, 0.8),
    "sums": (3, 40),
    "zeros": (0, 0),
    "moved": (0.5, 1.9),
    "size": (0.97, 2.3),
}
SICK = {  # what differs from HEALTHY, and the hint
    "dropout on": (
        {"again": (0.15, 0.7), "company": (0.15, 0.7)},
        "a network whose dropout is on was not recognized. Asked the same thing twice, it gives two answers",
    ),
    "batchnorm on": (
        {"company": (0.2, 0.6), "size": (1.06, 1.5)},
        "a BatchNorm in train mode was not recognized. It repeats itself, but not in other company",
    ),
    "augmented": (
        {"pictures": (0.9, 1), "spread": (0.85, 1.0)},
        "augmented validation pictures were not recognized: fetched twice, they are not the same. (What is turned and moved "
        "may change its spread a little, too.)",
    ),
    "scale": ({"spread": (0.2, 0.3)}, "wrongly scaled validation pictures were not recognized: compare spreads"),
    "shuffled": (
        {"neighbours": (0.04, 0.16)},
        "shuffled labels were not recognized: among ten letters, a neighbour then agrees by chance only",
    ),
    "softmax": ({"sums": (0, 1e-6), "moved": (0.8, 1.9)}, "a softmax was not recognized: what do probabilities add up to?"),
    "output": ({"zeros": (0.1, 0.55)}, "dropout behind the last layer was not recognized: what does it write into outputs?"),
    "lr": (
        {"moved": (0.01, 0.06), "size": (0.99, 1.01), "sums": (0.4, 1.7)},
        "a tiny learning rate was not recognized: where are weights that hardly took a step?",
    ),
    "adam": (
        {"size": (0.3, 0.85), "sums": (1.5, 4)},
        "a crushing penalty was not recognized: what does it do to the length of the weights? (All others here grow, or stay.)",
    ),
}


def check_1(diagnose=None):
    """Diagnose diagnose(signs): the name of the illness that a sheet of nine measurements shows."""
    rng = np.random.default_rng()
    sheets = [(illness, _sheet(illness, place)) for illness in (*SICK, "healthy") for place in (0, 1, rng.uniform())]
    truth = {id(signs): illness for illness, signs in sheets}

    def named(illness):
        return lambda output, signs: truth[id(signs)] != illness or _plain(output) == illness

    def known(output, signs):
        return _plain(output) in (*SICK, "healthy", "leak")

    properties = {"that is no name of the table": known}
    properties |= {hint: named(illness) for illness, (_, hint) in SICK.items()}
    properties |= {"a healthy network was called ill: it repeats itself, and its weights grow while it learns": named("healthy")}
    return compare(
        diagnose,
        [(signs,) for _, signs in sheets],
        None,
        {},
        properties=properties,
        passed="one measurement for each suspicion: none of them needed a chart.",
    )


def _sheet(illness, place):
    """A sheet of one who has the illness, each sign at that place of its range: 0 the low end, 1 the high one."""
    ranges = HEALTHY | SICK.get(illness, ({},))[0]
    return {name: float(low + place * (high - low)) for name, (low, high) in ranges.items()}


def _plain(output):
    return output.strip().lower() if isinstance(output, str) else output


def check_2(twins=None):
    """Diagnose twins(train, val, near): the share of validation pictures nearer than `near` to some training picture."""

    def share(chosen, times=1.0):
        return lambda train, val, near: times * float(chosen(train, val, near).double().mean())

    def distances(train, val):
        return torch.cdist(val.flatten(1), train.flatten(1))

    def pixels(train, val):
        return (val.flatten(1)[:, None] - train.flatten(1)[None]).abs()

    mistakes = {
        "that is the share of training pictures with a twin: a number for each *validation* picture is asked":
            share(lambda train, val, near: distances(train, val).min(0).values < near),
        "that is the share of all pairs; ask of each validation picture whether any training picture is near":
            share(lambda train, val, near: distances(train, val) < near),
        "you count pairs: a validation picture with two twins counts twice":
            share(lambda train, val, near: (distances(train, val) < near).double().sum(1)),
        "only equal pictures count with you; copies that were stored with fewer digits are not equal":
            share(lambda train, val, near: (pixels(train, val) == 0).all(2).any(1)),
        "you take the squared distance: take the root":
            share(lambda train, val, near: distances(train, val).square().min(1).values < near),
        "compare the distance with `near` itself, not with its square":
            share(lambda train, val, near: distances(train, val).min(1).values < near**2),
        "divide by the number of validation pictures, not of training pictures": lambda train, val, near: float(
            (distances(train, val).min(1).values < near).sum() / len(train)),
        "that is the share without a twin": share(lambda train, val, near: distances(train, val).min(1).values >= near),
        "that is the mean distance to the nearest; asked is the share that is nearer than `near`":
            share(lambda train, val, near: distances(train, val).min(1).values),
        "that is the mean over all training pictures' distances: the nearest one decides":
            share(lambda train, val, near: distances(train, val).mean(1) < near),
        "you compare the largest difference of a pixel; take the root of the sum of their squares":
            share(lambda train, val, near: pixels(train, val).amax(2).min(1).values < near),
        "you take the mean over the pixels; the distance is the root of the *sum* of their squares":
            share(lambda train, val, near: pixels(train, val).square().mean(2).sqrt().min(1).values < near),
        "you add up the absolute differences; take the root of the sum of their squares":
            share(lambda train, val, near: pixels(train, val).sum(2).min(1).values < near),
        "that is a number of pictures: divide by all": lambda train, val, near: float(
            (distances(train, val).min(1).values < near).sum()),
        "that is in percent: leave it a fraction":
            share(lambda train, val, near: distances(train, val).min(1).values < near, 100),
    }  # fmt: skip
    return compare(
        twins,
        [_pictures(near) for near in (0.3, 0.7, float(np.random.default_rng().uniform(0.28, 0.4)))],
        share(lambda train, val, near: distances(train, val).min(1).values < near),
        mistakes,
        passed="whoever was in both sets is found, however well the chart looks.",
    )


def _pictures(near):
    """Training and validation pictures 4 x 4; of the latter some are copies, at three distances from their originals."""
    rng = np.random.default_rng()
    train = torch.as_tensor(rng.normal(0, 3, (int(rng.integers(30, 40)), 1, 4, 4)))
    counts, radii = rng.permutation([3, 4, 5]), (0.0, 0.22, 0.5)
    copies = [train[: 2 * n : 2] + _shift(n, radius, rng) for n, radius in zip(counts, radii, strict=True)]
    val = torch.cat([*copies, torch.as_tensor(rng.normal(0, 3, (int(rng.integers(13, 17)), 1, 4, 4)))])
    return torch.cat([train, train[:7]]), val[rng.permutation(len(val))], near  # some training pictures are there twice


def _shift(n, radius, rng):
    """n shifts of that length."""
    shift = torch.as_tensor(rng.normal(0, 1, (n, 1, 4, 4)))
    return radius * shift / shift.flatten(1).norm(dim=1)[:, None, None, None]
