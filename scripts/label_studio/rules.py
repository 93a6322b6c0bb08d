"""Pipeline of rules, which predicts the same on each machine: entities, relations and attributes,
with scores. Its components are known where this file is imported, or given with `--code`.
"""

import re
from itertools import pairwise
from typing import ClassVar

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_str_encoder import Relation, set_relations
from spacy_str_encoder.doc.attributes import write_attributes
from spacy_str_encoder.doc.relation import place_of, set_score

TERMS = {
    "前降支": "BodyPart",
    "回旋支": "BodyPart",
    "狭窄": "Finding",
    "钙化": "Finding",
    "夹层": "Finding",
}
PATTERN = re.compile("|".join(TERMS))
NEGATIONS = ("无", "未见")


class TermFinder:
    """Finds terms."""

    labels = ("BodyPart", "Finding")

    def __call__(self, doc: Doc) -> Doc:
        """Set the entities of a doc.

        doc (Doc): The doc.
        RETURNS (Doc): The same doc.
        """
        found = [
            doc.char_span(*match.span(), label=TERMS[match[0]])
            for match in PATTERN.finditer(doc.text)
        ]
        doc.set_ents([span for span in found if span is not None])
        for entity in doc.ents:
            set_score(entity, 0.9 if entity.label_ == "BodyPart" else 0.8)
        return doc


class TermRelater:
    """Relates a finding to the body part before it, and to the next finding, if one accompanies the
    other.
    """

    labels = ("Position", "With")

    def __call__(self, doc: Doc) -> Doc:
        """Set the relations of a doc.

        doc (Doc): The doc.
        RETURNS (Doc): The same doc.
        """
        relations = [
            relation
            for before, after in pairwise(doc.ents)
            if after.label_ == "Finding"
            and (relation := self._relate(before, after, doc[before.end : after.start].text))
        ]
        set_relations(doc, relations)
        return doc

    def _relate(self, before: Span, after: Span, between: str) -> Relation | None:
        if before.label_ == "BodyPart":
            return Relation(after, before, "Position", 0.6, 0.75)
        return Relation(before, after, "With", 0.5, 0.8) if "伴" in between else None


class TermAsserter:
    """Sets an attribute of findings."""

    cfg: ClassVar = {"values": [["Assertion", "present"], ["Assertion", "negated"]]}

    def __call__(self, doc: Doc) -> Doc:
        """Set the attributes of the entities of a doc.

        doc (Doc): The doc.
        RETURNS (Doc): The same doc.
        """
        for entity in doc.ents:
            if entity.label_ == "Finding":
                is_negated = doc.text[: entity.start_char].endswith(NEGATIONS)
                value = "negated" if is_negated else "present"
                write_attributes(doc, place_of(entity), {"Assertion": value}, {"Assertion": 0.7})
        return doc


@Language.factory("term_finder", assigns=["doc.ents"])
def make_term_finder(nlp: Language, name: str) -> TermFinder:
    """RETURNS (TermFinder): The component."""
    return TermFinder()


@Language.factory("term_relater", assigns=["doc._.relations"])
def make_term_relater(nlp: Language, name: str) -> TermRelater:
    """RETURNS (TermRelater): The component."""
    return TermRelater()


@Language.factory("term_asserter", assigns=["span._.attributes"])
def make_term_asserter(nlp: Language, name: str) -> TermAsserter:
    """RETURNS (TermAsserter): The component."""
    return TermAsserter()


def make_rules() -> Language:
    """Make the pipeline.

    RETURNS (Language): The pipeline.
    """
    nlp = spacy.blank("zh", meta={"name": "rules", "version": "1.0.0"})
    for name in ("term_finder", "term_relater", "term_asserter"):
        nlp.add_pipe(name)
    return nlp
