"""Classes of relations that a model distinguishes."""

from collections.abc import Iterable, Sequence

from ..doc.relation import Relation

# A label and its direction: ">" if the head comes first in the text, "<" if the tail does.
RelationClass = tuple[str, str]
# Head type, label and tail type.
Triple = Sequence[str]


def relation_class(relation: Relation) -> RelationClass:
    """Return the class of a relation: its label and direction.

    relation (Relation): The relation.
    RETURNS (tuple[str, str]): Label and direction.
    """
    head, tail = relation.head, relation.tail
    in_order = (head.start, head.end, head.label_) <= (tail.start, tail.end, tail.label_)
    return relation.label, ">" if in_order else "<"


def index_classes(classes: Iterable[RelationClass]) -> dict[RelationClass, int]:
    """Number classes from 1, since 0 is "no relation".

    classes (Iterable[tuple[str, str]]): Labels and directions.
    RETURNS (dict[tuple[str, str], int]): The number of each class.
    """
    return {name: i for i, name in enumerate(classes, start=1)}


def label_directions(classes: Iterable[RelationClass]) -> dict[str, str]:
    """Return the directions of each label.

    classes (Iterable[tuple[str, str]]): Labels and directions.
    RETURNS (dict[str, str]): Directions by label: `>`, `<` or both.
    """
    directions: dict[str, str] = {}
    for label, direction in classes:
        directions[label] = directions.get(label, "") + direction
    return directions
