"""A lesson's parameters: declared once, in its `parameters` cell, and checked wherever a value comes from.

Each line of that cell is `name: type = default  # range and meaning`. The range is an interval, each end closed or open,
or a choice ("folder:…" is whatever begins with folder:). A list also says how many values it takes, and whether each must be
above the one before (`rising`) or no two may be equal (`different`):

    p_drop: float = 0.5  # [0, 1) probability of dropping a unit
    device: str = "cpu"  # {"cpu", "cuda"} where tensors live
    rates: list = [0.0, 0.1, 0.3]  # 2 to 9 rising values in [0, 1): dropout rates of the sweep
    widths: list = [16, 16]  # 1 to 4 whole numbers in [1, 512]: units of each layer
"""

import ast
import difflib
import io
import itertools
import linecache
import re
import tokenize
from collections import namedtuple
from dataclasses import dataclass

Parameter = namedtuple("Parameter", "name type default range help")
TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list}
RANGE = re.compile(
    r"(?:(?P<least>\d+) to (?P<most>\d+) (?P<order>rising |different |)(?P<kind>values|whole numbers) in )?"
    r"(?P<each>(?P<choices>\{[^}]*\})|(?P<opening>[\[(])\s*(?P<low>[^,\s]+)\s*,\s*(?P<high>[^,\s]+)\s*(?P<closing>[\])]))"
    r":?\s*(?P<help>.*)"
)
SYNTAX = {False: "# [low, high] meaning", True: "# 2 to 9 rising values in [0, 1): meaning"}  # by whether it is a list


class ParameterError(ValueError):
    """A parameter that is declared wrongly, or a value that it does not take. Jupyter shows it as one line."""

    def _render_traceback_(self) -> list[str]:
        return [f"Parameter refused: {self}"]


@dataclass(frozen=True)
class Range:
    """The values that are `in` it: one of `choices` or, where there are none, a number from `low` to `high`.

    text: as declared; ends: "[)" where low belongs to it and high does not; whole: whether only ints do. A list has counts
    (the least and the most values; else None) and an order ("rising", "different" or ""), and the rest is of each value.
    """

    text: str
    choices: tuple
    low: float
    high: float
    ends: str
    whole: bool
    counts: tuple[int, int] | None
    order: str

    def __contains__(self, value: object) -> bool:
        if self.counts is None:
            return self._takes(value)
        pairs = {"": (), "rising": itertools.pairwise(value), "different": itertools.combinations(value, 2)}[self.order]
        fits = self.counts[0] <= len(value) <= self.counts[1] and all(self._takes(item) for item in value)
        return fits and all(first < second if self.order == "rising" else first != second for first, second in pairs)

    def _takes(self, value):
        """Whether one value is in it."""
        if self.choices:
            forms = [(type(choice), re.escape(str(choice)).replace("…", ".+")) for choice in self.choices]
            return any(type(value) is kind and re.fullmatch(form, str(value)) for kind, form in forms)
        if type(value) not in ((int,) if self.whole else (int, float)) or not self.low <= value <= self.high:
            return False
        return not (self.ends[0] == "(" and value == self.low or self.ends[1] == ")" and value == self.high)


def declared_parameters(source: str) -> dict[str, Parameter]:
    """Parse a `parameters` cell.

    Args:
        source: the cell's code.
    Returns:
        {name: Parameter}, in the order of the cell.
    Raises:
        ParameterError: it is not annotated literals, each name once, with a comment that begins with a range; names the line.
    """
    try:
        body = ast.parse(source).body
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, tokenize.TokenError) as error:
        raise ParameterError(f"line {getattr(error, 'lineno', None) or 1} is not Python: {error}") from error
    comments = {token.start[0]: token.string.lstrip("# ").strip() for token in tokens if token.type == tokenize.COMMENT}
    parameters = {}
    for node in body:
        parameter = _parse_line(node, comments.get(node.end_lineno, ""))
        if parameter.name in parameters:
            raise ParameterError(f"line {node.lineno} declares {parameter.name} again")
        parameters[parameter.name] = parameter
    return parameters


