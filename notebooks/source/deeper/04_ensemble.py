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
n_runs: int = 6  # [3, 64] training runs of each setting
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
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn

from course_utils.checks.deeper import d04_ensemble as checks
from course_utils.claims import Claims
from course_utils.data import grey_thumbnails, load
from course_utils.figures import show, use_course_style
from course_utils.measure import accuracy, nll
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("04.ensemble")


letters = load("letters", n_train=n_train, n_val=1000, n_test=10, seed=seed, device=device)
train, val = ((grey_thumbnails(x), y) for x, y in (letters.train, letters.val))
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
# The probabilities of the members, `q[m, k]`, can be averaged as they are: the **arithmetic** mean, a vote in which each hands
# out shares. Or multiplied: the **normalized geometric** mean takes the $M$-th root of the product and divides by the sum, so
# that probabilities result,
#
# $$\bar q(k) \;\propto\; \Big(\prod_{m} q_m(k)\Big)^{1/M} .$$
#
# Here every member holds a veto: a single probability near 0 pulls the product down.
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
# ours, used where yours is open; and what the two means make of the twelve rows above
if not checks.check_1(geometric_mean).startswith("passed"):

    def geometric_mean(q):
        mean = np.exp(np.log(q).mean(0))
        return mean / mean.sum(-1, keepdims=True)


twelve = crowd[:, k].double().clamp_min(1e-30).cpu().numpy()
print(f"the {letters.classes[y[k]]} from above: most of the twelve say {letters.classes[votes.argmax()]}")
for name, mean in {"arithmetic": twelve.mean(0), "geometric": np.asarray(geometric_mean(twelve))}.items():
    print(f"{name:10} mean: " + ", ".join(f"{letters.classes[j]} {mean[j]:.0%}" for j in mean.argsort()[::-1][:3]))

# %% [markdown]
# ## 2 · Which mean is the whole network?
#
# Right before the softmax, lesson 04 found, dropout off *is* the geometric mean. Here a ReLU and a layer stand between one of
# the masks and the softmax. So measure it: the crowd of each trained network reads letters in typefaces that it has never seen.


# %%
@torch.no_grad()
def ask(network, x, n):
    network.train()  # dropout on
    q = torch.stack([torch.softmax(network(x).double(), -1) for _ in range(n)])
    return q.clamp_min(1e-30).cpu().numpy()


@torch.no_grad()
def ask_once(network, x):
    return torch.softmax(network.eval()(x).double(), -1).clamp_min(1e-30).cpu().numpy()


# %% tags=["fold"]
# accuracy, loss and mean confidence of both means and of dropout off, their distance, and the wrong labels that are repeated
label, wrong = y.cpu().numpy(), is_wrong.to(device)


def measured(q):
    """Accuracy, loss and mean confidence of probabilities (letters, classes)."""
    q = torch.as_tensor(q)
    return accuracy(q, y.cpu()), nll(q.log(), y.cpu()), q.max(-1)[0].mean().item()


def apart(q, r):
    """Share of the probability that would have to move to turn one answer into the other, mean over letters."""
    return abs(q - r).sum(-1).mean() / 2


readers = {"dropout off": [], "geometric mean": [], "arithmetic mean": []}
distance, repeated = [], []
for network in (network for p in rates for network in trained[p]):
    q = ask(network, x, n_members)
    answers = ask_once(network, x), np.asarray(geometric_mean(q)), q.mean(0)
    for values, answer in zip(readers.values(), answers):
        values.append(measured(answer))
    distance.append([apart(answers[0], mean) for mean in answers[1:]])
    repeated.append(accuracy(network.eval()(train[0][wrong]), train[1][wrong]) if wrong.any() else np.nan)
readers = {name: np.array(values).reshape(len(rates), n_runs, 3) for name, values in readers.items()}  # rate, run, what
distance = np.array(distance).reshape(len(rates), n_runs, 2)  # rate, run, geometric or arithmetic
repeated = np.array(repeated).reshape(len(rates), n_runs)
off, geometric, arithmetic = readers.values()
for p, far in zip(rates, distance.mean(1)):
    print(f"p = {p:<5g} dropout off is {far[0]:.1%} of the probability from the geometric mean, {far[1]:.1%} from the arithmetic")

