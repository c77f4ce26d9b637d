# %% [markdown]
# # Deep dive 03 · Weights that never decay
#
# **How can weight decay do nothing at all, without an error?**
#
# Two networks learn the digits of lesson 03, by the same AdamW with the same λ. They differ in one thing: after each step one of
# them stores its weights in *bfloat16*, sixteen bits a number, as large models often do. Between two powers of two there are
# then only 128 numbers. A step leads somewhere in between, and is rounded to the nearest.
#
# *{minutes} minutes. You need lesson 03. One question to warm up:*
#
# <details><summary>What does one step of AdamW do to a weight without gradient?</summary>It multiplies it by 1 - ηλ.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 5  # [3, 32] training runs of each kind
weight_decay: float = 0.75  # [0.05, 5] AdamW's λ
lr: float = 2e-3  # [1e-4, 0.02] its learning rate
epochs: int = 160  # [1, 1000] passes over the training digits
n_train: int = 300  # [60, 700] training digits
label_noise: float = 0.2  # [0, 0.5] share of wrong labels among them
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; lesson 03's digits in a black margin, one label in five wrong, and the same digits in a white one
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn
from torch.nn import functional
from torch.optim import AdamW

from course_utils.checks.deeper import d03_low_precision as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.measure import accuracy
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("03.low_precision")

