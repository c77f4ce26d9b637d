"""Typical wrong answers of the deep dive `08_gradient_noise`: (answer, part of the diagnosis it must get)."""


def _square(g):
    return ((g - g.mean(0)) ** 2).sum()


WRONG = {
    "check_1": [
        (lambda gradients, batch_size: gradients.var(0, correction=0).sum() / batch_size, "with putting back"),
        (lambda gradients, batch_size: gradients.var(0).sum() / batch_size, "(and squares divided by n - 1)"),
        (lambda g, b: g.var(0).sum() / b * (len(g) - b) / (len(g) - 1), "you divided the squares by n - 1 as well"),
        (lambda g, b: _square(g) / len(g) / b * (1 - b / len(g)), "goes with squares divided by n - 1"),
        (lambda g, b: _square(g) / len(g) * (len(g) - b) / (len(g) - 1), "no 1/B"),
        (lambda g, b: _square(g) / len(g) / b**2 * (len(g) - b) / (len(g) - 1), "1/B²"),
        (lambda g, b: (_square(g) / len(g) / b * (len(g) - b) / (len(g) - 1)) ** 0.5, "the root is too much"),
        (lambda g, b: (g**2).sum(1).mean() / b * (len(g) - b) / (len(g) - 1), "subtract the mean row"),
        (lambda g, b: ((g - g.mean(0)) ** 2).mean() / b * (len(g) - b) / (len(g) - 1), "sum over the weights"),
        (lambda g, b: g.var(0, correction=0) / b * (len(g) - b) / (len(g) - 1), "one number"),
        (lambda g, b: _square(g) / len(g) / b**0.5 * (len(g) - b) / (len(g) - 1), "standard deviation"),
    ],
    "check_2": [
        (lambda lr, batch, passes, new_lr, new_batch: passes, "only if η grows"),
        (lambda lr, batch, passes, new_lr, new_batch: passes * new_batch / batch, "learning rate is missing"),
        (lambda lr, batch, passes, new_lr, new_batch: passes * lr / new_lr, "batch size is missing"),
        (lambda lr, batch, passes, new_lr, new_batch: passes * lr / new_lr * batch / new_batch, "batch size is upside down"),
        (lambda lr, batch, passes, new_lr, new_batch: round(passes * lr / new_lr * new_batch / batch), "no need to round"),
        (lambda lr, batch, passes, new_lr, new_batch: passes * new_lr / lr * new_batch / batch, "learning rate is upside down"),
    ],
}
