# %% [markdown]
# # 02 · Weight decay
#
# **What does λ do to the objective, the update, the prior and the geometry, and when is L2 decay?**
#
# Some labels of our training digits are lies. Two networks learn from all of them: the same pictures, the same initial weights,
# as many steps. Then we ask both about the very digits that they were lied to about. They answer differently, and between the
# two stands a single number.
#
# You will write the line of code in which that number acts, see what it shrinks, choose it, and at last read it off finished
# networks whose code you have never seen.
#
# *{minutes} minutes. You need gradients, least squares and lesson 01. Two questions to warm up:*
#
# <details><summary>Why can the training error not tell a network that learned from one that memorized?</summary>
# A large enough network brings it to zero either way; new data tell.</details>
# <details><summary>Which data may choose a setting, and which may only report?</summary>
# Validation chooses; test reports, once.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 5  # [3, 50] runs of each setting, each with its own lies and initial weights
weight_decays: list = [0.003, 0.01, 0.03, 0.06, 0.1]  # 4 to 8 rising values in (0, 0.3]: λ, beside 0
n_train: int = 300  # [100, 900] training digits
share_of_lies: float = 0.2  # [0.05, 0.5] share of them with a false label
lr: float = 0.5  # [0.05, 0.6] learning rate η
n_steps: int = 300  # [10, 5000] steps, each with all training digits
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the digits (every pixel centred on the training digits), and the lies of each run
import numpy as np
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
from course_utils.statistics import mean_and_interval

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
# of PyTorch's `weight_decay`, which we call **λ**, and several draws of the lies. This is the longest wait of the lesson.


# %%
def build():
    return mlp(n_inputs=64, n_hidden=(64,), n_outputs=10)


settings = [{"weight_decay": λ, "lr": lr, "optimizer": torch.optim.SGD} for λ in λs]
table, networks = sweep(build, lied, settings, seeds, epochs=n_steps, batch_size=n_train)

# %% [markdown]
# **Predict.** Each network has seen each lie in every step. Trained with the middle λ of the list, what will it answer to the
# digits that it was lied to about?

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
# alone* at `w`, the learning rate and λ; return the new weights. Arrange it so that λ sits in a factor in front of `w`. Your
# step will train a network.
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
right_step = step if passed else lambda w, grad, lr, weight_decay: (1 - lr * weight_decay) * w - lr * grad
print("From here on", "your step is used." if passed else "our step is used; yours, once it passes.")


# %%
def train(step, weight_decay, s):
    torch.manual_seed(s)
    network, (x, y) = build().to(device), lied[s].train
    for _ in range(n_steps):
        loss = functional.cross_entropy(network(x), y)
        grads = torch.autograd.grad(loss, list(network.parameters()))
        with torch.no_grad():
            for w, grad in zip(network.parameters(), grads):
                w.copy_(torch.as_tensor(step(w.detach(), grad, lr, weight_decay)))
    return network


# %% tags=["fold"]
# the network that this step trains, beside that of torch.optim.SGD(weight_decay=λ)
by_step = train(right_step, middle, seed)
corrected = (answers_to_lies(by_step, seed) == truth[lies[seed]]).double().mean().item()
gap = max((a - b).abs().max().item() for a, b in zip(by_step.parameters(), trained[middle, seed].parameters(), strict=True))
apart = max((a - b).abs().max().item() for a, b in zip(by_step.parameters(), trained[0.0, seed].parameters(), strict=True))
print(f"{'Your' if passed else 'Our'} step corrects {corrected:.0%} of the lies. Its weights are those of torch.optim.SGD("
      f"weight_decay={middle:g}) to within {gap:.0e}; those without decay are up to {apart:.1f} away.")  # fmt: skip

