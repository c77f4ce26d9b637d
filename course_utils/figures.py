"""The course's figure style, and the few plots that more than one lesson draws."""

import base64
import html
import io
from pathlib import Path

import numpy as np
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from course_utils.statistics import mean_and_interval


def use_course_style():
    """Apply `course.mplstyle` to all figures from here on."""
    plt.style.use(Path(__file__).with_name("course.mplstyle"))


def show(fig, alt):
    """Display a figure with alternative text, and close it.

    alt: one or two sentences that say what the picture shows to someone who cannot see it; it becomes the image's alt
    text in JupyterLab, on the site and in exports. Raises ValueError if it is shorter than 20 characters.
    """
    if len(alt) < 20:
        raise ValueError(f"describe the figure in a sentence for someone who cannot see it, not {alt!r}")
    plt.close(fig)
    png, text = _png(fig), html.escape(alt, quote=True)
    image = f'<img src="data:image/png;base64,{png}" alt="{text}" style="max-width:100%">'  # JupyterLab: PNGs have no alt
    bundle = {"text/html": image, "image/png": png, "text/plain": f"Figure: {alt}"}
    display(bundle, raw=True, metadata={"image/png": {"alt": alt}})


def plot_interval(ax, table, x, y, *, label="", **style):
    """Mean of y at each x, with the band of its 95 % interval over runs and n in the legend.

    table: DataFrame with a row per run (and epoch), columns named x and y; style: passed to `ax.plot`.
    """
    groups = [(value, *mean_and_interval(group[y])) for value, group in table.groupby(x)]
    xs, mean, half, n = (np.array(column) for column in zip(*groups, strict=True))
    (line,) = ax.plot(xs, mean, label=f"{label} (n = {n.min()})", **style)
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


def plot_images(images, titles, *, n_columns=10):
    """Figure of images (n, 1 or 3, height, width), any scale, in a grid with a title each; returns the figure."""
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
