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
            learners = _learners()
            cell.source = cell.source.replace("{syllabus}", f"{_table(learners, '')}\n\n{_routes(learners)}")


def syllabus(folder: str = "") -> str:
    """A Markdown table: lesson, question, minutes; a lesson's deep dives follow it.

    Args:
        folder: what the links begin with, such as "notebooks/".
    Raises:
        ValueError: a source has no title "# NN · Name" or no question in bold.
    """
    return _table(_learners(), folder)


def _learners():
    """{source: the learner's notebook}, each lesson followed by its deep dives. Parsing a source takes a tenth of a second."""
    order = sorted(lessons(), key=lambda source: (source.name[:2], "deeper" in source.parts, source.name))
    return {source: variant(source, "learner") for source in order}


def _table(learners, folder):
    rows = [_row(source, notebook, folder) for source, notebook in learners.items()]
    return "\n".join(["| lesson | the question it answers | minutes |", "| --- | --- | --- |", *rows])


def _routes(learners):
    """A Markdown list: what to read for one evening, for language models, for everything, and how long that takes."""
    return "\n".join(f"* **{name}**: {_way(learners, beginnings)}" for name, beginnings in ROUTES.items())


def _way(learners, beginnings):
    is_all = "" in beginnings
    chosen = [source for source in learners if source.name.startswith(beginnings) and (is_all or "deeper" not in source.parts)]
    hours = sum(minutes(learners[source]) for source in chosen) / 60
    names = "all lessons, each followed by its deep dives" if is_all else ", ".join(source.name[:2] for source in chosen)
    return f"{names} ({hours:.1f} hours)"


def _row(source: Path, notebook: NotebookNode, folder: str) -> str:
    first = notebook.cells[0].source
    title, question = TITLE.match(first), QUESTION.search(first)
    if not (title and question):
        raise ValueError(f"{source.name}: begin with '# NN · Name' and, in bold, the question that it answers")
    dive, number, name = title.groups()
    label = f"· deep dive: [{name}]" if dive else f"[{number} {name}]"
    return f"| {label}({folder}{lesson_name(source)}.ipynb) | {' '.join(question[1].split())} | {minutes(notebook)} |"
