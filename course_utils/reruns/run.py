"""`course run`: execute a lesson's notebook with other parameters, into an executed notebook and a record."""

import json
import logging
import os
import re
import tempfile
import time
from collections import namedtuple
from contextlib import closing
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from tqdm.auto import tqdm

from course_utils.reruns.plan import aligned, describe
from course_utils.reruns.records import claim, find_record, give_back, open_folder, store, wait_for_claim
from course_utils.tools.kernel import kernel_environment

# notebook: as far as it was executed; record: dict, or None if the run failed; reason: why it failed, in one line, else None
Outcome = namedtuple("Outcome", "notebook record reason")
STOPPED = "stopped by Ctrl-C"
THREADS = 2  # of a kernel's tensor operations, the same for every way to run a lesson
START_SECONDS = 180


def execute(run, *, threads=THREADS, on_cell=lambda: None):
    """Execute one run in a kernel of its own and return its Outcome; an error in the notebook, a dead kernel or Ctrl-C is
    an Outcome with a reason, never an exception. on_cell: called after each cell."""
    notebook = _with_parameters(run)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as scratch:
        written = Path(scratch) / "record.json"
        where = run.folder if os.path.isdir(run.folder) else scratch
        reason = _run_cells(notebook, where, _environment(threads, written), on_cell)
        record = None
        if reason is None:
            record, reason = _read_back(run, written)
    if record is not None:
        finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        record |= {"lesson": run.lesson, "code": run.code, "key": run.key, "name": run.name}
        record |= {"seconds": round(time.perf_counter() - started, 3), "finished": finished}
    return Outcome(notebook, record, reason)


def run_all(runs, folder, *, force=False, threads=THREADS):
    """Execute runs one after another with a progress bar by cell, store each in `folder`, skip those recorded there unless
    `force`; returns [(run, record or None, line)], where line says what happened, and stops at Ctrl-C. Raises ValueError if
    the folder cannot be written."""
    results = []
    with closing(open_folder(folder)) as lock, _bar(runs) as bar:
        for run in runs:
            bar.set_description(run.lesson)
            if not claim(lock, run):
                bar.set_description(f"{run.lesson}: another process runs it, waiting")
                wait_for_claim(lock, run)
            if not force and (record := find_record(run, folder)):
                bar.update(_cells(run))
                results.append((run, record, "recorded before"))
            else:
                outcome = execute(run, threads=threads, on_cell=bar.update)
                results.append((run, *keep(run, outcome, folder)))
                if outcome.reason == STOPPED:
                    break
            give_back(lock, run)
    return results


def keep(run, outcome, folder):
    """Store an outcome; returns (record, line that says what happened), the record None if the run failed or could not be
    stored."""
    reason = outcome.reason
    if outcome.record is not None:
        try:
            return outcome.record, str(store(run, *outcome[:2], folder))
        except OSError as error:
            reason = f"the result could not be stored ({error.strerror}): make room, then run it again"
    try:
        return None, f"FAILED: {reason}; as far as it came: {store(run, outcome.notebook, None, folder)}"
    except OSError as error:
        return None, f"FAILED: {reason}; not even a partial notebook could be stored ({error.strerror})"


def exit_code(results):
    """0 if all runs are recorded, 130 if Ctrl-C stopped one, else 1."""
    if any(record is None and STOPPED in line for _, record, line in results):
        return 130
    return 1 if any(record is None for _, record, _ in results) else 0


def table(results):
    """What was run, as text: lesson, parameters, seconds, claims as the course expects them, and where it is."""
    rows = [("lesson", "parameters", "seconds", "claims as expected", "")]
    for run, record, line in results:
        if record is None:
            rows.append((run.lesson, describe(run.changed), "", "", line))
        else:
            rows.append((run.lesson, describe(run.changed), f"{record['seconds']:.1f}", verdicts(record["claims"]), line))
    return aligned(rows)


def verdicts(claims):
    """Text such as "2 of 2", and which claims came out otherwise. claims: as in a record."""
    other = [c for c in claims if c["verdict"] != c["expect"]]
    found = "; ".join(f"{c['id']} {c['verdict']}, expected {c['expect']}" for c in other)
    return f"{len(claims) - len(other)} of {len(claims)}" + (f" ({found})" if other else "")


def _with_parameters(run):
    """The notebook with papermill's cell of changed parameters, as `papermill -p` would make it."""
    notebook = load_notebook_node(run.notebook)
    return parameterize_notebook(notebook, run.changed, kernel_name="python3", language="python") if run.changed else notebook


def _run_cells(notebook, folder, environment, on_cell):
    """Execute all cells in place; returns None, or why it ended early."""
    log = logging.getLogger("course.kernel")
    log.setLevel(logging.CRITICAL + 1)
    client = NotebookClient(notebook, timeout=None, startup_timeout=START_SECONDS, kernel_name="python3", log=log,
                            extra_arguments=["--log-level=ERROR"], shutdown_kernel="immediate",
                            resources={"metadata": {"path": folder}})  # fmt: skip
    number = 0
    try:
        with client.setup_kernel(env=environment):
            for number, cell in enumerate(notebook.cells):
                client.execute_cell(cell, number)
                on_cell()
    except CellExecutionError as error:
        return f"cell {number + 1} raised {error.ename}: {_one_line(error.evalue)}"
    except DeadKernelError:
        return f"the kernel died in cell {number + 1} (killed, or out of memory)"
    except KeyboardInterrupt:
        return STOPPED
    except (RuntimeError, TimeoutError, OSError) as error:
        return f"the kernel did not start or did not answer ({_one_line(str(error) or type(error).__name__)})"
    return None


def _read_back(run, path):
    """(record, None) if the notebook wrote a record for the parameters asked for, else (None, reason)."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None, "the notebook wrote no record: its last cell must call claims.write_record"
    if (used := record.get("parameters", {})) != run.parameters:
        return None, f"the notebook ran with {describe(used)}, not with {describe(run.parameters)}"
    return record, None


def _environment(threads, record):
    """A kernel's environment: that of `course build`, the thread count in every variable that could overrule it (Dask sets
    them to 1 in its workers), and where the record goes."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return kernel_environment() | dict.fromkeys(names, str(threads)) | {"COURSE_RECORD": str(record)}


def _bar(runs):
    return tqdm(total=sum(_cells(run) for run in runs), unit="cell", disable=not runs)


def _cells(run):
    return len(run.notebook.cells) + bool(run.changed)


def _one_line(text):
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return " ".join(plain.split())[:300]
