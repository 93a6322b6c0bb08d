"""Scores count all gold entities: those that overlap, and those that align with no tokens."""

import io
import json
from collections.abc import Iterable
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import filter_spans
from spacy.vocab import Vocab
from typer.testing import CliRunner, Result

from spacy_str_encoder import Relation
from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.misaligned import add_misaligned
from spacy_str_encoder.evaluation import (
    Report,
    collect_outcomes,
    evaluate,
    find_outcomes,
    lay_out,
    make_report,
)
from spacy_str_encoder.evaluation.overlaps import find_overlaps
from spacy_str_encoder.loading import entity_group

# An entity by its characters and its label; a relation by head, tail and label.
Mention = tuple[int, int, str]
Arc = tuple[Mention, Mention, str]

TEXT = "左膝半月板后角撕裂"
VOCAB = Vocab(strings=["X", "Y", "A"])
few = settings(max_examples=60)


# Counted anew, with plain sets


def kind_of(entity: Mention, entities: Iterable[Mention]) -> str:
    start, end, _ = entity
    others = [other for other in entities if other != entity]
    if any(s <= start and end <= e for s, e, _ in others):
        return "inside"
    if any(start <= s and e <= end for s, e, _ in others):
        return "outside"
    return "crossing" if any(s < end and start < e for s, e, _ in others) else "alone"


def prf(correct: int, predicted: int, gold: int) -> dict[str, Any]:
    return {
        "p": correct / predicted if predicted else 0,
        "r": correct / gold if gold else 0,
        "f": 2 * correct / (predicted + gold) if correct else 0,
        "correct": correct,
        "predicted": predicted,
        "gold": gold,
    }


def count_sets(docs: list[tuple[set[Any], set[Any]]]) -> dict[str, Any]:
    correct = sum(len(found & gold) for found, gold in docs)
    return prf(correct, sum(len(found) for found, _ in docs), sum(len(gold) for _, gold in docs))


mentions = st.builds(
    lambda ends, label: (*sorted(ends), label),
    st.sampled_from(list(combinations(range(len(TEXT) + 1), 2))),
    st.sampled_from("XY"),
)
# A few places, so that gold and found entities match often.
near = st.sampled_from([(0, 2), (0, 5), (2, 5), (2, 7), (4, 7), (7, 9), (0, 9)])
near_mentions = st.tuples(near, st.sampled_from("XY")).map(lambda drawn: (*drawn[0], drawn[1]))
sets_of_mentions = st.sets(near_mentions | mentions, max_size=7)


@given(sets_of_mentions)
def test_overlaps(entities: set[Mention]) -> None:
    assert find_overlaps(entities) == {each: kind_of(each, entities) for each in entities}


@pytest.mark.parametrize(
    ("places", "kinds"),
    [
        ("0-2 2-4", "alone alone"),
        ("0-4 1-2 2-4", "outside inside inside"),
        ("0-4 0-4", "inside inside"),
        ("0-3 2-5", "crossing crossing"),
        # What nests and crosses.
        ("0-4 1-2 3-6", "outside inside crossing"),
        ("0-6 1-3 2-4", "outside inside inside"),
    ],
)
def test_overlaps_by_example(places: str, kinds: str) -> None:
    ends = [tuple(map(int, place.split("-"))) for place in places.split()]
    entities = [(start, end, f"{i}") for i, (start, end) in enumerate(ends)]
    found = find_overlaps(entities)
    assert [found[entity] for entity in entities] == kinds.split()


# Docs


