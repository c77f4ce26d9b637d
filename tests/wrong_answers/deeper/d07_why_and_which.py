"""Typical wrong answers of the deep dive `07_why_and_which`: (answer, part of the diagnosis it must get)."""

WRONG = {
    "check_1": [
        (lambda d, n: 2 * n * d / (24 * d**2), "of both together"),
        (lambda d, n: 2 * n * d / (2 * n * d + 12 * d**2), "two operations"),
        (lambda d, n: n * d / (n * d + 24 * d**2), "normalizes twice"),
        (lambda d, n: 2 * n * d / (2 * n * d + 2 * d**2), "not one"),
        (lambda d, n: 24 * d**2 / (2 * n * d + 24 * d**2), "the matrices' share"),
        (lambda d, n: 2 * n / (2 * n + 24 * d**2), "grow with the width"),
        (lambda d, n: 0.4, "your answer gives"),
    ],
}
