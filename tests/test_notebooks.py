"""Committed notebooks: built from their source, executed in order, with the course's anatomy."""

import re
from statistics import median

import nbformat
import pytest

from course_utils.parameters import declared_parameters
from course_utils.tools.build import assemble
from course_utils.tools.lessons import lessons, targets

BUILT = [(source, variant, path) for source in lessons() for variant, path in targets(source).items()]
LEARNERS = [(source, path) for source, variant, path in BUILT if variant == "learner"]


def lesson_id(value):
    return getattr(value, "stem", value)


@pytest.fixture(params=BUILT, ids=lambda b: f"{b[0].stem}-{b[1]}")
def built(request):
    source, variant, path = request.param
    return source, variant, nbformat.read(path, 4), path


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_matches_its_source(built):
    source, variant, notebook, _ = built
    assert [c.source for c in notebook.cells] == [c.source for c in assemble(source, variant).cells], "run `course build`"


def test_was_executed_in_order_without_error(built):
    notebook = built[2]
    assert [c.execution_count for c in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))
    outputs = [o for c in code_cells(notebook) for o in c.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


def test_is_small_and_names_no_place_on_a_disk(built):
    text = built[3].read_text(encoding="utf-8")
    assert len(text.encode()) <= 600_000
    assert not re.search(r"/(home|root|Users|tmp|work)/", text)
    assert '"widgets"' not in text
    assert not re.search(r" at 0x[0-9a-f]{6}", text), "an object's address changes with every build"


def test_every_claim_reached_its_expected_verdict(built):
    outputs = [o.data["text/plain"] for c in code_cells(built[2]) for o in c.outputs if "text/plain" in o.get("data", {})]
    claims = [text for text in outputs if re.match(r"\d\d\.\d+ (SUPPORTED|NOT SUPPORTED|INCONCLUSIVE)", text)]
    assert claims
    assert [text for text in claims if "(the course's own run:" in text] == []


def test_every_figure_has_alt_text(built):
    pages = [o.data["text/html"] for c in code_cells(built[2]) for o in c.outputs if "text/html" in o.get("data", {})]
    images = [image for page in pages for image in re.findall("<img [^>]*>", page)]
    assert images
    assert all(re.search(r' alt="[^"]{20,}"', image) for image in images)


def test_claim_cells_are_compared_by_nbval(built):
    for cell in code_cells(built[2]):
        if re.search(r"verdicts\.(exact|within|compare|holds)\(", cell.source) and "display(" in cell.source:
            assert "nbval-check-output" in cell.metadata.get("tags", []), cell.source[:200]


@pytest.mark.parametrize(("source", "path"), LEARNERS, ids=lesson_id)
def test_parameters_are_declared_once_and_checked(source, path):
    cells = code_cells(nbformat.read(path, 4))
    tagged = [c for c in cells if "parameters" in c.metadata.get("tags", [])]
    assert tagged == cells[:1]
    assert {"seed", "device"} <= set(declared_parameters(tagged[0].source))
    assert "parameters = check_parameters(In, globals())" in cells[1].source


@pytest.mark.parametrize(("source", "path"), [p for p in LEARNERS if p[0].stem != "00_start_here"], ids=lesson_id)
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


@pytest.mark.parametrize(("source", "path"), LEARNERS, ids=lesson_id)
def test_cells_are_short_and_explained(source, path):
    """Claim cells are left out of the lengths: they are sentences, formatted one argument a line."""
    notebook = nbformat.read(path, 4)
    code = [c for c in code_cells(notebook) if "nbval-check-output" not in c.metadata.get("tags", [])]
    lengths = sorted(len([line for line in c.source.splitlines() if line.strip()]) for c in code)
    words = sum(len(c.source.split()) for c in notebook.cells if c.cell_type == "markdown")
    assert median(lengths) <= 10
    assert lengths[int(0.9 * len(lengths))] <= 18
    assert lengths[-1] <= 30
    assert words / sum(lengths) >= 6
    assert 15 <= len(notebook.cells) <= 105
