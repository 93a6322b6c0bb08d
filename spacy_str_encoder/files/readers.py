"""Readers: iterate over the texts of a file, each an entry or a rejection.

Files are streamed, so that memory does not grow with their size. Files of docs and JSON arrays are
the exceptions: they are read as a whole.
"""

import csv
import json
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from spacy.vocab import Vocab

from ..doc.origin import META, read_identifier
from ..doc.plurals import count_noun
from .docbin import SUFFIX as DOCS_SUFFIX
from .docbin import pack, read_docbin
from .entries import Entry, Item, Rejection
from .lines import (
    GZIP_SUFFIX,
    MAX_LINE,
    TOO_LONG,
    DamagedError,
    advise_to_convert,
    open_bytes,
    read_lines,
)
from .parquet import require_pyarrow

ROWS_AT_ONCE = 256
NOT_UTF8 = "not UTF-8"
# Columns that tell a table of records.
TABLE_OF_RECORDS = frozenset({"record", "entity", "key", "owner_start", "value"})
COLUMN_NAME = re.compile("[a-z][a-z0-9_]{0,19}")
TEXT, DEFAULT_ID = "text", "id"
# In characters. A dense text of this length takes about 4 GB of memory.
MAX_LENGTH = 50_000


@dataclass(frozen=True)
class Fields:
    """The fields of a row, and the limit for texts.

    text (str): The field, or column, of the text.
    id (str): The field, or column, of the identifier.
    max_length (int): The maximum number of characters per text.
    subject (str | None): The field, or column, of the identifier of the patient; None if it is not
        read.
    """

    text: str = TEXT
    id: str = DEFAULT_ID
    max_length: int = MAX_LENGTH
    subject: str | None = None


# The items of a file, each with the share of the file that has been read so far.
Reading = Iterator[tuple[Item, float]]
Reader = Callable[[Path, Fields], Reading]


def read_to_damage(path: Path, fields: Fields, *, read: Reader) -> Reading:
    """Read a file up to where it is damaged. A single rejection stands for the rest.

    path (Path): The file.
    fields (Fields): The fields of texts and identifiers.
    read (Reader): Reads files of this type.
    YIELDS (tuple[Entry | Rejection, float]): The items, and the share of the file read so far.
    RAISES (OSError): If the file can't be read now, but maybe later.
    RAISES (ValueError): If the file is a table without the columns.
    """
    number = 0
    try:
        for item, share in read(path, fields):
            number = item.number
            yield item, share
    except DamagedError as error:
        yield Rejection(number + 1, f"the file can't be read beyond this point: {error}"), 1.0


def read_text_lines(path: Path, fields: Fields) -> Reading:
    """Read a file with one text per line. Blank lines are skipped."""
    return _read_each_line(path, fields, _parse_text)


def read_json_lines(path: Path, fields: Fields) -> Reading:
    """Read a file of JSON lines. Blank lines are skipped."""
    return _read_each_line(path, fields, _parse_json)


def read_json(path: Path, fields: Fields) -> Reading:
    """Read a JSON file, an array of objects or a single one, as a whole; or else JSON lines, which
    some publish under this name.
    """
    rows = _load_rows(path)
    if rows is None:
        yield from read_json_lines(path, fields)
        return
    for number, row in enumerate(rows, start=1):
        yield _parse_row(number, row, fields), number / len(rows)


def _load_rows(path: Path) -> list[Any] | None:
    """RETURNS (list[Any] | None): The rows of a JSON file; None if it has JSON lines."""
    with open_bytes(path) as (content, _):
        _refuse_utf16(content)
        first = content.readline(MAX_LINE)
        # Lines need not be in memory, however many there are.
        if _is_object(first):
            return None
        data = first + content.read()
    try:
        rows = json.loads(data)
    except (RecursionError, ValueError) as error:
        if data.lstrip().startswith(b"["):
            raise DamagedError("not a complete JSON array") from error
        return None
    return rows if isinstance(rows, list) else [rows]


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (RecursionError, ValueError):
        return False


def read_csv(path: Path, fields: Fields) -> Reading:
    """Read a table with a header. Columns are separated by tabs in `.tsv` files, by commas in
    others; both have the quotes of Python's `csv`."""
    csv.field_size_limit(MAX_LINE)
    dialect = "excel-tab" if ".tsv" in map(str.lower, path.suffixes) else "excel"
    with open_bytes(path) as (content, share):
        lines = iter(lambda: content.readline(MAX_LINE), b"")
        # Surrogates stand for bytes that are not UTF-8, so that only their own row is rejected.
        texts = (line.decode("utf-8", "surrogateescape") for line in lines)
        rows = _read_rows(texts, dialect)
        first = next(rows, [])
        header = first if isinstance(first, list) else []
        _require_utf8(path, header)
        _require_columns(path, header, fields, listed=_describe_header(header))
        for number, row in enumerate(rows, start=1):
            if row:
                yield _parse_cells(number, row, header, fields), share()


