# %% [markdown]
# # Deep dive 07 · Backwards through a norm
#
# **What can a gradient not say through a norm?**
#
# In training, messages run back through a network: for every letter of the batch, how should this unit's output move? At a norm
# not all of it passes. Two things are taken out, always, whatever the loss. There is a shortcut that forgets this; it is one line
# long, looks right, and *nearly* is. You will write the real thing, train with both, and see what "nearly" costs.
#
# *{minutes} minutes. You need lesson 07. One question to warm up:*
#
# <details><summary>Over what does BatchNorm average in training, and what does it use after `eval()`?</summary>
# Each unit over the rows of the batch; after eval() the mean and variance that it remembers.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 3  # [3, 32] training runs at each learning rate
n_final: int = 8  # [3, 64] runs behind each claim
lrs: list = [0.1, 0.3, 1.0, 3.0]  # 3 to 6 rising values in (0, 30]: learning rates of SGD to choose from
depth: int = 4  # [2, 10] hidden layers of the reader
company: int = 16  # [4, 50] letters in a batch of section 5
n_train: int = 1000  # [100, 20000] training letters
epochs: int = 12  # [2, 500] passes over them
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; the letters of lesson 07 (grey, 16 x 16)
import math
from copy import deepcopy

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn
from torch.nn import functional

from course_utils.checks.deeper import d07_backward as checks
from course_utils.claims import Claims
from course_utils.data import grey_thumbnails, load
from course_utils.figures import show, use_course_style
from course_utils.parameters import check_parameters
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("07.backward")


letters = load("letters", n_train=n_train, n_val=1000, n_test=2000, seed=seed, device=device)
train_set, val, test = ((grey_thumbnails(x).flatten(1), y) for x, y in (letters.train, letters.val, letters.test))
batch_size = 50

# %% tags=["fold"]
# a reader with layers of 64 units, a norm in front of each ReLU; a plain loop of SGD; what a reader reads


class HandNorm(nn.Module):
    """BatchNorm (axis 0) or LayerNorm (axis 1), with a backward pass by hand where there is one."""

    def __init__(self, by_hand, axis):
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(64)), nn.Parameter(torch.zeros(64))
        self.by_hand, self.axis, self.memory = by_hand, axis, None

    def forward(self, x):
        if self.axis == 0 and not self.training:
            return (x - self.memory[0]) / (self.memory[1] + 1e-5).sqrt() * self.scale + self.shift
        self.memory = (x.mean(0).detach(), x.var(0, unbiased=False).detach())
        if self.by_hand:
            return Norm.apply(x, self.scale, self.shift, self.axis, self.by_hand)
        return standardized(x, self.axis) * self.scale + self.shift


def standardized(x, axis):
    spread = (x.var(axis, keepdim=True, unbiased=False) + 1e-5).sqrt()
    return (x - x.mean(axis, keepdim=True)) / spread


def reader(run_seed, by_hand=None, axis=0):
    with torch.random.fork_rng():
        torch.manual_seed(run_seed)
        layers = [nn.Linear(256 if k == 0 else 64, 64) for k in range(depth)] + [nn.Linear(64, 10)]
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    hidden = [part for layer in layers[:-1] for part in (layer, HandNorm(by_hand, axis), nn.ReLU())]
    return nn.Sequential(*hidden, layers[-1]).to(device)


def train(run_seed, lr, by_hand=None, axis=0, *, n_epochs=epochs, watch=None, turn=None):
    """Train a reader; every tenth step note what watch(network, batch, the next batch) gives. Returns both.

    turn: what becomes of the gradient of each matrix in front of a norm.
    """
    network, draw, noted = reader(run_seed, by_hand, axis), torch.Generator().manual_seed(run_seed), []
    (x, y), n_steps = train_set, epochs * math.ceil(n_train / batch_size)
    batches = [rows for _ in range(n_epochs) for rows in torch.randperm(n_train, generator=draw).split(batch_size)]
    for t, rows in enumerate(batches):
        if watch and t % 10 == 0:
            noted.append(watch(network, *((x[part], y[part]) for part in (rows, batches[(t + 1) % len(batches)]))))
        gradients = torch.autograd.grad(functional.cross_entropy(network(x[rows]), y[rows]), list(network.parameters()))
        with torch.no_grad():
            for w, slope in zip(network.parameters(), gradients):
                slope = turn(slope) if turn and w.ndim == 2 and len(w) == 64 else slope
                w -= lr * (0.5 + 0.5 * math.cos(math.pi * t / n_steps)) * slope.nan_to_num(0, 0, 0)
    with torch.no_grad():
        network(train_set[0])  # the norms remember all training letters
    return network.eval(), np.array(noted)


