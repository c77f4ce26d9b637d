# %% [markdown]
# # 07 · Normalization
#
# **Which axis do I average over, and what does that change?**
#
# A network reads letters. You show it the same picture three times, to the bit the same, with no dropout anywhere and no
# weight changed in between, and you may get three answers. What differs is the *company*: the other pictures that happened to
# share its batch.
#
# In this lesson you write the layer that does this, move its axis and watch the effect disappear, find out how much company it
# needs while it learns, and end as a detective who tells five sealed networks apart by poking them.
#
# *{minutes} minutes. You need lessons 01 to 04. Two questions to warm up:*
#
# <details><summary>What does `model.eval()` change in a network with dropout?</summary>
# Dropout passes everything through; weights stay as they are.</details>
# <details><summary>Which data choose a learning rate, and how often may the test letters be read?</summary>
# Validation chooses; test reports, once.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 5  # [3, 64] training runs of each setting
companies: list = [2, 4, 8, 64]  # 3 to 6 rising values in {2, 4, 8, 16, 32, 64}: pictures that BatchNorm averages over
lrs: list = [0.001, 0.003]  # 1 to 4 rising values in (0, 0.1): learning rates of AdamW to choose from
p_drop: float = 0.5  # (0, 0.9] dropout rate of section 6
n_train: int = 1000  # [100, 20000] training letters
epochs: int = 15  # [1, 500] passes over them
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the letters (grey, 16 x 16 pixels)
from copy import deepcopy
from functools import partial

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn
from torch.nn import functional

from course_utils.checks import lesson_07 as checks
from course_utils.claims import Claims
from course_utils.data import grey_thumbnails, load
from course_utils.dropout import Dropout
from course_utils.figures import show, use_course_style
from course_utils.measure import accuracy, nll
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("07")


letters = load("letters", n_train=n_train, n_val=1000, n_test=2000, seed=seed, device=device)
train, val, test = ((grey_thumbnails(x), y) for x, y in (letters.train, letters.val, letters.test))

# %% tags=["fold"]
# the situation: one letter in three companies
x, y = val
n_company = 16
draw = torch.Generator().manual_seed(seed)


def mixed_company(k):
    rows = torch.randperm(len(x), generator=draw).to(device)
    return rows[rows != k][: n_company - 1]


def own_kind(k):
    rows = torch.randperm(len(x), generator=draw).to(device)
    return rows[(rows != k) & (y[rows] == y[k])][: n_company - 1]


fig, axes = plt.subplots(3, 9, figsize=(7.4, 2.9))
rows = {"at random": mixed_company(0), "at random again": mixed_company(0), "its own kind": own_kind(0)}
for row, (label, company) in zip(axes, rows.items()):
    for ax, k in zip(row, [0, *company[:8].tolist()]):
        ax.imshow(x[k, 0].cpu(), cmap="gray")
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
    for side in row[0].spines.values():
        side.set(visible=True, color="C1", linewidth=3)
    row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
show(
    fig,
    alt="Three rows of nine grey letters. The first picture, in a frame, is the same in all rows; the others differ.",
    reading=f"The same {letters.classes[y[0]]} (framed) in three batches of {n_company}, of which nine are shown: twice among "
    "letters drawn at random, once among its own kind.",
)

# %% [markdown]
# ## 1 · One picture, three companies
#
# The reader has two hidden layers, each with PyTorch's **BatchNorm** in front of its ReLU. It has learned A to J; the letters
# below are in typefaces that it never saw.


# %%
def reader(norm=nn.BatchNorm1d):
    first = [nn.Flatten(), nn.Linear(256, 128), norm(128), nn.ReLU()]
    second = [nn.Linear(128, 128), norm(128), nn.ReLU()]
    return nn.Sequential(*first, *second, nn.Linear(128, 10))


runs = [{"seed": seed + k, "lr": lrs[-1]} for k in range(n_runs)]
_, readers = train_runs(reader, train, val, runs, epochs=epochs, evaluate_every=epochs)

# %% [markdown]
# In one place somebody forgot to write `eval()`. We ask about a letter, with its company behind it:


# %%
@torch.no_grad()
def ask(network, letter, company):
    network = deepcopy(network).train()  # eval() forgotten; a copy: see section 3
    return network(torch.cat([letter, company]))[0].argmax().item()


# %% [markdown]
# **Predict.** Is a letter read better among fifteen letters of its *own kind*, or among fifteen drawn at random?

# %%
prediction = None  # "own kind", "at random" or "no difference"


