"""DocRED: entities are lists of mentions, and relations are between entities."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.docred import FORMAT
from spacy_str_encoder.formats.mentions import relate_closest
from spacy_str_encoder.formats.report import ConversionReport

from .json_files import counts, detect, read_error, read_item, write_items
from .test_convert import run

CLOSEST = "relations of entities with several mentions, read between the closest ones"
ITEM: dict[str, Any] = {
    "title": "Ada",
    "sents": [["Ada", "Lovelace", "knew", "Babbage", "."], ["Ada", "was", "born", "in", "1815"]],
    "vertexSet": [
        [
            {"name": "Ada Lovelace", "sent_id": 0, "pos": [0, 2], "type": "PER"},
            {"name": "Ada", "sent_id": 1, "pos": [0, 1], "type": "PER"},
        ],
        [{"name": "Babbage", "sent_id": 0, "pos": [3, 4], "type": "PER"}],
        [{"name": "1815", "sent_id": 1, "pos": [4, 5], "type": "TIME"}],
    ],
    "labels": [
        {"h": 0, "t": 2, "r": "P569", "evidence": []},
        {"h": 1, "t": 2, "r": "P1", "evidence": []},
    ],
}
ENTITIES = [
    AnnotatedEntity(0, 12, "PER"),
    AnnotatedEntity(28, 31, "PER"),
    AnnotatedEntity(18, 25, "PER"),
    AnnotatedEntity(44, 48, "TIME"),
]
TOKENS = [(0, 3), (4, 12), (13, 17), (18, 25), (26, 27), (28, 31), (32, 35), (36, 40), (41, 43)]
TOKENS += [(44, 48)]
RECORD = AnnotatedText(
    "Ada Lovelace knew Babbage . Ada was born in 1815",
    ENTITIES,
    [AnnotatedRelation(1, 3, "P569"), AnnotatedRelation(2, 3, "P1")],
    TOKENS,
    {"title": "Ada"},
)


def with_mention(**fields: Any) -> dict[str, Any]:
    mention = {"name": "Ada", "sent_id": 0, "pos": [0, 1], "type": "PER", **fields}
    return {**ITEM, "vertexSet": [[mention]], "labels": []}


def with_relation(**fields: Any) -> dict[str, Any]:
    return {**ITEM, "labels": [{"h": 1, "t": 2, "r": "P1", "evidence": [], **fields}]}


def test_mentions_are_entities_and_the_closest_ones_are_related(tmp_path: Path) -> None:
    record, report = read_item(FORMAT, tmp_path / "a.json", ITEM)
    assert record == RECORD
    place = f"{tmp_path / 'a.json'}, text 1"
    assert report.chosen == {CLOSEST: [f"{place}: 'Ada' P569 '1815'"]}
    assert not report.lost


def test_evidence_and_unknown_fields_are_counted(tmp_path: Path) -> None:
    _, report = read_item(FORMAT, tmp_path / "a.json", with_relation(evidence=[0, 1], score=0.3))
    assert report.losses == {"evidence of relations": 1, "unsupported fields of relations": 1}
    _, report = read_item(FORMAT, tmp_path / "a.json", with_mention(index="0_0", wiki="Q7259"))
    assert report.losses == {"unsupported fields of mentions": 1}


@pytest.mark.parametrize(("name", "differ"), [("Ada\n", 0), ("1.\nAda", 1)])
def test_names_that_differ_from_the_text_are_told(name: str, differ: int, tmp_path: Path) -> None:
    record, report = read_item(FORMAT, tmp_path / "a.json", with_mention(name=name))
    assert record.entities == [AnnotatedEntity(0, 3, "PER")]
    reason = "mentions whose name differs from the text (their place is read)"
    assert counts(report.chosen) == ({reason: 1} if differ else {})


def test_documents_without_labels_have_unannotated_relations(tmp_path: Path) -> None:
    item = {name: value for name, value in ITEM.items() if name != "labels"}
    record, _ = read_item(FORMAT, tmp_path / "a.json", item)
    assert (len(record.entities), record.has_relations) == (4, False)


def test_the_format_can_only_be_read(tmp_path: Path) -> None:
    path = write_items(tmp_path / "a.json", ITEM)
    assert run(path, "-o", tmp_path / "out.jsonl", "--to", "jsonl").exit_code == 0
    result = run(tmp_path / "out.jsonl", "-o", tmp_path / "out", "--to", "docred")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the format 'docred' can only be read; set another one with --to" in result.stderr
    assert not (tmp_path / "out").exists()


# Closest mentions


@pytest.mark.parametrize(
    ("heads", "tails", "expected"),
    [
        ([(0, 1)], [(3, 4), (8, 9)], (0, 1)),
        ([(0, 1), (6, 7)], [(3, 4), (8, 9)], (1, 3)),
        ([(3, 4), (9, 10)], [(0, 1), (5, 6)], (0, 3)),
        ([(0, 1), (4, 5)], [(2, 3)], (0, 2)),
        ([(0, 4)], [(2, 3), (8, 9)], (0, 2)),
        ([(0, 4)], [(2, 3), (3, 6)], (0, 1)),
        ([(0, 2)], [(2, 4), (0, 2)], (0, 1)),
    ],
    ids=["one head", "in between", "tail first", "as close", "apart", "overlapping", "adjacent"],
)
def test_the_closest_mentions_are_related(
    heads: list[Any], tails: list[Any], expected: tuple[int, int]
) -> None:
    places = [*heads, *tails]
    record = AnnotatedText("0123456789", [AnnotatedEntity(*place, "A") for place in places], [])
    indices = range(len(places))
    ends = indices[: len(heads)], indices[len(heads) :]
    assert relate_closest(record, *ends, "r", ConversionReport()) == AnnotatedRelation(
        *expected, "r"
    )


SPANS = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 3)), min_size=1, max_size=4)


@given(heads=SPANS, tails=SPANS)
def test_no_other_mentions_are_closer(heads: list[Any], tails: list[Any]) -> None:
    spans = [range(start, start + length) for start, length in [*heads, *tails]]
    entities = [AnnotatedEntity(span.start, span.stop, "A") for span in spans]
    record = AnnotatedText("0123456789ab", entities, [])
    indices = range(len(spans))
    report = ConversionReport()
    found = relate_closest(record, indices[: len(heads)], indices[len(heads) :], "r", report)

    def distance(first: range, second: range) -> tuple[bool, int]:
        crossed = {*first} & {*second}
        covered = range(min(*first, *second), max(*first, *second) + 1)
        return bool(crossed), len({*covered} - {*first} - {*second})

    pairs = [(a, b) for a in spans[: len(heads)] for b in spans[len(heads) :]]
    best = min(distance(*pair) for pair in pairs)
    assert distance(spans[found.head], spans[found.tail]) == best
    assert found.head < len(heads) <= found.tail
    assert len(report.chosen) == (len(pairs) > 1)


# Refusing

ANYTHING = ""
BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "no object": (3, "not a JSON object"),
    "no sentences": ({**ITEM, "sents": None}, ANYTHING),
    "a sentence is text": ({**ITEM, "sents": ["Ada"]}, "'sents[0]' must be a list"),
    "no entities": ({"sents": [["Ada"]]}, "'vertexSet' is missing"),
    "no type": ({**ITEM, "vertexSet": [[{"sent_id": 0, "pos": [0, 1]}]]}, "'type' is missing"),
    "a type is null": (with_mention(type=None), "must be a string, got None"),
    "a name is a number": (with_mention(name=3), ANYTHING),
    "a sentence does not exist": (with_mention(sent_id=2), "2 sentences, got the sentence 2"),
    "a sentence is negative": (with_mention(sent_id=-1), "got the sentence -1"),
    "a sentence is text 2": (with_mention(sent_id="0"), ".sent_id' must be an integer, got '0'"),
    "a mention crosses its sentence": (with_mention(pos=[4, 6]), "4 to 6 (exclusive)"),
    "a mention is empty": (with_mention(pos=[1, 1]), "1 to 1 (exclusive)"),
    "no head": ({**ITEM, "labels": [{"t": 1, "r": "P1"}]}, "'h' is missing"),
    "a head does not exist": (with_relation(h=3), "the entity 3, which has no mention"),
    "a head is negative": (with_relation(h=-1), "the entity -1"),
    "a head is text": (with_relation(h="0"), "'labels[0].h' must be an integer, got '0'"),
    "a head has no mention": ({**with_relation(h=0, t=0), "vertexSet": [[]]}, "the entity 0"),
    "no label": (with_relation(r=""), "must not be empty"),
}


@pytest.mark.parametrize(("item", "problem"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_file_and_number_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.json", ITEM, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, text 2: ")
    assert problem in message


def test_the_format_is_detected(tmp_path: Path) -> None:
    assert detect(write_items(tmp_path / "a.json", ITEM)) == "docred"
