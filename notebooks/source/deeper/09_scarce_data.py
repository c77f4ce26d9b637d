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
n_runs: int = 6  # [3, 32] texts, each with a network of its own for every setting
text: str = "python_docs"  # {"python_docs", "folder:…"} source of the texts; folder:text.txt is a file of yours beside this
n_windows: int = 64  # [16, 2000] windows of 32 characters in a text
passes: int = 40  # [8, 5000] passes over it
rates: list = [0.0, 0.1, 0.3]  # 3 to 5 rising values in [0, 0.9]: dropout rates, the first one 0
decays: list = [0.1, 1.5, 4.0]  # 2 to 6 rising values in (0, 10]: AdamW's λ, the first one the customary
lr: float = 0.01  # (0, 0.1) learning rate of AdamW
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; n_runs texts, each with validation and test text of its own
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


loaded = [load(text, n_train=n_windows, n_val=96, n_test=192, seed=seed + k, device=device) for k in range(n_runs)]
characters = loaded[0].classes
train, val, test = ([windows(getattr(splits, part)) for splits in loaded] for part in ("train", "val", "test"))
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
    reading=f"Of a line of {context} characters {given} are given. This (invented) answer goes on for 4 characters word for "
    "word; what follows the first mistake does not count.",
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
    return count(go_on(model, lines[:, :given], context - given), lines[:, given:]).float().mean().item()


# %% [markdown]
# Now a small transformer (32 wide, one block) on each of the texts, at the customary decay, without dropout and
# with two rates of it, to the last pass. **Predict.** Of the 16 characters, how many does the network with the most dropout go on
# word for word, in text that it has read in every pass?

# %%
prediction = None  # a number of characters from 0 to 16


# %%
def build(p_drop):
    return char_transformer(len(characters), context, width=32, n_layers=1, n_heads=2, p_drop=p_drop)


def runs_with(p_drop, weight_decay):
    setting = {"p_drop": p_drop, "weight_decay": weight_decay, "lr": lr}
    return [setting | {"seed": seed + k, "train": train[k], "val": val[k]} for k in range(n_runs)]


runs = [run for p in rates for run in runs_with(p, decays[0])]
history, networks = train_runs(build, train[0], val[0], runs, **settings)

# %% tags=["fold"]
# figure: loss on new text pass by pass, and how far each network goes on in read and in new text
where = {"read": [lines for lines, _ in train], "new": [lines for lines, _ in val]}
heart = {(p, part): np.array([by_heart(networks[i * n_runs + k], lines[k]) for k in range(n_runs)])
         for i, p in enumerate(rates) for part, lines in where.items()}  # fmt: skip
fig, (left, ax) = plt.subplots(1, 2, figsize=(9, 3.4))
for i, p in enumerate(rates):
    table = history[history["p_drop"] == p].dropna()
    table = table.assign(passes=table["epoch"] + 1)
    line = plot_interval(left, table, "passes", "val_loss", label=f"p = {p:g}", color=f"C{i}", linestyle=("-", "--", "-.")[i % 3])
    for part, marker in (("read", "o"), ("new", "s")):
        mean, half, _ = mean_and_interval(heart[p, part])
        face = line.get_color() if part == "read" else "white"
        label = f"{part} text" if i == 0 else None
        ax.errorbar(i, mean, half, fmt=marker, color=line.get_color(), markerfacecolor=face, capsize=3, label=label)
turn = history[history["p_drop"] == 0].dropna().groupby("epoch")["val_loss"].mean().idxmin() + 1
left.set(
    xlabel="passes over the text",
    ylabel="loss on new text (nats a character)",
    title=f"New text: best after {turn:.0f} passes without dropout",
)
left.legend(fontsize=8)
first, last = heart[rates[0], "read"].mean(), heart[rates[-1], "read"].mean()
ax.set(xticks=range(len(rates)), xticklabels=[f"p = {p:g}" for p in rates], ylim=(-0.5, context - given + 0.7))
ax.set(ylabel=f"characters word for word, of {context - given}")
ax.set_title(f"In read text: {first:.1f} without dropout, {last:.1f} at p = {rates[-1]:g}")
ax.legend(fontsize=8)
show(
    fig,
    alt="Left: loss on new text against passes, falling, then rising, the less so the more dropout. Right: characters continued "
    "word for word for each dropout rate, in read and in new text.",
    reading="After the last pass they go on word for word, in text they have read and in new text: "
    + "; ".join(f"p = {p:g} {heart[p, 'read'].mean():.1f} and {heart[p, 'new'].mean():.1f} characters" for p in rates)
    + "."
    + (f" You said: {prediction}." if prediction is not None else ""),
)

