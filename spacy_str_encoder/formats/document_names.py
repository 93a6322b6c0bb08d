"""Names of the files of documents, for formats that are folders."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from ..doc.origin import ID
from .annotated_text import AnnotatedText
from .report import ConversionReport

# What some file system forbids, hides or trims, what leads out of the folder, and folders that are
# named as the files of another document may be.
UNSAFE = re.compile(
    r'[\\:*?"<>|\x00-\x1f\x7f]|(^|/)[./ ]|[./ ](/|$)|\.(txt|ann|xmi|xml|conf)/', re.IGNORECASE
)
MAX_BYTES = 200


def name_documents(
    texts: Iterable[AnnotatedText], report: ConversionReport
) -> Iterator[tuple[str, AnnotatedText]]:
    """Give each text a name for its file: the id in its meta data, or a number.

    texts (Iterable[AnnotatedText]): The texts.
    report (ConversionReport): Tells which ids are no names, or are those of an earlier text.
    YIELDS (tuple[str, AnnotatedText]): The name, a relative path without suffix, and the text.
    """
    taken: set[str] = set()
    for number, annotated in enumerate(texts, start=1):
        name = _as_name(annotated.meta.get(ID))
        if name is None or _key(name) in taken:
            if ID in annotated.meta:
                reason = "documents whose id is no name for a file or not the only one, numbered"
                report.choose(reason, annotated.place, repr(annotated.meta[ID]))
            name = next(name for i in count(number) if (name := f"{i:06}") not in taken)
        taken.add(_key(name))
        yield name, annotated


def _as_name(document_id: Any) -> str | None:
    name = str(document_id) if type(document_id) in (str, int) else ""
    too_long = any(len(part.encode()) > MAX_BYTES for part in name.split("/"))
    return None if not name or too_long or UNSAFE.search(name) else name


def _key(name: str) -> str:
    # Some file systems take capitals, or composed characters, for the same.
    return unicodedata.normalize("NFC", name).casefold()
