"""A folder of results: per run a record (JSON), the executed notebook, and what is left of a run that failed.

A run has succeeded when its record is there, and its notebook with it: the record is written last, by temporary file and
rename, so nothing is ever half-written and any number of processes may share the folder.
"""

import contextlib
import errno
from pathlib import Path
from typing import BinaryIO

import nbformat

from course_utils.reruns.plan import Rerun
from course_utils.tools.files import write_all
from course_utils.tools.record import Record, read_record

try:
    import fcntl
except ImportError:  # Windows: two drivers may then do the same run twice, to no harm
    fcntl = None


def paths(rerun: Rerun, folder: str | Path) -> tuple[Path, Path, Path]:
    """Where a run's notebook, record and partial notebook are."""
    return tuple(Path(folder) / f"{rerun.name}{ending}" for ending in (".ipynb", ".json", ".partial.ipynb"))


def find_record(rerun: Rerun, folder: str | Path) -> Record | None:
    """The record of exactly this run (same code, helpers and parameters), if its notebook is there too."""
    full, recorded, _ = paths(rerun, folder)
    record = _readable(recorded)
    return record if record and record.key == rerun.key and full.is_file() else None


def records_in(folder: str | Path, lesson: str | None = None) -> list[Record]:
    """All records of runs in a folder, or those of one lesson, in the order of their names; what is no record is passed
    over."""
    records = [_readable(path) for path in sorted(Path(folder).glob("*.json"))]
    return [record for record in records if record and record.key and lesson in (None, record.lesson)]


def store(rerun: Rerun, notebook: nbformat.NotebookNode, record: Record | None, folder: str | Path) -> Path:
    """Write a run's notebook and record, or, with no record, only the notebook, as the partial one.

    Returns:
        The notebook's path.

    Raises:
        OSError: The disk is full or the folder cannot be written; nothing is half-written.
    """
    full, recorded, partial = paths(rerun, folder)
    if record is None:
        write_all({partial: nbformat.writes(notebook)})
        return partial
    write_all({full: nbformat.writes(notebook), recorded: record.to_json()})
    partial.unlink(missing_ok=True)
    return full


def open_folder(folder: str | Path) -> BinaryIO:
    """Make a results folder and open its lock file, to be closed by the caller. Raises OSError if that cannot be."""
    lock = Path(folder) / ".lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        if lock.exists() and not lock.is_file():
            raise FileExistsError(errno.EEXIST, f"{lock} is no file")
        return open(lock, "ab")
    except OSError as error:
        raise OSError(f"{folder} is no folder that can be written ({error.strerror}): choose another with --out") from error


def reserve(lock: BinaryIO, rerun: Rerun) -> bool:
    """Reserve a run for this process; False if another process has it. The system frees it when the process ends, however it
    ends. lock: from `open_folder`."""
    if fcntl is None:
        return True
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(rerun))
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks
        return True
    return True


def free(lock: BinaryIO, rerun: Rerun) -> None:
    """Let other processes reserve the run again."""
    with contextlib.suppress(OSError, AttributeError):
        fcntl.lockf(lock, fcntl.LOCK_UN, 1, _place(rerun))


def _place(rerun):
    """The byte of the lock file that stands for a run."""
    return int(rerun.key[:12], 16)


def _readable(path):
    try:
        return read_record(path)
    except (OSError, ValueError):
        return None
