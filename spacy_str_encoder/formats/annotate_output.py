"""Folders that the command `annotate` writes: a manifest, parts, and rejected texts."""

import re
from pathlib import Path

from .reading import read_items
from .report import ConversionReport

MANIFEST, REJECTED = "manifest.jsonl", "rejected.jsonl"
PART = re.compile(r"part-\d{5,}-\d{6,}\.(jsonl|spacy)")


def is_output(folder: Path) -> bool:
    """Check whether a folder has been written by `annotate`.

    folder (Path): The folder.
    RETURNS (bool): Whether it has a manifest that begins with settings.
    """
    path = folder / MANIFEST
    first = next(read_items(path, ConversionReport(skip_bad=True)), None) if path.exists() else None
    return first is not None and isinstance(first[1], dict) and "settings" in first[1]


def find_parts(folder: Path) -> list[Path]:
    """Find the parts in the order of the texts.

    folder (Path): The folder.
    RETURNS (list[Path]): The files of the parts.
    RAISES (ValueError): If there are none that can be read.
    """
    parts = sorted(path for path in folder.iterdir() if PART.fullmatch(path.name))
    if not parts:
        raise ValueError(
            f"{folder}: no parts of annotate in JSON lines or as docs; run annotate with "
            "--format jsonl or --format spacy"
        )
    return parts


def report_output(folder: Path, report: ConversionReport) -> None:
    """Report the texts that were rejected, and sources that are unfinished.

    folder (Path): The folder.
    report (ConversionReport): The report.
    """
    sources: list[str] = []
    finished: set[int] = set()
    for _, line in read_items(folder / MANIFEST, report):
        if "path" in line:
            sources.append(line["name"])
        finished.update(line[key] for key in ("finished", "dropped") if key in line)
    for number, name in enumerate(sources):
        if number not in finished:
            report.choose("sources that annotate has not finished", str(folder), name)
    if (folder / REJECTED).exists():
        for _, line in read_items(folder / REJECTED, report):
            place = f"{line['source']}, text {line['number']}"
            report.lose_other("texts that annotate rejected", place, line["reason"])
