"""`diagnose` on answers of every kind: it names the mistake, forgives the form, never raises and never hangs."""

import contextlib
import copy
import itertools
import math
import random
import signal
import threading
import time

import numpy as np
import pandas as pd
import pytest
import torch

from course_utils.checks import answers, diagnose


def root_mean(values, scale):
    return scale * math.sqrt(sum(value**2 for value in values) / len(values))


def check_root_mean(answer):
    rng = np.random.default_rng()
    cases = [
        (rng.normal(size=n).tolist(), scale) for n, scale in zip(rng.integers(3, 9, 3).tolist(), (2.0, 0.5, 7.0), strict=True)
    ]
    mistakes = {"the root is missing": lambda values, scale: scale * (root_mean(values, 1)) ** 2,
                "the scale is missing": lambda values, scale: root_mean(values, 1)}  # fmt: skip
    return diagnose(answer, cases, root_mean, mistakes, passed="the root comes last.")


@pytest.mark.parametrize(
    "form",
    [
        float,
        np.float32,
        np.array,
        torch.tensor,
        lambda v: torch.tensor([v]),
        lambda v: [v],
        lambda v: torch.tensor(v, dtype=torch.float32, requires_grad=True),
        lambda v: pd.Series([v]),
    ],
)
def test_a_right_answer_passes_in_any_form(form):
    assert check_root_mean(lambda values, scale: form(root_mean(values, scale))) == "passed: the root comes last."


@pytest.mark.parametrize(
    "form",
    [
        list,
        tuple,
        np.array,
        torch.tensor,
        lambda v: torch.tensor(v, dtype=torch.float32),
        lambda v: [torch.tensor(x) for x in v],
        lambda v: (np.float32(v[0]), torch.tensor(v[1])),
    ],
)
def test_several_numbers_may_come_together_or_apart(form):
    cases = [(a, b) for a, b in np.random.default_rng().normal(size=(3, 2))]
    assert diagnose(lambda a, b: form([a + b, a - b]), cases, lambda a, b: (a + b, a - b), {}, passed="").startswith("passed")


def test_dictionaries_sets_and_text_are_compared_part_by_part():
    cases = [(2.0, "a"), (random.random(), "b")]
    right = lambda x, name: {"value": x, "names": {name, "c"}, "pair": (x, [x, x, x]), "text": name}  # noqa: E731
    rounded = lambda x, name: right(x, name) | {"pair": [np.float32(x), torch.full((3,), x)]}  # noqa: E731
    assert diagnose(rounded, cases, right, {}, passed="").startswith("passed")
    for wrong, hint in (
        ({"value": 9.0}, "under 'value' 9, which is too large"),
        ({"pair": (2.0, [2.0, 2.0])}, "2 numbers, where 3"),
        ({"names": {"c"}}, "under 'names'"),
        ({"text": "d"}, "under 'text' 'd', which is not it"),
    ):
        assert hint in diagnose(lambda x, name, wrong=wrong: right(x, name) | wrong, cases, right, {}, passed="")


@pytest.mark.parametrize("empty", [None, ..., lambda values, scale: None, lambda *values: ...])
def test_an_empty_answer_is_not_attempted(empty):
    assert check_root_mean(empty).startswith("not attempted")


def test_a_stub_is_not_attempted_but_a_forgotten_return_is_told():
    def stub(values, scale):
        """With a docstring alone."""

    def forgotten(values, scale):
        root_mean(values, scale)

    assert check_root_mean(stub).startswith("not attempted")
    assert "is `return` missing?" in check_root_mean(forgotten)
    assert check_root_mean(lambda values, scale: 5).startswith("not yet")


def test_a_mistake_is_named_only_where_all_cases_show_it():
    assert check_root_mean(lambda values, scale: root_mean(values, 1)) == "not yet: the scale is missing"
    once = lambda values, scale: root_mean(values, 1 if scale == 2 else 3)  # noqa: E731
    assert "the scale is missing" not in check_root_mean(once)


