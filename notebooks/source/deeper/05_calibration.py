# %% [markdown]
# # Deep dive 05 · Do the numbers mean what they say?
#
# **Of all answers given with 90 % or more, how many are right?**
#
# A network that has learned the letters A to J reads new typefaces. Below are sixteen of its answers, all given with at least
# 90 %. If its numbers mean what they say, one in ten of such answers is wrong, at most.
#
# Count. Then find out what it takes to make the numbers true, whether many masks do it better than one number, and what is left
# of it when somebody turns the page.
#
# *{minutes} minutes. You need lesson 05.*
#
# <details><summary>Lesson 05: what is the expected calibration error?</summary>The average gap between confidence and accuracy,
# in bins of confidence.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; networks use seed, seed + 1, ...
n_runs: int = 4  # [3, 64] training runs of each setting
rates: list = [0.0, 0.25, 0.5, 0.75]  # 3 to 9 rising values in [0, 0.95]: dropout rates, the first one 0
smoothing: float = 0.1  # (0, 0.5] label smoothing of some networks without dropout
n_asked: int = 30  # [5, 500] answers of a network to one letter
n_letters: int = 1000  # [200, 5000] letters to tune on, and as many to test on
n_train: int = 1000  # [100, 20000] training letters
epochs: int = 40  # [1, 500] passes over them
lr: float = 1e-3  # (0, 0.1) learning rate of AdamW
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the letters of lesson 05 (new typefaces: half to tune on, half to test on), and the networks
import math

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import MultipleLocator, PercentFormatter
from torch import nn
from torch.nn import functional

from course_utils.checks.deeper import d05_calibration as checks
from course_utils.claims import Claims
from course_utils.data import grey_thumbnails, load
from course_utils.figures import plot_images, show, use_course_style
from course_utils.measure import accuracy, ece, nll
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("05.calibration")


def standardized(x):
    return (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True)


letters = load("letters", n_train=n_train, n_val=10, n_test=2 * n_letters, seed=seed, device=device)
train, (new_x, new_y) = ((grey_thumbnails(x), y) for x, y in (letters.train, letters.test))
tune, test = (new_x[:n_letters], new_y[:n_letters]), (new_x[n_letters:], new_y[n_letters:])


def build(p_drop):
    return mlp(n_inputs=256, n_hidden=(256, 256), n_outputs=10, p_drop=p_drop)


