"""Scorers of entities, their attributes, and relations."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from spacy.scorer import PRFScore, Scorer, get_ner_prf
from spacy.tokens import Span
from spacy.training import Example

from .doc.attributes import get_attributes
from .doc.entities import get_entities, get_gold_entities, has_gold_entities
from .doc.relation import (
    Place,
    RelationKey,
    get_relations,
    has_relations,
    place_of,
    relation_key,
)


def score_entities(
    examples: Iterable[Example], *, spans_key: str | None = None, **kwargs: Any
) -> dict[str, Any]:
    """Score entities strictly: a predicted entity is correct if its boundaries and its type match a
    gold entity.

    examples (Iterable[Example]): The predicted and gold docs.
    spans_key (str | None): The span group of entities that may overlap, if any. Gold docs without
        it have their entities in `doc.ents`.
    **kwargs (Any): Other settings of the component, which are ignored.
    RETURNS (dict[str, Any]): `ents_p`, `ents_r`, `ents_f` and `ents_per_type` of `doc.ents`; with a
        span group such as "sc" also `spans_sc_p`, `spans_sc_r`, `spans_sc_f` and
        `spans_sc_per_type`. None where no doc has gold entities.
    """
    examples = list(examples)
    scores = get_ner_prf(examples)
    if spans_key is not None:
        scores.update(
            Scorer.score_spans(
                examples,
                f"spans_{spans_key}",
                getter=lambda doc, attr: get_gold_entities(doc, spans_key),
                has_annotation=lambda doc: has_gold_entities(doc, spans_key),
                allow_overlap=True,
            )
        )
    return scores


def make_entity_scorer() -> Callable[..., dict[str, Any]]:
    """Create the scorer of entities, for configs.

    RETURNS (Callable): The function `score_entities`.
    """
    return score_entities


def score_relations(
    examples: Iterable[Example], *, symmetric: Sequence[str] = (), **kwargs: Any
) -> dict[str, Any]:
    """Score relations strictly: a predicted relation is correct if its label, its direction, and
    the boundaries and types of both entities match a gold relation. All gold relations count,
    including those whose entities are no candidate pair. Docs with unannotated relations are left
    out.

    Source: Xue et al. 2019, arXiv 1908.07721, section IV-B.

    examples (Iterable[Example]): The predicted and gold docs.
    symmetric (Sequence[str]): The labels without direction, whose head and tail are
        interchangeable.
    **kwargs (Any): Other settings of the component, which are ignored.
    RETURNS (dict[str, Any]): Micro `rels_p`, `rels_r`, `rels_f` and `rels_per_type`; None if no
        doc has annotated relations.
    """
    per_type: dict[str, PRFScore] = defaultdict(PRFScore)
    annotated = [example for example in examples if has_relations(example.reference)]
    for example in annotated:
        gold = {relation_key(each, symmetric) for each in get_relations(example.reference)}
        predicted = {relation_key(each, symmetric) for each in get_relations(example.predicted)}
        for label in {key[2] for key in gold | predicted}:
            per_type[label].score_set(_of_label(predicted, label), _of_label(gold, label))
    if not annotated:
        return {"rels_p": None, "rels_r": None, "rels_f": None, "rels_per_type": None}
    return _summarize("rels", per_type)


def make_relation_scorer() -> Callable[..., dict[str, Any]]:
    """Create the scorer, for configs.

    RETURNS (Callable): The function `score_relations`.
    """
    return score_relations


def score_attributes(
    examples: Iterable[Example],
    *,
    spans_key: str | None = None,
    defaults: Mapping[str, str] | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """Score the attributes of entities, except for default values. A predicted attribute is correct
    if its value, and the boundaries and the type of its entity, match a gold entity. Entities
    with unannotated attributes, and wrong entities, are left out.

    examples (Iterable[Example]): The predicted and gold docs.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    defaults (Mapping[str, str] | None): The default values by name.
    **kwargs (Any): Other settings of the component, which are ignored.
    RETURNS (dict[str, Any]): Micro `attrs_p`, `attrs_r`, `attrs_f`, and `attrs_per_type` by name
        and value; None if no entity has annotated attributes.
    """
    per_type: dict[str, PRFScore] = defaultdict(PRFScore)
    default, is_annotated = (defaults or {}).items(), False
    for example in examples:
        gold = _attributes_by_place(get_gold_entities(example.reference, spans_key))
        predicted = _attributes_by_place(get_entities(example.predicted, spans_key))
        for place, values in gold.items():
            is_annotated = True
            both = predicted.get(place, {}), values
            found, wanted = ({*each.items()}.difference(default) for each in both)
            for pair in sorted(found | wanted):
                per_type["=".join(pair)].score_set({pair} & found, {pair} & wanted)
    if not is_annotated:
        return {"attrs_p": None, "attrs_r": None, "attrs_f": None, "attrs_per_type": None}
    return _summarize("attrs", per_type)


def make_attribute_scorer() -> Callable[..., dict[str, Any]]:
    """Create the scorer of attributes, for configs.

    RETURNS (Callable): The function `score_attributes`.
    """
    return score_attributes


def _attributes_by_place(entities: Iterable[Span]) -> dict[Place, dict[str, str]]:
    """RETURNS (dict[tuple[int, int, str], dict[str, str]]): The attributes of the entities that
    have annotated ones.
    """
    found = {place_of(entity): get_attributes(entity) for entity in entities}
    return {place: values for place, values in found.items() if values is not None}


def _summarize(name: str, per_type: Mapping[str, PRFScore]) -> dict[str, Any]:
    total = sum(per_type.values(), PRFScore())
    return {
        f"{name}_p": total.precision,
        f"{name}_r": total.recall,
        f"{name}_f": total.fscore,
        f"{name}_per_type": {label: prf.to_dict() for label, prf in sorted(per_type.items())},
    }


def _of_label(keys: set[RelationKey], label: str) -> set[RelationKey]:
    return {key for key in keys if key[2] == label}