@torch.no_grad()
def reads(network, part):
    return (network(part[0]).argmax(1) == part[1]).double().mean().item()


# %% tags=["fold"]
# the situation: what a batch of letters tells one unit, in a reader after one pass over the letters
young = train(seed, lrs[1], n_epochs=1)[0].double().train()
x_batch, y_batch = train_set[0][:batch_size].double(), train_set[1][:batch_size]
below, norm, above = young[:4], young[4], young[5:]
x_in = below(x_batch).detach()  # what comes to the second norm: letters, units


def batch_loss(x):
    """The batch's loss, summed, if this comes to the second norm."""
    return functional.cross_entropy(above(norm(x)), y_batch, reduction="sum")


out = norm(x_in).detach().requires_grad_()
(g,) = torch.autograd.grad(functional.cross_entropy(above(out), y_batch, reduction="sum"), out)
x_hat = standardized(x_in, 0)
unit = ((g.mean(0) ** 2 + (g * x_hat).mean(0) ** 2) / g.square().mean(0)).argmax().item()


def dots(ax, values, ylabel, title):
    h, v = x_hat[:, unit].cpu(), values[:, unit].detach().cpu()
    height, slope = v.mean(), (v * h).mean() / h.square().mean()
    ends = torch.stack([h.min(), h.max()])
    ax.plot(h, v, "o", color="C0", alpha=0.7, label="a letter")
    ax.plot(ends, height + slope * ends, "--", color="C1", label="best line")
    ax.axhline(0, color="k", linewidth=0.8)
    ax.set(xlabel="x̂, the unit's normalized input", ylabel=ylabel, title=title)
    return height.item() + 0.0, slope.item() + 0.0


fig, ax = plt.subplots(figsize=(6, 3))
height, slope = dots(ax, g, "g, what arrives from above", f"What {len(x_in)} letters tell unit {unit}")
ax.legend()
show(
    fig,
    alt="Scatter of the gradient that arrives at one unit's output against its normalized input, with the best line.",
    reading=f"A dot is a letter; right: its x̂ in unit {unit} of the second norm, up: the gradient g of the loss with respect to "
    f"the output there. The dots' best line has height {height:+.3f} in the middle and slope {slope:+.3f}. (Of all 64 units, "
    "the one whose line says most.)",
)

# %% [markdown]
# ## 1 · Three nudges
#
# A norm's output is `scale * x_hat + shift`, with $\hat x = (x - \mu)/s$ and $s = \sqrt{\sigma^2 + \varepsilon}$. From above
# comes a number g for each letter: the gradient of the loss with respect to that output. What goes on to x (here: `x_in`)? The
# **shortcut**: an output is its x, divided by s and scaled; so pass on `scale / s * g`.
#
# The referee: nudge x, and see how the loss moves (**finite differences**). **Predict.** Nudge x of one letter; of *all* letters,
# by the same amount; *stretch* all about their mean. Which does the loss feel?

# %%
prediction = None  # a set such as {"one", "all", "stretch"}

# %%
s = (x_in.var(0, unbiased=False) + 1e-5).sqrt()
to_x, h = (norm.scale / s * g)[:, unit], 1e-5
nudges = {"one": torch.eye(batch_size)[0], "all": torch.ones(batch_size), "stretch": x_hat[:, unit]}
for name, nudge in nudges.items():
    step = torch.zeros_like(x_in)
    step[:, unit] = h * nudge
    felt = (batch_loss(x_in + step) - batch_loss(x_in - step)) / (2 * h)
    felt, said = round(felt.item(), 4) + 0.0, (to_x * step[:, unit]).sum() / h
    print(f"{name:8} felt {felt:+.4f}   shortcut says {said:+.4f}")
print(f"You said: {prediction}." if prediction else "No prediction: guess next time.")

