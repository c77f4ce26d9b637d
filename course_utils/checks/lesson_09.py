"""Checks of the exercises of lesson 09."""

import math

import numpy as np
import torch

from course_utils.checks import diagnose
from course_utils.transformer import char_transformer


def check_9_1(schedule=None):
    """Diagnose schedule(step, n_steps, n_warm_up, peak): linear warm-up, then a cosine down to a tenth of the peak."""

    def variant(rise=lambda t, w: t / w, share=lambda t, n, w: (t - w) / (n - w), low=0.1, fall=lambda s: math.cos(math.pi * s)):
        def wrong(step, n_steps, n_warm_up, peak):
            t = step + 1
            if t <= n_warm_up:
                return peak * rise(t, n_warm_up)
            return peak * (low + (1 - low) * (1 + fall(share(t, n_steps, n_warm_up))) / 2)

        return wrong

    rng = np.random.default_rng()
    n, w = int(rng.integers(120, 200)), int(rng.integers(12, 20))
    runs = [(100, 10, 0.01), (n, w, float(rng.uniform(0.001, 0.9)))]
    cases = [(step, *run) for run in runs for step in (0, run[1] - 1, run[1], run[1] + 7, run[0] // 2, run[0] - 1)]

    def right(step, n_steps, n_warm_up, peak):
        return variant()(step, n_steps, n_warm_up, peak)

    mistakes = {
        "that is the share of the peak: multiply by `peak`": lambda step, n, w, peak: right(step, n, w, 1.0),
        "your first step gets learning rate 0 and trains nothing: step 0 gets peak / n_warm_up":
            variant(rise=lambda t, w: (t - 1) / w),
        "the warm-up is missing: up to step n_warm_up - 1 the rate rises in equal parts": variant(rise=lambda t, w: 1.0),
        "the warm-up is right; the cosine must start where the warm-up ends, not at step 0, or the rate jumps":
            variant(share=lambda t, n, w: t / n),
        "the warm-up is right, and so is the form; at the last step the share of the way must be 1, one step after the warm-up "
        "1 / (n_steps - n_warm_up)": variant(share=lambda t, n, w: (t - 1 - w) / (n - w)),
        "the warm-up is right; afterwards the peak comes a second time, at step n_warm_up: step n_warm_up - 1 has it already":
            variant(share=lambda t, n, w: (t - 1 - w) / (n - 1 - w)),
        "the warm-up is right; afterwards the rate falls to 0, and LLaMA's ends at a tenth of the peak": variant(low=0.0),
        "the warm-up is right; afterwards it falls along a straight line, not along a cosine": variant(fall=lambda s: 1 - 2 * s),
        "the warm-up is right; afterwards the rate stays at the peak": variant(fall=lambda s: 1.0),
        "the warm-up is right; afterwards your cosine goes down and up again: half a wave is π, a whole one 2π":
            variant(fall=lambda s: math.cos(2 * math.pi * s)),
        "the warm-up is right; afterwards your cosine goes from 1 to 0, a quarter of a wave": lambda step, n, w, peak:
            variant()(step, n, w, peak) if step < w else peak * (0.1 + 0.9 * math.cos(math.pi / 2 * (step + 1 - w) / (n - w))),
    }  # fmt: skip
    return diagnose(
        schedule,
        cases,
        right,
        mistakes,
        passed="slow at first, while AdamW's averages are young, and slow at the end, when the noise of single batches shows.",
    )


def check_9_2(groups=None):
    """Diagnose groups(model, weight_decay): what has two axes or more decays, the rest does not, every parameter once."""

    def variant(decays=lambda name, p: p.dim() >= 2, spared=0.0, parts=(0, 1), named=lambda model: model.named_parameters()):
        def wrong(model, weight_decay):
            both = [[p for name, p in named(model) if bool(decays(name, p)) == wanted] for wanted in (True, False)]
            decay = {"params": both[0], "weight_decay": weight_decay}
            rest = {"params": both[1]} | ({} if spared is None else {"weight_decay": spared})
            return [(decay, rest)[k] for k in parts]

        return wrong

    widths = np.random.default_rng().choice([4, 8, 12, 16], 2, replace=False)
    models = [char_transformer(11, 8, int(widths[0]), n_heads=2), char_transformer(7, 4, int(widths[1]), 1, norm="RMSNorm")]
    tied = char_transformer(11, 8, int(widths[0]), 1)
    tied.read_out.weight = tied.character.weight
    mistakes = {
        "every parameter decays: biases and the scales of the norms should not": variant(lambda name, p: True),
        "nothing decays": variant(lambda name, p: False),
        "the two are swapped: what decays is what has two axes or more": variant(lambda name, p: p.dim() < 2),
        "the scales of the norms are called `weight` too, and decay: ask for the number of axes":
            variant(lambda name, p: name.endswith("weight")),
        "biases decay: they have one axis, like the scales of the norms": variant(lambda name, p: "norm" not in name),
        "the embeddings have two axes, so by this rule they decay":
            variant(lambda name, p: p.dim() >= 2 and "character" not in name and "position" not in name),
        "parameters that stand in no group are never trained: return the second group, with weight_decay 0":
            variant(parts=(0,)),
        "the second group does not say `weight_decay`, so AdamW takes its default, 0.01: write 0": variant(spared=None),
        "a weight that two layers share stands in your list twice: `model.parameters()` names it once":
            variant(named=lambda model: model.named_parameters(remove_duplicate=False)),
    }  # fmt: skip
    return diagnose(
        groups,
        [(models[0], 0.3), (models[1], float(np.random.default_rng().uniform(0.05, 0.5))), (tied, 0.1)],
        variant(),
        mistakes,
        call=_count_and_decay,
        passed="every parameter once, and only what multiplies something decays. Print both lists for any model you train.",
    )


def check_9_3(drop_path=None):
    """Diagnose drop_path(branch, coins, p): one coin per example removes its whole branch, the others are scaled up."""

    def variant(scale=lambda p: 1 / (1 - p), keep=lambda coins, p: coins >= p, axis=0):
        def wrong(branch, coins, p):
            shape = [1, 1, 1]
            shape[axis] = -1
            return branch * (keep(coins, p) * scale(p)).reshape(shape)

        return wrong

    rng = np.random.default_rng()
    cases = []
    for n, p in ((4, 0.4), (int(rng.integers(5, 9)), float(rng.uniform(0.2, 0.7)))):
        coins = torch.as_tensor(rng.permutation(np.linspace(0.03, 0.97, n)))
        cases.append((torch.as_tensor(rng.normal(size=(n, n, n))), coins, p))  # alike, so that no wrong axis raises an error

    def right(branch, coins, p):
        return variant()(branch, coins, p)

    mistakes = {
        "the survivors are not scaled: on average the branch is 1 - p of what it was": variant(lambda p: 1.0),
        "survivors are divided by p: divide by the chance to survive": variant(lambda p: 1 / p),
        "survivors are multiplied by 1 - p: divide": variant(lambda p: 1 - p),
        "p is the chance of dropping: a coin below p drops": variant(keep=lambda coins, p: coins < p),
        "p is the chance of dropping, not of keeping: a coin below p drops, survivors are divided by 1 - p":
            variant(lambda p: 1 / p, lambda coins, p: coins < p),
        "your coins go along the features (the last axis), so every example loses the same ones: one coin is one example":
            variant(axis=2),
        "your coins go along the positions: one coin is one example": variant(axis=1),
        "the coins scale the branch: compare them with p": variant(keep=lambda coins, p: coins),
    }  # fmt: skip
    return diagnose(
        drop_path,
        cases,
        right,
        mistakes,
        passed="all or nothing, example by example; on average the branch is what it was.",
    )


def _count_and_decay(groups, model, weight_decay):
    """For each parameter of the model (shared ones once): in how many places of the groups it stands, and its decay there."""
    answer = groups(model, weight_decay)
    seen = {}
    for group in getattr(answer, "param_groups", answer):
        params = group["params"]
        for p in [params] if isinstance(params, torch.Tensor) else params:
            p = p[1] if isinstance(p, tuple) else p  # PyTorch takes (name, parameter) too
            seen.setdefault(id(p), []).append(float(group.get("weight_decay", 0.01)))
    return [[len(seen.get(id(p), [])), sum(seen.get(id(p), []))] for p in model.parameters()]