# %% tags=["fold"]
# claim 09.scarce_data.1: by heart, at the end
claims.compare(
    "09.scarce_data.1",
    "After the last pass, the network with most dropout goes on word for word less than half as far as the one without, in text "
    "that both have read.",
    0.5 * heart[rates[0], "read"],
    heart[rates[-1], "read"],
    names=("half of what the network without reaches", "with dropout"),
    unit="characters",
    over="texts of this source",
)

# %% [markdown]
# So dropout keeps a network from learning by heart? Look at the left picture once more. By the last pass, the network without
# dropout is long past its best. Lesson 08 would have stopped it.
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
usual = decays[0]
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
          f"{heart[p, 'read'].mean():.1f} and {heart[p, 'new'].mean():.1f})")  # fmt: skip
if prediction is not None:
    print(f"You said: {prediction}.")

# %% tags=["fold"]
# claim 09.scarce_data.2: stopped, without dropout
claims.compare(
    "09.scarce_data.2",
    "Most reciting comes after the best pass: stopped there, the network without dropout goes on in read text less than a fifth "
    "as far as after the last pass.",
    0.2 * heart[0, "read"],
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
by_decay = {p: (chosen[p, usual] - chosen[p, tuned[p]]).mean() for p in (0, rates[-1])}
ax.set_title(" · ".join(f"p = {p:g}: best λ {tuned[p]:g} gains {gain:.2f} nats" for p, gain in by_decay.items()))
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
# claims 09.scarce_data.3 and .4: tuned decay on test text, without dropout and with it
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
    "Dropout does not stand in for decay: with most dropout, too, the best λ has a lower loss on new text than the customary λ.",
    ends[rates[-1], usual],
    ends[rates[-1], tuned[rates[-1]]],
    names=("customary λ", "best λ"),
    unit="nats",
    over="texts of this source",
)

# %% [markdown]
# ## 3 · What is a strong decay?
#
# Here "0.1" was next to nothing, and in lesson 09's LLaMA recipe the same 0.1 took nearly the whole weight away. A step takes the
# share ηλ of a weight, so what a step has written is down to 1/e of it after about 1/(ηλ) steps. Where text comes again and
# again, steps are not the clock that matters. Passes are.
#
# ### Exercise 2 · How many passes does a weight remember?
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
# the memory here and in LLaMA's smallest (peak rate 3e-4, about 250,000 steps in one pass), by your function or ours
def our_memory(lr, weight_decay, steps_per_pass):
    return 1 / (lr * weight_decay * steps_per_pass)


remembered = memory if checks.check_2(memory).startswith("passed") else our_memory
for name, rate, decay, steps, total in (
    ("here, customary", lr, usual, max(1, n_windows // batch_size), passes),
    ("here, best alone", lr, tuned[0], max(1, n_windows // batch_size), passes),
    ("LLaMA 7B", 3e-4, 0.1, 250_000, 1),
):
    print(f"{name:17} λ = {decay:<4g} remembers {remembered(rate, decay, steps):7.2f} passes; there are {total}")

# %% [markdown]
# A memory longer than the whole run is no regularizer. One of a few passes is: what only one reading has written fades before
# the next ones have confirmed it.
#
# **What the papers say.** Up to four passes over a text are nearly as good as new text, and beyond that the worth of repeating
# runs out (Muennighoff et al. 2023). Of the usual regularizers only dropout helped much there, and it needs tuning (Xue et al.
# 2023). Then Kim et al. (2025) tuned *decay*, and found the best of it thirty times the customary. Whether
# that is a contradiction depends on the strengths tried: a decay whose memory outlasts the run does nothing, for any paper.
#
# **What would reverse it?** More text: where the loss on new text never turns, there is nothing to save (lesson 09). Another
# learning rate moves the best λ, since ηλ counts. And *not stopping* changes the question: at the last pass of section 1's
# left picture, dropout is worth more than anything here. One small network, one manual: try `text`.
#
# ## What to take along
#
# * "By heart" can be counted: word for word, read text against new text.
# * Most of the reciting comes after the best pass. Stop there first; then ask what else helps.
# * Try decay at a strength that acts: a memory of a few passes, not the customary number.
#
# **On your own model:** compute `1 / (lr * weight_decay * steps_per_pass)`. If it is longer than your run, your decay is switched
# off.
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
metrics |= {f"by_heart_{p:g}": heart[p, "read"].mean() for p in rates}
metrics |= {f"by_heart_stopped_{p:g}": stop_heart[p, "read"].mean() for p in rates}
record = claims.record(parameters, metrics)
