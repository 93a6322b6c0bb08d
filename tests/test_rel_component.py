"""DocBins of spaCy's project template `rel_component`, with relations in `doc._.rel`."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy import registry
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.vocab import Vocab
from typer.testing import CliRunner, Result

from spacy_str_encoder import Relation
from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.rel_component import adopt_rel, set_rel
from spacy_str_encoder.doc.relation import has_relations
from spacy_str_encoder.evaluation.files import read_gold_docs
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.format import Format
from spacy_str_encoder.formats.registry import all_formats, detect_format, read_docs
from spacy_str_encoder.formats.report import ConversionReport

WORDS = ["Ada", "Byron", "met", "Bob", "in", "York"]
ENTITIES = [(0, 2, "Person"), (3, 4, "Person"), (5, 6, "City")]
# Ada Byron, Bob and York by their first tokens.
ADA, BOB, YORK = 0, 3, 5
NLP = spacy.blank("en")
WITHOUT_ENDS = "relations in doc._.rel between tokens of which one is the start of no entity"
SAME_START = "entities of relations in doc._.rel chosen among several with the same start"
BOTH = "docs with doc._.rel beside doc._.relations (only doc._.relations is read)"


@pytest.fixture(autouse=True)
def template() -> Iterator[None]:
    """The template's extension attribute."""
    Doc.set_extension("rel", default={})
    yield
    Doc.remove_extension("rel")


def make_doc(rel: Any = None, entities: list[tuple[int, int, str]] = ENTITIES) -> Doc:
    doc = Doc(Vocab(), words=WORDS)
    doc.ents = [Span(doc, *entity) for entity in entities]
    if rel is not None:
        doc._.rel = rel
    return doc


def write(path: Path, *docs: Doc) -> Path:
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def get_format(name: str) -> Format:
    return all_formats(NLP, spans_key="sc")[name]


def read(path: Path, report: ConversionReport | None = None) -> list[AnnotatedText]:
    formats = all_formats(NLP, spans_key="sc")
    return [*detect_format(path, formats).read(path, report or ConversionReport(strict_all=True))]


def read_relations(doc: Doc) -> list[tuple[str, str, str, float]]:
    return [(r.head.text, r.label, r.tail.text, r.score) for r in doc._.relations]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


# Reading


@pytest.mark.parametrize(
    ("rel", "expected"),
    [
        ({(ADA, BOB): {"met": 1.0}}, [(0, 1, "met")]),
        ({(BOB, ADA): {"met": 0.5}}, [(1, 0, "met")]),
        ({(ADA, BOB): {"met": 0.49}}, []),
        ({(ADA, BOB): {"a": 0.6, "b": 0.9, "c": 0.1}}, [(0, 1, "b"), (0, 1, "a")]),
        ({(BOB, YORK): {"in": 1}, (ADA, YORK): {"in": 1}}, [(0, 2, "in"), (1, 2, "in")]),
        ({(ADA, ADA): {"self": 1.0}}, [(0, 0, "self")]),
        ({(ADA, BOB): {}}, []),
        ({}, []),
    ],
)
def test_relations_are_labels_with_a_score_of_at_least_a_half(
    rel: dict[Any, Any], expected: list[tuple[int, int, str]], tmp_path: Path
) -> None:
    [annotated] = read(write(tmp_path / "a.spacy", make_doc(rel)))
    assert [(r.head, r.tail, r.label) for r in annotated.relations] == expected
    assert annotated.has_relations


@pytest.mark.parametrize("rel", [None, [], "x", {"a": 1}, {(0, 3): 1.0}, {(0, 3): {"met": "1"}}])
def test_what_is_not_of_the_template_is_no_annotation(rel: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "a.spacy", make_doc(rel))
    [annotated] = read(path, ConversionReport())
    assert not annotated.has_relations
    [doc] = DocBin().from_disk(path).get_docs(Vocab())
    before = {**doc.user_data}
    adopt_rel(doc)
    assert doc.user_data == before


def test_a_rel_that_was_only_read_is_an_empty_one() -> None:
    doc = make_doc()
    adopt_rel(doc)
    assert not has_relations(doc)
    assert doc._.rel == {}
    adopt_rel(doc)
    assert has_relations(doc)


def test_a_key_without_entities_is_a_loss(tmp_path: Path) -> None:
    rel = {(ADA, 1): {"met": 1.0, "saw": 0.2}, (9, BOB): {"met": 0.7}, (ADA, BOB): {"met": 1.0}}
    path = write(tmp_path / "a.spacy", make_doc(), make_doc(rel))
    report = ConversionReport()
    assert [len(annotated.relations) for annotated in read(path, report)] == [0, 1]
    cases = [f"{path}, doc 2: token 0 met token 1", f"{path}, doc 2: token 9 met token 3"]
    assert report.lost[WITHOUT_ENDS] == cases
    result = run("convert", path, "-o", tmp_path / "out", "--strict")
    assert result.exit_code == 1
    assert WITHOUT_ENDS in result.stderr


