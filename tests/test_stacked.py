"""`train_runs` gives, run by run, the numbers of `fit`."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from course_utils.dropout import Dropout
from course_utils.models import cnn, mlp
from course_utils.stacked import train_runs
from course_utils.training import fit
from course_utils.transformer import SITES, char_transformer

OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "adam": (torch.optim.Adam, {"lr": 1e-3}),
    "adamw": (torch.optim.AdamW, {"lr": 1e-3, "betas": (0.8, 0.99)}),
}


def labelled(*shape, n=96, n_classes=5, seed=0, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, n_classes, (n,), generator=g)
    return torch.randn(n, *shape, generator=g, dtype=dtype) + y.view(-1, *[1] * len(shape)), y


def text(n=64, n_characters=11, context=8):
    g = torch.Generator().manual_seed(0)
    codes = torch.randint(0, n_characters, (n, context + 1), generator=g)
    return codes[:, :-1], codes[:, 1:]


def work(kind, dtype):
    """(build, data) of a small model of the course."""
    if kind == "mlp":
        return lambda p_drop=0.0: mlp(6, (16, 12), 5, p_drop).to(dtype), labelled(6, dtype=dtype)
    if kind == "cnn":
        return lambda p_drop=0.0: cnn(2, 5, 4, p_drop).to(dtype), labelled(2, 8, 8, dtype=dtype)
    return lambda p_drop=0.0: char_transformer(11, 8, 16, 2, 2, p_drop).to(dtype), text()


def small_mlp(p_drop=0.0):
    return mlp(6, (16,), 5, p_drop).double()


def one_by_one(build, train, val, runs, optimizer=torch.optim.AdamW, **settings):
    """[(history, model)] of `fit`."""
    results = []
    for run in runs:
        make = run.get("optimizer", optimizer)
        extra = {k: run[k] for k in ("seed", "l1_strength", "label_smoothing") if k in run}
        of_build = {k: v for k, v in run.items() if k in build.__code__.co_varnames} if hasattr(build, "__code__") else {}
        hyper = {k: v for k, v in run.items() if k not in {*extra, *of_build, "optimizer", "train", "val"}}
        torch.manual_seed(run.get("seed", 0))
        model = build(**of_build)
        history = fit(model, run.get("train", train), run.get("val", val), make(model.parameters(), **hyper), **settings, **extra)
        results.append((history, model))
    return results


def check_equal(build, data, runs, tolerance=1e-10, max_runs_at_once=None, **settings):
    """`train_runs` and `fit` agree in histories, reasons to end and weights. Returns the table."""
    settings = {"epochs": 3, "batch_size": 8} | settings
    with torch.random.fork_rng():
        table, models = train_runs(build, data, data, runs, max_runs_at_once=max_runs_at_once, **settings)
        alone = one_by_one(build, data, data, runs, **settings)
    for k, (history, model) in enumerate(alone):
        mine = table[table["run"] == k].reset_index(drop=True)
        assert set(mine["stopped"]) == {history.attrs["stopped"]}
        for column in history:
            np.testing.assert_allclose(mine[column], history[column], atol=tolerance, rtol=tolerance, err_msg=f"{k} {column}")
        for (name, a), b in zip(model.state_dict().items(), models[k].state_dict().values(), strict=True):
            torch.testing.assert_close(a, b, atol=tolerance, rtol=tolerance, msg=f"{k} {name}: {(a - b).abs().max()}")
    return table


def different_runs(hyper, kind):
    return [
        hyper | {"seed": 1, "p_drop": 0.5},
        hyper | {"seed": 2, "p_drop": 0.2, "weight_decay": 0.1},
        hyper | {"seed": 1, "p_drop": 0.0, "label_smoothing": 0.1, "weight_decay": 0.1},
        hyper | {"seed": 3, "p_drop": 0.3, "l1_strength": 1e-3, "lr": hyper["lr"] / 2},
        hyper | {"seed": 4, "p_drop": 0.3, "l1_strength": 1e-2, "label_smoothing": 0.2},
        hyper | {"seed": 2, "p_drop": 1.0 if kind == "mlp" else 0.1},
    ]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", ["mlp", "cnn", "transformer"])
def test_equals_fit_in_float64(kind, optimizer, stacks):
    make, hyper = OPTIMIZERS[optimizer]
    check_equal(*work(kind, torch.float64), different_runs(hyper, kind), epochs=2, optimizer=make, max_runs_at_once=3)
    assert sorted(stacks) == ([] if kind == "cnn" else [2, 2, 2])


@pytest.mark.parametrize("norm", ["LayerNorm", "RMSNorm"])
@pytest.mark.parametrize("sites", [(), ("attention",), ("hidden",), SITES])
def test_equals_fit_for_each_dropout_site_and_norm_of_the_transformer(sites, norm, stacks):
    def build(p_drop):
        return char_transformer(11, 8, 16, 2, 2, p_drop, sites, norm).double()

    runs = [{"seed": k % 2, "p_drop": 0.2 * k, "lr": 0.01} for k in range(3)]
    check_equal(build, text(), runs, epochs=2)
    assert stacks == [3]


@pytest.mark.parametrize("kind", ["mlp", "cnn", "transformer"])
def test_equals_fit_in_float32_over_the_first_100_steps(kind):
    make, hyper = OPTIMIZERS["adamw"]
    check_equal(*work(kind, torch.float32), different_runs(hyper, kind), tolerance=2e-3, epochs=9, optimizer=make)


@pytest.mark.parametrize(
    ("optimizer", "hyper"),
    [
        ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}), ("Adam", {"amsgrad": True}), ("AdamW", {"betas": (0.5, 0.9)}),
        ("NAdam", {}), ("RAdam", {}), ("Adamax", {}), ("Adagrad", {"initial_accumulator_value": 0.1}), ("Adadelta", {}),
        ("RMSprop", {"centered": True}), ("Rprop", {"lr": 1e-3}), ("ASGD", {"lr": 0.05}),
    ],
)  # fmt: skip
def test_equals_fit_for_each_optimizer_that_treats_every_weight_by_itself(optimizer, hyper, stacks):
    runs = [hyper | {"seed": s, "p_drop": 0.3} for s in range(2)] + [hyper | {"seed": 2, "lr": 0.02}]
    check_equal(small_mlp, labelled(6), runs, optimizer=getattr(torch.optim, optimizer))
    assert stacks == [3]


def test_settings_that_print_alike_are_not_the_same():
    runs = [{"lr": torch.tensor(lr, dtype=torch.float64), "seed": 0} for lr in (0.01231, 0.01226)]
    table = check_equal(small_mlp, labelled(6), runs, optimizer=torch.optim.SGD)
    assert table["loss"].nunique() == 6


def test_equals_fit_with_early_stopping_and_sparse_evaluation(stacks):
    runs = different_runs({"lr": 0.02}, "mlp")
    table = check_equal(small_mlp, labelled(6), runs, epochs=30, patience=2)
    assert table.groupby("run").size().nunique() > 1  # some ended while others went on
    for settings in ({"patience": 3, "evaluate_every": 2}, {"patience": 1, "evaluate_every": 4}):
        check_equal(small_mlp, labelled(6), runs, epochs=21, **settings)
    check_equal(*work("cnn", torch.float64), runs[:2], epochs=6, patience=3, evaluate_every=2)
    assert len(stacks) == 6


class BatchNorm(nn.Module):
    def __init__(self, p_drop=0.0):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), Dropout(p_drop), nn.Linear(12, 5)).double()

    def forward(self, x):
        return self.net(x)


def test_a_run_that_has_ended_keeps_weights_and_buffers_while_others_go_on(stacks):
    runs = [{"seed": s, "lr": lr} for s, lr in ((0, 2.0), (1, 0.1), (2, 1e-3))]

    def build():
        return BatchNorm()

    table = check_equal(build, labelled(6), runs, epochs=12, patience=1, optimizer=torch.optim.SGD)
    assert table.groupby("run").size().nunique() > 1
    assert stacks == [3]


def test_equals_fit_for_regression_and_own_data_per_run(stacks):
    x, _ = labelled(6)
    data = [(x, torch.sin(k + x[:, :1])) for k in range(3)]
    runs = [{"lr": 0.01, "seed": 4, "train": pair} for pair in data]

    def build():
        return mlp(6, (8,), 1).double()

    check_equal(build, data[0], runs)
    assert stacks == [3]


class CustomNorm(nn.Module):
    """A layer of a lesson's own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(12))

    def forward(self, x):
        return x / x.norm(dim=1, keepdim=True) * self.scale


