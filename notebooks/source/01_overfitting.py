# %% [markdown]
# # 01 · Overfitting
#
# **When does low training error lie?**
#
# Two networks for reading digits are for sale, A and B. Both learned from the same pictures, and both, their sellers say, know
# all of these by heart. One thing you are told: before one of the two learned, a prankster had shuffled its labels. Nobody
# remembers which. You may ask for one more test. Which one?
#
# In this lesson you write the step that trains every network of this course, find out what the training error hides and by
# how much, and end with a promise: an error rate with an interval, given before the test set is opened.
#
# *{minutes} minutes. You need lesson 00, least squares, and the standard error of an average.*

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 8  # [3, 64] training runs of each setting
n_train: int = 200  # [100, 600] training digits
lies: float = 0.3  # [0, 0.8] share of wrong labels in sections 4 to 6
widths: list = [4, 8, 16, 64, 256]  # 3 to 9 rising whole numbers in [2, 1024]: hidden units
noise_std: float = 2.0  # [0.2, 10] standard deviation of the thermometer's noise in section 3, in degrees
epochs: int = 60  # [1, 500] passes over the training digits; twice as many in section 1
lr: float = 0.003  # (0, 0.1] learning rate of AdamW
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the digits, and the two networks that are for sale
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
from course_utils.training import fit

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("01")
digits = load("digits", n_train=600, n_val=797, n_test=400, seed=seed, device=device)
x, y = (part[:n_train] for part in digits.train)
val, test = digits.val, digits.test


def build(width=widths[-1]):
    return mlp(n_hidden=(width,))


def shuffled(k):
    return y[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed + k)).to(y.device)]


def order_of(run_seed):  # the order of the examples that fit draws
    return torch.Generator().manual_seed(1_000_003 * run_seed + 1)


good, bad = np.random.default_rng(seed).permutation(["A", "B"])
labels_of = {good: y, bad: shuffled(0)}
for_sale = []
for name in "AB":
    torch.manual_seed(seed)
    for_sale.append(build().to(device))
    optimizer = torch.optim.AdamW(for_sale[-1].parameters(), lr=lr)
    fit(for_sale[-1], (x, labels_of[name]), val, optimizer, epochs=2 * epochs, seed=seed, evaluate_every=epochs, progress=False)

# %% tags=["fold"]
# the situation: two networks, perfect on the digits they learned from; and digits that neither has seen
fig, axes = plt.subplots(2, 13, figsize=(8.6, 2.1), width_ratios=[1] * 7 + [0.6] + [1] * 5)
n_wrong = {name: int((network(x).argmax(-1) != labels_of[name]).sum()) for name, network in zip("AB", for_sale)}
for row, name, network in zip(axes, "AB", for_sale):
    is_right = (network(x[:7]).argmax(-1) == labels_of[name][:7]).tolist()
    pictures = [*x[:7, 0].cpu(), None, *val[0][:5, 0].cpu()]
    marks = ["✓" if right else "✗" for right in is_right] + [""] + ["?"] * 5
    for ax, picture, mark in zip(row, pictures, marks):
        ax.axis("off")
        ax.set_title(mark, fontsize=11, loc="center", color="C1" if mark == "?" else "C2")
        if picture is not None:
            ax.imshow(picture, cmap="gray")
    row[0].text(-0.6, 0.5, name, transform=row[0].transAxes, fontsize=14, fontweight="bold", va="center")
fig.suptitle("as learned (first seven of the training digits)                       never seen", fontsize=10)
show(
    fig,
    alt="Two rows, A and B, of the same handwritten digits: seven training digits with a check mark, five new ones with a "
    "question mark.",
    reading=f"Of its {n_train} training digits, as they were labelled for it, A gets {n_wrong['A']} wrong and B "
    f"{n_wrong['B']}. What they make of new digits is not shown yet.",
)

# %% [markdown]
# ## 1 · Three lines that learn
#
# **Predict.** Which would you buy?

# %%
prediction = None  # "A", "B" or "I cannot tell"

