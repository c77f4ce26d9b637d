"""`train_runs` gives, run by run, the numbers of `fit`."""

import _thread
import threading

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import stacked, training
from course_utils.dropout import Dropout
from course_utils.models import char_transformer, cnn, mlp
from course_utils.stacked import train_runs
from course_utils.training import fit

pytestmark = pytest.mark.usefixtures("two_threads")
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "adam": (torch.optim.Adam, {"lr": 1e-3}),
    "adamw": (torch.optim.AdamW, {"lr": 1e-3, "betas": (0.8, 0.99)}),
}


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


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
    """[(history, model)] of `fit`, on one thread: two would wait for each other over such small products."""
    results, n_threads = [], torch.get_num_threads()
    torch.set_num_threads(1)
    for run in runs:
        torch.manual_seed(run["seed"])
        model = build(p_drop=run.get("p_drop", 0.0))
        names = ("lr", "weight_decay", "momentum", "betas")
        made = optimizer(model.parameters(), **{k: run[k] for k in names if k in run})
        extra = {k: run[k] for k in ("seed", "l1_strength", "label_smoothing") if k in run}
        results.append((fit(model, train, val, made, **settings, **extra), model))
    torch.set_num_threads(n_threads)
    return results


def check_equal(kind, optimizer, dtype, tolerance, epochs=2, **settings):
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


@pytest.mark.parametrize("kind", ["mlp", "cnn", "transformer"])
def test_equals_fit_in_float32_over_the_first_100_steps(kind):
    check_equal(kind, "adamw", torch.float32, 2e-3, epochs=9)


def test_equals_fit_with_early_stopping_and_sparse_evaluation():
    check_equal("mlp", "adam", torch.float64, 1e-10, epochs=30, patience=2)
    check_equal("cnn", "sgd", torch.float64, 1e-10, epochs=6, patience=3, evaluate_every=2)


def test_equals_fit_for_regression_and_own_data_per_run():
    x, _ = labelled(6, dtype=torch.float64)
    data = [(x, torch.sin(k + x[:, :1])) for k in range(3)]
    runs = [{"lr": 0.01, "seed": 4, "train": pair} for pair in data]
    table, _ = train_runs(lambda: mlp(6, (8,), 1).double(), data[0], data[0], runs, epochs=3)
    for k, pair in enumerate(data):
        torch.manual_seed(4)
        model = mlp(6, (8,), 1).double()
        history = fit(model, pair, data[0], torch.optim.AdamW(model.parameters(), lr=0.01), epochs=3, seed=4)
        for column in ("loss", "train_loss", "val_loss"):
            np.testing.assert_allclose(table[table["run"] == k][column], history[column], rtol=1e-10)


