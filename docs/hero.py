"""The README's picture: networks trained on 300 digits of which 60 have a false label. `python docs/hero.py` measures and draws.

Each network has false labels, initial weights and batches of its own; the digits are the same for all.
"""

import json
from pathlib import Path

import torch
from matplotlib import pyplot as plt

from course_utils.data import load
from course_utils.figures import use_course_style
from course_utils.measure import accuracy
from course_utils.models import mlp
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval

N_RUNS, N_DIGITS, N_LIES, DECAYS = 8, 300, 60, (0.0, 0.01, 0.03, 0.06)
BLUE, ORANGE, GREY = "#0072B2", "#B84D00", "#D8D8D8"
FOLDER = Path(__file__).parent / "images"


def main():
    """Measure, then write images/hero.png and images/hero.json."""
    digits = load("digits", n_train=N_DIGITS)
    lies = [tell_lies(digits.train[1], seed) for seed in range(N_RUNS)]
    networks = train(digits, lies)
    result = {"n_runs": N_RUNS, "n_digits": N_DIGITS, "n_lies": N_LIES}
    result["networks"] = [measure(digits, lies, decay, networks[decay]) for decay in DECAYS]
    result["caption"] = caption(result)
    result["alt"] = alt(result)
    use_course_style()
    fig = draw(digits, lies[0], [networks[decay][0] for decay in (DECAYS[0], DECAYS[-1])], result)
    fig.savefig(FOLDER / "hero.png", dpi=160, facecolor="white", metadata={"Software": None})
    (FOLDER / "hero.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(result["caption"])


def tell_lies(labels, seed):
    """Which labels become false, (N_LIES,) indices, and all the labels that are told, (N_DIGITS,)."""
    generator = torch.Generator().manual_seed(seed)
    false = torch.randperm(len(labels), generator=generator)[:N_LIES]
    told = labels.clone()
    told[false] = (labels[false] + torch.randint(1, 10, (N_LIES,), generator=generator)) % 10
    return false, told


def train(digits, lies):
    """{weight decay: N_RUNS networks}, each trained on labels of its own, the same ones for each weight decay."""
    runs = [
        {"seed": seed, "lr": 0.05, "momentum": 0.9, "weight_decay": decay, "train": (digits.train[0], told)}
        for decay in DECAYS
        for seed, (_, told) in enumerate(lies)
    ]
    _, models = train_runs(lambda: mlp(n_hidden=(256,)), digits.train, digits.val, runs, epochs=100,
                           optimizer=torch.optim.SGD, evaluate_every=100)  # fmt: skip
    return {decay: models[i * N_RUNS : (i + 1) * N_RUNS] for i, decay in enumerate(DECAYS)}


@torch.no_grad()
def measure(digits, lies, decay, models):
    """Shares as [mean, half of the 95 % interval] over the networks: lies repeated, lies corrected, new digits read."""
    (x, truth), (x_new, y_new) = digits.train, digits.test
    shares = {"repeated": [], "corrected": [], "new": []}
    for model, (false, told) in zip(models, lies, strict=True):
        logits = model.eval()(x[false])
        shares["repeated"].append(accuracy(logits, told[false]))
        shares["corrected"].append(accuracy(logits, truth[false]))
        shares["new"].append(accuracy(model(x_new), y_new))
    return {"weight_decay": decay} | {name: [round(float(v), 4) for v in mean_and_interval(s)[:2]] for name, s in shares.items()}


def percent(share):
    """[mean, half of the interval] in words: "85 ± 4 %"; without the interval where it rounds to nothing."""
    mean, half = (f"{100 * value:.0f}" for value in share)
    return f"{mean} ± {half} %" if half != "0" else f"{mean} %"


def caption(result):
    """What the README says below the picture."""
    plain, decayed = result["networks"][0], result["networks"][-1]
    return (
        f"{result['n_lies']} of {result['n_digits']} training labels are false. Without weight decay, a network repeats"
        f" {percent(plain['repeated'])} of the lies and reads {percent(plain['new'])} of new digits. With weight decay"
        f" {decayed['weight_decay']}, it repeats {percent(decayed['repeated'])}, *corrects* {percent(decayed['corrected'])}"
        f" and reads {percent(decayed['new'])} (mean and 95 % interval over {result['n_runs']} networks)."
    )


def alt(result):
    """The picture for someone who cannot see it."""
    rows = [
        f"{n['weight_decay']}: {n['repeated'][0]:.0%} repeated, {n['corrected'][0]:.0%} corrected" for n in result["networks"]
    ]
    return f"Falsely labelled digits, what two networks answer, and bars of the lies by weight decay: {'; '.join(rows)}."


def draw(digits, lies, models, result):
    """The figure: some falsely labelled digits with the answers of two networks, and the shares of all lies as bars."""
    fig = plt.figure(figsize=(8, 7), layout="none")
    fig.text(
        0.02, 0.98, f"{result['n_lies']} of {result['n_digits']} training labels are lies.\n"
        f"Weight decay corrects {100 * result['networks'][-1]['corrected'][0]:.0f} % of them.",
        fontsize=23, fontweight="bold", va="top", linespacing=1.3,
    )  # fmt: skip
    draw_digits(fig, digits, lies, models)
    draw_bars(fig, result)
    return fig


@torch.no_grad()
def draw_digits(fig, digits, lies, models, n=6):
    """The first falsely labelled digits, the label, and the answers of a network without and one with weight decay."""
    x, truth = digits.train
    false, told = lies[0][:n], lies[1]
    answers = [told[false], *(model(x[false]).argmax(-1) for model in models)]
    heights = (0.66, 0.6, 0.54)
    for height, text in zip(heights, ("label given", "no decay says", f"decay {DECAYS[-1]} says"), strict=True):
        fig.text(0.25, height, text, ha="right", va="center", fontsize=17)
    for column, index in enumerate(false):
        left = 0.28 + 0.12 * column
        ax = fig.add_axes([left, 0.7, 0.1, 0.13], xticks=[], yticks=[], frame_on=False)
        ax.imshow(x[index, 0], cmap="gray_r")
        for height, answer in zip(heights, answers, strict=True):
            colour = BLUE if answer[column] == truth[index] else ORANGE if answer[column] == told[index] else "#666666"
            fig.text(left + 0.05, height, f"{answer[column]}", ha="center", va="center", fontsize=22, fontweight="bold",
                     color=colour)  # fmt: skip


def draw_bars(fig, result):
    """A bar a weight decay: the shares of the lies that are repeated, corrected and answered otherwise, with intervals."""
    ax = fig.add_axes([0.28, 0.06, 0.53, 0.34], xlim=(0, 1), xticks=[], frame_on=False)
    for row, network in enumerate(result["networks"]):
        (repeated, repeated_half), (corrected, corrected_half) = network["repeated"], network["corrected"]
        ax.barh(row, repeated, color=ORANGE)
        ax.barh(row, 1 - repeated - corrected, left=repeated, color=GREY)
        ax.barh(row, corrected, left=1 - corrected, color=BLUE)
        ends, halves = [repeated, 1 - corrected], [repeated_half, corrected_half]
        ax.errorbar(ends, [row + 0.31] * 2, xerr=halves, fmt="none", color="black", linewidth=2, capsize=3 * bool(max(halves)))
        for share, x, name in ((repeated, repeated / 2, "repeated"), (corrected, 1 - corrected / 2, "corrected")):
            if share > 0.1:
                text = f"{100 * share:.0f} %" + (f" {name}" if share > 0.5 else "")
                ax.text(x, row - 0.04, text, ha="center", va="center", fontsize=17, color="white", fontweight="bold")
        ax.text(1.03, row, percent(network["new"]), va="center", fontsize=17)
    ax.set_ylim(len(result["networks"]) - 0.5, -0.5)
    ax.set_yticks(range(len(result["networks"])), [f"decay {n['weight_decay']}".removesuffix(".0") for n in result["networks"]])
    ax.tick_params(labelsize=17, length=0, pad=10)
    ax.grid(False)
    fig.text(0.28, 0.435, f"what becomes of the {result['n_lies']} lies", va="center", fontsize=16, fontweight="bold")
    fig.text(0.826, 0.435, "new digits", va="center", fontsize=16, fontweight="bold")
    fig.text(
        0.98, 0.02, f"mean of {result['n_runs']} networks, 95 % intervals", ha="right", va="center", fontsize=13, color="#444444"
    )


if __name__ == "__main__":
    main()
