"""What to rerun: a lesson's notebook, the parameters it declares, and the values asked for, all checked before a kernel
starts. A run is described by a `Run`; its `key` is the hash of everything its result depends on."""

import ast
import difflib
import hashlib
import itertools
import json
import math
import re
import tomllib
from collections import namedtuple
from pathlib import Path

import nbformat

from course_utils.parameters import check_values, declared_parameters
from course_utils.tools.lessons import NOTEBOOKS, fingerprint, imported_helpers, lessons, targets

# lesson: its name; notebook: without outputs; folder: where it runs; parameters: all of them; changed: those that differ
# from the defaults; code: hash of code and helpers; key: hash of code and parameters; name: what its files are called
Run = namedtuple("Run", "lesson notebook folder parameters changed code key name")
PRESETS = NOTEBOOKS / "presets.toml"
MOST_RUNS = 100_000


def load(name):
    """(name, notebook without outputs, folder) of a lesson, named as in `course build` ("04", "04_dropout"), or of any
    notebook by its path. Raises ValueError if there is none."""
    path = Path(name) if name.endswith(".ipynb") else targets(lessons([name])[0])["learner"]
    if not path.is_file():
        raise ValueError(f"there is no notebook {path.name}: run `course build`, or check the path")
    try:
        notebook = nbformat.read(path, 4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, AttributeError) as error:
        raise ValueError(f"{path.name} is not a Jupyter notebook ({str(error)[:60]!r})") from error
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return path.stem, notebook, str(path.resolve().parent)


def declaration(name, notebook):
    """{name: Parameter} of a notebook. Raises ValueError unless exactly one cell, tagged `parameters`, declares them."""
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ValueError(f"{name}: {len(cells)} cells are tagged `parameters`, but one must be")
    try:
        return declared_parameters(cells[0].source)
    except ValueError as error:
        raise ValueError(f"{name}, parameters cell, {error}") from error


def plan(name, settings=(), preset=None, *, several=False):
    """The runs that a command line asks for: a list of Run, one unless `several`.

    name: a lesson or a path; settings: texts "name=value", or, if `several`, "name=value,value" and "name=first:end:step"
    for whole numbers, which make a grid; preset: a name in presets.toml, overridden by settings. Raises ValueError with one
    line that says what to do if a name, a type or a value is not what the lesson declares.
    """
    lesson, notebook, folder = load(name)
    parameters = declaration(lesson, notebook)
    values = {key: [value] for key, value in (preset_values(preset, lesson) if preset else {}).items()}
    check_values(parameters, {key: value for key, (value,) in values.items()})
    values |= parse_settings(parameters, settings, several)
    if (total := math.prod(map(len, values.values()))) > MOST_RUNS:
        raise ValueError(f"these are {total} runs; a sweep takes at most {MOST_RUNS}: give fewer values")
    for key, choices in values.items():
        for value in choices:
            check_values(parameters, {key: value})
    code = code_hash(notebook)
    grid = [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]
    runs = [make_run(lesson, notebook, folder, parameters, chosen, code) for chosen in grid]
    return list({run.name: run for run in runs}.values())


def make_run(lesson, notebook, folder, parameters, chosen, code):
    """The Run of one choice of values. code: the notebook's `code_hash`."""
    defaults = {p.name: p.default for p in parameters.values()}
    given = {name: float(value) if parameters[name].type is float else value for name, value in chosen.items()}
    values = defaults | given
    changed = {name: value for name, value in values.items() if value != defaults[name]}
    name = f"{lesson}-{hash_of(changed)[:10]}" if changed else lesson
    return Run(lesson, notebook, folder, values, changed, code, hash_of([code, values]), name)


def parse_settings(parameters, settings, several):
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


def parse_value(parameter, text):
    """A value of the parameter's type from text, or the text itself where it is not one (so that the check refuses it)."""
    try:
        if parameter.type is bool:
            return {"true": True, "false": False}[text.lower()]
        return ast.literal_eval(text) if parameter.type is list else parameter.type(text)
    except (ValueError, KeyError, SyntaxError, RecursionError, MemoryError):
        return text


def parse_values(parameter, text):
    """Values from "1,2,3", or from "first:end" or "first:end:step" for whole numbers (the end is left out, as in Python)."""
    if parameter.type is list:
        return parse_value(parameter, f"[{text}]") if text.lstrip().startswith("[") else [text]
    if parameter.type is int and (bounds := re.fullmatch(r"(-?\d{1,12}):(-?\d{1,12})(?::([1-9]\d{0,11}))?", text)):
        numbers = range(int(bounds[1]), int(bounds[2]), int(bounds[3] or 1))
        if not 0 < len(numbers) <= MOST_RUNS:
            raise ValueError(f"{parameter.name}={text} are {len(numbers)} values: give first:end with 1 to {MOST_RUNS} between")
        return list(numbers)
    return [parse_value(parameter, part.strip()) for part in text.split(",")]


def preset_values(preset, lesson):
    """What a preset of presets.toml sets in a lesson: its table `all` and the lesson's own. Raises ValueError for an
    unknown preset, and for one that is not for this lesson."""
    presets = tomllib.loads(PRESETS.read_text(encoding="utf-8"))
    if preset not in presets:
        near = difflib.get_close_matches(preset, presets, n=1)
        raise ValueError(
            f"unknown preset {preset!r}: " + (f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(presets)}")
        )
    tables = presets[preset]
    if not {"all", lesson} & set(tables):
        raise ValueError(f"preset {preset!r} is for {', '.join(tables)}, not for {lesson}")
    return tables.get("all", {}) | tables.get(lesson, {})


def code_hash(notebook):
    """Hash of a notebook's code and of every helper of this course that it imports; prose and outputs do not count."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    helpers = set()
    for source in sources:
        try:
            helpers |= imported_helpers(source)
        except SyntaxError:  # a magic, or an error that the run will show
            continue
    return hash_of([sources, [fingerprint(path) for path in sorted(helpers)]])


def hash_of(value):
    """SHA-256 of a value's JSON text with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def describe(values):
    """Parameters in one line: "p_drop=0.1, seed=3", or "defaults"."""
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "defaults"


def aligned(rows):
    """Rows of texts as lines of text whose columns are aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)
