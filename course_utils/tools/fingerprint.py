"""What a notebook depends on: its source, and of each helper the definitions that it can reach.

An author who changes one function of a helper rebuilds the notebooks that use it, directly or not, and no others. Docstrings do
not count, nor do definitions that nothing asks for; where it is not clear what is used, all of a module counts.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

from course_utils.tools.lessons import ALL, AS_IMPORTED, imported_helpers, imported_targets, package_of

BESIDE = (".mplstyle", ".js", ".css")  # files that helpers read from their own folder


def fingerprint(source: Path) -> str:
    """SHA-256 of a file's text and of the helpers' code that it can reach, with the style and script files beside the helpers
    that name such."""
    digest = hashlib.sha256()
    for name, text in sorted((path.name, text) for path, text in reached(Path(source))):
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()


def reached(source: Path) -> set[tuple[Path, str]]:
    """Pairs (file, piece of its text): the whole of `source`, and the statements of helpers that it depends on."""
    text = source.read_text(encoding="utf-8")
    pieces, seen = {(source, text)}, set()
    todo = _imports(ast.parse(text), package_of(source)) | _beside(source, text)
    while todo := todo - seen:
        seen |= todo
        asked, todo = todo, set()
        for path, name in asked:
            if path.suffix != ".py":
                pieces.add((path, path.read_text(encoding="utf-8")))
                continue
            module = _module(path, path.stat().st_mtime_ns)
            for statement in module.statements_of(name):
                todo |= module.needs(statement, name)
                if not isinstance(statement, ast.Import | ast.ImportFrom):
                    pieces.add((path, module.code(statement)))
    return pieces


@cache
def _module(path, changed):
    """The module in a file that was last changed then, read once."""
    return _Module(path)


class _Module:
    """A helper's statements, by the names that they bind."""

    def __init__(self, path):
        self.path, self.package = path, package_of(path)
        self.lines = path.read_text(encoding="utf-8").splitlines()
        self.statements = _without_docstring(ast.parse("\n".join(self.lines)).body)
        self.by_name = {}
        for statement in self.statements:
            for name in _bound(statement):
                self.by_name.setdefault(name, []).append(statement)
        self.code, self.needs = cache(self.code), cache(self.needs)

    def statements_of(self, name):
        """The statements that bind a name, with those that bind none and so are always executed; all, if none binds it."""
        always = [statement for statement in self.statements if not _bound(statement)]
        if name != AS_IMPORTED and name not in self.by_name:
            return self.statements
        return always + self.by_name.get(name, [])

    def needs(self, statement, name):
        """What a statement depends on: pairs (file, name); of an import only what is asked for."""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            asked = None if name == ALL or name not in self.by_name else name
            return _imports(statement, self.package, asked)
        used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        late = {(path, ALL) for path in imported_helpers(ast.unparse(statement), self.package)}
        return {(self.path, other) for other in used & set(self.by_name)} | late | _beside(self.path, self.code(statement))

    def code(self, statement):
        """The lines of a statement, without docstrings."""
        nodes = [node for node in ast.walk(statement) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
        docstrings = {
            number
            for node in nodes
            if len(_without_docstring(node.body)) < len(node.body)
            for number in range(node.body[0].lineno, node.body[0].end_lineno + 1)
        }
        first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
        return "\n".join(self.lines[n - 1] for n in range(first, statement.end_lineno + 1) if n not in docstrings)


def _bound(statement):
    """The names that a statement of a module binds, if that is all it does."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    names = [node for target in targets if target for node in ast.walk(target)]
    is_plain = isinstance(statement, ast.Assign | ast.AnnAssign) and all(
        isinstance(node, ast.Name | ast.Tuple | ast.List | ast.expr_context) for node in names
    )
    return [node.id for node in names if isinstance(node, ast.Name)] if is_plain else []


def _without_docstring(body):
    is_docstring = body and isinstance(body[0], ast.Expr) and isinstance(getattr(body[0].value, "value", None), str)
    return body[1:] if is_docstring else body


def _imports(tree, package, asked=None):
    """What the imports in a tree bring in: pairs (file, name); of one statement only the name `asked`, if that is given."""
    return {
        (path, name) for node in ast.walk(tree) for bound, path, name in imported_targets(node, package) if asked in (None, bound)
    }


def _beside(path, text):
    return {(file, ALL) for suffix in BESIDE if suffix in text for file in path.parent.glob(f"*{suffix}")}
