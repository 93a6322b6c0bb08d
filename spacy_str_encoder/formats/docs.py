"""Convert annotated texts to docs and back."""

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from ..doc.attributes import read_attribute_scores, read_attributes, write_attributes
from ..doc.codes import read_codes, write_codes
from ..doc.entities import find_gold_key, get_entities, has_entities
from ..doc.flat import first_without_overlaps
from ..doc.identifiers import Identifiers
from ..doc.languages import check_language
from ..doc.misaligned import add_misaligned, get_misaligned_entities, get_misaligned_relations
from ..doc.origin import META
from ..doc.relation import (
    Place,
    Relation,
    get_relations,
    has_relations,
    index_ends,
    place_of,
    read_score,
    relation_key,
    set_relations,
    write_score,
)
from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText
from .entities import (
    MISALIGNED,
    NOT_IN_GROUP,
    OVERLAPPING,
    describe_entity,
    keep_entities,
    report_other_groups,
    without_repeats,
)
from .report import ConversionReport
from .source_doc import SourceDoc
from .tokens import spaces_after, with_white_space


def to_docs(
    texts: Iterable[AnnotatedText],
    nlp: Language,
    report: ConversionReport,
    *,
    spans_key: str | None = None,
) -> Iterator[Doc]:
    """Convert texts to docs with entities and relations.

    texts (Iterable[AnnotatedText]): The texts. Those that were read from a doc become a copy of it,
        with its vocabulary.
    nlp (Language): The pipeline that tokenizes texts without tokens.
    report (ConversionReport): The report, to count losses: entities that do not align with tokens
        or overlap an entity that starts earlier (or is longer), and the relations of such entities.
        Entities that do not align, and their relations, stay in the user data of the doc, where
        components do not see them.
    spans_key (str | None): A span group for all entities, including overlapping ones. A doc with
        unannotated entities has no such group.
    YIELDS (Doc): The docs. `doc.ents` holds the entities without overlaps.
    """
    for annotated in texts:
        doc = _make_doc(annotated, nlp)
        whole = without_repeats(annotated, report)
        annotated, spans = _align_entities(whole, doc, report)
        aligned = {*map(place_of, spans)}
        flat = first_without_overlaps([(span.start, span.end) for span in spans])
        if annotated.has_entities:
            doc.set_ents([spans[i] for i in flat])
        if spans_key is None:
            annotated = keep_entities(annotated, set(flat), OVERLAPPING, report)
            spans = [spans[i] for i in flat]
        elif annotated.has_entities:
            doc.spans[spans_key] = spans
        _store_misaligned(whole, aligned, spans, doc, flat=spans_key is None)
        _describe_entities(whole, {*map(place_of, spans), *get_misaligned_entities(doc)}, doc)
        if annotated.has_relations:
            set_relations(doc, _restore_relations(annotated, spans))
        yield doc


def _make_doc(annotated: AnnotatedText, nlp: Language) -> Doc:
    if annotated.source is not None:
        doc = annotated.source.copy()
    elif annotated.tokens is None:
        doc = nlp.make_doc(annotated.text)
    else:
        tokens = with_white_space(annotated)
        words = [annotated.text[start:end] for start, end in tokens]
        doc = Doc(nlp.vocab, words=words, spaces=spaces_after(annotated.text, tokens))
    if annotated.meta:
        doc.user_data[META] = annotated.meta
    return doc


def _align_entities(
    annotated: AnnotatedText, doc: Doc, report: ConversionReport
) -> tuple[AnnotatedText, list[Span]]:
    """Keep the entities that align with the tokens of the doc, and return their spans as well."""
    spans = {}
    for i, entity in enumerate(annotated.entities):
        found = entity.identifiers
        span = doc.char_span(
            *entity.place, kb_id=found.get("kb_id", ""), span_id=found.get("id", "")
        )
        if span is not None:
            spans[i] = span
    return keep_entities(annotated, spans.keys(), MISALIGNED, report), list(spans.values())


