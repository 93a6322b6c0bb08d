"""Codes and other identifiers of entities in everything that is written."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin, Span
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_str_encoder import Relation, get_codes, set_codes, to_annotations, to_records, to_rows
from spacy_str_encoder.cli import app
from spacy_str_encoder.formats import jsonl
from spacy_str_encoder.formats.annotated_text import AnnotatedEntity, AnnotatedText
from spacy_str_encoder.formats.docs import from_docs, to_docs
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.visualize import compare_docs, render, view_doc

TEXTS = ["no fever but PNEUMONIA", "her mother coughs", "nothing"]
PATTERNS = [
    {"label": "Finding", "pattern": "fever"},
    {"label": "Finding", "pattern": "PNEUMONIA", "id": "rule-7"},
    {"label": "Person", "pattern": "mother", "id": "rule-8"},
    {"label": "Finding", "pattern": "coughs"},
]
TERMS = """code,system,term
F1,findings,Fever
F2,findings,"Pneumonia, any"
F2,findings,pneumonia
F3,others,Lung infection
F3,others,pneumonia
"""
FEVER = {"code": "F1", "system": "findings", "display": "Fever", "score": 1.0}
PNEUMONIA = [
    {"code": "F2", "system": "findings", "display": "Pneumonia, any", "score": 1.0},
    {"code": "F3", "system": "others", "display": "Lung infection", "score": 1.0},
]
# What each entity has beside offsets, label and score.
EXPECTED = [
    [
        {"kb_id": "F1", "codes": [FEVER]},
        {"id": "rule-7", "kb_id": "F2", "codes": PNEUMONIA},
    ],
    [{"id": "rule-8"}, {"codes": []}],
    [],
]
NLP = spacy.blank("en")
PLAIN = {"start", "end", "label", "score"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("codes")
    (folder / "terms.csv").write_text(TERMS, "utf-8")
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(PATTERNS)  # type: ignore[attr-defined]
    finder = nlp.add_pipe("str_codes", config={"types": ["Finding"]})
    finder.initialize(nlp=nlp, path=folder / "terms.csv")  # type: ignore[attr-defined]
    nlp.add_pipe("str_records", config={"central": ["Finding"]})
    nlp.to_disk(folder / "model")
    return folder / "model"


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


def annotate(model: Path, folder: Path, format: str) -> Path:
    (folder / "texts.txt").write_text("".join(f"{text}\n" for text in TEXTS), "utf-8")
    run("annotate", model, folder / "texts.txt", "-o", folder / format, "--format", format)
    [path] = (folder / format).glob("part-*")
    return path


def identifiers(entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in each.items() if k not in PLAIN} for each in entities]


def test_plain_data_have_the_identifiers_that_there_are(model: Path) -> None:
    nlp = spacy.load(model)
    found = [to_annotations(nlp(text)) for text in TEXTS]
    assert [identifiers(each["entities"]) for each in found] == EXPECTED  # type: ignore[arg-type]
    assert json.loads(json.dumps(found)) == found


def test_archives_hold_identifiers(model: Path, tmp_path: Path) -> None:
    path = annotate(model, tmp_path, "jsonl")
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [identifiers(line["entities"]) for line in lines] == EXPECTED

    rows = pyarrow.parquet.read_table(annotate(model, tmp_path, "parquet")).to_pylist()
    names = ("id", "kb_id", "codes")
    assert [[{name: each[name] for name in names} for each in row["entities"]] for row in rows] == [
        [{**dict.fromkeys(names), **each} for each in line] for line in EXPECTED
    ]

    docs = [*DocBin().from_disk(annotate(model, tmp_path, "spacy")).get_docs(Vocab())]
    assert [identifiers(to_annotations(doc)["entities"]) for doc in docs] == EXPECTED  # type: ignore[arg-type]


def test_an_archive_that_was_begun_before_goes_on(model: Path, tmp_path: Path) -> None:
    options = ("--part-size", "1", "--format", "parquet", "-o", tmp_path / "out")
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"{text}\n" for text in TEXTS), "utf-8")
    run("annotate", model, texts, *options)
    manifest = tmp_path / "out" / "manifest.jsonl"
    whole = manifest.read_text("utf-8").splitlines(keepends=True)
    # As if the run had been killed after its first part, whose columns were those of before.
    end = next(i for i, line in enumerate(whole) if '"chunk": 0' in line) + 1
    manifest.write_text("".join(whole[:end]), "utf-8")
    first, *others = sorted((tmp_path / "out").glob("part-*"))
    for path in others:
        path.unlink()
    table = pyarrow.parquet.read_table(first)
    old = [
        {**row, "entities": [{k: each[k] for k in PLAIN} for each in row["entities"]]}
        for row in table.to_pylist()
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(old), first)
    run("annotate", model, texts, *options)
    parts = [pyarrow.parquet.read_table(each).to_pylist() for each in (first, *others)]
    assert [row["text"] for part in parts for row in part] == TEXTS
    assert [each["id"] for each in parts[1][0]["entities"]] == ["rule-8", None]


def test_records_have_the_codes_of_entities_and_values() -> None:
    doc = spacy.blank("en")("severe fever today")
    doc.set_ents([Span(doc, 0, 1, "Degree"), Span(doc, 1, 2, "Finding", kb_id="F1")])
    degree, fever = doc.ents
    doc._.relations = [Relation(fever, degree, "degree")]
    set_codes(fever, [FEVER])  # type: ignore[list-item]
    [record] = to_records(doc, ["Finding"])
    [value] = record["values"]["degree"]
    assert (record["kb_id"], record["codes"]) == ("F1", [FEVER])
    assert "kb_id" not in value and "codes" not in value
    degree.doc.set_ents([Span(doc, 0, 1, "Degree", kb_id="D3"), fever])
    [value] = to_records(doc, ["Finding"])[0]["values"]["degree"]
    assert value["kb_id"] == "D3"


def test_tables_of_records_have_a_column_for_the_codes_of_both(model: Path) -> None:
    nlp = spacy.load(model)
    rows = [*to_rows(nlp(text) for text in TEXTS)]
    assert [(row["entity"], row["entity_code"], row["value_code"]) for row in rows] == [
        ("fever", "F1", None),
        ("PNEUMONIA", "F2", None),
        ("coughs", None, None),
    ]


def titles(html: str) -> list[str]:
    return re.findall(r'title="([^"]*)"', html.split("<main>")[1])


def test_pages_have_codes_as_titles(model: Path) -> None:
    nlp = spacy.load(model)
    doc, gold = nlp(TEXTS[0]), nlp.make_doc(TEXTS[0])
    gold.set_ents([Span(gold, 1, 2, "Finding")])
    assert titles(str(render([view_doc(doc)]))) == [
        "fever: Finding; F1 Fever (findings) 1.00",
        "PNEUMONIA: Finding; F2 Pneumonia, any (findings) 1.00; F3 Lung infection (others) 1.00",
    ]
    assert titles(str(render([compare_docs(doc, gold)]))) == [
        "fever: Finding, correct; F1 Fever (findings) 1.00",
        "PNEUMONIA: Finding, wrong; F2 Pneumonia, any (findings) 1.00; "
        "F3 Lung infection (others) 1.00",
    ]
    # An entity without codes has its label beside its text.
    assert titles(str(render([view_doc(nlp(TEXTS[1]))]))) == []


def test_pages_show_identifiers_of_other_components_and_escape_them() -> None:
    doc = spacy.blank("en")("fever")
    doc.set_ents([Span(doc, 0, 1, "Finding", kb_id='Q<"1')])
    assert titles(str(render([view_doc(doc)]))) == ["fever: Finding; Q&lt;&quot;1"]


def test_docs_and_json_lines_keep_identifiers_and_other_formats_count_them(
    model: Path, tmp_path: Path
) -> None:
    path = annotate(model, tmp_path, "spacy")
    run("convert", path, "-o", tmp_path / "copy.spacy")
    docs = [*DocBin().from_disk(tmp_path / "copy.spacy").get_docs(Vocab())]
    assert [get_codes(entity) for entity in docs[0].ents] == [[FEVER], PNEUMONIA]
    report = run("convert", path, "-o", tmp_path / "copy.jsonl", "--to", "jsonl")
    assert "left out" not in report
    lines = (tmp_path / "copy.jsonl").read_text("utf-8").splitlines()
    assert [identifiers(json.loads(line)["entities"]) for line in lines] == EXPECTED
    for source in (path, tmp_path / "copy.jsonl"):
        counts = tmp_path / f"{source.suffix[1:]}.json"
        output = tmp_path / f"{source.suffix[1:]}-out"
        run("convert", source, "-o", output, "--to", "casrel", "--report", counts)
        lost = json.loads(counts.read_text("utf-8"))["lost"]
        assert [each.split(": ")[-1] for each in lost["codes of entities"]] == [
            "'F1' of 'fever' (Finding)",
            "'F2' of 'PNEUMONIA' (Finding)",
            "'F3' of 'PNEUMONIA' (Finding)",
        ]
        assert len(lost["identifiers of entities"]) == 2
        assert len(lost["knowledge base identifiers of entities"]) == 2


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_convert_keeps_the_identifiers_that_annotate_writes(
    model: Path, tmp_path: Path, format: str
) -> None:
    path = annotate(model, tmp_path, format)
    report = run("convert", path.parent, "-o", tmp_path / "gold", "--lang", "en")
    [written] = (tmp_path / "gold").glob("*.spacy")
    docs = [*DocBin().from_disk(written).get_docs(Vocab())]
    assert [identifiers(to_annotations(doc)["entities"]) for doc in docs] == EXPECTED  # type: ignore[arg-type]
    assert "unsupported" not in report


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)
codes = st.fixed_dictionaries(
    {"code": texts, "system": texts, "display": texts, "score": st.floats(0, 1)}
)
any_identifiers = st.fixed_dictionaries(
    {}, optional={"id": texts, "kb_id": texts, "codes": st.lists(codes, max_size=3)}
)


@given(found=any_identifiers)
def test_identifiers_are_read_as_they_were_written(found: Any) -> None:
    entity = AnnotatedEntity(1, 3, "Finding", identifiers=found)
    report = ConversionReport(strict_all=True)
    line = json.loads(json.dumps(jsonl.serialize(AnnotatedText("a bc", [entity], []), report)))
    read = jsonl.parse(line, "here", report)
    assert read.entities[0].identifiers == found


@given(found=any_identifiers, is_aligned=st.booleans())
def test_docs_hold_identifiers(found: Any, is_aligned: bool) -> None:
    # Spans alone have other identifiers than codes.
    start, given = (2, found) if is_aligned else (3, {k: found[k] for k in found if k == "codes"})
    entity = AnnotatedEntity(start, 4, "Finding", identifiers=given)
    text = AnnotatedText("a bc", [entity], [], tokens=[(0, 1), (2, 4)])
    report = ConversionReport()
    docs = [*to_docs([text], NLP, report)]
    for _ in range(2):
        [read] = from_docs(docs, report)
        assert read.entities[0].identifiers == given
        docs = [*to_docs([read], NLP, report)]


def test_what_is_no_identifier_is_counted() -> None:
    report = ConversionReport()
    fields = {"id": 7, "kb_id": None, "codes": ["F1"]}
    entity = {"start": 0, "end": 1, "label": "Finding", **fields}
    read = jsonl.parse({"text": "a", "entities": [entity]}, "here", report)
    assert read.entities[0].identifiers == {}
    assert sum(map(len, report.lost.values())) == 2
