"""What cannot be stacked exactly is divided or fitted alone, never wrongly; what cannot be trained is refused at once."""

import inspect

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from course_utils import stacked
from course_utils.dropout import Dropout
from course_utils.models import mlp
from course_utils.stacked import train_runs
from tests.test_stacked import check_equal, labelled, one_by_one, small_mlp, text


class Activated(nn.Module):
    """Attributes of many kinds that change what forward does."""

    def __init__(self, act=torch.relu, layer=None, shift=None, sizes=(), p=1, make=None):
        super().__init__()
        self.first, self.read_out = nn.Linear(6, 12).double(), nn.Linear(12, 5).double()
        self.act, self.shift, self.sizes, self.p = act, shift, sizes, p
        self.layer = layer or nn.Identity()
        self.make = make and make()

    def forward(self, x):
        x = self.layer(self.act(self.first(x))) * self.p
        x = x if self.shift is None else x + self.shift
        x = x * (1 + sum(self.sizes))
        return self.read_out(x if self.make is None else self.make(x))


def scaled(factor):
    return lambda: lambda x: x * factor


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        ([{"act": f} for f in (torch.relu, torch.relu, torch.tanh)], [2]),
        ([{"act": f} for f in (torch.relu, torch.tanh, torch.relu, torch.tanh)], [2, 2]),
        ([{"p": p} for p in (1, 1, 2, 3)], [2]),
        ([{"shift": torch.full((12,), v, dtype=torch.float64)} for v in (0.1, 0.1, 0.2)], [2]),
        ([{"sizes": s} for s in ([0.1], [0.1], [0.1, 0.2])], [2]),
        ([{"make": scaled(f)} for f in (1.0, 2.0, 3.0)], []),  # lambdas of one line, with different values inside
        ([{"layer": layer} for layer in (nn.ReLU(), nn.Tanh(), nn.LeakyReLU(0.1), nn.LeakyReLU(0.3))], []),
    ],
    ids=["function", "functions", "number", "tensor", "list", "closure", "layer"],
)
def test_models_that_differ_are_stacked_with_their_like_only(settings, sizes, stacks):
    def build(**settings):
        return Activated(**settings)

    runs = [setting | {"seed": k % 2, "lr": 0.02} for k, setting in enumerate(settings)]
    table, _ = train_runs(build, labelled(6), labelled(6), runs, epochs=3, batch_size=8)
    for k, setting in enumerate(settings):
        torch.manual_seed(k % 2)
        model = build(**setting)
        history = stacked.stack.fit(model, labelled(6), labelled(6), torch.optim.AdamW(model.parameters(), lr=0.02), epochs=3,
                                    batch_size=8, seed=k % 2)  # fmt: skip
        assert table[table["run"] == k]["loss"].tolist() == pytest.approx(history["loss"].tolist(), rel=1e-10)
    assert stacks == sizes


def embedding(**settings):
    class Reader(nn.Module):
        def __init__(self, p_drop=0.0):
            super().__init__()
            self.table, self.read_out = nn.Embedding(11, 8, **settings), nn.Linear(8, 11)

        def forward(self, codes):
            return self.read_out(self.table(codes))

    return lambda: Reader().double()


@pytest.mark.parametrize(
    "settings", [{"padding_idx": 3}, {"max_norm": 0.5}, {"scale_grad_by_freq": True}, {"padding_idx": 0, "max_norm": 1.0}]
)
def test_embeddings_of_all_kinds_equal_fit(settings):
    table, models = check_equal_models(embedding(**settings), text(), [{"seed": s, "weight_decay": 0.0} for s in range(3)])
    if "padding_idx" in settings:
        untouched = [model.table.weight[settings["padding_idx"]].norm().item() for model in models]
        assert untouched == [0.0] * 3 or "max_norm" in settings


def check_equal_models(build, data, runs, **settings):
    return check_equal(build, data, runs, **settings), train_runs(build, data, data, runs, epochs=1, **settings)[1]


class ByTheNorm(torch.optim.SGD):
    """An optimizer of a lesson's own: what it does to a weight depends on all weights of its tensor."""

    def step(self, closure=None):
        for p in self.param_groups[0]["params"]:
            p.data -= self.param_groups[0]["lr"] * p.grad / p.grad.norm()


class Clipped(torch.optim.AdamW):
    """A subclass of an optimizer that would do."""

    def step(self, closure=None):
        nn.utils.clip_grad_norm_(self.param_groups[0]["params"], 0.1)
        return super().step(closure)


@pytest.mark.parametrize("optimizer", [ByTheNorm, Clipped, torch.optim.Adafactor])
def test_an_optimizer_that_looks_at_more_than_one_weight_trains_alone(optimizer, stacks):
    check_equal(small_mlp, labelled(6), [{"seed": s, "lr": 0.02} for s in range(2)], optimizer=optimizer)
    assert stacks == []


class MixesExamples(nn.Module):
    def forward(self, x):
        return x - x.mean(0)


class OwnParameter(nn.Module):
    """A parameter beside layers."""

    def __init__(self):
        super().__init__()
        self.layer, self.shift = nn.Linear(6, 5), nn.Parameter(torch.zeros(5))

    def forward(self, x):
        return self.layer(x) + self.shift


class Listed(nn.Module):
    """Layers that a plain list holds too: a copy of the module would still call these."""

    def __init__(self):
        super().__init__()
        self.first, self.read_out = nn.Linear(6, 8), nn.Linear(8, 5)
        self.order = [self.first, self.read_out]

    def forward(self, x):
        for layer in self.order:
            x = layer(x)
        return x


