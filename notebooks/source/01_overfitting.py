# %% [markdown]
# # 01 · Overfitting
#
# **The question:** when does low training error lie?
#
# **Time:** 60 minutes. **You need:** lesson 00, a first course in linear algebra (least squares, singular values) and
# the idea of a standard error.
#
# At the end you will be able to
# 1. *train* with the course's one loop and *say* what each of its lines is for,
# 2. *decompose* an error into bias, variance and noise, and *predict* when more capacity hurts and when it helps,
# 3. *tell* a real difference between two models from luck, from selection and from a leak.

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] the first random seed; run k uses seed + k
n_runs: int = 8  # [3, 30] runs behind every interval, each with its own split of the digits
device: str = "cpu"  # {"cpu", "cuda"} where networks train
n_train: int = 200  # [100, 500] training digits, where they are not varied
n_hidden: int = 256  # [64, 1024] hidden units, where they are not varied
epochs: int = 60  # [20, 300] passes over the training set
lr: float = 0.003  # [0.0003, 0.01] learning rate of AdamW
noise_std: float = 0.3  # [0.05, 1] standard deviation of the noise on the toy curve
degree: int = 12  # [6, 15] degree of the polynomial fitted to the toy curve

# %%
import inspect
import math

import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from numpy.polynomial.legendre import legvander
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from torch.nn import functional

from course_utils import claims as verdicts
from course_utils.checks import lesson_01 as checks
from course_utils.data import load
from course_utils.figures import plot_interval, show, use_course_style
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.training import evaluate, fit

use_course_style()
parameters = check_parameters(In, globals())

# %% [markdown]
# ## Predict
#
# Write down an answer to each before you go on.
# 1. A nearest-neighbor classifier memorizes its training set perfectly. Is it useless on new digits?
# 2. Train the same network with more and more hidden units on few digits. Where does its accuracy on new digits peak?
# 3. Fit 40 noisy points by least squares with 5, 40 and 400 random features. Which of the three predicts best, which worst?
# 4. Two rows of a published table differ by 0.4 points on a test set of 10,000 images. Is the better row better?

# %% [markdown]
# ## 1 · The instrument: one training loop
#
# Everything the course says about a network was measured by one function, `fit`. You should be able to say what each of
# its lines does, so here it is, docstring and all.

# %%
print(inspect.getsource(fit))

# %% [markdown]
# Read it from the top.
#
# * **`check_training`** refuses settings it cannot train with, before any time is spent.
# * **`run_generators(seed)`** makes two private random streams, one for the order of the examples and one for dropout. The
#   global generator is left alone, so two runs in one notebook cannot disturb each other, and two models trained with the
#   same seed see the same batches in the same order. That is what makes them comparable *in pairs*.
# * **`model.train()`** puts dropout and batch normalization into training mode. **`batches`** shuffles anew in each epoch
#   and leaves out an incomplete last batch.
# * **`task_loss`** is what the task asks for; **`objective`** is what is minimized. They differ by the penalty. Reporting
#   the objective as "the loss" is a common way to fool oneself: it rises with the penalty and not with the error.
# * **`zero_grad`, `backward`, `step`**: forget the gradient of the last step, compute this one's, move. `loss.detach()`
#   keeps the number and lets go of the graph behind it.
# * **`evaluate`**, twice: the loss and accuracy on the *training* set too are measured in eval mode, at the end of the epoch,
#   with the weights frozen. The running `loss` is an average over weights that were still changing (and over dropout
#   masks), so it must not be subtracted from a validation loss.
# * **the checks at the end of the epoch**: a loss that is not finite ends the run, and `patience` ends it when the validation
#   loss has not improved for that many epochs; then the best weights, kept by `snapshot`, are put back.
#
# Without the conveniences, what is left is short enough to write again.


# %%
def minimal_fit(model, train, val, optimizer, *, epochs, batch_size=64, seed=0, forget_zero_grad=False):
    (x, y), rows = train, []
    order = torch.Generator().manual_seed(1_000_003 * seed + 1)
    n_batches = len(x) // batch_size
    for epoch in range(epochs):
        model.train()
        for index in torch.randperm(len(x), generator=order)[: n_batches * batch_size].view(n_batches, batch_size):
            loss = functional.cross_entropy(model(x[index]), y[index])
            if not forget_zero_grad:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        rows.append({"epoch": epoch} | evaluate(model, *train, "train_") | evaluate(model, *val, "val_"))
    return pd.DataFrame(rows)


# %% [markdown]
# Each run of this lesson gets its own split of the digits: its own training, validation and test images. An interval over
# runs then says what would happen with *other data*, which is the question, and not only with other initial weights.
#
# The wrong variant of the short loop is the oldest bug of PyTorch: without `zero_grad` the gradients of all earlier steps add
# up. Nothing crashes and no warning appears, so only a comparison with a correct loop finds it.
#
# A lesson needs many runs, and `train_runs` trains them together. It is faster, and it is allowed only because it gives the
# same numbers: the second claim compares it with `fit`, run by run, and its wrong variant compares the runs in another order.
# Ten epochs are enough to tell.

# %%
splits = [load("digits", seed=seed + k, device=device) for k in range(n_runs)]
few = [(split.train[0][:n_train], split.train[1][:n_train]) for split in splits]


def build(width=n_hidden, p_drop=0.0):
    return mlp(n_hidden=(width,), p_drop=p_drop)


def new_network(k):
    torch.manual_seed(seed + k)
    model = build().to(device)
    return model, torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)


# %%
model, optimizer = new_network(0)
history = fit(model, few[0], splits[0].val, optimizer, epochs=10, seed=seed)
columns = ["train_loss", "train_accuracy", "val_loss", "val_accuracy"]
errors = {}
for forget in (False, True):
    twin, twin_optimizer = new_network(0)
    short = minimal_fit(twin, few[0], splits[0].val, twin_optimizer, epochs=10, seed=seed, forget_zero_grad=forget)
    errors[forget] = abs(history[columns] - short[columns]).to_numpy().max()

# %%
runs = [{"seed": seed + k, "train": few[k], "val": splits[k].val, "lr": lr, "weight_decay": 0.0} for k in range(n_runs)]
together, networks = train_runs(build, few[0], splits[0].val, runs, epochs=epochs)
stacked_loss = together.pivot(index="epoch", columns="run", values="train_loss").to_numpy()[:10, :3]
alone_loss = np.zeros((10, 3))
for k in range(3):
    network, optimizer = new_network(k)
    alone_loss[:, k] = fit(network, few[k], splits[k].val, optimizer, epochs=10, seed=seed + k)["train_loss"]

# %% tags=["nbval-check-output"]
claims = [
    verdicts.exact("01.1", "The short loop gives the same losses and accuracies as fit, epoch by epoch.",
                   errors[False], 1e-6, control=errors[True]),
    verdicts.exact("01.2", "train_runs gives, run by run, the training losses of fit with the same seed.",
                   abs(stacked_loss - alone_loss).max(), 1e-3,
                   control=abs(stacked_loss - alone_loss[:, [1, 2, 0]]).max()),
]  # fmt: skip
display(*claims)

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.2))
plot_interval(ax, together, "epoch", "loss", label="running training loss", color="tab:gray", linestyle=":")
plot_interval(ax, together, "epoch", "train_loss", label="training loss, eval mode", linestyle="--")
plot_interval(ax, together, "epoch", "val_loss", label="validation loss", linestyle="-")
last = together.groupby("epoch")[["train_loss", "val_loss"]].mean().iloc[-1]
ax.set(xlabel="epoch", ylabel="cross-entropy (nats)", yscale="log")
ax.set_title(f"After training, validation loss is {last['val_loss'] / last['train_loss']:.0f} times the training loss")
ax.legend()
show(fig, alt="Loss against epoch on a log scale: both training losses fall steadily; validation loss falls, then stays flat.")

