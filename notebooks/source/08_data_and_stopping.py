# %% [markdown]
# # 08 · Data and stopping
#
# **How many new pictures is a rule of thumb worth?**
#
# You have a few hundred pictures of letters, and new ones cost money. A colleague offers copies for nothing.
# Move your pictures a little, turn them, swap ink and paper, look at them in a mirror: several copies of each. Is that worth a
# hundred new pictures? A thousand? Less than nothing?
#
# Here you regularize without touching the weights: by what the network sees, by what it is told, and by when it stops. You
# write the watchman that stops a run and brings back its best moment, put a price on each rule of thumb, choose a combination
# and open the test once.
#
# *{minutes} minutes. You need lessons 01 and 04. Two questions to warm up:*
#
# <details><summary>What does cross-entropy charge for an answer of probability p to the right class?</summary>
# −ln p nats: a confident mistake is expensive.</details>
# <details><summary>Why may the test letters not choose when to stop?</summary>
# Then they chose, and no longer report.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 5  # [3, 64] training runs of each setting, each with pictures of its own
n_train: int = 500  # [64, 5000] real pictures that you have; up to eight times as many can be bought
n_copies: int = 7  # [1, 30] copies of each picture
smoothing: float = 0.1  # (0, 0.9] label smoothing
p_drop: float = 0.3  # (0, 0.9] dropout rate
patience: int = 10  # [1, 100] evaluations without a better one until the watchman stops
n_steps: int = 700  # [20, 100000] training steps of every network
lr: float = 3e-3  # (0, 0.1) learning rate of AdamW
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; eight times as many pictures as you have, and letters in other typefaces to validate and to test
import itertools
import math
from copy import deepcopy

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch.nn import functional
from torchvision import transforms as old_transforms
from torchvision.transforms import v2
from torchvision.transforms.functional import to_pil_image

from course_utils.checks import lesson_08 as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.measure import accuracy, nll
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("08")

letters = load("letters", n_train=8 * n_train, n_val=2000, n_test=2000, seed=seed, device=device)


def grey(x):
    return x.mean(1, keepdim=True)


def shrink(x):
    small = functional.avg_pool2d(x, 2)
    return (small - small.mean((2, 3), keepdim=True)) / small.std((2, 3), keepdim=True)


pool, val, test = (
    (grey(letters.train[0]), letters.train[1]),
    *((shrink(grey(x)), y) for x, y in (letters.val, letters.test)),
)


def pictures(k, n=n_train):
    rows = torch.randperm(len(pool[0]), generator=torch.Generator().manual_seed(seed + k))[:n].to(device)
    return pool[0][rows], pool[1][rows]


# %% tags=["fold"]
# the situation: a letter, and copies of it of four kinds
bilinear = v2.InterpolationMode.BILINEAR
kinds = {
    "moved": v2.RandomAffine(0, translate=(0.1, 0.1)),
    "reshaped": v2.RandomAffine(15, scale=(0.8, 1.2), shear=15, interpolation=bilinear),
    "swapped": v2.RandomInvert(0.5),
    "mirrored": v2.RandomHorizontalFlip(0.5),
}
of_a_j = pool[0][(pool[1] == 9).nonzero()[0]]
fig, axes = plt.subplots(4, 8, figsize=(7.0, 3.5))
for row, (kind, transform) in zip(axes, kinds.items()):
    for k, ax in enumerate(row):
        shown = v2.RandomHorizontalFlip(1.0) if kind == "mirrored" else transform  # every copy shown is mirrored
        ax.imshow(shrink(shown(of_a_j) if k else of_a_j)[0, 0].cpu(), cmap="gray")
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
    for side in row[0].spines.values():
        side.set(visible=True, color="C1", linewidth=3)
    row[0].set_ylabel(kind, rotation=0, ha="right", va="center", fontsize=9)
show(
    fig,
    alt="Four rows of eight small grey pictures of the letter J. The first of each row, framed, is the same; the others are "
    "moved, turned and slanted, with ink and paper swapped, or mirrored.",
    reading="A J that you have (framed), and seven copies of each kind. (Grey corners: beyond the edge of the picture there is "
    "nothing, and v2 fills it with one tone. Swapped and mirrored copies for training are changed with probability one half.)",
)

# %% [markdown]
# ## 1 · When is a training done?
#
# A price is fair only if every network may learn long enough. So first: how long is that? Several readers, with one hidden layer
# each, get pictures of their own. After every epoch we look at new letters, in typefaces that they never saw: at one half of the
# validation letters, `watched`. What is decided there is `judged` on the other half.


# %%
def reader(p_drop=0.0):
    return mlp(n_inputs=256, n_hidden=(128,), n_outputs=10, p_drop=p_drop)


