"""Notes on missing scores, and on what the scores leave out."""

from collections.abc import Iterator, Sequence

from ..doc.entities import name_place
from ..doc.min_scores import describe_low
from .attributes import AttributeOutcome
from .outcomes import (
    ALL_TASKS,
    ATTRIBUTE_TASKS,
    TASKS,
    WITH_GOLD,
    EntityOutcome,
    Outcomes,
    RelationOutcome,
    Task,
)
from .overlaps import count_all_overlapping, count_overlapping

Outcome = EntityOutcome | RelationOutcome | AttributeOutcome
WITHOUT_ATTRIBUTES = "no gold entity is annotated with span._.attributes"
HIDDEN = "a later component has removed or changed their entities"


def find_obstacle(outcomes: Outcomes, task: Task) -> str | None:
    """Find out why a task can't be scored. A score of 0 is a score.

    outcomes (Outcomes): The outcomes of a pipeline.
    task (Task): The task.
    RETURNS (str | None): The reason; None if the task can be scored.
    """
    docs = _docs_of(outcomes, task)
    if not docs and task == "entities":
        return "no gold doc is annotated with entities"
    if not docs and task in ATTRIBUTE_TASKS:
        return WITHOUT_ATTRIBUTES
    if not docs:
        hint = "were the docs saved with store_user_data=True?"
        return f"no gold doc is annotated with doc._.relations ({hint})"
    if not any(doc.is_set for doc in docs):
        return f"no component sets {_name_attribute(outcomes, task)}"
    if task == "relations" and not any(doc.has_entities for doc in outcomes.relations):
        return "no component sets the entities that relations connect"
    if not any(doc.gold or doc.predicted for doc in docs):
        return f"there are neither gold nor predicted {_noun(task)}"
    return None


def write_notes(outcomes: Outcomes) -> list[str]:
    """Describe what is not scored, and what the scores leave out.

    outcomes (Outcomes): The outcomes of a pipeline.
    RETURNS (list[str]): One note for each case.
    """
    notes = []
    # Without gold attributes, both tasks have the same obstacle.
    for task, name in (ALL_TASKS if outcomes.attributes else TASKS).items():
        if task in WITH_GOLD and not outcomes.with_gold:
            continue
        if obstacle := find_obstacle(outcomes, task):
            notes.append(f"{name}: not scored, because {obstacle}.")
        else:
            notes.extend(f"{name}: {gap}." for gap in _find_gaps(outcomes, task))
    if outcomes.sets_attributes and not outcomes.attributes:
        notes.append(f"Attributes: not scored, because {WITHOUT_ATTRIBUTES}.")
    if outcomes.low_entities or outcomes.low_relations:
        notes.append(f"{describe_low(outcomes.low_entities, outcomes.low_relations)}.")
    return notes


def _noun(task: Task) -> str:
    return task.partition("_")[0]


def _name_attribute(outcomes: Outcomes, task: Task) -> str:
    places = {
        "entities": name_place(outcomes.spans_key),
        "relations": "doc._.relations",
        "attributes": "span._.attributes",
    }
    return places[_noun(task)]


def _docs_of(outcomes: Outcomes, task: Task) -> Sequence[Outcome]:
    docs: Sequence[Outcome] = getattr(outcomes, task)
    return docs


def _find_gaps(outcomes: Outcomes, task: Task) -> Iterator[str]:
    scores = [score for doc in _docs_of(outcomes, task) for score in doc.scores]
    if without := scores.count(None):
        counted = f"({without} of {len(scores)})"
        yield f"predicted {_noun(task)} without a score in span._.score {counted}"
    if task == "entities":
        yield from _find_hard_entities(outcomes)
    if task == "relations" and (hidden := sum(doc.hidden for doc in outcomes.relations)):
        yield f"predicted relations left out ({hidden}), because {HIDDEN}"
    if task == "relations_gold_entities":
        yield from _find_other_entities(outcomes)


def _find_hard_entities(outcomes: Outcomes) -> Iterator[str]:
    docs = outcomes.entities
    gold = sum(len(doc.gold) for doc in docs)
    if rounded := sum(doc.rounded for doc in docs):
        yield (
            f"{rounded} counted as correct with boundaries inside a gold token, because spaCy's "
            "scorer compares tokens; relations of such entities count as wrong"
        )
    in_group = sum(doc.in_group for doc in docs)
    if 0 < in_group < len(docs):
        yield (
            f"for gold docs without the span group of the others ({len(docs) - in_group} of "
            f"{len(docs)}), the gold entities are those of doc.ents, where none overlap"
        )
    if misaligned := sum(doc.misaligned for doc in docs):
        yield (
            f"gold entities that do not align with the tokens of the gold docs ({misaligned} of "
            f"{gold}) count as missed, unless the pipeline finds exactly their characters"
        )
    if outcomes.spans_key is None and (overlapping := count_all_overlapping(docs)):
        yield (
            f"without spans_key, the pipeline can't find all gold entities that overlap another "
            f"one ({overlapping} of {gold})"
        )


def _find_other_entities(outcomes: Outcomes) -> Iterator[str]:
    docs, is_flat = outcomes.relations_gold_entities, outcomes.spans_key is None
    gold = sum(len(doc.gold_entities) for doc in docs)
    if lost := sum(len(doc.gold_entities - doc.entities) for doc in docs):
        overlap = any(count_overlapping(doc.gold_entities) for doc in docs)
        flat = "doc.ents can't hold entities that overlap, " if overlap and is_flat else ""
        yield (
            f"gold entities missing ({lost} of {gold}), because {flat}they do not align with the "
            "tokens of the pipeline, or a component replaced them; their relations count as missed"
        )
    if added := sum(len(doc.entities - doc.gold_entities) for doc in docs):
        yield (
            f"entities added that are not gold ({added}), by a component that sets doc.ents (or "
            "doc.spans) but does not declare it in `assigns`"
        )
