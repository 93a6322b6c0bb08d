"""Scores of a pipeline: relations between predicted entities, and between the gold ones."""

import gc
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli import app as spacy_app
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.training.loop import create_evaluation_callback
from spacy_transformers.data_classes import TransformerData
from typer.testing import CliRunner

from spacy_str_encoder import Relation
from spacy_str_encoder.doc.entities import put_gold_entities
from spacy_str_encoder.evaluation import Report, collect_outcomes, evaluate, find_outcomes
from spacy_str_encoder.evaluation.examples import with_gold_entities, with_predicted_entities

from .pipelines import ANNOTATIONS, MakeNlp, make_example, make_examples, train

TASKS = ("entities", "relations", "relations_gold_entities")


def gold_docs(nlp: Language) -> list[Doc]:
    return [example.reference for example in make_examples(nlp)]


def test_gold_docs_may_have_labels_that_the_pipeline_does_not_know(trained: Language) -> None:
    text, entities, relations = ANNOTATIONS[2]
    doc = make_example(
        spacy.blank("zh"), (text, [*entities, (4, 6, "Unheard")], relations)
    ).reference
    assert micro(evaluate(trained, [doc]), "entities")["gold"] == 3


def find_nothing(doc: Doc) -> Doc:
    doc.set_ents([])
    return doc


def relate_neighbours(doc: Doc) -> Doc:
    pairs = zip(doc.ents, doc.ents[1:], strict=False)
    doc._.relations = [Relation(first, second, "Position") for first, second in pairs]
    return doc


def add_an_entity(doc: Doc) -> Doc:
    doc.set_ents([*doc.ents, Span(doc, len(doc) - 1, len(doc), "End")])
    return doc


def take_each_token(doc: Doc) -> Doc:
    doc.set_ents([Span(doc, i, i + 1, "Token") for i in range(len(doc))])
    return doc


Language.component("take_each_token", func=take_each_token, assigns=["doc.ents"])
Language.component("find_nothing", func=find_nothing, assigns=["doc.ents"])
Language.component("relate_neighbours", func=relate_neighbours, assigns=["doc._.relations"])
Language.component("add_an_entity", func=add_an_entity)


@Language.factory("relate_either_way", assigns=["doc._.relations"])
class EitherWay:
    """Relates neighbours by a label without direction."""

    def __init__(self, nlp: Language, name: str) -> None:
        self.cfg = {"symmetric": ["Position"]}

    def __call__(self, doc: Doc) -> Doc:
        return relate_neighbours(doc)


def make_pretender(*names: str, lang: str = "zh") -> Language:
    nlp = spacy.blank(lang)
    for name in names:
        nlp.add_pipe(name)
    return nlp


def micro(report: Report, task: Any) -> Any:
    scores = report["model"][task]
    return None if scores is None else scores["strict"]["micro"]


def test_gold_entities_are_put_in_and_gold_relations_are_not() -> None:
    nlp = make_pretender("find_nothing", "relate_neighbours")
    report = evaluate(nlp, gold_docs(nlp))
    assert micro(report, "entities")["predicted"] == micro(report, "relations")["predicted"] == 0
    # Of the 10 gold relations the neighbours that are related by Position are two.
    relations = [relation for _, _, relations in ANNOTATIONS for relation in relations]
    correct = [r for r in relations if r[2] == "Position" and r[1] == r[0] + 1]
    neighbours = sum(max(0, len(entities) - 1) for _, entities, _ in ANNOTATIONS)
    scores = micro(report, "relations_gold_entities")
    assert scores["gold"] == len(relations)
    assert scores["correct"] == len(correct)
    assert scores["predicted"] == neighbours


def test_gold_docs_stay_as_they_are(nlp: Language) -> None:
    docs = gold_docs(nlp)
    before = [doc.to_bytes() for doc in docs]
    evaluate(nlp, docs)
    assert [doc.to_bytes() for doc in docs] == before


def test_all_components_run_again_after_an_evaluation(nlp: Language) -> None:
    evaluate(nlp, gold_docs(nlp))
    assert nlp.pipe_names == ["str_encoder", "str_ner", "str_rel"]


