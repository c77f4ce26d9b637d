"""`train_share` trains a list of runs in this process: those that can be stacked together, the others by `fit`."""

import warnings
from itertools import groupby

import torch
from torch.nn import functional

from course_utils.dropout import use_generator
from course_utils.stacked.layers import stack
from course_utils.training import batches, end_epoch, fit, restore, run_generators, snapshot


class Stack:
    """Runs that train together: one network with an axis of runs, their optimizers, data and orders."""

    def __init__(self, runs):
        self.runs = sorted(runs, key=settings_key)  # neighbours with equal settings share an optimizer
        self.orders = {}
        for run in self.runs:
            self.orders[run.seed], noise = run_generators(run.seed, run.train[0].device)
            use_generator(run.model.train(), noise)
        (self.x, self.x_start), (self.y, self.y_start) = (pool([run.train[part] for run in self.runs]) for part in (0, 1))
        self.network = stack([run.model for run in self.runs])
        self.parameters = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizers, start = [], 0
        for _, same in groupby(self.runs, key=settings_key):
            same = list(same)
            rows = slice(start, start := start + len(same))
            self.optimizers.append((rows, make_optimizer(same[0], [p.detach()[rows] for p in self.parameters])))
        settings = torch.tensor([(run.label_smoothing, run.l1_strength) for run in self.runs], dtype=torch.float64)
        self.smoothing, self.l1_strength = settings.to(self.parameters[0]).unbind(1)
        self.has_smoothing, self.has_l1 = bool(self.smoothing.any()), bool(self.l1_strength.any())

    def epoch(self, batch_size):
        """Train one epoch; returns the mean loss of each run."""
        n_examples = len(self.runs[0].train[0])
        drawn = {seed: batches(n_examples, batch_size, order) for seed, order in self.orders.items()}
        losses = []
        for index in torch.stack([drawn[run.seed] for run in self.runs], 1).to(self.x.device):
            losses.append(self.backward(index))
            self.step()
        return torch.stack(losses).mean(0).tolist()

    def backward(self, index):
        """The loss of each run for its examples `index` (runs, n); leaves the gradients of the objectives in the parameters."""
        output = self.network(self.x.index_select(0, (index + self.x_start).flatten()))
        y = self.y.index_select(0, (index + self.y_start).flatten())
        loss = losses_of(output, y, len(self.runs), self.smoothing if self.has_smoothing else None)
        l1 = sum(p.abs().flatten(1).sum(1) for p in self.parameters if p.dim() >= 3) if self.has_l1 else 0
        (loss + self.l1_strength * l1).sum().backward()  # a run's parameters see its own objective only
        return loss.detach()

    def step(self):
        """Update each run's rows by its optimizer, and drop the gradients."""
        for rows, optimizer in self.optimizers:
            for view, parameter in zip(optimizer.param_groups[0]["params"], self.parameters, strict=True):
                view.grad = None if parameter.grad is None else parameter.grad[rows]
            optimizer.step()
        for parameter in self.parameters:
            parameter.grad = None


def train_share(chunks, batch_size, advance):
    """Train lists of runs, one list after the other, each as a stack; `advance(n)` hears of n epochs of a run done."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*loss became", RuntimeWarning)  # `fit`'s: the table says it
        for runs in chunks:
            if len(runs) > 1:
                train_together(runs, batch_size, advance)
            else:
                fit_alone(runs[0], batch_size, advance)


def train_together(runs, batch_size, advance):
    """Train runs as a stack. One that has ended rides along, and gets the weights it ended with when all have."""
    stacked, weights, n_epochs = Stack(runs), {}, 0
    while len(weights) < len(runs):
        for run, loss in zip(stacked.runs, stacked.epoch(batch_size), strict=True):
            if not run.log.stopped:
                end_epoch(run.log, run.model, run.train, run.val, loss)
                if run.log.stopped:
                    weights[run] = run.log.best_weights or snapshot(run.model)
        n_epochs += 1
        advance(len(runs))
    for run in runs:
        use_generator(run.model, None)
        restore(run.model, weights[run])
    advance(len(runs) * (runs[0].log.epochs - n_epochs))


def fit_alone(run, batch_size, advance):
    """`fit` a run. The global generator continues where building the model left it, should the model draw from it."""
    torch.manual_seed(run.seed)  # for a GPU
    torch.set_rng_state(run.rng_state)
    optimizer = make_optimizer(run, run.model.parameters())
    history = fit(run.model, run.train, run.val, optimizer, epochs=run.log.epochs, batch_size=batch_size, seed=run.seed,
                  l1_strength=run.l1_strength, label_smoothing=run.label_smoothing, patience=run.log.patience,
                  evaluate_every=run.log.evaluate_every, callbacks=[lambda *_: advance(1)], progress=False)  # fmt: skip
    run.log.rows, run.log.stopped = history.to_dict("records"), history.attrs["stopped"]
    advance(run.log.epochs - len(run.log.rows))


BY_ELEMENT = [getattr(torch.optim, name) for name in (
    "SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD",
)]  # fmt: skip  # what they do to a weight depends on that weight and its gradients alone


def make_optimizer(run, parameters):
    """The run's optimizer, over `parameters`: PyTorch's in one pass over memory, if the run does not say otherwise."""
    is_fused = run.optimizer in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad)
    fused = {"fused": True} if is_fused and not {"foreach", "differentiable", "capturable"} & set(run.hyper) else {}
    return run.optimizer(parameters, **fused | run.hyper)


def settings_key(run):
    """Runs with equal keys can share an optimizer: its class and the values (not the printed form) of its settings."""
    values = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in run.hyper.items()}
    return f"{run.optimizer.__name__} {sorted(values.items())!r}"


def pool(tensors):
    """The distinct ones of the runs' tensors in one tensor, and where each run's begins in it: (runs, 1)."""
    distinct = list({id(t): t for t in tensors}.values())
    starts = {id(t): k * len(t) for k, t in enumerate(distinct)}
    pooled = torch.cat(distinct) if len(distinct) > 1 else distinct[0]
    return pooled, torch.tensor([[starts[id(t)]] for t in tensors], device=pooled.device)


def losses_of(output, y, n_runs, smoothing):
    """Each run's `training.task_loss` (runs,); smoothing: (runs,), or None if no run smooths its labels."""
    if y.is_floating_point():
        return functional.mse_loss(output.view(y.shape), y, reduction="none").view(n_runs, -1).mean(1)
    output, y = output.flatten(0, -2), y.flatten()
    losses = functional.cross_entropy(output, y, reduction="none").view(n_runs, -1).mean(1)
    if smoothing is None:
        return losses
    uniform = -functional.log_softmax(output, 1).view(n_runs, -1).mean(1)  # cross-entropy against the uniform distribution
    return (1 - smoothing) * losses + smoothing * uniform
