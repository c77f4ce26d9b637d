"""The learner's copies hold the lesson without its results, lead where the lesson leads, and are never overwritten."""

import json
import os
import re

import nbformat
import pytest

from course_utils import cli
from course_utils.tools import copies

LESSONS = copies._originals()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder of copies beside the project's notebooks."""
    monkeypatch.setattr(copies, "COPIES", tmp_path / "my_notebooks")
    return tmp_path / "my_notebooks"


def broken_links(path):
    """The relative links of a notebook's prose that lead nowhere."""
    prose = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown"]
    links = [link for text in prose for _, link in copies.LINK.findall(re.sub(r"`[^`\n]*`|\$[^$]*\$", "", text))]
    return [link for link in links if ":" not in link and not (path.parent / link).exists()]


def test_a_copy_has_the_cells_of_its_lesson_and_no_results(folder):
    assert copies.make_copies() == []
    for original in LESSONS:
        before, after = nbformat.read(original, 4), nbformat.read(copies.copy_of(original), 4)
        assert [cell.id for cell in after.cells] == [cell.id for cell in before.cells]
        assert [cell.metadata for cell in after.cells] == [cell.metadata for cell in before.cells]  # tags, folded cells
        code = [cell for cell in after.cells if cell.cell_type == "code"]
        assert any("parameters" in cell.metadata.get("tags", []) for cell in code)
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_links_lead_somewhere_from_the_lesson_and_from_the_copy():
    copies.make_copies()
    for original in LESSONS:
        assert broken_links(original) == []
        assert broken_links(copies.copy_of(original)) == []


@pytest.mark.parametrize("place", ["04_dropout.ipynb", "deeper/04_ensemble.ipynb"])
@pytest.mark.parametrize("target", ["notebooks/solutions/04_dropout.ipynb", "docs/images/hero.png", "README.md"])
def test_a_link_to_what_is_not_copied_is_turned_to_it(place, target):
    original = copies.NOTEBOOKS / place
    link = copies._relinked(os.path.relpath(copies.ROOT / target, original.parent), original)
    assert os.path.normpath(copies.copy_of(original).parent / link) == str(copies.ROOT / target)


def test_links_to_lessons_and_to_nothing_stay_as_they_are():
    for link in ("01_overfitting.ipynb", "https://arxiv.org/abs/1611.03530", "inputs"):
        assert copies._relinked(link, LESSONS[0]) == link


def test_both_kinds_of_links_are_seen_and_keep_their_anchor():
    text = 'see [solved](solutions/00_start_here.ipynb#cell-3) or <img src="../docs/images/hero.png">'
    assert [link for _, link in copies.LINK.findall(text)] == ["solutions/00_start_here.ipynb", "../docs/images/hero.png"]


def test_a_copy_that_exists_is_never_overwritten(folder):
    copies.make_copies()
    answered = copies.copy_of(LESSONS[1])
    answered.write_text("my answers")
    copies.copy_of(LESSONS[2]).unlink()
    assert copies.make_copies() == [LESSONS[1].stem]  # it cannot be read, so that nobody knows how old it is
    assert answered.read_text() == "my answers"
    assert copies.copy_of(LESSONS[2]).exists()


def test_a_copy_is_outdated_when_the_text_of_its_lesson_changes(tmp_path, monkeypatch, capsys):
    assert copies.make_copies() == []
    fingerprint = copies.text_fingerprint
    monkeypatch.setattr(copies, "text_fingerprint", lambda path: fingerprint(path) + "changed" * (path == LESSONS[0]))
    monkeypatch.setattr(copies, "open_lab", lambda arguments: print("lab", *arguments))
    assert cli.main(["lab", "--", "--no-browser"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("my_notebooks/00_start_here is older than the lesson") and "fresh 00_start_here`" in lines[0]
    assert lines[1] == "lab --no-browser"


def test_the_fingerprint_is_of_the_text_not_of_the_results(tmp_path):
    notebook = json.loads(LESSONS[0].read_text(encoding="utf-8"))
    path = tmp_path / "lesson.ipynb"
    for change, same in (("outputs", True), ("source", False)):
        next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")[change] = []
        path.write_text(json.dumps(notebook), encoding="utf-8")
        assert (copies.text_fingerprint(path) == copies.text_fingerprint(LESSONS[0])) is same


def test_fresh_keeps_every_old_copy(folder, capsys):
    assert cli.main(["fresh", "00"]) == 0
    copy = copies.copy_of(LESSONS[0])
    assert capsys.readouterr().out == f"{copy} is new\n"
    for number in (1, 2):
        copy.write_text(f"answers {number}")
        assert cli.main(["fresh", "00"]) == 0
        assert f"00_start_here_old_{number}.ipynb" in capsys.readouterr().out
    assert [(folder / f"00_start_here_old_{number}.ipynb").read_text() for number in (1, 2)] == ["answers 1", "answers 2"]
    assert nbformat.read(copy, 4).cells


def test_fresh_names_the_lessons_there_are(folder, capsys):
    assert cli.main(["fresh", "77"]) == 2
    assert "choose from 00_start_here" in capsys.readouterr().err
    assert not folder.exists()


@pytest.mark.parametrize("user", [0, 1000])
def test_the_lab_opens_the_first_copy_on_one_thread_and_as_root_if_need_be(user, monkeypatch):
    from jupyterlab.labapp import LabApp

    started = {}
    monkeypatch.setattr(LabApp, "launch_instance", lambda arguments: started.update(arguments=arguments, env=dict(os.environ)))
    monkeypatch.setattr(copies, "COPIES", copies.ROOT / "my_notebooks")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    copies.open_lab(["--no-browser"])
    assert ("--allow-root" in started["arguments"]) == (user == 0)
    assert "--LabApp.default_url=/lab/tree/my_notebooks/00_start_here.ipynb" in started["arguments"]
    assert started["env"]["OMP_NUM_THREADS"] == "1"
    assert started["env"]["JUPYTER_CONFIG_PATH"].endswith(f"{os.pathsep}/mine")


def test_news_and_updates_are_switched_off_where_jupyterlab_looks(monkeypatch):
    from jupyterlab_server.settings_utils import _get_overrides

    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(copies.Path(copies.__file__).with_name("jupyter")))
    overrides, error = _get_overrides("nowhere")
    assert not error
    assert overrides["@jupyterlab/apputils-extension:notification"] == {"fetchNews": "false", "checkForUpdates": False}
