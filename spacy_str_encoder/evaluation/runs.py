"""Evaluation of pipelines on gold docs."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.vocab import Vocab

from ..doc.arguments import check_docs
from ..doc.min_scores import NO_MINIMUM, MinScores, ScoreFilter
from ..loading import (
    default_values,
    entity_group,
    get_precision,
    relation_setting,
    sets_attributes,
)
from .examples import with_gold_entities, with_predicted_entities
from .outcomes import TASKS, Outcomes, collect_outcomes
from .report import Report, make_report

# Iterates over items and shows the progress. Arguments: items, description, and their number.
Track = Callable[[Iterable[Any], str, int], Iterable[Any]]


def no_track(items: Iterable[Any], description: str, total: int) -> Iterable[Any]:
    """Show no progress.

    items (Iterable[Any]): The items.
    description (str): The description of the work.
    total (int): The number of items.
    RETURNS (Iterable[Any]): The same items.
    """
    return items


def evaluate(nlp: Language, docs: Sequence[Doc], *, samples: int = 1000, seed: int = 0) -> Report:
    """Score entities, relations between predicted entities, and relations between gold entities.

    Source: Xue et al. 2019, arXiv 1908.07721, section IV-B.

    nlp (Language): A pipeline.
    docs (Sequence[Doc]): Gold docs.
    samples (int): The number of bootstrap samples for the intervals.
    seed (int): The random seed.
    RETURNS (Report): The scores.
    RAISES (ValueError): If `docs` is a single doc.
    """
    check_docs(docs)
    return make_report(find_outcomes(nlp, docs), samples=samples, seed=seed)


def find_outcomes(
    nlp: Language,
    docs: Sequence[Doc],
    *,
    symmetric: Collection[str] = (),
    defaults: Mapping[str, str] | None = None,
    gold_key: str | None = None,
    min_scores: MinScores = NO_MINIMUM,
    track: Track = no_track,
) -> Outcomes:
    """Run a pipeline twice, with predicted and with gold entities.

    nlp (Language): The pipeline.
    docs (Sequence[Doc]): Gold docs.
    symmetric (Collection[str]): The relation labels that have no direction, in addition to those
        of the pipeline.
    defaults (Mapping[str, str] | None): The default values of attributes by name, in addition to
        those of the pipeline.
    gold_key (str | None): The span group that holds the gold entities of the docs that have it;
        for others, `doc.ents` does. If None, it is that of the pipeline, or else "sc".
    min_scores (MinScores): The minimum scores of predicted entities and relations.
    track (Track): Shows the progress.
    RETURNS (Outcomes): The outcomes.
    """
    docs = with_vocab(docs, nlp.vocab)
    spans_key = entity_group(nlp)
    low, low_of_gold = (ScoreFilter(min_scores, spans_key) for _ in range(2))
    predicted = _filter(with_predicted_entities(nlp, docs), low)
    with_gold = _filter(with_gold_entities(nlp, docs, gold_key=gold_key), low_of_gold)
    outcomes = collect_outcomes(
        track(predicted, TASKS["relations"], len(docs)),
        track(with_gold, TASKS["relations_gold_entities"], len(docs)),
        symmetric={*symmetric, *(relation_setting(nlp, "symmetric") or ())},
        defaults={**default_values(nlp), **(defaults or {})},
        spans_key=spans_key,
        gold_key=gold_key,
    )
    return replace(
        outcomes,
        precision=get_precision(nlp),
        sets_attributes=sets_attributes(nlp),
        min_scores=min_scores,
        low_entities=low.entities,
        low_relations=low.relations,
    )


def _filter(examples: Iterable[Example], low: ScoreFilter) -> Iterator[Example]:
    for example in examples:
        low(example.predicted)
        yield example


def with_vocab(docs: Sequence[Doc], vocab: Vocab) -> Sequence[Doc]:
    """Give docs the vocabulary of a pipeline: the labels of the two may differ.

    docs (Sequence[Doc]): The docs.
    vocab (Vocab): The vocabulary.
    RETURNS (Sequence[Doc]): The docs themselves if they all have this vocabulary, otherwise copies.
    """
    if all(doc.vocab is vocab for doc in docs):
        return docs
    return list(DocBin(docs=docs, store_user_data=True).get_docs(vocab))
