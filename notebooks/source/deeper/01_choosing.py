# %% [markdown]
# # Deep dive 01 · Choosing
#
# **How much of a best result is luck of the choice?**
#
# Many networks learned the same digits by the same recipe. Only their seeds differ: where the weights start, in which
# order the digits come. Below, each has read one set of validation digits, and the best is circled.
#
# Would you sell it, and with which number? You will see what becomes of it elsewhere, find out why benchmarks survive being
# chosen on, and settle a contest in which one team tried more than the other.
#
# *{minutes} minutes. You need lesson 01.*

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw
n_seeds: int = 100  # [40, 1000] networks of each recipe
n_val: int = 100  # [20, 300] digits in a validation set
widths: list = [16, 24]  # 2 to 2 different whole numbers in [2, 512]: hidden units of the first recipe and of the second
n_many: int = 25  # [10, 30] networks that the team with the worse recipe trains
n_few: int = 5  # [1, 9] networks that the other team trains
n_train: int = 200  # [64, 290] training digits
epochs: int = 40  # [1, 500] passes over the training digits
lr: float = 0.003  # (0, 0.1] learning rate of AdamW
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the digits, and many networks of each of two recipes; which digits each of them reads right
import numpy as np
import torch
from matplotlib import pyplot as plt

from course_utils.checks.deeper import d01_choosing as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import fit

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("01.choosing")
rng = np.random.default_rng(seed)
digits = load("digits", n_train=n_train, n_val=1, n_test=1500, seed=seed, device=device)
n_sets = 1500 // n_val
n_pool = n_sets * n_val
x, y = (part[:n_pool] for part in digits.test)


def build(width):
    return mlp(n_hidden=(width,))


@torch.no_grad()
def read_right(network):
    return (network(x).argmax(-1) == y).cpu().numpy()


runs = [{"width": width, "seed": 1000 * seed + k, "lr": lr} for width in widths for k in range(n_seeds)]
_, networks = train_runs(build, digits.train, digits.val, runs, epochs=epochs, evaluate_every=epochs)
right, right_2 = np.reshape([read_right(network) for network in networks], (2, n_seeds, n_pool))

# %% tags=["fold"]
# the situation: what the networks of the first recipe make of the first set of validation digits
first = right[:, :n_val].sum(1)
numbers, stacked = np.unique(first, return_counts=True)
fig, ax = plt.subplots(figsize=(8.6, 2.8))
for number, count in zip(numbers, stacked):
    ax.plot([number] * count, range(1, count + 1), "o", color="C0", markersize=5)
ax.plot(numbers[-1], stacked[-1], "o", color="C1", markersize=11, fillstyle="none", markeredgewidth=2)
ax.annotate(f"seed {1000 * seed + first.argmax()}", (numbers[-1], stacked[-1]), (0, 12), textcoords="offset points", ha="center")
ax.set(xlabel=f"of {n_val} validation digits, read right", ylabel="networks", ylim=(0, stacked.max() + 4))
ax.set_title(f"One recipe, {n_seeds} seeds: {numbers[0]} to {numbers[-1]} right")
show(
    fig,
    alt="Dots stacked over the number of validation digits read right, a dot a network; one at the far right is circled.",
    reading=f"On average the networks read {first.mean():.1f} of these {n_val} digits, the best {first.max()}. "
    "(Of equals, the first seed is called the best.)",
)

# %% [markdown]
# ## 1 · The winner, elsewhere
#
# All other digits have never been looked at. The best network is ahead of the average one by some points; call this its
# **reported gain**. On the digits elsewhere it has a **real gain**.
#
# **Predict.** How much of the reported gain is real?

# %%
prediction = None  # "nearly all", "about half" or "very little"

# %% [markdown]
# One choice may be an accident. So cut all digits into sets. Each set chooses once; the others judge.


