"""A pytest plugin for nbval runs, used as `pytest -p course_utils.nbval_plugin`.

It compares the verdicts of claims, without a tag: of the outputs of a cell, the lines such as "04.3 SUPPORTED: ..." up to
the first ⟨, where measured numbers begin. And it prints one line of progress per notebook.
"""

import re
import time
from collections import Counter

import pytest
from nbval.plugin import IPyNbCell

CELLS = "notebook_cells"
VERDICT = re.compile(r"^\S+ (?:SUPPORTED|NOT SUPPORTED|INCONCLUSIVE)\b[^⟨\n]*", re.MULTILINE)


def verdict_lines(outputs: list[dict]) -> list[str]:
    """The verdict lines among a cell's outputs (text/plain of results and displays), without what was measured."""
    texts = [output["data"].get("text/plain", "") for output in outputs if "data" in output]
    return [line.rstrip() for text in texts for line in VERDICT.findall(text)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """After nbval has run a cell and compared what its tags ask for, compare the verdicts."""
    yield
    if isinstance(item, IPyNbCell) and item.test_outputs is not None:
        committed, measured = verdict_lines(item.cell.outputs), verdict_lines(item.test_outputs)
        if committed and committed != measured:
            lines = [f"committed: {line}" for line in committed] + [f"measured:  {line}" for line in measured]
            item.raise_cell_error("the verdicts differ", "\n".join(lines))


def pytest_collection_modifyitems(items):
    """Tell every cell its notebook and how many cells that has, so that the reports show when a notebook is done."""
    counts = Counter(item.path for item in items)
    for item in items:
        name = f"{item.path.parent.name}/{item.path.name}"
        item.user_properties.append((CELLS, [name, counts[item.path]]))


def pytest_configure(config):
    """Report progress from the process that controls the others."""
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
