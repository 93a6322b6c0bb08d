"""Documents in an export of INCEpTION."""

import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..annotated_text import errors_at
from ..archives import AnyPath, archive_errors, check_size
from ..report import ConversionReport

TYPE_SYSTEM = "TypeSystem.xml"
# Unannotated versions of the documents, which the export of a project contains as well.
INITIAL = ("INITIAL_CAS.xmi", "INITIAL_CAS.json", "INITIAL_CAS.zip")
# UIMA CAS JSON has only these fields. A project has other JSON files as well.
CAS_JSON = re.compile(rb'(\xef\xbb\xbf)?\s*\{\s*"%(TYPES|FEATURE_STRUCTURES|VIEWS)"')
MAX_HEAD = 1000


@dataclass(frozen=True)
class Document:
    """Location and files of a document.

    place (str): Its path, which may lead through archives.
    file (Path | zipfile.Path): The .xmi or .json.
    type_system (Path | zipfile.Path | None): The type system of an .xmi, if there is one.
    """

    place: str
    file: AnyPath
    type_system: AnyPath | None

    @property
    def is_json(self) -> bool:
        """RETURNS (bool): Whether the document is UIMA CAS JSON, not XMI."""
        return self.file.name.lower().endswith(".json")


def is_document(entry: AnyPath) -> bool:
    """Check if a file is a document.

    entry (Path | zipfile.Path): The file.
    RETURNS (bool): Whether it is XMI by its name, or UIMA CAS JSON by its name and first field.
    """
    if not entry.name.lower().endswith(".json"):
        return entry.name.endswith(".xmi")
    with entry.open("rb") as file:
        return CAS_JSON.match(file.read(MAX_HEAD)) is not None


def find_documents(path: Path, report: ConversionReport) -> Iterator[Document]:
    """Find the documents of an export.

    path (Path): A document, or a .zip or folder that contains some, also in inner folders and
        archives.
    report (ConversionReport): The report, to count what is left out.
    YIELDS (Document): The documents. Their files can be read until the next one is asked for.
    RAISES (ValueError): If there are no documents, or an archive is damaged.
    """
    beside = None if path.is_dir() else _find_type_system(path.parent.iterdir())
    empty = True
    for document in _visit(path, str(path), beside, report):
        empty = False
        yield document
    if empty:
        raise ValueError(
            f"{path}: no .xmi files and no UIMA CAS JSON; export the project as UIMA CAS XMI (XML "
            "1.0) or UIMA CAS JSON"
        )


def _find_type_system(entries: Iterable[AnyPath]) -> AnyPath | None:
    return next((entry for entry in entries if entry.name.lower() == TYPE_SYSTEM.lower()), None)


def _visit(
    entry: AnyPath, place: str, type_system: AnyPath | None, report: ConversionReport
) -> Iterator[Document]:
    if entry.is_dir():
        yield from _visit_folder(entry, place, type_system, report)
    elif entry.name.endswith(".zip"):
        yield from _visit_archive(entry, place, report)
    elif is_document(entry):
        yield Document(place, entry, type_system)


def _visit_folder(
    folder: AnyPath, place: str, type_system: AnyPath | None, report: ConversionReport
) -> Iterator[Document]:
    entries: list[AnyPath] = sorted(folder.iterdir(), key=lambda entry: entry.name)
    type_system = _find_type_system(entries) or type_system
    for entry in entries:
        inner = f"{place}/{entry.name}"
        if entry.name in INITIAL:
            report.choose("unannotated versions of documents, left out", inner, "the whole text")
        elif not entry.name.startswith("."):
            yield from _visit(entry, inner, type_system, report)


def _visit_archive(entry: AnyPath, place: str, report: ConversionReport) -> Iterator[Document]:
    with errors_at(place):
        check_size(entry)
    with archive_errors(place), entry.open("rb") as file:
        yield from _visit_folder(zipfile.Path(zipfile.ZipFile(file)), place, None, report)