# %%
def gains(score, overall):
    """score: (networks, sets), share right; overall: (networks,) on all digits."""
    elsewhere = (n_sets * overall[:, None] - score) / (n_sets - 1)
    best, sets = score.argmax(0), np.arange(n_sets)
    reported = score[best, sets] - score.mean(0)
    real = elsewhere[best, sets] - elsewhere.mean(0)
    return reported, real


score = right.reshape(n_seeds, n_sets, n_val).mean(2)
overall = right.mean(1)
reported, real = gains(score, overall)

# %% tags=["fold"]
# figure: validation against elsewhere for the first set, and both gains for every set; claim 01.choosing.1
elsewhere = (n_sets * overall - score[:, 0]) / (n_sets - 1)
best = score[:, 0].argmax()
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.6))
jitter = np.random.default_rng(seed).uniform(-0.2, 0.2, n_seeds)
axes[0].plot(100 * score[:, 0] + jitter, 100 * elsewhere, "o", markersize=4, alpha=0.6)
axes[0].plot(100 * score[best, 0], 100 * elsewhere[best], "o", color="C1", markersize=11, fillstyle="none", markeredgewidth=2)
centre = 100 * score[:, 0].mean(), 100 * elsewhere.mean()
axes[0].axline(centre, slope=1, color="k", linestyle=":", label="if all of a gain were real")
axes[0].axline(centre, slope=0, color="0.6", linestyle="--", label="if nothing were")
axes[0].set_ylim(None, 100 * elsewhere.max() + 0.4 * np.ptp(100 * elsewhere) + 0.1)
axes[0].set(xlabel="right on the first set (%)", ylabel="right elsewhere (%)", title="A dot a network")
axes[0].legend(fontsize=8, loc="upper left")
for a, b in zip(reported, real):
    axes[1].plot([0, 1], [100 * a, 100 * b], color="0.7", linewidth=1, linestyle="-", marker="o", markersize=4)
for place, values in enumerate((reported, real)):
    mean, half, n = mean_and_interval(100 * values)
    axes[1].errorbar(place, mean, half, color="C1", marker="s", capsize=4, zorder=3, label=f"mean, 95 % (n = {n})" * (not place))
axes[1].axhline(0, color="k", linewidth=0.6, linestyle="-")
axes[1].set(xticks=[0, 1], xticklabels=["reported", "real"], xlim=(-0.4, 1.4), ylabel="gain of the best (points)")
axes[1].set_title(f"Reported {100 * reported.mean():.1f} points, real {100 * real.mean():.1f}")
axes[1].legend(fontsize=8)
reply = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Left: accuracy elsewhere against accuracy on the first validation set, the winner circled. Right: for each set a line "
    "from the reported to the real gain of its winner.",
    reading=f"The circled network read {score[best, 0]:.0%} where it was chosen and {elsewhere[best]:.1%} elsewhere; the average "
    f"network {elsewhere.mean():.1%}. Over {n_sets} sets, {real.mean() / reported.mean():.0%} of the reported gain is "
    f"real.{reply}",
)
claims.compare(
    "01.choosing.1",
    "The gain that the best of many seeds reports is more than twice what it keeps on other digits.",
    reported,
    real,
    factor=2,
    names=("reported", "real"),
    unit="points",
    over="validation sets, with these networks",
    source="Cawley and Talbot 2010",
)

# %% [markdown]
# A score is merit plus luck. Whoever takes the largest sum takes mostly of that which spreads more. So it goes with seeds,
# and with every setting whose effect is smaller than the noise.
#
# ## 2 · The harm that does not come
#
# Then a benchmark on which the world has been choosing for years should be worth nothing. It is worth a lot. On fresh test
# images for CIFAR-10 and ImageNet every model got more wrong, but what had been gains on the old images were gains on
# the new ones too (Recht et al. 2019; they suspect harder images, not the choosing). What protects a benchmark? Three
# kinds of candidates:
#
# * **own**: our networks, each judged on digits drawn for it alone;
# * **same**: our networks, all judged on the same digits, as above;
# * **epochs**: one network after each of as many further epochs, on the same digits, as early stopping looks at it.
#
# **Predict.** For which is the winner's luck, reported minus real gain, largest, and for which smallest?

