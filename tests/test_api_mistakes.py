"""Obvious mistakes in calls of the public API."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spacy.tokens import Doc

from spacy_str_encoder import to_annotations, to_records, to_rows, write_records
from spacy_str_encoder.evaluation import evaluate
from spacy_str_encoder.visualize import compare_docs, render, view_doc

from .test_visualize import ACME, ADA, make_doc

Call = Callable[[Any], Any]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda doc: render(view_doc(doc)), "views: must be a list of views, got DocView"),
        (lambda doc: render(doc), "views: must be a list of views, got Token"),
        (lambda doc: render([doc]), "views: must be a list of views, got Doc"),
        (lambda doc: view_doc([doc]), "doc: must be a Doc, got a list"),
        (lambda doc: view_doc(doc.text), "doc: must be a Doc, got a str"),
        (lambda doc: compare_docs(doc, doc, symmetric="in"), r"symmetric: .* got 'in'.* \['in'\]"),
        (lambda doc: to_records(doc, central="PER"), "central: must be a list .* got 'PER'"),
        (lambda doc: to_records(doc, ["PER"], inverse="in"), "inverse: must be a list of labels"),
        (lambda doc: to_records([doc], central=["PER"]), "doc: must be a Doc, got a list"),
        (lambda doc: to_annotations([doc]), "doc: must be a Doc, got a list"),
        (lambda doc: list(to_rows(doc)), r"docs: must be a list of docs, got a Doc.* \[doc\]"),
        (lambda doc: write_records("a.csv", doc), "docs: must be a list of docs, got a Doc"),
        (lambda doc: evaluate(None, doc), "docs: must be a list of docs, got a Doc"),  # type: ignore[arg-type]
    ],
)
def test_wrong_arguments_are_errors(
    call: Call, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        call(make_doc([ADA, ACME], [(ADA, "works_for", ACME)]))
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "call",
    [
        lambda doc: to_records(doc, ["PER"], spans_key="nope"),
        lambda doc: to_annotations(doc, spans_key="nope"),
        lambda doc: view_doc(doc, spans_key="nope"),
    ],
)
def test_a_span_group_that_does_not_exist_is_a_warning(call: Call) -> None:
    doc = make_doc([ADA, ACME])
    doc.spans["sc"] = list(doc.ents)
    with pytest.warns(UserWarning, match="no span group 'nope'.* Its groups: 'sc'"):
        call(doc)


def test_a_type_that_no_entity_has_is_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    doc = make_doc([ADA, ACME])
    with pytest.warns(UserWarning, match="no entity has the type typo.* in this doc: ORG, PER"):
        assert to_records(doc, central=["typo"]) == []
    recwarn.clear()
    # Another doc has such an entity, or this one has another central entity, or none at all.
    assert to_records(make_doc([ADA]), central=["ORG"]) == []
    assert len(to_records(doc, central=["PER", "typo"])) == 1
    assert to_records(Doc(doc.vocab, words=["Ada"]), central=["typo"]) == []
    assert not recwarn.list