def make_doc(
    bounds: Iterable[int] = (), entities: Iterable[Mention] = (), relations: Iterable[Arc] = ()
) -> Doc:
    """A doc whose tokens end at the given characters, with a span group of all entities that align
    with the tokens, and the rest beside it.
    """
    cuts = sorted({0, len(TEXT), *bounds})
    words = [TEXT[start:end] for start, end in pairwise(cuts)]
    doc = Doc(VOCAB, words=words, spaces=[False] * len(words))
    spans = {place: doc.char_span(*place[:2], label=place[2]) for place in sorted(entities)}
    aligned = {place: span for place, span in spans.items() if span is not None}
    doc.spans["sc"] = list(aligned.values())
    doc.set_ents(filter_spans(aligned.values()))
    arcs = [(h, t, label) for h, t, label in relations if {h, t} <= spans.keys()]
    inside = [arc for arc in arcs if {*arc[:2]} <= aligned.keys()]
    doc._.relations = [Relation(aligned[h], aligned[t], label) for h, t, label in inside]
    add_misaligned(doc, spans.keys() - aligned.keys(), [arc for arc in arcs if arc not in inside])
    return doc


arcs = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.just("A")), max_size=4)


@st.composite
def annotated(draw: st.DrawFn) -> tuple[list[Mention], list[Arc]]:
    entities = sorted(draw(sets_of_mentions))
    if not entities:
        return [], []
    size = len(entities)
    related = {(entities[i % size], entities[j % size], label) for i, j, label in draw(arcs)}
    return entities, sorted(related)


bounds = st.sets(st.integers(1, len(TEXT) - 1))
# The gold tokens, and what is gold and what was found.
drawn_docs = st.lists(st.tuples(bounds, annotated(), annotated()), min_size=1, max_size=3)
ALL = range(len(TEXT))


def report_of(examples: list[Example], spans_key: str | None = "sc") -> Any:
    return make_report(collect_outcomes(examples, [], spans_key=spans_key), samples=2)["model"]


def through_gold_tokens(entities: Iterable[Mention], ends: set[int], exact: set[Mention]) -> Any:
    """The gold tokens that entities touch, except for those that are gold by their characters."""
    cuts = {0, len(TEXT), *ends}
    for entity in entities:
        start, end, label = entity
        whole = max(cut for cut in cuts if cut <= start), min(cut for cut in cuts if cut >= end)
        yield entity if entity in exact else (*whole, label)


def misaligned(entities: Iterable[Mention], ends: set[int]) -> set[Mention]:
    return {entity for entity in entities if not {*entity[:2]} <= {0, len(TEXT), *ends}}


@few
@given(drawn_docs)
def test_all_gold_entities_count(docs: Any) -> None:
    """Where both docs have a token for each character."""
    examples = [Example(make_doc(ALL, *found), make_doc(ALL, *gold)) for _, gold, found in docs]
    counted = [({*found[0]}, {*gold[0]}) for _, gold, found in docs]
    model = report_of(examples)
    if not any(found or gold for found, gold in counted):
        assert model["entities"] is None
        return
    assert model["entities"]["strict"]["micro"] == pytest.approx(count_sets(counted))
    places = [tuple({entity[:2] for entity in side} for side in doc) for doc in counted]
    boundaries = model["entities"]["boundaries"]["micro"]
    assert boundaries == pytest.approx(count_sets(places))  # type: ignore[arg-type]
    for label, figures in model["entities"]["strict"]["per_type"].items():
        of_label = [tuple({e for e in side if e[2] == label} for side in doc) for doc in counted]
        assert figures == pytest.approx(count_sets(of_label))  # type: ignore[arg-type]


@few
@given(drawn_docs)
def test_scores_by_overlap(docs: Any) -> None:
    examples = [Example(make_doc(ALL, *found), make_doc(ALL, *gold)) for _, gold, found in docs]
    model, counts = report_of(examples), {}
    for _, (gold, _), (found, _) in docs:
        for entity in {*gold, *found}:
            kind = kind_of(entity, gold if entity in gold else found)
            row = counts.setdefault(kind, [0, 0, 0])
            for i, is_one in enumerate((entity in gold and entity in found, entity in found)):
                row[i] += is_one
            row[2] += entity in gold
    if not any(kind_of(entity, gold) != "alone" for _, (gold, _), _ in docs for entity in gold):
        assert not model["entities"] or model["entities"]["per_overlap"] is None
        return
    rows = {row.pop("overlap"): row for row in model["entities"]["per_overlap"]}
    assert rows == {kind: pytest.approx(prf(*row)) for kind, row in counts.items()}
    order = ["alone", "outside", "inside", "crossing"]
    assert list(rows) == [kind for kind in order if kind in rows]