def test_a_mistake_that_these_cases_cannot_tell_from_the_right_answer_is_not_named():
    assert diagnose(math.sqrt, [(4.0,), (9.0,)], math.sqrt, {"never said": lambda v: v**0.5}, passed="yes.") == "passed: yes."


def test_constants_and_special_cases_do_not_pass():
    cases = [(n, n / 3) for n in (5, 9)]
    for wrong in (lambda n, x: math.sqrt(5), lambda n, x: math.sqrt(5) if n == 5 else 0, lambda n, x: math.nan):
        assert diagnose(wrong, cases, lambda n, x: math.sqrt(n), {}, passed="").startswith("not yet")
    with pytest.raises(ValueError, match="two cases"):
        diagnose(math.sqrt, [(5,)], math.sqrt, {}, passed="")


def test_an_unforeseen_value_gets_a_hint_and_never_the_solution():
    cases = [(7, 0.5), (9, 0.25)]
    verdict = diagnose(lambda n, p: n * p + 0.125, cases, lambda n, p: n * p, {}, passed="")
    assert verdict == "not yet: with n = 7, p = 0.5 your answer gives 3.625, which is too large"
    assert "of the wrong sign" in diagnose(lambda n, p: -1, cases, lambda n, p: n * p, {}, passed="")
    assert "not a number" in diagnose(lambda n, p: math.nan, cases, lambda n, p: n * p, {}, passed="")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (0.015, "a function is asked (the function itself, not what it gives), but your answer is 0.015"),
        (type("Mean", (), {}), "Mean is a class"),
        (lambda x: x, "takes 1 argument, the exercise gives it 2: x = 3 × 4 numbers, scale = 2"),
        (lambda x, scale: x.sum(), "one number, where 3 × 4 numbers is asked"),
        (lambda x, scale: x[0] * scale, "4 numbers, where 3 × 4 numbers"),
        (lambda x, scale: "much", "a str, where"),
        (lambda x, scale: (i for i in x), "an object of type generator"),
        (lambda x, scale: (x * scale).dtype, "an object of type"),
        (
            lambda x, scale: np.where(x == x[1, 2], 0, x * scale),
            "12 numbers, 1 of them wrong; the one at [1, 2] is 0, which is too small",
        ),
        (lambda x, scale: x.dot(torch.ones(2)), "raises ValueError"),
        (lambda x, scale: x.undefined, "with x = 3 × 4 numbers, scale = 2 your answer raises AttributeError"),
    ],
)
def test_a_misunderstanding_is_told_in_words(answer, hint):
    cases = [(np.random.default_rng().uniform(1, 2, (3, 4)), scale) for scale in (2.0, 3.0)]
    verdict = diagnose(answer, cases, lambda x, scale: x * scale, {}, passed="")
    assert verdict.startswith("not yet")
    assert hint in verdict


def test_built_in_functions_and_callable_objects_are_functions():
    cases = [(2.0, 3.0), (random.random(), 2.0)]
    assert diagnose(math.pow, cases, lambda a, b: a**b, {}, passed="").startswith("passed")
    assert diagnose(np.power, cases, lambda a, b: a**b, {}, passed="").startswith("passed")
    assert diagnose(torch.nn.Identity(), [(1.0,), (2.0,)], lambda a: a, {}, passed="").startswith("passed")


def test_a_value_may_be_asked_in_place_of_a_function():
    def check(answer):
        return diagnose(answer, [], 0.03, {"upside down": 1 / 0.03}, passed="small.")

    assert check(torch.tensor(0.03)) == "passed: small."
    assert check(33.33333) == "not yet: upside down"
    assert check(0.02) == "not yet: your answer gives 0.02, which is too small"
    assert "not a function" in check(lambda: 0.03)
    assert check(None).startswith("not attempted")


# What an answer may do to its surroundings


