"""Typical wrong answers of lesson 02: (answer, part of the diagnosis it must get)."""

import numpy as np

WRONG = {
    "check_2_1": [
        (lambda w, grad, lr, weight_decay: w - lr * (grad + 2 * weight_decay * w), "as for λ‖w‖²"),
        (lambda w, grad, lr, weight_decay: w - lr * (grad + weight_decay / 2 * w), "cancels the ½"),
        (lambda w, grad, lr, weight_decay: (1 - weight_decay) * w - lr * grad, "λ alone"),
        (lambda w, grad, lr, weight_decay: (w - lr * grad) * (1 - lr * weight_decay), "decay after the step"),
        (lambda w, grad, lr, weight_decay: w - lr * (grad - weight_decay * w), "your weights grow"),
        (lambda w, grad, lr, weight_decay: w - lr * grad, "without penalty"),
        (lambda w, grad, lr, weight_decay: w - lr * (grad + weight_decay / 2 * np.sum(w**2)), "penalty itself"),
        (lambda w, grad, lr, weight_decay: grad + weight_decay * w, "gradient of J"),
        (lambda w, grad, lr, weight_decay: w - lr * (grad + weight_decay * np.sign(w)), "of them wrong"),
        (lambda w, grad, lr, weight_decay: (w - lr * grad) / (1 + lr * weight_decay), "proximal step"),
        (lambda w, grad, lr, weight_decay: w / (1 + lr * weight_decay) - lr * grad, "division by 1 + ηλ"),
        (lambda w, grad, lr: w - lr * grad, "takes 3 arguments"),
    ],
    "check_2_2": [
        (lambda prior, noise, n: noise**2 / prior**2, "half the *sum*"),
        (lambda prior, noise, n: noise**2 / (n * prior**2), "a factor 2"),
        (lambda prior, noise, n: 2 * noise**2 / prior**2, "divide by n"),
        (lambda prior, noise, n: 1 / (n * prior**2), "λ of cross-entropy"),
        (lambda prior, noise, n: 2 * noise / prior / n, "standard deviations"),
        (lambda prior, noise, n: 2 * prior**2 / noise**2 / n, "upside down"),
        (lambda prior, noise, n: noise**2 / (2 * n * prior**2), "a factor 4"),
        (lambda prior, noise, n: 2 * noise**2 / ((n - 1) * prior**2), "not by n − 1"),
        (lambda prior, noise, n: 4 * noise**2 / (n * prior**2), "one factor 2 too many"),
    ],
    "check_2_3": [
        (lambda w, grad: (w * grad).sum() / (w * w).sum(), "the sign"),
        (lambda w, grad: np.linalg.norm(grad) / np.linalg.norm(w), "ratio of the lengths"),
        (lambda w, grad: np.mean(-grad / w), "averaged"),
        (lambda w, grad: -grad / w, "one number is asked"),
        (lambda w, grad: -np.cov(w, grad)[0, 1] / np.var(w, ddof=1), "an intercept"),
        (lambda w, grad: -(grad / w)[0], "a single weight"),
        (lambda w, grad: -(w @ grad) / np.linalg.norm(w), "it takes its square"),
        (lambda w, grad: abs(w @ grad) / (w @ w), "no absolute value"),
        (lambda w, grad: max(0, -(w @ grad) / (w @ w)), "and not 0"),
        (lambda w, grad: -(w @ grad) / len(w), "too"),
    ],
}
