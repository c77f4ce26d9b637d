# %% [markdown]
# # Deep dive 09 · Fine-tuning: learned, and forgotten
#
# **A network has read the manual. Now it reads code. What is left of the manual?**
#
# Fine-tuning goes on training a network on other text, and what it knew may go. LoRA (Hu et al. 2021) freezes every weight matrix
# and trains two thin ones beside it. It "learns less and forgets less" than full fine-tuning, says the title of a careful study
# (Biderman et al. 2024). Is that a gift of the method? Or does whoever learns less forget less? You write LoRA, then find out.
#
# *{minutes} minutes. You need lesson 09. One question to warm up:*
#
# <details><summary>In lesson 09, which layers of a block have weight matrices?</summary>
# Four: queries, keys and values together; the projection; the expanding and the contracting layer of the second branch.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; run k draws with seed + k
n_runs: int = 5  # [3, 32] networks, each with a manual text and a code text of its own
n_windows: int = 128  # [16, 5000] windows of 32 characters of code to fine-tune on
passes: int = 16  # [4, 1000] passes over them
lrs: list = [0.0001, 0.0003, 0.001, 0.003]  # 3 to 6 rising values in (0, 0.1): learning rates of full fine-tuning
lora_lrs: list = [0.0003, 0.001, 0.003, 0.01]  # 3 to 6 rising values in (0, 0.3): of LoRA
r: int = 4  # [1, 32] rank of LoRA's change of a matrix
alpha: float = 8.0  # (0, 64] its scale: the change is multiplied by alpha / r
p_drop: float = 0.1  # (0, 0.9] dropout rate of section 3
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; the manual, and code from Python's own library
import argparse
import copy
import difflib
import inspect
import shutil
import statistics
from pathlib import Path

import numpy as np
import torch
from matplotlib import pyplot as plt
from torch import nn
from torch.nn import functional

from course_utils.checks.deeper import d09_fine_tuning as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import evaluate
from course_utils.transformer import char_transformer

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("09.fine_tuning")
context, batch_size = 32, 16
seeds = [seed + k for k in range(n_runs)]
loaded = [load("python_docs", n_train=1600, n_val=96, n_test=384, seed=s, device=device) for s in seeds]
characters = loaded[0].classes
manual = [[tuple(codes[:, :context].contiguous() for codes in pair) for pair in splits[:3]] for splits in loaded]


def code_windows(stretch, n, s):
    """n random windows of a stretch of code, and the characters that follow."""
    starts = torch.randint(len(stretch) - context, (n, 1), generator=torch.Generator().manual_seed(s))
    rows = stretch[starts + torch.arange(context + 1)].to(device)
    return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


modules = (difflib, argparse, statistics, shutil, inspect)
lines = "".join(Path(module.__file__).read_text(encoding="utf-8") for module in modules)
index = {character: code for code, character in enumerate(characters)}
codes = torch.tensor([index[character] for character in lines if character in index])  # what the manual has no letter for, goes
ends = [int(share * len(codes)) for share in (0, 0.7, 0.85, 1)]
sizes = (n_windows, 96, 384)  # to train on, validation, test: from separate stretches
python = [[code_windows(codes[a:b], n, s) for a, b, n in zip(ends, ends[1:], sizes)] for s in seeds]


def spell(row):
    return "".join(characters[code] for code in row).replace("\n", "⏎")


# %% tags=["fold"]
# the situation: a frozen matrix, two thin ones beside it, and a line of each text
fig, ax = plt.subplots(figsize=(8.6, 2.6))
for x, width, height, colour, label in (
    (0, 4.0, 2.0, "0.85", "W, frozen\n32 × 128"),
    (6.4, 4.0 * r / 32, 2.0, "C1", f"B\n32 × {r}"),
    (7.6, 4.0, 2.0 * r / 32, "C0", f"A\n{r} × 128"),
):
    ax.add_patch(plt.Rectangle((x, 1 - height / 2), width, height, facecolor=colour, edgecolor="0.3"))
    above = 1 + height / 2 + 0.12
    ax.text(x + width / 2, above, label, ha="center", va="bottom", fontsize=9)
