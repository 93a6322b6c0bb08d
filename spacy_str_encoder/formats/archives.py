"""Zip archives: paths of their members, and limits that keep small archives from filling memory."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .annotated_text import AnnotationError

AnyPath = Path | zipfile.Path
# Maximum size of an uncompressed member, in bytes. zipfile reads no more than an archive declares.
MAX_MEMBER = 2**28


def is_small(entry: AnyPath) -> bool:
    """Check whether a file is small enough to be read.

    entry (Path | zipfile.Path): The file. It may have any size, unless it is in an archive.
    RETURNS (bool): Whether it is.
    """
    return not isinstance(entry, zipfile.Path) or _get_size(entry) <= MAX_MEMBER


def _get_size(member: zipfile.Path) -> int:
    return member.root.getinfo(member.at).file_size


def check_size(entry: AnyPath) -> None:
    """Check that a file is small enough to be read, see `is_small`.

    entry (Path | zipfile.Path): The file.
    RAISES (AnnotationError): If it is too large.
    """
    if isinstance(entry, zipfile.Path) and not is_small(entry):
        raise AnnotationError(
            f"files in an archive must have at most {MAX_MEMBER} bytes, got {_get_size(entry)}; if "
            "you trust the archive, extract it first"
        )


@contextmanager
def archive_errors(place: str = "") -> Iterator[None]:
    """Raise the errors of a damaged or encrypted archive as annotation errors.

    place (str): The location of the archive, for the message, unless the caller adds it.
    RAISES (AnnotationError): If the archive can't be read.
    """
    prefix = f"{place}: " if place else ""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise AnnotationError(f"{prefix}the archive is damaged ({error})") from error
    except (NotImplementedError, RuntimeError) as error:  # encrypted, or an unknown compression
        raise AnnotationError(f"{prefix}the archive can't be read ({error})") from error
