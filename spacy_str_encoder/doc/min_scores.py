"""Minimum scores: predicted entities and relations with lower ones are left out."""

from collections.abc import Iterable
from dataclasses import dataclass

from spacy.tokens import Doc, Span, SpanGroup

from .plurals import count_noun
from .relation import Relation, drop_relations, get_score, place_of


@dataclass(frozen=True)
class MinScores:
    """Minimum scores of entities and relations.

    entity (float | None): The minimum score of entities; None for no minimum.
    relation (float | None): The minimum `relation.score`; None for no minimum.
    """

    entity: float | None = None
    relation: float | None = None

    def __post_init__(self) -> None:
        """Check the scores.

        RAISES (ValueError): If one of them is not a number from 0 to 1.
        """
        for name, score in (("entities", self.entity), ("relations", self.relation)):
            # This refuses NaN too.
            if score is not None and not 0 <= score <= 1:
                raise ValueError(
                    f"The minimum score of {name} must be a number from 0 to 1, got {score}."
                )


# No minimum of either kind.
NO_MINIMUM = MinScores()


@dataclass
class ScoreFilter:
    """Leaves out predicted entities and relations whose scores are below the minimum, and counts
    them. An entity without a score, such as a gold entity, is certain. Relations of an entity that
    is left out go too.

    minimum (MinScores): The minimum scores.
    spans_key (str | None): The span group that holds the entities, beside `doc.ents`; None for
        `doc.ents` alone.
    entities (int): The number of entities left out so far. One that is in both places counts once.
    relations (int): The number of relations left out so far.
    """

    minimum: MinScores
    spans_key: str | None = None
    entities: int = 0
    relations: int = 0

    def __call__(self, doc: Doc) -> Doc:
        """Remove the entities and relations with low scores from a doc. Records follow, since they
        are made from what the doc holds when they are read.

        doc (Doc): The doc.
        RETURNS (Doc): The same doc.
        """
        if self.minimum == NO_MINIMUM:
            return doc
        # First, because predicted relations are hidden once their entities are gone.
        self.relations += drop_relations(doc, self._is_low_relation)
        low = self._find_low(doc.ents)
        # Tokens and identifiers of all other entities stay as they are.
        doc.set_ents([], outside=low, default="unmodified")
        if self.spans_key is not None and self.spans_key in doc.spans:
            group = doc.spans[self.spans_key]
            low += self._find_low(group)
            kept = [span for span in group if not self._is_low(span)]
            # Not `del group[i]`, which corrupts memory.
            doc.spans[self.spans_key] = SpanGroup(
                doc, name=group.name, attrs=group.attrs, spans=kept
            )
        self.entities += len({*map(place_of, low)})
        return doc

    def _find_low(self, spans: Iterable[Span]) -> list[Span]:
        return [span for span in spans if self._is_low(span)]

    def _is_low(self, entity: Span) -> bool:
        return _is_below(get_score(entity), self.minimum.entity)

    def _is_low_relation(self, relation: Relation) -> bool:
        is_low = _is_below(relation.score, self.minimum.relation)
        return is_low or self._is_low(relation.head) or self._is_low(relation.tail)


def _is_below(score: float | None, minimum: float | None) -> bool:
    return score is not None and minimum is not None and score < minimum


def describe_low(entities: int, relations: int) -> str:
    """Describe how much was left out.

    entities (int): The number of entities.
    relations (int): The number of relations.
    RETURNS (str): The description.
    """
    return (
        f"{count_noun(entities, 'entity')} with a score below the minimum left out, and "
        f"{count_noun(relations, 'relation')} with such a score or such an entity"
    )
