"""Documents in an export of INCEpTION."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..annotated_text import AnnotationError
from ..report import ConversionReport

TYPE_SYSTEM = "TypeSystem.xml"
# Unannotated versions of the documents, which the export of a project contains as well.
INITIAL = ("INITIAL_CAS.xmi", "INITIAL_CAS.zip")
AnyPath = Path | zipfile.Path


@dataclass(frozen=True)
class Document:
    """Location and files of a document.

    place (str): The path of the .xmi, which may lead through archives.
    xmi (bytes): The annotated text.
    type_system (bytes): The type system.
    """

    place: str
    xmi: bytes
    type_system: bytes


def find_documents(path: Path, report: ConversionReport) -> Iterator[Document]:
    """Find the documents of an export.

    path (Path): An .xmi file, or a .zip or folder that contains some, also in inner folders and
        archives.
    report (ConversionReport): The report, to count what is left out.
    YIELDS (Document): The documents.
    RAISES (ValueError): If there are no documents, a type system is missing, or an archive is
        damaged.
    """
    beside = None if path.is_dir() else _find_type_system(path.parent.iterdir())
    empty = True
    for document in _visit(path, str(path), beside, report):
        empty = False
        yield document
    if empty:
        raise ValueError(f"{path}: no .xmi files; export the project as UIMA CAS XMI (XML 1.0)")


def _find_type_system(entries: Iterable[AnyPath]) -> AnyPath | None:
    return next((entry for entry in entries if entry.name.lower() == TYPE_SYSTEM.lower()), None)


def _visit(
    entry: AnyPath, place: str, type_system: AnyPath | None, report: ConversionReport
) -> Iterator[Document]:
    if entry.is_dir():
        yield from _visit_folder(entry, place, type_system, report)
    elif entry.name.endswith(".zip"):
        yield from _visit_archive(entry, place, report)
    elif entry.name.endswith(".xmi"):
        if type_system is None:
            raise AnnotationError(f"{place}: {TYPE_SYSTEM} is missing in the same folder")
        yield Document(place, entry.read_bytes(), type_system.read_bytes())


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
    try:
        with entry.open("rb") as file:
            folder = zipfile.Path(zipfile.ZipFile(file))
            yield from _visit_folder(folder, place, None, report)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{place}: the archive is damaged ({error})") from error
    except RuntimeError as error:  # which zipfile raises for encrypted archives
        raise ValueError(f"{place}: the archive can't be read ({error})") from error
