"""Verdicts follow the measurement, and a record is written whole or not at all."""

import json
import math
import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from course_utils import claims


def test_exact_has_three_verdicts():
    assert claims.exact("1.1", "s", 1e-7, 1e-6, control=1.0).verdict == "supported"
    assert claims.exact("1.1", "s", 1e-3, 1e-6, control=1.0).verdict == "not supported"
    assert claims.exact("1.1", "s", 1e-7, 1e-6, control=1e-7).verdict == "inconclusive"
    assert claims.exact("1.1", "s", math.nan, 1e-6, control=1.0).verdict == "not supported"


def test_within_has_three_verdicts():
    assert claims.within("1.1", "s", 0.51, 0.5, 0.02, control=0.7).verdict == "supported"
    assert claims.within("1.1", "s", 0.60, 0.5, 0.02, control=0.7).verdict == "not supported"
    assert claims.within("1.1", "s", 0.51, 0.5, 0.02, control=0.5).verdict == "inconclusive"
    assert claims.within("1.1", "s", math.nan, 0.5, 0.02, control=0.7).verdict == "not supported"


def test_holds_has_three_verdicts():
    assert claims.holds("1.1", "s", True, control=False).verdict == "supported"
    assert claims.holds("1.1", "s", False, control=False).verdict == "not supported"
    assert claims.holds("1.1", "s", True, control=True).verdict == "inconclusive"


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=12), st.floats(-1, 1))
def test_compare_follows_the_paired_t_interval(differences, margin):
    a = np.array(differences)
    assume(a.std() > 1e-6)
    low, high = stats.t.interval(0.95, len(a) - 1, loc=a.mean(), scale=stats.sem(a))
    assume(min(abs(low - margin), abs(high - margin)) > 1e-9)
    expected = "supported" if low > margin else "not supported" if high < margin else "inconclusive"
    assert claims.compare("1.1", "s", a, np.zeros(len(a)), margin=margin).verdict == expected


def test_compare_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(0)
    verdicts = [claims.compare("1.1", "s", generator.normal(size=8), [0.0] * 8).verdict for _ in range(4000)]
    assert 0.935 < verdicts.count("inconclusive") / 4000 < 0.965


@pytest.mark.parametrize(("a", "b"), [([1, 2], [1, 2]), ([1, 2, 3], [1, 2]), ([[1, 2, 3]], [[1, 2, 3]])])
def test_compare_needs_three_pairs(a, b):
    with pytest.raises(ValueError, match=r"claim 1\.1 needs two paired lists"):
        claims.compare("1.1", "s", a, b)


def test_not_a_number_is_no_support():
    assert claims.compare("1.1", "s", [1, math.nan, 3], [0, 0, 0]).verdict != "supported"


def test_mean_and_interval_of_one_number_is_unbounded():
    assert claims.mean_and_interval([2.0]) == (2.0, math.inf, 1)


def test_a_claim_shows_its_verdict_outside_the_brackets_and_escapes_html():
    claim = claims.holds("1.1", "a < b", True, control=False, measured="x & y", source="A & B", expect="inconclusive")
    assert re.sub("⟨.*⟩", "", repr(claim)) == "1.1 SUPPORTED (the course's own run: inconclusive): a < b "
    shown = claim._repr_html_()
    assert "a &lt; b" in shown
    assert "x &amp; y" in shown
    assert "A &amp; B" in shown


def test_a_claim_table_refuses_repeated_ids():
    claim = claims.holds("1.1", "s", True, control=False)
    assert "supported" in claims.claim_table([claim]).data
    with pytest.raises(ValueError, match=r"repeat: \['1\.1'\]"):
        claims.claim_table([claim, claim])


def test_a_record_is_only_returned_without_the_variable(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_RECORD", raising=False)
    record = claims.write_record("toy", [], parameters={"seed": 1})
    assert record["parameters"] == {"seed": 1}
    assert record["device"] == "cpu"


def test_a_record_is_written_where_the_variable_says(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RECORD", str(tmp_path / "record.json"))
    claim = claims.holds("1.1", "s", True, control=False)
    record = claims.write_record("toy", [claim], parameters={"seed": 1}, metrics={"score": np.float32(0.5)})
    assert json.loads((tmp_path / "record.json").read_text()) == record
    assert record["metrics"] == {"score": 0.5}
    assert record["claims"][0]["verdict"] == "supported"
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_a_record_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "record.json").mkdir()
    monkeypatch.setenv("COURSE_RECORD", str(tmp_path / "record.json"))
    with pytest.raises(OSError, match="record"):
        claims.write_record("toy", [], parameters={})
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]
