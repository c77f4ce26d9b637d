# %% [markdown]
# # Deep dive 02 · The Gaussian prior
#
# **What does the Gaussian prior say, and what not?**
#
# Weight decay is a belief, says lesson 02: before any data, each weight is Gaussian around 0, with a standard deviation of
# $\tau=1/\sqrt{N\lambda}$. A belief can be asked for its opinion. Draw some networks from it, untrained, and let them read.
#
# Then train one, compare it with what was believed, and correct the belief by what you see. There is a wrong way to do that, and
# a network shows where it leads. The right way has to count; for a network that is hard, for a linear reader it is easy, and
# chooses λ without a single validation digit.
#
# *{minutes} minutes. You need lesson 02. One question to warm up:*
#
# <details><summary>Which share of a direction of curvature h does decay leave at the minimum?</summary>
# h/(h + λ).</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 4  # [3, 20] networks, each with its own initial weights
weight_decay: float = 0.01  # [0.001, 0.05] λ to begin with
n_train: int = 300  # [100, 900] training digits of the networks
lr: float = 0.5  # [0.05, 0.6] learning rate η
n_steps: int = 800  # [10, 5000] steps, each with all training digits
sizes: list = [100, 225, 450, 900]  # 2 to 6 rising values in [30, 900]: training digits of the linear reader
device: str = "cpu"  # {"cpu", "cuda"} where the networks live

# %% tags=["fold"]
# imports, the digits (every pixel centred on the training digits), and four networks drawn from the belief
import math

import numpy as np
import torch
from matplotlib import pyplot as plt

from course_utils.checks.deeper import d02_prior as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("02.prior")
seeds = range(seed, seed + n_runs)
digits = load("digits", n_train=n_train, seed=seed, device=device)
centre = digits.train[0].double().mean(0).float()
train_digits, val_digits = ((images - centre, labels) for images, labels in digits[:2])
τ = 1 / np.sqrt(n_train * weight_decay)


def build():
    return mlp(n_inputs=64, n_hidden=(64,), n_outputs=10)


def vector(network):
    return torch.cat([w.detach().flatten() for w in network.parameters()]).double().cpu().numpy()


def drawn_from_belief(draw):
    random, network = torch.Generator().manual_seed(draw), build()
    for w in network.parameters():
        w.data = τ * torch.randn(w.shape, generator=random)
    return network.to(device)


drawn = [drawn_from_belief(s) for s in range(seed, seed + 20)]

# %% tags=["fold"]
# figure: eight digits, and how four networks drawn from the belief read them
with torch.no_grad():
    opinions = torch.stack([network(train_digits[0]).softmax(1) for network in drawn])
certainty, said = opinions.max(2)
fig, axes = plt.subplots(1, 8, figsize=(7.6, 2.5), layout="none")
fig.subplots_adjust(bottom=0.54, top=0.87, left=0.15)
for column, ax in enumerate(axes):
    ax.imshow(digits.train[0][column, 0].cpu(), cmap="gray")
    ax.axis("off")
    ax.text(3.5, 9.4, f"{train_digits[1][column]}", ha="center", va="center", fontsize=9, weight="bold")
    for row in range(4):
        text = f"{said[row, column]} ({certainty[row, column]:.0%})"
        ax.text(3.5, 12 + 2.6 * row, text, ha="center", va="center", fontsize=9)
axes[0].text(-1.8, 9.4, "it is a", ha="right", va="center", fontsize=9)
for row in range(4):
    axes[0].text(-1.8, 12 + 2.6 * row, f"draw {row + 1}", ha="right", va="center", fontsize=9)
fig.suptitle(f"Drawn from the belief of λ = {weight_decay:g}: weights of size {τ:.2f}", x=0.02, ha="left", fontsize=10)
show(
    fig,
    alt="Eight handwritten digits; below each its label and the answers of four networks drawn from the prior.",
    reading=f"On average over {len(drawn)} networks and all digits they are {certainty.mean().item():.0%} certain, and "
    f"{(said == train_digits[1]).double().mean().item():.0%} right.",
)

