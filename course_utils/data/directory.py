"""Where data files are."""

import os
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def data_directory() -> Path:
    """Where data files are: the directory that the environment variable COURSE_DATA names, or data/cache.

    Returns:
        An absolute path. A relative one counts from the project's root, whatever the notebook's folder; "~" is your home.
    """
    return PROJECT / Path(os.environ.get("COURSE_DATA") or "data/cache").expanduser()
