"""`train_runs` gives, run by run, the numbers of `fit`."""

import numpy as np
import pytest
import torch

from course_utils.models import char_transformer, cnn, mlp
from course_utils.stacked import train_runs
from course_utils.training import fit

OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "adam": (torch.optim.Adam, {"lr": 1e-3}),
    "adamw": (torch.optim.AdamW, {"lr": 1e-3, "betas": (0.8, 0.99)}),
}


def labelled(*shape, n=96, n_classes=5, seed=0, dtype=torch.float32):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, n_classes, (n,), generator=g)
    return torch.randn(n, *shape, generator=g, dtype=dtype) + y.view(-1, *[1] * len(shape)), y


def text(n=64, n_characters=11, context=8):
    g = torch.Generator().manual_seed(0)
    codes = torch.randint(0, n_characters, (n, context + 1), generator=g)
    return codes[:, :-1], codes[:, 1:]


def work(kind, dtype=torch.float32):
    """(build, data) of a small model of the course."""
    if kind == "mlp":
        return lambda p_drop=0.0: mlp(6, (16, 12), 5, p_drop).to(dtype), labelled(6, dtype=dtype)
    if kind == "cnn":
        return lambda p_drop=0.0: cnn(2, 5, 4, p_drop).to(dtype), labelled(2, 8, 8, dtype=dtype)
    return lambda p_drop=0.0: char_transformer(11, 8, 16, 2, 2, p_drop).to(dtype), text()


def one_by_one(build, train, val, runs, optimizer, **settings):
    results = []
    for run in runs:
        torch.manual_seed(run["seed"])
        model = build(p_drop=run.get("p_drop", 0.0))
        names = ("lr", "weight_decay", "momentum", "betas")
        made = optimizer(model.parameters(), **{k: run[k] for k in names if k in run})
        extra = {k: run[k] for k in ("seed", "l1_strength", "label_smoothing") if k in run}
        results.append((fit(model, train, val, made, **settings, **extra), model))
    return results


def check_equal(kind, optimizer, dtype, tolerance, epochs=4, **settings):
    (build, data), (make, hyper) = work(kind, dtype), OPTIMIZERS[optimizer]
    runs = [
        hyper | {"seed": 1, "p_drop": 0.5},
        hyper | {"seed": 2, "p_drop": 0.2, "weight_decay": 0.1},
        hyper | {"seed": 1, "p_drop": 0.0, "label_smoothing": 0.1, "weight_decay": 0.1},
        hyper | {"seed": 3, "p_drop": 0.3, "l1_strength": 1e-3, "lr": hyper["lr"] / 2},
        hyper | {"seed": 2, "p_drop": 1.0 if kind == "mlp" else 0.1},
    ]
    settings = {"epochs": epochs, "batch_size": 8} | settings
    table, models = train_runs(build, data, data, runs, optimizer=make, max_runs_at_once=4, **settings)
    for k, (history, model) in enumerate(one_by_one(build, data, data, runs, make, **settings)):
        mine = table[table["run"] == k].reset_index(drop=True)
        assert set(mine["stopped"]) == {history.attrs["stopped"]}
        for column in history:
            np.testing.assert_allclose(mine[column], history[column], atol=tolerance, rtol=tolerance, err_msg=f"{k} {column}")
        for (name, a), b in zip(model.state_dict().items(), models[k].state_dict().values(), strict=True):
            torch.testing.assert_close(a, b, atol=tolerance, rtol=tolerance, msg=f"{k} {name}: {(a - b).abs().max()}")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", ["mlp", "cnn", "transformer"])
def test_equals_fit_in_float64(kind, optimizer):
    check_equal(kind, optimizer, torch.float64, 1e-10)