# %% [markdown]
# So under plain gradient descent, a *penalty in the loss* and a *decay of the weights* are one thing: a factor $1-\eta\lambda$ on
# the weights, and then the loss, with the gradient from before the decay.
#
# ### How much decay is in a run?
#
# Some pixels at the edge are blank in all training digits. No gradient ever reaches their weights; they feel nothing but the
# factor, step after step, and $\prod_t (1-\eta_t\lambda) \approx e^{-\sum_t \eta_t\lambda}$ of them remains.
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
# Compute $\sum\eta\lambda$ before a run: far below 1, decay can do next to nothing; above 1, the run forgets where it started.
# It tells what decay does *unopposed*, no more: all other weights have data to hold them up. Which, and how far, is section 4.
#
# ## 3 · Three names of one minimum
#
# **A penalty** is one name. To look at the minimum itself, let a linear reader with 64 weights say whether a digit is even
# (target 1) or odd (−1), by mean squared error.
#
# **A ball** is the second: minimize the loss alone, but never leave $\lVert w\rVert \le r$. Step down; if that leads out,
# go back to the surface. No λ anywhere:

# %%
x = images.flatten(1).double().cpu().numpy()
target = 1 - 2 * (truth.cpu().numpy() % 2)
H, c = 2 / n_train * x.T @ x, 2 / n_train * x.T @ target  # the gradient is H w - c
small = 0.5 / np.linalg.norm(H, 2)


def penalized(λ):
    w = 0 * c
    for _ in range(5000):
        w = np.asarray(right_step(w, H @ w - c, small, λ))
    return w


def in_ball(radius):
    w = 0 * c
    for _ in range(5000):
        w = w - small * (H @ w - c)
        w = w * min(1, radius / np.linalg.norm(w))
    return w


# %% tags=["fold"]
# the same weights by penalty, ball and scikit-learn; and the minimum in the plane of a stiff and a flat direction
h, directions = np.linalg.eigh(H)
h, directions = h[::-1], directions[:, ::-1]
best = np.divide(directions.T @ c, h, out=np.zeros(64), where=h > 1e-6)  # least squares, direction by direction
directions, best = directions * np.where(best < 0, -1, 1), np.abs(best)
λ = float(h[10])
by_penalty = penalized(λ)
by_ball = in_ball(np.linalg.norm(by_penalty))
by_ridge = Ridge(alpha=n_train * λ / 2, fit_intercept=False).fit(x, target).coef_
print(f"λ = {λ:.2f}: largest difference between the weights of penalty and ball {np.abs(by_penalty - by_ball).max():.0e}, "
      f"of penalty and Ridge(alpha=Nλ/2) {np.abs(by_penalty - by_ridge).max():.0e}; "
      f"largest weight {np.abs(by_penalty).max():.2f}.")  # fmt: skip
τ = 1 / np.sqrt(n_train * middle)
print(f"As a belief, λ = {middle:g} beside {n_train} digits says: weights of size {τ:.2f}.")

# %% tags=["fold"]
# figure: ball and tangent in the plane of two directions of the pixels
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
ax.plot(radius * np.cos(turn), radius * np.sin(turn), "C4-", label="ball")
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
ax.set_title(f"The flat direction keeps {touch[1] / top[1]:.0%}, the stiff one {touch[0] / top[0]:.0%}")
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
    reading=f"Both green and orange lie on the ball; shrinking all weights alike has "
    f"{height(*straight) / height(*touch):.1f} times the excess loss. The dotted path shows which direction gives way first.",
)

