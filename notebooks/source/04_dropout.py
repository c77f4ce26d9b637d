# %% [markdown]
# # 04 · Dropout
#
# **The question:** what does a random mask buy, from NumPy to `nn.Dropout`?
#
# **Time:** 75 minutes. **You need:** lessons 01 to 03 (`fit`, validation, ridge, AdamW), mean and variance, the chain rule, and
# to have met softmax, ReLU, convolution, pooling, BatchNorm and residual branches once.
#
# At the end you will be able to
# 1. *implement* dropout, forward and backward, and *prove* your implementation right,
# 2. *say* which of the popular explanations of dropout are exact, which are approximations and which are wrong,
# 3. *choose* a dropout rate by validation, *report* it with an interval, and *place* the layer where it does what you want.

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 8  # [3, 64] training runs for each setting
p_drop: float = 0.5  # [0.01, 0.9] probability of DROPPING a unit, in the hand-made examples
rates: list = [0.0, 0.1, 0.3, 0.5, 0.7]  # 3 to 12 different values in [0, 0.9]: rates of the sweeps
images: str = "letters"  # {"letters", "mnist", "fashion_mnist", "cifar10"} data of the main sweep
network: str = "mlp"  # {"mlp", "cnn"} what reads the images; the cnn is slow on a CPU
n_train: int = 1000  # [100, 20000] training images
epochs: int = 60  # [1, 500] passes over the training data
lr: float = 1e-3  # (0, 1) learning rate of AdamW
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %%
import itertools
import math

import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from scipy import stats
from torch import nn
from torch.nn import functional
from torchvision.ops import StochasticDepth

from course_utils import claims as verdicts
from course_utils import models
from course_utils.checks import lesson_04 as checks
from course_utils.data import load
from course_utils.figures import plot_images, plot_interval, show, use_course_style
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.training import evaluate, fit

use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = []

# %% [markdown]
# ## Predict
#
# A network will soon be trained on pictures of letters and asked about font faces that it was not trained on. Write down,
# before you read on:
#
# * With half of its units dropped, will its accuracy on the **training** letters rise or fall? On the **new** faces?
# * With most of its units dropped?
# * On handwritten digits, where the plain network is already good: will dropout help as much?
#
# The sweep in section 7 answers all three with error bars.
#
# ## 1 · A mask, by hand
#
# Dropout multiplies every activation $x_i$ by an independent random mask $m_i$ that is 0 with probability $p$ and 1
# otherwise, and by a constant that repairs the average:
#
# $$\tilde x_i = \frac{m_i}{1-p}\,x_i, \qquad m_i \sim \text{Bernoulli}(1-p).$$
#
# In this course $p$ is always the probability of **dropping**. The original paper's p is the probability of *keeping*
# (Srivastava et al. 2014), a trap to which section 10 returns. Because the repair happens during training, this form is
# called *inverted* dropout, and it is all there is to it:


# %%
def dropout_forward(x, p, rng):
    keep = rng.random(x.shape) >= p
    multiplier = keep / (1 - p) if p < 1 else np.zeros(x.shape)
    return x * multiplier, multiplier


# %% [markdown]
# Follow one small batch through it, two examples with three units each. Every intermediate value is printed, first the
# forward pass and then, for the loss $L = \sum_{ij} z_{ij}^2$ of the output $z = \tilde x$, the backward pass. Each number of
# a line can be computed by hand from the lines above it.

# %%
rng = np.random.default_rng(seed)
x = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])
uniform = np.random.default_rng(seed).random(x.shape)  # the numbers dropout_forward is about to draw
out, multiplier = dropout_forward(x, p_drop, rng)
grad_out = 2 * out
lines = {
    "x": x, "u ~ U[0, 1)": uniform, "m = (u >= p)": 1.0 * (uniform >= p_drop), "m / (1-p)": multiplier, "z = x · m / (1-p)": out,
    "∂L/∂z = 2 z": grad_out, "∂L/∂x = ∂L/∂z · m / (1-p)": grad_out * multiplier,
}  # fmt: skip
for name, value in lines.items():
    print(f"{name:28}", (np.round(value, 2) + 0.0).tolist())

# %% [markdown]
# Two things to see. The survivors came out **larger** than they went in: that is the repair. And each example has a mask of
# its own: the random numbers of the two rows are drawn separately.
#
# The backward pass follows from the chain rule. Given the mask, dropout is the linear map $\tilde x = m x/(1-p)$, so the
# gradient passes through the **same** mask and the **same** scale. That suggests two ways to get it wrong:


# %%
def backward(grad_out, multiplier, rng):
    return grad_out * multiplier


def backward_unscaled(grad_out, multiplier, rng):  # bug A: the mask without its scale
    return grad_out * (multiplier > 0)


def backward_fresh_mask(grad_out, multiplier, rng):  # bug B: a new mask instead of the one used forward
    return grad_out * dropout_forward(grad_out, p_drop, rng)[1]


# %% [markdown]
# Neither bug raises an error. What catches them is an independent oracle: nudge each input by $\pm h$ with the mask held
# fixed and compare the slope of the loss with the gradient that the code claims. The loss here, $\sum w\tanh(z)$ with
# random $w$, is chosen so that its slope is different at every input and a wrong gradient cannot hide.

# %%
rng = np.random.default_rng(seed + 1)
x = rng.standard_normal((8, 16))
weights = rng.standard_normal((8, 16))
_, multiplier = dropout_forward(x, p_drop, rng)


def loss(x):
    return (np.tanh(x * multiplier) * weights).sum()


def slope(index, h=1e-6):
    step = np.zeros_like(x)
    step[index] = h
    return (loss(x + step) - loss(x - step)) / (2 * h)


numeric = np.array([slope(index) for index in np.ndindex(x.shape)]).reshape(x.shape)
grad_out = (1 - np.tanh(x * multiplier) ** 2) * weights


# %%
def relative_error(back):
    grad = back(grad_out, multiplier, np.random.default_rng(seed + 2))
    return np.abs(grad - numeric).max() / np.abs(numeric).max()


errors = {back.__name__: relative_error(back) for back in (backward, backward_unscaled, backward_fresh_mask)}
x_torch = torch.tensor(x, requires_grad=True)
(torch.tanh(x_torch * torch.tensor(multiplier)) * torch.tensor(weights)).sum().backward()
by_autograd = x_torch.grad.numpy()
errors["autograd"] = np.abs(by_autograd - backward(grad_out, multiplier, rng)).max() / np.abs(by_autograd).max()
kept = multiplier > 0
too_small = np.unique((backward_unscaled(grad_out, multiplier, rng)[kept] / numeric[kept]).round(4))
print("relative errors:", {name: float(f"{error:.1e}") for name, error in errors.items()})
print("the unscaled gradient is the true one times", too_small)