# %% [markdown]
# A norm does not notice a shift of all, nor (but for ε) a stretch. So *no* loss behind it can feel them. What it feels of a nudge
# is the sum of nudge times gradient; therefore
#
# $$\sum_i \frac{\partial L}{\partial x_i} = 0, \qquad \sum_i \hat x_i\,\frac{\partial L}{\partial x_i} \approx 0.$$
#
# These are the two things that a gradient may not say. The backward pass has to remove them from what arrives.
#
# ## 2 · Write it
#
# ### Exercise 1 · BatchNorm, backward
#
# `g` and `x` are `(n, channels)`, `scale` is `(channels,)`. Return a tuple: the gradients with respect to x, to scale and to
# shift, in PyTorch (later cells train with it), by hand, without autograd.
#
# <details><summary>Hint 1</summary>scale and shift are easy: y = scale · x̂ + shift, and each of the n letters adds its
# part. Their sums are half of the work for x.</details>
# <details><summary>Hint 2</summary>To x_i the loss leads along three ways: through its own x̂_i (the shortcut), through μ, and
# through σ². Each x moves μ by 1/n and σ² by 2 (x_i - μ)/n. Or start from the section above: what has to be subtracted from g, so
# that both sums vanish? (Act as if ε were 0 and the mean of x̂² were 1; ε then comes in through s alone.)</details>


# %% tags=["stub"]
def backward(g, x, scale, eps): ...


checks.check_1(backward)


# %% tags=["solution"]
def backward(g, x, scale, eps):
    n, s = len(x), (x.var(0, unbiased=False) + eps).sqrt()
    x_hat = (x - x.mean(0)) / s
    for_scale, for_shift = (g * x_hat).sum(0), g.sum(0)
    for_x = scale / s * (g - for_shift / n - x_hat * for_scale / n)
    return for_x, for_scale, for_shift


checks.check_1(backward)


# %% tags=["fold"]
# ours, in case yours is open; against autograd; figure: what arrives, and what goes on
def ours(g, x, scale, eps):
    n, s = len(x), (x.var(0, unbiased=False) + eps).sqrt()
    x_hat = (x - x.mean(0)) / s
    for_scale, for_shift = (g * x_hat).sum(0), g.sum(0)
    return scale / s * (g - for_shift / n - x_hat * for_scale / n), for_scale, for_shift


def gives_tensors(function, n_parts):
    """Whether a backward pass can train a network: float32 tensors in, as many out."""
    z = torch.randn(5, 3)
    try:
        parts = function(z.sin(), z, torch.ones(3), 1e-5)
        parts = (parts,) if n_parts == 1 else parts
        return len(parts) == n_parts and all(part.dtype == torch.float32 for part in parts)
    except Exception:  # whatever an answer may do
        return False


passed = checks.check_1(backward).startswith("passed") and gives_tensors(backward, 3)
by_hand, whose = (backward, "your") if passed else (ours, "our")
leaf = x_in.clone().requires_grad_()
(truth,) = torch.autograd.grad(batch_loss(leaf), leaf)
for_x, for_scale, for_shift = (part.detach() for part in by_hand(g, x_in, norm.scale.detach(), 1e-5))
print(f"{whose} backward against autograd: largest difference {(for_x - truth).abs().max():.0e}")
fig, (left, ax) = plt.subplots(1, 2, figsize=(9.4, 3.2))
arrives = dots(left, g, "g", "")
left.set_title(f"Arrives: height {arrives[0]:+.3f}, slope {arrives[1]:+.3f}")
goes_on = [round(number, 3) + 0.0 for number in dots(ax, for_x, "gradient for x", "")]
ax.set_title(f"Goes on to x: height {goes_on[0]:.3f}, slope {goes_on[1]:.3f}")
left.legend()
show(
    fig,
    alt="Two scatters against x̂: what arrives, with a tilted line; what goes on to x, with a line that lies on zero.",
    reading=f"By {whose} backward. The line is gone: shift gets {len(x_in)} × the height, {for_shift[unit]:+.2f}; scale gets "
    f"{len(x_in)} × the mean of g · x̂, {for_scale[unit]:+.2f}.",
)

