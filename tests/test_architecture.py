"""Dependencies point one way, modules and functions stay short, public functions say what they take and give."""

import ast
from pathlib import Path
from statistics import median

import pytest

from course_utils.tools.lessons import imported_names, lessons, package_of

PACKAGE = Path(__file__).parents[1] / "course_utils"
MODULES = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
# What a lesson imports: a room (module or package) may import the rooms of the floors below its own.
FLOORS = [
    {"cards", "dropout", "parameters", "statistics", "training_settings"},
    {"data", "figures", "measure", "models", "reference", "transformer", "verdicts"},
    {"controls", "training", "visuals"},
    {"claims", "stacked"},
    {"experiments"},
    {"checks", "doctor"},
]
# What makes and runs lessons, and the rooms that each may import. Nothing imports `cli` or the plugin.
WORKSHOP = {
    "tools": {"parameters"},
    "reruns": {"figures", "parameters", "reference", "statistics", "tools"},
    "nbval_plugin": set(),
    "cli": {"doctor", "parameters", "reruns", "tools"},
}
GROUND = {"tools.files", "tools.record"}  # modules that every room may import
LONG = {}
PASS_ON = {
    ("figures", "plot_interval"): "how a line looks is matplotlib's to say",
    ("tools/fork_kernel", "launch_kernel"): "jupyter_client calls it, with its own arguments",
    ("experiments", "at"): "the settings of a sweep have the names that its lesson gave them",
}


def rooms_allowed(room):
    """The rooms that one may import. Raises KeyError for a room that is in no list above."""
    if room in WORKSHOP:
        return WORKSHOP[room] | {room}
    (floor,) = [number for number, rooms in enumerate(FLOORS) if room in rooms] or [None]
    if floor is None:
        raise KeyError(f"say in FLOORS or WORKSHOP what {room!r} may import")
    return set().union({room}, *FLOORS[:floor])


def forbidden(code, module):
    """The modules that the code of one ("tools/files") imports and may not."""
    room, package = module.split("/")[0], package_of(PACKAGE / f"{module}.py")
    names = {name.removeprefix("course_utils.") for name in imported_names(code, package)} - {"course_utils"} - GROUND
    below = GROUND if module.replace("/", ".") in GROUND else set()
    return {name for name in names if name.split(".")[0] not in rooms_allowed(room) or below}


@pytest.mark.parametrize("module", [name for name in MODULES if name != "__init__"])
def test_imports_point_one_way(module):
    assert forbidden(MODULES[module].read_text(encoding="utf-8"), module) == set()


MUTANTS = [
    "import course_utils.training",
    "import course_utils.training as t",
    "import numpy, course_utils.training",
    "from course_utils.training import fit",
    "from course_utils import training",
    "from course_utils import missing, training as t",
    "from .training import fit",
    "from . import training",
    "def late():\n    from course_utils import training",
    "def late():\n    import course_utils.training",
    "import importlib\nimportlib.import_module('course_utils.training')",
    "from importlib import import_module\nimport_module(f'course_utils.training')",
    "__import__('course_utils.training')",
    "try:\n    import course_utils.training\nexcept ImportError:\n    pass",
]


@pytest.mark.parametrize("mutant", MUTANTS)
def test_every_form_of_import_is_seen(mutant):
    dropout = MODULES["dropout"].read_text(encoding="utf-8")
    assert forbidden(f"{dropout}\n{mutant}\n", "dropout") == {"training"}


@pytest.mark.parametrize(
    ("module", "code", "seen"),
    [
        ("claims", "from course_utils.tools.build import build", {"tools.build"}),
        ("claims", "from course_utils.tools import files, lessons", {"tools.lessons"}),
        ("claims", "from course_utils.reruns import plan", {"reruns.plan"}),
        ("tools/files", "from course_utils.statistics import mean_and_interval", {"statistics"}),
        ("tools/files", "from . import lessons", {"tools.lessons"}),
        ("tools/build", "from course_utils.data import load", {"data"}),
        ("tools/build", "from . import lessons", set()),
        ("reruns/run", "from ..training import fit", {"training"}),
        ("doctor", "import course_utils.cli", {"cli"}),
        (
            "figures",
            "from course_utils.tools.files import write_all\nfrom course_utils.statistics import mean_and_interval",
            set(),
        ),
    ],
)
def test_the_floors_hold(module, code, seen):
    assert forbidden(code, module) == seen


