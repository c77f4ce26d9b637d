"""Training in several processes: the same numbers, errors that come through, Ctrl-C, a worker that is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from course_utils import stacked, training_settings
from course_utils.models import mlp
from course_utils.stacked import train_runs
from tests.test_stacked import check_equal, labelled, small_mlp, text, work
from tests.toy_notebooks import descendants, wait_until

ROOT = Path(__file__).parents[1]


@pytest.fixture
def two_workers(monkeypatch):
    monkeypatch.setattr(stacked, "worker_count", lambda n_runs, seconds: min(2, n_runs))


def pids_of_workers():
    return {child.pid for child in descendants(psutil.Process(), "LokyProcess")}


@pytest.mark.parametrize("kind", ["mlp", "cnn", "transformer"])
def test_equals_fit_in_two_processes(kind, two_workers, stacks):
    build, data = work(kind, torch.float64)
    runs = [{"seed": k % 2, "p_drop": 0.1 * k, "lr": 0.01} for k in range(5)]
    check_equal(build, data, runs, epochs=4, patience=2)
    assert stacks == []  # of this process


class MadeInANotebook(nn.Module):
    def __init__(self):
        super().__init__()
        self.net, self.act = nn.Linear(6, 5), lambda x: x * 2

    def forward(self, x):
        return self.act(self.net(x))


def test_classes_of_a_notebook_and_parts_of_tensors_travel(two_workers):
    script = """
import torch
from torch import nn
from course_utils import stacked, training_settings
from course_utils.training import fit
stacked.worker_count = lambda n_runs, seconds: 2
factor = 3.0

def act(x):
    return x * factor

class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.net, self.act = nn.Linear(6, 5), act
    def forward(self, x):
        return self.act(self.net(x))

class Optimizer(torch.optim.SGD):
    pass

many = torch.randn(1000, 6), torch.randint(5, (1000,))
few = many[0][:96], many[1][:96]
for optimizer in (torch.optim.SGD, Optimizer):
    table, models = stacked.train_runs(Mine, few, few, [{"seed": s, "lr": .1} for s in range(3)], epochs=2, optimizer=optimizer)
    for k, model in enumerate(models):
        assert type(model) is Mine and model.act is act
        torch.manual_seed(k)
        alone = Mine()
        history = fit(alone, few, few, optimizer(alone.parameters(), lr=.1), epochs=2, seed=k)
        torch.testing.assert_close(model.net.weight, alone.net.weight)
print("equal")
"""
    assert run_python(script).stdout.decode().strip() == "equal"


def run_python(script, **settings):
    environment = os.environ | {"PYTHONPATH": os.fspath(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, env=environment, timeout=120)


class Fails(nn.Module):
    """Fails in the tenth step, in whatever process that is."""

    def __init__(self, error):
        super().__init__()
        self.register_buffer("steps", torch.zeros(()))
        self.net, self.error = nn.Linear(6, 5).double(), error

    def forward(self, x):
        self.steps += self.training
        if self.steps == 10:
            if self.error == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise ZeroDivisionError("the tenth step")
        return self.net(x)


@pytest.mark.parametrize(("error", "expected"), [("raise", ZeroDivisionError), ("kill", RuntimeError)])
def test_an_error_in_a_worker_comes_through_and_the_next_call_works(error, expected, two_workers):
    runs = [{"seed": s, "error": error} for s in range(3)]
    with pytest.raises(expected, match="the tenth step|LOKY_MAX_CPU_COUNT"):
        train_runs(Fails, labelled(6), labelled(6), runs, epochs=3, batch_size=8)
    wait_until(lambda: pids_of_workers() == set(), seconds=20)
    check_equal(small_mlp, labelled(6), [{"seed": s} for s in range(3)])


@pytest.mark.parametrize("kind", ["mlp", "cnn", "workers"])
def test_ctrl_c_is_raised_and_nobody_goes_on_computing(kind, tmp_path):
    script = f"""
