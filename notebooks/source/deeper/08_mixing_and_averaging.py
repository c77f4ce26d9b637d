# %% [markdown]
# # Deep dive 08 · Mixing and averaging
#
# **A picture is 60 % J and 40 % A. What should a network answer? And may one average networks?**
#
# Two tricks of large recipes sound absurd. One trains on pictures that nobody would print, two laid over each other, and
# tells the network so. The other adds up the weights of several moments of one training and divides, as if networks were
# numbers. Here they meet: the first leaves the second something to do.
#
# *{minutes} minutes. You need lesson 08. One question to warm up:*
#
# <details><summary>What does cross-entropy want, if the target is 0.6 for J and 0.4 for A?</summary>
# The answer 0.6 and 0.4, and even there the loss is not zero but the target's entropy.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw
n_runs: int = 5  # [3, 32] networks of each setting, each with pictures of its own
n_train: int = 500  # [64, 4000] training pictures of each network
alpha: float = 1.0  # (0, 100] shares are drawn from Beta(α, α); 1: all are equally likely
n_steps: int = 1000  # [20, 20000] training steps of 64 pictures
lr: float = 0.01  # (0, 0.1) learning rate of AdamW
decay: float = 0.99  # [0, 1) what the moving average keeps of itself at each step
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; grey letters, new typefaces to validate and to test; pictures and labels (as probabilities) of each network
import math
from copy import deepcopy

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn
from torch.distributions import Beta
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from torchvision.transforms import v2

from course_utils.checks.deeper import d08_mixing_and_averaging as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.measure import accuracy, ece, nll
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("08.mixing_and_averaging")

letters = load("letters", n_train=4000, n_val=2000, n_test=2000, seed=seed, device=device)


def small_and_grey(x):
    small = functional.avg_pool2d(x.mean(1, keepdim=True), 2)
    return (small - small.mean((2, 3), keepdim=True)) / small.std((2, 3), keepdim=True)


pool, val, test = ((small_and_grey(x), y) for x, y in (letters.train, letters.val, letters.test))
chosen = torch.stack([torch.randperm(len(pool[0]))[:n_train] for _ in range(n_runs)]).to(device)
pictures, targets = pool[0][chosen], functional.one_hot(pool[1][chosen], 10).float()  # (runs, n_train, ...)

# %% tags=["fold"]
# the situation: a J and an A, laid over each other and cut
light = val[0][:, 0, [0, 0, 15, 15], [0, 15, 0, 15]].mean(1) > 0  # ink on light paper
j, a = (val[0][light & (val[1] == letters.classes.index(c))][0] for c in "JA")
low, high = (f(torch.stack([j, a])).item() for f in (torch.min, torch.max))
shares = [1, 0.8, 0.6, 0.4, 0.2, 0]
fig, axes = plt.subplots(2, 6, figsize=(7, 2.5))
for column, share in zip(axes.T, shares):
    cut = j.clone()
    rows = round(16 * math.sqrt(1 - share))
    cut[:, 16 - rows :, 16 - rows :] = a[:, 16 - rows :, 16 - rows :]
    for ax, picture in zip(column, (share * j + (1 - share) * a, cut)):
        ax.imshow(picture[0].cpu(), cmap="gray", vmin=low, vmax=high)
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
    column[0].set_title(f"{share:.0%} J", loc="center")
for ax, name in zip(axes[:, 0], ("mixup", "CutMix")):
    ax.set_ylabel(name, rotation=0, ha="right", va="center")
show(
    fig,
    alt="Two rows of six pictures: a J that fades into an A, and a J of which an ever larger corner is an A.",
    reading="Above, grey values are averaged: mixup (Zhang et al. 2018). Below, a rectangle is cut out and replaced: CutMix "
    "(Yun et al. 2019). The label is shared in proportion: of grey values above, of area below, whatever the area shows.",
)

# %% [markdown]
# ## 1 · Two labels
#
# A partner for each picture is another one of the same batch, and one number, the share, serves the whole batch.
#
# ### Exercise 1 · Mix a batch
#
# `x` has pictures (n, 1, 16, 16), `targets` probabilities (n, 10). Row i keeps `share` of its own and gets the rest from row
# `partner[i]`. Return mixed pictures and mixed targets. Your function makes the training pictures below.
#
# <details><summary>Hint 1</summary>`x[partner]` is a whole batch: the partners, in their order.</details>
# <details><summary>Hint 2</summary>What is right for grey values is right for probabilities. Change nothing in
# place: a partner must still be what it was.</details>


