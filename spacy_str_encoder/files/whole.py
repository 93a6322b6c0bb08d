"""Write JSON, and files that are either complete or missing."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def write_json(path: Path, item: Any) -> None:
    """Write indented JSON, in UTF-8.

    path (Path): The file.
    item (Any): The item to write.
    """
    text = json.dumps(item, ensure_ascii=False, indent=2)
    path.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def write_json_lines(path: Path, items: Iterable[Any]) -> None:
    """Write JSON lines, in UTF-8.

    path (Path): The file.
    items (Iterable[Any]): The items, written one per line.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items)


def write_json_list(path: Path, items: Iterable[Any]) -> None:
    """Write a JSON list, in UTF-8.

    path (Path): The file.
    items (Iterable[Any]): The items, written one per line.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        for number, item in enumerate(items):
            file.write(f"{',' if number else ''}\n{json.dumps(item, ensure_ascii=False)}")
        file.write("\n]\n")


def check_outputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Check that no output overwrites an input or another output, and that none is inside of a
    folder that is an input, or the reverse.

    outputs (Iterable[Path]): The files or folders to write.
    inputs (Iterable[Path]): The files or folders to read.
    RAISES (ValueError): If a file would be overwritten, or mixed with others.
    """
    read = {path.resolve(): path for path in inputs}
    above = {folder: source for place, source in read.items() for folder in place.parents}
    written = set()
    for path in outputs:
        place = path.resolve()
        source = next((read[folder] for folder in place.parents if folder in read), None)
        if source is not None:
            raise ValueError(f"{path} is inside of the input {source}; choose another output")
        if place in above:
            raise ValueError(f"the input {above[place]} is inside of {path}; choose another output")
        if place in read:
            raise ValueError(f"{path} is an input and would be overwritten; choose another output")
        if place in written:
            raise ValueError(f"{path} would be written twice; choose another output")
        written.add(place)


@contextmanager
def written_whole(path: Path, *, tag: str = "") -> Iterator[Path]:
    """Write a file or folder under a temporary name, and rename it when it is complete and synced
    to disk. So an incomplete file never has the final name, not even after a power failure.

    path (Path): The file or folder. Missing folders above it are created, and removed again after a
        failure.
    tag (str): A part of the temporary name that keeps apart several writers of the same file.
    YIELDS (Path): The temporary path, in the same folder.
    """
    missing = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}{tag}.unfinished{path.suffix}")
    # An earlier run that was killed may have left one.
    remove(unfinished)
    try:
        yield unfinished
        for file in [*unfinished.rglob("*"), unfinished]:
            sync(file)
        unfinished.replace(path)
        sync(path.parent)
    except OSError as error:
        # The error for a full disk names no file.
        error.filename = error.filename or str(path)
        raise
    finally:
        remove(unfinished)
        for folder in missing:
            remove_if_empty(folder)


@contextmanager
def replaced_whole(folder: Path) -> Iterator[Path]:
    """Write a folder in place of one of the same name. If the process is killed, the folder is the
    whole old one, the whole new one, or missing and kept beside, see `put_back`.

    folder (Path): The folder.
    YIELDS (Path): The temporary path, beside it.
    """
    put_back(folder)
    complete = folder.with_name(f".{folder.name}.new")
    remove(complete)
    with written_whole(complete) as unfinished:
        yield unfinished
    # No system renames a folder to one that is not empty.
    if folder.exists():
        folder.replace(_earlier(folder))
    complete.replace(folder)
    sync(folder.parent)
    remove(_earlier(folder))


def put_back(folder: Path) -> None:
    """Undo a replacement that was interrupted.

    folder (Path): The folder.
    """
    if folder.exists():
        remove(_earlier(folder))
    elif _earlier(folder).exists():
        _earlier(folder).replace(folder)


def _earlier(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.earlier")


def sync(path: Path) -> None:
    """Wait until a file, or the file list of a folder, is written to disk.

    path (Path): The file or folder.
    """
    if path.is_dir() and os.name == "nt":
        return  # Windows can't open folders.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder unless there is something in it.

    folder (Path): The folder.
    """
    with suppress(OSError):
        folder.rmdir()


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it.

    path (Path): The file or folder, which may be missing.
    """
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def measure(path: Path) -> int:
    """Measure a file, or all files of a folder.

    path (Path): The file or folder.
    RETURNS (int): Its size in bytes.
    """
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(each.stat().st_size for each in files if each.is_file())
