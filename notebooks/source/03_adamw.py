# %% [markdown]
# # 03 · AdamW
#
# **What changes under Adam, and what does AdamW really do?**
#
# `Adam(lr=0.002, weight_decay=0.01)` and `AdamW(lr=0.002, weight_decay=0.01)`: one letter apart, the same number. Two networks
# learn the same digits with them. Then somebody leaves the scanner's lid open, and every digit comes in a white margin instead
# of a black one. No training picture ever said anything about the margin.
#
# Which of the two still reads?
#
# *{minutes} minutes. You need lessons 01 and 02. At the end you can write both optimizers, and tell before training whether a
# recipe's weight decay does anything. Two questions to warm up:*
#
# <details><summary>What does SGD with weight_decay=λ minimize?</summary>The loss plus (λ/2)‖w‖², exactly.</details>
# <details><summary>Two settings differ by less than the interval of their difference. Which is better?</summary>
# Nobody knows: that is a tie.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 6  # [3, 64] training runs of each setting
number: float = 0.01  # [1e-4, 0.1] what both optimizers are given as weight_decay
numbers: list = [1e-3, 1e-2, 0.03, 0.1, 1.0, 3.0, 10.0]  # 3 to 9 rising values in [1e-6, 30]: what both are tuned over
strength: float = 0.3  # [0.05, 1] λ of the small experiment in section 4
n_steps: int = 5000  # [500, 50000] its steps
label_noise: float = 0.2  # [0, 0.5] share of wrong labels in the training digits
n_train: int = 300  # [60, 700] training digits
epochs: int = 60  # [2, 500] passes over them
lr: float = 2e-3  # [1e-4, 0.02] learning rate of both
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; digits in a black margin (16 x 16 pixels, black is 0), one label in five wrong, and the same digits in a white one
import functools
import math

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn
from torch.nn import functional
from torch.optim import Adam, AdamW

from course_utils.checks import lesson_03 as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.measure import accuracy, weight_norm
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import fit

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("03")

digits = load("digits", n_train=n_train, n_val=500, n_test=500, seed=seed, device=device)
black, white = digits.train[0].min(), (digits.train[0].max() - digits.train[0].min()).item()
train, val, test = ((functional.pad(x - black, (4, 4, 4, 4)), y) for x, y in (digits.train, digits.val, digits.test))
noise = torch.Generator().manual_seed(seed)
is_wrong = torch.rand(n_train, generator=noise) < label_noise
shift = torch.randint(1, 10, (n_train,), generator=noise) * is_wrong
train = (train[0], (train[1] + shift.to(device)) % 10)
never_lit = train[0].amax((0, 1)) == 0  # (16, 16): black in every training picture


def in_white(x):
    return x.masked_fill(never_lit, white)


# %% tags=["fold"]
# the situation: digits as they were trained, and as they come now
fig, axes = plt.subplots(1, 9, figsize=(8.6, 1.35), width_ratios=[1] * 4 + [0.5] + [1] * 4)
pictures = [*val[0][:4, 0], None, *in_white(val[0])[:4, 0]]
for ax, picture in zip(axes, pictures):
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=picture is not None, linewidth=0.5)
    if picture is not None:
        ax.imshow(picture.cpu(), cmap="gray", vmin=0, vmax=white)
axes[0].set_title("as in training", loc="left", fontsize=9)
axes[5].set_title("with the lid open", loc="left", fontsize=9)
show(
    fig,
    alt="Four grey digits in a black margin, and the same four digits in a white margin.",
    reading=f"Left, what the networks train on. Right, the same with all {int(never_lit.sum())} pixels white (of 256) that were "
    "black in every training picture.",
)

# %% [markdown]
# ## 1 · One letter
#
# The weights of those pixels multiply zeros in training, so the data send them **no gradient at all**. They start at random, as
# all weights do, and only weight decay can move them. (Some training labels are wrong, as in lesson 02.)


# %%
def build():
    return mlp(n_inputs=256, n_hidden=(64,))


def train_with(pairs):
    settings = [{"optimizer": kind, "weight_decay": decay, "lr": lr} for kind, decay in pairs]
    runs = [s | {"seed": seed + k} for s in settings for k in range(n_runs)]
    how_long = {"epochs": epochs, "batch_size": 50, "evaluate_every": epochs}
    _, networks = train_runs(build, train, val, runs, **how_long)
    return {pair: networks[i * n_runs : (i + 1) * n_runs] for i, pair in enumerate(pairs)}


trained = train_with([(Adam, number), (AdamW, number)])

# %% [markdown]
# **Predict.** In the white margin, which networks make clearly more mistakes than in the black one?

# %%
prediction = None  # "Adam", "AdamW", "both" or "neither"


# %% tags=["fold"]
# accuracy of every network in both margins; how long the weights of each pixel are, at the start and after training
@torch.no_grad()
def reads(networks, x, y):
    return np.array([accuracy(network.eval()(x), y) for network in networks])