plain, gentle, middle, heavy = rates[0], rates[1], rates[len(rates) // 2], rates[-1]
settings = [{"p_drop": p} for p in rates] + [{"p_drop": 0.0, "label_smoothing": smoothing}]
runs = [{**setting, "seed": seed + k, "lr": lr} for setting in settings for k in range(n_runs)]
_, networks = train_runs(build, train, tune, runs, epochs=epochs, evaluate_every=epochs, progress=False)
trained = {p: networks[i * n_runs : (i + 1) * n_runs] for i, p in enumerate([*rates, "smoothed"])}


@torch.no_grad()
def ask_once(network, x):  # logits
    return network.eval()(x)


@torch.no_grad()
def ask_many(network, x):  # lesson 05: the average of n_asked answers, as log-probabilities
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    average = torch.stack([torch.softmax(network(x), -1) for _ in range(n_asked)]).mean(0)
    network.eval()
    return average.clamp_min(1e-12).log()


# %% tags=["fold"]
# figure: sixteen answers that are given with at least 90 %
probabilities = torch.softmax(ask_once(trained[plain][0], test[0]), -1)
confidence, answers_shown = probabilities.max(-1)
sure = (confidence >= min(0.9, confidence.sort()[0][-16].item())).nonzero()[:, 0]  # the surest sixteen, if fewer reach 90 %
names = [f"“{letters.classes[answers_shown[k]]}” {math.floor(100 * confidence[k]):d} %" for k in sure[:16]]
fig = plot_images(test[0][sure[:16]], names, n_columns=8)
show(
    fig,
    alt="Sixteen grey letters in two rows, each with the network's answer and its confidence of 90 % or more.",
    reading=f"The first sixteen of the {len(sure)} letters (of {n_letters}) that this network answers with 90 % or more.",
)

# %% [markdown]
# **Predict.** What share of all such answers is right?

# %%
prediction = None  # a number from 0 to 1

# %% tags=["fold"]
# the answer, for all runs
shares, claimed = [], []
for network in trained[plain]:
    confidence, answers = torch.softmax(ask_once(network, test[0]), -1).max(-1)
    shares.append((answers == test[1])[confidence >= 0.9].double().mean().item())
    claimed.append(confidence[confidence >= 0.9].mean().item())
wrong = [(i + 1, letters.classes[test[1][k]]) for i, k in enumerate(sure[:16]) if answers_shown[k] != test[1][k]]
print("Wrong above: " + (", ".join(f"number {i} is {letter}" for i, letter in wrong) or "none") + ".")
print(f"Over {n_runs} networks, such answers are given with {np.mean(claimed):.1%} on average; {np.mean(shares):.1%} are right.")
print(f"You said {prediction}." if prediction is not None else "(No prediction.)")

# %% [markdown]
# ## 1 · One number
#
# The cheapest cure changes no weight. Divide all logits by a **temperature** $T$ before the softmax:
#
# $$p = \operatorname{softmax}(z/T).$$
#
# The order of the classes stays, so every answer stays; above 1 it is given more modestly. $T$ is chosen on letters kept for
# tuning, by the negative log-likelihood (NLL, in nats), which is lowest in expectation for the true probabilities.
#
# ### Exercise 1 · Take its temperature
#
# Write `temperature`: from logits (letters × classes) and labels, the $T$ with the lowest NLL, to a percent or two. Yours is used
# from here on. (`nll(logits, y)` is there.)
#
# <details><summary>Hint 1</summary>One number: try many. Temperatures from e⁻² to e², a percent apart, will do.</details>
# <details><summary>Hint 2</summary>`min(candidates, key=lambda T: …)` gives the candidate with the smallest value.</details>


# %% tags=["stub"]
def temperature(logits, y): ...


checks.check_1(temperature)


# %% tags=["solution"]
def temperature(logits, y):
    candidates = np.exp(np.linspace(-2, 2, 401)).tolist()
    return min(candidates, key=lambda T: nll(logits / T, y))


checks.check_1(temperature)


# %% tags=["fold"]
# ours, in case yours is open; figure: confidence against accuracy, before and after
def our_temperature(logits, y):
    candidates = np.exp(np.linspace(-2, 2, 401)).tolist()
    return min(candidates, key=lambda T: nll(logits / T, y))


if not checks.check_1(temperature).startswith("passed"):
    temperature = our_temperature


def tuned(network, ask=ask_once):
    return float(temperature(ask(network, tune[0]), tune[1]))


warmth = {p: [tuned(network) for network in trained[p]] for p in trained}
before = [torch.softmax(ask_once(network, test[0]), -1) for network in trained[plain]]
after = [torch.softmax(ask_once(network, test[0]) / T, -1) for network, T in zip(trained[plain], warmth[plain])]
errors_before, errors_after = (np.array([ece(p, test[1]) for p in both]) for both in (before, after))
right = [np.mean([accuracy(p, test[1]) for p in both]) for both in (before, after)]
loss = [np.mean([nll(p.clamp_min(1e-12).log(), test[1]) for p in both]) for both in (before, after)]
fig, ax = plt.subplots(figsize=(4.6, 4.0))
for both, color, style, marker, label in (
    (before, "C1", "--", "s", "as trained"),
    (after, "C0", "-", "o", f"T = {np.mean(warmth[plain]):.1f}"),
):
    pooled = torch.cat(both).cpu()
    sureness, correct = pooled.amax(-1), (pooled.argmax(-1) == test[1].cpu().repeat(n_runs)).double()
    inside = [(sureness > low) & (sureness <= low + 0.1) for low in np.arange(0.1, 1, 0.1)]
    points = [(sureness[rows].mean(), correct[rows].mean()) for rows in inside if rows.sum() >= 20]
    ax.plot(*zip(*points), color=color, linestyle=style, marker=marker, label=f"{label} (n = {n_runs} runs)")
ax.plot([0, 1], [0, 1], color="0.6", linestyle=":")
ax.set(xlabel="confidence", ylabel="accuracy", xlim=(0.1, 1), ylim=(0.1, 1))
ax.set_title(f"One number: ECE from {errors_before.mean():.1%} to {errors_after.mean():.1%}")
ax.legend(fontsize=8)
show(
    fig,
    alt="Accuracy against confidence, as trained and with a temperature, with the diagonal of a calibrated network.",
    reading=f"Temperatures from {min(warmth[plain]):.2f} to {max(warmth[plain]):.2f}. NLL: {loss[0]:.2f} to {loss[1]:.2f}; "
    f"accuracy: {right[0]:.1%} before and {right[1]:.1%} after.",
)

# %% [markdown]
# ## 2 · How good is that?
#
# Zero is out of reach, even for a network that is *perfectly* calibrated: in every bin chance moves the accuracy, and ECE counts
# all gaps as positive. How large is the **floor**? Make the numbers true by construction: draw each label from the probabilities
# themselves.


# %%
def ece_if_true(probabilities):
    labels = torch.multinomial(probabilities, 1)[:, 0]
    return ece(probabilities, labels)


# %% [markdown]
# **Predict.** Measured on 100 letters, what is the ECE of perfectly true numbers?

# %%
prediction = None  # a number from 0 to 1

# %% tags=["fold"]
# the floor, for tests of several sizes
floors = {n: np.array([[ece_if_true(p[:n]) for _ in range(200)] for p in after]) for n in (100, n_letters // 2, n_letters)}
for n, values in floors.items():
    low, high = np.quantile(values, [0.025, 0.975])
    print(f"{n:5} letters: true numbers get an ECE of {values.mean():.1%} on average, 95 % of them {low:.1%} to {high:.1%}")
print(f"{n_letters:5} letters: measured {errors_after.mean():.1%}, on average over {n_runs} runs")
print(f"You said {prediction}." if prediction is not None else "(No prediction.)")

# %% tags=["fold"]
# claim 05.calibration.1: a tuned network against the floor
claims.compare(
    "05.calibration.1",
    "With a temperature, the ECE of a plain network is less than three points above that of numbers that are true.",
    floors[n_letters].mean(1),
    errors_after,
    margin=-0.03,
    names=("ECE if its numbers were true", "its ECE"),
    unit="points",
    over="training runs on these letters",
    source="Guo et al. 2017, arXiv:1706.04599, for the temperature; Roelofs et al. 2022, arXiv:2012.08668, for the floor",
)

# %% [markdown]
# Hold every ECE against its floor, and compare only those of equally many examples. And mind what ECE does not see: a reader that
# answers *every* letter with 10 % for each class is nearly perfectly calibrated, and useless. So a second kind of number
# stands beside it, a **proper score**, lowest in expectation for the true probabilities: NLL is one, the Brier score another.
#
# ### Exercise 2 · Brier's score
#
# Write `brier`: probabilities minus the one-hot label, squared, summed over the classes, averaged over the letters.
#
# <details><summary>Hint 1</summary>`torch.nn.functional.one_hot(y, 10)` makes rows of zeros with a one.</details>
# <details><summary>Hint 2</summary>For ten classes at 10 % each it is 0.9² + 9 · 0.1² = 0.9, whatever the label.</details>


# %% tags=["stub"]
def brier(probabilities, y): ...


checks.check_2(brier)


# %% tags=["solution"]
def brier(probabilities, y):
    target = functional.one_hot(y, probabilities.shape[-1])
    return ((probabilities - target) ** 2).sum(-1).mean()


checks.check_2(brier)

# %% [markdown]
# ## 3 · Many masks, or one number?
#
# Lesson 05 found that asking many times moves confidence, for better or worse. Here is each rate asked once, asked many times,
# and asked once with a temperature. **Predict**: at the middle rate, which has the lower NLL, many masks or one temperature?

# %%
prediction = None  # "masks", "temperature" or "tie"


# %% tags=["fold"]
# our brier, in case yours is open; figure: NLL and ECE at every rate, asked in three ways; a table of all scores
def our_brier(probabilities, y):
    return ((probabilities - functional.one_hot(y, probabilities.shape[-1])) ** 2).sum(-1).mean()


if not checks.check_2(brier).startswith("passed"):
    brier = our_brier


def scores(log_probabilities, y=test[1]):
    p = log_probabilities.exp()
    return nll(log_probabilities, y), float(brier(p, y)), ece(p, y), accuracy(p, y), p.amax(-1).mean().item()


def logs(network, T, x):
    return (ask_once(network, x) / T).log_softmax(-1)


table = {}
for p, group in trained.items():
    table["once", p] = [scores(logs(network, 1.0, test[0])) for network in group]
    table["once, tuned", p] = [scores(logs(network, T, test[0])) for network, T in zip(group, warmth[p])]
    if p not in (plain, "smoothed"):
        many_answers = [ask_many(network, test[0]) for network in group]
        table["many times", p] = [scores(answers) for answers in many_answers]
    if p == middle:
        Ts = [tuned(network, ask_many) for network in group]
        table["many times, tuned", p] = [scores((answers / T).log_softmax(-1)) for answers, T in zip(many_answers, Ts)]
table = {key: np.array(rows).T for key, rows in table.items()}  # (nll, brier, ece, accuracy, confidence) x runs
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.3))
ways = {"once": ("C1", "--", "s"), "many times": ("C2", ":", "D"), "once, tuned": ("C0", "-", "o")}
for ax, place, label in zip(axes, (0, 2), ("NLL (nats)", "ECE")):
    for way, (color, style, marker) in ways.items():
        at = [p for p in rates if (way, p) in table]
        mean, half = zip(*[mean_and_interval(table[way, p][place])[:2] for p in at])
        ax.errorbar(at, mean, half, color=color, linestyle=style, marker=marker, capsize=2, label=f"{way} (n = {n_runs})")
    ax.set(xlabel="dropout rate p", ylabel=label, xticks=rates)
axes[1].set_ylim(0, None)
axes[1].axhspan(*np.quantile(floors[n_letters], [0.025, 0.975]), color="0.85", zorder=0, label="true numbers")
axes[1].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
axes[1].legend(fontsize=8)


def against(a, b):
    mean, half, _ = mean_and_interval(table[a][0] - table[b][0])
    return f"{mean:+.3f} ± {half:.3f}"


masked = [p for p in rates if ("many times", p) in table]
best_many, best_tuned = (min(masked, key=lambda p: table[way, p][0].mean()) for way in ("many times", "once, tuned"))
spans = {way: np.ptp([table[way, p][2] for p in masked], 0) for way in ("many times", "once, tuned")}
axes[0].set_title(f"lowest NLL: many times at p = {best_many:g}, tuned at {best_tuned:g}", fontsize=9)
asked_many = [table["many times", p][2].mean() for p in masked]
axes[1].set_title(f"ECE of many masks: {min(asked_many):.0%} to {max(asked_many):.0%}, from rate to rate", fontsize=9)
axes[1].yaxis.set_major_locator(MultipleLocator(0.05))
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="NLL and expected calibration error against the dropout rate, asked once, many times, and once with a temperature.",
    reading="NLL in nats, many times minus once with a temperature: "
    + f"at p = {middle:g} {against(('many times', middle), ('once, tuned', middle))}, if the masks get a temperature, too, "
    + f"{against(('many times, tuned', middle), ('once, tuned', middle))}; at the best rate of each, chosen on these letters, "
    + f"{against(('many times', best_many), ('once, tuned', best_tuned))}. Temperatures: "
    + ", ".join(f"p = {p:g}: {np.mean(warmth[p]):.2f}" for p in rates)
    + f", smoothed labels: {np.mean(warmth['smoothed']):.2f}.{yours}",
)
print("                                  NLL  Brier   ECE  accuracy")
for (way, p), rows in table.items():
    name = f"{'smoothed labels' if p == 'smoothed' else f'p = {p:g}'}, {way}"
    if p in (plain, middle, "smoothed"):
        print(f"{name:30} {rows[0].mean():7.3f} {rows[1].mean():6.3f} {rows[2].mean():6.1%} {rows[3].mean():7.1%}")
