"""Typical wrong answers of lesson 09: (answer, part of the diagnosis it must get)."""

import math


def cosine(step, n_steps, n_warm_up, peak, low=0.1):
    share = (step + 1 - n_warm_up) / (n_steps - n_warm_up)
    return peak * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * share)))


def by(rule, spared=0.0):
    def groups(model, weight_decay):
        named = list(model.named_parameters())
        return [
            {"params": [p for name, p in named if rule(name, p)], "weight_decay": weight_decay},
            {"params": [p for name, p in named if not rule(name, p)], "weight_decay": spared},
        ]

    return groups


WRONG = {
    "check_9_1": [
        (lambda step, n, w, peak: step / w * peak if step < w else cosine(step, n, w, peak), "first step gets learning rate 0"),
        (lambda step, n, w, peak: (step + 1) / w if step < w else cosine(step, n, w, 1.0), "multiply by `peak`"),
        (lambda step, n, w, peak: peak if step < w else cosine(step, n, w, peak), "the warm-up is missing"),
        (lambda step, n, w, peak: (step + 1) / w * peak if step < w else cosine(step, n, w, peak, 0), "falls to 0"),
        (lambda step, n, w, peak: min((step + 1) / w, 1) * peak, "stays at the peak"),
        (lambda step, n, w, peak: (step + 1) / w * peak if step < w else cosine(step, n, 0, peak), "or the rate jumps"),
        (lambda step, n, w, peak: cosine(step, n, w, peak), "too large"),
    ],
    "check_9_2": [
        (lambda model, decay: [{"params": model.parameters(), "weight_decay": decay}], "every parameter decays"),
        (by(lambda name, p: name.endswith(".weight")), "the scales of the norms"),
        (by(lambda name, p: "bias" not in name), "the scales of the norms"),
        (by(lambda name, p: p.dim() == 1), "swapped"),
        (by(lambda name, p: p.dim() > 1, spared=0.01), "`weight_decay`, so AdamW takes its default"),
        (lambda model, decay: by(lambda name, p: p.dim() > 1)(model, decay)[:1], "never trained"),
        (lambda model, decay: [p for p in model.parameters() if p.dim() > 1], "raises"),
    ],
    "check_9_3": [
        (lambda branch, coins, p: branch * (coins >= p) / (1 - p), "along the features"),
        (lambda branch, coins, p: branch * (coins >= p)[:, None, None], "not scaled"),
        (lambda branch, coins, p: branch * (coins < p)[:, None, None] / (1 - p), "a coin below p drops"),
        (lambda branch, coins, p: branch * (coins >= p)[None, :, None] / (1 - p), "along the positions"),
        (lambda branch, coins, p: branch, "of them wrong"),
        (lambda branch, coins, p: branch[coins >= p] / (1 - p), "is asked"),
    ],
}