@torch.no_grad()
def weights_of_pixels(network):
    return network[1].weight.norm(dim=0).view(16, 16).cpu()


torch.manual_seed(seed)
maps = {"at the start": build(), "after Adam": trained[Adam, number][0], "after AdamW": trained[AdamW, number][0]}
black_margin = {pair: reads(networks, *val) for pair, networks in trained.items()}
white_margin = {pair: reads(networks, in_white(val[0]), val[1]) for pair, networks in trained.items()}
lost = {kind.__name__: 100 * (black_margin[kind, number] - white_margin[kind, number]).mean() for kind in (Adam, AdamW)}

# %% tags=["fold"]
# figure: the weights of each pixel, and the accuracy in both margins
fig, axes = plt.subplots(1, 4, figsize=(9.2, 2.5), width_ratios=[1, 1, 1, 1.6])
for ax, (title, network) in zip(axes, maps.items()):
    picture = ax.imshow(weights_of_pixels(network), cmap="viridis", vmin=0, vmax=1.2)
    ax.set_title(title, fontsize=9)
    ax.axis("off")
fig.colorbar(picture, ax=axes[2], shrink=0.75, label="length of a pixel's weights")
ax = axes[3]
for k, kind in enumerate((Adam, AdamW)):
    pairs = [mean_and_interval(margin[kind, number])[:2] for margin in (black_margin, white_margin)]
    mean, half = np.transpose(pairs)
    ax.bar(np.arange(2) + 0.38 * k, mean, 0.36, yerr=half, label=f"{kind.__name__} (n = {n_runs})", hatch=["", "//"][k])
ax.set(xticks=[0.19, 1.19], xticklabels=["black margin", "white margin"], ylim=(0, 1.25), ylabel="new digits read")
ax.set_yticks(np.linspace(0, 1, 6))
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.set_title(f"lost: {lost['Adam']:.1f} points (Adam), {lost['AdamW']:.1f} (AdamW)", fontsize=9)
ax.legend(loc="upper center", ncols=2, fontsize=7)
outcome = {(True, True): "both", (True, False): "Adam", (False, True): "AdamW", (False, False): "neither"}
outcome = outcome[lost["Adam"] > 2, lost["AdamW"] > 2]
yours = f"You said {prediction}." if prediction else "No prediction: guess next time, it makes the number stick."
unused = {title: weights_of_pixels(network)[never_lit.cpu()].mean() for title, network in maps.items()}
show(
    fig,
    alt="Three maps of 16 by 16 pixels with the length of the weights, at the start, after Adam, after AdamW; bars of accuracy.",
    reading=f"More than two points are lost by: {outcome}. The weights of a pixel that was never lit are "
    f"{unused['at the start']:.2f} long at the start, {unused['after Adam']:.2f} after Adam, {unused['after AdamW']:.2f} after "
    f"AdamW. {yours}",
)

# %% tags=["fold"]
# claim 03.1: accuracy in the white margin, both optimizers with the same number
claims.compare(
    "03.1",
    "With the same weight_decay, Adam's networks read digits in the white margin better than AdamW's.",
    white_margin[Adam, number],
    white_margin[AdamW, number],
    names=("after Adam", "after AdamW"),
    unit="points",
    over="training runs on these digits",
)

# %% [markdown]
# ## 2 · Two lines apart
#
# Adam keeps two running averages, of the gradient $g$ and of its square. They start at zero; the hats undo that
# ($\hat m=m/(1-\beta_1^t)$). It steps by η along $d$, each weight's gradient measured by its own size:
#
# $$m\leftarrow\beta_1 m+(1-\beta_1)g,\qquad v\leftarrow\beta_2 v+(1-\beta_2)g^2,\qquad
# d=\hat m/(\sqrt{\hat v}+\varepsilon)$$


# %%
def adam_direction(g, state, betas=(0.9, 0.999), eps=1e-8):
    t = state["t"] = state.get("t", 0) + 1
    m = state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * g
    v = state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * g**2
    return m / (1 - betas[0] ** t) / ((v / (1 - betas[1] ** t)) ** 0.5 + eps)


# %% [markdown]
# ### Exercise 3.1 · Both optimizers
#
# Write one step and return the new weights. `direction(g)` gives Adam's $d$ for a gradient; call it once. `decoupled=False` is
# Adam on *the loss plus* (λ/2)‖w‖². `decoupled=True` is Adam on the bare loss, and, past Adam, each old weight loses the share
# that plain SGD would take from it (lesson 02). Your code will train networks below.
#
# <details><summary>Hint 1</summary>What is the gradient of (λ/2)‖w‖²? Adam knows no penalties, it sees gradients.</details>
# <details><summary>Hint 2</summary>Under plain SGD, one step multiplies a weight without gradient by a factor. Apply it to w, and
# step from there.</details>


# %% tags=["stub"]
def step(w, grad, direction, lr, weight_decay, decoupled): ...


checks.check_3_1(step)