class CustomNorm(nn.Module):
    """A layer of a lesson's own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(12, dtype=torch.float64))

    def forward(self, x):
        return x / x.norm(dim=1, keepdim=True) * self.scale


@pytest.mark.parametrize("layer", [CustomNorm, lambda: nn.BatchNorm1d(12).double(), lambda: nn.LayerNorm(12).double()])
def test_other_layers_are_trained_run_after_run(layer):
    data = labelled(6, dtype=torch.float64)

    def build(p_drop=0.0):
        return nn.Sequential(nn.Linear(6, 12).double(), layer(), nn.ReLU(), Dropout(p_drop), nn.Linear(12, 5).double())

    runs = [{"seed": s, "lr": 0.01, "p_drop": 0.1 * s} for s in range(3)]
    table, _ = train_runs(build, data, data, runs, epochs=3)
    for k, (history, _) in enumerate(one_by_one(build, data, data, runs, torch.optim.AdamW, epochs=3)):
        np.testing.assert_allclose(table[table["run"] == k]["val_loss"], history["val_loss"], rtol=1e-9)


@pytest.mark.parametrize(
    "runs", [[{"seed": 3, "p_drop": 0.5}], [{"seed": s, "p_drop": 0.2, "l1_strength": 1e-3} for s in (1, 2)]]
)
def test_runs_that_are_not_stacked_equal_fit_and_say_so_when_they_diverge(runs):
    data, settings = labelled(6), {"epochs": 3, "patience": 1}
    table, models = train_runs(mlp_of_6, data, data, runs, max_runs_at_once=1, **settings)
    for k, (history, model) in enumerate(one_by_one(mlp_of_6, data, data, runs, torch.optim.AdamW, **settings)):
        np.testing.assert_allclose(table[table["run"] == k]["val_loss"], history["val_loss"], rtol=1e-5)
        torch.testing.assert_close(models[k][1].weight, model[1].weight, rtol=1e-4, atol=1e-5)
    diverging = [run | {"lr": 1e30, "optimizer": torch.optim.SGD} for run in runs]
    table, _ = train_runs(mlp_of_6, data, data, diverging, epochs=3, max_runs_at_once=1)
    assert table["stopped"].str.startswith("loss became").all()


def test_runs_of_different_shape_and_optimizer_train_in_one_call():
    data = labelled(6)
    runs = [
        {"n_hidden": (8,)},
        {"n_hidden": (4, 4)},
        {"n_hidden": (8,), "optimizer": torch.optim.SGD, "lr": 0.1, "momentum": 0.9},
    ]
    table, models = train_runs(lambda n_hidden: mlp(6, n_hidden, 5), data, data, runs, epochs=2)
    assert [len(list(m.parameters())) for m in models] == [4, 6, 4]
    assert table["run"].tolist() == [0, 0, 1, 1, 2, 2]
    assert table["optimizer"].iloc[-1] == "SGD"


def test_a_run_that_diverges_ends_alone():
    data = labelled(6)
    runs = [{"lr": lr, "seed": 0, "optimizer": torch.optim.SGD} for lr in (0.1, 1e30, 0.1)]
    table, models = train_runs(mlp_of_6, data, data, runs, epochs=4, max_runs_at_once=3)
    assert table.groupby("run").size().tolist()[::2] == [4, 4]
    assert table[table["run"] == 1]["stopped"].iloc[0].startswith("loss became")
    assert table[table["run"] == 0]["loss"].tolist() == table[table["run"] == 2]["loss"].tolist()
    assert all(torch.isfinite(p).all() for p in models[0].parameters())


def mlp_of_6(p_drop=0.0):
    return mlp(6, (16,), 5, p_drop)


def test_the_global_generator_and_the_threads_stay_as_they_were():
    torch.manual_seed(1)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    train_runs(mlp_of_6, labelled(6), labelled(6), [{"seed": 5, "p_drop": 0.5}] * 2, epochs=1)
    assert torch.equal(state, torch.get_rng_state())
    assert threads == torch.get_num_threads()


def test_models_are_ordinary_and_independent(tmp_path):
    _, (first, second) = train_runs(mlp_of_6, labelled(6), labelled(6), [{"seed": 5}] * 2, epochs=1)
    before = first[1].weight.clone()
    with torch.no_grad():
        second[1].weight.zero_()
    assert torch.equal(first[1].weight, before) and first[1].weight.is_contiguous()
    torch.save(first.state_dict(), tmp_path / "weights.pt")
    assert (tmp_path / "weights.pt").stat().st_size < 20_000


@pytest.mark.parametrize(
    ("kind", "at_once", "sizes", "n_workers"),
    [
        ("mlp", None, [5], 1),
        ("mlp", 2, [1, 2, 2], 1),
        ("cnn", None, [1] * 5, 1),
        ("transformer", None, [2, 3], 2),
        ("transformer", 1, [1] * 5, 2),
    ],
)
def test_what_is_trained_together(kind, at_once, sizes, n_workers):
    build, data = work(kind)
    arguments = {"train": data, "val": data, "optimizer": torch.optim.AdamW}
    jobs = [stacked._make_run(k, {"seed": k % 2}, build, arguments) for k in range(5)]
    chunks, workers = stacked._chunks(jobs, at_once)
    assert ([len(chunk) for chunk in chunks], workers) == (sizes, n_workers)
    assert [job.seed for chunk in chunks for job in chunk] == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("kind", ["mlp", "cnn", "transformer"])
def test_ctrl_c_returns_what_is_finished(kind, monkeypatch):
    build, data = work(kind)
    evaluate, calls = stacked.evaluate, []

    def interrupted_soon(*args, **kwargs):
        calls.append(1)
        if len(calls) == 5:
            threading.Timer(0.01, _thread.interrupt_main).start()
        return evaluate(*args, **kwargs)

    monkeypatch.setattr(stacked, "evaluate", interrupted_soon)
    monkeypatch.setattr(training, "evaluate", interrupted_soon)
    table, models = train_runs(build, data, data, [{"seed": s} for s in range(3)], epochs=2000)
    assert 1 <= len(table) < 6000 and len(models) == 3
    assert table["stopped"].str.startswith("interrupted in epoch").all()


class UsesALayerTwice(nn.Module):
    def __init__(self, p_drop):
        super().__init__()
        self.inside = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), Dropout(p_drop), nn.ReLU(), Dropout(p_drop))
        self.read_out = nn.Sequential(nn.Linear(6, 40, bias=False), nn.ReLU(), nn.Linear(40, 5))
        self.read_out[0].weight.requires_grad = False

    def forward(self, x):
        return self.read_out(self.inside(self.inside(x)))


@pytest.mark.parametrize("l1_strength", [0.0, 0.01])
def test_a_layer_may_be_used_twice_or_be_frozen(l1_strength):
    def build(p_drop):
        return UsesALayerTwice(p_drop).double()

    data = labelled(6, dtype=torch.float64)
    runs = [{"seed": s, "p_drop": 0.3, "l1_strength": l1_strength} for s in range(2)]
    table, _ = train_runs(build, data, data, runs, epochs=3)
    alone = one_by_one(build, data, data, runs, torch.optim.AdamW, epochs=3)
    np.testing.assert_allclose(table["val_loss"], np.concatenate([history["val_loss"] for history, _ in alone]), atol=1e-10)


class CallsLayersByIndex(nn.Module):
    def __init__(self, p_drop):
        super().__init__()
        self.net = mlp_of_6(p_drop)

    def forward(self, x):
        for index in range(5):
            x = self.net[index](x)
        return x


class LooksInside(CallsLayersByIndex):
    def forward(self, x):
        return super().forward(x) + self.net[1](self.net[0](x)).sum(1, keepdim=True)  # of what comes before the ReLU


def test_layers_may_be_called_by_index_and_one_that_cannot_be_looked_inside_says_so():
    data, runs = labelled(6), [{"seed": s, "p_drop": 0.3} for s in range(2)]
    table, _ = train_runs(CallsLayersByIndex, data, data, runs, epochs=2)
    alone, _ = train_runs(mlp_of_6, data, data, runs, epochs=2)
    assert table["val_loss"].tolist() == alone["val_loss"].tolist()
    with pytest.raises(ValueError, match="other numbers stacked than alone"):
        train_runs(LooksInside, data, data, runs, epochs=2)


class MixesExamples(nn.Module):
    def forward(self, x):
        return x - x.mean(0)


class OwnParameter(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.shift = nn.Linear(6, 5), nn.Parameter(torch.zeros(5))

    def forward(self, x):
        return self.layer(x) + self.shift


def tied():
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    model[1].weight = model[0].weight
    return model


@pytest.mark.parametrize(
    ("build", "runs", "settings", "error", "message"),
    [
        (mlp_of_6, [], {}, ValueError, "empty"),
        (mlp_of_6, [3], {}, TypeError, "run 0"),
        (mlp_of_6, [{}, {"weight_decai": 0.1}], {}, ValueError, "run 1.*weight_decai"),
        (mlp_of_6, [{"momentum": 0.9}], {}, ValueError, "momentum"),
        (mlp_of_6, [{"lr": -1.0}], {}, ValueError, "learning rate"),
        (mlp_of_6, [{"p_drop": 1.5}], {}, ValueError, "probability"),
        (mlp_of_6, [{"label_smoothing": 1.5}], {}, ValueError, "label_smoothing"),
        (mlp_of_6, [{"optimizer": torch.optim.LBFGS}], {}, ValueError, "LBFGS"),
        (mlp_of_6, [{}], {"epochs": 0}, ValueError, "epochs"),
        (mlp_of_6, [{}], {"evaluate_every": 0}, ValueError, "evaluate_every"),
        (lambda: nn.Sequential(nn.Linear(6, 5), nn.Dropout(0.5)), [{}], {}, TypeError, "course_utils.dropout"),
        (lambda: nn.Sequential(nn.Linear(6, 5), MixesExamples()), [{}, {}], {}, ValueError, "mix examples"),
        (OwnParameter, [{}], {}, TypeError, "OwnParameter"),
        (tied, [{}], {}, ValueError, "share"),
    ],
)
def test_bad_input_is_refused_before_training(build, runs, settings, error, message, monkeypatch):
    monkeypatch.setattr(stacked, "_train_chunk", None)
    with pytest.raises(error, match=message):
        train_runs(build, labelled(6), labelled(6), runs, **{"epochs": 1} | settings)
