# %% [markdown]
# # Deep dive 08 · Stopping is L2, nearly
#
# **Two roads lead from nothing to the full fit. Are they one?**
#
# Stop a training early, and its weights are on the way from zero to the full fit. Penalize their squares, and they stay on
# the way too: the smaller λ, the nearer to the fit. A famous textbook shows that, in a simple model, the two are equivalent. Then
# nobody would need both. Does that hold for digits, for another optimizer, for a network?
#
# *{minutes} minutes. You need lessons 02 and 08. One question to warm up:*
#
# <details><summary>Gradient descent on (s/2)(w − b)²: what does one step do to the distance from b?</summary>
# It multiplies it by 1 − ηs.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw
n_runs: int = 8  # [3, 32] readers of each kind, each with digits of its own
n_train: int = 100  # [50, 300] training digits of each
label_noise: float = 0.2  # [0, 0.5] share of wrong labels among them
max_steps: int = 3000  # [100, 100000] steps of each linear training
n_before: int = 300  # [100, 600] digits that a colleague had (section 3)
decays: list = [0.1, 0.5, 1.0, 2.0, 4.0]  # 2 to 8 rising values in [0.01, 30]: AdamW's λ for the network
epochs: int = 160  # [4, 2000] passes of each network over its digits, in batches of 50
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# imports; digits, some labels wrong; squared errors; a grid of steps and one of penalties
import numpy as np
import torch
from matplotlib import pyplot as plt
from torch.nn import functional

from course_utils.checks.deeper import d08_stopping_is_l2 as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.measure import nll, weight_norm
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("08.stopping_is_l2")

digits = load("digits", n_train=1000, n_val=397, n_test=400, seed=seed, device=device)


def flat(x):
    return x.flatten(1).double() / 8


def coded(y):  # ten targets a digit, 0.9 for its own, -0.1 for the others
    return functional.one_hot(y, 10).double() - 0.1


def error(w, part):
    return ((flat(part[0]) @ w - coded(part[1])) ** 2).sum(1).mean().item()


def own_digits(k):
    """The training digits of run k, and a colleague's, all others than these."""
    draw = torch.Generator().manual_seed(seed + k)
    rows = torch.randperm(1000, generator=draw).to(device)
    wrong = torch.rand(1000, generator=draw) < label_noise
    shift = (torch.randint(1, 10, (1000,), generator=draw) * wrong).to(device)
    x, y = digits.train[0][rows], (digits.train[1][rows] + shift) % 10
    return (x[:n_train], y[:n_train]), (x[n_train : n_train + n_before], y[n_train : n_train + n_before])


marks = np.unique(np.geomspace(1, max_steps, 60).astype(int))
penalties = np.geomspace(1e-5, 100, 280)

# %% tags=["fold"]
# the situation: two weights, a long valley, and both roads from zero to the full fit
curvature, fit_at = np.array([1.0, 0.08]), np.array([1.0, 1.0])
stopped = np.array([fit_at * (1 - (1 - 0.1 * curvature) ** t) for t in range(2000)])
ridge = np.array([fit_at * curvature / (curvature + s) for s in np.geomspace(1e-4, 1e4, 400)])
fig, ax = plt.subplots(figsize=(5.6, 3.4))
u, v = np.meshgrid(np.linspace(-0.15, 1.6, 120), np.linspace(-0.15, 1.6, 120))
ax.contour(u, v, curvature[0] * (u - 1) ** 2 + curvature[1] * (v - 1) ** 2, 12, colors="0.8", linewidths=0.8, linestyles="-")
ax.plot(*stopped.T, "-", color="C0", label="gradient descent, step by step")
ax.plot(*ridge.T, "--", color="C1", label="minima with an L2 penalty, λ from large to small")
ax.plot(0, 0, "ko")
ax.plot(1, 1, "k*", markersize=13)
ax.set(xlabel="weight of large curvature", ylabel="of small curvature", title="Two roads to one fit")
ax.legend(fontsize=8, loc="upper left")
show(
    fig,
    alt="Level lines of a long valley. From the origin two curves lead to its lowest point; they part on the way and meet again.",
    reading="Both roads leave zero and end in the full fit (star). Both first see to the weight that the loss "
    "cares about most. "
    "Between they part.",
)

