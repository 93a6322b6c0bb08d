"""Findings: annotation that can't be learned or looks wrong."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, compress
from operator import not_
from typing import Literal, NamedTuple

from spacy.tokens import Doc, Span

from ..doc.entities import find_gold_key, has_gold_entities
from ..doc.flat import find_unlearned
from ..doc.relation import Relation, has_relations, place_of
from ..pairs.candidates import find_pairs
from .aligned import AlignedDoc
from .overlaps import Kind, Overlap, place_in_doc
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
    of: Literal["docs", "annotated", "entities", "relations"]
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


def add_breaking(
    breaking: dict[str, Finding], aligned: AlignedDoc, settings: PipelineSettings
) -> None:
    """Count the relations of a doc that break constraints of the pipeline: of each group, those
    beyond its limit. They are learned all the same.

    breaking (dict[str, Finding]): Findings so far by name of the constraint, updated in place.
    aligned (AlignedDoc): The doc.
    settings (PipelineSettings): Settings of the pipeline.
    """
    constraints = settings.task.constraints if aligned.gold_relations else {}
    for name, constraint in constraints.items():
        for group, limit in constraint(aligned.gold_relations):
            for i in sorted(group)[limit:]:
                case = describe(aligned.gold_relations[i])
                breaking[name].add(f"doc {aligned.number}: {case}")


def describe(case: Case) -> str:
    """Describe a case.

    case (Doc | Span | Relation): The case.
    RETURNS (str): The shortened text of the case, and its labels.
    """
    if isinstance(case, Relation):
        return f"{shorten(case.head.text)} {case.label} {shorten(case.tail.text)}"
    if isinstance(case, Span):
        return f"{shorten(case.text)} ({case.label_}, {case.start_char}-{case.end_char})"
    return shorten(case.text)


def _find_empty_docs(aligned: AlignedDoc, settings: PipelineSettings) -> Iterator[Doc]:
    """Yield the doc if it is empty or only white space."""
    if not aligned.gold.text.strip():
        yield aligned.gold


def _find_docs_with_unannotated_entities(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Doc]:
    """Yield the doc if its entities are unannotated."""
    if not has_gold_entities(aligned.gold, settings.task.spans_key):
        yield aligned.gold


def _find_docs_without_the_span_group(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Doc]:
    """Yield the doc if its entities are in `doc.ents`, and not in the span group."""
    key = settings.task.spans_key
    if key is not None and find_gold_key(aligned.gold, key) is None and aligned.gold.ents:
        yield aligned.gold


def _find_docs_with_unannotated_relations(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Doc]:
    """Yield the doc if its relations are unannotated."""
    if not has_relations(aligned.gold):
        yield aligned.gold


def _find_docs_without_entities(aligned: AlignedDoc, settings: PipelineSettings) -> Iterator[Doc]:
    """Yield the doc if it is annotated with no entities."""
    if has_gold_entities(aligned.gold, settings.task.spans_key) and not aligned.gold_entities:
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


def _find_overlapping_entities(aligned: AlignedDoc, settings: PipelineSettings) -> list[Span]:
    """Return the entities that share tokens with another entity."""
    return _list_both(aligned.overlaps)


def _find_entities_inside_another(aligned: AlignedDoc, settings: PipelineSettings) -> list[Span]:
    """Return the entities whose tokens are some of those of another entity."""
    return _in_order(each.second for each in aligned.overlaps if each.kind is Kind.NESTED)


def _find_entities_around_another(aligned: AlignedDoc, settings: PipelineSettings) -> list[Span]:
    """Return the entities that have all tokens of another entity, and more."""
    return _in_order(each.first for each in aligned.overlaps if each.kind is Kind.NESTED)


def _find_entities_that_cross_another(
    aligned: AlignedDoc, settings: PipelineSettings
) -> list[Span]:
    """Return the entities that share some tokens with another entity, where each has others."""
    return _list_both(each for each in aligned.overlaps if each.kind is Kind.CROSSING)


def _find_entities_at_the_place_of_another(
    aligned: AlignedDoc, settings: PipelineSettings
) -> list[Span]:
    """Return the entities with the tokens of another entity."""
    return _list_both(each for each in aligned.overlaps if each.kind is Kind.SAME_PLACE)


def _find_overlapping_entities_of_the_same_label(
    aligned: AlignedDoc, settings: PipelineSettings
) -> list[Span]:
    """Return the entities that overlap another entity of their label."""
    return _list_both(each for each in aligned.overlaps if each.first.label == each.second.label)


def _find_overlapping_entities_not_learned(
    aligned: AlignedDoc, settings: PipelineSettings
) -> list[Span]:
    """Return the entities that the tag sequences of a pipeline with a span group can't hold."""
    return [] if settings.task.spans_key is None else find_unlearned(aligned.gold_entities)


