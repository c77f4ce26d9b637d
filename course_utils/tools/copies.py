"""The learner's copies: the lessons without their results, in `my_notebooks/`, and JupyterLab opened on them.

A copy is never overwritten: it holds somebody's answers. It remembers a fingerprint of the text that it was copied from, not of
the helpers, which every copy uses as they are now.
"""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import nbformat
from ipykernel.ipkernel import IPythonKernel

from course_utils.tools.files import write_all
from course_utils.tools.lessons import KERNEL, NOTEBOOKS, ROOT, lessons, targets

COPIES = ROOT / "my_notebooks"
LINK = re.compile(r"""(\]\(|\b(?:src|href)=["'])([^)"'#\s]+)""")  # in Markdown, and in HTML within it


def copy_of(original):
    """Where the copy of a published notebook is, or will be."""
    return COPIES / original.relative_to(NOTEBOOKS)


def make_copies():
    """Copy the lessons that have no copy yet, and return the names of those whose copy is outdated."""
    originals = _originals()
    missing = [original for original in originals if not copy_of(original).exists()]
    for original in missing:
        _write_copy(original)
    return [_name(original) for original in originals if _remembered(copy_of(original)) != text_fingerprint(original)]


def renew(name):
    """Copy a lesson anew, and keep the copy that was there beside it.

    Args:
        name: A lesson by any unambiguous beginning, such as "04".

    Returns:
        (copy, old): the paths of the new copy and of the one from before, None if there was none.

    Raises:
        ValueError: No single lesson is called so, or it has not been built.
    """
    original = targets(lessons([name])[0])["learner"]
    if not original.exists():
        raise ValueError(f"{original.name} has not been built: run `course build {name}`")
    copy, old = copy_of(original), None
    if copy.exists():
        old = next(path for path in _names_for_old(copy) if not path.exists())
        shutil.copy2(copy, old)
    _write_copy(original)
    return copy, old


def text_fingerprint(original):
    """SHA-256 of the cells' sources of a notebook."""
    cells = json.loads(original.read_text(encoding="utf-8"))["cells"]
    return hashlib.sha256(json.dumps([[cell["cell_type"], cell["source"]] for cell in cells]).encode()).hexdigest()


def open_lab(arguments=()):
    """Run JupyterLab on lesson 00's copy until it is stopped: one thread a kernel, no news, as root if this is root.

    Args:
        arguments: Further command-line arguments of JupyterLab, such as "--no-browser".
    """
    from jupyterlab.labapp import LabApp

    config = [str(Path(__file__).with_name("jupyter")), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, config))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    first = copy_of(_originals()[0]).relative_to(ROOT).as_posix()
    options = [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/{first}", "--log-level=WARN"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    LabApp.launch_instance([*options, *arguments])


def _originals():
    return [path for source in lessons() if (path := targets(source)["learner"]).exists()]


def _name(original):
    return original.relative_to(NOTEBOOKS).with_suffix("").as_posix()


def _names_for_old(copy):
    number = 1
    while True:
        yield copy.with_stem(f"{copy.stem}_old_{number}")
        number += 1


def _remembered(copy):
    """The fingerprint in a copy; None if it has none or cannot be read."""
    try:
        return json.loads(copy.read_text(encoding="utf-8"))["metadata"]["course"]["copied_from"]
    except (ValueError, KeyError, TypeError):
        return None


def _write_copy(original):
    notebook = nbformat.read(original, 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = LINK.sub(lambda match: match[1] + _relinked(match[2], original), cell.source)
    notebook.metadata |= {"kernelspec": KERNEL, "language_info": IPythonKernel.language_info}
    notebook.metadata.course = {"copied_from": text_fingerprint(original)}
    copy = copy_of(original)
    copy.parent.mkdir(parents=True, exist_ok=True)
    write_all({copy: nbformat.writes(notebook) + "\n"})


def _relinked(link, original):
    """A relative link as the copy needs it: to the copy of a lesson, or else to the file that the original leads to."""
    target = Path(os.path.normpath(original.parent / link))
    if target in _originals() or not target.exists():
        return link
    return Path(os.path.relpath(target, copy_of(original).parent)).as_posix()
