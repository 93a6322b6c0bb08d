"""Prediction for a task of a project of Label Studio: what its annotators could have chosen."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ..annotated_text import AnnotatedEntity, AnnotatedText
from ..entities import keep_entities, keep_relations
from ..report import ConversionReport
from .annotation import PREDICTIONS
from .interface import Interface
from .labeling_config import name_controls
from .reader import KEPT
from .writer import serialize

LEFT_OUT = "predictions that the labeling config does not offer"


def write_prediction(annotated: AnnotatedText, interface: Interface) -> dict[str, Any]:
    """Write the prediction for a task. What the labeling config does not offer is left out: Label
    Studio would show regions and relations without a label, or refuse the whole prediction.

    annotated (AnnotatedText): The text, as a pipeline annotated it.
    interface (Interface): The labeling interface of the project.
    RETURNS (dict[str, Any]): The prediction.
    """
    report = ConversionReport()
    offered = _keep_offered(annotated, interface, report)
    kept = {KEPT: {"names": interface.names}}
    task = serialize(replace(offered, meta=kept, is_predicted=True), report)
    prediction: dict[str, Any] = task[PREDICTIONS][0]
    return prediction


def _keep_offered(
    annotated: AnnotatedText, interface: Interface, report: ConversionReport
) -> AnnotatedText:
    entities = {i for i, e in enumerate(annotated.entities) if e.label in interface.labels}
    annotated = keep_entities(annotated, entities, LEFT_OUT, report)
    relations = {i for i, r in enumerate(annotated.relations) if r.label in interface.relations}
    annotated = keep_relations(annotated, relations, LEFT_OUT, report)
    names = (name for each in annotated.entities for name in each.attributes or {})
    controls = name_controls(names, {interface.from_name, interface.to_name})
    offered = {
        name: interface.choices.get(control, frozenset()) for name, control in controls.items()
    }
    kept = [_keep_attributes(each, offered) for each in annotated.entities]
    return replace(annotated, entities=kept)


def _keep_attributes(
    entity: AnnotatedEntity, choices: Mapping[str, Collection[str]]
) -> AnnotatedEntity:
    values = {n: value for n, value in (entity.attributes or {}).items() if value in choices[n]}
    scores = entity.attribute_scores
    if scores is not None:
        scores = {name: score for name, score in scores.items() if name in values}
    return replace(entity, attributes=values, attribute_scores=scores)
