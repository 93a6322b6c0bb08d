"""BioC XML: passages with annotations, and relations between annotations or concepts."""

from pathlib import Path

import pytest

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.bioc import FORMAT
from spacy_str_encoder.formats.report import ConversionReport

from .json_files import counts, detect, read_error
from .test_convert import run

CLOSEST = "relations of entities with several mentions, read between the closest ones"
ROLES = "relations with roles other than Arg1 and Arg2, read from the first to the second"
NO_LOCATION = "annotations without a location"
OTHER_ENDS = "relations of other than two annotations, or concepts, of the text"


def infons(**values: str) -> str:
    return "".join(f'<infon key="{k.replace("_", " ")}">{v}</infon>' for k, v in values.items())


def annotation(key: str, offset: int, text: str, **values: str) -> str:
    location = f'<location offset="{offset}" length="{len(text)}"/>'
    values = {"type": "PER", **values}
    return f'<annotation id="{key}">{infons(**values)}{location}<text>{text}</text></annotation>'


def passage(offset: int, text: str, *elements: str) -> str:
    start = f"<passage><offset>{offset}</offset><text>{text}</text>"
    return f"{start}{''.join(elements)}</passage>"


def relation(*nodes: tuple[str, str], **values: str) -> str:
    elements = "".join(f'<node refid="{key}" role="{role}"/>' for key, role in nodes)
    return f'<relation id="R">{infons(**values)}{elements}</relation>'


def document(*elements: str) -> str:
    return f"<document><id>7</id>{''.join(elements)}</document>"


def write(folder: Path, *documents: str, name: str = "a.xml") -> Path:
    path = folder / name
    head = "<?xml version='1.0' encoding='UTF-8'?><!DOCTYPE collection SYSTEM 'BioC.dtd'>"
    path.write_text(f"{head}<collection>{''.join(documents)}</collection>", "utf-8")
    return path


def read(folder: Path, *elements: str) -> tuple[AnnotatedText, ConversionReport]:
    report = ConversionReport()
    [record] = FORMAT.read(write(folder, document(*elements)), report)
    return record, report


ADA, BOB, EVE = (
    annotation("T1", 0, "Ada", identifier="A"),
    annotation("T2", 8, "Bob", identifier="B"),
    annotation("T3", 13, "Eve", identifier="A"),
)
TITLE, ABSTRACT = passage(0, "Ada met Bob.", ADA, BOB), passage(13, "Eve é 药.", EVE)
CONTENT = document(
    infons(year="1843"), TITLE, ABSTRACT, relation(("T3", "Arg1"), ("T2", "Arg2"), type="met")
)
ENTITIES = [
    AnnotatedEntity(0, 3, "PER"),
    AnnotatedEntity(8, 11, "PER"),
    AnnotatedEntity(13, 16, "PER"),
]
RECORD = AnnotatedText(
    "Ada met Bob.\nEve é 药.",
    ENTITIES,
    [AnnotatedRelation(2, 1, "met")],
    meta={"year": "1843", "id": "7"},
)


def test_passages_are_one_text(tmp_path: Path) -> None:
    path = write(tmp_path, CONTENT)
    report = ConversionReport()
    assert list(FORMAT.read(path, report)) == [RECORD]
    place = f"{path}, document 1"
    cases = [f"{place}: identifier={value}" for value in "ABA"]
    assert report.lost == {"infons of annotations": cases}
    assert not report.chosen


def test_sentences_are_read_where_a_passage_has_no_text(tmp_path: Path) -> None:
    sentences = [
        f"<sentence><offset>{offset}</offset><text>{text}</text>{element}</sentence>"
        for offset, text, element in [
            (40, "Ada met", annotation("1", 44, "met")),
            (48, "Bob.", ""),
            (52, "Eve.", annotation("2", 52, "Eve")),
        ]
    ]
    across = annotation("3", 44, "met Bob")
    record, _ = read(
        tmp_path, f"<passage><offset>40</offset>{''.join(sentences)}{across}</passage>"
    )
    assert record.text == "Ada met Bob.Eve."
    assert [(e.start, e.end) for e in record.entities] == [(4, 7), (12, 15), (4, 11)]


