"""Lessons and where they are: their sources, the notebooks built from them, and the fingerprint of what these depend on."""

import ast
import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES, NOTEBOOKS, SOLUTIONS = (ROOT / "notebooks" / name for name in ("source", ".", "solutions"))


def lessons(names=()):
    """Source paths of the named lessons (any unambiguous beginning, such as "04"), or of all, in order. Raises
    ValueError for a name that fits none."""
    sources = sorted(SOURCES.glob("[0-9][0-9]_*.py"))
    chosen = [[s for s in sources if s.stem.startswith(Path(name).stem)] for name in names]
    for name, found in zip(names, chosen, strict=True):
        if len(found) != 1:
            raise ValueError(f"no single lesson is called {name!r}: choose from {', '.join(s.stem for s in sources)}")
    return [found[0] for found in chosen] if names else sources


def targets(source):
    """The two notebooks built from a source: {"learner": path, "solved": path}."""
    return {"learner": NOTEBOOKS / f"{source.stem}.ipynb", "solved": SOLUTIONS / f"{source.stem}.ipynb"}


def fingerprint(source):
    """SHA-256 of a source file and of every `course_utils` module that it imports, directly or not."""
    digest, todo, seen = hashlib.sha256(), [Path(source)], set()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        todo += sorted(imported_helpers(path.read_text(encoding="utf-8")))
    for path in sorted(seen):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def imported_helpers(code):
    """Paths of the `course_utils` modules that Python code imports. code: its text."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("course_utils"):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.startswith("course_utils.")}
    candidates = [ROOT / name.replace(".", "/") for name in names]
    files = [p.with_suffix(".py") for p in candidates] + [p / "__init__.py" for p in candidates]
    return {f for f in files if f.exists()}
