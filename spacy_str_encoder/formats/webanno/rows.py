"""Rows of a WebAnno TSV, and the text that they belong to."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ...doc.plurals import count_noun
from ..annotated_text import AnnotationError
from ..report import ConversionReport
from ..utf16 import count_utf16

ROW = re.compile(r"(\d+-\d+(?:\.\d+)?)\t(\d{1,10})-(\d{1,10})\t([^\t]*)\t?(.*)")
TEXT = "#Text="
# Maximum white space between sentences: a wrong offset may need more than the memory.
MAX_GAP = 100_000
DECLARATIONS = ("#FORMAT=", "#T_")
ESCAPED = {"t": "\t", "n": "\n", "f": "\f", "r": "\r", "b": "\b"}
# Of text: other characters do not follow a backslash. Until version 3.1, as in Java.
ESCAPE = re.compile(r"\\([tnfrb\\\x00-\x1f])")
JAVA_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|[tnfrb\\\"'/])")


@dataclass(frozen=True)
class Row:
    """Token or a part of one.

    place (str): Its location.
    id (str): Its id, such as 1-2 or 1-2.1.
    span (tuple[int, int]): Its start and end in UTF-16 code units.
    token (str): Its text.
    columns (list[str]): The columns of annotations.
    """

    place: str
    id: str
    span: tuple[int, int]
    token: str
    columns: list[str]


@dataclass
class Body:
    """Rows of a document, and its text.

    report (ConversionReport): The report, to count lines that are not read.
    width (int): The number of columns of annotations.
    version (int): The minor version of the format.
    rows (list[Row]): The rows.
    """

    report: ConversionReport
    width: int
    version: int
    rows: list[Row] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list, init=False)
    _length: int = field(default=0, init=False)
    _lines: list[str] = field(default_factory=list, init=False)

    @property
    def text(self) -> str:
        """RETURNS (str): The text."""
        return "".join(self._pieces)

    def add(self, line: str, place: str) -> None:
        """Add a line.

        line (str): The line, without its ending.
        place (str): Its location.
        RAISES (AnnotationError): If the line is neither a row nor begins with #.
        """
        if line.startswith(TEXT):
            self._lines.append(self._unescape(line.removeprefix(TEXT)))
        elif line.startswith("#"):
            if not line.startswith(DECLARATIONS):
                self.report.lose_other("identifiers of sentences, and comments", place, line[:80])
        elif line.strip():
            row = self._parse(line, place)
            if self._lines:
                self._add_sentence(row)
            self.rows.append(row)

    def _parse(self, line: str, place: str) -> Row:
        match = ROW.fullmatch(line)
        if match is None:
            form = "an id, offsets and a token, separated by tabs, such as 1-1, 0-3 and Bob"
            raise AnnotationError(f"{place}: must begin with {form}; got {line[:80]!r}")
        columns = match[5].split("\t")
        if len(columns) < self.width:
            raise AnnotationError(
                f"{place}: must have {count_noun(self.width, 'column')} of annotations, as in the "
                f"header; got {len(columns)}"
            )
        span = int(match[2]), int(match[3])
        return Row(place, match[1], span, self._unescape(match[4]), columns)

    def _add_sentence(self, row: Row) -> None:
        text, self._lines = "\n".join(self._lines), []
        gap = row.span[0] - self._length
        if not 0 <= gap <= MAX_GAP:
            raise AnnotationError(
                f"{row.place}: the sentence must begin where the one before ends, at "
                f"{self._length}, or a little later; got {row.span[0]}"
            )
        space = "\n" if gap and self._pieces else ""
        self._pieces += [space.ljust(gap), text]
        self._length = row.span[0] + count_utf16(text)[-1]

    def _unescape(self, text: str) -> str:
        text = (ESCAPE if self.version > 1 else JAVA_ESCAPE).sub(_unescape_one, text)
        # Two escapes of Java may stand for one character.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _unescape_one(match: re.Match[str]) -> str:
    escaped = match[1]
    return chr(int(escaped[1:], 16)) if len(escaped) > 1 else ESCAPED.get(escaped, escaped)


def split_stack(column: str) -> list[tuple[str | None, str]]:
    """Split a column into the annotations at one place.

    column (str): The column.
    RETURNS (list[tuple[str | None, str]]): The value, None if missing, and the number of each
        annotation, empty if it has none.
    """
    if column == "_":
        return []
    return [_split_number(each) for each in re.findall(r"(?:\\.|[^|])+", column)]


def _split_number(value: str) -> tuple[str | None, str]:
    numbered = re.fullmatch(r"((?:\\.|[^\\])*?)\[(\d+(?:_\d+)?)\]", value)
    value, number = numbered.groups() if numbered else (value, "")
    return None if value == "*" else re.sub(r"\\(.)", _unescape_one, value), number


def check_rows(text: str, rows: Iterable[Row], spans: Iterable[tuple[int, int]]) -> None:
    """Check that the text has the tokens of the rows at their offsets.

    text (str): The text.
    rows (Iterable[Row]): The rows.
    spans (Iterable[tuple[int, int]]): Their offsets in characters.
    RAISES (AnnotationError): If a row has another token.
    """
    for row, (start, end) in zip(rows, spans, strict=True):
        if text[start:end] != row.token:
            raise AnnotationError(
                f"{row.place}: the text must have the token {row.token!r} at its offsets, got "
                f"{text[start:end]!r}"
            )
