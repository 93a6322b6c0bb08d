"""Relations of Label Studio.

A relation is `{"type": "relation", "from_id", "to_id", "direction", "labels"}`. A relation with
several labels becomes several relations. That of a prediction may have scores, `{"meta": {"score":
{label: score}}}`: Label Studio stores them, but neither shows them nor keeps them in annotations.
"""

from collections.abc import Iterator
from typing import Any

from ..annotated_text import AnnotatedRelation, AnnotationError
from ..report import ConversionReport
from ..scores import read_scores
from .regions import META, get_labels

# Head and tail of a relation for each direction, as indices of its two regions.
DIRECTIONS = {"right": [(0, 1)], "left": [(1, 0)], "bi": [(0, 1), (1, 0)]}


def parse_relation(
    relation: Any, index: dict[str, list[int]], place: str, report: ConversionReport
) -> Iterator[AnnotatedRelation]:
    """Parse a relation, which may have several labels.

    relation (Any): The relation.
    index (dict[str, list[int]]): The entities of each region, by its id.
    place (str): The location of the annotation, for the report.
    report (ConversionReport): The report, to count losses and choices.
    YIELDS (AnnotatedRelation): A relation for each label and direction.
    RAISES (AnnotationError): If its ends or its direction are unknown.
    """
    ids = [relation["from_id"], relation["to_id"]]
    case = f"{ids[0]!r} to {ids[1]!r}"
    direction = relation.get("direction", "right")
    if not set(ids) <= index.keys():
        raise AnnotationError(f"the relation from {case} refers to a region that does not exist")
    if direction not in DIRECTIONS:
        raise AnnotationError(
            f"the direction of the relation from {case} must be one of {', '.join(DIRECTIONS)}, "
            f"got {direction!r}"
        )
    found = [index[region_id] for region_id in ids]
    if not all(found):
        report.lose("relations of regions that were left out", place, case)
    elif not get_labels(relation):
        report.lose("relations without a label", place, case)
    else:
        if max(map(len, found)) > 1:
            reason = "relations of regions with several labels, attached to the first label"
            report.choose(reason, place, case)
        for label in get_labels(relation):
            for head, tail in DIRECTIONS[direction]:
                ends = found[head][0], found[tail][0]
                yield AnnotatedRelation(*ends, label, **_read_scores(relation, label))


def _read_scores(relation: Any, label: str) -> dict[str, Any]:
    kinds = meta if isinstance(meta := relation.get(META), dict) else {}
    scores = {name: each for name, each in kinds.items() if isinstance(each, dict)}
    return read_scores({name: each.get(label) for name, each in scores.items()})
