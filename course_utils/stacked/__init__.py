"""`train_runs`: many runs of `training.fit` at once, each with its own seed and settings, for the price of few."""

import inspect
import math
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import pandas as pd
import torch
from torch import nn
from tqdm.auto import tqdm

from course_utils.dropout import use_generator
from course_utils.stacked.layers import losses_of, pool, probe, stack, structure
from course_utils.stacked.optimizers import NOT_BY_ELEMENT, make_optimizer, make_optimizers, settings_key, step_
from course_utils.training import batches, check_training, evaluate, fit, run_generators, snapshot

STACK_BYTES = 64 * 2**20  # of weights, gradients and optimizer state that a CPU trains at once
OWN_KEYS = ("seed", "l1_strength", "label_smoothing", "optimizer", "train", "val")


@dataclass(eq=False)
class Run:
    """One run: what it trains with, and what has come of it so far."""

    index: int
    model: nn.Module
    hyper: dict  # keyword arguments of the optimizer
    train: tuple
    val: tuple
    optimizer: type
    seed: int = 0
    l1_strength: float = 0.0
    label_smoothing: float = 0.0
    rows: list = field(default_factory=list)
    best: tuple = (math.inf, -1, None)
    stopped: str | None = None


def train_runs(build, train, val, runs, *, epochs, batch_size=64, patience=None, optimizer=torch.optim.AdamW,
               evaluate_every=1, max_runs_at_once=None, progress=False):  # fmt: skip
    """Train one model per entry of `runs`; return (table, models).

    runs: list of dicts. The keys `seed` (default 0), `l1_strength`, `label_smoothing` and any setting of the optimizer
    (`lr`, `weight_decay`, `momentum`, `betas`, ...) mean what they mean in `fit`; `optimizer`, `train` and `val` replace the
    arguments of that name for this run; every other key goes to `build(**settings)`, which makes an ordinary model
    (with `course_utils.dropout.Dropout` for dropout). Run k gives the numbers of
    `torch.manual_seed(seed); model = build(...); fit(model, train, val, optimizer(model.parameters(), ...), seed=seed, ...)`
    up to rounding, so runs of one seed share initial weights, batch order and masks: compare them in pairs.
    train, val, epochs, batch_size, patience, evaluate_every: as in `fit`.

    table: a DataFrame with a row per run and epoch: `run` (index in `runs`), the run's settings, `fit`'s columns, and
    `stopped`, which says why the run ended (a loss that is not finite ends its own run only). models: the trained models,
    in the order of `runs`. Ctrl-C ends training and returns what there is.

    How: runs of the same shape are stacked along a new first axis, so that one batched operation serves all of them; stacks
    of at most `max_runs_at_once` runs (default: up to 64) are trained one after the other. Two exceptions on a CPU:
    convolutions gain nothing from a stack, so that `fit` trains one run after the other; attention gains nothing from a second
    thread, so that each thread trains a stack of its own. benchmarks/README.md has the measurements.

    Raises ValueError or TypeError, before any training, for settings and models it cannot handle.
    """
    if not runs:
        raise ValueError("runs is empty: give a list of dicts, one per run")
    with torch.random.fork_rng():  # the global generator stays as it was
        arguments = {"train": train, "val": val, "optimizer": optimizer}
        jobs = [_make_run(index, run, build, arguments) for index, run in enumerate(runs)]
    settings = {"epochs": epochs, "batch_size": batch_size, "patience": patience, "evaluate_every": evaluate_every}
    for job in jobs:
        check_training(len(job.train[0]), label_smoothing=job.label_smoothing, **settings)
    chunks, n_workers = _chunks(jobs, max_runs_at_once)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "loss became", RuntimeWarning)  # `fit`'s: the table says it
        _train(chunks, n_workers, jobs, settings, progress)
    for job in jobs:
        job.stopped = job.stopped or f"interrupted in epoch {len(job.rows)}"
    return _table(jobs, runs), [job.model for job in jobs]


