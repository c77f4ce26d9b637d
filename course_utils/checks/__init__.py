"""Exercise checks, one module a lesson, one function an exercise. A check never raises, never hangs and shows a card."""

import dis
import inspect
from collections.abc import Callable
from typing import Any

from course_utils.cards import card
from course_utils.checks.answers import difference, equal, guarded, outputs_of, restored_state, shown, shown_inputs

OPEN = "not attempted yet: write your answer where the dots (or None) stand, and run the cell again"
KINDS = {"not attempted": "none", "not yet": "no", "passed": "yes"}


class Verdict(str):
    """What a check says: "not attempted …", "not yet: …" with a diagnosis, or "passed: …"; displayed as a card."""

    def _repr_html_(self):
        word = next(word for word in KINDS if self.startswith(word))
        return card(word, KINDS[word], self.removeprefix(word).removeprefix(" yet").lstrip(": "))

    def __repr__(self):
        return str(self)


def diagnose(answer: Any, cases: list[tuple], right: Any, mistakes: dict[str, Any], *, passed: str,
             properties: dict[str, Callable] | None = None, call: Callable | None = None,
             tolerance: float = 1e-4) -> Verdict:  # fmt: skip
    """Compare the learner's answer with the right one at several points, and name the mistake.

    Args:
        answer: the learner's function (any callable), or a value where `right` is one.
        cases: at least two tuples of inputs, some drawn anew whenever the check is called, so that neither a constant nor a
            special case passes. Every call gets copies. Not used where `right` is a value.
        right: the reference function, its arguments named as in the exercise; a value; or None where `properties` decide.
        mistakes: {diagnosis: wrong function (or value)}; given where the answer equals that one in all cases.
        passed: a sentence that says what was right and why it matters.
        properties: {diagnosis: predicate(output, *inputs)}; the first that fails in some case is given. Numbers, tensors and
            regular lists arrive as float64 arrays. For random answers, and for what `right` alone does not settle.
        call: call(function, *inputs) where an answer is not just called: a class, or a function that works in place.
        tolerance: relative; the default forgives float32.

    Returns:
        The Verdict. Answers may give numbers, tensors, arrays, lists, tuples or dicts, whichever they like.

    Raises:
        ValueError: if a function is checked in fewer than two cases: a fault of the check, not of the answer.
    """
    is_value = right is not None and not callable(right)
    if not is_value and len(cases) < 2:
        raise ValueError("a check needs two cases or more: in a single one a constant passes")
    if _is_open(answer):
        return Verdict(OPEN)
    if is_value:
        cases, call = [()], lambda value: value
    misfit, problem = guarded(lambda: _misfit(answer, right, cases[0], call))
    if misfit or problem:
        return Verdict(f"not yet: {misfit or 'your answer ' + problem}")
    with restored_state():
        outputs, changed, problem = outputs_of(answer, cases, call)
        at = [f"with {shown_inputs(right or answer, inputs)} " if inputs else "" for inputs in cases]
        if problem:
            return Verdict(f"not yet: {at[len(outputs)]}your answer {problem}")
        targets, may_change, _ = (outputs, False, "") if right is None else outputs_of(right, cases, call)
        is_wrong = right is None or not equal(outputs, targets, tolerance)
        diagnosis = _mistake(outputs, cases, mistakes, call, tolerance) if is_wrong else ""
        diagnosis = diagnosis or _broken(outputs, cases, properties or {}, at) or _hint(outputs, targets, at, tolerance)
    remark = " (It changes its inputs in place: whoever calls it loses them.)" if changed and not may_change else ""
    return Verdict(f"not yet: {diagnosis}{remark}" if diagnosis else f"passed: {passed}{remark}")


def _is_open(answer):
    """Whether the answer is None, `...` or a function without a body."""
    if not inspect.isfunction(answer):
        return answer is None or answer is ...
    steps = [step for step in dis.get_instructions(answer) if step.opname not in ("RESUME", "NOP")]
    return all("CONST" in s.opname or s.opname == "RETURN_VALUE" for s in steps) and steps[0].argval in (None, ...)


def _misfit(answer, right, inputs, call):
    """What keeps the answer from being called, or ""."""
    if right is not None and not callable(right):
        return "a value is asked, not a function: call it" if callable(answer) else ""
    if not callable(answer):
        return f"a function is asked (the function itself, not what it gives), but your answer is {shown(answer)}"
    if inspect.isclass(answer) and not call:
        return f"a function is asked, but {answer.__name__} is a class: use `def`"
    if call:
        return ""
    try:
        signature = inspect.signature(answer)
        signature.bind(*inputs)
    except ValueError:  # some built-in functions do not tell their arguments
        return ""
    except TypeError:
        n_arguments = f"{len(signature.parameters)} argument" + "s" * (len(signature.parameters) != 1)
        return f"your function takes {n_arguments}, the exercise gives it {len(inputs)}: {shown_inputs(right, inputs)}"
    return ""


def _mistake(outputs, cases, mistakes, call, tolerance):
    """The diagnosis of the first wrong function that gives these outputs in all cases, or ""."""
    wrong = ((diagnosis, outputs_of(function, cases, call)[0]) for diagnosis, function in mistakes.items())
    return next((diagnosis for diagnosis, results in wrong if equal(outputs, results, tolerance)), "")


def _broken(outputs, cases, properties, at):
    """The first property that does not hold in some case, with that case, or ""."""
    for diagnosis, holds in properties.items():
        for output, inputs, where in zip(outputs, cases, at, strict=True):
            if not guarded(lambda: holds(output, *inputs), False)[0]:  # noqa: B023 (called at once)
                return f"{diagnosis} (seen {where.strip()})"
    return ""


def _hint(outputs, targets, at, tolerance):
    """Where the outputs first differ from the right ones, and how, without telling these, or ""."""
    for output, target, where in zip(outputs, targets, at, strict=True):
        if not equal(output, target, tolerance):
            return f"{where}your answer gives {difference(output, target, tolerance)}"
    return ""
