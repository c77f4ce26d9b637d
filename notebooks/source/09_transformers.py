# %% [markdown]
# # 09 · Transformers
#
# **What survives in transformers and LLMs?**
#
# In 2017 the transformer came with dropout in every block. In 2022 PaLM, one of the largest of its kind, was trained without
# any, and got its 0.1 back for most fine-tuning. Nobody had proved dropout wrong. What makes the difference?
#
# Below, one small transformer is trained again and again, always for the same number of steps. A single number will decide
# whether dropout helps it or holds it back. You write two parts of a large language model's recipe, train with it, and at the
# end say *beforehand* whether a text calls for dropout.
#
# *{minutes} minutes. You need lessons 01 to 04, 07 and 08. Two questions to warm up:*
#
# <details><summary>What does dropout with p = 0.3 do to an activation in training, and what in `eval()`?</summary>
# It becomes 0 with probability 0.3, and is divided by 0.7 otherwise. In `eval()` nothing happens.</details>
# <details><summary>Which parameters should not decay, by custom?</summary>
# Biases, and the scales and shifts of norms.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 4  # [3, 64] training runs of each setting
text: str = "python_docs"  # {"python_docs", "folder:…"} the text; or a text file of yours: "folder:my_text.txt"
n_steps: int = 384  # [64, 100000] training steps of every run: the compute
passes: list = [4, 64]  # 2 to 2 rising whole numbers in [1, 64]: passes of these steps over much and over little text
your_passes: int = 32  # [1, 64] the same for the text of section 4
p_drop: float = 0.3  # (0, 0.9] the dropout rate
lr: float = 0.01  # (0, 0.1) learning rate of AdamW, and peak of the schedule
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the text (windows of 32 characters; 16 of them make a step)
import math

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from course_utils.checks import lesson_09 as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.dropout import Dropout
from course_utils.figures import plot_interval, show, use_course_style
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import evaluate
from course_utils.transformer import SITES, char_transformer

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("09")
context, batch_size = 32, 16
much, little, yours = (batch_size * max(1, n_steps // k) for k in (*passes, your_passes))  # windows of text
splits = load(text, n_train=max(much, little, yours), n_val=128, n_test=600, seed=seed, device=device)
characters = splits.classes


def windows(pair, n=None):
    return tuple(codes[:n, :context].contiguous() for codes in pair)


def spell(codes):
    return "".join(characters[code] for code in codes).replace("\n", "⏎")


val = windows(splits.val)

# %% tags=["fold"]
# the situation: some text to continue, and the same compute spent on much and on little text
fig, ax = plt.subplots(figsize=(8.6, 2.5))
for row, (n, k, colour) in enumerate(((much, passes[0], "C0"), (little, passes[1], "C1"))):
    for i in range(k):
        ax.barh(1 - row, 1 / k, left=i / k, height=0.5, color=colour, alpha=0.85 if i == 0 else 0.3, edgecolor="white")
    name = ("much text", "little text")[row]
    ax.text(-0.01, 1 - row, f"{name}\n{n * context:,} characters", ha="right", va="center", fontsize=9)
    ax.text(1.01, 1 - row, "once" if k == 1 else f"{k} times", ha="left", va="center", fontsize=9)
sample = spell(splits.train[0][0, :context])
ax.text(0, 1.75, f"“{sample}”  What comes next?", fontsize=9, family="monospace")
ax.set(xlim=(0, 1), ylim=(-0.4, 2), yticks=[], xticks=[0, 1], xticklabels=[0, f"{n_steps} steps"])
ax.grid(False)
ax.spines[:].set_visible(False)
show(
    fig,
    alt="A line of text to continue, and two bars of equal length: one made of a few long blocks, one of many short ones.",
    reading=f"The task: given up to {context} characters, say the next one. Each bar is the same compute, {n_steps} steps of "
    f"{batch_size} windows of text; a block is one pass over all the text there is, the first in full colour.",
)

# %% [markdown]
# ## 1 · The same compute, twice
#
# The network is a small GPT, 32 features wide, that looks at earlier characters only. Each of its two blocks has two
# *branches*, attention and a two-layer network, and adds the output of each to what came in. The loss is minus the logarithm of
# the probability given to the true character, in *nats*. Each run takes the same number of steps; what differs is how much text
# there is, and so how often it comes up again: the number of **passes**. (`much` and `little` say how many windows of text
# there are, `windows(splits.train, n)` gives the first n of them, and every step takes 16.)


# %%
def build(p_drop):
    return char_transformer(len(characters), context, width=32, n_heads=2, p_drop=p_drop)


history, trained = {}, {}
runs = [{"p_drop": p, "lr": lr, "seed": seed + k} for p in (0.0, p_drop) for k in range(n_runs)]
for n, k in zip((much, little), passes):
    settings = {"epochs": k, "batch_size": batch_size, "evaluate_every": max(1, k // 32)}
    train = windows(splits.train, n)
    history[n], trained[n] = train_runs(build, train, val, runs, **settings)

# %% [markdown]
# **Predict.** After the last step, on text it has not read: where does the network with dropout do better?

# %%
prediction = None  # "on both", "on much text", "on little text" or "on neither"


# %% tags=["fold"]
# losses on new text: of every run at its end, and at its best evaluation (as if stopped and restored there)
def losses(n, p, part="val"):
    table = history[n][history[n]["p_drop"] == p]
    return np.array([run[f"{part}_loss"].dropna().to_numpy() for _, run in table.groupby("run")])


end = {(n, p): losses(n, p)[:, -1] for n in (much, little) for p in (0.0, p_drop)}
best = {(n, p): losses(n, p).min(1) for n in (much, little) for p in (0.0, p_drop)}

# %% tags=["fold"]
# figure: the loss on new text and on the training text, pass by pass, for much and for little text
fig, axes = plt.subplots(1, 2, figsize=(9, 3.5))
for ax, n in zip(axes, (much, little)):
    for p, colour in ((0.0, "C0"), (p_drop, "C1")):
        table = history[n][history[n]["p_drop"] == p].dropna()
        table = table.assign(passes=table["epoch"] + 1)
        plot_interval(ax, table, "passes", "val_loss", label=f"p = {p:g}", color=colour, linestyle="-", marker="o", markersize=3)
        plot_interval(ax, table, "passes", "train_loss", label=f"p = {p:g}, its own text", color=colour, linestyle="--")
    gap, half, _ = mean_and_interval(end[n, 0.0] - end[n, p_drop])
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="passes over the text", title=f"{n * context:,} characters: dropout gains {gap:+.2f} ± {half:.2f}")
axes[0].set(ylabel="loss, dropout off (nats a character)")
axes[1].set(ylim=(0, None))
axes[0].legend(fontsize=7)
helps = {n: (end[n, p_drop] - end[n, 0.0]).mean() < 0 for n in (much, little)}
outcome = {(True, True): "on both", (True, False): "on much text", (False, True): "on little text", (False, False): "on neither"}
outcome = outcome[helps[much], helps[little]]
yours_said = f" You said: {prediction}." if prediction else ""
own = {p: losses(little, p, "train")[:, -1].mean() for p in (0.0, p_drop)}
guess = math.log(len(characters))
show(
    fig,
    alt="Loss against passes in two panels. Much text: the curve with dropout lies above. Little text: the curve without dropout "
    "falls, then rises far above the one with dropout.",
    reading=f"At the end on much text: {end[much, 0.0].mean():.2f} without dropout, {end[much, p_drop].mean():.2f} with it; on "
    f"little text {end[little, 0.0].mean():.2f} and {end[little, p_drop].mean():.2f} (guessing among {len(characters)} "
    f"characters: {guess:.2f}). Dashed, on the little text they have read: {own[0.0]:.2f} and "
    f"{own[p_drop]:.2f} (mind the two scales). Dropout is better {outcome}.{yours_said}",
)

# %% tags=["fold"]
# claims 09.1 and 09.2: the same network and compute, dropout on much and on little text
claims.compare(
    "09.1",
    "With much text, the same steps without dropout give a lower loss on new text, by more than 0.1 nats a character.",
    end[much, p_drop],
    end[much, 0.0],
    margin=0.1,
    names=("with dropout", "without"),
    unit="nats",
    over="training runs on this text",
)
claims.compare(
    "09.2",
    "With little text, the same steps with dropout give the lower loss, by more than 0.5 nats a character.",
    end[little, 0.0],
    end[little, p_drop],
    margin=0.5,
    names=("without dropout", "with it"),
    unit="nats",
    over="training runs on this text",
    source="Xue et al. 2023, arXiv:2305.13230, of large models that read their text again and again",
)

# %% [markdown]
# Neither network nor regularizer changed, only how much text there was, and so how often it came up again. Dropout slows
# learning down, and there is little to learn by heart on a first reading. But how can it get *worse than guessing*? Here one
# network of each kind continues the little text, then reads new text:

# %% tags=["fold"]
# the first half of a window is given, each network writes the other half (✓: as in the text); how sure each is on new text
codes = windows(splits.train, little)[0][:3]


@torch.no_grad()
def write(model, start, n):
    for _ in range(n):
        start = torch.cat([start, model.eval()(start)[:, -1:].argmax(-1)], 1)
    return start


for row, *written in zip(codes, *(write(trained[little][i], codes[:, :16], 16) for i in (0, n_runs))):
    print(f"given and true  {spell(row[:16])} | {spell(row[16:])}")
    for label, line in zip(("no dropout", "dropout"), written):
        print(f"{label:15} {spell(row[:16])} | {spell(line[16:])} {'✓' if line.equal(row) else ''}")
for label, i in (("no dropout", 0), ("dropout", n_runs)):
    with torch.no_grad():
        chances = trained[little][i].eval()(val[0]).softmax(-1)
    (top, said), true = chances.max(-1), chances.gather(-1, val[1][..., None])[..., 0]
    right, missed = (said == val[1]).double().mean(), (true < 0.001).double().mean()
    print(f"{label:10} on new text: {top.mean():.0%} sure of what it says, right {right:.0%}; to {missed:.0%} of the true "
          "characters it gave less than 1 in 1,000")  # fmt: skip

# %% [markdown]
# Look at the last two lines, at how *sure* each of them is. A true character that was given next to no chance costs more than
# several good answers win back.
#
# **But is that fair?** Who lets a network run on while its loss on new text rises? Lesson 08 stops it, and restores the best
# weights. So the other comparison: *both sides stopped where they are best*.

# %% tags=["fold"]
# claim 09.3: with little text, both stopped at their best evaluation
stop = {p: passes[1] * (losses(little, p).argmin(1).mean() + 1) / losses(little, p).shape[1] for p in (0.0, p_drop)}
print(f"little text, each at its best: {best[little, 0.0].mean():.2f} without (after {stop[0.0]:.0f} passes on average), "
      f"{best[little, p_drop].mean():.2f} with dropout (after {stop[p_drop]:.0f})")  # fmt: skip
claims.compare(
    "09.3",
    "With little text and both stopped at their best, dropout still has the lower loss.",
    best[little, 0.0],
    best[little, p_drop],
    names=("without dropout", "with it"),
    unit="nats",
    over="training runs on this text",
)

# %% [markdown]
# Compare the two gaps: the first is mostly the price of not stopping, the second what this rate of dropout is worth to someone
# who stops. (Both are stopped *by* these validation texts, which flatters; section 4 opens the test texts.)
#
# ## 2 · What stayed
#
# Dropout went; much of the rest stayed. The recipe of LLaMA (Touvron et al. 2023), and where each row is here:
#
# | LLaMA | a line of code |
# | --- | --- |
# | AdamW, β = (0.9, 0.95) | `AdamW(…, betas=(0.9, 0.95))` |
# | weight decay 0.1 | `groups(model, 0.1)`, exercise 9.2 |
# | 2,000 steps of warm-up, cosine to 10 % of the peak | `schedule(…)`, exercise 9.1 |
# | gradient clipping 1.0 | `clip_grad_norm_(…, 1.0)` |
# | a norm in front of each branch, RMSNorm | `norm="RMSNorm"` |
# | most text read once, some about twice | `passes` |
# | dropout: the paper does not mention it | `p_drop` |
#
# ### Exercise 9.1 · The schedule
#
# Steps count from 0. The rate rises in equal parts, from `peak / n_warm_up` at step 0 to `peak` at step `n_warm_up - 1`; then
# it goes down along half a cosine wave, to a tenth of the peak at the last step, `n_steps - 1`. (Training will use yours.)
#
# <details><summary>Hint 1</summary>Count t = step + 1. In the warm-up the share of the peak is t / n_warm_up.</details>
# <details><summary>Hint 2</summary>Afterwards (t - n_warm_up) / (n_steps - n_warm_up) goes from 0 to 1, so that
# (1 + cos(π · that)) / 2 goes from 1 to 0.</details>


# %% tags=["stub"]
def schedule(step, n_steps, n_warm_up, peak): ...


checks.check_9_1(schedule)


# %% tags=["solution"]
def schedule(step, n_steps, n_warm_up, peak):
    t = step + 1
    if t <= n_warm_up:
        return peak * t / n_warm_up
    share = (t - n_warm_up) / (n_steps - n_warm_up)
    return peak * (0.1 + 0.9 * (1 + math.cos(math.pi * share)) / 2)


checks.check_9_1(schedule)

# %% [markdown]
# ### Exercise 9.2 · The groups
#
# AdamW takes a list of dicts, `{"params": […], "weight_decay": …}`. Return two: what has two axes or more decays (matrices and
# embeddings), the rest does not (biases, scales of norms). The twist since lesson 03: every parameter must stand there exactly
# once, also where two layers share one.
#
# <details><summary>Hint</summary>`p.dim()` is the number of axes, and `model.parameters()` names a shared weight
# once.</details>


# %% tags=["stub"]
def groups(model, weight_decay): ...


checks.check_9_2(groups)


# %% tags=["solution"]
def groups(model, weight_decay):
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


checks.check_9_2(groups)


# %% tags=["fold"]
# ours, in case yours are open
def our_schedule(step, n_steps, n_warm_up, peak):
    t = step + 1
    if t <= n_warm_up:
        return peak * t / n_warm_up
    return peak * (0.1 + 0.9 * (1 + math.cos(math.pi * (t - n_warm_up) / (n_steps - n_warm_up))) / 2)


def our_groups(model, weight_decay):
    by_axes = [[p for p in model.parameters() if (p.dim() >= 2) == decays] for decays in (True, False)]
    return [{"params": params, "weight_decay": decay} for params, decay in zip(by_axes, (weight_decay, 0.0))]


passed = [checks.check_9_1(schedule).startswith("passed"), checks.check_9_2(groups).startswith("passed")]
rate, split = schedule if passed[0] else our_schedule, groups if passed[1] else our_groups
print(f"the schedule is {('ours', 'yours')[passed[0]]}, the groups are {('ours', 'yours')[passed[1]]}")


# %% tags=["fold"]
# the batches of a run: n_steps index tensors, each pass over the text in an order of its own
def order_of(n, run):
    order = torch.Generator().manual_seed(run)
    epochs = [torch.randperm(n, generator=order) for _ in range(math.ceil(n_steps * batch_size / n))]
    return torch.cat(epochs)[: n_steps * batch_size].view(n_steps, batch_size).to(device)


# %% [markdown]
# All rows together, in a plain loop. (`rate` and `split` are your two functions, where they passed.)


# %%
def loss_of(model, x, y):
    return functional.cross_entropy(model(x).flatten(0, 1), y.flatten())


def train(x, y, run, p=0.0):
    torch.manual_seed(run)
    model = char_transformer(len(characters), context, 32, 2, 2, p, norm="RMSNorm").to(device)
    optimizer = torch.optim.AdamW(split(model, 0.1), betas=(0.9, 0.95))
    curve, norms = [], []
    for step, rows in enumerate(order_of(len(x), run)):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, n_steps, n_steps // 20, 2 * lr)
        loss = loss_of(model.train(), x[rows], y[rows])
        optimizer.zero_grad()
        loss.backward()
        norms.append(clip_grad_norm_(model.parameters(), 1.0).item())
        optimizer.step()
        if (step + 1) % (n_steps // 4) == 0:
            curve.append(evaluate(model, *val)["loss"])
    return model, curve, norms


# %% [markdown]
# Section 1 had none of it: a constant rate, PyTorch's β and decay for everything, LayerNorm. The recipe's peak is twice that
# rate, so that the *mean* rates of both are about the same. **Predict**, on much text and without dropout: whose loss on new
# text is lower after the last step?

# %%
prediction = None  # "the recipe", "the constant rate" or "alike"

# %%
by_recipe = [train(*windows(splits.train, much), seed + k) for k in range(n_runs)]

# %% tags=["fold"]
# figure: the schedule and the lengths of the gradients; the loss on new text under the recipe and without it
with_recipe, constant = np.array([curve for _, curve, _ in by_recipe]), losses(much, 0.0)
lengths = np.array([norms for _, _, norms in by_recipe])
fig, (left, ax) = plt.subplots(1, 2, figsize=(9, 3.3))
xs = np.arange(n_steps) + 1
left.plot(xs, [rate(step, n_steps, n_steps // 20, 1.0) for step in range(n_steps)], label="learning rate / peak")
left.plot(xs, lengths.mean(0), color="C1", linewidth=0.8, label=f"length of the gradient (mean, n = {n_runs})")
left.axhline(1, color="0.5", linestyle=":", label="clipped above this")
clipped = (lengths > 1).mean()
left.set(xlabel="step", ylim=(0, 1.6), title=f"Clipping touched {clipped:.0%} of the steps")
left.legend(fontsize=7, loc="upper right")
for values, style, label in ((constant, "-", "constant rate"), (with_recipe, "--", "recipe")):
    at = n_steps * (np.arange(values.shape[1]) + 1) / values.shape[1]
    mean, half, _ = zip(*[mean_and_interval(column) for column in values.T])
    ax.errorbar(at, mean, half, linestyle=style, marker="o", capsize=2, label=f"{label} (n = {n_runs})")
gain, half, _ = mean_and_interval(constant[:, -1] - with_recipe[:, -1])
winner = "alike" if abs(gain) <= half else "the recipe is lower" if gain > 0 else "the constant rate is lower"
ax.set(xlabel="step", ylabel="loss on new text (nats)", title=f"At the end: {winner} ({abs(gain):.2f} ± {half:.2f} nats)")
ax.legend()
show(
    fig,
    alt="Left: the learning rate rises fast, then falls along a cosine, above it the length of the gradient. Right: loss on new "
    "text against steps, with a constant rate and with the recipe.",
    reading=f"At the end {constant[:, -1].mean():.2f} at a constant rate, {with_recipe[:, -1].mean():.2f} with the recipe. "
    f"In short: {winner}. Gradients were longer than 1 in {clipped:.0%} of the steps; only there does clipping act."
    + (f" You said: {prediction}." if prediction else ""),
)

# %% tags=["fold"]
# Σηλ of this run and of LLaMA's smallest (peak 3e-4, 250,000 steps)
for name, peak, n, n_warm_up in (("here", 2 * lr, n_steps, n_steps // 20), ("LLaMA 7B", 3e-4, 250_000, 2000)):
    total = 0.1 * sum(rate(step, n, n_warm_up, peak) for step in range(n))
    print(f"{name:9} Σηλ = {total:.2f}: decay alone would leave {math.exp(-total):.0%} of a weight")

# %% [markdown]
# A recipe is tuned for a run, and LLaMA's smallest read 10¹² tokens, 4 million a step: a quarter of a million steps. Copy the
# *lines*, and ask of each what it does in yours. The same λ = 0.1 means two different things above; what counts is Σηλ (lesson
# 03). (With the *same* peak as the constant rate the recipe would have half of it on average: not a fair race. Try it.)
#
# **Why decay at all, if nothing is overfitted?** "Regularization" is half an answer. In nearly one pass weight decay *lowers the
# training loss* and steadies training (D'Angelo et al. 2024); where text is scarce, the best decay was thirty times the
# customary one (Kim et al. 2025). And one pass is no promise to forget: texts come in copies, and GPT-J has at least 1 % of its
# own by heart (Carlini et al. 2023).
#
# ## 3 · Where it drops
#
# When you do want dropout: where? The paper (Vaswani et al. 2017, section 5.4) names two **sites**, its released code has four,
# and each is a switch here:

# %%
print(char_transformer(len(characters), context, 32, p_drop=0.1, sites=SITES).blocks[0])

# %% [markdown]
# A residual branch that dropout has thinned is not gone. Removing it altogether is another thing, *stochastic depth* or
# **DropPath**: one coin per example for the whole branch.
#
# ### Exercise 9.3 · DropPath
#
# `branch` is (examples, positions, features), `coins` one uniform number from 0 to 1 an example. An example whose coin is below
# `p` loses its branch; the others' are scaled so that the mean stays what it was.
#
# <details><summary>Hint</summary>`coins` must broadcast over positions and features: `coins[:, None, None]`.</details>


# %% tags=["stub"]
def drop_path(branch, coins, p): ...


checks.check_9_3(drop_path)


# %% tags=["solution"]
def drop_path(branch, coins, p):
    keep = coins >= p
    return branch * keep[:, None, None] / (1 - p)


checks.check_9_3(drop_path)


# %% tags=["fold"]
# ours, in case yours is open
def our_drop_path(branch, coins, p):
    return branch * (coins >= p)[:, None, None] / (1 - p)


path = drop_path if checks.check_9_3(drop_path).startswith("passed") else our_drop_path

# %% [markdown]
# Take a branch of a trained network, and drop it both ways. **Predict**: on which share of the positions does dropout, element
# by element, leave *nothing* of the branch?

# %%
prediction = None  # a share from 0 to 1

# %%
with torch.no_grad():
    network = trained[little][n_runs].eval()  # learned with dropout
    block, x = network.blocks[0], network.character(val[0]) + network.position.weight
    branch = block.project(block.mix(block.norm_1(x)))
    elements = Dropout(p_drop)(branch)
    paths = path(branch.clone(), torch.rand(len(branch), device=device), p_drop)

# %% tags=["fold"]
# figure: the block with its sites, who drops where, and what is left of a branch
recipes = {
    "paper\n2017": ("embedding", "residual"),
    "its code\n(base_v2)": SITES,
    "PyTorch's\nlayer": ("attention", "residual", "hidden"),
    "PaLM\n2022": (),
}
fig, (draw, table, ax) = plt.subplots(1, 3, figsize=(10, 4), width_ratios=[1.15, 1.15, 1.3])
boxes = ["character + position", "norm", "attention weights", "values, project", "norm", "expand, gelu", "contract"]
heights = [0, 1.25, 2.1, 2.95, 4.7, 5.55, 6.4]
marks = {"embedding": [(0, 0.6)], "attention": [(1, 2.53)], "residual": [(1, 3.5), (1, 6.95)], "hidden": [(1, 5.98)]}
for label, y in zip(boxes, heights):
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "0.4"}
    draw.text(0 if y == 0 else 1, y, label, ha="center", va="center", fontsize=8, bbox=box, zorder=3)
draw.plot([0, 0], [0, 7.9], color="0.4", linestyle="-", zorder=1)
for bottom, top in ((0.85, 3.85), (4.3, 7.3)):
    draw.plot([0, 1, 1, 0], [bottom, bottom, top, top], color="0.4", linestyle="-", zorder=1)
    draw.text(0, top, "+", ha="center", va="center", fontsize=10, bbox={"boxstyle": "circle", "facecolor": "white"}, zorder=3)
for i, site in enumerate(SITES):
    for x_mark, y_mark in marks[site]:
        draw.scatter([x_mark], [y_mark], s=60, color=f"C{i}", zorder=4)
        draw.text(x_mark + 0.1, y_mark, site, color=f"C{i}", fontsize=8, va="center", zorder=4)
    for j, sites in enumerate(recipes.values()):
        filled = site in sites
        table.scatter([j], [3 - i], s=70, color=f"C{i}" if filled else "white", edgecolor=f"C{i}" if filled else "0.8")
draw.set(xlim=(-0.6, 1.8), ylim=(-0.4, 8), title="one block (read upwards)")
table.set(xlim=(-0.5, 3.5), ylim=(-0.5, 4.2), title="who drops where", yticks=range(4), yticklabels=SITES[::-1])
table.set_xticks(range(len(recipes)), recipes, fontsize=7)
for a in (draw, table):
    a.grid(False)
    a.spines[:].set_visible(False)
draw.axis("off")
left = {"element by element": elements, "DropPath": paths}
left = {name: (kept.norm(dim=-1) / branch.norm(dim=-1)).flatten().cpu().numpy() for name, kept in left.items()}
gone = {name: (ratios == 0).mean() for name, ratios in left.items()}
for (name, ratios), colour in zip(left.items(), ("C0", "C1")):
    weights = np.full(len(ratios), 1 / len(ratios))
    ax.hist(ratios, np.linspace(0, 2.2, 45), weights=weights, alpha=0.7, color=colour, label=f"{name}: gone at {gone[name]:.0%}")
ax.set(xlabel="length of the branch after / before", ylabel="share of positions", title=f"What p = {p_drop:g} leaves of a branch")
ax.set_ylim(0, 1.25 * ax.get_ylim()[1])
ax.legend(fontsize=7, loc="upper left")
show(
    fig,
    alt="Left: a transformer block with dots at four dropout sites. Middle: a table of dots, who uses which site. Right: "
    "histograms of the length of a branch after dropping: one hump somewhat above 1, and two spikes at 0 and above 1.",
    reading=f"At {left['DropPath'].size:,} positions: element by element, {gone['element by element']:.0%} lose the branch; "
    f"half of them keep {np.percentile(left['element by element'], 25):.2f} to "
    f"{np.percentile(left['element by element'], 75):.2f} of its length (survivors are scaled "
    f"up, so it grows a little). DropPath removes it at {gone['DropPath']:.0%} and "
    f"scales the rest by {1 / (1 - p_drop):.2f}." + (f" You said: {prediction}." if prediction is not None else ""),
)

# %% [markdown]
# It is sometimes said that dropout before the residual addition now and then leaves the skip connection alone. DropPath does
# that. Element by element, all 32 independent coins of a position would have to fall together: $p^{32}$.
#
# ## 4 · Say it beforehand
#
# Now a text that is neither much nor little, and `your_passes` passes over it, with the settings of section 1. Two ways to
# guess: draw a line between what dropout gained on much and on little text (both sides at their best, passes on a logarithmic
# scale); or ask whether your passes go beyond the *turn*, the pass at which the loss without dropout was lowest on little text
# (borrowed from another text, but it is all you have). **Before you run:** dropout, or not?

# %%
ends = [(best[n, 0.0] - best[n, p_drop]).mean() for n in (much, little)]
print(f"gained on much text {ends[0]:+.2f}, on little {ends[1]:+.2f} nats; turn: {stop[0.0]:.0f}")
print(f"your text: {yours * context:,} characters, {your_passes} passes")
prediction = None  # "dropout", "no dropout" or "a tie": both stopped at their best, on new text

# %%
settings |= {"epochs": your_passes, "evaluate_every": max(1, your_passes // 32)}
settings |= {"patience": your_passes}  # so that the best weights are restored
mine = windows(splits.train, yours)
history[yours], trained[yours] = train_runs(build, mine, val, runs, **settings)

# %% tags=["fold"]
# figure: what dropout is worth against the number of passes, both sides stopped at their best
best |= {(yours, p): losses(yours, p).min(1) for p in (0.0, p_drop)}
amounts = sorted({much: passes[0], little: passes[1], yours: your_passes}.items(), key=lambda pair: pair[1])
gains = np.array([best[n, 0.0] - best[n, p_drop] for n, _ in amounts])
mean, half = np.array([mean_and_interval(gain)[:2] for gain in gains]).T
fig, ax = plt.subplots()
xs = [k for _, k in amounts]
ax.errorbar(xs, mean, half, marker="o", linestyle="none", capsize=3, label=f"each at its best (95 %, n = {n_runs})")
ax.plot(passes, ends, color="0.5", linestyle="--", linewidth=1, label="the line")
ax.axvline(stop[0.0], color="C2", linestyle="-.", linewidth=1, label="the turn on little text")
ax.axhline(0, color="0.5", linestyle=":")
gain, half_mine, _ = mean_and_interval(best[yours, 0.0] - best[yours, p_drop])
own_turn = your_passes * (losses(yours, 0.0).argmin(1).mean() + 1) / losses(yours, 0.0).shape[1]
line = np.interp(math.log(your_passes), np.log(passes), ends)
verdict = "a tie" if abs(gain) <= half_mine else "dropout" if gain > 0 else "no dropout"
ax.scatter([your_passes], [gain], s=120, facecolor="none", edgecolor="C1", linewidth=2, zorder=3, label="your text")
ax.set(
    xscale="log",
    xlabel="passes over the text, at the same compute",
    ylabel="what dropout gains on new text (nats)",
    xticks=xs,
    xticklabels=xs,
    title=f"With {your_passes} passes: {verdict} ({gain:+.3f} ± {half_mine:.3f} nats)",
)
ax.minorticks_off()
ax.legend()
show(
    fig,
    alt="What dropout gains against the number of passes: three points with intervals, a dashed line between the outer two, and "
    "an upright line at the turn.",
    reading="Dropout gains "
    + ", ".join(f"{m:+.3f} ± {h:.3f} nats after {k} passes" for (_, k), m, h in zip(amounts, mean, half))
    + f". The line between much and little text would have said {line:+.2f}; the turn at {stop[0.0]:.0f} passes, "
    f"{'dropout' if your_passes > stop[0.0] else 'no dropout'}. Your text: {verdict} (its own turn: {own_turn:.0f} passes)."
    + (f" You said: {prediction}." if prediction else ""),
)

# %% tags=["fold"]
# claim 09.4: the text in between
claims.compare(
    "09.4",
    "With your_passes passes over the text in between, dropout has the lower loss, both stopped at their best.",
    best[yours, 0.0],
    best[yours, p_drop],
    names=("without dropout", "with it"),
    unit="nats",
    over="training runs on this text",
)

# %% [markdown]
# The choice is made, so the test texts may be opened, once, by these networks with their best weights. (They may be easier or
# harder than validation's; the difference is what counts.)

# %% tags=["fold"]
# loss on test text of the networks of your text
test = windows(splits.test)
on_test = {}
for p, models in ((0.0, trained[yours][:n_runs]), (p_drop, trained[yours][n_runs:])):
    on_test[p] = np.array([evaluate(model, *test)["loss"] for model in models])
    mean, half, n = mean_and_interval(on_test[p])
    print(f"p = {p:<4g} {mean:.3f} ± {half:.3f} nats on test text (n = {n})")
gain, half, _ = mean_and_interval(on_test[0.0] - on_test[p_drop])
print(f"dropout gains {gain:+.3f} ± {half:.3f} nats there")

# %% [markdown]
# Three amounts of one text, one rate, one compute: where the two sides cross is theirs. The direction has been seen elsewhere:
# of the usual regularizers only dropout did much against the harm of many passes (Xue et al. 2023), while up to four are nearly
# as good as new text (Muennighoff et al. 2023). It is not the last word: whole *layers* dropped by a tuned schedule lowered the
# loss of language models at equal compute (Elhoushi et al. 2026).
#
# ## 5 · When it goes wrong
#
# Two bugs that raise no error. A schedule meant for steps is asked once an **epoch**. And `eval()` is forgotten when the loss is
# reported:

# %%
asked = [rate(epoch, n_steps, n_steps // 20, 1.0) for epoch in range(your_passes)]
print(f"asked {your_passes} times: the rate ends at {asked[-1]:.0%} of the peak")

network = trained[little][n_runs]
loss, reported = loss_of(network.eval(), *val), loss_of(network.train(), *val)
print(f"loss on new text {loss:.2f}, reported without eval() {reported:.2f}")

# %% [markdown]
# The first never comes down: print the rate of the last step. The second makes new text look harder than it is. (Its mirror
# image is no bug: the *training* loss is logged with dropout on, so that the validation loss may lie below it.)
#
# ## What to take along
#
# * Count the passes. Here dropout cost more than it bought on few, and bought a little on many if one stopped, a lot if not.
# * Compare like with like: both sides stopped, or both run to the end, and say which.
# * A recipe is a list of lines. Ask of each what it does *here*; clipping at 1.0 can be a line that never acts.
# * Thinning a branch and removing it are two things.
#
# **On your own model:** compute `passes = n_steps * batch_size * context / len(text)`; train twice, `p_drop` 0 and 0.1, both
# stopped at their best, and look at one number: the difference of the loss on new text, with its interval.
#
# **References.** Vaswani et al. 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762), and
# [tensor2tensor](https://github.com/tensorflow/tensor2tensor/blob/master/tensor2tensor/models/transformer.py)
# (`transformer_base_v2`) · Chowdhery et al. 2022 (PaLM), [arXiv:2204.02311](https://arxiv.org/abs/2204.02311) ·
# Touvron et al. 2023 (LLaMA), [arXiv:2302.13971](https://arxiv.org/abs/2302.13971) ·
# Carlini et al. 2023, [arXiv:2202.07646](https://arxiv.org/abs/2202.07646) ·
# Muennighoff et al. 2023, [arXiv:2305.16264](https://arxiv.org/abs/2305.16264) ·
# Xue et al. 2023, [arXiv:2305.13230](https://arxiv.org/abs/2305.13230) ·
# D'Angelo et al. 2024, [arXiv:2310.04415](https://arxiv.org/abs/2310.04415) ·
# Kim et al. 2025, [arXiv:2509.14786](https://arxiv.org/abs/2509.14786) ·
# Elhoushi et al. 2026, [arXiv:2609.05275](https://arxiv.org/abs/2609.05275). Other voices: OPT, as large as GPT-3, trained with
# dropout 0.1 (Zhang et al. 2022, [arXiv:2205.01068](https://arxiv.org/abs/2205.01068)); dropout in the first steps only, against
# *under*fitting in vision (Liu et al. 2023, [arXiv:2303.01500](https://arxiv.org/abs/2303.01500)).
#
# **Next:** [10 · Your recipe](10_recipe.ipynb).

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
claims.table()
metrics = {f"{part}_{k}_{p:g}": best[n, p].mean() for part, (n, k) in zip("abc", amounts) for p in (0.0, p_drop)}
metrics |= {"recipe": with_recipe[:, -1].mean(), "test": on_test[0.0].mean(), "test_dropout": on_test[p_drop].mean()}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (45).** 4 hook · 8 section 1 (vote first, then vote again on the fair comparison) · 12 exercises 9.1 and 9.2, in
# pairs · 5 the loop · 7 section 3 · 6 section 4 (everybody writes the prediction down) · 3 wrap-up. **When short:** section 5
# is reading. **Ask before running:** can a loss be worse than guessing? What would a second, equally long text do? **Expect:**
# "LLMs are too large to overfit" (they are read little text too rarely); "dropout switches branches off"; "weight decay
# replaces it".