# %% tags=["stub"]
def mix(x, targets, share, partner): ...


checks.check_1(mix)


# %% tags=["solution"]
def mix(x, targets, share, partner):
    def mixed(values):
        return share * values + (1 - share) * values[partner]

    return mixed(x), mixed(targets)


checks.check_1(mix)


# %% tags=["fold"]
# ours, in case yours is open; torchvision as a referee
def our_mix(x, targets, share, partner):
    return share * x + (1 - share) * x[partner], share * targets + (1 - share) * targets[partner]


is_yours = checks.check_1(mix).startswith("passed")
mixer, whose = (mix, "your") if is_yours else (our_mix, "our")
one = torch.ones(1)
torch.manual_seed(seed)
some = (pictures[0, :64], targets[0, :64])
theirs = v2.MixUp(alpha=1.0)(*some)
torch.manual_seed(seed)
ours = mixer(*(values.clone() for values in some), Beta(one, one).sample().item(), torch.arange(64) - 1)
gap = max((x - y).abs().max().item() for x, y in zip(ours, theirs))
print(f"{whose} function against v2.MixUp, which takes the row before as partner: largest difference {gap:.0e}")

# %% [markdown]
# Each network has one hidden layer with BatchNorm (lesson 07). Several are trained side by side, in three ways. Now and then we
# keep a snapshot; `moving` is a moving average of the weights, for section 2.

# %%
beta = Beta(torch.tensor(alpha), torch.tensor(alpha))
ways = {
    "plain": lambda x, t: (x, t),
    "mixup": lambda x, t: mixer(x, t, beta.sample().item(), torch.randperm(len(x))),
    "CutMix": v2.CutMix(alpha=alpha),
}


# %% tags=["fold"]
# Readers: one network a run, side by side, with the weights of `mlp` and a BatchNorm behind the first layer
class Readers(nn.Module):
    def __init__(self):
        super().__init__()
        networks = [mlp(256, (128,), 10) for _ in range(n_runs)]
        stacked = [torch.stack([p.detach() for p in same]) for same in zip(*(n.parameters() for n in networks))]
        self.weights = nn.ParameterList([nn.Parameter(p) for p in stacked])
        self.norm = nn.BatchNorm1d(n_runs * 128)

    def forward(self, x):  # (runs, n, 1, 16, 16) -> (runs, n, 10)
        first, bias, last, last_bias = self.weights
        hidden = torch.baddbmm(bias[:, None], x.flatten(2), first.mT).movedim(0, 1)
        hidden = self.norm(hidden.flatten(1)).view_as(hidden).movedim(0, 1).relu()
        return torch.baddbmm(last_bias[:, None], hidden, last.mT)


def batch(k):
    rows = torch.randperm(n_train)[:64].to(device)
    return pictures[k, rows], targets[k, rows]


@torch.no_grad()
def answers(readers, x):
    """Probabilities (runs, n, 10), of pictures for all networks or of each network's own."""
    return readers.eval()(x.expand(n_runs, *x.shape[-4:])).softmax(-1)


def measured(measure, probabilities, y):
    """A number for each run."""
    logs = probabilities.clamp_min(1e-30).log()
    return np.array([measure(p if measure is ece else log, y) for p, log in zip(probabilities, logs)])


