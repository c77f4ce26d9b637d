# %% [markdown]
# # 02 · Weight decay
#
# **How can one number make a network disbelieve what it was told?**
#
# Some labels of our training digits are lies. Two networks learn from all of them: the same pictures, the same initial weights,
# as many steps. Then we ask both about the very digits that they were lied to about. They answer differently, and between the
# two stands a single number.
#
# You will write the line of code in which that number acts, see what it shrinks, choose it, and at last read it off a finished
# network whose number is hidden.
#
# *{minutes} minutes. You need gradients, least squares and lesson 01. Two questions to warm up:*
#
# <details><summary>Why can the training error not tell a network that learned from one that memorized?</summary>
# A large enough network brings it to zero either way; new data tell.</details>
# <details><summary>Which data may choose a setting, and which may only report?</summary>
# Validation chooses; test reports, once.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 8  # [3, 50] runs of each setting, each with its own lies and initial weights
weight_decays: list = [0.003, 0.01, 0.03, 0.06, 0.1]  # 4 to 8 rising values in (0, 0.3]: λ, beside 0
n_train: int = 300  # [100, 900] training digits
share_of_lies: float = 0.2  # [0.05, 0.5] share of them with a false label
lr: float = 0.5  # [0.05, 0.6] learning rate η
n_steps: int = 300  # [10, 5000] steps, each with all training digits
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the digits (every pixel centred on the training digits), and the lies of each run
from copy import deepcopy
from functools import partial

import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from sklearn.linear_model import Ridge
from torch.nn import functional

from course_utils.checks import lesson_02 as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.experiments import at, choose, sweep
from course_utils.figures import plot_images, plot_interval, show, use_course_style
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.reference import quote
from course_utils.training import evaluate

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("02")
λs = [0.0, *weight_decays]
seeds = range(seed, seed + n_runs)

digits = load("digits", n_train=n_train, seed=seed, device=device)
centre = digits.train[0].double().mean(0).float()  # in 64 bits, so that a pixel that is always blank becomes exactly 0
honest = digits._replace(
    **{part: (getattr(digits, part)[0] - centre, getattr(digits, part)[1]) for part in ("train", "val", "test")}
)
images, truth = honest.train


def tell_lies(run_seed):
    random = torch.Generator().manual_seed(run_seed)
    chosen = torch.randperm(n_train, generator=random)[: max(10, round(share_of_lies * n_train))].to(device)
    labels = truth.clone()
    labels[chosen] = (truth[chosen] + torch.randint(1, 10, chosen.shape, generator=random).to(device)) % 10
    return chosen, honest._replace(train=(images, labels))


lies, lied = ({s: tell_lies(s)[part] for s in seeds} for part in (0, 1))

# %% tags=["fold"]
# the situation: ten of the false labels
ten = lies[seed][:10]
fig = plot_images(digits.train[0][ten], [f"“{label}”" for label in lied[seed].train[1][ten].tolist()])
show(
    fig,
    alt="Ten handwritten digits, each under a label that is not the digit.",
    reading=f"Ten of the {len(lies[seed])} training digits of {n_train} that carry a false label, with the label.",
)

# %% [markdown]
# ## 1 · Trained on lies
#
# A network with one hidden layer learns these digits by gradient descent, in every step from all of them, with several values
# of PyTorch's `weight_decay`, our **λ**, and several draws of the lies.


# %%
def build():
    return mlp(n_inputs=64, n_hidden=(64,), n_outputs=10)


settings = [{"weight_decay": λ, "lr": lr, "optimizer": torch.optim.SGD} for λ in λs]
table, networks = sweep(build, lied, settings, seeds, epochs=n_steps, batch_size=n_train)

# %% [markdown]
# **Predict.** Trained with the middle λ of the list, what will a network answer to the digits that it was lied to about?

# %%
prediction = None  # "the lies", "the truth" or "nonsense"


# %% tags=["fold"]
# what each network answers to the digits with a false label: the lie, the truth, or something else
@torch.no_grad()
def answers_to_lies(network, s):
    return network(images[lies[s]]).argmax(1)


