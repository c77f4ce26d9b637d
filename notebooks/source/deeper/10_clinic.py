# %% [markdown]
# # Deep dive 10 · The clinic
#
# **Something is wrong with this network. What?**
#
# Twelve networks learned to read letters, and each comes with its chart: accuracy on training pictures (dashed) and on
# validation pictures (solid), as its owner's own code printed it. Ten owners made a mistake, most in a single line. Two did
# everything right. You are the doctor on duty.
#
# *{minutes} minutes. You need lessons 03, 04, 07 and 10.*

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw
n_runs: int = 6  # [3, 32] clinics: each trains every patient anew, on other pictures
n_train: int = 300  # [50, 600] training pictures of a patient
n_val: int = 400  # [52, 1000] validation pictures
width: int = 64  # [8, 512] hidden units in each of two layers
epochs: int = 12  # [2, 100] passes over four copies of each training picture
lr: float = 1e-3  # (0, 0.01] learning rate of the healthy
leaked: float = 0.3  # [0.05, 0.5] share of the validation pictures that one owner also trained on
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports and pictures; and how the patients were made (no peeking before section 4)
import copy
from types import SimpleNamespace

import numpy as np
import torch
from matplotlib import pyplot as plt
from torch import nn
from torch.nn import functional

from course_utils.checks.deeper import d10_clinic as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.dropout import Dropout
from course_utils.figures import show, use_course_style
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import fit

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("10.clinic")
torch.manual_seed(seed)
letters = load("letters", n_train=8 * n_train, n_val=n_val + 1000, n_test=10, seed=seed, device=device)


def shrunk(x):
    x = functional.adaptive_avg_pool2d(x.mean(1, keepdim=True), 16)
    return (x - x.mean((1, 2, 3), keepdim=True)) / x.std((1, 2, 3), keepdim=True).clamp_min(1e-3)


n_val -= n_val % 4  # BatchNorm cannot read a single one, left over from batches of four
(pool_x, pool_y), (x, y) = ((shrunk(x), y) for x, y in (letters.train, letters.val))
val, fresh = (x[:n_val], y[:n_val]), (x[n_val:], y[n_val:])


def turned(x):
    """The pictures, turned, moved and zoomed at random, as in lesson 10."""
    u = 2 * torch.rand(4, len(x), device=x.device) - 1
    angle, zoom, right, down = 0.3 * u[0], 1 + 0.2 * u[1], 0.25 * u[2], 0.25 * u[3]
    first = torch.stack([zoom * angle.cos(), -zoom * angle.sin(), right], 1)
    second = torch.stack([zoom * angle.sin(), zoom * angle.cos(), down], 1)
    places = functional.affine_grid(torch.stack([first, second], 1), x.shape, align_corners=False)
    return functional.grid_sample(x, places, padding_mode="border", align_corners=False)


def build(illness, width):
    norm = [nn.BatchNorm1d(width)] if illness == "batchnorm on" else []
    drop = [Dropout(0.5)] if illness == "dropout on" else []
    last = {"softmax": [nn.Softmax(-1)], "output": [Dropout(0.5)]}.get(illness, [])
    layers = [nn.Linear(256, width), *norm, nn.ReLU(), *drop, nn.Linear(width, width), *norm, nn.ReLU(), *drop]
    return nn.Sequential(nn.Flatten(), *map(copy.deepcopy, layers), nn.Linear(width, 10), *last)


def n_leaked(leaked):
    return min(round(leaked * n_val), n_train - 1)