@pytest.mark.parametrize(("first", "second"), [(0, 0), (100, 900)], ids=["anew", "gap"])
def test_offsets_are_those_of_the_passage(first: int, second: int, tmp_path: Path) -> None:
    record, _ = read(
        tmp_path,
        passage(first, "Ada met Bob.", annotation("1", first + 8, "Bob")),
        passage(second, "Eve", annotation("2", second, "Eve")),
    )
    assert record.text == "Ada met Bob.\nEve"
    assert [(e.start, e.end) for e in record.entities] == [(8, 11), (13, 16)]


def test_a_wrong_offset_of_a_passage_is_told(tmp_path: Path) -> None:
    record, report = read(tmp_path, TITLE, passage(18, "Eve", EVE))
    assert record.entities == ENTITIES
    reason = "annotations placed in the whole text, since the offset of their passage is wrong"
    assert counts(report.chosen) == {reason: 1}


def test_annotations_of_a_document_may_be_in_any_passage(tmp_path: Path) -> None:
    record, _ = read(tmp_path, passage(5, "Ada"), passage(9, "Eve"), annotation("1", 9, "Eve"))
    assert record.entities == [AnnotatedEntity(4, 7, "PER")]


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ({"entity1": "B", "entity2": "A"}, (1, 2)),
        ({"Chemical": "A", "Disease": "B"}, (2, 1)),
        ({"role1": "PER|B", "role2": "PER|A", "score": "0.9"}, (1, 2)),
    ],
)
def test_relations_may_name_concepts(
    values: dict[str, str], ends: tuple[int, int], tmp_path: Path
) -> None:
    record, report = read(tmp_path, TITLE, ABSTRACT, relation(("T1", "0,1"), type="met", **values))
    assert record.relations == [AnnotatedRelation(*ends, "met")]
    assert counts(report.chosen) == {CLOSEST: 1}
    assert report.losses["infons of relations"] == ("score" in values)


@pytest.mark.parametrize(("head", "tail"), [("B", "A"), ("T2", "T1"), ("T2", "A")])
def test_old_relations_are_annotations_without_a_location(
    head: str, tail: str, tmp_path: Path
) -> None:
    old = f'<annotation id="R0">{infons(relation="met", Who=head, Whom=tail)}</annotation>'
    record, report = read(tmp_path, passage(0, "Ada met Bob.", ADA, BOB, old))
    assert record.entities == ENTITIES[:2]
    assert record.relations == [AnnotatedRelation(1, 0, "met")]
    case = f"{tmp_path / 'a.xml'}, document 1: 'R0' relation=met Who={head} Whom={tail}"
    assert report.chosen == {"annotations without a location, read as relations": [case]}
    assert report.losses == {"infons of annotations": 2}


def test_annotations_without_a_location_are_named(tmp_path: Path) -> None:
    old = f'<annotation id="R0">{infons(relation="met", Who="A")}</annotation>'
    _, report = read(tmp_path, TITLE, old)
    assert report.lost[NO_LOCATION] == [
        f"{tmp_path / 'a.xml'}, document 1: 'R0' relation=met Who=A"
    ]


@pytest.mark.parametrize("key", ["type", "relation", "relation_type"])
def test_the_type_of_a_relation_has_several_names(key: str, tmp_path: Path) -> None:
    values = {"type": "Relation", key: "met"}
    record, _ = read(tmp_path, TITLE, relation(("T1", ""), ("T2", ""), **values))
    expected = "Relation" if key == "relation" else "met"
    assert record.relations == [AnnotatedRelation(0, 1, expected)]


