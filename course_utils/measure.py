"""Numbers a lesson measures on predictions and on weights. Inputs are tensors; results are Python floats."""

import math

import torch
from torch import nn
from torch.nn import functional


def accuracy(logits: torch.Tensor, y: torch.Tensor) -> float:
    """Fraction of predictions whose largest logit is the label's.

    Args:
        logits: (n, ..., n_classes); probabilities do as well.
        y: (n, ...) integer labels.

    Returns:
        From 0 to 1.
    """
    return (logits.argmax(-1) == y).double().mean().item()


def accuracy_standard_error(accuracy: float, n: int) -> float:
    """Standard error of an accuracy measured on independent examples: sqrt(a (1 - a) / n).

    Args:
        accuracy: from 0 to 1.
        n: examples.

    Returns:
        A fraction.
    """
    return math.sqrt(accuracy * (1 - accuracy) / n)


def nll(logits: torch.Tensor, y: torch.Tensor) -> float:
    """Mean negative log-likelihood.

    Args:
        logits: (n, n_classes); log-probabilities do as well.
        y: (n,) integer labels.

    Returns:
        Nats an example.
    """
    return functional.cross_entropy(logits, y).item()


def ece(probabilities: torch.Tensor, y: torch.Tensor, n_bins: int = 15) -> float:
    """Expected calibration error of the top label: mean |confidence - accuracy| over equal-width confidence bins.

    Source: Naeini et al. 2015; Guo et al. 2017, eq. 3.

    Args:
        probabilities: (n, n_classes), rows sum to 1.
        y: (n,) integer labels.
        n_bins: confidence bins from 0 to 1.

    Returns:
        From 0 to 1.
    """
    confidence, prediction = probabilities.max(-1)
    correct = (prediction == y).to(confidence.dtype)
    bins = (confidence * n_bins).ceil().long().clamp(1, n_bins) - 1
    gap = torch.zeros(n_bins, dtype=confidence.dtype, device=confidence.device)
    return gap.index_add(0, bins, confidence - correct).abs().sum().item() / len(y)


def weight_norm(model: nn.Module) -> float:
    """Euclidean norm of all weight matrices and kernels of the model together (parameters with >= 2 axes)."""
    return math.sqrt(sum(p.detach().square().sum().item() for p in model.parameters() if p.dim() >= 2))


def sparsity(model: nn.Module, threshold: float = 0.0) -> float:
    """Fraction of the model's weights (parameters with >= 2 axes) with |w| <= threshold.

    Args:
        model: any network.
        threshold: in the unit of the weights; 0.0 counts exact zeros.

    Returns:
        From 0 to 1.
    """
    weights = [p.detach().abs() for p in model.parameters() if p.dim() >= 2]
    return sum((w <= threshold).sum().item() for w in weights) / sum(w.numel() for w in weights)