class Silent(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def raiser(error):
    def answer(values, scale):
        raise error

    return answer


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (Silent(), "Silent"),
        (GeneratorExit(), "GeneratorExit"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
def test_an_exception_becomes_a_diagnosis_with_its_input(error, words):
    verdict = check_root_mean(raiser(error))
    assert verdict.startswith("not yet: with values = ")
    assert words in verdict


class Hostile:
    def __call__(self, values, scale):
        return self

    def __array__(self, *arguments, **options):
        raise SystemExit

    __len__ = __repr__ = __eq__ = __bool__ = __array__
    __hash__ = None


def test_hostile_objects_become_a_diagnosis():
    endless_list = []
    endless_list.append(endless_list)
    hostile = Hostile()
    for answer in (hostile, lambda values, scale: hostile, endless_list, lambda values, scale: endless_list, {"a": hostile}):
        assert check_root_mean(answer).startswith("not yet")
    assert diagnose(Hostile.__array__, [], 0.3, {}, passed="").startswith("not yet")


def test_endless_recursion_is_stopped():
    def answer(values, scale):
        return answer(values, scale)

    assert "RecursionError" in check_root_mean(answer)


def endless(values, scale):
    while True:
        pass


def stubborn(values, scale):
    for _ in range(2):
        with contextlib.suppress(BaseException):
            endless(values, scale)
    return 0


@pytest.mark.parametrize("answer", [endless, stubborn, lambda values, scale: sum(0.0 for _ in itertools.count())])  # fmt: skip
def test_an_endless_loop_is_stopped(answer, monkeypatch):
    monkeypatch.setattr(answers, "SECONDS", 0.2)
    started = time.perf_counter()
    assert check_root_mean(answer).startswith("not yet")
    assert time.perf_counter() - started < 3
    time.sleep(0.3)  # nothing is raised any more


def test_an_endless_loop_is_stopped_in_a_thread(monkeypatch):
    monkeypatch.setattr(answers, "SECONDS", 0.2)
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(check_root_mean(endless)), daemon=True)
    thread.start()
    thread.join(5)
    assert "does not come to an end" in verdicts[0]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer signal")
def test_ctrl_c_gets_through():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            check_root_mean(endless)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)


def test_global_states_are_put_back():
    def answer(values, scale):
        random.seed(0), np.random.seed(0), torch.manual_seed(0)
        torch.set_default_dtype(torch.float64), torch.set_grad_enabled(False)
        return root_mean(values, scale)

    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    assert check_root_mean(answer).startswith("passed")
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


def test_warnings_of_an_answer_are_no_errors_and_no_noise(recwarn):
    assert "raises" not in check_root_mean(lambda values, scale: np.log(np.array([-1.0]))[0] / 0)
    assert not [warning for warning in recwarn if warning.category is RuntimeWarning]  # others may come from other tests


# Exercises of the lessons to come


def check_sgd_step(answer):
    def right(w, grad, lr, l2_strength):
        return (1 - lr * l2_strength) * w - lr * grad

    cases = [
        (torch.randn(n, dtype=torch.float64), torch.randn(n, dtype=torch.float64), 0.1, l2) for n, l2 in ((2, 0.2), (5, 0.7))
    ]
    mistakes = {"not 1 − λ": lambda w, g, lr, l2: (1 - l2) * w - lr * g, "without penalty": lambda w, g, lr, l2: w - lr * g,
                "decay after the step": lambda w, g, lr, l2: (1 - lr * l2) * (w - lr * g)}  # fmt: skip
    return diagnose(answer, cases, right, mistakes, passed="the penalty has become a factor.")


def test_a_step_that_changes_its_gradient_passes_with_a_remark():
    verdict = check_sgd_step(lambda w, g, lr, l2: w - lr * g.add_(w, alpha=l2))
    assert verdict == "passed: the penalty has become a factor. (It changes its inputs in place: whoever calls it loses them.)"
    assert check_sgd_step(lambda w, g, lr, l2: w - lr * g.zero_()).startswith("not yet")
    assert "penalty twice" not in check_sgd_step(lambda w, g, lr, l2: w - lr * (g.add_(w, alpha=l2) + l2 * w))
    assert "decay after the step" in check_sgd_step(lambda w, g, lr, l2: (1 - lr * l2) * (w - lr * g))


