# %% [markdown]
# # Deep dive 04 · The average of 2ⁿ networks
#
# **What is the average of 2ⁿ networks?**
#
# A network trained with dropout is a crowd. Every mask leaves another sub-network, and below twelve of them look at the same
# letter. Lesson 04 asked a hundred, averaged, and found that the whole network reads as well in one pass.
#
# But there are two ways to average, and they tell apart what an accuracy hides. You write one of them, find out when it is the
# better one, and meet the members of the crowd that nobody ever trained.
#
# *{minutes} minutes. You need lesson 04.*
#
# <details><summary>Lesson 04: where is the whole network exactly an average of its sub-networks?</summary>
# Where the mask stands right before the softmax: then the logits are linear in it.</details>
# <details><summary>What does the negative log-likelihood punish that accuracy does not see?</summary>
# Being sure and wrong.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 4  # [3, 64] training runs of each setting
rates: list = [0.25, 0.5, 0.75]  # 2 to 9 rising values in [0.05, 0.95]: dropout rates
n_members: int = 40  # [12, 1000] sub-networks asked
n_drawn: list = [1, 8, 64, 512]  # 2 to 9 rising whole numbers in [1, 4096]: masks used in training, of 65,536
label_noise: float = 0.1  # [0, 0.5] share of wrong labels in the training letters
n_train: int = 1000  # [100, 20000] training letters
epochs: int = 40  # [1, 500] passes over them
lr: float = 1e-3  # (0, 0.1) learning rate of AdamW
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the letters of lesson 04 (one label in ten wrong), and networks trained on them with dropout
import itertools

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn
from torch.nn import functional

from course_utils.checks.deeper import d04_ensemble as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.measure import accuracy, nll
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import fit

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("04.ensemble")


def grey(x):
    small = functional.avg_pool2d(x.mean(1, keepdim=True), 2)
    return (small - small.mean((2, 3), keepdim=True)) / small.std((2, 3), keepdim=True)


letters = load("letters", n_train=n_train, n_val=1000, n_test=10, seed=seed, device=device)
train, val = ((grey(x), y) for x, y in (letters.train, letters.val))
noise = torch.Generator().manual_seed(seed)
is_wrong = torch.rand(n_train, generator=noise) < label_noise
shift = torch.randint(1, 10, (n_train,), generator=noise) * is_wrong
train = (train[0], (train[1] + shift.to(device)) % 10)
x, y = val


def build(p_drop):
    return mlp(n_inputs=256, n_hidden=(256, 256), n_outputs=10, p_drop=p_drop)


runs = [{"p_drop": p, "seed": seed + k, "lr": lr} for p in rates for k in range(n_runs)]
_, networks = train_runs(build, train, val, runs, epochs=epochs, evaluate_every=epochs, progress=False)
trained = {p: networks[i * n_runs : (i + 1) * n_runs] for i, p in enumerate(rates)}

# %% tags=["fold"]
# figure: one letter, and what twelve sub-networks say of it
with torch.no_grad():
    crowd = torch.stack([torch.softmax(trained[rates[0]][0].train()(x), -1) for _ in range(12)])
k = int(crowd.std(0).sum(-1).argmax())
fig, (left, right) = plt.subplots(1, 2, figsize=(8.0, 2.9), width_ratios=[1, 3.2])
left.imshow(x[k, 0].cpu(), cmap="gray")
left.set_title(f"this is: {letters.classes[y[k]]}", loc="center")
left.axis("off")
image = right.imshow(crowd[:, k].cpu(), cmap="cividis", vmin=0, vmax=1, aspect="auto")
right.set(xlabel="letter", ylabel="sub-network", xticks=range(10), xticklabels=letters.classes, yticks=[])
right.grid(False)
fig.colorbar(image, label="probability")
votes = np.bincount(crowd[:, k].argmax(-1).cpu(), minlength=10)
title = ", ".join(f"{votes[j]} say {letters.classes[j]}" for j in votes.argsort()[::-1] if votes[j])
right.set_title(f"Twelve sub-networks: {title}", fontsize=9)
show(
    fig,
    alt="A grey letter, and a heat map of the probabilities that twelve sub-networks of one network give to ten letters.",
    reading=f"The letter that they disagree about most: {title}. Each row is one mask of the same trained network. "
    f"{int((crowd[:, k].max(-1)[0] > 0.5).sum())} of the twelve give their letter more than half of the probability.",
)

