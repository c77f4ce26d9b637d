"""The nbval run of `make test` notices a changed verdict, and only that; it reports its progress notebook by notebook."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

SANITIZE = Path(__file__).with_name("nbval_sanitize.cfg")


def run_nbval(folder, committed):
    """Run nbval on a notebook whose claim cell prints "supported ⟨0.2⟩" but has `committed` as its stored output."""
    cell = nbformat.v4.new_code_cell("print('04.1 SUPPORTED: it helps ⟨0.2⟩')", metadata={"tags": ["nbval-check-output"]})
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=committed + "\n")]
    cell.execution_count = 1
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.write(notebook, folder / "claim.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "course_utils.nbval_plugin", "-o", "filterwarnings=default", "--nbval-lax"]
    command += ["--nbval-current-env", "--nbval-sanitize-with", str(SANITIZE), "claim.ipynb"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("committed", "passes"),
    [
        ("04.1 SUPPORTED: it helps ⟨0.2⟩", True),
        ("04.1 SUPPORTED: it helps ⟨0.19, on another machine⟩", True),
        ("04.1 NOT SUPPORTED: it helps ⟨0.2⟩", False),
        ("04.1 SUPPORTED: it helps a lot ⟨0.2⟩", False),
    ],
)
def test_a_changed_verdict_fails_and_a_changed_measurement_does_not(tmp_path, committed, passes):
    result = run_nbval(tmp_path, committed)
    assert (result.returncode == 0) is passes, result.stdout
    assert f"{tmp_path.name}/claim.ipynb: 1 cells {'ok' if passes else '1 FAILED'}" in result.stdout


def test_a_lesson_can_read_its_own_parameters_cell(tmp_path):
    code = ["seed: int = 0  # [0, 9] seed", "assert In[1].startswith('seed: int')"]
    cells = [nbformat.v4.new_code_cell(source) for source in code]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.write(notebook, tmp_path / "history.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "course_utils.nbval_plugin", "-o", "filterwarnings=default"]
    command += ["--nbval-lax", "--nbval-current-env", "history.ipynb"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout
