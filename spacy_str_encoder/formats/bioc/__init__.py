"""BioC XML, as of BC5CDR, BioRED and the exports of PubTator. It is read, not written.

A document has passages, or sentences within passages, with an offset and a text; annotations with a
location and a text; and relations. All passages of a document are one text, each on lines of its
own. The label of an annotation is its infon `type`, that of a relation its infon `relation type`,
`type` or `relation`. If further infons of a relation name two concepts of annotations, it is read
between the closest mentions of these, otherwise from its first to its second node. Old files write
a relation as an annotation without a location, whose infons name two concepts or annotations. All
other infons are left out, but those of a document become metadata, as its `id` does.

Source: https://bioc.sourceforge.net
"""

from pathlib import Path
from xml.etree import ElementTree

from ..format import Format
from .reader import read

SUFFIX = ".bioc"
# Other formats have .xml files too, so that a folder with some may not be one of BioC.
SUFFIXES = (SUFFIX, ".biocxml", ".xml")


def recognizes(path: Path, item: object) -> bool:
    """Recognize a file by its name and its first element."""
    if not path.is_file() or path.suffix.lower() not in SUFFIXES:
        return False
    try:
        _, root = next(iter(ElementTree.iterparse(path, events=("start",))))
    except (ElementTree.ParseError, LookupError, ValueError, StopIteration):
        return False
    return root.tag == "collection"


FORMAT = Format(
    "bioc",
    "BioC XML",
    SUFFIX,
    recognizes=recognizes,
    read=read,
)
