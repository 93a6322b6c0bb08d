"""Amounts of FHIR R4: quantities and ranges, with units of UCUM.

Sources: https://hl7.org/fhir/R4/datatypes.html#Quantity, https://ucum.org/ucum
"""

import re
from unicodedata import category, normalize

from .values import Element

UCUM = "http://unitsofmeasure.org"
SAME = ("%", "m", "cm", "mm", "kg", "g", "mg", "L", "mL", "h", "min", "s", "ms", "/min", "m/s")
RATIOS = ("cm/s", "mL/min", "g/L", "mg/L", "mg/dL", "mmol/L", "umol/L", "U/L")
# Codes by the unit as it is written. Another word after a number may be no unit.
UNITS = {
    **{each: each for each in (*SAME, *RATIOS)},
    "ml": "mL",
    "ml/min": "mL/min",
    "mg/dl": "mg/dL",
    # A Greek letter, as NFKC writes the sign for micro too.
    "\u03bcmol/L": "umol/L",
    "\u03bcm": "um",
    "\u03bcg": "ug",
    "mmHg": "mm[Hg]",
    "°C": "Cel",
    "bpm": "/min",
    "次/分": "/min",
    "次/min": "/min",
    "毫米": "mm",
    "厘米": "cm",
    "毫克": "mg",
    "毫升": "mL",
    "秒": "s",
    "分钟": "min",
    "小时": "h",
}
# Neither digits that count something, such as 007, nor more of them than doubles hold.
NUMBER = r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,3})?"
UNIT = "|".join(map(re.escape, UNITS))
AMOUNT = re.compile(
    rf"(?P<comparator>[<>]=?)?\s*(?P<low>{NUMBER})\s*"
    rf"(?:(?P<repeated>{UNIT})?\s*[-~]\s*(?P<high>{NUMBER})\s*)?(?P<unit>{UNIT})?"
)
SIGNS = str.maketrans({"≤": "<=", "≥": ">=", "\u2013": "-", "\u2212": "-"})
# Such as the exponent of 10², which NFKC would turn into 102.
OTHER_NUMBER = "No"


def make_value(concept: Element) -> Element:
    """Make the value of a component: an amount if the text is one, otherwise the concept.

    concept (dict[str, Any]): The CodeableConcept.
    RETURNS (dict[str, Any]): The name of the element, and the value.
    """
    amount = None if "coding" in concept else read_amount(concept["text"])
    return amount or {"valueCodeableConcept": concept}


def read_amount(text: str) -> Element | None:
    """Read an amount: a number or a range, alone or with a unit that is known.

    text (str): The text.
    RETURNS (dict[str, Any] | None): The name of the element, and the value; None if the text is
        anything else.
    """
    found = AMOUNT.fullmatch(_simplify(text))
    if found is None or found["repeated"] not in (None, found["unit"]):
        return None
    low = _measure(found["low"], found["unit"])
    comparator = {"comparator": found["comparator"]} if found["comparator"] else {}
    if found["high"] is None:
        return {"valueQuantity": {**low, **comparator}}
    high = _measure(found["high"], found["unit"])
    if comparator or low["value"] > high["value"]:
        return None
    return {"valueRange": {"low": low, "high": high}}


def _simplify(text: str) -> str:
    has_other = any(category(each) == OTHER_NUMBER for each in text)
    return text if has_other else normalize("NFKC", text).translate(SIGNS)


def _measure(number: str, unit: str | None) -> Element:
    value = float(number) if "." in number else int(number)
    return {"value": value} | ({"unit": unit, "system": UCUM, "code": UNITS[unit]} if unit else {})
