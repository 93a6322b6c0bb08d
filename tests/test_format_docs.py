"""Between records and docs: what docs hold, and what is counted since they can't."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span

from spacy_str_encoder import Relation
from spacy_str_encoder.doc.relation import has_relations
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    AnnotationError,
)
from spacy_str_encoder.formats.convert import find_sources
from spacy_str_encoder.formats.docbin import docbin_format
from spacy_str_encoder.formats.docs import from_docs, to_docs
from spacy_str_encoder.formats.registry import all_formats
from spacy_str_encoder.formats.report import ConversionReport, LossError, summarize
from spacy_str_encoder.formats.writer import TextWriter

from .annotated_texts import ANY_ATTRIBUTES, contents

# The begin, end and label of an entity; a relation by the begins of head and tail.
Entity = tuple[int, int, str]
Arc = tuple[int, int, str]

WORDS = "ab cd e fgh"
blank = cache(spacy.blank)
NLP = blank("en")
MISALIGNED = "entities that do not align with tokens"
OVERLAPPING = "entities that overlap another entity"
REPEATED = "duplicate entities"
UNCONNECTED = "relations of entities that were left out"

entities = st.builds(
    lambda a, b, label: AnnotatedEntity(min(a, b), max(a, b), label),
    st.integers(0, len(WORDS)),
    st.integers(0, len(WORDS)),
    st.sampled_from("AB"),
).filter(lambda entity: entity.start < entity.end)


@st.composite
def crowded_texts(draw: st.DrawFn) -> AnnotatedText:
    """Entities that overlap each other and tokens, or are the same, and relations."""
    found = draw(st.lists(entities, max_size=6))
    indices = st.integers(0, max(0, len(found) - 1))
    relations = st.builds(AnnotatedRelation, indices, indices, st.sampled_from("XY"))
    return AnnotatedText(WORDS, found, draw(st.lists(relations, max_size=6)) if found else [])


def convert(
    records: Iterable[AnnotatedText], language: str = "zh", spans_key: str | None = None
) -> tuple[list[Doc], ConversionReport]:
    report = ConversionReport()
    return list(to_docs(records, blank(language), report, spans_key=spans_key)), report


def read_entities(doc: Doc) -> list[Entity]:
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def read_arcs(doc: Doc) -> list[Arc]:
    return [(r.head.start_char, r.tail.start_char, r.label) for r in doc._.relations]


def sweep(record: AnnotatedText) -> tuple[dict[int, Entity], Counter[str]]:
    """Go through the text once: the entities that fit, by index, and the count of the others. An
    entity that repeats another one is that one.
    """
    starts = {match.start() for match in re.finditer(r"\S+", record.text)}
    ends = {match.end() for match in re.finditer(r"\S+", record.text)}
    kept: dict[int, Entity] = {}
    lost: Counter[str] = Counter()
    reached = 0
    indexed = [(e.start, -e.end, i, e.label) for i, e in enumerate(record.entities)]
    for start, minus_end, i, label in sorted(indexed):
        same = record.entities.index(record.entities[i])
        if same < i:
            lost[REPEATED] += 1
            if same in kept:
                kept[i] = kept[same]
        elif start not in starts or -minus_end not in ends:
            lost[MISALIGNED] += 1
        elif start < reached:
            lost[OVERLAPPING] += 1
        else:
            kept[i] = (start, -minus_end, label)
            reached = -minus_end
    return kept, lost


@given(st.lists(crowded_texts(), max_size=3))
def test_what_docs_can_not_hold_is_counted_and_the_rest_is_used(
    records: list[AnnotatedText],
) -> None:
    report = ConversionReport()
    docs = list(to_docs(records, NLP, report))
    lost: Counter[str] = Counter()
    for doc, record in zip(docs, records, strict=True):
        kept, reasons = sweep(record)
        used = [r for r in record.relations if r.head in kept and r.tail in kept]
        assert read_entities(doc) == sorted(set(kept.values()))
        arcs = [(kept[r.head][0], kept[r.tail][0], r.label) for r in used]
        assert sorted(read_arcs(doc)) == sorted(arcs)
        assert has_relations(doc)
        lost += reasons + Counter({UNCONNECTED: len(record.relations) - len(used)})
    assert report.losses == lost


@pytest.mark.parametrize(
    ("places", "kept", "lost"),
    [
        ([(0, 2), (3, 6)], [(0, 2)], {MISALIGNED: 1, UNCONNECTED: 1}),
        ([(3, 7), (0, 5)], [(0, 5)], {OVERLAPPING: 1, UNCONNECTED: 1}),
        ([(0, 2), (0, 5)], [(0, 5)], {OVERLAPPING: 1, UNCONNECTED: 1}),
        ([(0, 2), (0, 2)], [(0, 2)], {REPEATED: 1}),
        ([(0, 2), (3, 5)], [(0, 2), (3, 5)], {}),
    ],
    ids=["misaligned", "overlapping", "nested", "duplicate", "adjacent"],
)
def test_an_entity_that_a_doc_can_not_hold_is_left_out(
    places: list[tuple[int, int]], kept: list[tuple[int, int]], lost: dict[str, int]
) -> None:
    found = [AnnotatedEntity(start, end, "A") for start, end in places]
    [doc], report = convert([AnnotatedText(WORDS, found, [AnnotatedRelation(0, 1, "X")])], "en")
    assert read_entities(doc) == [(start, end, "A") for start, end in kept]
    assert len(doc._.relations) == 1 - lost.get(UNCONNECTED, 0)
    assert report.losses == lost


@pytest.mark.parametrize("text", [WORDS, ""], ids=["a text", "no text"])
def test_a_record_without_entities_is_annotated_as_having_no_relations(text: str) -> None:
    [doc], report = convert([AnnotatedText(text, [], [])])
    assert (doc.text, read_entities(doc), doc._.relations) == (text, [], [])
    assert has_relations(doc)
    assert doc.has_annotation("ENT_IOB")
    assert report == ConversionReport()


def test_offsets_count_characters_whatever_the_whitespace() -> None:
    text = "  前降支\r\n\t狭窄\u3000😀。"
    found = [
        AnnotatedEntity(2, 5, "Body"),
        AnnotatedEntity(8, 10, "Degree"),
        AnnotatedEntity(11, 12, "X"),
    ]
    [doc], report = convert([AnnotatedText(text, found, [])])
    assert doc.text == text
    assert [ent.text for ent in doc.ents] == ["前降支", "狭窄", "😀"]
    assert not report.lost


# Span groups, tokens, and back


@given(st.lists(crowded_texts(), max_size=3))
def test_a_span_group_holds_every_entity_that_aligns(records: list[AnnotatedText]) -> None:
    docs, report = convert(records, "en", "sc")
    flat, _ = convert(records, "en")
    for doc, flat_doc, record in zip(docs, flat, records, strict=True):
        ends = {match.end() for match in re.finditer(r"\S+", WORDS)}
        starts = {match.start() for match in re.finditer(r"\S+", WORDS)}
        aligned = {e for e in record.entities if e.start in starts and e.end in ends}
        group = [(span.start_char, span.end_char, span.label_) for span in doc.spans["sc"]]
        assert sorted(group) == sorted((e.start, e.end, e.label) for e in aligned)
        assert read_entities(doc) == read_entities(flat_doc)
    assert not report.losses[OVERLAPPING]


@st.composite
def token_texts(draw: st.DrawFn) -> AnnotatedText:
    """A record whose tokens no tokenizer would make, with entities that align with them."""
    text = draw(st.text(st.sampled_from("ab 前\n\u3000😀é\x00"), min_size=1, max_size=8))
    spaces = [i for i, character in enumerate(text) if character.isspace()]
    cuts = draw(st.sets(st.integers(0, len(text))))
    bounds = sorted({0, len(text), *cuts, *spaces, *(i + 1 for i in spaces)})
    tokens = [(start, end) for start, end in pairwise(bounds) if text[start:end].strip()]
    places = [(first[0], last[1]) for first in tokens for last in tokens if first <= last]
    if not places:
        return AnnotatedText(text, [], [], tokens)
    found = draw(st.lists(st.sampled_from(places), min_size=1, max_size=4, unique=True))
    entities = [
        AnnotatedEntity(*place, draw(st.sampled_from("AB")), draw(ANY_ATTRIBUTES))
        for place in found
    ]
    indices = st.integers(0, len(entities) - 1)
    relations = st.builds(AnnotatedRelation, indices, indices, st.sampled_from("XY"))
    meta = draw(st.sampled_from([{}, {"id": 3, "unseen": [None, "是"]}]))
    return AnnotatedText(text, entities, draw(st.lists(relations, max_size=3)), tokens, meta)


@given(records=st.lists(token_texts(), min_size=1, max_size=3))
def test_records_come_back_from_docs_as_they_were(
    records: list[AnnotatedText], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("docbin") / "docs.spacy"
    docbin = docbin_format(blank("xx"), spans_key="sc")
    docbin.write(records, path, ConversionReport(strict_all=True))
    report = ConversionReport(strict_all=True)
    assert list(map(contents, docbin.read(path, report))) == list(map(contents, records))
    assert not report.chosen


def make_doc() -> Doc:
    doc = NLP("ab cd e")
    doc.set_ents([Span(doc, 0, 1, "A"), Span(doc, 2, 3, "A")])
    return doc


def test_relations_of_spans_that_are_no_entities_are_lost() -> None:
    doc = make_doc()
    doc._.relations = [Relation(doc.ents[0], doc[1:2], "X"), Relation(*doc.ents, "X")]
    report = ConversionReport()
    [record] = from_docs([doc], report, name="docs.spacy")
    assert record.relations == [AnnotatedRelation(0, 1, "X")]
    assert report.lost == {
        "relations of spans that are not entities": ["docs.spacy, doc 1: 'ab' X 'cd'"]
    }


def test_docs_whose_relations_nobody_annotated_stay_so() -> None:
    report = ConversionReport(strict_all=True)
    [record] = from_docs([make_doc()], report)
    assert (record.relations, record.has_relations) == ([], False)
    [doc] = to_docs([record], NLP, report)
    assert not has_relations(doc)
    assert read_entities(doc) == read_entities(make_doc())


def test_span_groups_that_are_not_read_are_mentioned() -> None:
    doc = make_doc()
    doc.spans["sc"] = [doc[0:2]]
    doc._.relations = []
    report = ConversionReport()
    [record] = from_docs([doc], report)
    assert record.entities == [AnnotatedEntity(0, 2, "A"), AnnotatedEntity(6, 7, "A")]
    assert report.chosen == {
        "docs with other span groups (only doc.ents is read)": ["docs, doc 1: 'sc'"]
    }


def test_entities_that_are_not_in_the_span_group_are_lost() -> None:
    grouped, doc = make_doc(), make_doc()
    grouped.spans["sc"] = [grouped.ents[0]]
    grouped.spans["other"] = []
    report = ConversionReport()
    records = from_docs([grouped, doc], report, spans_key="sc")
    both = [AnnotatedEntity(0, 2, "A"), AnnotatedEntity(6, 7, "A")]
    assert [record.entities for record in records] == [both[:1], both]
    cases = ["docs, doc 1: 'e' (A)"]
    assert report.lost == {"entities of doc.ents that are not in the span group": cases}
    assert report.chosen == {
        "docs with other span groups (only 'sc' is read)": ["docs, doc 1: 'other'"]
    }


def test_entities_that_nobody_annotated_are_not_taken_for_none(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    DocBin(docs=[nlp("Ada is ill.")]).to_disk(tmp_path / "a.spacy")
    for target in ("b.spacy", "b.jsonl"):
        report = ConversionReport()
        formats = all_formats(nlp)
        [source] = find_sources([tmp_path / "a.spacy"], formats)
        format = formats[target.removeprefix("b.")]
        TextWriter(format, nlp, report).write(source.read(report), tmp_path / target)
        assert any("texts with unannotated entities" in key for key in report.chosen) == (
            target == "b.jsonl"
        )
    [doc] = DocBin().from_disk(tmp_path / "b.spacy").get_docs(nlp.vocab)
    assert not doc.has_annotation("ENT_IOB")


def test_a_strict_report_names_the_first_loss() -> None:
    record = AnnotatedText(WORDS, [AnnotatedEntity(3, 4, "A")], [], place="a.jsonl, line 4")
    with pytest.raises(LossError) as error:
        list(to_docs([record], NLP, ConversionReport(strict_all=True)))
    assert str(error.value) == f"a.jsonl, line 4: 'c' (A, 3-4) would be lost ({MISALIGNED})"


def test_a_summary_counts_all_cases_and_shows_the_first() -> None:
    report = ConversionReport()
    for number in range(5):
        report.lose("things", f"line {number}", "it")
    report.choose("others", "line 9", "that")
    assert summarize(report) == [
        "left out (5): things",
        "  line 0: it",
        "  line 1: it",
        "  line 2: it",
        "  and 2 more",
        "chosen (1): others",
        "  line 9: that",
    ]


@pytest.mark.parametrize("meta", ["ward 3", {"vector": numpy.zeros(2)}], ids=["text", "array"])
def test_meta_data_of_docs_that_no_record_can_hold_are_refused(
    meta: object, tmp_path: Path
) -> None:
    doc = make_doc()
    doc.user_data["meta"] = meta
    path = tmp_path / "a.spacy"
    DocBin(docs=[make_doc(), doc], store_user_data=True).to_disk(path)
    with pytest.raises(AnnotationError) as error:
        list(docbin_format(NLP).read(path, ConversionReport()))
    assert str(error.value).startswith(f"{path}, doc 2: ")


@pytest.mark.parametrize("value", [2**64, json.loads("[" * 700 + "]" * 700)], ids=["int", "depth"])
def test_meta_data_that_no_docbin_can_hold_are_refused(value: object, tmp_path: Path) -> None:
    records = [
        AnnotatedText("a", [], []),
        AnnotatedText("a", [], [], meta={"id": value}, place="a, line 2"),
    ]
    with pytest.raises(
        AnnotationError, match=r"^a, line 2: the metadata can't be stored in a DocBin"
    ):
        docbin_format(NLP).write(records, tmp_path / "a.spacy", ConversionReport())


def test_a_file_that_is_no_docbin_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.spacy"
    path.write_bytes(b"no DocBin")
    with pytest.raises(ValueError, match=r"bad\.spacy: the file is not a DocBin"):
        list(docbin_format(NLP).read(path, ConversionReport()))


def test_a_text_with_unannotated_entities_has_no_span_group() -> None:
    unannotated = AnnotatedText("ab", [], [], has_relations=False, has_entities=False)
    none = AnnotatedText("ab", [], [])
    docs = list(to_docs([unannotated, none], NLP, ConversionReport(), spans_key="sc"))
    assert ["sc" in doc.spans for doc in docs] == [False, True]
    assert [doc.has_annotation("ENT_IOB") for doc in docs] == [False, True]


def test_entities_are_annotated_in_the_span_group_or_else_in_doc_ents() -> None:
    docs = [NLP("ab") for _ in range(4)]
    docs[0].set_ents([docs[0].char_span(0, 2, label="A")])
    docs[1].spans["sc"] = []
    docs[2].spans["sc"] = [docs[2].char_span(0, 2, label="A")]
    report = ConversionReport(strict_all=True)
    texts = list(from_docs(docs, report, spans_key="sc"))
    assert [annotated.has_entities for annotated in texts] == [True, True, True, False]
    assert [len(annotated.entities) for annotated in texts] == [1, 0, 1, 0]
    flat = list(from_docs(docs, report))
    assert [each.has_entities for each in flat] == [True, False, False, False]


def test_relations_without_the_entities_that_they_connect_are_not_taken_for_none() -> None:
    doc = NLP("a b")
    spans = [doc.char_span(0, 1, label="A"), doc.char_span(2, 3, label="A")]
    doc.spans["mistyped"] = spans
    doc._.relations = [Relation(*spans, "r")]
    [annotated] = from_docs([doc], ConversionReport(), spans_key="sc")
    assert not annotated.has_relations and not annotated.has_entities
    doc._.relations = []
    [annotated] = from_docs([doc], ConversionReport(), spans_key="sc")
    assert annotated.has_relations