# %% tags=["fold"]
# claim 1: which of the two means dropout off stands for
claims.compare(
    "04.ensemble.1",
    "Dropout off is more than twice as far from the arithmetic as from the geometric mean of its crowd.",
    distance[:, :, 1].mean(0),
    distance[:, :, 0].mean(0),
    factor=2,
    names=("from the arithmetic", "from the geometric"),
    unit="points",
    over="training runs on these letters",
    source="Srivastava et al. 2014; Warde-Farley et al. 2014, arXiv:1312.6197",
)

# %% [markdown]
# So two different readers come out of one network: the geometric mean, which a single pass gives nearly free, and the
# arithmetic one, which has to be paid for member by member. Is it worth paying for? Some training labels were wrong:

# %% tags=["fold"]
# the share of wrong training labels that each network repeats, dropout off
for p, values in zip(rates, repeated):
    print(f"trained with p = {p:<5g} repeats {values.mean():.0%} of its wrong labels" if wrong.any() else "no label was wrong")

# %% [markdown]
# **Predict.** Which average has the lower loss (negative log-likelihood) on new letters, for the smallest rate, and for the
# largest?

# %%
prediction = None  # ("?", "?"), each "vote" (arithmetic) or "veto" (geometric)

# %% tags=["fold"]
# figure: accuracy and loss of dropout off and of the arithmetic mean, each minus the geometric mean's of the same network
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.2))
places, compared = np.arange(len(rates)), {"arithmetic mean": arithmetic, "dropout off": off}
for what, ax in enumerate(axes):
    for shift, (name, values), marker in zip((-0.08, 0.08), compared.items(), "Do"):
        differences = (values - geometric)[:, :, what] * (1, 100)[what == 0]
        mean, half = zip(*[mean_and_interval(row)[:2] for row in differences])
        ax.errorbar(places + shift, mean, half, linestyle="none", marker=marker, capsize=3, label=name)
    ax.axhline(0, color="k", linestyle=":", linewidth=1)
    ax.set(xticks=places, xticklabels=[f"{p:g}" for p in rates], xlabel="dropout rate p", xlim=(-0.5, len(rates) - 0.5))
better = ["vote" if d > 0 else "veto" for d in (geometric - arithmetic)[[0, -1], :, 1].mean(1)]
most = max(abs((values - geometric)[:, :, 0].mean(1)).max() for values in compared.values())
axes[0].set(ylabel="accuracy minus\nthe geometric mean's (points)", title=f"Accuracy: at most {100 * most:.1f} points apart")
axes[1].set(
    ylabel="loss minus\nthe geometric mean's (nats)",
    title=f"Lower loss: {better[0]} at {rates[0]:g}, {better[1]} at {rates[-1]:g}",
)
axes[1].legend(title=f"paired, 95 %, n = {n_runs}", fontsize=8)
for ax in axes:
    ax.title.set_fontsize(9)
yours = f" You said {prediction}; measured: {tuple(better)}." if prediction else ""
show(
    fig,
    alt="Two panels against the dropout rate, accuracy and loss as differences to the geometric mean's: a "
    "diamond for the arithmetic mean and a dot for dropout off at each rate, with intervals.",
    reading=f"The loss at p = {rates[0]:g}: off {off[0, :, 1].mean():.2f}, geometric {geometric[0, :, 1].mean():.2f}, arithmetic "
    f"{arithmetic[0, :, 1].mean():.2f} nats; at p = {rates[-1]:g}: {off[-1, :, 1].mean():.2f}, {geometric[-1, :, 1].mean():.2f}, "
    f"{arithmetic[-1, :, 1].mean():.2f}.{yours}",
)

# %% tags=["fold"]
# claim 2: the rate decides which mean has the lower loss
always_vote, always_veto = (values[[0, -1], :, 1].mean(0) for values in (arithmetic, geometric))
claims.compare(
    "04.ensemble.2",
    "The vote at the smallest rate and the veto at the largest have a lower loss on average than either at both.",
    np.minimum(always_vote, always_veto),
    (arithmetic[0, :, 1] + geometric[-1, :, 1]) / 2,
    names=("the better of the two at both rates", "vote, then veto"),
    unit="nats",
    over="training runs on these letters",
)