# %% [markdown]
# Where ellipse and ball *touch*, the loss pulls outward, the penalty inward, and the two cancel: $\nabla L(w) = -\lambda w$.
# Anywhere else on the sphere a step along it would lower the loss. Keep that equation for section 6.
#
# **A belief** is the third name. Before seeing data, believe each weight to be Gaussian around zero with standard
# deviation τ. Cross-entropy is minus a log-likelihood, so minus the log of the posterior is
#
# $$N\,L(w) + \frac{1}{2\tau^2}\lVert w\rVert^2 + \text{const},$$
#
# and the most probable $w$ (*maximum a posteriori*, MAP) is our minimum with $\lambda = 1/(N\tau^2)$. A tight belief is a strong
# penalty, beside more data a weaker one. (MAP is one point of the posterior, without its width.)
#
# N and the ½ are why "my λ" is seldom yours:
#
# | somebody minimizes | which is our λ = |
# | --- | --- |
# | mean loss + c‖w‖² (a penalty by hand) | 2c |
# | sum of losses + (c/2)‖w‖² | c/N |
# | sum of squares + α‖w‖² (scikit-learn's `Ridge`) | 2α/N |
#
# ### Exercise 2.2 · From a belief to λ
#
# You regress with `nn.MSELoss()` on `n` examples. The targets carry Gaussian noise of standard deviation `noise`, and you
# believe the weights to have standard deviation `prior`. Which `weight_decay` gives the MAP weights?
#
# <details><summary>Hint 1</summary>One target with Gaussian noise costs (y − f)²/(2σ²) in minus log-likelihood.</details>
# <details><summary>Hint 2</summary>Scale the whole sum until its first term is what the last row of the table has.</details>


# %% tags=["stub"]
def from_belief(prior, noise, n): ...


checks.check_2_2(from_belief)


# %% tags=["solution"]
def from_belief(prior, noise, n):
    return 2 * noise**2 / (n * prior**2)


checks.check_2_2(from_belief)

# %% [markdown]
# ## 4 · What it shrinks
#
# Walk through weight space in one direction. If the loss rises steeply, it is **stiff**, otherwise **flat**. Along an
# eigenvector of `H` the curvature $h$ is its eigenvalue, and all is a problem of one weight,
# $\frac h2(w-w^*)^2 + \frac\lambda2 w^2$, with its minimum at
#
# $$w = \frac{h}{h+\lambda}\,w^* .$$
#
# For our reader, directions are pictures. Which lie left, which right?

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
for k in (int(np.argmin(np.abs(np.log(np.maximum(h, 1e-9)) - wanted))) for wanted in np.linspace(np.log(0.004), np.log(h[0]), 6)):
    place = np.log(h[k] / left) / np.log(right / left)
    inset = ax.inset_axes([place - 0.065, 0.69, 0.13, 0.29])
    inset.imshow(directions[:, k].reshape(8, 8), cmap="RdBu", vmin=-0.4, vmax=0.4)
    inset.set(xticks=[], yticks=[])
ax.set_xlim(left, right)
off = max(np.abs(m - h[visible] / (h[visible] + λ)).max() for λ, m in measured.items())
ax.set_title(f"Your step leaves h/(h + λ) of each direction, to within {off:.1g}" if passed else
             f"Gradient descent leaves h/(h + λ) of each direction, to within {off:.1g}")  # fmt: skip
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.4))
show(
    fig,
    alt="Share kept against curvature for three λ, points on rising curves; above them six directions as 8 by 8 pictures.",
    reading=f"With λ = {float(h[10]):.2g}, the stiffest direction keeps {measured[float(h[10])][0]:.0%}, the flattest "
    f"{measured[float(h[10])][-1]:.1%}. There is no such thing as “the weights shrink by so many percent”.",
)

# %% [markdown]
# Do the networks of section 1, neither linear nor trained by squares, do likewise? What does decay leave of their first layer
# along the ten stiffest directions, and along the ten flattest?

# %% tags=["fold"]
# what decay leaves of the first layer, in the ten stiffest and in the ten flattest directions that any digit has
seen = torch.tensor(directions[:, h > 1e-6].copy(), dtype=torch.float32, device=device)


def kept(s, along):
    with_decay, without = (trained[λ, s][1].weight @ along for λ in (middle, 0.0))
    return (with_decay.norm() / without.norm()).item()


in_stiff, in_flat = ([kept(s, part) for s in seeds] for part in (seen[:, :10], seen[:, -10:]))

