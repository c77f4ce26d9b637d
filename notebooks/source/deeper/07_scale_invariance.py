# %% [markdown]
# # Deep dive 07 · What does decay do in front of a norm?
#
# **Weight decay makes weights shorter. What if their length means nothing?**
#
# Two readers learn the same letters, with BatchNorm behind each hidden layer. They start alike and take the same steps; the
# hidden weights of one of them are decayed. At the end it reads far more new letters. And you will see that *shortening
# weights in front of a norm changes no answer*. So how did it get better?
#
# *{minutes} minutes. You need lessons 02 and 07. One question to warm up:*
#
# <details><summary>A step of SGD with learning rate η and decay λ: what does it make of w, if the gradient is ∇L?</summary>
# (1 - ηλ) w - η ∇L.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 5  # [3, 32] training runs of each setting
lrs: list = [0.03, 0.1, 0.3, 1.0]  # 2 to 5 rising values in (0, 3]: learning rates η of the hidden layers
decays: list = [0.1, 0.3, 1.0, 3.0]  # 2 to 6 rising values in (0, 5]: λ at the smallest η; smaller at larger ones
n_train: int = 1000  # [100, 20000] training letters
epochs: int = 30  # [1, 500] passes over them
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; the letters of lesson 07 (grey, 16 x 16); a stack of readers of 256-64-64-10 units; two of them trained
import math

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch import nn
from torch.nn import functional

from course_utils.checks.deeper import d07_scale_invariance as checks
from course_utils.claims import Claims
from course_utils.data import grey_thumbnails, load
from course_utils.figures import show, use_course_style
from course_utils.parameters import check_parameters
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("07.scale_invariance")


letters = load("letters", n_train=n_train, n_val=1000, n_test=2000, seed=seed, device=device)
train_set, val, test = ((grey_thumbnails(x).flatten(1), y) for x, y in (letters.train, letters.val, letters.test))
seeds, batch_size = [seed + k for k in range(n_runs)], 50
n_steps = n_train // batch_size * epochs
cosine = 0.5 + 0.5 * torch.cos(math.pi * torch.arange(n_steps, dtype=torch.double) / n_steps)
base, strength = lrs[0], decays[1]


def logits(weights, x, norm=True, eps=1e-5, memory=None):
    """Logits (n_runs, n, 10), and what the norms measured. memory: measurements to use instead of those of x."""
    measured = []
    for k, w in enumerate(weights[:2]):
        x = x @ w
        measured.append((x.mean(-2, keepdim=True), x.var(-2, keepdim=True, unbiased=False)))
        mean, var = memory[k] if memory else measured[k]
        x = ((x - mean) / (var + eps).sqrt() if norm else x).relu()
    return x @ weights[2] + weights[3], measured


def first_weights(run_seeds, dtype):
    stacks = []
    for s in run_seeds:
        torch.manual_seed(s)
        layers = [nn.Linear(256, 64), nn.Linear(64, 64), nn.Linear(64, 10)]
        stacks.append([layer.weight.T for layer in layers] + [layers[-1].bias[None]])
    return [torch.stack(parts).detach().to(device, dtype) for parts in zip(*stacks)]


def turned(w, old):
    """Length of each run's matrix, and the angle (radians) by which the step has turned it."""
    w, old = w.flatten(1).double(), old.flatten(1).double()
    cos = functional.cosine_similarity(w, old).clamp(-1, 1)
    return torch.stack([w.norm(dim=1), torch.acos(cos)])


# %% tags=["fold"]
# the training loop, for all runs side by side; accuracy and loss on a part of the letters


