"""Checks of the exercises of the deep dive `10_strategy_table`."""

from collections.abc import Mapping
from numbers import Real

import numpy as np

from course_utils.checks import diagnose

LIMITS = {"augment": 2.0, "p_drop": 0.9, "label_smoothing": 0.9, "weight_decay": 100.0}


def check_1(leave_one_out=None):
    """Diagnose leave_one_out(setting): {name: the setting without this regularizer}, for all that are in use."""
    rng = np.random.default_rng()
    cases = [(_setting(rng, in_use),) for in_use in ((1, 2, 2, 2), (2, 0, 1, 0), (0, 1, 0, 2), (0, 0, 2, 1))]

    def used(setting):
        return [name for name, value in setting.items() if value > 0]

    mistakes = {
        "a regularizer that is off already cannot be left out: the setting would be the same": lambda setting: {
            name: {**setting, name: 0.0} for name in setting},
        "you leave all but one out; asked are settings with all but one *in*": lambda setting: {
            name: {other: value * (other == name) for other, value in setting.items()} for name in used(setting)},
        "every setting must keep all four names: an absent regularizer is 0": lambda setting: {
            name: {other: value for other, value in setting.items() if other != name} for name in used(setting)},
        "you leave more and more out: each setting misses exactly one": _cumulative,
        "the whole setting is among them: leave it out": lambda setting: {
            "all": setting, **{name: {**setting, name: 0.0} for name in used(setting)}},
        "a list does not say which one is missing: give a dict, with the name of what is left out": lambda setting: [
            {**setting, name: 0.0} for name in used(setting)],
        "half of a strength is not out: set it to 0": lambda setting: {
            name: {**setting, name: setting[name] / 2} for name in used(setting)},
    }  # fmt: skip
    return diagnose(
        leave_one_out,
        cases,
        lambda setting: {name: {**setting, name: 0.0} for name in used(setting)},
        mistakes,
        passed="what a part is worth is what is lost without it.",
    )


def _cumulative(setting):
    """What comes of one dict that is changed again and again."""
    rest, result = dict(setting), {}
    for name in setting:
        if setting[name] > 0:
            rest[name] = 0.0
            result[name] = dict(rest)
    return result


def _setting(rng, in_use):
    """A random setting; in_use: of each regularizer 0 for off, 1 for weak, 2 for any strength."""
    highs = (1.2, 0.6, 0.4, 3.0)
    return {
        name: float(rng.uniform(0.02, 0.08) if on == 1 else rng.uniform(0.1, high)) * bool(on)
        for name, high, on in zip(LIMITS, highs, in_use, strict=True)
    }


def check_2(recipe=None):
    """Diagnose recipe(n): a setting for n training pictures, any that can be trained."""
    properties = {
        "a setting is a dict like `none`": lambda output, n: isinstance(output, Mapping),
        "a setting has exactly the names augment, p_drop, label_smoothing and weight_decay": lambda output, n: (
            set(output) == set(LIMITS)),
        "every strength is one number": lambda output, n: all(_is_number(value) for value in output.values()),
        "a strength is out of range: augment at most 2, p_drop and label_smoothing at most 0.9, weight_decay at most 100, "
        "none below 0": lambda output, n: all(0 <= float(output[name]) <= high for name, high in LIMITS.items()),
        "that is the table's own row; write another": lambda output, n: not _is_row(output, n),
    }  # fmt: skip
    return diagnose(
        recipe,
        [(100,), (1500,), (int(np.random.default_rng().integers(200, 4000)),)],
        None,
        {},
        properties=properties,
        passed="it can be trained. Whether it is better than the table's, the pictures say.",
    )


def _is_number(value):
    return isinstance(value, Real) or (isinstance(value, np.ndarray) and value.size == 1)


def _is_row(setting, n):
    """Whether this is the row of the table for n pictures."""
    p_drop, weight_decay = (0.5, 1e-3) if n < 1000 else (0.3, 1e-4)
    row = {"augment": 1.0, "p_drop": p_drop, "label_smoothing": 0.0, "weight_decay": weight_decay}
    return all(float(setting[name]) == value for name, value in row.items())