def test_relations_of_passages_are_read_and_roles_are_told(tmp_path: Path) -> None:
    nodes = relation(("T1", "agent"), ("T2", "theme"), type="met")
    record, report = read(tmp_path, passage(0, "Ada met Bob.", ADA, BOB, nodes))
    assert record.relations == [AnnotatedRelation(0, 1, "met")]
    assert report.chosen == {ROLES: [f"{tmp_path / 'a.xml'}, document 1: agent theme"]}


@pytest.mark.parametrize(
    ("element", "lost"),
    [
        (relation(("T1", ""), ("T2", "")), "relations without a type"),
        (relation(("T1", ""), type="met"), OTHER_ENDS),
        (relation(("T1", ""), ("T2", ""), ("T1", ""), type="met"), OTHER_ENDS),
        (relation(("T1", ""), ("R", ""), type="met"), OTHER_ENDS),
        (relation(type="met", entity1="A", entity2="X"), OTHER_ENDS),
        (
            annotation("9", 0, "Ada").replace('key="type"', 'key="kind"'),
            "annotations without a type",
        ),
        ("<annotation id='9'><text>Ada</text></annotation>", NO_LOCATION),
        (
            f"<annotation id='9'>{infons(relation='met', Per='X', Other='B')}</annotation>",
            NO_LOCATION,
        ),
        (f"<annotation id='9'>{infons(Per='A', Other='B')}</annotation>", NO_LOCATION),
        (
            annotation("9", 0, "Ada").replace("<text>", '<location offset="8" length="3"/><text>'),
            "annotations without a single location",
        ),
        (passage(13, "x", infons(type="abstract")), "infons of passages"),
    ],
)
def test_what_can_not_be_read_is_counted(element: str, lost: str, tmp_path: Path) -> None:
    record, report = read(tmp_path, TITLE, element)
    assert (record.entities, record.relations) == (ENTITIES[:2], [])
    assert report.losses == {"infons of annotations": 2, lost: 1}


@pytest.mark.parametrize(
    ("element", "problem"),
    [
        (passage(0, "Ada", annotation("1", 0, "Bob")), "'Bob' (PER) is not at 0 in its passage"),
        (passage(0, "Ada", annotation("1", 2, "abc")), "is not at 2"),
        (passage(0, "Ada", annotation("1", 0, "")), "0-0"),
        (passage(0, "Ada", annotation("1", 0, "Ada", type="")), "must not be empty"),
        (passage(0, "Ada", ADA.replace('"0"', '"x"')), "the offset must be an integer, got 'x'"),
        ("<passage><text>Ada</text></passage>", "the offset must be an integer, got None"),
    ],
)
def test_file_and_document_of_bad_annotations_are_named(
    element: str, problem: str, tmp_path: Path
) -> None:
    path = write(tmp_path, CONTENT, document(element), CONTENT)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, document 2: ")
    assert problem in message
    report = ConversionReport(skip_bad=True)
    assert list(FORMAT.read(path, report)) == [RECORD, RECORD]
    assert report.rejected == [message]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "not XML"),
        ("<collection><document>", "not XML"),
        ("<?xml version='1.0' encoding='klingon'?><collection/>", "not XML"),
        ("<TEI/>", "must be a <collection>, got <TEI>"),
    ],
)
def test_a_file_of_another_kind_is_refused(content: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(content)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}: ") and problem in message
    assert FORMAT.recognizes(path, None) == content.startswith("<collection")


@pytest.mark.parametrize("name", ["a.xml", "a.BioC.XML", "a.bioc", "a.biocxml"])
def test_the_format_is_detected(name: str, tmp_path: Path) -> None:
    assert detect(write(tmp_path, CONTENT, name=name)) == "bioc"


def test_the_command_reads_it(tmp_path: Path) -> None:
    result = run(write(tmp_path, CONTENT), "-o", tmp_path / "out", "--to", "jsonl")
    assert result.stdout.splitlines()[0] == f"{tmp_path / 'out' / 'a.jsonl'}: 1 text"
