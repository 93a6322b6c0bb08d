"""What attributes and relations mean to the tables and resources of hospitals, as set for
`str_records`."""

import re
from typing import Any

import pytest
import spacy
from spacy.language import Language

from spacy_str_encoder.doc.meanings import read_meanings

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


def test_names_that_nothing_predicts_are_told(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    omop = {"absent": {"NEGATIVE": ["Negation"], "Denial": ["no"]}}
    with pytest.warns(UserWarning, match="predicts Denial, listed in `omop.absent`"):
        nlp.add_pipe("str_records", config={"central": ["BodyPart"], "omop": omop})
