"""`fit`: the course's one training loop, to be read line by line."""

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain

import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from course_utils.dropout import use_generator
from course_utils.training_settings import check_training, progress_bar

Pair = tuple[torch.Tensor, torch.Tensor]


def fit(model: nn.Module, train: Pair, val: Pair, optimizer: torch.optim.Optimizer, *, epochs: int, batch_size: int = 64,
        seed: int = 0, l1_strength: float = 0.0, label_smoothing: float = 0.0, patience: int | None = None,
        evaluate_every: int = 1, callbacks: Iterable[Callable] = (), progress: bool = True) -> pd.DataFrame:  # fmt: skip
    """Train `model` by minibatches, in place, and return its history.

    Args:
        model: any network. Its `course_utils.dropout.Dropout` layers take their masks from `seed`.
        train: (x, y), tensors on the model's device, examples along the first axis. Integer y means cross-entropy, floating
            y mean squared error.
        val: (x, y) to evaluate on.
        optimizer: any torch optimizer over the model's parameters.
        epochs: how often to go through the training examples.
        batch_size: examples per step. An incomplete last batch is skipped (the order is drawn anew each epoch).
        seed: fixes batch order and dropout masks.
        l1_strength: adds l1_strength * sum|w| over the weights to what is minimized.
        label_smoothing: in [0, 1), for labels only.
        patience: stop after that many evaluations in a row without a lower validation loss, and restore the best weights.
        evaluate_every: epochs between evaluations. The last epoch is always evaluated.
        callbacks: called as callback(model, row) after each epoch.
        progress: show a bar, if training takes longer than two seconds.

    Returns:
        A DataFrame with a row per epoch: epoch; loss (mean over its steps, in train mode, smoothed, without the L1 term); and in
        eval mode train_loss, val_loss and, for labels, train_accuracy, val_accuracy (NaN in epochs without evaluation).
        `history.attrs` has `stopped`, why training ended, and `best_epoch`. A loss that is not finite ends it with a
        RuntimeWarning and the history so far.

    Raises:
        ValueError: for settings it cannot train with, before training.
    """
    check_training(train, val, epochs=epochs, batch_size=batch_size, seed=seed, l1_strength=l1_strength,
                   label_smoothing=label_smoothing, patience=patience, evaluate_every=evaluate_every)  # fmt: skip
    (x, y), log = train, Log(epochs, evaluate_every, patience)
    order, noise = run_generators(seed, x.device)
    use_generator(model, noise)
    try:
        for _ in progress_bar(range(epochs), progress):
            model.train()
            losses = []
            for index in batches(len(x), batch_size, order).to(x.device):
                loss = task_loss(model(x[index]), y[index], label_smoothing)
                objective = loss + l1_strength * l1_norm(model) if l1_strength else loss
                optimizer.zero_grad()
                objective.backward()
                optimizer.step()
                losses.append(loss.detach())
            row = end_epoch(log, model, train, val, torch.stack(losses).mean().item())
            for callback in callbacks:
                callback(model, row)
            if log.stopped:
                break
    finally:  # also after Ctrl-C
        use_generator(model, None)
    if "became" in log.stopped:
        warnings.warn(log.stopped, RuntimeWarning, stacklevel=2)
    if log.best_weights:
        restore(model, log.best_weights)
    history = pd.DataFrame(log.rows)
    history.attrs |= {"stopped": log.stopped, "best_epoch": log.best_epoch}
    return history


@dataclass
class Log:
    """What is known of a run so far. `stopped` says why it ended; `best_weights` are stored for `patience` only."""

    epochs: int
    evaluate_every: int = 1
    patience: int | None = None
    rows: list = field(default_factory=list)
    best_loss: float = math.inf
    best_epoch: int = -1
    best_weights: dict | None = None
    n_worse: int = 0  # evaluations since the best one
    stopped: str | None = None


