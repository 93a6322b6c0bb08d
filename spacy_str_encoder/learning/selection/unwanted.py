"""Texts not to select again: raw texts, annotated ones, and what select and annotate wrote."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ...archive.sources import Source
from ...files.entries import Rejection
from ...files.readers import TEXT, Fields, find_reader
from ...formats.annotate_output import is_output
from ...formats.docs import make_tokenizer
from ...formats.format import ReadOptions
from ...formats.registry import all_formats
from ...formats.report import ConversionReport
from ...formats.texts import read_texts

UNREADABLE = "--exclude must name texts that can be read, got {name}, text {number:,}: {reason}"


@dataclass(frozen=True)
class Unwanted:
    """Files of texts not to select again.

    files (tuple[Path, ...]): The files, or a folder that is read as a whole.
    read (Callable[[Fields], Iterator[str]]): Reads the texts.
    """

    files: tuple[Path, ...]
    read: Callable[[Fields], Iterator[str]]


def find_unwanted(
    names: Iterable[str], find: Callable[[list[str]], tuple[list[Source], list[str]]]
) -> Iterator[Unwanted]:
    """Find texts not to select again.

    names (Iterable[str]): Files, folders, and patterns of file names.
    find (Callable): Finds the sources of raw texts, see `find_sources`.
    YIELDS (Unwanted): The files.
    RAISES (ValueError): If there is nothing to read.
    """
    for name in names:
        path = Path(name)
        if path.exists() and _is_annotated(path):
            yield Unwanted((path,), partial(_read_annotated, (path,)))
        else:
            for source in find([name])[0]:
                yield Unwanted(source.files, partial(_read_source, source))


def _is_annotated(path: Path) -> bool:
    """Tell a folder of `annotate`, and formats that are no files of raw texts, such as brat."""
    if path.is_dir() and is_output(path):
        return True
    formats = all_formats(make_tokenizer(None)).values()
    return find_reader(path) is None and any(each.recognizes(path, None) for each in formats)


def _read_annotated(paths: Iterable[Path], fields: Fields) -> Iterator[str]:
    nlp, options = make_tokenizer(None), ReadOptions(all_texts=True)
    for path in paths:
        for annotated in read_texts(path, nlp, ConversionReport(), options=options):
            yield annotated.text


def _read_source(source: Source, fields: Fields) -> Iterator[str]:
    rejection = yield from _read_to_rejection(source, fields)
    if rejection is None:
        return
    # What `select` wrote has other fields than the input.
    if (yield from _read_to_rejection(source, replace(fields, text=TEXT))) is None:
        return
    try:
        yield from _read_annotated(source.files, fields)
    except ValueError as error:
        names = {"name": source.name, "number": rejection.number, "reason": rejection.reason}
        raise ValueError(UNREADABLE.format(**names)) from error


def _read_to_rejection(source: Source, fields: Fields) -> Generator[str, None, Rejection | None]:
    for item, _ in source.read(fields):
        if isinstance(item, Rejection):
            return item
        yield item.text
    return None