import os, psutil, signal, sys, time, torch
from course_utils import stacked, training_settings
from tests.test_stacked import labelled, work
build, data = work({kind if kind != "workers" else "mlp"!r}, torch.float32)
stacked.worker_count = lambda n_runs, seconds: {2 if kind == "workers" else 0}
stacked.train_runs(build, data, data, [{{"seed": s}} for s in range(4)], epochs=2)
torch.set_num_threads(2)
print("ready", flush=True)
try:
    stacked.train_runs(build, data, data, [{{"seed": s}} for s in range(4)], epochs=10**6)
except KeyboardInterrupt:
    children = psutil.Process().children(recursive=True)
    busy = [c for c in children if "LokyProcess" in " ".join(c.cmdline())]
    print("raised", len(busy), torch.get_num_threads())
"""
    environment = os.environ | {"PYTHONPATH": os.fspath(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment, start_new_session=True)
    try:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal or JupyterLab does: to all processes of the group
        assert process.communicate(timeout=60)[0] == b"raised 0 2\n"
    finally:
        process.kill()


def test_short_work_stays_and_long_work_is_divided(monkeypatch):
    seen = []

    def count(n_runs, seconds):
        seen.append((n_runs, seconds))
        return 0

    monkeypatch.setattr(stacked, "worker_count", count)
    data = tuple(t.float() if t.is_floating_point() else t for t in labelled(6))
    for n_hidden, epochs in ((16, 1), (16, 10), (512, 10)):
        train_runs(lambda n: mlp(6, (n, n), 5), data, data, [{"seed": s, "n": n_hidden} for s in range(2)], epochs=epochs)
    seconds = [s for _, s in seen]
    assert [n for n, _ in seen] == [2, 2, 2]
    assert seconds[1] == pytest.approx(10 * seconds[0])
    assert seconds[2] > 1.5 * seconds[1]


def test_workers_are_as_many_as_cores_runs_and_memory_allow(monkeypatch):
    count = stacked.workers.worker_count
    monkeypatch.setattr(stacked.workers.joblib, "cpu_count", lambda: 4)
    assert (count(8, 100.0), count(3, 100.0), count(8, 0.1), count(1, 100.0)) == (4, 3, 0, 0)
    memory = type("Memory", (), {"available": 2 * stacked.workers.WORKER_BYTES})
    monkeypatch.setattr(stacked.workers.psutil, "virtual_memory", lambda: memory)
    assert count(8, 100.0) == 2


def test_a_sweep_that_gives_a_kernel_one_core_gets_one_process():
    script = "from course_utils.stacked.workers import worker_count; print(worker_count(8, 100.0))"
    environment = os.environ | {"PYTHONPATH": os.fspath(ROOT), "LOKY_MAX_CPU_COUNT": "1"}
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, env=environment)
    assert answer.stdout.strip() == b"0"


def test_shares_are_of_equal_work_and_keep_runs_of_one_shape_together(monkeypatch):
    shares = []
    monkeypatch.setattr(stacked, "worker_count", lambda n_runs, seconds: 2)
    monkeypatch.setattr(stacked, "train_in_workers", lambda given, *_: shares.extend(given))
    runs = [{"n": 4 + k // 3, "seed": k % 3} for k in range(12)]
    train_runs(lambda n: mlp(6, (n,), 5).double(), labelled(6), labelled(6), runs, epochs=1)
    assert [[len(piece) for piece in share] for share in shares] == [[3, 3], [3, 3]]
    shares.clear()
    train_runs(small_mlp, labelled(6), labelled(6), [{"seed": k % 4, "p_drop": 0.1 * k} for k in range(8)], epochs=1)
    assert [[sorted(run.seed for run in piece) for piece in share] for share in shares] == [[[0, 0, 1, 1]], [[2, 2, 3, 3]]]


def test_the_bar_counts_epochs_of_workers_too(two_workers, monkeypatch):
    counted = []

    class Bar(training_settings.tqdm):
        def update(self, n=1):
            counted.append(n)
            return super().update(n)

    monkeypatch.setattr(training_settings, "tqdm", Bar)
    train_runs(work("transformer", torch.float32)[0], text(), text(), [{"seed": s} for s in range(3)], epochs=7)
    assert np.sum(counted) == 21
