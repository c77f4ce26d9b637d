"""`course sweep` with workers killed, drivers killed, drivers side by side, and jobs that always fail, for real."""

import dataclasses
import json
import os
import re
import signal
from collections import Counter

import dask
import psutil
import pytest
from dask.distributed import Client, LocalCluster
from tqdm import tqdm

from course_utils.cli import main
from course_utils.reruns import sweep as sweeps
from course_utils.reruns.plan import plan
from course_utils.reruns.records import open_folder
from course_utils.reruns.run import exit_code, run_all
from course_utils.reruns.sweep import execute_on_worker, sweep
from tests.toy_notebooks import MARK, course, descendants, ended, files, name_of, start_course, toy, wait_until, worker_of

SLEEP = "import time\ntime.sleep(2)"
pytestmark = pytest.mark.slow


def records(folder):
    """Seeds of the records in a folder."""
    return {json.loads(path.read_text())["parameters"]["seed"] for path in folder.glob("*.json")}


def marks(folder):
    """How often each seed was started."""
    path = folder / "marks"
    return Counter(int(line.split()[0]) for line in path.read_text().splitlines()) if path.exists() else Counter()


def start_sweep(folder, path, *arguments):
    return start_course("sweep", path, "--out", "out", *arguments, folder=folder, env={"MARKS": str(folder / "marks")},
                        start_new_session=True)  # fmt: skip


def test_a_killed_worker_loses_no_run_and_repeats_no_recorded_one(tmp_path):
    with start_sweep(tmp_path, toy(tmp_path, MARK, SLEEP), "-p", "seed=0:6", "--workers", "2") as driver:
        wait_until(lambda: len(marks(tmp_path)) >= 4 and len(records(tmp_path / "out")) >= 2)
        before = records(tmp_path / "out")
        kernel = descendants(driver, "ipykernel")[0]
        worker_of(kernel).kill()
        wait_until(lambda: ended(kernel), 20)
        out, err = driver.communicate(timeout=180)
    assert driver.returncode == 0, err
    assert "6 runs: 0 recorded before, 6 done now, 0 failed" in out
    assert records(tmp_path / "out") == set(range(6))
    started = marks(tmp_path)
    assert set(started) == set(range(6))
    assert all(started[seed] == 1 for seed in before)
    assert sum(started.values()) == 7
    assert not [name for name in files(tmp_path / "out") if not name.endswith((".ipynb", ".json"))]


def test_a_job_that_always_kills_its_worker_is_reported_and_the_rest_finish(tmp_path):
    poison = """import psutil, time
parent = psutil.Process().parent()
if seed == 1:
    (parent.parent() if "fork_server" in " ".join(parent.cmdline()) else parent).kill()
    time.sleep(60)"""
    raising = "assert seed != 2, 'two is bad'"
    code, out, _ = course("sweep", toy(tmp_path, poison, raising), "-p", "seed=0:4", "--workers", "2", "--out", "out",
                          folder=tmp_path)  # fmt: skip
    assert code == 1
    assert "seed=1: FAILED: every worker that tried it died (4 of them" in out
    assert "seed=2: FAILED: cell 5 raised AssertionError: two is bad" in out
    assert "4 runs: 0 recorded before, 2 done now, 2 failed" in out
    assert records(tmp_path / "out") == {0, 3}
    assert sum("partial" in name for name in files(tmp_path / "out")) == 2


def test_a_killed_driver_is_restarted_and_does_only_what_is_left(tmp_path):
    path = toy(tmp_path, MARK, SLEEP)
    with start_sweep(tmp_path, path, "-p", "seed=0:6", "--workers", "2") as driver:
        wait_until(lambda: len(records(tmp_path / "out")) >= 2)
        family = psutil.Process(driver.pid).children(recursive=True)
        driver.kill()
        driver.communicate(timeout=60)
    wait_until(lambda: all(ended(child) for child in family), 60)
    kept = records(tmp_path / "out")
    assert not [name for name in files(tmp_path / "out") if name.endswith(".part")]
    with start_sweep(tmp_path, path, "-p", "seed=0:6", "--workers", "2") as driver:
        out, err = driver.communicate(timeout=180)
    assert driver.returncode == 0, err
    assert f"6 runs: {len(kept)} recorded before, {6 - len(kept)} done now, 0 failed" in out
    assert records(tmp_path / "out") == set(range(6))
    assert all(marks(tmp_path)[seed] == 1 for seed in kept)


