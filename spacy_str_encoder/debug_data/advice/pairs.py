"""Advice on the candidate pairs of str_rel, and on their relations."""

from collections.abc import Iterator
from functools import partial
from operator import attrgetter

from ...doc.plurals import count_noun
from ..collect import Statistics
from ..proposals import propose_constraints
from ..reach import ALL_PAIRS, ALTERNATIVES, CONFIGURED, MAX_DISTANCES, SAME_SENTENCE, Reach
from ..split import SplitStatistics
from .labels import count_new_triples
from .wording import Rule, list_counts, list_splits, percent, share

# From this share on, a label seems to have no direction.
MUTUAL_SHARE = 0.2
# From this share on, it matters that a pair has at most one relation.
SHARED_SHARE = 0.01
# Pairs without a relation to learn from, per pair with one (in the paper 0.9).
FEWEST_NEGATIVES, USUAL_NEGATIVES, MOST_NEGATIVES = 0.5, 5, 10
# Excluding pairs is worthwhile if it excludes many, and if there are enough relations to tell that
# it loses hardly any.
FEWEST_RELATIONS, RELATIONS_SHARE, PAIRS_SHARE = 100, 0.99, 0.75


def _advise_on_mutual_relations(statistics: Statistics) -> Iterator[str]:
    """Advise on labels that many pairs have in both directions."""
    train = statistics.train
    for label, count in train.relation_labels.items():
        mutual = train.count_mutual(label)
        pairs = count - mutual
        if mutual >= MUTUAL_SHARE * pairs:
            yield (
                f"Pairs with the relation {label} in train often have it in both directions "
                f"({mutual:,} of {pairs:,}). If it has no direction, add it to symmetric of "
                "str_rel, which then learns it as one relation."
            )


def _advise_on_shared_pairs(statistics: Statistics) -> Iterator[str]:
    """Advise on relations that are not learned, since their pair has one of another label."""
    train = statistics.train
    together = {names: n for names, n in train.shared_pairs.items() if len(set(names)) > 1}
    lost = sum(count * (len(set(names)) - 1) for names, count in together.items())
    if statistics.settings.task.exclusive and lost > SHARED_SHARE * train.relations:
        listed = list_counts({" + ".join(names): count for names, count in together.items()})
        yield (
            f"{share(lost, train.relations, 'relations of train')} are not learned, since a pair "
            f"has at most one relation. Labels on the same pair: {listed}. Set "
            "components.str_rel.exclusive = false to learn all of them."
        )


def _advise_on_no_negatives(statistics: Statistics) -> Iterator[str]:
    """Advise on data without candidate pairs that have no relation."""
    balance = statistics.balance
    if balance.related and not balance.unrelated:
        yield (
            "All candidate pairs in train have a relation, so str_rel can't learn when there is "
            "none. Add texts with pairs that have no relation."
        )


def _advise_on_many_negatives(statistics: Statistics) -> Iterator[str]:
    """Advise on learning from many pairs without a relation."""
    balance = statistics.balance
    if balance.negatives > MOST_NEGATIVES:
        related = percent(balance.related, balance.related + balance.unrelated)
        yield (
            f"Only {related} of the candidate pairs in train have a relation. With negative_rate "
            f"= {balance.negative_rate:g}, str_rel learns from {balance.negatives:.0f} pairs "
            f"without a relation per pair with one; with {balance.rate_for(USUAL_NEGATIVES):.2g}, "
            f"from {USUAL_NEGATIVES}. Training is then faster and recall higher, but precision "
            "lower. Compare both on dev."
        )


def _advise_on_few_negatives(statistics: Statistics) -> Iterator[str]:
    """Advise on learning from few pairs without a relation, if there are more."""
    balance = statistics.balance
    if balance.related and balance.negatives < FEWEST_NEGATIVES and balance.negative_rate < 1:
        yield (
            f"With negative_rate = {balance.negative_rate:g}, str_rel learns from only "
            f"{balance.negatives:.1f} pairs without a relation per pair with one, and will predict "
            "too many relations. Set components.str_rel.negative_rate = "
            f"{balance.rate_for(USUAL_NEGATIVES):.2g}."
        )


def _advise_on_candidates(statistics: Statistics) -> Iterator[str]:
    """Advise on candidate pairs that cover nearly all relations with far fewer pairs."""
    reach = statistics.train.reach
    every = reach[ALL_PAIRS]
    worthwhile = [name for name in ALTERNATIVES if _is_worthwhile(reach[name], every)]
    if worthwhile and reach[CONFIGURED] == every and every.relations >= FEWEST_RELATIONS:
        best = min(worthwhile, key=lambda name: reach[name].pairs)
        relations = percent(reach[best].relations, every.relations)
        pairs = percent(reach[best].pairs, every.pairs)
        yield (
            f"Use {_name_function(best)} as candidates of str_rel: this covers {relations} of the "
            f"relations of train with {pairs} of the pairs. It is faster, and makes fewer false "
            "relations."
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
    """Advise on an observed schema, if it excludes many pairs and hardly any relations of the other
    splits.
    """
    train, scored = statistics.train, statistics.scored.values()
    candidates, observed = train.reach[CONFIGURED].pairs, statistics.count_observed_pairs(train)
    new = sum(count_new_triples(statistics, split) for split in scored)
    is_safe = new <= (1 - RELATIONS_SHARE) * sum(split.relations for split in scored)
    if statistics.settings.observes_schema or not is_safe or train.relations < FEWEST_RELATIONS:
        return
    if observed <= PAIRS_SHARE * candidates:
        yield (
            f"Only {percent(observed, candidates)} of the candidate pairs in train have types that "
            'are ever related there. Set components.str_rel.schema = "observed" to exclude all '
            "others: this is faster and makes fewer false relations, but never predicts a relation "
            "between other types."
        )


def _advise_on_broken_constraints(statistics: Statistics) -> Iterator[str]:
    """Advise on relations that break a constraint of the pipeline."""
    for name in statistics.settings.task.constraints:
        count = partial(_count_breaking, name)
        if cases := list_splits(statistics.splits, count, attrgetter("relations")):
            yield (
                f"Relations break the constraint '{name}': {cases}. They are learned, but can't "
                "all be predicted. Fix the annotation, or remove the constraint."
            )


def _count_breaking(name: str, split: SplitStatistics) -> int:
    return split.breaking[name].count if name in split.breaking else 0


def _advise_on_constraints(statistics: Statistics) -> Iterator[str]:
    """Advise on constraints that no relation breaks."""
    if proposals := propose_constraints(statistics):
        best = max(proposals, key=lambda each: each.evidence.open)
        cases = f"{best.evidence.cases:,}"
        yield (
            f"Relations never break {count_noun(len(proposals), 'constraint')}, such as "
            f"{best.constraint.label}: {best.words} (in {cases} of {cases}). Predictions that do "
            "are probably wrong. To keep only the most probable ones that don't, add the lines "
            "below to the config, before training or after, and compare both on dev."
        )


def _advise_on_config(statistics: Statistics) -> Iterator[str]:
    """Advise on a config."""
    if statistics.settings.get_spans is None:
        yield "Add --config to check the windows and candidate pairs of your pipeline too."


RULES: tuple[Rule, ...] = (
    _advise_on_mutual_relations,
    _advise_on_shared_pairs,
    _advise_on_no_negatives,
    _advise_on_many_negatives,
    _advise_on_few_negatives,
    _advise_on_candidates,
    _advise_on_schema,
    _advise_on_broken_constraints,
    _advise_on_constraints,
    _advise_on_config,
)
