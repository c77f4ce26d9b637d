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
device: str = "cpu"  # {"cpu", "cuda"} changes nothing here: NumPy computes on the CPU

# %% tags=["fold"]
# imports, the patients (raw measurements and standardized), descent with dropout on the inputs
import itertools

import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_diabetes

from course_utils.checks.deeper import d04_penalty as checks
from course_utils.claims import Claims
from course_utils.figures import show, use_course_style
from course_utils.parameters import check_parameters
from course_utils.statistics import mean_and_interval

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
# figure: one run at the largest learning rate in the plane of two weights, all runs at their end, and least squares
a, b = columns.index("bmi"), columns.index("s5")
path = paths[lrs[-1]]
middle = path[n_steps // 2 :].mean((0, 1))  # of all runs and of their later half of steps
least_squares = np.linalg.lstsq(X, y, rcond=None)[0]
fig, ax = plt.subplots()
ax.plot(path[:, 0, a], path[:, 0, b], color="0.7", linewidth=0.4, linestyle="-", label="one run, step by step", zorder=1)
ax.scatter(path[-1, :, a], path[-1, :, b], color="C0", s=30, label=f"where {n_runs} runs are at the end", zorder=3)
ax.scatter(*middle[[a, b]], color="C1", marker="*", s=220, edgecolor="k", label="the mean of their later steps", zorder=4)
ax.scatter(*least_squares[[a, b]], color="C2", marker="s", s=60, edgecolor="k", label="least squares", zorder=4)
ax.set(
    xlabel="weight of body mass index",
    ylabel="weight of s5 (log of a blood fat)",
    title=f"Learning with dropout at lr {lrs[-1]:g}: a cloud around a point",
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
# <details><summary>Hint 2</summary>The question at the top has the variance of a dropped-out x_j. What does the constant factor
# w_j make of it?</details>


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


def mean_over_masks(X, y, w, p):
    n_kept = masks.sum(1)
    chance = (1 - p) ** n_kept * p ** (10 - n_kept)
    predictions = masks @ (X * w).T / (1 - p)  # (masks, patients)
    return chance @ ((y - predictions) ** 2).sum(1)


# %% tags=["fold"]
# ours, in case yours is open; the average over all masks against the squared error plus the penalty
def our_penalty(X, w, p):
    return p / (1 - p) * np.sum((X * w) ** 2)


passed = checks.check_1(penalty).startswith("passed")
cost = penalty if passed else our_penalty
centred, target = raw[:100] - raw[:100].mean(0), score[:100] - score[:100].mean()
print(f"squared error plus {'your' if passed else 'our'} penalty, over the average of all masks:")
for p in (0.1, 0.3, p_drop):
    w = rng.normal(size=10) * 30 / centred.std(0)
    plain, average = ((target - centred @ w) ** 2).sum(), mean_over_masks(centred, target, w, p)
    alike = p / (1 - p) * (centred**2).sum(0).mean() * (w**2).sum()
    print(
        f"p = {p:<5g} off by {abs((plain + float(cost(centred, w, p))) / average - 1):.0e};"
        f" with one strength for all columns by {abs((plain + alike) / average - 1):.0%}"
    )

# %% [markdown]
# Sorted by weight, the penalty is a **ridge with a strength for each column**:
#
# $$\frac{p}{1-p}\sum_j s_j\,w_j^2, \qquad s_j = \sum_i x_{ij}^2 .$$
#
# No line of the code adds a term to the loss. What the code descends, on average, has one all the same.
#
# ## 2 · Why the runs never arrive
#
# A strength for each column gives the solution directly. `cost` is your penalty; at a unit vector it is the strength of one
# column:

# %%
strengths = np.array([cost(X, unit, p_drop) for unit in np.eye(10)])
solution = np.linalg.solve(X.T @ X + np.diag(strengths), X.T @ y)


def distance(w):
    return np.linalg.norm(w - solution, axis=-1) / np.linalg.norm(solution)


# %% [markdown]
# **Predict.** The cloud above was drawn with the largest of `lrs`. The smallest is a sixteenth of it at the defaults: which
# share of the cloud's width is left?

# %%
prediction = None  # a number from 0 to 1

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
shrunk = typical[lrs[0]].mean() / typical[lrs[-1]].mean()
print(f"{lrs[0] / lrs[-1]:.3g} of the learning rate leaves {shrunk:.2f} of the width")
print(f"You said: {prediction}." if prediction else "(No prediction.)")

# %% tags=["fold"]
# claims 04.penalty.1 and 2: the width of the cloud, and where its mean is
roots = (lrs[-1] / lrs[0]) ** 0.5
claims.within(
    "04.penalty.1",
    "The cloud is as wide as the root of the learning rate says, to a fifth; the mean of its steps is not.",
    typical[lrs[-1]] / typical[lrs[0]] / roots,
    1.0,
    0.2,
    control=averaged[lrs[-1]] / averaged[lrs[0]] / roots,
    over="runs on these patients",
    source="Clara, Langer, Schmidt-Hieber 2024, arXiv:2306.10529, for the variance that remains",
)
claims.compare(
    "04.penalty.2",
    "The mean of the steps at the largest learning rate is nearer to the penalty's solution than a step at the smallest.",
    typical[lrs[0]],
    averaged[lrs[-1]],
    names=("a step at the smallest", "the mean of steps at the largest"),
    unit="of its length",
    over="runs on these patients",
    source="Polyak & Juditsky 1992, for averaging",
)

# %% [markdown]
# Here is the difference. A penalty **arrives**. Noise keeps moving, in a cloud whose width goes like the root of the learning
# rate. Only on average do the two agree: the gradient is linear in $w$ here, so the mean of *infinitely* many runs descends on
# the penalty itself, step by step. The mean of finitely many steps is a little off; compare the learning rates: smaller steps
# stray less, but resemble each other more. To make the noise arrive, let the learning rate fall, or average longer.
#
# ## 3 · Milligrams or millimoles
#
# Each column has its own strength. Who cares? A hospital does. American laboratories write cholesterol and glucose in mg/dl,
# many European ones in mmol/l: the same blood, four columns in other units. Fifteen groups of twenty patients are fitted in both,
# with ridge and with dropout's penalty; each strength is chosen on validation patients, in each unit anew. (Ridge on columns as
# they come is careless. What careful people do is at the end of this section.)

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
# **Predict.** By how many points does a patient's predicted score (scores go from 25 to 346) typically change with the units:
# for ridge, for dropout?

# %%
prediction = None  # two numbers: (ridge, dropout)

# %% tags=["fold"]
# fifteen training groups in two units, strengths chosen on validation; figure: predictions in one unit against the other
val, test = slice(300, 370), slice(370, None)
grids = {"ridge": np.logspace(-1, 5, 25), "dropout": [p / (1 - p) for p in np.linspace(0, 0.9, 19)]}


def rms(difference):  # root of the mean square over test patients
    return np.sqrt(np.mean(difference[test] ** 2))


def best(data, rows, kind):
    candidates = [(fit_and_predict(data, rows, strength, kind), strength) for strength in grids[kind]]
    return min(candidates, key=lambda pair: np.mean((pair[0] - score)[val] ** 2))


groups = [slice(start, start + 20) for start in range(0, 300, 20)]
units = {"mg": raw, "mmol": raw * in_mmol}
tuned = {(kind, unit): [best(data, rows, kind) for rows in groups] for kind in grids for unit, data in units.items()}
guesses = {key: np.array([guess for guess, _ in pairs]) for key, pairs in tuned.items()}  # (groups, patients)
change = {k: np.array([rms(m - n) for m, n in zip(guesses[k, "mg"], guesses[k, "mmol"])]) for k in grids}
errors = {key: np.mean([rms(guess - score) for guess in values]) for key, values in guesses.items()}
untuned = [
    rms(guess - fit_and_predict(units["mmol"], rows, strength, "ridge"))
    for (guess, strength), rows in zip(tuned["ridge", "mg"], groups)
]
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.6), sharex=True, sharey=True)
for ax, kind in zip(axes, grids):
    ax.scatter(guesses[kind, "mg"][:, test], guesses[kind, "mmol"][:, test], s=5, alpha=0.4)
    ax.axline((150, 150), slope=1, color="k", linestyle=":")
    ax.set(xlabel="predicted from mg/dl", title=f"{kind}: {change[kind].mean():.1f} points of change")