n_epochs = max(1, n_steps // max(1, n_train // 64))
plain = [(shrink(x), y) for x, y in map(pictures, range(n_runs))]
watched, judged = [(val[0][half], val[1][half]) for half in (slice(1000), slice(1000, 2000))]
runs = [{"seed": seed + k, "lr": lr, "train": plain[k]} for k in range(n_runs)]
history, to_the_end = train_runs(reader, plain[0], watched, runs, epochs=n_epochs)

# %% [markdown]
# **Predict.** The training loss falls all the way. On new letters, do the lowest loss and the highest accuracy come at the
# same time?

# %%
prediction = None  # "together", "loss first" or "accuracy first"

# %% tags=["fold"]
# figure: loss and accuracy on new letters, epoch by epoch
table = {name: history.pivot(index="run", columns="epoch", values=name).to_numpy() for name in ("val_loss", "val_accuracy")}
low, high = table["val_loss"].argmin(1), table["val_accuracy"].argmax(1)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.2))
for ax, curves, place, colour in zip(axes, table.values(), (low, high), ("C0", "C2")):
    ax.plot(np.arange(1, n_epochs + 1), curves.T, color=colour, alpha=0.25, linewidth=0.8, linestyle="-")
    ax.plot(np.arange(1, n_epochs + 1), curves.mean(0), color=colour, linestyle="-", label=f"mean of {n_runs} runs")
    ax.plot(place + 1, curves[np.arange(n_runs), place], "o", color="C1", label="best epoch of each")
    ax.set(xlabel="epoch", xlim=(0, None))
    ax.legend()
axes[0].set(ylabel="loss (nats)", ylim=(0, None), title=f"Loss: best after {np.median(low) + 1:.0f} epochs (median)")
axes[1].set(ylabel="accuracy", title=f"Accuracy: best after {np.median(high) + 1:.0f}")
axes[1].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
at_low, at_end = (table["val_accuracy"][np.arange(n_runs), place].mean() for place in (low, n_epochs - 1))
outcome = ("together", "loss first", "accuracy first")[int(np.sign(np.median(high) - np.median(low)))]
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Two panels against the epoch: the loss on new letters falls at once and then rises; their accuracy rises and stays.",
    reading=f"The loss on new letters is lowest, {table['val_loss'].min(1).mean():.2f} nats, after {np.median(low) + 1:.0f} of "
    f"{n_epochs} epochs, and ends at {table['val_loss'][:, -1].mean():.2f}. Accuracy is {at_low:.1%} at that point and "
    f"{at_end:.1%} at the end. So: {outcome}.{yours}",
)

# %% [markdown]
# Both curves are right. A network that goes on becomes surer of everything, of its mistakes too, and the loss charges for
# certainty (Guo et al. 2017 saw it in large networks). *When to stop* depends on what you want: honest probabilities, or right
# answers.
#
# ### Exercise 8.1 · The watchman
#
# Write the function that is asked after each evaluation. `score` is a number, **lower is better** (it may be NaN: a diverged
# run is never the best). `memory` is a dict of your own that you may change; it begins as
# `{"best": inf, "waited": 0, "weights": None}`. Keep in `memory["weights"]` what `network.load_state_dict` needs to bring back
# the best moment, and return `True` when `patience` evaluations in a row were not better than the best.
#
# <details><summary>Hint 1</summary>One `if`: better than the best so far, or not. NaN compares as False with
# everything: which way round must you ask?</details>
# <details><summary>Hint 2</summary>`network.state_dict()` shows the weights, it does not copy them: it changes as the network
# learns. `deepcopy` it.</details>


# %% tags=["stub"]
def should_stop(score, network, memory, patience): ...


checks.check_8_1(should_stop)


# %% tags=["solution"]
def should_stop(score, network, memory, patience):
    if score < memory["best"]:
        memory["best"], memory["waited"] = score, 0
        memory["weights"] = deepcopy(network.state_dict())
    else:
        memory["waited"] += 1
    return memory["waited"] >= patience


checks.check_8_1(should_stop)


# %% tags=["fold"]
# our watchman, in case yours is open; an epoch of training; loss and accuracy of a network
def our_should_stop(score, network, memory, patience):
    is_better = score < memory["best"]
    memory["waited"] = 0 if is_better else memory["waited"] + 1
    if is_better:
        memory |= {"best": score, "weights": deepcopy(network.state_dict())}
    return memory["waited"] >= patience


is_yours = checks.check_8_1(should_stop).startswith("passed")
watchman, whose = (should_stop, "your") if is_yours else (our_should_stop, "our")


@torch.no_grad()
def loss(network, x, y):
    return nll(network.eval()(x), y)


@torch.no_grad()
def reads(network, x, y):
    return accuracy(network.eval()(x), y)


def one_epoch(network, optimizer, x, y, label_smoothing):
    network.train()
    for rows in torch.randperm(len(x)).to(x.device).split(64):
        optimizer.zero_grad()
        functional.cross_entropy(network(x[rows]), y[rows], label_smoothing=label_smoothing).backward()
        optimizer.step()


