# %% [markdown]
# # 00 · Start here
#
# **How much can a network learn when there is nothing to learn?**
#
# Below are real handwritten digits, but the label above each is drawn from a hat. No rule connects the two; you would refuse
# to learn them. A network is going to be asked for 200. How far does it get?
#
# **{minutes} minutes. You need** Python, and to have trained a small network once. **You will be able to** *predict* before you
# run, *read* a card and what it was measured against, and *mend* an exercise by its diagnosis.
#
# Press *Shift + Enter* to run a cell and go on to the next.

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] the random seed of the small experiment below
n_runs: int = 8  # [3, 100] how many times the small experiment is repeated
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %% tags=["fold"]
# set-up: imports, the course's style, a check of the parameters above
import torch
from matplotlib import pyplot as plt

from course_utils.checks import lesson_00 as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.doctor import examine
from course_utils.figures import plot_images, plot_interval, show, use_course_style
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs

torch.set_num_threads(1)
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("00")


# %% tags=["fold"]
# the data: digits, with their labels shuffled
def shuffled(labels, seed):
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    return labels[order.to(labels.device)]


digits = load("digits", seed=seed, device=device)
x, y = digits.train[0][:200], digits.train[1][:200]
lies = shuffled(y, seed)[:20]
n_true = (lies == y[:20]).sum().item()
fig = plot_images(x[:20], [digits.classes[label] for label in lies])
show(
    fig,
    alt="Twenty small grey images of handwritten digits in two rows, each under a label that was drawn at random.",
    reading=f"Twenty of the 200 digits, each under its shuffled label. By luck, {n_true} of these 20 labels are true.",
)

# %% [markdown]
# ## Predict
#
# The network has 256 + 256 hidden units and goes through the 200 digits forty times. Of the 200 shuffled labels, how many
# will it then get right? Write your guess in place of `None`; it is for you alone, and everything runs without it.

# %%
prediction = None  # "a tenth", "half" or "almost all"

# %% [markdown]
# ## Run
#
# One network might be lucky, so each of `n_runs` networks gets a shuffle of its own. `train_runs` trains them all at once.

# %%
runs = []
for k in range(seed, seed + n_runs):
    runs.append({"seed": k, "lr": 0.003, "train": (x, shuffled(y, k))})

history, networks = train_runs(mlp, None, digits.val, runs, epochs=40)

# %% tags=["fold"]
# the figure: accuracy on the shuffled labels and on new digits, after every epoch
last = history.groupby("run").last()
learned, on_new_digits = last["train_accuracy"], last["val_accuracy"]
fig, ax = plt.subplots()
for column, label, style in (("train", "shuffled labels", "--"), ("val", "new digits, true labels", "-")):
    percent = history.assign(percent=100 * history[f"{column}_accuracy"])
    plot_interval(ax, percent, "epoch", "percent", label=label, linestyle=style)
ax.set(xlabel="epoch", ylabel="accuracy (%)", ylim=(-3, 103))
ax.set_title(f"{learned.mean():.0%} of the shuffled labels learned, {on_new_digits.mean():.0%} of new digits read")
ax.legend()
show(
    fig,
    alt="Two curves over forty epochs: accuracy on the shuffled labels, and accuracy on new digits with their true labels.",
    reading=f"In the end the networks know {learned.mean():.1%} of their shuffled labels, and read {on_new_digits.mean():.1%} "
    f"of {len(digits.val[1])} digits that they have never seen.",
)

# %% tags=["fold"]
# how your prediction fared
amounts = {"a tenth": 0.1, "half": 0.5, "almost all": 1.0}
outcome = min(amounts, key=lambda amount: abs(amounts[amount] - learned.mean()))
replies = {None: "You kept your prediction to yourself.", outcome: "You predicted it."}
reply = replies.get(prediction, f"You predicted {prediction}: what made you think so?")
print(f"The networks learned {outcome} of their labels. {reply}")

