"""A run over an archive."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..doc.plurals import count_noun
from ..exports.registry import EXPORTS
from ..files.archive_names import REJECTED
from ..files.readers import Fields
from ..loading import get_precision, set_precision, sets_records
from .changes import Changes, find_changes
from .chunks import ChunkReader
from .engines import Engine, annotate_here
from .manifest import Manifest, open_manifest
from .missing_fields import warn_of_missing
from .parts import PartWriter
from .progress import Progress, Tally
from .sources import Source
from .writers import CSV, RAW_CSV

# Maximum number of files to name in an error.
EXAMPLES = 3


@dataclass(frozen=True)
class ArchiveSettings:
    """Settings that determine the output. All runs over the same archive must have the same ones.

    fields (Fields): The fields of texts and identifiers.
    format (str): The output format, see `WRITERS`, `EXPORTS` and `list_formats`.
    part_size (int): The maximum number of texts per output file.
    whole_files (bool): Whether each text file is a single text.
    """

    fields: Fields = field(default_factory=Fields)
    format: str = "jsonl"
    part_size: int = 1000
    whole_files: bool = False


class TooManyRejectedError(ValueError):
    """More texts were rejected than allowed."""


def annotate_archive(
    write_part: PartWriter,
    sources: Sequence[Source],
    settings: ArchiveSettings,
    *,
    engine: Engine = annotate_here,
    max_rejected: int | None = None,
    with_texts: bool = False,
    overwrite: bool = False,
    follow: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Annotate every text of an archive once. A run goes on where an earlier one was stopped. Files
    that have changed since are annotated again, in place of their earlier output.

    write_part (PartWriter): Annotates a chunk, and writes it to a file.
    sources (Sequence[Source]): The sources to read.
    settings (ArchiveSettings): The settings that determine the output.
    engine (Engine): Annotates the chunks, in this process or elsewhere.
    max_rejected (int | None): The maximum number of rejected texts; None for no limit.
    with_texts (bool): Whether to write rejected texts beside the reasons.
    overwrite (bool): Whether to remove the output of earlier runs and start over.
    follow (Callable[[Progress], None]): Called after each part.
    RETURNS (Progress): The progress at the end, including earlier runs.
    RAISES (ImportError): If the format needs a library that is not installed.
    RAISES (ValueError): If the pipeline makes no records for a table of them, if a table lacks the
        columns in the settings, if there is no text, if earlier runs had other settings or a source
        that is missing now, or if a source changes while it is read.
    RAISES (TooManyRejectedError): If more texts are rejected than allowed.
    """
    _check_format(write_part)
    if overwrite:
        # Earlier output must not be removed for inputs that can't be read.
        _require_texts(sources, settings.fields)
    with open_manifest(write_part.folder, overwrite=overwrite) as manifest:
        changes = find_changes(sources, manifest, size=settings.part_size)
        _check_new(changes, settings.fields, manifest)
        if not manifest.chunks:
            _require_texts(changes.sources, settings.fields)
        _keep_precision(write_part, manifest)
        manifest.begin(_list_settings(write_part, settings))
        for number in changes.dropped:
            manifest.drop(number)
        tally = Tally(manifest.number_sources(changes.sources), manifest)
        readers = [_make_reader(number, tally, settings) for number in tally.unread]
        if readers:
            _check_rejected(manifest, max_rejected)
        for part in engine(write_part, readers):
            # Parts come in the order of the sources.
            _finish(tally.pass_sources(until=part.source), tally)
            manifest.commit(write_part.number(part, manifest.last), with_texts=with_texts)
            follow(tally.progress(part))
            _check_rejected(manifest, max_rejected)
        _finish(tally.pass_sources(), tally)
        _check_rejected(manifest, max_rejected)
        if left := manifest.unfinished():
            raise ValueError(LEFT.format(names=", ".join(left)))
        lost, chosen = manifest.lost, manifest.chosen
        return replace(tally.progress(), changed=changes.names, lost=lost, chosen=chosen)


