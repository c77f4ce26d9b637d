"""`course report`: the records of a folder as one table (terminal, CSV, Markdown) and one figure.

A setting is a choice of all parameters but the seed; each metric is given as its mean over the seeds with the 95 % interval
of that mean (Student's t).
"""

import io
import json
import math
import textwrap
from pathlib import Path

import pandas as pd
from matplotlib import pyplot as plt

from course_utils.figures import use_course_style
from course_utils.statistics import mean_and_interval
from course_utils.tools.files import file_name, write_all
from course_utils.tools.record import Record

SEED = "seed"
CLAIMS = "claims supported"
MOST_PANELS, MOST_LINES = 6, 7


def report(records: list[Record], folder: str | Path) -> str:
    """Write report-LESSON.csv, .md and .png.

    Args:
        records: of one lesson, at least one.
        folder: where the report goes.

    Returns:
        The text to print.

    Raises:
        OSError: The folder cannot be written; no file is half-written.
    """
    lesson = records[0].lesson
    records, note = current(records)
    varied = varied_parameters(records)
    table = settings_table(records, varied)
    base = Path(folder) / f"report-{file_name(lesson)}"
    fig, alt = draw(table, varied, lesson)
    picture = io.BytesIO()
    fig.savefig(picture, format="png")
    plt.close(fig)
    lines = "\n".join([markdown(shown(table, varied)), *deviations(records)])
    text = f"# {lesson}: {len(records)} runs\n\n{lines}\n\n{note}\n\n![{alt}]({base.name}.png)\n"
    write_all({f"{base}.csv": table.to_csv(index=False), f"{base}.md": text, f"{base}.png": picture.getvalue()})
    return f"{lesson}, {len(records)} runs\n\n{lines}\n\n{note}\n{base}.csv, .md, .png"


def current(records: list[Record]) -> tuple[list[Record], str]:
    """Those of a lesson's records that were made with its newest code, and a note on how they were made."""
    newest = max(records, key=lambda record: record.finished).code
    chosen = [record for record in records if record.code == newest]
    note = "Mean over seeds ± half of its 95 % interval (Student's t). "
    for what, values in (
        ("torch", {record.versions.get("torch", "unknown") for record in chosen}),
        ("device", {record.device for record in chosen}),
        ("threads", {record.threads for record in chosen}),
    ):
        note += f"{what}: {', '.join(sorted(map(str, values)))}. "
    if len(chosen) < len(records):
        note += f"Left out: {len(records) - len(chosen)} records of an older version of the lesson."
    return chosen, (note + shared_runs(chosen)).strip()


def shared_runs(records: list[Record]) -> str:
    """A warning where seeds are so close that lessons, whose run k has the seed `seed + k`, did the same runs again: then
    the means are not independent and the interval is too narrow. Else ""."""
    seeds = {record.parameters.get(SEED, 0) for record in records if isinstance(record.parameters.get(SEED, 0), int)}
    n_runs = max((n for record in records if isinstance(n := record.parameters.get("n_runs", 1), int)), default=1)
    seeds = sorted(seeds)
    if all(b - a >= n_runs for a, b in zip(seeds, seeds[1:], strict=False)):
        return ""
    advice = f"use seed=0:{8 * n_runs}:{n_runs}"
    return f" CAUTION: seeds less than n_runs = {n_runs} apart share runs, so intervals are too narrow: {advice}."


def varied_parameters(records: list[Record]) -> list[str]:
    """Names of the parameters, the seed aside, that differ between records, in the order of their declaration."""
    names = [name for name in records[0].parameters if name != SEED]
    return [name for name in names if len({json.dumps(record.parameters.get(name)) for record in records}) > 1]


def settings_table(records: list[Record], varied: list[str]) -> pd.DataFrame:
    """A row a setting: the varied parameters, n, and per metric its mean and `…_ci95`, the half width of the interval; then
    how many verdicts were "supported", and per claim in how many runs it was supported."""
    groups = {}
    for record in records:
        groups.setdefault(json.dumps([record.parameters.get(name) for name in varied]), []).append(record)
    metrics = dict.fromkeys(name for record in records for name in record.metrics)
    ids = dict.fromkeys(claim["id"] for record in records for claim in record.claims)
    rows = []
    for key, group in groups.items():
        row = dict(zip(varied, json.loads(key), strict=True)) | {"n": len(group)}
        for metric in metrics:
            mean, half, _ = mean_and_interval([record.metrics.get(metric, math.nan) for record in group])
            row |= {metric: mean, f"{metric}_ci95": half}
        claims = [claim for record in group for claim in record.claims]
        if ids:
            row[CLAIMS] = sum(claim["verdict"] == "supported" for claim in claims)
        for name in ids:
            verdicts = [claim["verdict"] for claim in claims if claim["id"] == name]
            row[f"claim {name}"] = f"{verdicts.count('supported')} of {len(verdicts)}"
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.sort_values(varied, key=_sortable, ignore_index=True) if varied else table


