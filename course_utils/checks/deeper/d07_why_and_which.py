"""Checks of the exercise of the deep dive `07_why_and_which`."""

import numpy as np

from course_utils.checks import diagnose


def check_1(norm_share=None):
    """Diagnose norm_share(width, n_operations): the norms' share of a transformer block's operations."""
    rng = np.random.default_rng()
    cases = [(8, 5), *((int(rng.integers(4, 40)), int(rng.integers(3, 12))) for _ in range(3))]

    def share(norms=2, per_weight=2, matrices=12, of_whole=True):
        def wrong(width, n_operations):
            in_norms, in_matrices = norms * n_operations * width, per_weight * matrices * width**2
            return in_norms / (in_norms * of_whole + in_matrices)

        return wrong

    mistakes = {
        "that is the norms' operations over the matrices'; a share is of both together": share(of_whole=False),
        "a weight costs a multiplication and an addition: two operations": share(per_weight=1),
        "a block normalizes twice": share(norms=1),
        "the block has twelve d × d matrices' worth of weights, not one": share(matrices=1),
        "that is the matrices' share": lambda width, n_operations: 1 - share()(width, n_operations),
        "that is in percent; give a fraction": lambda width, n_operations: 100 * share()(width, n_operations),
        "each of the d numbers takes n_operations: the norms' operations grow with the width":
            lambda width, n_operations: 2 * n_operations / (2 * n_operations + 24 * width**2),
        "a d × d matrix has d² weights, not d": lambda width, n_operations: n_operations / (n_operations + 12),
    }  # fmt: skip
    return diagnose(
        norm_share,
        cases,
        share(),
        mistakes,
        passed="about n / (12 d): the wider the block, the less its norms matter to the count.",
    )
