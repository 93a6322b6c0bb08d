"""The JSON of spaCy's `Doc.to_json`, as spaCy itself writes it and reads it."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    AnnotationError,
)
from spacy_str_encoder.formats.doc_json import doc_json_format
from spacy_str_encoder.formats.report import ConversionReport

from .json_files import detect

FORMAT = doc_json_format()


def make_doc(**data: Any) -> dict[str, Any]:
    """What `Doc.to_json` makes of a doc with nested spans."""
    doc = spacy.blank("en")("Ada  works at Acme.")
    doc.set_ents([Span(doc, 0, 1, "PER"), Span(doc, 4, 5, "ORG")])
    doc.spans["sc"] = [Span(doc, 0, 1, "PER"), Span(doc, 0, 3, "X")]
    return doc.to_json() | data


def convert(path: Path, *options: str) -> tuple[Doc, str]:
    arguments = ["convert", str(path), "-o", str(path.with_suffix(".spacy")), *options]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    [doc] = DocBin().from_disk(path.with_suffix(".spacy")).get_docs(spacy.blank("en").vocab)
    return doc, " ".join(result.output.split())


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_entities_tokens_and_attributes_are_read(suffix: str, tmp_path: Path) -> None:
    item = make_doc(spans={"other": []}, cats={"A": 1.0}, _={"patient": 7})
    path = tmp_path / f"docs{suffix}"
    path.write_text(json.dumps([item] if suffix == ".json" else item), "utf-8")
    doc, output = convert(path)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Ada", "PER"), ("Acme", "ORG")]
    assert [token.text for token in doc] == ["Ada", " ", "works", "at", "Acme", "."]
    assert doc.user_data["meta"] == {"cats": {"A": 1.0}, "patient": 7}
    assert "chosen (1): texts with unannotated relations" in output
    assert "other span groups (only doc.ents is read)" in output


def test_a_span_group_is_read(tmp_path: Path) -> None:
    srsly.write_json(tmp_path / "docs.json", [make_doc()])
    doc, output = convert(tmp_path / "docs.json")
    spans = [("Ada", "PER"), ("Ada  works", "X")]
    assert [(span.text, span.label_) for span in doc.spans["sc"]] == spans
    lost = "left out (1): entities of doc.ents that are not in the span group"
    assert f"{lost} {tmp_path / 'docs.json'}, text 1: 'Acme' (ORG)" in output


@pytest.mark.parametrize("spans", [None, {}, {"other": []}])
def test_without_the_span_group_the_entities_of_doc_ents_are_read(
    spans: Any, tmp_path: Path
) -> None:
    srsly.write_json(tmp_path / "docs.json", [make_doc(spans=spans)])
    doc, output = convert(tmp_path / "docs.json")
    assert [ent.text for ent in doc.ents] == ["Ada", "Acme"]
    assert not doc.spans
    assert ("other span groups (only doc.ents is read)" in output) == (spans == {"other": []})


@pytest.mark.parametrize(
    "spans", ["sc", ["sc"], {"sc": None}, {"sc": 3}, {"sc": [3]}, {"sc": [{"start": 0}]}]
)
def test_span_groups_of_another_form_are_refused(spans: Any, tmp_path: Path) -> None:
    srsly.write_json(tmp_path / "docs.json", [make_doc(spans=spans)])
    with pytest.raises(AnnotationError, match=r"docs\.json, text 1: "):
        list(doc_json_format(spans_key="sc").read(tmp_path / "docs.json", ConversionReport()))


def test_a_doc_whose_entities_nobody_annotated_has_none(tmp_path: Path) -> None:
    item = spacy.blank("en")("Ada works.").to_json()
    srsly.write_json(tmp_path / "docs.json", [make_doc(), item])
    report = ConversionReport()
    texts = [*FORMAT.read(tmp_path / "docs.json", report)]
    assert [each.has_entities for each in texts] == [True, False]


def test_spacy_reads_what_is_written(tmp_path: Path) -> None:
    text = "Ada works at Acme."
    entities = [AnnotatedEntity(0, 3, "PER"), AnnotatedEntity(13, 17, "ORG")]
    relations = [AnnotatedRelation(0, 1, "works_for")]
    tokens = [(0, 3), (4, 9), (10, 12), (13, 17), (17, 18)]
    annotated = AnnotatedText(text, entities, relations, tokens)
    report = ConversionReport()
    FORMAT.write([annotated], tmp_path / "docs.json", report)
    assert report.losses == {"relations, which this format can't hold": 1}
    assert detect(tmp_path / "docs.json") == "spacy-json"
    [item] = srsly.read_json(tmp_path / "docs.json")
    doc = Doc(spacy.blank("en").vocab).from_json(item, validate=True)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Ada", "PER"), ("Acme", "ORG")]
    assert [token.text for token in doc] == ["Ada", "works", "at", "Acme", "."]


@pytest.mark.parametrize(
    ("value", "is_named"),
    [
        ([{"begin": 0, "end": 3, "type": "PER"}], True),
        ([[0, 3, "PER"]], True),
        ({"ents": [{"Start": 0, "End": 3}]}, True),
        ([{"subject": "Ada", "object": "Acme"}], True),
        ([{"name": "Ada", "year": 1815}], False),
        ([1815, 1852], False),
        ("0-3 PER", False),
        ({"start": 0, "end": 3}, False),
        ([], False),
    ],
)
def test_an_unknown_field_that_looks_like_annotations_is_named(
    value: Any, is_named: bool, tmp_path: Path
) -> None:
    item = {"text": "Ada", "entities": [], "relations": [], "mentions": value}
    srsly.write_jsonl(tmp_path / "in.jsonl", [item])
    doc, output = convert(tmp_path / "in.jsonl", "--from", "jsonl", "--lang", "en")
    # Lists come back from a DocBin as tuples.
    assert json.loads(json.dumps(doc.user_data["meta"])) == {"mentions": value}
    assert ("look like annotations" in output and "'mentions'" in output) == is_named
