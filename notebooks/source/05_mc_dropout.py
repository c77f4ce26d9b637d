# %% [markdown]
# # 05 · MC dropout
#
# **Can dropout tell me when it does not know?**
#
# A network has learned to read the letters A to J. Somebody hands it a K. It has no output for a K: it can only answer with one
# of its ten letters, and a probability. How sure will it be?
#
# Dropout hides many networks in one. If you ask them all and they contradict each other, would that not be a sign? Here you
# ask one network fifty times, and find out what that is worth, and where one answer would have done.
#
# *{minutes} minutes. You need lesson 04. Two questions to warm up:*
#
# <details><summary>What does `nn.Dropout` do after `eval()`?</summary>Nothing: it passes everything through.</details>
# <details><summary>Dropout off, or the average of a hundred masks: which reads more letters?</summary>
# In lesson 04 they read equally well.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; networks use seed, seed + 1, ...
n_runs: int = 5  # [3, 64] training runs of each setting
rates: list = [0.0, 0.25, 0.5, 0.75]  # 3 to 9 rising values in [0, 0.95]: dropout rates, the first one 0
n_members: int = 5  # [2, 10] networks of an ensemble
n_asked: int = 50  # [20, 500] answers of a network to one letter
n_letters: int = 1000  # [200, 5000] letters it knows, and as many that it does not
n_train: int = 1000  # [100, 20000] training letters
epochs: int = 40  # [1, 500] passes over them
lr: float = 1e-3  # (0, 0.1) learning rate of AdamW
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, and the letters: A to J to learn; A to J and K to Z in new typefaces to ask about (grey, 16 x 16 pixels)
import itertools

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.colors import PowerNorm
from matplotlib.ticker import MultipleLocator, PercentFormatter
from sklearn.metrics import roc_auc_score
from torch import nn

from course_utils.checks import lesson_05 as checks
from course_utils.claims import Claims
from course_utils.data import grey_thumbnails, letters_cache, load, load_other_letters
from course_utils.figures import plot_images, show, use_course_style
from course_utils.measure import accuracy
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("05")


letters = load("letters", n_train=n_train, n_val=200, n_test=n_letters, seed=seed, device=device)
train, val, known = ((grey_thumbnails(x), y) for x, y in (letters.train, letters.val, letters.test))
unknown = grey_thumbnails(load_other_letters(n_letters, n_train=n_train, seed=seed, device=device))
is_k = letters_cache.letters_of("other", n_letters, seed)[1] == 0  # K is the first of the other letters

# %% tags=["fold"]
# the situation: letters to learn, and letters that the network will meet without ever having seen one
shown = torch.cat([train[0][:8], unknown[:8]])
fig = plot_images(shown, [letters.classes[k] for k in train[1][:8]] + ["?"] * 8, n_columns=8)
show(
    fig,
    alt="Two rows of grey letters: eight of A to J with their names, and eight others under question marks.",
    reading="Above, letters to learn from, with their labels. Below, what will come later: letters from K to Z. No output of the "
    "network stands for one of these.",
)

# %% [markdown]
# ## 1 · Hand it a K
#
# Networks learn A to J, plainly (p = 0) and with dropout at the other `rates`. At the middle rate there are several for each
# run, an *ensemble* (Lakshminarayanan and others, 2017), for later. All are asked about **known** letters, A to J in new
# typefaces, and **unknown** ones, K to Z in these same typefaces. So the typeface gives nothing away.


# %%
def build(p_drop=0.0):
    return mlp(n_inputs=256, n_hidden=(256, 256), n_outputs=10, p_drop=p_drop)


