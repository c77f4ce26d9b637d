"""`course reference`: the records of a sweep of `deeper/10_source_tables` as data/reference/*.json, and docs/reference.md."""

import json
from pathlib import Path

from course_utils.reference import FOLDER, SOURCE, TITLES, as_markdown, read_reference
from course_utils.reruns.report import SEED
from course_utils.statistics import mean_and_interval
from course_utils.tools.record import Record

LESSON = "deeper/10_source_tables"
PAGE = FOLDER.parents[1] / "docs" / "reference.md"
DATA = {"cifar10": "CIFAR-10", "cifar10_jpeg": "CIFAR-10 (JPEG copy)", "mnist": "MNIST"}
HEAD = """# The source's tables, run again

Lecture notes from which this course began print four tables, as far as their code shows of one run a row. Here they are
again, by the deep dive
[10 · The tables, run again](../notebooks/deeper/10_source_tables.ipynb). This page is written by `course reference` from
[data/reference](../data/reference); numbers are in percent. Every run has training and test pictures of its own, so that the
intervals are over runs *and* the choice of pictures; gains over none are paired by run.

**agree?** "as much": the interval of our gain has the printed gain, and not 0. "same direction": it lies on the same side of 0.
"opposite": on the other side. "none seen": it has 0, and not the printed gain. "cannot tell": it has both. Accuracies at
another scale are not comparable in level, only, and with care, in what each row gains.
"""
TAIL = """## What the source says against itself

Its table of strategies by data size gives for 10,000 to 100,000 samples, and so for CIFAR-10 with its 50,000, "Dropout (0.2),
light weight decay (1e-5)". Its own tables of CIFAR-10 are best at dropout 0.3 and at weight decay 1e-3. And "no dropout" of the
first table (74.1) and "no decay" of the second (74.3) are the same setting; here it runs once and stands in both.

## What is not as in the source

Where a caption does not say so already: a run learns from pictures of its own, and others are left to choose by (45,000 and 5,000
at the source's scale). The recipe does not tell its dropout rate: here 0.3. Its transforms crash as printed, `RandomErasing`
being before `ToTensor`; here all of them work on tensors, in the printed order. L1 leaves biases alone here. L2 by SGD has
learning rate 0.1.

## Not run

At the source's own scale (50,000 pictures, 30 epochs, 64 channels), which takes a GPU, nothing has been run yet: the presets
`cifar10` and `mnist` are there for it. `course sweep deeper/10_source_tables --preset cifar10 -p seed=0:5`, then
`course reference --preset cifar10 -p seed=0:5`.
"""


def references(records: list[Record], command: str, machine: str) -> dict[Path, str]:
    """The reference files that records make.

    Args:
        records: of the deep dive, one a seed, alike in all other parameters.
        command: that made them.
        machine: on what, in words.

    Returns:
        {path: JSON}, a file for each table all of whose rows are in the records' metrics.

    Raises:
        ValueError: seeds are shared or fewer than three, or the records differ in more, or have no table.
    """
    records = sorted(records, key=lambda record: record.parameters[SEED])
    alike = {json.dumps([_settings(r), r.code, r.versions, r.device, r.threads], sort_keys=True) for r in records}
    if len(records) < 3 or len(alike) > 1 or any(r.parameters["n_runs"] != 1 for r in records):
        raise ValueError("a reference takes three records or more, of n_runs=1 and of different seeds, alike in all else")
    tables = [table for table, rows in SOURCE.items() if set(rows) <= set(records[0].metrics)]
    tables = [table for table in tables if _data(records[0], table) in DATA]
    if not tables:
        raise ValueError("the records have no table with all rows of the source's, on its data")
    return {FOLDER / f"{table}.json": _to_json(table, records, command, machine) for table in tables}


def page(references: list[dict]) -> str:
    """docs/reference.md. references: as from `read_reference`."""
    parts = [HEAD]
    for reference in references:
        versions = ", ".join(f"{name} {version}" for name, version in reference["versions"].items())
        parts.append(
            f"## {TITLES[reference['table']].split(':')[0]}\n\n{as_markdown(reference)}\n\n"
            f"`{reference['command']}`: {reference['seconds']:.0f} s on {reference['machine']}; {reference['device']}, "
            f"{versions}; seeds {', '.join(map(str, reference['seeds']))}; {reference['n_test']:,} test pictures a run.\n"
        )
    missing = [TITLES[table].split(":")[0] for table in SOURCE if table not in {r["table"] for r in references}]
    parts += [f"Not run at any scale: {'; '.join(missing)}.\n"] if missing else []
    return "\n".join([*parts, TAIL])


def all_references() -> list[dict]:
    """What data/reference holds, in the order of the source's tables. Raises ValueError for a malformed file."""
    order = list(SOURCE)
    return sorted((read_reference(path) for path in FOLDER.glob("*.json")), key=lambda r: order.index(r["table"]))


def _settings(record):
    return {name: value for name, value in record.parameters.items() if name != SEED}


def _data(record, table):
    return record.parameters["figures" if table == "mnist_sparsity" else "pictures"]


def _to_json(table, records, command, machine):
    first = records[0]
    rows = []
    for row, printed in SOURCE[table].items():
        runs = [record.metrics[row] for record in records]
        mean, half, _ = mean_and_interval(runs)
        rows.append({"row": row, "source": printed, "runs": runs, "mean": float(mean), "half": float(half)})
    reference = {
        "table": table,
        "data": DATA[_data(first, table)],
        **{name: first.parameters[name] for name in ("n_train", "n_test", "epochs")},
        "seeds": [record.parameters[SEED] for record in records],
        "parameters": _settings(first),
        **{name: getattr(first, name) for name in ("device", "threads", "versions", "code")},
        "seconds": round(float(sum(record.seconds for record in records)), 1),
        "machine": machine,
        "command": command,
        "rows": rows,
    }
    return json.dumps(reference, indent=1) + "\n"