# %% tags=["solution"]
def step(w, grad, direction, lr, weight_decay, decoupled):
    if decoupled:
        return (1 - lr * weight_decay) * w - lr * direction(grad)
    return w - lr * direction(grad + weight_decay * w)


checks.check_3_1(step)


# %% tags=["fold"]
# ours, in case yours is open; beside PyTorch's over 100 steps; and the two networks of section 1, trained by it
def ours(w, grad, direction, lr, weight_decay, decoupled):
    if decoupled:
        return (1 - lr * weight_decay) * w - lr * direction(grad)
    return w - lr * direction(grad + weight_decay * w)


passed = checks.check_3_1(step).startswith("passed")
move, whose = (step, "yours") if passed else (ours, "ours")


class Stepper(torch.optim.Optimizer):
    def __init__(self, parameters, lr, weight_decay, decoupled, loss_scale=1.0):
        super().__init__(parameters, dict(lr=lr, weight_decay=weight_decay, decoupled=decoupled))
        self.loss_scale = loss_scale

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            settings = [group[name] for name in ("lr", "weight_decay", "decoupled")]
            for p in group["params"]:
                direction = functools.partial(adam_direction, state=self.state[p])
                p.copy_(move(p.clone(), self.loss_scale * p.grad, direction, *settings))


def far_from_torch(kind, decoupled):
    generator, ends = torch.Generator().manual_seed(seed), []
    start, noise = torch.randn(8, generator=generator).double(), torch.randn(100, 8, generator=generator).double()
    for make in (lambda p: kind(p, lr=0.05, weight_decay=0.1), lambda p: Stepper(p, 0.05, 0.1, decoupled)):
        w = nn.Parameter(start.clone())
        optimizer = make([w])
        for z in noise:
            w.grad = (w + z).detach()
            optimizer.step()
        ends.append(w.detach())
    return (ends[0] - ends[1]).abs().max().item()


def train_by_step(decoupled, loss_scale=1.0):
    torch.manual_seed(seed)
    network = build().to(device)
    optimizer = Stepper(network.parameters(), lr, number, decoupled, loss_scale)
    fit(network, train, val, optimizer, epochs=epochs, batch_size=50, seed=seed, evaluate_every=epochs, progress=False)
    return network


by_step = {decoupled: train_by_step(decoupled) for decoupled in (False, True)}
for kind, decoupled in ((Adam, False), (AdamW, True)):
    ways = [by_step[decoupled], trained[kind, number][0]]
    a, b = (100 * reads([network], in_white(val[0]), val[1])[0] for network in ways)
    print(f"{whose}, decoupled={decoupled!s:5}: within {far_from_torch(kind, decoupled):.0e} of torch.optim.{kind.__name__}; "
          f"reads {a:.1f} % in white ({kind.__name__}: {b:.1f} %)")  # fmt: skip

# %% [markdown]
# So `torch.optim.Adam(weight_decay=λ)` **is** the L2 penalty, as under SGD. What decouples is the other class. Shrinking weights
# by a factor, past the gradient, is how weight decay was first described (Hanson and Pratt 1988); Loshchilov and Hutter (2019)
# brought it to Adam.
#
# ## 3 · How fast?
#
# A gradient may also be there and average out to nothing: noise of size σ. Such a weight should fade as well. Take three, as loud
# as gradients in your network are (measured pixel by pixel at the start of training), beside one without any gradient. The mean
# over many copies shows the decay beneath the noise.

# %% tags=["fold"]
# the size of gradients in the network, pixel by pixel; one in ten pixels is quieter than "quiet", one in ten louder than "loud"
torch.manual_seed(seed)
network, squares = build().to(device), []
order = torch.randperm(n_train, generator=torch.Generator().manual_seed(seed)).to(device)
for index in order.split(50):
    network.zero_grad()
    functional.cross_entropy(network(train[0][index]), train[1][index]).backward()
    squares.append(network[1].weight.grad.square().mean(0))
per_pixel = torch.stack(squares).mean(0).sqrt().cpu().double()
quiet, medium, loud = torch.quantile(per_pixel[per_pixel > 0], torch.tensor([0.1, 0.5, 0.9]).double()).tolist()
sigmas = torch.tensor([0.0, quiet, medium, loud]).double()
print(f"size of gradients, root mean square: quiet {quiet:.1g}, medium {medium:.1g}, loud {loud:.1g}")


