"""Examples: gold docs beside the predictions of a pipeline."""

from collections.abc import Iterable, Iterator
from functools import partial

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import minibatch

from ..doc.entities import SPANS_KEY, get_gold_entities, has_entities, put_gold_entities
from ..doc.flat import first_without_overlaps
from ..doc.misaligned import get_misaligned_entities
from ..loading import entity_group


def with_predicted_entities(nlp: Language, docs: Iterable[Doc]) -> Iterator[Example]:
    """Run a pipeline on the texts of docs.

    nlp (Language): The pipeline.
    docs (Iterable[Doc]): Gold docs.
    YIELDS (Example): Each gold doc with its prediction.
    """
    yield from _run(nlp, (_make_example(nlp, doc) for doc in docs))


def with_gold_entities(
    nlp: Language, docs: Iterable[Doc], *, gold_key: str | None = None
) -> Iterator[Example]:
    """Run a pipeline on docs with gold entities, without the components that set entities.

    Components are only disabled while a batch is annotated, never while the caller has control, so
    that it may use the pipeline between two examples, or stop early.

    nlp (Language): The pipeline.
    docs (Iterable[Doc]): Gold docs.
    gold_key (str | None): The span group of gold entities, see `find_outcomes`.
    YIELDS (Example): Each gold doc with its prediction.
    """
    key = entity_group(nlp)
    put_all = partial(_put_all, spans_key=key, gold_key=gold_key or key or SPANS_KEY)
    disabled = [name for name in nlp.pipe_names if _sets_entities(nlp, name)]
    examples = (put_all(_make_example(nlp, doc)) for doc in docs)
    # Batches as in `nlp.pipe`, which also holds the docs of one batch at a time.
    for batch in minibatch(examples, nlp.batch_size):
        yield from _run_without(nlp, disabled, batch)


def _put_all(example: Example, *, spans_key: str | None, gold_key: str) -> Example:
    put_gold_entities(example)
    predicted, reference = example.predicted, example.reference
    if spans_key is not None and spans_key not in predicted.spans:
        entities = get_gold_entities(reference, gold_key)
        predicted.spans[spans_key] = example.get_aligned_spans_y2x(entities, allow_overlap=True)
    if spans_key is None and not has_entities(reference):
        entities = get_gold_entities(reference, gold_key)
        group = example.get_aligned_spans_y2x(entities, allow_overlap=True)
        flat = first_without_overlaps([(span.start, span.end) for span in group])
        predicted.set_ents([group[i] for i in flat])
    # What does not align with the tokens of the gold doc may align with those of the pipeline.
    places = get_misaligned_entities(reference)
    spans = [predicted.char_span(start, end, label=label) for start, end, label in places]
    _add_entities(predicted, [span for span in spans if span is not None], spans_key)
    return example


def _add_entities(doc: Doc, spans: list[Span], spans_key: str | None) -> None:
    if spans_key is not None:
        doc.spans[spans_key].extend(spans)
        return
    for span in spans:
        if not any(token.ent_type for token in span):
            doc.set_ents([*doc.ents, span])


def _run_without(nlp: Language, disabled: list[str], batch: list[Example]) -> list[Example]:
    with nlp.select_pipes(disable=disabled):
        return list(_run(nlp, batch))


def _sets_entities(nlp: Language, name: str) -> bool:
    return not {"doc.ents", "doc.spans"}.isdisjoint(nlp.get_pipe_meta(name).assigns)


def _make_example(nlp: Language, doc: Doc) -> Example:
    if not doc.has_unknown_spaces:
        return Example(nlp.make_doc(doc.text), doc)
    # The text is not the one that was annotated: keep the tokens only, as spaCy does.
    return Example(Doc(nlp.vocab, words=[token.text for token in doc]), doc)


def _run(nlp: Language, examples: Iterable[Example]) -> Iterator[Example]:
    with_context = ((example.predicted, example) for example in examples)
    for doc, example in nlp.pipe(with_context, as_tuples=True):
        example.predicted = doc
        yield example
