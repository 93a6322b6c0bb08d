"""Extension attributes, and other libraries that register the same names."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_str_encoder import (
    Relation,
    get_relations,
    get_score,
    set_relations,
    to_annotations,
    to_rows,
)
from spacy_str_encoder.doc import extensions
from spacy_str_encoder.evaluation import evaluate
from spacy_str_encoder.visualize import view_doc

from .pipelines import TEXT

RECORDS = {"central": ["BodyPart"], "inverse": ["Modifier", "Percentage", "Negative"]}


@pytest.fixture
def pipeline(trained: Language) -> Language:
    trained.add_pipe("str_records", config=RECORDS)
    return trained


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another library registers all names, after this one has."""
    monkeypatch.setattr(extensions, "_told", set())
    owned = {
        (owner, name): owner.get_extension(name)
        for owner, names in {Doc: ["relations", "records"], Span: ["relations", "score"]}.items()
        for name in names
    }
    Doc.set_extension("relations", default=[], force=True)
    Doc.set_extension("records", default="theirs", force=True)
    Span.set_extension("relations", getter=lambda span: [], force=True)
    Span.set_extension("score", default=0.0, force=True)
    yield
    for (owner, name), (_, _, getter, setter) in owned.items():
        owner.set_extension(name, getter=getter, setter=setter, force=True)


def test_names_of_other_libraries_change_nothing(
    pipeline: Language, request: pytest.FixtureRequest
) -> None:
    doc = pipeline(TEXT)
    expected = to_annotations(doc), [*to_rows([doc])], view_doc(doc), evaluate(pipeline, [doc])
    scores, relations = [entity._.score for entity in doc.ents], doc._.relations
    assert relations and all(scores)
    request.getfixturevalue("foreign")
    with pytest.warns(UserWarning, match="something else has registered"):
        doc = pipeline(TEXT)
    found = to_annotations(doc), [*to_rows([doc])], view_doc(doc), evaluate(pipeline, [doc])
    assert found == expected
    assert (doc._.relations, doc._.records) == ([], "theirs")
    assert [(r.label, r.score) for r in get_relations(doc)] == [
        (r.label, r.score) for r in relations
    ]
    assert [get_score(entity) for entity in doc.ents] == scores


@pytest.mark.usefixtures("foreign")
def test_each_name_has_one_warning_when_a_component_is_made() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            nlp = spacy.blank("zh")
            for name in ("str_ner", "str_rel"):
                nlp.add_pipe(name)
            nlp.add_pipe("str_records", config=RECORDS)
    told = [str(each.message) for each in caught if "something else" in str(each.message)]
    names = [message.split()[0] for message in told]
    assert names == ["span._.score", "doc._.relations", "span._.relations", "doc._.records"]
    assert "Use spacy_str_encoder.get_score(span) instead." in told[0]


def test_a_name_of_ours_has_no_warning(pipeline: Language) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pipeline(TEXT)._.records


def test_attributes_that_were_removed_are_declared_again(pipeline: Language) -> None:
    for owner, name in ((Doc, "relations"), (Span, "score")):
        owner.remove_extension(name)
    doc = pipeline(TEXT)
    assert doc._.relations == get_relations(doc) != []
    assert all(entity._.score > 0 for entity in doc.ents)


def test_relations_are_set_without_the_attribute(nlp: Language, foreign: None) -> None:
    doc = nlp.make_doc(TEXT)
    doc.set_ents([Span(doc, 0, 3, label="BodyPart"), Span(doc, 3, 5, label="Location")])
    relations = [Relation(*doc.ents, "Position")]
    set_relations(doc, relations)
    assert get_relations(doc) == relations


def test_a_relation_that_another_library_keeps_is_refused_when_it_is_saved(
    nlp: Language, foreign: None, tmp_path: Path
) -> None:
    doc = nlp.make_doc(TEXT)
    doc._.relations = [Relation(doc[:3], doc[3:5], "Position")]
    with pytest.raises(ValueError, match=r"spacy_str_encoder.set_relations\(doc, relations\)"):
        DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "docs.spacy")
    with pytest.raises(ValueError, match="does not belong to spacy_str_encoder"):
        doc.to_bytes()