# %% [markdown]
# ## 1 · A vote or a veto
#
# The probabilities of the members, `q[m, k]`, can be averaged as they are: the **arithmetic** mean, a vote. Or multiplied:
# the **normalized geometric** mean takes the $M$-th root of the product and divides by the sum, so that probabilities result,
#
# $$\bar q(k) \;\propto\; \Big(\prod_{m} q_m(k)\Big)^{1/M} .$$
#
# Here every member holds a veto: a single probability near 0 pulls the product down. This is the mean for which the whole
# network stands.
#
# ### Exercise 1 · The geometric mean
#
# `q` has the shape (members, ..., classes); return (..., classes). There may be hundreds of members. Yours is used below.
#
# <details><summary>Hint 1</summary>What becomes of a product of 300 numbers around 0.01 in a computer? What does the logarithm
# make of a product and a root?</details>
# <details><summary>Hint 2</summary>The result must sum to 1 over the last axis.</details>


# %% tags=["stub"]
def geometric_mean(q): ...


checks.check_1(geometric_mean)


# %% tags=["solution"]
def geometric_mean(q):
    mean = np.exp(np.log(q).mean(0))
    return mean / mean.sum(-1, keepdims=True)


checks.check_1(geometric_mean)

# %% tags=["fold"]
# ours, used where yours is open
if not checks.check_1(geometric_mean).startswith("passed"):

    def geometric_mean(q):
        mean = np.exp(np.log(q).mean(0))
        return mean / mean.sum(-1, keepdims=True)


# %% [markdown]
# ## 2 · One accuracy, two losses
#
# Now the crowd of each trained network reads letters in typefaces that it has never seen:


# %%
@torch.no_grad()
def ask(network, x, n):
    network.train()  # dropout on
    return torch.stack([torch.softmax(network(x).double(), -1) for _ in range(n)]).cpu().numpy()


@torch.no_grad()
def ask_once(network, x):
    return torch.softmax(network.eval()(x).double(), -1).cpu().numpy()  # dropout off


# %% [markdown]
# **Predict.** Trained with the smallest rate, the network learns some of its wrong labels by heart. Which average has the lower
# loss (negative log-likelihood)? And trained with the largest rate?

# %%
prediction = None  # small rate, large rate: such as ("vote", "veto"); "vote" is the arithmetic mean

# %% tags=["fold"]
# accuracy, loss and mean confidence of one member, of both means and with dropout off
label = y.cpu().numpy()


def measured(q):
    """Accuracy, loss and mean confidence of probabilities (letters, classes)."""
    q = torch.as_tensor(q)
    return accuracy(q, y.cpu()), nll(q.log(), y.cpu()), q.max(-1)[0].mean().item()


readers = {"dropout off": [], "geometric mean": [], "arithmetic mean": []}
members, gains = [], []
for p in rates:
    for network in trained[p]:
        q = ask(network, x, n_members)
        members.append([measured(one) for one in q])
        readers["dropout off"].append(measured(ask_once(network, x)))
        readers["geometric mean"].append(measured(np.asarray(geometric_mean(q))))
        readers["arithmetic mean"].append(measured(q.mean(0)))
members = np.array(members).reshape(len(rates), n_runs, n_members, 3)  # rate, run, member, what
readers = {name: np.array(values).reshape(len(rates), n_runs, 3) for name, values in readers.items()}  # rate, run, what
off, geometric, arithmetic = readers.values()

# %% tags=["fold"]
# figure: accuracy and loss of the two means and with dropout off, against the rate
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.3))
for (name, values), style, marker in zip(readers.items(), ("--", ":", "-"), "osD"):
    for what, ax in enumerate(axes):
        mean, half = zip(*[mean_and_interval(values[i, :, what])[:2] for i in range(len(rates))])
        ax.errorbar(rates, mean, half, linestyle=style, marker=marker, capsize=2, label=f"{name} (n = {n_runs})")
better = ["arithmetic" if d > 0 else "geometric" for d in (geometric - arithmetic)[[0, -1], :, 1].mean(1)]
axes[0].set(xlabel="dropout rate p", ylabel="accuracy on new typefaces", title="Accuracy: hard to tell apart")
apart = max(abs(a[:, :, 0].mean(1) - b[:, :, 0].mean(1)).max() for a, b in itertools.combinations(readers.values(), 2))
axes[0].set_title(f"Accuracy: at most {100 * apart:.1f} points apart")
axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
axes[1].set(
    xlabel="dropout rate p",
    ylabel="loss (nats)",
    title=f"Lower loss: {better[0]} at p = {rates[0]:g}, {better[1]} at {rates[-1]:g}",
)
for ax in axes:
    ax.title.set_fontsize(9)