@pytest.mark.parametrize("source", lessons(), ids=lambda source: source.stem)
def test_lessons_import_nothing_of_the_workshop(source):
    names = {name.split(".")[1] for name in imported_names(source.read_text(encoding="utf-8")) if "." in name}
    assert names <= set().union(*FLOORS)


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_short(module):
    lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    assert (lines > 200) == (module in LONG), f"{lines} lines"


FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in MODULES.items()}


def public_functions():
    """(module, name, node) of every function and method whose name has no underscore in front."""
    for module, tree in TREES.items():
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        for node in [*tree.body, *(child for scope in classes for child in scope.body)]:
            if isinstance(node, FUNCTION) and not node.name.startswith("_"):
                yield module, node.name, node


def length(function):
    """Lines of a function from the first statement after its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None and len(function.body) > 1 else function.body
    return function.end_lineno - body[0].lineno + 1


def test_functions_are_short():
    nodes = [(module, node) for module, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, FUNCTION)]
    lengths = sorted(length(node) for _, node in nodes)
    assert median(lengths) <= 10
    assert lengths[int(0.9 * len(lengths))] <= 30
    assert [f"{module}: {node.name} has {length(node)} lines" for module, node in nodes if length(node) > 50] == []


def test_public_functions_name_their_arguments():
    passing = {(module, name) for module, name, node in public_functions() if node.args.kwarg}
    assert passing == set(PASS_ON), "write out the arguments, or say in PASS_ON why not"


@pytest.mark.parametrize("module", MODULES)
def test_public_names_have_docstrings(module):
    nodes = [node for node in TREES[module].body if isinstance(node, FUNCTION | ast.ClassDef) and not node.name.startswith("_")]
    assert [node.name for node in nodes if not ast.get_docstring(node)] == []


def lacks(function):
    """What the signature and the docstring of a function do not say: hints, Args and Returns (where there are two arguments or
    more), Raises."""
    arguments = [a for a in ast.walk(function.args) if isinstance(a, ast.arg) and a.arg not in ("self", "cls")]
    doc, returns = ast.get_docstring(function) or "", function.returns and ast.unparse(function.returns)
    wanted = {
        "hints": bool(returns) and all(a.annotation for a in arguments),
        "Args:": "Args:" in doc or len(arguments) < 2,
        "Returns:": "Returns:" in doc or "Yields:" in doc or returns in (None, "None") or len(arguments) < 2,
        "Raises:": "aises" in doc or not any(isinstance(n, ast.Raise) and n.exc for n in ast.walk(function)),
    }
    return [name for name, there in wanted.items() if not there]


def imported_functions():
    """{(module, name)} of all functions that the lessons import, the methods of `Claims`, and `diagnose`."""
    for source in lessons():
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("course_utils."):
                module = node.module.removeprefix("course_utils.").replace(".", "/")
                yield from ((module, alias.name) for alias in node.names)


def test_functions_that_lessons_import_say_what_they_take_and_give():
    """With their hints, for packages in the module that defines the function."""
    imported = set(imported_functions())
    names = {name for _, name in imported} | {"sweep", "at", "choose", "report_test", "diagnose", "char_transformer"}
    rooms = {module.split("/")[0] for module, _ in imported} | {"experiments", "checks", "models", "transformer"}
    gaps = {}
    for module, name, node in public_functions():
        told = name in names or module == "claims" and node.args.args and node.args.args[0].arg == "self"
        if told and module.split("/")[0] in rooms and (gap := lacks(node)):
            gaps[f"{module}.{name}"] = gap
    assert gaps == {}
