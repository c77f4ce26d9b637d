"""`fit`: the course's one training loop. Lesson 01 reads it line by line."""

import math
import warnings

import pandas as pd
import torch
from torch.nn import functional
from tqdm.auto import tqdm

from course_utils.dropout import use_generator


def fit(model, train, val, optimizer, *, epochs, batch_size=64, seed=0, l1_strength=0.0, label_smoothing=0.0,
        patience=None, evaluate_every=1, callbacks=(), progress=False):  # fmt: skip
    """Train `model` by minibatches and return its history: a DataFrame with one row per epoch.

    train, val: pairs (x, y) of tensors on the model's device; y of integers means cross-entropy, of floats mean squared
    error. optimizer: any torch optimizer over the model's parameters. batch_size: examples per step; an incomplete last
    batch is skipped (the order is drawn anew each epoch). seed: fixes batch order and `Dropout` masks. l1_strength:
    adds l1_strength * sum|w| over weights. label_smoothing: in [0, 1). patience: stop after that many epochs without a
    lower validation loss and restore the best weights. evaluate_every: epochs between evaluations (the last is always
    evaluated; the columns of the others are NaN). callbacks: called as callback(model, row) after each epoch.

    Columns: epoch; loss (mean over the epoch's steps, in train mode, smoothed, without the L1 term); and in eval mode
    train_loss, val_loss and, for labels, train_accuracy, val_accuracy. `history.attrs["stopped"]` says why it ended. A loss
    that is not finite ends the run with a RuntimeWarning; the epochs so far are kept. Ctrl-C does the same.
    """
    (x, y), rows, best, stopped = train, [], (math.inf, -1, None), "all epochs done"
    check_training(len(x), epochs=epochs, batch_size=batch_size, label_smoothing=label_smoothing, patience=patience,
                   evaluate_every=evaluate_every)  # fmt: skip
    order, noise = run_generators(seed, x.device)
    use_generator(model, noise)
    try:
        for epoch in tqdm(range(epochs), disable=not progress, desc="epochs"):
            model.train()
            losses = []
            for index in batches(len(x), batch_size, order).to(x.device):
                loss = task_loss(model(x[index]), y[index], label_smoothing)
                objective = loss + l1_strength * l1_norm(model) if l1_strength else loss
                optimizer.zero_grad()
                objective.backward()
                optimizer.step()
                losses.append(loss.detach())
            row = {"epoch": epoch, "loss": torch.stack(losses).mean().item()}
            if (epoch + 1) % evaluate_every == 0 or epoch + 1 == epochs:
                row |= evaluate(model, *train, prefix="train_") | evaluate(model, *val, prefix="val_")
            rows.append(row)
            for callback in callbacks:
                callback(model, row)
            if not math.isfinite(row["loss"] + row.get("val_loss", 0.0)):
                stopped = f"loss became {row['loss']} in epoch {epoch}: try a smaller learning rate"
                warnings.warn(stopped, RuntimeWarning, stacklevel=2)
                break
            if row.get("val_loss", math.inf) < best[0]:
                best = (row["val_loss"], epoch, snapshot(model) if patience else None)
            if patience and epoch - best[1] >= patience:
                stopped = f"no lower validation loss for {patience} epochs"
                break
    except KeyboardInterrupt:
        stopped = f"interrupted in epoch {len(rows)}"
    finally:
        use_generator(model, None)
    if best[2] is not None:
        model.load_state_dict(best[2])
    history = pd.DataFrame(rows)
    history.attrs |= {"stopped": stopped, "best_epoch": best[1]}
    return history


def batches(n, batch_size, generator):
    """One epoch's batches: (n_batches, batch_size) indices, a fresh random order of n examples. An incomplete last batch
    is left out; if n < batch_size, the one batch has all n."""
    batch_size = min(batch_size, n)
    return torch.randperm(n, generator=generator)[: n // batch_size * batch_size].view(-1, batch_size)


def run_generators(seed, device="cpu"):
    """The two random streams of a run: batch order (on the CPU) and dropout noise (on `device`)."""
    order = torch.Generator().manual_seed(1_000_003 * seed + 1)
    noise = torch.Generator(device).manual_seed(1_000_003 * seed + 2)
    return order, noise


def task_loss(output, y, label_smoothing=0.0):
    """Mean cross-entropy in nats for integer labels (y: output's shape without the class axis), mean squared error for
    float targets (y: output's shape, or without its last axis of length 1)."""
    if y.is_floating_point():
        return functional.mse_loss(output.view(y.shape), y)
    return functional.cross_entropy(output.flatten(0, -2), y.flatten(), label_smoothing=label_smoothing)


def l1_norm(model):
    """Sum of |w| over the model's weights: parameters with two axes or more, so no biases and no norm scales."""
    return sum(p.abs().sum() for p in model.parameters() if p.dim() >= 2)


@torch.no_grad()
def evaluate(model, x, y, prefix=""):
    """Loss and, for labels, accuracy of the model in eval mode (the mode is put back): {prefix + "loss": …, …}.

    The examples go through in parts, because large new tensors are slow: as many at once as have 2**17 numbers of input or
    output, but at least 16."""
    was_training = model.training
    model.eval()
    size = max(x[:1].numel(), model(x[:1]).numel())  # of one example
    output = torch.cat([model(part) for part in x.split(max(16, 2**17 // size))])
    model.train(was_training)
    result = {prefix + "loss": task_loss(output, y).item()}
    if not y.is_floating_point():
        result[prefix + "accuracy"] = (output.argmax(-1) == y).double().mean().item()
    return result


def snapshot(model):
    """A copy of the model's parameters and buffers, as `load_state_dict` takes it."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def check_training(n, *, epochs, batch_size, label_smoothing, patience, evaluate_every=1):
    """Raise ValueError, saying what to change, for settings `fit` cannot train with."""
    checks = {
        f"train has no examples (n = {n})": n < 1,
        f"epochs must be a positive integer, not {epochs!r}": not (isinstance(epochs, int) and epochs > 0),
        f"batch_size must be a positive integer, not {batch_size!r}": not (isinstance(batch_size, int) and batch_size > 0),
        f"label_smoothing must be in [0, 1), not {label_smoothing!r}": not 0 <= label_smoothing < 1,
        f"patience must be None or a positive integer, not {patience!r}": patience is not None and not patience > 0,
        f"evaluate_every must be a positive integer, not {evaluate_every!r}": not (
            isinstance(evaluate_every, int) and evaluate_every > 0
        ),
    }
    for message, wrong in checks.items():
        if wrong:
            raise ValueError(message)
