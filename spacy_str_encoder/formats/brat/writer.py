"""Write brat standoff."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...doc.origin import ID
from ..annotated_text import AnnotatedEntity, AnnotatedText
from ..document_names import name_documents
from ..entities import keep_attributes, keep_entities, keep_relations
from ..fields import lose_meta
from ..report import ConversionReport
from .lines import BINARY
from .notes import list_notes

# Names that brat lets a configuration define. A line of hyphens draws a line in its dialogs.
DEFINABLE = re.compile(r"[A-Za-z0-9_-]*[A-Za-z0-9_][A-Za-z0-9_-]*")
# Values of attributes are not restricted, but these characters separate them.
DEFINABLE_VALUE = re.compile(r"[^,|]+")
ANY_TWO = "Arg1:<ENTITY>, Arg2:<ENTITY>"


@dataclass
class Vocabulary:
    """Labels of all documents, to define in the configuration.

    types (set[str]): The types of entities.
    labels (set[str]): The labels of relations.
    attributes (dict[str, set[str]]): The values of attributes by name.
    """

    types: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    attributes: dict[str, set[str]] = field(default_factory=dict)

    def add(self, annotated: AnnotatedText) -> None:
        """Add the labels of a document.

        annotated (AnnotatedText): The document.
        """
        self.types |= {entity.label for entity in annotated.entities}
        self.labels |= {relation.label for relation in annotated.relations}
        for entity in annotated.entities:
            for name, value in (entity.attributes or {}).items():
                self.attributes.setdefault(name, set()).add(value)


def write(texts: Iterable[AnnotatedText], path: Path, report: ConversionReport) -> None:
    """Write each text as a .txt and an .ann, and the annotation.conf that brat needs.

    texts (Iterable[AnnotatedText]): The texts. A document is named after the `id` in its metadata
        if that is a valid name.
    path (Path): The folder. It must not exist yet.
    report (ConversionReport): The report, to count losses.
    """
    path.mkdir()
    vocabulary = Vocabulary()
    for name, annotated in name_documents(texts, report):
        annotated = _select(annotated, report)
        vocabulary.add(annotated)
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        _write_file(path / f"{name}.txt", annotated.text)
        _write_file(path / f"{name}.ann", "".join(_serialize(annotated)))
    _write_file(path / "annotation.conf", "".join(_configure(vocabulary, report)))


def _write_file(path: Path, content: str) -> None:
    path.write_bytes(content.encode())


def _select(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    """Keep the annotations that brat can hold."""
    lose_meta(annotated, (ID,), report)
    kept = {i for i, entity in enumerate(annotated.entities) if _is_word(entity.label)}
    annotated = keep_entities(annotated, kept, "entities whose type contains whitespace", report)
    kept = {i for i, entity in enumerate(annotated.entities) if _is_whole(annotated.text, entity)}
    annotated = keep_entities(
        annotated, kept, "entities that begin or end with a line break", report
    )
    kept = {i for i, relation in enumerate(annotated.relations) if _is_word(relation.label)}
    annotated = keep_relations(annotated, kept, "relations whose label contains whitespace", report)
    reason = "attributes whose name or value contains whitespace"
    return keep_attributes(
        annotated, lambda name, value: _is_word(name) and _is_word(value), reason, report
    )


def _is_word(label: str) -> bool:
    return label.split() == [label]


def _is_whole(text: str, entity: AnnotatedEntity) -> bool:
    pieces = _cut(text, entity)
    return bool(pieces) and (pieces[0][0], pieces[-1][1]) == (entity.start, entity.end)


def _cut(text: str, entity: AnnotatedEntity) -> list[tuple[int, int]]:
    """Split an entity at line breaks, since brat can't read it in one piece."""
    pieces, start = [], entity.start
    surface = text[entity.start : entity.end]
    for line, whole_line in zip(
        surface.splitlines(), surface.splitlines(keepends=True), strict=True
    ):
        if line:
            pieces.append((start, start + len(line)))
        start += len(whole_line)
    return pieces


def _serialize(annotated: AnnotatedText) -> Iterator[str]:
    for number, entity in enumerate(annotated.entities, start=1):
        pieces = _cut(annotated.text, entity)
        offsets = ";".join(f"{start} {end}" for start, end in pieces)
        surface = " ".join(annotated.text[start:end] for start, end in pieces)
        yield f"T{number}\t{entity.label} {offsets}\t{surface}\n"
    for number, relation in enumerate(annotated.relations, start=1):
        arguments = f"Arg1:T{relation.head + 1} Arg2:T{relation.tail + 1}"
        yield f"R{number}\t{relation.label} {arguments}\n"
    for number, attribute in enumerate(_list_attributes(annotated), start=1):
        yield f"A{number}\t{attribute}\n"
    for number, note in enumerate(list_notes(annotated.entities, annotated.relations), start=1):
        yield f"#{number}\t{note}\n"


def _list_attributes(annotated: AnnotatedText) -> Iterator[str]:
    for number, entity in enumerate(annotated.entities, start=1):
        for name, value in (entity.attributes or {}).items():
            yield f"{name} T{number}" if value == BINARY else f"{name} T{number} {value}"


def _configure(vocabulary: Vocabulary, report: ConversionReport) -> Iterator[str]:
    types, labels, attributes = vocabulary.types, vocabulary.labels, vocabulary.attributes
    _report_undefined(vocabulary, report)
    yield "[entities]\n"
    yield from (f"{label}\n" for label in _definable(types))
    # The first line lets entities overlap.
    yield f"\n[relations]\n<OVERLAP>\t{ANY_TWO}, <OVL-TYPE>:<ANY>\n"
    yield from (f"{label}\t{ANY_TWO}\n" for label in _definable(labels))
    yield "\n[events]\n\n[attributes]\n"
    for name in _definable(attributes):
        values = [each for each in sorted(attributes[name]) if DEFINABLE_VALUE.fullmatch(each)]
        if values == [BINARY]:
            yield f"{name}\tArg:<ENTITY>\n"
        elif values:
            yield f"{name}\tArg:<ENTITY>, Value:{'|'.join(values)}\n"


def _definable(labels: Collection[str]) -> list[str]:
    return [label for label in sorted(labels) if DEFINABLE.fullmatch(label)]


def _report_undefined(vocabulary: Vocabulary, report: ConversionReport) -> None:
    labels = {*vocabulary.types, *vocabulary.labels, *vocabulary.attributes}
    for label in sorted(labels.difference(_definable(labels))):
        reason = "labels that brat shows but can't define, with characters other than letters "
        report.choose(reason + "a-z, digits, hyphens and underscores", "annotation.conf", label)
    for name in sorted(vocabulary.attributes):
        for value in sorted(vocabulary.attributes[name]):
            if not DEFINABLE_VALUE.fullmatch(value):
                reason = "values of attributes that brat shows but can't define, with a comma or |"
                report.choose(reason, "annotation.conf", f"{name}={value}")