def test_of_entities_with_one_start_that_of_doc_ents_is_chosen(tmp_path: Path) -> None:
    doc = make_doc({(ADA, BOB): {"met": 1.0}})
    doc.spans["sc"] = [Span(doc, 0, 1, "Name"), Span(doc, 0, 3, "Event"), *doc.ents]
    report = ConversionReport()
    [annotated] = read(write(tmp_path / "a.spacy", doc), report)
    [relation] = annotated.relations
    assert annotated.entities[relation.head].place == (0, 9, "Person")
    [case] = report.chosen[SAME_START]
    assert case.endswith("doc 1: 'Ada Byron' (Person), not 'Ada Byron met' (Event), 'Ada' (Name)")


def test_without_one_in_doc_ents_the_longest_of_the_span_group_is_chosen() -> None:
    doc = make_doc({(ADA, BOB): {"met": 1.0}}, entities=ENTITIES[1:])
    doc.spans["sc"] = [Span(doc, 0, 1, "Name"), Span(doc, 0, 2, "Person"), *doc.ents]
    found = adopt_rel(doc)
    assert read_relations(doc) == [("Ada Byron", "met", "Bob", 1.0)]
    assert found.chosen == ["'Ada Byron' (Person), not 'Ada' (Name)"]


@pytest.mark.parametrize("relations", [True, False], ids=["a relation", "none"])
def test_relations_of_our_own_come_first(relations: bool, tmp_path: Path) -> None:
    doc = make_doc({(ADA, BOB): {"met": 1.0, "saw": 1.0}})
    ada, bob, _ = doc.ents
    doc._.relations = [Relation(bob, ada, "knows")] if relations else []
    path = write(tmp_path / "a.spacy", doc)
    report = ConversionReport()
    [annotated] = read(path, report)
    assert [r.label for r in annotated.relations] == ["knows"] * relations
    assert report.chosen[BOTH] == [f"{path}, doc 1: 2 relations in doc._.rel"]


def test_docs_of_our_own_are_left_as_they_are() -> None:
    doc = make_doc()
    doc._.relations = [Relation(*doc.ents[:2], "met")]
    before = {**doc.user_data}
    assert adopt_rel(doc) == adopt_rel(make_doc())
    assert doc.user_data == before


@pytest.mark.parametrize("read_any", [read_docs, read_gold_docs], ids=["all", "evaluate"])
def test_all_who_read_docs_read_it(read_any: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path / "a.spacy", make_doc({(ADA, BOB): {"met": 0.75}, (ADA, 1): {"x": 1}}))
    report = ConversionReport()
    [doc] = read_any(path, NLP, report)
    assert read_relations(doc) == [("Ada Byron", "met", "Bob", 0.75)]
    assert report.losses == {WITHOUT_ENDS: 1}


def test_the_corpus_of_training_reads_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spacy", make_doc({(ADA, BOB): {"met": 0.75}}))
    nlp = spacy.blank("en")
    nlp.add_pipe("str_rel")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [example] = registry.readers.get("spacy-str-encoder.Corpus.v1")(path)(nlp)
    assert read_relations(example.reference) == [("Ada Byron", "met", "Bob", 0.75)]


def test_the_corpus_of_training_warns_of_losses_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spacy", make_doc({(ADA, 1): {"x": 1}}))
    read_corpus = registry.readers.get("spacy-str-encoder.Corpus.v1")(path)
    with pytest.warns(UserWarning, match=r"Relations in doc._.rel .* no entity \(1\) are left out"):
        [example] = read_corpus(NLP)
    assert has_relations(example.reference)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len([*read_corpus(NLP)]) == 1


