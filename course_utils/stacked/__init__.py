"""`train_runs`: many runs of `training.fit` at once, each with its own seed and settings, for the price of few."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import torch
from torch import nn

from course_utils.stacked.plan import divide
from course_utils.stacked.stack import train_share
from course_utils.stacked.workers import train_in_workers, worker_count
from course_utils.training import Log, Pair
from course_utils.training_settings import check_training, is_count, progress_bar

OF_TRAINING = ("seed", "l1_strength", "label_smoothing", "optimizer", "train", "val")
COLUMNS = ("run", "epoch", "loss", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "stopped")


@dataclass(eq=False)
class Run:
    """One run: what it trains with, and what has come of it so far."""

    model: nn.Module
    build: dict  # what `build` was given
    hyper: dict  # keyword arguments of the optimizer
    log: Log
    rng_state: torch.Tensor  # of the global generator, after `build`
    train: Pair
    val: Pair
    optimizer: type
    seed: int = 0
    l1_strength: float = 0.0
    label_smoothing: float = 0.0


def train_runs(build: Callable[..., nn.Module], train: Pair, val: Pair, runs: list[dict], *, epochs: int, batch_size: int = 64,
               patience: int | None = None, optimizer: type = torch.optim.AdamW, evaluate_every: int = 1,
               max_runs_at_once: int | None = None, progress: bool = True) -> tuple[pd.DataFrame, list[nn.Module]]:  # fmt: skip
    """Train one model per entry of `runs`.

    Run k gives, up to rounding, the numbers of
    `torch.manual_seed(seed); model = build(...); fit(model, train, val, optimizer(model.parameters(), ...), seed=seed, ...)`,
    so runs of one seed share initial weights, batch order and masks: compare them in pairs. Runs whose models differ in
    nothing but weights and dropout rates are stacked along a new first axis, so that one batched operation serves all of them;
    the others are fitted one after the other. On a CPU the runs are divided among processes of one thread each, as many as
    there are cores (the environment variable LOKY_MAX_CPU_COUNT sets fewer), if they take more than a few seconds.
    Ctrl-C ends training, in all processes. benchmarks/README.md has the measurements.

    Args:
        build: makes an ordinary model from the settings of a run that are not training's or the optimizer's.
        train: as in `fit`; all data on one device.
        val: as in `fit`.
        runs: a dict per run. The keys `seed` (default 0), `l1_strength`, `label_smoothing` and any setting of the optimizer
            (`lr`, `weight_decay`, `momentum`, `betas`, ...) mean what they mean in `fit`; `optimizer`, `train` and `val`
            replace the arguments of that name for this run; every other key is for `build`.
        epochs: as in `fit`, like batch_size, patience and evaluate_every.
        batch_size: examples per step.
        patience: evaluations without a lower validation loss until a run ends.
        optimizer: the class of the optimizer.
        evaluate_every: epochs between evaluations.
        max_runs_at_once: the most runs in a stack; default: what fits into fast memory.
        progress: show a bar, if training takes longer than two seconds.

    Returns:
        A table with a row per run and epoch: `run` (index in `runs`), the run's settings, `fit`'s columns, and `stopped`,
        which says why the run ended (a loss that is not finite ends its run only); and the trained models in the order of `runs`.

    Raises:
        ValueError: or TypeError, before any training, for settings that cannot be.
        RuntimeError: if a worker process was killed.
    """
    if not runs:
        raise ValueError("runs is empty: give a list of dicts, one per run")
    if not (max_runs_at_once is None or is_count(max_runs_at_once)):
        raise ValueError(f"max_runs_at_once must be None or a positive integer, not {max_runs_at_once!r}")
    settings = {"epochs": epochs, "batch_size": batch_size, "patience": patience, "evaluate_every": evaluate_every}
    defaults = {"train": train, "val": val, "optimizer": optimizer}
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small operations gain nothing from a second
    try:
        with torch.random.fork_rng():  # the global generator stays as it was
            jobs = [_make_run(index, run, build, defaults, settings) for index, run in enumerate(runs)]
            here, shares = divide(jobs, batch_size, max_runs_at_once, worker_count)
            with progress_bar(None, progress, total=len(jobs) * epochs) as bar:
                train_share(here, batch_size, bar.update)
                if shares:
                    train_in_workers(shares, batch_size, bar.update)
    finally:
        torch.set_num_threads(n_threads)
    return _table(jobs, runs), [job.model for job in jobs]


def _make_run(index, run, build, defaults, settings):
    """The `Run` of an entry of `runs`, with its model built under its seed."""
    if not isinstance(run, dict):
        raise TypeError(f"run {index} is of type {type(run).__name__}: a run is a dict of settings")
    for name in run.keys() & COLUMNS:
        raise ValueError(f"run {index}: the table has a column {name!r} of its own: rename this argument of build")
    chosen = defaults | {k: v for k, v in run.items() if k in OF_TRAINING}
    training = {"seed": 0, "l1_strength": 0.0, "label_smoothing": 0.0} | {k: v for k, v in chosen.items() if k in OF_TRAINING[:3]}
    optimizer = chosen["optimizer"]
    try:
        check_training(chosen["train"], chosen["val"], **settings, **training)
    except ValueError as error:
        raise ValueError(f"run {index}: {error}") from None
    hyper = {k: v for k, v in run.items() if k in set(inspect.signature(optimizer).parameters) - {"params"}}
    for_build = {k: v for k, v in run.items() if k not in OF_TRAINING and k not in hyper}
    try:
        inspect.signature(build).bind(**for_build)
    except TypeError as error:
        raise ValueError(f"run {index}: build has {error}; nor is it a setting of training or {optimizer.__name__}") from None
    torch.manual_seed(training["seed"])
    model = build(**for_build).to(chosen["train"][0].device)
    rng_state = torch.get_rng_state()
    try:
        optimizer(model.parameters(), **hyper)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"run {index}: {error}") from error
    log = Log(settings["epochs"], settings["evaluate_every"], settings["patience"])
    return Run(model, for_build, hyper, log, rng_state, **chosen)


def _table(jobs, runs):
    settings = [{k: getattr(v, "__name__", v) for k, v in run.items() if k not in ("train", "val")} for run in runs]
    rows = [{"run": k} | settings[k] | row | {"stopped": job.log.stopped} for k, job in enumerate(jobs) for row in job.log.rows]
    return pd.DataFrame(rows)
