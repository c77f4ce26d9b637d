# %% [markdown]
# # Deep dive 01 · Double descent
#
# **Past the perfect fit: why can a model with far more parameters than data do well, and who regularized it?**
#
# Lesson 01 gave the thermometer's curve more and more coefficients, until it passed through every reading. Simpler curves did
# better on new ones, so a careful person stops there. Let us go on.
#
# Below are three curves with several times as many coefficients as readings. All have training error 0. Nothing in the data
# prefers one. Which of them would your program return, and who told it to?
#
# *{minutes} minutes. You need lesson 01 and singular values. One question to warm up:*
#
# <details><summary>What are bias and variance of a fit, over many training sets?</summary>
# How far the mean fit misses the truth (squared), and how far single fits stray from their mean.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw
n_train: int = 100  # [40, 100] training digits of a group
n_runs: int = 10  # [3, 10] groups, each with its own digits, features and lies
lies: float = 0.2  # [0, 0.6] share of wrong labels
start_size: float = 1.0  # [0, 10] standard deviation of the weights in a random start
n_steps: int = 1000  # [10, 10000] steps of gradient descent and of Adam
device: str = "cpu"  # {"cpu", "cuda"} where these two run

# %% tags=["fold"]
# imports; groups of training digits, some with wrong labels; digits that choose (val) and digits that only report (new)
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter

from course_utils.checks.deeper import d01_double_descent as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.parameters import check_parameters
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("01.double_descent")
digits = load("digits", n_train=1000, n_val=297, n_test=500, seed=seed)
centre = digits.train[0].double().mean(0)
(x, y), val, new = (((images.double() - centre).flatten(1).numpy(), labels.numpy()) for images, labels in digits[:3])
groups = [slice(k * n_train, (k + 1) * n_train) for k in range(n_runs)]
rngs = [np.random.default_rng([seed, k]) for k in range(n_runs)]
told = [np.where(rng.random(n_train) < lies, (y[g] + rng.integers(1, 10, n_train)) % 10, y[g]) for rng, g in zip(rngs, groups)]
ratios = [0.125, 0.25, 0.5, 0.75, 0.875, 1, 1.125, 1.25, 1.5, 2, 4, 8]
sizes = [round(ratio * n_train) for ratio in ratios]
layers = [rng.standard_normal((64, sizes[-1])) / 8 for rng in rngs]


def wrong(scores, labels):
    return (scores.argmax(-1) != labels).mean(-1)


# %% tags=["fold"]
# the situation: three curves through the same readings, with as many coefficients
hours, at = 24 * (np.arange(9) + 0.5) / 9, np.linspace(0, 24, 500)
waves = np.arange(1, 26)


def curve_features(h, power):
    angle = 2 * np.pi * h[:, None] * waves / 24
    return np.hstack([np.ones((len(h), 1)), np.cos(angle) / waves**power, np.sin(angle) / waves**power])


readings = 8 + 10 * np.exp(2 * np.cos(2 * np.pi * (hours - 14) / 24) - 2)
begin = 25 * np.random.default_rng(3).standard_normal(51)
fig, ax = plt.subplots(figsize=(8.6, 2.8))
for style, start, power in (("C0-", 0, 1.5), ("C1--", begin, 1.5), ("C2:", 0, 0)):
    at_readings = curve_features(hours, power)
    unseen = start - np.linalg.lstsq(at_readings, at_readings @ (start + 0 * begin))[0]
    ax.plot(at, curve_features(at, power) @ (np.linalg.lstsq(at_readings, readings)[0] + unseen), style)
ax.plot(hours, readings, "o", color="black")
ax.set(xlabel="hour", ylabel="degrees", xticks=range(0, 25, 6), title=f"{len(begin)} coefficients, {len(hours)} readings")
show(
    fig,
    alt="Nine readings of a temperature over a day and three curves through all of them: one calm, one swinging wildly between, "
    "one a row of spikes.",
    reading="All three curves are exact at every reading. They differ only where nobody looked.",
)

