# %% [markdown]
# # 01 · Overfitting
#
# **When does low training error lie?**
#
# Two networks for reading digits are for sale, A and B. Both learned from the same pictures, but for one of them a prankster
# had shuffled the labels, and nobody remembers for which. All that the sellers tell you is the training error: hardly any
# wrong, they say, for either. What does that number hide?
#
# You will write the step that trains every network of this course, find out when the training error lies, and end with a
# promise: an error rate with an interval, given before the test set is opened.
#
# *{minutes} minutes. You need lesson 00, least squares, and the standard error of an average.*

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 8  # [3, 64] training runs of each setting
n_train: int = 200  # [100, 600] training digits
lies: float = 0.3  # [0, 0.8] share of wrong labels in sections 4 and 5
widths: list = [4, 8, 16, 64, 256]  # 3 to 9 rising whole numbers in [2, 1024]: hidden units
noise_std: float = 2.0  # [0.2, 10] standard deviation of the thermometer's noise in section 3, in degrees
epochs: int = 60  # [1, 500] passes over the training digits; twice as many in section 1
lr: float = 0.003  # (0, 0.1] learning rate of AdamW
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the digits, and their shuffled labels
import math

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch.nn import functional

from course_utils.checks import lesson_01 as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("01")
digits = load("digits", n_train=600, n_val=797, n_test=400, seed=seed, device=device)
x, y = (part[:n_train] for part in digits.train)
val, test = digits.val, digits.test
good, bad = np.random.default_rng(seed).permutation(["A", "B"])


def shuffled(k):
    return y[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed + k)).to(y.device)]


# %% tags=["fold"]
# the situation: ten of the training digits, with their own labels and with the shuffled ones
fig, axes = plt.subplots(1, 10, figsize=(8.6, 1.5))
for ax, picture, true, other in zip(axes, x[:, 0].cpu(), y.tolist(), shuffled(0).tolist()):
    ax.imshow(picture, cmap="gray")
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.set_title(true, loc="center", color="C0")
    ax.set_xlabel(other, fontsize=12, color="C1")
for height, text, color in ((1.2, "labels of one", "C0"), (-0.25, "of the other", "C1")):
    axes[0].text(-0.25, height, text, transform=axes[0].transAxes, ha="right", va="center", color=color)
show(
    fig,
    alt="Ten handwritten digits in a row; above each its true label, below each a shuffled one.",
    reading=f"Ten of the {n_train} training digits. Of the shuffled labels {(shuffled(0) == y).float().mean():.0%} happen to be "
    "right.",
)

# %% [markdown]
# ## 1 · Lines that learn
#
# **Predict.** Can a network learn the lower labels by heart, and if so, how many *new* digits does it then get wrong?

# %%
prediction = None  # "it cannot", "a tenth", "half" or "nine tenths"

# %% [markdown]
# Let us train both again, in the open.
#
# ### Exercise 1.1 · The step
#
# The heart of training is one step on a batch of pictures `x` with labels `y`: compute the loss, forget the gradients of the
# last step, compute this one's, move the weights. Write it.
#
# <details><summary>Hint 1</summary>`functional.cross_entropy(scores, y)` is the loss; `model(x)` gives the scores.</details>
# <details><summary>Hint 2</summary>The optimizer has `zero_grad()` and `step()`, the loss has `backward()`. Gradients
# *add up* until somebody clears them.</details>


# %% tags=["stub"]
def step(model, optimizer, x, y): ...


checks.check_1_1(step)


# %% tags=["solution"]
def step(model, optimizer, x, y):
    loss = functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


checks.check_1_1(step)


# %% tags=["fold"]
# our step, in case yours does not pass yet
def our_step(model, optimizer, x, y):
    loss = functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


passed = checks.check_1_1(step).startswith("passed")
right_step = step if passed else our_step
print("Your step trains the networks below." if passed else "Until yours passes, a step of ours trains the networks below.")


# %% [markdown]
# Around it goes a loop: in each **epoch** all digits pass once, in a new order, 64 at a time. After each, two errors are
# noted: the share of wrong answers on the digits that were learned, and on new ones.


# %%
@torch.no_grad()
def error(network, x, y):
    return (network(x).argmax(-1) != y).double().mean().item()


