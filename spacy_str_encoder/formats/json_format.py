"""Formats whose files are JSON lines, or a JSON list."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..files.whole import write_json_lines, write_json_list
from .annotated_text import AnnotatedText, AnnotationError, check_annotations, errors_at
from .entities import UNANNOTATED
from .format import Format
from .reading import read_items
from .report import ConversionReport

# Both get the place of the text, or the text, and the report for what is lost. There may be no
# text in an object: that is up to `parse` to report.
Parse = Callable[[Any, str, ConversionReport], AnnotatedText | None]
Serialize = Callable[[AnnotatedText, ConversionReport], dict[str, Any]]


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
    """A format with one JSON object a text. Read are JSON lines and lists alike, whatever the
    name of the file; written is a list if its name ends in .json, else lines.

    name (str): What it is called on the command line.
    description (str): What it is, in a few words.
    matches (Callable[[Any], bool]): Whether an object may be a text of this format.
    parse (Callable[[Any, str, ConversionReport], AnnotatedText | None]): Makes a text of an object.
    serialize (Callable[[AnnotatedText, ConversionReport], dict[str, Any]]): Makes an object of a
        text.
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


def read(path: Path, report: ConversionReport, *, parse: Parse) -> Iterator[AnnotatedText]:
    """Read the texts of a file.

    path (Path): The file.
    report (ConversionReport): Counts what is lost.
    parse (Callable[[Any, str, ConversionReport], AnnotatedText | None]): Makes a text of an object.
    YIELDS (AnnotatedText): The texts.
    RAISES (ValueError): If the file is not in the format; the message names file and line, or
        text.
    """
    for place, item in read_items(path):
        with errors_at(place):
            if not isinstance(item, dict):
                raise AnnotationError("it is no object")
            annotated = parse(item, place, report)
            if annotated is None:
                continue
            annotated = replace(annotated, place=place)
            check_annotations(annotated)
            if not annotated.has_relations:
                report.choose(UNANNOTATED, place, "")
        yield annotated


def write(
    texts: Iterable[AnnotatedText], path: Path, report: ConversionReport, *, serialize: Serialize
) -> None:
    """Write texts to a file.

    texts (Iterable[AnnotatedText]): The texts.
    path (Path): The file.
    report (ConversionReport): Counts what is lost.
    serialize (Callable[[AnnotatedText, ConversionReport], dict[str, Any]]): Makes an object of a
        text.
    """
    items = (serialize(annotated, report) for annotated in texts)
    if path.suffix.lower() == ".json":
        write_json_list(path, items)
    else:
        write_json_lines(path, items)
