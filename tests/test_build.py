"""`course build`: two notebooks from one source, executed, byte for byte the same again, and never half-written."""

import re

import nbformat
import pytest
from ipykernel.ipkernel import IPythonKernel

from course_utils.cli import main
from course_utils.tools import build, lessons
from course_utils.tools.fingerprint import fingerprint, reached

SOURCE = """# %% [markdown]
# # A lesson

# %% tags=["parameters"]
seed: int = 0  # [0, 9] seed

# %%
from course_utils.measure import accuracy_standard_error

print(seed, accuracy_standard_error(0.5, 100))

# %% tags=["fold"]
# the folded line
print("folded")

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


def test_an_edit_during_the_build_makes_its_output_stale(folder):
    source = folder / "source" / "07_tiny.py"
    edits_itself = "\n# %%\nwith open('source/07_tiny.py', 'a') as file:\n    print('# edited', file=file)\n"
    source.write_text(SOURCE + edits_itself, encoding="utf-8")
    build.build(source, "learner")
    assert source.read_text(encoding="utf-8").endswith("# edited\n")
    assert not build.is_current(source, "learner")


def test_a_deep_dive_is_built_into_its_folder_and_runs_there(folder):
    dive = folder / "source" / "deeper" / "07_why.py"
    dive.parent.mkdir()
    dive.write_text("# %%\nimport os\n\nprint(os.path.basename(os.getcwd()))\n", encoding="utf-8")
    assert main(["build", "deeper/07_why"]) == 0
    for path in (folder / "deeper" / "07_why.ipynb", folder / "solutions" / "deeper" / "07_why.ipynb"):
        (cell,) = nbformat.read(path, 4).cells
        assert cell.outputs[0].text == "deeper\n"
    assert not (folder / "07_tiny.ipynb").exists()


def test_a_folded_cell_is_folded_in_jupyterlab_and_on_the_site(folder):
    cells = build.assemble(folder / "source" / "07_tiny.py", "learner").cells
    (folded,) = [cell for cell in cells if "fold" in cell.metadata.get("tags", [])]
    assert folded.metadata == {"tags": ["fold", "hide-input"], "jupyter": {"source_hidden": True}}
    assert not [cell for cell in cells if cell is not folded and "jupyter" in cell.metadata]


def test_metadata_is_what_jupyterlab_writes(folder):
    build.build(folder / "source" / "07_tiny.py", "learner")
    metadata = nbformat.read(folder / "07_tiny.ipynb", 4).metadata
    assert metadata.pop("course").keys() == {"fingerprint"}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    assert metadata == {"kernelspec": kernel, "language_info": IPythonKernel.language_info}


def test_no_widget_state_stays(folder):
    cell = "import ipywidgets\n\nipywidgets.IntSlider()"
    (folder / "source" / "07_tiny.py").write_text(f"# %%\n{cell}\n", encoding="utf-8")
    build.build(folder / "source" / "07_tiny.py", "learner")
    assert "widget" not in re.sub("ipywidgets", "", (folder / "07_tiny.ipynb").read_text(encoding="utf-8"))


@pytest.fixture
def house(folder, monkeypatch):
    """A small course_utils in which a lesson's helper `a` imports all others, each in a form of its own."""
    files = {
        "__init__": "",
        "a": "import course_utils.b as b\nfrom course_utils import c\nfrom .d import deep\n",
        "b": "def late():\n    from course_utils.e import something\n",
        "c": "import importlib\nimportlib.import_module('course_utils.f')\nSTYLE = 'course.mplstyle'\n",
        "d/__init__": "from . import deep\n", "d/deep": "from .. import g\nSCRIPT = 'loop.js'\n",
        "e": "", "f": "", "g": "", "unrelated": "",
    }  # fmt: skip
    for name, text in files.items():
        path = folder / "course_utils" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in ("course.mplstyle", "d/loop.js", "unrelated.js"):
        (folder / "course_utils" / name).touch()
    monkeypatch.setattr(lessons, "ROOT", folder)
    (folder / "source" / "07_tiny.py").write_text("# %%\nfrom course_utils.a import a\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("file", "counts"),
    [(f"{name}.py", True) for name in ("__init__", "a", "b", "c", "d/__init__", "d/deep", "e", "f", "g")]
    + [("course.mplstyle", True), ("d/loop.js", True), ("unrelated.py", False), ("unrelated.js", False)],
)
def test_the_fingerprint_follows_every_helper_and_its_files(house, file, counts):
    source = house / "source" / "07_tiny.py"
    before = fingerprint(source)
    (house / "course_utils" / file).write_text("print()", encoding="utf-8")
    assert (fingerprint(source) != before) is counts