# %%
def fade(decoupled, n_steps, n_copies=200):
    w, state, path = torch.ones(n_runs, n_copies, 4).double() / 16, {}, []
    for _ in range(n_steps):
        z = torch.randn(n_runs, n_copies // 2, 4).double()
        noise = sigmas * torch.cat([z, -z], dim=1)  # every copy has a twin with the opposite noise
        w = move(w, noise, lambda g: adam_direction(g, state), lr, number, decoupled)
        path.append(16 * w.mean(1))
    return torch.stack(path).numpy()  # (steps, sets of copies, weights): the share that is left


# %% [markdown]
# **Predict.** Under Adam with L2, which of the two fades faster, the quiet one or the loud one?

# %%
prediction = None  # "quiet", "loud" or "alike"


# %% tags=["fold"]
# figure: what is left of the four weights, step by step
def share(x):
    return f"{max(x, 0):.0%}"


torch.manual_seed(seed)
n_updates = epochs * (n_train // min(50, n_train))
paths = {"Adam with L2": fade(False, n_updates), "AdamW": fade(True, n_updates)}
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3), sharey=True)
for ax, (title, path) in zip(axes, paths.items()):
    end = path[-1].mean(0)
    for k, (label, line) in enumerate(zip(("no gradient", "quiet", "medium", "loud"), ("-", "--", "-.", ":"))):
        ax.plot(path[:, :, k].mean(1), linestyle=line, label=f"{label}: {share(end[k])} left")
    ax.set(xlabel="step", title=f"{title}: {share(end.min())} to {share(end.max())} left")
    ax.legend(loc=(0.42, 0.12))
axes[0].set_ylabel("share of the weight left")
axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
end = paths["Adam with L2"][-1].mean(0)
outcome = "alike" if abs(end[1] - end[3]) < 0.05 else "quiet" if end[1] < end[3] else "loud"
first = paths["Adam with L2"][:, :, 0].mean(1)
fate = f"is gone after {np.argmax(first < 0.01)} steps" if first.min() < 0.01 else f"has {first[-1]:.0%} left"
show(
    fig,
    alt="Two panels of the share of four weights against the step: four separate curves under Adam with L2; under AdamW one "
    "bundle.",
    reading=f"Under Adam with L2 the weight without gradient {fate}, and of the others fades faster: "
    f"{outcome} (quiet {share(end[1])}, loud {share(end[3])} left). AdamW leaves {paths['AdamW'][-1].mean():.1%} of each. "
    + (f"You said {prediction}." if prediction else ""),
)


# %% tags=["fold"]
# claim 03.2: the rate of the loud weight, in units of ηλ/σ
def rate(path):
    until = max(1, int((path.mean(1) > 0.3).sum()))  # while enough is left to be seen above the noise
    return -np.log(path[until - 1]) / until


unit = lr * number / loud
claims.within(
    "03.2",
    "Adam with L2 shrinks a weight under noise by ηλ/σ a step, the loud ones least.",
    rate(paths["Adam with L2"][:, :, 3]) / unit,
    1.0,
    0.1,
    control=rate(paths["AdamW"][:, :, 3]) / unit,
    unit="× ηλ/σ",
    over="sets of 200 copies",
    source="Loshchilov & Hutter 2019, arXiv:1711.05101, section 3",
)

# %% [markdown]
# Adam divides all that comes in by $\sqrt{\hat v}\approx\sigma$, the penalty's λw too: **ηλ/σ** of a weight a step. Where the
# data are silent, λw is all there is; divided by its own size it is about ±1, and the weight marches to zero by η a step,
# *whatever λ is*. AdamW takes **ηλ** of every weight, loud or silent, and the margin must wait until that adds up.
#
# ## 4 · Where does it end?
#
# How fast is not where to. Adam with L2 has its goal from the start, the minimum of loss + (λ/2)‖w‖², and slow weights get there
# too. AdamW's goal depends on the gradients:
#
# | gradients | AdamW rests at the minimum of | Adam with L2 |
# | --- | --- | --- |
# | exact: full batch, trained without end | **bare loss**, in the box $\lvert w_j\rvert\le1/\lambda$ | loss + (λ/2)‖w‖² |
# | drowned in noise of size $\sigma_j$ | loss + (λ/2) $\sum_j\sigma_j w_j^2$ | loss + (λ/2)‖w‖² |
#
# The box is due to Xie and Li (2024), the penalty to Loshchilov and Hutter (Proposition 3), and that takes one line: on average
# AdamW moves a weight by $-\eta\,(g/\sigma_j+\lambda w_j)$, and the bracket is the gradient of that sum, divided by $\sigma_j$.
# So the loudest weight has the largest penalty.
#
# **Predict.** Linear regression, true weights 1, three features: quiet, medium, loud. Whose weight does AdamW shrink *most*?

# %%
prediction = None  # "quiet", "medium" or "loud"

# %%
scales = torch.tensor([0.3, 1.0, 3.0]).double()  # of three features; the true weights are all 1


def gradients(w, exact):
    if exact:
        return scales**2 * (w - 1)
    x = scales * torch.randn(w.shape).double()  # one example for each copy
    error = (x * (w - 1)).sum(-1, keepdim=True) - 3 * torch.randn(w.shape[:-1]).double()[..., None]
    return x * error


