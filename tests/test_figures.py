"""Figures: alt text, intervals, and nothing that depends on a display."""

import base64

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from course_utils.figures import plot_history, plot_interval, show, use_course_style


@pytest.fixture(autouse=True)
def _style():
    plt.switch_backend("agg")
    use_course_style()
    yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    """What `show` hands to the notebook: a list of (data, metadata)."""
    outputs = []
    monkeypatch.setattr("course_utils.figures.display", lambda data, raw, metadata: outputs.append((data, metadata)))
    return outputs


def test_show_emits_a_png_with_alt_text_and_closes_the_figure(shown):
    fig, _ = plt.subplots()
    show(fig, alt="A straight line that rises from left to right.")
    ((data, metadata),) = shown
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"].startswith("A straight line")
    assert plt.get_fignums() == []


def test_the_same_figure_gives_the_same_bytes(shown):
    for _ in range(2):
        fig, ax = plt.subplots()
        ax.plot([1, 2, 3])
        show(fig, alt="A straight line that rises from left to right.")
    assert shown[0] == shown[1]


def test_a_figure_without_a_description_is_refused():
    fig, _ = plt.subplots()
    with pytest.raises(ValueError, match="describe the figure"):
        show(fig, alt="plot")


def test_the_band_is_the_95_percent_interval_over_runs():
    table = pd.DataFrame({"p": [0.0] * 4 + [0.5] * 4, "accuracy": [1.0, 2, 3, 4, 5, 5, 5, 5]})
    fig, ax = plt.subplots()
    line = plot_interval(ax, table, "p", "accuracy", label="test")
    assert line.get_label() == "test (n = 4)"
    assert line.get_ydata().tolist() == [2.5, 5.0]
    band = ax.collections[0].get_paths()[0].vertices
    half = 3.182446 * np.std([1, 2, 3, 4], ddof=1) / 2
    assert band[:, 1].max() == pytest.approx(max(2.5 + half, 5.0), rel=1e-6)
    assert band[:, 1].min() == pytest.approx(2.5 - half, rel=1e-6)


def test_history_plots_training_dashed_and_validation_solid():
    history = pd.DataFrame({"epoch": [0, 1], "train_loss": [2.0, 1.0], "val_loss": [2.0, 1.5]})
    fig, ax = plt.subplots()
    plot_history(ax, history)
    assert [line.get_linestyle() for line in ax.lines] == ["--", "-"]
    assert ax.get_xlabel() == "epoch"
