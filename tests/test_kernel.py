"""The one runner of notebooks: what it executes, and why it ends early."""

import nbformat
import pytest

from course_utils.tools.kernel import execute_cells, last_traceback

pytestmark = pytest.mark.slow


def notebook(*cells):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def test_cells_are_executed_in_order_on_one_thread_in_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    names = [f"{name}_NUM_THREADS" for name in ("OMP", "MKL", "OPENBLAS")] + ["TQDM_DISABLE", "PYTHONHASHSEED", "MINE"]
    book = notebook("import os\nn = 1", f"[os.environ[name] for name in {names}], os.path.samefile('.', {str(tmp_path)!r}), n")
    seen = []
    assert execute_cells(book, tmp_path, variables={"MINE": "yes"}, on_cell=lambda: seen.append(1)) is None
    assert book.cells[1].outputs[0].data["text/plain"] == "(['1', '1', '1', '1', '0', 'yes'], True, 1)"
    assert [cell.execution_count for cell in book.cells] == [1, 2]
    assert seen == [1, 1]
    assert last_traceback(book) == ""


def test_a_cell_that_raises_ends_it_with_its_traceback(tmp_path):
    book = notebook("def divide():\n    return 1 / 0", "divide()", "3")
    assert execute_cells(book, tmp_path) == "cell 2 raised ZeroDivisionError: division by zero"
    assert "return 1 / 0" in last_traceback(book)
    assert "\x1b" not in last_traceback(book)
    assert book.cells[2].execution_count is None


def test_a_cell_that_takes_too_long_ends_it(tmp_path):
    assert execute_cells(notebook("1", "import time\ntime.sleep(60)"), tmp_path, cell_seconds=2) == "cell 2 took longer than 2 s"


def test_a_kernel_that_nobody_wants_is_killed(tmp_path):
    reason = execute_cells(notebook("import time\ntime.sleep(60)"), tmp_path, is_wanted=lambda: False)
    assert reason == "the kernel died in cell 1 (killed, or out of memory)"


def test_a_kernel_that_cannot_start_is_a_reason(tmp_path):
    assert "the kernel did not start" in execute_cells(notebook("1"), tmp_path / "none")