ax.text(5.2, 1, f"+  {alpha:g}/{r} ·", ha="center", va="center", fontsize=14)
ax.text(12.4, 1.6, f"before: “{spell(manual[0][0][0][0])}”", family="monospace", fontsize=8)
ax.text(12.4, 0.6, f"now:    “{spell(python[0][0][0][0])}”", family="monospace", fontsize=8)
ax.set(xlim=(-0.2, 21), ylim=(-0.2, 3.1))
ax.axis("off")
n_all, n_thin = 32 * 128, r * (32 + 128)
show(
    fig,
    alt="A large grey rectangle for the frozen matrix, plus the product of a thin upright and a thin flat one; lines of text.",
    reading=f"One of the layers: the frozen matrix has {n_all:,} numbers, the two thin ones together {n_thin:,}.",
)

# %% [markdown]
# ## 1 · A thin matrix beside a frozen one
#
# A linear layer gives Wx + b. LoRA adds (α/r) B A x, where A (r × inputs) takes x down to r numbers, and B (outputs × r) takes
# them up again. The rank of what is added is at most r.
#
# ### Exercise 1 · LoRA
#
# Write the layer: it gets a trained `linear` (an `nn.Linear`), which must not change any more, and adds A and B. Before training
# it must do exactly what `linear` does: A is random, B is zero. (`nn.Linear(…, bias=False)` makes good A and B, and lets the
# course train many of yours at once.)
#
# <details><summary>Hint 1</summary>`linear.requires_grad_(False)` freezes it. `linear.in_features` and `linear.out_features` are
# its sizes. `nn.init.zeros_(layer.weight)` makes a weight zero.</details>
# <details><summary>Hint 2</summary>`return self.linear(x) + self.scale * self.up(self.down(x))`</details>


# %% tags=["stub"]
class LoRA(nn.Module):
    def __init__(self, linear, r, alpha):
        super().__init__()
        self.linear = linear

    def forward(self, x): ...


checks.check_1(LoRA)


# %% tags=["solution"]
class LoRA(nn.Module):
    def __init__(self, linear, r, alpha):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.down = nn.Linear(linear.in_features, r, bias=False)
        self.up = nn.Linear(r, linear.out_features, bias=False)
        nn.init.zeros_(self.up.weight)
        self.scale = alpha / r

    def forward(self, x):
        return self.linear(x) + self.scale * self.up(self.down(x))


checks.check_1(LoRA)


# %% tags=["fold"]
# ours, and yours if it passed
class OurLoRA(nn.Module):
    def __init__(self, linear, r, alpha):
        super().__init__()
        self.linear, self.scale = linear.requires_grad_(False), alpha / r
        self.down = nn.Linear(linear.in_features, r, bias=False)
        self.up = nn.Linear(r, linear.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x):
        return self.linear(x) + self.scale * self.up(self.down(x))


is_yours = checks.check_1(LoRA).startswith("passed")
Layer = LoRA if is_yours else OurLoRA
print(f"LoRA is {'yours' if is_yours else 'ours'}")

# %% [markdown]
# First the networks that will be tuned: one block, 32 wide, trained on the manual, the last pass at a tenth of the rate, so that
# they have come to rest. Then LoRA goes into all four matrices of the block, and everything else is frozen.


# %%
def network(p_drop=0.0):
    return char_transformer(len(characters), context, 32, n_layers=1, n_heads=2, p_drop=p_drop)


def with_lora(model):
    model.requires_grad_(False)
    for block in model.blocks:
        for name in ("query_key_value", "project", "expand", "contract"):
            setattr(block, name, Layer(getattr(block, name), r, alpha))
    return model


# %% tags=["fold"]
# the networks that have read the manual: four passes, and a slow one
def texts(pairs, k):
    return {"train": pairs[k][0], "val": pairs[k][1], "seed": seeds[k]}


settings = {"batch_size": batch_size, "epochs": 4, "evaluate_every": 4}
runs = [texts(manual, k) | {"lr": 0.01} for k in range(n_runs)]
_, fast = train_runs(network, *manual[0][:2], runs, **settings)
runs = [texts(manual, k) | {"lr": 0.001, "k": k} for k in range(n_runs)]
_, readers = train_runs(lambda k: copy.deepcopy(fast[k]), *manual[0][:2], runs, **settings | {"epochs": 1})
before = {name: np.array([evaluate(model, *pairs[2])["loss"] for model, pairs in zip(readers, side)])
          for name, side in (("manual", manual), ("code", python))}  # fmt: skip