# %% [markdown]
# ## 1 · How much of the fit is kept?
#
# Near a minimum a loss is a valley: in suitable axes, $\frac{s}{2}(w-b)^2$ in each, with the curvature s of that axis. An L2
# penalty keeps the part $s/(s+\lambda)$ of b. And stopping?
#
# ### Exercise 1 · What stopping keeps
#
# Gradient descent starts at w = 0. Which part of b has it reached after `steps` steps? (`curvature` may be a tensor, one value an
# axis.) All stopped readers below are made by your function.
#
# <details><summary>Hint 1</summary>What one step leaves of the distance to b is in the warm-up.</details>
# <details><summary>Hint 2</summary>At the start the distance is b, all of it. What is not left is kept.</details>


# %% tags=["stub"]
def kept(curvature, lr, steps): ...


checks.check_1(kept)


# %% tags=["solution"]
def kept(curvature, lr, steps):
    return 1 - (1 - lr * curvature) ** steps


checks.check_1(kept)


# %% tags=["fold"]
# ours, in case yours is open
def our_kept(curvature, lr, steps):
    return 1 - (1 - lr * curvature) ** steps


is_yours = checks.check_1(kept).startswith("passed")
formula = kept if is_yours else our_kept


def by_stopping(curvature, lr, steps):
    return torch.as_tensor(formula(curvature.clone(), lr, steps), dtype=torch.float64).to(curvature.device)


# %% [markdown]
# For small s stopping keeps $\eta t s$ of b, L2 $s/\lambda$: hence the rule **λ = 1/(ηt)**. **Predict.** With that λ,
# how far apart do the two parts get, over all curvatures? And would another λ fit better?

# %%
prediction = None  # such as 0.05, between 0 and 1

# %% tags=["fold"]
# figure: the part of the fit that is kept, against curvature
products = np.geomspace(0.01, 100, 2001)  # curvature · η · t
with_stopping = by_stopping(torch.tensor(products) / 1e5, 1.0, 100_000).numpy()  # many small steps
gaps = {c: np.abs(with_stopping - products / (products + c)).max() for c in np.linspace(0.2, 2, 181)}
closest = min(gaps, key=gaps.get)
rule_gap = np.abs(with_stopping - products / (products + 1)).max()
fig, ax = plt.subplots()
ax.plot(products, with_stopping, "-", label="stopping after t steps")
ax.plot(products, products / (products + 1), "--", label="L2, λ = 1/(ηt)")
ax.plot(products, products / (products + closest), "-.", label=f"L2, λ = {closest:.2f}/(ηt)")
ax.set(
    xscale="log",
    xlabel="curvature · η · t",
    ylabel="part of the fit that is kept",
    title=f"Apart by up to {rule_gap:.2f} with the rule, by {gaps[closest]:.2f} with the best λ",
)
ax.legend()
yours = f" You said: {prediction}." if prediction is not None else ""
show(
    fig,
    alt="Three rising curves from 0 to 1 against curvature times step size times steps; the one for stopping is the steepest.",
    reading=f"With λ = 1/(ηt) the two are apart by up to {rule_gap:.2f}.{yours} With {closest:.2f}/(ηt) by "
    f"{gaps[closest]:.2f}, and "
    "no λ brings it below that: stopping changes over more sharply from axes left alone to axes fitted.",
)

# %% [markdown]
# So they are alike and not equal. Goodfellow and others derive the equivalence for small s in just this way (section 7.8);
# Bishop (1995) speaks of close similarities. Does what is left of the difference matter?
#
# ## 2 · Digits
#
# Linear readers with ten outputs and squared loss, few digits, some labels wrong. In the axes of the data all is known
# exactly, every stopping time and every λ:


# %%
def axes_of(x, y):
    s, axes = torch.linalg.eigh(x.T @ x / len(x))
    pull = axes.T @ (x.T @ y / len(x))  # the gradient at w = 0, turned round
    fit = torch.where(s[:, None] > 1e-9, pull / s.clamp(min=1e-9)[:, None], 0)
    return s.clamp(min=0), axes, fit


def penalized(s, axes, fit, strength):
    return axes @ ((s / (s + strength))[:, None] * fit)


# %% tags=["fold"]
# for each run: both roads, each tuned on validation digits, and how far apart they are
def best_of(road):
    return min(range(len(road)), key=lambda k: error(road[k], digits.val))


def apart(w, others):
    """Distances to other weights, in lengths of w."""
    return torch.stack([(w - v).norm() / w.norm() for v in others])


def both_roads(k):
    x, y = own_digits(k)[0]
    s, axes, fit = axes_of(flat(x), coded(y))
    lr = 1 / s.max().item()
    roads = {"stopped": [axes @ (by_stopping(s, lr, int(t))[:, None] * fit) for t in marks],
             "L2": [penalized(s, axes, fit, strength) for strength in penalties]}  # fmt: skip
    stop, shrink = best_of(roads["stopped"]), best_of(roads["L2"])
    w, time = roads["stopped"][stop], lr * marks[stop]
    read = [(flat(digits.test[0]) @ v).argmax(1) for v in (w, roads["L2"][shrink])]
    test = {name: [error(v, digits.test) for v in road] for name, road in roads.items()}
    return {
        "data": (x, y), "axes": (s, axes, fit), "lr": lr, "L2": roads["L2"], "test": test,
        "stopped": test["stopped"][stop], "shrunk": test["L2"][shrink], "fit": error(axes @ fit, digits.test),
        "time": time, "λ": penalties[shrink], "times λ": penalties[shrink] * time,
        "same answers": (read[0] == read[1]).double().mean().item(),
        "weights": w, "nearest": apart(w, roads["L2"]).min().item(), "to tuned": apart(w, [roads["L2"][shrink]]).item(),
    }  # fmt: skip


linear = [both_roads(k) for k in range(n_runs)]


def of(name):
    return np.array([run[name] for run in linear])


pairs = zip(linear, [*linear[1:], linear[0]])
other_draw = np.mean([apart(a["weights"], [b["weights"]]).item() for a, b in pairs])


# %% [markdown]
# **Predict.** Each tuned on validation digits: which has the smaller error on the test digits?

# %%
prediction = None  # "stopping", "L2" or "a tie"

# %% tags=["fold"]
# figure: test error along both roads
fig, ax = plt.subplots()
common = np.geomspace(of("lr").max(), of("lr").min() * max_steps, 60)
for name, scale, style in (("stopped", lambda run: run["lr"] * marks, "-"), ("L2", lambda run: 1 / penalties[::-1], "--")):
    lines = [np.interp(np.log(common), np.log(scale(run)), run["test"][name][:: -1 if name == "L2" else 1]) for run in linear]
    label = {"stopped": "stopped, against ηt", "L2": "L2, against 1/λ"}[name]
    ax.plot(common, np.mean(lines, 0), style, label=f"{label} (mean of {n_runs})")