# %% [markdown]
# ## 1 · Past the peak
#
# A reader of digits, made to be taken apart: `n_train` training digits, some told a wrong label, and $D$ **random features**,
# which are the hidden layer of a network that nobody trained. Only the output weights are fitted, by least squares, so that the
# ten scores of each digit come close to its label.


# %%
def features(x, layer, size):
    return np.maximum(x @ layer[:, :size], 0) * np.sqrt(2 / size)


def targets(labels):
    return np.eye(10)[labels] - 0.1


def fit(phi, t):
    return np.linalg.lstsq(phi, t)[0]


# %% [markdown]
# With $D\ge n$ features it can fit all labels exactly, the lies included. **Predict.** With a quarter as many features as
# digits, just as many, and eight times as many: in which order of mistakes on *new* digits? (Validation digits will choose
# where there is a choice; the new ones only report.)

# %%
prediction = None  # such as ("quarter", "same", "eight"), the fewest mistakes first

# %%
fits = [[fit(features(x[g], layer, size), targets(told[k])) for size in sizes]
        for k, (g, layer) in enumerate(zip(groups, layers))]  # fmt: skip

# %% tags=["fold"]
# figure: training error, error on new digits, and the variance of the scores, against the number of features
shown = [size for size, ratio in zip(sizes, ratios) if ratio in (0.125, 0.25, 0.5, 1, 2, 4, 8)]
new_scores = np.array([[features(new[0], layer, size) @ w for size, w in zip(sizes, row)] for layer, row in zip(layers, fits)])
val_error = np.array(
    [[wrong(features(val[0], layer, size) @ w, val[1]) for size, w in zip(sizes, row)] for layer, row in zip(layers, fits)]
)  # (groups, sizes)
train_error = np.array(
    [
        [wrong(features(x[g], layer, size) @ w, labels) for size, w in zip(sizes, row)]
        for g, layer, row, labels in zip(groups, layers, fits, told)
    ]
)
new_error = wrong(new_scores, new[1])
squared = ((new_scores - targets(new[1])) ** 2).sum(-1).mean((0, 2))
variance = new_scores.var(0, ddof=1).sum(-1).mean(1)
peak, quarter, last = ratios.index(1), ratios.index(0.25), len(ratios) - 1
smallest = [np.linalg.svd(features(x[groups[0]], layers[0], sizes[i]), compute_uv=False)[-1] for i in (quarter, peak, last)]
fig, axes = plt.subplots(1, 2, figsize=(8.8, 3.6))
for values, style, label in ((new_error, "C0o-", "new digits"), (train_error, "C1s--", "training digits, as labelled")):
    mean, half = np.array([mean_and_interval(column)[:2] for column in values.T]).T
    axes[0].errorbar(sizes, mean, half, fmt=style, capsize=2, markersize=4, label=f"{label} (95 %, n = {n_runs})")
axes[0].axvline(n_train, color="0.5", linestyle=":", linewidth=1)
axes[0].set(ylabel="wrong answers", ylim=(-0.03, 1.2), yticks=np.arange(0, 1.1, 0.2))
axes[0].set_title(" → ".join(f"{new_error[:, i].mean():.0%}" for i in (quarter, peak, last)) + f" at {sizes[quarter]}, "
                  f"{sizes[peak]}, {sizes[last]} features")  # fmt: skip
axes[0].yaxis.set_major_formatter(PercentFormatter(1))
axes[1].plot(sizes, squared, "o-", markersize=4, label="squared error on new digits")
axes[1].plot(sizes, variance, "^:", color="C2", markersize=4, label="of this, variance")
axes[1].set(yscale="log", ylabel="sum over the ten scores", title=f"Variance: {variance[peak] / squared[peak]:.0%} of the peak")
axes[1].set_ylim(None, 100 * squared.max())
for ax in axes:
    ax.set(xscale="log", xlabel="features D", xticks=shown)
    ax.set_xticklabels(ax.get_xticks())
    ax.minorticks_off()
    ax.legend(fontsize=8, loc="upper left" if ax is axes[1] else "upper center")
