"""The command `course`: exit codes, one-line errors, and text that a terminal cannot show."""

import os
import signal
import subprocess
import sys

import pytest

from course_utils.cli import main
from course_utils.reruns import plan, run
from tests.toy_notebooks import descendants, ended, toy, wait_until

BUILD = """import sys
from course_utils import cli
from course_utils.tools import build, lessons
from pathlib import Path
here = Path.cwd()
build.NOTEBOOKS = here
lessons.SOURCES, lessons.NOTEBOOKS, lessons.SOLUTIONS = here / "source", here, here / "solutions"
sys.exit(cli.main(["build"]))"""


def test_a_refused_value_ends_with_2_and_one_line(tmp_path, capsys):
    for command in ("run", "sweep"):
        assert main([command, toy(tmp_path), "-p", "p=2"]) == 2
        assert capsys.readouterr().err.startswith("course: p must be in [0, 1)")
    for arguments in (["params", "zz"], ["run", "zz"], ["build", "zz"], ["run", str(tmp_path / "none.ipynb")]):
        assert main(arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_a_gpu_that_is_not_there_is_refused_before_a_kernel_starts(tmp_path, monkeypatch, capsys, command):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main([command, "00", "-p", "device=cuda", "--out", str(tmp_path / "results")]) == 2
    assert "finds no GPU" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_a_fault_of_ours_is_no_refusal(tmp_path, monkeypatch):
    def faulty(*_, **__):
        raise ValueError("math domain error")

    monkeypatch.setattr(run, "run_all", faulty)
    with pytest.raises(ValueError, match="math domain error"):
        main(["run", toy(tmp_path)])


def test_a_disk_s_fault_ends_with_1_and_one_line(tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setattr(run, "run_all", full)
    assert main(["run", toy(tmp_path)]) == 1
    assert capsys.readouterr().err == "course: [Errno 28] No space left on device: 'x'\n"


@pytest.mark.parametrize("command", ["run", "sweep", "report"])
def test_a_folder_without_a_name_is_refused(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main([command, toy(tmp_path), "--out", ""])
    assert end.value.code == 2
    assert "argument --out: name a folder" in capsys.readouterr().err


def test_a_terminal_without_greek_letters_shows_the_rest(tmp_path):
    path = toy(tmp_path)
    text = (tmp_path / "toy.ipynb").read_text().replace("the seed", "the seed \\u03bb")
    (tmp_path / "toy.ipynb").write_text(text)
    command = [sys.executable, "-m", "course_utils.cli", "params", path]
    done = subprocess.run(command, env=os.environ | {"PYTHONIOENCODING": "cp1252"}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"the seed ?" in done.stdout


def test_a_dive_is_run_by_name_with_all_others(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(plan, "plan", lambda name, *_, **__: asked.append(name) or [])
    monkeypatch.setattr(run, "run_all", lambda *_, **__: [])
    assert main(["run", "deeper/04_ensemble"]) == 0
    assert main(["run", "--all"]) == 0
    assert asked[0] == "deeper/04_ensemble"
    assert all(name.endswith(".ipynb") for name in asked[1:])


@pytest.mark.slow
def test_ctrl_c_in_a_build_ends_it_in_one_line(tmp_path):
    (tmp_path / "source").mkdir()
    cell = "import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(120)"
    (tmp_path / "source" / "07_tiny.py").write_text(f"# %%\n{cell}\n")
    with subprocess.Popen([sys.executable, "-c", BUILD], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        wait_until((tmp_path / "started").exists)
        (kernel,) = descendants(process, "ipykernel")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "course: stopped by Ctrl-C"
    assert "Traceback" not in err
    assert not list(tmp_path.glob("*.ipynb"))
    wait_until(lambda: ended(kernel), 20)
