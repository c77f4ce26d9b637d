"""Verdicts follow the measurement, a card says what it says in words, and a record is written whole or not at all."""

import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from course_utils.cards import PILLS, Claim, card
from course_utils.claims import Claims, write_record

NAN = math.nan
RUNS = np.array([0.95, 0.96, 0.94, 0.955, 0.95])


@pytest.fixture
def claims(monkeypatch):
    """The claims of a lesson; what they display is in `claims.shown`."""
    claims = Claims("04")
    claims.shown = []
    monkeypatch.setattr("course_utils.claims.display", lambda value, **_: claims.shown.append(value))
    return claims


def last(claims):
    return list(claims.by_id.values())[-1]


def test_compare_has_three_verdicts(claims):
    for number, (lower, verdict) in enumerate([(0.02, "supported"), (-0.02, "not supported")], start=1):
        claims.compare(f"04.{number}", "s", RUNS, RUNS - lower - [0, 0.001, 0, 0.001, 0])
        assert last(claims).verdict == verdict
    claims.compare("04.3", "s", RUNS, RUNS[::-1])
    assert last(claims).verdict == "inconclusive"


def test_same_has_three_verdicts(claims):
    for number, (shift, verdict) in enumerate([(0.0, "supported"), (0.05, "not supported"), (0.01, "inconclusive")], start=1):
        claims.same(f"04.{number}", "s", RUNS, RUNS + shift + [0, 0.001, 0, -0.001, 0], margin=0.01)
        assert last(claims).verdict == verdict


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=12), st.floats(0.01, 3))
def test_compare_and_same_are_one_sided_t_tests(differences, margin):
    """`same` is TOST at 2.5 % each, `compare` one one-sided test; scipy has the p-values."""
    a, b = np.array(differences), np.zeros(len(differences))
    assume(a.std() > 1e-6)
    above, below = (stats.ttest_1samp(a, x, alternative=side).pvalue for x, side in ((-margin, "greater"), (margin, "less")))
    greater = stats.ttest_1samp(a, margin, alternative="greater").pvalue
    assume(min(abs(p - 0.025) for p in (above, below, greater)) > 1e-6)
    claims = Claims("04")
    claims.compare("04.1", "s", a, b, margin=margin)
    claims.same("04.2", "s", a, b, margin=margin)
    assert (claims.by_id["04.1"].verdict == "supported") == (greater < 0.025)
    assert (claims.by_id["04.2"].verdict == "supported") == (max(above, below) < 0.025)


def test_same_rarely_calls_a_difference_on_the_margin_equal():
    draw, wrong = np.random.default_rng(0), []
    for _ in range(400):
        claims, a = Claims("04"), draw.normal(1.0, 0.5, size=8)
        claims.same("04.1", "s", a, np.zeros(8), margin=1.0)
        wrong.append(claims.by_id["04.1"].verdict == "supported")
    assert np.mean(wrong) < 0.05


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.2), (0.8, 0.7), (1.1, 1.0)])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_tie_with_the_margin_does_not_hang_on_rounding(claims, a, b, kind):
    claims.compare("04.1", "s", np.full(8, a, kind), np.full(8, b, kind), margin=0.1)
    claims.same("04.2", "s", np.full(8, a, kind), np.full(8, b, kind), margin=0.1)
    claims.within("04.3", "s", np.full(8, a, kind), np.full(8, b, kind), 0.1, control=9.0)
    assert {claim.verdict for claim in claims.by_id.values()} == {"inconclusive"}
    claims.compare("04.4", "s", np.full(8, a, kind), np.full(8, b, kind), margin=0.099)
    assert last(claims).verdict == "supported"


def test_compare_by_a_factor(claims):
    claims.compare("04.1", "a is more than twice b", 3 * RUNS, RUNS + 0.01, factor=2)
    assert last(claims).verdict == "supported"
    assert "against 2 × " in last(claims).measured
    claims.compare("04.2", "s", RUNS, RUNS + 0.01, factor=2)
    assert last(claims).verdict == "not supported"


def test_a_claim_about_new_data_covers_runs_and_examples(claims):
    draw = np.random.default_rng(0)
    easier = draw.normal(0.1, 1.0, size=50)  # how much better a is on each example, in all runs
    a = draw.normal(0, 0.01, size=(5, 50)) + easier
    claims.compare("04.1", "s", a.mean(1), np.zeros(5))
    claims.compare("04.2", "s", a, np.zeros((5, 50)), over="runs and test images")
    assert [claim.verdict for claim in claims.by_id.values()] == ["supported", "inconclusive"]
    assert "over 5 runs and 50 test images" in last(claims).how[0]


