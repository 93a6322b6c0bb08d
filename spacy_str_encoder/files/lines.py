"""Lines of plain or compressed files, with a limit on their length that protects the memory."""

import gzip
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import DEFAULT_BUFFER_SIZE
from pathlib import Path
from typing import BinaryIO, cast
from zlib import error as ZlibError

GZIP_SUFFIX = ".gz"
# In bytes. A character takes up to 4, and a line may have other fields beside the text.
MAX_LINE = 64 * 2**20
TOO_LONG = f"longer than {MAX_LINE // 2**20} MB"
# Returns the share of a file that has been read.
Share = Callable[[], float]


class DamagedError(Exception):
    """A file that can't be read beyond some point."""


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[BinaryIO, Share]]:
    """Open a file, and decompress it if its name ends in `.gz`. A byte order mark is skipped.

    path (Path): The file.
    YIELDS (tuple[BinaryIO, Callable[[], float]]): The content, and a function that returns the
        share of the file that has been read.
    RAISES (DamagedError): If the file can't be decompressed.
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
            raise DamagedError(f"decompression failed: {error}") from error


def read_lines(content: BinaryIO) -> Iterator[bytes | None]:
    """Read the lines of a file.

    content (BinaryIO): The file.
    YIELDS (bytes | None): Each line without its line break; None for a line that is too long.
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


def advise_to_convert(line: bytes) -> str:
    """Suggest a fix for a file that is not UTF-8.

    line (bytes): The line that can't be decoded.
    RETURNS (str): The advice, to be appended to an error message.
    """
    is_utf16 = line.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    encoding = "UTF-16" if is_utf16 else "ENCODING (such as GB18030 or CP1252)"
    return f"if it is a text file, convert it with iconv -f {encoding} -t UTF-8"
