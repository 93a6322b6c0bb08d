"""The records of a file, one after the other: each an entry, or the reason why it is none.

A file is read as a stream (but for files of docs, which are read whole), so that memory does not
grow with it.
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

import srsly
from spacy.vocab import Vocab

from ..doc.origin import META
from ..files.docbin import SUFFIX as DOCS_SUFFIX
from ..files.docbin import read_docbin
from ..files.parquet import require_pyarrow
from ..formats.reading import advise_to_convert
from .entries import Entry, Item, Rejection
from .lines import MAX_LINE, TOO_LONG, DamagedError, open_bytes, read_lines

ROWS_AT_ONCE = 256
NOT_UTF8 = "it is not UTF-8"
DEFAULT_ID = "id"
# Characters that a text may have. Of dense text, this many take some 4 GB.
MAX_LENGTH = 50_000


@dataclass(frozen=True)
class Fields:
    """Where a record has what.

    text (str): The field, or column, of the text.
    id (str): That of its identifier.
    max_length (int): How many characters a text may have.
    """

    text: str = "text"
    id: str = DEFAULT_ID
    max_length: int = MAX_LENGTH


# The items of a file, each with the share of the file that has been read by then.
Reading = Iterator[tuple[Item, float]]
Reader = Callable[[Path, Fields], Reading]


def read_to_damage(path: Path, fields: Fields, *, read: Reader) -> Reading:
    """Read a file as far as it goes: where it is damaged, one rejection stands for the rest.

    path (Path): The file.
    fields (Fields): Where its records have what.
    read (Reader): Reads files of this kind.
    YIELDS (tuple[Entry | Rejection, float]): The records, and the share of the file up to there.
    RAISES (OSError): If the file can't be read now, but perhaps later.
    RAISES (ValueError): If it has no column of texts.
    """
    number = 0
    try:
        for item, share in read(path, fields):
            number = item.number
            yield item, share
    except DamagedError as error:
        yield Rejection(number + 1, f"the file can't be read from here on: {error}"), 1.0


def read_text_lines(path: Path, fields: Fields) -> Reading:
    """Read a file with a text a line. Blank lines are none."""
    return _read_each_line(path, fields, _parse_text)


def read_json_lines(path: Path, fields: Fields) -> Reading:
    """Read a file of JSON lines. Blank lines are no records."""
    return _read_each_line(path, fields, _parse_json)


def read_csv(path: Path, fields: Fields) -> Reading:
    """Read a table with a head; its columns are separated by tabs if the name says `.tsv`, by
    commas otherwise."""
    csv.field_size_limit(MAX_LINE)
    delimiter = "\t" if ".tsv" in map(str.lower, path.suffixes) else ","
    with open_bytes(path) as (content, share):
        lines = iter(lambda: content.readline(MAX_LINE), b"")
        # What is not UTF-8 goes on as it is, and is rejected with its row alone.
        texts = (line.decode("utf-8", "surrogateescape") for line in lines)
        rows = _read_rows(texts, delimiter)
        first = next(rows, [])
        head = first if isinstance(first, list) else []
        _require_utf8(path, head)
        # A file without a head has a text in its place, which must not be quoted.
        _require_columns(path, head, fields, listed=f"the {len(head)} of its first line")
        for number, row in enumerate(rows, start=1):
            if row:
                yield _parse_cells(number, row, head, fields), share()


def read_parquet(path: Path, fields: Fields) -> Reading:
    """Read a Parquet file."""
    require_pyarrow()
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            names, total = file.schema_arrow.names, file.metadata.num_rows
            _require_columns(path, names, fields, listed=", ".join(map(repr, names)) or "none")
            columns = [name for name in (fields.text, fields.id) if name in names]
            number = 0
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=columns):
                for row in range(batch.num_rows):
                    number += 1
                    values = {name: batch.column(name)[row] for name in columns}
                    yield _parse_values(number, values, fields), number / total
    except (ArrowException, OSError) as error:
        # What goes wrong in reading has an error number, what is wrong with the file has none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DamagedError("it is no whole Parquet file") from error


def read_docs(path: Path, fields: Fields) -> Reading:
    """Read the texts of docs. Identifiers are in their meta data."""
    try:
        docs = list(read_docbin(path, Vocab()))
    except ValueError as error:
        raise DamagedError("it is no DocBin") from error
    for number, doc in enumerate(docs, start=1):
        meta = doc.user_data.get(META)
        record = {**(meta if isinstance(meta, dict) else {}), fields.text: doc.text}
        yield _parse_record(number, record, fields), number / len(docs)


def read_whole(path: Path, fields: Fields) -> Reading:
    """Read a file that is one text."""
    with open_bytes(path) as (content, _):
        _refuse_utf16(content)
        text = content.read(MAX_LINE + 1)
    yield Rejection(1, TOO_LONG) if len(text) > MAX_LINE else _parse_text(1, text, fields), 1.0


READERS: dict[str, Reader] = {
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".txt": read_text_lines,
    DOCS_SUFFIX: read_docs,
}


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
        record = json.loads(line.decode())
    except UnicodeDecodeError:
        return Rejection(number, NOT_UTF8, line.decode(errors="replace"))
    except json.JSONDecodeError as error:
        reason = f"it is not JSON ({error.msg}, column {error.colno})"
        return Rejection(number, reason, line.decode())
    except (RecursionError, ValueError):
        return Rejection(number, "it is JSON that can't be read", line.decode())
    return _parse_record(number, record, fields)


def _parse_cells(number: int, cells: list[str] | str, head: list[str], fields: Fields) -> Item:
    if isinstance(cells, str):
        return Rejection(number, f"it is no row of a table ({cells})")
    if len(cells) != len(head):
        reason = f"it has {len(cells)} cells, where the table has {len(head)} columns"
        return Rejection(number, reason, ",".join(cells))
    return _parse_record(number, dict(zip(head, cells, strict=True)), fields)


def _parse_values(number: int, values: Mapping[str, Any], fields: Fields) -> Item:
    try:
        record = {name: value.as_py() for name, value in values.items()}
    except UnicodeDecodeError:
        return Rejection(number, NOT_UTF8)
    # Dates, decimals and the like are written as text.
    if not isinstance(record.get(fields.id), str | int | float | None):
        record[fields.id] = str(record[fields.id])
    return _parse_record(number, record, fields)


def _parse_record(number: int, record: Any, fields: Fields) -> Item:
    if not isinstance(record, dict):
        return Rejection(number, "it is no object with fields", str(record))
    text = record.get(fields.text)
    if not isinstance(text, str):
        problem = "is no text" if text is not None else "has no text in it, or is missing"
        return Rejection(number, f"its field '{fields.text}' {problem}", str(record))
    return _check(number, text, record.get(fields.id), fields)


def _check(number: int, text: str, identifier: Any, fields: Fields) -> Item:
    if len(text) > fields.max_length:
        reason = f"its text has {len(text)} characters; {fields.max_length} are allowed"
        return Rejection(number, reason, text)
    try:
        json.dumps([text, identifier], ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError):
        content = text.encode(errors="replace").decode()
        # Bytes of a table that could not be decoded went on as surrogates.
        is_utf8 = not re.search("[\udc80-\udcff]", text)
        reason = "its text or its identifier can't be written as JSON" if is_utf8 else NOT_UTF8
        return Rejection(number, reason, content)
    return Entry(number, text, _simplify(identifier))


def _simplify(identifier: Any) -> Any:
    """What a DocBin can't hold, such as an integer of more than 64 bits, is kept as JSON."""
    try:
        srsly.msgpack_dumps(identifier)
    except (OverflowError, ValueError):
        return json.dumps(identifier, ensure_ascii=False)
    return identifier