# %% [markdown]
# ## 1 · The most probable is not typical
#
# Now train. At its minimum, the penalized loss has the *most probable* weights, MAP. **Predict:** how long is the trained weight
# vector, beside one drawn from the belief?

# %%
prediction = None  # "longer", "as long" or "much shorter"


# %%
def train(λs):
    runs = [{"seed": s, "lr": lr, "weight_decay": λ} for s, λ in zip(seeds, λs)]
    steps = {"epochs": n_steps, "batch_size": n_train, "evaluate_every": n_steps}
    sgd = {"optimizer": torch.optim.SGD, "progress": False}
    return train_runs(build, train_digits, val_digits, runs, **steps, **sgd)


table, networks = train([weight_decay] * n_runs)

# %% tags=["fold"]
# figure: lengths of draws and of trained networks; their weights against the bell of the belief
found = np.stack([vector(network) for network in networks])
lengths = np.linalg.norm(found, axis=1)
random = np.random.default_rng(seed)
typical = np.linalg.norm(τ * random.standard_normal((500, found.shape[1])), axis=1)
fig, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.4))
left.hist(typical, 20, color="C0", alpha=0.7, label="500 draws from the belief")
left.plot(lengths, np.full(n_runs, 2), "^", color="C1", label=f"{n_runs} trained networks")
left.set(xlabel="length of all weights", ylabel="draws", xlim=(0, None))
left.set_title(f"{typical.mean() / lengths.mean():.1f} times as long as what was found")
left.legend(loc="upper center")
edges = np.linspace(-2.5 * τ, 2.5 * τ, 81)
middles = (edges[1:] + edges[:-1]) / 2
right.plot(middles, np.exp(-(middles**2) / 2 / τ**2) / (τ * np.sqrt(2 * np.pi)), label="belief")
right.hist(np.clip(found, -2.5 * τ, 2.5 * τ).ravel(), edges, density=True, histtype="step", color="C1", lw=1.6, label="found")
width = np.sqrt(np.square(found).mean(1))
right.set(yscale="log", xlabel="weight", ylabel="density", title=f"Believed {τ:.2f} wide, found {width.mean():.2f}")
right.legend()
near_zero, in_bell = (np.abs(found) < τ / 10).mean(), math.erf(0.1 / math.sqrt(2))
show(
    fig,
    alt="Left: lengths of draws far to the right of those of trained networks. Right: the bell of the belief and the narrower, "
    "peaked histogram of the trained weights.",
    reading=f"Of the trained weights {near_zero:.0%} lie within a tenth of τ around 0, where the belief puts {in_bell:.0%}. The "
    f"trained networks read {table['val_accuracy'].dropna().mean():.0%} of new digits."
    + (f" You said {prediction}." if prediction else ""),
)

# %% tags=["fold"]
# claim 02.prior.1: a draw from the belief against what training finds with it
claims.compare(
    "02.prior.1",
    "A network drawn from the belief is more than three times as long as the one that training finds with it.",
    typical[:n_runs],
    lengths,
    factor=3,
    names=("drawn", "trained"),
    over="runs, each with a draw of its own",
)

# %% [markdown]
# There is no contradiction. For each single weight, 0 is the most probable value. But a draw of thousands of weights of size τ
# has length $\tau\sqrt{d}$, give or take little: near 0 the density is highest, and there is hardly any room.
#
# Where the data say nothing about a weight, the belief goes on saying "±τ", and MAP, its highest point, reports
# 0. **The minimum is what decay finds, not what the prior expects.**
#
# ## 2 · Believe what you see?
#
# Then τ was too large, it seems. Let us be good empiricists: measure how wide the trained weights are, believe *that*, train
# again, and so on. **Predict:** where does it lead?

# %%
prediction = None  # "settles", "swings" or "collapses"

# %%
λs, rounds = np.full(n_runs, weight_decay), []
for _ in range(4):
    table, networks = train(λs)
    widths = np.array([np.sqrt(np.mean(vector(network) ** 2)) for network in networks])
    rounds.append((λs, widths, table["val_accuracy"].dropna().to_numpy()))
    λs = np.minimum(1 / (n_train * widths**2), 1 / lr)  # a larger λ would make the steps unstable

