"""Typical wrong answers of lesson 02: (answer, part of the diagnosis it must get)."""

import math

import numpy as np


def in_place(w, grad, lr, l2_strength):
    w -= lr * (grad + l2_strength * w)
    return w


WRONG = {
    "check_2_1": [
        (lambda w, g, lr, l2: w - lr * (g + 2 * l2 * w), "as for λ‖w‖²"),
        (lambda w, g, lr, l2: (1 - l2) * w - lr * g, "not 1 − λ"),
        (lambda w, g, lr, l2: (w - lr * g) * (1 - lr * l2), "decay after the step"),
        (lambda w, g, lr, l2: w - lr * (g - l2 * w), "sign of the penalty"),
        (lambda w, g, lr, l2: w - lr * g, "without penalty"),
        (lambda w, g, lr, l2: (1 - lr * l2) * w, "decay alone"),
        (lambda w, g, lr, l2: (1 - lr * l2) * w + lr * g, "sign of the gradient"),
        (lambda w, g, lr, l2: w - lr * (g + l2 / 2 * w), "cancels the ½"),
        (lambda w, g, lr, l2: w - lr * (g + l2 / 2 * (w @ w)), "add the penalty itself"),
        (lambda w, g, lr, l2: (1 - lr * l2) * w - g, "learning rate is missing"),
        (in_place, "changes the weights"),
        (0.98, "could not be used"),
    ],
    "check_2_2": [
        (lambda wd, n: wd, "ignores both differences"),
        (lambda wd, n: n * wd, "has a ½"),
        (lambda wd, n: wd / 2, "MSELoss is a mean"),
        (lambda wd, n: 2 * n * wd, "the other way"),
        (lambda wd, n: wd / (2 * n), "n goes the other way"),
        (lambda wd, n: 2 * wd / n, "inverse function"),
        (lambda wd, n: wd / n, "the ½ of the course's penalty is missing"),
        (lambda wd, n: 2 * wd, "from the mean to the sum"),
        (lambda wd, n: wd * n**2, "it should be 7.5"),
    ],
    "check_2_3": [
        (lambda wd, mu: wd, "only without momentum"),
        (lambda wd, mu: wd / (1 - mu), "the other way"),
        (lambda wd, mu: wd * mu, "1 − μ, not μ"),
        (lambda wd, mu: wd * (1 - mu**2), "1/(1 − μ²)"),
        (lambda wd, mu: wd * (1 - mu) ** 2, "enters once"),
        (lambda wd, mu: wd / mu, "not 1/μ"),
        (lambda wd, mu: wd * (1 + mu), "it should be 0.05"),
    ],
    "check_2_4": [
        (lambda lrs, wd, mu: math.prod(1 - lr * wd for lr in lrs), "momentum is missing"),
        (lambda lrs, wd, mu: math.exp(-sum(lrs) * wd * (1 - mu)), "the other way"),
        (lambda lrs, wd, mu: math.exp(-sum(lrs) * wd * mu), "not μ"),
        (lambda lrs, wd, mu: math.exp(-sum(lrs) * wd / mu), "not 1/μ"),
        (lambda lrs, wd, mu: 1 - math.exp(-sum(lrs) * wd / (1 - mu)), "fraction that is lost"),
        (lambda lrs, wd, mu: math.exp(-len(lrs) * wd), "learning rates are missing"),
        (lambda lrs, wd, mu: (1 - lrs[0] * wd / (1 - mu)) ** len(lrs), "first learning rate"),
        (lambda lrs, wd, mu: math.exp(-sum(lrs) / (1 - mu)), "λ is missing"),
        (lambda lrs, wd, mu: sum(lrs) * wd / (1 - mu), "that is the exponent"),
        (lambda lrs, wd, mu: math.exp(sum(lrs) * wd / (1 - mu)), "sign of the exponent"),
        (lambda lrs, wd, mu: 100 * math.exp(-sum(lrs) * wd / (1 - mu)), "percentage"),
        (lambda lrs, wd: math.exp(-sum(lrs) * wd), "could not be used"),
    ],
    "check_2_5": [
        (lambda noise, prior, n: noise / prior, "half the *sum*"),
        (lambda noise, prior, n: 2 * noise / prior, "divide by n"),
        (lambda noise, prior, n: noise / (n * prior), "a factor 2"),
        (lambda noise, prior, n: 2 * prior / (n * noise), "upside down"),
        (lambda noise, prior, n: 2 * math.sqrt(noise / prior) / n, "do not take their roots"),
        (lambda noise, prior, n: 2 * (noise / prior) ** 2 / n, "do not square"),
        (lambda noise, prior, n: 2 * noise / n, "prior is missing"),
        (lambda noise, prior, n: 2 * noise * n / prior, "n goes the other way"),
        (lambda noise, prior, n: noise / (2 * n * prior), "it should be"),
    ],
    "check_2_6": [
        (lambda x, l2: np.linalg.matrix_rank(x), "number of weights"),
        (lambda x, l2: (s := np.linalg.svd(x, compute_uv=False)).sum() * 0 + (s / (s + l2)).sum(), "their squares"),
        (lambda x, l2: (l2 / (np.linalg.eigvalsh(x.T @ x) + l2)).sum(), "what is lost"),
        (lambda x, l2: np.trace(np.linalg.inv(x.T @ x + l2 * np.eye(x.shape[1]))), "hat matrix"),
        (lambda x, l2: ((d := np.linalg.eigvalsh(x.T @ x / len(x))) / (d + l2)).sum(), "n times too strong"),
        (lambda x, l2: ((d := np.linalg.eigvalsh(x.T @ x)) / (d + 2 * l2)).sum(), "a factor 2"),
        (lambda x, l2: ((d := np.linalg.eigvalsh(2 / len(x) * x.T @ x)) / (d + l2)).sum(), "mean squared error"),
        (lambda x, l2: np.trace(x @ np.linalg.inv(x.T @ x + l2) @ x.T), "every entry"),
        (lambda x, l2: (d := np.linalg.eigvalsh(x.T @ x)) / (d + l2), "one number"),
    ],
}
