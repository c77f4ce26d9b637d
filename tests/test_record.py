"""The record of a run: what is written is read again, and what is none is refused."""

import json
import os
import subprocess
import sys

import pytest

from course_utils.tools.record import Record, read_record
from tests.toy_notebooks import fifo

RECORD = Record(
    "toy", {"seed": 1, "sizes": [1]}, {"score": 0.5}, [{"id": "t.1", "verdict": "supported"}], {"torch": "2"}, "cpu", 1
)


def test_what_is_written_is_read_again(tmp_path):
    RECORD.write(tmp_path / "record.json")
    assert read_record(tmp_path / "record.json") == RECORD
    assert os.listdir(tmp_path) == ["record.json"]


def test_what_a_notebook_writes_is_enough_and_what_is_unknown_is_passed_over(tmp_path):
    names = ("lesson", "parameters", "metrics", "claims", "versions", "device", "threads")
    values = {name: getattr(RECORD, name) for name in names} | {"mood": "good"}
    (tmp_path / "record.json").write_text(json.dumps(values))
    assert read_record(tmp_path / "record.json") == RECORD


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"lesson": 4}, "lesson must be of type str"),
        ({"parameters": []}, "parameters must be of type dict"),
        ({"metrics": {"score": "high"}}, "metrics must be numbers"),
        ({"metrics": {"score": 10**400}}, "metrics must be numbers"),
        ({"claims": ["t.1"]}, "claims must have texts `id` and `verdict`"),
        ({"claims": [{"id": "t.1"}]}, "claims must have texts"),
        ({"versions": None}, "versions must be of type dict"),
        ({"seconds": "1 s"}, "seconds must be of type float"),
        ({"finished": None}, "finished must be of type str"),
        ({"version": 2}, "version 2 of the format, this course reads 1"),
    ],
)
def test_a_field_that_is_not_as_it_must_be_is_refused(tmp_path, change, says):
    (tmp_path / "record.json").write_text(json.dumps(json.loads(RECORD.to_json()) | change))
    with pytest.raises(ValueError, match=says):
        read_record(tmp_path / "record.json")


@pytest.mark.parametrize("text", ["", "half a rec", "[]", "{}", "null", "3", '{"key": "x"}', "[" * 100_000])
def test_what_is_no_record_is_refused(tmp_path, text):
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(ValueError, match=r"record.json is no record of a run"):
        read_record(tmp_path / "record.json")


def test_what_is_no_plain_file_is_not_opened(tmp_path):
    fifo(tmp_path / "record.json")
    for path in (tmp_path / "record.json", tmp_path, tmp_path / "none"):
        with pytest.raises(FileNotFoundError, match="there is no file"):
            read_record(path)


def test_records_need_neither_torch_nor_nbformat():
    code = "import sys, course_utils.tools.record; print({'torch', 'nbformat', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
