# %% [markdown]
# # Deep dive 07 · Why does a norm help, and which one?
#
# **Is it because the layers' inputs hold still?**
#
# "Reducing internal covariate shift" is in the title of the paper that brought BatchNorm (Ioffe and Szegedy 2015): layers below
# keep changing what a layer gets, the norm holds it still, and so it learns faster. A clear idea, and it can be tested. Let
# BatchNorm do its work, and then *shake* what it hands on, at every step, until layers get less steady inputs than without a
# norm. What is left of the help?
#
# *{minutes} minutes. You need lesson 07. One question to warm up:*
#
# <details><summary>Which numbers does BatchNorm average over, which LayerNorm, and what does RMSNorm leave out?</summary>
# One unit over the batch; all units of one row; the subtraction of the mean.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 3  # [3, 32] training runs at each learning rate
n_pairs: int = 14  # [3, 64] runs behind each claim about accuracy
lrs: list = [0.03, 0.1, 0.3, 1.0, 3.0]  # 3 to 8 rising values in (0, 30]: learning rates of SGD
depth: int = 8  # [3, 16] hidden layers of the deep reader; the shallow one has two
shake: float = 0.55  # (0, 3] largest shift of a shaken unit, in its standard deviations
n_train: int = 1000  # [100, 20000] training letters
epochs: int = 12  # [2, 500] passes over them
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; the letters of lesson 07 (grey, 16 x 16); a stack of readers with layers of 48 units
import copy
import math
import time
from functools import partial

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn
from torch.nn import functional

from course_utils.checks.deeper import d07_why_and_which as checks
from course_utils.claims import Claims
from course_utils.data import grey_thumbnails, load
from course_utils.figures import show, use_course_style
from course_utils.parameters import check_parameters
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("07.why_and_which")


letters = load("letters", n_train=n_train, n_val=1000, n_test=2000, seed=seed, device=device)
train_set, val, test = ((grey_thumbnails(x).flatten(1), y) for x, y in (letters.train, letters.val, letters.test))
batch_size = 50
n_steps = n_train // batch_size * epochs
cosine = [0.5 + 0.5 * math.cos(math.pi * t / n_steps) for t in range(n_steps)]


def standardize(h, axis, eps=1e-5):
    spread = h.var(axis, keepdim=True, unbiased=False) + eps
    return (h - h.mean(axis, keepdim=True)) / spread.sqrt()


def first_weights(n_layers, run_seeds):
    """He et al.'s initial weights and zero biases of one reader a seed, stacked: (n_runs, n_in, n_out), (n_runs, 1, n_out)."""
    widths, stacks = [256, *[48] * n_layers, 10], []
    for s in run_seeds:
        draw, parts = torch.Generator().manual_seed(s), []
        for n_in, n_out in zip(widths, widths[1:]):
            parts += [torch.randn(n_in, n_out, generator=draw) * math.sqrt(2 / n_in), torch.zeros(1, n_out)]
        stacks.append(parts)
    return [torch.stack(parts).to(device) for parts in zip(*stacks)]


