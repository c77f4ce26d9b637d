# %% [markdown]
# # Deep dive 03 · A unit for recipes
#
# **AdamW with another learning rate: keep λ, or keep ηλ?**
#
# A colleague has tuned AdamW's weight decay with care, at her learning rate. You train the same small network on the same digits,
# with a larger one. Which λ do you take: hers, because λ is the strength? Or the one that keeps the product ηλ, because that is
# what AdamW multiplies by? Two lines lead away from her star, and each has its advocates: Loshchilov and Hutter for a λ of its
# own, Wang and Aitchison for the product.
#
# *{minutes} minutes. You need lesson 03. One question to warm up:*
#
# <details><summary>What does one step of AdamW leave of a weight without gradient, and what does a whole run leave?</summary>
# 1 - ηλ of it, and about exp(-Σηλ).</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 4  # [3, 64] training runs of each setting in the map
n_pairs: int = 16  # [3, 64] runs or pairs of runs behind each claim
lrs: list = [0.004, 0.008, 0.016, 0.032]  # 2 to 7 rising values in [1e-4, 0.04]: learning rates, each twice the last
decays: list = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0]  # 3 to 9 rising values in [0.01, 40]: AdamW's λ, each twice the last
label_noise: float = 0.2  # [0, 0.5] share of wrong labels in the training digits
n_train: int = 300  # [60, 450] training digits
batch_size: int = 50  # [10, 60] digits in a batch
epochs: int = 40  # [2, 500] passes over them
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; digits, one training label in five wrong; a network of 64-32-10 units; the colleague's search at her learning rate
import copy
import math

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn
from torch.optim import AdamW

from course_utils.checks.deeper import d03_timescale as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.measure import accuracy
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import fit

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("03.timescale")

digits = load("digits", n_train=n_train, n_val=800, n_test=500, seed=seed, device=device)
val, test = digits.val, digits.test
noise = torch.Generator().manual_seed(seed)
shift = torch.randint(1, 10, (n_train,), generator=noise) * (torch.rand(n_train, generator=noise) < label_noise)
train = (digits.train[0], (digits.train[1] + shift.to(device)) % 10)
steps_per_epoch = n_train // batch_size
base, top = lrs[0], lrs[-1]
columns = [0.0, *decays]


def build():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


@torch.no_grad()
def reads(network, x, y):
    return accuracy(network.eval()(x), y)


def read_by(pairs, n, part):
    """Accuracies (n,) on `part` after training with each pair (η, λ)."""
    runs = [{"optimizer": AdamW, "lr": lr, "weight_decay": d, "seed": seed + k} for lr, d in pairs for k in range(n)]
    _, networks = train_runs(build, train, val, runs, epochs=epochs, batch_size=batch_size, evaluate_every=epochs)
    found = np.array([reads(network, *part) for network in networks]).reshape(len(pairs), n)
    return dict(zip(pairs, found))


hers = read_by([(base, d) for d in columns], n_runs, val)
tuned = max(decays, key=lambda d: hers[base, d].mean())

# %% tags=["fold"]
# the situation: one tuned point in the plane of λ and learning rate, and two ways on


def plane(ax):
    """The axes of this dive, a column for each λ and a row for each η, with both ways on from the tuned λ."""
    start = columns.index(tuned)
    ax.plot([start] * len(lrs), range(len(lrs)), "-", color="C0", linewidth=2, label="keep λ")
    kept = [np.interp(np.log(tuned * base / lr), np.log(decays), range(1, len(columns)), np.nan) for lr in lrs]
    ax.plot(kept, range(len(lrs)), "--", color="C1", linewidth=2, label="keep ηλ")
    ax.set(xticks=range(len(columns)), xticklabels=[f"{d:g}" for d in columns], xlim=(-0.5, len(columns) - 0.5))
    ax.set(yticks=range(len(lrs)), yticklabels=lrs, ylim=(-0.5, len(lrs) - 0.5))
    ax.set(xlabel="weight decay λ", ylabel="learning rate η")


fig, ax = plt.subplots(figsize=(6, 3.2))
plane(ax)
ax.plot(columns.index(tuned), 0, "*", color="k", markersize=16, linestyle="", label="her tuned λ")
ax.set(title="Where does a good recipe go?")
ax.legend(loc="upper right")
show(
    fig,
    alt="A plane of weight decay and learning rate; from a star at the bottom one line leads straight up, one up and left.",
    reading=f"She has found λ = {tuned:g} at η = {base:g}. At η = {top:g}: the same λ, or the same product? The two answers "
    f"differ by a factor of {top / base:g}.",
)