HELPER = """
LIMIT = 3
OTHER = 4


def used(x):
    '''Say what it does.'''
    return inner(x) + LIMIT


def inner(x):
    from course_utils.late import deep
    return deep(x)


def unused(x):
    return OTHER + shared(x)
"""


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ("return inner(x) + LIMIT", "return inner(x) - LIMIT", True),
        ("LIMIT = 3", "LIMIT = 5", True),
        ("return deep(x)", "return 2 * deep(x)", True),
        ("def used", "@print\ndef used", True),
        ("LIMIT = 3", "LIMIT = 3\nprint(LIMIT)", True),
        ("Say what it does.", "Say it better.", False),
        ("return OTHER", "return 2 * OTHER", False),
        ("OTHER = 4", "OTHER = 5", False),
        ("def unused", "def never_used", False),
    ],
)
def test_the_fingerprint_covers_what_a_lesson_can_reach(house, before, after, counts):
    source, helper = house / "source" / "07_tiny.py", house / "course_utils" / "helper.py"
    (house / "course_utils" / "late.py").write_text("def deep(x):\n    return x\n", encoding="utf-8")
    source.write_text("# %%\nfrom course_utils.helper import used\n", encoding="utf-8")
    helper.write_text(HELPER, encoding="utf-8")
    mark = fingerprint(source)
    assert before in HELPER
    helper.write_text(HELPER.replace(before, after), encoding="utf-8")
    assert (fingerprint(source) != mark) is counts


@pytest.mark.parametrize(
    "form", ["from course_utils import late", "from course_utils.late import deep as late", "import course_utils.late as late"]
)
def test_the_fingerprint_follows_what_a_function_uses(house, form):
    source, late = house / "source" / "07_tiny.py", house / "course_utils" / "late.py"
    source.write_text("# %%\nfrom course_utils.helper import used\n", encoding="utf-8")
    (house / "course_utils" / "helper.py").write_text(f"{form}\n\n\ndef used():\n    return late\n", encoding="utf-8")
    late.write_text("def deep(x):\n    return x\n", encoding="utf-8")
    mark = fingerprint(source)
    late.write_text("def deep(x):\n    return -x\n", encoding="utf-8")
    assert fingerprint(source) != mark


def test_the_course_style_counts_for_a_lesson_with_figures():
    assert "course.mplstyle" in (lessons.ROOT / "course_utils" / "figures.py").read_text(encoding="utf-8")
    files = {path for path, _ in reached(lessons.lessons(["00"])[0])}
    assert {lessons.ROOT / "course_utils" / name for name in ("figures.py", "course.mplstyle")} <= files


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("07", "07_tiny"),
        ("07_tiny", "07_tiny"),
        ("07_tiny.ipynb", "07_tiny"),
        ("notebooks/source/07_tiny.py", "07_tiny"),
        ("08", "08_a"),
        ("08_a", "08_a"),
        ("deeper/07", "deeper/07_why"),
        ("deeper/07_why", "deeper/07_why"),
        ("notebooks/deeper/07_why.ipynb", "deeper/07_why"),
        ("notebooks/source/deeper/07_why.py", "deeper/07_why"),
        ("deeper/08_a", "deeper/08_a"),
        *[(name, None) for name in ("0", "", "99", "07_why", "deeper", "deeper/", "deeper/08", "deeper/07_tiny")],
    ],
)
def test_a_number_means_the_lesson_and_a_dive_goes_by_its_name(folder, name, source):
    (folder / "source" / "deeper").mkdir()
    for other in ("08_a", "deeper/07_why", "deeper/08_a", "deeper/08_ab"):
        (folder / "source" / f"{other}.py").touch()
    if source:
        assert [lessons.lesson_name(path) for path in lessons.lessons([name])] == [source]
    else:
        with pytest.raises(
            ValueError, match="no single lesson is called .*: choose from 07_tiny, 08_a, deeper/07_why, deeper/08_a"
        ):
            lessons.lessons([name])
    names = [lessons.lesson_name(path) for path in lessons.lessons()]
    assert names == ["07_tiny", "08_a", "deeper/07_why", "deeper/08_a", "deeper/08_ab"]


def test_an_unknown_lesson_is_named(folder, capsys):
    assert main(["build", "99"]) == 2
    assert "choose from 07_tiny" in capsys.readouterr().err
