"""Prodigy's tasks: spans by characters, relations by tokens and by the places of their spans."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.prodigy import FORMAT
from spacy_str_encoder.formats.report import ConversionReport, LossError

from .json_files import detect, read_error, read_item, write_items, write_record
from .token_texts import UNFOUND, keep, keep_first, tokenized_texts

VOCAB = Vocab()


def tokens(text: str, *ends: int) -> list[dict[str, Any]]:
    """Tokens that end at these characters; a space after one is none of its own."""
    found, start = [], 0
    for number, end in enumerate(ends):
        space = text[end : end + 1] == " "
        place = {"text": text[start:end], "start": start, "end": end}
        found.append({**place, "id": number, "ws": space, "disabled": False})
        start = end + space
    return found


def place(start: int, end: int, first: int, last: int, label: str | None) -> dict[str, Any]:
    return {"start": start, "end": end, "token_start": first, "token_end": last, "label": label}


ADA, ACME = place(0, 12, 0, 1, "PER"), place(21, 25, 4, 4, "ORG")
TEXT = "Ada Lovelace joined\n Acme."
# As Prodigy exports it.
ENGLISH: dict[str, Any] = {
    "text": TEXT,
    "_input_hash": 11,
    "_task_hash": -12,
    "meta": {"source": "a"},
    "tokens": tokens(TEXT, 3, 12, 19, 21, 25, 26),
    "spans": [
        {"text": "Ada Lovelace", **ADA, "type": "span"},
        {"text": "Acme", **ACME, "type": "span"},
    ],
    "relations": [
        {
            "head": 1,
            "child": 4,
            # So it says where a text begins with a span: only the characters are right.
            "head_span": {**ADA, "token_start": 1},
            "child_span": ACME,
            "color": "#ffd882",
            "label": "works_for",
        }
    ],
    "_session_id": None,
    "_view_id": "relations",
    "answer": "accept",
}
ENGLISH_RECORD = AnnotatedText(
    TEXT,
    [AnnotatedEntity(0, 12, "PER"), AnnotatedEntity(21, 25, "ORG")],
    [AnnotatedRelation(0, 1, "works_for")],
    [(0, 3), (4, 12), (13, 19), (21, 25), (25, 26)],
    {
        "_input_hash": 11,
        "_task_hash": -12,
        "meta": {"source": "a"},
        "_session_id": None,
        "_view_id": "relations",
    },
)
CHINESE: dict[str, Any] = {
    "text": "前降支近段狭窄",
    "tokens": tokens("前降支近段狭窄", 3, 5, 7),
    "spans": [place(0, 5, 0, 1, "部位"), place(5, 7, 2, 2, "程度")],
    "relations": [
        {
            "head": 2,
            "child": 1,
            "head_span": place(5, 7, 2, 2, "程度"),
            "child_span": place(0, 5, 0, 1, "部位"),
            "label": "修饰",
        }
    ],
    "answer": "accept",
}


def with_ends(head_span: Any, child_span: Any = ACME, **fields: Any) -> dict[str, Any]:
    spans = {"head_span": head_span, "child_span": child_span}
    relation = {"head": 1, "child": 4, **spans, "label": "works_for", **fields}
    return {**ENGLISH, "relations": [relation]}


def with_span(**fields: Any) -> dict[str, Any]:
    return {**ENGLISH, "spans": [{**ACME, "type": "span", **fields}], "relations": []}


def with_token(number: int, **fields: Any) -> dict[str, Any]:
    changed = [*ENGLISH["tokens"]]
    changed[number] = {**changed[number], **fields}
    return {**ENGLISH, "tokens": changed}


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in ENGLISH.items() if name != field}


# Reading


def test_spans_are_read_by_characters_and_relations_from_head_to_child(tmp_path: Path) -> None:
    path = write_items(tmp_path / "good.jsonl", ENGLISH, CHINESE)
    assert list(FORMAT.read(path, ConversionReport(strict_all=True))) == [
        ENGLISH_RECORD,
        AnnotatedText(
            "前降支近段狭窄",
            [AnnotatedEntity(0, 5, "部位"), AnnotatedEntity(5, 7, "程度")],
            [AnnotatedRelation(1, 0, "修饰")],
            [(0, 3), (3, 5), (5, 7)],
        ),
    ]


@pytest.mark.parametrize("answer", ["reject", "ignore"])
def test_what_was_not_accepted_is_left_out_and_counted(answer: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "tasks.jsonl", {**CHINESE, "answer": answer}, ENGLISH)
    report = ConversionReport()
    assert list(FORMAT.read(path, report)) == [ENGLISH_RECORD]
    case = f"{path}, line 1: '前降支近段狭窄'"
    assert report.lost == {f"tasks answered with '{answer}'": [case]}
    with pytest.raises(LossError, match=answer):
        list(FORMAT.read(path, ConversionReport(strict_all=True)))


def test_a_task_that_nobody_answered_yet_is_read(tmp_path: Path) -> None:
    record, _ = read_item(FORMAT, tmp_path / "good.jsonl", without("answer"))
    assert record == ENGLISH_RECORD


def test_a_task_without_relations_has_none_that_are_annotated(tmp_path: Path) -> None:
    path = tmp_path / "good.jsonl"
    record, report = read_item(FORMAT, path, without("relations"))
    assert (len(record.entities), record.relations, record.has_relations) == (2, [], False)
    assert report.chosen == {}


def test_spans_and_their_relations_need_no_tokens(tmp_path: Path) -> None:
    record, report = read_item(FORMAT, tmp_path / "good.jsonl", without("tokens"))
    assert record.tokens is None
    assert (record.entities, record.relations) == (
        ENGLISH_RECORD.entities,
        ENGLISH_RECORD.relations,
    )
    assert report == ConversionReport()


def test_a_relation_may_name_only_the_last_tokens_of_its_spans(tmp_path: Path) -> None:
    item = {**ENGLISH, "relations": [{"head": 1, "child": 4, "label": "works_for"}]}
    record, report = read_item(FORMAT, tmp_path / "good.jsonl", item)
    assert record == ENGLISH_RECORD
    assert report == ConversionReport()


LOVELACE = place(4, 12, 1, 1, "NAME")
NESTED = {**ENGLISH, "spans": [*ENGLISH["spans"], LOVELACE]}


@pytest.mark.parametrize(
    "item",
    [
        with_ends(place(13, 19, 2, 2, None), head=2),
        with_ends(ADA, place(25, 26, 5, 5, None), child=5),
        with_ends(LOVELACE),
        {**ENGLISH, "relations": [{"head": 2, "child": 4, "label": "works_for"}]},
        {**NESTED, "relations": [{"head": 1, "child": 4, "label": "works_for"}]},
    ],
    ids=["bare head", "bare child", "other span", "bare token", "one of two spans"],
)
def test_relations_of_what_is_no_entity_are_lost(item: Any, tmp_path: Path) -> None:
    path = tmp_path / "good.jsonl"
    record, report = read_item(FORMAT, path, item)
    assert record.relations == []
    [relation] = item["relations"]
    ends = f"{relation['head']} and {relation['child']}"
    assert report.lost == {UNFOUND: [f"{path}, line 1: works_for between the tokens {ends}"]}


@pytest.mark.parametrize(("label", "head"), [("PER", 0), ("X", 2)])
def test_the_label_decides_among_spans_at_one_place(label: str, head: int, tmp_path: Path) -> None:
    item = with_ends({**ADA, "label": label})
    item["spans"] = [*item["spans"], {**ADA, "label": "X"}]
    record, report = read_item(FORMAT, tmp_path / "good.jsonl", item)
    assert record.relations == [AnnotatedRelation(head, 1, "works_for")]
    assert report == ConversionReport()


def test_another_label_does_not_matter_where_one_span_is(tmp_path: Path) -> None:
    path = tmp_path / "good.jsonl"
    record, report = read_item(FORMAT, path, with_ends({**ADA, "label": "GPE"}))
    assert record == ENGLISH_RECORD
    reason = "entities whose label differs from that in a relation"
    case = f"{path}, line 1: 'Ada Lovelace' (PER, 0-12), not 'GPE'"
    assert report.chosen == {reason: [case]}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"token_end": 5}, "4 to 5"),
        ({"token_end": 6}, "4 to 6"),
        ({"token_start": 5}, "5 to 4"),
        ({"token_start": None}, "None to 4"),
    ],
)
def test_characters_decide_where_tokens_say_another_place(
    fields: dict[str, Any], named: str, tmp_path: Path
) -> None:
    path = tmp_path / "good.jsonl"
    record, report = read_item(FORMAT, path, with_span(**fields))
    assert record.entities == [AnnotatedEntity(21, 25, "ORG")]
    reason = "spans whose tokens and characters differ (the characters are read)"
    case = f"{path}, line 1: 'Acme' (ORG, 21-25), not the tokens {named}"
    assert report.chosen == {reason: [case]}


def test_spans_that_are_no_annotation_are_lost(tmp_path: Path) -> None:
    path = tmp_path / "good.jsonl"
    unlabelled = {"start": 4, "end": 12}
    item = {**with_span(answer="reject")}
    item["spans"].append(unlabelled)
    record, report = read_item(FORMAT, path, item)
    assert record.entities == []
    assert report.lost == {
        "spans answered with 'reject'": [f"{path}, line 1: 'Acme' (ORG, 21-25)"],
        "spans without a label": [f"{path}, line 1: 'Lovelace' (None, 4-12)"],
    }


def test_relations_without_a_label_are_lost(tmp_path: Path) -> None:
    path = tmp_path / "good.jsonl"
    record, report = read_item(FORMAT, path, with_ends(ADA, label=None))
    assert record.relations == []
    case = f"{path}, line 1: None between the tokens 1 and 4"
    assert report.lost == {"relations without a label": [case]}


def test_other_fields_of_tokens_spans_and_relations_are_lost(tmp_path: Path) -> None:
    path = tmp_path / "good.jsonl"
    item = with_ends(ADA, weight=0.5)
    item["tokens"] = [{**item["tokens"][0], "style": {}}, *item["tokens"][1:]]
    item["spans"] = [{**item["spans"][0], "pattern": 7}, item["spans"][1]]
    record, report = read_item(FORMAT, path, item)
    assert record == ENGLISH_RECORD
    assert report.lost == {
        "unsupported fields of tokens": [f"{path}, line 1: 'style': {{}}"],
        "unsupported fields of spans": [f"{path}, line 1: 'pattern': 7"],
        "unsupported fields of relations": [f"{path}, line 1: 'weight': 0.5"],
    }


STALE = "spans whose text differs from that at their offsets (the offsets are read)"


@pytest.mark.parametrize(
    "item", [with_span(text="Acm"), with_ends({**ADA, "text": "Ada"})], ids=["a span", "a head"]
)
def test_offsets_count_where_a_text_is_outdated(item: Any, tmp_path: Path) -> None:
    path = tmp_path / "good.jsonl"
    record, report = read_item(FORMAT, path, item)
    assert record.entities[-1] == AnnotatedEntity(21, 25, "ORG")
    assert len(record.relations) == len(item["relations"])
    case = "'Acme', not 'Acm'" if not item["relations"] else "'Ada Lovelace', not 'Ada'"
    assert report.chosen == {STALE: [f"{path}, line 1: {case}"]}
    assert not report.lost


UNFIT = "texts read without their tokens, which do not fit"
UNFIT_TOKENS: dict[str, tuple[list[Any], str]] = {
    "another text": (
        with_token(2, text="joins")["tokens"],
        "the token 13-19 is 'joined', not 'joins'",
    ),
    "white space elsewhere": (
        with_token(3, start=0, end=2)["tokens"],
        r"the token 0-2 is 'Ad', not '\n '",
    ),
    "outside": (with_token(5, end=27)["tokens"], "the token 25-27 must lie within"),
    "reversed": (with_token(5, end=24)["tokens"], "the token 25-24 must end after its start"),
    "a missing one": (ENGLISH["tokens"][:5], "the text from 25 to 26 is neither"),
    "overlap": (with_token(1, start=2, text="a Lovelace")["tokens"], "the text from 3 to 2"),
}


@pytest.mark.parametrize(("tokens", "problem"), UNFIT_TOKENS.values(), ids=UNFIT_TOKENS.keys())
@pytest.mark.parametrize("has_spans", [True, False])
def test_a_text_is_read_without_tokens_that_do_not_fit(
    tokens: list[Any], problem: str, has_spans: bool, tmp_path: Path
) -> None:
    path = tmp_path / "good.jsonl"
    [relation] = ENGLISH["relations"]
    if not has_spans:
        relation = {name: relation[name] for name in ("head", "child", "label")}
    item = {**ENGLISH, "tokens": tokens, "relations": [relation]}
    record, report = read_item(FORMAT, path, item)
    assert record.tokens is None
    assert (record.entities, record.relations) == (
        ENGLISH_RECORD.entities,
        ENGLISH_RECORD.relations,
    )
    [case] = report.chosen.pop(UNFIT)
    assert case.startswith(f"{path}, line 1: ")
    assert problem in case
    assert report == ConversionReport()


@pytest.mark.parametrize("has_tokens", [True, False])
def test_a_task_of_entities_alone_is_read(has_tokens: bool, tmp_path: Path) -> None:
    item = {
        "text": "Ada joined Acme",
        "_input_hash": 1,
        "spans": [{"start": 0, "end": 3, "label": "PER"}],
        "answer": "accept",
    }
    if has_tokens:
        item["tokens"] = tokens("Ada joined Acme", 3, 10, 15)
    path = tmp_path / "ner.jsonl"
    record, report = read_item(FORMAT, path, item)
    assert detect(path) == "prodigy"
    assert record.entities == [AnnotatedEntity(0, 3, "PER")]
    assert record.has_relations is False
    assert record.tokens == ([(0, 3), (4, 10), (11, 15)] if has_tokens else None)
    assert report.chosen == {}


# Writing


@given(record=tokenized_texts())
def test_what_aligns_with_tokens_is_read_as_it_was_written(
    record: AnnotatedText, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("prodigy") / "records.jsonl"
    item, report = write_record(FORMAT, path, record)
    starts = {token["start"] for token in item["tokens"]}
    ends = {token["end"] for token in item["tokens"]}
    different, repeated = keep_first(record)
    expected, lost = keep(different, lambda e: e.start in starts and e.end in ends)
    assert list(FORMAT.read(path, ConversionReport(strict_all=True))) == [expected]
    assert report.losses == repeated + lost


@pytest.mark.slow
@given(record=tokenized_texts())
def test_tokens_and_spans_are_those_of_a_doc(
    record: AnnotatedText, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("prodigy") / "records.jsonl"
    item, _ = write_record(FORMAT, path, record)
    words = [token["text"] for token in item["tokens"]]
    doc = Doc(VOCAB, words, [token["ws"] for token in item["tokens"]])
    assert doc.text == record.text
    assert [(token["id"], token["start"]) for token in item["tokens"]] == [
        (token.i, token.idx) for token in doc
    ]
    for span in item["spans"]:
        found = doc[span["token_start"] : span["token_end"] + 1]
        assert (found.start_char, found.end_char) == (span["start"], span["end"])
        assert found.text == span["text"]


def test_the_file_says_what_prodigy_exports(tmp_path: Path) -> None:
    item, report = write_record(FORMAT, tmp_path / "records.jsonl", ENGLISH_RECORD)
    [relation] = ENGLISH["relations"]
    relation = {**relation, "head_span": ADA}
    del relation["color"]
    assert item == {**ENGLISH, "relations": [relation]}
    assert report == ConversionReport()


# Refusing


BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "no object": ([TEXT], "not a JSON object"),
    "no text": (without("text"), "'text' is missing"),
    "the text is null": ({**ENGLISH, "text": None}, "must be a string, got None"),
    "the text is shorter": (
        {**ENGLISH, "text": "Ada Lovelace"},
        "the span 21-25 must lie within the text, which has 12 characters",
    ),
    "an unknown answer": (
        {**ENGLISH, "answer": "maybe"},
        "must be one of accept, reject, ignore, got 'maybe'",
    ),
    "the answer is null": (
        {**ENGLISH, "answer": None},
        "must be one of accept, reject, ignore, got None",
    ),
    "spans are null": ({**ENGLISH, "spans": None}, "'spans' must be a list, got None"),
    "relations are null": (
        {**ENGLISH, "relations": None},
        "'relations' must be a list, got None",
    ),
    "tokens are texts": (
        {**ENGLISH, "tokens": TEXT.split()},
        "'tokens[0]' must be an object, got 'Ada'",
    ),
    "a token has another number": (with_token(2, id=3), "the id of token 2 must be 2, got 3"),
    "a span is outside": (with_span(end=27), "21-27 must lie within the text"),
    "a span begins before the text": (with_span(start=-1), "-1-25 must lie within the text"),
    "a span is empty": (with_span(end=21), "the span 21-21 must end after its start"),
    "a span has no end": ({**ENGLISH, "spans": [{"start": 0, "label": "X"}]}, "'end' is missing"),
    "an offset is text": (with_span(start="21"), "'spans[0].start' must be an integer, got '21'"),
    "an offset is no integer": (with_span(end=25.0), "'spans[0].end' must be an integer, got 25.0"),
    "a label is empty": (with_span(label=""), "must not be empty"),
    "a label is a number": (with_span(label=3), "must be a string, got 3"),
    "a head is outside": (with_ends(place(0, 27, 0, 5, "PER")), "0-27 must lie within the text"),
    "a head is a list": (with_ends([0, 12]), "head_span' must be an object, got [0, 12]"),
    "a head is no token": (with_ends(None, head=6), "6 to 7 (exclusive)"),
    "a head is text": (
        with_ends(None, head="1"),
        "'relations[0].head' must be an integer, got '1'",
    ),
    "there is no head": ({**ENGLISH, "relations": [{"label": "X"}]}, "'head' is missing"),
    "there are no tokens for a head": (
        {**without("tokens"), "relations": [{"head": 1, "child": 4, "label": "X"}]},
        "refers to the token 1, but the text has no tokens",
    ),
    "a relation has a number as label": (with_ends(ADA, label=3), "must be a string, got 3"),
}


@pytest.mark.parametrize(("item", "problem"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_file_and_line_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.jsonl", ENGLISH, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, line 2: ")
    assert problem in message


@pytest.mark.parametrize("item", [ENGLISH, CHINESE, without("spans"), without("tokens")])
def test_the_format_is_found_out(item: Any, tmp_path: Path) -> None:
    path = write_items(tmp_path / "good.jsonl", item)
    assert detect(path) == "prodigy"
