"""DocBin for spaCy's project template `rel_component`, with relations in `doc._.rel`.

It has one `doc.ents` without overlaps, and no attributes of entities.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from spacy.language import Language
from spacy.tokens import DocBin

from ..doc.rel_component import set_rel
from ..doc.relation import get_relations
from ..files.docbin import SUFFIX
from .annotated_text import AnnotatedText
from .docbin import check_meta, read
from .docs import to_docs
from .entities import UNANNOTATED
from .format import Format
from .report import ConversionReport


def rel_component_format(nlp: Language, *, spans_key: str | None = None) -> Format:
    """Define the format of files for the template. When a format is detected, such a file is in
    the format of all DocBins, which reads it too.

    nlp (Language): The pipeline that tokenizes texts without tokens.
    spans_key (str | None): The span group to read all entities from, see `from_docs`.
    RETURNS (Format): The format.
    """
    return Format(
        "rel_component",
        "DocBin for spaCy's project template rel_component",
        SUFFIX,
        recognizes=lambda path, item: False,
        read=partial(read, spans_key=spans_key),
        write=partial(write, nlp=nlp),
        keeps_unannotated=True,
        keeps_missing_entities=True,
        keeps_source=True,
        keeps_identifiers=True,
    )


def write(
    texts: Iterable[AnnotatedText], path: Path, report: ConversionReport, *, nlp: Language
) -> None:
    """Write texts as docs to a file. Each pair of entities has a score for each label of the file,
    which the template learns from. It can't tell unannotated relations from none.
    """
    docs = [*to_docs(_report_unannotated(texts, report), nlp, report)]
    labels = {relation.label: None for doc in docs for relation in get_relations(doc)}
    for doc in docs:
        set_rel(doc, labels)
    DocBin(docs=docs, store_user_data=True).to_disk(path)


def _report_unannotated(
    texts: Iterable[AnnotatedText], report: ConversionReport
) -> Iterator[AnnotatedText]:
    for annotated in map(check_meta, texts):
        if not annotated.has_relations:
            report.choose(f"{UNANNOTATED}, written as none", annotated.place, "")
        yield annotated
