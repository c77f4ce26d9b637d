"""Typical wrong answers of the deep dive `09_recipe_rows`: (answer, part of the diagnosis it must get)."""

WRONG = {
    "check_1": [
        (lambda step, n, up, down, peak: peak * max(0, min(step / up, 1, (n - step) / down)), "counts from 0"),
        (lambda step, n, up, down, peak: peak * max(0, min(1, (n - step) / down)), "no warm-up"),
        (lambda step, n, up, down, peak: peak * min(1, (step + 1) / up), "never goes down"),
        (lambda step, n, up, down, peak: peak * max(0, min((step + 1) / up, 1, (n - 1 - step) / down)), "one step early"),
        (lambda step, n, up, down, peak: peak * min((step + 1) / up, 1, (n - step) / down), "goes below"),
        (lambda step, n, up, down, peak: max(0, min((step + 1) / up, 1, (n - step) / down)), "the peak is missing"),
    ],
    "check_2": [
        (lambda logits, strength: strength * (logits.exp().sum(-1) ** 2).mean(), "the log is missing"),
        (lambda logits, strength: strength * logits.exp().sum(-1).log().mean(), "the square is missing"),
        (lambda logits, strength: strength * logits.logsumexp(-1).mean() ** 2, "the mean first"),
        (lambda logits, strength: strength * (logits.logsumexp(0) ** 2).mean(), "over the first"),
        (lambda logits, strength: strength * (logits.logsumexp(-1) ** 2).sum(), "not a sum"),
        (lambda logits, strength: strength * (logits**2).mean(), "mean square of the logits"),
        (lambda logits, strength: strength * (logits.log_softmax(-1) ** 2).mean(), "divided out already"),
    ],
}
