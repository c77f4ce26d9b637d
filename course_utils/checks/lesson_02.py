"""Checks of the exercises of lesson 02."""

import math

import numpy as np
import torch

from course_utils.checks import exercise


def _close(a, b):
    a, b = torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64)
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-9, atol=1e-12)


def _first_match(value, mistakes):
    """The diagnosis of the first mistake that gives this value, or ""."""
    return next((diagnosis for wrong, diagnosis in mistakes if _close(value, wrong)), "")


@exercise
def check_2_1(answer):
    """w ← (1 − ηλ)w − η∇L: the penalty has become a factor, and the gradient is the one at the undecayed weights."""
    w, grad, lr, l2 = torch.tensor([2.0, -4.0]).double(), torch.tensor([0.5, 1.0]).double(), 0.1, 0.2
    before = w.clone()
    value = answer(w, grad, lr, l2)
    if not torch.equal(w, before):
        return "your function changes the weights that it is given: return new ones (w = w - …, not w -= …)"
    right = (1 - lr * l2) * before - lr * grad
    mistakes = [
        ((1 - lr * l2 / 2) * w - lr * grad, "the derivative of (λ/2)‖w‖² is λw: the 2 of the square cancels the ½"),
        (w - lr * (grad + l2 / 2 * (w @ w)), "you add the penalty itself; a step needs its gradient, λw, one number a weight"),
        ((1 - lr * l2) * w - grad, "the learning rate is missing in front of the loss's gradient"),
        ((1 - 2 * lr * l2) * w - lr * grad, "the penalty is (λ/2)‖w‖², so its gradient is λw; you decay by 2ηλ, as for λ‖w‖²"),
        ((1 - l2) * w - lr * grad, "the learning rate multiplies the penalty's gradient too: the factor is 1 − ηλ, not 1 − λ"),
        (
            (1 - lr * l2) * (w - lr * grad),
            "you decay after the step, so the gradient is decayed as well; the factor is for w only",
        ),
        ((1 + lr * l2) * w - lr * grad, "the sign of the penalty is wrong: your weights grow; descent subtracts ηλw"),
        (w - lr * grad, "that is a step without penalty: λ does not appear in it"),
        ((1 - lr * l2) * w, "that is the decay alone: the gradient of the loss is missing"),
        ((1 - lr * l2) * w + lr * grad, "the sign of the gradient is wrong: descent subtracts η∇L"),
    ]
    if not _close(value, right):
        return _first_match(value, mistakes) or f"for w = {w.tolist()} you return {value}, but it should be {right.tolist()}"
    return ""


@exercise
def check_2_2(answer):
    """N(MSE + (λ/2)‖w‖²) is the sum of squares + (Nλ/2)‖w‖², so alpha = Nλ/2."""
    decay, n = 0.3, 50
    value = answer(decay, n)
    mistakes = [
        (decay, "alpha = λ ignores both differences: sum instead of mean, and the ½ in front of the penalty"),
        (n * decay, "you have turned the mean into a sum (factor n), but the course's penalty has a ½ that Ridge's has not"),
        (decay / 2, "the ½ is right, but MSELoss is a mean: multiply the whole objective by n to get Ridge's sum"),
        (2 * n * decay, "the ½ goes the other way: (λ/2)‖w‖² is α‖w‖² with α = λ/2, before the factor n"),
        (decay / (2 * n), "the n goes the other way: from the mean to the sum the objective is multiplied by n"),
        (decay / n, "the n goes the other way, and the ½ of the course's penalty is missing"),
        (2 * decay, "the ½ goes the other way, and the step from the mean to the sum (a factor n) is missing"),
        (2 * decay / n, "that is the inverse function: from alpha to weight_decay"),
    ]
    if not _close(value, n * decay / 2):
        return _first_match(value, mistakes) or f"answer(0.3, 50) gave {value}, but it should be {n * decay / 2}"
    return ""


@exercise
def check_2_3(answer):
    """decoupled decay λ with momentum μ ends where the coupled penalty λ(1 − μ) does: a tenth of λ at μ = 0.9."""
    value = answer(0.2, 0.75)
    mistakes = [
        (0.2, "the same λ gives the same end point only without momentum: coupled decay is multiplied up by the running sum"),
        (0.2 / 0.25, "the factor goes the other way: momentum makes coupled decay stronger, so pass less, λ(1 − μ)"),
        (0.2 * 0.75, "the factor is 1 − μ, not μ: at μ = 0 both kinds agree, and your function would return 0"),
        (0.2 * (1 - 0.75) ** 2, "the factor 1 − μ enters once: the running sum multiplies by 1/(1 − μ), not by its square"),
        (0.2 / 0.75, "the factor is 1 − μ, not 1/μ: at μ = 0 both kinds agree, and your function would fail"),
        (0.2 * (1 - 0.75**2), "the gradients are summed as 1 + μ + μ² + … = 1/(1 − μ), not 1/(1 − μ²)"),
    ]
    if not _close(value, 0.05):
        return _first_match(value, mistakes) or f"answer(0.2, 0.75) gave {value}, but it should be 0.05"
    return ""


