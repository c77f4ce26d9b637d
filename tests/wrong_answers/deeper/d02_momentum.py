"""Typical wrong answers of the deep dive `02_momentum`: (answer, part of the diagnosis it must get)."""

WRONG = {
    "check_1": [
        (lambda weight_decay, momentum: weight_decay * (1 - momentum), "the other direction"),
        (lambda weight_decay, momentum: weight_decay, "fails in the figure"),
        (lambda weight_decay, momentum: weight_decay / momentum, "not 1/μ"),
        (lambda weight_decay, momentum: weight_decay * momentum / (1 - momentum), "from 1, not from μ"),
        (lambda weight_decay, momentum: weight_decay * (1 + momentum + momentum**2), "first three terms"),
        (lambda weight_decay, momentum: 1 / (1 - momentum), "the factor alone"),
    ],
    "check_2": [
        (lambda lrs, μ, λ, new: λ * sum(lrs) / sum(new), "is missing"),
        (lambda lrs, μ, λ, new: λ / (1 - μ), "keeps the destination"),
        (lambda lrs, μ, λ, new: λ / (1 - μ) * sum(new) / sum(lrs), "upside down"),
        (lambda lrs, μ, λ, new: λ / (1 - μ) * len(lrs) / len(new), "count the steps"),
        (lambda lrs, μ, λ, new: λ / (1 - μ) * max(lrs) / max(new), "largest learning rate"),
    ],
}
