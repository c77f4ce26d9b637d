"""Exercise checks, one module a lesson, one function an exercise. A check never raises and gives its verdict as text."""

import functools
import html


class Verdict(str):
    """What a check found: "not attempted", "passed: …" or a diagnosis of the mistake; displayed as a coloured line."""

    def _repr_html_(self):
        kind = "grey" if self.startswith("not attempted") else "#009E73" if self.startswith("passed") else "#D55E00"
        return f'<div style="border-left:5px solid {kind};padding:2px 10px">{html.escape(self)}</div>'

    def __repr__(self):
        return str(self)


def exercise(check):
    """Make a check out of a function answer -> diagnosis: None as the answer is "not attempted", an empty diagnosis is
    "passed", and an exception (a wrong type or shape, an error inside the learner's function) becomes a diagnosis."""

    @functools.wraps(check)
    def run(answer=None, *others):
        if answer is None or any(other is None for other in others):
            return Verdict("not attempted yet: replace None by your answer and run the cell again")
        try:
            diagnosis = check(answer, *others)
        except Exception as error:  # whatever the learner's code raises is part of the diagnosis
            diagnosis = f"your answer could not be used: {type(error).__name__}: {error}"
        if diagnosis:
            return Verdict("not yet: " + diagnosis)
        return Verdict("passed: " + check.__doc__.strip().splitlines()[0])

    return run
