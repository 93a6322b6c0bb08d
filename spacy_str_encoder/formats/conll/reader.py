"""Read columns of tokens and tags."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..annotated_text import (
    AnnotatedEntity,
    AnnotatedText,
    AnnotationError,
    check_string,
    errors_at,
)
from ..reading import read_lines
from ..report import ConversionReport
from ..tokens import join_tokens, without_white_space
from .tags import TAG, Tag, find_chunks, find_scheme, is_valid, parse_tag

# The first column of a line that begins a document.
DOCUMENT_MARK = "-DOCSTART-"
# The metadata field with the number of the document.
DOCUMENT = "document"
# The location and the columns of a token.
Row = tuple[str, list[str]]


@dataclass(frozen=True)
class Sentence:
    """Sentence of a file.

    rows (list[tuple[str, list[str]]]): The location and the columns of its tokens.
    tags (list[Tag]): Their tags.
    document (int): The number of its document; 0 if none has begun.
    """

    rows: list[Row]
    tags: list[Tag]
    document: int


def read(path: Path, report: ConversionReport) -> Iterator[AnnotatedText]:
    """Read the sentences of a file.

    path (Path): The file.
    report (ConversionReport): The report, to count losses, and entities that the scheme of the file
        does not allow.
    YIELDS (AnnotatedText): The sentences.
    RAISES (ValueError): If a file is not in this format. The message names file and line.
    """
    sentences = list(_read_sentences(path, report))
    if not sentences:
        return
    _check_tokens(sentences)
    scheme = find_scheme(sentence.tags for sentence in sentences)
    report.choose("schemes of tags", str(path), scheme)
    if others := len(sentences[0].rows[0][1]) - 2:
        reason = "columns between those of tokens and tags"
        report.lose_other(reason, str(path), f"{others} for each token")
    for sentence in sentences:
        yield _to_text(sentence, scheme, report)


def _read_sentences(path: Path, report: ConversionReport) -> Iterator[Sentence]:
    width = None
    for document, rows in _read_rows(path, report):
        sentence = None
        with report.rejecting():
            tags = [_parse_row(row, width or len(rows[0][1])) for row in rows]
            sentence = Sentence(rows, tags, document)
        if sentence is not None:
            width = len(rows[0][1])
            yield sentence


def _read_rows(path: Path, report: ConversionReport) -> Iterator[tuple[int, list[Row]]]:
    """Read the rows of each sentence, and the number of its document."""
    document = 0
    rows: list[Row] = []
    for number, line in read_lines(path):
        place, columns = f"{path}, line {number}", _split(line)
        is_mark = columns[0] == DOCUMENT_MARK
        if line.startswith("#") and not _has_tag(columns):
            report.lose_other("comments", place, line.strip()[:80])
        elif line.strip() and not is_mark:
            rows.append((place, columns))
        elif rows:
            yield document, rows
            rows = []
        document += is_mark
    if rows:
        yield document, rows


def _split(line: str) -> list[str]:
    line = line.rstrip()
    return line.split("\t") if "\t" in line else re.split(" +", line.strip(" "))


def _has_tag(columns: list[str]) -> bool:
    return len(columns) > 1 and TAG.fullmatch(columns[-1]) is not None


def _parse_row(row: Row, width: int) -> Tag:
    place, columns = row
    with errors_at(place):
        if not 2 <= width <= 4:
            form = "two to four columns, the first for the token and the last for its tag"
            raise AnnotationError(f"must have {form}; got {len(columns)}")
        if len(columns) != width:
            raise AnnotationError(f"must have {width} columns, as before; got {len(columns)}")
        check_string("a token", columns[0], empty=False)
        return parse_tag(columns[-1])


def _check_tokens(sentences: Sequence[Sentence]) -> None:
    longest = max((sentence.rows for sentence in sentences), key=len)
    tokens = [columns[0] for _, columns in longest]
    if len(tokens) > 2 and tokens == [str(number) for number in range(1, len(tokens) + 1)]:
        raise ValueError(
            f"{longest[0][0]}: the first column must be the token, but it counts the tokens of the "
            "sentence; remove this column"
        )


def _to_text(sentence: Sentence, scheme: str, report: ConversionReport) -> AnnotatedText:
    place, tags = sentence.rows[0][0], sentence.tags
    text, tokens = join_tokens([columns[0] for _, columns in sentence.rows])
    entities = []
    for start, end in find_chunks(tags):
        entity = AnnotatedEntity(tokens[start][0], tokens[end - 1][1], tags[start].label)
        entities.append(entity)
        if not is_valid(tags, (start, end), scheme):
            written = " ".join(columns[-1] for _, columns in sentence.rows[start:end])
            case = f"{text[entity.start : entity.end]!r} ({written})"
            reason = f"entities whose tags are not {scheme}, read as by conlleval"
            report.choose(reason, sentence.rows[start][0], case)
    meta = {DOCUMENT: sentence.document} if sentence.document else {}
    words = without_white_space(text, tokens)
    return AnnotatedText(text, entities, [], words, meta, place, has_relations=False)