# %% tags=["fold"]
# descend with your step: exact gradients for several λ, and noisy ones at the λ of the parameters
def descend_exactly(decoupled, strength):
    w, state, n = torch.zeros(3).double(), {}, max(1000, n_steps // 3)
    direction = functools.partial(adam_direction, state=state, betas=(0.9, 0.99))
    for t in range(n):
        rate = 5e-3 * (1 + math.cos(math.pi * t / n))
        w = move(w, gradients(w, exact=True), direction, rate, strength, decoupled)
    return w


def descend(decoupled, n_copies=40):
    w, state, total, square = torch.zeros(n_runs, n_copies, 3).double(), {}, 0, 0
    for t in range(n_steps):
        g = gradients(w, exact=False)
        w = move(w, g, functools.partial(adam_direction, state=state), 3e-3, strength, decoupled)
        if t >= n_steps // 2:
            total, square = total + w, square + g**2
    half = n_steps - n_steps // 2
    return (total / half).mean(1).numpy(), (square / half).mean((0, 1)).sqrt()  # (sets of copies, features); σ of each feature


torch.manual_seed(seed)
strengths = np.array([0.03, 0.1, 0.3, 0.6, 2.0, 5.0, 10.0])
ways = {"Adam with L2": False, "AdamW": True}
rests = {title: [descend_exactly(decoupled, float(s))[1].item() for s in strengths] for title, decoupled in ways.items()}
(kept, sizes) = zip(*[descend(decoupled) for decoupled in ways.values()])
kept, sizes = dict(zip(ways, kept)), dict(zip(ways, sizes))
curvature = (scales**2).numpy()
ridge, scaled = curvature / (curvature + strength), curvature / (curvature + strength * sizes["AdamW"].numpy())

# %% tags=["fold"]
# figure: where both rest, without noise and with it
fig, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.2))
fine = np.logspace(-1.5, 1, 200)
left.plot(fine, curvature[1] / (curvature[1] + fine), "-", color="C0", label="minimum of loss + (λ/2)‖w‖²")
left.plot(fine, np.minimum(1, 1 / fine), "--", color="C1", label="minimum of the loss in the box")
for (title, ends), marker, color in zip(rests.items(), "os", ("C0", "C1")):
    left.plot(strengths, ends, marker, color=color, label=title)
left.set(xscale="log", xlabel="λ", ylabel="where the medium weight rests", title="exact gradients: a penalty, and a box")
left.legend(fontsize=7)
positions = np.arange(3)
for (title, shares), marker, color, formula in zip(kept.items(), "os", ("C0", "C1"), (ridge, scaled)):
    mean, half = np.transpose([mean_and_interval(column)[:2] for column in shares.T])
    right.errorbar(positions, mean, half, fmt=marker, color=color, capsize=3, label=f"{title} (n = {n_runs})")
    right.plot(positions, formula, "-" if title != "AdamW" else "--", color=color, linewidth=1)
right.set(xticks=positions, xticklabels=[f"{name}\nσ = {s:.1f}" for name, s in zip(("quiet", "medium", "loud"), sizes["AdamW"])])
right.set(ylim=(0, 1.05), ylabel="share of the weight kept")
most = ("quiet", "medium", "loud")[int(kept["AdamW"].mean(0).argmin())]
right.set_title(f"noise, λ = {strength:g}: AdamW shrinks the {most} one most")
right.legend(loc="lower right")
a, b = kept["AdamW"].mean(0), kept["Adam with L2"].mean(0)
show(
    fig,
    alt="Left, where a weight rests against λ: Adam with L2 on the curve of the penalty, AdamW flat at one and then on 1/λ. "
    "Right, the share kept of three weights under noise, measured, on lines for the two penalties.",
    reading=f"Under noise AdamW keeps {a[0]:.0%}, {a[1]:.0%}, {a[2]:.0%} of the three weights, Adam with L2 {b[0]:.0%}, "
    f"{b[1]:.0%}, {b[2]:.0%}. AdamW shrinks the {most} one most." + (f" You said {prediction}." if prediction else ""),
)

# %% tags=["fold"]
# claims 03.3 and 03.4: the penalty under noise, and whom it shrinks most
claims.within(
    "03.3",
    "Under noise AdamW's weights rest where a penalty λσ for each says: largest deviation of the three.",
    np.abs(kept["AdamW"] - scaled).max(1),
    0.0,
    0.04,
    control=np.abs(kept["AdamW"] - ridge).max(1),
    unit="points",
    over="sets of 40 copies",
    source="Loshchilov & Hutter 2019, arXiv:1711.05101, Proposition 3",
)
claims.compare(
    "03.4",
    "And yet it is the loud feature, with the largest penalty, that AdamW shrinks least.",
    kept["AdamW"][:, 2],
    kept["AdamW"][:, 0],
    names=("kept of the loud weight", "of the quiet one"),
    unit="points",
    over="sets of 40 copies",
)

