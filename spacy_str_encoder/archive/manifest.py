"""What of an archive has been annotated, so that a run that was stopped goes on where it was.

The manifest is a file of JSON lines that only grows: how the texts are annotated, each source, each
part that was written, and each source that is done. A part counts once its line is there; the part
itself, and the rejections that go with it, are on the disk before. What a run leaves that is killed
in between (half a line, rejections, a part) is cut off, or written over, by the next one.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..formats.files import sync
from .entries import Rejection
from .sources import Source

MANIFEST = "manifest.jsonl"
REJECTED = "rejected.jsonl"
LOCK = ".lock"
PARTS = "part-*"
UNFINISHED = ".part-*"


@dataclass(frozen=True)
class Part:
    """What became of a chunk.

    source (int): The number of its source.
    chunk (int): Which chunk of the source it is.
    share (float): How much of the source has been read with it.
    annotated (int): How many texts were annotated, and written to a file.
    rejections (list[Rejection]): The records that could not be.
    """

    source: int
    chunk: int
    share: float
    annotated: int
    rejections: list[Rejection]


class Manifest:
    """What has been done, and how."""

    def __init__(self, folder: Path) -> None:
        """Read what earlier runs did, and cut off what one of them did not finish.

        folder (Path): The folder that is written to.
        RAISES (ValueError): If the manifest is damaged, or there is none, but other files.
        """
        self.folder = folder
        self.settings: dict[str, Any] | None = None
        self.sources: list[dict[str, Any]] = []
        self.done: set[tuple[int, int]] = set()
        self.finished: set[int] = set()
        self.annotated = self.rejected = rejected_size = 0
        for line in self._read_lines():
            if "settings" in line:
                self.settings = line["settings"]
            elif "fingerprint" in line:
                self.sources.append(line)
            elif "chunk" in line:
                self.done.add((line["source"], line["chunk"]))
                self.annotated += line["annotated"]
                self.rejected += line["rejected"]
                rejected_size = line["rejected_size"]
            else:
                self.finished.add(line["finished"])
        self.annotated_before = self.annotated
        if (folder / REJECTED).exists():
            _cut(folder / REJECTED, rejected_size)

    def _read_lines(self) -> list[dict[str, Any]]:
        path = self.folder / MANIFEST
        if not path.exists():
            if others := [each.name for each in self.folder.iterdir() if each.name != LOCK]:
                raise ValueError(
                    f"{self.folder}: there are files, such as {min(others)}, but no run of "
                    "annotate has begun here. Choose another folder, or an empty one."
                )
            return []
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        _cut(path, len(whole))
        try:
            return [json.loads(line) for line in whole.splitlines()]
        except ValueError as error:
            raise ValueError(f"{path}: the manifest is damaged ({error})") from error

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Say how the texts are annotated.

        settings (Mapping[str, Any]): What decides about what is written.
        RAISES (ValueError): If earlier runs had other settings.
        """
        if self.settings is None:
            self.settings = dict(settings)
            self._append({"settings": self.settings})
        for name, value in settings.items():
            if self.settings.get(name) != value:
                raise ValueError(
                    f"{self.folder}: what is here was written with another {name} "
                    f"({self.settings.get(name)}; now it is {value}). Choose another folder, or "
                    "begin again with --overwrite."
                )

    def number_of(self, source: Source) -> int:
        """The number of a source, a new one if it has none yet.

        source (Source): The source.
        RETURNS (int): Its number.
        RAISES (ValueError): If it has changed since an earlier run.
        """
        for number, known in enumerate(self.sources):
            if known["path"] == source.path:
                if known["fingerprint"] != source.fingerprint:
                    raise ValueError(
                        f"{source.name}: the file has changed since an earlier run began with it. "
                        "Give what is new as a file of its own, or begin again with --overwrite."
                    )
                return number
        line = {name: getattr(source, name) for name in ("name", "path", "fingerprint")}
        self.sources.append(line)
        self._append(line)
        return len(self.sources) - 1

    def commit(self, part: Part, *, with_texts: bool) -> None:
        """Note that a part has been written, and write its rejections.

        part (Part): The part.
        with_texts (bool): Whether the rejected records themselves are written too.
        """
        path = self.folder / REJECTED
        with path.open("ab") as file:
            for rejection in part.rejections:
                row = {
                    "source": self.sources[part.source]["name"],
                    "record": rejection.number,
                    "reason": rejection.reason,
                }
                if with_texts:
                    row["content"] = rejection.content
                file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            size = file.tell()
        sync(path)
        counts = {"annotated": part.annotated, "rejected": len(part.rejections)}
        place = {"source": part.source, "chunk": part.chunk}
        self._append({**place, **counts, "rejected_size": size})
        self.done.add((part.source, part.chunk))
        self.annotated += part.annotated
        self.rejected += len(part.rejections)

    def finish(self, source: int) -> None:
        """Note that a source has been read to its end.

        source (int): Its number.
        """
        self.finished.add(source)
        self._append({"finished": source})

    def _append(self, line: Mapping[str, Any]) -> None:
        path = self.folder / MANIFEST
        with path.open("ab") as file:
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        sync(path)


@contextmanager
def open_manifest(folder: Path, *, overwrite: bool = False) -> Iterator[Manifest]:
    """Open the manifest of a folder for one run at a time.

    folder (Path): The folder that is written to. It is made if it is not there.
    overwrite (bool): Whether to remove what earlier runs have written.
    YIELDS (Manifest): The manifest.
    RAISES (ValueError): If another run is writing there, or the folder is no such folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / LOCK, timeout=0):
            if overwrite:
                # The manifest goes first: what it lists is there.
                for path in [folder / MANIFEST, folder / REJECTED, *folder.glob(PARTS)]:
                    path.unlink(missing_ok=True)
            _remove_unfinished(folder)
            yield Manifest(folder)
            # A worker that died may have left some.
            _remove_unfinished(folder)
    except Timeout as error:
        raise ValueError(f"{folder}: another run is writing here; wait until it is done") from error


def _remove_unfinished(folder: Path) -> None:
    for path in folder.glob(UNFINISHED):
        path.unlink(missing_ok=True)


def _cut(path: Path, size: int) -> None:
    if path.stat().st_size > size:
        with path.open("rb+") as file:
            file.truncate(size)
        sync(path)
