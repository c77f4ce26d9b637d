# %% [markdown]
# # 06 · L1 and sparsity
#
# **How do weights become exactly zero, and what is that worth?**
#
# A network has learned to read handwritten digits. Delete nineteen of every twenty of its weights, the smallest ones, and train
# nothing anew. How well does it still read?
#
# What training minimizes, and by which steps, decides that. One term is famous for making weights zero; and yet, when you
# count them, hardly one is. Find out why, write the line that mends it, and see what a zero is worth.
#
# *{minutes} minutes. You need lessons 02 and 03. Two questions to warm up:*
#
# <details><summary>What does one step of weight decay do to a weight?</summary>
# It multiplies it by 1 - ηλ, whatever its size: so it never arrives at 0.</details>
# <details><summary>Why do Adam with L2 and AdamW differ?</summary>
# Adam divides the penalty's gradient by the size of past gradients; AdamW shrinks the weight itself.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 5  # [3, 64] training runs of each setting
data: str = "digits"  # {"digits", "mnist", "fashion_mnist"} what to read; digits needs no file
n_train: int = 1000  # [100, 20000] training pictures
l1_strengths: list = [0.0003, 0.001, 0.003]  # 2 to 6 rising values in (0, 0.1]: strengths λ of L1
l2_strengths: list = [0.01, 0.03, 0.1]  # 2 to 6 rising values in (0, 1]: strengths λ of L2
epochs: int = 40  # [1, 500] passes over the training pictures
lr: float = 1e-3  # (0, 0.1) learning rate of Adam
lr_sgd: float = 0.2  # (0, 0.5] learning rate of SGD
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the pictures, and the strengths of sections 3 and 4: the middle one of L1, the first of L2
import warnings
from copy import deepcopy

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from sklearn.linear_model import Lasso
from torch import nn
from torch.nn.utils import prune

from course_utils.checks import lesson_06 as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.measure import accuracy
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.reference import quote
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import fit

