"""`course sweep`: many runs at once on Dask, on this machine or on any scheduler.

Workers execute and send back notebook and record; this process, the driver, writes them at once. So workers need the
course installed but no shared disk, a driver that is killed loses only what was running, and a worker that is killed loses
nothing: its run starts again elsewhere. Runs are submitted a few at a time: 100,000 fit into a scheduler, and drivers share a
grid. (The notebook goes with each run: what is scattered instead is lost with the worker that holds it.)
"""

import contextlib
import logging
import math
import socket
import threading
import time
from collections import deque
from concurrent.futures import CancelledError
from pathlib import Path
from uuid import uuid4

import dask
from dask.distributed import Client, LocalCluster, get_worker, wait
from dask.system import CPU_COUNT  # which knows what a container may use
from distributed.client import ClosedClientError
from distributed.scheduler import KilledWorker
from tqdm.auto import tqdm

from course_utils.reruns.plan import Rerun, code_hash, describe
from course_utils.reruns.records import find_record, free, open_folder, records_in, reserve
from course_utils.reruns.run import Outcome, Result, execute, keep
from course_utils.tools.fork_kernel import MANY
from course_utils.tools.kernel import STOPPED

IGNORE_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"  # which is the driver's to handle
CONNECT_SECONDS = 20
LOST = "the scheduler was lost"
DEATH_SECONDS = 120  # after which a worker that cannot reach its scheduler ends itself
ONE_AT_A_TIME = threading.Lock()  # Python 3.11's parser fails now and then where threads of a worker use it together
SUBMITTED = 2  # runs for each thread of a worker: the one it does, and the next


def sweep(reruns: list[Rerun], folder: str | Path, *, scheduler: str | None = None, workers: int | None = None) -> list[Result]:
    """Do all runs that are not recorded in a folder. A run whose worker dies is tried again, three times; a run that another
    driver is doing in the same folder is left to it; Ctrl-C or the scheduler's end ends the sweep.

    Args:
        reruns: what to execute, of one lesson.
        folder: where the results are stored.
        scheduler: address of a Dask scheduler ("tcp://host:8786"); None: a LocalCluster on this machine.
        workers: of the LocalCluster; by default one a core.

    Returns:
        The Results, in the order in which the runs ended.

    Raises:
        OSError: The scheduler does not answer or the folder cannot be written.
    """
    with contextlib.closing(open_folder(folder)) as lock:
        results = [Result(rerun, record, "recorded before") for rerun in reruns if (record := find_record(rerun, folder))]
        if todo := _unfinished(reruns, results):
            with (
                _connect(scheduler, workers or min(len(todo), CPU_COUNT)) as client,
                tqdm(total=len(reruns), initial=len(results), unit="run") as bar,
            ):
                _work_off(client, todo, folder, lock, results, bar)
    return results


def execute_on_worker(rerun: Rerun) -> Outcome:
    """What a worker does: execute a run on one core, if its course is the driver's, while the driver wants it."""
    with ONE_AT_A_TIME:
        code = code_hash(rerun.notebook)
    if code != rerun.code:
        reason = f"the worker on {socket.gethostname()} has another version of this course: install the driver's there"
        return Outcome(rerun.notebook, None, reason)
    worker = get_worker()
    task = worker.get_current_task()

    def is_wanted():
        return getattr(worker.state.tasks.get(task), "state", "cancelled") != "cancelled"

    return execute(rerun, variables={"LOKY_MAX_CPU_COUNT": "1", MANY: "1"}, is_wanted=is_wanted)


def outcome_of(results: list[Result]) -> str:
    """Text: each failure with its reason, why runs are left, and how many were recorded before, done and failed."""
    left = [line for _, _, line in results if line in (STOPPED, LOST)]
    failed = [f"{describe(run.changed)}: {line}" for run, record, line in results if not record and line not in (STOPPED, LOST)]
    before = sum(record is not None and line.startswith("recorded") for _, record, line in results)
    counts = f"{before} recorded before, {len(results) - len(failed) - len(left) - before} done now, {len(failed)} failed"
    rest = [f"{left[0]} with {len(left)} runs left: the same command does them"] if left else []
    return "\n".join([*failed, *rest, f"{len(results)} runs: {counts}"])


