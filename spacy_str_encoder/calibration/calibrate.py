"""Sets the temperatures of a pipeline, and its threshold."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypedDict, cast

import numpy
from spacy.language import Language
from spacy.tokens import Doc

from ..doc.plurals import count_noun
from ..doc.temperatures import scale_odds
from ..evaluation.outcomes import Outcomes
from ..evaluation.report import make_report
from ..evaluation.runs import Track, find_outcomes, no_track
from ..evaluation.scored import Scored, collect, collect_given_entities
from ..evaluation.scores import Scores
from ..loading import ATTRIBUTES, ENTITIES, RELATIONS, find_components
from .choice import Choice
from .temperature import FEWEST, fit_temperature

# Relations of pairs that are not exclusive are looked at from this score on.
LOWEST_THRESHOLD = 0.05


class CalibrationReport(TypedDict):
    """Temperatures and threshold that were set, and the scores that they lead to.

    docs (int): The number of docs.
    temperatures (dict[str, float]): The temperature of each component that has one.
    is_chosen (bool): Whether the threshold of relations was chosen.
    threshold (float | None): The threshold of relations.
    notes (list[str]): Why a component keeps its temperature.
    before (Scores): The scores before.
    after (Scores): The scores on the same docs afterwards.
    """

    docs: int
    temperatures: dict[str, float]
    is_chosen: bool
    threshold: float | None
    notes: list[str]
    before: Scores
    after: Scores


def calibrate(
    nlp: Language, docs: Sequence[Doc], choice: Choice, *, track: Track = no_track
) -> CalibrationReport:
    """Set the temperatures of a pipeline, so that its scores are probabilities, and choose the
    threshold of its relations, if wanted. Without a choice, it predicts the same as before. With
    another threshold, the meta data lose the scores of relations in training, which no longer hold.

    nlp (Language): The pipeline, which is changed.
    docs (Sequence[Doc]): Gold docs that it was not trained on.
    choice (Choice): The aim of the threshold.
    track (Track): Shows the progress.
    RETURNS (CalibrationReport): The settings, and the scores before and after.
    RAISES (ValueError): If no component has a temperature, or no threshold can be chosen.
    """
    components = _find_adjustable(nlp)
    run = partial(find_outcomes, nlp, docs, track=track)
    before = proposed = run()
    if choice:
        earlier = getattr(components.get(RELATIONS), "threshold", None)
        proposed = _choose_threshold(components.get(RELATIONS), choice, run, before)
        if components[RELATIONS].threshold != earlier:
            _drop_relation_scores(nlp)
    scored = {
        ENTITIES: collect(before.entities),
        RELATIONS: collect(proposed.relations_gold_entities),
        ATTRIBUTES: collect(before.attributes_gold_entities),
    }
    notes = [_fit(component, scored[assigned]) for assigned, component in components.items()]
    report = make_report(run(), before)
    return {
        "docs": len(docs),
        "temperatures": {each.name: each.temperature for each in components.values()},
        "is_chosen": bool(choice),
        "threshold": getattr(components.get(RELATIONS), "threshold", None),
        "notes": [note for note in notes if note],
        "before": cast(Scores, report["other"]),
        "after": report["model"],
    }


def _find_adjustable(nlp: Language) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The last component with a temperature that assigns each."""
    found = {
        assigned: component
        for assigned in (ENTITIES, RELATIONS, ATTRIBUTES)
        for _, component in find_components(nlp, assigned)
        if hasattr(component, "temperature")
    }
    if not found:
        raise ValueError("the pipeline must have str_ner, str_rel or str_attr, got none of them")
    return found


def _choose_threshold(
    component: Any, choice: Choice, run: Callable[[], Outcomes], before: Outcomes
) -> Outcomes:
    """Set the threshold.

    component (Any): The component that predicts relations; None for none.
    choice (Choice): The aim of the threshold.
    run (Callable[[], Outcomes]): Runs the pipeline.
    before (Outcomes): The outcomes with the present threshold.
    RETURNS (Outcomes): The outcomes of all relations that the threshold was chosen from.
    RAISES (ValueError): If there are no relations, or no threshold has the precision.
    """
    if component is None:
        raise ValueError("a threshold needs a str_rel, and the pipeline has none")
    earlier = component.threshold
    component.threshold = None if component.cfg["exclusive"] else LOWEST_THRESHOLD
    try:
        proposed = before if component.threshold == earlier else run()
        gold = sum(len(outcome.gold) for outcome in proposed.relations)
        if not gold:
            raise ValueError("a threshold needs annotated relations, and the docs have none")
        threshold = choice.find(collect_given_entities(proposed.relations), gold=gold)
    except ValueError:
        component.threshold = earlier
        raise
    if threshold is not None:
        component.threshold = threshold
    return proposed


def _drop_relation_scores(nlp: Language) -> None:
    scores = nlp.meta.get("performance") or {}
    kept = {name: score for name, score in scores.items() if not name.startswith("rels_")}
    nlp.meta["performance"] = kept


def _fit(component: Any, scored: Scored) -> str | None:
    """Set the temperature of a component. Its threshold follows, so that it predicts the same.

    component (Any): The component.
    scored (Scored): The scores of its predictions.
    RETURNS (str | None): Why it keeps its temperature, if it does.
    """
    threshold = getattr(component, "threshold", None)
    temperature = fit_temperature(scored)
    if temperature is None:
        counted = f"{count_noun(len(scored), 'score')}, {int(scored.correct.sum()):,} correct"
        return (
            f"{component.name} keeps its temperature: at least {FEWEST} scores are needed, some of "
            f"them of wrong predictions, got {counted}."
        )
    component.temperature *= temperature
    if threshold is not None:
        component.threshold = float(scale_odds(numpy.array(threshold), temperature))
    return None
