"""What is imported is declared, and what is declared is pinned with all that it needs."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = {"course_utils", "tests", "benchmarks", *(path.stem for path in (ROOT / "benchmarks").glob("*.py"))}


def declared(*extras):
    """Canonical names of the project's dependencies, and of these extras."""
    lines = PROJECT["dependencies"] + [line for extra in extras for line in PROJECT["optional-dependencies"].get(extra, [])]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def imported(folder):
    """Top-level names of the packages that the Python files of a folder import, Python's own and ours left out."""
    names = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - OURS


FOLDERS = {"course_utils": (), "notebooks/source": (), "tests": ("dev", "browser"), "benchmarks": ("dev", "bench")}


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_imported_is_declared(folder):
    distributions = packages_distributions()  # {"PIL": ["pillow"], ...}; what is not installed goes by its own name
    needed = {name: {canonicalize_name(d) for d in distributions.get(name, [name])} for name in imported(folder)}
    assert needed
    assert {name for name, choices in needed.items() if not choices & declared(*FOLDERS[folder])} == set()


def test_everything_that_is_installed_with_the_course_is_pinned():
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    pinned = {canonicalize_name(name) for name in pinned}
    todo, closure = declared("dev"), set()
    while todo:
        name = todo.pop()
        closure.add(name)
        try:
            requirements = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:  # of another system, or not installed here: its pin still counts
            continue
        wanted = [r for r in requirements if not r.marker or r.marker.evaluate({"extra": ""})]
        todo |= {canonicalize_name(r.name) for r in wanted} - closure
    assert closure - pinned - {"setuptools"} == set()


def test_pins_satisfy_what_is_declared():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines if "==" in line)}
    lines = PROJECT["dependencies"] + [line for extra in PROJECT["optional-dependencies"].values() for line in extra]
    requirements = [Requirement(line) for line in lines]
    assert [str(r) for r in requirements if not r.specifier.contains(pins[canonicalize_name(r.name)])] == []


def test_reading_notebooks_is_imported_quickly():
    code = "import sys, nbformat; sys.exit('rfc3987_syntax' in sys.modules or 'lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
