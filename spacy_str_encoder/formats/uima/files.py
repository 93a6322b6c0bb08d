"""The documents in what INCEpTION exports."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..annotated_text import AnnotationError
from ..report import ConversionReport

TYPE_SYSTEM = "TypeSystem.xml"
# Documents as they were before anybody annotated them; a project has them beside the others.
INITIAL = ("INITIAL_CAS.xmi", "INITIAL_CAS.zip")
AnyPath = Path | zipfile.Path


@dataclass(frozen=True)
class Document:
    """A document: where it is, and what its files hold.

    place (str): The path of the .xmi, through archives too.
    xmi (bytes): The annotated text.
    type_system (bytes): The type system.
    """

    place: str
    xmi: bytes
    type_system: bytes


def find_documents(path: Path, report: ConversionReport) -> Iterator[Document]:
    """Find the documents of an export.

    path (Path): An .xmi, or a .zip or a folder with such, also in folders or archives within it.
    report (ConversionReport): Tells what is left out.
    YIELDS (Document): The documents.
    RAISES (ValueError): If there is none, one has no type system, or an archive is broken.
    """
    beside = None if path.is_dir() else _find_type_system(path.parent.iterdir())
    empty = True
    for document in _visit(path, str(path), beside, report):
        empty = False
        yield document
    if empty:
        raise ValueError(f"{path}: there is no .xmi in it; export it as UIMA CAS XMI (XML 1.0)")


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
            raise AnnotationError(f"{place}: there is no {TYPE_SYSTEM} beside it")
        yield Document(place, entry.read_bytes(), type_system.read_bytes())


def _visit_folder(
    folder: AnyPath, place: str, type_system: AnyPath | None, report: ConversionReport
) -> Iterator[Document]:
    entries: list[AnyPath] = sorted(folder.iterdir(), key=lambda entry: entry.name)
    type_system = _find_type_system(entries) or type_system
    for entry in entries:
        inner = f"{place}/{entry.name}"
        if entry.name in INITIAL:
            report.choose("documents before anybody annotated them, left out", inner, "all of it")
        elif not entry.name.startswith("."):
            yield from _visit(entry, inner, type_system, report)


def _visit_archive(entry: AnyPath, place: str, report: ConversionReport) -> Iterator[Document]:
    try:
        with entry.open("rb") as file:
            folder = zipfile.Path(zipfile.ZipFile(file))
            yield from _visit_folder(folder, place, None, report)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{place}: the archive is broken ({error})") from error
    except RuntimeError as error:  # which zipfile raises for what is encrypted
        raise ValueError(f"{place}: the archive can't be read ({error})") from error
