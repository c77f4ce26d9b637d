"""Sweeps are paired by seed, choose on validation data, and leave the test split alone."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from course_utils.experiments import at, choose, report_test, sweep
from course_utils.training import evaluate, fit

LR = {"lr": 0.01}


def build(width=4):
    return nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 2))


def make_splits(seed, classes=True):
    """Splits without a test part: touching it is an AttributeError."""
    x = torch.randn(60, 2, generator=torch.Generator().manual_seed(seed))
    y = (x[:, 0] * x[:, 1] > 0).long() if classes else x[:, :1]
    return SimpleNamespace(train=(x[:40], y[:40]), val=(x[40:], y[40:]))


def test_a_sweep_is_fit_run_by_run():
    splits = {seed: make_splits(seed) for seed in (3, 4)}
    table, models = sweep(build, splits, [{"width": 4, **LR}, {"width": 8, **LR}], (3, 4), epochs=3, batch_size=16)
    assert table[["width", "seed"]].to_numpy().tolist() == [[4, 3], [4, 4], [8, 3], [8, 4]]
    torch.manual_seed(4)
    alone = build(8)
    optimizer = torch.optim.AdamW(alone.parameters(), **LR)
    history = fit(alone, splits[4].train, splits[4].val, optimizer, epochs=3, batch_size=16, seed=4)
    for column in ("train_loss", "val_loss", "train_accuracy", "val_accuracy"):
        assert table[column].iloc[3] == pytest.approx(history[column].iloc[-1], rel=1e-4)
    assert table["val_loss"].iloc[3] == pytest.approx(evaluate(models[3], *splits[4].val)["loss"])
    assert [column for column in table if "test" in column] == []


def test_after_patience_the_numbers_are_those_of_the_model_kept():
    splits = make_splits(0)
    table, models = sweep(build, splits, [{"lr": 0.3}], (0, 1, 2), epochs=40, patience=2)
    for number, model in enumerate(models):
        assert table["val_loss"][number] == pytest.approx(evaluate(model, *splits.val)["loss"])
    assert any("no lower validation loss" in reason for reason in table["stopped"])


def test_regression_has_no_accuracy():
    table, _ = sweep(lambda: nn.Linear(2, 1), make_splits(0, classes=False), [LR], range(3), epochs=1)
    assert {"train_loss", "val_loss"} <= set(table)
    assert "val_accuracy" not in table


@pytest.mark.parametrize(("settings", "seeds"), [([], (0,)), ([LR], ()), ([LR], (1, 1))])
def test_an_empty_or_repeated_sweep_is_refused(settings, seeds):
    with pytest.raises(ValueError, match="distinct seeds"):
        sweep(build, make_splits(0), settings, seeds, epochs=1)


def make_table(scores, column="val_accuracy"):
    """scores: {value of p: a number for each seed}."""
    rows = [{"p": p, "seed": seed, column: score} for p, by_seed in scores.items() for seed, score in enumerate(by_seed)]
    return pd.DataFrame(rows).sample(frac=1, random_state=0).reset_index(drop=True)


def test_at_is_in_the_order_of_the_seeds():
    table = make_table({0.0: [1, 2, 3], 0.3: [4, 5, 6]})
    assert at(table, "val_accuracy", p=0.3).tolist() == [4, 5, 6]
    assert at(table.assign(kind=[dict] * 6), "seed", p=0.0, kind=dict).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("column", "where", "message"),
    [
        ("accuracy", {"p": 0.3}, "no column accuracy"),
        ("val_accuracy", {"rate": 0.3}, "no column rate"),
        ("val_accuracy", {"p": 0.4}, "it leaves 0"),
        ("val_accuracy", {}, "it leaves 6"),
    ],
)
def test_at_refuses_what_is_not_one_run_a_seed(column, where, message):
    with pytest.raises(ValueError, match=message):
        at(make_table({0.0: [1, 2, 3], 0.3: [4, 5, 6]}), column, **where)


def test_at_refuses_pairs_whose_seeds_differ():
    table = make_table({0.0: [1, 2, 3], 0.3: [4, 5, 6]})
    table = table.drop(table.index[(table["p"] == 0.3) & (table["seed"] == 1)])
    with pytest.raises(ValueError, match="one run for each seed"):
        at(table, "val_accuracy", p=0.3)


def test_choose_takes_the_best_mean_and_names_the_ties():
    table = make_table({0.0: [0.70, 0.72, 0.71], 0.1: [0.80, 0.84, 0.80], 0.3: [0.83, 0.81, 0.82], 0.5: [0.5, 0.51, 0.5]})
    best, ties = choose(table, "p")
    assert best == 0.3
    assert ties == [0.1]


def test_choose_by_loss_takes_the_lowest():
    assert choose(make_table({0.0: [1.0, 1.1, 1.0], 0.3: [0.5, 0.6, 0.5]}, "val_loss"), "p", by="val_loss") == (0.3, [])


def test_equal_means_are_ties_and_the_first_is_taken():
    table = make_table({0.0: [1.0, 2, 3], 0.3: [1.0, 2, 3]}).sort_values("p")
    assert choose(table, "p") == (0.0, [0.3])


@pytest.mark.parametrize("by", ["test_accuracy", "train_accuracy"])
def test_choose_looks_at_validation_only(by):
    with pytest.raises(ValueError, match="validation examples"):
        choose(make_table({0.0: [1, 2, 3]}, by), "p", by=by)


def test_choose_refuses_a_run_that_diverged():
    with pytest.raises(ValueError, match="not a finite number"):
        choose(make_table({0.0: [1.0, np.nan, 3], 0.3: [4.0, 5, 6]}), "p")


def test_report_test_evaluates_each_model_on_its_test_examples():
    models, pairs = [build(), build()], [make_splits(seed).val for seed in (0, 1)]
    table = report_test(models, pairs)
    for number in (0, 1):
        expected = evaluate(models[number], *pairs[number], prefix="test_")
        assert table.iloc[number].to_dict() == pytest.approx(expected)
    assert len(report_test(models, pairs[0])) == 2