runs = list(zip(table["weight_decay"], table["seed"], networks, strict=True))
trained = {(λ, s): network for λ, s, network in runs}
said = [answers_to_lies(network, s) for _, s, network in runs]
table["repeated"] = [(a == lied[s].train[1][lies[s]]).double().mean().item() for a, (_, s, _) in zip(said, runs, strict=True)]
table["corrected"] = [(a == truth[lies[s]]).double().mean().item() for a, (_, s, _) in zip(said, runs, strict=True)]
middle = λs[len(λs) // 2]
share = {(column, λ): at(table, column, weight_decay=λ).mean() for column in ("repeated", "corrected") for λ in (0.0, middle)}

# %% tags=["fold"]
# figure: the ten digits, the lie, and what two networks answer
rows = {
    "trained on": lied[seed].train[1][ten],
    "λ = 0 says": answers_to_lies(trained[0.0, seed], seed)[:10],
    f"λ = {middle:g} says": answers_to_lies(trained[middle, seed], seed)[:10],
}
fig, axes = plt.subplots(1, 10, figsize=(7.6, 1.9), layout="none")
fig.subplots_adjust(bottom=0.45, top=0.88)
for ax, image, column in zip(axes, digits.train[0][ten, 0].cpu(), range(10), strict=True):
    ax.imshow(image, cmap="gray")
    ax.axis("off")
    for row, answers in enumerate(rows.values()):
        told, true = answers[column].item(), truth[ten][column].item()
        color, weight = ("C2", "bold") if told == true else ("C1", "normal")
        ax.text(3.5, 10 + 3.4 * row, told, ha="center", va="center", fontsize=13, color=color, fontweight=weight)
for row, name in enumerate(rows):
    axes[0].text(-1.5, 10 + 3.4 * row, name, ha="right", va="center", fontsize=9)
title = f"λ = {middle:g} corrects {share['corrected', middle]:.0%} of all lies (true answers bold and green)"
fig.suptitle(title, x=0.02, ha="left", fontsize=10)
of_all = {"the lies": share["repeated", middle], "the truth": share["corrected", middle]}
of_all["nonsense"] = 1 - sum(of_all.values())
outcome = max(of_all, key=of_all.get)
yours = f"You said {prediction}." if prediction else "No prediction: guess next time, it makes the number stick."
show(
    fig,
    alt="Ten digits; below each its false label and the answers of two networks, those that are true in bold and green.",
    reading=f"Without decay the networks repeat {share['repeated', 0.0]:.0%} of the lies and correct "
    f"{share['corrected', 0.0]:.0%}; with λ = {middle:g} they repeat {share['repeated', middle]:.0%} and correct "
    f"{share['corrected', middle]:.0%}: mostly {outcome}. {yours}",
)

# %% tags=["fold"]
# claim 02.1: more truths than lies, after training on the lies
claims.compare(
    "02.1",
    "With the middle λ a network answers more of the digits that it was lied to about with the truth than with the lie.",
    at(table, "corrected", weight_decay=middle),
    at(table, "repeated", weight_decay=middle),
    names=("true", "the lie"),
    unit="points",
    over="runs, each with lies of its own",
)

# %% [markdown]
# ## 2 · The line in which it acts
#
# To the loss $L$, a mean over the training digits, weight decay adds the **L2 penalty**, half of λ times the squared length of
# all weights, biases included:
#
# $$J(w) = L(w) + \frac{\lambda}{2}\lVert w\rVert^2 .$$
#
# ### Exercise 2.1 · The step
#
# Write one step of gradient descent on $J$. You get the weights `w` (an array of any shape), the gradient `grad` of the *loss
# alone* at `w`, the learning rate and λ; return the new weights, with λ in a factor in front of `w`.
#
# <details><summary>Hint 1</summary>What is the derivative of ½λw² with respect to w?</details>
# <details><summary>Hint 2</summary>Two terms of your step have a w in them. Collect them.</details>


# %% tags=["stub"]
def step(w, grad, lr, weight_decay): ...


checks.check_2_1(step)


# %% tags=["solution"]
def step(w, grad, lr, weight_decay):
    return (1 - lr * weight_decay) * w - lr * grad


checks.check_2_1(step)

# %% tags=["fold"]
# ours, in case yours is open
passed = checks.check_2_1(step).startswith("passed")


def right_step(w, grad, lr, weight_decay):
    if not passed:
        return (1 - lr * weight_decay) * w - lr * grad
    if torch.is_tensor(w):
        return torch.as_tensor(step(w.detach(), grad, lr, weight_decay))
    return np.asarray(step(w, grad, lr, weight_decay))


print("From here on", "your step is used." if passed else "our step is used; yours, once it passes.")

# %% [markdown]
# Your step, on every array of weights, in every step of a training:


# %%
def train(weight_decay, s, observe=None, bits=torch.float32):
    torch.manual_seed(s)
    network = build().to(device, bits)
    weights = list(network.parameters())
    x, y = lied[s].train
    for t in range(1, n_steps + 1):
        loss = functional.cross_entropy(network(x.to(bits)), y)
        grads = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for w, grad in zip(weights, grads):
                w.copy_(right_step(w, grad, lr, weight_decay))
        if observe:
            observe(t, network)
    return network


# %% tags=["fold"]
# in 64 bits: the network that this step trains, beside the one of torch.optim.SGD(weight_decay=λ) and the one without decay
in_64_bits = {part: (getattr(lied[seed], part)[0].double(), getattr(lied[seed], part)[1]) for part in ("train", "val")}
_, (by_sgd,) = sweep(lambda: build().double(), lied[seed]._replace(**in_64_bits), [settings[λs.index(middle)]], [seed],
                     epochs=n_steps, batch_size=n_train)  # fmt: skip
by_step = train(middle, seed, bits=torch.float64)
gap, apart = (
    max((a - b).abs().max().item() for a, b in zip(by_step.parameters(), other.parameters(), strict=True))
    for other in (by_sgd, trained[0.0, seed])
)
print(f"In 64 bits, no weight differs by more than {gap:.0e} from those of torch.optim.SGD(weight_decay={middle:g});\n"
      f"from the run without decay, weights differ by up to {apart:.1f}.")  # fmt: skip

# %% [markdown]
# So under plain gradient descent, a *penalty in the loss* and a *decay of the weights* are one thing.
#
# ### How much decay is in a run?
#
# Some pixels at the edge are blank in all training digits. No gradient ever reaches their weights: they feel nothing but your
# factor.
#
# **Predict.** With the smallest λ above 0, what share of such a weight is left at the end?

# %%
prediction = None  # "above 90 %", "about half to 90 %" or "below half"

# %%
blank = (images == 0).all(0).flatten()
torch.manual_seed(seed)
start = build()[1].weight.to(device)  # of the first layer, before training


def left_of(pixels, λ):
    return trained[λ, seed][1].weight[:, pixels].norm() / start[:, pixels].norm()


# %% tags=["fold"]
# what is left of the weights of blank pixels, beside exp(-Σηλ), and of all others; and how the prediction fared
for λ in λs:
    print(f"λ = {λ:<6g} Σηλ = {n_steps * lr * λ:<6.3g} blank pixels {left_of(blank, λ):7.2%}, exp(-Σηλ) "
          f"{np.exp(-n_steps * lr * λ):7.2%}; all others {left_of(~blank, λ):4.0%}")  # fmt: skip
remains = np.exp(-n_steps * lr * λs[1])
outcome = "above 90 %" if remains > 0.9 else "below half" if remains < 0.5 else "about half to 90 %"
print(f"With λ = {λs[1]:g}, {remains:.0%} is left: {outcome}.", f"You said {prediction}." if prediction else "")

# %% [markdown]
# Of a weight that nothing holds up, $\prod_t (1-\eta_t\lambda) \approx e^{-\sum_t\eta_t\lambda}$ remains. Compute
# $\sum\eta\lambda$ before a run: far below 1, decay can do little. All other weights have data to hold them up. Which?
#
# ## 3 · Three names of one minimum
#
# To look at a minimum, take a linear reader: 64 weights, one a pixel, that say by mean squared error whether a digit is even
# (target 1) or odd (−1). Its loss is a bowl. Where it rises steeply from the bottom, the direction is **stiff**, where it hardly
# rises, **flat**. The eigenvalues of `H` are these curvatures.
#
# **A penalty** is the first name: your step leads to its minimum. **A ball** is the second: minimize the loss alone, but never
# leave $\lVert w\rVert \le r$. If a step leads out, go back to the surface:

# %%
x = images.flatten(1).double().cpu().numpy()
target = 1 - 2 * (truth.cpu().numpy() % 2)
H, c = 2 / n_train * x.T @ x, 2 / n_train * x.T @ target  # the gradient is H w - c
rate = 0.5 / np.linalg.norm(H, 2)


def penalized(λ):
    w = 0 * c
    for _ in range(5000):
        w = right_step(w, H @ w - c, rate, λ)
    return w


def in_ball(radius):
    w = 0 * c
    for _ in range(5000):
        w = w - rate * (H @ w - c)
        w = w * min(1, radius / np.linalg.norm(w))
    return w


# %% [markdown]
# Each λ has its radius: the length of the weights that the penalty leaves. Any λ will do; this one lies amid the curvatures.

# %%
λ = np.linalg.eigvalsh(H)[-11]
radius = np.linalg.norm(penalized(λ))
apart = abs(penalized(λ) - in_ball(radius)).max()
print(f"λ = {λ:.2f}, radius {radius:.2f}: no weight differs by more than {apart:.0e}")

# %% tags=["fold"]
# figure: ball and tangent in the plane of two directions of the pixels
h, directions = np.linalg.eigh(H)
h, directions = h[::-1], directions[:, ::-1]
best = np.divide(directions.T @ c, h, out=np.zeros(64), where=h > 1e-6)  # least squares, direction by direction
directions, best = directions * np.where(best < 0, -1, 1), np.abs(best)
stiff = int(np.argmax(best[:3]))
flatter = np.flatnonzero(h < h[stiff] / 12)[:15]
flat = int(flatter[np.argmax(best[flatter])])
pair, top = h[[stiff, flat]], best[[stiff, flat]]
λ_2d = 1.5 * pair[1]
touch = pair / (pair + λ_2d) * top
radius = np.linalg.norm(touch)
straight = top * radius / np.linalg.norm(top)


def height(a, b):
    return pair[0] / 2 * (a - top[0]) ** 2 + pair[1] / 2 * (b - top[1]) ** 2


fig, ax = plt.subplots(figsize=(6.4, 4.0))
size = 1.25 * max(*top, radius)
a, b = np.meshgrid(np.linspace(-0.25 * size, size, 200), np.linspace(-0.25 * size, size, 200))
levels = sorted({height(*touch), height(*straight), height(*touch) / 4})
ax.contour(a, b, height(a, b), levels, colors="C0", linewidths=1)
turn = np.linspace(0, 2 * np.pi, 200)
ax.plot(radius * np.cos(turn), radius * np.sin(turn), color="0.6", label="ball")
strengths = np.logspace(-4, 4, 200)[:, None]
path = pair / (pair + strengths) * top
ax.plot(path[:, 0], path[:, 1], color="black", linestyle=":", label="minima for all λ")
ax.plot(*top, "o", color="C0", label="minimum of the loss")
ax.plot(*touch, "s", color="C2", label="minimum with penalty: they touch")
ax.plot(*straight, "X", color="C1", markersize=8, label="all weights shrunk alike: they cross")
ax.annotate("", 1.35 * touch, touch, arrowprops={"arrowstyle": "->", "color": "C2"})
ax.annotate("", 0.65 * touch, touch, arrowprops={"arrowstyle": "->", "color": "C2"})
ax.set(xlim=(-0.25 * size, size), ylim=(-0.25 * size, size), aspect="equal", xlabel="weight along the stiff direction",
       ylabel="weight along the flat direction")  # fmt: skip
ax.set_title(f"With λ = {λ_2d:.2g} here, the flat direction keeps {touch[1] / top[1]:.0%}, the stiff one {touch[0] / top[0]:.0%}")
ax.legend(loc="upper left", bbox_to_anchor=(1.02, 0.55))
for place, k, name in ((1.06, stiff, "stiff direction"), (1.42, flat, "flat direction")):
    inset = ax.inset_axes([place, 0.66, 0.28, 0.28])
    inset.imshow(directions[:, k].reshape(8, 8), cmap="RdBu", vmin=-0.4, vmax=0.4)
    inset.set_title(name, fontsize=8, loc="center")
    inset.set(xticks=[], yticks=[])
show(
    fig,
    alt="Ellipses of equal loss and a circle; one ellipse touches the circle in a green square; another cuts it. Two images show "
    "the directions.",
    reading=f"Two of the directions, chosen for the picture. Square and cross both lie on the ball, but the cross, the loss's "
    f"minimum shrunk as a whole, is {height(*straight) / height(*touch):.1f} times as high above the bottom: each step shrinks "
    "all weights alike, and the loss pulls the stiff one back. At the square the loss's pull (outward) and the penalty's "
    "(inward) cancel.",
)

# %% [markdown]
# Where ellipse and ball *touch*, the two pulls cancel: $\nabla L(w) = -\lambda w$. Keep that equation for section 6.
#
# **A belief** is the third name. Say that targets are what the right weights give, plus Gaussian noise of standard deviation σ,
# and that before any data you believe each weight to be Gaussian around 0 with standard deviation τ. Then minus the log of the
# posterior is, but for a constant,
#
# $$\sum_{i=1}^n \frac{(y_i - f_w(x_i))^2}{2\sigma^2} + \frac{\lVert w\rVert^2}{2\tau^2} .$$
#
# Its minimum is the most probable $w$ (*maximum a posteriori*, MAP).
#
# ### Exercise 2.2 · From a belief to λ
#
# `nn.MSELoss()` is the *mean* of the squares, without a ½. Which `weight_decay` λ puts its minimum at the MAP weights? You get
# `prior` (τ), `noise` (σ) and `n`.
#
# <details><summary>Hint 1</summary>A factor in front of the whole sum does not move its minimum.</details>
# <details><summary>Hint 2</summary>Which factor makes the first term the mean of squares? Then compare the second with
# (λ/2)‖w‖².</details>


# %% tags=["stub"]
def from_belief(prior, noise, n): ...


checks.check_2_2(from_belief)


# %% tags=["solution"]
def from_belief(prior, noise, n):
    return 2 * noise**2 / (n * prior**2)


checks.check_2_2(from_belief)

# %% tags=["fold"]
# the same λ in scikit-learn's convention, and as a belief about the weights of the network
by_ridge = Ridge(alpha=n_train * λ / 2, fit_intercept=False).fit(x, target).coef_
print(f"scikit-learn minimizes a sum of squares + alpha ‖w‖². Ridge(alpha=nλ/2) has your penalty's weights to within "
      f"{abs(penalized(λ) - by_ridge).max():.0e}.")  # fmt: skip
print(f"Cross-entropy is minus a log-likelihood as it stands: λ = 1/(nτ²). So λ = {middle:g} beside {n_train} digits believes in "
      f"weights of size {1 / np.sqrt(n_train * middle):.2f}.")  # fmt: skip

# %% [markdown]
# The n and the ½ are why “my λ” is seldom yours; beside more data, the same belief is a weaker penalty.
#
# ## 4 · What it shrinks
#
# Along an eigenvector with curvature $h$ it is a problem of one weight: minimize
# $\frac h2(w-w^*)^2 + \frac\lambda2 w^2$, where $w^*$ is the bottom of the loss. The derivative is
# $h(w-w^*) + \lambda w$, and it is 0 at
#
# $$w = \frac{h}{h+\lambda}\,w^* .$$
#
# **Predict.** For our reader, directions are pictures. Which put their weights at the edge: the flattest or the stiffest?

# %%
prediction = None  # "the flattest", "the stiffest" or "both alike"

# %% tags=["fold"]
# figure: the share that each direction keeps, measured on the linear reader and predicted, with six directions as pictures
visible = (h > 1e-6) & (best > 1e-8)
fig, ax = plt.subplots(figsize=(7.6, 3.6))
measured = {}
for λ, marker in zip((float(h[25]), float(h[10]), float(h[0])), "osD", strict=True):
    measured[λ] = (directions.T @ penalized(λ))[visible] / best[visible]
    (line,) = ax.plot(h[visible], h[visible] / (h[visible] + λ), label=f"h/(h + λ), λ = {λ:.2g}")
    ax.plot(h[visible], measured[λ], marker, markersize=4, color=line.get_color())
ax.set(xscale="log", xlabel="curvature h of the direction (flat … stiff)", ylabel="share kept", ylim=(0, 1.6),
       yticks=[0, 0.5, 1])  # fmt: skip
left, right = 0.002, 2 * h[0]
for wanted in np.geomspace(0.004, h[0], 6):
    k = int(np.argmin(np.abs(np.log(np.maximum(h, 1e-9) / wanted))))
    place = np.log(h[k] / left) / np.log(right / left)
    inset = ax.inset_axes([place - 0.065, 0.69, 0.13, 0.29])
    inset.imshow(directions[:, k].reshape(8, 8), cmap="RdBu", vmin=-0.4, vmax=0.4)
    inset.set(xticks=[], yticks=[])
ax.set_xlim(left, right)
edge = np.ones((8, 8), bool)
edge[:, 2:6] = False
shares_at_edge = (directions[edge.flatten()][:, visible] ** 2).sum(0)
many = len(shares_at_edge) // 4
at_edge = [part.mean() for part in (shares_at_edge[-many:], shares_at_edge[:many])]
outcome = "the flattest" if at_edge[0] > at_edge[1] + 0.1 else "the stiffest" if at_edge[1] > at_edge[0] + 0.1 else "both alike"
yours = f" You said {prediction}." if prediction else ""
off = max(np.abs(m - h[visible] / (h[visible] + λ)).max() for λ, m in measured.items())
ax.set_title(f"Your step leaves h/(h + λ) of each direction, to within {off:.1g}" if passed else
             f"Gradient descent leaves h/(h + λ) of each direction, to within {off:.1g}")  # fmt: skip
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.4))
show(
    fig,
    alt="Share kept against curvature for three λ, points on rising curves; above them six directions as 8 by 8 pictures.",
    reading=f"With λ = {float(h[10]):.2g}, the stiffest direction keeps {measured[float(h[10])][0]:.0%}, the flattest "
    f"{measured[float(h[10])][-1]:.1%}. The {many} flattest of {visible.sum()} directions have {at_edge[0]:.0%} of their "
    f"squared weight in the two outer columns of either side, the {many} stiffest {at_edge[1]:.0%}; spread evenly, it would be "
    f"50%. At the edge, then: {outcome}.{yours} ({(h[visible] < left).sum()} of the flattest lie left of the picture.)",
)

