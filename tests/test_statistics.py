"""Each interval covers the truth in 93 to 99 % of simulated experiments, and the tempting wrong ones do not."""

import math

import numpy as np
import pytest
from scipy import stats

from course_utils.statistics import accuracy_interval, crossed_interval, mean_and_interval

LOW, HIGH = 0.93, 0.99
N_EXPERIMENTS = 3000


def covers(intervals, truth=0.0):
    """Fraction of intervals, (mean, half, n) each, that contain the truth."""
    return np.mean([abs(mean - truth) <= half for mean, half, _ in intervals])


@pytest.mark.parametrize("n", [3, 5, 8, 30])
def test_independent_runs(n):
    values = np.random.default_rng(n).normal(size=(N_EXPERIMENTS, n))
    assert LOW < covers(map(mean_and_interval, values)) < HIGH


def test_skewed_runs():
    """Errors of eight runs with a long tail: gamma of shape 4."""
    values = np.random.default_rng(0).gamma(4.0, size=(N_EXPERIMENTS, 8))
    assert LOW < covers(map(mean_and_interval, values), truth=4.0) < HIGH


def test_a_normal_interval_over_five_runs_is_too_narrow():
    values = np.random.default_rng(0).normal(size=(N_EXPERIMENTS, 5))
    normal = 1.96 * values.std(1, ddof=1) / math.sqrt(5)
    assert np.mean(abs(values.mean(1)) <= normal) < LOW


def test_paired_runs_are_scipys_paired_interval():
    a, b = np.random.default_rng(0).normal(size=(2, 8))
    mean, half, n = mean_and_interval(a - b)
    interval = stats.ttest_rel(a, b).confidence_interval()
    assert (mean - half, mean + half, n) == pytest.approx((interval.low, interval.high, 8))


def resplit_errors(n_experiments, n=100, n_test=20, n_splits=10):
    """Squared test errors of the training mean in random resplits of one data set of normal numbers: (n_experiments,
    n_splits); their expectation over data sets is 1 + 1 / n_train."""
    draw = np.random.default_rng(0)
    data = np.repeat(draw.normal(size=(n_experiments, 1, n)), n_splits, axis=1)
    data = draw.permuted(data, axis=2)
    test, train = data[..., :n_test], data[..., n_test:]
    return np.square(test - train.mean(2, keepdims=True)).mean(2)


def test_overlapping_resplits_need_the_correction():
    errors, truth = resplit_errors(1500), 1 + 1 / 80
    assert covers(map(mean_and_interval, errors), truth) < 0.85
    assert LOW < covers((mean_and_interval(row, overlap=20 / 80) for row in errors), truth) < HIGH


def crossed(n_experiments, n_runs, n_examples, by_run, by_example, by_pair):
    """Experiments (n_experiments, n_runs, n_examples) with effects of these standard deviations, of mean 0."""
    draw = np.random.default_rng(0)
    shape = (n_experiments, n_runs, n_examples)
    runs, examples = draw.normal(size=(*shape[:2], 1)), draw.normal(size=(n_experiments, 1, n_examples))
    return by_run * runs + by_example * examples + by_pair * draw.normal(size=shape)


CROSSED = {
    "runs decide": (5, 100, 1.0, 0.1, 0.1), "examples decide": (5, 100, 0.0, 1.0, 0.1), "both": (8, 100, 0.1, 1.0, 1.0),
    "noise on top": (5, 100, 0.5, 1.0, 3.0), "three runs": (3, 100, 0.1, 1.0, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", CROSSED)
def test_runs_and_examples(name):
    assert LOW < covers(map(crossed_interval, crossed(1500, *CROSSED[name]))) < HIGH


def test_runs_and_examples_of_two_real_looking_classifiers():
    """Differences of 0/1 scores: two models of equal accuracy, items of unequal difficulty, five runs each on 200 images."""
    draw = np.random.default_rng(0)
    shape = (800, 5, 200)
    score = [0.8 + draw.normal(0, 0.6, (800, 1, 200)) + draw.normal(0, 0.15, (800, 5, 1)) > draw.logistic(0, 0.4, shape)
             for _ in range(2)]  # fmt: skip
    difference = score[0].astype(float) - score[1]
    assert LOW < covers(map(crossed_interval, difference)) < HIGH


def test_an_interval_over_runs_only_says_nothing_about_new_examples():
    experiments = crossed(500, *CROSSED["examples decide"])
    assert covers(mean_and_interval(values.mean(1)) for values in experiments) < 0.5


def test_the_bootstrap_over_few_runs_is_too_narrow():
    """Why `crossed_interval` is no bootstrap: five runs, resampled with their examples, cover 8 times in 10."""
    draw, hits = np.random.default_rng(0), []
    for values in crossed(300, *CROSSED["runs decide"]):
        runs, examples = (draw.multinomial(n, np.full(n, 1 / n), size=400) / n for n in values.shape)
        low, high = np.quantile(((runs @ values) * examples).sum(1), [0.025, 0.975])
        hits.append(low <= 0 <= high)
    assert np.mean(hits) < 0.9


@pytest.mark.parametrize(("accuracy", "n"), [(0.95, 400), (0.8, 100), (0.98, 1000)])
def test_accuracy_on_new_examples(accuracy, n):
    right = np.random.default_rng(0).binomial(n, accuracy, size=N_EXPERIMENTS)
    intervals = {count: accuracy_interval(count, n) for count in np.unique(right)}
    assert LOW < np.mean([intervals[count][0] <= accuracy <= intervals[count][1] for count in right]) < HIGH


def test_the_textbook_interval_of_a_high_accuracy_is_too_narrow():
    observed = np.random.default_rng(0).binomial(100, 0.98, size=N_EXPERIMENTS) / 100
    half = 1.96 * np.sqrt(observed * (1 - observed) / 100)
    assert np.mean(abs(observed - 0.98) <= half) < LOW


def test_an_accuracy_of_one_is_not_certain():
    low, high = accuracy_interval(50, 50)
    assert (low, high) == pytest.approx((0.9287, 1.0), abs=1e-4)


def test_one_number_has_no_bound():
    assert mean_and_interval([2.0]) == (2.0, math.inf, 1)


def test_equal_numbers_have_an_interval_of_zero():
    assert crossed_interval(np.ones((3, 4))) == (1.0, 0.0, 3)


def test_nan_makes_nan():
    values = np.ones((3, 4))
    values[1, 1] = math.nan
    assert np.isnan(crossed_interval(values)[:2]).all()
    assert np.isnan(mean_and_interval(values[1])[:2]).all()
