"""`divide` says which runs train as a stack and which by `fit` alone, and in which process.

A run is stacked only where that gives exactly what `fit` gives. Everything else, whatever it is, is left to `fit`.
"""

import copy
import math
from dataclasses import replace
from itertools import chain

import cloudpickle
import torch
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.module import register_module_forward_hook

from course_utils.dropout import Dropout, use_generator
from course_utils.stacked.layers import row_as_parameter
from course_utils.stacked.stack import BY_ELEMENT, Stack, settings_key
from course_utils.training import l1_norm, run_generators, task_loss

STACK_BYTES = 64 * 2**20  # of weights, gradients and optimizer state that a CPU trains at once
PRODUCTS, STEP = 2e10, 2e-4  # a core's multiplications a second, and the seconds that a step takes besides


def divide(runs, batch_size, max_runs_at_once, count_workers):
    """Divide the runs among processes: (chunks for this one, a list of chunks for each worker). The runs of a chunk are stacked.

    count_workers: called with the number of runs that may leave this process and their seconds on one core; says among how many
    workers to divide them, or 0.
    """
    bound, free = [], []  # (runs, the most of them in a stack, seconds of one)
    for group in groups(runs):
        seconds, is_bound = study(group[0], batch_size)
        size = (max_runs_at_once or stack_size(group[0])) if not is_bound and can_stack(group) else 1
        (bound if is_bound else free).append((sorted(group, key=lambda run: run.seed), size, seconds))  # one seed, one mask
    total, done = sum(len(group) * seconds for group, _, seconds in free), 0.0
    shares = [[] for _ in range(count_workers(sum(len(group) for group, *_ in free), total))]
    for group, size, seconds in free if shares else ():
        ends = [done + (k + 0.5) * seconds for k in range(len(group))]
        for k, share in enumerate(shares):  # in order, so that few groups are cut
            share += pieces([run for run, end in zip(group, ends, strict=True) if int(len(shares) * end / total) == k], size)
        done += len(group) * seconds
    here = [piece for group, size, _ in (bound if shares else bound + free) for piece in pieces(group, size)]
    return here, [share for share in shares if share]