axes[1].legend(fontsize=8)
names = {"arithmetic": "vote", "geometric": "veto"}
yours = f" You said {prediction}; measured: {tuple(names[b] for b in better)}." if prediction else ""
show(
    fig,
    alt="Two panels against the dropout rate: three accuracy curves nearly on each other, and three loss curves, of which the "
    "arithmetic mean's goes its own way.",
    reading=f"The loss at p = {rates[0]:g}: off {off[0, :, 1].mean():.2f}, geometric {geometric[0, :, 1].mean():.2f}, arithmetic "
    f"{arithmetic[0, :, 1].mean():.2f} nats; at p = {rates[-1]:g}: {off[-1, :, 1].mean():.2f}, {geometric[-1, :, 1].mean():.2f}, "
    f"{arithmetic[-1, :, 1].mean():.2f}.{yours}",
)

# %% tags=["fold"]
# claims 1 to 3: the accuracies, and the losses at the smallest and the largest rate
claims.same(
    "04.ensemble.1",
    "The arithmetic and the geometric mean of a crowd read equally well, to within two points.",
    arithmetic[:, :, 0].mean(0),
    geometric[:, :, 0].mean(0),
    margin=0.02,
    names=("arithmetic", "geometric"),
    unit="points",
    over="training runs on these letters",
)
claims.compare(
    "04.ensemble.2",
    "At the smallest rate the arithmetic mean has the lower loss on these new typefaces.",
    geometric[0, :, 1],
    arithmetic[0, :, 1],
    names=("geometric", "arithmetic"),
    unit="nats",
    over="training runs on these letters",
)
claims.compare(
    "04.ensemble.3",
    "At the largest rate the geometric mean has the lower loss.",
    arithmetic[-1, :, 1],
    geometric[-1, :, 1],
    names=("arithmetic", "geometric"),
    unit="nats",
    over="training runs on these letters",
)

# %% [markdown]
# Same weights, same masks, same accuracy, and the winner changes. Why? Compare how sure each reader is with how often it is
# right:

# %%
for i, p in enumerate(rates):
    print(f"p = {p:<5g} right {off[i, :, 0].mean():.0%}, and sure of it:", end=" ")
    print(", ".join(f"{name} {v[i, :, 2].mean():.0%}" for name, v in readers.items()))

# %% [markdown]
# A vote keeps the doubts of the minority, so the arithmetic mean is the less confident one. Where the network is more sure
# than right, that is a cure. Where it is already too modest, it is one doubt too many. The geometric mean stays at the whole
# network's confidence, whatever that is.
#
# ## 3 · What a crowd gains, before anyone knows the answer
#
# Call the true letter $y$. The loss of the geometric mean is $-\log \bar q(y)$, that of member $m$ is $-\log q_m(y)$. Take the
# average over the members, subtract, and see what happens to $y$.
#
# ### Exercise 2 · The gain
#
# For one letter, `q` of shape (members, classes), return the average member's loss minus the loss of the geometric mean. You
# are **not** given the label.
#
# <details><summary>Hint 1</summary>Write the geometric mean as g(k) / Z, with g(k) the M-th root of the product and Z its
# sum over the classes. What is the average of −log q over the members, in terms of g?</details>
# <details><summary>Hint 2</summary>−log g(y) cancels. One term is left.</details>


# %% tags=["stub"]
def gain(q): ...


checks.check_2(gain)


# %% tags=["solution"]
def gain(q):
    return -np.log(np.exp(np.log(q).mean(0)).sum())


checks.check_2(gain)

# %% tags=["fold"]
# the gain without labels (yours, or ours where yours is open) against the losses with labels; and a less equal crowd
if not checks.check_2(gain).startswith("passed"):

    def gain(q):
        return -np.log(np.exp(np.log(q).mean(0)).sum())


