"""Parts: files of annotated texts, one for each chunk."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Self
from uuid import uuid4

from spacy.language import Language

from ..doc.min_scores import NO_MINIMUM, MinScores, ScoreFilter
from ..doc.origin import SUBJECT_FIELD, AnnotatedDocs, Origin
from ..doc.relation import count_hidden
from ..exports.export import Reported
from ..exports.registry import EXPORTS
from ..files.archive_names import name_part
from ..files.entries import Entry, Rejection
from ..files.whole import measure, remove, written_whole
from ..formats.format import Format
from ..loading import entity_group, fingerprint, get_precision, load_pipeline, require_gpu
from .annotate import annotate_entries
from .annotation_formats import list_formats, write_format
from .chunks import Chunk
from .manifest import Part
from .writers import WRITERS


@dataclass(frozen=True)
class PartWriter:
    """Annotates chunks, and writes each to a file of its own. The pipeline is loaded on first use,
    which may be in another process or on another machine.

    model (str): The folder or the package of the pipeline.
    folder (Path): The output folder.
    format (str): The output format, see `WRITERS`, `EXPORTS` and `list_formats`.
    batch_size (int): The number of texts to annotate at a time.
    gpu_id (int): The number of the GPU; -1 for the CPU.
    code (Path | None): A file of Python code that the pipeline needs.
    precision (str | Mapping[str, str] | None): The precision of the pipeline, see `load_pipeline`.
    min_scores (MinScores): The minimum scores of entities and relations.
    date (str): The date of the run, for formats that write it.
    subject_field (str | None): The field of the patient's identifier; None if it is not read.
    """

    model: str
    folder: Path
    format: str
    batch_size: int
    gpu_id: int = -1
    code: Path | None = None
    precision: str | Mapping[str, str] | None = None
    min_scores: MinScores = NO_MINIMUM
    date: str = field(default_factory=lambda: date.today().isoformat())
    subject_field: str | None = None

    @cached_property
    def nlp(self) -> Language:
        """RETURNS (Language): The pipeline."""
        require_gpu(self.gpu_id)
        return load_pipeline(self.model, code=self.code, precision=self.precision)

    @cached_property
    def pipeline(self) -> str:
        """RETURNS (str): The name, version and hash of the pipeline."""
        return fingerprint(self.nlp)

    def for_worker(self) -> Self:
        """RETURNS (PartWriter): A copy without the loaded pipeline, for a process that loads its
        own. On another machine, too, it has the precision of this one.
        """
        return replace(self, precision=get_precision(self.nlp))

    def __call__(self, chunk: Chunk, *, begin: Callable[[int], None] | None = None) -> Part:
        """Annotate a chunk and write it to a file. An existing file of the same chunk is replaced.

        chunk (Chunk): The chunk.
        begin (Callable[[int], None] | None): Called with the number of each text before the batch
            that it ends is annotated.
        RETURNS (Part): The part.
        """
        rejections = [item for item in chunk.items if isinstance(item, Rejection)]
        hidden: list[int] = []
        path = self._path(chunk.source, chunk.number)
        low = ScoreFilter(self.min_scores, entity_group(self.nlp))
        if path.is_dir():
            # A run that was killed has left it, and no folder replaces another.
            remove(path)
        # The memory zone frees the strings of the texts, which the vocabulary would keep otherwise.
        with self.nlp.memory_zone(), written_whole(path, tag=f".{uuid4().hex}") as unfinished:
            entries = _follow(chunk, begin)
            docs = self._annotate(chunk, entries, rejections, hidden)
            reported = self._write(unfinished, ((origin, low(doc)) for origin, doc in docs))
        rejections.sort(key=lambda rejection: rejection.number)
        annotated = len(chunk.items) - len(rejections)
        place = chunk.source, chunk.number, chunk.share
        counts = sum(hidden), low.entities, low.relations
        part = Part(*place, annotated, rejections, *counts, reported.lost, reported.chosen)
        return replace(part, size=measure(path))

    def number(self, part: Part, last: Mapping[str, int]) -> Part:
        """Number what is in a part, if the format asks for it. All parts before it are complete.

        part (Part): The part.
        last (Mapping[str, int]): The last numbers of the parts before it.
        RETURNS (Part): The part, with the last numbers.
        """
        number = EXPORTS[self.format].number if self.format in EXPORTS else None
        if number is None:
            return part
        path = self._path(part.source, part.chunk)
        return replace(part, last=number(path, last), size=measure(path))

    def _path(self, source: int, chunk: int) -> Path:
        return self.folder / f"{name_part(source, chunk)}{self._suffix}"

    @cached_property
    def _annotation_format(self) -> Format:
        return list_formats(self.nlp)[self.format]

    @property
    def _suffix(self) -> str:
        if self.format in EXPORTS:
            return EXPORTS[self.format].suffix
        is_own = self.format in WRITERS
        return WRITERS[self.format][0] if is_own else self._annotation_format.suffix

    def _write(self, path: Path, docs: AnnotatedDocs) -> Reported:
        if self.format in EXPORTS:
            return EXPORTS[self.format].write(path, docs, self.nlp, self.pipeline, self.date)
        if self.format not in WRITERS:
            form, pipeline = self._annotation_format, self.pipeline
            return write_format(path, docs, form, self.nlp, pipeline=pipeline)
        _, write = WRITERS[self.format]
        write(path, docs, entity_group(self.nlp))
        return Reported()

    def _annotate(
        self,
        chunk: Chunk,
        entries: Iterable[Entry],
        rejections: list[Rejection],
        hidden: list[int],
    ) -> AnnotatedDocs:
        for entry, doc in annotate_entries(
            self.nlp, entries, batch_size=self.batch_size, reject=rejections.append
        ):
            hidden.append(count_hidden(doc))
            yield self._describe(entry, chunk), doc

    def _describe(self, entry: Entry, chunk: Chunk) -> Origin:
        origin = {"id": entry.id, "source": chunk.name, "number": entry.number}
        if self.subject_field is None:
            return origin
        return {**origin, "subject": entry.subject, SUBJECT_FIELD: self.subject_field}


def _follow(chunk: Chunk, begin: Callable[[int], None] | None) -> Iterator[Entry]:
    for item in chunk.items:
        if isinstance(item, Entry):
            if begin is not None:
                begin(item.number)
            yield item