# %% tags=["fold"]
# the rounds in numbers; claim 02.prior.2
for k, (λ, found_width, accuracy) in enumerate(rounds, 1):
    capped = " (λ capped at 1/η)" if λ.max() >= 1 / lr else ""
    print(f"round {k}: believed {np.mean(1 / np.sqrt(n_train * λ)):.3f}   λ = {λ.mean():<7.3g}found {found_width.mean():.4f}   "
          f"{accuracy.mean():.0%} of new digits{capped}")  # fmt: skip
print(f"You said: {prediction}." if prediction else "(No prediction.)")
claims.compare(
    "02.prior.2",
    "A belief corrected by the width of the trained weights, round by round, ends with networks that read less than half as many "
    "new digits.",
    rounds[0][2],
    rounds[-1][2],
    factor=2,
    names=("first round", "last round"),
    unit="points",
    over="runs, each with initial weights of its own",
)

# %% [markdown]
# The belief listens to its own echo. A weight about which the data are silent is put to 0 *by the belief*, and then counted as
# evidence that weights are small.
#
# So count only what the data have said. For a network that is hard: its curvatures change as it moves. Here is a linear reader,
# whose curvatures are all at hand. It says from 64 pixels whether a digit is even (1) or odd (−1), by mean squared error.
#
# In a direction of curvature $h$, least squares alone would find a square of $\tau^2(1+\lambda/h)$ on average, width and noise
# together, if the belief is true. Decay keeps the share $h/(h+\lambda)$ of the weight, so its square is $\tau^2\,h/(h+\lambda)$.
#
# ### Exercise 1 · The next λ
#
# You get the weights `w` that training found, one for each of the curvatures `h` (arrays), with its λ, the `noise` σ and `n`.
# Find the τ² that explains $\lVert w\rVert^2$, and return the λ of *that* belief.
#
# <details><summary>Hint 1</summary>All directions share one τ². What should ‖w‖² be, on average?</details>
# <details><summary>Hint 2</summary>The λ of a belief is that of lesson 02, exercise 2.2.</details>


# %% tags=["stub"]
def next_decay(w, h, weight_decay, noise, n): ...


checks.check_1(next_decay)


# %% tags=["solution"]
def next_decay(w, h, weight_decay, noise, n):
    w, h = np.asarray(w), np.asarray(h)
    heard = (h / (h + weight_decay)).sum()
    return 2 * noise**2 * heard / (n * (w**2).sum())


checks.check_1(next_decay)

# %% [markdown]
# The sum of the shares is the number of directions *heard*: one that is half decided counts as half. Each uses up one digit's
# worth of noise, so the squared residuals are divided by the digits left over. λ decides what is heard, and what is heard the
# next λ: repeat until nothing changes.


# %%
def ridge(x, target, λ):
    n = len(x)
    return np.linalg.solve(2 / n * x.T @ x + λ * np.eye(64), 2 / n * x.T @ target)


def settle(x, target, rule, λ=1.0):
    n, h = len(x), np.linalg.eigvalsh(2 / len(x) * x.T @ x)
    for _ in range(60):
        w, n_heard = ridge(x, target, λ), (h / (h + λ)).sum()
        noise = np.sqrt(((target - x @ w) ** 2).sum() / (n - n_heard))
        λ = min(float(rule(w, h, λ, noise, n)), 1e6)
    return λ, n_heard, noise * np.sqrt(2 / (n * λ))


# %% tags=["fold"]
# our rule, in case yours is open; groups of training digits, of each size; λ by counting, by validation, by its echo
def our_next_decay(w, h, weight_decay, noise, n):
    return 2 * noise**2 * (h / (h + weight_decay)).sum() / (n * w @ w)


def echo(w, h, weight_decay, noise, n):
    return 2 * noise**2 * len(h) / (n * w @ w)


passed = checks.check_1(next_decay).startswith("passed")
counting = next_decay if passed else our_next_decay
print("The next λ is", "yours." if passed else "ours.")
pool = load("digits", n_train=900, n_val=400, n_test=400, seed=seed)
mean_digit = pool.train[0].double().mean(0)
parts = [((x.double() - mean_digit).flatten(1).numpy(), 1 - 2 * (y.numpy() % 2.0)) for x, y in pool[:3]]
(pixels, parity), validation, test = parts
grid = np.logspace(-4, 2, 61)


