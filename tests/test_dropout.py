"""Masks that depend on the seed alone."""

import pytest
import torch
from torch import nn

from course_utils.dropout import Dropout, dropout_mask_, random_bits, threshold_and_scale, use_generator


def dropped(p, seed=0, x=None):
    layer = Dropout(p)
    use_generator(layer, torch.Generator().manual_seed(seed))
    return layer(torch.ones(200, 300) if x is None else x)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_drops_with_probability_p_and_keeps_the_mean(p):
    y = dropped(p)
    assert abs((y == 0).double().mean().item() - p) < 5 * (p * (1 - p) / y.numel()) ** 0.5 + 1e-12
    assert set(y.unique().tolist()) <= {0.0, torch.tensor(1 / (1 - p) if p < 1 else 0.0).item()}


def test_masks_follow_the_seed_and_are_nested_in_p():
    assert torch.equal(dropped(0.5), dropped(0.5))
    assert not torch.equal(dropped(0.5), dropped(0.5, seed=1))
    assert not ((dropped(0.2) == 0) & (dropped(0.5) != 0)).any()


def test_a_layer_that_does_not_drop_leaves_the_masks_of_others_alone():
    def second_mask(p):
        model = nn.Sequential(Dropout(p), nn.ReLU(), Dropout(0.5))
        use_generator(model, torch.Generator().manual_seed(3))
        model[0](torch.ones(50))
        return model[2](torch.ones(50))

    assert torch.equal(second_mask(0.0), second_mask(0.4))


def test_without_a_generator_it_is_pytorchs():
    x = torch.randn(40)
    torch.manual_seed(1)
    ours = Dropout(0.3)(x)
    torch.manual_seed(1)
    assert torch.equal(ours, nn.Dropout(0.3)(x))
    assert torch.equal(Dropout(0.3).eval()(x), x)


def test_bits_are_uniform_and_thresholds_exact():
    bits = random_bits(torch.Generator().manual_seed(0), (99_999,)).double()
    assert bits.min() < -32_700 and bits.max() > 32_700 and abs(bits.mean()) < 300
    every = torch.arange(-32768, 32768).to(torch.int16)
    assert dropout_mask_(every, *threshold_and_scale(0.25), torch.float64).count_nonzero() == 0.75 * 65536
