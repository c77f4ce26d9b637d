# %% [markdown]
# # 02 · Weight decay
#
# **What does λ do to the objective, the update, the prior and the geometry, and when is an L2 penalty the
# same thing as decay?**
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
# Weight decay begins as a second term in the objective $J$. With a loss $L(w)$ and a strength $\lambda$, the **L2 penalty** is
# half of λ times the squared length of the weights:
#
# $$J(w) = L(w) + \frac{\lambda}{2}\lVert w\rVert^2, \qquad \nabla J(w) = \nabla L(w) + \lambda w .$$
#
# Put this gradient into one step of gradient descent with learning rate $\eta$ and sort the terms:
#
# $$w \leftarrow w - \eta\,(\nabla L(w) + \lambda w) = (1 - \eta\lambda)\,w - \eta\,\nabla L(w).$$
#
# The penalty has become a factor a little below one. That is the whole derivation, and each step of it can be tested on a
# small regression problem, whose exact minimum a linear system also gives. The loss is the mean squared error, exactly
# `nn.MSELoss()`. Numbers have 64 bits, so that an error of rounding is easy to tell from a real one.

# %%
double = {"dtype": torch.float64, "device": device}
generator = torch.Generator().manual_seed(seed)
n_examples, n_features = 50, 8


def randn(*shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(device)


X, true_w = randn(n_examples, n_features), randn(n_features)
y = X @ true_w + randn(n_examples)


def loss(w):
    return ((X @ w - y) ** 2).mean()


def gradient(function, w):
    w = w.clone().requires_grad_()
    return torch.autograd.grad(function(w), w)[0]


def difference(a, b):
    return (a - b).abs().max().item()


# %% [markdown]
# `gradient` asks autograd for the derivative of any function of $w$; `difference` gives the largest difference
# between two vectors, entry by entry.
#
# The first two claims come with two wrong variants. One forgets the ½: the penalty λ‖w‖² has the gradient 2λw. The other
# takes a common sentence literally, "the weights are decayed, *then* the gradient acts": it decays first and takes the
# gradient at the decayed weights. In the formula, the gradient is that of the weights *before* the decay.
#
# A third claim is about a popular metaphor. At the minimum of $J$ two forces cancel, $\nabla L(w) = -\lambda w$: the penalty
# pulls like a spring tied to the origin, with a force proportional to the weight. "Every weight pays a **tax** proportional
# to its size" is something else. The tax, the penalty itself, is proportional to the *square*. (A tax proportional to |w|
# would be the L1 penalty of lesson 06.)

# %%
w = torch.ones(n_features, **double)
by_hand = gradient(loss, w) + l2_strength * w
by_autograd = gradient(lambda w: loss(w) + l2_strength / 2 * w @ w, w)
without_half = gradient(lambda w: loss(w) + l2_strength * w @ w, w)
one_step = w - lr * by_autograd
decayed = (1 - lr * l2_strength) * w
found = [
    verdicts.exact("02.1", "The gradient of L + (λ/2)‖w‖² is ∇L + λw.",
                   difference(by_autograd, by_hand), 1e-12,
                   control=difference(without_half, by_hand)),
    verdicts.exact("02.2", "One step of gradient descent on L + (λ/2)‖w‖² gives (1 − ηλ)w − η∇L, "
                   "with ∇L taken at the undecayed w.",
                   difference(one_step, decayed - lr * gradient(loss, w)), 1e-12,
                   control=difference(one_step, decayed - lr * gradient(loss, decayed))),
    verdicts.within("02.3", "Under an L2 penalty a weight of 5.0 pays 50 times the tax of a "
                    "weight of 0.1.",
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
# There are three ways to write it in PyTorch: add the **penalty** to the loss; pass `weight_decay=λ` to `torch.optim.SGD`,
# which adds λw to the gradient (**coupled** decay); or multiply the weights by (1 − ηλ) yourself, outside the gradient
# (**decoupled** decay). `descend` can do all three. It uses all examples in each step, so that nothing is random,
# and it returns every point of the way.
#
# Do the three agree at every step, with a constant learning rate and with one that falls along a cosine? The wrong variant
# is once more the forgotten ½, a frequent reason why "my λ" and "your λ" differ.


# %%
def fixed(progress):
    return 1.0


def cosine(progress):
    return 0.5 * (1 + math.cos(math.pi * progress))


def descend(n_steps, penalty=0, coupled=0, decoupled=0, momentum=0, nesterov=False, schedule=fixed):
    w = torch.ones(n_features, requires_grad=True, **double)
    optimizer = torch.optim.SGD([w], lr, momentum, nesterov=nesterov, weight_decay=coupled)
    path = []
    for step in range(n_steps):
        step_lr = lr * schedule(step / n_steps)
        optimizer.param_groups[0]["lr"] = step_lr
        optimizer.zero_grad()
        (loss(w) + penalty * (w @ w)).backward()
        with torch.no_grad():
            w.mul_(1 - step_lr * decoupled)
        optimizer.step()
        path.append(w.detach().clone())
    return torch.stack(path)


# %%
errors, forgotten_half = [], []
for schedule in (fixed, cosine):
    coupled = descend(200, coupled=l2_strength, schedule=schedule)
    errors += [
        difference(descend(200, penalty=l2_strength / 2, schedule=schedule), coupled),
        difference(descend(200, decoupled=l2_strength, schedule=schedule), coupled),
    ]
    doubled = descend(200, penalty=l2_strength, schedule=schedule)
    forgotten_half += [difference(doubled, coupled)]
found = [
    verdicts.exact("02.4", "With plain SGD, constant or scheduled, penalty, weight_decay and "
                   "decoupled decay are one path.",
                   max(errors), 1e-12, control=min(forgotten_half),
                   source="Loshchilov & Hutter 2019, arXiv:1711.05101"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# So it does not matter for SGD whether you "add an L2 loss by hand" or use the optimizer's argument.
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
# Gradient descent, the closed form and scikit-learn must now give the same weights. The wrong variant hands λ to
# scikit-learn unchanged.


# %%
def ridge(l2_strength):
    hessian = 2 / n_examples * X.T @ X
    identity = torch.eye(n_features, **double)
    return torch.linalg.solve(hessian + l2_strength * identity, 2 / n_examples * X.T @ y)


def sklearn_ridge(alpha):
    model = Ridge(alpha=alpha, fit_intercept=False).fit(X.cpu().numpy(), y.cpu().numpy())
    return torch.as_tensor(model.coef_, **double)


# %%
n_steps = 1500
descended = descend(n_steps, coupled=l2_strength)[-1]
translated = sklearn_ridge(n_examples * l2_strength / 2)
error = max(difference(w, ridge(l2_strength)) for w in (descended, translated))
found = [
    verdicts.exact("02.5", "SGD(weight_decay=λ) with MSELoss ends where scikit-learn's "
                   "Ridge(alpha=Nλ/2) does.",
                   error, 1e-10, control=difference(sklearn_ridge(l2_strength), descended),
                   source="scikit-learn, Ridge"),
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
# momentum μ, PyTorch keeps a running sum $v$ of the gradients and steps along it:
#
# $$\text{coupled: } v \leftarrow \mu v + \nabla L + \lambda w,\; w \leftarrow w - \eta v
# \qquad \text{decoupled: } v \leftarrow \mu v + \nabla L,\; w \leftarrow (1-\eta\lambda)w - \eta v .$$
#
# A steady gradient $g$ adds up to $v = g + \mu g + \mu^2 g + \dots = g/(1-\mu)$. Coupled decay is in the sum, so both forces
# grow by the same factor and balance where they did before. Decoupled decay stays outside: only the loss's gradient grows.
# It stands still where $\eta\lambda w = -\eta\nabla L/(1-\mu)$, which is $\nabla L = -\lambda(1-\mu)\,w$: the ridge solution,
# but of a penalty **(1 − μ) times** as strong.
#
# The same equation gives a measuring device. Where $\nabla L = -\lambda w$ for *some* λ,
#
# $$\hat\lambda = -\frac{w\cdot\nabla L(w)}{w\cdot w}$$
#
# reads off the penalty that a converged run has really minimized, whatever its code says. Call it the **λ-meter**.


# %%
def measured_l2(w):
    return -(w @ gradient(loss, w) / (w @ w)).item()


fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
for mu in (0.0, momentum):
    for kind in ("coupled", "decoupled"):
        path = descend(600, **{kind: l2_strength}, momentum=mu)
        distance = (path - ridge(l2_strength)).norm(dim=1).cpu()
        left.plot(1 + np.arange(600), distance, label=f"{kind}, μ = {mu:g}")
right.plot([0, 1], [l2_strength, 0], color="gray", linestyle=":", label="λ(1 − μ)")
for kind, marker in (("coupled", "o"), ("decoupled", "s")):
    momenta = [0.0, 0.5, 0.8, 0.9]
    meter = [measured_l2(descend(1000, **{kind: l2_strength}, momentum=mu)[-1]) for mu in momenta]
    right.plot(momenta, meter, marker, label=f"{kind}, measured")
left.set(xscale="log", yscale="log", xlabel="step", ylabel="distance to ridge(λ)", ylim=(1e-9, 10))
left.set_title(f"Decoupled with μ = {momentum:g} stops at {distance[-1].item():.2g}")
right.set(xlabel="momentum μ", ylabel="measured penalty", ylim=(0, 1.15 * l2_strength))
right.set_title(f"Decoupled, μ = 0.9: a penalty of {meter[-1] / l2_strength:.2f} λ")
left.legend(loc="lower left"), right.legend(loc="lower left")
show(fig, alt="Left: distance to ridge; decoupled with momentum levels off. Right: λ-meter by μ.")

# %% [markdown]
# *Left*: without momentum the two curves lie on each other. With momentum they part: the coupled one goes on to the ridge
# solution, the decoupled one levels off at a distance that no further step removes. It has converged, but to something else.
# *Right*: to what. The circles stay at λ for every momentum, the squares lie on the line λ(1 − μ). A λ copied from an
# optimizer with coupled decay and momentum 0.9 to one with decoupled decay asks for a tenth of the penalty.
#
# The claims include Nesterov's variant of momentum, which steps along $\nabla L + \mu v$ instead of $v$: at a standstill
# the two are the same.

# %%
variants = [{"momentum": momentum}, {"momentum": momentum, "nesterov": momentum > 0}]
coupled = [descend(n_steps, coupled=l2_strength, **variant) for variant in variants]
decoupled = [descend(n_steps, decoupled=l2_strength, **variant) for variant in variants]
ends = [path[-1] for path in decoupled]
found = [
    verdicts.exact("02.6", "For SGD with momentum, too, L2 regularization and decoupled weight "
                   "decay are identical.",
                   min(difference(a, b) for a, b in zip(coupled, decoupled, strict=True)), 1e-12,
                   control=min(forgotten_half), expect="not supported"),
    verdicts.exact("02.7", "Decoupled decay with momentum μ, Nesterov or not, ends at the ridge "
                   "solution of λ(1 − μ).",
                   max(difference(w, ridge(l2_strength * (1 - momentum))) for w in ends), 1e-10,
                   control=max(difference(w, ridge(l2_strength)) for w in ends)),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# Loshchilov & Hutter (2019) state the equivalence with its condition: for *standard* SGD, when rescaled by the learning
# rate. Their SGDW is decoupled decay with momentum (their λ is our ηλ).
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
# do if nothing opposed it. Near 1, the decay takes next to nothing from any weight: the setting is inert.
#
# With momentum, coupled decay goes through the running sum, so an unused weight decays $1/(1-\mu)$ times as fast: divide the
# exponent by $1-\mu$. Decoupled decay keeps the formula.
#
# The table applies it to prediction 1 and to two recipes. "Popular" is the setting that many introductions recommend,
# learning rate 0.001 and weight decay 0.0001, "increase to 0.001 if it overfits", for 30 epochs of 50,000 images in batches
# of 128. They give it to AdamW, whose decay is decoupled. "ImageNet" is the default of torchvision's reference script for
# SGD (lr 0.1 divided by 10 every 30 of 90 epochs, momentum 0.9, weight decay 0.0001, 8 × 32 images per step).


# %%
def remaining(lrs, weight_decay):
    return math.exp(-sum(lrs) * weight_decay)


popular = [1e-3] * (30 * 50_000 // 128)
imagenet = [0.1 * 0.1 ** (epoch // 30) for epoch in range(90) for _ in range(1_281_167 // 256)]
steps = (1_000, 5_000, 10_000, 100_000)
recipes = {f"η = 0.1, λ = 0.0001, {n:,} steps": remaining([0.1] * n, 1e-4) for n in steps}
recipes |= {
    "popular, λ = 0.0001": remaining(popular, 1e-4),
    "popular, λ = 0.001": remaining(popular, 1e-3),
    "ImageNet, λ = 0.0001, decay alone": remaining(imagenet, 1e-4),
    "ImageNet, λ = 0.0001, with its momentum": remaining(imagenet, 1e-4 / (1 - 0.9)),
}
pd.Series(recipes, name="remains of an unused weight").map("{:.2%}".format).to_frame()

# %% [markdown]
# Popular texts take the example of prediction 1 and continue that "over thousands of steps the gentle pull has a dramatic
# effect". Read the rows: thousands of steps leave nearly everything; it takes about a hundred thousand, and then the effect
# is real. The timescale is $1/(\eta\lambda)$ steps: a much shorter run has hardly decayed, a much longer one has forgotten
# its initial weights. The popular recipe leaves practically everything, and ten times its λ still does: it is a placebo.
# The ImageNet recipe, with the *same* λ, removes most of an unused weight by decay alone, and all of it with its momentum.
# So a bare λ says nothing about strength; Σηλ does.
#
# Does the real optimizer obey? `unused` runs it on a weight whose gradient is always zero. The factor never makes the weight
# exactly zero: L2 makes unused weights small, not absent. The wrong variant of the first claim forgets the schedule.


# %%
def unused(lrs, momentum=0.0):
    w = torch.ones(1, requires_grad=True, **double)
    optimizer = torch.optim.SGD([w], lr, momentum, weight_decay=l2_strength)
    for step_lr in lrs:
        optimizer.param_groups[0]["lr"] = step_lr
        w.grad = torch.zeros_like(w)
        optimizer.step()
    return w.item()


# %%
lrs = [lr * cosine(step / 500) for step in range(500)]
left = unused(lrs)
predicted = math.prod(1 - step_lr * l2_strength for step_lr in lrs)
small = [4e-5 / l2_strength] * 2500  # small steps, ηλ = 0.00004
speed = math.log(unused(small, momentum)) / math.log(unused(small))
after_5000 = (1 - 1e-5) ** 5000
found = [
    verdicts.exact("02.8", "A weight without gradient decays by the product of all (1 − ηλ), and "
                   "is never exactly zero.",
                   abs(left - predicted) if left else math.inf, 1e-12,
                   control=left - (1 - lr * l2_strength) ** 500),
    verdicts.holds("02.9", "A factor of 0.99999 per step at least halves a weight within a few "
                   "thousand (5,000) steps.",
                   after_5000 < 0.5, control=False, measured=f"{after_5000:.3f} remains",
                   expect="not supported"),
    verdicts.within("02.10", "With momentum, coupled decay shrinks unused weights 1/(1 − μ) "
                    "times as fast.",
                    speed, 1 / (1 - momentum), 0.03 / (1 - momentum), control=1.0),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# **Exercise 2.4.** Write the pre-flight function for PyTorch's `SGD`: the fraction of an unused weight that remains after a
# run whose learning rates are the list `lrs`, with coupled decay `weight_decay` and momentum `momentum`.

# %% tags=["stub"]
answer = None  # def answer(lrs, weight_decay, momentum): ...
checks.check_2_4(answer)


# %% tags=["solution"]
def answer(lrs, weight_decay, momentum):
    return math.exp(-sum(lrs) * weight_decay / (1 - momentum))


checks.check_2_4(answer)

# %% [markdown]
# ## 5 · The prior
#
# Suppose the targets are $y = Xw$ plus Gaussian noise of variance $\sigma^2$. Before seeing data we believe each weight to be
# Gaussian around zero with variance $\tau^2$: the **prior**. By Bayes' rule the belief after the data, the **posterior**, obeys
#
# $$-\log p(w \mid X, y) = \frac{1}{2\sigma^2}\lVert y - Xw\rVert^2 + \frac{1}{2\tau^2}\lVert w\rVert^2 + \text{const}.$$
#
# The most probable $w$ (maximum a posteriori, MAP) is a ridge solution. A tight prior is a strong penalty. But with which
# λ? Multiply by $2\sigma^2/N$ so that the first term becomes the **mean** squared error. The second becomes
# $\frac{\sigma^2}{N\tau^2}\lVert w\rVert^2$, and comparing with $\frac{\lambda}{2}\lVert w\rVert^2$,
#
# $$\lambda = \frac{2\sigma^2}{N\tau^2}.$$
#
# Texts that write "λ = σ²/τ²" mean half the sum of squares; used with a mean loss, their penalty is N/2 times too strong. That
# is the wrong variant below. The test does not use the algebra: L-BFGS, a general-purpose optimizer, maximizes the sum of
# PyTorch's own Gaussian log-densities.

# %%
noise_variance, prior_variance = 0.5, 2.0
likelihood = torch.distributions.Normal(0.0, math.sqrt(noise_variance))
prior = torch.distributions.Normal(0.0, math.sqrt(prior_variance))
w = torch.zeros(n_features, requires_grad=True, **double)
tolerances = {"tolerance_grad": 1e-13, "tolerance_change": 1e-18}
optimizer = torch.optim.LBFGS([w], max_iter=500, line_search_fn="strong_wolfe", **tolerances)


def minus_log_posterior():
    optimizer.zero_grad()
    value = -(likelihood.log_prob(y - X @ w).sum() + prior.log_prob(w).sum())
    value.backward()
    return value


optimizer.step(minus_log_posterior)
map_w = w.detach()
from_prior = 2 * noise_variance / (n_examples * prior_variance)
found = [
    verdicts.exact("02.11", "The MAP estimate under a Gaussian prior is the minimum of MSE + "
                   "(λ/2)‖w‖², λ = 2σ²/(Nτ²).",
                   difference(map_w, ridge(from_prior)), 1e-7,
                   control=difference(map_w, ridge(noise_variance / prior_variance))),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# Two consequences are worth keeping. With more data the same belief asks for a smaller λ (lesson 01 measures that). And
# "weight decay *is* a Gaussian prior" holds for the penalty: decoupled decay with momentum is the prior of λ(1 − μ), by claim
# 02.7, and AdamW is no Gaussian prior at all (lesson 03).
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
# smallest example: a coin showed 9 heads in 10 throws; its log-odds $w$ have a Gaussian prior of standard deviation 2. We can
# look for the most probable $w$, or for the most probable $p = 1/(1+e^{-w})$, which describes the same coin. The change of
# coordinate multiplies the density by $|dw/dp|$, so its peak moves.

# %%
w = np.linspace(-6, 10, 16001)
p = 1 / (1 + np.exp(-w))
log_posterior = 9 * np.log(p) + 1 * np.log(1 - p) - w**2 / (2 * 2.0**2)
mass = np.exp(log_posterior) / np.exp(log_posterior).sum()
density_p = mass / np.gradient(p)
map_in_w, map_in_p, mean = p[mass.argmax()], p[density_p.argmax()], (mass * p).sum()
low, high = p[np.searchsorted(mass.cumsum(), [0.025, 0.975])]

fig, ax = plt.subplots(figsize=(6, 3))
ax.plot(p, density_p, color="black", label="posterior density of p")
ax.axvspan(low, high, color="gray", alpha=0.15, linewidth=0, label=f"95 %: {low:.2f} to {high:.2f}")
lines = {"MAP in w": (map_in_w, "-"), "MAP in p": (map_in_p, "--"), "posterior mean": (mean, "-.")}
for name, (value, style) in lines.items():
    ax.axvline(value, color="C1", linestyle=style, label=f"{name}: {value:.3f}")
ax.set(xlabel="probability of heads p", ylabel="density", xlim=(0.3, 1))
ax.set_title(f"Same belief, same data: MAP says {map_in_w:.2f} or {map_in_p:.2f}")
ax.legend(loc="upper left")
show(fig, alt="Posterior density of a coin's bias with lines at the two MAP values and the mean.")

# %% [markdown]
# The curve is the belief after the throws; the shaded range holds 95 % of it. The two MAP lines disagree with each other
# although model, prior and data are the same, and neither is exactly the mean, the probability one would bet on. The minimum
# of a penalized loss is therefore not "the Bayesian answer": it is one point of it, in one coordinate, without a width.

# %%
found = [
    verdicts.exact("02.12", "The MAP estimate does not depend on how the parameter is written.",
                   abs(map_in_w - map_in_p), 1e-3, control=high - low, expect="not supported"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# ## 6 · The geometry: a ball, and a tangent
#
# The penalty has a twin: minimize $L$ subject to $\lVert w\rVert \le r$. For a convex loss each λ > 0 has a radius
# $r = \lVert w_\lambda\rVert$ at which both have the same solution. At a constrained minimum on the sphere the gradient
# of the loss points straight along −w (otherwise a step along the sphere would lower the loss), just as
# $\nabla L = -\lambda w$ says.
#
# We draw it for two weights whose inputs are correlated, $L(w) = \frac12 (w-w^*)^\top S\,(w-w^*)$, with $\nabla L = S(w-w^*)$.
# The constrained twin needs no λ at all: step down the loss; if that leaves the ball, return to its surface. This is projected
# gradient descent, the loop at the end. `crossing` is another point where a line of equal loss meets the sphere.

# %%
S = torch.tensor([[1.0, 0.9], [0.9, 1.0]], dtype=torch.float64)
w_star = torch.tensor([1.0, -0.3], dtype=torch.float64)
strength = 0.3


def loss_2d(points):
    return 0.5 * ((points - w_star) @ S * (points - w_star)).sum(-1)


def penalized_minimum(l2_strength, w_star):
    return torch.linalg.solve(S + l2_strength * torch.eye(2, dtype=torch.float64), S @ w_star)


w_lambda = penalized_minimum(strength, w_star)
radius = w_lambda.norm().item()
crossing = w_star * radius / w_star.norm()
projected = torch.zeros(2, dtype=torch.float64)
for _ in range(3000):
    projected = projected - 0.5 * S @ (projected - w_star)
    projected = projected * min(1.0, radius / projected.norm().item())
strengths = np.logspace(-3, 2, 100)
path = torch.stack([penalized_minimum(value, w_star) for value in strengths.tolist()])

# %%
touch, cross = loss_2d(w_lambda).item(), loss_2d(crossing).item()
axis = torch.linspace(-0.8, 1.4, 200, dtype=torch.float64)
w1, w2 = torch.meshgrid(axis, axis, indexing="xy")
fig, ax = plt.subplots(figsize=(6.6, 3.8))
heights = loss_2d(torch.stack([w1, w2], -1))
ax.contour(w1, w2, heights, sorted([0.003, touch, cross, 0.2]), colors="C0", linewidths=1)
angle = np.linspace(0, 2 * np.pi, 200)
ax.plot(radius * np.cos(angle), radius * np.sin(angle), "C4-", label=f"ball, radius {radius:.2f}")
ax.plot(path[:, 0], path[:, 1], color="black", linestyle=":", label="minima for all λ")
ax.plot(*w_star, "o", color="C0", label="minimum of the loss")
ax.plot(*w_lambda, "s", color="C2", label="touching point")
ax.plot(*crossing, "X", color="C1", markersize=8, label="crossing point")
ax.set(xlabel="weight w₁", ylabel="weight w₂", xlim=(-0.3, 1.4), ylim=(-0.7, 0.9), aspect="equal")
ax.set_title(f"Where loss contour and ball touch: loss {touch:.3f}; where they cross: {cross:.3f}")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(fig, alt="Elliptic loss contours and a circle; one touches it, one cuts it at a worse point.")

# %% [markdown]
# The ellipses are lines of equal loss around its minimum. The square is the penalized minimum: there an ellipse *touches*
# the ball. "The optimum lies at the intersection" is not enough: the cross is also a point where a contour meets the ball,
# and its loss is higher. The dotted line collects the minima for all λ. It is not a straight line to the origin; the next
# figure follows it weight by weight.

# %%
norms, turning = path.norm(dim=1), strengths[(path[:, 1] > 0).numpy().argmax()]
fig, ax = plt.subplots(figsize=(6, 3))
ax.plot(strengths, norms, color="black", linestyle="-", label="‖w‖")
ax.plot(strengths, path[:, 0], label="w₁")
ax.plot(strengths, path[:, 1], label="w₂")
ax.axhline(0, color="gray", linewidth=0.8, linestyle="-")
ax.set(xscale="log", xlabel="penalty strength λ", ylabel="norm, or value of a weight")
ax.set_title(f"‖w‖ only falls, but w₂ changes sign at λ = {turning:.2g} and grows")
ax.legend()
show(fig, alt="Norm and two weights by λ: the norm falls, w₂ goes from negative to positive.")

# %% [markdown]
# The norm falls all the way, as it must. The second weight does not: it rises through zero, grows to a positive value, and
# only then shrinks. With correlated inputs the penalty prefers to share the work between them, so a weight that only
# corrected another one is replaced by one that helps. "L2 pushes all weights to zero" is true of the pull, not of the
# weights.
#
# The claims also test the popular "λ controls the radius", by doubling the scale of the targets.


# %%
def alignment(w):
    """Cosine of the angle between the downhill direction of the loss and w."""
    return torch.cosine_similarity(-S @ (w - w_star), w, dim=0).item()


ratio = (S @ (w_lambda - w_star)).norm().item() / radius
doubled_radius = penalized_minimum(strength, 2 * w_star).norm().item()
found = [
    verdicts.exact("02.13", "Minimizing the loss in the ball of radius ‖w(λ)‖ gives the "
                   "penalized minimum w(λ).",
                   difference(projected, w_lambda), 1e-10, control=difference(crossing, w_lambda)),
    verdicts.exact("02.14", "At the optimum ∇L points along −w (tangency), and ‖∇L‖/‖w‖ = λ.",
                   max(abs(1 - alignment(w_lambda)), abs(ratio - strength)), 1e-12,
                   control=1 - alignment(crossing)),
    verdicts.exact("02.15", "λ alone sets the radius of the ball, whatever the data.",
                   abs(doubled_radius - radius), 1e-12, control=radius, expect="not supported"),
    verdicts.holds("02.16", "The norm of the penalized minimum falls as λ grows.",
                   bool((norms.diff() < 0).all()), control=bool((path[:, 1].diff() < 0).all()),
                   measured=f"from {norms[0]:.2f} to {norms[-1]:.2f}, never up"),
    verdicts.holds("02.17", "As λ grows, every single weight shrinks toward zero.",
                   bool((path.abs().diff(dim=0) < 0).all()), control=False, expect="not supported",
                   measured=f"w₂ goes from {path[0, 1]:.2f} to {path[:, 1].max():.2f}"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# For *given* data, larger λ means a smaller ball. But the doubled targets double the radius at the same λ, so there is no
# radius that belongs to a λ. (For networks, whose loss is not convex, only one direction survives: a penalized minimum also
# minimizes the loss locally within its ball.)
#
# ## 7 · Stiff and flat directions
#
# In the right coordinates there *is* a simple law. Let the loss be quadratic with minimum $w^*$ and Hessian (matrix of second
# derivatives) $H = U\,\mathrm{diag}(d)\,U^\top$. At the penalized minimum $H(w_\lambda - w^*) + \lambda w_\lambda = 0$. Along
# an eigenvector $u_i$ of $H$ this reads $(d_i+\lambda)\,u_i^\top w_\lambda = d_i\,u_i^\top w^*$, so
#
# $$u_i^\top w_\lambda = \frac{d_i}{d_i+\lambda}\; u_i^\top w^* .$$
#
# Stiff directions (large $d$: the loss notices them) keep nearly everything, flat ones (small $d$) nearly nothing; at $d =
# \lambda$ one half is kept. The sum of these factors counts how many directions the fit still uses, its *effective degrees of
# freedom*. It equals the trace of the **hat matrix**, the matrix that turns $y$ into the fitted values. For our regression,
# $H = \frac{2}{N}X^\top X$.

# %%
H = 2 / n_examples * X.T @ X
d, U = torch.linalg.eigh(H)


def kept(w):
    return (U.T @ w) / (U.T @ ridge(0.0))


def hat_trace(l2_strength):
    inverse = torch.linalg.inv(H + l2_strength * torch.eye(n_features, **double))
    return torch.trace(X @ inverse @ X.T * 2 / n_examples).item()


# %%
fig, ax = plt.subplots(figsize=(6.6, 3))
curve = np.logspace(-1, 1, 100)
for marker, value in (("o", 0.1), ("s", 1.0), ("D", 10.0)):
    (line,) = ax.plot(curve, curve / (curve + value), label=f"d/(d + λ), λ = {value:g}")
    ax.plot(d.cpu(), kept(ridge(value)).cpu(), marker, color=line.get_color())
ax.set(xscale="log", xlabel="curvature d of the direction", ylabel="fraction kept", ylim=(0, 1.05))
freedom = ", ".join(f"{hat_trace(value):.1f}" for value in (0.1, 1.0, 10.0))
ax.set_title(f"{n_features} weights act like {freedom} as λ grows")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(fig, alt="Fraction kept by curvature for three λ: points lie on the curves d over d plus λ.")

# %% [markdown]
# The points are measured (the ridge fit against the least-squares fit, along each eigenvector), the curves are the law. For
# one λ the directions differ, which is why a sentence such as "the weights shrink by 37.5 %" has no meaning without saying
# in which direction. The title counts the effective degrees of freedom.
#
# The first wrong variant below is a unit error: it uses λ with the eigenvalues of $X^\top X$, of the sum, instead of the
# mean. The second counts the parameters.

# %%
law = d / (d + l2_strength)
of_the_sum = (d * n_examples / 2) / (d * n_examples / 2 + l2_strength)
found = [
    verdicts.exact("02.18", "Weight decay multiplies each Hessian direction by d/(d + λ) "
                   "(quadratic loss).",
                   difference(kept(ridge(l2_strength)), law), 1e-9,
                   control=difference(kept(ridge(l2_strength)), of_the_sum),
                   source="Goodfellow et al. 2016, ch. 7"),
    verdicts.exact("02.19", "The trace of the ridge hat matrix is the sum of d/(d + λ): "
                   "the effective degrees of freedom.",
                   abs(hat_trace(l2_strength) - law.sum()), 1e-9,
                   control=abs(n_features - law.sum()),
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
# For another loss the law holds approximately, near its minimum. Logistic regression (sum of the losses) lets us see how far:
# `newton` finds the exact penalized minimum with Newton's method, and the law predicts the shift from the Hessian at the
# unpenalized minimum alone.


# %%
def newton(x, labels, l2_strength):
    w, identity = torch.zeros(n_features, **double), torch.eye(n_features, **double)
    for _ in range(40):
        p = torch.sigmoid(x @ w)
        hessian = x.T @ (x * (p * (1 - p))[:, None]) + l2_strength * identity
        w = w - torch.linalg.solve(hessian, x.T @ (p - labels) + l2_strength * w)
    return w, hessian


# %%
inputs = randn(200, n_features)
chance = torch.sigmoid(inputs[:, 0] - inputs[:, 1])
labels = torch.bernoulli(chance.cpu(), generator=generator).to(device)
free, hessian = newton(inputs, labels, 0.0)
law_error = {}
for value in (0.01, 0.1, 1.0, 10.0):
    shift = newton(inputs, labels, value)[0] - free
    penalized = hessian + value * torch.eye(n_features, **double)
    by_law = torch.linalg.solve(penalized, hessian @ free) - free
    law_error[value] = ((shift - by_law).norm() / shift.norm()).item()
pd.Series(law_error, name="relative error of the law").rename_axis("λ").to_frame().round(4)

# %% [markdown]
# From one λ to the next, ten times as large, the error grows about tenfold, then more slowly: the law is fine while λ is small
# against the curvature, wrong by a sizeable fraction when the two are comparable. For a network it says which directions go
# first, not how far they go.
#
# ### Do flat directions not matter?
#
# Flat means that the *training loss* does not notice. That is usually noise, but not by definition. Take two worlds, each with
# ten features of scales from 10 down to 0.1: in the first the signal sits in the five large features, in the second in the
# five small ones. `excess_error` is the squared error on new data beyond the noise that no model can remove, after ridge with
# a penalty on the sum of squares. The claims compare it without and with a penalty of 10, in pairs over the same data. (The
# control of the first claim, on logistic regression, is a quadratic loss, where the law is exact.)


# %%
def excess_error(signal, l2_strength, seed):
    generator = torch.Generator().manual_seed(seed)
    scale = torch.logspace(1, -1, 10, dtype=torch.float64)
    x = torch.randn(40, 10, generator=generator, dtype=torch.float64) * scale
    w = torch.zeros(10, dtype=torch.float64)
    w[signal] = 1 / scale[signal]
    targets = x @ w + torch.randn(40, generator=generator, dtype=torch.float64)
    penalty = l2_strength * torch.eye(10, dtype=torch.float64)
    fitted = torch.linalg.solve(x.T @ x + penalty, x.T @ targets)
    return ((fitted - w) * scale).square().sum().item()


# %%
worlds = {"stiff": slice(0, 5), "flat": slice(5, 10)}
error = {}
for name, signal in worlds.items():
    for value in (0.0, 10.0):
        seeds = range(1000 * seed, 1000 * seed + 4 * n_runs)
        error[name, value] = [excess_error(signal, value, s) for s in seeds]

# %%
found = [
    verdicts.holds("02.20", "For logistic regression the law d/(d + λ) is good to 1 % for small λ "
                   "(0.01) and wrong by over 5 % for large λ (10).",
                   law_error[0.01] < 0.01 and law_error[10.0] > 0.05,
                   control=difference(kept(ridge(100.0)), d / (d + 100)) > 0.05,
                   measured=f"relative errors {law_error[0.01]:.2g} and {law_error[10.0]:.2g}"),
    verdicts.compare("02.21", "Shrinking the flat directions lowers the error on new data, "
                     "if the signal is in the others.",
                     error["stiff", 0.0], error["stiff", 10.0], source="Krogh & Hertz 1991"),
    verdicts.compare("02.22", "Weight decay compresses exactly the directions that do not matter: "
                     "it lowers the error on new data wherever the signal is.",
                     error["flat", 0.0], error["flat", 10.0], expect="not supported"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The penalty is a bet that flat directions hold noise. Where the bet is right it pays; where it was wrong here, it cost much
# more. Standardizing inputs, as this course's `load` does, is part of the bet.
#
# ## 8 · Are smaller weights smoother functions?
#
# Halve all weights and biases of a ReLU network with one hidden layer: the hidden units are halved, then halved again by the
# second layer, so the slope with respect to the input is a quarter. Smaller is smoother. A normalization layer removes that:
# LayerNorm divides by the standard deviation of its input, so the scale of the weights *before* it cancels.
# `mean_slope` is the mean length of the gradient of the output with respect to the input.
#
# A last variant is about size and importance. `moved` divides the first layer by 100 and multiplies the next by 100. The
# penalty notices the difference; does the function? (Lesson 06 prunes by size and returns to this.) The wrong variant has
# tanh in the place of ReLU.


# %%
def mean_slope(net):
    x = inputs.clone().requires_grad_()
    return torch.autograd.grad(net(x).sum(), x)[0].norm(dim=1).mean().item()


torch.manual_seed(seed)
plain = nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Linear(32, 1)).to(**double)
before_norm = nn.Linear(n_features, 32, bias=False)
norm = nn.LayerNorm(32, elementwise_affine=False, eps=1e-12)
normed = nn.Sequential(before_norm, norm, nn.ReLU(), nn.Linear(32, 1)).to(**double)
half, half_normed, moved = copy.deepcopy(plain), copy.deepcopy(normed), copy.deepcopy(plain)
with torch.no_grad():
    for p in half.parameters():
        p.mul_(0.5)
    half_normed[0].weight.mul_(0.5)
    moved[0].weight.mul_(0.01)
    moved[0].bias.mul_(0.01)
    moved[2].weight.mul_(100)
with_tanh = [nn.Sequential(net[0], nn.Tanh(), net[2]) for net in (plain, moved)]

# %%
ratio = mean_slope(half) / mean_slope(plain)
normed_ratio = mean_slope(half_normed) / mean_slope(normed)
found = [
    verdicts.within("02.23", "Halving all weights of a plain two-layer ReLU network "
                    "quarters its slope.",
                    ratio, 0.25, 1e-6, control=normed_ratio),
    verdicts.within("02.24", "Smaller weights make a smoother function, also before a LayerNorm: "
                    "half the weights, half the slope.", normed_ratio, 0.5, 0.1, control=1.0,
                    source="van Laarhoven 2017, arXiv:1706.05350", expect="not supported"),
    verdicts.exact("02.25", "Dividing one ReLU layer by 100 and multiplying the next by 100 "
                   "changes no prediction.",
                   difference(moved(inputs), plain(inputs)), 1e-10,
                   control=difference(with_tanh[1](inputs), with_tanh[0](inputs))),
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
# something to overfit to. Each run has its own split, its own labels and its own initial weights. `fit` calls a function
# after every epoch; ours notes the norm of the weight matrices. Three runs are enough here.


# %%
def with_label_noise(y, fraction, seed):
    generator = torch.Generator().manual_seed(seed)
    replace = torch.rand(len(y), generator=generator) < fraction
    random_labels = torch.randint(10, y.shape, generator=generator)
    return torch.where(replace.to(y.device), random_labels.to(y.device), y)


def small_mlp():
    return mlp(n_hidden=(128,))


batch_size = 50
splits = [load("digits", n_train=n_train, seed=seed + i, device=device) for i in range(n_runs)]
noisy = []
for i, split in enumerate(splits):
    x, labels = split.train
    noisy.append(split._replace(train=(x, with_label_noise(labels, label_noise, seed + i))))


# %%
def watch(run, weight_decay):
    torch.manual_seed(seed + run)
    model = small_mlp().to(device)
    start, norms = copy.deepcopy(model), [weight_norm(model)]
    optimizer = torch.optim.SGD(model.parameters(), net_lr, momentum, weight_decay=weight_decay)
    fit(model, noisy[run].train, noisy[run].val, optimizer, epochs=n_epochs, batch_size=batch_size,
        seed=seed + run, evaluate_every=n_epochs,
        callbacks=[lambda model, row: norms.append(weight_norm(model))])  # fmt: skip
    table = pd.DataFrame({"epoch": range(len(norms)), "norm": np.array(norms) / norms[0]})
    return table, start, model


watched = {value: [watch(run, value) for run in range(3)] for value in (0.0, weight_decay)}
steps = n_train // batch_size * np.arange(n_epochs + 1)
alone = np.exp(-net_lr * weight_decay / (1 - momentum) * steps)
final = [table["norm"].iloc[-1] for table, _, _ in watched[weight_decay]]
thirds = [table["norm"].iloc[2 * n_epochs // 3] for table, _, _ in watched[weight_decay]]

# %%
fig, (ax, right) = plt.subplots(1, 2, figsize=(9, 3.2))
for value, runs in watched.items():
    table = pd.concat([table for table, _, _ in runs])
    plot_interval(ax, table, "epoch", "norm", label=f"λ = {value:g}")
ax.plot(alone, color="gray", linestyle=":", label="decay alone")
ax.set(xlabel="epoch", ylabel="‖weights‖, relative to the start", ylim=(0, 2.6))
ax.set_title(f"With data the norm ends at {np.mean(final):.2f}, without at {alone[-1]:.2f}")
ax.legend(loc="upper left")
(_, start, without), (_, _, decayed) = watched[0.0][0], watched[weight_decay][0]
nets = {"at the start": start, "end, λ = 0": without, f"end, λ = {weight_decay:g}": decayed}
small, edges = [], np.linspace(-0.35, 0.35, 71)
for (name, net), style in zip(nets.items(), (":", "--", "-"), strict=True):
    weights = net[1].weight.detach().flatten().cpu().numpy()
    small.append(np.mean(np.abs(weights) < 0.02))
    right.hist(weights, edges, histtype="step", lw=1.6, linestyle=style, label=name)
right.set(xlabel="weight of the first layer", ylabel="number of weights")
right.set_title(f"|w| < 0.02: {small[2]:.0%} with decay, {small[1]:.0%} without")
right.legend(loc="upper left", bbox_to_anchor=(0.52, 1), fontsize=8)
show(fig, alt="Left: weight norm by epoch, growing without decay, level with it. Right: histogram.")

# %% [markdown]
# *Left*: without decay the norm grows as the network fits. With decay it falls and then levels off, far above the dotted line
# of decay alone: the data hold the weights up. That plateau is the balance of the two forces of section 1. *Right*: the
# histogram begins as the block of PyTorch's uniform initialization. Without decay it only widens. With decay most weights
# gather near zero while some keep large values. It "compresses toward zero as training progresses", as popular animations
# show, in the early epochs only.

# %%
late_fall = [1 - end / before for end, before in zip(final, thirds, strict=True)]
found = [
    verdicts.compare("02.26", "With data, the norm ends at more than twice what decay alone "
                     "would leave.",
                     final, [2 * alone[-1]] * len(final)),
    verdicts.compare("02.27", "Under weight decay the weights keep compressing toward zero: "
                     "the norm falls by more than a quarter in the last third of training.",
                     late_fall, [0.25] * len(final), expect="not supported"),
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
lrs = [net_lr] * (n_epochs * (n_train // batch_size))
flights = {f"λ = {value:g}": remaining(lrs, value / (1 - momentum)) for value in weight_decays}
pd.Series(flights, name="remains of an unused weight").map("{:.2%}".format).to_frame()

# %% [markdown]
# The smallest λ is practically inert, the largest ones leave nothing of an unused weight. `train_runs` trains all runs together
# and gives what `fit` would give, run by run. For every run we keep the final accuracies on training, validation and test
# data.
#
# For the letters, each run takes its own 500 of the 1,000 training images, averaged to 16 × 16 pixels to keep the lesson
# quick; validation and test images are the same for all runs. The network is again a plain one, without normalization, so
# that λ means what sections 6 to 8 say.


# %%
def sweep(build, splits, epochs, lr):
    runs = [
        {"seed": seed + i, "lr": lr, "momentum": momentum, "weight_decay": value,
         "train": split.train, "val": split.val}
        for value in weight_decays for i, split in enumerate(splits)
    ]  # fmt: skip
    table, models = train_runs(build, splits[0].train, splits[0].val, runs, epochs=epochs,
                               batch_size=batch_size, optimizer=torch.optim.SGD,
                               evaluate_every=epochs)  # fmt: skip
    tests = [split.test for split in splits] * len(weight_decays)
    pairs = zip(models, tests, strict=True)
    accuracy = [evaluate(model, *test)["accuracy"] for model, test in pairs]
    return table.groupby("run").last().assign(test_accuracy=accuracy)


results = {
    "digits": sweep(small_mlp, splits, n_epochs, net_lr),
    "noisy digits": sweep(small_mlp, noisy, n_epochs, net_lr),
}


# %%
def letters_mlp():
    return mlp(n_inputs=3 * 16 * 16, n_hidden=(64,))


letters = load("letters", seed=seed, device=device)
pairs = [(functional.avg_pool2d(images, 2), labels) for images, labels in letters[:3]]
subsets = []
for i in range(n_runs):
    rows = torch.randperm(1000, generator=torch.Generator().manual_seed(seed + i))[:500].to(device)
    subset = pairs[0][0][rows], pairs[0][1][rows]
    subsets.append(letters._replace(train=subset, val=pairs[1], test=pairs[2]))
results["letters"] = sweep(letters_mlp, subsets, max(1, n_epochs // 2), 0.4 * net_lr)

# %% [markdown]
# The λ of each run is chosen on **its own validation data**; only that choice is then looked up on the test data. The titles
# give the gain: the test accuracy of this choice minus that of λ = 0, in points (hundredths).


# %%
def chosen(results):
    """Test accuracies over seeds, two lists: with the λ best on validation data, and λ = 0."""
    best = results.loc[results.groupby("seed")["val_accuracy"].idxmax()].set_index("seed")
    none = results[results["weight_decay"] == 0].set_index("seed").loc[best.index]
    return best["test_accuracy"].to_list(), none["test_accuracy"].to_list()


fig, axes = plt.subplots(1, 3, figsize=(9.2, 3.1), sharey=True)
for ax, (task, table) in zip(axes, results.items(), strict=True):
    for name, style in (("train", "--"), ("val", "-")):
        column = f"{name}_accuracy"
        plot_interval(ax, table, "weight_decay", column, label=name, linestyle=style, marker="o")
    mean, half, _ = verdicts.mean_and_interval(np.subtract(*chosen(table)))
    ax.set_xscale("symlog", linthresh=1e-4)
    ax.set(xlabel="λ", ylim=(0, 1.03), xlim=(0, None), xticks=[0, 1e-4, 1e-3, 1e-2, 0.1])
    ax.set_title(f"{task}: gain {100 * mean:.1f} ± {100 * half:.1f}")
axes[0].set_ylabel("accuracy")
axes[0].legend(loc="lower left")
show(fig, alt="Accuracy by λ: flat on digits, a validation peak on noisy ones, no gain on letters.")

# %% [markdown]
# Three tasks, three answers. On clean digits the curves are flat over several powers of ten: there is little to gain. With
# wrong labels the validation curve rises to a clear peak, just where the training curve comes down from memorizing them (the
# validation labels are right, so validation can end above training).
# On letters the gap between the curves is the largest of all, yet closing it with λ gains nothing: new typefaces are not
# noise, and shrinkage does not teach them. In all three the smallest λ does nothing, as its pre-flight number says, and the
# largest destroys.
#
# The last two claims repeat lesson 01's warning: the model with the smaller gap need not be the better one.


# %%
def accuracy_at(name, value, column="test_accuracy"):
    table = results[name]
    return table[table["weight_decay"] == value].sort_values("seed")[column].to_numpy()


gap = {}
for value in (0.0, 0.3):
    gap[value] = accuracy_at("letters", value, "train_accuracy") - accuracy_at("letters", value)

# %%
found = [
    verdicts.compare("02.28", "On digits with wrong labels, the λ chosen on validation data "
                     "gains more than 2 points.",
                     *chosen(results["noisy digits"]), margin=0.02, source="Krogh & Hertz 1991"),
    verdicts.compare("02.29", "On digits with wrong labels, a λ whose pre-flight number is near 1 "
                     "(λ = 0.0001) still gains more than 1 point.",
                     accuracy_at("noisy digits", 1e-4), accuracy_at("noisy digits", 0.0),
                     margin=0.01, expect="not supported"),
    verdicts.compare("02.30", "On digits with wrong labels, too strong a decay (λ = 0.3) is worse "
                     "than none, by more than 10 points.",
                     accuracy_at("noisy digits", 0.0), accuracy_at("noisy digits", 0.3),
                     margin=0.1),
    verdicts.compare("02.31", "Weight decay, chosen on validation data, gains more than 2 points "
                     "on clean digits.",
                     *chosen(results["digits"]), margin=0.02, expect="not supported"),
    verdicts.compare("02.32", "Weight decay, chosen on validation data, gains more than 2 points "
                     "on new typefaces.",
                     *chosen(results["letters"]), margin=0.02, expect="not supported"),
    verdicts.compare("02.33", "On letters, λ = 0.3 has a smaller gap between training and test "
                     "accuracy than λ = 0.",
                     gap[0.0], gap[0.3]),
    verdicts.compare("02.34", "On letters, the λ with the smaller gap (0.3) is also the more "
                     "accurate on test data.",
                     accuracy_at("letters", 0.3), accuracy_at("letters", 0.0),
                     expect="not supported"),
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
detached = torch.ones(n_features, requires_grad=True, **double)
optimizer = torch.optim.SGD([detached], lr)
for _ in range(n_steps):
    optimizer.zero_grad()
    (loss(detached) + l2_strength / 2 * detached.data @ detached.data).backward()
    optimizer.step()
both = descend(n_steps, coupled=l2_strength, penalty=l2_strength / 2)[-1]
readings = {
    "correct": (descended, 1),
    "λ‖w‖² where (λ/2)‖w‖² was meant": (descend(n_steps, penalty=l2_strength)[-1], 2),
    "penalty in the loss and weight_decay": (both, 2),
    "penalty computed from w.data": (detached.detach(), 0),
    "decoupled decay, λ tuned for coupled": (ends[0], 1 - momentum),
}
meter = [(code, measured_l2(w) / l2_strength, expected) for code, (w, expected) in readings.items()]
table = pd.DataFrame(meter, columns=["code", "measured λ / intended λ", "expected"])
table.set_index("code").round(3).replace(-0.0, 0.0)

# %% [markdown]
# The meter tells them apart. `w.data` is the silent one: the penalty is in the loss, the printed loss is larger, and no
# gradient flows. The meter is right only at convergence, so its wrong variant is a run stopped early.
#
# One more bug needs no meter but a change of units: least squares does not care whether a length is in meters or millimeters,
# the penalty does. That is why inputs are standardized before λ is tuned.


# %%
def fitted_values(inputs, l2_strength):
    hessian = 2 / n_examples * inputs.T @ inputs
    penalized = hessian + l2_strength * torch.eye(n_features, **double)
    return inputs @ torch.linalg.solve(penalized, 2 / n_examples * inputs.T @ y)


early = measured_l2(descend(10, coupled=l2_strength)[-1]) / l2_strength
in_millimeters = X * torch.tensor([1000.0] + [1.0] * (n_features - 1), **double)
least_squares = difference(fitted_values(X, 0.0), fitted_values(in_millimeters, 0.0))
penalized = difference(fitted_values(X, l2_strength), fitted_values(in_millimeters, l2_strength))
found = [
    verdicts.exact("02.35", "At convergence, −w·∇L/‖w‖² reads off the penalty that a run has "
                   "really minimized.",
                   max(abs(measured - expected) for _, measured, expected in meter), 1e-6,
                   control=abs(early - 1)),
    verdicts.exact("02.36", "Least squares predicts the same whatever the units of its inputs "
                   "(ridge does not).",
                   least_squares, 1e-8, control=penalized),
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
# * "For SGD, L2 regularization and weight decay are identical." Without momentum (02.4). With it, the paths differ, and the
#   penalties at the end by the factor 1 − μ (02.6, 02.7).
# * "Over thousands of steps, 0.001 % per step has a dramatic effect." It takes a hundred thousand (02.9).
# * "Start with 0.0001 and increase to 0.001 if it overfits." At these recipes' learning rate and length both are inert: the
#   pre-flight table, and 02.29.
# * "λ = σ²/τ²." For half the sum of squares. For the mean squared error it is 2σ²/(Nτ²) (02.11).
# * "Penalty and MAP are one problem, seen as a frequentist and as a Bayesian." The optimization is the same; a posterior is
#   more than its peak, and the peak depends on the coordinate (02.12).
# * "Weight decay is equivalent to a Gaussian prior." The penalty is. Decoupled decay with momentum is another prior (02.7),
#   and AdamW none (lesson 03).
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
# ## The claims of this lesson

# %%
metrics = {"end_norm": np.mean(final), "degrees_of_freedom": hat_trace(l2_strength)}
for name, table in results.items():
    metrics[f"gain on {name}"] = np.mean(np.subtract(*chosen(table)))
record = verdicts.write_record("02_weight_decay", claims, parameters=parameters, metrics=metrics)
print("record:", ", ".join(record))
verdicts.claim_table(claims)

# %% [markdown]
# ## Summary
#
# *Derive and translate*: the penalty (λ/2)‖w‖² gives the factor (1 − ηλ), and the same weights are ridge with α = Nλ/2 and
# MAP with λ = 2σ²/(Nτ²). *Predict*: exp(−Σηλ) tells before training whether a recipe is inert; with momentum, coupled decay
# acts 1/(1 − μ) times as fast and decoupled decay stands for the penalty λ(1 − μ). *Diagnose*: −w·∇L/‖w‖² reads off the
# penalty that a converged run has minimized.
#
# And the four predictions. After 5,000 steps almost all of the weight is left (02.9). A single weight can grow with λ (02.17).
# With momentum, decoupled decay ends elsewhere (02.6, 02.7). On the letters the best λ gains less than two points (02.32).
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
