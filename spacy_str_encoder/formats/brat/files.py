"""Documents of a folder: pairs of a .txt and an .ann, whose suffixes may be in capitals."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..annotated_text import AnnotationError
from ..report import ConversionReport

TEXT, LINES = ".txt", ".ann"
WITHOUT_LINES = ".txt files without .ann; brat keeps the annotations of NAME.txt in NAME.ann"
WITHOUT_TEXTS = "no .txt beside the .ann files; brat keeps the text of NAME.ann in NAME.txt"


@dataclass(frozen=True)
class Document:
    """Name and files of a document.

    stem (Path): The path of its files, without their suffix.
    files (list[Path]): Its files.
    folder (Path | None): The folder that its files must not lead out of.
    """

    stem: Path
    files: list[Path]
    folder: Path | None = None

    def find(self, suffix: str) -> Path | None:
        """Find a file of the document.

        suffix (str): The suffix, in lower case.
        RETURNS (Path | None): The file; None if there is none.
        RAISES (AnnotationError): If there are two, or it is a symbolic link that can't be followed.
        """
        found = [file for file in self.files if file.suffix.lower() == suffix]
        if len(found) > 1:
            raise AnnotationError(
                f"{found[0]}: there must be one {suffix} file of this name, but {found[1].name} is "
                "beside it; rename one of them"
            )
        for file in found:
            self._check_link(file)
        return found[0] if found else None

    def _check_link(self, file: Path) -> None:
        if self.folder is not None and leads_out(file, self.folder):
            raise AnnotationError(
                f"{file}: the symbolic link leads out of the folder {self.folder}; replace it with "
                "a copy of the file"
            )
        if not file.exists():
            raise AnnotationError(f"{file}: the symbolic link leads to no file")


def has_lines(path: Path) -> bool:
    """Check whether a folder has any annotations, or a .txt or .ann file belongs to some.

    path (Path): The folder or file.
    RETURNS (bool): Whether there is an .ann file.
    """
    files = path.rglob("*") if path.is_dir() else _find_pair(path)
    return any(file.suffix.lower() == LINES for file in files)


def find_documents(path: Path, report: ConversionReport) -> list[Document]:
    """Find the documents of a folder and its inner folders, or that of a file.

    path (Path): The folder, or a .txt or .ann file.
    report (ConversionReport): The report, to count links to other folders.
    RETURNS (list[Document]): The documents, in order.
    RAISES (ValueError): If there are none, no annotations, or no texts of any annotations.
    """
    files = _find_files(path, report)
    if not any(file.suffix.lower() == LINES for file in files):
        missing = WITHOUT_LINES if files else "no .txt or .ann file"
        raise ValueError(f"{path}: {missing}")
    stems: dict[Path, list[Path]] = {}
    for file in files:
        stems.setdefault(file.with_suffix(""), []).append(file)
    if path.is_dir() and not any(_have_text_and_lines(each) for each in stems.values()):
        raise ValueError(f"{path}: {WITHOUT_TEXTS}")
    folder = path if path.is_dir() else None
    return [Document(stem, stems[stem], folder) for stem in sorted(stems)]


def _have_text_and_lines(files: list[Path]) -> bool:
    return {file.suffix.lower() for file in files} == {TEXT, LINES}


def _find_files(path: Path, report: ConversionReport) -> list[Path]:
    if path.is_dir():
        return list(_visit(path, path, [os.path.realpath(path)], report))
    return _find_pair(path)


def _find_pair(path: Path) -> list[Path]:
    suffix = path.suffix.lower()
    if suffix not in (TEXT, LINES):
        return []
    other = path.with_suffix(LINES if suffix == TEXT else TEXT)
    # To list the folder for each of its files takes long.
    if other.exists():
        return [path, other]
    others = (file for file in path.parent.iterdir() if file.stem == path.stem)
    return [path, *(file for file in others if file.suffix.lower() == other.suffix)]


def _visit(folder: Path, root: Path, above: list[str], report: ConversionReport) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        # brat does not show hidden files, and other programs leave copies in hidden folders.
        if entry.name.startswith("."):
            continue
        if not entry.is_dir():
            if entry.suffix.lower() in (TEXT, LINES):
                yield entry
        elif leads_out(entry, root):
            reason = "symbolic links that lead out of the folder"
            report.lose_other(reason, str(entry), os.path.realpath(entry))
        # A link to a folder above would never end.
        elif (place := os.path.realpath(entry)) not in above:
            yield from _visit(entry, root, [*above, place], report)


def leads_out(entry: Path, folder: Path) -> bool:
    """Check whether a file or folder is a symbolic link that leads out of a folder.

    entry (Path): The file or folder.
    folder (Path): The folder.
    RETURNS (bool): Whether it leads out.
    """
    target = Path(os.path.realpath(entry))
    return entry.is_symlink() and not target.is_relative_to(os.path.realpath(folder))