def move_to_tokens(
    annotated: AnnotatedText, report: ConversionReport, *, nlp: Language, mode: str
) -> AnnotatedText:
    """Move entities that begin or end inside a token to its borders.

    annotated (AnnotatedText): The text.
    report (ConversionReport): The report, to count these entities.
    nlp (Language): The pipeline that tokenizes texts without tokens.
    mode (str): `contract` leaves the token out, `expand` takes it in
        (https://spacy.io/api/doc#char_span).
    RETURNS (AnnotatedText): The text. Entities that would be empty stay as they are.
    """
    doc = _make_doc(annotated, nlp)
    entities = []
    for i, entity in enumerate(annotated.entities):
        span = doc.char_span(entity.start, entity.end, alignment_mode=mode)
        if span and (span.start_char, span.end_char) != (entity.start, entity.end):
            case = f"{describe_entity(annotated, i)} to {span.text!r}"
            report.choose("entities moved to the borders of tokens", annotated.place, case)
            entity = replace(entity, start=span.start_char, end=span.end_char)
        entities.append(entity)
    return without_repeats(replace(annotated, entities=entities), report)


def _restore_relations(annotated: AnnotatedText, spans: list[Span]) -> list[Relation]:
    return [
        Relation(
            spans[each.head],
            spans[each.tail],
            each.label,
            1.0 if each.score is None else each.score,
            each.score_given_entities,
        )
        for each in annotated.relations
    ]


def _store_misaligned(
    annotated: AnnotatedText,
    aligned: Collection[Place],
    spans: Iterable[Span],
    doc: Doc,
    *,
    flat: bool,
) -> None:
    """Store the entities that do not align, without those that overlap others if the doc is flat,
    and their relations.
    """
    held = {*map(place_of, spans)}
    places = [entity.place for entity in annotated.entities]
    misaligned: list[Place] = []
    for place in (place for place in places if place not in aligned):
        if not (flat and _overlaps(place, (*held, *misaligned))):
            misaligned.append(place)
    ends = ((places[r.head], places[r.tail], r.label) for r in annotated.relations)
    known, stored = held.union(misaligned), {*misaligned}
    relations = [each for each in ends if known.issuperset(each[:2]) and stored & {*each[:2]}]
    add_misaligned(doc, misaligned, relations)


def _describe_entities(annotated: AnnotatedText, kept: Collection[Place], doc: Doc) -> None:
    """Store the attributes and codes of entities, and all probabilities."""
    for entity in annotated.entities:
        if entity.place in kept:
            write_attributes(doc, entity.place, entity.attributes, entity.attribute_scores)
            write_codes(doc, entity.place, entity.identifiers.get("codes"))
            if entity.score is not None:
                write_score(doc, entity.place, entity.score)


def _overlaps(place: Place, others: Iterable[Place]) -> bool:
    start, end, _ = place
    return any(other[0] < end and start < other[1] for other in others)


def from_docs(
    docs: Iterable[Doc],
    report: ConversionReport,
    *,
    name: str = "docs",
    spans_key: str | None = None,
) -> Iterator[AnnotatedText]:
    """Convert annotated docs to texts.

    docs (Iterable[Doc]): The docs.
    report (ConversionReport): The report, to count losses: entities outside of the span group, and
        relations of spans that are not entities.
    name (str): The source of the docs, for messages.
    spans_key (str | None): The span group that holds all entities. Those of a doc without this
        group are in `doc.ents`; those of all docs if None.
    YIELDS (AnnotatedText): The texts.
    """
    for number, doc in enumerate(docs, start=1):
        place = f"{name}, doc {number}"
        key = find_gold_key(doc, spans_key)
        _report_unread(doc, place, report, spans_key=key)
        is_annotated = has_entities(doc, key)
        entities = [*map(place_of, get_entities(doc, key))]
        found = get_relations(doc)
        relations = [*map(relation_key, found)]
        scores = [*map(_read_scores, found)]
        if is_annotated:
            entities += get_misaligned_entities(doc)
            relations += get_misaligned_relations(doc)
            scores += [(None, None)] * (len(relations) - len(found))
        source = SourceDoc(doc, key)
        identifiers = source.find_identifiers()
        places, indices = index_ends(entities, relations, add_ends=False)
        for (head, tail, label), ends in zip(relations, indices, strict=True):
            if ends is None:
                case = f"{doc.text[slice(*head[:2])]!r} {label} {doc.text[slice(*tail[:2])]!r}"
                report.lose("relations of spans that are not entities", place, case)
        yield AnnotatedText(
            doc.text,
            [_read_entity(doc, place, identifiers) for place in places],
            [
                AnnotatedRelation(*ends, label, *of_relation)
                for (*_, label), ends, of_relation in zip(relations, indices, scores, strict=True)
                if ends is not None
            ],
            token_offsets(doc),
            doc.user_data.get(META, {}),
            place,
            # Relations without the entities that they connect say nothing.
            has_relations=has_relations(doc) and (is_annotated or not relations),
            has_entities=is_annotated,
            source=source,
        )


