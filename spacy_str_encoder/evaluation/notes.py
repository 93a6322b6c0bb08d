"""What is not scored, and why."""

from collections.abc import Iterator, Sequence

from .outcomes import TASKS, EntityOutcome, Outcomes, RelationOutcome, Task


def find_obstacle(outcomes: Outcomes, task: Task) -> str | None:
    """Tell a score of 0 from none at all.

    outcomes (Outcomes): What a pipeline found.
    task (Task): What is to be scored.
    RETURNS (str | None): Why there is no score; None if there is one.
    """
    docs = _docs_of(outcomes, task)
    attribute = "doc.ents" if task == "entities" else "doc._.relations"
    if not docs:
        hint = "" if task == "entities" else " (was it saved with store_user_data=True?)"
        return f"{attribute} is annotated in no doc of the data{hint}"
    if not any(doc.is_set for doc in docs):
        return f"{attribute} was set by no component"
    if task == "relations" and not any(doc.has_entities for doc in outcomes.relations):
        return "no component set the entities that they are between"
    if not any(doc.gold or doc.predicted for doc in docs):
        return "the data has none, and none was found"
    return None


def write_notes(outcomes: Outcomes) -> list[str]:
    """Say what the scores leave out.

    outcomes (Outcomes): What a pipeline found.
    RETURNS (list[str]): The sentences.
    """
    notes = []
    for task, name in TASKS.items():
        if obstacle := find_obstacle(outcomes, task):
            notes.append(f"{name}: not scored, since {obstacle}.")
        else:
            notes.extend(f"{name}: {gap}." for gap in _find_gaps(outcomes, task))
    return notes


def _docs_of(outcomes: Outcomes, task: Task) -> Sequence[EntityOutcome | RelationOutcome]:
    docs: Sequence[EntityOutcome | RelationOutcome] = getattr(outcomes, task)
    return docs


def _find_gaps(outcomes: Outcomes, task: Task) -> Iterator[str]:
    scores = [score for doc in _docs_of(outcomes, task) for score in doc.scores]
    if without := scores.count(None):
        yield f"{without} of the {len(scores)} that were found have no score (span._.score)"
    if task == "entities" and (rounded := sum(doc.rounded for doc in outcomes.entities)):
        yield (
            f"{rounded} that count as right begin or end inside of a token of the gold docs, as "
            "spaCy's scorer compares tokens; relations of such entities count as wrong"
        )
    if task == "relations_correct_entities":
        yield from _find_other_entities(outcomes.relations_correct_entities)


def _find_other_entities(docs: list[RelationOutcome]) -> Iterator[str]:
    gold = sum(len(doc.gold_entities) for doc in docs)
    if lost := sum(len(doc.gold_entities - doc.entities) for doc in docs):
        yield (
            f"{lost} of the {gold} gold entities were not there, as they do not align with the "
            "tokens of the pipeline, or a component replaced them; their relations are missed"
        )
    if added := sum(len(doc.entities - doc.gold_entities) for doc in docs):
        yield (
            f"{added} entities that are not gold were added, by a component that does not declare "
            "that it assigns doc.ents (or doc.spans)"
        )