order = tuple(np.array(["quarter", "same", "eight"])[np.argsort(new_error[:, [quarter, peak, last]].mean(0))])
reply = f" You said {prediction}." if prediction else ""
known = [size for size, errors in zip(sizes, train_error.T) if not errors.any()]
knows = f"From {known[0]} features every training label is read back." if known else ""
show(
    fig,
    alt="Left: error on training digits falls to zero, error on new digits has a sharp peak where features equal digits. Right: "
    "squared error and variance on a log scale, with the same peak.",
    reading=f"Fewest mistakes first: {', '.join(order)}.{reply} {knows} From the dotted line on, all ten scores are "
    f"exact. The smallest singular value of the features is {smallest[0]:.2g} at {sizes[quarter]} of them, "
    f"{smallest[1]:.2g} at {sizes[peak]} and "
    f"{smallest[2]:.2g} at {sizes[last]}.",
)

# %% tags=["fold"]
# claims 01.double_descent.1 and 2: the peak; and the best sizes on both sides of it, each chosen by validation
before, beyond = slice(0, peak), slice(peak + 1, None)
run = np.arange(n_runs)
best_before = new_error[run, val_error[:, before].argmin(1)]
best_beyond = new_error[run, peak + 1 + val_error[:, beyond].argmin(1)]
claims.compare(
    "01.double_descent.1",
    "With as many features as digits the fit makes over one and a half times as many mistakes on new digits as with a quarter, "
    "or with eight times as many.",
    new_error[:, peak],
    np.maximum(new_error[:, quarter], new_error[:, last]),
    factor=1.5,
    names=("as many", "the worse of the two"),
    unit="points",
    over="groups of training digits",
    source="Belkin et al. 2019, arXiv:1812.11118",
)
claims.compare(
    "01.double_descent.2",
    "Past the peak, exact fits of all labels, lies included, make fewer mistakes on new digits than fits with too few features "
    "to be exact, with both sizes chosen by validation.",
    best_before,
    best_beyond,
    names=("too few features", "exact fit"),
    unit="points",
    over="groups of training digits",
    source="Belkin et al. 2019, arXiv:1812.11118",
)

# %% [markdown]
# The old advice is right about the peak, and about the road that leads to it. Why is there one? With the singular values
# $s_k$ of the features and their directions $u_k, v_k$,
#
# $$w = \sum_k \frac{u_k^\top t}{s_k}\,v_k .$$
#
# What a label adds in direction $k$, truth or lie, is divided by $s_k$. A random square matrix nearly always has one tiny $s_k$:
# as many knobs as demands, and one demand is met by turning a knob that hardly does anything, very far. With fewer knobs the
# hard demands are simply not met; with more, they become easy. This is **double descent** (Belkin et al. 2019); trained
# ResNets and transformers show it too, most clearly with wrong labels, without early stopping or regularization (Nakkiran et
# al. 2020).
#
# ## 2 · Which perfect fit?
#
# With more features than digits there are infinitely many perfect fits. `lstsq` returned one and did not say which. Its manual
# does: the one with the **smallest** $\lVert w\rVert$. So somebody did regularize.
#
# "But I use gradient descent, which knows nothing of that." Does it? A step moves the weights by
# $-\eta\,\Phi^\top(\Phi w-t)$, where $\Phi$ (n × D) are the features: always a mixture of the *rows* of $\Phi$, one a
# digit.
#
# ### Exercise 1 · Where does it end?
#
# `phi` is (n, D) with D > n, `t` is (n, 10), `start` is (D, 10). Gradient descent runs until the fit is perfect. Return
# the weights where it ends, without a loop. Your formula will find most of the fits below.
#
# <details><summary>Hint 1</summary>It ends at start + phi.T @ a for some a of shape (n, 10), and there phi @ w = t. Put one into
# the other.</details>
# <details><summary>Hint 2</summary>That is n equations for a, with the n × n matrix phi @ phi.T: `np.linalg.solve`.</details>


