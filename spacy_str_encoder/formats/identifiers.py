"""Identifiers of entities: which fields are some, and what a format loses that has none."""

from collections.abc import Mapping
from typing import Any

from ..doc.codes import check_codes
from ..doc.identifiers import Identifiers
from .annotated_text import AnnotatedText
from .report import ConversionReport

NAMES = ("id", "kb_id", "codes")
REASONS = {
    "id": "identifiers of entities",
    "kb_id": "knowledge base identifiers of entities",
    "codes": "codes of entities",
}


def read_identifiers(item: Mapping[str, Any]) -> Identifiers:
    """Get the identifiers among the fields of an entity. Numbers are none.

    item (Mapping[str, Any]): The fields.
    RETURNS (Identifiers): The identifiers.
    """
    found = Identifiers()
    if isinstance(item.get("id"), str) and item["id"]:
        found["id"] = item["id"]
    if isinstance(item.get("kb_id"), str) and item["kb_id"]:
        found["kb_id"] = item["kb_id"]
    if _are_codes(item.get("codes")):
        found["codes"] = item["codes"]
    return found


def _are_codes(value: Any) -> bool:
    try:
        return isinstance(value, list) and check_codes(value) is not None
    except ValueError:
        return False


def known_identifiers(item: Mapping[str, Any]) -> set[str]:
    """Find the fields of identifiers that need not be reported.

    item (Mapping[str, Any]): The fields of an entity.
    RETURNS (set[str]): The names of those that are read, or null.
    """
    return {name for name in NAMES if item.get(name) is None} | read_identifiers(item).keys()


def report_identifiers(annotated: AnnotatedText, report: ConversionReport) -> None:
    """Report the identifiers of entities, for a format that can't hold them.

    annotated (AnnotatedText): The text.
    report (ConversionReport): The report.
    """
    for entity in annotated.entities:
        owner = f"{annotated.text[entity.start : entity.end]!r} ({entity.label})"
        for name, value in entity.identifiers.items():
            cases = [each["code"] for each in value] if isinstance(value, list) else [value]
            for case in cases:
                report.lose_other(REASONS[name], annotated.place, f"{case!r} of {owner}")