def sick_run(illness, number, width, lr, leaked):
    """What a patient trains with (as the healthy one does, if its illness is one of the measuring), and its pictures."""
    draw = torch.Generator().manual_seed(number)
    mine = torch.randperm(len(pool_x), generator=draw)[: 4 * n_train if illness == "more" else n_train]
    x, y = pool_x[mine], pool_y[mine]
    if illness == "leak":  # the copies were stored with fewer digits
        n = n_leaked(leaked)
        x, y = torch.cat([x[n:], (val[0][:n] * 40).round() / 40]), torch.cat([y[n:], val[1][:n]])
    if illness == "shuffled":
        y = y[torch.randperm(n_train, generator=draw).to(device)]
    chart = {"scale": (0.25 * val[0] + 0.5, val[1]), "augmented": (turned(val[0]), val[1])}.get(illness, val)
    optimizer = torch.optim.Adam if illness == "adam" else torch.optim.AdamW
    run = {"illness": illness, "width": width, "seed": number, "lr": lr / 100 if illness == "lr" else lr}
    run |= {"optimizer": optimizer, "weight_decay": {"adam": 0.1, "adamw": 0.1, "decay": 10.0}.get(illness, 0.0)}
    copies = 4 * n_train // len(x)
    return run | {"train": (x.repeat(copies, 1, 1, 1), y.repeat(copies)), "val": chart}, (x, y)


def patient_of(run, train, network, chart):
    torch.manual_seed(run["seed"])
    start, illness = build(run["illness"], run["width"]).to(device), run["illness"]
    pictures = {"scale": lambda: run["val"], "augmented": lambda: (turned(val[0]), val[1])}.get(illness, lambda: val)
    return SimpleNamespace(illness=illness, network=network, start=start, train=train, val=pictures, chart=np.array(chart))


def forgetful(run, train):
    """Train a network whose owner never calls eval(), and reads BatchNorm's validation pictures by four."""
    illness = run["illness"]
    torch.manual_seed(run["seed"])
    network, printed = build(run["illness"], run["width"]).to(device), []
    optimizer = torch.optim.AdamW(network.parameters(), lr=run["lr"], weight_decay=0.0)

    @torch.no_grad()
    def read(network, row):
        network.train()
        printed.append([])
        for x, y in (train, val):
            answer = torch.cat([network(part).argmax(1) for part in x.split(4 if "norm" in illness and x is val[0] else len(x))])
            printed[-1].append((answer == y).float().mean().item())

    fit(network, run["train"], val, optimizer, epochs=epochs, seed=run["seed"], callbacks=[read], progress=False)
    return network.train(), printed


def hospital(first, **how):
    """Of each clinic {illness: patient}, all of them trained as `how` says, with the random numbers from `first` on."""
    clinics = [{} for _ in range(n_runs)]
    illnesses = ["healthy", "more", "leak", "scale", "augmented", "shuffled", "softmax", "adam", "adamw", "decay", "lr", "output"]
    made = [sick_run(illness, first + k, **how) for illness in illnesses for k in range(n_runs)]
    history, networks = train_runs(build, val, val, [run for run, _ in made], epochs=epochs)
    charts = [part[["train_accuracy", "val_accuracy"]] for _, part in history.groupby("run")]
    for (run, train), network, chart in zip(made, networks, charts):
        clinics[run["seed"] - first][run["illness"]] = patient_of(run, train, network.eval(), chart)
    for illness in ("dropout on", "batchnorm on"):
        for k in range(n_runs):
            run, train = sick_run(illness, first + k, **how)
            clinics[k][illness] = patient_of(run, train, *forgetful(run, train))
    return clinics


clinics = hospital(1000 * seed, width=width, lr=lr, leaked=leaked)
cured_adam, decayed = ([clinic.pop(name) for clinic in clinics] for name in ("adamw", "decay"))
truth = {"more": "healthy"}  # all others are called as they were made
order = np.random.default_rng(seed).permutation(list(clinics[0]))
patients = {letter: clinics[0][illness] for letter, illness in zip("ABCDEFGHIJKL", order)}

# %% tags=["fold"]
# the situation: twelve charts
fig, axes = plt.subplots(3, 4, figsize=(9, 5.4), sharex=True, sharey=True)
for ax, (letter, p) in zip(axes.flat, patients.items()):
    for column, style in enumerate(("--", "-")):
        ax.plot(range(1, epochs + 1), 100 * p.chart[:, column], style, color=f"C{column}")
    ax.set_title(f"{letter}: {p.chart[-1, 0]:.0%}, {p.chart[-1, 1]:.0%}", fontsize=10)
    ax.axhline(10, color="0.7", linestyle=":", linewidth=1)
