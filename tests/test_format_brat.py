"""brat standoff: folders of texts and annotations, what is read, written, lost and refused."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.brat import brat_format
from spacy_str_encoder.formats.registry import all_formats, detect_format
from spacy_str_encoder.formats.report import ConversionReport, LossError

from .crowded_texts import ATTRIBUTES, crowded_texts, expect, expect_attributes

FORMAT = brat_format()
ENGLISH = "Aspirin treats 😀 head-\naches and\tfever."
LINES = [
    "T1\tDrug 0 7\tAspirin",
    "T2\tSymptom 17 22;23 28\thead- aches",
    "R1\tTreats Arg1:T1 Arg2:T2\t",
    "T3\tSymptom 29 38\tand\tfever",
    "R2\tTreats Arg2:T3 Arg1:T1",
]
RECORD = AnnotatedText(
    ENGLISH,
    [
        AnnotatedEntity(0, 7, "Drug"),
        AnnotatedEntity(17, 28, "Symptom"),
        AnnotatedEntity(29, 38, "Symptom"),
    ],
    [AnnotatedRelation(0, 1, "Treats"), AnnotatedRelation(0, 2, "Treats")],
)
LINE_BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
SPACED_TYPE = "entities whose type contains whitespace"
SPACED_LABEL = "relations whose label contains whitespace"
SPACED_ATTRIBUTE = "attributes whose name or value contains whitespace"
OF_OTHERS = "attributes of relations and events"
BROKEN = "entities that begin or end with a line break"
UNCONNECTED = "relations of events, or of entities that were left out"


def make_document(
    folder: Path, name: str = "doc", text: str | bytes = ENGLISH, lines: list[str] | bytes = LINES
) -> Path:
    """Write a text and its annotations; they may be what no reader should accept."""
    path = folder / f"{name}.ann"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(f"{line}\n" for line in lines).encode() if isinstance(lines, list) else lines
    path.write_bytes(content)
    path.with_suffix(".txt").write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path: Path) -> tuple[list[AnnotatedText], ConversionReport]:
    report = ConversionReport()
    return list(FORMAT.read(path, report)), report


def write(records: list[AnnotatedText], folder: Path) -> ConversionReport:
    report = ConversionReport()
    FORMAT.write(records, folder, report)
    return report


def read_error(path: Path) -> str:
    with pytest.raises(ValueError) as error:
        read(path)
    message = str(error.value)
    assert "\n" not in message
    return message


# Reading


def test_offsets_count_characters_and_relations_go_from_the_first_argument_to_the_second(
    tmp_path: Path,
) -> None:
    make_document(tmp_path)
    [record], report = read(tmp_path)
    assert record == replace(RECORD, meta={"id": "doc"})
    assert report == ConversionReport()


def test_all_pairs_of_a_folder_and_the_folders_in_it_are_read_in_order(tmp_path: Path) -> None:
    lines = ["T2\t药物 2 6\t阿司匹林", "R9\t治疗 Arg1:T2 Arg2:T1", "", "T1\t症状 7 9\t头痛"]
    make_document(tmp_path, "b", "", [])
    make_document(tmp_path, "a/病历.1", "给予阿司匹林治头痛", lines)
    make_document(tmp_path, ".ipynb_checkpoints/b", "x", ["?"])
    (tmp_path / "._b.ann").write_bytes(b"\0\5")
    (tmp_path / "annotation.conf").write_text("[entities]\nDrug\n")
    records, report = read(tmp_path)
    entities = [AnnotatedEntity(2, 6, "药物"), AnnotatedEntity(7, 9, "症状")]
    relations = [AnnotatedRelation(0, 1, "治疗")]
    text = "给予阿司匹林治头痛"
    assert records == [
        AnnotatedText(text, entities, relations, meta={"id": "a/病历.1"}),
        AnnotatedText("", [], [], meta={"id": "b"}),
    ]
    assert report == ConversionReport()


@pytest.mark.parametrize("suffix", [".ann", ".txt"])
def test_one_file_of_a_pair_stands_for_both(suffix: str, tmp_path: Path) -> None:
    path = make_document(tmp_path)
    make_document(tmp_path, "other", "x", [])
    records, _ = read(path.with_suffix(suffix))
    assert records == [replace(RECORD, meta={"id": "doc"})]


def test_a_span_over_line_breaks_is_in_pieces_or_in_one_with_a_space(tmp_path: Path) -> None:
    text = "a b\n  c\r\nd"
    lines = ["T1\tX 0 3;6 7;9 10\ta b c d", "T2\tX 2 7\tb   c", "T3\tX 2 3;6 7\tbc"]
    make_document(tmp_path, text=text, lines=lines)
    [record], report = read(tmp_path)
    assert [(e.start, e.end) for e in record.entities] == [(0, 10), (2, 7), (2, 7)]
    assert report == ConversionReport()


def test_the_text_of_an_entity_may_be_missing_or_lack_space_at_its_end(tmp_path: Path) -> None:
    make_document(tmp_path, text="ab c", lines=["T1\tX 0 2", "T2\tX 0 2\t", "T3\tX 0 3\tab"])
    [record], _ = read(tmp_path)
    assert [(e.start, e.end) for e in record.entities] == [(0, 2), (0, 2), (0, 3)]


def test_line_ends_of_windows_count_as_two_characters_in_the_text_only(tmp_path: Path) -> None:
    lines = b"T1\tX 0 1\ta\r\nT2\tX 3 4\tb\r\nR1\tY Arg1:T1 Arg2:T2\r\n"
    make_document(tmp_path, text=b"a\r\nb\r\n", lines=lines)
    [record], report = read(tmp_path)
    entities = [AnnotatedEntity(0, 1, "X"), AnnotatedEntity(3, 4, "X")]
    assert record.text == "a\r\nb\r\n"
    assert (record.entities, record.relations) == (entities, [AnnotatedRelation(0, 1, "Y")])
    assert report == ConversionReport()


def test_a_byte_order_mark_is_the_first_character(tmp_path: Path) -> None:
    lines = b"\xef\xbb\xbfT1\tX 1 2\ta\n"
    make_document(tmp_path, text=b"\xef\xbb\xbfab", lines=lines)
    [record], report = read(tmp_path)
    assert (record.text, record.entities) == ("\ufeffab", [AnnotatedEntity(1, 2, "X")])
    assert list(report.chosen) == ["byte order marks kept as the first character"]


def test_other_roles_leave_the_order_of_the_arguments(tmp_path: Path) -> None:
    relation = "R1\tCoreference Anaphora:T2 Antecedent:T1"
    make_document(tmp_path, text="a b", lines=["T1\tX 0 1\ta", "T2\tX 2 3\tb", relation])
    [record], report = read(tmp_path)
    assert record.relations == [AnnotatedRelation(1, 0, "Coreference")]
    [[case]] = report.chosen.values()
    assert case.endswith("doc.ann, line 3: Coreference Anaphora:T2 Antecedent:T1")


ATTRIBUTE_LINES = [
    "A1\tNegation T2",
    "M1\tSpeculation T2",
    "A2\tAssertion T1 possible",
    "A4\tAssertion T3 not sure ",
    "A7\tNegation T3 false",
]


def with_attributes(record: AnnotatedText, *attributes: dict[str, str] | None) -> AnnotatedText:
    pairs = zip(record.entities, attributes, strict=True)
    return replace(record, entities=[replace(entity, attributes=each) for entity, each in pairs])


def test_an_attribute_without_a_value_is_true(tmp_path: Path) -> None:
    make_document(tmp_path, lines=[ATTRIBUTE_LINES[0], *LINES, *ATTRIBUTE_LINES[1:]])
    [record], report = read(tmp_path)
    assert (
        record.entities
        == with_attributes(
            RECORD,
            {"Assertion": "possible"},
            {"Negation": "true", "Speculation": "true"},
            {"Assertion": "not sure", "Negation": "false"},
        ).entities
    )
    assert report == ConversionReport()


def test_an_entity_without_attributes_may_be_unannotated(tmp_path: Path) -> None:
    make_document(tmp_path, lines=[*LINES, "A1\tNegation T1"])
    [record], _ = read(tmp_path)
    assert [each.attributes for each in record.entities] == [{"Negation": "true"}, None, None]


def test_each_attribute_has_one_value(tmp_path: Path) -> None:
    more = ["A1\tNegation T1", "A2\tNegation T1", "A3\tNegation T1 false"]
    path = make_document(tmp_path, lines=[*LINES, *more])
    [record], report = read(tmp_path)
    assert record.entities[0].attributes == {"Negation": "true"}
    case = f"{path}, line 8: 'Negation=false' beside 'Negation=true'"
    assert report.lost == {"further values of an attribute": [case]}


# Losses

LOSSES = [
    (["T4\tSymptom 0 7;17 22\tAspirin head-"], {"discontinuous entities": 1}),
    (["T4\tSymptom 0 3;3 7\tAsp irin"], {"discontinuous entities": 1}),
    (["T4\tSymptom 0 7;8 14\tAspirin treats"], {"discontinuous entities": 1}),
    (["T4\tSymptom 33 38;29 32\tfever and"], {"discontinuous entities": 1}),
    (
        ["T4\tX 0 1;2 3\tA p", "R4\tY Arg1:T4 Arg2:T1", "R5\tY Arg1:T1 Arg2:T4"],
        {"discontinuous entities": 1, UNCONNECTED: 2},
    ),
    (["E1\tTreat:T1 Theme:T2", "E2\tTreat:T1"], {"events": 2}),
    (["E1\tTreat:T1", "R4\tCauses Arg1:E1 Arg2:T2"], {"events": 1, UNCONNECTED: 1}),
    (["*\tEquiv T1 T2", "*\tEquiv T2 T3"], {"equivalences": 2}),
    (["A1\tNegated R1", "M1\tSpeculated R2", "A2\tDegree R2 high"], {OF_OTHERS: 3}),
    (["E1\tTreat:T1", "A1\tNegated E1"], {"events": 1, OF_OTHERS: 1}),
    (
        ["T4\tX 0 1;2 3\tA p", "A1\tNegated T4"],
        {"discontinuous entities": 1, "attributes of entities that were left out": 1},
    ),
    (["A1\tNegated R1\tsure?"], {OF_OTHERS: 1, "third columns of attributes": 1}),
    (["N1\tReference T1 Wikipedia:18998781\tAspirin"], {"normalizations": 1}),
    (["#1\tAnnotatorNotes T1\tsure?", "#2\tAnnotatorNotes R1\t"], {"notes": 2}),
    (["R4\tTreats Arg1:T1 Arg2:T2\tsure?"], {"third columns of relations": 1}),
]


@pytest.mark.parametrize(("lines", "lost"), LOSSES, ids=[lines[0] for lines, _ in LOSSES])
def test_what_is_no_entity_and_no_relation_is_counted(
    lines: list[str], lost: dict[str, int], tmp_path: Path
) -> None:
    make_document(tmp_path, lines=LINES + lines)
    [record], report = read(tmp_path)
    more = sum(line.startswith("R4\tTreats") for line in lines)
    assert (record.entities, len(record.relations)) == (RECORD.entities, 2 + more)
    assert report.losses == lost
    assert all(f"doc.ann, line {6 + i}: " in str(report.lost) for i in range(len(lines)))
    with pytest.raises(LossError):
        list(FORMAT.read(tmp_path, ConversionReport(strict_all=True)))


def test_triggers_of_events_are_entities_and_reported(tmp_path: Path) -> None:
    make_document(tmp_path, lines=[*LINES, "E1\tTreat:T1 Theme:T2"])
    [record], report = read(tmp_path)
    assert len(record.entities) == 3
    assert {key: len(cases) for key, cases in report.chosen.items()} == {
        "event triggers read as entities": 1
    }


def test_a_text_that_nobody_annotated_is_no_record(tmp_path: Path) -> None:
    make_document(tmp_path)
    (tmp_path / "README.txt").write_text("Read me.")
    records, report = read(tmp_path)
    assert len(records) == 1
    assert report.lost == {
        "unannotated texts, without an .ann file": [f"{tmp_path}/README.txt: the whole text"]
    }


# Refusing

# The last lines of a file, and what is said of them.
BAD = {
    "no tab": ("T4 Drug 0 7 Aspirin", "must begin with an id and a tab"),
    "no id": ("Drug 0 7\tAspirin", "must begin with an id and a tab"),
    "an unknown kind": ("X1\tDrug 0 7\tAspirin", "must begin with an id and a tab"),
    "an id without a number": ("T\tDrug 0 7\tAspirin", "must begin with an id and a tab"),
    "an id twice": ("T1\tDrug 0 7\tAspirin", "duplicate id T1"),
    "an id of a relation twice": ("R1\tTreats Arg1:T1 Arg2:T2", "duplicate id R1"),
    "no offsets": ("T4\tDrug\tAspirin", "must have a type and offsets"),
    "no end": ("T4\tDrug 0\tAspirin", "must have a type and offsets"),
    "no type": ("T4\t0 7\tAspirin", "must have a type and offsets"),
    "a type of two words": ("T4\tBig drug 0 7\tAspirin", "must have a type and offsets"),
    "three offsets": ("T4\tDrug 0 7 9\tAspirin", "must have a type and offsets"),
    "a comma between pieces": ("T4\tDrug 0 7,8 9\tAspirin", "must have a type and offsets"),
    "a negative offset": ("T4\tDrug -1 7\tAspirin", "must have a type and offsets"),
    "an offset without an end": (
        "T4\tDrug 0 " + "9" * 5000 + "\tx",
        "must have a type and offsets",
    ),
    "an end outside": ("T4\tDrug 38 40\t.", "38 40 must be a span within the text, which has 39"),
    "a piece outside": ("T4\tDrug 0 7;90 97\tAspirin fever", "90 97 must be a span within"),
    "an empty span": ("T4\tDrug 7 7\t", "7 7 must be a span within"),
    "an end before the begin": ("T4\tDrug 7 0\tAspirin", "7 0 must be a span within"),
    "another text": ("T4\tDrug 0 7\taspirin", "must be 'aspirin', got 'Aspirin'"),
    "another text in pieces": (
        "T4\tDrug 0 7;8 14\tAspirin",
        "must be 'Aspirin', got 'Aspirin treats'",
    ),
    "one argument": ("R4\tTreats Arg1:T1", "must have a label and two arguments"),
    "three arguments": (
        "R4\tTreats Arg1:T1 Arg2:T2 Arg3:T3",
        "must have a label and two arguments",
    ),
    "no roles": ("R4\tTreats T1 T2", "must have a label and two arguments"),
    "no label": ("R4\tArg1:T1 Arg2:T2", "must have a label and two arguments"),
    "an unknown argument": ("R4\tTreats Arg1:T1 Arg2:T9", "the file has no line with the id T9"),
    "an attribute of nothing": ("A1\tNegated", "must have a name and an entity"),
    "an attribute of two words": ("A1\tNegated  T1", "must have a name and an entity"),
    "an attribute of an unknown entity": ("A1\tNegated T9", "the file has no line with the id T9"),
    "an attribute before its entity": ("A1\tSure yes T1", "the file has no line with the id yes"),
    "an unknown event": ("R4\tTreats Arg1:E1 Arg2:T1", "the file has no line with the id E1"),
}


@pytest.mark.parametrize(("line", "problem"), BAD.values(), ids=BAD.keys())
def test_file_and_line_of_a_bad_annotation_are_named(
    line: str, problem: str, tmp_path: Path
) -> None:
    path = make_document(tmp_path, lines=[*LINES, line])
    message = read_error(tmp_path)
    assert message.startswith(f"{path}, line 6: ")
    assert problem in message


@pytest.mark.parametrize(
    ("text", "line", "advice"),
    [
        ("a\r\nb\r\nc", "T1\tX 4 5\tc", "it would match if each CRLF of the .txt were LF"),
        ("a\nb\nc", "T1\tX 6 7\tc", "it would match if each LF of the .txt were CRLF"),
        ("\ufeffabc", "T1\tX 2 3\tc", "it would match if the .txt had no byte order mark"),
    ],
)
def test_offsets_that_count_line_ends_otherwise_are_told_from_wrong_ones(
    text: str, line: str, advice: str, tmp_path: Path
) -> None:
    make_document(tmp_path, text=text, lines=[line])
    assert read_error(tmp_path).endswith(advice)
    make_document(tmp_path, text=text, lines=[line.replace("\tc", "\tz")])
    assert "would match" not in read_error(tmp_path)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
@pytest.mark.parametrize("suffix", [".txt", ".ann"])
def test_file_and_line_of_what_is_not_utf_8_are_named(
    suffix: str, encoding: str, tmp_path: Path
) -> None:
    path = make_document(tmp_path).with_suffix(suffix)
    path.write_bytes(b"\n" + "T1\t药物 0 1\t药".encode(encoding))
    assert read_error(tmp_path).startswith(f"{path}, line 2: not UTF-8")


def test_annotations_without_a_text_are_an_error(tmp_path: Path) -> None:
    path = make_document(tmp_path)
    path.with_suffix(".txt").unlink()
    assert read_error(tmp_path) == f"{path}: doc.txt is missing in the same folder"


def test_a_folder_without_documents_is_an_error(tmp_path: Path) -> None:
    assert read_error(tmp_path) == f"{tmp_path}: no .txt or .ann file in this folder"


# Writing


def entity_problem(record: AnnotatedText, entity: AnnotatedEntity) -> str | None:
    if any(character.isspace() for character in entity.label):
        return SPACED_TYPE
    surface = record.text[entity.start : entity.end]
    return BROKEN if {surface[0], surface[-1]} & set(LINE_BREAKS) else None


def relation_problem(relation: AnnotatedRelation) -> str | None:
    return SPACED_LABEL if any(character.isspace() for character in relation.label) else None


def is_writable(name: str, value: str) -> bool:
    return not any(character.isspace() for character in name + value)


@given(records=st.lists(crowded_texts(ATTRIBUTES), max_size=3))
def test_all_that_brat_can_hold_comes_back_and_the_rest_is_counted(
    records: list[AnnotatedText], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("brat") / "documents"
    expected, lost = [], Counter[str]()
    for number, record in enumerate(records, start=1):
        left, reasons = expect(
            record, lambda entity, record=record: entity_problem(record, entity), relation_problem
        )
        left, reasons[SPACED_ATTRIBUTE] = expect_attributes(left, is_writable)
        expected.append(replace(left, meta={"id": f"{number:06}"}))
        lost += reasons
    assert write(records, folder).losses == lost
    if records:
        back, report = read(folder)
        assert back == expected
        assert not report.lost


def test_files_are_as_brat_has_them(tmp_path: Path) -> None:
    record = replace(RECORD, meta={"id": "ward/1"})
    report = write(
        [record, AnnotatedText("药", [AnnotatedEntity(0, 1, "药物")], [])], tmp_path / "out"
    )
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")} == {
        *["out/annotation.conf", "out/ward/1.txt", "out/ward/1.ann"],
        *["out/000002.txt", "out/000002.ann"],
    }
    assert (tmp_path / "out" / "ward" / "1.txt").read_bytes() == ENGLISH.encode()
    assert (tmp_path / "out" / "ward" / "1.ann").read_bytes().decode() == (
        "T1\tDrug 0 7\tAspirin\n"
        "T2\tSymptom 17 22;23 28\thead- aches\n"
        "T3\tSymptom 29 38\tand\tfever\n"
        "R1\tTreats Arg1:T1 Arg2:T2\n"
        "R2\tTreats Arg1:T1 Arg2:T3\n"
    )
    assert (tmp_path / "out" / "annotation.conf").read_text() == (
        "[entities]\nDrug\nSymptom\n\n"
        "[relations]\n"
        "<OVERLAP>\tArg1:<ENTITY>, Arg2:<ENTITY>, <OVL-TYPE>:<ANY>\n"
        "Treats\tArg1:<ENTITY>, Arg2:<ENTITY>\n\n"
        "[events]\n\n[attributes]\n"
    )
    assert list(report.chosen.values()) == [["annotation.conf: 药物"]]


def test_attributes_are_written_and_defined(tmp_path: Path) -> None:
    record = with_attributes(
        RECORD,
        {"Negation": "true", "Assertion": "possible"},
        {},
        {"Assertion": "a|b", "否定": "true", "Of": "true"},
    )
    other = AnnotatedText("a", [AnnotatedEntity(0, 1, "X", {"Assertion": "是", "Of": "me"})], [])
    report = write([record, other], tmp_path / "out")
    lines = (tmp_path / "out" / "000001.ann").read_bytes().decode().splitlines()[5:]
    assert lines == [
        "A1\tNegation T1",
        "A2\tAssertion T1 possible",
        "A3\tAssertion T3 a|b",
        "A4\t否定 T3",
        "A5\tOf T3",
    ]
    configuration = (tmp_path / "out" / "annotation.conf").read_bytes().decode()
    assert configuration.partition("[attributes]\n")[2].splitlines() == [
        "Assertion\tArg:<ENTITY>, Value:possible|是",
        "Negation\tArg:<ENTITY>",
        "Of\tArg:<ENTITY>, Value:me|true",
    ]
    assert not report.lost
    assert [*report.chosen.values()] == [
        ["annotation.conf: 否定"],
        ["annotation.conf: Assertion=a|b"],
    ]


def test_a_span_is_cut_where_it_goes_over_line_breaks(tmp_path: Path) -> None:
    text = "a\n\n b\r\nc\u2028\x85d e"
    write([AnnotatedText(text, [AnnotatedEntity(0, len(text), "X")], [])], tmp_path / "out")
    line = (tmp_path / "out" / "000001.ann").read_text()
    assert line == "T1\tX 0 1;3 5;7 8;10 13\ta  b c d e\n"


def test_fields_of_the_meta_data_but_the_id_are_counted_as_lost(tmp_path: Path) -> None:
    report = write([replace(RECORD, meta={"id": "a", "ward": 3, "year": 4})], tmp_path / "out")
    assert report.losses == {"unsupported fields of the metadata": 2}


# On the command line


def test_folders_and_files_of_brat_are_recognized_and_no_others(tmp_path: Path) -> None:
    formats = all_formats(spacy.blank("xx"))
    path = make_document(tmp_path / "deep" / "folder")
    for each in (tmp_path, path, path.with_suffix(".txt")):
        assert detect_format(each, formats).name == "brat"
    alone = tmp_path / "alone.txt"
    alone.write_text("x")
    empty = tmp_path / "empty"
    empty.mkdir()
    for each in (alone, empty):
        with pytest.raises(ValueError, match="no format matches"):
            detect_format(each, formats)


def test_the_command_converts_there_and_back(tmp_path: Path) -> None:
    annotated = with_attributes(RECORD, {"Negation": "true"}, {}, {"Assertion": "possible"})
    item = {
        "text": RECORD.text,
        "tokens": None,
        "entities": [vars(entity) for entity in annotated.entities],
        "relations": [vars(relation) for relation in RECORD.relations],
        "meta": {"id": "doc"},
    }
    (tmp_path / "in.jsonl").write_text(json.dumps(item))
    there = ["convert", str(tmp_path / "in.jsonl"), "-o", str(tmp_path), "--to", "brat"]
    back = ["convert", str(tmp_path / "in"), "-o", str(tmp_path / "back.jsonl"), "--to", "jsonl"]
    for arguments in (there, back):
        assert CliRunner().invoke(app, [*arguments, "--strict"]).exit_code == 0
    assert json.loads((tmp_path / "back.jsonl").read_text()) == item
