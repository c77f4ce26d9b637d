# %% [markdown]
# # 04 · Dropout
#
# **The question:** what does a random mask buy, from NumPy to `nn.Dropout`?
#
# **Time:** 75 minutes. **You need:** lesson 01 (`fit`, validation), a little probability (mean, variance), the chain rule.
#
# At the end you will be able to
# 1. *implement* dropout, forward and backward, and *prove* your implementation right,
# 2. *say* which of the popular explanations of dropout are exact, which are approximations and which are wrong,
# 3. *choose* a dropout rate by validation, *report* it with an interval, and *place* the layer where it does what you want.

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 8  # [3, 64] training runs for each setting
p_drop: float = 0.5  # (0, 1) probability of DROPPING a unit, in the hand-made examples
rates: list = [0.0, 0.1, 0.3, 0.5, 0.7]  # [0, 1) rates of the sweeps; the first is the baseline
network: str = "mlp"  # {"mlp", "cnn"} what reads the letters; the cnn is slow on a CPU
n_train: int = 1000  # [100, 20000] training letters
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
# A network will soon be trained on 1,000 pictures of letters and tested on fonts it has never seen. Write down, before you
# read on:
#
# * With dropout at p = 0.5, will its accuracy on the **training** letters rise or fall? On the **new** fonts?
# * At p = 0.7?
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
# forward pass and then, for the loss $L = \sum_{ij} \tilde x_{ij}^2$, the backward pass. Each number of a line can be
# computed by hand from the lines above it.

# %%
rng = np.random.default_rng(seed)
x = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])
uniform = np.random.default_rng(seed).random(x.shape)  # the numbers dropout_forward is about to draw
out, multiplier = dropout_forward(x, p_drop, rng)
grad_out = 2 * out
lines = {
    "x": x, "u ~ U[0, 1)": uniform, "m = (u >= p)": 1.0 * (uniform >= p_drop), "m / (1-p)": multiplier, "x̃ = x · m / (1-p)": out,
    "∂L/∂x̃ = 2 x̃": grad_out, "∂L/∂x = ∂L/∂x̃ · m / (1-p)": grad_out * multiplier,
}  # fmt: skip
for name, value in lines.items():
    print(f"{name:28}", np.round(value, 2).tolist())

# %% [markdown]
# Two things to see. The survivors came out **larger** than they went in: that is the repair. And each example has a mask of
# its own: the zeros of the two rows fall independently.
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
# Both bugs train, and neither raises an error. What catches them is an independent oracle: nudge each input by $\pm h$ with
# the mask held fixed and compare the slope of the loss with the gradient the code claims.

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
errors["autograd"] = np.abs(x_torch.grad.numpy() - backward(grad_out, multiplier, rng)).max()
errors

