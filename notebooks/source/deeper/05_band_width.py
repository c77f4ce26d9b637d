# %% [markdown]
# # Deep dive 05 · What sets the width of the band?
#
# **One of these networks has seen 20 examples, the other 2,000. Which is which?**
#
# Both learned the same curve with dropout. Asked two hundred times with dropout on (lesson 05), each answers with a band: the
# mean of its answers ± two standard deviations. If the width of a band says how much a network does not know, the question must
# be easy. (The examples themselves would give it away, so they are not drawn.)
#
# *{minutes} minutes. You need lesson 05.*
#
# <details><summary>What is the variance of x times a coin that is 0 with probability p, and 1/(1-p) otherwise?</summary>
# x² p/(1-p).</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; run k draws with seed + k
n_runs: int = 5  # [3, 64] runs of each setting, each on examples of its own
p_drop: float = 0.2  # [0.05, 0.9] dropout rate
few: int = 20  # [10, 100] examples of one network ...
many: int = 2000  # [200, 100000] ... and of the other
n_steps: int = 1500  # [20, 100000] training steps
sizes: list = [10, 30, 100, 300, 1000, 3000, 10000]  # 3 to 10 rising values in [10, 100000]: examples in section 3
n_labels: int = 12  # [2, 40] labels to ask for in section 4
device: str = "cpu"  # {"cpu", "cuda"} where the networks live

# %% tags=["fold"]
# imports, the curve, and networks trained on it: a usual one, and one for each thing that might change the band
import numpy as np
import torch
from matplotlib import pyplot as plt
from torch import nn

from course_utils.checks.deeper import d05_band_width as checks
from course_utils.claims import Claims
from course_utils.figures import show, use_course_style
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("05.band_width")
grid = torch.linspace(-2, 2, 81, device=device)[:, None]
in_hole = (grid.abs() < 0.7)[:, 0].cpu().numpy()


def curve(x):
    return torch.sin(2 * x) + x / 2


def examples(n, run, noise=0.3, hole=False):
    draws = torch.Generator().manual_seed(1000 * (seed + run) + n)
    x, error = 4 * torch.rand(n, 1, generator=draws) - 2, noise * torch.randn(n, 1, generator=draws)
    if hole:  # examples between -0.7 and 0.7 move out
        x = torch.where(x.abs() < 0.7, x.sign() * (0.7 + 1.3 * torch.rand(n, 1, generator=draws)), x)
    return x.to(device), (curve(x) + error).to(device)


def build(p_drop, n_hidden=(100,)):
    return mlp(1, n_hidden, 1, p_drop)