class UsesTheWeight(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 5)

    def forward(self, x):
        return functional.linear(x, self.first.weight * 2, self.first.bias)


class Noisy(nn.Module):
    """Draws from the global generator."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 5))

    def forward(self, x):
        return self.net(x + 0.1 * torch.randn_like(x) if self.training else x)


class Counts(nn.Module):
    """Does something else in its tenth step."""

    def __init__(self):
        super().__init__()
        self.net, self.steps = nn.Linear(6, 5), 0

    def forward(self, x):
        self.steps += self.training
        return self.net(x) * (2 if self.steps > 9 else 1)


class HalfFrozen(nn.Module):
    """A layer of dropout that stays in eval mode."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 8), Dropout(0.5), nn.Linear(8, 5))

    def train(self, mode=True):
        super().train(mode)
        self.net[1].eval()
        return self

    def forward(self, x):
        return self.net(x)


def tied():
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    model[1].weight = model[0].weight
    return model


def one_layer_at_two_places():
    layer = nn.Linear(6, 6)
    return nn.Sequential(layer, nn.ReLU(), layer)


def hooked():
    model = small_mlp()
    model[1].register_forward_hook(lambda module, inputs, output: output * 0.5)
    model[4].weight.register_hook(lambda gradient: gradient * 2)
    return model


STRANGE = [
    lambda: nn.Sequential(nn.Linear(6, 5), MixesExamples()), OwnParameter, Listed, UsesTheWeight, Noisy, Counts, HalfFrozen, tied,
    one_layer_at_two_places, hooked, lambda: parametrizations.weight_norm(nn.Linear(6, 5)),
    lambda: nn.Sequential(nn.Linear(6, 5), nn.Softmax(0)),
    lambda: nn.Sequential(nn.Linear(6, 8), nn.AlphaDropout(), nn.Linear(8, 5)),
]  # fmt: skip


@pytest.mark.parametrize("build", STRANGE, ids=range(len(STRANGE)))
def test_what_cannot_be_stacked_is_fitted_alone(build, stacks):
    def in_float64():
        return build().double()

    check_equal(in_float64, labelled(6), [{"seed": s, "lr": 0.02} for s in (0, 1, 1)], optimizer=torch.optim.SGD)
    assert stacks == []


def test_a_model_that_must_stay_in_this_process_is_not_sent_away():
    seen = []

    def build():
        model = mlp(6, (8,), 5)
        model.register_forward_hook(lambda *_: seen.append(1))
        return model

    data = tuple(t.float() if t.is_floating_point() else t for t in labelled(6))
    train_runs(build, data, data, [{"seed": s} for s in range(2)], epochs=2, batch_size=48)
    assert len(seen) > 2 * 2 * 2


CHECKED = [
    ([], {}, ValueError, "empty"),
    ([3], {}, TypeError, "run 0"),
    ([{}, {"weight_decai": 0.1}], {}, ValueError, "run 1.*weight_decai"),
    ([{"momentum": 0.9}], {}, ValueError, "momentum"),
    ([{"lr": -1.0}], {}, ValueError, "learning rate"),
    ([{"foreach": True, "fused": True}], {}, ValueError, "fused"),
    ([{"p_drop": 1.5}], {}, ValueError, "probability"),
    ([{"label_smoothing": 1.5}], {}, ValueError, "label_smoothing"),
    ([{"l1_strength": float("nan")}], {}, ValueError, "l1_strength"),
    ([{"l1_strength": -1.0}], {}, ValueError, "l1_strength"),
    ([{"seed": "a"}], {}, ValueError, "seed"),
    ([{"run": 3}], {}, ValueError, "column 'run'"),
    ([{"epoch": 3}], {}, ValueError, "column 'epoch'"),
    ([{}], {"epochs": 0}, ValueError, "epochs"),
    ([{}], {"epochs": True}, ValueError, "epochs"),
    ([{}], {"patience": 2.5}, ValueError, "patience"),
    ([{}], {"patience": "3"}, ValueError, "patience"),
    ([{}], {"evaluate_every": 0}, ValueError, "evaluate_every"),
    ([{}], {"max_runs_at_once": -1}, ValueError, "max_runs_at_once"),
    ([{"train": (torch.zeros(5, 6), torch.zeros(4))}], {}, ValueError, "5 examples and 4"),
    ([{"train": (torch.zeros(5, 6), torch.zeros(5)), "label_smoothing": 0.1}], {}, ValueError, "label_smoothing"),
]


@pytest.mark.parametrize(("runs", "settings", "error", "message"), CHECKED)
def test_bad_input_is_refused_before_training(runs, settings, error, message, monkeypatch):
    for module, function in ((stacked, "train_share"), (stacked, "train_in_workers"), (stacked, "divide")):
        monkeypatch.setattr(module, function, None)
    with pytest.raises(error, match=message):
        train_runs(small_mlp, labelled(6), labelled(6), runs, **{"epochs": 1} | settings)


def test_an_optimizer_may_be_told_how_to_compute():
    check_equal(small_mlp, labelled(6), [{"foreach": True, "seed": s} for s in range(2)])


def test_lbfgs_fails_as_it_does_in_fit():
    runs = [{"seed": 0}]
    with pytest.raises(TypeError) as alone:
        one_by_one(small_mlp, labelled(6), labelled(6), runs, torch.optim.LBFGS, epochs=1)
    with pytest.raises(TypeError) as together:
        train_runs(small_mlp, labelled(6), labelled(6), runs, epochs=1, optimizer=torch.optim.LBFGS)
    assert str(alone.value) == str(together.value)


def test_help_names_every_argument():
    for name in inspect.signature(train_runs).parameters:
        assert f"        {name}: " in train_runs.__doc__
