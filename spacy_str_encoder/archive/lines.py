"""The lines of a file, plain or compressed, none so long that it fills the memory."""

import gzip
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import DEFAULT_BUFFER_SIZE
from pathlib import Path
from typing import BinaryIO, cast
from zlib import error as ZlibError

GZIP_SUFFIX = ".gz"
# In bytes. A text may have 4 for each character, and other fields beside it.
MAX_LINE = 64 * 2**20
TOO_LONG = f"it is longer than {MAX_LINE // 2**20} MB"
# What has been read of a file, as a share of it.
Share = Callable[[], float]


class DamagedError(Exception):
    """A file that can be read up to some place, and no further."""


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[BinaryIO, Share]]:
    """Open a file, and decompress what ends in `.gz`. A byte order mark is skipped.

    path (Path): The file.
    YIELDS (tuple[BinaryIO, Callable[[], float]]): What it holds, and how much of it has been read.
    RAISES (DamagedError): If it can't be decompressed.
    """
    with path.open("rb") as raw:
        size = path.stat().st_size or 1
        compressed = path.suffix.lower() == GZIP_SUFFIX
        content = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if compressed else raw
        try:
            if content.peek(3)[:3] == BOM_UTF8:  # type: ignore[attr-defined]
                content.read(3)
            yield content, lambda: raw.tell() / size
        except (EOFError, ZlibError, gzip.BadGzipFile) as error:
            raise DamagedError(f"it can't be decompressed: {error}") from error


def read_lines(content: BinaryIO) -> Iterator[bytes | None]:
    """Read lines.

    content (BinaryIO): The file.
    YIELDS (bytes | None): Each line without its end; None for one that is too long.
    """
    while line := content.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            _skip_line(content)
            yield None
        else:
            yield line.rstrip(b"\r\n")


def _skip_line(content: BinaryIO) -> None:
    while (rest := content.readline(DEFAULT_BUFFER_SIZE)) and not rest.endswith(b"\n"):
        pass