digits = load("digits", n_train=n_train, n_val=500, n_test=500, seed=seed, device=device)
black, white = digits.train[0].min(), (digits.train[0].max() - digits.train[0].min()).item()
train, val, test = ((functional.pad(x - black, (4, 4, 4, 4)), y) for x, y in (digits.train, digits.val, digits.test))
noise = torch.Generator().manual_seed(seed)
shift = torch.randint(1, 10, (n_train,), generator=noise) * (torch.rand(n_train, generator=noise) < label_noise)
train = (train[0], (train[1] + shift.to(device)) % 10)
never_lit = train[0].amax((0, 1)) == 0  # (16, 16): black in every training picture
n_steps = epochs * (n_train // 50)

# %% tags=["fold"]
# the situation: the numbers that bfloat16 has around a weight, and where one step of decay wants to put it
w = 0.06
spacing = 2.0 ** (np.floor(np.log2(w)) - 7)
grid = np.arange(round(w / spacing) - 3, round(w / spacing) + 3) * spacing
start = grid[3]
fig, ax = plt.subplots(figsize=(8, 1.7))
ax.vlines(grid, 0, 1, color="0.4", linewidth=2)
for value in grid:
    ax.text(value, 1.15, f"{value:.5f}", ha="center", fontsize=8)
ax.plot(start, 0.5, "o", color="C0", markersize=9)
ax.annotate("", (start * (1 - lr * weight_decay), 0.5), (start, 0.5), arrowprops={"arrowstyle": "->", "color": "C1", "lw": 2})
ax.set(ylim=(0, 1.5), yticks=[], xticks=[], xlabel="weights that bfloat16 knows")
ax.grid(False)
ax.spines[:].set_visible(False)
show(
    fig,
    alt="Six vertical lines on a number line; a dot on one of them, an arrow from the dot leads towards its left neighbour.",
    reading=f"A weight of {start:.5f}, its neighbours, and where one step with η = {lr:g} and λ = {weight_decay:g} leads: "
    f"{lr * weight_decay * start / spacing:.0%} of the way to the next number.",
)

# %% [markdown]
# ## 1 · One weight, many steps
#
# The weight has no gradient: it belongs to a pixel that no training picture lights. **Predict.** After all steps of the training,
# what is left of such weights in float32, and what in bfloat16?

# %%
prediction = None  # two percentages: (float32, bfloat16)


# %%
def left(dtype, noise=0.0, **how):
    w = nn.Parameter(torch.linspace(0.01, 0.06, 10_000).to(dtype))
    before, optimizer = w.mean().item(), AdamW([w], lr=lr, weight_decay=weight_decay, **how)
    for _ in range(n_steps):
        w.grad = noise * torch.randn_like(w)
        optimizer.step()
    return w.mean().item() / before


for dtype in (torch.float32, torch.bfloat16):
    print(f"{dtype}: {left(dtype):.1%} left after {n_steps} steps")

# %% tags=["fold"]
# how the prediction fared; the same with noisy gradients, and by PyTorch's fused AdamW, which rounds once a step
print(f"You said: {prediction}." if prediction else "No prediction: guess next time, it makes the number stick.")
print("left of the mean weight        float32   bfloat16   bfloat16, fused=True")
for row, noise_size in (("gradient zero", 0.0), ("gradient noise", 0.01)):
    values = left(torch.float32, noise_size), left(torch.bfloat16, noise_size), left(torch.bfloat16, noise_size, fused=True)
    print(f"{row:28} {values[0]:9.0%} {values[1]:10.0%} {values[2]:12.0%}")

# %% [markdown]
# If the step ends nearer to where it began than to the next number, rounding takes it back. And the next step starts from the
# same place: a thousand lost steps are as lost as one. A step of the *data* is longer, of about η whatever the weight: it may
# get through. And if decay and data are rounded *together*, as the fused optimizer does, the noise of the data carries the
# decay along: see the last column. PyTorch's usual AdamW rounds after the decay, and once more after the data's step.
#
# By itself decay asks for ηλ *of the weight*, and the spacing too grows with the weight. So it depends on ηλ alone:
#
# ### Exercise 1 · The thresholds
#
# A format stores `n_bits` bits of a number's fraction: from each power of two to the next it has $2^{n}$ numbers at equal
# distances. From which ηλ on does one step of decay, by itself, move *some* weights, and from which on *every* weight? Return
# both. (Treat the weights between 1 and 2 as a continuum.)
#
# <details><summary>Hint 1</summary>Take weights between 1 and 2. How far apart are the numbers? A move needs more than half of
# that.</details>
# <details><summary>Hint 2</summary>A weight just below 2 walks 2ηλ, the farthest; a weight just above 1 walks
# ηλ.</details>


# %% tags=["stub"]
def thresholds(n_bits): ...  # returns (some, every)


checks.check_1(thresholds)


# %% tags=["solution"]
def thresholds(n_bits):
    distance = 2.0**-n_bits
    return distance / 4, distance / 2


checks.check_1(thresholds)


# %% tags=["fold"]
# ours, in case yours is open; figure: the share of weights that one step moves, in two formats
def our_thresholds(n_bits):
    return 2.0 ** -(n_bits + 2), 2.0 ** -(n_bits + 1)


passed = checks.check_1(thresholds).startswith("passed")
where, whose = (thresholds, "your") if passed else (our_thresholds, "our")
products = np.logspace(-5, -1.8, 150)
fig, ax = plt.subplots(figsize=(7.4, 3.2))
for (name, dtype, n_bits), style in zip((("bfloat16", torch.bfloat16, 7), ("float16", torch.float16, 10)), ("-", "--")):
    weights = (torch.rand(20_000) + 1).to(dtype)
    weights = weights[weights > 1]  # below a power of two the numbers are twice as dense
    moved = [((weights * (1 - rate)) != weights).double().mean() for rate in products]
    (line,) = ax.plot(products, moved, linestyle=style, label=f"{name}, {n_bits} bits")
    for value in where(n_bits):
        ax.axvline(float(value), color=line.get_color(), linewidth=0.8, linestyle=":")
recipes = {"here": lr * weight_decay, "LLaMA 7B": 3e-4 * 0.1, "ConvNeXt": 4e-3 * 0.05}
for name, rate in recipes.items():
    ax.plot(rate, 0.02, "k^", markersize=7)
    ax.text(rate, 0.09, name, ha="center", fontsize=8)
silent = [name for name, rate in recipes.items() if rate < float(where(7)[0])]
ax.set(
    xscale="log",
    xlabel="ηλ, what a step takes of a weight",
    ylabel="share of weights that move",
    title=f"In bfloat16, decay alone would move no weight in {len(silent)} of {len(recipes)} recipes",
)
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend(loc="center left")
show(
    fig,
    alt="The share of weights that one step of decay moves, against ηλ: a step from 0 to 1 for each of two formats, and three "
    "triangles that mark recipes.",
    reading=f"Dotted: {whose} thresholds; in bfloat16 {float(where(7)[0]):.4f} and {float(where(7)[1]):.4f}. Triangles: ηλ at "
    f"the largest learning rate of a recipe. In bfloat16, without effect by itself: {', '.join(silent) or 'none'}.",
)

# %% [markdown]
# (Such models were trained with a copy of the weights in float32, as is usual. The picture says why.)
#
# ## 2 · A network
#
# Now the digits, in the kinder way: AdamW computes in float32, and then each weight goes, once, to the nearest number that
# bfloat16 knows. Only weights without a gradient are in danger.


# %%
def near(w):
    return w.bfloat16().float()


class Rounded(AdamW):
    @torch.no_grad()
    def step(self):
        super().step()
        for w in self.param_groups[0]["params"]:
            w.copy_(self.rounding(w))


class Near(Rounded):
    rounding = staticmethod(near)


# %% [markdown]
# **Predict.** Stored in bfloat16, does the network read new digits worse? And with the scanner's lid open (lesson 03: the margin
# white, where in training it was always black)?

# %%
prediction = None  # such as ("no", "yes")


# %% tags=["fold"]
# train both kinds: accuracy in both margins, what is left of the weights of pixels never lit, and the training loss
def build():
    return mlp(n_inputs=256, n_hidden=(64,))


def in_white(x):
    return x.masked_fill(never_lit, white)


@torch.no_grad()
def measured(kinds):
    """{name: a row a run of accuracy in black, in white, share left of unused weights}, on validation and on test digits."""
    runs = [{"optimizer": kind, "seed": seed + k, "lr": lr, "weight_decay": weight_decay}
            for kind in kinds.values() for k in range(n_runs)]  # fmt: skip
    with torch.enable_grad():
        table, networks = train_runs(build, train, val, runs, epochs=epochs, batch_size=50, evaluate_every=epochs)
    losses = table.groupby("run")["train_loss"].last().to_numpy()
    rows = []
    for run, network, loss in zip(runs, networks, losses):
        torch.manual_seed(run["seed"])
        start = build()[1].weight[:, never_lit.flatten().cpu()].norm().item()
        unused = network[1].weight[:, never_lit.flatten()].norm().item() / start
        network.eval()
        rows.append([accuracy(network(x), y) for x, y in (val, (in_white(val[0]), val[1]))] + [unused, loss]
                    + [accuracy(network(x), y) for x, y in (test, (in_white(test[0]), test[1]))])  # fmt: skip
    names = ("black", "white", "left", "loss", "test black", "test white")
    return {name: dict(zip(names, np.array(rows[k * n_runs : (k + 1) * n_runs]).T)) for k, name in enumerate(kinds)}


results = measured({"float32": AdamW, "nearest": Near})


def print_rows(rows):
    print(f"{'':14}  black margin    white margin    unused weights left   training loss")
    for name, row in rows.items():
        (black, a), (white, b) = (mean_and_interval(row[key])[:2] for key in ("black", "white"))
        print(f"{name:14}  {100 * black:.1f} ± {100 * a:.1f} %    {100 * white:.1f} ± {100 * b:.1f} %    "
              f"{row['left'].mean():10.1%}     {row['loss'].mean():16.2f}")  # fmt: skip


print_rows(results)
print(f"You said: {prediction}." if prediction else "(No prediction.)")

# %% tags=["fold"]
# claims 03.low_precision.1 and 2, on test digits
claims.compare(
    "03.low_precision.1",
    "In the white margin, networks whose weights are rounded to bfloat16 read far worse than those in float32: by more than five "
    "points.",
    results["float32"]["test white"],
    results["nearest"]["test white"],
    margin=0.05,
    names=("float32", "bfloat16"),
    unit="points",
    over="training runs on these digits",
)
claims.compare(
    "03.low_precision.2",
    "In the black margin, where one would look, they read no more than two points worse.",
    results["nearest"]["test black"],
    results["float32"]["test black"],
    margin=-0.02,
    names=("bfloat16", "float32"),
    unit="points",
    over="training runs on these digits",
)

# %% [markdown]
# No error, no warning, nothing in the accuracy that is usually watched. (Look at the training loss, too: small steps of the
# *data* get lost as well, and among wrong labels that need not hurt.)
#
# ## 3 · Throw a coin
#
# Whoever cannot walk a tenth of the way may walk all of it one time in ten. **Stochastic rounding** goes to one of the two
# neighbours, to each with the probability that makes it right on average.
#
# ### Exercise 2 · Round at random
#
# Write `round_randomly(w, distance)` for a tensor `w`, whose numbers may only be multiples of `distance` (a tensor of the same
# shape, positive). Later cells train with it.
#
# <details><summary>Hint 1</summary>Count in distances: w / distance is so many whole ones, and a rest from 0 to
# 1.</details>
# <details><summary>Hint 2</summary>Round up with a probability equal to the rest: a uniform random number is below it just
# so often.</details>


# %% tags=["stub"]
def round_randomly(w, distance): ...


checks.check_2(round_randomly)


# %% tags=["solution"]
def round_randomly(w, distance):
    return torch.floor(w / distance + torch.rand_like(w)) * distance


checks.check_2(round_randomly)


# %% tags=["fold"]
# ours, in case yours is open; the distance between neighbours of each weight
def our_round_randomly(w, distance):
    return torch.floor(w / distance + torch.rand_like(w)) * distance


passed = checks.check_2(round_randomly).startswith("passed")
rounder, whose = (round_randomly, "your") if passed else (our_round_randomly, "our")


def coin(w):
    exponent = torch.frexp(w).exponent.clamp(min=-100)  # w is below 2 to the exponent, and at least half of that
    distance = torch.ldexp(torch.ones_like(w), exponent - 8)
    return torch.as_tensor(rounder(w.clone(), distance), dtype=w.dtype, device=w.device)


# %%
class Coin(Rounded):
    rounding = staticmethod(coin)


results |= measured({"coin": Coin})

# %% tags=["fold"]
# table: all three; what (1 - ηλ) per step predicts; claims 03.low_precision.3 and 4
print_rows(results)
expected = (1 - lr * weight_decay) ** n_steps
print(f"(1 - ηλ) to the power {n_steps}: {expected:.1%}; rounded by {whose} coin")
claims.within(
    "03.low_precision.3",
    "Rounded by a coin, unused weights decay as AdamW promises, by 1 - ηλ a step; rounded to the nearest (control) they do not.",
    results["coin"]["left"],
    expected,
    0.02,
    control=results["nearest"]["left"],
    unit="points",
    over="training runs on these digits",
)
claims.compare(
    "03.low_precision.4",
    "In the white margin the coin's networks read far better than those rounded to the nearest: by more than five points.",
    results["coin"]["test white"],
    results["nearest"]["test white"],
    margin=0.05,
    names=("coin", "nearest"),
    unit="points",
    over="training runs on these digits",
)

# %% [markdown]
# Each single step is now *more* wrong than before, by up to a whole distance instead of half. But errors that know no direction
# average out, and those that always point back do not. Zamirai and others (2021) recover what nearest rounding costs in this way,
# or by Kahan's summation, which carries the lost part along. The usual way is a master copy of the weights in float32
# (Micikevicius and others 2018); PyTorch's autocast leaves the weights in float32 to begin with.
#
# ## 4 · A memory that never forgets
#
# AdamW's own averages are stored like the weights. $v\leftarrow\beta_2v+(1-\beta_2)g^2$ with $\beta_2$ = 0.999 takes a
# thousandth of $v$ a step. A hundred large gradients, then small ones. **Predict.** How long does each format remember the large
# ones?

# %%
prediction = None  # in words

# %% tags=["fold"]
# figure: the second moment of AdamW after a burst of large gradients, in two formats, with two memories
fig, ax = plt.subplots(figsize=(7.4, 3.2))
ends = {}
for dtype, style in ((torch.float32, "-"), (torch.bfloat16, "--")):
    for beta, color in ((0.999, "C0"), (0.95, "C1")):
        w = nn.Parameter(torch.zeros(1, dtype=dtype))
        optimizer, path = AdamW([w], lr=1e-3, betas=(0.9, beta)), []
        for t in range(4000):
            w.grad = torch.full_like(w, 1.0 if t < 100 else 0.01)
            optimizer.step()
            path.append(optimizer.state[w]["exp_avg_sq"].item())
        name = str(dtype).removeprefix("torch.")
        ends[name, beta] = path[-1]
        ax.plot(path, linestyle=style, color=color, label=f"{name}, β₂ = {beta}")
kept = ends["bfloat16", 0.999] / ends["float32", 0.999]
ax.set(
    yscale="log",
    ylim=(1e-6, 3),
    xlabel="step",
    ylabel="AdamW's v",
    title=f"β₂ = 0.999: at the end v is {kept:.0f} times too large",
)
ax.legend(loc="lower right", ncols=2)
show(
    fig,
    alt="AdamW's second moment against the step, four curves: with β₂ = 0.999 it falls in float32 and stays level in bfloat16.",
    reading="v at the end: " + "; ".join(f"{name}, β₂ = {beta}: {value:.1e}" for (name, beta), value in ends.items())
    + f". Steps go with 1/√v: those of bfloat16 with β₂ = 0.999 are then {kept**0.5:.0f} times too short.",
)  # fmt: skip

# %% [markdown]
# ## What to take along
#
# * A step below half the distance between two numbers is no step, however often it is made.
# * Decay asks for ηλ of each weight: below $2^{-9}$, in bfloat16, it does nothing by itself. Hardly a recipe reaches that. Noisy
#   gradients may carry it along, if both are rounded together; where the gradient is zero, nothing does.
# * Keep weights and averages in float32, or round by a coin.
#
# **On your own model:** print the `dtype` of the parameters that the optimizer holds, and of its `state`. If it says bfloat16,
# look at one number: the length of a row whose gradient is zero (the embedding of a token that never comes up), before and
# after. (A parameter whose gradient is `None` is skipped, in float32 too.)
#
# **References.** Micikevicius et al. 2018, [arXiv:1710.03740](https://arxiv.org/abs/1710.03740) ·
# Zamirai et al. 2021, *Revisiting BFloat16 Training*, [arXiv:2010.06192](https://arxiv.org/abs/2010.06192)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {f"left_{name}": row["left"].mean() for name, row in results.items()}
metrics |= {f"test_white_{name}": row["test white"].mean() for name, row in results.items()}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (25).** 3 the ruler · 4 section 1 (vote first) · 5 exercise 1 · 5 section 2 (vote first) · 6 exercise 2 · 2
# wrap-up. **Ask before running:** does it help to make the same lost step twice? **Expect:** "rounding errors average out" (only
# those without direction); "the accuracy would show it".
