# %% [markdown]
# # Deep dive 06 · Paths
#
# **Which weight goes first, and what happens between twins?**
#
# Ten measurements of 442 patients, each in units of its standard deviation, and how far their diabetes had come a year later:
# least squares gives every measurement a weight. Turn on L1, stronger and stronger, until all ten weights are zero. In which
# order do they leave?
#
# Lesson 06 answered for weights that do not mind each other. Real measurements are relatives, and between relatives things get
# strange: one of the ten goes, and comes back.
#
# *{minutes} minutes. You need lesson 06. One question to warm up:*
#
# <details><summary>When does L1 hold a weight at exactly zero?</summary>
# When the data pull at it with at most λ: then the kink holds.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw
rho: float = 0.9  # [0.1, 0.95] correlation of the two columns in section 2
n_draws: int = 20  # [3, 200] data sets drawn in section 2
noise: float = 0.1  # [0.02, 1.0] standard deviation of what tells the twins of section 3 apart
n_groups: int = 8  # [4, 12] groups of patients in section 3
n_splits: int = 20  # [3, 100] splits into training and new patients in section 4
n_samples: int = 100  # [10, 1000] bootstrap samples of patients in section 4
device: str = "cpu"  # {"cpu", "cuda"} changes nothing here: NumPy computes on the CPU

# %% tags=["fold"]
# imports, the patients, standardization, least squares
from collections import Counter

import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNetCV, Lasso, LassoCV, LinearRegression, RidgeCV, lars_path
from sklearn.preprocessing import PolynomialFeatures

from course_utils.checks.deeper import d06_paths as checks
from course_utils.claims import Claims
from course_utils.figures import show, use_course_style
from course_utils.parameters import check_parameters
from course_utils.statistics import mean_and_interval

use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("06.paths")
rng = np.random.default_rng(seed)

patients = load_diabetes(scaled=False)
raw, score, names = patients.data, patients.target, list(patients.feature_names)  # scores go from 25 to 346
bmi = names.index("bmi")


def standardized(table, rows=slice(None)):
    return (table - table[rows].mean(0)) / table[rows].std(0)


def least_squares(X, y):
    return np.linalg.lstsq(X, y, rcond=None)[0]


X, y = standardized(raw), score - score.mean()
whole = least_squares(X, y)

# %% tags=["fold"]
# the situation: ten weights of least squares, and the correlations of the ten measurements
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.0), width_ratios=[1.5, 1])
axes[0].bar(names, whole)
axes[0].axhline(0, color="k", linewidth=0.6, linestyle="-")
axes[0].set(ylabel="weight (points of the score)", title="No penalty: the weights of least squares")
image = axes[1].imshow(np.corrcoef(X.T), cmap="RdBu_r", vmin=-1, vmax=1)
axes[1].set(xticks=range(10), yticks=range(10), title="Correlations")
axes[1].set_xticklabels(names, rotation=90, fontsize=8)
axes[1].set_yticklabels(names, fontsize=8)
axes[1].grid(False)
fig.colorbar(image, ax=axes[1], fraction=0.046)
order = np.argsort(-abs(whole))
show(
    fig,
    alt="Bars of ten weights, the longest for s1 and s5; a table of colours of their correlations, dark between s1 and s2.",
    reading=f"The three largest weights: {', '.join(f'{names[j]} {whole[j]:+.1f}' for j in order[:3])}; the three smallest: "
    f"{', '.join(f'{names[j]} {whole[j]:+.1f}' for j in order[-3:])}. (s1 is cholesterol, s2 its bad part, s3 its good part, s4 "
    f"s1 over s3, s5 the log of a blood fat, s6 sugar, bp blood pressure.)",
)

# %% [markdown]
# **Predict.** As λ grows, in which place of ten does the largest weight leave? (1: before all others.)

# %%
prediction = None  # a whole number

# %% [markdown]
# ## 1 · All strengths at once
#
# The Lasso minimizes $\frac1{2n}\lVert y-Xw\rVert^2+\lambda\sum_j|w_j|$. Lesson 06 walked there by proximal steps; for linear
# regression that is ISTA. One row of `w` for each λ, and all walk together:


# %%
def lasso(X, y, λ, n_steps=20_000):
    gram, moment = X.T @ X / len(X), X.T @ y / len(X)
    lr = 1 / np.linalg.eigvalsh(gram)[-1]  # the inverse of the largest curvature
    w = np.zeros((len(λ), X.shape[1]))
    for _ in range(n_steps):
        b = w - lr * (w @ gram - moment)
        w = np.sign(b) * np.maximum(abs(b) - lr * λ[:, None], 0)
    return w


