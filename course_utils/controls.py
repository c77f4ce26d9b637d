"""Tests with a control: a sentence is supported where it holds for the measurement and fails for the wrong variant.

Each function gives the verdict with its caveat (as `verdicts.judged` does), the numbers in words, and the rule in words.
"""

import numpy as np

from course_utils.verdicts import (
    as_verdict,
    in_unit,
    inside,
    judged,
    offset,
    prediction_in_words,
    relative_error,
    rounding,
    to_array,
    truth,
)


def equality(id: str, measured, expected, control, tolerance: float) -> tuple[tuple[str, str], str, str]:
    """Whether `measured` equals `expected` up to a relative tolerance. The arguments are those of `Claims.exact`.
    Raises ValueError where their shapes differ."""
    measured, expected, control = (to_array(id, value) for value in (measured, expected, control))
    if measured.shape != control.shape or expected.shape not in ((), measured.shape):
        shapes = ", ".join(str(array.shape) for array in (measured, expected, control))
        raise ValueError(f"claim {id}: measured, expected and control must have one shape, not {shapes}")
    error, wrong = relative_error(measured, expected), relative_error(control, expected)
    verdict = judged(as_verdict(error <= tolerance), (measured, expected), (control,), as_verdict(wrong <= tolerance))
    words = f"relative error {error:.1g}; the wrong variant's is {wrong:.2g}"
    return verdict, words, f"supported if the largest relative error is at most {tolerance:g} and the wrong variant's is not"


def agreement(
    id: str, measured, predicted, control, tolerance: float, unit: str, over: str
) -> tuple[tuple[str, str], str, str, int]:
    """Whether `measured` is within `tolerance` of its prediction. The arguments are those of `Claims.within`; the last result
    is the number of runs."""
    measured, predicted, control = (to_array(id, value) for value in (measured, predicted, control))
    (off, half), off_control = offset(id, measured, predicted), offset(id, control, predicted)
    slack = rounding(measured, predicted, np.array(tolerance))
    on_control = inside(*off_control, tolerance, slack)
    verdict = judged(inside(off, half, tolerance, slack), (measured, predicted), (control,), on_control)
    words, n = prediction_in_words(measured, predicted, control, half, tolerance, unit), measured.size
    subject = f"the 95 % interval over {n} {over}" if n > 1 else "it"
    rule = f"supported if {subject} is within {in_unit(tolerance, unit)} of the prediction, and the control is not"
    return verdict, words, rule, n


def observation(id: str, observed, control) -> tuple[tuple[str, str], str, str]:
    """Whether something was observed in all cases and in no control. The arguments are those of `Claims.holds`."""
    observed, control = truth(id, observed), truth(id, control)
    verdict = judged(as_verdict(observed.all()), (observed,), (control,), as_verdict(control.any()))
    cases, controls = (f"{int(np.nansum(values))} of {values.size}" for values in (observed, control))
    seen = f"observed in {cases} cases and {controls} controls"
    return verdict, seen, f"{seen}; supported if in all cases and in no control"
