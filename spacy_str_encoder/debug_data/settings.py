"""What decides how a pipeline sees its data: its tokens, windows, and candidate pairs."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import load_config, load_model_from_config
from thinc.api import Config, ConfigValidationError

from ..formats.docs import make_tokenizer
from ..pairs.candidates import Candidates, all_pairs

GetSpans = Callable[[Sequence[Doc]], list[list[Span]]]
ENCODER, RELATIONS = "str_encoder", "str_rel"
# Needs no training, and may set what candidates ask for.
SENTENCES = "sentencizer"
# What confection says of a file that it can't parse.
UNPARSED = re.compile(r"Make sure the sections .*?\bline:? +(\d+)", flags=re.DOTALL)


@dataclass(frozen=True)
class Settings:
    """What of a pipeline matters for its data.

    nlp (Language): Finds tokens, and sentences if candidates need them.
    retokenizes (bool): Whether it does so with all texts, as in training. Otherwise only those that
        come without tokens get some.
    get_spans (Callable[[Sequence[Doc]], list[list[Span]]] | None): Cuts docs into the windows of
        the encoder; None if it is not known.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    candidates (Candidates): Proposes the pairs that are asked about.
    observes_schema (bool): Whether only pairs are asked about whose types have a relation in the
        training data.
    symmetric (tuple[str, ...]): The labels whose relations have no direction.
    exclusive (bool): Whether a pair has one relation at most.
    negative_rate (float): The share of the pairs without a relation that is learned from.
    """

    nlp: Language
    retokenizes: bool = False
    get_spans: GetSpans | None = None
    spans_key: str | None = None
    candidates: Candidates = all_pairs
    observes_schema: bool = False
    symmetric: tuple[str, ...] = ()
    exclusive: bool = True
    negative_rate: float = 1.0


def make_settings(lang: str | None = None, *, spans_key: str | None = None) -> Settings:
    """Make settings without a config.

    lang (str | None): The language of the pipeline. If None, texts without tokens are an error.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (Settings): The settings: that of the language, and the defaults of `str_rel`.
    """
    return Settings(make_tokenizer(lang), retokenizes=lang is not None, spans_key=spans_key)


def read_settings(path: Path, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read settings from the config of a pipeline. Its encoder is not loaded.

    path (Path): The config.
    overrides (Mapping[str, Any] | None): Other values, by the name of the setting with dots.
    RETURNS (Settings): The settings.
    RAISES (ValueError): If the config is not valid, or lacks `str_encoder` or `str_rel`.
    """
    try:
        config = load_config(path, overrides=dict(overrides or {}), interpolate=True)
        nlp = load_model_from_config(_shorten(config), auto_fill=True)
    except ValueError as error:
        raise ValueError(f"{path}: {_describe(error)}") from error
    encoder, relations = (_find_component(nlp, name, path) for name in (ENCODER, RELATIONS))
    nlp.select_pipes(enable=[name for name in nlp.pipe_names if _factory(nlp, name) == SENTENCES])
    return Settings(
        nlp,
        retokenizes=True,
        get_spans=encoder.model.attrs["get_spans"],
        spans_key=relations.cfg["spans_key"],
        candidates=relations.candidates,
        observes_schema=relations.observes_schema,
        symmetric=tuple(relations.cfg["symmetric"]),
        exclusive=relations.cfg["exclusive"],
        negative_rate=relations.negative_rate,
    )


def _shorten(config: Config) -> Config:
    """Keep what is asked for here, and components that are sourced, which may be that too."""
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