# %% tags=["stub"]
def ends_at(phi, t, start): ...


checks.check_1(ends_at)


# %% tags=["solution"]
def ends_at(phi, t, start):
    a = np.linalg.solve(phi @ phi.T, t - phi @ start)
    return start + phi.T @ a


checks.check_1(ends_at)

# %% [markdown]
# From `start = 0` the end lies in the span of the rows; any other perfect fit adds something at right angles to it, and is
# longer. **So from zero, gradient descent finds the smallest perfect fit, unasked.** From elsewhere, what the start has at
# right angles to the rows stays for ever: no digit sees it. Let it run, for all groups at once:


# %%
def descend(optimizer, start):
    w = start.clone().requires_grad_()
    optimizer = optimizer([w])
    for _ in range(n_steps):
        w.grad = Φ.mT @ (Φ @ w.detach() - T)
        optimizer.step()
    return w.detach()


def gradient_descent(weights):  # with momentum: faster, and still a sum of gradients
    return torch.optim.SGD(weights, lr=1 / top, momentum=0.95)


# %% [markdown]
# **Predict.** All of these read their training digits perfectly. Which makes the fewest mistakes on new ones: gradient descent
# from zero, gradient descent from a random start, or **Adam** from zero?

# %%
prediction = None  # "zero", "random", "Adam" or "a tie"


# %% tags=["fold"]
# ours, in case yours is open; the three descents, and other perfect fits by the formula
def our_ends_at(phi, t, start):
    return start + phi.T @ np.linalg.solve(phi @ phi.T, t - phi @ start)


passed = checks.check_1(ends_at).startswith("passed")
formula, whose = (ends_at, "your") if passed else (our_ends_at, "our")
wide = sizes[-1]
phis = [features(x[g], layer, wide) for g, layer in zip(groups, layers)]
new_phis = [features(new[0], layer, wide) for layer in layers]
starts = [rng.standard_normal((wide, 10)) for rng in rngs]
Φ, T = torch.tensor(np.array(phis), device=device), torch.tensor(np.array([targets(labels) for labels in told]), device=device)
zero, random = torch.zeros(n_runs, wide, 10, dtype=torch.double, device=device), torch.tensor(np.array(starts), device=device)
top = torch.linalg.eigvalsh(Φ @ Φ.mT).max().item()
found = {
    "gradient descent from 0": descend(gradient_descent, zero),
    "gradient descent from a random start": descend(gradient_descent, start_size * random),
    "Adam from 0": descend(lambda weights: torch.optim.Adam(weights, lr=0.005), zero),
}
found = {name: w.cpu().numpy() for name, w in found.items()}


def formula_from(size):
    return np.array([np.asarray(formula(p, targets(k), size * s)) for p, k, s in zip(phis, told, starts)])


def in_units(factor):
    scale = np.where(np.arange(wide) < n_train, factor, 1.0)
    ends = [np.asarray(formula(p * scale, targets(k), 0 * s)) for p, k, s in zip(phis, told, starts)]
    return scale[:, None] * np.array(ends)


def judged(w):
    """(length, mistakes on new digits) of each group's weights."""
    return np.linalg.norm(w, axis=(1, 2)), np.array([wrong(p @ v, new[1]) for p, v in zip(new_phis, w)])


ends = {"gradient descent from 0": formula_from(0), "gradient descent from a random start": formula_from(start_size)}
for name, w in found.items():
    labels = [wrong(p @ v, k) for p, v, k in zip(phis, w, told)]
    off = f", {np.abs(w - ends[name]).max():.0e} from where {whose} formula puts it" if name in ends else ""
    print(f"{name:37} {np.mean(labels):.0%} of the labels wrong{off}")