def learn(step, labels):
    network = mlp(n_hidden=(256,)).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr)
    errors = []
    for _ in range(2 * epochs):
        for batch in torch.randperm(len(x)).split(64):
            step(network, optimizer, x[batch], labels[batch])
        errors.append((error(network, x, labels), error(network, *val)))
    return network, np.array(errors)


# %% tags=["fold"]
# both networks, trained several times from other starts
few = max(3, n_runs // 2)
learned = {"A": [], "B": []}
for name in learned:
    for k in range(few):
        torch.manual_seed(seed + k)
        learned[name].append(learn(right_step, y if name == good else shuffled(k)))
reader = learned[good][0][0]
curves = {name: np.stack([errors for _, errors in learned[name]]) for name in "AB"}  # (runs, epochs, 2)

# %% tags=["fold"]
# figure: the two errors of both networks after every epoch
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3), sharey=True)
for ax, name in zip(axes, "AB"):
    for part, style, label in ((0, "--", "the digits it learned"), (1, "-", "new digits")):
        mean, half = np.array([mean_and_interval(column)[:2] for column in curves[name][:, :, part].T]).T
        ax.plot(range(1, 2 * epochs + 1), mean, linestyle=style, color=f"C{part}", label=f"{label} (n = {few})")
        ax.fill_between(range(1, 2 * epochs + 1), mean - half, mean + half, alpha=0.2, color=f"C{part}")
    ends = curves[name][:, -1].mean(0)
    ax.set(xlabel="epoch", ylim=(-0.03, 1), title=f"{name}: {ends[0]:.1%} wrong as learned, {ends[1]:.0%} on new digits")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
axes[0].set_ylabel("wrong answers")
axes[0].legend()
reply = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Error after every epoch for networks A and B: on the digits learned, dashed, and on new digits, solid.",
    reading=f"On what they learned: {curves['A'][:, -1, 0].mean():.1%} and {curves['B'][:, -1, 0].mean():.1%}. On new digits "
    f"{good} errs on {curves[good][:, -1, 1].mean():.0%} and {bad} on {curves[bad][:, -1, 1].mean():.0%}, where guessing errs "
    f"on 90 %. {bad} had the shuffled labels.{reply}",
)

# %% tags=["fold"]
# claim 01.1: the training error of true and of shuffled labels
claims.same(
    "01.1",
    "After training, the training error does not tell true labels from shuffled ones, to within two points.",
    curves[bad][:, -1, 0],
    curves[good][:, -1, 0],
    margin=0.02,
    names=("with shuffled labels", "with true ones"),
    unit="points",
    over="training runs on these digits",
    source="Zhang et al. 2017, arXiv:1611.03530",
)

# %% [markdown]
# The **training error** is an average over the examples that shaped the network. What you want to know is its
# **generalization error**, over examples to come. Digits that played no part in the training stand in for them.
#
# ## 2 · How well do you know an error?
#
# Each new digit is a coin that shows *wrong* with probability $e$. So an error rate measured on $n$ of them has the standard
# error $\sqrt{e(1-e)/n}$, and 1.96 of these to each side cover $e$ in about 95 cases of 100:


# %%
def plus_minus(n_wrong, n):
    e = n_wrong / n
    half = 1.96 * (e * (1 - e) / n) ** 0.5
    return e - half, e + half


# %% [markdown]
# **Predict.** You measure the good network on half of the new digits and promise this interval. Your customer measures it on
# the other half. How often will their result lie in your interval?

# %%
prediction = None  # "more often than 95 %", "95 %" or "less often"


# %% tags=["fold"]
# figure: forty promises, and what the customer measured
@torch.no_grad()
def mistakes(network, x, y):
    return (network(x).argmax(-1) != y).cpu().numpy()


def how_often(promise, wrong, n_splits=1000):
    """(low, high, the customer's result, whether it is inside) for every way to halve the digits."""
    rng, kept = np.random.default_rng(seed), []
    for _ in range(n_splits):
        mine, theirs = np.array_split(rng.permutation(wrong), 2)
        low, high = promise(mine.sum(), len(mine))
        kept.append((low, high, theirs.mean(), low <= theirs.mean() <= high))
    return np.array(kept)


def draws(share, n):  # how far a share of n random draws may be off
    return 1.96 * (share * (1 - share) / n) ** 0.5


