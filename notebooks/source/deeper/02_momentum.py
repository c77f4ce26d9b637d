# %% [markdown]
# # Deep dive 02 · Decay and momentum
#
# **When is an L2 penalty not the same as decay?**
#
# `SGD(lr, momentum=0.9, weight_decay=0.03)` exists in PyTorch and, give or take a name, in Keras. Give both the digits of
# lesson 02 with their lies, the same initial weights, the same arguments. One network will forget the lies, the other will
# repeat them. Neither library has a bug: they put λ in two different places, and momentum tells the places apart.
#
# You will translate between the two, and find the speed that no translation can exceed.
#
# *{minutes} minutes. You need lesson 02. One question to warm up:*
#
# <details><summary>What does the λ-meter of lesson 02 read, and where?</summary>
# At a standstill ∇L = -λw for the λ of the penalty that was minimized; the meter reads that λ.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 4  # [3, 20] runs of each setting, each with its own lies and initial weights
weight_decays: list = [0.003, 0.01, 0.03, 0.1]  # 2 to 6 rising values in (0, 0.3]: λ
lr: float = 0.05  # [0.005, 0.1] learning rate η
momentum: float = 0.9  # [0.5, 0.98] momentum μ
n_train: int = 300  # [100, 900] training digits, a fifth of them with a false label
n_steps: int = 300  # [10, 3000] steps, each with all training digits
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports, the digits and the lies of lesson 02, and its network with the weights of all runs as the rows of one matrix
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from torch.func import grad, vmap
from torch.nn import functional

from course_utils.checks.deeper import d02_momentum as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("02.momentum")
λs, μ, seeds = weight_decays, momentum, range(seed, seed + n_runs)
digits = load("digits", n_train=n_train, seed=seed, device=device)
images = (digits.train[0] - digits.train[0].double().mean(0).float()).flatten(1)
truth = digits.train[1]


def tell_lies(run_seed):
    random = torch.Generator().manual_seed(run_seed)
    chosen = torch.randperm(n_train, generator=random)[: n_train // 5].to(device)
    labels = truth.clone()
    labels[chosen] = (truth[chosen] + torch.randint(1, 10, chosen.shape, generator=random).to(device)) % 10
    return chosen, labels


def initial_weights(run_seed):
    torch.manual_seed(run_seed)
    network = mlp(n_inputs=64, n_hidden=(64,), n_outputs=10).to(device)
    return torch.cat([w.detach().flatten() for w in network.parameters()])


def logits(w):
    first, bias, second, last = w.split([64 * 64, 64, 640, 10])
    return functional.relu(images @ first.view(64, 64).T + bias) @ second.view(10, 64).T + last


loss_gradients = vmap(grad(lambda w, labels: functional.cross_entropy(logits(w), labels)))
answers = vmap(lambda w: logits(w).argmax(1))
lies, labels = (torch.stack([tell_lies(s)[part] for s in seeds]) for part in (0, 1))
start = torch.stack([initial_weights(s) for s in seeds])
blank = torch.cat([(images == 0).all(0).repeat(64), torch.zeros(714, dtype=torch.bool, device=device)])  # unused weights

# %% tags=["fold"]
# figure: a push of 1 in every step, inside the running sum and outside
steps = np.arange(60)
inside, outside = (1 - μ ** (steps + 1)) / (1 - μ), np.ones(60)
fig, ax = plt.subplots(figsize=(7, 2.8))
ax.plot(steps, inside, label="what enters the running sum")
ax.plot(steps, outside, label="what stays outside")
ax.set(xlabel="step", ylabel="moves the weight by", ylim=(0, None), title=f"The same push, inside and outside (μ = {μ:g})")
ax.legend()
show(
    fig,
    alt="Two curves over steps: a push inside the running sum grows and levels off, one outside stays at 1.",
    reading=f"Momentum adds up what it is given: a steady push of 1 becomes {inside[-1]:.1f}. Outside it stays 1.",
)

# %% [markdown]
# ## 1 · Two places for λ
#
# SGD with momentum steps along a running sum, $v \leftarrow \mu v + \nabla L$. PyTorch adds λw to the gradient, *inside* the
# sum: **coupled**. Keras, or Loshchilov and Hutter's SGDW, decays the weights *outside*: **decoupled**. Below, one of the two
# λ is always 0.


# %%
def step(w, v, gradient, lr, coupled, decoupled):
    v = μ * v + gradient + coupled * w
    return w - lr * decoupled * w - lr * v, v


def train(coupled, decoupled, lrs=(lr,) * n_steps, step=step):
    w, v, unused = start, 0, []
    for rate in lrs:
        w, v = step(w, v, loss_gradients(w, labels), rate, coupled, decoupled)
        unused.append((w[:, blank].norm() / start[:, blank].norm()).item())
    return w, unused  # the final weights, and what is left of those of blank pixels


# %% [markdown]
# Without momentum the two are the same line of code. **Predict:** with it, and with the same λ, who forgets the lies?

# %%
prediction = None  # "coupled", "decoupled" or "both alike"


# %% tags=["fold"]
# networks for each λ in both places; figure: the lies that they repeat
def repeated(w):
    hits = answers(w).gather(1, lies) == labels.gather(1, lies)
    return hits.double().mean(1).cpu().numpy()


def read_meter(w):
    return (-(w * loss_gradients(w, labels)).sum(1) / w.square().sum(1)).cpu().numpy()


def by_pytorch(λ, n_steps):
    torch.manual_seed(seed)
    network = mlp(n_inputs=64, n_hidden=(64,), n_outputs=10).to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr, momentum, weight_decay=λ)
    for _ in range(n_steps):
        optimizer.zero_grad()
        functional.cross_entropy(network(images), labels[0]).backward()
        optimizer.step()
    return torch.cat([w.detach().flatten() for w in network.parameters()])


