"""The nbval run of `make test` notices a changed verdict, and only that; it reports its progress notebook by notebook."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

from course_utils.nbval_plugin import verdict_lines

SANITIZE = Path(__file__).with_name("nbval_sanitize.cfg")
CLAIM = """class Claim:
    def __repr__(self):
        return "04.1 SUPPORTED: it helps\\n⟨difference 0.2⟩"
    def _repr_html_(self):
        return "<b>0.2</b>"
"""


def displayed(text):
    return nbformat.v4.new_output("display_data", data={"text/plain": text, "text/html": "<b>0.19</b>"})


SHOW = f"{CLAIM}display(Claim())"
VERDICTS = [
    (["04.1 SUPPORTED: it helps\n⟨difference 0.2⟩"], True),
    (["04.1 SUPPORTED: it helps\n⟨0.19, on another machine⟩"], True),
    (["04.1 SUPPORTED: it helps ⟨0.19, all on one line⟩"], True),
    (["04.1 NOT SUPPORTED: it helps\n⟨difference 0.2⟩"], False),
    (["04.1 INCONCLUSIVE (the course's own run: supported): it helps\n⟨difference 0.2⟩"], False),
    (["04.1 SUPPORTED: it helps a lot\n⟨difference 0.2⟩"], False),
    (["04.1 SUPPORTED: it helps", "04.2 SUPPORTED: it helps"], False),
    (["no claim, and another text\n⟨difference 0.2⟩"], True),
]
FACTS = [("4 of 4 ⟨0.19⟩", True, True), ("3 of 4 ⟨0.2⟩", True, False), ("3 of 4 ⟨0.2⟩", False, True)]


def cell(source, outputs, tags=()):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}, outputs=outputs, execution_count=1)


def run_nbval(folder, plugin, **notebooks):
    """Run nbval on notebooks, a list of cells each: what it printed, and the outcome of each cell, {(name, cell): outcome}."""
    kernel = {"name": "python3", "display_name": "Python 3"}
    for name, cells in notebooks.items():
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", "--junitxml", "outcomes.xml"]
    command += ["-p", "course_utils.nbval_plugin", "--nbval-sanitize-with", str(SANITIZE)] if plugin else []
    result = subprocess.run([*command, *(f"{name}.ipynb" for name in notebooks)], cwd=folder, capture_output=True, text=True,
                            timeout=120)  # fmt: skip
    cases = ElementTree.parse(folder / "outcomes.xml").iter("testcase")
    outcomes = [case.find("failure") for case in cases]
    places = [(name, place) for name, cells in notebooks.items() for place in range(len(cells))]
    return result.stdout, dict(zip(places, outcomes, strict=True))


@pytest.fixture(scope="module")
def nbval(tmp_path_factory):
    """One run of nbval, with the plugin, on all that is looked at here: each start of pytest and of a kernel takes seconds."""
    stored = [nbformat.v4.new_output("stream", name="stdout", text=text + "\n") for text, _, _ in FACTS]
    facts = [cell("print('4 of 4 ⟨0.2⟩')", [output], ["nbval-check-output"] * is_tagged)
             for output, (_, is_tagged, _) in zip(stored, FACTS, strict=True)]  # fmt: skip
    claims = [cell(SHOW, [displayed(text) for text in committed]) for committed, _ in VERDICTS]
    right = [made for made, (_, passes) in zip(claims, VERDICTS, strict=True) if passes]
    raising = [cell("1 / 0", [displayed("04.1 SUPPORTED: it helps")])]
    folder = tmp_path_factory.mktemp("books")
    return run_nbval(folder, True, claims=claims, right=right, facts=facts, raising=raising)


@pytest.mark.parametrize("place", range(len(VERDICTS)))
def test_a_changed_verdict_fails_and_a_changed_measurement_does_not(nbval, place):
    failure, passes = nbval[1]["claims", place], VERDICTS[place][1]
    assert (failure is None) is passes
    assert passes or "measured:  04.1 SUPPORTED: it helps\n" in failure.text


def test_a_line_of_progress_is_printed_for_each_notebook(nbval):
    n_wrong = sum(not passes for _, passes in VERDICTS)
    assert f"claims.ipynb: {len(VERDICTS)} cells {n_wrong} FAILED in" in nbval[0]
    assert f"right.ipynb: {len(VERDICTS) - n_wrong} cells ok in" in nbval[0]


def test_plain_nbval_runs_claims_and_compares_nothing_of_them(tmp_path):
    _, outcomes = run_nbval(tmp_path, False, claim=[cell(SHOW, [displayed("04.1 NOT SUPPORTED: it helps")])])
    assert outcomes == {("claim", 0): None}


@pytest.mark.parametrize("place", range(len(FACTS)))
def test_an_exact_fact_is_compared_where_its_cell_is_tagged(nbval, place):
    assert (nbval[1]["facts", place] is None) is FACTS[place][2]


def test_a_cell_that_raises_fails_with_its_own_error(nbval):
    assert "ZeroDivisionError" in nbval[1]["raising", 0].text


def test_verdict_lines_of_dives_and_of_tables_are_read():
    texts = ["04.ensemble.1 NOT SUPPORTED: a\n⟨1⟩", "04.2 SUPPORTED: b ⟨1\n2⟩", "said 04.2 SUPPORTED: c", "04.3 UNSUPPORTED"]
    texts.append("04.4 SUPPORTED: d\n⟨4⟩\n04.5 INCONCLUSIVE: e\n⟨5⟩")  # a table of claims
    outputs = [displayed(text) for text in texts] + [nbformat.v4.new_output("stream", text="04.9 SUPPORTED: printed")]
    assert verdict_lines(outputs) == [
        "04.ensemble.1 NOT SUPPORTED: a",
        "04.2 SUPPORTED: b",
        "04.4 SUPPORTED: d",
        "04.5 INCONCLUSIVE: e",
    ]
