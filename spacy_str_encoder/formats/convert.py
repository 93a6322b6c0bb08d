"""Convert files from one format to another."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

from spacy.language import Language

from ..doc.entities import SPANS_KEY
from ..doc.plurals import count_noun
from ..files.whole import check_outputs
from .annotate_output import find_origin, is_output, report_output
from .docs import make_tokenizer, move_to_tokens
from .format import DEFAULT_OPTIONS, Format, ReadOptions, check_options
from .loss_share import check_loss
from .registry import all_formats, detect_format, find_files, get_format
from .report import EXAMPLES, ConversionReport, check_rejected
from .sources import Findings, Source, Track, decide_empty_files, inspect_sources
from .split import split_texts
from .targets import choose_target, is_file_of, place_outputs, place_parts
from .writer import TextWriter

STRICT = "strict"


@dataclass(frozen=True)
class Settings:
    """Settings of a conversion.

    source (str | None): The format of all inputs; detected if None.
    target (str | None): The format to write. If None, the suffix of the output tells it.
    lang (str | None): The language of texts without tokens.
    options (ReadOptions): Settings for formats that can be read in more than one way.
    no_missing_entities (bool): Whether texts with unannotated entities are read as texts without
        entities.
    no_unannotated (bool): Whether texts with unannotated relations are read as texts without
        relations.
    alignment (str): `strict` leaves out entities that begin or end inside a token; see
        `move_to_tokens` for `contract` and `expand`.
    spans_key (str | None): The span group of docs for all entities. If None, docs have "sc" if any
        entities overlap.
    flat (bool): Whether to leave out overlapping entities.
    shares (dict[str, float]): The share of each part of a split. If empty, there is one output for
        each input.
    seed (int): The seed of the split.
    group_by (str | None): The metadata field that defines which texts stay together in a split.
    allow_loss (bool): Whether more than half of all entities may be lost.
    """

    source: str | None = None
    target: str | None = None
    lang: str | None = None
    options: ReadOptions = DEFAULT_OPTIONS
    no_missing_entities: bool = False
    no_unannotated: bool = False
    alignment: str = STRICT
    spans_key: str | None = None
    flat: bool = False
    shares: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    group_by: str | None = None
    allow_loss: bool = False


@dataclass(frozen=True)
class Written:
    """Result of a conversion.

    texts (dict[Path, int]): The number of texts of each file.
    spans_key (str | None): The span group that docs have because entities overlap.
    """

    texts: dict[Path, int]
    spans_key: str | None


def convert(
    inputs: Iterable[Path],
    output: Path,
    settings: Settings,
    report: ConversionReport,
    *,
    others: Sequence[Path] = (),
    tracks: tuple[Track, Track] = (iter, iter),
) -> Written:
    """Convert files. All of them are read before anything is written. If an error occurs, nothing
    is.

    inputs (Iterable[Path]): Files or folders.
    output (Path): A file or folder.
    settings (Settings): The settings.
    report (ConversionReport): The report, to count losses, choices and invalid texts.
    others (Sequence[Path]): Other files that will be written, which must not be those of the
        conversion.
    tracks (tuple): Two functions that show the progress of the first and second reading.
    RETURNS (Written): What was written.
    RAISES (ValueError): If something can't be read or written, or texts are invalid and the report
        does not skip them, or more than half of the entities would be lost.
    """
    inputs = list(inputs)
    for folder in filter(is_output, inputs):
        report_output(folder, report)
    plan = _make_plan(inputs, output, settings, others)
    align = None
    if settings.alignment != STRICT:
        align = partial(move_to_tokens, nlp=plan.nlp, mode=settings.alignment)
    found = inspect_sources(plan.sources, align=align, track=tracks[0])
    if not report.skip_bad:
        report.rejected += found.rejected
        check_rejected(report.rejected)
    _require_texts(plan.sources, found)
    found = replace(
        found,
        no_missing_entities=settings.no_missing_entities,
        no_unannotated=settings.no_unannotated,
    )
    options = replace(settings.options, unannotated_empty=True)
    unannotated = all_formats(plan.nlp, spans_key=plan.spans_key, options=options)
    plan = replace(plan, sources=decide_empty_files(plan.sources, found, unannotated))
    overlaps = found.overlaps and plan.format.holds_docs and not settings.flat
    writer = TextWriter(
        plan.format if settings.spans_key or overlaps else plan.flat_format,
        plan.nlp,
        report,
        tracks[1],
        flat=settings.flat,
        found=found,
        align=align,
    )
    write = _write_parts if settings.shares else _write_files
    with ExitStack() as files:
        texts = dict(write(plan, writer, settings, files))
        if not settings.allow_loss:
            check_loss(report, lang=settings.lang, flat=settings.flat)
        writer.report_scores()
    return Written(texts, plan.spans_key if overlaps else None)


def _require_texts(sources: Sequence[Source], found: Findings) -> None:
    if found.is_empty:
        names = ", ".join(str(source.path) for source in sources[:EXAMPLES])
        left = len(sources) - EXAMPLES
        more = f" and {count_noun(left, 'more file')}" if left > 0 else ""
        raise ValueError(f"{names}{more}: the input must have texts, got none; nothing is written")


@dataclass(frozen=True)
class _Plan:
    """Files to read and to write, and formats.

    sources (list[Source]): The files to read.
    outputs (list[Path]): The output of each source, or of each part of a split.
    format (Format): The format to write.
    flat_format (Format): The same without a span group.
    nlp (Language): The pipeline that tokenizes texts without tokens.
    spans_key (str): The span group.
    """

    sources: list[Source]
    outputs: list[Path]
    format: Format
    flat_format: Format
    nlp: Language
    spans_key: str


def _make_plan(
    inputs: Iterable[Path], output: Path, settings: Settings, others: Sequence[Path]
) -> _Plan:
    nlp, key = make_tokenizer(settings.lang), settings.spans_key or SPANS_KEY
    formats = all_formats(nlp, spans_key=key, options=settings.options)
    sources = find_sources(inputs, formats, settings.source)
    check_options(settings.options, [source.format.name for source in sources])
    target = choose_target(settings.target, output, formats)
    if settings.spans_key is not None:
        _require_docs([target, *(source.format for source in sources)])
    is_file = is_file_of(target, output, formats)
    if settings.shares:
        outputs = place_parts(settings.shares, output, target.suffix, is_file=is_file)
    else:
        outputs = place_outputs(sources, output, target.suffix, is_file=is_file)
    check_outputs([*outputs, *others], [source.path for source in sources])
    return _Plan(sources, outputs, target, all_formats(nlp)[target.name], nlp, key)


def _require_docs(formats: Iterable[Format]) -> None:
    if not any(each.holds_docs for each in formats):
        names = ", ".join(dict.fromkeys(each.name for each in formats))
        raise ValueError(
            f"--spans-key requires docs to read or to write, such as --to spacy, got {names}"
        )


def find_sources(
    inputs: Iterable[Path], formats: dict[str, Format], name: str | None = None
) -> list[Source]:
    """Find the files to read, and their formats.

    inputs (Iterable[Path]): Files or folders.
    formats (dict[str, Format]): All formats.
    name (str | None): The format of all files; detected if None.
    RETURNS (list[Source]): The files.
    RAISES (ValueError): If a file is missing, or its format can't be detected.
    """
    if name is not None:
        formats = {name: get_format(name, formats)}
    return [source for path in inputs for source in _find_sources(path, formats, name)]


def _find_sources(path: Path, formats: dict[str, Format], name: str | None) -> Iterator[Source]:
    files, origin = find_files(path, formats), find_origin(path)
    for file in files:
        known = formats.get(name or origin.format or "")
        yield Source(file, known or detect_format(file, formats), origin.pipeline)


def _write_files(
    plan: _Plan, writer: TextWriter, settings: Settings, files: ExitStack
) -> Iterator[tuple[Path, int]]:
    for source, output in zip(plan.sources, plan.outputs, strict=True):
        yield output, writer.begin(writer.read(source), output, files)


def _write_parts(
    plan: _Plan, writer: TextWriter, settings: Settings, files: ExitStack
) -> Iterator[tuple[Path, int]]:
    texts = list(chain.from_iterable(map(writer.read, plan.sources)))
    parts = split_texts(texts, settings.shares, seed=settings.seed, group_by=settings.group_by)
    for (_, part), output in zip(parts.items(), plan.outputs, strict=True):
        yield output, writer.begin(part, output, files)