def test_resplits_widen_the_interval(claims):
    a = np.array([0.04, 0.0, 0.03, 0.01, 0.05, -0.01, 0.02, 0.02])
    claims.compare("04.1", "s", a, np.zeros(8))
    claims.compare("04.2", "s", a, np.zeros(8), over="resplits", overlap=0.25)
    assert [claim.verdict for claim in claims.by_id.values()] == ["supported", "inconclusive"]


def test_exact_is_relative_to_the_size_of_the_quantity(claims):
    truth = np.array([1e6, -2e6, 0.0])
    claims.exact("04.1", "s", truth + 1.0, truth, control=truth * 1.1)
    assert last(claims).verdict == "supported"
    claims.exact("04.2", "s", 1e-6 * truth + 1.0, 1e-6 * truth, control=1e-6 * truth * 1.1)
    assert last(claims).verdict == "not supported"
    claims.exact("04.3", "s", truth, truth, control=truth * (1 + 1e-9))
    assert last(claims).verdict == "inconclusive"
    claims.exact("04.4", "zero", [1e-7, 0.0], 0.0, control=[0.3, 0.0])
    assert last(claims).verdict == "supported"


def test_within_takes_a_number_or_runs(claims):
    cases = [(0.51, 0.7, "supported"), (0.6, 0.7, "not supported"), (0.51, 0.5, "inconclusive"),
             ([0.5, 0.51, 0.49, 0.5], [0.7, 0.71, 0.7, 0.7], "supported"), ([0.5, 0.51, 0.49, 0.9], 0.7, "inconclusive"),
             ([0.5, 0.51, 0.49, 0.5], [0.5, 0.51, 0.7, 0.7], "inconclusive")]  # fmt: skip
    for number, (measured, control, verdict) in enumerate(cases, start=1):
        claims.within(f"04.{number}", "s", measured, 0.5, 0.02, control=control)
        assert last(claims).verdict == verdict, measured


def test_holds_needs_all_cases_and_no_control(claims):
    cases = [(True, False, "supported"), (False, False, "not supported"), (True, True, "inconclusive"),
             ([True, True], [False, False], "supported"), ([True, False], False, "not supported"),
             (np.array([True]), [True, False], "inconclusive"), (torch.tensor(True), False, "supported")]  # fmt: skip
    for number, (observed, control, verdict) in enumerate(cases, start=1):
        claims.holds(f"04.{number}", "s", observed, control=control)
        assert last(claims).verdict == verdict, (observed, control)


@pytest.mark.parametrize("bad", ["measurement", "control"])
def test_nan_is_no_evidence(claims, bad):
    def value(good, role):
        good = np.array(good, dtype=float)
        return np.append(good[:-1], NAN) if role == bad else good

    few, wrong = value([1.0, 1.0, 1.0], "measurement"), value([2.0, 2.0, 2.0], "control")
    for measured in (few, few + 1):  # agrees, and does not
        claims.exact("04.1", "s", measured, 1.0, control=wrong)
        claims.within("04.2", "s", measured, 1.0, 0.1, control=wrong)
        claims.holds("04.3", "s", measured > 0 if bad == "control" else measured - measured[0], control=wrong - 2)
        for number in (4, 5) if bad == "measurement" else ():
            claims.compare("04.4", "s", measured, [0.0, 0.1, 0.2])
            claims.same("04.5", "s", measured, [0.0, 0.1, 0.2], margin=0.1)
            assert claims.by_id[f"04.{number}"].verdict == "inconclusive"
        assert {claim.verdict for claim in claims.by_id.values()} == {"inconclusive"}
        assert all(f"{bad} has NaN" in claim.measured for claim in claims.by_id.values())


def test_a_run_that_diverged_decides_nothing(claims):
    claims.compare("04.1", "s", [math.inf, 1.0, 2.0], [0.0, 0.0, 0.0])
    claims.same("04.2", "s", [math.inf, 1.0, 2.0], [math.inf, 1.0, 2.0], margin=1.0)
    claims.within("04.3", "s", [math.inf, 1.0, 2.0], 1.0, 0.5, control=9.0)
    assert {claim.verdict for claim in claims.by_id.values()} == {"inconclusive"}


