"""Records in files: what is in each row, and that every kind of file holds the same."""

import csv
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import srsly
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_str_encoder import Relation, set_attributes
from spacy_str_encoder.doc.records import set_settings
from spacy_str_encoder.files.records import COLUMNS, to_rows, write_records

from .test_records import DEGREE, FINDING, POSITION, make_doc


@pytest.fixture
def docs() -> list[Doc]:
    docs = [make_doc([], []), make_doc(FINDING, [POSITION, DEGREE])]
    docs[1].user_data["meta"] = {"id": 7}
    docs[1].ents[0]._.score = 0.25
    for doc in docs:
        settings = {"central": ["Body"], "inverse": ["Modifier"], "key": "{label}, {tail_label}"}
        set_settings(doc, settings)
    return docs


def values(docs: list[Doc], *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in to_rows(docs)]


def test_a_value_a_row(docs: list[Doc]) -> None:
    lad, lcx = ("LAD", "Body", 0, 3), ("LCX", "Body", 18, 21)
    central = values(docs, "doc", "id", "record", "entity", "label", "start", "end")
    assert central == [(1, "7", 0, *lad), (1, "7", 0, *lad), (1, "7", 1, *lcx)]
    assert values(docs, "entity_score") == [(0.25,), (0.25,), (None,)]
    assert values(docs, "key", "owner_start", "score") == [
        ("Position, Place", 0, 0.5),
        ("Position, Place.Modifier, Degree", 4, 0.5),
        (None, None, None),
    ]
    assert values(docs, "value", "value_label", "value_start", "value_end") == [
        ("proximal", "Place", 4, 12),
        ("mild", "Degree", 13, 17),
        (None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("identifier", "written"),
    [
        (71.0, "71"),
        (-0.0, "0"),
        (7.5, "7.5"),
        (True, "true"),
        (1e300, "1e+300"),
        (float("inf"), "Infinity"),
        ("71.0", "71.0"),
    ],
)
def test_identifiers_are_written_as_strings(
    docs: list[Doc], identifier: object, written: str
) -> None:
    docs[1].user_data["meta"] = {"id": identifier}
    assert {row["id"] for row in to_rows(docs[1:])} == {written}


def test_owners_that_overlap_are_told_apart() -> None:
    doc = Doc(Vocab(), words=["left", "knee", "pain", "severe"])
    knee, pain, severe, report = (
        Span(doc, start, end, label)
        for start, end, label in [(0, 2, "A"), (0, 3, "A"), (3, 4, "A"), (0, 4, "Report")]
    )
    same = Span(doc, 0, 2, "B")
    doc.spans["sc"] = [knee, same, pain, severe, report]
    owners = [knee, same, pain]
    doc._.relations = [
        *(Relation(report, owner, "Has") for owner in owners),
        *(Relation(owner, severe, "Is", 0.1 * i) for i, owner in enumerate(owners)),
    ]
    set_settings(doc, {"central": ["Report"], "spans_key": "sc"})
    rows = [row for row in to_rows([doc]) if row["key"] == "Has.Is"]
    assert [
        (row["owner_start"], row["owner_end"], row["owner_label"], row["score"]) for row in rows
    ] == [
        (0, 9, "A", 0.0),
        (0, 9, "B", 0.1),
        (0, 14, "A", 0.2),
    ]


def test_json_lines_hold_the_records(docs: list[Doc], tmp_path: Path) -> None:
    write_records(tmp_path / "records.jsonl", iter(docs))
    expected = [
        {"id": number, "text": doc.text, "records": doc._.records}
        for number, doc in zip([None, 7], docs, strict=True)
    ]
    assert list(srsly.read_jsonl(tmp_path / "records.jsonl")) == expected


def test_tables_hold_the_rows(docs: list[Doc], tmp_path: Path) -> None:
    rows = list(to_rows(docs))
    write_records(tmp_path / "records.csv", iter(docs))
    with (tmp_path / "records.csv").open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.DictReader(file))
    as_text = ["" if value is None else str(value) for row in rows for value in row.values()]
    assert [value for row in read for value in row.values()] == as_text
    write_records(tmp_path / "records.tsv", iter(docs))
    with (tmp_path / "records.tsv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.DictReader(file, dialect="excel-tab")) == read
    write_records(tmp_path / "records.parquet", iter(docs))
    assert pyarrow.parquet.read_table(tmp_path / "records.parquet").to_pylist() == rows


def test_every_file_says_that_a_finding_is_negated(docs: list[Doc], tmp_path: Path) -> None:
    doc = docs[1]
    set_attributes(doc.ents[0], {"Assertion": "negated"}, {"Assertion": 0.75})
    for suffix in ("csv", "jsonl", "parquet"):
        write_records(tmp_path / f"records.{suffix}", [doc])
    [line] = srsly.read_jsonl(tmp_path / "records.jsonl")
    [negated] = line["records"][0]["values"]["Assertion"]
    assert (negated["text"], negated["start"], negated["score"]) == ("negated", None, 0.75)

    expected = {
        "entity": "LAD",
        "key": "Assertion",
        "owner_start": 0,
        "value": "negated",
        "value_label": "Assertion",
        "value_start": None,
        "value_end": None,
        "score": 0.75,
    }
    table = pyarrow.parquet.read_table(tmp_path / "records.parquet").to_pylist()
    for rows in (to_rows([doc]), table):
        [found] = [each for each in rows if each["key"] == "Assertion"]
        assert {name: found[name] for name in expected} == expected
    with (tmp_path / "records.csv").open(encoding="utf-8-sig", newline="") as file:
        [cells] = [each for each in csv.DictReader(file) if each["key"] == "Assertion"]
    as_text = {name: "" if value is None else str(value) for name, value in expected.items()}
    assert {name: cells[name] for name in expected} == as_text


def test_a_table_without_rows_has_columns(tmp_path: Path) -> None:
    for name in ("records.csv", "records.parquet"):
        write_records(tmp_path / name, [])
    assert (tmp_path / "records.csv").read_text("utf-8-sig").strip() == ",".join(COLUMNS)
    assert pyarrow.parquet.read_table(tmp_path / "records.parquet").column_names == [*COLUMNS]


def test_a_failure_leaves_the_file_as_it_was(docs: list[Doc], tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    write_records(path, docs)
    before = path.read_bytes()
    docs[1].user_data.clear()
    with pytest.raises(ValueError, match="This doc has no settings for records"):
        write_records(path, docs)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"xlsx: the file name must end in .jsonl, .csv, .tsv, "):
        write_records(tmp_path / "records.xlsx", [])


def test_without_pyarrow_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'spacy_str_encoder\[parquet\]'"):
        write_records(tmp_path / "records.parquet", [])


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+SUM(A1)", "'+SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("@A1", "'@A1"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("＝1＋1", "'＝1＋1"),
        ("＋SUM(A1)", "'＋SUM(A1)"),
        ("－1", "'－1"),
        ("＠A1", "'＠A1"),
        ("-", "'-"),
        ("-1.5", "-1.5"),
        ("+3", "+3"),
        ("-20%", "-20%"),
        ("-1,5", "-1,5"),
        ("1=1", "1=1"),
        ("mild", "mild"),
    ],
)
def test_no_cell_is_a_formula(docs: list[Doc], tmp_path: Path, value: str, cell: str) -> None:
    doc = docs[1]
    doc.user_data["meta"] = {"id": value}
    set_attributes(doc.ents[0], {"Assertion": value})
    for name, dialect in (("records.csv", "excel"), ("records.tsv", "excel-tab")):
        for raw, expected in ((False, cell), (True, value)):
            write_records(tmp_path / name, [doc], raw=raw)
            content = (tmp_path / name).read_bytes()
            assert content.startswith(b"\xef\xbb\xbfdoc")
            with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
                rows = [*csv.DictReader(file, dialect=dialect)]
            assert {row["id"] for row in rows} == {expected}
            assert [row["value"] for row in rows if row["key"] == "Assertion"] == [expected]
    # No spreadsheet reads these.
    write_records(tmp_path / "records.jsonl", [doc])
    [line] = srsly.read_jsonl(tmp_path / "records.jsonl")
    assert line["id"] == value
