"""The syllabus: the lessons and deep dives that exist, the question that each answers, and the minutes that it takes."""

import re
from pathlib import Path

from nbformat import NotebookNode

from course_utils.tools.budget import minutes
from course_utils.tools.lessons import lesson_name, lessons
from course_utils.tools.variants import variant

TITLE = re.compile(r"# (Deep dive )?(\d\d) · (.+)")
QUESTION = re.compile(r"^\*\*(.+?\?)\*\*", re.MULTILINE | re.DOTALL)
ROUTES = {  # what to read, by the beginning of a lesson's name; lessons that do not exist yet are left out
    "One evening": ("00", "01", "04"),
    "For language models": ("00", "01", "02", "03", "09"),
    "Everything": ("",),
}


def fill(notebook: NotebookNode) -> None:
    """Put the syllabus and the routes into the cell that says `{syllabus}`, in place."""
    for cell in notebook.cells:
        if "{syllabus}" in cell.source:
            cell.source = cell.source.replace("{syllabus}", f"{syllabus()}\n\n{routes()}")


def syllabus(folder: str = "") -> str:
    """A Markdown table: lesson, question, minutes; a lesson's deep dives follow it.

    Args:
        folder: what the links begin with, such as "notebooks/".
    Raises:
        ValueError: a source has no title "# NN · Name" or no question in bold.
    """
    rows = [_row(source, folder) for source in sorted(lessons(), key=lambda s: (s.name[:2], "deeper" in s.parts, s.name))]
    return "\n".join(["| lesson | the question it answers | minutes |", "| --- | --- | --- |", *rows])


def routes() -> str:
    """A Markdown list: what to read for one evening, for language models, for everything, and how long that takes."""
    return "\n".join(f"* **{name}**: {_way(beginnings)}" for name, beginnings in ROUTES.items())


def _way(beginnings):
    chosen = [s for s in lessons() if s.name.startswith(beginnings) and ("deeper" not in s.parts or "" in beginnings)]
    hours = sum(minutes(variant(source, "learner")) for source in chosen) / 60
    names = "all lessons, each followed by its deep dives" if "" in beginnings else ", ".join(s.name[:2] for s in chosen)
    return f"{names} ({hours:.1f} hours)"


def _row(source: Path, folder: str) -> str:
    notebook = variant(source, "learner")
    first = notebook.cells[0].source
    title, question = TITLE.match(first), QUESTION.search(first)
    if not (title and question):
        raise ValueError(f"{source.name}: begin with '# NN · Name' and, in bold, the question that it answers")
    dive, number, name = title.groups()
    label = f"· deep dive: [{name}]" if dive else f"[{number} {name}]"
    return f"| {label}({folder}{lesson_name(source)}.ipynb) | {' '.join(question[1].split())} | {minutes(notebook)} |"