@few
@given(drawn_docs)
def test_gold_entities_that_align_with_no_tokens_count(docs: Any) -> None:
    """Where the gold doc has other tokens than the pipeline."""
    examples = [Example(make_doc(ALL, *found), make_doc(ends, *gold)) for ends, gold, found in docs]
    correct = predicted = n_gold = n_misaligned = 0
    for ends, (gold, _), (found, _) in docs:
        exact = misaligned(gold, ends)
        keys = list(through_gold_tokens(found, ends, exact))
        correct += len({*keys} & {*gold})
        predicted += len(keys)
        n_gold += len(gold)
        n_misaligned += len(exact)
    model = report_of(examples)
    if model["entities"] is not None:
        micro = model["entities"]["strict"]["micro"]
        assert micro == pytest.approx(prf(correct, predicted, n_gold))
        note = (
            "NER: gold entities that do not align with the tokens of the gold docs "
            f"({n_misaligned} of {n_gold})"
        )
        assert any(each.startswith(note) for each in model["notes"]) == (n_misaligned > 0)


@few
@given(drawn_docs, st.sampled_from([(), ("A",)]))
def test_all_gold_relations_count(docs: Any, symmetric: Any) -> None:
    """Also those of entities that align with no gold tokens."""
    examples = [Example(make_doc(ALL, *found), make_doc(ends, *gold)) for ends, gold, found in docs]
    outcomes = collect_outcomes(examples, examples, spans_key="sc", symmetric=symmetric)
    model: Any = make_report(outcomes, samples=2)["model"]

    def turn(arc: Arc) -> Arc:
        head, tail, label = arc
        return (tail, head, label) if label in symmetric and tail < head else arc

    counted = [({*map(turn, found)}, {*map(turn, gold)}) for _, (_, gold), (_, found) in docs]
    for task in ("relations", "relations_gold_entities"):
        if model[task] is not None:
            assert model[task]["strict"]["micro"] == pytest.approx(count_sets(counted))
            bins = model[task]["distance"]
            assert sum(each["gold"] for each in bins) == sum(len(gold) for _, gold in counted)


@few
@given(drawn_docs)
def test_scores_without_overlaps_are_those_of_spacy(docs: Any) -> None:
    examples = [Example(make_doc(ALL, *found), make_doc(ends, *gold)) for ends, gold, found in docs]
    entities, spacys = report_of(examples)["entities"], get_ner_prf(examples)
    overlap = any(kind_of(each, gold) != "alone" for _, (gold, _), _ in docs for each in gold)
    assert (bool(entities) and entities["flat"] is not None) == (
        overlap and spacys["ents_f"] is not None
    )
    if entities is not None and entities["flat"] is not None:
        assert [entities["flat"]["micro"][x] for x in "prf"] == [spacys[f"ents_{x}"] for x in "prf"]


@few
@given(drawn_docs)
def test_a_flat_pipeline_is_scored_against_all_gold_entities(docs: Any) -> None:
    examples = [Example(make_doc(ALL, *found), make_doc(ALL, *gold)) for _, gold, found in docs]
    found = [{(e.start, e.end, e.label_) for e in each.predicted.ents} for each in examples]
    counted = list(zip(found, ({*gold[0]} for _, gold, _ in docs), strict=True))
    entities = report_of(examples, spans_key=None)["entities"]
    if entities is not None:
        assert entities["strict"]["micro"] == pytest.approx(count_sets(counted))


