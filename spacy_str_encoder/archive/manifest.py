"""The manifest: a list of what has been annotated, so that a run can go on where it was stopped.

It is a file of JSON lines that is only appended to: the settings, each source, each part that was
written, each source that is finished, and each source whose output was dropped, because its files
have changed. A part counts once its line is in the manifest. By then,
the part and its rejections are on disk. If a run is killed in between, the next run cuts off or
overwrites what is left of it: an incomplete line, rejections, or a part.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..files.archive_names import MANIFEST, PART, REJECTED, name_part
from ..files.entries import Rejection
from ..files.locks import LOCK, locked
from ..files.whole import remove, sync, written_whole
from .sources import Source

# The form of the output. Since 2, the score of a relation counts those of its entities.
SCHEMA = 2
# What is counted of each part, beside its rejections.
COUNTS = ("annotated", "hidden", "low_entities", "low_relations")
# Some formats are folders, without a suffix.
FILE = re.compile(rf"{PART.pattern}(\.(conll|csv|json|jsonl|parquet|spacy))?")
# The names that `files.whole.written_whole` gives.
UNFINISHED = re.compile(rf"\.{FILE.pattern}\.\w+\.unfinished(\.\w+)?")
# What is reported of parts in annotation formats: the number of cases by reason.
REPORTED = ("lost", "chosen")
# The beginning of the first line.
BEGINNING = b'{"version": "'
OWN = re.compile("|".join([FILE.pattern, UNFINISHED.pattern, re.escape(REJECTED), re.escape(LOCK)]))


@dataclass(frozen=True)
class Part:
    """A chunk that has been annotated and written to a file.

    source (int): The number of its source.
    chunk (int): The number of the chunk in its source.
    share (float): The share of the source that had been read once the chunk was complete.
    annotated (int): The number of annotated texts, all written to the file.
    rejections (list[Rejection]): The rejected texts.
    hidden (int): The number of relations that were left out, because a later component removed
        their entities.
    low_entities (int): The number of entities that were left out, because of their scores.
    low_relations (int): The number of relations that were left out, because of their scores or
        those of their entities.
    lost (Counter[str]): The number of losses in the output format by reason.
    chosen (Counter[str]): The number of choices in the output format by reason.
    last (Mapping[str, int]): The last numbers that its output has, if it is numbered.
    size (int): The size of its output in bytes.
    """

    source: int
    chunk: int
    share: float
    annotated: int
    rejections: list[Rejection]
    hidden: int = 0
    low_entities: int = 0
    low_relations: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    chosen: Counter[str] = field(default_factory=Counter)
    last: Mapping[str, int] = field(default_factory=dict)
    size: int = 0


class Manifest:
    """The settings of an archive, and what has been annotated so far."""

    def __init__(self, folder: Path) -> None:
        """Read the manifest of earlier runs, and cut off what a killed run left incomplete.

        folder (Path): The output folder.
        RAISES (ValueError): If the manifest is damaged, or files that it lists are missing.
        """
        self.folder = folder
        self.settings: dict[str, Any] = {}
        # The first manifests had neither.
        self.version, self.schema = "0.1.0", 1
        self.numbers: dict[str, int] = {}
        self.sources: list[dict[str, Any]] = []
        # The size of the output of each chunk, in bytes. The first manifests had none.
        self.chunks: dict[int, dict[int, int | None]] = {}
        self.finished: set[int] = set()
        self._dropping: int | None = None
        self._counts: dict[int, Counter[str]] = {}
        self._reported: dict[str, dict[int, Counter[str]]] = {name: {} for name in REPORTED}
        self.annotated = self.rejected = self.rejected_size = self.hidden = 0
        self.low_entities = self.low_relations = 0
        # Numbers of output that was dropped are not used again.
        self.last: Mapping[str, int] = {}
        self._read()
        self._finish_drop()
        self._check_files()
        _cut(folder / REJECTED, self.rejected_size)

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Note the settings of the first run, and check those of later runs.

        settings (Mapping[str, Any]): The settings that determine the output.
        RAISES (ValueError): If earlier runs had other settings, or wrote another form of output.
        """
        if not self.settings:
            about = {"version": version("spacy_str_encoder"), "schema": SCHEMA}
            self._append({**about, "settings": settings})
        if self.schema != SCHEMA:
            raise ValueError(
                f"{self.folder}: it was begun by version {self.version} of spacy_str_encoder, with "
                f"output of another form (schema {self.schema}, now {SCHEMA}). Choose another "
                "folder, or start over with --overwrite."
            )
        for name, value in settings.items():
            if self.settings.get(name) != value:
                raise ValueError(
                    f"{self.folder}: earlier runs had other settings: '{name}' was "
                    f"{self.settings.get(name)}, now it is {value}. Choose another folder, or "
                    "start over with --overwrite."
                )

    def number_sources(self, sources: Iterable[Source]) -> dict[int, Source]:
        """Look up the number of each source, and number the new ones.

        sources (Iterable[Source]): The sources. The earlier output of those that have changed must
            have been dropped.
        RETURNS (dict[int, Source]): The sources by number, in the same order.
        """
        sources = list(sources)
        new = [source for source in sources if source.path not in self.numbers]
        self._append(*map(_describe, new))
        return {self.numbers[source.path]: source for source in sources}

    def current(self) -> list[tuple[int, dict[str, Any]]]:
        """RETURNS (list[tuple[int, dict[str, Any]]]): The number and the line of each source whose
        output was not dropped.
        """
        return [(number, self.sources[number]) for number in sorted(self.numbers.values())]

    def has_changed(self, source: Source) -> bool:
        """Check if a source has changed since an earlier run.

        source (Source): The source.
        RETURNS (bool): Whether it has. A new source has not.
        """
        number = self.numbers.get(source.path)
        return number is not None and self.sources[number]["fingerprint"] != source.fingerprint

    def drop(self, number: int) -> None:
        """Remove the output of a source, which may be read again under another number.

        number (int): The number of the source.
        RAISES (ValueError): If another source has the same name, so that their rejections can't be
            told apart.
        """
        name = self.sources[number]["name"]
        if [each["name"] for _, each in self.current()].count(name) > 1:
            raise ValueError(
                f"{name}: the file has changed since an earlier run, and there are two of this "
                "name. Start over with --overwrite."
            )
        self._append({"dropping": number})
        self._finish_drop()

    def _finish_drop(self) -> None:
        """Drop a source. A run that was killed on the way is no harm: each step can be repeated."""
        if self._dropping is None:
            return
        number, path = self._dropping, self.folder / REJECTED
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        name = self.sources[number]["name"]
        kept = b"".join(line for line in lines if json.loads(line)["source"] != name)
        with written_whole(path) as unfinished:
            unfinished.write_bytes(kept)
        for part in _find(self.folder, FILE):
            if part.name.startswith(f"part-{number:05d}-"):
                remove(part)
        self._append({"dropped": number, "rejected_size": len(kept)})

    def commit(self, part: Part, *, with_texts: bool) -> None:
        """Write the rejections of a part, and note that the part is done.

        part (Part): The part.
        with_texts (bool): Whether to write the rejected texts beside the reasons.
        """
        rows = []
        for rejection in part.rejections:
            place = {"source": self.sources[part.source]["name"], "number": rejection.number}
            content = {"content": rejection.content} if with_texts else {}
            rows.append({**place, "reason": rejection.reason, **content})
        size = _append_lines(self.folder / REJECTED, rows)
        counts = {name: getattr(part, name) for name in COUNTS} | {"rejected": len(rows)}
        names = (*REPORTED, "last")
        reported = {name: found for name in names if (found := getattr(part, name))}
        place = {"source": part.source, "chunk": part.chunk, "size": part.size}
        self._append({**place, **counts, **reported, "rejected_size": size})

    def unfinished(self) -> list[str]:
        """RETURNS (list[str]): The names of the sources that are not finished."""
        numbers = set(range(len(self.sources))) - self.finished
        return [self.sources[number]["name"] for number in sorted(numbers)]

    @property
    def lost(self) -> Counter[str]:
        """RETURNS (Counter[str]): The number of losses in the output format by reason."""
        return sum(self._reported["lost"].values(), Counter())

    @property
    def chosen(self) -> Counter[str]:
        """RETURNS (Counter[str]): The number of choices in the output format by reason."""
        return sum(self._reported["chosen"].values(), Counter())

    def finish(self, source: int) -> None:
        """Note that a source is finished.

        source (int): The number of the source.
        """
        self._append({"finished": source})

    def _append(self, *lines: Mapping[str, Any]) -> None:
        _append_lines(self.folder / MANIFEST, lines)
        for line in lines:
            self._note(line)

    def _note(self, line: Mapping[str, Any]) -> None:
        self._check_once(line)
        if "settings" in line:
            self.settings = dict(line["settings"])
            self.version = line.get("version", self.version)
            self.schema = line.get("schema", self.schema)
        elif "path" in line:
            self.numbers[line["path"]] = len(self.sources)
            self.sources.append(dict(line))
        elif "chunk" in line:
            self.chunks.setdefault(line["source"], {})[line["chunk"]] = line.get("size")
            # Archives that were begun earlier lack some.
            counts = {name: line.get(name, 0) for name in ("rejected", *COUNTS)}
            self._counts.setdefault(line["source"], Counter()).update(counts)
            self._add(counts)
            for name, of_sources in self._reported.items():
                of_sources.setdefault(line["source"], Counter()).update(line.get(name, {}))
            self.last = line.get("last", self.last)
            self.rejected_size = line["rejected_size"]
        elif "dropping" in line:
            self._dropping = line["dropping"]
        elif "dropped" in line:
            self._note_dropped(line["dropped"])
            self.rejected_size = line["rejected_size"]
        else:
            self.finished.add(line["finished"])

    def _check_once(self, line: Mapping[str, Any]) -> None:
        """Check that a source or a part is not listed twice, so that its texts count once."""
        is_known = line.get("path") in self.numbers
        if is_known or line.get("chunk") in self.chunks.get(line.get("source", -1), ()):
            raise ValueError("listed twice")

    def _note_dropped(self, number: int) -> None:
        self._dropping = None
        # Nobody has to read it to its end.
        self.finished.add(number)
        del self.numbers[self.sources[number]["path"]]
        self.chunks.pop(number, None)
        self._add(self._counts.pop(number, {}), sign=-1)
        for of_sources in self._reported.values():
            of_sources.pop(number, None)

    def _add(self, counts: Mapping[str, int], *, sign: int = 1) -> None:
        for name, count in counts.items():
            setattr(self, name, getattr(self, name) + sign * count)

    def _read(self) -> None:
        path = self.folder / MANIFEST
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if not whole and _find(self.folder, FILE):
            raise ValueError(
                f"{path}: the manifest is empty or damaged, but the folder has output of earlier "
                "runs. Restore it, or start over with --overwrite."
            )
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                self._note(json.loads(line))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{path}, line {number}: the manifest is damaged. Restore it, or start over "
                    "with --overwrite."
                ) from error
        _cut(path, len(whole))

    def _check_files(self) -> None:
        found = {path.stem for path in self.folder.iterdir()}
        chunks = ((source, chunk) for source in self.chunks for chunk in self.chunks[source])
        missing = sorted({name_part(*chunk) for chunk in chunks} - found)
        if self.rejected_size > _size(self.folder / REJECTED):
            missing.append(REJECTED)
        if missing:
            raise ValueError(
                f"{self.folder}: files that earlier runs wrote are missing or incomplete "
                f"({len(missing)}), such as {missing[0]}. Restore them, or start over with "
                "--overwrite."
            )