one = with_lora(copy.deepcopy(readers[0])).to(device)
x = python[0][2][0][:64]
with torch.no_grad():
    apart = (one(x) - readers[0](x)).abs().max()
n_lora = sum(p.numel() for p in one.parameters() if p.requires_grad)
print(f"loss on new text: manual {before['manual'].mean():.2f}, code {before['code'].mean():.2f} nats a character")
print(f"full fine-tuning trains {sum(p.numel() for p in readers[0].parameters()):,} numbers, LoRA {n_lora:,}; "
      f"before training LoRA changes an output by at most {apart:g}")  # fmt: skip

# %% [markdown]
# ## 2 · Learned, and forgotten
#
# Now code. Each method has learning rates of its own, AdamW without decay, and every network gets the weights of its best
# pass on validation code. *Learned* is by how much the loss on new code has fallen, *forgotten* by how much the loss on new
# manual text has risen. A third method stands between the two: it trains the same four matrices as LoRA, but all of their
# numbers. **Predict**, each at its best rate: what does LoRA do, beside full fine-tuning?

# %%
prediction = None  # "learns less, forgets less", "learns less, forgets more", ... or "a tie"


# %%
def build(k, method, p_drop):
    model = network(p_drop)
    model.load_state_dict(readers[k].state_dict())
    if method == "matrices":
        model.requires_grad_(False)
        for layer in (m for m in model.blocks.modules() if isinstance(m, nn.Linear)):
            layer.weight.requires_grad_(True)
    return with_lora(model) if method == "LoRA" else model


def tune(method, rates, p_drop=0.0):
    setting = {"method": method, "p_drop": p_drop, "weight_decay": 0.0}
    return [setting | texts(python, k) | {"k": k, "lr": lr} for lr in rates for k in range(n_runs)]


