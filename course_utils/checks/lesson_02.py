"""Checks of the exercises of lesson 02."""

import numpy as np

from course_utils.checks import diagnose


def check_2_1(step=None):
    """Diagnose step(w, grad, lr, weight_decay): gradient descent on L + (λ/2)‖w‖²."""
    rng = np.random.default_rng()
    shapes, rates = ((2, 3), (7,), (4, 5)), ((0.1, 0.2), *rng.uniform(0.05, 0.4, (2, 2)))
    cases = [
        (rng.normal(size=shape), rng.normal(size=shape), float(lr), float(λ))
        for shape, (lr, λ) in zip(shapes, rates, strict=True)
    ]
    mistakes = {
        "the derivative of (λ/2)w² is λw: the 2 of the square cancels the ½":
            lambda w, grad, lr, λ: (1 - lr * λ / 2) * w - lr * grad,
        "the penalty is (λ/2)‖w‖², so its gradient is λw; you decay by 2ηλ, as for λ‖w‖²":
            lambda w, grad, lr, λ: (1 - 2 * lr * λ) * w - lr * grad,
        "you add the penalty itself; a step needs its gradient, one number a weight":
            lambda w, grad, lr, λ: w - lr * (grad + λ / 2 * (w * w).sum()),
        "the learning rate multiplies the gradient of the penalty too: λ alone is not what a step takes off":
            lambda w, grad, lr, λ: (1 - λ) * w - lr * grad,
        "the learning rate is missing in front of the loss's gradient": lambda w, grad, lr, λ: (1 - lr * λ) * w - grad,
        "you decay after the step, so that the gradient is decayed as well; the factor is for w only":
            lambda w, grad, lr, λ: (1 - lr * λ) * (w - lr * grad),
        "the sign of the penalty is wrong: your weights grow": lambda w, grad, lr, λ: (1 + lr * λ) * w - lr * grad,
        "the sign of the loss's gradient is wrong: descent subtracts it": lambda w, grad, lr, λ: (1 - lr * λ) * w + lr * grad,
        "that is a step without penalty: λ does not act in it": lambda w, grad, lr, λ: w - lr * grad,
        "that is the decay alone: the gradient of the loss is missing": lambda w, grad, lr, λ: (1 - lr * λ) * w,
        "that is the gradient of J; take a step against it": lambda w, grad, lr, λ: grad + λ * w,
        "that is what the step takes off; return the new weights": lambda w, grad, lr, λ: lr * (grad + λ * w),
        "that is the proximal step: it takes the penalty's gradient where the step *ends*; take it at `w`, as that of the loss":
            lambda w, grad, lr, λ: (w - lr * grad) / (1 + lr * λ),
        "a division by 1 + ηλ is the penalty's gradient taken where the step ends; take it at `w`":
            lambda w, grad, lr, λ: w / (1 + lr * λ) - lr * grad,
        "you take an exponential: that is what many small steps come to, and one step is 1 − …":
            lambda w, grad, lr, λ: np.exp(-lr * λ) * w - lr * grad,
    }  # fmt: skip
    return diagnose(
        step,
        cases,
        lambda w, grad, lr, weight_decay: (1 - lr * weight_decay) * w - lr * grad,
        mistakes,
        passed="the gradient of the penalty is λw, so that each step multiplies the weights by 1 − ηλ before the loss acts.",
    )


