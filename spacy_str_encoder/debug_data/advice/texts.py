"""Advice on docs: how many there are, and which occur again."""

from collections.abc import Iterator

from ..collect import Statistics
from .wording import Rule, percent, share

# With fewer docs there is little to learn from.
FEWEST_DOCS = 100
# With fewer relations, scores say little.
FEWEST_RELATIONS = 100


def _advise_on_nothing(statistics: Statistics) -> Iterator[str]:
    """Which parts have no entities, or no relations."""
    key = statistics.settings.task.spans_key
    place = "doc.ents" if key is None else f"the span group '{key}'"
    for name, split in statistics.splits.items():
        if not split.entities:
            yield f"{name} has no entities in {place}: there is nothing to relate."
        elif not split.relations:
            yield (
                f"{name} has no relations. Were they set (doc._.relations), and was the DocBin "
                "saved with store_user_data=True?"
            )


def _advise_on_leaks(statistics: Statistics) -> Iterator[str]:
    """Which parts have texts of another one."""
    leaks = [
        f"{share(repeats.docs.count, statistics.splits[name].docs, f'texts of {name}')} in {other}"
        for (name, other), repeats in statistics.repeats.items()
        if name != other
    ]
    if leaks:
        yield (
            f"Texts are in two parts of the data: {', '.join(leaks)}. Scores will be too good. "
            "Leave them out, or divide all data anew: spacy-str-encoder convert --split keeps "
            "equal texts together."
        )


def _advise_on_contradictions(statistics: Statistics) -> Iterator[str]:
    """How many texts are annotated in two ways."""
    found = {
        f"in {name}" if name == other else f"in {name} and {other}": repeats.annotated_otherwise
        for (name, other), repeats in statistics.repeats.items()
        if repeats.annotated_otherwise.count
    }
    if found:
        counts = ", ".join(f"{finding.count:,} {place}" for place, finding in found.items())
        first = next(iter(found.values())).examples[0]
        yield f"The same text has different annotations: {counts}, such as {first}. Unify them."


def _advise_on_size(statistics: Statistics) -> Iterator[str]:
    """Which parts are small."""
    if 0 < statistics.train.docs < FEWEST_DOCS:
        yield (
            f"train has {statistics.train.docs} docs, which is little to learn from: scores will "
            "differ from one seed to the next."
        )
    for name, split in statistics.scored.items():
        if 0 < split.relations < FEWEST_RELATIONS:
            yield (
                f"{name} has {split.relations} relations: each is {percent(1, split.relations)} "
                "of the recall, so that small differences of scores mean nothing."
            )


def _advise_on_docs_without_relations(statistics: Statistics) -> Iterator[str]:
    """That there are none in the training data, if so."""
    train = statistics.train
    if train.relations and not train.findings["docs_without_relations"].count:
        yield (
            "No text of train is annotated as having no relation. If the texts that the pipeline "
            "is for are not like that, add some without: otherwise it finds too many."
        )


RULES: tuple[Rule, ...] = (
    _advise_on_nothing,
    _advise_on_leaks,
    _advise_on_contradictions,
    _advise_on_size,
    _advise_on_docs_without_relations,
)
