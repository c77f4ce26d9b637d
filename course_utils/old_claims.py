"""The claims of lessons 01 to 04 until they are re-cut: functions that return a `Claim`, which the lesson collects itself.

They take numbers that the lesson reduced; `claims.Claims` takes arrays. Verdicts follow the same rules. They go with the last
lesson that calls them, and with them `Claim.expect`.
"""

import numpy as np
from IPython.display import HTML

from course_utils import cards
from course_utils.cards import Claim
from course_utils.statistics import mean_and_interval
from course_utils.verdicts import Pairs, above, as_verdict, judged, to_array, truth

__all__ = ["claim_table", "compare", "exact", "holds", "mean_and_interval", "within"]


def holds(id, statement, observed, *, control, measured="", source="", expect="supported"):
    """The claim that something is observed, and is not in the control."""
    observed, control = truth(id, observed), truth(id, control)
    verdict, caveat = judged(as_verdict(observed.all()), (observed,), (control,), as_verdict(control.any()))
    measured = measured or f"observed {bool(observed.all())}, control {bool(control.any())}"
    return Claim(id, statement, verdict, measured + caveat, source, expect)


def exact(id, statement, error, tolerance, *, control, source="", expect="supported"):
    """The claim that error <= tolerance < control."""
    error, control = (to_array(id, value).astype(float).max() for value in (error, control))
    verdict, caveat = judged(as_verdict(error <= tolerance), (error,), (control,), as_verdict(control <= tolerance))
    measured = f"error {error:.2g}, tolerance {tolerance:g}; the wrong variant's error {control:.2g}"
    return Claim(id, statement, verdict, measured + caveat, source, expect)


def within(id, statement, measured, expected, tolerance, *, control, source="", expect="supported"):
    """The claim that |measured - expected| <= tolerance < |control - expected|."""
    off, off_control = (np.abs(to_array(id, value).astype(float) - expected) for value in (measured, control))
    verdict, caveat = judged(as_verdict(off <= tolerance), (off,), (off_control,), as_verdict(off_control <= tolerance))
    text = f"measured {measured:.4g}, predicted {expected:.4g} ± {tolerance:.2g}; control {control:.4g}"
    return Claim(id, statement, verdict, text + caveat, source, expect)


def compare(id, statement, a, b, *, margin=0.0, unit="", source="", expect="supported"):
    """The claim that a exceeds b by more than `margin` on average over paired runs."""
    pairs = Pairs(id, a, b)
    verdict, caveat = pairs.judged(above, margin)
    against = f" against a margin of {margin:g}" if margin else ""
    measured = f"difference {pairs.mean:+.3g} ± {pairs.half:.2g}{unit and ' ' + unit} (95 % interval, n = {pairs.n}){against}"
    return Claim(id, statement, verdict, measured + caveat, source, expect, over="runs", n=pairs.n)


def claim_table(claims):
    """The lesson's claims as a table. Raises ValueError if two claims share an id."""
    ids = [claim.id for claim in claims]
    if repeated := sorted({id for id in ids if ids.count(id) > 1}):
        raise ValueError(f"claim ids must differ, but these repeat: {repeated}")
    return HTML(cards.table(claims))