# %% [markdown]
# ## 1 · What AdamW remembers
#
# If the step's direction d were always the same, w would come to rest at $-d/\lambda$. So read $-d/\lambda$ as the place to which
# d alone would bring w. Write $\tau = 1/(\eta\lambda)$, and lesson 03's step is
#
# $$w \leftarrow (1-\eta\lambda)\,w - \eta\,d = \Big(1-\frac1\tau\Big)\,w + \frac1\tau\Big(-\frac d\lambda\Big):$$
#
# a running average of these places, with a **memory of τ steps** (Wang and Aitchison 2025). What is older fades by $1/e$ every τ
# steps. What training did before the last k steps is in today's weights as the weights of then, shrunk k times. Take it out:


# %%
def only_the_last(k, now, then, lr, weight_decay):
    return now - (1 - lr * weight_decay) ** k * then


# %% [markdown]
# Take the largest η, and her λ or PyTorch's default. τ is best counted in epochs: an average over less than one has not
# seen all digits.

# %%
strengths = {"her λ": tuned, "PyTorch's λ": 0.01}
memories = {name: 1 / (top * decay * steps_per_epoch) for name, decay in strengths.items()}
for name, tau in memories.items():
    print(f"{name:12} τ = {tau:5.3g} epochs, of a run of {epochs}")

# %% [markdown]
# **Predict.** With her λ you keep the updates of the last τ alone, and throw away all others, first weights included. What can
# the network still do?

# %%
prediction = None  # "guess", "read most of it" or "read all of it"


# %% tags=["fold"]
# train with a short and a long memory, keep the weights of every epoch, rebuild from the last epochs only
def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def remember(lr, weight_decay, run):
    torch.manual_seed(seed + run)
    network = build().to(device)
    path = [weights(network)]
    optimizer = AdamW(network.parameters(), lr=lr, weight_decay=weight_decay)
    how = {"epochs": epochs, "batch_size": batch_size, "seed": seed + run, "evaluate_every": epochs, "progress": False}
    fit(network, train, val, optimizer, callbacks=[lambda model, row: path.append(weights(model))], **how)
    return network, path


def reads_by_last(weight_decay, network, path):
    rebuilt, scores = copy.deepcopy(network), []
    for kept in range(epochs + 1):
        w = only_the_last(kept * steps_per_epoch, path[-1], path[-1 - kept], top, weight_decay)
        nn.utils.vector_to_parameters(w, rebuilt.parameters())
        scores.append(reads(rebuilt, *val))
    return [*scores, reads(network, *val)]


counts = {"her λ": n_pairs, "PyTorch's λ": n_runs}  # runs
runs = {name: [remember(top, strengths[name], k) for k in range(n)] for name, n in counts.items()}
by_last = {name: np.array([reads_by_last(strengths[name], *run) for run in runs[name]]) for name in counts}
one = min(epochs, math.ceil(memories["her λ"]))  # τ in whole epochs

# %% tags=["fold"]
# figure: accuracy of the network that only the last epochs made
fig, ax = plt.subplots()
for (name, tau), line in zip(memories.items(), ("-", "--")):
    mean, half = np.transpose([mean_and_interval(column)[:2] for column in by_last[name][:, :-1].T])
    ax.plot(range(epochs + 1), mean, line, label=f"{name}: τ = {tau:.3g} epochs (n = {counts[name]})")
    ax.fill_between(range(epochs + 1), mean - half, mean + half, alpha=0.2)
