"""A pytest plugin for nbval runs: one line of progress per notebook. Use it as `pytest -p course_utils.nbval_plugin`."""

import time
from collections import Counter

import pytest

CELLS = "notebook_cells"


def pytest_collection_modifyitems(items):
    """Tell every cell its notebook and how many cells that has, so that the reports show when a notebook is done."""
    counts = Counter(item.path.name for item in items)
    for item in items:
        item.user_properties.append((CELLS, [item.path.name, counts[item.path.name]]))


def pytest_configure(config):
    """Only the controlling process reports progress."""
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