def train(p=p_drop, n=many, noise=0.3, hole=False, weight_decay=0.0, n_hidden=(100,)):
    batch = min(n, 50)
    epochs = max(1, n_steps // (n // batch))
    runs = [{"p_drop": p, "n_hidden": n_hidden, "weight_decay": weight_decay, "lr": 3e-3, "seed": seed + k,
             "train": examples(n, k, noise, hole)} for k in range(n_runs)]  # fmt: skip
    val = (grid, curve(grid))
    return train_runs(build, val, val, runs, epochs=epochs, batch_size=batch, evaluate_every=epochs, progress=False)[1]


@torch.no_grad()
def ask(network, x, n):  # lesson 05: n answers with dropout on
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    answers = torch.stack([network(x)[:, 0] for _ in range(n)])
    network.eval()
    return answers


higher = min(0.95, 2.5 * p_drop)
variants = {
    f"p: {p_drop:g} → {higher:g}": {"p": higher},
    "hidden units: 100 → 400": {"n_hidden": (400,)},
    "hidden layers: 1 → 3": {"n_hidden": (100, 100, 100)},
    "weight decay: 0 → 0.3": {"weight_decay": 0.3},
    "label noise: 0.3 → 1": {"noise": 1.0},
    "in a hole: filled → empty": {"hole": True},
    f"examples: {few} → {many:,}": {},
}
usual, beginners = train(), train(n=few)
trained = {name: train(**change) if change else usual for name, change in variants.items()}

# %% tags=["fold"]
# figure: the bands of two networks, and not how many examples they have seen
order = np.random.default_rng(seed).permutation(2)
pair = [(beginners[0], few), (usual[0], many)]
fig, axes = plt.subplots(1, 2, figsize=(8.2, 3.0), sharey=True)
for ax, k, name in zip(axes, order, "AB"):
    answers = ask(pair[k][0], grid, 200).cpu()
    mean, spread = answers.mean(0), answers.std(0)
    ax.fill_between(grid[:, 0].cpu(), mean - 2 * spread, mean + 2 * spread, alpha=0.3, label="mean ± 2 standard deviations")
    ax.plot(grid[:, 0].cpu(), mean)
    ax.set(xlabel="x", title=f"network {name}")
axes[0].set_ylabel("answer")
axes[0].legend(fontsize=8)
show(
    fig,
    alt="Two curves with bands around them, of networks A and B, without any examples drawn.",
    reading="Two networks of the same shape, trained for the same number of steps with the same dropout rate.",
)

# %% [markdown]
# **Predict.** Which of the two has seen more?

# %%
prediction = None  # "A" or "B"


# %% tags=["fold"]
# the answer: width of the band, and true error, of both
def widths(networks, where=slice(None)):
    return np.array([ask(network, grid, 200).std(0).cpu().numpy()[where].mean() for network in networks])


@torch.no_grad()
def true_errors(networks):
    return np.array([(network.eval()(grid) - curve(grid)).square().mean().sqrt().item() for network in networks])


band_few, band_many = widths(beginners), widths(usual)
error_few, error_many = true_errors(beginners), true_errors(usual)
print(f"Network {'AB'[list(order).index(1)]} has seen {many:,} examples." + (f" You said {prediction}." if prediction else ""))
print(f"mean over {n_runs} runs of   {few:,} examples   {many:,} examples")
print(f"width of the band {band_few.mean():16.3f} {band_many.mean():16.3f}   (one standard deviation, mean over x)")
print(f"distance from the truth {error_few.mean():10.3f} {error_many.mean():16.3f}   (root mean square)")

# %% [markdown]
# The distance is that of the mean answer from the curve without noise. Hold its change against the band's. What, then, does the
# band listen to?
#
# ## 1 · Seven things that might change it
#
# One thing is changed at a time, and all networks are trained anew. "In a hole" means: where the examples have been moved out of
# the middle, how wide is the band there, against that of a network with examples there?
#
# **Predict.** Which of the seven change the width by more than a fifth, up or down?

# %% tags=["fold"]
# the seven, to choose from
for name in variants:
    print("·", name)

# %%
prediction = None  # a list such as ["p", "label noise"]

# %% tags=["fold"]
# figure: the width after each change, relative to before
ratios = {}
for name, change in variants.items():
    where = in_hole if "hole" in change else slice(None)
    ratios[name] = widths(trained[name], where) / (widths(usual, where) if change else band_few)
summary = {name: mean_and_interval(np.log(ratio))[:2] for name, ratio in ratios.items()}
strong = [name.split(":")[0] for name, (mean, _) in summary.items() if abs(mean) > np.log(1.2)]
fig, ax = plt.subplots(figsize=(7.0, 3.4))
for place, (mean, half) in enumerate(summary.values()):
    ends = np.exp([[mean - half], [mean + half]])
    ax.annotate(f"×{np.exp(mean):.2f}", (np.exp(mean), -place), (0, 6), textcoords="offset points", ha="center", fontsize=8)
    ax.errorbar(np.exp(mean), -place, xerr=abs(ends - np.exp(mean)), marker="o", capsize=3, color="C0")
ax.axvline(1, color="k", linestyle=":")
ax.set(xscale="log", xlabel=f"width of the band after / before (95 %, n = {n_runs})", yticks=-np.arange(len(summary)))
ax.set_yticklabels(summary)
ax.set_xticks([0.5, 0.7, 1, 1.5, 2], ["0.5", "0.7", "1", "1.5", "2"])
ax.minorticks_off()
ax.set_title("Changed by more than a fifth: " + (", ".join(strong) or "none"), fontsize=10)
mean, half = summary["in a hole: filled → empty"]
hole = np.exp([mean, mean - half, mean + half])
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Seven intervals of the ratio of band widths, one for each thing that was changed, around a dotted line at 1.",
    reading=f"Where the examples were taken away, the band is {hole[0]:.2f} times (95 %: {hole[1]:.2f} to {hole[2]:.2f}) as wide "
    f"as with them. With weight decay 0.3 the distance from the truth goes from {error_many.mean():.2f} to "
    f"{true_errors(trained['weight decay: 0 → 0.3']).mean():.2f}.{yours}",
)