def _read_entity(
    doc: Doc, place: Place, identifiers: Mapping[Place, Identifiers]
) -> AnnotatedEntity:
    scores = read_attribute_scores(doc, place) or {}
    # Gold attributes have the score 1.0.
    predicted = scores if any(score != 1.0 for score in scores.values()) else None
    return AnnotatedEntity(
        *place,
        read_attributes(doc, place),
        read_score(doc, place),
        predicted,
        identifiers.get(place) or _read_stored(doc, place),
    )


def _read_stored(doc: Doc, place: Place) -> Identifiers:
    """RETURNS (Identifiers): Those of an entity that does not align with the tokens."""
    codes = read_codes(doc, place)
    return Identifiers() if codes is None else Identifiers(codes=codes)


def _read_scores(relation: Relation) -> tuple[float | None, float | None]:
    given = relation.score_given_entities
    is_gold = relation.score == 1.0 and given is None
    return None if is_gold else relation.score, given


def _report_unread(
    doc: Doc, place: str, report: ConversionReport, *, spans_key: str | None
) -> None:
    report_other_groups(doc.spans, spans_key, place, report)
    if spans_key is not None:
        kept = {place_of(span) for span in doc.spans[spans_key]}
        for span in doc.ents:
            if place_of(span) not in kept:
                case = f"{span.text!r} ({span.label_})"
                report.lose(NOT_IN_GROUP, place, case)


def token_offsets(doc: Doc) -> list[tuple[int, int]]:
    """Get the character offsets of the tokens of a doc.

    doc (Doc): The doc.
    RETURNS (list[tuple[int, int]]): The character offsets of its tokens, without whitespace.
    """
    return [(token.idx, token.idx + len(token)) for token in doc if not token.text.isspace()]


def with_tokens(texts: Iterable[AnnotatedText], nlp: Language) -> Iterator[AnnotatedText]:
    """Tokenize the texts that have no tokens.

    texts (Iterable[AnnotatedText]): The texts.
    nlp (Language): The pipeline with the tokenizer.
    YIELDS (AnnotatedText): The texts, all with tokens.
    """
    for annotated in texts:
        if annotated.tokens is None:
            annotated = replace(annotated, tokens=token_offsets(nlp.make_doc(annotated.text)))
        yield annotated


def make_tokenizer(language: str | None) -> Language:
    """Create a pipeline that only tokenizes.

    language (str | None): The code of the language, such as `zh`. If None, a text that needs
        tokenization raises an error, since no language suits all texts.
    RETURNS (Language): The pipeline.
    RAISES (ValueError): If spaCy does not know the language.
    """
    if language is not None:
        check_language(language)
    nlp = spacy.blank(language or "xx")
    # The limit protects models, and only the tokenizer runs here.
    nlp.max_length = sys.maxsize
    if language is None:
        nlp.tokenizer = _ask_for_language
    return nlp


def _ask_for_language(text: str) -> Doc:
    raise ValueError("the texts have no tokens; set their language, such as --lang en or --lang zh")
