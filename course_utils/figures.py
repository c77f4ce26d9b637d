"""The course's figure style, and the few plots that more than one lesson draws."""

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from course_utils.statistics import mean_and_interval

if TYPE_CHECKING:  # so that drawing a report needs no torch
    import pandas as pd
    import torch


def use_course_style() -> None:
    """Apply `course.mplstyle` to all figures from here on."""
    plt.style.use(Path(__file__).with_name("course.mplstyle"))


def show(fig: Figure, alt: str, reading: str = "", live: str = "") -> None:
    """Display a figure with alternative text and, below it, what it shows; then close it.

    The picture is stored once, inside HTML. JupyterLab ignores the metadata of an `image/png` output, so that only an `<img>`
    of our own has alternative text there; it passes JupyterLab's sanitizer in notebooks that are not trusted, and GitHub,
    nbconvert and myst-nb prefer HTML to a PNG beside it (which is why a PNG is no fallback for HTML that they empty).

    Args:
        fig: a matplotlib figure.
        alt: one or two sentences that say what the picture shows to someone who cannot see it.
        reading: a sentence that says what one reads off it, computed from the numbers.
        live: HTML of an interactive twin, such as an iframe, as large as the picture or larger and not transparent. It lies over
            the picture; where scripts and frames are removed, the picture is what remains.

    Raises:
        ValueError: The description is shorter than 20 characters.
    """
    if len(alt) < 20:
        raise ValueError(f"describe the figure in a sentence for someone who cannot see it, not {alt!r}")
    plt.close(fig)
    image = f'<img src="data:image/png;base64,{_png(fig)}" alt="{html.escape(alt)}" style="max-width:100%;grid-area:1/1">'
    over = f'<div style="grid-area:1/1">{live}</div>' if live else ""
    below = f'<p style="margin:4px 0 8px 0">{html.escape(reading)}</p>' if reading else ""
    figure = f'<div style="display:grid;justify-items:start">{image}{over}</div>{below}'
    display({"text/html": figure, "text/plain": "\n".join(filter(None, [f"Figure: {alt}", reading]))}, raw=True)


def plot_interval(ax: Axes, table: "pd.DataFrame", x: str, y: str, *, label: str = "", **style: Any) -> Line2D:
    """Mean of y at each x, with the band of its 95 % interval over runs; the legend says so, with n.

    Args:
        ax: axes to draw on.
        table: DataFrame with a row per run (and epoch).
        x: name of a column.
        y: name of a column.
        label: of the curve.
        **style: for `ax.plot`.

    Returns:
        The line.
    """
    groups = [(value, *mean_and_interval(group[y])) for value, group in table.groupby(x)]
    xs, mean, half, n = (np.array(column) for column in zip(*groups, strict=True))
    count = f"{n.min()}" if n.min() == n.max() else f"{n.min()} to {n.max()}"
    (line,) = ax.plot(xs, mean, label=f"{label} (95 %, n = {count})".lstrip(), **style)
    ax.fill_between(xs, mean - half, mean + half, alpha=0.2, color=line.get_color(), linewidth=0)
    return line


def plot_history(ax, history, metric="loss"):
    """Training (dashed) and validation (solid) curves of a `fit` or `train_runs` history, both in eval mode.

    history: DataFrame with epoch and train_/val_ columns of `metric` ("loss" in nats or squared units, or "accuracy").
    """
    for split, style in (("train", "--"), ("val", "-")):
        name = {"train": "training", "val": "validation"}[split]
        plot_interval(ax, history, "epoch", f"{split}_{metric}", label=name, linestyle=style)
    ax.set(xlabel="epoch", ylabel=f"{metric} (nats)" if metric == "loss" else metric)
    ax.legend()


def plot_images(images: "torch.Tensor", titles: Sequence, *, n_columns: int = 10) -> Figure:
    """Draw images in a grid, with a title each, all on one scale from the lowest value to the highest.

    Args:
        images: (n, 1 or 3, height, width), grey or colour.
        titles: of the images, in their order; those that are missing leave places empty.
        n_columns: images per row of the grid.

    Returns:
        The figure.
    """
    n_rows = -(-len(images) // n_columns)
    fig, axes = plt.subplots(n_rows, n_columns, figsize=(0.85 * n_columns, 1.0 * n_rows), squeeze=False)
    low, high = images.min(), images.max()
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, title in zip(axes.flat, images, titles, strict=False):
        ax.imshow(((image - low) / (high - low)).permute(1, 2, 0).squeeze(-1).cpu(), cmap="gray")
        ax.set_title(title, fontsize=9, fontweight="normal", loc="center")
    return fig


def _png(fig):
    """The figure as base64 PNG text, with a palette of 256 colours (a third of the size, and no date inside)."""
    rendered, small = io.BytesIO(), io.BytesIO()
    FigureCanvasAgg(fig).print_figure(rendered, format="png", bbox_inches="tight")
    image = Image.open(rendered).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    image.save(small, format="png", optimize=True)
    return base64.b64encode(small.getvalue()).decode()