ax.axvline(one, color="0.4", linestyle=":", label="the shorter τ, in whole epochs")
short, long = by_last.values()
ax.set(
    xlabel="last epochs whose updates are kept",
    ylabel="validation digits read",
    title=f"By the last {one} of {epochs} epochs: {short[:, one].mean():.0%} (her λ), {long[:, one].mean():.0%} (default)",
)
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend(loc=(0.34, 0.4))
yours = f" You said: {prediction}." if prediction is not None else ""
show(
    fig,
    alt="Accuracy against the number of last epochs kept: one curve rises within a few epochs, the other one slowly.",
    reading=f"Her λ: the last {one} epochs alone read {short[:, one].mean():.1%}, the whole network {short[:, -1].mean():.1%}. "
    f"PyTorch's λ: {long[:, one].mean():.1%} of {long[:, -1].mean():.1%}. The curves end without the first weights: all {epochs} "
    f"epochs of updates read {short[:, -2].mean():.1%} and {long[:, -2].mean():.1%}, without those of the first two epochs "
    f"{short[:, -4].mean():.1%} and {long[:, -4].mean():.1%}. In a memory of {memories[list(memories)[1]]:.0f} epochs they "
    f"are still nearly whole.{yours}",
)

# %% tags=["fold"]
# claim 03.timescale.1: most of the network is in its last τ
claims.compare(
    "03.timescale.1",
    "Rebuilt from the updates of its last τ alone (rounded up to whole epochs), her network reads within ten points of the "
    "whole.",
    short[:, one],
    short[:, -1],
    margin=-0.1,
    names=("last τ", "all updates"),
    unit="points",
    over="training runs on these digits",
    source="Wang & Aitchison 2025, arXiv:2405.13698, for the average",
)

# %% [markdown]
# Is the rest of training forgotten? Its share *in the sum* is, if the run lasts several τ. But the last updates were computed at
# weights to which the early ones had led. (How many τ fit into a run is Σηλ, lesson 03's dose.)
#
# ### Exercise 1 · Translate a recipe
#
# Same data, another learning rate and batch size: return the λ that keeps τ **in epochs**. Your function will be put to the test
# below.
#
# <details><summary>Hint 1</summary>How many steps has an epoch of n examples? So what is τ, counted in epochs?</details>
# <details><summary>Hint 2</summary>Write τ in epochs for both recipes and set them equal. What is equal drops out.</details>


# %% tags=["stub"]
def translate(weight_decay, lr, batch_size, new_lr, new_batch_size): ...


checks.check_1(translate)


# %% tags=["solution"]
def translate(weight_decay, lr, batch_size, new_lr, new_batch_size):
    return weight_decay * lr / new_lr * new_batch_size / batch_size


checks.check_1(translate)


# %% tags=["fold"]
# ours, in case yours is open
def ours(weight_decay, lr, batch_size, new_lr, new_batch_size):
    return weight_decay * lr / new_lr * new_batch_size / batch_size


passed = checks.check_1(translate).startswith("passed")
to_new, whose = (translate, "your") if passed else (ours, "our")

# %% [markdown]
# <details><summary>Your laptop has time for half the epochs only. What does the translated λ keep now?</summary>
# The memory in epochs, but only half as many τ fit into the run: Σηλ is halved, and more of the first weights is left. Twice that
# λ keeps Σηλ, and halves the memory. No λ keeps both.</details>
#
# ## 2 · The map
#
# Now tune λ anew at every learning rate. **Predict.** When η doubles, what does the best λ do?

# %%
prediction = None  # "halves", "stays" or "doubles"

# %%
others = [(lr, decay) for lr in lrs[1:] for decay in columns]
scores = hers | read_by(others, n_runs, val)


# %% tags=["fold"]
# heat map: the best λ of each learning rate (star, with the τ in its run), those it cannot be told from (dots), both ways on
def best_and_ties(lr):
    best = max(columns, key=lambda decay: scores[lr, decay].mean())
    gaps = {d: mean_and_interval(scores[lr, best] - scores[lr, d])[:2] for d in columns if d != best}
    return best, [d for d, (gap, half) in gaps.items() if gap <= half]


def best_rules():
    """Best single λ and best single product ηλ (read between columns) over all learning rates, and their mean accuracies."""
    rows = {lr: [scores[lr, d].mean() for d in decays] for lr in lrs}
    by_decay = np.mean(list(rows.values()), axis=0)
    products = np.geomspace(lrs[-1] * decays[0], lrs[0] * decays[-1], 40)
    along = [np.interp(np.log(products / lr), np.log(decays), row) for lr, row in rows.items()]
    by_product = np.mean(along, axis=0)
    found = by_product.max() if products[0] < products[-1] else float("nan")  # else no line crosses the whole map
    return decays[by_decay.argmax()], products[by_product.argmax()], by_decay.max(), found