kept = how_often(plus_minus, mistakes(reader, *val))
share = kept[:, 3].mean()
fig, ax = plt.subplots(figsize=(8.6, 3))
for i, (low, high, measured, is_kept) in enumerate(kept[:40]):
    ax.plot([i, i], [100 * low, 100 * high], color="0.7", linewidth=3, linestyle="-", solid_capstyle="butt")
    ax.plot(i, 100 * measured, color="C0" if is_kept else "C1", marker="o" if is_kept else "X", markersize=5 + 2 * (not is_kept))
ax.plot([], [], color="0.7", linewidth=3, linestyle="-", label="your interval")
ax.plot([], [], "o", color="C0", label="the customer's result: inside")
ax.plot([], [], "X", color="C1", label="outside")
ax.set(xlabel="one way to halve the new digits", ylabel="wrong answers (%)", xticks=[])
ax.set_title(f"The promise was kept in {share:.0%} of {len(kept)} halvings")
ax.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.12))
outcome = "more often than 95 %" if share > 0.97 else "less often" if share < 0.93 else "95 %"
show(
    fig,
    alt="Forty grey intervals side by side, each with a dot: blue where the other half's error lies inside, orange where not.",
    reading=f"Of the first forty results, {int(40 - kept[:40, 3].sum())} fall outside; of all {len(kept)}, "
    f"{100 * (1 - share):.0f} ± {100 * draws(share, len(kept)):.0f} %. "
    + (f"You said: {prediction}; it was: {outcome}." if prediction else ""),
)

# %% [markdown]
# The interval is about $e$ itself, which your customer will never see. They measure on digits of their own, with luck of their
# own.
#
# ### Exercise 1.2 · A promise that is kept
#
# You counted `n_wrong` of `n`. They will count on `m` other digits. Return the lower and upper end of the interval that holds
# their error rate 95 times of 100, by the normal approximation as above. It will make your promises from here on.
#
# <details><summary>Hint 1</summary>What has to be small is the *difference* of two measured rates. Variances of independent
# numbers add up, also in a difference.</details>
# <details><summary>Hint 2</summary>One of the two variances is e(1 − e)/n, with e as you measured it. What is the
# other?</details>


# %% tags=["stub"]
def promise(n_wrong, n, m): ...


checks.check_1_2(promise)


# %% tags=["solution"]
def promise(n_wrong, n, m):
    e = n_wrong / n
    half = 1.96 * (e * (1 - e) * (1 / n + 1 / m)) ** 0.5
    return e - half, e + half


checks.check_1_2(promise)


# %% tags=["fold"]
# ours, in case yours does not pass yet; how often it is kept, also where mistakes are few
def our_promise(n_wrong, n, m):
    e = n_wrong / n
    half = 1.96 * (e * (1 - e) * (1 / n + 1 / m)) ** 0.5
    return e - half, e + half


passed = checks.check_1_2(promise).startswith("passed")
right_promise, whose = (promise, "Your") if passed else (our_promise, "The right")
wrong = mistakes(reader, *val)
share = how_often(lambda n_wrong, n: right_promise(n_wrong, n, len(wrong) - n), wrong)[:, 3].mean()
print(f"{whose} promise is kept in {100 * share:.1f} ± {100 * draws(share, 1000):.1f} % of 1000 halvings.")
rng, e = np.random.default_rng(seed), wrong.mean()
for expected in (1, 3, 10):
    pairs = rng.binomial(400, expected / 400, (2000, 2))
    ends = [right_promise(k, 400, 400) for k in pairs[:, 0]]
    share = np.mean([low <= k / 400 <= high for (low, high), k in zip(ends, pairs[:, 1])])
    print(f"With n = m = 400 and {expected} mistake{'s' * (expected > 1)} to expect: in {share:.0%} of 2000 simulated cases.")
enough = math.ceil(1.96**2 * e * (1 - e) / 0.01**2)
print(f"To know this network's error, {e:.1%}, to ± 1 point takes about {enough:,} digits; to ± 0.1 points, {100 * enough:,}.")

# %% [markdown]
# ## 3 · Under-, well, over-fitted
#
# By how much does the training error lie? Take a case where the truth is known: the temperature over a day, read from a noisy
# thermometer at 25 evenly spaced times of the day. The fit is least squares with $D$ coefficients: an average, then pairs of
# waves. With $D = 25$ the curve passes through every reading.


