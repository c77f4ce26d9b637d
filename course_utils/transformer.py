"""The course's transformer over characters: pre-norm, causal, with its four dropout sites and its norm to choose."""

import math
from collections.abc import Collection

import torch
from torch import nn
from torch.nn import functional

from course_utils.dropout import Dropout

SITES = ("embedding", "attention", "residual", "hidden")
NORMS = {"LayerNorm": nn.LayerNorm, "RMSNorm": nn.RMSNorm}


class TransformerBlock(nn.Module):
    """Pre-norm causal self-attention and a two-layer network, each added to its input: (n, T, width) -> same shape."""

    def __init__(self, width, n_heads, drop, norm):
        super().__init__()
        self.n_heads = n_heads
        self.norm_1, self.norm_2 = norm(width), norm(width)
        self.query_key_value, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.expand, self.contract = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.drop_weights, self.drop_hidden = drop("attention"), drop("hidden")
        self.drop_1, self.drop_2 = drop("residual"), drop("residual")

    def forward(self, x):
        """x: (n, T, width); position t sees positions 0 to t only."""
        x = x + self.drop_1(self.project(self.mix(self.norm_1(x))))
        hidden = self.drop_hidden(functional.gelu(self.expand(self.norm_2(x))))
        return x + self.drop_2(self.contract(hidden))

    def mix(self, x):
        """Attention: for each position and head the weighted mean of the values of the positions up to it."""
        n, length, width = x.shape
        heads = self.query_key_value(x).view(n, length, 3, self.n_heads, width // self.n_heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        if isinstance(self.drop_weights, nn.Identity):
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        else:  # the same in the open, since its masks would come from PyTorch's global generator
            is_later = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
            scores = (query @ key.mT / math.sqrt(query.shape[-1])).masked_fill(is_later, -math.inf)
            mixed = self.drop_weights(scores.softmax(-1)) @ value
        return mixed.transpose(1, 2).reshape(n, length, width)


class CharTransformer(nn.Module):
    """The network of `char_transformer`; `drop` makes the layer of a site, `norm` a norm of a width."""

    def __init__(self, n_characters, context, width, n_layers, n_heads, drop, norm):
        super().__init__()
        self.character, self.position = nn.Embedding(n_characters, width), nn.Embedding(context, width)
        self.drop = drop("embedding")
        self.blocks = nn.Sequential(*(TransformerBlock(width, n_heads, drop, norm) for _ in range(n_layers)))
        self.norm, self.read_out = norm(width), nn.Linear(width, n_characters)

    def forward(self, codes):
        """codes: (n, T) int64 with T <= context; returns (n, T, n_characters) logits for the next character."""
        positions = torch.arange(codes.shape[1], device=codes.device).expand_as(codes)
        x = self.drop(self.character(codes) + self.position(positions))
        return self.read_out(self.norm(self.blocks(x)))


def char_transformer(n_characters: int, context: int = 64, width: int = 64, n_layers: int = 2, n_heads: int = 4,
                     p_drop: float = 0.0, sites: Collection[str] = ("embedding", "residual"),
                     norm: str = "LayerNorm") -> CharTransformer:  # fmt: skip
    """Small causal transformer over characters.

    The layout is GPT-2's (Radford et al. 2019: a norm in front of each branch, and a last one), with a read-out of its own
    instead of the embedding's transpose. The sites: Vaswani et al. 2017, arXiv:1706.03762, section 5.4, drop the sums of
    embeddings and the output of each branch; their released code (tensor2tensor, `transformer_base_v2`) also the attention
    weights, after the softmax, and the hidden layer behind its activation, as `nn.TransformerEncoderLayer` does.

    Args:
        n_characters: size of the alphabet.
        context: length of the longest input, in characters.
        width: features per position, a multiple of n_heads.
        n_layers: blocks.
        n_heads: attention heads per block.
        p_drop: probability of dropping an element, at each of `sites`.
        sites: where there is a dropout layer: "embedding" (the sum of character and position), "attention" (the weights of
            each head), "residual" (the output of both branches of a block) and "hidden" (of its two-layer network).
        norm: "LayerNorm", or "RMSNorm" (Zhang and Sennrich 2019, arXiv:1910.07467).

    Returns:
        A network from (n, T) int64 codes with T <= context to (n, T, n_characters) logits for the next character.

    Raises:
        ValueError: p_drop is not in [0, 1], a site or norm is unknown, or width is not a multiple of n_heads.
    """
    if unknown := set(sites) - set(SITES):
        raise ValueError(f"unknown dropout sites {sorted(unknown)}: choose among {', '.join(SITES)}")
    if norm not in NORMS:
        raise ValueError(f"unknown norm {norm!r}: choose LayerNorm or RMSNorm")
    if width % n_heads:
        raise ValueError(f"width must be a multiple of n_heads, not {width} for {n_heads} heads")

    def drop(site):
        return Dropout(p_drop) if site in sites else nn.Identity()

    return CharTransformer(n_characters, context, width, n_layers, n_heads, drop, NORMS[norm])
