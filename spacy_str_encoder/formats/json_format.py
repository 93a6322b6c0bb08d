"""Formats whose files are JSON lines, or a JSON list."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..files.whole import write_json_lines, write_json_list
from .entities import UNANNOTATED
from .format import Format
from .reading import read_items
from .records import Record, RecordError, check_record, errors_at
from .report import ConversionReport

# Both get the place of the record, or the record, and the report for what is lost. There may be no
# record in an object: that is up to `parse` to report.
Parse = Callable[[Any, str, ConversionReport], Record | None]
Serialize = Callable[[Record, ConversionReport], dict[str, Any]]


def json_format(
    name: str,
    description: str,
    *,
    matches: Callable[[Any], bool],
    parse: Parse,
    serialize: Serialize,
    suffix: str,
    needs_tokens: bool = False,
    keeps_unannotated: bool = False,
) -> Format:
    """A format with one JSON object a record. Read are JSON lines and lists alike, whatever the
    name of the file; written is a list if its name ends in .json, else lines.

    name (str): What it is called on the command line.
    description (str): What it is, in a few words.
    matches (Callable[[Any], bool]): Whether an object may be a record of this format.
    parse (Callable[[Any, str, ConversionReport], Record | None]): Makes a record of an object.
    serialize (Callable[[Record, ConversionReport], dict[str, Any]]): Makes an object of a record.
    suffix (str): How the names of its files end.
    needs_tokens (bool): Whether `serialize` needs tokens.
    keeps_unannotated (bool): Whether it tells texts whose relations nobody annotated from those
        that have none.
    RETURNS (Format): The format.
    """
    return Format(
        name,
        description,
        suffix,
        recognizes=lambda path, item: isinstance(item, dict) and matches(item),
        read=partial(read, parse=parse),
        write=partial(write, serialize=serialize),
        needs_tokens=needs_tokens,
        keeps_unannotated=keeps_unannotated,
    )


def read(path: Path, report: ConversionReport, *, parse: Parse) -> Iterator[Record]:
    """Read the records of a file.

    path (Path): The file.
    report (ConversionReport): Counts what is lost.
    parse (Callable[[Any, str, ConversionReport], Record | None]): Makes a record of an object.
    YIELDS (Record): The records.
    RAISES (ValueError): If the file is not in the format; the message names file and line, or
        record.
    """
    for place, item in read_items(path):
        with errors_at(place):
            if not isinstance(item, dict):
                raise RecordError("it is no object")
            record = parse(item, place, report)
            if record is None:
                continue
            record = replace(record, place=place)
            check_record(record)
            if not record.has_relations:
                report.choose(UNANNOTATED, place, "")
        yield record


def write(
    records: Iterable[Record], path: Path, report: ConversionReport, *, serialize: Serialize
) -> None:
    """Write records to a file.

    records (Iterable[Record]): The records.
    path (Path): The file.
    report (ConversionReport): Counts what is lost.
    serialize (Callable[[Record, ConversionReport], dict[str, Any]]): Makes an object of a record.
    """
    items = (serialize(record, report) for record in records)
    if path.suffix.lower() == ".json":
        write_json_list(path, items)
    else:
        write_json_lines(path, items)
