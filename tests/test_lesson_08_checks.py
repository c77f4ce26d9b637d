"""What lesson 08 says in passing and does not claim: smoothed targets, the order of a pipeline, the watchman, lucky stops."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision import transforms
from torchvision.transforms import v2
from torchvision.transforms.functional import to_pil_image

from course_utils.checks import lesson_08
from tests.wrong_answers.lesson_08 import watchman


def run(scores, patience):
    """The evaluation at which the lesson's watchman stops, and the one that it restores."""
    return lesson_08._watch(watchman(), scores, patience)


@pytest.mark.parametrize(
    ("scores", "patience", "stopped", "restored"),
    [
        ([3, 2, 1], 1, 3, 2),  # never stops
        ([3, 1, 2, 2, 2], 2, 3, 1),  # restores the best, not the last
        ([1, 1, 1], 2, 2, 0),  # a tie is not better
        ([2, math.nan, math.nan, 1], 3, 4, 3),  # NaN counts as not better
        ([math.nan, math.nan, 1], 2, 1, -1),  # nothing to restore
        ([5, 6, 4, 6, 6, 3], 2, 4, 2),  # in a row
    ],
)
def test_the_watchman_stops_and_restores(scores, patience, stopped, restored):
    assert run(scores, patience) == (stopped, restored)


def test_too_little_patience_ends_in_the_first_dip_of_a_double_descent():
    epochs = np.arange(200)
    curve = 0.3 + 0.5 * np.exp(-epochs / 8) + 0.4 * np.exp(-(((epochs - 60) / 25) ** 2)) - 0.1 * (epochs / 200)
    assert run(curve, 10)[1] < 30
    assert run(curve, 150)[1] == curve.argmin() > 150


def test_the_best_of_many_looks_is_optimistic():
    scores = np.random.default_rng(0).binomial(1000, 0.5, (50, 100)) / 1000  # a hundred independent looks, all worth 0.5
    restored = [row[int(run(row, 100)[1])] for row in scores]
    assert 0.5 - np.mean(restored) == pytest.approx(0.04, abs=0.01)


def test_smoothed_targets_and_their_floor():
    logits, y, smoothing = torch.randn(7, 10, dtype=torch.double), torch.arange(7), 0.1
    target = torch.full((7, 10), smoothing / 10, dtype=torch.double)
    target[torch.arange(7), y] += 1 - smoothing
    by_hand = -(target * logits.log_softmax(1)).sum(1).mean()
    assert functional.cross_entropy(logits, y, label_smoothing=smoothing).item() == pytest.approx(by_hand.item(), abs=1e-12)
    at_best = functional.cross_entropy(target.log(), y, label_smoothing=smoothing).item()
    assert at_best == pytest.approx(0.5003, abs=1e-4)
    assert at_best < functional.cross_entropy(target.log() * 1.01, y, label_smoothing=smoothing).item()


def test_smoothing_keeps_the_weights_of_separable_data_finite():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a second one only waits
    torch.manual_seed(0)
    y = torch.arange(200) % 2
    x = torch.randn(200, 2) * 0.3 + torch.stack([4.0 * y - 2, torch.zeros(200)], 1)

    def norms(smoothing):
        network = nn.Linear(2, 2)
        optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
        for step in range(1000):
            optimizer.zero_grad()
            functional.cross_entropy(network(x), y, label_smoothing=smoothing).backward()
            optimizer.step()
            if step == 499:
                yield network.weight.norm().item()
        yield network.weight.norm().item()

    halfway, at_end = norms(0.1)
    assert at_end == pytest.approx(halfway, rel=1e-3)
    halfway, at_end = norms(0.0)
    assert at_end > 1.03 * halfway
    torch.set_num_threads(n_threads)


def pipeline(module, *last):
    return module.Compose(
        [module.RandomCrop(32, padding=4), module.RandomHorizontalFlip(), module.ColorJitter(0.2, 0.2, 0.2), *last]
    )


def test_erasing_before_to_tensor_fails_on_a_tenth_of_the_pictures():
    torch.manual_seed(0)
    images = [to_pil_image(torch.rand(3, 32, 32)) for _ in range(600)]
    erase, to_tensor = transforms.RandomErasing(p=0.1), transforms.ToTensor()
    n_failures = 0
    for image in images:
        pipeline(transforms, to_tensor, erase)(image)
        try:
            pipeline(transforms, erase, to_tensor)(image)
        except AttributeError:
            n_failures += 1
    assert 30 < n_failures < 90


def test_v2_draws_once_for_a_whole_batch():
    batch = torch.rand(1, 1, 16, 16).repeat(8, 1, 1, 1)
    turned = v2.RandomRotation((10, 40))(batch)
    assert (turned == turned[:1]).all()
    assert not torch.equal(turned, torch.cat([v2.RandomRotation((10, 40))(part) for part in batch.split(1)]))