# %% tags=["fold"]
# claim 05.band_width.1: what more examples leave of the band
claims.compare(
    "05.band_width.1",
    "A network with many examples keeps more than three fifths of the band of one with few.",
    band_many,
    band_few,
    factor=0.6,
    names=(f"band with {many:,} examples", f"with {few}"),
    over="draws of examples",
)

# %% [markdown]
# The hole is the case for which such bands are usually drawn: narrow at the data, wide between them. Hold its ratio against that.
# (Djupskås and others, 2025, report that MC dropout failed to capture the growth that Bayesian models show there.)
#
# ## 2 · Read it off the network
#
# Why? In a network with one hidden layer, dropout stands right before the read-out, and each answer is
#
# $$ b + \sum_j m_j\, h_j(x)\, w_j, \qquad m_j = 0 \text{ or } \tfrac{1}{1-p}. $$
#
# ### Exercise 1 · The band without asking
#
# Write `band`: from the hidden values `h` (places × units), the read-out weights `w` (units) and `p`, the standard deviation of
# the answers at every place. No sampling. Yours is used from here on.
#
# <details><summary>Hint 1</summary>The coins are independent: variances add up. The question at the top has that of one
# term.</details>
# <details><summary>Hint 2</summary>Square each h_j w_j, then sum over the units, then take the root.</details>


# %% tags=["stub"]
def band(h, w, p): ...


checks.check_1(band)


# %% tags=["solution"]
def band(h, w, p):
    return (p / (1 - p) * ((h * w) ** 2).sum(-1)) ** 0.5


checks.check_1(band)


# %%
@torch.no_grad()
def band_of(network, x):
    *hidden_layers, read_out = network.eval()
    h = nn.Sequential(*hidden_layers)(x)  # dropout is asleep
    return band(h, read_out.weight[0], p_drop)


# %% tags=["fold"]
# ours, in case yours is open; against two hundred answers; and how the mean of T answers nears its limit
def our_band(h, w, p):
    return (p / (1 - p) * ((h * w) ** 2).sum(-1)) ** 0.5


passed = checks.check_1(band).startswith("passed")
if not passed:
    band = our_band


def distances(network, centre, lengths=(4, 16, 64, 256)):
    answers = ask(network, grid, 4096)
    return [(answers.view(-1, n, len(grid)).mean(1) - centre).square().mean().sqrt().item() for n in lengths]


def slope(values, lengths=(4, 16, 64, 256)):
    return np.polyfit(np.log(lengths), np.log(values), 1)[0]


exact, sampled = torch.as_tensor(band_of(usual[0], grid)), ask(usual[0], grid, 200).std(0)
print(f"{'your' if passed else 'our'} band {exact.mean():.3f}, that of two hundred answers {sampled.mean():.3f}")
deep = trained["hidden layers: 1 → 3"]
with torch.no_grad():
    one_layer = [distances(network, network.eval()(grid)[:, 0]) for network in usual]
    three_layers = [distances(network, network.eval()(grid)[:, 0]) for network in deep]
