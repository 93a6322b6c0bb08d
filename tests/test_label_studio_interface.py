"""Labeling interfaces of Label Studio: what is read of a config, and predictions for it."""

from dataclasses import replace

import pytest

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    AnnotationError,
)
from spacy_str_encoder.formats.label_studio.interface import (
    Interface,
    find_differences,
    read_interface,
)
from spacy_str_encoder.formats.label_studio.prediction import write_prediction

CONFIG = """<View>
  <Header value="Reports"/>
  <Relations><Relation value="位置"/><Relation value="a &quot;b&quot; &amp; c"/></Relations>
  <Image name="scan" value="$scan"/>
  <Labels name="box" toName="scan"><Label value="Box"/></Labels>
  <View style="display: flex">
    <Labels name="kind" toName="report">
      <Label value="Finding" background="red"/><Label value="Body part" alias="BodyPart"/>
    </Labels>
    <Text name="report" value="$body"/>
  </View>
  <Choices name="Assertion" toName="report" perRegion="true">
    <Choice value="present"/><Choice value="No" alias="negated"/>
  </Choices>
  <Choices name="Quality" toName="report"><Choice value="good"/></Choices>
</View>"""
INTERFACE = Interface(
    field="body",
    from_name="kind",
    to_name="report",
    labels=frozenset({"Finding", "BodyPart"}),
    relations=frozenset({"位置", 'a "b" & c'}),
    choices={"Assertion": frozenset({"present", "negated"})},
)
# Entities that would take the memory of the machine.
BOMB = "".join(
    ["<!DOCTYPE x [<!ENTITY e0 'lol'>"]
    + [f"<!ENTITY e{i} '{f'&e{i - 1};' * 10}'>" for i in range(1, 10)]
    + ["]><View>&e9;</View>"]
)
PRESENT = frozenset({"present"})
TEXT = AnnotatedText(
    "右肺结节，无积液。",
    [
        AnnotatedEntity(0, 2, "BodyPart", {}, 0.5),
        AnnotatedEntity(2, 4, "Finding", {"Assertion": "present"}, 0.75, {"Assertion": 0.9}),
        AnnotatedEntity(6, 8, "Finding", {"Assertion": "negated"}, 0.25, {"Assertion": 0.8}),
    ],
    [AnnotatedRelation(1, 0, "位置", 0.7)],
)


def ends(config_of: Interface, text: AnnotatedText) -> list[tuple[str, ...]]:
    """The label of each region, with the id of its relations' ends."""
    result = write_prediction(text, config_of)["result"]
    return [
        (each["from_id"], each["to_id"], *each["labels"])
        if each["type"] == "relation"
        else (each["id"], each["from_name"], *each["value"][each["type"]])
        for each in result
    ]


def test_names_and_values_are_read() -> None:
    assert read_interface(CONFIG) == INTERFACE


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("", "must be XML"),
        ("<View><Labels></View>", "must be XML"),
        (BOMB, "must be XML"),
        ("<View/>", "must have <Labels> for a <Text>"),
        ('<View><Text name="text" value="$text"/></View>', "must have <Labels> for a <Text>"),
        (
            '<View><Labels name="label" toName="page"/><HyperText name="page" value="$t"/></View>',
            "must have <Labels> for a <Text>",
        ),
    ],
)
def test_configs_without_labels_for_a_text_are_refused(config: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        read_interface(config)


def test_predictions_have_the_names_of_the_project() -> None:
    assert ends(INTERFACE, TEXT) == [
        ("entity-0", "kind", "BodyPart"),
        ("entity-1", "kind", "Finding"),
        ("entity-1", "Assertion", "present"),
        ("entity-2", "kind", "Finding"),
        ("entity-2", "Assertion", "negated"),
        ("entity-1", "entity-0", "位置"),
    ]
    result = write_prediction(TEXT, INTERFACE)["result"]
    assert {each["to_name"] for each in result[:-1]} == {"report"}
    assert result[-1]["direction"] == "right"
    assert [each["score"] for each in result if each["type"] == "labels"] == [0.5, 0.75, 0.25]


@pytest.mark.parametrize(
    ("interface", "expected"),
    [
        # Without its head or tail, a relation goes too.
        (
            replace(INTERFACE, labels=frozenset({"Finding"})),
            [
                ("entity-0", "kind", "Finding"),
                ("entity-0", "Assertion", "present"),
                ("entity-1", "kind", "Finding"),
                ("entity-1", "Assertion", "negated"),
            ],
        ),
        (
            replace(
                INTERFACE, relations=frozenset(), choices={"Assertion": frozenset(["present"])}
            ),
            [
                ("entity-0", "kind", "BodyPart"),
                ("entity-1", "kind", "Finding"),
                ("entity-1", "Assertion", "present"),
                ("entity-2", "kind", "Finding"),
            ],
        ),
        (replace(INTERFACE, labels=frozenset()), []),
    ],
)
def test_what_the_project_does_not_offer_is_left_out(
    interface: Interface, expected: list[tuple[str, ...]]
) -> None:
    assert ends(interface, TEXT) == expected


def test_an_attribute_with_the_name_of_the_labels_has_another_control() -> None:
    finding = AnnotatedEntity(2, 4, "Finding", {"kind": "acute"})
    interface = replace(INTERFACE, choices={"kind_2": frozenset({"acute"})})
    expected = [("entity-0", "kind", "Finding"), ("entity-0", "kind_2", "acute")]
    assert ends(interface, replace(TEXT, entities=[finding], relations=[])) == expected


def test_differences_are_told() -> None:
    pipeline = replace(
        INTERFACE,
        labels=frozenset({"Finding", "Drug", "Age"}),
        relations=frozenset({"位置", "dose"}),
        choices={"Assertion": frozenset({"present", "possible"})},
    )
    assert find_differences(INTERFACE, INTERFACE) == []
    assert find_differences(INTERFACE, pipeline) == [
        "The labeling config does not offer these, so they are left out of predictions: choice "
        "Assertion='possible', label 'Age', label 'Drug', relation 'dose'.",
        "The pipeline does not know these, so it never predicts them: choice Assertion='negated', "
        "label 'BodyPart', relation 'a \"b\" & c'.",
    ]
