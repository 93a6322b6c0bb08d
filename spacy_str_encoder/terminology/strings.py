"""Many strings in two arrays: they take little memory, which forked processes share."""

from collections.abc import Iterable, Iterator, Mapping

import numpy
from numpy.typing import NDArray

# Strings to unpack together: about 10 MB.
AT_ONCE = 65536
Arrays = Mapping[str, NDArray]


class PackedStrings:
    """Sequence of strings, as bytes and offsets."""

    def __init__(self, content: NDArray[numpy.uint8], lengths: NDArray[numpy.uint32]) -> None:
        """Initialize the strings.

        content (NDArray[uint8]): Their UTF-8, end to end.
        lengths (NDArray[uint32]): The number of bytes of each.
        """
        self.content, self.lengths = content, lengths
        self._ends = numpy.cumsum(lengths, dtype="int64")

    @classmethod
    def pack(cls, strings: Iterable[str]) -> "PackedStrings":
        """Pack strings.

        strings (Iterable[str]): The strings.
        RETURNS (PackedStrings): The same strings.
        """
        encoded = [each.encode() for each in strings]
        lengths = numpy.fromiter(map(len, encoded), "uint32", len(encoded))
        return cls(numpy.frombuffer(b"".join(encoded), "uint8"), lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> str:
        end = self._ends[index]
        return self.content[end - self.lengths[index] : end].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), AT_ONCE):
            yield from self.unpack(start, start + AT_ONCE)

    def unpack(self, start: int, stop: int) -> list[str]:
        """Unpack some of the strings.

        start (int): The number of the first one.
        stop (int): The number after the last one, or more.
        RETURNS (list[str]): The strings.
        """
        ends = self._ends[start:stop].tolist()
        starts = [int(self._ends[start - 1]) if start else 0, *ends[:-1]]
        first = starts[0]
        content = self.content[first : ends[-1]].tobytes()
        return [content[i - first : j - first].decode() for i, j in zip(starts, ends, strict=True)]

    def to_arrays(self, name: str) -> dict[str, NDArray]:
        """RETURNS (dict[str, NDArray]): The arrays, under names that begin with this one."""
        return {name: self.content, f"{name}_lengths": self.lengths}

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays) -> "PackedStrings":
        """RETURNS (PackedStrings): The strings of `to_arrays`."""
        return cls(arrays[name], arrays[f"{name}_lengths"])
