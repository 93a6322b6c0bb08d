"""Units that doccano counts offsets in, found by how well the offsets fit their texts.

doccano counts UTF-16 code units by default, grapheme clusters if a project is configured so, and
code points until version 1.4. Files do not say which. An offset outside of the text or inside of a
character rules a unit out. An entity that begins or ends with whitespace, or inside of a word or
cluster, speaks against it.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from ..graphemes import find_clusters, may_have_clusters
from ..tokens import Offsets, is_wide
from ..utf16 import ASTRAL, count_utf16

UTF16 = "UTF-16 code units"
DEFAULT_UNITS = f"texts with offsets in {UTF16}, doccano's default"
# The number of units before each character, or cluster, and before the end; and where these begin.
Bounds = Mapping[int, int]
# The first one is the default.
UNITS: dict[str, Callable[[str], Bounds]] = {
    UTF16: lambda text: {count: i for i, count in enumerate(count_utf16(text))},
    "code points": lambda text: {i: i for i in range(len(text) + 1)},
    "grapheme clusters": lambda text: dict(enumerate(find_clusters(text))),
}


def convert(text: str, spans: Offsets, unit: str) -> Offsets | None:
    """Convert spans from a unit to characters.

    text (str): The text.
    spans (list[tuple[int, int]]): The start and end of each span, in the unit.
    unit (str): The unit, one of `UNITS`.
    RETURNS (list[tuple[int, int]] | None): The start and end of each span in characters; None if an
        offset is outside of the text or inside of a character.
    """
    bounds = UNITS[unit](text)
    if not bounds.keys() >= set(chain.from_iterable(spans)):
        return None
    return [(bounds[start], bounds[end]) for start, end in spans]


def differ(text: str, spans: Offsets, units: Iterable[str] = UNITS) -> bool:
    """Check whether units give spans different positions.

    text (str): The text.
    spans (list[tuple[int, int]]): The start and end of each span, in an unknown unit.
    units (Iterable[str]): The units to compare.
    RETURNS (bool): Whether any two units differ.
    """
    if max(text, default="") < ASTRAL and not may_have_clusters(text):
        return False
    first, *others = (convert(text, spans, unit) for unit in units)
    return any(other != first for other in others)


def find_units(texts: Iterable[tuple[str, Offsets]]) -> list[str]:
    """Find the units that fit texts best. All texts have the same unit.

    texts (Iterable[tuple[str, list[tuple[int, int]]]]): The texts, and their spans in that unit.
        Those that no unit fits are ignored.
    RETURNS (list[str]): The units that are possible for all texts, if any, and can't be told apart;
        the default one, or else the best one, is the first.
    """
    possible = set(UNITS)
    misfits = dict.fromkeys(UNITS, 0)
    for text, spans in texts:
        if not differ(text, spans):
            continue
        found = {unit: convert(text, spans, unit) for unit in UNITS}
        valid = {unit: converted for unit, converted in found.items() if converted is not None}
        possible &= valid.keys() or possible
        clusters = set(find_clusters(text))
        for unit, converted in valid.items():
            misfits[unit] += _count_misfits(text, converted, clusters)
    fewest = min((misfits[unit] for unit in possible), default=0)
    # Annotators make mistakes in any unit. A wrong unit has many more misfits than the right one.
    best = [unit for unit in UNITS if unit in possible and misfits[unit] <= 2 * fewest]
    return sorted(best, key=lambda unit: (unit != UTF16, misfits[unit]))


def _count_misfits(text: str, spans: Offsets, clusters: set[int]) -> int:
    inner = chain.from_iterable(
        (text[start : start + 1], text[end - 1 : end]) for start, end in spans
    )
    bounds = chain.from_iterable(spans)
    blank = sum(character.isspace() for character in inner)
    return blank + sum(_splits(text, bound, clusters) for bound in bounds)


def _splits(text: str, i: int, clusters: set[int]) -> bool:
    """Check whether a position is inside of a word or cluster."""
    around = text[i - 1 : i + 1] if i else ""
    # Scripts without spaces don't show where words end.
    is_inner = len(around) == 2 and around.isalnum() and not any(map(is_wide, around))
    return is_inner or i not in clusters


def describe_last(text: str, spans: Offsets) -> str:
    """Describe the last of several entities, whose offset depends most on the unit.

    text (str): The text.
    spans (list[tuple[int, int]]): The start and end of each entity in characters.
    RETURNS (str): A description, for the report.
    """
    start, end = max(spans)
    return f"the last entity is {text[start:end]!r}"
