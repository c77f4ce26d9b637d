# %% [markdown]
# # Deep dive 09 · Row by row
#
# **Which row of the recipe does the work?**
#
# Warm-up, cosine, clipping at 1.0, β₂ = 0.95, decay 0.1, RMSNorm: lesson 09 trained with all rows of LLaMA's recipe at once,
# and nobody dares to leave one out. So leave out one at a time, at learning rates from careful to reckless. Then put the newer
# rows to the test: a schedule that may end any day, and a loss that keeps the logits in place. You write both, and train with
# them.
#
# *{minutes} minutes. You need lesson 09. One question to warm up:*
#
# <details><summary>What does AdamW's step become if all gradients, always, are 100 times as long?</summary>
# The same: their mean is divided by their root mean square.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 4  # [3, 16] runs of each row at each learning rate
n_pairs: int = 6  # [3, 32] runs behind each claim
n_steps: int = 128  # [20, 2000] training steps of every run, the text is read once
lrs: list = [0.01, 0.03, 0.1]  # 2 to 5 rising values in (0, 1): peak learning rates
z_strength: float = 0.01  # (0, 1] of the z-loss
smoothing: float = 0.1  # (0, 0.9] label smoothing
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; Python's manual in windows of 16 characters, 8 of them a step; validation text
import math

import numpy as np
import torch
from matplotlib import pyplot as plt
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from course_utils.checks.deeper import d09_recipe_rows as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.parameters import check_parameters
from course_utils.statistics import mean_and_interval
from course_utils.transformer import char_transformer

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("09.recipe_rows")