# %% tags=["fold"]
# accuracy without eval() in companies of 2 to 64, mixed and of one kind, and after eval(); single letters in three companies
@torch.no_grad()
def read_in_company(network, size, kinds):
    network, right, n = deepcopy(network).train(), 0, 0
    order = torch.randperm(len(x), generator=draw).to(device)
    for rows in [order] if kinds == "mixed" else [order[y[order] == c] for c in range(10)]:
        for batch in rows[: len(rows) // size * size].split(size):
            right, n = right + (network(x[batch]).argmax(1) == y[batch]).sum().item(), n + size
    return right / n


@torch.no_grad()
def reads(network, x, y):
    return accuracy(network.eval()(x), y)


sizes = [2, 4, 8, 16, 32, 64]
in_eval = np.array([reads(network, x, y) for network in readers])
forgotten = {
    kind: np.array([[read_in_company(network, n, kind) for n in sizes] for network in readers]) for kind in ("mixed", "own")
}
ten, first = torch.stack([(y == c).nonzero()[0, 0] for c in range(10)]).tolist(), readers[0]
in_three = [[ask(first, x[k : k + 1], x[company(k)]) for company in (mixed_company, mixed_company, own_kind)] for k in range(200)]
n_answers = np.array([len(set(said)) for said in in_three])
random_differ = [said[0] != said[1] for said in in_three]
answers = {"at random": [], "at random again": [], "own kind": []}
for k in ten:
    for said, company in zip(answers.values(), (mixed_company, mixed_company, own_kind)):
        said.append(ask(first, x[k : k + 1], x[company(k)]))
answers["eval()"] = first.eval()(x[ten]).argmax(1).tolist()

# %% tags=["fold"]
# figure: ten letters and their answers; accuracy against the size of the company
fig, (left, ax) = plt.subplots(1, 2, figsize=(10, 3.2), width_ratios=[1.15, 1])
strip = torch.cat([(x[k, 0] - x[k].min()) / (x[k].max() - x[k].min()) for k in ten], 1).cpu()
left.imshow(strip, cmap="gray", extent=(0, 10, 4, 5))
for row, (label, said) in enumerate(answers.items()):
    left.text(-0.2, 3.5 - row, label, ha="right", va="center", fontsize=9)
    for k, c in enumerate(said):
        style = {"color": "C0"} if c == k else {"color": "C1", "fontweight": "bold"}
        left.text(k + 0.5, 3.5 - row, letters.classes[c] + ("" if c == k else " ✗"), ha="center", va="center", **style)
left.set(xlim=(0, 10), ylim=(0, 5), aspect="equal", title="One network, ten letters, and its answers")
left.axis("off")
for kind, style, label in (("mixed", "-", "drawn at random"), ("own", "--", "of its own kind")):
    mean, half = zip(*[mean_and_interval(column)[:2] for column in forgotten[kind].T])
    ax.errorbar(sizes, mean, half, linestyle=style, marker="o", capsize=2, label=f"company {label} (n = {n_runs})")
ax.axhline(in_eval.mean(), color="C2", linestyle=":", label="after eval()")
at_16 = {kind: forgotten[kind][:, sizes.index(n_company)] for kind in forgotten}
better = max(at_16, key=lambda kind: at_16[kind].mean())
ax.set(
    xscale="log",
    xlabel="letters in the batch",
    ylabel="validation accuracy",
    xticks=sizes,
    xticklabels=sizes,
    ylim=(0, None),
    title=f"Batches of {n_company}: {at_16['mixed'].mean():.0%} at random, {at_16['own'].mean():.0%} own kind",
)
ax.minorticks_off()
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend(loc="center right", fontsize=8)
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Left: ten letters with the answers of one network in three companies and after eval(), wrong ones crossed. Right: "
    "accuracy against the number of letters in the batch, for mixed company and company of one kind.",
    reading=f"Of 200 letters, each in three companies of {n_company}, {np.mean(n_answers > 1):.0%} get more than one answer, "
    f"{np.mean(n_answers == 3):.0%} get three; in the two random companies "
    f"{np.mean(random_differ):.0%} differ. After eval() the networks read "
    f"{in_eval.mean():.0%}; in a batch of {n_company} without it {at_16['mixed'].mean():.0%} at random and "
    f"{at_16['own'].mean():.0%} among their own kind; in a batch of 2, {forgotten['mixed'][:, 0].mean():.0%} (guessing: 10 %)."
    f"{yours}",
)

# %% tags=["fold"]
# claims 07.1 and 07.2: what the forgotten eval() costs, and in which company
claims.compare(
    "07.1",
    "With `eval()` forgotten, letters in batches of eight are read worse than after `eval()`, by more than five points.",
    in_eval,
    forgotten["mixed"][:, sizes.index(8)],
    margin=0.05,
    names=("after eval()", "without, in eights"),
    unit="points",
    over="training runs on these letters",
)
claims.compare(
    "07.2",
    "Without `eval()`, in batches of sixteen, letters among their own kind are read worse than among letters drawn at random, by "
    "more than five points.",
    at_16["mixed"],
    at_16["own"],
    margin=0.05,
    names=("at random", "own kind"),
    unit="points",
    over="training runs on these letters",
)

# %% [markdown]
# At the right end of the solid line a forgotten `eval()` hardly shows, until somebody sends few letters at once. And a test set
# sorted by class, in folders A, B, C …, is company of one kind. Why should that matter at all? Keep the question.
#
# It is often said that without `eval()` answers become *random*. Ask twice, and ask a letter all alone:

# %%
network = deepcopy(readers[0]).train()
before, batch = network[2].running_mean.clone(), x[:8]
print("the same batch again gives the same numbers:", torch.equal(network(batch), network(batch)))
try:
    network(x[:1])
except ValueError as error:
    print("alone:", error)
change = (network[2].running_mean - before).norm()
print(f"and being asked moved the means that it remembers, a vector of {len(before)}, "
      f"by {change:.1f}")  # fmt: skip

# %% [markdown]
# Nothing is random here. It depends on the *batch*; a batch of one PyTorch refuses (a training set of 1,001 letters in batches
# of 100 ends like that: `drop_last=True`). And the network is not quite the same afterwards.
#
# ## 2 · Build it
#
# Ioffe and Szegedy (2015) measure every channel $c$ (a hidden unit, or a feature map) against the batch:
#
# $$\hat x_c = \frac{x_c - \mu_c}{\sqrt{\sigma_c^2 + \varepsilon}},\qquad
# \mu_c,\ \sigma_c^2:\ \text{mean and variance of channel } c \text{ over the batch},$$
#
# and then let each channel learn a scale and a shift of its own. So a letter among its own kind loses what the whole batch
# shares. Is that what makes a B unreadable? Section 3 tries it out.
#
# ### Exercise 7.1 · BatchNorm
#
# Write the normalization in PyTorch (later cells train with it), without scale and shift. `x` is `(n, channels)`, or feature
# maps `(n, channels, height, width)`: there a channel's mean is over all its pixels of all pictures.
#
# <details><summary>Hint 1</summary>Of which axis does each entry have its own mean? Average over all the others, with
# `keepdim=True`.</details>
# <details><summary>Hint 2</summary>`x.var(..., unbiased=False)` divides by n, as the paper does; ε goes under the
# root.</details>


# %% tags=["stub"]
def batch_norm(x, eps): ...


checks.check_7_1(batch_norm)


# %% tags=["solution"]
def batch_norm(x, eps):
    axes = [axis for axis in range(x.ndim) if axis != 1]
    mean = x.mean(axes, keepdim=True)
    var = x.var(axes, keepdim=True, unbiased=False)
    return (x - mean) / (var + eps).sqrt()


checks.check_7_1(batch_norm)


# %% tags=["fold"]
# ours, in case yours is open; the one that counts against PyTorch's
def our_batch_norm(x, eps):
    axes = [axis for axis in range(x.ndim) if axis != 1]
    mean = x.mean(axes, keepdim=True)
    return (x - mean) / (x.var(axes, keepdim=True, unbiased=False) + eps).sqrt()


passed, trains = checks.check_7_1(batch_norm).startswith("passed"), checks.lets_gradients_through(batch_norm)
norm, whose = (batch_norm, "yours") if passed and trains else (our_batch_norm, "ours")
if passed and not trains:
    print("yours is right, but lets no gradients through: later cells train with ours")
units, maps = torch.randn(8, 5).double(), torch.randn(8, 5, 4, 4).double()
for label, layer, z in (("BatchNorm1d", nn.BatchNorm1d(5), units), ("BatchNorm2d", nn.BatchNorm2d(5), maps)):
    print(f"{whose} against nn.{label}: largest difference {(layer.double()(z) - norm(z, 1e-5)).abs().max():.0e}")

# %% [markdown]
# **Predict.** Two rows, six channels, any numbers. What comes out?

# %%
prediction = None  # describe it

# %%
pair = 10 * torch.randn(2, 6)
print(pair, norm(pair, 1e-5), sep="\n")

# %% [markdown]
# With a single companion, a number keeps hardly more than which of the two was larger.
#
# ## 3 · What it remembers
#
# A letter alone must be readable too. So while it learns, the layer keeps **running** averages of the batches' means and
# variances, a tenth of the new one at a time, and after `eval()` it uses those. (The variance it stores divides by n - 1.)
#
# `company` says how many rows are normalized together. Normally that is the whole batch; here it may be less, as when a batch
# is spread over several GPUs and each of them normalizes its own share. (Hoffer et al. 2017 did it on purpose.)
# `torch.vmap(norm, …)` calls `norm` for each company by itself, all at once.


# %%
class BatchNorm(nn.Module):
    def __init__(self, n, company=64):
        super().__init__()
        self.company = company
        self.scale, self.shift = nn.Parameter(torch.ones(n)), nn.Parameter(torch.zeros(n))
        self.register_buffer("mean", torch.zeros(n))
        self.register_buffer("var", torch.ones(n))

    def forward(self, x):
        if self.training:
            assert len(x) > 1, "a row alone has no company"
            groups = x.unflatten(0, (-1, min(self.company, len(x))))  # company, row, channel
            with torch.no_grad():
                self.mean.lerp_(x.mean(0), 0.1)  # a tenth of the way
                self.var.lerp_(groups.var(1).mean(0), 0.1)  # .var divides by n - 1
            x = torch.vmap(norm, (0, None))(groups, 1e-5).flatten(0, 1)
        else:
            x = (x - self.mean) / (self.var + 1e-5).sqrt()
        return x * self.scale + self.shift