# %% [markdown]
# Where, then, do truth and lies live? Swap even and odd for random digits, again and again, and look:

# %% tags=["fold"]
# how much of the truth, and of two hundred draws of lies, lies in the stiffest directions; and which lies the reader corrects
shadow = x @ directions[:, visible] / np.sqrt(n_train / 2 * h[visible])  # a unit vector over the digits for each direction
false = np.random.default_rng((seed, 3)).random((200, n_train)) < share_of_lies
lying = np.where(false, -target, target)
of_truth, of_lies = (target @ shadow) ** 2, ((lying - lying.mean(0)) @ shadow).var(0)
ten_stiffest = [part[:10].sum() / part.sum() for part in (of_truth, of_lies)]
print(f"Of what the reader can fit, the 10 stiffest of {visible.sum()} directions hold {ten_stiffest[0]:.0%} of the truth, and "
      f"{ten_stiffest[1]:.0%} of random lies (spread evenly: {10 / visible.sum():.0%}).")  # fmt: skip
new_x, new_target = honest.val[0].flatten(1).double().cpu().numpy(), 1 - 2 * (honest.val[1].cpu().numpy() % 2)
for λ in (0.0, float(h[25]), float(h[10]), float(h[0])):
    w = directions[:, visible] / (h[visible] + λ) @ directions[:, visible].T @ (2 / n_train * x.T @ lying.T)
    believes_truth, reads_new = (x @ w * target[:, None] > 0).T[false], new_x @ w * new_target[:, None] > 0
    print(f"λ = {λ:<5.2g} corrects {believes_truth.mean():.0%} of the lies, reads {reads_new.mean():.1%} of validation digits")

# %% [markdown]
# Curvature knows the pictures, not the labels: stiff are the directions in which digits differ most. Random lies fall on all of
# them alike. Decay is a *bet* that the truth does not: that it hangs on what differs most. (Compare λ only with curvatures of
# the same loss: the reader's and the network's have different scales.)
#
# ## 5 · Choose λ, or when to stop
#
# Stiff directions are also learned *first*: in $t$ steps, gradient descent covers $1-(1-\eta h)^t$ of its way along each. If the
# bet is right, then even without decay there is a moment when a network knows the truth and not yet the lies.
#
# **Predict.** Trained without decay, what share of the lies does it correct at that moment?

# %%
prediction = None  # a number between 0 and 1

# %% tags=["fold"]
# your step trains networks with λ = 0 and the middle λ, watched at up to sixteen moments; and all λ with honest labels
marks = {int(t) for t in np.geomspace(min(5, n_steps), n_steps, 16).round()}
moments = []


def look(λ, s, t, network):
    if t in marks:
        said = answers_to_lies(network, s)
        moments.append({
            "weight_decay": λ, "seed": s, "step": t, "network": deepcopy(network),
            "corrected": (said == truth[lies[s]]).double().mean().item(),
            "repeated": (said == lied[s].train[1][lies[s]]).double().mean().item(),
            **evaluate(network, *honest.val, prefix="val_"),
        })  # fmt: skip


