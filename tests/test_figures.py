"""Figures: alt text, intervals, and nothing that depends on a display."""

import base64
import json
from html.parser import HTMLParser

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
    """What `show` hands to the notebook: a list of bundles."""
    outputs = []
    monkeypatch.setattr("course_utils.figures.display", lambda data, raw: outputs.append(data))
    return outputs


class Images(HTMLParser):
    """Collects the attributes of all images in HTML."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.found.append(dict(attrs))


ALT = 'A straight line, "y < x", that rises from left to right.'


def line():
    fig, ax = plt.subplots()
    ax.plot([1, 2, 3])
    return fig


def test_a_figure_is_stored_once_with_its_alt_text(shown):
    show(line(), alt=ALT)
    (bundle,) = shown
    (image,) = Images(bundle["text/html"]).found
    kind, png = image["src"].split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(png).startswith(b"\x89PNG")
    assert image["alt"] == ALT
    assert json.dumps(bundle).count("iVBORw0KGgo") == 1
    assert bundle["text/plain"] == f"Figure: {ALT}"
    assert plt.get_fignums() == []


def test_the_reading_stands_below_the_picture(shown):
    show(line(), alt=ALT, reading="y rises by 1 < 2")
    shown_html = shown[0]["text/html"]
    assert shown_html.index("y rises by 1 &lt; 2") > shown_html.index("<img")
    assert shown[0]["text/plain"].endswith("\ny rises by 1 < 2")


def test_a_live_twin_lies_over_the_one_picture(shown):
    show(line(), alt=ALT, live="<iframe srcdoc='moving'></iframe>")
    bundle = shown[0]
    assert "<iframe srcdoc='moving'></iframe>" in bundle["text/html"]
    assert Images(bundle["text/html"]).found[0]["alt"] == ALT
    assert json.dumps(bundle).count("iVBORw0KGgo") == 1


def test_the_same_figure_gives_the_same_bytes(shown):
    for _ in range(2):
        show(line(), alt=ALT)
    assert shown[0] == shown[1]


def test_a_figure_without_a_description_is_refused():
    fig, _ = plt.subplots()
    with pytest.raises(ValueError, match="describe the figure"):
        show(fig, alt="plot")


def test_the_band_is_the_95_percent_interval_over_runs():
    table = pd.DataFrame({"p": [0.0] * 4 + [0.5] * 4, "accuracy": [1.0, 2, 3, 4, 5, 5, 5, 5]})
    fig, ax = plt.subplots()
    curve = plot_interval(ax, table, "p", "accuracy", label="test")
    assert curve.get_label() == "test (95 %, n = 4)"
    assert curve.get_ydata().tolist() == [2.5, 5.0]
    band = ax.collections[0].get_paths()[0].vertices
    half = 3.182446 * np.std([1, 2, 3, 4], ddof=1) / 2
    assert band[:, 1].max() == pytest.approx(max(2.5 + half, 5.0), rel=1e-6)
    assert band[:, 1].min() == pytest.approx(2.5 - half, rel=1e-6)


def test_history_plots_training_dashed_and_validation_solid():
    history = pd.DataFrame({"epoch": [0, 1], "train_loss": [2.0, 1.0], "val_loss": [2.0, 1.5]})
    fig, ax = plt.subplots()
    plot_history(ax, history)
    assert [curve.get_linestyle() for curve in ax.lines] == ["--", "-"]
    assert ax.get_xlabel() == "epoch"


def test_the_legend_says_where_runs_are_missing():
    table = pd.DataFrame({"p": [0.0] * 4 + [0.5] * 3, "accuracy": [1.0, 2, 3, 4, 5, 5, 5]})
    fig, ax = plt.subplots()
    assert plot_interval(ax, table, "p", "accuracy").get_label() == "(95 %, n = 3 to 4)"


def test_the_style_is_for_every_eye():
    okabe_ito = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"}
    cycle = plt.rcParams["axes.prop_cycle"].by_key()
    assert {"#" + colour.lstrip("#") for colour in cycle["color"]} == okabe_ito
    assert len({str(style) for style in cycle["linestyle"]}) == len(okabe_ito)
    assert plt.rcParams["figure.dpi"] == plt.rcParams["savefig.dpi"] == 100
