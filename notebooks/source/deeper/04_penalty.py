# %% [markdown]
# # Deep dive 04 · Dropout as a penalty
#
# **Where is dropout a penalty, and how does noise differ from one?**
#
# Below, linear models learn to predict how a disease progresses. They learn with dropout on their *inputs*: in every step,
# each measurement of each patient falls with probability ½. No term is added to the loss. Yet they gather around one point,
# far from least squares, as if somebody had asked them to.
#
# You will write down the penalty that put the point there, find out why they never arrive, and what the penalty knows that
# weight decay does not.
#
# *{minutes} minutes. You need lesson 04 and ridge (lesson 02). One question to warm up:*
#
# <details><summary>Dropout multiplies x by 0 or by 1/(1-p). What are mean and variance of the result?</summary>
# x, and x² p/(1-p).</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw
n_runs: int = 8  # [3, 64] runs of each training
p_drop: float = 0.5  # [0.05, 0.9] dropout rate
n_steps: int = 3000  # [100, 100000] steps of noisy descent
lrs: list = [0.005, 0.02, 0.08]  # 2 to 6 rising values in [0.0001, 0.2]: learning rates of noisy descent
sizes: list = [30, 100, 300, 1000, 3000, 10000]  # 2 to 10 rising values in [25, 100000]: examples in section 4
epochs: int = 40  # [1, 500] passes over the digits in section 6
device: str = "cpu"  # {"cpu", "cuda"} where the networks of section 6 live

# %% tags=["fold"]
# imports, the patients (raw measurements and standardized), descent with dropout on the inputs
import itertools

import numpy as np
import torch
from matplotlib import pyplot as plt
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.datasets import load_diabetes

from course_utils.checks.deeper import d04_penalty as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("04.penalty")
rng = np.random.default_rng(seed)

patients = load_diabetes(scaled=False)
order = rng.permutation(len(patients.target))
raw, score = patients.data[order], patients.target[order]  # as the laboratory wrote them; disease progression, 25 to 346
columns = list(patients.feature_names)
X = (raw[:100] - raw[:100].mean(0)) / raw[:100].std(0)
y = (score[:100] - score[:100].mean()) / score[:100].std()


def descend_with_coins(lr):
    w, path = np.zeros((n_runs, X.shape[1])), []
    for _ in range(n_steps):
        keep = rng.random((n_runs, *X.shape), dtype=np.float32) >= p_drop
        noisy = X * keep / (1 - p_drop)
        error = (noisy @ w[:, :, None])[:, :, 0] - y
        w = w - lr * (error[:, None] @ noisy)[:, 0] / len(y)
        path.append(w)
    return np.array(path)  # (n_steps, n_runs, 10)


paths = {lr: descend_with_coins(lr) for lr in lrs}

