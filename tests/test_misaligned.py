"""Gold entities that do not align with the tokens of their doc: they stay in it, as offsets."""

from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_str_encoder import Relation
from spacy_str_encoder.doc.entities import put_gold_entities
from spacy_str_encoder.doc.misaligned import get_misaligned_entities, get_misaligned_relations
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.docbin import docbin_format
from spacy_str_encoder.formats.docs import from_docs, to_docs
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.visualize import compare_docs

from .annotated_texts import any_records, contents

NLP = spacy.blank("en")
# "dyspnea" is a part of a token, and so is "cough".
TEXT = "Mild dyspnea/cough at night"
MILD, DYSPNEA, COUGH, NIGHT = (0, 4, "Degree"), (5, 12, "Sign"), (13, 18, "Sign"), (22, 27, "Time")
ENTITIES = [MILD, DYSPNEA, COUGH, NIGHT]
RELATIONS = [(MILD, DYSPNEA, "of"), (COUGH, NIGHT, "at"), (COUGH, DYSPNEA, "with")]


def make_text() -> AnnotatedText:
    entities = [AnnotatedEntity(*entity) for entity in ENTITIES]
    index = {entity: i for i, entity in enumerate(ENTITIES)}
    relations = [AnnotatedRelation(index[h], index[t], label) for h, t, label in RELATIONS]
    tokens = [(0, 4), (5, 18), (19, 21), (22, 27)]
    return AnnotatedText(TEXT, entities, relations, tokens)


def make_doc() -> Doc:
    [doc] = to_docs([make_text()], NLP, ConversionReport())
    return doc


def test_a_flat_doc_keeps_none_that_overlap() -> None:
    inner, outer = AnnotatedEntity(5, 12, "Sign"), AnnotatedEntity(5, 18, "Signs")
    relations = [AnnotatedRelation(0, 1, "in")]
    text = AnnotatedText(TEXT, [inner, outer], relations, make_text().tokens)
    [flat] = to_docs([text], NLP, ConversionReport())
    assert get_misaligned_entities(flat) == get_misaligned_relations(flat) == []
    [whole] = to_docs([text], NLP, ConversionReport(), spans_key="sc")
    assert get_misaligned_entities(whole) == [DYSPNEA]
    assert get_misaligned_relations(whole) == [(DYSPNEA, (5, 18, "Signs"), "in")]


def test_a_doc_keeps_them_apart_from_what_components_see() -> None:
    doc = make_doc()
    assert [entity.text for entity in doc.ents] == ["Mild", "night"]
    assert doc._.relations == []
    assert get_misaligned_entities(doc) == [DYSPNEA, COUGH]
    assert get_misaligned_relations(doc) == sorted(RELATIONS)
    predicted = put_gold_entities(Example(NLP.make_doc(TEXT), doc)).predicted
    assert get_misaligned_entities(predicted) == get_misaligned_relations(predicted) == []


def test_they_are_reported_as_before() -> None:
    report = ConversionReport()
    list(to_docs([make_text()], NLP, report))
    assert report.losses == {
        "entities that do not align with tokens": 2,
        "relations of entities that were left out": 3,
    }


def through_docbin(doc: Doc) -> Doc:
    docbin = DocBin(docs=[doc], store_user_data=True)
    [loaded] = DocBin().from_bytes(docbin.to_bytes()).get_docs(NLP.vocab)
    return loaded


def through_bytes(doc: Doc) -> Doc:
    return Doc(NLP.vocab).from_bytes(doc.to_bytes())


@pytest.mark.parametrize("carry", [through_docbin, through_bytes, Doc.copy])
def test_they_go_where_the_doc_goes(carry: Callable[[Doc], Doc]) -> None:
    doc = carry(make_doc())
    assert get_misaligned_entities(doc) == [DYSPNEA, COUGH]
    assert get_misaligned_relations(doc) == sorted(RELATIONS)


def test_they_are_found_in_a_part_and_in_a_longer_doc() -> None:
    doc = make_doc()
    part = doc[1:].as_doc(copy_user_data=True)
    assert get_misaligned_entities(part) == [(0, 7, "Sign"), (8, 13, "Sign")]
    assert get_misaligned_relations(part) == [
        ((8, 13, "Sign"), (0, 7, "Sign"), "with"),
        ((8, 13, "Sign"), (17, 22, "Time"), "at"),
    ]
    assert get_misaligned_entities(doc[:1].as_doc(copy_user_data=True)) == []
    longer = Doc.from_docs([Doc(NLP.vocab, words=["Report"]), doc])
    assert get_misaligned_entities(longer) == [(12, 19, "Sign"), (20, 25, "Sign")]
    assert len(get_misaligned_relations(longer)) == 3


@given(any_records())
def test_nothing_is_lost_on_the_way_through_docs(record: AnnotatedText) -> None:
    """Any entities of any text, which rarely align with its tokens."""
    [doc] = to_docs([record], spacy.blank("xx"), ConversionReport(), spans_key="sc")
    report = ConversionReport(strict_all=True)
    [found] = from_docs([doc], report, spans_key="sc")
    assert found.text == record.text
    assert sorted(found.entities, key=str) == sorted({*record.entities}, key=str)
    assert name_ends(found) == name_ends(record)


def name_ends(record: AnnotatedText) -> list[str]:
    ends = record.entities
    return sorted(f"{ends[r.head]} {r.label} {ends[r.tail]}" for r in record.relations)


def test_nothing_is_lost_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.spacy"
    docbin_format(NLP).write([make_text()], path, ConversionReport())
    [found] = docbin_format(NLP).read(path, ConversionReport(strict_all=True))
    assert contents(found) == contents(make_text())


def test_relations_of_a_doc_that_were_set_by_hand_stay_beside_them() -> None:
    doc = make_doc()
    doc._.relations = [Relation(Span(doc, 0, 1, "Degree"), Span(doc, 3, 4, "Time"), "by")]
    [found] = from_docs([doc], ConversionReport(strict_all=True))
    assert len(found.relations) == 4


def test_pages_show_them_as_missed() -> None:
    gold = make_doc()
    found = NLP.make_doc(TEXT)
    found.set_ents([])
    view = compare_docs(found, gold)
    assert [(each.start, each.end, each.label) for each in view.entities] == ENTITIES
    assert {(each.head, each.tail, each.label) for each in view.relations} == {
        (ENTITIES.index(head), ENTITIES.index(tail), label) for head, tail, label in RELATIONS
    }
    assert {each.kind for each in (*view.entities, *view.relations)} == {"missed"}
