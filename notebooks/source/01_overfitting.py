# %% [markdown]
# # 01 · Overfitting
#
# **When does low training error lie?**
#
# Two networks for reading digits are for sale, A and B. Both learned from the same pictures, but for one of them a prankster
# had shuffled the labels, and nobody remembers for which. All that the sellers tell you is the training error: hardly any
# wrong, they say, for either. From lesson 00 you know that both can be true. What else could you ask?
#
# You will write the step that trains A and B, find out when the training error lies, and end with a promise: an error rate
# with an interval, given before the test set is opened.
#
# *{minutes} minutes. You need lesson 00, least squares, and the standard error of an average.*

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 8  # [3, 64] training runs of each setting; half as many where one only looks
n_train: int = 200  # [100, 600] training digits
lies: float = 0.3  # [0, 0.8] share of wrong labels in sections 4 and 5
widths: list = [16, 256]  # 2 to 4 rising whole numbers in [2, 1024]: hidden units in section 4
noise_std: float = 2.0  # [0.2, 10] standard deviation of the thermometer's noise in section 3, in degrees
epochs: int = 60  # [1, 500] passes over the training digits; twice as many in section 1, five times in 4
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
# ## 1 · What gives a network away
#
# **Predict.** With true labels, a network needs some passes over its digits to know 19 of every 20. How many times as long does
# it take where the labels are shuffled?

# %%
prediction = None  # 1, 2, 5 or 50

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


def learn(step, labels, n_epochs):
    network = mlp(n_hidden=(256,)).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr)
    errors = []
    for _ in range(n_epochs):
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
        learned[name].append(learn(right_step, y if name == good else shuffled(k), 2 * epochs))
reader = learned[good][0][0]
curves = {name: np.stack([errors for _, errors in learned[name]]) for name in "AB"}  # (runs, epochs, 2)


def epochs_until(errors, level=0.05):  # NaN for a run that never gets there
    below = errors <= level
    return np.where(below.any(1), below.argmax(1) + 1.0, np.nan)


took = {name: epochs_until(curves[name][:, :, 0]) for name in "AB"}
ratio = took[bad].mean() / took[good].mean()

# %% tags=["fold"]
# figure: the two errors of both networks after every epoch
known = {}
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3), sharey=True)
for ax, name in zip(axes, "AB"):
    for part, style, label in ((0, "--", "training error"), (1, "-", f"error on {len(val[1])} new digits")):
        mean, half = np.array([mean_and_interval(column)[:2] for column in curves[name][:, :, part].T]).T
        ax.plot(range(1, 2 * epochs + 1), mean, linestyle=style, color=f"C{part}", label=f"{label} (n = {few} starts)")
        ax.fill_between(range(1, 2 * epochs + 1), mean - half, mean + half, alpha=0.2, color=f"C{part}")
    known[name] = "never" if math.isnan(took[name].mean()) else f"after {took[name].mean():.0f} epochs"
    ax.set(xlabel="epoch", ylim=(-0.03, 1), title=f"{name}: 19 of 20 labels known {known[name]}")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
axes[0].set_ylabel("wrong answers")
axes[0].legend()
outcome = "still learning" if math.isnan(ratio) else min((1, 2, 5, 50), key=lambda guess: abs(math.log(guess / ratio)))
reply = f" You said: {prediction}; nearest was: {outcome}." if prediction else ""
show(
    fig,
    alt="Error after every epoch for networks A and B: on the digits learned, dashed, and on new digits, solid.",
    reading=f"The training errors end at {curves['A'][:, -1, 0].mean():.1%} and {curves['B'][:, -1, 0].mean():.1%}. But A knows "
    f"19 of 20 labels {known['A']}, B {known['B']}. On new digits {good} errs on "
    f"{curves[good][:, -1, 1].mean():.0%} and {bad} on {curves[bad][:, -1, 1].mean():.0%}, where guessing errs on 90 %. {bad} "
    f"had the shuffled labels.{reply}",
)

# %% tags=["fold"]
# claim 01.1: how long true and shuffled labels take
claims.compare(
    "01.1",
    "To know 19 of 20 training labels takes more than twice as many epochs where the labels are shuffled.",
    took[bad],
    took[good],
    factor=2,
    names=("with shuffled labels", "with true ones"),
    unit="epochs",
    over="training runs on these digits",
    source="Zhang et al. 2017, arXiv:1611.03530, who stress that it is no more than a few times as long",
)

