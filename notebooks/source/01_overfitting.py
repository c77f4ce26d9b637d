# %% [markdown]
# # 01 · Overfitting
#
# **When does low training error lie?**
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
import textwrap

import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from numpy.polynomial.legendre import legvander
from scipy import stats
from sklearn.linear_model import LogisticRegression, RidgeClassifier
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
# 3. Fit 40 noisy points by least squares with 5, 40 and 400 random features (random functions of the input). Which of the
#    three predicts best, which worst?
# 4. Two rows of a published table differ by 0.4 points on a test set of 10,000 images. Is the better row better?
#
# ## 1 · The instrument: one training loop
#
# Every network of this course is trained by one loop. Without its conveniences it is this short:


# %%
def minimal_fit(model, train, val, optimizer, *, epochs, batch_size=64, seed=0, zero_grad=True):
    (x, y), rows = train, []
    order = torch.Generator().manual_seed(1_000_003 * seed + 1)  # the order that `fit` draws
    n_used = len(x) // batch_size * batch_size  # whole batches only
    for epoch in range(epochs):
        model.train()
        for index in torch.randperm(len(x), generator=order)[:n_used].view(-1, batch_size):
            loss = functional.cross_entropy(model(x[index]), y[index])
            if zero_grad:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        row = evaluate(model, *train, prefix="train_") | evaluate(model, *val, prefix="val_")
        rows.append({"epoch": epoch} | row)
    return pd.DataFrame(rows)


# %% [markdown]
# * **`randperm`** shuffles anew in each epoch. An incomplete last batch is left out.
# * **`zero_grad`, `backward`, `step`**: forget the gradient of the last step, compute this one's, move. To forget `zero_grad` is
#   a classic bug: the gradients of all earlier steps add up, nothing crashes and no warning appears.
# * **`evaluate`**, twice: loss and accuracy are measured in eval mode, at the end of the epoch, with the weights frozen, on the
#   *training* set too.
#
# The course uses `fit`, which has the same core. Here is its body; its arguments are explained by `help(fit)`.

# %%
print(textwrap.dedent(inspect.getsource(fit).split('"""')[2]))

# %% [markdown]
# Read from the top, this is what it adds.
#
# * **`check_training`** refuses settings it cannot train with, before any time is spent.
# * **`run_generators(seed)`** makes two private random streams, one for the order of the examples and one (`noise`) for
#   dropout. So two models trained with the same seed see the same batches in the same order: they are comparable *in pairs*.
# * **`task_loss`** is what the task asks for; **`objective`**, which is minimized, adds the penalty. Do not report the
#   objective as "the loss": it rises with the penalty and not with the error.
# * **`loss.detach()`** keeps the number and lets go of the graph behind it. The mean of these, the running `loss`, comes from
#   weights that were still changing and from dropout masks, so it must not be subtracted from a validation loss.
# * **`evaluate_every`** skips evaluations to save time, and **`callbacks`** let a lesson look at the model after each epoch.
# * **A loss that is not finite** ends the run. So does **`patience`**, when the validation loss has not improved in that many
#   evaluations; then the best weights, kept by `snapshot`, are put back. Stopping the cell stops it, and nothing is returned.
#
# Each run of this lesson gets its own split of the digits: its own training, validation and test images. An interval over
# runs then says what would happen with *other data*, not only with other initial weights.
#
# A lesson needs many runs, and `train_runs` trains them together, given one dictionary per run. It is faster, and it is allowed
# only because it gives the numbers of `fit`, run by run. Two checks follow, over ten epochs. Does the short loop agree with
# `fit`, and would we notice a missing `zero_grad`? Does `train_runs` agree with `fit`, and not with `fit` of another run?

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
def fit_ten_epochs(loop, k, **options):
    model, optimizer = new_network(k)
    return loop(model, few[k], splits[k].val, optimizer, epochs=10, seed=seed + k, **options)


columns = ["train_loss", "train_accuracy", "val_loss", "val_accuracy"]
alone = [fit_ten_epochs(fit, k)[columns] for k in range(3)]
short = fit_ten_epochs(minimal_fit, 0)[columns]
forgetful = fit_ten_epochs(minimal_fit, 0, zero_grad=False)[columns]


# %%
def run(k, **settings):
    """What train_runs must know of run k: its seed, its digits and the optimizer's settings."""
    known = {"seed": seed + k, "train": few[k], "val": splits[k].val, "lr": lr, "weight_decay": 0.0}
    return known | settings


runs = [run(k) for k in range(n_runs)]
together, networks = train_runs(build, few[0], splits[0].val, runs, epochs=epochs)
stacked = together.pivot(index="epoch", columns="run", values="train_loss").to_numpy()[:10, :3]
one_by_one = np.stack([history["train_loss"] for history in alone], axis=1)

# %%
claims = [
    verdicts.exact("01.1",
                   "The short loop gives the same losses and accuracies as fit, epoch by epoch.",
                   abs(short - alone[0]).to_numpy().max(), 1e-6,
                   control=abs(forgetful - alone[0]).to_numpy().max()),
    verdicts.exact("01.2",
                   "train_runs gives, run by run, the training losses of fit with the same seed.",
                   abs(stacked - one_by_one).max(), 1e-3,
                   control=abs(stacked - one_by_one[:, [1, 2, 0]]).max()),
]  # fmt: skip
display(*claims)

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.2))
plot_interval(ax, together, "epoch", "loss", label="running loss", color="gray", linestyle=":")
plot_interval(ax, together, "epoch", "train_loss", label="training loss, eval mode", linestyle="--")
plot_interval(ax, together, "epoch", "val_loss", label="validation loss", linestyle="-")
last = together.groupby("epoch")[["train_loss", "val_loss"]].mean().iloc[-1]
ratio = last["val_loss"] / last["train_loss"]
ax.set(xlabel="epoch", ylabel="cross-entropy (nats)", yscale="log")
ax.set_title(f"After training, validation loss is {ratio:.0f} times the training loss")
ax.legend()
show(fig, alt="Loss per epoch, log scale: training losses keep falling; validation loss flattens.")