def test_docs_are_not_kept_with_their_states(nlp: Language) -> None:
    docs = gold_docs(nlp) * 5
    nlp.batch_size = 2

    def stream() -> Iterator[Example]:
        yield from with_predicted_entities(nlp, docs)
        # What is left when the last doc is through.
        gc.collect()
        alive.extend(each for each in gc.get_objects() if type(each) is TransformerData)

    alive: list[TransformerData] = []
    assert len(collect_outcomes(stream(), []).relations) == len(docs) == 20
    assert 0 < len(alive) < 10


@pytest.mark.slow
def test_docs_with_gold_entities_are_not_kept_with_their_states(nlp: Language) -> None:
    nlp.batch_size = 2
    alive = []
    for _ in with_gold_entities(nlp, gold_docs(nlp) * 5):
        gc.collect()
        alive.append(sum(type(each) is TransformerData for each in gc.get_objects()))
    assert len(alive) == 20
    assert 0 < max(alive) < 10


def test_both_runs_may_share_a_pipeline_in_turns(trained: Language) -> None:
    docs = gold_docs(trained) * 2
    runs = with_gold_entities(trained, docs), with_predicted_entities(trained, docs)
    with_gold, predicted = zip(*zip(*runs, strict=True), strict=True)
    outcomes = collect_outcomes(predicted, with_gold)
    assert outcomes == replace(find_outcomes(trained, docs), precision={})
    assert any(outcome.predicted for outcome in outcomes.relations)


def test_a_run_that_is_not_finished_leaves_the_pipeline_whole(trained: Language) -> None:
    run = with_gold_entities(trained, gold_docs(trained))
    next(run)
    assert trained.pipe_names == ["str_encoder", "str_ner", "str_rel"]


def other_examples(nlp: Language) -> list[Example]:
    """What a trained pipeline has learned, but for a few entities and relations."""
    text, entities, relations = ANNOTATIONS[0]
    end = entities[-1][:2]
    other = (text, [*entities[:-1], (*end, "Location")], [*relations[1:], (0, 1, "Modifier")])
    return [make_example(nlp, annotation) for annotation in (other, *ANNOTATIONS[1:])]


def test_predicted_entities_are_scored_as_spacy_scores_them(trained: Language) -> None:
    examples = other_examples(trained)
    report = evaluate(trained, [example.reference for example in examples])
    expected = trained.evaluate(examples)
    for task, prefix in (("entities", "ents"), ("relations", "rels")):
        assert 0 < expected[f"{prefix}_f"] < 1
        assert [micro(report, task)[x] for x in "prf"] == [expected[f"{prefix}_{x}"] for x in "prf"]
        per_type = report["model"][task]["strict"]["per_type"]
        assert {label: {x: scores[x] for x in "prf"} for label, scores in per_type.items()} == (
            expected[f"{prefix}_per_type"]
        )