# %%
def waves(hours, n_coefficients):
    k = np.arange(1, (n_coefficients + 1) // 2)
    angle = 2 * np.pi * hours[:, None] / 24
    return np.hstack([np.ones((len(hours), 1)), np.cos(k * angle), np.sin(k * angle)])


def fit_curve(hours, readings, n_coefficients):
    c, *_ = np.linalg.lstsq(waves(hours, n_coefficients), readings)
    return lambda at: waves(at, n_coefficients) @ c


# %% [markdown]
# **Predict.** The curve through all readings has training error 0. What is its mean squared error on *new* readings, in
# units of the noise variance $\sigma^2$, which is what the true curve would get?

# %%
prediction = None  # 0, 1, 2 or 10

# %% tags=["fold"]
# 200 days of 25 readings, every D fitted to each; 200 new readings a day, at other hours
hours, at = 24 * np.arange(25) / 25, np.linspace(0, 24, 200)
counts, n_days = np.arange(1, 26, 2), 200
rng = np.random.default_rng(seed)


def truth(h):
    return 8 + 10 * np.exp(2 * np.cos(2 * np.pi * (h - 14) / 24) - 2)


readings = truth(hours) + noise_std * rng.standard_normal((n_days, 25))
asked = rng.uniform(0, 24, 200)
answers = truth(asked) + noise_std * rng.standard_normal((n_days, 200))
fits = [fit_curve(hours, readings.T, count) for count in counts]
at_asked = np.stack([curve(asked).T for curve in fits])  # (counts, days, readings)
train_error = np.stack([((curve(hours).T - readings) ** 2).mean(1) for curve in fits]) / noise_std**2
new_error = ((at_asked - answers) ** 2).mean(2) / noise_std**2  # (counts, days), like train_error
bias2 = ((at_asked.mean(1) - truth(asked)) ** 2).mean(1) / noise_std**2
variance = at_asked.var(1).mean(1) / noise_std**2
best = int(new_error.mean(1).argmin())
early = hours * 20 / 24  # the same days from a thermometer that pauses from 20 to 24 h
early_readings = truth(early) + noise_std * rng.standard_normal((n_days, 25))
early_fit = fit_curve(early, early_readings.T, 13)
early_gap = ((early_fit(asked).T - answers) ** 2).mean(1) - ((early_fit(early).T - early_readings) ** 2).mean(1)

# %% tags=["fold"]
# figure: forty faint fits for three D, and the two errors for every D
fig = plt.figure(figsize=(8.6, 6))
grid = fig.add_gridspec(2, 3, height_ratios=[1, 1.25])
middle = best if 0 < best < len(counts) - 1 else len(counts) // 2
for k, i in enumerate((min(1, middle - 1), middle, len(counts) - 1)):
    ax = fig.add_subplot(grid[0, k])
    ax.plot(at, fits[i](at)[:, :40], color="C0", alpha=0.13, linewidth=1, linestyle="-")
    ax.plot(at, truth(at), color="black", linestyle="--", label="truth")
    ax.plot(hours, readings[0], ".", color="C1", markersize=4, label="one day's readings")
    ax.set(title=f"D = {counts[i]}", xlabel="hour", xticks=[0, 6, 12, 18, 24])
    ax.set_ylim(truth(at).min() - 3 * noise_std, truth(at).max() + 3 * noise_std)
    ax.set_ylabel("degrees" if k == 0 else "")
    if k == 0:
        ax.legend(loc="upper left", fontsize=8, handlelength=1.5)
ax = fig.add_subplot(grid[1, :])
layers = [np.ones(len(counts)), bias2, variance]
ax.stackplot(counts, layers, colors=["0.88", "#E8C4DA", "#B7D3E6"], labels=["noise", "bias²", "variance"])
ax.plot(counts, new_error.mean(1), "o", color="black", label=f"new readings, measured (n = {n_days} days)")
ax.plot(counts, train_error.mean(1), color="C2", linestyle="--", marker="s", label="training error")
ax.set(xlabel="coefficients D", ylabel="squared error / σ²", xticks=counts, ylim=(0, max(2.6, new_error.mean(1).min() + 1.6)))
ax.set_title(f"New readings: best at D = {counts[best]}; through every point, {new_error[-1].mean():.2f} σ²")
ax.legend(ncols=2, loc="upper right", fontsize=8)
off = np.abs(bias2 + variance + 1 - new_error.mean(1)).max()
outcome = f" You said {prediction}." if prediction is not None else ""
show(
    fig,
    alt="Above, fans of forty fitted curves for three numbers of coefficients. Below, noise, bias² and variance stacked over D, "
    "with the measured error on new readings and the training error.",
    reading=f"Bias² + variance + noise give the measured error to within {off:.2f} σ². From D = {counts[best]} to {counts[-1]} "
    f"the training error goes from {train_error[best].mean():.2f} to {train_error[-1].mean():.2f} σ², the error on new readings "
    f"from {new_error[best].mean():.2f} to {new_error[-1].mean():.2f} σ².{outcome}",
)

# %% [markdown]
# Each faint curve saw another day. Where the whole fan misses the truth, the model is too stiff: **bias**. Where the fan is
# wide, each curve has followed the noise of its own day: **variance**. The error on a new reading is its own noise, plus what
# the mean curve misses, plus how far this day's curve strays from the mean. Noise and straying are independent and zero on
# average, so over days the products vanish and the squares stay:
#
# $$\mathbb E\,(\text{new reading} - \hat f\,)^2 = \text{noise} + \text{bias}^2 + \text{variance}.$$
#
# Noise can point in $N$ directions, and $D$ coefficients can follow it in $D$ of them. That share, $\sigma^2D/N$, is missing
# from the training error. At evenly spaced hours it is also the variance: the curve pays twice, once for the old noise and once
# for the new. So once the bias is gone the gap is $2\sigma^2 D/N$: **there, training error lies in proportion to what was free
# to fit it.** (Where the thermometer pauses, the curve is free and nobody looks: the claim's control.)


# %% tags=["fold"]
# claim 01.2: the gap at D = 13; its control is a thermometer that pauses from 20 to 24 h
half = list(counts).index(13)
claims.within(
    "01.2",
    "At evenly spaced hours, 13 coefficients for 25 readings make the training error too low by 2σ²D/N; not so if the "
    "thermometer pauses from 20 to 24 h.",
    new_error[half] - train_error[half],
    2 * 13 / 25,
    0.1,
    control=early_gap / noise_std**2,
    unit="σ²",
    over="days",
    source="Hastie, Tibshirani, Friedman 2009, section 7.4",
)

# %% [markdown]
# ## 4 · What capacity costs
#
# Networks have no such formula. Back to the digits, with *lies* among the training labels, drawn anew for each run, and with
# networks of several widths, told lies or the truth.
#
# **Predict.** One network gets all of its labels right. Another gets as many wrong as there are lies. Which reads new digits
# better?

# %%
prediction = None  # "all right" or "as many wrong"


# %%
def told(k, share):
    random = torch.Generator().manual_seed(seed + k)
    is_lie = torch.rand(n_train, generator=random) < share
    shift = torch.randint(1, 10, (n_train,), generator=random) * is_lie
    return (y + shift.to(device)) % 10


def build(width):
    return mlp(n_hidden=(width,))


runs = [
    {"width": width, "train": (x, told(k, share)), "seed": seed + k, "lr": lr}
    for share in (lies, 0.0)
    for width in widths
    for k in range(n_runs)
]
_, networks = train_runs(build, (x, y), val, runs, epochs=epochs, evaluate_every=epochs)

# %% tags=["fold"]
# the two errors of every network, and the share of the lies that it repeats
shape = (2, len(widths), n_runs)  # (lies or truth, widths, runs)
on_told = np.reshape([mistakes(network, *run["train"]).mean() for network, run in zip(networks, runs)], shape)
on_val = np.reshape([mistakes(network, *val) for network in networks], (*shape, -1))
on_new = on_val.mean(-1)


def repeated(network, labels):
    is_lie = (labels != y).cpu().numpy()
    return 1 - mistakes(network, x, labels)[is_lie].mean() if is_lie.any() else math.nan


believed = np.reshape([repeated(network, run["train"][1]) for network, run in zip(networks, runs)], shape)[0].mean(1)
gain, wide, _ = mean_and_interval(on_new[1, -2] - on_new[1, -1])

# %% tags=["fold"]
# figure: both errors against the number of hidden units, told lies and told the truth
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.4), sharey=True)
low = int(on_new[0].mean(1).argmin())
for ax, learned_part, new_part, title in zip(
    axes,
    on_told,
    on_new,
    (
        f"{lies:.0%} lies: {widths[low]} units read best",
        f"True labels: {widths[int(on_new[1].mean(1).argmin())]} units read best",
    ),
):
    for part, style, label in (
        (learned_part, "C0s--", "differs from the label it was told"),
        (new_part, "C1o-", "new digits, wrong"),
    ):
        mean, half = np.array([mean_and_interval(values)[:2] for values in part]).T
        ax.errorbar(widths, mean, half, fmt=style, capsize=2, label=label)
    ax.set(xscale="log", xticks=widths, xticklabels=widths, xlabel="hidden units", title=title)
    ax.minorticks_off()
