"""Values of parameters as they are given: texts of the command line, and the named sets of notebooks/presets.toml."""

import ast
import difflib
import re
import tomllib
from collections.abc import Iterable
from decimal import Decimal

from course_utils.parameters import Parameter, check_values
from course_utils.tools.lessons import NOTEBOOKS

PRESETS = NOTEBOOKS / "presets.toml"
MOST_RUNS = 100_000


def parse_settings(parameters: dict[str, Parameter], settings: Iterable[str], several: bool) -> dict[str, list]:
    """{name: [values]} from texts "name=value". Raises ValueError for a text that is not of this form, or a name twice."""
    values = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} is not of the form name=value")
        if name in values:
            raise ValueError(f"{name!r} is given twice: give all its values to `course sweep` at once, as name=1,2,3")
        check_values(parameters, {} if name in parameters else {name: value})
        values[name] = parse_values(parameters[name], value) if several else [parse_value(parameters[name], value)]
    return values


def parse_value(parameter: Parameter, text: str) -> object:
    """A value of the parameter's type from text, or the text itself where it is not one (so that the check refuses it)."""
    try:
        if parameter.type is bool:
            return {"true": True, "false": False}[text.lower()]
        value = ast.literal_eval(text) if parameter.type is list else parameter.type(text)
        too_small = parameter.type is float and value == 0 and Decimal(text) != 0
        return text if too_small else value
    except (ValueError, KeyError, SyntaxError, RecursionError, MemoryError):
        return text


def parse_values(parameter: Parameter, text: str) -> list:
    """Values from "1,2,3", or from "first:end" or "first:end:step" for whole numbers (the end is left out, as in Python)."""
    if parameter.type is list:
        return parse_value(parameter, f"[{text}]") if text.lstrip().startswith("[") else [text]
    if parameter.type is int and (bounds := re.fullmatch(r"(-?\d{1,12}):(-?\d{1,12})(?::([1-9]\d{0,11}))?", text)):
        numbers = range(int(bounds[1]), int(bounds[2]), int(bounds[3] or 1))
        if not 0 < len(numbers) <= MOST_RUNS:
            raise ValueError(f"{parameter.name}={text} are {len(numbers)} values: give first:end with 1 to {MOST_RUNS} between")
        return list(numbers)
    return [parse_value(parameter, part.strip()) for part in text.split(",")]


def preset_values(preset: str, lesson: str) -> dict:
    """What a preset of presets.toml sets in a lesson: its table `all`, then the lesson's own; a copy of a lesson elsewhere
    ("04_dropout-1a2b3c") takes the lesson's. Raises ValueError for an unknown preset, and for one not for this lesson."""
    presets = tomllib.loads(PRESETS.read_text(encoding="utf-8"))
    if preset not in presets:
        near = difflib.get_close_matches(preset, presets, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(presets)}"
        raise ValueError(f"unknown preset {preset!r}: {hint}")
    tables = presets[preset]
    names = [name for name in ("all", re.sub(r"-[0-9a-f]{6}$", "", lesson), lesson) if name in tables]
    if not names:
        raise ValueError(f"preset {preset!r} is for {', '.join(tables)}, not for {lesson}")
    return {key: value for name in names for key, value in tables[name].items()}