# %% tags=["fold"]
# claim 02.2: the network's first layer in stiff and flat directions
claims.compare(
    "02.2",
    "In the networks, too, decay leaves more of the first layer in stiff directions of the pixels than in flat ones.",
    in_stiff,
    in_flat,
    names=("kept in the ten stiffest", "in the ten flattest"),
    unit="points",
    over="runs, each with lies of its own",
    source="Krogh & Hertz 1991; Goodfellow et al. 2016, section 7.1.1, for the quadratic",
)

# %% [markdown]
# And where are the lies? Give a linear reader two targets: the true classes, and what the lies change in them. Of all that it
# can fit of each, how much is in the ten stiffest directions?

# %% tags=["fold"]
# what a linear reader fits of the truth, and of what the lies change, and how much of that in the ten stiffest directions
patterns = x @ directions[:, h > 1e-6]
patterns = patterns / np.linalg.norm(patterns, axis=0)  # what each direction makes of the digits


def in_ten_stiffest(targets):
    fitted = ((patterns.T @ targets) ** 2).sum(1)
    return fitted[:10].sum() / fitted.sum()


classes = np.eye(10)[truth.cpu()]
of_truth = in_ten_stiffest(classes - classes.mean(0))
of_lies = [in_ten_stiffest(np.eye(10)[lied[s].train[1].cpu()] - classes) for s in seeds]

# %% tags=["fold"]
# claim 02.3: where the truth is written, and where the lies
claims.compare(
    "02.3",
    "Of what a linear reader can fit of the truth, more is in the ten stiffest directions than of the lies.",
    [of_truth] * n_runs,
    of_lies,
    names=("of the truth", "of the lies"),
    unit="points",
    over="draws of the lies",
)

# %% [markdown]
# What many digits share is stiff. A lie is about one picture; to store it takes flat directions too, and there it is expensive.
# Decay is a *bet* that flat directions hold more lies than signal. Where that is wrong, it costs.
#
# ## 5 · Choose λ
#
# Validation sets the stake. For comparison, the same networks also learn the same digits without a single lie.

# %% tags=["fold"]
# the same sweep with honest labels, and what validation chooses in both
honest_table, honest_networks = sweep(build, honest, settings, seeds, epochs=n_steps, batch_size=n_train)
chosen, chosen_honest = choose(table, "weight_decay").best, choose(honest_table, "weight_decay").best

# %% tags=["fold"]
# figure: validation accuracy, lies repeated and lies corrected against λ
fig, ax = plt.subplots(figsize=(7.6, 3.4))
for rows in (table, honest_table):
    rows["place"] = rows["weight_decay"].map(λs.index)
for column, style, label in (("repeated", "--", "lies repeated"), ("corrected", "-.", "lies corrected"),
                             ("val_accuracy", "-", "validation accuracy")):  # fmt: skip
    plot_interval(ax, table, "place", column, label=label, linestyle=style, marker="o")
plot_interval(ax, honest_table, "place", "val_accuracy", label="the same without lies", linestyle=":", marker="s")
ax.set(xlabel="λ", ylabel="share", ylim=(0, 1.03), xticks=range(len(λs)))
ax.set_xticklabels([f"{λ:g}" for λ in λs])
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
val = {λ: at(table, "val_accuracy", weight_decay=λ) for λ in (0.0, chosen)}
gain, half, _ = mean_and_interval(val[chosen] - val[0.0])
ax.set_title(f"Best on validation: λ = {chosen:g}, {100 * gain:+.1f} ± {100 * half:.1f} points against none")
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
ties = ", ".join(f"{λ:g}" for λ in choose(table, "weight_decay").ties) or "none"
honest_gain, honest_half, _ = mean_and_interval(
    at(honest_table, "val_accuracy", weight_decay=chosen_honest) - at(honest_table, "val_accuracy", weight_decay=0.0)
)
show(
    fig,
    alt="Shares of lies repeated and corrected, and validation accuracy with lies and with honest labels, against λ.",
    reading=f"Trained on lies, validation chooses λ = {chosen:g} (it cannot be told from: {ties}), {val[chosen].mean():.1%} "
    f"against {val[0.0].mean():.1%} without. Trained on honest labels it chooses {chosen_honest:g}, for "
    f"{100 * honest_gain:+.1f} ± {100 * honest_half:.1f} points.",
)