saved, width, _ = mean_and_interval(of("shrunk") - of("stopped"))
outcome = "a tie" if abs(saved) + width < 0.025 else "stopping" if saved > width else "L2" if -saved > width else "open"
ax.set(
    xscale="log",
    xlabel="ηt, or 1/λ",
    ylabel="squared error on test digits",
    title=f"At their best: stopped {of('stopped').mean():.3f}, L2 {of('shrunk').mean():.3f}",
    ylim=(0.9 * of("shrunk").min(), min(of("fit").mean(), 1.8 * of("shrunk").mean())),
)
ax.legend()
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Two curves of test error that fall, have a minimum and rise, much alike, with their minima at different places.",
    reading=f"Tuned on validation digits, stopping errs by {of('stopped').mean():.3f}, L2 by "
    f"{of('shrunk').mean():.3f}, the full fit "
    f"by {of('fit').mean():.2f}. Stopping saves {saved:.4f} ± {width:.4f}; what is within 0.025, a twentieth "
    f"of such an error, we call "
    f"a tie. So: {outcome}.{yours} They give the same answer for {of('same answers').mean():.1%} of the test digits. The stopped "
    f"weights are {of('nearest').mean():.0%} of their length away from the nearest L2 solution and "
    f"{of('to tuned').mean():.0%} from the "
    f"tuned one; from stopped weights of another draw of digits {other_draw:.0%}. The tuned "
    f"λ is {of('times λ').mean():.2f}/(ηt).",
)

# %% tags=["fold"]
# claims 1 and 2: nearly the same error, and the rule λ = 1/(ηt)
claims.same(
    "08.stopping_is_l2.1",
    "Each tuned on validation digits, stopping and L2 give linear readers nearly the same squared error on the test digits.",
    of("stopped"),
    of("shrunk"),
    margin=0.025,
    names=("stopped", "L2"),
    over="training sets, with these test digits",
)
claims.compare(
    "08.stopping_is_l2.2",
    "The λ that validation chooses is smaller than 1/(ηt) of the stopping time that it chooses, by over a fifth.",
    1 / of("time"),
    of("λ"),
    factor=1.25,
    names=("1/(ηt)", "the tuned λ"),
    over="training sets, with these validation digits",
    myth="stopping after t steps is L2 regularization with λ = 1/(ηt)",
    myth_source="a rule of thumb derived for small curvatures (Goodfellow et al. 2016, section 7.8), where it is right",
)

# %% [markdown]
# Close, then, beside what another draw of digits changes, and not the same. Theory bounds the difference: with λ = 1/(ηt) and
# very small steps from zero, the risk of stopping (the expected squared
# distance from the true weights) is at most 1.69 times that of L2, at every t (Ali, Kolter, Tibshirani 2019). A bound on the
# risk, for least squares; it does not say that the weights are the same.
#
# ## 3 · Where they part: the start
#
# A colleague gives you weights that she learned from digits of her own; the digits she may not give away. You train on, from
# there. L2 knows nothing of a start: its minimum is where it is. Stopping does.
#
# ### Exercise 2 · Stopped on the way from elsewhere
#
# As before, but gradient descent starts at `start`. Return w after `steps` steps; `fit` is the minimum.
#
# <details><summary>Hint 1</summary>The distance to the fit shrinks by the same factor at each step, whatever it was at
# first.</details>
# <details><summary>Hint 2</summary>After no step it must be `start`, after very many `fit`.</details>


# %% tags=["stub"]
def stopped_from(start, fit, curvature, lr, steps): ...


checks.check_2(stopped_from)


# %% tags=["solution"]
def stopped_from(start, fit, curvature, lr, steps):
    return fit + (1 - lr * curvature) ** steps * (start - fit)


checks.check_2(stopped_from)

# %% [markdown]
# **Predict.** Put in order, by test error: her weights as they are; trained on and stopped; L2 on your digits; L2 that pulls
# towards *her weights* instead of zero (Li and others 2018 call it L2-SP).

# %%
prediction = None  # such as ["L2", "hers", "stopped", "L2-SP"], worst first


# %% tags=["fold"]
# ours, in case yours is open; her weights, and four ways to use them or not, each tuned on validation digits
def our_stopped_from(start, fit, curvature, lr, steps):
    return fit + (1 - lr * curvature) ** steps * (start - fit)


is_yours = checks.check_2(stopped_from).startswith("passed")
chosen_from, whose = (stopped_from, "your") if is_yours else (our_stopped_from, "our")


