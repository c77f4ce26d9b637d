"""Exercises: None is "not attempted", wrong answers get the diagnosis that names them, and every solution passes."""

import ast
import importlib
import math
from pathlib import Path

import jupytext
import numpy as np
import pytest
import torch

from course_utils.checks import Verdict, diagnose
from course_utils.tools.lessons import lessons

MODULES = [path.stem for path in sorted(Path(__file__).with_name("wrong_answers").glob("lesson_*.py"))]
MODULES += [f"deeper.{path.stem}" for path in sorted(Path(__file__).with_name("wrong_answers").glob("deeper/d*.py"))]
WRONG = {module: importlib.import_module(f"tests.wrong_answers.{module}").WRONG for module in MODULES}
CHECKS = [(module, name) for module, cases in WRONG.items() for name in cases]
CASES = [(module, name, *case) for module, cases in WRONG.items() for name, listed in cases.items() for case in listed]
BY_PROPERTIES = [
    ("lesson_04", "check_4_2"),
    ("lesson_05", "check_5_1"),
    ("lesson_07", "check_7_3"),
    ("lesson_09", "check_9_2"),
    ("lesson_01", "check_1_1"),
    ("lesson_01", "check_1_3"),
    ("deeper.d03_low_precision", "check_2"),
    ("lesson_08", "check_8_1"),
    ("lesson_06", "check_6_3"),  # three arrays of different shapes
    ("lesson_10", "check_10_1"),
    ("deeper.d07_backward", "check_1"),  # three tensors of different shapes
    ("deeper.d08_mixing_and_averaging", "check_1"),  # two arrays of different shapes
    ("deeper.d10_clinic", "check_1"),
    ("deeper.d10_strategy_table", "check_1"),  # gives a dict of dicts
    ("deeper.d10_strategy_table", "check_2"),
    ("deeper.d09_fine_tuning", "check_1"),
    ("deeper.d10_source_tables", "check_1"),  # three arrays of different shapes
]  # right gives no output to vary
TABLES = [check for check in CHECKS if hasattr(importlib.import_module(f"course_utils.checks.{check[0]}"), "diagnose")
          and check not in BY_PROPERTIES]  # fmt: skip


def module_of(source):
    """Where the checks of a source are: "lesson_04", or "deeper.d04_ensemble" for the deep dive `deeper/04_ensemble`."""
    return f"deeper.d{source.stem}" if source.parent.name == "deeper" else f"lesson_{source.stem[:2]}"


def checks_of(module):
    checks = importlib.import_module(f"course_utils.checks.{module}")
    return {name: getattr(checks, name) for name in dir(checks) if name.startswith("check_")}


@pytest.mark.parametrize("source", lessons(), ids=lambda s: s.stem)
def test_every_check_of_a_lesson_has_three_wrong_answers(source):
    module = module_of(source)
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


@pytest.fixture(params=TABLES, ids="-".join)
def table(request, monkeypatch):
    """A check that is a table: the check itself, its cases, its right function and its mistakes."""
    module, name = importlib.import_module(f"course_utils.checks.{request.param[0]}"), request.param[1]
    rows = []
    monkeypatch.setattr(module, "diagnose", lambda answer, *row, **more: rows.append(row) or diagnose(answer, *row, **more))
    check = getattr(module, name)
    check(None)
    return check, *rows[0]


def test_the_right_answer_of_a_table_passes_in_single_precision_too(table):
    check, _, right, _ = table
    assert check(right).startswith("passed")
    assert check(lambda *inputs: torch.tensor(right(*inputs), dtype=torch.float32)).startswith("passed")
    assert check(lambda *inputs: np.atleast_1d(right(*inputs))).startswith("passed")


def test_every_mistake_of_a_table_gets_its_diagnosis(table):
    check, _, _, mistakes = table
    for diagnosis, function in mistakes.items():
        assert check(function) == f"not yet: {diagnosis}"


def test_constants_special_cases_and_odd_objects_never_pass_a_table(table):
    check, cases, right, _ = table
    constants = [
        0,
        1,
        -1,
        math.nan,
        math.inf,
        "",
        [],
        {},
        (1, 2),
        np.ones(3),
        torch.zeros(0),
        object(),
        right(*cases[0]),
        right(*cases[-1]),
    ]
    for constant in constants:
        assert check(lambda *inputs, constant=constant: constant).startswith("not yet")
    for odd in (*constants, object, print, [right], type(right)):
        assert check(odd).startswith("not yet")
    assert check(lambda *inputs: right(*inputs) if inputs == cases[0] else 0).startswith("not yet")
    assert check(lambda *inputs: inputs[0]).startswith("not yet")


def test_no_argument_of_a_table_may_be_replaced_by_a_constant(table):
    check, cases, right, _ = table
    for place, constant in enumerate(cases[0]):
        assert check(lambda *inputs, at=place, value=constant: right(*inputs[:at], value, *inputs[at + 1 :])).startswith(
            "not yet"
        )


def solved(source):
    """The verdicts of a lesson's solution cells, run after nothing but the lesson's imports."""
    cells = [cell for cell in jupytext.read(source, fmt="py:percent").cells if cell.cell_type == "code"]
    imports = [node for cell in cells for node in ast.parse(cell.source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {}
    exec(compile(ast.Module(imports, []), source.name, "exec"), names)
    for cell in cells:
        if "solution" in cell.metadata.get("tags", []):
            *body, last = ast.parse(cell.source).body
            exec(compile(ast.Module(body, []), source.name, "exec"), names)
            yield eval(compile(ast.Expression(last.value), source.name, "eval"), names)


@pytest.mark.parametrize("source", lessons(), ids=lambda s: s.stem)
def test_every_solution_passes(source):
    verdicts = list(solved(source))
    assert len(verdicts) == len(checks_of(module_of(source)))
    assert all(isinstance(verdict, Verdict) and verdict.startswith("passed") for verdict in verdicts), verdicts