# %% [markdown]
# λ is chosen; now, once, the test digits:


# %% tags=["fold"]
# the test digits, with λ = 0 and with the chosen λ
@torch.no_grad()
def is_right(network):
    x, y = honest.test
    return (network(x).argmax(1) == y).double().cpu().numpy()


right = {λ: np.stack([is_right(trained[λ, s]) for s in seeds]) for λ in (0.0, chosen)}
for λ, scores in right.items():
    print(f"λ = {λ:g}: {scores.mean():.1%} of {scores.shape[1]} test digits (mean of {n_runs} runs)")

# %% tags=["fold"]
# claims 02.4 and 02.5: the chosen λ on new digits; the gain with lies and without
claims.compare(
    "02.4",
    "Trained on lies, the λ chosen on validation reads new digits more than two points better than none.",
    right[chosen],
    right[0.0],
    margin=0.02,
    names=(f"with λ = {chosen:g}", "without"),
    unit="points",
    over="runs and test digits",
)
trained_honest = dict(zip(zip(honest_table["weight_decay"], honest_table["seed"], strict=True), honest_networks, strict=True))
right_honest = {λ: np.stack([is_right(trained_honest[λ, s]) for s in seeds]) for λ in (0.0, chosen_honest)}
claims.compare(
    "02.5",
    "With honest labels the best λ gains less than with lies.",
    right[chosen] - right[0.0],
    right_honest[chosen_honest] - right_honest[0.0],
    names=("gained with lies", "with honest labels"),
    unit="points",
    over="runs and test digits",
    source="Krogh & Hertz 1991, for noise in the targets",
)

# %% [markdown]
# ## 6 · The λ-meter
#
# A finished network lies on your desk, with its training data, without its code. With which λ was it trained? At the minimum,
# for *every* weight, $\nabla L(w) = -\lambda w$.
#
# ### Exercise 2.3 · Build the meter
#
# You get all weights `w` and the gradient `grad` of the loss there, two long vectors. No training ends exactly at the
# minimum, so the equations contradict each other a little: return the λ that makes $\lVert\nabla L + \lambda w\rVert^2$ smallest.
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
# ours, in case yours is open; and four networks, shuffled, without their labels
meter_passed = checks.check_2_3(meter).startswith("passed")
right_meter = meter if meter_passed else lambda w, grad: -(w @ grad) / (w @ w)
four = λs[1:5]
hidden = np.random.default_rng((seed, 2)).permutation(four)
last = seeds[-1]
desk = {name: trained[float(λ), last] for name, λ in zip("ABCD", hidden, strict=True)}
with torch.no_grad():
    for name, network in desk.items():
        score = (network(images).argmax(1) == lied[last].train[1]).double().mean()
        print(f"network {name}: fits {score:.0%} of its training labels, lies included")

# %% [markdown]
# **Predict.** Four networks are on the desk, trained with the four smallest λ above 0. Order them from the weakest decay to the
# strongest, before the meter does.

# %%
prediction = None  # such as "ABCD", the weakest decay first


# %%
def read(network, data):
    weights = list(network.parameters())
    loss = functional.cross_entropy(network(data[0]), data[1])
    grads = torch.autograd.grad(loss, weights)
    w, grad = (torch.cat([t.detach().flatten() for t in part]) for part in (weights, grads))
    return float(right_meter(w.cpu().numpy(), grad.cpu().numpy()))


for name, network in desk.items():
    print(f"network {name}: the meter reads {read(network, lied[last].train):.4f}")