print("distance of the mean of T answers from the one answer of eval()")
for k, n in enumerate((4, 16, 64, 256)):
    print(f"T = {n:3}: one hidden layer {np.mean(one_layer, 0)[k]:.4f}, three {np.mean(three_layers, 0)[k]:.4f}")

# %% tags=["fold"]
# claim 05.band_width.2: how fast the mean of T answers gets there
claims.within(
    "05.band_width.2",
    "With one hidden layer, the mean of T answers nears the answer of eval() as T to the power -1/2, to 0.1.",
    np.array([slope(values) for values in one_layer]),
    -0.5,
    0.1,
    control=np.array([slope(values) for values in three_layers]),
    over="trained networks",
)

# %% [markdown]
# Four times the questions halve what chance leaves; the width of the band is no such leftover. (With several hidden layers a
# ReLU stands behind a mask, and the mean goes elsewhere than `eval()`.)
#
# Now look for the number of examples in your formula. It is not there. Nor are the labels' noise, or the place of any example.
# The products $h_jw_j$ must add up to the curve, whoever taught it: if $k$ units share the work evenly, the band is
# $\sqrt{p/(1-p)}\,|f-b|/\sqrt k$, and four times the units would halve it. More examples fix the *sum* better and better, and
# leave its *parts* as they are. Osband (2016) warns of this: such a spread approximates the risk *given* a model, not the
# uncertainty about it.
#
# ## 3 · What a band should do
#
# For linear regression on 20 inputs we know what Bayes says. With dropout on the inputs we know both bands exactly: yours,
# with the inputs for $h$; and that of the posterior (prior: the distribution that the true weights come from; noise 1).
#
# **Predict.** From the first to the last of `sizes`, each band shrinks to which share?

# %%
prediction = None  # two numbers from 0 to 1: (dropout, Bayes)


# %%
def fit(X, y, p):  # the minimum of the dropout objective, averaged over all masks
    G = X.T @ X
    return np.linalg.solve(G + p / (1 - p) * np.diag(np.diag(G)), X.T @ y)


def bayes_band(X, x_new):
    covariance = np.linalg.inv(X.T @ X + 20 * np.eye(20))  # prior variance 1/20 for each weight
    return np.sqrt(((x_new @ covariance) * x_new).sum(1))


# %% [markdown]
# There is a remedy: **choose** $p$. For "well-calibrated uncertainty estimates, a grid-search over the dropout probabilities is
# necessary" (Gal, Hron & Kendall 2017, who learn $p$ instead). Choose by what? By the likelihood of validation examples, where
# the noise of the labels and the band both count, as variances.
#
# ### Exercise 2 · Score a band
#
# Write `score`: the mean over examples of $-\log$ of the Gaussian density of `y` with mean `mean` and variance `sigma`² +
# `width`². (Gal and Ghahramani add the noise in the same place, as τ⁻¹.)
#
# <details><summary>Hint 1</summary>-log of a Gaussian density: half of log(2π variance), plus half of the squared error over
# the variance.</details>
# <details><summary>Hint 2</summary>A band that is too wide pays by the first term, one that is too narrow by the
# second.</details>


# %% tags=["stub"]
def score(y, mean, width, sigma): ...


checks.check_2(score)


# %% tags=["solution"]
def score(y, mean, width, sigma):
    variance = sigma**2 + width**2
    return (0.5 * np.log(2 * np.pi * variance) + 0.5 * (y - mean) ** 2 / variance).mean()


checks.check_2(score)

# %% tags=["fold"]
# figure: three bands against the number of examples: dropout with a fixed p, Bayes, and p chosen by your score
if not checks.check_2(score).startswith("passed"):

    def score(y, mean, width, sigma):
        variance = sigma**2 + width**2
        return (0.5 * np.log(2 * np.pi * variance) + 0.5 * (y - mean) ** 2 / variance).mean()


candidates = np.concatenate([[0], np.logspace(-4.5, -0.05, 40)])


