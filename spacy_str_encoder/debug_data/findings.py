"""Findings: annotation that can't be learned or looks wrong."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, chain, compress
from operator import not_
from typing import Literal, NamedTuple

from spacy.tokens import Doc, Span

from ..doc.entities import has_entities
from ..doc.relation import Relation, has_relations
from ..pairs.candidates import find_pairs
from .aligned import AlignedDoc
from .reach import find_held, find_held_pairs
from .settings import PipelineSettings

# Maximum number of examples of a finding, and of characters in the text of each.
EXAMPLES = 3
LONGEST = 24


@dataclass
class Finding:
    """Number of cases, and the first few as examples."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, case: str) -> None:
        """Count a case.

        case (str): Place and description of the case.
        """
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(case)


Case = Doc | Span | Relation
# Finds cases in a doc.
Find = Callable[[AlignedDoc, PipelineSettings], Iterable[Case]]


class Check(NamedTuple):
    """Kind of finding.

    name (str): Name of the finding in the report.
    find (Callable[[AlignedDoc, PipelineSettings], Iterable[Case]]): Function that finds the cases
        in a doc.
    of (str): Count of `SplitStatistics` that the cases are part of.
    advice (str | None): Advice, with the field `cases`; None if no action is needed.
    """

    name: str
    find: Find
    of: Literal["docs", "entities", "relations"]
    advice: str | None = None

    @property
    def words(self) -> str:
        """RETURNS (str): The name, with spaces between words."""
        return self.name.replace("_", " ")


def add_findings(
    findings: dict[str, Finding], aligned: AlignedDoc, settings: PipelineSettings
) -> None:
    """Check a doc.

    findings (dict[str, Finding]): Findings so far by name, updated in place.
    aligned (AlignedDoc): The doc.
    settings (PipelineSettings): Settings of the pipeline.
    """
    for check in CHECKS:
        for case in check.find(aligned, settings):
            findings[check.name].add(f"doc {aligned.number}: {describe(case)}")


def describe(case: Case) -> str:
    """Describe a case.

    case (Doc | Span | Relation): The case.
    RETURNS (str): The shortened text of the case, and its labels.
    """
    if isinstance(case, Relation):
        return f"{_shorten(case.head.text)} {case.label} {_shorten(case.tail.text)}"
    if isinstance(case, Span):
        return f"{_shorten(case.text)} ({case.label_}, {case.start_char}-{case.end_char})"
    return _shorten(case.text)


def _find_empty_docs(aligned: AlignedDoc, settings: PipelineSettings) -> Iterator[Doc]:
    """Yield the doc if it is empty or only white space."""
    if not aligned.gold.text.strip():
        yield aligned.gold


def _find_docs_with_unannotated_entities(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Doc]:
    """Yield the doc if its entities are unannotated."""
    if not has_entities(aligned.gold, settings.task.spans_key):
        yield aligned.gold


def _find_docs_with_unannotated_relations(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Doc]:
    """Yield the doc if its relations are unannotated."""
    if not has_relations(aligned.gold):
        yield aligned.gold


def _find_docs_without_entities(aligned: AlignedDoc, settings: PipelineSettings) -> Iterator[Doc]:
    """Yield the doc if it is annotated with no entities."""
    if has_entities(aligned.gold, settings.task.spans_key) and not aligned.gold_entities:
        yield aligned.gold


def _find_docs_without_relations(aligned: AlignedDoc, settings: PipelineSettings) -> Iterator[Doc]:
    """Yield the doc if it is annotated with no relations."""
    if has_relations(aligned.gold) and not aligned.gold_relations:
        yield aligned.gold


def _find_misaligned_entities(aligned: AlignedDoc, settings: PipelineSettings) -> list[Span]:
    """Return the entities that begin or end inside a token of the pipeline."""
    return aligned.misaligned


def _find_entities_of_other_tokens(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Span]:
    """Yield the entities that the pipeline splits into other tokens than the gold doc."""
    tokens = {
        (span.start_char, span.end_char): [token.idx for token in span] for span in aligned.entities
    }
    for span in aligned.gold_entities:
        own = [token.idx for token in span]
        if tokens.get((span.start_char, span.end_char), own) != own:
            yield span


def _find_entities_across_windows(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Span]:
    """Yield the entities that do not fit into a window of the encoder."""
    if aligned.windows is not None:
        held = find_held(aligned.entities, aligned.windows)
        yield from compress(aligned.entities, map(not_, held))


def _find_overlapping_entities(aligned: AlignedDoc, settings: PipelineSettings) -> Iterator[Span]:
    """Yield the entities that share tokens with another entity."""
    entities = aligned.gold_entities
    # In text order, only the next entity and the farthest end so far need to be compared.
    reached = accumulate((span.end for span in entities), max, initial=0)
    following = [*(span.start for span in entities[1:]), len(aligned.gold)]
    for span, before, after in zip(entities, reached, following, strict=False):
        if span.start < before or after < span.end:
            yield span


def _find_entities_with_outer_space(aligned: AlignedDoc, settings: PipelineSettings) -> list[Span]:
    """Return the entities that begin or end with white space."""
    return [span for span in aligned.gold_entities if span.text != span.text.strip()]


def _find_entities_of_punctuation(aligned: AlignedDoc, settings: PipelineSettings) -> list[Span]:
    """Return the entities that are only punctuation."""
    return [span for span in aligned.gold_entities if all(token.is_punct for token in span)]


