"""Expected errors of the components: over all that the texts could hold, by brute force."""

from collections.abc import Iterator
from itertools import combinations, pairwise, product
from typing import Any

import numpy
import pytest
import torch
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import fix_random_seed

from spacy_str_encoder.doc.relation import set_score
from spacy_str_encoder.loading import find_components

from .oracles import normal
from .pipelines import ANNOTATIONS, MakeNlp, make_examples, pair_logits, with_entities
from .test_nested_entities import NESTED, make_gold
from .test_str_attr import ANNOTATIONS as ATTRIBUTES
from .test_str_attr import DEFAULTS
from .test_str_attr import make_example as make_attributes

# Start, end, and index of the label.
Place = tuple[int, int, int]
TEXT = "左主干"


def draw_crf(nlp: Language) -> Language:
    """Give the tagger weights that are neither sure nor without an opinion."""
    tagger = nlp.get_pipe("str_ner").model
    output = tagger.get_ref("output_layer").layers[0]
    output.set_param("W", output.get_param("W") / 2)
    torch.manual_seed(0)
    for parameter in tagger.get_ref("crf").shims[0]._model.parameters():
        torch.nn.init.normal_(parameter)
    return nlp


@pytest.fixture
def flat(nlp: Language) -> Language:
    return draw_crf(nlp)


@pytest.fixture
def nested(make_nlp: MakeNlp) -> Language:
    nlp = make_nlp(spans_key="sc", ner={"spans_key": "sc"})
    examples = [make_gold(nlp, *annotation) for annotation in NESTED]
    nlp.initialize(lambda: examples)
    return draw_crf(nlp)


def flat_sets(length: int, labels: list[int]) -> Iterator[set[Place]]:
    """All sets of entities that do not overlap."""
    places = [(i, j) for i in range(length) for j in range(i + 1, length + 1)]
    for size in range(length + 1):
        for chosen in combinations(places, size):
            if all(i[1] <= j[0] for i, j in pairwise(chosen)):
                for labelled in product(labels, repeat=size):
                    yield {(*p, label) for p, label in zip(chosen, labelled, strict=True)}


def score_set(crf: Any, emissions: NDArray[Any], entities: set[Place]) -> float:
    """Score the tags of entities, by the parameters as they are stored."""
    path = [0] * len(emissions)
    for start, end, label in entities:
        parts = [4] if end - start == 1 else [1, *[2] * (end - start - 2), 3]
        path[start:end] = [4 * label + part for part in parts]
    moves = sum(float(crf.transitions[tag, after]) for tag, after in pairwise(path))
    borders = float(crf.start_transitions[path[0]] + crf.end_transitions[path[-1]])
    return moves + borders + sum(float(emissions[i, tag]) for i, tag in enumerate(path))


def weigh_entities(nlp: Language, doc: Doc) -> dict[Place, float]:
    """The probability of each entity that the doc could have: that of all sets that hold it."""
    tagger = nlp.get_pipe("str_ner")
    [emissions] = tagger.model.predict([doc])
    crf, labels = tagger.model.get_ref("crf").shims[0]._model, [*range(len(tagger.labels))]
    if not tagger.cfg["spans_key"]:
        return weigh_sets(crf.crf, emissions, [*flat_sets(len(doc), labels)])
    found = {}
    for label in labels:
        # Each label has tags of its own: O, B, I, L and U.
        own = emissions[:, [0, *range(1 + 4 * label, 5 + 4 * label)]]
        of_label = weigh_sets(crf.shared.crf, own, [*flat_sets(len(doc), [0])])
        found |= {(start, end, label): weight for (start, end, _), weight in of_label.items()}
    return found


def weigh_sets(crf: Any, emissions: NDArray[Any], sets: list[set[Place]]) -> dict[Place, float]:
    with torch.no_grad():
        weights = numpy.exp([score_set(crf, emissions, each) for each in sets])
    return {
        place: float(weights[[place in each for each in sets]].sum() / weights.sum())
        for place in set.union(*sets)
    }


def scale(probability: float, temperature: float) -> float:
    odds = (probability / (1 - probability)) ** (1 / temperature)
    return odds / (1 + odds)


@pytest.mark.parametrize("name", ["flat", "nested"])
def test_errors_in_entities_are_the_differences_from_all_sets_of_entities(
    name: str, request: pytest.FixtureRequest
) -> None:
    nlp = request.getfixturevalue(name)
    doc, tagger = nlp.get_pipe("str_encoder")(nlp.make_doc(TEXT)), nlp.get_pipe("str_ner")
    [found] = tagger.predict([doc])
    predicted = {(start, end, label) for start, end, label, _ in found}
    probabilities = weigh_entities(nlp, doc)
    expected = sum(1 - p if each in predicted else p for each, p in probabilities.items())
    assert predicted and expected > 0.5
    assert tagger.expect_errors([doc]) == [pytest.approx(expected, rel=1e-4)]


