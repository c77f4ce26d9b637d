"""Files written whole or not at all."""

import os


def write_all(contents):
    """Write files {path: text or bytes}: all of them as temporary files first, then rename each in turn. Raises OSError,
    having removed the temporary files."""
    parts = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in contents}
    try:
        for path, part in parts.items():
            content = contents[path]
            with open(part, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
        for path, part in parts.items():
            part.replace(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