def check_values(parameters: dict[str, Parameter], values: dict[str, object]) -> None:
    """Check values against their declaration. An int is a valid float; a bool is no int.

    Args:
        parameters: as from `declared_parameters`.
        values: {name: value}, all of them or some.
    Raises:
        ParameterError: a name is unknown, a type wrong or a value out of range; one line that says what to do.
    """
    for name, value in values.items():
        if name not in parameters:
            near = difflib.get_close_matches(str(name), parameters, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(parameters)}"
            raise ParameterError(f"unknown parameter {name!r}: {hint}")
        p = parameters[name]
        if type(value) is not p.type and not (p.type is float and type(value) is int):
            raise ParameterError(f"{name} must be of type {p.type.__name__} (for example {p.default!r}), not {value!r}")
        if value not in p.range:
            must = "have" if p.type is list else "be in"
            raise ParameterError(f"{name} must {must} {p.range.text} ({p.help}), not {value!r}")


def check_device(values: dict[str, object]) -> None:
    """Check that this machine has the device that `values` ask for; imports torch only where that is a GPU.

    Raises:
        ParameterError: values["device"] is "cuda", and PyTorch finds no GPU.
    """
    if values.get("device") == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise ParameterError('device must be "cpu" on this machine: PyTorch finds no GPU that it can use')


def check_parameters(cells: list[str], namespace: dict[str, object]) -> dict[str, object]:
    """Check the parameters of the running notebook. Call it as `check_parameters(In, globals())`.

    The last executed cell that declares parameters without fault is the declaration; the cell that papermill injects after
    it (first line `# Parameters`) may only assign declared names.

    Args:
        cells: the sources executed so far, `In`. Where the kernel keeps none (nbval), `linecache` has them.
        namespace: the notebook's variables.
    Returns:
        {name: value} of all declared parameters.
    Raises:
        ParameterError: as from `declared_parameters`, `check_values` and `check_device`.
    """
    if not any(cells):  # what IPython keeps for tracebacks, in the order of execution
        cells = ["".join(entry[2]) for entry in list(linecache.cache.values()) if len(entry) == 4 and entry[1] is None]
    parameters = _last_declaration(cells)
    values = {name: namespace[name] for name in parameters}
    for cell in cells:
        if cell.startswith("# Parameters\n"):
            values |= {name: namespace.get(name) for name in _assigned_names(cell)}
    check_values(parameters, values)
    check_device(values)
    return values


def _last_declaration(cells):
    """The parameters of the last cell that declares some; a faulty one counts only where there is no other."""
    fault = ParameterError("run the parameters cell first: it declares what this lesson can be rerun with")
    for cell in reversed(cells):
        if re.match(r"(\s*#.*\n)*\s*\w+: *(int|float|str|bool|list)\b", cell):
            try:
                return declared_parameters(cell)
            except ParameterError as error:
                fault = error
    raise fault


def _assigned_names(cell):
    """Names that an injected cell assigns; a statement that is no plain assignment counts as a name of its own."""
    for node in ast.parse(cell).body:
        plain = isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        yield node.targets[0].id if plain else ast.unparse(node)


def _parse_line(node, comment):
    """The Parameter that a statement and its comment declare."""
    kind = None
    try:
        name, kind, default = node.target.id, TYPES[node.annotation.id], ast.literal_eval(node.value)
        allowed, text = _parse_range(comment, kind is list)
    except (AttributeError, KeyError, TypeError, ValueError, SyntaxError) as error:
        form = f"name: {kind.__name__ if kind else 'type'} = literal  {SYNTAX[kind is list]}"
        raise ParameterError(f"line {node.lineno} is not `{form}`") from error
    return Parameter(name, kind, default, allowed, text)


def _parse_range(comment, is_list):
    """Split a comment into its Range and the meaning; raises ValueError if it has no range for this type."""
    match = RANGE.fullmatch(comment)
    if not match or (match["least"] is not None) is not is_list:
        raise ValueError(comment)
    choices = tuple(ast.literal_eval(f"[{(match['choices'] or '{}')[1:-1]}]"))
    low, high = (0.0, 0.0) if choices else (float(match["low"]), float(match["high"]))
    ends, whole = f"{match['opening']}{match['closing']}", match["kind"] == "whole numbers"
    counts, order = (int(match["least"]), int(match["most"])) if is_list else None, (match["order"] or "").strip()
    return Range(comment[: match.end("each")], choices, low, high, ends, whole, counts, order), match["help"]
