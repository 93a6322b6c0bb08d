"""Components that are trained, and what they learn."""

from dataclasses import dataclass
from typing import Any

from spacy.language import Language

ENTITIES, RELATIONS = "str_ner", "str_rel"


@dataclass(frozen=True)
class TrainedParts:
    """Components that are trained.

    entities (str | None): Name of the `str_ner` that is trained, if any.
    relations (str | None): Name of the `str_rel` that is trained, if any.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    labels (frozenset[str]): Labels that the components already have, from an earlier training.
    """

    entities: str | None
    relations: str | None
    spans_key: str | None
    labels: frozenset[str]


def find_trained(nlp: Language) -> TrainedParts:
    """Find the components that are trained.

    nlp (Language): The pipeline. spaCy has disabled sourced components until training begins.
    RETURNS (TrainedParts): The components that are neither frozen nor disabled in the config.
    """
    config = nlp.config
    skipped = {*config["training"]["frozen_components"], *config["nlp"]["disabled"]}
    own = [name for name in nlp.component_names if _factory(nlp, name) in (ENTITIES, RELATIONS)]
    trained = {_factory(nlp, name): name for name in own if name not in skipped}
    components: list[Any] = list(map(nlp.get_pipe, own))
    keys = (component.cfg["spans_key"] for component in components)
    return TrainedParts(
        trained.get(ENTITIES),
        trained.get(RELATIONS),
        next((key for key in keys if key is not None), None),
        frozenset(label for component in components for label in component.labels),
    )


def _factory(nlp: Language, name: str) -> str:
    return nlp.get_pipe_meta(name).factory