# %%
prediction = None  # such as ("same", "own", "epochs"), the largest first


# %%
def luck(score, overall):
    reported, real = gains(score, overall)
    return reported - real


def on_own_digits():
    chosen = rng.random((n_seeds, n_pool)).argpartition(n_val, axis=1)[:, :n_val]
    return np.take_along_axis(right, chosen, axis=1).mean(1)


own = np.stack([on_own_digits() for _ in range(n_sets)], axis=1)  # (networks, sets)

# %% tags=["fold"]
# the epochs of three runs; luck against the number of candidates; figure and claim 01.choosing.2
by_epoch = []
for k in range(3):
    torch.manual_seed(1000 * seed + k)
    network = build(widths[0]).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr)
    fit(network, digits.train, digits.val, optimizer, epochs=epochs, seed=seed + k, evaluate_every=epochs, progress=False)
    for epoch in range(n_seeds):
        fit(network, digits.train, digits.val, optimizer, epochs=1, seed=seed + k + 10 * (epoch + 1), progress=False)
        by_epoch.append(read_right(network))
by_epoch = np.reshape(by_epoch, (3, n_seeds, n_pool))
epoch_scores = by_epoch.reshape(3, n_seeds, n_sets, n_val).mean(3)
counts = [count for count in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if count <= n_seeds]


def luck_by_count(score, overall):
    draws = [rng.permutation(n_seeds) for _ in range(40)]
    return np.array([np.mean([luck(score[d[:count]], overall[d[:count]]) for d in draws], 0) for count in counts])


curves = {
    "own": luck_by_count(own, overall),
    "same": luck_by_count(score, overall),
    "epochs": np.mean([luck_by_count(s, r.mean(1)) for s, r in zip(epoch_scores, by_epoch)], 0),
}
fig, ax = plt.subplots()
labels = {
    "own": "own: networks, each on its own digits",
    "same": "same: networks on the same digits",
    "epochs": "epochs of a run",
}
for (name, values), style, marker in zip(curves.items(), ("-.", "-", "--"), "^os"):
    mean, half = 100 * np.array([mean_and_interval(row)[:2] for row in values]).T
    ax.errorbar(counts, mean, half, linestyle=style, marker=marker, capsize=2, label=f"{labels[name]} (n = {n_sets} sets)")
