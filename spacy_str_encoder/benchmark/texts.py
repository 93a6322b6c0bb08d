"""The texts that are annotated: the first ones of an archive."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from spacy.language import Language

from ..archive.annotate import annotate_entries
from ..archive.sources import find_readers
from ..doc.plurals import count_noun
from ..files.entries import Entry, Item, Rejection
from ..files.readers import Fields, read_to_damage


@dataclass(frozen=True)
class Texts:
    """The texts of a measurement.

    texts (list[str]): The texts that can be annotated, in their order.
    rejected (Counter[str]): The number of other texts by reason.
    """

    texts: list[str]
    rejected: Counter[str]


def read_texts(inputs: Iterable[str], fields: Fields, *, limit: int) -> list[Item]:
    """Read the first texts of an archive, as `annotate` does.

    inputs (Iterable[str]): Files, folders, and patterns of file names.
    fields (Fields): The fields of texts and identifiers.
    limit (int): The maximum number of texts.
    RETURNS (list[Entry | Rejection]): The texts.
    RAISES (ValueError): If a file can't be read, or there are no texts.
    """
    inputs = list(inputs)
    if not (items := [*islice(_read_all(inputs, fields), limit)]):
        raise ValueError(f"{', '.join(inputs)}: no texts found")
    return items


def _read_all(inputs: Iterable[str], fields: Fields) -> Iterator[Item]:
    for path, read in find_readers(inputs).items():
        if read is None:
            # One rejection stands for the file.
            yield Rejection(1, "the type of the file is not supported")
        else:
            yield from (item for item, _ in read_to_damage(path, fields, read=read))


def try_texts(nlp: Language, items: Iterable[Item], *, batch_size: int) -> Texts:
    """Annotate texts once, to warm up, and to find those that the pipeline fails on.

    nlp (Language): The pipeline.
    items (Iterable[Entry | Rejection]): The texts.
    batch_size (int): The number of texts per batch.
    RETURNS (Texts): The texts that can be annotated, and the number of others.
    RAISES (ValueError): If there are no characters in any text that can be annotated.
    """
    items = list(items)
    rejections = [item for item in items if isinstance(item, Rejection)]
    entries = (item for item in items if isinstance(item, Entry))
    with nlp.memory_zone():
        annotated = annotate_entries(nlp, entries, batch_size=batch_size, reject=rejections.append)
        texts = [entry.text for entry, _ in annotated]
    rejected = Counter(rejection.reason for rejection in rejections)
    _check(texts, rejected)
    return Texts(texts, rejected)


def _check(texts: list[str], rejected: Counter[str]) -> None:
    if not texts:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in rejected.most_common())
        counted = count_noun(rejected.total(), "rejected text")
        raise ValueError(f"there must be texts that can be annotated, got {counted}: {reasons}")
    if not any(text.strip() for text in texts):
        counted = count_noun(len(texts), "empty text")
        raise ValueError(f"there must be texts to measure, got {counted}")