strengths = np.logspace(1.7, -1.8, 250)
path = lasso(X, y, strengths)

# %% [markdown]
# Has it arrived? A minimum can be *recognized*: every weight is in balance. The data pull at weight $j$ with
#
# $$g_j=\tfrac1n\,x_j\cdot(y-Xw),$$
#
# the negative slope of the squared error, and L1 pulls back as lesson 06 says: by λ towards zero, and *at* zero by anything up to
# λ. (Books call it the Karush-Kuhn-Tucker conditions.)
#
# ### Exercise 1 · The referee
#
# By how much is the worst-balanced weight out of balance? Return a number that is 0 at the minimum, and only there.
#
# <details><summary>Hint 1</summary>A weight that is not zero: L1 pulls with exactly λ sign(w). What is left of g_j?</details>
# <details><summary>Hint 2</summary>A weight at zero: the kink swallows up to λ of |g_j|, in either direction. What is
# left?</details>


# %% tags=["stub"]
def imbalance(X, y, w, λ): ...  # X: (n, p), y: (n,), w: (p,), λ: a number


checks.check_1(imbalance)


# %% tags=["solution"]
def imbalance(X, y, w, λ):
    g = X.T @ (y - X @ w) / len(X)
    moving = np.abs(g - λ * np.sign(w))
    at_zero = np.maximum(np.abs(g) - λ, 0)
    return np.where(w == 0, at_zero, moving).max()


checks.check_1(imbalance)


# %% tags=["fold"]
# your referee where it passed, ours otherwise: on walks of different lengths, and on scikit-learn's Lasso
def our_imbalance(X, y, w, λ):
    g = X.T @ (y - X @ w) / len(X)
    return np.where(w == 0, np.maximum(np.abs(g) - λ, 0), np.abs(g - λ * np.sign(w))).max()


passed = checks.check_1(imbalance).startswith("passed")
referee = imbalance if passed else our_imbalance
some = np.array([1.0])
print(f"λ = {some[0]:g}; the imbalance by {'your' if passed else 'our'} referee, and the mean squared error:")
for n_steps in (30, 300, 3000):
    w = lasso(X, y, some, n_steps)[0]
    print(f"  after {n_steps:4} steps    {float(referee(X, y, w, 1.0)):.0e}   {np.mean((y - X @ w) ** 2):.2f}")
oracle = Lasso(alpha=1.0, tol=1e-12, max_iter=100_000).fit(X, y).coef_
print(f"  scikit-learn       {float(referee(X, y, oracle, 1.0)):.0e}   {np.mean((y - X @ oracle) ** 2):.2f}")
worst = max(float(referee(X, y, w, λ)) for w, λ in zip(path, strengths))
print(f"all {len(strengths)} strengths, as computed above: at most {worst:.0e}")


# %% tags=["fold"]
# when each weight leaves for good, from scikit-learn's lars_path, which goes from kink to kink
def leaving(X, y):
    λ, _, w = lars_path(X, y, method="lasso")  # λ falls; w: (p, kinks)
    return np.array([λ[max(np.flatnonzero(row)[0] - 1, 0)] if row.any() else 0.0 for row in w])


# figure: the path of the weights, and the data's pull at each of them
left_at = leaving(X, y)
exits = np.argsort(left_at)
largest = int(abs(whole).argmax())
place = int((left_at < left_at[largest]).sum()) + 1
pulls = abs((y - path @ X.T) @ X) / len(X) / strengths[:, None]
returns = [j for j in range(10) if len(set(np.sign(path[path[:, j] != 0, j]))) > 1]
fig, axes = plt.subplots(1, 2, figsize=(8.6, 4.0))
marked = list(dict.fromkeys([largest, *returns, bmi, names.index("s5"), names.index("s2")]))[:5]
styles = dict(zip(marked, ("-", "--", "-.", ":", (0, (5, 1)))))
for j in range(10):
    look = {"color": f"C{marked.index(j)}", "linestyle": styles[j], "linewidth": 2, "label": names[j]} if j in marked else {
        "color": "0.75", "linestyle": "-", "linewidth": 1}  # fmt: skip
    axes[0].plot(strengths, path[:, j], **look)
    axes[1].plot(strengths, pulls[:, j], **look)
