# %% [markdown]
# # 10 · Your recipe
#
# **Which regularizers should I use on my problem?**
#
# You have a few hundred labelled pictures and a budget of training runs: forty, if you change nothing below. Your colleague
# needs none of them. In some lecture notes there is a table with a row for data this small: *"Strong dropout (0.5), high weight
# decay (1e-3), heavy augmentation"*.
#
# Can you beat the row? By how much, and would the number survive if somebody checked it? In this lesson you spend the budget,
# choose, check, open the test pictures once, and write the page that you would hand to your boss.
#
# *{minutes} minutes. You need lessons 01, 03 and 04. Two questions to warm up:*
#
# <details><summary>AdamW, lr 1e-3, weight decay 1e-3, a thousand steps: how much of a weight does the decay take?</summary>
# About Σ lr·λ = 0.001 of it, a tenth of a percent (lesson 03).</details>
# <details><summary>Why must dropout be off when validation pictures are read?</summary>
# One asks for the whole network, not for one of its sub-networks (lesson 04).</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
data: str = "letters"  # {"letters", "mnist", "fashion_mnist", "cifar10", "folder:…"} pictures; or a folder of yours
network: str = "mlp"  # {"mlp", "cnn"} what reads them
width: int = 128  # [4, 1024] hidden units of the mlp; an eighth of it are channels of the cnn
n_proposals: int = 26  # [3, 200] settings that the search tries
n_seeds: int = 1  # [1, 8] runs of each setting in the search
n_fresh: int = 4  # [3, 32] runs with fresh seeds of each finalist
n_small: int = 50  # [10, 200] pictures in the small validation sets of section 4
n_train: int = 800  # [20, 50000] training pictures
n_val: int = 1000  # [30, 10000] validation pictures
n_test: int = 2000  # [30, 10000] test pictures
epochs: int = 20  # [1, 200] passes over four copies of each training picture
lr: float = 1e-3  # (0, 0.1) learning rate of AdamW
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the pictures (16 x 16 pixels, each with mean 0 and variance 1; letters in grey)
import math
from pathlib import Path

import numpy as np
import torch
from IPython.display import Markdown, display
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from torch.nn import functional

from course_utils.checks import lesson_10 as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.models import cnn, mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import crossed_interval, mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("10")
pictures = load(data, n_train=n_train, n_val=n_val, n_test=n_test, seed=seed, device=device)


def shrunk(x):
    x = functional.adaptive_avg_pool2d(x.mean(1, keepdim=True) if data == "letters" else x, 16)
    return (x - x.mean((1, 2, 3), keepdim=True)) / x.std((1, 2, 3), keepdim=True).clamp_min(1e-3)


train, val, test = ((shrunk(x), y) for x, y in (pictures.train, pictures.val, pictures.test))

# %% tags=["fold"]
# the situation: some of the pictures, and the budget as one square a run
stages = [
    ("1  look: the default", n_seeds, "C0"),
    ("2  search: the colleague's row", n_seeds, "C1"),
    ("    your proposals", n_seeds * n_proposals, "C2"),
    ("3  check: finalists, fresh seeds", 3 * n_fresh, "C3"),
]
budget = sum(count for _, count, _ in stages)
fig, (top, ax) = plt.subplots(2, 1, figsize=(8.6, 3.4), height_ratios=[1, 2.6])
few = train[0][:14].cpu()
low, high = few.amin((1, 2, 3), keepdim=True), few.amax((1, 2, 3), keepdim=True)
strip = torch.cat(list(functional.pad((few - low) / (high - low), (1, 1), value=1)), -1)
top.imshow(strip.permute(1, 2, 0).squeeze(-1), cmap="gray", vmin=0, vmax=1)
top.set_title(f"{n_train} of these to learn from, and {budget} runs to spend")
top.axis("off")
side = 26 / max(26, *(count for _, count, _ in stages))
for row, (label, count, colour) in enumerate(stages):
    ax.text(-0.6, -row, label, ha="left", va="center", fontsize=9)
    for k in range(count):
        ax.add_patch(Rectangle((11 + k * side, -row - 0.36), 0.8 * side, 0.72, color=colour))
    ax.text(11.3 + count * side, -row, f"{count}", va="center", fontsize=9)
ax.text(-0.6, -len(stages), "4  test: no run, one opening", va="center", fontsize=9)
ax.add_patch(Rectangle((11, -len(stages) - 0.36), 6, 0.72, fill=False, edgecolor="0.3", linewidth=1.5))
ax.text(14, -len(stages), "sealed", ha="center", va="center", fontsize=9)
ax.set(xlim=(-0.8, 38.5), ylim=(-len(stages) - 0.6, 0.6))
ax.axis("off")
show(
    fig,
    alt="A strip of small pictures; below it rows of squares, a square a training run, for looking, searching and checking, and "
    "a sealed box: the test pictures.",
    reading=f"A square is a training run: {stages[0][1]} to look, {stages[1][1] + stages[2][1]} to search, {stages[3][1]} to "
    f"check three finalists with {n_fresh} fresh seeds each; {budget} in all. The test pictures are opened once, at the end.",
)