def logits(weights, x, norm, disturb=None, memory=None):
    """Logits, what each layer hands to its ReLU, and mean and variance before each norm. memory: those of other letters."""
    handed, before = [], []
    for k in range(0, len(weights) - 2, 2):
        x = x @ weights[k] + weights[k + 1]
        before.append((x.mean(-2, keepdim=True), x.var(-2, keepdim=True, unbiased=False)))
        x = norm(x) if memory is None else (x - memory[k // 2][0]) / (memory[k // 2][1] + 1e-5).sqrt()
        x = disturb(x) if disturb else x
        handed.append(x)
        x = x.relu()
    return x @ weights[-2] + weights[-1], handed, before


def shaken(x, draw):
    """Shift each unit, for the whole batch, by another random amount at every step (Santurkar et al. 2018 stretch it, too)."""
    shift = shake * (2 * torch.rand(x.shape[0], 1, x.shape[2], generator=draw) - 1)
    return x + shift.to(x.device)


def train(norm, n_layers, rates, run_seeds, *, is_shaken=False, steps=n_steps, batch=batch_size):
    """Train a reader for each rate and seed, side by side. Returns a dict of arrays (n_rates, n_seeds), a trace, the weights."""
    runs = [(lr, s) for lr in rates for s in run_seeds]
    weights = first_weights(n_layers, [s for _, s in runs])
    lr = torch.tensor([lr for lr, _ in runs], device=device)
    orders = [torch.Generator().manual_seed(s) for _, s in runs]
    disturb = partial(shaken, draw=torch.Generator().manual_seed(seed)) if is_shaken else None
    (x, y), last, moves, agree, trace = train_set, None, [], [], []
    is_watched, steps_per_epoch = n_layers == depth, n_train // batch
    for t in range(steps):
        if t % steps_per_epoch == 0:
            order = torch.stack([torch.randperm(n_train, generator=g) for g in orders]).to(device)
        rows = order[:, t % steps_per_epoch * batch :][:, :batch]
        rate, noise = lr * cosine[t], disturb.keywords["draw"].get_state() if is_shaken else None
        gradients, handed = gradients_of(weights, x[rows], y[rows], norm, disturb)
        if is_watched:
            means = torch.stack([h.mean(1) for h in handed])
            if last is not None and t < n_steps // 2:
                moves.append(((means - last).abs() / torch.stack([h.std(1) for h in handed])).mean((0, 2)))
            last, unit = means, handed[len(handed) // 2][0, :, 0]
            trace.append((unit.mean() / unit.std()).item())
        with torch.no_grad():
            weights = [w - rate.view(-1, 1, 1) * g.nan_to_num(0, 0, 0) for w, g in zip(weights, gradients)]
        if is_watched and t % 10 == 5 and t < n_steps // 2:
            if is_shaken:  # the same shake again, so that only the step differs
                disturb.keywords["draw"].set_state(noise)
            after, _ = gradients_of(weights, x[rows], y[rows], norm, disturb)
            agree.append(agreement(gradients, after))
    results = {"unsteady": torch.stack(moves).mean(0), "agreement": torch.stack(agree).mean(0)} if is_watched else {}
    for name, part in (("train", train_set), ("val", val), ("test", test)):
        results[name], results[f"{name} loss"] = reads(weights, part, norm)
    return {k: v.detach().double().cpu().view(len(rates), -1).numpy() for k, v in results.items()}, trace, weights


def gradients_of(weights, x, y, norm, disturb):
    weights = [w.detach().requires_grad_() for w in weights]
    out, handed, _ = logits(weights, x, norm, disturb)
    loss = functional.cross_entropy(out.mT, y, reduction="none").mean(1)
    return torch.autograd.grad(loss.sum(), weights), [h.detach() for h in handed]


def agreement(before, after):
    """Cosine of the angle between two gradients of each run."""
    return functional.cosine_similarity(*(torch.cat([g.flatten(1) for g in both], 1) for both in (before, after)))


@torch.no_grad()
def reads(weights, part, norm):
    """Accuracy and loss (nats) of each run; BatchNorm, of whatever company, remembers all training letters."""
    by_batch = norm not in [norms[name] for name in ("none", "LayerNorm", "RMSNorm")]
    memory = logits(weights, train_set[0], norms["BatchNorm"])[2] if by_batch else None
    out = logits(weights, part[0], norm, memory=memory)[0]
    losses = functional.cross_entropy(out.mT, part[1].expand(len(out), -1), reduction="none")
    return (out.argmax(-1) == part[1]).double().mean(1), losses.mean(1)


norms = {"none": lambda h: h, "BatchNorm": partial(standardize, axis=-2), "LayerNorm": partial(standardize, axis=-1)}
norms["RMSNorm"] = lambda h: h / (h.square().mean(-1, keepdim=True) + 1e-5).sqrt()

# %% tags=["fold"]
# the situation: the mean of one unit over the batch, step by step
n_shown = min(60, n_steps)
kinds = {"no norm": ("none", False), "BatchNorm": ("BatchNorm", False), "BatchNorm, shaken": ("BatchNorm", True)}
traces = {label: train(norms[k], depth, [lrs[1]], [seed], is_shaken=s, steps=n_shown)[1] for label, (k, s) in kinds.items()}
fig, ax = plt.subplots(figsize=(7, 3))
for (label, trace), line in zip(traces.items(), ("-", "--", ":")):
    ax.plot(trace, line, marker="." if "shaken" in label else None, label=label)
ax.set(xlabel="step", ylabel="mean / standard deviation")
ax.set_title("What one unit in the middle hands on, batch by batch")
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
show(
    fig,
    alt="The mean of one unit over the batch against the step: moving without a norm, zero with BatchNorm, jumping when shaken.",
    reading=f"The first {n_shown} steps of a reader with {depth} hidden layers: the unit's mean over each batch, in its standard "
    f"deviations. BatchNorm holds it at 0. Shaken, each unit is shifted by up to {shake:g} either way, anew at every step.",
)

# %% [markdown]
# ## 1 · What a norm is worth
#
# First without the shaking. Readers of two and of many hidden layers learn by SGD, the norm in front of each ReLU, over two
# decades of learning rates η. All start from He et al.'s weights, made for ReLUs without norms. **Predict.** Which of these norms
# helps the deep reader more?

# %%
prediction = None  # "BatchNorm", "LayerNorm" or "both alike"

# %%
seeds = [seed + k for k in range(n_runs)]
swept = {(name, 2): train(norm, 2, lrs, seeds)[0] for name, norm in norms.items()}
for name in ("none", "BatchNorm", "LayerNorm"):
    swept[name, depth] = train(norms[name], depth, lrs, seeds)[0]

# %% tags=["fold"]
# figure: validation accuracy against the learning rate, for two depths
styles = {"none": ("C0", ":"), "BatchNorm": ("C1", "-"), "LayerNorm": ("C2", "--"), "RMSNorm": ("C3", "-.")}
fig, axes = plt.subplots(1, 2, figsize=(9.4, 3.4), sharey=True)
best = {}
for ax, n_layers in zip(axes, (2, depth)):
    for name, (color, line) in styles.items():
        if (name, n_layers) not in swept:
            continue
        table = swept[name, n_layers]["val"]
        mean, half = zip(*[mean_and_interval(row)[:2] for row in table])
        ax.errorbar(lrs, mean, half, color=color, linestyle=line, marker="o", capsize=2, label=name)
        best[name, n_layers] = int(np.argmax(mean))
    top, none = (swept[m, n_layers]["val"].mean(1).max() for m in ("BatchNorm", "none"))
    ax.set(xscale="log", xlabel="learning rate η", title=f"{n_layers} layers: at best {none:.0%} without, {top:.0%} BatchNorm")
axes[0].set(ylabel="validation accuracy", ylim=(0, 0.9))
axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
axes[0].legend(loc="lower center", fontsize=8)
at_best = {key: swept[key]["val"][k].mean() for key, k in best.items()}
deep = {name: at_best[name, depth] for name in ("BatchNorm", "LayerNorm")}
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Accuracy against the learning rate, without and with norms, for a shallow and a deep reader.",
    reading=f"95 % intervals, n = {n_runs}. At its best rate each reads, with 2 layers: "
    + ", ".join(f"{name} {at_best[name, 2]:.0%} (η = {lrs[best[name, 2]]:g})" for name in norms)
    + f"; with {depth}: "
    + ", ".join(f"{name} {at_best[name, depth]:.0%} (η = {lrs[best[name, depth]]:g})" for name in ("none", *deep))
    + f". More help in the deep reader: {max(deep, key=deep.get)}.{yours}",
)

# %% [markdown]
# At the right end, compare at which rate nothing is learned any more. (LayerNorm and RMSNorm are at home elsewhere: in
# transformers, where each layer's output is *added* to its input.)
#
# ## 2 · Shake it
#
# Now BatchNorm with the shaking behind it, at every step of training; none when it reads. We measure how unsteady a layer's
# inputs are: how far a unit's mean moves from one step to the next, in its standard deviations. **Predict.** At its best η,
# what does the shaken deep reader do?

# %%
prediction = None  # "reads like none", "worse than none" or "better than none"

# %%
deep_runs = {name: swept[name, depth] for name in ("none", "BatchNorm", "LayerNorm")}
deep_runs["shaken"] = train(norms["BatchNorm"], depth, lrs, seeds, is_shaken=True)[0]
best["shaken", depth] = int(deep_runs["shaken"]["val"].mean(1).argmax())

# %% tags=["fold"]
# the deep readers at their best rates, with new seeds, on test letters
others = [seed + n_runs + k for k in range(n_pairs)]
final = {}
for name in ("none", "BatchNorm", "shaken"):
    norm, lr = norms["BatchNorm" if name == "shaken" else name], lrs[best[name, depth]]
    final[name] = {k: v[0] for k, v in train(norm, depth, [lr], others, is_shaken=name == "shaken")[0].items()}
    accuracy, half, _ = mean_and_interval(final[name]["test"])
    moves = final[name]["unsteady"].mean()
    print(f"{name:10} η = {lr:<5g} a mean moves by {moves:.2f} a step; {accuracy:.1%} ± {half:.1%} of the test letters read")
if prediction:
    print(f"You said: {prediction}.")

# %% tags=["fold"]
# claims 07.why_and_which.1 and .2: BatchNorm, and BatchNorm shaken, against none
claims.compare(
    "07.why_and_which.1",
    "In the deep reader BatchNorm reads new letters better than no norm, each at its best rate of those tried, by more than two "
    "points.",
    final["BatchNorm"]["test"],
    final["none"]["test"],
    margin=0.02,
    names=("BatchNorm", "no norm"),
    unit="points",
    over="training runs on these letters",
)
claims.compare(
    "07.why_and_which.2",
    "Shaken, BatchNorm still reads new letters better than no norm, each at its best rate of those tried.",
    final["shaken"]["test"],
    final["none"]["test"],
    names=("shaken", "no norm"),
    unit="points",
    over="training runs on these letters",
    source="Santurkar et al. 2018, arXiv:1805.11604, for convolutional networks",
    myth="Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
    myth_source="the title of Ioffe and Szegedy 2015, arXiv:1502.03167; that it accelerates training, is right",
)

# %% [markdown]
# Whatever help the shaking leaves does not need inputs that hold still. So what else does BatchNorm do?
#
# ## 3 · Does the gradient keep its word?
#
# Santurkar et al. propose: it makes the loss *smoother*. A gradient tells which way is down *here*; a step goes some way, and
# hopes that down is still there. So take the gradient, make the step, take the gradient again on the same batch. Do the two
# point the same way? The cosine of the angle between them is 1 if so, 0 at right angles, below 0 if the step went too far. Here
# by hand, for a single step; the figure has the mean over every tenth step in the first half of each run:

# %%
x, y = (part[None, :batch_size] for part in train_set)
start = first_weights(depth, [seed])
for name in ("none", "BatchNorm"):
    before, _ = gradients_of(start, x, y, norms[name], None)
    stepped = [w - lrs[1] * g for w, g in zip(start, before)]
    after, _ = gradients_of(stepped, x, y, norms[name], None)
    print(f"{name:9} the first step: {agreement(before, after).item():+.2f}")
measured = {name: runs["agreement"] for name, runs in deep_runs.items()}  # (rates, runs)

# %% [markdown]
# **Predict.** Which one does the *shaken* BatchNorm resemble: the network without a norm, or BatchNorm?

# %%
prediction = None  # "none" or "BatchNorm"

# %% tags=["fold"]
# figure: agreement of the gradients before and after a step
fig, ax = plt.subplots(figsize=(7, 3.6))
for name, (color, line) in (styles | {"shaken": ("C4", (0, (5, 1)))}).items():
    if name in measured:
        accuracy = deep_runs[name]["val"].mean(1)
        learns = (np.arange(len(lrs)) <= accuracy.argmax()) | (accuracy > accuracy.max() * 2 / 3)
        mean, half = np.transpose([mean_and_interval(row)[:2] for row in measured[name]])[:, learns]
        ax.errorbar(np.array(lrs)[learns], mean, half, color=color, linestyle=line, marker="o", capsize=2, label=name)
ax.axhline(0, color="k", linewidth=0.8)
k = best["none", depth]
shown = {name: values[k].mean() for name, values in measured.items()}
small = {name: values[0].mean() for name, values in measured.items()}
ax.set(xscale="log", xlabel="learning rate η", ylabel="cosine, gradients before and after")
ax.set_title(
    f"Without a norm and with BatchNorm: {small['none']:+.2f} and {small['BatchNorm']:+.2f} at η = {lrs[0]:g}, "
    f"{shown['none']:+.2f} and {shown['BatchNorm']:+.2f} at {lrs[k]:g}",
    fontsize=9,
)
ax.legend()
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Cosine between the gradients before and after a step against the learning rate, for four networks.",
    reading=f"95 % intervals, n = {n_runs}. At η = {lrs[k]:g}, the best rate without a norm: "
    + ", ".join(f"{name} {value:+.2f}" for name, value in shown.items())
    + f". At the smallest, η = {lrs[0]:g}, none {small['none']:+.2f}, BatchNorm {small['BatchNorm']:+.2f}. Left out are rates "
    f"beyond a network's best at which it reads less than two thirds of that.{yours}",
)

# %% tags=["fold"]
# claim 07.why_and_which.3: agreement at the best rate of the network without a norm, with new seeds
at_rate = {"none": final["none"]["agreement"]}
at_rate["BatchNorm"] = train(norms["BatchNorm"], depth, [lrs[k]], others)[0]["agreement"][0]
claims.compare(
    "07.why_and_which.3",
    "At the rate that is best without a norm, the gradient after a step agrees better with the one before it if there is "
    "BatchNorm.",
    at_rate["BatchNorm"],
    at_rate["none"],
    margin=0.1,
    names=("BatchNorm", "no norm"),
    unit="(cosine)",
    over="training runs on these letters",
    source="Santurkar et al. 2018, arXiv:1805.11604",
)

# %% [markdown]
# Compare the left end with the middle before you say "smoother": the agreement is a matter of how large the step is. It fits
# the proposal, and proves nothing. Bjorck et al. (2018) say "BN primarily enables training with larger learning
# rates", because activations do not grow from layer to layer. Need that exclude a third idea?
#
# ## 4 · The noise of the company
#
# In training, BatchNorm measures a letter against neighbours drawn by chance. Is that noise a regularizer (Luo et al. 2019)?
# Smaller batches would be more noise, but of the *gradient*, too. So let each step see 100 letters, and normalize them in
# companies of fewer: **ghost batches** (Hoffer et al. 2017). **Predict.** In the shallow reader, which company leaves the least
# loss on new letters?

# %%
prediction = None  # 5, 10, 25 or 100


# %% tags=["fold"]
# shallow readers in companies of 5 to 100, steps of 100 letters; how much a letter's logits vary with its company


def in_company(h, size):
    return standardize(h.unflatten(-2, (-1, size)), -2).flatten(-3, -2)


@torch.no_grad()
def spread(weights, size):
    """Of a letter's logits over 20 companies, relative to their spread between letters; means over letters and runs."""
    orders = [torch.randperm(len(val[0]), generator=draw).to(device) for _ in range(20)]
    drawn = [logits(weights, val[0][order], ghosts[size])[0][:, order.argsort()] for order in orders]
    drawn = torch.stack(drawn)
    return (drawn.std(0).mean() / drawn.mean(0).std(1).mean()).item()


companies, draw = [5, 10, 25, 100], torch.Generator().manual_seed(seed)
ghosts = {size: partial(in_company, size=size) for size in companies}
in_companies = {size: train(ghosts[size], 2, lrs[-2:], seeds, batch=100) for size in companies}
rate = {size: int(runs["val loss"].mean(1).argmin()) for size, (runs, _, _) in in_companies.items()}
noise = {size: spread(in_companies[companies[-1]][2], size) for size in companies}
loss = {
    part: {size: runs[f"{part} loss"][rate[size]] for size, (runs, _, _) in in_companies.items()} for part in ("val", "train")
}
chosen = min(companies[:-1], key=lambda size: loss["val"][size].mean())

# %% tags=["fold"]
# figure: the spread of a letter's answer, and the losses, against the company
fig, (left, ax) = plt.subplots(1, 2, figsize=(9.4, 3.2))
left.plot(companies, noise.values(), "o-", label="measured")
left.plot(companies, noise[100] * np.sqrt(100 / np.array(companies)), ":", color="k", label="1 / √company")
left.set(xscale="log", yscale="log", ylabel="spread of a letter's logits")
left.set(yticks=[0.1, 0.2, 0.5, 1], yticklabels=[0.1, 0.2, 0.5, 1])
left.set_title(f"Ten times the company: {noise[10] / noise[100]:.1f} times less noise")
for part, line in (("val", "-"), ("train", "--")):
    mean, half = zip(*[mean_and_interval(loss[part][size])[:2] for size in companies])
    ax.errorbar(companies, mean, half, linestyle=line, marker="o", capsize=2, label={"val": "new letters"}.get(part, "training"))
ax.set(xscale="log", ylabel="loss (nats)", ylim=(0, None))
ax.set_title(f"New letters: {loss['val'][chosen].mean():.2f} nats in {chosen}s, {loss['val'][100].mean():.2f} in 100s")
for panel in (left, ax):
    panel.set(xlabel="letters normalized together", xticks=companies, xticklabels=companies)
    panel.minorticks_off()
    panel.legend()
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Against the company: left the spread of a letter's logits, falling; right the loss on validation and training letters.",
    reading="Left: relative to the spread between letters, "
    + ", ".join(f"{value:.2f} in {size}s" for size, value in noise.items())
    + f". Right: 95 % intervals, n = {n_runs}, each at the better of η = {lrs[-2]:g} and {lrs[-1]:g}; "
    + ", ".join(f"{loss['val'][size].mean():.2f} (training {loss['train'][size].mean():.2f}) in {size}s" for size in companies)
    + f".{yours}",
)