coupled = {λ: train(λ, 0.0)[0] for λ in λs}
decoupled = {λ: train(0.0, λ)[0] for λ in λs}
fig, ax = plt.subplots()
for runs, marker, name in ((coupled, "o", "coupled (PyTorch)"), (decoupled, "s", "decoupled (Keras, SGDW)")):
    mean, half, _ = np.transpose([mean_and_interval(repeated(w)) for w in runs.values()])
    (line,) = ax.plot(λs, mean, marker=marker, label=f"{name} (95 %, n = {n_runs})")
    ax.fill_between(λs, mean - half, mean + half, alpha=0.2, color=line.get_color(), linewidth=0)
middle = λs[len(λs) // 2]
early, by_name = train(middle, 0.0, [lr] * 20)[0][0], by_pytorch(middle, 20)
apart = ((early - by_name).norm() / by_name.norm()).item()
print(f"After 20 steps the coupled weights are those of torch.optim.SGD(weight_decay={middle:g}) to within {apart:.0e}.")
share = {name: repeated(runs[middle]) for name, runs in (("coupled", coupled), ("decoupled", decoupled))}
ax.set(xscale="log", xlabel="λ", ylabel="lies repeated", ylim=(0, 1.03), xticks=λs)
ax.set_xticks([], minor=True)
ax.set_xticklabels([f"{λ:g}" for λ in λs])
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.set_title(
    f"λ = {middle:g}: coupled repeats {share['coupled'].mean():.0%} of the lies, decoupled {share['decoupled'].mean():.0%}"
)
ax.legend(loc="lower left")
show(
    fig,
    alt="Share of lies repeated against λ, one curve for coupled and one for decoupled decay.",
    reading="Read the figure sideways: which λ must the decoupled network get, to do what the coupled one does with "
    f"{λs[0]:g}?" + (f" You said {prediction}." if prediction else ""),
)

# %% tags=["fold"]
# claim 02.momentum.1: the same λ, two places
claims.compare(
    "02.momentum.1",
    "Under momentum a decoupled decay repeats more of the lies than a coupled one with the same λ, by more than 20 points.",
    share["decoupled"],
    share["coupled"],
    margin=0.2,
    names=("decoupled", "coupled"),
    unit="points",
    over="runs, each with lies of its own",
)

# %% [markdown]
# ### Exercise 1 · Translate
#
# Your PyTorch recipe has λ = `weight_decay` and momentum `momentum`. Which λ does a *decoupled* optimizer need with the same
# momentum and learning rate, to come to a standstill at the same weights? Networks will be trained with your answer.
#
# <details><summary>Hint 1</summary>At a standstill neither w nor v changes. Write that down for both lines of `step`.</details>
# <details><summary>Hint 2</summary>Coupled: v = 0. Decoupled: v = μv + ∇L, and λw = -v. Compare the two ∇L.</details>


# %% tags=["stub"]
def translate(weight_decay, momentum): ...


checks.check_1(translate)


# %% tags=["solution"]
def translate(weight_decay, momentum):
    return weight_decay / (1 - momentum)


checks.check_1(translate)

# %% [markdown]
# ## 2 · One factor for two things

# %% tags=["fold"]
# ours, in case yours is open; networks with the translated λ: distance from the coupled ones, lies, λ-meter
passed = checks.check_1(translate).startswith("passed")
right_translation = translate if passed else lambda weight_decay, momentum: weight_decay / (1 - momentum)
print("Translated by", "you:" if passed else "us:")
translated = {λ: train(0.0, float(right_translation(λ, μ)))[0] for λ in λs}


def nesterov_step(w, v, gradient, lr, coupled, decoupled):
    pull = gradient + coupled * w
    v = μ * v + pull
    return w - lr * decoupled * w - lr * (pull + μ * v), v


def distance(w, λ, target=None):
    target = coupled[λ] if target is None else target
    return ((w - target).norm(dim=1) / target.norm(dim=1)).cpu().numpy()


for λ in λs:
    print(f"coupled {λ:<6g}repeats {repeated(coupled[λ]).mean():4.0%}, the meter reads {read_meter(coupled[λ]).mean():.4f}   "
          f"decoupled {float(right_translation(λ, μ)):<6.2g}repeats {repeated(translated[λ]).mean():4.0%}, "
          f"{read_meter(translated[λ]).mean():.4f}   weights {distance(translated[λ], λ).mean():4.0%} apart "
          f"(same λ: {distance(decoupled[λ], λ).mean():4.0%})")  # fmt: skip
by_nesterov = {
    place: train(*λ_pair, step=nesterov_step)[0]
    for place, λ_pair in (("coupled", (middle, 0.0)), ("translated", (0.0, float(right_translation(middle, μ)))))
}
nesterov_apart = distance(by_nesterov["translated"], middle, by_nesterov["coupled"]).mean()
finer = [train(*λ_pair, [lr / 2] * (2 * n_steps))[0] for λ_pair in ((middle, 0.0), (0.0, float(right_translation(middle, μ))))]
print(f"λ = {middle:g}, coupled and translated: {nesterov_apart:.0%} apart with Nesterov's momentum, "
      f"{distance(finer[1], middle, finer[0]).mean():.0%} with twice the steps of half the size.")  # fmt: skip

# %% tags=["fold"]
# claim 02.momentum.2: the translation leads to the same weights
claims.compare(
    "02.momentum.2",
    "With λ/(1-μ) decoupled weights end closer to the coupled ones than with the same λ, by more than half their length.",
    distance(decoupled[middle], middle),
    distance(translated[middle], middle),
    margin=0.5,
    names=("apart with the same λ", "with λ/(1-μ)"),
    unit="lengths",
    over="runs, each with lies of its own",
)

# %% [markdown]
# **The destination.** Coupled, all that pulls is inside the sum; at a standstill the sum is 0, so $\nabla L=-\lambda w$,
# whatever μ. Decoupled, only the loss is amplified, $v=\nabla L/(1-\mu)$, and λw is not: the decay loses by a factor
# $1-\mu$.
#
# **The road.** A weight of a blank pixel has no gradient. Decoupled, it keeps $1-\eta\lambda$ in every step. Coupled, its
# pulls add up to $\lambda w/(1-\mu)$, if $w$ changes slowly: the same λ decays it $1/(1-\mu)$ times as fast.
#
# So one factor, $1/(1-\mu)$, translates the road as well as the destination.
#
# **What still keeps them apart** is the departure. The sum takes about $1/(1-\mu)$ steps to fill, a decay outside acts at
# once. That lead is worth $\eta\lambda/(1-\mu)^2$ of a weight: more for a large λ, less for small steps. And a network has many
# places to come nearly to rest at one λ: a small lead decides in which.
#
# ## 3 · If $w$ changes slowly
#
# That "if" is still open. Below, the coupled λ is ¼, 1, 4 and 16 times a limit. **Predict:** from 4 times to 16 times, the
# weights of blank pixels are gone in …

# %%
prediction = None  # "a quarter of the steps", "half" or "as many steps"

# %%
limit = (1 - μ**0.5) ** 2 / lr  # you will see of what
times = (1 / 4, 1, 4, 16)
left = {k: np.array(train(k * limit, 0.0)[1]) for k in times}


# %% tags=["fold"]
# figure: what is left of unused weights, step by step, for several coupled λ, and what "1/(1-μ) times as fast" says
def steps_to(share_left):
    above = np.flatnonzero(~(share_left <= 0.001))  # the last step with more than a thousandth left
    return above[-1] + 2 if len(above) else 1


steps = 1 + np.arange(n_steps)
fig, ax = plt.subplots(figsize=(7.2, 4.0))
for k, color in zip(times, ("C0", "C2", "C1", "C3"), strict=True):
    ax.plot(steps, left[k], "-", color=color, label=f"{k:g} × limit")
    ax.plot(steps, (1 - lr * k * limit / (1 - μ)) ** steps if lr * k * limit < 1 - μ else steps * np.nan, ":", color=color)
ax.plot([], [], ":", color="gray", label="1/(1-μ) times as fast")
ax.plot(steps, μ ** (steps / 2), "--", color="black", linewidth=1, label="√μ a step")
gone = {k: steps_to(left[k]) for k in times}
in_words = {k: f"{n}" if n <= n_steps else f"more than {n_steps}" for k, n in gone.items()}
ax.set(yscale="log", ylim=(1e-4, 2), xlabel="step", ylabel="left of the weights of blank pixels")
ax.set_title(f"A thousandth is left after {in_words[4]} steps, with four times the λ after {in_words[16]}")
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title=f"coupled λ (limit: {limit:.2g})")
zeros = {k: int((np.diff(np.sign(np.diff(left[k][left[k] > 1e-4]))) > 0).sum()) for k in times}
show(
    fig,
    alt="What is left of unused weights over steps, on a log scale: for small λ straight lines, for large λ arches that all "
    "follow one dashed line.",
    reading=f"Steps until a thousandth is left, from the smallest λ to the largest: {', '.join(in_words.values())}. Each dip is "
    f"a crossing of zero: {', '.join(map(str, zeros.values()))} of them." + (f" You said {prediction}." if prediction else ""),
)

