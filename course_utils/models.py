"""The networks of the course, built from plain `torch.nn` layers."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

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


def cnn(n_channels=3, n_outputs=10, width=16, p_drop=0.0):
    """Three Conv-BatchNorm-ReLU-MaxPool blocks (width, 2*width, 4*width channels) and a two-layer head with dropout.

    Input (n, n_channels, height, width) of at least 8x8 pixels, output (n, n_outputs) logits.
    """
    layers, n_in = [], n_channels
    for n_out in (width, 2 * width, 4 * width):
        layers += [nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(), nn.MaxPool2d(2)]
        n_in = n_out
    head = [Dropout(p_drop), nn.Linear(n_in, n_in // 2), nn.ReLU(), Dropout(p_drop), nn.Linear(n_in // 2, n_outputs)]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *head)
    return model.to(memory_format=torch.channels_last)  # the faster layout on CPUs and GPUs


class TransformerBlock(nn.Module):
    """Pre-norm causal self-attention and a two-layer network, each added to its input: (n, T, width) -> same shape."""

    def __init__(self, width, n_heads, p_drop):
        super().__init__()
        self.n_heads = n_heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.expand, self.contract = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.drop_1, self.drop_2 = Dropout(p_drop), Dropout(p_drop)

    def forward(self, x):
        """x: (n, T, width); position t sees positions 0 to t only."""
        n, length, width = x.shape
        heads = self.query_key_value(self.norm_1(x)).view(n, length, 3, self.n_heads, width // self.n_heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.drop_1(self.project(mixed.transpose(1, 2).reshape(n, length, width)))
        return x + self.drop_2(self.contract(functional.gelu(self.expand(self.norm_2(x)))))


class CharTransformer(nn.Module):
    """The network of `char_transformer`."""

    def __init__(self, n_characters, context, width, n_layers, n_heads, p_drop):
        super().__init__()
        self.character, self.position = nn.Embedding(n_characters, width), nn.Embedding(context, width)
        self.drop = Dropout(p_drop)
        self.blocks = nn.Sequential(*(TransformerBlock(width, n_heads, p_drop) for _ in range(n_layers)))
        self.norm, self.read_out = nn.LayerNorm(width), nn.Linear(width, n_characters)

    def forward(self, codes):
        """codes: (n, T) int64 with T <= context; returns (n, T, n_characters) logits for the next character."""
        positions = torch.arange(codes.shape[1], device=codes.device).expand_as(codes)
        x = self.drop(self.character(codes) + self.position(positions))
        return self.read_out(self.norm(self.blocks(x)))


def char_transformer(n_characters: int, context: int = 64, width: int = 64, n_layers: int = 2, n_heads: int = 4,
                     p_drop: float = 0.0) -> CharTransformer:  # fmt: skip
    """Small causal transformer over characters, with dropout after the embedding and on both branches of each block.

    The layout is GPT-2's (Radford et al. 2019), with a read-out of its own instead of the embedding's transpose.

    Args:
        n_characters: size of the alphabet.
        context: length of the longest input, in characters.
        width: features per position, a multiple of n_heads.
        n_layers: blocks.
        n_heads: attention heads per block.
        p_drop: probability of dropping a feature.

    Returns:
        A network from (n, T) int64 codes with T <= context to (n, T, n_characters) logits for the next character.

    Raises:
        ValueError: p_drop is not in [0, 1].
    """
    return CharTransformer(n_characters, context, width, n_layers, n_heads, p_drop)
