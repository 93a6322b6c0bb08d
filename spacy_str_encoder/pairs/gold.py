"""What a gold doc says about pairs of entities, and what of it can be learned."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy
from spacy.tokens import Doc, Span
from spacy.training import Alignment, Example

from ..arrays import IntArray
from ..doc.entities import get_entities
from ..doc.relation import Relation, get_relations, has_relations
from .candidates import Candidates, EntityPairs, find_pairs
from .classes import RelationClass, relation_class
from .schema import Schema, allows_relation

# The indices of two entities in text order.
Pair = tuple[int, int]
# Start and end token; in span groups, where several spans can be in one place, the type too.
EntityKey = tuple[int, int, str]


def gold_relations(doc: Doc, symmetric: Sequence[str] = ()) -> list[Relation]:
    """The relations of a gold doc, each once.

    doc (Doc): The doc.
    symmetric (Sequence[str]): The labels whose relations have no direction: the entity that comes
        first in the text counts as their head.
    RETURNS (list[Relation]): The relations.
    """
    relations = [
        _turn(relation) if relation.label in symmetric else relation
        for relation in get_relations(doc)
    ]
    return list({(r.head, r.tail, r.label): r for r in relations}.values())


def training_entities(example: Example, spans_key: str | None = None) -> list[Span]:
    """The entities of the predicted doc that are learned from, in text order: the gold ones that
    align with its tokens, and those that other components found wrongly, which have no relations.

    example (Example): The example.
    spans_key (str | None): The span group that holds them; `doc.ents` if None.
    RETURNS (list[Span]): The entities; none if nobody annotated the relations. Of those in one
        place, gold ones come last: there `related_pairs` finds them.
    """
    if not has_relations(example.reference):
        return []
    gold = get_entities(example.reference, spans_key)
    right = example.get_aligned_spans_y2x(gold, allow_overlap=spans_key is not None)
    known = {(span.start, span.end, span.label) for span in right}
    found = get_entities(example.predicted, spans_key)
    wrong = [span for span in found if (span.start, span.end, span.label) not in known]
    return sorted([*wrong, *right], key=lambda span: (span.start, span.end))


def related_pairs(
    example: Example,
    entities: Sequence[Span],
    *,
    spans_key: str | None = None,
    symmetric: Sequence[str] = (),
) -> dict[Pair, list[Relation]]:
    """The gold relations of each pair of entities of the predicted doc.

    In `doc.ents` an entity is recognized by its place alone: the spans of relations need not have
    its type. Of several in one place, the last one counts. In a span group it is recognized by its
    type too, since several spans can be in one place.

    example (Example): The example.
    entities (Sequence[Span]): Entities of the predicted doc, in text order.
    spans_key (str | None): The span group that holds them; `doc.ents` if None.
    symmetric (Sequence[str]): The labels whose relations have no direction.
    RETURNS (dict[tuple[int, int], list[Relation]]): The relations of each pair that has any, in
        the gold doc.
    """
    align = partial(_align, example.alignment, spans_key=spans_key)
    keys = [entity_key(entity, spans_key=spans_key) for entity in entities]
    return _pair_up(gold_relations(example.reference, symmetric), align, keys)


def gold_classes(
    example: Example,
    asked: EntityPairs,
    classes: Sequence[RelationClass],
    *,
    schema: Schema | None,
    exclusive: bool,
    spans_key: str | None = None,
    symmetric: Sequence[str] = (),
    report_unknown: Callable[[str, str], None],
) -> IntArray:
    """The classes of pairs of entities of the predicted doc.

    example (Example): The example.
    asked (tuple[list[Span], IntArray]): The entities, and pairs of them.
    classes (Sequence[tuple[str, str]]): Label and direction of each class but the first, which is
        "no relation".
    schema (Schema | None): Which classes are possible between which types; all if None.
    exclusive (bool): Whether a pair can have one relation only: its first counts.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    symmetric (Sequence[str]): The labels whose relations have no direction.
    report_unknown (Callable[[str, str], None]): Is told of each relation that has no class or is
        not possible, and of the remedy. Such a relation is left out.
    RETURNS (IntArray): Row and class of each relation. *Shape:* (relations, 2).
    """
    entities, pairs = asked
    index = {name: i for i, name in enumerate(classes, start=1)}
    related = related_pairs(example, entities, spans_key=spans_key, symmetric=symmetric)
    gold = {pair: _known_classes(related[pair], index, schema, report_unknown) for pair in related}
    rows = find_pairs(pairs, related, count=len(entities))
    most = 1 if exclusive else None
    listed = [(row, number) for pair, row in rows.items() for number in gold[pair][:most]]
    return numpy.array(listed, dtype="int64").reshape(-1, 2)


def entity_key(span: Span, *, spans_key: str | None) -> EntityKey:
    """What an entity is recognized by, see `related_pairs`.

    span (Span): The entity.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (tuple[int, int, str]): Start and end token; in a span group its type too.
    """
    return span.start, span.end, "" if spans_key is None else span.label_


def count_relations(
    examples: Iterable[Example],
    *,
    candidates: Candidates,
    exclusive: bool,
    spans_key: str | None = None,
    symmetric: Sequence[str] = (),
) -> tuple[Counter[RelationClass], Counter[str]]:
    """Count the gold relations by class, and those that can't be learned by the reason.

    examples (Iterable[Example]): The examples.
    candidates (Candidates): Proposes pairs of the gold entities, as it later does of others.
    exclusive (bool): Whether a pair can have one relation only.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    symmetric (Sequence[str]): The labels whose relations have no direction.
    RETURNS (tuple[Counter[tuple[str, str]], Counter[str]]): Both counts.
    """
    classes: Counter[RelationClass] = Counter()
    lost: Counter[str] = Counter()
    for example in examples:
        relations = gold_relations(example.reference, symmetric)
        classes.update(map(relation_class, relations))
        lost.update(_count_lost(example, relations, candidates, spans_key, exclusive=exclusive))
    return classes, +lost


def count_mistyped(examples: Iterable[Example], *, spans_key: str | None = None) -> int:
    """Count the gold relations whose spans have other types than the entities in their places.

    They are learned, since entities are recognized by their places, but scores count them as
    missed, and a schema knows them by the types of their spans.

    examples (Iterable[Example]): The examples.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None. In a span
        group entities are recognized by their types too.
    RETURNS (int): Their number.
    """
    if spans_key is not None:
        return 0
    count = 0
    for doc in (example.reference for example in examples):
        types = {(entity.start, entity.end): entity.label for entity in doc.ents}
        for relation in get_relations(doc):
            ends = relation.head, relation.tail
            count += any(types.get((end.start, end.end), end.label) != end.label for end in ends)
    return count


def _known_classes(
    relations: list[Relation],
    index: dict[RelationClass, int],
    schema: Schema | None,
    report_unknown: Callable[[str, str], None],
) -> list[int]:
    known = []
    for relation in relations:
        name = relation_class(relation)
        if name not in index:
            order = "the head" if name[1] == ">" else "the tail"
            report_unknown(f"'{relation.label}' with {order} first", "Add it to the label file.")
        elif schema is not None and not allows_relation(schema, relation, index[name]):
            types = f"from {relation.head.label_} to {relation.tail.label_}"
            remedy = "Initialize with examples of it, or without a schema."
            report_unknown(f"'{relation.label}' {types}", remedy)
        else:
            known.append(index[name])
    return list(dict.fromkeys(known))


def _count_lost(
    example: Example,
    relations: list[Relation],
    candidates: Candidates,
    spans_key: str | None,
    *,
    exclusive: bool,
) -> dict[str, int]:
    """Each for the first reason that applies."""
    align = partial(_align, example.alignment, spans_key=spans_key)
    locate = partial(entity_key, spans_key=spans_key)
    aligned = [r for r in relations if align(r.head) and align(r.tail)]
    apart = [r for r in aligned if locate(r.head) != locate(r.tail)]
    entities = get_entities(example.reference, spans_key)
    related = _pair_up(apart, locate, map(locate, entities))
    proposed = _propose(candidates, example.reference, entities, related)
    among, left = (sum(map(len, pairs)) for pairs in (related.values(), proposed))
    return {
        "do not align with the tokens of the pipeline": len(relations) - len(aligned),
        "connect an entity with itself": len(aligned) - len(apart),
        "connect spans that are not among the entities": len(apart) - among,
        "are not among the candidate pairs": among - left,
        "share their pair of entities with another one": left - len(proposed) if exclusive else 0,
    }


def _propose(
    candidates: Candidates,
    doc: Doc,
    entities: Sequence[Span],
    related: dict[Pair, list[Relation]],
) -> list[list[Relation]]:
    """The relations of those related pairs that are among the candidates."""
    if not related:
        return []
    rows = find_pairs(candidates(doc, entities), related, count=len(entities))
    return [related[pair] for pair in rows]


def _pair_up(
    relations: Iterable[Relation],
    locate: Callable[[Span], EntityKey | None],
    entities: Iterable[EntityKey],
) -> dict[Pair, list[Relation]]:
    index: dict[EntityKey | None, int] = {key: i for i, key in enumerate(entities)}
    related: dict[Pair, list[Relation]] = {}
    for relation in relations:
        head, tail = index.get(locate(relation.head)), index.get(locate(relation.tail))
        if head is not None and tail is not None and head != tail:
            related.setdefault((min(head, tail), max(head, tail)), []).append(relation)
    return related


def _turn(relation: Relation) -> Relation:
    """The relation with the head that comes first in the text."""
    if relation_class(relation)[1] == ">":
        return relation
    return replace(relation, head=relation.tail, tail=relation.head)


def _align(alignment: Alignment, span: Span, *, spans_key: str | None) -> EntityKey | None:
    """What stands for a span of the reference in the predicted doc; None if its tokens begin or
    end elsewhere.
    """
    tokens = alignment.y2x[span.start : span.end]
    if not len(tokens):
        return None
    start, end = int(tokens[0]), int(tokens[-1]) + 1
    back = alignment.x2y[start:end]
    same = len(back) and (back[0], back[-1] + 1) == (span.start, span.end)
    return (start, end, entity_key(span, spans_key=spans_key)[2]) if same else None
