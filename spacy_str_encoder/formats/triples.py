"""Relations given by the strings of their entities, without offsets."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from .annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    check_string,
    in_text_order,
)
from .entities import keep_entities, keep_relations
from .occurrences import Find, find_all, find_closest
from .report import ConversionReport

# The label of entities without a type.
LABEL = "Entity"
UNTYPED = f"entities without a type, read as '{LABEL}'"


class Triple(NamedTuple):
    """Relation and its two entities, without offsets."""

    subject: str
    subject_type: str
    predicate: str
    object: str
    object_type: str

    def __str__(self) -> str:
        return f"{self.subject!r} {self.predicate} {self.object!r}"


def check_triple(triple: Triple) -> None:
    """Check that all parts of a triple are strings.

    triple (Triple): The triple.
    RAISES (AnnotationError): If one is not a string, or is empty.
    """
    for name, value in triple._asdict().items():
        check_string(f"the {name} of a triple", value, empty=False)


def place_triples(
    text: Any,
    triples: Iterable[Triple],
    place: str,
    report: ConversionReport,
    *,
    find: Find = find_all,
) -> AnnotatedText:
    """Find the entities of triples.

    text (Any): The text.
    triples (Iterable[Triple]): The triples.
    place (str): The location of the text.
    report (ConversionReport): The report, to count triples whose place is unknown.
    find (Callable[[str, str], list[tuple[int, int]]]): Function that finds a string in the text.
    RETURNS (AnnotatedText): The text with the entities and relations that are found.
    """
    check_string("the text", text)
    index: dict[AnnotatedEntity, int] = {}
    relations = []
    for triple in triples:
        if entities := _locate(triple, text, place, report, find):
            head, tail = (index.setdefault(entity, len(index)) for entity in entities)
            relations.append(AnnotatedRelation(head, tail, triple.predicate))
    return in_text_order(AnnotatedText(text, list(index), relations))


def _locate(
    triple: Triple, text: str, place: str, report: ConversionReport, find: Find
) -> list[AnnotatedEntity]:
    """Find the subject and the object; return neither if their position is unknown."""
    strings = triple.subject, triple.object
    pairs = find_closest(text, *strings, find=find)
    if not pairs:
        missing = ", ".join(_describe_missing(s, text) for s in strings if s not in text)
        report.lose("triples with a string that is not in the text", place, f"{triple}: {missing}")
        return []
    if len(pairs) > 1:
        report.lose("triples with several possible positions", place, f"{triple}")
        return []
    if any(len(find(text, string)) > 1 for string in strings):
        reason = "triples with a repeated string, read where subject and object are closest"
        report.choose(reason, place, f"{triple}")
    [(subject, object_)] = pairs
    return [
        AnnotatedEntity(*subject, triple.subject_type),
        AnnotatedEntity(*object_, triple.object_type),
    ]


def _describe_missing(string: str, text: str) -> str:
    in_other_case = string.lower() in text.lower()
    return f"{string!r} only in different case" if in_other_case else f"no {string!r}"


def keep_findable(
    annotated: AnnotatedText, report: ConversionReport, *, find: Find = find_all
) -> AnnotatedText:
    """Keep the relations that are found again by their strings, and the entities of these.

    annotated (AnnotatedText): The text.
    report (ConversionReport): The report, to count other relations and entities.
    find (Callable[[str, str], list[tuple[int, int]]]): Function that finds a string in the text.
    RETURNS (AnnotatedText): A text with the remaining annotations.
    """
    relations = annotated.relations
    findable = [i for i, each in enumerate(relations) if _is_found_again(annotated, each, find)]
    reason = "relations whose strings would be read at another position"
    annotated = keep_relations(annotated, findable, reason, report)
    connected = {i for relation in annotated.relations for i in (relation.head, relation.tail)}
    return keep_entities(annotated, connected, "entities without relations", report)


def _is_found_again(annotated: AnnotatedText, relation: AnnotatedRelation, find: Find) -> bool:
    head, tail = annotated.entities[relation.head], annotated.entities[relation.tail]
    strings = (annotated.text[entity.start : entity.end] for entity in (head, tail))
    return find_closest(annotated.text, *strings, find=find) == [
        ((head.start, head.end), (tail.start, tail.end))
    ]