fig.supxlabel("epoch", fontsize=10)
fig.supylabel("letters read right (%)", fontsize=10)
fig.suptitle("Twelve patients, as their owners saw them: training (dashed), validation (solid)", fontsize=11)
show(
    fig,
    alt="Twelve small charts named A to L: accuracy in training, dashed, and in validation, solid, against the epoch.",
    reading="At the end, training and validation: "
    + "; ".join(f"{letter} {p.chart[-1, 0]:.0%} and {p.chart[-1, 1]:.0%}" for letter, p in patients.items())
    + ". Dotted: guessing.",
)

# %% [markdown]
# One of each, but for the healthy, who are two:
#
# | name | what the owner did |
# | --- | --- |
# | `healthy` | nothing wrong; one of the two had four times as many pictures to learn from |
# | `dropout on` | never called `model.eval()`; the network has dropout |
# | `batchnorm on` | the same with BatchNorm, validation pictures in batches of four |
# | `augmented` | turned and moved the validation pictures as well |
# | `scale` | forgot to scale the validation pictures like the training pictures |
# | `shuffled` | shuffled the training pictures, but not their labels |
# | `softmax` | put `nn.Softmax` before `cross_entropy`, which has one inside |
# | `output` | put dropout behind the last layer, too |
# | `lr` | typed a learning rate a hundred times too small |
# | `adam` | `Adam(weight_decay=0.1)`: a value for AdamW, as an L2 penalty in Adam (lesson 03) |
# | `leak` | some validation pictures are among the training pictures |
#
# ## 1 · From the charts
#
# **Predict.** Name as many as you dare.

# %%
prediction = None  # such as {"A": "scale", "B": "healthy"}

# %% [markdown]
# ## 2 · The laboratory
#
# A chart is the sum of everything that happened. A *measurement* asks one question. Ours are nine: which share of the answers
# changes when the same pictures are read **again**, or in the **company** of three others instead of all; whether fetching the
# **pictures** twice gives the same pixels; their **spread** in units of the training pictures' spread; how often a training
# picture's nearest **neighbour** bears the same label; how far the ten outputs' **sums** are from 1; how many outputs are exactly
# **zero** in train mode; how far the weights **moved** from their start, and their **size**, in units of the start's length.


# %%
@torch.no_grad()
def answers(network, x, size=10_000):  # in the mode in which the owner left it
    return torch.cat([network(part).argmax(1) for part in x.split(size)])


def share(is_so):
    return is_so.float().mean().item()


def weights(network):
    return torch.cat([w.detach().flatten() for w in network.parameters() if w.ndim > 1])


# %%
@torch.no_grad()
def examine(p):
    network, (x, _), (refetched, _) = p.network, p.val(), p.val()
    train_x, labels = p.train
    flat = train_x.flatten(1)
    nearest = torch.cdist(flat, flat).fill_diagonal_(torch.inf).argmin(1)
    start, end = weights(p.start), weights(network)
    return {
        "again": share(answers(network, x) != answers(network, x)),
        "company": share(answers(network, x) != answers(network, x, size=4)),
        "pictures": share(x != refetched),
        "spread": (x.std() / train_x.std()).item(),
        "neighbours": share(labels == labels[nearest]),
        "sums": (network(x).sum(1) - 1).abs().mean().item(),
        "zeros": share(copy.deepcopy(network).train()(x) == 0),
        "moved": ((end - start).norm() / start.norm()).item(),
        "size": (end.norm() / start.norm()).item(),
    }


# %% [markdown]
# Two networks known to be healthy, from another day; the second had four times the pictures:

# %%
known = examine(clinics[1]["healthy"]), examine(clinics[1]["more"])
for name in known[0]:
    print(f"{name:12}{known[0][name]:8.3f}{known[1][name]:8.3f}")

# %% [markdown]
# ### Exercise 1 · Diagnose
#
# Write `diagnose(signs)`: such a dict goes in, a name of the table comes out. (Leave out `leak`, which gets a test of its own.)
# Ask of each mistake: *which number must it move?*
#
# <details><summary>Hint 1</summary>A chain of <code>if signs["again"] &gt; 0.1: return "dropout on"</code>, each with one sign,
# and at its end <code>return "healthy"</code>.</details>
# <details><summary>Hint 2</summary>Order matters twice: dropout changes answers in other company, too; and turned pictures
# have a slightly smaller spread.</details>
# <details><summary>Hint 3</summary>Shuffled labels agree with a neighbour as often as one in ten. An L2 penalty
# makes the weights shorter than they started; a tiny learning rate leaves them where they are.</details>


