"""Triples without offsets: where they are, when that can't be told, what they can hold."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spacy_str_encoder.formats import spo
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.occurrences import find_closest
from spacy_str_encoder.formats.report import ConversionReport

from .annotated_texts import any_records, contents, reader
from .json_files import counts, detect, read_error, read_item, write_items, write_record

Span = tuple[int, int]

NOT_FOUND = "triples with a string that is not in the text"
AMBIGUOUS = "triples with several possible positions"
SEVERAL = "triples with a repeated string, read where subject and object are closest"
ELSEWHERE = "relations whose strings would be read at another position"
ISOLATED = "entities without relations"
REPEATED = "duplicate entities"


def triple(subject: str, predicate: str, object_: str, **fields: Any) -> dict[str, Any]:
    return {
        "predicate": predicate,
        "subject": subject,
        "subject_type": "疾病",
        "object": {"@value": object_},
        "object_type": {"@value": "症状"},
        **fields,
    }


CMEIE: dict[str, Any] = {
    "text": "心绞痛@患者常诉胸闷，活动后气短。",
    "spo_list": [triple("心绞痛", "临床表现", "气短"), triple("心绞痛", "临床表现", "胸闷")],
}
DUIE_1: dict[str, Any] = {
    "postag": [{"word": "山河", "pos": "nw"}, {"word": "由李雷执导", "pos": "v"}],
    "text": "山河由李雷执导",
    "spo_list": [
        {
            "predicate": "导演",
            "object_type": "人物",
            "subject_type": "影视作品",
            "object": "李雷",
            "subject": "山河",
        }
    ],
}
DUIE_2: dict[str, Any] = {
    "text": "李雷在《山河》中饰演王五",
    "spo_list": [
        {
            "predicate": "饰演",
            "subject_type": "娱乐人物",
            "object_type": {"@value": "人物", "inWork": "影视作品"},
            "subject": "李雷",
            "object": {"@value": "王五", "inWork": "山河"},
        }
    ],
}


def read(tmp_path: Path, text: str, *triples: Any) -> tuple[AnnotatedText, ConversionReport]:
    return read_item(spo.FORMAT, tmp_path / "in.jsonl", {"text": text, "spo_list": list(triples)})


def arcs(record: AnnotatedText) -> list[tuple[int, str, int]]:
    """The relations by the begins of head and tail."""
    starts = [entity.start for entity in record.entities]
    return [(starts[r.head], r.label, starts[r.tail]) for r in record.relations]


# Reading


def test_triples_of_cmeie_are_found_in_their_text(tmp_path: Path) -> None:
    record, report = read_item(spo.FORMAT, tmp_path / "in.jsonl", CMEIE)
    assert record.text == CMEIE["text"]
    assert record.entities == [
        AnnotatedEntity(0, 3, "疾病"),
        AnnotatedEntity(8, 10, "症状"),
        AnnotatedEntity(14, 16, "症状"),
    ]
    assert sorted(arcs(record)) == [(0, "临床表现", 8), (0, "临床表现", 14)]
    assert report == ConversionReport()


def test_objects_of_the_first_duie_are_strings_and_other_fields_are_kept(tmp_path: Path) -> None:
    record, report = read_item(spo.FORMAT, tmp_path / "in.jsonl", DUIE_1)
    assert record.entities == [AnnotatedEntity(0, 2, "影视作品"), AnnotatedEntity(3, 5, "人物")]
    assert record.relations == [AnnotatedRelation(0, 1, "导演")]
    assert record.meta == {"postag": DUIE_1["postag"]}
    assert report == ConversionReport()


def test_further_roles_of_the_second_duie_are_counted(tmp_path: Path) -> None:
    record, report = read_item(spo.FORMAT, tmp_path / "in.jsonl", DUIE_2)
    assert record.entities == [AnnotatedEntity(0, 2, "娱乐人物"), AnnotatedEntity(10, 12, "人物")]
    assert arcs(record) == [(0, "饰演", 10)]
    assert report.losses == {"additional roles of objects": 1}
    assert "'inWork': '山河'" in report.lost["additional roles of objects"][0]


@pytest.mark.parametrize("combined", [False, True, None])
def test_a_mark_is_counted_unless_it_is_not_set(combined: bool | None, tmp_path: Path) -> None:
    marked = triple("心绞痛", "临床表现", "胸闷", Combined=combined)
    record, report = read(tmp_path, CMEIE["text"], marked)
    assert len(record.relations) == 1
    assert report.losses == ({} if combined is False else {"unsupported fields of triples": 1})


def test_entities_of_one_place_are_one_per_type(tmp_path: Path) -> None:
    record, _ = read(
        tmp_path,
        CMEIE["text"],
        triple("心绞痛", "临床表现", "胸闷"),
        triple("心绞痛", "鉴别诊断", "胸闷", object_type={"@value": "疾病"}),
    )
    assert record.entities == [
        AnnotatedEntity(0, 3, "疾病"),
        AnnotatedEntity(8, 10, "疾病"),
        AnnotatedEntity(8, 10, "症状"),
    ]
    assert record.relations == [
        AnnotatedRelation(0, 2, "临床表现"),
        AnnotatedRelation(0, 1, "鉴别诊断"),
    ]


# Where a triple is


@pytest.mark.parametrize(
    ("text", "head", "tail"),
    [
        ("AxxBxB", 0, 3),
        ("BxxAxB", 3, 5),
        ("AxxxAxB", 4, 6),
        ("BAxxB", 1, 0),
        ("AxxBAxxxxB", 4, 3),
    ],
)
def test_a_triple_is_where_its_strings_are_closest(
    text: str, head: int, tail: int, tmp_path: Path
) -> None:
    record, report = read(tmp_path, text, triple("A", "r", "B"))
    assert arcs(record) == [(head, "r", tail)]
    assert not report.lost
    assert counts(report.chosen) == {SEVERAL: 1}


@pytest.mark.parametrize("text", ["AxBxA", "ABxBA", "AxxBxxAxxB"])
def test_a_triple_that_may_be_in_several_places_is_left_out(text: str, tmp_path: Path) -> None:
    record, report = read(tmp_path, text, triple("A", "r", "B"))
    assert (record.entities, record.relations) == ([], [])
    assert not report.chosen
    assert counts(report.lost) == {AMBIGUOUS: 1}
    assert "'A' r 'B'" in report.lost[AMBIGUOUS][0]


@pytest.mark.parametrize(
    ("text", "subject", "object_", "spans"),
    [
        ("糖尿病肾病患者", "糖尿病肾病", "糖尿病", [(0, 3), (0, 5)]),
        ("糖尿病肾病患者", "糖尿病", "病肾病", [(0, 3), (2, 5)]),
        ("糖尿病肾病由糖尿病引起", "糖尿病肾病", "糖尿病", [(0, 5), (6, 9)]),
        ("胸闷", "胸闷", "胸闷", [(0, 2), (0, 2)]),
    ],
    ids=["nested", "crossing", "apart", "the same"],
)
def test_occurrences_that_overlap_count_only_where_there_are_no_others(
    text: str, subject: str, object_: str, spans: list[Span], tmp_path: Path
) -> None:
    record, report = read(tmp_path, text, triple(subject, "r", object_))
    assert [(entity.start, entity.end) for entity in record.entities] == spans
    [relation] = record.relations
    assert record.entities[relation.head].label == "疾病"
    assert record.entities[relation.tail].label == "症状"
    assert not report.lost


def test_strings_that_are_not_in_the_text_are_named(tmp_path: Path) -> None:
    record, report = read(
        tmp_path, "TIMI 3级", triple("timi", "r", "3级"), triple("3级", "r", "4级")
    )
    assert (record.entities, record.relations) == ([], [])
    first, second = report.lost[NOT_FOUND]
    assert "'timi' only in different case" in first
    assert "no '4级'" in second
    assert report.losses == {NOT_FOUND: 2}


def positions(text: str, string: str) -> list[set[int]]:
    """The characters of each occurrence of a string."""
    starts = [match.start() for match in re.finditer(f"(?={re.escape(string)})", text)]
    return [set(range(start, start + len(string))) for start in starts]


def between(first: set[int], second: set[int]) -> int:
    """How many characters are between two occurrences."""
    covered = set(range(min(first | second), max(first | second) + 1))
    return len(covered - first - second)


def closest(text: str, first: str, second: str) -> list[tuple[Span, Span]]:
    """Try all pairs of occurrences."""
    pairs = [(a, b) for a in positions(text, first) for b in positions(text, second)]
    pairs = [(a, b) for a, b in pairs if not a & b] or pairs
    return sorted(
        ((min(a), max(a) + 1), (min(b), max(b) + 1))
        for a, b in pairs
        if between(a, b) == min(between(*pair) for pair in pairs)
    )


STRINGS = st.text("ab😀", min_size=1, max_size=2)


@given(st.text("ab😀", max_size=9), STRINGS, STRINGS)
@example("aaa", "aa", "aa")
def test_the_closest_occurrences_are_those_of_brute_force(
    text: str, first: str, second: str
) -> None:
    assert sorted(find_closest(text, first, second)) == closest(text, first, second)


def test_strings_may_be_there_as_often_as_a_text_is_long() -> None:
    text = "ab" * 50_000 + "a"
    assert len(find_closest(text, "a", "b")) == 100_000


# Writing


@st.composite
def crowded_texts(draw: st.DrawFn) -> AnnotatedText:
    """Texts in which the same strings come again and again, and entities too."""
    text = draw(st.text("ab😀\u0301", min_size=1, max_size=9))
    offsets = st.integers(0, len(text) - 1)
    found = [
        AnnotatedEntity(start, draw(st.integers(start + 1, len(text))), draw(st.sampled_from("AB")))
        for start in draw(st.lists(offsets, min_size=1, max_size=5))
    ]
    indices = st.integers(0, len(found) - 1)
    relations = st.builds(AnnotatedRelation, indices, indices, st.sampled_from("XY"))
    return AnnotatedText(text, found, draw(st.lists(relations, max_size=5)), meta={"id": 3})


def expect(record: AnnotatedText) -> tuple[Counter[Any], set[AnnotatedEntity], Counter[str]]:
    """The relations that triples can hold, by their entities; these; and the count of the rest."""
    kept: Counter[Any] = Counter()
    for relation in record.relations:
        head, tail = record.entities[relation.head], record.entities[relation.tail]
        places = (head.start, head.end), (tail.start, tail.end)
        strings = [record.text[start:end] for start, end in places]
        if closest(record.text, *strings) == [places]:
            kept[head, relation.label, tail] += 1
    connected = {entity for head, _, tail in kept for entity in (head, tail)}
    distinct = set(record.entities)
    lost = {
        REPEATED: len(record.entities) - len(distinct),
        ELSEWHERE: len(record.relations) - kept.total(),
        ISOLATED: len(distinct - connected),
    }
    return kept, connected, +Counter(lost)


@given(records=st.lists(crowded_texts() | any_records(), max_size=3))
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_what_triples_can_hold_is_read_again_and_the_rest_is_counted(
    suffix: str, records: list[AnnotatedText], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("spo") / f"out{suffix}"
    report = ConversionReport()
    spo.FORMAT.write(records, path, report)
    lost: Counter[str] = Counter()
    for record, found in zip(records, reader(spo.FORMAT)(path), strict=True):
        kept, connected, losses = expect(record)
        triples = [
            (found.entities[r.head], r.label, found.entities[r.tail]) for r in found.relations
        ]
        assert (found.text, found.meta) == (record.text, record.meta)
        assert Counter(triples) == kept
        assert sorted(found.entities, key=repr) == sorted(connected, key=repr)
        lost += losses
    assert report.losses == lost


@pytest.mark.parametrize("item", [CMEIE, DUIE_1, DUIE_2], ids=["CMeIE", "DuIE 1", "DuIE 2"])
def test_triples_are_written_as_those_of_cmeie(item: dict[str, Any], tmp_path: Path) -> None:
    record, _ = read_item(spo.FORMAT, tmp_path / "in.jsonl", item)
    written, report = write_record(spo.FORMAT, tmp_path / "out", record)
    assert report == ConversionReport()
    shapes = [{name: type(value) for name, value in each.items()} for each in written["spo_list"]]
    shape = {"predicate": str, "subject": str, "subject_type": str, "object": dict}
    assert shapes == [{**shape, "object_type": dict}] * len(item["spo_list"])
    again, _ = read_item(spo.FORMAT, tmp_path / "again.jsonl", written)
    assert contents(again) == contents(record)


def test_triples_of_cmeie_come_back_as_they_were(tmp_path: Path) -> None:
    record, _ = read_item(spo.FORMAT, tmp_path / "in.jsonl", CMEIE)
    assert write_record(spo.FORMAT, tmp_path / "out", record) == (CMEIE, ConversionReport())


# Refusing


def changed(**fields: Any) -> dict[str, Any]:
    return {**CMEIE, **fields}


def with_triple(**fields: Any) -> dict[str, Any]:
    return changed(spo_list=[{**triple("心绞痛", "临床表现", "胸闷"), **fields}])


def without(field: str) -> dict[str, Any]:
    first = CMEIE["spo_list"][0]
    return changed(spo_list=[{name: first[name] for name in first if name != field}])


LONE_SURROGATE = "\ud83d"
BAD: dict[str, tuple[Any, str]] = {
    "no object": ("text", "not a JSON object"),
    "a list": ([CMEIE], "not a JSON object"),
    "no text": ({"spo_list": []}, "'text' is missing"),
    "no triples": ({"text": "心绞痛"}, "'spo_list' is missing"),
    "text is a number": (changed(text=7), "7"),
    "text is null": (changed(text=None), "None"),
    "triples are an object": (changed(spo_list={}), "'spo_list' must be a list, got {}"),
    "triples are null": (changed(spo_list=None), "'spo_list' must be a list, got None"),
    "a triple is a list": (changed(spo_list=[["心绞痛", "临床表现", "胸闷"]]), ""),
    "no subject": (without("subject"), "'subject' is missing"),
    "no predicate": (without("predicate"), "'predicate' is missing"),
    "no object of a triple": (without("object"), "'object' is missing"),
    "no type of a subject": (without("subject_type"), "'subject_type' is missing"),
    "no type of an object": (without("object_type"), "'object_type' is missing"),
    "an empty subject": (with_triple(subject=""), "the subject of a triple must not be empty"),
    "an empty object": (
        with_triple(object={"@value": ""}),
        "the object of a triple must not be empty",
    ),
    "an empty type": (
        with_triple(subject_type=""),
        "the subject_type of a triple must not be empty",
    ),
    "an empty type of an object": (with_triple(object_type=""), "the object_type"),
    "an empty predicate": (
        with_triple(predicate=""),
        "the predicate of a triple must not be empty",
    ),
    "an object without a value": (with_triple(object={"inWork": "a"}), "'@value' is missing"),
    "a type without a value": (with_triple(object_type={}), "'@value' is missing"),
    "a value is a number": (with_triple(object={"@value": 3}), "3"),
    "a value is a list": (with_triple(object=["胸闷"]), "['胸闷']"),
    "a type is null": (with_triple(subject_type=None), "None"),
    "a lone surrogate": (changed(text=LONE_SURROGATE), "lone surrogate"),
    "a lone surrogate in a subject": (with_triple(subject=LONE_SURROGATE), "lone surrogate"),
}


@pytest.mark.parametrize(("item", "problem"), BAD.values(), ids=BAD.keys())
def test_file_and_line_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.jsonl", CMEIE, item)
    message = read_error(spo.FORMAT, path)
    assert message.startswith(f"{path}, line 2: ")
    assert problem in message


def test_a_bad_type_is_named_even_where_the_triple_is_not_found(tmp_path: Path) -> None:
    item = with_triple(subject="高血压", subject_type="")
    assert "subject_type" in read_error(spo.FORMAT, write_items(tmp_path / "a.jsonl", item))


# Detecting


@pytest.mark.parametrize("item", [CMEIE, DUIE_1, DUIE_2, changed(spo_list=[])])
def test_triples_are_recognized(item: Any, tmp_path: Path) -> None:
    assert detect(write_items(tmp_path / "train.json", item)) == "spo"
