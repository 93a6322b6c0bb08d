"""Read UTF-8 and JSON, with errors that name file and line."""

import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ..files.lines import advise_to_convert
from .archives import AnyPath
from .parquet_items import SUFFIX as PARQUET
from .parquet_items import read_parquet_items
from .report import ConversionReport

# No JSON value, in place of a line that is not JSON.
MISSING = object()


def read_lines(path: AnyPath) -> Iterator[tuple[int, str]]:
    """Read the lines of a UTF-8 file, with or without a byte order mark.

    path (Path | zipfile.Path): The file.
    YIELDS (tuple[int, str]): The number of the line, starting at 1, and the line with its ending.
    RAISES (ValueError): If a line is not UTF-8.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                advice = advise_to_convert(line)
                raise ValueError(f"{path}, line {number}: not UTF-8; {advice}") from error


def parse_json(content: str, path: AnyPath, *, first_line: int) -> Any:
    """Parse JSON.

    content (str): The JSON.
    path (Path | zipfile.Path): The file it was read from, for the message.
    first_line (int): The number of its first line in that file, for the message.
    RETURNS (Any): The parsed value.
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


def read_items(path: AnyPath, report: ConversionReport) -> Iterator[tuple[str, Any]]:
    """Read the items of a file of JSON lines, of a JSON list, of one JSON object, or of a Parquet
    file of `annotate`.

    path (Path | zipfile.Path): The file.
    report (ConversionReport): The report, to list lines that are not JSON.
    YIELDS (tuple[str, Any]): The location of the item, for messages, and the item.
    RAISES (ValueError): If the file is neither of these.
    """
    if isinstance(path, Path) and path.suffix.lower() == PARQUET:
        yield from read_parquet_items(path)
        return
    lines = ((number, line) for number, line in read_lines(path) if line.strip())
    first = list(islice(lines, 1))
    if first and _spans_lines(first[0][1]):
        whole = parse_json("".join(line for _, line in read_lines(path)), path, first_line=1)
        for number, item in enumerate(whole if isinstance(whole, list) else [whole], start=1):
            yield f"{path}, text {number}", item
        return
    for number, line in chain(first, lines):
        item = MISSING
        with report.rejecting():
            item = parse_json(line, path, first_line=number)
        if item is not MISSING:
            yield f"{path}, line {number}", item


def _spans_lines(line: str) -> bool:
    """Check if the first line of a file begins a JSON list, or an object that ends in a later
    line.
    """
    return line.lstrip().startswith("[") or _is_cut(line)


def _is_cut(line: str) -> bool:
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return not line[error.pos :].strip()
    except (ValueError, RecursionError):
        return False
    return False
