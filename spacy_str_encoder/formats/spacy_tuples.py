"""Training data of spaCy v2, as JSON.

A list of `[text, {"entities": [[start, end, label]]}]`, or an object of ner-annotator
(https://github.com/tecoholic/ner-annotator) with this list as `"annotations"`, where null stands
for a text that was not annotated. Some lack its `"classes"`. Offsets count characters (exclusive
end), but those of ner-annotator, which runs in a browser, UTF-16 code units. Without `"entities"`,
the entities of the text are unannotated. There are no relations and no attributes, and spaCy
accepts no overlapping entities. Other annotations, such as `"cats"` and `"links"`, are left out.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..files.whole import write_json_list
from .annotated_text import (
    AnnotatedEntity,
    AnnotatedText,
    AnnotationError,
    check_annotations,
    check_string,
    errors_at,
)
from .entities import without_overlaps, without_relations, without_repeats
from .fields import lose_meta, lose_other_fields
from .format import Format
from .reading import read_items
from .report import ConversionReport
from .shapes import check_shape
from .utf16 import from_utf16

# The labels of ner-annotator are those of its annotations, and some that were not used.
FILE_FIELDS = ("classes", "annotations")


def recognizes(path: Path, item: Any) -> bool:
    """Recognize a text in a list with its annotations, or the object of ner-annotator."""
    if not isinstance(item, dict):
        return _is_pair(item)
    pairs = item.get("annotations")
    return isinstance(pairs, list) and ("classes" in item or any(map(_is_pair, pairs)))


def _is_pair(item: Any) -> bool:
    is_pair = isinstance(item, list) and list(map(type, item)) == [str, dict]
    return is_pair and isinstance(item[1].get("entities", []), list)


def read(path: Path, report: ConversionReport) -> Iterator[AnnotatedText]:
    """Read the texts of a file.

    path (Path): The file.
    report (ConversionReport): The report, to count losses.
    YIELDS (AnnotatedText): The texts.
    RAISES (ValueError): If the file is not in this format. The message names the file and the
        number of the text.
    """
    for place, item in read_items(path, report):
        if recognizes(path, item) and isinstance(item, dict):
            lose_other_fields("files", item, FILE_FIELDS, place, report)
            for number, pair in enumerate(item["annotations"], start=1):
                yield from _read_pair(pair, f"{path}, text {number}", report, utf16=True)
        else:
            yield from _read_pair(item, place, report)


def _read_pair(
    pair: Any, place: str, report: ConversionReport, *, utf16: bool = False
) -> Iterator[AnnotatedText]:
    if pair is None:
        report.lose_other("unannotated texts, which the file lacks", place, "null")
        return
    annotated = None
    with report.rejecting(), errors_at(place):
        annotated = _parse(pair, place, report, utf16=utf16)
    if annotated is not None:
        yield annotated


def _parse(pair: Any, place: str, report: ConversionReport, *, utf16: bool) -> AnnotatedText:
    if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], dict)):
        raise AnnotationError(f"must be a list of a text and an object, got {repr(pair)[:80]}")
    text, annotations = pair
    check_string("the text", text)
    check_shape(annotations, {"entities": [(int, int, str)]})
    lose_other_fields("texts", annotations, ("entities",), place, report)
    entities = _parse_entities(text, annotations.get("entities", []), utf16=utf16)
    known = "entities" in annotations
    annotated = AnnotatedText(
        text, entities, [], place=place, has_relations=False, has_entities=known
    )
    check_annotations(annotated)
    return annotated


def _parse_entities(text: str, entities: list[Any], *, utf16: bool) -> list[AnnotatedEntity]:
    spans = [(start, end) for start, end, _ in entities]
    labels = [label for *_, label in entities]
    spans = from_utf16(text, spans) if utf16 else spans
    return [AnnotatedEntity(*span, label) for span, label in zip(spans, labels, strict=True)]


def write(texts: Iterable[AnnotatedText], path: Path, report: ConversionReport) -> None:
    """Write texts to a file.

    texts (Iterable[AnnotatedText]): The texts.
    path (Path): The file.
    report (ConversionReport): The report, to count losses.
    """
    write_json_list(path, (_serialize(annotated, report) for annotated in texts))


def _serialize(annotated: AnnotatedText, report: ConversionReport) -> list[Any]:
    annotated = without_repeats(without_relations(annotated, report), report)
    annotated = without_overlaps(annotated, report)
    lose_meta(annotated, (), report)
    entities = [each.place for each in annotated.entities]
    return [annotated.text, {"entities": entities} if annotated.has_entities else {}]


FORMAT = Format(
    "spacy-tuples",
    "training data of spaCy v2 (JSON)",
    ".json",
    recognizes=recognizes,
    read=read,
    write=write,
    keeps_unannotated=True,
    keeps_missing_entities=True,
)
