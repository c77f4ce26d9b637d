"""`course run`: execute a lesson's notebook with other parameters, into an executed notebook and a record."""

import dataclasses
import os
import tempfile
import time
from collections import namedtuple
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from tqdm.auto import tqdm

from course_utils.reruns.plan import Rerun, aligned, describe
from course_utils.reruns.records import find_record, free, open_folder, reserve, store
from course_utils.tools.kernel import STOPPED, execute_cells
from course_utils.tools.record import read_record

# notebook: as far as it was executed; record: None if the run failed; reason: why it failed, in one line, else None
Outcome = namedtuple("Outcome", "notebook record reason")
Result = namedtuple("Result", "rerun record line")  # record: None if there is none; line: what happened


def execute(
    rerun: Rerun, *, variables: dict | None = None, on_cell: Callable = lambda: None, is_wanted: Callable = lambda: True
) -> Outcome:
    """Execute a run in a kernel of its own. An error in the notebook, a dead kernel or Ctrl-C is an Outcome with a reason,
    never an exception.

    Args:
        rerun: what to execute.
        variables: environment variables of the kernel.
        on_cell: called after each cell.
        is_wanted: asked every second; once it says False, the kernel is killed.
    """
    notebook = _with_parameters(rerun)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as scratch:
        written = Path(scratch) / "record.json"
        where = rerun.folder if os.path.isdir(rerun.folder) else scratch
        variables = (variables or {}) | {"COURSE_RECORD": str(written)}
        reason = execute_cells(notebook, where, variables=variables, on_cell=on_cell, is_wanted=is_wanted)
        if reason is not None:
            return Outcome(notebook, None, reason)
        try:
            record = read_record(written)
        except (OSError, ValueError) as error:
            return Outcome(notebook, None, f"the notebook wrote no record, as its last cell must ({error})")
    if record.parameters != rerun.parameters:
        reason = f"the notebook ran with {describe(record.parameters)}, not with {describe(rerun.parameters)}"
        return Outcome(notebook, None, reason)
    seconds, finished = round(time.perf_counter() - started, 3), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    described = {field: getattr(rerun, field) for field in ("lesson", "code", "key", "name")}
    return Outcome(notebook, dataclasses.replace(record, seconds=seconds, finished=finished, **described), None)


def run_all(reruns: list[Rerun], folder: str | Path, *, force: bool = False) -> list[Result]:
    """Execute runs one after another, with a progress bar by cell; stops at Ctrl-C.

    Args:
        reruns: what to execute.
        folder: where each is stored, and skipped if it is recorded there.
        force: repeat also what is recorded.

    Returns:
        A Result for each run that was begun.

    Raises:
        OSError: The folder cannot be written.
    """
    results = []
    with closing(open_folder(folder)) as lock, tqdm(total=sum(map(_cells, reruns)), unit="cell", disable=not reruns) as bar:
        for rerun in reruns:
            bar.set_description(rerun.lesson)
            while not reserve(lock, rerun):
                bar.set_description(f"{rerun.lesson}: another process runs it, waiting")
                time.sleep(0.5)
            if not force and (record := find_record(rerun, folder)):
                bar.update(_cells(rerun))
                results.append(Result(rerun, record, "recorded before"))
            else:
                outcome = execute(rerun, on_cell=bar.update)
                results.append(keep(rerun, outcome, folder))
                if outcome.reason == STOPPED:
                    break
            free(lock, rerun)
    return results


def keep(rerun: Rerun, outcome: Outcome, folder: str | Path) -> Result:
    """Store an outcome; the Result's record is None if the run failed or could not be stored."""
    reason = outcome.reason
    if outcome.record is not None:
        try:
            return Result(rerun, outcome.record, str(store(rerun, outcome.notebook, outcome.record, folder)))
        except OSError as error:
            reason = f"the result could not be stored ({error.strerror}): make room, then run it again"
    try:
        line = f"FAILED: {reason}; as far as it came: {store(rerun, outcome.notebook, None, folder)}"
    except OSError as error:
        line = f"FAILED: {reason}; not even a partial notebook could be stored ({error.strerror})"
    return Result(rerun, None, line)


def exit_code(results: list[Result]) -> int:
    """0 if all runs are recorded, 130 if Ctrl-C stopped one, else 1."""
    lines = [line for _, record, line in results if record is None]
    return 130 if any(STOPPED in line for line in lines) else min(len(lines), 1)


def table(results: list[Result]) -> str:
    """What was run, as text: lesson, parameters, seconds, how many claims are supported, and where it is."""
    rows = [("lesson", "parameters", "seconds", "claims supported", "")]
    for rerun, record, line in results:
        measured = (f"{record.seconds:.1f}", verdicts(record.claims)) if record else ("", "")
        rows.append((rerun.lesson, describe(rerun.changed), *measured, line))
    return aligned(rows)


def verdicts(claims: list[dict]) -> str:
    """Text such as "2 of 2": how many claims are supported, as all are in the course's own run, and which are not; claims: as
    in a record."""
    others = [f"{c['id']} {c['verdict']}" for c in claims if c["verdict"] != "supported"]
    return f"{len(claims) - len(others)} of {len(claims)}" + (f" ({'; '.join(others)})" if others else "")


def _with_parameters(rerun):
    """The notebook with papermill's cell of changed parameters, as `papermill -p` would make it."""
    notebook = load_notebook_node(rerun.notebook)
    return parameterize_notebook(notebook, rerun.changed, kernel_name="python3") if rerun.changed else notebook


def _cells(rerun):
    return len(rerun.notebook.cells) + bool(rerun.changed)
