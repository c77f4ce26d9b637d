"""`course build`: from one source, `notebooks/source/NN_name.py`, the learner's notebook and the solved one, both executed.

A cell tagged `stub` is for the learner's notebook only, `solution` and `instructor` for the solved one. Timing metadata and
widget state are stripped and cell ids are counted, so building an unchanged lesson again on the same machine changes no
byte. A notebook remembers a fingerprint of its source and of the helpers it imports; while that holds it is not executed.
"""

import ast
import hashlib
import os
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

ROOT = Path(__file__).parents[2]
SOURCES, NOTEBOOKS, SOLUTIONS = (ROOT / "notebooks" / name for name in ("source", ".", "solutions"))
DROPPED = {"learner": {"solution", "instructor"}, "solved": {"stub"}}
CELL_SECONDS = 600


def lessons(names=()):
    """Source paths of the named lessons (any unambiguous beginning, such as "04"), or of all, in order. Raises
    ValueError for a name that fits none."""
    sources = sorted(SOURCES.glob("[0-9][0-9]_*.py"))
    chosen = [[s for s in sources if s.stem.startswith(Path(name).stem)] for name in names]
    for name, found in zip(names, chosen, strict=True):
        if len(found) != 1:
            raise ValueError(f"no single lesson is called {name!r}: choose from {', '.join(s.stem for s in sources)}")
    return [found[0] for found in chosen] if names else sources


def targets(source):
    """The two notebooks built from a source: {"learner": path, "solved": path}."""
    return {"learner": NOTEBOOKS / f"{source.stem}.ipynb", "solved": SOLUTIONS / f"{source.stem}.ipynb"}


def is_current(source, path):
    """Whether the notebook at `path` was built from this source with these helpers."""
    if not path.exists():
        return False
    return nbformat.read(path, 4).metadata.get("course", {}).get("fingerprint") == fingerprint(source)


def build(source, variant):
    """Make, execute and atomically write one variant ("learner" or "solved") of a lesson. Raises RuntimeError, naming the
    cell, if a cell raises or the kernel dies; the notebook that was there before then stays."""
    notebook = assemble(source, variant)
    client = NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", resources={"metadata": {"path": NOTEBOOKS}})
    try:
        client.execute(env=kernel_environment())
    except (CellExecutionError, DeadKernelError, TimeoutError) as error:
        raise RuntimeError(f"{source.stem} ({variant}) was not built:\n{error}") from None
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


def write_all(texts):
    """Write files {path: text}: all of them as temporary files first, then rename each in turn. Raises OSError, having
    removed the temporary files."""
    parts = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in texts}
    try:
        for path, part in parts.items():
            with open(part, "w", encoding="utf-8") as file:
                file.write(texts[path])
                file.flush()
                os.fsync(file.fileno())
        for path, part in parts.items():
            part.replace(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def fingerprint(source):
    """SHA-256 of a source file and of every `course_utils` module that it imports, directly or not."""
    digest, todo, seen = hashlib.sha256(), [Path(source)], set()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        todo += sorted(imported_helpers(path.read_text(encoding="utf-8")))
    for path in sorted(seen):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def imported_helpers(code):
    """Paths of the `course_utils` modules that Python code imports. code: its text."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("course_utils"):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.startswith("course_utils.")}
    candidates = [ROOT / name.replace(".", "/") for name in names]
    files = [p.with_suffix(".py") for p in candidates] + [p / "__init__.py" for p in candidates]
    return {f for f in files if f.exists()}


def kernel_environment():
    """The environment of a kernel: this one's, with two threads for tensor operations and no progress bars."""
    return os.environ | {"OMP_NUM_THREADS": "2", "TQDM_DISABLE": "1", "PYTHONHASHSEED": "0"}
