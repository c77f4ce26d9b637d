"""How long a lesson takes: what a learner's notebook shows, counted, and the minutes that it takes to go through."""

import re
from collections import Counter

from nbformat import NotebookNode

CLAIM = re.compile(r"\bclaims\.(compare|same|exact|within|holds)\(")
HIDDEN = {"fold", "hide-input"}  # folded cells do not count, but for the claims and figures that they show


def counts(notebook: NotebookNode) -> Counter:
    """Count what a learner's notebook asks of its reader.

    Args:
        notebook: the learner's variant.

    Returns:
        cells, words (of prose; folded hints do not count), lines (of visible code; neither parameters nor stubs), claims,
        equations (displayed), figures, exercises.
    """
    total = Counter()
    for cell in notebook.cells:
        tags, source = set(cell.metadata.get("tags", [])), cell.source
        if cell.cell_type == "markdown":
            prose = re.sub(r"<details>.*?</details>", "", source, flags=re.DOTALL)
            total.update(cells=1, words=len(prose.split()), equations=prose.count("$$") // 2)
            continue
        total.update(claims=len(CLAIM.findall(source)), figures=len(re.findall(r"^\s*show\(", source, re.MULTILINE)))
        if not HIDDEN & tags:
            is_code = not {"parameters", "stub"} & tags
            total.update(cells=1, lines=is_code * len(visible_lines(source)), exercises=int("stub" in tags))
    return total


def visible_lines(source: str) -> list[str]:
    """The lines of a cell's code that are not blank."""
    return [line for line in source.splitlines() if line.strip()]


def minutes(notebook: NotebookNode) -> int:
    """Minutes to go through a learner's notebook, to the next five: 180 words or ten lines of code a minute, half a minute a
    claim or equation, one a figure, eight for the first exercise (the lesson's core object) and three for any other, and one
    to run it; all of it times 1.2, which is what readers of lessons 01 to 04 took."""
    n = counts(notebook)
    exercises = 8 + 3 * (n["exercises"] - 1) if n["exercises"] > 1 else 3 * n["exercises"]
    total = n["words"] / 180 + n["lines"] / 10 + (n["claims"] + n["equations"]) / 2 + n["figures"] + exercises + 1
    return 5 * round(1.2 * total / 5)
