"""What attributes and relations mean to the tables and resources of hospitals, as set for
`str_records`."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_str_encoder.doc.meanings import read_meanings
from spacy_str_encoder.exports.fhir import FHIR
from spacy_str_encoder.exports.omop import OMOP

from .pipelines import MakeNlp, make_examples

REFUSED: list[tuple[Any, str]] = [
    ("Assertion", "omop: must be a block of settings, got 'Assertion'."),
    ({"negated": {}}, "omop: unknown setting 'negated'. Use only absent, conditional, "),
    (
        {"absent": ["negated"]},
        "omop.absent: must be a list for each attribute or relation, such as "
        '{"Time": ["past"]}, got [\'negated\'].',
    ),
    ({"past": {"Time": "past"}}, "omop.past: must be a list for each attribute or relation"),
    ({"past": {"Time": [1]}}, "omop.past: must be a list for each attribute or relation"),
    ({"modifiers": "Modifier"}, "omop.modifiers: must be a list of names, got 'Modifier'."),
    ({"severities": None}, "omop.severities: must be a list of names, got None."),
    ({"concept_system": 3}, "omop.concept_system: must be the name of a terminology, got 3."),
    ({"systems": ["x"]}, "omop.systems: must be a URI without spaces for each name, such as "),
    ({"systems": {"icd": "http://x.org/a b"}}, "omop.systems: must be a URI without spaces"),
    ({"systems": {"icd": "urn:x\n"}}, "omop.systems: must be a URI without spaces"),
    ({"systems": {"icd": "ICD-10"}}, "omop.systems: must be a URI without spaces"),
    (
        {"observed": {"PER": " "}},
        'omop.observed: must be what is observed of each type, such as {"Vessel": "stenosis"}, '
        "got {'PER': ' '}.",
    ),
    ({"conditions": ["Lab"]}, "omop.conditions: must be types of `central` (PER), got Lab."),
]


def make_pipeline(omop: Any, **config: Any) -> Language:
    nlp = spacy.blank("xx")
    nlp.add_pipe("str_records", config={"central": ["PER"], "omop": omop, **config})
    return nlp


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ([], set()),
        ([("Assertion", "present")], {"present"}),
        ([("Negation", "no")], {"present"}),
        ([("Experiencer", "Patient")], {"present"}),
        ([("Temporality", "current")], {"present"}),
        ([("Assertion", "RULED_OUT")], {"absent"}),
        ([("Assertion", "ruled-out")], {"absent"}),
        ([("Assertion", "associated_with_someone_else")], {"other_subject"}),
        ([("Assertion", "excluded")], set()),
        ([("Assertion", "negated")], {"absent"}),
        ([("assertion", "Absent")], {"absent"}),
        ([("Negation", "true")], {"absent"}),
        ([("Negative", "Negation")], {"absent"}),
        ([("Negative", "Degree")], set()),
        ([("Assertion", "possible"), ("Time", "past")], {"uncertain", "past"}),
        ([("Time", "hypothetical")], {"conditional"}),
        ([("Experiencer", "family")], {"other_subject"}),
        ([("Temporality", "planned")], {"planned"}),
    ],
)
def test_default_meanings(said: list[tuple[str, str]], meant: set[str]) -> None:
    assert read_meanings(None, []).find(said) == meant


def test_a_table_that_is_given_replaces_its_default_alone() -> None:
    meanings = read_meanings({"absent": {"Denial": ["No"]}}, ["PER"])
    assert meanings.find([("Denial", "no")]) == {"absent"}
    assert meanings.find([("Assertion", "negated")]) == set()
    assert meanings.find([("Time", "past")]) == {"past"}
    assert meanings.know("denial")
    assert not meanings.know("Negative")


@pytest.mark.parametrize(("omop", "message"), REFUSED)
def test_wrong_settings_are_refused_when_the_component_is_made(omop: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_meanings(omop, ["PER"])
    with pytest.raises(ValueError, match=r"omop"):
        make_pipeline(omop)


def test_meanings_travel_with_the_pipeline(tmp_path: Any) -> None:
    nlp = make_pipeline({"past": {"When": ["before"]}, "conditions": ["PER"]})
    nlp.to_disk(tmp_path)
    for loaded in (spacy.load(tmp_path), spacy.blank("xx").from_config(nlp.config)):
        meanings = loaded.get_pipe("str_records").meanings
        assert meanings.find([("When", "before")]) == {"past"}
        assert meanings.conditions == ["PER"]


UNKNOWN: list[tuple[dict[str, Any], list[str]]] = [
    ({"absent": {"NEGATIVE": ["negation"]}, "body_sites": ["Location"]}, []),
    ({"present": {"assertion": ["no_sign"]}, "modifiers": ["Negative", "Assertion"]}, []),
    ({"absent": {"Negative": ["Negatoin"]}}, ["Negatoin, listed in `omop.absent.Negative`"]),
    ({"absent": {"Denial": ["no"]}}, ["Denial, listed in `omop.absent`"]),
    ({"past": {"Assertion": ["past"]}}, ["past, listed in `omop.past.Assertion`"]),
    ({"modifiers": ["Modifer"]}, ["Modifer, listed in `omop.modifiers`"]),
    (
        {"conditions": ["Degree"], "body_sites": ["BodyPart", "Site"], "severities": ["degree"]},
        ["Site, listed in `omop.body_sites`", "degree, listed in `omop.severities`"],
    ),
]


@pytest.fixture(scope="module")
def predicting(make_nlp: MakeNlp) -> Language:
    """A pipeline that predicts entities, relations and Assertion=no sign."""
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    attr: Any = nlp.add_pipe("str_attr")
    attr.add_label("Assertion", "no sign", ["BodyPart"])
    return nlp


@pytest.mark.parametrize(("omop", "unknown"), UNKNOWN)
def test_names_that_nothing_predicts_are_told(
    omop: dict[str, Any], unknown: list[str], predicting: Language
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        predicting.add_pipe("str_records", config={"central": ["BodyPart", "Degree"], "omop": omop})
    predicting.remove_pipe("str_records")
    told = [str(each.message) for each in caught]
    start = "str_records: no component of this pipeline predicts "
    assert [each.partition(". ")[0] for each in told] == [f"{start}{each}" for each in unknown]


@pytest.mark.parametrize("check", [OMOP.check, FHIR.check])
def test_names_that_nothing_predicts_are_told_before_an_archive_is_annotated(
    check: Callable[[Language], None], tmp_path: Path
) -> None:
    nlp = make_pipeline({"body_sites": ["PER", "LOK"]})
    nlp.add_pipe("entity_ruler", first=True).add_patterns([{"label": "PER", "pattern": "Ada"}])
    nlp.to_disk(tmp_path)
    with pytest.warns(UserWarning) as caught:
        check(spacy.load(tmp_path))
    [warning] = caught
    assert "predicts LOK, listed in `omop.body_sites`. The pipeline predicts PER." in str(warning)


SYSTEMS: list[tuple[dict[str, Any], list[str]]] = [
    ({"concept_system": "vessels", "systems": {"vessels": "urn:v", "id": "urn:i"}}, []),
    ({"systems": {"subject": "urn:s", "OMOP": "urn:o"}}, ["OMOP, as `omop.systems` says"]),
    (
        {"concept_system": "Vessels", "source_concept_system": "own"},
        ["Vessels, as `omop.concept_system` says", "own, as `omop.source_concept_system` says"],
    ),
    # A default is no mistake.
    ({}, []),
]


@pytest.mark.parametrize(("omop", "unknown"), SYSTEMS)
def test_terminologies_that_the_pipeline_lacks_are_told(
    omop: dict[str, Any], unknown: list[str], tmp_path: Path
) -> None:
    nlp = make_pipeline(omop)
    finder: Any = nlp.add_pipe("str_codes", first=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Without a table, nothing is known.
        OMOP.check(nlp)
    table = tmp_path / "terms.csv"
    table.write_text("code,system,term\n1,vessels,LAD\n", "utf-8")
    finder.initialize(nlp=nlp, path=table)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        OMOP.check(nlp)
    told = [str(each.message) for each in caught]
    start = "str_records: no terminology of this pipeline is called "
    end = " Those of the pipeline are vessels."
    assert told == [f"{start}{each}.{end}" for each in unknown]


def test_what_components_without_labels_predict_is_not_known() -> None:
    nlp = make_pipeline({"absent": {"Denial": ["no"]}, "body_sites": ["LOK"]})
    nlp.add_pipe("setter", first=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        OMOP.check(nlp)


@Language.component("setter", assigns=["doc.ents", "doc._.relations"])
def set_nothing(doc: Doc) -> Doc:
    return doc
