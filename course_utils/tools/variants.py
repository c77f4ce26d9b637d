"""The two variants of a lesson's source: the learner's, with exercises open, and the solved one."""

from pathlib import Path

import jupytext
from nbformat import NotebookNode

DROPPED = {"learner": {"solution", "instructor"}, "solved": {"stub"}}  # tags of the cells that a variant leaves out


def variant(source: Path, name: str) -> NotebookNode:
    """The cells of a source that belong to one variant, "learner" or "solved", as a notebook."""
    notebook = jupytext.read(source, fmt="py:percent")
    notebook.cells = [cell for cell in notebook.cells if not DROPPED[name] & set(cell.metadata.get("tags", []))]
    return notebook