# %% [markdown]
# The dashed and the dotted curve both speak of the training set: the dotted one is averaged while the weights move, so it
# lags behind. The solid curve is what matters, and it parts from the others early. From then on the training loss keeps
# falling and tells nothing more about new digits. That is the subject of this lesson.
#
# ## 2 · Two errors, and how well they are known
#
# For a model $f$ and a loss $\ell$, the **training error** and the **generalization error** are
# $$\hat R(f) = \frac1n \sum_{i=1}^{n} \ell\big(f(x_i), y_i\big), \qquad R(f) = \mathbb{E}_{(x,y)}\,\ell\big(f(x), y\big).$$
# Nobody knows $R$. A test set of $m$ examples that played no part in making $f$ *estimates* it. If the accuracy is $a$, each
# example is a coin that shows "right" with probability $a$, and the estimate has a standard error
# $$\mathrm{SE}(\hat a) = \sqrt{\frac{a(1-a)}{m}}.$$
# The training set cannot be used so: $f$ was chosen to be good on it.
#
# To see that the formula tells the truth, take one trained network and test it again and again, each time on a fresh draw
# of 100 digits from all those it was not trained on.

# %% tags=["nbval-check-output"]
x_new, y_new = (torch.cat(parts) for parts in zip(splits[0].val, splits[0].test, strict=True))
with torch.no_grad():
    right = (networks[0](x_new).argmax(-1) == y_new).cpu().numpy()
draws = right[np.random.default_rng(seed).integers(len(right), size=(4000, 100))].mean(1)
standard_error = math.sqrt(right.mean() * (1 - right.mean()) / 100)
claims += [
    verdicts.within("01.3", "√(a(1-a)/m) predicts how far the accuracy scatters over fresh test sets; 1/(2√m) does not.",
                    draws.std(), standard_error, 0.1 * standard_error, control=0.5 / math.sqrt(100)),
]  # fmt: skip
display(claims[-1])

# %% [markdown]
# **Exercise 1.1.** Two models have true accuracies `a` and `b`. Each is tested on its own test set of `n` examples. Write a
# function that returns the `n` for which the difference is two standard errors of the difference.

# %% tags=["stub"]
answer = None  # def answer(a, b): ...
checks.check_1_1(answer)


# %% tags=["solution"]
def answer(a, b):
    return 2**2 * (a * (1 - a) + b * (1 - b)) / (a - b) ** 2


checks.check_1_1(answer)

# %% [markdown]
# ## 3 · Under-fitted, well fitted, over-fitted
#
# A toy where the truth is known: twenty noisy points of $g(x) = \sin 3x$, fitted by a polynomial of fixed degree in the
# Legendre basis $\phi(x)$, with an L2 penalty on its coefficients (here on the *sum* of squares):
# $$\hat c = \arg\min_c \tfrac12\lVert y - \Phi c\rVert^2 + \tfrac{\lambda}{2}\lVert c\rVert^2
#  = (\Phi^\top \Phi + \lambda I)^{-1} \Phi^\top y.$$
# The model class never changes. Only λ, the course's `l2_strength`, decides how much of it is used.


# %%
def truth(x):
    return np.sin(3 * x)


def ridge(x, y, l2_strength):
    """x, y: (..., n_points); returns the coefficients (..., degree + 1)."""
    features = legvander(x, degree)
    gram = np.einsum("...ni,...nj->...ij", features, features) + l2_strength * np.eye(degree + 1)
    return np.linalg.solve(gram, np.einsum("...ni,...n->...i", features, y)[..., None])[..., 0]


rng = np.random.default_rng(seed)
x_toy = rng.uniform(-1, 1, (400, 20))  # 400 data sets of 20 points each
y_toy = truth(x_toy) + noise_std * rng.standard_normal(x_toy.shape)
grid = np.linspace(-1, 1, 101)
strengths = np.logspace(-4, 2, 13)

