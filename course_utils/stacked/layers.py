"""Layers that serve many runs at once: the batch holds the first run's examples, then the second's, and so on.

So everything without parameters (activations, pooling, attention, reshaping) works on a stack as it is, and only layers
with parameters, and dropout, need to know about runs.
"""

import copy

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from course_utils.dropout import Dropout, dropout_mask_, random_bits, threshold_and_scale, use_generator


def stack(modules):
    """One module that does to each run's part of the batch what the run's own module does.

    Its parameters have a leading axis of runs, and the modules' own parameters become views of them. The modules must have
    one `structure`, and every `Dropout` its generator. Raises TypeError for a module it cannot stack.
    """
    first = modules[0]
    if type(first) in STACKED:
        return STACKED[type(first)](modules)
    if isinstance(first, nn.modules.dropout._DropoutNd):
        raise TypeError(f"{type(first).__name__} draws from the global generator: use course_utils.dropout.Dropout")
    if first._parameters or first._buffers:
        if first._modules:
            raise TypeError(f"{type(first).__name__} has parameters beside its layers: put them into a layer of their own")
        return StackedAny(modules)
    twin = copy.copy(first)
    twin._modules = {name: stack([module._modules[name] for module in modules]) for name in first._modules}
    if type(first) is nn.Sequential:
        twin._modules = _fuse(twin._modules)
    return twin


def _fuse(modules):
    """Let a linear layer do the ReLU that follows it, and the dropout that follows that; `Identity` takes their places."""
    fused, last = dict(modules), None
    for name, module in modules.items():
        if isinstance(last, StackedLinear) and type(module) is nn.ReLU and not last.has_relu:
            last.has_relu, fused[name] = True, nn.Identity()
        elif isinstance(last, StackedLinear) and last.has_relu and isinstance(module, StackedDropout):
            last.dropout, fused[name] = module if module.is_needed else None, nn.Identity()
            last = None
        else:
            last = module
    return fused


def structure(model):
    """What two models must have in common to be stacked: modules, their settings (but dropout rates), parameters' shapes."""
    settings = [
        (name, type(module), [(k, v) for k, v in vars(module).items() if isinstance(v, int | float | str | tuple) and k != "p"])
        for name, module in model.named_modules()
    ]
    return settings, [(name, p.shape, p.dtype, p.requires_grad) for name, p in model.named_parameters()]


def probe(models, seeds, x):
    """The outputs of two of the models (in train mode, dropout on), each for four of the examples x, one after the other.
    Raises ValueError unless, stacked, they give the same."""
    pair, seeds = [copy.deepcopy(model).train() for model in (models * 2)[:2]], (seeds * 2)[:2]
    halves = torch.cat([x[:8]] * 8)[:8].chunk(2)

    def seed_noise():
        for model, seed in zip(pair, seeds, strict=True):
            use_generator(model, torch.Generator(x.device).manual_seed(seed))

    with torch.no_grad():
        seed_noise()
        alone = torch.cat([model(half) for model, half in zip(pair, halves, strict=True)])
        seed_noise()
        together = stack(pair)(torch.cat(halves))
    if not torch.allclose(alone, together, rtol=1e-3, atol=1e-4):
        raise ValueError("this model gives other numbers stacked than alone: does its forward mix examples, use parameters "
                         "outside their layer, or draw from the global generator? Train it with fit")  # fmt: skip
    return alone


def _stack_parameter(layers, name):
    """The layers' parameter `name` as one parameter (runs, ...) of which the layers keep views; None if they have none.
    The kernel of a convolution is (runs, out, height, width, in): PyTorch's channels-last order."""
    tensors = [getattr(layer, name) for layer in layers]
    if tensors[0] is None:
        return None
    stacked = torch.stack([t.detach().movedim(1, -1) if t.dim() == 4 else t.detach() for t in tensors])
    for t, row in zip(tensors, stacked, strict=True):
        t.data = row.movedim(-1, 1) if t.dim() == 4 else row
    return nn.Parameter(stacked, tensors[0].requires_grad)


