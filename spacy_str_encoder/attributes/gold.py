"""Gold attributes of entities, and those that can't be learned."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy
from spacy.tokens import Span
from spacy.training import Example

from ..arrays import IntArray
from ..doc.alignment import align_span
from ..doc.attributes import get_attributes
from ..doc.entities import get_gold_entities
from .entities import DocEntities
from .task import AttributeLabel, AttributeTask


@dataclass
class GoldAttributes:
    """Attributes in the training data.

    labels (Counter[tuple[str, str]]): Number of entities by name and value.
    types (dict[str, Counter[str]]): Number of entities by name and entity type.
    annotated (Counter[str]): Number of entities with annotated attributes by entity type.
    misaligned (int): Those of them that do not align with the tokens of the pipeline.
    """

    labels: Counter[AttributeLabel] = field(default_factory=Counter)
    types: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    annotated: Counter[str] = field(default_factory=Counter)
    misaligned: int = 0


def count_attributes(examples: Iterable[Example], spans_key: str | None) -> GoldAttributes:
    """Count the attributes in the training data.

    examples (Iterable[Example]): The examples.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (GoldAttributes): The counts.
    """
    counts = GoldAttributes()
    for example in examples:
        for entity in get_gold_entities(example.reference, spans_key):
            attributes = get_attributes(entity)
            if attributes is None:
                continue
            counts.annotated[entity.label_] += 1
            counts.misaligned += align_span(example.alignment, entity) is None
            for name, value in attributes.items():
                counts.labels[name, value] += 1
                counts.types[name][entity.label_] += 1
    return counts


def training_entities(
    task: AttributeTask,
    example: Example,
    spans_key: str | None,
    report_unknown: Callable[[str, str, str], None],
) -> tuple[DocEntities, IntArray]:
    """Return the entities of the predicted doc to learn from: the gold entities that have
    attributes and align with its tokens.

    task (AttributeTask): The task.
    example (Example): The example.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    report_unknown (Callable[[str, str, str], None]): Callback for each attribute that the model
        does not know; it gets the name, the value and the entity type. These are not learned.
    RETURNS (tuple[DocEntities, IntArray]): The entities, and the column of each gold value, -1 for
        none. *Shape:* (entities, names).
    """
    doc, alignment = example.predicted, example.alignment
    entities, targets = [], []
    for gold in get_gold_entities(example.reference, spans_key):
        values = _known(task, gold, report_unknown)
        place = align_span(alignment, gold) if values else None
        if place is not None:
            entities.append(Span(doc, *place, label=gold.label))
            targets.append([values.get(name, -1) for name in task.columns])
    shape = len(targets), len(task.columns)
    return DocEntities(doc, entities), numpy.array(targets, dtype="int64").reshape(shape)


def _known(
    task: AttributeTask, entity: Span, report_unknown: Callable[[str, str, str], None]
) -> Mapping[str, int]:
    """RETURNS (dict[str, int]): The column of each gold value by name."""
    names, known = task.names_of(entity), {}
    for name, value in task.gold_values(entity).items():
        if name in names and value in task.columns[name]:
            known[name] = task.columns[name][value]
        else:
            report_unknown(name, value, entity.label_)
    return known
