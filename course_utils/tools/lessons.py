"""Lessons and deep dives and where they are: their sources, the notebooks built from them, and the helpers that code imports."""

import ast
import re
from collections.abc import Iterable, Iterator
from importlib.util import resolve_name
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES, NOTEBOOKS, SOLUTIONS = (ROOT / "notebooks" / name for name in ("source", ".", "solutions"))
ALL, AS_IMPORTED = "*", ""  # of a module: everything; only what it does when it is imported
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}  # as JupyterLab writes it


def lessons(names: Iterable[str] = ()) -> list[Path]:
    """Find sources by name.

    Args:
        names: of a lesson any unambiguous beginning, such as "04", or its path; of a deep dive the same after "deeper/".
    Returns:
        Paths of the sources named, or of all: the lessons in their order, then the deep dives.
    Raises:
        ValueError: a name fits none, or more than one.
    """
    sources = sorted(SOURCES.glob("[0-9][0-9]_*.py")) + sorted(SOURCES.glob("deeper/[0-9][0-9]_*.py"))
    return [_one_source(name, sources) for name in names] or sources


def lesson_name(source: Path) -> str:
    """What a source is called on the command line: "04_dropout" or "deeper/04_ensemble"."""
    return source.relative_to(SOURCES).with_suffix("").as_posix()


def targets(source: Path) -> dict[str, Path]:
    """The two notebooks built from a source: {"learner": path, "solved": path}."""
    file = f"{lesson_name(source)}.ipynb"
    return {"learner": NOTEBOOKS / file, "solved": SOLUTIONS / file}


def imported_helpers(code: str, package: str = "") -> set[Path]:
    """Paths of the `course_utils` modules that Python code imports, in any form, and of the packages that they are in.

    Args:
        code: its text.
        package: the package that relative imports start from, as `package_of` gives it.
    """
    parts = [name.split(".")[:end] for name in imported_names(code, package) for end in range(1, name.count(".") + 2)]
    return {file for name in parts if (file := _module_file(name))}


def imported_names(code: str, package: str = "") -> set[str]:
    """Dotted names of what Python code imports from this course, each as far as it is a module: `import a.b`, `from a import
    b`, relative, inside functions, by `import_module("a.b")` or `__import__`. Args as of `imported_helpers`."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (package or not node.level):
            origin = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
            names |= {f"{origin}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            names |= set(re.findall(r"^f?['\"](course_utils[\w.]*)", ast.unparse(node.args[0]) if node.args else ""))
    return {_as_module(name) for name in names if name.split(".")[0] == "course_utils"}


def imported_targets(node: ast.AST, package: str) -> Iterator[tuple[str, Path, str]]:
    """What one node of a syntax tree imports of this course: triples (name that it binds, file, name in that file).

    The last is ALL where a module is imported as a whole, and AS_IMPORTED for a package that is only passed through.

    Args:
        node: of any kind; one that imports nothing gives nothing.
        package: as of `imported_helpers`.
    """
    found = []
    if isinstance(node, ast.Import):
        found = [
            ((a.asname or a.name).split(".")[0], name, "") for a in node.names for name in imported_names(f"import {a.name}")
        ]
    elif isinstance(node, ast.Call):
        found = [("", name, "") for name in imported_names(ast.unparse(node), package)]
    elif isinstance(node, ast.ImportFrom) and (package or not node.level):
        origin = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
        is_ours = origin.split(".")[0] == "course_utils"
        found = [(a.asname or a.name, _as_module(f"{origin}.{a.name}"), a.name) for a in node.names if is_ours]
        found = [(bound, name, wanted if name == _as_module(origin) else "") for bound, name, wanted in found]
    for bound, name, wanted in found:
        parts = name.split(".")
        files = [(_module_file(parts[:end]), AS_IMPORTED) for end in range(1, len(parts))]
        for file, asked in [*files, (_module_file(parts), wanted or ALL)]:
            if file:
                yield bound, file, asked


def package_of(path: Path) -> str:
    """The dotted name of the package that a file of this project is in; "" for a file elsewhere."""
    return ".".join(path.parent.relative_to(ROOT).parts) if path.is_relative_to(ROOT) else ""


def _one_source(name, sources):
    """The source of that name, or the only one whose name begins so."""
    path = Path(name)
    wanted = f"deeper/{path.stem}" if "deeper" in path.parts[:-1] else path.stem
    fits = [s for s in sources if lesson_name(s) == wanted] or [s for s in sources if lesson_name(s).startswith(wanted)]
    if len(fits) != 1:
        raise ValueError(f"no single lesson is called {name!r}: choose from {', '.join(map(lesson_name, sources))}")
    return fits[0]


def _as_module(name):
    """The longest beginning of a dotted name that is a module of ours."""
    parts = name.strip(".").split(".")
    while len(parts) > 1 and not _module_file(parts):
        parts.pop()
    return ".".join(parts)


def _module_file(parts):
    """The file of a module or package, given its dotted name split at the dots; None if there is none."""
    path = ROOT.joinpath(*parts)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)