# %% tags=["fold"]
# figure: mistakes on new digits against the length of the weights, for many perfect fits
fig, ax = plt.subplots()
paths = {
    "gradient descent from starts of growing size": ("C0o-", [formula_from(s) for s in (0, 0.3, 1, 2, 4)]),
    "from 0, some features in ever larger units": ("C2^:", [in_units(c) for c in (1, 3, 10, 30, 100)]),
    "Adam from 0": ("C1s", [found["Adam from 0"]]),
}
for label, (style, weights) in paths.items():
    lengths, mistakes = np.array([judged(w) for w in weights]).transpose(1, 0, 2)
    mean, half = np.array([mean_and_interval(row)[:2] for row in mistakes]).T
    ax.errorbar(lengths.mean(1), mean, half, fmt=style, capsize=2, label=label)
length, mistakes = {}, {}
for name, w in found.items():
    length[name], mistakes[name] = judged(w)
a, b, c = (values.mean() for values in mistakes.values())
ax.set(xscale="log", xlabel="length of the weights", ylabel="new digits, wrong")
low, high = ax.get_xlim()
ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if low <= tick <= high]
ax.set_xticks(ticks, [str(tick) for tick in ticks])
ax.minorticks_off()
ax.set_title(f"Perfect fits err on {a:.0%} from 0, {b:.0%} from a random start, {c:.0%} by Adam", fontsize=10)
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend(fontsize=8, title=f"{wide} features, mean and 95 % (n = {n_runs})", title_fontsize=8)
names = list(mistakes)
by_adam = mean_and_interval(mistakes[names[2]] - mistakes[names[0]])
reply = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Mistakes on new digits against the length of the weights, for perfect fits from growing starts, in changed units, and "
    "by Adam; both curves rise with length.",
    reading=f"Every point has training error 0 or nearly. Adam's fit is "
    f"{length[names[2]].mean() / length[names[0]].mean():.2f} times as long as the smallest; its mistakes differ by "
    f"{100 * by_adam[0]:+.1f} ± {100 * by_adam[1]:.1f} points, those from the random start of size {start_size:g} by "
    f"{100 * (b - a):+.1f} (PyTorch's own start would have size {1 / 6**0.5:.1f}).{reply}",
)

# %% tags=["fold"]
# claim 01.double_descent.3: two starts, the same data, the same training error
claims.compare(
    "01.double_descent.3",
    "From a random start, gradient descent ends in a fit as perfect as from zero, and makes more mistakes on new digits.",
    mistakes[names[1]],
    mistakes[names[0]],
    names=("from a random start", "from zero"),
    unit="points",
    over="groups of training digits",
    source="Zhang et al. 2017, arXiv:1611.03530, for where it ends",
)

# %% [markdown]
# The data leave the choice open, so something else makes it: the start, the optimizer, and the units. For the triangles, the
# first n features are multiplied by 3 to 100. The model can still do exactly the same, and length is measured in the old units;
# but large features are cheap to use, and using them alone is the peak of section 1. So length itself is not the cause: in
# other units, other fits are the short ones. Adam's preference is another again; Wilson et al. (2017) built data on which it is
# a bad one.
#
# Now you know the three curves of the beginning. The solid one starts from zero, with fast waves drawn small, so that they are
# dear to use; the dashed one starts at random; the dotted one starts from zero too, with all waves equally large.
#
# ## 3 · Ask for it
#
# What one gets unasked, one can also ask for, and in a dose. **Ridge** minimizes
# $\tfrac12\lVert\Phi w-t\rVert^2+\tfrac\lambda2\lVert w\rVert^2$: no perfect fit any more, but instead of $1/s_k$ stands
# $s_k/(s_k^2+\lambda)$, and a tiny $s_k$ does no harm. For $\lambda\to0$ the smallest perfect fit is back.


# %%
def ridge(phi, t, λ):
    gram = phi @ phi.T
    return phi.T @ np.linalg.solve(gram + λ * np.eye(len(gram)), t)


# %% [markdown]
# **Predict.** For every number of features, validation chooses λ, and 0 is among the choices. What is left of the peak?

