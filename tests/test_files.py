"""Files written whole or not at all."""

import pytest

from course_utils.tools.files import file_name, write_all


def test_text_and_bytes_are_written(tmp_path):
    write_all({tmp_path / "a": "λ\n", str(tmp_path / "b"): b"\x00"})
    assert (tmp_path / "a").read_bytes() == "λ\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\x00"


def test_a_file_that_cannot_be_written_leaves_all_as_they_were(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(OSError):
        write_all({tmp_path / "a": "new", tmp_path / "none" / "b": "new"})
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_a_name_stays_in_its_folder():
    assert file_name("deeper/04_ensemble-1a") == "deeper-04_ensemble-1a"
    assert file_name("../../etc/pass wd") == "..-..-etc-pass-wd"
