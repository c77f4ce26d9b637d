"""`course sweep`: many runs at once on Dask, on this machine or on any scheduler.

Workers execute and send back notebook and record; this process, the driver, writes them at once. So workers need the
course installed but no shared disk, a driver that is killed loses only what was running, and a worker that is killed loses
nothing: its run starts again elsewhere.
"""

import contextlib
import logging
import math
import os
import socket
import time
from concurrent.futures import CancelledError
from contextlib import closing
from importlib.util import find_spec
from uuid import uuid4

import dask
from dask.distributed import Client, LocalCluster, wait
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker
from tqdm.auto import tqdm

from course_utils.reruns.plan import code_hash, describe
from course_utils.reruns.records import claim, find_record, give_back, open_folder, records_in
from course_utils.reruns.run import STOPPED, THREADS, Outcome, execute, keep

IGNORE_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"  # which is the driver's to handle
CONNECT_SECONDS = 20
LOST = "the scheduler was lost"
DEATH_SECONDS = 120  # after which a worker that cannot reach its scheduler ends itself


def sweep(runs, folder, *, scheduler=None, workers=None, threads=THREADS):
    """Do all runs that are not recorded in `folder`; returns [(run, record or None, line)] in the order they ended.

    scheduler: address of a Dask scheduler ("tcp://host:8786"), or None for a LocalCluster of `workers` (default: one for
    every `threads` processors) on this machine. A run whose worker dies is tried again, three times; a run that another
    driver is doing in the same folder is left to it. Ctrl-C or the scheduler's end ends the sweep. Raises ValueError if the
    scheduler does not answer or the folder cannot be written.
    """
    with closing(open_folder(folder)) as lock:
        results = [(run, record, "recorded before") for run in runs if (record := find_record(run, folder))]
        recorded = {run.name for run, _, _ in results}
        todo = [run for run in runs if run.name not in recorded]
        if todo:
            with _connect(scheduler, workers or min(len(todo), local_workers(threads)), threads) as client:
                _work_off(client, todo, folder, lock, threads, results)
    return results


def local_workers(threads):
    """How many workers of so many threads fit on this machine."""
    return max(1, len(os.sched_getaffinity(0)) // threads if hasattr(os, "sched_getaffinity") else os.cpu_count() // threads)


def job(run, threads):
    """What a worker does: execute one run, if its copy of the course is the driver's; returns its Outcome."""
    if code_hash(run.notebook) != run.code:
        reason = f"the worker on {socket.gethostname()} has another version of this course: install the driver's there"
        return Outcome(run.notebook, None, reason)
    return execute(run, threads=threads)


def summary(results):
    """Text: each failure with its reason, then how many runs there were, recorded before, done, failed and left."""
    ended = {STOPPED, LOST}
    failed = [f"{describe(run.changed)}: {line}" for run, record, line in results if record is None and line not in ended]
    left = [line for _, _, line in results if line in ended]
    before = sum(record is not None and line.startswith("recorded") for _, record, line in results)
    done = len(results) - len(failed) - len(left) - before
    counts = f"{len(results)} runs: {before} recorded before, {done} done now, {len(failed)} failed"
    rest = [f"{left[0]} with {len(left)} runs left: the same command does them"] if left else []
    return "\n".join([*failed, *rest, counts])


def estimate(runs, folder, workers):
    """Text: how many of the runs are left, and for how long, judged by the mean of the lesson's records in `folder`."""
    left = sum(find_record(run, folder) is None for run in runs)
    seconds = [record["seconds"] for record in records_in(folder, runs[0].lesson)]
    line = f"{len(runs)} runs, {len(runs) - left} of them recorded, {left} left"
    if not left or not seconds:
        return line + (": no estimate, since no run of this lesson is recorded there yet" if left else "")
    total = sum(seconds) / len(seconds) * math.ceil(left / workers)
    return f"{line}: about {tqdm.format_interval(total)} on {workers} workers (mean of {len(seconds)} recorded runs)"


@contextlib.contextmanager
def _connect(scheduler, workers, threads):
    """A client of the scheduler, or of a new LocalCluster that ends with it."""
    secured = True if find_spec("cryptography") else None  # TLS between processes of this machine, where it can be had
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with dask.config.set({"distributed.scheduler.worker-saturation": 1.0}), contextlib.ExitStack() as stack:
        if scheduler is None:
            scheduler = stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    memory_limit=0,
                    dashboard_address="127.0.0.1:0",
                    security=secured,
                    death_timeout=DEATH_SECONDS,
                    preload=[IGNORE_CTRL_C],
                    silence_logs=logging.CRITICAL,
                )
            )
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise ValueError(f"no Dask scheduler answers at {scheduler!r}: start one with `dask scheduler` ({error})") from error
        stack.enter_context(client)
        if not client.nthreads():
            tqdm.write("the scheduler has no workers yet: waiting for the first")
        yield client


def _work_off(client, todo, folder, lock, threads, results):
    """Submit the runs, store what comes back, and append it to the results; a run claimed by another driver is looked at
    again every second."""
    futures, wanted = {}, list(todo)
    with tqdm(total=len(results) + len(todo), initial=len(results), unit="run") as bar:

        def done(run, record, line):
            results.append((run, record, line))
            failed = sum(record is None for _, record, _ in results)
            bar.set_postfix_str(f"{len(results) - failed} done, {failed} failed, {bar.total - len(results)} left")
            bar.update()

        def leave(line):
            ended = {run.name for run, _, _ in results}
            for run in wanted:
                if run.name not in ended:
                    record = find_record(run, folder)
                    results.append((run, record, "done as the sweep ended" if record else line))

        try:
            while todo or futures:
                for run in [run for run in todo if claim(lock, run)]:
                    todo.remove(run)
                    if record := find_record(run, folder):
                        done(run, record, "recorded by another process")
                    else:
                        futures[client.submit(job, run, threads, key=f"{run.name}-{uuid4().hex}", pure=False)] = run
                for future in _finished(futures):
                    run = futures.pop(future)
                    outcome = _outcome(run, future)
                    future.release()  # or Dask does the run again if the worker that holds its result dies
                    done(run, *keep(run, outcome, folder))
                    give_back(lock, run)
        except KeyboardInterrupt:
            client.cancel(list(futures))
            leave(STOPPED)
        except (CancelledError, CommClosedError):
            leave(LOST)


def _finished(futures):
    """Futures that have ended, waiting for one at most a second."""
    if not futures:
        time.sleep(1)
        return []
    with contextlib.suppress(dask.distributed.TimeoutError):
        wait(list(futures), timeout=1, return_when="FIRST_COMPLETED")
    return [future for future in futures if future.done()]


def _outcome(run, future):
    """The Outcome of a future that has ended, also where it brings an error of Dask's or of the worker's."""
    try:
        return future.result()
    except CancelledError:
        raise
    except KilledWorker as error:
        reason = f"every worker that tried it died ({error.allowed_failures + 1} of them; killed, or out of memory)"
    except Exception as error:  # whatever a worker raises: this run failed, the others go on
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return Outcome(run.notebook, None, reason)