every = max(1, n_steps // 20)


# %%
def train(way, anneals=False):
    torch.manual_seed(seed)
    readers, snapshots = Readers().to(device), []
    moving = AveragedModel(readers, multi_avg_fn=get_ema_multi_avg_fn(decay))
    optimizer = torch.optim.AdamW(readers.parameters(), lr=lr)
    for step in range(1, n_steps + 1):
        if anneals:  # to zero, along a cosine
            optimizer.param_groups[0]["lr"] = lr * (1 + math.cos(math.pi * step / n_steps)) / 2
        batches = [way(*batch(k)) for k in range(n_runs)]
        x, t = (torch.stack(part) for part in zip(*batches))
        loss = -(t * readers(x).log_softmax(-1)).sum(-1).mean(-1).sum()  # each run's own, added up
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        moving.update_parameters(readers)
        if step % every == 0:
            snapshots.append(deepcopy(readers))
    return snapshots, moving


# %%
trained = {name: train(way) for name, way in ways.items()}

# %% [markdown]
# **Predict.** A picture is 60 % of one training letter and 40 % of another. What does each network answer for the first? And
# who reads new typefaces best?

# %%
prediction = None  # such as {"plain": 0.9, "mixup": 0.6, "best": "mixup"}

# %% tags=["fold"]
# figure: what networks answer between two letters, and the loss on new typefaces against the number of steps
steps = every * np.arange(1, len(trained["plain"][0]) + 1)
on_val = {name: [answers(s, val[0]) for s in snapshots] for name, (snapshots, _) in trained.items()}
curves = {name: np.array([measured(nll, p, val[1]) for p in on_val[name]]) for name in ways}  # (snapshots, runs)
partner = targets.roll(1, 1)
differ = (targets != partner).any(-1)
grid = np.linspace(0, 1, 11)
between = {}
for name, (snapshots, _) in trained.items():
    seen = [answers(snapshots[-1], share * pictures + (1 - share) * pictures.roll(1, 1)) for share in grid]
    between[name] = np.array([(p * targets).sum(-1)[differ].mean().item() for p in seen])
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4))
axes[0].plot([0, 1], [0, 1], ":", color="0.5", label="what the label says")
for k, (name, style) in enumerate(zip(ways, ("-", "--", "-."))):
    axes[0].plot(grid, between[name], style, color=f"C{k}", label=name)
    mean, half = np.transpose([mean_and_interval(row)[:2] for row in curves[name]])
    axes[1].plot(steps, mean, style, color=f"C{k}", label=f"{name} (95 %, n = {n_runs})")
    axes[1].fill_between(steps, mean - half, mean + half, alpha=0.2, color=f"C{k}")
end = {name: {m.__name__: measured(m, on_val[name][-1], val[1]) for m in (accuracy, nll, ece)} for name in ways}
axes[0].set(xlabel="share of a letter in the picture", ylabel="mean probability of that letter")
axes[0].set_title("Answers between two training letters")
axes[1].set(xlabel="step", ylabel="loss on validation letters (nats)", xlim=(0, None))
axes[1].set_title("Ends at " + ", ".join(f"{end[name]['nll'].mean():.2f} ({name})" for name in ways))
for ax in axes:
    ax.legend()
yours = f" You said: {prediction}." if prediction else ""
asked = "; ".join(
    f"{name} {np.interp(0.6, grid, values):.0%} and {np.interp(0.4, grid, values):.0%}" for name, values in between.items()
)
surer = "; ".join(
    f"{name} reads {e['accuracy'].mean():.1%}, with a gap between confidence and accuracy of {100 * e['ece'].mean():.0f} points"
    for name, e in end.items()
)
low = "; ".join(f"{name} {c.mean(1).min():.2f} after {steps[c.mean(1).argmin()]:,} steps" for name, c in curves.items())
show(
    fig,
    alt="Left: mean probability of a letter against its share in the picture, for three trainings and the diagonal. Right: loss "
    "on new typefaces against steps for the three trainings.",
    reading=f"Between two training letters, 60 to 40, the larger and the smaller part get {asked}.{yours} After {steps[-1]:,} "
    f"steps, on validation letters: {surer}. The loss was lowest: {low}.",
)

# %% [markdown]
# Left: no network follows the dotted line. Where the larger part is clear, the smaller one is all but hidden, in the picture and
# in the answer; mixup only bends the curve towards the label. (CutMix has never seen pictures of this kind.)
#
# The gap between confidence and accuracy is lesson 05's calibration error. A plain network grows too sure of itself as it goes
# on: who compares at the end compares with that. So let each choose its length on validation letters, and judge by the test
# letters.

