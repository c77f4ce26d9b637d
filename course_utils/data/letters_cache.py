"""Drawn letters are stored, a file for each split and seed, because drawing a thousand takes about a second.

A file is a checksum and then a row of bytes for each image, its label and its pixels. More images extend it; a file that is
damaged is drawn again; one that cannot be written costs only the time of drawing.
"""

import hashlib
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import PIL
import torch
from PIL import features

from course_utils.data import letters
from course_utils.data.directory import data_directory
from course_utils.tools.files import write_all

LIMIT = 500_000_000  # bytes of letters in the data directory, the oldest files go first
CHECKSUM, ROW = 64, 1 + 3 * letters.SIZE**2


def letters_of(split: str, n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The first letters of a split, as they were drawn.

    Args:
        split: "train", "val", "test" or "other" (K to Z), each with typefaces of its own.
        n: letters.
        seed: of the drawing.

    Returns:
        Images uint8 (n, 3, 32, 32) and labels int64 (n,), 0 for A.
    """
    path = data_directory() / f"letters-{split}-{seed}-{drawing_version()}.bin"
    rows = _read(path)
    if len(rows) < n:
        images, labels = letters.draw_letters(n - len(rows), split, seed, start=len(rows))
        drawn = np.column_stack([labels.astype(np.uint8), images.reshape(len(images), -1)])
        rows = np.concatenate([rows, drawn])
        _write(path, rows)
    rows = torch.tensor(rows[:n])
    return rows[:, 1:].reshape(n, 3, letters.SIZE, letters.SIZE), rows[:, 0].long()


@cache
def drawing_version():
    """Eight characters that change with whatever decides the pixels: the drawing code, the packages, the fonts."""
    versions = np.__version__, PIL.__version__, features.version("freetype2"), matplotlib.__version__
    return hashlib.sha256(Path(letters.__file__).read_bytes() + repr(versions).encode()).hexdigest()[:8]


def _read(path):
    """The rows that are stored, (n, ROW), none if the file is missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    rows = content[CHECKSUM:]
    intact = hashlib.blake2b(rows).digest() == content[:CHECKSUM]
    return np.frombuffer(rows if intact else b"", np.uint8).reshape(-1, ROW)


def _write(path, rows):
    content = rows.tobytes()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_all({path: hashlib.blake2b(content).digest() + content})
    except OSError as error:
        warnings.warn(f"letters are drawn anew each time, as {path.parent} cannot be written ({error})", stacklevel=2)
    with suppress(OSError):
        _remove_oldest(path.parent.glob("*letters-*-*-????????.bin*"))


def _remove_oldest(paths):
    """Delete the oldest files beyond LIMIT bytes together."""
    newest_first = sorted(((path.stat(), path) for path in paths), key=lambda pair: -pair[0].st_mtime_ns)
    total = 0
    for stat, path in newest_first:
        total += stat.st_size
        if total > LIMIT:
            path.unlink()
