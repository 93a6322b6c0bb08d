"""Resources of FHIR: what they hold, that they are valid, and that all references resolve."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from typer.testing import CliRunner

from spacy_str_encoder import Relation, set_attributes, set_codes
from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.codes import Code
from spacy_str_encoder.doc.relation import set_score
from spacy_str_encoder.exports.export import Reported
from spacy_str_encoder.exports.fhir import write_fhir
from spacy_str_encoder.exports.fhir.amounts import make_value

from .test_convert import read_lines, write_lines

WORDS = ["no", "fever", ",", "mild", "left", "pain", "10-20%", "."]
LABELS = {0: "Negation", 1: "Finding", 3: "Degree", 4: "Location", 5: "Finding", 6: "Quantifier"}
# The place of a term: https://hl7.org/fhir/extensions/StructureDefinition-derivation-reference.html
DERIVATION = "http://hl7.org/fhir/StructureDefinition/derivation-reference"
# https://hl7.org/fhir/R4/valueset-condition-ver-status.html
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
SCORES = "scores of {kind}, which this format can't hold"
Build = Callable[[Doc], None]
Resources = dict[str, list[dict[str, Any]]]


def make_nlp(**omop: Any) -> Language:
    nlp = spacy.blank("en")
    inverse = ["Modifier", "Negative", "Percentage"]
    config = {"central": ["Finding"], "inverse": inverse, "omop": omop}
    nlp.add_pipe("str_records", config=config)
    return nlp


def make_doc(nlp: Language) -> Doc:
    """A fever that is denied, and a pain with a place, whose degree and percentage are those of the
    place."""
    doc = Doc(nlp.vocab, words=WORDS)
    doc.ents = [Span(doc, i, i + 1, label) for i, label in LABELS.items()]
    no, fever, mild, left, pain, percentage = doc.ents
    doc._.relations = [
        Relation(no, fever, "Negative"),
        Relation(pain, left, "Position"),
        Relation(mild, left, "Modifier"),
        Relation(percentage, left, "Percentage"),
    ]
    return doc


def do_nothing(doc: Doc) -> None:
    """Leave a doc as it is."""


def read(folder: Path) -> Resources:
    return {path.stem: read_lines(path) for path in sorted(folder.glob("*.ndjson"))}


def write(
    folder: Path, docs: Iterable[Doc], nlp: Language, *origins: dict[str, Any]
) -> tuple[Resources, Reported]:
    known = origins or ({"id": "R1", "source": "s.txt", "number": 1},)
    pairs = zip(known, docs, strict=True)
    folder.mkdir(exist_ok=True)
    reported = write_fhir(folder / "part", pairs, nlp, "en_x 1.0 abc", "2026-11-30")
    resources = read(folder / "part")
    check(resources)
    return resources, reported


def write_one(folder: Path, build: Build = do_nothing, **omop: Any) -> tuple[Resources, Reported]:
    nlp = make_nlp(**omop)
    doc = make_doc(nlp)
    build(doc)
    return write(folder, [doc], nlp)


def find_references(item: Any) -> Iterator[str]:
    if isinstance(item, list):
        for each in item:
            yield from find_references(each)
    elif isinstance(item, dict):
        if isinstance(item.get("reference"), str):
            yield item["reference"]
        yield from find_references([*item.values()])


def check(resources: Resources) -> None:
    """Check that resources are valid and named once, and that references lead to one of them."""
    models = pytest.importorskip("fhir.resources.R4B")
    named = [f"{kind}/{each['id']}" for kind, listed in resources.items() for each in listed]
    assert len(named) == len({*named})
    assert {*find_references([*resources.values()])} <= {*named}
    for kind, listed in resources.items():
        for each in listed:
            assert each["resourceType"] == kind
            models.get_fhir_model_class(kind).model_validate(each)


def by_text(resources: Resources, kind: str = "Observation") -> dict[str, dict[str, Any]]:
    return {each["code"]["text"]: each for each in resources[kind]}


def place_in(text: str) -> tuple[int, int]:
    return " ".join(WORDS).index(text), len(text)


def read_place(element: dict[str, Any]) -> tuple[int, int]:
    [extension] = element["extension"]
    assert extension["url"] == DERIVATION
    reference, offset, length = extension["extension"]
    assert reference["valueReference"]["reference"].startswith("DocumentReference/")
    return offset["valueInteger"], length["valueInteger"]


def test_central_entities_are_observations_with_values_as_components(tmp_path: Path) -> None:
    resources, reported = write_one(tmp_path)
    found = by_text(resources)
    assert [*found] == ["fever", "pain", "left"]
    fever, pain, left = found.values()
    assert fever["status"] == "preliminary"
    assert fever["category"] == [{"text": "Finding"}]
    assert fever["valueBoolean"] is False
    assert read_place(fever) == place_in("fever")
    [negative] = fever["component"]
    assert negative["code"] == {"text": "Negative"}
    assert negative["valueCodeableConcept"] == {"text": "no"}
    assert read_place(negative) == place_in("no")
    assert pain["hasMember"] == [{"reference": f"Observation/{left['id']}", "display": "Position"}]
    assert [each["code"]["text"] for each in left["component"]] == ["Modifier", "Percentage"]
    percent = {"unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
    assert left["component"][1]["valueRange"] == {
        "low": {"value": 10, **percent},
        "high": {"value": 20, **percent},
    }
    assert (reported.lost, reported.chosen) == (
        {SCORES.format(kind="relations"): 4},
        {"texts without a patient's identifier, which get a patient of their own": 1},
    )


def test_document_patient_device_and_provenance(tmp_path: Path) -> None:
    nlp = make_nlp(systems={"id": "https://example.org/notes", "subject": "urn:oid:1.2.3"})
    origin = {"id": "R1", "source": "s.jsonl", "number": 4, "subject": 17}
    resources, _ = write(tmp_path, [make_doc(nlp)], nlp, origin)
    [document], [patient] = resources["DocumentReference"], resources["Patient"]
    [device], [provenance] = resources["Device"], resources["Provenance"]
    assert document["identifier"] == [{"system": "https://example.org/notes", "value": "R1"}]
    assert document["description"] == "s.jsonl, text 4"
    assert document["content"][0]["attachment"]["size"] == len(" ".join(WORDS) + " ")
    assert patient["identifier"] == [{"system": "urn:oid:1.2.3", "value": "17"}]
    assert device["deviceName"] == [{"name": "en_x", "type": "model-name"}]
    assert device["version"] == [{"value": "1.0 abc"}]
    assert provenance["recorded"] == "2026-11-30T00:00:00Z"
    assert provenance["agent"][0]["who"] == {"reference": f"Device/{device['id']}"}
    assert [each["reference"] for each in provenance["target"]] == [
        f"Observation/{each['id']}" for each in resources["Observation"]
    ]
    patients = {each["subject"]["reference"] for each in resources["Observation"]}
    assert patients == {f"Patient/{patient['id']}"}


@pytest.mark.parametrize(
    ("attributes", "verification", "clinical"),
    [
        ({"Assertion": "present"}, "confirmed", None),
        ({"Assertion": "negated", "Time": "past"}, "refuted", None),
        ({"Assertion": "possible"}, "unconfirmed", None),
        ({"Assertion": "present", "Time": "past"}, "confirmed", "inactive"),
        ({"Assertion": "excluded"}, None, None),
        (None, None, None),
    ],
)
def test_conditions(
    attributes: dict[str, str] | None,
    verification: str | None,
    clinical: str | None,
    tmp_path: Path,
) -> None:
    nlp = make_nlp(conditions=["Finding"])
    doc = make_doc(nlp)
    _, _, mild, left, pain, percentage = doc.ents
    doc._.relations = [
        Relation(mild, pain, "Modifier"),
        Relation(pain, left, "Position"),
        Relation(percentage, pain, "Percentage"),
    ]
    set_attributes(pain, attributes)
    resources, reported = write(tmp_path, [doc], nlp)
    assert "Observation" not in resources
    condition = by_text(resources, "Condition")["pain"]
    status = {"coding": [{"system": VERIFICATION, "code": verification}]}
    assert condition.get("verificationStatus") == (status if verification else None)
    known = condition.get("clinicalStatus", {"coding": [{"code": None}]})
    assert known["coding"][0]["code"] == clinical
    assert condition["severity"] == {"text": "mild"}
    assert condition["bodySite"] == [{"text": "left"}]
    assert read_place(condition) == place_in("pain")
    assert reported.lost["relations for which the resources have no place"] == 1
    # The percentage, and the negation.
    reason = "entities that are neither central nor a value of one that is written"
    assert reported.lost[reason] == 2


@pytest.mark.parametrize(
    ("attributes", "value"),
    [
        ({"Assertion": "present"}, {"valueBoolean": True}),
        ({"Assertion": "negated"}, {"valueBoolean": False}),
        (
            {"Assertion": "possible"},
            {
                "dataAbsentReason": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason",
                            "code": "unknown",
                        }
                    ]
                }
            },
        ),
        ({"Color": "red"}, {}),
        ({"Assertion": "excluded"}, {}),
    ],
)
def test_observations_say_whether(
    attributes: dict[str, str], value: dict[str, Any], tmp_path: Path
) -> None:
    resources, _ = write_one(tmp_path, lambda doc: set_attributes(doc.ents[4], attributes))
    pain = by_text(resources)["pain"]
    said = ("valueBoolean", "dataAbsentReason")
    assert {name: pain[name] for name in said if name in pain} == value
    [(name, text)] = attributes.items()
    assert {"code": {"text": name}, "valueCodeableConcept": {"text": text}} in pain["component"]


@pytest.mark.parametrize("attributes", [{"Experiencer": "family"}, {"Time": "hypothetical"}])
def test_what_is_not_of_the_patient_is_left_out(attributes: dict[str, str], tmp_path: Path) -> None:
    resources, reported = write_one(tmp_path, lambda doc: set_attributes(doc.ents[4], attributes))
    assert [*by_text(resources)] == ["fever"]
    assert reported.lost["entities that are conditional, planned, or of somebody else"] == 1


def test_attributes_without_a_place_in_a_condition_are_counted(tmp_path: Path) -> None:
    def build(doc: Doc) -> None:
        set_attributes(doc.ents[4], {"Assertion": "present", "Color": "red"})

    _, reported = write_one(tmp_path, build, conditions=["Finding"])
    assert reported.lost["attributes for which a Condition has no place"] == 1


@pytest.mark.parametrize(
    ("label", "meaning"),
    [
        ("Location", {"Assertion": "negated"}),
        ("Location", {"Assertion": "否定"}),
        ("Degree", {"Assertion": "possible"}),
    ],
)
def test_values_in_doubt_do_not_describe_a_condition(
    label: str, meaning: dict[str, str], tmp_path: Path
) -> None:
    def build(doc: Doc) -> None:
        _, _, mild, left, pain, _ = doc.ents
        doc._.relations = [Relation(pain, left, "Position"), Relation(pain, mild, "Degree")]
        set_attributes(left if label == "Location" else mild, meaning)

    resources, reported = write_one(tmp_path, build, conditions=["Finding"])
    pain = by_text(resources, "Condition")["pain"]
    places = {"Location": "bodySite", "Degree": "severity"}
    assert places.pop(label) not in pain
    assert {*places.values()} <= {*pain}
    assert reported.lost["body sites and severities that are absent, uncertain, or not told"] == 1
    assert reported.lost["relations for which the resources have no place"] == 1
    assert reported.lost["attributes for which a Condition has no place"] == 0


def test_attributes_of_body_sites_are_counted(tmp_path: Path) -> None:
    def build(doc: Doc) -> None:
        set_attributes(doc.ents[3], {"Side": "left"})

    resources, reported = write_one(tmp_path, build, conditions=["Finding"])
    assert by_text(resources, "Condition")["pain"]["bodySite"] == [{"text": "left"}]
    assert reported.lost["attributes for which a Condition has no place"] == 1


def test_control_characters_of_attributes_become_spaces(tmp_path: Path) -> None:
    def build(doc: Doc) -> None:
        set_attributes(doc.ents[4], {"Sure\x01ness": "a\x00b"})

    resources, reported = write_one(tmp_path, build)
    [component] = by_text(resources)["pain"]["component"][:1]
    assert component["code"] == {"text": "Sure ness"}
    assert component["valueCodeableConcept"] == {"text": "a b"}
    assert reported.chosen["spaces for control characters, which FHIR does not allow"] == 2


class Negator:
    """Component that would predict relations."""

    labels = ("Negative",)

    def __init__(self, nlp: Language, name: str) -> None:
        """Take what spaCy gives."""

    def __call__(self, doc: Doc) -> Doc:
        return doc


Language.factory("negator", assigns=["doc._.relations"], func=Negator)


def write_vessel(
    folder: Path, *relations: tuple[int, int, str], **omop: Any
) -> tuple[Resources, Reported]:
    """A vessel whose stenosis is annotated by its place, degree and negation, as in the demo."""
    nlp = spacy.blank("en")
    config = {"central": ["BodyPart"], "inverse": ["Negative", "Degree"], "omop": omop}
    nlp.add_pipe("str_records", config=config)
    nlp.add_pipe("negator")
    doc = Doc(nlp.vocab, words=["LAD", "proximal", "mild", "distal", "no"])
    labels = ["BodyPart", "Location", "Degree", "Location", "Negation"]
    doc.ents = [Span(doc, i, i + 1, label) for i, label in enumerate(labels)]
    doc._.relations = [
        Relation(doc.ents[head], doc.ents[tail], label) for head, tail, label in relations
    ]
    return write(folder, [doc], nlp)


DISTAL = (0, 3, "Position")
NO_DISTAL = (4, 3, "Negative")
UNTOLD = "entities not said to exist, as all of their values are absent, uncertain, or not told"


def test_a_condition_of_which_only_a_part_is_denied_is_not_confirmed(tmp_path: Path) -> None:
    resources, reported = write_vessel(tmp_path, DISTAL, NO_DISTAL, conditions=["BodyPart"])
    [condition] = resources["Condition"]
    assert not {"verificationStatus", "bodySite"} & {*condition}
    assert reported.lost["body sites and severities that are absent, uncertain, or not told"] == 1
    assert reported.chosen[UNTOLD] == 1


def test_a_condition_is_confirmed_by_another_part(tmp_path: Path) -> None:
    relations = [DISTAL, NO_DISTAL, (0, 1, "Position"), (2, 1, "Degree")]
    resources, reported = write_vessel(tmp_path, *relations, conditions=["BodyPart"])
    [condition] = resources["Condition"]
    assert condition["verificationStatus"]["coding"][0]["code"] == "confirmed"
    assert condition["bodySite"] == [{"text": "proximal"}]
    assert reported.chosen[UNTOLD] == 0


def test_an_observation_of_which_only_a_part_is_denied_has_no_value(tmp_path: Path) -> None:
    resources, reported = write_vessel(tmp_path, DISTAL, NO_DISTAL)
    found = by_text(resources)
    assert "valueBoolean" not in found["LAD"]
    assert found["distal"]["valueBoolean"] is False
    assert reported.chosen[UNTOLD] == 1


def test_what_is_said_of_another_central_entity_is_no_doubt(tmp_path: Path) -> None:
    def build(doc: Doc) -> None:
        _, fever, _, _, pain, _ = doc.ents
        doc._.relations = [*doc._.relations, Relation(pain, fever, "Without")]

    nlp = make_nlp()
    nlp.add_pipe("negator")
    doc = make_doc(nlp)
    build(doc)
    resources, _ = write(tmp_path, [doc], nlp)
    assert by_text(resources)["pain"]["valueBoolean"] is True


@pytest.mark.parametrize("kind", ["Observation", "Condition"])
def test_what_is_observed_of_an_entity(kind: str, tmp_path: Path) -> None:
    conditions = ["BodyPart"] if kind == "Condition" else []
    observed = {"BodyPart": "stenosis", "Location": "stenosis"}
    relations = [(4, 0, "Negative"), (0, 1, "Position"), (2, 1, "Degree")]
    resources, _ = write_vessel(tmp_path, *relations, conditions=conditions, observed=observed)
    first = resources[kind][0]
    assert first["code"] == {"text": "stenosis"}
    assert first["category"] == [{"text": "BodyPart"}]
    if kind == "Condition":
        assert first["bodySite"] == [{"text": "LAD"}, {"text": "proximal"}]
        assert first["verificationStatus"]["coding"][0]["code"] == "refuted"
    else:
        assert first["bodySite"] == {"text": "LAD"}
        assert first["valueBoolean"] is False
        # A value that is an Observation of its own. A degree may be any, also none.
        proximal = resources[kind][1]
        assert proximal["code"] == {"text": "stenosis"}
        assert proximal["bodySite"] == {"text": "proximal"}
        assert "valueBoolean" not in proximal
        assert proximal["component"][0]["valueCodeableConcept"] == {"text": "mild"}


@pytest.mark.parametrize("kind", ["Observation", "Condition"])
@pytest.mark.parametrize("observed", [{}, {"BodyPart": "stenosis"}])
def test_what_is_denied_of_all_values_is_counted_whatever_is_observed(
    kind: str, observed: dict[str, str], tmp_path: Path
) -> None:
    conditions = ["BodyPart"] if kind == "Condition" else []
    resources, reported = write_vessel(
        tmp_path, DISTAL, NO_DISTAL, conditions=conditions, observed=observed
    )
    assert not {"valueBoolean", "verificationStatus"} & {*resources[kind][0]}
    assert reported.chosen[UNTOLD] == 1


@pytest.mark.parametrize("kind", ["Observation", "Condition"])
def test_what_is_observed_is_not_assumed_where_nothing_says_so(kind: str, tmp_path: Path) -> None:
    conditions = ["BodyPart"] if kind == "Condition" else []
    observed = {"BodyPart": "stenosis"}
    resources, _ = write_vessel(tmp_path, conditions=conditions, observed=observed)
    [found] = resources[kind]
    assert not {"valueBoolean", "verificationStatus"} & {*found}


def test_attributes_say_whether_it_is_observed(tmp_path: Path) -> None:
    def build(doc: Doc) -> None:
        set_attributes(doc.ents[4], {"Assertion": "present"})

    resources, _ = write_one(tmp_path, build, observed={"Finding": "stenosis"})
    said = {each["bodySite"]["text"]: each["valueBoolean"] for each in resources["Observation"][:2]}
    assert said == {"fever": False, "pain": True}


def test_codes_of_an_entity_go_with_it_to_the_body_site(tmp_path: Path) -> None:
    def build(doc: Doc) -> None:
        set_codes(doc.ents[4], [Code(code="V1", system="", display="", score=1.0)])

    resources, _ = write_one(tmp_path, build, observed={"Finding": "stenosis"})
    *_, pain, left = resources["Observation"]
    assert pain["code"] == {"text": "stenosis"}
    assert pain["bodySite"] == {"coding": [{"code": "V1"}], "text": "pain"}
    # Types that are not named have no other code.
    assert left["code"] == {"text": "left"}


def test_codes_are_the_best_of_each_terminology(tmp_path: Path) -> None:
    def code(code: str, system: str, display: str = "") -> Code:
        return Code(code=code, system=system, display=display, score=1.0)

    def build(doc: Doc) -> None:
        codes = [
            code("R50", "icd", "Fever"),
            code("R51", "icd"),
            code("a  b", "x"),
            code("1", "ä ö"),
        ]
        set_codes(doc.ents[1], codes)

    resources, reported = write_one(
        tmp_path, build, systems={"icd": "http://hl7.org/fhir/sid/icd-10"}
    )
    assert by_text(resources)["fever"]["code"] == {
        "coding": [
            {"system": "http://hl7.org/fhir/sid/icd-10", "code": "R50", "display": "Fever"},
            {"system": "urn:spacy-str-encoder:%C3%A4%20%C3%B6", "code": "1"},
        ],
        "text": "fever",
    }
    assert reported.lost == {
        SCORES.format(kind="relations"): 4,
        "codes after the best one of their terminology": 1,
        "codes with whitespace where FHIR allows none": 1,
    }


def test_scores_are_counted(tmp_path: Path) -> None:
    def build(doc: Doc) -> None:
        set_score(doc.ents[0], 0.5)
        set_attributes(doc.ents[4], {"Assertion": "present"})

    _, reported = write_one(tmp_path, build)
    counts = {"entities": 1, "relations": 4, "attributes": 1}
    assert reported.lost == {SCORES.format(kind=kind): count for kind, count in counts.items()}


UCUM = {"system": "http://unitsofmeasure.org"}
PERCENT = {"unit": "%", "code": "%", **UCUM}


@pytest.mark.parametrize(
    ("text", "number", "unit", "code"),
    [
        ("50%", 50, "%", "%"),
        ("５０％", 50, "%", "%"),
        ("2.5 mm", 2.5, "mm", "mm"),
        ("120mmol/L", 120, "mmol/L", "mmol/L"),
        ("88µmol/L", 88, "μmol/L", "umol/L"),
        ("130 mmHg", 130, "mmHg", "mm[Hg]"),
        ("36.8℃", 36.8, "°C", "Cel"),
        ("20ml", 20, "ml", "mL"),
        ("72次/分", 72, "次/分", "/min"),
        ("12/min", 12, "/min", "/min"),
        ("3分钟", 3, "分钟", "min"),
    ],
)
def test_values_that_are_quantities(text: str, number: float, unit: str, code: str) -> None:
    quantity = {"value": number, "unit": unit, "code": code, **UCUM}
    assert make_value({"text": text}) == {"valueQuantity": quantity}


def test_values_that_are_numbers_or_limits() -> None:
    assert make_value({"text": "7"}) == {"valueQuantity": {"value": 7}}
    limit = {"value": 70, "comparator": ">=", **PERCENT}
    assert make_value({"text": "≥70%"}) == {"valueQuantity": limit}


@pytest.mark.parametrize("text", ["30-40%", "30–40%", "30%~40%", "30% - 40 %"])
def test_values_that_are_ranges(text: str) -> None:
    low, high = {"value": 30, **PERCENT}, {"value": 40, **PERCENT}
    assert make_value({"text": text}) == {"valueRange": {"low": low, "high": high}}


def test_values_that_are_ranges_without_a_unit() -> None:
    value = {"low": {"value": 4}, "high": {"value": 5}}
    assert make_value({"text": "4-5"}) == {"valueRange": value}


@pytest.mark.parametrize(
    "text",
    [
        "4-5腰椎",
        "3级",
        "3 beats",
        "TIMI 3级",
        "40-30%",
        "30%-40",
        "30mm-40%",
        ">30-40%",
        "1/3",
        "120/80mmHg",
        "-5",
        "007",
        "10²",
        "½",
        "5 MM",
        "9" * 5000,
    ],
)
def test_other_values_are_concepts(text: str) -> None:
    assert make_value({"text": text}) == {"valueCodeableConcept": {"text": text}}


def test_values_with_a_code_are_concepts() -> None:
    concept = {"coding": [{"code": "Q"}], "text": "50%"}
    assert make_value(concept) == {"valueCodeableConcept": concept}


def test_identifiers_agree_between_runs_and_tell_texts_apart(tmp_path: Path) -> None:
    nlp = make_nlp()
    origins = [
        {"id": "R1", "source": "a", "number": 1},
        {"id": "R1", "source": "b", "number": 9},
        {"id": "R2", "source": "a", "number": 2, "subject": "p"},
        {"id": "R2", "source": "a", "number": 3, "subject": "q"},
        {"id": None, "source": "a", "number": 4, "subject": "p"},
        {"id": None, "source": "a", "number": 5, "subject": " "},
    ]
    resources, reported = write(tmp_path, [make_doc(nlp) for _ in origins], nlp, *origins)
    again, _ = write(tmp_path / "again", [make_doc(nlp) for _ in origins], nlp, *origins)
    assert resources == again
    # The first two are the same text.
    assert len(resources["DocumentReference"]) == 5
    named = [each.get("identifier", [{}])[0].get("value") for each in resources["Patient"]]
    assert named == [None, "p", "q", None]
    assert reported.chosen == {
        "texts with the identifier and the text of another one of their part, as one document": 1,
        "texts without a patient's identifier, which get a patient of their own": 3,
    }


@pytest.mark.parametrize("missing", ["", " \t", None, float("nan")])
def test_without_identifiers_source_and_number_tell_texts_apart(
    missing: Any, tmp_path: Path
) -> None:
    nlp = make_nlp()
    places = [("a", 1), ("a", 2), ("b", 1)]
    origins = [
        {"id": missing, "source": source, "number": number, "subject": missing}
        for source, number in places
    ]
    resources, reported = write(tmp_path, [make_doc(nlp) for _ in places], nlp, *origins)
    assert len(resources["DocumentReference"]) == len(resources["Patient"]) == 3
    named = [*resources["DocumentReference"], *resources["Patient"]]
    assert not any("identifier" in each for each in named)
    reason = "texts without a patient's identifier, which get a patient of their own"
    assert reported.chosen == {reason: 3}


def test_relations_in_a_circle_end(tmp_path: Path) -> None:
    def build(doc: Doc) -> None:
        _, fever, _, left, pain, _ = doc.ents
        doc._.relations = [
            Relation(fever, pain, "With"),
            Relation(pain, fever, "With"),
            Relation(pain, pain, "Itself"),
            Relation(left, left, "Itself"),
        ]

    resources, reported = write_one(tmp_path, build)
    assert [*by_text(resources)] == ["fever", "pain"]
    assert reported.lost["relations for which the resources have no place"] == 2


def test_a_text_without_findings_is_a_document_alone(tmp_path: Path) -> None:
    nlp = make_nlp()
    doc = Doc(nlp.vocab, words=[])
    resources, _ = write(tmp_path, [doc], nlp, {"id": "", "source": "s", "number": 1})
    assert [*resources] == ["Device", "DocumentReference", "Patient"]


@given(
    st.lists(st.text(min_size=1, max_size=4), min_size=2, max_size=6),
    st.text(max_size=5),
    st.one_of(st.none(), st.text(max_size=5), st.integers()),
)
def test_any_text_makes_valid_resources(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], system: str, identifier: Any
) -> None:
    nlp = make_nlp()
    doc = Doc(nlp.vocab, words=words)
    doc.ents = [Span(doc, i, i + 1, "Finding") for i in range(len(doc))]
    code = Code(code=words[0], system=system, display=words[1], score=1.0)
    set_codes(doc.ents[0], [code])
    set_attributes(doc.ents[1], {words[0]: words[1]})
    doc._.relations = [Relation(doc.ents[0], doc.ents[1], words[0])]
    origin = {"id": identifier, "source": words[0], "number": 1, "subject": identifier}
    write(tmp_path_factory.mktemp("any"), [doc], nlp, origin)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "Finding", "pattern": "fever"}])
    nlp.add_pipe("str_records", config={"central": ["Finding"]})
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


def annotate(model: Path, source: Path, output: Path, *options: object) -> Any:
    arguments = ("annotate", model, source, "-o", output, "--format", "fhir")
    return CliRunner().invoke(app, [*map(str, (*arguments, *options))])


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_patients_are_read_from_their_field(suffix: str, model: Path, tmp_path: Path) -> None:
    rows = [{"id": f"R{i}", "text": "fever", "patient": "p"} for i in range(2)]
    source = tmp_path / f"texts.{suffix}"
    if suffix == "jsonl":
        write_lines(source, *rows)
    elif suffix == "csv":
        source.write_text("id,text,patient\nR0,fever,p\nR1,fever,p\n", "utf-8")
    else:
        arrow = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(arrow.Table.from_pylist(rows), source)
    result = annotate(model, source, tmp_path / "out", "--subject-field", "patient")
    assert result.exit_code == 0, result.output
    resources = read(tmp_path / "out" / "part-00000-000000")
    check(resources)
    [patient] = resources["Patient"]
    assert patient["identifier"] == [{"value": "p"}]
    assert len(resources["DocumentReference"]) == 2


def test_texts_of_the_same_words_stay_apart_and_the_field_is_named(
    model: Path, tmp_path: Path
) -> None:
    source = tmp_path / "texts.csv"
    source.write_text("id,text,patient\n,fever,\n,fever,\n,fever,p\n", "utf-8")
    result = annotate(model, source, tmp_path / "out", "--subject-field", "patient")
    assert (
        "chosen (2): texts without a patient's identifier in 'patient', which get a patient of "
        "their own\n" in result.output
    )
    resources = read(tmp_path / "out" / "part-00000-000000")
    check(resources)
    assert len(resources["DocumentReference"]) == len(resources["Patient"]) == 3


def test_fields_of_identifiers_that_no_text_has_are_told(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, row in {"a": {"patient": "p"}, "b": {"number": 1}, "c": {"number": 1}}.items():
        write_lines(tmp_path / "in" / f"{name}.jsonl", {"text": "no fever", **row}, {"text": "a"})
    message = (
        rf"--subject-field patient: in 2 inputs, such as {tmp_path}/in/b.jsonl, none of the first "
        r"2 texts has a value in this field\. Check the spelling\. Without it, a text has no "
        r"identifier of a patient\."
    )
    with pytest.warns(UserWarning, match=message) as caught:
        annotate(model, tmp_path / "in", tmp_path / "out", "--subject-field", "patient")
    assert len(caught) == 1
    with pytest.warns(UserWarning, match="--id-field numbr: in 3 inputs, .* no identifier\\.$"):
        annotate(model, tmp_path / "in", tmp_path / "other", "--id-field", "numbr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Nobody has named a field.
        assert annotate(model, tmp_path / "in", tmp_path / "third").exit_code == 0


def test_wrong_fields_and_pipelines_are_refused(model: Path, tmp_path: Path) -> None:
    table = tmp_path / "texts.csv"
    table.write_text("id,text\nR0,fever\n", "utf-8")
    missing = annotate(model, table, tmp_path / "out", "--subject-field", "patient")
    assert "no column 'patient'" in missing.stderr
    assert "choose a column with --subject-field" in missing.stderr
    other = annotate(model, table, tmp_path / "out", "--subject-field", "id", "--format", "omop")
    assert other.stderr == "Error: --subject-field requires --format fhir\n"
    spacy.blank("en").to_disk(tmp_path / "blank")
    blank = annotate(tmp_path / "blank", table, tmp_path / "out")
    assert "Error: --format fhir writes a resource for each central entity" in blank.stderr
    assert "Add a 'str_records' to the end of the pipeline" in blank.stderr
    assert not (tmp_path / "out").exists()