nothing = scores(torch.full((n_letters, 10), math.log(0.1), device=device))
print(f"{'10 % for every class':30} {nothing[0]:7.3f} {nothing[1]:6.3f} {nothing[2]:6.1%} {nothing[3]:7.1%}")
way, p = min(table, key=lambda key: table[key][0].mean())
print(f"Of all rates and ways, the lowest NLL: {'smoothed labels' if p == 'smoothed' else f'p = {p:g}'}, {way}.")
modesty = table["once", "smoothed"][3] - table["once", "smoothed"][4]
gain, half, _ = mean_and_interval(table["once, tuned", "smoothed"][3] - table["once, tuned", plain][3])
print(f"Smoothed labels: accuracy minus mean confidence {100 * modesty.mean():+.0f} points; both tuned, against plain: accuracy")
print(f"{100 * gain:+.1f} ± {100 * half:.1f} points, NLL {against(('once, tuned', 'smoothed'), ('once, tuned', plain))} nats.")

# %% tags=["fold"]
# claims 05.calibration.2 to 4: what depends on the rate, temperature against masks, and what smoothed labels do
claims.compare(
    "05.calibration.2",
    "From dropout rate to dropout rate, the ECE of many masks moves by five points more than that of a tuned temperature.",
    spans["many times"],
    spans["once, tuned"],
    margin=0.05,
    names=("largest minus smallest ECE, asked many times", "once, with a temperature"),
    unit="points",
    over="training runs on these letters",
    source="Gal, Hron & Kendall 2017, arXiv:1705.07832, on the search over p; Guo et al. 2017, arXiv:1706.04599",
)
claims.compare(
    "05.calibration.3",
    "At the middle rate, a temperature on one answer reaches a lower NLL than many masks.",
    table["many times", middle][0],
    table["once, tuned", middle][0],
    names=("NLL asked many times", "once, with a temperature"),
    unit="nats",
    over="training runs on these letters",
)
claims.compare(
    "05.calibration.4",
    "Smoothed labels make these networks too modest: their temperature is below 1.",
    np.ones(n_runs),
    warmth["smoothed"],
    names=("no temperature", "temperature of networks with smoothed labels"),
    over="training runs on these letters",
)

