"""Training in several processes of one thread each: joblib's (loky's) workers, which stay warm for the next call."""

import multiprocessing
import os
import pickle
import signal
import tempfile
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait
from dataclasses import replace
from itertools import chain

import cloudpickle
import joblib
import psutil
import torch
from joblib.externals.loky import get_reusable_executor

from course_utils.stacked.stack import train_share
from course_utils.training import restore, snapshot

WORTH = 3.0  # seconds of training on one core from which dividing pays, were the workers still to be started
WORKER_BYTES = 600 * 2**20  # of a worker that has imported torch
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}


def worker_count(n_runs, seconds):
    """Among how many workers to divide so many runs that take so many seconds on one core; 0: train in this process."""
    n = min(joblib.cpu_count(), n_runs, psutil.virtual_memory().available // WORKER_BYTES)
    return 0 if n < 2 or seconds < WORTH or multiprocessing.current_process().daemon else n


def train_in_workers(shares, batch_size, advance):
    """Train each share (a list of chunks, see `divide`) in a process of its own; fills logs and models of the runs.

    The models stay in this process; only copies travel, pickled by value where a notebook defines them, and only parameters,
    buffers and logs come back. Each worker reports an epoch done by a byte at the end of a file.
    """
    executor = get_reusable_executor(len(shares), timeout=300, initializer=_ignore_ctrl_c, env=ONE_THREAD)
    with tempfile.TemporaryDirectory() as folder:
        path, n_done = os.path.join(folder, "epochs"), 0
        open(path, "wb").close()
        try:
            futures = {executor.submit(_train, _pack(share), batch_size, path): share for share in shares}
            waiting = set(futures)
            while waiting:
                done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                if (size := os.path.getsize(path)) > n_done:
                    advance(size - n_done)
                    n_done = size
                for future in done:
                    _unpack(future.result(), futures[future])
        except BrokenExecutor as error:
            raise RuntimeError("a worker process was killed while it trained, most often because memory ran out: train fewer "
                               "runs or smaller networks at once, or set LOKY_MAX_CPU_COUNT=1") from error  # fmt: skip
        except BaseException:  # Ctrl-C, or an error in a worker: nobody goes on computing
            executor.shutdown(kill_workers=True)
            raise


def _ignore_ctrl_c():
    """Of a worker: Ctrl-C goes to all processes of a terminal or notebook; the one that divided the work ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _train(packed, batch_size, path):
    """What a worker does with its share."""
    torch.set_num_threads(1)

    def advance(n):
        with open(path, "ab") as file:
            file.write(b"." * n)

    share = pickle.loads(packed)
    train_share(share, batch_size, advance)
    return pickle.dumps([(replace(run.log, best_weights=None), snapshot(run.model)) for run in chain(*share)])


def _pack(share):
    """A share as bytes. A tensor that shows a part of a larger one travels without the rest."""
    tensors = {id(t): t for run in chain(*share) for t in (*run.train, *run.val)}
    tensors = {key: t.clone() if t.nbytes < t.untyped_storage().nbytes() else t for key, t in tensors.items()}

    def compact(pair):
        return tuple(tensors[id(t)] for t in pair)

    return cloudpickle.dumps([[replace(r, train=compact(r.train), val=compact(r.val)) for r in runs] for runs in share])


def _unpack(packed, share):
    for run, (log, weights) in zip(chain(*share), pickle.loads(packed), strict=True):
        run.log = log
        restore(run.model.train(), weights)
