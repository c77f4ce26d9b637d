"""Typical wrong answers of the deep dive `09_scarce_data`: (answer, part of the diagnosis it must get)."""

WRONG = {
    "check_1": [
        (lambda said, true: (said == true).sum(1), "after the first mistake"),
        (lambda said, true: (said == true).all(1), "how far it is"),
        (lambda said, true: (said == true).int().argmin(1), "a row without any mistake gets 0"),
        (lambda said, true: (said == true).int().cumprod(1).sum(1) / said.shape[1], "count characters"),
        (lambda said, true: (said == true).int().cumprod(1).sum(), "for each row"),
        (lambda said, true: (said == true).int().cumprod(0).sum(0), "down the columns"),
        (lambda said, true: (said == true).int().cumprod(1), "is asked"),
    ],
    "check_2": [
        (lambda lr, decay, steps: 1 / (lr * decay), "that is in steps"),
        (lambda lr, decay, steps: steps / (lr * decay), "fewer than in steps"),
        (lambda lr, decay, steps: 1 / (decay * steps), "multiplies λ by the learning rate"),
        (lambda lr, decay, steps: 0.693 / (lr * decay * steps), "one half is left"),
        (lambda lr, decay, steps: 250.0, "your answer gives"),
    ],
}
