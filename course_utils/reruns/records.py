"""A folder of results: per run a record (JSON), the executed notebook, and what is left of a run that failed.

A run has succeeded when its record is there: the record is written last, by temporary file and rename, so nothing is ever
half-written and any number of processes may share the folder.
"""

import contextlib
import json
import time
from pathlib import Path

import nbformat

from course_utils.tools.files import write_all

try:
    import fcntl
except ImportError:  # Windows: two drivers may then do the same run twice, to no harm
    fcntl = None


def paths(run, folder):
    """(notebook, record, partial notebook) of a run."""
    return tuple(Path(folder) / f"{run.name}{ending}" for ending in (".ipynb", ".json", ".partial.ipynb"))


def read_record(path):
    """The record at a path, or None if there is none, or none that can be read."""
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    needed = {"lesson", "parameters", "metrics", "claims", "code", "key", "seconds"}
    return record if isinstance(record, dict) and needed <= set(record) else None


def find_record(run, folder):
    """The record of exactly this run (same code, helpers and parameters), or None."""
    record = read_record(paths(run, folder)[1])
    return record if record and record["key"] == run.key else None


def records_in(folder, lesson=None):
    """All records of a folder, or those of one lesson, in the order of their names."""
    records = [read_record(path) for path in sorted(Path(folder).glob("*.json"))]
    return [record for record in records if record and lesson in (None, record["lesson"])]


def store(run, notebook, record, folder):
    """Write a run's notebook and record, or, with no record, only the notebook, as the partial one; returns the notebook's
    path. Raises OSError, and leaves nothing half-written, where the disk is full or the folder cannot be written."""
    full, recorded, partial = paths(run, folder)
    if record is None:
        write_all({partial: nbformat.writes(notebook)})
        return partial
    write_all({full: nbformat.writes(notebook), recorded: json.dumps(record, indent=1)})
    partial.unlink(missing_ok=True)
    return full


def open_folder(folder):
    """Make a results folder and open its lock file, to be closed by the caller. Raises ValueError if that cannot be."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return open(Path(folder) / ".lock", "ab")
    except OSError as error:
        raise ValueError(f"{folder} is no folder that can be written ({error.strerror}): choose another with --out") from error


def claim(lock, run):
    """Whether this process may do the run: True unless another process holds it. The system gives a claim back when the
    process ends, however it ends. lock: from `open_folder`."""
    if fcntl is None:
        return True
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(run.key[:12], 16))
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks
        return True
    return True


def give_back(lock, run):
    """Give back a claim."""
    with contextlib.suppress(OSError, AttributeError):
        fcntl.lockf(lock, fcntl.LOCK_UN, 1, int(run.key[:12], 16))


def wait_for_claim(lock, run):
    """Claim a run, waiting while another process does it."""
    while not claim(lock, run):
        time.sleep(0.5)
