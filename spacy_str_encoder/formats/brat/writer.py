"""Write brat standoff."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ...doc.origin import ID
from ..annotated_text import AnnotatedEntity, AnnotatedText
from ..document_names import name_documents
from ..entities import keep_entities, keep_relations
from ..fields import lose_other_fields
from ..report import ConversionReport

# Names that brat lets a configuration define. A line of hyphens draws a line in its dialogs.
DEFINABLE = re.compile(r"[A-Za-z0-9_-]*[A-Za-z0-9_][A-Za-z0-9_-]*")
ANY_TWO = "Arg1:<ENTITY>, Arg2:<ENTITY>"


def write(texts: Iterable[AnnotatedText], path: Path, report: ConversionReport) -> None:
    """Write each text as a .txt and an .ann, and the annotation.conf that brat needs.

    texts (Iterable[AnnotatedText]): The texts. A document is named after the `id` in its metadata
        if that is a valid name.
    path (Path): The folder. It must not exist yet.
    report (ConversionReport): The report, to count losses.
    """
    path.mkdir()
    types: set[str] = set()
    labels: set[str] = set()
    for name, annotated in name_documents(texts, report):
        annotated = _select(annotated, report)
        types |= {entity.label for entity in annotated.entities}
        labels |= {relation.label for relation in annotated.relations}
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        _write_file(path / f"{name}.txt", annotated.text)
        _write_file(path / f"{name}.ann", "".join(_serialize(annotated)))
    _write_file(path / "annotation.conf", "".join(_configure(types, labels, report)))


def _write_file(path: Path, content: str) -> None:
    path.write_bytes(content.encode())


def _select(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    """Keep the annotations that brat can hold."""
    lose_other_fields("the metadata", annotated.meta, (ID,), annotated.place, report)
    kept = {i for i, entity in enumerate(annotated.entities) if _is_word(entity.label)}
    annotated = keep_entities(annotated, kept, "entities whose type contains whitespace", report)
    kept = {i for i, entity in enumerate(annotated.entities) if _is_whole(annotated.text, entity)}
    annotated = keep_entities(
        annotated, kept, "entities that begin or end with a line break", report
    )
    kept = {i for i, relation in enumerate(annotated.relations) if _is_word(relation.label)}
    return keep_relations(annotated, kept, "relations whose label contains whitespace", report)


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


def _configure(types: set[str], labels: set[str], report: ConversionReport) -> Iterator[str]:
    for label in sorted(types | labels):
        if not DEFINABLE.fullmatch(label):
            reason = "labels that brat shows but can't define, with characters other than letters "
            report.choose(reason + "a-z, digits, hyphens and underscores", "annotation.conf", label)
    yield "[entities]\n"
    yield from (f"{label}\n" for label in sorted(types) if DEFINABLE.fullmatch(label))
    # The first line lets entities overlap.
    yield f"\n[relations]\n<OVERLAP>\t{ANY_TWO}, <OVL-TYPE>:<ANY>\n"
    yield from (f"{label}\t{ANY_TWO}\n" for label in sorted(labels) if DEFINABLE.fullmatch(label))
    yield "\n[events]\n\n[attributes]\n"
