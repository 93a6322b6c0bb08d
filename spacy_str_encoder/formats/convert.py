"""From one format to another."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from os.path import abspath
from pathlib import Path

from spacy.language import Language

from ..files.docbin import SUFFIX
from ..files.whole import check_outputs, written_whole
from .annotated_text import AnnotatedText
from .docs import with_tokens
from .entities import UNANNOTATED, WITHOUT_ENTITIES
from .format import Format
from .registry import JSON_SUFFIXES, detect_format, find_files, get_format
from .report import ConversionReport
from .split import split_texts

# How the names of files end that are no folders.
FILE_SUFFIXES = {SUFFIX, *JSON_SUFFIXES}


@dataclass(frozen=True)
class Source:
    """A file or folder to read, and its format."""

    path: Path
    format: Format

    def read(self, report: ConversionReport) -> Iterator[AnnotatedText]:
        """RETURNS (Iterator[AnnotatedText]): Its texts."""
        return self.format.read(self.path, report)


def find_sources(
    inputs: Iterable[Path], formats: dict[str, Format], name: str | None = None
) -> list[Source]:
    """Find the files to read, and their formats.

    inputs (Iterable[Path]): Files or folders.
    formats (dict[str, Format]): All formats.
    name (str | None): The format that all of them are in; found out if None.
    RETURNS (list[Source]): The files.
    RAISES (ValueError): If a file is missing, or its format can't be told.
    """
    if name is not None:
        formats = {name: get_format(name, formats)}
    paths = chain.from_iterable(find_files(path, formats) for path in inputs)
    return [Source(path, formats[name] if name else detect_format(path, formats)) for path in paths]


@dataclass(frozen=True)
class TextWriter:
    """Writes texts in a format.

    format (Format): The format.
    nlp (Language): Tokenizes texts that have no tokens, if the format needs them.
    report (ConversionReport): Counts the texts, and what is lost.
    track (Callable[[Iterable[AnnotatedText]], Iterable[AnnotatedText]]): Shows how far it has come.
    """

    format: Format
    nlp: Language
    report: ConversionReport
    track: Callable[[Iterable[AnnotatedText]], Iterable[AnnotatedText]] = iter

    def write(self, texts: Iterable[AnnotatedText], target: Path) -> int:
        """Write texts to a file, all of them or no file.

        texts (Iterable[AnnotatedText]): The texts.
        target (Path): The file; it is replaced if it is there. A folder must be empty or missing.
        RETURNS (int): How many texts there were.
        RAISES (ValueError): If the folder is not empty.
        """
        if target.is_dir() and any(target.iterdir()):
            raise ValueError(f"{target}: the folder is not empty")
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
                self.report.choose(f"{UNANNOTATED}, as having none", annotated.place, "")
            if not (annotated.has_entities or self.format.keeps_missing_entities):
                self.report.choose(f"{WITHOUT_ENTITIES}, as having none", annotated.place, "")
            yield annotated


def plan_targets(sources: Sequence[Source], output: Path, suffix: str) -> dict[Path, Source]:
    """Decide which file is written to where.

    sources (Sequence[Source]): The files to read.
    output (Path): A file, if its name ends like one and there is one source; else a folder.
    suffix (str): How the names of the files to write end.
    RETURNS (dict[Path, Source]): The file to read for each file to write.
    RAISES (ValueError): If two would be written to the same place, or one over what is read, or
        the name of a file is one of another format.
    """
    targets = _place(sources, output, suffix)
    check_outputs(targets, [source.path for source in sources])
    return targets


def _is_file(output: Path, suffix: str) -> bool:
    if output.is_dir() or output.suffix not in FILE_SUFFIXES:
        return False
    if output.suffix == suffix or {output.suffix, suffix} <= JSON_SUFFIXES:
        return True
    what = f"files end in {suffix}" if suffix else "it is a folder"
    raise ValueError(f"{output} is no name for the format that is written: {what}")


def _place(sources: Sequence[Source], output: Path, suffix: str) -> dict[Path, Source]:
    if _is_file(output, suffix):
        if len(sources) > 1:
            raise ValueError(f"{len(sources)} files can't all be written to {output}")
        return {output: sources[0]}
    targets: dict[Path, Source] = {}
    for source in sources:
        # Folders such as "." and ".." have their name only in the absolute path.
        target = output / f"{Path(abspath(source.path)).stem}{suffix}"
        if target in targets:
            raise ValueError(
                f"{targets[target].path} and {source.path} would both be written to {target}; "
                "rename one"
            )
        targets[target] = source
    return targets


def convert_files(targets: dict[Path, Source], writer: TextWriter) -> Iterator[tuple[Path, int]]:
    """Convert files one by one.

    targets (dict[Path, Source]): The file to read for each file to write.
    writer (TextWriter): Writes them.
    YIELDS (tuple[Path, int]): Each file that was written, and the number of its texts.
    """
    for target, source in targets.items():
        yield target, writer.write(source.read(writer.report), target)


def convert_split(
    sources: Sequence[Source],
    output: Path,
    writer: TextWriter,
    *,
    shares: dict[str, float],
    seed: int,
    group_by: str | None = None,
) -> Iterator[tuple[Path, int]]:
    """Divide the texts of all files at random into a file for each part.

    sources (Sequence[Source]): The files to read.
    output (Path): The folder to write to.
    writer (TextWriter): Writes them.
    shares (dict[str, float]): The share of each part.
    seed (int): The seed of the random order.
    group_by (str | None): The field of the meta data that says which texts stay together.
    YIELDS (tuple[Path, int]): Each file that was written, and the number of its texts.
    RAISES (ValueError): If the output is a file, or one that is read would be written over.
    """
    targets = {name: output / f"{name}{writer.format.suffix}" for name in shares}
    if output.suffix in FILE_SUFFIXES:
        raise ValueError(f"{output} is no folder, and a split is several files")
    check_outputs(targets.values(), [source.path for source in sources])
    texts = list(chain.from_iterable(source.read(writer.report) for source in sources))
    for name, part in split_texts(texts, shares, seed=seed, group_by=group_by).items():
        yield targets[name], writer.write(part, targets[name])
