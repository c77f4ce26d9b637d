# %% [markdown]
# # Deep dive 03 · A unit for recipes
#
# **In which unit can recipes of AdamW be compared?**
#
# A colleague has tuned AdamW's weight decay with care. You train the same network on the same data, but with another learning
# rate. Which λ do you take: hers, because λ is the strength? Or the one that keeps the product ηλ, because that is what AdamW
# multiplies by? Two lines lead away from her star, and both have good advocates.
#
# Each of them is right, about one kind of network. You will see which.
#
# *{minutes} minutes. You need lesson 03. One question to warm up:*
#
# <details><summary>What does one step of AdamW leave of a weight without gradient, and what does a whole run leave?</summary>
# 1 - ηλ of it, and about exp(-Σηλ).</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 4  # [3, 64] training runs of each setting in the maps
n_pairs: int = 16  # [3, 64] pairs of runs in each test of a translation
lrs: list = [0.004, 0.008, 0.016, 0.032]  # 2 to 7 rising values in [1e-4, 0.04]: learning rates, each twice the last
decays: list = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0]  # 3 to 9 rising values in [0.01, 40]: AdamW's λ, each twice the last
penalties: list = [
    0.004,
    0.008,
    0.016,
    0.032,
    0.064,
    0.128,
    0.256,
]  # 3 to 9 rising values in [1e-5, 10]: the same for Adam with L2
label_noise: float = 0.2  # [0, 0.5] share of wrong labels in the training digits
n_train: int = 300  # [60, 450] training digits
batch_size: int = 50  # [10, 60] digits in a batch
epochs: int = 40  # [2, 500] passes over them
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; digits, one training label in five wrong
import copy
import math

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn
from torch.optim import Adam, AdamW

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

