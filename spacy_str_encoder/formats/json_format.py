"""Formats whose files are JSON lines or a JSON list."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..files.whole import write_json_lines, write_json_list
from .annotated_text import AnnotatedText, AnnotationError, check_annotations, errors_at
from .archives import AnyPath
from .fields import look_like_annotations
from .format import Format
from .reading import read_items
from .report import ConversionReport
from .shapes import Shape, check_shape

# What `annotate` writes beside the annotations that it is made from.
DERIVED = {"records"}
# `parse` gets an object, its location and the report. If the object yields no text, it returns None
# and reports that itself.
Parse = Callable[[Any, str, ConversionReport], AnnotatedText | None]
Serialize = Callable[[AnnotatedText, ConversionReport], dict[str, Any]]


def json_format(
    name: str,
    description: str,
    *,
    matches: Callable[[Any], bool],
    parse: Parse,
    serialize: Serialize | None = None,
    suffix: str,
    shape: Shape,
    needs_tokens: bool = False,
    keeps_unannotated: bool = False,
    keeps_missing_entities: bool = False,
    keeps_attributes: bool = False,
    keeps_missing_attributes: bool = False,
    holds_docs: bool = False,
    keeps_scores: Collection[str] = (),
    keeps_identifiers: bool = False,
) -> Format:
    """Define a format with one JSON object per text. It reads both JSON lines and JSON lists,
    whatever the name of the file, and writes a list if the name ends in .json, else lines.

    name (str): The name on the command line.
    description (str): A short description.
    matches (Callable[[Any], bool]): Function that tells if an object may be in this format.
    parse (Callable[[Any, str, ConversionReport], AnnotatedText | None]): Function that converts an
        object to a text.
    serialize (Callable[[AnnotatedText, ConversionReport], dict[str, Any]] | None): Function that
        converts a text to an object. None if the format can only be read.
    suffix (str): The suffix of its files.
    shape (Shape): The types of the fields that `parse` reads.
    needs_tokens (bool): Whether `serialize` needs tokens.
    keeps_unannotated (bool): Whether the format distinguishes texts with unannotated relations from
        texts without relations.
    keeps_missing_entities (bool): Whether the format distinguishes texts with unannotated entities
        from texts without entities.
    keeps_attributes (bool): Whether the format holds attributes of entities.
    keeps_missing_attributes (bool): Whether the format distinguishes entities with unannotated
        attributes from entities without attributes.
    holds_docs (bool): Whether the format is that of docs.
    keeps_scores (Collection[str]): The probabilities that the format holds.
    keeps_identifiers (bool): Whether the format holds identifiers of entities.
    RETURNS (Format): The format.
    """
    return Format(
        name,
        description,
        suffix,
        recognizes=lambda path, item: isinstance(item, dict) and matches(item),
        read=partial(read, parse=parse, shape=shape),
        write=partial(write, serialize=serialize) if serialize else None,
        needs_tokens=needs_tokens,
        keeps_unannotated=keeps_unannotated,
        keeps_missing_entities=keeps_missing_entities,
        keeps_attributes=keeps_attributes,
        keeps_missing_attributes=keeps_missing_attributes,
        holds_docs=holds_docs,
        keeps_scores=keeps_scores,
        keeps_identifiers=keeps_identifiers,
    )


def read(
    path: AnyPath, report: ConversionReport, *, parse: Parse, shape: Shape
) -> Iterator[AnnotatedText]:
    """Read the texts of a file.

    path (Path | zipfile.Path): The file, which may be in an archive.
    report (ConversionReport): The report, to count losses.
    parse (Callable[[Any, str, ConversionReport], AnnotatedText | None]): Function that converts an
        object to a text.
    shape (Shape): The types of the fields that `parse` reads.
    YIELDS (AnnotatedText): The texts.
    RAISES (ValueError): If the file is not in this format. The message names the file, and the line
        or the number of the text.
    """
    for place, item in read_items(path, report):
        annotated = None
        with report.rejecting(), errors_at(place):
            check_object(item, shape)
            annotated = _parse_item(item, place, report, parse=parse)
        if annotated is not None:
            yield annotated


def check_object(item: Any, shape: Shape) -> None:
    """Check that an item of a file is an object, and the types of its fields.

    item (Any): The item.
    shape (Shape): The types.
    RAISES (AnnotationError): If the item is not an object, or a field has another type.
    """
    if not isinstance(item, dict):
        raise AnnotationError("not a JSON object")
    check_shape(item, shape)


def _parse_item(
    item: Any, place: str, report: ConversionReport, *, parse: Parse
) -> AnnotatedText | None:
    annotated = parse(item, place, report)
    if annotated is None:
        return None
    annotated = replace(annotated, place=place)
    _report_unread(item, annotated, report)
    check_annotations(annotated)
    return annotated


def _report_unread(item: Any, annotated: AnnotatedText, report: ConversionReport) -> None:
    for name in item.keys() & annotated.meta.keys() - DERIVED:
        if look_like_annotations(item[name]):
            reason = "fields kept as metadata although they look like annotations"
            report.choose(reason, annotated.place, repr(name))


def write(
    texts: Iterable[AnnotatedText], path: Path, report: ConversionReport, *, serialize: Serialize
) -> None:
    """Write texts to a file.

    texts (Iterable[AnnotatedText]): The texts.
    path (Path): The file.
    report (ConversionReport): The report, to count losses.
    serialize (Callable[[AnnotatedText, ConversionReport], dict[str, Any]]): Function that converts
        a text to an object.
    """
    items = (serialize(annotated, report) for annotated in texts)
    if path.suffix.lower() == ".json":
        write_json_list(path, items)
    else:
        write_json_lines(path, items)