# %% tags=["stub"]
def diagnose(signs): ...


checks.check_1(diagnose)


# %% tags=["solution"]
def diagnose(signs):
    if signs["again"] > 0.1:
        return "dropout on"
    if signs["company"] > 0.1:
        return "batchnorm on"
    if signs["pictures"] > 0.1:
        return "augmented"
    if signs["spread"] < 0.8:
        return "scale"
    if signs["neighbours"] < 0.25:
        return "shuffled"
    if signs["sums"] < 1e-3:
        return "softmax"
    if signs["zeros"] > 0.05:
        return "output"
    if signs["moved"] < 0.2:
        return "lr"
    return "adam" if signs["size"] < 0.95 else "healthy"


checks.check_1(diagnose)


# %% tags=["fold"]
# ours, in case yours is open; the sheets of all twelve patients, and what they were diagnosed with
RULES = {
    "dropout on": ("again", lambda value: value > 0.1),
    "batchnorm on": ("company", lambda value: value > 0.1),
    "augmented": ("pictures", lambda value: value > 0.1),
    "scale": ("spread", lambda value: value < 0.8),
    "shuffled": ("neighbours", lambda value: value < 0.25),
    "softmax": ("sums", lambda value: value < 1e-3),
    "output": ("zeros", lambda value: value > 0.05),
    "lr": ("moved", lambda value: value < 0.2),
    "adam": ("size", lambda value: value < 0.95),
}


def our_diagnosis(signs):
    return next((name for name, (sign, is_ill) in RULES.items() if is_ill(signs[sign])), "healthy")


is_yours = checks.check_1(diagnose).startswith("passed")
doctor = (lambda signs: diagnose(signs).strip().lower()) if is_yours else our_diagnosis
sheets = {letter: examine(p) for letter, p in patients.items()}
diagnoses = {letter: doctor(signs) for letter, signs in sheets.items()}
places = sorted(patients, key=lambda letter: [*RULES, "healthy"].index(diagnoses[letter]))
fig, ax = plt.subplots(figsize=(9, 4.6))
ax.imshow([[RULES[name][1](sheets[letter][sign]) for name, (sign, _) in RULES.items()] for letter in places], cmap="Oranges",
          vmin=0, vmax=1.8, aspect="auto")  # fmt: skip
for row, letter in enumerate(places):
    for column, (sign, _) in enumerate(RULES.values()):
        ax.text(column, row, f"{sheets[letter][sign]:.2f}", ha="center", va="center", fontsize=9)
ax.set(xticks=range(9), yticks=range(12), yticklabels=[f"{letter}: {diagnoses[letter]}" for letter in places])
ax.set_xticklabels([sign for sign, _ in RULES.values()])
ax.tick_params(axis="x", labeltop=True, labelbottom=False, length=0)
ax.grid(False)
n_healthy = list(diagnoses.values()).count("healthy")
ax.set_title(f"Nine measurements of twelve patients; {n_healthy} go home as healthy")
show(
    fig,
    alt="A table, a row a patient and a column a measurement, with the diagnosis beside each row; numbers out of the "
    "ordinary are on orange.",
    reading=f"Diagnosed by {'your' if is_yours else 'our'} rules: "
    + "; ".join(f"{letter} {name}" for letter, name in diagnoses.items())
    + ". On orange is what our rules find out of the ordinary.",
)

# %% [markdown]
# The files are opened, but for those who go home:

# %% tags=["fold"]
# what the nine were made as, and how the predictions fared
made = {letter: truth.get(p.illness, p.illness) for letter, p in patients.items()}
opened = [letter for letter in places if diagnoses[letter] != "healthy"]
print("made as:", ", ".join(f"{letter} {made[letter]}" for letter in opened))
print(f"the laboratory is right on {sum(diagnoses[a] == made[a] for a in opened)} of {len(opened)}")
from_charts = prediction or {}