axes[0].set_ylabel("predicted from mmol/l")
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Two scatter plots of test patients' predictions in two units, one for ridge and one for dropout, with the diagonal.",
    reading=f"Each dot is a test patient as one of the {len(groups)} groups predicts them. The change is the root of the mean "
    f"square over patients, on average over groups: {change['ridge'].mean():.1f} points for ridge ({np.mean(untuned):.1f} if it "
    f"keeps the strength tuned in mg/dl), {change['dropout'].mean():.1g} for dropout. Typical error: ridge "
    f"{errors['ridge', 'mg']:.1f} and {errors['ridge', 'mmol']:.1f}, dropout {errors['dropout', 'mg']:.1f} in both.{yours}",
)

# %% tags=["fold"]
# claim 04.penalty.3: choosing the strength anew does not make up for other units
claims.compare(
    "04.penalty.3",
    "Even with its strength tuned anew, other units for the same blood move ridge's predictions by more than five points; they "
    "leave those of dropout's penalty.",
    change["ridge"],
    change["dropout"],
    margin=5.0,
    names=("ridge", "dropout's penalty"),
    unit="points of the score",
    over="groups of training patients",
)

# %% [markdown]
# A column in larger numbers needs a smaller weight, and pays less to ridge. To dropout it pays the same, for $x_{ij}w_j$
# does not change. (That holds for the solution, not for the way there: descent on columns of such different sizes is slow. And a
# moved zero, as from °C to °F, is another matter: centre first.) Careful people standardize before ridge, and then nothing is
# left between the two: **dropout is ridge on standardized columns**, on average.
#
# ### Exercise 2 · Translate
#
# A colleague runs `Ridge(alpha)`, which minimizes ‖y − Xw‖² + alpha ‖w‖², on n examples with standardized columns. Which
# dropout rate on the inputs does the same?
#
# <details><summary>Hint 1</summary>What is s_j, the sum of squares of n standardized numbers? First the other way, then: which
# alpha does a rate p amount to?</details>
# <details><summary>Hint 2</summary>p/(1-p) are odds. Odds of 3 to 1 are a probability of 3/4; and odds of a to b?</details>


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
# Grow the data without touching a number. Three numbers could be held: ridge's `alpha`, dropout's $p$, or the λ of lesson 02,
# whose loss is a *mean*: ½ mean squared error + (λ/2)‖w‖².
#
# **Predict.** Which of the three fade as the data grow? (The inputs below have variance 1.)

# %%
prediction = None  # those of "alpha", "p", "lambda" that fade


# %%
def draw(n, run, n_inputs=20):
    w = np.random.default_rng((seed, run)).normal(size=n_inputs) / n_inputs**0.5
    draws = np.random.default_rng((seed, run, n))
    A = draws.normal(size=(n, n_inputs))
    return A, A @ w + draws.normal(size=n), w


def excess(n, run, strength):
    A, b, w = draw(n, run)
    learned = np.linalg.solve(A.T @ A + np.diag(strength(A)), A.T @ b)
    return ((learned - w) ** 2).sum()  # the error on new examples beyond the label noise


# %% tags=["fold"]
# figure: excess error against n; all three penalties are about equal at the smallest n
p = 0.3
odds, ones = p / (1 - p), np.ones(20)
kinds = {
    "least squares": lambda A: 0 * ones,
    f"dropout, p = {p:g}": lambda A: odds * (A**2).sum(0),
    f"mean loss, λ = {odds:.2f}": lambda A: odds * len(A) * ones,
    f"ridge, alpha = {odds * sizes[0]:.0f}": lambda A: odds * sizes[0] * ones,
}
curves = {
    kind: np.array([[excess(n, run, strength) for n in sizes] for run in range(n_runs)]) for kind, strength in kinds.items()
}
dropped, decayed, ridged = list(curves.values())[1:]
lengths = np.array([(draw(sizes[-1], run)[2] ** 2).sum() for run in range(n_runs)])  # ||w||² of each draw
fig, ax = plt.subplots()
for (kind, values), style, marker in zip(curves.items(), ("-.", "-", ":", "--"), "sovD"):
    mean, half = zip(*[mean_and_interval(column)[:2] for column in values.T])
    ax.errorbar(sizes, mean, half, linestyle=style, marker=marker, capsize=2, label=f"{kind} (n = {n_runs})")