fig, ax = plt.subplots(figsize=(7, 3.4))
table = 100 * np.array([[scores[lr, d].mean() for d in columns] for lr in lrs])
picture = ax.imshow(table, cmap="cividis", origin="lower", aspect="auto", vmin=max(table.min(), table.max() - 20))
plane(ax)
found = {lr: best_and_ties(lr) for lr in lrs}
lasts = {lr: lr * best * steps_per_epoch * epochs for lr, (best, _) in found.items()}  # Σηλ
for row, (lr, (best, ties)) in enumerate(found.items()):
    ax.plot(columns.index(best), row, "*", color="w", markeredgecolor="k", markersize=14, linestyle="")
    ax.text(columns.index(best) + 0.16, row - 0.4, f"{lasts[lr]:.2g} τ", fontsize=8)
    ax.plot([columns.index(d) for d in ties], [row] * len(ties), "o", color="w", markeredgecolor="k", markersize=5, linestyle="")
ax.grid(False)
one_decay, one_product, upright, along = best_rules()
ax.set_title(f"Over all η: one λ reads {upright:.1%}, one ηλ {along:.1%}")
fig.colorbar(picture, label="validation digits read (%)")
bests = ", ".join(f"{best:g}" for best, _ in found.values())
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="A heat map of accuracy over weight decay and learning rate, with a star in each row, dots around it, an upright line of "
    "constant decay and a dashed diagonal of constant product.",
    reading=f"Stars: the best λ, {bests} from the smallest to the largest η; dots cannot be told from the star. Beside each star "
    f"stands Σηλ, how many τ its run lasts: from {min(lasts.values()):.2g} to {max(lasts.values()):.2g}. The best single λ reads "
    f"{upright:.1%}, averaged over η, the best single ηλ {along:.1%}.{yours}",
)

# %% [markdown]
# Do the stars follow the dashed line, or stand upright? To the test, on digits that chose nothing: one λ for all learning rates
# against one product, each the best of the map.

# %%
same_decay = read_by([(lr, one_decay) for lr in lrs], n_pairs, test)
start = one_product / base  # at the other learning rates λ is what `to_new` makes of it
translated = {lr: to_new(start, base, batch_size, lr, batch_size) for lr in lrs}
same_memory = read_by(list(translated.items()), n_pairs, test)
same_decay, same_memory = (np.mean(list(d.values()), axis=0) for d in (same_decay, same_memory))
print(f"λ = {one_decay:g} for all η: {same_decay.mean():.1%} read")
print(f"λ from {start:.3g} down, by {whose} translation: {same_memory.mean():.1%}")

# %% tags=["fold"]
# claim 03.timescale.2: what to keep
claims.compare(
    "03.timescale.2",
    "For these learning rates together, this network reads better with one λ than with one product ηλ, each the best on "
    "validation.",
    same_decay,
    same_memory,
    names=("one λ", "one ηλ"),
    unit="points",
    over="training runs on these digits",
    source="Loshchilov & Hutter 2019, arXiv:1711.05101, for the separate choice of λ and η",
)

# %% [markdown]
# Lesson 03 has a reason why it could be λ. Under noise, AdamW descends loss + (λ/2) Σσw². A larger η gets there in fewer steps,
# but the place is the same, as far as the noise σ is. **λ says where weights rest, τ how soon they get there.** (Wang and
# Aitchison found the best τ, in epochs, about constant while data and model grew; here only η did.)
#
# ## 3 · The same place?
#
# If that is the reason, the weights show it. Beside her run, watch two at the largest η: with her λ, and with her τ.
# **Predict.** Which one ends with weights as long as hers?

# %%
prediction = None  # "same λ", "same τ", "both" or "neither"

# %%
new = to_new(tuned, base, batch_size, top, batch_size)
paths = {
    "hers": [remember(base, tuned, k)[1] for k in range(n_pairs)],
    "same λ": [path for _, path in runs["her λ"]],  # section 1's
    "same τ": [remember(top, new, k)[1] for k in range(n_pairs)],
}


# %% tags=["fold"]
# figure: how long all weights together are, epoch by epoch
lengths = {name: torch.stack([torch.stack(path) for path in paths[name]]).norm(dim=2) for name in paths}
lengths = {name: length.cpu().double().numpy() for name, length in lengths.items()}  # (runs, epochs)


