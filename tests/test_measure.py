"""Measurements against closed forms and other definitions."""

import math

import numpy as np
import pytest
import torch

from course_utils.measure import accuracy, accuracy_standard_error, ece, nll, sparsity, weight_norm
from course_utils.models import mlp


def test_accuracy_and_its_standard_error():
    logits = torch.eye(4)[[0, 1, 2, 2]]
    assert accuracy(logits, torch.tensor([0, 1, 2, 3])) == 0.75
    draws = np.random.default_rng(0).binomial(400, 0.8, 20_000) / 400
    assert accuracy_standard_error(0.8, 400) == pytest.approx(draws.std(), rel=0.03)


def test_nll_of_uniform_predictions_is_log_k():
    assert nll(torch.zeros(5, 8), torch.arange(5)) == pytest.approx(math.log(8))


def test_ece_of_a_calibrated_and_of_an_overconfident_predictor():
    generator = torch.Generator().manual_seed(0)
    confidence = torch.rand(200_000, generator=generator, dtype=torch.float64) * 0.5 + 0.5
    y = (torch.rand(200_000, generator=generator) > confidence).long()
    probabilities = torch.stack([confidence, 1 - confidence], 1)
    assert ece(probabilities, y) < 0.005
    always = torch.tensor([[1.0, 0.0]]).expand(100, 2)
    assert ece(always, torch.arange(100) % 2) == pytest.approx(0.5)


def test_norm_and_sparsity_count_weights_and_not_biases():
    model = mlp(4, (3,), 2)
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(2.0)
        model[1].weight[0] = 0.0
    assert weight_norm(model) == pytest.approx(math.sqrt(14 * 4))
    assert sparsity(model) == pytest.approx(4 / 18)
    assert sparsity(model, 3.0) == 1.0
