"""`course build`: from one source, `notebooks/source/NN_name.py`, the learner's notebook and the solved one, both executed.

A cell tagged `stub` is for the learner's notebook only, `solution` and `instructor` for the solved one. Timing metadata and
widget state are stripped and cell ids are counted, so building an unchanged lesson again on the same machine changes no
byte. A notebook remembers a fingerprint of its source and of the helpers it imports; while that holds it is not executed.
"""

import jupytext
import nbformat

from course_utils.tools.files import write_all
from course_utils.tools.kernel import STOPPED, execute_cells, last_traceback
from course_utils.tools.lessons import NOTEBOOKS, fingerprint, targets

DROPPED = {"learner": {"solution", "instructor"}, "solved": {"stub"}}
CELL_SECONDS = 600


def is_current(source, path):
    """Whether the notebook at `path` was built from this source with these helpers."""
    if not path.exists():
        return False
    return nbformat.read(path, 4).metadata.get("course", {}).get("fingerprint") == fingerprint(source)


def build(source, variant):
    """Make, execute and atomically write one variant ("learner" or "solved") of a lesson. Raises RuntimeError, naming the
    cell, if a cell raises or the kernel dies; the notebook that was there before then stays."""
    notebook = assemble(source, variant)
    reason = execute_cells(notebook, NOTEBOOKS, cell_seconds=CELL_SECONDS)
    if reason == STOPPED:
        raise KeyboardInterrupt
    if reason:
        raise RuntimeError(f"{source.stem} ({variant}) was not built: {reason}\n{last_traceback(notebook)}")
    write(finish(notebook, source), targets(source)[variant])


def assemble(source, variant):
    """The unexecuted notebook of a variant: cells chosen by tag, ids counted."""
    notebook = jupytext.read(source, fmt="py:percent")
    dropped = DROPPED[variant]
    notebook.cells = [cell for cell in notebook.cells if not dropped & set(cell.metadata.get("tags", []))]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    return notebook


KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def finish(notebook, source):
    """Strip what differs between two equal runs, and note the fingerprint."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    kept = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "course": {"fingerprint": fingerprint(source)}}
    notebook.metadata = nbformat.from_dict(kept)
    return notebook


def write(notebook, path):
    """Write a notebook, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_all({path: nbformat.writes(notebook) + "\n"})