# %% tags=["fold"]
# figure: the path of one run in the plane of two weights, least squares, and the mean of the second half of all runs
a, b = columns.index("bmi"), columns.index("s5")
path, middle = paths[lrs[-1]], paths[lrs[0]][n_steps // 2 :].mean((0, 1))
least_squares = np.linalg.lstsq(X, y, rcond=None)[0]
fig, ax = plt.subplots()
ax.plot(path[:, 0, a], path[:, 0, b], color="0.7", linewidth=0.4, linestyle="-", label="one run, step by step", zorder=1)
ax.scatter(path[-1, :, a], path[-1, :, b], color="C0", s=30, label=f"where {n_runs} runs are at the end", zorder=3)
ax.scatter(*middle[[a, b]], color="C1", marker="*", s=220, edgecolor="k", label="the point they gather around", zorder=4)
ax.scatter(*least_squares[[a, b]], color="C2", marker="s", s=60, edgecolor="k", label="least squares", zorder=4)
ax.set(
    xlabel="weight of body mass index",
    ylabel="weight of s5 (log of a blood fat)",
    title="Learning with dropout: a cloud around a point",
)
ax.legend()
show(
    fig,
    alt="A scribble in the plane of two weights, with dots of several runs around a star, and a square elsewhere.",
    reading=f"The star is {np.linalg.norm(middle) / np.linalg.norm(least_squares):.0%} as long as the least squares solution "
    f"(all {len(columns)} weights). The runs are near it, and none has stopped.",
)

# %% [markdown]
# ## 1 · What the coins cost on average
#
# For one patient, the noisy prediction is $\tilde x\cdot w$. Its mean over the coins is $x\cdot w$, and a squared error splits
# into the error of the mean and the variance around it:
#
# $$\mathbb E\,(y-\tilde x\cdot w)^2 = (y-x\cdot w)^2 + \operatorname{Var}[\tilde x\cdot w].$$
#
# The second term does not contain $y$. Summed over patients, it is a penalty on $w$.
#
# ### Exercise 1 · Write the penalty
#
# For a table `X` (patients × measurements), weights `w` and rate `p`, return the sum over patients of
# $\operatorname{Var}[\tilde x\cdot w]$.
#
# <details><summary>Hint 1</summary>The coins of two measurements are independent, so the variances of the terms
# x_j w_j add up.</details>
# <details><summary>Hint 2</summary>Each of them is p/(1-p) times the square of the term. (See the question at the
# top.)</details>


# %% tags=["stub"]
def penalty(X, w, p): ...


checks.check_1(penalty)


# %% tags=["solution"]
def penalty(X, w, p):
    return p / (1 - p) * np.sum((X * w) ** 2)


checks.check_1(penalty)

# %% [markdown]
# Ten measurements have only 1,024 masks. So ask every one, on raw measurements, whose columns have very different sizes:

# %%
masks = np.array(list(itertools.product([0, 1], repeat=10)))


def chance(p):
    n_kept = masks.sum(1)
    return (1 - p) ** n_kept * p ** (10 - n_kept)


def mean_over_masks(X, y, w, p):
    predictions = masks @ (X * w).T / (1 - p)  # (masks, patients)
    return chance(p) @ ((y - predictions) ** 2).sum(1)


# %% tags=["fold"]
# ours, in case yours is open; claim 04.penalty.1: the average over all masks is an objective
def our_penalty(X, w, p):
    return p / (1 - p) * np.sum((X * w) ** 2)


passed = checks.check_1(penalty).startswith("passed")
cost = penalty if passed else our_penalty
centred, target = raw[:100] - raw[:100].mean(0), score[:100] - score[:100].mean()
measured, expected, one_strength = [], [], []
for p in (0.1, 0.3, p_drop):
    w = rng.normal(size=10) * 30 / centred.std(0)
    plain = ((target - centred @ w) ** 2).sum()
    measured.append(mean_over_masks(centred, target, w, p))
    expected.append(plain + float(cost(centred, w, p)))
    one_strength.append(plain + p / (1 - p) * (centred**2).sum(0).mean() * (w**2).sum())
print("penalty used:", "yours" if passed else "ours")
claims.exact(
    "04.penalty.1",
    "Averaged over all masks, dropout on the inputs of a linear model is the squared error plus a penalty, with a strength of "
    "its own for each column.",
    measured,
    expected,
    control=one_strength,
    tolerance=1e-9,
    source="Wager et al. 2013, arXiv:1307.1493; Wang & Manning 2013",
    myth="Weight decay acts on the objective, dropout on the activations instead.",
    myth_source="a popular sentence",
)

# %% [markdown]
# Sorted by weight, the penalty is a **ridge with a strength for each column**:
#
# $$\frac{p}{1-p}\sum_j s_j\,w_j^2, \qquad s_j = \sum_i x_{ij}^2 .$$
#
# "Dropout acts on activations, not on the objective" is right about the code: no line adds a term. What the code descends,
# on average, is an objective all the same.
#
# ## 2 · Why the runs never arrive
#
# The penalty as a number for each column gives the solution directly. Setting $w$ to a unit vector reads the strength off:

# %%
strengths = np.array([cost(X, unit, p_drop) for unit in np.eye(10)])
solution = np.linalg.solve(X.T @ X + np.diag(strengths), X.T @ y)


def distance(w):
    return np.linalg.norm(w - solution, axis=-1) / np.linalg.norm(solution)


# %% [markdown]
# **Predict.** With a sixteenth of the learning rate, how wide is the cloud?

# %%
prediction = None  # "a sixteenth", "a quarter" or "as wide as before"

# %% tags=["fold"]
# distance to that solution in the second half: of a step, of the mean of the steps, and of descent on the penalty without coins
typical = {lr: distance(path[n_steps // 2 :]).mean(0) for lr, path in paths.items()}
averaged = {lr: distance(path[n_steps // 2 :].mean(0)) for lr, path in paths.items()}
print("distance from the penalty's solution, relative to its length")
for lr in lrs:
    w = np.zeros(10)
    for _ in range(n_steps):
        w = w - lr * (X.T @ (X @ w - y) + strengths * w) / len(y)
    print(
        f"lr {lr:<5g} a step {typical[lr].mean():6.1%}   mean of the steps {averaged[lr].mean():5.1%}"
        f"   penalty, no coins {distance(w):.0e}"
    )
print(f"from lr {lrs[-1]:g} to {lrs[0]:g}, a step comes {typical[lrs[-1]].mean() / typical[lrs[0]].mean():.1f} times as close")
print(f"You said: {prediction}." if prediction else "(No prediction.)")

# %% tags=["fold"]
# claim 04.penalty.2: the mean of the steps is at the penalty's solution, the steps are not
claims.compare(
    "04.penalty.2",
    "With dropout a step is more than five times as far from the penalty's solution as the mean of the steps.",
    typical[lrs[-1]],
    averaged[lrs[-1]],
    factor=5,
    names=("a step", "mean of the steps"),
    unit="of its length",
    over="runs on these patients",
    source="Clara, Langer, Schmidt-Hieber 2024, arXiv:2306.10529",
)

# %% [markdown]
# Here is the difference. A penalty **arrives**. Noise ends at the same point *on average*, and keeps moving, in a cloud whose
# width goes like the root of the learning rate. (The gradient is linear in $w$ here, so the mean of all runs descends on the
# penalty itself, step by step.) To make the noise arrive, let the learning rate fall, or average the steps.
#
# ## 3 · Milligrams or millimoles
#
# Each column has its own strength. Who cares? A hospital does. American laboratories write cholesterol and glucose in mg/dl,
# many European ones in mmol/l: the same blood, four columns in other units. Ten groups of thirty patients are fitted in both,
# with ridge and with dropout's penalty; each strength is chosen on validation patients, in each unit anew.

# %%
in_mmol = np.ones(10)
in_mmol[[columns.index(name) for name in ("s1", "s2", "s3")]] = 1 / 38.67  # cholesterol
in_mmol[columns.index("s6")] = 1 / 18.02  # glucose


def fit_and_predict(data, rows, strength, kind):
    centre, mean_score = data[rows].mean(0), score[rows].mean()
    A = data[rows] - centre
    per_column = (A**2).sum(0) if kind == "dropout" else np.ones(10)
    w = np.linalg.solve(A.T @ A + strength * np.diag(per_column), A.T @ (score[rows] - mean_score))
    return mean_score + (data - centre) @ w


# %% [markdown]
# **Predict.** By how much does a patient's predicted score (25 to 346) change with the units: for ridge, for dropout?

# %%
prediction = None  # two numbers, such as (5, 1)

# %% tags=["fold"]
# ten training groups in two units, strengths chosen on validation; figure: predictions in one unit against the other
val, test = slice(300, 370), slice(370, None)
grids = {"ridge": np.logspace(-1, 5, 25), "dropout": [p / (1 - p) for p in np.linspace(0, 0.9, 19)]}


def rms(difference):
    return np.sqrt(np.mean(difference[test] ** 2))


def best_prediction(data, rows, kind):
    candidates = [fit_and_predict(data, rows, strength, kind) for strength in grids[kind]]
    return min(candidates, key=lambda guess: np.mean((guess - score)[val] ** 2))


groups = [slice(start, start + 30) for start in range(0, 300, 30)]
in_units = {
    (kind, unit): [best_prediction(raw * scale, rows, kind) for rows in groups]
    for kind in grids
    for unit, scale in (("mg", 1), ("mmol", in_mmol))
}
change = {k: np.array([rms(m - n) for m, n in zip(in_units[k, "mg"], in_units[k, "mmol"])]) for k in grids}
errors = {key: np.mean([rms(guess - score) for guess in guesses]) for key, guesses in in_units.items()}
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.6), sharex=True, sharey=True)
for ax, kind in zip(axes, grids):
    ax.scatter(in_units[kind, "mg"][0][test], in_units[kind, "mmol"][0][test], s=12)
    ax.axline((150, 150), slope=1, color="k", linestyle=":")
    ax.set(xlabel="predicted, mg/dl", title=f"{kind}: {change[kind].mean():.1f} points of change")
axes[0].set_ylabel("predicted, mmol/l")
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Two scatter plots of test patients, one group's predictions in two units: scattered for ridge, on the diagonal for "
    "dropout.",
    reading=f"Each dot is a test patient. On average over ten groups, other units move ridge's predictions by "
    f"{change['ridge'].mean():.1f} points and dropout's by {change['dropout'].mean():.1g}. Test error: ridge "
    f"{errors['ridge', 'mg']:.1f} and {errors['ridge', 'mmol']:.1f}, dropout {errors['dropout', 'mg']:.1f} in both.{yours}",
)

# %% tags=["fold"]
# claim 04.penalty.3: units of measurement change what ridge predicts, and not what dropout's penalty predicts
claims.compare(
    "04.penalty.3",
    "Other units for the same blood move ridge's predictions by more than a point of the score; dropout's stay.",
    change["ridge"],
    change["dropout"],
    margin=1.0,
    names=("ridge", "dropout's penalty"),
    unit="points of the score",
    over="groups of training patients",
    myth="For linear models, dropout is L2 regularization.",
    myth_source="a popular sentence",
)

# %% [markdown]
# A column in larger numbers needs a smaller weight, and pays less to ridge. To dropout it pays the same, for $x_{ij}w_j$
# does not change. (That holds for the solution, not for the way there: descent on columns of such different sizes is slow. And a
# moved zero, as from °C to °F, is another matter: centre first.) It is also why ridge comes after standardizing:
# **dropout is ridge on standardized columns**. There, with n examples, every $s_j=n$.
#
# ### Exercise 2 · Translate
#
# A colleague runs `Ridge(alpha)`, which minimizes ‖y − Xw‖² + alpha ‖w‖², on n examples with standardized columns. Which
# dropout rate on the inputs does the same?
#
# <details><summary>Hint 1</summary>First the other way: which alpha belongs to the rate p, if every s_j is n?</details>
# <details><summary>Hint 2</summary>Solve alpha = n p/(1-p) for p.</details>


# %% tags=["stub"]
def rate(alpha, n): ...


checks.check_2(rate)


# %% tags=["solution"]
def rate(alpha, n):
    return alpha / (alpha + n)


checks.check_2(rate)

# %% [markdown]
# ## 4 · More data
#
# "With more data, regularization matters less." For a penalty of fixed size, yes: the error sums over ever more examples
# and drowns it. Dropout's penalty is summed over examples too. **Predict:** what happens to it as the data grow?

# %%
prediction = None  # "fades like ridge" or "stays"


# %%
def draw(n, run, n_inputs=20):
    draws = np.random.default_rng((seed, run, n))
    w = draws.normal(size=n_inputs) / n_inputs**0.5
    A = draws.normal(size=(n, n_inputs))
    return A, A @ w + draws.normal(size=n), w


def excess(n, run, alpha):
    A, b, w = draw(n, run)
    learned = np.linalg.solve(A.T @ A + alpha * np.eye(20), A.T @ b)
    return ((learned - w) ** 2).sum()  # the error on new examples beyond the label noise


# %% tags=["fold"]
# figure: excess error against n; dropout at p = 0.3, and the ridge that equals it at the smallest n
kept_rate = 0.3
odds = kept_rate / (1 - kept_rate)
kinds = {"least squares": lambda n: 0.0, "dropout, p = 0.3": lambda n: n * odds, "ridge, alpha fixed": lambda n: sizes[0] * odds}
curves = {k: np.array([[excess(n, run, alpha(n)) for n in sizes] for run in range(n_runs)]) for k, alpha in kinds.items()}
fig, ax = plt.subplots()
for (kind, values), style in zip(curves.items(), ("-.", "-", "--")):
    mean, half = zip(*[mean_and_interval(column)[:2] for column in values.T])
    ax.errorbar(sizes, mean, half, linestyle=style, marker="o", capsize=2, label=f"{kind} (n = {n_runs})")
at_most = {kind: values[:, -1].mean() for kind, values in curves.items()}
drop, ridge = at_most["dropout, p = 0.3"], at_most["ridge, alpha fixed"]
ax.set(
    xscale="log",
    yscale="log",
    xlabel="training examples",
    ylabel="excess error",
    title=f"With {sizes[-1]:,} examples dropout leaves {drop:.2g}, the fixed ridge {ridge:.2g}",
)
ax.legend()
equal_to = rate if checks.check_2(rate).startswith("passed") else lambda alpha, n: alpha / (alpha + n)
as_rates = [float(equal_to(sizes[0] * odds, n)) for n in (sizes[0], sizes[-1])]
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Excess error against the number of examples: least squares and the fixed ridge fall together, dropout levels off.",
    reading=f"The two agree at {sizes[0]} examples. Translated to a dropout rate, the fixed ridge then goes from "
    f"{as_rates[0]:.2g} to {as_rates[1]:.2g}. Dropout stays at {kept_rate:g}, and so does what it shrinks.{yours}",
)

# %% tags=["fold"]
# claim 04.penalty.4: a fixed dropout rate does not fade
claims.compare(
    "04.penalty.4",
    "With the most examples, a fixed dropout rate leaves more than five times the excess error of a fixed ridge.",
    curves["dropout, p = 0.3"][:, -1],
    curves["ridge, alpha fixed"][:, -1],
    factor=5,
    names=("dropout", "ridge"),
    over="draws of data",
    myth="With more data, regularization fades by itself.",
    myth_source="a popular sentence",
)

# %% [markdown]
# A rate that was chosen on little data has to be chosen again on more.
#
# ## 5 · Yes or no: a penalty that looks at the example
#
# Now predict only whether a score lies above the median: logistic regression, with logit $z$ and probability $q$. The
# average over masks again splits off a term without $y$. For small noise it is about
#
# $$\tfrac12\,q(1-q)\operatorname{Var}[\tilde z].$$
#
# The new factor $q(1-q)$ is ¼ at a coin toss and nearly 0 for a confident answer: noise on a sure thing costs little.


# %%
def exact_penalty(X, w, bias, p):
    z = X @ w + bias
    noisy = masks @ (X * w).T / (1 - p) + bias
    return chance(p) @ np.logaddexp(0, noisy) - np.logaddexp(0, z)  # one value a patient


# %% tags=["fold"]
# weights that minimize the average over all masks; figure: each patient's exact penalty per variance; claim 04.penalty.5
some = (raw[:300] - raw[:300].mean(0)) / raw[:300].std(0)
is_high = score[:300] > np.median(score[:300])


def learn_with_all_masks(p):
    def loss_and_gradient(parameters):
        *w, bias = parameters
        noisy = masks @ (some * w).T / (1 - p) + bias
        error = chance(p)[:, None] * (expit(noisy) - is_high)
        gradient = [*((error @ some) * masks).sum(0) / (1 - p), error.sum()]
        return (chance(p) @ (np.logaddexp(0, noisy) - is_high * noisy)).sum() / 300, np.array(gradient) / 300

    return minimize(loss_and_gradient, np.zeros(11), jac=True).x


learned = {p: learn_with_all_masks(p) for p in (0.1, p_drop)}
q = {p: expit(some @ w[:10] + w[10]) for p, w in learned.items()}
variance = {p: p / (1 - p) * (some**2 @ w[:10] ** 2) for p, w in learned.items()}
exact = {p: exact_penalty(some, w[:10], w[10], p) for p, w in learned.items()}
quadratic = {p: 0.5 * q[p] * (1 - q[p]) * variance[p] for p in learned}
one_price = {p: 0.5 * 0.25 * variance[p] for p in learned}
fig, ax = plt.subplots()
for p, marker in zip(variance, "ox"):
    ax.scatter(q[p], exact[p] / variance[p], s=14, marker=marker, alpha=0.6, label=f"each patient, learned with p = {p:g}")
grid = np.linspace(0, 1, 100)
ax.plot(grid, 0.5 * grid * (1 - grid), color="k", label="½ q (1-q)")
ax.axhline(0.125, color="C2", linestyle="--", label="one price for all")
unsure = abs(q[p_drop] - 0.5) < 0.25
parts = {part: exact[p_drop][unsure == part].sum() / quadratic[p_drop][unsure == part].sum() for part in (True, False)}
ratio = {p: exact[p].sum() / quadratic[p].sum() for p in variance}
ax.set(
    xlabel="probability q that the model gives",
    ylabel="penalty / variance of the logit",
    title=f"Sum over patients: {ratio[p_drop]:.2f} times the formula at p = {p_drop:g}",
)
ax.legend()
show(
    fig,
    alt="Penalty per variance against the predicted probability: points near an arch, high in the middle, low at both ends.",
    reading=f"For the same noise, patients of whom the model is sure pay little. Against the formula at p = {p_drop:g}, patients "
    f"with q from 0.25 to 0.75 pay {parts[True]:.2f} times as much, the surer ones {parts[False]:.2f} times.",
)
claims.within(
    "04.penalty.5",
    "On these patients the quadratic formula gives the sum of the logistic penalty to within 15 %; one price for all does not.",
    ratio[p_drop],
    1.0,
    0.15,
    control=exact[p_drop].sum() / one_price[p_drop].sum(),
    source="Wager et al. 2013, arXiv:1307.1493",
)

# %% [markdown]
# Labels do not appear in it, so Wager and his co-authors could estimate this penalty on *unlabelled* texts.
#
# ## 6 · Networks, and where the picture ends
#
# For deep networks no exact penalty is known. Wei, Kakade and Ma derive approximations and find two effects: the changed average
# objective, and, apart from it, the noise of the updates. What carries over is the price:
# it is the variance of what a layer passes on. A sum of n equal parts has relative noise $\sqrt{p/((1-p)\,n)}$: a wide
# layer makes it small by spreading its answer. Can eight units?

# %%
digits = load("digits", n_train=500, n_val=1000, n_test=10, seed=seed, device=device)


def build(width, p):
    return mlp(n_inputs=64, n_hidden=(width, width), n_outputs=10, p_drop=p)


# %% tags=["fold"]
# narrow and wide networks with and without dropout; claim 04.penalty.6
arms = [(width, p) for width in (8, 128) for p in (0.0, p_drop)]
runs = [{"width": width, "p": p, "seed": seed + k, "lr": 3e-3} for width, p in arms for k in range(n_runs)]
history, _ = train_runs(build, digits.train, digits.val, runs, epochs=epochs, evaluate_every=epochs)
final = history[history["epoch"] == history["epoch"].max()].sort_values("run")
accuracy = dict(zip(arms, final["val_accuracy"].to_numpy().reshape(len(arms), -1)))
on_training = dict(zip(arms, final["train_accuracy"].to_numpy().reshape(len(arms), -1)))
for width, p in arms:
    noise = (p / (1 - p) / width) ** 0.5
    mean, half, n = mean_and_interval(accuracy[width, p])
    print(
        f"{width:3} units, p = {p:g}: {100 * mean:.1f} ± {100 * half:.1f} % of new digits (n = {n}), "
        f"{100 * on_training[width, p].mean():.0f} % of the training digits; noise of an even sum {noise:.0%}"
    )
claims.compare(
    "04.penalty.6",
    "A network of eight units a layer loses more than five points by dropout.",
    accuracy[8, 0.0],
    accuracy[8, p_drop],
    margin=0.05,
    names=("without", "with dropout"),
    unit="points",
    over="training runs on these digits",
)

# %% [markdown]
# Look at the *training* digits: where they are lost too, no overfitting was cured, capacity was spent. (Is the narrow network
# only slow? Try `epochs = 120`.)
#
# ## What to take along
#
# * On the inputs of a linear model dropout is, on average, ridge on standardized columns with strength $n\,p/(1-p)$.
# * It is blind to units, and it does not fade with more data.
# * Noise reaches the penalty's solution on average only; lower the learning rate or average.
# * Beyond, the price is about the variance that reaches the output: low where the answer is sure or many units share it, high in
#   a narrow network.
#
# **On your own model:** before dropout is blamed or praised, look at training accuracy with dropout *off*. If it fell far, the
# layer is too narrow for the rate.
#
# **References.** Wager, Wang, Liang 2013, [arXiv:1307.1493](https://arxiv.org/abs/1307.1493) ·
# Wang, Manning 2013, [Fast dropout training](https://proceedings.mlr.press/v28/wang13a.html) ·
# Srivastava et al. 2014, section 9.1, [JMLR 15](https://jmlr.org/papers/v15/srivastava14a.html) ·
# Clara, Langer, Schmidt-Hieber 2024, [arXiv:2306.10529](https://arxiv.org/abs/2306.10529) ·
# Wei, Kakade, Ma 2020, [arXiv:2002.12915](https://arxiv.org/abs/2002.12915)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
display(claims.table())
metrics = {
    "cloud": typical[lrs[-1]].mean(),
    "units_ridge": change["ridge"].mean(),
    "logistic_ratio": ratio[p_drop],
    "narrow_loss": (accuracy[8, 0.0] - accuracy[8, p_drop]).mean(),
}
record = claims.record(parameters, metrics)
