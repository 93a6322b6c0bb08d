"""Settings of a pipeline that affect its data: tokens, windows and candidate pairs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import load_config, load_model_from_config
from thinc.api import Config, ConfigValidationError

from ..doc.languages import check_language_of
from ..formats.docs import make_tokenizer
from ..pairs.task import RelationTask

GetSpans = Callable[[list[Doc]], list[list[Span]]]
ENCODER, ENTITIES, RELATIONS, ATTRIBUTES = "str_encoder", "str_ner", "str_rel", "str_attr"
# A component without training that can set the boundaries that candidate pairs need.
SENTENCES = "sentencizer"
# Components that are needed here, and sourced components, which may be needed.
KEPT = (None, ENCODER, ENTITIES, RELATIONS, ATTRIBUTES, SENTENCES)
# confection's error message for a file that it can't parse.
UNPARSED = re.compile(r"Make sure the sections .*?\bline:? +(\d+)", flags=re.DOTALL)


@dataclass(frozen=True)
class PipelineSettings:
    """Settings of a pipeline that affect its data.

    nlp (Language): Pipeline that tokenizes texts, and sets sentence boundaries if it has a
        sentencizer.
    retokenizes (bool): Whether to tokenize all texts, as in training. Otherwise only texts without
        tokens are tokenized.
    get_spans (Callable[[list[Doc]], list[list[Span]]] | None): Function that cuts docs into the
        windows of the encoder; None if the encoder is unknown.
    tokenizer (PreTrainedTokenizerFast | None): The tokenizer of the encoder; None if there is none,
        or it can't be loaded.
    tokenizer_error (str | None): The reason why it can't be loaded.
    task (RelationTask): Candidate pairs and their possible relations; the classes and triples are
        not known yet.
    observes_schema (bool): Whether candidate pairs are restricted to types that have a relation in
        the training data.
    negative_rate (float): Share of the pairs without a relation to learn from.
    predicts_attributes (bool): Whether the pipeline has a `str_attr`, or is unknown.
    defaults (Mapping[str, str]): The default values of attributes by name.
    """

    nlp: Language
    retokenizes: bool = False
    get_spans: GetSpans | None = None
    tokenizer: Any | None = None
    tokenizer_error: str | None = None
    task: RelationTask = field(default_factory=RelationTask)
    observes_schema: bool = False
    negative_rate: float = 1.0
    predicts_attributes: bool = True
    defaults: Mapping[str, str] = field(default_factory=dict)


def make_settings(lang: str | None = None, *, spans_key: str | None = None) -> PipelineSettings:
    """Create settings without a config.

    lang (str | None): Language of the pipeline. If None, texts without tokens are an error.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (PipelineSettings): The tokenizer of the language, and the defaults of `str_rel`.
    """
    task = RelationTask(spans_key=spans_key)
    return PipelineSettings(make_tokenizer(lang), retokenizes=lang is not None, task=task)


def read_settings(path: Path, overrides: Mapping[str, Any] | None = None) -> PipelineSettings:
    """Read settings from the config of a pipeline, without loading the weights of its encoder.

    path (Path): The config.
    overrides (Mapping[str, Any] | None): Values that override the config, by dotted name of the
        setting.
    RETURNS (PipelineSettings): The settings.
    RAISES (ValueError): If the config is missing or invalid, or lacks `str_encoder` or `str_rel`.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file (--config)")
    try:
        config = load_config(path, overrides=dict(overrides or {}), interpolate=True)
        check_language_of(config)
        nlp = load_model_from_config(_shorten(config), auto_fill=True)
    except ValueError as error:
        raise ValueError(f"{path}: {_describe(error)}") from error
    encoder, relations = (_require_component(nlp, name, path) for name in (ENCODER, RELATIONS))
    entities, attributes = (_find_component(nlp, name) for name in (ENTITIES, ATTRIBUTES))
    nlp.select_pipes(enable=[name for name in nlp.pipe_names if _factory(nlp, name) == SENTENCES])
    tokenizer, tokenizer_error = _load_tokenizer(encoder)
    task = relations.task
    return PipelineSettings(
        nlp,
        retokenizes=True,
        get_spans=partial(encoder.get_windows, tokenizer=tokenizer),
        tokenizer=tokenizer,
        tokenizer_error=tokenizer_error,
        task=replace(task, spans_key=_get_key(entities) or task.spans_key),
        observes_schema=relations.observes_schema,
        negative_rate=relations.negative_rate,
        predicts_attributes=attributes is not None,
        defaults={} if attributes is None else attributes.cfg["defaults"],
    )


def _load_tokenizer(encoder: Any) -> tuple[Any | None, str | None]:
    try:
        return encoder.load_tokenizer(), None
    except ValueError as error:
        return None, str(error)


def _shorten(config: Config) -> Config:
    """Leave out the components that are not needed."""
    components = {
        name: block
        for name, block in config.get("components", {}).items()
        if block.get("factory") in KEPT
    }
    nlp = config.get("nlp", {})
    pipeline = [name for name in nlp.get("pipeline", []) if name in components]
    return Config({"nlp": {**nlp, "pipeline": pipeline}, "components": components})


def _require_component(nlp: Language, factory: str, path: Path) -> Any:
    if (component := _find_component(nlp, factory)) is None:
        raise ValueError(f"{path}: the pipeline must have a component '{factory}', but has none")
    return component


def _find_component(nlp: Language, factory: str) -> Any | None:
    components = (each for name, each in nlp.components if _factory(nlp, name) == factory)
    return next(components, None)


def _get_key(entities: Any | None) -> str | None:
    """RETURNS (str | None): The span group of `str_ner`, which `str_rel` follows."""
    return None if entities is None else entities.cfg["spans_key"]


def _factory(nlp: Language, name: str) -> str:
    return nlp.get_pipe_meta(name).factory


def _describe(error: ValueError) -> str:
    if not isinstance(error, ConfigValidationError):
        return str(error)
    places = [f"{' -> '.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors or []]
    # The error quotes the unparsed line, which may be confidential text.
    if line := UNPARSED.match(str(error.desc)):
        places = [f"line {line[1]} must be a [section] or a setting"]
    return "; ".join(places) or str(error.desc)