# %% tags=["fold"]
# claim 02.momentum.3: beyond the limit the time is that of √μ a step
by_law = np.log(0.001) / (0.5 * np.log(μ))
claims.within(
    "02.momentum.3",
    "With sixteen times the limit, unused weights of the networks vanish as slowly as by √μ a step.",
    gone[16],
    by_law,
    0.2 * by_law,
    control=np.log(1000) * (1 - μ) / (lr * 16 * limit),
    unit="steps",
    source="Goh 2017, for critical damping",
)

# %% [markdown]
# A coupled decay acts through a sum with a memory, and a memory cannot be hurried. Without gradient the two lines of `step` are
# one,
#
# $$w_{t+1} = (1+\mu-\eta\lambda)\,w_t - \mu\,w_{t-1}.$$
#
# Try $w_t = r^t$: the two roots $r$ of $r^2-(1+\mu-\eta\lambda)\,r+\mu=0$ have the **product μ**. Once they are complex they
# have equal size, so it is $\sqrt\mu$, whatever λ: the sum still remembers the pull when $w$ is already 0, and carries it
# through. That begins at $\eta\lambda = (1-\sqrt\mu)^2$. The sentence "$1/(1-\mu)$ times as fast" wants ηλ far below. The
# destination is the same on both sides.

# %% tags=["fold"]
# how far a usual recipe is from the limit
print("Wide ResNets begin with ηλ = 0.1 · 0.0005 = 5.0e-05 and μ = 0.9.")
print("The limit:", ", ".join(f"{(1 - other**0.5) ** 2:.1e} for μ = {other:g}" for other in (0.9, 0.99)))

# %% [markdown]
# ### Exercise 2 · Move a recipe
#
# A PyTorch recipe has the learning rates `lrs` (a list, one a step), `momentum` and a `weight_decay` far from the limit. You
# move it to decoupled decay with the same momentum, on a schedule `new_lrs`. Which λ leaves as much of an *unused* weight,
# for small ηλ and with the factor of section 2?
#
# <details><summary>Hint 1</summary>What is left is exp(-Σηλ), decoupled. How fast is the coupled one?</details>
# <details><summary>Hint 2</summary>Only the sums of the two schedules matter, not their lengths.</details>


# %% tags=["stub"]
def move(lrs, momentum, weight_decay, new_lrs): ...


checks.check_2(move)


# %% tags=["solution"]
def move(lrs, momentum, weight_decay, new_lrs):
    return weight_decay / (1 - momentum) * sum(lrs) / sum(new_lrs)


checks.check_2(move)

# %% [markdown]
# Half the steps, on a cosine. Two translations now compete: yours (or ours) keeps the road, Σηλ; exercise 1 keeps the
# destination.

# %%
half = max(2, n_steps // 2)
cosine = [lr / 2 * (1 + np.cos(np.pi * t / half)) for t in range(half)]

# %% tags=["fold"]
# the recipe, stopped where Ση is that of the short schedule; both translations on that schedule: unused weights, λ-meter, lies
moved = checks.check_2(move).startswith("passed")
right_move = move if moved else lambda lrs, momentum, λ, new: λ / (1 - momentum) * sum(lrs) / sum(new)
rows = {
    "the recipe": train(middle, 0.0),
    "stopped early": train(middle, 0.0, [lr] * max(1, round(sum(cosine) / lr))),
    "same road": train(0.0, float(right_move([lr] * n_steps, μ, middle, cosine)), cosine),
    "same destination": train(0.0, float(right_translation(middle, μ)), cosine),
}
for name, (w, unused) in rows.items():
    print(f"{name:17} blank pixels keep {unused[-1]:6.2%}, the meter reads {read_meter(w).mean():.3f}, "
          f"{repeated(w).mean():4.0%} of the lies repeated")  # fmt: skip

# %% [markdown]
# Only a schedule with the same Ση keeps both. *Same destination* is the recipe stopped early, where its Ση was that of the
# cosine: compare these two rows. *Same road* goes all the way, to another penalty, as its meter says. Lies are learned late, and
# a strong penalty forgets them: few lies repeated can mean either.
#
# And the meter alone does not tell that a run has arrived: one number for all weights can be right before each of them is.
#
# ## What to take along
#
# * Momentum amplifies what is inside its sum. Decoupled decay is outside: divide a coupled λ by $1-\mu$.
# * That one factor keeps destination and road, while $\eta\lambda \ll (1-\sqrt\mu)^2$. Beyond, coupled decay overshoots and never
#   beats $\sqrt\mu$ a step.
# * Over another Ση: same λ for the destination, same Σηλ for the road.
#
# **On your own model:** find the line of your optimizer in which λ appears. Composer's `DecoupledSGDW` decays by λη/η₀ a step: it
# follows the schedule of the learning rate, not its size.
#
# **References.** Loshchilov & Hutter 2019, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101): SGDW, and the equivalence, which
# they state for *standard* SGD · Goh 2017, [Why momentum really works](https://distill.pub/2017/momentum/) ·
# Zagoruyko & Komodakis 2016, [arXiv:1605.07146](https://arxiv.org/abs/1605.07146) ·
# [PyTorch's SGD](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html) ·
# [Keras's base optimizer](https://github.com/keras-team/keras/blob/master/keras/src/optimizers/base_optimizer.py) ·
# [DecoupledSGDW](https://docs.mosaicml.com/projects/composer/en/latest/api_reference/generated/composer.optim.DecoupledSGDW.html)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {
    "repeated_coupled": share["coupled"].mean(),
    "repeated_decoupled": share["decoupled"].mean(),
    "distance_translated": distance(translated[middle], middle).mean(),
    "steps_beyond": gone[16],
}
record = claims.record(parameters, metrics)