# %% [markdown]
# The largest penalty is not the largest shrinkage. A loud feature also has a steep loss: with curvature h the share
# $h/(h+\lambda\sigma)$ is kept, and h grows with the square of a feature, σ with the feature. Real training lies between the two
# rows.
#
# ## 5 · The pre-flight reading
#
# What AdamW's decay *can* do is known before the first batch. In PyTorch λ is multiplied by the learning rate of each step,
# warm-up and cosine included.
#
# ### Exercise 3.2 · Read a foreign recipe
#
# Given the learning rates of all steps and λ, which share of an unused weight does AdamW leave? Your function will then read a
# much-copied recipe, Hugging Face's guide to text classification: `learning_rate=2e-5`, `weight_decay=0.01`, two epochs of
# 25,000 reviews in batches of 16, the learning rate falling linearly to 0. Guess what it leaves: half, 95 %, more than 99 %?
#
# <details><summary>Hint 1</summary>One step multiplies the weight by a number. Which one?</details>
# <details><summary>Hint 2</summary>`math.prod` multiplies all numbers of a list.</details>


# %% tags=["stub"]
def share_left(lrs, weight_decay): ...


checks.check_3_2(share_left)


# %% tags=["solution"]
def share_left(lrs, weight_decay):
    return math.prod(1 - lr * weight_decay for lr in lrs)


checks.check_3_2(share_left)


# %% tags=["fold"]
# ours, in case yours is open; the guide beside this lesson's run and two that trained known models
def product(lrs, weight_decay):
    return math.prod(1 - lr * weight_decay for lr in lrs)


reading = share_left if checks.check_3_2(share_left).startswith("passed") else product


def cosine(peak, n, n_warmup, floor=0.0):
    fall = 0.5 + 0.5 * np.cos(np.pi * np.arange(n - n_warmup) / (n - n_warmup))
    return [*(peak * np.arange(1, n_warmup + 1) / n_warmup), *(peak * (floor + (1 - floor) * fall))]


n = 2 * math.ceil(25_000 / 16)
guide = [2e-5 * (1 - t / n) for t in range(n)]
here = [lr] * n_updates
per_epoch = 1_281_167 // 4096
recipes = {
    "fine-tuning guide, λ = 0.01": (guide, 0.01),
    f"section 1, AdamW, λ = {number:g}": (here, number),
    "LLaMA, λ = 0.1": (cosine(3e-4, 250_000, 2000, 0.1), 0.1),
    "ConvNeXt, λ = 0.05": (cosine(4e-3, 300 * per_epoch, 20 * per_epoch), 0.05),
}
for name, (lrs, decay) in recipes.items():
    print(f"{name:27} {len(lrs):7,} steps   Σηλ = {decay * sum(lrs):8.2g}   leaves {float(reading(lrs, decay)):.4%}")

# %% [markdown]
# Σηλ is the *dose*; about exp(-Σηλ) is left. Is the guide's decay a placebo? Give our networks exactly its dose, and count new
# digits that they answer differently from their twins without decay. A test that finds nothing must show that it *can* find
# something: beside it runs the dose that leaves 10 %.

# %%
dose = {"none": 0.0, "the guide's": 0.01 * sum(guide), "for 10 %": math.log(10)}
lambdas = {name: exponent / sum(here) for name, exponent in dose.items()}
trained |= train_with([(AdamW, decay) for decay in lambdas.values()])

# %% tags=["fold"]
# answers changed, and accuracy in both margins, at each dose
with torch.no_grad():
    answers = {name: torch.stack([m.eval()(val[0]).argmax(-1) for m in trained[AdamW, lambdas[name]]]) for name in lambdas}
changed = {name: (answers[name] != answers["none"]).double().mean(1).cpu().numpy() for name in lambdas}
at_dose = {name: reads(trained[AdamW, decay], *val) for name, decay in lambdas.items()}
in_white_at_dose = {name: reads(trained[AdamW, decay], in_white(val[0]), val[1]) for name, decay in lambdas.items()}
for name, decay in lambdas.items():
    print(f"{name:12} λ = {decay:7.2g}, leaves {float(reading(here, decay)):7.2%}; answers changed {changed[name].mean():6.2%}; "
          f"read in black {at_dose[name].mean():.1%}, in white {in_white_at_dose[name].mean():.1%}")  # fmt: skip

# %% tags=["fold"]
# claims 03.5 and 03.6: the placebo, and the same count at a dose that works
claims.same(
    "03.5",
    "At the fine-tuning guide's dose AdamW's weight decay leaves accuracy where it is, to within a point.",
    at_dose["the guide's"],
    at_dose["none"],
    margin=0.01,
    names=("with that dose", "without decay"),
    unit="points",
    over="training runs on these digits",
)
claims.compare(
    "03.6",
    "The dose that leaves 10 % of an unused weight changes more than three times as many answers as the guide's.",
    changed["for 10 %"],
    changed["the guide's"],
    factor=3.0,
    names=("changed by the dose for 10 %", "by the guide's"),
    unit="points",
    over="training runs on these digits",
)

# %% [markdown]
# (The guide fine-tunes a large transformer; what carries over to it is the dose, not the accuracies.) PyTorch's default of AdamW,
# λ = 0.01, is section 1.
#
# ## 6 · Each at its best
#
# The same number is not the same dose. So tune both, on validation digits in the black margin, as one would.

# %%
grid = [(kind, decay) for kind in (Adam, AdamW) for decay in numbers]
trained |= train_with([pair for pair in grid if pair not in trained])