# %% [markdown]
# A rate fixes how much the masks soften; a temperature is fitted, and costs one pass instead of many. Both need labelled letters
# *like those to come*: a temperature is one search, over $T$, and masks need one over $p$.
#
# **Label smoothing** trains on softened labels: `smoothing` of each is shared among all classes. Müller and others (2019) found
# that it improves calibration. Whether it does depends on how much there is to soften: on other networks, with other rates, it
# may do too much, as a dropout rate may. The last lines above say what it did here: below 1, a temperature makes *surer*. What is
# left after tuning, in accuracy and NLL, is its real gain.
#
# ## 4 · Somebody turns the page
#
# The temperature was fitted on upright letters. (All letters of the course are turned a little.) Now the test letters are rotated
# further, or noise is added, and nothing is tuned again.
#
# **Predict.** At 30°, who has the smallest ECE: one answer as trained, one with its temperature, or masks at the highest rate?

# %%
prediction = None  # "as trained", "temperature" or "masks"


# %% tags=["fold"]
# figure: ECE and accuracy against the angle, and against noise
def turned(x, degrees):
    a = math.radians(degrees)
    matrix = torch.tensor([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0]], device=x.device)
    places = functional.affine_grid(matrix.expand(len(x), 2, 3), x.shape, align_corners=False)
    return standardized(functional.grid_sample(x, places, padding_mode="border", align_corners=False))


