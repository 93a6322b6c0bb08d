"""Gold relations of pairs of entities, and the gold relations that can't be learned."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy
from spacy.tokens import Doc, Span
from spacy.training import Alignment, Example

from ..arrays import IntArray
from ..doc.alignment import align_span
from ..doc.entities import get_entities, get_gold_entities
from ..doc.relation import Relation, get_relations, has_relations, place_of, sort_ends
from .candidates import DocPairs, all_pairs, find_pairs
from .classes import RelationClass, Triple, relation_class
from .schema import allows_relation
from .task import EntityKey, RelationTask

# The indices of two entities in text order.
Pair = tuple[int, int]

MISALIGNED = "do not align with the tokens of the pipeline"
REFLEXIVE = "connect an entity with itself"
OF_OTHER_SPANS = "connect spans that are not among the entities"
NOT_PROPOSED = "are not among the candidate pairs"
SHARED = "share their pair of entities with another relation"


def gold_relations(task: RelationTask, doc: Doc) -> list[Relation]:
    """Return the relations of a gold doc, each once.

    task (RelationTask): The task.
    doc (Doc): The doc.
    RETURNS (list[Relation]): The relations. The head of a symmetric relation is the entity that
        comes first in the text.
    """
    relations = []
    for relation in get_relations(doc):
        ends = relation.head, relation.tail
        head, tail = sort_ends(ends, relation.label, task.symmetric, key=place_of)
        relations.append(replace(relation, head=head, tail=tail))
    return list({(r.head, r.tail, r.label): r for r in relations}.values())


def observe_triples(docs: Iterable[Doc]) -> list[Triple]:
    """Collect the triples of gold relations.

    docs (Iterable[Doc]): Gold docs.
    RETURNS (list[list[str]]): Head type, label and tail type of each triple, sorted.
    """
    relations = (relation for doc in docs for relation in get_relations(doc))
    triples = {(r.head.label_, r.label, r.tail.label_) for r in relations}
    return [list(triple) for triple in sorted(triples)]


def training_entities(task: RelationTask, example: Example) -> list[Span]:
    """Return the entities of the predicted doc to learn from, in text order: the gold entities
    that align with its tokens, and the wrong entities that other components predicted, which have
    no relations.

    task (RelationTask): The task.
    example (Example): The example.
    RETURNS (list[Span]): The entities; empty if the relations are unannotated. Of entities with the
        same key (see `RelationTask.locate`), the gold one comes last, where `related_pairs` finds
        it.
    """
    if not has_relations(example.reference):
        return []
    gold = get_gold_entities(example.reference, task.spans_key)
    aligned = example.get_aligned_spans_y2x(gold, allow_overlap=task.spans_key is not None)
    known = {(span.start, span.end, span.label) for span in aligned}
    predicted = get_entities(example.predicted, task.spans_key)
    wrong = [span for span in predicted if (span.start, span.end, span.label) not in known]
    return sorted([*wrong, *aligned], key=task.locate)


def related_pairs(
    task: RelationTask, example: Example, entities: Sequence[Span]
) -> dict[Pair, list[Relation]]:
    """Return the gold relations of each pair of entities of the predicted doc. Of several entities
    with the same key (see `RelationTask.locate`), the last one counts.

    task (RelationTask): The task.
    example (Example): The example.
    entities (Sequence[Span]): Entities of the predicted doc, in text order.
    RETURNS (dict[tuple[int, int], list[Relation]]): The gold relations of each pair that has any.
    """
    locate = partial(_align, task, example.alignment)
    index = {task.locate(entity): i for i, entity in enumerate(entities)}
    related: dict[Pair, list[Relation]] = {}
    for relation in gold_relations(task, example.reference):
        if pair := _find_pair(relation, locate, index):
            related.setdefault(pair, []).append(relation)
    return related


def gold_classes(
    task: RelationTask,
    example: Example,
    doc_pairs: DocPairs,
    *,
    report_unknown: Callable[[str, str], None],
) -> IntArray:
    """Return the gold classes of pairs of entities of the predicted doc. If a pair can have only
    one relation, the first one counts.

    task (RelationTask): The task.
    example (Example): The example.
    doc_pairs (DocPairs): Pairs of the predicted doc.
    report_unknown (Callable[[str, str], None]): Callback for each relation that has no class or is
        not possible; it gets the relation and the remedy. Such relations are omitted.
    RETURNS (IntArray): Row and class of each relation. *Shape:* (relations, 2).
    """
    related = related_pairs(task, example, doc_pairs.entities)
    gold = {pair: _known_classes(task, related[pair], report_unknown) for pair in related}
    rows = find_pairs(doc_pairs.pairs, related, count=len(doc_pairs.entities))
    most = 1 if task.exclusive else None
    listed = [(row, number) for pair, row in rows.items() for number in gold[pair][:most]]
    return numpy.array(listed, dtype="int64").reshape(-1, 2)


def count_relations(
    task: RelationTask, examples: Iterable[Example]
) -> tuple[Counter[RelationClass], Counter[str]]:
    """Count the gold relations by class, and the ones that can't be learned by reason.

    task (RelationTask): The task.
    examples (Iterable[Example]): The examples.
    RETURNS (tuple[Counter[tuple[str, str]], Counter[str]]): Both counts.
    """
    classes: Counter[RelationClass] = Counter()
    lost: Counter[str] = Counter()
    for example in examples:
        relations = gold_relations(task, example.reference)
        classes.update(map(relation_class, relations))
        lost.update(_count_lost(task, example, relations))
    return classes, lost


def count_mistyped(task: RelationTask, examples: Iterable[Example]) -> int:
    """Count the gold relations whose spans differ in type from the entities at the same place.

    They are learned, since entities are matched by place. But scores count them as missed, and a
    schema uses the types of their spans. In a span group, entities are matched by type too, so
    there are no such relations.

    task (RelationTask): The task.
    examples (Iterable[Example]): The examples.
    RETURNS (int): The number of these relations.
    """
    if task.spans_key is not None:
        return 0
    count = 0
    for doc in (example.reference for example in examples):
        types = {(entity.start, entity.end): entity.label for entity in doc.ents}
        for relation in get_relations(doc):
            ends = relation.head, relation.tail
            count += any(types.get((end.start, end.end), end.label) != end.label for end in ends)
    return count


def _known_classes(
    task: RelationTask, relations: list[Relation], report_unknown: Callable[[str, str], None]
) -> list[int]:
    index, known = task.class_index, []
    for relation in relations:
        name = relation_class(relation)
        if name not in index:
            order = "the head" if name[1] == ">" else "the tail"
            remedy = "Run `spacy init labels` on all of the training data."
            report_unknown(f"'{relation.label}' with {order} first", remedy)
        elif task.schema is not None and not allows_relation(task.schema, relation, index[name]):
            types = f"from {relation.head.label_} to {relation.tail.label_}"
            remedy = "Initialize with all of the training data, or set schema = null."
            report_unknown(f"'{relation.label}' {types}", remedy)
        else:
            known.append(index[name])
    return list(dict.fromkeys(known))


def _count_lost(
    task: RelationTask, example: Example, relations: Sequence[Relation]
) -> Counter[str]:
    """Count the relations that can't be learned, by the first reason that applies."""
    doc = example.reference
    entities = get_gold_entities(doc, task.spans_key)
    index = {task.locate(entity): i for i, entity in enumerate(entities)}
    find_pair = partial(_find_pair, locate=task.locate, index=index)
    wanted = {pair for pair in map(find_pair, relations) if pair}
    # Candidates may need annotation that a doc without relations lacks, such as sentences.
    pairs = task.candidates(doc, entities) if wanted else all_pairs(doc, [])
    proposed = find_pairs(pairs, wanted, count=len(entities))
    taken: set[Pair] = set()

    def find_reason(relation: Relation) -> str | None:
        ends, pair = (relation.head, relation.tail), find_pair(relation)
        if not all(_align(task, example.alignment, end) for end in ends):
            return MISALIGNED
        if task.locate(relation.head) == task.locate(relation.tail):
            return REFLEXIVE
        if pair is None:
            return OF_OTHER_SPANS
        if pair not in proposed:
            return NOT_PROPOSED
        if task.exclusive and pair in taken:
            return SHARED
        taken.add(pair)
        return None

    return Counter(reason for reason in map(find_reason, relations) if reason)


def _find_pair(
    relation: Relation,
    locate: Callable[[Span], EntityKey | None],
    index: dict[EntityKey, int],
) -> Pair | None:
    """RETURNS (tuple[int, int] | None): The indices of the two entities of a relation, in text
    order; None unless both are among the entities, and differ.
    """
    keys = locate(relation.head), locate(relation.tail)
    found = sorted({index[key] for key in keys if key in index})
    return (found[0], found[1]) if len(found) == 2 else None


def _align(task: RelationTask, alignment: Alignment, span: Span) -> EntityKey | None:
    """RETURNS (EntityKey | None): The key in the predicted doc of a span of the reference; None if
    the span does not align with the tokens of the predicted doc.
    """
    place = align_span(alignment, span)
    return None if place is None else (*place, task.locate(span)[2])
