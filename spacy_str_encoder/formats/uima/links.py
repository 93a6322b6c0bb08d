"""Links of INCEpTION: features of a span that point to other spans, each in a role.

A link is an annotation without a position: `role` names what the other span, its `target`, is to
the span with the link, such as an argument of an event.
"""

from collections.abc import Collection
from typing import Any

from .layer import Connected
from .types import POSITION, ROLE, TARGET

# Features of a link that are read.
READ = (ROLE, TARGET)


def is_of_links(features: Collection[str]) -> bool:
    """Check whether the annotations of a type are links.

    features (Collection[str]): The features of the type.
    RETURNS (bool): Whether they are.
    """
    return set(features) >= set(READ) and not set(features) >= set(POSITION)


def read_link(annotation: Any, feature: str, link: Any) -> Connected:
    """Read a link as a relation, with the role as its label.

    annotation (Any): The span with the link.
    feature (str): The feature with the link, which is the label if there is no role.
    link (Any): The link.
    RETURNS (Connected): The relation.
    """
    source = f"{annotation.type.name}: {feature}"
    return Connected(annotation, link[TARGET], link[ROLE] or feature, source, is_link=True)


def find_links(annotation: Any) -> dict[str, list[Any]]:
    """Find the links of an annotation to others.

    annotation (Any): The annotation of dkpro-cassis.
    RETURNS (dict[str, list[Any]]): The links of each feature that has any.
    """
    values = {each.name: annotation[each.name] for each in annotation.type.all_features}
    arrays = {name: getattr(value, "elements", None) or [] for name, value in values.items()}
    return {name: found for name, found in arrays.items() if found and all(map(_is_link, found))}


def _is_link(value: Any) -> bool:
    return hasattr(value, ROLE) and hasattr(value, TARGET)