axes[0].axhline(0, color="k", linewidth=0.6, linestyle="-")
ordinal = {1: "1st", 2: "2nd", 3: "3rd"}.get(place, f"{place}th")
axes[0].set(xscale="log", xlabel="λ", ylabel="weight", title=f"The largest, {names[largest]}, is {ordinal} of 10 to leave")
axes[1].set(xscale="log", xlabel="λ", ylabel="pull of the data / λ", title="In: pulled with λ. Out: with less")
axes[1].set_ylim(0, 1.1)
axes[0].legend(ncol=2, fontsize=8)
yours = f" You said: {prediction}." if prediction else ""
back = " and ".join(names[j] for j in returns)
show(
    fig,
    alt="Left: ten weights against the strength, reaching zero one after the other; one crosses zero. Right: the pulls of the "
    "data; each is at λ in some range and below it elsewhere.",
    reading=f"They leave for good in this order: {', '.join(names[j] for j in exits)}; {names[largest]}, the largest, in place "
    f"{place}.{yours} By size it would be {', '.join(names[j] for j in order[::-1])}. "
    + (f"Gone and back with the other sign: {back}. " if back else "")
    + "Right: where a line is at 1, the weight may stay; where it is below, the weight is zero.",
)

# %% [markdown]
# Read the right picture from right to left, as LARS does (Efron and others 2004): as λ falls, a measurement joins when its pull
# has become as strong as theirs who are in. The pull is to what the *others* leave unexplained. So when some leave, one that had
# gone may be called back.
#
# ## 2 · Why not the smallest?
#
# Without correlation it *is* the smallest. Make the patients' columns orthonormal, and the Lasso is lesson 06's soft threshold,
# ridge a factor:

# %%
Q = np.linalg.qr(X)[0] * len(X) ** 0.5
w = least_squares(Q, y)
by_threshold = np.sign(w) * np.maximum(abs(w) - 3, 0)
by_factor = w / (1 + 3)
ridge = np.linalg.solve(Q.T @ Q / len(X) + 3 * np.eye(10), Q.T @ y / len(X))
print(f"Lasso off by {abs(lasso(Q, y, np.array([3.0]))[0] - by_threshold).max():.0e}, "
      f"ridge by {abs(ridge - by_factor).max():.0e}")  # fmt: skip
print("smallest first:", np.array_equal(np.argsort(leaving(Q, y)), np.argsort(abs(w))))

# %% [markdown]
# Now let two columns correlate, by ρ. The first has a large positive weight $a$, the second has $b$. While the second is at zero,
# the first is pulled with $a+\rho b-w_1$. In balance that is λ, so it weighs $w_1=a+\rho b-\lambda$: it works for both.
#
# ### Exercise 2 · The last straw
#
# From which λ on is the second weight zero? (Without correlation: |b|. Let $a$ be so large that the first stays in; b may have
# either sign.)
#
# <details><summary>Hint 1</summary>What is unexplained is (a - w₁) x₁ + b x₂. How hard does it pull at x₂? (x₁·x₂/n = ρ,
# x₂·x₂/n = 1.)</details>
# <details><summary>Hint 2</summary>The pull is b(1-ρ²) + ρλ. Ask when its size is λ: for b > 0 and for b &lt; 0
# apart.</details>


# %% tags=["stub"]
def leaves_at(b, rho): ...


checks.check_2(leaves_at)


# %% tags=["solution"]
def leaves_at(b, rho):
    return abs(b) + rho * b  # |b| (1 + rho) or |b| (1 - rho)


checks.check_2(leaves_at)

# %% [markdown]
# Let data judge: weights 2, $b$, and ½ on a third column that does not correlate.


# %%
def draw(b, rho, n=3000):
    A = rng.normal(size=(n, 3))
    A[:, 1] = rho * A[:, 0] + (1 - rho**2) ** 0.5 * A[:, 1]
    A = standardized(A)
    return A, A @ [2, b, 0.5] + rng.normal(size=n)


# %% tags=["fold"]
# the λ at which the second and the third weight leave, over draws of data, beside the formula; claim 06.paths.1
formula = leaves_at if checks.check_2(leaves_at).startswith("passed") else lambda b, rho: abs(b) + rho * b
measured = {}
for b, r in ((-1.0, 0.0), (-1.0, rho), (1.0, rho)):
    found = np.array([leaving(*draw(b, r)) for _ in range(n_draws)])
    measured[b, r] = found
    first = "second" if found[:, 1].mean() < found[:, 2].mean() else "third"
    print(f"b = {b:+g}, ρ = {r:g}: b leaves at {found[:, 1].mean():.3f} (formula {float(formula(b, r)):.3f}), the ½ at "
          f"{found[:, 2].mean():.3f}: the {first} weight goes first")  # fmt: skip
