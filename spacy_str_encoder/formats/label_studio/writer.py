"""Write tasks of Label Studio: regions of plain text with one label, and relations.

Relations with the same head and tail are written as one with several labels, since Label Studio
keeps only one relation from a region to another. All attributes are written as choices of their
region. A prediction has the mean of all scores, by which Label Studio sorts tasks.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from ..annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText
from ..entities import describe_relation
from ..fields import other_fields, with_meta
from ..report import ConversionReport
from ..scores import GIVEN_ENTITIES, SCORE, has_scores, mean_score
from .annotation import ANNOTATIONS, PREDICTIONS
from .labeling_config import name_controls
from .reader import KEPT, NAMES
from .regions import CHOICES, META


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
    about = {**kept["annotation"], **_describe_prediction(annotated)}
    return {**kept["task"], "data": data, name: [{**about, "result": result}]}


def _describe_prediction(annotated: AnnotatedText) -> dict[str, Any]:
    about = {"model_version": annotated.pipeline, SCORE: mean_score(annotated)}
    return {name: value for name, value in about.items() if value is not None}


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
            "labels": [*found],
            **_describe_scores(found.values()),
        }
        for (head, tail), found in _group_relations(annotated, report).items()
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
    scores = entity.attribute_scores or {}
    for name, value in (entity.attributes or {}).items():
        choice = {**place, CHOICES: [value]}
        score = {SCORE: scores[name]} if name in scores else {}
        yield {"type": CHOICES, "from_name": controls[name], "value": choice, **score}


def _describe_scores(relations: Collection[AnnotatedRelation]) -> dict[str, Any]:
    """Describe the scores of a relation with several labels, by label."""
    scores = {
        name: {e.label: getattr(e, name) for e in relations if getattr(e, name) is not None}
        for name in (SCORE, GIVEN_ENTITIES)
    }
    known = {name: values for name, values in scores.items() if values}
    return {META: known} if known else {}


def _group_relations(
    annotated: AnnotatedText, report: ConversionReport
) -> dict[tuple[int, int], dict[str, AnnotatedRelation]]:
    """Group relations by head and tail, and by label."""
    groups: dict[tuple[int, int], dict[str, AnnotatedRelation]] = {}
    for relation in annotated.relations:
        group = groups.setdefault((relation.head, relation.tail), {})
        if relation.label in group:
            case = describe_relation(annotated, relation)
            report.lose_other("duplicate relations", annotated.place, case)
        else:
            group[relation.label] = relation
    return groups
