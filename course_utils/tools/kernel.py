"""The one way in which this course executes a notebook: each cell in turn, in a fresh kernel with one thread."""

import contextlib
import logging
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course_utils.tools.fork_kernel import NAME

STOPPED = "stopped by Ctrl-C"
START_SECONDS = 180
ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TQDM_DISABLE"), "1") | {
    "PYTHONHASHSEED": "0"  # so that sets come in the same order in every run
}


def execute_cells(
    notebook: NotebookNode,
    folder: str | Path,
    *,
    variables: dict[str, str] | None = None,
    cell_seconds: int | None = None,
    on_cell: Callable[[], object] = lambda: None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> str | None:
    """Execute a notebook's cells in place, in a kernel that ends with this call.

    Args:
        notebook: gets the outputs, as far as it came.
        folder: where the kernel runs.
        variables: environment variables of the kernel, besides this process's and `ENVIRONMENT`.
        cell_seconds: how long one cell may take; None: as long as it likes.
        on_cell: called after each cell.
        is_wanted: asked every second; once it says False, the kernel is killed.

    Returns:
        None, or in one line why it ended early: a cell raised or took too long, the kernel did not start or died, or
        `STOPPED`. Never an exception.
    """
    client = NotebookClient(notebook, timeout=cell_seconds, startup_timeout=START_SECONDS, km=_kernel_manager(), log=_silent(),
                            extra_arguments=["--log-level=ERROR"], shutdown_kernel="immediate",
                            resources={"metadata": {"path": str(folder)}})  # fmt: skip
    number = 0
    try:
        environment = os.environ | ENVIRONMENT | (variables or {})
        with client.setup_kernel(env=environment, cleanup_kc=True), _killed_once_unwanted(client, is_wanted):
            for number, cell in enumerate(notebook.cells):
                client.execute_cell(cell, number)
                on_cell()
    except CellExecutionError as error:
        return f"cell {number + 1} raised {error.ename}: {_one_line(error.evalue)}"
    except CellTimeoutError:
        return f"cell {number + 1} took longer than {cell_seconds} s"
    except DeadKernelError:
        return f"the kernel died in cell {number + 1} (killed, or out of memory)"
    except KeyboardInterrupt:
        return STOPPED
    except (RuntimeError, TimeoutError, OSError) as error:
        return f"the kernel did not start or did not answer ({_one_line(str(error) or type(error).__name__)})"
    return None


def last_traceback(notebook: NotebookNode) -> str:
    """The traceback of the last cell that raised, as plain text; "" if none did."""
    errors = [output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "error"]
    return _plain("\n".join(errors[-1].traceback)) if errors else ""


def _kernel_manager():
    """A manager of the kernel "python3", forked where that is possible."""
    manager = AsyncKernelManager(kernel_name="python3")
    manager.kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": NAME}
    return manager


@contextlib.contextmanager
def _killed_once_unwanted(client, is_wanted):
    done = threading.Event()

    def watch():
        while not done.wait(1):
            if not is_wanted():
                client.km.provisioner.process.kill()
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _silent():
    log = logging.getLogger("course.kernel")
    log.setLevel(logging.CRITICAL + 1)
    return log


def _one_line(text):
    return " ".join(_plain(text).split())[:300]


def _plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