ax.set(
    xscale="log",
    yscale="log",
    xlabel="training examples",
    ylabel="excess error",
    title=f"With {sizes[-1]:,} examples: p leaves {dropped[:, -1].mean():.2g}, λ {decayed[:, -1].mean():.2g}, "
    f"alpha {ridged[:, -1].mean():.2g}",
)
ax.legend(fontsize=8)
equal_to = rate if checks.check_2(rate).startswith("passed") else lambda alpha, n: alpha / (alpha + n)
as_rates = [float(equal_to(sizes[0] * odds, n)) for n in (sizes[0], sizes[-1])]
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Excess error against the number of examples on logarithmic axes: least squares, dropout, weight decay beside a mean "
    "loss, and ridge with a fixed alpha.",
    reading=f"At {sizes[0]} examples the three penalties are nearly the same. Translated to a dropout rate, the fixed alpha goes "
    f"from {as_rates[0]:.2g} to {as_rates[1]:.2g}; the fixed p stays. It leaves {dropped[:, -1].mean():.3f} at the end, and "
    f"p²‖w‖² is {p**2 * lengths.mean():.3f}.{yours}",
)

# %% [markdown]
# The line is not drawn between noise and penalty, but between **sum and mean**. `alpha` stands beside a sum of squares that
# grows with the data and drowns it. Dropout's penalty is summed over the examples too, and λ stands beside a mean, so both keep
# their share. With so many examples that the label noise is averaged away, dropout learns $(1-p)\,w$ instead of $w$ from
# these independent columns, and what it leaves is
#
# $$\lVert w-(1-p)\,w\rVert^2 = p^2\lVert w\rVert^2 .$$

# %% tags=["fold"]
# claim 04.penalty.4: the floor of a fixed rate
claims.within(
    "04.penalty.4",
    "With the most examples, what a fixed dropout rate leaves is p²‖w‖² to a fifth.",
    dropped[:, -1] / (p**2 * lengths),
    1.0,
    0.2,
    control=ridged[:, -1] / (p**2 * lengths),
    over="draws of data",
)

# %% [markdown]
#
# ## Where the picture ends
#
# In logistic regression the average over masks splits off a term without $y$ again, but no longer exactly a variance. Labels do
# not appear in it, and Wager and his co-authors could estimate it on *unlabelled* texts. For deep
# networks no exact penalty is known; Wei, Kakade and Ma derive approximations.
#
# ## What to take along
#
# * On the inputs of a linear model dropout is, on average, ridge on standardized columns, and so blind to units.
# * Noise reaches the penalty's solution on average only; lower the learning rate or average.
# * A penalty beside a sum fades as data grow. A dropout rate does not, nor does a λ beside a mean loss.
#
# **On your own model:** when the data have grown, run validation again with half the rate; look at one number, the paired
# difference.
#
# **References.** Wager, Wang, Liang 2013, [arXiv:1307.1493](https://arxiv.org/abs/1307.1493) ·
# Wang, Manning 2013, [Fast dropout training](https://proceedings.mlr.press/v28/wang13a.html) ·
# Srivastava et al. 2014, section 9.1, [JMLR 15](https://jmlr.org/papers/v15/srivastava14a.html) ·
# Polyak, Juditsky 1992, Acceleration of stochastic approximation by averaging, SIAM J. Control Optim. 30 ·
# Clara, Langer, Schmidt-Hieber 2024, [arXiv:2306.10529](https://arxiv.org/abs/2306.10529) ·
# Wei, Kakade, Ma 2020, [arXiv:2002.12915](https://arxiv.org/abs/2002.12915)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {
    "cloud": typical[lrs[-1]].mean(),
    "units_ridge": change["ridge"].mean(),
    "floor": (dropped[:, -1] / (p**2 * lengths)).mean(),
}
record = claims.record(parameters, metrics)
