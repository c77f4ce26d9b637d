"""The transformer: causal, the same with and without its sites, dropping where it says, and refusing what it cannot be."""

import pytest
import torch
from torch import nn

from course_utils.dropout import Dropout, use_generator
from course_utils.transformer import SITES, char_transformer


def places(model):
    """The names of its dropout layers, without the number of the block."""
    return {name.split(".")[-1] for name, layer in model.named_modules() if isinstance(layer, Dropout)}


@pytest.mark.parametrize(
    ("sites", "names"),
    [
        ((), set()),
        (("embedding", "residual"), {"drop", "drop_1", "drop_2"}),
        (("attention",), {"drop_weights"}),
        (("hidden",), {"drop_hidden"}),
    ],
)
def test_a_site_is_a_dropout_layer(sites, names):
    model = char_transformer(11, 8, 16, 3, 2, 0.3, sites)
    assert places(model) == names
    assert {layer.p for layer in model.modules() if isinstance(layer, Dropout)} <= {0.3}


@pytest.mark.parametrize("sites", [(), SITES])
def test_no_position_sees_a_later_one(sites):
    model, codes = char_transformer(11, 8, 16, p_drop=0.3, sites=sites).eval(), torch.randint(0, 11, (2, 8))
    changed = codes.clone()
    changed[:, 5] = (codes[:, 5] + 1) % 11
    moved = (model(codes) - model(changed)).abs().amax((0, 2)) > 1e-6
    assert moved.tolist() == [False] * 5 + [True] * 3


def test_without_dropping_all_sites_compute_the_same():
    codes, outputs = torch.randint(0, 11, (4, 8)), []
    for sites in ((), *((site,) for site in SITES), SITES):
        torch.manual_seed(0)
        outputs.append(char_transformer(11, 8, 16, p_drop=0.5, sites=sites).eval()(codes))
    for output in outputs:
        torch.testing.assert_close(output, outputs[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("site", SITES)
def test_every_site_disturbs_training_and_takes_its_masks_from_the_run(site):
    model, codes = char_transformer(11, 8, 16, p_drop=0.5, sites=(site,)), torch.randint(0, 11, (4, 8))
    outputs = []
    for seed in (1, 1, 2):
        use_generator(model, torch.Generator().manual_seed(seed))
        outputs.append(model(codes))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.allclose(outputs[0], outputs[2])


def test_the_norm_is_the_one_that_was_asked_for():
    norms = {type(layer) for layer in char_transformer(11, norm="RMSNorm").modules() if "Norm" in type(layer).__name__}
    assert norms == {nn.RMSNorm}


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"sites": ("heads",)}, "heads"), ({"norm": "BatchNorm"}, "BatchNorm"), ({"width": 30}, "multiple"), ({"p_drop": 2}, "2")],
)
def test_refuses_what_it_cannot_be(settings, message):
    with pytest.raises(ValueError, match=message):
        char_transformer(11, **settings)
