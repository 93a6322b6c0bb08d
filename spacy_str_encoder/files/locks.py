"""Locks for folders that only one run at a time may write to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".lock"


@contextmanager
def locked(folder: Path, *, run: str) -> Iterator[None]:
    """Lock a folder, so that no other run uses it.

    folder (Path): The folder.
    run (str): The activity of the other run, for the message: "is writing".
    RAISES (ValueError): If another run has locked the folder.
    """
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise ValueError(f"{folder}: another run {run} here; wait until it finishes") from error
