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
strong: float = 3.0  # [0.5, 5] λ of the runs that section 6 compares
longer: int = 4  # [2, 6] how many times as long some of them train
strength: float = 0.3  # [0.05, 1] λ of the small experiment in section 4
noise_size: float = 3.0  # [0.3, 10] size of the noise on its targets
n_steps: int = 5000  # [500, 50000] its steps
label_noise: float = 0.2  # [0, 0.5] share of wrong labels in the training digits
n_train: int = 300  # [60, 700] training digits
epochs: int = 40  # [2, 500] passes over them
lr: float = 2e-3  # [1e-4, 0.02] learning rate of both
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; digits in a black margin (16 x 16 pixels, black is 0), one label in five wrong, and the same digits in a white one
import copy
import functools
import math

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn
from torch.nn import functional
from torch.optim import SGD, Adam, AdamW

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
    reading=f"Left, what the networks train on (inverted scans). Right, the same with all {int(never_lit.sum())} pixels white "
    f"(of 256; {int(never_lit[4:12, 4:12].sum())} of them in the digits' own field) that were black in every training picture.",
)

# %% [markdown]
# ## 1 · One letter
#
# The weights of those pixels multiply zeros in training, so the data send them **no gradient at all**. They start at random, and
# only weight decay can move them. (Some training labels are wrong, as in lesson 02.)


# %%
def build():
    return mlp(n_inputs=256, n_hidden=(64,))


# %% tags=["fold"]
# train_with: n_runs networks for each pair of an optimizer and its weight_decay
def train_with(pairs, epochs=epochs):
    settings = [{"optimizer": kind, "weight_decay": decay, "lr": lr} for kind, decay in pairs]
    runs = [s | {"seed": seed + k} for s in settings for k in range(n_runs)]
    how_long = {"epochs": epochs, "batch_size": 50, "evaluate_every": epochs}
    _, networks = train_runs(build, train, val, runs, **how_long)
    return {pair: networks[i * n_runs : (i + 1) * n_runs] for i, pair in enumerate(pairs)}


# %%
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
lit = (train[0] > 0).double().mean((0, 1)).cpu()  # (16, 16): share of the training pictures that light a pixel
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
fig.colorbar(picture, ax=axes[2], shrink=0.75, extend="max", label="length of a pixel's weights")
ax = axes[3]
for k, kind in enumerate((Adam, AdamW)):
    pairs = [mean_and_interval(margin[kind, number])[:2] for margin in (black_margin, white_margin)]
    mean, half = np.transpose(pairs)
    ax.bar(np.arange(2) + 0.38 * k, mean, 0.36, yerr=half, label=f"{kind.__name__} (n = {n_runs})", hatch=["", "//"][k])
ax.set(xticks=[0.19, 1.19], xticklabels=["black margin", "white margin"], ylim=(0, 1.25), ylabel="new digits read")
ax.set_yticks(np.linspace(0, 1, 6))
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
in_white_now = [white_margin[kind, number].mean() for kind in (Adam, AdamW)]
ax.set_title(f"white margin: {in_white_now[0]:.0%} and {in_white_now[1]:.0%}", fontsize=9)
ax.legend(loc="upper center", ncols=2, fontsize=7)
outcome = {(True, True): "both", (True, False): "Adam", (False, True): "AdamW", (False, False): "neither"}
outcome = outcome[lost["Adam"] > 2, lost["AdamW"] > 2]
yours = f"You said {prediction}." if prediction else "No prediction: guess next time, it makes the number stick."
unused = {title: weights_of_pixels(network)[never_lit.cpu()].mean() for title, network in maps.items()}
emptied = copy.deepcopy(trained[AdamW, number])
for network in emptied:
    network[1].weight.data[:, never_lit.flatten()] = 0
without_them = reads(emptied, in_white(val[0]), val[1]).mean()
is_long = weights_of_pixels(maps["after AdamW"]) > 1.2
often, seldom = lit[(lit > 0) & ~is_long].median(), lit[is_long].median()
rim = ""
if seldom < often:
    rim = f" The yellow rim: pixels seldom lit (in {seldom:.0%} of the pictures, the median; the other lit ones: {often:.0%}); "
    rim += "section 3 says why."