# %% [markdown]
# What goes on is scale / s times the **residual** of a regression: what arrives, minus its best straight line in x̂ (but for
# ε). And nothing is lost. The line's height is shift's gradient, its slope scale's: what x may not hear, those two hear. A norm
# *sorts* messages. (Look at the left half: there the ReLU lets nothing back, g is 0; and yet these letters' x get a gradient.)
#
# <details><summary>The chain rule, in four lines</summary>Let h = scale · g be what arrives at x̂ = (x - μ)/s, sums be over the
# batch.<br>Through its own x̂: h<sub>i</sub>/s.<br>Through μ, of which x<sub>i</sub> moves 1/n: - (1/n) Σ h<sub>k</sub>/s.<br>
# Through σ², of which x<sub>i</sub> moves 2 (x<sub>i</sub> - μ)/n: each x̂<sub>k</sub> answers with - x̂<sub>k</sub>/(2 s²),
# together - (x̂<sub>i</sub>/n) Σ h<sub>k</sub> x̂<sub>k</sub>/s.<br>Sum:
# (h<sub>i</sub> - mean(h) - x̂<sub>i</sub> mean(h x̂))/s.</details>
#
# For weights w in front of the norm (x = w · input + b) it follows that their gradient is at right angles to w, but for ε: that
# is where the dive [07_scale_invariance](07_scale_invariance.ipynb) begins.
#
# ## 3 · What does "nearly" cost?
#
# Into the network with it, in place of PyTorch's own rule; and the shortcut, too. (With autograd that one is soon written, on
# purpose or not: `.detach()` on mean and variance.)


# %%
def shortcut(g, x, scale, eps):
    s = (x.var(0, unbiased=False) + eps).sqrt()
    return scale / s * g, *by_hand(g, x, scale, eps)[1:]


# %% tags=["fold"]
# a norm that PyTorch differentiates by a rule of ours
class Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, shift, axis, rule):
        ctx.save_for_backward(x, scale)
        ctx.rule = rule
        return standardized(x, axis) * scale + shift

    @staticmethod
    def backward(ctx, g):
        return *ctx.rule(g, *ctx.saved_tensors, 1e-5), None, None


# %% [markdown]
# SGD takes the gradient of *one batch* for that of all letters, and lives with it: a yardstick. While a reader learns, take three
# gradients: the true one of a batch, the shortcut's of the same batch, the true one of *another* batch. **Predict.** Which of the
# last two points more nearly in the direction of the first?

# %%
prediction = None  # "shortcut" or "other batch"


# %% tags=["fold"]
# the gradient of all weights in front of norms, in one row; cosines
def gradient(network, batch, rule):
    for layer in network:
        if isinstance(layer, HandNorm):
            layer.by_hand = rule
    weights = [layer.weight for layer in network if isinstance(layer, nn.Linear)][:-1]
    loss = functional.cross_entropy(network(batch[0]), batch[1])
    row = torch.cat([part.flatten() for part in torch.autograd.grad(loss, weights)])
    for layer in network:
        if isinstance(layer, HandNorm):
            layer.by_hand = by_hand
    return row


def cosine(a, b):
    return functional.cosine_similarity(a, b, 0).item()


# %%
def agreement(network, batch, other):
    true, short = gradient(network, batch, by_hand), gradient(network, batch, shortcut)
    another = gradient(network, other, by_hand)
    return cosine(true, short), cosine(true, another)


seeds = [seed + n_runs + k for k in range(n_final)]
agree = np.array([train(k, lrs[1], by_hand, watch=agreement)[1].mean(0) for k in seeds])

# %% tags=["fold"]
# claim 07.backward.1: the shortcut's gradient and another batch's, both against the true one
print(f"You said: {prediction}." if prediction else "No prediction: guess next time.")
at_norm = cosine((norm.scale / s * g).flatten().detach(), for_x.flatten())
print(f"for comparison, at the one norm of section 1: cosine of the shortcut and the true gradient for x {at_norm:.2f}")
claims.compare(
    "07.backward.1",
    "While a reader learns, the shortcut's gradient is nearer in direction to the true one of the same batch than the true one "
    "of another batch is.",
    agree[:, 0],
    agree[:, 1],
    margin=0.2,
    names=("shortcut", "another batch"),
    unit="(cosine)",
    over="training runs on these letters",
)

# %% [markdown]
# At one norm the shortcut errs by little. But a weight's gradient is a *sum* over letters: what all of them share adds up in
# it, the rest largely cancels; and each norm on the way down adds its own.
#
# SGD stands the errors of other batches. So give it one just as large as the shortcut's, but *new at every step*: turn the true
# gradient of each matrix by fresh noise, to the same cosine. **Predict.** At its own best rate, which reads new letters worse
# than the true gradient?

