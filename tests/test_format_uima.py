"""UIMA CAS XMI as INCEpTION has it: what is read, written, lost and refused."""

import json
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.formats import archives
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.convert import TextWriter
from spacy_str_encoder.formats.registry import all_formats, detect_format, find_files
from spacy_str_encoder.formats.report import ConversionReport, LossError
from spacy_str_encoder.formats.uima import uima_format

from .crowded_texts import ATTRIBUTES, crowded_texts, expect, expect_attributes

FORMAT = uima_format()
DKPRO = "de.tudarmstadt.ukp.dkpro.core.api"
METADATA = f"{DKPRO}.metadata.type.DocumentMetaData"
SENTENCE = f"{DKPRO}.segmentation.type.Sentence"
TOKEN = f"{DKPRO}.segmentation.type.Token"
ENTITY = f"{DKPRO}.ner.type.NamedEntity"
DEPENDENCY = f"{DKPRO}.syntax.type.dependency.Dependency"
XMI_ID = "{http://www.omg.org/XMI}id"
ANNOTATION, STRING, TOP = "uima.tcas.Annotation", "uima.cas.String", "uima.cas.TOP"
# What a project defines: the supertype of each type, its features and their ranges.
TYPES: dict[str, tuple[str, dict[str, str]]] = {
    METADATA: (
        "uima.tcas.DocumentAnnotation",
        dict.fromkeys(["documentTitle", "documentId", "documentUri", "collectionId"], STRING),
    ),
    SENTENCE: (ANNOTATION, {"id": STRING}),
    TOKEN: (ANNOTATION, {"order": "uima.cas.Integer"}),
    ENTITY: (ANNOTATION, {"identifier": STRING, "value": STRING}),
    DEPENDENCY: (ANNOTATION, {"Governor": TOKEN, "Dependent": TOKEN, "DependencyType": STRING}),
    "custom.Drug": (ANNOTATION, {"note": STRING, "label": STRING, "negated": "uima.cas.Boolean"}),
    "custom.Sign": (
        ANNOTATION,
        {
            "value": STRING,
            "type": STRING,
            "grade": "uima.cas.Integer",
            "share": "uima.cas.Double",
            "notes": "uima.cas.StringArray",
        },
    ),
    "webanno.custom.Dose": (ANNOTATION, {"amount": STRING, "of": "uima.cas.FSArray"}),
    "webanno.custom.DoseLink": (
        TOP,
        {"role": STRING, "target": ANNOTATION, "sure": "uima.cas.Boolean"},
    ),
    "webanno.custom.Time": (ANNOTATION, {"when": STRING, "type": STRING}),
    "webanno.custom.Mark": (ANNOTATION, {"sure": "uima.cas.Boolean"}),
    "org.apache.uima.examples.SourceDocumentInformation": (ANNOTATION, {"uri": STRING}),
    "webanno.custom.Near": (ANNOTATION, {"Governor": ANNOTATION, "Dependent": ANNOTATION}),
    "webanno.custom.NameLink": (ANNOTATION, {"next": "webanno.custom.NameLink", "kind": STRING}),
    "webanno.custom.Review": ("uima.cas.AnnotationBase", {"verdict": STRING}),
    "webanno.custom.Treats": (
        ANNOTATION,
        {"Governor": ANNOTATION, "Dependent": ANNOTATION, "certainty": STRING},
    ),
    "webanno.custom.Cause": (
        ANNOTATION,
        {
            "Governor": ANNOTATION,
            "Dependent": ANNOTATION,
            "label": STRING,
            "sure": "uima.cas.Boolean",
        },
    ),
}
TEXT = "😀 Aspirin 100 mg treats fever.\r\n阿司匹林治头痛"


def type_system(types: dict[str, tuple[str, dict[str, str]]] = TYPES) -> bytes:
    lines = ['<typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier"><types>']
    for name, (supertype, features) in types.items():
        lines.append(f"<typeDescription><name>{name}</name><description/>")
        lines.append(f"<supertypeName>{supertype}</supertypeName><features>")
        for feature, range_ in features.items():
            lines.append(f"<featureDescription><name>{feature}</name><description/>")
            lines.append(f"<rangeTypeName>{range_}</rangeTypeName></featureDescription>")
        lines.append("</features></typeDescription>")
    return "\n".join([*lines, "</types></typeSystemDescription>"]).encode()


def element(name: str, xmi_id: int, **features: object) -> str:
    package, _, short = name.rpartition(".")
    space = package.replace(".", "/")
    values = " ".join(f"{key}={quoteattr(str(value))}" for key, value in features.items())
    return f'<x:{short} xmlns:x="http:///{space}.ecore" xmi:id="{xmi_id}" sofa="1" {values}/>'


def span(name: str, xmi_id: int, surface: str, **features: object) -> str:
    """An annotation of the first place of a string in the text; offsets count UTF-16 units."""
    begin, end = TEXT.index(surface), TEXT.index(surface) + len(surface)
    offsets = {"begin": utf_16_offset(TEXT, begin), "end": utf_16_offset(TEXT, end)}
    return element(name, xmi_id, **offsets, **features)


def utf_16_offset(text: str, index: int) -> int:
    return len(text[:index].encode("utf-16-le")) // 2


def xmi(*elements: str, text: str | None = TEXT, version: str = "1.0") -> bytes:
    ids = " ".join(re.findall(r'xmi:id="(\d+)"', "".join(elements)))
    string = "" if text is None else f"sofaString={quoteattr(text)}"
    return (
        f'<?xml version="{version}" encoding="UTF-8"?><xmi:XMI xmlns:xmi="http://www.omg.org/XMI" '
        'xmlns:cas="http:///uima/cas.ecore" xmi:version="2.0"><cas:NULL xmi:id="0"/>'
        f'{"".join(elements)}<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" '
        f'mimeType="text" {string}/><cas:View sofa="1" members="{ids}"/></xmi:XMI>'
    ).encode()


def dose_link(xmi_id: int, **features: object) -> str:
    return element("webanno.custom.DoseLink", xmi_id, **features).replace(' sofa="1"', "")


def metadata(**fields: str) -> str:
    return element(METADATA, 2, begin=0, end=utf_16_offset(TEXT, len(TEXT)), **fields)