def check_in_place_step(answer):
    def right(w, grad, lr):
        w -= lr * grad

    cases = [(torch.randn(n), torch.randn(n), lr) for n, lr in ((3, 0.1), (4, 0.5))]
    call = lambda step, w, *rest: (step(w, *rest), w)[1]  # noqa: E731
    return diagnose(answer, cases, right, {"uphill": lambda w, g, lr: w.add_(lr * g)}, passed="in place.", call=call)


def test_a_function_may_be_asked_to_work_in_place():
    assert check_in_place_step(lambda w, g, lr: w.sub_(lr * g)) == "passed: in place."
    assert check_in_place_step(lambda w, g, lr: w.add_(lr * g)) == "not yet: uphill"
    assert "numbers" in check_in_place_step(lambda w, g, lr: w - lr * g)
    assert check_in_place_step(lambda w, g, lr: ...).startswith("not attempted")


def check_dropout(answer):
    def call(dropout, x, p, rng):
        return dropout(x, p, rng), dropout(x, p, rng)

    rng = np.random.default_rng()
    cases = [
        (rng.normal(size=(rng.integers(200, 400), 300)), p, np.random.default_rng(rng.integers(2**32))) for p in (0.2, 0.7, 0.4)
    ]
    properties = {
        "the output must have the shape of x": lambda out, x, p, rng: out.shape == (2, *x.shape),
        "you treat p as keeping": lambda out, x, p, rng: abs((out == 0).mean() - (1 - p)) > 0.02,
        "rows share one mask": lambda out, x, p, rng: not (out == 0).any() or ((out == 0).std(axis=1) > 0).any(),
        "a share p must fall": lambda out, x, p, rng: abs((out == 0).mean() - p) < 0.02,
        "survivors are not rescaled": lambda out, x, p, rng: not np.allclose(out[out != 0], np.stack([x, x])[out != 0]),
        "survivors are x / (1 − p)": lambda out, x, p, rng: np.allclose(out[out != 0], np.stack([x, x])[out != 0] / (1 - p)),
        "the same mask at every call": lambda out, x, p, rng: ((out[0] == 0) != (out[1] == 0)).any(),
        "half-batches share a mask": lambda out, x, p, rng: (
            (out[0][: len(x) // 2] == 0) != (out[0][len(x) // 2 : len(x) // 2 * 2] == 0)
        ).any(),
    }
    return diagnose(answer, cases, None, {}, properties=properties, call=call, passed="unbiased.")


def dropout(x, p, rng):
    return x * (rng.random(x.shape) >= p) / (1 - p)


@pytest.mark.parametrize(("answer", "verdict"), [
    (dropout, "passed"),
    (lambda x, p, rng: torch.tensor(x) * torch.tensor(rng.binomial(1, 1 - p, x.shape)) / (1 - p), "passed"),
    (lambda x, p, rng: np.multiply(x, (rng.random(x.shape) >= p) / (1 - p), out=x.copy()), "passed"),
    (lambda x, p, rng: x * (rng.random(x.shape) < p) / p, "you treat p as keeping (seen with x = "),
    (lambda x, p, rng: x * (rng.random(x.shape) < p) / p, "p = 0.2, rng = a Generator)"),
    (lambda x, p, rng: x * (rng.random(x.shape) >= p), "survivors are not rescaled"),
    (lambda x, p, rng: x * (rng.random(x.shape) >= p) * 1.25, "survivors are x / (1 − p)"),
    (lambda x, p, rng: -dropout(x, p, rng), "survivors are x / (1 − p)"),
    (lambda x, p, rng: dropout(x, p, np.random.default_rng(1)), "the same mask at every call"),
    (lambda x, p, rng: x * (rng.random(x.shape[1]) >= p) / (1 - p), "rows share one mask"),
    (lambda x, p, rng: x * np.resize(rng.random((len(x) // 2, x.shape[1])) >= p, x.shape) / (1 - p), "half-batches"),
    (lambda x, p, rng: np.full_like(x, math.nan), "a share p must fall"),
    (lambda x, p, rng: dropout(x, p, rng)[0], "the shape of x"),
    (lambda x, p, rng: None, "not attempted"),
])  # fmt: skip
def test_a_random_answer_is_held_to_its_properties(answer, verdict):
    assert verdict in check_dropout(answer)


def check_soft_threshold(answer):
    def right(w, threshold):
        return np.sign(w) * np.maximum(np.abs(w) - threshold, 0)

    rng = np.random.default_rng()
    cases = [(rng.normal(size=rng.integers(8, 20)), threshold) for threshold in (0.3, 0.8)]
    mistakes = {
        "hard threshold": lambda w, t: np.where(np.abs(w) > t, w, 0),
        "the sign": lambda w, t: np.maximum(np.abs(w) - t, 0),
        "the loser side": lambda w, t: np.maximum(w - t, 0),
    }
    return diagnose(answer, cases, right, mistakes, passed="zero, exactly.")


def test_soft_threshold_in_torch_and_its_neighbors():
    soft = lambda w, t: torch.nn.functional.softshrink(torch.tensor(w, dtype=torch.float32), t)  # noqa: E731
    assert check_soft_threshold(soft).startswith("passed")
    assert check_soft_threshold(lambda w, t: np.where(abs(w) > t, w, 0)) == "not yet: hard threshold"
    assert check_soft_threshold(lambda w, t: np.maximum(w - t, 0)) == "not yet: the loser side"
    assert "wrong; the one at" in check_soft_threshold(lambda w, t: np.sign(w) * np.maximum(abs(w) - 2 * t, 0))


def check_best_rate(answer):
    def right(scores):
        means = scores.groupby("p_drop").mean()
        return means["val"].idxmax(), means["test"][means["val"].idxmax()]

    def table():
        runs = pd.DataFrame([(p, seed) for p in (0.0, 0.3, 0.7) for seed in range(4)], columns=["p_drop", "seed"])
        best = runs["p_drop"].map(dict(zip((0.0, 0.3, 0.7), rng.permutation([70.0, 75.0, 80.0]), strict=True)))
        return runs.assign(val=best + rng.normal(0, 0.3, 12), test=best + rng.normal(0, 0.3, 12))

    rng = np.random.default_rng()
    mistakes = {"the validation": lambda s: (right(s)[0], s.groupby("p_drop")["val"].mean().max())}
    return diagnose(answer, [(table(),) for _ in range(4)], right, mistakes, passed="once.", tolerance=1e-6)


def test_a_data_frame_is_copied_too():
    def in_place(scores):
        scores.drop(columns="seed", inplace=True)
        means = scores.groupby("p_drop").mean().reset_index().sort_values("val").iloc[-1]
        return [means["p_drop"], torch.tensor(means["test"])]

    assert check_best_rate(in_place).startswith("passed: once. (It changes")
    assert check_best_rate(lambda s: (0.3, 75.0)).startswith("not yet")
    assert check_best_rate(lambda s: (s.groupby("p_drop")["val"].mean().idxmax(), s.groupby("p_drop")["val"].mean().max())
                           ) == "not yet: the validation"  # fmt: skip


# The card


@pytest.mark.parametrize(("answer", "word", "colour"), [
    (root_mean, "✓ passed", "#007A58"), (math.hypot, "✗ not yet", "#B84D00"), (None, "· not attempted", "#")])  # fmt: skip
def test_a_verdict_is_a_card_with_a_filled_pill(answer, word, colour):
    html = check_root_mean(answer)._repr_html_()
    assert word in html
    assert f"background-color:{colour}" in html
    assert "<style" not in html
    assert "<b>" not in check_root_mean(lambda values, scale: "<b>")._repr_html_()


def test_inputs_are_copied_between_answer_reference_and_mistakes():
    cases = [([3, 1, 2],), ([5, 4],)]
    before = copy.deepcopy(cases)
    mistakes = {"reversed": lambda v: (v.sort(reverse=True), v)[1]}
    assert diagnose(lambda v: (v.sort(), v)[1], cases, sorted, mistakes, passed="").startswith("passed")
    assert diagnose(lambda v: v[::-1].sort() or sorted(v)[::-1], cases, sorted, mistakes, passed="") == "not yet: reversed"
    assert cases == before