class UsesALayerTwice(nn.Module):
    def __init__(self, p_drop=0.0):
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.inside = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), Dropout(p_drop), nn.ReLU(), Dropout(p_drop))
        self.read_out = nn.Sequential(nn.Linear(6, 40, bias=False), nn.ReLU(), nn.Linear(40, 5))
        self.read_out[0].weight.requires_grad = False

    def forward(self, x):
        return self.read_out(self.inside(self.inside(self.first(x))))


class CallsLayersByIndex(nn.Module):
    def __init__(self, p_drop=0.0):
        super().__init__()
        self.net = small_mlp(p_drop)

    def forward(self, x):
        for index in range(5):
            x = self.net[index](x)
        return x


class LooksInside(CallsLayersByIndex):
    def forward(self, x):
        return super().forward(x) + self.net[1](self.net[0](x)).sum(1, keepdim=True)  # of what comes before the ReLU


class LeavesALayerOut(CallsLayersByIndex):
    def forward(self, x):
        return self.net[4](self.net[1](x).repeat(1, 3)[:, :16])


class Stem(nn.Module):
    """A parameter-free layer between, a list of layers, a place without a layer."""

    def __init__(self, p_drop=0.0):
        super().__init__()
        self.layers, self.nothing = nn.ModuleList([nn.Linear(6, 6), nn.Linear(6, 5)]), None
        self.register_module("empty", None)

    def forward(self, x):
        return self.layers[1](functional.gelu(self.layers[0](x)))