def _find_relations_of_an_entity_with_itself(
    aligned: AlignedDoc, settings: PipelineSettings
) -> list[Relation]:
    """Return the relations that connect an entity with itself."""
    key = settings.task.locate
    return [each for each in aligned.gold_relations if key(each.head) == key(each.tail)]


def _find_relations_of_other_spans(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Relation]:
    """Yield the relations of spans that are not among the entities."""
    key = settings.task.locate
    entities = {*map(key, aligned.gold_entities)}
    for relation in aligned.gold_relations:
        head, tail = key(relation.head), key(relation.tail)
        if head != tail and not {head, tail} <= entities:
            yield relation


def _find_misaligned_relations(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Relation]:
    """Yield the relations of entities that do not align with tokens of the pipeline."""
    key = settings.task.locate
    misaligned = {*map(key, aligned.misaligned)}
    for relation in aligned.gold_relations:
        head, tail = key(relation.head), key(relation.tail)
        if head != tail and not misaligned.isdisjoint({head, tail}):
            yield relation


def _find_relations_across_windows(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Relation]:
    """Yield the relations whose entities share no window of the encoder."""
    if aligned.windows is not None:
        held = find_held_pairs(aligned.entities, list(aligned.related), aligned.windows)
        yield from chain.from_iterable(compress(aligned.related.values(), map(not_, held)))


def _find_relations_not_proposed(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Relation]:
    """Yield the relations whose pair is not a candidate pair."""
    proposed = find_pairs(aligned.pairs, aligned.related, count=len(aligned.entities))
    for pair, relations in aligned.related.items():
        yield from relations if pair not in proposed else []


def _find_further_relations_of_pairs(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Relation]:
    """Yield all relations of each pair except its first."""
    return chain.from_iterable(relations[1:] for relations in aligned.related.values())


def _shorten(text: str) -> str:
    return repr(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")


# All findings, docs first.
CHECKS: tuple[Check, ...] = (
    Check("empty_docs", _find_empty_docs, of="docs"),
    Check(
        "docs_with_unannotated_entities",
        _find_docs_with_unannotated_entities,
        of="docs",
        advice="str_ner does not learn from docs with unannotated entities: {cases}. For docs "
        "without entities, set doc.set_ents([]).",
    ),
    Check(
        "docs_with_unannotated_relations",
        _find_docs_with_unannotated_relations,
        of="docs",
        advice="str_rel does not learn from docs with unannotated relations, and they are not "
        "scored: {cases}. For docs without relations, set doc._.relations = [].",
    ),
    Check("docs_without_entities", _find_docs_without_entities, of="docs"),
    Check("docs_without_relations", _find_docs_without_relations, of="docs"),
    Check(
        "misaligned_entities",
        _find_misaligned_entities,
        of="entities",
        advice="Entities that begin or end inside a token can't be predicted, nor can their "
        "relations: {cases}. Use a tokenizer that splits there, or fix the annotation.",
    ),
    Check(
        "entities_of_other_tokens",
        _find_entities_of_other_tokens,
        of="entities",
        advice="The pipeline splits entities into other tokens than the data, which makes their "
        "borders harder to learn: {cases}. If spaces separate the words of your data, set "
        '@tokenizers = "spacy.vi.VietnameseTokenizer" and use_pyvi = false under '
        "[nlp.tokenizer]. It splits only at spaces, in any language.",
    ),
    Check(
        "entities_across_windows",
        _find_entities_across_windows,
        of="entities",
        advice="Entities that do not fit into a window of the encoder get no relations: {cases}. "
        "Use wider windows (get_spans), or a smaller stride.",
    ),
    Check(
        "overlapping_entities",
        _find_overlapping_entities,
        of="entities",
        advice="str_ner can't predict overlapping entities: {cases}. Before str_rel, add a "
        "component that can, such as spancat, and set spans_key of str_rel to its span group.",
    ),
    Check(
        "entities_with_outer_space",
        _find_entities_with_outer_space,
        of="entities",
        advice="str_ner never predicts entities that begin or end with white space: {cases}. "
        "Remove the white space from the annotation.",
    ),
    Check(
        "entities_of_punctuation",
        _find_entities_of_punctuation,
        of="entities",
        advice="Entities that are only punctuation are often mistakes: {cases}. Check them.",
    ),
    Check("misaligned_relations", _find_misaligned_relations, of="relations"),
    Check(
        "relations_across_windows",
        _find_relations_across_windows,
        of="relations",
        advice="Relations whose entities share no window of the encoder are neither learned nor "
        "predicted: {cases}. Use wider windows (get_spans), or a smaller stride.",
    ),
    Check(
        "relations_not_proposed",
        _find_relations_not_proposed,
        of="relations",
        advice="Relations outside the candidate pairs of str_rel are neither learned nor "
        "predicted: {cases}. Unless these are few, allow more candidate pairs.",
    ),
    Check("further_relations_of_pairs", _find_further_relations_of_pairs, of="relations"),
    Check(
        "relations_of_an_entity_with_itself",
        _find_relations_of_an_entity_with_itself,
        of="relations",
        advice="Relations that connect an entity with itself are neither learned nor predicted: "
        "{cases}. Check if the tail should be another entity.",
    ),
    Check(
        "relations_of_other_spans",
        _find_relations_of_other_spans,
        of="relations",
        advice="Relations of spans that are not among the entities are neither learned nor "
        "predicted: {cases}. Annotate these spans as entities too.",
    ),
)
