"""Networks: shapes, where dropout is, and how many parameters."""

import pytest
import torch
from torch import nn

from course_utils.models import cnn, mlp


def test_mlp_is_the_stack_it_says():
    model = mlp(64, (256, 128), 10, p_drop=0.3)
    kinds = [type(layer).__name__ for layer in model]
    assert kinds == ["Flatten", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]
    assert model(torch.zeros(5, 1, 8, 8)).shape == (5, 10)
    assert sum(p.numel() for p in model.parameters()) == 64 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10
    assert {layer.p for layer in model if isinstance(layer, nn.Dropout)} == {0.3}


@pytest.mark.parametrize(("channels", "size"), [(3, 32), (1, 28), (3, 8)])
def test_cnn_takes_images_of_many_sizes(channels, size):
    assert cnn(channels, 7, width=4)(torch.zeros(2, channels, size, size)).shape == (2, 7)


def test_cnn_drops_in_its_head_and_never_before_batchnorm():
    kinds = [type(layer).__name__ for layer in cnn(p_drop=0.5)]
    assert kinds.index("Dropout") > max(i for i, kind in enumerate(kinds) if kind == "BatchNorm2d")
    assert kinds.count("Dropout") == 2
