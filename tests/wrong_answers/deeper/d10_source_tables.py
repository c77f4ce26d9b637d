"""Typical wrong answers of the deep dive `10_source_tables`: (answer, part of the diagnosis it must get)."""

WRONG = {
    "check_1": [
        (lambda w1, b1, w2, c: (c * w1, b1, w2 / c), "bias stays behind"),
        (lambda w1, b1, w2, c: (c * w1, c * b1, w2 * c), "take the factor back"),
        (lambda w1, b1, w2, c: (c * w1, c * b1, w2), "change w2"),
        (lambda w1, b1, w2, c: (w1 / c, b1 / c, w2 * c), "other way round"),
        (lambda w1, b1, w2, c: (w1, b1, w2), "nothing has changed"),
        (lambda w1, b1, w2, c: (c * w1, c * b1, w2 - c), "your answer"),
    ],
}
