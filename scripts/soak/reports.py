"""Reports to annotate."""

import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from random import Random

import srsly

# Lines that can't be annotated, each for a different reason.
BAD_LINES = [
    b"{",
    b'{"id": "no text"}',
    b'{"text": 5}',
    b'{"text": "\xff\xfe"}',
    b'{"text": "\\ud800"}',
    b'["a list"]',
]


def read_sentences(folder: Path) -> list[str]:
    """Read the texts of a corpus.

    folder (Path): A folder of JSON files with lists of `{"text": ...}`.
    RETURNS (list[str]): The texts.
    """
    rows = chain.from_iterable(map(srsly.read_json, sorted(folder.glob("*.json"))))
    return [row["text"] for row in rows]


def draw_reports(sentences: Sequence[str], count: int, random: Random) -> list[str]:
    """Draw reports of one or two sentences.

    sentences (Sequence[str]): The sentences.
    count (int): The number of reports.
    random (Random): Draws the sentences.
    RETURNS (list[str]): The reports.
    """
    return ["".join(random.choices(sentences, k=random.randint(1, 2))) for _ in range(count)]


def write_archive(path: Path, reports: Sequence[str], *, bad: int, random: Random) -> None:
    """Write reports as JSON lines, mixed with lines that can't be annotated.

    path (Path): The file to write.
    reports (Sequence[str]): The reports. Their indices are the identifiers.
    bad (int): The number of bad lines.
    random (Random): Draws the bad lines and their places.
    """
    lines = [json.dumps({"id": i, "text": text}).encode() for i, text in enumerate(reports)]
    for line in random.choices(BAD_LINES, k=bad):
        lines.insert(random.randint(0, len(lines)), line)
    path.write_bytes(b"\n".join(lines) + b"\n")