def settled(curve):
    """The epoch from which on the curve stays within a tenth of its end."""
    off = np.abs(curve / curve[-1] - 1) > 0.1
    return int(np.flatnonzero(off).max()) + 1 if off.any() else 0


fig, ax = plt.subplots(figsize=(6.8, 3.4))
for (name, curves), line, lr in zip(lengths.items(), ("-", "--", "-."), (base, top, top)):
    mean, half = np.transpose([mean_and_interval(column)[:2] for column in curves.T])
    ax.plot(range(epochs + 1), mean, line, label=f"{name}: η = {lr:g} (n = {n_pairs})")
    ax.fill_between(range(epochs + 1), mean - half, mean + half, alpha=0.2)
ends = {name: curves[:, -1].mean() for name, curves in lengths.items()}
times = {name: settled(curves.mean(0)) for name, curves in lengths.items()}
ax.set(xlabel="epoch", ylabel="length of all weights", ylim=(0, None))
ax.set_title(f"At the end: hers {ends['hers']:.1f}, same λ {ends['same λ']:.1f}, same τ {ends['same τ']:.1f}")
ax.legend(loc="best")
near = [name for name in ("same λ", "same τ") if abs(ends[name] / ends["hers"] - 1) < 0.2]
outcome = {0: "neither", 1: near[0] if near else "", 2: "both"}[len(near)]
show(
    fig,
    alt="The length of the weights against the epoch, three curves that start together: hers, and both ways at the largest η.",
    reading=f"Hers end {ends['hers']:.2f} long, with the same λ {ends['same λ']:.2f}, with the same τ {ends['same τ']:.2f}. "
    f"Within a fifth of hers: {outcome}.{f' You said: {prediction}.' if prediction else ''} Within a tenth of their own end they "
    f"are from epoch {times['hers']}, {times['same λ']} and {times['same τ']} on.",
)

# %% tags=["fold"]
# claim 03.timescale.3: where weights rest; behind a norm their length would go as √(η/λ), here by a factor √(top / base)
claims.within(
    "03.timescale.3",
    "Where her run lasts about τ or more, the same λ at the larger learning rate ends with weights as long as hers, within a "
    "fifth; the same τ (control) does not.",
    lengths["same λ"][:, -1] / lengths["hers"][:, -1],
    1.0,
    0.2,
    control=lengths["same τ"][:, -1] / lengths["hers"][:, -1],
    unit="× hers",
    over="training runs on these digits",
    source="this dive",
)

# %% [markdown]
# So the place fits the reason. That the place is *why* a network reads as it does, this does not show.
#
# **Limits.** This is a small network without normalization. Where a norm follows a matrix, as BatchNorm does, or QK-norm in a
# transformer, the length of w changes nothing, and theory expects the product ηλ to matter (Kosson and others 2024); this dive
# does not test it. Most matrices of today's transformers have their norm *before* them, and their length counts: only those that
# write into the residual stream, embedding included, may be scaled, and only all together. In language models Bergsma and others
# (2025) find the best λ proportional to the batch size, as a constant τ in epochs would have it, but the best τ is not one number
# for all: it follows a power law in the tokens per parameter.
#
# ## What to take along
#
# * AdamW's weights are a running average with a memory of τ = 1/(ηλ) steps. Older updates leave the sum; what they led to stays.
# * λ says where weights rest, τ how soon. At another η, for as many epochs and where they last τ or more, try the tuned λ first.
#
# **On your own model:** print `B / (n * lr * weight_decay)`, the memory in epochs, beside the number of epochs. Below one, or far
# above the run, ask why.
#
# **References.** Wang, Aitchison 2025, [arXiv:2405.13698](https://arxiv.org/abs/2405.13698) ·
# Loshchilov, Hutter 2019, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101) ·
# Kosson, Messmer, Jaggi 2024, [arXiv:2305.17212](https://arxiv.org/abs/2305.17212) ·
# Bergsma et al. 2025, [arXiv:2505.13738](https://arxiv.org/abs/2505.13738) · back to [lesson 03](../03_adamw.ipynb)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {"line_AdamW": along - upright, "same_decay": same_decay.mean(), "same_memory": same_memory.mean()}
metrics |= {"length_same_decay": ends["same λ"] / ends["hers"], "length_same_memory": ends["same τ"] / ends["hers"]}
record = claims.record(parameters, metrics)