# %% [markdown]
# So ask the sellers how long it took, beside true labels at the same learning rate; or better, ask for new digits. The
# **training error** is an average over the examples that shaped the network. What you want to know is its **generalization
# error**, over examples to come. The difference of the two is the **generalization gap**. Digits that played no part in the
# training stand in for those to come.
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
outcome = min((0, 1, 2, 10), key=lambda guess: abs(guess - new_error[-1].mean()))
reply = f" You said: {prediction}; nearest was: {outcome}." if prediction is not None else ""
show(
    fig,
    alt="Above, fans of forty fitted curves for three numbers of coefficients. Below, noise, bias² and variance stacked over D, "
    "with the measured error on new readings and the training error.",
    reading=f"Bias² + variance + noise give the measured error to within {off:.2f} σ². From D = {counts[best]} to {counts[-1]} "
    f"the training error goes from {train_error[best].mean():.2f} to {train_error[-1].mean():.2f} σ², the error on new readings "
    f"from {new_error[best].mean():.2f} to {new_error[-1].mean():.2f} σ².{reply}",
)

# %% [markdown]
# Each faint curve $\hat f$ saw another day. Where the whole fan misses the truth, the model is too stiff: it has **bias**, and is
# **under-fitted**. Where the fan is wide, each curve has followed the noise of its own day: it has **variance**, and is
# **overfitted**. The error on a new reading is its own noise, plus what the mean curve misses, plus how far this day's curve
# strays from the mean. Noise and straying are independent and zero on average, so over days the products vanish and the squares
# stay:
#
# $$\mathbb E\,(\text{new reading} - \hat f\,)^2 = \text{noise} + \text{bias}^2 + \text{variance}.$$
#
# Noise can point in $N$ directions, and $D$ coefficients can follow it in $D$ of them. The same old noise counts twice: what the
# curve followed of it, $\sigma^2D/N$ a reading, is missing from the training error, and comes back as variance on new readings.
# So the gap is $2\sigma^2 D/N$: in least squares, **training error lies in proportion to what was free to fit it.** That holds
# for any hours, as long as new readings come at those hours. Stop the thermometer from 20 to 24 h but ask there too, and the
# curve swings freely where nothing holds it: the claim's control.


# %% tags=["fold"]
# claim 01.2: the gap at D = 13; its control is a thermometer that pauses from 20 to 24 h, while new readings do not
half = list(counts).index(13)
claims.within(
    "01.2",
    "At evenly spaced hours, 13 coefficients for 25 readings make the training error too low by 2σ²D/N; not so if one also "
    "asks between 20 and 24 h, where no reading is.",
    new_error[half] - train_error[half],
    2 * 13 / 25,
    0.1,
    control=early_gap / noise_std**2,
    unit="σ²",
    over="days",
    source="Hastie, Tibshirani, Friedman 2009, section 7.4",
)

# %% [markdown]
# ## 4 · What following lies costs
#
# Networks have no such formula. Back to the digits, with *lies* among the training labels, drawn anew for each run, and told to
# narrow networks and to wide ones. `train_runs` trains them all at once, with the lines of your step inside.
#
# **Predict.** At some epoch a network gets as many of its labels wrong as there are lies; much later, it gets all right. When
# does it read new digits better?

# %%
prediction = None  # "as many wrong" or "all right"


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
    for share, n in ((lies, n_runs), (0.0, few))
    for width in widths
    for k in range(n)
]
history, _ = train_runs(build, (x, y), val, runs, epochs=5 * epochs, evaluate_every=5)

# %% tags=["fold"]
# the two errors of every run, told lies and told the truth; and when a run contradicts as many labels as there are lies
evaluated = history.dropna(subset="val_accuracy")
after = evaluated["epoch"].unique() + 1  # so many epochs
on_told, on_new = (1 - evaluated[f"{part}_accuracy"].to_numpy().reshape(len(runs), -1) for part in ("train", "val"))
n_lied = len(widths) * n_runs
on_lies, lied = (errors[:n_lied].reshape(len(widths), n_runs, -1) for errors in (on_told, on_new))
truthful = on_new[n_lied:].reshape(len(widths), few, -1)  # (widths, runs, evaluations), like those above
n_lies = np.array([(told(k, lies) != y).double().mean().item() for k in range(n_runs)])[None, :, None]
is_there = on_lies <= n_lies
first = np.where(is_there.any(-1), is_there.argmax(-1), len(after) - 1)
as_many, in_the_end = np.take_along_axis(lied, first[..., None], -1)[..., 0], lied[..., -1]