@exercise
def check_2_4(answer):
    """what remains is nearly exp(−Σηλ/(1 − μ)): below one only as far as Σηλ/(1 − μ) is above zero."""
    lrs, decay, momentum = [0.002] * 1000 + [0.001] * 1000, 0.1, 0.75
    value = float(answer(list(lrs), decay, momentum))
    exponent = sum(lrs) * decay / (1 - momentum)
    right = math.exp(-exponent)
    mistakes = [
        (math.exp(-sum(lrs) * decay), "the momentum is missing: coupled decay goes through the sum, 1/(1 − μ) times as fast"),
        (math.exp(-sum(lrs) * decay * (1 - momentum)), "the factor goes the other way: momentum speeds coupled decay up"),
        (math.exp(-sum(lrs) * decay * momentum), "the factor is 1/(1 − μ), the sum of 1 + μ + μ² + …, not μ"),
        (math.exp(-sum(lrs) * decay / momentum), "the factor is 1/(1 − μ), the sum of 1 + μ + μ² + …, not 1/μ"),
        (1 - right, "that is the fraction that is lost; asked for is the one that remains"),
        (math.exp(-len(lrs) * decay / (1 - momentum)), "each step decays by ηλ, not by λ: the learning rates are missing"),
        (math.exp(-len(lrs) * decay), "each step decays by ηλ, not by λ: the learning rates are missing"),
        (math.exp(-lrs[0] * decay * len(lrs) / (1 - momentum)), "you use the first learning rate for all steps: add them up"),
        (math.exp(-sum(lrs) / (1 - momentum)), "λ is missing: the exponent is −Σηλ/(1 − μ)"),
        (exponent, "that is the exponent Σηλ/(1 − μ); what remains is exp of its negative"),
        (math.exp(exponent), "the sign of the exponent is wrong: a weight without gradient can only shrink"),
        (100 * right, "that is a percentage; return a fraction"),
    ]  # fmt: skip
    if not math.isclose(value, right, rel_tol=1e-2):
        close = [text for wrong, text in mistakes if math.isclose(value, wrong, rel_tol=1e-2)]
        case = "for 1000 steps of 0.002, 1000 of 0.001, λ = 0.1 and μ = 0.75"
        return close[0] if close else f"{case} you return {value:.5g}, but {right:.5g} remains"
    return ""


@exercise
def check_2_5(answer):
    """λ = 2σ²/(Nτ²) for a mean squared error: the same belief is a weaker penalty when there are more data."""
    noise, prior, n = 0.3, 1.7, 40
    value = answer(noise, prior, n)
    mistakes = [
        (noise / prior, "σ²/τ² belongs to half the *sum* of squares; for the mean, divide by n and mind the 2"),
        (2 * noise / prior, "the mean loss is missing: the log-likelihood is a sum over n examples, so divide by n"),
        (noise / (n * prior), "a factor 2: MSELoss has no ½, so the log-posterior is multiplied by 2σ²/n, not σ²/n"),
        (2 * noise * n / prior, "the n goes the other way: with more data the same belief is a weaker penalty"),
        (2 * noise / n, "the prior is missing: a tight prior (small τ²) must give a strong penalty"),
        (2 * prior / (n * noise), "upside down: a tight prior (small τ²) must give a strong penalty"),
        (2 * math.sqrt(noise) / (n * math.sqrt(prior)), "the arguments are variances already: do not take their roots"),
        (2 * noise**2 / (n * prior**2), "the arguments are variances already: do not square them"),
    ]
    if not _close(value, 2 * noise / (n * prior)):
        return _first_match(value, mistakes) or f"answer(0.3, 1.7, 40) gave {value}, but it should be {2 * noise / (n * prior)}"
    return ""


@exercise
def check_2_6(answer):
    """the effective degrees of freedom are Σ d/(d + λ) over the eigenvalues of XᵀX: all features at λ = 0, none at ∞."""
    x, l2 = np.random.default_rng(0).standard_normal((30, 6)) * np.array([3, 2, 1, 1, 0.5, 0.2]), 5.0
    s = np.linalg.svd(x, compute_uv=False)
    d = s**2
    value = answer(x.copy(), l2)
    if np.size(value) > 1:
        return f"you return {np.size(value)} numbers; the degrees of freedom are their sum (or a matrix's trace), one number"
    value = float(value)
    mistakes = [
        (len(d), "that is the number of weights (or the rank): with a penalty the fit uses fewer"),
        ((s / (s + l2)).sum(), "you use singular values of X; the eigenvalues of XᵀX are their squares"),
        ((l2 / (d + l2)).sum(), "you add up what is lost, λ/(d + λ); what is kept is d/(d + λ)"),
        ((1 / (d + l2)).sum(), "that is the trace of (XᵀX + λI)⁻¹; the hat matrix is X(XᵀX + λI)⁻¹Xᵀ"),
        ((d / len(x) / (d / len(x) + l2)).sum(), "your λ is n times too strong: here the loss is a sum, so no n appears"),
        ((2 * d / len(x) / (2 * d / len(x) + l2)).sum(), "(2/n)XᵀX belongs to the mean squared error; here it is XᵀX"),
        (np.trace(x @ np.linalg.inv(x.T @ x + l2) @ x.T), "NumPy adds λ to every entry of XᵀX; only the diagonal gets it, λI"),
        ((d / (d + 2 * l2)).sum(), "a factor 2: for ½‖y − Xw‖² + (λ/2)‖w‖² both halves cancel, d/(d + λ)"),
        ((d / (d + l2) ** 2).sum(), "the denominator is not squared: that is another trace"),
    ]
    right = (d / (d + l2)).sum()
    if not _close(value, right):
        return _first_match(value, mistakes) or f"for a 30 × 6 matrix and λ = 5 you return {value:.4g}, but it is {right:.4g}"
    return ""
