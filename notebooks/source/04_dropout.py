# %% [markdown]
# # 04 · Dropout
#
# **What does a random mask buy, from NumPy to `nn.Dropout`?**
#
# A network has learned to read the letters A to J. Now take four fifths of the units of its last hidden layer away, picked
# blindly, and train nothing anew. How well does it still read?
#
# That depends on something that happened while it learned, and that takes two lines of code. You build them, meet a bug that
# raises no error and that one optimizer does not even notice, and choose how much of it makes a network read typefaces better
# that it has never seen.
#
# *{minutes} minutes. You need lessons 01 to 03 and the chain rule. Two questions to warm up:*
#
# <details><summary>Which of the three parts of the data may choose a hyperparameter, and which may only report?</summary>
# Validation chooses; test reports, once.</details>
# <details><summary>What does AdamW divide a weight's averaged gradient by?</summary>
# By the root of the average of its square: a gradient ten times as large everywhere gives the same step. Keep that in
# mind.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 8  # [3, 64] training runs of each setting
rates: list = [0.0, 0.25, 0.5, 0.75]  # 3 to 9 rising values in [0, 0.95]: dropout rates, the first one 0
smoothing: float = 0.3  # (0, 0.9] label smoothing of the rival in section 5
label_noise: float = 0.1  # [0, 0.5] share of wrong labels in the training letters
n_train: int = 1000  # [100, 20000] training letters
epochs: int = 40  # [1, 500] passes over them
lr: float = 1e-3  # (0, 0.1) learning rate of AdamW
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the letters (grey, 16 x 16 pixels), some training labels wrong
import itertools

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn
from torch.nn import functional

from course_utils.checks import lesson_04 as checks
from course_utils.claims import Claims
from course_utils.data import grey_thumbnails, load
from course_utils.figures import show, use_course_style
from course_utils.measure import accuracy
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.reference import quote
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import fit

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
torch.manual_seed(seed)
claims = Claims("04")


letters = load("letters", n_train=n_train, n_val=1000, n_test=2000, seed=seed, device=device)
train, val, test = ((grey_thumbnails(x), y) for x, y in (letters.train, letters.val, letters.test))
noise = torch.Generator().manual_seed(seed)
is_wrong = torch.rand(n_train, generator=noise) < label_noise
shift = torch.randint(1, 10, (n_train,), generator=noise) * is_wrong
train = (train[0], (train[1] + shift.to(device)) % 10)


# %% tags=["fold"]
# the situation: letters to read, a network, and the same network without four fifths of its last hidden layer
def draw_network(ax, sizes, gone, title):
    xs = np.arange(len(sizes))
    ys = [np.linspace(0, 1, n + 2)[1:-1] for n in sizes]
    for k, (left, right) in enumerate(itertools.pairwise(ys)):
        for i, j in itertools.product(range(len(left)), range(len(right))):
            if (k, i) not in gone and (k + 1, j) not in gone:
                ax.plot(xs[k : k + 2], [left[i], right[j]], color="0.75", linewidth=0.6, linestyle="-", zorder=1)
    for k, column in enumerate(ys):
        for i, y in enumerate(column):
            off = (k, i) in gone
            ax.scatter(xs[k], y, s=70, marker="x" if off else "o", color="C1" if off else "C0", zorder=2)
    ax.set_title(title, fontsize=9)
    ax.axis("off")


