"""Convert files from one format to another."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from os.path import abspath
from pathlib import Path

from spacy.language import Language

from ..files.docbin import SUFFIX
from ..files.whole import check_outputs, written_whole
from .annotated_text import AnnotatedText
from .docs import with_tokens
from .entities import (
    UNANNOTATED,
    WITHOUT_ENTITIES,
    without_attributes,
    without_overlaps,
)
from .format import Format
from .registry import JSON_SUFFIXES, detect_format, find_files, get_format
from .report import ConversionReport
from .sources import Source, Track
from .split import split_texts

# Suffixes of formats that are files, not folders.
FILE_SUFFIXES = {SUFFIX, *JSON_SUFFIXES}


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
    paths = chain.from_iterable(find_files(path, formats) for path in inputs)
    return [Source(path, formats[name] if name else detect_format(path, formats)) for path in paths]


@dataclass(frozen=True)
class TextWriter:
    """Writer of texts in one format.

    format (Format): The format.
    nlp (Language): The pipeline that tokenizes texts without tokens, if the format needs them.
    report (ConversionReport): The report, to count texts and losses.
    track (Callable[[Iterable[AnnotatedText]], Iterable[AnnotatedText]]): Function that shows the
        progress.
    flat (bool): Whether to leave out overlapping entities.
    annotated_attributes (bool): Whether all attributes are annotated in files whose format can't
        tell, see `Source.read`.
    """

    format: Format
    nlp: Language
    report: ConversionReport
    track: Track = iter
    flat: bool = False
    annotated_attributes: bool = False

    def read(self, source: Source) -> Iterator[AnnotatedText]:
        """Read the texts of a file to write them.

        source (Source): The file.
        RETURNS (Iterator[AnnotatedText]): The texts.
        """
        return source.read(self.report, annotated_attributes=self.annotated_attributes)

    def write(self, texts: Iterable[AnnotatedText], target: Path) -> int:
        """Write texts to a file. If an error occurs, nothing is written.

        texts (Iterable[AnnotatedText]): The texts.
        target (Path): The file, replaced if it exists. A folder must be empty or missing.
        RETURNS (int): The number of texts.
        RAISES (ValueError): If the folder is not empty.
        """
        if target.is_dir() and any(target.iterdir()):
            raise ValueError(f"{target}: the folder must be empty or missing")
        before = self.report.texts
        counted = self._count(self.track(texts))
        if self.format.needs_tokens:
            counted = with_tokens(counted, self.nlp)
        with written_whole(target) as unfinished:
            self.format.write(counted, unfinished, self.report)
        return self.report.texts - before

    def _count(self, texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
        for annotated in texts:
            self.report.texts += 1
            if not (annotated.has_relations or self.format.keeps_unannotated):
                self.report.choose(f"{UNANNOTATED}, written as none", annotated.place, "")
            if not (annotated.has_entities or self.format.keeps_missing_entities):
                self.report.choose(f"{WITHOUT_ENTITIES}, written as none", annotated.place, "")
            if not self.format.keeps_attributes:
                annotated = without_attributes(annotated, self.report)
            # Docs without a span group choose among the entities that align with their tokens.
            if self.flat and not self.format.holds_docs:
                annotated = without_overlaps(annotated, self.report)
            yield annotated


def plan_targets(sources: Sequence[Source], output: Path, suffix: str) -> dict[Path, Source]:
    """Decide where each file is written.

    sources (Sequence[Source]): The files to read.
    output (Path): A file if it has the suffix of one and there is one source; otherwise a folder.
    suffix (str): The suffix of the files to write.
    RETURNS (dict[Path, Source]): The file to read for each file to write.
    RAISES (ValueError): If two files would be written to the same path, a file would overwrite an
        input, or the suffix of the output belongs to another format.
    """
    targets = _place(sources, output, suffix)
    check_outputs(targets, [source.path for source in sources])
    return targets


def _is_file(output: Path, suffix: str) -> bool:
    if output.is_dir() or output.suffix not in FILE_SUFFIXES:
        return False
    if output.suffix == suffix or {output.suffix, suffix} <= JSON_SUFFIXES:
        return True
    expected = f"end in {suffix}" if suffix else "be a folder"
    raise ValueError(f"{output}: the output must {expected} in this format")


def _place(sources: Sequence[Source], output: Path, suffix: str) -> dict[Path, Source]:
    if _is_file(output, suffix):
        if len(sources) > 1:
            raise ValueError(
                f"{output}: the output must be a folder, since there are {len(sources)} input files"
            )
        return {output: sources[0]}
    targets: dict[Path, Source] = {}
    for source in sources:
        # The names of folders such as "." and ".." are only in their absolute paths.
        target = output / f"{Path(abspath(source.path)).stem}{suffix}"
        if target in targets:
            raise ValueError(
                f"{targets[target].path} and {source.path} would both be written to {target}; "
                "rename one of them"
            )
        targets[target] = source
    return targets


def convert_files(targets: dict[Path, Source], writer: TextWriter) -> Iterator[tuple[Path, int]]:
    """Convert files one by one.

    targets (dict[Path, Source]): The file to read for each file to write.
    writer (TextWriter): The writer of the output format.
    YIELDS (tuple[Path, int]): Each file written, and the number of its texts.
    """
    for target, source in targets.items():
        yield target, writer.write(writer.read(source), target)


def plan_split(
    sources: Sequence[Source], output: Path, suffix: str, parts: Iterable[str]
) -> dict[str, Path]:
    """Decide where each part of a split is written.

    sources (Sequence[Source]): The files to read.
    output (Path): The folder to write to.
    suffix (str): The suffix of the files to write.
    parts (Iterable[str]): The names of the parts.
    RETURNS (dict[str, Path]): The file to write for each part.
    RAISES (ValueError): If the output is a file, or an input would be overwritten.
    """
    if output.suffix in FILE_SUFFIXES:
        raise ValueError(f"{output}: the output must be a folder, since a split has several files")
    targets = {name: output / f"{name}{suffix}" for name in parts}
    check_outputs(targets.values(), [source.path for source in sources])
    return targets


def convert_split(
    sources: Sequence[Source],
    targets: dict[str, Path],
    writer: TextWriter,
    *,
    shares: dict[str, float],
    seed: int,
    group_by: str | None = None,
) -> Iterator[tuple[Path, int]]:
    """Split the texts of all files at random, into one file per part.

    sources (Sequence[Source]): The files to read.
    targets (dict[str, Path]): The file to write for each part.
    writer (TextWriter): The writer of the output format.
    shares (dict[str, float]): The share of each part.
    seed (int): The seed of the random order.
    group_by (str | None): The metadata field that defines which texts stay together.
    YIELDS (tuple[Path, int]): Each file written, and the number of its texts.
    """
    texts = list(chain.from_iterable(map(writer.read, sources)))
    for name, part in split_texts(texts, shares, seed=seed, group_by=group_by).items():
        yield targets[name], writer.write(part, targets[name])