def pieces(runs, size):
    """The list in equal parts of at most `size`."""
    n = math.ceil(len(runs) / size)
    return [runs[len(runs) * i // n : len(runs) * (i + 1) // n] for i in range(n)]


def stack_size(run):
    """How many runs to stack: 64, or on a CPU as many as have room in fast memory."""
    n_bytes = 4 * sum(p.numel() * p.element_size() for p in run.model.parameters())
    return 64 if run.train[0].device.type != "cpu" else min(64, max(1, STACK_BYTES // n_bytes))


def groups(runs):
    """The runs in lists: what two of one list differ in is at most values of parameters and buffers, and dropout rates."""
    lists = []
    for run in runs:
        alike = next((group for group in lists if is_equal(structure(group[0]), structure(run))), None)
        if alike:
            alike.append(run)
        else:
            lists.append([run])
    return lists


def structure(run):
    """Whatever two runs must have in common to be stacked: all but values of parameters and buffers, and dropout rates."""
    modules = []
    for name, module in run.model.named_modules():
        differ = {"_parameters", "_buffers", "_modules"} | ({"p", "generator"} if type(module) is Dropout else set())
        modules.append((name, type(module), {key: value for key, value in vars(module).items() if key not in differ}))
    tensors = chain(run.model.named_parameters(), run.model.named_buffers())
    return [
        [(t.shape, t.dtype, t.device) for t in run.train],
        bool(run.l1_strength),  # which gives a gradient even to weights that are not used
        modules,
        [(name, t.shape, t.dtype, t.requires_grad) for name, t in tensors],
    ]


def is_equal(a, b):
    """Whether two attributes are the same. What is not plain data (a function, an object) must be the very same object."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(is_equal, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(is_equal(a[key], b[key]) for key in a)
    return isinstance(a, int | float | str | set | torch.device) and a == b


def study(run, batch_size):
    """(seconds of the run, roughly, on one core; whether it is bound to this process), by one forward of a copy.

    Bound are models with hooks; models that store values in attributes as they compute, which would not come back from
    another process; and models that cannot be copied or whose forward fails, so that the error appears here.
    """
    n_examples, products = min(8, len(run.train[0])), []
    n_steps = run.log.epochs * max(1, len(run.train[0]) // batch_size)

    def count(module, _, output):
        sizes = [p[0].numel() for p in module.parameters(recurse=False) if p.dim() >= 2]
        products.append(3 * sum(sizes) * output.numel() * batch_size / n_examples if sizes else 0)  # backward is twice forward

    hooks = [value for module in run.model.modules() for name, value in vars(module).items() if name.endswith("_hooks")]
    hooks += [hook for p in run.model.parameters() for hook in (p._backward_hooks, p._post_accumulate_grad_hooks)]
    try:
        twin = replace(run, model=copy.deepcopy(run.model))
        use_generator(twin.model, run_generators(run.seed, run.train[0].device)[1])
        before = cloudpickle.dumps(structure(twin))
        with torch.no_grad(), register_module_forward_hook(count):
            twin.model(run.train[0][:n_examples])
        is_bound = any(hooks) or before != cloudpickle.dumps(structure(twin))
        return n_steps * (STEP + sum(products) / PRODUCTS), is_bound
    except Exception:  # whatever it is, `fit` will meet it too
        return 0.0, True


def can_stack(runs):
    """Whether a stack of these alike runs gains anything, and each run gets in it exactly what `fit` would give."""
    model, on_cpu = runs[0].model, runs[0].train[0].device.type == "cpu"
    is_convolution = any(isinstance(module, _ConvNd) for module in model.modules())
    is_shared = len(list(model.named_parameters(remove_duplicate=False))) > len(list(model.parameters()))
    if len(runs) == 1 or is_shared or on_cpu and is_convolution or any(run.optimizer not in BY_ELEMENT for run in runs):
        return False
    try:
        return is_exact(runs)
    except Exception:  # of a model that takes no stack, or no float64
        return False


def is_exact(runs):
    """Whether the runs, stacked, have the losses and gradients they have alone: in float64, a few examples each, one run for
    each setting that `build` was given (at least two)."""
    different = [run for k, run in enumerate(runs) if not any(is_equal(run.build, earlier.build) for earlier in runs[:k])]
    different = sorted(different if len(different) > 1 else runs[:2], key=settings_key)
    twins = [_in_float64(run, 8 * len(different)) for run in different]
    index = torch.arange(8 * len(twins), device=twins[0].train[0].device).view(-1, 8) % len(twins[0].train[0])
    state = torch.get_rng_state()
    alone = [_loss_and_gradients(twin, rows) for twin, rows in zip(twins, index, strict=True)]
    if not torch.equal(state, torch.get_rng_state()):
        return False  # something draws from the global generator
    stack = Stack(twins)
    losses = stack.backward(index)
    for k, numbers in enumerate(alone):
        gradients = [p.grad if p.grad is None else row_as_parameter(p.grad[k], p.dim() - 1) for p in stack.parameters]
        for a, b in zip(numbers, [losses[k], *gradients], strict=True):
            if a is not b and not torch.allclose(a, b, rtol=1e-6, atol=1e-9):
                return False
    return True


def _in_float64(run, n_examples):
    data = tuple(t[:n_examples].double() if t.is_floating_point() else t[:n_examples] for t in run.train)
    return replace(run, model=copy.deepcopy(run.model).double().train(), train=data)


def _loss_and_gradients(run, rows):
    """Of the run alone: its loss, and the gradients of its objective."""
    use_generator(run.model, run_generators(run.seed, rows.device)[1])
    loss = task_loss(run.model(run.train[0][rows]), run.train[1][rows], run.label_smoothing)
    (loss + run.l1_strength * l1_norm(run.model) if run.l1_strength else loss).backward()
    return [loss.detach(), *(p.grad for p in run.model.parameters() if p.requires_grad)]