# %% tags=["fold"]
# twenty batches through this layer and through PyTorch's
mine, theirs = BatchNorm(5).double(), nn.BatchNorm1d(5).double()
for _ in range(20):
    z = 3 * torch.randn(8, 5).double() + 1
    apart = (mine(z) - theirs(z)).abs().max()
z = torch.randn(4, 5).double()
print(f"in training the two differ by {apart:.0e}, after eval() by {(mine.eval()(z) - theirs.eval()(z)).abs().max():.0e}")

# %% [markdown]
# After `eval()` the layer is a fixed scale and a fixed shift: no company, and no normalization either. It only *remembers* one.
#
# Now the question that you kept. Leave the readers in `eval()`, and let *one* norm take the mean, or the variance, from the
# batch of sixteen:

# %% tags=["fold"]
# accuracy in batches of 16, with the batch's mean or variance in one norm, and all else remembered; how far off its mean is
mixed = torch.randperm(len(x), generator=draw).to(device)
batches = {
    kind: [batch for rows in parts for batch in rows[: len(rows) // n_company * n_company].split(n_company)]
    for kind, parts in {"at random": [mixed], "own kind": [mixed[y[mixed] == c] for c in range(10)]}.items()
}


@torch.no_grad()
def read_with(network, rows, taken):
    h, off = x[rows], {}
    for place, layer in enumerate(network.eval()):
        if isinstance(layer, nn.BatchNorm1d):
            mean = h.mean(0) if (place, "mean") in taken else layer.running_mean
            var = h.var(0, unbiased=False) if (place, "variance") in taken else layer.running_var
            off[place] = ((h.mean(0) - layer.running_mean).square() / layer.running_var).mean().sqrt().item()
            h = functional.batch_norm(h, mean, var, layer.weight, layer.bias)
        else:
            h = layer(h)
    return accuracy(h, y[rows]), off


def read_all(taken):
    return [[read_with(network, rows, taken) for network in readers for rows in batches[kind]] for kind in batches]


lines = [f"{'from the batch':33}at random   own kind"]
one_by_one = [(name, place, part) for name, place in (("first", 2), ("second", 5)) for part in ("mean", "variance")]
all_four = [(place, part) for _, place, part in one_by_one]
cases = {"nothing": []} | {f"the {part} of the {name} norm": [(place, part)] for name, place, part in one_by_one}
for label, taken in (cases | {"all four": all_four}).items():
    mixed_read, own_read = ([right for right, _ in batch] for batch in read_all(taken))
    lines.append(f"{label:33}{np.mean(mixed_read):9.0%}{np.mean(own_read):11.0%}")
off = [{place: np.mean([o[place] for _, o in batch]) for place in (2, 5)} for batch in read_all([])]
lines += ["", "how far the batch's mean is from the remembered one, in standard deviations"]
for name, place in (("first", 2), ("second", 5)):
    lines.append(f"{f'in front of the {name} norm':33}{off[0][place]:9.2f}{off[1][place]:11.2f}")
print(*lines, sep="\n")

# %% [markdown]
# Letters here are light on dark or dark on light, by chance: in front of the first norm a kind has hardly a mean of its own. What
# marks it there is how much each channel *varies*, and dividing takes that away. Behind a ReLU it is the mean.
#
# ## 4 · Move the axis
#
# Why not measure a letter against *itself*? Same formula, other axis, no batch in it: **LayerNorm** (Ba et al. 2016) takes
# mean and variance over all channels of one row; **GroupNorm** (Wu and He 2018) over each of `n_groups` equal groups of
# neighbouring channels; **RMSNorm** (Zhang and Sennrich 2019) leaves the mean alone, and divides the row by the root of the
# mean of its squares.
#
# ### Exercise 7.2 · Three norms
#
# `x` is `(n, channels)`. Return a tuple of three, LayerNorm, GroupNorm, RMSNorm, without scales and shifts.
#
# <details><summary>Hint 1</summary>`x.unflatten(1, (n_groups, -1))` puts the groups on an axis of their own;
# `.flatten(1)` undoes it.</details>
# <details><summary>Hint 2</summary>One group is LayerNorm. RMSNorm has ε under its root as well.</details>


# %% tags=["stub"]
def three_norms(x, n_groups, eps): ...


checks.check_7_2(three_norms)


# %% tags=["solution"]
def three_norms(x, n_groups, eps):
    def group(n):
        parts = x.unflatten(1, (n, -1))
        spread = parts.var(2, keepdim=True, unbiased=False) + eps
        return ((parts - parts.mean(2, keepdim=True)) / spread.sqrt()).flatten(1)

    rms = x / (x.square().mean(1, keepdim=True) + eps).sqrt()
    return group(1), group(n_groups), rms


checks.check_7_2(three_norms)


# %% tags=["fold"]
# ours, in case yours is open; parity with PyTorch; LayerNorm is RMSNorm of the centred row
def our_three_norms(x, n_groups, eps):
    def group(n):
        parts = x.unflatten(1, (n, -1))
        spread = parts.var(2, keepdim=True, unbiased=False) + eps
        return ((parts - parts.mean(2, keepdim=True)) / spread.sqrt()).flatten(1)

    return group(1), group(n_groups), x / (x.square().mean(1, keepdim=True) + eps).sqrt()


passed = checks.check_7_2(three_norms).startswith("passed")
three, whose = (three_norms, "yours") if passed else (our_three_norms, "ours")
z = torch.randn(6, 12).double() + 1
layer, group, rms = (torch.as_tensor(part) for part in three(z, 3, 1e-5))
centred = torch.as_tensor(three(z - z.mean(1, keepdim=True), 3, 1e-5)[2])
pairs = {
    f"{whose} against PyTorch's LayerNorm": (layer, functional.layer_norm(z, (12,))),
    f"{whose} against PyTorch's GroupNorm": (group, functional.group_norm(z, 3)),
    f"{whose} against PyTorch's RMSNorm": (rms, functional.rms_norm(z, (12,), eps=1e-5)),
    "RMSNorm of the row minus its mean against LayerNorm": (centred, layer),
    "RMSNorm of the row itself against LayerNorm": (rms, layer),
}
for label, (a, b) in pairs.items():
    print(f"{label:52} largest difference {(a - b).abs().max():.0e}")

# %% [markdown]
# Which numbers does each of them average over? Do not take the word of a drawing: nudge *one* input number, and look which
# outputs move.

# %% tags=["fold"]
# figure: what moves when one number is nudged, for each norm
z, row, channel = torch.randn(6, 12).double() + 1, 2, 4
nudged = z.clone()
nudged[row, channel] += 5
by_name = {"BatchNorm": lambda z: norm(z, 1e-5)}
by_name |= {
    name: lambda z, k=k: torch.as_tensor(three(z, 3, 1e-5)[k]) for k, name in enumerate(("LayerNorm", "GroupNorm", "RMSNorm"))
}
moved = {name: (work(nudged) - work(z)).abs() > 1e-9 for name, work in by_name.items()}
fig, axes = plt.subplots(1, 4, figsize=(10, 2.2), sharey=True)
for ax, (name, cells) in zip(axes, moved.items()):
    ax.pcolormesh(cells, cmap="Blues", vmin=0, vmax=1.6, edgecolors="0.8", linewidth=0.5)
    ax.text(channel + 0.5, row + 0.5, "●", color="C1", ha="center", va="center")
    n_rows, n_channels = cells.any(1).sum(), cells.any(0).sum()
    ax.set(title=f"{name}: {n_rows} × {n_channels}", xlabel="channel", xticks=[], yticks=[], ylim=(6, 0), aspect="equal")
    ax.grid(False)
axes[0].set_ylabel("row of the batch")
counts = "; ".join(f"{name} {cells.any(1).sum()} rows × {cells.any(0).sum()} channels" for name, cells in moved.items())
show(
    fig,
    alt="Four grids of six rows and twelve channels with one dot each; shaded are the outputs that move: a column for "
    "BatchNorm, a row for LayerNorm and RMSNorm, a third of a row for GroupNorm with three groups.",
    reading=f"The dot is the number that was nudged, the shade what moved (rows × channels): {counts}.",
)

# %% [markdown]
# BatchNorm's column is the company. The other three stay within a row, and so they need no memory, nor a mode: what they do
# in training they do in `eval()`. LayerNorm and RMSNorm leave the same picture; section 7 tells them apart.
#
# ## 5 · How much company does it take to learn?
#
# Now all of them learn, in batches of 64. For BatchNorm alone we vary the company: how many of these 64 are normalized
# together. Steps, data and the learning rates on offer are the same for all; each is shown at the rate that validation prefers.

# %%
norms = {"none": nn.Identity, "LayerNorm": nn.LayerNorm}
norms |= {"GroupNorm": partial(nn.GroupNorm, 8), "RMSNorm": partial(nn.RMSNorm, eps=1e-5)}
norms |= {company: partial(BatchNorm, company=company) for company in companies}
runs = [{"norm": make, "lr": lr, "seed": seed + k}
        for make in norms.values() for lr in lrs for k in range(n_runs)]  # fmt: skip
_, networks = train_runs(reader, train, val, runs, epochs=epochs, evaluate_every=epochs)

# %% [markdown]
# **Predict.** After `eval()` no company is needed any more. Does it matter how much there was in *training*? (Remember the pair
# of section 2.)

# %%
prediction = None  # the smallest of `companies` that comes within two points of the best

# %% tags=["fold"]
# validation accuracy of each network after eval(), and for each norm the learning rate that is best there
names = [(name, lr) for name in norms for lr in lrs]
trained = {key: networks[k * n_runs : (k + 1) * n_runs] for k, key in enumerate(names)}
on_val = {key: np.array([reads(network, *val) for network in trained[key]]) for key in names}
best = {name: max(((name, lr) for lr in lrs), key=lambda key: on_val[key].mean()) for name in norms}
on_val = {name: on_val[key] for name, key in best.items()}
without_batch = [name for name in norms if name not in companies]
at_home = {c: np.array([read_in_company(network, c, "mixed") for network in trained[best[c]]]) for c in companies[:2]}
kind = {company: f"BatchNorm of {company}" for company in companies}
preferred = "; ".join(f"{rate:g} by {', '.join(kind.get(n, n) for n, lr in best.values() if lr == rate)}" for rate in lrs)
asked = [len({ask(trained[best["LayerNorm"]][0], x[k : k + 1], x[mixed_company(k)]) for _ in range(2)}) for k in range(200)]
print(f"Asked as in section 1, a LayerNorm reader gives another answer in other company for {sum(n > 1 for n in asked)} of 200 "
      f"letters (BatchNorm: {sum(random_differ)}).")  # fmt: skip

# %% tags=["fold"]
# figure: accuracy on new typefaces against the company in training
fig, ax = plt.subplots()
mean, half = zip(*[mean_and_interval(on_val[company])[:2] for company in companies])
ax.errorbar(companies, mean, half, marker="o", capsize=2, label=f"BatchNorm (n = {n_runs})")
low, high = (extreme(on_val[name].mean() for name in without_batch) for extreme in (min, max))
ax.axhspan(low, high, color="C1", alpha=0.5, label=f"other norms and none, {low:.0%} to {high:.0%}")
enough = next(c for c in companies if on_val[c].mean() > max(on_val[d].mean() for d in companies) - 0.02)
ax.set(
    xscale="log",
    xlabel="letters that BatchNorm normalized together in training",
    ylabel="validation accuracy after eval()",
    xticks=companies,
    xticklabels=companies,
    ylim=(0, None),
    title=f"A company of {enough} comes within two points of the best",
)
ax.minorticks_off()
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend()
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Validation accuracy of BatchNorm rises with the company it had in training; the other norms, and none, are one level "
    "band.",
    reading="BatchNorm reads "
    + ", ".join(f"{on_val[c].mean():.0%} after companies of {c}" for c in companies)
    + f" (guessing: 10 %); {', '.join(f'{name} {on_val[name].mean():.0%}' for name in without_batch)}. In train mode, in the "
    f"company they learned in, those of {companies[0]} read {at_home[companies[0]].mean():.0%}, those of {companies[1]} "
    f"{at_home[companies[1]].mean():.0%}. Preferred rates: {preferred}.{yours}",
)

# %% tags=["fold"]
# claims 07.3 and 07.4: little company in training, and whether eval() is to blame
little, most = companies[1], companies[-1]
claims.compare(
    "07.3",
    f"BatchNorm that learned in companies of {little} reads new letters worse than one that learned in companies of {most}.",
    on_val[most],
    on_val[little],
    margin=0.02,
    names=(f"companies of {most}", f"of {little}"),
    unit="points",
    over="training runs on these letters",
    source="Wu and He 2018, arXiv:1803.08494, for convolutional networks",
)
claims.compare(
    "07.4",
    f"BatchNorm that learned in companies of {little} reads better after `eval()` than in train mode, in companies of {little}.",
    on_val[little],
    at_home[little],
    margin=0.02,
    names=("after eval()", "train mode"),
    unit="points",
    over="training runs on these letters",
)

# %% [markdown]
# Is `eval()` to blame, since the network learned with other averages? See 07.4 and the end of the caption: what reads badly
# even in the company it learned in has failed while *learning*. (In pairs, hardly more than signs passes a norm.) Nor does
# adding up gradients over small batches help: every step above saw 64 letters, whatever the company. In a convolutional network
# each picture brings all its pixels to the average; yet for ImageNet in companies of two, GroupNorm "has 10.6% lower error" (Wu
# and He).
#
# And with company enough: does the best norm read new letters better than none, in a network as shallow as this? Validation
# chooses, test reports:

# %%
chosen = max(on_val, key=lambda name: on_val[name].mean())
on_test = {name: np.array([reads(network, *test) for network in trained[best[name]]])
           for name in ("none", "LayerNorm", chosen)}  # fmt: skip

# %% tags=["fold"]
# test and training accuracy of none, LayerNorm and the chosen one, and the paired difference from none on test
for name, values in on_test.items():
    mean, half, n = mean_and_interval(values)
    gain, width, _ = mean_and_interval(values - on_test["none"])
    label = (f"BatchNorm, {name}" if name in companies else name) + " (chosen)" * (name == chosen)
    tie = ", a tie" if abs(gain) <= width else ""
    verdict = "" if name == "none" else f"; against none {100 * gain:+.1f} ± {100 * width:.1f}{tie}"
    learned = np.mean([reads(network, *train) for network in trained[best[name]]])
    print(f"{label:23} {100 * mean:.1f} ± {100 * half:.1f} % of the test letters (n = {n}), {learned:.0%} of training's{verdict}")

# %% [markdown]
# *Why* a norm can help is disputed: Ioffe and Szegedy meant to reduce "internal covariate shift", Santurkar et al. (2018) found
# that stable distributions have "little to do" with it, and saw a smoother loss instead; Luo et al. (2019) take BatchNorm apart
# into fixed statistics and a regularizer: companions drawn anew for every step are noise. Fewer of them are more noise: the
# figure says whether that reads better here.
#
# ## 6 · Behind dropout
#
# Ioffe and Szegedy found that BatchNorm makes dropout needless in some cases. Can the two stand together? In training BatchNorm
# hands on variance 1, by construction. After `eval()`, only if what comes in still fits what it *remembers*. Lesson 04, section
# 7, let dropout break that on random numbers. Here it is in trained readers, in the popular order, norm, ReLU, **dropout**,
# `Linear`, norm:


# %%
def reader_with_dropout(p_drop):
    layers = list(reader())
    return nn.Sequential(*layers[:4], Dropout(p_drop), *layers[4:])  # layers 5 and 6: Linear, norm


# %% tags=["fold"]
# the variance that the second norm hands on, accuracy and loss: after eval(), and with its memory mended (dropout off)
@torch.no_grad()
def variance_in_eval(network):
    network, place = network.eval(), len(network) - 3
    return (network[:place](x).var(0) / network[place].running_var).mean().item()


@torch.no_grad()
def mended(network):
    network = deepcopy(network).eval()
    for layer in network:
        if isinstance(layer, nn.BatchNorm1d):
            layer.reset_running_stats()
            layer.train().momentum = None  # a plain average over the batches
    for batch in train[0].split(max(64, n_train // 4)):
        if len(batch) > 1:
            network(batch)
    return network.eval()


runs = [{"p_drop": p_drop, "seed": seed + k, "lr": lrs[-1]} for k in range(n_runs)]
_, dropped = train_runs(reader_with_dropout, train, val, runs, epochs=epochs, evaluate_every=epochs)
kinds = {"no dropout": readers, f"p = {p_drop:g}": dropped, f"p = {p_drop:g}, memory mended": list(map(mended, dropped))}
handed_on = {label: np.array([variance_in_eval(network) for network in group]) for label, group in kinds.items()}
lines = [f"{'after eval(), validation letters':33} variance   read         loss (nats)"]
read = {label: np.array([reads(network, x, y) for network in group]) for label, group in kinds.items()}
for label, group in kinds.items():
    mean, half, _ = mean_and_interval(read[label])
    with torch.no_grad():
        loss = np.mean([nll(network(x), y) for network in group])
    lines.append(f"{label:33} {handed_on[label].mean():6.2f}     {100 * mean:.1f} ± {100 * half:.1f} %   {loss:.2f}")
gain, width, _ = mean_and_interval(read[f"p = {p_drop:g}, memory mended"] - read[f"p = {p_drop:g}"])
tie = ", a tie" if abs(gain) <= width else ""
print(*lines, f"mending changes what is read by {100 * gain:+.1f} ± {100 * width:.1f} points{tie}", sep="\n")

# %% tags=["fold"]
# claim 07.5: the variance behind dropout, in trained readers
claims.compare(
    "07.5",
    "After `eval()`, a trained BatchNorm behind dropout normalizes to less variance than one without dropout before it.",
    handed_on["no dropout"],
    handed_on[f"p = {p_drop:g}"],
    margin=0.05,
    names=("no dropout", "behind dropout"),
    over="training runs on these letters",
    source="Li et al. 2019, arXiv:1801.05134",
)

# %% [markdown]
# With dropout on, BatchNorm remembers another variance than it meets in `eval()`: the "variance shift" of Li et al. (2019). What
# it *costs* is another matter, and how much of that mending pays back: compare the last two rows, what is read *and* the loss.
# (Mended, the memory is of training letters; these are new ones, so that the variance need not be 1.) Mending is cheap to try:
# let the training letters pass once more with dropout off, and only the memory on. Or put dropout behind the last BatchNorm.
#
# ## 7 · The detective
#
# Five networks of section 5, sealed: you cannot see their code. From each you get its first norm as a `box`: a function from
# `(n, n_channels)` numbers, with n from 4 to 64, to as many, in train mode. One is a BatchNorm, one a LayerNorm, one a GroupNorm
# (of two groups or more), one an RMSNorm; one has no norm, but may scale and shift its channels, as the others do.
#
# You may disturb one example, or one channel; add an offset; change the scale. What does each norm *not notice*?
#
# ### Exercise 7.3 · Whodunit
#
# Write a `detective(box, n_channels)` that returns `"BatchNorm"`, `"LayerNorm"`, `"GroupNorm"`, `"RMSNorm"` or `"none"`.
#
# <details><summary>Hint 1</summary>The figure of section 4 settles two of the five; how would it look without a
# norm?</details>
# <details><summary>Hint 2</summary>LayerNorm subtracts the mean of the row. Which disturbance does it therefore not notice,
# and RMSNorm does? (Nudge hard, by 10, say; compare with a tolerance such as 1e-4; ask for most of a row, not for all of
# it.)</details>


# %% tags=["stub"]
def detective(box, n_channels): ...


checks.check_7_3(detective)


# %% tags=["solution"]
def detective(box, n_channels):
    x = torch.randn(8, n_channels)
    nudged = x.clone()
    nudged[0, 0] += 5
    moved = (box(nudged) - box(x)).abs() > 1e-4
    if moved[1:].any():
        return "BatchNorm"
    if moved[0].sum() == 1:
        return "none"
    if moved[0].float().mean() < 0.75:
        return "GroupNorm"
    return "LayerNorm" if torch.allclose(box(x + 1), box(x), atol=1e-3) else "RMSNorm"


checks.check_7_3(detective)


# %% tags=["fold"]
# the five boxes in an order you do not know, and a sixth; ours in case your detective is not hired yet
def our_detective(box, n_channels):
    x = torch.randn(8, n_channels)
    nudged = x.clone()
    nudged[0, 0] += 5
    moved = (box(nudged) - box(x)).abs() > 1e-4
    if moved[1:].any() or moved[0].sum() == 1:
        return "BatchNorm" if moved[1:].any() else "none"
    if moved[0].float().mean() < 0.75:
        return "GroupNorm"
    return "LayerNorm" if torch.allclose(box(x + 1), box(x), atol=1e-3) else "RMSNorm"


hired = checks.check_7_3(detective).startswith("passed")
work, whose = (detective, "your") if hired else (our_detective, "our")
first_norms = {name: deepcopy(trained[best[name]][0][2]).train() for name in (*without_batch, most)}
right = 0
for number, k in enumerate(torch.randperm(5).tolist()):
    name, layer = list(first_norms.items())[k]
    said, truth = work(checks.sealed(layer, device), 128), "BatchNorm" if name in companies else name
    right += said[0].lower() == truth[0].lower()
    print(f"box {number + 1}: {whose} detective says {said:10} it is {truth}")
print(f"{right} of 5")
print(
    f"box 6: {whose} detective says {work(checks.sealed(first_norms[most].eval(), device), 128):10} it is BatchNorm, after eval()"
)

# %% [markdown]
# Box 6 is no mistake: after `eval()` there is nothing left to notice.
#
# ## What to take along
#
# * One formula; the axis decides. Over the batch: an answer can depend on its company. Within a row: it cannot.
# * `eval()` puts memory in the place of company. Forgotten, small or sorted batches are read badly, without an error.
# * BatchNorm needs company while it *learns*; with too little it fails there, and not when asked. The other norms need none.
# * Dropout in front of BatchNorm shifts the variance after `eval()`; whether that costs anything, validation says.
#
# **On your own model:** take `m = deepcopy(model)` (in train mode, asking changes its memory), and ask about one example in two
# batches, `m(torch.cat([one, a]))[0]` and `m(torch.cat([one, b]))[0]`. Look at one number, the largest difference: more than
# rounding means that the answer hangs on the company, or on chance: BatchNorm or dropout is in train mode.
#
# **References.** Ioffe and Szegedy 2015, [arXiv:1502.03167](https://arxiv.org/abs/1502.03167) ·
# Ba et al. 2016, [arXiv:1607.06450](https://arxiv.org/abs/1607.06450) ·
# Wu and He 2018, [arXiv:1803.08494](https://arxiv.org/abs/1803.08494) ·
# Zhang and Sennrich 2019, [arXiv:1910.07467](https://arxiv.org/abs/1910.07467) ·
# Hoffer et al. 2017, [arXiv:1705.08741](https://arxiv.org/abs/1705.08741) ·
# Santurkar et al. 2018, [arXiv:1805.11604](https://arxiv.org/abs/1805.11604) ·
# Luo et al. 2019, [arXiv:1809.00846](https://arxiv.org/abs/1809.00846) ·
# Li et al. 2019, [arXiv:1801.05134](https://arxiv.org/abs/1801.05134)
#
# **Next:** [08 · Data and stopping](08_data_and_stopping.ipynb).

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
claims.table()
metrics = {f"val_{name}": on_val[name].mean() for name in norms} | {"val_eval_forgotten_8": forgotten["mixed"][:, 2].mean()}
record = claims.record(parameters, metrics | {"test_chosen": on_test[chosen].mean(), "test_none": on_test["none"].mean()})

# %% [markdown] tags=["instructor"]
# **Minute plan (45).** 6 hook and section 1 (vote first) · 10 exercise 7.1, in pairs · 4 the pair and the memory · 6 exercise
# 7.2 · 6 section 5 (vote first) · 3 section 6 · 8 the detective, in pairs · 2 wrap-up. **When short:** section 6 is reading.
# **Ask before running:** what is left of a B when the mean of sixteen Bs is subtracted? Which of the norms can be trained with
# one picture? **Expect:** "without eval() it is random"; "BatchNorm2d averages over n only"; "eval() is needed for LayerNorm"
# (for dropout it is); "RMSNorm subtracts the mean".
