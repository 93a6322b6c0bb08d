"""Texts to choose from: each text of the sources once."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from ...archive.sources import Source
from ...files.entries import Entry, Rejection
from ...files.readers import Fields


@dataclass
class Candidates:
    """Reader of texts that counts what it leaves out.

    fields (Fields): The fields of texts and identifiers.
    read (int): The number of texts read so far.
    blank (int): The number of texts that are empty or white space.
    duplicates (int): The number of texts that were read before.
    excluded (int): The number of texts that are not to be chosen.
    rejected (dict[str, list[str]]): The texts that can't be annotated, by the kind of the reason.
        Each case has the place and the whole reason.
    """

    fields: Fields
    read: int = 0
    blank: int = 0
    duplicates: int = 0
    excluded: int = 0
    rejected: dict[str, list[str]] = field(default_factory=dict)
    # Digests, so that the texts need not stay in memory.
    _seen: set[bytes] = field(default_factory=set)
    _unwanted: set[bytes] = field(default_factory=set)

    def exclude(self, texts: Iterable[str]) -> None:
        """Leave out some texts, whatever their white space, when others are read.

        texts (Iterable[str]): The texts.
        """
        self._unwanted.update(map(_digest_words, texts))

    def read_new(self, source: Source) -> Iterator[Entry]:
        """Read the texts of a source that were in no source before. White space around them makes
        no difference.

        source (Source): The source.
        YIELDS (Entry): The texts.
        """
        for item, _ in source.read(self.fields):
            self.read += 1
            if isinstance(item, Rejection):
                self.reject(source, item)
            elif not item.text.strip():
                self.blank += 1
            elif _digest_words(item.text) in self._unwanted:
                self.excluded += 1
            elif self._is_new(item.text.strip()):
                yield item

    def _is_new(self, text: str) -> bool:
        digest = _digest(text)
        is_new = digest not in self._seen
        self._seen.add(digest)
        self.duplicates += not is_new
        return is_new

    def read_again(self, source: Source, numbers: Collection[int]) -> Iterator[Entry]:
        """Read some texts of a source again.

        source (Source): The source.
        numbers (Collection[int]): The numbers of the texts.
        YIELDS (Entry): The texts.
        """
        for item, _ in source.read(self.fields):
            if isinstance(item, Entry) and item.number in numbers:
                yield item

    def reject(self, source: Source, rejection: Rejection) -> None:
        """Count a text that can't be annotated.

        source (Source): The source.
        rejection (Rejection): The text.
        """
        self.rejected.setdefault(rejection.kind, []).append(_describe(source, rejection))


def _describe(source: Source, rejection: Rejection) -> str:
    return f"{source.name}, text {rejection.number:,}: {rejection.reason}"


def _digest_words(text: str) -> bytes:
    return _digest(" ".join(text.split()))


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()
