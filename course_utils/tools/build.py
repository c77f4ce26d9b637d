"""`course build`: from one source, `notebooks/source/NN_name.py`, the learner's notebook and the solved one, both executed.

A cell tagged `stub` is for the learner's notebook only, `solution` and `instructor` for the solved one; one tagged `fold` shows
only its first line. Timing metadata and widget state are stripped and cell ids are counted, so building an unchanged lesson
again on the same machine changes no byte; other metadata is what JupyterLab writes, so opening a notebook does not mark it
modified. A notebook remembers a fingerprint of its source and of the helpers it imports; while that holds it is not executed.
"""

from pathlib import Path

import nbformat
from ipykernel.ipkernel import IPythonKernel
from nbformat import NotebookNode

from course_utils.tools.budget import minutes
from course_utils.tools.files import write_all
from course_utils.tools.fingerprint import fingerprint
from course_utils.tools.kernel import STOPPED, execute_cells, last_traceback
from course_utils.tools.lessons import KERNEL, lesson_name, targets
from course_utils.tools.syllabus import fill
from course_utils.tools.variants import variant

CELL_SECONDS = 600


def is_current(source: Path, name: str) -> bool:
    """Whether the notebook of that variant was built from this source with these helpers, and shows the present syllabus."""
    path = targets(source)[name]
    if not path.exists():
        return False
    built = nbformat.read(path, 4)
    if built.metadata.get("course", {}).get("fingerprint") != fingerprint(source):
        return False
    return [cell.source for cell in built.cells] == [cell.source for cell in assemble(source, name).cells]


def build(source: Path, name: str) -> None:
    """Make, execute and atomically write one variant of a lesson. The fingerprint is taken first: what is edited meanwhile
    leaves a notebook that is not current.

    Args:
        source: its path.
        name: of the variant, "learner" or "solved".
    Raises:
        RuntimeError: a cell raises, which it names, or the kernel dies; the notebook that was there before stays.
    """
    before = fingerprint(source)
    notebook = assemble(source, name)
    folder = targets(source)["learner"].parent
    folder.mkdir(parents=True, exist_ok=True)
    reason = execute_cells(notebook, folder, cell_seconds=CELL_SECONDS)
    if reason == STOPPED:
        raise KeyboardInterrupt
    if reason:
        raise RuntimeError(f"{lesson_name(source)} ({name}) was not built: {reason}\n{last_traceback(notebook)}")
    write(finish(notebook, before), targets(source)[name])


def assemble(source: Path, name: str) -> NotebookNode:
    """The unexecuted notebook of a variant: cells chosen by tag and folded, ids counted, `{minutes}` in the first computed,
    `{syllabus}` filled in."""
    learner = variant(source, "learner")
    time_needed = str(minutes(learner))
    notebook = learner if name == "learner" else variant(source, name)
    notebook.cells[0].source = notebook.cells[0].source.replace("{minutes}", time_needed)
    fill(notebook)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        if "fold" in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True}
            cell.metadata["tags"].append("hide-input")
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": IPythonKernel.language_info})
    return notebook


def finish(notebook: NotebookNode, mark: str) -> NotebookNode:
    """Strip what differs between two equal runs, and note the fingerprint `mark`."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["course"] = {"fingerprint": mark}
    return notebook


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_all({path: nbformat.writes(notebook) + "\n"})
