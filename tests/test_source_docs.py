"""What docs hold beside text, entities and relations: kept in docs, counted in other formats."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from typer.testing import CliRunner, Result

from spacy_str_encoder import Relation
from spacy_str_encoder.cli import app
from spacy_str_encoder.formats.registry import all_formats

WORDS = ["Ada", "Byron", "met", "Bob", ".", "\n", "He", "left", "."]
PERSON = (0, 2, "Person")
KEEPING = ["spacy", "rel_component"]
OTHERS = ["jsonl", "spert"]
Extras = dict[str, Any]


def make_doc() -> Doc:
    """A doc of two persons, one of which met the other."""
    doc = Doc(Vocab(), words=WORDS)
    doc.ents = [Span(doc, *PERSON), Span(doc, 3, 4, "Person")]
    doc._.relations = [Relation(*doc.ents, "met")]
    return doc


def set_kb_id(doc: Doc) -> None:
    doc.ents = [Span(doc, *PERSON, kb_id="Q7259"), doc.ents[1]]


def set_entity_id(doc: Doc) -> None:
    doc.ents = [Span(doc, *PERSON, span_id="T1"), doc.ents[1]]


def set_cats(doc: Doc) -> None:
    doc.cats = {"letter": 1.0, "novel": 0.0}


def set_sentences(doc: Doc) -> None:
    for token in doc:
        token.is_sent_start = token.i in (0, 6)


def set_tags(doc: Doc) -> None:
    for token in doc:
        token.tag_, token.lemma_ = "X", token.text


def set_extension(doc: Doc) -> None:
    doc.user_data["._.", "source", None, None] = {"page": (3, 4)}
    doc.user_data["._.", "gender", 0, 9] = "f"


def set_user_data(doc: Doc) -> None:
    doc.user_data["origin"] = "archive"


def set_scores(doc: Doc) -> None:
    ada, bob = doc.ents
    ada._.score = 0.75
    doc._.relations = [Relation(ada, bob, "met", 0.5)]


def set_other_group(doc: Doc) -> None:
    doc.spans["names"] = [Span(doc, 0, 1, "First", kb_id="Q1", span_id="N1")]


# How to set it, the reason and the cases that are counted.
EXTRAS = {
    "kb_id": (set_kb_id, "knowledge base identifiers of entities", ["'Q7259' of 'Ada Byron'"]),
    "id": (set_entity_id, "identifiers of entities", ["'T1' of 'Ada Byron' (Person)"]),
    "cats": (set_cats, "texts with categories", ["'letter', 'novel'"]),
    "sentences": (set_sentences, "texts with sentence starts", ["2 sentences"]),
    "tags": (set_tags, "texts with annotations of tokens", ["TAG, LEMMA"]),
    "extension": (
        set_extension,
        "other user data of docs",
        ["doc._.source", "._.gender at 0-9"],
    ),
    "user_data": (set_user_data, "other user data of docs", ["'origin'"]),
}
# Formats such as `jsonl` hold scores, and what others lack is counted once for all texts.
SCORES = (set_scores, "", [])


def write(path: Path, *docs: Doc) -> Path:
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def read(path: Path) -> list[Doc]:
    return [*DocBin().from_disk(path).get_docs(Vocab())]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def describe(doc: Doc) -> Extras:
    """All that a DocBin holds of a doc."""
    spans = {"ents": doc.ents, **doc.spans}
    return {
        "words": [token.text_with_ws for token in doc],
        "tokens": [(t.tag_, t.lemma_, t.is_sent_start) for t in doc],
        "spans": {
            key: [(s.start, s.end, s.label_, s.kb_id_, s.id_) for s in group]
            for key, group in spans.items()
        },
        "cats": doc.cats,
        "user_data": doc.user_data,
        "relations": [(r.head.text, r.tail.text, r.label, r.score) for r in doc._.relations],
    }


@pytest.mark.parametrize(
    ("change", "reason", "cases"), [*EXTRAS.values(), SCORES], ids=[*EXTRAS, "scores"]
)
def test_docs_keep_all(change: Any, reason: str, cases: list[str], tmp_path: Path) -> None:
    doc = make_doc()
    change(doc)
    path = write(tmp_path / "a.spacy", doc)
    result = run(path, "-o", tmp_path / "b.spacy", "--strict")
    assert result.stdout == f"{tmp_path / 'b.spacy'}: 1 text\n"
    [before], [after] = read(path), read(tmp_path / "b.spacy")
    assert describe(after) == describe(before)


def test_docs_without_anything_else_lose_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spacy", make_doc(), Doc(Vocab()), Doc(Vocab(), words=["Ada"]))
    run(path, "-o", tmp_path / "b.spacy")
    assert [*map(describe, read(tmp_path / "b.spacy"))] == [*map(describe, read(path))]
    result = run(path, "-o", tmp_path / "b.jsonl", "--to", "jsonl")
    assert "left out" not in result.stdout


def test_other_span_groups_are_kept_too(tmp_path: Path) -> None:
    doc = make_doc()
    set_other_group(doc)
    path = write(tmp_path / "a.spacy", doc)
    result = run(path, "-o", tmp_path / "b.spacy")
    assert "chosen (1): docs with other span groups (only doc.ents is read)" in result.stdout
    assert describe(read(tmp_path / "b.spacy")[0]) == describe(read(path)[0])


def test_identifiers_in_the_span_group_are_kept(tmp_path: Path) -> None:
    doc = make_doc()
    inner = Span(doc, 0, 1, "First", kb_id="Q1", span_id="N1")
    doc.spans["sc"] = [inner, Span(doc, *PERSON, kb_id="Q7259"), Span(doc, 3, 4, "Person")]
    path = write(tmp_path / "a.spacy", doc)
    run(path, "-o", tmp_path / "b.spacy")
    [after] = read(tmp_path / "b.spacy")
    found = {(s.text, s.kb_id_, s.id_) for s in after.spans["sc"]}
    assert found == {("Ada", "Q1", "N1"), ("Ada Byron", "Q7259", ""), ("Bob", "", "")}
    assert [(s.text, s.kb_id_) for s in after.ents] == [("Ada Byron", "Q7259"), ("Bob", "")]


def test_a_span_group_that_overlaps_is_not_kept_if_overlaps_are_left_out(tmp_path: Path) -> None:
    doc = make_doc()
    doc.spans["sc"] = [Span(doc, 0, 1, "First"), *doc.ents]
    path = write(tmp_path / "a.spacy", doc)
    run(path, "-o", tmp_path / "b.spacy", "--flat")
    [after] = read(tmp_path / "b.spacy")
    assert [s.text for s in after.ents] == ["Ada Byron", "Bob"]
    assert not after.spans


def test_probabilities_of_attributes_are_kept(tmp_path: Path) -> None:
    doc = make_doc()
    doc.ents[0]._.attributes = {"Status": "alive"}
    [key] = [key for key in doc.user_data if key[1] == "str_attributes"]
    doc.user_data[key]["Person"]["Status"][1] = 0.75
    path = write(tmp_path / "a.spacy", doc)
    run(path, "-o", tmp_path / "b.spacy")
    assert read(tmp_path / "b.spacy")[0].ents[0]._.attribute_scores == {"Status": 0.75}
    result = run(path, "-o", tmp_path / "b.jsonl", "--to", "jsonl")
    assert "left out" not in result.stdout
    [item] = map(json.loads, (tmp_path / "b.jsonl").read_text("utf-8").splitlines())
    assert item["entities"][0]["attribute_scores"] == {"Status": 0.75}


@pytest.mark.parametrize(
    ("name", "change", "reason", "cases"),
    [
        pytest.param(name, *EXTRAS[extra], id=f"{name}-{extra}")
        for name in OTHERS
        for extra in EXTRAS
        # JSON lines hold them.
        if name != "jsonl" or extra not in ("kb_id", "id")
    ],
)
def test_other_formats_count_it(
    change: Any, reason: str, cases: list[str], name: str, tmp_path: Path
) -> None:
    doc = make_doc()
    change(doc)
    path = write(tmp_path / "a.spacy", doc)
    report = tmp_path / "report.json"
    result = run(path, "-o", tmp_path / "out", "--to", name, "--strict", "--report", report)
    assert result.exit_code == 0, result.stderr
    lost = json.loads(report.read_text("utf-8"))["lost"]
    assert {*lost} == {reason}
    for case, expected in zip(lost[reason], cases, strict=True):
        assert case.startswith(f"{path}, doc 1: {expected}")


def test_the_json_of_docs_counts_it(tmp_path: Path) -> None:
    doc = make_doc()
    doc._.relations = []
    set_cats(doc)
    path = write(tmp_path / "a.spacy", doc)
    result = run(path, "-o", tmp_path / "b.json", "--to", "spacy-json")
    assert "left out (1): texts with categories\n" in result.stdout


def test_what_the_template_knows_nothing_of_is_kept_in_its_docs(tmp_path: Path) -> None:
    doc = make_doc()
    set_kb_id(doc)
    set_cats(doc)
    path = write(tmp_path / "a.spacy", doc)
    result = run(path, "-o", tmp_path / "b.spacy", "--to", "rel_component", "--strict")
    assert result.stdout == f"{tmp_path / 'b.spacy'}: 1 text\n"
    [after] = read(tmp_path / "b.spacy")
    assert (after.cats, after.ents[0].kb_id_) == (doc.cats, "Q7259")


def test_formats_say_whether_they_keep_it() -> None:
    formats = all_formats(spacy.blank("en"))
    assert [name for name, each in formats.items() if each.keeps_source] == KEEPING