s1, s2 = names.index("s1"), names.index("s2")
print(f"patients: {names[s1]} {whole[s1]:+.1f} and {names[s2]} {whole[s2]:+.1f}, correlation {np.corrcoef(X.T)[s1, s2]:.2f}; "
      f"{names[s2]} leaves at {left_at[s2]:.2f}")  # fmt: skip
claims.within(
    "06.paths.1",
    "Beside a correlated larger weight of the other sign, a weight leaves where the balance says, at (1 - ρ) times its size.",
    measured[-1.0, rho][:, 1],
    1 - rho,
    0.05,
    control=measured[-1.0, 0.0][:, 1],
    over="draws of data",
)

# %% [markdown]
# L1 pulls at all weights equally; the data do not hold them equally. Two relatives of opposite sign, as s1 and s2 here, may be
# huge and matter little: what one does, the other mostly undoes. Two of one sign hold each other up: a weight may even outlive
# its size.
#
# ## 3 · Twins
#
# Copy the column of the body mass index. Who gets the weight? Ask three ways:

# %%
twins = np.c_[X, X[:, bmi]]
λ = 2.0
answers = {
    "scikit-learn": Lasso(alpha=λ, tol=1e-12).fit(twins, y).coef_,
    "columns reversed": Lasso(alpha=λ, tol=1e-12).fit(twins[:, ::-1], y).coef_[::-1],
    "ISTA from zero": lasso(twins, y, np.array([λ]))[0],
}
for name, w in answers.items():
    off = float(referee(twins, y, w, λ))
    print(f"{name:18} bmi {w[bmi]:5.2f}, copy {w[-1]:5.2f}; imbalance {off:.0e}")

# %% [markdown]
# The referee lets all of them pass: L1 counts $|w_1|+|w_2|$ and does not care how a sum is divided. The *algorithm* decides.
# A sum of squares does care: it is smallest when both get half. Add it, and you have the **elastic net** (Zou & Hastie 2005),
# which is a Lasso among patients who never lived:


# %%
def elastic_net(X, y, λ1, λ2, n_steps=20_000):
    n, p = X.shape
    ghosts = (n * λ2) ** 0.5 * np.eye(p)  # one patient per column, with score 0
    everyone, scores = np.r_[X, ghosts], np.r_[y, np.zeros(p)]
    return lasso(everyone, scores, λ1 * n / (n + p), n_steps)


w = elastic_net(twins, y, np.array([λ]), 0.1)[0]
print(f"elastic net        bmi {w[bmi]:5.2f}, copy {w[-1]:5.2f}")

# %% [markdown]
# Perfect copies are rare. Let a second clinic measure the body mass index of the same patients, a bit differently. Disjoint
# groups of patients are fitted each by itself, with the strengths that predict the other patients best.
#
# **Predict.** In how many of the groups does *one* of the clinics get over 95 % of the weight: by the Lasso, by the elastic net?

# %%
prediction = None  # two numbers of groups: (Lasso, elastic net)

# %% tags=["fold"]
# figure: the weights of the two clinics, by group, and claim 06.paths.2
grid, grid_2 = np.logspace(0, 1.3, 12), (0.1, 0.3, 1.0)
clinics = np.c_[raw, X[:, bmi] + noise * rng.normal(size=len(X))]
clinics[:, bmi] = X[:, bmi]


def best_of(candidates, A, rest, centre):
    errors = [np.mean((score[rest] - centre - A[rest] @ w) ** 2) for w in candidates]
    return candidates[int(np.argmin(errors))]


shared = {"Lasso": [], "elastic net": []}
for rows in np.array_split(rng.permutation(len(X)), n_groups):
    rest, A, centre = np.setdiff1d(np.arange(len(X)), rows), standardized(clinics, rows), score[rows].mean()
    fits = {"Lasso": lasso(A[rows], score[rows] - centre, grid, 4000)}
    fits["elastic net"] = np.concatenate([elastic_net(A[rows], score[rows] - centre, grid, l2, 4000) for l2 in grid_2])
    for kind, candidates in fits.items():
        shared[kind].append(best_of(candidates, A, rest, centre)[[bmi, -1]])