# %% tags=["fold"]
# figure: accuracy in both margins against the number, both optimizers
black_margin = {pair: reads(trained[pair], *val) for pair in grid}
white_margin = {pair: reads(trained[pair], in_white(val[0]), val[1]) for pair in grid}
best = {kind: max(numbers, key=lambda decay: black_margin[kind, decay].mean()) for kind in (Adam, AdamW)}
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3), sharey=True)
there = [white_margin[kind, best[kind]].mean() for kind in (Adam, AdamW)]
titles = [f"black margin: best at {best[Adam]:g} and {best[AdamW]:g}", f"white margin, there: {there[0]:.0%} and {there[1]:.0%}"]
for ax, scores, title in zip(axes, (black_margin, white_margin), titles):
    for kind, line, marker in ((Adam, "-", "o"), (AdamW, "--", "s")):
        mean, half = np.transpose([mean_and_interval(scores[kind, decay])[:2] for decay in numbers])
        ax.errorbar(numbers, mean, half, linestyle=line, marker=marker, capsize=2, label=f"{kind.__name__} (n = {n_runs})")
    ax.set(xscale="log", xlabel="the number given as weight_decay", title=title)
axes[0].set_ylabel("validation digits read")
axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
axes[0].legend(loc="lower left")
tuned = {kind: reads(trained[kind, best[kind]], *test) for kind in (Adam, AdamW)}
at_edge = {kind: " (an end of the grid)" if best[kind] in (numbers[0], numbers[-1]) else "" for kind in best}
without = reads(trained[AdamW, 0.0], *test).mean()
gap, half, _ = mean_and_interval(100 * (tuned[AdamW] - tuned[Adam]))
verdict = "a tie" if abs(gap) <= half else "AdamW is ahead" if gap > 0 else "Adam is ahead"
tuned_white = {kind: reads(trained[kind, best[kind]], in_white(test[0]), test[1]).mean() for kind in tuned}
strong = lambdas["for 10 %"]
largest = max(p.abs().max().item() for network in trained[AdamW, strong] for p in network.parameters())
show(
    fig,
    alt="Accuracy against weight_decay for Adam and AdamW, in the black and in the white margin.",
    reading=f"Validation chooses {best[Adam]:g}{at_edge[Adam]} for Adam and {best[AdamW]:g}{at_edge[AdamW]} for AdamW. On test "
    f"digits they then read {tuned[Adam].mean():.1%} and {tuned[AdamW].mean():.1%} ({without:.1%} without decay); AdamW minus "
    f"Adam is {gap:+.1f} ± {half:.1f} points: {verdict}. In the white margin they read {tuned_white[Adam]:.1%} (Adam) and "
    f"{tuned_white[AdamW]:.1%} (AdamW). (The box wants full batches and no end; here, at λ = {strong:.2g}, the largest "
    f"of AdamW's weights is {largest:.2f}, and 1/λ is {1 / strong:.2f}.)",
)

# %% tags=["fold"]
# claim 03.7: the best number of each optimizer, chosen run by run
scores = {kind: np.array([black_margin[kind, decay] for decay in numbers]) for kind in (Adam, AdamW)}
best_of_run = {kind: np.log10(np.array(numbers)[table.argmax(0)]) for kind, table in scores.items()}
claims.compare(
    "03.7",
    "The weight_decay that is best for AdamW is here more than ten times the best for Adam.",
    best_of_run[AdamW],
    best_of_run[Adam],
    margin=1.0,
    names=("log10 of AdamW's best", "of Adam's"),
    unit="decades",
    over="training runs on these digits",
)

# %% [markdown]
# Other digits may crown the other one: try another `seed`. And small networks decide nothing about large ones: on image
# classification Loshchilov and Hutter report 15 % relative improvement in test error over Adam with L2. What carries over: a
# weight decay without its optimizer, its learning rates and its steps is a number without a unit.
#
# ## 7 · Which parameters decay?
#
# Not all, by custom: Goyal et al. (2017) spare BatchNorm's scales and shifts, and in GPT-1 "all non bias or gain weights" decay.
# A popular rule takes one line: what has at least two axes decays. Before you trust it, look at a model that holds what real
# ones hold:

# %% tags=["fold"]
# names and shapes of the planted model's parameters
model = checks.planted_model()
for name, p, module in checks.parameters_with_owner(model):
    print(f"{name:26} {' × '.join(map(str, p.shape)):15} {type(module).__name__}")

# %% [markdown]
# ### Exercise 3.3 · A rule
#
# From a parameter's full name, the parameter and the module that owns it, say whether it decays. Matrices and kernels of linear
# layers, convolutions, attention and embeddings do; biases, scales of norms and layers, slopes, tokens and position tables do
# not.
#
# <details><summary>Hint 1</summary>Axes, name and type: each alone is fooled by some line of the list. By which?</details>
# <details><summary>Hint 2</summary>Among the names that end in "weight", which are no matrices? `isinstance(module, ...)` knows
# one kind, `parameter.dim()` the rest.</details>


