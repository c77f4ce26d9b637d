"""What one execution of a notebook measured, and how it was run: a `Record`, stored as JSON."""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from course_utils.tools.files import write_all

VERSION = 1


@dataclass(frozen=True)
class Record:
    """The first seven fields are what the notebook writes, the others what `course run` adds.

    Attributes:
        lesson: the lesson's name ("04_dropout").
        parameters: every declared parameter and its value.
        metrics: {name: number}.
        claims: a dict per claim, with `id` and `verdict` at least.
        versions: {package: version}.
        device: "cpu" or "cuda".
        threads: of tensor operations.
        name: what the run's files are called, without ending.
        code: hash of the notebook's code and of the helpers that it imports.
        key: hash of code and parameters.
        seconds: how long it took, the kernel's start included.
        finished: when, as "2026-01-31T12:00:00Z".
        version: of this format.

    Raises:
        ValueError: A field is not of its type, or the version is not this one.
    """

    lesson: str
    parameters: dict
    metrics: dict
    claims: list
    versions: dict
    device: str
    threads: int
    name: str = ""
    code: str = ""
    key: str = ""
    seconds: float = 0.0
    finished: str = ""
    version: int = VERSION

    def __post_init__(self):
        for field in fields(self):
            kind = int | float if field.type is float else field.type
            _require(isinstance(getattr(self, field.name), kind), f"{field.name} must be of type {field.type.__name__}")
        _require(self.version == VERSION, f"it has version {self.version} of the format, this course reads {VERSION}")
        numbers = [isinstance(v, float) or (isinstance(v, int) and abs(v) < 1e300) for v in self.metrics.values()]
        _require(all(numbers), "metrics must be numbers")
        texts = [claim.get(field) if isinstance(claim, dict) else None for claim in self.claims for field in ("id", "verdict")]
        _require(all(isinstance(text, str) for text in texts), "claims must have texts `id` and `verdict`")

    def write(self, path: str | Path) -> None:
        """Write the record, whole or not at all. Raises OSError where it cannot be written."""
        write_all({path: self.to_json()})

    def to_json(self) -> str:
        """The record as text."""
        return json.dumps(asdict(self), indent=1)


def write_record(lesson: str, claims: Iterable, *, parameters: dict, metrics: dict | None = None) -> dict:
    """Describe the run, and store it where the environment variable COURSE_RECORD says (as reruns do); else only return it.

    Args:
        lesson: its name.
        claims: its `Claim`s.
        parameters: {name: value}.
        metrics: {name: number} worth tabulating over reruns.

    Returns:
        A dict of those, the versions, device and thread count.

    Raises:
        OSError: The file cannot be written; nothing half-written is left.
    """
    import numpy as np  # here, so that reading records does not need them
    import torch

    record = {
        "lesson": lesson,
        "parameters": parameters,
        "metrics": {name: float(value) for name, value in (metrics or {}).items()},
        "claims": [claim.to_dict() for claim in claims],
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        "device": parameters.get("device", "cpu"),
        "threads": torch.get_num_threads(),
    }
    if path := os.environ.get("COURSE_RECORD"):
        write_all({Path(path): json.dumps(record, indent=1)})
    return record


def read_record(path: str | Path) -> Record:
    """Read a record.

    Args:
        path: of a JSON file; fields that are no record's are ignored.

    Returns:
        The record.

    Raises:
        OSError: There is no such file (anything but a plain file counts as none), or it cannot be read.
        ValueError: It is no record, with the reason.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        return Record(**{field.name: values[field.name] for field in fields(Record) if field.name in values})
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{Path(path).name} is no record of a run: {error}") from error


def _require(condition, what):
    if not condition:
        raise ValueError(what)