def test_two_drivers_in_one_folder_do_each_run_once(tmp_path):
    path = toy(tmp_path, MARK, SLEEP)
    with (
        start_sweep(tmp_path, path, "-p", "seed=0:4", "--workers", "1") as first,
        start_sweep(tmp_path, path, "-p", "seed=2:6", "--workers", "1") as second,
    ):
        texts = [driver.communicate(timeout=180) for driver in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), texts
    assert records(tmp_path / "out") == set(range(6))
    assert marks(tmp_path) == Counter(range(6))


def test_two_drivers_on_one_grid_share_it(tmp_path):
    path = toy(tmp_path, MARK, SLEEP)
    arguments = ("-p", "seed=0:8", "--workers", "1")
    with start_sweep(tmp_path, path, *arguments) as first, start_sweep(tmp_path, path, *arguments) as second:
        texts = [driver.communicate(timeout=180)[0] for driver in (first, second)]
    assert marks(tmp_path) == Counter(range(8))
    assert all(re.search(r"[1-7] done now, 0 failed", text) for text in texts), texts


def test_ctrl_c_ends_the_sweep_and_keeps_what_is_recorded(tmp_path):
    with start_sweep(tmp_path, toy(tmp_path, SLEEP), "-p", "seed=0:20", "--workers", "2") as driver:
        wait_until(lambda: records(tmp_path / "out"))
        family = psutil.Process(driver.pid).children(recursive=True)
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does: to the driver and all its workers
        out, err = driver.communicate(timeout=60)
    assert driver.returncode == 130, err
    assert "Traceback" not in err
    done = len(records(tmp_path / "out"))
    assert f"stopped by Ctrl-C with {20 - done} runs left: the same command does them" in out
    assert f"20 runs: 0 recorded before, {done} done now, 0 failed" in out
    wait_until(lambda: all(ended(child) for child in family), 60)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_the_driver_s_end_ends_the_kernels_of_another_scheduler(tmp_path, sign):
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0") as cluster:
        cluster_marks = f"import os\nos.environ['MARKS'] = {str(tmp_path / 'marks')!r}"
        path = toy(tmp_path, cluster_marks, MARK, "import time\ntime.sleep(120)")
        with start_sweep(tmp_path, path, "-p", "seed=0:9", "--scheduler", cluster.scheduler_address) as driver:
            wait_until(lambda: len(marks(tmp_path)) == 2)
            kernels = descendants(psutil.Process(), "ipykernel")
            driver.send_signal(sign)
            out, err = driver.communicate(timeout=60)
        assert len(kernels) == 2
        wait_until(lambda: all(ended(kernel) for kernel in kernels), 30)
        assert len(marks(tmp_path)) == 2
    if sign == signal.SIGINT:
        assert (driver.returncode, "9 runs left" in out, "Traceback" in err) == (130, True, False)


@pytest.mark.parametrize("lost", ["client", "cluster"])
def test_a_client_that_has_lost_its_scheduler_leaves_the_runs(tmp_path, lost):
    runs, results = plan(toy(tmp_path), ["seed=0:3"], several=True), []
    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}), open_folder(tmp_path) as lock:
        cluster = LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0")
        client = Client(cluster.scheduler_address)
        {"client": client, "cluster": cluster}[lost].close()
        sweeps._work_off(client, runs, tmp_path, lock, results, tqdm(disable=True))
        client.close()
        cluster.close()
    assert [line for _, _, line in results] == [sweeps.LOST] * 3


