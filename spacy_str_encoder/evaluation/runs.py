"""Running pipelines on gold docs."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ..loading import relation_setting
from .examples import with_correct_entities, with_predicted_entities
from .outcomes import TASKS, Outcomes, collect_outcomes
from .report import Report, make_report

# Goes through examples or docs: what is done, and how many there are.
Track = Callable[[Iterable[Any], str, int], Iterable[Any]]


def no_track(items: Iterable[Any], description: str, total: int) -> Iterable[Any]:
    """Show nothing.

    items (Iterable[Any]): What is gone through.
    description (str): What is done.
    total (int): How many there are.
    RETURNS (Iterable[Any]): The same.
    """
    return items


def evaluate(nlp: Language, docs: Sequence[Doc], *, samples: int = 1000, seed: int = 0) -> Report:
    """Score entities, relations between predicted entities, and relations between the gold ones.

    Source: Xue et al. 2019, arXiv 1908.07721, section IV-B.

    nlp (Language): A pipeline.
    docs (Sequence[Doc]): Gold docs.
    samples (int): How often docs are resampled for the intervals.
    seed (int): The seed of that.
    RETURNS (Report): The scores.
    """
    return make_report(find_outcomes(nlp, docs), samples=samples, seed=seed)


def find_outcomes(
    nlp: Language,
    docs: Sequence[Doc],
    *,
    symmetric: Collection[str] = (),
    track: Track = no_track,
) -> Outcomes:
    """Run a pipeline twice, with predicted and with gold entities.

    nlp (Language): The pipeline.
    docs (Sequence[Doc]): Gold docs.
    symmetric (Collection[str]): The relation labels whose direction does not count, beside those
        of the pipeline.
    track (Track): Shows how far it has come.
    RETURNS (Outcomes): What it found.
    """
    docs = with_vocab(docs, nlp.vocab)
    predicted, correct = with_predicted_entities(nlp, docs), with_correct_entities(nlp, docs)
    return collect_outcomes(
        track(predicted, TASKS["relations"], len(docs)),
        track(correct, TASKS["relations_correct_entities"], len(docs)),
        symmetric={*symmetric, *(relation_setting(nlp, "symmetric") or ())},
        spans_key=relation_setting(nlp, "spans_key"),
    )


def with_vocab(docs: Sequence[Doc], vocab: Vocab) -> Sequence[Doc]:
    """Let docs have the vocabulary of a pipeline, which knows of other labels than theirs.

    docs (Sequence[Doc]): The docs.
    vocab (Vocab): The vocabulary.
    RETURNS (Sequence[Doc]): The docs, or copies of them.
    """
    if all(doc.vocab is vocab for doc in docs):
        return docs
    return list(DocBin(docs=docs, store_user_data=True).get_docs(vocab))
