"""Write UIMA CAS XMI."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count
from keyword import kwlist
from pathlib import Path
from typing import Any

from ...doc.origin import ID
from ..annotated_text import AnnotatedText
from ..document_names import name_documents
from ..entities import keep_attributes, keep_entities, keep_relations
from ..fields import lose_meta
from ..report import ConversionReport
from ..scores import DECIMALS, GIVEN_ENTITIES, SCORE, has_scores
from .files import TYPE_SYSTEM
from .layers import IDENTIFIER
from .types import (
    ANNOTATION,
    DOCUMENT,
    DOCUMENT_ID,
    ENTITY,
    ENTITY_WITH_ATTRIBUTES,
    FLOAT,
    HEAD,
    LANGUAGE,
    META,
    RELATION,
    STRING,
    TAIL,
    TITLE,
    TOKEN,
    import_cassis,
)

LABEL = "value"
FEATURE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# Names of features that have a meaning of their own, in UIMA or in dkpro-cassis.
RESERVED = {LABEL, IDENTIFIER, "label", "sofa", "begin", "end", "type", "self", "xmiID"}
RESERVED |= {"get", "set", "get_covered_text", *kwlist}
# Characters that XML 1.0 can't represent.
UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# INCEpTION rejects a document with an annotation that begins or ends with one of these.
BLANK = r"[\s\u200b-\u200f\u202a-\u202e\u2060-\u206f]"
BLANK_ENDED = re.compile(rf"{BLANK}|.*{BLANK}\Z", re.DOTALL)


def write(texts: Iterable[AnnotatedText], path: Path, report: ConversionReport) -> None:
    """Write each text as an .xmi, and their common type system.

    texts (Iterable[AnnotatedText]): The texts.
    path (Path): The folder. It must not exist yet.
    report (ConversionReport): The report, to count losses.
    RAISES (ImportError): If dkpro-cassis is not installed.
    """
    import_cassis()
    path.mkdir()
    # The type system must define all attributes before the first text is written.
    documents = list(_select_documents(texts, report))
    schema = Schema(
        sorted({name for _, each in documents for name in _attribute_names(each)}),
        has_scores=any(has_scores(each) for _, each in documents),
    )
    type_system = schema.make_type_system()
    type_system.to_xml(path / TYPE_SYSTEM)
    for name, annotated in documents:
        target = path / f"{name}.xmi"
        target.parent.mkdir(parents=True, exist_ok=True)
        meta = _select_meta(annotated, name, report)
        _make_cas(annotated, meta, schema, type_system).to_xmi(target)


@dataclass(frozen=True)
class Schema:
    """Types of annotations, and their features.

    attributes (Collection[str]): The names of all attributes.
    has_scores (bool): Whether there are predictions with scores.
    """

    attributes: Collection[str]
    has_scores: bool

    @property
    def entity(self) -> str:
        """RETURNS (str): The type of entities."""
        return ENTITY_WITH_ATTRIBUTES if self.attributes or self.has_scores else ENTITY

    @property
    def score(self) -> str:
        """RETURNS (str): The feature of entities with their score."""
        names = chain([SCORE], (f"{SCORE}_{i}" for i in count(2)))
        return next(name for name in names if name not in self.attributes)

    @property
    def types(self) -> dict[str, tuple[str, dict[str, str]]]:
        """RETURNS (dict[str, tuple[str, dict[str, str]]]): The supertype of each type, and the
        ranges of its features.
        """
        others = (IDENTIFIER,) if self.entity == ENTITY else self.attributes
        scores = [self.score] if self.has_scores else []
        of_relations = [SCORE, GIVEN_ENTITIES] if self.has_scores else []
        relation = {TAIL: self.entity, HEAD: self.entity, "label": STRING}
        return {
            DOCUMENT: ("uima.tcas.DocumentAnnotation", dict.fromkeys((TITLE, *META), STRING)),
            TOKEN: (ANNOTATION, {}),
            self.entity: (
                ANNOTATION,
                dict.fromkeys((LABEL, *others), STRING) | dict.fromkeys(scores, FLOAT),
            ),
            RELATION: (ANNOTATION, relation | dict.fromkeys(of_relations, FLOAT)),
        }

    def make_type_system(self) -> Any:
        """RETURNS (TypeSystem): The type system of dkpro-cassis."""
        type_system = import_cassis().TypeSystem()
        for name, (supertype, _) in self.types.items():
            type_system.create_type(name, supertype)
        for name, (_, features) in self.types.items():
            for feature, range_ in features.items():
                type_system.create_feature(name, feature, range_)
        return type_system


def _attribute_names(annotated: AnnotatedText) -> Iterator[str]:
    for entity in annotated.entities:
        yield from entity.attributes or {}


def _select_documents(
    texts: Iterable[AnnotatedText], report: ConversionReport
) -> Iterator[tuple[str, AnnotatedText]]:
    for name, annotated in name_documents(texts, report):
        if unwritable := UNWRITABLE.search(annotated.text):
            case = f"{unwritable[0]!r} at {unwritable.start()}"
            report.lose_text(
                "texts with characters that XML can't represent", annotated.place, case
            )
        else:
            yield name, _select(annotated, report)


def _select(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    """Keep the entities and relations that INCEpTION accepts."""
    kept = {i for i, entity in enumerate(annotated.entities) if not UNWRITABLE.search(entity.label)}
    reason = "entities whose type has characters that XML can't represent"
    annotated = keep_entities(annotated, kept, reason, report)
    kept = {
        i
        for i, entity in enumerate(annotated.entities)
        if not BLANK_ENDED.match(annotated.text, entity.start, entity.end)
    }
    annotated = keep_entities(annotated, kept, "entities that begin or end with whitespace", report)
    kept = {i for i, each in enumerate(annotated.relations) if not UNWRITABLE.search(each.label)}
    reason = "relations whose label has characters that XML can't represent"
    return _select_attributes(keep_relations(annotated, kept, reason, report), report)


def _select_attributes(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    reason = "attributes whose name can't be that of a feature"
    annotated = keep_attributes(annotated, lambda name, _: _is_feature(name), reason, report)
    reason = "attributes whose value has characters that XML can't represent"
    return keep_attributes(annotated, lambda _, value: not UNWRITABLE.search(value), reason, report)


def _is_feature(name: str) -> bool:
    return name not in RESERVED and bool(FEATURE.fullmatch(name))


def _select_meta(annotated: AnnotatedText, name: str, report: ConversionReport) -> dict[str, str]:
    fields = {
        key: value
        for key, value in annotated.meta.items()
        if key in (ID, *META, LANGUAGE) and isinstance(value, str) and not UNWRITABLE.search(value)
    }
    lose_meta(annotated, {ID, *fields}, report)
    title = fields.pop(ID, name)
    return {TITLE: title, DOCUMENT_ID: title, **fields}


def _make_cas(
    annotated: AnnotatedText, meta: dict[str, str], schema: Schema, type_system: Any
) -> Any:
    types = {name: type_system.get_type(name) for name in schema.types}
    cas = import_cassis().Cas(type_system, sofa_string=annotated.text)
    cas.add(types[DOCUMENT](begin=0, end=len(annotated.text), **meta))
    # The ids follow the order in which annotations are added, so tokens, spans and relations are
    # added in this order.
    cas.add_all(types[TOKEN](begin=start, end=end) for start, end in annotated.tokens or [])
    spans = [
        types[schema.entity](
            begin=each.start,
            end=each.end,
            **{LABEL: each.label},
            **(each.attributes or {}),
            **_round({schema.score: each.score}),
        )
        for each in annotated.entities
    ]
    cas.add_all(spans)
    for relation in annotated.relations:
        head, tail = spans[relation.head], spans[relation.tail]
        ends = {"begin": tail.begin, "end": tail.end, HEAD: head, TAIL: tail}
        scores = {SCORE: relation.score, GIVEN_ENTITIES: relation.score_given_entities}
        cas.add(types[RELATION](label=relation.label, **ends, **_round(scores)))
    return cas


def _round(scores: dict[str, float | None]) -> dict[str, float]:
    """Round the scores that there are. A feature that nobody set is 0, so none becomes 0."""
    least = 10**-DECIMALS
    known = {name: score for name, score in scores.items() if score is not None}
    return {name: max(round(score, DECIMALS), least) for name, score in known.items()}