def three_bands(run):
    draws = np.random.default_rng((seed, run))
    w = draws.normal(size=20) / 20**0.5
    X, val = draws.normal(size=(sizes[-1], 20)), draws.normal(size=(2000, 20))
    y, y_val = X @ w + draws.normal(size=sizes[-1]), val @ w + draws.normal(size=2000)
    rows = []
    for n in sizes:
        A, b = X[:n], y[:n]
        # with fewer examples than inputs, p = 0 has no single minimum
        weights = {p: fit(A, b, p) for p in candidates if p > 1e-3 or n > 20}
        scores = {p: float(score(y_val, val @ v, our_band(val, v, p), 1.0)) for p, v in weights.items()}
        best = min(scores, key=scores.get)
        chosen = our_band(val, weights[best], best).mean()
        rows.append((our_band(val, fit(A, b, p_drop), p_drop).mean(), bayes_band(A, val).mean(), chosen, best))
    return rows


bands = np.array([three_bands(run) for run in range(4 * n_runs)])  # (runs, sizes, 4)
fixed, bayes, chosen, rates = bands.transpose(2, 0, 1)
fig, ax = plt.subplots(figsize=(6.6, 3.6))
lines = ((f"dropout, p = {p_drop:g}", fixed, "-", "o"), ("Bayes", bayes, "--", "s"), ("dropout, p chosen", chosen, ":", "D"))
for label, values, style, marker in lines:
    mean, half = zip(*[mean_and_interval(column)[:2] for column in values.T])
    ax.errorbar(sizes, mean, half, linestyle=style, marker=marker, capsize=2, label=f"{label} (n = {4 * n_runs})")
share = {label: (values[:, -1] / values[:, 0]).mean() for label, values, *_ in lines}
labels = list(share)
ax.set(xscale="log", yscale="log", xlabel="training examples", ylabel="width of the band (one standard deviation)")
ax.set_title(f"At the end: {labels[0]}: {share[labels[0]]:.0%} of the width, Bayes {share['Bayes']:.0%}", fontsize=10)
ax.legend(fontsize=8)
yours = f" You said {prediction}." if prediction else ""
show(
    fig,
    alt="Widths of three bands against the number of examples, on logarithmic axes.",
    reading=f"From {sizes[0]} to {sizes[-1]:,} examples the band with p = {p_drop:g} goes from {fixed[:, 0].mean():.2f} to "
    f"{fixed[:, -1].mean():.2f}, Bayes' from {bayes[:, 0].mean():.2f} to {bayes[:, -1].mean():.2f}. The chosen p goes from "
    f"{rates[:, 0].mean():.2f} to {rates[:, -1].mean():.3f}, and its band from {chosen[:, 0].mean():.2f} to "
    f"{chosen[:, -1].mean():.2f}.{yours}",
)

# %% tags=["fold"]
# claims 05.band_width.3 and 4: a fixed p against Bayes and against a chosen p, at the most examples
claims.compare(
    "05.band_width.3",
    "With the most examples, the band of a fixed p is more than four times as wide as the posterior's.",
    fixed[:, -1],
    bayes[:, -1],
    factor=4,
    names=("fixed p", "Bayes"),
    over="drawn regressions",
)
claims.compare(
    "05.band_width.4",
    "With the most examples, the band of a fixed p is more than twice as wide as that of a p chosen on validation examples.",
    fixed[:, -1],
    chosen[:, -1],
    factor=2,
    names=("fixed p", "chosen p"),
    over="drawn regressions",
    source="Gal, Hron & Kendall 2017, arXiv:1705.07832, who learn p",
)

# %% [markdown]
# So the band can follow the data, if somebody carries the news to $p$. It is then as wide as Bayes would have it, on average over
# the inputs; its *shape* is still the network's. (Le Folgoc and others, 2021: MC dropout "changes the Bayesian model".)
#
# ## 4 · Does it know what to ask?
#
# A width that is wrong may still be widest in the right place. So let it choose: a network with four labels may ask for one
# more, wherever its band is widest in a pool of 200 unlabelled examples, learn anew, and so on. Against it: **chance**, and a
# **ruler**, which asks where the nearest label is farthest away and needs no network at all. Two pools: one even, one where
# nine examples in ten crowd the middle.