def score_charts(letters):
    for letter in letters:
        if letter in from_charts:
            print(f"you: {letter} {from_charts[letter]}", "- right" if from_charts[letter] == made[letter] else "- not this one")


score_charts(opened)
ends = {letter: p.chart[-1] for letter, p in patients.items()}
groups = {
    "neither line leaves guessing": [a for a in ends if max(ends[a]) < 0.2],
    "training is learned, validation is guessed": [a for a in ends if ends[a][0] >= 0.2 and ends[a][1] < 0.15],
    "training is not learned in full": [a for a in ends if 0.2 <= ends[a][0] < 0.99 and ends[a][1] >= 0.15],
    "training in full, validation between": [a for a in ends if ends[a][0] >= 0.99 and ends[a][1] >= 0.15],
}
print("\nBack to the charts. What they say for themselves:")
for label, members in groups.items():
    named = [f"{letter} {made[letter] if letter in opened else 'sealed'}" for letter in members]
    print(f"  {label}: {', '.join(named) or 'nobody'}")

# %% [markdown]
# ## 3 · Home as healthy
#
# One of those who go home should not. No sign of the nine is out of order: the network is well, the pictures are well. They are
# only not *new*.
#
# ### Exercise 2 · Twins
#
# `train` and `val` are pictures (n, 1, height, width). Which share of the validation pictures has a training picture nearer than
# `near`? Nearer, not equal: these copies were stored with fewer digits. Distance is the root of the sum of squared differences.
#
# <details><summary>Hint 1</summary><code>torch.cdist(a.flatten(1), b.flatten(1))</code> gives all distances.</details>
# <details><summary>Hint 2</summary>The smallest of each validation picture: <code>.min(1).values</code>.</details>


# %% tags=["stub"]
def twins(train, val, near): ...


checks.check_2(twins)


# %% tags=["solution"]
def twins(train, val, near):
    nearest = torch.cdist(val.flatten(1), train.flatten(1)).min(1).values
    return (nearest < near).float().mean().item()


checks.check_2(twins)


# %% tags=["fold"]
# ours, in case yours is open; the twins of those who went home as healthy; figure
def our_twins(train, val, near):
    return share(torch.cdist(val.flatten(1), train.flatten(1)).min(1).values < near)


is_yours = checks.check_2(twins).startswith("passed")
shared = twins if is_yours else our_twins
home = [letter for letter in places if diagnoses[letter] == "healthy"] or places[-1:]
counted = {letter: float(shared(patients[letter].train[0], val[0], 0.5)) for letter in home}
suspect = max(counted, key=counted.get)
fig, axes = plt.subplots(2, 1, figsize=(8.6, 2.2))
distance, nearest = torch.cdist(val[0].flatten(1), patients[suspect].train[0].flatten(1)).min(1)
by_distance = distance.argsort()
shown = by_distance[torch.linspace(0, n_val - 1, 14).long()]
for ax, pictures, label in (
    (axes[0], val[0][shown], "validation"),
    (axes[1], patients[suspect].train[0][nearest[shown]], "nearest"),
):
    ax.imshow(torch.cat([functional.pad(x[0], (1, 1), value=3.0) for x in pictures], 1).cpu(), cmap="gray", vmin=-3, vmax=3)
    ax.set(xticks=[9 + 18 * k for k in range(14)], yticks=[], xticklabels=[])
    ax.set_ylabel(label, fontsize=9)
    ax.tick_params(length=0)
    ax.grid(False)
axes[1].set_xticklabels([f"{d:.1f}" for d in distance[shown].tolist()], fontsize=8)
axes[1].set_xlabel("distance to the nearest training picture")
twin_distance = distance[distance < 0.5].amax().item() if (distance < 0.5).any() else 0.0
fig.suptitle(f"{suspect}: {counted[suspect]:.0%} of its validation pictures have a twin in training", fontsize=11)
show(
    fig,
    alt="Upper row: validation pictures; lower row: the training picture that is nearest to each, with the distance.",
    reading="Share of validation pictures with a twin: "
    + ", ".join(f"{a} {value:.0%}" for a, value in counted.items())
    + ". Made as: "
    + ", ".join(f"{letter} {made[letter]}" for letter in home)
    + f". We call a twin what is nearer than 0.5: those of {suspect} lie within {twin_distance:.1f}, all others at "
    f"{distance[distance >= 0.5].amin():.1f} or more.",
)
score_charts(home)