# %% tags=["fold"]
# claim 07.why_and_which.4: the company that validation prefers against all 100 together, with new seeds
on_test = {size: train(ghosts[size], 2, [lrs[-2:][rate[size]]], others, batch=100)[0] for size in (chosen, 100)}
claims.compare(
    "07.why_and_which.4",
    "In steps of 100 letters, readers that normalize in smaller companies, of the size that validation prefers, have less loss "
    "on new letters than readers that normalize all 100 together, each at its better rate.",
    on_test[100]["test loss"][0],
    on_test[chosen]["test loss"][0],
    names=("all 100 together", f"companies of {chosen}"),
    unit="nats",
    over="training runs on these letters",
    source="Kosson et al. 2023, arXiv:2305.17205, for convolutional networks",
)
read = {size: mean_and_interval(runs["test"][0]) for size, runs in on_test.items()}
print("test letters read: " + "; ".join(f"in {size}s {mean:.1%} ± {half:.1%}" for size, (mean, half, _) in read.items()))

# %% [markdown]
# Go from right to left: where the training loss rises and the other falls, noise regularizes, as dropout does; where both rise,
# it is too much. Whether it also changes what is *read*, the last line says.
#
# ## 5 · LayerNorm or RMSNorm?
#
# RMSNorm leaves the mean alone. Is anything lost? In the shallow reader, each at its best rate, with new seeds:

