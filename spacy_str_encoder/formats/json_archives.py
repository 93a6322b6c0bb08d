"""Exports that are a .zip of files of JSON texts."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .annotated_text import errors_at
from .archives import AnyPath, archive_errors, check_size, is_small
from .reading import read_items
from .report import ConversionReport


def is_export(path: Path, suffix: str, matches: Callable[[Any], bool]) -> bool:
    """Check whether a file is an archive that holds texts in a format.

    path (Path): The file.
    suffix (str): The suffix of the files in the archive.
    matches (Callable[[Any], bool]): Function that tells if an object may be in the format.
    RETURNS (bool): Whether the first text of any file is in the format.
    """
    if path.suffix.lower() != ".zip" or not zipfile.is_zipfile(path):
        return False
    with suppress(ValueError), archive_errors(), zipfile.ZipFile(path) as archive:
        report = ConversionReport(skip_bad=True)
        small = filter(is_small, _list_members(archive, suffix))
        firsts = (next(read_items(each, report), None) for each in small)
        return any(isinstance(item, dict) and matches(item) for _, item in filter(None, firsts))
    return False


@contextmanager
def open_files(path: Path, suffix: str) -> Iterator[Sequence[AnyPath]]:
    """Open an archive, unless a file is none.

    path (Path): The file, or the .zip.
    suffix (str): The suffix of the files in the archive, such as ".jsonl".
    YIELDS (Sequence[Path | zipfile.Path]): The file, or those of the archive.
    RAISES (ValueError): If the archive can't be read, or has no such files.
    """
    if path.suffix.lower() != ".zip":
        yield [path]
        return
    with archive_errors(str(path)), zipfile.ZipFile(path) as archive:
        members = _list_members(archive, suffix)
        if not members:
            form = suffix.removeprefix(".").upper()
            raise ValueError(
                f"{path}: no {suffix} files in the archive; export the project as {form}"
            )
        for member in members:
            with errors_at(str(member)):
                check_size(member)
        yield members


def _list_members(archive: zipfile.ZipFile, suffix: str) -> list[zipfile.Path]:
    # macOS adds files whose names begin with a dot.
    paths = (zipfile.Path(archive, name) for name in sorted(archive.namelist()))
    return [each for each in paths if each.name.endswith(suffix) and each.name[0] != "."]
