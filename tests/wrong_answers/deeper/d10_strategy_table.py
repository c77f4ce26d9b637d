"""Typical wrong answers of the deep dive `10_strategy_table`: (answer, part of the diagnosis it must get)."""


def _without_some(setting):
    return {name: {k: v for k, v in setting.items() if k != name} for name in setting if setting[name]}


def _in_place(setting):
    result = {}
    for name in setting:
        if setting[name]:
            setting[name] = 0.0
            result[name] = setting.copy()
    return result


NONE = {"augment": 0.0, "p_drop": 0.0, "label_smoothing": 0.0, "weight_decay": 0.0}

WRONG = {
    "check_1": [
        (lambda setting: {name: {**setting, name: 0} for name in setting}, "cannot be left out"),
        (lambda setting: {name: {**NONE, name: value} for name, value in setting.items() if value}, "all but one *in*"),
        (_without_some, "keep all four names"),
        (_in_place, "more and more"),
        (lambda setting: [{**setting, name: 0.0} for name, value in setting.items() if value], "a list does not say"),
        (lambda setting: {}, "not yet"),
        (lambda setting: {name: {**setting, name: 0.0} for name, value in setting.items() if value > 0.1}, "not yet"),
    ],
    "check_2": [
        (lambda n: (1.0, 0.5, 0.0, 0.0), "a dict like"),
        (lambda n: {"augment": 1.0}, "exactly the names"),
        (lambda n: {**NONE, "augment": "heavy"}, "one number"),
        (lambda n: {**NONE, "p_drop": 1.0}, "out of range"),
        (lambda n: {**NONE, "weight_decay": -1}, "out of range"),
        (lambda n: {**NONE, "augment": 1.0, "p_drop": 0.5, "weight_decay": 1e-3}, "the table's own row"),
        (lambda n: NONE if n < 500 else None, "not yet"),
    ],
}
