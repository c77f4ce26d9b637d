"""Verdicts: from arrays to "supported", "not supported" or "inconclusive", and numbers in words.

NaN is never evidence, neither for a sentence nor against it: whatever has NaN is inconclusive. Comparisons leave room for
rounding, so that a difference of 0.1 is on a margin of 0.1 whether it was 0.3 - 0.2 or 0.8 - 0.7.
"""

import math
import re

import numpy as np

from course_utils.statistics import crossed_interval, mean_and_interval

SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = "supported", "not supported", "inconclusive"
UNITS = {"points": (100, " %", " points")}  # factor, unit of a value, unit of a difference


def to_array(id: str, value) -> np.ndarray:
    """A number, list, NumPy array or torch tensor (on any device) as an array. Raises ValueError if it holds no numbers."""
    if isinstance(value, list | tuple):
        value = [to_array(id, item) for item in value]
    elif hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value.float() if value.is_floating_point() and value.element_size() < 4 else value).numpy()
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or not array.size:
        raise ValueError(f"claim {id} needs numbers, not {value!r}")
    return array


def rounding(*arrays: np.ndarray) -> float:
    """How much of a difference between such numbers may be rounding: 16 units in the last place of the largest."""
    units = [np.finfo(a.dtype if a.dtype.kind == "f" else float).eps * np.abs(a.astype(float)).max() for a in arrays]
    return 16 * max(units)


def above(mean: float, half: float, margin: float, slack: float) -> str:
    """Supported if the interval mean ± half lies above the margin, not supported if below, else inconclusive."""
    if mean - half > margin + slack:
        return SUPPORTED
    return NOT_SUPPORTED if mean + half < margin - slack else INCONCLUSIVE


def inside(mean: float, half: float, margin: float, slack: float) -> str:
    """Supported if the interval mean ± half lies within ± margin, not supported if outside, else inconclusive."""
    if abs(mean) + half < margin - slack:
        return SUPPORTED
    return NOT_SUPPORTED if abs(mean) - half > margin + slack else INCONCLUSIVE


def as_verdict(condition) -> str:
    """Supported if true."""
    return SUPPORTED if condition else NOT_SUPPORTED


def judged(verdict: str, measured: tuple, control: tuple = (), on_control: str = NOT_SUPPORTED) -> tuple[str, str]:
    """The verdict after looking for NaN and at the control: a test that says yes where the sentence is false tells nothing.

    Args:
        verdict: of the measurement alone.
        measured: its arrays.
        control: the control's arrays.
        on_control: the verdict of the same test on the control.

    Returns:
        The verdict, and why nothing could be concluded where the numbers alone do not show it (else "").
    """
    if any(np.isnan(array).any() for array in measured):
        return INCONCLUSIVE, "; this measurement has NaN"
    if any(np.isnan(array).any() for array in control):
        return INCONCLUSIVE, "; the control has NaN"
    if verdict == SUPPORTED and on_control != NOT_SUPPORTED:
        return INCONCLUSIVE, "; the control passes too, so this test cannot tell"
    return verdict, ""


def relative_error(values: np.ndarray, expected: np.ndarray) -> float:
    """Largest |values - expected|, relative to the largest |expected| (absolute if that is zero)."""
    with np.errstate(invalid="ignore"):
        error = np.abs(values.astype(float) - expected).max()
    return float(error / (np.abs(expected.astype(float)).max() or 1.0))


def decimals(half: float) -> int | None:
    """Decimal places worth showing beside an interval of that half-width: its first digit, two if that is a 1. None: any."""
    if not 0 < half < math.inf:
        return None
    exponent = math.floor(math.log10(half))
    return -exponent + (half < 2 * 10**exponent)


def amount(value: float, places: int | None, unit: str = "") -> str:
    """A number in words: rounded to `places` decimals (None: three digits), with its unit."""
    if math.isnan(value):
        text = "NaN"
    elif places is None or places > 5 or abs(value) >= 1e7:
        text = f"{value:.3g}"
    else:
        text = f"{round(value, places):.{max(places, 0)}f}"
    text = "0" if float(text) == 0 and not places else text.replace("-", "−")
    return text + (" point" if unit == " points" and text.lstrip("−") == "1" else unit)


def in_unit(difference: float, unit: str) -> str:
    """A difference in words: 0.01 is "1 point" where the unit is points. Raises ValueError where it must be a mistake."""
    scale, _, unit_of_difference = units(unit)
    if unit == "points" and abs(difference) >= 1:
        raise ValueError(f'unit="points" takes fractions: one point is 0.01, and {difference} are {100 * difference:g} points')
    return amount(scale * difference, None, unit_of_difference)


