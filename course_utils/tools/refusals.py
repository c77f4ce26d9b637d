"""What the command line asks for and cannot have."""

import contextlib
from collections.abc import Iterator


class Refused(Exception):
    """The command line asks for what there is not, in one line that says what to do."""


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Turn a ValueError about what the command line says into a refusal; elsewhere a ValueError is a fault of ours."""
    try:
        yield
    except ValueError as error:
        raise Refused(error) from error