# %% [markdown]
# The dashed and the dotted curve both speak of the training set: the dotted one is averaged while the weights move, so it
# lags behind. The solid curve is what matters, and it parts from the others early. From then on the training loss keeps
# falling and tells nothing more about new digits. That is the subject of this lesson.
#
# ## 2 · Two errors, and how well they are known
#
# For a model $f$ and a loss $\ell$ (cross-entropy, or 1 for a mistake and 0 otherwise), the **training error** on $N$ examples
# and the **generalization error** are
# $$\hat R(f) = \frac1N \sum_{i=1}^{N} \ell\big(f(x_i), y_i\big), \qquad R(f) = \mathbb{E}_{(x,y)}\,\ell\big(f(x), y\big).$$
# Nobody knows $R$. A test set of $m$ examples that played no part in making $f$ *estimates* it. If the accuracy is $a$, each
# example is a coin that shows "right" with probability $a$. One coin has variance $a(1-a)$, the mean of $m$ coins has
# $a(1-a)/m$, and so the measured accuracy $\hat a$ has the standard error
# $$\mathrm{SE}(\hat a) = \sqrt{\frac{a(1-a)}{m}}.$$
# The training set cannot be used so: $f$ was chosen to be good on it.
#
# To see that the formula tells the truth, take one trained network and test it again and again, each time on 100 digits drawn
# (with replacement) from all those it was not trained on.


# %%
def unseen(split):
    """The digits a run does not train on: validation and test together."""
    return [torch.cat(parts) for parts in zip(split.val, split.test, strict=True)]


@torch.no_grad()
def is_right(model, x, y):
    return (model(x).argmax(-1) == y).double().cpu().numpy()


right = is_right(networks[0], *unseen(splits[0]))
test_sets = np.random.default_rng(seed).integers(len(right), size=(4000, 100))
measured_accuracy = right[test_sets].mean(1)
standard_error = math.sqrt(right.mean() * (1 - right.mean()) / 100)
claims += [
    verdicts.within("01.3",
                    "√(a(1-a)/m) predicts how far the accuracy scatters over fresh test sets; "
                    "1/(2√m) does not.",
                    measured_accuracy.std(), standard_error, 0.1 * standard_error,
                    control=0.5 / math.sqrt(100)),
]  # fmt: skip
display(claims[-1])

# %% [markdown]
# **Exercise 1.1.** Two models have true accuracies `a` and `b`. Each is tested on its own test set of `n` examples. Write a
# function that returns the `n` for which the difference of the accuracies is two of its standard errors. (The variance of a
# difference of independent numbers is the sum of their variances.)

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
# A toy where the truth is known: twenty noisy points of $g(x) = \sin 3x$, fitted by a polynomial of fixed degree with
# coefficients $c$ and an L2 penalty on them. Row $i$ of the matrix $\Phi$ holds the Legendre polynomials of $x_i$ (powers of
# $x$, combined so that least squares is well conditioned). Setting the gradient to zero gives
# $$\hat c = \arg\min_c \tfrac12\lVert y - \Phi c\rVert^2 + \tfrac{\lambda}{2}\lVert c\rVert^2
#  = (\Phi^\top \Phi + \lambda I)^{-1} \Phi^\top y,$$
# which is called **ridge regression**. The model class never changes. Only λ, the course's `l2_strength`, decides how much of
# it is used. The code fits many data sets at once: their axis comes first.


# %%
def truth(x):
    return np.sin(3 * x)


def ridge(x, y, l2_strength):
    """x, y: (..., n_points); returns the coefficients (..., degree + 1)."""
    features = legvander(x, degree)
    transposed = features.swapaxes(-1, -2)
    gram = transposed @ features + l2_strength * np.eye(degree + 1)
    return np.linalg.solve(gram, transposed @ y[..., None])[..., 0]


def predict(coefficients, x):
    return (legvander(x, degree) * coefficients[..., None, :]).sum(-1)


rng = np.random.default_rng(seed)
x_toy = rng.uniform(-1, 1, (400, 20))  # 400 data sets of 20 points each
y_toy = truth(x_toy) + noise_std * rng.standard_normal(x_toy.shape)
grid = np.linspace(-1, 1, 101)
strengths = np.logspace(-4, 2, 13)