for λ in (0.0, middle):
    for s in seeds:
        train(λ, s, observe=partial(look, λ, s))
moments = pd.DataFrame(moments)
undecayed = moments[moments["weight_decay"] == 0]
stop = choose(undecayed, "step").best
honest_table, honest_networks = sweep(build, honest, settings, seeds, epochs=n_steps, batch_size=n_train)
twice_as_long = sweep(build, lied, [settings[λs.index(middle)]], seeds, epochs=2 * n_steps, batch_size=n_train)[1]
corrected_later = np.mean(
    [(answers_to_lies(m, s) == truth[lies[s]]).double().mean().item() for m, s in zip(twice_as_long, seeds, strict=True)]
)
chosen = choose(table, "weight_decay").best

# %% tags=["fold"]
# figure: what becomes of the lies, step by step; and validation accuracy against λ
fig, (ax, right_ax) = plt.subplots(1, 2, figsize=(9.0, 4.2))
for λ, style in ((0.0, "-"), (middle, "--")):
    for column, color in (("corrected", "C2"), ("repeated", "C1")):
        rows = moments[moments["weight_decay"] == λ]
        plot_interval(ax, rows, "step", column, label=f"{column}, λ = {λ:g}", linestyle=style, color=color)
ax.axvline(stop, color="gray", linewidth=1, linestyle=":", label="step of the best validation, λ = 0")
ax.set(xscale="log", xlabel="steps", ylabel="share of the lies", ylim=(-0.02, 1.03))
by_step = undecayed.groupby("step")["corrected"].mean()
ax.set_title(f"λ = 0 corrects {by_step[stop]:.0%} at step {stop}, {by_step.iloc[-1]:.0%} at the end")
for rows, style, color, label in ((table, "-", "C0", "labels with lies"), (honest_table, ":", "C3", "honest labels")):
    rows["place"] = rows["weight_decay"].map(λs.index)
    plot_interval(right_ax, rows, "place", "val_accuracy", label=label, linestyle=style, color=color, marker="o")