def test_spacys_command_gives_the_same_scores(trained: Language, tmp_path: Path) -> None:
    docs = [example.reference for example in other_examples(trained)]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "gold.spacy")
    trained.to_disk(tmp_path / "model")
    output = tmp_path / "scores.json"
    arguments = [tmp_path / "model", tmp_path / "gold.spacy", "--per-component", "-o", output]
    result = CliRunner().invoke(spacy_app, ["evaluate", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    report, spacys = evaluate(trained, docs), json.loads(output.read_text("utf-8"))
    assert micro(report, "entities")["f"] == pytest.approx(spacys["str_ner"]["ents_f"], abs=1e-9)
    assert micro(report, "relations")["f"] == pytest.approx(spacys["str_rel"]["rels_f"], abs=1e-9)


@pytest.mark.slow
def test_training_gives_the_same_scores(nlp: Language) -> None:
    examples = other_examples(nlp)
    callback = create_evaluation_callback(
        nlp, lambda nlp: iter(other_examples(nlp)), {"ents_f": 0.5, "rels_f": 0.5}
    )
    train(nlp, make_examples(nlp), steps=40)
    weighted, scores = callback()
    report = evaluate(nlp, [example.reference for example in examples])
    f = [micro(report, task)["f"] for task in ("entities", "relations")]
    assert [scores["ents_f"], scores["rels_f"]] == f
    assert weighted == pytest.approx(sum(f) / 2)


def test_gold_spans_are_put_in_too(make_nlp: Callable[..., Language]) -> None:
    nlp = make_nlp()
    example = make_example(nlp, ANNOTATIONS[0])
    example.reference.spans["findings"] = [example.reference[0:5], example.reference[3:5]]
    predicted = put_gold_entities(Example(nlp.make_doc(example.text), example.reference)).predicted
    assert [span.text for span in predicted.spans["findings"]] == ["前降支近段", "近段"]
    assert len(predicted.ents) == len(example.reference.ents)


def test_relations_of_a_span_group_are_between_the_gold_spans(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(spans_key="parts")
    nlp.remove_pipe("str_ner")
    reference = nlp.make_doc("前降支近段狭窄")
    segment, body_part = Span(reference, 0, 5, "Segment"), Span(reference, 0, 3, "BodyPart")
    reference.spans["parts"] = [segment, body_part, Span(reference, 5, 7, "Degree")]
    reference._.relations = [Relation(segment, body_part, "Holds")]
    nlp.initialize(lambda: [Example(nlp.make_doc(reference.text), reference)])
    # A pipeline that would find other spans.
    ruler = nlp.add_pipe("span_ruler", first=True, config={"spans_key": "parts"})
    ruler.add_patterns([{"label": "Degree", "pattern": "狭"}])
    outcomes = find_outcomes(nlp, [reference])
    [outcome] = outcomes.relations_gold_entities
    spans = {(0, 5, "Segment"), (0, 3, "BodyPart"), (5, 7, "Degree")}
    assert outcome.gold_entities == outcome.entities == spans
    assert outcomes.relations[0].entities == {(5, 6, "Degree")}


def test_a_symmetric_label_of_the_pipeline_has_no_direction() -> None:
    nlp = make_pretender("find_nothing", "relate_neighbours")
    doc = nlp.make_doc("前降支近段")
    doc.set_ents([Span(doc, 0, 3, "BodyPart"), Span(doc, 3, 5, "Location")])
    doc._.relations = [Relation(doc.ents[1], doc.ents[0], "Position")]

    assert micro(evaluate(nlp, [doc]), "relations_gold_entities")["correct"] == 0
    nlp.replace_pipe("relate_neighbours", "relate_either_way")
    assert micro(evaluate(nlp, [doc]), "relations_gold_entities")["correct"] == 1


# What can't be scored


def test_entities_of_a_ruler_are_scored_without_calibration(nlp: Language) -> None:
    nlp.remove_pipe("str_ner")
    ruler = nlp.add_pipe("entity_ruler", before="str_rel")
    ruler.add_patterns([{"label": "BodyPart", "pattern": "左主干"}])
    model = evaluate(nlp, gold_docs(nlp))["model"]
    assert model["entities"] is not None
    assert model["entities"]["strict"]["micro"]["correct"] == 1
    assert model["entities"]["calibration"] is None
    assert model["relations"] is not None and model["relations_gold_entities"] is not None
    assert model["notes"] == ["NER: predicted entities without a score in span._.score (1 of 1)."]


def test_without_a_component_for_relations_only_entities_are_scored(nlp: Language) -> None:
    nlp.remove_pipe("str_rel")
    model = evaluate(nlp, gold_docs(nlp))["model"]
    assert model["entities"] is not None
    assert model["relations"] is model["relations_gold_entities"] is None
    assert model["notes"] == [
        "RC, predicted entities: not scored, because no component sets doc._.relations.",
        "RC, gold entities: not scored, because no component sets doc._.relations.",
    ]


def test_without_a_component_for_entities_relations_of_gold_ones_are_scored() -> None:
    nlp = make_pretender("relate_neighbours")
    report = evaluate(nlp, gold_docs(nlp))
    assert report["model"]["entities"] is report["model"]["relations"] is None
    assert report["model"]["notes"][:2] == [
        "NER: not scored, because no component sets doc.ents.",
        "RC, predicted entities: not scored, because no component sets the entities that relations "
        "connect.",
    ]
    assert micro(report, "relations_gold_entities")["correct"] == 2


def test_docs_that_are_not_annotated_count_for_no_score(nlp: Language) -> None:
    docs = gold_docs(nlp)
    with_entities = nlp.make_doc(ANNOTATIONS[2][0])
    with_entities.set_ents([Span(with_entities, 0, 3, "BodyPart")])
    with_relations = nlp.make_doc(ANNOTATIONS[2][0])
    with_relations._.relations = []
    bare = nlp.make_doc(ANNOTATIONS[2][0])
    report = evaluate(nlp, [*docs, with_entities, with_relations, bare])
    assert report["docs"] == {
        "all": 7,
        "with_entities": 5,
        "with_relations": 5,
        "with_attributes": 0,
    }
    assert micro(report, "entities") == micro(evaluate(nlp, [*docs, with_entities]), "entities")
    expected = evaluate(nlp, [*docs, with_relations])
    for task in TASKS[1:]:
        assert micro(report, task) == micro(expected, task)


def test_data_without_relations_is_said_to_have_none(nlp: Language) -> None:
    doc = nlp.make_doc("左主干")
    doc.set_ents([Span(doc, 0, 3, "BodyPart")])
    notes = evaluate(nlp, [doc])["model"]["notes"]
    assert [note for note in notes if "store_user_data=True" in note] == [
        f"{name}: not scored, because no gold doc is annotated with doc._.relations (were the docs "
        "saved with store_user_data=True?)."
        for name in ("RC, predicted entities", "RC, gold entities")
    ]


def test_no_relations_among_none_are_no_score() -> None:
    nlp = make_pretender("find_nothing", "relate_neighbours")
    doc = nlp.make_doc("左主干")
    doc.set_ents([])
    doc._.relations = []
    model = evaluate(nlp, [doc])["model"]
    assert [model[task] for task in TASKS] == [None] * 3
    assert all("there are neither gold nor predicted " in note for note in model["notes"])


def test_gold_entities_that_do_not_align_are_counted() -> None:
    # The English tokenizer takes it for one word.
    for lang, notes in (("zh", 0), ("en", 1)):
        nlp = make_pretender("find_nothing", "relate_neighbours", lang=lang)
        doc = Doc(nlp.vocab, words=["左主", "干", "无狭窄"], spaces=[False] * 3)
        doc.set_ents([Span(doc, 0, 1, "BodyPart"), Span(doc, 2, 3, "Degree")])
        doc._.relations = [Relation(doc.ents[0], doc.ents[1], "Position")]
        found = evaluate(nlp, [doc])["model"]["notes"]
        assert len(found) == notes
    assert found[0].startswith("RC, gold entities: gold entities missing (2 of 2)")


def test_entities_that_a_component_adds_to_the_gold_ones_are_counted() -> None:
    nlp = make_pretender("add_an_entity", "relate_neighbours")
    [note] = evaluate(nlp, gold_docs(nlp))["model"]["notes"][1:]
    assert note.startswith("RC, gold entities: entities added that are not gold (4)")


def test_empty_docs_are_no_obstacle(nlp: Language) -> None:
    docs = [nlp.make_doc(""), *gold_docs(nlp), nlp.make_doc("")]
    report = evaluate(nlp, docs)
    assert report["docs"]["all"] == 6
    expected = evaluate(nlp, gold_docs(nlp))
    assert [micro(report, task) for task in TASKS] == [micro(expected, task) for task in TASKS]
    # What has no tokens counts as annotated, but not as a sign that a component finds entities.
    blind = make_pretender("relate_neighbours")
    docs = [blind.make_doc(""), *gold_docs(blind)]
    assert evaluate(blind, docs)["model"]["entities"] is None


def test_words_without_known_spaces_are_kept() -> None:
    nlp = make_pretender("take_each_token", lang="en")
    # The tokenizer would make three of them.
    for words, tokens in ((["don't", "go"], 2), (["do", "n't", "go"], 3)):
        doc = Doc(nlp.vocab, words=words)
        doc.set_ents([Span(doc, 0, 1, "Token")])
        assert micro(evaluate(nlp, [doc]), "entities")["predicted"] == tokens