TOO_MANY = (
    "{texts} rejected, more than --max-rejected allows; the reasons are in "
    f"{REJECTED}. Texts annotated so far are kept: to go on, run the same command with a higher "
    "--max-rejected."
)
CHANGED = (
    "{name}: the file changed while it was read, so the output may mix old and new texts. Run the "
    "same command again to annotate it again."
)
LEFT = (
    "{names}: an earlier run did not read this input to its end, and it is missing now. All other "
    "inputs are done. Add it again to go on, or start over with --overwrite."
)


WITHOUT_RECORDS = (
    "--format csv writes a table of records, and no component of this pipeline makes any. Add a "
    "'str_records' to the end of the pipeline, or choose another --format."
)


def _check_format(write_part: PartWriter) -> None:
    if write_part.format in EXPORTS:
        EXPORTS[write_part.format].check(write_part.nlp)
    if write_part.format in (CSV, RAW_CSV) and not sets_records(write_part.nlp):
        raise ValueError(WITHOUT_RECORDS)


NO_TEXTS = "the input must have texts, got none in {names}{more}; nothing is written"


def _require_texts(sources: Sequence[Source], fields: Fields) -> None:
    """Check that there is a text, annotated or to be rejected, in any of the sources."""
    # Each is read, so that errors are raised in whichever it is.
    found = [_has_texts(source, fields) for source in sources]
    if not any(found):
        names = ", ".join(source.name for source in sources[:EXAMPLES])
        more = f" and {len(sources) - EXAMPLES} more files" if len(sources) > EXAMPLES else ""
        raise ValueError(NO_TEXTS.format(names=names, more=more))


def _has_texts(source: Source, fields: Fields) -> bool:
    return next(source.read(fields), None) is not None


def _check_new(changes: Changes, fields: Fields, manifest: Manifest) -> None:
    """Read the beginning of each new or changed source, so that errors in it are raised before the
    source is in the manifest, and before its earlier output is dropped."""
    new = [
        source
        for source in changes.sources
        if source.path not in manifest.numbers or manifest.has_changed(source)
    ]
    for source in new:
        _has_texts(source, fields)
    warn_of_missing(new, fields)


def _keep_precision(write_part: PartWriter, manifest: Manifest) -> None:
    """Go on in the precision of earlier runs, unless another one is asked for."""
    if manifest.settings:
        # Archives that were begun before there was a choice lack it.
        only = dict.fromkeys(get_precision(write_part.nlp), "float32")
        begun = manifest.settings.setdefault("precision", only)
        if write_part.precision is None:
            set_precision(write_part.nlp, begun)


def _list_settings(write_part: PartWriter, settings: ArchiveSettings) -> dict[str, Any]:
    nlp = write_part.nlp
    minimum = {f"min_{name}_score": score for name, score in asdict(write_part.min_scores).items()}
    about = {"model": write_part.pipeline, "precision": get_precision(nlp)}
    export = EXPORTS.get(write_part.format)
    dated = {"date": write_part.date} if export is not None and export.is_dated else {}
    chosen = asdict(settings)
    if settings.fields.subject is None:
        # Archives that were begun before it could be read lack it.
        del chosen["fields"]["subject"]
    return {**about, **chosen, **minimum, **dated}


def _check_rejected(manifest: Manifest, max_rejected: int | None) -> None:
    if max_rejected is not None and manifest.rejected > max_rejected:
        raise TooManyRejectedError(TOO_MANY.format(texts=count_noun(manifest.rejected, "text")))


def _finish(numbers: Iterable[int], tally: Tally) -> None:
    for number in numbers:
        source = tally.sources[number]
        if source.has_changed():
            raise ValueError(CHANGED.format(name=source.name))
        tally.manifest.finish(number)


def _make_reader(number: int, tally: Tally, settings: ArchiveSettings) -> ChunkReader:
    done = frozenset(tally.manifest.chunks.get(number, ()))
    return ChunkReader(number, tally.sources[number], settings.fields, settings.part_size, done)