shared = {kind: np.array(pairs) for kind, pairs in shared.items()}
uneven = {kind: abs(p[:, 0] - p[:, 1]) / np.maximum(abs(p).sum(1), 1e-9) for kind, p in shared.items()}
single = {kind: int((u > 0.9).sum()) for kind, u in uneven.items()}  # 95 % and 5 % are 0.9 apart
fig, axes = plt.subplots(1, 2, figsize=(7.6, 3.6), sharex=True, sharey=True)
for ax, (kind, pairs), color, marker in zip(axes, shared.items(), ("C0", "C1"), "os"):
    ax.axline((0, 0), slope=1, color="0.6", linestyle=":", linewidth=1)
    ax.axhline(0, color="k", linewidth=0.6, linestyle="-")
    ax.axvline(0, color="k", linewidth=0.6, linestyle="-")
    ax.plot(*pairs.T, marker=marker, linestyle="none", color=color)
    ax.set_aspect("equal")
    ax.set(xlabel="weight of the first clinic", title=f"{kind}: one has over 95 % in {single[kind]} of {n_groups}")
axes[0].set_ylabel("weight of the second clinic")
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Two scatter plots of the weights of two clinics; the Lasso's dots lie on the axes, the elastic net's near the diagonal.",
    reading="A dot is a group of patients. Equal shares are on the dotted line, one clinic alone on an axis. The clinics "
    f"correlate by {np.corrcoef(clinics[:, bmi], clinics[:, -1])[0, 1]:.3f}. Unevenness, from 0 (halves) to 1 (one alone): Lasso "
    f"{uneven['Lasso'].mean():.2f}, elastic net {uneven['elastic net'].mean():.2f}.{yours}",
)
claims.compare(
    "06.paths.2",
    "Between two measurements of one thing the Lasso divides the weight more unevenly than the elastic net, both tuned.",
    uneven["Lasso"],
    uneven["elastic net"],
    margin=0.2,
    names=("Lasso", "elastic net"),
    over="groups of patients",
    source="Zou & Hastie 2005",
)

# %% [markdown]
# Which clinic the Lasso keeps says nothing about the clinics. Does it predict worse?
#
# ## 4 · New patients
#
# Many times, a hundred patients are put aside as new. The others train four methods, and choose the strengths by cross-validation
# among themselves: with the ten measurements, and with 64 columns, their squares and products too, as Efron and others had it.
# (Splits share patients; the intervals are widened for that.)
#
# **Predict.** With ten columns: which is ahead, and by how many points of a typical error of about 55?

# %%
prediction = None  # such as ("elastic net", 2)

# %% tags=["fold"]
# errors on new patients; how often each measurement is chosen in bootstrap samples; figure and claim 06.paths.3
models = {
    "least squares": LinearRegression(),
    "ridge": RidgeCV(np.logspace(-1, 4, 30)),
    "Lasso": LassoCV(cv=5, alphas=np.logspace(1.6, -1, 27), max_iter=10_000),
    "elastic net": ElasticNetCV(cv=5, l1_ratio=[0.1, 0.5, 0.9], alphas=np.logspace(2, -0.5, 26), max_iter=10_000),
}
products = np.delete(PolynomialFeatures(2, include_bias=False).fit_transform(X), 20, axis=1)  # sex has two values: no square
n_new = 100
errors = {(k, kind): [] for k in (10, 64) for kind in models}
for _ in range(n_splits):
    shuffled = rng.permutation(len(X))
    new, old = shuffled[:n_new], shuffled[n_new:]
    for k, table in ((10, raw), (64, products)):
        A = standardized(table, old)
        for kind, model in models.items():
            error = model.fit(A[old], score[old]).predict(A[new]) - score[new]
            errors[k, kind].append(np.mean(error**2) ** 0.5)
errors = {key: np.array(values) for key, values in errors.items()}
overlap = n_new / (len(X) - n_new)
chosen, predicted = [], []
for _ in range(n_samples):
    rows = rng.integers(0, len(X), len(X))
    rest, A, centre = np.setdiff1d(np.arange(len(X)), rows), standardized(raw, rows), score[rows].mean()
    w = best_of(lasso(A[rows], score[rows] - centre, np.logspace(-1, 1, 20), 2000), A, rest, centre)
    chosen.append(w != 0)
    predicted.append(centre + A @ w)
