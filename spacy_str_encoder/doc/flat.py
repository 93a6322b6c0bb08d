"""Choose entities that do not overlap."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import exp, log

from spacy.tokens import Span

# Start and end token, and probability.
ScoredPlace = tuple[int, int, float]

# Between probabilities closer to 1 than this, there is no difference.
CERTAIN = 1 / (1 + exp(-15))


def best_without_overlaps(places: Sequence[ScoredPlace]) -> list[int]:
    """Choose the spans without overlaps with the highest total log odds among those that are more
    likely than not. Of equally good choices, the one whose first span starts earlier is taken, or
    has the longer first span, and so on.

    places (Sequence[tuple[int, int, float]]): Start token, end token and probability of each span.
    RETURNS (list[int]): The indices of the chosen spans, in text order.
    """
    likely = [i for i, (_, _, probability) in enumerate(places) if probability > 0.5]
    likely.sort(key=lambda i: (places[i][0], -places[i][1]))
    starts = [places[i][0] for i in likely]
    # What can come after each span, and the best total of each span and all to its right.
    following = [bisect_left(starts, places[i][1]) for i in likely]
    best = [0.0] * (len(likely) + 1)
    for k in reversed(range(len(likely))):
        best[k] = max(best[k + 1], _log_odds(places[likely[k]][2]) + best[following[k]])
    chosen, k = [], 0
    while k < len(likely):
        is_best = _log_odds(places[likely[k]][2]) + best[following[k]] >= best[k + 1]
        if is_best:
            chosen.append(likely[k])
        k = following[k] if is_best else k + 1
    return chosen


def first_without_overlaps(places: Sequence[tuple[int, int]]) -> list[int]:
    """Choose the spans that do not overlap a chosen one that starts earlier, or starts at the same
    place and is longer. Of spans at one place, the first is chosen.

    places (Sequence[tuple[int, int]]): Start and end of each span.
    RETURNS (list[int]): The indices of the chosen spans, in their given order.
    """
    chosen, reached = [], 0
    for i in sorted(range(len(places)), key=lambda i: (places[i][0], -places[i][1])):
        start, end = places[i]
        if start >= reached:
            chosen.append(i)
            reached = end
    return sorted(chosen)


def find_unlearned(entities: Iterable[Span]) -> list[Span]:
    """Find the entities that a tag sequence for each label can't hold.

    entities (Iterable[Span]): The entities of a doc.
    RETURNS (list[Span]): Those that overlap another one of their label that is held: one that
        starts earlier, or is longer. Duplicates count once.
    """
    by_label: dict[str, list[Span]] = defaultdict(list)
    for span in {(span.start, span.end, span.label_): span for span in entities}.values():
        by_label[span.label_].append(span)
    unlearned = []
    for spans in by_label.values():
        held = {*first_without_overlaps([(span.start, span.end) for span in spans])}
        unlearned += [span for i, span in enumerate(spans) if i not in held]
    return sorted(unlearned, key=lambda span: (span.start, span.end))


def _log_odds(probability: float) -> float:
    probability = min(probability, CERTAIN)
    return log(probability / (1 - probability))