stopped_val = at(undecayed, "val_accuracy", step=stop).mean()
right_ax.plot(0, stopped_val, "*", markersize=12, color="C0", label=f"lies, λ = 0, stopped at step {stop}")
right_ax.set(xlabel="λ", ylabel="validation accuracy", xticks=range(len(λs)))
right_ax.set_xticklabels([f"{λ:g}" for λ in λs])
right_ax.set_title(f"Among lies, validation chooses λ = {chosen:g}")
for panel in (ax, right_ax):
    panel.yaxis.set_major_formatter(PercentFormatter(1))
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17))
val = {λ: at(table, "val_accuracy", weight_decay=λ).mean() for λ in (0.0, chosen)}


def beside(rows):
    tied = ", ".join(f"{λ:g}" for λ in choose(rows, "weight_decay").ties)
    return f"cannot be told from {tied}" if tied else "in paired runs clearly better than every other λ of the list"


best_honest = choose(honest_table, "weight_decay").best
yours = f" You said {prediction}." if prediction is not None else ""
show(
    fig,
    alt="Left: shares of lies corrected and repeated against steps, for two λ. Right: validation accuracy against λ.",
    reading=f"Left: without decay the networks correct up to {by_step.max():.0%} of the lies, and at the end "
    f"{by_step.iloc[-1]:.0%}; with λ = {middle:g}, {share['corrected', middle]:.0%}, and {corrected_later:.0%} if trained "
    f"twice as long.{yours} Right: at the end λ = {chosen:g} is best, {beside(table)}: {val[chosen]:.1%} of validation digits "
    f"(their labels are honest) against {val[0.0]:.1%} with λ = 0. Stopped at step {stop}, λ = 0 reads {stopped_val:.1%}. With "
    f"honest labels λ = {best_honest:g} is best, {beside(honest_table)}.",
)

# %% [markdown]
# To stop in time is regularization too. λ and the step are chosen; now, once, the test digits:


# %% tags=["fold"]
# which test digits are right: with the chosen λ and with 0, to the end and stopped, with lies and without
@torch.no_grad()
def is_right(network):
    x, y = honest.test
    return (network(x).argmax(1) == y).double().cpu().numpy()


right = {λ: np.stack([is_right(trained[λ, s]) for s in seeds]) for λ in (0.0, chosen)}
right_stopped = np.stack([is_right(network) for network in undecayed[undecayed["step"] == stop]["network"]])
trained_honest = dict(zip(zip(honest_table["weight_decay"], honest_table["seed"], strict=True), honest_networks, strict=True))
right_honest = {λ: np.stack([is_right(trained_honest[λ, s]) for s in seeds]) for λ in (0.0, chosen)}

# %% tags=["fold"]
# claims 02.2 to 02.4: the chosen λ on new digits: beside none, beside stopping, and with honest labels
claims.compare(
    "02.2",
    "At the end of training on lies, the chosen λ reads new digits more than two points better than none.",
    right[chosen],
    right[0.0],
    margin=0.02,
    names=(f"with λ = {chosen:g}", "with λ = 0"),
    unit="points",
    over="runs and test digits",
)
claims.same(
    "02.3",
    "Without decay, but stopped where validation chooses, the networks read new digits as well, to within three points.",
    right_stopped,
    right[chosen],
    margin=0.03,
    names=(f"with λ = 0 at step {stop}", f"with λ = {chosen:g} at the end"),
    unit="points",
    over="runs and test digits",
)
claims.compare(
    "02.4",
    "With honest labels, the λ chosen among lies does not gain the two points that it gains among lies.",
    right_honest[0.0],
    right_honest[chosen],
    margin=-0.02,
    names=("with λ = 0", f"with λ = {chosen:g}"),
    unit="points",
    over="runs and test digits",
    source="Krogh & Hertz 1991: what decay does against noise in the targets",
)

# %% [markdown]
# ## 6 · The λ-meter
#
# A finished network lies on your desk, with its training data. Its λ is hidden. But at the minimum, for *every* weight,
# $\nabla L(w) = -\lambda w$.
#
# ### Exercise 2.3 · Build the meter
#
# You get all weights `w` and the gradient `grad` of the loss there, two long NumPy vectors. No training ends exactly at the
# minimum, so these equations disagree a little: return the λ that makes $\lVert\nabla L + \lambda w\rVert^2$ smallest.
#
# <details><summary>Hint 1</summary>Only one number is unknown. Set the derivative with respect to it to zero.</details>
# <details><summary>Hint 2</summary>What remains are two inner products, and a sign.</details>


# %% tags=["stub"]
def meter(w, grad): ...


checks.check_2_3(meter)


# %% tags=["solution"]
def meter(w, grad):
    return -(w @ grad) / (w @ w)


checks.check_2_3(meter)

