"""The command `convert`: overlapping entities are kept in a span group, or left out if asked."""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span

from spacy_str_encoder import Relation
from spacy_str_encoder.doc.relation import place_of
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedText,
)
from spacy_str_encoder.formats.docs import make_tokenizer
from spacy_str_encoder.formats.entities import has_overlaps, without_overlaps
from spacy_str_encoder.formats.registry import all_formats
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.formats.writer import TextWriter

from .crowded_texts import crowded_texts
from .test_convert import LINE, NESTED, TEXT, read_lines, read_spacy, run, run_error, write_lines

ZH = ("--lang", "zh")
TOLD = (
    'entities overlap: doc.spans["{0}"] has all of them, doc.ents a choice without overlaps; to '
    "learn all, train with --components.str_ner.spans_key {0}"
)
OVERLAPPING = "entities that overlap another entity"
UNCONNECTED = "relations of entities that were left out"
FLAT = {**LINE, "entities": [NESTED["entities"][0], LINE["entities"][2]], "relations": []}
EMPTY: dict[str, Any] = {"text": TEXT, "entities": [], "relations": []}

Entity = tuple[int, int, str]


def overlap(one: Entity, other: Entity) -> bool:
    return one != other and one[0] < other[1] and other[0] < one[1]


def list_entities(item: Any) -> list[Entity]:
    return [(each["start"], each["end"], each["label"]) for each in item["entities"]]


def list_relations(item: Any) -> list[tuple[Entity, str, Entity]]:
    entities = list_entities(item)
    return sorted((entities[r["head"]], r["label"], entities[r["tail"]]) for r in item["relations"])


def places(spans: Iterable[Span]) -> list[Entity]:
    return sorted(map(place_of, spans))


# Docs: a span group where entities overlap


def test_a_span_group_keeps_overlapping_entities(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", NESTED)
    result = run(path, "-o", tmp_path, *ZH, "--strict")
    assert result.stdout.splitlines() == [f"{tmp_path / 'in.spacy'}: 1 text", TOLD.format("sc")]
    [doc] = read_spacy(tmp_path / "in.spacy")
    assert places(doc.spans["sc"]) == sorted(list_entities(NESTED))
    assert [ent.text for ent in doc.ents] == ["前降支近段", "狭窄"]
    [relation] = doc._.relations
    assert (relation.head.text, relation.tail.text) == ("前降支", "近段")


def test_one_overlap_is_enough_for_a_group_in_each_doc_of_each_file(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "first.jsonl", LINE, EMPTY)
    last = write_lines(tmp_path / "last.jsonl", LINE, NESTED)
    result = run(first, last, "-o", tmp_path, *ZH)
    assert result.stdout.count(TOLD.format("sc")) == 1
    for path, items in ((first, [LINE, EMPTY]), (last, [LINE, NESTED])):
        docs = read_spacy(path.with_suffix(".spacy"))
        expected = [sorted(list_entities(item)) for item in items]
        assert [places(doc.spans["sc"]) for doc in docs] == expected


def test_a_doc_with_unannotated_entities_gets_no_group(tmp_path: Path) -> None:
    docs = [make_doc(), spacy.blank("zh")(TEXT)]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "in.spacy")
    assert run(tmp_path / "in.spacy", "-o", tmp_path / "out.spacy").exit_code == 0
    annotated, unannotated = read_spacy(tmp_path / "out.spacy")
    assert "sc" in annotated.spans and "sc" not in unannotated.spans
    assert not unannotated.has_annotation("ENT_IOB")


