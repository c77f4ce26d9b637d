"""What to rerun: a lesson's notebook, the parameters it declares, and the values asked for, all checked before a kernel
starts. Each is described by a `Rerun`; its `key` is the hash of everything its result depends on."""

import hashlib
import itertools
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat

from course_utils.parameters import Parameter, check_values, declared_parameters
from course_utils.reruns.settings import MOST_RUNS, parse_settings, preset_values
from course_utils.tools.files import file_name
from course_utils.tools.fingerprint import fingerprint
from course_utils.tools.lessons import NOTEBOOKS, imported_helpers, lessons, targets


@dataclass(frozen=True)
class Rerun:
    """One execution of a notebook, done or to be done.

    Attributes:
        lesson: the lesson's name: "04_dropout", "deeper/04_ensemble", or of a notebook elsewhere as in `result_name`.
        notebook: without outputs.
        folder: where it runs.
        parameters: all of them.
        changed: those that differ from the defaults.
        code: hash of code and helpers.
        key: hash of code and parameters.
        name: what its files are called.
    """

    lesson: str
    notebook: nbformat.NotebookNode
    folder: str
    parameters: dict
    changed: dict
    code: str
    key: str
    name: str


def load(name: str) -> tuple[str, nbformat.NotebookNode, str]:
    """Read a notebook.

    Args:
        name: of a lesson, as in `course build` ("04", "04_dropout", "deeper/04_ensemble"), or the path of any notebook.

    Returns:
        The lesson's name, the notebook without outputs, and the folder in which it runs.

    Raises:
        ValueError: There is none, or it is no notebook.
    """
    path = Path(name) if name.endswith(".ipynb") else targets(lessons([name])[0])["learner"]
    if not path.is_file():
        raise ValueError(f"there is no notebook {path}: run `course build`, or check the path")
    try:
        notebook = nbformat.read(path, 4)
    except (nbformat.ValidationError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path.name} is not a Jupyter notebook ({str(error)[:60]!r})") from error
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return result_name(path), notebook, str(path.resolve().parent)


def result_name(path: Path) -> str:
    """What the results of a notebook are filed under: its path under `notebooks/` without suffix ("deeper/04_ensemble"), or,
    elsewhere, its name and a hash of its path ("toy-1a2b3c"), so that no two notebooks share results."""
    path = path.resolve()
    if path.is_relative_to(NOTEBOOKS.resolve()):
        return path.relative_to(NOTEBOOKS.resolve()).with_suffix("").as_posix()
    return f"{path.stem}-{hash_of(str(path))[:6]}"


def declaration(name: str, notebook: nbformat.NotebookNode) -> dict[str, Parameter]:
    """The parameters of a notebook.

    Args:
        name: of the lesson, for the message.
        notebook: the notebook.

    Returns:
        {name: Parameter}.

    Raises:
        ValueError: Not exactly one cell is tagged `parameters`, or its declaration has a fault.
    """
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ValueError(f"{name}: {len(cells)} cells are tagged `parameters`, but one must be")
    try:
        return declared_parameters(cells[0].source)
    except ValueError as error:
        raise ValueError(f"{name}, parameters cell, {error}") from error


def plan(name: str, settings: Iterable[str] = (), preset: str | None = None, *, several: bool = False) -> list[Rerun]:
    """What a command line asks for.

    Args:
        name: of a lesson, or a path, as in `load`.
        settings: texts "name=value", or, if `several`, "name=value,value" and "name=first:end:step" for whole numbers, which
            make a grid.
        preset: a name in presets.toml, overridden by settings.
        several: whether a parameter may have several values.

    Returns:
        A Rerun per combination of values: one unless `several`.

    Raises:
        ValueError: A name, a type or a value is not what the lesson declares; one line that says what to do.
    """
    lesson, notebook, folder = load(name)
    parameters = declaration(lesson, notebook)
    preset_choices = {key: [value] for key, value in (preset_values(preset, lesson) if preset else {}).items()}
    given = [*preset_choices.items(), *parse_settings(parameters, settings, several).items()]
    for key, choices in given:
        for value in choices:
            check_values(parameters, {key: value})
    values = dict(given)
    if (total := math.prod(map(len, values.values()))) > MOST_RUNS:
        raise ValueError(f"these are {total} runs; a sweep takes at most {MOST_RUNS}: give fewer values")
    code = code_hash(notebook)
    grid = [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]
    reruns = [make_rerun(lesson, notebook, folder, parameters, chosen, code) for chosen in grid]
    return list({rerun.name: rerun for rerun in reruns}.values())


def make_rerun(
    lesson: str, notebook: nbformat.NotebookNode, folder: str, parameters: dict[str, Parameter], chosen: dict, code: str
) -> Rerun:
    """The Rerun of one choice of values; code: the notebook's `code_hash`."""
    defaults = {p.name: _normal(p.default, p.type) for p in parameters.values()}
    values = defaults | {name: _normal(value, parameters[name].type) for name, value in chosen.items()}
    changed = {name: value for name, value in values.items() if value != defaults[name]}
    name = f"{lesson}-{hash_of(changed)[:10]}" if changed else lesson
    return Rerun(lesson, notebook, folder, values, changed, code, hash_of([code, values]), file_name(name))


def _normal(value, kind):
    """The value in the one form of its type: 1 is 1.0 where floats are declared, and -0.0 is 0.0."""
    if kind is list:
        return [_normal(item, type(item)) for item in value]
    return float(value) + 0.0 if kind is float else value


def code_hash(notebook: nbformat.NotebookNode) -> str:
    """Hash of a notebook's code and of every helper of this course that it imports; prose and outputs do not count."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    helpers = set()
    for source in sources:
        try:
            helpers |= imported_helpers(source)
        except SyntaxError:  # a magic, or an error that the run will show
            continue
    return hash_of([sources, [fingerprint(path) for path in sorted(helpers)]])


def hash_of(value: object) -> str:
    """SHA-256 of a value's JSON text with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def describe(values: dict) -> str:
    """Parameters in one line: "p_drop=0.1, seed=3", or "defaults"."""
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "defaults"


def aligned(rows: list[tuple[str, ...]]) -> str:
    """Rows of texts as lines of text whose columns are aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)
