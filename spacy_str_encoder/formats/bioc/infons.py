"""Infons of a BioC element: keys and values."""

from collections.abc import Collection
from xml.etree.ElementTree import Element

from ..report import ConversionReport

TYPE = "type"


def get_infons(element: Element) -> dict[str, str]:
    """Get the infons of an element.

    element (Element): The element.
    RETURNS (dict[str, str]): The values by their keys.
    """
    return {each.get("key", ""): each.text or "" for each in element.findall("infon")}


def report_infons(
    kind: str, element: Element, known: Collection[str], place: str, report: ConversionReport
) -> None:
    """Report infons that can't be converted.

    kind (str): A plural noun for the elements, such as "annotations".
    element (Element): The element.
    known (Collection[str]): The keys of the infons that are converted.
    place (str): The location of the document, for messages.
    report (ConversionReport): The report, to count the other infons.
    """
    for key, value in get_infons(element).items():
        if key not in known:
            report.lose_other(f"infons of {kind}", place, f"{key}={value}")
