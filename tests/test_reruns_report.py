"""`course report`: the table's numbers, the pictures, and records that do not fit."""

import json
import os
import shutil
import subprocess
import sys

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from course_utils.cli import main
from course_utils.reruns.records import records_in
from course_utils.reruns.report import draw, number, settings_table
from course_utils.reruns.report import report as report_of
from course_utils.reruns.tensorboard import export
from course_utils.tools.record import Record
from tests.toy_notebooks import fifo


def write(folder, index, *, lesson="toy", code="new", verdict="supported", metrics=None, **parameters):
    """Write one record as `course run` would."""
    metrics = {"accuracy": 0.5 + index / 100} if metrics is None else metrics
    claims = [{"id": "t.1", "statement": "s", "verdict": verdict}]
    run = {"name": f"{lesson}-{index}", "code": code, "key": f"{code}{index}", "seconds": 1.0}
    finished = f"2026-01-{1 + (code == 'new'):02d}T00:00:00Z"
    record = Record(lesson, {"seed": index} | parameters, metrics, claims, {"torch": "2"}, "cpu", 1, finished=finished, **run)
    record.write(folder / f"{lesson.replace('/', '-')}-{index}.json")


def report(folder, lesson):
    return report_of(records_in(folder, lesson), folder)


def grid(folder):
    for index in range(12):
        write(
            folder,
            index,
            p=[0.0, 0.1, 0.5][index % 3],
            flag=bool(index % 2),
            sizes=[1, 2],
            verdict=["supported", "inconclusive"][index > 5],
        )


def test_the_table_has_the_mean_and_its_t_interval_of_each_setting(tmp_path):
    grid(tmp_path)
    text = report(tmp_path, "toy")
    table = pd.read_csv(tmp_path / "report-toy.csv")
    assert list(table.columns) == ["p", "flag", "n", "accuracy", "accuracy_ci95", "claims supported", "claim t.1"]
    assert list(table["p"]) == [0.0, 0.0, 0.1, 0.1, 0.5, 0.5]
    values = np.array([0.5, 0.56])  # seeds 0 and 6: p = 0, flag = False
    low, high = stats.t.interval(0.95, 1, loc=values.mean(), scale=stats.sem(values))
    assert table["accuracy"][0] == pytest.approx(values.mean())
    assert table["accuracy_ci95"][0] == pytest.approx((high - low) / 2)
    assert table["claim t.1"][0] == "1 of 2"
    assert "| 0.0 | False | 2 | 0.53 ± 0.38 | 1 of 2 " in text
    assert "* claim t.1: inconclusive in 6 of 12 runs" in text
    markdown = (tmp_path / "report-toy.md").read_text()
    assert "| 0.0 | False | 2 | 0.53 ± 0.38 | 1 of 2 " in markdown
    assert "![toy: accuracy is highest, 0.58 ± 0.38, at p=0.5, flag=True.](report-toy.png)" in markdown


def test_the_picture_shows_something(tmp_path):
    grid(tmp_path)
    report(tmp_path, "toy")
    picture = matplotlib.image.imread(tmp_path / "report-toy.png")
    assert picture.shape[0] > 200
    assert len(np.unique(picture[..., :3].reshape(-1, 3), axis=0)) > 20


def test_a_panel_names_only_what_differs_among_the_runs_that_have_its_metric(tmp_path):
    for index in range(6):
        table = "ab"[index % 2]
        write(tmp_path, index, table=table, sizes=[index % 2] * 30, metrics={table: float(index)})
    figure, _ = draw(settings_table(records_in(tmp_path, "toy"), ["table", "sizes"]), ["table", "sizes"], "toy")
    assert [text.get_text() for ax in figure.axes for text in ax.get_legend().get_texts()] == ["mean, 95 % interval (n = 3)"] * 2


def test_records_of_older_code_and_of_other_lessons_are_left_out(tmp_path):
    write(tmp_path, 0)
    write(tmp_path, 1)
    write(tmp_path, 2, code="old")
    write(tmp_path, 3, lesson="other")
    text = report(tmp_path, "toy")
    assert "toy, 2 runs" in text
    assert "Left out: 1 records of an older version" in text


def test_seeds_that_share_runs_are_pointed_out(tmp_path):
    for index in (0, 8, 16):
        write(tmp_path, index, n_runs=8)
    assert "CAUTION" not in report(tmp_path, "toy")
    write(tmp_path, 12, n_runs=8)
    assert "CAUTION: seeds less than n_runs = 8 apart share runs" in report(tmp_path, "toy")
    assert "seed=0:64:8" in report(tmp_path, "toy")