middle = len(rates) // 2
q = ask(trained[rates[middle]][0], x, n_members)
losses = -np.log(q[:, np.arange(len(label)), label])  # member, letter
ours = measured(np.asarray(geometric_mean(q)))[1]
print(f"with labels: average member {losses.mean():.3f}, geometric mean {ours:.3f}, gain {losses.mean() - ours:.3f} nats")
print(
    f"without:                                                gain {np.mean([gain(q[:, i]) for i in range(len(label))]):.3f} nats"
)
print(f"the best of the {n_members} members: {losses.mean(1).min():.3f} nats")
clueless = np.random.default_rng(seed).dirichlet(np.ones(10), (7, len(label)))
mixed = np.concatenate([np.asarray(geometric_mean(q))[None], clueless])
mixed_loss = measured(np.asarray(geometric_mean(mixed)))[1]
print(f"another crowd, this geometric mean and seven that guess: {mixed_loss:.3f} nats; its best member: {ours:.3f} nats")

# %% [markdown]
# The gain is $-\log Z$: how much the members *disagree*. No label is needed, and it is never negative, because a geometric mean
# never exceeds an arithmetic one. So the crowd is never worse than its **average** member. Its best member is another matter:
# compare the last two lines. A crowd wins where its members are about equally good and differ.
#
# ## 4 · Members that nobody trained
#
# Every letter of every step draws a mask of its own. Even so, `n_train * epochs` draws stand against $2^{512}$ masks:
# nearly every member that you can ask has never been trained. How do they know anything?
#
# Make it testable. Sixteen units before the read-out have 65,536 masks. In training, use only a short list of them:


# %%
class DropoutFromList(nn.Module):
    def __init__(self, n_masks):
        super().__init__()
        self.register_buffer("masks", (torch.rand(n_masks, 16) < 0.5).float())

    def forward(self, x):
        mask = self.masks[torch.randint(len(self.masks), (len(x),))]
        return 2 * x * mask if self.training else x


# %% [markdown]
# **Predict.** How long must the list be until members that are *not* on it read as well as those on it?

# %%
prediction = None  # 1, 8, 64, 512, or more than that


# %% tags=["fold"]
# train with short and long lists, then ask members on the list and members that are not on it
@torch.no_grad()
def read_with(network, masks):
    hidden = 2 * network.eval()[:6](x)
    return accuracy(network[7](hidden * masks[:, None]), y.expand(len(masks), -1))