def groups(n):
    return [(pixels[k : k + n], parity[k : k + n]) for k in range(0, len(pixels) - n + 1, n)]


def error(data, w):
    return np.mean((data[1] - data[0] @ w) ** 2)


def by_validation(x, target):
    return grid[np.argmin([error(validation, ridge(x, target, λ)) for λ in grid])]


small = min(sizes[0], 300)
by_belief = {n: np.array([settle(*group, counting) for group in groups(n)]) for n in {small, *sizes}}
by_echo = {n: np.array([settle(*group, echo) for group in groups(n)]) for n in {small, *sizes}}
validated = {n: np.array([by_validation(*group) for group in groups(n)]) for n in {small, *sizes}}
print(f"{len(groups(small))} groups of {small} training digits: directions heard {by_belief[small][:, 1].mean():.0f} of 64")
errors = {}
for name, strengths in (
    ("by counting, from the training digits", by_belief[small][:, 0]),
    (f"by validation, with {len(validation[1])} more", validated[small]),
    ("by its echo, all 64 counted as heard", by_echo[small][:, 0]),
):
    values = np.array([error(test, ridge(*group, λ)) for group, λ in zip(groups(small), strengths, strict=True)])
    errors[name] = values.mean()
    print(f"λ {name:38} {np.exp(np.log(strengths).mean()):<9.2g} squared error on new digits {values.mean():.3f}")

# %% tags=["fold"]
# claim 02.prior.3: λ without validation
claims.same(
    "02.prior.3",
    "With the directions counted, the λ from the training digits alone is within a factor of 4 of the validated λ.",
    np.log10(by_belief[small][:, 0]),
    np.log10(validated[small]),
    margin=np.log10(4),
    names=("λ by counting", "λ by validation"),
    unit="powers of 10",
    over="separate groups of training digits",
    source="MacKay 1992",
)

# %% [markdown]
# MacKay did this in 1992, and called it the *evidence* framework. The prior is no oracle that you must consult beforehand: data
# can correct it, if you count what they have said.
#
# ## 3 · Do more data need less?
#
# ### Exercise 2 · Carry a belief over
#
# A colleague adds c‖w‖² to the *mean* loss of `n_old` digits, and is happy with `c`. You have `n_new` digits from the same
# source, and an optimizer with `weight_decay`. Which one holds the same belief?
#
# <details><summary>Hint 1</summary>Write down minus the log of the posterior, a sum. What is τ for the colleague?</details>
# <details><summary>Hint 2</summary>`weight_decay` is the λ of (λ/2)‖w‖², so it is 2c; and 1/τ² is proportional to Nλ.</details>


# %% tags=["stub"]
def carry_over(c, n_old, n_new): ...


checks.check_2(carry_over)


# %% tags=["solution"]
def carry_over(c, n_old, n_new):
    return 2 * c * n_old / n_new


checks.check_2(carry_over)

# %% [markdown]
# Nobody told the reader to hold one belief. For each number of digits it finds its own λ, and so does validation. **Predict:**
# from the fewest digits to the most, what does λ do?

# %%
prediction = None  # "stays", "falls like 1/√N" or "falls like 1/N"