show(
    fig,
    alt="Three maps of 16 by 16 pixels with the length of the weights, at the start, after Adam, after AdamW; bars of accuracy.",
    reading=f"Maps: one network each; bars: validation digits. More than two points are lost by: {outcome}. Weights of pixels "
    f"never lit: {unused['at the start']:.2f} long at the start, {unused['after Adam']:.2f} after Adam, "
    f"{unused['after AdamW']:.2f} after AdamW. Where they are left, {int(never_lit.sum())} white pixels times random weights "
    f"push every hidden unit: set these weights of AdamW's networks to zero, and they read {without_them:.0%}.{rim} {yours}",
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
    t, m, v = state.get("t", 0) + 1, state.get("m", 0), state.get("v", 0)
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g**2
    state.update(t=t, m=m, v=v)
    return m / (1 - betas[0] ** t) / ((v / (1 - betas[1] ** t)) ** 0.5 + eps)


# %% [markdown]
# ### Exercise 3.1 · Both optimizers
#
# Write one step and return the new weights. `direction(g)` gives Adam's $d$ for a gradient; each call advances its averages, so
# call it once. `decoupled=False` is Adam on *the loss plus* (λ/2)‖w‖². `decoupled=True` is Adam on the bare loss; besides,
# without passing through `direction`, each old weight loses the share that plain SGD would take from it (lesson 02). Your code
# will train networks below.
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
# ours, in case yours is open; beside PyTorch's over 100 steps; and two networks of section 1, trained by it
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


def train_by_step(decoupled, weight_decay=number, loss_scale=1.0):
    torch.manual_seed(seed)
    network = build().to(device)
    optimizer = Stepper(network.parameters(), lr, weight_decay, decoupled, loss_scale)
    fit(network, train, val, optimizer, epochs=epochs, batch_size=50, seed=seed, evaluate_every=epochs, progress=False)
    return network


by_step = {decoupled: train_by_step(decoupled) for decoupled in (False, True)}
for kind, decoupled in ((Adam, False), (AdamW, True)):
    ways = [by_step[decoupled], trained[kind, number][0]]
    a, b = (100 * reads([network], in_white(val[0]), val[1])[0] for network in ways)
    print(f"{whose}, decoupled={decoupled!s:5}: within {far_from_torch(kind, decoupled):.0e} of torch.optim.{kind.__name__}; "
          f"the first network reads {a:.1f} % in white ({kind.__name__}: {b:.1f} %)")  # fmt: skip

# %% [markdown]
# In one line each, Adam with L2: $w\leftarrow w-\eta\,d(g+\lambda w)$; AdamW: $w\leftarrow(1-\eta\lambda)\,w-\eta\,d(g)$.
#
# So `torch.optim.Adam(weight_decay=λ)` **is** the L2 penalty, as under SGD. What decouples is the other class (Loshchilov and
# Hutter 2019).
#
# ## 3 · How fast?
#
# A gradient may also be there and average out to nothing: noise of size σ. Such a weight should fade as well. Take a quiet and
# a loud one (the 10 % and the 90 % pixel of your network's gradients) beside a silent one without any gradient. All start at
# 1/16, the largest that PyTorch draws.

# %% tags=["fold"]
# the size of gradients at the start, pixel by pixel; one in ten lit pixels is quieter than "quiet", one in ten louder than "loud"
torch.manual_seed(seed)
network, squares = build().to(device), []
order = torch.randperm(n_train, generator=torch.Generator().manual_seed(seed)).to(device)
for index in order.split(50):
    network.zero_grad()
    functional.cross_entropy(network(train[0][index]), train[1][index]).backward()
    squares.append(network[1].weight.grad.square().mean(0))
per_pixel = torch.stack(squares).mean(0).sqrt().cpu().double()
quiet, loud = torch.quantile(per_pixel[per_pixel > 0], torch.tensor([0.1, 0.9]).double()).tolist()
sigmas = torch.tensor([0.0, quiet, loud]).double()
n_updates = epochs * (n_train // min(50, n_train))
print(f"σ, the size of gradients at the start: quiet {quiet:.2g}, loud {loud:.2g}; η = {lr:g}, λ = {number:g}, {n_updates} steps")


# %% [markdown]
# **Predict.** Of which of the three does Adam with L2 leave most?

# %%
prediction = None  # "silent", "quiet" or "loud"


# %% tags=["fold"]
# let many copies of the three weights walk by your step (`move` is yours where it passed)
def fade(decoupled, n_steps, n_copies=200):
    w, state, path = torch.ones(n_runs, n_copies, 3).double() / 16, {}, []
    for _ in range(n_steps):
        z = torch.randn(n_runs, n_copies // 2, 3).double()
        noise = sigmas * torch.cat([z, -z], dim=1)  # pairs of opposite noise: their mean is calm
        w = move(w, noise, lambda g: adam_direction(g, state), lr, number, decoupled)
        path.append(16 * w.mean(1))
    return torch.stack(path).numpy()  # (steps, sets of copies, weights): the share left


# %% tags=["fold"]
# figure: what is left of the three weights, step by step
def share(x):
    return f"{max(x, 0):.0%}"


torch.manual_seed(seed)
paths = {"Adam with L2": fade(False, n_updates), "AdamW": fade(True, n_updates)}
fig, ax = plt.subplots(figsize=(6.8, 3.2))
ends = {title: path[-1].mean(0) for title, path in paths.items()}
for k, (label, line) in enumerate(zip(("silent", "quiet", "loud"), ("-", "--", "-."))):
    left = f"Adam with L2, {label}: {share(ends['Adam with L2'][k])} left"
    ax.plot(paths["Adam with L2"][:, :, k].mean(1), linestyle=line, label=left)
ax.plot(paths["AdamW"].mean((1, 2)), ":", color="0.3", label=f"AdamW, all three: {ends['AdamW'].mean():.1%} left")
ax.set(xlabel="step", ylabel="share of the weight left")
ax.set_title(f"loud: {share(ends['Adam with L2'][2])} left by Adam with L2, {ends['AdamW'][2]:.1%} by AdamW")
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend(loc="center right", bbox_to_anchor=(1, 0.42))
silent = paths["Adam with L2"][:, :, 0].mean(1)
fate = f"is gone after {np.argmax(silent < 0.01)} steps" if silent.min() < 0.01 else f"has {silent[-1]:.0%} left"
overshoot = " (m carries it past zero for a moment)" if silent.min() < -0.01 else ""
show(
    fig,
    alt="The share of the weights left against the step: three separate curves under Adam with L2, one line for AdamW.",
    reading=f"Adam with L2 leaves most of the {('silent', 'quiet', 'loud')[ends['Adam with L2'].argmax()]} one; the silent one "
    f"{fate}{overshoot}. A share ηλ/σ a step would leave {share(math.exp(-n_updates * lr * number / loud))} of the "
    f"loud one, measured are {share(ends['Adam with L2'][2])}. {f'You said {prediction}.' if prediction else ''}",
)

# %% [markdown]
# Adam divides all that comes in by $\sqrt{\hat v}\approx\sigma$, the penalty's λw too: **ηλ/σ** of a weight a step. AdamW takes
# **ηλ** of every weight, loud or silent.


# %% tags=["fold"]
# claim 03.2: the rate of the loud weight, in units of ηλ/σ
def rate(path):
    until = max(1, int((path.mean(1) > 0.3).sum()))  # while enough is left to be seen above the noise
    return -np.log(path[until - 1]) / until


unit = lr * number / loud
claims.within(
    "03.2",
    "Adam with L2 shrinks the loud weight by ηλ/σ a step (control: AdamW does not).",
    rate(paths["Adam with L2"][:, :, 2]) / unit,
    1.0,
    0.1,
    control=rate(paths["AdamW"][:, :, 2]) / unit,
    unit="× ηλ/σ",
    over="sets of 200 copies",
    source="Loshchilov & Hutter 2019, arXiv:1711.05101, section 2",
)


# %% tags=["fold"]
# the silent weight once more, for four λ; and the weights of section 1's yellow rim, beside those after SGD
def steps_to_one_percent(decay):
    w, state, t = torch.ones(1).double() / 16, {}, 0
    while w > 0.01 / 16 and t < 10_000:
        w, t = move(w, 0 * w, lambda g: adam_direction(g, state), lr, decay, False), t + 1
    return t


torch.manual_seed(seed)
sgd, how = build().to(device), {"epochs": epochs, "batch_size": 50, "evaluate_every": epochs, "progress": False}
fit(sgd, train, val, SGD(sgd.parameters(), lr=0.1), seed=seed, **how)
on_rim = (lit > 0) & (lit < 0.05)
steps = ", ".join(f"{steps_to_one_percent(decay)} (λ = {decay:g})" for decay in (1, 1e-2, 1e-4, 1e-6))
rims = ", ".join(
    f"{weights_of_pixels(network)[on_rim].mean():.2f} {title}" for title, network in [*maps.items(), ("after SGD", sgd)]
)
print(f"silent, steps of Adam with L2 until 1 % is left: {steps}")
print(f"weights of the {int(on_rim.sum())} pixels lit in under 5 % of the pictures, length: {rims} (η = 0.1, λ = 0)")

# %% [markdown]
# Where the data are silent, λw is all there is; divided by its own size it is about ±1, and the weight marches to zero by η a
# step, *whatever λ is*. The yellow rim has quiet gradients, whose steps Adam makes as long as everybody's; Adam with L2 divides
# λw by the same small σ.
#
# ## 4 · Where does it end?
#
# How fast is not where to. Adam with L2 heads for the minimum of loss + (λ/2)‖w‖². Under AdamW, where noise of size
# $\sigma_j$ drowns the gradient, $\sqrt{\hat v}\approx\sigma_j$, and a weight moves on average by
# $-\eta\,(g_j/\sigma_j+\lambda w_j)$. It rests where the bracket is zero: at the minimum of loss + (λ/2)
# $\sum_j\sigma_jw_j^2$. **A penalty λσ for each weight, instead of λ.** (For fixed σ: Loshchilov and Hutter, Proposition 3.)
#
# Take linear regression with true weights 1 and noise on the answers. As in lesson 02, of a weight along which the loss has
# curvature h a penalty λ' keeps h/(h+λ').

# %% tags=["fold"]
# three features: curvatures, sizes of gradients under noise, and what a penalty λ keeps of their weights
scales = torch.tensor([0.3, 1.0, 3.0]).double()
names = ("quiet", "medium", "loud")
for name, s in zip(names, scales.tolist()):
    noise, share_kept = s * np.sqrt(noise_size**2 + 1), s**2 / (s**2 + strength)  # 1: about the model's own error
    print(f"{name:6}  h = {s**2:<4.2g}  σ ≈ {noise:<4.2g}  kept by a penalty λ = {strength:g}: {share_kept:.0%}")

# %% [markdown]
# **Predict.** AdamW instead of Adam with L2: which weight loses most?

# %%
prediction = None  # "quiet", "medium" or "loud"


# %% tags=["fold"]
# descend with your step, under this noise and a tenth of it, and average the second half of the path
def gradients(w, size):
    x = scales * torch.randn(w.shape).double()  # one example for each copy
    error = (x * (w - 1)).sum(-1, keepdim=True) - size * torch.randn(w.shape[:-1]).double()[..., None]
    return x * error


def descend(decoupled, size, n_copies=40):
    w, state, total, square = torch.zeros(n_runs, len(size) * n_copies, 3).double(), {}, 0, 0
    each = torch.tensor(size).double().repeat_interleave(n_copies)[:, None]
    for t in range(n_steps):
        g = gradients(w, each)
        w = move(w, g, lambda g: adam_direction(g, state), 3e-3, strength, decoupled)
        if t >= n_steps // 2:
            total, square = total + w, square + g**2
    by_size = (n_runs, len(size), n_copies, 3)
    total, square = (sums.view(by_size) / (n_steps - n_steps // 2) for sums in (total, square))
    return total.mean(2).numpy(), square.mean((0, 2)).sqrt().numpy()  # (sets, sizes, features); σ: (sizes, features)


torch.manual_seed(seed)
sizes = [noise_size, noise_size / 10]
runs_of = {"Adam with L2": descend(False, sizes[:1]), "AdamW": descend(True, sizes)}
kept = {title: shares[:, 0] for title, (shares, _) in runs_of.items()}
curvature = (scales**2).numpy()
ridge = curvature / (curvature + strength)
scaled = curvature / (curvature + strength * runs_of["AdamW"][1])  # (sizes, features)

# %% tags=["fold"]
# figure: where both rest, weight by weight, and AdamW once more with a tenth of the noise
fig, ax = plt.subplots(figsize=(6.8, 3.2))
little = runs_of["AdamW"][0][:, 1]
series = (
    ("Adam with L2", kept["Adam with L2"], ridge, "o", "-", "C0"),
    (f"AdamW, noise {noise_size:g}", kept["AdamW"], scaled[0], "s", "--", "C1"),
    (f"AdamW, noise {noise_size / 10:g}", little, scaled[1], "^", ":", "C2"),
)
for aside, (title, shares, formula, marker, line, color) in zip((-0.04, 0.04, 0), series):
    mean, half = np.transpose([mean_and_interval(column)[:2] for column in shares.T])
    ax.errorbar(np.arange(3) + aside, mean, half, fmt=marker, color=color, capsize=3, label=f"{title} (n = {n_runs})")
    ax.plot(range(3), formula, line, color=color, linewidth=1, label="penalty λ" if color == "C0" else f"penalty λσ, {title}")
ax.set(xticks=range(3), xticklabels=names, ylim=(0, 1.05), ylabel="share of the weight kept")
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
a, b = kept["AdamW"].mean(0), kept["Adam with L2"].mean(0)
most = (b - a).argmax()
ax.set_title(f"{names[most]}: {b[most]:.0%} kept by Adam with L2, {a[most]:.0%} by AdamW")
ax.legend(loc="lower right", fontsize=7, ncols=1)
off = 100 * np.abs(little.mean(0) - scaled[1]).max()
show(
    fig,
    alt="The share kept of three weights: Adam with L2 on the line of a penalty λ; AdamW under noise on the line of a penalty "
    "λσ, under little noise off its line.",
    reading=f"Kept by Adam with L2 and by AdamW: {'; '.join(f'{name} {x:.0%}, {y:.0%}' for name, x, y in zip(names, b, a))}. "
    f"The {names[most]} one loses most. {f'You said {prediction}. ' if prediction else ''}With a tenth of the noise (triangles) "
    f"the same λ keeps {', '.join(f'{x:.0%}' for x in little.mean(0))}: less is drowned, and the rule is up to "
    f"{off:.0f} points off.",
)

# %% tags=["fold"]
# claim 03.3: the penalty under noise
claims.within(
    "03.3",
    "Under noise AdamW's weights rest where a penalty λσ for each says (σ measured in the same runs), not a penalty λ (control): "
    "largest deviation of three.",
    np.abs(kept["AdamW"] - scaled[0]).max(1),
    0.0,
    0.04,
    control=np.abs(kept["AdamW"] - ridge).max(1),
    unit="points",
    over="sets of 40 copies",
    source="Loshchilov & Hutter 2019, arXiv:1711.05101, Proposition 3",
)

# %% [markdown]
# By this rule the noise sets how much AdamW regularizes: larger batches would make the same λ a smaller penalty.
#
# ## 5 · Reading a recipe
#
# And *when* does AdamW get there? For weights without gradient the recipe tells. In PyTorch λ is multiplied by the learning rate
# of each step, warm-up and cosine included.
#
# ### Exercise 3.2 · Which λ leaves half?
#
# Given the learning rates of all steps, return the λ at which AdamW leaves half of a weight without gradient. Your function will
# then read a much-copied recipe, Hugging Face's guide to text classification: `learning_rate=2e-5`, `weight_decay=0.01`, two
# epochs of 25,000 reviews in batches of 16, the learning rate falling linearly to 0. Guess: does half need about this λ, ten
# times or a thousand times as much?
#
# <details><summary>Hint 1</summary>One step multiplies the weight by a number close to 1. What do all of them make?</details>
# <details><summary>Hint 2</summary>About exp(-λ times the sum of the learning rates). Where is that one half?</details>


# %% tags=["stub"]
def halving_decay(lrs): ...


checks.check_3_2(halving_decay)


# %% tags=["solution"]
def halving_decay(lrs):
    return math.log(2) / sum(lrs)


checks.check_3_2(halving_decay)


# %% tags=["fold"]
# ours, in case yours is open; the guide beside this lesson's run and two that trained known models
def by_the_sum(lrs):
    return math.log(2) / sum(lrs)


halving = halving_decay if checks.check_3_2(halving_decay).startswith("passed") else by_the_sum


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
    "LLaMA 7B, λ = 0.1": (cosine(3e-4, 250_000, 2000, 0.1), 0.1),
    "ConvNeXt, λ = 0.05": (cosine(4e-3, 300 * per_epoch, 20 * per_epoch), 0.05),
}
for name, (lrs, decay) in recipes.items():
    left = math.prod(1 - eta * decay for eta in lrs)
    print(f"{name:27} {len(lrs):7,} steps   Σηλ = {decay * sum(lrs):8.2g}   leaves {left:8.4%}   "
          f"half at λ = {float(halving(lrs)):.2g}")  # fmt: skip

# %% [markdown]
# About exp(-Σηλ) is left: the sum is the **memory** of weights without gradient.
#
# ## 6 · And the weights that are used?
#
# Weights of pixels lit in some training picture have gradients that renew them, until decay and gradient are in balance
# (section 4). At section 1's λ there is little to see (table above): take the much larger `strong`, and train some networks
# `longer` times as long.
#
# **Predict.** Take λ = `strong`, then train `longer` times as long: once with the same λ, once with λ/`longer`, so that Σηλ is
# the same. Whose used weights end as long as before?

# %%
prediction = None  # "same λ" or "same sum"

# %%
lambdas = [strong * float(longer) ** k for k in range(-4, 2)]
trained |= train_with([(AdamW, decay) for decay in lambdas[1:]])
trained |= train_with([(Adam, decay) for decay in lambdas[:4]])
long = train_with([(AdamW, decay) for decay in lambdas[-3:]], epochs=longer * epochs)

# %% tags=["fold"]
# for AdamW's runs of both lengths: what is left of unused weights, how long used ones are, what is read in both margins
at_start = weights_of_pixels(maps["at the start"])[never_lit.cpu()].mean().item()


def measured(networks):
    lengths = torch.stack([weights_of_pixels(network) for network in networks])
    return {
        "unused": lengths[:, never_lit.cpu()].mean(1).numpy() / at_start,
        "used": lengths[:, ~never_lit.cpu()].mean(1).numpy(),
        "read": reads(networks, *val),
        "white": reads(networks, in_white(val[0]), val[1]),
    }


short_runs = {decay: measured(trained[AdamW, decay]) for decay in lambdas[1:]}
long_runs = {decay: measured(long[AdamW, decay]) for decay in lambdas[-3:]}
with_adam = {decay: reads(trained[Adam, decay], *val) for decay in lambdas[:4]}
for decay in (strong, lambdas[-3]):
    for times, results in ((1, short_runs), (longer, long_runs)):
        r = {name: values.mean() for name, values in results[decay].items()}
        total = times * sum(here) * decay
        print(f"λ = {decay:<5.3g} {times * epochs:4} epochs, Σηλ = {total:<5.2g} unused: {r['unused']:4.0%} left; "
              f"used: {r['used']:.2f} long; read: {r['read']:.1%}, in white {r['white']:.1%}")  # fmt: skip
# %% tags=["fold"]
# figure: all three against λ, for both lengths of training; Adam with L2 in the last
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3))
lengths = ((short_runs, "-", "s", "C1", epochs), (long_runs, "--", "D", "C2", longer * epochs))
for ax, name in zip(axes, ("unused", "used", "read")):
    for results, line, marker, color, n in lengths:
        mean, half = np.transpose([mean_and_interval(r[name])[:2] for r in results.values()])
        style = {"linestyle": line, "marker": marker, "color": color, "markersize": 4, "capsize": 2}
        ax.errorbar(list(results), mean, half, label=f"AdamW, {n} epochs", **style)
    ax.set(xscale="log", xlabel="weight_decay λ")
bottom = axes[2].get_ylim()[0]
mean, half = np.transpose([mean_and_interval(with_adam[decay])[:2] for decay in with_adam])
axes[2].errorbar(list(with_adam), mean, half, linestyle=":", marker="o", color="C0", markersize=4, label=f"Adam, {epochs} epochs")
axes[2].set_ylim(bottom=bottom)
for decay, level in zip(with_adam, mean):
    if level < bottom:
        axes[2].annotate(f"Adam: {level:.0%} ↓", (decay, bottom), (0, 3), textcoords="offset points", fontsize=7, ha="center")
axes[0].set_title("unused: share left", fontsize=10)
axes[1].set_title("used: length of a pixel's weights", fontsize=10)
axes[2].set_title("validation digits read", fontsize=10)
axes[1].set_ylim(bottom=0)
for ax in (axes[0], axes[2]):
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
fig.legend(*axes[2].get_legend_handles_labels(), loc="outside lower center", ncols=3)
a, b, c = short_runs[strong], long_runs[strong], long_runs[lambdas[-3]]
axes[1].axhline(a["used"].mean(), color="0.4", linewidth=0.8, linestyle=":")
rings = [results["used"].mean() for results in (a, b, c)]
axes[1].plot([strong, strong, lambdas[-3]], rings, "o", color="k", markersize=11, markerfacecolor="none")
outcome = "same λ" if abs(b["used"].mean() - a["used"].mean()) < abs(c["used"].mean() - a["used"].mean()) else "same sum"
best = {
    AdamW: max(short_runs, key=lambda d: short_runs[d]["read"].mean()),
    Adam: max(with_adam, key=lambda d: with_adam[d].mean()),
}
margins = {"black": test, "white": (in_white(test[0]), test[1])}
tuned = {m: {kind: reads(trained[kind, decay], *data) for kind, decay in best.items()} for m, data in margins.items()}
gaps = {m: mean_and_interval(100 * (tuned[m][AdamW] - tuned[m][Adam]))[:2] for m in margins}


def compared(margin):
    gap, half = gaps[margin]
    verdict = "a tie" if abs(gap) <= half else "AdamW is ahead" if gap > 0 else "Adam is ahead"
    adam, adamw = (tuned[margin][kind].mean() for kind in (Adam, AdamW))
    return f"{adam:.1%} and {adamw:.1%} in the {margin} margin ({gap:+.1f} ± {half:.1f} points: {verdict})"


show(
    fig,
    alt="Three panels against weight decay, for two lengths of training: share of unused weights left, length of used weights, "
    "digits read. Three rings in the middle panel mark the runs compared.",
    reading=f"Rings: the shorter runs at λ = {strong:g}, and the longer ones. Closer in length are those with the {outcome}. "
    f"{f'You said {prediction}. ' if prediction else ''}Each at its best λ on validation (on a grid of factor {longer}, at one "
    f"learning rate), Adam and AdamW read of the test digits {compared('black')} and {compared('white')}. These λ are "
    f"{best[Adam]:.2g} and {best[AdamW]:.2g}: carry none over from one to the other. In {epochs} epochs at its best λ, AdamW "
    f"leaves {short_runs[best[AdamW]]['unused'].mean():.0%} of the unused weights; what {longer * epochs} epochs do to them, and "
    "to the white margin, stands in the table above.",
)

# %% tags=["fold"]
# claims 03.4 and 03.5: the margin with a larger dose; the same λ brings used weights closer (asked only where Σηλ is above 1)
asked = 1.0 if sum(here) * strong > 1 else math.nan
claims.compare(
    "03.4",
    "With a λ that makes Σηλ more than 1, AdamW's networks read the white margin better than with the first one.",
    asked * a["white"],
    white_margin[AdamW, number],
    names=(f"λ = {strong:g}", f"λ = {number:g}"),
    unit="points",
    over="training runs on these digits",
)
claims.compare(
    "03.5",
    "Where the shorter run's Σηλ is more than 1, the same Σηλ leaves used weights more than twice as far from its length as the "
    "same λ does.",
    asked * np.abs(c["used"] - a["used"]),
    np.abs(b["used"] - a["used"]),
    factor=2.0,
    names=("off with the same Σηλ", "with the same λ"),
    over="training runs on these digits",
)

# %% [markdown]
# So read a recipe twice. Is **Σηλ** far below 1? Then AdamW's decay does nearly nothing to any weight. Above 1? Used weights may
# be near a balance that **λ** sets, at this learning rate: train longer and see. Above 3? Unused ones are gone (5 % left).
#
# ## 7 · Which parameters decay?
#
# Not all, by custom: Goyal et al. (2017) spare BatchNorm's scales and shifts, and in GPT-1 "all non bias or gain weights" decay.
# The reasons, not measured here: a bias steers one unit, few data fit it (Goodfellow et al. 2016); a scale is neutral at 1, and
# decay pulls to 0. Embeddings decay: the row of a word that never comes up *is* a pixel never lit. A popular rule takes one line:
# what has at least two axes decays. Try it on these:

# %% tags=["fold"]
# names and shapes of the planted model's parameters
model = checks.planted_model()
for name, p, module in checks.parameters_with_owner(model):
    print(f"{name:16} {' × '.join(map(str, p.shape)):15} {type(module).__name__}")

# %% [markdown]
# ### Exercise 3.3 · A rule
#
# Return True for what decays: matrices and kernels of linear layers, convolutions and embeddings. Biases, scales of norms, slopes
# of PReLU, class tokens and position tables do not. You get a parameter's full name, the parameter and the module that owns it.
# (The check has models of its own, with other names.)
#
# <details><summary>Hint 1</summary>Axes, name and type: each alone is fooled by some line of the list. By which?</details>
# <details><summary>Hint 2</summary>Among the names that end in "weight", which are no matrices? `isinstance(module, ...)` knows
# some of them, `parameter.dim()` the others.</details>


# %% tags=["stub"]
def decays(name, parameter, module): ...


checks.check_3_3(decays)


# %% tags=["solution"]
def decays(name, parameter, module):
    is_norm = isinstance(module, (nn.LayerNorm, nn.RMSNorm))
    return name.endswith("weight") and parameter.dim() >= 2 and not is_norm


checks.check_3_3(decays)


# %% tags=["fold"]
# ours, in case yours is open
def by_axes_name_and_type(name, parameter, module):
    is_norm = isinstance(module, (nn.LayerNorm, nn.RMSNorm))
    return name.endswith("weight") and parameter.dim() >= 2 and not is_norm


passed = checks.check_3_3(decays).startswith("passed")
rule, whose_rule = (decays, "your") if passed else (by_axes_name_and_type, "our")

# %% [markdown]
# A norm of your own making would beat this rule too. Whatever you use, print once what it does:

# %%
for name, p, module in checks.parameters_with_owner(model):
    if rule(name, p, module) != (p.dim() >= 2):  # `rule` is yours where it passed
        print(f"{name:16} decays by the number of axes, not by {whose_rule} rule")

# %% [markdown]
# ## 8 · When it goes wrong
#
# **Sum or mean?** A loss summed over the batch of 50 (or gradients accumulated and never divided) is 50 times as large. Adam's
# direction ignores the factor. And the two decays? (AdamW's with `strong`: the smaller λ would hardly show.)

# %%
by_mean = {False: by_step[False], True: trained[AdamW, strong][0]}  # from sections 2 and 6
for decoupled, decay in ((False, number), (True, strong)):
    by_sum = train_by_step(decoupled, decay, loss_scale=50)
    norms = weight_norm(by_mean[decoupled]), weight_norm(by_sum)
    print(f"{decoupled=!s:5} λ = {decay:<4g} {norms[0]:.2f} long (mean), {norms[1]:.2f} (sum)")

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
# ## What to take along
#
# * Adam's `weight_decay` is a penalty that Adam divides: silent weights go first, loud ones last.
# * AdamW takes ηλ of each, whatever the scale of loss and gradients. That is what decoupling buys: Σηλ tells before training
#   what is left of weights without gradient. (Does it read better? Tune both.)
# * Used weights head for a balance set by λ, under noise that of a penalty λσ.
# * Print what decays and what does not.
#
# **Deep dive:** [with another learning rate: keep λ, or keep ηλ?](deeper/03_timescale.ipynb)
#
# **On your own model:** `sum(lrs) * weight_decay`, with the learning rates that your scheduler really gives; then one number:
# exp of minus that.
#
# **References.** Kingma, Ba 2015, [arXiv:1412.6980](https://arxiv.org/abs/1412.6980) ·
# Loshchilov, Hutter 2019, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101) ·
# further: AdamW without noise, Xie, Li 2024, [arXiv:2404.04454](https://arxiv.org/abs/2404.04454);
# Zhuang et al. 2022, [arXiv:2202.00089](https://arxiv.org/abs/2202.00089) · recipes:
# [the guide](https://huggingface.co/docs/transformers/tasks/sequence_classification),
# LLaMA 2023, [arXiv:2302.13971](https://arxiv.org/abs/2302.13971), ConvNeXt 2022,
# [arXiv:2201.03545](https://arxiv.org/abs/2201.03545) ·
# groups: Goyal et al. 2017, [arXiv:1706.02677](https://arxiv.org/abs/1706.02677), section 5.1; Radford et al. 2018 (GPT-1);
# Goodfellow, Bengio, Courville 2016, [section 7.1](https://www.deeplearningbook.org/contents/regularization.html)
#
# **Next:** [04 · Dropout](04_dropout.ipynb).

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
claims.table()
metrics = {"lost_adam": lost["Adam"], "lost_adamw": lost["AdamW"], "best_adam": best[Adam], "best_adamw": best[AdamW]}
metrics |= {"tuned_gap": gaps["black"][0], "white_strong": a["white"].mean()}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (30).** 4 hook and prediction 1 · 8 exercise 3.1, in pairs · 3 section 3 (vote first) · 3 section 4 · 4
# exercise 3.2 · 4 section 6 (vote first) · 3 exercise 3.3 · 1 wrap-up. **When short:** sections 7 and 8 are reading.
# **Ask before running:** which gradient does a weight get whose input is always 0? What would the map look like without decay?
# **Expect:** "AdamW decays more, it is the stronger one"; "the decay goes into the gradient, times lr"; "more axes, more decay".
