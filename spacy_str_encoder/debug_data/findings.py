"""What should be looked at: annotation that can't be learned, or is odd."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, chain, compress
from operator import not_

from spacy.tokens import Doc, Span

from ..doc.entities import has_entities
from ..doc.relation import Relation, has_relations
from ..pairs.candidates import find_pairs
from ..pairs.gold import entity_key
from .aligned import AlignedDoc
from .settings import Settings
from .windows import find_held, find_held_pairs

# How many cases are kept, and how much of their texts.
EXAMPLES = 3
LONGEST = 24


@dataclass
class Finding:
    """How often something was found, and the first cases."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, case: str) -> None:
        """Count a case.

        case (str): Where it is, and what.
        """
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(case)


Case = Doc | Span | Relation
# Finds cases in a doc.
Find = Callable[[AlignedDoc, Settings], Iterable[Case]]


def add_findings(findings: dict[str, Finding], aligned: AlignedDoc, settings: Settings) -> None:
    """Look at a doc.

    findings (dict[str, Finding]): What was found so far, by name; added to.
    aligned (AlignedDoc): The doc.
    settings (Settings): The settings of the pipeline.
    """
    for name, find in FINDERS.items():
        for case in find(aligned, settings):
            findings[name].add(f"doc {aligned.number}: {describe(case)}")


def describe(case: Case) -> str:
    """Say what a case is.

    case (Doc | Span | Relation): The case.
    RETURNS (str): Its text, shortened, and labels.
    """
    if isinstance(case, Relation):
        return f"{_shorten(case.head.text)} {case.label} {_shorten(case.tail.text)}"
    if isinstance(case, Span):
        return f"{_shorten(case.text)} ({case.label_}, {case.start_char}-{case.end_char})"
    return _shorten(case.text)


def _find_empty_docs(aligned: AlignedDoc, settings: Settings) -> Iterator[Doc]:
    """The doc, if its text is but white space."""
    if not aligned.gold.text.strip():
        yield aligned.gold


def _find_docs_with_unannotated_entities(aligned: AlignedDoc, settings: Settings) -> Iterator[Doc]:
    """The doc, if nobody annotated its entities."""
    if not has_entities(aligned.gold, settings.spans_key):
        yield aligned.gold


def _find_docs_with_unannotated_relations(aligned: AlignedDoc, settings: Settings) -> Iterator[Doc]:
    """The doc, if nobody annotated its relations."""
    if not has_relations(aligned.gold):
        yield aligned.gold


def _find_docs_without_entities(aligned: AlignedDoc, settings: Settings) -> Iterator[Doc]:
    """The doc, if it was annotated as having no entity."""
    if has_entities(aligned.gold, settings.spans_key) and not aligned.gold_entities:
        yield aligned.gold


def _find_docs_without_relations(aligned: AlignedDoc, settings: Settings) -> Iterator[Doc]:
    """The doc, if it was annotated as having no relation."""
    if has_relations(aligned.gold) and not aligned.gold_relations:
        yield aligned.gold


def _find_misaligned_entities(aligned: AlignedDoc, settings: Settings) -> list[Span]:
    """The entities that begin or end inside of a token of the pipeline."""
    return aligned.misaligned


def _find_entities_of_other_tokens(aligned: AlignedDoc, settings: Settings) -> Iterator[Span]:
    """The entities that the pipeline cuts into other tokens than the gold doc."""
    tokens = {
        (span.start_char, span.end_char): [token.idx for token in span] for span in aligned.entities
    }
    for span in aligned.gold_entities:
        own = [token.idx for token in span]
        if tokens.get((span.start_char, span.end_char), own) != own:
            yield span


def _find_entities_across_windows(aligned: AlignedDoc, settings: Settings) -> Iterator[Span]:
    """The entities that no window of the encoder holds whole."""
    if aligned.windows is not None:
        held = find_held(aligned.entities, aligned.windows)
        yield from compress(aligned.entities, map(not_, held))


