"""One declaration, checked wherever a value comes from."""

import subprocess
import sys

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from course_utils import parameters as module
from course_utils.parameters import ParameterError, check_device, check_parameters, check_values, declared_parameters
from course_utils.reruns.plan import declaration
from course_utils.tools.build import assemble
from course_utils.tools.lessons import lessons
from tests.toy_notebooks import toy

CELL = """seed: int = 0  # [0, 100] the seed
p_drop: float = 0.5  # [0, 1) probability of dropping a unit
data: str = "digits"  # {"digits", "letters"} what to learn
flag: bool = False  # {True, False} whether to
widths: list = [16, 32]  # 1 to 4 whole numbers in [1, 512]: units of each layer
rates: list = [0.0, 0.5]  # 2 to 9 rising values in [0, 1): rates
optimizers: list = ["sgd"]  # 1 to 2 different values in {"sgd", "adamw"}: compared"""
PARAMETERS = declared_parameters(CELL)
DEFAULTS = {p.name: p.default for p in PARAMETERS.values()}


def test_a_declaration_tells_name_type_default_range_and_meaning():
    p = PARAMETERS["p_drop"]
    assert p[:3] + p[4:] == ("p_drop", float, 0.5, "probability of dropping a unit")
    assert (p.range.text, p.range.low, p.range.high, p.range.ends, p.range.counts) == ("[0, 1)", 0.0, 1.0, "[)", None)
    assert list(PARAMETERS) == ["seed", "p_drop", "data", "flag", "widths", "rates", "optimizers"]


def test_a_list_declares_length_order_and_kind():
    widths, rates, optimizers = (PARAMETERS[name].range for name in ("widths", "rates", "optimizers"))
    assert (widths.counts, widths.order, widths.whole, widths.high) == ((1, 4), "", True, 512)
    assert (rates.counts, rates.order, rates.whole, rates.ends) == ((2, 9), "rising", False, "[)")
    assert (optimizers.counts, optimizers.order, optimizers.choices) == ((1, 2), "different", ("sgd", "adamw"))
    assert PARAMETERS["rates"].help == "rates"


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
        "seed: int = 0  # {} no choice",
        "seed: int = 0  # 2 to 3 values in [0, 1]: no list",
        "import os",
        "seed: int = (",
        "seed: int = 0  # [0, 1] once\nseed: int = 1  # [0, 1] twice",
    ],
)
def test_a_faulty_declaration_is_refused_with_its_line(line):
    with pytest.raises(ParameterError, match=r"line \d"):
        declared_parameters(line)


@pytest.mark.parametrize(
    "comment", ["[0, 1) rates", "2 values in [0, 1): rates", "2 to 9 sorted values in [0, 1): rates", "rates"]
)
def test_a_list_without_its_lengths_is_refused_with_the_form_to_write(comment):
    with pytest.raises(
        ParameterError, match=r"line 1 is not `name: list = literal  # 2 to 9 rising values in \[0, 1\): meaning`"
    ):
        declared_parameters(f"rates: list = [0.0, 0.5]  # {comment}")


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
    ("widths", [16, 0], r"1 to 4 whole numbers in \[1, 512\]"),
    ("widths", [16, "x"], r"in \[1, 512\]"),
    ("widths", [16, 32.0], r"whole numbers in \[1, 512\]"),
    ("widths", [16, True], r"whole numbers in \[1, 512\]"),
    ("widths", [[16]], r"in \[1, 512\]"),
    ("widths", [], "have 1 to 4 whole"),
    ("widths", [16] * 5, "have 1 to 4 whole"),
    ("widths", (16, 32), "of type list"),
    ("rates", [], r"have 2 to 9 rising values in \[0, 1\) \(rates\), not \[\]"),
    ("rates", [0.5], "have 2 to 9 rising"),
    ("rates", [0.5, 0.5, 0.0], "have 2 to 9 rising"),
    ("rates", [0.0, 0.5, 0.5], "have 2 to 9 rising"),
    ("rates", [0.5, 0.0], "have 2 to 9 rising"),
    ("rates", [0.0, 1.0], "have 2 to 9 rising"),
    ("rates", [0.0, float("nan")], "have 2 to 9 rising"),
    ("optimizers", ["sgd", "sgd"], "have 1 to 2 different"),
    ("optimizers", ["sgd", "lion"], 'different values in {"sgd", "adamw"}'),
    ("p_drp", 0.1, "did you mean 'p_drop'"),
    ("zzzzzz", 1, "choose from seed, p_drop"),
    ("seed; import os", 1, "unknown parameter"),
    ("__builtins__", 1, "unknown parameter"),
    ("seed\nimport os", 1, "unknown parameter"),
]


@pytest.mark.parametrize(("name", "value", "says"), REFUSED)
def test_what_is_not_declared_is_refused_in_one_line(name, value, says):
    with pytest.raises(ParameterError, match=says) as error:
        check_values(PARAMETERS, {name: value})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("p_drop", 0), ("rates", [0, 0.999]), ("widths", [5, 5, 1]), ("optimizers", ["adamw", "sgd"]), ("seed", 100)],
)
def test_what_is_declared_is_allowed(name, value):
    check_values(PARAMETERS, DEFAULTS | {name: value})


@given(st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.none(), st.lists(st.integers())))
def test_any_value_is_either_allowed_or_a_value_error(value):
    for name in PARAMETERS:
        try:
            check_values(PARAMETERS, {name: value})
        except ValueError:
            continue
        assert type(value) is PARAMETERS[name].type or (name == "p_drop" and type(value) is int)