def _find_entities_only_in_the_span_group(
    aligned: AlignedDoc, settings: PipelineSettings
) -> list[Span]:
    """Return the entities that only a pipeline with a span group can learn."""
    return [span for span in aligned.annotated if place_of(span) in aligned.lacking]


def _list_both(overlaps: Iterable[Overlap]) -> list[Span]:
    return _in_order(chain.from_iterable(overlaps))


def _in_order(spans: Iterable[Span]) -> list[Span]:
    """RETURNS (list[Span]): Each span once, in text order."""
    return sorted(dict.fromkeys(spans), key=lambda span: (span.start, span.end, span.label_))


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
    relations = [each for each in aligned.gold_relations if key(each.head) == key(each.tail)]
    return [each for each in relations if not _connects_lacking(each, aligned)]


def _find_relations_of_other_spans(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Relation]:
    """Yield the relations of spans that are not among the entities."""
    key = settings.task.locate
    annotated = {*map(key, aligned.annotated)}
    for relation in aligned.gold_relations:
        head, tail = key(relation.head), key(relation.tail)
        if head != tail and not {head, tail} <= annotated:
            yield relation


def _find_relations_of_entities_only_in_the_span_group(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Relation]:
    """Yield the relations of entities that only a pipeline with a span group can learn."""
    key = settings.task.locate
    annotated = {*map(key, aligned.annotated)}
    for relation in aligned.gold_relations:
        ends = {key(relation.head), key(relation.tail)}
        if ends <= annotated and _connects_lacking(relation, aligned):
            yield relation


def _connects_lacking(relation: Relation, aligned: AlignedDoc) -> bool:
    ends = {place_of(relation.head), place_of(relation.tail)}
    return len(ends) > 1 and not aligned.lacking.isdisjoint(ends)


def _find_relations_of_overlapping_entities(
    aligned: AlignedDoc, settings: PipelineSettings
) -> Iterator[Relation]:
    """Yield the relations whose head or tail overlaps another entity."""
    overlapping = set(map(place_in_doc, chain.from_iterable(aligned.overlaps)))
    for relation in aligned.gold_relations:
        if not overlapping.isdisjoint({place_in_doc(relation.head), place_in_doc(relation.tail)}):
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


def shorten(text: str) -> str:
    """Shorten and quote a text.

    text (str): The text.
    RETURNS (str): The quoted text.
    """
    return repr(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")


# All findings, docs first.
CHECKS: tuple[Check, ...] = (
    Check("empty_docs", _find_empty_docs, of="docs"),
    Check(
        "docs_with_unannotated_entities",
        _find_docs_with_unannotated_entities,
        of="docs",
        advice="str_ner does not learn from docs with unannotated entities: {cases}. For docs "
        "without entities, set doc.set_ents([]), or the span group to [] if spans_key is set.",
    ),
    Check(
        "docs_without_the_span_group",
        _find_docs_without_the_span_group,
        of="docs",
        advice="Docs without the span group have their entities in doc.ents, where none overlap: "
        "{cases}. str_ner learns this too. If entities overlap in their annotations, convert these "
        "with --spans-key.",
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
    Check("overlapping_entities", _find_overlapping_entities, of="annotated"),
    Check("entities_inside_another", _find_entities_inside_another, of="annotated"),
    Check("entities_around_another", _find_entities_around_another, of="annotated"),
    Check("entities_that_cross_another", _find_entities_that_cross_another, of="annotated"),
    Check(
        "entities_at_the_place_of_another", _find_entities_at_the_place_of_another, of="annotated"
    ),
    Check(
        "overlapping_entities_of_the_same_label",
        _find_overlapping_entities_of_the_same_label,
        of="annotated",
    ),
    Check(
        "overlapping_entities_not_learned",
        _find_overlapping_entities_not_learned,
        of="entities",
        advice="str_ner has one tag sequence for each label. Of overlapping entities of the same "
        "label, it learns and predicts only the one that starts first, or is longer. It can't find "
        "the others: {cases}. If they matter, give them a label of their own.",
    ),
    Check(
        "entities_only_in_the_span_group",
        _find_entities_only_in_the_span_group,
        of="annotated",
        advice="Entities that doc.ents lacks, since they overlap or are only in "
        'doc.spans["sc"], are neither learned nor predicted, nor are their relations: {cases}. To '
        "learn them too, train with --components.str_ner.spans_key sc.",
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
    Check(
        "relations_of_overlapping_entities",
        _find_relations_of_overlapping_entities,
        of="relations",
    ),
    Check(
        "relations_of_entities_only_in_the_span_group",
        _find_relations_of_entities_only_in_the_span_group,
        of="relations",
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
