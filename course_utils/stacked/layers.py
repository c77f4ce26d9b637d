"""Layers that serve many runs at once: the batch holds the first run's examples, then the second's, and so on.

So everything without parameters (activations, pooling, attention, reshaping) works on a stack as it is, and only layers
with parameters, and dropout, need to know about runs.
"""

import copy

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from course_utils.dropout import Dropout, dropout_mask_, random_bits, threshold_and_scale


def stack(modules):
    """One module that does to each run's part of the batch what the run's own module does.

    Its parameters have a leading axis of runs, and the modules' own parameters become views of them. The modules may differ in
    nothing but parameters, buffers and rates of dropout, and every `Dropout` must have its generator.
    Raises TypeError for a module it cannot stack.
    """
    first = modules[0]
    if first is None:
        return None
    if type(first) in STACKED:
        return STACKED[type(first)](modules)
    if first._parameters or first._buffers:
        if first._modules:
            raise TypeError(f"{type(first).__name__} has parameters beside its layers")
        return StackedAny(modules)
    twin = copy.copy(first)
    twin._modules = {name: stack([module._modules[name] for module in modules]) for name in first._modules}
    return twin


def stack_parameter(layers, name):
    """The layers' parameter `name` as one parameter (runs, ...) of which the layers hold views; None if they have none.
    The kernel of a convolution is (runs, out, height, width, in): PyTorch's channels-last order."""
    tensors = [getattr(layer, name) for layer in layers]
    if tensors[0] is None:
        return None
    stacked = torch.stack([t.detach().movedim(1, -1) if t.dim() == 4 else t.detach() for t in tensors])
    for tensor, row in zip(tensors, stacked, strict=True):
        tensor.data = row_as_parameter(row, tensor.dim())
    return nn.Parameter(stacked, tensors[0].requires_grad)


def row_as_parameter(row, n_axes):
    """A run's row of a stacked parameter, in the shape of its own parameter."""
    return row.movedim(-1, 1) if n_axes == 4 else row


class LinearFunction(torch.autograd.Function):
    """x (runs, n, n_in) -> (runs, n, n_out): `baddbmm`, but the weight's gradient goes to the same memory in every step, since
    fresh memory costs nearly as much as the product. A narrow product (the read-out) is several times faster turned round."""

    @staticmethod
    def forward(ctx, x, weight, bias, layer):
        ctx.save_for_backward(x, weight)
        ctx.layer, is_narrow = layer, weight.shape[1] < 32
        a, b = (weight, x.mT) if is_narrow else (x, weight.mT)
        y = a.bmm(b) if bias is None else torch.baddbmm(bias.unsqueeze(2 if is_narrow else 1), a, b)
        return y.mT if is_narrow else y

    @staticmethod
    def backward(ctx, gradient):
        (x, weight), layer = ctx.saved_tensors, ctx.layer
        if layer.weight.requires_grad and layer.weight.grad is None:
            layer.weight.grad = torch.bmm(gradient.mT, x, out=layer.gradient)
        elif layer.weight.requires_grad:  # the layer is used twice, or there is an L1 term
            layer.weight.grad.baddbmm_(gradient.mT, x)
        for_x = gradient.bmm(weight) if ctx.needs_input_grad[0] else None
        return for_x, None, gradient.sum(1) if ctx.needs_input_grad[2] else None, None


class StackedLinear(nn.Module):
    """(runs * n, ..., n_in) -> (runs * n, ..., n_out)."""

    def __init__(self, layers):
        super().__init__()
        self.weight, self.bias = stack_parameter(layers, "weight"), stack_parameter(layers, "bias")
        self.gradient = torch.empty_like(self.weight, requires_grad=False)

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
        if not self.is_needed:
            return x
        n_each = (x.numel() // len(self.row),)
        bits = torch.stack([random_bits(generator, n_each) for generator in self.generators])
        if len(self.generators) < len(self.row):
            bits = bits.index_select(0, self.row)
        return x * dropout_mask_(bits, self.threshold, self.scale.to(x.dtype), x.dtype).view(x.shape)


class StackedLayerNorm(nn.Module):
    """(runs * n, ..., width), same shape out: the normalization knows nothing of runs, only scale and shift do."""

    def __init__(self, layers):
        super().__init__()
        self.eps, self.shape = layers[0].eps, layers[0].normalized_shape
        self.weight, self.bias = stack_parameter(layers, "weight"), stack_parameter(layers, "bias")

    def forward(self, x):
        y = functional.layer_norm(x, self.shape, eps=self.eps)
        if self.weight is None:
            return y
        y, weight = y.view(len(self.weight), -1, *self.shape), self.weight.unsqueeze(1)
        y = y * weight if self.bias is None else torch.addcmul(self.bias.unsqueeze(1), y, weight)
        return y.view(x.shape)


class StackedAny(nn.Module):
    """Any other layer with parameters or buffers: one run after the other, each on its part of the batch."""

    def __init__(self, layers):
        super().__init__()
        self.layers, self.n_axes = tuple(layers), {name: p.dim() for name, p in layers[0].named_parameters()}
        for name in layers[0]._parameters:
            self.register_parameter(name, stack_parameter(layers, name))

    def forward(self, x):
        rows = {name: p.unbind() for name, p in self.named_parameters()}
        parts = []
        for k, (layer, part) in enumerate(zip(self.layers, x.chunk(len(self.layers)), strict=True)):
            parts.append(functional_call(layer, {n: row_as_parameter(r[k], self.n_axes[n]) for n, r in rows.items()}, part))
        return torch.cat(parts)


STACKED = {nn.Linear: StackedLinear, nn.LayerNorm: StackedLayerNorm, Dropout: StackedDropout}