def read_parquet(path: Path, fields: Fields) -> Reading:
    """Read a Parquet file."""
    require_pyarrow()
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            names, total = file.schema_arrow.names, file.metadata.num_rows
            listed = ", ".join(map(repr, names)) or "none"
            _require_columns(path, names, fields, listed=f"the columns are {listed}")
            wanted = (fields.text, fields.id, fields.subject)
            columns = [name for name in dict.fromkeys(wanted) if name is not None and name in names]
            number = 0
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=columns):
                for row in range(batch.num_rows):
                    number += 1
                    values = {name: batch.column(name)[row] for name in columns}
                    yield _parse_values(number, values, fields), number / total
    except (ArrowException, OSError) as error:
        # Errors of the system have a number, those about the content have none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DamagedError("not a complete Parquet file") from error


def read_docs(path: Path, fields: Fields) -> Reading:
    """Read the texts of docs, with the identifiers in their meta data."""
    try:
        docs = list(read_docbin(path, Vocab()))
    except ValueError as error:
        raise DamagedError("not a DocBin") from error
    for number, doc in enumerate(docs, start=1):
        meta = doc.user_data.get(META)
        row = {**(meta if isinstance(meta, dict) else {}), fields.text: doc.text}
        yield _parse_row(number, row, fields), number / len(docs)


def read_whole(path: Path, fields: Fields) -> Reading:
    """Read a file that is a single text."""
    with open_bytes(path) as (content, _):
        _refuse_utf16(content)
        text = content.read(MAX_LINE + 1)
    yield Rejection(1, TOO_LONG) if len(text) > MAX_LINE else _parse_text(1, text, fields), 1.0


READERS: dict[str, Reader] = {
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".txt": read_text_lines,
    DOCS_SUFFIX: read_docs,
}


COMPRESSIBLE = {".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt"}


FILE_TYPES = (
    f"File names must end in {', '.join(READERS)}; {', '.join(sorted(COMPRESSIBLE))} may also be "
    f"compressed ({GZIP_SUFFIX})."
)


def find_reader(path: Path) -> Reader | None:
    """Find the reader of a file by its name.

    path (Path): The file.
    RETURNS (Reader | None): The reader; None if the file type is not supported.
    """
    suffix = path.suffix.lower()
    if suffix != GZIP_SUFFIX:
        return READERS.get(suffix)
    uncompressed = Path(path.stem).suffix.lower()
    return READERS[uncompressed] if uncompressed in COMPRESSIBLE else None


def _read_each_line(
    path: Path, fields: Fields, parse: Callable[[int, bytes, Fields], Item]
) -> Reading:
    with open_bytes(path) as (content, share):
        _refuse_utf16(content)
        for number, line in enumerate(read_lines(content), start=1):
            if line is None:
                yield Rejection(number, TOO_LONG), share()
            elif line.strip():
                yield parse(number, line, fields), share()


def _parse_text(number: int, line: bytes, fields: Fields) -> Item:
    try:
        return _check(number, line.decode(), None, fields)
    except UnicodeDecodeError:
        return Rejection(number, NOT_UTF8, line.decode(errors="replace"))


def _parse_json(number: int, line: bytes, fields: Fields) -> Item:
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError:
        return Rejection(number, NOT_UTF8, line.decode(errors="replace"))
    except json.JSONDecodeError as error:
        reason = f"not JSON ({error.msg}, column {error.colno})"
        return Rejection(number, reason, line.decode())
    except (RecursionError, ValueError):
        reason = "can't be read as JSON: nested too deeply, or a number has too many digits"
        return Rejection(number, reason, line.decode())
    return _parse_row(number, row, fields)


def _parse_cells(number: int, cells: list[str] | str, header: list[str], fields: Fields) -> Item:
    if isinstance(cells, str):
        return Rejection(number, f"not a row of a table ({cells}); check its quotes")
    if len(cells) != len(header):
        row, table = count_noun(len(cells), "cell"), count_noun(len(header), "column")
        reason = f"the row does not fit the table ({row}, the table has {table})"
        return Rejection(number, reason, ",".join(cells))
    return _parse_row(number, dict(zip(header, cells, strict=True)), fields)