def noisy(x, level):
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed)).to(x.device)
    return standardized(x + level * noise)


rivals = {
    "plain, as trained": lambda k, x: logs(trained[plain][k], 1.0, x),
    "plain, temperature": lambda k, x: logs(trained[plain][k], warmth[plain][k], x),
    "smoothed, temperature": lambda k, x: logs(trained["smoothed"][k], warmth["smoothed"][k], x),
    f"masks, p = {middle:g}": lambda k, x: ask_many(trained[middle][k], x),
    f"masks, p = {heavy:g}": lambda k, x: ask_many(trained[heavy][k], x),
}
raw, cooled, _, _, many = rivals
shifts = {"angle": (turned, [0, 15, 30, 45, 60]), "noise": (noisy, [0.0, 0.5, 1.0, 1.5])}
shifted = {}
for shift, (change, levels) in shifts.items():
    for level in levels:
        x = change(test[0], level)
        for name, answer in rivals.items():
            shifted[shift, level, name] = np.array([scores(answer(k, x)) for k in range(n_runs)]).T
fig, axes = plt.subplots(1, 2, figsize=(8.8, 3.5), sharey=True)
for ax, (shift, (_, levels)) in zip(axes, shifts.items()):
    for name, style, marker in zip(rivals, ("--", "-", "-.", ":", (0, (1, 1))), "sovD^"):
        mean, half = zip(*[mean_and_interval(shifted[shift, level, name][2])[:2] for level in levels])
        ax.errorbar(levels, mean, half, linestyle=style, marker=marker, markersize=4, capsize=2, label=f"{name} (n = {n_runs})")
    ax.set(xlabel="rotation (degrees)" if shift == "angle" else "noise (standard deviations)", xticks=levels)
    first, last = (shifted[shift, level, cooled][2].mean() for level in (levels[0], levels[-1]))
    ax.set_title(f"{shift}: the temperature's ECE goes from {first:.0%} to {last:.0%}", fontsize=9)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
