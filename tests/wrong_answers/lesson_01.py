"""Typical wrong answers of lesson 01: (answer, part of the diagnosis it must get)."""

import math

import numpy as np


def variance_of(a):
    return a * (1 - a)


def stop(val_losses, patience, min_delta, *, slack=0, better=lambda loss, best: loss < best, restore=True, restart=True):
    best, best_epoch, waited, epoch = math.inf, -1, 0, -1
    for epoch, loss in enumerate(val_losses):
        if better(loss, best - min_delta):
            best, best_epoch, waited = loss, epoch, 0 if restart else waited
        else:
            waited += 1
        if waited >= patience + slack:
            break
    return epoch + 1, best_epoch if restore else epoch


def stop_counting_from_nan(val_losses, patience, min_delta):
    best, best_epoch, waited = val_losses[0], 0, 0
    for epoch, loss in enumerate(val_losses[1:], 1):
        best, best_epoch, waited = (loss, epoch, 0) if loss < best - min_delta else (best, best_epoch, waited + 1)
        if waited >= patience:
            break
    return epoch + 1, best_epoch


def stop_at_nan(val_losses, patience, min_delta):
    n_finite = next((i for i, loss in enumerate(val_losses) if math.isnan(loss)), len(val_losses))
    return stop(val_losses[:n_finite], patience, min_delta)


def stop_by_the_epoch_before(val_losses, patience, min_delta):
    best_epoch, waited = 0, 0
    for epoch in range(1, len(val_losses)):
        if val_losses[epoch] < val_losses[epoch - 1] - min_delta:
            best_epoch, waited = epoch, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return epoch + 1, best_epoch


def stop_by_the_lowest(val_losses, patience, min_delta):
    lowest, best_epoch = math.inf, -1
    for epoch, loss in enumerate(val_losses):
        if loss < lowest - min_delta:
            best_epoch = epoch
        lowest = loss if loss < lowest else lowest
        if epoch - best_epoch >= patience:
            break
    return epoch + 1, best_epoch


def stop_and_keep_the_lowest(val_losses, patience, min_delta):
    n_epochs, _ = stop(val_losses, patience, min_delta)
    return n_epochs, int(np.nanargmin(val_losses[:n_epochs]))


WRONG = {
    "check_1_1": [
        (lambda a, b: 4 * variance_of(a) / (a - b) ** 2, "one model only"),
        (lambda a, b: 4 * (variance_of(a) ** 0.5 + variance_of(b) ** 0.5) ** 2 / (a - b) ** 2, "standard errors do not add up"),
        (lambda a, b: 2 * (variance_of(a) + variance_of(b)) / (a - b) ** 2, "factor 2 must be squared"),
        (lambda a, b: (variance_of(a) + variance_of(b)) / (a - b) ** 2, "one standard error"),
        (lambda a, b: 4 * (variance_of(a) + variance_of(b)) / abs(a - b), "difference must be squared"),
        (lambda a, b: 2 * math.sqrt(variance_of(a) + variance_of(b)) / abs(a - b), "square root of n"),
        (lambda a, b: 4 * (variance_of(a) - variance_of(b)) / (a - b) ** 2, "variances add up also"),
        (lambda a, b: 8 * variance_of((a + b) / 2) / (a - b) ** 2, "pools the two accuracies"),
        (lambda a, b: 1.96**2 * (variance_of(a) + variance_of(b)) / (a - b) ** 2, "1.96"),
        (lambda a, b: 4 * (variance_of(a) + variance_of(b)) / (a - b) ** 2 * (1 + (a < b)), "order of the models"),
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
        (lambda p, t: (((p.mean() - t) ** 2).mean(), p.var(0).mean()), "not over everything"),
        (lambda p, t: (((p.mean(0) - t) ** 2).sum(), p.var(0).sum()), "do not add them up"),
        (lambda p, t: (((p.mean(0) - t) ** 2).mean(), p.std(0).mean()), "standard deviation"),
        (lambda p, t: (((p.mean(0) - t) ** 2).mean(), ((p - t) ** 2).mean()), "about the mean prediction"),
    ],
    "check_1_3": [
        (lambda val, test: test.max(), "chooses on the test set"),
        (lambda val, test: val.max(), "validation accuracy you selected by"),
        (lambda val, test: test.mean(), "not the accuracy of your best model"),
        (lambda val, test: test[np.argmax(val + test)], "alone or with validation"),
        (lambda val, test: val[np.argmax(test)], "chooses on the test set"),
        (lambda val, test: int(np.argmax(val)), "number of the candidate"),
        (lambda val, test: (val.max(), test[np.argmax(val)]), "return one number"),
        (lambda val, test: test[np.argmin(val - test)], "gap does not choose"),
        (lambda val, test: test[np.argmin(abs(val - test))], "gap does not choose"),
    ],
    "check_1_4": [
        (lambda v, p, d: stop(v, p, d, slack=1), "one epoch too long"),
        (lambda v, p, d: stop(v, p, d, slack=-1), "one epoch too few"),
        (lambda v, p, d: stop(v, p, d, better=lambda loss, best: loss <= best), "a tie is no progress"),
        (lambda v, p, d: (stop(v, p, d)[0], stop(v, p, d)[1] + 1), "count the best epoch from 0"),
        (lambda v, p, d: stop(v, p, d, restore=False), "not the last one"),
        (lambda v, p, d: stop(v, p, d, restart=False), "start again after each improvement"),
        (stop_counting_from_nan, "not a number"),
        (stop_at_nan, "must not end the run"),
        (stop_by_the_epoch_before, "not with the epoch before"),
        (stop_by_the_lowest, "small steps add up"),
        (stop_and_keep_the_lowest, "last progress"),
        (lambda v, p, d: stop(v, p, 0), "min_delta is not used"),
        (lambda v, p, d: stop(v, p, d)[::-1], "number of epochs run first"),
        (lambda v, p, d: (stop(v, p, d)[0], v[stop(v, p, d)[1]]), "not its loss"),
        (lambda v, p, d: (len(v), int(np.nanargmin(v))), "never stops"),
    ],
    "check_1_5": [
        (lambda noise, prior, n: noise**2 / (n * prior**2), "MSELoss has none"),
        (lambda noise, prior, n: 2 * noise**2 / prior**2, "a mean loss divides by N"),
        (lambda noise, prior, n: 2 * noise / (n * prior), "both are squared"),
        (lambda noise, prior, n: 2 * prior**2 / (n * noise**2), "upside down"),
        (lambda noise, prior, n: 2 * n * noise**2 / prior**2, "wrong place"),
        (lambda noise, prior, n: noise**2 / (2 * n * prior**2), "other way"),
        (lambda noise, prior, n: n * noise**2 / prior**2, "missing ½ is not there"),
        (lambda noise, prior, n: 2 * noise**2 / (n * prior), "square it as well"),
        (lambda noise, prior, n: 2 * noise**2 / n * prior**2, "parentheses"),
        (lambda noise, prior, n: noise**2 / (n**2 * prior**2), "N enters once"),
    ],
}
