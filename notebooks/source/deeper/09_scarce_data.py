# %% [markdown]
# # Deep dive 09 · Little text, read often
#
# **One page, read over and over: what keeps a network from just reciting it?**
#
# A network that reads one page often enough will recite it. Dropout keeps it from learning by heart, one reads, and so does
# weight decay. Learning by heart can be *measured*: give the network the first half of a line that it has read, and count how
# far it goes on word for word. You write that count. Then comes the question on which papers disagree: dropout or decay, and how
# much of it?
#
# *{minutes} minutes. You need lessons 03, 08 and 09. One question to warm up:*
#
# <details><summary>How much of a weight does one step of AdamW take away by decay?</summary>
# The share ηλ: the learning rate times `weight_decay`.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; text and run k draw with seed + k
n_runs: int = 8  # [3, 32] texts, each with a network of its own for every setting
text: str = "python_docs"  # {"python_docs", "folder:…"} source of the texts; folder:text.txt is a file of yours beside this
n_windows: int = 64  # [16, 2000] windows of 32 characters in a text
passes: int = 32  # [8, 5000] passes over it
rates: list = [0.0, 0.1, 0.3]  # 3 to 5 rising values in [0, 0.9]: dropout rates, the first one 0
decays: list = [0.1, 1.5, 4.0]  # 2 to 6 rising values in (0, 10]: AdamW's λ, the first one customary, the second strong
lr: float = 0.01  # (0, 0.1) learning rate of AdamW
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; n_runs texts, each with validation and test text of its own
import math

import numpy as np
import torch
from matplotlib import pyplot as plt

from course_utils.checks.deeper import d09_scarce_data as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import plot_interval, show, use_course_style
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import evaluate
from course_utils.transformer import char_transformer

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("09.scarce_data")
context, batch_size, given = 32, 16, 16
if rates[0] != 0:
    raise ValueError("the first of `rates` is the comparison without dropout: make it 0")


def windows(pair):
    return tuple(codes[:, :context].contiguous() for codes in pair)