# %% tags=["fold"]
# figure: what the meter reads on all networks, finished and after a thirtieth of the steps
early_table, early_networks = sweep(build, lied, settings[1:], seeds, epochs=max(1, n_steps // 30), batch_size=n_train)
early = early_table.assign(reading=[read(m, lied[s].train) for m, s in zip(early_networks, early_table["seed"], strict=True)])
finished = table.assign(reading=[read(m, lied[s].train) for _, s, m in runs])
fig, ax = plt.subplots()
ax.plot(λs[1:], λs[1:], color="gray", linestyle=":", label="the λ it was trained with")
for rows, marker, name in ((finished, "o", "finished"), (early, "X", "after a thirtieth of the steps")):
    rows = rows[rows["weight_decay"] > 0]
    ax.plot(rows["weight_decay"], rows["reading"], marker, linestyle="none", label=f"{name} ({len(rows)} networks)")
order = "".join(sorted(desk, key=lambda name: read(desk[name], lied[last].train)))
true_order = "".join(sorted(desk, key=lambda name: hidden["ABCD".index(name)]))
ax.set(xscale="log", yscale="log", xlabel="λ in training", ylabel="λ that the meter reads")
ax.set_title("The meter puts all four in order" if order == true_order else "The meter does not put all four in order")
ax.legend()
at_zero = finished[finished["weight_decay"] == 0]["reading"].mean()
answer = ", ".join(f"{name} = {λ:g}" for name, λ in zip("ABCD", hidden, strict=True))
yours = f" You said {prediction}." if prediction else ""
show(
    fig,
    alt="Readings of the meter against the λ of training, of finished and of early networks, and the diagonal.",
    reading=f"The truth: {answer}. By the meter the order is {order}.{yours} Networks trained without decay read "
    f"{at_zero:.4f}, not quite 0: their loss still falls.",
)

# %% tags=["fold"]
# claim 02.6: the meter on all networks whose run held enough decay
long_enough = [λ for λ in λs[1:] if n_steps * lr * λ > 1] or λs[-1:]
ratio = {
    name: np.array([[at(rows, "reading", weight_decay=λ) / λ] for λ in long_enough]).mean((0, 1))
    for name, rows in (("finished", finished), ("early", early))
}
claims.within(
    "02.6",
    "On finished networks whose Σηλ is above 1 the meter reads the λ of their training.",
    100 * ratio["finished"],
    100,
    5,
    control=100 * ratio["early"],
    unit="% of the true λ",
    over="runs, each with lies of its own",
)

# %% [markdown]
# The meter needs the loss, the data, and a run near a standstill: a loss that still falls, it takes for decay.
#
# ## 7 · When it goes wrong
#
# What the meter is for: each of these lines is meant to give the gradient λw.

# %%
penalties = {
    "λ/2 * w @ w": lambda w: w @ w / 2,
    "λ * w @ w": lambda w: w @ w,
    "λ/2 * w.data @ w.data": lambda w: w.data @ w.data / 2,
}


# %% tags=["fold"]
# a network for each of these penalties, and decoupled decay with momentum, all on the meter
def train_as_told(s, penalty=None, decoupled=0.0, momentum=0.0, coupled=0.0):
    torch.manual_seed(s)
    network, (x, y) = build().to(device), lied[s].train
    weights = list(network.parameters())
    rate = lr * (1 - momentum)
    optimizer = torch.optim.SGD(weights, lr=rate, momentum=momentum, weight_decay=coupled)
    for _ in range(n_steps):
        loss = functional.cross_entropy(network(x), y)
        if penalty:
            loss = loss + middle * penalty(torch.cat([w.flatten() for w in weights]))
        optimizer.zero_grad()
        loss.backward()
        with torch.no_grad():
            for w in weights:
                w.mul_(1 - rate * decoupled)
        optimizer.step()
    return read(network, lied[s].train)


for code, penalty in penalties.items():
    print(f"{code:22} with λ = {middle:g}: the meter reads {train_as_told(seed, penalty):.4f}")
few = list(seeds)[:3]
with_momentum = {
    "coupled": np.array([train_as_told(s, coupled=middle, momentum=0.9) for s in few]) / middle,
    "decoupled": np.array([train_as_told(s, decoupled=10 * middle, momentum=0.9) for s in few]) / (10 * middle),
}

# %% [markdown]
# A forgotten ½ doubles λ. Through `.data` no gradient flows: the printed loss is larger, and nothing else happens.
#
# The last trap answers "when is L2 decay?". With momentum μ, SGD steps along a running sum, $v \leftarrow \mu v + g$. PyTorch
# adds $\lambda w$ to $g$ (**coupled**): at a standstill $v = 0$, so $\nabla L = -\lambda w$ as before. Decay the weights
# *outside* the sum (**decoupled**), and at a standstill $v = \nabla L/(1-\mu)$ balances $\lambda w$: so
# $\nabla L = -(1-\mu)\lambda w$, a weaker penalty.

# %% tags=["fold"]
# claim 02.7: decoupled decay under momentum 0.9, by the meter
claims.within(
    "02.7",
    "Under momentum 0.9 a decoupled decay stands for a penalty of a tenth of its λ.",
    with_momentum["decoupled"],
    0.1,
    0.02,
    control=with_momentum["coupled"],
    unit="of λ",
    over="runs, each with lies of its own",
    source="Loshchilov & Hutter 2019, arXiv:1711.05101, state the equivalence for standard SGD",
)

# %% [markdown]
# ## What to take along
#
# * Penalty, factor, ball, belief: one minimum, for plain gradient descent.
# * Of a direction $h/(h+\lambda)$ is kept: what many examples say more than what one says.
# * Σηλ before a run, $-\langle w,\nabla L\rangle/\lVert w\rVert^2$ after it.
#
# **On your own model:** add up `lr * weight_decay` over the schedule; train λ = 0 and three values a factor of 3 apart, three
# seeds each; look at the paired difference of validation accuracy against λ = 0.
#
# **References.** Hoerl & Kennard 1970, [ridge regression](https://doi.org/10.1080/00401706.1970.10488634) ·
# Hanson & Pratt 1988, NIPS 1, for the factor · MacKay 1992, [for the belief](https://doi.org/10.1162/neco.1992.4.3.448) ·
# Krogh & Hertz 1991,
# [A Simple Weight Decay Can Improve Generalization](https://papers.nips.cc/paper/1991/hash/8eefcfdf5990e441f0fb6f3fad709e21-Abstract.html)
# · Goodfellow, Bengio, Courville 2016, [section 7.1](https://www.deeplearningbook.org/contents/regularization.html) ·
# Loshchilov & Hutter 2019, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101) ·
# D'Angelo et al. 2024, [arXiv:2310.04415](https://arxiv.org/abs/2310.04415), for networks that do not overfit
#
# **Next:** [03 · AdamW](03_adamw.ipynb), where each weight has a step size of its own.

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
display(claims.table())
metrics = {f"val_{λ:g}": at(table, "val_accuracy", weight_decay=λ).mean() for λ in λs}
metrics |= {"chosen": chosen, "corrected": share["corrected", middle], "test": right[chosen].mean()}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (40).** 4 hook and prediction 1 · 9 exercise 2.1, in pairs · 4 blank pixels (vote first) · 8 three names and
# exercise 2.2 · 4 directions · 4 choosing · 6 meter and game, one network a table · 1 wrap-up. **When short:** section 7 is
# reading. **Ask before running:** what would it mean if *both* networks corrected the lies? Which weights of a network could
# decay never hold down? **Expect:** "decay makes all weights smaller" (only together); "the factor is 1 − λ"; "λ = σ²/τ²" (that
# is for the sum of squares with both halves).