# %% [markdown]
# Same weights, same masks, and the winner can change with the rate. Why? Compare how often each reader is right with how sure
# it is of it:

# %% tags=["fold"]
# accuracy and mean confidence of each reader
for i, p in enumerate(rates):
    words = (f"{name} {v[i, :, 0].mean():.0%}, {v[i, :, 2].mean():.0%}" for name, v in readers.items())
    print(f"p = {p:<5g} right, and sure of it:  " + "   ".join(words))

# %% [markdown]
# A vote keeps the doubts of the minority, so the arithmetic mean is the less confident one. Where the network is more sure
# than right, that is a cure. Where it is already too modest, it is one doubt too many. The geometric mean stays near the whole
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
# With $g(k)$ the $M$-th root of the product and $Z=\sum_k g(k)$, the gain is $-\log Z$: how much the members *disagree*. No
# label is needed. And it is never negative: each $g(k)$ is at most the arithmetic mean of $q_m(k)$, so that $Z$ is at most the
# sum of these, which is 1. The crowd's geometric mean is
# never worse than its **average** member. (Nor is the arithmetic, by Jensen's inequality: $-\log$ is convex.) Its best member
# is another matter: the last line shows a crowd, made for the purpose, that is worse than it.
#
# ## 4 · Members that nobody trained
#
# Every letter of every step draws a mask of its own. Even so, `n_train * epochs` draws stand against $2^{512}$ masks:
# nearly every member that you can ask has never been trained. How do they know anything?
#
# Make it testable, on a smaller network trained as long: with sixteen units before the read-out, and only those dropped, there
# are 65,536 masks. In training, use only a short list of them (or, for comparison, no dropout at all):


# %%
class DropoutFromList(nn.Module):
    def __init__(self, n_masks):
        super().__init__()
        self.register_buffer("masks", (torch.rand(n_masks, 16) < 0.5).float())

    def forward(self, x):
        mask = self.masks[torch.randint(len(self.masks), (len(x),))]
        return 2 * x * mask if self.training else x


# %% [markdown]
# **Predict.** How long must the list be until members that are *not* on it read as well as those on it? And when training
# goes from the shortest list to the longest: does one member on the list read better or worse, and the network with dropout off?

# %%
prediction = None  # (1, 8, 64, 512 or more; "better" or "worse"; "better" or "worse")


# %% tags=["fold"]
# train with short and long lists and without dropout; ask members on the list, members that are not, and with dropout off
def build_small(n_masks):
    network = mlp(n_inputs=256, n_hidden=(128, 16), n_outputs=10)
    network[6] = DropoutFromList(n_masks) if n_masks else nn.Identity()
    return network


@torch.no_grad()
def read_with(network, masks):
    hidden = 2 * network.eval()[:6](x)
    return accuracy(network[7](hidden * masks[:, None]), y.expand(len(masks), -1))


lengths = [0, *n_drawn]
runs = [{"n_masks": n, "seed": seed + k, "lr": lr} for n in lengths for k in range(n_runs)]
_, networks = train_runs(build_small, train, val, runs, epochs=epochs, evaluate_every=epochs, progress=False)
whole = np.reshape([accuracy(network.eval()(x), y) for network in networks], (len(lengths), n_runs))
without, whole = whole[0], whole[1:]
listed, unlisted, n_met = np.empty((3, len(n_drawn), n_runs))
for place, network in zip(np.ndindex(len(n_drawn), n_runs), networks[n_runs:]):
    masks = network[6].masks
    others = (torch.rand(300, 16, generator=noise) < 0.5).float().to(device)
    others = others[~(others[:, None] == masks[None]).all(-1).any(1)]
    listed[place], unlisted[place] = read_with(network, masks[:300]), read_with(network, others)
    n_met[place] = masks.any(0).sum().item()

# %% tags=["fold"]
# figure: accuracy of members drawn in training, of others and of the whole network, against the number drawn
fig, ax = plt.subplots()
kinds = {
    "one member on the list": (listed, "--", "o"),
    "one member never drawn": (unlisted, "-", "s"),
    "dropout off": (whole, "-.", "D"),
}
for name, (values, style, marker) in kinds.items():
    mean, half = zip(*[mean_and_interval(row)[:2] for row in values])
    ax.errorbar(n_drawn, mean, half, linestyle=style, marker=marker, capsize=2, label=f"{name} (n = {n_runs})")