# %% tags=["fold"]
# ours, in case yours is open; and a network whose λ is drawn at random and shown to nobody
meter_passed = checks.check_2_3(meter).startswith("passed")
right_meter = meter if meter_passed else lambda w, grad: -(w @ grad) / (w @ w)
draw = np.random.default_rng((seed, 2))
above = int(draw.integers(λs.index(middle) + 1, len(λs)))  # amid two neighbours, so that no known λ gives it away
hidden = λs[above] * (λs[above - 1] / λs[above]) ** draw.uniform(0.35, 0.65)
last = seeds[-1]
on_desk = train(hidden, last)
with torch.no_grad():
    score = (on_desk(images).argmax(1) == lied[last].train[1]).double().mean().item()
print(f"The λ of the network on your desk lies between {middle:g} and {λs[-1]:g}. It fits {score:.1%} of its training labels, "
      "lies included. Networks with a known λ fit:")  # fmt: skip
for λ in λs[λs.index(middle) :]:
    with torch.no_grad():
        fit = (trained[λ, last](images).argmax(1) == lied[last].train[1]).double().mean().item()
    print(f"λ = {λ:<5g} {fit:.1%}")

# %% [markdown]
# **Predict.** With which λ was it trained?

# %%
prediction = None  # a number


# %%
def read(network, data):
    weights = list(network.parameters())
    loss = functional.cross_entropy(network(data[0]), data[1])
    grads = torch.autograd.grad(loss, weights)
    w, grad = (torch.cat([t.detach().flatten() for t in part]) for part in (weights, grads))
    return float(right_meter(w.cpu().numpy(), grad.cpu().numpy()))


print(f"the meter reads {read(on_desk, lied[last].train):.4f}")

