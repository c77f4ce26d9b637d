"""Typical wrong answers of the deep dive `08_mixing_and_averaging`: (answer, part of the diagnosis it must get)."""


def _faded(x, targets, share, partner):
    x *= share
    x += (1 - share) * x[partner]
    targets *= share
    targets += (1 - share) * targets[partner]
    return x, targets


WRONG = {
    "check_1": [
        (lambda x, t, share, p: (share * x + (1 - share) * x[p], t), "still says one"),
        (lambda x, t, share, p: ((1 - share) * x + share * x[p], (1 - share) * t + share * t[p]), "the row's own part"),
        (lambda x, t, share, p: (share * x + (1 - share) * x[p], (1 - share) * t + share * t[p]), "opposite proportions"),
        (lambda x, t, share, p: (share * x + (1 - share) * x, share * t + (1 - share) * t), "with itself"),
        (
            lambda x, t, share, p: (share * x + (1 - share) * x[p.argsort()], share * t + (1 - share) * t[p.argsort()]),
            "backwards",
        ),
        (lambda x, t, share, p: (share * x + (1 - share) * x[p], share * t + (1 - share) * t[p.argsort()]), "another order"),
        (_faded, "in place"),
    ],
    "check_2": [
        (lambda average, new, n: (average + new) / 2, "half and half"),
        (lambda average, new, n: average + (new - average) / n, "there are n + 1 now"),
        (lambda average, new, n: (average + new) / (n + 1), "multiply before you add"),
        (lambda average, new, n: 0.9 * average + 0.1 * new, "it forgets"),
    ],
}