# %% tags=["fold"]
# claim 07.why_and_which.5: LayerNorm and RMSNorm in the shallow reader
row_norms = {}
for name in ("RMSNorm", "LayerNorm"):
    row_norms[name] = train(norms[name], 2, [lrs[best[name, 2]]], others)[0]["test"][0]
claims.same(
    "07.why_and_which.5",
    "RMSNorm reads new letters as well as LayerNorm, in the shallow reader.",
    row_norms["RMSNorm"],
    row_norms["LayerNorm"],
    margin=0.02,
    names=("RMSNorm", "LayerNorm"),
    unit="points",
    over="training runs on these letters",
    source="Zhang and Sennrich 2019, arXiv:1910.07467: comparable performance",
)

# %% [markdown]
# And gained? One reads that it "reduces computation by 40 %". By 40 % of *what*? Count for a transformer block of `width` d.
#
# ### Exercise 1 · The norms' share
#
# For each token the block multiplies with twelve d × d matrices' worth of weights: a multiplication and an addition a weight.
# Before that it normalizes twice, d numbers each time, at `n_operations` a number. Which share of all these operations are the
# norms'? (The attention scores are left out.)
#
# <details><summary>Hint 1</summary>Operations of the matrices: 2 · 12 · d². Of both norms?</details>
# <details><summary>Hint 2</summary>A share is of the whole: the norms' stand below the line, too.</details>