# %% tags=["fold"]
# figure: λ and τ against the number of training digits; claim 02.prior.4
xs = np.concatenate([[n] * len(by_belief[n]) for n in sizes])
found_λ, found_τ = (np.concatenate([by_belief[n][:, column] for n in sizes]) for column in (0, 2))
echo_λ, echo_τ = (np.concatenate([by_echo[n][:, column] for n in sizes]) for column in (0, 2))
chosen_λ = np.concatenate([validated[n] for n in sizes])
top = 30
at_each = {"counting": by_belief, "echo": by_echo, "validation": {n: values[:, None] for n, values in validated.items()}}
means = {name: [np.log(λ_of[n][:, 0]).mean() for n in sizes] for name, λ_of in at_each.items()}
slope, slope_echo, slope_val = (np.polyfit(np.log(sizes), values, 1)[0] for values in means.values())
fig, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.4))
left.plot(xs, found_λ, "o", alpha=0.6, label="by counting")
left.plot(xs * 1.06, chosen_λ, "x", color="C1", alpha=0.6, label="by validation")
left.plot(xs / 1.06, np.minimum(echo_λ, top), "^", color="C2", alpha=0.6, label=f"by its echo (at {top}: collapsed)")
left.plot(sizes, np.exp(np.mean(means["counting"] + np.log(sizes))) / np.array(sizes), ":", color="black", label="1/N")
left.set(
    xscale="log", yscale="log", xlabel="training digits N", ylabel="λ", title=f"By counting, λ falls like N to the {slope:.2f}"
)
right.plot(xs, found_τ, "o", alpha=0.6)
right.plot(xs / 1.06, echo_τ, "^", color="C2", alpha=0.6)
right.set(xscale="log", xlabel="training digits N", ylabel="believed size τ of a weight", title="The beliefs")
right.set_ylim(-0.005, 1.15 * found_τ.max())
for ax in (left, right):
    ax.set_xticks(sizes, [str(n) for n in sizes])
    ax.set_xticks([], minor=True)
left.legend(fontsize=8)
collapsed = ", ".join(f"{(by_echo[n][:, 0] > top).sum()} of {len(by_echo[n])}" for n in sizes)
show(
    fig,
    alt="Left: λ by counting, by validation and by its echo against the number of training digits, on log scales, beside a line "
    "of slope minus one. Right: the believed sizes of a weight, by counting and by the echo.",
    reading=f"By counting, λ falls like N to the {slope:.2f}, by validation to the {slope_val:.2f}; τ is "
    f"{by_belief[sizes[0]][:, 2].mean():.2f} at N = {sizes[0]} and {by_belief[sizes[-1]][:, 2].mean():.2f} at N = {sizes[-1]}. "
    f"The echo collapses in {collapsed} groups of "
    + ", ".join(map(str, sizes))
    + " digits; directions heard: "
    + ", ".join(f"{by_belief[n][:, 1].mean():.0f}" for n in sizes)
    + " of 64."
    + (f" You said: {prediction}." if prediction else ""),
)
claims.within(
    "02.prior.4",
    "The λ that the reader finds by counting falls more like 1/N than like 1/√N as the digits grow.",
    slope,
    -1.0,
    0.25,
    control=slope_echo,
    unit="power of N",
)

# %% [markdown]
# "More data need less regularization" is right about λ beside the *mean* loss. It is the same belief, divided by N; beside a sum
# the strength stays. The echo fades as more directions are heard, but it always believes in too small weights. (With fewer digits
# than the reader has weights? Try `sizes = [30, 60, 120]`.)
#
# ## What to take along
#
# * Ask a prior by drawing from it: small weights, wild networks.
# * MAP is the highest point of a belief, far from what is typical of it. The width of trained weights understates τ.
# * Divide by the directions heard, $\sum h/(h+\lambda)$: then training data can choose λ.
# * To hold a belief as data grow, λ on the mean loss must fall like 1/N. Left free, the reader comes close to that.
#
# **On your own model:** when the training set grows, $N_\text{old}/N_\text{new}$ times the old `weight_decay` is a first guess,
# to tune from. With the epochs fixed, steps grow like N, so it also keeps lesson 02's Σηλ.
#
# **References.** MacKay 1992, [Bayesian interpolation](https://doi.org/10.1162/neco.1992.4.3.415) and
# [its framework for networks](https://doi.org/10.1162/neco.1992.4.3.448) ·
# Wenzel et al. 2020, [arXiv:2002.02405](https://arxiv.org/abs/2002.02405),
# section 5, for draws from the Gaussian prior of a ResNet ·
# Fortuin et al. 2022, [arXiv:2102.06571](https://arxiv.org/abs/2102.06571), for the tails of trained weights

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {
    "length_ratio": typical.mean() / lengths.mean(),
    "last_accuracy": rounds[-1][2].mean(),
    "slope": slope,
    "error_by_counting": next(iter(errors.values())),
}
record = claims.record(parameters, metrics)
