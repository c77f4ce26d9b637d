"""Tests of the syllabus: made of the lessons that exist."""

import nbformat
import pytest

from course_utils.tools import build, lessons, syllabus

PARAMETERS = '# %% tags=["parameters"]\nseed: int = 0  # [0, 9] the seed\n'


def write(folder, name, title, question, body=""):
    path = folder / "source" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# %% [markdown]\n# # {title}\n#\n# **{question}**\n#\n# {body}\n\n{PARAMETERS}", encoding="utf-8")
    return path


@pytest.fixture
def course(tmp_path, monkeypatch):
    for name, path in {"SOURCES": tmp_path / "source", "NOTEBOOKS": tmp_path, "SOLUTIONS": tmp_path / "solutions"}.items():
        monkeypatch.setattr(lessons, name, path)
    write(tmp_path, "01_noise", "01 · Noise", "What is\n# luck?", "word " * 1800)
    write(tmp_path, "02_rate", "02 · Rates", "How fast?")
    write(tmp_path, "deeper/01_coins", "Deep dive 01 · Coins", "Which side?")
    return tmp_path


def test_every_lesson_is_followed_by_its_dives_with_its_question_and_minutes(course):
    assert syllabus.syllabus("notebooks/").splitlines()[2:] == [
        "| [01 Noise](notebooks/01_noise.ipynb) | What is luck? | 15 |",
        "| · deep dive: [Coins](notebooks/deeper/01_coins.ipynb) | Which side? | 0 |",
        "| [02 Rates](notebooks/02_rate.ipynb) | How fast? | 0 |",
    ]


def test_routes_name_what_exists_and_add_its_minutes(course):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("{syllabus}")])
    syllabus.fill(notebook)
    assert "* **One evening**: 01 (0.2 hours)" in notebook.cells[0].source
    assert "* **For language models**: 01, 02 (0.2 hours)" in notebook.cells[0].source


def test_a_lesson_that_shows_the_syllabus_is_stale_when_another_lesson_changes(course):
    start = write(course, "00_start", "00 · Start", "Where to?", "{syllabus}")
    build.build(start, "learner")
    assert build.is_current(start, "learner")
    assert "| What is luck? |" in (course / "00_start.ipynb").read_text(encoding="utf-8")
    write(course, "02_rate", "02 · Rates", "How slow?")
    assert not build.is_current(start, "learner")


@pytest.mark.parametrize(("title", "question"), [("Noise", "What is luck?"), ("01 · Noise", "A lesson about luck")])
def test_a_source_without_title_or_question_is_refused(course, title, question):
    write(course, "01_noise", title, question)
    with pytest.raises(ValueError, match="01_noise.py: begin with"):
        syllabus.syllabus()