# %% tags=["fold"]
# figure: what the meter reads on all networks, finished and after a thirtieth of the steps, and on the one on the desk
early_table, early_networks = sweep(build, lied, settings[1:], seeds, epochs=max(1, n_steps // 30), batch_size=n_train)
early = early_table.assign(reading=[read(m, lied[s].train) for m, s in zip(early_networks, early_table["seed"], strict=True)])
finished = table.assign(reading=[read(m, lied[s].train) for _, s, m in runs])
on_meter = read(on_desk, lied[last].train)
fig, ax = plt.subplots()
ax.plot(λs[1:], λs[1:], color="gray", linestyle=":", label="the λ it was trained with")
for rows, marker, name in ((finished, "o", "finished"), (early, "X", "after a thirtieth of the steps")):
    rows = rows[rows["weight_decay"] > 0]
    ax.plot(rows["weight_decay"], rows["reading"], marker, linestyle="none", label=f"{name} ({len(rows)} networks)")
ax.plot(hidden, on_meter, "*", color="black", markersize=13, linestyle="none", label="the network on the desk")
ax.set(xscale="log", yscale="log", xlabel="λ in training", ylabel="λ that the meter reads")
ax.set_title(f"Hidden was λ = {hidden:.4f}, and the meter reads {on_meter:.4f}")
ax.legend()


def growth(network, λ, s):
    """By how much ln ‖w‖ grows in one more step, per ηt."""
    weights = list(network.parameters())
    grads = torch.autograd.grad(functional.cross_entropy(network(images), lied[s].train[1]), weights)
    w, grad = (torch.cat([t.detach().flatten() for t in part]).double() for part in (weights, grads))
    return (torch.log((w - lr * (grad + λ * w)).norm() / w.norm()) / lr).item()


at_zero = at(finished, "reading", weight_decay=0.0).mean()
grows = np.mean([growth(trained[0.0, s], 0.0, s) for s in seeds])
yours = f" You said {prediction}." if prediction is not None else ""
show(
    fig,
    alt="Readings of the meter against the λ of training: finished networks, early ones, the hidden one, and the diagonal.",
    reading=f"The meter is off by {on_meter / hidden - 1:+.1%} on the network on your desk.{yours} Networks trained without "
    f"decay read {at_zero:.4f}, not 0: the logarithm of their length still grows by {grows:.4f} per ηt.",
)

# %% [markdown]
# No accident: a step moves the weights by $-\eta(\nabla L+\lambda w)$, so that $\ln\lVert w\rVert$ grows by
# $-\langle w,\nabla L\rangle/\lVert w\rVert^2-\lambda$ per $\eta t$. The meter reads λ *plus the growth of* $\ln\lVert w\rVert$.
# When has a run come far enough? A rule of thumb: $\sum\eta\lambda > 3$. Then even a weight that only decay moves has forgotten
# $1-e^{-3}$ = 95 % of its start. But a right reading does not prove a run long enough: where the length turns from growing to
# shrinking, the meter is right for a moment (among the crosses, too).

# %% tags=["fold"]
# claim 02.5: the meter on all networks, λ by λ; and judged by the worst λ whose run held enough decay
long_enough = [λ for λ in λs[1:] if n_steps * lr * λ > 3]
off = {
    name: {λ: at(rows, "reading", weight_decay=λ) / λ - 1 for λ in λs[1:]}
    for name, rows in (("finished", finished), ("early", early))
}
for λ in λs[1:]:
    print(f"λ = {λ:<6g} Σηλ = {n_steps * lr * λ:<6.3g} off by {off['finished'][λ].min():+.1%} to {off['finished'][λ].max():+.1%}")
worst = {
    name: np.max([np.abs(off[name][λ]) for λ in long_enough], axis=0) if long_enough else np.full(n_runs, np.nan) for name in off
}
claims.within(
    "02.5",
    "Where Σηλ is above 3, the meter reads the λ of training to within 2 %, each run judged by its worst λ.",
    worst["finished"],
    0,
    0.02,  # finer than any two values of λ that one would try
    control=worst["early"],
    unit="points",
    over="runs, each with lies of its own",
)

# %% [markdown]
# ## 7 · When it goes wrong
#
# What the meter is for: each of these lines is meant to give the gradient λw. **Predict:** what will it read for each?

# %%
prediction = None  # three numbers
penalties = {
    "λ / 2 * w @ w": lambda λ, w: λ / 2 * w @ w,
    "λ * w @ w": lambda λ, w: λ * w @ w,
    "λ / 2 * w.data @ w.data": lambda λ, w: λ / 2 * w.data @ w.data,
}


# %% tags=["fold"]
# a network for each of these penalties, on the meter
def train_as_told(penalty, **settings):
    torch.manual_seed(seed)
    network, (x, y) = build().to(device), lied[seed].train
    optimizer = torch.optim.SGD(network.parameters(), **settings)
    for _ in range(n_steps):
        loss = functional.cross_entropy(network(x), y)
        total = loss + penalty(torch.cat([w.flatten() for w in network.parameters()]))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    return network, total.item(), loss.item()


print(f"with λ = {middle:g}           the meter reads   printed loss   of it cross-entropy")
for code, penalty in penalties.items():
    network, total, loss = train_as_told(partial(penalty, middle), lr=lr)
    print(f"{code:24} {read(network, lied[seed].train):10.4f} {total:16.3f} {loss:16.3f}")
print(f"{'no penalty':24} {read(trained[0.0, seed], lied[seed].train):10.4f}")
if prediction is not None:
    print("You said", prediction)

# %% [markdown]
# A forgotten ½ doubles λ. Through `.data` no gradient flows: the penalty is printed, and training never hears of it.
#
# And with momentum μ, PyTorch's SGD repeats each step about $1/(1-\mu)$ times over, the decay too: divide $\sum\eta\lambda$ by
# $1-\mu$.

# %% tags=["fold"]
# what is left of blank pixels after a run with momentum 0.9
heavy, *_ = train_as_told(lambda w: 0.0, lr=lr / 10, momentum=0.9, weight_decay=λs[1])
share_left = (heavy[1].weight[:, blank].norm() / start[:, blank].norm()).item()
total_decay = n_steps * lr / 10 * λs[1]
print(f"μ = 0.9, lr = {lr / 10:g}, λ = {λs[1]:g}: of blank pixels {share_left:.1%} is left; exp(-Σηλ) = "
      f"{np.exp(-total_decay):.1%}, exp(-Σηλ/(1-μ)) = {np.exp(-10 * total_decay):.1%}")  # fmt: skip

# %% tags=["fold"]
# a table from lecture notes, run again with intervals: weight decay on CIFAR-10 (more in the deep dive on these tables)
quote("cifar10_decay")

# %% [markdown]
# ## What to take along
#
# * For a bowl, penalty, ball and belief have one minimum, if λ, r and τ fit; gradient descent goes there by a factor
#   $1-\eta\lambda$.
# * A direction keeps $h/(h+\lambda)$: what hangs on the large differences between pictures survives, most of a random lie does
#   not. Stopping early makes the same bet.
# * Σηλ before a run; $-\langle w,\nabla L\rangle/\lVert w\rVert^2$ after it.
#
# **Deep dives:** [when is an L2 penalty not decay?](deeper/02_momentum.ipynb) ·
# [what does the Gaussian prior say, and what not?](deeper/02_prior.ipynb)
#
# **On your own model:** add up `lr * weight_decay`; for `torch.optim.SGD` with momentum μ divide by 1 − μ, for AdamW do not.
# Around the λ for which the sum is 3 (a first guess, not a law), train three values a factor of 3 apart, and λ = 0, three seeds
# each; look at the paired difference of validation accuracy against λ = 0.
#
# **References.** Hoerl & Kennard 1970, [ridge regression](https://doi.org/10.1080/00401706.1970.10488634) ·
# Hanson & Pratt 1988, NIPS 1, for the factor · MacKay 1992, [for the belief](https://doi.org/10.1162/neco.1992.4.3.448) ·
# Krogh & Hertz 1991,
# [NIPS 4](https://papers.nips.cc/paper/1991/hash/8eefcfdf5990e441f0fb6f3fad709e21-Abstract.html)
# · Goodfellow, Bengio, Courville 2016, [section 7.1](https://www.deeplearningbook.org/contents/regularization.html) ·
# Loshchilov & Hutter 2019, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101) ·
# D'Angelo et al. 2024, [arXiv:2310.04415](https://arxiv.org/abs/2310.04415)
#
# **Next:** [03 · AdamW](03_adamw.ipynb): each weight gets its own step size.

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
claims.table()
metrics = {f"val_{λ:g}": at(table, "val_accuracy", weight_decay=λ).mean() for λ in λs}
metrics |= {"chosen": chosen, "corrected": share["corrected", middle], "test": right[chosen].mean(), "stop": float(stop)}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (35).** 3 hook and prediction 1 · 8 exercise 2.1, in pairs · 3 blank pixels (vote first) · 7 three names and
# exercise 2.2 · 3 directions · 5 λ or stopping · 5 meter and the hidden λ (bets on the board) · 1 wrap-up. **When short:**
# section 7 is reading. **Ask before running:** what would it mean if *both* networks corrected the lies? Which weights of a
# network could decay never hold down? **Expect:** "decay makes all weights smaller" (only together); "the factor is 1 − λ";
# "λ = σ²/τ²" (that is for the sum of squares with both halves); "so decay beats stopping" (claim 02.3).