def train(run_seeds, lrs, decays, *, schedule=cosine, scale=1.0, norm=True, exact=False, watch=False):
    """Weights of readers trained side by side. lrs: (n_runs, n_steps) of the hidden layers; decays: (n_runs,).

    Returns the weights, and with `watch` the lengths and angles, (n_steps, 2 layers, 2, n_runs).
    """
    dtype, eps = (torch.double, 1e-12) if exact else (torch.float, 1e-5)
    weights, path = first_weights(run_seeds, dtype), []
    for w in weights[:2]:
        w.mul_(scale)
    (x, y), orders = (train_set[0].to(dtype), train_set[1]), [torch.Generator().manual_seed(s) for s in run_seeds]
    rates = torch.as_tensor(lrs, dtype=dtype).expand(len(run_seeds), n_steps).T.to(device)[:, :, None, None]
    decays = torch.as_tensor(decays, dtype=dtype, device=device).expand(len(run_seeds))[:, None, None]
    for t in range(n_steps):
        if t % (n_train // batch_size) == 0:
            order = torch.stack([torch.randperm(n_train, generator=g) for g in orders]).to(device)
            batches = iter(order.split(batch_size, 1))
        rows = next(batches)
        for w in weights:
            w.requires_grad_()
        loss = functional.cross_entropy(logits(weights, x[rows], norm, eps)[0].mT, y[rows], reduction="sum") / batch_size
        gradients = torch.autograd.grad(loss, weights)
        old = [w.detach().clone() for w in weights[:2]] if watch else []
        step(weights, gradients, rates[t], decays, 0.1 * schedule[t].item())
        path += [torch.stack([turned(w.detach(), o) for w, o in zip(weights, old)])] if watch else []
    weights = [w.detach() for w in weights]
    return (weights, torch.stack(path).cpu().numpy()) if watch else weights


def step(weights, gradients, lr, weight_decay, lr_read_out):
    with torch.no_grad():
        for w, g in zip(weights, gradients):
            if w.shape[-1] == 64:
                w.mul_(1 - lr * weight_decay).sub_(lr * g)
            else:
                w.sub_(lr_read_out * g)


@torch.no_grad()
def output(weights, part, norm=True, exact=False):
    """Logits (n_runs, n, 10); the norms remember all training letters."""
    eps, dtype = (1e-12 if exact else 1e-5), weights[0].dtype
    memory = logits(weights, train_set[0].to(dtype), norm, eps)[1]
    return logits(weights, part[0].to(dtype), norm, eps, memory)[0]


def reads(out, part):
    return (out.argmax(-1) == part[1]).double().mean(1).cpu().numpy()


def nats(out, part):
    y = part[1].expand(len(out), -1)
    return functional.cross_entropy(out.mT, y, reduction="none").double().mean(1).cpu().numpy()


plain, plain_path = train(seeds, base * cosine, 0.0, watch=True)
decayed, decayed_path = train(seeds, base * cosine, strength, watch=True)

# %% tags=["fold"]
# the situation: how long the first hidden layer's weights are while both readers learn
fig, ax = plt.subplots(figsize=(6.4, 3))
for path, line, label in ((plain_path, "-", "no decay"), (decayed_path, "--", f"λ = {strength:g}")):
    for k in range(n_runs):
        ax.plot(path[:, 0, 0, k], line, color="C0" if line == "-" else "C1", label=label if k == 0 else None)
lengths = [path[-1, 0, 0].mean() for path in (plain_path, decayed_path)]
ax.set(xlabel="step", ylabel="length of the first hidden layer", ylim=(0, None))
ax.set_title(f"One reader's weights end {lengths[0] / lengths[1]:.1f} times as long as the other's")
ax.legend(loc=(0.6, 0.5))
show(
    fig,
    alt="Length of a weight matrix against the training step: level without decay, falling with it.",
    reading=f"Same start, same letters, same learning rate (η = {base:g}, falling to 0 along a cosine), {n_runs} runs: without "
    f"decay the weights end {lengths[0]:.2f} long, with λ = {strength:g} {lengths[1]:.2f}.",
)

# %% [markdown]
# ## 1 · A length that says nothing
#
# A stack of readers, one a run, is what `train(seeds, lrs, decays)` gives: the weights of both hidden layers, then the read-out.
# `lrs` is η at every step, here a rate times a `cosine` that falls to 0; `decays` is λ, for the hidden weights. The picture shows
# two such stacks: `decayed`, with λ = `strength`, and `plain`, both at the rate `base`.
#
# Multiply the hidden weights of `decayed` by some number a. **Predict.** At a = 1/10, what happens to the loss on new letters?

# %%
prediction = None  # "rises", "falls" or "stays"

# %%
without_norms = train(seeds, lrs[1] * cosine, 0.0, norm=False)  # for comparison


def rescaled(weights, a):
    return [a * w for w in weights[:2]] + weights[2:]


for a in (0.1, 0.5, 1, 10):
    loss = nats(output(rescaled(decayed, a), val), val).mean()
    without = nats(output(rescaled(without_norms, a), val, norm=False), val).mean()
    print(f"hidden weights × {a:<3}  {loss:.3f} nats   (a reader without norms: {without:.3f})")

# %% tags=["fold"]
# claim 07.scale_invariance.1: the loss of rescaled readers
halved = nats(output(rescaled(decayed, 0.5), val), val) / nats(output(decayed, val), val)
without = [nats(output(w, val, norm=False), val) for w in (rescaled(without_norms, 0.5), without_norms)]
claims.exact(
    "07.scale_invariance.1",
    "Halving the hidden weights, in front of BatchNorm, leaves a trained reader's loss on new letters as it is, to half a "
    "percent; without norms (control) it does not.",
    halved,
    np.ones(n_runs),
    control=without[0] / without[1],
    tolerance=0.005,
    source="van Laarhoven 2017, arXiv:1706.05350",
    myth="Small weights mean a smoother, calmer function — and less overfitting.",
    myth_source="interactiveprimer.com, Regularization; true of weights that no norm follows",
)
print(f"You said: {prediction}." if prediction else "No prediction: guess next time.")

# %% [markdown]
# The norm divides by the standard deviation of what the weights make, and a goes with it. (What little moves is the norm's ε: it
# shows once the weights are tiny.) So a short w is no simpler a function than a long one. Decay acted on the hidden weights only,
# `w.mul_(1 - lr * weight_decay).sub_(lr * gradient)`; the read-out, which no norm follows, made plain steps at a rate of its own.
# And yet, at this learning rate (is it a good one? keep the doubt for section 4):

# %% tags=["fold"]
# claim 07.scale_invariance.2: decay reads better, at this learning rate
on_test = {name: reads(output(w, test), test) for name, w in (("no decay", plain), ("decay", decayed))}
claims.compare(
    "07.scale_invariance.2",
    "At the smallest learning rate, decaying nothing but weights in front of a norm reads new letters better, by more than two "
    "points.",
    on_test["decay"],
    on_test["no decay"],
    margin=0.02,
    names=("decay", "no decay"),
    unit="points",
    over="training runs on these letters",
)

# %% [markdown]
# ## 2 · At right angles
#
# Whatever the loss L, a norm behind w makes $L(aw) = L(w)$ for every $a > 0$. Differentiate that by a (at a = 1), and by w:
#
# $$\langle w, \nabla L(w)\rangle = 0, \qquad \nabla L(aw) = \tfrac1a\,\nabla L(w).$$
#
# The gradient stands **at right angles** to w, and it is shorter where w is longer. So a step *turns* w, by about the angle
# $\eta\|\nabla L(w)\| / \|w\|$, and makes it a little longer (Pythagoras). Ten times the length: a tenth of the gradient, a
# hundredth of the angle. What counts is $\eta / \|w\|^2$, the **effective learning rate** (van Laarhoven 2017, Hoffer et al.
# 2018).
#
# Decay cannot turn w. It shortens it, and the next steps turn it further. Both are in balance when the length stays:
#
# $$\underbrace{\eta^2\|\nabla L\|^2}_{\text{longer, by the step}} = \underbrace{2\eta\lambda\|w\|^2}_{\text{shorter, by decay}}
# \quad\Longrightarrow\quad \text{angle of a step} = \frac{\eta\|\nabla L\|}{\|w\|} = \sqrt{2\eta\lambda}.$$
#
# The gradient has dropped out! Let us see, at a *constant* rate. The layers have 256 × 64 and 64 × 64 weights and different
# gradients; one run in three starts a quarter as long, one four times as long. **Predict.** Which layer turns further a step, in
# the end?

# %%
prediction = None  # "first", "second" or "both alike"

# %%
constant = torch.ones(n_steps)
lr, weight_decay = lrs[1], strength * base / lrs[1]
angle = math.sqrt(2 * lr * weight_decay)
paths = {a: train(seeds, lr * constant, weight_decay, schedule=constant, scale=a, watch=True)[1]
         for a in (0.25, 1, 4)}  # fmt: skip
settings = {"schedule": constant, "norm": False, "watch": True}
no_norm_path = train(seeds, lr * constant, weight_decay, **settings)[1]

# %% tags=["fold"]
# figure: lengths from three starts; the angle of a step in both layers


def smooth(curve, n=n_train // batch_size):
    return curve[: len(curve) // n * n].reshape(-1, n).mean(1)


fig, (left, ax) = plt.subplots(1, 2, figsize=(9.4, 3.3))
for (a, path), line in zip(paths.items(), (":", "-", "--")):
    left.plot(path[:, 0, 0].mean(1), line, color="C0", label=f"start × {a:g}")
ends = np.array([path[-1, 0, 0].mean() for path in paths.values()])
left.set(
    yscale="log",
    xlabel="step",
    ylabel="length of the first layer",
    title=f"Three starts end {ends[0]:.1f}, {ends[1]:.1f} and {ends[2]:.1f} long",
)
left.set(yticks=[1, 2, 5, 10, 20], yticklabels=[1, 2, 5, 10, 20])
left.minorticks_off()
left.legend()
for layer, color in ((0, "C0"), (1, "C2")):
    for (a, path), line in zip(paths.items(), (":", "-", "--")):
        label = f"{'first' if layer == 0 else 'second'} layer" if a == 1 else None
        ax.plot(range(epochs), np.degrees(smooth(path[:, layer, 1].mean(1))), line, color=color, label=label)
ax.axhline(np.degrees(angle), color="k", linestyle="-.", label="√(2ηλ)")
for a, line in zip(paths, (":", "-", "--")):
    ax.plot([], [], line, color="0.5", label=f"start × {a:g}")
late = slice(2 * n_steps // 3, None)
by_layer = [[np.degrees(path[late, layer, 1].mean()) for path in paths.values()] for layer in (0, 1)]
ax.set(xlabel="epoch", ylabel="angle of a step (degrees)", ylim=(0, None))
ax.set_title(f"In the end {np.mean(by_layer[0]):.1f}° and {np.mean(by_layer[1]):.1f}°; predicted {np.degrees(angle):.1f}°")
ax.legend(loc="best")
without = np.degrees(no_norm_path[late, :, 1].mean((0, 2)))
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Left: the lengths of a layer from three starts run together. Right: the angles of both layers' steps go to one level.",
    reading=f"η = {lr:g}, λ = {weight_decay:.2g}, means of {n_runs} runs. In the last third of training a step turns the first "
    f"layer by {min(by_layer[0]):.1f} to {max(by_layer[0]):.1f} degrees, depending on the start, the second by "
    f"{min(by_layer[1]):.1f} to {max(by_layer[1]):.1f}; √(2ηλ) is {np.degrees(angle):.1f}. Without norms: {without[0]:.1f} and "
    f"{without[1]:.1f}.{yours}",
)

# %% tags=["fold"]
# claim 07.scale_invariance.3: the angle of a step; of both layers that which is further from the prediction


def further(path):
    angles = path[late, :, 1].mean(0) / angle  # (2 layers, n_runs)
    return np.where(np.abs(angles[0] - 1) > np.abs(angles[1] - 1), angles[0], angles[1])


claims.within(
    "07.scale_invariance.3",
    "At a constant rate both layers in front of a norm come to turn by √(2ηλ) a step, within a tenth; without norms (control) "
    "they do not.",
    further(paths[1]),
    1.0,
    0.1,
    control=further(no_norm_path),
    unit="× √(2ηλ)",
    over="training runs on these letters",
    source="Kosson et al. 2024, arXiv:2305.17212",
)

# %% [markdown]
# The length comes to rest where the layer turns at that pace; where it started is forgotten. That is what decay sets in front
# of a norm: **how fast the weights turn, the same for every layer.**
#
# ## 3 · The same reader, without decay
#
# If so, decay must be replaceable: never shorten a weight, and turn it as far by a larger η instead. How much larger, at each
# step?
#
# ### Exercise 1 · Growing rates
#
# `lrs` holds the learning rate of each step of a run with decay, $w_{t+1} = (1-\eta_t\lambda)\,w_t - \eta_t\nabla L(w_t)$. Return
# those of a run *without* decay that starts from the same weights and gives, after every step, the same answers.
#
# <details><summary>Hint 1</summary>Let P be what decay alone leaves of a weight, the product of all (1 - ηλ) so far. Let the
# other run have v = w / P: as good as w, since length says nothing. Divide the step by the P after it.</details>
# <details><summary>Hint 2</summary>Then it says ∇L(w), but the other run has ∇L(v). Which of them is longer, and how many
# times? So P enters twice: once as it is before the step, once as it is after.</details>


# %% tags=["stub"]
def growing(lrs, weight_decay): ...


checks.check_1(growing)


# %% tags=["solution"]
def growing(lrs, weight_decay):
    after = torch.cumprod(1 - lrs * weight_decay, 0)
    before = after / (1 - lrs * weight_decay)
    return lrs / (before * after)


checks.check_1(growing)

# %% [markdown]
# Yours (or ours, while yours is open) now trains a reader. In practice, with PyTorch's ε and 32 bits, does it read as well?
# And with next to no ε, in 64 bits, does it say the same of every letter?

# %% tags=["fold"]
# ours, in case yours is open; the same runs with rounding, and with next to none


def ours(lrs, weight_decay):
    after = torch.cumprod(1 - lrs * weight_decay, 0)
    return lrs / (after * after / (1 - lrs * weight_decay))


passed = checks.check_1(growing).startswith("passed")
rule, whose = (growing, "your") if passed else (ours, "our")
grown_lrs = torch.as_tensor(rule(base * cosine, strength))

# %%
grown = train(seeds, grown_lrs, 0.0)
on_test["growing"] = reads(output(grown, test), test)
twins = [output(train(seeds[:2], lrs, decay, exact=True), test, exact=True)
         for lrs, decay in ((base * cosine, strength), (grown_lrs, 0.0))]  # fmt: skip
agree = (twins[0].argmax(-1) == twins[1].argmax(-1)).double().mean()

# %% tags=["fold"]
# what came of it
for name, w in (("no decay", plain), ("decay", decayed), ("growing", grown)):
    long = w[0].flatten(1).norm(dim=1).mean()
    print(f"{name:9} reads {100 * on_test[name].mean():.1f} % of the test letters; first layer {long:5.1f} long")
top = grown_lrs.argmax().item()
print(
    f"{whose} rates: {grown_lrs[0]:.2g} at first, {grown_lrs[top]:.2g} at step {top}, {grown_lrs[-1]:.2g} at the last, {n_steps}"
)
print(f"nearly without rounding, the decayed and the growing reader agree on {agree:.2%} of all letters")
claims.same(
    "07.scale_invariance.4",
    "No decay, but the growing learning rate instead: this reads new letters as well as decay does.",
    on_test["growing"],
    on_test["decay"],
    margin=0.02,
    names=("growing rate", "decay"),
    unit="points",
    over="training runs on these letters",
    source="Li & Arora 2019, arXiv:1910.07454",
)

# %% [markdown]
# Same function, weights many times as long. Whoever looks at lengths will call one of the two simple. (Rounding alone can lead
# two runs apart, letter by letter; they still read equally well.)
#
# ## 4 · What is left to tune
#
# Start with weights a times as long, and take a²η and λ/a²: by the same argument, the same reader again.

# %%
again = train(seeds[:2], 9 * base * cosine, strength / 9, scale=3, exact=True)
agree = (output(again, test, exact=True).argmax(-1) == twins[0].argmax(-1)).double().mean()
print(f"3 times as long, 9 η and λ / 9: they agree on {agree:.2%} of all letters")

# %% [markdown]
# That kept the product ηλ. And where the start is forgotten, nothing else should matter. **Predict.** A colleague's rate is ten
# times yours. What is *her* best λ?

# %%
prediction = None  # "yours", "a tenth of yours" or "ten times yours"

# %%
scores = {}
for lr in lrs:
    for decay in (0.0, *(d * base / lr for d in decays)):  # in each row the same products ηλ
        scores[lr, decay] = train(seeds, lr * cosine, decay)

# %% tags=["fold"]
# figure: accuracy against λ, and against ηλ; a curve for each learning rate
on_val = {key: reads(output(w, val), val) for key, w in scores.items()}
fig, axes = plt.subplots(1, 2, figsize=(9.4, 3.4), sharey=True)
products = [d * base for d in decays]
table = np.array([[on_val[lr, d * base / lr].mean() for d in decays] for lr in lrs])
for row, (lr, line) in enumerate(zip(lrs, ("-", "--", "-.", ":", (0, (5, 1))))):
    half = [mean_and_interval(on_val[lr, d * base / lr])[1] for d in decays]
    for ax, x in zip(axes, ([d * base / lr for d in decays], products)):
        ax.errorbar(x, table[row], half, linestyle=line, marker="o", capsize=2, label=f"η = {lr:g}")
        ax.axhline(on_val[lr, 0.0].mean(), color=f"C{row}", linestyle=line, linewidth=0.8, alpha=0.6)
axes[0].set(xscale="log", xlabel="weight decay λ", ylabel="validation accuracy", title="Against λ: a curve for each η")
spread = np.ptp(table, axis=0)
axes[1].set(xscale="log", xlabel="product ηλ", title=f"Against ηλ: at {products[1]:.2g} within {100 * spread[1]:.1f} points")
axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
axes[0].legend(fontsize=8)
bests = {lr: decays[int(table[row].argmax())] * base / lr for row, lr in enumerate(lrs)}
at_zero = ", ".join(f"{on_val[lr, 0.0].mean():.1%} (η = {lr:g})" for lr in lrs)
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Validation accuracy for several learning rates: against λ the curves lie side by side, against ηλ they run together.",
    reading=f"95 % intervals, n = {n_runs}; thin lines: no decay, {at_zero}. Over all η the accuracies differ by "
    + ", ".join(f"{100 * s:.1f} points at ηλ = {p:.2g}" for s, p in zip(spread, products))
    + f". Best λ of each η: {', '.join(f'{d:.2g}' for d in bests.values())}.{yours}",
)

# %% tags=["fold"]
# claim 07.scale_invariance.5: at the largest rate, the product of section 1 or its λ; and what a larger rate brings alone
top_lr = lrs[-1]
on_test["same product"] = reads(output(scores[top_lr, strength * base / top_lr], test), test)
on_test["same λ"] = reads(output(train(seeds, top_lr * cosine, strength), test), test)
larger = max(lrs[1:], key=lambda lr: on_val[lr, 0.0].mean())  # chosen on validation
on_test["larger rate"] = reads(output(scores[larger, 0.0], test), test)
claims.compare(
    "07.scale_invariance.5",
    "At the largest learning rate, readers that keep the product ηλ of section 1 read new letters better than readers that keep "
    "its λ, by more than two points.",
    on_test["same product"],
    on_test["same λ"],
    margin=0.02,
    names=("same ηλ", "same λ"),
    unit="points",
    over="training runs on these letters",
)
names = {
    "no decay": f"no decay, η = {base:g}",
    "larger rate": f"no decay, η = {larger:g}",
    "decay": f"λ = {strength:g}, η = {base:g}",
}
names["same product"] = f"λ = {strength * base / top_lr:.2g}, η = {top_lr:g}"
print("test letters read: " + "; ".join(f"{label} {on_test[name].mean():.1%}" for name, label in names.items()))

# %% [markdown]
# To forget the start takes about 1/(2ηλ) steps; at small products the runs end before that, and the curves still differ. And the
# last line settles the doubt of section 1: what a larger rate does all alone.
#
# **Limits.** All this is about weights with a norm *behind* them. Read-outs, embeddings, and a norm's own scale and shift have
# lengths that matter, and there decay is what lesson 02 says. Zhang et al. name the larger effective rate as one of three
# mechanisms; D'Angelo et al. go further: in modern networks decay "is never useful as an explicit regularizer but instead changes
# the training dynamics in a desirable way". Kosson et al. find such a balance for momentum, Adam and Lion, too.
#
# ## What to take along
#
# * In front of a norm the length of w is no part of the function; it is part of the learning rate, η/‖w‖².
# * Decay keeps w short, and so keeps it turning: by √(2ηλ) a step, every layer alike. A larger or growing η does the same.
#
# **On your own model:** double a layer's weights (BatchNorm in train mode, dropout off, one fixed batch). If no answer moves,
# their length is no measure of anything: watch the angle of a step instead.
#
# **References.** van Laarhoven 2017, [arXiv:1706.05350](https://arxiv.org/abs/1706.05350) ·
# Hoffer et al. 2018, [arXiv:1803.01814](https://arxiv.org/abs/1803.01814) ·
# Zhang et al. 2019, [arXiv:1810.12281](https://arxiv.org/abs/1810.12281) ·
# Li, Arora 2019, [arXiv:1910.07454](https://arxiv.org/abs/1910.07454) ·
# Kosson et al. 2024, [arXiv:2305.17212](https://arxiv.org/abs/2305.17212) ·
# D'Angelo et al. 2024, [arXiv:2310.04415](https://arxiv.org/abs/2310.04415) · back to [lesson 07](../07_normalization.ipynb)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {f"test_{name.replace(' ', '_').replace('λ', 'decay')}": values.mean() for name, values in on_test.items()}
record = claims.record(parameters, metrics | {"angle": np.radians(np.mean(by_layer)), "predicted_angle": angle})
