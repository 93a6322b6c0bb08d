"""Field of the data with the text of a task of Label Studio: the one that all regions fit."""

import re
from typing import Any

from ...doc.plurals import count_noun
from ..annotated_text import AnnotationError
from ..report import ConversionReport
from .offsets import fits
from .regions import SOURCE

# The field of the data with the text in Label Studio's templates.
TEXT = "text"
# Where a file is, or its content.
FILE = re.compile(
    r"[a-z][a-z0-9+-]*://\S+|data:\w+/\S+|/data/\S+|/\S+\.[a-z0-9]{1,5}", re.IGNORECASE
)
REMEDY = "name the field of the text with `convert --text-field`"
OF_SEVERAL = "tasks whose regions fit several fields"
OF_OTHERS = "tasks read with the field that the regions of other tasks fit"
OF_FILES = "tasks with addresses of files in place of a text"


class UnsupportedError(Exception):
    """Task without a plain text. The message is a reason for a report."""


def get_strings(data: dict[str, Any]) -> dict[str, str]:
    """Get the data that may be the text of a task.

    data (dict[str, Any]): The data of the task.
    RETURNS (dict[str, str]): The fields with strings.
    """
    return {name: value for name, value in data.items() if isinstance(value, str)}


def decide_field(texts: dict[str, str], regions: list[Any]) -> str | None:
    """Decide which field has the text, if the regions show it.

    texts (dict[str, str]): The fields with strings.
    regions (list[Any]): The regions that are entities.
    RETURNS (str | None): The only field that fits, or the one that fits and the regions name.
    """
    fitting = _find_fitting(texts, regions)
    decided = fitting if len(fitting) == 1 else [x for x in _get_sources(regions) if x in fitting]
    return next(iter(decided), None)


def choose_field(
    texts: dict[str, str],
    regions: list[Any],
    usual: str | None,
    place: str,
    report: ConversionReport,
) -> str:
    """Choose the field with the text.

    texts (dict[str, str]): The fields with strings.
    regions (list[Any]): The regions that are entities.
    usual (str | None): The field that the regions of other tasks fit.
    place (str): The location of the task, for the report.
    report (ConversionReport): The report, to count choices.
    RETURNS (str): The name of the field.
    RAISES (UnsupportedError): If the fields hold addresses of files.
    RAISES (AnnotationError): If none is certain.
    """
    if decided := decide_field(texts, regions):
        return decided
    plain, fitting = _find_plain(texts), _find_fitting(texts, regions)
    sources, possible = _get_sources(regions), fitting or plain
    names = [*sources, *(region["to_name"] for region in regions), TEXT]
    named = next((name for name in names if name in possible), None)
    is_decided = len(possible) == 1 or named in sources or (not fitting and named == usual)
    if usual is not None and usual in possible and not is_decided:
        report.choose(OF_OTHERS, place, f"{usual!r} of {possible}")
        return usual
    if named is not None:
        if fitting:
            report.choose(OF_SEVERAL, place, f"{named!r} of {fitting}")
        return named
    is_file = not (_have_texts(regions) and plain) or any(name in texts for name in names)
    if not fitting and len(plain) < len(texts) and is_file:
        raise UnsupportedError(OF_FILES)
    if len(plain) != 1:
        raise AnnotationError(
            f"the data must have a field {TEXT!r} or a single string, or one that all regions fit, "
            f"got {count_noun(len(texts), 'string')}: {[*texts]}"
        )
    return plain[0]


def _find_fitting(texts: dict[str, str], regions: list[Any]) -> list[str]:
    # Offsets alone, such as seconds of a sound, fit many strings.
    is_certain = _have_texts(regions) or len(_find_plain(texts)) == len(texts)
    return [name for name, text in texts.items() if regions and is_certain and fits(regions, text)]


def _have_texts(regions: list[Any]) -> bool:
    return bool(regions) and all("text" in region["value"] for region in regions)


def _find_plain(texts: dict[str, str]) -> list[str]:
    return [name for name, text in texts.items() if not FILE.fullmatch(text)]


def _get_sources(regions: list[Any]) -> list[str]:
    return [str(region.get(SOURCE)).removeprefix("$") for region in regions]
