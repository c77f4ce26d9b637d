"""Checks of the exercises of lesson 01."""

import math

import numpy as np

from course_utils.checks import exercise


@exercise
def check_1_1(answer):
    """n = 4 (a(1-a) + b(1-b)) / (a-b)²: halving the difference takes four times the examples."""
    value, va, vb, difference = answer(0.9, 0.7), 0.9 * 0.1, 0.7 * 0.3, 0.2
    right = 4 * (va + vb) / difference**2
    wrong = {
        4 * va / difference**2: "that counts the noise of one model only: the variances of both accuracies add up",
        4 * vb / difference**2: "that counts the noise of one model only: the variances of both accuracies add up",
        4 * (vb - va) / difference**2: "variances add up also where the quantities are subtracted",
        4 * (va - vb) / difference**2: "variances add up also where the quantities are subtracted",
        4 * (math.sqrt(va) + math.sqrt(vb)) ** 2 / difference**2: "standard errors do not add up; variances do",
        2 * math.sqrt(va + vb) / difference: "that is the square root of n: solve difference = 2 standard errors for n",
        2
        * (va + vb)
        / difference**2: "that is half of it: the factor 2 must be squared along with the standard error, and the two "
        "variances are added, not averaged",
        (va + vb) / difference**2: "that makes the difference one standard error; two were asked for",
        4 * (va + vb) / difference: "the difference must be squared: n grows with its inverse square",
        8 * 0.8 * 0.2 / difference**2: "that pools the two accuracies: each model has its own variance",
        1.96**2 * (va + vb) / difference**2: "that is for 1.96 standard errors; two were asked for",
    }
    for number, diagnosis in wrong.items():
        if math.isclose(value, number, rel_tol=1e-6):
            return diagnosis
    if not right - 1e-6 <= value <= right + 1:
        return f"answer(0.9, 0.7) gave {value:.4g}, but 4 · (0.09 + 0.21) / 0.2² is {right:.4g}"
    if not math.isclose(answer(0.7, 0.9), value, rel_tol=1e-6):
        return "answer(0.7, 0.9) differs from answer(0.9, 0.7): the order of the models must not matter"
    return ""


@exercise
def check_1_2(answer):
    """bias² + variance is the mean squared error, because deviations from the mean average to zero."""
    rng = np.random.default_rng(0)
    truth = np.linspace(-1, 1, 7)
    predictions = truth + np.linspace(-0.5, 0.9, 7) + rng.normal(0, [0.2, 1.0, 0.4, 0.3, 0.6, 0.1, 0.8], (9, 7))
    bias2, variance = answer(predictions, truth)
    mean = predictions.mean(0)
    right = ((mean - truth) ** 2).mean(), predictions.var(0).mean()
    if np.shape(bias2) or np.shape(variance):
        return "return two numbers: average over the points at the end"
    if math.isclose(bias2, right[1]) and math.isclose(variance, right[0]):
        return "the two are swapped: return bias² first"
    if math.isclose(bias2, (mean - truth).mean() ** 2) or math.isclose(bias2, (mean - truth).mean()):
        return "the bias is squared at every point before averaging, or positive and negative ones cancel"
    if math.isclose(bias2, abs(mean - truth).mean()):
        return "that is the mean absolute bias; the decomposition holds for its square"
    if math.isclose(bias2, ((predictions - truth) ** 2).mean()):
        return "that is the whole mean squared error: average the predictions over the data sets before subtracting the truth"
    if math.isclose(bias2, ((predictions.mean() - truth) ** 2).mean()):
        return "take the mean over data sets at each point, not over everything"
    if math.isclose(bias2, right[0] * 7) or math.isclose(variance, right[1] * 7):
        return "average over the points, do not add them up"
    if math.isclose(variance, ((predictions - truth) ** 2).mean()):
        return "that is the whole mean squared error: the variance is about the mean prediction, not about the truth"
    if math.isclose(variance, predictions.std(0).mean()):
        return "that is a standard deviation: the decomposition needs its square, the variance"
    if math.isclose(variance, predictions.var(0, ddof=1).mean()):
        return "you divide by n - 1: the identity bias² + variance = MSE needs the average over the n data sets"
    if math.isclose(variance, predictions.var(1).mean()):
        return "that is the variance over the points: the rows are data sets, so take it along axis 0"
    if math.isclose(variance, predictions.var()):
        return "that mixes data sets and points: take the variance over data sets at each point, then average"
    if not np.allclose((bias2, variance), right):
        return f"expected bias² {right[0]:.4f} and variance {right[1]:.4f}, got {bias2:.4f} and {variance:.4f}"
    return ""


@exercise
def check_1_3(answer):
    """choose by validation, report the test accuracy of that one candidate, and look at it once."""
    val = np.array([0.71, 0.84, 0.90, 0.78, 0.60, 0.65])
    test = np.array([0.70, 0.91, 0.83, 0.76, 0.72, 0.61])
    value = answer(val, test)
    if np.size(value) != 1:
        return "return one number"
    value = float(value)
    wrong = {
        test.max(): "that chooses on the test set, alone or with validation: what you selected by is too good by luck",
        val[np.argmax(test)]: "that chooses on the test set: choose by validation, then report the test accuracy",
        2: "that is the number of the candidate: return its test accuracy",
        val.max(): "that is the validation accuracy you selected by, and so too good: report the test accuracy of that candidate",
        test.mean(): "the mean over candidates is honest, but it is not the accuracy of your best model",
        test[np.argmin(val - test)]: "the gap does not choose: take the candidate with the highest validation accuracy",
        test[np.argmin(abs(val - test))]: "the gap does not choose: take the candidate with the highest validation accuracy",
        test.min(): "the worst test accuracy is not honest, it is pessimistic: choose by validation",
    }
    for number, diagnosis in wrong.items():
        if math.isclose(value, number):
            return diagnosis
    if not math.isclose(value, test[2]):
        return f"got {value:.2f}; candidate 2 has the highest validation accuracy, and its test accuracy is {test[2]:.2f}"
    return ""


