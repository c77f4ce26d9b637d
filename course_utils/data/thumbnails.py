"""Images made small and grey, so that a network of a few thousand weights can read them in seconds."""

import torch
from torch.nn import functional


def grey_thumbnails(images: torch.Tensor) -> torch.Tensor:
    """Grey images of half the height and width, each scaled to mean 0 and standard deviation 1 over its own pixels.

    Args:
        images: (n, channels, height, width), of any scale; height and width of at least 2 pixels.

    Returns:
        (n, 1, height // 2, width // 2): means over the channels and over squares of 2 x 2 pixels. An image that is all of one
        value becomes zeros.
    """
    small = functional.avg_pool2d(images.mean(1, keepdim=True), 2)
    return (small - small.mean((2, 3), keepdim=True)) / small.std((2, 3), keepdim=True).clamp_min(1e-6)