# %% [markdown]
# From here on it watches. Twice the same trainings, once it is told the loss, once the share of letters read wrong:


# %%
def train_watched(network, train, watch, label_smoothing=0.0, max_epochs=n_epochs):
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr)
    memory = {"best": math.inf, "waited": 0, "weights": None}
    scores = []
    while len(scores) < max_epochs:
        one_epoch(network, optimizer, *train, label_smoothing)
        scores.append(watch(network))
        if watchman(scores[-1], network, memory, patience):
            break
    if memory["weights"]:
        network.load_state_dict(memory["weights"])  # back to its best moment
    return len(scores)


# %% tags=["fold"]
# the trainings, and how each network does on the other half of the validation letters
watches = {"the loss": lambda n: loss(n, *watched), "letters read wrong": lambda n: 1 - reads(n, *watched)}
groups, stops = {"nobody watched": to_the_end}, {"nobody watched": [n_epochs] * n_runs}
for name, watch in watches.items():
    groups[name], stops[name] = [], []
    for k in range(n_runs):
        torch.manual_seed(seed + k)
        network = reader().to(device)
        stops[name].append(train_watched(network, plain[k], watch))
        groups[name].append(network)
nats = {name: np.array([loss(network, *judged) for network in group]) for name, group in groups.items()}
right = {name: np.array([reads(network, *judged) for network in group]) for name, group in groups.items()}
print(f"{whose} watchman, with a patience of {patience}; letters that it did not watch:")
for name in groups:
    mean, half, _ = mean_and_interval(100 * right[name])
    print(f"{name:20} {np.median(stops[name]):4.0f} epochs   {nats[name].mean():.2f} nats   reads {mean:.1f} ± {half:.1f} %")

gain, width, _ = mean_and_interval(100 * (right["letters read wrong"] - right["nobody watched"]))
tie = ", a tie" if abs(gain) <= width else ""
print(f"watched by letters read wrong against not watched: {gain:+.1f} ± {width:.1f} points (paired){tie}")

# %% tags=["fold"]
# claims 08.1 and 08.2: what a run stopped by its loss is worth, in nats and in letters
claims.compare(
    "08.1",
    "Stopped and restored by the loss, networks lose fewer nats on letters that nobody watched than at the end of training.",
    nats["nobody watched"],
    nats["the loss"],
    margin=0.1,
    names=("at the end", "stopped by the loss"),
    unit="nats",
    over="training runs, each with pictures of its own",
)
claims.compare(
    "08.2",
    "And yet stopping by the loss does not gain even a point of accuracy on these letters.",
    right["nobody watched"],
    right["the loss"],
    margin=-0.01,
    names=("at the end", "stopped by the loss"),
    unit="points",
    over="training runs, each with pictures of its own",
    myth="training is stopped when the validation loss rises, since from there on the network generalizes worse",
    myth_source="the usual reading of the picture; right where probabilities count",
)

# %% [markdown]
# Tell the watchman what you care about. Where accuracy only creeps, it saves time rather than letters.
# The score it brings home is the best of many looks, and so too good: that is why
# we judge on other letters. (How much too good: deep dive [Choosing](deeper/01_choosing.ipynb).)
#
# And how patient should it be? Recipes say 5 to 10. Too little, and a run ends in the
# first dip; in *epoch-wise double descent* (Nakkiran et al. 2020) the second dip can be the deeper one.
#
# ### Exercise 8.2 · How much patience?
#
# A whole curve of scores is known, one an evaluation. What is the smallest `patience` with which the watchman still brings
# back the lowest one?
#
# <details><summary>Hint 1</summary>Only *records* matter: scores lower than all before. Between which two of them is the wait
# longest?</details>
# <details><summary>Hint 2</summary>Records at evaluations 3 and 7 have three worse ones in between. It stops at the
# `patience`-th worse one.</details>


# %% tags=["stub"]
def smallest_patience(scores): ...


checks.check_8_2(smallest_patience)


# %% tags=["solution"]
def smallest_patience(scores):
    best, last, longest = math.inf, 0, 1
    for k, score in enumerate(scores):
        if score < best:
            longest = max(longest, k - last)
            best, last = score, k
    return longest


checks.check_8_2(smallest_patience)


# %% tags=["fold"]
# ours, in case yours is open; the patience that the curves of the figure ask for
def our_smallest_patience(scores):
    records = [k for k in range(len(scores)) if k == 0 or scores[k] < min(scores[:k])]
    return max(np.diff(records, prepend=records[0] - 1))


how_patient = smallest_patience if checks.check_8_2(smallest_patience).startswith("passed") else our_smallest_patience
for name, curves in (("loss", table["val_loss"]), ("letters read wrong", 1 - table["val_accuracy"])):
    print(f"{name:20} needs a patience of", *sorted(int(how_patient(curve.tolist())) for curve in curves))

