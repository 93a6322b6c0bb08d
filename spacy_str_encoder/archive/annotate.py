"""Annotation of entries. A text that makes the pipeline fail does not affect the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch

from ..files.entries import Entry, Rejection


def annotate_entries(
    nlp: Language,
    entries: Iterable[Entry],
    *,
    batch_size: int,
    reject: Callable[[Rejection], None],
) -> Iterator[tuple[Entry, Doc]]:
    """Annotate texts. If a batch fails, its halves are tried, down to the text that fails.

    nlp (Language): The pipeline.
    entries (Iterable[Entry]): The texts.
    batch_size (int): The number of texts to annotate at a time.
    reject (Callable[[Rejection], None]): Called with each text that makes the pipeline fail.
    YIELDS (tuple[Entry, Doc]): Each other text with its annotated doc.
    """
    for batch in minibatch(entries, batch_size):
        yield from _annotate_batch(nlp, batch, reject)


def _annotate_batch(
    nlp: Language, batch: Sequence[Entry], reject: Callable[[Rejection], None]
) -> Iterator[tuple[Entry, Doc]]:
    try:
        docs = list(nlp.pipe([entry.text for entry in batch], batch_size=len(batch)))
    except Exception as error:  # components may raise errors of any type
        if len(batch) == 1:
            # The message of the error may quote the text, so the reason leaves it out.
            reason = f"the pipeline failed ({type(error).__name__})"
            reject(Rejection(batch[0].number, reason, f"{error}: {batch[0].text}"))
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            yield from _annotate_batch(nlp, half, reject)
    else:
        yield from zip(batch, docs, strict=True)
