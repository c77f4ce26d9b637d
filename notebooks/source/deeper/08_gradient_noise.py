# %% [markdown]
# # Deep dive 08 · Gradient noise
#
# **Do small batches generalize better?**
#
# A batch of four pictures gives a gradient that points anywhere. Many say that this is a gift: the noise of small batches
# regularizes. Others train with batches of thousands, and lose nothing. Here a small network learns digits whose labels
# are lies two times in five (to validate and to test, they are true): in batches of four, and with all digits in one batch,
# which has *no noise at all*. You compute the noise, then take it away.
#
# *{minutes} minutes. You need lesson 08. One question to warm up:*
#
# <details><summary>With n digits and batches of B: how many steps has one pass? How many have 40 passes with B = n?</summary>
# n / B; and 40.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 4  # [3, 64] training runs of each setting in the map
n_pairs: int = 24  # [3, 64] runs or pairs of runs behind each claim
n_train: int = 256  # [32, 512] digits that a run learns from
small: list = [4, 16, 64]  # 1 to 4 rising whole numbers in [2, 256]: batch sizes; all digits in one batch come on top
passes: int = 40  # [2, 500] passes over the digits
low_lr: float = 0.01  # (0, 0.02] the lower of two learning rates that are compared
high_lr: float = 0.16  # [0.04, 0.5] the higher one
noise_lr: float = 0.08  # [0.01, 0.16] the learning rate at which nothing but the noise differs
lies: float = 0.4  # [0, 0.6] share of wrong labels among the training digits
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; digits: a pool of 800, from which each run draws its own, with lies of its own; a network of 64-32-10 units
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch.func import functional_call, grad, vmap
from torch.nn import functional
from torch.optim import SGD

from course_utils.checks.deeper import d08_gradient_noise as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import evaluate

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("08.gradient_noise")

pool, val, test, _ = load("digits", n_train=800, n_val=400, n_test=500, seed=seed, device=device)
sizes = [*(b for b in small if b < n_train), n_train]
first = sizes[0]


def digits(run, share=lies):
    drawn = torch.Generator().manual_seed(seed + run)
    rows = torch.randperm(800, generator=drawn)[:n_train]
    lie = torch.randint(1, 10, (n_train,), generator=drawn) * (torch.rand(n_train, generator=drawn) < share)
    return pool[0][rows.to(device)], (pool[1][rows.to(device)] + lie.to(device)) % 10


def build():
    return mlp(64, (32,), 10)


def train(batch_size, lrs, n, epochs, share=lies, **how):
    """History and networks of n runs at each learning rate, by plain SGD."""
    runs = [{"lr": lr, "seed": seed + k, "train": digits(k, share)} for lr in lrs for k in range(n)]
    how = {"evaluate_every": epochs} | how
    return train_runs(build, runs[0]["train"], val, runs, epochs=epochs, batch_size=batch_size, optimizer=SGD, **how)


def read(networks, n, part):
    """Share of `part` read, (settings, n); a network that has blown up reads what it reads."""
    return np.array([evaluate(network, *part)["accuracy"] for network in networks]).reshape(-1, n)


def gradients_of(network, x, y):
    """Gradient of each example's loss, (n, number of weights)."""
    weights = {name: p.detach() for name, p in network.named_parameters()}

    def loss(weights, x, y):
        return functional.cross_entropy(functional_call(network, weights, x[None]), y[None])

    return torch.cat([g.flatten(1) for g in vmap(grad(loss), (None, 0, 0))(weights, x, y).values()], 1)


def batch_means(each, size, n=400):
    """Gradients of n random batches, without putting back: (n, number of weights)."""
    rows = torch.stack([torch.randperm(len(each))[:size] for _ in range(n)])
    chosen = torch.zeros(n, len(each)).scatter_(1, rows, 1.0 / size)
    return chosen.to(each.device) @ each


torch.manual_seed(seed)
fresh = build().to(device)
before = gradients_of(fresh, *digits(0))