# %% [markdown]
# ## 1 · Look first
#
# The **default** has no regularizer. The **table's row** is quoted from "Regularization Strategy by Dataset Size", a table in a
# set of lecture notes; "< 1K samples" is its first line. It names no network and no length of training, so it gets the same as
# all others here. By *augmentation* we mean training on turned, moved and zoomed copies:


# %%
def augmented(x, augment, k):
    """Four copies of every picture, turned, moved and zoomed at random, as far as augment says."""
    draw = torch.Generator().manual_seed(1000 * seed + k)
    u = augment * (2 * torch.rand(4, 4 * len(x), generator=draw) - 1)
    angle, zoom, right, down = 0.3 * u[0], 1 + 0.2 * u[1], 0.25 * u[2], 0.25 * u[3]
    first = torch.stack([zoom * angle.cos(), -zoom * angle.sin(), right], 1)
    second = torch.stack([zoom * angle.sin(), zoom * angle.cos(), down], 1)
    x, maps = x.repeat(4, 1, 1, 1), torch.stack([first, second], 1).to(x.device)
    places = functional.affine_grid(maps, x.shape, align_corners=False)
    return functional.grid_sample(x, places, padding_mode="border", align_corners=False)


# %%
default = {"augment": 0.0, "p_drop": 0.0, "label_smoothing": 0.0, "weight_decay": 0.0}
row = {"augment": 1.0, "p_drop": 0.5, "label_smoothing": 0.0, "weight_decay": 1e-3}

# %% [markdown]
# `augment = 1` turns by up to 17 degrees, moves by up to 2 pixels of 16, and zooms by up to a fifth. With `augment = 0` the
# four copies are equal: so all settings cost the same number of steps. One function trains what we ask for:


# %%
def build(p_drop):
    n_channels, n_classes = train[0].shape[1], len(pictures.classes)
    if network == "cnn":
        return cnn(n_channels, n_classes, max(4, width // 8), p_drop)
    return mlp(256 * n_channels, (width, width), n_classes, p_drop)


def train_all(settings, ks, evaluate_every=epochs):
    runs = []
    for setting in settings:
        for k in ks:
            rest = {name: value for name, value in setting.items() if name != "augment"}
            copies = augmented(train[0], setting["augment"], k), train[1].repeat(4)
            runs.append({**rest, "lr": lr, "seed": seed + k, "train": copies})
    return train_runs(build, train, val, runs, epochs=epochs, evaluate_every=evaluate_every)


history, _ = train_all([default], range(n_seeds), evaluate_every=1)

# %% tags=["fold"]
# figure: training and validation accuracy of the default
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.1))
for ax, metric in zip(axes, ("accuracy", "loss")):
    for part, style in (("train", "--"), ("val", "-")):
        for k, run in history.groupby("run"):
            label = {"train": "training", "val": "validation"}[part] if k == 0 else None
            ax.plot(run["epoch"] + 1, run[f"{part}_{metric}"], style, color="C0" if part == "train" else "C1", label=label)
    ax.set(xlabel="epoch", ylabel=metric if metric == "accuracy" else "loss (nats)")
axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
axes[0].legend()
by_epoch = history.groupby("epoch")[["train_accuracy", "val_accuracy", "val_loss"]].mean()
last, chance = by_epoch.iloc[-1], 1 / len(pictures.classes)
stop = by_epoch.loc[by_epoch["val_loss"].idxmin(), "val_accuracy"]
change = stop - last["val_accuracy"]
is_over = last["train_accuracy"] - last["val_accuracy"] > 0.05
fig.suptitle(f"The default: {last['train_accuracy']:.0%} of training, {last['val_accuracy']:.0%} of validation pictures read")
show(
    fig,
    alt="Accuracy and loss of the default against the epoch, on training pictures (dashed) and on validation pictures (solid).",
    reading=f"At the end {last['train_accuracy']:.1%} in training, {last['val_accuracy']:.1%} in validation (guessing: "
    f"{chance:.0%}). Diagnosis: "
    + ("a wide gap over a full fit, so regularize." if is_over else "hardly a gap: more capacity or longer training first.")
    + f" Stopped where the validation loss was lowest, it would have read {stop:.1%}: a stop alone "
    + ("gains something." if change > 0.01 else "costs something." if change < -0.01 else "changes little.")
    + f" From there the loss rises by {last['val_loss'] - by_epoch['val_loss'].min():.1f} nats while accuracy moves by "
    f"{-100 * change:+.1f} points: the loss also counts how sure the wrong answers are.",
)

