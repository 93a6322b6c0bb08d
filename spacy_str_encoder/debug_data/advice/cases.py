"""Advice on annotation that can't be learned, or is odd."""

from collections.abc import Iterator
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from ...formats.docs import OVERLAPPING
from ...formats.entities import MISALIGNED
from ..collect import Statistics
from ..split import SplitStatistics
from .wording import Rule, list_splits


class Text(NamedTuple):
    """What to say of a finding.

    of (str): What it is a share of: the name of a count of `SplitStatistics`.
    advice (str): The sentences.
    """

    of: str
    advice: str


TEXTS = {
    "docs_with_unannotated_entities": Text(
        "docs",
        "str_ner learns nothing from docs whose entities nobody annotated: {cases}. If they have "
        "none, say so: doc.set_ents([]).",
    ),
    "docs_with_unannotated_relations": Text(
        "docs",
        "str_rel learns nothing from docs whose relations nobody annotated, and is not scored on "
        "them: {cases}. If they have none, say so: doc._.relations = [].",
    ),
    "misaligned_entities": Text(
        "entities",
        "Entities that begin or end inside of a token can't be found, nor can their relations: "
        "{cases}. Use a tokenizer that cuts there, or mend the annotation.",
    ),
    "entities_of_other_tokens": Text(
        "entities",
        "The pipeline cuts entities into other tokens than the data do, which makes their borders "
        "harder to find: {cases}. If the words of the data are what stands between spaces, set "
        '@tokenizers = "spacy.vi.VietnameseTokenizer" and use_pyvi = false under '
        "[nlp.tokenizer], which cut nowhere else in any language.",
    ),
    "entities_across_windows": Text(
        "entities",
        "Entities that no window of the encoder holds whole have no relations: {cases}. Make the "
        "windows (get_spans) wider, or their stride smaller.",
    ),
    "relations_across_windows": Text(
        "relations",
        "Relations whose entities are in no common window of the encoder are neither learned nor "
        "found: {cases}. Make the windows (get_spans) wider, or their stride smaller.",
    ),
    "relations_not_proposed": Text(
        "relations",
        "Relations whose entities are not among the candidates of str_rel are neither learned nor "
        "found: {cases}. Loosen the candidates, unless this is little.",
    ),
    "relations_of_an_entity_with_itself": Text(
        "relations",
        "Relations that connect an entity with itself are neither learned nor found: {cases}. Look "
        "whether the tail should be another entity.",
    ),
    "relations_of_other_spans": Text(
        "relations",
        "Relations of spans that are not among the entities are neither learned nor found: "
        "{cases}. Annotate these spans as entities too.",
    ),
    "overlapping_entities": Text(
        "entities",
        "Entities that overlap are related as well, but str_ner can't find them: {cases}. A "
        "component before str_rel has to set the span group, such as spancat.",
    ),
    "entities_with_outer_space": Text(
        "entities",
        "str_ner never finds entities that begin or end with white space: {cases}. Leave it out of "
        "the annotation.",
    ),
    "entities_of_punctuation": Text(
        "entities",
        "Entities of punctuation alone are often a slip of the annotation: {cases}. Look at them.",
    ),
}
REMEDIES = {
    MISALIGNED: "Use a tokenizer that cuts there, or mend the annotation.",
    OVERLAPPING: "doc.ents can't hold them. A span group (spans_key) can, if a component before "
    "str_rel sets it, such as spancat.",
}


def _advise_on_losses(statistics: Statistics) -> Iterator[str]:
    """What docs could not hold."""
    reasons = dict.fromkeys(reason for split in statistics.splits.values() for reason in split.lost)
    for reason in reasons:
        cases = ", ".join(
            f"{split.lost[reason].count:,} in {name}"
            for name, split in statistics.splits.items()
            if reason in split.lost
        )
        yield f"Left out, {reason}: {cases}. {REMEDIES.get(reason, '')}".rstrip()


def _advise_on_findings(statistics: Statistics) -> Iterator[str]:
    """What was found that can't be learned, or is odd."""
    for name, text in TEXTS.items():
        count = partial(_count, name)
        if cases := list_splits(statistics, count, attrgetter(text.of)):
            yield text.advice.format(cases=cases)


def _count(name: str, split: SplitStatistics) -> int:
    return split.findings[name].count


RULES: tuple[Rule, ...] = (
    _advise_on_losses,
    _advise_on_findings,
)