# %%
found = [
    verdicts.exact("04.1", "The backward pass uses the mask and the scale of the forward pass (finite differences).",
                   errors["backward"], 1e-8, control=errors["backward_unscaled"]),
    verdicts.exact("04.2", "It equals the gradient of autograd; with a fresh mask in the backward pass it does not.",
                   errors["autograd"], 1e-12, control=errors["backward_fresh_mask"]),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The right code agrees with the finite differences as closely as these can be computed, and with autograd to rounding. The
# unscaled gradient is too small by exactly the factor $1-p$; the fresh mask gives the gradient of another function.
#
# **Exercise 4.1.** Write `answer(x, p, rng, training)` in NumPy: inverted dropout for any p in [0, 1], the identity when
# `training` is false. The check runs it many times and looks at the statistics.

# %% tags=["stub"]
answer = None  # def answer(x, p, rng, training): ...
checks.check_4_1(answer)


# %% tags=["solution"]
def answer(x, p, rng, training):
    if not training or p == 0:
        return x
    if p == 1:
        return np.zeros_like(x)
    return x * (rng.random(x.shape) >= p) / (1 - p)


checks.check_4_1(answer)

# %% [markdown]
# ## 2 · What the noise does on average
#
# With $n$ units there are only $2^n$ masks. For small $n$ we need no sampling: enumerate them all, weigh each by its
# probability $p^{\#\text{dropped}}(1-p)^{\#\text{kept}}$, and every expectation is exact.


# %%
def all_masks(n, p):
    masks = torch.tensor(list(itertools.product([0.0, 1.0], repeat=n)), dtype=torch.float64)
    probability = (1 - p) ** masks.sum(1) * p ** (n - masks.sum(1))
    return masks, probability


torch.set_default_dtype(torch.float64)
x = torch.randn(10)
masks, probability = all_masks(10, p_drop)
dropped = masks * x / (1 - p_drop)
mean = probability @ dropped
variance = probability @ (dropped - mean) ** 2
mean_unscaled = probability @ (masks * x)
len(masks), probability.sum().item()

# %% [markdown]
# The mean is the input itself, $\mathbb E[\tilde x_i] = x_i$, and the variance is
# $\operatorname{Var}[\tilde x_i] = \frac{p}{1-p}x_i^2$: the noise is *multiplicative*, in proportion to the signal. At
# p = 0.5 its standard deviation is as large as the signal itself.

# %%
noise_to_signal = p_drop / (1 - p_drop)
found = [
    verdicts.exact("04.3", "Inverted dropout leaves the mean of every activation unchanged, over all masks.",
                   (mean - x).abs().max(), 1e-12, control=(mean_unscaled - x).abs().max()),
    verdicts.exact("04.4", "Its noise has variance p/(1-p) times the squared activation.",
                   (variance - noise_to_signal * x**2).abs().max(), 1e-12,
                   control=(variance - p_drop * (1 - p_drop) * x**2).abs().max()),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# "Dropout zeroes a fraction p of the units" is a popular sentence, and wrong: each unit falls by its own coin, so the
# *number* of fallen units is binomial. Here is `nn.Dropout` on 256 units, five thousand times.

# %%
layer = nn.Dropout(p_drop)
n_zero = (layer(torch.ones(5000, 256)) == 0).sum(1).numpy()
spread, predicted = n_zero.std(), math.sqrt(256 * p_drop * (1 - p_drop))
counts = np.arange(n_zero.min(), n_zero.max() + 1)
fig, ax = plt.subplots()
ax.hist(n_zero, bins=np.append(counts, counts[-1] + 1) - 0.5, color="C5", label="nn.Dropout, 5000 draws")
ax.plot(counts, 5000 * stats.binom.pmf(counts, 256, p_drop), label="binomial")
ax.axvline(256 * p_drop, color="k", linestyle=":", label="exactly a fraction p")
ax.set(xlabel="units dropped, of 256", ylabel="draws", title=f"Between {n_zero.min()} and {n_zero.max()} of 256 units fall")
ax.legend()
show(fig, alt="Histogram of the number of dropped units over 5000 draws: bell-shaped around 256 p and on the binomial curve.")

# %%
exactly_a_fraction = 0.0  # the spread that the popular sentence predicts
found = [
    verdicts.within("04.5", "The number of dropped units spreads like a binomial, √(n p (1-p)); it is no fixed fraction p.",
                    spread, predicted, 4 * predicted / math.sqrt(2 * 5000), control=exactly_a_fraction),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The histogram follows the binomial curve and is much wider than the single spike that the popular sentence predicts: only
# the *expected* share is p.
#
# ### "So nothing needs to be scaled at test time"
#
# The mean is right *at the layer's output*. What follows is not linear, though. For a ReLU, which is convex, Jensen's
# inequality gives $\mathbb E[\operatorname{relu}(w^\top\tilde x)] \ge \operatorname{relu}(w^\top x)$. How far apart are the
# two? Again by enumeration, for 500 random units that read ten inputs:

# %%
readout = torch.randn(500, 10)


def mean_after(function, p):
    masks, probability = all_masks(10, p)
    return probability @ function((masks * x / (1 - p)) @ readout.T)


grid = np.linspace(0, 0.8, 17)
linear_gap = max((mean_after(lambda z: z, p) - readout @ x).abs().max().item() for p in grid)
full = torch.relu(readout @ x)
ratio = [(mean_after(torch.relu, p).mean() / full.mean()).item() for p in grid]
jensen_gap = (mean_after(torch.relu, p_drop) - full).min().item()

# %%
excess = 100 * ((mean_after(torch.relu, p_drop).mean() / full.mean()).item() - 1)
fig, ax = plt.subplots()
ax.plot(grid, ratio, label="after a ReLU: mean in training / value at test")
ax.axhline(1, color="C1", linestyle="--", label="linear read-out")
ax.set(xlabel="dropout rate p", ylabel="ratio", title=f"At p = {p_drop} units fire {excess:.0f} % more in training than at test")
ax.legend()
show(fig, alt="Mean ReLU output in training, divided by the output at test, grows from 1 with p; the linear read-out stays at 1.")

# %%
found = [
    verdicts.exact("04.6", "For a linear read-out, switching dropout off at test time gives exactly the training mean.",
                   linear_gap, 1e-12, control=(mean_after(torch.relu, p_drop) - full).abs().max()),
    verdicts.holds("04.7", "Behind a ReLU the training mean is at least the test value, for every unit (Jensen).",
                   jensen_gap > -1e-12, control=(-mean_after(torch.relu, p_drop) + full).min() > -1e-12,
                   measured=f"smallest difference {jensen_gap:.1e}"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The dashed line stays at 1: for a linear read-out the statement is exact. The solid curve leaves it as p grows: a hidden
# unit behind the ReLU sees, on average, larger inputs in training than at test. "No correction needed" is a good
# approximation for small p, not a theorem about networks.
#
# **Exercise 4.2.** A layer of n = 1000 units has all activations equal to 1. A read-out averages them. Give a function
# `answer(n, p)` for the **standard deviation** of that average under dropout.

# %% tags=["stub"]
answer = None  # def answer(n, p): ...
checks.check_4_2(answer)


# %% tags=["solution"]
def answer(n, p):
    return (p / (1 - p) / n) ** 0.5


checks.check_4_2(answer)

# %% [markdown]
# ## 3 · `nn.Dropout`
#
# The library's layer is the same function. To prove it, read its mask off an input of ones and give the same mask to ours.

# %%
x = torch.randn(64, 32)
torch.manual_seed(seed)
library = functional.dropout(x, p_drop)
torch.manual_seed(seed)
library_multiplier = functional.dropout(torch.ones(64, 32), p_drop)
difference = (library - x * library_multiplier).abs().max()
another_mask = (library - x * functional.dropout(torch.ones(64, 32), p_drop)).abs().max()
at_zero, at_one = functional.dropout(x, 0.0), functional.dropout(x, 1.0)
at_zero.equal(x), at_one.abs().max().item()

# %% [markdown]
# At p = 0 the layer is the identity, at p = 1 it returns zeros, where the naive formula would divide by zero. Next, the
# modes. `model.eval()` tells every *module* to stop dropping. It cannot tell a *function* anything:


# %%
class Functional(nn.Module):
    def forward(self, x):
        return functional.dropout(x, p_drop)  # training=True is the default of the function


class Attention(nn.Module):
    def forward(self, x):
        return functional.scaled_dot_product_attention(x, x, x, dropout_p=p_drop)


def drops_after_eval(module, x):
    module.eval()
    return not module(x).equal(module(x))


still_drops = {module.__class__.__name__: drops_after_eval(module, torch.randn(1, 16, 8))
               for module in (nn.Dropout(p_drop), Functional(), Attention())}  # fmt: skip
still_drops

# %%
found = [
    verdicts.exact("04.8", "nn.Dropout is x·m/(1-p): under a shared mask the hand-made layer gives the same numbers.",
                   difference, 1e-12, control=another_mask, source="PyTorch documentation of nn.Dropout"),
    verdicts.holds("04.9", "F.dropout and the dropout_p of attention still drop after model.eval().",
                   still_drops["Functional"] and still_drops["Attention"], control=still_drops["Dropout"],
                   measured=f"still dropping: {[k for k, v in still_drops.items() if v]}"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# `F.dropout` and the `dropout_p` of attention still drop after `eval()`. Pass them the mode by hand:
# `F.dropout(x, p, training=self.training)` and `dropout_p=self.p if self.training else 0.0`. (The *module*
# `nn.MultiheadAttention` does so itself.)
#
# **Exercise 4.3.** Repair the module `Functional`: write a function `answer(module, x)` for its forward pass, where
# `module.training` is its mode, that drops with p = 0.5 in training and is the identity in evaluation.

# %% tags=["stub"]
answer = None  # def answer(module, x): ...
checks.check_4_3(answer)


# %% tags=["solution"]
def answer(module, x):
    return functional.dropout(x, 0.5, training=module.training)


checks.check_4_3(answer)

# %% [markdown]
# ## 4 · The ensemble view
#
# Every mask leaves a sub-network; n units give $2^n$ of them, all sharing weights. The popular story says that dropout
# *trains* this ensemble and that the full network *is* its average. With ten units we can look at the whole ensemble. Mask
# $m$ has the probability $\pi_m$ and its sub-network predicts the probabilities $q_m(y)$ of the classes $y$. There are two
# ways to average:
#
# * the **arithmetic** mean of probabilities, $\sum_m \pi_m\, q_m(y)$, which is what averaging usually means;
# * the **normalized geometric** mean, $\propto \prod_m q_m(y)^{\pi_m}$, that is, a softmax of averaged log-probabilities.
#
# Against both we put the scaled network: dropout simply off.


# %%
def ensemble_errors(depth, p, draw):
    g = torch.Generator().manual_seed(draw)
    hidden, out = torch.randn(10, generator=g), torch.randn(4, 10, generator=g)
    middle = torch.randn(10, 10, generator=g) if depth == 2 else torch.eye(10)
    after = torch.relu if depth == 2 else lambda z: z
    masks, probability = all_masks(10, p)
    members = torch.log_softmax(after((masks * hidden / (1 - p)) @ middle.T) @ out.T, -1)
    scaled = torch.softmax(after(middle @ hidden) @ out.T, -1)
    geometric = torch.softmax(probability @ members, -1)
    return (geometric - scaled).abs().max().item(), (probability @ members.exp() - scaled).abs().max().item()


# %%
rows = [
    {"network": name, "p": p, "geometric mean": max(geometric), "arithmetic mean": max(arithmetic)}
    for name, depth in (("one softmax layer", 1), ("ReLU, then softmax", 2))
    for p in (0.2, 0.5)
    for geometric, arithmetic in [zip(*[ensemble_errors(depth, p, seed + i) for i in range(20)], strict=True)]
]
table = pd.DataFrame(rows).set_index(["network", "p"])
print("largest error in probability of 'dropout off' as an average of all sub-networks, over 20 random networks")
table.map("{:.2g}".format)

# %%
one, deep = table.loc[("one softmax layer", 0.5)], table.loc[("ReLU, then softmax", 0.5)]
found = [
    verdicts.exact("04.10", "For one softmax layer, switching dropout off is exactly the normalized geometric mean.",
                   one["geometric mean"], 1e-12, control=one["arithmetic mean"], source="Warde-Farley et al. 2014"),
    verdicts.exact("04.11", "For a deeper ReLU network it is the geometric mean of the sub-networks, too.",
                   deep["geometric mean"], 1e-12, control=deep["arithmetic mean"], expect="not supported",
                   source="a popular sentence"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# One softmax layer: the geometric mean is reproduced to rounding, the arithmetic mean is not. One ReLU deeper, neither is
# exact, and the table's second block says how far off the approximation can be in networks with random weights.
#
# ### One mask for a mini-batch?
#
# "Each mini-batch trains a different sub-network" undersells the noise: each **example** has its own mask, in NumPy above
# and in PyTorch. And "dropout trains all $2^n$ sub-networks" oversells the training: most are never drawn.


# %%
def n_distinct(batch):
    return len({tuple(row.tolist()) for row in batch != 0})


def log10_share_drawn(n_units, n_draws=50_000 * 30):  # 30 epochs of 50,000 examples
    return math.log10(n_draws) - n_units * math.log10(2)


own = n_distinct(nn.Dropout(0.5)(torch.ones(64, 64)))
shared = n_distinct(nn.Dropout(0.5)(torch.ones(1, 64)).expand(64, 64))
print(f"{own} different masks in a batch of 64, with nn.Dropout; {shared} if the batch shared its mask")
print(f"share of the sub-networks of 256 units that are ever drawn: at most 10^{log10_share_drawn(256):.0f}")

# %%
found = [
    verdicts.holds("04.12", "Each example of a mini-batch trains a sub-network of its own.", own == 64, control=shared == 64,
                   measured=f"{own} masks for 64 examples", source="Srivastava et al. 2014"),
    verdicts.holds("04.13", "30 epochs of 50,000 examples draw less than a billionth of the sub-networks of 256 units.",
                   log10_share_drawn(256) < -9, control=log10_share_drawn(16) < -9,
                   measured=f"at most 10^{log10_share_drawn(256):.0f}"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# ### "An average of models beats any single model"
#
# For the normalized geometric mean $\bar q$ of $M$ equally weighted members $q_m$ an identity holds at every example:
#
# $$-\log \bar q(y) = \underbrace{\tfrac1M\textstyle\sum_m -\log q_m(y)}_{\text{average member}} + \log Z,
# \qquad Z = \sum_k \prod_m q_m(k)^{1/M} \le 1 .$$
#
# ($Z \le 1$ because a geometric mean never exceeds the arithmetic one, and arithmetic means of probabilities sum to 1.) So
# the ensemble is never worse than its *average* member. Nothing is said about the *best* one. Take one good model and seven
# that guess:

# %%
y = torch.randint(0, 4, (1000,))
guesses = torch.log_softmax(2 * torch.randn(7, 1000, 4), -1)
good = torch.log_softmax(4 * functional.one_hot(y, 4) + torch.randn(1000, 4), -1)
members = torch.cat([good[None], guesses])
log_z = members.mean(0).logsumexp(-1)
ensemble = members.mean(0) - log_z[:, None]
losses = -members[:, torch.arange(1000), y].mean(1)
ensemble_loss = functional.nll_loss(ensemble, y)
print(f"loss in nats: best member {losses.min():.2f}, ensemble {ensemble_loss:.2f}, average member {losses.mean():.2f}")

# %%
per_example = [-m[torch.arange(1000), y] for m in (ensemble, good)]
found = [
    verdicts.exact("04.14", "Loss of the geometric mean = average loss of its members + the mean of log Z, and log Z ≤ 0.",
                   (ensemble_loss - losses.mean() - log_z.mean()).abs() + log_z.max().clamp(min=0), 1e-12,
                   control=(ensemble_loss - losses.mean()).abs()),
    verdicts.compare("04.15", "The geometric mean of many models has a lower loss than any single one of them.",
                     per_example[1], per_example[0], unit="nats", expect="not supported",
                     source="a popular sentence"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# **Exercise 4.4.** Write `answer(q)` that takes the predictions of several members, an array (members, classes) whose rows
# sum to 1, and returns their **normalized geometric mean** (classes,).

# %% tags=["stub"]
answer = None  # def answer(q): ...
checks.check_4_4(answer)


# %% tags=["solution"]
def answer(q):
    mean = np.exp(np.log(q).mean(0))
    return mean / mean.sum()


checks.check_4_4(answer)

# %% [markdown]
# ## 5 · Where dropout *is* a penalty
#
# "Weight decay changes the objective, dropout does not" is a neat contrast. In linear regression it is false. Drop the
# **inputs** of a linear model and average the squared error over all masks. The cross terms vanish, because the scaled
# masks are independent with mean 1, and what is left is
#
# $$\mathbb E_m\|y - \tilde X w\|^2 = \|y - Xw\|^2 + \frac{p}{1-p}\sum_j \Big(\sum_i x_{ij}^2\Big) w_j^2 ,$$
#
# a ridge penalty whose strength for each weight is the squared length of its data column (Wager et al. 2013). Enumerated:

# %%
X, y, w = torch.randn(20, 8) * torch.arange(1.0, 9.0), torch.randn(20), torch.randn(8)
masks, probability = all_masks(8, p_drop)
noisy = masks / (1 - p_drop) * X[:, None, :]  # (examples, masks, inputs)
expected_loss = (probability * (noisy @ w - y[:, None]) ** 2).sum()
column_lengths = X.square().sum(0)
ridge_loss = (X @ w - y).square().sum() + noise_to_signal * column_lengths @ w.square()
one_strength = (X @ w - y).square().sum() + noise_to_signal * column_lengths.mean() * w.square().sum()

# %% [markdown]
# A second consequence of linearity: *classical* dropout, which scales at test time instead, trains the very same function,
# if the learning rate is adapted. If inverted dropout has the weights $w$, classical dropout has $v = w/(1-p)$ in training
# and $(1-p)\,v = w$ at test time. The gradient with respect to $v$ is $(1-p)$ times the one with respect to $w$, and $v$
# must move $1/(1-p)$ times as far, so its learning rate is $\eta/(1-p)^2$. Both run on the same masks:


# %%
def train_linear(scale_in_training, step, n_steps=200):
    g, w = torch.Generator().manual_seed(seed), torch.zeros(8)
    for _ in range(n_steps):
        noisy = X * (torch.rand(20, 8, generator=g) >= p_drop) * scale_in_training
        w = w - step * noisy.T @ (noisy @ w - y) / 20
    return w


step = 1e-4
inverted = train_linear(1 / (1 - p_drop), step)
classical = train_linear(1.0, step / (1 - p_drop) ** 2) * (1 - p_drop)  # scaled at test time
classical_same_step = train_linear(1.0, step) * (1 - p_drop)
(inverted - classical).abs().max().item(), (inverted - classical_same_step).abs().max().item()

# %%
found = [
    verdicts.exact("04.16", "For linear regression, dropout on the inputs is ridge with a strength for each column.",
                   (expected_loss / ridge_loss - 1).abs(), 1e-12, control=(expected_loss / one_strength - 1).abs(),
                   source="Wager et al. 2013"),
    verdicts.exact("04.17", "Classical dropout at learning rate η/(1-p)² equals inverted dropout at η (gradient descent).",
                   (inverted - classical).abs().max() / inverted.abs().max(), 1e-10,
                   control=(inverted - classical_same_step).abs().max() / inverted.abs().max()),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The right-hand side with **one** strength for all columns misses, so dropout is not plain weight decay either. One
# difference has consequences: units of measurement. Give one input in other units, a hundred times as large, and solve both
# problems again:


# %%
def predictions(X, penalty):
    return X @ torch.linalg.solve(X.T @ X + penalty, X.T @ y)


def dropout_penalty(X):
    return noise_to_signal * torch.diag(X.square().sum(0))


other_units = X * torch.tensor([100.0, 1, 1, 1, 1, 1, 1, 1])
dropout_change = (predictions(X, dropout_penalty(X)) - predictions(other_units, dropout_penalty(other_units))).abs().max()
ridge = 10 * torch.eye(8)
ridge_change = (predictions(X, ridge) - predictions(other_units, ridge)).abs().max()

# %%
found = [
    verdicts.exact("04.18", "The dropout solution does not depend on the units of the inputs; the ridge solution does.",
                   dropout_change, 1e-10, control=ridge_change),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# ## 6 · The data, and the runs
#
# Now networks. Two data sets: scikit-learn's **handwritten digits**, and **letters** in font faces that were not trained on.
# The letters are color pictures; the multi-layer perceptron reads them in grey at half the resolution, each picture with
# mean 0 and standard deviation 1. (The parameter `images` puts other pictures in place of the letters.)

# %%
torch.set_default_dtype(torch.float32)


def grey(x):
    small = functional.avg_pool2d(x.mean(1, keepdim=True), 2)
    return (small - small.mean((2, 3), keepdim=True)) / small.std((2, 3), keepdim=True)


letters = load(images, n_train=n_train, n_val=2000, n_test=4000, seed=seed, device=device)
digits = load("digits", n_train=300, n_val=700, n_test=700, seed=seed, device=device)
if network == "mlp":
    pairs = [(grey(x), y) for x, y in (letters.train, letters.val, letters.test)]
    letters = letters._replace(train=pairs[0], val=pairs[1], test=pairs[2])

# %%
parts = {"train": letters.train, "val": letters.val, "test": letters.test}
examples = torch.cat([x[:10] for x, _ in parts.values()])
titles = [f"{part} {letters.classes[label]}" for part, (_, y) in parts.items() for label in y[:10]]
fig = plot_images(examples, titles)
show(fig, alt="Three rows of ten turned and noisy letters: training, validation and test letters in different font faces.")

# %% [markdown]
# The three parts use different font faces (some of one family: an italic here, a bold there), so a network that learns a
# *face* by heart gains little below the first row.
#
# Error bars need repetitions: every rate gets several runs, and runs with the same seed share initial weights, batch order
# and random numbers, so that rates are compared in pairs. `train_runs` takes a list of settings, one dict per run, builds a
# model from each (`p_drop` goes to `build_mlp`; `seed` and `lr` to the training), trains them all at once, and returns a
# table and the models. Run for run it gives the numbers of `fit`, the loop of lesson 01. One cell to believe it:


# %%
def build_mlp(p_drop=0.0, n_inputs=64, width=128):
    return models.mlp(n_inputs, (width, width), 10, p_drop)


two, _ = train_runs(build_mlp, digits.train, digits.val, [{"seed": 3, "p_drop": 0.5, "lr": lr}, {"seed": 4, "lr": lr}],
                           epochs=3)  # fmt: skip
torch.manual_seed(3)
alone = build_mlp(p_drop=0.5).to(device)
history = fit(alone, digits.train, digits.val, torch.optim.AdamW(alone.parameters(), lr=lr), epochs=3, seed=3)
same_loss = np.abs(two.query("run == 0")["loss"].to_numpy() - history["loss"].to_numpy()).max()
print(f"largest difference in training loss, one by one against together: {same_loss:.1e}")


# %%
def dropout_on(model, x, y):
    """Accuracy in %, with the Dropout layers (and only they) in training mode."""
    for module in model.eval().modules():
        module.training = isinstance(module, nn.Dropout)
    torch.manual_seed(seed)
    with torch.no_grad():
        accuracy = 100 * (model(x).argmax(-1) == y).double().mean().item()
    model.eval()
    return accuracy


def sweep(splits, build, rates):
    runs = [{"p_drop": p, "seed": seed + i, "lr": lr} for p in rates for i in range(n_runs)]
    _, trained = train_runs(build, splits.train, splits.val, runs, epochs=epochs, evaluate_every=epochs)
    scores = pd.DataFrame(runs)
    for part, (x, y) in {"train": splits.train, "val": splits.val}.items():
        scores[part] = [100 * evaluate(model, x, y)["accuracy"] for model in trained]
        scores[part + ", dropout on"] = [dropout_on(model, x, y) for model in trained]
    return scores, trained


# %%
n_inputs, n_channels = letters.train[0][0].numel(), letters.train[0].shape[1]


def build_letters(p_drop=0.0):
    return models.cnn(n_channels, p_drop=p_drop) if network == "cnn" else build_mlp(p_drop, n_inputs)


on_digits, _ = sweep(digits, build_mlp, rates)
on_letters, trained = sweep(letters, build_letters, rates)
on_letters.groupby("p_drop")[["train", "train, dropout on", "val"]].mean().round(1)

# %% [markdown]
# ## 7 · What dropout buys
#
# Two functions first: `at` picks the runs of one rate in the order of their seeds, so that differences are paired, and the
# rates get names.


# %%
def at(scores, p, column):
    return scores[scores["p_drop"] == p].sort_values("seed")[column].to_numpy()


ordered = sorted(rates)
none, mid, high, last = ordered[0], ordered[len(ordered) // 2], ordered[-2], ordered[-1]

# %% [markdown]
# One panel a data set. The dashed curve is accuracy on the training examples **with dropout switched off**, the solid one on
# validation examples; nobody has looked at the test examples yet. Bands are 95 % intervals over runs: how much another run of
# the same experiment on the same data would differ. Mind the different scales.

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for ax, scores, name in zip(axes, (on_digits, on_letters), ("digits", images), strict=True):
    for part, style in (("train", "--"), ("val", "-")):
        plot_interval(ax, scores, "p_drop", part, label=part, linestyle=style, marker="o")
    gain, half, _ = verdicts.mean_and_interval(at(scores, mid, "val") - at(scores, none, "val"))
    ax.set(xlabel="dropout rate p", ylabel="accuracy (%)", title=f"{name}: p = {mid} gives {gain:+.1f} ± {half:.1f} points")
    ax.legend()
show(fig, alt="Accuracy against dropout rate. Digits: validation is level, then falls. Letters: validation rises to a maximum at "
     "a middle rate and falls at the highest. Training accuracy falls with the rate in both.")  # fmt: skip

# %%
gap = {p: at(on_letters, p, "train") - at(on_letters, p, "val") for p in ordered}
found = [
    verdicts.compare("04.19", "Images: a middle rate gives a higher validation accuracy than no dropout.",
                     at(on_letters, mid, "val"), at(on_letters, none, "val"), unit="points"),
    verdicts.compare("04.20", "Images: the highest rate gives a lower validation accuracy than the middle one.",
                     at(on_letters, mid, "val"), at(on_letters, last, "val"), unit="points"),
    verdicts.compare("04.21", "Digits: a middle rate raises validation accuracy by more than one point.",
                     at(on_digits, mid, "val"), at(on_digits, none, "val"), margin=1, unit="points", expect="not supported",
                     source="'dropout helps'"),
    verdicts.compare("04.22", "Images: a middle rate makes the gap between training and validation accuracy smaller.",
                     gap[none], gap[mid], unit="points"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# On these two data sets dropout helps where the plain network loses most on new examples, does nothing measurable where it
# loses little, and costs accuracy when overdone. Whether it does on *your* data is an experiment like this one.
#
# ### Choosing the rate
#
# Only validation may choose. The test letters are looked at now, once, for the chosen rate and the baseline.

# %%
chosen = on_letters.groupby("p_drop")["val"].mean().idxmax()
test = {p: [100 * evaluate(trained[rates.index(p) * n_runs + i], *letters.test)["accuracy"] for i in range(n_runs)]
        for p in (none, chosen)}  # fmt: skip
mean, half, n = verdicts.mean_and_interval(test[chosen])
print(f"chosen on validation: p = {chosen}")
print(f"test accuracy of a run at that rate: {mean:.1f} ± {half:.1f} % (95 % interval over {n} runs)")

# %%
found = [
    verdicts.compare("04.23", "On test letters the rate chosen on validation is less than a point worse than no dropout.",
                     test[chosen], test[none], margin=-1, unit="points"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# So the choice does no harm, and here the difference is a gain. The interval covers the luck of initialization, order and
# masks. It does not cover the luck of *these* letters, which come from a handful of faces: with another `seed`, which draws
# other letters, the gain differs by more than the interval says. That is why the claim asks for so little.
#
# **Exercise 4.5.** Write `answer(scores)` for a table with a row per run and the columns `p_drop`, `seed`, `val` and `test`
# (in %). It returns three numbers: the chosen rate, the mean test accuracy there, and the half-width of its 95 % interval
# (`verdicts.mean_and_interval` gives mean, half-width and n).

# %% tags=["stub"]
answer = None  # def answer(scores): ...
checks.check_4_5(answer)


# %% tags=["solution"]
def answer(scores):
    chosen = scores.groupby("p_drop")["val"].mean().idxmax()
    mean, half, _ = verdicts.mean_and_interval(scores[scores["p_drop"] == chosen]["test"])
    return chosen, mean, half


checks.check_4_5(answer)

# %% [markdown]
# ### Which training accuracy?
#
# A table of "train, test, gap" should say whether dropout was on while "train" was measured. Frameworks that report the
# running training accuracy of an epoch measure with dropout **on**.

# %%
reported = on_letters[["p_drop", "seed"]].copy()
reported["off"] = on_letters["train"] - on_letters["val"]
reported["on"] = on_letters["train, dropout on"] - on_letters["val"]
fig, ax = plt.subplots()
plot_interval(ax, reported, "p_drop", "off", label="dropout off (eval mode)", linestyle="-", marker="o")
plot_interval(ax, reported, "p_drop", "on", label="dropout on (train mode)", linestyle="--", marker="o")
shift = (reported["off"] - reported["on"]).groupby(reported["p_drop"]).mean().max()
ax.axhline(0, color="k", linewidth=0.8)
ax.set(xlabel="dropout rate p", ylabel="training minus validation accuracy (points)",
       title=f"The reported gap shrinks by up to {shift:.0f} points through the mode alone")  # fmt: skip
ax.legend()
show(
    fig,
    alt="The train-validation gap against p: in eval mode it falls a little and stays level, with dropout on it falls steeply.",
)

# %%
found = [
    verdicts.compare("04.24", "The gap measured with dropout on is smaller at the highest rate than at the middle one.",
                     at(reported, mid, "on"), at(reported, last, "on"), unit="points"),
    verdicts.compare("04.25", "Of these two rates, the one with the smaller reported gap has the higher validation accuracy.",
                     at(on_letters, last, "val"), at(on_letters, mid, "val"), unit="points", expect="not supported",
                     source="'gap small: the model is transferring what it learned'"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The solid curve is the gap in eval mode; the dashed one, what a progress bar would report, falls far below it. Whoever chooses
# the rate with the smallest reported gap chooses a worse network. In this course "train" always means eval mode, and the
# gap is a symptom, not the aim (lesson 01).
#
# ### When it does not help: a narrow network
#
# Dropout is paid for in capacity. Give the same letters to a network with eight hidden units a layer:


# %%
def build_narrow(p_drop=0.0):
    return models.cnn(n_channels, width=2, p_drop=p_drop) if network == "cnn" else build_mlp(p_drop, n_inputs, width=8)


narrow, _ = sweep(letters, build_narrow, [none, high])
narrow.groupby("p_drop")[["train", "val"]].mean().round(1)

# %%
found = [
    verdicts.compare("04.26", "A narrow network, eight hidden units a layer, loses validation accuracy by dropout.",
                     at(narrow, none, "val"), at(narrow, high, "val"), unit="points"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# ## 8 · Co-adaptation, measured
#
# The usual *explanation* is that units "co-adapt": they become useful only in the company of particular others, and dropout
# forbids it. That is a statement about networks, so it can be measured. Morcos et al. (2018) ablate: set a random
# part of the hidden units to zero in a **trained** network, dropout off, and watch accuracy fall. A network whose units
# depend on one another falls faster.


# %%
@torch.no_grad()
def accuracy_without(model, share, x, y, n_draws=5):
    *body, readout = model
    hidden, g = nn.Sequential(*body)(x), torch.Generator().manual_seed(seed)
    keep = [torch.rand(hidden.shape[1], generator=g) >= share for _ in range(n_draws)]
    return 100 * np.mean([(readout(hidden * k.to(x.device)).argmax(-1) == y).float().mean().item() for k in keep])


ablation = pd.DataFrame([
    {"p_drop": p, "seed": i, "ablated": share,
     "accuracy": accuracy_without(trained[rates.index(p) * n_runs + i], share, *letters.val)}
    for p in (none, mid, last) for i in range(n_runs) for share in (0.0, 0.2, 0.4, 0.6, 0.8, 0.9)
])  # fmt: skip
intact = ablation.groupby(["p_drop", "seed"])["accuracy"].transform("first")
ablation["kept"] = 100 * ablation["accuracy"] / intact

# %%
fig, ax = plt.subplots()
for p in (none, mid, last):
    plot_interval(ax, ablation[ablation["p_drop"] == p], "ablated", "kept", label=f"trained with p = {p}")
most_gone = ablation[ablation["ablated"] == 0.8]
left = " / ".join(f"{at(most_gone, p, 'kept').mean():.0f} %" for p in (none, mid, last))
ax.set(xlabel="share of the last hidden layer set to zero", ylabel="accuracy left (% of intact)",
       title=f"Without 80 % of the units {left} of the accuracy is left")  # fmt: skip
ax.legend()
show(
    fig, alt="Accuracy left against the share of ablated units: the higher the rate in training, the longer the curve stays high."
)

# %%
found = [
    verdicts.compare("04.27", "Trained with dropout, a network keeps more of its accuracy when most hidden units are removed.",
                     at(most_gone, mid, "kept"), at(most_gone, none, "kept"), unit="% of intact",
                     source="measure: Morcos et al. 2018"),
    verdicts.compare("04.28", "Of middle and highest rate, the one that survives ablation better is better on new images.",
                     np.sign(at(most_gone, last, "kept") - at(most_gone, mid, "kept"))
                     * (at(on_letters, last, "val") - at(on_letters, mid, "val")), np.zeros(n_runs),
                     unit="points", expect="not supported"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# By this measure, units of a network trained with dropout depend less on one another. Before you call that *the* reason why
# dropout generalizes, look at the second verdict: the highest rate gives the network that survives ablation best, and it
# is worse on new letters than the middle rate. And mind what the measure cannot say. It removes units at random, which is
# what this network was **trained** for, so surviving is close to a training accuracy; and it asks one layer about random
# subsets, not which unit relies on which. Section 5 showed dropout acting as a penalty where there are no units to co-adapt
# at all. Co-adaptation is one reading of dropout, not the established cause.
#
# ## 9 · What is dropped, and where
#
# Dropping single pixels of a feature map is a weak disturbance: neighbors carry the same information, and the next pooling
# averages the holes away. `nn.Dropout2d` drops whole channels instead.

# %%
feature_map = torch.ones(256, 8, 16, 16)
pool = nn.AvgPool2d(8)
layers = {"Dropout": nn.Dropout(0.2), "Dropout2d": nn.Dropout2d(0.2)}
after_pooling = {name: pool(layer(feature_map)).std().item() for name, layer in layers.items()}
predicted = math.sqrt(0.2 / 0.8)
print({name: round(value, 3) for name, value in after_pooling.items()}, "before pooling:", round(predicted, 3))

# %% [markdown]
# Residual branches: element-wise dropout on a branch of 512 values never removes the branch; *stochastic depth* (Huang et
# al. 2016) removes all of it, for one example at a time, and that is what "the network must rely on the skip connection"
# means. And dropout on attention weights, after the softmax, leaves rows that no longer sum to 1.

# %%
branch = torch.ones(20_000, 512)
elementwise = nn.Dropout(0.1)(branch)
depth = StochasticDepth(0.1, mode="row").train()(branch)
removed = {"element-wise": (elementwise == 0).all(1).float().mean().item(), "depth": (depth == 0).all(1).float().mean().item()}
attention = torch.softmax(torch.randn(1000, 16), -1)
row_sums = functional.dropout(attention, 0.1).sum(-1)
print("share of branches removed:", removed)
print(f"attention rows after dropout: sums have mean {row_sums.mean():.2f}, standard deviation {row_sums.std():.2f}")

# %%
se = math.sqrt(0.1 * 0.9 / 20_000)
found = [
    verdicts.within("04.29", "8×8 pooling divides the noise of element-wise dropout by 8, the root of the pooled pixels.",
                    after_pooling["Dropout"], predicted / 8, 0.01, control=after_pooling["Dropout2d"],
                    source="Ghiasi et al. 2018 for the idea"),
    verdicts.within("04.30", "Stochastic depth removes a residual branch with probability p.",
                    removed["depth"], 0.1, 4 * se, control=removed["element-wise"], source="Huang et al. 2016"),
    verdicts.holds("04.31", "Element-wise dropout never removed a whole branch of 512 values in 20,000 draws.",
                   removed["element-wise"] == 0, control=removed["depth"] == 0),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# Rates you will meet, and the papers that introduced them. They are customs, not results; your validation set decides.
#
# | what is dropped | usual p | layer | source |
# | --- | --- | --- | --- |
# | hidden units of dense layers | 0.5 | `nn.Dropout` | Srivastava et al. 2014 |
# | inputs | 0 to 0.2 | `nn.Dropout` | Srivastava et al. 2014 (keeps 0.8) |
# | channels of a feature map | lower than in dense layers | `nn.Dropout2d` | Tompson et al. 2015 |
# | square regions of a feature map | grows in training | `torchvision.ops.DropBlock2d` | Ghiasi et al. 2018 |
# | residual branches | grows with depth | `torchvision.ops.StochasticDepth` | Huang et al. 2016 |
# | sub-layer outputs and embedding sums of a transformer | 0.1 | `nn.Dropout` | Vaswani et al. 2017, section 5.4 |
#
# The paper on transformers lists *two* places, sub-layer outputs and embeddings; dropout on the attention weights came with
# the released code.
#
# ## 10 · When it goes wrong
#
# **Dropout in front of BatchNorm.** The noise inflates the variance that BatchNorm records in training; in evaluation the
# noise is gone and the recorded variance is too large. For inputs with mean 0 it was inflated by $1/(1-p)$, so the output's
# variance at test is $1-p$ instead of 1 (Li et al. 2019). For other inputs, such as the outputs of a ReLU, the size differs.


# %%
def variance_at_test(make, p, inputs=torch.randn, n_steps=400):
    torch.manual_seed(seed)
    net = make(p).train()
    for _ in range(n_steps):
        net(inputs(512, 64))
    return net.eval()(inputs(20_000, 64)).var(0).mean().item()


def dropout_first(p):
    return nn.Sequential(nn.Dropout(p), nn.BatchNorm1d(64))


def dropout_last(p):
    return nn.Sequential(nn.BatchNorm1d(64), nn.Dropout(p))


shifted = {p: (variance_at_test(dropout_first, p), variance_at_test(dropout_last, p)) for p in (0.1, 0.3, 0.5)}
after_relu = variance_at_test(dropout_first, 0.5, lambda *shape: torch.relu(torch.randn(*shape)))
print(f"inputs from a ReLU, p = 0.5: variance {after_relu:.2f}")

# %%
fig, ax = plt.subplots()
ax.plot(list(shifted), [a for a, _ in shifted.values()], "o-", label="Dropout, then BatchNorm")
ax.plot(list(shifted), [b for _, b in shifted.values()], "s--", label="BatchNorm, then Dropout")
ax.plot([0, 0.6], [1, 0.4], "k:", label="1 - p")
ax.set(xlabel="dropout rate p", ylabel="variance of the output at test",
       title=f"Dropout before BatchNorm: variance {shifted[0.5][0]:.2f} instead of 1 at p = 0.5")  # fmt: skip
ax.legend()
show(fig, alt="Output variance at test against p: on the line 1 - p when dropout precedes BatchNorm, constant 1 the other way.")

# %%
found = [
    verdicts.within("04.32", "Zero-mean inputs: dropout with p = 0.5 before BatchNorm leaves half of the variance at test.",
                    shifted[0.5][0], 0.5, 0.02, control=shifted[0.5][1], source="Li et al. 2019"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The points lie on the dotted line; in the other order nothing shifts. So the usual place is **after** the last BatchNorm, as
# in the head of `models.cnn`.
#
# **`eval()` forgotten.** The same networks and the same letters, with dropout left on:

# %%
for p in (mid, high):
    on, off = at(on_letters, p, "val, dropout on").mean(), at(on_letters, p, "val").mean()
    print(f"p = {p}: validation accuracy {off:.1f} %, with eval() forgotten {on:.1f} %")

# %%
found = [
    verdicts.compare("04.33", "Forgetting eval() costs accuracy at the middle rate.",
                     at(on_letters, mid, "val"), at(on_letters, mid, "val, dropout on"), unit="points"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# **p as the probability of keeping.** Code ported from a framework or paper where p means *keep* asks for 0.9 and means a
# rate of 0.1. In PyTorch 0.9 drops nine units of ten. The noise-to-signal ratio $p/(1-p)$ shows the size of the accident:

# %%
for p in (0.1, 0.9):
    print(f"nn.Dropout({p}): noise variance {p / (1 - p):.2f} times the squared signal")

# %%
wrong_p, _ = sweep(letters, build_letters, [0.1, 0.9])
found = [
    verdicts.compare("04.34", "Mistaking p for the probability of keeping (0.9 for 0.1) costs more than ten points of accuracy.",
                     at(wrong_p, 0.1, "val"), at(wrong_p, 0.9, "val"), margin=10, unit="points"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# ## Where popular lessons go wrong
#
# Sentences that are often printed, and the claim above that refutes each by running it:
#
# | the sentence | the claim |
# | --- | --- |
# | dropout zeroes a fraction p of the units | 04.5: the number is binomial |
# | no correction is needed at test time | 04.6, 04.7: exact for a linear read-out only |
# | `eval()` switches dropout off | 04.9: not in functions |
# | the full network is the geometric mean of its sub-networks | 04.10, 04.11: for one softmax layer only |
# | each mini-batch trains a different sub-network | 04.12: each example does |
# | dropout trains an exponential ensemble | 04.13: almost all of its members are never drawn |
# | an average of models beats any single one | 04.14, 04.15: it beats the average one |
# | dropout acts on activations, not on the objective | 04.16: in linear regression it is an objective |
# | the smaller the gap, the better the model generalizes | 04.24, 04.25: not even between two rates |
# | dropout works because it breaks co-adaptations | 04.27, 04.28: it breaks some, and more of that is not better |
# | residual dropout forces the network onto the skip connection | 04.30, 04.31: that is stochastic depth |

# %%
verdicts.claim_table(claims)

# %%
metrics = {f"val_{p}": at(on_letters, p, "val").mean() for p in rates} | {"chosen_rate": chosen, "test_at_chosen": mean}
record = verdicts.write_record("04_dropout", claims, parameters=parameters, metrics=metrics)
print(len(record["claims"]), "claims,", sum(c["verdict"] == c["expect"] for c in record["claims"]), "with the course's verdict")

# %% [markdown]
# ## Summary
#
# * *Implement and prove*: a mask and a scale, the same in both directions; finite differences and autograd agree, and two
#   silent bugs do not.
# * *Exact, approximate, wrong*: exact are the mean, the variance, the geometric mean of one softmax layer and the ridge
#   penalty in linear regression. Approximate are the ensemble view of deep networks and "no scaling at test". The table
#   above names what is wrong.
# * *Choose, report, place*: rates are compared in pairs over seeds, chosen on validation, tested once, with training
#   accuracy in eval mode; whole channels or branches where neighbors are correlated; behind BatchNorm, not before.
#
# **For a discussion:** the network with the smallest reported gap was not the best one. Which number would you put into a
# report, and what would you have to say about how it was measured?
#
# **References**
#
# * N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, *Dropout: A Simple Way to Prevent Neural Networks
#   from Overfitting*, JMLR 15 (2014), [jmlr.org](https://jmlr.org/papers/v15/srivastava14a.html)
# * S. Wager, S. Wang, P. Liang, *Dropout Training as Adaptive Regularization*, NIPS 2013,
#   [arXiv:1307.1493](https://arxiv.org/abs/1307.1493)
# * D. Warde-Farley, I. Goodfellow, A. Courville, Y. Bengio, *An empirical analysis of dropout in piecewise linear networks*,
#   ICLR 2014, [arXiv:1312.6197](https://arxiv.org/abs/1312.6197)
# * A. Morcos, D. Barrett, N. Rabinowitz, M. Botvinick, *On the importance of single directions for generalization*, ICLR 2018,
#   [arXiv:1803.06959](https://arxiv.org/abs/1803.06959)
# * X. Li, S. Chen, X. Hu, J. Yang, *Understanding the Disharmony between Dropout and Batch Normalization by Variance Shift*,
#   CVPR 2019, [arXiv:1801.05134](https://arxiv.org/abs/1801.05134)
# * G. Ghiasi, T.-Y. Lin, Q. Le, *DropBlock: A regularization method for convolutional networks*, NeurIPS 2018,
#   [arXiv:1810.12890](https://arxiv.org/abs/1810.12890)
# * G. Huang, Y. Sun, Z. Liu, D. Sedra, K. Weinberger, *Deep Networks with Stochastic Depth*, ECCV 2016,
#   [arXiv:1603.09382](https://arxiv.org/abs/1603.09382)
# * J. Tompson, R. Goroshin, A. Jain, Y. LeCun, C. Bregler, *Efficient Object Localization Using Convolutional Networks*, CVPR
#   2015, [arXiv:1411.4280](https://arxiv.org/abs/1411.4280)
# * A. Vaswani et al., *Attention Is All You Need*, NIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762)