def train_on_list(n_masks, k):
    torch.manual_seed(seed + k)
    network = mlp(n_inputs=256, n_hidden=(128, 16), n_outputs=10)
    network[6] = DropoutFromList(n_masks)
    optimizer = torch.optim.AdamW(network.to(device).parameters(), lr=2 * lr)
    half = max(1, epochs // 2)
    fit(network, train, val, optimizer, epochs=half, seed=seed + k, evaluate_every=half, progress=False)
    return network


listed, unlisted = np.empty((2, len(n_drawn), n_runs))
for (i, n), k in itertools.product(enumerate(n_drawn), range(n_runs)):
    network = train_on_list(n, k)
    masks = network[6].masks
    others = (torch.rand(300, 16, generator=noise) < 0.5).float().to(device)
    others = others[~(others[:, None] == masks[None]).all(-1).any(1)]
    listed[i, k], unlisted[i, k] = read_with(network, masks[:300]), read_with(network, others)

# %% tags=["fold"]
# figure: accuracy of members drawn in training and of others, against the number drawn
fig, ax = plt.subplots()
for name, values, style, marker in (("on the list", listed, "--", "o"), ("never drawn", unlisted, "-", "s")):
    mean, half = zip(*[mean_and_interval(row)[:2] for row in values])
    ax.errorbar(n_drawn, mean, half, linestyle=style, marker=marker, capsize=2, label=f"members {name} (n = {n_runs})")
ax.set(xscale="log", xticks=n_drawn, xticklabels=n_drawn, xlabel="masks used in training, of 65,536")
ax.set(ylabel="accuracy of one member, new typefaces")
gap = 100 * (listed - unlisted).mean(1)
ax.set_title(f"On the list against never drawn: {gap[0]:+.0f} points with {n_drawn[0]}, {gap[-1]:+.1f} with {n_drawn[-1]} masks")
ax.title.set_fontsize(9)
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.minorticks_off()
ax.legend()
enough = next((n for n, g in zip(n_drawn, gap) if abs(g) < 3), None)
yours = f" You said {prediction}." if prediction else ""
show(
    fig,
    alt="Accuracy of single members against the number of masks used in training: two curves that meet.",
    reading=f"With {n_drawn[0]} on the list its members read {listed[0].mean():.0%}, others {unlisted[0].mean():.0%}. "
    + (f"From {enough} on the two are within three points" if enough else "On this grid they never come within three points")
    + f"; with {n_drawn[-1]} they read {listed[-1].mean():.1%} and {unlisted[-1].mean():.1%}.{yours}",
)

# %% tags=["fold"]
# claim 4: members never drawn read as well as members drawn
claims.same(
    "04.ensemble.4",
    "Trained under the longest list of masks, members never drawn read as well as drawn ones, to within three points.",
    unlisted[-1],
    listed[-1],
    margin=0.03,
    names=("never drawn", "drawn"),
    unit="points",
    over="training runs on these letters",
    source="Goodfellow et al. 2016, section 7.12",
    myth="Training with dropout is equivalent to training an exponential number of networks.",
    myth_source="a popular sentence",
)

# %% [markdown]
# The members share their weights: whoever trains a unit in one company trains it for all. "An exponential ensemble" is right
# about who may be *asked*; what is *trained* is one set of weights, under noise. What does a single member pay
# for the crowd? Compare the two ends of the dashed curve.
#
# ## 5 · Why one pass comes so close
#
# With a ReLU after the mask the whole network is no exact average. A ReLU cuts the negative half of the noise and keeps the
# positive, so units fire **more** in training than with dropout off. How much more?


# %%
@torch.no_grad()
def surplus(network):
    first, linear = network.eval()[:3], network[4]
    hidden = first(x)
    clean = linear(hidden)
    noisy = torch.stack([linear(functional.dropout(hidden, 0.5)) for _ in range(20)])
    changed = ((noisy > 0) != (clean > 0)).double().mean().item()
    return (torch.relu(noisy).mean() / torch.relu(clean).mean() - 1).item(), changed


# %% tags=["fold"]
# the second layer's surplus before and after training, both with half of the units dropped, and claim 5
before = []
for k in range(n_runs):
    torch.manual_seed(seed + k)
    before.append(surplus(build(0.5).to(device)))
before, after = (np.array(values) for values in (before, [surplus(network) for network in trained[rates[middle]]]))
for when, (more, changed) in {"before training": before.mean(0), "after training": after.mean(0)}.items():
    print(f"{when:15} units fire {more:+.0%} under noise, and {changed:.0%} of them are on the other side of zero")
claims.compare(
    "04.ensemble.5",
    "Training cuts the surplus behind a ReLU to less than half of that in the network it started from.",
    before[:, 0],
    after[:, 0],
    factor=2,
    names=("before training", "after"),
    over="training runs on these letters",
    source="Jensen's inequality for its sign",
)

# %% [markdown]
# Where a unit stays on its side of zero, a ReLU is linear, and the average is exact again. Compare how many change sides before
# and after training: the fewer, the better does dropout off, with no correction at all, stand for the crowd.
#
# ## What to take along
#
# * Dropout off stands for the *geometric* mean. The arithmetic one reads as well, and is less sure of itself.
# * Which has the lower loss depends on whether the network is too sure or too modest. Validation tells.
# * The geometric mean beats its average member by what the members disagree, and no label is needed to know it.
# * Nearly all members are never trained. They know what the shared weights know.
#
# **On your own model:** `q = ask(network, x_val, 30)`, then the loss of `q.mean(0)` against that of `ask_once`. Look at their
# difference: where the first is lower, your network is probably too sure.
#
# **References.** Goodfellow, Bengio, Courville 2016,
# [section 7.12](https://www.deeplearningbook.org/contents/regularization.html) ·
# Hinton et al. 2012, [arXiv:1207.0580](https://arxiv.org/abs/1207.0580) ·
# Warde-Farley et al. 2014, [arXiv:1312.6197](https://arxiv.org/abs/1312.6197), who compare both means, and shared with unshared
# weights

# %% tags=["fold"]
# all claims of this deep dive, and the record of this run
display(claims.table())
metrics = {f"arithmetic_minus_off_{p:g}": (arithmetic - off)[i, :, 1].mean() for i, p in enumerate(rates)}
record = claims.record(parameters, metrics | {"never_drawn": unlisted[-1].mean(), "drawn": listed[-1].mean()})

# %% [markdown] tags=["instructor"]
# **Minute plan (30).** 3 picture, vote or veto · 8 exercise 1, in pairs · 6 section 2 (vote first) · 5 exercise 2 on the board ·
# 5 section 4 (vote first) · 3 wrap-up. **When short:** section 5 is reading. **Ask before running:** what would a member that
# never saw a training step have to know? **Expect:** a product that underflows; "more averaging is always better".
