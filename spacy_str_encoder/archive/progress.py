"""The progress of a run over an archive."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .manifest import Manifest, Part
from .sources import Source


@dataclass(frozen=True)
class Progress:
    """The progress of a run, including earlier runs.

    annotated (int): The number of annotated texts.
    annotated_now (int): The number of texts annotated by this run.
    rejected (int): The number of rejected texts.
    hidden (int): The number of relations that were left out, because a later component removed
        their entities.
    low_entities (int): The number of entities that were left out, because of their scores.
    low_relations (int): The number of relations that were left out, because of their scores or
        those of their entities.
    read (int): The number of bytes read.
    size (int): The size of all sources in bytes.
    changed (tuple[str, ...]): The files that have changed since an earlier run, and were annotated
        again.
    lost (Mapping[str, int]): The number of losses in the output format by reason, at the end.
    chosen (Mapping[str, int]): The number of choices in the output format by reason, at the end.
    """

    annotated: int
    annotated_now: int
    rejected: int
    hidden: int
    low_entities: int
    low_relations: int
    read: int
    size: int
    changed: tuple[str, ...] = ()
    lost: Mapping[str, int] = field(default_factory=dict)
    chosen: Mapping[str, int] = field(default_factory=dict)


class Tally:
    """Keeps track of the sources that are still to be read, and of the bytes read."""

    def __init__(self, sources: Mapping[int, Source], manifest: Manifest) -> None:
        """Start where earlier runs stopped.

        sources (Mapping[int, Source]): The sources by number, in the order they are read.
        manifest (Manifest): The manifest of the archive.
        """
        self.sources = sources
        self.manifest = manifest
        self.annotated_before = manifest.annotated
        self.unread = deque(number for number in sources if number not in manifest.finished)
        self.size = sum(source.size for source in sources.values())
        # The bytes of the sources that have been read to their end.
        self.read = self.size - sum(sources[number].size for number in self.unread)

    def pass_sources(self, *, until: int | None = None) -> Iterator[int]:
        """Count sources as read.

        until (int | None): The number of the first source that has not been read to its end; None
            if all have been.
        YIELDS (int): The number of each source that has been read to its end.
        """
        while self.unread and self.unread[0] != until:
            number = self.unread.popleft()
            self.read += self.sources[number].size
            yield number

    def progress(self, part: Part | None = None) -> Progress:
        """Sum up the progress.

        part (Part | None): The last part of the source that is being read, if there is one.
        RETURNS (Progress): The progress.
        """
        read = 0 if part is None else int(part.share * self.sources[part.source].size)
        known = self.manifest
        now = known.annotated - self.annotated_before
        counts = known.annotated, now, known.rejected, known.hidden
        low = known.low_entities, known.low_relations
        return Progress(*counts, *low, self.read + read, self.size)