# %%
prediction = None  # "shortcut", "noise", "both" or "neither"


# %%
def turned(slope):
    noise = torch.randn_like(slope)
    noise *= slope.norm() / noise.norm()
    return slope + noise * (1 / agree[:, 0].mean() ** 2 - 1) ** 0.5


torch.manual_seed(seed)
kinds = {"true": (by_hand, None), "noise": (by_hand, turned), "shortcut": (shortcut, None)}

# %% tags=["fold"]
# all three at all rates; at their best, with new seeds, on test letters; lengths of the first layer along the way
swept = {name: np.array([[reads(train(seed + k, lr, rule, turn=turn)[0], val) for k in range(n_runs)] for lr in lrs])
         for name, (rule, turn) in kinds.items()}  # fmt: skip
best = {name: lrs[int(table.mean(1).argmax())] for name, table in swept.items()}


def lengths(network, batch, other):
    first = network[0]
    return first.weight.detach().norm().item(), first.bias.detach().norm().item()


final, readers, growth = {}, {}, {}
for name, (rule, turn) in kinds.items():
    readers[name] = [train(k, best[name], rule, turn=turn)[0] for k in seeds]
    final[name] = np.array([reads(network, test) for network in readers[name]])
for name in ("true", "shortcut"):
    growth[name] = np.array([train(k, best["shortcut"], kinds[name][0], watch=lengths)[1] for k in seeds[:n_runs]]).mean(0)

# %% tags=["fold"]
# figure: accuracy against the rate; the length of the first layer's b, on which no answer depends
fig, (left, ax) = plt.subplots(1, 2, figsize=(9.4, 3.3))
lines = {"true": ("C0", "-"), "noise": ("C2", ":"), "shortcut": ("C1", "--")}
for name, (color, line) in lines.items():
    mean, half = zip(*[mean_and_interval(row)[:2] for row in swept[name]])
    left.errorbar(lrs, mean, half, color=color, linestyle=line, marker="o", capsize=2, label=name)
    if name in growth:
        ax.plot(10 * np.arange(len(growth[name])), growth[name][:, 1], line, color=color, label=name)
left.set(xscale="log", xlabel="learning rate η", ylabel="validation accuracy", ylim=(0, None))
tops = {name: table.mean(1).max() for name, table in swept.items()}
left.set_title(f"Best: true {tops['true']:.0%}, noise {tops['noise']:.0%}, shortcut {tops['shortcut']:.0%}")
left.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
left.legend()
ax.set(xlabel="step", ylabel="length of the first layer's b")
ends = {name: path[-1] for name, path in growth.items()}
ax.set_title(f"A b on which no answer depends: {ends['true'][1]:.2f} and {ends['shortcut'][1]:.2f}")
ax.legend()
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Left: accuracy against the learning rate for the true gradient, the same with noise, and the shortcut. Right: length of "
    "a layer's b against the step, zero for the true gradient.",
    reading=f"Left: 95 % intervals, n = {n_runs}; best rates "
    + ", ".join(f"{best[name]:g} ({name})" for name in kinds)
    + f". Right: both at η = {best['shortcut']:g}; the weights of that layer grow from {growth['true'][0, 0]:.1f} to "
    f"{ends['true'][0]:.1f} (true) and {ends['shortcut'][0]:.1f} (shortcut).{yours}",
)

# %% tags=["fold"]
# claim 07.backward.2: readers trained with the shortcut, and with fresh noise of the same cosine
claims.compare(
    "07.backward.2",
    "Trained with the shortcut a reader reads new letters worse than with the true gradient turned as far by fresh noise, each "
    "at its best rate of those tried.",
    final["noise"],
    final["shortcut"],
    names=("true, with noise", "shortcut"),
    unit="points",
    over="training runs on these letters",
)
for name in ("noise", "shortcut"):
    mean, half, _ = mean_and_interval(final[name] - final["true"])
    tie = ", a tie" if abs(mean) <= half else ""
    print(f"{name} against true ({final['true'].mean():.1%}): {100 * mean:+.1f} ± {100 * half:.1f} points{tie}")