def _find_overlapping_entities(aligned: AlignedDoc, settings: Settings) -> Iterator[Span]:
    """The entities that share tokens with another one."""
    entities = aligned.gold_entities
    # In text order, the one before that reaches farthest, and the next one, tell of all others.
    reached = accumulate((span.end for span in entities), max, initial=0)
    following = [*(span.start for span in entities[1:]), len(aligned.gold)]
    for span, before, after in zip(entities, reached, following, strict=False):
        if span.start < before or after < span.end:
            yield span


def _find_entities_with_outer_space(aligned: AlignedDoc, settings: Settings) -> list[Span]:
    """The entities that begin or end with white space."""
    return [span for span in aligned.gold_entities if span.text != span.text.strip()]


def _find_entities_of_punctuation(aligned: AlignedDoc, settings: Settings) -> list[Span]:
    """The entities that are but punctuation."""
    return [span for span in aligned.gold_entities if all(token.is_punct for token in span)]


def _find_relations_of_an_entity_with_itself(
    aligned: AlignedDoc, settings: Settings
) -> list[Relation]:
    """The relations that connect an entity with itself."""
    key = partial(entity_key, spans_key=settings.spans_key)
    return [each for each in aligned.gold_relations if key(each.head) == key(each.tail)]


def _find_relations_of_other_spans(aligned: AlignedDoc, settings: Settings) -> Iterator[Relation]:
    """The relations of spans that are not among the entities."""
    key = partial(entity_key, spans_key=settings.spans_key)
    entities = {*map(key, aligned.gold_entities)}
    for relation in aligned.gold_relations:
        head, tail = key(relation.head), key(relation.tail)
        if head != tail and not {head, tail} <= entities:
            yield relation


def _find_misaligned_relations(aligned: AlignedDoc, settings: Settings) -> Iterator[Relation]:
    """The relations of entities that do not align with tokens."""
    key = partial(entity_key, spans_key=settings.spans_key)
    misaligned = {*map(key, aligned.misaligned)}
    for relation in aligned.gold_relations:
        head, tail = key(relation.head), key(relation.tail)
        if head != tail and not misaligned.isdisjoint({head, tail}):
            yield relation


def _find_relations_across_windows(aligned: AlignedDoc, settings: Settings) -> Iterator[Relation]:
    """The relations whose two entities are in no common window."""
    if aligned.windows is not None:
        held = find_held_pairs(aligned.entities, list(aligned.related), aligned.windows)
        yield from chain.from_iterable(compress(aligned.related.values(), map(not_, held)))


def _find_relations_not_proposed(aligned: AlignedDoc, settings: Settings) -> Iterator[Relation]:
    """The relations whose pair is not among the candidates."""
    proposed = find_pairs(aligned.pairs, aligned.related, count=len(aligned.entities))
    for pair, relations in aligned.related.items():
        yield from relations if pair not in proposed else []


def _find_further_relations_of_pairs(aligned: AlignedDoc, settings: Settings) -> Iterator[Relation]:
    """The relations of a pair but its first."""
    return chain.from_iterable(relations[1:] for relations in aligned.related.values())


def _shorten(text: str) -> str:
    return repr(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")


FINDERS: dict[str, Find] = {
    find.__name__.removeprefix("_find_"): find
    for find in (
        _find_empty_docs,
        _find_docs_with_unannotated_entities,
        _find_docs_with_unannotated_relations,
        _find_docs_without_entities,
        _find_docs_without_relations,
        _find_misaligned_entities,
        _find_entities_of_other_tokens,
        _find_entities_across_windows,
        _find_overlapping_entities,
        _find_entities_with_outer_space,
        _find_entities_of_punctuation,
        _find_misaligned_relations,
        _find_relations_across_windows,
        _find_relations_not_proposed,
        _find_further_relations_of_pairs,
        _find_relations_of_an_entity_with_itself,
        _find_relations_of_other_spans,
    )
}