# %% tags=["fold"]
# the situation: gradients of batches of one untrained network, in the plane of the whole gradient and the widest spread
whole = before.mean(0)
along = whole / whole.norm()
spread = before - whole - ((before - whole) @ along)[:, None] * along
across = torch.linalg.svd(spread, full_matrices=False)[2][0]
fig, axes = plt.subplots(1, len(sizes), figsize=(2.3 * len(sizes), 2.6), sharex=True, sharey=True)
arrow = {"arrowstyle": "->", "color": "C1", "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
for ax, size in zip(axes, sizes):
    means = batch_means(before, size, 200)
    ax.plot((means @ along).cpu(), (means @ across).cpu(), ".", markersize=3, alpha=0.5)
    ax.annotate("", (whole.norm().item(), 0), (0, 0), arrowprops=arrow)
    ax.set(title="all digits" if size == n_train else f"batches of {size}", xlabel="along the whole gradient")
axes[0].set_ylabel("across it")
show(
    fig,
    alt="Clouds of dots around the tip of an arrow, one panel for each batch size: the larger the batch, the tighter the cloud; "
    "with all digits it is one dot.",
    reading=f"One network before training. Arrow: the gradient over all {n_train} digits. Dots: the gradients of 200 random "
    "batches, right on average. (Most of their noise is in the thousands of directions that are not drawn.)",
)

# %% [markdown]
# ## 1 · How noisy is a batch?
#
# Write $g_i$ for the gradient of digit i, $\bar g$ for the mean of all n. A batch is drawn *without putting back*. Its noise is
# the mean squared length of what it gets wrong, $\mathbb E\,\|g_B - \bar g\|^2$.
#
# **Predict.** Twice the batch, from a quarter of the digits to half of them: what is left of the noise?

# %%
prediction = None  # a share from 0 to 1

# %% [markdown]
# ### Exercise 1 · The noise of a batch
#
# Given the gradients of all n digits (a row each), return $\mathbb E\,\|g_B - \bar g\|^2$ for batches of `batch_size` of them,
# drawn without putting back. No sampling is needed. What must come out at `batch_size = n`?
#
# <details><summary>Hint 1</summary>With batches of one it is the mean squared distance of a row from the mean row. A mean of B
# *independent* rows would have 1/B of that.</details>
# <details><summary>Hint 2</summary>Without putting back, what is left over helps: the variance of a mean of B out of n is also
# multiplied by (n - B)/(n - 1), the finite-population correction.</details>


# %% tags=["stub"]
def noise(gradients, batch_size): ...


checks.check_1(noise)


# %% tags=["solution"]
def noise(gradients, batch_size):
    n = len(gradients)
    of_one = (gradients - gradients.mean(0)).square().sum(1).mean()
    return of_one / batch_size * (n - batch_size) / (n - 1)


checks.check_1(noise)


# %% tags=["fold"]
# ours, in case yours is open
def our_noise(gradients, batch_size):
    of_one = (gradients - gradients.mean(0)).square().sum(1).mean()
    return of_one / batch_size * (len(gradients) - batch_size) / (len(gradients) - 1)


by_formula = noise if checks.check_1(noise).startswith("passed") else our_noise

# %% [markdown]
# Your formula (ours, while yours is open) against 400 batches that were really drawn, for the network of the picture:

# %%
lines = ["batch size   drawn    formula  noise of one / B"]
for b in sorted({*sizes, n_train // 4, n_train // 2}):
    drawn = (batch_means(before, b) - whole).square().sum(1).mean()
    row = (drawn, by_formula(before, b), by_formula(before, 1) / b)
    lines += [f"{b:10}   " + "   ".join(f"{value:.4f}" for value in row)]
print("\n".join(lines))

# %% tags=["fold"]
# what doubling did; noise of one digit against the squared length of the whole gradient, before training and after
quarter, half = (float(by_formula(before, n_train // k)) for k in (4, 2))
yours = f" You said: {prediction}." if prediction is not None else ""
lines = [f"From {n_train // 4} to {n_train // 2} digits, {half / quarter:.2f} of the noise is left.{yours}"]


def ratio(network, run):
    g = gradients_of(network, *digits(run))
    return float(by_formula(g, 1) / g.mean(0).square().sum())


starts = []
for k in range(n_runs):
    torch.manual_seed(seed + k)
    starts.append(ratio(build().to(device), k))
ends = [ratio(network, k) for k, network in enumerate(train(first, [low_lr], n_runs, passes)[1])]
for when, values in (("before", starts), ("after", ends)):
    mean, width, _ = mean_and_interval(values)
    lines += [f"{when} training, one digit's noise is {mean:.0f} ± {width:.0f} times ‖ḡ‖² (95 %, n = {n_runs})"]
print("\n".join(lines))

# %% [markdown]
# Small batches follow 1/B; a large part of *all* digits does better than that. Whether noise matters depends on the signal, too,
# the squared length of the whole gradient. McCandlish et al. (2018) divide one by the other, as the last two lines do. Were there
# no end of data, a batch of so many digits would have as much noise as signal; far larger ones tell hardly more. They, too, find
# that it grows as the loss falls.
#
# ## 2 · One rate for all
#
# A comparison as one finds it everywhere: same network, same number of passes, **same learning rate**, another batch.
#
# **Predict**, for this low learning rate and then for the high one: which batch reads more new digits?

# %%
prediction = None  # such as {"low": "small", "high": "large"}
print(f"low: {low_lr:g}, high: {high_lr:g}")

# %% tags=["fold"]
# learning rates for each batch size: doublings, from η/B = low / n to η/B = high / 4
every = [0.0025 * 2**k for k in range(11)] + [low_lr, high_lr]
rates = {b: sorted({lr for lr in every if low_lr / n_train <= lr / b <= high_lr / first}) for b in sizes}

# %%
score = {}
for b in sizes:
    networks = train(b, rates[b], n_runs, passes)[1]
    score |= {(b, lr): row for lr, row in zip(rates[b], read(networks, n_runs, val))}


# %% tags=["fold"]
# figure: digits read against the learning rate, a curve for each batch size
def draw(ax, x_of):
    for b, line, marker in zip(sizes, ("-", "--", "-.", ":", (0, (5, 1))), "osD^v"):
        means, halves = np.transpose([mean_and_interval(score[b, lr])[:2] for lr in rates[b]])
        xs = [x_of(lr, b) for lr in rates[b]]
        name = f"all {b}" if b == n_train else f"B = {b}"
        ax.errorbar(xs, means, halves, linestyle=line, marker=marker, markersize=4, capsize=2, label=name)
    ax.set(xscale="log", ylabel="validation digits read")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


fig, ax = plt.subplots()
draw(ax, lambda lr, b: lr)
for lr, name in ((low_lr, "low"), (high_lr, "high")):
    ax.axvline(lr, color="0.4", linestyle=":", linewidth=1)
    ax.text(lr, 0.02, f" {name}", fontsize=8, color="0.3")
winners = {lr: max(sizes, key=lambda b: score[b, lr].mean()) for lr in (low_lr, high_lr)}
ax.set(xlabel=f"learning rate η ({passes} passes)", ylim=(0, 1))
ax.set_title(f"Best batch: {winners[low_lr]} at η = {low_lr:g}, {winners[high_lr]} at η = {high_lr:g}")
ax.legend(title=f"95 %, n = {n_runs}", fontsize=8)
tops = {b: max(rates[b], key=lambda lr: score[b, lr].mean()) for b in sizes}
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Accuracy against the learning rate: a hump for each batch size, all of about one height, further right for larger ones.",
    reading=f"At η = {low_lr:g}, batches of {first} read {score[first, low_lr].mean():.0%} and one of all digits "
    f"{score[n_train, low_lr].mean():.0%}; at η = {high_lr:g} it is {score[first, high_lr].mean():.0%} and "
    f"{score[n_train, high_lr].mean():.0%}. The humps are "
    + ", ".join(f"{score[b, tops[b]].mean():.1%} high at {tops[b]:g} (B = {b})" for b in sizes)
    + f".{yours}",
)

# %% tags=["fold"]
# claims 08.gradient_noise.1 and .2, on test digits: one high rate for both; each at its own best rate of the map
fair = {b: read(train(b, [tops[b], high_lr], n_pairs, passes)[1], n_pairs, test) for b in (first, n_train)}
claims.compare(
    "08.gradient_noise.1",
    "At the high learning rate all digits in one batch read more new digits than small batches, by more than two points.",
    fair[n_train][1],
    fair[first][1],
    margin=0.02,
    names=("all in one", "small"),
    unit="points",
    over="training runs, each with digits of its own",
    myth="small batches generalize better",
    myth_source="after Keskar et al. 2017, arXiv:1609.04836; right at equal passes where the rate is too low for large batches",
)
claims.same(
    "08.gradient_noise.2",
    "Each at its own best learning rate and for the same number of passes, both batch sizes read new digits alike, within two "
    "points.",
    fair[first][0],
    fair[n_train][0],
    margin=0.02,
    names=("small", "all in one"),
    unit="points",
    over="training runs, each with digits of its own",
    source="Shallue et al. 2019, arXiv:1811.03600, on many larger tasks",
)

# %% [markdown]
# One curve, shifted! The vertical line at one η cuts each hump at another place: one batch size is still learning where
# another has long been learning the lies by heart. Shallue et al. (2019) trained 168,160 networks and find that disagreements
# about batch size come largely from what was tuned, and how long was trained.
#
# ## 3 · What shifts the curve?
#
# Plot the same numbers against η/B. That is the **linear scaling rule** (Goyal et al. 2017): k times the batch, k times the η.

# %% tags=["fold"]
# figure: the same accuracies against η/B
fig, ax = plt.subplots()
draw(ax, lambda lr, b: lr / b)
shared = [r for r in sorted({lr / first for lr in rates[first]}) if all((b, r * b) in score for b in sizes)]
gaps = {r: np.ptp([score[b, r * b].mean() for b in sizes]) for r in shared}
fits = [r for r, gap in gaps.items() if gap < 0.05]
fallen = {b: [lr for lr in rates[b] if lr > tops[b] and score[b, lr].mean() < score[b, tops[b]].mean() / 2] for b in sizes}
cliffs = [f"B = {b} at η = {lrs[0]:g}" if lrs else f"B = {b} nowhere up to η = {rates[b][-1]:g}" for b, lrs in fallen.items()]
ax.set(xlabel=f"learning rate / batch size ({passes} passes)", ylim=(0, 1))
ax.set_title(f"Against η/B: within 5 points at {len(fits)} of {len(shared)} shared places")
ax.legend(title=f"95 %, n = {n_runs}", fontsize=8)
show(
    fig,
    alt="The humps against learning rate over batch size: they lie upon each other, and fall off at different places.",
    reading="Spread between batch sizes, in points, at each η/B that all of them have: "
    + ", ".join(f"{100 * gap:.1f} at {r:.2g}" for r, gap in gaps.items())
    + f". Where a curve falls to less than half its top, beyond it: {', '.join(cliffs)}.",
)

# %% [markdown]
# It is tempting to read η/B as "noise": Smith and Le (2018) call η(n/B - 1) the *noise scale*. But look at the curve of
# **all digits in one batch**. Its noise is zero, and where it follows
# the others, noise cannot be the reason. What do points above each other share?
#
# ### Exercise 2 · Same time
#
# A step moves the weights by η times a gradient, so steps add up to a **time** η × (number of steps). You know a recipe, `lr`,
# `batch_size` and `passes`. Return the number of passes (a fraction is fine) that takes the same time with `new_lr` and
# `new_batch_size`.
#
# <details><summary>Hint 1</summary>How many steps are `passes` passes over n digits?</details>
# <details><summary>Hint 2</summary>Write η × steps for both recipes and set them equal. n drops out.</details>


# %% tags=["stub"]
def same_time(lr, batch_size, passes, new_lr, new_batch_size): ...


checks.check_2(same_time)


# %% tags=["solution"]
def same_time(lr, batch_size, passes, new_lr, new_batch_size):
    return passes * lr / new_lr * new_batch_size / batch_size


checks.check_2(same_time)


# %% tags=["fold"]
# ours, in case yours is open
def our_same_time(lr, batch_size, passes, new_lr, new_batch_size):
    return passes * lr / new_lr * new_batch_size / batch_size


time = same_time if checks.check_2(same_time).startswith("passed") else our_same_time

# %% [markdown]
# At equal passes, the same η/B *is* the same time. So the overlay cannot tell noise from time, except by its last curve: there is
# no noise there, and it follows, until its η is too large to follow the slope. (How large depends on the network: Goyal et al.
# needed a warm-up, and went as far as batches of 8,192.)
#
# ## 4 · Noise alone
#
# Now vary nothing but the noise: same η, same time, thus as many steps. Small batches for half the passes; all digits in one
# batch for as long as your function says:

# %%
lengths = {first: passes // 2}
lengths[n_train] = round(time(noise_lr, first, passes // 2, noise_lr, n_train))
print(f"η = {noise_lr:g}; passes by batch size: {lengths}")

# %% [markdown]
# **Predict.** Who reads more new digits: at the end (in the last quarter of the steps, since noisy weights jitter), and each
# stopped where its validation loss is lowest?

# %%
prediction = None  # such as {"end": "small", "stopped": "all in one"}

# %%
paths, stopped, truth = {}, {}, {}
for b, epochs in lengths.items():
    # patience without end: train to the end, then go back to the best weights
    how = {"evaluate_every": max(1, epochs // 20), "patience": 1000}
    paths[b], networks = train(b, [noise_lr], n_pairs, epochs, **how)
    stopped[b] = read(networks, n_pairs, test)[0]
    truth[b] = train(b, [noise_lr], n_runs, epochs, share=0, **how)[0]

# %% tags=["fold"]
# figure: validation digits, and training labels learned, against the steps


def curves(history, column):
    return history.pivot(index="run", columns="epoch", values=column).dropna(axis=1)


def late(history):
    table = curves(history, "val_accuracy").to_numpy()
    return table[:, -max(1, table.shape[1] // 4) :].mean(1)


ends, honest = ({b: late(history) for b, history in part.items()} for part in (paths, truth))
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4))
for b, line in zip(lengths, ("-", "--")):
    for ax, column in zip(axes, ("val_accuracy", "train_accuracy")):
        table = curves(paths[b], column)
        steps = (table.columns.to_numpy() + 1) * (n_train // b)
        mean, half = np.transpose([mean_and_interval(values)[:2] for values in table.to_numpy().T])
        name = f"all {b} in one" if b == n_train else f"B = {b}"
        ax.plot(steps, mean, line, label=f"{name} (95 %, n = {n_pairs})")
        ax.fill_between(steps, mean - half, mean + half, alpha=0.2)
gain = {name: mean_and_interval(100 * (part[first] - part[n_train]))
        for name, part in (("end", ends), ("stopped", stopped), ("honest", honest))}  # fmt: skip
longer = f" After {passes} passes there, {score[first, noise_lr].mean():.0%}." if (first, noise_lr) in score else ""
learned = {b: curves(history, "train_accuracy").to_numpy()[:, -1].mean() for b, history in paths.items()}
for ax in axes:
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlabel=f"steps at η = {noise_lr:g}")
axes[0].set(ylabel="validation digits read", title=f"At the end noise is worth {gain['end'][0]:+.1f} points")
axes[1].set(
    ylabel="training labels learned, lies too",
    title=f"Labels learned: {learned[first]:.0%} with noise, {learned[n_train]:.0%} without",
)
axes[1].legend()
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Two panels against steps: validation accuracy rises and falls, the noisy curve peaks lower and ends higher; the share "
    "of training labels learned goes to nearly all of them without noise, and stays lower with it.",
    reading=f"What batches of {first} gain over one batch of all, in points: {gain['end'][0]:+.1f} ± {gain['end'][1]:.1f} at the "
    f"end, {gain['stopped'][0]:+.1f} ± {gain['stopped'][1]:.1f} with both stopped (test digits). Without any lies, at the end: "
    f"{gain['honest'][0]:+.1f} ± {gain['honest'][1]:.1f}. (For batches of {first}, η = {noise_lr:g} is "
    f"{noise_lr / tops[first]:.2g} times its best rate of section 2.{longer}){yours}",
)

# %% tags=["fold"]
# claims 08.gradient_noise.3 and .4: noise alone, at the end (validation digits, which chose nothing), and both stopped (test)
names = {"names": ("small", "all in one"), "unit": "points", "over": "training runs, each with digits of its own"}
claims.compare(
    "08.gradient_noise.3",
    "While lies are still being learned, at the same rate and after as many steps, noisy small batches read more new digits.",
    ends[first],
    ends[n_train],
    **names,
)
claims.compare(
    "08.gradient_noise.4",
    "But if both are stopped where their validation loss is lowest, small batches gain not even a point from their noise.",
    stopped[n_train],
    stopped[first],
    margin=-0.01,
    names=names["names"][::-1],
    unit="points",
    over="training runs, each with digits of its own",
)

# %% [markdown]
# So noise *does* regularize, as a trembling hand copies slowly: it **delays** the learning of lies. Look at the left panel:
# first it costs, then, once the curves have crossed, it pays, for who never stops. Small batches learn their lies as well, only
# later. Who stops needs no noise. Nor does noise cost anything if each batch has a rate of its own: remember the tie of
# section 2. Geiping et al. (2022) trained without any noise on CIFAR-10, and replaced it by explicit regularizers.
#
# **Limits.** A small network, plain SGD at a constant rate, digits. Keskar et al. (2017) saw large batches end in sharper minima
# and read worse; Hoffer et al. (2017) trace that gap to the smaller number of *steps*, and close it by adapting the training.
#
# ## What to take along
#
# * Do small batches generalize better? Here: no. Each batch size at a rate of its own does as well as any other.
# * Noise falls as 1/B, times (n - B)/(n - 1) without putting back: with B = n it is gone.
# * "Same learning rate, other batch" compares two lengths of training. Tune η for each batch, or keep time, and say which.
# * Noise delays what is learned last. So does stopping.
#
# **On your own model:** when you change the batch size, print `lr * n_steps` of both runs beside their accuracies.
#
# **References.** Keskar et al. 2017, [arXiv:1609.04836](https://arxiv.org/abs/1609.04836) ·
# Hoffer et al. 2017, [arXiv:1705.08741](https://arxiv.org/abs/1705.08741) ·
# Goyal et al. 2017, [arXiv:1706.02677](https://arxiv.org/abs/1706.02677) ·
# Smith, Le 2018, [arXiv:1710.06451](https://arxiv.org/abs/1710.06451) ·
# McCandlish et al. 2018, [arXiv:1812.06162](https://arxiv.org/abs/1812.06162) ·
# Shallue et al. 2019, [arXiv:1811.03600](https://arxiv.org/abs/1811.03600) ·
# Geiping et al. 2022, [arXiv:2109.14119](https://arxiv.org/abs/2109.14119) · back to [lesson 08](../08_data_and_stopping.ipynb)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {f"tuned_{b}": fair[b][0].mean() for b in fair} | {f"noise_alone_{name}": gain[name][0] for name in gain}
record = claims.record(parameters, metrics)
