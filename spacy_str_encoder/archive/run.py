"""A run over an archive."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256

from spacy.language import Language

from .chunks import ChunkReader
from .engines import Engine, annotate_here
from .manifest import REJECTED, Manifest, open_manifest
from .parts import PartWriter
from .readers import Fields
from .sources import Source


@dataclass(frozen=True)
class Settings:
    """What decides what is written. Runs over the same archive have the same settings.

    fields (Fields): Where records have texts and identifiers.
    format (str): The format to write: `jsonl`, `parquet` or `spacy`.
    part_size (int): How many texts a file has at most.
    whole_files (bool): Whether a text file is one text.
    """

    fields: Fields = field(default_factory=Fields)
    format: str = "jsonl"
    part_size: int = 1000
    whole_files: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a run has come, with those before it.

    annotated (int): The texts that are annotated.
    annotated_now (int): Those of them that this run has annotated.
    rejected (int): The records that could not be.
    read (int): The bytes that have been read.
    size (int): The bytes of all sources.
    """

    annotated: int
    annotated_now: int
    rejected: int
    read: int
    size: int


class TooManyRejectedError(ValueError):
    """More records were rejected than allowed."""


def annotate_archive(
    write_part: PartWriter,
    sources: Sequence[Source],
    settings: Settings,
    *,
    engine: Engine = annotate_here,
    max_rejected: int | None = None,
    with_texts: bool = False,
    overwrite: bool = False,
    follow: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Annotate every text of an archive once, going on where an earlier run was stopped.

    write_part (PartWriter): Annotates a chunk, and writes it to a file.
    sources (Sequence[Source]): What to read.
    settings (Settings): What decides about what is written.
    engine (Engine): Where chunks are annotated.
    max_rejected (int | None): How many records may be rejected; any number if None.
    with_texts (bool): Whether rejected records are written beside the reasons.
    overwrite (bool): Whether to begin again.
    follow (Callable[[Progress], None]): Called after each part.
    RETURNS (Progress): What was done, by this run and those before.
    RAISES (ValueError): If a source has no texts where the settings say, earlier runs had other
        settings, or began with sources that are not given now, or if sources have changed.
    RAISES (TooManyRejectedError): If more records than allowed are rejected.
    """
    with open_manifest(write_part.folder, overwrite=overwrite) as manifest:
        _check_new(sources, settings.fields, manifest)
        manifest.begin({"model": fingerprint(write_part.nlp), **asdict(settings)})
        numbered = manifest.number_sources(sources)
        waiting = deque(number for number in numbered if number not in manifest.finished)
        readers = [_make_reader(number, numbered, manifest, settings) for number in waiting]
        size = sum(source.size for source in sources)
        read = size - sum(numbered[number].size for number in waiting)
        before = manifest.annotated
        if waiting:
            _check_rejected(manifest, max_rejected)
        for part in engine(write_part, readers):
            # Parts come in the order of the sources.
            while waiting[0] != part.source:
                read += numbered[waiting[0]].size
                _finish(manifest, waiting.popleft(), numbered)
            manifest.commit(part, with_texts=with_texts)
            read_of_source = int(part.share * numbered[part.source].size)
            follow(_progress(manifest, before, read + read_of_source, size))
            _check_rejected(manifest, max_rejected)
        for number in waiting:
            _finish(manifest, number, numbered)
        _check_rejected(manifest, max_rejected)
        if left := manifest.unfinished():
            raise ValueError(LEFT.format(names=", ".join(left)))
        return _progress(manifest, before, size, size)


TOO_MANY = (
    "{count} records are rejected, which is more than --max-rejected allows; the reasons are in "
    f"{REJECTED}. What is annotated stays: the same command with a higher number goes on."
)


CHANGED = (
    "{name}: the file has changed while it was read, so that what is written may be a mixture. "
    "Begin again, in another folder or with --overwrite."
)
LEFT = (
    "{names}: an earlier run has begun with it and not read all of it, and it is not among the "
    "inputs now. All the others are done; give it again to go on, or begin again with --overwrite."
)


def _check_new(sources: Sequence[Source], fields: Fields, manifest: Manifest) -> None:
    """Look at the beginning of each new source: what is wrong with it is best mended before the
    manifest has it."""
    for source in sources:
        if source.path not in manifest.numbers:
            next(source.read(fields), None)


def _check_rejected(manifest: Manifest, max_rejected: int | None) -> None:
    if max_rejected is not None and manifest.rejected > max_rejected:
        raise TooManyRejectedError(TOO_MANY.format(count=manifest.rejected))


def _finish(manifest: Manifest, number: int, sources: Mapping[int, Source]) -> None:
    if sources[number].has_changed():
        raise ValueError(CHANGED.format(name=sources[number].name))
    manifest.finish(number)


def _make_reader(
    number: int, sources: Mapping[int, Source], manifest: Manifest, settings: Settings
) -> ChunkReader:
    done = frozenset(manifest.chunks.get(number, ()))
    return ChunkReader(number, sources[number], settings.fields, settings.part_size, done)


def _progress(manifest: Manifest, before: int, read: int, size: int) -> Progress:
    now = manifest.annotated - before
    return Progress(manifest.annotated, now, manifest.rejected, read, size)


def fingerprint(nlp: Language) -> str:
    """Tell a pipeline from others.

    nlp (Language): The pipeline.
    RETURNS (str): Its name and version, and a hash of its files.
    """
    digest = sha256()
    for path in sorted(nlp.path.rglob("*")):
        # File managers leave hidden files, which are no part of it.
        if path.is_file() and not path.name.startswith("."):
            digest.update(path.relative_to(nlp.path).as_posix().encode())
            digest.update(path.read_bytes())
    return f"{nlp.lang}_{nlp.meta['name']} {nlp.meta['version']} {digest.hexdigest()[:16]}"
