"""Read UTF-8 and JSON, with errors that name file and line."""

import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ..files.lines import advise_to_convert


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Read the lines of a UTF-8 file, with or without a byte order mark.

    path (Path): The file.
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


def parse_json(content: str, path: Path, *, first_line: int) -> Any:
    """Parse JSON.

    content (str): The JSON.
    path (Path): The file it was read from, for the message.
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


def read_items(path: Path) -> Iterator[tuple[str, Any]]:
    """Read the items of a file of JSON lines, or of a JSON list.

    path (Path): The file.
    YIELDS (tuple[str, Any]): The location of the item, for messages, and the item.
    RAISES (ValueError): If the file is neither JSON lines nor a JSON list.
    """
    lines = ((number, line) for number, line in read_lines(path) if line.strip())
    first = list(islice(lines, 1))
    if any(line.lstrip().startswith("[") for _, line in first):
        content = "".join(line for _, line in read_lines(path))
        for number, item in enumerate(parse_json(content, path, first_line=1), start=1):
            yield f"{path}, text {number}", item
    else:
        for number, line in chain(first, lines):
            yield f"{path}, line {number}", parse_json(line, path, first_line=number)