def test_a_gpu_is_refused_at_once_where_there_is_none(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ParameterError, match='device must be "cpu" on this machine'):
        check_device({"device": "cuda"})
    gpu = 'device: str = "cpu"  # {"cpu", "cuda"} where'
    with pytest.raises(ParameterError, match="finds no GPU"):
        check_parameters(["", gpu], {"device": "cuda"})
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert check_parameters(["", gpu], {"device": "cuda"}) == {"device": "cuda"}


def test_torch_is_not_imported_for_anything_else():
    code = f"import sys; from course_utils.parameters import *; check_parameters(['', {CELL!r}], {DEFAULTS!r}); "
    code += "check_device({'device': 'cpu'}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_notebook_gets_its_values():
    assert check_parameters(["", CELL], DEFAULTS | {"unrelated": 1}) == DEFAULTS


def test_a_value_edited_by_hand_is_checked():
    with pytest.raises(ParameterError, match="p_drop must be in"):
        check_parameters(["", CELL], DEFAULTS | {"p_drop": 1.5})


@pytest.mark.parametrize("injected", ["p_dorp = 0.1", "import os", "seed = p_drop = 0.1", "seed.real = 1", "print(1)"])
def test_papermills_cell_may_only_assign_declared_names(injected):
    with pytest.raises(ParameterError, match="unknown parameter"):
        check_parameters(["", CELL, f"# Parameters\n{injected}"], DEFAULTS | {"p_dorp": 0.1})


def test_the_last_sound_declaration_counts():
    edited = CELL.replace("[0, 100]", "[0, 3]")
    with pytest.raises(ParameterError, match=r"seed must be in \[0, 3\]"):
        check_parameters(["", CELL, edited], DEFAULTS | {"seed": 4})
    for cell in ["seed: int = ", "seed: int = 4", "x: int = len(y)"]:
        assert check_parameters(["", CELL, cell, "from x import y"], DEFAULTS) == DEFAULTS


def test_no_declaration_says_what_to_do(monkeypatch):
    with pytest.raises(ParameterError, match="run the parameters cell first"):
        check_parameters(["", "import torch"], {})
    with pytest.raises(ParameterError, match="line 1 is not"):
        check_parameters(["", "seed: int = 4"], {"seed": 4})
    monkeypatch.setattr(module.linecache, "cache", {"lazy": (print,), "file": (9, 1.0, ["x: int = 1"], "file")})
    with pytest.raises(ParameterError, match="run the parameters cell first"):
        check_parameters([""], {"x": 1})


@pytest.mark.parametrize("history", [True, False])
def test_cells_are_found_with_and_without_history(history, capsys):
    shell = InteractiveShell()
    shell.history_manager.enabled = False
    for cell in [CELL, "# Parameters\np_drop = 0.25", "from course_utils.parameters import check_parameters"]:
        shell.run_cell(cell, store_history=history).raise_error()
    result = shell.run_cell("check_parameters(In, globals())", store_history=history).result
    assert result == DEFAULTS | {"p_drop": 0.25}
    shell.run_cell("p_drop = 7.0", store_history=history)
    capsys.readouterr()
    shell.run_cell("check_parameters(In, globals())", store_history=history)
    shown = "".join(capsys.readouterr()).strip()
    assert shown == "Parameter refused: p_drop must be in [0, 1) (probability of dropping a unit), not 7.0"


COMMANDS = {
    "nbval": ["pytest", "-q", "--nbval-lax", "-p", "no:cacheprovider", "toy.ipynb"],
    "papermill": ["papermill", "toy.ipynb", "out.ipynb", "--no-progress-bar"],
    "nbclient": ["jupyter", "execute", "toy.ipynb", "--output=out"],
    "nbconvert": ["jupyter", "nbconvert", "--to", "notebook", "--execute", "toy.ipynb", "--output", "out"],
}


@pytest.mark.parametrize("tool", COMMANDS)
def test_every_tool_runs_the_check_and_shows_a_refusal_as_one_line(tool, tmp_path):
    path = toy(tmp_path, record="open('end', 'a').write('.')")
    command = [sys.executable, "-m", *COMMANDS[tool]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    notebook = nbformat.read(path, 4)
    notebook.cells[0].source = notebook.cells[0].source.replace("[1, 2]", "[]")
    nbformat.write(notebook, path)
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert refused.returncode != 0
    printed = refused.stdout + refused.stderr
    assert "Parameter refused: sizes must have 1 to 9 values in [1, 9] (how many), not []" in printed
    assert "parameters.py" not in printed, "no traceback of ours is shown"
    runs = 2 if tool == "nbval" else 1  # nbval goes on after a cell that fails
    assert (tmp_path / "end").read_text() == "." * runs


@pytest.mark.parametrize("source", lessons(), ids=lambda s: s.stem)
def test_every_lesson_declares_valid_defaults(source):
    parameters = declaration(source.stem, assemble(source, "learner"))
    check_values(parameters, {p.name: p.default for p in parameters.values()})
    assert "seed" in parameters
    assert all(p.help for p in parameters.values())


def test_an_open_choice_takes_whatever_begins_like_it_and_goes_on():
    declared = declared_parameters('data: str = "letters"  # {"letters", "folder:…"} pictures')
    for value in ("letters", "folder:my/pictures", "folder:/tmp/a b"):
        check_values(declared, {"data": value})
    for value in ("folder:", "folder", "Letters", "my/pictures"):
        with pytest.raises(ParameterError, match="data must be in"):
            check_values(declared, {"data": value})