def units(unit: str) -> tuple[float, str, str]:
    """Factor, unit of a value, unit of a difference. Points: of fractions, shown as percent."""
    if unit in ("%", "percent", "point"):
        raise ValueError(f'unit={unit!r} could mean two things: give fractions (0.951) and unit="points"')
    return UNITS.get(unit, (1, f" {unit}" if unit else "", f" {unit}" if unit else ""))


class Pairs:
    """Paired measurements a and b (or factor * b), and the 95 % interval of their mean difference.

    Attributes:
        a, b: arrays, (n_runs,) or (n_runs, n_examples).
        mean, half: of the difference.
        n: runs.
        how: one line about the interval.
    """

    def __init__(self, id, a, b, factor=1.0, over="runs", overlap=0.0):
        self.a, self.b, self.factor = to_array(id, a), to_array(id, b), factor
        nouns, shape = re.split(" and ", over), self.a.shape
        if shape != self.b.shape or len(shape) not in (1, 2) or min(shape) < 3:
            raise ValueError(f"claim {id} needs two paired lists of at least 3 numbers, not shapes {shape} and {self.b.shape}")
        if len(nouns) != len(shape) or (overlap and len(shape) > 1):
            raise ValueError(f'claim {id}: over={over!r} must name each axis of shape {shape}, as in "runs and test images"')
        with np.errstate(invalid="ignore"):
            difference = self.a.astype(float) - factor * self.b.astype(float)
            interval = crossed_interval(difference) if len(shape) == 2 else mean_and_interval(difference, overlap)
        self.mean, self.half, self.n = interval
        counts = " and ".join(f"{count} {noun}" for count, noun in zip(shape, nouns, strict=True))
        self.how = f"95 % interval over {counts}" + (", corrected for their overlap" if overlap else "")

    def judged(self, rule, margin):
        """Verdict and caveat by a rule, `above` or `inside`."""
        return judged(rule(self.mean, self.half, margin, rounding(self.a, self.b, np.array(margin))), (self.a, self.b))

    def in_words(self, names, unit):
        """Such as "95.1 % with dropout against 92.4 % without: 2.7 ± 0.6 points"."""
        scale, of_value, of_difference = units(unit)
        if unit == "points" and max(np.abs(self.a).max(), np.abs(self.b).max()) > 1:
            raise ValueError('unit="points" takes fractions: give 0.951 instead of 95.1')
        places = decimals(scale * self.half)
        sides = [amount(scale * side.mean(dtype=float), places, of_value) for side in (self.a, self.b)]
        times = f"{self.factor:g} × " if self.factor != 1 else ""
        sides = [f"{side} {name}".rstrip() for side, name in zip(sides, names, strict=True)]
        difference, half = amount(scale * self.mean, places), amount(scale * self.half, places, of_difference)
        return f"{sides[0]} against {times}{sides[1]}" + ("" if math.isnan(self.mean) else f": {difference} ± {half}")


def offset(id: str, values: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Mean of values - predicted and the half-width of its 95 % interval over runs; for a single number 0.

    values: a number, or (n,) with n >= 3; predicted: a number or the same shape."""
    if values.shape not in ((), (1,)) and (values.ndim > 1 or len(values) < 3 or predicted.shape not in ((), values.shape)):
        raise ValueError(f"claim {id} needs a number or one number a run (3 at least), not {values.shape} and {predicted.shape}")
    with np.errstate(invalid="ignore"):
        difference = values.astype(float) - predicted
        return (float(difference.ravel()[0]), 0.0) if difference.size == 1 else mean_and_interval(difference)[:2]


def prediction_in_words(measured, predicted, control, half: float, tolerance: float, unit: str) -> str:
    """Such as "11.27 (± 0.14) against 11.31 predicted; the control gives 16.00". half: of the interval, 0 for a number."""
    scale, of_value, of_difference = units(unit)
    places = decimals(scale * (half or tolerance / 10))
    texts = [amount(scale * array.mean(dtype=float), places, of_value) for array in (measured, predicted, control)]
    spread = f" (± {amount(scale * half, places, of_difference)})" if half else ""
    return f"{texts[0]}{spread} against {texts[1]} predicted; the control gives {texts[2]}"


def truth(id: str, value) -> np.ndarray:
    """A truth value or several, with NaN for unknown, as floats. Raises ValueError for anything else."""
    array = to_array(id, value).astype(float)
    if not np.isin(array[~np.isnan(array)], (0, 1)).all():
        raise ValueError(f"claim {id} needs a truth value (or several), not {value!r}")
    return array
