"""Committed notebooks: built from their source, executed in order, with the course's anatomy."""

import re
from statistics import median

import nbformat
import pytest

from course_utils.nbval_plugin import verdict_lines
from course_utils.parameters import declared_parameters
from course_utils.tools.budget import counts, minutes, visible_lines
from course_utils.tools.build import KERNEL, assemble
from course_utils.tools.lessons import NOTEBOOKS, lesson_name, lessons, targets
from course_utils.tools.variants import variant

BUILT = [(source, name, path) for source in lessons() for name, path in targets(source).items()]
LEARNERS = [(source, path) for source, name, path in BUILT if name == "learner"]
NAMES = [lesson_name(source) for source, _ in LEARNERS]
LESSONS = [(source, path) for source, path in LEARNERS if source.stem != "00_start_here" and source.parent.name != "deeper"]


@pytest.fixture(params=BUILT, ids=lambda b: f"{lesson_name(b[0])}-{b[1]}")
def built(request):
    source, name, path = request.param
    return source, name, nbformat.read(path, 4), path


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_matches_its_source(built):
    source, name, notebook, _ = built
    assert [c.source for c in notebook.cells] == [c.source for c in assemble(source, name).cells], "run `course build`"


def test_every_notebook_has_a_source():
    committed = [path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    assert {path.resolve() for path in committed} == {path.resolve() for _, _, path in BUILT}


def test_metadata_is_what_jupyterlab_writes(built):
    metadata = built[2].metadata
    assert metadata.kernelspec == KERNEL
    assert {"codemirror_mode", "file_extension", "mimetype", "nbconvert_exporter", "pygments_lexer"} <= set(
        metadata.language_info
    )


def test_folded_cells_begin_with_what_is_inside(built):
    folded = [cell for cell in built[2].cells if "fold" in cell.metadata.get("tags", [])]
    assert [cell.source for cell in folded if not cell.source.startswith("# ")] == []


def test_was_executed_in_order_without_error(built):
    notebook = built[2]
    assert [c.execution_count for c in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))
    outputs = [o for c in code_cells(notebook) for o in c.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


def test_is_small_and_names_no_place_on_a_disk(built):
    text = built[3].read_text(encoding="utf-8")
    assert len(text.encode()) <= 500_000
    assert not re.search(r"/(home|root|Users|tmp|work)/", text)
    assert '"widgets"' not in text
    assert not re.search(r" at 0x[0-9a-f]{6}", text), "an object's address changes with every build"


def test_every_claim_reached_its_expected_verdict(built):
    outputs = [o.data["text/plain"] for c in code_cells(built[2]) for o in c.outputs if "text/plain" in o.get("data", {})]
    assert [c for c in code_cells(built[2]) if verdict_lines(c.outputs)]
    assert [text for text in outputs if "(the course's own run:" in text] == []


def test_every_picture_has_alt_text(built):
    outputs = [o for c in code_cells(built[2]) for o in c.outputs]
    images = [image for o in outputs for image in re.findall("<img [^>]*>", o.get("data", {}).get("text/html", ""))]
    assert images
    assert [image[-200:] for image in images if not re.search(r'alt="[^"]{20,}"', image)] == []
    bare = [o for o in outputs if "image/png" in o.get("data", {}) and "<img " not in o.data.get("text/html", "")]
    assert not bare, "show figures by `show(fig, alt=...)`: JupyterLab has no alt text for a PNG"


def test_claims_are_compared_by_their_verdicts_alone(built):
    tagged = [c for c in code_cells(built[2]) if "nbval-check-output" in c.metadata.get("tags", [])]
    assert [c.source for c in tagged if verdict_lines(c.outputs)] == [], "plain nbval would compare measured numbers"
    assert [c.source for c in tagged if not c.outputs] == []


@pytest.mark.parametrize(("source", "path"), LEARNERS, ids=NAMES)
def test_parameters_are_declared_once_and_checked(source, path):
    cells = code_cells(nbformat.read(path, 4))
    tagged = [c for c in cells if "parameters" in c.metadata.get("tags", [])]
    assert tagged == cells[:1]
    assert {"seed", "device"} <= set(declared_parameters(tagged[0].source))
    assert "parameters = check_parameters(In, globals())" in cells[1].source


def first_prose_words(notebook):
    """Words of prose before the first picture, and the visible code cells before it, parameters aside."""
    words, code = 0, 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            words += len(re.sub(r"<details>.*?</details>", "", cell.source, flags=re.DOTALL).split())
        elif any("<img " in o.get("data", {}).get("text/html", "") for o in cell.outputs):
            return words, code
        elif not {"fold", "parameters"} & set(cell.metadata.get("tags", [])):
            code += 1
    raise AssertionError("no picture")


RECUT = [p for p in LEARNERS if "{minutes}" in p[0].read_text(encoding="utf-8")]  # 01 to 03 are still to be cut to the budgets
BUDGET = {"words": (0, 1800), "lines": (0, 160), "cells": (25, 45), "claims": (4, 8), "figures": (3, 6), "exercises": (3, 4)}
DIVE = {"words": (0, 1200), "lines": (0, 120), "cells": (12, 30), "claims": (2, 6), "figures": (1, 4), "exercises": (1, 2)}


@pytest.mark.parametrize(("source", "path"), RECUT, ids=lambda value: value.stem)
def test_keeps_to_its_budget(source, path):
    notebook = nbformat.read(path, 4)
    is_dive, is_start = source.parent.name == "deeper", source.stem == "00_start_here"
    n, budget = counts(notebook), DIVE if is_dive else BUDGET
    least = {name: 0 if is_start else low for name, (low, _) in budget.items()}
    assert {name: n[name] for name, (_, high) in budget.items() if not least[name] <= n[name] <= high} == {}
    time_needed = minutes(variant(source, "learner"))  # the syllabus of lesson 00 is for looking up
    assert time_needed <= (30 if is_dive else 10 if is_start else 45)
    assert f"{time_needed} minutes" in notebook.cells[0].source


@pytest.mark.parametrize(("source", "path"), RECUT, ids=lambda value: value.stem)
def test_opens_with_a_picture_and_shows_only_the_idea(source, path):
    notebook = nbformat.read(path, 4)
    words, code = first_prose_words(notebook)
    assert (words <= 150, code) == (True, 0), f"{words} words and {code} cells of code before the first picture"
    visible = [c for c in code_cells(notebook) if not {"fold", "parameters"} & set(c.metadata.get("tags", []))]
    lengths = [len(visible_lines(c.source)) for c in visible]
    assert median(lengths) <= 7
    assert max(lengths) <= 20
    assert [line for c in visible for line in c.source.splitlines() if len(line) > 100] == []
    folded = [c for c in code_cells(notebook) if "fold" in c.metadata.get("tags", [])]
    assert [c.source.splitlines()[0] for c in folded if not c.source.startswith("# ")] == [], "say first what a fold hides"


@pytest.mark.parametrize(("source", "path"), RECUT, ids=lambda value: value.stem)
def test_predicts_claims_and_ends_as_every_lesson(source, path):
    notebook = nbformat.read(path, 4)
    sources = [c.source for c in code_cells(notebook)]
    assert any(re.search(r"^prediction = None", s, re.MULTILINE) for s in sources)
    assert any("claims.table()" in s for s in sources)
    assert any("claims.record(" in s for s in sources)


@pytest.mark.parametrize(("source", "path"), [p for p in LESSONS if p not in RECUT], ids=lambda value: value.stem)
def test_has_the_anatomy_of_a_lesson(source, path):
    notebook = nbformat.read(path, 4)
    prose = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    for part in ("**The question:**", "## Predict", "## When it goes wrong|When it goes wrong", "popular lessons go wrong",
                 "**References**|## References", "## Summary", "Exercise"):  # fmt: skip
        assert re.search(part.replace("*", r"\*"), prose), f"{source.stem} lacks {part}"
    cells = code_cells(notebook)
    assert len([c for c in cells if "stub" in c.metadata.get("tags", [])]) >= 3
    assert any("claim_table(claims)" in c.source for c in cells)
    assert any("write_record(" in c.source for c in cells)


@pytest.mark.parametrize(("source", "path"), [p for p in LEARNERS if p not in RECUT], ids=lambda value: value.stem)
def test_cells_are_short_and_explained(source, path):
    """Folded cells are left out of the lengths, and those that claim: these are sentences, formatted one argument a line."""
    notebook = nbformat.read(path, 4)
    code = [c for c in code_cells(notebook) if "fold" not in c.metadata.get("tags", []) and not verdict_lines(c.outputs)]
    lengths = sorted(len([line for line in c.source.splitlines() if line.strip()]) for c in code)
    words = sum(len(c.source.split()) for c in notebook.cells if c.cell_type == "markdown")
    assert median(lengths) <= 10
    assert lengths[int(0.9 * len(lengths))] <= 18
    assert lengths[-1] <= 30
    assert words / sum(lengths) >= 6
    assert 15 <= len(notebook.cells) <= 105
