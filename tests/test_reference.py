"""The source's tables beside their reruns: the files, the page made from them, and the command that writes both."""

import copy
import json
import math

import nbformat
import pytest

from course_utils import reference
from course_utils.cli import main
from course_utils.reference import SOURCE, agreement, as_markdown, quotation, read_reference
from course_utils.reruns import reference as writer
from course_utils.reruns.records import store
from course_utils.tools.lessons import lessons, targets
from course_utils.tools.record import Record

FILES = sorted(reference.FOLDER.glob("*.json"))
PARAMETERS = {"n_runs": 1, "pictures": "letters", "figures": "mnist", "n_train": 500, "n_test": 200, "epochs": 3, "width": 8}
ROWS = dict(zip(SOURCE["mnist_sparsity"], (1.0, 2.0, 1.0, 1.5, 30.0, 60.0), strict=True))


def record(seed, **changes):
    metrics = {row: value + 0.1 * seed for row, value in ROWS.items()}
    fields = {"lesson": writer.LESSON, "parameters": PARAMETERS | {"seed": seed}, "metrics": metrics, "claims": []}
    fields |= {"versions": {"torch": "2"}, "device": "cpu", "threads": 1, "seconds": 2.0, "code": "c", "key": "k"}
    return Record(**fields | changes)