def going_on(start, fit, *settings):
    return torch.as_tensor(chosen_from(start.clone(), fit.clone(), *settings), dtype=torch.float64).to(fit.device)


def four_ways(k):
    x, y = own_digits(k)[1]
    hers = axes_of(flat(x), coded(y))
    hers = [penalized(*hers, strength) for strength in penalties]
    hers = hers[best_of(hers)]
    s, axes, fit = linear[k]["axes"]
    start = axes.T @ hers
    # where the data say nothing (s = 0) nothing moves
    ends = torch.where(s[:, None] > 1e-9, fit, start)
    on = [axes @ going_on(start, ends, s[:, None], linear[k]["lr"], int(t)) for t in [0, *marks]]
    pulled = [axes @ ((s[:, None] * ends + strength * start) / (s[:, None] + strength)) for strength in penalties]
    return [error(hers, digits.test), *(error(road[best_of(road)], digits.test) for road in (on, pulled)), linear[k]["shrunk"]]


ways = dict(zip(("hers", "stopped", "L2-SP", "L2"), np.transpose([four_ways(k) for k in range(n_runs)])))
for name in sorted(ways, key=lambda name: -ways[name].mean()):
    mean, half, _ = mean_and_interval(ways[name])
    print(f"{name:8} {mean:.3f} ± {half:.3f}")
for name in ("hers", "L2-SP"):
    more, width, _ = mean_and_interval(ways[name] - ways["stopped"])
    print(f"{name} against stopped, paired: {more:+.4f} ± {width:.4f}")
print(f"(squared error on test digits, {whose} function)" + (f" You said: {prediction}." if prediction else ""))

# %% tags=["fold"]
# claim 3: stopping shrinks towards the start
claims.compare(
    "08.stopping_is_l2.3",
    "Trained on from a colleague's weights, stopped readers err less on the test digits than L2 readers on the same digits.",
    ways["L2"],
    ways["stopped"],
    margin=0.01,
    names=("L2", "stopped"),
    over="training sets, with these test digits",
)

# %% [markdown]
# Most of the gain over L2 is hers. Stopping shrinks towards the *start*, L2 towards zero: they are alike only for those who
# start at zero, and from elsewhere L2-SP is the nearer relative. (A network never starts at zero.)
#
# ## 4 · Where they part: the optimizer
#
# Another optimizer walks another road to the same fit. How far off the road of L2 does it lead? **Predict** for Adam.

# %%
prediction = None  # such as 0.1, in lengths of the weights


# %% tags=["fold"]
# full-batch roads of three optimizers from zero; at each mark the distance to the nearest L2 solution
optimizers = {
    "gradient descent": lambda p, lr: torch.optim.SGD(p, lr=lr),
    "momentum 0.9": lambda p, lr: torch.optim.SGD(p, lr=lr / 10, momentum=0.9),
    "Adam": lambda p, lr: torch.optim.Adam(p, lr=3e-3),
}


def road_of(k, make):
    x, y = flat(linear[k]["data"][0]), coded(linear[k]["data"][1])
    gram, pull = x.T @ x / len(x), x.T @ y / len(x)
    w = torch.zeros_like(pull, requires_grad=True)
    optimizer, road = make([w], linear[k]["lr"]), []
    for step in range(1, max_steps + 1):
        w.grad = gram @ w.detach() - pull
        optimizer.step()
        if step in marks:
            road.append(w.detach().clone())
    others = torch.stack(linear[k]["L2"])
    off = [((others - v).flatten(1).norm(dim=1).min() / v.norm()).item() for v in road]
    best = best_of(road)
    return off, off[best], error(road[best], digits.test)


roads = {name: [road_of(k, make) for k in range(n_runs)] for name, make in optimizers.items()}
first = []  # of the first step's squared length, the share in the ten stiffest axes: gradient descent, Adam
for run in linear:
    s, axes, fit = run["axes"]
    gradient = s[:, None] * fit
    steps = (gradient, axes.T @ torch.sign(axes @ gradient))
    first.append([(step[-10:].square().sum() / step.square().sum()).item() for step in steps])
