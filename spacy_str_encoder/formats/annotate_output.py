"""Folders that the command `annotate` writes: a manifest, parts, and rejected texts.

A run may have been killed: what counts are the parts that the manifest lists, and as much of the
rejected texts as its last line says. `archive/manifest.py` writes them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ..files.archive_names import MANIFEST, PART, REJECTED, name_part
from .reading import read_items
from .report import ConversionReport

TABLE = ".csv"
READABLE = "run annotate with --format jsonl, parquet or spacy"
UNFINISHED = "sources that annotate has not finished"
REJECTIONS = "texts that annotate rejected"


@dataclass
class _Run:
    """Contents of a manifest.

    sources (list[str]): The names of the sources.
    parts (list[tuple[int, int]]): The source and the chunk of each part.
    unfinished (set[int]): The numbers of sources that have not been read to their end.
    rejected_size (int): The size of the file of rejected texts.
    """

    sources: list[str] = field(default_factory=list)
    parts: list[tuple[int, int]] = field(default_factory=list)
    unfinished: set[int] = field(default_factory=set)
    rejected_size: int = 0

    def note(self, line: dict[str, Any]) -> None:
        """Note a line of the manifest."""
        self.rejected_size = line.get("rejected_size", self.rejected_size)
        if "path" in line:
            self.unfinished.add(len(self.sources))
            self.sources.append(line["name"])
        elif "chunk" in line:
            self.parts.append((line["source"], line["chunk"]))
        elif "dropping" in line:
            self.parts = [part for part in self.parts if part[0] != line["dropping"]]
            self.unfinished.add(line["dropping"])
        elif "settings" not in line:
            # A source that was dropped has another number now.
            self.unfinished.discard(line["dropped"] if "dropped" in line else line["finished"])


def is_output(folder: Path) -> bool:
    """Check whether a folder has been written by `annotate`.

    folder (Path): The folder.
    RETURNS (bool): Whether it has a manifest that begins with settings.
    """
    path = folder / MANIFEST
    first = next(read_items(path, ConversionReport(skip_bad=True)), None) if path.exists() else None
    return first is not None and isinstance(first[1], dict) and "settings" in first[1]


class Origin(NamedTuple):
    """Origin of a folder that `annotate` wrote.

    pipeline (str | None): The name, version and hash of its pipeline.
    format (str | None): The format that `convert` reads its parts in; None if it is detected.
    """

    pipeline: str | None = None
    format: str | None = None


def find_origin(path: Path) -> Origin:
    """Find the origin of a folder.

    path (Path): A file or folder.
    RETURNS (Origin): The origin. It is empty if `annotate` has not written the folder.
    """
    if not (path.is_dir() and is_output(path)):
        return Origin()
    [first] = islice(_read_whole_lines(path / MANIFEST), 1)
    settings = first["settings"]
    name = settings.get("format")
    # Parquet files hold what JSON lines do.
    return Origin(settings.get("model"), None if name == "parquet" else name)


def is_part(path: Path) -> bool:
    """RETURNS (bool): Whether a file has the name of a part."""
    return PART.fullmatch(path.stem) is not None


def find_parts(folder: Path) -> list[Path]:
    """Find the parts in the order of the texts.

    folder (Path): The folder.
    RETURNS (list[Path]): The files of the parts.
    RAISES (ValueError): If there are none, some are missing, or they are tables of records.
    """
    names = [name_part(*part) for part in sorted(_read_run(folder).parts)]
    files = {path.stem: path for path in folder.iterdir() if is_part(path)}
    if missing := [name for name in names if name not in files]:
        raise ValueError(
            f"{folder}: {len(missing)} of the files that annotate wrote are missing, such as "
            f"{missing[0]}; restore them, or start over with annotate --overwrite"
        )
    if not names:
        raise ValueError(f"{folder}: annotate has not written any texts here yet; {READABLE}")
    if files[names[0]].suffix == TABLE:
        raise ValueError(f"{folder}: tables of records hold no texts or entities; {READABLE}")
    return [files[name] for name in names]


def report_output(folder: Path, report: ConversionReport) -> None:
    """Report the texts that were rejected, and sources that are unfinished.

    folder (Path): The folder.
    report (ConversionReport): The report.
    """
    run = _read_run(folder)
    for number in sorted(run.unfinished):
        report.choose(UNFINISHED, str(folder), run.sources[number])
    for line in _read_whole_lines(folder / REJECTED, run.rejected_size):
        place = f"{line['source']}, text {line['number']}"
        report.lose_other(REJECTIONS, place, line["reason"])


def _read_run(folder: Path) -> _Run:
    run, path = _Run(), folder / MANIFEST
    try:
        for line in _read_whole_lines(path):
            run.note(line)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: the manifest of annotate is damaged") from error
    return run


def _read_whole_lines(path: Path, size: int | None = None) -> Iterator[Any]:
    """Read JSON lines, without one that a killed run did not complete."""
    content = path.read_bytes()[:size] if path.exists() else b""
    return map(json.loads, content[: content.rfind(b"\n") + 1].splitlines())