# %% tags=["fold"]
# the situation: one tuned point in the plane of learning rate and λ, and two ways on
fig, ax = plt.subplots(figsize=(5.6, 3.2))
star = decays[len(decays) // 2]
ax.plot(lrs, [star] * len(lrs), "-", color="C0", label="keep λ")
ax.plot(lrs, [star * base / lr for lr in lrs], "--", color="C1", label="keep ηλ")
ax.plot(base, star, "*", color="k", markersize=16, linestyle="", label="tuned")
ax.set(xscale="log", yscale="log", xlabel="learning rate η", ylabel="weight decay λ", title="Where does a good recipe go?")
ax.minorticks_off()
ax.set(xticks=lrs, xticklabels=lrs, yticks=decays, yticklabels=[f"{decay:g}" for decay in decays], ylim=(decays[0], decays[-1]))
ax.legend()
show(
    fig,
    alt="A plane of learning rate and weight decay; from a star at the left a horizontal and a falling line lead to the right.",
    reading=f"At another learning rate, the same λ, or the same product? From η = {base:g} to {top:g} the two answers differ "
    f"by a factor of {top / base:g}.",
)

# %% [markdown]
# ## 1 · What AdamW remembers
#
# Write $\tau = 1/(\eta\lambda)$, and lesson 03's step reads
#
# $$w \leftarrow (1-\eta\lambda)\,w - \eta\,d = \Big(1-\frac1\tau\Big)\,w + \frac1\tau\Big(-\frac d\lambda\Big).$$
#
# That is a running average of the updates $-d/\lambda$, with a **memory of τ steps** (Wang and Aitchison 2025). What is older
# fades by $1/e$ every τ steps. So one should be able to throw old updates away. All that training did before the last k steps
# is in today's weights as the weights of then, shrunk k times:


# %%
def only_the_last(k, now, then, lr, weight_decay):
    return now - (1 - lr * weight_decay) ** k * then


# %% [markdown]
# **Predict.** Take the largest η above and a λ that makes τ short beside the run. How much of the training can be thrown away,
# first weights included, before the network reads digits worse?

# %%
prediction = None  # "a tenth", "a third" or "more than a half"


# %%
def build(normalized=False):
    norm = nn.LayerNorm if normalized else nn.Identity
    linear = [nn.Linear(64, 32, bias=not normalized), nn.Linear(32, 10, bias=not normalized)]
    no_gain = {"elementwise_affine": False}
    parts = [linear[0], norm(32, **no_gain), nn.ReLU(), linear[1], norm(10, **no_gain)]
    return nn.Sequential(nn.Flatten(), *parts)


# %% tags=["fold"]
# train with a short and a long memory, keep the weights of every epoch, rebuild from the last epochs only
def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def remember(weight_decay, run):
    torch.manual_seed(seed + run)
    network = build().to(device)
    path = [weights(network)]
    optimizer = AdamW(network.parameters(), lr=top, weight_decay=weight_decay)
    how = {"epochs": epochs, "batch_size": batch_size, "seed": seed + run, "evaluate_every": epochs, "progress": False}
    fit(network, train, val, optimizer, callbacks=[lambda model, row: path.append(weights(model))], **how)
    return network, path


@torch.no_grad()
def reads(network, x, y):
    return accuracy(network.eval()(x), y)


def reads_by_last(weight_decay, run):
    network, path = remember(weight_decay, run)
    rebuilt, scores = copy.deepcopy(network), []
    for kept in range(epochs + 1):
        w = only_the_last(kept * steps_per_epoch, path[-1], path[-1 - kept], top, weight_decay)
        nn.utils.vector_to_parameters(w, rebuilt.parameters())
        scores.append(reads(rebuilt, *val))
    return [*scores, reads(network, *val)]


memories = {
    weight_decay: 1 / (top * weight_decay * steps_per_epoch) for weight_decay in (decays[len(decays) // 3], 0.01)
}  # τ in epochs
by_last = {d: np.array([reads_by_last(d, run) for run in range(n_runs)]) for d in memories}  # (runs, epochs kept + whole)
enough = min(epochs, math.ceil(4 * memories[decays[len(decays) // 3]]))

# %% tags=["fold"]
# figure: accuracy of the network that only the last epochs made
fig, ax = plt.subplots()
for (decay, tau), line in zip(memories.items(), ("-", "--")):
    mean, half = np.transpose([mean_and_interval(column)[:2] for column in by_last[decay][:, :-1].T])
    ax.plot(range(epochs + 1), mean, line, label=f"λ = {decay:g}, τ = {tau:.3g} epochs (n = {n_runs})")
    ax.fill_between(range(epochs + 1), mean - half, mean + half, alpha=0.2)
ax.axvline(enough, color="0.4", linestyle=":", label="four times the shorter τ")
short, long = (by_last[decay] for decay in memories)
ax.set(
    xlabel="last epochs whose updates are kept",
    ylabel="validation digits read",
    title=f"Of the last {enough} epochs alone: {short[:, enough].mean():.0%} (short memory), {long[:, enough].mean():.0%} (long)",
)
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend(loc=(0.34, 0.5))
yours = f" You said: {prediction}." if prediction is not None else ""
show(
    fig,
    alt="Accuracy against the number of last epochs kept: one curve rises within a few epochs, the other one slowly.",
    reading=f"With λ = {decays[len(decays) // 3]:g} and only the last {enough} of {epochs} epochs, "
    f"{short[:, enough].mean():.1%} are read, with all of them {short[:, -1].mean():.1%}. "
    f"With PyTorch's λ = 0.01 the same cut leaves {long[:, enough].mean():.1%} of "
    f"{long[:, -1].mean():.1%}.{yours}",
)

# %% tags=["fold"]
# claim 03.timescale.1: the last four τ are the network
claims.same(
    "03.timescale.1",
    "Rebuilt from the updates of its last four τ alone, a network reads digits as well as the whole one, to within a point.",
    short[:, enough],
    short[:, -1],
    margin=0.01,
    names=("last four τ", "all updates"),
    unit="points",
    over="training runs on these digits",
    source="Wang & Aitchison 2025, arXiv:2405.13698, for the average",
)

# %% [markdown]
# An average over less than an epoch has not seen all digits; one over more than the run has forgotten nothing. So τ is best
# counted in **epochs**, and then it makes a unit for recipes. (Lesson 03's dose Σηλ is how many τ fit into the run.)
#
# ### Exercise 1 · Translate a recipe
#
# Same data, same number of epochs, another learning rate and batch size: return the λ that keeps τ **in epochs**. Your function
# will be put to the test below.
#
# <details><summary>Hint 1</summary>How many steps has an epoch of n examples? So what is τ, counted in epochs?</details>
# <details><summary>Hint 2</summary>τ in epochs is B/(n η λ). Set the old equal to the new.</details>


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
# ## 2 · The map
#
# Now tune λ anew at every learning rate, for both optimizers. **Predict.** When η doubles, what does the best λ of AdamW do?

# %%
prediction = None  # "halves", "stays" or "doubles"


# %%
def draw_map(optimizer, numbers, normalized):
    pairs = [(lr, decay) for lr in lrs for decay in [0.0, *numbers]]
    return train_pairs(pairs, n_runs, optimizer=optimizer, normalized=normalized)


# %% tags=["fold"]
# how pairs are trained; the maps of both optimizers
def train_pairs(pairs, n, batch_size=batch_size, **setting):
    runs = [setting | {"lr": lr, "weight_decay": d, "seed": seed + k} for lr, d in pairs for k in range(n)]
    _, networks = train_runs(build, train, val, runs, epochs=epochs, batch_size=batch_size, evaluate_every=epochs)
    return {pair: networks[i * n : (i + 1) * n] for i, pair in enumerate(pairs)}


def score(maps, part):
    return {pair: np.array([reads(network, *part) for network in networks]) for pair, networks in maps.items()}


def report(tuned, new, same_decay, same_memory):
    print(f"λ = {tuned:g} as before: {same_decay.mean():.1%} of the test digits; "
          f"λ = {new:.3g}, by {whose} translation: {same_memory.mean():.1%}")  # fmt: skip


plain = draw_map(AdamW, decays, normalized=False)
with_l2 = draw_map(Adam, penalties, normalized=False)
on_val = {"AdamW": score(plain, val), "Adam with L2": score(with_l2, val)}
grids = {"AdamW": decays, "Adam with L2": penalties}


# %% tags=["fold"]
# heat maps: the best λ of each learning rate (star), those it cannot be told from (dots), the line of constant ηλ
def best_and_ties(scores, numbers, lr):
    best = max([0.0, *numbers], key=lambda decay: scores[lr, decay].mean())
    gaps = {d: mean_and_interval(scores[lr, best] - scores[lr, d])[:2] for d in [0.0, *numbers] if d != best}
    return best, [d for d, (gap, half) in gaps.items() if gap <= half]


def heat_map(ax, scores, numbers, title):
    columns = [0.0, *numbers]
    table = np.array([[scores[lr, d].mean() for d in columns] for lr in lrs])
    picture = ax.imshow(100 * table, cmap="cividis", origin="lower", aspect="auto", vmin=70, vmax=92)
    found = {lr: best_and_ties(scores, numbers, lr) for lr in lrs}
    for row, (best, ties) in enumerate(found.values()):
        ax.plot(columns.index(best), row, "*", color="w", markeredgecolor="k", markersize=14, linestyle="")
        ax.plot([columns.index(d) for d in ties], [row] * len(ties), "o", color="w", markersize=4, linestyle="")
    start = found[base][0] or numbers[0]
    line = [1 + np.interp(np.log(start * base / lr), np.log(numbers), range(len(numbers)), np.nan, np.nan) for lr in lrs]
    ax.plot(line, range(len(lrs)), "--", color="C1", linewidth=2)
    ax.set(xticks=range(len(columns)), xticklabels=[f"{d:g}" for d in columns], yticks=range(len(lrs)), yticklabels=lrs)
    ax.set_xticks(ax.get_xticks(), ax.get_xticklabels(), fontsize=7)
    ax.set(xlabel="weight_decay λ", title=title)
    ax.grid(False)
    return picture, found


def best_rules(scores, numbers):
    """Mean accuracy over all learning rates: of the best single λ, and of the best single product ηλ (read between columns)."""
    rows = {lr: [scores[lr, d].mean() for d in numbers] for lr in lrs}
    one_decay = np.mean(list(rows.values()), axis=0).max()
    products = np.geomspace(lrs[-1] * numbers[0], lrs[0] * numbers[-1], 40)
    along = [np.interp(np.log(products / lr), np.log(numbers), row) for lr, row in rows.items()]
    fits = products[0] < products[-1]  # else no line crosses the whole map
    return one_decay, np.mean(along, axis=0).max() if fits else float("nan")


fig, axes = plt.subplots(1, 2, figsize=(9, 3.2))
found, rules = {}, {}
for ax, name in zip(axes, on_val):
    picture, found[name] = heat_map(ax, on_val[name], grids[name], name)
    rules[name] = best_rules(on_val[name], grids[name])
    ax.set_title(f"{name}: one λ {rules[name][0]:.1%}, one ηλ {rules[name][1]:.1%}", fontsize=9)
axes[0].set_ylabel("learning rate η")
fig.colorbar(picture, ax=axes, label="validation digits read (%)")
bests = {name: ", ".join(f"{best:g}" for best, _ in rows.values()) for name, rows in found.items()}
peak = {name: max(scores, key=lambda pair: scores[pair].mean()) for name, scores in on_val.items()}
tuned = {"AdamW": plain, "Adam with L2": with_l2}
tuned = {name: np.array([reads(m, *test) for m in tuned[name][peak[name]]]) for name in peak}
gap, half, _ = mean_and_interval(100 * (tuned["AdamW"] - tuned["Adam with L2"]))
verdict = "a tie" if abs(gap) <= half else "AdamW is ahead" if gap > 0 else "Adam with L2 is ahead"
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Two heat maps of accuracy over weight decay and learning rate, with a star in each row, dots around it and a dashed "
    "diagonal of constant product.",
    reading=f"Stars: the best λ from the smallest to the largest η, {bests['AdamW']} (AdamW) and {bests['Adam with L2']} (Adam "
    f"with L2). Dots cannot be told from the star; along the dashed line ηλ is constant. A single λ for all η reads "
    f"{rules['AdamW'][0]:.1%} at best, averaged over η, a single ηλ {rules['AdamW'][1]:.1%}; for Adam with L2 "
    f"{rules['Adam with L2'][0]:.1%} and {rules['Adam with L2'][1]:.1%}. Each at its best pair reads "
    f"{tuned['AdamW'].mean():.1%} and {tuned['Adam with L2'].mean():.1%} of the test digits: {gap:+.1f} ± {half:.1f} points, "
    f"{verdict}.{yours}",
)

# %% [markdown]
# Do the stars follow the dashed line of constant memory, or stand upright? Now to the test, on digits that chose nothing. λ is
# tuned at the colleague's η (`base`); at the largest one, take the same λ, or the translated one:


# %%
def carry_over(scores, normalized):
    tuned = max(decays, key=lambda decay: scores[base, decay].mean())
    new = to_new(tuned, base, batch_size, top, batch_size)
    networks = train_pairs([(top, tuned), (top, new)], n_pairs, normalized=normalized)
    return tuned, new, *score(networks, test).values()


tuned, new, same_decay, same_memory = carry_over(on_val["AdamW"], normalized=False)
report(tuned, new, same_decay, same_memory)

# %% tags=["fold"]
# claim 03.timescale.2: what to keep in a plain network
claims.compare(
    "03.timescale.2",
    "At a larger learning rate, a plain network reads better with the λ that was tuned than with the τ that was tuned.",
    same_decay,
    same_memory,
    names=("same λ", "same τ"),
    unit="points",
    over="training runs on these digits",
    source="Loshchilov & Hutter 2019, arXiv:1711.05101, for the separate choice of λ and η",
)

# %% [markdown]
# Lesson 03 has a reason why it could be λ. Under noise, AdamW rests at the minimum of loss + (λ/2) Σσw², and **η is not in it**.
# τ says how fast the weights get there and how much they forget on the way; λ, how long they are at the end, if the run lasts
# several τ. Then what is τ good for?
#
# ## 3 · A network that cannot see λ
#
# Modern networks *normalize*: after a linear layer, `nn.LayerNorm` subtracts from every example's outputs their mean and
# divides by their size. Double the layer's weights, and the result stays the same. What can a penalty on their length still do?
#
# Only the **direction** of w matters. Steps of size η are nearly at a right angle to it, and lengthen it; decay shortens it. With
# $\lVert d\rVert^2\approx c$ the two balance when
#
# $$2\eta\lambda\,\lVert w\rVert^2 = \eta^2 c, \qquad\text{and a step then turns } w \text{ by }
# \frac{\eta\sqrt c}{\lVert w\rVert} = \sqrt{2\eta\lambda} = \sqrt{2/\tau}.$$
#
# η and λ have vanished into τ. (Kosson and others 2024 call it rotational equilibrium.) **Predict.** What do the stars do in this
# network?

# %%
prediction = None  # "stand upright" or "follow the line"

# %%
normalized = draw_map(AdamW, decays, normalized=True)

# %% tags=["fold"]
# figure: the map of the normalized network beside the plain one, and the length of its weights
on_val["normalized"] = score(normalized, val)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.2))
for ax, (name, title) in zip(axes, {"AdamW": "plain", "normalized": "normalized"}.items()):
    picture, found[name] = heat_map(ax, on_val[name], decays, title)
    rules[name] = best_rules(on_val[name], decays)
    ax.set_title(f"{title}: one λ {rules[name][0]:.1%}, one ηλ {rules[name][1]:.1%}", fontsize=9)
axes[0].set_ylabel("learning rate η")
fig.colorbar(picture, ax=axes, label="validation digits read (%)")
bests = ", ".join(f"{best:g}" for best, _ in found["normalized"].values())
products = [lr * best for lr, (best, _) in found["normalized"].items()]
outcome = "follow the line" if rules["normalized"][1] > rules["normalized"][0] else "stand upright"
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Two heat maps of AdamW, of a plain network and of a normalized one, with stars, dots and the dashed line.",
    reading=f"In the normalized network the best λ is {bests}, from the smallest to the largest η; the product ηλ is between "
    f"{min(products):.2g} and {max(products):.2g}. A single λ for all η reads {rules['normalized'][0]:.1%}, a single ηλ "
    f"{rules['normalized'][1]:.1%}: on the whole the good settings {outcome}.{yours}",
)

# %%
tuned, new, same_decay, same_memory = carry_over(on_val["normalized"], normalized=True)
report(tuned, new, same_decay, same_memory)

# %% tags=["fold"]
# claim 03.timescale.3: what to keep in a normalized network
claims.compare(
    "03.timescale.3",
    "At a larger learning rate, a normalized network reads better with the τ that was tuned than with the λ that was tuned.",
    same_memory,
    same_decay,
    names=("same τ", "same λ"),
    unit="points",
    over="training runs on these digits",
    source="Wang & Aitchison 2025, arXiv:2405.13698; Kosson et al. 2024, arXiv:2305.17212",
)

# %% [markdown]
# ## 4 · Another batch size
#
# τ in epochs promises more: it also knows what another batch needs. Your laptop holds a quarter of the batch; η and the number of
# epochs stay:

# %%
quarter = batch_size // 4
new = to_new(tuned, base, batch_size, base, quarter)
networks = train_pairs([(base, tuned), (base, new)], n_pairs, batch_size=quarter, normalized=True)
old_decay, translated = score(networks, test).values()
report(tuned, new, old_decay, translated)

# %% tags=["fold"]
# claim 03.timescale.4: the batch size
claims.compare(
    "03.timescale.4",
    "With a smaller batch, a normalized network reads better with the translated λ than with the old one.",
    translated,
    old_decay,
    names=("translated λ", "old λ"),
    unit="points",
    over="training runs on these digits",
    source="Wang & Aitchison 2025, arXiv:2405.13698; Bergsma et al. 2025, arXiv:2505.13738",
)

# %% [markdown]
# In language models Bergsma and others (2025), too, find the best λ proportional to the batch size. They also find that the best
# τ is *not* one number for all: it follows a power law in the tokens per parameter. And real networks mix both kinds: matrices
# before a norm, and an output layer, scales and shifts that no norm follows. Chou (2025) argues that ηλ should go like η². One
# tuned number saves a search only among runs that resemble each other.
#
# ## What to take along
#
# * AdamW's weights are the average of its last few τ = 1/(ηλ) steps. The rest of the training is forgotten.
# * Before a norm only τ counts: keep ηλ, and let it grow with the batch. Without a norm λ sets where weights rest: keep λ.
# * "Is the best λ independent of η?" has no answer before one has seen the network.
#
# **On your own model:** `B / (n * lr * weight_decay)`, the memory in epochs, beside the number of epochs. Below one, or far above
# the run, ask why.
#
# **References.** Wang, Aitchison 2025, [arXiv:2405.13698](https://arxiv.org/abs/2405.13698) ·
# Loshchilov, Hutter 2019, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101) ·
# Kosson, Messmer, Jaggi 2024, [arXiv:2305.17212](https://arxiv.org/abs/2305.17212) ·
# Bergsma et al. 2025, [arXiv:2505.13738](https://arxiv.org/abs/2505.13738) ·
# Chou 2025, [arXiv:2512.08217](https://arxiv.org/abs/2512.08217) · back to [lesson 03](../03_adamw.ipynb)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {f"line_{name}".replace(" ", "_"): along - upright for name, (upright, along) in rules.items()}
metrics |= {"tuned_gap": gap, "same_decay_normalized": same_decay.mean(), "same_memory_normalized": same_memory.mean()}
record = claims.record(parameters, metrics)
