"""The nbval run of `make test` notices a changed verdict, and only that; it reports its progress notebook by notebook."""

import subprocess
import sys
from pathlib import Path

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


def run_nbval(folder, source, outputs, tags=(), plugin=True):
    """Run nbval on a notebook of one cell, which has these outputs stored."""
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}, outputs=outputs, execution_count=1)
    kernel = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), folder / "claim.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", "claim.ipynb"]
    command += ["-p", "course_utils.nbval_plugin", "--nbval-sanitize-with", str(SANITIZE)] if plugin else []
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("committed", "passes"),
    [
        (["04.1 SUPPORTED: it helps\n⟨difference 0.2⟩"], True),
        (["04.1 SUPPORTED: it helps\n⟨0.19, on another machine⟩"], True),
        (["04.1 SUPPORTED: it helps ⟨0.19, all on one line⟩"], True),
        (["04.1 NOT SUPPORTED: it helps\n⟨difference 0.2⟩"], False),
        (["04.1 INCONCLUSIVE (the course's own run: supported): it helps\n⟨difference 0.2⟩"], False),
        (["04.1 SUPPORTED: it helps a lot\n⟨difference 0.2⟩"], False),
        (["04.1 SUPPORTED: it helps", "04.2 SUPPORTED: it helps"], False),
        (["no claim, and another text\n⟨difference 0.2⟩"], True),
    ],
)
def test_a_changed_verdict_fails_and_a_changed_measurement_does_not(tmp_path, committed, passes):
    result = run_nbval(tmp_path, f"{CLAIM}display(Claim())", [displayed(text) for text in committed])
    assert (result.returncode == 0) is passes, result.stdout
    assert f"{tmp_path.name}/claim.ipynb: 1 cells {'ok' if passes else '1 FAILED'}" in result.stdout
    assert passes or "measured:  04.1 SUPPORTED: it helps\n" in result.stdout


def test_plain_nbval_runs_claims_and_compares_nothing_of_them(tmp_path):
    result = run_nbval(tmp_path, f"{CLAIM}display(Claim())", [displayed("04.1 NOT SUPPORTED: it helps")], plugin=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("committed", "passes"), [("4 of 4 ⟨0.19⟩", True), ("3 of 4 ⟨0.2⟩", False)])
def test_an_exact_fact_is_compared_where_its_cell_is_tagged(tmp_path, committed, passes):
    stored = [nbformat.v4.new_output("stream", name="stdout", text=committed + "\n")]
    for tags, expected in ((["nbval-check-output"], passes), ([], True)):
        result = run_nbval(tmp_path, "print('4 of 4 ⟨0.2⟩')", stored, tags)
        assert (result.returncode == 0) is expected, result.stdout


def test_a_cell_that_raises_fails_with_its_own_error(tmp_path):
    result = run_nbval(tmp_path, "1 / 0", [displayed("04.1 SUPPORTED: it helps")])
    assert result.returncode == 1
    assert "ZeroDivisionError" in result.stdout


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
