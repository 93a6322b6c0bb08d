"""Facts about a pipeline that a card lists."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from thinc.api import Model

from ..files.whole import measure
from ..loading import (
    ATTRIBUTES,
    ENTITIES,
    RELATIONS,
    entity_group,
    find_components,
    find_encoders,
    read_labels,
)

# What components assign, by the kind of annotations.
ASSIGNED = {
    "entities": (ENTITIES, "doc.spans"),
    "relations": (RELATIONS,),
    "attributes": (ATTRIBUTES,),
}


@dataclass(frozen=True)
class Facts:
    """Facts about a pipeline.

    meta (Mapping[str, Any]): Its meta data.
    labels (dict[str, list[str]]): The labels by kind; attributes by name.
    predicts (list[str]): The kinds of annotations that its components set.
    spans_key (str | None): The span group that holds the entities; None for `doc.ents`.
    parameters (dict[str, int]): The parameters of each component that has some of its own.
    calibration (dict[str, list[str]]): Of each component, the temperature and the threshold that
        change its scores or predictions.
    encoders (list[str]): A description of each encoder.
    size (int): The size of its files in bytes.
    """

    meta: Mapping[str, Any]
    labels: dict[str, list[str]]
    predicts: list[str]
    spans_key: str | None
    parameters: dict[str, int]
    calibration: dict[str, list[str]]
    encoders: list[str]
    size: int


def describe(nlp: Language) -> Facts:
    """Collect the facts about a pipeline.

    nlp (Language): The pipeline, loaded from a folder or package.
    RETURNS (Facts): The facts.
    """
    entities, relations, attributes, _ = read_labels(nlp)
    kinds = {"entities": entities, "relations": relations}
    return Facts(
        meta=nlp.meta,
        labels={**kinds, **{f"attribute {name}": values for name, values in attributes.items()}},
        predicts=[kind for kind, names in ASSIGNED.items() if _has_component(nlp, names)],
        spans_key=entity_group(nlp),
        parameters=dict(count_parameters(nlp)),
        calibration={name: [*_describe_scores(each)] for name, each in nlp.pipeline},
        encoders=[*_describe_encoders(nlp)],
        size=measure(nlp.path),
    )


def _has_component(nlp: Language, assigned: Iterable[str]) -> bool:
    return any(True for name in assigned for _ in find_components(nlp, name))


def count_parameters(nlp: Language) -> Iterator[tuple[str, int]]:
    """Count the parameters of the components of a pipeline, each once.

    nlp (Language): The pipeline.
    YIELDS (tuple[str, int]): The name and the number of parameters of each component. Those that it
        shares with an earlier one are not counted again.
    """
    seen: set[int] = set()
    for name, component in nlp.pipeline:
        model = getattr(component, "model", None)
        nodes = {node.id: node for node in model.walk()} if isinstance(model, Model) else {}
        yield name, sum(_count_own(node) for key, node in nodes.items() if key not in seen)
        seen.update(nodes)


def _count_own(node: Model) -> int:
    """Count the parameters of a node, without those of its layers, which are nodes too."""
    arrays = [node.get_param(name) for name in node.param_names if node.has_param(name)]
    modules: list[Any] = [shim._model for shim in node.shims]
    tensors = [tensor for module in modules for tensor in module.parameters()]
    return sum(array.size for array in arrays) + sum(tensor.numel() for tensor in tensors)


def _describe_scores(component: Any) -> Iterator[str]:
    # Without an effect: a temperature of 1, and no threshold.
    settings = {"temperature": 1, "threshold": None}
    values = {name: getattr(component, name, settings[name]) for name in settings}
    yield from (f"{name} {each:g}" for name, each in values.items() if each != settings[name])


def _describe_encoders(nlp: Language) -> Iterator[str]:
    config = nlp.config.interpolate()["components"]
    for name, shim in find_encoders(nlp):
        settings = config[name]["model"]
        encoder = shim._model.config
        parts = [
            f"{encoder.model_type}, {encoder.num_hidden_layers} layers of width "
            f"{encoder.hidden_size}, {encoder.vocab_size:,} pieces"
        ]
        if given := settings.get("name"):
            parts.insert(0, _without_folder(given))
        if focus_layers := settings.get("focus_layers"):
            parts.append(f"of which {focus_layers} run again for each pair")
        yield f"`{name}`: {', '.join(parts)}"


def _without_folder(name: str) -> str:
    # A folder of the machine where it was trained is nobody's business.
    return Path(name).name if Path(name).is_absolute() else name
