"""spaCy's DocBin, with entities in `doc.ents`, all of them in a span group if some overlap, and
attributes and relations in `doc.user_data`.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from spacy.language import Language
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from ..doc.origin import META
from ..files.docbin import SUFFIX, pack, read_docbin
from .annotated_text import AnnotatedText, AnnotationError, check_annotations, errors_at
from .docs import from_docs, to_docs
from .format import Format
from .report import ConversionReport


def docbin_format(nlp: Language, *, spans_key: str | None = None) -> Format:
    """Define the format of files for training.

    nlp (Language): The pipeline that tokenizes texts without tokens.
    spans_key (str | None): The span group for all entities, see `from_docs` and `to_docs`.
    RETURNS (Format): The format.
    """
    return Format(
        "spacy",
        "spaCy's DocBin for training",
        SUFFIX,
        recognizes=lambda path, item: path.suffix.lower() == SUFFIX,
        read=partial(read, spans_key=spans_key),
        write=partial(write, nlp=nlp, spans_key=spans_key),
        keeps_unannotated=True,
        keeps_missing_entities=True,
        keeps_attributes=True,
        keeps_missing_attributes=True,
        holds_docs=True,
    )


def read(
    path: Path, report: ConversionReport, *, spans_key: str | None = None
) -> Iterator[AnnotatedText]:
    """Read the docs of a file as texts."""
    docs = read_docbin(path, Vocab())
    for annotated in from_docs(docs, report, name=str(path), spans_key=spans_key):
        is_valid = False
        with report.rejecting(), errors_at(annotated.place):
            check_annotations(annotated)
            is_valid = True
        if is_valid:
            yield annotated


def write(
    texts: Iterable[AnnotatedText],
    path: Path,
    report: ConversionReport,
    *,
    nlp: Language,
    spans_key: str | None = None,
) -> None:
    """Write texts as docs to a file."""
    docs = to_docs(map(_check_meta, texts), nlp, report, spans_key=spans_key)
    DocBin(docs=docs, store_user_data=True).to_disk(path)


def _check_meta(annotated: AnnotatedText) -> AnnotatedText:
    try:
        pack({META: annotated.meta})
    except (OverflowError, ValueError) as error:
        raise AnnotationError(
            f"{annotated.place}: the metadata can't be stored in a DocBin ({error})"
        ) from error
    return annotated