# %% tags=["stub"]
def decays(name, parameter, module): ...


checks.check_3_3(decays)


# %% tags=["solution"]
def decays(name, parameter, module):
    is_norm = isinstance(module, (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, nn.BatchNorm2d))
    return name.endswith("weight") and parameter.dim() >= 2 and not is_norm


checks.check_3_3(decays)


# %% tags=["fold"]
# ours, in case yours is open
def by_axes_name_and_type(name, parameter, module):
    is_norm = isinstance(module, (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, nn.BatchNorm2d))
    return name.endswith("weight") and parameter.dim() >= 2 and not is_norm


passed = checks.check_3_3(decays).startswith("passed")
rule, whose_rule = (decays, "your") if passed else (by_axes_name_and_type, "our")

# %% [markdown]
# No rule is safe for all models: ConvNeXt's layer scales, vision transformers' class tokens and norms over pictures beat counting
# axes; a norm of your own making would beat this rule. Whatever you use, print once what it does:

# %%
for name, p, module in checks.parameters_with_owner(model):
    if rule(name, p, module) != (p.dim() >= 2):
        print(f"{name:20} decays by the number of axes, not by {whose_rule} rule")

# %% [markdown]
# ## 8 · When it goes wrong
#
# **Sum or mean?** A loss summed over the batch of 50 (or gradients accumulated and never divided) is 50 times as large. Adam's
# direction ignores the factor. And the two decays?

# %%
for decoupled in (False, True):
    norms = [weight_norm(network) for network in (by_step[decoupled], train_by_step(decoupled, 50))]
    print(f"decoupled={decoupled!s:5} all weights: {norms[0]:.2f} (mean), {norms[1]:.2f} (sum)")

# %% [markdown]
# The penalty is now 50 times smaller beside the loss, and no error says so; AdamW's decay never meets the loss.
#
# **Resuming brings the old number back.** An optimizer's state holds its settings too:

# %%
w = nn.Parameter(torch.ones(1))
resumed = AdamW([w], weight_decay=0.3)
resumed.load_state_dict(AdamW([w], weight_decay=0.01).state_dict())
print("asked for 0.3, decays with", resumed.param_groups[0]["weight_decay"])

# %% [markdown]
# **No gradient is not a zero gradient.** A parameter whose `.grad` is `None` is skipped, decay included; the margin above had
# zeros.
#
# ## What to take along
#
# * Adam's `weight_decay` is a penalty that Adam divides: silent weights go first, loud ones last. AdamW takes ηλ of each.
# * Where AdamW rests depends on noise: a penalty λσ, or only a box.
# * Before training, add up Σηλ. At 0.01 AdamW's decay takes one percent of a weight, in the whole run.
# * Print what decays and what does not.
#
# **On your own model:** `sum(lrs) * weight_decay`, with the learning rates that your scheduler really gives; then look at one
# number, `share_left`.
#
# **References.** Kingma, Ba 2015, [arXiv:1412.6980](https://arxiv.org/abs/1412.6980) ·
# Loshchilov, Hutter 2019, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101) ·
# Xie, Li 2024, [arXiv:2404.04454](https://arxiv.org/abs/2404.04454) ·
# Hanson, Pratt 1988, *Comparing Biases for Minimal Network Construction with Back-Propagation*, NIPS ·
# further: Zhuang et al. 2022, [arXiv:2202.00089](https://arxiv.org/abs/2202.00089), and, on λ as a time scale,
# Wang, Aitchison 2025, [arXiv:2405.13698](https://arxiv.org/abs/2405.13698) · recipes:
# [the guide](https://huggingface.co/docs/transformers/tasks/sequence_classification),
# LLaMA 2023, [arXiv:2302.13971](https://arxiv.org/abs/2302.13971), ConvNeXt 2022,
# [arXiv:2201.03545](https://arxiv.org/abs/2201.03545) ·
# groups: Goyal et al. 2017, [arXiv:1706.02677](https://arxiv.org/abs/1706.02677), section 5.1; Radford et al. 2018 (GPT-1)
#
# **Next:** [04 · Dropout](04_dropout.ipynb).

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
display(claims.table())
metrics = {"lost_adam": lost["Adam"], "lost_adamw": lost["AdamW"], "best_adam": best[Adam], "best_adamw": best[AdamW]}
metrics |= {"tuned_gap": gap, "changed_by_guide": changed["the guide's"].mean(), "changed_at_10": changed["for 10 %"].mean()}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (40).** 5 hook and prediction 1 · 10 exercise 3.1, in pairs · 5 section 3 (vote first) · 6 section 4 · 6 exercise
# 3.2 and the placebo · 5 exercise 3.3 · 3 wrap-up. **When short:** sections 6 and 8 are reading.
# **Ask before running:** which gradient does a weight get whose input is always 0? What would the map look like without decay?
# **Expect:** "AdamW decays more, it is the stronger one"; "the decay goes into the gradient, times lr"; "more axes, more decay".
