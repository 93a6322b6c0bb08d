"""Files to read, and what must be known of all of them before the first one is converted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from .annotated_text import AnnotatedText
from .entities import has_attributes, has_overlaps, with_annotated_attributes
from .format import Format
from .report import ConversionReport

Track = Callable[[Iterable[AnnotatedText]], Iterable[AnnotatedText]]
Check = Callable[[AnnotatedText], bool]


@dataclass(frozen=True)
class Source:
    """File or folder to read, and its format."""

    path: Path
    format: Format

    @property
    def confuses_missing_attributes(self) -> bool:
        """RETURNS (bool): Whether the format holds attributes, but does not distinguish unannotated
        ones from none.
        """
        return self.format.keeps_attributes and not self.format.keeps_missing_attributes

    def read(
        self, report: ConversionReport, *, annotated_attributes: bool = False
    ) -> Iterator[AnnotatedText]:
        """Read the texts.

        report (ConversionReport): The report, to count losses.
        annotated_attributes (bool): Whether all attributes are annotated if the format can't tell:
            entities without attributes then have none. See `inspect_sources`.
        RETURNS (Iterator[AnnotatedText]): The texts.
        """
        texts = self.format.read(self.path, report)
        if annotated_attributes and self.confuses_missing_attributes:
            return map(with_annotated_attributes, texts)
        return texts


@dataclass(frozen=True)
class Findings:
    """Findings in all files.

    overlaps (bool): Whether entities of any text overlap.
    annotated_attributes (bool): Whether any entity has attributes, in the files whose format can't
        tell unannotated attributes from none. The attributes of all their entities are annotated
        then, otherwise of none.
    """

    overlaps: bool = False
    annotated_attributes: bool = False


def inspect_sources(
    sources: Sequence[Source], *, overlaps: bool, attributes: bool, track: Track = iter
) -> Findings:
    """Read files once, to find what is asked for. Nothing is read that no question needs.

    sources (Sequence[Source]): The files to read.
    overlaps (bool): Whether to look for overlapping entities.
    attributes (bool): Whether to look for attributes.
    track (Callable[[Iterable[AnnotatedText]], Iterable[AnnotatedText]]): Function that shows the
        progress.
    RETURNS (Findings): The findings; False for what was not asked for.
    RAISES (ValueError): If a file can't be read.
    """
    asked: dict[str, Check] = {"overlaps": has_overlaps} if overlaps else {}
    first = [source for source in sources if attributes and source.confuses_missing_attributes]
    others = [source for source in sources if source not in first]
    found = _find_any(first, {**asked, "annotated_attributes": has_attributes}, track)
    still_asked = {name: check for name, check in asked.items() if name not in found}
    return Findings(**dict.fromkeys(found | _find_any(others, still_asked, track), True))


def _find_any(sources: Sequence[Source], checks: dict[str, Check], track: Track) -> set[str]:
    """RETURNS (set[str]): The checks that succeed for any text."""
    found: set[str] = set()
    if not (sources and checks):
        return found
    texts = chain.from_iterable(source.read(ConversionReport()) for source in sources)
    for annotated in track(texts):
        found |= {name for name in checks.keys() - found if checks[name](annotated)}
        if found == checks.keys():
            break
    return found