# %%
prediction = None  # "most of it", "a hill" or "nothing"

# %% tags=["fold"]
# the smallest fit and the tuned ridge for every size, told lies and told the truth
strengths = np.logspace(-4, 1, 11)


def both_errors(k, labels, size):
    """Mistakes on (val, new) of the smallest fit and of the ridge that val chooses, and its λ."""
    phi, at_val, at_new = (features(part, layers[k], size) for part in (x[groups[k]], val[0], new[0]))
    t = targets(labels)
    weights = [fit(phi, t), *(ridge(phi, t, λ) for λ in strengths)]
    on_val = np.array([wrong(at_val @ w, val[1]) for w in weights])
    chosen = int(on_val.argmin())
    on_new = [wrong(at_new @ weights[i], new[1]) for i in (0, chosen)]
    return on_val[0], on_new[0], on_val[chosen], on_new[1], np.r_[0, strengths][chosen]


def over_sizes(labels):
    return np.array([[both_errors(k, labels[k], size) for size in sizes] for k in range(n_runs)]).transpose(2, 0, 1)


told_lies, told_truth = over_sizes(told), over_sizes([y[g] for g in groups])  # each (5, groups, sizes)

# %% tags=["fold"]
# figure: smallest fit and tuned ridge against the number of features
fig, axes = plt.subplots(1, 2, figsize=(8.8, 3.6), sharey=True)
for ax, results, title in zip(axes, (told_lies, told_truth), (f"{lies:.0%} lies", "True labels")):
    for values, style, label in ((results[1], "C0o--", "smallest fit"), (results[3], "C1s-", "ridge, λ by validation")):
        mean, half = np.array([mean_and_interval(column)[:2] for column in values.T]).T
        ax.errorbar(sizes, mean, half, fmt=style, capsize=2, markersize=4, label=f"{label} (95 %, n = {n_runs})")
    ax.set(
        xscale="log",
        xlabel="features D",
        ylim=(0, 1.15),
        yticks=np.arange(0, 1.1, 0.2),
        xticks=shown,
    )
    ax.set_xticklabels(ax.get_xticks())
    ax.minorticks_off()
    ax.set_title(f"{title}: {results[1, :, peak].mean():.0%} against {results[3, :, peak].mean():.0%} at {n_train} features")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
axes[0].set_ylabel("new digits, wrong")
axes[0].legend(fontsize=8)


def best(results, side):
    """Mistakes on new digits at the size that validation chooses; side 0: smallest fit, 2: ridge."""
    return results[side + 1][run, results[side].argmin(1)]


rise = max(0.0, np.diff(told_lies[3].mean(0)).max())
tie = mean_and_interval(told_truth[1, :, last] - told_truth[3, :, last])
reply = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Error on new digits against the number of features for the smallest fit, with a peak, and for tuned ridge, without; "
    "told lies on the left, told the truth on the right.",
    reading=f"From one size to the next the tuned ridge errs at most {100 * rise:.1f} points more, on average; its median λ is "
    f"{np.median(told_lies[4, :, peak]):.2g} at {n_train} features and {np.median(told_lies[4, :, last]):.2g} at {sizes[last]}. "
    f"Told lies, best size "
    f"of each: {best(told_lies, 0).mean():.1%} against {best(told_lies, 2).mean():.1%} with ridge. Told the truth, {sizes[last]} "
    f"features: {told_truth[1, :, last].mean():.1%} against {told_truth[3, :, last].mean():.1%}, a difference of "
    f"{100 * tie[0]:.1f} ± {100 * tie[1]:.1f} points "
    f"({(told_truth[4, :, last] == 0).sum()} of {n_runs} chose λ = 0).{reply}",
)