def _refuse_utf16(content: BinaryIO) -> None:
    start: bytes = content.peek(2)[:2]  # type: ignore[attr-defined]
    if start in (BOM_UTF16_LE, BOM_UTF16_BE):
        raise DamagedError(f"it is UTF-16; {advise_to_convert(start)}")


def _require_utf8(path: Path, head: list[str]) -> None:
    line = "".join(head)
    try:
        line.encode()
    except UnicodeEncodeError as error:
        advice = advise_to_convert(line.encode(errors="surrogateescape"))
        raise ValueError(f"{path}: the first line is not UTF-8; {advice}") from error


def _require_columns(path: Path, names: list[str], fields: Fields, *, listed: str) -> None:
    wanted = {"--text-field": fields.text, "--id-field": fields.id}
    if fields.id == DEFAULT_ID:
        # Tables need no identifiers.
        del wanted["--id-field"]
    for option, name in wanted.items():
        if names.count(name) > 1:
            raise ValueError(f"{path}: {names.count(name)} of its columns are called '{name}'")
        if name not in names:
            raise ValueError(
                f"{path}: there is no column '{name}' among its columns ({listed}); name another "
                f"one with {option}."
            )


def _read_rows(lines: Iterator[str], delimiter: str) -> Iterator[list[str] | str]:
    """The rows of a table, and in place of those that can't be read what is wrong with them.

    A quote that nothing closes takes what follows into its cell: all lines but the first of a row
    that can't be read are read again.
    """
    again: deque[str] = deque()
    taken: list[str] = []

    def feed() -> Iterator[str]:
        while (line := again.popleft() if again else next(lines, None)) is not None:
            taken.append(line)
            yield line

    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    while True:
        taken.clear()
        try:
            yield next(reader)
        except csv.Error as error:
            yield str(error)
            again.extendleft(reversed(taken[1:]))
            reader = csv.reader(feed(), delimiter=delimiter, strict=True)
        except StopIteration:
            return
