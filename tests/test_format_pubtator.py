"""PubTator: relations are between concepts, which may have several mentions."""

from pathlib import Path

import pytest

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.pubtator import FORMAT
from spacy_str_encoder.formats.report import ConversionReport

from .json_files import counts, detect, read_error
from .test_convert import run

CLOSEST = "relations of entities with several mentions, read between the closest ones"
CONTENT = """\
12|t|Aspirin and asthma.
12|a|Asthma after aspirin.
12\t0\t7\tAspirin\tChemical\tD1
12\t12\t18\tasthma\tDisease\tD2
12\t20\t26\tAsthma\tDisease\tD2
12\t33\t40\taspirin\tChemical\tD1
12\tCID\tD1\tD2

13|t|Nothing
13|a|
"""
RECORDS = [
    AnnotatedText(
        "Aspirin and asthma.\nAsthma after aspirin.",
        [
            AnnotatedEntity(0, 7, "Chemical"),
            AnnotatedEntity(12, 18, "Disease"),
            AnnotatedEntity(20, 26, "Disease"),
            AnnotatedEntity(33, 40, "Chemical"),
        ],
        [AnnotatedRelation(0, 1, "CID")],
        meta={"id": "12"},
    ),
    AnnotatedText("Nothing\n", [], [], meta={"id": "13"}),
]


def write(folder: Path, *rows: str) -> Path:
    """Write a document of "Ada met Bob" with more lines."""
    path = folder / "a.pubtator"
    path.write_text("\n".join(["1|t|Ada met Bob", *(row.replace(" ", "\t") for row in rows)]))
    return path


def read(path: Path) -> tuple[list[AnnotatedText], ConversionReport]:
    report = ConversionReport()
    return list(FORMAT.read(path, report)), report


ADA, BOB = "1 0 3 Ada PER A", "1 8 11 Bob PER B"


@pytest.mark.parametrize("content", [CONTENT, f"\ufeff\n{CONTENT}\n\n"], ids=["plain", "blank"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_offsets_count_the_characters_of_title_and_abstract(
    content: str, line_end: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.PubTator"
    path.write_bytes(content.replace("\n", line_end).encode())
    records, report = read(path)
    assert records == RECORDS
    assert counts(report.lost) == {"concepts of mentions": 4}
    line = 1 if content == CONTENT else 2
    assert report.chosen == {CLOSEST: [f"{path}, line {line}: 'Aspirin' CID 'asthma'"]}


@pytest.mark.parametrize(
    ("concept", "named"),
    [("D1|D2", "D1"), ("D1,D2", "D2"), ("D1;D2", "D2"), ("c|DEL|3", "c|DEL|3")],
)
def test_a_mention_may_have_several_concepts(concept: str, named: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"1 0 3 Ada PER {concept}", BOB, f"1 knows B {named}")
    [record], _ = read(path)
    assert record.relations == [AnnotatedRelation(1, 0, "knows")]


def test_relations_of_two_concepts_of_one_mention_are_one(tmp_path: Path) -> None:
    path = write(tmp_path, ADA, "1 8 11 Bob PER B|C", "1 knows A B", "1 knows A C", "1 met A C")
    [record], report = read(path)
    assert record.relations == [AnnotatedRelation(0, 1, "knows"), AnnotatedRelation(0, 1, "met")]
    assert report.lost["duplicate relations"] == [f"{path}, line 1: 'Ada' knows 'Bob'"]


@pytest.mark.parametrize("name", ["a.PubTator", "a.txt"])
@pytest.mark.parametrize("names", [("title", "abstract", "body"), ("abstract", "t", "fig_1")])
def test_passages_may_have_other_names(names: tuple[str, ...], name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    texts = ["Ada", "met|saw", "Bob"]
    lines = [f"1|{each}|{text}" for each, text in zip(names, texts, strict=True)]
    path.write_text("\n".join([*lines, "1\t12\t15\tBob\tPER\tB"]))
    [record], _ = read(path)
    assert record.text == "Ada\nmet|saw\nBob"
    assert record.entities == [AnnotatedEntity(12, 15, "PER")]
    assert detect(path) == "pubtator"


def test_mentions_and_relations_are_told_apart_by_their_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "1 0 3 Ada PER", BOB, ADA, "1 knows A B Novel")
    [record], report = read(path)
    assert [entity.start for entity in record.entities] == [0, 8, 0]
    assert record.relations == [AnnotatedRelation(2, 1, "knows")]
    assert report.lost["further columns"] == [f"{path}, line 1: knows A B Novel"]


def test_what_can_not_be_read_is_counted(tmp_path: Path) -> None:
    path = write(tmp_path, f"{ADA} A.|L.", BOB, "1 knows A C", "1 note text")
    [record], report = read(path)
    assert (len(record.entities), record.relations) == (2, [])
    place = f"{path}, line 1"
    assert report.lost == {
        "concepts of mentions": [
            f"{place}: A of 'Ada' (PER, 0-3)",
            f"{place}: B of 'Bob' (PER, 8-11)",
        ],
        "further columns": [f"{place}: A.|L. of 'Ada' (PER, 0-3)"],
        "relations of concepts without a mention": [f"{place}: knows between A and C"],
        "lines that are no mention and no relation": [f"{place}: note text"],
    }


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("1 0 4 Ada PER A", "the mention 0-4 must be 'Ada', got 'Ada '"),
        ("1 9 99 ob PER A", "9-99"),
        ("1 3 3  PER A", "3-3"),
        ("1 0 3 Ada  A", "must not be empty"),
        ("2 0 3 Ada PER A", "all lines must begin with 1, got '2'"),
    ],
)
def test_file_and_line_of_a_bad_document_are_named(row: str, problem: str, tmp_path: Path) -> None:
    path = write(tmp_path, BOB, row)
    path.write_text(f"{CONTENT}\n{path.read_text()}")
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, line 12: ")
    assert problem in message
    report = ConversionReport(skip_bad=True)
    assert list(FORMAT.read(path, report)) == RECORDS
    assert report.rejected == [message]


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\nAda met Bob")
    assert "must begin with a title, such as 123|t|Title, got 'Ada" in read_error(FORMAT, path)


@pytest.mark.parametrize("name", ["a.PubTator", "a.txt"])
def test_the_format_is_detected(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(f"\n{CONTENT}")
    assert detect(path) == "pubtator"


@pytest.mark.parametrize("content", ["", "Ada\n1|t|Bob", "name|age|town\nAda|36|London", "\xff"])
def test_other_texts_are_not_taken_for_it(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content.encode("latin-1"))
    assert not FORMAT.recognizes(path, None)
    assert not FORMAT.recognizes(tmp_path, None)


def test_a_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.PubTator").write_text(CONTENT)
    result = run(tmp_path / "in", "-o", tmp_path / "out", "--to", "jsonl")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        0,
        f"{tmp_path / 'out' / 'a.jsonl'}: 2 texts",
    )
