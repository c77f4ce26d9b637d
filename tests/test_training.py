"""`fit`: against a hand-written loop, early stopping, a loss that is not finite, Ctrl-C, and bad settings."""

import ast
import inspect
import math
import textwrap

import pytest
import torch
from torch import nn
from torch.nn import functional
from tqdm.std import tqdm

from course_utils import training, training_settings
from course_utils.data import load
from course_utils.dropout import Dropout
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


def losses_of_validation(monkeypatch, values):
    """Let `fit` find these validation losses, one after the other, and infinity ever after."""
    values = iter(values)

    def evaluate(model, x, y, prefix):
        return {prefix + "loss": next(values, math.inf) if prefix == "val_" else 0.5}

    monkeypatch.setattr(training, "evaluate", evaluate)


def test_patience_counts_evaluations_in_a_row(digits, monkeypatch):
    losses_of_validation(monkeypatch, [1.0, 2.0, 0.9, 0.9, 1.5])
    _, history = train(digits, epochs=20, patience=2, evaluate_every=3)
    assert len(history) == 15  # five evaluations; a tie is no progress
    assert history.attrs == {"best_epoch": 8, "stopped": "no lower validation loss in 2 evaluations"}


def test_patience_does_not_end_a_run_before_its_first_evaluation(digits):
    _, history = train(digits, epochs=6, patience=1, evaluate_every=5)
    assert len(history) == 6 and history["val_loss"].count() == 2


def test_it_stops_only_where_the_rule_says_so_and_not_at_every_evaluation(digits, monkeypatch):
    calls = []
    monkeypatch.setattr(training, "end_epoch", lambda log, *rest: calls.append(1) or setattr(log, "stopped", "enough") or {})
    train(digits, epochs=20, evaluate_every=4)
    assert len(calls) == 1


def test_a_run_that_diverges_between_evaluations_ends_there(digits):
    with pytest.warns(RuntimeWarning, match="^loss became"):
        _, history = train(digits, lr=1e20, epochs=9, evaluate_every=5, batch_size=16)
    assert len(history) == 1 and "val_loss" not in history


def test_a_validation_loss_that_is_not_a_number_is_named(digits, monkeypatch):
    losses_of_validation(monkeypatch, [1.0, math.nan])
    with pytest.warns(RuntimeWarning, match="val_loss became nan in epoch 1"):
        _, history = train(digits)
    assert len(history) == 2 and history.attrs["best_epoch"] == 0


def test_ctrl_c_is_raised_and_leaves_the_model_in_order(digits):
    def interrupt(model, row):
        raise KeyboardInterrupt

    model = mlp(p_drop=0.5)
    with pytest.raises(KeyboardInterrupt):
        fit(model, digits.train, digits.val, torch.optim.SGD(model.parameters()), epochs=3, callbacks=[interrupt])
    assert [layer.generator for layer in model if isinstance(layer, Dropout)] == [None, None]
    assert all(module.training for module in model.modules())


class Stops(nn.Module):
    """Raises in eval mode what it is told to."""

    def __init__(self, error=None):
        super().__init__()
        self.layer, self.norm, self.error = nn.Linear(4, 3), nn.BatchNorm1d(3), error

    def forward(self, x):
        if self.error and not self.training:
            raise self.error
        return self.norm(self.layer(x))


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, ValueError])
def test_evaluate_puts_back_the_mode_of_every_layer(error):
    model, data = Stops(error), (torch.randn(5, 4), torch.zeros(5, dtype=torch.long))
    model.norm.eval()  # frozen
    if error:
        with pytest.raises(error):
            evaluate(model, *data)
    else:
        evaluate(model, *data)
    assert [module.training for module in model.modules()] == [True, True, False]


def test_the_body_of_fit_is_short_enough_to_print():
    parts = inspect.getsource(fit).split('"""')
    assert len(parts) == 3
    body = textwrap.dedent(parts[2])
    assert "objective.backward()" in body and len(body.splitlines()) <= 36
    ast.parse(f"def f():\n{textwrap.indent(body, '    ')}")


def test_help_names_every_argument():
    for name in inspect.signature(fit).parameters:
        assert f"        {name}: " in fit.__doc__


@pytest.mark.parametrize(("progress", "disabled", "shown"), [(True, "", 1), (True, "1", 0), (False, "", 0)])
def test_a_bar_is_shown_where_it_takes_long(digits, progress, disabled, shown, monkeypatch, capfd):
    def bar(*arguments, delay, **settings):
        return tqdm(*arguments, delay=delay - 2, **settings)  # as if it took two seconds longer

    monkeypatch.setattr(training_settings, "tqdm", bar)
    monkeypatch.setenv("TQDM_DISABLE", disabled)
    train(digits, progress=progress)
    assert ("epochs" in capfd.readouterr().err) == shown


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
        ({"epochs": 0}, "epochs must be"), ({"epochs": True}, "epochs must be"), ({"batch_size": 2.5}, "batch_size must be"),
        ({"label_smoothing": 1.0}, "label_smoothing must be"), ({"label_smoothing": "0.1"}, "label_smoothing must be"),
        ({"patience": 0}, "patience must be"), ({"patience": 2.5}, "patience must be"), ({"patience": "3"}, "patience must be"),
        ({"evaluate_every": None}, "evaluate_every must be"), ({"l1_strength": math.nan}, "l1_strength must be"),
        ({"l1_strength": -1.0}, "l1_strength must be"), ({"seed": 1.5}, "seed must be"),
    ],
)  # fmt: skip
def test_settings_it_cannot_train_with(digits, settings, message):
    model = mlp()
    with pytest.raises(ValueError, match=message):
        fit(model, digits.train, digits.val, torch.optim.SGD(model.parameters()), **{"epochs": 2} | settings)


def test_data_it_cannot_train_with(digits):
    model, (x, y) = mlp(), digits.train
    optimizer = torch.optim.SGD(model.parameters())
    for train_data, val, message in (
        ((x[:0], y[:0]), (x, y), "train has 0"), ((x, y), (x[:0], y[:0]), "val has 0"), ((x, y[:5]), (x, y), "and 5 targets"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            fit(model, train_data, val, optimizer, epochs=1)
    with pytest.raises(ValueError, match="label_smoothing is for labels"):
        fit(model, (x, y.float()), (x, y.float()), optimizer, epochs=1, label_smoothing=0.1)


@pytest.mark.parametrize("p", [1.5, -0.1])
def test_a_rate_that_is_no_probability(p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        mlp(p_drop=p)
