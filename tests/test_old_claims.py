"""The functions of lessons 01 to 04 follow the rules of `Claims`."""

import math

import pytest

from course_utils import claims

NAN = math.nan


@pytest.mark.parametrize(
    ("error", "control", "verdict"),
    [(1e-7, 1.0, "supported"), (1e-3, 1.0, "not supported"), (1e-7, 1e-7, "inconclusive"), (NAN, 1.0, "inconclusive"),
     (1e-7, NAN, "inconclusive"), (1e-3, NAN, "inconclusive"), ([1e-9, NAN], 1.0, "inconclusive")],
)  # fmt: skip
def test_exact(error, control, verdict):
    assert claims.exact("1.1", "s", error, 1e-6, control=control).verdict == verdict


@pytest.mark.parametrize(
    ("measured", "control", "verdict"),
    [(0.51, 0.7, "supported"), (0.6, 0.7, "not supported"), (0.51, 0.5, "inconclusive"), (NAN, 0.7, "inconclusive"),
     (0.51, NAN, "inconclusive")],
)  # fmt: skip
def test_within(measured, control, verdict):
    assert claims.within("1.1", "s", measured, 0.5, 0.02, control=control).verdict == verdict


@pytest.mark.parametrize(
    ("observed", "control", "verdict"),
    [(True, False, "supported"), (False, False, "not supported"), (False, True, "not supported"), (True, True, "inconclusive")],
)
def test_holds(observed, control, verdict):
    assert claims.holds("1.1", "s", observed, control=control).verdict == verdict


@pytest.mark.parametrize(("a", "b", "verdict"), [(0.9, 0.1, "supported"), (0.3, 0.2, "inconclusive"), (0.8, 0.7, "inconclusive")])
def test_compare(a, b, verdict):
    assert claims.compare("1.1", "s", [a] * 8, [b] * 8, margin=0.1).verdict == verdict


@pytest.mark.parametrize(("a", "b"), [([1, 2], [1, 2]), ([1, 2, 3], [1, 2])])
def test_compare_needs_three_pairs(a, b):
    with pytest.raises(ValueError, match=r"claim 1\.1 needs two paired lists"):
        claims.compare("1.1", "s", a, b)


def test_a_misspelt_expectation_is_refused():
    with pytest.raises(ValueError, match="a verdict is one of"):
        claims.holds("1.1", "s", True, control=False, expect="suported")


def test_a_claim_table_refuses_repeated_ids():
    claim = claims.holds("1.1", "s", True, control=False)
    assert "✓ SUPPORTED" in claims.claim_table([claim]).data
    with pytest.raises(ValueError, match=r"repeat: \['1\.1'\]"):
        claims.claim_table([claim, claim])
