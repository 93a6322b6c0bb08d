"""brat standoff: a folder of pairs NAME.txt and NAME.ann, which may lie in subfolders.

A line of the .ann is an entity (`T1`, tab, `Drug 0 7`, tab, its text), a relation (`R1`, tab,
`Treats Arg1:T1 Arg2:T2`) or an attribute of an entity (`A1`, tab, `Assertion T1 negated`). A binary
attribute has no value (`Negation T1`); it is read as "true", and "true" is written as a binary
attribute. Offsets count characters, including both characters of a CRLF and a byte order mark. A
span that crosses a line break is split into pieces (`Drug 0 3;4 7`), and pieces that adjoin, or
have one space between them, are one entity too. Spans with other gaps, equivalences, attributes of
relations and events, normalizations and notes are not read, but for notes with the scores of
predictions (`notes.py`), if these are asked for. Events (`E1`, tab, `Treat:T1 Theme:T2`)
are read only if asked for: as relations from the trigger to each argument, labeled with its role.

Source: https://brat.nlplab.org/standoff.html
"""

from functools import partial
from pathlib import Path
from typing import Any

from ..format import DEFAULT_OPTIONS, Format, ReadOptions
from ..scores import ALL_SCORES
from .files import has_lines
from .reader import read
from .writer import write


def recognizes(path: Path, item: Any) -> bool:
    """Recognize a folder with .ann files, an .ann file, or the .txt file beside one."""
    return has_lines(path)


def brat_format(options: ReadOptions = DEFAULT_OPTIONS) -> Format:
    """Define the format.

    options (ReadOptions): How to read events and empty files, and whether to read scores.
    RETURNS (Format): The format.
    """
    return Format(
        "brat",
        "brat standoff (folder)",
        "",
        recognizes=recognizes,
        read=partial(read, options=options),
        write=write,
        keeps_attributes=True,
        keeps_scores=ALL_SCORES,
    )
