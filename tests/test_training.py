"""`fit`: against a hand-written loop, early stopping, a loss that is not finite, Ctrl-C, and bad settings."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from course_utils.data import load
from course_utils.models import cnn, mlp
from course_utils.training import batches, evaluate, fit, l1_norm, run_generators, task_loss


@pytest.fixture(scope="module")
def digits():
    return load("digits", n_train=128, n_val=64, n_test=64)


def train(splits, *, lr=1e-2, build=mlp, seed=0, epochs=4, optimizer=torch.optim.SGD, **settings):
    torch.manual_seed(seed)
    model = build()
    return model, fit(model, splits.train, splits.val, optimizer(model.parameters(), lr=lr), epochs=epochs, seed=seed, **settings)


def test_equals_a_loop_written_by_hand(digits):
    model, history = train(digits, batch_size=32, l1_strength=1e-3, label_smoothing=0.1)
    torch.manual_seed(0)
    by_hand, (x, y) = mlp(), digits.train
    order, _ = run_generators(0)
    for epoch in range(4):
        losses = []
        for index in torch.randperm(128, generator=order).view(-1, 32):
            loss = functional.cross_entropy(by_hand(x[index]), y[index], label_smoothing=0.1)
            weights = [m.weight for m in by_hand if isinstance(m, nn.Linear)]
            grads = torch.autograd.grad(loss + 1e-3 * sum(w.abs().sum() for w in weights), list(by_hand.parameters()))
            with torch.no_grad():
                for p, g in zip(by_hand.parameters(), grads, strict=True):
                    p -= 1e-2 * g
            losses.append(loss.item())
        assert history["loss"][epoch] == pytest.approx(sum(losses) / 4, rel=1e-5)
    for p, q in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(p, q)


def test_the_same_seed_gives_the_same_history_whatever_the_global_generator_does(digits):
    def build():
        return mlp(p_drop=0.5)

    _, first = train(digits, build=build)
    _, again = train(digits, build=build, callbacks=[lambda model, row: torch.rand(7)])
    _, other = train(digits, build=build, seed=1)
    assert first.equals(again)
    assert not first.equals(other)


def test_metrics_are_in_eval_mode_and_loss_is_in_train_mode(digits):
    model, history = train(digits, build=lambda: mlp(p_drop=0.9), epochs=3)
    assert model.training
    assert history["loss"].iloc[-1] > history["train_loss"].iloc[-1]
    assert history["val_loss"].iloc[-1] == pytest.approx(evaluate(model, *digits.val)["loss"])
    assert list(history.columns) == ["epoch", "loss", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]


def test_early_stopping_restores_the_best_weights(digits):
    model, history = train(digits, lr=0.1, epochs=200, patience=3, optimizer=torch.optim.Adam)
    best = history["val_loss"].idxmin()
    assert len(history) == best + 4
    assert history.attrs["best_epoch"] == best
    assert "no lower validation loss" in history.attrs["stopped"]
    assert evaluate(model, *digits.val)["loss"] == pytest.approx(history["val_loss"].min(), rel=1e-6)


def test_a_loss_that_is_not_finite_stops_the_run_with_a_message(digits):
    with pytest.warns(RuntimeWarning, match="smaller learning rate"):
        _, history = train(digits, lr=1e20)
    assert len(history) == 1
    assert not math.isfinite(history["loss"][0] + history["val_loss"][0])


def test_ctrl_c_keeps_the_history(digits):
    def interrupt(model, row):
        if row["epoch"] == 1:
            raise KeyboardInterrupt

    _, history = train(digits, callbacks=[interrupt])
    assert len(history) == 2
    assert "interrupted" in history.attrs["stopped"]


def test_regression_and_batchnorm_and_progress(digits, capfd):
    diabetes = load("diabetes")
    _, history = train(diabetes, build=lambda: mlp(10, (8,), 1))
    assert "val_accuracy" not in history
    letters = load("letters", n_train=32, n_val=16, n_test=16)
    train(letters, build=lambda: cnn(width=4), epochs=1)
    assert capfd.readouterr().err == ""


def test_batches_are_a_permutation_without_the_incomplete_rest():
    index = batches(10, 4, torch.Generator().manual_seed(0))
    assert index.shape == (2, 4)
    assert len(set(index.flatten().tolist())) == 8
    assert batches(3, 64, torch.Generator()).shape == (1, 3)


def test_task_loss_agrees_with_torch():
    logits, y = torch.randn(5, 7, 4), torch.randint(0, 4, (5, 7))
    assert task_loss(logits, y).item() == pytest.approx(functional.cross_entropy(logits.transpose(1, 2), y).item())
    assert task_loss(torch.ones(3, 1), torch.zeros(3)).item() == 1.0


def test_l1_norm_leaves_biases_out():
    layer = nn.Linear(2, 1)
    assert l1_norm(layer).item() == pytest.approx(layer.weight.abs().sum().item())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be"),
        ({"batch_size": 2.5}, "batch_size must be"),
        ({"label_smoothing": 1.0}, "label_smoothing must be"),
        ({"patience": 0}, "patience must be"),
    ],
)
def test_settings_it_cannot_train_with(digits, settings, message):
    with pytest.raises(ValueError, match=message):
        train(digits, **settings)


@pytest.mark.parametrize("p", [1.5, -0.1])
def test_a_rate_that_is_no_probability(p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        mlp(p_drop=p)