# %% tags=["fold"]
# figure: both errors after every fifth epoch, a panel for each width
fig, axes = plt.subplots(1, len(widths), figsize=(8.6, 3.4), sharey=True)
for ax, width, told_error, fresh_error, truth_error in zip(axes, widths, on_lies, lied, truthful):
    for values, color, style, label in (
        (told_error, "C0", "--", "training error, against the labels told"),
        (fresh_error, "C1", "-", f"error on {len(val[1])} new digits"),
        (truth_error, "0.5", "-.", "the same, if told the truth"),
    ):
        mean, half = np.array([mean_and_interval(column)[:2] for column in values.T]).T
        ax.plot(after, mean, linestyle=style, color=color, label=f"{label} (n = {len(values)})")
        ax.fill_between(after, mean - half, mean + half, alpha=0.2, color=color, linewidth=0)
    ax.axhline(lies, color="black", linestyle=":", linewidth=1, label="share of lies")
    ends = fresh_error.mean(0)
    ax.set(xscale="log", xlabel="epoch", ylim=(-0.03, 1))
    ax.set_title(f"{width} units: best at epoch {after[ends.argmin()]}, {ends.min():.0%}; last {ends[-1]:.0%}")
    ticks = [tick for tick in (1, 3, 10, 30, 100, 300, 1000) if after[0] <= tick <= after[-1]]
    ax.set(xticks=ticks, xticklabels=ticks)
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(PercentFormatter(1))
axes[0].set_ylabel("wrong (mean and 95 % interval over starts)", fontsize=9)
axes[0].legend(fontsize=8)
gains, ahead, _ = mean_and_interval(as_many[0] - as_many[-1])
outcome = "as many wrong" if as_many.mean() < in_the_end.mean() else "all right"
reply = f" You said: {prediction}; it was: {outcome}." if prediction else ""
in_words = [
    f"{width} units get {some.mean():.0%} of new digits wrong when they contradict as many labels as there are lies, and "
    f"{end.mean():.0%} in the end, when they contradict {left:.0%}"
    for width, some, end, left in zip(widths, as_many, in_the_end, on_lies[..., -1].mean(1))
]
show(
    fig,
    alt="A panel for each width: training error, dashed, and error on new digits, solid, of networks told lies, against the "
    "epoch; the error on new digits of networks told the truth; and a dotted line at the share of lies.",
    reading=f"{'; '.join(in_words)}. At the earlier moment {widths[-1]} units are ahead by {100 * gains:.0f} ± {100 * ahead:.0f} "
    f"points. Told the truth, they end at {' and '.join(f'{ends:.1%}' for ends in truthful[..., -1].mean(1))}.{reply}",
)

# %% tags=["fold"]
# claim 01.3: the end of training against the moment of as many contradictions as lies
claims.compare(
    "01.3",
    "Told lies, networks get more new digits wrong in the end than when they contradict as many labels as there are lies.",
    in_the_end.mean(0),
    as_many.mean(0),
    names=("in the end", "with as many contradictions as lies"),
    unit="points",
    over="training runs on these digits, each the average of all widths",
)

# %% tags=["fold"]
# claim 01.4: the widest networks against the narrowest, after the last epoch
claims.compare(
    "01.4",
    "Told lies, and trained to the last epoch at one learning rate, narrow networks get more new digits wrong than wide ones.",
    in_the_end[0],
    in_the_end[-1],
    names=(f"with {widths[0]} units", f"with {widths[-1]}"),
    unit="points",
    over="training runs on these digits",
)

# %% [markdown]
# Whoever knows the digits contradicts every lie and nothing else: the dotted line. A network passes it on its way,
# contradicting as many labels though not quite the same ones, and goes on to follow the lies. **What costs is going on.** At one
# learning rate the wide network gets there sooner; the last card says which ends worse. Compare the grey curves, where there is
# nothing wrong to follow.
#
# ## 5 · Choose, promise, open
#
# Told lies, which width do you sell, stopped at which epoch? The training error cannot say: nobody tells you the share of lies.
# **Validation** digits, which trained nothing and whose labels are true, choose. You sell one network, with a promise for 400
# **test** digits in a sealed envelope.

# %%
errors = lied.mean(1)  # of networks told lies, on the validation digits: (widths, evaluations)
i, j = np.unravel_index(errors.argmin(), errors.shape)
first_of_its_width = runs[i * n_runs]  # train it again, and stop in time
_, [sold] = train_runs(build, (x, y), val, [first_of_its_width], epochs=int(after[j]))

n_wrong = mistakes(sold, *val).sum()
low, high = right_promise(n_wrong, len(val[1]), len(test[1]))
print(f"{widths[i]} units, {after[j]} epochs:")
print(f"{low:.1%} to {high:.1%} of the test digits will be wrong.")

# %% [markdown]
# Now open it, once.

# %%
result = mistakes(sold, *test).mean()
outcome = "kept" if low <= result <= high else "broken, as one in twenty is"
print(f"It got {result:.1%} wrong: promise {outcome}.")

