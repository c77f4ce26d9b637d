"""Claims: conclusions that follow the measurement, not the author's hope.

A claim is one sentence, a measurement and a verdict: "supported", "not supported" or "inconclusive". Rerun the notebook
with other numbers and the verdict follows them. Displayed, a claim shows its verdict first; whatever depends on the run
stands between ⟨ and ⟩, so that tests can compare the rest literally.
"""

import html
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from IPython.display import HTML

from course_utils.statistics import mean_and_interval

COLOURS = {"supported": "#009E73", "not supported": "#D55E00", "inconclusive": "#767676"}


@dataclass(frozen=True)
class Claim:
    """id ("04.2"), statement (one sentence), verdict, measured (text), source, and the verdict expected at defaults."""

    id: str
    statement: str
    verdict: str
    measured: str
    source: str = ""
    expect: str = "supported"

    def __repr__(self):
        note = "" if self.verdict == self.expect else f" (the course's own run: {self.expect})"
        return f"{self.id} {self.verdict.upper()}{note}: {self.statement} ⟨{self.measured}⟩"

    def _repr_html_(self):
        note = "" if self.verdict == self.expect else f" <em>(the course's own run: {self.expect})</em>"
        source = f" <small>[{html.escape(self.source)}]</small>" if self.source else ""
        return (
            f'<div style="border-left:5px solid {COLOURS[self.verdict]};padding:2px 10px;margin:4px 0">'
            f'<strong style="color:{COLOURS[self.verdict]}">{self.id} {self.verdict.upper()}</strong>{note}: '
            f"{html.escape(self.statement)}{source}<br><small>⟨{html.escape(self.measured)}⟩</small></div>"
        )


def holds(id, statement, observed, *, control, measured="", source="", expect="supported"):
    """The claim that something is the case, and that the check could tell if it were not.

    observed: bool; control: bool, the same observation where it must NOT be the case (the negative control: False in a sound
    check); measured: the numbers behind it, as text. Supported: observed and no control. Not supported: not observed.
    Inconclusive: the control is observed too, so the check proves nothing.
    """
    verdict = "not supported" if not observed else "inconclusive" if control else "supported"
    return Claim(id, statement, verdict, measured or f"observed {bool(observed)}, control {bool(control)}", source, expect)


def exact(id, statement, error, tolerance, *, control, source="", expect="supported"):
    """The claim that something `holds` exactly, up to rounding: error <= tolerance < control.

    error: the largest deviation measured; tolerance: what rounding explains; control: the same deviation for a wrong variant.
    """
    error, control = float(error), float(control)
    wrong = f"; the wrong variant's error {control:.2g}" if error <= tolerance else ""
    measured = f"error {error:.2g}, tolerance {tolerance:g}{wrong}"
    return holds(id, statement, error <= tolerance, control=control <= tolerance, measured=measured, source=source, expect=expect)


def within(id, statement, measured, expected, tolerance, *, control, source="", expect="supported"):
    """The claim that a number equals its prediction to a tolerance (both in the same unit), while the `control`, the
    same number under the wrong variant or a rival prediction, does not. Verdicts as in `holds`."""
    agrees, control_agrees = (abs(number - expected) <= tolerance for number in (measured, control))
    wrong = f"; control {control:.4g}" if agrees else ""
    text = f"measured {measured:.4g}, predicted {expected:.4g} ± {tolerance:.2g}{wrong}"
    return holds(id, statement, agrees, control=control_agrees, measured=text, source=source, expect=expect)


def compare(id, statement, a, b, *, margin=0.0, unit="", source="", expect="supported"):
    """The claim that a exceeds b, on average over paired runs, by more than `margin`.

    a, b: one number per run, (n,) each, paired (run i of both has the same seed). Supported when the 95 % interval of
    the mean of a - b (Student's t) lies above the margin, not supported when below, inconclusive when it contains it.
    Raises ValueError if the lengths differ or there are fewer than 3 pairs.
    """
    mean, half, n = mean_and_interval(np.subtract(*_paired(id, a, b)))
    verdict = "inconclusive" if not abs(mean - margin) > half else "supported" if mean > margin else "not supported"
    over = f" against a margin of {margin:g}" if margin else ""
    measured = f"difference {mean:+.3g} ± {half:.2g}{unit and ' ' + unit} (95 % interval, n = {n}){over}"
    return Claim(id, statement, verdict, measured, source, expect)


def claim_table(claims):
    """The lesson's claims as a table. Raises ValueError if two claims share an id."""
    ids = [claim.id for claim in claims]
    if len(set(ids)) < len(ids):
        raise ValueError(f"claim ids must differ, but these repeat: {sorted({i for i in ids if ids.count(i) > 1})}")
    columns = ["id", "statement", "verdict", "measured", "source"]
    table = pd.DataFrame([asdict(claim) for claim in claims], columns=columns).set_index("id").rename_axis(None)
    colour = [f"color: {COLOURS[v]}; font-weight: bold" for v in table["verdict"]]
    left = [{"selector": "th, td", "props": "text-align: left; white-space: normal; vertical-align: top"}]
    styled = table.style.apply(lambda _: colour, subset=["verdict"]).set_table_styles(left).set_uuid("claims")
    return HTML(styled.to_html())


def write_record(lesson, claims, *, parameters, metrics=None):
    """Describe the run, and store it where the environment variable COURSE_RECORD says (as reruns do); else only return it.

    lesson: its name; parameters: dict; metrics: dict of floats worth tabulating over reruns. Returns a dict with those, the
    claims, and the versions, device and thread count. The file is written by temporary file and rename.
    Raises OSError where it cannot be written, leaving nothing half-written.
    """
    record = {
        "lesson": lesson,
        "parameters": parameters,
        "metrics": {name: float(value) for name, value in (metrics or {}).items()},
        "claims": [asdict(claim) for claim in claims],
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        "device": parameters.get("device", "cpu"),
        "threads": torch.get_num_threads(),
    }
    if path := os.environ.get("COURSE_RECORD"):
        part = Path(path + ".part")
        try:
            part.write_text(json.dumps(record, indent=1), encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return record


def _paired(id, a, b):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 3:
        raise ValueError(f"claim {id} needs two paired lists of at least 3 numbers, not shapes {a.shape} and {b.shape}")
    return a, b
