"""`course build`: two notebooks from one source, executed, byte for byte the same again, and never half-written."""

import nbformat
import pytest

from course_utils.cli import main
from course_utils.tools import build, lessons

SOURCE = """# %% [markdown]
# # A lesson

# %% tags=["parameters"]
seed: int = 0  # [0, 9] seed

# %%
from course_utils.measure import accuracy_standard_error

print(seed, accuracy_standard_error(0.5, 100))

# %% tags=["stub"]
answer = None

# %% tags=["solution"]
answer = 42

# %% tags=["instructor"]
print("ask the room first")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "source").mkdir()
    monkeypatch.setattr(build, "NOTEBOOKS", tmp_path)
    for name, path in {"SOURCES": tmp_path / "source", "NOTEBOOKS": tmp_path, "SOLUTIONS": tmp_path / "solutions"}.items():
        monkeypatch.setattr(lessons, name, path)
    (tmp_path / "source" / "07_tiny.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def sources_of(path):
    return [cell.source for cell in nbformat.read(path, 4).cells]


def test_builds_both_variants_once_and_the_same_again(folder, capsys):
    assert main(["build"]) == 0
    assert "2 built" in capsys.readouterr().out
    learner, solved = folder / "07_tiny.ipynb", folder / "solutions" / "07_tiny.ipynb"
    assert "answer = None" in sources_of(learner)
    assert not {"answer = 42", 'print("ask the room first")'} & set(sources_of(learner))
    assert {"answer = 42", 'print("ask the room first")'} <= set(sources_of(solved))
    before = learner.read_bytes(), solved.read_bytes()
    assert main(["build"]) == 0
    assert "2 notebooks were up to date, 0 built" in capsys.readouterr().out
    assert main(["build", "07", "--force"]) == 0
    assert (learner.read_bytes(), solved.read_bytes()) == before


def test_an_edit_makes_both_stale(folder, capsys):
    main(["build"])
    assert main(["build", "--check"]) == 0
    source = folder / "source" / "07_tiny.py"
    source.write_text(SOURCE.replace("42", "43"), encoding="utf-8")
    assert main(["build", "--check"]) == 1
    assert "is not up to date" in capsys.readouterr().out


def test_a_cell_that_raises_leaves_the_old_notebook(folder, capsys):
    main(["build"])
    before = (folder / "07_tiny.ipynb").read_bytes()
    (folder / "source" / "07_tiny.py").write_text(SOURCE + "\n# %%\nraise RuntimeError('no')\n", encoding="utf-8")
    assert main(["build"]) == 1
    assert (folder / "07_tiny.ipynb").read_bytes() == before
    assert "2 failed" in capsys.readouterr().out
    assert not list(folder.glob("**/*.part"))


def test_the_fingerprint_follows_the_helpers_a_lesson_imports(folder):
    source = folder / "source" / "07_tiny.py"
    names = {path.name for path in lessons.imported_helpers(source.read_text(encoding="utf-8"))}
    assert names == {"measure.py"}
    changed = lessons.fingerprint(source)
    source.write_text(SOURCE.replace("measure", "models"), encoding="utf-8")
    assert lessons.fingerprint(source) != changed


def test_an_unknown_lesson_is_named(folder, capsys):
    assert main(["build", "99"]) == 2
    assert "choose from 07_tiny" in capsys.readouterr().err
