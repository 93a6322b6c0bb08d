"""Notes of brat that hold the scores of predictions.

The note of an entity is `score 0.93`, followed by the scores of its attributes if it has any, as in
`score 0.93 Assertion=0.7`; that of a relation is `score 0.8 given_entities=0.9`. brat shows notes,
and keeps them as annotators change what they belong to.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..annotated_text import AnnotatedEntity, AnnotatedRelation
from ..scores import DECIMALS, SCORE
from .lines import Line

TYPE = "AnnotatorNotes"
OWNER = re.compile(rf"{TYPE} ([TR]\S+)")
NUMBER = r"0(?:\.\d+)?|1(?:\.0+)?"
NOTE = re.compile(rf"score(?: ({NUMBER}))?((?: \S+=(?:{NUMBER}))*)")
GIVEN = "given_entities"


@dataclass(frozen=True)
class Note:
    """Scores of an entity or a relation.

    owner (str): Its id.
    score (float | None): Its own score.
    others (Mapping[str, float]): Its other scores by name.
    """

    owner: str
    score: float | None
    others: Mapping[str, float]

    def add_to_entity(self, entity: AnnotatedEntity) -> AnnotatedEntity:
        """Add the scores to an entity. Those of attributes that it does not have are left out.

        entity (AnnotatedEntity): The entity.
        RETURNS (AnnotatedEntity): The entity with its scores.
        """
        scores = {
            name: self.others[name] for name in entity.attributes or {} if name in self.others
        }
        return replace(entity, score=self.score, attribute_scores=scores or None)

    def add_to_relation(self, relation: AnnotatedRelation) -> AnnotatedRelation:
        """Add the scores to a relation.

        relation (AnnotatedRelation): The relation.
        RETURNS (AnnotatedRelation): The relation with its scores.
        """
        given = self.others.get(GIVEN)
        return replace(relation, score=self.score, score_given_entities=given)


def parse_note(line: Line) -> Note | None:
    """Parse the scores in a note.

    line (Line): A line whose id begins with #.
    RETURNS (Note | None): The scores; None if the note says anything else.
    """
    owner, scores = OWNER.fullmatch(line.content.rstrip()), NOTE.fullmatch(line.surface.rstrip())
    if owner is None or scores is None or scores[0] == SCORE:
        return None
    others = (each.rpartition("=") for each in scores[2].split())
    own = float(scores[1]) if scores[1] else None
    return Note(owner[1], own, {name: float(score) for name, _, score in others})


def list_notes(
    entities: list[AnnotatedEntity], relations: list[AnnotatedRelation]
) -> Iterator[str]:
    """List the notes of predictions.

    entities (list[AnnotatedEntity]): The entities of a text.
    relations (list[AnnotatedRelation]): Its relations.
    YIELDS (str): The content of the line of each note, without its id.
    """
    for number, entity in enumerate(entities, start=1):
        scores = entity.attribute_scores or {}
        others = {name: scores.get(name) for name in entity.attributes or {}}
        yield from _describe(f"T{number}", entity.score, others)
    for number, relation in enumerate(relations, start=1):
        yield from _describe(f"R{number}", relation.score, {GIVEN: relation.score_given_entities})


def _describe(owner: str, score: float | None, others: Mapping[str, float | None]) -> Iterator[str]:
    known = [f"{name}={_round(each)}" for name, each in others.items() if each is not None]
    own = [] if score is None else [_round(score)]
    if own or known:
        yield f"{TYPE} {owner}\t{' '.join(['score', *own, *known])}"


def _round(score: float) -> str:
    return f"{round(score, DECIMALS):g}"
