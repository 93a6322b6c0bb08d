"""spaCy's DocBin, with entities in `doc.ents`, all of them in a span group if some overlap, and
attributes and relations in `doc.user_data`. Relations of the project template `rel_component` are
read as well.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ..doc.origin import META
from ..doc.plurals import count_noun
from ..doc.rel_component import RelFindings, adopt_rel
from ..files.docbin import SUFFIX, pack, read_docbin
from .annotated_text import AnnotatedText, AnnotationError, check_annotations, errors_at
from .docs import from_docs, to_docs
from .format import Format
from .report import ConversionReport
from .scores import ALL_SCORES


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
        keeps_source=True,
        keeps_identifiers=True,
        keeps_scores=ALL_SCORES,
    )


def read(
    path: Path, report: ConversionReport, *, spans_key: str | None = None
) -> Iterator[AnnotatedText]:
    """Read the docs of a file as texts."""
    docs = read_docs(path, Vocab(), report)
    for annotated in from_docs(docs, report, name=str(path), spans_key=spans_key):
        is_valid = False
        with report.rejecting(), errors_at(annotated.place):
            check_annotations(annotated)
            is_valid = True
        if is_valid:
            yield annotated


def read_docs(path: Path, vocab: Vocab, report: ConversionReport) -> Iterator[Doc]:
    """Read the docs of a file, with the relations in `doc._.rel` as `doc._.relations`.

    path (Path): The file.
    vocab (Vocab): The vocabulary of the docs.
    report (ConversionReport): The report, to count what `doc._.relations` can't hold.
    YIELDS (Doc): The docs.
    """
    for number, doc in enumerate(read_docbin(path, vocab), start=1):
        _report_rel(adopt_rel(doc), f"{path}, doc {number}", report)
        yield doc


def _report_rel(found: RelFindings, place: str, report: ConversionReport) -> None:
    for case in found.lost:
        report.lose(WITHOUT_ENDS, place, case)
    for case in found.chosen:
        report.choose(SAME_START, place, case)
    if found.unread:
        report.choose(BOTH_RELATIONS, place, f"{count_noun(found.unread, 'relation')} in doc._.rel")


WITHOUT_ENDS = "relations in doc._.rel between tokens of which one is the start of no entity"
SAME_START = "entities of relations in doc._.rel chosen among several with the same start"
BOTH_RELATIONS = "docs with doc._.rel beside doc._.relations (only doc._.relations is read)"


def write(
    texts: Iterable[AnnotatedText],
    path: Path,
    report: ConversionReport,
    *,
    nlp: Language,
    spans_key: str | None = None,
) -> None:
    """Write texts as docs to a file."""
    docs = to_docs(map(check_meta, texts), nlp, report, spans_key=spans_key)
    DocBin(docs=docs, store_user_data=True).to_disk(path)


def check_meta(annotated: AnnotatedText) -> AnnotatedText:
    """Check that a DocBin can hold the metadata of a text.

    annotated (AnnotatedText): The text.
    RETURNS (AnnotatedText): The same text.
    RAISES (AnnotationError): If it can't.
    """
    try:
        pack({META: annotated.meta})
    except (OverflowError, ValueError) as error:
        raise AnnotationError(
            f"{annotated.place}: the metadata can't be stored in a DocBin ({error})"
        ) from error
    return annotated