def _train(chunks, n_workers, jobs, settings, progress):
    """Train the chunks one after the other, or in `n_workers` threads. Ctrl-C ends all."""
    end = threading.Event()
    with tqdm(total=len(jobs) * settings["epochs"], disable=not progress, desc="epochs") as bar:

        def advance():
            bar.update(sum(settings["epochs"] if job.stopped else len(job.rows) for job in jobs) - bar.n)

        if n_workers > 1:
            _train_in_threads(chunks, n_workers, end, advance, settings)
        else:
            for chunk in chunks:
                if not end.is_set():
                    (_train_chunk if len(chunk) > 1 else _fit_alone)(chunk, end, advance, **settings)


def _train_in_threads(chunks, n_workers, end, advance, settings):
    """Train chunks in threads that share PyTorch's own."""
    before = torch.get_num_threads()
    with ThreadPoolExecutor(n_workers) as threads:
        try:
            torch.set_num_threads(max(1, before // n_workers))  # holds in the pool's threads, which start now
            work = waiting = [threads.submit(_train_chunk, chunk, end, lambda: None, **settings) for chunk in chunks]
            while waiting and not any(w.done() and w.exception() for w in work):
                waiting = wait(work, timeout=0.2).not_done
                advance()
        except KeyboardInterrupt:
            pass
        finally:
            end.set()
            torch.set_num_threads(before)
    for w in work:
        w.result()  # raises what the thread raised


def _make_run(index, run, build, defaults):
    """The `Run` of an entry of `runs`, with its model built under its seed."""
    if not isinstance(run, dict):
        raise TypeError(f"run {index} is of type {type(run).__name__}: a run is a dict of settings")
    own = defaults | {k: v for k, v in run.items() if k in OWN_KEYS}
    optimizer = own["optimizer"]
    if optimizer.__name__ in NOT_BY_ELEMENT:
        raise ValueError(f"run {index}: {optimizer.__name__} does not treat each weight by itself: train with fit")
    hyper = {k: v for k, v in run.items() if k in set(inspect.signature(optimizer).parameters) - {"params"}}
    settings = {k: v for k, v in run.items() if k not in OWN_KEYS and k not in hyper}
    try:
        inspect.signature(build).bind(**settings)
    except TypeError as error:
        raise ValueError(f"run {index}: build has {error}; nor is it a setting of training or {optimizer.__name__}") from None
    torch.manual_seed(own.get("seed", 0))
    model = build(**settings).to(own["train"][0].device)
    if len(list(model.named_parameters(remove_duplicate=False))) > len(list(model.parameters())):
        raise ValueError(f"run {index}: two layers of the model share a parameter: train with fit")
    optimizer(model.parameters(), **hyper)  # raises ValueError for values it does not take
    return Run(index, model, hyper, **own)


def _chunks(jobs, max_runs_at_once):
    """Lists of runs to train together, and how many lists at the same time. Runs of one seed share masks: side by side."""
    shapes = [str([structure(job.model), *((part.shape, part.dtype) for part in job.train)]) for job in jobs]
    chunks, n_workers = [], 1
    for shape in dict.fromkeys(shapes):
        group = sorted((job for job, s in zip(jobs, shapes, strict=True) if s == shape), key=lambda job: job.seed)
        output = probe([job.model for job in group], [job.seed for job in group], group[0].train[0])
        parameters = list(group[0].model.parameters())
        size = min(64, max(1, STACK_BYTES // (4 * sum(p.numel() * p.element_size() for p in parameters))))
        if output.device.type != "cpu":
            size = 64
        elif any(p.dim() == 4 for p in parameters):  # convolutions
            size = 1
        elif output.dim() > 2:  # sequences, so attention: a stack in each thread
            n_workers = min(torch.get_num_threads(), len(group))
        n = min(len(group), n_workers * math.ceil(len(group) / (max_runs_at_once or size) / n_workers))
        chunks += [group[len(group) * i // n : len(group) * (i + 1) // n] for i in range(n)]
    return chunks, n_workers


def _train_chunk(jobs, end, advance, epochs, batch_size, patience, evaluate_every):
    """Train `jobs` together, each as `fit` would; fills their rows, best, stopped and models, and calls `advance` after each
    epoch. `end` ends it early."""
    order, optimizers = {}, {}
    for job in jobs:
        order[job.seed], noise = run_generators(job.seed, job.train[0].device)
        use_generator(job.model.train(), noise)
    running = sorted(jobs, key=settings_key)
    try:
        for epoch in range(epochs):
            if epoch == 0 or any(job.stopped for job in running):
                running = [job for job in running if not job.stopped]
                if not running:
                    break
                net = stack([job.model for job in running])
                optimizers = make_optimizers([p for p in net.parameters() if p.requires_grad], running, optimizers)
            losses = _epoch(net, optimizers, running, order, batch_size, end)
            for job, loss in zip(running, losses.tolist(), strict=True):
                _end_epoch(job, epoch, loss, epochs, patience, evaluate_every)
            advance()
    except KeyboardInterrupt:
        end.set()
    for job in jobs:
        use_generator(job.model, None)
        for tensor in (*job.model.parameters(), *job.model.buffers()):  # from views of the stack to tensors of their own
            tensor.data = tensor.data.clone(memory_format=torch.preserve_format if tensor.dim() == 4 else torch.contiguous_format)
        if job.best[2] is not None:
            job.model.load_state_dict(job.best[2])


def _fit_alone(jobs, end, advance, **settings):
    """What `_train_chunk` does, for one run: `fit` it."""
    job = jobs[0]
    settings |= {"seed": job.seed, "l1_strength": job.l1_strength, "label_smoothing": job.label_smoothing}
    settings["callbacks"] = [lambda _, row: job.rows.append(row), lambda *_: advance()]
    history = fit(job.model, job.train, job.val, make_optimizer(job.model.parameters(), job), **settings)
    job.stopped = history.attrs["stopped"]
    if job.stopped.startswith("interrupted"):
        end.set()


def _epoch(net, optimizers, jobs, order, batch_size, end):
    """One epoch of all runs; returns the mean loss of each: (runs,)."""
    (x, x_start), (y, y_start) = (pool([job.train[part] for job in jobs]) for part in (0, 1))
    drawn = {seed: batches(len(jobs[0].train[0]), batch_size, generator) for seed, generator in order.items()}
    parameters, losses = [p for p in net.parameters() if p.requires_grad], []
    settings = torch.tensor([(job.label_smoothing, job.l1_strength) for job in jobs], dtype=torch.float64)
    smoothing, l1_strength = settings.to(parameters[0]).unbind(1)
    has_smoothing, has_l1 = bool(smoothing.any()), bool(l1_strength.any())
    for index in torch.stack([drawn[job.seed] for job in jobs], 1).to(x.device):  # index: (runs, examples)
        if end.is_set():
            raise KeyboardInterrupt
        output = net(x.index_select(0, (index + x_start).flatten()))
        loss = losses_of(output, y.index_select(0, (index + y_start).flatten()), len(jobs), smoothing if has_smoothing else None)
        l1 = sum(p.abs().flatten(1).sum(1) for p in parameters if p.dim() >= 3) if has_l1 else 0  # `training.l1_norm`
        (loss + l1_strength * l1).sum().backward()  # a run's parameters see its own objective only
        step_(optimizers, parameters)
        losses.append(loss.detach())
    return torch.stack(losses).mean(0)


def _end_epoch(job, epoch, loss, epochs, patience, evaluate_every):
    """What `fit` does after an epoch: a row of the history, the best weights so far, and whether the run goes on."""
    row = {"epoch": epoch, "loss": loss}
    if (epoch + 1) % evaluate_every == 0 or epoch + 1 == epochs:
        row |= evaluate(job.model, *job.train, prefix="train_") | evaluate(job.model, *job.val, prefix="val_")
    job.rows.append(row)
    if not math.isfinite(loss + row.get("val_loss", 0.0)):
        job.stopped = f"loss became {loss} in epoch {epoch}: try a smaller learning rate"
    elif row.get("val_loss", math.inf) < job.best[0]:
        job.best = (row["val_loss"], epoch, snapshot(job.model) if patience else None)
    elif patience and epoch - job.best[1] >= patience:
        job.stopped = f"no lower validation loss for {patience} epochs"
    if epoch + 1 == epochs:
        job.stopped = job.stopped or "all epochs done"


def _table(jobs, runs):
    own = [{k: getattr(v, "__name__", v) for k, v in run.items() if k not in ("train", "val")} for run in runs]
    return pd.DataFrame([{"run": j.index} | own[j.index] | row | {"stopped": j.stopped} for j in jobs for row in j.rows])
