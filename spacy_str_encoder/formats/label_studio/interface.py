"""Labeling interface of a project of Label Studio, read from its labeling config: the field with
the text, and what annotators can choose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from ..annotated_text import AnnotationError

NO_LABELS = (
    'the labeling config must have <Labels> for a <Text>, such as <Labels name="label" '
    'toName="text"> and <Text name="text" value="$text"/>'
)


@dataclass(frozen=True)
class Interface:
    """Labeling interface of a project.

    field (str): The field of the data with the text.
    from_name (str): The control that labels it.
    to_name (str): The object that shows it.
    labels (frozenset[str]): The types of entities.
    relations (frozenset[str]): The labels of relations.
    choices (dict[str, frozenset[str]]): The values of each control for attributes of a region.
    """

    field: str
    from_name: str
    to_name: str
    labels: frozenset[str]
    relations: frozenset[str]
    choices: dict[str, frozenset[str]]

    @property
    def names(self) -> dict[str, str]:
        """RETURNS (dict[str, str]): The names that the writer of tasks needs."""
        return {"text": self.field, "from_name": self.from_name, "to_name": self.to_name}


def read_interface(config: str) -> Interface:
    """Read a labeling config. If several controls label texts, the first one counts.

    config (str): The XML.
    RETURNS (Interface): The interface.
    RAISES (AnnotationError): If it is not XML, or has no labels for a text.
    """
    try:
        view = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise AnnotationError(f"the labeling config must be XML, got an error: {error}") from error
    fields = {each.get("name"): each.get("value", "") for each in view.iter("Text")}
    control = next(_find_controls(view, "Labels", *fields), None)
    if control is None:
        raise AnnotationError(NO_LABELS)
    to_name = control.get("toName")
    return Interface(
        field=fields[to_name].removeprefix("$"),
        from_name=control.get("name", ""),
        to_name=str(to_name),
        labels=_find_values(control, "Label"),
        relations=_find_values(view, "Relation"),
        choices={
            each.get("name", ""): _find_values(each, "Choice")
            for each in _find_controls(view, "Choices", to_name)
            # Without this, they are of the whole text.
            if each.get("perRegion") == "true"
        },
    )


def _find_controls(
    view: ElementTree.Element, tag: str, *objects: str | None
) -> Iterator[ElementTree.Element]:
    return (each for each in view.iter(tag) if each.get("toName") in objects)


def _find_values(control: ElementTree.Element, tag: str) -> frozenset[str]:
    # Results have the alias of a value if there is one.
    values = (each.get("alias") or each.get("value") for each in control.iter(tag))
    return frozenset(filter(None, values))


def find_differences(project: Interface, pipeline: Interface) -> list[str]:
    """Compare what annotators can choose with what a pipeline predicts.

    project (Interface): The labeling interface of the project.
    pipeline (Interface): The labeling interface that fits the pipeline.
    RETURNS (list[str]): A sentence about each difference.
    """
    offered, predicted = map(_list_values, (project, pipeline))
    sentences = {
        "The labeling config does not offer these, so they are left out of predictions": (
            predicted - offered
        ),
        "The pipeline does not know these, so it never predicts them": offered - predicted,
    }
    return [f"{each}: {', '.join(sorted(names))}." for each, names in sentences.items() if names]


def _list_values(interface: Interface) -> set[str]:
    values = {f"{name}={value!r}" for name, of in interface.choices.items() for value in of}
    return {
        *(f"label {label!r}" for label in interface.labels),
        *(f"relation {label!r}" for label in interface.relations),
        *(f"choice {value}" for value in values),
    }
