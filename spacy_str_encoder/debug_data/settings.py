"""Settings of a pipeline that decide how it sees its data: tokens, windows and candidate pairs."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import load_config, load_model_from_config
from thinc.api import Config, ConfigValidationError

from ..formats.docs import make_tokenizer
from ..pairs.task import RelationTask

GetSpans = Callable[[Sequence[Doc]], list[list[Span]]]
ENCODER, RELATIONS = "str_encoder", "str_rel"
# Needs no training, and may set the boundaries that candidates need.
SENTENCES = "sentencizer"
# The message of confection about a file that it can't parse.
UNPARSED = re.compile(r"Make sure the sections .*?\bline:? +(\d+)", flags=re.DOTALL)


@dataclass(frozen=True)
class PipelineSettings:
    """Settings of a pipeline that matter for its data.

    nlp (Language): Tokenizes texts, and sets sentence boundaries if candidates need them.
    retokenizes (bool): Whether it tokenizes all texts, as in training. Otherwise only those that
        come without tokens.
    get_spans (Callable[[Sequence[Doc]], list[list[Span]]] | None): Cuts docs into the windows of
        the encoder; None if it is not known.
    task (RelationTask): The candidate pairs, and the relations that they may have. Its classes and
        triples are not known yet.
    observes_schema (bool): Whether only pairs are candidates whose types have a relation in the
        training data.
    negative_rate (float): The share of the pairs without a relation that is learned from.
    """

    nlp: Language
    retokenizes: bool = False
    get_spans: GetSpans | None = None
    task: RelationTask = field(default_factory=RelationTask)
    observes_schema: bool = False
    negative_rate: float = 1.0


def make_settings(lang: str | None = None, *, spans_key: str | None = None) -> PipelineSettings:
    """Make settings without a config.

    lang (str | None): The language of the pipeline. If None, texts without tokens are an error.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (PipelineSettings): The settings: that of the language, and the defaults of `str_rel`.
    """
    task = RelationTask(spans_key=spans_key)
    return PipelineSettings(make_tokenizer(lang), retokenizes=lang is not None, task=task)


def read_settings(path: Path, overrides: Mapping[str, Any] | None = None) -> PipelineSettings:
    """Read settings from the config of a pipeline. Its encoder is not loaded.

    path (Path): The config.
    overrides (Mapping[str, Any] | None): Other values, by the name of the setting with dots.
    RETURNS (PipelineSettings): The settings.
    RAISES (ValueError): If the config is not valid, or lacks `str_encoder` or `str_rel`.
    """
    try:
        config = load_config(path, overrides=dict(overrides or {}), interpolate=True)
        nlp = load_model_from_config(_shorten(config), auto_fill=True)
    except ValueError as error:
        raise ValueError(f"{path}: {_describe(error)}") from error
    encoder, relations = (_find_component(nlp, name, path) for name in (ENCODER, RELATIONS))
    nlp.select_pipes(enable=[name for name in nlp.pipe_names if _factory(nlp, name) == SENTENCES])
    return PipelineSettings(
        nlp,
        retokenizes=True,
        get_spans=encoder.get_spans,
        task=relations.task,
        observes_schema=relations.observes_schema,
        negative_rate=relations.negative_rate,
    )


def _shorten(config: Config) -> Config:
    """Keep the components that matter here, and those that are sourced, which may be among them."""
    components = {
        name: block
        for name, block in config.get("components", {}).items()
        if block.get("factory") in (None, ENCODER, RELATIONS, SENTENCES)
    }
    nlp = config.get("nlp", {})
    pipeline = [name for name in nlp.get("pipeline", []) if name in components]
    return Config({"nlp": {**nlp, "pipeline": pipeline}, "components": components})


def _find_component(nlp: Language, factory: str, path: Path) -> Any:
    for name, component in nlp.components:
        if _factory(nlp, name) == factory:
            return component
    raise ValueError(f"{path}: its pipeline has no component '{factory}'")


def _factory(nlp: Language, name: str) -> str:
    return nlp.get_pipe_meta(name).factory


def _describe(error: ValueError) -> str:
    if not isinstance(error, ConfigValidationError):
        return str(error)
    places = [f"{' -> '.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors or []]
    # What can't be parsed is quoted, and may be somebody's text.
    if line := UNPARSED.match(str(error.desc)):
        places = [f"line {line[1]} is neither a [section] nor a setting"]
    return "; ".join(places) or str(error.desc)
