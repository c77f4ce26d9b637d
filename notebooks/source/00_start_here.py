# %% [markdown]
# # 00 · Start here
#
# **The question:** does my set-up work, how do I use this course, and what will I be able to do?
#
# **Time:** 10 minutes. **You need:** Python, and to have trained a small network once.
#
# At the end you will be able to
# 1. *run* a lesson and *check* your installation,
# 2. *read* a claim: its sentence, its measurement and its verdict,
# 3. *answer* an exercise and *use* the diagnosis that its check gives.

# %% [markdown]
# ## The one cell you may change
#
# Every lesson begins with a cell like the next one: its parameters, each with its type, its range and its meaning.
# Change a value, then choose *Run → Run All Cells*, and every conclusion of the lesson is measured again.

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] the random seed of the small experiment below
n_runs: int = 8  # [3, 100] how many times the small experiment is repeated
device: str = "cpu"  # {"cpu", "cuda"} where tensors live

# %%
import torch

from course_utils import claims as verdicts
from course_utils.checks import lesson_00 as checks
from course_utils.data import load
from course_utils.doctor import examine
from course_utils.figures import plot_images, show, use_course_style
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.training import evaluate, fit

use_course_style()
parameters = check_parameters(In, globals())

# %% [markdown]
# The last line checks the values above before anything runs: try `n_runs: int = 2` and see what it says.
#
# ## Does my set-up work?
#
# The cell trains a small network and looks at the packages, the device and the data. Where something is wrong, it says
# what to do. `course doctor` in a terminal gives the whole report, line by line.

# %%
to_fix = [line for ok, line in examine() if not ok]
print("\n".join(to_fix) or "everything is in place")

# %% [markdown]
# ## Real data, without a download
#
# The course needs no network. Its first data set is a set of real handwritten digits that comes with scikit-learn, 8 by 8
# pixels each. `load` gives three disjoint parts: one to train on, one to choose by, and one to be looked at once.

# %%
digits = load("digits", seed=seed, device=device)
x, y = digits.train
fig = plot_images(x[:20], [digits.classes[label] for label in y[:20]])
show(fig, alt="Twenty small grey images of handwritten digits in two rows, each with its label above it.")

# %% [markdown]
# The figure shows the first twenty training images. Some are hard even for you: a network that gets *these* right may
# have learned what a digit is, or may have learned these images by heart. Telling the two apart is what the course is
# about.
#
# ## Predict
#
# A network is about to be trained on those digits whose **labels have been shuffled**: nothing is left to learn. After
# enough epochs, how many training labels will it get right: about a tenth, about half, or almost all? Decide before you
# run the next cell.


# %%
def memorize(seed):
    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed)).to(y.device)]
    torch.manual_seed(seed)
    model = mlp().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    fit(model, (x[:200], shuffled[:200]), digits.val, optimizer, epochs=60, seed=seed)
    return evaluate(model, x[:200], shuffled[:200])["accuracy"], evaluate(model, *digits.val)["accuracy"]


train_accuracy, val_accuracy = zip(*[memorize(seed + i) for i in range(n_runs)], strict=True)

# %% [markdown]
# ## A claim and its verdict
#
# This course never says "regularization helps". It states a sentence, measures, and lets the numbers give the verdict:
# **supported**, **not supported**, or **inconclusive** when the 95 % interval leaves both open. What was measured stands
# between ⟨ and ⟩.

# %%
claims = [
    verdicts.compare(
        "00.1",
        "A network can learn at least 90 % of completely random labels by heart.",
        train_accuracy,
        [0.9] * n_runs,
        source="Zhang et al. 2017, arXiv:1611.03530",
    ),
    verdicts.compare(
        "00.2",
        "What it learned by heart helps with new digits: accuracy at least 10 points above the chance level of 10 %.",
        val_accuracy,
        [0.1] * n_runs,
        margin=0.1,
        expect="not supported",
    ),
]
display(*claims)

# %% [markdown]
# The second sentence is wrong, and the lesson says so: a verdict of *not supported* is a result like any other. Popular
# errors appear in this course in just this way: stated, run, refuted.
#
# ## An exercise
#
# An exercise asks for an `answer` and a check tells what is right or wrong about it. *Run All* works with every exercise
# left open.
#
# **Exercise 0.1.** A classifier is right on 360 of 400 test digits. Write a function that takes the number of correct
# examples and the number of examples, and returns the standard error of the accuracy.

# %% tags=["stub"]
answer = None  # def answer(n_correct, n): ...
checks.check_0_1(answer)


# %% tags=["solution"]
def answer(n_correct, n):
    accuracy = n_correct / n
    return (accuracy * (1 - accuracy) / n) ** 0.5


checks.check_0_1(answer)

# %% [markdown]
# ## When it goes wrong
#
# * *"No module named course_utils"*: the notebook runs in another Python. Start JupyterLab with `make lab`.
# * *A cell waits with `[*]` forever*: the kernel is busy or dead; choose *Kernel → Restart Kernel and Run All Cells*.
# * *A verdict differs from the course's own*: the line then says what the course's run found. With other parameters that
#   is a result, not a fault.
#
# ## The lessons
#
# | lesson | the question it answers |
# | --- | --- |
# | 01 overfitting | when does low training error lie? |
# | 02 weight decay | what does λ do, and when is L2 the same as decay? |
# | 03 AdamW | what changes under Adam, and what does AdamW really do? |
# | 04 dropout | what does a random mask buy? |

# %%
verdicts.claim_table(claims)

# %%
metrics = {"train_accuracy": sum(train_accuracy) / n_runs, "val_accuracy": sum(val_accuracy) / n_runs}
record = verdicts.write_record("00_start_here", claims, parameters=parameters, metrics=metrics)
print("record:", ", ".join(record))

# %% [markdown]
# **What you can do now.** *Run and check*: the report said whether everything is in place. *Read a claim*: two verdicts,
# one of them against the sentence. *Answer an exercise*: the check named what was missing.
#
# **Reference.** C. Zhang, S. Bengio, M. Hardt, B. Recht, O. Vinyals, *Understanding deep learning requires rethinking
# generalization*, ICLR 2017, [arXiv:1611.03530](https://arxiv.org/abs/1611.03530).
#
# **Next:** [01 · Overfitting](01_overfitting.ipynb).