ends = {name: 100 * values[-1].mean() for name, values in curves.items()}
ax.axhline(0, color="k", linewidth=0.6, linestyle="-")
ax.set(xscale="log", xlabel="candidates", ylabel="luck: reported − real gain (points)", xticks=counts, xticklabels=counts)
ax.minorticks_off()
ax.set_title(f"Best of {counts[-1]}: " + ", ".join(f"{name} {value:.1f}" for name, value in ends.items()) + " points of luck")
ax.legend(fontsize=8)
order = tuple(sorted(ends, key=ends.get, reverse=True))
reply = f" You said {prediction}." if prediction else ""
show(
    fig,
    alt="Luck of the winner against the number of candidates, for three kinds of candidates; each starts at zero for one.",
    reading=f"One candidate cannot be chosen, so all begin at 0. At {counts[-1]} the order is {', '.join(order)}.{reply}",
)
wrong = 1 - overall.mean()
both_wrong = (((~right).sum(0) ** 2 - (~right).sum(0)).mean()) / (n_seeds * (n_seeds - 1))
pair = [(s[: n_seeds // 2] - s[n_seeds // 2 : 2 * (n_seeds // 2)]).std(1).mean() for s in (score, own)]
print(f"Two networks are both wrong on {both_wrong:.1%} of the digits; by chance it would be {wrong**2:.1%}.")
print(f"Their difference moves from set to set by {100 * pair[0]:.1f} points on the same digits,")
print(f"by {100 * pair[1]:.1f} points if each has digits of its own.")
claims.compare(
    "01.choosing.2",
    "The best of many networks owes less to luck if all are judged on the same digits than if each has digits of its own.",
    luck(own, overall),
    luck(score, overall),
    names=("own digits", "same digits"),
    unit="points",
    over="validation sets, with these networks",
    source="Mania et al. 2019, arXiv:1905.12580",
)

# %% [markdown]
# A set of hard digits is hard for all, and luck that all share changes nothing in who wins. Only where candidates *disagree*
# is there anything to choose, merit or luck. Textbook arithmetic, the largest of $K$ independent measurements, is the
# case "own". Similar candidates are safer, down to many looks at one *fixed* network: always the same number, no luck at
# all.
#
# ## 3 · An honest number
#
# You may choose by validation. You may not report by it. If there is a test set, open it once. If there is none, let one half
# of your digits choose and the other half report; do it for many halvings, and average.
#
# ### Exercise 1 · Report
#
# `right` is (networks, n): whether network k reads digit i. `order` is a shuffling of the n digits. Let the first
# `n // 2` digits of the shuffled choose the best network; return the number that you may report for it.
#
# <details><summary>Hint 1</summary>`order[: n // 2]` are the numbers of the digits that choose: `right[:, …]`.</details>
# <details><summary>Hint 2</summary>`argmax` of the networks' means on these; then this one network, on the other
# digits.</details>


# %% tags=["stub"]
def report(right, order): ...


checks.check_1(report)


# %% tags=["solution"]
def report(right, order):
    half = len(order) // 2
    choosing, reporting = order[:half], order[half:]
    best = right[:, choosing].mean(1).argmax()
    return right[best, reporting].mean()


checks.check_1(report)


# %% tags=["fold"]
# ours, in case yours is open; the gain it reports, averaged over halvings of each set; claim 01.choosing.3
def our_report(right, order):
    half = len(order) // 2
    best = right[:, order[:half]].mean(1).argmax()
    return right[best, order[half:]].mean()


passed = checks.check_1(report).startswith("passed")
used, whose = (report, "yours") if passed else (our_report, "ours, yours is open")


def halved_gain(right):
    orders = [rng.permutation(n_val) for _ in range(100)]
    ahead = [float(used(right, order)) - right[:, order[n_val // 2 :]].mean() for order in orders]
    return np.mean(ahead)


halved = np.array([halved_gain(part) for part in np.split(right, n_sets, axis=1)])
print(f"gain of the best, reported by the digits that chose:    {100 * reported.mean():5.2f} points")
print(f"gain reported by the other half ({whose}): {100 * halved.mean():5.2f} points")
print(f"real gain:                                              {100 * real.mean():5.2f} points")
claims.within(
    "01.choosing.3",
    "Choosing by one half and reporting by the other gives the winner's real gain to within two points.",
    halved,
    real,
    0.02,
    control=reported,
    unit="points",
    over="validation sets, with these networks",
)

# %% [markdown]
# Halvings choose different networks, so the average speaks for your *way of choosing*, not for one network. (And half of the
# digits choose less well than all, so it leans to the modest side.)
#
# ## 4 · Who tried more
#
# Two teams publish the best network each has found. Team A trained $m$ of them, team B trained $k$. Unknown to both, their
# recipes are the same.
#
# ### Exercise 2 · Who wins?
#
# With which probability is A's best ahead of B's? (Leave ties out.)
#
# <details><summary>Hint 1</summary>Put all m + k networks in one row, by their score. Who owns the first?</details>
# <details><summary>Hint 2</summary>With one recipe, each of them has the same chance to be the first.</details>


# %% tags=["stub"]
def chance(m, k): ...


checks.check_2(chance)


# %% tags=["solution"]
def chance(m, k):
    return m / (m + k)


checks.check_2(chance)

# %% [markdown]
# Now the recipes do differ: they have different widths. The team with the *worse* one trains more networks.
#
# **Predict.** All teams read the same validation digits. How often is the better recipe ahead, if each team shows its best
# network? And if it shows the mean of its networks?

# %%
prediction = None  # two shares, such as (0.5, 0.9)


# %%
def share_ahead(many, few, judge):
    """How often n_few networks are ahead of n_many, for each validation set."""
    ahead = []
    for _ in range(400):
        drawn = rng.permutation(n_seeds)
        a, b = many[drawn[:n_many]], few[drawn[n_many:][:n_few]]
        lead = judge(b, axis=0) - judge(a, axis=0)
        ahead.append((lead > 0) + (lead == 0) / 2)
    return np.mean(ahead, axis=0)


# %% tags=["fold"]
# both ways to judge, with one recipe and with two; claim 01.choosing.4
score_2 = right_2.reshape(n_seeds, n_sets, n_val).mean(2)
(low, worse, narrow), (high, better, wide) = sorted(
    ((score.mean(), score, widths[0]), (score_2.mean(), score_2, widths[1])), key=lambda recipe: recipe[0]
)
by_best, by_mean = share_ahead(worse, better, np.max), share_ahead(worse, better, np.mean)
alike = share_ahead(worse, worse, np.max)
expected = chance if checks.check_2(chance).startswith("passed") else lambda m, k: m / (m + k)
print(f"one recipe, best of {n_many} against best of {n_few}: the {n_many} win {1 - alike.mean():.0%}", end="")
print(f" (expected {float(expected(n_many, n_few)):.0%})")
print(f"two recipes: {narrow} units read {low:.1%} of all digits, {wide} units {high:.1%}. Best of {n_many} with {narrow}")
print(f"against best of {n_few} with {wide}: the better recipe is ahead {by_best.mean():.0%} of the time")
print(f"mean of {n_many} against mean of {n_few}:  the better recipe is ahead {by_mean.mean():.0%} of the time")
if prediction:
    print(f"You said: {prediction}.")
claims.compare(
    "01.choosing.4",
    "Means over seeds put the better recipe ahead at least twenty points more often than bests, if the worse one is tried more.",
    by_mean,
    by_best,
    margin=0.2,
    names=("by the mean", "by the best"),
    unit="points",
    over="validation sets, with these networks",
    source="Bouthillier et al. 2021, arXiv:2103.03098",
)

# %% [markdown]
# Nobody cheated. The best of many answers another question: who bought more tickets? The mean answers the one about recipes,
# for any number of tickets; and as both teams read the *same* digits, the difficulty of the set cancels.
#
# ## What to take along
#
# * A best result is merit plus luck. Where candidates hardly differ, it is nearly all luck.
# * Luck needs disagreement: similar candidates are less dangerous than as many unlike ones of equal merit.
# * Choose by validation, report by something else; compare recipes by means over seeds, on the same examples.
#
# "`torch.manual_seed(3407)` is all you need", says the title of a paper that tried up to ten thousand seeds. It is ironic: the
# spread is small, the paper finds, and yet an outlier is "surprisingly easy" to find (Picard 2021).
#
# **On your own model:** you tried $K$ variants? Train the *baseline* with $K$ seeds, and look at one number: how far its best is
# ahead of its mean. A smaller gain needs no explanation but luck.
#
# **References.** Cawley and Talbot 2010, [JMLR 11](https://jmlr.org/papers/v11/cawley10a.html) ·
# Recht et al. 2019, [arXiv:1902.10811](https://arxiv.org/abs/1902.10811) ·
# Mania et al. 2019, [arXiv:1905.12580](https://arxiv.org/abs/1905.12580) ·
# Picard 2021, [arXiv:2109.08203](https://arxiv.org/abs/2109.08203) ·
# Bouthillier et al. 2021, [arXiv:2103.03098](https://arxiv.org/abs/2103.03098)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {
    "reported": reported.mean(),
    "real": real.mean(),
    "halved": halved.mean(),
    "luck_own": curves["own"][-1].mean(),
    "luck_epochs": curves["epochs"][-1].mean(),
    "ahead_by_best": by_best.mean(),
    "ahead_by_mean": by_mean.mean(),
}
record = claims.record(parameters, metrics)