# %%
strategies = {
    "chance": lambda network, x, labelled: torch.rand(len(x)),
    "band": lambda network, x, labelled: band_of(network, x),
    "ruler": lambda network, x, labelled: (x - labelled.T).abs().amin(1),
}

# %% [markdown]
# **Predict.** In which pool does the band beat chance, and does it beat the ruler anywhere?

# %%
prediction = None  # "even", "crowded", "both" or "neither"; and "yes" or "no"


# %% tags=["fold"]
# figure: true error against the number of labels, three strategies, two pools
n_pools = 2 * n_runs


def pool_of(kind, run):
    draws = torch.Generator().manual_seed(77_000 + seed + run)
    x = 4 * torch.rand(200, 1, generator=draws) - 2
    if kind == "crowded":
        x = torch.where(torch.rand(200, 1, generator=draws) < 0.9, x / 4, x)
    return x.to(device), (curve(x) + 0.1 * torch.randn(200, 1, generator=draws)).to(device)


def race(kind, n_start=4):
    pools, steps = [pool_of(kind, k) for k in range(n_pools)], min(n_steps, 400)
    places = [(name, k) for name in strategies for k in range(n_pools)]
    asked, errors = {place: list(range(n_start)) for place in places}, []
    for round_ in range(n_labels + 1):
        runs = [{"p_drop": p_drop, "lr": 0.01, "seed": seed + k,
                 "train": tuple(part[asked[name, k]] for part in pools[k])} for name, k in places]  # fmt: skip
        size = n_start + round_
        networks = train_runs(build, pools[0], (grid, curve(grid)), runs, epochs=steps, batch_size=size, evaluate_every=steps,
                              progress=False)[1]  # fmt: skip
        errors.append(true_errors(networks))
        for (name, k), network in zip(places, networks):
            x = pools[k][0]
            wish = torch.as_tensor(strategies[name](network, x, x[asked[name, k]])).clone().cpu()
            wish[asked[name, k]] = -1.0
            asked[name, k].append(int(wish.argmax()))
    values = np.array(errors).reshape(n_labels + 1, len(strategies), n_pools)
    places = {name: [pools[k][0][asked[name, k], 0].cpu().numpy() for k in range(n_pools)] for name in strategies}
    return {name: values[:, i] for i, name in enumerate(strategies)}, places


def repeated(labels, near=0.1):  # share of questions that had a label beside them when they were asked
    return np.mean([[np.abs(x[:i] - x[i]).min() < near for i in range(4, len(x))] for x in labels])


raced = {kind: race(kind) for kind in ("even", "crowded")}
late = {kind: {name: values[1:].mean(0) for name, values in raced[kind][0].items()} for kind in raced}
fig, axes = plt.subplots(2, 2, figsize=(8.6, 4.6), height_ratios=[3, 1.1], sharex="row", constrained_layout=True)
for column, kind in enumerate(raced):
    ax, below = axes[:, column]
    for place, ((name, values), style) in enumerate(zip(raced[kind][0].items(), ("-", "--", ":"))):
        mean, half = zip(*[mean_and_interval(row)[:2] for row in values])
        xs, mean, half = 4 + np.arange(n_labels + 1), np.array(mean), np.array(half)
        ax.plot(xs, mean, linestyle=style, label=f"{name} (95 %, n = {n_pools})")
        ax.fill_between(xs, mean - half, mean + half, alpha=0.15, linewidth=0)
        x = raced[kind][1][name][0][4:]
        below.plot(x, np.full(len(x), -place), "o", color=f"C{place}", alpha=0.5, markersize=5)
    first, second, _ = sorted(late[kind], key=lambda name: late[kind][name].mean())
    mean, half, _ = mean_and_interval(late[kind][second] - late[kind][first])
    ax.set(xlabel="labels", ylim=(0, None))
    ax.set_title(f"{kind} pool: {first} asks best" if mean > half else f"{kind} pool: {first} and {second} tie")
    below.set(yticks=[0, -1, -2], ylim=(-2.6, 0.6), xlim=(-2.1, 2.1), xlabel="places that one run asked for")
    below.set_yticklabels(list(strategies))