plain, middle, heavy = rates[0], rates[len(rates) // 2], rates[-1]
n_networks = {p: n_members if p == middle else 1 for p in rates}
# p: rate. k: run. j: network of this run, 0 where there is one, 0 to n_members - 1 in its ensemble
settings = [(p, k, j) for p in rates for k in range(n_runs) for j in range(n_networks[p])]
runs = [{"p_drop": p, "seed": seed + n_members * k + j, "lr": lr} for p, k, j in settings]
_, networks = train_runs(build, train, val, runs, epochs=epochs, evaluate_every=epochs)
trained = dict(zip(settings, networks))


# %%
@torch.no_grad()
def ask_once(network, x):
    return torch.softmax(network.eval()(x), -1)[None]  # (1, letters, classes)


# %% [markdown]
# **Predict.** What share of the unknown letters does a plainly trained network answer with 95 % confidence or more?

# %%
prediction = None  # a number from 0 to 1

# %% tags=["fold"]
# figure: the first Ks and their answers, and the confidence of all answers to known and unknown letters
everything = torch.cat([known[0], unknown])
is_unknown = (torch.arange(2 * n_letters) >= n_letters).numpy()
answered_once = {p: torch.stack([ask_once(trained[p, k, 0], everything)[0] for k in range(n_runs)]) for p in rates}
confidence = {p: answers.amax(-1).cpu().numpy() for p, answers in answered_once.items()}
sure = {p: (values[:, is_unknown] >= 0.95).mean() for p, values in confidence.items()}
answer = answered_once[plain][0, n_letters:]
fig = plt.figure(figsize=(8.6, 2.9))
grid = fig.add_gridspec(2, 4, width_ratios=[1, 1, 1, 4.5])
for place, k in enumerate(is_k.nonzero()[:6, 0].tolist()):
    ax = fig.add_subplot(grid[place // 3, place % 3])
    ax.imshow(unknown[k, 0].cpu(), cmap="gray")
    ax.set_title(f"“{letters.classes[answer[k].argmax()]}” {np.floor(100 * answer[k].max().item()):.0f} %", fontsize=8)
    ax.axis("off")
ax = fig.add_subplot(grid[:, 3])
bins = np.linspace(0.1, 1, 19)
for label, part, style in (("known letters", ~is_unknown, "-"), ("unknown letters", is_unknown, "--")):
    values = confidence[plain][:, part].ravel()
    ax.hist(
        values, bins, weights=np.full(len(values), 1 / len(values)), histtype="step", linestyle=style, linewidth=2, label=label
    )
ax.set(
    xlabel="confidence: the largest probability",
    ylabel="share of the letters",
    title=f"{sure[plain]:.0%} of the unknown letters get 95 % or more",
)
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend(loc="upper left")
read = {p: np.mean([accuracy(answers[:n_letters], known[1]) for answers in answered_once[p]]) for p in rates}
sure_of_known = (confidence[plain][:, ~is_unknown] >= 0.95).mean()
of_k = confidence[plain][:, n_letters:][:, is_k.numpy()]
yours = f" You said {prediction}." if prediction is not None else ""
show(
    fig,
    alt="Six Ks with the answers they get; histograms of confidence for known and unknown letters, overlapping widely.",
    reading=f"On the left, the first Ks that came, and the answers of one network. Plainly trained, they give a K "
    f"{of_k.mean():.0%} confidence on average. With 95 % or more they answer {sure_of_known:.0%} of the known letters "
    f"({read[plain]:.0%} are read rightly) and {sure[plain]:.0%} of the unknown ones; trained with "
    f"p = {middle:g}, and dropout off, {sure[middle]:.0%}.{yours}",
)

# %% [markdown]
# A softmax shares 100 % among the ten letters it knows; "none of these" is not on the list.
#
# ## 2 · Ask it fifty times
#
# Now with dropout on: every time, another sub-network answers. In PyTorch that is a matter of modes, with a trap: `eval()`
# silences dropout, and `train()` wakes *all* modules, some of which should sleep. *Asked once* will always mean dropout off, as
# in `ask_once`; *asked many times*, dropout on.
#
# ### Exercise 5.1 · Many answers
#
# Write `ask`: `n` answers (probabilities) to every letter of `x`, of shape (n, letters, classes). Nothing but the `nn.Dropout`
# modules may be in train mode, wherever they are nested and in whatever mode the network comes. Leave it as `eval()` leaves it.
#
# <details><summary>Hint 1</summary>`network.modules()` yields all modules, nested ones too; `isinstance` tells which are
# dropout.</details>
# <details><summary>Hint 2</summary>`network.eval()`, then `module.train()` for some, then `torch.stack` of softmaxes, then
# `network.eval()`.</details>


# %% tags=["stub"]
def ask(network, x, n): ...  # return the n answers


checks.check_5_1(ask)


# %% tags=["solution"]
def ask(network, x, n):
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    answers = torch.stack([torch.softmax(network(x), -1) for _ in range(n)])
    network.eval()
    return answers


checks.check_5_1(ask)

# %% [markdown]
# What does the trap cost? Readers with BatchNorm (the layer that, in training, learns each feature's mean and variance) are asked
# fifty times about eight known letters: in `eval()`, after `model.train()`, and by `ask`. **Predict**: what happens to their
# accuracy on *other* letters?

# %%
prediction = None  # "nothing", "it loses a little" or "it loses several points"


# %% tags=["fold"]
# our ask, in case yours is open; readers with BatchNorm, asked in three ways
def ours(network, x, n):
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    answers = torch.stack([torch.softmax(network(x), -1) for _ in range(n)])
    network.eval()
    return answers


yours_passed = checks.check_5_1(ask).startswith("passed")
ask = torch.no_grad()(ask if yours_passed else ours)


@torch.no_grad()
def by_mode(network, x, n, mode):
    network.train(mode == "train()")
    return torch.stack([torch.softmax(network(x), -1) for _ in range(n)])


def with_batchnorm():
    def block(n_in):
        return nn.Sequential(nn.Linear(n_in, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(middle))

    return nn.Sequential(nn.Flatten(), block(256), block(256), nn.Linear(256, 10))


few = [{"seed": seed + k, "lr": lr} for k in range(n_runs)]
_, readers = train_runs(with_batchnorm, train, val, few, epochs=max(1, epochs // 2), evaluate_every=epochs, progress=False)
eight, rest = known[0][:8], (known[0][8:], known[1][8:])
after = {}
for way in ("eval()", f"ask ({'yours' if yours_passed else 'ours'})", "train()"):  # train() last: it changes the readers
    asked = [ask(m, eight, n_asked) if way.startswith("ask") else by_mode(m, eight, n_asked, way) for m in readers]
    alike = "are all one" if max(answers.std(0).amax().item() for answers in asked) < 1e-6 else "differ"
    after[way] = np.array([accuracy(ask_once(m, rest[0])[0], rest[1]) for m in readers])
    print(f"{way:12} its answers {alike}; afterwards it reads {after[way].mean():.1%} of the other letters")
print(f"You said: {prediction}." if prediction else "(No prediction.)")

# %% tags=["fold"]
# claim 05.1: what asking by train() costs a reader with BatchNorm
by_ask = next(way for way in after if way.startswith("ask"))
claims.compare(
    "05.1",
    "Asked about eight letters with model.train(), a reader with BatchNorm afterwards reads fewer of the others.",
    after[by_ask],
    after["train()"],
    names=("after dropout alone was on", "after train()"),
    unit="points",
    over="training runs on these letters",
)

# %% [markdown]
# Under `train()`, BatchNorm took these eight letters for the world and overwrote what it had learned. Not one weight has
# changed, and yet it is another network.
#
# ## 3 · Vague, or at odds?
#
# Fifty answers $p_1, \dots, p_T$ to one letter have an average $\bar p$. (Gal and Ghahramani, 2016, read the masks as draws
# from an approximate posterior over networks, and $\bar p$ as an approximate Bayesian prediction.) Its entropy $H(\bar p) =
# -\sum_c \bar p_c \log\bar p_c$ is 0 if the average is sure, and log 10 = 2.3 if it has no idea (natural logarithms: the unit
# is the *nat*). It has two parts:
#
# $$H(\bar p) = \underbrace{\tfrac1T\textstyle\sum_t H(p_t)}_{\text{each is vague}} + \underbrace{I}_{\text{they are at odds}}$$
#
# $I$, the **disagreement**, is the mutual information of answer and mask. It is 0 where all say the same, however vaguely.
#
# ### Exercise 5.2 · Two kinds of doubt
#
# Write `doubts`: from answers of shape (n, letters, classes), two numbers for every letter: the entropy of the average, and the
# disagreement. (`torch.special.entr(p)` is $-p\log p$, and 0 where p = 0.)
#
# <details><summary>Hint 1</summary>Average over the first axis *before* taking the entropy; for the vague part, after.</details>
# <details><summary>Hint 2</summary>Disagreement is the one minus the other. It is never negative.</details>


# %% tags=["stub"]
def doubts(answers): ...  # return entropy, disagreement


checks.check_5_2(doubts)


# %% tags=["solution"]
def doubts(answers):
    def entropy(p):
        return torch.special.entr(p).sum(-1)

    total = entropy(answers.mean(0))
    return total, total - entropy(answers).mean(0)


checks.check_5_2(doubts)

# %% [markdown]
# Five ways to ask about all letters, known and unknown. The **ensemble** is the rival: several networks, each from a start of
# its own, asked once (dropout off). "Both" gives them masks on top, and shares the `n_asked` answers out among them.


# %%
def members(k):
    return [trained[middle, k, j] for j in range(n_members)]


ways = {
    "once, plain": lambda k: ask_once(trained[plain, k, 0], everything),
    "once": lambda k: ask_once(trained[middle, k, 0], everything),
    "many times": lambda k: ask(trained[middle, k, 0], everything, n_asked),
    "ensemble": lambda k: torch.cat([ask_once(m, everything) for m in members(k)]),
    "both": lambda k: torch.cat([ask(m, everything, n_asked // n_members) for m in members(k)]),
}


# %% tags=["fold"]
# our doubts, in case yours is open; all answers, their two doubts, and which are right
def our_doubts(answers):
    total = torch.special.entr(answers.mean(0)).sum(-1)
    return total, total - torch.special.entr(answers).sum(-1).mean(0)


doubts = doubts if checks.check_5_2(doubts).startswith("passed") else our_doubts
total, disagreement, is_right, averages, many_answers = {}, {}, {}, {}, []
for way, answers_of in ways.items():
    rows = []
    for k in range(n_runs):
        answers = answers_of(k)
        average, true = answers.mean(0), torch.cat([known[1], torch.full((n_letters,), -1, device=device)])
        right = average.argmax(-1) == true
        rows.append([part.cpu() for part in (*map(torch.as_tensor, doubts(answers)), right, average)])
        if way == "many times":
            many_answers.append(answers.cpu())
    total[way], disagreement[way], is_right[way], averages[way] = (torch.stack(column) for column in zip(*rows))

# %% tags=["fold"]
# figure: the answers to a letter that is clear, one that is vague, one that divides the sub-networks
whole, odds = total["many times"][0], disagreement["many times"][0]
edges = everything.diff(dim=3).abs().mean((1, 2, 3)).cpu()
legible = (edges > edges.median())[n_letters:]  # no smears
vague, divided = (torch.where(legible, values[n_letters:], -9).argmax() for values in (whole - 3 * odds, 3 * odds - whole))
chosen = [int(whole[:n_letters].argmin()), n_letters + int(vague), n_letters + int(divided)]
fig, axes = plt.subplots(2, 3, figsize=(8.6, 4.4), height_ratios=[1, 2.2], layout="constrained")
for k, column, label in zip(chosen, axes.T, ("known: clear", "unknown: vague", "unknown: at odds")):
    column[0].imshow(everything[k, 0].cpu(), cmap="gray")
    column[0].set_title(label, fontsize=9, loc="center")
    column[0].axis("off")
    rows = column[1].imshow(many_answers[0][:, k], cmap="cividis", norm=PowerNorm(0.5, 0, 1), aspect="auto")
    column[1].set(xticks=range(10), xticklabels=letters.classes)
    column[1].set_title(f"entropy {whole[k]:.2f} = vague {whole[k] - odds[k]:.2f}\n+ at odds {odds[k]:.2f}", fontsize=9)
    column[1].grid(False)
axes[1, 0].set_ylabel("answer number")
fig.colorbar(rows, ax=axes[1], label="probability", ticks=[0, 0.1, 0.25, 0.5, 1])
show(
    fig,
    alt="Three letters, and below each a map of its answers: rows are answers, columns the letters A to J, bright is probable.",
    reading="A row is an answer, bright is probable. Three extremes, picked among legible letters. Left, all answers agree. "
    f"Middle, they are vague, and alike: {odds[chosen[1]]:.2f} of {whole[chosen[1]]:.2f} nats are disagreement. Right, single "
    f"answers by themselves are vague as well ({whole[chosen[2]] - odds[chosen[2]]:.2f} there, "
    f"{whole[chosen[1]] - odds[chosen[1]]:.2f} in the middle), but speak for different letters: {odds[chosen[2]]:.2f} of "
    f"{whole[chosen[2]]:.2f}.",
)

# %% [markdown]
# ## 4 · Known or unknown?
#
# Draw a known and an unknown letter. How often does the unknown one get the greater doubt? That probability is the **AUROC**:
# 50 % is a coin, 100 % never errs. (Hendrycks and Gimpel, 2017, proposed this test; their baseline is the confidence of one
# answer.)
#
# **Predict.** Who tells unknown letters apart better than one answer does: many masks of the same network, or an ensemble?

# %%
prediction = None  # "masks", "ensemble", "both" or "neither"

# %% tags=["fold"]
# figure: AUROC of unknown against known letters, eight doubts
once = answered_once[middle]
halved = once.sqrt() / once.sqrt().sum(-1, keepdim=True)  # the softmax of half the logits
rows = {
    "trained plainly, one answer: entropy": total["once, plain"],
    "one answer: 1 - confidence": 1 - once.amax(-1).cpu(),
    "one answer: entropy": total["once"],
    "one answer, its logits halved: entropy": torch.special.entr(halved).sum(-1).cpu(),
    f"{n_asked} answers: entropy": total["many times"],
    f"{n_asked} answers: disagreement": disagreement["many times"],
    f"{n_members} networks, once each: entropy": total["ensemble"],
    f"{n_members} networks, {n_asked // n_members} times each: entropy": total["both"],
}
auroc = {label: np.array([roc_auc_score(is_unknown, doubt) for doubt in values]) for label, values in rows.items()}
mean, half = zip(*[mean_and_interval(values)[:2] for values in auroc.values()])
fig, ax = plt.subplots(figsize=(8.6, 3.2))
ax.errorbar(mean, range(len(rows)), xerr=half, fmt="o", capsize=3, label=f"mean and 95 % interval (n = {n_runs})")
ax.axvline(0.5, color="C1", linestyle="--", label="a coin")
alone, plain_confidence, entropy_once, entropy_halved, entropy_many, many, several, both = auroc.values()


def in_points(differences):
    mean, half, _ = mean_and_interval(differences)
    return f"{100 * mean:+.1f} ± {100 * half:.1f}{' (a tie)' if abs(mean) <= half else ''}"


def is_gain(differences):
    mean, half, _ = mean_and_interval(differences)
    return mean > half


ax.set(
    yticks=range(len(rows)),
    yticklabels=rows,
    xlabel=f"AUROC: unknown letters get the greater doubt (p = {middle:g}, but for the first)",
    title=f"Against one answer, in points: {n_asked} answers {in_points(entropy_many - entropy_once)}, "
    f"{n_members} networks {in_points(several - entropy_once)}",
)
ax.set_title(ax.get_title("left"), loc="left", fontsize=9)
ax.invert_yaxis()
ax.xaxis.set_major_locator(MultipleLocator(0.05))
ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend(loc="center left", bbox_to_anchor=(0.05, 0.5))
helps = (is_gain(entropy_many - entropy_once), is_gain(several - entropy_once))
measured = {(True, False): "masks", (False, True): "ensemble", (True, True): "both", (False, False): "neither"}[helps]
one_by_rate = [
    np.mean([roc_auc_score(is_unknown, torch.special.entr(answers).sum(-1).cpu()) for answers in answered_once[p]]) for p in rates
]
deserved = 1 - (1 - is_right["many times"][:, :n_letters].double().mean().item()) / 2
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Eight dots with intervals: AUROC of eight kinds of doubt, against a dashed line at 50 %.",
    reading=f"Better than one answer: {measured}.{yours} (One answer has at most {max(one_by_rate):.1%} at any of the rates.) "
    f"Halving its logits, without masks, brings {in_points(entropy_halved - entropy_once)} points; over that, {n_asked} answers "
    f"bring {in_points(entropy_many - entropy_halved)}. A reader who doubted just what it gets wrong, would have "
    f"{deserved:.0%}: a misread known letter ties with the unknown ones.",
)

# %% tags=["fold"]
# claim 05.2: the same networks, asked many times and once
claims.compare(
    "05.2",
    "Asked many times, the same networks tell these unknown letters apart better than asked once.",
    entropy_many,
    entropy_once,
    names=("AUROC of the entropy asked many times", "asked once"),
    unit="points",
    over="training runs on these letters",
    source="Gal & Ghahramani 2016, arXiv:1506.02142, for the method; Hendrycks & Gimpel 2017, arXiv:1610.02136, for the test",
)

# %% [markdown]
# Another network costs another training; masks come free with the first, and cost answers. How many does it take? (Points
# against the entropy of one answer.)

# %%
for n in sorted({2, 5, 10, 20, n_asked}):
    pairs = [doubts(answers[:n]) for answers in many_answers]
    scores = [[roc_auc_score(is_unknown, doubt) for doubt in pair] for pair in pairs]
    by_entropy, at_odds = np.array(scores).T
    print(f"{n:3} answers: entropy {in_points(by_entropy - entropy_once):20}"
          f"disagreement {in_points(at_odds - entropy_once)}")  # fmt: skip

# %% [markdown]
# A few masks can be worse than none: they only estimate the average.
#
# ## 5 · Do the numbers mean what they say?
#
# Of all answers given with 70 % confidence, 70 % should be right. Then a network is **calibrated** (Guo and others, 2017). The
# *expected calibration error* (ECE) is the average gap between confidence and accuracy, in bins of confidence:


# %%
def ece(probabilities, y, n_bins=15):
    confidence = probabilities.amax(-1)
    surplus = confidence - (probabilities.argmax(-1) == y).to(confidence.dtype)
    bins = (confidence * n_bins).ceil().clamp(1, n_bins)
    gaps = [surplus[bins == b].sum().abs().item() for b in range(1, n_bins + 1)]
    return sum(gaps) / len(y)


# %% [markdown]
# **Predict.** Does asking many times bring confidence closer to accuracy at every dropout rate?

# %%
prediction = None  # "closer", "further" or "depends on the rate"

# %% tags=["fold"]
# figure: confidence against accuracy at the lowest and the highest rate, and ECE at every rate
gentle = rates[1]
probabilities = {}


def ece_of_calibrated(answers):  # what chance leaves of the ECE where confidence is the chance to be right
    is_answer = torch.rand(len(answers), device=device) < answers.amax(-1)
    return ece(answers, torch.where(is_answer, answers.argmax(-1), -1))


for p, k in itertools.product(rates, range(n_runs)):
    probabilities["once", p, k] = ask_once(trained[p, k, 0], known[0])[0]
    if p == plain:  # nothing to drop: all answers are one
        probabilities["many times", p, k] = probabilities["once", p, k]
    elif p == middle:  # asked already
        probabilities["many times", p, k] = averages["many times"][k, :n_letters].to(device)
    else:
        probabilities["many times", p, k] = ask(trained[p, k, 0], known[0], n_asked).mean(0)
errors = {(way, p): np.array([ece(probabilities[way, p, k], known[1]) for k in range(n_runs)])
          for way in ("once", "many times") for p in rates}  # fmt: skip
fig, axes = plt.subplots(1, 3, figsize=(9.4, 3.2))
styles = {"once": ("C0", "-", "o"), "many times": ("C1", "--", "s")}
for ax, p in zip(axes, (gentle, heavy)):
    for way, (color, line, marker) in styles.items():
        pooled = torch.cat([probabilities[way, p, k] for k in range(n_runs)]).cpu()
        sureness, correct = pooled.amax(-1), (pooled.argmax(-1) == known[1].cpu().repeat(n_runs)).double()
        inside = [(sureness > low) & (sureness <= low + 0.1) for low in np.arange(0.1, 1, 0.1)]
        points = [(sureness[rows].mean(), correct[rows].mean()) for rows in inside if rows.sum() >= 20]
        ax.plot(*zip(*points), color=color, linestyle=line, marker=marker, markersize=4, label=f"asked {way}")
    ax.plot([0, 1], [0, 1], color="0.6", linestyle=":")
    ax.set(xlabel="confidence", ylabel="accuracy", title=f"p = {p:g}")
    ax.legend(fontsize=8)
for way, (color, line, marker) in styles.items():
    mean, half = zip(*[mean_and_interval(errors[way, p])[:2] for p in rates])
    label = f"asked {way} (n = {n_runs})"
    axes[2].errorbar(rates, mean, half, color=color, linestyle=line, marker=marker, markersize=4, capsize=2, label=label)
axes[2].set(xlabel="dropout rate p", ylabel="ECE", xticks=rates, title="expected calibration error")
axes[2].yaxis.set_major_locator(MultipleLocator(0.05))
axes[2].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
change = [mean_and_interval(errors["many times", p] - errors["once", p])[:2] for p in rates[1:]]
lower, higher = sum(mean + half < 0 for mean, half in change), sum(mean - half > 0 for mean, half in change)
pattern = "closer" if lower == len(change) else "further" if higher == len(change) else "depends on the rate"
fig.suptitle(
    f"Asking many times lowers the calibration error at {lower} of {len(change)} rates, raises it at {higher}", fontsize=10
)
best = {way: min(rates, key=lambda p: errors[way, p].mean()) for way in styles}
chance = [np.mean([ece_of_calibrated(probabilities["many times", p, k]) for k in range(n_runs)]) for p in rates]
axes[2].plot(rates, chance, color="0.4", linestyle=":", label="what chance alone leaves")
axes[2].legend(fontsize=8)
confident = {(way, p): np.mean([probabilities[way, p, k].amax(-1).mean().item() for k in range(n_runs)])
             for way in styles for p in rates}  # fmt: skip
best_gap = errors["once", best["once"]] - errors["many times", best["many times"]]
softened = [np.mean([ece(answers[:n_letters].sqrt() / answers[:n_letters].sqrt().sum(-1, keepdim=True), known[1])
                     for answers in answered_once[p]]) for p in rates[1:]]  # fmt: skip
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Accuracy against confidence at two dropout rates, and ECE against the rate, each asked once and asked many times.",
    reading=f"Measured: {pattern}.{yours} Below the diagonal a network is too sure, above it too modest. Asked many times it is "
    f"less sure: {confident['many times', gentle]:.0%} on average, not {confident['once', gentle]:.0%}, at p = {gentle:g}; "
    f"{confident['many times', heavy]:.0%}, not {confident['once', heavy]:.0%}, at p = {heavy:g}. One answer with its logits "
    "halved (a *temperature* of 2; Guo and others fit it) has an ECE of "
    + ", ".join(f"{value:.1%}" for value in softened)
    + " at the rates above 0, without masks.",
)

# %% tags=["fold"]
# claims 05.3 and 05.4: calibration at the lowest and at the highest dropout rate
claims.compare(
    "05.3",
    "At the lowest dropout rate above 0, asking many times brings confidence closer to accuracy.",
    errors["once", gentle],
    errors["many times", gentle],
    names=("ECE asked once", "asked many times"),
    unit="points",
    over="training runs on these letters",
)
claims.compare(
    "05.4",
    "At the highest dropout rate, asking many times takes confidence further away from accuracy.",
    errors["many times", heavy],
    errors["once", heavy],
    names=("ECE asked many times", "asked once"),
    unit="points",
    over="training runs on these letters",
)

# %% [markdown]
# An average is never surer than its answers are on average. (The one answer of `eval()` is not among them.) Less confidence
# cures a network that is too sure, and harms one that is not: the rate comes first. One of the method's authors, with others,
# wrote that for calibrated uncertainty "a grid-search over the dropout probabilities is necessary", which large models forbid,
# and learned the rate instead (Gal, Hron & Kendall 2017).
#
# ## 6 · A reader that may say "I don't know"
#
# Let the reader answer only where its doubt is small. The share that it answers is its **coverage**.
#
# ### Exercise 5.3 · Only the surest
#
# Write `surest`: given the doubts, whether each answer is right (booleans), and the coverage, the accuracy among
# the answered letters.
#
# <details><summary>Hint 1</summary>`doubt.argsort()` gives the letters in order, the surest first.</details>
# <details><summary>Hint 2</summary>Coverage 0.25 of 40 letters: the first ten of that order.</details>


# %% tags=["stub"]
def surest(doubt, is_right, coverage): ...  # return the accuracy among the answered ones


checks.check_5_3(surest)


# %% tags=["solution"]
def surest(doubt, is_right, coverage):
    answered = doubt.argsort()[: round(coverage * len(doubt))]
    return is_right[answered].double().mean()


checks.check_5_3(surest)


# %% [markdown]
# Two kinds of post arrive: known letters only, or known and unknown mixed half and half (whoever answers an unknown one is
# wrong). **Predict**: in which of the two does asking many times help?

# %%
prediction = None  # "both", "neither", "known only" or "mixed"


# %% tags=["fold"]
# our surest, in case yours is open; figure: accuracy against coverage, known letters only and mixed post
def our_surest(doubt, is_right, coverage):
    return is_right[doubt.argsort()[: round(coverage * len(doubt))]].double().mean()


surest = surest if checks.check_5_3(surest).startswith("passed") else our_surest
lines = {
    "one answer: entropy": ("once", total, "-"),
    f"{n_asked} answers: entropy": ("many times", total, "--"),
    f"{n_asked} answers: disagreement": ("many times", disagreement, ":"),
    f"{n_members} networks: entropy": ("ensemble", total, "-."),
}
parts, coverages = {"known letters only": n_letters, "mixed with unknown ones": 2 * n_letters}, np.linspace(0.1, 1, 10)
kept = {(label, part): np.array([[float(surest(doubt[way][k][:n], is_right[way][k][:n], c)) for c in (*coverages, 0.5)]
                                 for k in range(n_runs)])
        for label, (way, doubt, _) in lines.items() for part, n in parts.items()}  # fmt: skip
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.3))
for ax, part in zip(axes, parts):
    for label, (*_, style) in lines.items():
        ax.plot(coverages, kept[label, part][:, :10].mean(0), linestyle=style, label=f"{label} (n = {n_runs})")
    ax.set(xlabel="coverage: share of the letters answered", ylabel="accuracy among them", title=part)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
axes[1].legend(fontsize=8)
one, fifty, apart, networks_ = lines
half_known = {label: kept[label, "known letters only"][:, 10] for label in lines}
average, mixed = ({label: kept[label, part][:, :10].mean(1) for label in lines} for part in parts)
gains = {"known only": average[fifty] - average[one], "mixed": mixed[fifty] - mixed[one]}
known_gain, mixed_gain = map(in_points, gains.values())
fig.suptitle(f"{n_asked} answers against one, all coverages: known {known_gain}, mixed {mixed_gain} points", fontsize=10)
helped = [post for post in gains if is_gain(gains[post])]
measured = helped[0] if len(helped) == 1 else "both" if helped else "neither"
at_seventy = kept[fifty, "known letters only"][:, 6] - kept[one, "known letters only"][:, 6]
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Accuracy among the answered letters falls as coverage rises, four curves; left for known letters, right for mixed post.",
    reading=f"Asking many times helps: {measured}.{yours} Of its surest half of the known letters the network reads "
    f"{half_known[one].mean():.1%} asked once, {half_known[fifty].mean():.1%} asked many times. At 70 % coverage the "
    f"difference is {in_points(at_seventy)} points.",
)

# %% tags=["fold"]
# claims 05.5 and 05.6: the known letters, asked once and many times; which doubt finds misread letters
claims.compare(
    "05.5",
    "On known letters alone, one answer is as good: averaged over all coverages, asking many times does not gain a point.",
    average[one],
    average[fifty],
    margin=-0.01,
    names=("right, asked once", "asked many times"),
    unit="points",
    over="training runs on these letters",
)
misread = {
    label: np.array([roc_auc_score(~right[:n_letters], doubt[:n_letters]) for right, doubt in zip(is_right[way], values[way])])
    for label, (way, values, _) in lines.items()
}
claims.compare(
    "05.6",
    "Its own misreadings a network finds better by the entropy of its many answers than by their disagreement.",
    misread[fifty],
    misread[apart],
    names=("AUROC of the entropy", "of the disagreement"),
    unit="points",
    over="training runs on these letters",
)
print(f"To find unknown letters: disagreement against entropy of the same answers, in points: {in_points(many - entropy_many)}.")

# %% [markdown]
# "Do I misread this?" is a question for the entropy: a letter between C and G can be vague without any quarrel, and one answer
# may say so as well. "Have I met such a thing?" is what disagreement is meant for; what it gains there over entropy, the line
# above says. Osband (2016) warns that the spread of masks may be *risk* in a given network rather than *uncertainty* about
# which network is right. Ovadia and others (2019) compare such methods when data shift.
#
# ## What to take along
#
# What is it worth, and where would one answer have done?

# %% tags=["fold"]
# all questions of this lesson, and who wins: many answers, and an ensemble, against one answer
by_mean = {
    way: np.array([ece(p[:n_letters], known[1].cpu()) for p in averages[way]]) for way in ("once", "many times", "ensemble")
}
questions = {
    "Is this letter unknown? (AUROC)": (entropy_many - entropy_once, several - entropy_once),
    "Do I misread it? (AUROC)": (misread[fifty] - misread[one], misread[networks_] - misread[one]),
    "Known letters, the surest (accuracy)": (average[fifty] - average[one], average[networks_] - average[one]),
    "Known and unknown mixed (accuracy)": (mixed[fifty] - mixed[one], mixed[networks_] - mixed[one]),
    f"Calibration at p = {middle:g} (less ECE)": [by_mean["once"] - by_mean[way] for way in ("many times", "ensemble")],
    "Calibration, each at its best rate": (best_gap,),
}
print(f"{'points better than one answer':40}{f'{n_asked} answers':22}{n_members} networks, once each")
for question, differences in questions.items():
    print(f"{question:40}" + "".join(f"{in_points(values):22}" for values in differences))
of_k_many, of_known = (averages["many times"][:, rows].amax(-1).mean().item() for rows in
                       (n_letters + is_k.nonzero()[:, 0].cpu(), slice(n_letters)))  # fmt: skip
print(f"\nAnd the K? Plainly trained, {of_k.mean():.0%} sure. With p = {middle:g}, asked many times, {of_k_many:.0%}, ", end="")
print(f"where known letters get {of_known:.0%}.")
print(f"Can dropout tell? A known and an unknown letter are put in order {100 * entropy_many.mean():.0f} times of 100 by "
      f"{n_asked} answers, {100 * entropy_once.mean():.0f} by one, 50 by a coin.")  # fmt: skip

# %% [markdown]
# * A network must answer; confidence on things it never saw means little.
# * Wake the `nn.Dropout` modules, and nothing else.
# * Entropy of the average = vagueness + disagreement.
# * Can dropout tell when it does not know? How often, and how much more often than one answer can, says the last line. Many
#   masks pay for some questions and not for others: the table says which, for this network at this rate.
#
# **On your own model:** `answers = ask(network, x, 50)`, `doubts(answers)` on things it must not know, and look at one number:
# the AUROC against that of the entropy of one answer.
#
# **References.** Gal & Ghahramani 2016, [arXiv:1506.02142](https://arxiv.org/abs/1506.02142) ·
# Gal, Hron & Kendall 2017, [arXiv:1705.07832](https://arxiv.org/abs/1705.07832) ·
# Lakshminarayanan et al. 2017, [arXiv:1612.01474](https://arxiv.org/abs/1612.01474) ·
# Hendrycks & Gimpel 2017, [arXiv:1610.02136](https://arxiv.org/abs/1610.02136) ·
# Guo et al. 2017, [arXiv:1706.04599](https://arxiv.org/abs/1706.04599) ·
# Ovadia et al. 2019, [arXiv:1906.02530](https://arxiv.org/abs/1906.02530) ·
# Osband 2016, *Risk versus uncertainty in deep learning*, NIPS workshop
#
# **Next:** [06 · L1 and sparsity](06_l1_sparsity.ipynb).

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
claims.table()
metrics = {"sure_of_unknown": sure[plain], "auroc_once": entropy_once.mean(), "auroc_many": entropy_many.mean()}
metrics |= {"auroc_ensemble": several.mean(), "half_known": half_known[fifty].mean()}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (40).** 4 hook and prediction 1 · 9 exercise 5.1, in pairs, and the trap (vote first) · 7 exercise 5.2 and the
# three letters · 5 known or unknown · 6 calibration · 6 exercise 5.3 and the two kinds of post · 3 wrap-up. **When short:**
# exercise 5.3 is homework, section 5 a demonstration.
# **Ask before running:** could a network without dropout layers be asked this way? What would disagreement be with p = 0?
# **Expect:** "`model.train()` is enough"; "entropy and disagreement are the same"; "more masks make it surer" (they make the
# average steadier).
