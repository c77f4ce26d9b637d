"""Typical wrong answers of lesson 05: (answer, part of the diagnosis it must get)."""

import copy

import torch
from torch import nn


def asking(
    switch, answer=lambda network, x: torch.softmax(network(x), -1), end=lambda network: network.eval(), gather=torch.stack
):
    def ask(network, x, n):
        switch(network.eval())
        answers = gather([answer(network, x) for _ in range(n)])
        end(network)
        return answers

    return ask


def dropout_on(network):
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.train()


def children_on(network):
    for module in network.children():
        if isinstance(module, nn.Dropout):
            module.train()


def two_levels_on(network):
    children_on(network)
    for block in network.children():
        children_on(block)


def exact_type_on(network):
    for module in network.modules():
        if type(module) is nn.Dropout:
            module.train()


def all_but_batchnorm_on(network):
    network.train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.eval()


def dropout_on_seeded(network):
    dropout_on(network)
    torch.manual_seed(0)


def ask_a_copy(network, x, n):
    return asking(lambda network: network.train())(copy.deepcopy(network), x, n)


def repeated_rows(network, x, n):
    dropout_on(network.eval())
    return torch.softmax(network(x.repeat(n, 1)), -1).reshape(n, len(x), -1)


def wakes_dropout_only(network, x, n):
    dropout_on(network)
    answers = torch.stack([torch.softmax(network(x), -1) for _ in range(n)])
    network.eval()
    return answers


def entropy(p):
    return torch.special.entr(p).sum(-1)


def naive(p):
    return -(p * p.log()).sum(-1)


WRONG = {
    "check_5_1": [
        (asking(lambda network: network.train()), "more than dropout was awake"),
        (wakes_dropout_only, "more than dropout was awake"),
        (asking(lambda network: None), "dropout is off"),
        (asking(exact_type_on), "dropout is off"),
        (asking(children_on), "a Dropout module was asleep"),
        (asking(two_levels_on), "a Dropout module was asleep"),
        (asking(all_but_batchnorm_on), "something else than Dropout"),
        (asking(dropout_on_seeded), "set no seed"),
        (repeated_rows, "raises RuntimeError"),
        (asking(dropout_on, answer=lambda network, x: torch.softmax(torch.softmax(network(x), -1), -1)), "no mask gives these"),
        (asking(dropout_on, gather=lambda answers: torch.stack(answers).mean(0)), "return the average"),
        (asking(dropout_on, gather=torch.cat), "shape (n, letters, classes)"),
        (asking(dropout_on, gather=lambda answers: torch.stack(answers, 1)), "shape (n, letters, classes)"),
        (asking(dropout_on, answer=lambda network, x: network(x)), "no probabilities"),
        (asking(dropout_on, answer=lambda network, x: torch.softmax(network(x), 0)), "no probabilities"),
        (asking(dropout_on, answer=lambda network, x: torch.log_softmax(network(x), -1)), "logarithms"),
        (asking(dropout_on, end=lambda network: None), "leave dropout on"),
        (ask_a_copy, "something else than Dropout"),
    ],
    "check_5_2": [
        (
            lambda answers: (entropy(answers).mean(0), entropy(answers.mean(0)) - entropy(answers).mean(0)),
            "average of the entropies",
        ),
        (lambda answers: (entropy(answers.mean(0)), entropy(answers).mean(0)), "exceeds that by"),
        (lambda answers: (entropy(answers.mean(0)), entropy(answers).mean(0) - entropy(answers.mean(0))), "wrong sign"),
        (lambda answers: (naive(answers.mean(0)), naive(answers.mean(0)) - naive(answers).mean(0)), "0 · log 0"),
        (lambda answers: entropy(answers.mean(0)), "numbers"),
    ],
    "check_5_3": [
        (lambda u, is_right, c: is_right[u.argsort(descending=True)[: int(c * len(u))]].float().mean(), "least sure"),
        (lambda u, is_right, c: is_right[u.argsort()[: int(c * len(u))]].sum() / len(u), "neither right nor wrong"),
        (lambda u, is_right, c: is_right[u < c].double().mean(), "not a threshold"),
        (lambda u, is_right, c: is_right[u <= c * u.max()].double().mean(), "not a threshold"),
        (lambda u, is_right, c: is_right[u < c * u.max()].double().mean(), "not a threshold"),
        (lambda u, is_right, c: is_right[u <= u.min() + c * (u.max() - u.min())].double().mean(), "not a threshold"),
        (lambda u, is_right, c: is_right[u.argsort()[: round(c * len(u)) + 1]].double().mean(), "one letter too many"),
        (lambda u, is_right, c: 1 - is_right[u <= u.quantile(c)].float().mean(), "share of wrong"),
    ],
}