class Positions(nn.Module):
    """Convolutions in one dimension, an embedding, and a norm without scale."""

    def __init__(self, p_drop=0.0):
        super().__init__()
        self.table, self.norm = nn.Embedding(11, 8), nn.LayerNorm(8, elementwise_affine=False)
        self.read_out = nn.Sequential(Dropout(p_drop), nn.Linear(8, 11))

    def forward(self, codes):
        return self.read_out(self.norm(self.table(codes)))


def of(layer):
    """A model around a layer of twelve numbers."""

    def build(p_drop=0.0):
        return nn.Sequential(nn.Linear(6, 12), layer(), nn.ReLU(), Dropout(p_drop), nn.Linear(12, 5)).double()

    return build


def doubled(model_class):
    def build(p_drop=0.0):
        return model_class(p_drop).double()

    return build


@pytest.mark.parametrize("l1_strength", [0.0, 0.01])
@pytest.mark.parametrize(
    "build",
    [of(CustomNorm), of(lambda: nn.BatchNorm1d(12)), of(lambda: nn.LayerNorm(12)), of(lambda: nn.PReLU(12)),
     doubled(UsesALayerTwice), doubled(CallsLayersByIndex), doubled(LooksInside), doubled(LeavesALayerOut),
     doubled(Stem), doubled(Positions)],
)  # fmt: skip
def test_models_nobody_foresaw_are_stacked(build, l1_strength, stacks):
    runs = [{"seed": s, "lr": 0.01, "p_drop": 0.1 * s, "l1_strength": l1_strength} for s in range(3)]
    data = text() if "Positions" in repr(build()) else labelled(6)
    check_equal(build, data, runs, optimizer=torch.optim.SGD)  # (Adam makes steps of gradients that are 0 but for rounding)
    assert stacks == [3]


@pytest.mark.parametrize("runs", [[{"seed": 3, "p_drop": 0.5}], [{"seed": s, "p_drop": 0.2} for s in (1, 2)]])
def test_runs_that_are_not_stacked_equal_fit_and_say_so_when_they_diverge(runs, stacks):
    check_equal(small_mlp, labelled(6), runs, max_runs_at_once=1, patience=1)
    diverging = [run | {"lr": 1e300, "optimizer": torch.optim.SGD} for run in runs]
    table, _ = train_runs(small_mlp, labelled(6), labelled(6), diverging, epochs=3, max_runs_at_once=1)
    assert table["stopped"].str.contains("loss became").all()
    assert stacks == []


def test_a_run_that_diverges_ends_alone(stacks):
    runs = [{"lr": lr, "seed": 0, "optimizer": torch.optim.SGD} for lr in (0.1, 1e300, 0.1)]
    table, models = train_runs(small_mlp, labelled(6), labelled(6), runs, epochs=4, progress=False)
    assert stacks == [3]
    assert table.groupby("run").size().tolist() == [4, 1, 4]
    assert "loss became" in table[table["run"] == 1]["stopped"].iloc[0]
    assert table[table["run"] == 0]["loss"].tolist() == table[table["run"] == 2]["loss"].tolist()
    assert all(torch.isfinite(p).all() for p in models[0].parameters())


def test_runs_of_different_shape_and_optimizer_train_in_one_call():
    runs = [
        {"n_hidden": (8,)},
        {"n_hidden": (4, 4)},
        {"n_hidden": (8,), "optimizer": torch.optim.SGD, "lr": 0.1, "momentum": 0.9},
    ]
    table, models = train_runs(lambda n_hidden: mlp(6, n_hidden, 5).double(), labelled(6), labelled(6), runs, epochs=2)
    assert [len(list(m.parameters())) for m in models] == [4, 6, 4]
    assert table["run"].tolist() == [0, 0, 1, 1, 2, 2]
    assert table["optimizer"].iloc[-1] == "SGD"


def test_the_global_generator_and_the_threads_stay_as_they_were():
    torch.manual_seed(1)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    train_runs(small_mlp, labelled(6), labelled(6), [{"seed": 5, "p_drop": 0.5}] * 2, epochs=1)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)


def test_models_are_ordinary_and_independent(tmp_path):
    runs = [{"seed": 5}] * 3
    _, (first, second, third) = train_runs(small_mlp, labelled(6), labelled(6), runs, epochs=1)
    before = first[1].weight.clone()
    with torch.no_grad():
        second[1].weight.zero_()
    assert torch.equal(first[1].weight, before) and first[1].weight.is_contiguous()
    assert third.training and third[3].generator is None
    torch.save(first.state_dict(), tmp_path / "weights.pt")
    assert (tmp_path / "weights.pt").stat().st_size < 20_000


def test_smoothing_and_penalty_are_of_their_run_only(stacks):
    runs = [{"seed": 0, "label_smoothing": s} for s in (0.0, 0.3)]
    table = check_equal(small_mlp, labelled(6), runs)
    assert stacks == [2]
    first = table[table["epoch"] == 0]["loss"].tolist()
    assert not math.isclose(*first)
