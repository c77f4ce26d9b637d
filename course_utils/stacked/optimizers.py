"""Ordinary PyTorch optimizers for stacked parameters: each run has its own settings and its own state."""

import inspect
from itertools import groupby

import torch

NOT_BY_ELEMENT = ("LBFGS", "Muon", "Adafactor", "SparseAdam")  # what they do to a weight depends on the other weights


def settings_key(job):
    """Runs with equal keys can share an optimizer."""
    return f"{job.optimizer} {sorted(job.hyper.items())}"


def make_optimizer(parameters, job):
    """The run's optimizer, over `parameters`."""
    fused = {"fused": True} if "fused" in inspect.signature(job.optimizer).parameters else {}  # one pass over memory
    return job.optimizer(parameters, **fused | job.hyper)


def make_optimizers(parameters, jobs, before):
    """An optimizer for each set of neighbouring runs with equal settings, over their rows of the stacked `parameters`:
    {settings: (runs, optimizer)}. Runs that `before` (an earlier result) holds keep their optimizer state."""
    optimizers, start = {}, 0
    for key, members in groupby(jobs, key=settings_key):
        members = list(members)
        views = [p.detach()[start : start + len(members)] for p in parameters]
        start += len(members)
        optimizer = make_optimizer(views, members[0])
        if key in before:
            _copy_state(*before[key], optimizer, members)
        optimizers[key] = (members, optimizer)
    return optimizers


def _copy_state(old_members, old, new, members):
    """Copy the rows of `members` from one optimizer's state to another's."""
    kept = [old_members.index(job) for job in members]
    for view, old_view in zip(new.param_groups[0]["params"], old.param_groups[0]["params"], strict=True):
        state = old.state.get(old_view, {}).items()
        new.state[view] = {n: v[kept] if torch.is_tensor(v) and v.shape == old_view.shape else v for n, v in state}


def step_(optimizers, parameters):
    """Update each run's rows by its optimizer, and drop the gradients."""
    start = 0
    for members, optimizer in optimizers.values():
        for view, parameter in zip(optimizer.param_groups[0]["params"], parameters, strict=True):
            view.grad = None if parameter.grad is None else parameter.grad[start : start + len(members)]
        optimizer.step()
        start += len(members)
    for parameter in parameters:
        parameter.grad = None
