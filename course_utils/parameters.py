"""A lesson's parameters: declared once, in its `parameters` cell, and checked wherever a value comes from.

Each line of that cell is `name: type = default  # range and meaning`, for example
`p_drop: float = 0.5  # [0, 1) probability of dropping a unit`. The range is an interval or a choice `{"cpu", "cuda"}`.
"""

import ast
import difflib
import io
import math
import re
import tokenize
from collections import namedtuple

Parameter = namedtuple("Parameter", "name type default range help")
TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list}
INTERVAL = re.compile(r"^([\[(])\s*([^,\s]+)\s*,\s*([^,\s]+)\s*([\])])\s*(.*)$")
CHOICE = re.compile(r"^(\{[^}]*\})\s*(.*)$")


def declared_parameters(source):
    """Parse the source of a `parameters` cell into {name: Parameter}. Raises ValueError, naming the line, where it is not
    annotated literals, each name once, with a comment that begins with a range."""
    try:
        body = ast.parse(source).body
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, tokenize.TokenError) as error:
        raise ValueError(f"line {getattr(error, 'lineno', None) or 1} is not Python: {error}") from error
    comments = {token.start[0]: token.string.lstrip("# ").strip() for token in tokens if token.type == tokenize.COMMENT}
    parameters = {}
    for node in body:
        try:
            name, kind, default = node.target.id, TYPES[node.annotation.id], ast.literal_eval(node.value)
            allowed, text = _parse_range(comments[node.end_lineno])
        except (AttributeError, KeyError, ValueError, SyntaxError) as error:
            raise ValueError(f"line {node.lineno} is not `name: type = literal  # range meaning`") from error
        if name in parameters:
            raise ValueError(f"line {node.lineno} declares {name} again")
        parameters[name] = Parameter(name, kind, default, allowed, text)
    return parameters


def check_values(parameters, values):
    """Raise ValueError with one line that says what to do if a value's name is unknown, its type wrong or it is out of
    range. parameters: as from `declared_parameters`; values: {name: value}. An int is a valid float; a bool is no int."""
    for name, value in values.items():
        if name not in parameters:
            near = difflib.get_close_matches(str(name), parameters, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(parameters)}"
            raise ValueError(f"unknown parameter {name!r}: {hint}")
        p = parameters[name]
        right = type(value) is p.type or (p.type is float and type(value) is int)
        if not right:
            raise ValueError(f"{name} must be of type {p.type.__name__} (for example {p.default!r}), not {value!r}")
        for item in value if p.type is list else [value]:
            if not _allowed(item, p.range):
                raise ValueError(f"{name} must be in {p.range} ({p.help}), not {item!r}")


def check_parameters(cells, namespace):
    """Check the parameters of the running notebook and return {name: value}. Call it as `check_parameters(In, globals())`.

    cells: the sources executed so far (`In`); the last that declares parameters without fault is the declaration, and the
    cell that papermill injects after it (first line `# Parameters`) may only assign declared names. Raises ValueError as
    `declared_parameters` and `check_values` do.
    """
    parameters = _last_declaration(cells)
    values = {name: namespace[name] for name in parameters}
    for cell in cells:
        if cell.startswith("# Parameters\n"):
            values |= {name: namespace.get(name) for name in _assigned_names(cell)}
    check_values(parameters, values)
    return values


def _last_declaration(cells):
    """The parameters of the last cell that declares some; a faulty one counts only where there is no other."""
    fault = ValueError("run the parameters cell first: it declares what this lesson can be rerun with")
    for cell in reversed(cells):
        if re.match(r"(\s*#.*\n)*\s*\w+: *(int|float|str|bool|list)\b", cell):
            try:
                return declared_parameters(cell)
            except ValueError as error:
                fault = error
    raise fault


def _assigned_names(cell):
    """Names that an injected cell assigns; a statement that is no plain assignment counts as a name of its own."""
    for node in ast.parse(cell).body:
        plain = isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        yield node.targets[0].id if plain else ast.unparse(node)


def _parse_range(comment):
    """Split a comment into its range, as written, and the meaning; raises ValueError if it has no range."""
    match = INTERVAL.match(comment) or CHOICE.match(comment)
    if not match:
        raise ValueError(comment)
    if comment.startswith("{"):
        ast.literal_eval(match[1])
        return match[1], match[2]
    float(match[2]), float(match[3])
    return f"{match[1]}{match[2]}, {match[3]}{match[4]}", match[5]


def _allowed(value, allowed):
    if allowed.startswith("{"):
        return any(
            value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in ast.literal_eval(allowed)
        )
    opening, low, high, closing, _ = INTERVAL.match(allowed).groups()
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return False
    above = value >= float(low) if opening == "[" else value > float(low)
    return above and (value <= float(high) if closing == "]" else value < float(high))
