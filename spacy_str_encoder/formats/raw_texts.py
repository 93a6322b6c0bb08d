"""Read raw texts, and their tokens if a file has some."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.vocab import Vocab

from ..files.docbin import SUFFIX, read_docbin
from ..files.entries import Entry
from ..files.readers import READERS, TEXT, Fields, Reader, find_reader, read_to_damage
from .annotated_text import AnnotatedText
from .docs import make_tokenizer
from .format import Format
from .json_format import read as read_json
from .reading import read_items, read_lines
from .registry import JSON_SUFFIXES, all_formats, detect_format, find_files
from .report import ConversionReport
from .shapes import Nullable, Shape
from .tokens import find_tokens, without_white_space

LINES_SUFFIX = ".txt"
SHAPE: Shape = {"text": str, "tokens": Nullable([str])}


def is_text_file(path: Path) -> bool:
    """Tell the name of a file with texts from other names.

    path (Path): The name.
    RETURNS (bool): Whether files of this type can be read.
    """
    return path.suffix.lower() in JSON_SUFFIXES or find_reader(path) is not None


def read_raw_texts(
    paths: Iterable[Path], report: ConversionReport, *, text_field: str = TEXT
) -> list[AnnotatedText]:
    """Read texts, and their tokens if given.

    paths (Iterable[Path]): Text files with one text per line, tables (.csv, .tsv, .parquet), JSON
        or JSON lines of objects with "text" and optionally "tokens", all of these perhaps
        compressed (.gz), DocBin files, annotated files in any format, or folders of these.
    report (ConversionReport): The report, to count texts and files that are left out.
    text_field (str): The field, or column, of the text.
    RETURNS (list[AnnotatedText]): The texts, without annotations.
    RAISES (ValueError): If a file can't be read, or there are no texts.
    """
    paths = list(paths)
    formats = all_formats(make_tokenizer(None))
    texts: list[AnnotatedText] = []
    for path in paths:
        for file in _find_files(path, formats, report):
            found = list(_without_blank(_read_file(file, formats, report, text_field), report))
            if not found:
                report.lose_other("files without texts", str(file.parent), file.name)
            texts += found
    if not texts:
        raise ValueError(f"{', '.join(map(str, paths))}: no texts found")
    return texts


def _find_files(path: Path, formats: dict[str, Format], report: ConversionReport) -> list[Path]:
    if not path.is_dir() or _is_annotated(path, None, formats):
        return find_files(path, formats)
    entries = sorted(path.iterdir())
    files = [file for file in entries if is_text_file(file)]
    if not files:
        suffixes = ", ".join(sorted({*JSON_SUFFIXES, *READERS}))
        raise ValueError(f"{path}: no file in this folder ends in {suffixes}")
    for other in sorted({*entries} - {*files}):
        report.lose_other("folders, and files of unsupported types", str(path), other.name)
    return files


def _is_annotated(path: Path, item: Any, formats: dict[str, Format]) -> bool:
    return any(each.recognizes(path, item) for each in formats.values())


def _without_blank(
    texts: Iterable[AnnotatedText], report: ConversionReport
) -> Iterator[AnnotatedText]:
    for annotated in texts:
        if annotated.text.strip():
            yield annotated
        else:
            report.lose_other("blank texts", annotated.place, repr(annotated.text))


def _read_file(
    path: Path, formats: dict[str, Format], report: ConversionReport, text_field: str
) -> Iterable[AnnotatedText]:
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder")
    suffix = path.suffix.lower()
    if suffix == LINES_SUFFIX:
        return _read_lines(path)
    if suffix == SUFFIX:
        return _read_docs(path)
    # An error in a JSON file is an error; in tables and compressed files, it is counted.
    read = find_reader(path)
    if read is not None and (suffix not in JSON_SUFFIXES or text_field != TEXT):
        return _read_rows(path, read, report, text_field)
    first = _first_item(path) if suffix in JSON_SUFFIXES else [None]
    if all(map(_is_raw, first)):
        return read_json(path, report, parse=_parse, shape=SHAPE)
    if not _is_annotated(path, first[0], formats):
        raise ValueError(
            f"{path}: unsupported file; must be texts (.txt, .csv, .tsv, .parquet, .spacy, or JSON "
            'objects with a string "text") or a format that `convert` reads'
        )
    return detect_format(path, formats).read(path, report)


def _read_lines(path: Path) -> Iterator[AnnotatedText]:
    for number, line in read_lines(path):
        yield AnnotatedText(line.rstrip("\r\n"), [], [], place=f"{path}, line {number}")


def _read_rows(
    path: Path, read: Reader, report: ConversionReport, text_field: str
) -> Iterator[AnnotatedText]:
    # Windows of the encoder cut long texts.
    fields = Fields(text=text_field, max_length=sys.maxsize)
    for item, _ in read_to_damage(path, fields, read=read):
        place = f"{path}, line {item.number}"
        if isinstance(item, Entry):
            yield AnnotatedText(item.text, [], [], place=place)
        else:
            report.lose_other("texts that can't be read", place, item.reason)


def _read_docs(path: Path) -> Iterator[AnnotatedText]:
    for number, doc in enumerate(read_docbin(path, Vocab()), start=1):
        offsets = [(token.idx, token.idx + len(token)) for token in doc]
        words = without_white_space(doc.text, offsets)
        yield AnnotatedText(doc.text, [], [], tokens=words, place=f"{path}, doc {number}")


def _first_item(path: Path) -> list[Any]:
    return [item for _, item in islice(read_items(path, ConversionReport()), 1)]


def _is_raw(item: Any) -> bool:
    # Annotations are not needed, so errors in them do not matter here. Tokens other than strings
    # belong to one of the annotation formats.
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        return False
    return all(isinstance(token, str) for token in item.get("tokens") or [])


def _parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    text, tokens = item["text"], item.get("tokens")
    words = None if tokens is None else without_white_space(text, find_tokens(text, tokens))
    return AnnotatedText(text, [], [], tokens=words, place=place)