axes[0].axhline(lies, color="0.4", linestyle=":", label="share of lies")
axes[0].set_ylabel(f"mean and 95 % interval, n = {n_runs}")
axes[0].set_ylim(-0.03, None)
axes[0].yaxis.set_major_formatter(PercentFormatter(1))
axes[0].legend(fontsize=8)
in_words = [
    f"{widths[i]} units differ from {on_told[0, i].mean():.0%} of the labels they were told"
    + ("" if math.isnan(believed[i]) else f", repeat {believed[i]:.0%} of the lies,")
    + f" and get {on_new[0, i].mean():.0%} of new digits wrong"
    for i in dict.fromkeys((0, low, len(widths) - 1))
]
reply = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Two panels, told lies and told the truth: the share of training labels that a network contradicts, dashed, and its "
    "error on new digits, solid, against hidden units; a dotted line at the share of lies.",
    reading=f"With {lies:.0%} lies: {'; '.join(in_words)}. With true labels {widths[-2]} units get {on_new[1, -2].mean():.1%} "
    f"of new digits wrong, {widths[-1]} units {on_new[1, -1].mean():.1%}: {100 * gain:.2f} ± {100 * wide:.2f} points less."
    f"{reply}",
)

# %% [markdown]
# Whoever knows the digits contradicts every lie and lands on the dotted line: among lies, *some* training error is a good
# sign. But is it the number of units that spared the best ones the lies? Give them ten times as long:

# %%
runs = [run for run in runs if run["width"] == widths[low]][:n_runs]  # those told lies come first
_, patient = train_runs(build, (x, y), val, runs, epochs=10 * epochs, evaluate_every=10 * epochs)

# %% tags=["fold"]
# claim 01.3: what ten times as many epochs do to the width that read best
patient_told = np.array([mistakes(network, *run["train"]).mean() for network, run in zip(patient, runs)])
patient_new = np.array([mistakes(network, *val).mean() for network in patient])
print(f"{widths[low]} units, {10 * epochs} epochs: they differ from {patient_told.mean():.0%} of the labels they were told.")
claims.compare(
    "01.3",
    "Trained ten times as long on lies, the width that read best gets more new digits wrong.",
    patient_new,
    on_new[0, low],
    names=(f"after {10 * epochs} epochs", f"after {epochs}"),
    unit="points",
    over="training runs on these digits",
)

# %% [markdown]
# Units are room, and epochs are time to fill it. **What costs is room and time to follow what is wrong.** With nothing wrong to
# follow, the right panel, they cost much less.
#
# ## 5 · Choose, promise, open
#
# Told lies, which width do you sell? The training error cannot say. **Validation** digits, which trained nothing, choose. You
# sell one network of that width, with a promise for 400 **test** digits in a sealed envelope.


# %%
wrong_on_val = on_val[0]  # told lies: (widths, runs, digits), True where wrong
chosen = wrong_on_val.mean((1, 2)).argmin()
sold, n_wrong = networks[chosen * n_runs], wrong_on_val[chosen, 0].sum()
low, high = right_promise(n_wrong, len(val[1]), len(test[1]))
print(f"{widths[chosen]} units: it will get {low:.1%} to {high:.1%} of the test digits wrong.")

# %% [markdown]
# Now open it, once.

# %%
result = mistakes(sold, *test).mean()
outcome = "kept" if low <= result <= high else "broken, as one in twenty is"
print(f"It got {result:.1%} wrong: promise {outcome}.")