loaded = [load(text, n_train=n_windows, n_val=96, n_test=512, seed=seed + k, device=device) for k in range(n_runs)]
characters = loaded[0].classes
train, val, test = ([windows(getattr(splits, part)) for splits in loaded] for part in ("train", "val", "test"))
steps_per_pass = max(1, n_windows // batch_size)
settings = {"epochs": passes, "batch_size": batch_size, "evaluate_every": max(1, passes // 16)}


def spell(codes):
    return "".join(characters[code] for code in codes).replace("\n", "⏎")


# %% tags=["fold"]
# the situation: a line, half of it given, and what a network might make of the other half
line = next(row for row in train[0][0] if row[given] != row[given + 4]).tolist()
said = [*line[given : given + 4], line[given], *line[given + 5 :]]
fig, ax = plt.subplots(figsize=(8.6, 1.3))
for i, code in enumerate([*line[:given], *said]):
    colour = "0.9" if i < given else "#cfe8d8" if i < given + 4 else "#f6c7b6" if i == given + 4 else "white"
    box = {"boxstyle": "square,pad=0.25", "facecolor": colour, "edgecolor": "0.7", "linewidth": 0.5}
    ax.text(i, 0, spell([code]), ha="center", va="center", family="monospace", fontsize=11, bbox=box)
ax.text(given / 2 - 0.5, 0.9, "given", ha="center")
ax.text(given + 1.5, 0.9, "word for word", ha="center", color="C2")
ax.annotate("first mistake", (given + 4, -0.4), (given + 4, -1.2), ha="center", color="C1", arrowprops={"arrowstyle": "-"})
ax.set(xlim=(-1, context), ylim=(-1.5, 1.3))
ax.axis("off")
show(
    fig,
    alt="A line of text in boxes: half of it given, then characters that are right up to a first mistake.",
    reading=f"A line is a window of {context} characters cut from a text, {given} of them given. This (invented) answer goes on "
    "for 4 characters word for word; what follows the first mistake does not count. A text is "
    f"{n_windows} lines, {n_windows * context:,} characters, and a pass over it {steps_per_pass} steps.",
)

# %% [markdown]
# ## 1 · By heart
#
# ### Exercise 1 · How far word for word
#
# `said` and `true` are tensors of character codes, a row a line. Return for each row how many characters are right before the
# first mistake. (The measurements below use yours.)
#
# <details><summary>Hint 1</summary>`(said == true).long()` is 1 where a character is right. What does a product from the left
# do with it?</details>
# <details><summary>Hint 2</summary>`cumprod(1)` is 1 up to the first mistake, and 0 from there on.</details>


# %% tags=["stub"]
def verbatim(said, true): ...


checks.check_1(verbatim)


# %% tags=["solution"]
def verbatim(said, true):
    return (said == true).long().cumprod(1).sum(1)


checks.check_1(verbatim)


# %% tags=["fold"]
# yours if it passed, else ours
def our_verbatim(said, true):
    return (said == true).long().cumprod(1).sum(1)


is_yours = checks.check_1(verbatim).startswith("passed")
count = verbatim if is_yours else our_verbatim
print(f"the count is {'yours' if is_yours else 'ours'}")

# %% [markdown]
# The network goes on by its own best guess, character by character. Some of that is no memory: half a word can be completed
# without having read this page. So count on the validation text, too, which it has never read.


# %%
@torch.no_grad()
def go_on(model, start, n):
    for _ in range(n):
        start = torch.cat([start, model.eval()(start)[:, -1:].argmax(-1)], 1)
    return start[:, -n:]


def by_heart(model, lines):
    said = go_on(model, lines[:, :given], context - given)
    return count(said, lines[:, given:]).float().mean().item()


# %% [markdown]
# Now a small transformer (32 wide, one block) on each of the texts, to the last pass: at the customary decay (0.1, as in LLaMA's
# recipe) without dropout and with two rates of it, and once without dropout at a strong decay. **Predict.** Of the 16 characters,
# how many does the network with the most dropout go on word for word, in text that it has read in every pass?

# %%
prediction = None  # a number of characters from 0 to 16


# %%
def build(p_drop):
    return char_transformer(len(characters), context, 32, n_layers=1, n_heads=2, p_drop=p_drop)


def runs_with(p_drop, weight_decay):
    setting = {"p_drop": p_drop, "weight_decay": weight_decay, "lr": lr}
    return [setting | {"seed": seed + k, "train": train[k], "val": val[k]} for k in range(n_runs)]


usual, strong = decays[:2]
ways = [(p, usual) for p in rates] + [(0, strong)]
runs = [run for way in ways for run in runs_with(*way)]
history, networks = train_runs(build, train[0], val[0], runs, **settings)

# %% tags=["fold"]
# figure: loss on new text pass by pass, and how far each network goes on in read and in new text; then their own words
where = {"read": [lines for lines, _ in train], "new": [lines for lines, _ in val]}
heart = {(way, part): np.array([by_heart(networks[i * n_runs + k], lines[k]) for k in range(n_runs)])
         for i, way in enumerate(ways) for part, lines in where.items()}  # fmt: skip
fig, (left, ax) = plt.subplots(1, 2, figsize=(9.4, 3.5))
at_end = {}
for i, (p, decay) in enumerate(ways):
    table = history[(history["p_drop"] == p) & (history["weight_decay"] == decay)].dropna()
    table = table.assign(passes=table["epoch"] + 1)
    at_end[p, decay] = table[table["passes"] == passes]["val_loss"].mean()
    line = plot_interval(left, table, "passes", "val_loss", label=f"p = {p:g}, λ = {decay:g}", color=f"C{i}",
                         linestyle=("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))[i])  # fmt: skip
    for part, marker in (("read", "o"), ("new", "s")):
        mean, half, _ = mean_and_interval(heart[(p, decay), part])
        face = line.get_color() if part == "read" else "white"
        ax.errorbar(i, mean, half, fmt=marker, color=line.get_color(), markerfacecolor=face, capsize=3)
turn = (
    history[(history["p_drop"] == 0) & (history["weight_decay"] == usual)].dropna().groupby("epoch")["val_loss"].mean().idxmin()
    + 1
)
left.set(xlabel="passes over the text", ylabel="loss on new text (nats a character)")
left.set_title(f"New text: best after {turn:.0f} passes without dropout", fontsize=10)
left.legend(fontsize=7)
first, last, decayed = (heart[way, "read"].mean() for way in (ways[0], ways[-2], ways[-1]))
ax.plot([], [], "o", color="0.4", label="in read text")
ax.plot([], [], "s", color="0.4", markerfacecolor="white", label="in new text")
ax.set_xticks(range(len(ways)), [f"p = {p:g}\nλ = {decay:g}" for p, decay in ways])
ax.set(xlim=(-0.5, len(ways) - 0.5), ylim=(-0.5, context - given + 0.7), ylabel=f"characters word for word, of {context - given}")
ax.set_title(f"By heart: {first:.1f}; with dropout {last:.1f}, strong decay {decayed:.1f}", fontsize=10)
ax.legend(fontsize=8)
show(
    fig,
    alt="Left: loss on new text against passes, falling, then rising, much less so with dropout or strong decay. Right: "
    "characters continued word for word in read and in new text, for the same four ways of training.",
    reading="After the last pass, word for word in read and in new text, and loss on new text: "
    + "; ".join(f"p = {p:g}, λ = {decay:g}: {heart[(p, decay), 'read'].mean():.1f} and {heart[(p, decay), 'new'].mean():.1f} "
                f"characters, {loss:.2f} nats" for (p, decay), loss in at_end.items())
    + "."
    + (f" You said: {prediction}." if prediction is not None else ""),
)  # fmt: skip
for row in train[0][0][1:3]:
    print(f"the text          {spell(row[:given])} | {spell(row[given:])}")
    for i, (p, decay) in enumerate(ways):
        if i in (0, len(ways) - 2, len(ways) - 1):
            written = go_on(networks[i * n_runs], row[None, :given], context - given)[0]
            print(f"p = {p:<4g} λ = {decay:<4g} {spell(row[:given])} | {spell(written)}")

# %% tags=["fold"]
# claim 09.scarce_data.1: by heart, at the end
claims.compare(
    "09.scarce_data.1",
    "After the last pass, the network with most dropout goes on word for word less than half as far as the one without, in text "
    "that both have read.",
    0.5 * heart[ways[0], "read"],
    heart[ways[-2], "read"],
    names=("half of what the network without reaches", "with dropout"),
    unit="characters",
    over="texts of this source",
)

# %% [markdown]
# But is the last pass where one would look? Lesson 08 would have stopped every one of these networks at its best: look at the
# left picture for when that was.
#
# ## 2 · Stopped where it is best
#
# Now every network gets the weights of its best pass back, *best* on validation text. And each dropout rate is tried with
# several strengths of decay λ, the customary 0.1 first. **Predict**, at the customary decay: stopped there, how far does the
# network *without* dropout go on in the text it has read?

# %%
prediction = None  # a number of characters from 0 to 16

# %%
grid = [(p, decay) for p in rates for decay in decays]
runs = [run for setting in grid for run in runs_with(*setting)]
stopped = settings | {"patience": passes}  # never gives up, and restores the best weights
history, networks = train_runs(build, train[0], val[0], runs, **stopped)
at = {setting: slice(i * n_runs, (i + 1) * n_runs) for i, setting in enumerate(grid)}  # its runs

# %% tags=["fold"]
# at the customary decay, stopped: how far each goes on, and the loss on its own text; the loss on validation text of all
chosen, best_pass = {}, {}
for setting in grid:
    tables = [history[history["run"] == k].dropna() for k in range(at[setting].start, at[setting].stop)]
    chosen[setting] = np.array([run["val_loss"].min() for run in tables])
    best_pass[setting] = np.mean([run["epoch"].iloc[run["val_loss"].argmin()] + 1 for run in tables])
stop_heart = {}
for p in rates:
    for part, lines in where.items():
        stop_heart[p, part] = np.array([by_heart(model, x) for model, x in zip(networks[at[p, usual]], lines)])
    print(f"p = {p:<4g} best after {best_pass[p, usual]:4.1f} passes on average: {stop_heart[p, 'read'].mean():4.1f} characters "
          f"word for word in read text, {stop_heart[p, 'new'].mean():.1f} in new (after the last pass "
          f"{heart[(p, usual), 'read'].mean():.1f} and {heart[(p, usual), 'new'].mean():.1f})")  # fmt: skip
if prediction is not None:
    print(f"You said: {prediction}.")

# %% tags=["fold"]
# claim 09.scarce_data.2: stopped, without dropout
claims.compare(
    "09.scarce_data.2",
    "Most reciting comes after the best pass: stopped there, the network without dropout goes on in read text less than a fifth "
    "as far as after the last pass.",
    0.2 * heart[ways[0], "read"],
    stop_heart[0, "read"],
    names=("a fifth of how far after the last pass", "stopped at its best"),
    unit="characters",
    over="texts of this source",
)

# %% [markdown]
# Reciting came *after* the best pass. To someone who stops, it is not what dropout or decay is for; a lower loss on new text
# might be. **Predict**, both stopped: without dropout and at its best λ, or with most dropout at the customary λ: which reads new
# text better?

# %%
prediction = None  # "decay", "dropout" or "a tie"

# %% tags=["fold"]
# figure: loss on validation text against λ; then the chosen ones and the customary ones on test text
fig, ax = plt.subplots(figsize=(7, 3.6))
for i, p in enumerate(rates):
    mean, half = np.transpose([mean_and_interval(chosen[p, decay] - chosen[0, usual])[:2] for decay in decays])
    shift = 1.02 ** (i - 1)
    ax.errorbar(shift * np.array(decays), mean, half, color=f"C{i}", linestyle=("-", "--", "-.")[i % 3], marker="o", capsize=3,
                label=f"p = {p:g} (95 %, n = {n_runs})")  # fmt: skip
tuned = {p: min(decays, key=lambda decay: chosen[p, decay].mean()) for p in rates}
ends = {setting: np.array([evaluate(model, *part)["loss"] for model, part in zip(networks[at[setting]], test)])
        for p in (0, rates[-1]) for setting in {(p, usual), (p, tuned[p])}}  # fmt: skip
gains = {setting: mean_and_interval(ends[0, usual] - loss) for setting, loss in ends.items() if setting != (0, usual)}
gap, half, _ = mean_and_interval(ends[rates[-1], usual] - ends[0, tuned[0]])
verdict = "a tie" if not abs(gap) > half else "decay" if gap > 0 else "dropout"
ax.axhline(0, color="0.5", linestyle=":")
ax.set(xscale="log", xlabel="weight decay λ", ylabel="loss on new text, less that\nwithout dropout at customary λ")
ax.set_title(f"Best of the λ tried: {tuned[0]:g} without dropout, {tuned[rates[-1]]:g} at p = {rates[-1]:g}")
ax.set_xticks(decays, [f"{decay:g}" for decay in decays])
ax.minorticks_off()
ax.legend(fontsize=8)
show(
    fig,
    alt="Loss on validation text against weight decay, a curve for each dropout rate, all stopped at their best.",
    reading="Nats a character on validation text, paired by text. On test text, against no dropout at the customary λ: "
    + "; ".join(f"p = {p:g} at λ = {decay:g} gains {mean:+.3f} ± {h:.3f}" for (p, decay), (mean, h, _) in sorted(gains.items()))
    + f". Decay alone against dropout alone: {gap:+.3f} ± {half:.3f}, {verdict}."
    + (f" You said: {prediction}." if prediction else ""),
)

# %% tags=["fold"]
# claims 09.scarce_data.3 and .4: tuned decay, and dropout with it, on test text
claims.compare(
    "09.scarce_data.3",
    "Without dropout, the best λ of those tried gives a lower loss on new text than the customary one, both stopped at their "
    "best.",
    ends[0, usual],
    ends[0, tuned[0]],
    names=("customary λ", "best λ"),
    unit="nats",
    over="texts of this source",
    source="Kim et al. 2025, arXiv:2509.14786, of language models on a fixed amount of text",
)
claims.compare(
    "09.scarce_data.4",
    "Most dropout at its best λ gives a lower loss on new text than neither, by more than 0.03 nats, both stopped at their best.",
    ends[0, usual],
    ends[rates[-1], tuned[rates[-1]]],
    margin=0.03,
    names=("no dropout, customary λ", "most dropout, best λ"),
    unit="nats",
    over="texts of this source",
)

# %% [markdown]
# ## 3 · What is a strong decay?
#
# The customary 0.1 was the weakest of these. In lesson 09's LLaMA recipe the same 0.1 took away nearly all of what the first
# steps had written. A step takes the share ηλ of a weight, so what a step has written is down to 1/e of it after about 1/(ηλ)
# steps: the decay's *memory*. Where text comes again and again, steps are not the clock that matters. Passes are.
#
# ### Exercise 2 · How many passes does a weight remember?
#
# From the learning rate η, λ and the number of steps in a pass over the text, return the memory in passes.
#
# <details><summary>Hint</summary>1/(ηλ) is in steps. How many of them make a pass?</details>


# %% tags=["stub"]
def memory(lr, weight_decay, steps_per_pass): ...


checks.check_2(memory)


# %% tags=["solution"]
def memory(lr, weight_decay, steps_per_pass):
    return 1 / (lr * weight_decay) / steps_per_pass


checks.check_2(memory)


# %% tags=["fold"]
# memory, best pass and gain of each λ without dropout, and LLaMA's smallest (peak rate 3e-4, 250,000 steps), by yours or ours
def our_memory(lr, weight_decay, steps_per_pass):
    return 1 / (lr * weight_decay * steps_per_pass)


remembered = memory if checks.check_2(memory).startswith("passed") else our_memory
for decay in decays:
    passes_kept = remembered(lr, decay, steps_per_pass)
    gain, half, _ = mean_and_interval(chosen[0, usual] - chosen[0, decay])
    gone = 1 - math.exp(-best_pass[0, decay] / passes_kept)
    print(f"λ = {decay:<4g} remembers {passes_kept:6.1f} passes; best after {best_pass[0, decay]:4.1f}, when decay has taken "
          f"{gone:4.0%} of what the first step wrote; gains {gain:+.3f} ± {half:.3f} nats")  # fmt: skip
print(f"LLaMA 7B: λ = 0.1 remembers {remembered(3e-4, 0.1, 250_000):.2f} of its one pass, at the peak of its learning rate")

# %% [markdown]
# Read the rows from top to bottom, from a long memory to a short one. Where is the gain? The customary number says little by
# itself: it is a memory of hundreds of passes in one run, and of a fraction of a pass in another.
#
# **What the papers say.** Up to four passes over a text are nearly as good as new text, and beyond that the worth of repeating
# runs out (Muennighoff et al. 2023). Of the usual regularizers only dropout helped much there, and it needs tuning (Xue et al.
# 2023). Then Kim et al. (2025) tuned *decay*, and found the best of it thirty times the customary. Whether
# that is a contradiction depends on the strengths tried.
#
# **What would reverse it?** More text: where the loss on new text never turns, there is little to save (lesson 09). Another
# learning rate has another best λ. And *not stopping* changes the question: compare the last pass in section 1's left picture
# with the gains of section 2. One small network, one manual: try `text`.
#
# ## What to take along
#
# * "By heart" can be counted: word for word, read text against new text.
# * Most of the reciting comes after the best pass. Stop there first; then ask what else helps.
# * Try decay at several strengths, counted in passes of memory; the customary number may be far from all that matter.
#
# **On your own model:** compute the decay's memory in passes, and set it beside the pass at which you stop. If it is many times
# longer, try ten times the decay, and look at the loss on new text.
#
# **References.** Carlini et al. 2023, who count what large models recite, [arXiv:2202.07646](https://arxiv.org/abs/2202.07646) ·
# Muennighoff et al. 2023, [arXiv:2305.16264](https://arxiv.org/abs/2305.16264) ·
# Xue et al. 2023, [arXiv:2305.13230](https://arxiv.org/abs/2305.13230) ·
# Kim et al. 2025, [arXiv:2509.14786](https://arxiv.org/abs/2509.14786) · Touvron et al. 2023 (LLaMA),
# [arXiv:2302.13971](https://arxiv.org/abs/2302.13971) · back to [lesson 09](../09_transformers.ipynb)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {f"test_{p:g}_{decay:g}": loss.mean() for (p, decay), loss in ends.items()}
metrics |= {f"by_heart_{p:g}_{decay:g}": heart[(p, decay), "read"].mean() for p, decay in ways}
metrics |= {f"by_heart_stopped_{p:g}": stop_heart[p, "read"].mean() for p in rates}
record = claims.record(parameters, metrics)
