"""Write UIMA CAS XMI."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...doc.origin import ID
from ..annotated_text import AnnotatedText
from ..document_names import name_documents
from ..entities import keep_entities, keep_relations
from ..fields import lose_other_fields
from ..report import ConversionReport
from .files import TYPE_SYSTEM
from .types import (
    ANNOTATION,
    DOCUMENT,
    DOCUMENT_ID,
    ENTITY,
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

TYPES: dict[str, tuple[str, dict[str, str]]] = {
    DOCUMENT: ("uima.tcas.DocumentAnnotation", dict.fromkeys((TITLE, *META), STRING)),
    TOKEN: (ANNOTATION, {}),
    ENTITY: (ANNOTATION, {"value": STRING, "identifier": STRING}),
    RELATION: (ANNOTATION, {TAIL: ENTITY, HEAD: ENTITY, "label": STRING}),
}
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
    type_system = _make_type_system()
    path.mkdir()
    type_system.to_xml(path / TYPE_SYSTEM)
    for name, annotated in name_documents(texts, report):
        if unwritable := UNWRITABLE.search(annotated.text):
            case = f"{unwritable[0]!r} at {unwritable.start()}"
            report.lose("texts with characters that XML can't represent", annotated.place, case)
        else:
            target = path / f"{name}.xmi"
            target.parent.mkdir(parents=True, exist_ok=True)
            meta = _select_meta(annotated, name, report)
            _make_cas(_select(annotated, report), meta, type_system).to_xmi(target)


def _make_type_system() -> Any:
    type_system = import_cassis().TypeSystem()
    for name, (supertype, _) in TYPES.items():
        type_system.create_type(name, supertype)
    for name, (_, features) in TYPES.items():
        for feature, range_ in features.items():
            type_system.create_feature(name, feature, range_)
    return type_system


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
    return keep_relations(annotated, kept, reason, report)


def _select_meta(annotated: AnnotatedText, name: str, report: ConversionReport) -> dict[str, str]:
    fields = {
        key: value
        for key, value in annotated.meta.items()
        if key in (ID, *META, LANGUAGE) and isinstance(value, str) and not UNWRITABLE.search(value)
    }
    lose_other_fields("the metadata", annotated.meta, {ID, *fields}, annotated.place, report)
    title = fields.pop(ID, name)
    return {TITLE: title, DOCUMENT_ID: title, **fields}


def _make_cas(annotated: AnnotatedText, meta: dict[str, str], type_system: Any) -> Any:
    types = {name: type_system.get_type(name) for name in TYPES}
    cas = import_cassis().Cas(type_system, sofa_string=annotated.text)
    cas.add(types[DOCUMENT](begin=0, end=len(annotated.text), **meta))
    # The ids follow the order in which annotations are added, so tokens, spans and relations are
    # added in this order.
    cas.add_all(types[TOKEN](begin=start, end=end) for start, end in annotated.tokens or [])
    spans = [types[ENTITY](begin=e.start, end=e.end, value=e.label) for e in annotated.entities]
    cas.add_all(spans)
    for relation in annotated.relations:
        head, tail = spans[relation.head], spans[relation.tail]
        ends = {"begin": tail.begin, "end": tail.end, HEAD: head, TAIL: tail}
        cas.add(types[RELATION](label=relation.label, **ends))
    return cas