# %% tags=["fold"]
# claim 10.clinic.1: charts and accuracy on new pictures, of the leak and of the honest
@torch.no_grad()
def accuracy(p, part=fresh):
    """Read properly: in eval mode, pictures as they are."""
    return share(copy.deepcopy(p.network).eval()(part[0]).argmax(1) == part[1])


def of_all(illness, measure, some=None):
    return np.array([measure(clinic[illness]) for clinic in some or clinics])


for illness, label in (("healthy", "honest"), ("leak", "leak"), ("more", "honest, four times the pictures")):
    reported, real = of_all(illness, lambda p: p.chart[-1, 1]), of_all(illness, accuracy)
    print(f"{label:32} chart {reported.mean():.1%}, pictures nobody has seen {real.mean():.1%}   (mean of {n_runs})")
print("(Whether the validation pictures are a little harder than the new ones moves all three rows alike.)")
claims.compare(
    "10.clinic.1",
    "The chart of a leak promises more, beyond what new pictures give, than the chart of an honest network with more pictures.",
    of_all("leak", lambda p: p.chart[-1, 1] - accuracy(p)),
    of_all("more", lambda p: p.chart[-1, 1] - accuracy(p)),
    margin=0.05,
    names=("leak: chart minus new", "honest: chart minus new"),
    unit="points",
    over="runs, on other training pictures each",
)

# %% [markdown]
# So ask of every pleasant surprise: *were these pictures new?* It happens to the best: 3.3 % of CIFAR-10's test images, and 10 %
# of CIFAR-100's, have near-duplicates in training (Barz and Denzler 2020).
#
# ## 4 · What a chart can tell
#
# Was the laboratory needed? An old doctor has an **archive**: the charts of all patients she ever saw, with their diagnoses. She
# names each new patient after the nearest chart. Try her at home, on charts she has not seen; then at *another hospital*, where
# networks have half the width, learn three times as fast, and half as many pictures leak. (The laboratory keeps its
# thresholds.)
#
# **Predict.** How many of twelve does she name right at home, how many elsewhere? And the laboratory?

# %%
prediction = None  # such as (11, 9, 12): at home, elsewhere, laboratory elsewhere

