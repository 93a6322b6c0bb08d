"""brat standoff: folders of texts and annotations, what is read, written, lost and refused."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from hypothesis import assume, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.brat import brat_format
from spacy_str_encoder.formats.format import ReadOptions
from spacy_str_encoder.formats.registry import all_formats, detect_format, find_files
from spacy_str_encoder.formats.report import ConversionReport, LossError
from spacy_str_encoder.formats.samples import READ_ONLY

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
EVENTS = "events"
OF_EVENTS = "relations of events"
UNCONNECTED = "relations of relations, or of entities that were left out"
EMPTY = "empty .ann files, read as "


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


def read(path: Path, **options: bool) -> tuple[list[AnnotatedText], ConversionReport]:
    report = ConversionReport()
    return list(brat_format(ReadOptions(**options)).read(path, report)), report


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
    assert not report.lost


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


@pytest.mark.parametrize(
    ("offsets", "surface", "expected"),
    [
        ("0 3;3 7", "Asp irin", (0, 7)),
        ("0 3;3 7", "Aspirin", (0, 7)),
        ("0 7;8 14", "Aspirin treats", (0, 14)),
        ("0 3;3 7;8 14", "Asp irin treats", (0, 14)),
        ("17 22;23 28;29 32", "head- aches and", (17, 32)),
    ],
)
def test_pieces_that_adjoin_or_have_a_space_between_them_are_one_entity(
    offsets: str, surface: str, expected: tuple[int, int], tmp_path: Path
) -> None:
    make_document(tmp_path, lines=[f"T1\tX {offsets}\t{surface}"])
    [record], report = read(tmp_path)
    assert record.entities == [AnnotatedEntity(*expected, "X")]
    assert report == ConversionReport()


@pytest.mark.parametrize("text", ["a b\n\nc d", "a b\r\n\r\nc d"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("new_line", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(("start", "surface"), [(2, "b\n\nc"), (2, "b\n\nc\n"), (3, "\n\nc")])
def test_the_text_of_an_entity_may_have_line_breaks(
    start: int, surface: str, new_line: str, text: str, tmp_path: Path
) -> None:
    end = text.index("c") + 1
    lines = f"T1\tX {start} {end}\t{surface}\nT2\tX 0 1\ta\nR1\tY Arg1:T1 Arg2:T2\n"
    make_document(tmp_path, text=text, lines=lines.replace("\n", new_line).encode())
    [record], report = read(tmp_path)
    assert record.entities == [AnnotatedEntity(start, end, "X"), AnnotatedEntity(0, 1, "X")]
    assert record.relations == [AnnotatedRelation(0, 1, "Y")]
    assert report == ConversionReport()


@given(record=crowded_texts())
def test_entities_are_read_whatever_line_breaks_their_texts_have(
    record: AnnotatedText, tmp_path_factory: pytest.TempPathFactory
) -> None:
    surfaces = [record.text[each.start : each.end] for each in record.entities]
    # What looks like a line of its own can't be told from one.
    assume(not any(re.search(r"\n([TREAMN#]\S+|\*)\t", each) for each in surfaces))
    lines = [
        f"T{i}\tX {each.start} {each.end}\t{surface}"
        for i, (each, surface) in enumerate(zip(record.entities, surfaces, strict=True))
    ]
    folder = tmp_path_factory.mktemp("brat")
    make_document(folder, text=record.text, lines=lines)
    [found], report = read(folder)
    assert found.entities == [replace(each, label="X") for each in record.entities]
    assert not report.lost


def test_a_note_over_several_lines_is_one(tmp_path: Path) -> None:
    path = make_document(
        tmp_path, lines=[*LINES, "#1\tAnnotatorNotes T1\tsure?\n\n- no", "R3\tX Arg1:T1 Arg2:T2"]
    )
    [record], report = read(tmp_path)
    assert len(record.relations) == 3
    assert report.lost == {"notes": [f"{path}, line 6: AnnotatorNotes T1 sure? - no"]}


@pytest.mark.parametrize("suffixes", [(".TXT", ".ANN"), (".Txt", ".ann"), (".txt", ".aNN")])
def test_suffixes_may_be_in_capitals(suffixes: tuple[str, str], tmp_path: Path) -> None:
    path = make_document(tmp_path / "in")
    files = [
        each.rename(each.with_suffix(suffix))
        for each, suffix in zip((path.with_suffix(".txt"), path), suffixes, strict=True)
    ]
    formats = all_formats(spacy.blank("xx"))
    assert find_files(tmp_path / "in", formats) == [tmp_path / "in"]
    for each in (tmp_path / "in", *files):
        assert detect_format(each, formats).name == "brat"
        assert read(each)[0] == [replace(RECORD, meta={"id": "doc"})]


def test_files_that_differ_in_the_case_of_their_suffix_are_an_error(tmp_path: Path) -> None:
    path = make_document(tmp_path)
    path.with_suffix(".TXT").write_text("x")
    if len([*tmp_path.iterdir()]) < 3:
        pytest.skip("names in capitals are the same here")
    assert "there must be one .txt file of this name" in read_error(tmp_path)


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


# Files without annotations


def test_an_empty_file_is_a_text_without_entities(tmp_path: Path) -> None:
    path = make_document(tmp_path, lines=b"\n \n")
    [record], report = read(tmp_path)
    assert record == AnnotatedText(ENGLISH, [], [], meta={"id": "doc"})
    assert (report.lost, report.chosen) == ({}, {EMPTY + "texts without entities": [str(path)]})


def test_an_empty_file_is_unannotated_if_asked_for(tmp_path: Path) -> None:
    path = make_document(tmp_path, "a", lines=[])
    make_document(tmp_path, "b")
    [first, second], report = read(tmp_path, unannotated_empty=True)
    assert not (first.has_entities or first.has_relations)
    assert second.has_entities
    assert second.has_relations
    assert (report.lost, report.chosen) == ({}, {EMPTY + "unannotated texts": [str(path)]})


# Events

# The trigger T1, and the entities T2 and T3.
EVENT_LINES = [
    (["E1\tDrug:T1 Theme:T2 Cause:T3"], [(0, 1, "Theme"), (0, 2, "Cause")]),
    (["E1\tDrug:T1 Theme:T2 ", "E2\tSymptom:T3 Cause:E1"], [(0, 1, "Theme"), (2, 0, "Cause")]),
    (["E2\tSymptom:T3 Cause:E1", "E1\tDrug:T1"], [(2, 0, "Cause")]),
    (["E1\tDrug:T1 Of:E2", "E2\tSymptom:T2 Of:E1"], [(0, 1, "Of"), (1, 0, "Of")]),
    (["E1\tDrug:T1", "R3\tCauses Arg1:T2 Arg2:E1"], [(1, 0, "Causes")]),
    (["E1\tDrug:T1 Theme:T2 Theme2:T3"], [(0, 1, "Theme"), (0, 2, "Theme")]),
    (["E1\tDrug:T1 Arg1:T2 Arg2:T3"], [(0, 1, "Arg1"), (0, 2, "Arg2")]),
]


@pytest.mark.parametrize(("lines", "expected"), EVENT_LINES)
def test_the_arguments_of_events_are_relations_of_their_trigger_if_asked_for(
    lines: list[str], expected: list[tuple[int, int, str]], tmp_path: Path
) -> None:
    entities = [line for line in LINES if line[0] == "T"]
    make_document(tmp_path, lines=[*lines, *entities])
    [record], report = read(tmp_path, events=True)
    assert record.entities == RECORD.entities
    assert record.relations == [AnnotatedRelation(*each) for each in expected]
    assert not report.lost
    events = sum(line.startswith("E") for line in lines)
    assert len(report.chosen.pop("events read as relations")) == events
    numbered = {"numbered roles of events, read without the number"}
    assert report.chosen.keys() == (numbered if "Theme2" in lines[0] else set())


def test_what_events_lack_is_counted(tmp_path: Path) -> None:
    lines = [
        *["T4\tX 0 1;3 4\tA i", "E1\tX:T4 Theme:T1", "E2\tSymptom:T2 Theme:T4 Cause:E1 To:T3"],
        *["R4\tY Arg1:E1 Arg2:T1", "E3\tTreat:T1"],
    ]
    path = make_document(tmp_path, lines=[*LINES, *lines])
    [record], report = read(tmp_path, events=True)
    assert record.relations[2:] == [AnnotatedRelation(1, 2, "To")]
    assert report.losses == {
        "discontinuous entities": 1,
        "relations of events whose trigger or argument was left out": 3,
        UNCONNECTED: 1,
    }
    reason = "events whose type is not that of their trigger, which is kept"
    assert report.chosen[reason] == [f"{path}, line 10: Treat, not Drug"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("E1\tTreat", "must have a type with a trigger"),
        ("E1\tTreat T1", "must have a type with a trigger"),
        ("E1\tTreat:E1", "must have a type with a trigger"),
        ("E1\tTreat:T1 Theme", "must have a type with a trigger"),
        ("E1\tTreat:T9", "the file has no line with the id T9"),
        ("E1\tTreat:T1 Theme:E2", "the file has no line with the id E2"),
    ],
)
def test_file_and_line_of_a_bad_event_are_named(line: str, problem: str, tmp_path: Path) -> None:
    path = make_document(tmp_path, lines=[*LINES, line])
    with pytest.raises(ValueError, match=problem) as error:
        read(tmp_path, events=True)
    assert str(error.value).startswith(f"{path}, line 6: ")


# Symbolic links


def test_links_within_the_folder_are_followed(tmp_path: Path) -> None:
    path = make_document(tmp_path / "in", "a/doc")
    (tmp_path / "in" / "b").mkdir()
    for each in (path, path.with_suffix(".txt")):
        (tmp_path / "in" / "b" / each.name).symlink_to(each)
    (tmp_path / "in" / "c").symlink_to("a", target_is_directory=True)
    (tmp_path / "in" / "a" / "above").symlink_to(tmp_path / "in", target_is_directory=True)
    (tmp_path / "link").symlink_to("in", target_is_directory=True)
    for folder in (tmp_path / "in", tmp_path / "link"):
        records, report = read(folder)
        assert records == [replace(RECORD, meta={"id": f"{name}/doc"}) for name in "abc"]
        assert report == ConversionReport()


@pytest.mark.parametrize("suffix", [".ann", ".txt"])
def test_links_that_lead_out_of_the_folder_are_refused(suffix: str, tmp_path: Path) -> None:
    secret = make_document(tmp_path / "outside", "secret").with_suffix(suffix)
    path = make_document(tmp_path / "in", "a").with_suffix(suffix)
    path.unlink()
    path.symlink_to(secret)
    make_document(tmp_path / "in", "b")
    message = read_error(tmp_path / "in")
    assert message.startswith(f"{path}: the symbolic link leads out of the folder {tmp_path}/in; ")
    report = ConversionReport(skip_bad=True)
    assert [each.meta["id"] for each in FORMAT.read(tmp_path / "in", report)] == ["b"]
    assert report.rejected == [message]


def test_links_to_folders_outside_are_counted(tmp_path: Path) -> None:
    make_document(tmp_path / "outside")
    make_document(tmp_path / "in")
    link = tmp_path / "in" / "link"
    link.symlink_to("../outside", target_is_directory=True)
    records, report = read(tmp_path / "in")
    assert [each.meta["id"] for each in records] == ["doc"]
    case = f"{link}: {(tmp_path / 'outside').resolve()}"
    assert report.lost == {"symbolic links that lead out of the folder": [case]}


def test_a_link_to_nothing_is_an_error(tmp_path: Path) -> None:
    path = make_document(tmp_path)
    path.with_suffix(".txt").unlink()
    path.with_suffix(".txt").symlink_to("missing.txt")
    assert read_error(tmp_path) == f"{tmp_path}/doc.txt: the symbolic link leads to no file"


# Attributes

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
    (["T4\tSymptom 3 7;0 3\tirin Asp"], {"discontinuous entities": 1}),
    (["T4\tSymptom 0 3;2 7\tAsp pirin"], {"discontinuous entities": 1}),
    (["T4\tSymptom 33 38;29 32\tfever and"], {"discontinuous entities": 1}),
    (
        ["T4\tX 0 1;3 4\tA i", "R4\tY Arg1:T4 Arg2:T1", "R5\tY Arg1:T1 Arg2:T4"],
        {"discontinuous entities": 1, UNCONNECTED: 2},
    ),
    (["E1\tTreat:T1 Theme:T2", "E2\tTreat:T1"], {EVENTS: 2}),
    (["E1\tTreat:T1", "R4\tCauses Arg1:E1 Arg2:T2"], {EVENTS: 1, OF_EVENTS: 1}),
    (["R4\tCauses Arg1:R1 Arg2:T2"], {UNCONNECTED: 1}),
    (["*\tEquiv T1 T2", "*\tEquiv T2 T3"], {"equivalences": 2}),
    (["A1\tNegated R1", "M1\tSpeculated R2", "A2\tDegree R2 high"], {OF_OTHERS: 3}),
    (["E1\tTreat:T1", "A1\tNegated E1"], {EVENTS: 1, OF_OTHERS: 1}),
    (
        ["T4\tX 0 1;3 4\tA i", "A1\tNegated T4"],
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
    (tmp_path / "other.ann").touch()
    assert (
        read_error(tmp_path) == f"{tmp_path / 'other.ann'}: other.txt is missing in the same folder"
    )
    path.with_suffix(".txt").unlink()
    assert read_error(path) == f"{path}: doc.txt is missing in the same folder"


@pytest.mark.parametrize("text", [None, "a.txt"], ids=["no texts", "a text of another name"])
def test_a_folder_without_the_texts_of_its_annotations_is_told_once(
    text: str | None, tmp_path: Path
) -> None:
    for name in ("b.ann", "deep/c.ann", text):
        if name:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
    problem = "no .txt beside the .ann files; brat keeps the text of NAME.ann in NAME.txt"
    assert read_error(tmp_path) == f"{tmp_path}: {problem}"
    with pytest.raises(ValueError, match=r"no \.txt beside"):
        list(FORMAT.read(tmp_path, ConversionReport(skip_bad=True)))


def test_a_folder_without_documents_is_an_error(tmp_path: Path) -> None:
    assert read_error(tmp_path) == f"{tmp_path}: no .txt or .ann file"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("a.txt", ".txt files without .ann; brat keeps the annotations of NAME.txt in NAME.ann"),
        ("a.TXT", ".txt files without .ann; brat keeps the annotations of NAME.txt in NAME.ann"),
        ("deep/a.tsv", ".tsv files without the first line of WebAnno TSV 3; a file with columns"),
        ("a.xml", ".xml files, of which BioC XML is read, one file at a time; from INCEpTION"),
    ],
)
def test_a_folder_of_other_files_is_told_what_is_missing(
    name: str, advice: str, tmp_path: Path
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x")
    formats = all_formats(spacy.blank("xx"))
    for look, path, problem in (
        (find_files, tmp_path, "no file in this folder ends in .*, but it has"),
        (detect_format, tmp_path / name, "no format matches"),
    ):
        with pytest.raises(ValueError, match=f"{path}: {problem} {re.escape(advice)}"):
            look(path, formats)
        if name.lower().endswith(".txt"):
            assert read_error(path) == f"{path}: {advice}"


def test_what_is_advised_for_other_files_works(tmp_path: Path) -> None:
    tokens, collection = tmp_path / "a.tsv", tmp_path / "a.xml"
    tokens.write_text("Ada\tB-PER\n")
    collection.write_text(READ_ONLY["bioc"])
    formats = all_formats(spacy.blank("xx"))
    [annotated] = formats["conll"].read(tokens, ConversionReport(strict=True))
    assert [each.label for each in annotated.entities] == ["PER"]
    assert detect_format(collection, formats).name == "bioc"


def test_a_folder_of_texts_lacks_no_annotations_of_brat_if_another_format_is_set(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text("x")
    formats = {"jsonl": all_formats(spacy.blank("xx"))["jsonl"]}
    with pytest.raises(ValueError, match=r"^[^;]*: no file in this folder ends in \.json, "):
        find_files(tmp_path, formats)


def test_a_file_of_another_type_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    assert read_error(tmp_path / "a.json") == f"{tmp_path}/a.json: no .txt or .ann file"


@pytest.mark.parametrize("surface", ["Aspirin", ""])
def test_a_line_without_an_id_after_an_entity_is_named(surface: str, tmp_path: Path) -> None:
    lines = [f"T1\tDrug 0 7\t{surface}", "Drug 0 7\tAspirin"]
    path = make_document(tmp_path, lines=lines)
    message = read_error(tmp_path)
    assert message.startswith(f"{path}, line 1: ")
    assert message.endswith("without the next line, which must begin with an id and a tab")


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
    named = [f"unsupported fields of the metadata ({name})" for name in ("ward", "year")]
    assert report.losses == dict.fromkeys(named, 1)


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
        "entities": [
            {
                "start": each.start,
                "end": each.end,
                "label": each.label,
                "attributes": each.attributes,
            }
            for each in annotated.entities
        ],
        "relations": [
            {"head": each.head, "tail": each.tail, "label": each.label} for each in RECORD.relations
        ],
        "meta": {"id": "doc"},
    }
    (tmp_path / "in.jsonl").write_text(json.dumps(item))
    there = ["convert", str(tmp_path / "in.jsonl"), "-o", str(tmp_path), "--to", "brat"]
    back = ["convert", str(tmp_path / "in"), "-o", str(tmp_path / "back.jsonl"), "--to", "jsonl"]
    for arguments in (there, back):
        assert CliRunner().invoke(app, [*arguments, "--strict"]).exit_code == 0
    assert json.loads((tmp_path / "back.jsonl").read_text()) == item


@pytest.mark.parametrize(
    ("options", "reading"),
    [
        ([], "unannotated texts"),
        (["--entities", "none", "--relations", "none"], "texts without entities"),
    ],
)
def test_a_folder_of_empty_files_is_read_in_one_way(
    options: list[str], reading: str, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        make_document(tmp_path / "in", name, "Anna", [])
    command = ["convert", str(tmp_path / "in"), "-o", str(tmp_path / "out.spacy"), "--lang", "en"]
    lines = CliRunner().invoke(app, [*command, *options]).stdout.splitlines()
    chosen = [line for line in lines if line.startswith("chosen")]
    assert chosen == [f"chosen (2): {EMPTY}{reading}"]