# %% [markdown]
# Strictly, the digits that promised had already chosen width and epoch, and whoever takes the lowest of many errors takes some
# luck with it. How much? Suppose that forty networks are for sale, all *equally* good. You count mistakes on 400 digits, sell
# the one with the fewest, and promise.
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
rng, e = np.random.default_rng(seed), n_wrong / len(val[1])
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
outcome = min(("95 %", "80 %", "65 %", "5 %"), key=lambda guess: abs(float(guess[:-2]) / 100 - simulated[40]))
reply = f" You said: {prediction}; nearest was: {outcome}." if prediction else ""
show(
    fig,
    alt="Share of promises kept against the number of networks that one could pick from, with a dotted line at 95 %.",
    reading=f"Each is wrong on {e:.1%} of digits. The only one: {simulated[1]:.0%} of the promises kept; the best-looking of 40: "
    f"{simulated[40]:.0%}; of 100: {simulated[100]:.0%}."
    f"{reply}",
)

# %% [markdown]
# Among equals, the one that looks best is the lucky one, and luck does not come along to the customer. (Real networks
# are not equal, nor is their luck independent, as all are counted on the same digits: the deep dive measures how much is skill.)
# The cure is simple: count the winner's mistakes once more, on digits that picked nothing. This is what the envelope is for.
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
    without_zero.append(learn(forgetful, y, epochs)[1][-1])
for name, ends in (("with zero_grad", curves[good][:3, epochs - 1]), ("without it", np.array(without_zero))):
    print(f"{name:15} {ends[:, 0].mean():.1%} of the training digits wrong, {ends[:, 1].mean():.1%} of new ones (mean of 3 runs)")

# %% [markdown]
# **Too good.** A colleague doubles their few digits by drawing from them with replacement, *then* splits off validation digits.
# The error on these is wonderful. Follow one digit through the lines:


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
    for k in range(3 * n_runs):  # each time with other few digits
        rng = np.random.default_rng([seed, k])
        ours, others = np.split(rng.permutation(len(val[1])), [200])
        parts = [part.to(device) for part in way(val[0][ours].cpu(), val[1][ours].cpu(), 50, rng)]
        jobs.append({"train": (parts[0], parts[1]), "val": (parts[2], parts[3]), "width": 64, "seed": seed + k, "lr": lr})
        unseen.append((val[0][others], val[1][others]))
    scores, leaked = train_runs(build, None, None, jobs, epochs=epochs, evaluate_every=epochs)
    reported = 1 - scores.groupby("run")["val_accuracy"].last().to_numpy()
    true = np.array([mistakes(network, *pair).mean() for network, pair in zip(leaked, unseen)])
    gap, half, n = mean_and_interval(reported - true)
    print(f"{name}: {reported.mean():.1%} wrong reported, {true.mean():.1%} of all other digits;", end=" ")
    print(f"difference {100 * gap:.1f} ± {100 * half:.1f} points ({n} draws)")

# %% [markdown]
# Copies of a digit sit on both sides. Split first, by whatever makes examples alike: the photograph, the patient, the day.
#
# ## What to take along
#
# * Low training error lies where something was followed that will not come again: noise, or lies.
# * Validation chooses, test reports, once. An error rate without its $n$ is half a number.
# * A promise needs *both* lucks, yours and theirs, and a network that was not picked for its luck.
#
# **Deep dives:** [how much of a best result is luck of the choice?](deeper/01_choosing.ipynb) ·
# [what lies past the perfect fit?](deeper/01_double_descent.ipynb)
#
# **On your own model:** count its mistakes on examples that neither trained nor chose anything, write down
# `promise(n_wrong, n, m)`, and look at the error rate that comes back: is it inside? Where mistakes are few, count on more
# examples first: with none, this formula promises 0 ± 0.
#
# **References.** Zhang et al. 2017, [arXiv:1611.03530](https://arxiv.org/abs/1611.03530) ·
# Hastie, Tibshirani, Friedman 2009, [The elements of statistical learning](https://hastie.su.domains/ElemStatLearn/), chapter 7
#
# **Next:** [02 · Weight decay](02_weight_decay.ipynb).

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
claims.table()
metrics = {f"as_many_{width}": errors.mean() for width, errors in zip(widths, as_many)}
metrics |= {f"end_{width}": errors.mean() for width, errors in zip(widths, in_the_end)}
metrics |= {"chosen_width": widths[i], "chosen_epochs": after[j], "test_error": result, "best_of_40": simulated[40]}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (45).** 3 hook · 9 exercise 1.1, in pairs · 4 the two curves (vote first) · 8 section 2 with exercise 1.2 (vote
# on the 95 % first) · 7 section 3 · 5 section 4 (vote first) · 7 the envelope and exercise 1.3. **When short:** section 6.
# **Ask before running:** what would you ask the sellers of A and B? Why is 2 the answer in section 3, and not 1? In section 4:
# which of the two errors could you see if nobody told you how many labels are lies?
# **Expect:** "95 % means 95 % of their results"; "the network with 30 % training errors cannot be the better one"; "wide networks
# overfit more"; "variance is over test points" (it is over days).
