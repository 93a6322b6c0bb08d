"""Reading UTF-8 and JSON, with errors that name file and line."""

import json
from collections.abc import Iterator
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
                raise ValueError(
                    f"{path}, line {number}: not UTF-8; convert the file, for example with "
                    "iconv -f GB18030 -t UTF-8"
                ) from error


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