# %%
wild = ((ridge(x_toy, y_toy, 1e-4) @ legvander(grid, degree).T - truth(grid)) ** 2).mean(1)
typical = wild.argsort()[len(wild) // 2]  # the data set whose over-fitted error is the median one
fig, axes = plt.subplots(1, 3, figsize=(8.4, 3), sharey=True)
for ax, name, l2_strength in zip(axes, ("under-fitted", "well fitted", "over-fitted"), (100, 0.3, 1e-4), strict=True):
    coefficients = ridge(x_toy[typical], y_toy[typical], l2_strength)
    train_error = ((legvander(x_toy[typical], degree) @ coefficients - y_toy[typical]) ** 2).mean()
    true_error = ((legvander(grid, degree) @ coefficients - truth(grid)) ** 2).mean()
    ax.plot(grid, truth(grid), color="black", linestyle=":", label="truth")
    ax.plot(grid, legvander(grid, degree) @ coefficients, linestyle="-", label="fit")
    ax.plot(x_toy[typical], y_toy[typical], "o", color="tab:gray", label="data")
    ax.set(xlabel="x", ylim=(-2.2, 2.2))
    ax.set_title(f"{name}, λ = {l2_strength:g}\ntrain {train_error:.2g}, true {true_error:.2g}")
axes[0].set_ylabel("y")
axes[0].legend()
show(fig, alt="Three fits to the same noisy sine: a nearly flat line, a curve close to the sine, and a curve that swings.")

# %% [markdown]
# From left to right the training error falls. The true error, the mean squared distance from the dotted curve, falls and
# then rises: the right-hand curve bends to reach single points, swings between them, and leaves the picture where there are
# none. From the training errors alone you would have chosen that one.
#
# ### Bias, variance, and the identity that ties them
#
# Draw the data set many times. At a point $x$ the prediction $\hat f(x)$ scatters around its mean $\bar f(x)$, and
# $$\underbrace{\mathbb{E}\big(\hat f - g\big)^2}_{\text{MSE}}
#  = \underbrace{\big(\bar f - g\big)^2}_{\text{bias}^2}
#  + \underbrace{\mathbb{E}\big(\hat f - \bar f\big)^2}_{\text{variance}},$$
# because the cross term $2(\bar f - g)\,\mathbb{E}(\hat f - \bar f)$ is zero. Against *noisy* targets the noise variance
# $\sigma^2$ comes on top, and no model can remove it. The identity holds for averages over a finite number of data sets
# just as well, to the last digit, provided the variance divides by their number $n$ and not by $n - 1$.

# %%
rows = []
for l2_strength in strengths:
    coefficients = ridge(x_toy, y_toy, l2_strength)
    predictions = coefficients @ legvander(grid, degree).T
    fitted = np.einsum("rni,ri->rn", legvander(x_toy, degree), coefficients)
    bias2 = ((predictions.mean(0) - truth(grid)) ** 2).mean()
    mse = ((predictions - truth(grid)) ** 2).mean()
    rows.append([bias2, predictions.var(0).mean(), predictions.var(0, ddof=1).mean(), mse, ((fitted - y_toy) ** 2).mean()])
tradeoff = pd.DataFrame(rows, index=strengths, columns=["bias²", "variance", "variance by n - 1", "MSE", "training error"])


# %%
def off_by(variance):
    """Largest relative violation of bias² + variance = MSE."""
    return (abs(tradeoff["bias²"] + tradeoff[variance] - tradeoff["MSE"]) / tradeoff["MSE"]).max()


def has_interior_minimum(curve):
    return 0 < np.argmin(curve) < len(curve) - 1


trades = tradeoff["variance"].is_monotonic_decreasing and tradeoff["bias²"].iloc[-4:].is_monotonic_increasing
best = tradeoff["MSE"].idxmin()
fig, ax = plt.subplots(figsize=(6.4, 3.2))
tradeoff[["bias²", "variance", "MSE"]].plot(ax=ax, logx=True, logy=True, style=["--", "-.", "-"])
tradeoff["training error"].plot(ax=ax, logx=True, logy=True, color="tab:gray", linestyle=":")
ax.set(xlabel="λ (l2_strength)", ylabel="squared error")
ax.set_title(f"Smallest true error at λ = {best:.2g}, smallest training error at {tradeoff['training error'].idxmin():.2g}")
ax.legend(loc="upper center")
show(fig, alt="Log-log curves over λ: variance falls, bias squared rises, their sum is a U; training error only rises.")

# %% tags=["nbval-check-output"]
claims += [
    verdicts.exact("01.4", "bias² + variance = mean squared error, for averages over the same data sets.",
                   off_by("variance"), 1e-12, control=off_by("variance by n - 1"), source="Geman et al. 1992"),
    verdicts.holds("01.5", "With λ variance falls and bias rises; the true error is smallest in between.",
                   trades and has_interior_minimum(tradeoff["MSE"]), control=has_interior_minimum(tradeoff["training error"]),
                   measured=f"best λ {best:.2g}, in a grid from {strengths[0]:g} to {strengths[-1]:g}"),
]  # fmt: skip
display(*claims[-2:])

# %% [markdown]
# At the left the dash-dotted variance is all of the error; at the right the dashed bias is. Regularization moves along this
# curve: it *buys* less variance with more bias. "More regularization is safer" is true only to the left of the minimum. The
# dotted training error knows nothing of all this. (That the dashed curve rises again at the far left is Monte-Carlo noise: an
# average over finitely many data sets keeps a part of the variance, and that part is counted as bias.)
#
# **Exercise 1.2.** Write the decomposition. `predictions` has one row per data set and one column per point; `truth` has one
# value per point. Return bias² and variance, each averaged over the points.

# %% tags=["stub"]
answer = None  # def answer(predictions, truth): ...; return bias2, variance
checks.check_1_2(answer)


# %% tags=["solution"]
def answer(predictions, truth):
    mean = predictions.mean(0)
    return ((mean - truth) ** 2).mean(), ((predictions - mean) ** 2).mean()


checks.check_1_2(answer)

# %% [markdown]
# ## 4 · Memory is not the opposite of learning
#
# Now shuffle the truth away. Every training label is replaced by a random digit, and the same network learns those. A linear
# classifier gets the same task with all the training digits, as a check on the idea that *any* unconstrained model memorizes.
# And the one-nearest-neighbor classifier, which memorizes by construction, gets the *true* labels.


# %%
def corrupt(y, fraction, seed):
    """Replace about `fraction` of the labels by random ones."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.rand(len(y), generator=generator) < fraction
    random_labels = torch.randint(10, y.shape, generator=generator)
    return torch.where(chosen.to(y.device), random_labels.to(y.device), y)


def run(k, n=n_train, noise=0.0, **settings):
    """The settings of one run of train_runs: run k's own seed, digits and (partly random) labels."""
    x, y = splits[k].train[0][:n], corrupt(splits[k].train[1], noise, seed + k)[:n]
    return {"seed": seed + k, "train": (x, y), "val": splits[k].val, "lr": lr, "weight_decay": 0.0} | settings


# %%
def train(runs, epochs=epochs):
    """The last epoch's row of each run, in order, and the trained models."""
    table, models = train_runs(build, few[0], splits[0].val, runs, epochs=epochs, evaluate_every=epochs)
    return table.groupby("run").last(), models


random_labels, _ = train([run(k, noise=1.0) for k in range(n_runs)], epochs=2 * epochs)
true_labels = together.groupby("run").last()

# %%
linear, neighbor = [], []
for k, split in enumerate(splits):
    (x, y), (x_val, y_val) = [(part[0].flatten(1).cpu().numpy(), part[1].cpu().numpy()) for part in (split.train, split.val)]
    shuffled, with_ones = corrupt(split.train[1], 1.0, seed + k).cpu().numpy(), np.hstack([x, np.ones((len(x), 1))])
    weights = np.linalg.lstsq(with_ones, np.eye(10)[shuffled])[0]
    linear.append(((with_ones @ weights).argmax(1) == shuffled).mean())
    nearest = KNeighborsClassifier(1).fit(x, y)
    neighbor.append((nearest.score(x, y), nearest.score(x_val, y_val)))
neighbor = np.array(neighbor)
print(f"1-NN, true labels: training accuracy {neighbor[:, 0].mean():.3f}, validation accuracy {neighbor[:, 1].mean():.3f}")
print(f"network, random labels: {random_labels['train_accuracy'].mean():.3f} and {random_labels['val_accuracy'].mean():.3f}")

# %% tags=["nbval-check-output"]
ones, n_val = np.ones(n_runs), len(splits[0].val[1])
claims += [
    verdicts.compare("01.6", "The network learns more than 98 % of entirely random labels by heart.",
                     random_labels["train_accuracy"], 0.98 * ones, source="Zhang et al. 2017, arXiv:1611.03530"),
    verdicts.within("01.7", "With random labels its accuracy on new digits is chance, to three standard errors.",
                    random_labels["val_accuracy"].mean(), 0.1, 3 * math.sqrt(0.1 * 0.9 / n_val),
                    control=true_labels["val_accuracy"].mean()),
    verdicts.compare("01.8", "A model that perfectly memorizes its training data is useless: wrong on most new digits.",
                     1 - neighbor[:, 1], 0.5 * neighbor[:, 0], expect="not supported"),
    verdicts.compare("01.9", "Without constraints any model memorizes: a linear classifier learns 98 % of random labels.",
                     linear, 0.98 * ones, expect="not supported"),
]  # fmt: skip
display(*claims[-4:])

# %% [markdown]
# The two networks and the nearest neighbor share one training accuracy, and nothing else. With random labels there was
# nothing to learn, with true labels there was, and *the training error cannot tell the two apart*. Both popular sentences
# fall: perfect memory of true labels can go with excellent predictions, and memorizing needs capacity for it, which a linear
# classifier with fewer weights than the labels demand does not have.
#
# ## 5 · Capacity, data, label noise
#
# Three sweeps over the same network: its width, the number of training digits, and the fraction of random labels (of which
# one in ten is right by chance). Each point is the mean over runs with different splits.

# %%
sweeps = {
    "width": [2, 8, 16, 64, 256, 1024],
    "n": [50, 100, 200, 400, 800],
    "noise": [0.0, 0.2, 0.4, 0.6, 1.0],
}
points = [(name, value, k) for name, values in sweeps.items() for value in values for k in range(n_runs)]
rows, models = train([run(k, **{name: value}) for name, value, k in points])
measured = pd.DataFrame(points, columns=["sweep", "value", "k"])
measured["train"], measured["val"] = rows["train_accuracy"].to_numpy(), rows["val_accuracy"].to_numpy()
measured["gap"] = measured["train"] - measured["val"]


# %%
def at(sweep, value, column):
    """One number per run."""
    chosen = measured[(measured["sweep"] == sweep) & (measured["value"] == value)]
    return chosen.sort_values("k")[column].to_numpy()


best_width = measured[measured["sweep"] == "width"].groupby("value")["val"].mean().idxmax()
titles = {
    "width": ("hidden units", f"best: {best_width:.0f} units"),
    "n": ("training digits", f"gap {at('n', 50, 'gap').mean():.0%} → {at('n', 800, 'gap').mean():.0%}"),
    "noise": ("fraction of random labels", f"at 0.6: gap {at('noise', 0.6, 'gap').mean():.0%}"),
}
fig, axes = plt.subplots(1, 3, figsize=(8.8, 3.1), sharey=True)
for ax, (name, (label, title)) in zip(axes, titles.items(), strict=True):
    chosen = measured[measured["sweep"] == name]
    plot_interval(ax, chosen, "value", "train", label="training", linestyle="--", marker="o")
    plot_interval(ax, chosen, "value", "val", label="validation", linestyle="-", marker="o")
    ax.set(xlabel=label, title=title, xscale="linear" if name == "noise" else "log", ylim=(0, 1.03))
    ax.set_xticks(sweeps[name], [f"{value:g}" for value in sweeps[name]])
    ax.minorticks_off()
axes[0].set_ylabel("accuracy")
axes[1].legend(loc="lower right")
show(fig, alt="Training and validation accuracy over width, training size and label noise, with interval bands.")

# %% tags=["nbval-check-output"]
drop = {column: at("noise", 0.0, column) - at("noise", 0.6, column) for column in ("train", "val")}
claims += [
    verdicts.compare("01.10", "Extra capacity overfits: 1024 hidden units are more than 1 point worse than 16.",
                     at("width", 16, "val"), at("width", 1024, "val"), margin=0.01, expect="not supported"),
    verdicts.compare("01.11", "More training digits close the gap: from 50 to 800 it shrinks by more than 5 points.",
                     at("n", 50, "gap"), at("n", 800, "gap"), margin=0.05),
    verdicts.compare("01.12", "Label noise is hidden: validation accuracy drops by 20 points more than training accuracy.",
                     drop["val"], drop["train"], margin=0.2, source="Zhang et al. 2017, arXiv:1611.03530"),
]  # fmt: skip
display(*claims[-3:])

# %% [markdown]
# In the first panel the training accuracy reaches its ceiling and the validation accuracy does *not* turn down: the widest
# network, with far more weights than digits, is among the best. In the second the training accuracy is at its ceiling
# throughout, while the validation accuracy climbs; the training error of a network this wide carries no information at all.
# In the third the dashed line stays high while the solid one sinks almost as fast as labels are spoiled.
#
# ## 6 · Why the gap alone is the wrong target
#
# Regularization is often *defined* as what reduces the gap $\hat a_\text{train} - \hat a_\text{test}$. But a model that has
# learned nothing has no gap. Let the smallest gap choose among the widths above and an untrained network, and let the best
# validation accuracy choose among the same candidates; then open the test set, once, for the two that were chosen.

# %% tags=["nbval-check-output"]
chosen_by_gap, chosen_by_val = [], []
for k in range(n_runs):
    untrained = new_network(k)[0]
    found = [(evaluate(untrained, *few[k])["accuracy"], evaluate(untrained, *splits[k].val)["accuracy"], untrained)]
    found += [(row.train, row.val, models[i]) for i, row in measured.iterrows() if row.sweep == "width" and row.k == k]
    small_gap = min(found, key=lambda f: abs(f[0] - f[1]))
    best_val = max(found, key=lambda f: f[1])
    chosen_by_gap.append(evaluate(small_gap[2], *splits[k].test)["accuracy"])
    chosen_by_val.append(evaluate(best_val[2], *splits[k].test)["accuracy"])
claims += [
    verdicts.compare("01.13", "The candidate with the smallest gap between training and validation is the best one.",
                     chosen_by_gap, chosen_by_val, expect="not supported"),
]  # fmt: skip
display(claims[-1])

# %% [markdown]
# A small gap says that the two numbers agree; it does not say that they are good. Keep the *pair*, and choose by the second
# of the two.
#
# The same holds for tables that others print. Here are two from a free online lesson on regularization: CIFAR-10, one number
# a row and no intervals, accuracies in percent, all chosen and reported on the test set of 10,000 images.

# %%
dropout = [(0, 95.2, 74.1), (0.1, 93.8, 77.3), (0.3, 91.2, 80.1), (0.5, 87.4, 79.3), (0.7, 78.2, 72.1)]
decay = [(0, 95.1, 74.3), (1e-5, 94.6, 75.9), (1e-4, 92.3, 79.8), (1e-3, 89.1, 80.2), (1e-2, 82.4, 76.1)]
tables = {"dropout": dropout, "weight decay": decay}
published = pd.DataFrame(
    [(name, *row) for name, rows in tables.items() for row in rows], columns=["table", "setting", "train", "test"]
)
published["gap"] = (published["train"] - published["test"]).round(1)
published["gap rank"] = published.groupby("table")["gap"].rank().astype(int)
published["test rank"] = published.groupby("table")["test"].rank(ascending=False).astype(int)
published


# %% [markdown]
# In both tables the smallest gap stands in the last row. In the first table that row has the *worst* test accuracy of all,
# in the second a middling one: gap rank 1 never has test rank 1.
#
# And is the "best" row better than its neighbor? The difference of two accuracies has the standard error of exercise 1.1. (Both
# rows were tested on the same images, so a paired test would be sharper; but the table does not give what it needs.) One
# configuration is printed twice, once in each table: no dropout and no weight decay. It shows what chance alone can do.


# %%
def z_score(a, b, n=10_000):
    """Difference of two test accuracies (percent) in units of its standard error."""
    a, b = a / 100, b / 100
    return (a - b) / math.sqrt((a * (1 - a) + b * (1 - b)) / n)


pairs = {
    "dropout 0.3 over 0.5": (80.1, 79.3),
    "weight decay 1e-3 over 1e-4": (80.2, 79.8),
    "dropout 0.3 over 0.1": (80.1, 77.3),
}
z = {name: z_score(*pair) for name, pair in pairs.items()}
twice_the_same = z_score(74.3, 74.1)  # no dropout and no weight decay: one configuration, printed in both tables
print({name: round(value, 2) for name, value in z.items()}, "the same configuration twice:", round(twice_the_same, 2))

# %% tags=["nbval-check-output"]
claims += [
    verdicts.holds(
        id,
        f"In the published table the gain of {name} exceeds 1.96 standard errors.",
        z[name] > 1.96,
        control=twice_the_same > 1.96,
        measured=f"z = {z[name]:.2f}; the same configuration twice: {twice_the_same:.2f}",
        expect=expected,
    )
    for id, name, expected in zip(("01.14", "01.15", "01.16"), z, 2 * ["not supported"] + ["supported"], strict=True)
]
display(*claims[-3:])

# %% [markdown]
# Two of the three "winners" are ties. The third difference is real for *these two trained networks*. Whether it is one
# between the two *settings*, one run each cannot say: that takes several seeds, as everywhere in this course.
#
# ## 7 · How selection fools you
#
# Choose the best of $k$ candidates by a noisy measurement and the winner's measurement is too good, because the luck was
# chosen along with the model (Cawley and Talbot 2010). For $k$ candidates of *equal* true accuracy and independent noise of
# standard error $\mathrm{SE}$ the winner looks better than it is by
# $$\mathrm{SE}\cdot \mathbb{E}\max(z_1, \dots, z_k), \qquad
#   \mathbb{E}\max = \int z \; \mathrm{d}\big(\Phi(z)^k\big).$$
# Early stopping looks once per epoch, so $k$ may be a hundred. Here is the worst case: a model that does not change at all,
# with an error of one half.


# %%
def expected_maximum(k):
    """E max of k standard normal numbers, by numerical integration."""
    z = np.linspace(-9, 9, 20_001)
    return np.trapezoid(z * np.gradient(stats.norm.cdf(z) ** k, z), z)


looks, sizes = [1, 2, 5, 10, 20, 50, 100], [100, 1000, 10_000]
rng = np.random.default_rng(seed)
optimism = {n: [0.5 - (rng.binomial(n, 0.5, (4000, k)) / n).min(1).mean() for k in looks] for n in sizes}
fig, ax = plt.subplots(figsize=(6.4, 3.2))
for n, color in zip(sizes, ("C0", "C1", "C2"), strict=True):
    ax.plot(looks, [math.sqrt(0.25 / n) * expected_maximum(k) for k in looks], color=color, label=f"theory, {n} examples")
    ax.plot(looks, optimism[n], "o", color=color)
ax.set(xlabel="number of looks k", ylabel="best minus true error (absolute)", xscale="log")
ax.set_title(f"{looks[-1]} looks at {sizes[1]} examples: too good by {optimism[sizes[1]][-1]:.1%} (dots: simulated)")
ax.legend()
show(fig, alt="Optimism of the best of k looks rises with k, and is smaller for larger validation sets; dots lie on the curves.")

# %% [markdown]
# Each curve starts at zero, since one look is honest, and rises slowly. Ten times more validation data lowers it by the
# square root of ten. The epochs of a real run are correlated, so the curve is an upper bound for them; but nobody looks at
# one run only.
#
# Next, a hyperparameter without a meaning: a "lucky number" that only changes the random seed of a small network. Train five of
# them per split, choose the best one on 100 new digits and report its gain there, as is often done. Then ask 600 other new
# digits what that gain is worth. (Each of the seven hundreds takes its turn as the one that chooses.) Two seeds do give two
# networks, so a part of the gain may be real; the last claim asks how large that part is.

# %%
lucky_numbers = [3, 7, 13, 21, 42]
lucky_runs = [run(k, width=16, seed=seed + 1000 * lucky + k) for k in range(n_runs) for lucky in lucky_numbers]
_, lucky_models = train(lucky_runs)
new = [[torch.cat(parts)[:700] for parts in zip(split.val, split.test, strict=True)] for split in splits]
by_hundred = [
    [evaluate(m, x, y)["accuracy"] for x, y in zip(new[i // 5][0].split(100), new[i // 5][1].split(100), strict=True)]
    for i, m in enumerate(lucky_models)
]

# %% tags=["nbval-check-output"]
looked_at = np.reshape(by_hundred, (n_runs, 5, 7))  # accuracy of each lucky number on each hundred
fresh = (looked_at.sum(2, keepdims=True) - looked_at) / 6  # its accuracy on the six other hundreds
winner = looked_at.argmax(1, keepdims=True)
reported_gain = (looked_at.max(1) - looked_at.mean(1)).mean(1)
honest_gain = (np.take_along_axis(fresh, winner, 1)[:, 0] - fresh.mean(1)).mean(1)
claims += [
    verdicts.within("01.17", "The best of 100 looks at a fixed model is too good by the expected maximum of 100 normals.",
                    optimism[1000][-1], math.sqrt(0.25 / 1000) * expected_maximum(100), 0.002, control=0.0),
    verdicts.compare("01.18", "Chosen and reported on the same digits, a meaningless hyperparameter helps.",
                     reported_gain, np.zeros(n_runs)),
    verdicts.compare("01.19", "The gain of that hyperparameter is still more than one point on digits not looked at.",
                     honest_gain, np.zeros(n_runs), margin=0.01, expect="not supported"),
]  # fmt: skip
display(*claims[-3:])

# %% [markdown]
# **Exercise 1.3.** `val` and `test` hold the accuracies of the same candidates on the two sets. Return the one number you
# may print as the accuracy of your best model.

# %% tags=["stub"]
answer = None  # def answer(val, test): ...
checks.check_1_3(answer)


# %% tags=["solution"]
def answer(val, test):
    return test[np.argmax(val)]


checks.check_1_3(answer)

# %% [markdown]
# ### Early stopping, tested like a program
#
# Early stopping is the most common selection of all, and its few lines are easy to get wrong: a tie counted as progress, a
# loss that is not a number, the best weights never put back. And its assumption, that the validation loss falls once and
# then rises, can fail. Feed the loop losses whose answer is known.


# %%
def early_stop(val_losses, patience):
    """(epochs run, best epoch), both as fit would have it: only a strictly lower loss counts as better."""
    best, best_epoch = math.inf, -1
    for epoch, loss in enumerate(val_losses):
        if loss < best:
            best, best_epoch = loss, epoch
        if epoch - best_epoch >= patience:
            break
    return epoch + 1, best_epoch


hump = [1.0, 0.7, 0.55, *np.linspace(0.6, 0.9, 12), *np.linspace(0.85, 0.27, 25)]
scripts = {"tie": [1.0, 0.5, 0.5, 0.5, 0.5, 0.4], "not a number": [1.0, 0.8, *4 * [math.nan]], "two descents": hump}
stops = {name: (*early_stop(losses, 3), len(losses), np.nanmin(losses)) for name, losses in scripts.items()}
pd.DataFrame.from_dict(stops, "index", columns=["epochs run", "best epoch", "epochs available", "lowest loss of all"])

# %% tags=["nbval-check-output"]
noisy = run(0, noise=0.4)
model, optimizer = new_network(0)
stopped = fit(model, noisy["train"], noisy["val"], optimizer, epochs=epochs, seed=seed, patience=8)
restored_loss = evaluate(model, *noisy["val"])["loss"]
claims += [
    verdicts.exact("01.20", "fit with patience returns the weights of the best epoch, not of the last one.",
                   abs(restored_loss - stopped["val_loss"].min()), 1e-6,
                   control=abs(stopped["val_loss"].iloc[-1] - stopped["val_loss"].min())),
    verdicts.holds("01.21", "Early stopping keeps the lowest validation loss that the full run would have reached.",
                   hump[stops["two descents"][1]] == min(hump), control=scripts["tie"][stops["tie"][1]] == min(scripts["tie"]),
                   measured=f"loss kept {hump[stops['two descents'][1]]:.2f}, lowest {min(hump):.2f}",
                   source="Nakkiran et al. 2020, arXiv:1912.02292", expect="not supported"),
]  # fmt: skip
display(*claims[-2:])

# %% [markdown]
# With *tie* the equal losses are no progress and the run ends before the lower one; a loss that is not a number is never
# better than anything; and *two descents* stops on the near side of the hump. Such curves are rare but real: validation
# error can fall, rise and fall again over the epochs. Lesson 08 returns to early stopping as a regularizer.
#
# **Exercise 1.4.** Write your own early stopping: given the validation losses of all epochs and a patience, return the number
# of epochs run and the best epoch (counted from 0). A loss that is not a number is no progress; neither is a tie.

# %% tags=["stub"]
answer = None  # def answer(val_losses, patience): ...; return n_epochs, best_epoch
checks.check_1_4(answer)


# %% tags=["solution"]
def answer(val_losses, patience):
    best_epoch, waited = None, 0
    for epoch, loss in enumerate(val_losses):
        better = not math.isnan(loss) and (best_epoch is None or loss < val_losses[best_epoch])
        best_epoch, waited = (epoch, 0) if better else (best_epoch, waited + 1)
        if waited >= patience:
            break
    return epoch + 1, best_epoch


checks.check_1_4(answer)

# %% [markdown]
# ## 8 · Past the point of perfect fit
#
# Section 3 changed λ at a fixed model. Now change the model: $p$ random features $\phi_j(x) = \max(0, r_j^\top x)$, fitted
# to $n$ noisy points by least squares. While $p < n$ the fit is unique. At $p = n$ it passes through every point. Beyond, there
# are many perfect fits, and the pseudo-inverse takes the one with the smallest norm,
# $$\hat c = \arg\min \{\lVert c \rVert : \Phi c = y\} = \Phi^+ y .$$
# With the singular values $s_i$ of $\Phi = U S V^\top$, least squares multiplies by $1/s_i$ and ridge by
# $s_i/(s_i^2 + \lambda)$. Where some $s_i$ is nearly zero, the first explodes and the second does not.


# %%
def random_features(p, repetition, l2_strengths, n=40, d=20):
    """Predictions minus truth at 200 test points of the fit with p random features, for each λ (0: minimum norm)."""
    fixed, rng = np.random.default_rng(seed), np.random.default_rng([seed, repetition])
    r, w, x_test = fixed.standard_normal((d, 400)), fixed.standard_normal(d) / np.sqrt(d), fixed.standard_normal((200, d))
    x = rng.standard_normal((n, d))
    y = x @ w + 0.5 * rng.standard_normal(n)
    features, test_features = (np.maximum(part @ r[:, :p] / np.sqrt(d), 0) for part in (x, x_test))
    u, s, vt = np.linalg.svd(features, full_matrices=False)
    factors = [1 / s if l2_strength == 0 else s / (s**2 + l2_strength) for l2_strength in l2_strengths]
    return [test_features @ (vt.T @ (f * (u.T @ y))) - x_test @ w for f in factors]


sizes = [5, 10, 20, 30, 36, 40, 44, 50, 60, 80, 160, 400]
l2_strengths = [0, 0.1, 0.3, 1, 3, 10, 30]
deviation = np.array([[random_features(p, repetition, l2_strengths) for repetition in range(40)] for p in sizes])
error = (deviation**2).mean(-1)  # (sizes, repetitions, strengths)
scatter = ((deviation - np.median(deviation, 1, keepdims=True)) ** 2).mean(-1)  # a variance that one outlier cannot spoil

# %%
min_norm, tuned = np.median(error[..., 0], 1), np.median(error, 1)[:, 1:].min(1)
fig, ax = plt.subplots(figsize=(6.4, 3.2))
ax.plot(sizes, min_norm, marker="o", label="minimum norm, λ = 0")
ax.plot(sizes, np.median(scatter[..., 0], 1), color="C0", linestyle=":", label="its scatter over data sets")
ax.plot(sizes, np.median(error[..., 4], 1), color="C1", marker="s", label="ridge, λ = 3")
ax.plot(sizes, tuned, color="C2", marker="^", label="ridge, best λ for each size")
ax.axvline(40, color="black", linewidth=1, linestyle=":")
ax.set(xlabel="random features p (vertical line: p = n)", ylabel="squared error, median of 40", xscale="log", yscale="log")
ax.set_title(f"The error peaks at p = {sizes[min_norm.argmax()]} and is lowest at p = {sizes[min_norm.argmin()]}")
ax.legend()
show(fig, alt="Error over the number of features: without a penalty it peaks at p = n and falls beyond; ridge has no peak.")


# %%
def largest_rise(curve):
    """The largest factor from one size to the next."""
    return (curve[1:] / curve[:-1]).max()


log_error, log_scatter, peak = np.log10(error), np.log10(scatter), sizes.index(40)
classical_best = min(range(peak), key=lambda i: min_norm[i])

# %% tags=["nbval-check-output"]
claims += [
    verdicts.compare("01.22", "At p = n the minimum-norm fit is more than ten times worse than with five features.",
                     log_error[peak, :, 0], log_error[0, :, 0], margin=1, unit="decades",
                     source="Belkin et al. 2019, arXiv:1812.11118"),
    verdicts.compare("01.23", "An interpolating model must be worse than the best one that does not interpolate.",
                     error[-1, :, 0], error[classical_best, :, 0], source="Hastie et al. 2019, arXiv:1903.08560",
                     expect="not supported"),
    verdicts.compare("01.24", "Variance grows with the number of parameters: more scatter with 400 features than with 40.",
                     log_scatter[-1, :, 0], log_scatter[peak, :, 0], unit="decades", expect="not supported"),
    verdicts.holds("01.25", "With the best λ for each size no peak is left: the error never rises by more than a tenth.",
                   largest_rise(tuned) < 1.1, control=largest_rise(min_norm) < 1.1,
                   measured=f"largest rise: factor {largest_rise(tuned):.3f}; λ = 0: {largest_rise(min_norm):.3g}",
                   source="Nakkiran et al. 2021, arXiv:2003.01897"),
]  # fmt: skip
display(*claims[-4:])

# %% [markdown]
# The solid curve is the classical U up to the vertical line, where the only perfect fit there is must take whatever norm it
# needs. To the right it comes down again: among many perfect fits the smallest one is tame, and the largest model, whose
# training error is zero, is the best of all. The dotted curve, the variance (around the median), is nearly all of the peak
# and falls with it, so "over-parameterized, hence high variance" is false. The peak is not a law of nature either: ridge
# removes it (squares, and triangles where λ is chosen for each size with knowledge of the truth).
#
# ## 9 · Do larger data sets need less regularization?
#
# Take a linear model $y = x^\top w + \varepsilon$ with $w_j \sim \mathcal N(0, \tau^2)$ and noise variance $\sigma^2$. The
# best ridge penalty is known. It depends on how the objective is written, and this is where recipes get confused:
# $$\begin{aligned}
# \tfrac{1}{2}\textstyle\sum_i (y_i - x_i^\top w)^2 + \tfrac{\lambda}{2}\lVert w\rVert^2:&\quad \lambda^* = \sigma^2/\tau^2,\\
# \tfrac{1}{2N}\textstyle\sum_i (y_i - x_i^\top w)^2 + \tfrac{\lambda}{2}\lVert w\rVert^2:&\quad \lambda^* = \sigma^2/(N\tau^2).
# \end{aligned}$$
# Deep learning averages over the batch, so its λ is the second one.


# %%
def best_strength(n, d, repetitions=60):
    """λ on a grid with the smallest error in w, mean-loss convention; w has d entries of variance 1/d, noise variance 1."""
    grid, total = np.logspace(-4, 2, 121), 0.0
    for repetition in range(repetitions):
        rng = np.random.default_rng([seed, repetition])
        w, x = rng.standard_normal(d) / np.sqrt(d), rng.standard_normal((n, d))
        y = x @ w + rng.standard_normal(n)
        eigenvalues, vectors = np.linalg.eigh(x.T @ x / n)
        fitted = (vectors.T @ (x.T @ y / n)) / (eigenvalues + grid[:, None])
        total = total + ((fitted - vectors.T @ w) ** 2).sum(1)
    return grid[total.argmin()]


def slope(x, y):
    return np.polyfit(np.log(x), np.log(y), 1)[0]


n_fixed, n_growing = np.array([15, 30, 60, 120, 240, 480, 960]), np.array([16, 32, 64, 128, 256, 512])
fixed_model = np.array([best_strength(n, 30) for n in n_fixed])
growing_model = np.array([best_strength(n, n // 4) for n in n_growing])

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.2))
ax.plot(n_fixed, fixed_model, "o", label="fixed model, mean loss")
ax.plot(n_fixed, 30 / n_fixed, color="C0", label="theory σ²/(Nτ²)")
ax.plot(n_fixed, fixed_model * n_fixed, marker="s", linestyle="--", label="the same model, λ of the summed loss")
ax.plot(n_growing, growing_model, marker="^", linestyle="-.", label="model grows with the data, mean loss")
ax.set(xlabel="training examples N", ylabel="best λ", xscale="log", yscale="log")
slopes = slope(n_fixed, fixed_model), slope(n_growing, growing_model)
ax.set_title(f"Best λ: slope {slopes[0]:.2f} for a fixed model, {slopes[1]:.2f} for a growing one")
ax.legend(loc="upper right", bbox_to_anchor=(1, 0.88))
show(fig, alt="Best λ against N, log-log: falls along the theory line for a fixed model, flat for the two other curves.")

# %% tags=["nbval-check-output"]
claims += [
    verdicts.within("01.26", "For a fixed model and a mean loss the best λ falls as 1/N.",
                    slopes[0], -1.0, 0.15, control=slope(n_fixed, fixed_model * n_fixed)),
    verdicts.holds("01.27", "Larger data sets need less regularization, also when the model grows in proportion.",
                   slopes[1] < -0.5, control=slope(n_fixed, fixed_model * n_fixed) < -0.5,
                   measured=f"log-log slope {slopes[1]:.2f} with N/4 weights, {slopes[0]:.2f} with 30",
                   expect="not supported"),
]  # fmt: skip
display(*claims[-2:])

# %% [markdown]
# The dots follow the line: twice the data, half the λ, *of the mean loss*. In the summed objective the same penalty is right
# for every N (the dashed line): the prior has not changed, only the data's weight against it. And the popular rule needs a
# condition that is seldom written: the model must stay the same. Let it grow in proportion to the data and the best λ stays
# where it was (dash-dotted). Compute-optimal language models grow in just that way (Hoffmann et al. 2022), and large image
# models are trained with *heavy* regularization on more than a million images (Liu et al. 2022, Steiner et al. 2022).
#
# **Exercise 1.5.** Write λ* for the objective of PyTorch's `MSELoss` with `weight_decay` in SGD, which is
# $\frac1N \sum_i (y_i - x_i^\top w)^2 + \frac{\lambda}{2}\lVert w\rVert^2$. Mind that there is no ½ before the first sum.

# %% tags=["stub"]
answer = None  # def answer(noise_std, prior_std, n): ...
checks.check_1_5(answer)


# %% tags=["solution"]
def answer(noise_std, prior_std, n):
    return 2 * noise_std**2 / (n * prior_std**2)


checks.check_1_5(answer)

# %% [markdown]
# ## 10 · The regularizer nobody asked for
#
# Where did the *minimum-norm* fit come from in practice, when nobody calls a pseudo-inverse? Gradient descent on
# $\frac12\lVert Aw - b\rVert^2$ moves along $A^\top(Aw - b)$, a combination of the rows of $A$. Started at zero it never
# leaves the span of the rows, and the only perfect fit in that span is $A^+ b$. This is an **implicit** regularizer: it
# stands in no objective. It also depends on the optimizer and on the start, so it must be checked before it is claimed.

# %%
rng = np.random.default_rng(seed)
a, b = rng.standard_normal((20, 60)), rng.standard_normal(20)
minimum_norm = np.linalg.pinv(a) @ b


def gradient_descent(w, n_steps=4000):
    step = 1 / np.linalg.norm(a, 2) ** 2
    for _ in range(n_steps):
        w = w - step * a.T @ (a @ w - b)
    return w


def adam(w, n_steps=4000):
    w = torch.tensor(w, requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=0.01)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1e-6, n_steps)
    for _ in range(n_steps):
        w.grad = torch.from_numpy(a.T @ (a @ w.detach().numpy() - b))
        optimizer.step()
        decay.step()
    return w.detach().numpy()


# %%
solutions = {
    "gradient descent from 0": gradient_descent(np.zeros(60)),
    "gradient descent from 1": gradient_descent(np.ones(60)),
    "Adam from 0": adam(np.zeros(60)),
}
distance = {name: np.linalg.norm(w - minimum_norm) for name, w in solutions.items()}
residual = {name: np.linalg.norm(a @ w - b) for name, w in solutions.items()}
norm = {name: np.linalg.norm(w) for name, w in solutions.items()}
pd.DataFrame({"training residual": residual, "norm": norm, "distance to minimum norm": distance})

# %% tags=["nbval-check-output"]
one_pass, _ = train([run(k, n=1000) for k in range(n_runs)], epochs=1)
claims += [
    verdicts.exact("01.28", "Gradient descent from zero ends in the minimum-norm perfect fit.",
                   distance["gradient descent from 0"], 1e-10, control=distance["gradient descent from 1"],
                   source="Zhang et al. 2017, arXiv:1611.03530"),
    verdicts.exact("01.29", "Adam from zero ends in the minimum-norm perfect fit, too.",
                   distance["Adam from 0"], 1e-2, control=distance["gradient descent from 1"],
                   source="Wilson et al. 2017, arXiv:1705.08292", expect="not supported"),
    verdicts.compare("01.30", "One pass over the data is enough to interpolate: training accuracy over 99 %.",
                     one_pass["train_accuracy"], 0.99 * ones, expect="not supported"),
]  # fmt: skip
display(*claims[-3:])

# %% [markdown]
# All three fits are perfect, as the residuals show, and they are three different fits. So "SGD's bias toward low-norm
# interpolators" explains nothing about a model that is trained with Adam, and nothing about one that passes about once over
# its data, as large language models do (Touvron et al. 2023), and does not interpolate at all. The papers on double descent
# are about interpolation; compute-optimal scaling is a rule for spending a budget, not a bias of an optimizer.
#
# ## 11 · When it goes wrong
#
# Four symptoms that look like overfitting, or like its absence, and are neither.
#
# **The accuracy collapses on new data, and nothing was memorized.** The inputs moved. Here the digits move by one pixel.
#
# **The gap is small because the validation set contains training examples.** A leak makes an overfitted model look sound.
#
# **The gap is small because the training loss was a running one, with dropout on.** The comparison is with eval mode, on the
# very same examples. (The two settings trained here meet again in section 12.)
#
# **The penalty is so large that the model predicts the same for everything.** Not zero, as is often said: what remains is
# the bias, if it is not penalized, and it fits the base rate.


# %%
def models_at(sweep, value):
    """The models of one point of a sweep, in the order of the runs."""
    return [models[i] for i in measured.index[(measured["sweep"] == sweep) & (measured["value"] == value)]]


shifted, leaked = [], []
for k, trained in enumerate(models_at("n", 800)):
    x, y = splits[k].val
    shifted.append(evaluate(trained, x.roll(1, dims=-1), y)["accuracy"])
for k, trained in enumerate(models_at("noise", 0.6)):
    (x, y), (x_val, y_val) = run(k, noise=0.6)["train"], splits[k].val
    leaked.append(evaluate(trained, torch.cat([x_val, x]), torch.cat([y_val, y]))["accuracy"])

# %%
variants = {"both regularizers": {"p_drop": 0.5, "weight_decay": 1.0}, "twice the digits": {"n": 2 * n_train}}
rows, _ = train([run(k, **settings) for settings in variants.values() for k in range(n_runs)])
weapons = dict(zip(variants, rows["val_accuracy"].to_numpy().reshape(len(variants), n_runs), strict=True))
running_over_eval = (rows["loss"] / rows["train_loss"]).to_numpy().reshape(len(variants), n_runs)

# %%
x, y = splits[0].train[0].cpu().numpy().reshape(len(splits[0].train[0]), -1), (splits[0].train[1] == 0).cpu().numpy()
free_bias = LogisticRegression(C=1e-7).fit(x, y)
with_ones = np.hstack([x, np.ones((len(x), 1))])
penalized_bias = LogisticRegression(C=1e-7, fit_intercept=False).fit(with_ones, y)
predicted = free_bias.predict_proba(x)[:, 1].mean(), penalized_bias.predict_proba(with_ones)[:, 1].mean()
print(f"base rate of zeros {y.mean():.3f}; predicted: free bias {predicted[0]:.3f}, penalized bias {predicted[1]:.3f}")

# %% tags=["nbval-check-output"]
claims += [
    verdicts.compare("01.31", "A collapse on new data is overfitting: a one-pixel shift costs less than the gap.",
                     at("n", 800, "gap"), at("n", 800, "val") - shifted, expect="not supported"),
    verdicts.compare("01.32", "A validation set that contains the training examples hides more than 10 points of the gap.",
                     leaked, at("noise", 0.6, "val"), margin=0.1),
    verdicts.compare("01.33", "With dropout the running training loss is off: more than 1.3 times the loss in eval mode.",
                     running_over_eval[0], ones, margin=0.3),
    verdicts.within("01.34", "An over-regularized classifier with a free bias predicts the base rate, not one half.",
                    predicted[0], y.mean(), 1e-3, control=predicted[1]),
]  # fmt: skip
display(*claims[-4:])

# %% [markdown]
# The first symptom asks for data like those in use, not for regularization. The second is found by counting duplicates
# between the sets. The third by measuring both losses in the same mode, as `fit` does. The fourth shows as a validation
# accuracy equal to the share of the largest class.
#
# ## 12 · Where popular lessons go wrong
#
# | the sentence | what was measured |
# | --- | --- |
# | "A model that perfectly memorizes training data is useless." | 01.8, 01.23: it can be the best one there is |
# | "Without constraints a model memorizes." | 01.9: only if it has the capacity |
# | "When the gap is small, the model is transferring"; "the goal is a small gap" | 01.13: the smallest gap chose badly |
# | "If accuracy collapses on new data, it learned the training set too literally." | 01.31: or the data moved |
# | "Overfitting is high variance, so use the simplest model that fits." | 01.10, 01.23, 01.24: larger was no worse, even better |
# | "dropout 0.3 is best", "weight decay 1e-3 is best" | 01.14, 01.15: ties, chosen on the test set, one run each |
# | "Over-regularized models predict near zero." | 01.34: the base rate |
# | "Larger data sets need less regularization." | 01.26, 01.27: the λ of the mean loss, for a model that does not grow |
# | "At scale, SGD's bias toward low-norm interpolators regularizes." | 01.29, 01.30: not Adam's, nor in one pass |
# | "Skip connections are a regularizer." | 01.35: they do not pay with training error, as a regularizer does |
# | "Dropout and weight decay are the two most powerful weapons." | 01.36: more data was more powerful |
#
# The last two rows have not been measured yet. A regularizer accepts a higher training loss. Does a skip connection? And do
# dropout and weight decay together, trained in section 11, beat twice the training digits? (The decay there is a strong one. In
# so short a training a common value such as 0.01 would do next to nothing; lesson 02 computes why.)


# %%
class Block(torch.nn.Module):
    """ReLU(linear(x)), plus x itself if skip is 1."""

    def __init__(self, width, skip):
        super().__init__()
        self.layer, self.skip = torch.nn.Linear(width, width), skip

    def forward(self, x):
        return self.skip * x + torch.relu(self.layer(x))


def deep(skip):
    return torch.nn.Sequential(torch.nn.Flatten(), *[Block(64, skip) for _ in range(12)], torch.nn.Linear(64, 10))


deep_loss = {}
for skip in (0, 1):
    runs = [run(k, skip=skip) for k in range(n_runs)]
    table, _ = train_runs(deep, few[0], splits[0].val, runs, epochs=epochs, evaluate_every=epochs)
    deep_loss[skip] = table.groupby("run").last()["train_loss"]

# %% tags=["nbval-check-output"]
claims += [
    verdicts.compare("01.35", "Skip connections regularize as a penalty does, at the price of a higher training loss.",
                     np.log10(deep_loss[1]), np.log10(deep_loss[0]), unit="decades", expect="not supported"),
    verdicts.compare("01.36", "Dropout plus weight decay help more than twice the training data.",
                     weapons["both regularizers"], weapons["twice the digits"], expect="not supported"),
]  # fmt: skip
display(*claims[-2:])

# %% [markdown]
# A related sentence, that both are used in virtually every modern network up to GPT-4, cannot be checked: the GPT-4 report
# states that it gives no details of the training method.
#
# ## The claims of this lesson

# %%
metrics = {
    "val_accuracy": true_labels["val_accuracy"].mean(),
    "random_label_train_accuracy": random_labels["train_accuracy"].mean(),
    "reported_gain": reported_gain.mean(),
    "honest_gain": honest_gain.mean(),
    "peak_error": min_norm.max(),
}
record = verdicts.write_record("01_overfitting", claims, parameters=parameters, metrics=metrics)
print("record:", ", ".join(record))
verdicts.claim_table(claims)

# %% [markdown]
# ## Summary
#
# *Train, and say what each line is for*: you read `fit`, wrote it again and saw the two agree.
#
# *Decompose and predict*: the U-curve over λ is bias against variance; the peak at $p = n$ comes from small singular values and
# the second descent from the smallest norm; how λ depends on N is a matter of the convention and of what grows with N.
#
# *Tell a real difference from luck*: by its standard error, by what was looked at while choosing, by runs with other data, and by
# data that neither leaked nor moved.
#
# And the four predictions. The nearest neighbor is not useless (01.8). The accuracy does not peak at a small width and fall
# (01.10). The fit that only just interpolates is the worst and the largest the best (01.22, 01.23). The better row of the table
# is not better (01.14, 01.15). Low training error lies whenever there is capacity to memorize, which is nearly always; so what
# counts is the second number, on data nobody looked at.
#
# **References**
#
# * M. Belkin, D. Hsu, S. Ma, S. Mandal, *Reconciling modern machine-learning practice and the classical bias-variance
#   trade-off*, PNAS 2019, [arXiv:1812.11118](https://arxiv.org/abs/1812.11118).
# * G. Cawley, N. Talbot, *On over-fitting in model selection and subsequent selection bias in performance evaluation*, JMLR
#   2010, [jmlr.org](https://jmlr.org/papers/v11/cawley10a.html).
# * S. Geman, E. Bienenstock, R. Doursat, *Neural networks and the bias/variance dilemma*, Neural Computation 4, 1992.
# * T. Hastie, A. Montanari, S. Rosset, R. Tibshirani, *Surprises in high-dimensional ridgeless least squares interpolation*,
#   2019, [arXiv:1903.08560](https://arxiv.org/abs/1903.08560).
# * J. Hoffmann et al., *Training compute-optimal large language models*, 2022,
#   [arXiv:2203.15556](https://arxiv.org/abs/2203.15556).
# * Z. Liu et al., *A ConvNet for the 2020s*, CVPR 2022, [arXiv:2201.03545](https://arxiv.org/abs/2201.03545).
# * P. Nakkiran et al., *Deep double descent: where bigger models and more data hurt*, ICLR 2020,
#   [arXiv:1912.02292](https://arxiv.org/abs/1912.02292).
# * P. Nakkiran, P. Venkat, S. Kakade, T. Ma, *Optimal regularization can mitigate double descent*, ICLR 2021,
#   [arXiv:2003.01897](https://arxiv.org/abs/2003.01897).
# * OpenAI, *GPT-4 technical report*, 2023, [arXiv:2303.08774](https://arxiv.org/abs/2303.08774).
# * A. Steiner et al., *How to train your ViT? Data, augmentation, and regularization in vision transformers*, TMLR 2022,
#   [arXiv:2106.10270](https://arxiv.org/abs/2106.10270).
# * H. Touvron et al., *LLaMA: open and efficient foundation language models*, 2023,
#   [arXiv:2302.13971](https://arxiv.org/abs/2302.13971).
# * A. Wilson, R. Roelofs, M. Stern, N. Srebro, B. Recht, *The marginal value of adaptive gradient methods in machine
#   learning*, NeurIPS 2017, [arXiv:1705.08292](https://arxiv.org/abs/1705.08292).
# * C. Zhang, S. Bengio, M. Hardt, B. Recht, O. Vinyals, *Understanding deep learning requires rethinking generalization*,
#   ICLR 2017, [arXiv:1611.03530](https://arxiv.org/abs/1611.03530).
#
# **Next:** [02 · Weight decay](02_weight_decay.ipynb).
