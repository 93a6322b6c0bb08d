"""Reading UTF-8 and JSON, with errors that name file and line; writing files whole."""

import json
import os
import shutil
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Read the lines of a UTF-8 file, with or without a byte order mark.

    path (Path): The file.
    YIELDS (tuple[int, str]): The line's number from 1, and the line with its end.
    RAISES (ValueError): If a line is not UTF-8.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                advice = advise_to_convert(line)
                raise ValueError(f"{path}, line {number}: not UTF-8; {advice}") from error


def advise_to_convert(line: bytes) -> str:
    """Say what to do with a file that is not UTF-8.

    line (bytes): Its line that is not.
    RETURNS (str): A part of a sentence.
    """
    is_utf16 = line.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    encoding = "UTF-16" if is_utf16 else "ENCODING (such as GB18030 or CP1252)"
    return f"if it is text at all, convert it with iconv -f {encoding} -t UTF-8"


def parse_json(content: str, path: Path, *, first_line: int) -> Any:
    """Parse JSON.

    content (str): The JSON.
    path (Path): The file it is from, for the error.
    first_line (int): The number of its first line in that file, for the error.
    RETURNS (Any): What it holds.
    RAISES (ValueError): If it is not JSON.
    """
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise ValueError(
            f"{path}, line {line}, column {error.colno}: not JSON ({error.msg})"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}, line {first_line}: not readable JSON ({error})") from error


def read_items(path: Path) -> Iterator[tuple[str, Any]]:
    """Read the records of a file of JSON lines, or of a JSON list.

    path (Path): The file.
    YIELDS (tuple[str, Any]): Where the record is, for messages, and the record.
    RAISES (ValueError): If the file is neither.
    """
    lines = ((number, line) for number, line in read_lines(path) if line.strip())
    first = list(islice(lines, 1))
    if any(line.lstrip().startswith("[") for _, line in first):
        content = "".join(line for _, line in read_lines(path))
        for number, item in enumerate(parse_json(content, path, first_line=1), start=1):
            yield f"{path}, record {number}", item
    else:
        for number, line in chain(first, lines):
            yield f"{path}, line {number}", parse_json(line, path, first_line=number)


def write_json(path: Path, item: Any) -> None:
    """Write JSON that people can read, in UTF-8.

    path (Path): The file.
    item (Any): What to write.
    """
    text = json.dumps(item, ensure_ascii=False, indent=2)
    path.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def write_json_lines(path: Path, items: Iterable[Any]) -> None:
    """Write JSON lines, in UTF-8.

    path (Path): The file.
    items (Iterable[Any]): What to write, an item a line.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items)


def write_json_list(path: Path, items: Iterable[Any]) -> None:
    """Write a JSON list, in UTF-8.

    path (Path): The file.
    items (Iterable[Any]): What to write, an item a line.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        for number, item in enumerate(items):
            file.write(f"{',' if number else ''}\n{json.dumps(item, ensure_ascii=False)}")
        file.write("\n]\n")


def check_outputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Check that no file is written over what is read, or over another one.

    outputs (Iterable[Path]): The files to write.
    inputs (Iterable[Path]): The files that are read.
    RAISES (ValueError): If one would be.
    """
    read, written = {path.resolve() for path in inputs}, set()
    for path in outputs:
        if path.resolve() in read:
            raise ValueError(f"{path} is read and would be written over; give another output")
        if path.resolve() in written:
            raise ValueError(f"{path} would be written twice; give another output")
        written.add(path.resolve())


@contextmanager
def written_whole(path: Path, *, tag: str = "") -> Iterator[Path]:
    """Write a file or folder under another name, and rename it when it is complete and on the disk,
    so that nothing half-written is ever taken for whole, even after the power has failed.

    path (Path): The file or folder.
    tag (str): Tells what is unfinished from what others may be writing to the same place.
    YIELDS (Path): Where to write it, in the same folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}{tag}.unfinished{path.suffix}")
    # A run that was killed may have left one.
    _remove(unfinished)
    try:
        yield unfinished
        for file in [*unfinished.rglob("*"), unfinished]:
            sync(file)
        unfinished.replace(path)
        sync(path.parent)
    except OSError as error:
        # That the disk is full is said of no file.
        error.filename = error.filename or str(path)
        raise
    finally:
        _remove(unfinished)


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk.

    path (Path): The file or folder.
    """
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
