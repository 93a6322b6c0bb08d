"""Examples: gold docs beside the predictions of a pipeline."""

from collections.abc import Iterable, Iterator

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

from ..doc.entities import put_gold_entities


def with_predicted_entities(nlp: Language, docs: Iterable[Doc]) -> Iterator[Example]:
    """Run a pipeline on the texts of docs.

    nlp (Language): The pipeline.
    docs (Iterable[Doc]): Gold docs.
    YIELDS (Example): Each gold doc with its prediction.
    """
    yield from _run(nlp, (_make_example(nlp, doc) for doc in docs))


def with_gold_entities(nlp: Language, docs: Iterable[Doc]) -> Iterator[Example]:
    """Run a pipeline on docs with gold entities, without the components that set entities.

    Components are only disabled while a batch is annotated, never while the caller has control, so
    that it may use the pipeline between two examples, or stop early.

    nlp (Language): The pipeline.
    docs (Iterable[Doc]): Gold docs.
    YIELDS (Example): Each gold doc with its prediction.
    """
    disabled = [name for name in nlp.pipe_names if _sets_entities(nlp, name)]
    examples = (put_gold_entities(_make_example(nlp, doc)) for doc in docs)
    # Batches as in `nlp.pipe`, which also holds the docs of one batch at a time.
    for batch in minibatch(examples, nlp.batch_size):
        yield from _run_without(nlp, disabled, batch)


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
