"""One declaration, checked wherever a value comes from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.parameters import check_parameters, check_values, declared_parameters
from course_utils.reruns.plan import declaration
from course_utils.tools.build import assemble
from course_utils.tools.lessons import lessons

CELL = """seed: int = 0  # [0, 100] the seed
p_drop: float = 0.5  # [0, 1) probability of dropping a unit
data: str = "digits"  # {"digits", "letters"} what to learn
flag: bool = False  # {True, False} whether to
widths: list = [16, 32]  # [1, 512] units of each layer"""
PARAMETERS = declared_parameters(CELL)
DEFAULTS = {p.name: p.default for p in PARAMETERS.values()}


def test_a_declaration_tells_name_type_default_range_and_meaning():
    p = PARAMETERS["p_drop"]
    assert p == ("p_drop", float, 0.5, "[0, 1)", "probability of dropping a unit")
    assert list(PARAMETERS) == ["seed", "p_drop", "data", "flag", "widths"]


@pytest.mark.parametrize(
    "line",
    [
        "seed = 0  # [0, 1] no annotation",
        "seed: int = 0",
        "seed: int = 0  # a seed without a range",
        "seed: int = 2 * 3  # [0, 10] derived",
        "half: float = seed / 2  # [0, 1] derived",
        "seed: int  # [0, 1] no default",
        "seed: complex = 0j  # [0, 1] unknown type",
        "seed: int = 0  # [low, 1] no number",
        "seed: int = 0  # {low, 1} no literal",
        "import os",
        "seed: int = (",
        "seed: int = 0  # [0, 1] once\nseed: int = 1  # [0, 1] twice",
    ],
)
def test_a_faulty_declaration_is_refused_with_its_line(line):
    with pytest.raises(ValueError, match=r"line \d"):
        declared_parameters(line)


REFUSED = [
    ("seed", "1", "of type int"),
    ("seed", 10.0, "of type int"),
    ("seed", True, "of type int"),
    ("seed", -1, r"in \[0, 100\]"),
    ("seed", None, "of type int"),
    ("p_drop", "1e-3", "of type float"),
    ("p_drop", 1.0, r"in \[0, 1\)"),
    ("p_drop", float("nan"), r"in \[0, 1\)"),
    ("p_drop", float("inf"), r"in \[0, 1\)"),
    ("flag", "false", "of type bool"),
    ("flag", 0, "of type bool"),
    ("data", "cifar", 'in {"digits", "letters"}'),
    ("data", 'digits"; import os; "', 'in {"digits", "letters"}'),
    ("widths", [16, 0], r"in \[1, 512\]"),
    ("widths", [16, "x"], r"in \[1, 512\]"),
    ("widths", [[16]], r"in \[1, 512\]"),
    ("widths", (16, 32), "of type list"),
    ("p_drp", 0.1, "did you mean 'p_drop'"),
    ("zzzzzz", 1, "choose from seed, p_drop"),
    ("seed; import os", 1, "unknown parameter"),
    ("__builtins__", 1, "unknown parameter"),
    ("seed\nimport os", 1, "unknown parameter"),
]


@pytest.mark.parametrize(("name", "value", "says"), REFUSED)
def test_what_is_not_declared_is_refused_in_one_line(name, value, says):
    with pytest.raises(ValueError, match=says) as error:
        check_values(PARAMETERS, {name: value})
    assert "\n" not in str(error.value)


def test_an_int_is_a_valid_float_and_the_defaults_are_valid():
    check_values(PARAMETERS, DEFAULTS | {"p_drop": 0})


@given(st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.none(), st.lists(st.integers())))
def test_any_value_is_either_allowed_or_a_value_error(value):
    for name in PARAMETERS:
        try:
            check_values(PARAMETERS, {name: value})
        except ValueError:
            continue
        assert type(value) is PARAMETERS[name].type or (name == "p_drop" and type(value) is int)


def test_the_notebook_gets_its_values():
    assert check_parameters(["", CELL], DEFAULTS | {"unrelated": 1}) == DEFAULTS


def test_a_value_edited_by_hand_is_checked():
    with pytest.raises(ValueError, match="p_drop must be in"):
        check_parameters(["", CELL], DEFAULTS | {"p_drop": 1.5})


@pytest.mark.parametrize("injected", ["p_dorp = 0.1", "import os", "seed = p_drop = 0.1", "seed.real = 1", "print(1)"])
def test_papermills_cell_may_only_assign_declared_names(injected):
    with pytest.raises(ValueError, match="unknown parameter"):
        check_parameters(["", CELL, f"# Parameters\n{injected}"], DEFAULTS | {"p_dorp": 0.1})


def test_the_last_sound_declaration_counts():
    edited = CELL.replace("[0, 100]", "[0, 3]")
    with pytest.raises(ValueError, match=r"seed must be in \[0, 3\]"):
        check_parameters(["", CELL, edited], DEFAULTS | {"seed": 4})
    for cell in ["seed: int = ", "seed: int = 4", "x: int = len(y)"]:
        assert check_parameters(["", CELL, cell, "from x import y"], DEFAULTS) == DEFAULTS


def test_no_declaration_says_what_to_do():
    with pytest.raises(ValueError, match="run the parameters cell first"):
        check_parameters(["", "import torch"], {})
    with pytest.raises(ValueError, match="line 1 is not"):
        check_parameters(["", "seed: int = 4"], {"seed": 4})


@pytest.mark.parametrize("source", lessons(), ids=lambda s: s.stem)
def test_every_lesson_declares_valid_defaults(source):
    parameters = declaration(source.stem, assemble(source, "learner"))
    check_values(parameters, {p.name: p.default for p in parameters.values()})
    assert "seed" in parameters
    assert all(p.help for p in parameters.values())