first = np.mean(first, 0)
off = {name: np.array([run[1] for run in found]) for name, found in roads.items()}
fig, ax = plt.subplots()
for name, style in zip(roads, ("-", "--", "-.")):
    mean, half = np.transpose([mean_and_interval(column)[:2] for column in np.transpose([run[0] for run in roads[name]])])
    ax.plot(marks, mean, style, label=f"{name} (95 %, n = {n_runs})")
    ax.fill_between(marks, mean - half, mean + half, alpha=0.2)
ax.set(xscale="log", xlabel="step", ylabel="distance to the nearest L2 solution\n(lengths of the weights)", ylim=(0, None))
ax.set_title("Where validation stops: " + ", ".join(f"{off[name].mean():.2f} ({name})" for name in off), fontsize=9)
ax.legend()
tested = ", ".join(f"{name} {np.mean([run[2] for run in found]):.3f}" for name, found in roads.items())
yours = f" You said: {prediction}." if prediction is not None else ""
show(
    fig,
    alt="Distance to the nearest L2 solution against the step for three optimizers; Adam's curve is far above the others.",
    reading=f"Stopped where validation says, the weights are off the road of L2 by "
    f"{off['gradient descent'].mean():.2f} of their length "
    f"with gradient descent, {off['momentum 0.9'].mean():.2f} with momentum, {off['Adam'].mean():.2f} with "
    f"Adam.{yours} Their errors on "
    f"test digits: {tested}; L2's {of('shrunk').mean():.3f}. Of the first step's squared length the ten "
    f"stiffest axes get {first[0]:.0%} "
    f"with gradient descent, {first[1]:.0%} with Adam, whose first step is the gradient's sign. "
    f"(Another draw of digits: {other_draw:.2f}.)",
)

# %% tags=["fold"]
# claim 4: Adam's road
claims.compare(
    "08.stopping_is_l2.4",
    "Stopped where validation says, Adam's weights are over twice as far from every L2 solution as gradient descent's.",
    off["Adam"],
    off["gradient descent"],
    factor=2.0,
    names=("Adam", "gradient descent"),
    unit="lengths of the weights",
    over="training sets",
)

# %% [markdown]
# Adam's first step moves every pixel's weight equally far, and so puts more into flat axes: another road from the start. (η
# is one over the largest curvature, so that gradient descent fits that axis in one step; momentum takes a tenth of it. Adam
# has one learning rate here; another one is for you to try.)
#
# ## 5 · A network, both tuned
#
# One hidden layer, AdamW, the same digits. Stopped by its validation loss; or with the best decay of the grid to the end; or
# both. **Predict.** Do the two together gain over stopping alone?

# %%
prediction = None  # "yes" or "no"

# %%
parts = [own_digits(k)[0] for k in range(n_runs)]
runs = [{"seed": seed + k, "lr": 3e-3, "weight_decay": decay, "train": parts[k]}
        for decay in [0.0, *decays] for k in range(n_runs)]  # fmt: skip
how = {"epochs": epochs, "batch_size": 50, "evaluate_every": 2, "progress": False}


def network():
    return mlp(64, (64,), 10)


_, to_the_end = train_runs(network, parts[0], digits.val, runs, **how)
_, stopped = train_runs(network, parts[0], digits.val, runs, patience=20, **how)
others = [run | {"seed": run["seed"] + 500} for run in runs[:n_runs]]  # other first weights
_, again = train_runs(network, parts[0], digits.val, others, patience=20, **how)


# %% tags=["fold"]
# chosen on validation digits, judged on test digits
def by_decay(networks):
    return {d: networks[i * n_runs : (i + 1) * n_runs] for i, d in enumerate([0.0, *decays])}