def test_few_records_make_a_table_too(tmp_path):
    write(tmp_path, 0, p=0.1)
    assert "| 1 | 0.5      | 1 of 1" in report(tmp_path, "toy")
    write(tmp_path, 1, p=0.1, metrics={})
    write(tmp_path, 2, p=0.2, metrics={"accuracy": float("nan")})
    assert "nan" in report(tmp_path, "toy")


def test_records_without_numbers_make_a_table_too(tmp_path):
    write(tmp_path, 0, metrics={}, p=[1])
    write(tmp_path, 1, metrics={}, p=[2])
    assert "[2]" in report(tmp_path, "toy")


def test_numbers_are_shown_to_the_interval_s_two_digits():
    assert number(0.91234, 0.0123) == "0.912 ± 0.012"
    assert number(123.4, 45.6) == "123 ± 46"
    assert number(0.5, float("inf")) == "0.5"
    assert number(1.0, 0.0) == "1.0000 ± 0.0000"


def test_a_report_of_nothing_says_what_to_do(tmp_path, capsys):
    assert main(["report", "--out", str(tmp_path)]) == 2
    assert "make some with `course run`" in capsys.readouterr().err


def test_all_lessons_are_reported_unless_one_is_named(tmp_path, capsys):
    write(tmp_path, 0)
    write(tmp_path, 1, lesson="other")
    assert main(["report", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert [f"{name}, 1 runs" in out for name in ("toy", "other")] == [True, True]
    assert (tmp_path / "report-toy.md").exists()
    assert (tmp_path / "report-other.md").exists()
    assert main(["report", "oth", "--out", str(tmp_path)]) == 0
    assert "toy, 1 runs" not in capsys.readouterr().out


def test_a_report_stays_in_its_folder(tmp_path):
    (tmp_path / "out").mkdir()
    for index, lesson in enumerate(("deeper/04_toy", "../../toy")):
        write(tmp_path / "out", index, lesson=lesson)
        report(tmp_path / "out", lesson)
    assert (tmp_path / "out" / "report-deeper-04_toy.csv").exists()
    assert os.listdir(tmp_path) == ["out"]


def test_what_is_damaged_or_old_makes_no_traceback(tmp_path, capsys):
    write(tmp_path, 0)
    write(tmp_path, 1)
    values = json.loads((tmp_path / "toy-0.json").read_text())
    del values["finished"]
    (tmp_path / "toy-0.json").write_text(json.dumps(values))
    for name, change in (("a", {"metrics": []}), ("b", {"claims": [1]}), ("c", {"finished": 3}), ("d", {"versions": None})):
        (tmp_path / f"{name}.json").write_text(json.dumps(values | change))
    fifo(tmp_path / "e.json")
    write(tmp_path, 2, n_runs="many")
    write(tmp_path, "three", metrics={})
    assert main(["report", "--out", str(tmp_path)]) == 0
    assert "toy, 4 runs" in capsys.readouterr().out


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path):
    unshare = [shutil.which("unshare") or "none", "-rm"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode if unshare[0] != "none" else True:
        pytest.skip("this system lets no ordinary user mount a small disk")
    write(tmp_path, 0)
    (tmp_path / "disk").mkdir()
    for options, says in (("size=12k", "No space left on device"), ("size=1m,ro", "Read-only file system")):
        script = (
            f"mount -t tmpfs -o size=1m tmpfs disk && cp toy-0.json disk/ && mount -o remount,{options} disk &&"
            f" {sys.executable} -m course_utils.cli report --out disk; code=$?; ls -A disk; exit $code"
        )
        done = subprocess.run([*unshare, "sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "toy-0.json\n"), done
        assert done.stderr.startswith("course: ")
        assert says in done.stderr
        assert done.stderr.count("\n") == 1


def test_without_tensorboard_the_export_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    write(tmp_path, 0)
    assert main(["report", "--out", str(tmp_path), "--tensorboard", str(tmp_path / "tb")]) == 1
    assert "pip install tensorboard" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_finds_the_metrics(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write(tmp_path, 3, p=0.1, sizes=[1, 2])
    assert export(records_in(tmp_path), tmp_path / "tb") == export(records_in(tmp_path), tmp_path / "tb") == 1
    (run,) = (tmp_path / "tb").iterdir()
    events = EventAccumulator(str(run))
    events.Reload()
    assert events.Scalars("accuracy")[0].value == pytest.approx(0.53)


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_s_files_stay_in_their_directory(tmp_path):
    record = Record("toy", {}, {"accuracy": 0.5}, [], {}, "cpu", 1, name="../../../evil", key="../../a")
    export([record], tmp_path / "a" / "b" / "tb")
    assert [len(list(folder.iterdir())) for folder in (tmp_path, tmp_path / "a", tmp_path / "a" / "b" / "tb")] == [1, 1, 1]
