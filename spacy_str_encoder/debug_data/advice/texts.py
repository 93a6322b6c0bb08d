"""Advice on docs: their number, and texts that occur more than once."""

from collections.abc import Iterator

from ...doc.plurals import count_noun
from ...doc.token_fit import describe_misfit
from ...formats.entities import UNCONNECTED
from ..collect import TRAIN, Statistics
from .wording import Rule, percent, share

# Fewer docs are little to learn from.
FEWEST_DOCS = 100
# With fewer relations, scores are too noisy.
FEWEST_RELATIONS = 100
# Encoders of the language of a text need 1 to 2 pieces per token, and know nearly all of them.
MOST_PIECES = 3
MOST_UNKNOWN = 0.02
ALONE = " To learn entities alone, remove str_rel from the pipeline."


def _advise_on_nothing(statistics: Statistics) -> Iterator[str]:
    """Advise on splits without entities or relations."""
    key = statistics.settings.task.spans_key
    place, remedy = "doc.ents", "Add them"
    if key is not None:
        place, remedy = f"the span group '{key}'", f"Convert the data with --spans-key {key}"
    for name, split in statistics.fitting.items():
        if not split.tokens:
            yield f"{name} has no texts, so nothing can be learned or scored. Choose another file."
        elif not split.entities:
            yield f"{name} has no entities in {place}. {remedy}, or change spans_key of str_ner."
        elif not split.relations and UNCONNECTED not in split.lost:
            yield (
                f"{name} has no relations. Set doc._.relations, and save the DocBin with "
                f"store_user_data=True.{ALONE if name == TRAIN else ''}"
            )


def _advise_on_language(statistics: Statistics) -> Iterator[str]:
    """Advise on texts of another language."""
    settings = statistics.settings
    fits = {name: split.fit for name, split in statistics.splits.items()}
    misfit = describe_misfit(fits, lang=settings.nlp.lang if settings.retokenizes else None)
    if misfit is not None:
        yield misfit


def _advise_on_leaks(statistics: Statistics) -> Iterator[str]:
    """Advise on texts that are in two splits."""
    leaks = [
        f"{share(repeats.docs.count, statistics.splits[name].docs, f'texts of {name}')} are in "
        f"{other}"
        for (name, other), repeats in statistics.repeats.items()
        if name != other
    ]
    if leaks:
        yield (
            f"Splits share texts: {', '.join(leaks)}. Scores will be too high. Remove these texts "
            "from one split, or split all data again: spacy-str-encoder convert --split keeps "
            "equal texts together."
        )


def _advise_on_contradictions(statistics: Statistics) -> Iterator[str]:
    """Advise on texts that are annotated in two ways."""
    found = {
        f"in {name}" if name == other else f"in {name} and {other}": repeats.annotated_otherwise
        for (name, other), repeats in statistics.repeats.items()
        if repeats.annotated_otherwise.count
    }
    if found:
        counts = ", ".join(f"{finding.count:,} {place}" for place, finding in found.items())
        first = next(iter(found.values())).examples[0]
        yield f"Equal texts have different annotations: {counts}, such as {first}. Unify them."


def _advise_on_size(statistics: Statistics) -> Iterator[str]:
    """Advise on small splits."""
    if 0 < statistics.train.docs < FEWEST_DOCS:
        yield (
            f"train has {count_noun(statistics.train.docs, 'doc')}, which is little to learn from: "
            "scores will vary between seeds. Annotate more texts, or compare several seeds."
        )
    for name, split in statistics.scored.items():
        if 0 < split.relations < FEWEST_RELATIONS:
            yield (
                f"{name} has {count_noun(split.relations, 'relation')}: each is "
                f"{percent(1, split.relations)} of the recall. Annotate more texts, or "
                "ignore small differences in scores."
            )


def _advise_on_pieces(statistics: Statistics) -> Iterator[str]:
    """Advise on an encoder that does not suit the texts."""
    train = statistics.train
    if statistics.settings.tokenizer_error is not None:
        yield f"The pieces of the encoder were not counted: {statistics.settings.tokenizer_error}"
    if train.pieces > MOST_PIECES * train.tokens:
        yield (
            f"The encoder reads {train.pieces / train.tokens:.1f} pieces per token of train; 1 to "
            "2 are usual. It may not have been made for this language or kind of text, and its "
            "windows hold fewer tokens. Choose an encoder that was pretrained on such texts."
        )
    if train.unknown_pieces > MOST_UNKNOWN * train.pieces:
        unknown = share(train.unknown_pieces, train.pieces, "pieces of train")
        yield (
            f"The encoder does not know {unknown}: it can't tell one from another. Choose an "
            "encoder whose vocabulary covers the language of your texts."
        )


def _advise_on_docs_without_relations(statistics: Statistics) -> Iterator[str]:
    """Advise on training data without docs that have no relations."""
    train = statistics.train
    if train.relations and not train.findings["docs_without_relations"].count:
        yield (
            "All annotated docs in train have relations. If some of your texts have none, add such "
            "texts to train: otherwise str_rel predicts too many relations."
        )


RULES: tuple[Rule, ...] = (
    _advise_on_nothing,
    _advise_on_language,
    _advise_on_leaks,
    _advise_on_contradictions,
    _advise_on_size,
    _advise_on_pieces,
    _advise_on_docs_without_relations,
)