context, batch_size, n_warm_up, half = 16, 8, max(1, n_steps // 20), n_steps // 2
n_decay = max(1, n_steps // 5)
splits = load("python_docs", n_train=n_steps * batch_size, n_val=256, n_test=256, seed=seed, device=device)
text, val = (tuple(codes[:, :context].contiguous() for codes in part) for part in (splits.train, splits.val))


def cosine(step, n_steps, n_warm_up, peak):
    """The schedule of lesson 09."""
    t = step + 1
    if t <= n_warm_up:
        return peak * t / n_warm_up
    return peak * (0.1 + 0.9 * (1 + math.cos(math.pi * (t - n_warm_up) / (n_steps - n_warm_up))) / 2)


def constant(step, n_steps, n_warm_up, peak):
    return peak * min(1, (step + 1) / n_warm_up)


# %% tags=["fold"]
# the situation: two schedules, and where one may want to stop
fig, ax = plt.subplots(figsize=(7, 2.6))
xs = np.arange(n_steps)
ax.plot(xs, [cosine(t, n_steps, n_warm_up, 1) for t in xs], label="cosine: planned to the last step")
ax.plot(xs, [constant(t, n_steps, n_warm_up, 1) for t in xs], "--", color="C1", label="warm-up, then stable ...")
for end in (half, n_steps):
    ax.plot(
        [end - end // 5, end], [1, 0], "-.", color="C1", label="... and down, whenever you must stop" if end == half else None
    )
ax.axvline(half, color="0.5", linestyle=":")
ax.set(xlabel="step", ylabel="learning rate / peak", ylim=(0, 1.6), title="What if the money is gone at half-time?")
ax.legend(fontsize=8, loc="upper right", ncols=2)
show(
    fig,
    alt="Two schedules against the step: one rises fast and falls along a cosine, one rises, stays, and may go down in a "
    "straight line at half-time or at the end.",
    reading=f"At half-time, step {half}, the cosine still stands at {cosine(half - 1, n_steps, n_warm_up, 1):.0%} of its peak.",
)

# %% [markdown]
# ## 1 · One row at a time
#
# **Warm-up, stable, decay** (WSD; Hu et al. 2024) is the newer schedule of the picture. You will need it:
#
# ### Exercise 1 · A schedule that may end
#
# Steps count from 0. The rate rises in equal parts from `peak / n_warm_up` at step 0 to `peak` at step `n_warm_up - 1`, and
# stays. At step `n_steps - n_decay` it is `peak` for the last time; from there on it falls in equal parts, to `peak / n_decay`
# at the last step, `n_steps - 1`. From step `n_steps` on it is 0.
#
# <details><summary>Hint 1</summary>Three shares of the peak: one rises, one is 1, one falls. Which of them counts at a
# step?</details>
# <details><summary>Hint 2</summary>The smallest. The rising one is (step + 1) / n_warm_up, the falling one
# (n_steps - step) / n_decay.</details>


# %% tags=["stub"]
def wsd(step, n_steps, n_warm_up, n_decay, peak): ...


checks.check_1(wsd)


# %% tags=["solution"]
def wsd(step, n_steps, n_warm_up, n_decay, peak):
    rising, falling = (step + 1) / n_warm_up, (n_steps - step) / n_decay
    return peak * max(0, min(rising, 1, falling))


checks.check_1(wsd)

# %% [markdown]
# Now the race. Each run is one dict; a row left out is one entry changed:

# %%
recipe = {"schedule": "cosine", "warm_up": n_warm_up, "clip": 1.0, "beta2": 0.95, "decay": 0.1}
without = {
    "the recipe": {},
    "no warm-up": {"warm_up": 1},
    "constant rate": {"schedule": "constant"},
    "no clipping": {"clip": math.inf},
    "β₂ = 0.999": {"beta2": 0.999},
    "no decay": {"decay": 0.0},
}


# %% tags=["fold"]
# ours, in case yours is open; all runs side by side, each with its own rows; loss of each on validation text
def our_wsd(step, n_steps, n_warm_up, n_decay, peak):
    return peak * max(0, min((step + 1) / n_warm_up, 1, (n_steps - step) / n_decay))


ending = wsd if checks.check_1(wsd).startswith("passed") else our_wsd
schedules = {
    "cosine": lambda t, warm_up: cosine(t, n_steps, warm_up, 1.0),
    "constant": lambda t, warm_up: constant(t, n_steps, warm_up, 1.0),
    "cosine, half": lambda t, warm_up: cosine(t, half, warm_up, 1.0) if t < half else 0.0,
    "wsd": lambda t, warm_up: ending(t, n_steps, warm_up, n_decay, 1.0),
    "wsd, half": lambda t, warm_up: ending(t, half, warm_up, max(1, half // 5), 1.0),
}


def per_run(runs, name, default=0.0):
    return torch.tensor([float(run.get(name, default)) for run in runs], device=device)


def column(numbers, p):
    """One number a run, (n_runs,), so that it multiplies stacked weights or gradients."""
    return numbers.view(-1, *[1] * (p.dim() - 1))


def losses(logits, y, n):
    """Cross-entropy of each run, (n,)."""
    return functional.cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none").view(n, -1).mean(1)


@torch.no_grad()
def judge(network, n):
    """Loss, accuracy and mean |log Z| of each run on validation text."""
    logits, y = network(val[0].expand(n, -1, -1)), val[1].expand(n, -1, -1)
    right = (logits.argmax(-1) == y).double().flatten(1).mean(1)
    sizes = logits.logsumexp(-1).abs().flatten(1).mean(1)
    return {"loss": losses(logits, y, n), "accuracy": right, "log Z": sizes}


def first_network(run, norm):
    torch.manual_seed(run["seed"])
    return char_transformer(len(splits.classes), context, 32, 2, 2, sites=(), norm=norm).to(device)


def orders(runs):
    """The batches of each run: (n_steps, n_runs, batch_size) rows of the text, an order for each seed."""
    drawn = [torch.randperm(len(text[0]), generator=torch.Generator().manual_seed(run["seed"])) for run in runs]
    return torch.stack([d.view(n_steps, batch_size) for d in drawn], 1).to(device)


# %% [markdown]
# All runs go side by side: weights and gradients have one more axis, the runs, and `column` lays one number a run along it.
# Clipping, for example:


# %%
def clip_(weights, limit):
    long = sum(w.grad.flatten(1).square().sum(1) for w in weights).sqrt()
    for w in weights:
        w.grad.mul_(column((limit / long).clamp(max=1), w))
    return long


# %% tags=["fold"]
# AdamW's step written out for all runs, and the loop around it: plain, smoothed and z-loss objectives
def step(weights, memory, t, lr, beta2, decay):
    for w, (m, v) in zip(weights, memory):
        b = column(beta2, w)
        m.mul_(0.9).add_(0.1 * w.grad)
        v.mul_(b).add_((1 - b) * w.grad**2)
        update = m / (1 - 0.9 ** (t + 1)) / ((v / (1 - b ** (t + 1))).sqrt() + 1e-8)
        if w.dim() > 2:  # a matrix of each run
            w.mul_(1 - column(lr * decay, w))
        w.sub_(column(lr, w) * update)
        w.grad = None


def extra(logits, y, runs, plain):
    """What runs minimize besides the plain loss: smoothing, and the z-loss."""
    soft = per_run(runs, "smoothing")
    uniform = -logits.log_softmax(-1).flatten(1).mean(1)
    total = soft * (uniform - plain)
    for k, (run, part) in enumerate(zip(runs, logits)):
        if run.get("z"):
            total[k] = total[k] + with_z(part, run["z"])
    return total


def train(runs, norm="RMSNorm"):
    """What validation text says of each run at half-time and at the end, and the lengths of all gradients."""
    n, networks = len(runs), [first_network(run, norm) for run in runs]
    stacked = stack_module_state(networks)[0]
    weights = list(stacked.values())

    def network(codes):
        one = vmap(lambda w, c: functional_call(networks[0], w, (c,)))
        with sdpa_kernel(SDPBackend.MATH):  # vmap knows no other
            return one(stacked, codes)

    memory = [(torch.zeros_like(w), torch.zeros_like(w)) for w in weights]
    lr, beta2, decay, clip = (per_run(runs, name) for name in ("lr", "beta2", "decay", "clip"))
    seen, lengths = {}, []
    for t, rows in enumerate(orders(runs)):
        logits, y = network(text[0][rows]), text[1][rows]
        plain = losses(logits, y, n)
        has_extra = any(run.get("z") or run.get("smoothing") for run in runs)
        (plain + extra(logits, y, runs, plain) if has_extra else plain).sum().backward()
        share = [schedules[run["schedule"]](t, run["warm_up"]) for run in runs]
        with torch.no_grad():
            for w in weights if t == half else ():
                w.grad.mul_(column(per_run(runs, "odd", 1.0), w))
            lengths.append(clip_(weights, clip))
            step(weights, memory, t, lr * torch.tensor(share, device=device), beta2, decay)
        if t + 1 in (half, n_steps):
            seen["half" if t + 1 == half else "end"] = judge(network, n)
    return seen, torch.stack(lengths, 1).cpu().numpy()


def entries(changes, lr, n):
    return [recipe | change | {"lr": lr, "seed": seed + k} for change in changes for k in range(n)]


# %% [markdown]
# **Predict.** At the lowest peak rate, which rows can you leave out, one at a time, without a difference that one could tell?

# %%
prediction = None  # such as ["no decay", "no clipping"]

# %%
loss, clipped = {}, {}
for lr in lrs:
    seen, lengths = train(entries(without.values(), lr, n_runs))
    rows = seen["end"]["loss"].view(-1, n_runs).cpu().numpy()
    loss |= {(name, lr): row for name, row in zip(without, rows)}
    clipped[lr] = (lengths[:n_runs] > 1).mean()
    other = train(entries([{}], lr, n_runs), norm="LayerNorm")[0]
    loss["LayerNorm", lr] = other["end"]["loss"].cpu().numpy()

# %% tags=["fold"]
# figure: what leaving out a row costs, at each rate, paired by seed
names = [*list(without)[1:], "LayerNorm"]
fig, axes = plt.subplots(1, len(lrs), figsize=(3.1 * len(lrs), 3.2), sharey=True, sharex=True)
told = {}
for ax, lr in zip(axes, lrs):
    costs = [mean_and_interval(loss[name, lr] - loss["the recipe", lr])[:2] for name in names]
    told[lr] = {name: mean for name, (mean, width) in zip(names, costs) if not abs(mean) <= width}
    for k, (mean, width) in enumerate(costs):
        ax.errorbar(mean, k, xerr=width, marker="o", capsize=3, color="C1" if names[k] in told[lr] else "C0")
    ax.axvline(0, color="0.4", linestyle=":")
    ax.set(title=f"recipe, peak {lr:g}: {loss['the recipe', lr].mean():.2f} nats", yticks=range(len(names)), yticklabels=names)
    ax.set_xlabel("left out: loss higher by (nats)")
axes[0].invert_yaxis()
lowest = min(loss, key=lambda key: loss[key].mean())
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="For each learning rate, the cost of leaving out each row, with intervals around a dotted line at zero.",
    reading=f"95 % intervals, n = {n_runs} pairs. Orange: told from zero. "
    + "; ".join(f"at {lr:g} " + (", ".join(f"{name} {cost:+.3f}" for name, cost in told[lr].items()) or "no row") for lr in lrs)
    + ". Steps that clipping touched: "
    + ", ".join(f"{clipped[lr]:.0%}" for lr in lrs)
    + f". The lowest loss of all: {lowest[0]}, peak {lowest[1]:g}, {loss[lowest].mean():.2f} nats.{yours}",
)

# %% [markdown]
# Which row does the work? Here hardly any does: where zero is inside the interval, or the cost a few thousandths of a nat,
# nobody would miss it. Where a point lies left of zero, the row *costs*: at a careful peak, warm-up and cosine spend less
# learning rate, and runs this short need all they can get. Where the peak is reckless, coming down helps, and yet the whole
# recipe does not save the run. (Of 18 intervals one misses zero by chance.)
#
# And clipping? Adam divides by the gradients' own size. **Predict.** Clip *every* step, at a
# hundredth of LLaMA's 1.0: what does that cost?

# %%
prediction = None  # nats

# %%
kinds = {
    "cosine": {},
    "clip 0.01": {"clip": 0.01},
    "odd gradient, clipped": {"odd": 1000.0},
    "odd gradient": {"odd": 1000.0, "clip": math.inf},
    "smoothed": {"smoothing": smoothing},
}
seen, lengths = train(entries(kinds.values(), lrs[0], n_pairs))


def of(kind, what="loss", when="end"):
    return seen[when][what].view(-1, n_pairs)[list(kinds).index(kind)].cpu().numpy()


# %% tags=["fold"]
# claim 09.recipe_rows.1: a hundredth of the usual threshold
yours = f" You said: {prediction}." if prediction is not None else ""
cost, width, _ = mean_and_interval(of("clip 0.01") - of("cosine"))
touched = (lengths[n_pairs : 2 * n_pairs] > 0.01).mean()
print(f"Clipped at 0.01: {touched:.0%} of the steps. It costs {cost:+.3f} ± {width:.3f} nats.{yours}")
claims.same(
    "09.recipe_rows.1",
    "At the lowest peak, clipping every step at a hundredth of the usual threshold ends at the same loss, within 0.05 nats.",
    of("clip 0.01"),
    of("cosine"),
    margin=0.05,
    names=("clipped at 0.01", "at 1.0"),
    unit="nats",
    over="training runs on this text",
    myth="clip at 1.0: the threshold is part of what makes the recipe work",
    myth_source="recipes copied with their 1.0; right in that there must be one, for odd gradients",
)

# %% [markdown]
# If all are cut to one length, Adam divides by that. So what is clipping for? For the *odd* gradient. In other runs of the list
# above, one single gradient, right after half-time, was 1,000 times as long as it should be, with clipping at 1.0 and without.
# **Predict** how much higher the loss ends without.

# %%
prediction = None  # nats

# %% tags=["fold"]
# claim 09.recipe_rows.2: one odd gradient
cost, width, _ = mean_and_interval(of("odd gradient") - of("odd gradient, clipped"))
yours = f" You said: {prediction}." if prediction is not None else ""
print(f"One odd gradient, not clipped, costs {cost:+.3f} ± {width:.3f} nats.{yours}")
claims.compare(
    "09.recipe_rows.2",
    "After one odd gradient, runs without clipping end with a higher loss than clipped ones, by more than 0.03 nats.",
    of("odd gradient"),
    of("odd gradient, clipped"),
    margin=0.03,
    names=("not clipped", "clipped at 1.0"),
    unit="nats",
    over="training runs on this text",
)

# %% [markdown]
# One step is not the harm: Adam's *memory* is. In $v$ the odd square stays for dozens of steps, and divides all of them.
#
# ## 2 · A schedule that may end any day
#
# Same text, same seeds; at half-time the money is gone. A long cosine is cut as it is. Your WSD has just gone down; before that
# it was, step for step, the run that could go on to the end. And a third run knew it beforehand: a cosine *planned* for half the
# steps. Each gets the better of the two lowest peak rates.
#
# **Predict.** Order the three by their loss at half-time.

# %%
prediction = None  # such as ["planned", "wsd", "cut"], the lowest first

# %%
ways = {"cut": {}, "planned": {"schedule": "cosine, half"}, "wsd": {"schedule": "wsd, half"}}
ways["long wsd"] = {"schedule": "wsd"}

# %% tags=["fold"]
# each way at two peaks, then the better peak of each; losses at half-time and at the end, and the mean rates
at = {}
for lr in lrs[:2]:
    result = train(entries(ways.values(), lr, n_pairs))[0]
    rows = {when: result[when]["loss"].view(-1, n_pairs).cpu().numpy() for when in ("half", "end")}
    at |= {(way, when, lr): row for when in rows for way, row in zip(ways, rows[when])}


def better(way, when):
    return min((at[way, when, lr] for lr in lrs[:2]), key=np.mean)


lines = []
for when, names in (("half", ("cut", "planned", "wsd")), ("end", ("cut", "long wsd"))):
    for way in names:
        nats, schedule = better(way, when), schedules[(recipe | ways[way])["schedule"]]
        behind, width, _ = mean_and_interval(nats - better(names[-1], when))
        spent = np.mean([schedule(t, n_warm_up) for t in range(half if when == "half" else n_steps)])
        label = "cosine" if (way, when) == ("cut", "end") else way
        compared = "" if way == names[-1] else f"; above WSD by {behind:+.3f} ± {width:.3f}"
        lines += [f"{when:4} {label:8} {nats.mean():.3f} nats, mean rate {spent:.2f} of the peak{compared}"]
yours = [f"You said: {prediction}."] if prediction else []
print("\n".join(lines + yours))

# %% [markdown]
# Mind the mean rates: in runs as short as these, who spends more learning rate often ends lower, and going down has little
# noise to shed, so that even the careless cut costs nothing that one could tell. Where it matters, in long runs, Hägele et al.
# (2024) find that constant rates with a cool-down scale "predictably and reliably similar to cosine". One long run then serves
# all: branch off a descent whenever a model is wanted.
#
# ## 3 · Logits that stay in place
#
# Add the same number to all logits of a character: no probability changes, and no loss. So nothing keeps
# $\log Z = \log \sum_j e^{\text{logit}_j}$ in place. PaLM added a penalty of $10^{-4} \log^2 Z$, the **z-loss**.
#
# ### Exercise 2 · z-loss
#
# `logits` has the characters along its last axis. Return `strength` times the mean of $(\log Z)^2$ over everything else, as a
# tensor that can be differentiated.
#
# <details><summary>Hint</summary><code>torch.logsumexp</code> computes log Z without overflow; over which axis?</details>


# %% tags=["stub"]
def z_loss(logits, strength): ...


checks.check_2(z_loss)


# %% tags=["solution"]
def z_loss(logits, strength):
    return strength * logits.logsumexp(-1).square().mean()


checks.check_2(z_loss)


# %% tags=["fold"]
# ours, in case yours is open
def our_z_loss(logits, strength):
    return strength * logits.logsumexp(-1).square().mean()


with_z = z_loss if checks.check_2(z_loss).startswith("passed") else our_z_loss
if not getattr(with_z(torch.zeros(2, 3, requires_grad=True), 1.0), "requires_grad", False):
    print("yours has no gradient (`.item()` or `.detach()`?), so training uses ours")
    with_z = our_z_loss

# %% tags=["fold"]
# trained with the z-loss, and without: log Z and the plain loss
with_penalty, _ = train(entries([{"z": z_strength}], lrs[0], n_pairs))
penalized = {what: values.cpu().numpy() for what, values in with_penalty["end"].items()}
cost, width, _ = mean_and_interval(penalized["loss"] - of("cosine"))
for name, sizes, nats in (("plain", of("cosine", "log Z"), of("cosine")),
                          ("z-loss", penalized["log Z"], penalized["loss"])):  # fmt: skip
    print(f"{name:7} mean |log Z| {sizes.mean():.2f}, loss {nats.mean():.3f} nats")
print(f"with all logits 0, log Z would be {math.log(len(splits.classes)):.2f}; the z-loss costs {cost:+.3f} ± {width:.3f} nats")

# %% [markdown]
# (Our strength is larger than PaLM's, since our runs are short.) In a run this short log Z does not go far. In long training of
# large models, or with few bits, drifting logits do harm: Wortsman et al. (2023) bring it about in small models at high rates,
# and the same remedies help. Rows of this kind, with where they are from:
#
# | row | what it is for | source |
# | --- | --- | --- |
# | z-loss | log Z near 0 | PaLM; OLMo 2 |
# | QK-norm: a norm on queries and keys | attention logits that grow | Wortsman et al. 2023; OLMo 2 |
# | WSD | any length from one run | MiniCPM; Hägele et al. 2024 |
# | Muon *with* weight decay | decay was one of two steps "crucial" to scale it up | Liu et al. 2025 |
#
# ## 4 · A row that went
#
# The first transformer smoothed its labels, which "hurts perplexity, as the model learns to be more unsure, but improves
# accuracy and BLEU score" (Vaswani et al. 2017). LLaMA's paper has no such row. **Predict** what smoothing does here to the
# loss, and to the share of characters that are guessed right.

# %%
prediction = None  # such as {"loss": "higher", "accuracy": "higher"}

# %% tags=["fold"]
# figure: loss and accuracy, plain and smoothed, a line for each pair; claims 09.recipe_rows.3 and .4
fig, axes = plt.subplots(1, 2, figsize=(7, 3))
change = {}
for ax, what, scale in zip(axes, ("loss", "accuracy"), (1, 100)):
    pairs = scale * np.array([of("cosine", what), of("smoothed", what)])
    ax.plot([0, 1], pairs, "-o", color="C0", alpha=0.6)
    mean, width, _ = mean_and_interval(pairs[1] - pairs[0])
    places = 3 if scale == 1 else 1
    change[what] = f"{round(mean, places) + 0.0:+.{places}f} ± {width:.{places}f}"
    ax.set(xticks=[0, 1], xticklabels=["plain", f"smoothing {smoothing:g}"], xlim=(-0.3, 1.3))
axes[0].set(ylabel="loss (nats a character)", title=f"Loss: {change['loss']} nats")
axes[1].set(ylabel="characters guessed right (%)", title=f"Accuracy: {change['accuracy']} points")
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Two panels, a line for each pair of runs from plain to smoothed: the losses, and the shares guessed right.",
    reading=f"Smoothing changes the loss by {change['loss']} nats and the accuracy by {change['accuracy']} points (n = {n_pairs} "
    f"pairs).{yours}",
)
claims.compare(
    "09.recipe_rows.3",
    "Label smoothing makes the loss on new text worse, by more than 0.01 nats.",
    of("smoothed"),
    of("cosine"),
    margin=0.01,
    names=("smoothed", "plain"),
    unit="nats",
    over="training runs on this text",
    source="Vaswani et al. 2017, arXiv:1706.03762, section 5.4",
)
claims.same(
    "09.recipe_rows.4",
    "And as many characters are guessed right, within one point.",
    of("smoothed", "accuracy"),
    of("cosine", "accuracy"),
    margin=0.01,
    names=("smoothed", "plain"),
    unit="points",
    over="training runs on this text",
)

# %% [markdown]
# Who wants honest probabilities, as a language model does, pays; who only takes the largest one does not.
#
# **Limits.** A small network at an early stage, one text. What a row is worth at scale, this cannot show.
#
# ## What to take along
#
# * Leave out one row at a time, paired by seed, at more than one learning rate. Rows may cost, too.
# * Under Adam the threshold of clipping hardly matters, having one does: for the odd gradient.
# * Compare schedules by the learning rate that they spend, or tune the peak of each.
#
# **On your own model:** log the share of steps that clipping touches, and mean |log Z|. Both are one line.
#
# **References.** Vaswani et al. 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762) ·
# Chowdhery et al. 2022 (PaLM), [arXiv:2204.02311](https://arxiv.org/abs/2204.02311) ·
# Touvron et al. 2023 (LLaMA), [arXiv:2302.13971](https://arxiv.org/abs/2302.13971) ·
# Wortsman et al. 2023, [arXiv:2309.14322](https://arxiv.org/abs/2309.14322) ·
# Hu et al. 2024 (MiniCPM), [arXiv:2404.06395](https://arxiv.org/abs/2404.06395) ·
# Hägele et al. 2024, [arXiv:2405.18392](https://arxiv.org/abs/2405.18392) ·
# OLMo 2 2024, [arXiv:2501.00656](https://arxiv.org/abs/2501.00656) ·
# Liu et al. 2025 (Moonlight), [arXiv:2502.16982](https://arxiv.org/abs/2502.16982) ·
# back to [lesson 09](../09_transformers.ipynb)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {f"recipe_{lr:g}": loss["the recipe", lr].mean() for lr in lrs}
record = claims.record(parameters, metrics | {f"half_{way}": better(way, "half").mean() for way in ways})