def _describe(source: Source) -> dict[str, Any]:
    names = ("name", "path", "fingerprint")
    files = {"files": dict(source.digests)} if source.digests else {}
    return {**{name: getattr(source, name) for name in names}, **files}


def _check_empty(folder: Path, *, allowed: re.Pattern[str]) -> None:
    if others := [each.name for each in folder.iterdir() if not allowed.fullmatch(each.name)]:
        raise ValueError(
            f"{folder}: the folder is not empty ({min(others)}) and has no manifest. Choose "
            "another folder, or empty this one."
        )


def read_setting(folder: Path, name: str) -> Any:
    """Read a setting of an archive that may have been begun.

    folder (Path): The output folder.
    name (str): The name of the setting.
    RETURNS (Any): The value; None if there is none, or no complete manifest.
    """
    path = folder / MANIFEST
    first = path.read_bytes().partition(b"\n")[0] if path.is_file() else b""
    try:
        return json.loads(first)["settings"].get(name)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


@contextmanager
def open_manifest(folder: Path, *, overwrite: bool = False) -> Iterator[Manifest]:
    """Open the manifest of a folder, for one run at a time.

    folder (Path): The output folder, which is created if needed.
    overwrite (bool): Whether to remove the output of earlier runs.
    YIELDS (Manifest): The manifest.
    RAISES (ValueError): If it is a file, in use by another run, or has files of others.
    """
    if folder.is_dir():
        # Checked first, so that foreign files are never touched.
        _check_own_manifest(folder)
        if not (folder / MANIFEST).exists():
            # A run with --overwrite that was killed may have left parts without a manifest.
            _check_empty(folder, allowed=OWN if overwrite else re.compile(re.escape(LOCK)))
    with locked(folder, run="is writing"):
        if overwrite:
            # The manifest is removed first: it must never list files that are gone.
            for path in [folder / MANIFEST, folder / REJECTED, *_find(folder, FILE)]:
                remove(path)
        _remove_unfinished(folder)
        yield Manifest(folder)
        # A worker that died may have left more.
        _remove_unfinished(folder)


def _check_own_manifest(folder: Path) -> None:
    """Check that a manifest is not a file of the same name that something else has written."""
    path = folder / MANIFEST
    if path.exists() and not _find(folder, FILE) and not _is_own(path.read_bytes()):
        raise ValueError(
            f"{path}: the file is not a manifest of annotate. Choose another folder, or empty "
            "this one."
        )


def _is_own(content: bytes) -> bool:
    first, ended, _ = content.partition(b"\n")
    try:
        return "settings" in json.loads(first)
    except (TypeError, ValueError):
        # A run that was killed may have written the beginning of the first line only.
        return not ended and BEGINNING.startswith(first[: len(BEGINNING)])


def _remove_unfinished(folder: Path) -> None:
    for path in _find(folder, UNFINISHED):
        remove(path)


def _find(folder: Path, name: re.Pattern[str]) -> list[Path]:
    return [path for path in folder.iterdir() if name.fullmatch(path.name)]


def _append_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> int:
    """Append JSON lines to a file, sync it to disk, and return its new size."""
    with path.open("ab") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        size = file.tell()
    sync(path)
    return size


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _cut(path: Path, size: int) -> None:
    if _size(path) > size:
        with path.open("rb+") as file:
            file.truncate(size)
        sync(path)
