"""Gold docs, aligned with the tokens and windows of a pipeline."""

from dataclasses import dataclass
from functools import cached_property

import numpy
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..arrays import IntArray
from ..doc.entities import SPANS_KEY, get_entities, get_gold_entities
from ..doc.relation import Place, Relation, has_relations, place_of
from ..pairs.gold import Pair, gold_relations, related_pairs
from .overlaps import Overlap, find_overlaps
from .settings import PipelineSettings


@dataclass(frozen=True)
class AlignedDoc:
    """Gold doc with its entities and relations in the tokens and windows of a pipeline.

    number (int): Number of the doc in its file, from 1.
    gold (Doc): The gold doc.
    annotated (list[Span]): All annotated entities of the gold doc, in text order: also those of
        the span group "sc" if the pipeline has no span group.
    gold_entities (list[Span]): Entities of the gold doc that the pipeline can learn, in text order.
    gold_relations (list[Relation]): Relations of the gold doc, each once.
    doc (Doc): The same text in the tokens of the pipeline.
    entities (list[Span]): Entities that align with these tokens, in text order.
    misaligned (list[Span]): Gold entities that do not align.
    related (dict[tuple[int, int], list[Relation]]): Gold relations of each pair of `entities`.
    pairs (IntArray): Candidate pairs, as indices of the two entities; empty if the relations are
        unannotated, so that nothing is learned from them. *Shape:* (pairs, 2).
    windows (IntArray | None): Start and end token of each window of the encoder; None if the
        encoder is unknown. *Shape:* (windows, 2).
    """

    number: int
    gold: Doc
    annotated: list[Span]
    gold_entities: list[Span]
    gold_relations: list[Relation]
    doc: Doc
    entities: list[Span]
    misaligned: list[Span]
    related: dict[Pair, list[Relation]]
    pairs: IntArray
    windows: IntArray | None

    @cached_property
    def overlaps(self) -> list[Overlap]:
        """RETURNS (list[Overlap]): Each two annotated entities that overlap."""
        return list(find_overlaps(self.annotated))

    @cached_property
    def lacking(self) -> set[Place]:
        """RETURNS (set[Place]): The annotated entities that the pipeline can't learn, since
        `doc.ents` lacks them.
        """
        return {*map(place_of, self.annotated)} - {*map(place_of, self.gold_entities)}


def align_doc(gold: Doc, settings: PipelineSettings, *, number: int) -> AlignedDoc:
    """Align a gold doc with the tokens and windows of a pipeline.

    gold (Doc): The gold doc.
    settings (PipelineSettings): Settings of the pipeline.
    number (int): Number of the doc in its file.
    RETURNS (AlignedDoc): The aligned doc.
    """
    task = settings.task
    example = _make_example(gold, settings)
    gold_entities = get_gold_entities(gold, task.spans_key)
    entities = example.get_aligned_spans_y2x(
        gold_entities, allow_overlap=task.spans_key is not None
    )
    aligned = {(span.start_char, span.end_char) for span in entities}
    return AlignedDoc(
        number,
        gold,
        _get_annotated(gold, gold_entities, task.spans_key),
        gold_entities,
        gold_relations(task, gold),
        example.predicted,
        entities,
        [span for span in gold_entities if (span.start_char, span.end_char) not in aligned],
        related_pairs(task, example, entities),
        task.candidates(example.predicted, entities if has_relations(gold) else []),
        _find_windows(example.predicted, settings),
    )


def _get_annotated(gold: Doc, gold_entities: list[Span], spans_key: str | None) -> list[Span]:
    if spans_key is not None:
        return gold_entities
    both = {place_of(span): span for span in (*get_entities(gold, SPANS_KEY), *gold_entities)}
    return [span for _, span in sorted(both.items())]


def _make_example(gold: Doc, settings: PipelineSettings) -> Example:
    # A doc made of words without spaces keeps its tokens in training too.
    if not settings.retokenizes or gold.has_unknown_spaces:
        return Example(gold, gold)
    example = Example(settings.nlp(gold.text), gold)
    if gold.has_annotation("SENT_START") and not example.predicted.has_annotation("SENT_START"):
        starts = example.get_aligned_sent_starts()
        for token, is_start in zip(example.predicted, starts, strict=True):
            token.is_sent_start = is_start
    return example


def _find_windows(doc: Doc, settings: PipelineSettings) -> IntArray | None:
    if settings.get_spans is None:
        return None
    [spans] = settings.get_spans([doc])
    return numpy.array([(span.start, span.end) for span in spans], dtype="int64").reshape(-1, 2)