fig = plt.figure(figsize=(8.6, 2.9))
grid = fig.add_gridspec(2, 4, width_ratios=[1, 1, 2.4, 2.4])
for k in range(4):
    ax = fig.add_subplot(grid[k // 2, k % 2])
    ax.imshow(val[0][k, 0].cpu(), cmap="gray")
    ax.set_title(letters.classes[val[1][k]], fontsize=9, loc="center")
    ax.axis("off")
blind = np.random.default_rng(1)
gone = {(2, int(i)) for i in blind.permutation(10)[:8]}
draw_network(fig.add_subplot(grid[:, 2]), (6, 10, 10, 4), set(), "the network that learned to read")
draw_network(fig.add_subplot(grid[:, 3]), (6, 10, 10, 4), gone, "what is left of it")
show(
    fig,
    alt="Four grey letters; a network of circles joined by lines; the same with eight of ten units of its last hidden "
    "layer crossed out.",
    reading="Letters to read, the network that reads them (drawn with fewer units), and what we leave of it.",
)

# %% [markdown]
# ## 1 · Break it
#
# The letters come in *typefaces*, such as a bold or an italic. Those for validation and test were never trained on, and, as in
# many real data sets, some training labels are wrong. The same network learns them several times: plainly (p = 0), and with
# **dropout**, which puts random hidden units to zero, each with probability `p_drop`, afresh in every training step.


# %%
def build(p_drop=0.0):
    return mlp(n_inputs=256, n_hidden=(256, 256), n_outputs=10, p_drop=p_drop)


history, trained, half_time = {}, {}, max(1, epochs // 2)
for p in rates:
    runs = [{"p_drop": p, "seed": seed + k, "lr": lr} for k in range(n_runs)]
    settings = {"epochs": epochs, "evaluate_every": half_time}
    history[p], trained[p] = train_runs(build, train, val, runs, **settings)

# %%
plain, middle = rates[0], rates[len(rates) // 2]
print(trained[middle][0])

# %% [markdown]
# Training is over. Now units of the last hidden layer are removed for good, in `n` blind choices. So that the next layer gets
# about the sum it is used to, the survivors are turned up in proportion:


# %%
@torch.no_grad()
def read_without(network, share, x, n=20):
    hidden, last = network.eval()[:-1](x), network[-1]  # dropout off
    stays = torch.rand(n, 1, hidden.shape[1], device=x.device) >= share
    weights = last.weight * stays / (1 - share)
    return hidden @ weights.mT + last.bias  # n answers to every letter


# %% [markdown]
# **Predict.** Take four fifths of these units from a *plainly* trained network. How much of its accuracy is left?

# %%
prediction = None  # "nearly all", "about two thirds" or "a third or less"

# %% tags=["fold"]
# every network without 0 to 95 % of its units, the mean over the blind choices
shares = [0.0, 0.4, 0.6, 0.8, 0.9, 0.95]
x, y = val


def accuracy_left(network):
    intact = accuracy(read_without(network, 0.0, x), y)
    return [100 * accuracy(read_without(network, s, x), y) / intact for s in shares]


left = {p: np.array([accuracy_left(network) for network in trained[p]]) for p in rates}  # each (runs, shares)

# %% tags=["fold"]
# figure: what is left of the accuracy, trained with each rate
fig, ax = plt.subplots()
for p, style in zip(rates, itertools.cycle(["-", "--", "-.", ":"])):
    mean, half = zip(*[mean_and_interval(left[p][:, k])[:2] for k in range(len(shares))])
    ax.errorbar(shares, mean, half, label=f"trained with p = {p:g} (n = {n_runs})", linestyle=style, capsize=2)
at_80 = {p: left[p][:, shares.index(0.8)] for p in rates}
intact = np.mean([accuracy(network.eval()(x), y) for network in trained[plain]])
ax.axhline(10 / intact, color="0.5", linestyle=":", label="plain, if it only guessed")
(a, a_half, _), (b, b_half, _) = (mean_and_interval(at_80[p]) for p in (plain, middle))
ax.set(
    xlabel="share of the last hidden layer removed",
    ylabel="accuracy left (% of its own intact accuracy)",
    title=f"Without 80 %: {a:.0f} ± {a_half:.0f} % left plain, {b:.0f} ± {b_half:.0f} % with p = {middle:g}",
)
ax.legend()
amounts = {"nearly all": 100, "about two thirds": 67, "a third or less": 33}
outcome = min(amounts, key=lambda name: abs(amounts[name] - a))
yours = f"You said {prediction}." if prediction else "No prediction: guess next time, it makes the number stick."
show(
    fig,
    alt="Accuracy left against the share of units removed, one curve a dropout rate.",
    reading=f"Intact, the plain networks read {intact:.0%} of the new letters (guessing: 10 %). Without 80 % of these units they "
    f"keep {a:.0f} % of that ({outcome} is closest); trained with p = {middle:g}, {b:.0f} % of what they could read. {yours}",
)

# %% tags=["fold"]
# claim 04.1: what is left without 80 % of the units, with and without dropout in training
claims.compare(
    "04.1",
    "Trained with the middle dropout rate, a network keeps more of what it could read when four fifths of these units go.",
    at_80[middle],
    at_80[plain],
    names=("with dropout in training", "without"),
    unit="% of intact",
    over="training runs on these letters",
    source="Hinton et al. 2012, arXiv:1207.0580, for the idea; after Morcos et al. 2018, arXiv:1803.06959",
)

# %% [markdown]
# No wonder: it was trained for that very thing. But does it help to read? Hinton and his co-authors thought so: a unit can no
# longer be useful only in the company of certain others, which they called *co-adaptation* (more in section 5).
#
# ## 2 · Two lines
#
# Each activation of each example gets a biased coin of its own. Tails, with probability $p$, it becomes 0; heads, it is **kept**
# and divided by $1-p$:


# %%
def dropout(x, p, rng):
    keep = rng.random(x.shape) >= p
    return x * keep / (1 - p), keep


# %% tags=["fold"]
# figure: hidden activations of four letters before and after dropout, the fallen ones crossed out
with torch.no_grad():
    hidden = trained[plain][0].eval()[:3](val[0][:4]).cpu().numpy()
before = hidden[:, np.sort(np.sort(hidden, 0)[1].argsort()[-10:])]  # ten units that are active for three letters at least
after, keep = dropout(before, 0.5, np.random.default_rng(seed))
fig, axes = plt.subplots(1, 2, figsize=(8.6, 2.3), sharey=True)
for ax, values, title in zip(axes, (before, after), ("activations of four letters", "the same after dropout, p = 0.5")):
    ax.imshow(values, cmap="Blues", vmin=0, vmax=1.5 * after.max(), aspect="auto")  # pale enough to read the numbers
    ax.set(xlabel="hidden unit", title=title, yticks=range(4), yticklabels=[letters.classes[k] for k in val[1][:4]])
    ax.grid(False)
    for i, j in np.ndindex(values.shape):
        mark, colour = ("×", "C1") if ax is axes[1] and not keep[i, j] else (f"{values[i, j]:.1f}", "black")
        ax.text(j, i, mark, color=colour, ha="center", va="center", fontsize=8)
show(
    fig,
    alt="Two tables of numbers, four letters by ten units: before, and after dropout with about half of the cells crossed out, "
    "the other numbers doubled.",
    reading=f"Crosses mark the {(~keep).sum()} of {keep.size} activations that fell; each letter has coins of its own. The "
    "survivors are twice as large: that is the division by 1 - p.",
)

# %% [markdown]
# The division repairs the average: over the coins, $\mathbb E[\tilde x] = (1-p)\cdot\frac{x}{1-p} + p\cdot 0 = x$. What remains
# is noise, and it grows with the signal. Since $\mathbb E[\tilde x^2] = x^2/(1-p)$,
#
# $$\operatorname{Var}[\tilde x] = \frac{p}{1-p}\,x^2 .$$
#
# ### Exercise 4.1 · The way back
#
# In training, the loss sends back `grad_out`, its gradient with respect to dropout's *output*. Write the gradient with
# respect to its *input*. You get what the forward pass remembered: `keep` and `p`. Your code will train networks below.
#
# <details><summary>Hint 1</summary>Given the mask, dropout is a multiplication of each input by a number. What is the
# derivative of c · x?</details>
# <details><summary>Hint 2</summary>The number is 0 where a unit fell. And where it stayed?</details>


# %% tags=["stub"]
def backward(grad_out, keep, p): ...


checks.check_4_1(backward)


# %% tags=["solution"]
def backward(grad_out, keep, p):
    return grad_out * keep / (1 - p)


checks.check_4_1(backward)

# %% [markdown]
# How would you know without a check? Nudge one input a little both ways, with the coins held fixed, and watch the loss:


# %%
def slope(loss, x, i, h=1e-5):
    step = np.zeros_like(x)
    step[i] = h
    return (loss(x + step) - loss(x - step)) / (2 * h)


# %% tags=["fold"]
# ours, in case yours is open; two bugs that raise no error; and the finite differences of all three
def ours(grad_out, keep, p):
    return grad_out * keep / (1 - p)


def without_scale(grad_out, keep, p):
    return grad_out * keep


def with_fresh_coins(grad_out, keep, p):
    return grad_out * (np.random.random(keep.shape) >= p) / (1 - p)


passed = checks.check_4_1(backward).startswith("passed")
right, name = (backward, "yours") if passed else (ours, "ours")
x, p = np.random.default_rng(seed).standard_normal(50), 0.5
_, keep = dropout(x, p, np.random.default_rng(seed))
numeric = np.array([slope(lambda z: np.sin(z * keep / (1 - p)).sum(), x, i) for i in range(50)])
grad_out = np.cos(x * keep / (1 - p))
for label, way in {name: right, "without scale": without_scale, "with fresh coins": with_fresh_coins}.items():
    print(f"{label:17} largest error {np.abs(way(grad_out, keep, p) - numeric).max():.1e}")

# %% [markdown]
# Two slips raise no error: to forget the scale, and to toss **fresh coins** instead of using those of the forward pass. Let all
# three train a smaller reader with two layers of your dropout, for a third as long as above, by AdamW, and two by SGD too:


# %% tags=["fold"]
# how a NumPy backward becomes a layer of a PyTorch network
def as_layer(backward):
    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            out, ctx.keep = dropout(x.cpu().numpy(), 0.5, np.random.default_rng(int(torch.randint(2**31, ()))))
            return torch.as_tensor(out, dtype=x.dtype, device=x.device)

        @staticmethod
        def backward(ctx, grad):
            grad_in = backward(grad.cpu().numpy(), ctx.keep, 0.5)
            return torch.as_tensor(np.asarray(grad_in), dtype=grad.dtype, device=grad.device)

    class Layer(nn.Module):
        def forward(self, x):
            return Function.apply(x) if self.training else x

    return Layer()


# %%
def small_reader(backward):
    first = [nn.Flatten(), nn.Linear(256, 128), nn.ReLU(), as_layer(backward)]
    second = [nn.Linear(128, 128), nn.ReLU(), as_layer(backward)]
    return nn.Sequential(*first, *second, nn.Linear(128, 10)).to(device)


# %% [markdown]
# **Predict.** Under AdamW, which slip costs accuracy?

# %%
prediction = None  # "scale", "coins", "both" or "neither"


# %% tags=["fold"]
# the trainings: the right backward and the slips, by AdamW and by SGD
def train_with(backward, optimizer, k):
    torch.manual_seed(seed + k)
    np.random.seed((seed + k) % 2**32)
    network = small_reader(backward)
    by = {"AdamW": torch.optim.AdamW(network.parameters(), lr=lr),
          "SGD": torch.optim.SGD(network.parameters(), lr=10 * lr, momentum=0.9)}[optimizer]  # fmt: skip
    history = fit(network, train, val, by, epochs=max(1, epochs // 3), seed=seed + k, evaluate_every=epochs, progress=False)
    return history["val_accuracy"].iloc[-1]


ways = {name: right, "without scale": without_scale, "with fresh coins": with_fresh_coins}
pairs = [("AdamW", label) for label in ways] + [("SGD", label) for label in (name, "without scale")]
few = range(max(3, 5 * n_runs // 8))
scores = {pair: np.array([train_with(ways[pair[1]], pair[0], k) for k in few]) for pair in pairs}

# %% tags=["fold"]
# accuracy on new typefaces after training with each backward pass
for (optimizer, label), values in scores.items():
    mean, half, n = mean_and_interval(values)
    print(f"{optimizer:6} {label:17} {100 * mean:.1f} ± {100 * half:.1f} % of the validation letters (mean of {n} runs)")
matters = 0.015  # a point and a half
lost = {slip: mean_and_interval(scores["AdamW", name] - scores["AdamW", label])
        for slip, label in zip(("scale", "coins"), list(ways)[1:])}  # fmt: skip
costs = " and ".join(f"the {slip} {100 * mean:.1f} ± {100 * half:.1f}" for slip, (mean, half, _) in lost.items())
costly = [slip for slip, (mean, half, _) in lost.items() if mean - half > matters]
outcome = ("neither", *costly, "both")[len(costly) if len(costly) < 2 else -1]
print(f"Under AdamW, {costs} points (paired): more than {100 * matters:g} cost {outcome}. You said: {prediction}.")

# %% tags=["fold"]
# claim 04.2: what the missing scale costs under SGD
claims.compare(
    "04.2",
    "At p = 0.5, the missing scale costs SGD more than a point and a half, at this learning rate and length of training.",
    scores["SGD", name],
    scores["SGD", "without scale"],
    names=("with the scale", "without it"),
    margin=matters,
    unit="points",
    over="training runs on these letters",
)

# %% [markdown]
# Without the scale, gradients shrink by 1 - p at each dropout layer on their way back. AdamW divides them by their own size.
# For SGD that is a learning rate that shrinks from layer to layer, which can cost accuracy, or save it where the rate was too
# high. Fresh coins agree with half of the old ones: it learns, only worse. Finite differences find both bugs in a second.
#
# ## 3 · `nn.Dropout`, and the function that does not listen
#
# PyTorch's layer is your two lines, with modes: after `model.train()` it drops, after `model.eval()` it passes everything
# through.

# %%
layer, ones = nn.Dropout(0.5), torch.ones(4, 6)
torch.manual_seed(seed)
print(layer.train()(ones), layer.eval()(ones), sep="\n")

# %% [markdown]
# ### Exercise 4.2 · Find the bug
#
# This reader gives different answers to the same letter after `eval()`. Repair `forward`; in training it must drop in both
# places as before, and nothing else may change. (Keep the names `hidden` and `out`.)
#
# <details><summary>Hint 1</summary>Modules hear of `eval()`. Which line is no module?</details>
# <details><summary>Hint 2</summary>The function has an argument for the mode, and every module knows its own.</details>


# %%
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(256, 64), nn.Linear(64, 10)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        x = functional.dropout(x.flatten(1), 0.2)
        x = torch.relu(self.hidden(x))
        return self.out(self.drop(x))


# %% tags=["stub"]
Repaired = None  # copy the class (not an instance), mend it, and give it this name
checks.check_4_2(Repaired)


# %% tags=["solution"]
class Repaired(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(256, 64), nn.Linear(64, 10)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        x = functional.dropout(x.flatten(1), 0.2, training=self.training)
        x = torch.relu(self.hidden(x))
        return self.out(self.drop(x))


checks.check_4_2(Repaired)

# %% [markdown]
# The same trap waits in attention: `F.scaled_dot_product_attention(..., dropout_p=0.1)` drops after `eval()` too.
#
# ## 4 · One network or many?
#
# Every mask leaves a smaller network; 512 hidden units hide $2^{512}$ of them, all sharing weights. Ask some, and average:


# %%
@torch.no_grad()
def ask_many(network, x, n):
    network.train()  # dropout on
    return torch.stack([torch.log_softmax(network(x), -1) for _ in range(n)])


@torch.no_grad()
def ask_once(network, x):
    return torch.log_softmax(network.eval()(x), -1)  # dropout off


# %% [markdown]
# **Predict.** Of the networks trained with the middle rate: one random sub-network, an average of a hundred, or the whole
# network with dropout simply off: which reads best?

# %%
prediction = None  # "one", "average", "off", or "average and off alike"

# %% tags=["fold"]
# accuracy of one mask, of averages of 2 to 100 masks, and with dropout off
x, y = val
for k, network in enumerate(trained[middle]):
    for number, layer in enumerate(layer for layer in network if isinstance(layer, nn.Dropout)):  # coins of its own for each
        layer.generator = torch.Generator(device).manual_seed(100 * (seed + k) + number)  # with one, they are tossed faster
sizes = [1, 2, 5, 10, 20, 50, 100]
answers = [ask_many(network, x, max(sizes)) for network in trained[middle]]
curves = np.array([[accuracy(several[:n].mean(0), y) for n in sizes] for several in answers])
off = np.array([accuracy(ask_once(network, x), y) for network in trained[middle]])

# %% tags=["fold"]
# figure: accuracy against the number of masks averaged
fig, ax = plt.subplots()
mean, half = zip(*[mean_and_interval(column)[:2] for column in curves.T])
ax.errorbar(sizes, mean, half, marker="o", capsize=2, label=f"average of that many sub-networks (n = {n_runs})")
centre, width, _ = mean_and_interval(off)
ax.axhspan(centre - width, centre + width, color="C1", alpha=0.2)
ax.axhline(centre, color="C1", linestyle="--", label=f"dropout off: one pass (n = {n_runs})")
ax.set(
    xscale="log",
    xlabel="sub-networks asked",
    ylabel="validation accuracy",
    xticks=sizes,
    xticklabels=sizes,
    title=f"One pass without dropout reads {off.mean():.1%}, {max(sizes)} sub-networks read {mean[-1]:.1%}",
)
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend()
reads = {"one": mean[0], "average": mean[-1], "off": off.mean()}
outcome = max(reads, key=reads.get)
if outcome != "one" and abs(reads["off"] - reads["average"]) < matters:
    outcome = "average and off alike"
show(
    fig,
    alt="Accuracy against the number of sub-networks averaged, and a dashed line with a band: dropout off.",
    reading=f"One sub-network reads {mean[0]:.1%}, the average of {max(sizes)} {mean[-1]:.1%}, and the whole network with "
    f"dropout off, in a single pass, {off.mean():.1%}. (Trained without dropout it reads "
    f"{intact:.1%}.) To within {100 * matters:g} points, best: {outcome}. You said: {prediction}.",
)

# %% tags=["fold"]
# claim 04.3: dropout off and the average of 100 sub-networks read equally well
claims.same(
    "04.3",
    "At the middle rate, dropout off reads as well as the average of a hundred sub-networks, to within a point and a half.",
    off,
    curves[:, -1],
    names=("dropout off", "a hundred asked"),
    margin=matters,
    unit="points",
    over="training runs on these letters",
    source="Srivastava et al. 2014, section 7.5; Warde-Farley et al. 2014, arXiv:1312.6197",
)

# %% [markdown]
# (*Average* means of log-probabilities, the **geometric** mean. Asking many is called *Monte-Carlo dropout*, after Gal and
# Ghahramani 2016.) That is the wonder of dropout: one pass in place of a hundred. Where only units right before the softmax
# fall, the two are exactly equal. Given a mask $m$, the logits are
#
# $$z(m) = W(m \odot h) + b, \qquad\text{so}\qquad \mathbb E\,z(m) = W h + b = z_\text{off}.$$
#
# The log-probabilities are $z(m)$ minus one number for all classes, and so is their average; its softmax does not see the
# number. With a ReLU in between, the argument breaks. Twelve units have 4,096 masks, few enough to ask every one.
# (`network[:layer]` are the layers in front of the mask.)

# %%
masks = torch.tensor(list(itertools.product([0.0, 2.0], repeat=12)), device=device)  # p = 0.5


@torch.no_grad()
def average_of_all(network, layer, x):
    hidden = network.eval()[:layer](x).repeat(len(masks), 1)
    hidden[:, :12] *= masks  # twelve units of this layer fall in all possible ways
    return torch.softmax(torch.log_softmax(network[layer:](hidden), -1).mean(0), -1)


# %% tags=["fold"]
# how far that average is from dropout off, for five letters and every network
def gap(network, layer):
    off = [torch.softmax(ask_once(network, x[k : k + 1])[0], -1) for k in range(5)]
    return max((average_of_all(network, layer, x[k : k + 1]) - off[k]).abs().max().item() for k in range(5))


for place, layer in (("twelve units right before the softmax", 6), ("twelve units one ReLU earlier", 3)):
    print(f"{place:38} off by at most {max(gap(network, layer) for network in trained[middle]):.0e} in probability")

# %% [markdown]
# "The full network is the mean of its sub-networks" is exact in one place, approximate elsewhere. What the other kind of mean
# does, and how well masks read that training never drew, is in the deep dive
# [What is the average of 2ⁿ networks?](deeper/04_ensemble.ipynb).
#
# ## 5 · Choose a rate
#
# Which of the networks from section 1 reads new typefaces best?


# %% tags=["fold"]
# figure: accuracy on training and validation letters against the rate, at half-time and at the end, dropout off
def reached(part, epoch):
    return {p: h[h["epoch"] == epoch - 1][f"{part}_accuracy"].to_numpy() for p, h in history.items()}


val_accuracy, val_before = reached("val", epochs), reached("val", half_time)
lies = train[0][is_wrong.to(device)], train[1][is_wrong.to(device)]
repeated = {p: np.mean([accuracy(ask_once(m, lies[0]), lies[1]) for m in trained[p]]) for p in rates}
chosen = max(rates, key=lambda p: val_accuracy[p].mean())
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.3))
titles = {"train": "training letters (as labelled)", "val": "validation: new typefaces"}
for ax, (part, title) in zip(axes, titles.items()):
    for epoch, marker in ((half_time, "s"), (epochs, "o")):
        mean, half = zip(*[mean_and_interval(reached(part, epoch)[p])[:2] for p in rates])
        line = {"linestyle": "--" if part == "train" else "-", "marker": marker, "capsize": 2}
        ax.errorbar(rates, mean, half, label=f"after {epoch} epochs (n = {n_runs})", **line)
    ax.set(xlabel="dropout rate p", ylabel="accuracy, dropout off", xticks=rates, title=title)
    ax.yaxis.set_major_formatter(PercentFormatter(1))
axes[0].legend()
gain, half, _ = mean_and_interval(val_accuracy[chosen] - val_accuracy[plain])
fig.suptitle(f"Best on validation: p = {chosen:g}, {100 * gain:+.1f} ± {100 * half:.1f} points against no dropout", fontsize=10)
rise = {p: 100 * (val_accuracy[p] - val_before[p]).mean() for p in rates}
show(
    fig,
    alt="Accuracy against the dropout rate, on training and on validation letters, at half-time and at the end of training.",
    reading=f"Among the rates validation chooses p = {chosen:g} ({val_accuracy[chosen].mean():.1%} against "
    f"{val_accuracy[plain].mean():.1%} without). From half-time to the end p = {rates[-1]:g} moved by {rise[rates[-1]]:+.1f} "
    f"points, p = {chosen:g} by {rise[chosen]:+.1f}, the plain networks by {rise[plain]:+.1f}. Of the wrong labels the plain "
    f"networks repeat {repeated[plain]:.0%}, those of p = {chosen:g} {repeated[chosen]:.0%}.",
)

# %% [markdown]
# A rate that still moves has not lost: rate and length of training are chosen together. Try `epochs = 120`; and
# `label_noise = 0`, to see what the gain owes to wrong labels.
#
# Back to co-adaptation: must a network be hard to break to read this well? A rival that drops nothing is **label smoothing**:
# for a letter labelled A the target is not "A with probability 1", but a little less, and the rest is shared by the others.
# (Its strength here is one strong guess, not chosen; 0.1 is usual.)

# %%
runs = [{"label_smoothing": smoothing, "seed": seed + k, "lr": lr} for k in range(n_runs)]
history["smoothing"], smoothed = train_runs(build, train, val, runs, **settings)

# %% tags=["fold"]
# how well the three kinds read, and what is left of each without 80 % of the last hidden layer
trained["smoothing"] = smoothed
val_accuracy = reached("val", epochs)
at_80["smoothing"] = np.array([accuracy_left(network) for network in smoothed])[:, shares.index(0.8)]
labels = {plain: "plain", chosen: f"p = {chosen:g}", "smoothing": "label smoothing"}
print(f"{'':15} reads           is left of it without 80 % of the units")
for key, label in labels.items():
    (reads, half, n), (stays, half_left, _) = mean_and_interval(100 * val_accuracy[key]), mean_and_interval(at_80[key])
    print(f"{label:15} {reads:.1f} ± {half:.1f} %    {stays:.0f} ± {half_left:.0f} %    (n = {n})")

# %% tags=["fold"]
# claims 04.4 and 04.5: the rival reads as well or better, and keeps less of it
claims.compare(
    "04.4",
    "Label smoothing, at the one strength tried, reads new letters as well as the chosen dropout rate, half a point aside, "
    "or better.",
    val_accuracy["smoothing"],
    val_accuracy[chosen],
    margin=-0.005,
    names=("with label smoothing", f"with p = {chosen:g}"),
    unit="points",
    over="training runs on these letters",
)
claims.compare(
    "04.5",
    "Yet its networks keep less of what they could read than those of the chosen dropout rate.",
    at_80[chosen],
    at_80["smoothing"],
    names=(f"left with p = {chosen:g}", "with label smoothing"),
    unit="% of intact",
    over="training runs on these letters",
)

# %% [markdown]
# So a network can read well without being hard to break. Over many networks, Morcos and others (2018) found the opposite
# tendency: those that rely less on single units generalize better.
#
# The rate is chosen, so the test letters may be opened, once. Their typefaces are others than validation's, easier or harder,
# and the intervals are over training runs, not typefaces.

# %%
test_accuracy = {}
for key, label in labels.items():
    test_accuracy[key] = np.array([accuracy(ask_once(m, test[0]), test[1]) for m in trained[key]])
    mean, half, n = mean_and_interval(test_accuracy[key])
    print(f"{label:15} {100 * mean:.1f} ± {100 * half:.1f} % of the test letters (n = {n})")

# %% tags=["fold"]
# claim 04.6: the rate chosen on validation against no dropout, on test letters
claims.compare(
    "04.6",
    "The rate chosen on validation reads these test letters better than no dropout.",
    test_accuracy[chosen],
    test_accuracy[plain],
    names=(f"with p = {chosen:g}", "without"),
    unit="points",
    over="training runs on these letters",
)

# %% tags=["fold"]
# a table from lecture notes, run again with intervals: dropout on CIFAR-10 (more in the deep dive on these tables)
quote("cifar10_dropout")

# %% [markdown]
# ## 6 · What to drop, and where
#
# In a picture, a dropped pixel is hardly missed: its neighbours say the same. One can drop whole channels instead
# (`nn.Dropout2d`), or whole branches of a residual network (*stochastic depth*, Huang et al. 2016).

# %% tags=["fold"]
# figure: six feature maps of a letter, and what two layers leave of them
edges = torch.tensor(
    [
        [[-1.0, 0, 1]] * 3,
        [[1.0, 0, -1]] * 3,
        [[-1.0] * 3, [0] * 3, [1.0] * 3],
        [[1.0] * 3, [0] * 3, [-1.0] * 3],
        [[0.0, 1, 0], [1, -4, 1], [0, 1, 0]],
        [[1.0] * 3] * 3,
    ]
)[:, None]
letter = letters.val[0][:1].mean(1, keepdim=True).cpu()
maps = torch.relu(functional.conv2d(letter, edges, padding=1))
torch.manual_seed(seed + 2)
rows = {"feature maps": maps, "Dropout(0.5)": nn.Dropout(0.5)(maps), "Dropout2d(0.5)": nn.Dropout2d(0.5)(maps)}
fig, axes = plt.subplots(3, 6, figsize=(7.4, 3.9))
for row, (label, values) in zip(axes, rows.items()):
    for ax, channel in zip(row, values[0]):
        ax.imshow(channel, cmap="gray", vmin=0, vmax=2 * maps.max())
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(label, fontsize=8)
lost = int((rows["Dropout2d(0.5)"][0].sum((1, 2)) == 0).sum())
fig.suptitle(f"Dropout thins every map; Dropout2d removed {lost} of 6 altogether", fontsize=10)
show(
    fig,
    alt="Three rows of six feature maps of a letter: as they are, with half the pixels black, with some maps all black.",
    reading=f"With Dropout every map loses half of its pixels, and one still sees which edges it looks for. Dropout2d "
    f"took {lost} of the six maps away and left the others whole, at twice the brightness.",
)

# %% [markdown]
# ### Exercise 4.3 · How much noise gets through?
#
# A feature map of ones, k × k pixels, goes through dropout with rate p, then through average pooling over the whole map. What is
# the standard deviation of the pooled value, after `nn.Dropout` and after `nn.Dropout2d`? (Section 2 has the variance of one
# value.)
#
# <details><summary>Hint 1</summary>With `nn.Dropout` the k² coins are independent; what does averaging do to their
# variance?</details>
# <details><summary>Hint 2</summary>With `nn.Dropout2d` there is one coin for the whole map.</details>


# %% tags=["stub"]
def pooled_noise(p, k): ...  # return two standard deviations, that of nn.Dropout first


checks.check_4_3(pooled_noise)


# %% tags=["solution"]
def pooled_noise(p, k):
    one = (p / (1 - p)) ** 0.5
    return one / k, one


checks.check_4_3(pooled_noise)

# %% [markdown]
# Rates to meet: 0.5 in dense layers (Hinton et al. 2012), 0.1 in a transformer (Vaswani et al. 2017). Mind the letter: in
# Srivastava et al. 2014 p is the probability of *keeping* a unit. Their 0.8, copied into `nn.Dropout`, drops four units of five.
#
# ## 7 · When it goes wrong
#
# `eval()` forgotten costs what *one* sub-network loses in section 4. Another classic is **dropout in front of BatchNorm**, which
# makes the variance of each feature 1, and remembers for `eval()` what it divided by. **Predict** the variance that comes out
# in `eval()`, for inputs of variance 1 and p = 0.5. (Section 2 has the noise.)

# %%
prediction = None  # a number

# %%
norm_after = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(64))
for _ in range(200):
    in_training = norm_after.train()(torch.randn(512, 64)).var()
in_eval = norm_after.eval()(torch.randn(20_000, 64)).var()
print(f"variance: {in_training:.2f} in training, {in_eval:.2f} in eval(). You said: {prediction}")

# %% [markdown]
# Later layers then see another variance than they were trained on (Li et al. 2019): put dropout behind the last BatchNorm.
#
# ## What to take along
#
# * A mask and a division, the same way there and back; finite differences find what accuracy hides.
# * Switched off, the network stands in for the average of its sub-networks.
# * Choose the rate on validation, together with the length of training, and report on test. Robust is not the same as good.
#
# **Deep dives:** [what is the average of 2ⁿ networks?](deeper/04_ensemble.ipynb) ·
# [where is dropout a penalty?](deeper/04_penalty.ipynb)
#
# **On your own model:** `for p in (0.0, 0.1, 0.3, 0.5): ...` train with five seeds each, then look at one number: the
# difference of validation accuracy from p = 0, with its interval.
#
# **References.** Hinton et al. 2012, [arXiv:1207.0580](https://arxiv.org/abs/1207.0580) ·
# Srivastava et al. 2014, [JMLR 15](https://jmlr.org/papers/v15/srivastava14a.html) ·
# Warde-Farley et al. 2014, [arXiv:1312.6197](https://arxiv.org/abs/1312.6197) ·
# Goodfellow, Bengio, Courville 2016, [section 7.12](https://www.deeplearningbook.org/contents/regularization.html) ·
# Gal and Ghahramani 2016, [arXiv:1506.02142](https://arxiv.org/abs/1506.02142) ·
# Morcos et al. 2018, [arXiv:1803.06959](https://arxiv.org/abs/1803.06959) ·
# Li et al. 2019, [arXiv:1801.05134](https://arxiv.org/abs/1801.05134) ·
# Huang et al. 2016, [arXiv:1603.09382](https://arxiv.org/abs/1603.09382) ·
# Vaswani et al. 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762)
#
# **Next:** [05 · MC dropout](05_mc_dropout.ipynb).

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
claims.table()
metrics = {f"val_{p:g}": val_accuracy[p].mean() for p in rates}
metrics |= {"val_smoothing": val_accuracy["smoothing"].mean(), "chosen_rate": chosen, "test": test_accuracy[chosen].mean()}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (45).** 5 hook and prediction 1 · 5 section 1 · 10 exercise 4.1, in pairs · 5 the two slips (vote first) · 5
# exercise 4.2 · 6 section 4 (vote first) · 6 choosing · 3 wrap-up. **When short:** sections 6 and 7 are reading.
# **Ask before running:** what would it mean if the plain network kept everything? Why might a wrong gradient train well?
# **Expect:** "half of the units are dropped, exactly" (the number is binomial); "divide by p"; "the scale is needed in
# `eval()`".