# %%
elsewhere = hospital(1000 * seed + 500, width=max(4, width // 2), lr=3 * lr, leaked=leaked / 2)


# %%
def by_laboratory(p):
    name = doctor(examine(p))
    is_leak = name == "healthy" and shared(p.train[0], val[0], 0.5) > 0.005
    return "leak" if is_leak else name


# %% tags=["fold"]
# who names how many, by charts (as they are, or relative to a healthy one) and by the laboratory; claim 10.clinic.2
def by_chart(p, clinic, archive, is_fair):
    def shape(case, its_clinic):  # fair: what is different from a healthy chart of the same hospital
        return case.chart - is_fair * its_clinic["healthy"].chart

    cases = [(case, shape(case, other)) for other in archive for case in other.values()]
    mine = shape(p, clinic)
    nearest, _ = min(cases, key=lambda pair: np.square(pair[1] - mine).sum())
    return truth.get(nearest.illness, nearest.illness)


for clinic in elsewhere:
    del clinic["adamw"], clinic["decay"]
others = [clinics[:k] + clinics[k + 1 :] for k in range(n_runs)]


def score(clinic, name):
    return np.mean([name(p) == truth.get(p.illness, p.illness) for p in clinic.values()])


def scores_by_chart(is_fair):
    home = [score(c, lambda p, c=c, k=k: by_chart(p, c, others[k], is_fair)) for k, c in enumerate(clinics)]
    return np.array(home), np.array([score(c, lambda p, c=c: by_chart(p, c, clinics, is_fair)) for c in elsewhere])


at_home, abroad = scores_by_chart(False)
fair_home, fair_abroad = scores_by_chart(True)
lab_home, lab_abroad = (np.array([score(clinic, by_laboratory) for clinic in some]) for some in (clinics, elsewhere))
print(f"of 12, mean of {n_runs}:                          at home  elsewhere")
for label, home, abroad_ in (
    ("nearest chart in the archive", at_home, abroad),
    ("the same, relative to a healthy one", fair_home, fair_abroad),
    ("laboratory", lab_home, lab_abroad),
):
    print(f"{label:40} {12 * home.mean():7.1f} {12 * abroad_.mean():10.1f}")
print("elsewhere, by the nearest chart:")
for illness in elsewhere[0]:
    names = [by_chart(clinic[illness], clinic, clinics, False) for clinic in elsewhere]
    often = max(names, key=names.count)
    if often != truth.get(illness, illness):
        label = {"more": "healthy (four times the pictures)"}.get(illness, illness)
        print(f"  {label} is called {often} {names.count(often)} times of {n_runs}")
calls = [by_laboratory(p) for p in decayed]
often = max(calls, key=calls.count)
new, usual = np.mean([accuracy(p) for p in decayed]), of_all("healthy", accuracy).mean()
print(
    f"\nTrained without a mistake, by AdamW with weight decay 10, a network reads {new:.1%} of the new pictures (0: {usual:.1%})."
)
print(f"The laboratory calls it {often}, {calls.count(often)} times of {n_runs}.")
if prediction is not None:
    print(f"You said: {prediction}.")
claims.compare(
    "10.clinic.2",
    "At another hospital the laboratory names more patients right than the nearest chart does, read in the better of two ways.",
    lab_abroad,
    max((abroad, fair_abroad), key=np.mean),
    names=("laboratory", "nearest chart"),
    unit="points",
    over="clinics of twelve patients in one other hospital",
)

# %% [markdown]
# A chart is a fingerprint: whoever has seen the very same set-up go wrong recognizes it. Most measurements travel anywhere,
# because the mistake *must* move them: dropout answers twice differently at any width. But `spread`, `moved` and `size` only know
# what is *usual*: see what the laboratory calls a network without a mistake, in the last printed lines.
#
# ## 5 · The patient, or the thermometer?
#
# For some of the ten one line of the *measuring* was wrong: repair the thermometer, and the number changes at once. For others
# the network is ill, and must train again.
#
# **Predict.** Which of the ten need only a new reading? And which retraining gains *nothing*?

# %%
prediction = None  # such as (["scale", "augmented"], ["output"])


# %% tags=["fold"]
# proper readings and cures; figure: what each of the two changes; claims 10.clinic.3 and 10.clinic.4
@torch.no_grad()
def recounted(p):
    """The patient with BatchNorm's running averages taken anew, from its training pictures."""
    network = copy.deepcopy(p.network)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.reset_running_stats()
            layer.momentum = None
    network.train()(p.train[0])
    return SimpleNamespace(network=network)


def properly(p):  # eval mode, right pictures, none that was in training, averages that validation pictures did not write
    n = n_leaked(leaked) if p.illness == "leak" else 0
    return accuracy(recounted(p) if p.illness == "batchnorm on" else p, (val[0][n:], val[1][n:]))


ill = [*RULES, "leak"]
of_measuring = ["dropout on", "batchnorm on", "augmented", "scale", "leak"]
owners = {name: of_all(name, lambda p: p.chart[-1, 1]) for name in ill}
read = {name: of_all(name, properly) for name in ill}
healthy = of_all("healthy", properly)
retrained = {name: of_all("", properly, [{"": p} for p in cured_adam]) if name == "adam" else healthy for name in ill}
steps = {name: read[name] - owners[name] if name in of_measuring else retrained[name] - read[name] for name in ill}
fig, axes = plt.subplots(1, 2, figsize=(8.8, 3.8), sharey=True)
for row, name in enumerate(ill):
    m, half, _ = mean_and_interval(100 * steps[name])
    colour = "C2" if m > half else "C1" if m < -half else "0.5"
    axes[int(name not in of_measuring)].errorbar(m, row, xerr=half, fmt="o", color=colour, capsize=3)
for ax, title in zip(axes, ("read again, the same network", "trained again, without the mistake")):
    ax.axvline(0, color="k", linewidth=0.8, linestyle="-")
    ax.set_title(title, fontsize=10)
    ax.set_xlabel(f"points gained (95 %, n = {n_runs} runs)")
axes[0].set(yticks=range(len(ill)), yticklabels=ill, ylim=(len(ill) - 0.5, -0.5))
leak = 100 * steps["leak"].mean()
fig.suptitle(f"{len(of_measuring)} of {len(ill)} need only a new reading; the leak's changes by {leak:+.0f} points", fontsize=11)
show(
    fig,
    alt="For each illness the points that its cure gains, with intervals: left those whose network is only read again, right "
    "those that train again.",
    reading="Gained by reading again: "
    + ", ".join(f"{name} {100 * steps[name].mean():+.1f}" for name in of_measuring)
    + "; by training again: "
    + ", ".join(f"{name} {100 * steps[name].mean():+.1f}" for name in ill if name not in of_measuring)
    + ". Green: the interval lies above 0; orange: below; grey: it contains 0."
    + (f" You said {prediction}." if prediction is not None else ""),
)
print("the BatchNorm patients, in eval mode, with the averages as they were left:", end=" ")
print(f"{of_all('batchnorm on', lambda p: accuracy(p, val)).mean():.1%}, taken anew: {read['batchnorm on'].mean():.1%}")
by_size = {
    size: of_all("batchnorm on", lambda p, size=size: share(answers(copy.deepcopy(p.network), val[0], size) == val[1])).mean()
    for size in (4, 16, 64, n_val)
}
print("in train mode, by batches of", "; ".join(f"{size}: {right:.1%}" for size, right in by_size.items()))
least = min(of_measuring[:4], key=lambda name: steps[name].mean())
claims.compare(
    "10.clinic.3",
    "Mistakes of measuring (BatchNorm's by fours) hide more than five points that the same network has, in all four cases.",
    read[least],
    owners[least],
    margin=0.05,
    names=(f"read properly ({least}, the least of the four)", "as its owner read it"),
    unit="points",
    over="runs, on other training pictures each",
    source="lecture notes: “Forgetting model.eval() during validation”",
)
claims.same(
    "10.clinic.4",
    "Dropout behind the last layer neither gains nor costs three points of accuracy here.",
    read["output"],
    retrained["output"],
    margin=0.03,
    names=("with the mistake", "without"),
    unit="points",
    over="runs, on other training pictures each",
)

# %% [markdown]
# The cure of a leak makes the number *worse*. Who looks for a mistake that flatters? BatchNorm's thermometer does more than
# measure: in train mode every reading *writes* the running averages, here with validation pictures. What would the chart have
# shown, had it read in large batches (last line)? `company` asks directly. And of two mistakes at the output, dropout is only
# noise while learning, but a softmax before the loss hands it numbers between 0 and 1, with which it can never be sure.
#
# ## What to take along
#
# * A chart raises a suspicion, a measurement settles it. Ask what number the mistake *must* move.
# * Before any chart (Karpathy 2019): is the first loss the logarithm of the number of classes? Is one batch learned by heart?
# * First repair the thermometer: in eval mode, twice the same answers, the same pictures, none of them from training.
# * A surprise in your favour needs the same laboratory as one against you.
#
# **On your own model:** read your validation set twice; once more in batches of four; count its twins in training. Look at one
# number each: 0 changed, 0 changed, 0 twins.
#
# **References.** Karpathy 2019, [A Recipe for Training Neural Networks](https://karpathy.github.io/2019/04/25/recipe/) ·
# Kapoor and Narayanan 2023, [arXiv:2207.07048](https://arxiv.org/abs/2207.07048): leaks in 17 fields of science ·
# Barz and Denzler 2020, [arXiv:1902.00423](https://arxiv.org/abs/1902.00423)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {
    "at_home": at_home.mean(),
    "abroad": abroad.mean(),
    "laboratory": lab_abroad.mean(),
    "leak_chart": owners["leak"].mean(),
    "leak_fresh": of_all("leak", accuracy).mean(),
}
metrics |= {f"cure_{name.replace(' ', '_')}": steps[name].mean() for name in ill}
record = claims.record(parameters, metrics)