class LinearFunction(torch.autograd.Function):
    """x (runs, n, n_in) -> what `layer` does to it, ReLU and dropout included: (runs, n, n_out), in place where possible.

    The weight's gradient goes to the same memory in every step: fresh memory costs nearly as much as the product itself.
    A narrow product (n_out < 32, the read-out) is several times faster the other way round.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, layer):
        a, b = (weight, x.mT) if weight.shape[1] < 32 else (x, weight.mT)
        y = a.bmm(b) if bias is None else torch.baddbmm(bias.unsqueeze(2 if a is weight else 1), a, b)
        y = y.mT if a is weight else y
        if layer.has_relu:
            y.relu_()
        if layer.dropout:
            y.mul_(layer.dropout.mask(y))
        ctx.save_for_backward(x, weight, y if layer.has_relu else None)
        ctx.layer = layer
        return y

    @staticmethod
    def backward(ctx, gradient):
        (x, weight, y), layer = ctx.saved_tensors, ctx.layer
        if layer.has_relu:
            gradient = torch.ops.aten.threshold_backward(gradient, y, 0)  # y is 0 too where a unit was dropped
        if layer.dropout:
            gradient.mul_(layer.dropout.scale.to(y.dtype).unsqueeze(1))
        if layer.weight.requires_grad and layer.weight.grad is None:
            layer.weight.grad = torch.bmm(gradient.mT, x, out=layer.gradient)
        elif layer.weight.requires_grad:
            layer.weight.grad.baddbmm_(gradient.mT, x)
        for_x = gradient.bmm(weight) if ctx.needs_input_grad[0] else None
        return for_x, None, gradient.sum(1) if ctx.needs_input_grad[2] else None, None


class StackedLinear(nn.Module):
    """(runs * n, ..., n_in) -> (runs * n, ..., n_out)."""

    def __init__(self, layers):
        super().__init__()
        self.weight, self.bias = _stack_parameter(layers, "weight"), _stack_parameter(layers, "bias")
        self.gradient = torch.empty_like(self.weight, requires_grad=False)
        self.has_relu, self.dropout = False, None  # `_fuse` may say otherwise

    def forward(self, x):
        n_runs, n_out, n_in = self.weight.shape
        y = LinearFunction.apply(x.reshape(n_runs, -1, n_in), self.weight, self.bias, self)
        return y.reshape(*x.shape[:-1], n_out)


class StackedDropout(nn.Module):
    """Same shape in and out. Runs that share a seed share a generator, whose bits are drawn once for all of them."""

    def __init__(self, layers):
        super().__init__()
        by_seed = {}
        for layer in layers:
            layer.generator = by_seed.setdefault(layer.generator.initial_seed(), layer.generator)
        self.generators = list(by_seed.values())
        device = self.generators[0].device
        self.row = torch.tensor([self.generators.index(layer.generator) for layer in layers], device=device)
        threshold, scale = zip(*(threshold_and_scale(layer.p) for layer in layers), strict=True)
        self.threshold = torch.tensor(threshold, dtype=torch.int16, device=device).unsqueeze(1)
        self.scale = torch.tensor(scale, dtype=torch.float64, device=device).unsqueeze(1)
        self.is_needed = any(layer.p > 0 for layer in layers)

    def forward(self, x):
        return x * self.mask(x) if self.is_needed else x

    def mask(self, x):
        n_each = (x.numel() // len(self.row),)
        bits = torch.stack([random_bits(generator, n_each) for generator in self.generators])
        if len(self.generators) < len(self.row):
            bits = bits.index_select(0, self.row)
        return dropout_mask_(bits, self.threshold, self.scale.to(x.dtype), x.dtype).view(x.shape)


class StackedLayerNorm(nn.Module):
    """(runs * n, ..., width), same shape out: the normalization knows nothing of runs, only scale and shift do."""

    def __init__(self, layers):
        super().__init__()
        self.eps, self.shape = layers[0].eps, layers[0].normalized_shape
        self.weight, self.bias = _stack_parameter(layers, "weight"), _stack_parameter(layers, "bias")

    def forward(self, x):
        y = functional.layer_norm(x, self.shape, eps=self.eps)
        if self.weight is None:
            return y
        y, weight = y.view(len(self.weight), -1, *self.shape), self.weight.unsqueeze(1)
        y = y * weight if self.bias is None else torch.addcmul(self.bias.unsqueeze(1), y, weight)
        return y.view(x.shape)


class StackedEmbedding(nn.Module):
    """(runs * n, ...) int64 -> (runs * n, ..., width): the runs' tables one below the other."""

    def __init__(self, layers):
        super().__init__()
        self.weight = _stack_parameter(layers, "weight")

    def forward(self, codes):
        n_runs, n_codes, _ = self.weight.shape
        start = n_codes * torch.arange(n_runs, device=codes.device).unsqueeze(1)
        return functional.embedding((codes.reshape(n_runs, -1) + start).view(codes.shape), self.weight.flatten(0, 1))


class StackedAny(nn.Module):
    """Any other layer with parameters or buffers: one run after the other, each on its part of the batch."""

    def __init__(self, layers):
        super().__init__()
        self.layers = tuple(layers)
        for name in layers[0]._parameters:
            self.register_parameter(name, _stack_parameter(layers, name))

    def forward(self, x):
        rows = {name: (p.movedim(-1, 2) if p.dim() == 5 else p).unbind() for name, p in self.named_parameters()}
        own = [{name: row[k] for name, row in rows.items()} for k in range(len(self.layers))]
        parts = [functional_call(*call) for call in zip(self.layers, own, x.chunk(len(self.layers)), strict=True)]
        return torch.cat(parts) if len(parts) > 1 else parts[0]


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


STACKED = {nn.Linear: StackedLinear, nn.LayerNorm: StackedLayerNorm, nn.Embedding: StackedEmbedding, Dropout: StackedDropout}