# %% [markdown]
# Same cosine, another price. Noise is new at every step, and steps average it out. The shortcut errs *systematically*: what a
# norm would not pass, it passes every time.
#
# Ioffe and Szegedy (2015) warned of this. A layer's b in front of a norm changes no answer; if the gradient does not know that,
# "b will grow indefinitely while the loss remains fixed". (Right panel; here it slows as the loss falls, and stops with η.)
# Xu et al. (2019) found, for LayerNorm: "the derivatives of the mean and variance are more important than forward normalization".
#
# ## 4 · Move the axis
#
# LayerNorm takes mean and variance over a *row*: same two directions, other axis. But within a row `scale` is not the same
# everywhere.
#
# ### Exercise 2 · LayerNorm, backward
#
# Only the gradient with respect to x, this time.
#
# <details><summary>Hint 1</summary>To x̂ arrives g · scale. With that, go on as before.</details>
# <details><summary>Hint 2</summary>So scale can no longer stand in front: it goes under both averages.</details>


# %% tags=["stub"]
def layer_backward(g, x, scale, eps): ...


checks.check_2(layer_backward)


# %% tags=["solution"]
def layer_backward(g, x, scale, eps):
    s = (x.var(1, keepdim=True, unbiased=False) + eps).sqrt()
    x_hat, g = (x - x.mean(1, keepdim=True)) / s, g * scale
    return (g - g.mean(1, keepdim=True) - x_hat * (g * x_hat).mean(1, keepdim=True)) / s


checks.check_2(layer_backward)


# %% tags=["fold"]
# ours, in case yours is open; LayerNorm readers trained with it
def our_layer_backward(g, x, scale, eps):
    s = (x.var(1, keepdim=True, unbiased=False) + eps).sqrt()
    x_hat, g = (x - x.mean(1, keepdim=True)) / s, g * scale
    return (g - g.mean(1, keepdim=True) - x_hat * (g * x_hat).mean(1, keepdim=True)) / s


passed = checks.check_2(layer_backward).startswith("passed") and gives_tensors(layer_backward, 1)
rule, whose = (layer_backward, "your") if passed else (our_layer_backward, "our")


def layer_rule(g, x, scale, eps):
    return rule(g, x, scale, eps), (g * standardized(x, 1)).sum(0), g.sum(0)


readers["LayerNorm"] = [train(k, best["true"], layer_rule, axis=1)[0] for k in seeds]
leaf = x_in.clone().requires_grad_()
(truth,) = torch.autograd.grad(functional.layer_norm(leaf, (64,), norm.scale), leaf, g)
apart = (rule(g, x_in, norm.scale.detach(), 1e-5) - truth).abs().max()
accuracy = np.mean([reads(network, test) for network in readers["LayerNorm"]])
print(f"{whose} backward against autograd: largest difference {apart:.0e}")
print(f"with it readers with LayerNorm learn, too: {accuracy:.0%} of the test letters (at BatchNorm's rate)")

# %% [markdown]
# ## 5 · My neighbour's loss, my pixels
#
# Where does the gradient with respect to *my* pixels come from? In train mode, a batch of letters, and I am the first of them:


# %%
def at_my_pixels(network, x, y):
    x = x.clone().requires_grad_()
    losses = functional.cross_entropy(network(x), y, reduction="none")
    (own,) = torch.autograd.grad(losses[0], x, retain_graph=True)
    (others,) = torch.autograd.grad(losses[1:].sum(), x)
    return own[0], others[0]


# %% [markdown]
# **Predict.** Under BatchNorm, in which batches do the *others'* losses weigh most at my pixels, against my own?

# %%
prediction = None  # those of 4, of 16 or of 50 letters

# %% tags=["fold"]
# gradients at the first letter's pixels in 20 batches of validation letters; and of its own loss after eval()
by_norm = {"BatchNorm": readers["true"], "LayerNorm": readers["LayerNorm"]}
sizes, maps, kept = {}, {}, []
for n in sorted({4, company, 50}):
    batches = [(val[0][k : k + n], val[1][k : k + n]) for k in range(0, 20 * n, n)]
    for name, networks in by_norm.items():
        pairs = [[at_my_pixels(deepcopy(network).train(), *batch) for batch in batches] for network in networks]
        sizes[name, n] = np.array([[[part.norm().item() for part in pair] for pair in row] for row in pairs]).mean(1)  # runs, 2
        if n == company:
            maps[name], letter = pairs[0][0], batches[0][0][0]
        if n == company and name == "BatchNorm":
            alone = [[at_my_pixels(network, *batch)[0] for batch in batches] for network in networks]
            kept = [np.mean([cosine(pair[0], one) for pair, one in zip(*rows)]) for rows in zip(pairs, alone)]

