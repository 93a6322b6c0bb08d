"""The lines of an .ann file, and the spans that they name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ..annotated_text import AnnotatedEntity, AnnotationError
from ..reading import read_lines
from ..report import ConversionReport

LINE = re.compile(r"([TREAMN#]\S+|\*)\t([^\t]*)(?:\t(.*))?", re.DOTALL)
SPAN = re.compile(r"(\S+) (\d{1,10} \d{1,10}(?:;\d{1,10} \d{1,10})*) *")
BYTE_ORDER_MARK = "\ufeff"
# The begins and ends of the pieces of a span.
Pieces = list[tuple[int, int]]


@dataclass(frozen=True)
class Line:
    """A line: where it is, and what its three columns hold.

    place (str): The file and the number of the line.
    id (str): Its id, such as T1.
    content (str): What it says.
    surface (str): The text of a span, or a note.
    """

    place: str
    id: str
    content: str
    surface: str


def read_annotations(path: Path) -> Iterator[Line]:
    """Read the lines of a file, but for blank ones.

    path (Path): The file.
    YIELDS (Line): The lines.
    RAISES (AnnotationError): If one has no id, or that of an earlier one.
    """
    ids: set[str] = set()
    for number, line in read_lines(path):
        line = line.removesuffix("\n").removesuffix("\r")
        if line.strip():
            place = f"{path}, line {number}"
            match = LINE.fullmatch(line)
            if match is None:
                raise AnnotationError(f"{place}: it does not begin with an id and a tab: {line!r}")
            if match[1] in ids and match[1] != "*":
                raise AnnotationError(f"{place}: there is a line with the id {match[1]} already")
            ids.add(match[1])
            yield Line(place, match[1], match[2], match[3] or "")


def parse_span(line: Line, text: str, report: ConversionReport) -> AnnotatedEntity | None:
    """Make an entity of a line.

    line (Line): A line whose id begins with T.
    text (str): The text.
    report (ConversionReport): Counts what is lost.
    RETURNS (AnnotatedEntity | None): The entity; None if it is discontinuous.
    RAISES (AnnotationError): If the line is in another form, or the text is not what it says.
    """
    match = SPAN.fullmatch(line.content)
    if match is None:
        raise AnnotationError(
            f"{line.place}: no type and offsets, such as Drug 0 7: {line.content!r}"
        )
    pieces = []
    for piece in match[2].split(";"):
        start, end = map(int, piece.split(" "))
        pieces.append((start, end))
    _check_span(line, text, pieces)
    if not _is_continuous(text, pieces):
        report.lose("discontinuous entities", line.place, f"{line.surface!r} ({line.content})")
        return None
    return AnnotatedEntity(pieces[0][0], pieces[-1][1], match[1])


def _check_span(line: Line, text: str, pieces: Pieces) -> None:
    problem = None
    for start, end in pieces:
        if not start < end <= len(text):
            problem = f"{start} {end} is no span of the text, which has {len(text)} characters"
    if problem is None and not _fits(line, text, pieces):
        problem = f"the text there is {_surface(text, pieces)!r}, not {line.surface!r}"
    if problem is not None:
        raise AnnotationError(f"{line.place}: {problem}{_advise(line, text, pieces)}")


def _fits(line: Line, text: str, pieces: Pieces) -> bool:
    # brat, too, takes a span without its text, and pieces without a space between them.
    given = _normalize(line.surface)
    return not given or given in {_normalize(_surface(text, pieces, by)) for by in (" ", "")}


def _surface(text: str, pieces: Pieces, separator: str = " ") -> str:
    return separator.join(text[start:end] for start, end in pieces)


def _normalize(surface: str) -> str:
    # Some programs write a line break in a span as a space, or trim lines.
    return re.sub(r"\s", " ", surface).rstrip()


def _advise(line: Line, text: str, pieces: Pieces) -> str:
    one = text.replace("\r\n", "\n")
    others = {
        "each CRLF of the .txt were LF": one,
        "each LF of the .txt were CRLF": one.replace("\n", "\r\n"),
        "the .txt had no byte order mark": text.removeprefix(BYTE_ORDER_MARK),
    }
    for change, other in others.items():
        if line.surface and other != text and _fits(line, other, pieces):
            return f"; it would fit if {change}"
    return ""


def _is_continuous(text: str, pieces: Pieces) -> bool:
    # brat cuts a span where it goes over a line break.
    gaps = [text[end:start] for (_, end), (start, _) in pairwise(pieces)]
    return all(gap.isspace() and gap.splitlines() != [gap] for gap in gaps)
