"""A pytest plugin for nbval runs, used as `pytest -p course_utils.nbval_plugin`.

It prints one line of progress per notebook, and keeps the history of executed cells (nbval switches it off), from which a
lesson reads the declaration of its parameters.
"""

import time
from collections import Counter

import pytest
from nbval.kernel import RunningKernel

CELLS = "notebook_cells"


def pytest_collection_modifyitems(items):
    """Tell every cell its notebook and how many cells that has, so that the reports show when a notebook is done."""
    counts = Counter(item.path for item in items)
    for item in items:
        name = f"{item.path.parent.name}/{item.path.name}"
        item.user_properties.append((CELLS, [name, counts[item.path]]))


def execute_with_history(kernel, source, allow_stdin=None):
    """nbval's `RunningKernel.execute_cell_input`, with history; returns the id of the request."""
    return kernel.kc.execute(source, allow_stdin=allow_stdin, stop_on_error=False)


def pytest_configure(config):
    """Keep history in every process that executes cells; report progress from the controlling one."""
    RunningKernel.execute_cell_input = execute_with_history
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config), "notebook-progress")


class Progress:
    """Counts the finished cells of each notebook and prints a line when the last one is done."""

    def __init__(self, config):
        self.config, self.done, self.failed, self.started = config, Counter(), Counter(), {}

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        """Called for set-up, call and tear-down of each cell."""
        name, cells = dict(report.user_properties)[CELLS]
        self.started.setdefault(name, time.perf_counter() - report.duration)
        self.failed[name] += report.failed
        if report.when != "teardown":
            return
        self.done[name] += 1
        if self.done[name] == cells:
            seconds = time.perf_counter() - self.started[name]
            state = f"{self.failed[name]} FAILED" if self.failed[name] else "ok"
            reporter = self.config.pluginmanager.getplugin("terminalreporter")
            reporter.write_line(f"\n{name}: {cells} cells {state} in {seconds:.0f} s")