@torch.no_grad()
def losses(group, part):
    return np.array([nll(n.eval()(part[0]), part[1]) for n in group])


@torch.no_grad()
def alike(a, b):
    return np.mean([(m(digits.test[0]).argmax(1) == n(digits.test[0]).argmax(1)).double().mean().item() for m, n in zip(a, b)])


def chosen(groups):
    return min(decays, key=lambda d: losses(groups[d], digits.val).mean())


ended, halted = by_decay(to_the_end), by_decay(stopped)
groups = {
    "neither": ended[0.0],
    "stopped": halted[0.0],
    "again": again,
    "decay": ended[chosen(ended)],
    "both": halted[chosen(halted)],
}
lost = {name: losses(group, digits.test) for name, group in groups.items()}
print("nats on test digits      length of weights   same answer as stopped")
for name, group in groups.items():
    mean, half, _ = mean_and_interval(lost[name])
    long, same = np.mean([weight_norm(n) for n in group]), alike(group, groups["stopped"])
    print(f"{name:10}{mean:.3f} ± {half:.3f}{long:15.1f}{same:20.0%}")
more, width, _ = mean_and_interval(lost["stopped"] - lost["both"])
tie = ", a tie" if abs(more) <= width else ""
edge = " (at the edge of the grid)" if chosen(halted) in (decays[0], decays[-1]) else ""
print(f"both save {more:+.3f} ± {width:.3f} nats over stopping alone{tie}" + (f" You said: {prediction}." if prediction else ""))
print(f"λ = {chosen(ended):g} for decay alone, {chosen(halted):g}{edge} with stopping; again: stopped, from other first weights")
less = [alike([a], [s]) - alike([d], [s]) for a, d, s in zip(again, groups["decay"], groups["stopped"])]
less, width, _ = mean_and_interval(100 * np.array(less))
tie = ", a tie" if abs(less) <= width else ""
print(f"decay answers as stopped does less often than again, by {less:.1f} ± {width:.1f} points{tie}")

# %% tags=["fold"]
# claim 5: both together
claims.compare(
    "08.stopping_is_l2.5",
    "Stopping and decay together, tuned on validation digits, do not save this network even a twentieth of a nat over stopping "
    "alone.",
    lost["both"],
    lost["stopped"],
    margin=-0.05,
    names=("both", "stopped"),
    unit="nats",
    over="training sets, with these test digits",
)

# %% [markdown]
# The yardstick is the third line: two stopped networks, same digits, differ by their first weights alone. The last line says
# whether decay differs by more, although it shares its first weights with the stopped one.
#
# ## What to take along
#
# * From zero, by gradient descent, on squared loss: stopping and L2 err nearly alike, at a λ below 1/(ηt); the weights differ.
# * Stopping shrinks towards where it started, along the road of its optimizer. L2 knows neither.
# * What one has taken away, the other need not: combine them only where validation sees a gain.
#
# **On your own model:** fine-tuning? Then decay towards zero pulls away from what you were given. Compare it with stopping,
# or with decay towards the start, on validation data.
#
# **References.** Bishop 1995, *Regularization and complexity control in feed-forward networks*, ICANN ·
# Goodfellow, Bengio, Courville 2016, [Deep Learning, 7.8](https://www.deeplearningbook.org/contents/regularization.html) ·
# Ali, Kolter, Tibshirani 2019, [arXiv:1810.10082](https://arxiv.org/abs/1810.10082) ·
# Li, Grandvalet, Davoine 2018, [arXiv:1802.01483](https://arxiv.org/abs/1802.01483) · back to
# [lesson 08](../08_data_and_stopping.ipynb)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {name: of(name).mean() for name in ("stopped", "shrunk", "nearest", "times λ")}
metrics |= {f"from_{name}": v.mean() for name, v in ways.items()} | {f"off_{name}": v.mean() for name, v in off.items()}
record = claims.record(parameters, metrics | {f"nats_{name}": v.mean() for name, v in lost.items()})