def check_2_2(from_belief=None):
    """Diagnose from_belief(prior, noise, n): the weight_decay of MSELoss whose minimum is the MAP estimate."""
    rng = np.random.default_rng()
    cases = [(0.5, 0.3, 40), *((*map(float, rng.uniform(1.2, 3, 2)), n) for n in (70, 150))]
    mistakes = {
        "that is the λ of half the *sum* of squares; `MSELoss` is a mean without ½": lambda prior, noise, n: (noise / prior) ** 2,
        "the log-likelihood is a sum over the examples, and `MSELoss` a mean: divide by n":
            lambda prior, noise, n: 2 * (noise / prior) ** 2,
        "a factor 2: both terms have a ½, and `MSELoss` has none, but our penalty has":
            lambda prior, noise, n: (noise / prior) ** 2 / n,
        "a factor 4: the two ½ of the belief cancel, the one of (λ/2)‖w‖² does not":
            lambda prior, noise, n: (noise / prior) ** 2 / (2 * n),
        "one factor 2 too many: (λ/2)‖w‖² has a ½ as well, and the squares lose theirs only once":
            lambda prior, noise, n: 4 * (noise / prior) ** 2 / n,
        "divide by n, not by n − 1: nothing is estimated here, a sum becomes a mean":
            lambda prior, noise, n: 2 * (noise / prior) ** 2 / (n - 1),
        "that is the λ of cross-entropy; squares are a log-likelihood only after division by twice the noise's variance":
            lambda prior, noise, n: 1 / (n * prior**2),
        "`noise` and `prior` are standard deviations: the Gaussian has their squares":
            lambda prior, noise, n: 2 * noise / (n * prior),
        "the noise's variance is the square of `noise`": lambda prior, noise, n: 2 * noise / (n * prior**2),
        "the belief's variance is the square of `prior`": lambda prior, noise, n: 2 * noise**2 / (n * prior),
        "upside down: a tight belief, a small `prior`, must give a strong penalty":
            lambda prior, noise, n: 2 * prior**2 / (n * noise**2),
        "the n goes the other way: with more data the same belief is a weaker penalty":
            lambda prior, noise, n: 2 * n * (noise / prior) ** 2,
        "you multiplied by n where the sum has to be divided by it": lambda prior, noise, n: n * (noise / prior) ** 2 / 2,
        "the noise is upside down: the noisier the targets, the more weight has the belief":
            lambda prior, noise, n: 2 / (n * prior**2 * noise**2),
    }  # fmt: skip
    return diagnose(
        from_belief,
        cases,
        lambda prior, noise, n: 2 * noise**2 / (n * prior**2),
        mistakes,
        passed="noisy targets and a tight belief call for a strong penalty, many data for a weak one.",
    )


def check_2_3(meter=None):
    """Diagnose meter(w, grad): the λ that makes ‖grad + λw‖² smallest."""
    rng = np.random.default_rng()

    def near_standstill(n, λ):
        w = rng.normal(size=n)
        return w, -λ * w + 0.3 * λ * rng.normal(size=n)

    cases = [near_standstill(n, λ) for n, λ in ((40, 0.03), (25, rng.uniform(0.1, 0.5)), (60, -rng.uniform(0.5, 2)))]
    mistakes = {
        "the sign: at the minimum the gradient points against w, and λ is positive": lambda w, grad: w @ grad / (w @ w),
        "far from a minimum ⟨w, grad⟩ may be positive: then the best λ is negative, and no absolute value is asked":
            lambda w, grad: abs(w @ grad) / (w @ w),
        "far from a minimum ⟨w, grad⟩ may be positive: then the best λ is negative, and not 0":
            lambda w, grad: max(0.0, -(w @ grad) / (w @ w)),
        "you divide by the length of w; it takes its square": lambda w, grad: -(w @ grad) / np.sqrt(w @ w),
        "you divide by the square of the gradient: λ multiplies w, so w is what you project on":
            lambda w, grad: -(w @ grad) / (grad @ grad),
        "that makes ‖grad/λ + w‖² smallest; asked is the λ for ‖grad + λw‖²": lambda w, grad: -(grad @ grad) / (w @ grad),
        "the ratio of the lengths also counts the part of the gradient that is not along w, and it knows no sign":
            lambda w, grad: np.sqrt(grad @ grad / (w @ w)),
        "a ratio for each weight, averaged: weights near zero blow it up; weigh them as the squares do":
            lambda w, grad: -(grad / w).mean(),
        "you fit a line with an intercept; the equations ∇L = −λw have none": lambda w, grad: -np.polyfit(w, grad, 1)[0],
        "that is the λ of a single weight; all of them have a say": lambda w, grad: -grad[0] / w[0],
        "the median of the ratios is not what makes the sum of squares smallest": lambda w, grad: np.median(-grad / w),
        "one number is asked, not one for each weight": lambda w, grad: -grad / w,
        "a ratio of sums lets weights of either sign cancel: use inner products": lambda w, grad: -grad.sum() / w.sum(),
        "that is the cosine between the two, without their sizes":
            lambda w, grad: -(w @ grad) / np.sqrt((w @ w) * (grad @ grad)),
        "a factor 2: the derivative of λ² is 2λ, and of the mixed term 2⟨w, grad⟩; the 2 cancels":
            lambda w, grad: -2 * (w @ grad) / (w @ w),
        "the division by ⟨w, w⟩ is missing": lambda w, grad: -(w @ grad),
    }  # fmt: skip
    return diagnose(
        meter,
        cases,
        lambda w, grad: -(w @ grad) / (w @ w),
        mistakes,
        passed="it is the regression of −∇L on w, all weights together.",
    )