settings |= {"epochs": passes, "evaluate_every": max(1, passes // 16)}
settings |= {"patience": passes}  # never gives up, and restores the best weights
rates = {"full": lrs, "matrices": lrs[1:], "LoRA": lora_lrs}
tuned = {}
for method in rates:
    runs = tune(method, rates[method])
    tuned[method] = train_runs(build, *python[0][:2], runs, **settings)


# %% tags=["fold"]
# of each setting, over the runs: loss on validation code, learned and forgotten (test text); the best rate of each method
def losses(models, side, part):
    return np.array([evaluate(model, *pairs[part])["loss"] for model, pairs in zip(models, side)])


def outcome(trained, i):
    history, models = trained[0], trained[1][i * n_runs : (i + 1) * n_runs]
    learned, forgotten = before["code"] - losses(models, python, 2), losses(models, manual, 2) - before["manual"]
    tables = [history[history["run"] == k].dropna() for k in range(i * n_runs, (i + 1) * n_runs)]
    best_pass = np.array([table["epoch"].iloc[table["val_loss"].argmin()] + 1 for table in tables])
    return {"val": losses(models, python, 1), "learned": learned, "forgotten": forgotten, "pass": best_pass}


results = {(method, lr): outcome(tuned[method], i) for method in rates for i, lr in enumerate(rates[method])}
best = {method: min(rates[method], key=lambda lr: results[method, lr]["val"].mean()) for method in rates}
full, low = results["full", best["full"]], results["LoRA", best["LoRA"]]
slower = lrs[max(0, lrs.index(best["full"]) - 1)]
slow = results["full", slower]

# %% tags=["fold"]
# figure: learned against forgotten, a point for each learning rate
fig, ax = plt.subplots(figsize=(7.4, 4.2))
words = []
names = {"full": "full fine-tuning", "matrices": "the four matrices in full", "LoRA": f"LoRA, r = {r}"}
for (method, name), marker, colour in zip(names.items(), "o^s", ("C0", "C2", "C1")):
    points = [results[method, lr] for lr in rates[method]]
    x, y = (np.array([point[part].mean() for point in points]) for part in ("forgotten", "learned"))
    x_half, y_half = (np.array([mean_and_interval(point[part])[1] for point in points]) for part in ("forgotten", "learned"))
    ax.errorbar(x, y, y_half, x_half, color=colour, marker=marker, elinewidth=0.4, label=f"{name} (95 %, n = {n_runs})")
    for lr, *at in zip(rates[method], x, y):
        where = {"xytext": (-6, 6), "ha": "right"} if method == "LoRA" else {"xytext": (6, -12)}
        label = f"{lr:g}" + (" (best)" if lr == best[method] else "")
        ax.annotate(label, at, **where, textcoords="offset points", fontsize=8, color=colour)
    chosen = results[method, best[method]]
    words.append(f"{name} at its best rate, {best[method]:g}, learned {chosen['learned'].mean():.3f} and forgot "
                 f"{chosen['forgotten'].mean():.3f}")  # fmt: skip
ax.annotate("better", (0.03, 0.62), (0.13, 0.5), xycoords="axes fraction", color="0.4", arrowprops={"arrowstyle": "->"})
ax.margins(x=0.12)
ax.set(xlabel="forgotten: the loss on the manual has risen by (nats)", ylabel="learned: the loss on code has fallen by (nats)")
less, half, _ = mean_and_interval(full["learned"] - low["learned"])
kept, kept_half, _ = mean_and_interval(full["forgotten"] - low["forgotten"])
ax.set_title(f"At their best rates LoRA learns {less:.3f} less and forgets {kept:.3f} less")
ax.legend(fontsize=8)
show(
    fig,
    alt="Learned against forgotten: a curve over learning rates for full fine-tuning, one for four matrices, one for LoRA.",
    reading="Nats a character on test text, numbers at the points are learning rates. "
    + "; ".join(words)
    + f". Full fine-tuning less LoRA, at their best: learned {less:+.3f} ± {half:.3f}, forgot {kept:+.3f} ± {kept_half:.3f} "
    f"(paired, so narrower than the bars). Full fine-tuning at {slower:g} learned {slow['learned'].mean():.3f} and forgot "
    f"{slow['forgotten'].mean():.3f}." + (f" You said: {prediction}." if prediction else ""),
)

# %% tags=["fold"]
# claim 09.fine_tuning.1: each at its best rate
claims.compare(
    "09.fine_tuning.1",
    "Each at its best rate of those tried, full fine-tuning learns more of the code than LoRA in the block's four matrices.",
    full["learned"],
    low["learned"],
    names=("full fine-tuning", "LoRA"),
    unit="nats",
    over="networks with texts of their own",
    source="Biderman et al. 2024, arXiv:2405.09673: in the standard low-rank settings",
)

# %% [markdown]
# So much for the first half of the title. For the other half look at the *curves*. A method that forgets less *for what it has
# learned* has its curve above the other one; and a single blue point up and left of LoRA's best decides that LoRA has not. Take
# full fine-tuning at the rate below its best (a choice made after seeing such curves):

# %% tags=["fold"]
# claims 09.fine_tuning.2 and .3: full fine-tuning at the rate below its best against LoRA at its best
claims.compare(
    "09.fine_tuning.2",
    "Full fine-tuning at the rate below its best learns more of the code than LoRA at its best.",
    slow["learned"],
    low["learned"],
    names=("slow full fine-tuning", "LoRA"),
    unit="nats",
    over="networks with texts of their own",
)
claims.compare(
    "09.fine_tuning.3",
    "Full fine-tuning at the rate below its best forgets no more of the manual than LoRA at its best, to within 0.02 nats.",
    low["forgotten"],
    slow["forgotten"],
    margin=-0.02,
    names=("LoRA", "slow full fine-tuning"),
    unit="nats",
    over="networks with texts of their own",
)

# %% [markdown]
# Where both claims stand, forgetting less is to be had without LoRA, by smaller steps. But why? Two things differ between
# blue and orange: the rank, and *which* layers may change (LoRA leaves embeddings, read-out and norms alone). The third curve
# tells them apart: between it and orange lies the rank, between it and blue lie the layers. All of it is one small network
# and one kind of new text; Biderman et al. tuned large ones. (LoRA's first promise is another one: memory. AdamW keeps two
# averages for each number that is trained.)
#
# ## 3 · And dropout?
#
# PaLM was trained without dropout, and got 0.1 for most fine-tuning (lesson 09). Does that protect the old text? Here is each
# method at its best rate again, now with dropout. **Predict.**

# %%
prediction = None  # with dropout they forget "less", "more" or "as much"

# %%
noisy = {method: train_runs(build, *python[0][:2], tune(method, [best[method]], p_drop), **settings)
         for method in ("full", "LoRA")}  # fmt: skip

# %% tags=["fold"]
# claim 09.fine_tuning.4: dropout and forgetting
for method, plain in (("full", full), ("LoRA", low)):
    results[method, "dropout"] = outcome(noisy[method], 0)
    for part in ("learned", "forgotten"):
        with_dropout = results[method, "dropout"][part]
        change, half, _ = mean_and_interval(with_dropout - plain[part])
        print(f"{method:4} {part:9} {plain[part].mean():.3f} without dropout, {with_dropout.mean():.3f} with it "
              f"({change:+.3f} ± {half:.3f})")  # fmt: skip
    print(f"{method:4} best after {plain['pass'].mean():.1f} and {results[method, 'dropout']['pass'].mean():.1f} passes")
if prediction:
    print(f"You said: {prediction}.")
claims.compare(
    "09.fine_tuning.4",
    "Dropout does not protect the old text: with it full fine-tuning forgets no less than without, to within 0.02 nats.",
    results["full", "dropout"]["forgotten"],
    full["forgotten"],
    margin=-0.02,
    names=("with dropout", "without"),
    unit="nats",
    over="networks with texts of their own",
)

# %% [markdown]
# Dropout has never seen the old text, and where it needs more passes for the new one, there is more time to forget. (Biderman
# et al., too, found dropout and weight decay to mitigate forgetting less than LoRA did.)
#
# ## 4 · Nothing left to carry
#
# Once trained, A and B need not stay: BA has the shape of W.
#
# ### Exercise 2 · Put together
#
# `weight` is (outputs, inputs), `down` is A (r, inputs), `up` is B (outputs, r). Return the one matrix that does the work of all
# three.
#
# <details><summary>Hint</summary>x goes through A first, so A stands on the right: `up @ down`.</details>


# %% tags=["stub"]
def merged(weight, down, up, alpha): ...


checks.check_2(merged)


# %% tags=["solution"]
def merged(weight, down, up, alpha):
    r = down.shape[0]
    return weight + alpha / r * up @ down


checks.check_2(merged)


# %% tags=["fold"]
# a layer of the block with a random A and B, and the matrix put together by your function or ours: the same answers?
def our_merged(weight, down, up, alpha):
    return weight + alpha / len(down) * up @ down


join = merged if checks.check_2(merged).startswith("passed") else our_merged
layer = OurLoRA(copy.deepcopy(readers[0].blocks[0].expand), r, alpha).to(device)
nn.init.normal_(layer.up.weight, std=0.1)
x = torch.randn(64, 32, device=device)
with torch.no_grad():
    one = join(layer.linear.weight, layer.down.weight, layer.up.weight, alpha)
    apart = (functional.linear(x, one, layer.linear.bias) - layer(x)).abs().max()
print(f"three matrices against one: answers of size {layer(x).abs().max():.1f} differ by at most {apart:.0e}")

# %% [markdown]
# ## When it goes wrong
#
# * **B random at the start**: the network is another one before it has learned anything. Print the loss before the first step.
# * **A forgotten `requires_grad_(False)`**: it trains, and well; it is full fine-tuning. Count what is trained.
# * **r raised, α kept**: the change is multiplied by α/r, so a higher rank also takes smaller steps. Tune the rate again.
#
# ## What to take along
#
# * Measure both: what is learned *and* what is forgotten, on text of both kinds that was not trained on.
# * Compare curves over learning rates, not two points. Less forgetting may just be less learning.
# * Do not count on dropout against forgetting: measure.
#
# **On your own model:** keep some of the old text aside, and print its loss at every evaluation. If it rises, try a third of the
# learning rate first, and look at both prices.
#
# **References.** Hu et al. 2021 (LoRA), [arXiv:2106.09685](https://arxiv.org/abs/2106.09685) ·
# Biderman et al. 2024, [arXiv:2405.09673](https://arxiv.org/abs/2405.09673) ·
# Chowdhery et al. 2022 (PaLM), [arXiv:2204.02311](https://arxiv.org/abs/2204.02311). Another voice: with LoRA in all layers and
# its own, larger, learning rate, it kept up with full fine-tuning on small data sets (Schulman et al. 2025,
# [LoRA Without Regret](https://thinkingmachines.ai/blog/lora/)) · back to [lesson 09](../09_transformers.ipynb)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {f"{part}_{method}_{lr}": values[part].mean()
           for (method, lr), values in results.items() for part in ("learned", "forgotten")}  # fmt: skip
record = claims.record(parameters, metrics)
