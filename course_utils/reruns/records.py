"""A folder of results: per run a record (JSON), the executed notebook, and what is left of a run that failed.

A run has succeeded when its record is there: the record is written last, by temporary file and rename, so nothing is ever
half-written and any number of processes may share the folder.
"""

import contextlib
import json
import os
import time
from pathlib import Path

import nbformat

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
    needed = {"lesson", "parameters", "metrics", "claims", "key", "seconds"}
    return record if isinstance(record, dict) and needed <= set(record) else None


def find_record(run, folder):
    """The record of exactly this run (same code, helpers and parameters), or None."""
    record = read_record(paths(run, folder)[1])
    return record if record and record["key"] == run.key else None


def store(run, notebook, record, folder):
    """Write a run's notebook, then its record; with no record, keep the notebook as the partial one. Raises OSError, and
    leaves nothing half-written, where the disk is full or the folder cannot be written."""
    full, recorded, partial = paths(run, folder)
    if record is None:
        write_text(partial, nbformat.writes(notebook))
        return partial
    recorded.unlink(missing_ok=True)  # an old record must not stand beside a new notebook
    write_text(full, nbformat.writes(notebook))
    write_text(recorded, json.dumps(record, indent=1))
    partial.unlink(missing_ok=True)
    return full


def write_text(path, text):
    """Write a file by temporary file and rename; on an error the temporary file goes. Raises OSError."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


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
