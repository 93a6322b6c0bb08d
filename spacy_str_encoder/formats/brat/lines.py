"""Lines of an .ann file, and the spans they describe."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

from ...doc.plurals import count_noun
from ..annotated_text import AnnotatedEntity, AnnotationError
from ..reading import read_lines
from ..report import ConversionReport

LINE = re.compile(r"([TREAMN#]\S+|\*)\t([^\t]*)(?:\t(.*))?", re.DOTALL)
# The text of an entity, or a note, may have line breaks.
WITH_LINE_BREAKS = re.compile(r"[T#]\S+\t[^\t]*\t")
NO_ID = "must begin with an id and a tab"
SPAN = re.compile(r"(\S+) (\d{1,10} \d{1,10}(?:;\d{1,10} \d{1,10})*) *")
BYTE_ORDER_MARK = "\ufeff"
# The value of an attribute whose line has none, such as Negation.
BINARY = "true"
DISCONTINUOUS = "discontinuous entities"
# The start and end of each piece of a span.
Pieces = list[tuple[int, int]]


@dataclass(frozen=True)
class Line:
    """Location and three columns of a line.

    place (str): The file and line number.
    id (str): The id, such as T1.
    content (str): The type and the offsets or arguments.
    surface (str): The text of a span, or a note.
    """

    place: str
    id: str
    content: str
    surface: str


def read_annotations(path: Path) -> Iterator[Line]:
    """Read the lines of a file, skipping blank ones.

    path (Path): The file.
    YIELDS (Line): The lines.
    RAISES (AnnotationError): If a line has no id or a duplicate id.
    """
    ids: set[str] = set()
    for number, line in _read_whole_lines(path):
        place = f"{path}, line {number}"
        match = LINE.fullmatch(line)
        if match is None:
            raise AnnotationError(f"{place}: {NO_ID}, got {line!r}")
        if match[1] in ids and match[1] != "*":
            raise AnnotationError(f"{place}: duplicate id {match[1]}")
        ids.add(match[1])
        yield Line(place, match[1], match[2], match[3] or "")


def _read_whole_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Join lines that begin with no id to the text of an entity before them."""
    first, whole = 0, ""
    for number, line in chain(read_lines(path), [(0, "")]):
        if WITH_LINE_BREAKS.match(whole) and number and not LINE.match(line):
            whole += line
            continue
        if whole.strip():
            yield first, whole.rstrip("\r\n")
        first, whole = number, line


def parse_span(line: Line, text: str, report: ConversionReport) -> AnnotatedEntity | None:
    """Parse the line of an entity.

    line (Line): A line whose id begins with T.
    text (str): The text.
    report (ConversionReport): The report, to count losses.
    RETURNS (AnnotatedEntity | None): The entity; None if it is discontinuous.
    RAISES (AnnotationError): If the line is malformed or does not match the text.
    """
    match = SPAN.fullmatch(line.content)
    if match is None:
        raise AnnotationError(
            f"{line.place}: must have a type and offsets, such as Drug 0 7, got {line.content!r}"
        )
    pieces = []
    for piece in match[2].split(";"):
        start, end = map(int, piece.split(" "))
        pieces.append((start, end))
    _check_span(line, text, pieces)
    if not _is_continuous(text, pieces):
        report.lose(DISCONTINUOUS, line.place, f"{line.surface!r} ({line.content})")
        return None
    return AnnotatedEntity(pieces[0][0], pieces[-1][1], match[1])


def _check_span(line: Line, text: str, pieces: Pieces) -> None:
    problem = None
    for start, end in pieces:
        if not start < end <= len(text):
            problem = (
                f"{start} {end} must be a span within the text, which has "
                f"{count_noun(len(text), 'character')}"
            )
    if problem is None and not _fits(line.surface, text, pieces):
        problem = f"the text of the span must be {line.surface!r}, got {_surface(text, pieces)!r}"
    if problem is not None:
        raise AnnotationError(f"{line.place}: {problem}{_advise(line.surface, text, pieces)}")


def _fits(surface: str, text: str, pieces: Pieces) -> bool:
    # brat also accepts a span without its text, and pieces that are joined without a space.
    given = _normalize(surface)
    return not given or given in {_normalize(_surface(text, pieces, by)) for by in (" ", "")}


def _surface(text: str, pieces: Pieces, separator: str = " ") -> str:
    return separator.join(text[start:end] for start, end in pieces)


def _normalize(surface: str) -> str:
    # Some programs replace a line break in a span by a space or by another one, or trim lines.
    return re.sub(r"\s+", " ", surface).rstrip()


def _advise(surface: str, text: str, pieces: Pieces) -> str:
    first, *others = surface.split("\n")
    if others and _fits(first, text, pieces):
        return f"; it would match without the next line, which {NO_ID}"
    return _advise_of_offsets(surface, text, pieces)


def _advise_of_offsets(surface: str, text: str, pieces: Pieces) -> str:
    one = text.replace("\r\n", "\n")
    others = {
        "each CRLF of the .txt were LF": one,
        "each LF of the .txt were CRLF": one.replace("\n", "\r\n"),
        "the .txt had no byte order mark": text.removeprefix(BYTE_ORDER_MARK),
    }
    for change, other in others.items():
        if surface and other != text and _fits(surface, other, pieces):
            return f"; it would match if {change}"
    return ""


def _is_continuous(text: str, pieces: Pieces) -> bool:
    return all(
        end <= start and _is_joint(text[end:start]) for (_, end), (start, _) in pairwise(pieces)
    )


def _is_joint(gap: str) -> bool:
    # brat splits a span that crosses a line break, and other programs split it at each token.
    return gap in ("", " ") or (gap.isspace() and gap.splitlines() != [gap])
