"""A bound for works A and B: their one kind of network trained without autograd or modules, every intermediate result
written to memory of its own, a few runs at a time in each thread. What PyTorch's operations can do at best, as far as known."""

from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import torch
from torch import nn

from course_utils.dropout import dropout_mask_, random_bits, threshold_and_scale
from course_utils.training import batches, run_generators

STACK = 5  # runs at a time: the fastest of 1, 2, 4, 5, 7, 10 and 20 for work A, and nearly so for B


def train(work, models, runs):
    """Train models[k] with the settings runs[k], in place."""

    def settings(job):
        return job[1]["lr"], job[1]["weight_decay"]

    stacks = []
    for _, same in groupby(sorted(zip(models, runs, strict=True), key=settings), key=settings):
        same = list(same)
        stacks += [same[i : i + STACK] for i in range(0, len(same), STACK)]
    n_threads = torch.get_num_threads()
    with ThreadPoolExecutor(n_threads) as threads:
        torch.set_num_threads(1)
        list(threads.map(lambda stack: _train_stack(work, *zip(*stack, strict=True)), stacks))
    torch.set_num_threads(n_threads)


def _train_stack(work, models, runs):
    layers = [[m for m in model if isinstance(m, nn.Linear)] for model in models]
    weights = [torch.stack([layer.weight.detach() for layer in same]) for same in zip(*layers, strict=True)]
    biases = [torch.stack([layer.bias.detach() for layer in same]).unsqueeze(1) for same in zip(*layers, strict=True)]
    n_runs, n, last = len(runs), work.batch_size, len(weights) - 1
    for parameter in (*weights, *biases):
        parameter.grad = torch.empty_like(parameter)
    optimizer = torch.optim.AdamW([*weights, *biases], lr=runs[0]["lr"], weight_decay=runs[0]["weight_decay"], fused=True)
    x_all, y_all = work.train[0].flatten(1), work.train[1]
    layer_inputs = [torch.empty(n_runs, n, w.shape[2]) for w in weights]
    gradients = [torch.empty_like(h) for h in layer_inputs]
    logits, minus_one = torch.empty(n_runs, n, weights[-1].shape[1]), torch.full((n_runs * n, 1), -1.0)
    threshold, scale = zip(*(threshold_and_scale(run.get("p_drop", 0.0)) for run in runs), strict=True)
    threshold, scale = torch.tensor(threshold, dtype=torch.int16).view(-1, 1, 1), torch.tensor(scale).view(-1, 1, 1)
    drops, (_, noise) = any(run.get("p_drop") for run in runs), run_generators(runs[0]["seed"])
    orders = [run_generators(run["seed"])[0] for run in runs]
    for _ in range(work.epochs):
        for index in torch.stack([batches(len(x_all), n, order) for order in orders], 1).flatten(1):
            torch.index_select(x_all, 0, index, out=layer_inputs[0].view(n_runs * n, -1))
            for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
                out = logits if k == last else layer_inputs[k + 1]
                torch.baddbmm(b, layer_inputs[k], w.mT, out=out)
                if k < last:
                    out.relu_()
                    if drops:
                        out.mul_(dropout_mask_(random_bits(noise, out.shape), threshold, scale, out.dtype))
            gradient = torch.softmax(logits.view(n_runs * n, -1), 1)
            gradient.scatter_add_(1, y_all.index_select(0, index).unsqueeze(1), minus_one).div_(n)
            gradient = gradient.view(logits.shape)
            for k in range(last, -1, -1):
                torch.bmm(gradient.mT, layer_inputs[k], out=weights[k].grad)
                torch.sum(gradient, 1, keepdim=True, out=biases[k].grad)
                if k:
                    torch.bmm(gradient, weights[k], out=gradients[k])
                    gradient = gradients[k]
                    torch.ops.aten.threshold_backward.grad_input(gradient, layer_inputs[k], 0, grad_input=gradient)
                    if drops:
                        gradient.mul_(scale)
            optimizer.step()
    for k, same in enumerate(zip(*layers, strict=True)):
        for run, layer in enumerate(same):
            layer.weight.data, layer.bias.data = weights[k][run].clone(), biases[k][run, 0].clone()
