"""Folders that one run at a time writes to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".lock"


@contextmanager
def locked(folder: Path, *, run: str) -> Iterator[None]:
    """Keep other runs out of a folder.

    folder (Path): The folder.
    run (str): What another run does there, for the error: "is writing".
    RAISES (ValueError): If another run is there.
    """
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise ValueError(f"{folder}: another run {run} here; wait until it is done") from error