def test_gold_entities_of_a_doc_without_the_group_are_in_its_ents() -> None:
    gold, found = make_doc(ALL, [(0, 2, "X")]), make_doc(ALL, [(0, 2, "X"), (0, 5, "Y")])
    del gold.spans["sc"]
    micro = report_of([Example(found, gold)])["entities"]["strict"]["micro"]
    assert (micro["correct"], micro["predicted"], micro["gold"]) == (1, 2, 1)


def test_scores_of_calibration_are_those_of_all_predicted_entities() -> None:
    gold, found = (
        make_doc(ALL, [(0, 5, "X"), (2, 5, "X")]),
        make_doc(ALL, [(0, 5, "X"), (2, 4, "X")]),
    )
    for span, score in zip(found.spans["sc"], (0.9, 0.7), strict=True):
        span._.score = score
    calibration = report_of([Example(found, gold)])["entities"]["calibration"]
    assert (calibration["count"], calibration["ece"]) == (2, pytest.approx((0.1 + 0.7) / 2))


# Pipelines


@Language.factory(
    "find_places",
    assigns=["doc.ents", "doc.spans"],
    default_config={"places": [], "spans_key": None},
)
class FindPlaces:
    """Finds entities at given characters of any text."""

    def __init__(self, nlp: Language, name: str, places: Any, spans_key: str | None) -> None:
        self.cfg = {"spans_key": spans_key}
        self.places = places

    def __call__(self, doc: Doc) -> Doc:
        spans = [doc.char_span(start, end, label=label) for start, end, label in self.places]
        spans = [span for span in spans if span is not None]
        if self.cfg["spans_key"] is not None:
            doc.spans[self.cfg["spans_key"]] = spans
        doc.set_ents(filter_spans(spans))
        return doc

    def to_disk(self, path: Path, exclude: Any = ()) -> None:
        """Nothing is learned."""


@Language.factory("relate_all", assigns=["doc._.relations"], default_config={"spans_key": None})
class RelateAll:
    """Relates all entities to the first one."""

    def __init__(self, nlp: Language, name: str, spans_key: str | None) -> None:
        self.cfg = {"spans_key": spans_key}

    def __call__(self, doc: Doc) -> Doc:
        key = self.cfg["spans_key"]
        entities = list(doc.ents if key is None else doc.spans.get(key, ()))
        doc._.relations = [Relation(entities[0], each, "A") for each in entities[1:]]
        return doc


INNER, OUTER, LAST = (2, 5, "X"), (0, 5, "X"), (7, 9, "Y")
PLACES = [OUTER, INNER, LAST]


def make_nlp(key: str | None, places: Any = PLACES) -> Language:
    nlp = spacy.blank("zh")
    nlp.add_pipe("find_places", config={"places": places, "spans_key": key})
    nlp.add_pipe("relate_all", config={"spans_key": key})
    return nlp


def gold_doc(key: str | None = "sc") -> Doc:
    doc = make_doc(ALL, PLACES, [(OUTER, INNER, "A"), (OUTER, LAST, "A")])
    if key is None:
        del doc.spans["sc"]
    elif key != "sc":
        doc.spans[key] = [*doc.spans.pop("sc")]
    return doc


def counts(report: Report, task: Any) -> Any:
    scores = report["model"][task]
    assert scores is not None
    return tuple(scores["strict"]["micro"][x] for x in ("correct", "predicted", "gold"))  # type: ignore[literal-required]


@pytest.mark.parametrize("key", ["sc", "parts"])
def test_a_pipeline_with_a_span_group_is_scored_in_it(key: str) -> None:
    report = evaluate(make_nlp(key), [gold_doc(key)], samples=2)
    assert counts(report, "entities") == (3, 3, 3)
    assert counts(report, "relations") == counts(report, "relations_gold_entities") == (2, 2, 2)
    assert report["model"]["notes"] == [
        "NER: predicted entities without a score in span._.score (3 of 3)."
    ]


