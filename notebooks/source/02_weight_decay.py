# %% [markdown]
# # 02 · Weight decay
#
# **The question:** what does λ do to the objective, the update, the prior and the geometry, and when is an L2 penalty the
# same thing as decay?
#
# **Time:** 75 minutes. **You need:** gradients, least squares, and lesson 01 (`fit`, training and validation error).
#
# At the end you will be able to
# 1. *derive* the factor (1 − ηλ) from the penalty, and *translate* λ between conventions, libraries and priors,
# 2. *predict*, before training, whether a recipe's decay does anything, and what momentum makes of it,
# 3. *diagnose*, from the weights alone, which penalty a finished run has really minimized.
#
# Plain SGD and SGD with momentum are the whole story here. What Adam makes of λ is lesson 03.

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] the random seed of data, initial weights and batch order
n_runs: int = 8  # [3, 50] runs per setting, each with its own data split and seed
device: str = "cpu"  # {"cpu", "cuda"} where tensors live
l2_strength: float = 0.1  # [0.01, 1] λ of the small regression problem
lr: float = 0.05  # [0.05, 0.2] learning rate η of the small regression problem
momentum: float = 0.9  # [0, 0.95] momentum μ, in the small problem and in the networks
weight_decay: float = 0.03  # [0.003, 0.1] λ of the network whose weights we watch
net_lr: float = 0.05  # [0.005, 0.1] learning rate η of the networks
n_train: int = 200  # [50, 900] training digits
label_noise: float = 0.2  # [0, 0.5] fraction of training labels replaced by a random label
n_epochs: int = 60  # [5, 300] epochs of each network

# %%
import copy
import math

import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from sklearn.linear_model import Ridge
from torch import nn
from torch.nn import functional

from course_utils import claims as verdicts
from course_utils.checks import lesson_02 as checks
from course_utils.data import load
from course_utils.figures import plot_interval, show, use_course_style
from course_utils.measure import weight_norm
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.training import evaluate, fit

use_course_style()
parameters = check_parameters(In, globals())
double = {"dtype": torch.float64, "device": device}
claims = []

# %% [markdown]
# ## Predict
#
# Write your answers down before you run anything.
#
# 1. With η = 0.1 and λ = 0.0001, a weight that no gradient touches keeps a factor of 0.99999 per step. How much of it is
#    left after 5,000 steps: almost nothing, about half, or almost all?
# 2. λ grows and everything else stays. Does *every single weight* move toward zero?
# 3. You train with momentum 0.9 and replace the penalty by "true" decay with the same λ. Do you end at the same weights?
# 4. A small network reads letters in typefaces that it never saw in training. Will the best λ gain more than two points?
#
# ## 1 · From the penalty to the factor
#
# Weight decay begins as a second term in the objective. With a loss $L(w)$ and a strength $\lambda$,
#
# $$J(w) = L(w) + \frac{\lambda}{2}\lVert w\rVert^2, \qquad \nabla J(w) = \nabla L(w) + \lambda w .$$
#
# Put this gradient into one step of gradient descent with learning rate $\eta$ and sort the terms:
#
# $$w \leftarrow w - \eta\,(\nabla L(w) + \lambda w) = (1 - \eta\lambda)\,w - \eta\,\nabla L(w).$$
#
# The penalty has become a factor a little below one. That is the whole derivation, and each step of it can be tested. The
# test bench is a small regression problem: a loss whose exact minimum we can also compute by solving a linear system. The
# loss is the mean squared error, exactly `nn.MSELoss()`, in double precision so that differences of rounding size are visible
# as such. `gradient` asks autograd for the derivative of any function of $w$.

# %%
generator = torch.Generator().manual_seed(seed)
n_examples, n_features = 50, 8
X = torch.randn(n_examples, n_features, generator=generator, dtype=torch.float64).to(device)
true_w = torch.randn(n_features, generator=generator, dtype=torch.float64).to(device)
y = X @ true_w + torch.randn(n_examples, generator=generator, dtype=torch.float64).to(device)


def loss(w):
    return ((X @ w - y) ** 2).mean()


def gradient(function, w):
    w = w.clone().requires_grad_()
    return torch.autograd.grad(function(w), w)[0]


# %% [markdown]
# The first two claims come with two wrong variants. One forgets the ½: the penalty λ‖w‖² has the gradient 2λw. The other
# takes a common sentence literally, "the weights are decayed, *then* the gradient acts": it decays first and takes the
# gradient at the decayed weights. Algebra says something else: the gradient belongs to the weights *before* the decay.
#
# A third claim is about a popular metaphor. At the minimum of $J$ two forces cancel, $\nabla L(w) = -\lambda w$: the penalty
# pulls like a spring tied to the origin, with a force proportional to the weight. "Every weight pays a **tax** proportional
# to its size" is something else. The tax, the penalty itself, is proportional to the *square*. (A tax proportional to |w|
# would be the L1 penalty of lesson 06.)

