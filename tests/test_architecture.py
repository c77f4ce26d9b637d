"""Dependencies point one way, modules stay readable, nothing happens at import but definitions."""

import ast
from pathlib import Path
from statistics import median

import pytest

PACKAGE = Path(__file__).parents[1] / "course_utils"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
MAY_IMPORT = {  # helper -> the helpers it may import
    "dropout": set(), "measure": set(), "parameters": set(), "statistics": set(), "cards": set(), "verdicts": {"statistics"},
    "claims": {"cards", "old_claims", "tools", "verdicts"}, "old_claims": {"cards", "statistics", "verdicts"},
    "figures": {"statistics"}, "data": {"data", "tools"}, "models": {"dropout"}, "training": {"dropout"},
    "stacked": {"stacked", "dropout", "training"}, "checks": {"cards", "checks", "statistics"},
    "experiments": {"stacked", "training", "statistics"},
    "doctor": {"data", "models", "training"}, "nbval_plugin": set(), "tools": {"tools", "parameters"},
    "reruns": {"reruns", "tools", "parameters", "statistics", "figures"},
    "cli": {"tools", "reruns", "doctor", "parameters"},
}  # fmt: skip


def name_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "course_utils":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("course_utils."):
            yield node.module.split(".")[1]


@pytest.mark.parametrize("path", [p for p in MODULES if p.name != "__init__.py" or p.parent != PACKAGE], ids=str)
def test_imports_point_one_way(path):
    assert set(imports(path)) <= MAY_IMPORT[name_of(path)], f"{path.name} imports what it may not"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_modules_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 260


def test_functions_are_short():
    def length(node):
        has_docstring = ast.get_docstring(node) is not None
        first = node.body[1] if has_docstring and len(node.body) > 1 else node.body[0]
        return node.end_lineno - first.lineno + 1

    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in MODULES]
    lengths = sorted(length(n) for tree in trees for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))
    assert median(lengths) <= 10
    assert lengths[int(0.9 * len(lengths))] <= 30


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_public_functions_have_docstrings(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")]
    assert [n.name for n in public if not ast.get_docstring(n)] == []
