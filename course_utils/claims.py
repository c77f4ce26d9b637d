"""Claims: conclusions that follow the measurement, not the author's hope.

    claims = Claims("04")
    claims.compare("04.3", "Dropout reads these letters better than none", with_dropout, without, unit="points")

One call shows a card with the verdict and keeps it; `claims.table()` and `claims.record(parameters, metrics)` end the lesson.
"""

import re

from IPython.display import display
from numpy.typing import ArrayLike

from course_utils import cards
from course_utils.cards import Claim
from course_utils.controls import agreement, equality, observation
from course_utils.tools.record import write_record
from course_utils.verdicts import Pairs, above, in_unit, inside


class Claims:
    """The claims of one lesson or deep dive.

    Each method shows a card and keeps its claim. Measurements are numbers or arrays of any kind, on any device; NaN in one
    makes the claim inconclusive. Every claim is worded so that the course's own run supports it.

    Attributes:
        lesson: what ids begin with: "04", or "04.ensemble" for a deep dive.
        by_id: the claims so far, {id: Claim}.

    Raises:
        ValueError: From any method, before anything is shown: an id that is taken or of another lesson, measurements that do
            not fit each other, fewer than 3 runs, a unit or myth that cannot be understood.
    """

    def __init__(self, lesson: str):
        self.lesson, self.by_id = lesson, {}

    def compare(self, id: str, statement: str, a: ArrayLike, b: ArrayLike, *, margin: float = 0.0, factor: float = 1.0,
                names: tuple[str, str] = ("", ""), unit: str = "", over: str = "runs", overlap: float = 0.0,
                source: str = "", myth: str = "", myth_source: str = "") -> None:  # fmt: skip
        """Claim that `a` exceeds `factor` times `b` by more than `margin`, on average over pairs.

        Supported if the 95 % interval of the mean difference lies above the margin, not supported if below.

        Args:
            id: "04.3" in `Claims("04")`; running a cell again replaces its claim.
            statement: one sentence, without numbers that depend on the run.
            a: (n_runs,); or (n_runs, n_examples) for an interval over both, as a claim about new data needs. 3 runs at least.
            b: of the same shape, run i with the same seed and data as run i of `a`.
            margin: in the unit of a and b (0.01 is a point).
            factor: how many times `b`.
            names: what to call the two sides, such as ("with dropout", "without").
            unit: of the numbers, such as "nats"; "points" for fractions, shown as percent, differences as points.
            over: what the interval is over, a noun for each axis: "runs", "runs and test images".
            overlap: n_test / n_train where the runs are resplits of one data set (`statistics.mean_and_interval`).
            source: where the statement is from.
            myth: the popular sentence that it corrects.
            myth_source: who says so.

        Raises:
            ValueError: a and b are no pairs, or one of the faults that `Claims` lists.
        """
        pairs = Pairs(id, a, b, factor, over, overlap)
        how = f"{pairs.how}: supported if it lies above {in_unit(margin, unit)}, not supported if below"
        verdict, words = pairs.judged(above, margin), pairs.in_words(names, unit)
        self._keep(id, statement, verdict, words, how, source, myth, myth_source, over, pairs.n)

    def same(self, id: str, statement: str, a: ArrayLike, b: ArrayLike, *, margin: float, names: tuple[str, str] = ("", ""),
             unit: str = "", over: str = "runs", overlap: float = 0.0,
             source: str = "", myth: str = "", myth_source: str = "") -> None:  # fmt: skip
        """Claim that `a` and `b` differ by less than `margin`, the largest difference that does not matter.

        Supported if the 95 % interval of the mean difference lies within ± margin, not supported if outside: two one-sided
        tests (TOST, Schuirmann 1987) at 2.5 % each. Customary is 5 % each, which is a 90 % interval; the course stays with 95 %,
        so that a picture needs one interval, whatever is claimed of it.

        Args:
            id: as in `compare`.
            statement: as in `compare`.
            a: (n_runs,) or (n_runs, n_examples), as in `compare`.
            b: of the same shape.
            margin: above 0, in the unit of a and b.
            names: of the two sides.
            unit: of the numbers; "points" for fractions.
            over: a noun for each axis.
            overlap: n_test / n_train of resplits.
            source: where the statement is from.
            myth: the popular sentence that it corrects.
            myth_source: who says so.

        Raises:
            ValueError: The margin is not above 0, a and b are no pairs, or one of the faults that `Claims` lists.
        """
        if not margin > 0:
            raise ValueError(f"claim {id} needs a margin above 0: the largest difference that does not matter, not {margin}")
        pairs = Pairs(id, a, b, 1.0, over, overlap)
        how = f"{pairs.how}: supported if it lies within ± {in_unit(margin, unit)}, not supported if outside"
        verdict, words = pairs.judged(inside, margin), pairs.in_words(names, unit)
        self._keep(id, statement, verdict, words, how, source, myth, myth_source, over, pairs.n)

    def exact(self, id: str, statement: str, measured: ArrayLike, expected: ArrayLike, *, control: ArrayLike,
              tolerance: float = 1e-5, source: str = "", myth: str = "", myth_source: str = "") -> None:  # fmt: skip
        """Claim that `measured` equals `expected`, but for rounding.

        Args:
            id: as in `compare`.
            statement: as in `compare`.
            measured: a number or an array of any shape.
            expected: of that shape, or a number.
            control: of the shape of `measured`, from the wrong variant, which must fail.
            tolerance: of the largest error, relative to the largest |expected| (absolute if that is zero).
            source: where the statement is from.
            myth: the popular sentence that it corrects.
            myth_source: who says so.

        Raises:
            ValueError: The shapes differ, or one of the faults that `Claims` lists.
        """
        verdict, words, how = equality(id, measured, expected, control, tolerance)
        self._keep(id, statement, verdict, words, how, source, myth, myth_source)

    def within(self, id: str, statement: str, measured: ArrayLike, predicted: ArrayLike, tolerance: float, *, control: ArrayLike,
               unit: str = "", over: str = "runs", source: str = "", myth: str = "", myth_source: str = "") -> None:  # fmt: skip
        """Claim that `measured` agrees with its prediction to within `tolerance`; over runs the 95 % interval of its mean must.

        Args:
            id: as in `compare`.
            statement: as in `compare`.
            measured: a number, or one a run, (n_runs,) with 3 runs at least.
            predicted: a number, or one a run.
            tolerance: in the unit of both.
            control: a number, or one a run: what the wrong variant or a rival gives, which must disagree.
            unit: of the numbers; "points" for fractions.
            over: what the interval is over.
            source: where the statement is from.
            myth: the popular sentence that it corrects.
            myth_source: who says so.

        Raises:
            ValueError: The shapes do not fit, or one of the faults that `Claims` lists.
        """
        verdict, words, how, n = agreement(id, measured, predicted, control, tolerance, unit, over)
        self._keep(id, statement, verdict, words, how, source, myth, myth_source, over if n > 1 else "", n)

    def holds(self, id: str, statement: str, observed: ArrayLike, *, control: ArrayLike, measured: str = "",
              source: str = "", myth: str = "", myth_source: str = "") -> None:  # fmt: skip
        """Claim that something is the case.

        Args:
            id: as in `compare`.
            statement: as in `compare`.
            observed: whether it was observed, once or in each of several cases (all must be).
            control: the same observation where it must *not* be the case (none may be).
            measured: the numbers behind it, in words.
            source: where the statement is from.
            myth: the popular sentence that it corrects.
            myth_source: who says so.

        Raises:
            ValueError: An observation that is no truth value, or one of the faults that `Claims` lists.
        """
        verdict, seen, how = observation(id, observed, control)
        self._keep(id, statement, verdict, measured or seen, how, source, myth, myth_source)

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
            The record, as `write_record` describes it.
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
        claim = Claim(id, statement, verdict[0], measured + verdict[1], source, myth, myth_source, over, n, (how,))
        self.by_id[id] = claim
        display(claim)
