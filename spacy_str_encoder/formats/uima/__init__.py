"""UIMA CAS as exported by INCEpTION: one .xmi per document with a TypeSystem.xml, or one .json
(UIMA CAS JSON), in a folder or in the .zip of a document or a project. Documents are written as
.xmi.

Entities are annotations of the layer NamedEntity, or of layers that the project defines; relations
point from `Governor` to `Dependent`. Their label is the feature `value` or `label`, or else the
first string feature, or else the name of the layer. Links, such as the arguments of an event, are
read as relations, labeled with their role or else the name of the feature. The other features of
entities, strings, booleans and numbers, are attributes: true is "true", while false, 0 and empty
strings are no attribute, since UIMA stores them for what nobody set. INCEpTION adds no features to
NamedEntity, so if any entity has attributes or a score, all entities are written to the layer
`webanno.custom.Entity`. The features `score`, and `score_given_entities` of relations, hold the
scores of predictions (0 is none), which are read if they are asked for. Offsets count UTF-16 code
units; dkpro-cassis converts them.

Source: https://inception-project.github.io
"""

import re
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

from ..format import DEFAULT_OPTIONS, Format, ReadOptions
from ..scores import ENTITIES, RELATIONS
from .files import is_document
from .reader import read
from .writer import write

# The export of a project contains a file or an archive for each document and annotator.
EXPORTED = re.compile(r"\.xmi$|(annotation|curation)/.+\.(zip|json)$")


def recognizes(path: Path, item: Any) -> bool:
    """Recognize an .xmi file, UIMA CAS JSON, an export of INCEpTION, or a folder with any."""
    if path.is_dir():
        return any(map(_is_export, filter(Path.is_file, path.rglob("*"))))
    return _is_export(path)


def _is_export(path: Path) -> bool:
    if path.suffix != ".zip":
        return is_document(path)
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as export:
        return any(EXPORTED.search(name) for name in export.namelist())


def uima_format(options: ReadOptions = DEFAULT_OPTIONS) -> Format:
    """Define the format.

    options (ReadOptions): Whether to read scores.
    RETURNS (Format): The format.
    """
    return Format(
        "uima",
        "UIMA CAS XMI or JSON of INCEpTION (folder)",
        "",
        recognizes=recognizes,
        read=partial(read, predictions=options.predictions),
        write=write,
        keeps_attributes=True,
        keeps_scores=(ENTITIES, RELATIONS),
    )