# %% tags=["fold"]
# claim 01.4, for which all networks are tested: what validation's choice is worth against that of the training error
all_told_lies = networks[: len(widths) * n_runs]
on_test = np.reshape([mistakes(network, *test) for network in all_told_lies], (len(widths), n_runs, -1))
fitting = on_told[0].mean(1).argmin()
claims.compare(
    "01.4",
    "The networks with the lowest training error get more test digits wrong than those that validation chose.",
    on_test[fitting],
    on_test[chosen],
    names=("lowest training error", "chosen by validation"),
    unit="points",
    over="training runs and test images",
)

# %% [markdown]
# Validation chose a *width*; which of its networks you sold, nobody chose. Why not sell the one that looks best? Suppose forty
# networks are for sale, all *equally* good. You count mistakes on 400 digits, sell the one with the fewest, and promise.
#
# **Predict.** How often is that promise kept?

# %%
prediction = None  # "95 %", "80 %", "65 %" or "5 %"

# %% [markdown]
# ### Exercise 1.3 · The best of many
#
# Play one round. Each of `n_networks` is wrong on any digit with probability `e`, independently. Count each one's mistakes on
# `n` digits, sell the one with the fewest, `promise` for `m`, let the customer count on `m` others. Return `low`, `high` and the
# customer's error rate.
#
# <details><summary>Hint 1</summary>`rng.binomial(n, e, size=k)` draws k counts of mistakes, each among n digits.</details>
# <details><summary>Hint 2</summary>The customer knows nothing of your counts: theirs is a new draw, of one number.</details>


# %% tags=["stub"]
def best_of(promise, n_networks, e, n, m, rng): ...  # return low, high, measured


checks.check_1_3(best_of)


# %% tags=["solution"]
def best_of(promise, n_networks, e, n, m, rng):
    fewest = rng.binomial(n, e, size=n_networks).min()
    low, high = promise(fewest, n, m)
    return low, high, rng.binomial(m, e) / m


checks.check_1_3(best_of)


# %% tags=["fold"]
# ours, in case yours does not pass yet; and a thousand rounds
def our_best_of(promise, n_networks, e, n, m, rng):
    fewest = rng.binomial(n, e, size=n_networks).min()
    low, high = promise(fewest, n, m)
    return low, high, rng.binomial(m, e) / m


def share_kept(rounds):
    return np.mean([low <= measured <= high for low, high, measured in rounds])


right_best_of = best_of if checks.check_1_3(best_of).startswith("passed") else our_best_of
rng, e = np.random.default_rng(seed), wrong_on_val[chosen].mean()
many = [1, 2, 4, 10, 20, 40, 100]
simulated = {k: share_kept([right_best_of(right_promise, k, e, 400, 400, rng) for _ in range(1000)]) for k in many}

# %% tags=["fold"]
# figure: how often the promise is kept, against the number of networks that one could pick from
fig, ax = plt.subplots(figsize=(8.6, 3))
values = np.array(list(simulated.values()))
ax.errorbar(many, values, draws(values, 1000), fmt="C0o-", capsize=2, label="equally good, independent (1,000 rounds, 95 %)")
ax.axhline(0.95, color="0.4", linestyle=":", label="as promised")
ax.set(xscale="log", xticks=many, xticklabels=many, xlabel="networks to pick from", ylabel="promises kept")
ax.set_title(f"Best of 40 equally good networks: {simulated[40]:.0%} of the promises kept")
ax.minorticks_off()
ax.yaxis.set_major_formatter(PercentFormatter(1))
ax.legend(loc="lower left")
reply = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Share of promises kept against the number of networks that one could pick from, with a dotted line at 95 %.",
    reading=f"The only one: {simulated[1]:.0%} kept; the best-looking of 40, {simulated[40]:.0%}; of 100, {simulated[100]:.0%}."
    f"{reply}",
)

# %% [markdown]
# Among equals, the one that looks best is the lucky one, and luck does not come along to the customer. (Real networks
# are not equal: picking among them is partly skill, which does; the deep dive measures how much.) The cure is simple: count the
# winner's mistakes once more, on digits that picked nothing. This is what the envelope is for.
#
# ## 6 · When it goes wrong
#
# **Forgotten `zero_grad`.** Gradients of all earlier steps add up; nothing crashes.


# %% tags=["fold"]
# the loop of section 1 without zero_grad, against the one with it
def forgetful(model, optimizer, x, y):
    functional.cross_entropy(model(x), y).backward()
    optimizer.step()