@exercise
def check_1_4(answer):
    """it stops after `patience` epochs without enough progress and survives ties, NaN and runs that end early."""
    plain = _pair(answer, [1.0, 0.5, 0.6, 0.7, 0.8, 0.4], 2)
    wrong = {
        (5, 1): "it waits one epoch too long: with patience 2 the run ends at the second epoch without progress",
        (3, 1): "one epoch too few: with patience 2 the first epoch without progress is forgiven, and epochs run count from 1",
        (6, 5): "it never stops: that is the best epoch of the full run, which early stopping does not see",
        (4, 3): "the best epoch is the one with the lowest loss, not the last one: its weights must be restored",
        (4, 2): "count the best epoch from 0, as fit does",
        (4, 0.5): "return the best epoch, not its loss",
        (1, 4): "return the number of epochs run first",
    }
    if plain in wrong:
        return wrong[plain]
    if plain != (4, 1):
        return f"for losses 1, .5, .6, .7, .8, .4 and patience 2 you return {plain}; four epochs are run and the best is epoch 1"
    if _pair(answer, [1.0, 0.5, 0.5, 0.5, 0.5], 2) != (4, 1):
        return "a tie is no progress: use <, not <=, or a plateau never ends"
    if _pair(answer, [1.0, 0.5, 0.6, 0.55, 0.58, 0.4], 2) != (4, 1):
        return "compare with the best loss so far, not with the epoch before"
    if _pair(answer, [1.0, 0.9, 0.95, 0.8, 0.85, 0.7], 2) != (6, 5):
        return "the count must start again after each improvement: patience is about epochs in a row"
    if _pair(answer, [math.nan, 0.9, 0.8, math.nan, math.nan, 0.1], 2) != (5, 2):
        return (
            "a loss that is not a number must count as no progress, also in the first epoch, and must not end the run: "
            "any comparison with NaN is False"
        )
    return _margin(answer)


def _margin(answer):
    margin = _pair(answer, [1.0, 0.8, 0.79, 0.78, 0.4], 2, 0.1)
    if margin == (5, 4):
        return "min_delta is not used: from 0.8 to 0.78 the loss falls by less than min_delta = 0.1, which is no progress"
    if margin == (4, 3):
        return "the run ends at the right epoch, but the best epoch is that of the last progress by more than min_delta"
    if margin != (4, 1):
        return f"for losses 1, .8, .79, .78, .4, patience 2 and min_delta 0.1 you return {margin}; expected (4, 1)"
    if _pair(answer, [1.0, 0.94, 0.88, 0.82, 0.76], 2, 0.1) != (5, 4):
        return "small steps add up: compare with the loss of the last progress, not with the lowest loss or the epoch before"
    return ""


@exercise
def check_1_5(answer):
    """λ* = 2σ²/(Nτ²): the 2 from the missing ½, the N from the mean, the ratio from noise and prior."""
    value, noise, prior, n = answer(0.6, 0.2, 50), 0.6**2, 0.2**2, 50
    wrong = {
        noise / (n * prior): "that is λ* with ½ before the sum; MSELoss has none, so the penalty must be twice as large",
        noise / prior: "that is λ* of the summed loss with ½; a mean loss divides by N, and MSELoss has no ½",
        2 * noise / prior: "that is λ* of the summed loss: a mean loss divides by N, and so must λ",
        2 * noise * n / prior: "N stands in the wrong place: with more data the penalty of a mean loss falls",
        2 * 0.6 / (n * 0.2): "variances, not standard deviations: both are squared",
        2 * prior / (n * noise): "upside down: more noise needs more penalty, a wider prior needs less",
        noise / (2 * n * prior): "the 2 goes the other way: doubling the data term needs a doubled penalty",
        n * noise / prior: "N stands in the wrong place, and the 2 for the missing ½ is not there",
        2 * noise / (n * 0.2): "prior_std is the standard deviation τ: square it as well",
        2 * noise / n * prior: "Python divides by n and then multiplies by τ²: put n * prior_std**2 in parentheses",
        noise / (n**2 * prior): "N enters once: the mean loss is the summed loss divided by N",
        0.6 / 0.2: "variances, not standard deviations; and the mean loss divides by N, with no ½ before it",
    }
    for number, diagnosis in wrong.items():
        if math.isclose(value, number, rel_tol=1e-6):
            return diagnosis
    if not math.isclose(value, 2 * noise / (n * prior), rel_tol=1e-6):
        return f"answer(0.6, 0.2, 50) gave {value:.4g}, but 2 · 0.36 / (50 · 0.04) is {2 * noise / (n * prior):.4g}"
    return ""


def _pair(answer, losses, patience, min_delta=0.0):
    n_epochs, best_epoch = answer(list(losses), patience, min_delta)
    return n_epochs, best_epoch
