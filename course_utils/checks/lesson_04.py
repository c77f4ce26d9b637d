"""Checks of the exercises of lesson 04."""

import numpy as np
import pandas as pd
import torch
from torch import nn

from course_utils.checks import exercise
from course_utils.statistics import mean_and_interval


@exercise
def check_4_1(answer):
    """inverted dropout: unbiased, a mask per element, silent in evaluation, and safe at p = 0 and p = 1."""
    rng = np.random.default_rng(0)
    x = np.linspace(1, 2, 400 * 250).reshape(400, 250)
    out = np.asarray(answer(x, 0.2, rng, True))
    if out.shape != x.shape:
        return f"the output has the shape {out.shape}, the input {x.shape}"
    zeros, kept = (out == 0).mean(), out != 0
    if abs(zeros - 0.8) < 0.02:
        return "p is the probability of DROPPING, but 80 % of the values were zero at p = 0.2: you treat it as keeping"
    if abs(zeros - 0.2) > 0.02:
        return f"at p = 0.2 about 20 % of the values must be zero, but {zeros:.0%} were"
    if np.allclose(out[kept], x[kept]):
        return "your mask is right but survivors are not rescaled: the mean output is 1-p times the input"
    if not np.allclose(out[kept], x[kept] / 0.8):
        return "survivors must be divided by 1-p (here multiplied by 1.25)"
    if (kept == kept[0]).all() or (kept == kept[:, :1]).all():
        return "all rows (or all columns) share one mask: draw a random number for every element of x"
    if kept.sum(1).std() < 1 and kept.sum() % 10 == 0:
        return "exactly the same number of units falls in every row: each unit must fall by a coin of its own"
    if not np.array_equal(answer(x, 0.2, rng, False), x):
        return "in evaluation (training=False) the output must be x itself: no mask and no scale"
    with np.errstate(all="ignore"):
        at_one, at_zero = np.asarray(answer(x, 1.0, rng, True)), np.asarray(answer(x, 0.0, rng, True))
    if not np.array_equal(at_one, np.zeros_like(x)):
        return "at p = 1 everything is dropped and the output must be zeros: 0/(1-p) gives NaN there"
    return "" if np.array_equal(at_zero, x) else "at p = 0 nothing is dropped: the output must be x"


@exercise
def check_4_2(answer):
    """each term has variance p/(1-p), and an average of n independent terms divides it by n before the root."""
    n, p = 1000, 0.2
    value, right = float(answer(n, p)), (p / (1 - p) / n) ** 0.5
    rivals = {
        "that is the variance; take its root": p / (1 - p) / n,
        "that is the deviation of one unit; averaging n units divides it by √n": (p / (1 - p)) ** 0.5,
        "p(1-p) is the variance of the mask alone; survivors are scaled by 1/(1-p), which divides by (1-p)²": (p * (1 - p) / n)
        ** 0.5,
        "that is the deviation of the number of dropped units, not of the average activation": (n * p * (1 - p)) ** 0.5,
    }
    for diagnosis, wrong in rivals.items():
        if np.isclose(value, wrong):
            return diagnosis
    return "" if np.isclose(value, right) else f"answer(1000, 0.2) gave {value:.4g}; sampling gives about {right:.4g}"


@exercise
def check_4_3(answer):
    """the function follows module.training: it drops with p = 0.5 in training and is the identity in evaluation."""
    module, x = nn.Module(), torch.ones(200, 200)
    module.train()
    trained = answer(module, x)
    module.eval()
    evaluated = answer(module, x)
    if trained.equal(x):
        return "nothing is dropped in training: pass training=module.training, not False"
    if (evaluated == 0).any():
        return "it still drops in evaluation: F.dropout has training=True by default, so pass training=module.training"
    if torch.allclose(evaluated, x / 2):
        return "inverted dropout needs no scale at test time: the output in evaluation must be x, not (1-p)·x"
    if not evaluated.equal(x):
        return "in evaluation the output must be x itself"
    share = (trained == 0).float().mean().item()
    return "" if abs(share - 0.5) < 0.02 else f"in training half of the values must fall, but {share:.0%} did"


@exercise
def check_4_4(answer):
    """averaging log-probabilities and normalizing again gives the geometric mean, the one that dropout approximates."""
    q = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    value = np.asarray(answer(q))
    mean = np.exp(np.log(q).mean(0))
    if value.shape != (2,):
        return f"the answer must have one number per class, shape (2,), not {value.shape}: average over the first axis"
    if np.allclose(value, q.mean(0)):
        return "that is the arithmetic mean; average the logarithms instead"
    if np.allclose(value, mean):
        return "the geometric mean is right but does not sum to 1: normalize it"
    if np.allclose(value, q.prod(0) / q.prod(0).sum()):
        return "that is the normalized product: take the M-th root (the mean of the logarithms, not their sum)"
    return "" if np.allclose(value, mean / mean.sum()) else f"expected {mean / mean.sum()}, not {value}"


@exercise
def check_4_5(answer):
    """validation chooses, test reports, once, as a mean with its interval over runs."""
    rng, runs = np.random.default_rng(0), [(p, seed) for p in (0.0, 0.3, 0.7) for seed in range(8)]
    scores = pd.DataFrame(runs, columns=["p_drop", "seed"])
    scores["val"] = scores["p_drop"].map({0.0: 70.0, 0.3: 75.0, 0.7: 74.0}) + rng.normal(0, 0.3, 24)
    scores["test"] = scores["p_drop"].map({0.0: 72.0, 0.3: 76.0, 0.7: 78.0}) + rng.normal(0, 0.6, 24)
    scores.loc[20, "val"] = 77.0  # one lucky run at another rate
    chosen, mean, half = answer(scores.copy())
    if chosen == 0.7:
        return "you chose by the test accuracy, or by one lucky run: average `val` over the seeds of each rate"
    at_chosen = scores[scores["p_drop"] == 0.3]
    if chosen != 0.3:
        return f"the highest mean validation accuracy is at p = 0.3, not at {chosen}"
    if np.isclose(mean, at_chosen["val"].mean()):
        return "you report the validation accuracy, which the choice has made too good: report `test` at the chosen rate"
    if not np.isclose(mean, at_chosen["test"].mean()):
        return f"the mean test accuracy at the chosen rate is {at_chosen['test'].mean():.2f}, not {mean:.2f}"
    deviation, right = at_chosen["test"].std(), mean_and_interval(at_chosen["test"])[1]
    if np.isclose(half, deviation) or np.isclose(half, at_chosen["test"].std(ddof=0)):
        return "that is the standard deviation of single runs; the interval of their mean is t · s / √n"
    if np.isclose(half, deviation / 8**0.5):
        return "that is the standard error; multiply by the quantile of Student's t (about 2.4 for 8 runs)"
    return "" if np.isclose(half, right) else f"the half-width is {right:.3f}, not {half:.3f}"
