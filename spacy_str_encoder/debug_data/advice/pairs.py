"""Advice on the pairs of entities that str_rel asks about, and what it says of them."""

from collections.abc import Iterator

from ..collect import Statistics
from ..reach import ALL_PAIRS, ALTERNATIVES, CONFIGURED, MAX_DISTANCES, SAME_SENTENCE, Reach
from .labels import count_new_triples
from .wording import Rule, list_counts, percent, share

# From here on a label looks as if it had no direction.
MUTUAL_SHARE = 0.2
# From here on it matters that a pair has one relation at most.
SHARED_SHARE = 0.01
# The pairs without a relation that are learned from, for each with one (in the paper 0.9).
FEWEST_NEGATIVES, USUAL_NEGATIVES, MOST_NEGATIVES = 0.5, 5, 10
# Pairs are worth leaving out if many are, and by all that enough relations say hardly one is lost.
FEWEST_RELATIONS, RELATIONS_SHARE, PAIRS_SHARE = 100, 0.99, 0.75


def _advise_on_mutual_relations(statistics: Statistics) -> Iterator[str]:
    """The labels that many pairs have in both directions."""
    train = statistics.train
    for label, count in train.relation_labels.items():
        mutual = train.count_mutual(label)
        pairs = count - mutual
        if mutual >= MUTUAL_SHARE * pairs:
            yield (
                f"{mutual:,} of the {pairs:,} pairs of train with the relation {label} have it in "
                "both directions. If it has no direction, name it in symmetric of str_rel: it is "
                "then learned as one relation."
            )


def _advise_on_shared_pairs(statistics: Statistics) -> Iterator[str]:
    """How many relations are not learned, as their pair has one of another label."""
    train = statistics.train
    together = {names: n for names, n in train.shared_pairs.items() if len(set(names)) > 1}
    lost = sum(count * (len(set(names)) - 1) for names, count in together.items())
    if statistics.settings.task.exclusive and lost > SHARED_SHARE * train.relations:
        listed = list_counts({" + ".join(names): count for names, count in together.items()})
        yield (
            f"{share(lost, train.relations, 'relations of train')} are not learned, since a pair "
            f"has one relation at most. Together are {listed}. With exclusive = false all are "
            "learned."
        )


def _advise_on_no_negatives(statistics: Statistics) -> Iterator[str]:
    """That there is no pair without a relation, if so."""
    balance = statistics.balance
    if balance.related and not balance.unrelated:
        yield (
            "All pairs that str_rel asks about in train have a relation, so that it can't learn "
            "that two entities have none. Add texts in which some have none."
        )


def _advise_on_many_negatives(statistics: Statistics) -> Iterator[str]:
    """That many pairs without a relation are learned from, if so."""
    balance = statistics.balance
    if balance.negatives > MOST_NEGATIVES:
        related = percent(balance.related, balance.related + balance.unrelated)
        yield (
            f"Only {related} of the pairs that str_rel asks about in train have a relation. With "
            f"negative_rate = {balance.negative_rate:g} it learns from {balance.negatives:.0f} "
            f"others for each; {balance.rate_for(USUAL_NEGATIVES):.2g} would leave "
            f"{USUAL_NEGATIVES}. Training is faster then, and more relations are found, but more "
            "wrong ones too: compare both on dev."
        )


def _advise_on_few_negatives(statistics: Statistics) -> Iterator[str]:
    """That few pairs without a relation are learned from, if more could be."""
    balance = statistics.balance
    if balance.related and balance.negatives < FEWEST_NEGATIVES and balance.negative_rate < 1:
        yield (
            f"With negative_rate = {balance.negative_rate:g}, str_rel learns from "
            f"{balance.negatives:.1f} pairs without a relation for each that has one, and will "
            f"find relations where there are none. Use {balance.rate_for(USUAL_NEGATIVES):.2g}."
        )


def _advise_on_candidates(statistics: Statistics) -> Iterator[str]:
    """Candidates that reach nearly all relations with far fewer pairs."""
    reach = statistics.train.reach
    every = reach[ALL_PAIRS]
    worthwhile = [name for name in ALTERNATIVES if _is_worthwhile(reach[name], every)]
    if worthwhile and reach[CONFIGURED] == every and every.relations >= FEWEST_RELATIONS:
        best = min(worthwhile, key=lambda name: reach[name].pairs)
        relations = percent(reach[best].relations, every.relations)
        pairs = percent(reach[best].pairs, every.pairs)
        yield (
            f"With {_name_function(best)} for candidates, str_rel reaches {relations} of the "
            f"relations of train by {pairs} of the pairs: it is faster, and takes no others for "
            "related."
        )


def _is_worthwhile(reach: Reach, every: Reach) -> bool:
    return (
        reach.docs == every.docs
        and reach.relations >= RELATIONS_SHARE * every.relations
        and reach.pairs <= PAIRS_SHARE * every.pairs
    )


def _name_function(name: str) -> str:
    if name == SAME_SENTENCE:
        return "spacy-str-encoder.same_sentence.v1 (and a component that sets sentences)"
    return f"spacy-str-encoder.max_distance.v1 (tokens = {MAX_DISTANCES[name]})"


def _advise_on_schema(statistics: Statistics) -> Iterator[str]:
    """That the types of many pairs are never related, if hardly a relation that is
    scored is of such types.
    """
    train, scored = statistics.train, statistics.scored.values()
    asked, observed = train.reach[CONFIGURED].pairs, statistics.count_observed_pairs(train)
    new = sum(count_new_triples(statistics, split) for split in scored)
    is_safe = new <= (1 - RELATIONS_SHARE) * sum(split.relations for split in scored)
    if statistics.settings.observes_schema or not is_safe or train.relations < FEWEST_RELATIONS:
        return
    if observed <= PAIRS_SHARE * asked:
        yield (
            f"Only {percent(observed, asked)} of the pairs in train are of types that have a "
            f'relation there. schema = "observed" asks about no others, which is faster, and '
            "finds fewer wrong relations. It can't find relations between types that train lacks."
        )


def _advise_on_config(statistics: Statistics) -> Iterator[str]:
    """That more could be said."""
    if statistics.settings.get_spans is None:
        yield "With --config, the windows and candidates of the pipeline are looked at too."


RULES: tuple[Rule, ...] = (
    _advise_on_mutual_relations,
    _advise_on_shared_pairs,
    _advise_on_no_negatives,
    _advise_on_many_negatives,
    _advise_on_few_negatives,
    _advise_on_candidates,
    _advise_on_schema,
    _advise_on_config,
)