def test_few_runs_are_submitted_at_once(tmp_path, monkeypatch):
    submitted, finished = [], sweeps._finished
    monkeypatch.setattr(sweeps, "_finished", lambda futures: submitted.append(len(futures)) or finished(futures))
    runs = [dataclasses.replace(run, code="older") for run in plan(toy(tmp_path), ["seed=0:50"], several=True)]
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        results = sweep(runs, tmp_path / "out", scheduler=cluster.scheduler_address)
    assert (len(results), max(submitted)) == (50, 4)
    assert all("has another version of this course" in line for _, _, line in results)


def test_a_scheduler_by_address_gives_what_a_local_run_gives(tmp_path, monkeypatch):
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    path = toy(tmp_path, "import os\n{k: v for k, v in os.environ.items() if k.endswith(('_NUM_THREADS', '_CPU_COUNT'))}")
    runs = plan(path, ["seed=0:2"], several=True)
    local = run_all(runs, tmp_path / "local")
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0") as cluster:
        remote = sweep(runs, tmp_path / "remote", scheduler=cluster.scheduler_address)
    same = ("lesson", "parameters", "metrics", "claims", "threads", "code", "key", "name")
    here, there = (sorted([[getattr(r, k) for k in same] for _, r, _ in results], key=str) for results in (local, remote))
    assert here == there
    assert exit_code(remote) == 0
    for folder in ("local", "remote"):
        text = (tmp_path / folder / f"{name_of(path)}.ipynb").read_text()
        assert all(f"'{name}_NUM_THREADS': '1'" in text for name in ("OMP", "MKL", "OPENBLAS"))
        assert ("'LOKY_MAX_CPU_COUNT': '1'" in text) is (folder == "remote")


def test_a_scheduler_that_ends_leaves_the_rest_for_the_same_command(tmp_path):
    path = toy(tmp_path, SLEEP)
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        start_sweep(tmp_path, path, "-p", "seed=0:9", "--scheduler", cluster.scheduler_address) as driver,
    ):
        wait_until(lambda: records(tmp_path / "out"))
        cluster.close()
        out, err = driver.communicate(timeout=60)
    done = len(records(tmp_path / "out"))
    assert driver.returncode == 1
    assert "Traceback" not in err
    assert f"the scheduler was lost with {9 - done} runs left: the same command does them" in out


def test_a_scheduler_that_does_not_answer_is_an_error_of_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sweeps, "CONNECT_SECONDS", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        assert main(["sweep", toy(tmp_path), "--scheduler", address, "--out", str(tmp_path / "out")]) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith(f"course: no Dask scheduler answers at '{address}': start one")


def test_a_worker_with_another_version_of_the_course_refuses(tmp_path):
    (run,) = plan(toy(tmp_path))
    outcome = execute_on_worker(dataclasses.replace(run, code="older"))
    assert outcome.record is None
    assert "has another version of this course" in outcome.reason


def test_a_dry_run_lists_the_runs_and_does_nothing(tmp_path, capsys, monkeypatch):
    arguments = ["sweep", toy(tmp_path), "-p", "seed=0:2", "-p", "p=0.25,0.5", "--workers", "2", "--dry-run"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == ["p=0.25", "defaults", "seed=1, p=0.25", "seed=1"]
    assert lines[4] == "4 runs, 0 of them recorded, 4 left: no estimate, since no run of this lesson is recorded there yet"
    assert not (tmp_path / "out").exists()
    run_all(plan(toy(tmp_path)), tmp_path / "out")
    path = tmp_path / "out" / f"{name_of(toy(tmp_path))}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": 60}))
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    expected = "4 runs, 1 of them recorded, 3 left: about 02:00 on 2 workers (mean of 1 recorded runs)"
    assert capsys.readouterr().out.splitlines()[-1] == expected
    monkeypatch.setattr(sweeps, "CPU_COUNT", 3)
    arguments.remove("2")
    arguments.remove("--workers")
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert "about 01:00 on 3 workers" in capsys.readouterr().out