def test_a_flat_pipeline_misses_what_overlaps() -> None:
    report = evaluate(make_nlp(None), [gold_doc()], samples=2)
    assert counts(report, "entities") == (2, 2, 3)
    assert counts(report, "relations") == counts(report, "relations_gold_entities") == (1, 1, 2)
    notes = report["model"]["notes"]
    assert notes[1:] == [
        "NER: without spans_key, the pipeline can't find all gold entities that overlap another "
        "one (2 of 3).",
        "RC, gold entities: gold entities missing (1 of 3), because doc.ents can't hold entities "
        "that overlap, they do not align with the tokens of the pipeline, or a component replaced "
        "them; their relations count as missed.",
    ]


def test_gold_docs_without_the_group_of_others_are_noted() -> None:
    notes = evaluate(make_nlp("sc"), [gold_doc(), gold_doc(None)], samples=2)["model"]["notes"]
    assert (
        "NER: for gold docs without the span group of the others (1 of 2), the gold entities are "
        "those of doc.ents, where none overlap."
    ) in notes


def test_gold_entities_in_ents_are_put_into_the_group_of_the_pipeline() -> None:
    report = evaluate(make_nlp("parts"), [gold_doc(None)], samples=2)
    assert counts(report, "entities") == (2, 3, 2)
    assert counts(report, "relations_gold_entities") == (1, 1, 2)


def test_gold_entities_that_align_with_the_tokens_of_the_pipeline_are_put_in() -> None:
    gold = make_doc([5, 7], PLACES, [(OUTER, INNER, "A"), (OUTER, LAST, "A")])
    report = evaluate(make_nlp("sc"), [gold], samples=2)
    assert counts(report, "entities") == (3, 3, 3)
    assert counts(report, "relations") == counts(report, "relations_gold_entities") == (2, 2, 2)
    # doc.ents has no room for it.
    report = evaluate(make_nlp(None), [gold], samples=2)
    assert counts(report, "entities") == (2, 2, 3)
    assert counts(report, "relations_gold_entities") == (1, 1, 2)
    apart = make_doc([5], [OUTER, LAST], [(OUTER, LAST, "A")])
    assert counts(evaluate(make_nlp(None), [apart], samples=2), "relations_gold_entities") == (
        1,
        1,
        1,
    )


def test_the_group_of_a_pipeline() -> None:
    assert entity_group(make_nlp("parts")) == "parts"
    assert entity_group(make_nlp(None)) is None
    nlp = make_nlp("parts")
    nlp.replace_pipe("find_places", "find_places", config={"spans_key": None})
    assert entity_group(nlp) == "parts"
    assert entity_group(spacy.blank("zh")) is None


def test_without_a_component_that_sets_the_group_entities_are_not_scored() -> None:
    nlp = make_nlp("sc")
    nlp.remove_pipe("find_places")
    report = evaluate(nlp, [gold_doc()], samples=2)
    notes = report["model"]["notes"]
    assert "NER: not scored, because no component sets doc.spans['sc']." in notes
    assert counts(report, "relations_gold_entities") == (2, 2, 2)


# The command


def write_gold(path: Path) -> Path:
    entities = [{"start": s, "end": e, "label": label} for s, e, label in PLACES]
    relations = [{"head": 0, "tail": i, "label": "A"} for i in (1, 2)]
    item = {"text": TEXT, "entities": entities, "relations": relations}
    path.write_text(json.dumps(item, ensure_ascii=False), "utf-8")
    return path