# %% tags=["nbval-check-output"]
w = torch.ones(n_features, **double)
by_hand = gradient(loss, w) + l2_strength * w
penalized = gradient(lambda w: loss(w) + l2_strength / 2 * w @ w, w)
without_half = gradient(lambda w: loss(w) + l2_strength * w @ w, w)
one_step = (1 - lr * l2_strength) * w - lr * gradient(loss, w)
decayed_first = (1 - lr * l2_strength) * w - lr * gradient(loss, (1 - lr * l2_strength) * w)
found = [
    verdicts.exact("02.1", "The gradient of L + (λ/2)‖w‖² is ∇L + λw.", (penalized - by_hand).abs().max(), 1e-12,
                   control=(without_half - by_hand).abs().max()),
    verdicts.exact("02.2", "One step of gradient descent on it is (1 − ηλ)w − η∇L, with ∇L taken at the undecayed w.",
                   (w - lr * penalized - one_step).abs().max(), 1e-12,
                   control=(w - lr * penalized - decayed_first).abs().max()),
    verdicts.within("02.3", "Under an L2 penalty a weight of 5.0 pays 50 times the tax of a weight of 0.1.",
                    5.0**2 / 0.1**2, 5.0 / 0.1, 0.5, control=1.0, expect="not supported"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# **Exercise 2.1.** Write one step of SGD with the penalty (λ/2)‖w‖²: a function of the weights, the gradient of the loss
# *without* penalty, the learning rate and λ. It returns the new weights.

# %% tags=["stub"]
answer = None  # def answer(w, grad, lr, l2_strength): ...
checks.check_2_1(answer)


# %% tags=["solution"]
def answer(w, grad, lr, l2_strength):
    return (1 - lr * l2_strength) * w - lr * grad


checks.check_2_1(answer)

# %% [markdown]
# ## 2 · L2 penalty, `weight_decay`, ridge: three names, one minimum
#
# There are three ways to write it in PyTorch: add the penalty to the loss, pass `weight_decay=λ` to `torch.optim.SGD` (which
# adds λw to the gradient), or multiply the weights by (1 − ηλ) yourself. `descend` can do all three. It uses all 50
# examples in each step, so that nothing is random, and it returns every point of the way.


# %%
def descend(n_steps, coupled=0.0, decoupled=0.0, penalty=0.0, momentum=0.0, nesterov=False, schedule=None):
    w = torch.ones(n_features, requires_grad=True, **double)
    optimizer = torch.optim.SGD([w], lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=coupled)
    path = []
    for step in range(n_steps):
        optimizer.param_groups[0]["lr"] = step_lr = lr * (schedule(step / n_steps) if schedule else 1.0)
        optimizer.zero_grad()
        (loss(w) + penalty * (w @ w)).backward()
        with torch.no_grad():
            w.mul_(1 - step_lr * decoupled)
        optimizer.step()
        path.append(w.detach().clone())
    return torch.stack(path)


# %% [markdown]
# With plain SGD the three agree to rounding at every step, with a constant learning rate and with one that falls along a
# cosine. The wrong variant is once more the forgotten ½, the most frequent reason why "my λ" and "your λ" differ.


# %% tags=["nbval-check-output"]
def cosine(progress):
    return 0.5 * (1 + math.cos(math.pi * progress))


error, forgotten_half = 0.0, math.inf
for schedule in (None, cosine):
    inside = descend(200, coupled=l2_strength, schedule=schedule)
    others = {"penalty": l2_strength / 2}, {"decoupled": l2_strength}
    error = max(error, *[(descend(200, **o, schedule=schedule) - inside).abs().max().item() for o in others])
    doubled = descend(200, penalty=l2_strength, schedule=schedule)
    forgotten_half = min(forgotten_half, (doubled - inside).abs().max().item())
found = [
    verdicts.exact("02.4", "With plain SGD, constant or scheduled, penalty, weight_decay and manual decay are one path.",
                   error, 1e-12, control=forgotten_half, source="Loshchilov & Hutter 2019, arXiv:1711.05101"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# So it does not matter for SGD whether you "add an L2 loss by hand" or use the optimizer's argument. (For Adam it does; that
# is lesson 03.)
#
# ### Which λ is it?
#
# The minimum itself can be computed. For the mean squared error, $\nabla L = \frac{2}{N}X^\top(Xw-y)$, and setting
# $\nabla J = 0$ gives
#
# $$w_\lambda = \Big(\tfrac{2}{N}X^\top X + \lambda I\Big)^{-1}\tfrac{2}{N}X^\top y .$$
#
# Statistics calls this *ridge regression* (Hoerl & Kennard 1970), usually with the **sum** of squares and without the ½:
# scikit-learn's `Ridge` minimizes $\lVert y - Xw\rVert^2 + \alpha\lVert w\rVert^2$. Multiply our objective by $N$ and
# compare: $\alpha = N\lambda/2$.
#
# | objective | its λ or α for the same weights |
# | --- | --- |
# | mean squared error + (λ/2)‖w‖² (this course; `SGD(weight_decay=λ)` with `MSELoss()`) | λ |
# | mean squared error + λ‖w‖² | λ/2 |
# | sum of squares + α‖w‖² (scikit-learn `Ridge`) | Nλ/2 |
# | half the sum of squares + (λ/2)‖w‖² (textbooks) | Nλ/2 |
#
# Gradient descent, the closed form and scikit-learn must now give the same eight numbers. The wrong variant hands λ to
# scikit-learn unchanged.


# %% tags=["nbval-check-output"]
def ridge(l2_strength):
    identity = torch.eye(n_features, **double)
    return torch.linalg.solve(2 / n_examples * X.T @ X + l2_strength * identity, 2 / n_examples * X.T @ y)


def sklearn_ridge(alpha):
    model = Ridge(alpha=alpha, fit_intercept=False).fit(X.cpu().numpy(), y.cpu().numpy())
    return torch.as_tensor(model.coef_, **double)


n_steps = 1500
descended = descend(n_steps, coupled=l2_strength)[-1]
error = max((w - ridge(l2_strength)).abs().max() for w in (descended, sklearn_ridge(n_examples * l2_strength / 2)))
found = [
    verdicts.exact("02.5", "SGD(weight_decay=λ) with MSELoss ends where scikit-learn's Ridge(alpha=Nλ/2) does.", error,
                   1e-10, control=(sklearn_ridge(l2_strength) - descended).abs().max(), source="scikit-learn, Ridge"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# **Exercise 2.2.** A colleague has tuned `Ridge(alpha=…)` on the *sum* of squares. You train the same model with
# `nn.MSELoss()` and `SGD(weight_decay=…)` on the same `n` examples. Write the function from your `weight_decay` and `n` to
# the colleague's `alpha`.

# %% tags=["stub"]
answer = None  # def answer(weight_decay, n): ...
checks.check_2_2(answer)


# %% tags=["solution"]
def answer(weight_decay, n):
    return n * weight_decay / 2


checks.check_2_2(answer)

# %% [markdown]
# ## 3 · Momentum: where the two part
#
# "For SGD, L2 regularization and weight decay are identical." The sentence is everywhere, and it lacks a condition. With
# momentum μ, PyTorch keeps a running sum $v \leftarrow \mu v + g$ and steps by $-\eta v$. The penalty's gradient λw goes
# *into* that sum and is multiplied up by $1/(1-\mu)$ like every steady gradient. Decoupled decay stays outside and is not:
#
# $$\text{coupled: } v \leftarrow \mu v + \nabla L + \lambda w,\; w \leftarrow w - \eta v
# \qquad \text{decoupled: } v \leftarrow \mu v + \nabla L,\; w \leftarrow (1-\eta\lambda)w - \eta v .$$
#
# Where does the decoupled version stand still? There $v = \nabla L/(1-\mu)$, so $\eta\lambda w = -\eta\nabla L/(1-\mu)$,
# which is $\nabla L = -\lambda(1-\mu)\,w$: the ridge solution, but of a penalty **(1 − μ) times** as strong.

# %%
target = ridge(l2_strength)
fig, ax = plt.subplots(figsize=(6, 3))
for mu in (0.0, momentum):
    for kind in ("coupled", "decoupled"):
        way = descend(600, **{kind: l2_strength}, momentum=mu)
        ax.plot(1 + np.arange(600), (way - target).norm(dim=1).cpu(), label=f"{kind}, μ = {mu:g}")
gap = (way[-1] - target).norm().item() / target.norm().item()
ax.set(xscale="log", yscale="log", xlabel="step", ylabel="distance to ridge(λ)", ylim=(1e-9, 10))
ax.set_title(f"With momentum, decoupled decay stops {gap:.1%} away from ridge")
ax.legend()
show(fig, alt="Distance to the ridge solution by step: three curves fall to rounding, decoupled decay with momentum levels off.")

# %% [markdown]
# Without momentum the two curves lie on each other. With momentum they part early: the coupled one goes on to
# the ridge solution, the decoupled one levels off at a distance that no further step removes. It has not failed to converge:
# it has converged to something else. To what, the next cell measures.
#
# ### A λ-meter
#
# Stationarity gives a measuring device. At the minimum of a penalized loss $\nabla L = -\lambda w$ for *some* λ, so
#
# $$\hat\lambda = -\frac{w\cdot\nabla L(w)}{w\cdot w}$$
#
# reads off the penalty that a converged run has really minimized, whatever its code says. Keep it: the bug clinic uses it.


# %%
def measured_l2(w):
    return -(w @ gradient(loss, w) / (w @ w)).item()


momenta = [0.0, 0.5, 0.8, 0.9]
fig, ax = plt.subplots(figsize=(6, 3))
ax.plot([0, 1], [l2_strength, 0], color="gray", linestyle=":", label="λ(1 − μ)")
for kind, marker in (("coupled", "o"), ("decoupled", "s")):
    meter = [measured_l2(descend(1000, **{kind: l2_strength}, momentum=mu)[-1]) for mu in momenta]
    ax.plot(momenta, meter, marker, label=f"{kind}, measured")
ax.set(xlabel="momentum μ", ylabel="measured penalty strength", ylim=(0, 1.15 * l2_strength))
ax.set_title(f"Decoupled decay at μ = {momenta[-1]} is a penalty of {meter[-1] / l2_strength:.2f} λ")
ax.legend(loc="lower left")
show(fig, alt="Measured penalty against momentum: coupled stays at λ, decoupled lies on the falling line λ(1 − μ).")

# %% [markdown]
# The circles stay at λ for every momentum; the squares lie on the falling line. At a momentum of 0.9, then, a λ copied from
# an optimizer with coupled decay to one with decoupled decay asks for a tenth of the penalty.

# %% tags=["nbval-check-output"]
variants = [{"momentum": momentum}, {"momentum": momentum, "nesterov": momentum > 0}]
steps = [(descend(200, coupled=l2_strength, **v) - descend(200, decoupled=l2_strength, **v)).abs().max() for v in variants]
ends = [descend(n_steps, decoupled=l2_strength, **v)[-1] for v in variants]
found = [
    verdicts.exact("02.6", "For SGD with momentum, too, L2 regularization and decoupled weight decay are identical.",
                   min(steps), 1e-12, control=forgotten_half, expect="not supported"),
    verdicts.exact("02.7", "Decoupled decay with momentum μ, Nesterov or not, ends at the ridge solution of λ(1 − μ).",
                   max((w - ridge(l2_strength * (1 - momentum))).abs().max() for w in ends), 1e-10,
                   control=max((w - ridge(l2_strength)).abs().max() for w in ends)),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# Loshchilov & Hutter (2019) state the equivalence with its condition: for *standard* SGD, when rescaled by the learning
# rate. Their SGDW is decoupled decay with momentum, at a constant learning rate the decoupled line of this section.
#
# **Exercise 2.3.** You move from decoupled decay `weight_decay` with momentum `momentum` to PyTorch's `SGD` (coupled) with
# the same momentum, and want to end at the same weights. Which value do you pass as `weight_decay`? Write the function.

# %% tags=["stub"]
answer = None  # def answer(weight_decay, momentum): ...
checks.check_2_3(answer)


# %% tags=["solution"]
def answer(weight_decay, momentum):
    return weight_decay * (1 - momentum)


checks.check_2_3(answer)

# %% [markdown]
# ## 4 · How much decay is in a run?
#
# Take the data away: a weight whose input is always zero gets no gradient, only decay. After steps with learning rates
# $\eta_t$ there remains of it
#
# $$\prod_t (1 - \eta_t\lambda) \;\approx\; e^{-\sum_t \eta_t\lambda}.$$
#
# This is the course's **pre-flight number**. It needs no training, only the schedule, and it tells how much the decay could
# do if nothing opposed it. Near 1, the setting is inert: no weight can be moved by decay by more than the missing fraction.


# %%
def remaining(lrs, weight_decay):
    return math.exp(-sum(lrs) * weight_decay)


steps = [1_000, 5_000, 10_000, 100_000]
products = [1e-5, 1e-4, 1e-3]
display(pd.DataFrame([[remaining([1.0] * n, p) for p in products] for n in steps],
                     index=pd.Index(steps, name="steps"),
                     columns=[f"ηλ = {p:g}" for p in products]).round(3))  # fmt: skip

# %% [markdown]
# The first column is prediction 1: η = 0.1 with λ = 0.0001. Popular texts take just this example and continue that "over
# thousands of steps the gentle pull has a dramatic effect". Read the column: thousands of steps leave nearly everything;
# it takes about a hundred thousand, and then the effect is real. Each column is the same curve at another speed, with the
# timescale $\tau = 1/(\eta\lambda)$ steps: a run much shorter than τ has hardly decayed, a run much longer has forgotten its
# initial weights.
#
# With momentum, coupled decay goes through the running sum, so an unused weight decays $1/(1-\mu)$ times as fast: the number
# becomes $e^{-\sum\eta_t\lambda/(1-\mu)}$. Decoupled decay keeps $e^{-\sum\eta_t\lambda}$. It is the factor of section 3, seen
# from its other side. `unused` runs the real optimizer on a weight whose gradient is always zero. Note that the geometric
# law never reaches zero: L2 makes unused weights small, not absent.


# %% tags=["nbval-check-output"]
def unused(lrs, **settings):
    w = torch.ones(1, requires_grad=True, **double)
    optimizer = torch.optim.SGD([w], lr=lr, weight_decay=l2_strength, **settings)
    for optimizer.param_groups[0]["lr"] in lrs:
        w.grad = torch.zeros_like(w)
        optimizer.step()
    return w.item()


schedule = [lr * cosine(step / 500) for step in range(500)]
left, predicted = unused(schedule), math.prod(1 - step_lr * l2_strength for step_lr in schedule)
slow = [4e-5 / l2_strength] * 2500
speed = math.log(unused(slow, momentum=momentum)) / math.log(unused(slow))
found = [
    verdicts.exact("02.8", "A weight without gradient decays by the product of all (1 − ηλ), and is never exactly zero.",
                   abs(left - predicted) if left else math.inf, 1e-12, control=left - (1 - l2_strength) ** 500),
    verdicts.holds("02.9", "A factor of 0.99999 per step at least halves a weight within a few thousand (5,000) steps.",
                   (1 - 1e-5) ** 5_000 < 0.5, control=False, measured=f"{(1 - 1e-5) ** 5_000:.3f} remains",
                   expect="not supported"),
    verdicts.within("02.10", "Under momentum, coupled decay shrinks unused weights 1/(1 − μ) times as fast.",
                    speed, 1 / (1 - momentum), 0.03 / (1 - momentum), control=1.0),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# ### Recipes before take-off
#
# Now read some recipes with it. "Popular" is the setting that many introductions recommend, learning rate 0.001 and weight
# decay 0.0001, "increase to 0.001 if it overfits", for 30 epochs of 50,000 images in batches of 128. They give it to AdamW,
# whose decay step is the same factor (1 − ηλ). "ImageNet" is the default of torchvision's reference script for SGD (lr 0.1
# divided by 10 every 30 of 90 epochs, momentum 0.9, weight decay 0.0001, 8 × 32 images per step).

# %%
popular = [1e-3] * (30 * 50_000 // 128)
imagenet = [0.1 * 0.1 ** (epoch // 30) for epoch in range(90) for _ in range(1_281_167 // 256)]
recipes = {
    "popular, λ = 0.0001": remaining(popular, 1e-4),
    "popular, λ = 0.001": remaining(popular, 1e-3),
    "ImageNet, decay alone": remaining(imagenet, 1e-4),
    "ImageNet, with its momentum": remaining(imagenet, 1e-4 / (1 - 0.9)),
}
pd.Series(recipes, name="remains of an unused weight").map("{:.4%}".format).to_frame()

# %% [markdown]
# The popular recipe leaves practically everything, and ten times its λ still does: it is a placebo. The ImageNet recipe,
# with the *same* λ, removes most of an unused weight by decay alone, and all of it with its momentum. So a bare λ says
# nothing about strength; Σηλ does.
#
# **Exercise 2.4.** Write the pre-flight function yourself: the fraction of an unused weight that remains after a run whose
# learning rates are the list `lrs`, with decay `weight_decay` and no momentum.

# %% tags=["stub"]
answer = None  # def answer(lrs, weight_decay): ...
checks.check_2_4(answer)


# %% tags=["solution"]
def answer(lrs, weight_decay):
    return math.prod(1 - lr * weight_decay for lr in lrs)


checks.check_2_4(answer)

# %% [markdown]
# ## 5 · The prior
#
# Suppose the targets are $y = Xw + $ Gaussian noise of variance $\sigma^2$, and before seeing data we believe each weight
# to be Gaussian around zero with variance $\tau^2$. Then
#
# $$-\log p(w \mid X, y) = \frac{1}{2\sigma^2}\lVert y - Xw\rVert^2 + \frac{1}{2\tau^2}\lVert w\rVert^2 + \text{const}.$$
#
# The most probable $w$ (maximum a posteriori, MAP) is a ridge solution. A tight prior is a strong penalty. But with which
# λ? Multiply by $2\sigma^2/N$ so that the first term becomes the **mean** squared error; then the second reads off
#
# $$\lambda = \frac{2\sigma^2}{N\tau^2}.$$
#
# Texts that write "λ = σ²/τ²" mean half the sum of squares; used with a mean loss, their penalty is N/2 times too strong. The
# oracle is independent of all this algebra: L-BFGS on PyTorch's own Gaussian log-densities.

# %% tags=["nbval-check-output"]
noise_variance, prior_variance = 0.5, 2.0
likelihood = torch.distributions.Normal(0.0, math.sqrt(noise_variance))
prior = torch.distributions.Normal(0.0, math.sqrt(prior_variance))
w = torch.zeros(n_features, requires_grad=True, **double)
optimizer = torch.optim.LBFGS([w], max_iter=500, tolerance_grad=1e-13, tolerance_change=1e-18, line_search_fn="strong_wolfe")


def minus_log_posterior():
    optimizer.zero_grad()
    value = -(likelihood.log_prob(y - X @ w).sum() + prior.log_prob(w).sum())
    value.backward()
    return value


optimizer.step(minus_log_posterior)
from_prior = 2 * noise_variance / (n_examples * prior_variance)
found = [
    verdicts.exact("02.11", "The MAP estimate under a Gaussian prior is the minimum of MSE + (λ/2)‖w‖², λ = 2σ²/(Nτ²).",
                   (w.detach() - ridge(from_prior)).abs().max(), 1e-7,
                   control=(w.detach() - ridge(from_prior * n_examples)).abs().max()),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The wrong variant forgets the N. Two consequences are worth keeping. With more data the same belief asks for a smaller λ
# (lesson 01 measures that). And "weight decay *is* a Gaussian prior" holds for the penalty: decoupled decay with momentum is
# the prior of λ(1 − μ), by claim 02.7, and AdamW is no Gaussian prior at all (lesson 03).
#
# **Exercise 2.5.** Write the function from the noise variance σ², the prior variance τ² and the number of examples to the
# `weight_decay` for `SGD` with `nn.MSELoss()`.

# %% tags=["stub"]
answer = None  # def answer(noise_variance, prior_variance, n): ...
checks.check_2_5(answer)


# %% tags=["solution"]
def answer(noise_variance, prior_variance, n):
    return 2 * noise_variance / (n * prior_variance)


checks.check_2_5(answer)

# %% [markdown]
# ### What MAP is not
#
# MAP is a point, the highest one of a density, and a density's highest point depends on the coordinate it is drawn in. The
# smallest example: a coin showed 9 heads in 10 throws; its log-odds $w$ have a Gaussian prior. We can look for the most
# probable $w$, or for the most probable $p = 1/(1+e^{-w})$, which describes the same coin. A change of variable multiplies
# the density by $|dw/dp| = 1/(p(1-p))$.

# %%
logit = np.linspace(-6, 10, 16001)
p = 1 / (1 + np.exp(-logit))
log_density = 9 * np.log(p) + 1 * np.log(1 - p) - logit**2 / (2 * 2.0**2)
mass = np.exp(log_density) / np.exp(log_density).sum()
density_p = mass / np.gradient(p)
map_in_w, map_in_p, bayes = p[np.argmax(log_density)], p[np.argmax(density_p)], (mass * p).sum()
low, high = p[np.searchsorted(mass.cumsum(), [0.025, 0.975])]

fig, ax = plt.subplots(figsize=(6, 3))
ax.plot(p, density_p, color="black", label="posterior density of p")
ax.axvspan(low, high, color="gray", alpha=0.15, linewidth=0, label=f"95 %: {low:.2f} to {high:.2f}")
for name, value, style in (("MAP in w", map_in_w, "-"), ("MAP in p", map_in_p, "--"), ("posterior mean", bayes, "-.")):
    ax.axvline(value, color="C1", linestyle=style, label=f"{name}: {value:.3f}")
ax.set(xlabel="probability of heads p", ylabel="density", xlim=(0.3, 1))
ax.set_title(f"Same belief, same data: MAP says {map_in_w:.2f} or {map_in_p:.2f}")
ax.legend(loc="upper left")
show(fig, alt="Posterior density of a coin's bias with three vertical lines: the two MAP values and the mean.")

# %% [markdown]
# The curve is the belief after the throws, and the shaded range is what a Bayesian would report. The two MAP lines disagree
# with each other although model, prior and data are the same; neither is the mean, the probability one would bet on. The
# minimum of a penalized loss is therefore not "the Bayesian answer": it is one point of it, in one coordinate, without a
# width.

# %% tags=["nbval-check-output"]
found = [
    verdicts.exact("02.12", "The MAP estimate does not depend on how the parameter is written.", abs(map_in_w - map_in_p),
                   1e-3, control=high - low, expect="not supported"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# ## 6 · The geometry: a ball, and a tangent
#
# The penalty has a twin: minimize $L$ subject to $\lVert w\rVert \le r$. For a convex loss each λ > 0 has a radius
# $r = \lVert w_\lambda\rVert$ at which both have the same solution, because at a constrained minimum on the sphere the
# gradient of the loss points straight along −w, just as $\nabla L = -\lambda w$ says. We draw it for two weights whose
# inputs are correlated, $L(w) = \frac12 (w-w^*)^\top S\,(w-w^*)$.
# The constrained twin needs no λ at all: step down the loss; if that leaves the ball, return to its surface (projected
# gradient descent, the loop at the end).

# %%
S = torch.tensor([[1.0, 0.9], [0.9, 1.0]], dtype=torch.float64)
w_star = torch.tensor([1.0, -0.3], dtype=torch.float64)
strength = 0.3


def penalized_minimum(l2_strength, w_star=w_star):
    return torch.linalg.solve(S + l2_strength * torch.eye(2, dtype=torch.float64), S @ w_star)


w_lambda = penalized_minimum(strength)
radius = w_lambda.norm().item()
w = torch.zeros(2, dtype=torch.float64)
for _ in range(3000):
    w = w - 0.5 * S @ (w - w_star)
    w = w * min(1.0, radius / w.norm().item())
projected, other = w, w_star * radius / w_star.norm()


# %%
def height(points):
    return 0.5 * ((points - w_star) @ S * (points - w_star)).sum(-1)


angle = np.linspace(0, 2 * np.pi, 200)
axis = torch.linspace(-0.8, 1.4, 200, dtype=torch.float64)
square = torch.meshgrid(axis, axis, indexing="xy")
way = torch.stack([penalized_minimum(v) for v in np.logspace(-3, 2, 100).tolist()])
at = [height(v).item() for v in (w_lambda, other)]
fig, ax = plt.subplots(figsize=(6.6, 3.8))
levels = sorted([0.003, *at, 0.2])
ax.contour(*square, height(torch.stack(square, -1)), levels=levels, colors="C0", linewidths=1, linestyles="-")
ax.plot(radius * np.cos(angle), radius * np.sin(angle), color="C4", linestyle="-", label=f"ball, radius {radius:.2f}")
ax.plot(*way.T, color="black", linestyle=":", label="minima for all λ")
ax.plot(*w_star, "o", color="C0", label="minimum of the loss")
ax.plot(*w_lambda, "s", color="C2", label=f"tangent point:\nloss {at[0]:.3f}")
ax.plot(*other, "X", color="C1", label=f"another intersection:\nloss {at[1]:.3f}")
ax.set(xlabel="weight w₁", ylabel="weight w₂", xlim=(-0.3, 1.4), ylim=(-0.7, 0.9), aspect="equal")
ax.set_title("The optimum is where contour and ball touch")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(fig, alt="Elliptic loss contours and a circle; one contour touches it at the optimum, another cuts it at a worse point.")

# %% [markdown]
# The ellipses are lines of equal loss around its minimum (circle marker). The square is the penalized minimum: there an
# ellipse *touches* the ball. "The optimum lies at the intersection" is not enough: the cross is also a point where a
# contour meets the ball, and its loss is higher. The dotted line collects the minima for all λ; it is not a straight line
# to the origin, and on its way the second weight crosses zero.

# %% tags=["nbval-check-output"]
radii = [penalized_minimum(strength, scale * w_star).norm().item() for scale in (1.0, 2.0)]
force, elsewhere = S @ (w_lambda - w_star), S @ (other - w_star)
not_parallel = [(1 + torch.cosine_similarity(f, v, dim=0)).item() for f, v in ((force, w_lambda), (elsewhere, other))]
found = [
    verdicts.exact("02.13", "Minimizing the loss in the ball of radius ‖w(λ)‖ gives the penalized minimum w(λ).",
                   (projected - w_lambda).abs().max(), 1e-10, control=(other - w_lambda).abs().max()),
    verdicts.exact("02.14", "At the optimum ∇L is parallel to −w (tangency), with the ratio of lengths λ.",
                   max(abs(not_parallel[0]), abs(force.norm() / radius - strength)), 1e-12, control=not_parallel[1]),
    verdicts.exact("02.15", "λ alone sets the radius of the ball, whatever the data.", abs(radii[1] - radii[0]), 1e-12,
                   control=radii[0], expect="not supported"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The last claim is the popular "λ controls the radius". For *given* data, yes: larger λ, smaller ball. But doubling the
# scale of the targets doubles the radius at the same λ, so there is no radius that belongs to a λ. (For networks, whose
# loss is not convex, only one direction survives: a penalized minimum also minimizes the loss locally within its ball.)
#
# ### The path of each weight
#
# Follow the dotted line coordinate by coordinate.

# %%
strengths = np.logspace(-3, 2, 100)
norms = way.norm(dim=1)
turning = strengths[(way[:, 1] > 0).numpy().argmax()]
fig, ax = plt.subplots(figsize=(6, 3))
ax.plot(strengths, norms, color="black", linestyle="-", label="‖w‖")
ax.plot(strengths, way[:, 0], label="w₁")
ax.plot(strengths, way[:, 1], label="w₂")
ax.axhline(0, color="gray", linewidth=0.8, linestyle="-")
ax.set(xscale="log", xlabel="penalty strength λ", ylabel="norm, or value of a weight")
ax.set_title(f"‖w‖ only falls, but w₂ changes sign at λ = {turning:.2g} and grows")
ax.legend()
show(fig, alt="Norm and two weights against lambda: the norm falls throughout, the second weight goes from negative to positive.")

# %% [markdown]
# The norm falls all the way, as it must. The second weight does not: it rises through zero, grows to a positive value, and
# only then shrinks. With correlated inputs the penalty prefers to share the work between them, so a weight that only
# corrected another one is replaced by one that helps. "L2 pushes all weights to zero" is true of the pull, not of the
# weights.

# %% tags=["nbval-check-output"]
falls = bool((norms.diff() < 0).all())
grows = bool((way.abs().diff(dim=0) > 0).any())
found = [
    verdicts.holds("02.16", "The norm of the penalized minimum falls as λ grows.", falls,
                   control=bool((way[:, 1].diff() < 0).all())),
    verdicts.holds("02.17", "As λ grows, every single weight shrinks toward zero.", not grows, control=False,
                   measured=f"w₂ goes from {way[0, 1]:.2f} to {way[:, 1].max():.2f}", expect="not supported"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# ## 7 · Stiff and flat directions
#
# In the right coordinates there *is* a simple law. Let the loss be quadratic with Hessian $H = U\,\mathrm{diag}(d)\,U^\top$
# and minimum $w^*$. Along each eigenvector,
#
# $$u_i^\top w_\lambda = \frac{d_i}{d_i+\lambda}\; u_i^\top w^* .$$
#
# Stiff directions (large $d$: the loss notices them) keep nearly everything, flat ones (small $d$) nearly nothing; λ marks
# the border. The sum of these factors counts how many directions the fit still uses, its *effective degrees of freedom*,
# which equals the trace of the matrix that turns $y$ into the fitted values. For our regression, $H = \frac{2}{N}X^\top X$.

# %%
H = 2 / n_examples * X.T @ X
d, U = torch.linalg.eigh(H)
least_squares = torch.linalg.solve(H, 2 / n_examples * X.T @ y)


def kept(w):
    return (U.T @ w) / (U.T @ least_squares)


def hat_trace(l2_strength):
    inverse = torch.linalg.inv(H + l2_strength * torch.eye(n_features, **double))
    return torch.trace(X @ inverse @ X.T * 2 / n_examples).item()


fig, ax = plt.subplots(figsize=(6, 3))
curve = np.logspace(-1, 1, 100)
for marker, strength_shown in zip("osD", (0.1, 1.0, 10.0), strict=True):
    (line,) = ax.plot(curve, curve / (curve + strength_shown), label=f"d/(d + λ), λ = {strength_shown:g}")
    ax.plot(d.cpu(), kept(ridge(strength_shown)).cpu(), marker, color=line.get_color())
freedom = [hat_trace(v) for v in (0.1, 1.0, 10.0)]
ax.set(xscale="log", xlabel="curvature d of the direction", ylabel="fraction kept")
ax.set_title(f"{n_features} weights act like {freedom[0]:.1f}, {freedom[1]:.1f}, {freedom[2]:.1f} as λ grows")
ax.legend()
show(fig, alt="Fraction kept against curvature for three lambdas: measured points lie on the curves d over d plus lambda.")

# %% [markdown]
# The points are measured (the ridge fit against the least-squares fit, along each eigenvector), the curves are the law. For
# one λ the directions differ, which is why a sentence such as "the weights shrink by 37.5 %" has no meaning without saying
# in which direction. The title counts the effective degrees of freedom.
#
# The first wrong variant below is a unit error: it uses λ with the eigenvalues of $X^\top X$, of the sum, instead of the
# mean. The second counts the parameters.

# %% tags=["nbval-check-output"]
law, of_the_sum = d / (d + l2_strength), (d * n_examples / 2) / (d * n_examples / 2 + l2_strength)
found = [
    verdicts.exact("02.18", "Weight decay multiplies each Hessian direction by d/(d + λ) (quadratic loss).",
                   (kept(ridge(l2_strength)) - law).abs().max(), 1e-9,
                   control=(kept(ridge(l2_strength)) - of_the_sum).abs().max(), source="Goodfellow et al. 2016, ch. 7"),
    verdicts.exact("02.19", "The trace of the ridge hat matrix is the sum of d/(d + λ): the effective degrees of freedom.",
                   abs(hat_trace(l2_strength) - law.sum()), 1e-9, control=abs(n_features - law.sum()),
                   source="Hastie et al. 2009, sec. 3.4"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# **Exercise 2.6.** Write the effective degrees of freedom for the textbook convention
# $\frac12\lVert y-Xw\rVert^2+\frac{\lambda}{2}\lVert w\rVert^2$ (a *sum* of squares), as a function of the NumPy array `X`
# and λ.

# %% tags=["stub"]
answer = None  # def answer(X, l2_strength): ...
checks.check_2_6(answer)


# %% tags=["solution"]
def answer(X, l2_strength):
    d = np.linalg.svd(X, compute_uv=False) ** 2
    return (d / (d + l2_strength)).sum()


checks.check_2_6(answer)

# %% [markdown]
# ### Beyond the quadratic
#
# For another loss the law holds to first order, around its minimum. Logistic regression lets us see how far: `newton` finds
# the exact penalized minimum, and the law's prediction of the shift uses only the Hessian at the unpenalized one. The control
# is a quadratic loss, where the law is exact.


# %%
def newton(x, labels, l2_strength):
    w, identity = torch.zeros(x.shape[1], dtype=torch.float64), torch.eye(x.shape[1], dtype=torch.float64)
    for _ in range(40):
        p = torch.sigmoid(x @ w)
        hessian = x.T @ (x * (p * (1 - p))[:, None]) + l2_strength * identity
        w = w - torch.linalg.solve(hessian, x.T @ (p - labels) + l2_strength * w)
    return w, hessian


# %% tags=["nbval-check-output"]
inputs = torch.randn(200, n_features, generator=generator, dtype=torch.float64)
labels = (torch.rand(200, generator=generator, dtype=torch.float64) < torch.sigmoid(inputs[:, 0] - inputs[:, 1])).double()
free, hessian = newton(inputs, labels, 0.0)
relative_error = []
for strength_tried in (0.01, 0.1, 1.0, 10.0):
    shift = newton(inputs, labels, strength_tried)[0] - free
    law = torch.linalg.solve(hessian + strength_tried * torch.eye(n_features, dtype=torch.float64), hessian @ free) - free
    relative_error.append(((shift - law).norm() / shift.norm()).item())
found = [
    verdicts.holds("02.20", "Beyond quadratics the law d/(d + λ) is good to 1 % for small λ and wrong by over 5 % for large λ.",
                   relative_error[0] < 0.01 and relative_error[-1] > 0.05,
                   control=(kept(ridge(100.0)) - d / (d + 100)).abs().max().item() > 0.05,
                   measured="relative error " + ", ".join(f"{e:.2g}" for e in relative_error)),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# From one λ to the next, ten times as large, the error grows about tenfold, then it saturates: fine while λ is small against
# the curvature, wrong by a sizeable fraction when the two are comparable. For a network the law says which directions go
# first, not how far they go.
#
# ### Do flat directions not matter?
#
# Flat means that the *training loss* does not notice. That is usually noise, but not by definition. Two worlds, ten features
# with scales from 10 down to 0.1: in the first the signal sits in the large features, in the second in the small ones.


# %%
def excess_error(signal, l2_strength, seed):
    generator = torch.Generator().manual_seed(seed)
    scale = torch.logspace(1, -1, 10, dtype=torch.float64)
    x = torch.randn(40, 10, generator=generator, dtype=torch.float64) * scale
    w = torch.zeros(10, dtype=torch.float64)
    w[signal] = 1 / scale[signal]
    targets = x @ w + torch.randn(40, generator=generator, dtype=torch.float64)
    fitted = torch.linalg.solve(x.T @ x + l2_strength * torch.eye(10, dtype=torch.float64), x.T @ targets)
    return ((fitted - w) * scale).square().sum().item()


# %% [markdown]
# The error is the squared error on new data beyond the noise that no model can remove. The claims compare it without and
# with a penalty of 10 (on the sum of squares), in pairs over the same data.

# %% tags=["nbval-check-output"]
worlds = {"stiff": slice(0, 5), "flat": slice(5, 10)}
error = {(name, value): [excess_error(signal, value, 1000 * seed + i) for i in range(4 * n_runs)]
         for name, signal in worlds.items() for value in (0.0, 10.0)}  # fmt: skip
found = [
    verdicts.compare("02.21", "Shrinking the flat directions lowers the error on new data, if the signal is in the others.",
                     error["stiff", 0.0], error["stiff", 10.0], source="Krogh & Hertz 1991"),
    verdicts.compare("02.22", "Weight decay compresses exactly the directions that do not matter: it lowers the error on "
                     "new data wherever the signal is.", error["flat", 0.0], error["flat", 10.0], expect="not supported"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The penalty is a bet that flat directions hold noise. Where the bet is right it pays, where it is wrong it costs more than
# it ever gained. Standardizing inputs, as this course's `load` does, is part of the bet.
#
# ## 8 · Are smaller weights smoother functions?
#
# For a plain network of $k$ layers with ReLU, scaling all weights and biases by $c$ scales the slope with respect to the
# input by $c^k$: smaller is smoother. A normalization layer removes that. LayerNorm divides by the standard deviation of its
# input, so the scale of the weights *before* it cancels.


# %%
def mean_slope(net, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(net(x).sum(), x)[0].norm(dim=1).mean().item()


def scaled(net, factors, bias_of=None):
    net = copy.deepcopy(net)
    with torch.no_grad():
        for layer, factor in factors.items():
            net[layer].weight *= factor
            if net[layer].bias is not None and bias_of in (None, layer):
                net[layer].bias *= factor
    return net


# %% [markdown]
# `mean_slope` is the mean length of the gradient of the output with respect to the input. In the plain network all layers
# are scaled, in the normalized one the layer before the norm.
#
# A last claim is about size and importance. Dividing one ReLU layer by 100 and multiplying the next by 100 changes no
# prediction, but makes almost all weights of the first "negligible". The penalty notices the difference, the function does
# not. (Lesson 06 prunes by size and returns to this. The last bias stays as it is: nothing multiplies it.)

# %%
torch.manual_seed(seed)
norm = nn.LayerNorm(32, elementwise_affine=False, eps=1e-12)
plain = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1)).double()
normed = nn.Sequential(nn.Linear(8, 32, bias=False), norm, nn.ReLU(), nn.Linear(32, 1)).double()
x = torch.randn(500, 8, dtype=torch.float64)

# %% tags=["nbval-check-output"]
ratio = {name: mean_slope(scaled(net, half), x) / mean_slope(net, x) for name, net, half in
         (("plain", plain, {0: 0.5, 2: 0.5}), ("normed", normed, {0: 0.5}))}  # fmt: skip
moved, tanh = scaled(plain, {0: 0.01, 2: 100.0}, bias_of=0), nn.Sequential(plain[0], nn.Tanh(), plain[2])
with torch.no_grad():
    change = (moved(x) - plain(x)).abs().max()
    bent = (nn.Sequential(moved[0], nn.Tanh(), moved[2])(x) - tanh(x)).abs().max()
found = [
    verdicts.within("02.23", "Halving all weights of a plain two-layer ReLU network quarters its slope.",
                    ratio["plain"], 0.25, 1e-6, control=ratio["normed"]),
    verdicts.within("02.24", "Smaller weights make a smoother function, also before a LayerNorm: half the weights, "
                    "half the slope.", ratio["normed"], 0.5, 0.1, control=1.0,
                    source="van Laarhoven 2017, arXiv:1706.05350", expect="not supported"),
    verdicts.exact("02.25", "Dividing one ReLU layer by 100 and multiplying the next by 100 changes no prediction.",
                   change, 1e-10, control=bent),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# Halving the layer before the norm leaves the slope exactly where it was: before a normalization layer the size of the
# weights has no influence on the function at all. What decay does there is different, it changes the effective learning rate
# (van Laarhoven 2017; Zhang et al. 2019), and lesson 07 measures it.
#
# ## 9 · The weights during training
#
# Now a real network: digits, few of them, and a part of the training labels replaced by random ones, so that there is
# something to overfit to. Each run has its own split, its own labels and its own initial weights.


# %%
def with_label_noise(y, fraction, seed):
    generator = torch.Generator().manual_seed(seed)
    replace = torch.rand(len(y), generator=generator) < fraction
    return torch.where(replace.to(y.device), torch.randint(10, y.shape, generator=generator).to(y.device), y)


def small_mlp():
    return mlp(n_hidden=(128,))


splits = [load("digits", n_train=n_train, seed=seed + i, device=device) for i in range(n_runs)]
noisy = [s._replace(train=(s.train[0], with_label_noise(s.train[1], label_noise, seed + i))) for i, s in enumerate(splits)]

# %% [markdown]
# `fit` calls a function after every epoch; ours notes the norm of the weight matrices and keeps a copy of the first one. A
# few runs are enough here.


# %%
def watch(run, weight_decay):
    norms, weights = [], []

    def note(model, row):
        norms.append(weight_norm(model))
        weights.append(model[1].weight.detach().flatten().cpu().clone())

    torch.manual_seed(seed + run)
    model = small_mlp().to(device)
    initial = weight_norm(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=net_lr, momentum=momentum, weight_decay=weight_decay)
    fit(model, *noisy[run][:2], optimizer, epochs=n_epochs, batch_size=50, seed=seed + run, callbacks=[note])
    return np.array(norms) / initial, weights


watched = {value: [watch(run, value) for run in range(3)] for value in (0.0, weight_decay)}
epochs = 1 + np.arange(n_epochs)
alone = np.exp(-net_lr * weight_decay / (1 - momentum) * (n_train // 50) * epochs)
end = {value: np.mean([norms[-1] for norms, _ in runs]) for value, runs in watched.items()}

# %%
fig, (ax, right) = plt.subplots(1, 2, figsize=(8.4, 3.1))
for value, runs in watched.items():
    table = pd.DataFrame([(e, v) for norms, _ in runs for e, v in zip(epochs, norms, strict=False)], columns=["epoch", "norm"])
    plot_interval(ax, table, "epoch", "norm", label=f"λ = {value:g}")
ax.plot(epochs, alone, color="gray", linestyle=":", label="decay alone")
ax.set(xlabel="epoch", ylabel="‖weights‖, relative to the start", ylim=(0, None))
ax.set_title(f"The norm ends at {end[weight_decay]:.2f}, not {alone[-1]:.2f}")
ax.legend(loc="upper left")
for value, epoch, style in ((0.0, 0, ":"), (weight_decay, -1, "-"), (0.0, -1, "--")):
    values = watched[value][0][1][epoch].numpy()
    name = "after epoch 1" if epoch == 0 else f"at the end, λ = {value:g}"
    right.hist(values, np.linspace(-0.35, 0.35, 71), histtype="step", linewidth=1.6, linestyle=style, label=name)
near = [np.mean(np.abs(watched[value][0][1][-1].numpy()) < 0.02) for value in watched]
right.set(xlabel="weight of the first layer", ylabel="number of weights")
right.set_title(f"|w| < 0.02: {near[1]:.0%} with decay, {near[0]:.0%} without")
right.legend(loc="upper left", bbox_to_anchor=(0.52, 1), fontsize=8)
show(fig, alt="Left: weight norm by epoch, growing without decay, level with it, far above decay alone. Right: histograms.")

# %% [markdown]
# *Left*: without decay the norm grows as the network fits the wrong labels. With decay it falls and then levels off, far above
# the dotted line of decay alone: the data hold the weights up. That plateau is the balance of the two forces of section 1.
# *Right*: the histogram begins as the block of PyTorch's uniform initialization. With decay most weights gather near zero
# while some keep large values; without decay it only widens. Animations in which the histogram "compresses toward zero as
# training progresses" show the case without data.

# %% tags=["nbval-check-output"]
final = [norms[-1] for norms, _ in watched[weight_decay]]
late_fall = [1 - norms[-1] / norms[2 * len(norms) // 3 - 1] for norms, _ in watched[weight_decay]]
found = [
    verdicts.compare("02.26", "With data, the norm ends at more than twice what decay alone would leave.", final,
                     [2 * alone[-1]] * len(final)),
    verdicts.compare("02.27", "Under weight decay the weights keep compressing toward zero: the norm falls by more than a "
                     "quarter in the last third of training.", late_fall, [0.25] * len(final), expect="not supported"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# ## 10 · Does it help? The sweep
#
# Six values of λ, each with the same seeds, on three tasks: digits as they are, digits with wrong labels, and color letters
# in typefaces that are not in the training set. First the pre-flight numbers of the digits runs, before any training.

# %%
weight_decays = [0.0, 1e-4, 3e-3, 3e-2, 1e-1, 3e-1]
lrs = [net_lr] * (n_epochs * (n_train // 50))
flights = pd.DataFrame({"λ": weight_decays, "remains": [remaining(lrs, v / (1 - momentum)) for v in weight_decays]})
flights.set_index("λ").round(4)

# %% [markdown]
# λ = 0.0001 is practically inert, the largest ones leave nothing of an unused weight. `train_runs` trains all runs together
# and gives what `fit` would give, run by run. For every run we keep the final accuracies on training, validation and test
# data.


# %%
def sweep(build, splits, epochs, **settings):
    runs = [{"seed": seed + i, "weight_decay": value, "momentum": momentum, "train": s.train, "val": s.val}
            | settings for value in weight_decays for i, s in enumerate(splits)]  # fmt: skip
    table, models = train_runs(build, *splits[0][:2], runs, epochs=epochs, batch_size=50, optimizer=torch.optim.SGD,
                               evaluate_every=epochs)  # fmt: skip
    last = table.groupby("run").tail(1).sort_values("run").reset_index(drop=True)
    tests = [evaluate(model, *s.test)["accuracy"] for model, s in zip(models, splits * len(weight_decays), strict=True)]
    return last.assign(test_accuracy=tests)


results = {"digits": sweep(small_mlp, splits, n_epochs, lr=net_lr),
           "noisy digits": sweep(small_mlp, noisy, n_epochs, lr=net_lr)}  # fmt: skip

# %% [markdown]
# For the letters, each run takes its own 500 of the 1,000 training images, averaged to 16 × 16 pixels to keep the lesson
# quick; validation and test images are the same for all runs. The network is again a plain one, without normalization, so
# that λ means what sections 6 to 8 say.


# %%
def shrunk(pair):
    return functional.avg_pool2d(pair[0], 2), pair[1]


def letters_mlp():
    return mlp(n_inputs=3 * 16 * 16, n_hidden=(64,))


letters = load("letters", seed=seed, device=device)
(x, y_letters), val, test = (shrunk(pair) for pair in letters[:3])
orders = [torch.randperm(1000, generator=torch.Generator().manual_seed(seed + i))[:500].to(device) for i in range(n_runs)]
subsets = [letters._replace(train=(x[rows], y_letters[rows]), val=val, test=test) for rows in orders]
results["letters"] = sweep(letters_mlp, subsets, max(1, n_epochs // 2), lr=0.4 * net_lr)

# %% [markdown]
# The λ of each run is chosen on **its own validation data**; only that choice is then looked up on the test data. The titles
# give the difference of this choice to λ = 0, in points of test accuracy.


# %%
def chosen(results):
    best = results.loc[results.groupby("seed")["val_accuracy"].idxmax()].set_index("seed")["test_accuracy"]
    none = results[results["weight_decay"] == 0].set_index("seed")["test_accuracy"]
    return best.to_list(), none.loc[best.index].to_list()


fig, axes = plt.subplots(1, 3, figsize=(9.2, 3.1), sharey=True)
for ax, (name, table) in zip(axes, results.items(), strict=True):
    plot_interval(ax, table, "weight_decay", "train_accuracy", label="training", linestyle="--", marker="o")
    plot_interval(ax, table, "weight_decay", "val_accuracy", label="validation", linestyle="-", marker="o")
    mean, half, _ = verdicts.mean_and_interval(np.subtract(*chosen(table)))
    ax.set_xscale("symlog", linthresh=1e-4)
    ax.set(xlabel="weight decay λ", ylim=(0, 1.03), xlim=(0, None), xticks=[0, 1e-4, 1e-3, 1e-2, 1e-1])
    ax.set_title(f"{name}: {100 * mean:+.1f} ± {100 * half:.1f} points")
axes[0].set_ylabel("accuracy")
axes[0].legend(loc="lower left")
show(fig, alt="Accuracy against λ for three tasks: flat on digits, a validation peak on noisy digits, no gain on letters.")

# %% [markdown]
# Three tasks, three answers. On clean digits the curves are flat over several powers of ten: there is little to gain. With
# wrong labels the validation curve rises to a clear peak, just where the training curve comes down from memorizing them (the
# validation labels are right, so validation can end above training).
# On letters the gap between the curves is the largest of all, yet closing it with λ gains nothing: new typefaces are not
# noise, and shrinkage does not teach them. In all three the smallest λ does nothing, as its pre-flight number says, and the
# largest destroys.


# %% tags=["nbval-check-output"]
def accuracy_at(name, value, column="test_accuracy"):
    table = results[name]
    return table[table["weight_decay"] == value].sort_values("seed")[column].to_numpy()


found = [
    verdicts.compare("02.28", "On digits with wrong labels, the λ chosen on validation data gains more than 2 points.",
                     *chosen(results["noisy digits"]), margin=0.02, source="Krogh & Hertz 1991"),
    verdicts.compare("02.29", "A λ whose pre-flight number is near 1 (λ = 0.0001) still gains more than 1 point there.",
                     accuracy_at("noisy digits", 1e-4), accuracy_at("noisy digits", 0.0), margin=0.01,
                     expect="not supported"),
    verdicts.compare("02.30", "There, too strong a decay (λ = 0.3) is worse than none, by more than 10 points.",
                     accuracy_at("noisy digits", 0.0), accuracy_at("noisy digits", 0.3), margin=0.1),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# And the two tasks on which the popular sentence "it prevents overfitting" fails. The last two claims repeat lesson 01's
# warning: the model with the smaller gap need not be the better one.

# %% tags=["nbval-check-output"]
gap = {value: accuracy_at("letters", value, "train_accuracy") - accuracy_at("letters", value) for value in (0.0, 0.3)}
found = [
    verdicts.compare("02.31", "Weight decay, chosen on validation data, gains more than 2 points on clean digits.",
                     *chosen(results["digits"]), margin=0.02, expect="not supported"),
    verdicts.compare("02.32", "Weight decay, chosen on validation data, gains more than 2 points on new typefaces.",
                     *chosen(results["letters"]), margin=0.02, expect="not supported"),
    verdicts.compare("02.33", "On letters, λ = 0.3 has a smaller gap between training and test accuracy than λ = 0.",
                     gap[0.0], gap[0.3]),
    verdicts.compare("02.34", "On letters, that λ with the smaller gap is also the more accurate one on test data.",
                     accuracy_at("letters", 0.3), accuracy_at("letters", 0.0), expect="not supported"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# Whether weight decay is a regularizer at all in modern networks is debated: D'Angelo et al. (2024) argue that it is never
# useful as an explicit one and acts through the training dynamics. On the small plain networks here it is one, when there is
# label noise to resist.
#
# ## When it goes wrong
#
# Five runs, each to convergence, each put on the λ-meter of section 3. The intended λ is the same in all; what differs is one
# line of code.

# %%
cut_off = torch.ones(n_features, requires_grad=True, **double)
optimizer = torch.optim.SGD([cut_off], lr=lr)
for _ in range(n_steps):
    optimizer.zero_grad()
    (loss(cut_off) + l2_strength / 2 * cut_off.data @ cut_off.data).backward()
    optimizer.step()
readings = {
    "correct": (descended, 1),
    "λ‖w‖² where (λ/2)‖w‖² was meant": (descend(n_steps, penalty=l2_strength)[-1], 2),
    "penalty in the loss and weight_decay": (descend(n_steps, coupled=l2_strength, penalty=l2_strength / 2)[-1], 2),
    "penalty computed from w.data": (cut_off.detach(), 0),
    "decoupled decay, λ tuned for coupled": (ends[0], 1 - momentum),
}
meter = [(code, measured_l2(w) / l2_strength, expected) for code, (w, expected) in readings.items()]
pd.DataFrame(meter, columns=["code", "measured λ / intended λ", "expected"]).set_index("code").round(3)

# %% [markdown]
# The meter tells them apart. `w.data` is the silent one: the penalty is in the loss, the printed loss is larger, and no
# gradient flows. The meter is right only at convergence, so its wrong variant is a run stopped early.
#
# One more bug needs no meter but a change of units: least squares does not care whether a length is in meters or millimeters,
# the penalty does. That is why inputs are standardized before λ is tuned.


# %% tags=["nbval-check-output"]
def fitted_values(inputs, l2_strength):
    gram = 2 / n_examples * inputs.T @ inputs + l2_strength * torch.eye(n_features, **double)
    return inputs @ torch.linalg.solve(gram, 2 / n_examples * inputs.T @ y)


early = measured_l2(descend(10, coupled=l2_strength)[-1]) / l2_strength
units = torch.tensor([1000.0] + [1.0] * (n_features - 1), **double)
changes = [(fitted_values(X, v) - fitted_values(X * units, v)).abs().max().item() for v in (l2_strength, 0.0)]
found = [
    verdicts.exact("02.35", "At convergence, −w·∇L/‖w‖² reads off the penalty that a run has really minimized.",
                   max(abs(measured - expected) for _, measured, expected in meter), 1e-6, control=abs(early - 1)),
    verdicts.exact("02.36", "Least squares predicts the same whatever the units of its inputs (ridge does not).", changes[1],
                   1e-8, control=changes[0]),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# *A step too large* is the last one: when ηλ exceeds 2, the factor 1 − ηλ is below −1, and "decay" makes every weight explode.
# If a run diverges as soon as you raise λ, look at the product.
#
# ## Where popular lessons go wrong
#
# * "Even before the gradient acts, the weights are pulled toward zero." The gradient is taken at the undecayed weights; the
#   other order is another algorithm (02.2).
# * "Each parameter pays a tax proportional to its magnitude." The force is, the tax is quadratic (02.3).
# * "For SGD, L2 regularization and weight decay are identical." Without momentum (02.4). With it, paths and end points differ
#   by the factor 1 − μ (02.6, 02.7).
# * "Over thousands of steps, 0.001 % per step has a dramatic effect." It takes a hundred thousand (02.9).
# * "Start with 0.0001 and increase to 0.001 if it overfits." At these recipes' learning rate and length both are inert: the
#   pre-flight table, and 02.29.
# * "λ = σ²/τ²." For the sum of squares. For a mean loss divide by N (02.11).
# * "Penalty and MAP are one problem, seen as a frequentist and as a Bayesian." The optimization is the same; a posterior is
#   more than its peak, and the peak depends on the coordinate (02.12).
# * "Weight decay is equivalent to a Gaussian prior." The penalty is. Decoupled decay with momentum is another prior (02.7),
# and   AdamW none (lesson 03).
# * "The optimum lies at the intersection of contour and sphere." They touch; most intersections are not optimal (02.14).
# * "λ sets the radius of the sphere." Only together with the data (02.15).
# * "All weights are pushed to zero." The norm falls; single weights can grow and change sign (02.16, 02.17).
# * "Weights shrunk by 37.5 %." Each direction has its own factor d/(d + λ) (02.18).
# * "It compresses the directions that do not matter." It compresses those that the training loss does not notice; they may
#   matter (02.22).
# * "Smaller weights mean smoother functions." In plain networks; not before a normalization layer (02.23, 02.24).
# * "Only parameters that genuinely reduce the loss survive." Size is no measure of importance (02.25).
# * "Watch the histogram compress toward zero." It reaches a plateau that the data set (02.26, 02.27).
# * "It prevents weights from growing, and so overfitting." With wrong labels it helps; on clean digits and on new typefaces it
#   does not (02.28, 02.31, 02.32).
#
# ## All claims of this lesson

# %%
verdicts.claim_table(claims)

# %%
metrics = {f"gain on {name}": np.mean(np.subtract(*chosen(table))) for name, table in results.items()}
metrics |= {"end_norm": np.mean(final), "degrees_of_freedom": hat_trace(l2_strength)}
record = verdicts.write_record("02_weight_decay", claims, parameters=parameters, metrics=metrics)
print("record:", ", ".join(record))

# %% [markdown]
# ## Summary
#
# *Derive and translate*: the penalty (λ/2)‖w‖² gives the factor (1 − ηλ), and the same weights are ridge with α = Nλ/2 and
# MAP with λ = 2σ²/(Nτ²). *Predict*: exp(−Σηλ) tells before training whether a recipe is inert; with momentum, coupled decay
# acts 1/(1 − μ) times as fast and decoupled decay stands for the penalty λ(1 − μ). *Diagnose*: −w·∇L/‖w‖² reads off the
# penalty that a converged run has minimized.
#
# Go back to your four predictions. Which one surprised you?
#
# ## References
#
# * A. E. Hoerl, R. W. Kennard, *Ridge Regression: Biased Estimation for Nonorthogonal Problems*, Technometrics 1970,
#   [doi:10.1080/00401706.1970.10488634](https://doi.org/10.1080/00401706.1970.10488634)
# * A. Krogh, J. A. Hertz, *A Simple Weight Decay Can Improve Generalization*, NIPS 1991,
#   [abstract](https://papers.nips.cc/paper/1991/hash/8eefcfdf5990e441f0fb6f3fad709e21-Abstract.html)
# * T. Hastie, R. Tibshirani, J. Friedman, *The Elements of Statistical Learning*, 2nd ed. 2009, section 3.4.1
# * I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning*, 2016, chapter 7,
#   [deeplearningbook.org](https://www.deeplearningbook.org)
# * T. van Laarhoven, *L2 Regularization versus Batch and Weight Normalization*, 2017,
#   [arXiv:1706.05350](https://arxiv.org/abs/1706.05350)
# * G. Zhang, C. Wang, B. Xu, R. Grosse, *Three Mechanisms of Weight Decay Regularization*, ICLR 2019,
#   [arXiv:1810.12281](https://arxiv.org/abs/1810.12281)
# * I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019,
#   [arXiv:1711.05101](https://arxiv.org/abs/1711.05101)
# * F. D'Angelo, M. Andriushchenko, A. Varre, N. Flammarion, *Why Do We Need Weight Decay in Modern Deep Learning?*,
#   NeurIPS 2024, [arXiv:2310.04415](https://arxiv.org/abs/2310.04415)
# * PyTorch, [`torch.optim.SGD`](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html); scikit-learn,
#   [`Ridge`](https://scikit-learn.org/stable/modules/generated/sklearn.linear_model.Ridge.html); torchvision,
#   [reference training script](https://github.com/pytorch/vision/blob/main/references/classification/train.py)
#
# **Next:** [03 · AdamW](03_adamw.ipynb): what all this becomes when every weight has its own step size.
