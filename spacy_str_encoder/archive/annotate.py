"""From entries to docs, whatever a record does to the pipeline."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch

from .entries import Entry, Rejection


def annotate_entries(
    nlp: Language,
    entries: Iterable[Entry],
    *,
    batch_size: int,
    reject: Callable[[Rejection], None],
) -> Iterator[tuple[Entry, Doc]]:
    """Annotate texts. If a batch fails, its halves are tried, down to the record that it is about.

    nlp (Language): The pipeline.
    entries (Iterable[Entry]): The texts.
    batch_size (int): How many to annotate at a time.
    reject (Callable[[Rejection], None]): Called with each record that makes the pipeline fail.
    YIELDS (tuple[Entry, Doc]): Each of the others, annotated.
    """
    for batch in minibatch(entries, batch_size):
        yield from _annotate_batch(nlp, batch, reject)


def _annotate_batch(
    nlp: Language, batch: Sequence[Entry], reject: Callable[[Rejection], None]
) -> Iterator[tuple[Entry, Doc]]:
    try:
        docs = list(nlp.pipe([entry.text for entry in batch], batch_size=len(batch)))
    except Exception as error:  # what a text can do to a pipeline has no type
        if len(batch) == 1:
            # What the error says may have the text in it.
            reason = f"the pipeline fails on it ({type(error).__name__})"
            reject(Rejection(batch[0].number, reason, f"{error}: {batch[0].text}"))
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            yield from _annotate_batch(nlp, half, reject)
    else:
        yield from zip(batch, docs, strict=True)
