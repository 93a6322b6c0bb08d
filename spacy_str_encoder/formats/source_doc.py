"""Docs that texts were read from, and what they hold beside text, entities and relations."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc

from ..doc import attributes, codes, misaligned, records, relation, relation_index
from ..doc.identifiers import Identifiers, get_identifiers
from ..doc.origin import META
from ..doc.plurals import count_noun
from ..doc.relation import Place, place_of
from ..doc.user_data import drop_values, is_key
from .report import ConversionReport

# The user data that texts hold.
HELD = (
    relation_index.RELATIONS,
    relation.RELATIONS_SET,
    attributes.ATTRIBUTES,
    codes.CODES,
    misaligned.ENTITIES,
    misaligned.RELATIONS,
)
OWN = (*HELD, relation.SCORES, records.SETTINGS)
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

    def find_identifiers(self) -> dict[Place, Identifiers]:
        """RETURNS (dict[tuple[int, int, str], Identifiers]): The identifiers of entities by their
        place, those in the span group before those in `doc.ents`.
        """
        groups = [self.doc.spans[self.spans_key]] if self.spans_key is not None else []
        found: dict[Place, Identifiers] = {}
        for spans in (self.doc.ents, *groups):
            for span in spans:
                found.setdefault(place_of(span), Identifiers()).update(get_identifiers(span))
        return found


def report_extras(source: SourceDoc, place: str, report: ConversionReport) -> None:
    """Report what a doc holds beside text, entities and relations. Span groups that are not read
    have been reported when they were not.

    source (SourceDoc): The doc.
    place (str): Its location.
    report (ConversionReport): The report.
    """
    doc = source.doc
    for reason, cases in (
        ("texts with categories", map(repr, doc.cats)),
        ("texts with sentence starts", _describe_sentences(doc)),
        ("texts with annotations of tokens", _list_of_tokens(doc)),
    ):
        if case := ", ".join(cases):
            report.lose_other(reason, place, case)
    for case in _describe_user_data(doc):
        report.lose_other("other user data of docs", place, case)


def _list_of_tokens(doc: Doc) -> list[str]:
    # To spaCy, a doc without tokens has all annotations.
    return [name for name in OF_TOKENS if len(doc) and doc.has_annotation(name)]


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