# %% [markdown]
# ## 2 · Proposals
#
# A grid of four regularizers at three strengths has 81 settings. **Random search** draws instead: every setting tries another
# value of *every* regularizer, which pays where few of them matter and nobody knows which (Bergstra and Bengio 2012).
#
# From where to where? One computation first: what can a decay do in so many steps, at this learning rate?

# %%
n_steps = epochs * (4 * n_train // min(64, 4 * n_train))
for decay in (row["weight_decay"], 0.1, 1, 10):
    shrinkage = 1 - math.exp(-n_steps * lr * decay)
    print(f"weight decay {decay:<6g} takes {shrinkage:.1%} of a weight without gradient")

# %% [markdown]
# So we search from 0.1 to 10. (Label smoothing, lesson 04: a target a little less than certain.)
#
# ### Exercise 10.1 · Propose
#
# Write `propose(rng)`: one random setting, a dict like `default`. Each of the four regularizers is on with probability 1/2,
# each by a coin of its own; off means 0. If on, `augment` is uniform from 0.2 to 1.2, `p_drop` from 0.1 to 0.6,
# `label_smoothing` from 0.05 to 0.4. `weight_decay` lies from 0.1 to 10 and is **log-uniform**: as likely between 0.1 and 1
# as between 1 and 10. (`rng` is a NumPy generator: `rng.random()`, `rng.uniform(low, high)`.) Your proposals will be trained.
#
# <details><summary>Hint 1</summary>Log-uniform: draw the exponent uniformly.</details>
# <details><summary>Hint 2</summary><code>strength if rng.random() &lt; 0.5 else 0.0</code>, once for each of the
# four.</details>


# %% tags=["stub"]
def propose(rng): ...


checks.check_10_1(propose)


# %% tags=["solution"]
def propose(rng):
    strengths = {
        "augment": rng.uniform(0.2, 1.2),
        "p_drop": rng.uniform(0.1, 0.6),
        "label_smoothing": rng.uniform(0.05, 0.4),
        "weight_decay": 10 ** rng.uniform(-1, 1),
    }
    return {name: strength if rng.random() < 0.5 else 0.0 for name, strength in strengths.items()}


checks.check_10_1(propose)


# %% tags=["fold"]
# ours, in case yours is open
def our_proposal(rng):
    low, high = np.array([0.2, 0.1, 0.05, -1]), np.array([1.2, 0.6, 0.4, 1])
    strengths = rng.uniform(low, high)
    strengths[3] = 10 ** strengths[3]
    return dict(zip(default, map(float, strengths * (rng.random(4) < 0.5))))


is_yours = checks.check_10_1(propose).startswith("passed")
draw_setting = propose if is_yours else our_proposal
print("proposals are drawn by", "your function" if is_yours else "ours")

# %% [markdown]
# **Predict.** The default, the colleague's row, the best of your proposals: in which order will they read the validation
# pictures? And how far is the first ahead of the second?

# %%
prediction = None  # such as ("row", "default", "search", 5): the best first, and points

# %%
rng = np.random.default_rng(seed)
settings = [default, row] + [draw_setting(rng) for _ in range(n_proposals)]
_, networks = train_all(settings, range(n_seeds))


# %%
@torch.no_grad()
def reads(network, part):
    return (network.eval()(part[0]).argmax(1) == part[1]).cpu().numpy()


right = np.array([reads(n, val) for n in networks]).reshape(len(settings), n_seeds, -1).mean(1)

# %% [markdown]
# `right` has a row for each setting and a column for each picture: whether it was read (by which share of its runs). Before
# you look at who won, write down how you will choose.
#
# ## 3 · Choose
#
# The highest mean wins? Read other pictures, and another one does. What counts is the **difference** from the best, picture by
# picture. Its standard error is that of a mean of differences:
#
# $$d_i = \text{right}_{\text{best},\,i} - \text{right}_{s,\,i}, \qquad \text{SE}_s = \frac{\text{std}(d_1 \dots d_n)}{\sqrt n}.$$
#
# The **one-standard-error rule** (Breiman et al. 1984) takes, of all that lie within one standard error of the best, the
# simplest: whatever it does *not* use needs no explaining and no upkeep. Here simple means few regularizers.
#
# ### Exercise 10.2 · Choose
#
# `right` is (settings, pictures), `n_used` the number of regularizers of each setting. Return the index of the setting that the
# rule chooses; among equally simple ones, that with the higher mean.
#
# <details><summary>Hint 1</summary><code>best = right.mean(1).argmax()</code>, then <code>d = right[best] - right</code> has a
# row for each setting.</details>
# <details><summary>Hint 2</summary>A tie is <code>d.mean(1) &lt;= SE</code>; the best ties with itself. Sort the ties by
# <code>(n_used[s], -mean[s])</code>.</details>


# %% tags=["stub"]
def choose(right, n_used): ...


checks.check_10_2(choose)


# %% tags=["solution"]
def choose(right, n_used):
    mean = right.mean(1)
    d = right[mean.argmax()] - right
    error = d.std(1, ddof=1) / np.sqrt(right.shape[1])
    ties = np.flatnonzero(d.mean(1) <= error)
    return min(ties, key=lambda s: (n_used[s], -mean[s]))


checks.check_10_2(choose)


# %% tags=["fold"]
# ours, in case yours is open; the choice
def standard_errors(right):
    d = right[right.mean(1).argmax()] - right
    return d.std(1, ddof=1) / np.sqrt(right.shape[1])


def our_choice(right, n_used):
    mean = right.mean(1)
    ties = np.flatnonzero(mean.max() - mean <= standard_errors(right))
    return min(ties, key=lambda s: (n_used[s], -mean[s]))


is_yours = checks.check_10_2(choose).startswith("passed")
choice = choose if is_yours else our_choice
n_used = np.array([sum(value > 0 for value in setting.values()) for setting in settings])
chosen = int(choice(right, n_used))
mean, error = right.mean(1), standard_errors(right)
best = int(mean.argmax())
ties = np.flatnonzero(mean[best] - mean <= error)
names = ["default", "the table's row", *(f"proposal {k + 1}" for k in range(n_proposals))]

# %% tags=["fold"]
# figure: all settings, best first: their regularizers and their validation accuracy
order = np.argsort(-mean, kind="stable")
order = [s for place, s in enumerate(order) if place < 12 or s in (0, 1, chosen)]
fig, (left, ax) = plt.subplots(1, 2, figsize=(9.4, 1 + 0.27 * len(order)), width_ratios=[1, 1.35], sharey=True)
heads = {"augment": "augment", "p_drop": "dropout", "label_smoothing": "smoothing", "weight_decay": "decay"}


def bar(name, value):
    strongest = {"augment": 1.2, "p_drop": 0.6, "label_smoothing": 0.4}
    return value / strongest[name] if name in strongest else (math.log10(value) + 3) / 4  # decay: 0.001 to 10


for place, s in enumerate(order):
    for column, name in enumerate(heads):
        value = settings[s][name]
        if value:
            left.add_patch(Rectangle((column - 0.46, place - 0.4), 0.92 * bar(name, value), 0.8, color="C2", alpha=0.35))
        left.text(column, place, f"{value:.2g}" if value else "–", ha="center", va="center", fontsize=8)
    colour, marker = ("C3", "D") if s == chosen else ("C0", "o") if s in ties else ("0.6", "o")
    ax.errorbar(mean[s], place, xerr=error[s] or None, fmt=marker, color=colour, capsize=2)
left.set(xticks=range(4), xticklabels=heads.values(), xlim=(-0.5, 3.5), yticks=range(len(order)))
left.set_yticklabels([names[s] + (" (chosen)" if s == chosen else "") for s in order], fontsize=8)
left.tick_params(axis="x", labeltop=True, labelbottom=False, labelsize=8)
left.grid(False)
ax.invert_yaxis()
ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
if len(ties) > 1:
    ax.axvspan(mean[best] - error[ties].max(initial=0), mean[best], color="C0", alpha=0.1)
ax.set_xlabel("validation accuracy; bar: one standard error of the difference from the best", fontsize=8)
for label, colour, marker in (("chosen", "C3", "D"), ("ties with the best", "C0", "o"), ("behind", "0.6", "o")):
    ax.plot([], [], marker, color=colour, label=label)
ax.legend(loc="upper left", fontsize=8)
n_ties = "by these errors nothing ties" if len(ties) == 1 else f"{len(ties)} settings tie for the best"
ax.set_title(f"{n_ties[0].upper()}{n_ties[1:]}; the row is {100 * (mean[best] - mean[1]):.0f} points behind", fontsize=10)
averages = []
for name, head in heads.items():
    on = np.array([setting[name] > 0 for setting in settings])
    averages.append(f"{head} {mean[on].mean():.1%} with, {mean[~on].mean():.1%} without" if on.any() else f"{head} never on")
same = "the same as the highest mean" if chosen == best else "not the highest mean"
show(
    fig,
    alt="A table of settings, best first, with the strength of four regularizers as bars, and the validation accuracy of each.",
    reading=f"Shown are the best, the row and the default, of {len(settings)}. Best: {names[best]} with {mean[best]:.1%}; the "
    f"row reads {mean[1]:.1%}, the default {mean[0]:.1%}. Within one standard error of the best: "
    f"{', '.join(names[s] for s in ties)}. The rule chooses {names[chosen]}, {same}; it uses {n_used[chosen]} of 4. "
    f"Averages over all settings: {'; '.join(averages)}." + (f" You said: {prediction}." if prediction else ""),
)

# %% [markdown]
# Look down the columns: which bars do the best have in common? In a search over random settings, that is how one sees which
# regularizer matters *here*: the averages below it, with and without, are over all. (A checklist in the same notes begins
# with augmentation, "usually the most effective first step".)
#
# Mind what these errors hold: the pictures, and not the seed. With one run each, a tie in truth may look like a lead of a
# point or two, and the simpler runner-up may be as good. That is the price of trying many settings once; fresh seeds come in
# section 5.
#
# All settings read the *same* pictures. Had each read pictures of its own, the error of a difference would be the root of two
# squared errors:

# %%
apart = np.sqrt((right.var(1, ddof=1) + right[best].var(ddof=1)) / right.shape[1])
others = np.arange(len(settings)) != best
print("standard error of a difference, on average over the settings:")
print(f"on the same pictures {error[others].mean():.2%}, on others {apart[others].mean():.2%}")

# %% [markdown]
# ## 4 · What a promise is worth
#
# The winner was chosen *because* its number was high. Part of that is merit, part is luck with these pictures. How much?
# Suppose you had held back fewer for validation. Cut ours into small sets (fifty pictures by default); in each, the highest
# mean wins and **promises** a lead over the average setting. All other validation pictures say what it **keeps** of it.
#
# **Predict.** On how many of ten such sets does the winner keep less than it promised?

# %%
prediction = None  # a number from 0 to 10


# %% tags=["fold"]
# promised_and_kept: in each set of so many pictures the highest mean wins; its lead there and elsewhere
def winner_of(right, n_used):
    return right.mean(1).argmax()


def promised_and_kept(right, size, choice=winner_of):
    rows = []
    for k in range(right.shape[1] // size):
        inside = np.arange(right.shape[1]) // size == k
        here, elsewhere = right[:, inside].mean(1), right[:, ~inside].mean(1)
        s = choice(right[:, inside], n_used)
        rows.append((here[s] - here.mean(), elsewhere[s] - elsewhere.mean(), n_used[s]))
    return np.array(rows).T


# %%
size = min(n_small, right.shape[1] // 3)
promised, kept, uses = promised_and_kept(right, size)
_, kept_by_rule, uses_by_rule = promised_and_kept(right, size, choice)

# %% tags=["fold"]
# figure: promised and kept for each small set, and the mean of both against the size of the sets
sizes = [n for n in (25, 50, 100, 200) if 3 * n <= right.shape[1]] or [size]
fig, axes = plt.subplots(1, 2, figsize=(8.8, 3.4), width_ratios=[1, 1.2])
for a, b in zip(promised, kept):
    axes[0].plot([0, 1], [100 * a, 100 * b], color="0.7", linewidth=1, linestyle="-", marker="o", markersize=3)
for place, values in enumerate((promised, kept)):
    m, half, n = mean_and_interval(100 * values)
    axes[0].errorbar(place, m, half, color="C1", marker="s", capsize=4, zorder=3, label=f"mean, 95 % (n = {n})" * (not place))
axes[0].set(xticks=[0, 1], xticklabels=["promised", "kept"], xlim=(-0.4, 1.4), ylabel="lead over the average setting (points)")
less = (kept < promised).mean()
axes[0].set_title(f"Sets of {size}: {promised.mean() * 100:.1f} points promised, {kept.mean() * 100:.1f} kept", fontsize=9)
axes[0].legend(fontsize=8)
for index, (label, style, marker) in enumerate((("promised", "-", "o"), ("kept", "--", "s"))):
    rows = [mean_and_interval(100 * promised_and_kept(right, n)[index])[:2] for n in sizes]
    axes[1].errorbar(sizes, *zip(*rows), linestyle=style, marker=marker, capsize=2, color=f"C{index}", label=label)
axes[1].set(xscale="log", xlabel="pictures in the validation set", ylabel="lead of the winner (points)", xticks=sizes)
axes[1].set_xticklabels(sizes)
axes[1].minorticks_off()
gaps = [100 * np.subtract(*promised_and_kept(right, n)[:2]).mean() for n in sizes]
axes[1].set_title(f"Too much promised: {gaps[0]:.1f} points at {sizes[0]}, {gaps[-1]:.1f} at {sizes[-1]}", fontsize=9)
axes[1].legend(fontsize=8)
show(
    fig,
    alt="Left: for each small validation set a line from the promised lead to the lead kept elsewhere. Right: mean promised and "
    "kept lead against the number of pictures in the validation set.",
    reading=f"In {less:.0%} of the {len(promised)} sets of {size} the winner keeps less than it promised, on average "
    f"{100 * (promised - kept).mean():.1f} points less; with sets of {sizes[-1]}, {gaps[-1]:.1f} points less. It "
    f"uses {uses.mean():.1f} regularizers and keeps {100 * kept.mean():.1f} points; the one-standard-error rule, in the same "
    f"sets of {size}, chooses {uses_by_rule.mean():.1f} regularizers and keeps {100 * kept_by_rule.mean():.1f} points."
    + (f" You said {prediction} in ten." if prediction is not None else ""),
)

# %% tags=["fold"]
# claim 10.1: the winner's curse
claims.compare(
    "10.1",
    "Chosen on few pictures, the winner of this search promises a larger lead than it keeps on others.",
    promised,
    kept,
    names=("promised", "kept elsewhere"),
    unit="points",
    over="validation sets, with these networks",
    source="Cawley and Talbot 2010",
)

# %% [markdown]
# That is the **winner's curse**, and many pictures help against it. There is a second kind of luck, that of the seed, which no
# number of pictures cures. So before you believe your winner, train it again.
#
# ## 5 · Fresh seeds, then the seal
#
# Three finalists (the default, the row, your choice) get fresh seeds and read the validation pictures again. Then, and only
# then, the test pictures are opened. Nothing is chosen after this line.

# %%
finalists = {"default": default, "the table's row": row, "your search": settings[chosen]}
fresh = range(n_seeds, n_seeds + n_fresh)
_, final = train_all(list(finalists.values()), fresh)

# %%
on_val = dict(zip(finalists, np.array([reads(n, val) for n in final]).reshape(3, n_fresh, -1)))
on_test = dict(zip(finalists, np.array([reads(n, test) for n in final]).reshape(3, n_fresh, -1)))

# %% tags=["fold"]
# figure: the gain over the default as promised, with fresh seeds, and on test pictures
fig, ax = plt.subplots(figsize=(7, 3.6))
promise = {"the table's row": mean[1] - mean[0], "your search": mean[chosen] - mean[0]}
gain = {}
for number, name in enumerate(promise):
    gain[name] = [crossed_interval(part[name].astype(float) - part["default"])[:2] for part in (on_val, on_test)]
    m, half = (100 * np.array(values) for values in zip((promise[name], 0), *gain[name]))
    place = np.arange(3) + 0.06 * number
    ax.plot(place, m, "-" if number else "--", color=f"C{number + 1}", label=name)
    ax.errorbar(place[1:], m[1:], half[1:], fmt="o" if number else "s", color=f"C{number + 1}", capsize=4)
    ax.plot(place[0], m[0], "o" if number else "s", color=f"C{number + 1}", fillstyle="none", markersize=9)
ax.axhline(0, color="C0", linestyle=":", label="default")
ax.set(xticks=[0, 1, 2], xlim=(-0.3, 2.4), ylabel="gain over the default (points)")
ax.set_xticklabels(
    [f"promised\n(search, {n_seeds} a setting)", f"fresh seeds\n(validation, {n_fresh} runs)", f"test\n({n_fresh} runs)"]
)
other = "the table's row"
lead, lead_half, _ = crossed_interval(on_test["your search"].astype(float) - on_test["the table's row"])
verdict = "ahead of" if lead > lead_half else "behind" if lead < -lead_half else "tied with"
ax.set_title(f"On test, your search is {verdict} the row: {100 * lead:+.1f} ± {100 * lead_half:.1f} points")
ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
show(
    fig,
    alt="Gain over the default of the row and of the search at three stages: promised in the search, with fresh seeds, on test.",
    reading="; ".join(
        f"{name}: promised {100 * promise[name]:+.1f}, with fresh seeds {100 * gain[name][0][0]:+.1f} ± "
        f"{100 * gain[name][0][1]:.1f}, on test {100 * gain[name][1][0]:+.1f} ± {100 * gain[name][1][1]:.1f} points"
        for name in promise
    )
    + ". The 95 % intervals are over runs and pictures. From promised to fresh seeds the search's gain moves by "
    f"{100 * (gain['your search'][0][0] - promise['your search']):+.1f} points; from fresh seeds to test by "
    f"{100 * (gain['your search'][1][0] - gain['your search'][0][0]):+.1f}, the row's by "
    f"{100 * (gain[other][1][0] - gain[other][0][0]):+.1f}, so the search's beyond the row's "
    f"{100 * (gain['your search'][1][0] - gain['your search'][0][0] - gain[other][1][0] + gain[other][0][0]):+.1f}. (The "
    f"default reads {on_val['default'].mean():.1%} of the validation and {on_test['default'].mean():.1%} of the test pictures.)",
)

# %% tags=["fold"]
# claims 10.2 and 10.3: what the search is worth on test pictures
claims.compare(
    "10.2",
    "The setting chosen on validation reads test pictures better than the default, by more than three points.",
    on_test["your search"].astype(float),
    on_test["default"].astype(float),
    margin=0.03,
    names=("your search", "the default"),
    unit="points",
    over="runs and test pictures",
)
claims.compare(
    "10.3",
    "It also reads them better than the colleague's row.",
    on_test["your search"].astype(float),
    on_test["the table's row"].astype(float),
    names=("your search", "the table's row"),
    unit="points",
    over="runs and test pictures",
)

# %% [markdown]
# The two steps tell two kinds of luck apart. From *promised* to *fresh seeds* the **seed's** luck is lost; the pictures are
# still those that chose. From *fresh seeds* to *test* the pictures are new, for letters even new typefaces. What the row
# loses too is the pictures being others; what the chosen loses *beyond* the row hints at luck with the **pictures** that
# chose it. With fifty of them, says section 4, expect some points of it, and fresh seeds would not have shown them.
#
# The intervals are over runs and over pictures like these. New typefaces, or next year's camera, are not in them.
#
# ## 6 · What was wrong with the row?
#
# It has augmentation at full strength, and dropout, and a decay (too small to matter). More regularizers, more regularization.
# **Predict.** What happens to the row without its dropout?

# %%
prediction = None  # "better", "worse" or "no difference"

# %%
more = range(n_seeds, n_seeds + 2 * n_fresh)  # beyond the budget, to understand
_, pair = train_all([row, {**row, "p_drop": 0.0}], more)
whole, relieved = np.array([reads(n, val) for n in pair]).reshape(2, len(more), -1).mean(2)

# %% tags=["fold"]
# claim 10.4: the row without its dropout
m, half, n = mean_and_interval(relieved - whole)
print(f"the row reads {whole.mean():.1%} of the validation pictures, without dropout {relieved.mean():.1%}:")
fits = np.array([reads(n, train).mean() for n in pair]).reshape(2, -1).mean(1)
print(f"(of the training pictures {fits[0]:.1%}, without dropout {fits[1]:.1%})")
print(f"{100 * m:+.1f} ± {100 * half:.1f} points (n = {n})" + (f". You said: {prediction}." if prediction else ""))
claims.compare(
    "10.4",
    "At this length of training, the row without its dropout reads validation pictures better than the whole row.",
    relieved,
    whole,
    names=("without dropout", "the whole row"),
    unit="points",
    over="training runs on these pictures",
)

# %% [markdown]
# Two regularizers may do the same work twice; or the network is too small, or the training too short, for so much dropout.
# The row is no bad row: for another network it may be right. Try `width = 512` and `epochs = 80`, and look at this section
# only, or the seal is broken. A table cannot know which network you have. Your validation pictures do.
#
# ## 7 · Reading somebody else's table
#
# The same notes try dropout rates on CIFAR-10, a run each, and call one "best generalization": p = 0.3 reads 80.1 %, p = 0.5
# reads 79.3 % of the 10,000 *test* images. Is that a difference? As in section 3, only images count on which the two
# *disagree*.
#
# ### Exercise 10.3 · How many standard errors?
#
# Two networks read the same n images, shares a and b of them right. On a share d just one of the two is right. How many
# standard errors lie between a and b?
#
# <details><summary>Hint 1</summary>Per image the difference is +1, −1 or 0, and not 0 on a share d. Its mean is a − b; what is
# the mean of its square?</details>
# <details><summary>Hint 2</summary>Variance = mean of the square − square of the mean. Divide by n, take the root.</details>


# %% tags=["stub"]
def z(a, b, d, n): ...


checks.check_10_3(z)


# %% tags=["solution"]
def z(a, b, d, n):
    return (a - b) / ((d - (a - b) ** 2) / n) ** 0.5


checks.check_10_3(z)


# %% tags=["fold"]
# ours, in case yours is open; the "best" rows of the notes for several shares of disagreement
def our_z(a, b, d, n):
    return (a - b) / math.sqrt((d - (a - b) ** 2) / n)


used_z = z if checks.check_10_3(z).startswith("passed") else our_z
disagree = np.mean([(on_val["default"][i] != on_val["default"][j]).mean() for i in range(n_fresh) for j in range(i)])
pairs = {
    "dropout 0.3 (best) and 0.5": (0.801, 0.793),
    "decay 1e-3 (best) and 1e-4": (0.802, 0.798),
    "dropout 0.3 and 0.1": (0.801, 0.773),
}
print("standard errors between:      if they disagree on   5 %   10 %   20 %   30 % of the images")
for label, (a, b) in pairs.items():
    print(f"{label:44}" + "".join(f"{float(used_z(a, b, d, 10_000)):7.1f}" for d in (0.05, 0.1, 0.2, 0.3)))
differ = (on_val["default"] != on_val["the table's row"]).mean()
print(f"\nhere: the default, trained with two seeds, disagrees with itself on {disagree:.0%} of the validation pictures,")
print(f"with the table's row on {differ:.0%}")

# %% [markdown]
# About two standard errors are needed. Which column? Even one setting disagrees with itself from seed to seed, and two
# settings more: the last lines give an idea, d itself was not printed. So whether the rows called "best" are ahead, *the
# reader of this table cannot tell*; that p = 0.3 is ahead of 0.1 holds in every column. And these errors hold images only:
# not the seed (one run each), nor that "best" was picked on the very images that report it.
#
# ## 8 · The page


# %% tags=["fold"]
# the page: what was tried, what was chosen, what it is worth
def percent(values):
    m, half, _ = crossed_interval(values.astype(float))
    return f"{100 * m:.1f} ± {100 * half:.1f} %"


def in_words(setting):
    parts = [f"{heads[name]} {value:.2g}" for name, value in setting.items() if value]
    return ", ".join(parts) or "no regularizer"


rule = f"The simplest of {len(ties)} settings" if len(ties) > 1 else "The best, with none"
rule += " within one standard error (pictures only, not the seed)"
lines = [
    f"### {data}: which regularizers?",
    f"**Use:** {in_words(settings[chosen])}.",
    f"**Worth:** {percent(on_test['your search'])} of new pictures read, {100 * gain['your search'][1][0]:+.1f} ± "
    f"{100 * gain['your search'][1][1]:.1f} points against no regularizer, {100 * lead:+.1f} ± {100 * lead_half:.1f} against the "
    "row of the table.",
    "| | setting | promised | fresh seeds | test |\n| --- | --- | --- | --- | --- |\n"
    + "\n".join(
        f"| {name} | {in_words(setting)} | {100 * mean[s]:.1f} % | {percent(on_val[name])} | {percent(on_test[name])} |"
        for (name, setting), s in zip(finalists.items(), (0, 1, chosen))
    ),
    f"**Tried:** {n_proposals} random settings of augmentation, dropout, label smoothing and decay, "
    f"{n_seeds} run{'s' * (n_seeds > 1)} each, the default and the row; {budget} runs of {n_steps} steps in all. {rule} "
    f"on {len(val[0])} validation pictures. {len(test[0])} test pictures, read once, after choosing.",
    f"**Not tried:** other networks than this {network} of width {width}, other learning rates than {lr:g}, other lengths of "
    "training, normalization, more data. ± is a 95 % interval over runs and pictures of this kind.",
]
page = "\n\n".join(lines)
display(Markdown(page))

# %%
keep = False  # True: write the page beside this notebook
if keep:
    path = Path("my_recipe.md").resolve()
    path.write_text(page, encoding="utf-8")
    print("written to", path)

# %% [markdown]
# **Your own pictures.** Put them into a folder for each class, set `data = "folder:my_pictures"` (the folder of these folders)
# and the three numbers of pictures, choose `network = "cnn"`, and run everything again. The budget, the rules and the page stay
# as they are.
#
# ## What to take along
#
# * Look before you search: the gap says whether to regularize at all, Σ lr·λ whether a decay can act.
# * Draw settings, give all the same seeds and the same pictures, choose by a rule that you wrote down before.
# * The best number of a search is a promise. Fresh seeds take the luck of the seed out of it, only pictures that did not choose
#   take out the rest: the sealed ones, once.
# * Ties are ties: take the simplest.
#
# The notes' checklists, step by step: *augmentation, weight decay, dropout* and stopping are tested above, *normalization* is
# lesson 07, *less capacity* lesson 01. One list begins with augmentation, another with weight decay 1e-4: their order is
# custom, and a search needs none. Custom, too, is how we split the budget.
#
# **On your own model:** `settings = [default, popular] + [propose(rng) for _ in range(26)]`, all with the same seed; look at
# one number, the gain of your choice over the default with fresh seeds **on pictures that did not choose
# it**, and at its interval.
#
# **References.** Breiman, Friedman, Olshen, Stone 1984, *Classification and Regression Trees* ·
# Bergstra and Bengio 2012, [JMLR 13](https://jmlr.org/papers/v13/bergstra12a.html) ·
# Cawley and Talbot 2010, [JMLR 11](https://jmlr.org/papers/v11/cawley10a.html) ·
# Dodge et al. 2019, [arXiv:1909.03004](https://arxiv.org/abs/1909.03004): report the budget with the result

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
claims.table()
metrics = {f"test_{name}": values.mean() for name, values in zip(("default", "row", "search"), on_test.values())}
metrics |= {"promised": promise["your search"], "fresh": gain["your search"][0][0], "kept": gain["your search"][1][0]}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (45).** 4 hook, budget · 5 section 1 · 10 exercise 10.1, in pairs · 4 the search (vote first) · 6 exercise 10.2
# · 4 section 4 (vote first) · 4 section 5 · 3 section 6 · 3 the page. **When short:** section 7 is reading. **Ask before
# running:** who would sign the page with the promised number on it? What would make the colleague's row right? **Expect:**
# "uniform from 0.1 to 10" (nine tenths of the draws are then above 1); "the best is the best"; "two standard errors of each
# accuracy, do they overlap?"; "open the test again, the first time was unlucky".