# %% tags=["stub"]
def norm_share(width, n_operations): ...


checks.check_1(norm_share)


# %% tags=["solution"]
def norm_share(width, n_operations):
    in_norms = 2 * n_operations * width
    in_matrices = 2 * 12 * width**2
    return in_norms / (in_norms + in_matrices)


checks.check_1(norm_share)

# %% tags=["fold"]
# the share at three widths, by your function or ours: LayerNorm with 7 operations a number, RMSNorm with 4
passed = checks.check_1(norm_share).startswith("passed")
share = norm_share if passed else lambda d, n: 2 * n * d / (2 * n * d + 24 * d**2)
print("by your function:" if passed else "by our function:")
for width in (128, 1024, 4096):
    print(f"width {width:5}: LayerNorm {share(width, 7):.3%} of a block's operations, RMSNorm {share(width, 4):.3%}")

# %% [markdown]
# Seven operations a number against four: there is a 40 %, and it is 40 % of next to nothing. Memory traffic makes norms dearer
# than their operations (and in the small recurrent networks of the paper they cost much: it reports 7 % to 64 % of *running
# time*, depending on the model). So measure, on your machine: forward and backward through one block.

# %%
blocks = {name: nn.TransformerEncoderLayer(128, 4, 512, 0.0, batch_first=True, norm_first=True)
          for name in ("LayerNorm", "RMSNorm", "no norm")}  # fmt: skip
