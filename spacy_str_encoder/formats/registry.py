"""All formats, and the detection of a file's format."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..files.docbin import SUFFIX
from . import (
    authors_json,
    bioc,
    brat,
    casrel,
    conll,
    docbin,
    doccano,
    docred,
    dygie,
    gliner,
    gliner2,
    glirel,
    jsonl,
    label_studio,
    prodigy,
    pubtator,
    spacy_llm,
    spacy_tuples,
    spert,
    spo,
    tacred,
    ubiai,
    uima,
    webanno,
)
from .annotate_output import find_parts, is_output, is_part
from .doc_json import doc_json_format
from .docs import to_docs
from .format import DEFAULT_OPTIONS, Format, ReadOptions
from .parquet_items import SUFFIX as PARQUET
from .reading import read_items
from .rel_component import rel_component_format
from .report import ConversionReport, check_rejected
from .sources import Source, decide_empty_files, inspect_sources
from .unread import advise

JSON_SUFFIXES = {".json", ".jsonl"}
# Maximum number of texts to read until only one format matches.
JSON_LINES = "jsonl"
MAX_ITEMS = 1000


def all_formats(
    nlp: Language, *, spans_key: str | None = None, options: ReadOptions = DEFAULT_OPTIONS
) -> dict[str, Format]:
    """Get all formats.

    nlp (Language): The pipeline that tokenizes texts for formats that need tokens.
    spans_key (str | None): The span group for all entities of docs. It is read if a doc has it,
        else `doc.ents`, and always written. If None, only `doc.ents` is read and written.
    options (ReadOptions): Settings for formats that can be read in more than one way.
    RETURNS (dict[str, Format]): The formats by name.
    """
    formats = [
        docbin.docbin_format(nlp, spans_key=spans_key),
        doc_json_format(spans_key=spans_key),
        spacy_tuples.FORMAT,
        jsonl.FORMAT,
        authors_json.FORMAT,
        spert.FORMAT,
        gliner.FORMAT,
        glirel.FORMAT,
        spacy_llm.FORMAT,
        dygie.FORMAT,
        docred.FORMAT,
        tacred.FORMAT,
        ubiai.FORMAT,
        gliner2.FORMAT,
        pubtator.FORMAT,
        bioc.FORMAT,
        prodigy.FORMAT,
        doccano.FORMAT,
        label_studio.label_studio_format(options),
        spo.FORMAT,
        conll.FORMAT,
        casrel.FORMAT,
        brat.brat_format(options),
        uima.uima_format(options),
        rel_component_format(nlp, spans_key=spans_key),
        webanno.FORMAT,
    ]
    return {item.name: item for item in formats}


def get_format(name: str, formats: Mapping[str, Format]) -> Format:
    """Look up a format.

    name (str): The name of the format.
    formats (Mapping[str, Format]): All formats.
    RETURNS (Format): The format.
    RAISES (ValueError): If no format has that name.
    """
    if name not in formats:
        raise ValueError(f"unknown format '{name}'; must be one of {', '.join(formats)}")
    return formats[name]


def detect_format(path: Path, formats: dict[str, Format]) -> Format:
    """Detect the format of a file or folder by its name and its first texts.

    path (Path): The file or folder.
    formats (dict[str, Format]): All formats.
    RETURNS (Format): The only format that matches.
    RAISES (ValueError): If no format or more than one matches, or the file contains invalid JSON.
    """
    names = list(formats)
    for item in islice(_first_items(path), MAX_ITEMS):
        names = [name for name in names if formats[name].recognizes(path, item)]
        if len(names) == 1:
            return formats[names[0]]
    # Without any annotation, several formats look alike.
    if is_part(path) and JSON_LINES in names:
        return formats[JSON_LINES]
    if not names and (known := advise(path)):
        raise ValueError(f"{path}: no format matches {known}")
    raise ValueError(f"{path}: {_describe_matches(names, formats)}")


def _describe_matches(names: list[str], formats: Iterable[str]) -> str:
    if names:
        return f"the format may be {' or '.join(names)}; set it with `convert --from`"
    problem = (
        "no format matches, or the texts have no annotations; set a format with `convert --from` "
        "to see what is missing"
    )
    return f"{problem}: {', '.join(formats)}"


def find_files(path: Path, formats: dict[str, Format]) -> list[Path]:
    """List the annotated files of a folder, unless the folder itself is in a format. Those of a
    folder of `annotate` are its parts.

    path (Path): A file or folder.
    formats (dict[str, Format]): All formats.
    RETURNS (list[Path]): The files in the folder, sorted by name; or the path itself.
    RAISES (ValueError): If there is no such file or folder, or the folder has no annotated files,
        or is itself in a format and has annotated files as well.
    """
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder")
    if path.is_dir() and is_output(path):
        return find_parts(path)
    suffixes = find_suffixes(formats)
    if not path.is_dir() or not suffixes:
        return [path]
    files = sorted(file for file in path.iterdir() if _is_in_a_format(file, formats, suffixes))
    names = [name for name, each in formats.items() if each.recognizes(path, None)]
    # Documents of UIMA CAS are JSON as well, and a folder of them is read as a whole.
    files = [file for file in files if not any(formats[n].recognizes(file, None) for n in names)]
    if names and files:
        raise ValueError(
            f"{path}: the format of the folder may be {' or '.join(names)}, but it also contains "
            f"{files[0].name}; set the format to read with `convert --from`"
        )
    if not names and not files:
        expected = f"no file in this folder ends in {', '.join(sorted(suffixes))}"
        known = advise(path) if len(formats) > 1 else ""
        raise ValueError(f"{path}: {expected}{known and f', but it has {known}'}")
    return files or [path]


def _is_in_a_format(file: Path, formats: dict[str, Format], suffixes: set[str]) -> bool:
    is_recognized = any(each.suffix and each.recognizes(file, None) for each in formats.values())
    return file.suffix.lower() in suffixes or is_recognized


def find_suffixes(formats: Mapping[str, Format]) -> set[str]:
    """Find the suffixes of files.

    formats (Mapping[str, Format]): All formats.
    RETURNS (set[str]): The suffixes of formats that are files, not folders.
    """
    suffixes = {each.suffix for each in formats.values() if each.suffix}
    return suffixes | JSON_SUFFIXES if suffixes & JSON_SUFFIXES else suffixes


def _first_items(path: Path) -> Iterator[Any]:
    if not path.is_file() or path.suffix.lower() not in {*JSON_SUFFIXES, PARQUET}:
        return iter([None])
    items = (item for _, item in read_items(path, ConversionReport(skip_bad=True)))
    if (first := next(items, None)) is None:
        raise ValueError(f"{path}: the file contains no texts")
    return chain([first], items)


def read_docs(
    path: Path, nlp: Language, report: ConversionReport, *, spans_key: str | None = None
) -> Iterator[Doc]:
    """Read annotated docs in any format.

    path (Path): A file, or a folder of files.
    nlp (Language): The pipeline that tokenizes texts without tokens.
    report (ConversionReport): The report, to count what docs can't hold.
    spans_key (str | None): A span group for all entities, including overlapping ones.
    YIELDS (Doc): The docs.
    RAISES (ValueError): If the format can't be detected, or a file is not in it.
    """
    formats = all_formats(nlp, spans_key=spans_key)
    sources = [Source(file, detect_format(file, formats)) for file in find_files(path, formats)]
    found = inspect_sources([source for source in sources if source.path.suffix != SUFFIX])
    check_rejected(found.rejected)
    options = replace(DEFAULT_OPTIONS, unannotated_empty=True)
    unannotated = all_formats(nlp, spans_key=spans_key, options=options)
    sources = decide_empty_files(sources, found, unannotated)
    for source in sources:
        if source.path.suffix == SUFFIX:
            docs = docbin.read_docs(source.path, nlp.vocab, report)
            yield from report.noting_empty(docs, str(source.path))
        else:
            yield from to_docs(source.read(report, found), nlp, report, spans_key=spans_key)
