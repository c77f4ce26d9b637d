"""`course run`: what a run leaves behind when it succeeds, fails, dies, is stopped, or finds the disk full."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from course_utils.cli import main
from course_utils.reruns.plan import plan
from course_utils.reruns.records import find_record, open_folder, records_in, reserve
from course_utils.reruns.run import exit_code, run_all, table
from course_utils.tools.record import Record
from tests.toy_notebooks import (
    LESSON_RECORD,
    MARK,
    QUICK_RECORD,
    course,
    descendants,
    ended,
    fifo,
    files,
    name_of,
    shown_verdicts,
    start_course,
    toy,
    wait_until,
)

WAIT = "import time, pathlib\npathlib.Path('started').touch()\ntime.sleep(120)"


@pytest.mark.slow
def test_a_run_leaves_notebook_and_record_and_is_not_repeated(tmp_path, monkeypatch):
    monkeypatch.setenv("MARKS", str(tmp_path / "marks"))
    (run,) = plan(toy(tmp_path, MARK, record=LESSON_RECORD), ["seed=60", "p=0", "sizes=[3]"])
    ((_, record, line),) = run_all([run], tmp_path / "out")
    assert files(tmp_path / "out") == [f"{run.name}.ipynb", f"{run.name}.json"]
    assert record == find_record(run, tmp_path / "out")
    assert (record.parameters, record.metrics, record.threads) == (run.parameters, {"score": 60.0}, 1)
    notebook = nbformat.read(line, 4)
    assert shown_verdicts(notebook) == {"t.1": "not supported"} == {c["id"]: c["verdict"] for c in record.claims}
    assert "0 of 1 (t.1 not supported)" in table([(run, record, line)])
    assert run_all([run], tmp_path / "out")[0][1:] == (record, "recorded before")
    (tmp_path / "out" / f"{run.name}.json").write_text("half a rec")
    assert run_all([run], tmp_path / "out")[0].record.key == run.key
    (tmp_path / "out" / f"{run.name}.ipynb").unlink()
    assert run_all([run], tmp_path / "out")[0].line == line
    assert run_all([run], tmp_path / "out", force=True)[0].record.finished
    assert (tmp_path / "marks").read_text() == "60 0.0\n" * 4


@pytest.mark.slow
def test_two_notebooks_of_one_name_share_a_folder(tmp_path):
    paths = []
    for folder, score in (("a", "1"), ("b", "2")):
        (tmp_path / folder).mkdir()
        paths.append(toy(tmp_path / folder, record=QUICK_RECORD.replace("seed + p", score)))
    assert main(["run", *paths, "--out", str(tmp_path / "out")]) == 0
    assert sorted(record.metrics["score"] for record in records_in(tmp_path / "out")) == [1, 2]
    assert len({record.lesson for record in records_in(tmp_path / "out")}) == 2
    assert len(files(tmp_path / "out")) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("print('before')\n1 / seed", "cell 3 raised ZeroDivisionError: division by zero"),
        (
            "import os\nprint('before', flush=True)\nimport time\ntime.sleep(1)\nos.kill(os.getpid(), 9)",
            "the kernel died in cell 3",
        ),
        ("print('before')\nimport os\nos.environ['COURSE_RECORD'] = os.devnull", "the notebook wrote no record"),
        ("print('before')\nparameters['seed'] = 7", "ran with seed=7"),
        ("print('before')\nraise SystemExit(0)", "cell 3 raised SystemExit"),
    ],
)
def test_a_failing_run_leaves_only_the_partial_notebook(tmp_path, capsys, cell, says):
    path = toy(tmp_path, cell)
    assert main(["run", path, "--out", str(tmp_path / "out")]) == 1
    assert says in capsys.readouterr().out
    (name,) = files(tmp_path / "out")
    assert name == f"{name_of(path)}.partial.ipynb"
    assert "before" in nbformat.read(tmp_path / "out" / name, 4).cells[2].outputs[0].text


def test_a_run_that_succeeds_removes_the_partial_notebook(tmp_path):
    name = name_of(toy(tmp_path))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f"{name}.partial.ipynb").touch()
    assert main(["run", toy(tmp_path), "--out", str(tmp_path / "out")]) == 0
    assert files(tmp_path / "out") == [f"{name}.ipynb", f"{name}.json"]


@pytest.mark.slow
def test_ctrl_c_keeps_the_partial_notebook_and_ends_the_kernel(tmp_path):
    with start_course("run", toy(tmp_path, WAIT), toy(tmp_path, name="next"), "--out", "out", folder=tmp_path) as process:
        wait_until((tmp_path / "started").exists)
        (kernel,) = descendants(process, "ipykernel")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped by Ctrl-C" in out
    assert "Traceback" not in err
    assert files(tmp_path / "out") == [f"{name_of(str(tmp_path / 'toy.ipynb'))}.partial.ipynb"]
    wait_until(lambda: ended(kernel), 20)


@pytest.mark.slow
def test_a_kernel_killed_from_outside_is_noticed(tmp_path):
    with start_course("run", toy(tmp_path, WAIT), "--out", "out", folder=tmp_path) as process:
        wait_until((tmp_path / "started").exists)
        descendants(process, "ipykernel")[0].kill()
        started = time.monotonic()
        out, _ = process.communicate(timeout=60)
    assert time.monotonic() - started < 30
    assert process.returncode == 1
    assert "the kernel died in cell 3" in out
    assert files(tmp_path / "out") == [f"{name_of(str(tmp_path / 'toy.ipynb'))}.partial.ipynb"]


@pytest.mark.slow
def test_a_killed_driver_leaves_nothing_and_takes_its_kernel_with_it(tmp_path):
    with start_course("run", toy(tmp_path, WAIT), "--out", "out", folder=tmp_path) as process:
        wait_until((tmp_path / "started").exists)
        (kernel,) = descendants(process, "ipykernel")
        process.kill()
        process.communicate(timeout=60)
    assert files(tmp_path / "out") == []
    wait_until(lambda: ended(kernel), 20)
    (run,) = plan(toy(tmp_path, WAIT))
    with open_folder(tmp_path / "out") as lock:
        assert reserve(lock, run)


@pytest.mark.slow
def test_two_processes_do_the_same_run_once(tmp_path):
    path, marks = toy(tmp_path, MARK, "import time\ntime.sleep(3)"), tmp_path / "marks"
    with (
        start_course("run", path, "--out", "out", folder=tmp_path, env={"MARKS": str(marks)}) as first,
        start_course("run", path, "--out", "out", folder=tmp_path, env={"MARKS": str(marks)}) as second,
    ):
        texts = [process.communicate(timeout=120)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert marks.read_text() == "0 0.5\n"
    assert sum("recorded before" in text for text in texts) == 1


@pytest.mark.slow
def test_files_that_cannot_grow_fail_the_run_and_leave_nothing_half_written(tmp_path):
    resource = pytest.importorskip("resource")  # which Windows has not

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2500, 2500))

    code, out, err = course("run", toy(tmp_path), "--out", "out", folder=tmp_path, preexec_fn=small_files)
    assert (code, files(tmp_path / "out")) == (1, []), err
    assert "the result could not be stored (File too large): make room" in out
    assert "not even a partial notebook" in out


@pytest.mark.slow
def test_a_full_disk_fails_the_run_and_leaves_nothing_half_written(tmp_path):
    unshare = [shutil.which("unshare") or "none", "-rm", "true"]
    if unshare[0] == "none" or subprocess.run(unshare, capture_output=True, check=False).returncode:
        pytest.skip("this system lets no ordinary user mount a small disk")
    (tmp_path / "disk").mkdir()
    script = (
        f"mount -t tmpfs -o size=60k tmpfs disk && head -c 57344 /dev/zero > disk/fill && {sys.executable} -m course_utils.cli"
        f" run {toy(tmp_path)} --out disk/out; code=$?; ls -A disk/out; exit $code"
    )
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "the result could not be stored (No space left on device)" in done.stdout
    assert ".part\n" not in done.stdout
    assert ".json\n" not in done.stdout


def test_a_folder_that_cannot_be_made_fails_in_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    (tmp_path / "fifo").mkdir()
    fifo(tmp_path / "fifo" / ".lock")
    for folder in (tmp_path / "file" / "out", tmp_path / "fifo"):
        assert main(["run", toy(tmp_path), "--out", str(folder)]) == 1
        assert capsys.readouterr().err.startswith(f"course: {folder} is no folder that can be written")


def test_lessons_or_all_must_be_named(capsys):
    assert main(["run"]) == 2
    assert main(["run", "00", "--all"]) == 2
    assert "name lessons, or give --all" in capsys.readouterr().err


def test_a_record_counts_only_for_its_run_and_with_its_notebook(tmp_path):
    (run,) = plan(toy(tmp_path))
    notebook, record = tmp_path / f"{run.name}.ipynb", tmp_path / f"{run.name}.json"
    for key, there in (("another", True), (run.key, False), (run.key, True)):
        Record(run.lesson, {}, {}, [], {}, "cpu", 1, key=key).write(record)
        notebook.unlink(missing_ok=True)
        if there:
            notebook.touch()
        assert (find_record(run, tmp_path) is not None) is (key == run.key and there)


def test_what_is_no_record_is_passed_over(tmp_path):
    (run,) = plan(toy(tmp_path))
    (tmp_path / f"{run.name}.ipynb").touch()
    (tmp_path / f"{run.name}.json").write_text("half a rec")
    fifo(tmp_path / "fifo.json")
    assert find_record(run, tmp_path) is None
    assert records_in(tmp_path) == []


def test_the_exit_code_tells_success_failure_and_ctrl_c():
    assert exit_code([(None, {}, "x")]) == 0
    assert exit_code([(None, {}, "x"), (None, None, "FAILED: x")]) == 1
    assert exit_code([(None, None, "FAILED: stopped by Ctrl-C; as far as it came: x")]) == 130


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["-p", "seed", "3", "-p", "p", "0.25"], None),
        (["-p", "sed", "3"], "unknown parameter 'sed': did you mean 'seed'"),
        (["-p", "flag", "false"], "flag must be of type bool"),
        (["-r", "seed", "3"], "seed must be of type int"),
        (["-y", "p: 1e-3"], "p must be of type float"),
    ],
)
def test_plain_papermill_meets_the_same_checks(tmp_path, settings, says):
    command = [sys.executable, "-m", "papermill", toy(tmp_path), str(tmp_path / "out.ipynb"), *settings]
    environment = {"COURSE_RECORD": str(tmp_path / "record.json")}
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    if says:
        assert done.returncode != 0
        assert says in done.stderr
        assert not (tmp_path / "record.json").exists()
    else:
        assert done.returncode == 0, done.stderr
        assert json.loads((tmp_path / "record.json").read_text())["parameters"]["p"] == 0.25
