"""Scores of a pipeline: relations between predicted entities, and between the gold ones."""

from collections.abc import Callable

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_str_encoder import Relation
from spacy_str_encoder.evaluation import evaluate, with_gold_entities

from .pipelines import ANNOTATIONS, make_example, make_examples


def gold_docs(nlp: Language) -> list[Doc]:
    return [example.reference for example in make_examples(nlp)]


def find_nothing(doc: Doc) -> Doc:
    doc.set_ents([])
    return doc


def relate_neighbours(doc: Doc) -> Doc:
    pairs = zip(doc.ents, doc.ents[1:], strict=False)
    doc._.relations = [Relation(first, second, "Position") for first, second in pairs]
    return doc


@pytest.fixture
def pretend() -> Language:
    """A pipeline that finds no entities, and relates each entity to the next one."""
    Language.component("find_nothing", func=find_nothing, assigns=["doc.ents"])
    Language.component("relate_neighbours", func=relate_neighbours)
    nlp = spacy.blank("zh")
    nlp.add_pipe("find_nothing")
    nlp.add_pipe("relate_neighbours")
    return nlp


def test_correct_entities_are_put_in_and_correct_relations_are_not(pretend: Language) -> None:
    scores = evaluate(pretend, gold_docs(pretend))
    assert scores["entities"]["r"] == 0
    assert scores["relations"]["r"] == 0
    # Of the 10 gold relations the neighbours that are related by Position are two.
    relations = [relation for _, _, relations in ANNOTATIONS for relation in relations]
    right = [r for r in relations if r[2] == "Position" and r[1] == r[0] + 1]
    neighbours = sum(max(0, len(entities) - 1) for _, entities, _ in ANNOTATIONS)
    correct = scores["relations_correct_entities"]
    assert correct["r"] == pytest.approx(len(right) / len(relations))
    assert correct["p"] == pytest.approx(len(right) / neighbours)


def test_gold_docs_stay_as_they_are(nlp: Language) -> None:
    docs = gold_docs(nlp)
    before = [doc.to_bytes() for doc in docs]
    evaluate(nlp, docs)
    assert [doc.to_bytes() for doc in docs] == before


def test_all_components_run_again_after_an_evaluation(nlp: Language) -> None:
    evaluate(nlp, gold_docs(nlp))
    assert nlp.pipe_names == ["str_encoder", "str_ner", "str_rel"]


def test_predicted_entities_are_scored_as_spacy_scores_them(nlp: Language) -> None:
    examples = make_examples(nlp)
    ours = evaluate(nlp, [example.reference for example in examples])
    spacys = nlp.evaluate(examples)
    assert ours["entities"]["f"] == spacys["ents_f"]
    assert ours["relations"]["f"] == spacys["rels_f"]


def test_gold_spans_are_put_in_too(make_nlp: Callable[..., Language]) -> None:
    nlp = make_nlp()
    example = make_example(nlp, ANNOTATIONS[0])
    example.reference.spans["findings"] = [example.reference[0:5], example.reference[3:5]]
    predicted = with_gold_entities(Example(nlp.make_doc(example.text), example.reference)).predicted
    assert [span.text for span in predicted.spans["findings"]] == ["前降支近段", "近段"]
    assert len(predicted.ents) == len(example.reference.ents)
