"""Write tasks of Label Studio: regions of plain text with one label, and relations.

Relations with the same head and tail are written as one with several labels, since Label Studio
keeps only one relation from a region to another. All attributes are written as choices of their
region.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from ..annotated_text import AnnotatedEntity, AnnotatedText
from ..entities import describe_relation
from ..fields import other_fields, with_meta
from ..report import ConversionReport
from ..scores import SCORE, has_scores
from .annotation import ANNOTATIONS, PREDICTIONS
from .labeling_config import name_controls
from .reader import KEPT, NAMES
from .regions import CHOICES


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a task, with all that was kept of the one that was read. What was predicted is a
    prediction.

    annotated (AnnotatedText): The text.
    report (ConversionReport): The report, to count duplicate relations and renamed attributes.
    RETURNS (dict[str, Any]): The task.
    """
    kept = {"task": {}, "annotation": {}, "names": NAMES, **annotated.meta.get(KEPT, {})}
    names = kept["names"]
    others = replace(annotated, meta=other_fields(annotated.meta, (KEPT,)))
    data = with_meta({names["text"]: annotated.text}, others, report)
    result = _serialize_result(annotated, names["from_name"], names["to_name"], report)
    is_predicted = annotated.is_predicted or has_scores(annotated)
    name = PREDICTIONS if is_predicted else ANNOTATIONS[0]
    return {**kept["task"], "data": data, name: [{**kept["annotation"], "result": result}]}


def _serialize_result(
    annotated: AnnotatedText, from_name: str, to_name: str, report: ConversionReport
) -> list[dict[str, Any]]:
    """Convert entities and relations to regions and relations."""
    controls = _report_controls(annotated, {from_name, to_name}, report)
    regions = [
        {"id": f"entity-{i}", **each, "to_name": to_name}
        for i, entity in enumerate(annotated.entities)
        for each in _serialize_entity(annotated, entity, from_name, controls)
    ]
    relations = [
        {
            "type": "relation",
            "from_id": f"entity-{head}",
            "to_id": f"entity-{tail}",
            "direction": "right",
            "labels": labels,
        }
        for (head, tail), labels in _group_labels(annotated, report).items()
    ]
    return regions + relations


def _report_controls(
    annotated: AnnotatedText, taken: Collection[str], report: ConversionReport
) -> dict[str, str]:
    names = (name for each in annotated.entities for name in each.attributes or {})
    controls = name_controls(names, taken)
    for name in sorted(controls.keys() & taken):
        reason = "attributes renamed, since the labels or the text have the same name"
        report.choose(reason, annotated.place, f"{name!r} to {controls[name]!r}")
    return controls


def _serialize_entity(
    annotated: AnnotatedText,
    entity: AnnotatedEntity,
    from_name: str,
    controls: dict[str, str],
) -> Iterator[dict[str, Any]]:
    surface = annotated.text[entity.start : entity.end]
    place = {"start": entity.start, "end": entity.end, "text": surface}
    label = {**place, "labels": [entity.label]}
    score = {} if entity.score is None else {SCORE: entity.score}
    yield {"type": "labels", "from_name": from_name, "value": label, **score}
    for name, value in (entity.attributes or {}).items():
        yield {"type": CHOICES, "from_name": controls[name], "value": {**place, CHOICES: [value]}}


def _group_labels(
    annotated: AnnotatedText, report: ConversionReport
) -> dict[tuple[int, int], list[str]]:
    """Group the labels of relations by head and tail."""
    labels: dict[tuple[int, int], list[str]] = {}
    for relation in annotated.relations:
        group = labels.setdefault((relation.head, relation.tail), [])
        if relation.label in group:
            case = describe_relation(annotated, relation)
            report.lose_other("duplicate relations", annotated.place, case)
        else:
            group.append(relation.label)
    return labels
