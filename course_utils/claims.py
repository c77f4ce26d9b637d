"""Claims: conclusions that follow the measurement, not the author's hope.

    claims = Claims("04")
    claims.compare("04.3", "Dropout reads these letters better than none", with_dropout, without, unit="points")

One call shows a card with the verdict and keeps it; `claims.table()` and `claims.record(parameters, metrics)` end the lesson.
"""

import json
import os
import platform
import re
from pathlib import Path

import numpy as np
from IPython.display import display

from course_utils import cards
from course_utils.cards import Claim
from course_utils.old_claims import claim_table, compare, exact, holds, mean_and_interval, within  # noqa: F401  for 01 to 04
from course_utils.tools.files import write_all
from course_utils.verdicts import (
    Pairs,
    above,
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


class Claims:
    """The claims of one lesson or deep dive.

    Each method shows a card and keeps its claim. Measurements are numbers or arrays of any kind, on any device; NaN in one
    makes the claim inconclusive. Every claim is worded so that the course's own run supports it. The methods share

    id: "04.3" in `Claims("04")`, "04.ensemble.1" in `Claims("04.ensemble")`; running a cell again replaces its claim.
    statement: one sentence, without numbers that depend on the run.
    names: what to call the two sides, such as ("with dropout", "without").
    unit: of the numbers, such as "nats"; "points" for fractions, which are then shown as percent, differences as points.
    over: what the interval is over, a noun for each axis: "runs", "runs and test images".
    source, myth, myth_source: where the statement is from; the popular sentence that it corrects; who says so.

    Attributes:
        by_id: the claims so far, {id: Claim}.

    Raises:
        ValueError: From any method, before anything is shown: an id that is taken or of another lesson, measurements that do
            not fit each other, fewer than 3 runs, a unit or myth that cannot be understood.
    """

    def __init__(self, lesson: str):
        self.lesson, self.by_id = lesson, {}

    def compare(self, id: str, statement: str, a, b, *, margin=0.0, factor=1.0, names=("", ""), unit="", over="runs", overlap=0.0,
                source="", myth="", myth_source="") -> None:  # fmt: skip
        """Claim that `a` exceeds `factor` times `b` by more than `margin`, on average over pairs.

        a, b: one number a run, (n,), run i of both with the same seed and data; or one a run and example, (n_runs, n_examples):
        then the interval covers both, as a claim about new data must. margin: in the unit of a and b (0.01 is a point).
        overlap: n_test / n_train where the runs are resplits of one data set (`statistics.mean_and_interval`).

        Supported if the 95 % interval of the mean difference lies above the margin, not supported if below."""
        pairs = Pairs(id, a, b, factor, over, overlap)
        how = (f"{pairs.how}: supported if it lies above {in_unit(margin, unit)}, not supported if below",)
        verdict, words = pairs.judged(above, margin), pairs.in_words(names, unit)
        self._keep(id, statement, verdict, words, how, source, myth, myth_source, over, pairs.n)

    def same(self, id: str, statement: str, a, b, *, margin, names=("", ""), unit="", over="runs", overlap=0.0,
             source="", myth="", myth_source="") -> None:  # fmt: skip
        """Claim that `a` and `b` differ by less than `margin`, the largest difference that does not matter.

        a, b, margin, overlap: as in `compare`.

        Supported if the 95 % interval of the mean difference lies within ± margin, not supported if outside: two one-sided
        tests (TOST, Schuirmann 1987) at 2.5 % each. Customary is 5 % each, which is a 90 % interval; the course stays with 95 %,
        so that a picture needs one interval, whatever is claimed of it."""
        if not margin > 0:
            raise ValueError(f"claim {id} needs a margin above 0: the largest difference that does not matter, not {margin}")
        pairs = Pairs(id, a, b, 1.0, over, overlap)
        how = (f"{pairs.how}: supported if it lies within ± {in_unit(margin, unit)}, not supported if outside",)
        verdict, words = pairs.judged(inside, margin), pairs.in_words(names, unit)
        self._keep(id, statement, verdict, words, how, source, myth, myth_source, over, pairs.n)

    def exact(self, id: str, statement: str, measured, expected, *, control, tolerance=1e-5, source="",
              myth="", myth_source="") -> None:  # fmt: skip
        """Claim that `measured` equals `expected`, but for rounding.

        measured, control: arrays of one shape, the control from the wrong variant, which must fail. expected: of that shape, or
        a number. tolerance: of the largest error, relative to the largest |expected| (absolute if that is zero)."""
        measured, expected, control = (to_array(id, value) for value in (measured, expected, control))
        if measured.shape != control.shape or expected.shape not in ((), measured.shape):
            shapes = ", ".join(str(array.shape) for array in (measured, expected, control))
            raise ValueError(f"claim {id}: measured, expected and control must have one shape, not {shapes}")
        error, wrong = relative_error(measured, expected), relative_error(control, expected)
        verdict = judged(as_verdict(error <= tolerance), (measured, expected), (control,), as_verdict(wrong <= tolerance))
        words = f"relative error {error:.1g}; the wrong variant's is {wrong:.2g}"
        rule = f"supported if the largest relative error is at most {tolerance:g} and the wrong variant's is not"
        self._keep(id, statement, verdict, words, (rule,), source, myth, myth_source)

    def within(self, id: str, statement: str, measured, predicted, tolerance, *, control, unit="", over="runs",
               source="", myth="", myth_source="") -> None:  # fmt: skip
        """Claim that `measured` agrees with its prediction to within `tolerance`.

        measured, control: a number each or one number a run, (n,); the control is what the wrong variant or a rival gives, and
        must disagree. predicted: a number, or one a run. tolerance: in the unit of both.

        Over runs the 95 % interval of the mean must lie within the tolerance."""
        measured, predicted, control = (to_array(id, value) for value in (measured, predicted, control))
        (off, half), off_control = offset(id, measured, predicted), offset(id, control, predicted)
        slack = rounding(measured, predicted, np.array(tolerance))
        on_control = inside(*off_control, tolerance, slack)
        verdict = judged(inside(off, half, tolerance, slack), (measured, predicted), (control,), on_control)
        words, n = prediction_in_words(measured, predicted, control, half, tolerance, unit), measured.size
        subject = f"the 95 % interval over {n} {over}" if n > 1 else "it"
        rule = f"supported if {subject} is within {in_unit(tolerance, unit)} of the prediction, and the control is not"
        self._keep(id, statement, verdict, words, (rule,), source, myth, myth_source, over if n > 1 else "", n)

    def holds(self, id: str, statement: str, observed, *, control, measured="", source="", myth="", myth_source="") -> None:
        """Claim that something is the case.

        observed: whether it was observed, once or in each of several cases (all must be). control: the same observation where
        it must *not* be the case (none may be). measured: the numbers behind it, in words."""
        observed, control = truth(id, observed), truth(id, control)
        verdict = judged(as_verdict(observed.all()), (observed,), (control,), as_verdict(control.any()))
        cases, controls = (f"{int(np.nansum(values))} of {values.size}" for values in (observed, control))
        seen = f"in {cases} cases and {controls} controls"
        rule = f"observed {seen}; supported if in all cases and in no control"
        self._keep(id, statement, verdict, measured or f"observed {seen}", (rule,), source, myth, myth_source)

    def table(self) -> None:
        """Show all claims as a table."""
        claims = list(self.by_id.values())
        display({"text/html": cards.table(claims), "text/plain": "\n".join(map(str, claims))}, raw=True)

    def record(self, parameters: dict, metrics: dict | None = None) -> dict:
        """Describe the run, and store it where the environment variable COURSE_RECORD says (as reruns do).

        Args:
            parameters: {name: value}.
            metrics: {name: number} worth tabulating over reruns.

        Returns:
            The record, see `write_record`.
        """
        return write_record(self.lesson, self.by_id.values(), parameters=parameters, metrics=metrics)

    def _keep(self, id, statement, verdict, measured, how, source, myth, myth_source, over="", n=0):
        """Check the id, show the card, keep the claim. verdict: the pair that `judged` gives."""
        if not re.fullmatch(rf"{re.escape(self.lesson)}\.[1-9]\d*", id):
            raise ValueError(f"claim {id!r}: an id of this lesson is {self.lesson}. and a number, such as {self.lesson}.1")
        if id in self.by_id and self.by_id[id].statement != statement:
            raise ValueError(f"claim {id} is taken by “{self.by_id[id].statement}”: give this one another number")
        if bool(myth) != bool(myth_source):
            raise ValueError(f"claim {id}: a myth needs its source, and a myth_source its myth")
        claim = Claim(id, statement, verdict[0], measured + verdict[1], source, "supported", myth, myth_source, over, n, how)
        self.by_id[id] = claim
        display(claim)


def write_record(lesson: str, claims, *, parameters: dict, metrics: dict | None = None) -> dict:
    """Describe the run, and store it where the environment variable COURSE_RECORD says (as reruns do); else only return it.

    Args:
        lesson: its name.
        claims: list of `Claim`.
        parameters: {name: value}.
        metrics: {name: number} worth tabulating over reruns.

    Returns:
        A dict of those, the versions, device and thread count.

    Raises:
        OSError: The file cannot be written; nothing half-written is left.
    """
    import torch  # here, so that cards and claims do not need it

    record = {
        "lesson": lesson,
        "parameters": parameters,
        "metrics": {name: float(value) for name, value in (metrics or {}).items()},
        "claims": [claim.to_dict() for claim in claims],
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        "device": parameters.get("device", "cpu"),
        "threads": torch.get_num_threads(),
    }
    if path := os.environ.get("COURSE_RECORD"):
        write_all({Path(path): json.dumps(record, indent=1)})
    return record
