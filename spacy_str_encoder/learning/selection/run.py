"""Selection of texts to annotate next: hard ones, which are not all alike."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from ...archive.annotate import process_entries
from ...archive.sources import Source
from ...doc.plurals import count_noun
from ...files.entries import Entry
from .candidates import Candidates
from .diversity import choose_diverse
from .estimates import ErrorEstimator
from .ranking import Place, Ranking

# A batch is chosen from this many times as many texts, those with the highest scores.
POOL = 5
Track = Callable[[Iterable[Any]], Iterable[Any]]
NO_TEXTS = "the input must have a text that can be annotated, got {read}, {blank} blank{others}"
NOTHING_READ = (
    "the input must have a text that can be annotated, got empty files, or only blank lines"
)
CHANGED = "{name}: the file changed while it was read; run the same command again"


@dataclass(frozen=True)
class Selected:
    """A text to annotate next.

    entry (Entry): The text, with its identifier.
    score (float): The expected number of errors per token, see `Ranking.score`.
    doc (Doc): The predictions of the pipeline.
    """

    entry: Entry
    score: float
    doc: Doc


@dataclass(frozen=True)
class Selection:
    """Texts to annotate next.

    texts (list[Selected]): The texts, those with the highest scores first.
    scored (int): The number of texts that they were chosen from.
    rate (float): The expected number of errors per token in the chosen texts.
    rate_of_all (float): The same in all texts.
    """

    texts: list[Selected]
    scored: int
    rate: float
    rate_of_all: float


def select(
    nlp: Language,
    sources: Sequence[Source],
    candidates: Candidates,
    count: int,
    *,
    batch_size: int = 64,
    track: Track = iter,
) -> Selection:
    """Select texts that a pipeline is expected to make many errors in, and that differ from each
    other. All texts are read once to be scored, and the best of them again, so that memory holds a
    few numbers of each.

    nlp (Language): The pipeline, with a `str_ner`.
    sources (Sequence[Source]): The files to read.
    candidates (Candidates): The reader of their texts, which counts those that are left out.
    count (int): The number of texts to select.
    batch_size (int): The number of texts to annotate at a time.
    track (Callable[[Iterable], Iterable]): Function that shows the progress.
    RETURNS (Selection): The texts; all of them, if there are no more.
    RAISES (ValueError): If the pipeline has no `str_ner`, there is no text, or a file changes while
        it is read.
    """
    estimator = ErrorEstimator(nlp)
    ranking = _rank(estimator, sources, candidates, batch_size=batch_size, track=track)
    scores = ranking.score()
    pool = {ranking.place(i): i for i in ranking.best(POOL * count)}
    encoded = [*_encode(estimator, sources, candidates, pool, batch_size=batch_size)]
    if not encoded:
        raise ValueError(_describe_none(candidates))
    indices, entries, docs, vectors = zip(*encoded, strict=True)
    chosen = choose_diverse([float(scores[i]) for i in indices], vectors, count)
    chosen.sort(key=lambda i: -scores[indices[i]])
    return Selection(
        [Selected(entries[i], float(scores[indices[i]]), docs[i]) for i in chosen],
        len(ranking),
        ranking.rate([indices[i] for i in chosen]),
        ranking.rate(),
    )


def _describe_none(candidates: Candidates) -> str:
    if not candidates.read:
        return NOTHING_READ
    rejected = [*chain.from_iterable(candidates.rejected.values())]
    cases = f" and {len(rejected):,} rejected, such as {rejected[0]}" if rejected else ""
    excluded = f", {candidates.excluded:,} in --exclude" if candidates.excluded else ""
    read = count_noun(candidates.read, "text")
    return NO_TEXTS.format(read=read, blank=f"{candidates.blank:,}", others=excluded + cases)


def _rank(
    estimator: ErrorEstimator,
    sources: Sequence[Source],
    candidates: Candidates,
    *,
    batch_size: int,
    track: Track,
) -> Ranking:
    ranking = Ranking()

    def process() -> Iterator[Any]:
        for number, source in enumerate(sources):
            for entry, estimate in process_entries(
                estimator.estimate,
                candidates.read_new(source),
                batch_size=batch_size,
                reject=partial(candidates.reject, source),
            ):
                yield (number, entry.number), estimate

    for place, estimate in track(process()):
        ranking.add(place, estimate)
    return ranking


def _encode(
    estimator: ErrorEstimator,
    sources: Sequence[Source],
    candidates: Candidates,
    pool: Mapping[Place, int],
    *,
    batch_size: int,
) -> Iterator[tuple[int, Entry, Doc, NDArray[Any]]]:
    """YIELDS (tuple[int, Entry, Doc, NDArray]): The index of a text of the pool, the text, its doc
    and its vector.
    """
    for number, source in enumerate(sources):
        wanted = {place[1]: i for place, i in pool.items() if place[0] == number}
        if source.has_changed():
            raise ValueError(CHANGED.format(name=source.name))
        if wanted:
            for entry, encoded in process_entries(
                estimator.encode,
                candidates.read_again(source, wanted),
                batch_size=batch_size,
                reject=partial(candidates.reject, source),
            ):
                yield wanted[entry.number], entry, *encoded