# %% tags=["nbval-check-output"]
found = [
    verdicts.exact("04.1", "The backward pass uses the mask and the scale of the forward pass (finite differences).",
                   errors["backward"], 1e-8, control=errors["backward_unscaled"]),
    verdicts.exact("04.2", "A fresh mask in the backward pass gives the gradient of another function.",
                   errors["autograd"], 1e-12, control=errors["backward_fresh_mask"]),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The right code agrees with the finite differences to about nine digits, and with autograd to the last one. The unscaled
# gradient is too small by exactly the factor $1-p$, which an optimizer like Adam partly hides; the fresh mask is wrong
# everywhere.
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

# %% tags=["nbval-check-output"]
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

# %% tags=["nbval-check-output"]
exactly_a_fraction = 0.0  # the spread that the popular sentence predicts
found = [
    verdicts.within("04.5", "The number of dropped units spreads like a binomial, √(n p (1-p)); it is no fixed fraction p.",
                    spread, predicted, 4 * predicted / math.sqrt(2 * 5000), control=exactly_a_fraction),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The histogram follows the binomial curve and is nowhere near the single spike that the popular sentence predicts: only the
# *expected* share is p.
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
excess = 100 * (np.interp(p_drop, grid, ratio) - 1)
fig, ax = plt.subplots()
ax.plot(grid, ratio, label="after a ReLU: mean in training / value at test")
ax.axhline(1, color="C1", linestyle="--", label="linear read-out")
ax.set(xlabel="dropout rate p", ylabel="ratio", title=f"At p = {p_drop} units fire {excess:.0f} % more in training than at test")
ax.legend()
show(fig, alt="Mean ReLU output in training, divided by the output at test, grows from 1 with p; the linear read-out stays at 1.")

# %% tags=["nbval-check-output"]
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

# %% tags=["nbval-check-output"]
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
# `F.dropout(x, p, training=self.training)` and `dropout_p=self.p if self.training else 0.0`.
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
# *trains* this ensemble and that the full network *is* its average. With ten units we can look at the whole ensemble: all
# 1,024 members, weighted by their probability. Their predictions can be averaged in two ways:
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
    {"network": name, "p": p, "geometric mean": np.mean(geometric), "arithmetic mean": np.mean(arithmetic)}
    for name, depth in (("one softmax layer", 1), ("ReLU, then softmax", 2))
    for p in (0.2, 0.5)
    for geometric, arithmetic in [zip(*[ensemble_errors(depth, p, seed + i) for i in range(20)], strict=True)]
]
table = pd.DataFrame(rows).set_index(["network", "p"])
table.style.format("{:.2g}").set_caption("Error in probability of 'dropout off' as an average of all sub-networks (20 networks)")

# %% tags=["nbval-check-output"]
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
# exact. The table's second block says how far off the approximation is: it is a useful one, and only that.
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


own = n_distinct(nn.Dropout(p_drop)(torch.ones(64, 64)))
shared = n_distinct(nn.Dropout(p_drop)(torch.ones(1, 64)).expand(64, 64))
print(f"{own} different masks in a batch of 64, with nn.Dropout; {shared} if the batch shared its mask")
print(f"share of the sub-networks of 256 units that are ever drawn: at most 10^{log10_share_drawn(256):.0f}")

# %% tags=["nbval-check-output"]
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
# For the normalized geometric mean $\bar q$ of members $q_m$ an identity holds at every example:
#
# $$-\log \bar q(y) = \underbrace{\tfrac1M\textstyle\sum_m -\log q_m(y)}_{\text{average member}} + \log Z,
# \qquad Z = \sum_k \prod_m q_m(k)^{1/M} \le 1 .$$
#
# So the ensemble is never worse than its *average* member. Nothing is said about the *best* one. Take one good model and
# seven that guess:

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

# %% tags=["nbval-check-output"]
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
# **Exercise 4.4.** Two members give a class the probabilities (0.9, 0.1) and (0.5, 0.5) in a two-class problem. Write
# `answer(q)` that takes an array (members, classes) and returns their **normalized geometric mean** (classes,).

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
# **inputs** of a linear model and average the squared error over all masks. The cross terms vanish, because the masks are
# independent with mean 1, and what is left is
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
# if the learning rate is adapted. With $v = (1-p)\,w$ the two losses are equal, and a gradient step of size η on $w$ is one
# of size $(1-p)^2\eta$ on $v$. Both run on the same masks:


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

# %% tags=["nbval-check-output"]
found = [
    verdicts.exact("04.16", "For linear regression, dropout on the inputs is ridge with a strength for each column.",
                   (expected_loss / ridge_loss - 1).abs(), 1e-12, control=(expected_loss / one_strength - 1).abs(),
                   source="Wager et al. 2013"),
    verdicts.exact("04.17", "Classical dropout is inverted dropout with the learning rate divided by (1-p)².",
                   (inverted - classical).abs().max() / inverted.abs().max(), 1e-10,
                   control=(inverted - classical_same_step).abs().max() / inverted.abs().max()),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The right-hand side with **one** strength for all columns misses, so dropout is not plain weight decay either: rescaling a
# column of the data leaves its penalty in proportion. This is why dropout does not care about units of measurement and
# ridge does.
#
# Find the minimizer and you can see it: after rescaling one input by 100, the dropout solution predicts the same; the ridge
# solution does not. Try it in the next exercise.
#
# **Exercise 4.5.** Write `answer(X, y, p)` that returns the weights minimizing the *expected* dropout loss above, in closed
# form, for arrays X (n, d) and y (n,).

# %% tags=["stub"]
answer = None  # def answer(X, y, p): ...
checks.check_4_5(answer)


# %% tags=["solution"]
def answer(X, y, p):
    gram = X.T @ X
    return np.linalg.solve(gram + p / (1 - p) * np.diag(np.diag(gram)), X.T @ y)


checks.check_4_5(answer)

# %% [markdown]
# ## 6 · The data, and the runs
#
# Now networks. Two data sets: scikit-learn's **handwritten digits**, and **letters** in fonts that were never trained on.
# The letters are color pictures; the multi-layer perceptron reads them in grey at half the resolution, each picture with
# mean 0 and standard deviation 1.

# %%
torch.set_default_dtype(torch.float32)


def grey(x):
    small = functional.avg_pool2d(x.mean(1, keepdim=True), 2)
    return (small - small.mean((2, 3), keepdim=True)) / small.std((2, 3), keepdim=True)


letters = load("letters", n_train=n_train, n_test=4000, seed=seed, device=device)
digits = load("digits", n_train=300, n_val=400, n_test=1000, seed=seed, device=device)
if network == "mlp":
    letters = letters._replace(**{part: (grey(getattr(letters, part)[0]), getattr(letters, part)[1])
                                  for part in ("train", "val", "test")})  # fmt: skip

# %%
examples = torch.cat([letters.train[0][:10], letters.val[0][:10], letters.test[0][:10]])
labels = torch.cat([letters.train[1][:10], letters.val[1][:10], letters.test[1][:10]])
fig = plot_images(examples, [letters.classes[label] for label in labels])
show(fig, alt="Three rows of ten turned and noisy letters: training, validation and test letters in different fonts.")

# %% [markdown]
# The rows are training, validation and test letters. The three use different font faces, so a network that learns a *face*
# by heart gains nothing below the first row.
#
# Error bars need repetitions: every rate gets several runs, and runs with the same seed share initial weights, batch order
# and random numbers, so that rates are compared in pairs. `train_runs` trains them all at once; run for run it gives the
# numbers of `fit`, the loop of lesson 01. One cell to believe it:


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
def sweep(splits, build, rates, **settings):
    runs = [{"p_drop": p, "seed": seed + i, "lr": lr, **settings} for p in rates for i in range(n_runs)]
    _, trained = train_runs(build, splits.train, splits.val, runs, epochs=epochs, evaluate_every=epochs)
    scores = pd.DataFrame(runs)
    for part in ("train", "val", "test"):
        scores[part] = [100 * evaluate(model, *getattr(splits, part))["accuracy"] for model in trained]
    scores["train, dropout on"] = [100 * accuracy_in_train_mode(model, *splits.train) for model in trained]
    return scores, trained


@torch.no_grad()
def accuracy_in_train_mode(model, x, y):
    torch.manual_seed(seed)
    correct = (model.train()(x).argmax(-1) == y).float().mean().item()
    model.eval()
    return correct


# %%
def build_letters(p_drop=0.0):
    return models.cnn(p_drop=p_drop) if network == "cnn" else build_mlp(p_drop, 256)


on_digits, _ = sweep(digits, build_mlp, rates)
on_letters, trained = sweep(letters, build_letters, rates)
on_letters.groupby("p_drop")[["train", "train, dropout on", "val", "test"]].mean().round(1)

# %% [markdown]
# ## 7 · What dropout buys
#
# One panel a data set; the dashed curve is accuracy on the training examples **with dropout switched off**, the solid ones
# are validation and test. Bands are 95 % intervals over runs: how much another run of the same experiment on the same data
# would differ.

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for ax, scores, name in zip(axes, (on_digits, on_letters), ("digits", "letters"), strict=True):
    for part, style in (("train", "--"), ("val", "-"), ("test", "-.")):
        plot_interval(ax, scores, "p_drop", part, label=part, linestyle=style, marker="o")
    means = scores.groupby("p_drop")["test"].mean()
    ax.set(xlabel="dropout rate p", ylabel="accuracy (%)",
           title=f"{name}: best test rate gains {means.max() - means.iloc[0]:.1f} points")  # fmt: skip
    ax.legend()
show(fig, alt="Accuracy against dropout rate. Digits: flat near the top. Letters: training falls, validation and test rise to a "
     "maximum at a middle rate and fall again at the highest.")  # fmt: skip

# %% [markdown]
# Letters: without dropout the network knows its training letters by heart and misses many letters in new fonts. As p grows,
# validation and test rise together, then fall, while training accuracy only falls. Digits: nothing rises beyond the bands,
# and at the highest rate everything falls. Is that so, or does it only look so? Claims decide. `at` picks the runs of a
# rate in the order of their seeds, so the differences are paired.


# %%
def at(scores, p, column):
    return scores[scores["p_drop"] == p].sort_values("seed")[column].to_numpy()


none, low, mid, high, last = (rates + [rates[-1]] * 5)[:5]

# %% tags=["nbval-check-output"]
gap = {p: at(on_letters, p, "train") - at(on_letters, p, "test") for p in (none, mid, high, last)}
found = [
    verdicts.compare("04.18", "Letters: a middle rate gives a higher test accuracy than no dropout.",
                     at(on_letters, mid, "test"), at(on_letters, none, "test"), unit="points"),
    verdicts.compare("04.19", "Letters: the highest rate gives a lower test accuracy than the middle one.",
                     at(on_letters, mid, "test"), at(on_letters, last, "test"), unit="points"),
    verdicts.compare("04.20", "Digits: a middle rate raises test accuracy by more than one point.",
                     at(on_digits, mid, "test"), at(on_digits, none, "test"), margin=1, unit="points", expect="not supported",
                     source="'dropout helps'"),
    verdicts.compare("04.21", "Letters: dropout makes the gap between training and test accuracy smaller.",
                     gap[none], gap[high], unit="points"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# So dropout helps where the network overfits, costs accuracy when overdone, and does nothing measurable for a network that
# already generalizes. It also makes the gap smaller, but do not choose by the gap: at the highest rate training and test
# fall together, the gap stays small, and the network is worse. The gap is a symptom, not the aim (lesson 01).
#
# ### Choosing the rate
#
# Only validation may choose. The test letters are looked at once, for the chosen rate, and the interval is for *that*.

# %%
validation = on_letters.groupby("p_drop")["val"].mean()
chosen = validation.idxmax()
mean, half, n = verdicts.mean_and_interval(at(on_letters, chosen, "test"))
print(f"chosen on validation: p = {chosen}")
print(f"test accuracy of a run at that rate: {mean:.1f} ± {half:.1f} % (95 % interval over {n} runs)")

# %% [markdown]
# The interval covers the luck of initialization, order and masks. It does not cover the luck of *these* test letters; for
# that, lesson 01's standard error of an accuracy is added.
#
# ### Which training accuracy?
#
# A table of "train, test, gap" should say whether dropout was on while "train" was measured. Frameworks that report the
# running training accuracy of an epoch measure with dropout **on**.

# %%
reported = on_letters[["p_drop", "seed"]].copy()
reported["off"] = on_letters["train"] - on_letters["test"]
reported["on"] = on_letters["train, dropout on"] - on_letters["test"]
fig, ax = plt.subplots()
plot_interval(ax, reported, "p_drop", "off", label="dropout off (eval mode)", linestyle="-", marker="o")
plot_interval(ax, reported, "p_drop", "on", label="dropout on (train mode)", linestyle="--", marker="o")
shift = reported.groupby("p_drop")[["off", "on"]].mean().diff(axis=1)["on"].abs().max()
ax.axhline(0, color="k", linewidth=0.8)
ax.set(xlabel="dropout rate p", ylabel="training minus test accuracy (points)",
       title=f"The reported gap shrinks by up to {shift:.0f} points through the mode alone")  # fmt: skip
ax.legend()
show(fig, alt="Two falling curves of the train-test gap against p: measured with dropout on it lies below the eval-mode curve.")

# %% tags=["nbval-check-output"]
found = [
    verdicts.compare("04.22", "Measured with dropout on, the gap at a high rate looks smaller than with dropout off.",
                     at(reported, high, "off"), at(reported, high, "on"), margin=1, unit="points"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The solid curve is the honest gap; the dashed one falls far below it, and at high rates it suggests that the network does
# better on new fonts than on its own training letters. Two people can report both for the same network. In this course
# "train" always means eval mode.
#
# ### When it does not help: a network that is too small
#
# Dropout is paid for in capacity. Give the same letters to a network with eight hidden units a layer, too few to learn the
# training set by heart:

# %%
if network == "mlp":
    small, _ = sweep(letters, lambda p_drop: build_mlp(p_drop, 256, width=8), [none, high])
else:
    small, _ = sweep(letters, lambda p_drop: models.cnn(width=2, p_drop=p_drop), [none, high])
small.groupby("p_drop")[["train", "val", "test"]].mean().round(1)

# %% tags=["nbval-check-output"]
found = [
    verdicts.compare("04.23", "A network too small to overfit loses test accuracy when half of its units are dropped.",
                     at(small, none, "test"), at(small, high, "test"), unit="points"),
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


x_test, y_test = letters.test
wanted = [(p, i, trained[rates.index(p) * n_runs + i]) for p in (none, high) for i in range(n_runs)]
ablation = pd.DataFrame([
    {"p_drop": p, "seed": i, "ablated": share, "accuracy": accuracy_without(model, share, x_test, y_test)}
    for p, i, model in wanted for share in (0.0, 0.2, 0.4, 0.6, 0.8, 0.9)
])  # fmt: skip
intact = ablation.groupby(["p_drop", "seed"])["accuracy"].transform("first")
ablation["kept"] = 100 * ablation["accuracy"] / intact

# %%
fig, ax = plt.subplots()
for p, style in ((none, "--"), (high, "-")):
    plot_interval(ax, ablation[ablation["p_drop"] == p], "ablated", "kept", label=f"trained with p = {p}", linestyle=style)
kept = {p: at(ablation[ablation["ablated"] == 0.8], p, "kept") for p in (none, high)}
left = f"{kept[none].mean():.0f} % (p = {none}) or {kept[high].mean():.0f} % (p = {high})"
ax.set(xlabel="share of the last hidden layer set to zero", ylabel="accuracy left (% of intact)",
       title=f"Without 80 % of the units, {left} of the accuracy is left")  # fmt: skip
ax.legend()
show(fig, alt="Accuracy left against the share of ablated units: the network trained with dropout stays high longer.")

# %% tags=["nbval-check-output"]
found = [
    verdicts.compare("04.24", "A network trained with dropout keeps more of its accuracy when most hidden units are removed.",
                     kept[high], kept[none], unit="% of the intact accuracy", source="measure: Morcos et al. 2018"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The units do depend less on one another. Before you call that *the* reason why dropout generalizes, note what the measure
# cannot say. It removes units at random, which is what this network was **trained** for; that it survives is close to a
# training accuracy. Robustness to ablation and test accuracy go together here, but section 5 shows a case in which dropout
# acts as a penalty with no units to co-adapt at all. Other explanations (an adaptive penalty: Wager et al. 2013; a
# shared-weight ensemble: Warde-Farley et al. 2014) predict the same curve.
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
# means.

# %%
branch = torch.ones(20_000, 512)
elementwise = nn.Dropout(0.1)(branch)
depth = StochasticDepth(0.1, mode="row").train()(branch)
removed = {"element-wise": (elementwise == 0).all(1).float().mean().item(), "depth": (depth == 0).all(1).float().mean().item()}
attention = torch.softmax(torch.randn(1000, 16), -1)
row_sums = functional.dropout(attention, 0.1).sum(-1)
print("share of branches removed:", removed)
print(f"attention rows after dropout sum to {row_sums.mean():.2f} ± {row_sums.std():.2f} instead of 1")

# %% tags=["nbval-check-output"]
se = math.sqrt(0.1 * 0.9 / 20_000)
found = [
    verdicts.within("04.25", "8×8 pooling divides the noise of element-wise dropout by 8, the root of the pooled pixels.",
                    after_pooling["Dropout"], predicted / 8, 0.01, control=after_pooling["Dropout2d"],
                    source="Ghiasi et al. 2018 for the idea"),
    verdicts.within("04.26", "Stochastic depth removes a residual branch with probability p.",
                    removed["depth"], 0.1, 4 * se, control=removed["element-wise"], source="Huang et al. 2016"),
    verdicts.holds("04.27", "Element-wise dropout never removed a whole branch of 512 values in 20,000 draws.",
                   removed["element-wise"] == 0, control=removed["depth"] == 0),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# Rates you will meet, and where they come from. They are customs, not results; your validation set decides.
#
# | what is dropped | usual p | layer | source |
# | --- | --- | --- | --- |
# | hidden units of dense layers | 0.5 | `nn.Dropout` | Srivastava et al. 2014 |
# | inputs | 0 to 0.2 | `nn.Dropout` | Srivastava et al. 2014 (keeps 0.8) |
# | channels of a feature map | 0.1 to 0.3 | `nn.Dropout2d` | Tompson et al. 2015 |
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
# variance at test is $1-p$ instead of 1 (Li et al. 2019).


# %%
def variance_at_test(make, p, n_steps=400):
    torch.manual_seed(seed)
    net = make(p).train()
    for _ in range(n_steps):
        net(torch.randn(512, 64))
    return net.eval()(torch.randn(20_000, 64)).var(0).mean().item()


def dropout_first(p):
    return nn.Sequential(nn.Dropout(p), nn.BatchNorm1d(64))


def dropout_last(p):
    return nn.Sequential(nn.BatchNorm1d(64), nn.Dropout(p))


shifted = {p: (variance_at_test(dropout_first, p), variance_at_test(dropout_last, p)) for p in (0.1, 0.3, 0.5)}

# %%
fig, ax = plt.subplots()
ax.plot(list(shifted), [a for a, _ in shifted.values()], "o-", label="Dropout, then BatchNorm")
ax.plot(list(shifted), [b for _, b in shifted.values()], "s--", label="BatchNorm, then Dropout")
ax.plot([0, 0.6], [1, 0.4], "k:", label="1 - p")
ax.set(xlabel="dropout rate p", ylabel="variance of the output at test",
       title=f"Dropout before BatchNorm: variance {shifted[0.5][0]:.2f} instead of 1 at p = 0.5")  # fmt: skip
ax.legend()
show(fig, alt="Output variance at test against p: on the line 1 - p when dropout precedes BatchNorm, constant 1 the other way.")

# %% tags=["nbval-check-output"]
found = [
    verdicts.exact("04.28", "Dropout before BatchNorm leaves the variance 1-p at test time.",
                   max(abs(first - (1 - p)) for p, (first, _) in shifted.items()), 0.02,
                   control=max(abs(last - (1 - p)) for p, (_, last) in shifted.items()), source="Li et al. 2019"),
]  # fmt: skip
claims += found
display(*found)

# %% [markdown]
# The points lie on the dotted line; in the other order nothing shifts. Rule: dropout **after** the last BatchNorm, as in the
# head of `models.cnn`.
#
# **`eval()` forgotten.** The same network, the same test letters, twice: once with the mode left at "train".

# %%
net = trained[rates.index(high) * n_runs]
forgotten = [100 * accuracy_in_train_mode(net, x_test, y_test), 100 * evaluate(net, x_test, y_test)["accuracy"]]
print(f"test accuracy, eval() forgotten: {forgotten[0]:.1f} %, with eval(): {forgotten[1]:.1f} %")

# %% [markdown]
# **p as the probability of keeping.** Code ported from a framework or paper where p means *keep* asks for 0.9 and means a
# rate of 0.1. In PyTorch 0.9 drops nine units of ten. The noise-to-signal ratio $p/(1-p)$ shows the size of the accident:

# %%
for p in (0.1, 0.9):
    print(f"nn.Dropout({p}): noise variance {p / (1 - p):.2f} times the squared signal")

# %% tags=["nbval-check-output"]
wrong_p, _ = sweep(letters, build_letters, [0.1, 0.9])
found = [
    verdicts.compare("04.29", "Mistaking p for the probability of keeping (0.9 for 0.1) costs more than ten points of accuracy.",
                     at(wrong_p, 0.1, "test"), at(wrong_p, 0.9, "test"), margin=10, unit="points"),
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
# | residual dropout forces the network onto the skip connection | 04.27: that is stochastic depth |

# %%
verdicts.claim_table(claims)

# %%
metrics = {f"test_{p}": at(on_letters, p, "test").mean() for p in rates} | {"chosen_rate": chosen, "test_at_chosen": mean}
record = verdicts.write_record("04_dropout", claims, parameters=parameters, metrics=metrics)
print(len(record["claims"]), "claims,", sum(c["verdict"] == c["expect"] for c in record["claims"]), "with the course's verdict")

# %% [markdown]
# ## Summary
#
# * *Implement and prove*: a mask and a scale, the same in both directions; finite differences and autograd agree, and two
#   bugs that train silently do not.
# * *Exact, approximate, wrong*: exact are the mean, the variance, the geometric mean of one softmax layer and the ridge
#   penalty in linear regression. Approximate are the ensemble view of deep networks and "no scaling at test". The table
#   above names what is wrong.
# * *Choose, report, place*: rates are compared in pairs over seeds, chosen on validation, tested once, with training
#   accuracy in eval mode; whole channels or branches where neighbors are correlated; never in front of BatchNorm.
#
# **For a discussion:** the network with the smallest gap is not the best one. Which number would you put into a report, and
# what would you have to say about how it was measured?
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