# %% [markdown]
# ## Read a card
#
# This course never says "networks memorize". It writes the sentence down, measures it, and shows a card: the **verdict**,
# the **sentence**, then what was measured **and against what**. The small triangle opens how it was tested.
#
# Against what, here? Someone who reads every digit correctly would still get a few shuffled labels right, by luck.

# %% tags=["fold"]
# how claim 00.1 is measured: against someone who reads every digit correctly
true_by_luck = [(shuffled(y, k) == y).double().mean().item() for k in range(seed, seed + n_runs)]
claims.compare(
    "00.1",
    "A network can learn shuffled labels by heart: it gets at least 70 points more of them right than a perfect reader would",
    learned,
    true_by_luck,
    margin=0.7,
    names=("by heart", "by a perfect reader"),
    unit="points",
    source="Zhang et al. 2017, arXiv:1611.03530",
)

# %% [markdown]
# A verdict is ✓ supported, ✗ not supported, or ? inconclusive where the 95 % interval leaves both open. It comes from *your*
# run, just now.
#
# And does what was learned by heart help with a digit that the network has never seen?

# %% tags=["fold"]
# how claim 00.2 is measured: against guesses
x_new, y_new = digits.val
guessed = [(shuffled(y_new, k) == y_new).double().mean().item() for k in range(seed, seed + n_runs)]
claims.same(
    "00.2",
    "On new digits, a network that learned shuffled labels is as good as a guess, to within 15 points",
    on_new_digits,
    guessed,
    margin=0.15,
    names=("by the network", "by guessing"),
    unit="points",
)

# %% [markdown]
# So a network can be perfect where it has trained and clueless everywhere else. What keeps one from ending there is called
# regularization, and is what the other lessons are about.
#
# ## Mend an exercise
#
# An exercise asks you to fill in a function; its check names your mistake. Write what comes to mind, run, read, mend.
#
# ### Exercise 0.1
#
# A classifier is right on 360 of 400 test digits: 90 %. On 400 other digits it would be a little more, or a little less. Return
# the standard error of its accuracy, the typical size of that luck.


# %% tags=["stub"]
def answer(n_correct, n):
    # your code, in place of the dots
    ...


checks.check_0_1(answer)

# %% [markdown] tags=["stub"]
# <details><summary>Hint 1</summary>
#
# Each digit is a coin that shows *right* with probability $a$ = 0.9. What is the variance of one such coin?
# </details>
# <details><summary>Hint 2</summary>
#
# It is $a(1-a)$. The variance of an average of $n$ coins is $n$ times smaller, and the standard error is its square root.
# </details>
#
# Stuck, or curious? Every lesson has its [solutions](../notebooks/solutions/00_start_here.ipynb).


# %% tags=["solution"]
def answer(n_correct, n):
    accuracy = n_correct / n
    return (accuracy * (1 - accuracy) / n) ** 0.5


checks.check_0_1(answer)

# %% [markdown]
# ## Find your way
#
# * **See folded code:** click the grey bar and press *Enter*; *View → Expand All Code* opens every cell.
# * **Stop a cell:** the ■ in the toolbar; run it again for its result.
# * **Start afresh:** *Kernel → Restart Kernel and Run All Cells*.
# * **Ask "what if?":** change a number in the first code cell, say `n_runs` to 3, and choose *Run → Run All Cells*. All figures
#   and verdicts are measured anew; one that changes is a finding, not a fault.
#
# ## Is everything in place?
#
# The next cell looks at packages, device and data. Where something is amiss it says what to do.

# %% tags=["fold"]
# the doctor: what is missing on this machine, if anything
to_fix = [line for is_fine, line in examine() if not is_fine]
print("\n".join(to_fix) or "everything is in place")

# %% [markdown]
# ## Where to go
#
# {syllabus}
#
# **Reference.** Zhang et al. 2017, [arXiv:1611.03530](https://arxiv.org/abs/1611.03530).

# %% tags=["fold"]
# all claims of this lesson, and the record of this run
claims.table()
metrics = {"train_accuracy": learned.mean(), "val_accuracy": on_new_digits.mean()}
record = claims.record(parameters, metrics)