def run(*arguments: object) -> Result:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["evaluate", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


def test_the_command_counts_all_entities_and_prints_both_rows(tmp_path: Path) -> None:
    data = write_gold(tmp_path / "gold.jsonl")
    make_nlp(None).to_disk(tmp_path / "flat")
    printed = run(tmp_path / "flat", data, "-o", tmp_path / "scores.json").stdout
    report = json.loads((tmp_path / "scores.json").read_text("utf-8"))
    assert report["lost"] == {} and "left out" not in printed
    assert counts(report, "entities") == (2, 2, 3)
    entities = report["model"]["entities"]
    assert entities["flat"]["micro"]["gold"] == 2
    assert [row["overlap"] for row in entities["per_overlap"]] == ["alone", "outside", "inside"]
    assert max(map(len, printed.splitlines())) <= 80
    for words in ("  without overlaps", "NER, strict, by overlap", "inside"):
        assert words in printed


@pytest.mark.parametrize("key", ["sc", "parts"])
def test_a_flat_and_a_nested_pipeline_are_compared_on_the_same_entities(
    key: str, tmp_path: Path
) -> None:
    data = write_gold(tmp_path / "gold.jsonl")
    make_nlp(None).to_disk(tmp_path / "flat")
    make_nlp(key).to_disk(tmp_path / "nested")
    for first, second in (("flat", "nested"), ("nested", "flat")):
        models = [tmp_path / first, data, "--compare", tmp_path / second]
        printed = run(*models, "-o", tmp_path / "scores.json", "--plot", tmp_path / "a.png").stdout
        report = json.loads((tmp_path / "scores.json").read_text("utf-8"))
        gold = [report[of]["entities"]["strict"]["micro"]["gold"] for of in ("model", "other")]
        assert gold == [3, 3]
        assert list(report["comparison"]["entities"]) == ["strict", "boundaries", "flat"]
        assert report["comparison"]["entities"]["flat"]["difference"] == 0
        assert abs(report["comparison"]["entities"]["strict"]["difference"]) == pytest.approx(0.2)
        assert report["differing"]["entities"] == 1
        assert max(map(len, printed.splitlines())) <= 80


def test_the_command_counts_what_aligns_with_no_tokens(tmp_path: Path) -> None:
    item = {
        "text": "Mild dyspneas",
        "entities": [
            {"start": 0, "end": 4, "label": "X"},
            {"start": 5, "end": 12, "label": "X"},
        ],
        "relations": [{"head": 0, "tail": 1, "label": "A"}],
    }
    (tmp_path / "gold.jsonl").write_text(json.dumps(item), "utf-8")
    nlp = spacy.blank("en")
    nlp.add_pipe("find_places", config={"places": [(0, 4, "X")]})
    nlp.add_pipe("relate_all")
    nlp.to_disk(tmp_path / "model")
    arguments = ["convert", tmp_path / "gold.jsonl", "-o", tmp_path / "gold.spacy", "--lang", "xx"]
    assert CliRunner().invoke(app, [*map(str, arguments)]).exit_code == 0
    for name in ("gold.jsonl", "gold.spacy"):
        printed = run(tmp_path / "model", tmp_path / name, "-o", tmp_path / "scores.json").stdout
        report = json.loads((tmp_path / "scores.json").read_text("utf-8"))
        assert report["lost"] == {} and "left out" not in printed
        assert counts(report, "entities") == (1, 1, 2)
        assert counts(report, "relations") == counts(report, "relations_gold_entities") == (0, 0, 1)
        [note] = [each for each in report["model"]["notes"] if "tokens of the gold docs" in each]
        assert "that do not align with the tokens of the gold docs (1 of 2) count" in note


def test_the_best_scores_fit_80_columns() -> None:
    nlp = make_nlp("sc")
    outcomes = find_outcomes(nlp, [gold_doc()] * 1000)
    console = Console(width=80, record=True, file=io.StringIO())
    for block in lay_out(make_report(outcomes, outcomes, samples=2), details=True):
        console.print(block)
    rows = [line for line in console.export_text().splitlines() if "without overlaps" in line]
    assert [row.count("100.0") for row in rows] == [6, 6, 2]
