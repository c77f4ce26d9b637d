"""What is refused before a kernel starts, and which runs a command line makes."""

import json
import subprocess
import sys
import tomllib

import pytest

from course_utils.cli import main
from course_utils.parameters import check_values
from course_utils.reruns import plan as plans
from course_utils.reruns import settings as given
from course_utils.reruns.plan import declaration, plan
from course_utils.reruns.settings import PRESETS, preset_values
from course_utils.tools.build import assemble
from course_utils.tools.lessons import lesson_name, lessons
from tests.toy_notebooks import toy

REFUSED = [
    ("pp=0.1", "did you mean 'p'"),
    ("seed=false", "seed must be of type int"),
    ("seed=1e-3", "seed must be of type int"),
    ("seed=10.0", "seed must be of type int"),
    ("seed=", "seed must be of type int"),
    ("seed=1,2", "seed must be of type int"),
    ("p=1", r"p must be in \[0, 1\)"),
    ("p=nan", r"p must be in \[0, 1\)"),
    ("p=half", "p must be of type float"),
    ("p=1e-400", "p must be of type float"),
    ("flag=0", "flag must be of type bool"),
    ("flag=yes", "flag must be of type bool"),
    ("text=c", 'text must be in {"a", "b"}'),
    ('text=a"; import os; "', 'text must be in {"a", "b"}'),
    ("sizes=1,2", "sizes must be of type list"),
    ("sizes=[1, 10]", r"sizes must have 1 to 9 values in \[1, 9\]"),
    ("sizes=[__import__('os').getpid()]", "sizes must be of type list"),
    ("sizes=" + "[" * 300, "sizes must be of type list"),
    ("seed", "not of the form name=value"),
    ("=1", "unknown parameter ''"),
    ("x;import os=1", "unknown parameter 'x;import os'"),
    ("x\nimport os\ny=1", "unknown parameter"),
    ("__import__('os').environ['A']=1", "unknown parameter"),
    ("In=1", "unknown parameter 'In'"),
    ("SEED=1", "unknown parameter 'SEED'"),
    ("ｓeed=1", "did you mean 'seed'"),
]


