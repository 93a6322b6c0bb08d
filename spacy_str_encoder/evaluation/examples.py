"""Gold docs and what a pipeline makes of them."""

from collections.abc import Iterable, Iterator

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..doc.entities import put_gold_entities


def with_predicted_entities(nlp: Language, docs: Iterable[Doc]) -> Iterator[Example]:
    """Run a pipeline on the texts of docs.

    nlp (Language): The pipeline.
    docs (Iterable[Doc]): Gold docs.
    YIELDS (Example): Each doc, and what was predicted.
    """
    yield from _run(nlp, (_make_example(nlp, doc) for doc in docs))


def with_correct_entities(nlp: Language, docs: Iterable[Doc]) -> Iterator[Example]:
    """Run a pipeline without the components that find entities, on docs with the gold entities.

    nlp (Language): The pipeline.
    docs (Iterable[Doc]): Gold docs.
    YIELDS (Example): Each doc, and what was predicted.
    """
    finders = [name for name in nlp.pipe_names if _finds_entities(nlp, name)]
    with nlp.select_pipes(disable=finders):
        yield from _run(nlp, (put_gold_entities(_make_example(nlp, doc)) for doc in docs))


def _finds_entities(nlp: Language, name: str) -> bool:
    return not {"doc.ents", "doc.spans"}.isdisjoint(nlp.get_pipe_meta(name).assigns)


def _make_example(nlp: Language, doc: Doc) -> Example:
    if not doc.has_unknown_spaces:
        return Example(nlp.make_doc(doc.text), doc)
    # The text is not the one that was annotated, so only the tokens can be kept: as spaCy does.
    return Example(Doc(nlp.vocab, words=[token.text for token in doc]), doc)


def _run(nlp: Language, examples: Iterable[Example]) -> Iterator[Example]:
    with_context = ((example.predicted, example) for example in examples)
    for doc, example in nlp.pipe(with_context, as_tuples=True):
        example.predicted = doc
        yield example
