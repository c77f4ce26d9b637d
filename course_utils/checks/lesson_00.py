"""Checks of the exercises of lesson 00."""

import math

from course_utils.checks import exercise


@exercise
def check_0_1(answer):
    """the standard error is sqrt(a (1 - a) / n): 1.5 points at 90 % of 400, so a gain of one point may be luck."""
    value, a, n = answer(360, 400), 0.9, 400
    if math.isclose(value, math.sqrt(a * (1 - a))):
        return "that is the standard deviation of one example; the mean of n has a standard error √n times smaller"
    if math.isclose(value, a * (1 - a) / n):
        return "that is the variance; the standard error is its square root"
    if math.isclose(value, 1 / math.sqrt(n)):
        return "1/√n ignores the accuracy: an accuracy near 0 or 1 varies less than one near one half"
    if math.isclose(value, 1.96 * math.sqrt(a * (1 - a) / n), rel_tol=1e-2):
        return "that is the half-width of a 95 % interval, about twice the standard error"
    if not math.isclose(value, math.sqrt(a * (1 - a) / n)):
        return f"answer(360, 400) gave {value:.4g}, but sqrt(0.9 · 0.1 / 400) is {math.sqrt(a * (1 - a) / n):.4g}"
    return ""