for name, layer in (("RMSNorm", nn.RMSNorm(128)), ("no norm", nn.Identity())):
    blocks[name].norm1, blocks[name].norm2 = layer, copy.deepcopy(layer)


# %% tags=["fold"]
# claim 07.why_and_which.6: processor time of a block, forward and backward, in turns; the shortest of five in each round
def seconds(block, x):
    start = time.process_time()
    block(x).square().mean().backward()
    return time.process_time() - start


x = torch.randn(8, 64, 128)
rounds = [{name: min(seconds(block, x) for _ in range(5)) for name, block in blocks.items()} for _ in range(n_pairs + 1)][1:]
taken = {name: 1000 * np.array([row[name] for row in rounds]) for name in blocks}
print(" · ".join(f"{name} {np.median(values):.1f} ms" for name, values in taken.items()))
claims.compare(
    "07.why_and_which.6",
    "On this processor, a block with PyTorch's RMSNorm takes more than four fifths of the time of one with LayerNorm.",
    taken["RMSNorm"],
    taken["LayerNorm"],
    factor=0.8,
    names=("RMSNorm", "LayerNorm"),
    unit="ms",
    over="rounds of timing",
)

# %% [markdown]
# Another processor or another kernel may say otherwise: ask yours. To save 40 % of a *block*, a norm would have to cost 40 % of
# it.
#
# **Who uses what** (each source opened):
#
# * **ConvNeXt**, a convolutional network: LayerNorm
#   ([models/convnext.py](https://github.com/facebookresearch/ConvNeXt/blob/main/models/convnext.py))
# * **T5**: RMSNorm, under the name T5LayerNorm, "No bias and no subtraction of mean" (`modeling_t5.py` of
#   [transformers](https://github.com/huggingface/transformers/tree/main/src/transformers/models))
# * **Falcon** 7B and 40B: LayerNorm (`modeling_falcon.py` there), though often listed under RMSNorm
# * **LLaMA**: RMSNorm, on the *input* of each sub-layer ([arXiv:2302.13971](https://arxiv.org/abs/2302.13971))
# * **OLMo 2**: RMSNorm, on the *output* of each sub-layer ([arXiv:2501.00656](https://arxiv.org/abs/2501.00656))
#
# ## What to take along
#
# * To ask whether a mechanism is *why* something helps, break the mechanism and keep the rest.
# * BatchNorm steadies inputs, and at the large rates that one wants to use it keeps gradients true. Shaken, it keeps the second
#   only.
# * RMSNorm leaves out the mean: of a norm 40 % of the operations, of a block next to nothing.
#
# **On your own model:** make one step, and take the gradient on the same batch again. Print the cosine of the two. Well below
# zero, step after step: the learning rate is too large, or a norm is missing.
#
# **References.** Ioffe, Szegedy 2015, [arXiv:1502.03167](https://arxiv.org/abs/1502.03167) ·
# Santurkar et al. 2018, [arXiv:1805.11604](https://arxiv.org/abs/1805.11604) ·
# Bjorck et al. 2018, [arXiv:1806.02375](https://arxiv.org/abs/1806.02375) ·
# Luo et al. 2019, [arXiv:1809.00846](https://arxiv.org/abs/1809.00846) ·
# Hoffer et al. 2017, [arXiv:1705.08741](https://arxiv.org/abs/1705.08741) ·
# Kosson et al. 2023, [arXiv:2305.17205](https://arxiv.org/abs/2305.17205) ·
# Zhang, Sennrich 2019, [arXiv:1910.07467](https://arxiv.org/abs/1910.07467) · back to [lesson 07](../07_normalization.ipynb)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {f"test_{name}": runs["test"].mean() for name, runs in final.items()}
metrics |= {f"test_{name}": values.mean() for name, values in row_norms.items()}
record = claims.record(parameters, metrics | {f"agreement_{name}": values.mean() for name, values in at_rate.items()})