axes[0, 0].set_ylabel("distance from the truth")
axes[0, 0].legend(fontsize=8)
yours = f" You said: {prediction}." if prediction else ""
gains = {kind: mean_and_interval(late[kind]["chance"] - late[kind]["band"])[:2] for kind in raced}
again = {name: repeated(labels) for name, labels in raced["even"][1].items()}
show(
    fig,
    alt="True error against the number of labels for chance, band and ruler in two pools; below, the places each asked for.",
    reading="Mean distance from the truth, all rounds: "
    + "; ".join(f"{kind} pool: " + ", ".join(f"{n} {v.mean():.2f}" for n, v in late[kind].items()) for kind in raced)
    + ". The band against chance: "
    + ", ".join(f"{kind} pool {mean:+.2f} ± {half:.2f}" for kind, (mean, half) in gains.items())
    + " (above 0: the band is better). Share of questions to the even pool with a label nearer than 0.1 already: "
    + ", ".join(f"{name} {value:.0%}" for name, value in again.items())
    + f".{yours}",
)

# %% tags=["fold"]
# claims 05.band_width.5 and 6: the band against chance in the crowded pool, against the ruler in the even one
claims.compare(
    "05.band_width.5",
    "In the crowded pool, asking where the band is widest learns the curve better than asking by chance.",
    late["crowded"]["chance"],
    late["crowded"]["band"],
    names=("distance by chance", "by the band"),
    over="pools",
)
claims.compare(
    "05.band_width.6",
    "In the even pool, a ruler asks better questions than the band.",
    late["even"]["band"],
    late["even"]["ruler"],
    names=("distance by the band", "by the ruler"),
    over="pools",
)

# %% [markdown]
# The band is wide at the ends, where hidden values are large. Where the ends are what is missing, that finds them. But nothing in
# the formula makes it narrow beside a new label, so it may ask there again: the shares above count how often.
#
# ## What to take along
#
# * For a given $p$, the band is a property of network and curve, not of how much was seen.
# * Choose $p$ on validation likelihood, with the label noise in it, and again when the data have grown.
# * As a guide to labels, race it against chance *and* against something that looks only at the inputs.
#
# **On your own model:** train on a quarter of your data and on all; look at one number, the ratio of the bands.
#
# **References.** Gal & Ghahramani 2016, [arXiv:1506.02142](https://arxiv.org/abs/1506.02142) ·
# Osband 2016, *Risk versus uncertainty in deep learning*, NIPS workshop ·
# Gal, Hron & Kendall 2017, [arXiv:1705.07832](https://arxiv.org/abs/1705.07832) ·
# Le Folgoc et al. 2021, [arXiv:2110.04286](https://arxiv.org/abs/2110.04286) ·
# Djupskås et al. 2025, [arXiv:2512.14851](https://arxiv.org/abs/2512.14851)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {"band_few": band_few.mean(), "band_many": band_many.mean(), "chosen_p": rates[:, -1].mean()}
metrics |= {f"{kind}_{name}": values.mean() for kind in late for name, values in late[kind].items()}
record = claims.record(parameters, {name: float(value) for name, value in metrics.items()})

# %% [markdown] tags=["instructor"]
# **Minute plan (30).** 3 the hook, by show of hands · 6 seven things: everybody writes down two before the figure · 8 exercise 1
# · 6 exercise 2 · 5 the race · 2 wrap-up. **When short:** exercise 2 is homework, show the figure after it.
# **Ask before running:** where in the formula is the number of examples? What happens to the band if all targets are doubled?
# **Expect:** "the narrow one has seen more"; "more masks make the band narrower" (they make its estimate steadier).