# %% [markdown]
# Loss is smooth, accuracy is a count and jitters. (Prechelt 1998 measured what more patience buys: about 4 %, for four times
# the time.)
#
# ## 2 · The bargain
#
# Training on changed copies is called **augmentation**. `torchvision.transforms.v2` changes tensors, whole batches at once,
# but it draws *once a call*: all pictures of a batch are turned by the same angle. So we hand it packets of ten.

# %%
print(kinds["reshaped"], kinds["mirrored"], sep="\n")
kinds["all but mirrored"] = v2.Compose([kinds["moved"], kinds["reshaped"], kinds["swapped"]])


def with_copies(k, transform):
    x, y = pictures(k)
    copies = [transform(packet) for _ in range(n_copies) for packet in x.split(10)]
    return shrink(torch.cat([x, *copies])), y.repeat(1 + n_copies)


# %% tags=["fold"]
# trained(sets): a network for each set of pictures, and what it reads at half-time and at the end, on validation letters
def trained(sets, **settings):
    runs = [{"seed": seed + k, "lr": lr, "train": part} | settings for k, part in enumerate(sets)]
    epochs = max(1, n_steps // max(1, len(sets[0][1]) // 64))
    half = max(1, epochs // 2)
    history, networks = train_runs(reader, sets[0], val, runs, epochs=epochs, evaluate_every=half)
    at = history.pivot(index="run", columns="epoch", values="val_accuracy").to_numpy()
    return networks, at[:, half - 1], at[:, -1]


# %%
sizes = [n_train // 2, n_train, 2 * n_train, 4 * n_train, 8 * n_train]
bought = {}
for n in sizes:
    parts = [pictures(k, n) for k in range(n_runs)]
    bought[n] = trained([(shrink(x), y) for x, y in parts])
sets = {kind: [with_copies(k, transform) for k in range(n_runs)]
        for kind, transform in kinds.items()}  # fmt: skip
copied = {kind: trained(sets[kind]) for kind in kinds}

# %% [markdown]
# All have the same number of steps, so more pictures means fewer rounds through them. (Runs share bought pictures, at the right
# end all of them. Swapped and mirrored copies are changed with probability one half.) The price of a rule of thumb is then read
# off the curve of the bought pictures:


# %%
def price(score, curve):
    curve = np.maximum.accumulate(curve)  # a dip is noise
    return 2 ** np.interp(score, curve, np.log2(sizes), left=-np.inf, right=np.inf)


# %% [markdown]
# **Predict.** Your pictures and their copies read new typefaces as well as how many real pictures, for each kind of copies?

# %%
prediction = None  # such as {"moved": 800, "reshaped": 1000, "swapped": 600, "mirrored": 600}

# %% tags=["fold"]
# figure: accuracy against real pictures, and the copies at their price
curve = np.array([bought[n][2] for n in sizes])  # (sizes, runs)


def prices(scores):
    return np.array([price(score, curve[:, k]) for k, score in enumerate(scores)])


def in_words(n):
    return (
        f"fewer than {sizes[0]:,}"
        if n < sizes[0]
        else f"more than {sizes[-1]:,}"
        if n > sizes[-1]
        else f"{float(f'{n:.2g}'):,.0f}"
    )


def range_in_words(values):
    low, high = in_words(values.min()), in_words(values.max())
    return in_words(np.median(values)) + ("" if low == high else f" ({low} to {high})")


def in_new(n):
    new = np.clip(n, sizes[0], sizes[-1]) - n_train
    return ("at least " if n > sizes[-1] else "at most " if n < sizes[0] else "") + f"{float(f'{new:.2g}'):+,.0f}"


worth = {kind: prices(copied[kind][2]) for kind in kinds}
fig, ax = plt.subplots(figsize=(7.4, 4.2))
mean, half = zip(*[mean_and_interval(scores)[:2] for scores in curve])
ax.errorbar(sizes, mean, half, marker="o", capsize=2, color="0.3", linestyle="-", label=f"bought pictures (n = {n_runs})")
for number, (kind, marker) in enumerate(zip(kinds, "sD^vX")):
    mean, half, _ = mean_and_interval(copied[kind][2])
    x = np.clip(np.median(worth[kind]), sizes[0] / 1.3, 1.3 * sizes[-1])
    ax.errorbar(x, mean, half, marker=marker, markersize=8, capsize=2, linestyle="none", color=f"C{number}",
                label=f"{n_train:,}, {kind}")  # fmt: skip
    ax.plot([n_train, x], [mean, mean], color=f"C{number}", linestyle=":", linewidth=1)
ax.axvline(n_train, color="0.6", linestyle="--", linewidth=1)
most = max(kinds, key=lambda kind: copied[kind][2].mean())
ax.set(
    xscale="log",
    xlabel="real pictures of the same typefaces",
    ylabel="accuracy on new typefaces",
    xticks=sizes,
    xticklabels=[f"{n:,}" for n in sizes],
    title=f"{n_train:,} pictures, {most}: as good as {in_words(np.median(worth[most]))} real ones",
)
ax.minorticks_off()
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend(fontsize=8, loc="lower right")
drift = [100 * (bought[n][2] - bought[n][1]).mean() for n in sizes]
moves = {kind: 100 * (copied[kind][2] - copied[kind][1]).mean() for kind in kinds}
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Accuracy on new typefaces against the number of real pictures, a rising curve; five marks lie on it at the number of "
    "pictures that each kind of copies is worth.",
    reading=f"As good as so many real pictures of the same typefaces, your {n_train:,} included (median, and range of {n_runs} "
    "runs): "
    + "; ".join(f"{kind} {range_in_words(worth[kind])}" for kind in kinds)
    + ". In new pictures: "
    + "; ".join(f"{kind} {in_new(np.median(worth[kind]))}" for kind in kinds)
    + f". From half-time to the end the copies moved by {min(moves.values()):+.1f} to {max(moves.values()):+.1f} points, the "
    f"bought pictures by {min(drift):+.1f} to {max(drift):+.1f}: these are prices for this length of training.{yours}",
)
print(f"The range of {n_runs} runs holds the median price in {1 - 2 ** (1 - n_runs):.0%} of such experiments.")

# %% tags=["fold"]
# claims 08.3 and 08.4: copies against twice as many real pictures, and the mirror
claims.compare(
    "08.3",
    "Moved, reshaped and swapped copies read new typefaces better than twice as many real pictures, by over three points.",
    copied["all but mirrored"][2],
    bought[2 * n_train][2],
    margin=0.03,
    names=("with copies", "twice as many, real"),
    unit="points",
    over="training runs, each with pictures of its own",
)
claims.compare(
    "08.4",
    "With mirrored copies networks read new typefaces worse than with no copies at all.",
    bought[n_train][2],
    copied["mirrored"][2],
    margin=0.01,
    names=("no copies", "mirrored copies"),
    unit="points",
    over="training runs, each with pictures of its own",
    myth="augmentation expands the data set, whatever the transform",
    myth_source="pipelines that are copied from photographs, where a mirrored cat is a cat",
)

# %% [markdown]
# Why can copies be worth so many? Bought pictures vary as much as the old ones did, in the same seven typefaces; copies may go
# further, and new typefaces do too. For vision transformers, Steiner et al. (2022) found augmentation, regularization and
# compute together worth "an order of magnitude more training data".
#
# ## 3 · In the mirror
#
# A copy needs the right label. A mirrored J is no J, but a mirrored H is an H.
#
# ### Exercise 8.3 · Which may be mirrored?
#
# For a letter from `"A"` to `"J"`, printed as usual: is it still that letter with left and right exchanged, and with top and
# bottom exchanged? Return two booleans, in this order. Your answer makes training pictures.
#
# <details><summary>Hint 1</summary>Draw it on paper, and hold the sheet against the light; then turn it upside down
# too.</details>
# <details><summary>Hint 2</summary>Three letters have a vertical axis of symmetry. Six have a horizontal one.</details>


# %% tags=["stub"]
def may_mirror(letter): ...


checks.check_8_3(may_mirror)


# %% tags=["solution"]
def may_mirror(letter):
    return letter in "AHI", letter in "BCDEHI"


checks.check_8_3(may_mirror)

# %% [markdown]
# What does a good reader say? We ask networks that learned from all bought pictures, none of them mirrored, and train anew
# with copies that are mirrored where your rule allows it.


# %% tags=["fold"]
# ours, in case yours is open; how mirrored letters are read; training with the mirror where it is allowed
def our_may_mirror(letter):
    return letter in "AHI", letter in "BCDEHI"


is_yours = checks.check_8_3(may_mirror).startswith("passed")
rule = torch.tensor([[bool(a) for a in (may_mirror if is_yours else our_may_mirror)(c)] for c in letters.classes]).to(device)


def mirrored_copies(k):
    x, y = pictures(k)
    copies = x.repeat(n_copies, 1, 1, 1)
    for way, axis in ((0, 3), (1, 2)):
        chosen = rule[y.repeat(n_copies), way] & (torch.rand(len(copies)) < 0.5).to(device)
        copies[chosen] = copies[chosen].flip(axis)
    return shrink(torch.cat([x, copies])), y.repeat(1 + n_copies)


views = {"as it is": (), "left-right": (3,), "top-bottom": (2,)}
still = {}
for view, axes in views.items():
    hits = torch.stack([(n.eval()(val[0].flip(axes)).argmax(1) == val[1]) for n in bought[sizes[-1]][0]]).double().mean(0)
    still[view] = [hits[val[1] == c].mean().item() for c in range(10)]
print("letters read right     " + "".join(f"{c:>6}" for c in letters.classes))
for view in views:
    print(f"{view:23}" + "".join(f"{share:6.0%}" for share in still[view]))
copied["mirrored by rule"] = trained([mirrored_copies(k) for k in range(n_runs)])
for kind, scores in (("none", bought[n_train][2]), *((kind, copied[kind][2]) for kind in ("mirrored", "mirrored by rule"))):
    mean, half, _ = mean_and_interval(100 * scores)
    print(f"copies: {kind:17} read {mean:.1f} ± {half:.1f} % of new letters, worth {range_in_words(prices(scores))} pictures")
gain, width, _ = mean_and_interval(100 * (copied["mirrored by rule"][2] - bought[n_train][2]))
print(f"by rule against none: {gain:+.1f} ± {width:.1f} points (paired){', a tie' if abs(gain) <= width else ''}")

# %% [markdown]
# What a network still reads is not always what is printed: a mirrored B may be read as a B because nothing else is nearer, and
# yet no typeface has it. And a right label is necessary, not sufficient: a copy must also look like something that may come.
#
# ## 4 · Softer targets
#
# **Label smoothing** (Szegedy et al. 2016) changes what the network is told: not "A, for certain", but $1-\varepsilon$ for A,
# and $\varepsilon$ shared by all ten, A included.
#
# **Predict.** With ε = 0.1, how low can the training loss get?

# %%
prediction = None  # nats

# %%
target = torch.full((10,), smoothing / 10)
target[0] += 1 - smoothing
lowest = -(target * target.log()).sum().item()
best_gap = (target[0] / target[1]).log().item()
print(f"targets {target[0]:.2f} and {target[1]:.2f}: at best {lowest:.3f} nats.")
if prediction is not None:
    print("You said:", prediction)

# %% [markdown]
# The loss is lowest where the answer *is* the target, and there it is the target's entropy. A smoothed training loss and an
# ordinary validation loss are not comparable. And the logit of the right letter need not run away: it should stay ahead of
# the others by $\ln$ of the ratio of the targets.

# %%
softer = trained(plain, label_smoothing=smoothing)


@torch.no_grad()
def lead(network, x, y):
    logits = network.eval()(x)
    own = logits.gather(1, y[:, None])[:, 0]
    return own - (logits.sum(1) - own) / 9


# %% tags=["fold"]
# figure: how far the right letter leads, on training letters, with and without smoothing
leads = {name: np.array([lead(network, *plain[k]).cpu().numpy() for k, network in enumerate(group)])
         for name, group in (("plain", bought[n_train][0]), (f"smoothing {smoothing:g}", softer[0]))}  # fmt: skip
fig, ax = plt.subplots()
edges = np.linspace(0, max(values.max() for values in leads.values()), 150)
for (name, values), style in zip(leads.items(), ("-", "--")):
    ax.hist(values.ravel(), edges, histtype="step", linestyle=style, linewidth=1.6, label=name)
ax.axvline(best_gap, color="0.5", linestyle=":", label=f"ln of the targets' ratio: {best_gap:.2f}")
centre = {name: values.mean(1) for name, values in leads.items()}
plain_lead, soft_lead = (values.mean() for values in centre.values())
ax.set(
    xlabel="lead of the right letter's logit over the mean of the others",
    ylabel="training letters",
    title=f"Smoothed, the lead settles at {soft_lead:.2f}; plain, it has run to {plain_lead:.0f}",
)
ax.legend()
show(
    fig,
    alt="Two histograms of the lead of the right logit: a narrow one at the predicted place with smoothing, a broad one far to "
    "the right without.",
    reading=f"With smoothing the lead is {soft_lead:.2f} on average (predicted {best_gap:.2f}), without {plain_lead:.1f}. New "
    f"letters: {100 * softer[2].mean():.1f} % against {100 * bought[n_train][2].mean():.1f} %; smoothing is worth "
    f"{range_in_words(prices(softer[2]))} pictures.",
)

# %% tags=["fold"]
# claim 08.5: where label smoothing sends the logits of a trained network
claims.within(
    "08.5",
    "With label smoothing the right letter leads by the logarithm of the targets' ratio, on letters learned.",
    list(centre.values())[1],
    best_gap,
    0.1,
    control=list(centre.values())[0],
    over="training runs, each with pictures of its own",
)

# %% [markdown]
# Müller et al. (2019) show its other side: a smoothed network is a worse *teacher* for another one.
#
# ## 5 · Choose, then open the test once
#
# Copies, smoothing, dropout: eight combinations. "Combine methods", one reads, for that "usually beats any single trick".
#
# **Predict.** Which ones are in the best combination?

# %%
prediction = None  # such as {"copies", "dropout"}

# %%
grid = {("", "", ""): bought[n_train], ("", "smoothing", ""): softer,
        ("copies", "", ""): copied["all but mirrored"]}  # fmt: skip
for part in itertools.product(["", "copies"], ["", "smoothing"], ["", "dropout"]):
    settings = {"label_smoothing": smoothing * bool(part[1]), "p_drop": p_drop * bool(part[2])}
    if part not in grid:
        grid[part] = trained(sets["all but mirrored"] if part[0] else plain, **settings)
chosen = max(grid, key=lambda part: grid[part][2].mean())

# %% tags=["fold"]
# figure: the eight combinations on validation letters
names = {part: " + ".join(filter(None, part)) or "none" for part in grid}
order = sorted(grid, key=lambda part: grid[part][2].mean())
fig, ax = plt.subplots(figsize=(7.4, 3.2))
for row, part in enumerate(order):
    mean, half, _ = mean_and_interval(grid[part][2])
    ax.errorbar(mean, row, xerr=half, marker="o", capsize=2, color="C1" if part == chosen else "C0")
    ax.text(mean + half + 0.004, row, in_words(price(grid[part][2].mean(), curve.mean(1))), va="center", fontsize=8)
behind = [part for part in grid if part != chosen
          and (lambda m: m[0] <= m[1])(mean_and_interval(grid[chosen][2] - grid[part][2]))]  # fmt: skip
ax.set(
    yticks=range(len(order)),
    yticklabels=[names[part] for part in order],
    xlabel=f"accuracy on validation letters (95 %, n = {n_runs}), and what that is worth in pictures",
    title=f"Chosen: {names[chosen]}",
    xlim=(None, max(g[2].mean() for g in grid.values()) + 0.06),
)
ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
none = grid["", "", ""][2]
gain = {part: grid[part][2] - none for part in grid}
singles = [part for part in grid if sum(map(bool, part)) == 1]
together = gain["copies", "smoothing", "dropout"]
ties = ", ".join(names[part] for part in behind)
more, width, _ = mean_and_interval(together - gain[max(singles, key=lambda part: gain[part].mean())])
show(
    fig,
    alt="Eight combinations, sorted by their accuracy on validation letters, with intervals and equivalent pictures.",
    reading=f"Validation chooses {names[chosen]}, {grid[chosen][2].mean():.1%}; "
    + (f"not to be told from it: {ties}. " if ties else "all others are behind. ")
    + f"One at a time, the three gain {', '.join(f'{100 * gain[part].mean():+.1f} ({names[part]})' for part in singles)} points; "
    f"all three together {100 * together.mean():+.1f}. Against the best single one that is {100 * more:+.1f} ± {100 * width:.1f}"
    f"{', a tie' if abs(more) <= width else ''}." + (f" You said: {', '.join(sorted(prediction))}." if prediction else ""),
)

# %% tags=["fold"]
# claim 08.6: gains one at a time against all together
claims.compare(
    "08.6",
    "Copies, smoothing and dropout together gain less than their gains one at a time would add up to.",
    sum(gain[part] for part in singles),
    together,
    names=("the sum of three gains", "all three together"),
    unit="points",
    over="training runs, each with pictures of its own",
)

# %% [markdown]
# The choice is made. The chosen networks are trained once more, with the watchman set to what we care about, letters read
# wrong (and as patient as before, which exercise 8.2 calls little); then the test is opened, in typefaces that nobody has seen.


# %%
def read_wrong(network):
    return 1 - reads(network, *val)


guarded, lengths = [], []
for k in range(n_runs):
    torch.manual_seed(seed + k)
    network = reader(p_drop * bool(chosen[2])).to(device)
    train = sets["all but mirrored"][k] if chosen[0] else plain[k]
    longest = max(1, 2 * n_steps * 64 // len(train[1]))
    softness = smoothing * bool(chosen[1])
    lengths.append(train_watched(network, train, read_wrong, softness, longest))
    guarded.append(network)

# %% tags=["fold"]
# the test, once
finalists = {"none": grid["", "", ""][0], names[chosen]: grid[chosen][0], "the same, watched": guarded}
on_test = {name: np.array([reads(network, *test) for network in group]) for name, group in finalists.items()}
all_three = ("copies", "smoothing", "dropout")
seen = [(sets["all but mirrored"][k], network) for k, network in enumerate(grid[all_three][0])]
in_training = np.mean([accuracy(network.train()(x).detach(), y) for (x, y), network in seen])
afterwards = np.mean([reads(network, *plain[k]) for k, (_, network) in enumerate(seen)])
for name, values in on_test.items():
    mean, half, n = mean_and_interval(100 * values)
    print(f"{name:32} {mean:.1f} ± {half:.1f} % of the test letters (n = {n})")
print(f"The watchman stopped after {', '.join(map(str, lengths))} epochs, of {longest} at most; the unwatched had half of these.")
print(f"{names[all_three]} reads {in_training:.0%} of its training pictures as it trained, on copies and with dropout; ")
print(f"of the pictures themselves, after eval(), {afterwards:.0%}.")

# %% tags=["fold"]
# claim 08.7: the chosen combination on test letters
claims.compare(
    "08.7",
    "The combination chosen on validation reads the test letters better than none, by over five points.",
    on_test[names[chosen]],
    on_test["none"],
    margin=0.05,
    names=("chosen", "none"),
    unit="points",
    over="training runs, each with pictures of its own, on these test letters",
)

# %% [markdown]
# The watched networks may train up to twice as long. The last two lines are a warning about tables: "training accuracy" as it was
# *in training*, on changed pictures and with dropout, makes the gap to the test small by construction.
#
# ## 6 · When it goes wrong
#
# A lesson prints this pipeline. What it means is good: crop, mirror, recolour, and at last erase a patch now and then.

# %%
t = old_transforms
as_printed = t.Compose([t.RandomCrop(32, padding=4), t.RandomHorizontalFlip(),
    t.ColorJitter(0.2, 0.2, 0.2), t.RandomErasing(p=0.1), t.ToTensor()])  # fmt: skip
in_order = t.Compose([t.RandomCrop(32, padding=4), t.RandomHorizontalFlip(),
    t.ColorJitter(0.2, 0.2, 0.2), t.ToTensor(), t.RandomErasing(p=0.1)])  # fmt: skip

# %% [markdown]
# **Predict.** On what share of pictures does it fail as printed?

# %%
prediction = None  # the share of pictures on which it fails

# %% tags=["fold"]
# both pipelines on a thousand pictures
images = [to_pil_image(x) for x in (letters.val[0][:1000] * 0.2 + 0.5).clip(0, 1).cpu()]
failures = {}
for name, pipeline in (("as printed", as_printed), ("ToTensor first", in_order)):
    messages = []
    for image in images:
        try:
            pipeline(image)
        except AttributeError as error:
            messages.append(str(error))
    failures[name] = len(messages) / len(images)
    print(f"{name:15} fails on {failures[name]:.1%} of {len(images)} pictures {set(messages) or ''}")
print(
    f"64 pictures in a row without a failure: {(1 - failures['as printed']) ** 64:.1%}."
    + (f" You said: {prediction}" if prediction else "")
)

# %% [markdown]
# It fails whenever the coin of `RandomErasing` says so, because a PIL image has no `shape`. A test on three pictures would
# probably pass; no epoch would. Run a new pipeline on a thousand pictures before you train, and look at twenty.
#
# ## What to take along
#
# * A watchman restores the best moment *of what it watches*: loss and accuracy have different ones.
# * Copies have a price in pictures. Where the change does not keep the label, it may be below zero.
# * Smoothed training loss has a floor; do not hold it against a plain one.
# * Gains do not add up: choose the combination on validation, test once.
#
# **On your own model:** keep half, a quarter, an eighth of your training data, and draw accuracy against their number. Then
# ask of each trick how far to the right it carries you. That is its price.
#
# **References.** Guo et al. 2017, [arXiv:1706.04599](https://arxiv.org/abs/1706.04599) ·
# Prechelt 1998, [doi:10.1007/3-540-49430-8_3](https://doi.org/10.1007/3-540-49430-8_3) ·
# Nakkiran et al. 2020, [arXiv:1912.02292](https://arxiv.org/abs/1912.02292) ·
# Steiner et al. 2022, [arXiv:2106.10270](https://arxiv.org/abs/2106.10270) ·
# Szegedy et al. 2016, [arXiv:1512.00567](https://arxiv.org/abs/1512.00567) ·
# Müller et al. 2019, [arXiv:1906.02629](https://arxiv.org/abs/1906.02629)
#
# **Next:** [09 · Transformers](09_transformers.ipynb).

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
claims.table()
metrics = {f"val_{n}": bought[n][2].mean() for n in sizes} | {f"val_{kind}": copied[kind][2].mean() for kind in copied}
metrics |= {f"test_{name}": values.mean() for name, values in zip(("none", "chosen", "watched"), on_test.values())}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (45).** 3 hook (bids on the board) · 14 section 1, exercise 8.1 in pairs · 4 exercise 8.2 · 8 the bargain (price
# list on the board first) · 4 mirror · 4 smoothing · 6 choice and test · 2 pipeline and wrap-up. **When short:** exercise 8.2
# and section 6 are reading. **Ask before running:** why can the loss rise while accuracy does? What can a bought picture never
# show? **Expect:** "stop when the loss rises"; "a checkpoint is `state_dict()`" (it is a view); "flips are always safe";
# "B may be mirrored" (the networks half agree; print does not); "three gains of five points make fifteen".