# %%
wild = ((predict(ridge(x_toy, y_toy, 1e-4), grid) - truth(grid)) ** 2).mean(1)
typical = wild.argsort()[len(wild) // 2]  # the data set whose over-fitted error is the median one
x, y = x_toy[typical], y_toy[typical]
fits = {"under-fitted": 100, "well fitted": 0.3, "over-fitted": 1e-4}
fig, axes = plt.subplots(1, 3, figsize=(8.4, 3), sharey=True)
for ax, (name, l2_strength) in zip(axes, fits.items(), strict=True):
    coefficients = ridge(x, y, l2_strength)
    train_error = ((predict(coefficients, x) - y) ** 2).mean()
    true_error = ((predict(coefficients, grid) - truth(grid)) ** 2).mean()
    ax.plot(grid, truth(grid), color="black", linestyle=":", label="truth")
    ax.plot(grid, predict(coefficients, grid), linestyle="-", label="fit")
    ax.plot(x, y, "o", color="gray", label="data")
    ax.set(xlabel="x", ylim=(-2.2, 2.2))
    ax.set_title(f"{name}, λ = {l2_strength:g}\ntrain {train_error:.2g}, true {true_error:.2g}")
axes[0].set_ylabel("y")
axes[0].legend(loc="lower right")
show(fig, alt="Three fits to a noisy sine: nearly flat, close to the sine, and swinging wildly.")

# %% [markdown]
# From left to right the training error falls. The true error, the mean squared distance from the dotted curve, falls and
# then rises: the right-hand curve bends to reach single points and swings far away where there are none. From the training
# errors alone you would have chosen that one.
#
# ### Bias, variance, and the identity that ties them
#
# Draw the data set many times. At a point $x$ the prediction $\hat f(x)$ scatters around its mean $\bar f(x)$. Write
# $\hat f - g = (\bar f - g) + (\hat f - \bar f)$, square it and average:
# $$\underbrace{\mathbb{E}\big(\hat f - g\big)^2}_{\text{MSE}}
#  = \underbrace{\big(\bar f - g\big)^2}_{\text{bias}^2}
#  + \underbrace{\mathbb{E}\big(\hat f - \bar f\big)^2}_{\text{variance}}.$$
# The cross term $2(\bar f - g)\,\mathbb{E}(\hat f - \bar f)$ is zero. Against *noisy* targets the noise variance
# $\sigma^2$ comes on top, and no model can remove it. The identity holds just as well for averages over a finite number of data
# sets, provided the variance divides by their number and not by their number minus one.

# %%
rows = []
for l2_strength in strengths:
    coefficients = ridge(x_toy, y_toy, l2_strength)
    predictions = predict(coefficients, grid)
    row = {
        "bias²": ((predictions.mean(0) - truth(grid)) ** 2).mean(),
        "variance": predictions.var(0).mean(),
        "variance by n - 1": predictions.var(0, ddof=1).mean(),
        "MSE": ((predictions - truth(grid)) ** 2).mean(),
        "training error": ((predict(coefficients, x_toy) - y_toy) ** 2).mean(),
    }
    rows.append(row)
tradeoff = pd.DataFrame(rows, index=strengths)

# %%
best, best_train = tradeoff["MSE"].idxmin(), tradeoff["training error"].idxmin()
fig, ax = plt.subplots(figsize=(6.4, 3.2))
tradeoff[["bias²", "variance", "MSE"]].plot(ax=ax, loglog=True, style=["--", "-.", "-"])
tradeoff["training error"].plot(ax=ax, loglog=True, color="gray", linestyle=":")
ax.set(xlabel="λ (l2_strength)", ylabel="squared error")
ax.set_title(f"Smallest true error at λ = {best:.2g}, smallest training error at {best_train:.2g}")
ax.legend(loc="upper center")
show(fig, alt="Over λ: variance falls, bias² rises, their sum is a U; training error only rises.")


# %%
def off_by(variance):
    """Largest relative violation of bias² + variance = MSE."""
    return (abs(tradeoff["bias²"] + tradeoff[variance] - tradeoff["MSE"]) / tradeoff["MSE"]).max()


def is_inside(l2_strength):
    return strengths[0] < l2_strength < strengths[-1]


variance_falls = tradeoff["variance"].is_monotonic_decreasing
bias_rises = tradeoff.loc[best:, "bias²"].is_monotonic_increasing
claims += [
    verdicts.exact("01.4",
                   "bias² + variance = mean squared error, for averages over the same data sets.",
                   off_by("variance"), 1e-12, control=off_by("variance by n - 1"),
                   source="Geman et al. 1992"),
    verdicts.holds("01.5",
                   "With λ variance falls and bias rises; the true error is smallest in between.",
                   variance_falls and bias_rises and is_inside(best), control=is_inside(best_train),
                   measured=f"best λ {best:.2g}, "
                            f"in a grid from {strengths[0]:g} to {strengths[-1]:g}"),
]  # fmt: skip
display(*claims[-2:])

# %% [markdown]
# At the left the dash-dotted variance is all of the error; at the right the dashed bias is. Regularization moves along this
# curve: it *buys* less variance with more bias. "More regularization is safer" is true only to the left of the minimum. The
# dotted training error knows nothing of all this. (That the dashed curve rises again at the far left is Monte-Carlo noise: an
# average over finitely many data sets keeps a part of the variance, and that part is counted as bias. The claim therefore asks
# for a rising bias from the minimum on.)
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
# Now shuffle the truth away. Every training label is replaced by a random digit, and the same network learns those, in twice
# the epochs. A linear classifier gets the same task with all the training digits, as a check on the idea that *any*
# unconstrained model memorizes. The one-nearest-neighbor classifier, which memorizes by construction, gets the *true* labels.


# %%
def corrupt(y, fraction, seed):
    """Replace about `fraction` of the labels by random ones."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.rand(len(y), generator=generator) < fraction
    random_labels = torch.randint(10, y.shape, generator=generator)
    return torch.where(chosen.to(y.device), random_labels.to(y.device), y)


def noisy_run(k, n=n_train, noise=0.0, **settings):
    """Run k with n training digits, of which about a fraction `noise` have random labels."""
    x, y = splits[k].train[0][:n], corrupt(splits[k].train[1], noise, seed + k)[:n]
    return run(k, train=(x, y), **settings)


def train_all(runs, epochs=epochs, build=build):
    """The last epoch's row of each run, in order, and the trained models."""
    settings = {"epochs": epochs, "evaluate_every": epochs}
    table, models = train_runs(build, few[0], splits[0].val, runs, **settings)
    return table.groupby("run").last(), models


# %%
def as_numpy(part):
    """Images as rows, and labels."""
    return part[0].flatten(1).cpu().numpy(), part[1].cpu().numpy()


true_labels = together.groupby("run").last()
random_labels, _ = train_all([noisy_run(k, noise=1.0) for k in range(n_runs)], epochs=2 * epochs)
linear, neighbor = np.zeros((n_runs, 2)), np.zeros((n_runs, 2))  # training and validation accuracy
for k, split in enumerate(splits):
    (x, y), (x_val, y_val) = as_numpy(split.train), as_numpy(split.val)
    shuffled = corrupt(split.train[1], 1.0, seed + k).cpu().numpy()
    model = RidgeClassifier(alpha=0.1).fit(x, shuffled)  # least squares, nearly without a penalty
    linear[k] = model.score(x, shuffled), model.score(x_val, y_val)
    nearest = KNeighborsClassifier(1).fit(x, y)
    neighbor[k] = nearest.score(x, y), nearest.score(x_val, y_val)

# %%
columns = ["train_accuracy", "val_accuracy"]
means = {
    "network, true labels": true_labels[columns].mean().to_list(),
    "network, random labels": random_labels[columns].mean().to_list(),
    "1-nearest neighbor, true labels": neighbor.mean(0),
    "linear classifier, random labels": linear.mean(0),
}
pd.DataFrame(means, index=["training accuracy", "validation accuracy"]).T.round(3)

# %%
ones, n_val = np.ones(n_runs), len(splits[0].val[1])
claims += [
    verdicts.compare("01.6",
                     "The network learns more than 98 % of entirely random labels by heart.",
                     random_labels["train_accuracy"], 0.98 * ones,
                     source="Zhang et al. 2017, arXiv:1611.03530"),
    verdicts.within("01.7",
                    "With random labels its accuracy on new digits is chance, to three "
                    "standard errors.",
                    random_labels["val_accuracy"].mean(), 0.1, 3 * math.sqrt(0.1 * 0.9 / n_val),
                    control=true_labels["val_accuracy"].mean()),
    verdicts.compare("01.8", "A model that perfectly memorizes its training data is useless: "
                     "wrong on most new digits.",
                     1 - neighbor[:, 1], 0.5 * neighbor[:, 0], expect="not supported"),
    verdicts.compare("01.9", "Without constraints any model memorizes: "
                     "a linear classifier learns 98 % of random labels.",
                     linear[:, 0], 0.98 * ones, expect="not supported"),
]  # fmt: skip
display(*claims[-4:])

# %% [markdown]
# The two networks and the nearest neighbor share one training accuracy, and nothing else. With random labels there was
# nothing to learn, with true labels there was, and *the training error cannot tell the two apart*. Both popular sentences
# fall: perfect memory of true labels can go with excellent predictions, and memorizing needs capacity, which a linear
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
points = [(name, value, k) for name in sweeps for value in sweeps[name] for k in range(n_runs)]
rows, models = train_all([noisy_run(k, **{name: value}) for name, value, k in points])
measured = pd.DataFrame(points, columns=["sweep", "value", "k"])
measured["train"] = rows["train_accuracy"].to_numpy()
measured["val"] = rows["val_accuracy"].to_numpy()
measured["gap"] = measured["train"] - measured["val"]
measured["model"] = measured.index


def at(sweep, value, column):
    """One number per run."""
    here = (measured["sweep"] == sweep) & (measured["value"] == value)
    return measured.loc[here, column].to_numpy()


# %%
best_width = measured[measured["sweep"] == "width"].groupby("value")["val"].mean().idxmax()
gap_few, gap_many = at("n", 50, "gap").mean(), at("n", 800, "gap").mean()
titles = {
    "width": ("hidden units", f"best at {best_width:.0f} units"),
    "n": ("training digits", f"gap falls from {gap_few:.0%} to {gap_many:.0%}"),
    "noise": ("fraction of random labels", f"gap at 0.6: {at('noise', 0.6, 'gap').mean():.0%}"),
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
show(fig, alt="Training and validation accuracy over width, training digits and label noise.")

# %%
drop = {name: at("noise", 0.0, name) - at("noise", 0.6, name) for name in ("train", "val")}
claims += [
    verdicts.compare("01.10",
                     "Extra capacity overfits: 1024 hidden units are more than 1 point "
                     "worse than 16.",
                     at("width", 16, "val"), at("width", 1024, "val"), margin=0.01,
                     expect="not supported"),
    verdicts.compare("01.11", "More training digits close the gap: "
                     "from 50 to 800 it shrinks by more than 5 points.",
                     at("n", 50, "gap"), at("n", 800, "gap"), margin=0.05),
    verdicts.compare("01.12",
                     "Label noise is hidden: with 60 % random labels validation accuracy drops "
                     "by 20 points more than training accuracy.",
                     drop["val"], drop["train"], margin=0.2,
                     source="Zhang et al. 2017, arXiv:1611.03530"),
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
# Regularization is often *defined* as what reduces the gap, training accuracy minus test accuracy. But a model that has
# learned nothing has no gap. Take the widths above and an untrained network as candidates. Let the smallest gap between
# training and validation choose one, and the best validation accuracy another; then open the test set for these two.

# %%
chosen_by_gap, chosen_by_val = [], []
for k in range(n_runs):
    trained = [models[at("width", width, "model")[k]] for width in sweeps["width"]]
    candidates = [new_network(k)[0], *trained]
    train = np.array([evaluate(model, *few[k])["accuracy"] for model in candidates])
    val = np.array([evaluate(model, *splits[k].val)["accuracy"] for model in candidates])
    smallest_gap, best_val = candidates[abs(train - val).argmin()], candidates[val.argmax()]
    chosen_by_gap.append(evaluate(smallest_gap, *splits[k].test)["accuracy"])
    chosen_by_val.append(evaluate(best_val, *splits[k].test)["accuracy"])
claims += [
    verdicts.compare("01.13", "The candidate with the smallest gap between training and validation "
                     "is the best one.",
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
columns = {
    "table": 5 * ["dropout"] + 5 * ["weight decay"],
    "setting": ["0", "0.1", "0.3", "0.5", "0.7", "0", "1e-5", "1e-4", "1e-3", "1e-2"],
    "train": [95.2, 93.8, 91.2, 87.4, 78.2, 95.1, 94.6, 92.3, 89.1, 82.4],
    "test": [74.1, 77.3, 80.1, 79.3, 72.1, 74.3, 75.9, 79.8, 80.2, 76.1],
}
published = pd.DataFrame(columns)
published["gap"] = (published["train"] - published["test"]).round(1)
published["gap rank"] = published.groupby("table")["gap"].rank().astype(int)
published["test rank"] = published.groupby("table")["test"].rank(ascending=False).astype(int)
published


# %% [markdown]
# In both tables the smallest gap stands in the last row. In the first table that row has the *worst* test accuracy of all,
# in the second a middling one: gap rank 1 never has test rank 1.
#
# And is the "best" row better than its neighbor? Divide the difference of two accuracies by its standard error (exercise 1.1);
# the result is called $z$. Chance alone takes it beyond ±1.96 in one comparison of twenty. (Both rows were tested on the same
# images, so a paired test would be sharper; but the table does not give what it needs.) One configuration is printed twice,
# once in each table: no dropout and no weight decay. It is the control: there is nothing to find between the two.


# %%
def z_score(a, b, n=10_000):
    """Difference of two test accuracies (percent) in units of its standard error."""
    a, b = a / 100, b / 100
    return (a - b) / math.sqrt((a * (1 - a) + b * (1 - b)) / n)


twice = z_score(74.3, 74.1)
claims += [
    verdicts.holds(id, f"In the published table the gain of {name} exceeds 1.96 standard errors.",
                   z_score(a, b) > 1.96, control=twice > 1.96, expect=expect,
                   measured=f"z = {z_score(a, b):.2f}; the same configuration twice: {twice:.2f}")
    for id, name, a, b, expect in [
        ("01.14", "dropout 0.3 over 0.5", 80.1, 79.3, "not supported"),
        ("01.15", "weight decay 1e-3 over 1e-4", 80.2, 79.8, "not supported"),
        ("01.16", "dropout 0.3 over 0.1", 80.1, 77.3, "supported"),
    ]
]  # fmt: skip
display(*claims[-3:])

# %% [markdown]
# Two of the three "winners" are ties: the lead is within the noise of the test set. The third difference is real for *these
# two trained networks*. Whether it is one between the two *settings*, one run each cannot say: that takes several seeds.
#
# ## 7 · How selection fools you
#
# Choose the best of $k$ candidates by a noisy measurement and the winner's measurement is too good, because the luck was
# chosen along with the model (Cawley and Talbot 2010). Let the $k$ candidates have *equal* true accuracy and independent normal
# noise of standard error $\mathrm{SE}$. The largest of $k$ standard normal numbers $z_i$ is below $z$ with probability
# $F(z)^k$, where $F$ is the normal distribution function. So the winner looks better than it is by
# $$\mathrm{SE}\cdot \mathbb{E}\max(z_1, \dots, z_k), \qquad
#   \mathbb{E}\max(z_1, \dots, z_k) = \int z \; \mathrm{d}\big(F(z)^k\big).$$
# Early stopping looks once per epoch, so $k$ may be a hundred. Here is the worst case: a model that does not change at all,
# with an error of one half.


# %%
def expected_maximum(k):
    """Of k standard normal numbers, by numerical integration."""
    z = np.linspace(-9, 9, 20_001)
    return np.trapezoid(z * np.gradient(stats.norm.cdf(z) ** k, z), z)


def lowest_seen(n, k):
    """Lowest of k error rates on n examples, mean of 4000 simulations; the true error is 0.5."""
    return (rng.binomial(n, 0.5, (4000, k)) / n).min(1).mean()


rng = np.random.default_rng(seed)
looks, sizes = [1, 2, 5, 10, 20, 50, 100], [100, 1000, 10_000]
optimism = {n: [0.5 - lowest_seen(n, k) for k in looks] for n in sizes}
predicted = {n: [math.sqrt(0.25 / n) * expected_maximum(k) for k in looks] for n in sizes}

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.2))
for n, color in zip(sizes, ("C0", "C1", "C2"), strict=True):
    ax.plot(looks, predicted[n], color=color, label=f"formula, {n} examples")
    ax.plot(looks, optimism[n], "o", color=color)
ax.plot([], [], "o", color="gray", label="simulated")
ax.set(xlabel="number of looks k", ylabel="true error − lowest seen", xscale="log")
ax.set_title(f"100 looks at 1000 examples: too good by {100 * optimism[1000][-1]:.1f} points")
ax.legend()
show(fig, alt="Optimism of the best of k looks rises with k and falls with the number of examples.")

# %% [markdown]
# Each curve starts at zero, since one look is honest, and rises slowly. Ten times more validation data lowers it by the
# square root of ten. The epochs of a real run resemble each other, so one run gains less than its curve; but a search over
# hyperparameters looks at many runs.
#
# Next, a hyperparameter without a meaning: a "lucky number" that only changes the random seed of a small network. Train five of
# them per split, choose the best one on 100 new digits and report there its gain over the mean of the five, as is often done.
# Then ask 600 other new digits what that gain is worth. (Each of the seven hundreds takes its turn as the one that chooses.)
# Two seeds do give two networks, so a part of the gain may be real; the last claim asks how large that part is.

# %%
lucky = [3, 7, 13, 21, 42]
lucky_runs = [run(k, width=16, seed=seed + 1000 * j + k) for k in range(n_runs) for j in lucky]
_, lucky_models = train_all(lucky_runs)
hundreds = np.zeros((n_runs, 5, 7))  # accuracy of each lucky number on each hundred
for i, model in enumerate(lucky_models):
    k, number = divmod(i, 5)
    hundreds[k, number] = is_right(model, *unseen(splits[k]))[:700].reshape(7, 100).mean(1)

# %%
reported, honest = [], []
for choosing in range(7):
    seen, others = hundreds[:, :, choosing], np.delete(hundreds, choosing, axis=2).mean(2)
    winner = seen.argmax(1)
    reported.append(seen.max(1) - seen.mean(1))
    honest.append(others[np.arange(n_runs), winner] - others.mean(1))
reported_gain, honest_gain = np.mean(reported, 0), np.mean(honest, 0)
claims += [
    verdicts.within("01.17", "The best of 100 looks at a fixed model is too good "
                    "by the expected maximum of 100 normals.",
                    optimism[1000][-1], predicted[1000][-1], 0.002, control=0.0),
    verdicts.compare("01.18",
                     "Chosen and reported on the same digits, a meaningless hyperparameter helps.",
                     reported_gain, np.zeros(n_runs)),
    verdicts.compare("01.19", "The gain of that hyperparameter is still more than one point "
                     "on digits not looked at.",
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
# then rises, can fail. Feed the rule losses whose answer is known; then ask `fit` itself, on noisy labels, whether the best
# weights are put back.


# %%
def early_stop(val_losses, patience):
    """(epochs run, best epoch); only a strictly lower loss counts as progress."""
    best, best_epoch = math.inf, -1
    for epoch, loss in enumerate(val_losses):
        if loss < best:
            best, best_epoch = loss, epoch
        if epoch - best_epoch >= patience:
            break
    return epoch + 1, best_epoch


# %%
scripts = {
    "tie": [1.0, 0.5, 0.5, 0.5, 0.5, 0.4],
    "not a number": [1.0, 0.8, math.nan, math.nan, math.nan, math.nan],
    "two descents": [1.0, 0.7, 0.55, *np.linspace(0.6, 0.9, 12), *np.linspace(0.85, 0.27, 25)],
}
columns = ["epochs run", "epochs available", "loss kept", "lowest loss"]
stops = pd.DataFrame(index=scripts, columns=columns)
for name, losses in scripts.items():
    n_epochs, best_epoch = early_stop(losses, patience=3)
    stops.loc[name] = n_epochs, len(losses), losses[best_epoch], np.nanmin(losses)
stops

# %%
noisy = noisy_run(0, noise=0.4)
model, optimizer = new_network(0)
history = fit(model, noisy["train"], noisy["val"], optimizer, epochs=epochs, seed=seed, patience=8)
val_loss = history["val_loss"]
kept = stops["loss kept"] == stops["lowest loss"]
claims += [
    verdicts.exact("01.20",
                   "fit with patience returns the weights of the best epoch, not of the last one.",
                   abs(evaluate(model, *noisy["val"])["loss"] - val_loss.min()), 1e-6,
                   control=abs(val_loss.iloc[-1] - val_loss.min())),
    verdicts.holds("01.21",
                   "Early stopping keeps the lowest validation loss that the full run would "
                   "have reached.",
                   kept["two descents"], control=kept["tie"],
                   measured=f"loss kept {stops.loc['two descents', 'loss kept']:.2f}, "
                            f"lowest {stops.loc['two descents', 'lowest loss']:.2f}",
                   source="Nakkiran et al. 2020, arXiv:1912.02292", expect="not supported"),
]  # fmt: skip
display(*claims[-2:])

# %% [markdown]
# With *tie* the equal losses are no progress and the run ends before the lower one; a loss that is not a number is never
# better than anything (`fit` ends the run there); and *two descents* stops on the near side of the hump. Such curves are rare
# but real: validation error can fall, rise and fall again over the epochs (Nakkiran et al. 2020). Lesson 08 returns to early
# stopping as a regularizer.
#
# **Exercise 1.4.** Add what most libraries offer: a loss is progress only if it is lower by more than `min_delta` than the loss
# of the last progress. Given the validation losses of all epochs, return the number of epochs run and the epoch of the last
# progress (counted from 0). A loss that is not a number is no progress and does not end the run.

# %% tags=["stub"]
answer = None  # def answer(val_losses, patience, min_delta): ...; return n_epochs, best_epoch
checks.check_1_4(answer)


# %% tags=["solution"]
def answer(val_losses, patience, min_delta):
    best, best_epoch = math.inf, -1
    for epoch, loss in enumerate(val_losses):
        if loss < best - min_delta:
            best, best_epoch = loss, epoch
        if epoch - best_epoch >= patience:
            break
    return epoch + 1, best_epoch


checks.check_1_4(answer)

# %% [markdown]
# ## 8 · Past the point of perfect fit
#
# Section 3 changed λ and kept the model. Now change the model. Draw $D$ random directions $r_j$ and use the features
# $\phi_j(x) = \max(0, r_j^\top x)$, up to a scale, in a least-squares fit to $N = 40$ noisy points; the truth is linear in the
# 20 coordinates of $x$. While $D < N$ the fit is unique. At $D = N$ it passes through every point. Beyond, there are many
# perfect fits, and the pseudo-inverse $\Phi^+$ takes the one with the smallest norm,
# $$\hat c = \arg\min \{\lVert c \rVert : \Phi c = y\} = \Phi^+ y .$$
# Decompose $\Phi = U S V^\top$ with singular values $s_i$. Ridge regression from section 3 becomes
# $$\hat c = \sum_i v_i\, \frac{s_i}{s_i^2 + \lambda}\, u_i^\top y,$$
# where $u_i$ and $v_i$ are columns of $U$ and $V$; $\lambda = 0$ gives $\Phi^+ y$. If some $s_i$ is nearly zero, $1/s_i$
# explodes, while $s_i/(s_i^2 + \lambda)$ does not.
#
# Forty data sets are fitted at each size. Near $D = N$ a few fits are so bad that they would rule any mean, so the figure shows
# medians over the data sets, and the scatter around the median prediction stands for the variance. Two claims compare logarithms
# for the same reason; a *decade* is a factor of ten.

# %%
rng = np.random.default_rng(seed)
directions = rng.standard_normal((20, 400))
w_true = rng.standard_normal(20) / np.sqrt(20)
x_test = rng.standard_normal((200, 20))
sizes = [5, 10, 20, 30, 36, 40, 44, 50, 60, 80, 160, 400]  # numbers of features
strengths = np.array([0, 0.1, 0.3, 1, 3, 10, 30])


def features(x, n_features):
    return np.maximum(x @ directions[:, :n_features] / np.sqrt(20), 0)


def deviations(n_features, repetition):
    """Prediction minus truth, (strengths, test points), after a fit to 40 new points."""
    rng = np.random.default_rng([seed, repetition])
    x = rng.standard_normal((40, 20))
    y = x @ w_true + 0.5 * rng.standard_normal(40)
    u, s, vt = np.linalg.svd(features(x, n_features), full_matrices=False)
    coefficients = (s / (s**2 + strengths[:, None]) * (u.T @ y)) @ vt  # a row per strength
    return coefficients @ features(x_test, n_features).T - x_test @ w_true


# %%
deviation = np.array([[deviations(size, repetition) for repetition in range(40)] for size in sizes])
error = (deviation**2).mean(-1)  # (sizes, repetitions, strengths)
scatter = ((deviation - np.median(deviation, 1, keepdims=True)) ** 2).mean(-1)
median_error = np.median(error, 1)
min_norm, tuned = median_error[:, 0], median_error[:, 1:].min(1)

# %%
peak, lowest = sizes[min_norm.argmax()], sizes[min_norm.argmin()]
fig, ax = plt.subplots(figsize=(6.4, 3.2))
ax.plot(sizes, min_norm, marker="o", label="minimum norm, λ = 0")
ax.plot(sizes, np.median(scatter[..., 0], 1), color="C0", linestyle=":", label="its scatter")
ax.plot(sizes, median_error[:, 4], color="C1", marker="s", label=f"ridge, λ = {strengths[4]:g}")
ax.plot(sizes, tuned, color="C2", marker="^", label="ridge, best λ for each size")
ax.axvline(40, color="black", linewidth=1, linestyle=":")
ax.set(xlabel="random features D (vertical line: D = N)", ylabel="squared error, median of 40")
ax.loglog()
ax.set_title(f"Without a penalty the error peaks at D = {peak} and is lowest at D = {lowest}")
ax.legend()
show(fig, alt="Error over D: without a penalty it peaks at D = N, then falls; ridge: no peak.")


# %%
def largest_rise(curve):
    """The largest factor from one size to the next."""
    return (curve[1:] / curve[:-1]).max()


interpolating, square = sizes.index(400), sizes.index(40)
classical = min_norm[:square].argmin()  # the best size that does not interpolate
log_error, log_scatter = np.log10(error[..., 0]), np.log10(scatter[..., 0])
claims += [
    verdicts.compare("01.22",
                     "With as many features as points the minimum-norm fit is more than ten times "
                     "worse than with five features.",
                     log_error[square], log_error[0], margin=1, unit="decades",
                     source="Belkin et al. 2019, arXiv:1812.11118"),
    verdicts.compare("01.23",
                     "An interpolating model must be worse than the best one that does not "
                     "interpolate.",
                     error[interpolating, :, 0], error[classical, :, 0],
                     source="Hastie et al. 2019, arXiv:1903.08560", expect="not supported"),
    verdicts.compare("01.24", "Variance grows with the number of parameters: "
                     "more scatter with 400 features than with 40.",
                     log_scatter[interpolating], log_scatter[square], unit="decades",
                     expect="not supported"),
    verdicts.holds("01.25", "With the best λ for each size no peak is left: "
                   "the error never rises by more than a tenth.",
                   largest_rise(tuned) < 1.1, control=largest_rise(min_norm) < 1.1,
                   measured=f"largest rise: factor {largest_rise(tuned):.3f}; "
                            f"λ = 0: {largest_rise(min_norm):.3g}",
                   source="Nakkiran et al. 2021, arXiv:2003.01897"),
]  # fmt: skip
display(*claims[-4:])

# %% [markdown]
# The solid curve is the classical U up to the vertical line, where the only perfect fit there is must take whatever norm it
# needs. To the right it comes down again: among many perfect fits the smallest one is tame, and the largest model, whose
# training error is zero, is the best of all. This is called **double descent**. The dotted scatter is nearly all of the peak
# and falls with it, so "over-parameterized, hence high variance" is false. The peak is not a law of nature either: ridge
# removes it (squares, and triangles where λ is chosen for each size with knowledge of the truth).
#
# ## 9 · Do larger data sets need less regularization?
#
# Take a linear model $y = x^\top w + \varepsilon$ with noise variance $\sigma^2$ and true weights drawn from the prior
# $w_j \sim \mathcal N(0, \tau^2)$. Given the data, minus the logarithm of the probability of $w$ is, up to a constant,
# $$\frac{1}{2\sigma^2}\sum_i (y_i - x_i^\top w)^2 + \frac{1}{2\tau^2}\lVert w\rVert^2 .$$
# This is a quadratic, so its minimum is the mean of that distribution, and no other estimate has a smaller expected squared
# error. Multiply by $\sigma^2$, or by $\sigma^2/N$, and read off the best penalty for the two ways to write the objective:
# $$\begin{aligned}
# \tfrac{1}{2}\textstyle\sum_i (y_i - x_i^\top w)^2 + \tfrac{\lambda}{2}\lVert w\rVert^2:&\quad \lambda^* = \sigma^2/\tau^2,\\
# \tfrac{1}{2N}\textstyle\sum_i (y_i - x_i^\top w)^2 + \tfrac{\lambda}{2}\lVert w\rVert^2:&\quad \lambda^* = \sigma^2/(N\tau^2).
# \end{aligned}$$
# Deep learning averages over the batch, so its λ is the second one. The code measures it with $\sigma = 1$ and $d$ weights of
# variance $\tau^2 = 1/d$, so that outputs are of the same size for every $d$: once with $d = 30$, once with $d = N/4$.


# %%
def best_strength(n, d, repetitions=60):
    """The λ of the mean loss, on a grid, whose fits have the smallest error in w."""
    grid = np.logspace(-4, 2, 121)
    total = np.zeros(len(grid))
    for repetition in range(repetitions):
        rng = np.random.default_rng([seed, repetition])
        w, x = rng.standard_normal(d) / np.sqrt(d), rng.standard_normal((n, d))
        y = x @ w + rng.standard_normal(n)
        eigenvalues, vectors = np.linalg.eigh(x.T @ x / n)  # in these axes, ridge is a division
        fitted = (vectors.T @ (x.T @ y / n)) / (eigenvalues + grid[:, None])
        total += ((fitted - vectors.T @ w) ** 2).sum(1)
    return grid[total.argmin()]


def slope(x, y):
    return np.polyfit(np.log(x), np.log(y), 1)[0]


n_fixed = np.array([15, 30, 60, 120, 240, 480, 960])
n_growing = np.array([16, 32, 64, 128, 256, 512])
fixed_model = np.array([best_strength(n, 30) for n in n_fixed])
growing_model = np.array([best_strength(n, n // 4) for n in n_growing])
slopes = slope(n_fixed, fixed_model), slope(n_growing, growing_model)

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.2))
ax.plot(n_fixed, fixed_model, "o", label="30 weights, mean loss")
ax.plot(n_fixed, 30 / n_fixed, color="C0", linestyle="-", label="formula σ²/(Nτ²) = 30/N")
ax.plot(n_fixed, fixed_model * n_fixed, marker="s", linestyle="--", label="30 weights, summed loss")
ax.plot(n_growing, growing_model, marker="^", linestyle="-.", label="N/4 weights, mean loss")
ax.set(xlabel="training examples N", ylabel="best λ", xscale="log", yscale="log")
ax.set_title(f"Best λ: slope {slopes[0]:.2f} for a fixed model, {slopes[1]:.2f} for a growing one")
ax.legend(loc="upper right", bbox_to_anchor=(1, 0.88))
show(fig, alt="Best λ over N, log-log: falls along the formula for a fixed model, else it is flat.")

# %%
summed_slope = slope(n_fixed, fixed_model * n_fixed)
claims += [
    verdicts.within("01.26", "For a fixed model and a mean loss the best λ falls as 1/N.",
                    slopes[0], -1.0, 0.15, control=summed_slope),
    verdicts.holds("01.27",
                   "Larger data sets need less regularization, also when the model grows "
                   "in proportion.",
                   slopes[1] < -0.5, control=summed_slope < -0.5,
                   measured=f"log-log slope {slopes[1]:.2f} with N/4 weights, "
                            f"{slopes[0]:.2f} with 30",
                   expect="not supported"),
]  # fmt: skip
display(*claims[-2:])

# %% [markdown]
# The dots follow the line: twice the data, half the λ, *of the mean loss*. In the summed objective the same penalty is right
# for every N (the dashed line): the prior has not changed, only the data's weight against it. And the popular rule needs a
# condition that is seldom written: the model must stay the same. Let it grow in proportion to the data, with outputs of the
# same size, and the best λ stays where it was (dash-dotted). Compute-optimal language models grow in proportion to their data
# (Hoffmann et al. 2022), and large image models are trained with *heavy* regularization on more than a million images (Liu et
# al. 2022, Steiner et al. 2022).
#
# **Exercise 1.5.** Write λ* for the objective of PyTorch's `MSELoss` with `weight_decay` in SGD, which is
# $\frac1N \sum_i (y_i - x_i^\top w)^2 + \frac{\lambda}{2}\lVert w\rVert^2$. Mind that there is no ½ before the first sum.
# `noise_std` is σ, `prior_std` is τ.

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
# Where does the *minimum-norm* fit come from in practice, when nobody calls a pseudo-inverse? Gradient descent on
# $\frac12\lVert Aw - b\rVert^2$ moves along $A^\top(Aw - b)$, a combination of the rows of $A$. Started at zero it never
# leaves the span of the rows, and the only perfect fit in that span is $A^+ b$. This is an **implicit** regularizer: it
# stands in no objective. It also depends on the optimizer and on the start, so it must be checked before it is claimed. And it
# needs a perfect fit: the last claim asks whether networks that see each training digit only once have one.


# %%
rng = np.random.default_rng(seed)
a, b = rng.standard_normal((20, 60)), rng.standard_normal(20)  # 20 equations, 60 unknowns


def gradient_descent(w, n_steps=4000):
    step = 1 / np.linalg.norm(a, 2) ** 2
    for _ in range(n_steps):
        w = w - step * a.T @ (a @ w - b)
    return w


def adam(w, n_steps=4000):
    w = torch.tensor(w, requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=0.01)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1e-6, n_steps)  # so that it settles
    for _ in range(n_steps):
        w.grad = torch.from_numpy(a.T @ (a @ w.detach().numpy() - b))
        optimizer.step()
        decay.step()
    return w.detach().numpy()


# %%
solutions = {
    "gradient descent from zeros": gradient_descent(np.zeros(60)),
    "gradient descent from ones": gradient_descent(np.ones(60)),
    "Adam from zeros": adam(np.zeros(60)),
}
fits = pd.DataFrame(index=solutions)
for name, w in solutions.items():
    fits.loc[name, "training residual"] = np.linalg.norm(a @ w - b)
    fits.loc[name, "norm"] = np.linalg.norm(w)
    fits.loc[name, "distance to minimum norm"] = np.linalg.norm(w - np.linalg.pinv(a) @ b)
fits

# %%
one_pass, _ = train_all([noisy_run(k, n=1000) for k in range(n_runs)], epochs=1)
from_zeros, from_ones, from_adam = fits["distance to minimum norm"]
claims += [
    verdicts.exact("01.28", "Gradient descent from zero ends in the minimum-norm perfect fit.",
                   from_zeros, 1e-10, control=from_ones,
                   source="Zhang et al. 2017, arXiv:1611.03530"),
    verdicts.exact("01.29", "Adam from zero ends in the minimum-norm perfect fit, too.",
                   from_adam, 1e-2, control=from_ones,
                   source="Wilson et al. 2017, arXiv:1705.08292", expect="not supported"),
    verdicts.compare("01.30",
                     "One pass over the data is enough to interpolate: training "
                     "accuracy over 99 %.",
                     one_pass["train_accuracy"], 0.99 * ones, expect="not supported"),
]  # fmt: skip
display(*claims[-3:])

# %% [markdown]
# All three fits are perfect, as the residuals show, and they are three different fits. So "SGD's bias toward low-norm
# interpolators" explains nothing about a model that is trained with Adam, and nothing about one that passes about once over
# its data, as large language models do (Touvron et al. 2023). The papers on double descent are about interpolation;
# compute-optimal scaling is a rule for spending a budget, not a bias of an optimizer.
#
# ## 11 · When it goes wrong
#
# Four symptoms that look like overfitting, or like its absence, and are neither.
#
# 1. **The accuracy collapses on new data, and nothing was memorized.** The inputs moved. Here the digits move by one pixel.
# 2. **The gap is small because the validation set contains training examples.** A leak makes an overfitted model look sound.
#    Here the networks with 60 % random labels are evaluated with their training digits among the new ones.
# 3. **The gap is small because the training loss was the running one, with dropout on.** Here it is compared with the loss in
#    eval mode, on the very same digits.
# 4. **The penalty is so large that the model predicts the same for everything.** Not zero, as is often said: what remains is
#    the bias, if it is not penalized, and it fits the base rate. Here a logistic regression learns to tell zeros from other
#    digits; the wrong variant makes the bias one more penalized weight.

# %%
shifted, leaked = [], []  # symptoms 1 and 2
for k in range(n_runs):
    clean, noisy = models[at("n", 800, "model")[k]], models[at("noise", 0.6, "model")[k]]
    x, y = splits[k].val
    shifted.append(evaluate(clean, x.roll(1, dims=-1), y)["accuracy"])
    x_train, y_train = noisy_run(k, noise=0.6)["train"]
    leaked.append(evaluate(noisy, torch.cat([x, x_train]), torch.cat([y, y_train]))["accuracy"])

# symptom 3
regularized, _ = train_all([run(k, p_drop=0.5, weight_decay=1.0) for k in range(n_runs)])
running_over_eval = regularized["loss"] / regularized["train_loss"]

# %%
x, digit = as_numpy(splits[0].train)  # symptom 4
is_zero = digit == 0
with_ones = np.hstack([x, np.ones((len(x), 1))])
free_bias = LogisticRegression(C=1e-7).fit(x, is_zero)
penalized_bias = LogisticRegression(C=1e-7, fit_intercept=False).fit(with_ones, is_zero)
predicted_rate = free_bias.predict_proba(x)[:, 1].mean()
penalized_rate = penalized_bias.predict_proba(with_ones)[:, 1].mean()
claims += [
    verdicts.compare("01.31",
                     "A collapse on new data is overfitting: a one-pixel shift costs less "
                     "than the gap.",
                     at("n", 800, "gap"), at("n", 800, "val") - shifted, expect="not supported"),
    verdicts.compare("01.32", "A validation set that contains the training examples "
                     "hides more than 10 points of the gap.",
                     leaked, at("noise", 0.6, "val"), margin=0.1),
    verdicts.compare("01.33", "With dropout the running training loss is off: "
                     "more than 1.3 times the loss in eval mode.",
                     running_over_eval, ones, margin=0.3),
    verdicts.within("01.34",
                    "An over-regularized classifier with a free bias predicts the base rate, "
                    "not one half.",
                    predicted_rate, is_zero.mean(), 1e-3, control=penalized_rate),
]  # fmt: skip
display(*claims[-4:])

# %% [markdown]
# The first symptom asks for data like those in use, not for regularization. The second is found by counting duplicates
# between the sets. The third by measuring both losses in the same mode, as `fit` does. The fourth shows as a validation
# accuracy equal to the share of the largest class.
#
# ## 12 · Where popular lessons go wrong
#
# Two popular sentences are left to measure. "Skip connections are a regularizer": a regularizer accepts a higher training
# loss, so do twelve layers with skip connections, $x + \mathrm{ReLU}(Wx + b)$, end higher than without? And "dropout and weight
# decay are the two most powerful weapons": do both together, as trained for the third symptom, beat twice the training digits?
# (The decay there is a strong one. In so short a training a common value such as 0.01 would do next to nothing; lesson 02
# computes why.)


# %%
class Block(torch.nn.Module):
    """ReLU(linear(x)), plus x itself if skip is 1."""

    def __init__(self, width, skip):
        super().__init__()
        self.layer, self.skip = torch.nn.Linear(width, width), skip

    def forward(self, x):
        return self.skip * x + torch.relu(self.layer(x))


def deep(skip):
    blocks = [Block(64, skip) for _ in range(12)]
    return torch.nn.Sequential(torch.nn.Flatten(), *blocks, torch.nn.Linear(64, 10))


plain, _ = train_all([run(k, skip=0) for k in range(n_runs)], build=deep)
skipping, _ = train_all([run(k, skip=1) for k in range(n_runs)], build=deep)
more_digits, _ = train_all([noisy_run(k, n=2 * n_train) for k in range(n_runs)])

# %%
claims += [
    verdicts.compare("01.35",
                     "Skip connections regularize as a penalty does, at the price of a higher "
                     "training loss.",
                     np.log10(skipping["train_loss"]), np.log10(plain["train_loss"]),
                     unit="decades",
                     expect="not supported"),
    verdicts.compare("01.36", "Dropout plus weight decay help more than twice the training data.",
                     regularized["val_accuracy"], more_digits["val_accuracy"],
                     expect="not supported"),
]  # fmt: skip
display(*claims[-2:])

# %% [markdown]
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
# *Train, and say what each line is for*: you read a short loop and `fit`, and saw the two agree.
#
# *Decompose and predict*: the U-curve over λ is bias against variance; the peak at $D = N$ comes from small singular values and
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
