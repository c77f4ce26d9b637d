"""What the source lessons print in four tables, and what reruns of them measured: `data/reference/*.json`, a file a table.

`course reference` writes the files from the records of a sweep of the deep dive `10_source_tables`; nobody edits them.
"""

import json
import math
from pathlib import Path

from IPython.display import Markdown, display
from numpy.typing import ArrayLike

from course_utils.statistics import mean_and_interval

FOLDER = Path(__file__).parents[1] / "data" / "reference"
SOURCE = {  # {table: {row: percent that the source prints}}; the first row of each is without the regularizer
    "cifar10_dropout": {"none": 74.1, "dropout_0.1": 77.3, "dropout_0.3": 80.1, "dropout_0.5": 79.3, "dropout_0.7": 72.1},
    "cifar10_decay": {"none": 74.3, "decay_1e-05": 75.9, "decay_0.0001": 79.8, "decay_0.001": 80.2, "decay_0.01": 76.1},
    "cifar10_combined": {"none": 74.1, "combined": 84.2},
    "mnist_sparsity": {  # its row of L2 names no optimizer: here are three
        "zeros_none": 1.3, "zeros_l2_0.001": 3.7, "zeros_l2_adamw": 3.7, "zeros_l2_sgd": 3.7, "zeros_l1_0.0001": 47.8,
        "zeros_l1_0.001": 89.2,
    },
}  # fmt: skip
SOURCE_TRAINING = {"none": 95.2, "combined": 90.1}  # training accuracy, from the same lines
TITLES = {
    "cifar10_dropout": "Dropout in the head: test accuracy (%)",
    "cifar10_decay": "Weight decay of Adam: test accuracy (%)",
    "cifar10_combined": "The combined recipe: test accuracy (%)",
    "mnist_sparsity": "Sparsity: weights below 0.001 (%)",
}
LABELS = {
    "zeros_none": "none", "zeros_l2_0.001": "L2 0.001, by Adam", "zeros_l2_adamw": "L2 0.001, by AdamW",
    "zeros_l2_sgd": "L2 0.001, by SGD", "zeros_l1_0.0001": "L1 0.0001", "zeros_l1_0.001": "L1 0.001",
}  # fmt: skip
SCALE = {
    "cifar10": "50,000 pictures, 30 epochs, by its code one run a row",
    "mnist": "pictures, epochs, runs and, for L2, the optimizer are not told",
}
FIELDS = {  # of a file, with the type of each
    "table": str, "data": str, "n_train": int, "n_test": int, "epochs": int, "seeds": list, "parameters": dict, "device": str,
    "threads": int, "versions": dict, "seconds": float, "machine": str, "command": str, "code": str, "rows": list,
}  # fmt: skip
ROW = {"row": str, "source": float, "runs": list, "mean": float, "half": float}


def quote(table: str) -> None:
    """Display one of the source's tables beside its rerun; table: a key of `SOURCE`."""
    display(Markdown(quotation(table)))


def quotation(table: str) -> str:
    """What `quote` displays: the table in Markdown, or that it was not run again yet."""
    path = FOLDER / f"{table}.json"
    return as_markdown(read_reference(path)) if path.is_file() else f"**{TITLES[table]}**: not run again yet."


def read_reference(path: str | Path) -> dict:
    """Read a file of data/reference.

    Args:
        path: of the JSON file.

    Returns:
        A dict with `FIELDS`; each of its `rows` is one with the fields of `ROW`, in percent.

    Raises:
        ValueError: something is missing, of the wrong kind, or contradicts the source or itself, with the reason.
    """
    name = Path(path).name
    try:
        reference = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{name} is no JSON: {error}") from None
    if fault := _fault(reference):
        raise ValueError(f"{name} is no reference file: {fault}. Write it by `course reference`")
    return reference


def as_markdown(reference: dict) -> str:
    """A caption and a Markdown table: what the source prints, what the rerun measured, and whether they agree."""
    table, n = reference["table"], len(reference["seeds"])
    kind = table.split("_")[0]
    network = "256 hidden units" if kind == "mnist" else f"{reference['parameters']['width']} channels in the first block"
    lines = [
        f"**{TITLES[table]}**, {reference['data']}. Here: {reference['n_train']:,} training pictures, {reference['epochs']} "
        f"epochs, {network}, mean of {n} runs ± 95 % interval, each run on pictures of its own. The source: {SCALE[kind]}.",
        "",
        "| row | the source | here | over none, there | over none, here | agree? |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    first = reference["rows"][0]
    for row in reference["rows"]:
        label = LABELS.get(row["row"], row["row"].replace("_", " "))
        cells = [label, f"{row['source']:.1f}", f"{row['mean']:.1f} ± {row['half']:.1f}", "", "", ""]
        if row is not first:
            there = row["source"] - first["source"]
            gains = [b - a for a, b in zip(first["runs"], row["runs"], strict=True)]
            mean, half, _ = mean_and_interval(gains)
            cells[3:] = [f"{there:+.1f}", f"{mean:+.1f} ± {half:.1f}", agreement(there, gains)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def agreement(there: float, gains: ArrayLike) -> str:
    """Whether a rerun agrees with one printed gain.

    Args:
        there: the source's gain over none.
        gains: (n_runs,) ours, paired by seed.

    Returns:
        "as much": the 95 % interval has the source's gain and not 0; "same direction": on its side of 0; "opposite": on the
        other; "none seen": it has 0 and not the source's gain; "cannot tell": it has both.
    """
    mean, half, _ = mean_and_interval(gains)
    has_zero, has_there = abs(mean) <= half, abs(mean - there) <= half
    if has_zero:
        return "cannot tell" if has_there else "none seen"
    return "as much" if has_there else "same direction" if mean * there > 0 else "opposite"


def _fault(reference):
    """What is wrong with the content of a file, or ""."""
    if fault := _misfit(reference, FIELDS):
        return fault
    table, seeds, rows = reference["table"], reference["seeds"], reference["rows"]
    if table not in SOURCE:
        return f"there is no table {table!r}"
    if len(set(seeds)) < max(3, len(seeds)) or not all(type(s) is int for s in seeds):
        return "seeds must be three or more different whole numbers"
    if fault := next(filter(None, (_misfit(row, ROW) for row in rows)), ""):
        return fault
    if {row["row"]: row["source"] for row in rows} != SOURCE[table] or [r["row"] for r in rows] != list(SOURCE[table]):
        return "its rows or their printed numbers are not the source's"
    for row in rows:
        runs = row["runs"]
        if len(runs) != len(seeds) or not all(type(v) is float and 0 <= v <= 100 for v in runs):
            return f"row {row['row']} must have a percentage for each seed"
        expected = mean_and_interval(runs)[:2]
        if not all(math.isclose(row[k], v, abs_tol=1e-9) for k, v in zip(("mean", "half"), expected, strict=True)):
            return f"mean and half of row {row['row']} do not follow from its runs"
    return ""


def _misfit(values, kinds):
    """What keeps values from having exactly these fields, filled and of these types, or ""."""
    if type(values) is not dict or set(values) != set(kinds):
        return f"it must have exactly the fields {', '.join(kinds)}"
    wrong = [name for name, kind in kinds.items() if type(values[name]) is not kind or values[name] in ("", [], {})]
    wrong += [name for name, value in values.items() if type(value) in (int, float) and not 0 <= value < math.inf]
    return f"{', '.join(wrong)} cannot be" if wrong else ""