SPANS = [
    span(ENTITY, 20, "fever", value="Symptom"),
    span("custom.Drug", 10, "Aspirin", label="Drug", negated="false"),
    span("webanno.custom.Dose", 30, "100 mg", amount="low"),
    span(ENTITY, 40, "阿司匹林", value="药物"),
    span(ENTITY, 50, "头痛", value="症状"),
]
RELATIONS = [
    span("webanno.custom.Treats", 60, "fever", Governor=10, Dependent=20, certainty="yes"),
    span("webanno.custom.Treats", 70, "头痛", Governor=40, Dependent=50, certainty="是"),
    span("webanno.custom.Treats", 80, "100 mg", Governor=20, Dependent=30, certainty="no"),
]
RECORD = AnnotatedText(
    TEXT,
    [
        AnnotatedEntity(2, 9, "Drug"),
        AnnotatedEntity(24, 29, "Symptom"),
        AnnotatedEntity(10, 16, "low"),
        AnnotatedEntity(32, 36, "药物"),
        AnnotatedEntity(37, 39, "症状"),
    ],
    [AnnotatedRelation(0, 1, "yes"), AnnotatedRelation(3, 4, "是"), AnnotatedRelation(1, 2, "no")],
    meta={"id": "doc"},
)


def make_document(folder: Path, *more: str, name: str = "doc", **options: str) -> Path:
    """Write a document of the sample and more annotations, with its type system."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "TypeSystem.xml").write_bytes(type_system())
    path = folder / f"{name}.xmi"
    path.write_bytes(xmi(*SPANS, *RELATIONS, *more, **options))
    return path


def make_archive(name: str, *elements: str) -> bytes:
    return zipped({"TypeSystem.xml": type_system(), f"{name}.xmi": xmi(*SPANS, *elements)})


def zipped(files: dict[str, bytes]) -> bytes:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in files.items():
            writer.writestr(name, content)
    return archive.getvalue()


def read(path: Path) -> tuple[list[AnnotatedText], ConversionReport]:
    report = ConversionReport()
    return list(FORMAT.read(path, report)), report


def write(records: Iterable[AnnotatedText], folder: Path) -> ConversionReport:
    report = ConversionReport()
    FORMAT.write(records, folder, report)
    return report


def count(cases: dict[str, list[str]]) -> dict[str, int]:
    return {reason: len(found) for reason, found in cases.items()}


def read_error(path: Path) -> str:
    with pytest.raises(ValueError) as error:
        read(path)
    message = str(error.value)
    assert "\n" not in message
    message.encode()
    return message


# Reading


def test_spans_of_all_layers_are_entities_and_relations_go_from_governor_to_dependent(
    tmp_path: Path,
) -> None:
    make_document(tmp_path)
    [record], report = read(tmp_path)
    assert record == RECORD
    assert report == ConversionReport()


def test_links_are_relations_with_their_role_or_the_name_of_the_feature(tmp_path: Path) -> None:
    path = make_document(
        tmp_path,
        *[dose_link(90, role="drug", target=10), dose_link(91, role="drug", target=40)],
        *[
            dose_link(92, target=20),
            span("webanno.custom.Dose", 93, "mg", amount="high", of="90 91 92"),
        ],
        span("webanno.custom.Dose", 94, "mg", amount="high", of=""),
    )
    [record], report = read(tmp_path)
    links = [AnnotatedRelation(5, 0, "drug"), AnnotatedRelation(5, 3, "drug")]
    assert record.relations == [*RECORD.relations, *links, AnnotatedRelation(5, 1, "of")]
    assert report.lost == {}
    source = "webanno.custom.Dose: of"
    assert report.chosen == {
        "links read as relations": [
            f"{path}: 'mg' drug 'Aspirin' ({source})",
            f"{path}: 'mg' drug '阿司匹林' ({source})",
            f"{path}: 'mg' of 'fever' ({source})",
        ]
    }


def test_offsets_are_characters_for_astral_and_combining_ones_too(tmp_path: Path) -> None:
    text = "\U00020000e\u0301😀a"
    (tmp_path / "TypeSystem.xml").write_bytes(type_system())
    content = xmi(
        element(ENTITY, 3, begin=0, end=2, value="X"),
        element(ENTITY, 4, begin=2, end=4, value="X"),
        element(ENTITY, 5, begin=4, end=7, value="X"),
        text=text,
    )
    (tmp_path / "doc.xmi").write_bytes(content)
    [record], _ = read(tmp_path)
    surfaces = [record.text[entity.start : entity.end] for entity in record.entities]
    assert surfaces == ["\U00020000", "e\u0301", "😀a"]


def test_title_and_other_fields_of_the_document_are_meta_data(tmp_path: Path) -> None:
    fields = {"documentTitle": "a.txt", "documentId": "anna", "language": "x-unspecified"}
    make_document(tmp_path, metadata(**fields, collectionId="a.txt"))
    [record], _ = read(tmp_path)
    assert record.meta == {"id": "a.txt", "documentId": "anna", "language": "x-unspecified"}


def test_tokens_that_cover_the_text_are_those_of_the_record(tmp_path: Path) -> None:
    words = ["😀", "Aspirin", "100", "mg", "treats", "fever.", "阿司匹林", "治", "头痛"]
    tokens = [span(TOKEN, 100 + i, word, order=0) for i, word in enumerate(words)]
    make_document(tmp_path, *reversed(tokens))
    [record], report = read(tmp_path)
    assert [TEXT[start:end] for start, end in record.tokens or []] == words
    assert report == ConversionReport()
    make_document(tmp_path, *tokens[1:])
    [record], report = read(tmp_path)
    assert record.tokens is None
    assert count(report.chosen) == {
        "documents read without their tokens, which do not cover the text": 1
    }


def test_layers_that_every_project_has_are_no_loss(tmp_path: Path) -> None:
    more = [
        metadata(documentTitle="doc"),
        span(SENTENCE, 90, TEXT[:30]),
        span("org.apache.uima.examples.SourceDocumentInformation", 89, TEXT, uri="file:/doc"),
        span(DEPENDENCY, 91, "mg", Governor=92, Dependent=93, DependencyType="nummod"),
        *[span(TOKEN, 92 + i, word) for i, word in enumerate(TEXT.split())],
    ]
    make_document(tmp_path, *more)
    [record], report = read(tmp_path)
    assert (record.entities, record.relations) == (RECORD.entities, RECORD.relations)
    assert report == ConversionReport()


def test_features_without_a_value_are_no_loss(tmp_path: Path) -> None:
    more = span("custom.Drug", 90, "mg", label="X", note="", negated="false")
    make_document(tmp_path, more, span("webanno.custom.Dose", 91, "mg", amount="high", of=""))
    assert read(tmp_path)[1] == ConversionReport()


def test_other_features_of_spans_are_attributes(tmp_path: Path) -> None:
    spans = [
        span("custom.Drug", 90, "mg", label="X", note="sure?", negated="true"),
        span("custom.Sign", 91, "100", value="X", type="a b", grade="3", share="0.5"),
        span("custom.Sign", 92, "100", value="X", type="", grade="0", share="0.0"),
        span(ENTITY, 93, "100", value="X", identifier="D1"),
    ]
    make_document(tmp_path, *spans)
    [record], report = read(tmp_path)
    assert [each.attributes for each in record.entities] == [
        *[None] * 5,
        {"note": "sure?", "negated": "true"},
        {"type": "a b", "grade": "3", "share": "0.5"},
        None,
        None,
    ]
    # The entry in a knowledge base is no attribute.
    [case] = report.lost.pop("unsupported features of layers")
    assert case.endswith(f"{ENTITY}: identifier")
    assert report == ConversionReport()


def test_of_several_strings_the_first_is_the_label_and_this_is_reported_once(
    tmp_path: Path,
) -> None:
    times = [span("webanno.custom.Time", 90, "100", when="now", type="date")]
    times.append(span("webanno.custom.Time", 91, "treats", when="then"))
    for name in ("a", "b"):
        make_document(tmp_path, *times, name=name)
    records, report = read(tmp_path)
    assert [[entity.label for entity in record.entities[5:]] for record in records] == [
        ["now", "then"]
    ] * 2
    assert records[0].entities[5].attributes == {"type": "date"}
    [[case]] = report.chosen.values()
    assert case == f"{tmp_path}/a.xmi: webanno.custom.Time: when, type_"
    assert not report.lost


def test_the_name_of_a_layer_without_strings_is_the_label_and_this_is_reported_once(
    tmp_path: Path,
) -> None:
    marks = [span("webanno.custom.Mark", 90, "mg", sure="true")]
    marks.append(span("webanno.custom.Mark", 91, "100", sure="false"))
    marks.append(span("webanno.custom.Near", 92, "mg", Governor=90, Dependent=91))
    make_document(tmp_path, *marks)
    [record], report = read(tmp_path)
    assert record.entities[5:] == [
        AnnotatedEntity(14, 16, "Mark", {"sure": "true"}),
        AnnotatedEntity(10, 13, "Mark"),
    ]
    assert record.relations[3:] == [AnnotatedRelation(5, 6, "Near")]
    assert report.chosen == {
        "layers without a string feature (the label is the name of the layer)": [
            f"{tmp_path}/doc.xmi: webanno.custom.Mark",
            f"{tmp_path}/doc.xmi: webanno.custom.Near",
        ]
    }
    assert not report.lost


SECOND = (
    '<cas:Sofa xmi:id="2" sofaNum="2" sofaID="GoldView" mimeType="text" {string}/>'
    '<cas:View sofa="2" members="{ids}"/></xmi:XMI>'
)


def make_views(folder: Path, *elements: str, text: str | None, first: str | None = TEXT) -> Path:
    """Write a document with a second view, which has these annotations."""
    path = make_document(folder)
    ids = " ".join(re.findall(r'xmi:id="(\d+)"', "".join(elements)))
    string = "" if text is None else f"sofaString={quoteattr(text)}"
    content = xmi(*(SPANS if first else []), text=first).decode()
    content = content.replace("</xmi:XMI>", SECOND.format(string=string, ids=ids))
    content = content.replace("<cas:Sofa", "".join(elements) + "<cas:Sofa", 1)
    path.write_text(content, "utf-8")
    return path


def of_second(element: str) -> str:
    return element.replace('sofa="1"', 'sofa="2"')


def test_each_view_with_a_text_is_read(tmp_path: Path) -> None:
    entity = of_second(element(ENTITY, 90, begin=2, end=4, value="X"))
    link = of_second(
        element("webanno.custom.Treats", 91, begin=0, end=2, Governor=90, Dependent=10)
    ).replace("/>", ' certainty="yes"/>')
    path = make_views(tmp_path, entity, link, text="😀ab")
    [first, second], report = read(tmp_path)
    assert (first.text, first.entities) == (TEXT, RECORD.entities)
    assert (second.text, second.entities) == ("😀ab", [AnnotatedEntity(1, 3, "X")])
    assert (first.meta, second.meta) == ({"id": "doc"}, {"id": "doc-GoldView"})
    assert (first.place, second.place) == (f"{path}, view _InitialView", f"{path}, view GoldView")
    assert report.chosen == {
        "documents with several views (each is read as a text of its own)": [
            f"{path}: _InitialView, GoldView"
        ]
    }
    # Its head is in the other view.
    assert count(report.lost) == {"relations of spans that were left out": 1}


def test_the_only_view_with_a_text_is_the_document_whatever_its_name(tmp_path: Path) -> None:
    entity = of_second(element(ENTITY, 90, begin=0, end=2, value="X"))
    make_views(tmp_path, entity, text="ab", first=None)
    assert read(tmp_path) == (
        [AnnotatedText("ab", [AnnotatedEntity(0, 2, "X")], [], meta={"id": "doc"})],
        ConversionReport(),
    )


def test_annotations_of_a_view_without_a_text_are_lost(tmp_path: Path) -> None:
    entity = of_second(element(ENTITY, 90, begin=0, end=2, value="X"))
    path = make_views(tmp_path, entity, text=None)
    [record], report = read(tmp_path)
    assert record.entities == RECORD.entities
    case = f"{path}: {ENTITY} in GoldView"
    assert report == ConversionReport(lost={"annotations of views without a text": [case]})


def test_version_1_1_of_xml_is_read_as_well(tmp_path: Path) -> None:
    make_document(tmp_path, version="1.1")
    assert read(tmp_path)[0] == [RECORD]


# Where documents are


def test_a_text_may_have_the_id_of_an_annotation(tmp_path: Path) -> None:
    path = make_document(tmp_path)
    path.write_bytes(xmi(span(ENTITY, 1, "fever", value="X")))
    [record], report = read(tmp_path)
    assert record.entities == [AnnotatedEntity(24, 29, "X")]
    assert report == ConversionReport()


def test_an_xmi_alone_a_folder_and_folders_in_it_are_read(tmp_path: Path) -> None:
    path = make_document(tmp_path, name="b")
    make_document(tmp_path / "c", name="a").with_name("TypeSystem.xml").unlink()
    (tmp_path / "._b.xmi").write_bytes(b"\0")
    for source, names in ((path, ["b"]), (tmp_path, ["b", "a"])):
        records, report = read(source)
        assert records == [replace(RECORD, meta={"id": name}) for name in names]
        assert report == ConversionReport()


def test_an_archive_of_a_document_is_read(tmp_path: Path) -> None:
    path = tmp_path / "doc.zip"
    path.write_bytes(make_archive("anna", metadata(documentTitle="doc", documentId="anna")))
    for source in (path, tmp_path):
        [record], _ = read(source)
        assert record.entities == RECORD.entities
        assert record.meta == {"id": "doc", "documentId": "anna"}
        assert record.place == f"{path}/anna.xmi"


def test_a_project_has_an_archive_for_each_document_and_annotator(tmp_path: Path) -> None:
    files = {"exportedproject.json": b"{}", "source/a.txt": TEXT.encode()}
    for folder, document, user in (
        ("annotation", "a.txt", "INITIAL_CAS"),
        ("annotation", "a.txt", "anna"),
        ("annotation", "b.txt", "anna"),
        ("annotation", "b.txt", "INITIAL_CAS"),
        ("curation", "a.txt", "CURATION_USER"),
    ):
        archive = make_archive(user, metadata(documentTitle=document, documentId=user))
        files[f"{folder}/{document}/{user}.zip"] = archive
    path = tmp_path / "project.zip"
    path.write_bytes(zipped(files))
    records, report = read(path)
    assert [(record.meta["id"], record.meta["documentId"]) for record in records] == [
        *[("a.txt", "anna"), ("b.txt", "anna"), ("a.txt", "CURATION_USER")]
    ]
    assert not report.lost
    assert report.chosen == {
        "unannotated versions of documents, left out": [
            f"{path}/annotation/{name}/INITIAL_CAS.zip: the whole text"
            for name in ("a.txt", "b.txt")
        ],
        "documents with the title of another one (all of them are read)": [
            f"{path}/curation/a.txt/CURATION_USER.zip/CURATION_USER.xmi: a.txt"
        ],
    }


# UIMA CAS JSON


def cas_json(*annotations: dict[str, Any], text: str = TEXT) -> dict[str, Any]:
    """A document as INCEpTION exports it: the sofa is the last, and offsets count UTF-16 units."""
    types = {
        ENTITY: {
            "%NAME": ENTITY,
            "%SUPER_TYPE": ANNOTATION,
            "value": {"%NAME": "value", "%RANGE": STRING},
            "type": {"%NAME": "type", "%RANGE": STRING},
        },
        "webanno.custom.Treats": {
            "%NAME": "webanno.custom.Treats",
            "%SUPER_TYPE": ANNOTATION,
            "Governor": {"%NAME": "Governor", "%RANGE": ENTITY},
            "Dependent": {"%NAME": "Dependent", "%RANGE": ENTITY},
            "label": {"%NAME": "label", "%RANGE": STRING},
        },
    }
    sofa = {"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaNum": 1, "sofaID": "_InitialView"}
    ids = [each["%ID"] for each in annotations]
    return {
        "%TYPES": types,
        "%FEATURE_STRUCTURES": [*annotations, {**sofa, "mimeType": "text", "sofaString": text}],
        "%VIEWS": {"_InitialView": {"%SOFA": 1, "%MEMBERS": ids}},
    }


def json_entity(xmi_id: int, begin: int, end: int, **features: Any) -> dict[str, Any]:
    return {"%ID": xmi_id, "%TYPE": ENTITY, "@sofa": 1, "begin": begin, "end": end, **features}


JSON_LINK = {"%ID": 4, "%TYPE": "webanno.custom.Treats", "@sofa": 1, "begin": 25, "end": 30}
JSON_LINK |= {"@Governor": 2, "@Dependent": 3, "label": "treats"}
DRUG, SYMPTOM = json_entity(2, 3, 10, value="Drug", type="x"), json_entity(3, 25, 30, value="是")
CAS_JSON = cas_json(DRUG, SYMPTOM, JSON_LINK)
JSON_RECORD = AnnotatedText(
    TEXT,
    [AnnotatedEntity(2, 9, "Drug", {"type": "x"}), AnnotatedEntity(24, 29, "是")],
    [AnnotatedRelation(0, 1, "treats")],
    meta={"id": "doc"},
)


def write_json(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_cas_json_is_read_alone_in_folders_and_in_archives(tmp_path: Path) -> None:
    path = write_json(tmp_path / "one" / "doc.json", CAS_JSON)
    write_json(tmp_path / "one" / "exportedproject.json", {"name": "x"})
    content = json.dumps(CAS_JSON, indent=1).encode()
    files = {
        "exportedproject.json": b"{}",
        "annotation/a.txt/anna.json": content,
        "annotation/a.txt/INITIAL_CAS.json": content,
    }
    archive = tmp_path / "project.zip"
    archive.write_bytes(zipped(files))
    for source in (path, path.parent):
        assert read(source) == ([JSON_RECORD], ConversionReport())
    [record], report = read(archive)
    assert record == replace(JSON_RECORD, meta={"id": "anna"})
    assert record.place == f"{archive}/annotation/a.txt/anna.json"
    assert count(report.chosen) == {"unannotated versions of documents, left out": 1}


def test_links_of_cas_json_are_read(tmp_path: Path) -> None:
    types = {
        "custom.Dose": (ANNOTATION, {"amount": STRING, "of": "custom.DoseLink[]"}),
        "custom.DoseLink": (TOP, {"role": STRING, "target": ANNOTATION}),
    }
    dose = {**json_entity(5, 11, 17, amount="low"), "%TYPE": "custom.Dose", "@of": 6}
    link = {"%ID": 7, "%TYPE": "custom.DoseLink", "role": "drug", "@target": 2}
    content = cas_json(DRUG, SYMPTOM, JSON_LINK, dose)
    for name, (supertype, features) in types.items():
        fields = {key: {"%NAME": key, "%RANGE": range_} for key, range_ in features.items()}
        content["%TYPES"][name] = {"%NAME": name, "%SUPER_TYPE": supertype, **fields}
    array = {"%ID": 6, "%TYPE": "custom.DoseLink[]", "%ELEMENTS": [7]}
    content["%FEATURE_STRUCTURES"] += [array, link]
    [record], report = read(write_json(tmp_path / "doc.json", content))
    assert record.relations == [*JSON_RECORD.relations, AnnotatedRelation(2, 0, "drug")]
    assert report.lost == {}


def test_cas_json_is_recognized_by_its_fields(tmp_path: Path) -> None:
    formats = all_formats(spacy.blank("xx"))
    path = write_json(tmp_path / "json" / "doc.json", CAS_JSON)
    write_json(tmp_path / "json" / "deep" / "doc.json", CAS_JSON)
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped({"annotation/a/anna.json": b"{}"}))
    for source in (path, path.parent, archive):
        assert detect_format(source, formats).name == "uima"
        assert find_files(source, formats) == [source]
    write_json(tmp_path / "json" / "other.json", {"text": "a"})
    with pytest.raises(ValueError, match=r"also contains other\.json"):
        find_files(path.parent, formats)


def without(content: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != name}


BAD_JSON: dict[str, tuple[Any, str]] = {
    "no types": (
        {"%VIEWS": {}, "%FEATURE_STRUCTURES": []},
        "the field '%TYPES' is missing",
    ),
    "no views": (without(CAS_JSON, "%VIEWS"), "the field '%VIEWS' is missing"),
    "an id twice": (cas_json(DRUG, {**SYMPTOM, "%ID": 2}), "different ids, got 2 twice"),
    "an id of the text": (cas_json(DRUG, {**SYMPTOM, "%ID": 1}), "different ids, got 1 twice"),
    "an unknown type": (cas_json({**DRUG, "%TYPE": "custom.Pill"}), "custom.Pill"),
    "an unknown feature": (cas_json({**DRUG, "colour": "red"}), "has no feature 'colour'"),
    "a value of another type": (cas_json({**DRUG, "value": 3}), "must be a string, got 3"),
    "no end": (cas_json(without(DRUG, "end")), "2-0 (Drug) must end after its start"),
    "an end outside": (cas_json({**DRUG, "end": 999}), "between two characters"),
    "half a character": (cas_json({**DRUG, "begin": 1}), "between two characters"),
    "an end before the begin": (cas_json({**DRUG, "begin": 12}), "must end after its start"),
    "no text": (cas_json(), "the document has no text"),
}
del BAD_JSON["no text"][0]["%FEATURE_STRUCTURES"][-1]["sofaString"]


@pytest.mark.parametrize(("content", "problem"), BAD_JSON.values(), ids=BAD_JSON.keys())
def test_bad_cas_json_is_named(content: Any, problem: str, tmp_path: Path) -> None:
    path = write_json(tmp_path / "doc.json", content)
    message = read_error(path)
    assert message.startswith(f"{path}: ")
    assert problem in message
    assert not PYTHON_WORDS.search(message)


# Losses

UNREAD = "layers with neither spans nor relations"
LOSSES: dict[str, tuple[list[str], dict[str, int]]] = {
    "spans without a label": (
        [span(ENTITY, 90, "mg"), span("custom.Drug", 91, "mg", label="")],
        {"spans without a label": 2},
    ),
    "a span without characters": (
        [element(ENTITY, 90, begin=3, end=3, value="X")],
        {"empty spans": 1},
    ),
    "a relation without a label": (
        [span("webanno.custom.Treats", 90, "fever", Governor=10, Dependent=20)],
        {"relations without a label": 1},
    ),
    "a loose end": (
        [span("webanno.custom.Treats", 90, "fever", Dependent=20, certainty="yes")],
        {"relations without a head or tail": 1},
    ),
    "a relation of spans without a label": (
        [
            span(ENTITY, 90, "mg"),
            span("webanno.custom.Treats", 91, "mg", Governor=10, Dependent=90, certainty="yes"),
            span("webanno.custom.Treats", 92, "mg", Governor=90, Dependent=10, certainty="yes"),
        ],
        {"spans without a label": 1, "relations of spans that were left out": 2},
    ),
    "a relation of a token": (
        [
            *[span(TOKEN, 90 + i, word) for i, word in enumerate(TEXT.split())],
            span("webanno.custom.Treats", 99, "mg", Governor=10, Dependent=93, certainty="yes"),
        ],
        {"relations of spans that were left out": 1},
    ),
    "chains": ([span("webanno.custom.NameLink", 90, "mg", kind="name")], {UNREAD: 1}),
    "annotations of documents": (
        [element("webanno.custom.Review", 90, verdict="good")],
        {UNREAD: 1},
    ),
    "features": (
        [
            element("custom.Sign", 90 + i, begin=0, end=2, value="X").replace(
                "/>", "><notes>a</notes></x:Sign>"
            )
            for i in range(2)
        ],
        {"unsupported features of layers": 1},
    ),
    "features of relations": (
        [span("webanno.custom.Cause", 90, "mg", Governor=10, Dependent=20, label="X", sure="true")],
        {"unsupported features of layers": 1},
    ),
    "links to what is no entity": (
        [
            *[dose_link(90, target=40), dose_link(91), dose_link(92, target=94)],
            span("webanno.custom.Dose", 93, "mg", amount="high", of="90 91 92"),
            span("custom.Drug", 94, "fever"),
        ],
        {
            "relations without a head or tail": 1,
            "relations of spans that were left out": 1,
            "spans without a label": 1,
        },
    ),
    "features of links": (
        [
            dose_link(90, target=40, sure="true"),
            span("webanno.custom.Dose", 93, "mg", amount="high", of="90"),
        ],
        {"unsupported features of layers": 1},
    ),
}


@pytest.mark.parametrize(("more", "lost"), LOSSES.values(), ids=LOSSES.keys())
def test_what_is_no_entity_and_no_relation_is_counted(
    more: list[str], lost: dict[str, int], tmp_path: Path
) -> None:
    make_document(tmp_path, *more)
    [record], report = read(tmp_path)
    assert record.entities[:5] == RECORD.entities
    assert record.relations[:3] == RECORD.relations
    assert count(report.lost) == lost
    with pytest.raises(LossError):
        list(FORMAT.read(tmp_path, ConversionReport(strict_all=True)))


# Refusing

# For what an error says of a file that has the wrong shape.
ANYTHING = ""
PYTHON_WORDS = re.compile(r"object|NoneType|argument|literal|not supported|indices|unhashable")
BAD: dict[str, tuple[bytes, str]] = {
    "no XML": (b"text", "not a CAS XMI of its type system"),
    "nothing": (b"", "not a CAS XMI of its type system"),
    "cut off": (xmi()[:-9], "not a CAS XMI of its type system"),
    "another XML": (b"<a/>", "not a CAS XMI of its type system"),
    "not UTF-8": (xmi().replace("阿".encode(), "阿".encode("gb18030")), ANYTHING),
    "no text": (xmi(text=None), "the document has no text"),
    "an unknown type": (xmi(span("custom.Pill", 10, "mg")), "custom.Pill"),
    "an unknown feature": (
        xmi(span(ENTITY, 10, "mg", colour="red")),
        "the type system has no feature 'colour'",
    ),
    "no number": (
        xmi(element(ENTITY, 10, begin="a", end=3, value="X")),
        "'a' must be an integer",
    ),
    "no end": (xmi(element(ENTITY, 10, begin=3, value="X")), "2-0 (X) must end after its start"),
    "an id twice": (
        xmi(SPANS[0], span(ENTITY, 20, "mg", value="X")),
        "all annotations must have different ids, got 20 twice",
    ),
    "an unknown id": (
        xmi(span("webanno.custom.Treats", 10, "mg", Governor=9, certainty="X")),
        "no annotation has the id 9",
    ),
    "an end outside": (
        xmi(element(ENTITY, 10, begin=3, end=999, value="X")),
        "all offsets must lie between two characters",
    ),
    "a negative begin": (
        xmi(element(ENTITY, 10, begin=-3, end=3, value="X")),
        "all offsets must lie between two characters",
    ),
    "half a character": (
        xmi(element(ENTITY, 10, begin=1, end=3, value="X")),
        "all offsets must lie between two characters",
    ),
    "an end before the begin": (xmi(element(ENTITY, 10, begin=5, end=3, value="X")), "4-2"),
    "a control character": (xmi().replace(b"treats", b"&#1;"), "not a CAS XMI of its type system"),
}


@pytest.mark.parametrize(("content", "problem"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_named(content: bytes, problem: str, tmp_path: Path) -> None:
    path = make_document(tmp_path)
    path.write_bytes(content)
    message = read_error(tmp_path)
    assert message.startswith(f"{path}: ")
    assert problem in message
    assert not PYTHON_WORDS.search(message)


@pytest.mark.parametrize("place", ["attribute", "content"])
def test_entities_of_xml_reach_no_other_file(place: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET", "utf-8")
    path = make_document(tmp_path / "export", text=None)
    content = path.read_text("utf-8")
    if place == "attribute":
        content = content.replace('mimeType="text" />', 'mimeType="text" sofaString="&x;"/>')
    else:
        element = "<sofaString>&x;</sofaString></cas:Sofa>"
        content = content.replace('mimeType="text" />', f'mimeType="text">{element}')
    assert "&x;" in content
    doctype = f'<!DOCTYPE x [<!ENTITY x SYSTEM "file://{secret}">]>'
    path.write_text(content.replace("<xmi:XMI", f"{doctype}<xmi:XMI", 1), "utf-8")
    try:
        texts, report = read(path)
    except ValueError as error:
        assert "SECRET" not in str(error)
    else:
        assert "SECRET" not in f"{texts} {report}"


def test_a_bad_type_system_is_named(tmp_path: Path) -> None:
    path = make_document(tmp_path)
    path.with_name("TypeSystem.xml").write_bytes(b"text")
    assert read_error(tmp_path).startswith(f"{path}: TypeSystem.xml is not a valid type system")
    path.with_name("TypeSystem.xml").unlink()
    for source in (tmp_path, path):
        assert read_error(source) == f"{path}: TypeSystem.xml is missing in the same folder"


def test_a_broken_archive_or_one_without_documents_is_named(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(b"PK")
    assert read_error(path).startswith(f"{path}: the archive is damaged")
    path.write_bytes(zipped({"annotation/a/anna.zip": b"PK"}))
    assert read_error(path).startswith(f"{path}/annotation/a/anna.zip: the archive is damaged")
    path.write_bytes(zipped({"annotation/a/anna.tsv": b""}))
    assert read_error(path).startswith(f"{path}: no .xmi files")


def test_files_of_an_archive_that_unpack_to_too_much_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBER", 10_000)
    path = tmp_path / "export.zip"
    good = {"TypeSystem.xml": type_system(), "b.xmi": xmi(*SPANS)}
    path.write_bytes(zipped({**good, "a.xmi": b" " * 10_001}))
    problem = "files in an archive must have at most 10000 bytes, got 10001"
    assert read_error(path).startswith(f"{path}/a.xmi: {problem}; if you trust")
    report = ConversionReport(skip_bad=True)
    assert [record.text for record in FORMAT.read(path, report)] == [TEXT]
    assert len(report.rejected) == 1
    path.write_bytes(zipped({**good, "a.zip": zipped({"a.xmi": bytes(range(256)) * 40})}))
    assert read_error(path).startswith(f"{path}/a.zip/a.xmi: files in an archive")


def test_a_file_of_an_archive_is_read_only_to_its_declared_size(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(zipped({"a.xmi": b" " * 1000, "TypeSystem.xml": type_system()}))
    size = (1000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (10).to_bytes(4, "little")))
    assert read_error(path).startswith(f"{path}/a.xmi: the archive is damaged")


def test_an_archive_with_a_password_or_a_broken_document_is_named(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    good = make_archive("doc")
    with zipfile.ZipFile(BytesIO(good)) as archive:
        start = archive.infolist()[-1].header_offset + len(zipfile.stringFileHeader) + 60
    path.write_bytes(good[:start] + b"\xff" * 40 + good[start + 40 :])
    assert read_error(path).startswith(f"{path}/doc.xmi: the archive is damaged")
    locked = bytearray(good)
    for match in re.finditer(b"PK\1\2", good):
        locked[match.start() + 8] |= 1
    for match in re.finditer(b"PK\3\4", good):
        locked[match.start() + 6] |= 1
    path.write_bytes(locked)
    assert "password" in read_error(path)


# Writing

UNWRITABLE = {*map(chr, range(32)), "\ufffe", "\uffff"} - set("\t\n\r")
# Where INCEpTION trims annotations: what Java takes for white space, and what is invisible.
INVISIBLE = {
    chr(i) for i in (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070))
}


def entity_problem(record: AnnotatedText, entity: AnnotatedEntity) -> str | None:
    if set(entity.label) & UNWRITABLE:
        return "entities whose type has characters that XML can't represent"
    first, *_ = surface = record.text[entity.start : entity.end]
    if any(each.isspace() or each in INVISIBLE for each in (first, surface[-1])):
        return "entities that begin or end with whitespace"
    return None


def relation_problem(relation: AnnotatedRelation) -> str | None:
    if set(relation.label) & UNWRITABLE:
        return "relations whose label has characters that XML can't represent"
    return None


UNNAMEABLE = "attributes whose name can't be that of a feature"
UNWRITTEN = "attributes whose value has characters that XML can't represent"


def is_nameable(name: str, _: str) -> bool:
    is_word = re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) is not None
    return is_word and name not in ("value", "label", "type", "class")


def is_writable(_: str, value: str) -> bool:
    return not set(value) & UNWRITABLE


@given(records=st.lists(crowded_texts(ATTRIBUTES), max_size=3))
def test_all_that_xmi_can_hold_comes_back_and_the_rest_is_counted(
    records: list[AnnotatedText], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("uima") / "documents"
    expected, lost = [], Counter[str]()
    for number, record in enumerate(records, start=1):
        if set(record.text) & UNWRITABLE:
            lost["texts with characters that XML can't represent"] += 1
            continue
        left, reasons = expect(
            record, lambda entity, record=record: entity_problem(record, entity), relation_problem
        )
        left, reasons[UNNAMEABLE] = expect_attributes(left, is_nameable)
        left, reasons[UNWRITTEN] = expect_attributes(left, is_writable)
        expected.append(replace(left, meta={"id": f"{number:06}"}))
        lost += reasons
    assert write(records, folder).losses == lost
    if expected:
        assert read(folder) == (expected, ConversionReport())


@given(
    meta=st.dictionaries(
        st.sampled_from(["id", "documentId", "documentUri", "collectionId", "language"]),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1),
    )
)
def test_tokens_and_fields_of_the_document_come_back(
    meta: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("uima") / "documents"
    record = replace(RECORD, tokens=[(m.start(), m.end()) for m in re.finditer(r"\S+", TEXT)])
    write([replace(record, meta=meta)], folder)
    [back], _ = read(folder)
    writable = {key: value for key, value in meta.items() if not set(value) & UNWRITABLE}
    name = writable.setdefault("id", "000001")
    expected = {key: value for key, value in writable.items() if key == "id" or value != name}
    assert back == replace(record, meta=expected)


def test_texts_that_are_left_out_are_not_counted_as_written(tmp_path: Path) -> None:
    writer = TextWriter(FORMAT, spacy.blank("xx"), ConversionReport())
    texts = [RECORD, replace(RECORD, text="\0" + TEXT[1:]), RECORD]
    assert writer.write(iter(texts), tmp_path / "out") == 2
    assert len([*tmp_path.rglob("*.xmi")]) == writer.report.texts == 2
    assert writer.report.losses == {"texts with characters that XML can't represent": 1}


def test_files_are_as_inception_reads_them(tmp_path: Path) -> None:
    record = replace(RECORD, tokens=[(m.start(), m.end()) for m in re.finditer(r"\S+", TEXT)])
    write([replace(record, meta={"id": "ward/1"}), record], tmp_path / "out")
    files = {str(path.relative_to(tmp_path / "out")) for path in tmp_path.rglob("*.x*")}
    assert files == {"TypeSystem.xml", "ward/1.xmi", "doc.xmi"}
    root = ElementTree.parse(tmp_path / "out" / "ward" / "1.xmi").getroot()
    ids = {each.get(XMI_ID): each for each in root}

    def select(name: str) -> list[ElementTree.Element]:
        package, _, short = name.rpartition(".")
        return root.findall(f"{{http:///{package.replace('.', '/')}.ecore}}{short}")

    def surface(annotation: ElementTree.Element) -> str:
        units = TEXT.encode("utf-16-le")
        begin, end = int(annotation.attrib["begin"]), int(annotation.attrib["end"])
        return units[2 * begin : 2 * end].decode("utf-16-le")

    [document], [sofa], [view] = select(METADATA), select("uima.cas.Sofa"), select("uima.cas.View")
    assert document.attrib["documentTitle"] == document.attrib["documentId"] == "ward/1"
    assert (surface(document), sofa.attrib["sofaString"]) == (TEXT, TEXT)
    assert [surface(token) for token in select(TOKEN)] == TEXT.split()
    entities = [(surface(entity), entity.attrib["value"]) for entity in select(ENTITY)]
    assert entities == [(TEXT[e.start : e.end], e.label) for e in RECORD.entities]
    relations = select("webanno.custom.Relation")
    for each in relations:
        assert surface(each) == surface(ids[each.attrib["Dependent"]])
    assert [
        (surface(ids[r.attrib["Governor"]]), r.attrib["label"], surface(ids[r.attrib["Dependent"]]))
        for r in relations
    ] == [("Aspirin", "yes", "fever"), ("阿司匹林", "是", "头痛"), ("fever", "no", "100 mg")]
    members = set(view.attrib["members"].split())
    assert members == {key for key in ids if key not in (None, "0", sofa.attrib[XMI_ID])}


def test_the_type_system_defines_a_relation_layer_of_named_entities(tmp_path: Path) -> None:
    write([], tmp_path / "out")
    root = ElementTree.parse(tmp_path / "out" / "TypeSystem.xml").getroot()
    types = {}
    for each in root.iterfind(".//{*}typeDescription"):
        features = each.iterfind(".//{*}featureDescription")
        ranges = {f.findtext("{*}name"): f.findtext("{*}rangeTypeName") for f in features}
        types[each.findtext("{*}name")] = (each.findtext("{*}supertypeName"), ranges)
    assert types["webanno.custom.Relation"] == (
        ANNOTATION,
        {"Governor": ENTITY, "Dependent": ENTITY, "label": STRING},
    )
    assert types[ENTITY] == TYPES[ENTITY]
    assert types.keys() == {METADATA, TOKEN, ENTITY, "webanno.custom.Relation"}


def test_attributes_are_features_of_a_layer_of_their_own(tmp_path: Path) -> None:
    entities = [
        replace(each, attributes=attributes)
        for each, attributes in zip(
            RECORD.entities,
            [{"Negation": "true"}, {}, None, {"Assertion": "是", "not nameable": "x"}, {"id": "7"}],
            strict=True,
        )
    ]
    report = write([RECORD, replace(RECORD, entities=entities)], tmp_path / "out")
    assert count(report.lost) == {UNNAMEABLE: 1}
    root = ElementTree.parse(tmp_path / "out" / "TypeSystem.xml").getroot()
    types = {each.findtext("{*}name"): each for each in root.iterfind(".//{*}typeDescription")}
    assert types.keys() == {METADATA, TOKEN, "webanno.custom.Entity", "webanno.custom.Relation"}
    features = types["webanno.custom.Entity"].iterfind(".//{*}featureDescription")
    names = [feature.findtext("{*}name") for feature in features]
    assert names == ["value", "Assertion", "Negation", "id"]
    attributed, plain = read(tmp_path / "out")[0]
    assert plain.entities == RECORD.entities
    expected = [{"Negation": "true"}, None, None, {"Assertion": "是"}, {"id": "7"}]
    assert [each.attributes for each in attributed.entities] == expected
    assert attributed.relations == RECORD.relations


@pytest.mark.parametrize(
    "blank", [" ", "\n", "\u3000", "\xa0", "\x85", *sorted(INVISIBLE)], ids=repr
)
def test_entities_that_inception_refuses_are_lost(blank: str, tmp_path: Path) -> None:
    places = [(1, 4), (0, 2), (3, 5), (0, 5)]
    entities = [AnnotatedEntity(start, end, "X") for start, end in places]
    record = AnnotatedText(f"{blank}a{blank}b{blank}", entities, [])
    report = write([record], tmp_path / "out")
    assert report.losses == {"entities that begin or end with whitespace": 3}
    assert read(tmp_path / "out")[0][0].entities == entities[:1]


def test_meta_data_without_a_place_are_counted_as_lost(tmp_path: Path) -> None:
    meta = {"id": "a", "ward": 3, "language": 4, "collectionId": "\0"}
    report = write([replace(RECORD, meta=meta)], tmp_path / "out")
    assert report.losses == {
        f"unsupported fields of the metadata ({name})": 1
        for name in ("ward", "language", "collectionId")
    }


# On the command line


def test_exports_are_recognized_without_being_read(tmp_path: Path) -> None:
    formats = all_formats(spacy.blank("xx"))
    for folder in ("one", "many", "project", "other"):
        (tmp_path / folder / "deep").mkdir(parents=True)
    (tmp_path / "one" / "doc.xmi").write_bytes(b"\0")
    (tmp_path / "many" / "deep" / "doc.xmi").write_bytes(b"\0")
    archives = {"project/deep/x.zip": "annotation/a/anna.zip", "one/deep.zip": "a.xmi"}
    for path, name in archives.items():
        (tmp_path / path).write_bytes(zipped({name: b"\0"}))
    for path in ("one", "many", "project", "one/doc.xmi", *archives):
        assert detect_format(tmp_path / path, formats).name == "uima"
    (tmp_path / "other" / "texts.zip").write_bytes(zipped({"a.txt": b"", "b.zip": b""}))
    (tmp_path / "other" / "no.zip").write_bytes(b"PK")
    for path in ("other", "other/texts.zip", "other/no.zip"):
        with pytest.raises(ValueError, match="no format matches"):
            detect_format(tmp_path / path, formats)


def test_the_command_converts_there_and_back(tmp_path: Path) -> None:
    item = {
        "text": TEXT,
        "tokens": TEXT.split(),
        "entities": [
            {
                "start": entity.start,
                "end": entity.end,
                "label": entity.label,
                "attributes": {"Negation": "true"} if i else {},
            }
            for i, entity in enumerate(RECORD.entities)
        ],
        "relations": [{"head": r.head, "tail": r.tail, "label": r.label} for r in RECORD.relations],
        "meta": {"id": "doc"},
    }
    (tmp_path / "in.jsonl").write_text(json.dumps(item))
    there = ["convert", str(tmp_path / "in.jsonl"), "-o", str(tmp_path), "--to", "uima"]
    back = ["convert", str(tmp_path / "in"), "-o", str(tmp_path / "back.jsonl"), "--to", "jsonl"]
    for arguments in (there, back):
        assert CliRunner().invoke(app, [*arguments, "--strict"]).exit_code == 0
    assert json.loads((tmp_path / "back.jsonl").read_text()) == item


def test_without_cassis_the_command_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_document(tmp_path)
    monkeypatch.setitem(sys.modules, "cassis", None)
    result = CliRunner().invoke(app, ["convert", str(tmp_path), "-o", f"{tmp_path}-out"])
    assert result.exit_code == 1
    assert "pip install 'spacy_str_encoder[uima]'" in result.stderr