@pytest.mark.parametrize(("setting", "says"), REFUSED)
def test_a_faulty_setting_is_refused_before_a_kernel_starts(tmp_path, capsys, setting, says):
    with pytest.raises(ValueError, match=says):
        plan(toy(tmp_path), [setting])
    assert main(["run", toy(tmp_path), "-p", setting, "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_values_are_read_as_the_declared_type(tmp_path):
    (run,) = plan(toy(tmp_path), ["seed=3", "p=0", "flag=TRUE", "text=b", "sizes=[3, 4]"])
    assert run.parameters == {"seed": 3, "p": 0.0, "flag": True, "text": "b", "sizes": [3, 4]}
    assert isinstance(run.parameters["p"], float)
    assert run.changed == run.parameters


def test_a_default_given_again_is_the_same_run(tmp_path):
    path = toy(tmp_path)
    assert plan(path) == plan(path, ["p=0.5", "seed=0"])
    assert plan(path)[0].name == plan(path)[0].lesson


def test_zero_has_one_sign(tmp_path):
    path = toy(tmp_path)
    ((plus,), (minus,), (tiny,)) = (plan(path, [f"p={text}"]) for text in ("0.0", "-0.0", "-0e9"))
    assert plus == minus == tiny
    assert str(minus.parameters["p"]) == "0.0"
    assert len(plan(path, ["p=0,-0.0"], several=True)) == 1


def test_a_lesson_is_called_by_its_path_under_notebooks_and_others_never_alike(tmp_path, monkeypatch):
    for folder in ("notebooks/deeper", "a", "b"):
        (tmp_path / folder).mkdir(parents=True)
        toy(tmp_path / folder, name="04_toy")
    monkeypatch.setattr(plans, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(plans, "lessons", lambda names: names)
    monkeypatch.setattr(plans, "targets", lambda name: {"learner": tmp_path / "notebooks" / f"{name}.ipynb"})
    (dive,) = plan("deeper/04_toy", ["seed=1"])
    assert dive.lesson == "deeper/04_toy"
    assert dive.name.startswith("deeper-04_toy-")
    (a,), (b,) = plan(str(tmp_path / "a" / "04_toy.ipynb")), plan(str(tmp_path / "b" / "04_toy.ipynb"))
    assert a.lesson.startswith("04_toy-")
    assert len({a.lesson, b.lesson, a.name, b.name}) == 2


def test_a_name_given_twice_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'seed' is given twice"):
        plan(toy(tmp_path), ["seed=1", "seed=2"])


def test_the_key_follows_code_and_parameters_but_not_prose(tmp_path):
    path = toy(tmp_path)
    (first,) = plan(path)
    assert plan(path, ["seed=1"])[0].key != first.key
    (edited,) = plan(toy(tmp_path, "1 + 1"))
    assert (edited.key != first.key, edited.name) == (True, first.name)
    text = json.loads((tmp_path / "toy.ipynb").read_text())
    text["cells"].insert(0, {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Prose"})
    (tmp_path / "toy.ipynb").write_text(json.dumps(text))
    assert plan(path)[0].key == edited.key


def test_the_key_follows_the_helpers(tmp_path, monkeypatch):
    (first,) = plan(toy(tmp_path))
    monkeypatch.setattr(plans, "fingerprint", lambda path: f"edited {path.name}")
    assert plan(toy(tmp_path))[0].key != first.key


def test_a_sweep_is_the_grid_without_repetition(tmp_path):
    settings = ["p=0,0.0,0.25", "seed=0:3", "sizes=[1],[2, 3]", "flag=true"]
    runs = plan(toy(tmp_path), settings, several=True)
    assert len(runs) == len({run.key for run in runs}) == 2 * 3 * 2
    assert {run.parameters["seed"] for run in runs} == {0, 1, 2}
    assert all(run.parameters["flag"] is True for run in runs)


def test_a_range_may_have_a_step(tmp_path):
    assert [run.parameters["seed"] for run in plan(toy(tmp_path), ["seed=1:8:3"], several=True)] == [1, 4, 7]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["seed=0:9:0"], "seed must be of type int"),
        (["seed=5:2"], "are 0 values"),
        (["seed=0:999999999999"], "999999999999 values"),
        (["seed=0:102"], r"seed must be in \[0, 100\]"),
        (["seed=0:3,5"], "seed must be of type int"),
        (["seed=0:100", "p=" + ",".join(f"{i / 2000}" for i in range(1100))], "110000 runs"),
    ],
)
def test_an_impossible_sweep_is_refused(tmp_path, settings, says):
    with pytest.raises(ValueError, match=says):
        plan(toy(tmp_path), settings, several=True)


def test_a_notebook_must_tag_one_parameters_cell(tmp_path):
    with pytest.raises(ValueError, match="0 cells are tagged `parameters`, but one must be"):
        plan(toy(tmp_path, tag="other"), ["seed=1"])
    text = json.loads((tmp_path / "toy.ipynb").read_text())
    for cell in text["cells"][:2]:
        cell["metadata"]["tags"] = ["parameters"]
    (tmp_path / "toy.ipynb").write_text(json.dumps(text))
    with pytest.raises(ValueError, match="2 cells are tagged `parameters`, but one must be"):
        plan(str(tmp_path / "toy.ipynb"), ["seed=1"])


def test_what_is_no_notebook_is_refused(tmp_path):
    (tmp_path / "no.ipynb").write_text("no")
    (tmp_path / "empty.ipynb").write_text("{}")
    for name, says in (("no.ipynb", "not a Jupyter notebook"), ("empty.ipynb", "not a Jupyter notebook"),
                       ("none.ipynb", "there is no notebook"), ("zz", "no single lesson is called")):  # fmt: skip
        with pytest.raises(ValueError, match=says):
            plan(str(tmp_path / name) if "." in name else name)


@pytest.mark.parametrize("preset", tomllib.loads(PRESETS.read_text()))
@pytest.mark.parametrize("source", lessons(), ids=lambda s: s.stem)
def test_every_preset_is_valid_in_every_lesson_that_it_is_for(source, preset):
    try:
        values = preset_values(preset, source.stem)
    except ValueError as error:
        assert "not for" in str(error)
        return
    check_values(declaration(source.stem, assemble(source, "learner")), values)


def test_presets_name_only_lessons_and_say_what_is_unknown():
    names = {lesson_name(source) for source in lessons()} | {"all"}
    for tables in tomllib.loads(PRESETS.read_text()).values():
        assert set(tables) <= names
    with pytest.raises(ValueError, match="unknown preset 'gup': did you mean 'gpu'"):
        preset_values("gup", "00_start_here")
    with pytest.raises(ValueError, match="choose from laptop"):
        preset_values("zzz", "00_start_here")
    with pytest.raises(ValueError, match="preset 'test' is for .*, not for 99_none"):
        preset_values("test", "99_none")


def test_settings_come_on_top_of_a_preset(monkeypatch, tmp_path):
    presets = tmp_path / "presets.toml"
    presets.write_text('[big.all]\np = 0.25\nseed = 7\n[big.toy]\ntext = "b"\n[bad.all]\nseed = "x"\n')
    monkeypatch.setattr(given, "PRESETS", presets)
    (run,) = plan(toy(tmp_path), ["seed=8"], "big")
    assert run.changed == {"seed": 8, "p": 0.25, "text": "b"}
    with pytest.raises(ValueError, match="seed must be of type int"):
        plan(toy(tmp_path), ["seed=8"], "bad")


def test_an_own_value_of_a_lesson_comes_on_top_of_all(monkeypatch, tmp_path):
    (tmp_path / "presets.toml").write_text('[gpu."deeper/04_toy"]\nseed = 1\n[gpu.all]\nseed = 2\n')
    monkeypatch.setattr(given, "PRESETS", tmp_path / "presets.toml")
    assert preset_values("gpu", "deeper/04_toy") == {"seed": 1}
    assert preset_values("gpu", "05_toy") == {"seed": 2}


def test_params_prints_the_declaration(tmp_path, capsys):
    assert main(["params", toy(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "type", "default", "range", "meaning"]
    assert lines[2].split(None, 3)[:3] == ["p", "float", "0.5"]
    assert lines[2].endswith("probability of something")


def test_reruns_do_not_know_how_lessons_are_made():
    modules = "course_utils.reruns.run, course_utils.reruns.sweep, course_utils.reruns.report"
    code = f"import sys, {modules}; print({{'jupytext', 'course_utils.tools.build'}} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