# %% tags=["fold"]
# the test letters: each way at the end, and at the length with its lowest loss on validation letters
best = {name: int(curves[name].mean(1).argmin()) for name in ways}
at = {name: {where: answers(trained[name][0][k], test[0]) for where, k in (("end", -1), ("best", best[name]))} for name in ways}
lost = {where: {name: measured(nll, at[name][where], test[1]) for name in ways} for where in ("end", "best")}
print("test letters, at the end of training and at the best length")
for where in lost:
    for name in ways:
        right, gap = (measured(m, at[name][where], test[1]).mean() for m in (accuracy, ece))
        print(
            f"{where:5} {name:7} {lost[where][name].mean():.2f} nats   reads {right:.1%}   "
            f"confidence off by {100 * gap:.0f} points"
        )

# %% tags=["fold"]
# claims 1 and 2: mixup at the end, and with each at its own length
claims.compare(
    "08.mixing_and_averaging.1",
    "Trained as long, these networks are off in their confidence by far less on new typefaces with mixup than without.",
    end["plain"]["ece"],
    end["mixup"]["ece"],
    margin=0.05,
    names=("plain", "mixup"),
    unit="points",
    over="training runs, each with pictures of its own",
    source="Thulasidasan et al. 2019, arXiv:1905.11001, for larger networks",
)
claims.compare(
    "08.mixing_and_averaging.2",
    "With each at its own best length, mixup does not save these networks even a twentieth of a nat on the test letters.",
    lost["best"]["mixup"],
    lost["best"]["plain"],
    margin=-0.05,
    names=("mixup", "plain"),
    unit="nats",
    over="training runs, each with pictures of its own, on these test letters",
    myth="mixup improves generalization",
    myth_source="Zhang et al. 2018, of large convolutional networks on photographs, where they measured it",
)

# %% [markdown]
# What mixup teaches is modesty, and stopping teaches part of that too. (Thulasidasan et al. 2019 find that mixed pictures
# without mixed labels do not calibrate as well.) This is one hidden layer and a few hundred letters; Zhang et al. and Yun et
# al. measured gains for large networks on photographs. A smaller α makes fewer real mixtures: towards zero it is plain training.
#
# But look at what mixing does to *training*: it never ends. Every batch is new, no answer is quite right on what is shown, and
# at a constant learning rate the weights keep being kicked about.
#
# ## 2 · The average of ten networks
#
# Take the last ten snapshots of one training with CutMix, and average their weights, number by number.
#
# ### Exercise 2 · Without keeping them
#
# Nobody stores ten networks. `average` is the mean of `n` tensors so far; now `new` arrives. Return the mean of all n + 1.
# `AveragedModel` of PyTorch will call your function, for each tensor of the network.
#
# <details><summary>Hint 1</summary>The sum so far is n times the average.</details>
# <details><summary>Hint 2</summary>How far does one new number among n + 1 pull the mean towards itself?</details>


# %% tags=["stub"]
def updated(average, new, n): ...


checks.check_2(updated)


# %% tags=["solution"]
def updated(average, new, n):
    return average + (new - average) / (n + 1)


checks.check_2(updated)


# %% tags=["fold"]
# ours, in case yours is open
def our_updated(average, new, n):
    return average + (new - average) / (n + 1)


is_yours = checks.check_2(updated).startswith("passed")
formula, whose = (updated, "your") if is_yours else (our_updated, "our")


def rule(average, new, n):
    return torch.as_tensor(formula(average.clone(), new, int(n))).to(average)


# %%
def average_of(snapshots):
    average = AveragedModel(snapshots[-1], avg_fn=rule)
    for snapshot in snapshots:
        average.update_parameters(snapshot)
    stale = deepcopy(average)
    update_bn(pictures.split(100, dim=1), average)  # BatchNorm's averages, computed anew
    return average, stale


# %% [markdown]
# Beside it, the same training with a learning rate that decays to zero, as recipes do, and the plain one.
#
# **Predict.** At a constant rate: how does the average of ten networks read, against one of the ten?

# %%
prediction = None  # "worse", "as well" or "better"

# %%
trained["CutMix, decaying"] = train(ways["CutMix"], anneals=True)
trials = {"plain, constant": trained["plain"], "CutMix, constant": trained["CutMix"],
          "CutMix, to zero": trained["CutMix, decaying"]}  # fmt: skip

