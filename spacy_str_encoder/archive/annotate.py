"""Annotation of entries. A text that makes the pipeline fail does not affect the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch

from ..files.entries import Entry, Rejection

ResultT = TypeVar("ResultT")
Process = Callable[[list[str]], Iterable[ResultT]]


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
    RETURNS (Iterator[tuple[Entry, Doc]]): Each other text with its annotated doc.
    """

    def annotate(texts: list[str]) -> Iterable[Doc]:
        return nlp.pipe(texts, batch_size=len(texts))

    return process_entries(annotate, entries, batch_size=batch_size, reject=reject)


def process_entries(
    process: Process[ResultT],
    entries: Iterable[Entry],
    *,
    batch_size: int,
    reject: Callable[[Rejection], None],
) -> Iterator[tuple[Entry, ResultT]]:
    """Process texts with a pipeline, in the same way.

    process (Callable[[list[str]], Iterable]): Function that processes a batch of texts.
    entries (Iterable[Entry]): The texts.
    batch_size (int): The number of texts to process at a time.
    reject (Callable[[Rejection], None]): Called with each text that makes the function fail.
    YIELDS (tuple[Entry, Any]): Each other text with its result.
    """
    for batch in minibatch(entries, batch_size):
        yield from _process_batch(process, batch, reject)


def _process_batch(
    process: Process[ResultT], batch: Sequence[Entry], reject: Callable[[Rejection], None]
) -> Iterator[tuple[Entry, ResultT]]:
    try:
        results = list(process([entry.text for entry in batch]))
    except Exception as error:  # components may raise errors of any type
        if len(batch) == 1:
            # The message of the error may quote the text, so the reason leaves it out.
            reason = f"the pipeline failed ({type(error).__name__})"
            reject(Rejection(batch[0].number, reason, f"{error}: {batch[0].text}"))
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            yield from _process_batch(process, half, reject)
    else:
        yield from zip(batch, results, strict=True)
