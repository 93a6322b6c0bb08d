"""Locks for folders that only one run at a time may write to."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from .whole import remove_if_empty

LOCK = ".lock"


@contextmanager
def locked(folder: Path, *, run: str) -> Iterator[None]:
    """Lock a folder, so that no other run uses it. A run that ends before it has written anything
    leaves neither a lock nor a folder that it has created.

    folder (Path): The folder, which is created if needed.
    run (str): The activity of the other run, for the message: "is writing".
    RAISES (ValueError): If it is a file, or another run has locked it.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: the output must be a folder, but is a file")
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / LOCK, timeout=0), _removed_if_unused(folder):
            yield
    except Timeout as error:
        raise ValueError(f"{folder}: another run {run} here; wait until it finishes") from error
    finally:
        for each in missing:
            remove_if_empty(each)


@contextmanager
def _removed_if_unused(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        if [each.name for each in folder.iterdir()] == [LOCK]:
            # On Windows, the lock removes itself.
            with suppress(OSError):
                (folder / LOCK).unlink()