def _parse_values(number: int, values: Mapping[str, Any], fields: Fields) -> Item:
    try:
        row = {name: value.as_py() for name, value in values.items()}
    except UnicodeDecodeError:
        return Rejection(number, NOT_UTF8)
    # Dates, decimals and the like become strings.
    for name in (fields.id, fields.subject):
        if name is not None and not isinstance(row.get(name), str | int | float | None):
            row[name] = str(row[name])
    return _parse_row(number, row, fields)


def _parse_row(number: int, row: Any, fields: Fields) -> Item:
    if not isinstance(row, dict):
        return Rejection(number, "not a JSON object", str(row))
    text = row.get(fields.text)
    if text is None:
        return Rejection(number, f"the field '{fields.text}' is missing or null", str(row))
    if not isinstance(text, str):
        problem = f"must be a string, got {type(text).__name__}"
        return Rejection(number, f"the field '{fields.text}' {problem}", str(row))
    subject = None if fields.subject is None else row.get(fields.subject)
    return _check(number, text, row.get(fields.id), fields, subject=subject)


def _check(number: int, text: str, identifier: Any, fields: Fields, *, subject: Any = None) -> Item:
    identifier, subject = map(read_identifier, (identifier, subject))
    if len(text) > fields.max_length:
        counted = count_noun(len(text), "character")
        reason = f"the text is too long ({counted}, the maximum is {fields.max_length:,})"
        return Rejection(number, reason, text)
    try:
        json.dumps([text, identifier, subject], ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError):
        content = text.encode(errors="replace").decode()
        # Surrogates for the bytes of a table that are not UTF-8, see `read_csv`.
        is_utf8 = not re.search("[\udc80-\udcff]", text)
        reason = "the text or an identifier can't be written as JSON" if is_utf8 else NOT_UTF8
        return Rejection(number, reason, content)
    return Entry(number, text, _simplify(identifier), _simplify(subject))


def _simplify(identifier: Any) -> Any:
    """Write an identifier as JSON if a DocBin can't hold it, such as an integer over 64 bits."""
    try:
        pack(identifier)
    except (OverflowError, ValueError):
        return json.dumps(identifier, ensure_ascii=False)
    return identifier


def _refuse_utf16(content: BinaryIO) -> None:
    start: bytes = content.peek(2)[:2]  # type: ignore[attr-defined]
    if start in (BOM_UTF16_LE, BOM_UTF16_BE):
        raise DamagedError(f"the encoding is UTF-16; {advise_to_convert(start)}")


def _require_utf8(path: Path, header: list[str]) -> None:
    line = "".join(header)
    try:
        line.encode()
    except UnicodeEncodeError as error:
        advice = advise_to_convert(line.encode(errors="surrogateescape"))
        raise ValueError(f"{path}: the first line is not UTF-8; {advice}") from error


def _describe_header(header: list[str]) -> str:
    """Describe the first line. Without a header it may be a text, which the error must not quote,
    so columns are named only if all have the short names of programs."""
    counted = f"the first line has {count_noun(len(header), 'column')}"
    are_names = header and all(map(COLUMN_NAME.fullmatch, header))
    return f"{counted} ({', '.join(header)})" if are_names else counted


def _require_columns(path: Path, names: list[str], fields: Fields, *, listed: str) -> None:
    wanted = {"--text-field": fields.text, "--id-field": fields.id}
    if fields.id == DEFAULT_ID:
        # Identifiers are optional unless their column is named.
        del wanted["--id-field"]
    if fields.subject is not None:
        wanted["--subject-field"] = fields.subject
    for option, name in wanted.items():
        if names.count(name) > 1:
            raise ValueError(f"{path}: {names.count(name)} columns have the name '{name}'")
        if name not in names and TABLE_OF_RECORDS.issubset(names):
            raise ValueError(
                f"{path}: a table of records, which has no texts. Give the files that were "
                "annotated."
            )
        if name not in names:
            raise ValueError(
                f"{path}: no column '{name}': {listed}; choose a column with {option}."
            )


def _read_rows(lines: Iterator[str], dialect: str) -> Iterator[list[str] | str]:
    """Read the rows of a table. An error message takes the place of a row that can't be read.

    A quote that is never closed swallows all following lines. When a row fails, all of its lines
    except the first are therefore read again.
    """
    again: deque[str] = deque()
    taken: list[str] = []

    def feed() -> Iterator[str]:
        while (line := again.popleft() if again else next(lines, None)) is not None:
            taken.append(line)
            yield line

    reader = csv.reader(feed(), dialect, strict=True)
    while True:
        taken.clear()
        try:
            yield next(reader)
        except csv.Error as error:
            yield str(error)
            again.extendleft(reversed(taken[1:]))
            reader = csv.reader(feed(), dialect, strict=True)
        except StopIteration:
            return
