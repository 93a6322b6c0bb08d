"""Problems of a corpus with which training is hopeless."""

from collections.abc import Iterator, Mapping

from ..doc.entities import name_place
from ..doc.token_fit import describe_misfit
from .counts import CorpusCounts
from .trained import TrainedParts


def find_problems(
    corpora: Mapping[str, CorpusCounts], trained: TrainedParts, *, lang: str | None
) -> Iterator[str]:
    """Find the problems with which nothing can be learned or scored.

    corpora (Mapping[str, CorpusCounts]): Counts of each corpus by name.
    trained (TrainedParts): The components that are trained.
    lang (str | None): The language of the pipeline.
    YIELDS (str): A sentence on each problem: one for each cause.
    """
    for name, counts in corpora.items():
        if not counts.docs:
            yield f"{name} has no texts. Choose another file, or convert the annotations again."
    if misfit := describe_misfit({name: each.fit for name, each in corpora.items()}, lang=lang):
        yield misfit
    for name, counts in corpora.items():
        # All else follows from the former.
        if counts.docs and not counts.fit.is_other_language:
            yield from _find_missing_entities(name, counts, trained)
            yield from _find_missing_relations(name, counts, trained)


def _find_missing_entities(name: str, counts: CorpusCounts, trained: TrainedParts) -> Iterator[str]:
    place = name_place(trained.spans_key)
    others = [f"{count:,} in {other}" for other, count in counts.places.items() if count]
    if trained.entities is None or counts.places[place]:
        return
    if not others:
        yield (
            f"{name} has no entities, but {trained.entities} is trained. Set {place}, or convert "
            "the annotations again."
        )
    elif trained.spans_key is None:
        yield (
            f"{name} has no entities in doc.ents, but {', '.join(others)}. Set spans_key of "
            f"{trained.entities} to this span group."
        )
    else:
        yield (
            f"{name} has no entities in {place} (spans_key), but {', '.join(others)}. Convert the "
            f"annotations with --spans-key {trained.spans_key}, or correct spans_key of "
            f"{trained.entities}; without a span group, it is null."
        )


def _find_missing_relations(
    name: str, counts: CorpusCounts, trained: TrainedParts
) -> Iterator[str]:
    if trained.relations is None or counts.relations:
        return
    if counts.misaligned_relations:
        yield (
            f"All relations of {name} are of entities that do not align with words. Use a "
            "tokenizer that splits there, or correct the annotation."
        )
    else:
        yield (
            f"{name} has no relations, but {trained.relations} is trained. Set doc._.relations, "
            "and save the DocBin with store_user_data=True. To learn entities alone, remove "
            f"{trained.relations} from the pipeline, or freeze it."
        )