# %% tags=["fold"]
# figure: a letter, and the gradients at its pixels
fig, axes = plt.subplots(1, 5, figsize=(10, 2.5))
axes[0].imshow(letter.view(16, 16).cpu(), cmap="gray")
axes[0].set_title("my pixels", fontsize=9)
for k, (name, pair) in enumerate(maps.items()):
    top = max(part.abs().max().item() for part in pair)
    for ax, part, label in zip(axes[1 + 2 * k :], pair, ("my loss", "the others'")):
        ax.imshow(part.view(16, 16).cpu(), cmap="PuOr", vmin=-top, vmax=top)
        ax.set_title(f"{name}: {label}", fontsize=9)
        ax.set_xlabel(f"length {part.norm():.2f}", fontsize=9)
for ax in axes:
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
share = {key: (table[:, 1].mean() / table[:, 0].mean()) for key, table in sizes.items()}
in_batches = ", ".join(f"{share[name, n]:.0%} in batches of {n}" for name, n in sizes if name == "BatchNorm")
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="A letter, and four maps of gradients at its pixels: of its own loss and of the others', for BatchNorm and LayerNorm; "
    "the last one is empty.",
    reading=f"One batch of {company}. Mean lengths over 20 batches and {n_final} readers, the others' against my own: BatchNorm "
    f"{in_batches}; LayerNorm {max(value for (name, _), value in share.items() if name == 'LayerNorm'):.0%} in all.{yours}",
)

# %% tags=["fold"]
# claim 07.backward.3: the gradient of the others' losses at my pixels, against that of my own
claims.compare(
    "07.backward.3",
    f"In batches of {company}, BatchNorm in train mode brings the losses of the others to my pixels: their gradient there is "
    "more than a quarter as long as that of my own loss.",
    sizes["BatchNorm", company][:, 1],
    sizes["BatchNorm", company][:, 0],
    factor=0.25,
    names=("the others' losses", "my loss"),
    over="training runs on these letters",
)
print(f"my own loss, BatchNorm: cosine between its gradients at my pixels in train mode and after eval() {np.mean(kept):.2f}")

# %% [markdown]
# Whoever asks "which of *my* pixels matter?" in train mode also hears the neighbours. After `eval()` mean and variance *are*
# constants, the remembered ones; there is no company, and the shortcut is the whole truth. So a saliency map needs `eval()`
# first; and a backward pass that was tested in `eval()` only has not been tested.
#
# ## What to take along
#
# * But for ε, a gradient cannot say through a norm "all together, up" nor "all, further apart": the residual of a line goes on.
# * The line is not lost: its height goes to the shift, its slope to the scale.
# * An error smaller than the noise of batches can cost more than noise, if averaging does not remove it.
#
# **On your own model:** wherever you find `.detach()` or `torch.no_grad()` around a mean or a variance in train mode, you have
# found the shortcut. Print the length of a bias in front of a norm: does it walk?
#
# **References.** Ioffe, Szegedy 2015, [arXiv:1502.03167](https://arxiv.org/abs/1502.03167) ·
# Xu et al. 2019, [arXiv:1911.07013](https://arxiv.org/abs/1911.07013) ·
# Zhou et al. 2024, [arXiv:2205.15146](https://arxiv.org/abs/2205.15146), call BatchNorm *blind* to what it takes out ·
# back to [lesson 07](../07_normalization.ipynb)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {f"test_{name}": values.mean() for name, values in final.items()}
metrics |= {"agreement_shortcut": agree[:, 0].mean(), "agreement_other_batch": agree[:, 1].mean()}
record = claims.record(parameters, metrics | {f"others_share_{name}_{n}": value for (name, n), value in share.items()})

# %% [markdown] tags=["instructor"]
# **Minute plan (30).** 3 the picture: what does a dot say? · 5 three nudges, vote first · 9 exercise 1, in pairs · 6 section 3,
# vote twice · 4 exercise 2 · 3 section 5. **Ask before running:** which nudges does a norm not notice? Who else's loss could my
# pixel change? **Expect:** the shortcut, with a good conscience; sums where means belong; LayerNorm with scale in front.
# **When short:** exercise 2 at the board.