# %% tags=["fold"]
# claims 01.double_descent.4 to 6: the peak under ridge; best sizes, told lies; the largest size, told the truth
claims.compare(
    "01.double_descent.4",
    "With as many features as digits, a λ chosen by validation makes less than half of the mistakes on new digits.",
    told_lies[1, :, peak],
    told_lies[3, :, peak],
    factor=2,
    names=("perfect fit", "ridge"),
    unit="points",
    over="groups of training digits",
    source="Nakkiran et al. 2021, arXiv:2003.01897",
)
claims.compare(
    "01.double_descent.5",
    "Told lies, ridge makes fewer mistakes on new digits than the smallest fit, with λ and both sizes chosen by validation.",
    best(told_lies, 0),
    best(told_lies, 2),
    names=("smallest fit", "ridge"),
    unit="points",
    over="groups of training digits",
)
claims.same(
    "01.double_descent.6",
    "Told the truth, with eight times as many features as digits, the smallest fit and ridge differ by less than two points.",
    told_truth[1, :, last],
    told_truth[3, :, last],
    margin=0.02,
    names=("smallest fit", "ridge"),
    unit="points",
    over="groups of training digits",
    myth="A model with zero training error is overfit to the training data and will typically generalize poorly.",
    myth_source="Hastie, Tibshirani, Friedman 2009, The Elements of Statistical Learning, section 7.2",
)

# %% [markdown]
# With lies the textbook's warning holds: a perfect fit repeats them, and ridge need not. What is wrong is only to blame the
# number of features, or the zero. (Even true labels make a peak: what few features cannot express acts like noise.)
#
# So the peak is what a *missing* regularizer looks like. Nakkiran et al. (2021) prove, for certain linear models of isotropic
# data, that with the best λ neither more data nor more parameters ever hurt. What comes unasked is a dose that you did not
# choose: the right ends of the two panels show where it was enough. (It can even be too much: Kobak et al. 2020 found data
# whose best λ is zero or negative.)
#
# ## What to take along
#
# * A perfect fit is no verdict. Among many, look at which one you got, and who chose it.
# * From zero, gradient descent on a linear model ends in the smallest perfect fit; start, optimizer and units change that.
# * The peak stands where the fit is *just* possible. A tuned λ takes it away.
#
# Networks whose hidden layers train too are no linear models, and what *their* descent prefers is not settled by this dive.
#
# **On your own model:** before you blame its size for a bad result, tune λ at that size, and look at one number: validation
# error at twice the width, with λ tuned again. If it rises by more than luck, tune the learning rate at that width too before
# you blame the width.
#
# **References.** Belkin et al. 2019, [arXiv:1812.11118](https://arxiv.org/abs/1812.11118) ·
# Hastie et al. 2019, [arXiv:1903.08560](https://arxiv.org/abs/1903.08560), the theory of the smallest fit ·
# Nakkiran et al. 2020, [arXiv:1912.02292](https://arxiv.org/abs/1912.02292) ·
# Nakkiran et al. 2021, [arXiv:2003.01897](https://arxiv.org/abs/2003.01897) ·
# Zhang et al. 2017, [arXiv:1611.03530](https://arxiv.org/abs/1611.03530) ·
# Wilson et al. 2017, [arXiv:1705.08292](https://arxiv.org/abs/1705.08292) ·
# Kobak et al. 2020, [arXiv:1805.10939](https://arxiv.org/abs/1805.10939)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {
    "error_quarter": new_error[:, quarter].mean(),
    "error_peak": new_error[:, peak].mean(),
    "error_eight": new_error[:, last].mean(),
    "ridge_peak": told_lies[3, :, peak].mean(),
    "random_start": mistakes[names[1]].mean(),
    "adam": mistakes[names[2]].mean(),
}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (25).** 2 hook: let everyone point at "their" curve · 7 section 1, vote before the figure · 8 the exercise, in
# pairs · 6 section 3 · 2 wrap-up. **Ask before running:** if two fits have training error 0, what could a program use to
# prefer one? **Expect:** "from a random start it forgets where it began" (only along the rows); "Adam is gradient descent with a
# better step" (it leaves the rows' span). **When short:** the triangles, and the true labels of section 3.
