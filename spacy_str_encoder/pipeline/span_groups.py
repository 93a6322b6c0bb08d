"""Check that the components of a pipeline agree on the place of entities."""

import warnings
from collections.abc import Collection, Iterator, Mapping

from spacy.language import Language

from ..doc.entities import name_place

ENTITIES = ("doc.ents", "doc.spans")
RELATIONS = ("doc._.relations",)


def warn_of_other_entities(name: str, nlp: Language, spans_key: str | None) -> None:
    """Warn if no component sets entities where a component reads them, but another place is set.

    name (str): The name of the component.
    nlp (Language): The pipeline, which may be incomplete.
    spans_key (str | None): The span group that the component reads; `doc.ents` if None.
    """
    _warn(name, spans_key, dict(_find_groups(nlp, ENTITIES)))


def warn_of_other_relations(name: str, nlp: Language, spans_key: str | None) -> None:
    """Warn if no component relates the entities that a component reads, but relates others. Without
    relations, this is about entities.

    name (str): The name of the component.
    nlp (Language): The pipeline, which may be incomplete.
    spans_key (str | None): The span group that the component reads; `doc.ents` if None.
    """
    relating = dict(_find_groups(nlp, RELATIONS))
    _warn(name, spans_key, relating or dict(_find_groups(nlp, ENTITIES)))


def _warn(name: str, spans_key: str | None, found: Mapping[str, str | None]) -> None:
    if found and spans_key not in found.values():
        other, key = next(iter(found.items()))
        warnings.warn(
            f"{name} reads entities from {name_place(spans_key)}, but those of {other} are in "
            f"{name_place(key)}. Set spans_key of both to the same value.",
            stacklevel=4,
        )


def _find_groups(nlp: Language, assigned: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """YIELDS (tuple[str, str | None]): Each component that assigns one of these attributes and has
    a `spans_key`, and its value.
    """
    for name, component in nlp.pipeline:
        settings = getattr(component, "cfg", None)
        if not isinstance(settings, Mapping):
            # A span_ruler has no settings, but an attribute.
            settings = getattr(component, "__dict__", {})
        if {*assigned} & {*nlp.get_pipe_meta(name).assigns} and "spans_key" in settings:
            yield name, settings["spans_key"]
