"""Small notebooks for the tests of reruns: they declare parameters, check them and write a record, as lessons do."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil

from course_utils.reruns.plan import plan

PARAMETERS = """seed: int = 0  # [0, 100] the seed
p: float = 0.5  # [0, 1) probability of something
flag: bool = False  # {True, False} whether to
text: str = "a"  # {"a", "b"} which
sizes: list = [1, 2]  # 1 to 9 values in [1, 9]: how many"""
SETUP = """from course_utils.parameters import check_parameters
parameters = check_parameters(In, globals())"""
LESSON_RECORD = """from course_utils.claims import Claims
claims = Claims("t")
claims.holds("t.1", "The seed is small.", seed < 50, control=False)
record = claims.record(parameters, {"score": seed + p})"""
# the same record without importing torch, which takes seconds
QUICK_RECORD = """import json, os
verdict = "supported" if seed < 50 else "not supported"
claim = {"id": "t.1", "statement": "The seed is small.", "verdict": verdict}
record = {"lesson": "toy", "parameters": parameters, "metrics": {"score": seed + p, "loss": p}, "claims": [claim],
          "versions": {"torch": "none"}, "device": "cpu", "threads": int(os.environ.get("OMP_NUM_THREADS", 0))}
with open(os.environ["COURSE_RECORD"], "w") as file:
    json.dump(record, file)"""
KERNEL = "ipykernel.kernelapp"
MARK = "with open(__import__('os').environ['MARKS'], 'a') as file:\n    print(seed, p, file=file, flush=True)"


def toy(folder, *cells, name="toy", tag="parameters", record=QUICK_RECORD):
    """Write a toy notebook: its parameters cell has this tag, its middle cells are `cells`, its last writes the record;
    returns its path as text."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in [PARAMETERS, SETUP, *cells, record]]
    notebook.cells[0].metadata["tags"] = [tag]
    nbformat.write(notebook, Path(folder) / f"{name}.ipynb")
    return str(Path(folder) / f"{name}.ipynb")


def start_course(*arguments, folder, **options):
    """A process of the command `course`, started in a folder, with its text on pipes; its kernels begin with nothing imported."""
    command = [sys.executable, "-m", "course_utils.cli", *map(str, arguments)]
    environment = os.environ | {"COURSE_FORK_LIBRARIES": KERNEL} | options.pop("env", {})
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
                            **options)  # fmt: skip


def course(*arguments, folder, **options):
    """(exit code, printed text, error text) of the command `course`."""
    with start_course(*arguments, folder=folder, **options) as process:
        out, err = process.communicate(timeout=240)
    return process.returncode, out, err


def shown_verdicts(notebook):
    """Verdicts that a notebook shows, {id: verdict}, read from its outputs."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [output.get("data", {}).get("text/plain", "") for output in outputs]
    found = [re.match(r"([\w.]+\.\d+) ([A-Z ]+?)(:| \()", text) for text in texts]
    return {match[1]: match[2].lower() for match in found if match}


def name_of(path):
    """What the results of a toy notebook with its defaults are called."""
    return plan(path)[0].name


def files(folder):
    """Names of the files in a results folder, its lock aside."""
    return sorted(path.name for path in Path(folder).iterdir() if path.name != ".lock")


def fifo(path):
    """Make a named pipe, which blocks whoever opens it, or, where the system has none, a folder."""
    getattr(os, "mkfifo", os.mkdir)(path)


def wait_until(condition, seconds=120):
    """Wait until a condition holds; fails the test if it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def descendants(process, word):
    """The processes under a process whose name or command line holds a word."""
    return [child for child in psutil.Process(process.pid).children(recursive=True) if word in " ".join(_command(child))]


def worker_of(kernel):
    """The process that executes a notebook in a kernel: its parent, or the one that has the fork server which is its parent."""
    parent = psutil.Process(kernel.ppid())
    return parent.parent() if "fork_server" in " ".join(_command(parent)) else parent


def ended(process):
    """Whether a process is gone, or waits only to be collected."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def _command(process):
    try:
        return [process.name(), *process.cmdline()]
    except psutil.Error:
        return []