def end_epoch(log, model, train, val, loss):
    """What follows an epoch of mean loss `loss`: evaluate if it is time, remember the best, say in `log.stopped` whether the
    run has ended. Returns the epoch's row of the history."""
    epoch = len(log.rows)
    row, is_last = {"epoch": epoch, "loss": loss}, epoch + 1 == log.epochs
    if is_evaluated := is_last or (epoch + 1) % log.evaluate_every == 0:
        row |= evaluate(model, *train, prefix="train_") | evaluate(model, *val, prefix="val_")
    log.rows.append(row)
    for name in ("loss", "val_loss"):
        if not math.isfinite(row.get(name, 0.0)):
            log.stopped = f"{name} became {row[name]} in epoch {epoch}: try a smaller learning rate"
            return row
    if is_evaluated and row["val_loss"] < log.best_loss:
        log.best_loss, log.best_epoch, log.n_worse = row["val_loss"], epoch, 0
        log.best_weights = snapshot(model) if log.patience else None
    elif is_evaluated:
        log.n_worse += 1
    if log.patience and log.n_worse >= log.patience:
        log.stopped = f"no lower validation loss in {log.patience} evaluations"
    elif is_last:
        log.stopped = "all epochs done"
    return row


def batches(n: int, batch_size: int, generator: torch.Generator) -> torch.Tensor:
    """One epoch's batches: (n_batches, batch_size) indices, a fresh random order of n examples. An incomplete last batch
    is left out; if n < batch_size, the one batch has all n."""
    batch_size = min(batch_size, n)
    return torch.randperm(n, generator=generator)[: n // batch_size * batch_size].view(-1, batch_size)


def run_generators(seed: int, device: str = "cpu") -> tuple[torch.Generator, torch.Generator]:
    """The two random streams of a run: batch order (on the CPU) and dropout noise (on `device`)."""
    order = torch.Generator().manual_seed(1_000_003 * seed + 1)
    noise = torch.Generator(device).manual_seed(1_000_003 * seed + 2)
    return order, noise


def task_loss(output: torch.Tensor, y: torch.Tensor, label_smoothing: float = 0.0) -> torch.Tensor:
    """Mean cross-entropy in nats for integer labels (y: output's shape without the class axis), mean squared error for
    float targets (y: output's shape, or without its last axis of length 1)."""
    if y.is_floating_point():
        return functional.mse_loss(output.view(y.shape), y)
    return functional.cross_entropy(output.flatten(0, -2), y.flatten(), label_smoothing=label_smoothing)


def l1_norm(model):
    """Sum of |w| over the model's weights: parameters with two axes or more, so no biases and no norm scales."""
    return sum(p.abs().sum() for p in model.parameters() if p.dim() >= 2)


@torch.no_grad()
def evaluate(model: nn.Module, x: torch.Tensor, y: torch.Tensor, prefix: str = "") -> dict[str, float]:
    """Loss and, for labels, accuracy of the model in eval mode; each layer's mode is put back.

    The examples go through in parts of 2**17 numbers of input or output (at least 16 examples): large new tensors are slow.

    Args:
        model: any network.
        x: its input, examples along the first axis.
        y: labels or targets, as in `fit`.
        prefix: of the names in the result.

    Returns:
        {prefix + "loss": …, prefix + "accuracy": …}
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        size = max(x[:1].numel(), model(x[:1]).numel())  # of one example
        output = torch.cat([model(part) for part in x.split(max(16, 2**17 // size))])
    finally:
        for module, mode in modes:
            module.training = mode
    result = {prefix + "loss": task_loss(output, y).item()}
    if not y.is_floating_point():
        result[prefix + "accuracy"] = (output.argmax(-1) == y).double().mean().item()
    return result


def snapshot(model):
    """A copy of the model's parameters and buffers, by name."""
    return {name: tensor.detach().clone() for name, tensor in chain(model.named_parameters(), model.named_buffers())}


def restore(model, weights):
    """Give the model the parameters and buffers of a `snapshot`."""
    for name, tensor in chain(model.named_parameters(), model.named_buffers()):
        tensor.data = weights[name]