without_zero = []
for k in range(3):
    torch.manual_seed(seed + k)
    without_zero.append(learn(forgetful, y)[1][-1])
for name, ends in (("with zero_grad", curves[good][:3, -1]), ("without it", np.array(without_zero))):
    print(f"{name:15} {ends[:, 0].mean():.1%} of the training digits wrong, {ends[:, 1].mean():.1%} of new ones (mean of 3 runs)")

# %% [markdown]
# **Too good.** A colleague draws as many digits again from the few they have. Their validation error is wonderful. Follow one
# digit: in how many places can it end?


# %%
def prepare(x, y, n_val, rng):
    again = torch.as_tensor(rng.integers(len(x), size=len(x)))
    x, y = torch.cat([x, x[again]]), torch.cat([y, y[again]])
    order = torch.as_tensor(rng.permutation(len(x)))
    first, rest = order[:n_val], order[n_val:]
    return x[rest], y[rest], x[first], y[first]


# %% tags=["fold"]
# split first, then draw again; and what both report, against the error on digits that neither saw
def repaired(x, y, n_val, rng):
    order = torch.as_tensor(rng.permutation(len(x)))
    first, rest = order[:n_val], order[n_val:]
    again = rest[torch.as_tensor(rng.integers(len(rest), size=len(rest)))]
    train = torch.cat([rest, again])
    return x[train], y[train], x[first], y[first]


for name, way in (("draw, then split", prepare), ("split, then draw", repaired)):
    jobs, unseen = [], []
    for k in range(n_runs):  # each time with other few digits
        rng = np.random.default_rng(seed + k)
        few, others = np.split(rng.permutation(len(val[1])), [200])
        parts = [part.to(device) for part in way(val[0][few].cpu(), val[1][few].cpu(), 50, rng)]
        jobs.append({"train": (parts[0], parts[1]), "val": (parts[2], parts[3]), "width": 256, "seed": seed + k, "lr": lr})
        unseen.append((val[0][others], val[1][others]))
    scores, leaked = train_runs(build, None, None, jobs, epochs=epochs, evaluate_every=epochs)
    reported, half, n = mean_and_interval(1 - scores.groupby("run")["val_accuracy"].last())
    truly = np.mean([mistakes(network, *pair).mean() for network, pair in zip(leaked, unseen)])
    print(f"{name}: {100 * reported:.1f} ± {100 * half:.1f} % wrong reported, {truly:.1%} of all other digits (mean of {n} runs)")

# %% [markdown]
# Copies of a digit sit on both sides. Split first, by whatever makes examples alike: the photograph, the patient, the day.
#
# ## What to take along
#
# * Low training error lies where there was room to follow what will not come again: noise, or lies.
# * Validation chooses, test reports, once. An error rate without its $n$ is half a number.
# * A promise needs *both* lucks, yours and theirs, and a network that was not picked for its luck.
#
# **Deep dive:** [how much of a best result is luck of the choice?](deeper/01_choosing.ipynb)
#
# **On your own model:** count its mistakes on examples that neither trained nor chose anything, write down
# `promise(n_wrong, n, m)`, and look at one number: whether it is kept. A lower end below zero means: too few mistakes for this
# formula.
#
# **References.** Zhang et al. 2017, [arXiv:1611.03530](https://arxiv.org/abs/1611.03530) ·
# Hastie, Tibshirani, Friedman 2009, [The elements of statistical learning](https://hastie.su.domains/ElemStatLearn/), chapter 7

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
display(claims.table())
metrics = {f"new_{width}": on_new[0, i].mean() for i, width in enumerate(widths)}
metrics |= {"chosen_width": widths[chosen], "test_error": result, "best_of_40": simulated[40]}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (45).** 3 hook · 9 exercise 1.1, in pairs · 4 the two curves (vote first) · 8 section 2 with exercise 1.2 (vote
# on the 95 % first) · 7 section 3 · 4 section 4 (vote first) · 8 the envelope and exercise 1.3. **When short:** section 6.
# **Ask before running:** what would you ask the sellers of A and B? Why is 2 the answer in section 3, and not 1?
# **Expect:** "95 % means 95 % of their results"; "the network with 30 % training errors cannot be the better one"; "variance is
# over test points" (it is over days).