ax.axhline(without.mean(), color="k", linestyle=":", linewidth=1, label="trained without dropout")
ax.set(xscale="log", xticks=n_drawn, xticklabels=n_drawn, xlabel="masks used in training, of 65,536")
ax.set(ylabel="accuracy, new typefaces")
gap = listed - unlisted
ends = [f"{-100 * g.mean():+.1f} points with {n}" for n, g in zip(n_drawn, gap)]
ax.set_title(f"Never drawn against drawn: {ends[0]}, {ends[-1]} masks")
ax.title.set_fontsize(9)
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.minorticks_off()
ax.legend(fontsize=8)
enough = next((n for n, g in zip(n_drawn, gap.mean(1)) if abs(g) < 0.03), None)
yours = f" You said {prediction}." if prediction else ""
shares = "; ".join(f"{n}: {met.mean():.0f} of 16" for n, met in zip(n_drawn, n_met))
gain_of_all, half, _ = mean_and_interval(whole[-1] - without)
show(
    fig,
    alt="Accuracy against the number of masks used in training: curves for members on the list, members never drawn and the "
    "whole network with dropout off, and a line for training without dropout.",
    reading=(f"Drawn and never drawn are within three points from {enough} masks on. " if enough else "They never meet here. ")
    + f"From {n_drawn[0]} to {n_drawn[-1]} masks, one member on the list goes from {listed[0].mean():.1%} to "
    f"{listed[-1].mean():.1%} and dropout off from {whole[0].mean():.1%} to {whole[-1].mean():.1%}, {100 * gain_of_all:+.1f} ± "
    f"{100 * half:.1f} points against training without dropout. Units ever trained, by length of the list: {shares}.{yours}",
)

# %% tags=["fold"]
# claims 3 and 4: members never drawn, and what the crowd is worth
claims.compare(
    "04.ensemble.3",
    "With the second-shortest list members on it read better than others, by five points more than with the longest list.",
    gap[1],
    gap[-1],
    margin=0.05,
    names=("lead with the second-shortest list", "with the longest"),
    unit="points",
    over="training runs on these letters",
)
claims.compare(
    "04.ensemble.4",
    "Dropout off, after the longest list, reads better than a member of the shortest list.",
    whole[-1],
    listed[0],
    names=("dropout off, longest list", "a member of the shortest list"),
    unit="points",
    over="training runs on these letters",
)

# %% [markdown]
# "Each thinned network gets trained very rarely, if at all", say Srivastava and his co-authors of the crowd. Its members share
# their weights: a unit that has worked in few companies depends on them; one that has worked in many is of use in any. A single
# member may pay for that, since its units serve everyone. Whether the crowd as a whole is repaid, the curve of dropout off says.
#
# ## What to take along
#
# * Dropout off stands for the *geometric* mean. The arithmetic one is less sure of itself.
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
# Srivastava et al. 2014, [JMLR 15](https://jmlr.org/papers/v15/srivastava14a.html) ·
# Warde-Farley et al. 2014, [arXiv:1312.6197](https://arxiv.org/abs/1312.6197), who compare both means, and shared with unshared
# weights

# %% tags=["fold"]
# all claims of this deep dive, and the record of this run
claims.table()
metrics = {f"arithmetic_minus_off_{p:g}": (arithmetic - off)[i, :, 1].mean() for i, p in enumerate(rates)}
record = claims.record(parameters, metrics | {"never_drawn": unlisted[-1].mean(), "drawn": listed[-1].mean()})

# %% [markdown] tags=["instructor"]
# **Minute plan (25).** 2 picture, vote or veto · 8 exercise 1, in pairs · 6 section 2 (vote first) · 5 exercise 2 on the board ·
# 5 section 4 (vote first) · 3 wrap-up. **When short:** skip exercise 2. **Ask before running:** what would a member that
# never saw a training step have to know? **Expect:** a product that underflows; "more averaging is always better".
