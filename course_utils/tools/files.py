"""Files written whole or not at all."""

import os
import re
from pathlib import Path
from uuid import uuid4


def write_all(contents: dict[str | Path, str | bytes]) -> None:
    """Write files: all of them as temporary files first, then rename each in turn.

    Args:
        contents: what each file is to hold, by path, in the order in which they are to appear; text becomes UTF-8.

    Raises:
        OSError: A file cannot be written; the temporary files are removed, and no file is half-written.
    """
    parts = {Path(path): Path(path).with_name(f".{uuid4().hex}.part") for path in contents}
    try:
        for part, content in zip(parts.values(), contents.values(), strict=True):
            with open(part, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
        for path, part in parts.items():
            part.replace(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def file_name(text: str) -> str:
    """A name for a file from any text, of letters, digits and `_.-` only: "deeper/04_ensemble" → "deeper-04_ensemble"."""
    return re.sub(r"[^\w.-]+", "-", text)