# %% [markdown]
# To find out, let us train both again, in the open. The network is given, and so is an optimizer that knows its weights. What
# is missing is the heart of it.
#
# ### Exercise 1.1 · The step
#
# Write one training step on a batch of pictures `x` with labels `y`: compute the loss, forget the gradients of the last step,
# compute this one's, move the weights.
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
# our step, in case yours is open
def our_step(model, optimizer, x, y):
    loss = functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


passed = checks.check_1_1(step).startswith("passed")
right_step, whose = (step, "your step") if passed else (our_step, "our step (yours is open)")
print(f"From here on networks are trained by {whose}.")


# %% [markdown]
# Around it goes a loop: in each **epoch** all digits pass once, in a new random order, 64 at a time. After each epoch two
# errors are written down, the share of wrong answers on the digits that were learned and on digits that were not.


# %%
@torch.no_grad()
def error(network, x, y):
    return (network(x).argmax(-1) != y).double().mean().item()


def learn(step, labels, k):
    torch.manual_seed(seed + k)
    network = build().to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr)
    order = order_of(seed + k)
    errors = []
    for _ in range(2 * epochs):
        shuffle = torch.randperm(len(x), generator=order)
        for batch in shuffle[: len(x) // 64 * 64].view(-1, 64):
            step(network, optimizer, x[batch], labels[batch])
        errors.append((error(network, x, labels), error(network, *val)))
    return network, np.array(errors)


# %% tags=["fold"]
# the loop trains both networks several times, from other starts, with other shuffles
few = max(3, n_runs // 2)
learned = {good: [learn(right_step, y, k) for k in range(few)]}
learned |= {bad: [learn(right_step, shuffled(k), k) for k in range(few)]}
readers = [network for network, _ in learned[good]]
curves = {name: np.stack([errors for _, errors in learned[name]]) for name in "AB"}  # (runs, epochs, 2)
ours = torch.cat([p.flatten() for p in for_sale["AB".index(good)].parameters()])
yours = torch.cat([p.flatten() for p in readers[0].parameters()])
print(f"largest difference to a weight of network {good} in the picture: {(ours - yours).abs().max().item():.2g}")

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
reply = f"You said {prediction}." if prediction else "You kept your choice to yourself."
show(
    fig,
    alt="Error after every epoch for networks A and B: on the digits learned, dashed, and on new digits, solid.",
    reading=f"On what they learned: {curves['A'][:, -1, 0].mean():.1%} and {curves['B'][:, -1, 0].mean():.1%}. On new digits "
    f"{good} errs on {curves[good][:, -1, 1].mean():.0%} and {bad} on {curves[bad][:, -1, 1].mean():.0%}, where guessing errs "
    f"on 90 %. {bad} had the shuffled labels. {reply}",
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
# **generalization error**, the average over examples to come. Nobody has these; digits that played no part in the training
# stand in for them. (The two ways down differ, too. But a seller shows you the end.)
#
# ## 2 · How well do you know an error?
#
# Each new digit is a coin that shows *wrong* with probability $e$. So an error rate measured on $n$ of them has the standard
# error $\sqrt{e(1-e)/n}$ (exercise 0.1), and $\pm 1.96$ of these hold it in 95 cases of 100:


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


# %%
def split(n, rng):
    order = rng.permutation(n)
    return order[: n // 2], order[n // 2 :]


def how_often(promise, wrong, n_splits=1000):
    rng, kept = np.random.default_rng(seed), []
    for _ in range(n_splits):
        mine, theirs = (wrong[half] for half in split(len(wrong), rng))
        low, high = promise(mine.sum(), len(mine))
        kept.append((low, high, theirs.mean(), low <= theirs.mean() <= high))
    return np.array(kept)


# %% tags=["fold"]
# figure: forty promises, and what the customer measured
def mistakes(network, x, y):
    return (network(x).argmax(-1) != y).cpu().numpy()


kept = how_often(plus_minus, mistakes(readers[0], *val))
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
    reading=f"Of the first forty results, {int(40 - kept[:40, 3].sum())} fall outside, of all {len(kept)}, {1 - share:.0%}. "
    + (f"You said: {prediction}; it was: {outcome}." if prediction else ""),
)

# %% [markdown]
# The interval is about $e$ itself; your customer will never see $e$. They measure on digits of their own, with luck of their
# own, and $1.96\sqrt{e(1-e)/n}$ knows only of yours.
#
# ### Exercise 1.2 · A promise that is kept
#
# You counted `n_wrong` of `n`. They will measure on `m` other digits. Return the lower and upper end of the interval that
# their result lies in 95 times of 100. It will make your promises for the rest of the lesson.
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
# ours, in case yours is open; how often it is kept; how many digits would do for ± 1 point
def our_promise(n_wrong, n, m):
    e = n_wrong / n
    half = 1.96 * (e * (1 - e) * (1 / n + 1 / m)) ** 0.5
    return e - half, e + half


passed = checks.check_1_2(promise).startswith("passed")
right_promise, whose = (promise, "Your") if passed else (our_promise, "Our (yours is open)")
wrong = mistakes(readers[0], *val)
kept = how_often(lambda n_wrong, n: right_promise(n_wrong, n, len(wrong) - n), wrong)
e = wrong.mean()
enough = math.ceil(1.96**2 * e * (1 - e) / 0.01**2)
print(f"{whose} promise is kept in {kept[:, 3].mean():.1%} of {len(kept)} halvings.")
print(f"To know this network's error, {e:.1%}, to ± 1 point takes about {enough:,} digits; to ± 0.1 points, {100 * enough:,}.")

# %% [markdown]
# ## 3 · Under-, well, over-fitted
#
# Why does the training error lie, and by how much? Take a case where the truth is known: the temperature over a day, read 25
# times from a noisy thermometer. The fit is least squares with $D$ coefficients: an average, then pairs of waves, once a day,
# twice a day, and so on. With $D = 25$ the curve passes through every reading.


# %%
def waves(hours, n_coefficients):
    k = np.arange(1, (n_coefficients + 1) // 2)
    angle = 2 * np.pi * hours[:, None] / 24
    return np.hstack([np.ones((len(hours), 1)), np.cos(k * angle), np.sin(k * angle)])


def fit_curve(readings, n_coefficients):
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
counts, n_days, best_days = np.arange(1, 26, 2), 200, 100
rng = np.random.default_rng(seed)


def truth(h):
    return 8 + 10 * np.exp(2 * np.cos(2 * np.pi * (h - 14) / 24) - 2)


readings = truth(hours) + noise_std * rng.standard_normal((n_days, 25))
asked = rng.uniform(0, 24, 200)
answers = truth(asked) + noise_std * rng.standard_normal((n_days, 200))
fits = [fit_curve(readings.T, count) for count in counts]
at_asked = np.stack([curve(asked).T for curve in fits])  # (counts, days, readings)
train_error = np.stack([((curve(hours).T - readings) ** 2).mean(1) for curve in fits]) / noise_std**2
new_error = ((at_asked - answers) ** 2).mean(2) / noise_std**2  # (counts, days), like train_error
bias2 = ((at_asked.mean(1) - truth(asked)) ** 2).mean(1) / noise_std**2
variance = at_asked.var(1).mean(1) / noise_std**2
best = int(new_error[:, :best_days].mean(1).argmin())

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
ax.stackplot(counts, layers, colors=["0.88", "#F3C9A9", "#B7D3E6"], labels=["noise", "bias²", "variance"])
ax.plot(counts, new_error.mean(1), "o", color="black", label=f"new readings, measured (n = {n_days} days)")
ax.plot(counts, train_error.mean(1), color="C1", linestyle="--", marker="s", label="training error")
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
# wide, each curve has followed the noise of its own day: **variance**. On average over days,
#
# $$\mathbb E\,(\text{new reading} - \hat f\,)^2 = \text{noise} + \text{bias}^2 + \text{variance}.$$
#
# A curve through every reading has *memorized* the noise, so it pays twice: once for the old noise, once for the new. And in
# least squares each coefficient lowers the training error by $\sigma^2/N$ and raises the other by as much. So the gap between
# them is $2\sigma^2 D/N$: **training error lies in proportion to what was free to fit it.**

# %% tags=["fold"]
# claims 01.2 and 01.3: the gap at D = 13, and the perfect fit against the D chosen on other days
half = list(counts).index(13)
claims.within(
    "01.2",
    "With 13 coefficients for 25 readings the training error is too low by 2σ²D/N.",
    new_error[half] - train_error[half],
    2 * 13 / 25,
    0.1,
    control=new_error[half] - 1,
    unit="σ²",
    over="days",
    source="Hastie, Tibshirani, Friedman 2009, section 7.4",
)
claims.compare(
    "01.3",
    "The curve through every reading is worse on new readings than the one chosen on other days.",
    new_error[-1, best_days:],
    new_error[best, best_days:],
    names=("through every reading", "chosen"),
    unit="σ²",
    over="days",
)

# %% [markdown]
# ## 4 · Memory, capacity, data
#
# Networks do not come with such a formula. Back to the digits, with a share of the training labels wrong: *lies*, drawn anew
# for each run. Five widths, with and without lies; then the widest network with fewer and with more true labels.
#
# **Predict.** With lies among the labels, which network reads new digits best: one that gets *every* training label right, or
# one that gets many of them wrong?

# %%
prediction = None  # "every" or "many wrong"


# %%
def lied(k, share):
    random = torch.Generator().manual_seed(seed + k)
    is_lie = torch.rand(600, generator=random) < share
    shift = torch.randint(1, 10, (600,), generator=random) * is_lie
    return (digits.train[1] + shift.to(device)) % 10


settings = [(width, n_train, share) for share in (lies, 0.0) for width in widths]
settings += [(widths[-1], n, 0.0) for n in (50, 100, 400)]
runs = []
for width, n, share in settings:
    for k in range(n_runs):
        part = digits.train[0][:n], lied(k, share)[:n]
        runs.append({"width": width, "train": part, "seed": seed + k, "lr": lr})
table, networks = train_runs(build, (x, y), val, runs, epochs=epochs, evaluate_every=epochs)


# %% tags=["fold"]
# both errors of every run; and how many of the lies the widest networks repeat
def repeated(k):
    told, true, network = lied(k, lies)[:n_train], y, networks[(len(widths) - 1) * n_runs + k]
    is_lie = told != true
    return (network(x).argmax(-1) == told)[is_lie].double().mean().item() if is_lie.any() else math.nan


last = table.groupby("run").last()
both = 1 - np.stack([last["train_accuracy"], last["val_accuracy"]], -1).reshape(len(settings), n_runs, 2)
with_lies, without = both[: len(widths)], both[len(widths) : 2 * len(widths)]
sizes = sorted({50, 100, 400, n_train})
by_size = [both[settings.index((widths[-1], n, 0.0))] for n in sizes]
heart = np.mean([repeated(k) for k in range(n_runs)])
gain, wide = mean_and_interval(without[-2, :, 1] - without[-1, :, 1])[:2]
parrots = "" if math.isnan(heart) else f": they repeat {heart:.0%} of the lies"
tie = "a tie" if abs(gain) <= wide else "a difference"
reply = f" You said {prediction}." if prediction else ""


# %% tags=["fold"]
# figure: both errors against capacity, with and without lies, and against the number of training digits
def draw(ax, xs, points, color, label, parts=(0, 1)):
    for part in parts:
        mean, half = np.array([mean_and_interval(p[:, part])[:2] for p in points]).T
        name = f"{('learned', 'new')[part]}, {label} (n = {n_runs})"
        ax.errorbar(xs, mean, half, color=color, linestyle=("--", "-")[part], marker="so"[part], capsize=2, label=name)
    ax.set(xscale="log", xticks=xs, xticklabels=xs)
    ax.minorticks_off()


fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.6), sharey=True, width_ratios=[1.3, 1])
draw(axes[0], widths, with_lies, "C1", f"{lies:.0%} lies")
draw(axes[0], widths, without, "C0", "true labels")
draw(axes[1], sizes, by_size, "C0", "true labels")
low = with_lies[..., 1].mean(1).argmin()
ends = f"{widths[low]} units {with_lies[low, :, 1].mean():.0%} wrong, {widths[-1]} units {with_lies[-1, :, 1].mean():.0%}"
axes[0].set(xlabel="hidden units", ylabel="wrong answers", title=f"With lies: {ends}")
axes[1].set(xlabel="training digits", title=f"More digits, {widths[-1]} units")
axes[0].yaxis.set_major_formatter(PercentFormatter(1))
axes[0].set_ylim(-0.03, None)
axes[0].legend(fontsize=8)


show(
    fig,
    alt="Two panels. Left: error on learned and on new digits against hidden units, with lies and with true labels. Right: the "
    "same against the number of training digits.",
    reading=f"With lies, {widths[low]} units get {with_lies[low, :, 0].mean():.0%} of their training labels wrong and "
    f"{with_lies[low, :, 1].mean():.0%} of new digits; {widths[-1]} units {with_lies[-1, :, 0].mean():.0%} and "
    f"{with_lies[-1, :, 1].mean():.0%}{parrots}. With true labels {widths[-1]} units against "
    f"{widths[-2]}: {100 * gain:.2f} ± {100 * wide:.2f} points fewer wrong, {tie}. "
    f"From {sizes[0]} to {sizes[-1]} digits the error on new ones goes from {by_size[0][:, 1].mean():.1%} "
    f"to {by_size[-1][:, 1].mean():.1%}.{reply}",
)

# %% [markdown]
# Look at the two ends of the left panel. Few units can learn neither lies nor digits, many can learn both. **Memory is not the
# opposite of learning**: what it costs depends on what there was to memorize, and with true labels the extra units find
# nothing bad to learn.

# %% tags=["fold"]
# claims 01.4 and 01.5: equal memory with and without something to learn; more data
claims.compare(
    "01.4",
    "A network that learned lies along with the truth reads at least 40 points more of the new digits than one whose labels "
    "were all shuffled.",
    1 - with_lies[-1, :few, 1],
    1 - curves[bad][:, -1, 1],
    margin=0.4,
    names=("some lies", "all shuffled"),
    unit="points",
    over="training runs on these digits",
)
claims.compare(
    "01.5",
    "Eight times the training digits lower the error on new ones by more than five points.",
    both[settings.index((widths[-1], 50, 0.0)), :, 1],
    both[settings.index((widths[-1], 400, 0.0)), :, 1],
    margin=0.05,
    names=("with 50", "with 400"),
    unit="points",
    over="training runs on these digits",
)

# %% [markdown]
# ## 5 · Choose, promise, open
#
# With lies among the labels, which width do you sell? The training error cannot say. **Validation** digits, which trained
# nothing, choose. You sell one network of that width, with a promise for 400 **test** digits that lie in a sealed
# envelope. Then you open it, once.


# %%
def wrong_answers(x, y):
    wrong = [mistakes(network, x, y) for network in networks[: len(widths) * n_runs]]
    return np.reshape(wrong, (len(widths), n_runs, -1))  # (widths, runs, digits)


on_val = wrong_answers(*val)
chosen = on_val.mean((1, 2)).argmin()
sold = on_val[chosen, 0]
low, high = right_promise(sold.sum(), len(sold), len(test[1]))
print(f"{widths[chosen]} units: of the test digits it will get {low:.1%} to {high:.1%} wrong.")

# %%
on_test = wrong_answers(*test)
result = on_test[chosen, 0].mean()
outcome = "kept" if low <= result <= high else "broken, as one in twenty is"
print(f"It got {result:.1%} wrong: promise {outcome}.")

# %% [markdown]
# One promise kept may be luck. So do it a thousand times: halve the validation digits, choose the width and promise with one
# half, compare with the other; and sell each run in turn.


# %% tags=["fold"]
# how often promises are kept after a choice: by the rule, naively, for another run, for the luckiest network of all
def halvings(n_splits=1000):
    rng = np.random.default_rng(seed)
    for _ in range(n_splits):
        mine, theirs = split(on_val.shape[-1], rng)
        yield on_val[..., mine].sum(-1), on_val[..., theirs].mean(-1), len(mine), len(theirs)


def keeps(interval, measured):
    return (interval[0] <= measured) & (measured <= interval[1])


rows = []
for counted, measured, n, m in halvings():
    i, luckiest = counted.mean(1).argmin(), np.unravel_index(counted.argmin(), counted.shape)
    kept_lucky = keeps(right_promise(counted[luckiest], n, m), measured[luckiest])
    for k in range(n_runs):  # each run of the chosen width is sold in turn
        all_runs = keeps(right_promise(counted[i, k], n, m), measured[i])
        kept_naively = keeps(plus_minus(counted[i, k], n), measured[i, k])
        rows.append((all_runs[k], kept_naively, np.delete(all_runs, k).mean(), kept_lucky))
by_rule, naive, another, lucky = np.mean(rows, 0)
print(f"kept after choosing a width by its mean over runs: {by_rule:.1%}")
print(f"without your customer's luck in it:                {naive:.1%}")
print(f"by another run of the same recipe:                 {another:.1%}")
print(f"by the one luckiest of all {len(widths) * n_runs} networks:            {lucky:.1%}")

# %% tags=["fold"]
# claims 01.6 and 01.7: how often the promise is kept, and what the choice is worth on test digits
claims.within(
    "01.6",
    "After the width was chosen, the promise is still kept in 95 of 100 cases, to within two.",
    by_rule,
    0.95,
    0.02,
    control=naive,
    unit="points",
)
fitting = with_lies[..., 0].mean(1).argmin()
claims.compare(
    "01.7",
    "The networks with the lowest training error get more test digits wrong than those that validation chose.",
    on_test[fitting],
    on_test[chosen],
    names=("lowest training error", "chosen by validation"),
    unit="points",
    over="training runs and test images",
)

# %% [markdown]
# Two things to read there. A promise is for *this* network: another run, with another start and other lies, has its own error.
# And where one set of digits chooses among many networks, some of its luck is chosen with them: see the last line.
#
# ## 6 · When it goes wrong
#
# **Forgotten `zero_grad`.** Gradients of all earlier steps add up; nothing crashes.


# %% tags=["fold"]
# the loop of section 1 without zero_grad, against the one with it
def forgetful(model, optimizer, x, y):
    functional.cross_entropy(model(x), y).backward()
    optimizer.step()


without_zero = np.array([learn(forgetful, y, k)[1][-1] for k in range(3)])
with_zero = curves[good][:3, -1]
for name, ends in (("with zero_grad", with_zero), ("without it", without_zero)):
    print(f"{name:15} {ends[:, 0].mean():.1%} of the training digits wrong, {ends[:, 1].mean():.1%} of new ones (mean of 3 runs)")

# %% [markdown]
# ### Exercise 1.3 · Too good
#
# A colleague has few digits, and so draws each of them again, at random, to have twice as many. Their validation error is
# wonderful. Find out why, and repair `prepare`: validation gets `n_val` different digits, as they came; training gets all the
# others, and as many again drawn from them.
#
# <details><summary>Hint 1</summary>Follow one digit. In how many places can it end?</details>
# <details><summary>Hint 2</summary>Which must come first, splitting or drawing again?</details>


# %%
def prepare(x, y, n_val, rng):
    again = torch.as_tensor(rng.integers(len(x), size=len(x)))
    x, y = torch.cat([x, x[again]]), torch.cat([y, y[again]])
    order = torch.as_tensor(rng.permutation(len(x)))
    first, rest = order[:n_val], order[n_val:]
    return x[rest], y[rest], x[first], y[first]


# %% tags=["stub"]
def repaired(x, y, n_val, rng): ...


checks.check_1_3(repaired)


# %% tags=["solution"]
def repaired(x, y, n_val, rng):
    order = torch.as_tensor(rng.permutation(len(x)))
    first, rest = order[:n_val], order[n_val:]
    again = rest[torch.as_tensor(rng.integers(len(rest), size=len(rest)))]
    train = torch.cat([rest, again])
    return x[train], y[train], x[first], y[first]


checks.check_1_3(repaired)


# %% tags=["fold"]
# ours, in case yours is open; and the validation error that each reports, with lies among the labels
def our_repaired(x, y, n_val, rng):
    order = torch.as_tensor(rng.permutation(len(x)))
    first, rest = order[:n_val], order[n_val:]
    again = rest[torch.as_tensor(rng.integers(len(rest), size=len(rest)))]
    train = torch.cat([rest, again])
    return x[train], y[train], x[first], y[first]


passed = checks.check_1_3(repaired).startswith("passed")
honest, whose = (repaired, "yours") if passed else (our_repaired, "ours (yours is open)")
for name, way in (("the colleague's", prepare), (whose, honest)):
    runs = []
    for k in range(3):
        parts = way(x.cpu(), lied(k, lies)[:n_train].cpu(), n_train // 4, np.random.default_rng(seed + k))
        x_train, y_train, x_val, y_val = (part.to(device) for part in parts)
        runs.append({"train": (x_train, y_train), "val": (x_val, y_val), "seed": seed + k, "lr": lr})
    scores, _ = train_runs(build, None, None, runs, epochs=epochs, evaluate_every=epochs)
    reported = 1 - scores.groupby("run")["val_accuracy"].last()
    print(f"{name:22} validation error, lies and all: {reported.mean():.0%} (mean of 3 runs)")

# %% [markdown]
# Copies need not be exact: the test sets of CIFAR-10 and CIFAR-100 contain near-duplicates of training images (Barz and
# Denzler 2020). Split first, by whatever makes examples alike: the photograph, the patient, the day.
#
# ## What to take along
#
# * Training error lies in proportion to what was free to fit it; with enough capacity it says nothing. It is no reason to fear
#   capacity either: look at the second number.
# * Validation chooses, test reports, once. An error rate without its $n$ is half a number.
# * A promise needs *both* lucks, yours and theirs, and holds for the network that was tested.
#
# **On your own model:** count its mistakes on examples that neither trained nor chose anything, write down
# `promise(n_wrong, n, m)` for your next `m`, and look at one number: whether it is kept. (With no mistake in `n`, use $3/n$ as
# the upper end.)
#
# **References.** Zhang et al. 2017, [arXiv:1611.03530](https://arxiv.org/abs/1611.03530) ·
# Geman, Bienenstock, Doursat 1992, Neural Computation 4 ·
# Hastie, Tibshirani, Friedman 2009, [The elements of statistical learning](https://hastie.su.domains/ElemStatLearn/), chapter 7 ·
# Barz and Denzler 2020, [arXiv:1902.00423](https://arxiv.org/abs/1902.00423)

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
display(claims.table())
metrics = {f"new_{width}": with_lies[i, :, 1].mean() for i, width in enumerate(widths)}
metrics |= {"chosen_width": widths[chosen], "test_error": on_test[chosen].mean(), "kept": by_rule, "kept_naively": naive}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (45).** 3 hook (vote) · 9 exercise 1.1, in pairs · 4 the two curves · 8 section 2 with exercise 1.2 (vote on the
# 95 % first) · 8 section 3 · 5 section 4 (vote first) · 4 the envelope · 4 exercise 1.3. **When short:** section 6 is reading.
# **Ask before running:** what would you ask the sellers of A and B? Why is 2 the answer in section 3, and not 1?
# **Expect:** "95 % means 95 % of their results"; "the network with 30 % training errors cannot be the better one"; "variance is
# over test points" (it is over days).
