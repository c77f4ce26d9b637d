"""Typical wrong answers of lesson 01: (answer, part of the diagnosis it must get)."""

import math

import numpy as np


def variance_of(a):
    return a * (1 - a)


def stop(val_losses, patience, *, slack=0, better=lambda loss, best: loss < best, restore=True, restart=True):
    best, best_epoch, waited, epoch = math.inf, -1, 0, -1
    for epoch, loss in enumerate(val_losses):
        if better(loss, best):
            best, best_epoch, waited = loss, epoch, 0 if restart else waited
        else:
            waited += 1
        if waited >= patience + slack:
            break
    return epoch + 1, best_epoch if restore else epoch


def stop_counting_from_nan(val_losses, patience):
    best, best_epoch, waited = val_losses[0], 0, 0
    for epoch, loss in enumerate(val_losses[1:], 1):
        best, best_epoch, waited = (loss, epoch, 0) if loss < best else (best, best_epoch, waited + 1)
        if waited >= patience:
            break
    return epoch + 1, best_epoch


WRONG = {
    "check_1_1": [
        (lambda a, b: 4 * variance_of(a) / (a - b) ** 2, "one model only"),
        (lambda a, b: 4 * (variance_of(a) ** 0.5 + variance_of(b) ** 0.5) ** 2 / (a - b) ** 2, "standard errors do not add up"),
        (lambda a, b: 2 * (variance_of(a) + variance_of(b)) / (a - b) ** 2, "factor 2 must be squared"),
        (lambda a, b: (variance_of(a) + variance_of(b)) / (a - b) ** 2, "one standard error"),
        (lambda a, b: 4 * (variance_of(a) + variance_of(b)) / abs(a - b), "difference must be squared"),
        (lambda a, b: 10_000, "gave 1e+04"),
        (100, "could not be used"),
    ],
    "check_1_2": [
        (lambda p, t: ((p.mean(0) - t).mean() ** 2, p.var(0).mean()), "squared at every point"),
        (lambda p, t: (((p - t) ** 2).mean(), p.var(0).mean()), "whole mean squared error"),
        (lambda p, t: (((p.mean(0) - t) ** 2).mean(), p.var(0, ddof=1).mean()), "n - 1"),
        (lambda p, t: (((p.mean(0) - t) ** 2).mean(), p.var(1).mean()), "along axis 0"),
        (lambda p, t: (((p.mean(0) - t) ** 2).mean(), p.var()), "mixes data sets and points"),
        (lambda p, t: (p.var(0).mean(), ((p.mean(0) - t) ** 2).mean()), "swapped"),
        (lambda p, t: ((p.mean(0) - t) ** 2, p.var(0)), "return two numbers"),
        (lambda p, t: (abs(p.mean(0) - t).mean(), p.var(0).mean()), "absolute bias"),
    ],
    "check_1_3": [
        (lambda val, test: test.max(), "chooses on the test set"),
        (lambda val, test: val.max(), "validation accuracy you selected by"),
        (lambda val, test: test.mean(), "not the accuracy of your best model"),
        (lambda val, test: test[np.argmin(val - test)], "gap does not choose"),
        (lambda val, test: test[np.argmin(abs(val - test))], "gap does not choose"),
    ],
    "check_1_4": [
        (lambda v, p: stop(v, p, slack=1), "one epoch too long"),
        (lambda v, p: stop(v, p, slack=-1), "one epoch too few"),
        (lambda v, p: stop(v, p, better=lambda loss, best: loss <= best), "a tie is no progress"),
        (lambda v, p: (stop(v, p)[0], stop(v, p)[1] + 1), "count the best epoch from 0"),
        (lambda v, p: stop(v, p, restore=False), "not the last one"),
        (lambda v, p: stop(v, p, restart=False), "start again after each improvement"),
        (stop_counting_from_nan, "not a number"),
        (lambda v, p: (len(v), int(np.nanargmin(v))), "never stops"),
    ],
    "check_1_5": [
        (lambda noise, prior, n: noise**2 / (n * prior**2), "MSELoss has none"),
        (lambda noise, prior, n: 2 * noise**2 / prior**2, "a mean loss divides by N"),
        (lambda noise, prior, n: 2 * noise / (n * prior), "both are squared"),
        (lambda noise, prior, n: 2 * prior**2 / (n * noise**2), "upside down"),
        (lambda noise, prior, n: 2 * n * noise**2 / prior**2, "wrong place"),
        (lambda noise, prior, n: noise**2 / (2 * n * prior**2), "other way"),
    ],
}
