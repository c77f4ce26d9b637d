"""Every lesson runs once with other parameters, and its record has the verdicts that it shows."""

import pytest

from course_utils.reruns.plan import code_hash, declaration, make_rerun
from course_utils.reruns.run import execute
from course_utils.reruns.settings import preset_values
from course_utils.tools.build import assemble
from course_utils.tools.lessons import lesson_name, lessons
from tests.toy_notebooks import shown_verdicts


@pytest.mark.slow
@pytest.mark.parametrize("source", lessons(), ids=lambda s: s.stem)
def test_a_lesson_with_other_parameters_records_the_verdicts_that_it_shows(source, tmp_path):
    notebook = assemble(source, "learner")
    name = lesson_name(source)
    parameters = declaration(name, notebook)
    run = make_rerun(name, notebook, str(tmp_path), parameters, preset_values("test", name), code_hash(notebook))
    outcome = execute(run)
    assert outcome.reason is None
    assert run.changed
    assert outcome.record.parameters == run.parameters
    assert {c["id"]: c["verdict"] for c in outcome.record.claims} == shown_verdicts(outcome.notebook)
    assert all(isinstance(value, float) for value in outcome.record.metrics.values())