def estimate(reruns: list[Rerun], folder: str | Path, workers: int) -> str:
    """Text: how many of the runs are left, and for how long, judged by the mean of the lesson's records in `folder`."""
    left = sum(find_record(rerun, folder) is None for rerun in reruns)
    seconds = [record.seconds for record in records_in(folder, reruns[0].lesson)]
    line = f"{len(reruns)} runs, {len(reruns) - left} of them recorded, {left} left"
    if not left or not seconds:
        return line + (": no estimate, since no run of this lesson is recorded there yet" if left else "")
    total = sum(seconds) / len(seconds) * math.ceil(left / workers)
    return f"{line}: about {tqdm.format_interval(total)} on {workers} workers (mean of {len(seconds)} recorded runs)"


@contextlib.contextmanager
def _connect(scheduler, workers):
    """A client of the scheduler, or of a new LocalCluster that ends with it."""
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with dask.config.set({"distributed.scheduler.worker-saturation": 1.0}), contextlib.ExitStack() as stack:
        if scheduler is None:
            cluster = LocalCluster(n_workers=workers, threads_per_worker=1, memory_limit=0, dashboard_address="127.0.0.1:0",
                                   security=True, death_timeout=DEATH_SECONDS, preload=[IGNORE_CTRL_C],
                                   silence_logs=logging.CRITICAL)  # fmt: skip
            scheduler = stack.enter_context(cluster)
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise OSError(f"no Dask scheduler answers at {scheduler!r}: start one with `dask scheduler` ({error})") from error
        stack.enter_context(client)
        if not client.nthreads():
            tqdm.write("the scheduler has no workers yet: waiting for the first")
        yield client


def _work_off(client, reruns, folder, lock, results, bar):
    """Submit the runs, store what comes back, and append a Result for each, also for those left at Ctrl-C or the end."""
    todo, futures = deque(reruns), {}

    def done(result):
        results.append(result)
        bar.update()
        if result.record is None:
            bar.set_postfix_str(f"{sum(record is None for _, record, _ in results)} failed")

    def leave(line):
        for rerun in _unfinished(reruns, results):
            record = find_record(rerun, folder)
            results.append(Result(rerun, record, "done as the sweep ended" if record else line))

    try:
        while todo or futures:
            if client.status == "closed":
                raise ConnectionError(LOST)
            most = SUBMITTED * max(1, sum(client.nthreads().values()))
            _submit(client, todo, most, folder, lock, futures, done)
            for future in _finished(futures):
                rerun = futures.pop(future)
                outcome = _outcome(rerun, future)
                future.release()  # or Dask does the run again if the worker that holds its result dies
                done(keep(rerun, outcome, folder))
                free(lock, rerun)
    except KeyboardInterrupt:
        client.cancel(list(futures))
        leave(STOPPED)
    except (CancelledError, ClosedClientError, OSError):  # what a client says that has lost its scheduler
        leave(LOST)


def _submit(client, todo, most, folder, lock, futures, done):
    """Submit runs that no other driver has reserved until `most` are; each is looked at once."""
    for _ in range(len(todo)):
        if len(futures) >= most:
            return
        rerun = todo.popleft()
        if not reserve(lock, rerun):
            todo.append(rerun)
        elif record := find_record(rerun, folder):
            done(Result(rerun, record, "recorded by another process"))
            free(lock, rerun)
        else:
            key = f"{rerun.name}-{uuid4().hex}"
            futures[client.submit(execute_on_worker, rerun, key=key, pure=False)] = rerun


def _finished(futures):
    """Futures that have ended, waiting for one at most a second."""
    if not futures:
        time.sleep(1)
        return []
    with contextlib.suppress(dask.distributed.TimeoutError):
        wait(list(futures), timeout=1, return_when="FIRST_COMPLETED")
    return [future for future in futures if future.done()]


def _outcome(rerun, future):
    """The Outcome of a future that has ended, also where it brings an error of Dask's or of the worker's."""
    try:
        return future.result()
    except CancelledError:
        raise
    except KilledWorker as error:
        reason = f"every worker that tried it died ({error.allowed_failures + 1} of them; killed, or out of memory)"
    except Exception as error:  # whatever a worker raises: this run failed, the others go on
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return Outcome(rerun.notebook, None, reason)


def _unfinished(reruns, results):
    ended = {rerun.name for rerun, _, _ in results}
    return [rerun for rerun in reruns if rerun.name not in ended]
