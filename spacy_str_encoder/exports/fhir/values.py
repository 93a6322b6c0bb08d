"""Data types of FHIR R4: concepts, references and extensions.

Source: https://hl7.org/fhir/R4/datatypes.html
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from spacy.tokens import Span

from ...doc.codes import get_codes

# An element or a resource, as JSON has it.
Element = dict[str, Any]
# The place in a text that a resource or an element was derived from; an extension of HL7's own.
DERIVATION = "http://hl7.org/fhir/StructureDefinition/derivation-reference"
OTHER_CODES = "codes after the best one of their terminology"
BAD_CODES = "codes with whitespace where FHIR allows none"
CONTROLS = "spaces for control characters, which FHIR does not allow"
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def refer(kind: str, identifier: str) -> Element:
    """Refer to a resource.

    kind (str): Its type.
    identifier (str): Its identifier.
    RETURNS (dict[str, Any]): The reference.
    """
    return {"reference": f"{kind}/{identifier}"}


def derive(entity: Span, document: str) -> list[Element]:
    """Say where something was derived from.

    entity (Span): The entity.
    document (str): The identifier of the DocumentReference.
    RETURNS (list[dict[str, Any]]): The extension, in a list of its own.
    """
    place = {"url": "reference", "valueReference": refer("DocumentReference", document)}
    start, end = entity.start_char, entity.end_char
    offset = {"url": "offset", "valueInteger": start}
    length = {"url": "length", "valueInteger": end - start}
    return [{"url": DERIVATION, "extension": [place, offset, length]}]


def make_code(system: str, code: str) -> Element:
    """Make a concept of one of FHIR's own terminologies.

    system (str): The last part of its URI.
    code (str): The code.
    RETURNS (dict[str, Any]): The CodeableConcept.
    """
    uri = f"http://terminology.hl7.org/CodeSystem/{system}"
    return {"coding": [{"system": uri, "code": code}]}


def make_concept(
    entity: Span, systems: Mapping[str, str], lost: Counter[str], chosen: Counter[str]
) -> Element:
    """Make the concept of an entity: its text, and the best code of each terminology.

    entity (Span): The entity.
    systems (Mapping[str, str]): The URIs of terminologies by name.
    lost (Counter[str]): Counts codes that are left out.
    chosen (Counter[str]): Counts characters that are replaced.
    RETURNS (dict[str, Any]): The CodeableConcept.
    """
    best: dict[str, Element] = {}
    for each in get_codes(entity) or _read_kb_id(entity):
        code, system, display = each["code"], each["system"], each["display"]
        if code != " ".join(code.split()):
            lost[BAD_CODES] += 1
        elif system in best:
            lost[OTHER_CODES] += 1
        else:
            named = {"system": find_uri(system, systems)} if system else {}
            shown = {"display": clean(display, chosen)} if display.strip() else {}
            best[system] = {**named, "code": code, **shown}
    text = clean(entity.text, chosen).strip() or entity.label_
    return {**({"coding": [*best.values()]} if best else {}), "text": text}


def _read_kb_id(entity: Span) -> list[Mapping[str, str]]:
    known = entity.kb_id_
    return [{"code": known, "system": "", "display": ""}] if known else []


def find_uri(system: str, systems: Mapping[str, str]) -> str:
    """Find the URI of a terminology.

    system (str): Its name.
    systems (Mapping[str, str]): The URIs by name.
    RETURNS (str): Its URI; one of our own if it has none.
    """
    return systems.get(system) or f"urn:spacy-str-encoder:{quote(system, safe='')}"


def clean(text: str, chosen: Counter[str]) -> str:
    """Replace control characters by spaces.

    text (str): The text.
    chosen (Counter[str]): Counts them.
    RETURNS (str): The text that FHIR allows.
    """
    cleaned, count = CONTROL.subn(" ", text)
    if count:
        chosen[CONTROLS] += count
    return cleaned
