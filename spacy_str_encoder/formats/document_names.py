"""File names of documents, for formats that are folders."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from ..doc.origin import ID
from .annotated_text import AnnotatedText
from .report import ConversionReport

# Names that some file system forbids, hides or trims, that lead out of the folder, or whose folders
# may have the name of another document's file.
UNSAFE = re.compile(
    r'[\\:*?"<>|\x00-\x1f\x7f]|(^|/)[./ ]|[./ ](/|$)|\.(txt|ann|xmi|xml|conf)/', re.IGNORECASE
)
# Names that Windows reserves for devices, with any suffix.
RESERVED = re.compile(r"(^|/)(con|prn|aux|nul|(com|lpt)[0-9\xb2\xb3\xb9]) *(\.|/|$)", re.IGNORECASE)
# Maximum length of a whole name: Windows allows about 250 characters for it and the output folder.
MAX_BYTES = 200


def name_documents(
    texts: Iterable[AnnotatedText], report: ConversionReport
) -> Iterator[tuple[str, AnnotatedText]]:
    """Give each text a file name: the id in its metadata, or a number.

    texts (Iterable[AnnotatedText]): The texts.
    report (ConversionReport): The report, to count ids that are invalid as names or duplicates.
    YIELDS (tuple[str, AnnotatedText]): The name, a relative path without suffix, and the text.
    """
    taken: set[str] = set()
    for number, annotated in enumerate(texts, start=1):
        name = _as_name(annotated.meta.get(ID))
        if name is None or _key(name) in taken:
            if ID in annotated.meta:
                reason = "documents named by a number, as their id is no file name or a duplicate"
                report.choose(reason, annotated.place, repr(annotated.meta[ID]))
            name = next(name for i in count(number) if (name := f"{i:06}") not in taken)
        taken.add(_key(name))
        yield name, annotated


def _as_name(document_id: Any) -> str | None:
    name = str(document_id) if type(document_id) in (str, int) else ""
    too_long = len(name.encode()) > MAX_BYTES
    is_invalid = too_long or UNSAFE.search(name) or RESERVED.search(name)
    return None if not name or is_invalid else name


def _key(name: str) -> str:
    # Some file systems ignore case, or the composition of characters.
    return unicodedata.normalize("NFC", name).casefold()