def test_any_kind_of_array_is_measured(claims):
    parameter = torch.nn.Parameter(torch.tensor([0.9, 0.8, 0.85, 0.9], dtype=torch.bfloat16))
    for number, a in enumerate([parameter, list(parameter), [0.9, 0.8, 0.85, 0.9], np.array([1, 1, 1, 2])], start=1):
        claims.compare(f"04.{number}", "s", a, torch.tensor([0.5, 0.4, 0.45, 0.52]))
        assert last(claims).verdict == "supported"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"id": "05.1"}, "an id of this lesson is 04. and a number"),
        ({"id": "04.ensemble.1"}, "an id of this lesson"),
        ({"id": "04.01"}, "an id of this lesson"),
        ({"a": [1, 2], "b": [1, 2]}, "at least 3 numbers"),
        ({"b": [1, 2, 3]}, "two paired lists"),
        ({"a": ["x", "y", "z"]}, "needs numbers"),
        ({"unit": "%"}, "could mean two things"),
        ({"a": 100 * RUNS, "unit": "points"}, "give 0.951 instead of 95.1"),
        ({"margin": 1, "unit": "points"}, "one point is 0.01"),
        ({"over": "runs and test images"}, "must name each axis"),
        ({"a": np.ones((5, 4)), "b": np.zeros((5, 4))}, "must name each axis"),
        ({"myth": "dropout always helps"}, "a myth needs its source"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_and_shows_nothing(claims, arguments, message):
    with pytest.raises(ValueError, match=message):
        claims.compare(**({"id": "04.1", "statement": "s", "a": RUNS, "b": RUNS - 0.1} | arguments))
    assert claims.by_id == {}
    assert claims.shown == []


def test_measurements_that_do_not_fit_are_refused(claims):
    with pytest.raises(ValueError, match="must have one shape"):
        claims.exact("04.1", "s", [1.0, 2.0], [1.0, 2.0], control=[1.0])
    with pytest.raises(ValueError, match="a number or one number a run"):
        claims.within("04.1", "s", [1.0, 2.0], 1.0, 0.1, control=2.0)
    with pytest.raises(ValueError, match="needs a truth value"):
        claims.holds("04.1", "s", 0.5, control=False)
    with pytest.raises(ValueError, match="margin above 0"):
        claims.same("04.1", "s", RUNS, RUNS, margin=0)
    with pytest.raises(TypeError, match="expectation"):
        claims.holds("04.1", "s", True, control=False, expectation="supported")


def test_a_cell_that_runs_again_replaces_its_claim(claims):
    claims.holds("04.1", "first", False, control=False)
    claims.holds("04.1", "first", True, control=False)
    assert [claim.verdict for claim in claims.by_id.values()] == ["supported"]
    with pytest.raises(ValueError, match=r"04\.1 is taken by “first”"):
        claims.holds("04.1", "second", True, control=False)
    assert last(claims).statement == "first"


def test_a_deep_dive_has_ids_of_its_own():
    dive = Claims("04.ensemble")
    dive.holds("04.ensemble.1", "s", True, control=False)
    with pytest.raises(ValueError, match=r"04\.ensemble\. and a number"):
        dive.holds("04.2", "s", True, control=False)


@pytest.mark.parametrize(
    ("a", "b", "unit", "words"),
    [
        ([0.95, 0.96, 0.94], [0.921, 0.93, 0.92], "points", "95.0 % with against 92.4 % without: 2.6 ± 1.4 points"),
        ([1.0, 1.0, 1.0], [0.9, 0.9, 0.9], "points", "100 % with against 90 % without: 10 ± 0 points"),
        ([0.5, 0.6, 0.5], [0.6, 0.5, 0.7], "nats", "0.5 nats with against 0.6 nats without: −0.1 ± 0.4 nats"),
        ([120, 250, 190.0], [20, 30, 10.0], "", "190 with against 20 without: 170 ± 150"),
    ],
)
def test_measured_values_are_words_rounded_to_the_interval(claims, a, b, unit, words):
    claims.compare("04.1", "s", a, b, names=("with", "without"), unit=unit)
    assert last(claims).measured == words


def test_a_prediction_is_in_words_too(claims):
    claims.within("04.1", "s", 0.503, 0.5, 0.02, control=0.7, unit="points")
    assert last(claims).measured == "50.3 % against 50.0 % predicted; the control gives 70.0 %"
    claims.within("04.2", "s", [11.1, 11.4, 11.2, 11.3], 11.31, 0.5, control=16.0, unit="units")
    assert last(claims).measured == "11.2 units (± 0.2 units) against 11.3 units predicted; the control gives 16.0 units"
    claims.exact("04.3", "s", [1.0, 2.0], [1.0, 2.0], control=[1.0, 3.0])
    assert last(claims).measured == "relative error 0; the wrong variant's is 0.5"


def test_text_begins_with_the_verdict_and_brackets_what_depends_on_the_run():
    claim = Claim("04.1", "a < b", "not supported", "1 against 2", over="runs", n=5, how=("95 % interval over 5 runs",))
    first, note, *measured = repr(claim).splitlines()
    assert first == "04.1 NOT SUPPORTED: a < b"
    assert note == "(the course's own run: supported)"
    assert measured == ["⟨1 against 2", "95 % interval over 5 runs⟩"]
    assert repr(Claim("04.1", "s", "supported", "m")) == "04.1 SUPPORTED: s\n⟨m⟩"


def test_a_card_says_all_and_escapes_it():
    claim = Claim(
        "04.1", "a < b", "inconclusive", "x & y", source="A & B", myth="c > d", myth_source="a blog", how=("margin 1 < 2",)
    )
    shown = claim._repr_html_()
    for part in ("? INCONCLUSIVE", "04.1: a &lt; b", "x &amp; y", "A &amp; B", "“c &gt; d” (a blog)", "margin 1 &lt; 2"):
        assert part in shown
    assert "found this supported" in shown
    assert "<details>" in shown
    assert "found this" not in Claim("04.1", "s", "supported", "m")._repr_html_()
    assert "<details>" not in card("PASSED", "yes", "well done")


def test_cards_survive_an_untrusted_notebook():
    claim = Claim("04.1", "s", "supported", "m", source="A")
    shown = claim._repr_html_() + Claims("04").__class__.__name__
    assert not re.search(r"<style|<script|class=|\son\w+=|rgb|var\(", shown)


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("kind", PILLS)
def test_white_is_legible_on_every_pill(kind):
    assert 1.05 / (luminance(PILLS[kind][1]) + 0.05) >= 4.5  # WCAG 2 AA


def test_a_verdict_that_is_none_is_refused():
    with pytest.raises(ValueError, match="a verdict is one of"):
        Claim("04.1", "s", "suported", "m")


def test_cards_need_no_torch():
    code = "import course_utils.cards, course_utils.claims, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_table_has_every_claim(claims):
    claims.holds("04.1", "a < b", True, control=False)
    claims.holds("04.2", "t", False, control=False)
    claims.table()
    shown = claims.shown[-1]
    assert shown["text/html"].count("<tr>") == 3
    assert "04.1: a &lt; b" in shown["text/html"]
    assert "✗ NOT SUPPORTED" in shown["text/html"]
    assert re.findall(r"^04\.\d \w+", shown["text/plain"], re.M) == ["04.1 SUPPORTED", "04.2 NOT"]
    assert all("text-align:left" in cell for cell in re.findall("<t[hd][^>]*>", shown["text/html"]))


def test_a_record_is_only_returned_without_the_variable(claims, monkeypatch):
    monkeypatch.delenv("COURSE_RECORD", raising=False)
    record = claims.record({"seed": 1})
    assert record["parameters"] == {"seed": 1}
    assert (record["lesson"], record["device"]) == ("04", "cpu")


def test_a_record_is_written_where_the_variable_says(claims, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RECORD", str(tmp_path / "record.json"))
    claims.compare("04.1", "s", RUNS, RUNS - 0.1, myth="m", myth_source="a blog", source="b")
    record = claims.record({"seed": 1}, {"score": np.float32(0.5)})
    assert json.loads((tmp_path / "record.json").read_text()) == record
    assert record["metrics"] == {"score": 0.5}
    assert set(record["claims"][0]) == {
        "id",
        "statement",
        "verdict",
        "measured",
        "source",
        "myth",
        "myth_source",
        "over",
        "n",
    }
    assert record["claims"][0]["n"] == 5
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_a_record_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "record.json").mkdir()
    monkeypatch.setenv("COURSE_RECORD", str(tmp_path / "record.json"))
    with pytest.raises(OSError, match="record"):
        write_record("toy", [], parameters={})
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]