chosen = np.array(chosen)
apart = 2**0.5 * np.std(predicted, axis=0, ddof=1).mean()  # typical difference of two samples' predictions for a patient
sets = Counter(map(tuple, chosen))
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.6), width_ratios=[1.2, 1])
for shift, k, color, marker in ((-0.1, 10, "C0", "o"), (0.1, 64, "C1", "s")):
    ahead = [mean_and_interval(errors[k, kind] - errors[k, "ridge"], overlap) for kind in models]
    axes[0].errorbar(np.arange(4) + shift, [m for m, _, _ in ahead], [h for _, h, _ in ahead], color=color, marker=marker,
                     linestyle="none", capsize=3, label=f"{k} columns (95 %, n = {n_splits} splits)")  # fmt: skip
axes[0].axhline(0, color="k", linewidth=0.6, linestyle="-")
axes[0].set_xticks(range(4), models)
gap = mean_and_interval(errors[10, "Lasso"] - errors[10, "ridge"], overlap)
title = "a tie" if abs(gap[0]) < gap[1] else f"{gap[0]:+.1f} points"
axes[0].set(ylabel="error more than ridge's (points)", title=f"Ten columns, Lasso against ridge: {title}")
reach = 1.2 * max(abs(np.array(ahead)[1:, :2]).sum(1))
axes[0].set_ylim(-reach, 1.6 * reach)  # least squares with 64 columns may run out
axes[0].legend(fontsize=8)
axes[1].bar(names, 100 * chosen.mean(0), color="C2")
axes[1].set(ylabel="of bootstrap samples (%)", title=f"Chosen by the Lasso: {len(sets)} sets in {n_samples}")
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Left: differences of the error from ridge's for four methods and two tables, with intervals. Right: bars that say how "
    "often each of the ten measurements is chosen.",
    reading="(Least squares may run out of the picture.) Typical errors with ten columns: "
    + ", ".join(f"{kind} {errors[10, kind].mean():.1f}" for kind in models)
    + "; with 64: " + ", ".join(f"{kind} {errors[64, kind].mean():.1f}" for kind in models)
    + f". The Lasso chose {len(sets)} different sets in {n_samples} bootstrap samples of the patients, the most frequent "
    f"in {max(sets.values())}; their predictions for one patient typically differ by {apart:.0f} points.{yours}",
)  # fmt: skip
claims.same(
    "06.paths.3",
    "With ten measurements, the Lasso predicts new patients as well as ridge, to within a point and a half of the score.",
    errors[10, "Lasso"],
    errors[10, "ridge"],
    margin=1.5,
    names=("Lasso", "ridge"),
    unit="points of the score",
    over="splits of these patients",
    overlap=overlap,
)

# %% [markdown]
# A chosen set is a fine way to need fewer measurements. It is a weak answer to "which of them matter?": relatives stand in for
# each other. Meinshausen and Bühlmann (2010) made a method of the bars at the right: keep what is chosen in most samples.
#
# ## What to take along
#
# * A weight leaves when the data no longer hold it against λ. Only without correlation is that its size.
# * Recognize a minimum by its balance, whatever found it.
# * Between twins L1 has no opinion; a little L2 shares.
# * Prediction and selection are two questions. Ask the second of many samples.
#
# **On your own model:** fit the Lasso to ten bootstrap samples, and look at one number: how many different sets you get.
#
# **References.** Tibshirani 1996, [JRSS B 58](https://doi.org/10.1111/j.2517-6161.1996.tb02080.x) ·
# Efron, Hastie, Johnstone, Tibshirani 2004, [arXiv:math/0406456](https://arxiv.org/abs/math/0406456) ·
# Zou & Hastie 2005, [JRSS B 67](https://doi.org/10.1111/j.1467-9868.2005.00503.x) ·
# Meinshausen & Bühlmann 2010, [JRSS B 72](https://doi.org/10.1111/j.1467-9868.2010.00740.x) ·
# Nadeau & Bengio 2003, [Machine Learning 52](https://doi.org/10.1023/A:1024068626366)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {
    "place_of_largest": place,
    "uneven_lasso": uneven["Lasso"].mean(),
    "uneven_elastic_net": uneven["elastic net"].mean(),
    "sets": len(sets),
}
metrics |= {f"error_{k}_{kind.replace(' ', '_')}": values.mean() for (k, kind), values in errors.items()}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (30).** 4 hook and prediction · 9 exercise 1, in pairs · 3 path and pulls · 5 exercise 2 · 5 section 3 ·
# 4 section 4.
# **Ask before running:** what would the right panel look like with orthonormal columns? Whom would you ask to give up a clinic?
# **Expect:** |g| ≤ λ for all weights (forgets that the others must be exactly at λ); `abs(b) * (1 - rho)` for either sign.
# **When short:** exercise 2 at the board.
