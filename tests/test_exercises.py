"""Exercises: None is "not attempted", wrong answers get the diagnosis that names them, and every solution passes."""

import importlib
from pathlib import Path

import nbformat
import pytest

from course_utils.tools.lessons import SOLUTIONS, lessons

WRONG = {path.stem: importlib.import_module(f"tests.wrong_answers.{path.stem}").WRONG
         for path in sorted(Path(__file__).with_name("wrong_answers").glob("lesson_*.py"))}  # fmt: skip
CHECKS = [(module, name) for module, cases in WRONG.items() for name in cases]
CASES = [(module, name, *case) for module, cases in WRONG.items() for name, listed in cases.items() for case in listed]


def checks_of(module):
    found = importlib.import_module(f"course_utils.checks.{module}")
    return {name: getattr(found, name) for name in dir(found) if name.startswith("check_")}


@pytest.mark.parametrize("source", lessons(), ids=lambda s: s.stem)
def test_every_check_of_a_lesson_has_three_wrong_answers(source):
    module = f"lesson_{source.stem[:2]}"
    assert set(checks_of(module)) == set(WRONG[module])
    assert all(len(cases) >= 3 for cases in WRONG[module].values())


@pytest.mark.parametrize(("module", "name"), CHECKS)
def test_none_is_not_attempted(module, name):
    assert checks_of(module)[name](None).startswith("not attempted")


@pytest.mark.parametrize(("module", "name", "answer", "diagnosis"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_a_wrong_answer_gets_its_diagnosis(module, name, answer, diagnosis):
    answers = answer if isinstance(answer, tuple) else (answer,)
    verdict = checks_of(module)[name](*answers)
    assert verdict.startswith("not yet"), verdict
    assert diagnosis in verdict


@pytest.mark.parametrize("source", lessons(), ids=lambda s: s.stem)
def test_every_solution_passes(source):
    notebook = nbformat.read(SOLUTIONS / f"{source.stem}.ipynb", 4)
    cells = [c for c in notebook.cells if c.cell_type == "code" and "checks.check_" in c.source]
    verdicts = [o["data"]["text/plain"] for c in cells for o in c.outputs if "text/plain" in o.get("data", {})]
    assert len(verdicts) == len(checks_of(f"lesson_{source.stem[:2]}"))
    assert all(verdict.startswith("passed") for verdict in verdicts), verdicts
