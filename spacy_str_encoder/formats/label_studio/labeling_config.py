"""Labeling config of Label Studio (XML) for the tasks that `writer.py` writes.

`<Labels name="label">` has the types of entities, `<Relations>` the labels of relations, and each
attribute has a `<Choices perRegion="true">` of its own (https://labelstud.io/tags).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Self
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..annotated_text import AnnotatedText
from .reader import NAMES


@dataclass
class Labels:
    """Labels that annotators choose from.

    entities (Iterable[str]): The types of entities.
    relations (Iterable[str]): The labels of relations.
    attributes (Mapping[str, Iterable[str]]): The values of each attribute of entities by its name.
    exclusive (bool): Whether a relation has one label alone.
    """

    entities: Iterable[str]
    relations: Iterable[str] = ()
    attributes: Mapping[str, Iterable[str]] = field(default_factory=dict)
    exclusive: bool = True

    @classmethod
    def of(cls, texts: Iterable[AnnotatedText]) -> Self:
        """Collect the labels of texts.

        texts (Iterable[AnnotatedText]): The texts.
        RETURNS (Labels): Their labels in alphabetical order.
        """
        entities, relations, attributes = set[str](), set[str](), dict[str, set[str]]()
        exclusive = True
        for annotated in texts:
            entities |= {each.label for each in annotated.entities}
            relations |= {each.label for each in annotated.relations}
            ends = {(each.head, each.tail) for each in annotated.relations}
            exclusive &= len(ends) == len(annotated.relations)
            for entity in annotated.entities:
                for name, value in (entity.attributes or {}).items():
                    attributes.setdefault(name, set()).add(value)
        values = {name: sorted(attributes[name]) for name in sorted(attributes)}
        return cls(sorted(entities), sorted(relations), values, exclusive)


def make_labeling_config(labels: Labels) -> str:
    """Make the labeling config of a project.

    labels (Labels): The labels.
    RETURNS (str): The XML.
    """
    view = Element("View")
    if relations := [*labels.relations]:
        # Without a choice, another label is added to the one that the relation has.
        choice = {"choice": "single"} if labels.exclusive else {}
        _add_values(SubElement(view, "Relations", choice), "Relation", relations)
    control, shown = NAMES["from_name"], NAMES["to_name"]
    _add_values(SubElement(view, "Labels", name=control, toName=shown), "Label", labels.entities)
    SubElement(view, "Text", name=shown, value=f"${NAMES['text']}")
    controls = name_controls(labels.attributes, {control, shown})
    for name, values in labels.attributes.items():
        choices = SubElement(view, "Choices", name=controls[name], toName=shown, perRegion="true")
        _add_values(choices, "Choice", values)
    indent(view)
    return f"{tostring(view, encoding='unicode')}\n"


def _add_values(parent: Element, tag: str, values: Iterable[str]) -> None:
    for value in values:
        SubElement(parent, tag, value=value)


def name_controls(names: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """Name the control of each attribute. No two controls or objects can have the same name.

    names (Iterable[str]): The names of the attributes.
    taken (Collection[str]): The names of other controls and of the text.
    RETURNS (dict[str, str]): The names of the controls by those of the attributes.
    """
    controls = dict.fromkeys(names, "")
    for name in controls:
        others = (f"{name}_{i}" for i in count(2))
        free = (each for each in others if each not in {*controls, *taken})
        controls[name] = next(free) if name in taken else name
    return controls
