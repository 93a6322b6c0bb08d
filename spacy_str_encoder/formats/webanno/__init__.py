"""WebAnno TSV 3, which WebAnno and INCEpTION export: one .tsv per document, or a folder of them.

The header declares layers of spans (`#T_SP=layer|feature`) and of relations
(`#T_RL=layer|feature|BT_layer`), with a column for each feature. Rows are tokens, or parts of them
(`1-2.1`). `_` is no annotation, `*` no value; `|` separates annotations at one place, and a number
(`PER[1]`) joins the rows of an annotation. A relation is in the row of its tail, and refers to its
head (`1-3[1_2]`). Layers, labels and attributes are chosen as for UIMA, but since the types of
features are unknown, "false" and "0" are no attribute in any of them. Offsets count UTF-16 code
units. The text between two sentences is not in the file: a line break is read, and spaces after it.

Source: https://inception-project.github.io (user guide, WebAnno TSV 3.3 File format)
"""

from pathlib import Path
from typing import Any

from ..format import Format
from .reader import is_document, read


def recognizes(path: Path, item: Any) -> bool:
    """Recognize a file by its first line, or a folder with such files."""
    return any(map(is_document, path.rglob("*"))) if path.is_dir() else is_document(path)


FORMAT = Format(
    "webanno-tsv",
    "WebAnno TSV 3 of WebAnno and INCEpTION (only read)",
    "",
    recognizes=recognizes,
    read=read,
    # INCEpTION advises against this format, and reads UIMA as well.
    write=None,
    keeps_attributes=True,
)
