"""The scores of a pipeline, as the paper reports them."""

from collections.abc import Iterable
from typing import Any

from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc
from spacy.training import Example

from .scorers import score_relations

Scores = dict[str, Any]


def evaluate(nlp: Language, docs: Iterable[Doc]) -> dict[str, Scores]:
    """Score entities, relations between predicted entities, and relations between the gold ones.

    Source: Xue et al. 2019, arXiv 1908.07721, section IV-B.

    nlp (Language): A pipeline with entities and relations.
    docs (Iterable[Doc]): Gold docs.
    RETURNS (dict[str, dict[str, Any]]): Precision, recall and F1 (`p`, `r`, `f`) and the same
        `per_type`, of `entities`, `relations` and `relations_correct_entities`.
    """
    docs = list(docs)
    predicted = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    run_pipeline(nlp, predicted)
    correct = [with_gold_entities(Example(nlp.make_doc(doc.text), doc)) for doc in docs]
    finders = [name for name in nlp.pipe_names if "doc.ents" in nlp.get_pipe_meta(name).assigns]
    with nlp.select_pipes(disable=finders):
        run_pipeline(nlp, correct)
    return collect_scores(predicted, correct)


def collect_scores(predicted: list[Example], correct: list[Example]) -> dict[str, Scores]:
    """Score docs that were annotated already.

    predicted (list[Example]): With predicted entities, and relations between them.
    correct (list[Example]): With gold entities, and predicted relations between them.
    RETURNS (dict[str, dict[str, Any]]): As in `evaluate`.
    """
    return {
        "entities": _shorten(get_ner_prf(predicted), "ents"),
        "relations": _shorten(score_relations(predicted), "rels"),
        "relations_correct_entities": _shorten(score_relations(correct), "rels"),
    }


def run_pipeline(nlp: Language, examples: list[Example]) -> None:
    """Annotate the predicted docs of examples.

    nlp (Language): The pipeline.
    examples (list[Example]): The examples.
    """
    for example, doc in zip(examples, nlp.pipe(eg.predicted for eg in examples), strict=True):
        example.predicted = doc


def with_gold_entities(example: Example) -> Example:
    """Put the gold entities into the predicted doc, those that align with its tokens.

    example (Example): An example whose predicted doc is not annotated.
    RETURNS (Example): The same example.
    """
    predicted, reference = example.predicted, example.reference
    predicted.set_ents(example.get_aligned_spans_y2x(reference.ents))
    for key, spans in reference.spans.items():
        predicted.spans[key] = example.get_aligned_spans_y2x(spans, allow_overlap=True)
    return example


def _shorten(scores: Scores, prefix: str) -> Scores:
    return {key: scores[f"{prefix}_{key}"] for key in ("p", "r", "f", "per_type")}