def written(records=None):
    """The one file that records make, as a dict."""
    ((path, text),) = writer.references(records or [record(s) for s in (2, 0, 1)], "course sweep", "a toy").items()
    return path, json.loads(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_one_of_the_source_s_tables(path):
    assert read_reference(path)["table"] == path.stem


def test_the_page_is_what_its_command_makes_of_the_files():
    assert writer.PAGE.read_text(encoding="utf-8") == writer.page(writer.all_references()), "run `course reference`"


def test_notebooks_quote_what_the_files_say_now():
    present = [quotation(table) for table in SOURCE]
    for path in (path for source in lessons() for path in targets(source).values()):
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "code" and "quote(" in cell.source:
                texts = [o.data["text/markdown"] for o in cell.outputs if "text/markdown" in o.get("data", {})]
                assert texts, path.name
                assert [text for text in texts if text not in present] == [], f"build {path.name} with --force"


def test_the_best_of_the_source_s_tables_are_not_what_its_strategies_say():
    for table, best, advised in (("cifar10_dropout", "dropout_0.3", 0.2), ("cifar10_decay", "decay_0.001", 1e-5)):
        assert max(SOURCE[table], key=SOURCE[table].get) == best
        assert float(best.split("_")[1]) > advised


def test_records_make_a_file_that_is_read_again(tmp_path):
    path, made = written()
    assert path.name == "mnist_sparsity.json"
    assert made["seeds"] == [0, 1, 2]
    assert made["seconds"] == 6.0
    assert made["rows"][1]["runs"] == [2.0, 2.1, 2.2]
    assert made["rows"][1]["half"] == pytest.approx(4.302653 * 0.1 / math.sqrt(3), rel=1e-5)
    (tmp_path / path.name).write_text(json.dumps(made))
    assert read_reference(tmp_path / path.name) == made
    text = as_markdown(made)
    assert "| L2 0.001, by Adam | 3.7 | 2.1 ± 0.2 | +2.4 | +1.0 ± 0.0 | same direction |" in text
    assert "500 training pictures, 3 epochs, 256 hidden units, mean of 3 runs" in text


@pytest.mark.parametrize(
    "records",
    [
        [record(0), record(1)],
        [record(0), record(1), record(2, code="other")],
        [record(0), record(1), record(2, device="cuda")],
        [record(s, parameters=PARAMETERS | {"seed": s, "n_runs": 3}) for s in range(3)],
        [record(s, parameters=PARAMETERS | {"seed": s, "figures": "digits"}) for s in range(3)],
        [record(s, metrics={"zeros_none": 1.0}) for s in range(3)],
    ],
)
def test_records_that_are_no_table_make_no_file(records):
    with pytest.raises(ValueError, match="reference takes|records have no table"):
        writer.references(records, "course sweep", "a toy")


def without(name):
    return lambda made: made.pop(name)


def row(**values):
    return lambda made: made["rows"][1].update(values)


MALFORMED = {
    "no field": without("command"),
    "another field": lambda made: made.update(note="by hand"),
    "empty": lambda made: made.update(machine=""),
    "kind": lambda made: made.update(n_train="500"),
    "negative": lambda made: made.update(epochs=-1),
    "table": lambda made: made.update(table="imagenet"),
    "few seeds": lambda made: made.update(seeds=[0, 1]),
    "a seed twice": lambda made: made.update(seeds=[0, 1, 1]),
    "printed number": row(source=3.8),
    "mean": row(mean=2.2),
    "interval": row(half=0.01),
    "NaN": row(half=math.nan),
    "run missing": row(runs=[2.0, 2.1]),
    "fraction of a run": row(runs=[2.0, 2.1, 102.2]),
    "row missing": lambda made: made["rows"].pop(),
    "order": lambda made: made["rows"].reverse(),
    "list": lambda made: made.update(rows=[1]),
}


@pytest.mark.parametrize("spoil", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_is_refused_with_the_reason(tmp_path, spoil):
    made = copy.deepcopy(written()[1])
    spoil(made)
    path = tmp_path / "mnist_sparsity.json"
    path.write_text(json.dumps(made))
    with pytest.raises(ValueError, match="is no reference file: .*course reference"):
        read_reference(path)


def test_what_is_no_json_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match="is no JSON"):
        read_reference(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("there", "gains", "words"),
    [
        (2.0, [1.9, 2.0, 2.2], "as much"),
        (9.0, [1.9, 2.0, 2.2], "same direction"),
        (-9.0, [1.9, 2.0, 2.2], "opposite"),
        (9.0, [-0.1, 0.0, 0.2], "none seen"),
        (2.0, [-3.0, 0.0, 4.0], "cannot tell"),
    ],
)
def test_agreement_is_about_the_interval_of_the_gain(there, gains, words):
    assert agreement(there, gains) == words


def test_a_table_that_was_not_run_is_said_to_be_so(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    assert quotation("mnist_sparsity").endswith("not run again yet.")
    assert "Not run at any scale: Dropout in the head" in writer.page([])


def test_the_command_refuses_a_sweep_that_is_not_recorded(tmp_path, capsys):
    settings = ["--preset", "mnist_small", "-p", "seed=0:3", "--out", str(tmp_path)]
    assert main(["reference", *settings]) == 2
    assert (
        "3 of 3 runs have no record: run course sweep deeper/10_source_tables --preset mnist_small -p seed=0:3"
        in capsys.readouterr().err
    )


def test_the_command_writes_files_and_page(tmp_path, monkeypatch, capsys):
    from course_utils.reruns.plan import plan

    for name in ("data", "docs"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(writer, "FOLDER", tmp_path / "data")
    monkeypatch.setattr(writer, "PAGE", tmp_path / "docs" / "reference.md")
    for rerun in plan(writer.LESSON, ["seed=0:3"], "mnist_small", several=True):
        made = record(rerun.parameters["seed"], parameters=rerun.parameters, name=rerun.name)
        store(rerun, nbformat.v4.new_notebook(), made, tmp_path)
    arguments = ["reference", "--preset", "mnist_small", "-p", "seed=0:3", "--out", str(tmp_path), "--machine", "a toy"]
    assert main(arguments) == 0
    made = read_reference(tmp_path / "data" / "mnist_sparsity.json")
    assert made["command"] == "course sweep deeper/10_source_tables --preset mnist_small -p seed=0:3"
    assert as_markdown(made) in (tmp_path / "docs" / "reference.md").read_text(encoding="utf-8")
    assert main(["reference"]) == 0