def test_debug_data_counts_its_relations(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spacy", make_doc({(ADA, BOB): {"met": 1.0}}))
    result = run("debug-data", path, "--lang", "en", "--json")
    assert result.exit_code == 0, result.stderr
    assert '"met"' in result.stdout


# Writing

TEXT = AnnotatedText(
    " ".join(WORDS),
    [AnnotatedEntity(0, 9, "Person"), AnnotatedEntity(14, 17, "Person")],
    [AnnotatedRelation(1, 0, "met")],
)


def write_rel(path: Path, *texts: AnnotatedText) -> tuple[list[Doc], ConversionReport]:
    report = ConversionReport()
    get_format("rel_component").write(texts, path, report)
    return [*DocBin().from_disk(path).get_docs(Vocab())], report


def test_each_pair_has_a_score_for_each_label_of_the_file(tmp_path: Path) -> None:
    other = replace(TEXT, relations=[AnnotatedRelation(0, 1, "saw")])
    first, second = write_rel(tmp_path / "a.spacy", TEXT, other)[0]
    none = {"met": 0.0, "saw": 0.0}
    met, saw = {**none, "met": 1.0}, {**none, "saw": 1.0}
    pairs = {(ADA, ADA): none, (BOB, BOB): none}
    assert first._.rel == {**pairs, (ADA, BOB): none, (BOB, ADA): met}
    assert second._.rel == {**pairs, (ADA, BOB): saw, (BOB, ADA): none}
    assert not has_relations(first)


def learn(docs: list[Doc]) -> tuple[set[str], list[list[float]]]:
    """Labels and truths as the template derives them, and its scores of perfect predictions."""
    labels = {label for doc in docs for scores in doc._.rel.values() for label in scores}
    truths = []
    for doc in docs:
        pairs = [(a, b) for a in doc.ents for b in doc.ents if a != b]
        for head, tail in pairs:
            gold = doc._.rel[(head.start, tail.start)]
            truths.append([gold[label] for label in sorted(labels)])
    return labels, truths


def test_the_template_finds_the_truth_of_each_pair(tmp_path: Path) -> None:
    docs, _ = write_rel(tmp_path / "a.spacy", TEXT, replace(TEXT, relations=[]))
    assert learn(docs) == ({"met"}, [[0.0], [1.0], [0.0], [0.0]])


def test_overlaps_and_attributes_are_lost_and_counted(tmp_path: Path) -> None:
    item = (
        '{"text": "Ada Byron met Bob", "entities": [{"start": 0, "end": 9, "label": "P", '
        '"attributes": {"a": "b"}}, {"start": 0, "end": 3, "label": "N"}], "relations": '
        '[{"head": 0, "tail": 1, "label": "x"}]}'
    )
    (tmp_path / "a.jsonl").write_text(item, "utf-8")
    output = tmp_path / "b.spacy"
    arguments = "convert", tmp_path / "a.jsonl", "-o", output, "--to", "rel_component"
    result = run(*arguments, "--lang", "en")
    assert result.exit_code == 0, result.stderr
    assert "left out (1): attributes, which this format can't hold" in result.stdout
    assert "left out (1): entities that overlap another entity" in result.stdout
    assert "entities overlap: doc.spans" not in result.stdout
    [doc] = DocBin().from_disk(output).get_docs(Vocab())
    assert ([ent.text for ent in doc.ents], doc._.rel) == (["Ada Byron"], {(0, 0): {}})
    assert not doc.spans


def test_unannotated_relations_are_written_as_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spacy", make_doc())
    result = run("convert", path, "-o", tmp_path / "b.spacy", "--to", "rel_component")
    assert "chosen (1): texts with unannotated relations, written as none" in result.stdout
    assert read(tmp_path / "b.spacy")[0].has_relations


def test_its_files_are_found_out_as_docbins(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spacy", make_doc({}))
    assert detect_format(path, all_formats(NLP)).name == "spacy"
    result = run("convert", path, "-o", tmp_path / "b.jsonl", "--to", "jsonl", "--from", "spacy")
    named = run(
        "convert", path, "-o", tmp_path / "c.jsonl", "--to", "jsonl", "--from", "rel_component"
    )
    assert (result.exit_code, named.exit_code) == (0, 0)
    assert (tmp_path / "b.jsonl").read_text("utf-8") == (tmp_path / "c.jsonl").read_text("utf-8")


ends = st.sampled_from(range(3))
arcs = st.builds(AnnotatedRelation, ends, ends, st.sampled_from(["a", "b", "药"]))


@given(st.lists(st.lists(arcs, max_size=5, unique=True), max_size=3))
def test_there_and_back_nothing_changes(found: list[list[AnnotatedRelation]]) -> None:
    places = [(0, 9, "Person"), (14, 17, "Person"), (21, 25, "City")]
    entities = [AnnotatedEntity(*place) for place in places]
    texts = [AnnotatedText(" ".join(WORDS), entities, each) for each in found]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.spacy"
        write_rel(path, *texts)
        again = [*get_format("rel_component").read(path, ConversionReport(strict_all=True))]
    assert [{*each.relations} for each in again] == [{*each} for each in found]
    assert all(each.entities == entities for each in again)


def test_what_is_set_is_read_again() -> None:
    doc = make_doc()
    doc._.relations = [Relation(*doc.ents[:2], "met"), Relation(*doc.ents[1:], "in")]
    before = read_relations(doc)
    set_rel(doc, ["met", "in"])
    assert not has_relations(doc)
    assert Example(doc, doc).reference._.rel[(ADA, BOB)] == {"met": 1.0, "in": 0.0}
    adopt_rel(doc)
    assert read_relations(doc) == before