# %% tags=["fold"]
# the averages, and what all of them answer on validation letters; a table
read, nats, averages, moves = {}, {}, {}, {}
for name, (snapshots, moving) in trials.items():
    fresh, stale = averages[name] = average_of(snapshots[-10:])
    update_bn(pictures.split(100, dim=1), moving)
    each = [answers(s, val[0]) for s in snapshots[-10:]]
    moves[name] = np.mean([(a.argmax(-1) != b.argmax(-1)).double().mean().item() for a, b in zip(each, each[1:])])
    found = {"weights": answers(fresh, val[0]), "stale": answers(stale, val[0]), "moving": answers(moving, val[0])}
    found |= {"last": each[-1], "answers": sum(each) / len(each)}
    read[name], nats[name] = ({kind: measured(m, p, val[1]) for kind, p in found.items()} for m in (accuracy, nll))
    read[name]["each"] = np.array([measured(accuracy, p, val[1]) for p in each])  # (snapshots, runs)
print(f"{'validation letters read (%)':28}one of ten   last   {whose} average of weights   of answers   moving average   kicks")
for name, r in read.items():
    numbers = [100 * r[kind].mean() for kind in ("each", "last", "weights", "answers", "moving")]
    print(f"{name:28}" + "".join(f"{x:{w}.1f}" for x, w in zip(numbers, (10, 7, 23, 13, 17))) + f"{moves[name]:8.0%}")
print("kicks: answers that change from one snapshot to the next, in the second half of training")

# %% tags=["fold"]
# figure: the last ten networks, and the average of their weights and of their answers
gain = {name: r["weights"] - r["each"].mean(0) for name, r in read.items()}
beyond = {name: r["weights"] - r["last"] for name, r in read.items()}


def gained(values):
    mean, half, _ = mean_and_interval(100 * values)
    return f"{mean:+.1f} ± {half:.1f}" + (" (tie)" if abs(mean) <= half else "")


fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.6), sharey=True)
for ax, (name, r) in zip(axes, read.items()):
    ax.plot(steps[-10:], r["each"].mean(1), "o", color="C0", label="one network")
    for kind, style, color in (("weights", "-", "C1"), ("answers", "--", "C2")):
        ax.axhline(r[kind].mean(), linestyle=style, color=color, label=f"average of {kind}")
    ax.set_title(f"{name}:\n{gained(gain[name])} over one,\n{gained(beyond[name])} over the last", fontsize=10)
    ax.set(xlabel="step")
axes[0].set(ylabel=f"validation letters read (mean of {n_runs})")
axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
axes[1].legend(fontsize=8)
outcome = gained(gain["CutMix, constant"])
outcome = "as well" if "tie" in outcome else "better" if outcome.startswith("+") else "worse"
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Three panels, each with the accuracy of ten snapshots as dots and two lines for the average of weights and of answers.",
    reading="Above each panel: points gained by averaging weights, over one of the ten (their mean) and over the last one (95 %, "
    f"n = {n_runs}). Against one of the ten, with CutMix at a constant rate: {outcome}.{yours}",
)

# %% tags=["fold"]
# claims 3 and 4: what the average of weights gains, and where it has nothing to gain
claims.compare(
    "08.mixing_and_averaging.3",
    "At a constant learning rate, the average of ten networks' weights along one CutMix training reads new typefaces better than "
    "one of them, by over a point.",
    read["CutMix, constant"]["weights"],
    read["CutMix, constant"]["each"].mean(0),
    margin=0.01,
    names=("average", "one network"),
    unit="points",
    over="training runs, each with pictures of its own",
    source="Izmailov et al. 2018, arXiv:1803.05407",
)
claims.same(
    "08.mixing_and_averaging.4",
    "Where the learning rate has decayed to zero, the average reads as well as the last network, within two points.",
    read["CutMix, to zero"]["weights"],
    read["CutMix, to zero"]["last"],
    margin=0.02,
    names=("average", "last network"),
    unit="points",
    over="training runs, each with pictures of its own",
)

# %% [markdown]
# Along one training the ten differ much by their last kicks (last column). The average of weights has fewer of these, and so
# has a network whose steps shrink: two ways to come to rest. (On far larger tasks Ajroldi et al. 2025
# find averaging and decay together best.) A mean of *weights* is one network, as dear as one; a mean of answers is ten.
#
# Equal weights from some step on are called SWA; `SWALR` brings the learning rate to its constant. The moving average (EMA)
# needs no beginning: at each step it keeps `decay` of itself, and so remembers about 1/(1 − decay) steps.
#
# Now both tricks together, on the test letters:

# %% tags=["fold"]
# plain training at its best length, CutMix with and without rest, on test letters
final = {"plain, best length": at["plain"]["best"], "CutMix, the last": at["CutMix"]["end"]}
final |= {"CutMix, decayed": answers(trials["CutMix, to zero"][0][-1], test[0])}
final |= {"CutMix, averaged": answers(averages["CutMix, constant"][0], test[0])}
for name, p in final.items():
    saved, width, _ = mean_and_interval(measured(nll, final["plain, best length"], test[1]) - measured(nll, p, test[1]))
    print(f"{name:19} {measured(nll, p, test[1]).mean():.2f} nats   reads {measured(accuracy, p, test[1]).mean():.1%}", end="")
    print("" if name.startswith("plain") else f"   saves {saved:.2f} ± {width:.2f} nats")

# %% [markdown]
# ## 3 · When it goes wrong
#
# In `eval()` BatchNorm divides by a spread that it remembers from training. That is the spread of a network that was averaged,
# not of the average: `AveragedModel` takes the last one's, and we had it computed anew by `update_bn`. **Predict.** With
# CutMix at a constant rate: what does it cost, in nats, to forget that line?

# %%
prediction = None  # nats

# %% tags=["fold"]
# claim 5: the average with stale statistics
print(f"{'average of weights':18}  nats: stale   anew   read: stale   anew   mean variance: stale   anew")
for name, r in nats.items():
    spread = [averages[name][k].module.norm.running_var.mean().item() for k in (1, 0)]
    right = [read[name][kind].mean() for kind in ("stale", "weights")]
    print(f"{name:18} {r['stale'].mean():12.3f} {r['weights'].mean():6.3f} {right[0]:13.1%} {right[1]:6.1%}", end="")
    print(f"{spread[0]:23.1f} {spread[1]:6.1f}")
r = nats["CutMix, constant"]
cost, width, _ = mean_and_interval(r["stale"] - r["weights"])
print(f"forgetting costs {cost:.3f} ± {width:.3f} nats." + (f" You said: {prediction}." if prediction is not None else ""))
claims.compare(
    "08.mixing_and_averaging.5",
    "Weights averaged along CutMix at a constant rate lose more nats on new typefaces with the last network's BatchNorm "
    "statistics than with statistics computed anew.",
    r["stale"],
    r["weights"],
    names=("stale", "anew"),
    unit="nats",
    over="training runs, each with pictures of its own",
)

# %% [markdown]
# Nothing crashes. Where averaging has calmed what reaches BatchNorm, the last network's larger spread makes it too small and the
# answers too timid; where answers were too sure before, as in plain training, that very mistake can save nats. Compute the
# statistics anew, and then look at your loss.
#
# ## What to take along
#
# * Mix pictures and labels in the same proportion.
# * Compare at each one's best length: much of what mixup saves here at the end, stopping saves too.
# * Averaging weights is rest for a training that still moves, as mixing makes it. Decay to zero is rest already.
# * After averaging, compute BatchNorm's statistics anew.
#
# **On your own model:** keep ten checkpoints of the last third, average them, run `update_bn`, and look at the validation loss
# before and after. If it does not move, your schedule has done the work.
#
# **References.** Zhang et al. 2018, [arXiv:1710.09412](https://arxiv.org/abs/1710.09412) ·
# Yun et al. 2019, [arXiv:1905.04899](https://arxiv.org/abs/1905.04899) ·
# Thulasidasan et al. 2019, [arXiv:1905.11001](https://arxiv.org/abs/1905.11001) ·
# Izmailov et al. 2018, [arXiv:1803.05407](https://arxiv.org/abs/1803.05407) ·
# Ajroldi et al. 2025, [arXiv:2502.06761](https://arxiv.org/abs/2502.06761) · back to
# [lesson 08](../08_data_and_stopping.ipynb)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {f"ece_{name}": end[name]["ece"].mean() for name in ways} | {f"best_{n}": lost["best"][n].mean() for n in ways}
metrics |= {f"gain_{k}": values.mean() for k, values in zip(("plain", "constant", "decayed"), gain.values())} | {"stale": cost}
record = claims.record(parameters, metrics)