@pytest.mark.parametrize("name", ["flat", "nested"])
def test_errors_in_entities_follow_the_temperature(
    name: str, request: pytest.FixtureRequest
) -> None:
    nlp = request.getfixturevalue(name)
    doc, tagger = nlp.get_pipe("str_encoder")(nlp.make_doc(TEXT)), nlp.get_pipe("str_ner")
    [found] = tagger.predict([doc])
    others = dict.fromkeys(range(len(doc)), 0.0)
    predicted = {(start, end, label) for start, end, label, _ in found}
    for (start, end, label), probability in weigh_entities(nlp, doc).items():
        others[start] += probability if (start, end, label) not in predicted else 0
    tagger.temperature = 2.0
    wrong = [1 - scale(float(probability), 2.0) for *_, probability in found]
    expected = sum(wrong) + sum(scale(each, 2.0) for each in others.values())
    assert tagger.expect_errors([doc]) == [pytest.approx(expected, rel=1e-3)]


def test_docs_of_a_batch_do_not_change_each_other(flat: Language) -> None:
    docs = [flat.get_pipe("str_encoder")(flat.make_doc(text)) for text in (TEXT, "", "无狭窄。 \n")]
    tagger = flat.get_pipe("str_ner")
    alone = [tagger.expect_errors([doc])[0] for doc in docs]
    assert alone[1] == 0
    assert tagger.expect_errors(docs) == pytest.approx(alone, rel=1e-4)
    assert tagger.expect_errors([]) == []


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize(
    "settings", [{}, {"threshold": 0.15}, {"exclusive": False}, {"schema": "observed"}]
)
def test_errors_in_relations_are_those_of_each_pair_and_label(
    make_nlp: MakeNlp, settings: dict[str, Any], temperature: float
) -> None:
    fix_random_seed(0)
    nlp, annotation = make_nlp(**settings, temperature=temperature), ANNOTATIONS[1]
    nlp.initialize(lambda: make_examples(nlp))
    extractor = nlp.get_pipe("str_rel")
    output = extractor.model.get_ref("output_layer").layers[0]
    output.set_param("W", normal(*output.get_param("W").shape))
    doc = nlp.get_pipe("str_encoder")(with_entities(nlp, annotation))
    certainty = dict(zip(doc.ents, [0.5, 1.0, 0.9, 0.8], strict=True))
    for entity, score in certainty.items():
        set_score(entity, score)
    [relations] = extractor.predict([doc])
    predicted = {(each.head, each.label, each.tail) for each in relations}
    expected = 0.0
    for pair, logits in pair_logits(nlp, annotation).items():
        first, second = (doc.ents[i] for i in pair)
        possible = {}
        for (label, direction), logit in zip(extractor.classes, logits[1:], strict=True):
            head, tail = (first, second) if direction == ">" else (second, first)
            if allows(extractor.cfg["schema"], head, label, tail):
                possible[head, label, tail] = numpy.exp(float(logit))
        total = numpy.exp(float(logits[0])) + sum(possible.values())
        both, missed = certainty[first] * certainty[second], 0.0
        for relation, odds in possible.items():
            given = odds / (total if extractor.cfg["exclusive"] else 1 + odds)
            if relation in predicted:
                expected += 1 - scale(given, temperature) * both
            else:
                missed += given
        expected += scale(missed, temperature) * both if missed else 0
    assert predicted
    assert extractor.expect_errors([doc]) == [pytest.approx(expected, rel=1e-3)]


def allows(schema: list[list[str]] | None, head: Span, label: str, tail: Span) -> bool:
    return schema is None or [head.label_, label, tail.label_] in [*map(list, schema)]


def test_texts_without_pairs_have_no_errors_in_relations(nlp: Language) -> None:
    docs = [*nlp.get_pipe("str_encoder").pipe(map(nlp.make_doc, [TEXT, ""]))]
    assert nlp.get_pipe("str_rel").expect_errors(docs) == [0, 0]


def test_attributes_of_wrong_entities_do_not_count(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    for name in ("str_ner", "str_rel"):
        nlp.remove_pipe(name)
    nlp.add_pipe("str_attr", config={"defaults": DEFAULTS})
    nlp.config["initialize"]["after_init"] = None
    examples = [make_attributes(nlp, *annotation) for annotation in ATTRIBUTES]
    nlp.initialize(lambda: examples)
    docs = [*nlp.pipe(example.predicted for example in examples)]
    scores = [[*span._.attribute_scores.values()] for doc in docs for span in doc.ents]
    [(_, component)] = find_components(nlp, "span._.attributes")
    assert sum(component.expect_errors(docs)) == pytest.approx(
        sum(1 - score for of_entity in scores for score in of_entity)
    )
    for doc in docs:
        for entity in doc.ents:
            set_score(entity, 0.25)
    assert sum(component.expect_errors(docs)) == pytest.approx(
        sum(0.25 * (1 - score) for of_entity in scores for score in of_entity)
    )
