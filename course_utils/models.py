"""The networks of the course, built from plain `torch.nn` layers."""

from collections.abc import Sequence

import torch
from torch import nn

from course_utils.dropout import Dropout


def mlp(n_inputs: int = 64, n_hidden: Sequence[int] = (256, 256), n_outputs: int = 10, p_drop: float = 0.0) -> nn.Sequential:
    """Multi-layer perceptron: flatten, then Linear-ReLU-Dropout per hidden layer, then a linear read-out.

    Args:
        n_inputs: numbers per example, after flattening.
        n_hidden: width of each hidden layer; () for a linear model.
        n_outputs: classes, or targets per example.
        p_drop: probability of dropping a hidden unit.

    Returns:
        A network from (n, ...) with n_inputs numbers per example to (n, n_outputs) logits or predictions.

    Raises:
        ValueError: p_drop is not in [0, 1].
    """
    widths = (n_inputs, *n_hidden)
    layers = [nn.Flatten()]
    for n_in, n_out in zip(widths, widths[1:], strict=False):
        layers += [nn.Linear(n_in, n_out), nn.ReLU(), Dropout(p_drop)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], n_outputs))


def cnn(n_channels: int = 3, n_outputs: int = 10, width: int = 16, p_drop: float = 0.0) -> nn.Sequential:
    """Three Conv-BatchNorm-ReLU-MaxPool blocks (width, 2*width, 4*width channels) and a two-layer head with dropout.

    Args:
        n_channels: of the images.
        n_outputs: classes.
        width: channels of the first block.
        p_drop: probability of dropping a unit in front of each layer of the head.

    Returns:
        A network from (n, n_channels, height, width) of at least 8x8 pixels to (n, n_outputs) logits.

    Raises:
        ValueError: p_drop is not in [0, 1].
    """
    layers, n_in = [], n_channels
    for n_out in (width, 2 * width, 4 * width):
        layers += [nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(), nn.MaxPool2d(2)]
        n_in = n_out
    head = [Dropout(p_drop), nn.Linear(n_in, n_in // 2), nn.ReLU(), Dropout(p_drop), nn.Linear(n_in // 2, n_outputs)]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *head)
    return model.to(memory_format=torch.channels_last)  # the faster layout on CPUs and GPUs
