"""Shared by the unit tests: the real data sets of a maintainer's machine, where there are any."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background ignores, and its children with it
REAL = Path(__file__).parents[2] / "shared" / "real_data"


@pytest.fixture(autouse=True)
def _private_cache(tmp_path_factory, monkeypatch):
    """Drawn letters go to one temporary directory for all tests, unless a test sets COURSE_DATA itself."""
    cache = Path(tmp_path_factory.getbasetemp(), "course_data")
    monkeypatch.setenv("COURSE_DATA", os.fspath(cache))


@pytest.fixture(scope="session")
def real_data(tmp_path_factory):
    """A directory with real MNIST, CIFAR-10 (a JPEG copy) and Tiny Shakespeare, laid out as torchvision reads them."""
    if not (REAL / "unpack").exists():
        pytest.skip("real data sets are not on this machine (they are never part of the project)")
    directory = tmp_path_factory.mktemp("real_data")
    subprocess.run(["sh", str(REAL / "unpack"), str(directory)], check=True)
    return directory


@pytest.fixture
def stacks(monkeypatch):
    """The numbers of runs that `train_runs` trains as stacks in this process, in a list that grows as it does."""
    from course_utils.stacked import stack

    sizes, together = [], stack.train_together

    def counted(runs, *arguments):
        sizes.append(len(runs))
        return together(runs, *arguments)

    monkeypatch.setattr(stack, "train_together", counted)
    return sizes