axes[0].set(ylabel="ECE", ylim=(0, None))
axes[0].legend(fontsize=7)
ends = {name: [shifted["angle", level, name] for level in (0, 30, 60)] for name in rivals}
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Expected calibration error of five ways to answer, against the angle of rotation and against the amount of noise.",
    reading="ECE upright, at 30° and at 60°: "
    + "; ".join(f"{name}: " + ", ".join(f"{rows[2].mean():.0%}" for rows in three) for name, three in ends.items())
    + f". Plain, temperature: accuracy {', '.join(f'{rows[3].mean():.0%}' for rows in ends[cooled])}, "
    + f"mean confidence {', '.join(f'{rows[4].mean():.0%}' for rows in ends[cooled])}.{yours}",
)

# %% tags=["fold"]
# claims 05.calibration.5 and 6: what rotation leaves of a temperature, and of masks at the highest rate
claims.compare(
    "05.calibration.5",
    "At 30° the ECE of a temperature tuned upright is more than twice what it was upright.",
    shifted["angle", 30, cooled][2],
    shifted["angle", 0, cooled][2],
    factor=2,
    names=("ECE at 30°", "upright"),
    unit="points",
    over="training runs on these letters",
    source="Ovadia et al. 2019, arXiv:1906.02530",
)
claims.compare(
    "05.calibration.6",
    "Masks at the highest rate have a larger ECE than the temperature upright, and a smaller one at 30°.",
    np.minimum(shifted["angle", 0, many][2] - shifted["angle", 0, cooled][2],
               shifted["angle", 30, cooled][2] - shifted["angle", 30, many][2]),
    np.zeros(n_runs),
    names=("the smaller of the two differences", "zero"),
    unit="points",
    over="training runs on these letters",
)  # fmt: skip

# %% [markdown]
# Nobody is calibrated in general: each is where its modesty happens to meet the accuracy. Compare how accuracy and confidence
# change in the last sentence of the reading; and compare the two pictures, for not every change is a shift that hurts. Ovadia
# and others (2019) tested such methods at large scale: under shift "traditional post-hoc calibration does indeed fall short", and
# some that average over models do surprisingly well.
#
# ## What to take along
#
# * Confidence is a number to be measured, like any other, on examples like those to come.
# * First a temperature; masks must beat *that*.
# * ECE with its floor, and beside it NLL or Brier. Then again on data that have been bent.
#
# **On your own model:** `T = temperature(logits, y)` on held-out data; look at one number, the NLL before and after.
#
# **References.** Guo et al. 2017, [arXiv:1706.04599](https://arxiv.org/abs/1706.04599) ·
# Ovadia et al. 2019, [arXiv:1906.02530](https://arxiv.org/abs/1906.02530) ·
# Müller, Kornblith & Hinton 2019, [arXiv:1906.02629](https://arxiv.org/abs/1906.02629) ·
# Roelofs et al. 2022, [arXiv:2012.08668](https://arxiv.org/abs/2012.08668) ·
# Gal, Hron & Kendall 2017, [arXiv:1705.07832](https://arxiv.org/abs/1705.07832)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {"temperature": np.mean(warmth[plain]), "ece_plain": errors_before.mean(), "ece_tuned": errors_after.mean()}
metrics |= {"floor": floors[n_letters].mean(), "ece_turned": shifted["angle", 30, cooled][2].mean()}
record = claims.record(parameters, {name: float(value) for name, value in metrics.items()})

# %% [markdown] tags=["instructor"]
# **Minute plan (30).** 3 the sixteen letters, counted aloud · 8 exercise 1 · 5 the floor · 4 exercise 2 · 5 masks or one number ·
# 4 the turned page · 1 wrap-up. **When short:** exercise 2 is homework.
# **Ask before running:** does a temperature change the accuracy? Why is the floor not zero?
# **Expect:** "calibrated means accurate"; "a larger T is always better"; "an ECE of 3 % is bad".
