"""Experiments that lessons share: train every setting with every seed, compare in pairs, choose on validation, test once."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from course_utils.data import Splits
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import Pair, evaluate

Choice = namedtuple("Choice", "best ties")


def sweep(build: Callable[..., nn.Module], splits: Splits | Mapping[int, Splits], settings: list[dict], seeds: Iterable[int], *,
          epochs: int, batch_size: int = 64, patience: int | None = None) -> tuple[pd.DataFrame, list[nn.Module]]:  # fmt: skip
    """Train a model for each setting and seed; evaluate it on its training and validation examples, never on test.

    Args:
        build: makes a model, as in `train_runs`.
        splits: what `load` gives, for all runs, or {seed: splits}.
        settings: dicts of what a run trains with, such as {"p_drop": 0.3, "lr": 1e-3, "optimizer": SGD}, as in `train_runs`.
        seeds: of the runs; every setting gets all of them.
        epochs: as in `fit`.
        batch_size: as in `fit`.
        patience: as in `fit`.

    Returns:
        A DataFrame with a row a run (its setting, `seed`, `train_loss`, `val_loss`, for labels `train_accuracy`,
        `val_accuracy`, and `stopped`), and the list of models in the order of the rows.

    Raises:
        ValueError: No settings, or no seeds, or a seed twice.
    """
    seeds = list(seeds)
    if not settings or not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"a sweep needs settings and distinct seeds, not {len(settings)} settings and seeds {seeds}")
    rows = [{**setting, "seed": seed} for setting in settings for seed in seeds]
    parts = [splits[row["seed"]] if isinstance(splits, Mapping) else splits for row in rows]
    runs = [{**row, "train": part.train, "val": part.val} for row, part in zip(rows, parts, strict=True)]
    history, models = train_runs(build, parts[0].train, parts[0].val, runs, epochs=epochs, batch_size=batch_size,
                                 patience=patience, evaluate_every=1 if patience else epochs)  # fmt: skip
    stopped = history.groupby("run")["stopped"].last()
    for row, part, model, reason in zip(rows, parts, models, stopped, strict=True):
        row |= evaluate(model, *part.train, prefix="train_") | evaluate(model, *part.val, prefix="val_")
        row["stopped"] = reason
    return pd.DataFrame(rows), models


def at(table: pd.DataFrame, column: str, **where: Any) -> np.ndarray:
    """One number a seed, in the order of the seeds, so that two calls give pairs.

    Args:
        table: a row a run, with a column `seed`, as from `sweep`.
        column: what to take.
        **where: values of other columns, such as p_drop=0.3, that leave one run for each seed of the table.

    Returns:
        (n_seeds,) numbers.

    Raises:
        ValueError: No such column, or not exactly one run for each seed.
    """
    if unknown := {column, "seed", *where} - set(table):
        raise ValueError(f"the table has no column {', '.join(sorted(unknown))}: it has {', '.join(map(str, table))}")
    chosen = table
    for name, value in where.items():
        chosen = chosen[[entry == value for entry in chosen[name]]]
    chosen = chosen.sort_values("seed")
    if list(chosen["seed"]) != sorted(table["seed"].unique()):
        raise ValueError(
            f"{where} must leave one run for each seed, but it leaves {len(chosen)}, with seeds {list(chosen['seed'])}"
        )
    return chosen[column].to_numpy()


def choose(table: pd.DataFrame, setting: str, by: str = "val_accuracy") -> Choice:
    """Choose the value of a setting that is best on validation examples, by its mean over seeds.

    Args:
        table: a row a run, all seeds for each value, as from `sweep`.
        setting: the column to choose a value of.
        by: a validation column: the lowest loss or the highest of anything else is best; of equal means the first.

    Returns:
        `best`, the value, and `ties`, those it cannot be told from: 0 is in the 95 % interval of the paired difference.

    Raises:
        ValueError: `by` is no validation column, a run has no finite number there, or seeds differ between values.
    """
    if not by.startswith("val_"):
        raise ValueError(f"choose by a column of validation examples, such as val_accuracy, not by {by!r}")
    sign = -1 if by.endswith("loss") else 1
    scores = {value: sign * at(table, by, **{setting: value}) for value in table[setting].unique()}
    if not np.isfinite(list(scores.values())).all():
        raise ValueError(f"{by} is not a finite number in every run: look at `stopped`, and lower the learning rate")
    best = max(scores, key=lambda value: scores[value].mean())
    behind = {value: mean_and_interval(scores[best] - score) for value, score in scores.items() if value != best}
    return Choice(best, [value for value, (mean, half, _) in behind.items() if mean <= half])


def report_test(models: list[nn.Module], test: Pair | list[Pair]) -> pd.DataFrame:
    """Loss and accuracy on test examples, for the last page of an experiment: after this nothing is chosen any more.

    Args:
        models: the chosen ones only.
        test: (x, y), the same for all, or a list of such pairs, one a model.

    Returns:
        A table with a row a model: `test_loss` and, for labels, `test_accuracy`.

    Raises:
        ValueError: A list of pairs that is longer or shorter than that of the models.
    """
    pairs = test if isinstance(test, list) else [test] * len(models)
    return pd.DataFrame([evaluate(model, *pair, prefix="test_") for model, pair in zip(models, pairs, strict=True)])