@pytest.mark.parametrize("entities", [LINE["entities"], LINE["entities"] * 2])
def test_without_overlaps_there_is_no_group(entities: list[Any], tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", {**LINE, "entities": entities})
    result = run(path, "-o", tmp_path, *ZH)
    assert "entities overlap" not in result.stdout
    [doc] = read_spacy(tmp_path / "in.spacy")
    assert not doc.spans
    assert places(doc.ents) == list_entities(LINE)


@pytest.mark.parametrize(("item", "is_told"), [(LINE, False), (NESTED, True)])
def test_a_named_group_is_always_written(item: Any, is_told: bool, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", item, EMPTY)
    result = run(path, "-o", tmp_path, *ZH, "--spans-key", "all")
    assert (TOLD.format("all") in result.stdout) == is_told
    docs = read_spacy(tmp_path / "in.spacy")
    assert [[*doc.spans] for doc in docs] == [["all"], ["all"]]
    assert places(docs[0].spans["all"]) == sorted(list_entities(item))


def test_each_part_of_a_split_has_the_group(tmp_path: Path) -> None:
    items = [{**LINE, "text": f"{TEXT}{i}"} for i in range(9)]
    path = write_lines(tmp_path / "in.jsonl", *items, NESTED)
    result = run(path, "-o", tmp_path / "out", *ZH, "--split", "1:1")
    assert TOLD.format("sc") in result.stdout
    docs = [*read_spacy(tmp_path / "out/train.spacy"), *read_spacy(tmp_path / "out/dev.spacy")]
    assert len(docs) == 10 and all("sc" in doc.spans for doc in docs)


def test_a_report_has_no_losses_where_a_group_holds_all(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", NESTED)
    run(path, "-o", tmp_path, *ZH, "--report", tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report == {"texts": 1, "lost": {}, "chosen": {}, "rejected": []}


def test_an_error_in_a_text_comes_before_anything_is_written(tmp_path: Path) -> None:
    good, bad = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    write_lines(good, LINE)
    write_lines(bad, LINE, {**LINE, "text": "short"})
    assert f"{bad}, line 2" in run_error(good, bad, "-o", tmp_path / "out", *ZH)
    assert not (tmp_path / "out").exists()


texts = st.lists(crowded_texts(), min_size=1, max_size=3)


@given(crowded_texts())
def test_overlaps_are_found(annotated: AnnotatedText) -> None:
    entities = [(each.start, each.end, each.label) for each in annotated.entities]
    assert has_overlaps(annotated) == any(overlap(*pair) for pair in combinations(entities, 2))


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    """A text whose entities nest, cross and share places, but are no duplicates."""
    ends = combinations(range(len(TEXT) + 1), 2)
    entity = st.tuples(st.sampled_from(list(ends)), st.sampled_from("AB"))
    found = [
        {"start": start, "end": end, "label": label}
        for (start, end), label in draw(st.lists(entity, max_size=6, unique=True))
    ]
    indices = st.integers(0, max(0, len(found) - 1))
    relation = st.fixed_dictionaries({"head": indices, "tail": indices, "label": st.just("X")})
    key = lambda each: (each["head"], each["tail"])  # noqa: E731
    relations = draw(st.lists(relation, max_size=6, unique_by=key)) if found else []
    return {"text": TEXT, "entities": found, "relations": relations}


@given(items=st.lists(lines(), min_size=1, max_size=3))
@settings(max_examples=30, deadline=None)
def test_every_entity_and_relation_comes_back(
    items: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("convert")
    path = write_lines(folder / "in.jsonl", *items)
    there = run(path, "-o", folder, *ZH, "--from", "jsonl", "--strict", "--entities", "none")
    back = run(folder / "in.spacy", "-o", folder / "out.jsonl", "--to", "jsonl", "--strict")
    assert (there.exit_code, back.exit_code) == (0, 0), there.output + back.output
    for before, after in zip(items, read_lines(folder / "out.jsonl"), strict=True):
        assert list_entities(after) == sorted(list_entities(before))
        assert list_relations(after) == list_relations(before)
    nested = any(overlap(*pair) for item in items for pair in combinations(list_entities(item), 2))
    assert (TOLD.format("sc") in there.stdout) == nested
    assert {"sc" in doc.spans for doc in read_spacy(folder / "in.spacy")} == {nested}


# Docs that are read


def make_doc() -> Doc:
    """A doc with a span group, and fewer entities in `doc.ents`."""
    doc = spacy.blank("zh")(TEXT)
    spans = [doc.char_span(*place, label=label) for *place, label in list_entities(NESTED)]
    doc.spans["sc"] = spans
    doc.set_ents([spans[1]])
    doc._.relations = [Relation(spans[1], spans[0], "Part")]
    return doc


def convert_doc(doc: Doc, folder: Path, *options: str) -> tuple[Any, str]:
    DocBin(docs=[doc], store_user_data=True).to_disk(folder / "in.spacy")
    result = run(folder / "in.spacy", "-o", folder / "out.jsonl", "--to", "jsonl", *options)
    assert result.exit_code == 0, result.output
    return read_lines(folder / "out.jsonl")[0], result.stdout


def test_the_group_of_a_doc_is_read(tmp_path: Path) -> None:
    item, output = convert_doc(make_doc(), tmp_path, "--strict")
    assert list_entities(item) == sorted(list_entities(NESTED))
    assert len(item["relations"]) == 1
    assert output == f"{tmp_path / 'out.jsonl'}: 1 text\n"


def test_what_flat_leaves_out_of_a_group_is_counted(tmp_path: Path) -> None:
    item, output = convert_doc(make_doc(), tmp_path, "--flat")
    kept = list_entities(item)
    assert len(kept) < len(list_entities(NESTED))
    assert not any(a[0] < b[1] and b[0] < a[1] for a, b in combinations(kept, 2))
    lost = len(list_entities(NESTED)) - len(kept)
    assert f"left out ({lost}): entities that overlap another entity" in output


def test_another_group_is_read_if_it_is_named(tmp_path: Path) -> None:
    doc = make_doc()
    doc.spans["mine"] = [doc.spans["sc"][1], doc.spans["sc"][2]]
    item, output = convert_doc(doc, tmp_path, "--spans-key", "mine")
    assert list_entities(item) == [(0, 3, "BodyPart"), (3, 5, "Location")]
    assert "docs with other span groups (only 'mine' is read)" in output


@pytest.mark.parametrize(
    ("options", "unread"), [(("--spans-key", "no"), "sc"), ((), "no"), (("--flat",), "no")]
)
def test_doc_ents_are_read_if_the_group_is_missing(
    options: tuple[str, ...], unread: str, tmp_path: Path
) -> None:
    doc = make_doc()
    if unread == "no":
        doc.spans["no"] = doc.spans.pop("sc")
    item, output = convert_doc(doc, tmp_path, *options)
    assert list_entities(item) == [(0, 3, "BodyPart")]
    assert "left out (1): relations of spans that are not entities" in output
    assert "docs with other span groups (only doc.ents is read)" in output


# The JSON of docs


@given(texts=texts)
@settings(max_examples=50, deadline=None)
def test_spacy_reads_all_that_is_written_as_json(
    texts: list[AnnotatedText], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("json") / "docs.json"
    report, nlp = ConversionReport(), make_tokenizer("xx")
    writer = TextWriter(all_formats(nlp, spans_key="sc")["spacy-json"], nlp, report)
    writer.write(texts, path)
    docs = [Doc(nlp.vocab).from_json(item, validate=True) for item in srsly.read_json(path)]
    assert [doc.text for doc in docs] == [annotated.text for annotated in texts]
    total = sum(len(annotated.entities) for annotated in texts)
    lost = (
        report.losses["duplicate entities"]
        + report.losses["entities that do not align with tokens"]
    )
    assert sum(len(doc.spans["sc"]) for doc in docs) == total - lost
    assert not report.losses[OVERLAPPING]
    for doc, annotated in zip(docs, texts, strict=True):
        group = places(doc.spans["sc"])
        assert set(group) <= {(e.start, e.end, e.label) for e in annotated.entities}
        assert set(places(doc.ents)) <= set(group)
        assert all(
            any(overlap(each, e) for e in places(doc.ents))
            for each in group
            if each not in places(doc.ents)
        )


def test_json_has_a_group_only_if_entities_overlap(tmp_path: Path) -> None:
    for item, options, keys in [
        (LINE, (), {"ents"}),
        (NESTED, (), {"ents", "spans"}),
        (NESTED, ("--flat",), {"ents"}),
    ]:
        path = write_lines(tmp_path / "in.jsonl", item)
        result = run(path, "-o", tmp_path / "out.json", "--to", "spacy-json", *ZH, *options)
        [written] = srsly.read_json(tmp_path / "out.json")
        assert written.keys() & {"ents", "spans"} == keys
        assert (TOLD.format("sc") in result.stdout) == ("spans" in keys)
    assert (len(written["ents"]), f"left out (2): {OVERLAPPING}" in result.stdout) == (2, True)


# Flat


def test_overlaps_can_not_be_kept_and_left_out(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", NESTED)
    assert run_error(path, "-o", tmp_path / "out", *ZH, "--flat", "--spans-key", "sc") == (
        "--flat can't be used with --spans-key: it leaves out overlapping entities, which a span "
        "group keeps"
    )


def test_flat_docs_have_no_group(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", NESTED)
    result = run(path, "-o", tmp_path, *ZH, "--flat")
    assert f"left out (2): {OVERLAPPING}" in result.stdout
    [doc] = read_spacy(tmp_path / "in.spacy")
    assert places(doc.ents) == list_entities(FLAT)
    assert not doc.spans and not doc._.relations


TARGETS = ["jsonl", "authors", "spert", "gliner", "glirel", "prodigy", "doccano", "label-studio"]


@pytest.mark.parametrize("target", [*TARGETS, "brat", "uima"])
def test_every_format_can_be_flat(target: str, tmp_path: Path) -> None:
    if target == "uima":
        pytest.importorskip("cassis")
    path = write_lines(tmp_path / "in.jsonl", NESTED)
    result = run(path, "-o", tmp_path / "out", "--to", target, *ZH, "--flat")
    assert result.exit_code == 0, result.output
    assert f"left out (2): {OVERLAPPING}\n" in result.stdout
    assert f"left out (1): {UNCONNECTED}\n" in result.stdout
    [written] = (tmp_path / "out").iterdir()
    assert run(written, "-o", tmp_path / "again.jsonl", "--from", target, "--to", "jsonl")
    [item] = read_lines(tmp_path / "again.jsonl")
    assert list_entities(item) == list_entities(FLAT)
    result = run(path, "-o", tmp_path / "all", "--to", target, *ZH)
    assert "overlap" not in result.stdout.replace(str(tmp_path), "")


def sweep(annotated: AnnotatedText) -> tuple[set[AnnotatedEntity], Counter[str]]:
    """Choose entities one by one: no earlier or longer one that was chosen may overlap."""
    chosen: list[AnnotatedEntity] = []
    for entity in sorted(annotated.entities, key=lambda each: (each.start, -each.end)):
        if all(entity.start >= each.end or entity == each for each in chosen):
            chosen.append(entity)
    kept = [entity in chosen for entity in annotated.entities]
    cut = [r for r in annotated.relations if not (kept[r.head] and kept[r.tail])]
    return {*chosen}, Counter({OVERLAPPING: kept.count(False), UNCONNECTED: len(cut)})


@given(crowded_texts())
def test_flat_leaves_out_what_overlaps_an_earlier_or_longer_entity(before: AnnotatedText) -> None:
    report = ConversionReport()
    after = without_overlaps(before, report)
    chosen, lost = sweep(before)
    assert after.entities == [entity for entity in before.entities if entity in chosen]
    kept = [ends for ends in find_ends(before) if chosen.issuperset(ends[:2])]
    assert find_ends(after) == kept
    assert report.losses == +lost


def find_ends(annotated: AnnotatedText) -> list[tuple[AnnotatedEntity, AnnotatedEntity, str]]:
    entities = annotated.entities
    return [(entities[r.head], entities[r.tail], r.label) for r in annotated.relations]


@pytest.mark.parametrize("key", ["null", "true", "0", "my group", '["a"]', "${x}"])
def test_names_that_configs_can_not_hold_are_refused(key: str, tmp_path: Path) -> None:
    error = run_error(tmp_path, "-o", tmp_path / "out", "--spans-key", key)
    assert "--spans-key must be a name" in error