def shown(table: pd.DataFrame, varied: list[str]) -> pd.DataFrame:
    """The table for people: "0.912 ± 0.013" in one column per metric, and "supported" counts per claim."""
    text = pd.DataFrame({name: table[name].astype(str) for name in [*varied, "n"]})
    for name in table.columns[len(varied) + 1 :]:
        if f"{name}_ci95" in table:
            pairs = zip(table[name], table[f"{name}_ci95"], strict=True)
            text[name] = [number(mean, half) for mean, half in pairs]
    if CLAIMS in table:
        total = sum(name.startswith("claim ") for name in table.columns) * table["n"]
        text[CLAIMS] = table[CLAIMS].astype(str) + " of " + total.astype(str)
    return text


def deviations(records: list[Record]) -> list[str]:
    """Lines that name the claims that were, in some runs, not supported, as they are in the course's own run."""
    verdicts = {}
    for claim in (claim for record in records for claim in record.claims):
        verdicts.setdefault(claim["id"], []).append(claim["verdict"])
    lines = []
    for name, reached in verdicts.items():
        counts = [f"{verdict} in {reached.count(verdict)}" for verdict in sorted(set(reached) - {"supported"})]
        if counts:
            lines.append(f"* claim {name}: {', '.join(counts)} of {len(reached)} runs")
    return ["", *lines] if lines else []


def number(mean: float, half: float) -> str:
    """Text such as "0.912 ± 0.013": the mean to as many places as the interval's two leading digits; alone without one."""
    if not (math.isfinite(mean) and math.isfinite(half)):
        return f"{mean:.4g}"
    places = max(0, 1 - math.floor(math.log10(half))) if half > 0 else 4
    return f"{mean:.{places}f} ± {half:.{places}f}"


def markdown(table: pd.DataFrame) -> str:
    """A DataFrame of text as a Markdown table with aligned columns, which reads well in a terminal too."""
    rows = [list(table.columns), *table.to_numpy().tolist()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in rows)


def draw(table: pd.DataFrame, varied: list[str], lesson: str) -> tuple[plt.Figure, str]:
    """(figure, alt text): a panel per metric, over the numeric parameter with most values; a line per choice of the rest."""
    use_course_style()
    metrics = [name for name in table.columns if f"{name}_ci95" in table][:MOST_PANELS]
    numeric = [name for name in varied if pd.api.types.is_numeric_dtype(table[name]) and table[name].dtype != bool]
    x = max(numeric, key=lambda name: table[name].nunique(), default=None)
    rest = [name for name in varied if name != x]
    columns = min(len(metrics), 2) or 1
    rows = -(-len(metrics) // columns) or 1
    fig, axes = plt.subplots(rows, columns, figsize=(5.2 * columns, 3.6 * rows), squeeze=False)
    for ax in axes.flat[len(metrics) :]:
        ax.axis("off")
    findings = [draw_metric(ax, table, metric, x, rest) for ax, metric in zip(axes.flat, metrics, strict=False)]
    fig.suptitle(lesson)
    return fig, f"{lesson}: {'; '.join(findings)}."


def draw_metric(ax: plt.Axes, table: pd.DataFrame, metric: str, x: str | None, rest: list[str]) -> str:
    """One panel; returns its finding, which is also its title."""
    drawn = table.dropna(subset=[metric]) if table[metric].notna().any() else table
    rest = [name for name in rest if drawn[name].astype(str).nunique() > 1]
    labels = drawn[rest].astype(str).apply(lambda row: ", ".join(f"{k}={v}" for k, v in row.items()), axis=1)
    lines = list(drawn.groupby(labels if rest else lambda _: "", sort=False))[:MOST_LINES]
    for label, group in lines:
        at = group[x] if x else range(len(group))
        half = group[f"{metric}_ci95"].where(group[f"{metric}_ci95"] < math.inf, 0)
        ax.errorbar(
            at, group[metric], half, marker="o", capsize=3, label=f"{label or 'mean, 95 % interval'} (n = {group['n'].min()})"
        )
    ax.set(xlabel=x or "all runs", ylabel=metric)
    if not x:
        ax.set_xticks([])
    ax.legend()
    if table[metric].isna().all():
        return f"{metric} is no number in any setting"
    best = table.loc[table[metric].idxmax()]
    flat = math.isclose(best[metric], table[metric].min())
    where = "" if flat else ", ".join(f"{name}={best[name]}" for name in [*([x] if x else []), *rest])
    value = number(best[metric], best[f"{metric}_ci95"])
    finding = f"{metric} is highest, {value}, at {where}" if where else f"{metric}: {value}"
    ax.set_title(textwrap.fill(finding, 56), fontsize=9)
    return finding


def _sortable(column):
    return column if pd.api.types.is_numeric_dtype(column) else column.astype(str)
