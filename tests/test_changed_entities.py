"""Entities that a component changes or removes after their relations were predicted, and what other
components know about entities."""

import json
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_str_encoder import Relation, get_relations, to_annotations, to_records
from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.relation import count_hidden, set_predicted
from spacy_str_encoder.evaluation import evaluate
from spacy_str_encoder.visualize import view_doc

from .pipelines import ANNOTATIONS, TEXT, make_example

VOCAB = Vocab()
INVERSE = ["Modifier", "Percentage", "Negative"]
# Relations of TEXT without the segment, and without the label that the vessels get.
LEFT = [("未见", "回旋支", "Negative"), ("明显", "回旋支", "Modifier")]


@Language.component("tests_drop_locations")
def drop_locations(doc: Doc) -> Doc:
    doc.set_ents([span for span in doc.ents if span.label_ != "Location"])
    return doc


@Language.component("tests_rename_locations")
def rename_locations(doc: Doc) -> Doc:
    doc.set_ents(
        Span(doc, span.start, span.end, "Segment" if span.label_ == "Location" else span.label_)
        for span in doc.ents
    )
    return doc


def named(doc: Doc) -> list[tuple[str, str, str]]:
    return [(r.head.text, r.tail.text, r.label) for r in get_relations(doc)]


@pytest.mark.parametrize("component", ["tests_drop_locations", "tests_rename_locations"])
def test_relations_of_entities_that_a_component_changes_are_nowhere(
    trained: Language, component: str, tmp_path: Path
) -> None:
    before = trained(TEXT)
    trained.add_pipe(component)
    doc = trained(TEXT)
    assert (len(named(before)), count_hidden(before)) == (5, 0)
    assert (sorted(named(doc)), count_hidden(doc)) == (sorted(LEFT), 3)
    assert doc._.relations == get_relations(doc)
    found = to_annotations(doc)
    assert "Location" not in {entity["label"] for entity in found["entities"]}
    assert (len(found["entities"]), len(found["relations"])) == (len(doc.ents), 2)
    assert len(view_doc(doc).relations) == 2
    records = to_records(doc, central=["BodyPart"], inverse=INVERSE)
    assert "近段" not in json.dumps(records, ensure_ascii=False)
    [kept] = (
        DocBin()
        .from_bytes(DocBin(docs=[doc], store_user_data=True).to_bytes())
        .get_docs(trained.vocab)
    )
    assert (named(kept), count_hidden(kept)) == (named(doc), 3)
    # An entity that comes back brings its relations back.
    doc.set_ents(Span(doc, span.start, span.end, span.label_) for span in before.ents)
    assert named(doc) == named(before)


def test_hidden_relations_are_counted_in_archives_and_scores(
    trained: Language, tmp_path: Path
) -> None:
    gold = make_example(trained, ANNOTATIONS[0]).reference
    trained.add_pipe("tests_drop_locations")
    notes = evaluate(trained, [gold])["model"]["notes"]
    assert [note for note in notes if "predicted relations left out (3)" in note]
    trained.to_disk(tmp_path / "model")
    (tmp_path / "texts.txt").write_text(f"{TEXT}\n" * 2, "utf-8")
    arguments = ["annotate", str(tmp_path / "model"), str(tmp_path / "texts.txt")]
    for _ in range(2):
        result = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "out")])
        assert (result.exit_code, "left out (6): relations" in result.output) == (0, True)


def test_relations_that_are_set_by_hand_stay(trained: Language) -> None:
    doc = trained(TEXT)
    relations = get_relations(doc)
    doc._.relations = relations
    drop_locations(doc)
    assert (get_relations(doc), count_hidden(doc)) == (relations, 0)


def make_grouped() -> Doc:
    doc = Doc(VOCAB, words=["a", "b", "c", "d"])
    doc.spans["parts"] = [Span(doc, 1, 3, "X"), Span(doc, 2, 4, "Y")]
    return doc


def test_relations_between_spans_of_a_group_hang_on_the_group() -> None:
    doc = make_grouped()
    set_predicted(doc, [Relation(*doc.spans["parts"], "near")], "parts")
    doc.set_ents([])
    piece = doc[1:].as_doc(copy_user_data=True)
    # It has no groups: nobody knows whether anything was removed.
    assert "parts" not in piece.spans
    assert [len(get_relations(each)) for each in (doc, piece)] == [1, 1]
    doc.spans["parts"] = [span for span in doc.spans["parts"] if span.label_ == "X"]
    assert (get_relations(doc), count_hidden(doc)) == ([], 1)


def test_joined_docs_hide_what_each_hides() -> None:
    docs = [make_grouped() for _ in range(2)]
    for doc in docs:
        doc.set_ents([Span(doc, 0, 1, "X"), Span(doc, 1, 2, "Y")])
        set_predicted(doc, [Relation(*doc.ents, "near")], None)
    docs[1].set_ents([])
    joined = Doc.from_docs(docs)
    assert [relation.head.start for relation in get_relations(joined)] == [0]
    assert count_hidden(joined) == 1


@pytest.mark.parametrize("spans_key", [None, "parts"])
def test_ends_are_the_entities_with_their_identifiers(spans_key: str | None) -> None:
    doc = make_grouped()
    head = Span(doc, 0, 1, "X", kb_id="Q1", span_id="first")
    tail = Span(doc, 1, 2, "Y", kb_id="Q2", span_id="second")
    if spans_key is None:
        doc.set_ents([head, tail])
    else:
        doc.spans[spans_key] = [head, tail]
    doc._.relations = [Relation(Span(doc, 0, 1, "X"), Span(doc, 1, 2, "Y"), "near")]
    [relation] = doc._.relations
    assert relation.head in (doc.ents if spans_key is None else doc.spans[spans_key])
    assert (relation.head, relation.tail) == (head, tail)
    assert (relation.head.kb_id_, relation.tail.id_) == ("Q1", "second")


def test_an_end_with_another_label_is_not_the_entity() -> None:
    doc = make_grouped()
    doc.set_ents([Span(doc, 0, 1, "X", kb_id="Q1")])
    doc._.relations = [Relation(Span(doc, 0, 1, "Z"), Span(doc, 1, 2, "Y"), "near")]
    [relation] = doc._.relations
    assert (relation.head.label_, relation.head.kb_id_) == ("Z", "")