torch.set_num_threads(1)
warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("06")
SGD, Adam = torch.optim.SGD, torch.optim.Adam
pictures = load(data, n_train=n_train, seed=seed, device=device)
train, val, test = pictures.train, pictures.val, pictures.test
n_inputs = train[0][0].numel()
λ1, λ2 = l1_strengths[len(l1_strengths) // 2], l2_strengths[0]
seeds = range(seed, seed + n_runs)


def build():
    return mlp(n_inputs=n_inputs, n_hidden=(128, 128), n_outputs=10)


def train_all(settings):
    """{name: networks}, one a seed, for {name: what to train with}."""
    runs = [setting | {"seed": s} for setting in settings.values() for s in seeds]
    _, networks = train_runs(build, train, val, runs, epochs=epochs, batch_size=32, evaluate_every=epochs)
    return {name: networks[k * n_runs : (k + 1) * n_runs] for k, name in enumerate(settings)}


@torch.no_grad()
def scores(networks, part):
    return np.array([accuracy(network.eval()(part[0]), part[1]) for network in networks])


# %% tags=["fold"]
# the situation: pictures to read, a network (drawn with fewer units), and a twentieth of its connections
def draw_network(ax, share, title):
    columns = [np.linspace(0, 1, n + 2)[1:-1] for n in (14, 14, 14, 6)]
    pairs = [(k, i, j) for k in range(3) for i in range(len(columns[k])) for j in range(len(columns[k + 1]))]
    stays = np.random.default_rng(1).permutation(len(pairs)) < share * len(pairs)
    for (k, i, j), on in zip(pairs, stays, strict=True):
        if on:
            width = 0.4 if share == 1 else 1.2
            ax.plot([k, k + 1], [columns[k][i], columns[k + 1][j]], color="0.6", linewidth=width, linestyle="-", zorder=1)
    for k, column in enumerate(columns):
        ax.scatter([k] * len(column), column, s=28, color="C0", zorder=2)
    ax.set_title(title, fontsize=9)
    ax.axis("off")


fig = plt.figure(figsize=(8.6, 2.9))
grid = fig.add_gridspec(2, 4, width_ratios=[1, 1, 2.4, 2.4])
for k in range(4):
    ax = fig.add_subplot(grid[k // 2, k % 2])
    ax.imshow(val[0][k, 0].cpu(), cmap="gray")
    ax.set_title(pictures.classes[val[1][k]], fontsize=9, loc="center")
    ax.axis("off")
draw_network(fig.add_subplot(grid[:, 2]), 1, "every connection is a weight")
draw_network(fig.add_subplot(grid[:, 3]), 0.05, "one in twenty")
show(
    fig,
    alt="Four small pictures; a network of circles joined by very many lines; the same with a twentieth of the lines.",
    reading=f"Pictures to read, the network that reads them ({sum(p.numel() for p in build().parameters() if p.dim() > 1):,} "
    "weights; drawn with fewer units), and how little we shall leave of it.",
)

# %% [markdown]
# ## 1 · Delete 95 % of the weights
#
# The same network learns several times, by Adam: *plain*; with L2, $\frac\lambda2\lVert w\rVert^2$ added to the loss; and with
# **L1**, $\lambda\sum_i|w_i|$ added to it: in a loop of your own, `loss + λ * sum(w.abs().sum() for w in weights)`. Several
# strengths of each. (L1 leaves biases alone here; PyTorch's `weight_decay` does not.)

# %%
adam = {"optimizer": Adam, "lr": lr}
settings = {"plain": adam}
settings |= {f"L2 {λ:g}": adam | {"weight_decay": λ} for λ in l2_strengths}
settings |= {f"L1 {λ:g}": adam | {"l1_strength": λ} for λ in l1_strengths}
trained = train_all(settings)


# %% [markdown]
# PyTorch can do the deleting, by one ranking over all layers. (`L1Unstructured` has its
# name from ranking weights by $|w|$, whatever they were trained with.)


# %%
def keep_largest(network, share):
    network = deepcopy(network)
    weights = [(layer, "weight") for layer in network if isinstance(layer, nn.Linear)]
    prune.global_unstructured(weights, prune.L1Unstructured, amount=1 - share)
    return network


# %% [markdown]
# **Predict.** What percentage of new pictures does the *plain* network read with its largest twentieth? (Guessing: 10 %.)

# %%
prediction = None  # a percentage

# %% tags=["fold"]
# validation accuracy by the share of weights that stay; of each penalty the strength that is best with a twentieth
shares = [1.0, 0.5, 0.2, 0.1, 0.05, 0.02]
left = {
    name: np.array([scores([keep_largest(m, s) for m in networks], val) for s in shares]) for name, networks in trained.items()
}
at_5 = shares.index(0.05)
best = {kind: max((n for n in settings if n[:2] == kind), key=lambda n: left[n][at_5].mean()) for kind in ("L1", "L2")}

# %% tags=["fold"]
# figure: accuracy by the share of weights that stay
fig, ax = plt.subplots()
for name, style in zip(("plain", best["L2"], best["L1"]), ("-", "--", "-."), strict=True):
    mean, half = zip(*[mean_and_interval(row)[:2] for row in left[name]], strict=True)
    ax.errorbar(shares, mean, half, linestyle=style, marker="o", capsize=2, label=f"{name} (95 %, n = {n_runs})")
plain_5, l2_5, l1_5 = (left[name][at_5].mean() for name in ("plain", best["L2"], best["L1"]))
ax.set(
    xscale="log",
    xlabel="share of the weights that stay, the largest ones",
    ylabel="validation accuracy",
    xticks=shares,
    xticklabels=[f"{s:.0%}" for s in shares],
    title=f"With 5 % of the weights: plain {plain_5:.0%}, L2 {l2_5:.0%}, L1 {l1_5:.0%}",
)
ax.invert_xaxis()
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend()
yours = f"You said {prediction} %." if prediction is not None else "No prediction: guess next time, it makes the number stick."
show(
    fig,
    alt="Accuracy against the share of weights that stay, a curve for plain training, for L2 and for L1.",
    reading=f"Whole, the plain networks read {left['plain'][0].mean():.1%}; with a twentieth of their weights {plain_5:.0%}. Of "
    f"the strengths tried, {best['L2']} and {best['L1']} are best with a twentieth: {l2_5:.0%} and {l1_5:.0%}. {yours} "
    f"What that costs: whole, they read {left[best['L2']][0].mean():.1%} and {left[best['L1']][0].mean():.1%}.",
)

# %% tags=["fold"]
# claim 06.1: a twentieth of the weights, on test pictures, strengths chosen on validation
claims.compare(
    "06.1",
    "Cut to its largest twentieth, a network trained with L1 reads better than one with L2, both by Adam, both strengths "
    "chosen for that.",
    *[scores([keep_largest(m, 0.05) for m in trained[best[kind]]], test) for kind in ("L1", "L2")],
    names=("with L1", "with L2"),
    unit="points",
    over="training runs on these pictures",
)

# %% [markdown]
# If L1 gathers what matters in few weights, the rest should be zeros. Count them:


# %%
def sparsity(network, threshold=0.0):
    sizes = torch.cat([w.detach().abs().flatten() for w in network.parameters() if w.dim() >= 2])
    return (sizes <= threshold).double().mean().item()


n_weights = sum(w.numel() for w in build().parameters() if w.dim() >= 2)
for name, networks in trained.items():
    n_zero = n_weights * np.mean([sparsity(m) for m in networks])
    print(f"{name:9} exactly zero: {n_zero:.1f} of {n_weights:,} weights")

# %% [markdown]
# ## 2 · The kink
#
# Take one weight. The data want it at $b$, the penalty wants it at zero:
#
# $$\tfrac12(w-b)^2+\lambda|w| .$$
#
# Left and right of zero, the penalty pulls with constant force λ. (L2's pull, $\lambda w$, fades on the way.) *At* zero it has a
# kink and no slope. The slope of any line through the kink that stays below the graph is a **subgradient**: here, anything
# between $-\lambda$ and $\lambda$. If the data pull with $|b|\le\lambda$, one of these balances them, and the minimum *is* zero.
# PyTorch picks the subgradient 0.
#
# (By Bayes: L1 is the prior $p(w)\propto e^{-\lambda|w|}$, Laplace's, as L2 was the Gaussian. Its peak is the kink; a weight
# drawn from it is never exactly zero.)


# %%
b, λ = 0.3, 0.5  # the minimum is at zero


def subgradient_step(w, lr):
    return w - lr * ((w - b) + λ * np.sign(w))


def walk(step, lr, n=400):
    path = [1.0]
    for _ in range(n):
        path.append(step(path[-1], lr))
    return np.array(path)


# %% [markdown]
# **Predict.** After 400 steps at a rate of 0.1: is $w$ at zero, close to zero and still, or jumping?

# %%
prediction = None  # "zero", "still" or "jumping"

# %% tags=["fold"]
# the last steps of gradient descent at two rates, and of Adam
w = torch.ones((), dtype=torch.float64, requires_grad=True)
by_adam, optimizer = [1.0], Adam([w], lr=0.01)
for _ in range(400):
    optimizer.zero_grad()
    ((w - b) ** 2 / 2 + λ * w.abs()).backward()
    optimizer.step()
    by_adam.append(w.item())
paths = {f"gradient, rate {rate:g}": walk(subgradient_step, rate) for rate in (0.1, 0.01)}
paths["Adam, rate 0.01"] = np.array(by_adam)
for name, path in paths.items():
    print(f"{name:20} last: {', '.join(f'{w:+.4f}' for w in path[-4:])}   largest of the last 100: {abs(path[-100:]).max():.4f}")
last = paths["gradient, rate 0.1"][-100:]
found = "at zero" if not last.any() else "close to zero and still" if np.ptp(last) < 1e-3 else "jumping"
print(f"At a rate of 0.1 it is {found}.", f"You said: {prediction}." if prediction else "(No prediction.)")
print(f"Its step near zero: {0.1 * (λ - b):.2f} from the right, {0.1 * (λ + b):.2f} from the left.")

# %% [markdown]
# From the right, gradient descent's step near zero is $\eta(\lambda-b)$ long, from the left $\eta(\lambda+b)$, however close
# zero is; so it steps across. Should it land on zero, it leaves by $\eta b$, as the subgradient there is 0. A smaller rate
# chatters in a smaller range; no constant rate arrives.
#
# ### Exercise 6.1 · Arrive
#
# Write the minimizer itself: for every number in the array `b`, the $w$ with the smallest $\frac12(w-b)^2+t|w|$. This is the
# **soft threshold**. Your code will train networks below.
#
# <details><summary>Hint 1</summary>Suppose w > 0, set the derivative to zero; when is the answer really positive? The same for
# w < 0. And if neither?</details>
# <details><summary>Hint 2</summary>The size falls by t, but not below 0, and the sign stays.</details>


# %% tags=["stub"]
def soft_threshold(b, t): ...  # b: an array of any shape, t: a number; returns an array


checks.check_6_1(soft_threshold)


# %% tags=["solution"]
def soft_threshold(b, t):
    return np.sign(b) * np.maximum(np.abs(b) - t, 0)


checks.check_6_1(soft_threshold)


# %% [markdown]
# One weight is done. For many weights at once, and any loss: walk downhill on the *data's* loss alone, then let the soft
# threshold take off $\eta\lambda$. That is a **proximal step**:
#
# $$w \leftarrow \operatorname{soft}\bigl(w-\eta\,\nabla L(w),\ \eta\lambda\bigr).$$
#
# Why may one? Replace $L(v)$ near $w$ by its tangent plus $\lVert v-w\rVert^2/2\eta$, and add the penalty. Times η, and but for
# a constant, that is $\frac12\lVert v-(w-\eta\nabla L)\rVert^2+\eta\lambda\sum_i|v_i|$: one exercise 6.1 for each weight, with
# $t=\eta\lambda$. A zero stays zero as long as $|\partial L/\partial w|\le\lambda$.
#
# The same step on a linear regression with L1, the **Lasso**, on ten measurements of diabetes patients, with scikit-learn as
# referee:


# %% tags=["fold"]
# your soft threshold where it passed, ours otherwise; the patients
def ours(b, t):
    return np.sign(b) * np.maximum(np.abs(b) - t, 0)


passed = checks.check_6_1(soft_threshold).startswith("passed")
threshold, whose = (soft_threshold, "your") if passed else (ours, "our")


def soft(b, t):
    """The soft threshold as an array, whatever form yours has."""
    return np.asarray(threshold(b, t), float).reshape(b.shape)


def shrink(w, t):
    """The soft threshold of a tensor."""
    return torch.as_tensor(soft(w.detach().cpu().numpy(), t), dtype=w.dtype, device=w.device)


def proximal_step(w, lr):
    return soft(np.array([w - lr * (w - b)]), lr * λ).item()


x, y = (part.double().numpy() for part in load("diabetes", seed=seed).train)


def gradient(w):
    """Of the data's loss, half the mean squared error."""
    return x.T @ (x @ w - y[:, 0]) / len(x)


# %%
strength, rate = 0.1, 0.2
by_soft, by_slope = np.zeros(10), np.full(10, 0.01)
for _ in range(5000):
    by_soft = soft(by_soft - rate * gradient(by_soft), rate * strength)
    by_slope = by_slope - rate * (gradient(by_slope) + strength * np.sign(by_slope))

# %% tags=["fold"]
# the referee: exact zeros by scikit-learn's Lasso, by the soft threshold and by subgradients
oracle = Lasso(alpha=strength, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(x, y[:, 0]).coef_
print(f"exactly zero, of ten: {(oracle == 0).sum()} by scikit-learn's Lasso, {(by_soft == 0).sum()} by {whose} threshold "
      f"(largest difference {abs(by_soft - oracle).max():.0e}), {(by_slope == 0).sum()} by subgradients")  # fmt: skip

# %% tags=["fold"]
# figure: the two penalties added to the data's pull, and the walks with and without the soft threshold
paths["proximal, rate 0.1"] = walk(proximal_step, 0.1)
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.2))
line = np.linspace(-0.6, 1, 321)
for label, penalty in {"data alone": 0 * line, "with L2": λ * line**2 / 2, "with L1": λ * abs(line)}.items():
    total = (line - b) ** 2 / 2 + penalty
    (curve,) = axes[0].plot(line, total, label=label)
    axes[0].plot(line[total.argmin()], total.min(), marker="o", color=curve.get_color())
axes[0].set(xlabel="w", ylabel="what is minimized", title="L1 has its minimum in the kink")
axes[0].legend()
for name, path in paths.items():
    axes[1].plot(range(301, 401), path[-100:], label=name)
axes[1].set(xlabel="step", ylabel="w", title="The last hundred steps", ylim=(-0.04, 0.17))
axes[1].legend(loc="upper right", fontsize=8)
arrived = int(np.argmax(paths["proximal, rate 0.1"] == 0))
show(
    fig,
    alt="Left: three curves with dots at their minima, the one with L1 in a kink at zero. Right: the last hundred steps of four "
    "walks, three of which move about zero, while the proximal one lies on it.",
    reading=f"The proximal walk is at zero, exactly and for good, from step {arrived} on. Gradient descent jumps: at rate 0.1 "
    f"by up to {abs(paths['gradient, rate 0.1'][-100:]).max():.3f} from zero, at 0.01 by "
    f"{abs(paths['gradient, rate 0.01'][-100:]).max():.4f}, and η(λ + b) is {0.1 * (λ + b):g} and {0.01 * (λ + b):g}. "
    f"Adam is within {abs(paths['Adam, rate 0.01'][-100:]).max():.4f}.",
)

# %% [markdown]
# ## 3 · Zeros in a network
#
# Now the network, by SGD. `shrink` is the soft threshold from above, for tensors:


# %%
class ProximalSGD(SGD):
    def __init__(self, params, lr, l1):
        super().__init__(params, lr)
        self.l1 = l1

    @torch.no_grad()
    def step(self):
        super().step()  # downhill on the data's loss alone
        for group in self.param_groups:
            for w in group["params"]:
                if w.dim() >= 2:  # weights, no biases
                    w.copy_(shrink(w, group["lr"] * self.l1))


sgd = {"optimizer": SGD, "lr": lr_sgd}
more = {"plain, SGD": sgd}
more |= {f"L2 {λ:g}, SGD": sgd | {"weight_decay": λ} for λ in l2_strengths}
more["L1, SGD"] = sgd | {"l1_strength": λ1}
more["L1, proximal"] = {"optimizer": ProximalSGD, "lr": lr_sgd, "l1": λ1}
trained |= train_all(more)

# %% [markdown]
# A common shortcut takes a weight for zero where $|w|\le 0.001$. **Predict.** By that count, and at the same λ, do SGD
# with the L1 term and the proximal step differ much? And in exact zeros?

# %%
prediction = None  # "in both", "in neither" or "in exact zeros only"

# %% tags=["fold"]
# table: weights below a threshold, exact zeros and validation accuracy, by penalty and optimizer
rows = {name: name for name in ("plain, SGD", "L2, SGD", "L1, SGD", "L1, proximal")}
rows |= {"L2, SGD": f"L2 {λ2:g}, SGD", "L1, Adam": f"L1 {λ1:g}"}
near = {name: np.array([sparsity(m, 1e-3) for m in networks]) for name, networks in trained.items()}
zero = {name: np.array([sparsity(m) for m in networks]) for name, networks in trained.items()}
whole = {name: scores(networks, val) for name, networks in trained.items()}
print(f"λ of L2 {λ2:g}, of L1 {λ1:g}     |w| ≤ 0.001   exactly 0   validation accuracy")
for row, name in rows.items():
    mean, half, _ = mean_and_interval(whole[name])
    print(f"{row:24} {near[name].mean():9.1%} {zero[name].mean():11.1%}    {100 * mean:.1f} ± {100 * half:.1f} %")
apart = [100 * abs(share["L1, proximal"] - share["L1, SGD"]).mean() for share in (near, zero)]
print(f"L1 by SGD and by the proximal step are {apart[0]:.1f} points apart by the shortcut, {apart[1]:.1f} in exact zeros.",
      f"You said: {prediction}." if prediction else "(No prediction.)")  # fmt: skip

# %% tags=["fold"]
# figure: for every threshold, the share of weights that lie below it
fig, ax = plt.subplots()
thresholds = np.logspace(-8, 0, 200)
for row in ("plain, SGD", "L1, SGD", "L1, Adam", "L1, proximal"):
    sizes = [
        torch.cat([p.detach().abs().flatten() for p in m.parameters() if p.dim() > 1]).cpu().numpy() for m in trained[rows[row]]
    ]
    ax.plot(thresholds, np.mean([np.searchsorted(np.sort(v), thresholds, "right") / len(v) for v in sizes], 0), label=row)
ax.axvline(lr_sgd * λ1, color="0.5", linewidth=1, linestyle="-")
ax.text(lr_sgd * λ1 * 1.15, 0.3, "SGD's rate\ntimes λ", fontsize=8)
ax.set(
    xscale="log",
    xlabel="threshold",
    ylabel="share of weights at or below it",
    title=f"Same λ: {zero['L1, proximal'].mean():.0%} exact zeros by the proximal step, {zero['L1, SGD'].mean():.0%} by SGD",
)
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend()
tiny = 1e-6
below = {row: np.mean([sparsity(m, tiny) for m in trained[rows[row]]]) for row in ("L1, proximal", "L1, SGD", "L1, Adam")}
show(
    fig,
    alt="Share of weights below a threshold, by threshold; the proximal curve begins high at the left edge, the others at zero.",
    reading=f"At or below {tiny:g} the proximal step has {below['L1, proximal']:.0%} of the weights, SGD {below['L1, SGD']:.0%} "
    f"and Adam {below['L1, Adam']:.0%}; at or below 0.001 {near['L1, proximal'].mean():.0%}, {near['L1, SGD'].mean():.0%} and "
    f"{near[rows['L1, Adam']].mean():.0%}. SGD chatters about as wide as rate times λ; Adam divides by past gradients, and "
    "has a width of its own.",
)

# %% tags=["fold"]
# claim 06.2, on test pictures: what exact zeros cost
claims.same(
    "06.2",
    "Exact zeros cost nothing beyond what the L1 term costs: at the same λ, networks from the proximal step and from the term in "
    "the loss read equally well, to within a point.",
    scores(trained["L1, proximal"], test),
    scores(trained["L1, SGD"], test),
    names=("by the proximal step", "with the term in the loss"),
    margin=0.01,
    unit="points",
    over="training runs on these pictures",
)

# %% tags=["fold"]
# a table from lecture notes, run again with intervals: sparsity on MNIST (more in the deep dive on these tables)
quote("mnist_sparsity")

# %% [markdown]
# "L1 regularization helps drive the weights of irrelevant or barely relevant features to exactly 0", says
# [Google's glossary](https://developers.google.com/machine-learning/glossary#l1-regularization). That is true of the minimum, and
# of solvers that know about the kink, as the Lasso's do. An optimizer that is only given the gradient hovers.
#
# ## 4 · What is it worth?
#
# Cut three kinds of network, all from SGD: plain ones, L1's with hardly an exact zero, and L1's with many. If the second kind
# beats the first, that is L1's doing; if the third beats the second, it is the zeros'.
#
# Han and others (2015) deleted small weights and then **trained on**, with the deleted ones held at zero, in several turns;
# trained on, L2 had prepared their large networks better than L1. Do it in one cut (*one-shot*), then a quarter of the epochs
# by Adam without any penalty:


# %%
def train_on(network, s):
    adam, n = Adam(network.parameters(), lr=lr), max(1, epochs // 4)
    how = {"epochs": n, "batch_size": 32, "evaluate_every": n, "progress": False}
    fit(network, train, val, adam, seed=s, **how)
    return network


# %% [markdown]
# **Predict.** Plain training, a tenth of the weights kept, then trained on: how many points below the whole network?

# %%
prediction = None  # a number of points

# %%
few = [0.1, 0.05, 0.02]
tuned = {
    (name, share): [train_on(keep_largest(m, share), s) for m, s in zip(trained[name], seeds)]
    for name in ("plain, SGD", "L1, proximal")
    for share in few
}
by_l2 = {λ: [train_on(keep_largest(m, few[-1]), s)
             for m, s in zip(trained[f"L2 {λ:g}, SGD"], seeds)] for λ in l2_strengths}  # fmt: skip

# %% tags=["fold"]
# figure: accuracy by the share of weights that stay, cut only and cut and trained on
fig, ax = plt.subplots()
cut = {name: np.array([scores([keep_largest(m, s) for m in trained[name]], val) for s in shares])
       for name in ("plain, SGD", "L1, SGD", "L1, proximal")}  # fmt: skip
for (name, rows_of), color, style in zip(cut.items(), ("C0", "C2", "C1"), (":", "--", ":"), strict=True):
    mean, half = zip(*[mean_and_interval(row)[:2] for row in rows_of], strict=True)
    ax.errorbar(shares, mean, half, color=color, linestyle=style, marker="o", capsize=2, label=f"{name}: cut")
    if (name, few[0]) in tuned:
        mean, half = zip(*[mean_and_interval(scores(tuned[name, s], val))[:2] for s in few], strict=True)
        ax.errorbar(few, mean, half, color=color, linestyle="-", marker="s", capsize=2, label=f"{name}: cut, trained on")
after = {key: scores(networks, val).mean() for key, networks in tuned.items()}
prepared_by_l2 = {λ: scores(networks, val).mean() for λ, networks in by_l2.items()}
best_l2 = max(prepared_by_l2, key=prepared_by_l2.get)
ax.plot(few[-1], prepared_by_l2[best_l2], "k^", markersize=8, zorder=3, label=f"L2 {best_l2:g}: cut, trained on")
ax.set(
    xscale="log",
    xlabel="share of the weights that stay, the largest ones",
    ylabel="validation accuracy",
    xticks=shares,
    xticklabels=[f"{s:.0%}" for s in shares],
    ylim=(min(after.values()) - 0.04, 1),
    title=f"Trained on with 2 %: plain {after['plain, SGD', 0.02]:.0%}, after L2 {prepared_by_l2[best_l2]:.0%}, "
    f"after L1 {after['L1, proximal', 0.02]:.0%}",
)
ax.invert_xaxis()
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend(loc="lower left", title=f"95 %, n = {n_runs}")
fall = 100 * (whole["plain, SGD"].mean() - after["plain, SGD", 0.1])
yours = f" You said {prediction}." if prediction is not None else ""
show(
    fig,
    alt="Accuracy against the share of weights that stay, for plain networks, for L1's with and without exact zeros, cut only; "
    "and for plain and proximal ones after training on.",
    reading=f"With a tenth of its weights, trained on, the plain network reads {fall:.1f} points less than whole.{yours} "
    f"Merely cut to 2 %, L1's read {cut['L1, SGD'][-1].mean():.0%} with hardly an exact zero and "
    f"{cut['L1, proximal'][-1].mean():.0%} with many. Cut to 2 % and trained on: plain {after['plain, SGD', 0.02]:.0%}, L2 "
    f"{prepared_by_l2[best_l2]:.0%} (λ = {best_l2:g}, the best of {len(l2_strengths)}), L1 {after['L1, proximal', 0.02]:.0%}.",
)
print(f"Plain networks, merely cut to a twentieth: {cut['plain, SGD'][at_5].mean():.0%} from SGD, {plain_5:.0%} from Adam.")

# %% tags=["fold"]
# claims 06.3 to 06.5, on test pictures: what exact zeros are worth; pruning needs no L1, until little is left
claims.same(
    "06.3",
    "Cut to a fiftieth, networks that L1 left with hardly an exact zero read as well as those with many, to within two points.",
    scores([keep_largest(m, 0.02) for m in trained["L1, SGD"]], test),
    scores([keep_largest(m, 0.02) for m in trained["L1, proximal"]], test),
    names=("with hardly an exact zero", "with many"),
    margin=0.02,
    unit="points",
    over="training runs on these pictures",
)
claims.same(
    "06.4",
    "Cut to a tenth in one cut and trained on, a network by SGD that never saw a penalty stays within two points of its whole "
    "accuracy.",
    scores(tuned["plain, SGD", 0.1], test),
    scores(trained["plain, SGD"], test),
    names=("with a tenth", "whole"),
    margin=0.02,
    unit="points",
    over="training runs on these pictures",
)
claims.compare(
    "06.5",
    "Cut to a fiftieth in one cut and trained on, a network by SGD that L1 had prepared reads better than one that L2 had, at "
    "the best of its strengths.",
    scores(tuned["L1, proximal", 0.02], test),
    scores(by_l2[best_l2], test),
    names=("prepared by L1", "by L2"),
    unit="points",
    over="training runs on these pictures",
)

# %% [markdown]
# Where L1's two curves agree, the gain is L1's: it gathers what matters in few weights. Exact zeros then only say how much may
# go for nothing. L1 against L2 need not end as it did for Han: we cut once, a small network, very far; which of these decides,
# we have not tried. Without a penalty, the optimizer, or its learning rate, decides what a cut costs (printed above).
#
# And in bytes? A sparse format must also say *where* its numbers are. CSR, which stores a column with every
# number (compressed sparse rows), on one layer:


# %%
def n_bytes(w, share):
    w = torch.where(w.abs() >= w.abs().quantile(1 - share), w, 0).to_sparse_csr()
    return sum(t.nbytes for t in (w.values(), w.col_indices(), w.crow_indices()))


w = trained["plain, SGD"][0][4].weight.detach().cpu()  # first run, second layer: 128 × 128
for share in (0.5, 0.05):
    print(f"{share:.0%} stay: {n_bytes(w, share) / w.nbytes:.0%} of dense")

# %% [markdown]
# PyTorch spends 8 bytes on each position, twice the number's own 4: it saves bytes once less than a third stays. Time it saves
# none in an ordinary dense product, which multiplies by scattered zeros as well.
#
# ## 5 · Which weight goes first?
#
# So far we ranked by size. Let the data's bowl be steep in one direction and flat in another:
# $\sum_j\frac{h_j}2(w_j-b_j)^2$, plus $\lambda\sum_j|w_j|$, for two weights with curvatures $h$ = 0.15 and 1, and $b$ = 1.5 and
# 0.8. (A bound on $\sum_j|w_j|$ gives the same: the lowest contour that touches a diamond, drawn bold.) **Predict** which of
# them L1 takes first as λ grows.

# %%
prediction = None  # "large" or "small"

# %% tags=["fold"]
# figure: the minima for growing λ in a bowl that is flat in one direction, with L1 and with L2
h, target = np.array([0.15, 1.0]), np.array([1.5, 0.8])
strengths = np.linspace(0, 1, 401)[:, None]
by_l1, by_l2 = ours(target, strengths / h), h * target / (h + 200 * strengths**4)
fig, ax = plt.subplots(figsize=(6.4, 3.6))
u, v = np.meshgrid(np.linspace(-0.7, 2.2, 200), np.linspace(-0.6, 1.2, 200))
bowl = h[0] * (u - target[0]) ** 2 + h[1] * (v - target[1]) ** 2
corner = by_l1[strengths[:, 0] > h[0] * target[0] * 2][0]
radius, level = corner.sum(), (h * (corner - target) ** 2).sum()
ax.contour(u, v, bowl, 9, colors="0.8", linewidths=0.8)
ax.contour(u, v, bowl, [level], colors="0.4", linewidths=1.8)
ax.plot(radius * np.array([1, 0, -1, 0, 1]), radius * np.array([0, 1, 0, -1, 0]), color="0.2", linewidth=2)
ax.plot(*by_l1.T, label="minima with L1, λ growing")
ax.plot(*by_l2.T, label="with L2")
ax.plot(*by_l1[::40].T, marker=".", color="C0", linestyle="none")
ax.plot(*target, marker="o", color="black")
first = int((by_l1 == 0).sum(0).argmax())
size = "larger" if target[first] == target.max() else "smaller"
ax.set(xlabel="first weight", ylabel="second weight", aspect="equal", title=f"L1 takes the {size} weight first, at a corner")
ax.legend(loc="lower right", frameon=True, framealpha=1)
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Contours of an elongated bowl, a bold one touching a diamond around the origin at its corner; "
    "the path of L1's minima meets an axis and follows it, "
    "L2's path bends into the origin.",
    reading=f"The {size} weight reaches zero first: the path of L1 runs into the axis, where the diamond of equal sums |w| has "
    f"its corner and the bold contour touches it, and follows it (a dot each 0.1 of λ). "
    f"L2's path meets no axis before the end.{yours}",
)

# %% [markdown]
# ### Exercise 6.2 · The order of leaving
#
# Given the arrays `h` and `b` of such a bowl, in which order do the weights become zero as λ grows? Return their indices, the
# first to leave first.
#
# <details><summary>Hint 1</summary>Divide one weight's part by h: it is the problem of section 2, with another t.</details>
# <details><summary>Hint 2</summary>When does soft(b, λ/h) become zero?</details>


# %% tags=["stub"]
def leaving_order(h, b): ...


checks.check_6_2(leaving_order)


# %% tags=["solution"]
def leaving_order(h, b):
    return np.argsort(h * np.abs(b))


checks.check_6_2(leaving_order)

# %% [markdown]
# <details><summary>The answer, and a score from 1989</summary>
# What goes first is what the data hold least, h|b|. Removing a weight costs hb²/2, the score by which Optimal Brain Damage
# pruned. That does not change when an input is rescaled; |w|, by which we ranked, does, and so does h|b|.</details>
#
# Scale an input by ten, and its weight shrinks to a tenth, though it matters as before, and L1 spares it: standardize first.
#
# ## 6 · When it goes wrong
#
# ### Exercise 6.3 · Sparse, and nothing has changed
#
# Two layers with a ReLU between them: `relu(x @ w_in.T + b_in) @ w_out.T`. Multiply `w_in` by `c` > 0. What must become of
# `b_in` and `w_out`, so that the output stays the same? Return all three.
#
# <details><summary>Hint 1</summary>relu(c z) = c relu(z) for c > 0.</details>
# <details><summary>Hint 2</summary>The hidden values must all grow by c; who undoes it?</details>


# %% tags=["stub"]
def rescale(w_in, b_in, w_out, c): ...


checks.check_6_3(rescale)


# %% tags=["solution"]
def rescale(w_in, b_in, w_out, c):
    return c * w_in, c * b_in, w_out / c


checks.check_6_3(rescale)


# %% tags=["fold"]
# the plain networks, both hidden layers rescaled (by yours, if it passed) to fool the count; powers of two round nothing
def our_rescale(w_in, b_in, w_out, c):
    return c * w_in, c * b_in, w_out / c


mine = rescale if checks.check_6_3(rescale).startswith("passed") else our_rescale


@torch.no_grad()
def rescaled(network):
    twin = deepcopy(network)
    for first, second, c in ((twin[1], twin[4], 2.0**-13), (twin[4], twin[7], 2.0**-20)):
        tensors = first.weight, first.bias, second.weight
        for tensor, value in zip(tensors, mine(*[t.cpu().numpy().copy() for t in tensors], c), strict=True):
            tensor.copy_(torch.as_tensor(np.asarray(value)))
    return twin


def keep_by_layer(network, share):
    network = deepcopy(network)
    for layer in (network[1], network[4], network[7]):
        prune.l1_unstructured(layer, "weight", amount=1 - share)
    return network


twins = [rescaled(m) for m in trained["plain, SGD"]]
with torch.no_grad():
    moved = max((m(val[0]) - twin(val[0])).abs().max().item() for m, twin in zip(trained["plain, SGD"], twins, strict=True))
counted = np.mean([sparsity(twin, 1e-3) for twin in twins])
cut_plain, cut_twins = (scores([keep_largest(m, 0.2) for m in group], val) for group in (trained["plain, SGD"], twins))
print(f"|w| ≤ 0.001: {near['plain, SGD'].mean():.1%} before, {counted:.1%} after; outputs moved by at most {moved:g}")
by_layer = [scores([keep_by_layer(m, 0.2) for m in group], val).mean() for group in (trained["plain, SGD"], twins)]
print(f"a fifth of every layer kept: {by_layer[0]:.1%} of the pictures read before, {by_layer[1]:.1%} after")
first = np.mean([keep_largest(twin, 0.2)[1].weight.count_nonzero().item() for twin in twins])
print(f"a fifth kept, ranked over all layers: {cut_plain.mean():.1%} before, {cut_twins.mean():.1%} after, "
      f"with {first:.0f} weights left in the first layer")  # fmt: skip

# %% [markdown]
# A count below a threshold belongs to one way of writing a function down, and so does a ranking *across* layers; an exact zero
# survives, as $c\cdot0=0$. Pruning each layer by itself (`prune.l1_unstructured`) does not see this scale.
#
# Another trap: after `prune`, the parameter is called `weight_orig` and is still full of numbers. Count after `prune.remove`:

# %%
pruned = keep_largest(trained["plain, SGD"][0], 0.05)
before = sparsity(pruned)
for layer in (pruned[1], pruned[4], pruned[7]):
    prune.remove(layer, "weight")
print(f"exact zeros: {before:.0%} with the mask, {sparsity(pruned):.0%} after prune.remove")

# %% [markdown]
# ## What to take along
#
# * L1's minimum has zeros; its gradient does not reach them. The soft threshold does.
# * Count exact zeros, or say the threshold, the rate and the scale with it.
# * Compare a pruned network with a plain one that was cut and trained on too: much of the gain may be there already.
# * To learn what exact zeros are worth, cut L1's networks without them too. In bytes, it depends on the format.
#
# **On your own model:** `for share in (0.5, 0.2, 0.1, 0.05): ...` prune a copy, train it on briefly, and look at the share at
# which validation accuracy falls by more than you would give. Gale et al. (2019) found simple magnitude pruning as good as
# complex methods or better, on large networks; Blalock et al. (2020) write why such comparisons are hard; Frankle & Carbin (2019)
# trained the survivors from their initial weights.
#
# **References.** Tibshirani 1996, [JRSS B 58](https://doi.org/10.1111/j.2517-6161.1996.tb02080.x) ·
# Parikh & Boyd 2014, [Proximal Algorithms](https://web.stanford.edu/~boyd/papers/prox_algs.html) ·
# LeCun, Denker, Solla 1989,
# [Optimal Brain Damage](https://proceedings.neurips.cc/paper/1989/hash/6c9882bbac1c7093bd25041881277658-Abstract.html) ·
# Han et al. 2015, [arXiv:1506.02626](https://arxiv.org/abs/1506.02626) ·
# Frankle & Carbin 2019, [arXiv:1803.03635](https://arxiv.org/abs/1803.03635) ·
# Gale et al. 2019, [arXiv:1902.09574](https://arxiv.org/abs/1902.09574) ·
# Blalock et al. 2020, [arXiv:2003.03033](https://arxiv.org/abs/2003.03033)
#
# **Next:** [07 · Normalization](07_normalization.ipynb).

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
claims.table()
metrics = {"zeros_proximal": zero["L1, proximal"].mean(), "zeros_sgd": zero["L1, SGD"].mean()}
metrics |= {f"val_plain_{s:g}": after["plain, SGD", s] for s in few} | {f"val_l1_{s:g}": after["L1, proximal", s] for s in few}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (45).** 4 hook and prediction · 6 section 1 (count the zeros aloud) · 12 exercise 6.1, in pairs, with three
# sketches: b large, b small, b negative · 7 section 3 · 6 section 4 · 5 exercise 6.2 · 5 exercise 6.3. **When short:** section
# 5 and exercise 6.3.
# **Ask before running:** why can a constant force stop where a fading one cannot? What would the curve of thresholds look like
# with half the rate?
# **Expect:** `b - t * sign(b)` (steps across zero: the bug of section 2 again); hard threshold; "half the weights, half the
# bytes".
