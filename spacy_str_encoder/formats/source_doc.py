"""Docs that texts were read from, and what they hold beside text, entities and relations."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc

from ..doc import attributes, codes, misaligned, records, relation, relation_index
from ..doc.origin import META
from ..doc.plurals import count_noun
from ..doc.relation import Place, place_of
from ..doc.user_data import drop_values, find_values, is_key
from .report import ConversionReport

# The user data that texts hold.
HELD = (
    relation_index.RELATIONS,
    relation.RELATIONS_SET,
    attributes.ATTRIBUTES,
    misaligned.ENTITIES,
    misaligned.RELATIONS,
)
OWN = (*HELD, relation.SCORES, records.SETTINGS, codes.CODES)
OF_TOKENS = ("TAG", "POS", "MORPH", "LEMMA", "DEP")


@dataclass(frozen=True)
class SourceDoc:
    """Doc that a text was read from.

    doc (Doc): The doc.
    spans_key (str | None): The span group that its entities were read from; `doc.ents` if None.
    """

    doc: Doc
    spans_key: str | None

    def copy(self) -> Doc:
        """RETURNS (Doc): A copy of the doc, with the same vocabulary, without its span group of
        entities and the user data that texts hold.
        """
        doc = self.doc.copy()
        if self.spans_key is not None:
            del doc.spans[self.spans_key]
        drop_values(doc, *HELD)
        return doc

    def find_ids(self) -> dict[Place, tuple[str, str]]:
        """RETURNS (dict[tuple[int, int, str], tuple[str, str]]): The identifiers of entities by
        their place: those of a knowledge base, and those of spans.
        """
        groups = [self.doc.spans[self.spans_key]] if self.spans_key is not None else []
        found: dict[Place, tuple[str, str]] = {}
        for spans in (self.doc.ents, *groups):
            for span in spans:
                kb_id, span_id = found.get(place_of(span), ("", ""))
                found[place_of(span)] = span.kb_id_ or kb_id, span.id_ or span_id
        return found


def report_extras(source: SourceDoc, place: str, report: ConversionReport) -> None:
    """Report what a doc holds beside text, entities and relations. Span groups that are not read
    have been reported when they were not.

    source (SourceDoc): The doc.
    place (str): Its location.
    report (ConversionReport): The report.
    """
    doc = source.doc
    for (start, end, label), ids in source.find_ids().items():
        for reason, value in zip(IDENTIFIERS, ids, strict=True):
            if value:
                report.lose_other(reason, place, f"{value!r} of {doc.text[start:end]!r} ({label})")
    for reason, cases in (
        ("codes of entities", _describe_codes(doc)),
        ("texts with categories", map(repr, doc.cats)),
        ("texts with sentence starts", _describe_sentences(doc)),
        ("texts with annotations of tokens", _list_of_tokens(doc)),
    ):
        if case := ", ".join(cases):
            report.lose_other(reason, place, case)
    for case in _describe_user_data(doc):
        report.lose_other("other user data of docs", place, case)


IDENTIFIERS = "knowledge base identifiers of entities", "identifiers of entities"


def _list_of_tokens(doc: Doc) -> list[str]:
    # To spaCy, a doc without tokens has all annotations.
    return [name for name in OF_TOKENS if len(doc) and doc.has_annotation(name)]


def _describe_codes(doc: Doc) -> Iterator[str]:
    for _, by_label in find_values(doc, codes.CODES):
        for label, found in by_label.items():
            yield from (f"{code} ({label})" for code, *_ in found)


def _describe_sentences(doc: Doc) -> Iterator[str]:
    # Nor can sentences be missing in a doc of one token.
    if len(doc) > 1 and doc.has_annotation("SENT_START"):
        yield count_noun(sum(token.is_sent_start is True for token in doc), "sentence")


def _describe_user_data(doc: Doc) -> Iterator[str]:
    keys: Iterable[Any] = doc.user_data
    for key in keys:
        if isinstance(key, tuple) and len(key) == 4 and key[0] == "._.":
            _, name, start, end = key
            if not is_key(key, *OWN):
                yield f"doc._.{name}" if start is None else f"._.{name} at {start}-{end}"
        elif key != META:
            yield repr(key)
